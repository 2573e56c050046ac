/// What a file of weights or text holds in truth, by its first bytes: downloads and renamed files are often something else.
enum FileContent: Equatable {
  /// What git keeps in place of a large file that it has not fetched.
  case gitLFSPointer
  case webPage
  /// What servers answer in place of a file, in a few words.
  case refusal(String)
  case safetensors
  case zipArchive
  case pickle
  /// Keras and TensorFlow.
  case hdf5
  case gguf
  case other

  init(_ bytes: UnsafeRawBufferPointer) {
    func starts(_ text: StaticString) -> Bool {
      bytes.starts(with: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
    let announced = bytes.count > 8 ? UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)) : .max
    if starts("version https://git-lfs.github.com/") {
      self = .gitLFSPointer
    } else if starts("PK\u{3}\u{4}") {
      self = .zipArchive
    } else if bytes.count > 2, bytes[0] == 0x80, (2...5).contains(bytes[1]) {
      self = .pickle
    } else if bytes.starts(with: [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .hdf5
    } else if starts("GGUF") {
      self = .gguf
    } else if announced <= SafetensorsFile.maximumHeaderSize, bytes[8] == UInt8(ascii: "{") {
      self = .safetensors
    } else if Self.isWebPage(bytes) {
      self = .webPage
    } else if let text = Self.refusal(bytes) {
      self = .refusal(text)
    } else {
      self = .other
    }
  }

  private static func isWebPage(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let text = bytes.prefix(1024).drop { $0 <= 0x20 || [0xEF, 0xBB, 0xBF].contains($0) }.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    return ["<!doctype html", "<html", "<?xml"].contains { text.starts(with: $0.utf8) }
  }

  private static func refusal(_ bytes: UnsafeRawBufferPointer) -> String? {
    guard bytes.count <= 200, let text = String(validating: bytes, as: UTF8.self) else { return nil }
    return ["Entry not found", "Repository not found", "Not Found", "404: Not Found", "Invalid username or password."]
      .first { text == $0 || text == $0 + "\n" }
  }
}

extension [UInt8] {
  var content: FileContent { withUnsafeBytes { FileContent($0) } }
}

extension FileContent {
  /// Refuses what stands in place of a file that was not fetched.
  func requireFetched() throws(CheckpointError.Fault) {
    let again = "download the file itself (its address at the hub has /resolve/ in it)"
    switch self {
    case .gitLFSPointer: throw .otherContent(found: "a Git LFS pointer, not the file", remedy: "git lfs pull")
    case .webPage: throw .otherContent(found: "an HTML page, not the file", remedy: again)
    case .refusal(let text): throw .otherContent(found: "a server's answer (\(text)), not the file", remedy: again)
    default: break
    }
  }

  func requireSafetensors() throws(CheckpointError.Fault) {
    try requireWeights()
    if self == .zipArchive || self == .pickle {
      throw .otherContent(
        found: "a file of torch.save, not safetensors", remedy: "rename it to \(FileName.pickledWeights)")
    }
  }

  func requirePyTorch() throws(CheckpointError.Fault) {
    try requireWeights()
    if self == .safetensors {
      throw .otherContent(found: "a safetensors file, not one of torch.save", remedy: "rename it to \(FileName.weights)")
    }
  }

  private func requireWeights() throws(CheckpointError.Fault) {
    try requireFetched()
    switch self {
    case .hdf5: throw .otherContent(found: "an HDF5 file (TensorFlow), not PyTorch's weights", remedy: OtherWeights.remedy)
    case .gguf: throw .otherContent(found: "a GGUF file, not PyTorch's weights", remedy: OtherWeights.remedy)
    default: break
    }
  }
}
