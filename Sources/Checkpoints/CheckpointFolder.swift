import JSON
import Storage

/// The file names of a Hugging Face folder.
enum FileName {
  static let configuration = "config.json"
  static let weights = "model.safetensors"
  static let weightsIndex = "model.safetensors.index.json"
  static let pickledWeights = "pytorch_model.bin"
  static let pickledWeightsIndex = "pytorch_model.bin.index.json"

  /// The small files that make a folder whole again beside its weights.
  static let carried = [
    configuration, "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt", "sentencepiece.bpe.model", "spiece.model", "spm.model",
  ]
  /// Those of a tokenizer.
  static let tokenizers = carried.filter { $0 != configuration }
  static let maximumCarriedSize = 256 << 20
}

/// A Hugging Face folder: configuration read, weights and tokenizer files on demand.
package struct CheckpointFolder: Sendable {
  /// The folder that holds `config.json`: the one that was named, or one that it leads to (`FolderLayout`).
  package let path: String
  /// `config.json` as it is; what it means is the business of the encoder families.
  package let configuration: JSONValue
  /// Where the tokenizer's files are: of an adapter in its own folder, if it brings any.
  private let tokenizerPath: String
  private let adapter: Adapter?

  /// - Parameters:
  ///   - path: a folder, also a repository of the Hugging Face cache, of sentence-transformers, or an adapter of the PEFT library.
  ///   - base: the folder of the model that an adapter was made for; the one that the adapter names if nil.
  package init(path: String, base: String? = nil) throws(CheckpointError) {
    try self.init(path: path, base: base, mayBeAdapter: true)
  }

  private init(path: String, base: String?, mayBeAdapter: Bool) throws(CheckpointError) {
    let folder = try FolderLayout.resolve(path)
    if mayBeAdapter, let adapter = try Adapter(folder: folder) {
      let model = try Self(path: adapter.baseFolder(base), base: nil, mayBeAdapter: false)
      self.path = model.path
      configuration = adapter.configuration(of: model.configuration)
      let bringsTokenizer = FileName.tokenizers.contains { fileExists(folder + "/" + $0) }
      tokenizerPath = bringsTokenizer ? folder : model.tokenizerPath
      self.adapter = adapter
      return
    }
    self.path = folder
    tokenizerPath = folder
    adapter = nil
    let file = folder + "/" + FileName.configuration
    configuration = try readJSON(file)
    guard configuration.object != nil else {
      throw CheckpointError(
        path: file, fault: .value(place: "configuration", expected: "a JSON object", found: "another value"))
    }
  }

  /// Opens the weights; the folder may have none and still be read.
  package func openWeights() throws(CheckpointError) -> CheckpointWeights {
    if let quantization = configuration["quantization_config"], quantization != .null {
      throw CheckpointError(
        path: path + "/" + FileName.configuration,
        fault: .quantized(method: quantization["quant_method"]?.string ?? "a method without a name"))
    }
    return try CheckpointWeights(folder: path, named: configuration["transformers_weights"], adapter: adapter)
  }

  /// The configuration and tokenizer files that are there, of a fixed list.
  package var carriedFileNames: [String] { FileName.carried.filter { fileExists(location($0)) } }

  /// A small file of the folder, nil when there is none.
  package func read(_ name: String) throws(CheckpointError) -> [UInt8]? {
    let file = location(name)
    guard try isThere(file) else { return nil }
    return try readSmallFile(file)
  }

  /// A small JSON file of the folder, parsed; nil when there is none.
  package func readDocument(_ name: String) throws(CheckpointError) -> JSONValue? {
    let file = location(name)
    guard try isThere(file) else { return nil }
    return try readJSON(file)
  }

  private func location(_ name: String) -> String { (name == FileName.configuration ? path : tokenizerPath) + "/" + name }
}

/// Whether there is a file; a symbolic link to nothing is refused.
func isThere(_ path: String) throws(CheckpointError) -> Bool {
  if fileExists(path) { return true }
  if let target = symbolicLinkTarget(path) { throw CheckpointError(path: path, fault: .danglingLink(target: target)) }
  return false
}

/// A file of configuration or of a tokenizer; what stands in place of one that was not fetched is refused.
private func readSmallFile(_ path: String) throws(CheckpointError) -> [UInt8] {
  let bytes = try refusing(path) { () throws(FileError) in try readFile(path, limit: FileName.maximumCarriedSize) }
  do throws(CheckpointError.Fault) { try bytes.content.requireFetched() } catch { throw CheckpointError(path: path, fault: error) }
  // Room for what it is parsed to.
  do throws(OutOfMemory) { try requireMemory(bytes.count.memory(times: parsedTimes)) } catch {
    throw CheckpointError(path: path, fault: .outOfMemory(error))
  }
  return bytes
}

/// What parsing takes at most, times the size of the file.
let parsedTimes = 12

/// A JSON file, parsed.
func readJSON(_ path: String) throws(CheckpointError) -> JSONValue {
  let bytes = try readSmallFile(path)
  do throws(JSONError) { return try JSONValue(parsing: bytes) } catch {
    throw CheckpointError(path: path, fault: .json("\(error)"))
  }
}
