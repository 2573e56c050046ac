import Bundles
import Checkpoints
import Encoders
import JSON
import Martlet
import Records
import Tokenizers

#if canImport(Glibc)
  import Glibc
#endif

/// A reader of untrusted bytes, as libFuzzer and the replay of the corpus feed it.
package enum FuzzTarget: String, CaseIterable, Sendable {
  /// A bundle file, its checksums made true, opened and used to classify.
  case bundle
  /// A base and a delta of it, likewise.
  case delta
  /// The stored bytes of an lz4 section, after its raw size in four bytes.
  case lz4
  case safetensors
  /// A file of `torch.save`, an archive.
  case zip
  /// A file of torch.save before PyTorch 1.6.
  case sequence
  /// The pickle in a zip archive of `torch.save`.
  case pickle
  case tokenizer
  /// A tokenizer as bundles carry it.
  case compiledTokenizer
  /// Files of before `tokenizer.json`: the first byte says which.
  case olderTokenizer
  case configuration
  /// lines, jsonl, csv and tsv: the first byte says which, the second how the bytes come.
  case records
  /// gzip, LZ4 frames or plain bytes: the first byte says how they come.
  case compressed

  /// Reads the bytes: a value or a typed error, and what holds for every value is checked.
  ///
  /// - Throws: what a reader must not do (an untyped error, a broken promise).
  package func read(_ bytes: [UInt8]) throws {
    switch self {
    case .bundle: try readBundle(bytes)
    case .delta: try readDelta(bytes)
    case .lz4: try readLZ4Section(bytes)
    case .safetensors: try readSafetensors(bytes)
    case .zip, .sequence: try readPyTorchFile(bytes)
    case .pickle: try readPyTorchFile(archive(pickle: bytes))
    case .tokenizer: try readTokenizerJSON(bytes)
    case .compiledTokenizer: try readCompiledTokenizer(bytes)
    case .olderTokenizer: try readOlderTokenizer(bytes)
    case .configuration: try readConfiguration(bytes)
    case .records: try readRecords(bytes)
    case .compressed: try readCompressed(bytes)
    }
  }
}

/// Seconds of processor time that this thread has used.
package func threadProcessorSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// A promise that a reader broke.
struct Finding: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// The value, or nil when a typed error refuses the bytes; any other error is passed on.
func attempt<Value>(_ body: () throws -> Value) throws -> Value? {
  do {
    return try body()
  } catch where error.isTyped {
    return nil
  }
}

extension Error {
  fileprivate var isTyped: Bool {
    self is BundleError || self is CheckpointError || self is ClassifierError || self is ConfigurationError || self is JSONError
      || self is RecordsError || self is TokenizerError
  }
}

private func readConfiguration(_ bytes: [UInt8]) throws {
  guard let json = try attempt({ try JSONValue(parsing: bytes) }) else { return }
  // What is written is read back the same; NaN, which is not equal to itself, aside.
  let text = json.text()
  guard try JSONValue(parsing: Array(text.utf8)).text() == text else { throw Finding("JSON changes when written and read") }
  guard let model = try attempt({ try Model(configuration: json) }) else { return }
  for parameter in model.blueprint.parameters where parameter.count < 0 { throw Finding("\(parameter.name): a negative size") }
}
