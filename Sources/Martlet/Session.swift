import Encoders
import Evaluation
import Inference
import Tokenizers

/// How long a text was and whether it was cut.
package struct TextLength: Sendable, Equatable {
  package let tokens: Int
  package let wasTruncated: Bool
  /// How many windows it was read in.
  package var windows = 1
}

/// One caller's working memory: texts are appended to a batch, the batch is run, the logits are read. After the first
/// batches of a size it allocates nothing for a text.
package final class Session: @unchecked Sendable {
  let model: Model
  let tokenizer: Tokenizer
  let maximumLength: Int
  /// Logits are divided by it before they become scores.
  let temperature: Double
  let engine: InferenceEngine
  var workspace = TokenizerWorkspace()
  var batch = Batch()
  var windowing = WindowState()
  /// One for each text of the batch.
  package internal(set) var lengths: [TextLength] = []

  init(model: Model, tokenizer: Tokenizer, maximumLength: Int, temperature: Double, engine: InferenceEngine) {
    self.model = model
    self.tokenizer = tokenizer
    self.maximumLength = maximumLength
    self.temperature = temperature
    self.engine = engine
  }

  package var labels: [String] { model.labels.names }
  package var problemType: ProblemType { model.labels.problemType }
  package var textCount: Int { batch.textCount - windowing.extra }
  package var tokenCount: Int { batch.tokenCount }

  package func removeAll() {
    batch.removeAll()
    lengths.removeAll(keepingCapacity: true)
    windowing.removeAll()
  }

  /// Appends a text (UTF-8, already valid), cut at `limit` tokens (at least one) or the model's own limit.
  @discardableResult
  package func append(_ text: UnsafeBufferPointer<UInt8>, limit: Int = .max) -> TextLength {
    let summary = tokenizer.encode(
      text, maximumLength: bounded(limit), workspace: &workspace, into: &batch.ids)
    return endText(summary)
  }

  /// Appends a pair, the longer of the two cut first.
  @discardableResult
  package func append(
    _ first: UnsafeBufferPointer<UInt8>, pair second: UnsafeBufferPointer<UInt8>, limit: Int = .max
  ) throws -> TextLength {
    guard tokenizer.pairTypeCount <= model.family.tokenTypeCount else {
      throw ClassifierError(
        .argument,
        "this model takes no text pairs: they need \(tokenizer.pairTypeCount) token types, it has \(model.family.tokenTypeCount)")
    }
    // Two members of a class's property cannot be changed at once; of a parameter they can.
    func encode(into batch: inout Batch) -> EncodingSummary {
      tokenizer.encodePair(
        first, second, maximumLength: bounded(limit), workspace: &workspace, into: &batch.ids,
        typeIDs: &batch.tokenTypes)
    }
    return endText(encode(into: &batch))
  }

  /// Appends ids that are already there.
  package func append(ids: some Collection<Int32>, tokenTypes: [Int32] = []) {
    batch.append(ids, tokenTypes: tokenTypes)
    lengths.append(TextLength(tokens: ids.count, wasTruncated: false))
  }

  /// The limit of a text's tokens. A text has at least one: what a model says of none is not defined.
  func bounded(_ limit: Int) -> Int { max(1, min(limit, maximumLength)) }

  /// Ends a row of the batch, which gets a token if it has none.
  func endRow() {
    if batch.ids.count == batch.tokenCount { batch.ids.append(tokenizer.emptyTextID) }
    batch.endText()
  }

  private func endText(_ summary: EncodingSummary) -> TextLength {
    endRow()
    let length = TextLength(tokens: max(1, summary.tokenCount), wasTruncated: summary.wasTruncated)
    lengths.append(length)
    return length
  }

  func append(_ text: String, pair: String?) throws {
    var text = text
    _ = try text.withUTF8 { first in
      guard var pair else { return append(first) }
      return try pair.withUTF8 { try append(first, pair: $0) }
    }
  }

  /// Runs the batch. The logits `[texts, labels]` are valid until the next run.
  @discardableResult
  package func run() -> UnsafeBufferPointer<Float> {
    windowing.extra == 0 ? engine.run(model.family, batch) : runWindows()
  }

  /// Runs the batch on one thread and tells where the time went.
  package func profile() -> Profile { engine.profile(model.family, batch) }

  package func logits(of index: Int) -> UnsafeBufferPointer<Float> {
    let count = model.labels.names.count
    let logits = windowing.extra == 0 ? engine.logits : UnsafeBufferPointer(windowing.pooled(textCount * count))
    return UnsafeBufferPointer(rebasing: logits[index * count..<(index + 1) * count])
  }
}
