import Storage

/// A file of `torch.save`, mapped: a zip archive (`PyTorchArchive`), or the row of pickles and storages that PyTorch before 1.6
/// wrote (`PyTorchSequence`). In both a pickle says what the tensors are, views of storages that lie apart.
///
/// The pickle is read, never run (`PickleReader`).
package final class PyTorchFile: TensorFile {
  package let path: String
  /// In the pickle's order.
  package let tensors: [Tensor]
  private let positions: [String: Int]

  static let maximumPickleSize = 16 << 20

  package init(path: String) throws(CheckpointError) {
    let file = try refusing(path) { () throws(FileError) in try MappedFile(path: path) }
    do throws(CheckpointError.Fault) {
      self.path = path
      tensors = try Self.tensors(of: file)
      positions = try positionsByName(tensors)
    } catch {
      throw CheckpointError(path: path, fault: error)
    }
  }

  package subscript(name: String) -> Tensor? { positions[name].map { tensors[$0] } }

  private static func tensors(of file: MappedFile) throws(CheckpointError.Fault) -> [Tensor] {
    let content = FileContent(file.bytes)
    try content.requirePyTorch()
    if PyTorchSequence.isOne(file.bytes) { return try PyTorchSequence(file).tensors }
    guard content != .pickle else {
      throw .value(place: "PyTorch file", expected: "what torch.save writes", found: "a pickle without its magic number")
    }
    return try PyTorchArchive(file).tensors
  }
}

/// What `torch.save` writes since 1.6: a zip archive with a pickle and an entry for each storage, all under one folder, which is
/// called `archive` or like the file it was first saved as.
///
/// Checksums of what is used are compared, unless the file was written without
/// (`torch.serialization.set_crc32_options(False)` leaves zeros).
private struct PyTorchArchive {
  let file: MappedFile
  let zip: ZipArchive
  /// With its slash.
  let root: String
  let pickle: ZipArchive.Entry
  private let hasChecksums: Bool

  init(_ file: MappedFile) throws(CheckpointError.Fault) {
    self.file = file
    zip = try ZipArchive(file.bytes)
    let first = zip.entries.first?.name ?? ""
    root = first.firstIndex(of: "/").map { String(first[...$0]) } ?? ""
    guard let pickle = zip[root + "data.pkl"] else {
      throw .value(place: "zip archive", expected: "an entry data.pkl in the folder of the first", found: "none")
    }
    self.pickle = pickle
    hasChecksums = zip.entries.contains { $0.checksum != 0 }
    guard pickle.size <= PyTorchFile.maximumPickleSize else {
      throw .value(place: pickle.name, expected: "at most \(PyTorchFile.maximumPickleSize) bytes", found: "\(pickle.size)")
    }
    try verify(pickle)
    if let entry = zip[root + "byteorder"] {
      try verify(entry)
      guard contents(entry).elementsEqual("little".utf8) else {
        throw .value(place: entry.name, expected: "little", found: "another byte order")
      }
    }
  }

  var tensors: [Tensor] {
    get throws(CheckpointError.Fault) {
      do throws(OutOfMemory) { try requireMemory(pickle.size.memory(times: 2 * parsedTimes)) } catch { throw .outOfMemory(error) }
      var reader = PickleReader(contents(pickle), form: .archive)
      let named = try reader.namedTensors()
      var tensors: [Tensor] = []
      var verified: [String: ZipArchive.Entry] = [:]
      for (name, tensor) in named {
        let storage = tensor.storage
        let key = root + "data/" + storage.key
        if verified[key] == nil { verified[key] = try verifiedEntry(key) }
        guard let entry = verified[key] else { continue }
        let (size, overflow) = storage.elementCount.multipliedReportingOverflow(by: storage.elementType.byteCount)
        guard !overflow, size == entry.size else {
          throw .value(
            place: "tensor \(name), storage \(storage.key)",
            expected: "\(storage.elementCount) elements of \(storage.elementType.rawValue)", found: "\(entry.size) bytes")
        }
        tensors.append(Tensor(name: name, tensor, of: file, storageOffset: entry.offset))
      }
      return tensors
    }
  }

  private func contents(_ entry: ZipArchive.Entry) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: file.bytes[entry.offset..<entry.offset + entry.size])
  }

  private func verifiedEntry(_ name: String) throws(CheckpointError.Fault) -> ZipArchive.Entry {
    guard let entry = zip[name] else { throw .value(place: "zip archive", expected: "an entry \(name)", found: "none") }
    try verify(entry)
    return entry
  }

  private func verify(_ entry: ZipArchive.Entry) throws(CheckpointError.Fault) {
    guard hasChecksums else { return }
    let checksum = CRC32.zip.checksum(contents(entry))
    guard checksum == entry.checksum else {
      throw .value(
        place: "zip entry \(entry.name), checksum", expected: String(entry.checksum, radix: 16), found: String(checksum, radix: 16))
    }
  }
}

extension Tensor {
  /// The view of a storage that starts there in the file and has been found to lie inside it.
  init(name: String, _ tensor: PickledTensor, of file: MappedFile, storageOffset: Int) {
    let elementType = tensor.storage.elementType
    self.init(
      name: name, elementType: elementType, shape: tensor.shape, elementCount: tensor.elementCount, file: file,
      offset: storageOffset + tensor.offset * elementType.byteCount, strides: tensor.strides)
  }
}
