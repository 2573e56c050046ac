import Checkpoints
import Storage
import TestSupport
import Testing

@Suite struct SafetensorsReadingTests {
  private func tensor(_ header: String, data: [UInt8], name: String = "t") throws -> Tensor {
    try withTemporaryFolder { folder in
      try write(safetensors(header, data: data), to: folder + "/t.safetensors")
      return try #require(try SafetensorsFile(path: folder + "/t.safetensors")[name])
    }
  }

  @Test func everyHalfIsExact() throws {
    let bits = (0...UInt16.max).map { $0 }
    let tensor = try tensor(
      #"{"t":{"dtype":"F16","shape":[65536],"data_offsets":[0,131072]}}"#, data: littleEndian(bits))
    for (bits, value) in zip(bits, try tensor.readFloat32()) {
      let (exponent, fraction) = (Int(bits >> 10 & 31), Double(bits & 1023))
      let magnitude =
        switch exponent {
        case 0: fraction * 0x1p-24
        case 31: fraction == 0 ? Double.infinity : .nan
        default: (1024 + fraction) * Double(sign: .plus, exponent: exponent - 25, significand: 1)
        }
      let expected = Float(bits >> 15 == 0 ? magnitude : -magnitude)
      #expect(
        value.isNaN ? expected.isNaN : value.bitPattern == expected.bitPattern, "\(bits): \(expected), \(value)")
    }
  }

  @Test func everyBFloatIsExact() throws {
    let bits = (0...UInt16.max).map { $0 }
    let tensor = try tensor(
      #"{"t":{"dtype":"BF16","shape":[256,256],"data_offsets":[0,131072]}}"#, data: littleEndian(bits))
    #expect(try tensor.readFloat32().map(\.bitPattern) == bits.map { UInt32($0) << 16 })
  }

  @Test func doublesAreRoundedToNearest() throws {
    let values = [
      0, -0.0, 1, 0.1, 1e300, -1e300, 1e-46, .leastNonzeroMagnitude, .infinity, .nan, 16_777_217, Double.pi,
    ]
    let tensor = try tensor(
      #"{"t":{"dtype":"F64","shape":[12],"data_offsets":[0,96]}}"#, data: littleEndian(values))
    #expect(try tensor.readFloat32().map(\.bitPattern) == values.map { Float($0).bitPattern })
  }

  @Test func integersAreNoWeights() throws {
    let tensor = try tensor(#"{"t":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#, data: littleEndian([Int64(7)]))
    #expect(tensor.bytes?.elementsEqual(littleEndian([Int64(7)])) == true)
    #expect(fault { _ = try tensor.readFloat32() } == .notFloatingPoint(tensor: "t", found: .int64))
  }

  @Test func theTargetMustHaveTheSize() throws {
    let tensor = try tensor(#"{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, data: littleEndian([Float(7)]))
    var values = [Float](repeating: 0, count: 2)
    #expect(
      fault { try values.withUnsafeMutableBufferPointer { try tensor.readFloat32(into: $0) } }
        == .shape(tensor: "t", expected: [2], found: [1]))
  }

  /// Old files pad nothing: data may lie at any address.
  @Test func unalignedDataIsRead() throws {
    for spaces in 0..<8 {
      let header = #"{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"# + String(repeating: " ", count: spaces)
      #expect(try tensor(header, data: littleEndian([Float(1.5), -2])).readFloat32() == [1.5, -2])
    }
  }

  @Test func whatIsAllowed() throws {
    #expect(try fault(opening: safetensors("{}")) == nil)
    #expect(try fault(opening: safetensors(#"{"__metadata__":{"format":"pt"}}"#)) == nil)
    // A single value, an empty tensor, tensors of which the header's order is not the file's, unknown fields.
    #expect(
      try fault(
        opening: safetensors(#"{"t":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}"#, data: [0, 0, 0, 0])) == nil)
    #expect(try fault(opening: safetensors(#"{"t":{"dtype":"F32","shape":[2,0],"data_offsets":[0,0]}}"#)) == nil)
    #expect(
      try fault(
        opening: safetensors(
          #"""
          {"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2],"more":1},
          "e":{"dtype":"U8","shape":[0],"data_offsets":[1,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}
          """#, data: [1, 2])) == nil)
  }

  @Test func metadataIsRead() throws {
    try withTemporaryFolder { folder in
      try write(safetensors(#"{"__metadata__":{"format":"pt","k":"v"}}"#), to: folder + "/t")
      #expect(try SafetensorsFile(path: folder + "/t").metadata == ["format": "pt", "k": "v"])
    }
  }
}

@Suite struct SafetensorsMalformationTests {
  private let whole = safetensors(
    #"{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"#
      + #""b":{"dtype":"F16","shape":[1],"data_offsets":[16,18]}}"#,
    data: [UInt8](repeating: 1, count: 18))

  @Test func everyTruncation() throws {
    #expect(try fault(opening: whole) == nil)
    for count in whole.indices {
      guard case .truncated = try fault(opening: Array(whole.prefix(count))) else {
        Issue.record("\(count) of \(whole.count) bytes were accepted")
        continue
      }
    }
    #expect(
      try fault(opening: whole + [0]) == .value(place: "safetensors data", expected: "18 bytes", found: "19"))
  }

  /// A changed byte may leave a readable file (in a name, say), never one that is read outside its bounds.
  @Test func everyChangedByteOfTheHeader() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/t"
      for position in 0..<whole.count - 18 {
        for change: UInt8 in [1, 2, 0x10, 0x80] {
          var bytes = whole
          bytes[position] ^= change
          try write(bytes, to: path)
          guard let file = try? SafetensorsFile(path: path) else { continue }
          #expect(file.tensors.reduce(0) { $0 + ($1.bytes?.count ?? 0) } == 18, "byte \(position) changed by \(change)")
        }
      }
    }
  }

  @Test func headerSizes() throws {
    for size in [UInt64(100_000_001), UInt64(Int.max), .max] {
      var bytes = whole
      bytes.replaceSubrange(0..<8, with: littleEndian([size]))
      #expect(
        try fault(opening: bytes)
          == .value(place: "safetensors header size", expected: "at most 100000000", found: "\(size)"))
    }
    var bytes = whole
    bytes.replaceSubrange(0..<8, with: littleEndian([UInt64(100_000_000)]))
    #expect(
      try fault(opening: bytes)
        == .truncated(place: "safetensors header", expected: 100_000_008, found: whole.count))
    #expect(try fault(opening: safetensors("")) != nil)
  }

  @Test(arguments: [
    " {}", "[]", "null", "{", "{]", "{}{}", "{\"a\":1,}", "\u{FEFF}{}", #"{"a":1}"#, #"{"a":{}}"#, #"{"a":null}"#,
    #"{"__metadata__":1}"#, #"{"__metadata__":{"a":1}}"#, #"{"__metadata__":{"a":null}}"#,
  ]) func headersThatAreNone(header: String) throws {
    #expect(try fault(opening: safetensors(header)) != nil)
  }

  @Test func headersThatAreNotText() throws {
    var bytes = safetensors(#"{"__metadata__":{"a":"b"}}"#)
    bytes[8 + 18] = 0xFF
    #expect(try fault(opening: bytes) != nil)
  }

  private func faultOfTensor(_ entry: String, data: Int) throws -> CheckpointError.Fault? {
    try fault(opening: safetensors("{\"t\":\(entry)}", data: [UInt8](repeating: 0, count: data)))
  }

  @Test func elementTypes() throws {
    for name in ["F31", "f32", "", "F4"] {
      #expect(
        try faultOfTensor(#"{"dtype":"\#(name)","shape":[1],"data_offsets":[0,4]}"#, data: 4)
          == .unknownElementType(tensor: "t", found: name))
    }
    #expect(try faultOfTensor(#"{"dtype":1,"shape":[1],"data_offsets":[0,4]}"#, data: 4) != nil)
    #expect(try faultOfTensor(#"{"shape":[1],"data_offsets":[0,4]}"#, data: 4) != nil)
  }

  @Test(arguments: [
    "[2]", "[]", "[-1]", "[1.0]", "[1.5]", "[\"1\"]", "[null]", "1", "null", "[4294967296,4294967296]",
    "[9223372036854775807]", "[9223372036854775807,9223372036854775807]", "[9223372036854775808]",
    "[18446744073709551616]", "[2,9223372036854775808]", "[9223372036854775807,2,0]",
  ]) func shapes(shape: String) throws {
    #expect(try faultOfTensor(#"{"dtype":"F32","shape":\#(shape),"data_offsets":[0,0]}"#, data: 0) != nil)
  }

  @Test(arguments: [
    "[0]", "[0,4,8]", "[4,0]", "[-4,0]", "[0,3]", "[0,5]", "[0,8]", "[4,8]", "null", "[0,4.0]", "[1e18,1e18]",
    "[9223372036854775804,9223372036854775807]", "[9223372036854775800,9223372036854775804]",
    "[18446744073709551612,18446744073709551616]",
  ]) func offsets(offsets: String) throws {
    #expect(try faultOfTensor(#"{"dtype":"F32","shape":[1],"data_offsets":\#(offsets)}"#, data: 4) != nil)
  }

  private func pair(_ first: (Int, Int), _ second: (Int, Int), data: Int) throws -> CheckpointError.Fault? {
    let header = [("a", first), ("b", second)].map { name, range in
      #""\#(name)":{"dtype":"U8","shape":[\#(range.1 - range.0)],"data_offsets":[\#(range.0),\#(range.1)]}"#
    }
    return try fault(
      opening: safetensors("{\(header.joined(separator: ","))}", data: [UInt8](repeating: 0, count: data)))
  }

  @Test func overlapsAndHoles() throws {
    #expect(try pair((0, 4), (4, 8), data: 8) == nil)
    #expect(try pair((0, 4), (3, 7), data: 7) == .misplacedTensor("b", expected: 4, found: 3))
    #expect(try pair((0, 4), (0, 4), data: 4) == .misplacedTensor("b", expected: 4, found: 0))
    #expect(try pair((0, 8), (2, 4), data: 8) == .misplacedTensor("b", expected: 8, found: 2))
    #expect(try pair((0, 4), (5, 9), data: 9) == .misplacedTensor("b", expected: 4, found: 5))
    #expect(try pair((1, 4), (4, 9), data: 9) == .misplacedTensor("a", expected: 0, found: 1))
    #expect(try pair((0, 4), (4, 8), data: 9) == .value(place: "safetensors data", expected: "8 bytes", found: "9"))
    #expect(
      try pair((0, 4), (4, 8), data: 7) == .truncated(place: "safetensors data", expected: 8, found: 7))
  }

  /// A thousand tensors that all claim the same bytes: small file, large promise.
  @Test func manyClaimsOnTheSameBytes() throws {
    let entries = (0..<1000).map { #""t\#($0)":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}"# }
    let fault = try fault(
      opening: safetensors("{\(entries.joined(separator: ","))}", data: [UInt8](repeating: 0, count: 16)))
    guard case .misplacedTensor = fault else {
      Issue.record("\(String(describing: fault))")
      return
    }
  }

  /// Two keys of the header, one name to a Swift dictionary.
  @Test func namesThatUnicodeHoldsEqual() throws {
    let header = "{\"\u{E9}\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"e\u{301}\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}"
    #expect(try fault(opening: safetensors(header, data: [1, 2])) == .duplicateTensor("\u{E9}"))
  }

  @Test func whatIsNoFile() throws {
    try withTemporaryFolder { folder in
      #expect(fault { _ = try SafetensorsFile(path: folder) } != nil)
      #expect(fault { _ = try SafetensorsFile(path: folder + "/none") } != nil)
    }
  }
}

@Suite struct SafetensorsWritingTests {
  @Test func whatIsWrittenIsWhatTheReferenceWrites() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/model.safetensors"
      try withOutputTensors([("b.weight", [2, 2], [1, 2, 3, 4]), ("a", [], [5]), ("b", [0], [])]) {
        try writeSafetensors($0, to: path)
      }
      let header =
        #"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"#
        + #""b":{"dtype":"F32","shape":[0],"data_offsets":[4,4]},"#
        + #""b.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[4,20]}}"#
      let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
      #expect(try readFile(path) == safetensors(padded, data: littleEndian([Float(5), 1, 2, 3, 4])))

      let file = try SafetensorsFile(path: path)
      #expect(file.metadata == ["format": "pt"])
      #expect(file.tensors.map(\.name) == ["a", "b", "b.weight"])
      #expect(file["b.weight"]?.shape == [2, 2])
      #expect(try file["b.weight"]?.readFloat32() == [1, 2, 3, 4])
      #expect(try file["a"]?.readFloat32() == [5])
    }
  }

  @Test func valuesKeepTheirBits() throws {
    try withTemporaryFolder { folder in
      let values: [Float] = [-0.0, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude]
      try withOutputTensors([("t", [5], values)]) { try writeSafetensors($0, to: folder + "/t") }
      let tensor = try #require(try SafetensorsFile(path: folder + "/t")["t"])
      #expect(try tensor.readFloat32().map(\.bitPattern) == values.map(\.bitPattern))
    }
  }

  /// Values that are made when they are written give the same file as values in memory.
  @Test func madeValues() throws {
    try withTemporaryFolder { folder in
      let values: [String: [Float]] = ["b": [1, 2, 3, 4, 5, 6], "a": [7], "c": []]
      try withOutputTensors(values.map { ($0, [$1.count], $1) }) { try writeSafetensors($0, to: folder + "/memory") }
      let made = values.map { name, values in
        OutputTensor(name: name, shape: [values.count]) { $0.update(from: values, count: values.count) }
      }
      try writeSafetensors(made, to: folder + "/made")
      #expect(try readFile(folder + "/made") == readFile(folder + "/memory"))
    }
  }

  @Test func whatCannotBeWritten() throws {
    try withTemporaryFolder { folder throws in
      func refusal(
        _ tensors: [(name: String, shape: [Int], values: [Float])], at name: String = "t"
      ) -> CheckpointError.Fault? {
        withOutputTensors(tensors) { tensors in fault { try writeSafetensors(tensors, to: folder + "/" + name) } }
      }
      #expect(refusal([("a", [1], [1]), ("a", [1], [2])]) == .duplicateTensor("a"))
      #expect(refusal([("a", [2], [1])]) == .shape(tensor: "a", expected: [2], found: [1]))
      #expect(refusal([("__metadata__", [1], [1])]) != nil)
      #expect(refusal([("a", [1], [1])], at: "none/t") != nil)
      #expect(try listDirectory(folder).isEmpty)
    }
  }
}
