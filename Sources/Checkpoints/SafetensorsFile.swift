import JSON
import Storage

/// A safetensors file, mapped: 8 bytes header size, a JSON header, then the tensors end to end.
///
/// Read as strictly as the format asks (huggingface/safetensors, README): the header is at most 100 MB and starts with
/// `{`; tensors cover the rest of the file without hole or overlap; a tensor's bytes are those of its shape and type.
package final class SafetensorsFile: TensorFile {
  package let path: String
  /// In file order.
  package let tensors: [Tensor]
  package let metadata: [String: String]
  private let positions: [String: Int]

  static let maximumHeaderSize = 100_000_000

  package init(path: String) throws(CheckpointError) {
    let file = try refusing(path) { () throws(FileError) in try MappedFile(path: path) }
    do throws(CheckpointError.Fault) {
      try FileContent(file.bytes).requireSafetensors()
      let header = try SafetensorsHeader(decoding: file)
      self.path = path
      tensors = header.tensors
      metadata = header.metadata
      positions = try positionsByName(header.tensors)
    } catch {
      throw CheckpointError(path: path, fault: error)
    }
  }

  package subscript(name: String) -> Tensor? { positions[name].map { tensors[$0] } }
}

private struct SafetensorsHeader {
  var tensors: [Tensor] = []
  var metadata: [String: String] = [:]

  init(decoding file: MappedFile) throws(CheckpointError.Fault) {
    let bytes = file.bytes
    guard bytes.count >= 8 else { throw .truncated(place: "safetensors header", expected: 8, found: bytes.count) }
    let announced = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard announced <= SafetensorsFile.maximumHeaderSize else {
      throw .value(
        place: "safetensors header size", expected: "at most \(SafetensorsFile.maximumHeaderSize)",
        found: "\(announced)")
    }
    let dataStart = 8 + Int(announced)
    guard dataStart <= bytes.count else {
      throw .truncated(place: "safetensors header", expected: dataStart, found: bytes.count)
    }
    guard announced > 0, bytes[8] == UInt8(ascii: "{") else {
      let found = announced > 0 ? "byte \(bytes[8])" : "nothing"
      throw .value(place: "safetensors header", expected: "{ as its first byte", found: found)
    }
    do throws(OutOfMemory) { try requireMemory(Int(announced).memory(times: parsedTimes)) } catch { throw .outOfMemory(error) }
    let json: JSONValue
    do throws(JSONError) {
      json = try JSONValue(parsing: UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart]))
    } catch {
      throw .json("safetensors header: \(error)")
    }
    guard let entries = json.object?.entries else {
      throw .value(place: "safetensors header", expected: "a JSON object", found: "another value")
    }

    var placed: [(range: Range<Int>, tensor: Tensor)] = []
    for (name, value) in entries {
      if name == "__metadata__" {
        try readMetadata(value)
      } else {
        placed.append(try Self.tensor(name, value, file: file, dataStart: dataStart))
      }
    }
    // The header's order is free; two empty tensors may share an offset.
    placed.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
    var end = 0
    for (range, tensor) in placed {
      guard range.lowerBound == end else {
        throw .misplacedTensor(tensor.name, expected: end, found: range.lowerBound)
      }
      end = range.upperBound
    }
    let dataSize = bytes.count - dataStart
    guard end <= dataSize else { throw .truncated(place: "safetensors data", expected: end, found: dataSize) }
    guard end == dataSize else {
      throw .value(place: "safetensors data", expected: "\(end) bytes", found: "\(dataSize)")
    }
    tensors = placed.map(\.tensor)
  }

  private mutating func readMetadata(_ value: JSONValue) throws(CheckpointError.Fault) {
    guard let entries = value.object?.entries else {
      throw .value(place: "safetensors __metadata__", expected: "a JSON object", found: "another value")
    }
    for (key, value) in entries {
      guard let text = value.string else {
        throw .value(place: "safetensors __metadata__, \(key)", expected: "a string", found: "another value")
      }
      metadata[key] = text
    }
  }

  private static func tensor(
    _ name: String, _ value: JSONValue, file: MappedFile, dataStart: Int
  ) throws(CheckpointError.Fault) -> (range: Range<Int>, tensor: Tensor) {
    guard let typeName = value["dtype"]?.string else {
      throw .value(place: "tensor \(name), dtype", expected: "a string", found: "none")
    }
    guard let elementType = ElementType(rawValue: typeName) else {
      throw .unknownElementType(tensor: name, found: typeName)
    }
    let shape = try sizes(value["shape"], place: "tensor \(name), shape")
    let offsets = try sizes(value["data_offsets"], place: "tensor \(name), data_offsets")
    guard offsets.count == 2, offsets[0] <= offsets[1] else {
      throw .value(place: "tensor \(name), data_offsets", expected: "a start and an end", found: "\(offsets)")
    }
    // Empty dimensions do not excuse the others: the product of the rest must fit as well, as in the reference.
    var count = 1
    for dimension in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
      guard !overflow else { throw .value(place: "tensor \(name), shape", expected: "a size", found: "\(shape)") }
      count = product
    }
    let (size, overflow) = count.multipliedReportingOverflow(by: elementType.byteCount)
    guard !overflow, size == offsets[1] - offsets[0] else {
      throw .value(
        place: "tensor \(name), bytes of \(typeName) \(shape)", expected: overflow ? "a size" : "\(size)",
        found: "\(offsets[1] - offsets[0])")
    }
    let (offset, beyond) = dataStart.addingReportingOverflow(offsets[0])
    guard !beyond else {
      throw .value(place: "tensor \(name), data_offsets", expected: "an offset", found: "\(offsets)")
    }
    let tensor = Tensor(
      name: name, elementType: elementType, shape: shape, elementCount: count, file: file, offset: offset)
    return (offsets[0]..<offsets[1], tensor)
  }

  private static func sizes(_ value: JSONValue?, place: String) throws(CheckpointError.Fault) -> [Int] {
    guard let values = value?.array else { throw .value(place: place, expected: "an array of sizes", found: "none") }
    var sizes: [Int] = []
    for value in values {
      guard case .integer(let size) = value, size >= 0, let size = Int(exactly: size) else {
        throw .value(place: place, expected: "sizes", found: value.description)
      }
      sizes.append(size)
    }
    return sizes
  }
}
