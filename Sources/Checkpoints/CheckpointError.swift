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
    /// What the file holds instead of what it should, and what to do about it.
    case otherContent(found: String, remedy: String)
    /// The weights that are there are of forms that are not read.
    case otherWeights(lookedFor: [String], found: String, remedy: String)
    /// A symbolic link to what is not there: a cache without its blobs.
    case danglingLink(target: String)
    /// No `config.json` here, but in folders below.
    case configurationBelow([String])
    /// `quantization_config` of `config.json`.
    case quantized(method: String)
    /// An adapter without the model that it was made for.
    case adapterWithoutBase(String)
    /// A setting of an adapter that changes the model in a way that is not implemented.
    case unsupportedAdapter(setting: String, found: String)
    /// Tensors of an adapter that the model has no place for.
    case foreignAdapter(tensors: [String])
    /// A dictionary with the tensors one level down.
    case nestedTensors(key: String)
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
    case .otherContent(let found, let remedy): "this is \(found): \(remedy)"
    case .otherWeights(let names, let found, let remedy): "expected \(names.joined(separator: " or ")), found only \(found.excerpt): \(remedy)"
    case .danglingLink(let target): "a symbolic link to \(target.excerpt), which is not there: download the model again"
    case .configurationBelow(let folders):
      "expected config.json, found one in \(folders.excerpts()): name that folder"
    case .quantized(let method):
      "quantization_config: expected weights in floating point, found those of \(method.excerpt): save the model dequantised "
        + "(model.dequantize() and save_pretrained), or pack the model that was quantised"
    case .adapterWithoutBase(let base):
      "an adapter for \(base.isEmpty ? "a model without a name" : base.excerpt), which is not a folder here: give its folder with --base "
        + "or name it in that file, or merge the adapter (PEFT's merge_and_unload) and save the whole"
    case .unsupportedAdapter(let setting, let found):
      "\(setting) \(found.excerpt) is not supported: merge the adapter (PEFT's merge_and_unload) and save the whole"
    case .foreignAdapter(let names):
      "an adapter for another model: \(names.count) tensors have no place in this one, the first is \((names.first ?? "").excerpt)"
    case .nestedTensors(let key):
      "expected a dictionary of tensors, found a training checkpoint with them under \"\(key.excerpt)\": "
        + "save them alone (torch.save(torch.load(file)[\"\(key.excerpt)\"], file))"
    case .pickle(let offset, let expected, let found): "pickle, byte \(offset): expected \(expected), found \(found.excerpt)"
    case .json(let reason): reason.onOneLine
    case .truncated(let place, let expected, let found):
      "\(place.excerpt) is truncated: expected \(expected) bytes, found \(found)"
    case .value(let place, let expected, let found): "\(place.excerpt): expected \(expected), found \(found.excerpt)"
    case .unknownElementType(let tensor, let found):
      "tensor \(tensor.excerpt), element type: expected one of "
        + "\(ElementType.allCases.map(\.rawValue).joined(separator: " ")), found \(found.excerpt)"
    case .misplacedTensor(let tensor, let expected, let found):
      "tensor \(tensor.excerpt) \(found < expected ? "overlaps another" : "leaves a hole before it"): "
        + "expected offset \(expected), found \(found)"
    case .notFloatingPoint(let tensor, let found):
      "tensor \(tensor.excerpt), element type: expected F32, F16, BF16 or F64, found \(found.rawValue)"
    case .shape(let tensor, let expected, let found): "tensor \(tensor.excerpt), shape: expected \(expected), found \(found)"
    case .missingTensor(let names): "expected tensor \(names.map(\.excerpt).joined(separator: " or ")), found none"
    case .duplicateTensor(let name): "tensor \(name.excerpt): expected once, found twice"
    }
  }
}

/// Runs what only the system can refuse, and says whose fault it was.
func refusing<Result: ~Copyable>(
  _ path: String, _ body: () throws(FileError) -> Result
) throws(CheckpointError) -> Result {
  do throws(FileError) { return try body() } catch { throw CheckpointError(path: path, fault: .file(error)) }
}
