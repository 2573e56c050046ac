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
  /// The names of all tensors, sorted by their bytes, without what wrappers put before them (`module.`, `_orig_mod.`).
  package let names: [String]
  /// What an adapter puts in the place of some of the tensors, or adds to them.
  let adapter: AdapterWeights?
  private let tensors: [String: Tensor]

  /// What weights are looked for under, in the order of the reference library.
  private static let forms: [(file: String, index: String, type: any TensorFile.Type)] = [
    (FileName.weights, FileName.weightsIndex, SafetensorsFile.self),
    (FileName.pickledWeights, FileName.pickledWeightsIndex, PyTorchFile.self),
  ]

  /// Whether the folder has weights under one of the names that are looked for.
  static func exist(in folder: String) throws(CheckpointError) -> Bool {
    for form in forms {
      if try isThere(folder + "/" + form.file) { return true }
      if try isThere(folder + "/" + form.index) { return true }
    }
    return false
  }

  /// Opens `model.safetensors`, or else the shards of `model.safetensors.index.json`, or else those of `pytorch_model.bin`.
  ///
  /// - Parameter named: the file or index to open instead, a name below the folder (`transformers_weights` of `config.json`).
  package init(folder: String, named: JSONValue? = nil) throws(CheckpointError) {
    try self.init(folder: folder, named: named, adapter: nil)
  }

  init(folder: String, named: JSONValue?, adapter: Adapter?) throws(CheckpointError) {
    self.folder = folder
    self.adapter = adapter?.openWeights()
    let found: [String: Tensor]
    if let named, named != .null {
      (fileNames, found) = try Self.open(named, of: folder)
    } else {
      (fileNames, found) = try Self.open(folder)
    }
    do throws(CheckpointError.Fault) { tensors = try unwrapped(found) } catch {
      throw CheckpointError(path: folder + "/" + (fileNames.first ?? ""), fault: error)
    }
    names = tensors.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  private static func open(_ folder: String) throws(CheckpointError) -> ([String], [String: Tensor]) {
    for form in forms {
      if try isThere(folder + "/" + form.file) { return try open(form.type, form.file, of: folder) }
      if try isThere(folder + "/" + form.index) {
        return try openShards(form.type, index: folder + "/" + form.index, of: folder)
      }
    }
    let names = forms.flatMap { [$0.file, $0.index] }
    guard let others = OtherWeights(in: folder) else { throw CheckpointError(path: folder, fault: .missingFile(lookedFor: names)) }
    throw CheckpointError(path: folder, fault: .otherWeights(lookedFor: names, found: others.found, remedy: others.remedy))
  }

  private static func open(_ value: JSONValue, of folder: String) throws(CheckpointError) -> ([String], [String: Tensor]) {
    guard let name = value.string, name.hasSuffix(".safetensors") || name.hasSuffix(".safetensors.index.json"),
      !name.hasPrefix("/"), !name.split(separator: "/").contains("..")
    else {
      throw CheckpointError(
        path: folder + "/" + FileName.configuration,
        fault: .value(
          place: "transformers_weights", expected: "the name of a .safetensors file or of its index in the folder", found: value.text()))
    }
    if name.hasSuffix(".json") { return try openShards(SafetensorsFile.self, index: folder + "/" + name, of: folder) }
    return try open(SafetensorsFile.self, name, of: folder)
  }

  private static func open(
    _ type: any TensorFile.Type, _ name: String, of folder: String
  ) throws(CheckpointError) -> ([String], [String: Tensor]) {
    let file = try type.init(path: folder + "/" + name)
    return ([name], Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0) }))
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

/// The tensors under their names without the parts that wrappers of modules put in: `module` of DataParallel and
/// DistributedDataParallel, `_orig_mod` of torch.compile. No family has parts of these names. A name that is there without
/// them keeps its tensor.
private func unwrapped(_ tensors: [String: Tensor]) throws(CheckpointError.Fault) -> [String: Tensor] {
  var result: [String: Tensor] = [:]
  var wrapped: [(name: String, tensor: Tensor)] = []
  for (name, tensor) in tensors {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    let kept = parts.filter { $0 != "module" && $0 != "_orig_mod" }
    if kept.count == parts.count { result[name] = tensor } else { wrapped.append((kept.joined(separator: "."), tensor)) }
  }
  let plain = Set(result.keys)
  for (name, tensor) in wrapped {
    if plain.contains(name) { result[tensor.name] = tensor; continue }
    guard result.updateValue(tensor, forKey: name) == nil else { throw .duplicateTensor(name) }
  }
  return result
}

/// Where each name is; names are the same if Unicode has them so, whatever their bytes.
func positionsByName(_ tensors: [Tensor]) throws(CheckpointError.Fault) -> [String: Int] {
  var positions: [String: Int] = [:]
  for (position, tensor) in tensors.enumerated() {
    guard positions.updateValue(position, forKey: tensor.name) == nil else { throw .duplicateTensor(tensor.name) }
  }
  return positions
}
