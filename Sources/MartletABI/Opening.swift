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
  var verifyChecksums = true
  if let options = options?.pointee {
    // The fields of the first version; a caller of a later one has more, which are zero or not known here.
    guard options.size >= MemoryLayout<martlet_options>.size, options.threads <= 1024,
      options.flags & ~MARTLET_SKIP_CHECKSUMS == 0
    else {
      message.write(
        "options: expected size \(MemoryLayout<martlet_options>.size) or more, at most 1024 threads, known flags; "
          + "found \(options.size), \(options.threads), \(options.flags)")
      return MARTLET_INVALID_ARGUMENT
    }
    threads = options.threads == 0 ? nil : Int(options.threads)
    verifyChecksums = options.flags & MARTLET_SKIP_CHECKSUMS == 0
  }
  do {
    let opened = try Classifier(contentsOf: path, threads: threads, verifyChecksums: verifyChecksums)
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
