/// Why a checkpoint cannot become a bundle, or a bundle not a starting point for fine-tuning.
package enum PackingError: Error, CustomStringConvertible, Sendable, Equatable {
  case shape(name: String, expected: [Int], found: [Int])
  case missingParameters(path: String, names: [String])
  case notFinite(name: String)
  case noTokenizer(path: String)
  /// The bundle does not carry the files of the folder it was made from.
  case noSourceFiles(path: String)
  case vocabulary(path: String, tokenizer: Int, model: Int)
  /// The base that a delta is to be made against is of another model.
  case base(path: String, section: String, expected: String, found: String)

  package var description: String {
    switch self {
    case .shape(let name, let expected, let found):
      "tensor \(name): expected shape \(expected) by config.json, found \(found)"
    case .missingParameters(let path, let names):
      "\(path): \(names.count) parameters are missing, the first is \(names.first ?? "")"
    case .notFinite(let name): "tensor \(name): holds a value that is not a finite number"
    case .noTokenizer(let path): "\(path): no tokenizer: expected tokenizer.json, or vocab.txt"
    case .noSourceFiles(let path):
      "\(path): the bundle does not carry its source folder's files and cannot be tuned from; pack it with --carry-source"
    case .base(let path, let section, let expected, let found):
      "\(path): cannot be the base, section \(section): expected \(expected), found \(found)"
    case .vocabulary(let path, let tokenizer, let model):
      "\(path): the tokenizer has ids up to \(tokenizer - 1), the model's vocabulary has \(model) rows"
    }
  }
}
