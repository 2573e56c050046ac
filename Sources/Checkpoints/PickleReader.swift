/// Runs the pickle of a PyTorch file: the opcodes of protocol 2 that build tensors, each in constant time, and nothing else.
///
/// A pickle is a program; this one can push values and put them into containers, import the names of `PickleGlobal`, and
/// call those (`PickleReader+Tensors`). Any other opcode or name is refused by its name.
struct PickleReader {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  /// Where the opcode at hand starts, for messages.
  private var opcodeOffset = 0
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [UInt32: PickleValue] = [:]
  private var elementCount = 0
  var containers: [PickleContainer] = []
  var tensors: [PickledTensor] = []

  /// Of values on the stack, remembered, or in containers. A tensor takes about thirty.
  static let maximumValueCount = 1 << 18

  /// The tensors of the dictionary that the pickle holds, by name, in its order.
  static func namedTensors(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError.Fault) -> [(name: String, tensor: PickledTensor)] {
    var reader = PickleReader(bytes)
    return try reader.namedTensors()
  }

  private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  func fault(_ expected: String, _ found: String) -> CheckpointError.Fault {
    .pickle(offset: opcodeOffset, expected: expected, found: found)
  }

  private mutating func namedTensors() throws(CheckpointError.Fault) -> [(name: String, tensor: PickledTensor)] {
    guard case .container(let top) = try run(), containers[top].kind == .dictionary else {
      throw fault("a dictionary of tensors", "another value")
    }
    let entries = containers[top].elements
    var named: [(name: String, tensor: PickledTensor)] = []
    for index in stride(from: 0, to: entries.count, by: 2) {
      guard case .text(let name) = entries[index] else { throw fault("names of tensors", "\(entries[index])") }
      guard case .tensor(let tensor) = entries[index + 1] else {
        throw .value(place: "pickle, \(name)", expected: "a tensor", found: "\(entries[index + 1])")
      }
      named.append((name, tensors[tensor]))
    }
    return named
  }

  private mutating func run() throws(CheckpointError.Fault) -> PickleValue {
    while true {
      opcodeOffset = position
      switch try byte() {
      case 0x80: try protocolVersion()
      case UInt8(ascii: "."): return try pop()
      case UInt8(ascii: "("): try mark()
      case UInt8(ascii: "}"): try push(.dictionary, [])
      case UInt8(ascii: "]"): try push(.list, [])
      case UInt8(ascii: ")"): try push(.tuple, [])
      case UInt8(ascii: "t"): try push(.tuple, try popToMark())
      case 0x85: try push(.tuple, try pop(1))
      case 0x86: try push(.tuple, try pop(2))
      case 0x87: try push(.tuple, try pop(3))
      case UInt8(ascii: "N"): try push(.none)
      case 0x88: try push(.bool(true))
      case 0x89: try push(.bool(false))
      case UInt8(ascii: "J"): try push(.integer(Int(Int32(bitPattern: UInt32(try number(4))))))
      case UInt8(ascii: "K"): try push(.integer(try number(1)))
      case UInt8(ascii: "M"): try push(.integer(try number(2)))
      case 0x8A: try push(.integer(try long()))
      case UInt8(ascii: "G"): try push(.real(Double(bitPattern: UInt64(bitPattern: Int64(try number(8))).byteSwapped)))
      case UInt8(ascii: "X"): try push(.text(try text(try number(4))))
      case UInt8(ascii: "U"): try push(.text(try text(try number(1))))
      case UInt8(ascii: "c"): try push(.global(try global()))
      case UInt8(ascii: "R"): try reduce()
      case UInt8(ascii: "b"): try build()
      case UInt8(ascii: "Q"): try push(.storage(try storage(try pop())))
      case UInt8(ascii: "q"): try remember(UInt32(try number(1)))
      case UInt8(ascii: "r"): try remember(UInt32(try number(4)))
      case UInt8(ascii: "h"): try recall(UInt32(try number(1)))
      case UInt8(ascii: "j"): try recall(UInt32(try number(4)))
      case UInt8(ascii: "s"): try add(try pop(2), to: .dictionary)
      case UInt8(ascii: "u"): try add(try popToMark(), to: .dictionary)
      case UInt8(ascii: "a"): try add(try pop(1), to: .list)
      case UInt8(ascii: "e"): try add(try popToMark(), to: .list)
      case let opcode: throw fault("an opcode that builds tensors", Self.opcodeName(opcode))
      }
    }
  }

  /// The names of opcodes that do more, by Python's `pickletools`.
  private static func opcodeName(_ opcode: UInt8) -> String {
    let names: [UInt8: String] = [
      UInt8(ascii: "i"): "INST", UInt8(ascii: "o"): "OBJ", 0x81: "NEWOBJ", 0x92: "NEWOBJ_EX", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4",
      0x93: "STACK_GLOBAL", UInt8(ascii: "P"): "PERSID", 0x97: "NEXT_BUFFER", 0x95: "FRAME", 0x94: "MEMOIZE",
    ]
    return "\(names[opcode] ?? "opcode") (0x\(String(opcode, radix: 16)))"
  }
}

// MARK: What opcodes read from the pickle

extension PickleReader {
  private mutating func byte() throws(CheckpointError.Fault) -> UInt8 { UInt8(try number(1)) }

  private mutating func take(_ count: Int) throws(CheckpointError.Fault) -> UnsafeRawBufferPointer {
    guard count <= bytes.count - position else {
      throw fault("\(count) more bytes", "the pickle's end")
    }
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }

  /// The little-endian number of so many bytes; eight of them keep their bits.
  private mutating func number(_ count: Int) throws(CheckpointError.Fault) -> Int {
    Int(truncatingIfNeeded: try take(count).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }

  /// A two's complement number of at most eight bytes.
  private mutating func long() throws(CheckpointError.Fault) -> Int {
    let count = try number(1)
    guard count <= 8 else { throw fault("an integer of at most 8 bytes", "\(count)") }
    guard count > 0 else { return 0 }
    let shift = 64 - 8 * count
    return (try number(count) << shift) >> shift
  }

  private mutating func text(_ count: Int) throws(CheckpointError.Fault) -> String {
    guard let text = String(validating: try take(count), as: UTF8.self) else { throw fault("a string in UTF-8", "other bytes") }
    return text
  }

  private mutating func line() throws(CheckpointError.Fault) -> String {
    guard let end = bytes[position...].prefix(256).firstIndex(of: UInt8(ascii: "\n")) else {
      throw fault("a name of at most 255 bytes and a line feed", "none")
    }
    defer { position = end + 1 }
    return try text(end - position)
  }

  private mutating func protocolVersion() throws(CheckpointError.Fault) {
    let version = try byte()
    guard version == 2 else { throw fault("pickle protocol 2", "\(version)") }
  }

  private mutating func global() throws(CheckpointError.Fault) -> PickleGlobal {
    let (module, name) = (try line(), try line())
    guard let global = PickleGlobal(module: module, name: name) else {
      throw fault("a name that builds tensors", "\(module).\(name)")
    }
    return global
  }
}

// MARK: Stack, memo and containers

extension PickleReader {
  mutating func push(_ value: PickleValue) throws(CheckpointError.Fault) {
    guard stack.count < Self.maximumValueCount else { throw fault("at most \(Self.maximumValueCount) values", "more") }
    stack.append(value)
  }

  mutating func push(_ kind: PickleContainer.Kind, _ elements: [PickleValue]) throws(CheckpointError.Fault) {
    try count(elements.count + 1)
    containers.append(PickleContainer(kind: kind, elements: elements))
    try push(.container(containers.count - 1))
  }

  mutating func count(_ elements: Int) throws(CheckpointError.Fault) {
    elementCount += elements
    guard elementCount <= Self.maximumValueCount else { throw fault("at most \(Self.maximumValueCount) values", "more") }
  }

  private mutating func mark() throws(CheckpointError.Fault) {
    guard marks.count < Self.maximumValueCount else { throw fault("at most \(Self.maximumValueCount) marks", "more") }
    marks.append(stack.count)
  }

  /// What lies on the stack down to the last mark is what opcodes may take.
  private mutating func pop(_ count: Int) throws(CheckpointError.Fault) -> [PickleValue] {
    guard stack.count - (marks.last ?? 0) >= count else { throw fault("\(count) values on the stack", "fewer") }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  mutating func pop() throws(CheckpointError.Fault) -> PickleValue { try pop(1)[0] }

  private mutating func popToMark() throws(CheckpointError.Fault) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw fault("a mark on the stack", "none") }
    defer { stack.removeLast(stack.count - mark) }
    return Array(stack[mark...])
  }

  private mutating func remember(_ number: UInt32) throws(CheckpointError.Fault) {
    let value = try pop()
    try push(value)
    guard memo.count < Self.maximumValueCount else { throw fault("at most \(Self.maximumValueCount) values", "more") }
    memo[number] = value
  }

  private mutating func recall(_ number: UInt32) throws(CheckpointError.Fault) {
    guard let value = memo[number] else { throw fault("a value with number \(number)", "none") }
    try push(value)
  }

  private mutating func add(_ elements: [PickleValue], to kind: PickleContainer.Kind) throws(CheckpointError.Fault) {
    let target = try pop()
    guard case .container(let index) = target, containers[index].kind == kind else {
      throw fault(kind == .list ? "a list" : "a dictionary", "\(target)")
    }
    guard kind == .list || elements.count % 2 == 0 else { throw fault("keys and values", "an odd number of values") }
    try count(elements.count)
    containers[index].elements += elements
    try push(target)
  }

  /// The elements of a tuple.
  func tuple(_ value: PickleValue, _ what: String) throws(CheckpointError.Fault) -> [PickleValue] {
    guard case .container(let index) = value, containers[index].kind == .tuple else { throw fault(what, "\(value)") }
    return containers[index].elements
  }
}
