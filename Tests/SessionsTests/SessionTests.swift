import Bundles
import ModelBundles
import Sessions
import Storage
import TestSupport
import Testing

/// The carried model, opened once; sessions share it.
private let models = Result { try [1, 2, 3].map { try LoadedModel(Bundle(path: fixture("../../models/sentiment.martlet")), threads: $0) } }

private func makeSession(threads: Int) throws -> Session { try models.get()[threads - 1].makeSession() }

@Suite struct SessionTests {
  private func append(_ text: String, to session: Session, windows: Windows?) {
    var text = text
    _ = text.withUTF8 { text in
      #expect(throws: Never.self) {
        _ = try windows.map { try session.append(text, windows: $0, maximumLength: 7) } ?? session.append(text, maximumLength: 7)
      }
    }
  }

  /// Texts that are appended while others run are those of the next run, with logits and lengths as if they were alone.
  @Test(arguments: [1, 2, 3], [nil, Windows(pooling: .mean), Windows(pooling: .max, overlap: 2)])
  func textsOfTheNextRun(threads: Int, windows: Windows?) throws {
    let texts = randomTexts(60, seed: 12)
    let alone = try makeSession(threads: 1)
    let expected = try texts.map { text in
      append(text, to: alone, windows: windows)
      try alone.run()
      return (logits: Array(alone.logits(of: 0)), length: alone.answered.lengths[0])
    }
    let session = try makeSession(threads: threads)
    var appended = 0
    var read = 0
    func fill() {
      for text in texts.dropFirst(appended).prefix(1 + appended % 13) {
        append(text, to: session, windows: windows)
        appended += 1
      }
    }
    fill()
    while session.waiting.count > 0 {
      var calls = 0
      try session.run {
        calls += 1
        fill()
      }
      #expect(calls == 1)
      for text in 0..<session.answered.count {
        #expect(Array(session.logits(of: text)) == expected[read + text].logits)
        #expect(session.answered.lengths[text] == expected[read + text].length)
      }
      read += session.answered.count
    }
    #expect(read == texts.count)
  }

  private struct Refusal: Error {}

  /// An error ends the batches; what was read before it stays read.
  @Test(arguments: [1, 2], [0, 1, 5, 39]) func anErrorEndsTheBatches(threads: Int, failing: Int) throws {
    let texts = randomTexts(40, seed: 13)
    let alone = try makeSession(threads: 1)
    for text in texts { append(text, to: alone, windows: nil) }
    let expected = alone.waiting.lengths.map(\.tokens)
    let session = try makeSession(threads: threads)
    var next = 0
    var read: [Int] = []
    #expect(throws: Refusal.self) {
      try session.runBatches(of: 30) {
        guard next != failing else { throw Refusal() }
        append(texts[next], to: session, windows: nil)
        next += 1
        return true
      } read: {
        read += session.answered.lengths.map(\.tokens)
      }
    }
    // What was read before the last batch that was encoded.
    #expect(next == failing && read.count <= failing && (failing < 39 || read.count > 20))
    #expect(read == Array(expected[..<read.count]))
  }

  /// A batch of texts in windows and texts that are not.
  @Test func refusals() throws {
    let session = try makeSession(threads: 1)
    let text = Array("good film".utf8)
    text.withUnsafeBufferPointer { text in
      for overlap in [-1, 6, 7, .max] {
        #expect(throws: ModelError.self) {
          try session.append(text, windows: Windows(pooling: .mean, overlap: overlap), maximumLength: 8)
        }
      }
    }
    #expect(session.waiting.count == 0)
  }

  @Test func whatTheBundleSays() throws {
    let model = try models.get()[0]
    let session = try model.makeSession()
    #expect(session.labels == model.model.task.labels && session.takesPairs && session.unknownTokens != nil)
    try session.append("a wonderful film", pair: nil)
    try session.append("\u{1F600}", pair: nil)
    #expect(session.unknownTokens?.areAll(of: session.lastTextIDs) == true)
    try session.run()
    try session.requireFinite(0)
    var scores = [Float](repeating: 0, count: 2)
    scores.withUnsafeMutableBufferPointer { session.scores(of: 0, into: $0) }
    #expect(abs(scores[0] + scores[1] - 1) < 1e-6 && scores[session.best(of: 0)] > 0.9)
    #expect(session.labels[session.best(of: 0)] == "positive")
  }
}
