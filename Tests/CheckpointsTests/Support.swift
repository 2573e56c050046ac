import Checkpoints
import Storage
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

func write(_ bytes: [UInt8], to path: String) throws {
  let file = try FileDescriptor(opening: path, flags: O_WRONLY | O_CREAT | O_TRUNC)
  try bytes.withUnsafeBytes { try file.write($0) }
}

func write(_ text: String, to path: String) throws { try write(Array(text.utf8), to: path) }

/// The bytes of a safetensors file: the true header size, this header, then the data.
func safetensors(_ header: String, data: [UInt8] = []) -> [UInt8] {
  withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + Array(header.utf8) + data
}

func littleEndian<T: BitwiseCopyable>(_ values: [T]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

/// The fault of opening these bytes as a safetensors file, nil when they open.
func fault(opening bytes: [UInt8]) throws -> CheckpointError.Fault? {
  try withTemporaryFolder { folder in
    try write(bytes, to: folder + "/t.safetensors")
    do throws(CheckpointError) {
      _ = try SafetensorsFile(path: folder + "/t.safetensors")
      return nil
    } catch {
      return error.fault
    }
  }
}

/// Runs `body` with output tensors that point at these values.
func withOutputTensors<Result>(
  _ tensors: [(name: String, shape: [Int], values: [Float])], _ body: ([OutputTensor]) throws -> Result
) rethrows -> Result {
  let buffers = tensors.map { tensor in
    let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: tensor.values.count)
    _ = buffer.initialize(from: tensor.values)
    return buffer
  }
  defer { for buffer in buffers { buffer.deallocate() } }
  return try body(
    zip(tensors, buffers).map {
      OutputTensor(name: $0.name, shape: $0.shape, values: UnsafeBufferPointer($1))
    })
}

/// The fault of a checkpoint operation, nil when it works.
func fault(_ body: () throws -> Void) -> CheckpointError.Fault? {
  do { try body() } catch { return (error as? CheckpointError)?.fault }
  return nil
}
