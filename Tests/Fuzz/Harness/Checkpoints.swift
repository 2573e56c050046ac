import Checkpoints
import Storage

#if canImport(Glibc)
  import Glibc
#endif

func readSafetensors(_ bytes: [UInt8]) throws {
  try withFile(bytes) { path in
    guard let file = try attempt({ try SafetensorsFile(path: path) }) else { return }
    try use(file.tensors)
  }
}

func readPyTorchFile(_ bytes: [UInt8]) throws {
  try withFile(bytes) { path in
    guard let file = try attempt({ try PyTorchFile(path: path) }) else { return }
    try use(file.tensors)
  }
}

/// A file of `torch.save` around a pickle, with storages `0` to `3` of 48 bytes.
func archive(pickle: [UInt8]) -> [UInt8] {
  var (file, directory): ([UInt8], [UInt8]) = ([], [])
  var entries = [("data.pkl", pickle), ("byteorder", Array("little".utf8))]
  for key in 0..<4 { entries.append(("data/\(key)", (0..<48).map { UInt8($0 * 5 + key) })) }
  for (name, content) in entries {
    let name = Array("archive/\(name)".utf8)
    let size = littleEndian(UInt32(content.count))
    let common: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0] + littleEndian(CRC32.zip.checksum(content)) + size + size + [UInt8(name.count), 0, 0, 0]
    directory += [0x50, 0x4B, 1, 2, 0, 0] + common + [UInt8](repeating: 0, count: 10) + littleEndian(UInt32(file.count)) + name
    file += [0x50, 0x4B, 3, 4] + common + name + content
  }
  let count: [UInt8] = [UInt8(entries.count), 0]
  let end = [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + count + count + littleEndian(UInt32(directory.count)) + littleEndian(UInt32(file.count)) + [0, 0]
  return file + directory + end
}

/// Reads what the tensors hold, as much as fits a bound: an expanded tensor may say that it is larger than its file.
private func use(_ tensors: [Tensor]) throws {
  var left = 4 << 20
  for tensor in tensors {
    guard tensor.elementCount <= left else { continue }
    left -= tensor.elementCount
    guard let values = try attempt({ try tensor.readFloat32() }) else { continue }
    guard values.count == tensor.shape.reduce(1, *) else { throw Finding("\(tensor.name): another size than its shape") }
  }
}

/// Runs `body` with the path of a file that holds the bytes and is gone afterwards.
func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
  let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
  var template = Array((folder + "/martlet-fuzz-XXXXXX").utf8CString)
  let descriptor = mkstemp(&template)
  guard descriptor >= 0 else { throw FileError(path: folder, operation: "make file") }
  unlink(template)
  defer { close(descriptor) }
  let path = "/proc/self/fd/\(descriptor)"
  let file = try FileDescriptor(opening: path, flags: O_WRONLY)
  try bytes.withUnsafeBytes { try file.write($0) }
  try body(path)
}
