import JSON
import Storage

/// A file of named tensors.
protocol TensorFile: Sendable {
  init(path: String) throws(CheckpointError)
  var tensors: [Tensor] { get }
  subscript(name: String) -> Tensor? { get }
}

/// The weights of a checkpoint folder: one file of tensors, or several with an index.
package struct CheckpointWeights: Sendable {
  package let folder: String
  /// The files that hold the tensors, by name.
  package let fileNames: [String]
  /// The names of all tensors, sorted by their bytes.
  package let names: [String]
  private let tensors: [String: Tensor]

  /// What weights are looked for under, in the order of the reference library.
  private static let forms: [(file: String, index: String, type: any TensorFile.Type)] = [
    (FileName.weights, FileName.weightsIndex, SafetensorsFile.self),
    (FileName.pickledWeights, FileName.pickledWeightsIndex, PyTorchFile.self),
  ]

  /// Opens `model.safetensors`, or else the shards of `model.safetensors.index.json`, or else those of `pytorch_model.bin`.
  package init(folder: String) throws(CheckpointError) {
    self.folder = folder
    func has(_ name: String) -> Bool { fileExists(folder + "/" + name) }
    guard let form = Self.forms.first(where: { has($0.file) || has($0.index) }) else {
      throw CheckpointError(path: folder, fault: .missingFile(lookedFor: Self.forms.flatMap { [$0.file, $0.index] }))
    }
    if has(form.file) {
      fileNames = [form.file]
      let file = try form.type.init(path: folder + "/" + form.file)
      tensors = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0) })
    } else {
      (fileNames, tensors) = try Self.openShards(form.type, index: folder + "/" + form.index, of: folder)
    }
    names = tensors.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The tensor of exactly that name.
  package subscript(name: String) -> Tensor? { tensors[name] }

  /// What the index maps is what there is: a tensor that a shard holds beside that is not seen.
  private static func openShards(
    _ type: any TensorFile.Type, index path: String, of folder: String
  ) throws(CheckpointError) -> ([String], [String: Tensor]) {
    let index = try readJSON(path)
    guard let map = index["weight_map"]?.object?.entries else {
      throw CheckpointError(
        path: path, fault: .value(place: "weight_map", expected: "an object of file names", found: "none"))
    }
    var shards: [String: any TensorFile] = [:]
    var tensors: [String: Tensor] = [:]
    for (name, value) in map {
      // A shard lies beside its index; a path would read elsewhere.
      guard let file = value.string, !file.isEmpty, !file.utf8.contains(UInt8(ascii: "/")), file != ".." else {
        throw CheckpointError(
          path: path, fault: .value(place: "weight_map, \(name)", expected: "a file name", found: value.description))
      }
      if shards[file] == nil { shards[file] = try type.init(path: folder + "/" + file) }
      guard let tensor = shards[file]?[name] else {
        throw CheckpointError(path: folder + "/" + file, fault: .missingTensor(lookedFor: [name]))
      }
      tensors[name] = tensor
    }
    return (shards.keys.sorted(), tensors)
  }
}

/// Where each name is; names are the same if Unicode has them so, whatever their bytes.
func positionsByName(_ tensors: [Tensor]) throws(CheckpointError.Fault) -> [String: Int] {
  var positions: [String: Int] = [:]
  for (position, tensor) in tensors.enumerated() {
    guard positions.updateValue(position, forKey: tensor.name) == nil else { throw .duplicateTensor(tensor.name) }
  }
  return positions
}
