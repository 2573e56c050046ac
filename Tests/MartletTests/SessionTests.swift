import Encoders
import Martlet
import TestSupport
import Testing

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
    let alone = try tinyClassifier(threads: 1).makeSession()
    let expected = try texts.map { text in
      append(text, to: alone, windows: windows)
      try alone.run()
      return (logits: Array(alone.logits(of: 0)), length: alone.answered.lengths[0])
    }
    let session = try tinyClassifier(threads: threads).makeSession()
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
    let expected = try tinyClassifier(threads: 1).classify(texts).map(\.tokenCount)
    let session = try tinyClassifier(threads: threads).makeSession()
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
    #expect(read == expected[..<read.count].map { min($0, 7) })
  }
}
