import Storage

/// What `torch.save` wrote before 1.6, and writes when asked to (`_use_new_zipfile_serialization=False`): five pickles (a magic
/// number, the version 1001, facts about the machine, the dictionary of tensors, a list of storage keys), then each storage in the
/// list's order as its count of elements in eight bytes and the elements, little-endian on every machine.
struct PyTorchSequence {
  let tensors: [Tensor]

  /// `torch.serialization.MAGIC_NUMBER`, as every pickle protocol from 2 on writes it: LONG1 with ten bytes, and STOP.
  private static let magic: [UInt8] = [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, UInt8(ascii: ".")]
  private static let protocolVersion = 1001

  /// Whether the bytes start as such a file does.
  static func isOne(_ bytes: UnsafeRawBufferPointer) -> Bool { endOfMagic(bytes) != nil }

  private static func endOfMagic(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard bytes.count >= 3, bytes[0] == 0x80 else { return nil }
    // Protocol 4 has the size of a frame in front.
    let start = bytes[2] == 0x95 ? 11 : 2
    return bytes.dropFirst(start).starts(with: magic) ? start + magic.count : nil
  }

  init(_ file: MappedFile) throws(CheckpointError.Fault) {
    let bytes = file.bytes
    var end = Self.endOfMagic(bytes) ?? 0
    func reader() -> PickleReader {
      let limit = min(bytes.count, end + PyTorchFile.maximumPickleSize)
      return PickleReader(UnsafeRawBufferPointer(rebasing: bytes[..<limit]), at: end, form: .sequence)
    }

    var version = reader()
    guard case .integer(Self.protocolVersion) = try version.run() else {
      throw .value(place: "PyTorch file, version", expected: "\(Self.protocolVersion)", found: "another")
    }
    end = version.position
    var machine = reader()
    _ = try machine.run()
    end = machine.position
    var pickle = reader()
    let named = try pickle.namedTensors()
    end = pickle.position
    var list = reader()
    let keys = try list.texts()
    end = list.position

    let offsets = try Self.offsets(of: keys, pickle.storages, in: bytes, from: end)
    var tensors: [Tensor] = []
    for (name, tensor) in named {
      guard let offset = offsets[tensor.storage.key] else {
        throw .value(place: "tensor \(name), storage \(tensor.storage.key)", expected: "its elements in the file", found: "none")
      }
      tensors.append(Tensor(name: name, tensor, of: file, storageOffset: offset))
    }
    self.tensors = tensors
  }

  /// Where the elements of each storage start. What follows the last is of no meaning, as in the reference library.
  private static func offsets(
    of keys: [String], _ storages: [String: PickledStorage], in bytes: UnsafeRawBufferPointer, from start: Int
  ) throws(CheckpointError.Fault) -> [String: Int] {
    var offsets: [String: Int] = [:]
    var position = start
    for key in keys {
      guard let storage = storages[key] else {
        throw .value(place: "storage \(key)", expected: "one that the pickle names", found: "another")
      }
      guard bytes.count - position >= 8 else { throw .truncated(place: "storage \(key)", expected: 8, found: bytes.count - position) }
      let count = Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Int64.self)))
      guard count == storage.elementCount else {
        throw .value(place: "storage \(key)", expected: "\(storage.elementCount) elements", found: "\(count)")
      }
      position += 8
      let (size, overflow) = count.multipliedReportingOverflow(by: storage.elementType.byteCount)
      guard !overflow, size <= bytes.count - position else {
        throw .truncated(place: "storage \(key)", expected: overflow ? .max : size, found: bytes.count - position)
      }
      guard offsets.updateValue(position, forKey: key) == nil else {
        throw .value(place: "storage \(key)", expected: "once", found: "twice")
      }
      position += size
    }
    return offsets
  }
}

extension PickleReader {
  /// The strings of the list that the pickle holds.
  fileprivate mutating func texts() throws(CheckpointError.Fault) -> [String] {
    let value = try run()
    guard case .container(let index) = value, containers[index].kind == .list else {
      throw fault("a list of storage keys", describe(value))
    }
    var texts: [String] = []
    for element in containers[index].elements {
      guard case .text(let text) = element else { throw fault("the key of a storage", describe(element)) }
      texts.append(text)
    }
    return texts
  }
}
