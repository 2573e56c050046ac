import Bundles
import ModelBundles
import Storage

/// Why a classifier could not be opened or used. The text is one line: what, where, expected, found.
public struct ClassifierError: Error, CustomStringConvertible, Sendable, Equatable {
  public enum Kind: Sendable, Equatable {
    /// The file is missing, cannot be read, or is not a whole and sound bundle.
    case file
    /// The model in the file is not one that this version can run.
    case model
    /// The file holds an encoder without a classification head: something to fine-tune, not to classify with.
    case noHead
    /// Calibrated scores are wanted of a file that holds no calibration.
    case noCalibration
    /// `MARTLET_ISA` names an instruction set that is unknown or that this machine lacks.
    case instructionSet
    /// The caller asked for what cannot be: a length limit below the special tokens, a pair for a model without pairs.
    case argument
    /// The system refused memory. The classifier, if it was open, is as it was before the call.
    case outOfMemory
    /// A text is longer than `Classifier.maximumTextBytes`, or has more tokens than this model is served with: it would have to be
    /// cut, and nobody asked for that.
    case textTooLong
    /// A text's logits are not finite numbers: the model's products overflow.
    case notFinite
  }

  public let kind: Kind
  public let description: String

  package init(_ error: BundleError) { self.init(error.isOutOfMemory ? .outOfMemory : .file, error.description) }

  package init(_ error: ModelError) {
    let kind: Kind =
      switch error.kind {
      case .file, .noSourceFiles: .file
      case .noHead: .noHead
      case .noCalibration: .noCalibration
      case .argument: .argument
      case .textTooLong: .textTooLong
      case .notFinite: .notFinite
      }
    self.init(kind, error.description)
  }

  package init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description.onOneLine
  }
}

/// Runs what a session does, and says what it refuses in the library's own error.
func asClassifierError<Result>(_ body: () throws -> Result) throws -> Result {
  do { return try body() } catch let error as ModelError { throw ClassifierError(error) } catch let error as OutOfMemory {
    throw ClassifierError(.outOfMemory, error.description)
  }
}
