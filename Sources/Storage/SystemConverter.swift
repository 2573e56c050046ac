#if canImport(Glibc)
  import Glibc
#endif

/// A converter of the C library (iconv) from an encoding to UTF-8.
///
/// Its converters are modules that it loads when they are asked for: which there are is a matter of the machine, also for a program that
/// has everything else in itself.
package final class SystemConverter {
  private let handle: iconv_t

  /// nil if there is none of the name.
  package init?(encoding name: String) {
    // A slash in a name begins an instruction to the library, not an encoding.
    guard !name.isEmpty, !name.contains("/") else { return nil }
    handle = iconv_open("UTF-8", name)
    if Int(bitPattern: handle) == -1 { return nil }
  }

  deinit { iconv_close(handle) }

  /// Where converters are looked for, and the folder of those that has some; nil if none has.
  package static var folders: (searched: [String], found: String?) {
    let usual = ["/usr/lib/x86_64-linux-gnu/gconv", "/usr/lib/aarch64-linux-gnu/gconv", "/usr/lib64/gconv", "/usr/lib/gconv"]
    let searched = (Environment.value(of: "GCONV_PATH").map { [$0] } ?? []) + usual
    return (searched, searched.first { isReadable($0 + "/gconv-modules") })
  }

  /// Why a conversion ended.
  package enum End: Sendable { case whole, invalidByte, cutCharacter }

  /// Converts what there is.
  ///
  /// - Returns: the bytes taken and written, and what stands where it ended. Without room left it ends as if the input had.
  package func convert(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> (taken: Int, written: Int, end: End) {
    var next = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: CChar.self))
    var left = input.count
    var target = output.baseAddress?.assumingMemoryBound(to: CChar.self)
    var room = output.count
    errno = 0
    let code = iconv(handle, &next, &left, &target, &room) == -1 ? errno : 0
    return (input.count - left, output.count - room, code == EILSEQ ? .invalidByte : code == EINVAL ? .cutCharacter : .whole)
  }
}
