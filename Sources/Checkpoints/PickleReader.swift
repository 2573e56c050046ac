/// Runs the pickles of a PyTorch file: the opcodes of protocols 2 to 5 that build tensors, each in constant time, and nothing else.
///
/// A pickle is a program; this one can push values and put them into containers, import the names of `PickleGlobal`, and
/// call those (`PickleReader+Tensors`). Any other opcode or name is refused by its name.
struct PickleReader {
  /// Where the pickle's storages are described to be: what their identity consists of differs.
  enum Form {
    /// A zip archive with an entry for each storage.
    case archive
    /// A row of pickles and storages, of before PyTorch 1.6.
    case sequence
  }

  private let bytes: UnsafeRawBufferPointer
  let form: Form
  /// Behind a pickle that has been read: its end.
  private(set) var position: Int
  /// Where the opcode at hand starts, for messages.
  private var opcodeOffset = 0
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [UInt32: PickleValue] = [:]
  private var elementCount = 0
  var containers: [PickleContainer] = []
  var tensors: [PickledTensor] = []
  /// The storages that the pickle has named, by key.
  var storages: [String: PickledStorage] = [:]

  /// Of values on the stack, remembered, or in containers. A tensor takes about thirty.
  static let maximumValueCount = 1 << 18

  /// A reader of the pickle that starts there; more may follow it.
  init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0, form: Form) {
    self.bytes = bytes
    self.position = position
    self.form = form
  }

  func fault(_ expected: String, _ found: String) -> CheckpointError.Fault {
    .pickle(offset: opcodeOffset, expected: expected, found: found)
  }

  /// The tensors of the dictionary that the pickle holds, by name, in its order.
  mutating func namedTensors() throws(CheckpointError.Fault) -> [(name: String, tensor: PickledTensor)] {
    let value = try run()
    guard case .container(let top) = value, containers[top].kind == .dictionary else {
      throw fault("a dictionary of tensors", describe(value))
    }
    let entries = containers[top].elements
    var named: [(name: String, tensor: PickledTensor)] = []
    for index in stride(from: 0, to: entries.count, by: 2) {
      guard case .text(let name) = entries[index] else { throw fault("names of tensors", describe(entries[index])) }
      guard case .tensor(let tensor) = entries[index + 1] else {
        // What a training script saves: the tensors beside the optimiser, the epoch and so on.
        if let inner = innerTensors(entries) { throw .nestedTensors(key: inner) }
        throw .value(place: "pickle, \(name)", expected: "a tensor", found: describe(entries[index + 1]))
      }
      named.append((name, tensors[tensor]))
    }
    return named
  }

  /// The key of a dictionary of tensors inside the dictionary.
  private func innerTensors(_ entries: [PickleValue]) -> String? {
    for index in stride(from: 0, to: entries.count, by: 2) {
      guard case .text(let key) = entries[index], case .container(let inner) = entries[index + 1],
        containers[inner].kind == .dictionary, containers[inner].elements.count >= 2, case .tensor = containers[inner].elements[1]
      else { continue }
      return key
    }
    return nil
  }

  /// The value of the pickle, to its STOP.
  mutating func run() throws(CheckpointError.Fault) -> PickleValue {
    while true {
      opcodeOffset = position
      switch try byte() {
      case 0x80: try protocolVersion()
      case 0x95: try frame()
      case UInt8(ascii: "."): return try pop()
      case UInt8(ascii: "0"): _ = try pop()
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
      case 0x8C: try push(.text(try text(try number(1))))
      case 0x8D: try push(.text(try text(try number(8))))
      // Strings of Python 2.
      case UInt8(ascii: "U"): try push(.text(try text(try number(1))))
      case UInt8(ascii: "T"): try push(.text(try text(try number(4))))
      case UInt8(ascii: "c"): try push(.global(try globalOfLines()))
      case 0x93: try push(.global(try stackGlobal()))
      case UInt8(ascii: "R"): try reduce()
      case UInt8(ascii: "b"): try build()
      case UInt8(ascii: "Q"): try push(.storage(try storage(try pop())))
      case UInt8(ascii: "q"): try remember(UInt32(try number(1)))
      case UInt8(ascii: "r"): try remember(UInt32(try number(4)))
      case 0x94: try remember(UInt32(memo.count))
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
      UInt8(ascii: "P"): "PERSID", 0x97: "NEXT_BUFFER",
    ]
    return "\(names[opcode] ?? "opcode") (0x\(String(opcode, radix: 16)))"
  }
}

// MARK: What opcodes read from the pickle

extension PickleReader {
  private mutating func byte() throws(CheckpointError.Fault) -> UInt8 { UInt8(try number(1)) }

  private mutating func take(_ count: Int) throws(CheckpointError.Fault) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= bytes.count - position else {
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
    guard (2...5).contains(version) else { throw fault("pickle protocol 2 to 5", "\(version)") }
  }

  /// The bytes of the frame are the opcodes that follow, whatever it says.
  private mutating func frame() throws(CheckpointError.Fault) {
    let size = try number(8)
    guard size >= 0, size <= bytes.count - position else { throw fault("a frame of \(size) bytes", "the pickle's end") }
  }

  private mutating func globalOfLines() throws(CheckpointError.Fault) -> PickleGlobal {
    let (module, name) = (try line(), try line())
    return try global(module: module, name: name)
  }

  private mutating func stackGlobal() throws(CheckpointError.Fault) -> PickleGlobal {
    let names = try pop(2)
    guard case .text(let module) = names[0], case .text(let name) = names[1] else { throw fault("a module and a name", "other values") }
    return try global(module: module, name: name)
  }

  private func global(module: String, name: String) throws(CheckpointError.Fault) -> PickleGlobal {
    guard let global = PickleGlobal(module: module, name: name) else {
      throw fault("a name that builds tensors (what torch.save makes of a state_dict)", "\(module).\(name)")
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
      throw fault(kind == .list ? "a list" : "a dictionary", describe(target))
    }
    guard kind == .list || elements.count % 2 == 0 else { throw fault("keys and values", "an odd number of values") }
    try count(elements.count)
    containers[index].elements += elements
    try push(target)
  }

  /// The elements of a tuple.
  func tuple(_ value: PickleValue, _ what: String) throws(CheckpointError.Fault) -> [PickleValue] {
    guard case .container(let index) = value, containers[index].kind == .tuple else { throw fault(what, describe(value)) }
    return containers[index].elements
  }

  /// What a value is, for messages.
  func describe(_ value: PickleValue) -> String {
    switch value {
    case .none: "None"
    case .bool: "a bool"
    case .integer(let value): "the integer \(value)"
    case .real: "a float"
    case .text: "a string"
    case .container(let index): "a \(containers[index].kind)"
    case .global(let global): "\(global)"
    case .storage: "a storage"
    case .tensor: "a tensor"
    }
  }
}
