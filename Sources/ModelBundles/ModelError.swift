import Storage

/// Why a model could not be opened or used. The text is one line: what, where, expected, found.
package struct ModelError: Error, CustomStringConvertible, Sendable, Equatable {
  package enum Kind: Sendable, Equatable {
    /// What the file holds is not a whole and sound model.
    case file
    /// An encoder without a classification head.
    case noHead
    /// Calibrated scores are wanted of a file that holds no calibration.
    case noCalibration
    /// Training is to start from a file that does not carry its folder's files.
    case noSourceFiles
    /// The caller asked for what cannot be: a length limit below the special tokens, a pair for a model without pairs.
    case argument
    /// A text has more tokens than this model is served with.
    case textTooLong
    /// A text's logits are not finite numbers.
    case notFinite
  }

  package let kind: Kind
  package let description: String

  package init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}
