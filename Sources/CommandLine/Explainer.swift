import Martlet
import Records
import Sessions
import Storage
import Tasks

/// Tells what each word of a text does to the answer: the score less the score of the text without the word.
struct Explainer {
  private let session: Session
  private let batchTokens: Int
  private let maximumLength: Int?
  private let answer: AnswerOptions

  /// - Parameter session: its own; others wait in the stream's.
  init(session: Session, answer: AnswerOptions, batchTokens: Int = Classifier.defaultBatchTokens, maximumLength: Int? = nil) {
    self.session = session
    self.answer = answer
    self.batchTokens = batchTokens
    self.maximumLength = maximumLength
  }

  /// The outputs that an answer is about: the best label, the labels that are given, every value.
  private func outputs(_ scores: UnsafeBufferPointer<Float>) -> [Int] {
    switch answer.task.kind {
    case .singleLabel: [argmax(scores)]
    case .multiLabel: scores.indices.filter { answer.gives(scores[$0]) }
    case .regression: Array(scores.indices)
    }
  }

  /// - Parameter scores: of the record's text.
  func explanation(of record: borrowing Record, scores: UnsafeBufferPointer<Float>) throws -> Explanation {
    let outputs = outputs(scores)
    let shares = try shares(of: record.text, pair: record.hasPair ? record.pair : nil, TextParts(record.text), outputs, scores: scores)
    return Explanation(outputs: outputs, parts: shares)
  }

  /// What the parts of a text do to one output, whatever the answer is.
  ///
  /// - Parameters:
  ///   - text: UTF-8, already valid.
  ///   - mostWords: of a text of more words the parts are sentences.
  func shares(of text: [UInt8], pair: [UInt8]?, output: Int, mostWords: Int) throws -> [PartShare] {
    try append(text, pair)
    try session.run()
    let scores = [Float](unsafeUninitializedCapacity: answer.task.labels.count) { buffer, count in
      buffer.initialize(repeating: 0)
      session.scores(of: 0, into: buffer)
      count = buffer.count
    }
    return try scores.withUnsafeBufferPointer {
      try shares(of: text, pair: pair, TextParts(text, mostWords: mostWords), [output], scores: $0)
    }
  }

  private func append(_ text: [UInt8], _ pair: [UInt8]?) throws {
    try text.withUnsafeBufferPointer { text in
      guard let pair else { return _ = try session.append(text, maximumLength: maximumLength) }
      _ = try pair.withUnsafeBufferPointer { try session.append(text, pair: $0, maximumLength: maximumLength) }
    }
  }

  /// - Parameters:
  ///   - text: UTF-8, already valid, which `scores` are of.
  ///   - pair: the second text, which stays whole.
  private func shares(
    of text: [UInt8], pair: [UInt8]?, _ parts: TextParts, _ outputs: [Int], scores: UnsafeBufferPointer<Float>
  ) throws -> [PartShare] {
    guard !outputs.isEmpty else { return [] }
    var shares: [PartShare] = []
    var next = 0
    var without = [Float](repeating: 0, count: scores.count)
    try session.runBatches(of: batchTokens) {
      guard next < parts.ranges.count else { return false }
      try append(parts.text(text, without: next), pair)
      next += 1
      return true
    } read: {
      for row in 0..<session.answered.count {
        without.withUnsafeMutableBufferPointer { session.scores(of: row, into: $0) }
        shares.append(PartShare(range: parts.ranges[shares.count], shares: outputs.map { scores[$0] - without[$0] }))
      }
    }
    return shares
  }
}
