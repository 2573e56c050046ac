import Storage

/// The encodings of the C library, through iconv.
final class LibraryConverter: TextDecoder {
  private let converter: SystemConverter

  init?(name: String) {
    guard let converter = SystemConverter(encoding: name) else { return nil }
    self.converter = converter
  }

  /// Why there is no converter for the name, nil if there is one.
  static func refusal(of name: String) -> String? {
    guard SystemConverter(encoding: name) == nil else { return nil }
    let (searched, found) = SystemConverter.folders
    guard let found else {
      return "\(name) is not built in, and the C library's converters are not installed: expected them in \(searched[0]) "
        + "(package libc6 of Debian, glibc-gconv-extra of Fedora)"
    }
    return "\(name) is not built in, and the C library has no converter of this name in \(found): expected one that `iconv -l` lists "
      + "(more of them are in the package glibc-gconv-extra of Fedora)"
  }

  func decode(_ input: UnsafeRawBufferPointer, isLast: Bool, into output: inout [UInt8]) -> Int {
    var done = 0
    while done < input.count {
      let rest = UnsafeRawBufferPointer(rebasing: input[done...])
      var end = SystemConverter.End.whole
      // No encoding has more than four bytes of UTF-8 for one of its own.
      output.append(addingCapacity: 4 * rest.count + 16) { space in
        let result = converter.convert(rest, into: space)
        done += result.taken
        end = result.end
        return result.written
      }
      switch end {
      case .whole: break
      case .invalidByte:
        output.append(invalidByte)
        done += 1
      case .cutCharacter:
        // A character that goes on in the next piece.
        guard isLast else { return done }
        output.append(invalidByte)
        done = input.count
      }
    }
    return input.count
  }
}

extension [UInt8] {
  /// Appends what `body` writes into so much space; it says how much that is.
  fileprivate mutating func append(addingCapacity capacity: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) {
    let begin = count
    append(contentsOf: repeatElement(0, count: capacity))
    let written = withUnsafeMutableBytes { all in body(UnsafeMutableRawBufferPointer(rebasing: all[begin...])) }
    removeSubrange((begin + written)...)
  }
}
