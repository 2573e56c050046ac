import Storage

/// Another source's bytes as UTF-8, by a chosen encoding or by the byte order mark they begin with; without either its very bytes, which
/// are passed on as they are, without a copy.
package final class DecodingSource: ByteSource {
  private enum State {
    /// Nothing is known yet: the bytes so far may be the beginning of a mark.
    case undecided
    /// The source's own bytes, after those that were looked at.
    case plain
    case decoding(any TextDecoder)
  }

  private let source: any ByteSource
  private let name: String
  /// What was chosen.
  private let encoding: TextEncoding?
  /// Whether a mark of UTF-16 is enough. Without a zero byte near it, it may be two bytes of damage.
  private let believesMarks: Bool
  private var state = State.undecided
  private var input: [UInt8] = []
  private var output: [UInt8] = []
  private var outputStart = 0
  private var inputHasEnded = false
  private var failure: RecordsError?
  /// What the bytes are taken for, once that is known.
  package private(set) var decidedEncoding: TextEncoding?

  private static let pieceBytes = 64 << 10
  /// So many bytes are looked at for a zero.
  private static let evidenceBytes = 4096

  package init(_ source: any ByteSource, name: String, encoding: TextEncoding? = nil, believesMarks: Bool = true) {
    self.name = name
    self.source = source
    self.encoding = encoding
    self.believesMarks = believesMarks
  }

  package var position: Int { source.position }

  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(RecordsError) -> Int {
    while true {
      if case .plain = state, input.isEmpty { return inputHasEnded ? 0 : try source.read(into: buffer) }
      if waiting > 0 { return take(into: buffer) }
      if let failure { throw failure }
      if inputHasEnded, input.isEmpty { return 0 }
      advance()
    }
  }

  package func waitForBytes(milliseconds: Int) -> Bool {
    let deadline = milliseconds > 0 ? Machine.monotonicSeconds() + Double(milliseconds) / 1000 : 0
    var left = milliseconds
    while true {
      if case .plain = state, input.isEmpty { return inputHasEnded || source.waitForBytes(milliseconds: left) }
      if waiting > 0 || failure != nil || inputHasEnded && input.isEmpty { return true }
      guard !needsInput || source.waitForBytes(milliseconds: left) else { return false }
      advance()
      if milliseconds > 0 { left = max(0, Int(saturating: (deadline - Machine.monotonicSeconds()) * 1000)) }
    }
  }

  /// How many bytes can be handed out.
  private var waiting: Int {
    if case .plain = state { return input.count }
    return output.count - outputStart
  }

  /// Whether nothing can be done without more of the source's bytes.
  private var needsInput: Bool {
    guard !inputHasEnded, failure == nil else { return false }
    switch state {
    case .undecided: return recognise() == nil
    case .plain: return false
    case .decoding: return true
    }
  }

  private func take(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    if case .plain = state {
      let count = min(buffer.count, input.count)
      input.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
      input.removeFirst(count)
      return count
    }
    let count = min(buffer.count, waiting)
    output.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[outputStart..<(outputStart + count)])) }
    outputStart += count
    if outputStart == output.count {
      output.removeAll(keepingCapacity: true)
      outputStart = 0
    }
    return count
  }

  /// Decides, or reads once and decodes.
  private func advance() {
    if case .undecided = state {
      if let (decision, markBytes) = recognise() { return decide(decision, markBytes) }
      // What has come is kept back only as long as more comes at once.
      if input.count >= 4, !source.waitForBytes(milliseconds: 0) { return decide(nil, 0) }
    }
    receive()
    decode()
  }

  /// Reads once from the source, behind what is left of its bytes.
  private func receive() {
    guard !inputHasEnded else { return }
    let begin = input.count
    var received = 0
    input.append(contentsOf: repeatElement(0, count: Self.pieceBytes))
    input.withUnsafeMutableBytes { all in
      do throws(RecordsError) {
        received = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: all[begin...]))
        inputHasEnded = received == 0
      } catch {
        failure = error
      }
    }
    input.removeSubrange((begin + received)...)
  }

  private func decode() {
    guard case .decoding(let decoder) = state else { return }
    let taken = input.withUnsafeBytes { decoder.decode($0, isLast: inputHasEnded || failure != nil, into: &output) }
    input.removeFirst(taken)
  }

  private func decide(_ encoding: TextEncoding?, _ markBytes: Int) {
    decidedEncoding = encoding
    input.removeFirst(markBytes)
    switch encoding {
    case nil, .utf8?: state = .plain
    case .utf16(let order)?: state = .decoding(UnitDecoder(unitBytes: 2, byteOrder: order ?? .little))
    case .utf32(let order)?: state = .decoding(UnitDecoder(unitBytes: 4, byteOrder: order ?? .little))
    case .latin1?: state = .decoding(SingleByteDecoder(scalars: EncodingTables.latin1))
    case .windows1252?: state = .decoding(SingleByteDecoder(scalars: EncodingTables.windows1252))
    case .converted(let name)?:
      if let converter = LibraryConverter(name: name) {
        state = .decoding(converter)
      } else {
        failure = .unreadable(source: self.name, what: LibraryConverter.refusal(of: name) ?? name)
      }
    }
    decode()
  }

  /// What the bytes are, nil inside for their being passed on, and how many of them are the mark; nil while too few are there to tell.
  private func recognise() -> (encoding: TextEncoding?, markBytes: Int)? {
    switch encoding {
    case nil: return markedEncoding()
    case .utf16(nil)?:
      guard input.count >= 2 || inputHasEnded else { return nil }
      if input.starts(with: [0xFF, 0xFE]) { return (.utf16(.little), 2) }
      if input.starts(with: [0xFE, 0xFF]) { return (.utf16(.big), 2) }
      return (.utf16(input.first == 0 ? .big : .little), 0)
    case .utf32(nil)?:
      guard input.count >= 4 || inputHasEnded else { return nil }
      if input.starts(with: [0xFF, 0xFE, 0, 0]) { return (.utf32(.little), 4) }
      if input.starts(with: [0, 0, 0xFE, 0xFF]) { return (.utf32(.big), 4) }
      return (.utf32(input.first == 0 ? .big : .little), 0)
    case .utf16(let order?)?, .utf32(let order?)?:
      // A mark is no text, whoever chose the order.
      guard input.count >= 4 || inputHasEnded else { return nil }
      let mark: [UInt8] = order == .little ? [0xFF, 0xFE] : [0xFE, 0xFF]
      if case .utf16? = encoding { return (encoding, input.starts(with: mark) ? 2 : 0) }
      return (encoding, input.starts(with: order == .little ? mark + [0, 0] : [0, 0] + mark) ? 4 : 0)
    case let chosen?: return (chosen, 0)
    }
  }

  private func markedEncoding() -> (encoding: TextEncoding?, markBytes: Int)? {
    let marks: [(bytes: [UInt8], encoding: TextEncoding)] = [
      ([0xFF, 0xFE, 0, 0], .utf32(.little)), ([0, 0, 0xFE, 0xFF], .utf32(.big)), ([0xFF, 0xFE], .utf16(.little)),
      ([0xFE, 0xFF], .utf16(.big)),
    ]
    if input.isEmpty { return inputHasEnded ? .some((nil, 0)) : nil }
    let mayBecomeOne = marks.contains { input.count < $0.bytes.count && $0.bytes.starts(with: input) }
    if mayBecomeOne && !inputHasEnded { return nil }
    guard let mark = marks.first(where: { input.starts(with: $0.bytes) }) else { return .some((nil, 0)) }
    if case .utf32 = mark.encoding { return (mark.encoding, 4) }
    let evidence = input.prefix(Self.evidenceBytes)
    if believesMarks || evidence.contains(0) { return (mark.encoding, 2) }
    return evidence.count == Self.evidenceBytes || inputHasEnded ? .some((nil, 0)) : nil
  }
}
