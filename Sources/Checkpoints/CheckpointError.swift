import Storage

/// Why a checkpoint could not be read or written: one line that says what, where, expected and found.
package struct CheckpointError: Error, Sendable, Equatable {
  /// The file or folder at fault.
  package let path: String
  package let fault: Fault

  package init(path: String, fault: Fault) {
    self.path = path
    self.fault = fault
  }

  package enum Fault: Error, Sendable, Equatable {
    /// The operating system refused.
    case file(FileError)
    case outOfMemory(OutOfMemory)
    case notAFolder
    case missingFile(lookedFor: [String])
    /// A file of PyTorch before 1.6.
    case legacyPickle
    /// The pickle of a PyTorch file does what building tensors does not need, or is broken: `offset` is that of the opcode.
    case pickle(offset: Int, expected: String, found: String)
    case json(String)
    /// Fewer bytes than the format's own numbers ask for.
    case truncated(place: String, expected: Int, found: Int)
    /// A value that cannot be: `place` says which one.
    case value(place: String, expected: String, found: String)
    case unknownElementType(tensor: String, found: String)
    /// The tensor does not start where the one before it ends.
    case misplacedTensor(String, expected: Int, found: Int)
    case notFloatingPoint(tensor: String, found: ElementType)
    case shape(tensor: String, expected: [Int], found: [Int])
    case missingTensor(lookedFor: [String])
    case duplicateTensor(String)
  }
}

extension CheckpointError: CustomStringConvertible {
  package var description: String {
    // The system's refusal names the path itself.
    if case .file(let refusal) = fault { return "\(refusal)" }
    return "\(path): \(fault)"
  }
}

extension CheckpointError.Fault: CustomStringConvertible {
  package var description: String {
    switch self {
    case .file(let refusal): "\(refusal)"
    case .outOfMemory(let refusal): "\(refusal)"
    case .notAFolder: "expected a checkpoint folder, found something else"
    case .missingFile(let names): "expected \(names.joined(separator: " or ")), found none"
    case .legacyPickle:
      "expected a zip archive, found a bare pickle as PyTorch before 1.6 wrote it: convert it "
        + "(with a newer PyTorch, torch.save(torch.load(file, weights_only=True), file))"
    case .pickle(let offset, let expected, let found): "data.pkl, byte \(offset): expected \(expected), found \(found)"
    case .json(let reason): reason
    case .truncated(let place, let expected, let found):
      "\(place) is truncated: expected \(expected) bytes, found \(found)"
    case .value(let place, let expected, let found): "\(place): expected \(expected), found \(found)"
    case .unknownElementType(let tensor, let found):
      "tensor \(tensor), element type: expected one of "
        + "\(ElementType.allCases.map(\.rawValue).joined(separator: " ")), found \(found)"
    case .misplacedTensor(let tensor, let expected, let found):
      "tensor \(tensor) \(found < expected ? "overlaps another" : "leaves a hole before it"): "
        + "expected offset \(expected), found \(found)"
    case .notFloatingPoint(let tensor, let found):
      "tensor \(tensor), element type: expected F32, F16, BF16 or F64, found \(found.rawValue)"
    case .shape(let tensor, let expected, let found): "tensor \(tensor), shape: expected \(expected), found \(found)"
    case .missingTensor(let names): "expected tensor \(names.joined(separator: " or ")), found none"
    case .duplicateTensor(let name): "tensor \(name): expected once, found twice"
    }
  }
}

/// Runs what only the system can refuse, and says whose fault it was.
func refusing<Result: ~Copyable>(
  _ path: String, _ body: () throws(FileError) -> Result
) throws(CheckpointError) -> Result {
  do throws(FileError) { return try body() } catch { throw CheckpointError(path: path, fault: .file(error)) }
}
