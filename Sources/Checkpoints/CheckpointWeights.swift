import JSON
import Storage

/// The weights of a checkpoint folder: one safetensors file, or several with an index.
package struct CheckpointWeights: Sendable {
  package let folder: String
  /// The files that hold the tensors, by name.
  package let fileNames: [String]
  /// The names of all tensors, sorted by their bytes.
  package let names: [String]
  private let tensors: [String: Tensor]

  /// Opens `model.safetensors`, or else the shards of `model.safetensors.index.json`.
  package init(folder: String) throws(CheckpointError) {
    self.folder = folder
    if fileExists(folder + "/" + FileName.weights) {
      fileNames = [FileName.weights]
      let file = try SafetensorsFile(path: folder + "/" + FileName.weights)
      tensors = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0) })
    } else if fileExists(folder + "/" + FileName.weightsIndex) {
      (fileNames, tensors) = try Self.openShards(of: folder)
    } else if let pickle = FileName.pickles.first(where: { fileExists(folder + "/" + $0) }) {
      throw CheckpointError(path: folder, fault: .pickledWeights(pickle))
    } else {
      throw CheckpointError(path: folder, fault: .missingFile(lookedFor: [FileName.weights, FileName.weightsIndex]))
    }
    names = tensors.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The tensor of exactly that name.
  package subscript(name: String) -> Tensor? { tensors[name] }

  /// What the index maps is what there is: a tensor that a shard holds beside that is not seen.
  private static func openShards(of folder: String) throws(CheckpointError) -> ([String], [String: Tensor]) {
    let path = folder + "/" + FileName.weightsIndex
    let index = try readJSON(path)
    guard let map = index["weight_map"]?.object?.entries else {
      throw CheckpointError(
        path: path, fault: .value(place: "weight_map", expected: "an object of file names", found: "none"))
    }
    var shards: [String: SafetensorsFile] = [:]
    var tensors: [String: Tensor] = [:]
    for (name, value) in map {
      // A shard lies beside its index; a path would read elsewhere.
      guard let file = value.string, !file.isEmpty, !file.utf8.contains(UInt8(ascii: "/")), file != ".." else {
        throw CheckpointError(
          path: path, fault: .value(place: "weight_map, \(name)", expected: "a file name", found: value.text()))
      }
      if shards[file] == nil { shards[file] = try SafetensorsFile(path: folder + "/" + file) }
      guard let tensor = shards[file]?[name] else {
        throw CheckpointError(path: folder + "/" + file, fault: .missingTensor(lookedFor: [name]))
      }
      tensors[name] = tensor
    }
    return (shards.keys.sorted(), tensors)
  }
}
