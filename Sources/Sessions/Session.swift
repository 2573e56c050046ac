import Encoders
import Inference
import ModelBundles
import Storage
import Tasks
import Tokenizers

/// How long a text was and whether it was cut.
package struct TextLength: Sendable, Equatable {
  package let tokens: Int
  package let wasTruncated: Bool
  /// How many windows it was read in.
  package var windows = 1
}

/// Texts as tokens, for one run.
package struct EncodedTexts: Sendable {
  /// One row for each text, or for each window of one.
  var batch = Batch()
  /// One for each text.
  package internal(set) var lengths: [TextLength] = []
  var windowed = WindowedTexts()

  package var count: Int { lengths.count }
  package var tokenCount: Int { batch.tokenCount }

  mutating func removeAll() {
    batch.removeAll()
    lengths.removeAll(keepingCapacity: true)
    windowed.removeAll()
  }
}

/// One caller's working memory: texts are appended, run together, and their logits are read; meanwhile others may be
/// appended for the next run. After the first runs of a size it allocates nothing for a text.
package final class Session: @unchecked Sendable {
  package let model: Model
  let tokenizer: Tokenizer
  let limit: LengthLimit
  let readsHTML: Bool
  /// Logits are divided by it before they become scores.
  package let temperature: Double
  let engine: InferenceEngine
  var workspace = TokenizerWorkspace()
  var windowing: WindowingMemory
  /// Where HTML becomes plain text, of each of a pair.
  var plainText = HTMLText()
  private var plainPair = HTMLText()
  /// The texts of the next run.
  package internal(set) var waiting = EncodedTexts()
  /// The texts of the last run, whose logits are there.
  package private(set) var answered = EncodedTexts()

  init(
    model: Model, tokenizer: Tokenizer, limit: LengthLimit, readsHTML: Bool, temperature: Double, engine: InferenceEngine
  ) throws(OutOfMemory) {
    self.model = model
    self.tokenizer = tokenizer
    self.limit = limit
    self.readsHTML = readsHTML
    self.temperature = temperature
    self.engine = engine
    windowing = try WindowingMemory()
  }

  package var task: ClassificationTask { model.task }
  package var labels: [String] { task.labels }
  package var takesPairs: Bool { tokenizer.pairRefusal(tokenTypes: model.family.tokenTypeCount) == nil }

  // MARK: Texts

  /// Forgets the texts that wait.
  package func removeAll() { waiting.removeAll() }

  /// Appends a text (UTF-8, already valid), cut at `maximumLength` tokens (`LengthLimit.cut`), or at the model's limit if nil.
  ///
  /// - Throws: `ModelError` of kind `textTooLong`; the texts before it still wait.
  @discardableResult
  package func append(_ text: UnsafeBufferPointer<UInt8>, maximumLength: Int? = nil) throws -> TextLength {
    try requireMemory(encoding: text.count)
    func encode(_ text: UnsafeBufferPointer<UInt8>) -> EncodingSummary {
      tokenizer.encode(text, maximumLength: limit.cut(maximumLength), workspace: &workspace, into: &waiting.batch.ids)
    }
    return try endText(readsHTML ? plainText.withText(text, encode) : encode(text))
  }

  /// Appends a pair, the longer of the two cut first.
  @discardableResult
  package func append(
    _ first: UnsafeBufferPointer<UInt8>, pair second: UnsafeBufferPointer<UInt8>, maximumLength: Int? = nil
  ) throws -> TextLength {
    if let refusal = tokenizer.pairRefusal(tokenTypes: model.family.tokenTypeCount) {
      throw ModelError(.argument, refusal)
    }
    try requireMemory(encoding: first.count + second.count)
    // Two members of a class's property cannot be changed at once; of a parameter they can.
    func encode(
      _ first: UnsafeBufferPointer<UInt8>, _ second: UnsafeBufferPointer<UInt8>, into batch: inout Batch
    ) -> EncodingSummary {
      tokenizer.encodePair(
        first, second, maximumLength: limit.cut(maximumLength), workspace: &workspace, into: &batch.ids,
        typeIDs: &batch.tokenTypes)
    }
    guard readsHTML else { return try endText(encode(first, second, into: &waiting.batch)) }
    return try endText(
      plainText.withText(first) { first in plainPair.withText(second) { encode(first, $0, into: &waiting.batch) } })
  }

  /// Appends ids that are already there.
  package func append(ids: some Collection<Int32>, tokenTypes: [Int32] = []) {
    waiting.batch.append(ids, tokenTypes: tokenTypes)
    waiting.lengths.append(TextLength(tokens: ids.count, wasTruncated: false))
  }

  /// Ends a row of the batch, which gets a token if it has none.
  func endRow() {
    if waiting.batch.ids.count == waiting.batch.tokenCount { waiting.batch.ids.append(tokenizer.emptyTextID) }
    waiting.batch.endText()
  }

  private func endText(_ summary: EncodingSummary) throws(ModelError) -> TextLength {
    guard summary.tokenCount <= limit.refusedBeyond else {
      waiting.batch.dropText()
      throw ModelError(.textTooLong, limit.refusal(tokens: summary.tokenCount))
    }
    endRow()
    let length = TextLength(tokens: max(1, summary.tokenCount), wasTruncated: summary.wasTruncated)
    waiting.lengths.append(length)
    return length
  }

  /// - Throws: `ModelError`, `OutOfMemory`.
  package func append(_ text: String, pair: String?) throws {
    var text = text
    _ = try text.withUTF8 { first in
      guard var pair else { return try append(first) }
      return try pair.withUTF8 { try append(first, pair: $0) }
    }
  }

  /// A tokenizer's arrays grow with a text: at most so many bytes for each of its own.
  private static let encodingBytesPerByte = 64

  /// Of short texts so much is in stock, or was there a moment ago: for them alone the system is not asked.
  func requireMemory(encoding byteCount: Int) throws(OutOfMemory) {
    // The ids of many short texts: a growing array is there twice for a moment.
    let capacity = waiting.batch.ids.capacity
    if capacity > 1 << 13, waiting.batch.ids.count > capacity - (1 << 12) {
      try Storage.requireMemory(capacity.memory(times: 6 * MemoryLayout<Int32>.stride))
    }
    guard byteCount >= 1 << 12 else { return }
    try Storage.requireMemory(byteCount.memory(times: Self.encodingBytesPerByte))
  }

  // MARK: Runs

  /// Runs the texts that wait; their logits `[texts, labels]` are valid until the next run.
  @discardableResult
  package func run() throws(OutOfMemory) -> UnsafeBufferPointer<Float> {
    takeWaiting()
    return try runAgain()
  }

  /// The same, and calls `body` once meanwhile, on any thread: it may append texts for the next run.
  package func run(while body: () -> Void) throws(OutOfMemory) {
    takeWaiting()
    try run(others: 1, body)
  }

  /// Runs the texts of the last run once more, or those of `takeWaiting`.
  @discardableResult
  package func runAgain() throws(OutOfMemory) -> UnsafeBufferPointer<Float> {
    try run(others: 0) {}
    return logits
  }

  /// Runs texts in batches of about so many tokens, the next of which is encoded while one runs.
  ///
  /// - Parameters:
  ///   - append: appends the next text, or says that there is none. Called on any thread, and no more once it has thrown.
  ///   - read: called after each run, to read what came of its texts. What it throws ends the runs.
  package func runBatches(of batchTokens: Int, append: () throws -> Bool, read: () throws -> Void) throws {
    var result = Result<Bool, any Error>.success(true)
    func fill() {
      while case .success(true) = result, waiting.count == 0 || waiting.tokenCount < batchTokens {
        result = Result(catching: append)
      }
    }
    fill()
    while waiting.count > 0 {
      if case .failure(let error) = result { throw error }
      try run(while: fill)
      try read()
    }
    _ = try result.get()
  }

  /// Runs the texts of the last run on one thread and tells where the time went.
  package func profile() throws(OutOfMemory) -> Profile { try engine.profile(model.family, answered.batch) }

  /// Makes the texts that wait those of `runAgain`.
  package func takeWaiting() {
    swap(&waiting, &answered)
    waiting.removeAll()
  }

  /// What the runtime may ask for by itself while a batch runs.
  private static let runtimeBytes = 1 << 20

  private func run(others: Int, _ other: () -> Void) throws(OutOfMemory) {
    try Storage.requireMemory(Self.runtimeBytes)
    if answered.windowed.extra == 0 {
      try engine.run(model.family, answered.batch, others: others, other)
    } else {
      try runWindows(others: others, other)
    }
  }

  private var logits: UnsafeBufferPointer<Float> {
    guard answered.windowed.extra > 0 else { return engine.logits }
    return UnsafeBufferPointer(windowing.pooled(answered.count * labels.count))
  }

  /// Whether a text's logits are finite numbers. Of others no score says anything: the model's products overflowed.
  package func isFinite(_ index: Int) -> Bool { logits(of: index).allSatisfy(\.isFinite) }

  /// - Throws: `ModelError` of kind `notFinite`.
  package func requireFinite(_ index: Int) throws(ModelError) {
    guard isFinite(index) else { throw ModelError(.notFinite, Self.notFinite) }
  }

  /// What is said of a text whose logits are not.
  package static let notFinite = "the model's logits are not finite numbers: its weights are too large for this text"

  /// Turns logits into scores: softmax, a sigmoid for each label, or the value itself. Calibration divides the logits of the first two.
  package func scores(of index: Int, into scores: UnsafeMutableBufferPointer<Float>) {
    task.scores(logits(of: index), into: scores, temperature: temperature)
  }

  /// The label with the highest score, the first of equals.
  package func best(of index: Int) -> Int { argmax(logits(of: index)) }

  package func logits(of index: Int) -> UnsafeBufferPointer<Float> {
    let count = labels.count
    return UnsafeBufferPointer(rebasing: logits[index * count..<(index + 1) * count])
  }
}
