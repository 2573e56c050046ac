import CMartlet
import Martlet

@c @implementation
public func martlet_classifier_open(
  _ path: UnsafePointer<CChar>?, _ classifier: UnsafeMutablePointer<OpaquePointer?>?
) -> martlet_status {
  martlet_classifier_open_with(path, nil, classifier, nil, 0)
}

@c @implementation
public func martlet_classifier_open_with(
  _ path: UnsafePointer<CChar>?, _ options: UnsafePointer<martlet_options>?,
  _ classifier: UnsafeMutablePointer<OpaquePointer?>?, _ message: UnsafeMutablePointer<CChar>?, _ messageCapacity: Int
) -> martlet_status {
  let message = Message(message, messageCapacity)
  message.write("")
  classifier?.pointee = nil
  guard let path, let classifier else { return message.refuse(MARTLET_NULL_ARGUMENT) }
  guard let path = String(validatingCString: path) else { return message.refuse(MARTLET_INVALID_UTF8) }
  var threads: Int?
  var (verifyChecksums, isMapped, calibrated) = (true, true, false)
  var base: String?
  if let given = options {
    let options = Options(given)
    guard options.size >= Options.firstSize, options.threads <= 1024,
      options.flags & ~(MARTLET_SKIP_CHECKSUMS | MARTLET_CALIBRATED | MARTLET_COPY) == 0
    else {
      message.write(
        "options: expected size \(Options.firstSize) or more, at most 1024 threads, known flags; "
          + "found \(options.size), \(options.threads), \(options.flags)")
      return MARTLET_INVALID_ARGUMENT
    }
    if let path = options.base {
      guard let path = String(validatingCString: path) else { return message.refuse(MARTLET_INVALID_UTF8) }
      base = path
    }
    threads = options.threads == 0 ? nil : Int(options.threads)
    verifyChecksums = options.flags & MARTLET_SKIP_CHECKSUMS == 0
    isMapped = options.flags & MARTLET_COPY == 0
    calibrated = options.flags & MARTLET_CALIBRATED != 0
  }
  do {
    let opened = try Classifier(
      contentsOf: path, base: base, threads: threads, verifyChecksums: verifyChecksums, isMapped: isMapped, calibrated: calibrated)
    guard let handle = Handle(OpenClassifier(opened)) else { return message.refuse(MARTLET_OUT_OF_MEMORY) }
    classifier.pointee = handle.address
    return MARTLET_OK
  } catch {
    message.write("\(error)")
    return status(of: error)
  }
}

@c @implementation
public func martlet_classifier_close(_ classifier: OpaquePointer?) -> martlet_status {
  guard let classifier else { return MARTLET_NULL_ARGUMENT }
  return Handle(classifier)?.close() == true ? MARTLET_OK : MARTLET_CLOSED_HANDLE
}

/// The caller's options: the fields that its version of the struct has, the rest as if zero. A caller of a later version has more,
/// which are zero or not known here.
private struct Options {
  /// Of the struct's first version, which ended with the flags.
  static let firstSize = MemoryLayout<martlet_options>.offset(of: \.base)!

  let size: Int
  var threads: UInt32 = 0
  var flags: UInt32 = 0
  var base: UnsafePointer<CChar>?

  init(_ options: UnsafePointer<martlet_options>) {
    let bytes = UnsafeRawPointer(options)
    size = bytes.load(as: Int.self)
    guard size >= Self.firstSize else { return }
    threads = bytes.load(fromByteOffset: MemoryLayout<martlet_options>.offset(of: \.threads)!, as: UInt32.self)
    flags = bytes.load(fromByteOffset: MemoryLayout<martlet_options>.offset(of: \.flags)!, as: UInt32.self)
    guard size >= MemoryLayout<martlet_options>.size else { return }
    base = bytes.load(fromByteOffset: Self.firstSize, as: UnsafePointer<CChar>?.self)
  }
}

/// The caller's buffer for a line about what went wrong, if there is one.
private struct Message {
  private let buffer: UnsafeMutableBufferPointer<CChar>

  init(_ start: UnsafeMutablePointer<CChar>?, _ capacity: Int) {
    buffer = UnsafeMutableBufferPointer(start: start, count: start == nil ? 0 : max(0, capacity))
  }

  /// Writes as many whole characters as there is room for, and NUL.
  func write(_ text: String) {
    guard !buffer.isEmpty else { return }
    var end = 0
    for scalar in text.unicodeScalars {
      let bytes = UTF8.encode(scalar)!
      guard end + bytes.count < buffer.count else { break }
      for byte in bytes {
        buffer[end] = CChar(bitPattern: byte)
        end += 1
      }
    }
    buffer[end] = 0
  }

  func refuse(_ status: martlet_status) -> martlet_status {
    write(String(cString: martlet_status_message(status)))
    return status
  }
}
