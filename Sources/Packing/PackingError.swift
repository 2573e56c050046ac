import Storage
import WeightFormats

/// Why a checkpoint cannot become a bundle.
package enum PackingError: Error, CustomStringConvertible, Sendable, Equatable {
  case notFinite(name: String)
  /// A weight that is larger than any of the format.
  case beyondFormat(name: String, value: Float, format: WeightFormat)
  /// Weights so large that the model gives no finite logits.
  case overflow(LargestTensor, texts: Int, of: Int, weights: WeightFormat)
  /// The base that a delta is to be made against is of another model.
  case base(path: String, section: String, expected: String, found: String)

  package var description: String {
    switch self {
    case .notFinite(let name): "tensor \(name.excerpt): holds a value that is not a finite number"
    case .beyondFormat(let name, let value, let format):
      "weights of \(name.excerpt): expected at most \(format.rules.largestMagnitude), as \(format.rawValue) holds, found \(value); pack with another --weights"
    case .overflow(let tensor, let texts, let count, let weights):
      "\(tensor): in \(weights.rawValue) products overflow, and the logits of \(texts) of \(count) texts are not finite numbers"
    case .base(let path, let section, let expected, let found):
      "\(path): cannot be the base, section \(section.excerpt): expected \(expected), found \(found.excerpt)"
    }
  }
}
