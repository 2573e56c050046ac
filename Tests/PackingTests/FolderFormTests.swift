import Checkpoints
import Encoders
import JSON
import Martlet
import Packing
import Storage
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// What lies in folders that people load, against the table in the README of Checkpoints: each of its rows is made here, and is
/// served or refused with the words that it says.
@Suite struct FolderFormTests {
  /// A row of the table: what lies there, whether it is served, and the words in backquotes of its last column, all of which a
  /// refusal has.
  private struct Row {
    let what: String
    let isServed: Bool
    let words: [String]
  }

  private func rows() throws -> [Row] {
    let text = String(decoding: try readFile(fixture("../../Sources/Checkpoints/README.md")), as: UTF8.self)
    let lines = text.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst(2)
    return lines.map { line in
      let cells = line.split(separator: "|").map { $0.trimmed }
      let parts = cells[2].split(separator: "`", omittingEmptySubsequences: false)
      return Row(what: cells[0], isServed: cells[1] == "yes", words: parts.indices.filter { $0 % 2 == 1 }.map { String(parts[$0]) })
    }
  }

  /// Makes what a row says below a folder and gives the path to open; the base of an adapter, if one is to be given.
  private typealias Maker = @Sendable (String) throws -> (path: String, base: String?)

  private static let makers: [String: Maker] = [
    "safetensors, one file or shards with an index": { _ in (fixture("tiny-bert-sharded-f16"), nil) },
    "`pytorch_model.bin`, one file or shards, of PyTorch 1.6 and later": { _ in (fixture("tiny-bert-pickled"), nil) },
    "`pytorch_model.bin` of before PyTorch 1.6": { folder in
      try model(in: folder, without: "model.safetensors") { path, tensors in
        try write(sequence(tensors), to: path + "/pytorch_model.bin")
      }
    },
    "another file named by `transformers_weights` in `config.json`": { folder in
      try model(in: folder, without: "model.safetensors", set: ["transformers_weights": "other.safetensors"]) { path, _ in
        try write(fixtureBytes("tiny-bert/model.safetensors"), to: path + "/other.safetensors")
      }
    },
    "names with `module.` or `_orig_mod.` in them": { folder in
      try withTensors(in: folder) { tensors in tensors.map { ("module._orig_mod." + $0.name, $0.shape, $0.values) } }
    },
    "names of another model": { folder in
      try withTensors(in: folder) { tensors in tensors.map { ("model." + $0.name, $0.shape, $0.values) } }
    },
    "a head of another task": { folder in
      try withTensors(in: folder, set: ["architectures": ["BertForTokenClassification"]]) { tensors in
        tensors.filter { !$0.name.contains("pooler") }
      }
    },
    "a training checkpoint (`torch.save` of a dictionary with the tensors in it)": { folder in
      try model(in: folder, without: "model.safetensors") { path, _ in
        try write(fixtureBytes("pytorch/nested-sequence.bin"), to: path + "/pytorch_model.bin")
      }
    },
    "a whole module (`torch.save(model)`)": { folder in
      try model(in: folder, without: "model.safetensors") { path, _ in
        try write(fixtureBytes("pytorch/module.bin"), to: path + "/pytorch_model.bin")
      }
    },
    "safetensors called `.bin`": { folder in
      try model(in: folder, without: "model.safetensors") { path, _ in
        try write(fixtureBytes("tiny-bert/model.safetensors"), to: path + "/pytorch_model.bin")
      }
    },
    "a file of `torch.save` called `.safetensors`": { folder in
      try model(in: folder) { path, _ in
        try write(fixtureBytes("tiny-bert-pickled/pytorch_model.bin"), to: path + "/model.safetensors")
      }
    },
    "a Git LFS pointer in place of any file": { folder in
      try model(in: folder) { path, _ in
        try write("version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 9\n", to: path + "/model.safetensors")
      }
    },
    "an HTML page in place of any file": { folder in
      try model(in: folder) { path, _ in try write("\n<!DOCTYPE html>\n<html></html>\n", to: path + "/tokenizer.json") }
    },
    "a server's answer in place of any file": { folder in
      try model(in: folder) { path, _ in try write("Entry not found", to: path + "/config.json") }
    },
    "TensorFlow's or Flax's weights alone": { folder in
      try model(in: folder, without: "model.safetensors") { path, _ in try write("x", to: path + "/tf_model.h5") }
    },
    "ONNX, OpenVINO or GGUF alone": { folder in
      try model(in: folder, without: "model.safetensors") { path, _ in try write("x", to: path + "/model.onnx") }
    },
    "weights under another name alone": { folder in
      try model(in: folder, without: "model.safetensors") { path, _ in try write("x", to: path + "/model.fp16.safetensors") }
    },
    "`quantization_config` in `config.json`": { folder in
      try model(in: folder, set: ["quantization_config": ["quant_method": "bitsandbytes", "load_in_8bit": true]]) { _, _ in }
    },
    "`auto_map` in `config.json` (code of its own, which is never run)": { folder in
      try model(in: folder, set: ["auto_map": ["AutoModel": "modeling.Model"]]) { path, _ in try write("", to: path + "/modeling.py") }
    },
    "a repository of the Hugging Face cache (`models--ORG--NAME`)": { folder in
      let path = folder + "/models--example--tiny"
      try makeDirectory(path + "/blobs")
      try makeDirectory(path + "/refs")
      try write("0a1b\n", to: path + "/refs/main")
      for snapshot in ["0a1b", "ffff"] { try makeDirectory(path + "/snapshots/" + snapshot) }
      for name in try listDirectory(fixture("tiny-bert")) {
        try write(fixtureBytes("tiny-bert/" + name), to: path + "/blobs/" + name)
        #expect(symlink("../../blobs/" + name, path + "/snapshots/0a1b/" + name) == 0)
      }
      return (path, nil)
    },
    "a symbolic link to what is not there": { folder in
      try model(in: folder, without: "model.safetensors") { path, _ in
        #expect(symlink("../../blobs/0a1b", path + "/model.safetensors") == 0)
      }
    },
    "a folder of sentence-transformers (`modules.json`)": { folder in
      try write(#"[{"idx": 0, "name": "0", "path": "model", "type": "sentence_transformers.models.Transformer"}]"#, to: folder + "/modules.json")
      _ = try model(in: folder) { _, _ in }
      return (folder, nil)
    },
    "a folder with models in folders below": { folder in
      _ = try model(in: folder) { _, _ in }
      return (folder, nil)
    },
    "a LoRA adapter of PEFT, its base given or a folder here": { _ in (fixture("adapters/plain"), fixture("tiny-bert")) },
    "a LoRA adapter whose base is not here": { _ in (fixture("adapters/plain"), nil) },
    "an adapter of DoRA or of another method": { folder in
      let path = folder + "/adapter"
      try makeDirectory(path)
      try write(fixtureBytes("adapters/plain/adapter_model.safetensors"), to: path + "/adapter_model.safetensors")
      var object = try #require(fixtureJSON("adapters/plain/adapter_config.json").object)
      object["use_dora"] = true
      try write(JSONValue.object(object).text(), to: path + "/adapter_config.json")
      return (path, fixture("tiny-bert"))
    },
  ]

  @Test func theTableIsTrue() throws {
    let rows = try rows()
    #expect(Set(rows.map(\.what)) == Set(Self.makers.keys))
    for row in rows {
      guard let maker = Self.makers[row.what] else { continue }
      try withTemporaryFolder { folder in
        let (path, base) = try maker(folder)
        var options = PackingOptions()
        options.weights = .fp32
        do {
          let classifier = try Classifier(bundle: pack(CheckpointFolder(path: path, base: base), options: options).writeToMemory(), threads: 1)
          _ = try classifier.classify("the plot is dull")
          #expect(row.isServed, "\(row.what) was opened")
        } catch {
          #expect(!row.isServed, "\(row.what): \(error)")
          for words in row.words { #expect("\(error)".contains(words), "\(row.what): \(error)") }
          #expect(!"\(error)".contains("\n") && "\(error)".contains(base == nil ? path : folder), "\(row.what): \(error)")
          #expect(!row.words.isEmpty, "\(row.what): a refusal without words")
        }
      }
    }
  }

  /// The weights of a folder in every form are the same.
  @Test func formsOfOneModel() throws {
    let expected = try Classifier(bundle: packed("tiny-bert", .fp32), threads: 1).classify("the plot is dull").logits
    for what in [
      "`pytorch_model.bin` of before PyTorch 1.6", "names with `module.` or `_orig_mod.` in them",
      "another file named by `transformers_weights` in `config.json`", "a repository of the Hugging Face cache (`models--ORG--NAME`)",
      "a folder of sentence-transformers (`modules.json`)",
    ] {
      let maker = try #require(Self.makers[what])
      try withTemporaryFolder { folder in
        let path = try maker(folder).path
        let found = try Classifier(bundle: packedModel(path, .fp32).writeToMemory(), threads: 1).classify("the plot is dull").logits
        #expect(found == expected, "\(what)")
      }
    }
  }

  /// What a snapshot of the cache may be wrong in.
  @Test func cachesThatAreNotWhole() throws {
    try withTemporaryFolder { folder in
      func failure(_ reference: String?) throws -> String {
        if let reference { try write(reference, to: folder + "/refs/main") }
        do { _ = try CheckpointFolder(path: folder) } catch { return "\(error)" }
        return "no error"
      }
      try makeDirectory(folder + "/snapshots")
      try makeDirectory(folder + "/refs")
      #expect(try failure(nil).contains("snapshots: expected one, or one that refs/main names, found none"))
      for name in ["a", "b"] { try makeDirectory(folder + "/snapshots/" + name) }
      #expect(try failure(nil).contains("found a, b"))
      for reference in ["c", "", "../snapshots/a", ".."] { #expect(try failure(reference).contains("refs/main: snapshot: expected a folder")) }
      #expect(try failure("a").contains("expected config.json"))
    }
  }
}

/// A copy of `tiny-bert` in `folder/model`, changed.
private func model(
  in folder: String, without file: String? = nil, set values: [String: JSONValue] = [:],
  _ change: (String, [(name: String, shape: [Int], values: [Float])]) throws -> Void
) throws -> (path: String, base: String?) {
  let path = folder + "/model"
  var edited = try EditableFolder()
  for (key, value) in values { edited.set(key, value) }
  try edited.write(to: path)
  if let file { try removeTree(path + "/" + file) }
  try change(path, edited.tensors.map { ($0, $1.shape, $1.values) })
  return (path, nil)
}

/// The same with other tensors.
private func withTensors(
  in folder: String, set values: [String: JSONValue] = [:],
  _ change: ([(name: String, shape: [Int], values: [Float])]) -> [(String, [Int], [Float])]
) throws -> (path: String, base: String?) {
  var edited = try EditableFolder()
  for (key, value) in values { edited.set(key, value) }
  let changed = change(edited.tensors.map { ($0, $1.shape, $1.values) })
  edited.tensors = Dictionary(uniqueKeysWithValues: changed.map { ($0.0, ($0.1, $0.2)) })
  try edited.write(to: folder + "/model")
  return (folder + "/model", nil)
}

/// A file of before PyTorch 1.6: a magic number, a version, facts, a dictionary, keys, and each storage.
private func sequence(_ tensors: [(name: String, shape: [Int], values: [Float])]) -> [UInt8] {
  func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
  func number(_ value: Int) -> [UInt8] { bytes("J") + littleEndian(Int32(value)) }
  func string(_ text: String) -> [UInt8] { bytes("X") + littleEndian(UInt32(text.utf8.count)) + bytes(text) }
  func sizes(_ sizes: [Int]) -> [UInt8] { bytes("(") + sizes.flatMap(number) + bytes("t") }
  let start: [UInt8] = [0x80, 2]
  let magic: [UInt8] = [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
  var (dictionary, keys, storages): ([UInt8], [UInt8], [UInt8]) = ([], [], [])
  for (index, tensor) in tensors.enumerated() {
    let strides = tensor.shape.indices.map { tensor.shape[($0 + 1)...].reduce(1, *) }
    dictionary += string(tensor.name) + bytes("ctorch._utils\n_rebuild_tensor_v2\n((") + string("storage") + bytes("ctorch\nFloatStorage\n")
    dictionary += string("\(index)") + string("cpu") + number(tensor.values.count) + bytes("NtQ") + number(0)
    dictionary += sizes(tensor.shape) + sizes(strides) + [0x89] + bytes("ccollections\nOrderedDict\n)RtR")
    keys += string("\(index)")
    storages += littleEndian(Int64(tensor.values.count)) + tensor.values.flatMap { littleEndian($0.bitPattern) }
  }
  return start + magic + bytes(".") + start + number(1001) + bytes(".") + start + bytes("}.") + start + bytes("}(") + dictionary + bytes("u.")
    + start + bytes("](") + keys + bytes("e.") + storages
}

private func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] { withUnsafeBytes(of: number.littleEndian) { Array($0) } }

extension Substring {
  fileprivate var trimmed: String {
    var text = self
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
