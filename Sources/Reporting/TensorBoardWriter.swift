import Storage

/// Writes scalars that TensorBoard shows: one event file, `events.out.tfevents.<seconds>.<host>.<pid>.<n>`, in a folder of its own run.
///
/// The format is TensorFlow's: TFRecord frames (length, masked CRC-32C of the length, payload, masked CRC-32C of the payload) of protocol
/// buffer `Event` messages (tensorflow/core/util/event.proto), the first with the format's version. Four fields are encoded by hand.
package final class TensorBoardWriter {
  package let path: String
  private let file: FileDescriptor
  private var buffer: [UInt8] = []

  /// Makes the folder if need be, and a new file in it.
  package init(folder: String, time: Double = Machine.wallClockSeconds(), host: String = Machine.hostName) throws(FileError) {
    try makeDirectory(folder)
    var number = 0
    while true {
      let path = "\(folder)/events.out.tfevents.\(Int(saturating: time)).\(host).\(Machine.processIdentifier).\(number)"
      do throws(FileError) {
        file = try FileDescriptor(creating: path)
        self.path = path
        break
      } catch {
        // Two runs of one process within a second.
        guard error.isThere else { throw error }
        number += 1
      }
    }
    append(event: Event.version(time: time))
    try flush()
  }

  /// One point of a curve; written by the next `flush`.
  package func scalar(_ tag: String, _ value: Float, step: Int, time: Double = Machine.wallClockSeconds()) {
    append(event: Event.scalar(tag: tag, value: value, step: step, time: time))
  }

  package func flush() throws(FileError) {
    guard !buffer.isEmpty else { return }
    var failure: FileError?
    buffer.withUnsafeBytes { bytes in
      do throws(FileError) { try file.write(bytes) } catch { failure = error }
    }
    if let failure { throw failure }
    buffer.removeAll(keepingCapacity: true)
  }

  private func append(event: [UInt8]) {
    let length = Event.littleEndian(UInt64(event.count))
    buffer += length
    buffer += Event.littleEndian(Event.maskedChecksum(length))
    buffer += event
    buffer += Event.littleEndian(Event.maskedChecksum(event))
  }

  /// The name of a run's folder as Hugging Face gives it: `Nov23_17-46-11_host`, in local time.
  package static func defaultRunName(time: Double = Machine.wallClockSeconds(), host: String = Machine.hostName) -> String {
    let local = LocalTime(secondsSince1970: Int(saturating: time))
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
    return months[local.month - 1] + two(local.day) + "_" + two(local.hour) + "-" + two(local.minute) + "-"
      + two(local.second) + "_" + host
  }
}

/// The wire format of `Event`: 1 double wall_time, 2 int64 step, 3 string file_version, 5 Summary; of `Summary`: 1 Value; of `Value`: 1 string
/// tag, 2 float simple_value.
private enum Event {
  static func version(time: Double) -> [UInt8] { double(1, time) + bytes(3, Array("brain.Event:2".utf8)) }

  static func scalar(tag: String, value: Float, step: Int, time: Double) -> [UInt8] {
    let value = bytes(1, Array(tag.utf8)) + float(2, value)
    return double(1, time) + integer(2, step) + bytes(5, bytes(1, value))
  }

  static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian, Array.init) }

  /// CRC-32C in the form that TFRecord files store, so that a checksum of data that holds checksums is sound.
  static func maskedChecksum(_ bytes: [UInt8]) -> UInt32 {
    let checksum = CRC32.castagnoli.checksum(bytes)
    return ((checksum >> 15) | (checksum << 17)) &+ 0xA282_EAD8
  }

  private static func double(_ field: UInt64, _ value: Double) -> [UInt8] { varint(field << 3 | 1) + littleEndian(value.bitPattern) }
  private static func float(_ field: UInt64, _ value: Float) -> [UInt8] { varint(field << 3 | 5) + littleEndian(value.bitPattern) }
  private static func integer(_ field: UInt64, _ value: Int) -> [UInt8] {
    varint(field << 3) + varint(UInt64(bitPattern: Int64(value)))
  }
  private static func bytes(_ field: UInt64, _ value: [UInt8]) -> [UInt8] { varint(field << 3 | 2) + varint(UInt64(value.count)) + value }

  private static func varint(_ value: UInt64) -> [UInt8] {
    var rest = value
    var bytes: [UInt8] = []
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }
}
