import Storage

/// Why a checkpoint cannot become a bundle, or a bundle not a starting point for fine-tuning.
package enum PackingError: Error, CustomStringConvertible, Sendable, Equatable {
  case shape(name: String, expected: [Int], found: [Int])
  /// - Parameters:
  ///   - count: of all parameters.
  ///   - unused: tensors of the folder that are none of them.
  ///   - architecture: the class that the folder was saved from, if it is another than expected.
  case missingParameters(path: String, names: [String], count: Int, unused: [String], architecture: String?)
  /// A base for fine-tuning that lacks most of its encoder; names as above.
  case missingEncoder(path: String, names: [String], count: Int, unused: [String])
  case notFinite(name: String)
  /// Weights so large that the model gives no finite logits.
  case overflow(LargestTensor, texts: Int, of: Int, weights: WeightPrecision)
  case noTokenizer(path: String)
  /// The bundle does not carry the files of the folder it was made from.
  case noSourceFiles(path: String)
  case vocabulary(path: String, tokenizer: Int, model: Int)
  /// The base that a delta is to be made against is of another model.
  case base(path: String, section: String, expected: String, found: String)

  package var description: String {
    switch self {
    case .shape(let name, let expected, let found):
      "tensor \(name.excerpt): expected shape \(expected) by config.json, found \(found)"
    case .missingParameters(let path, let names, let count, let unused, let architecture):
      missing(path, names, count, unused) + (architecture.map { "; the folder was saved from \($0.excerpt)" } ?? "")
    case .missingEncoder(let path, let names, let count, let unused):
      missing(path, names, count, unused) + ": training would start from random weights, which is what --from-scratch is for"
    case .notFinite(let name): "tensor \(name.excerpt): holds a value that is not a finite number"
    case .overflow(let tensor, let texts, let count, let weights):
      "\(tensor): in \(weights.rawValue) products overflow, and the logits of \(texts) of \(count) texts are not finite numbers"
    case .noTokenizer(let path): "\(path): no tokenizer: expected tokenizer.json, vocab.txt, vocab.json with merges.txt, or a SentencePiece model (spiece, spm, sentencepiece.bpe)"
    case .noSourceFiles(let path):
      "\(path): the bundle does not carry its source folder's files and cannot be tuned from; pack it with --carry-source"
    case .base(let path, let section, let expected, let found):
      "\(path): cannot be the base, section \(section.excerpt): expected \(expected), found \(found.excerpt)"
    case .vocabulary(let path, let tokenizer, let model):
      "\(path): the tokenizer has ids up to \(tokenizer - 1), the model's vocabulary has \(model) rows"
    }
  }

  private func missing(_ path: String, _ names: [String], _ count: Int, _ unused: [String]) -> String {
    "\(path): \(names.count) of \(count) parameters are missing: expected \(names.excerpts()); "
      + (unused.isEmpty ? "nothing else is there" : "found without a use: \(unused.excerpts())")
  }
}
