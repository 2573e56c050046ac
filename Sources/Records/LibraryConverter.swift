#if canImport(Glibc)
  import Glibc
#endif

/// The encodings of the C library, through iconv.
///
/// Its converters are modules that it loads when they are asked for: which there are is a matter of the machine, also for a program that
/// has everything else in itself.
final class LibraryConverter: TextDecoder {
  private let handle: iconv_t

  init?(name: String) {
    guard let handle = Self.open(name) else { return nil }
    self.handle = handle
  }

  deinit { iconv_close(handle) }

  private static func open(_ name: String) -> iconv_t? {
    // A slash in a name begins an instruction to the library, not an encoding.
    guard !name.isEmpty, !name.contains("/") else { return nil }
    let handle = iconv_open("UTF-8", name)
    return Int(bitPattern: handle) == -1 ? nil : handle
  }

  /// Why there is no converter for the name, nil if there is one.
  static func refusal(of name: String) -> String? {
    if let handle = open(name) {
      iconv_close(handle)
      return nil
    }
    let folders = ["/usr/lib/x86_64-linux-gnu/gconv", "/usr/lib/aarch64-linux-gnu/gconv", "/usr/lib64/gconv", "/usr/lib/gconv"]
    let given = getenv("GCONV_PATH").map { String(cString: $0) }
    guard let folder = ((given.map { [$0] } ?? []) + folders).first(where: { access($0 + "/gconv-modules", R_OK) == 0 }) else {
      return "\(name) is not built in, and the C library's converters are not installed: expected them in \(given ?? folders[0]) "
        + "(package libc6 of Debian, glibc-gconv-extra of Fedora)"
    }
    return "\(name) is not built in, and the C library has no converter of this name in \(folder): expected one that `iconv -l` lists "
      + "(more of them are in the package glibc-gconv-extra of Fedora)"
  }

  func decode(_ input: UnsafeRawBufferPointer, isLast: Bool, into output: inout [UInt8]) -> Int {
    var next = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: CChar.self))
    var left = input.count
    while left > 0 {
      // No encoding has more than four bytes of UTF-8 for one of its own.
      let room = 4 * left + 16
      var code: Int32 = 0
      output.append(addingCapacity: room) { space in
        var target = space.baseAddress
        var spaceLeft = space.count
        errno = 0
        if iconv(handle, &next, &left, &target, &spaceLeft) == -1 { code = errno }
        return space.count - spaceLeft
      }
      switch code {
      case EILSEQ:
        output.append(invalidByte)
        left -= 1
        next = next.map { $0 + 1 }
      case EINVAL:
        // A character that goes on in the next piece.
        guard isLast else { return input.count - left }
        output.append(invalidByte)
        left = 0
      default: break
      }
    }
    return input.count
  }
}

extension [UInt8] {
  /// Appends what `body` writes into so much space; it says how much that is.
  fileprivate mutating func append(addingCapacity capacity: Int, _ body: (UnsafeMutableBufferPointer<CChar>) -> Int) {
    let begin = count
    append(contentsOf: repeatElement(0, count: capacity))
    let written = withUnsafeMutableBytes { all in
      body(UnsafeMutableRawBufferPointer(rebasing: all[begin...]).bindMemory(to: CChar.self))
    }
    removeSubrange((begin + written)...)
  }
}
