import Bundles
import Checkpoints
import Encoders
import JSON
import Martlet
import Packing
import Records
import Storage
import TestSupport
import Testing
import WeightFormats

#if canImport(Glibc)
  import Glibc
#endif

/// A fixture packed, in memory.
func packed(
  _ folder: String = "tiny-bert", _ weights: WeightFormat = .int8, _ codec: CodecPolicy = .mapped
) throws -> Bundle {
  try packedModel(fixture(folder), weights, codec).writeToMemory()
}

func packedModel(
  _ path: String, _ weights: WeightFormat = .int8, _ codec: CodecPolicy = .mapped
) throws -> PackedModel {
  var options = PackingOptions()
  options.weights = weights
  options.codec = codec
  return try pack(CheckpointFolder(path: path), options: options)
}

/// The error that packing a folder ends in, nil when it works.
func failure(packing path: String) -> (any Error)? {
  do {
    _ = try packedModel(path)
    return nil
  } catch {
    return error
  }
}

/// All parameters of a model as a source gives them, by name; what it lacks is absent.
func parameters(_ source: some ParameterSource, _ blueprint: Blueprint) throws -> [String: [Float]] {
  var parameters: [String: [Float]] = [:]
  for parameter in blueprint.parameters {
    var values = [Float](repeating: .nan, count: parameter.count)
    let isThere = try values.withUnsafeMutableBufferPointer { try source.read(parameter, into: $0) }
    if isThere { parameters[parameter.name] = values }
  }
  return parameters
}

/// A copy of `tiny-bert` to be broken: its tensors and small files, written out again with changes.
struct EditableFolder {
  var tensors: [String: (shape: [Int], values: [Float])] = [:]
  var configuration: JSONValue
  var files: [String: [UInt8]] = [:]

  init() throws {
    let source = try CheckpointFolder(path: fixture("tiny-bert"))
    configuration = source.configuration
    for name in source.carriedFileNames where name != "config.json" { files[name] = try source.read(name) }
    let weights = try source.openWeights()
    for name in weights.names {
      let tensor = try #require(weights[name])
      var values = [Float](repeating: 0, count: tensor.shape.reduce(1, *))
      try values.withUnsafeMutableBufferPointer { try tensor.readFloat32(into: $0) }
      tensors[name] = (tensor.shape, values)
    }
  }

  /// Sets a value of `config.json`, or removes it.
  mutating func set(_ key: String, _ value: JSONValue?) {
    var object = configuration.object!
    object[key] = value
    configuration = .object(object)
  }

  func write(to path: String) throws {
    let outputs = tensors.map { name, tensor in
      OutputTensor(name: name, shape: tensor.shape) { $0.update(from: tensor.values, count: tensor.values.count) }
    }
    try writeCheckpointFolder(
      path, configuration: configuration, tensors: outputs, files: files.map { CarriedFile(name: $0, bytes: $1) })
  }
}

/// Runs `body` with the path of a changed copy of `tiny-bert`.
func withEdited<Result>(_ edit: (inout EditableFolder) throws -> Void, _ body: (String) throws -> Result) throws -> Result {
  try withTemporaryFolder { folder in
    var edited = try EditableFolder()
    try edit(&edited)
    try edited.write(to: folder + "/edited")
    return try body(folder + "/edited")
  }
}

func labelled(_ rows: [(text: String, label: String)]) throws -> LabelledDataset {
  let lines = rows.map { row in
    JSONValue.object(JSONObject([("text", .string(row.text)), ("label", .string(row.label))])).text() + "\n"
  }
  return try LabelledDataset(source: RecordSource(name: "rows", bytes: Array(lines.joined().utf8)), format: .jsonl)
}

func write(_ bytes: [UInt8], to path: String) throws {
  let file = try FileDescriptor(opening: path, flags: O_WRONLY | O_CREAT | O_TRUNC)
  try bytes.withUnsafeBytes { try file.write($0) }
}

func write(_ text: String, to path: String) throws { try write(Array(text.utf8), to: path) }
