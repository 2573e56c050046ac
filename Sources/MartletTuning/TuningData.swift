import Encoders
import Records
import Storage
import Tasks
import Tokenizers
import Training

/// Labelled texts to fine-tune on or to evaluate with.
public struct TuningData: Sendable {
  package let dataset: LabelledDataset

  /// Reads a `.csv`, `.tsv` or `.jsonl` file, or a folder with one sub-folder of text files per label.
  ///
  /// - Parameters:
  ///   - path: the file or folder.
  ///   - textField: the column of the text; `text`, `sentence`, `review` or `content` if nil.
  ///   - labelField: the column of the label; `label`, `sentiment` or `class` if nil.
  ///   - textPairField: the column of the second text, for pairs.
  /// - Throws: an error that names the file, the line, and what was expected and found.
  public init(
    contentsOf path: String, textField: String? = nil, labelField: String? = nil, textPairField: String? = nil
  ) throws {
    let fields = FieldChoice(text: textField, pair: textPairField, label: labelField)
    let dataset = try LabelledDataset(path: path, reading: DataReading(fields: fields))
    try dataset.requireSound(skippingBadRows: false)
    self.init(dataset)
  }

  package init(_ dataset: LabelledDataset) { self.dataset = dataset }

  /// The number of texts.
  public var count: Int { dataset.count }

  /// The data that are left and their targets.
  func targets(_ reading: LabelReading) throws -> (data: TuningData, targets: [TrainingTarget]) {
    var dataset = dataset
    let targets = try dataset.targets(reading)
    return (TuningData(dataset), targets)
  }
}

/// What the data look like before the first step: shown so that problems are found before hours are spent.
public struct DataSummary: Sendable {
  /// Texts of the training and the validation data.
  public let trainingCount: Int
  public let validationCount: Int
  /// Tokens of the training data, special tokens included, after cutting.
  public let trainingTokens: Int
  /// Training texts that were cut at the length limit.
  public let truncatedCount: Int
  /// Training texts without any text.
  public let emptyCount: Int
  /// Texts of both that the vocabulary knows nothing of: unknown tokens only, as of an emoji alone.
  public let unknownCount: Int
  /// Texts of both that hold tags or entities of HTML and are read as they are; none where HTML becomes plain text.
  public let markedCount: Int
  /// Rows of both that were left out because they could not be used.
  public let leftOutCount: Int
  /// A line for each data set with such rows: how many, the first of them, and why.
  public let leftOut: [String]
  /// Validation texts that are in the training data too, but for capitals, blanks and tails such as `… read more`.
  public let duplicateCount: Int
  /// The labels with the number of training and validation texts of each; empty for multi-label and regression.
  public let labelCounts: [(label: String, training: Int, validation: Int)]
}

/// A data set as the training loop wants it.
struct TokenizedData {
  var examples: [TrainingExample] = []
  var truncated = 0
  var empty = 0
  /// Texts that the vocabulary knows nothing of.
  var unknown = 0
  /// Texts with HTML that is left as it is.
  var marked = 0

  var tokens: Int { examples.reduce(0) { $0 + $1.ids.count } }

  /// A digest of the texts that these were made of, and of their targets.
  func digest(of data: TuningData) -> UInt64 {
    var hash = XXH64()
    for (index, example) in examples.enumerated() {
      hash.update(bytes: data.dataset.texts[index])
      if let pairs = data.dataset.pairs { hash.update(bytes: pairs[index]) }
      hash.update(example.target)
    }
    return hash.digest()
  }

  /// - Parameters:
  ///   - targets: of the texts, one each.
  ///   - limit: the model's.
  ///   - maximumLength: where texts are cut.
  ///   - readsHTML: whether HTML becomes plain text.
  init(
    _ data: TuningData?, _ targets: [TrainingTarget], _ tokenizer: Tokenizer, _ model: Model, _ limit: LengthLimit, maximumLength: Int,
    readsHTML: Bool
  ) throws {
    guard let dataset = data?.dataset else { return }
    let family = model.family
    if dataset.pairs != nil, let refusal = tokenizer.pairRefusal(tokenTypes: family.tokenTypeCount) {
      throw TrainingError.argument("\(dataset.name): \(refusal)")
    }
    // Ids, token types and targets; four bytes of text or more make a token, and there are no more than the limit.
    let texts = (0..<dataset.count).reduce(0) { $0 + min(dataset.texts.byteCount($1) + (dataset.pairs?.byteCount($1) ?? 0), maximumLength) }
    try requireMemory(dataset.count.memory(times: 512 + 8 * model.task.labels.count) + texts.memory(times: 16))
    let unknownTokens = tokenizer.unknownTokens
    var workspace = TokenizerWorkspace()
    var (plainText, plainPair) = (HTMLText(), HTMLText())
    func plain(
      _ text: UnsafeBufferPointer<UInt8>, _ html: inout HTMLText, _ body: (UnsafeBufferPointer<UInt8>) -> EncodingSummary
    ) -> EncodingSummary {
      readsHTML ? html.withText(text, body) : body(text)
    }
    examples.reserveCapacity(dataset.count)
    for index in 0..<dataset.count {
      var ids: [Int32] = []
      var types: [Int32] = []
      let summary = dataset.texts.withBytes(index) { text in
        if !readsHTML, plainText.isMarked(text) { marked += 1 }
        return plain(text, &plainText) { text in
          guard let pairs = dataset.pairs else {
            return tokenizer.encode(text, maximumLength: maximumLength, workspace: &workspace, into: &ids)
          }
          return pairs.withBytes(index) { pair in
            plain(pair, &plainPair) {
              tokenizer.encodePair(text, $0, maximumLength: maximumLength, workspace: &workspace, into: &ids, typeIDs: &types)
            }
          }
        }
      }
      guard summary.tokenCount <= limit.refusedBeyond else {
        throw TrainingError.argument("\(dataset.name): record \(index + 1): \(limit.refusal(tokens: summary.tokenCount))")
      }
      if summary.wasTruncated { truncated += 1 }
      if dataset.texts.byteCount(index) == 0 { empty += 1 }
      if let unknownTokens, unknownTokens.areAll(of: ids[...]) { unknown += 1 }
      if ids.isEmpty { ids.append(tokenizer.emptyTextID) }
      examples.append(TrainingExample(ids: ids, tokenTypes: types, target: targets[index]))
    }
  }
}
