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
  static let maximumCarriedSize = 256 << 20
}

/// A Hugging Face folder: configuration read, weights and tokenizer files on demand.
package struct CheckpointFolder: Sendable {
  package let path: String
  /// `config.json` as it is; what it means is the business of the encoder families.
  package let configuration: JSONValue
  package init(path: String) throws(CheckpointError) {
    guard isDirectory(path) else {
      guard fileExists(path) else {
        throw CheckpointError(path: path, fault: .file(FileError(path: path, operation: "open", code: 2)))
      }
      throw CheckpointError(path: path, fault: .notAFolder)
    }
    let file = path + "/" + FileName.configuration
    guard fileExists(file) else {
      throw CheckpointError(path: path, fault: .missingFile(lookedFor: [FileName.configuration]))
    }
    self.path = path
    configuration = try readJSON(file)
    guard configuration.object != nil else {
      throw CheckpointError(
        path: file, fault: .value(place: "configuration", expected: "a JSON object", found: "another value"))
    }
  }

  /// Opens the weights; the folder may have none and still be read.
  package func openWeights() throws(CheckpointError) -> CheckpointWeights { try CheckpointWeights(folder: path) }

  /// The configuration and tokenizer files that are there, of a fixed list.
  package var carriedFileNames: [String] { FileName.carried.filter { fileExists(path + "/" + $0) } }

  /// A small file of the folder, nil when there is none.
  package func read(_ name: String) throws(CheckpointError) -> [UInt8]? {
    let file = path + "/" + name
    guard fileExists(file) else { return nil }
    return try refusing(file) { () throws(FileError) in try readFile(file, limit: FileName.maximumCarriedSize) }
  }
}

extension CheckpointFolder {
  /// A small JSON file of the folder, parsed; nil when there is none.
  package func readDocument(_ name: String) throws(CheckpointError) -> JSONValue? {
    let file = path + "/" + name
    guard fileExists(file) else { return nil }
    return try readJSON(file)
  }
}

/// A JSON file, parsed.
func readJSON(_ path: String) throws(CheckpointError) -> JSONValue {
  let bytes = try refusing(path) { () throws(FileError) in try readFile(path, limit: FileName.maximumCarriedSize) }
  do throws(JSONError) { return try JSONValue(parsing: bytes) } catch {
    throw CheckpointError(path: path, fault: .json("\(error)"))
  }
}
