import Records
import Storage

extension RecordSource {
  /// A file, or standard input for `-`; what it holds is inflated if it is gzip or LZ4.
  package init(decompressing path: String) {
    let plain = RecordSource(path: path)
    self.init(name: plain.name, byteCount: plain.byteCount, opensAtOnce: plain.opensAtOnce) { () throws(RecordsError) in
      try DecompressingSource(plain.open(), name: plain.name)
    }
  }
}

/// The bytes that another source's bytes inflate to, by the magic they begin with; its very bytes if they begin with none.
package final class DecompressingSource: ByteSource {
  private enum State {
    /// Nothing is known yet: the bytes so far are the beginning of a magic, or there are none.
    case undecided
    /// Plain: bytes that were looked at come first, then the source's own.
    case plain
    case compressed(any Decompressor)
  }

  private let source: any ByteSource
  private let name: String
  private var state = State.undecided
  private var input: Window
  private var output: Window
  private static let windowBytes = 64 << 10
  private var inputHasEnded = false
  /// Thrown when everything before it has been handed out.
  private var failure: RecordsError?

  package init(_ source: any ByteSource, name: String) throws(RecordsError) {
    self.source = source
    self.name = name
    do throws(OutOfMemory) {
      input = try Window(byteCount: Self.windowBytes)
      output = try Window(byteCount: Self.windowBytes)
    } catch {
      throw .outOfMemory(source: name, error)
    }
  }

  package var position: Int { source.position }

  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(RecordsError) -> Int {
    while true {
      if case .plain = state {
        if input.count > 0 { return input.take(into: buffer) }
        return inputHasEnded ? 0 : try source.read(into: buffer)
      }
      if output.count > 0 { return output.take(into: buffer) }
      if let failure { throw failure }
      if isAtEnd { return 0 }
      advance()
      if output.count == 0, needsInput { receive() }
    }
  }

  package func waitForBytes(milliseconds: Int) -> Bool {
    let deadline = milliseconds > 0 ? Machine.monotonicSeconds() + Double(milliseconds) / 1000 : 0
    var left = milliseconds
    while true {
      if case .plain = state { return input.count > 0 || inputHasEnded || source.waitForBytes(milliseconds: left) }
      if output.count > 0 || failure != nil || isAtEnd { return true }
      advance()
      guard output.count == 0, needsInput else { continue }
      guard source.waitForBytes(milliseconds: left) else { return false }
      receive()
      if milliseconds > 0 { left = max(0, Int(saturating: (deadline - Machine.monotonicSeconds()) * 1000)) }
    }
  }

  private var isAtEnd: Bool {
    guard inputHasEnded, input.count == 0, case .compressed(let decompressor) = state else { return false }
    return decompressor.isBetweenMembers
  }

  /// Whether nothing can be done without more of the source's bytes. A magic may lie across two of its pieces.
  private var needsInput: Bool {
    guard failure == nil, !inputHasEnded else { return false }
    switch state {
    case .undecided: return true
    case .plain: return false
    case .compressed(let decompressor): return input.count == 0 && !decompressor.hasMoreOutput
    }
  }

  /// Reads once from the source, behind what is left of its bytes.
  private func receive() {
    do throws(RecordsError) {
      let count = try source.read(into: input.room)
      input.grow(by: count)
      inputHasEnded = count == 0
    } catch {
      failure = error
    }
  }

  /// Decides what the input is, or inflates until something has come out or the input is used up.
  private func advance() {
    switch state {
    case .plain: return
    case .undecided:
      switch CompressedFormat.recognise(input.bytes, isAll: inputHasEnded) {
      case .needsMore: return
      case .plain: state = .plain
      case .compressed(let format): state = .compressed(format.makeDecompressor())
      }
    case .compressed(let decompressor):
      do throws(DecompressionError) {
        while output.count == 0, input.count > 0 || decompressor.hasMoreOutput {
          let (taken, made) = try decompressor.inflate(input.bytes, into: output.room)
          input.drop(taken)
          output.grow(by: made)
        }
        if output.count == 0, inputHasEnded, input.count == 0, !decompressor.isBetweenMembers { throw .truncated }
      } catch {
        if case .foreign(let what) = error {
          failure = .unreadable(source: name, what: what)
          return
        }
        failure = .compressed(source: name, what: "\(decompressor.formatName), after \(source.position - input.count) bytes: \(error)")
      }
    }
  }
}

/// Bytes waiting in a buffer of fixed size.
private struct Window: ~Copyable {
  private let buffer: AlignedBuffer
  private var start = 0
  private var end = 0

  init(byteCount: Int) throws(OutOfMemory) { buffer = try AlignedBuffer(byteCount: byteCount, zeroed: false) }

  var count: Int { end - start }
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: buffer.bytes[start..<end]) }

  /// Where more can be put; what is waiting is moved to the front for it.
  var room: UnsafeMutableRawBufferPointer {
    mutating get {
      if start > 0 {
        buffer.baseAddress.copyMemory(from: buffer.baseAddress + start, byteCount: count)
        (start, end) = (0, count)
      }
      return UnsafeMutableRawBufferPointer(start: buffer.baseAddress + end, count: buffer.byteCount - end)
    }
  }

  mutating func grow(by count: Int) { end += count }
  mutating func drop(_ count: Int) { start += count }

  mutating func take(into target: UnsafeMutableRawBufferPointer) -> Int {
    let taken = min(count, target.count)
    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<taken]))
    start += taken
    return taken
  }
}
