import Bundles
import Encoders
import JSON
import Kernels
import ModelBundles
import Sessions
import Storage
import Tokenizers

/// A text classifier: one `.martlet` file, opened.
///
///     let classifier = try Classifier(contentsOf: "sentiment.martlet")
///     let prediction = try classifier.classify("a stirring , funny and finally transporting film")
///     print(prediction.label, prediction.score)
///
/// The weights stay in the file's mapping and are shared with other processes that map it. A text's logits are the
/// same bits alone, in any batch, and with any number of threads. Calls from several threads at once are safe: each
/// works in memory of its own; one of them at a time uses the classifier's threads, the others their own.
public final class Classifier: Sendable {
  /// The labels' names, in the order of the logits.
  public var labels: [String] { model.task.labels }
  /// The longest text in tokens, special tokens included; longer ones are cut. (BigBird with block-sparse attention refuses
  /// them with an error of kind `textTooLong`, where its tokenizer does not cut them first.)
  public var maximumLength: Int { limit.most() }
  /// The longest text in bytes of UTF-8, each of a pair; longer ones are refused, not cut. A text of this length takes a
  /// tokenizer up to a second or so for each megabyte before it is cut at `maximumLength` tokens.
  public let maximumTextBytes: Int
  /// The instruction set of the kernels in use, by the name that `MARTLET_ISA` takes.
  public var instructionSet: String { loaded.instructionSet.rawValue }

  package let loaded: LoadedModel
  package var model: Model { loaded.model }
  package var bundle: Bundle { loaded.bundle }
  package var tokenizer: Tokenizer { loaded.tokenizer }
  package var readsHTML: Bool { loaded.readsHTML }
  package var limit: LengthLimit { loaded.limit }
  private let idle = Mutex<[Session]>([])

  /// Opens a bundle and checks all of it, checksums included.
  ///
  /// - Parameters:
  ///   - path: a `.martlet` file.
  ///   - base: the file that a delta is a delta of; the one beside it, by the name that it holds, if nil.
  ///   - threads: how many threads opening and each call may use; the cores that the process may use if nil.
  ///   - verifyChecksums: reading the whole file once to compare checksums can be skipped for a file that is known
  ///     to be sound; everything else is still checked.
  ///   - isMapped: false reads the file into memory of the process's own in place of mapping it. A mapped file must not become
  ///     shorter while it is in use: the system ends a process (SIGBUS) that reads what is no longer there. Replacing a file by
  ///     renaming another to its name, as `martlet pack` does, is always safe.
  ///   - calibrated: divide logits by the temperature that `martlet pack --validation` fitted, so that scores say how often
  ///     they are right. Labels and logits stay what they are.
  ///   - maximumTextBytes: the longest text in bytes that is classified.
  /// - Throws: `ClassifierError`, of kind `noCalibration` when the file holds no temperature.
  public convenience init(
    contentsOf path: String, base: String? = nil, threads: Int? = nil, verifyChecksums: Bool = true, isMapped: Bool = true,
    calibrated: Bool = false, maximumTextBytes: Int = defaultMaximumTextBytes
  ) throws {
    do {
      let pool = ThreadPool(threads: threads ?? Machine.availableCores)
      let bundle = try Bundle(path: path, base: base, verifyChecksums: verifyChecksums, isMapped: isMapped, pool: pool)
      try self.init(bundle, pool: pool, calibrated: calibrated, maximumTextBytes: maximumTextBytes)
    } catch let error as BundleError {
      throw ClassifierError(error)
    }
  }

  /// - Parameter instructionSet: the name of one to use in place of the one that `MARTLET_ISA` or the machine chooses.
  package convenience init(
    bundle: Bundle, threads: Int? = nil, calibrated: Bool = false, instructionSet: String? = nil
  ) throws {
    let pool = ThreadPool(threads: threads ?? Machine.availableCores)
    try self.init(bundle, pool: pool, calibrated: calibrated, instructionSet: instructionSet)
  }

  private init(
    _ bundle: Bundle, pool: ThreadPool, calibrated: Bool, instructionSet: String? = nil, maximumTextBytes: Int = defaultMaximumTextBytes
  ) throws {
    self.maximumTextBytes = maximumTextBytes
    do {
      loaded = try LoadedModel(bundle, pool: pool, calibrated: calibrated, instructionSet: instructionSet)
    } catch let error as ModelError {
      throw ClassifierError(error)
    } catch let error as InstructionSetError {
      throw ClassifierError(.instructionSet, error.description)
    } catch let error as BundleError {
      throw ClassifierError(error)
    } catch let error as OutOfMemory {
      throw ClassifierError(.outOfMemory, "\(bundle.path): \(error)")
    } catch let error as JSONError {
      throw ClassifierError(.file, "\(bundle.path): section configuration: \(error)")
    } catch let error as ConfigurationError {
      throw ClassifierError(.model, "\(bundle.path): \(error)")
    } catch {
      throw ClassifierError(.file, "\(bundle.path): \(error)")
    }
  }

  /// The tokens that are run at once where nothing else is asked for: enough that several threads end at about the same
  /// time.
  public static let defaultBatchTokens = 8192

  /// A mebibyte.
  public static let defaultMaximumTextBytes = 1 << 20

  /// Throws where a text, or one of a pair, is longer than `maximumTextBytes`.
  package func check(textBytes count: Int) throws {
    guard count > maximumTextBytes else { return }
    throw ClassifierError(.textTooLong, "a text of \(count) bytes: expected at most \(maximumTextBytes) (maximumTextBytes)")
  }

  /// Classifies one text.
  ///
  /// - Parameter pair: the second text of a pair, for models that were tuned on pairs.
  /// - Throws: `ClassifierError` of kind `argument`, `textTooLong`, `notFinite` or `outOfMemory`.
  public func classify(_ text: String, pair: String? = nil) throws -> Prediction {
    try check(textBytes: max(text.utf8.count, pair?.utf8.count ?? 0))
    return try withSession { session in
      try session.append(text, pair: pair)
      try session.run()
      return try session.predictions(first: nil)[0]
    }
  }

  /// Classifies texts together; the predictions are in their order and the same as one by one.
  ///
  /// - Parameter batchTokens: how many tokens are run at once; more texts are run in several batches.
  public func classify(_ texts: [String], batchTokens: Int = defaultBatchTokens) throws -> [Prediction] {
    for text in texts { try check(textBytes: text.utf8.count) }
    return try withSession { session in
      // A prediction with its scores, its logits and perhaps a label made for it.
      try requireMemory(texts.count.memory(times: 256 + 8 * labels.count))
      var predictions: [Prediction] = []
      predictions.reserveCapacity(texts.count)
      var rest = texts[...]
      try session.runBatches(of: batchTokens) {
        guard let text = rest.popFirst() else { return false }
        try session.append(text, pair: nil)
        return true
      } read: {
        predictions += try session.predictions(first: predictions.count)
      }
      return predictions
    }
  }

  /// A session of the classifier's own, for callers that fill batches themselves. Use it from one thread at a time.
  package func makeSession() throws(OutOfMemory) -> Session {
    try loaded.makeSession()
  }

  /// Runs `body` with a session of the classifier's own that nobody else uses meanwhile.
  ///
  /// - Throws: what `body` throws; what the session throws and a refusal of memory as a `ClassifierError`.
  package func withSession<Result>(_ body: (Session) throws -> Result) throws -> Result {
    func keep(_ session: Session) {
      session.removeAll()
      idle.withLock { $0.append(session) }
    }
    do {
      let session = try idle.withLock { $0.popLast() } ?? makeSession()
      do {
        let result = try body(session)
        keep(session)
        return result
      } catch let error as ModelError {
        keep(session)
        throw ClassifierError(error)
      } catch let error as ClassifierError {
        keep(session)
        throw error
      }
    } catch let error as OutOfMemory {
      // The session goes, and with it all its memory.
      throw ClassifierError(.outOfMemory, error.description)
    }
  }
}
