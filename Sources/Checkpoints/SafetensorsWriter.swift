import JSON
import Storage

/// A float32 tensor to be written.
package struct OutputTensor {
  package let name: String
  /// Outermost first.
  package let shape: [Int]
  private let source: Source

  private enum Source {
    case memory(UnsafeBufferPointer<Float>)
    case maker((UnsafeMutablePointer<Float>) -> Void)
  }

  /// - Parameter values: row-major, as many as the product of the shape; they must stay valid until they are written.
  package init(name: String, shape: [Int], values: UnsafeBufferPointer<Float>) {
    self.name = name
    self.shape = shape
    source = .memory(values)
  }

  /// - Parameter make: fills memory for as many values as the product of the shape, row-major; called when the tensor is
  ///   written, so that of several only one takes memory.
  package init(name: String, shape: [Int], make: @escaping (UnsafeMutablePointer<Float>) -> Void) {
    self.name = name
    self.shape = shape
    source = .maker(make)
  }

  package var count: Int {
    if case .memory(let values) = source { values.count } else { shape.reduce(1, *) }
  }

  /// Calls `body` with the values, valid while it runs.
  ///
  /// - Throws: `OutOfMemory` where they must be made, and what `body` throws.
  package func withValues(_ body: (UnsafeBufferPointer<Float>) throws -> Void) throws {
    switch source {
    case .memory(let values): try body(values)
    case .maker(let make):
      let memory = try AlignedBuffer(count: count, of: Float.self, zeroed: false)
      let values = memory.bound(to: Float.self)
      make(values)
      try withExtendedLifetime(memory) { try body(UnsafeBufferPointer(start: values, count: count)) }
    }
  }
}

/// Writes float32 tensors as a safetensors file, whole or not at all, byte for byte as the reference library does:
/// sorted by name, a compact header padded with spaces to a multiple of 8. Values in memory are not copied.
///
/// - Throws: when two tensors have one name, or values do not fit a shape, or the system refuses.
package func writeSafetensors(
  _ tensors: [OutputTensor], to path: String, metadata: [String: String] = ["format": "pt"]
) throws(CheckpointError) {
  let tensors = tensors.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  let header: String
  do throws(CheckpointError.Fault) { header = try safetensorsHeader(tensors, metadata) } catch {
    throw CheckpointError(path: path, fault: error)
  }
  do {
    var file = try AtomicFile(path: path)
    try file.write(withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) })
    try file.write(header)
    for tensor in tensors { try tensor.withValues { try file.write(UnsafeRawBufferPointer($0)) } }
    try file.commit()
  } catch let error as OutOfMemory {
    throw CheckpointError(path: path, fault: .outOfMemory(error))
  } catch let error as FileError {
    throw CheckpointError(path: path, fault: .file(error))
  } catch {
    throw CheckpointError(path: path, fault: .value(place: "writing", expected: "a refusal of the system", found: "\(error)"))
  }
}

private func safetensorsHeader(
  _ tensors: [OutputTensor], _ metadata: [String: String]
) throws(CheckpointError.Fault) -> String {
  func quoted(_ text: String) -> String { JSONValue.string(text).text() }

  var fields: [String] = []
  if !metadata.isEmpty {
    let pairs = metadata.sorted { $0.key < $1.key }.map { quoted($0.key) + ":" + quoted($0.value) }
    fields.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
  }
  var end = 0
  var previous: String?
  for tensor in tensors {
    guard tensor.name != previous else { throw .duplicateTensor(tensor.name) }
    guard tensor.name != "__metadata__" else {
      throw .value(place: "tensor name", expected: "any other", found: tensor.name)
    }
    previous = tensor.name
    guard tensor.shape.reduce(1, *) == tensor.count else {
      throw .shape(tensor: tensor.name, expected: tensor.shape, found: [tensor.count])
    }
    let start = end
    end += tensor.count * MemoryLayout<Float>.size
    let shape = tensor.shape.map(String.init).joined(separator: ",")
    fields.append(
      "\(quoted(tensor.name)):{\"dtype\":\"F32\",\"shape\":[\(shape)],\"data_offsets\":[\(start),\(end)]}")
  }
  let header = "{" + fields.joined(separator: ",") + "}"
  return header + String(repeating: " ", count: header.utf8.count.roundedUp(toMultipleOf: 8) - header.utf8.count)
}
