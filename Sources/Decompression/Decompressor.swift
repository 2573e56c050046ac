/// One compressed format's state from the first byte to the last. Members (gzip) or frames (LZ4) follow one another as one stream.
protocol Decompressor: AnyObject {
  /// As messages call it.
  var formatName: String { get }
  /// Whether the bytes so far may end here.
  var isBetweenMembers: Bool { get }
  /// Whether more may come out without more going in: the output was full.
  var hasMoreOutput: Bool { get }
  /// Takes bytes and makes bytes, some of either unless there is nothing to do. Room for output there must be.
  func inflate(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(DecompressionError) -> (taken: Int, made: Int)
}

/// What is wrong with compressed bytes.
enum DecompressionError: Error, CustomStringConvertible {
  case truncated
  case damaged(String)
  case trailingBytes
  case needsDictionary
  case outOfMemory
  /// What the source is, if it is nothing that can be read.
  case foreign(String)

  var description: String {
    switch self {
    case .truncated: "the data end too early"
    case .damaged(let what): "the data are damaged: \(what)"
    case .trailingBytes: "expected the end or more compressed data, found other bytes"
    case .needsDictionary: "made with a dictionary, which is not here"
    case .outOfMemory: "no memory to inflate it"
    case .foreign(let what): what
    }
  }
}

/// The formats, by the bytes they begin with.
enum CompressedFormat: CaseIterable {
  case gzip, lz4, zip

  enum Recognition {
    case plain
    case compressed(CompressedFormat)
    /// What there is may be the beginning of a magic.
    case needsMore
  }

  /// Tells what begins with these bytes. Only a magic that is whole up to here waits for more: a text does so by its first byte seldom
  /// and by its first two never.
  static func recognise(_ bytes: UnsafeRawBufferPointer, isAll: Bool) -> Recognition {
    if bytes.isEmpty { return isAll ? .plain : .needsMore }
    for format in allCases {
      let magic = format.magic
      guard bytes.starts(with: magic.prefix(bytes.count)) else { continue }
      if bytes.count >= magic.count { return .compressed(format) }
      return isAll ? .plain : .needsMore
    }
    return .plain
  }

  private var magic: [UInt8] {
    switch self {
    case .gzip: [0x1F, 0x8B]
    case .lz4: [0x04, 0x22, 0x4D, 0x18]
    case .zip: [0x50, 0x4B, 0x03, 0x04]
    }
  }

  func makeDecompressor() -> any Decompressor {
    switch self {
    case .gzip: GzipDecompressor()
    case .lz4: LZ4FrameDecompressor()
    case .zip: ZipDecompressor()
    }
  }
}
