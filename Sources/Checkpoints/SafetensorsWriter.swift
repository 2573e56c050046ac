import JSON
import Storage

/// A float32 tensor to be written; its values must stay valid until then.
package struct OutputTensor {
  package let name: String
  /// Outermost first.
  package let shape: [Int]
  /// Row-major, as many as the product of the shape.
  package let values: UnsafeBufferPointer<Float>

  package init(name: String, shape: [Int], values: UnsafeBufferPointer<Float>) {
    self.name = name
    self.shape = shape
    self.values = values
  }
}

/// Writes float32 tensors as a safetensors file, whole or not at all, byte for byte as the reference library does:
/// sorted by name, a compact header padded with spaces to a multiple of 8. Nothing is copied.
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
  try refusing(path) { () throws(FileError) in
    var file = try AtomicFile(path: path)
    try file.write(withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) })
    try file.write(header)
    for tensor in tensors { try file.write(UnsafeRawBufferPointer(tensor.values)) }
    try file.commit()
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
    guard tensor.shape.reduce(1, *) == tensor.values.count else {
      throw .shape(tensor: tensor.name, expected: tensor.shape, found: [tensor.values.count])
    }
    let start = end
    end += tensor.values.count * MemoryLayout<Float>.size
    let shape = tensor.shape.map(String.init).joined(separator: ",")
    fields.append(
      "\(quoted(tensor.name)):{\"dtype\":\"F32\",\"shape\":[\(shape)],\"data_offsets\":[\(start),\(end)]}")
  }
  let header = "{" + fields.joined(separator: ",") + "}"
  return header + String(repeating: " ", count: header.utf8.count.roundedUp(toMultipleOf: 8) - header.utf8.count)
}
