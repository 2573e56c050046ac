import Sessions
import Storage

// An extension in this file, so that programs that never ask for it link no concurrency runtime.
extension Classifier {
  /// The predictions of an asynchronous sequence of texts, one for one and in order, the same as one by one.
  ///
  /// The source is read ahead while the model runs, and texts that are waiting are run together: a batch ends with the
  /// text that brings it to `batchTokens` tokens. No more than two batches are held.
  public func predictions<Texts: AsyncSequence & Sendable>(
    of texts: Texts, batchTokens: Int = defaultBatchTokens
  ) -> Predictions<Texts> where Texts.Element == String {
    Predictions(classifier: self, texts: texts, batchTokens: batchTokens)
  }
}

/// The predictions of an asynchronous sequence of texts, one for one and in order: `Classifier.predictions(of:)`.
///
/// One task reads and tokenises ahead while the caller's runs the model. What has been read when the model is free is
/// run together, so a text that comes alone is answered at once and a full source runs in full batches. The reader
/// waits while a batch is full: at most two batches of tokens and one of predictions are held, however long the source.
///
/// Each iterator reads the source anew. Dropping an iterator stops its reader.
public struct Predictions<Texts: AsyncSequence & Sendable>: AsyncSequence, Sendable where Texts.Element == String {
  public typealias Element = Prediction
  public typealias Failure = any Error

  let classifier: Classifier
  let texts: Texts
  let batchTokens: Int

  public func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(Result { try Reading(classifier, texts, batchTokens) })
  }

  public struct AsyncIterator: AsyncIteratorProtocol {
    /// A failure is thrown by `next`: making an iterator may not.
    private let reading: Result<Reading, any Error>
    private var predictions: ArraySlice<Prediction> = []

    fileprivate init(_ reading: Result<Reading, any Error>) { self.reading = reading }

    /// The next text's prediction, or nil after the last text's.
    ///
    /// - Throws: the source's error, after the predictions of the texts before it; `CancellationError` when the task
    ///   is cancelled, so that a stream that was cut short never looks like one that ended.
    public mutating func next() async throws -> Prediction? {
      try Task.checkCancellation()
      if predictions.isEmpty { predictions = try await reading.get().nextBatch() }
      return predictions.popFirst()
    }
  }
}

extension Predictions {
  /// The task that reads, and what it shares with the iterator that owns this.
  fileprivate final class Reading: Sendable {
    private let waiting: WaitingTexts
    private let task: Task<Void, Never>

    init(_ classifier: Classifier, _ texts: Texts, _ batchTokens: Int) throws {
      let waiting = try WaitingTexts(classifier, batchTokens: batchTokens)
      self.waiting = waiting
      task = Task {
        do {
          for try await text in texts {
            guard try await waiting.append(text) else { return }
          }
          waiting.finish(nil)
        } catch {
          waiting.finish(error)
        }
      }
    }

    deinit { stop() }

    /// Runs the texts that are waiting, or that come first; none when the source has ended.
    func nextBatch() async throws -> ArraySlice<Prediction> {
      try await withTaskCancellationHandler { try await waiting.nextBatch() } onCancel: { stop() }
    }

    private func stop() {
      task.cancel()
      waiting.finish(CancellationError())
    }
  }
}

/// Where the reader puts texts and the runner takes them, a batch at a time: a session, to which texts are appended, and of
/// which they are taken, under the lock, while others run.
private final class WaitingTexts: Sendable {
  private struct State {
    var isFinished = false
    /// What the source ended with, until it has been thrown.
    var error: (any Error)?
    /// The reader waiting for room, or the runner waiting for a text. Never both: a full batch is not an empty one.
    var sleeper: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())
  private let classifier: Classifier
  private let session: Session
  private let batchTokens: Int
  /// Of the runner alone.
  nonisolated(unsafe) private var answeredCount = 0
  nonisolated(unsafe) private var failure: ClassifierError?

  init(_ classifier: Classifier, batchTokens: Int) throws {
    self.classifier = classifier
    self.batchTokens = batchTokens
    session = try asClassifierError { try classifier.makeSession() }
  }

  /// Appends a text once there is room for it; false when nobody wants it any more.
  func append(_ text: String) async throws -> Bool {
    try classifier.check(textBytes: text.utf8.count)
    await sleep { $0.isFinished || session.waiting.count == 0 || session.waiting.tokenCount < batchTokens }
    let (isWanted, runner) = try state.withLock { state in
      guard !state.isFinished else { return (false, nil as CheckedContinuation<Void, Never>?) }
      try asClassifierError { try session.append(text, pair: nil) }
      return (true, state.sleeper.take())
    }
    runner?.resume()
    return isWanted
  }

  /// No text will follow; the first call counts.
  func finish(_ error: (any Error)?) {
    let sleeper = state.withLock { state in
      guard !state.isFinished else { return nil as CheckedContinuation<Void, Never>? }
      state.isFinished = true
      state.error = error
      return state.sleeper.take()
    }
    sleeper?.resume()
  }

  /// Runs the texts that have been read, waiting for one if need be; none when the source has ended.
  func nextBatch() async throws -> ArraySlice<Prediction> {
    if let failure { throw failure }
    await sleep { $0.isFinished || session.waiting.count > 0 }
    let (reader, error) = state.withLock { state in
      session.takeWaiting()
      return (state.sleeper.take(), session.answered.count == 0 ? state.error.take() : nil)
    }
    reader?.resume()
    if let error { throw error }
    guard session.answered.count > 0 else { return [] }
    try asClassifierError { _ = try session.runAgain() }
    let (predictions, failure) = session.predictionsBeforeFailure(first: answeredCount)
    answeredCount += predictions.count
    if let failure {
      finish(failure)
      guard !predictions.isEmpty else { throw failure }
      // Thrown by the next call: the predictions before it are not lost.
      self.failure = failure
    }
    return predictions[...]
  }

  /// Returns when the condition holds. Only the caller itself can make its condition false again.
  private func sleep(until isReady: (borrowing State) -> Bool) async {
    await withCheckedContinuation { continuation in
      let sleeps = state.withLock { state in
        guard !isReady(state) else { return false }
        precondition(state.sleeper == nil, "an iterator serves one task at a time")
        state.sleeper = continuation
        return true
      }
      if !sleeps { continuation.resume() }
    }
  }
}
