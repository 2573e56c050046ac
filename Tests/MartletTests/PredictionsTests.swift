import Martlet
import Synchronization
import TestSupport
import Testing

/// Texts that come one at a time, each when it is asked for; counts them, and may fail or stop coming.
private struct CountedTexts: AsyncSequence, Sendable {
  enum End { case ends, fails, waits }
  struct SourceError: Error {}

  let texts: [String]
  var end = End.ends
  let taken = Counter()

  struct AsyncIterator: AsyncIteratorProtocol {
    let source: CountedTexts
    var position = 0

    mutating func next() async throws -> String? {
      if position < source.texts.count {
        position += 1
        source.taken.value.add(1, ordering: .relaxed)
        return source.texts[position - 1]
      }
      switch source.end {
      case .ends: return nil
      case .fails: throw SourceError()
      case .waits:
        try await Task.sleep(for: .seconds(60))
        return nil
      }
    }
  }

  func makeAsyncIterator() -> AsyncIterator { AsyncIterator(source: self) }
}

private final class Counter: Sendable {
  let value = Atomic<Int>(0)
}

@Suite struct PredictionsTests {
  /// Shared by the tests, which run side by side.
  private static let shared = Result { () throws -> (classifier: Classifier, predictions: [Prediction]) in
    let classifier = try tinyClassifier(threads: 2)
    return (classifier, try texts.map { try classifier.classify($0) })
  }
  private static let texts = randomTexts(100, seed: 8)

  private let classifier: Classifier
  private let texts = Self.texts
  private let expected: [Prediction]

  init() throws { (classifier, expected) = try Self.shared.get() }

  @Test(arguments: [0, 1, 50, 1000, 4096, .max]) func oneForOneInOrder(batchTokens: Int) async throws {
    var found: [Prediction] = []
    for try await prediction in classifier.predictions(of: CountedTexts(texts: texts), batchTokens: batchTokens) {
      found.append(prediction)
    }
    #expect(found == expected)
  }

  @Test func noTexts() async throws {
    var iterator = classifier.predictions(of: CountedTexts(texts: [])).makeAsyncIterator()
    #expect(try await iterator.next() == nil)
    #expect(try await iterator.next() == nil)
  }

  /// A slow typist gets each answer before writing the next text.
  @Test func eachAnswerAtOnce() async throws {
    let (stream, input) = AsyncStream.makeStream(of: String.self)
    var iterator = classifier.predictions(of: stream).makeAsyncIterator()
    for (text, prediction) in zip(texts, expected).prefix(20) {
      input.yield(text)
      #expect(try await iterator.next() == prediction)
    }
    input.finish()
    #expect(try await iterator.next() == nil)
  }

  /// From the main actor, whose thread is not the one that runs the model.
  @MainActor @Test func fromAnActor() async throws {
    var count = 0
    for try await _ in classifier.predictions(of: CountedTexts(texts: texts)) { count += 1 }
    #expect(count == texts.count)
  }

  /// A source without end is read as far as two batches ahead of what was taken, and no further.
  @Test func sourceIsReadOnlyAhead() async throws {
    let many = CountedTexts(texts: [String](repeating: "good film", count: 10_000))
    let tokens = try classifier.classify("good film").tokenCount
    var iterator = classifier.predictions(of: many, batchTokens: 10 * tokens).makeAsyncIterator()
    for taken in 1...100 {
      _ = try await iterator.next()
      // Ten of the batch being handed out, ten waiting, one in the reader's hand.
      #expect(many.taken.value.load(ordering: .relaxed) <= taken + 10 + 10 + 1)
    }
    try await Task.sleep(for: .milliseconds(20))
    #expect(many.taken.value.load(ordering: .relaxed) <= 121)
  }

  /// Texts that wait while the model is busy are run together: with all of them there, a batch holds many.
  @Test func waitingTextsRunTogether() async throws {
    let many = CountedTexts(texts: [String](repeating: "good film", count: 200))
    var iterator = classifier.predictions(of: many, batchTokens: 50 * 4).makeAsyncIterator()
    _ = try await iterator.next()
    // The reader goes on until a batch is full while nobody asks.
    for _ in 0..<200 where many.taken.value.load(ordering: .relaxed) < 50 { try await Task.sleep(for: .milliseconds(5)) }
    #expect(many.taken.value.load(ordering: .relaxed) >= 50)
  }

  /// All predictions of the texts before it, then the source's error, once.
  @Test func sourceFails() async throws {
    var failing = CountedTexts(texts: texts)
    failing.end = .fails
    var iterator = classifier.predictions(of: failing, batchTokens: 200).makeAsyncIterator()
    for prediction in expected { #expect(try await iterator.next() == prediction) }
    await #expect(throws: CountedTexts.SourceError.self) { try await iterator.next() }
    #expect(try await iterator.next() == nil)
  }

  /// A consumer that is cancelled hears of it, also while it waits for a text that does not come.
  @Test func cancellation() async throws {
    var waiting = CountedTexts(texts: texts)
    waiting.end = .waits
    let (count, source) = (Counter(), waiting)
    let task = Task { [classifier] in
      for try await _ in classifier.predictions(of: source) { count.value.add(1, ordering: .relaxed) }
    }
    while count.value.load(ordering: .relaxed) < texts.count { try await Task.sleep(for: .milliseconds(1)) }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(count.value.load(ordering: .relaxed) == texts.count)
  }

  /// Who stops listening stops the reader: the source's task is cancelled.
  @Test func droppedIterator() async throws {
    let isCancelled = Counter()
    let (stream, input) = AsyncStream.makeStream(of: String.self)
    input.onTermination = { reason in
      if case .cancelled = reason { isCancelled.value.add(1, ordering: .relaxed) }
    }
    do {
      var iterator = classifier.predictions(of: stream).makeAsyncIterator()
      input.yield("good")
      _ = try await iterator.next()
    }
    for _ in 0..<500 where isCancelled.value.load(ordering: .relaxed) == 0 { try await Task.sleep(for: .milliseconds(2)) }
    #expect(isCancelled.value.load(ordering: .relaxed) == 1)
  }

  /// Several streams of one classifier at a time, and one sequence read twice.
  @Test func streamsSideBySide() async throws {
    let predictions = classifier.predictions(of: CountedTexts(texts: texts), batchTokens: 100)
    try await withThrowingTaskGroup(of: [Prediction].self) { group in
      for _ in 0..<4 { group.addTask { try await predictions.reduce(into: []) { $0.append($1) } } }
      for try await found in group { #expect(found == expected) }
    }
  }
}
