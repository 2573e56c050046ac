import Bundles
import Storage
import Testing
import WeightFormats

/// Bytes that LZ4 cannot shrink, the same for the same seed (SplitMix64).
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
  var state = seed
  return (0..<count).map { _ in
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return UInt8(truncatingIfNeeded: word ^ (word >> 31))
  }
}

/// Text that LZ4 shrinks well.
func vocabulary(_ count: Int) -> String { (0..<count).map { "token\($0)\n" }.joined() }

func bytes(of buffer: AlignedBuffer) -> [UInt8] { Array(buffer.bytes) }

/// A bundle with a stored section, a compressed one, an empty one and names of awkward lengths.
func smallBundle(policy: CodecPolicy = .mapped) throws -> [UInt8] {
  var writer = BundleWriter(policy: policy)
  try writer.add(.configuration, contents: SectionContents(#"{"model_type":"bert"}"#))
  try writer.add(.tokenizer, contents: SectionContents(vocabulary(100)))
  try writer.add(.matrix, "layer.0", layout: Int8Format.matrixLayout, shape: [3, 5], contents: SectionContents(noise(77)))
  try writer.add(.normalization, "ünïcode", layout: .float32, shape: [2, 2], contents: SectionContents(noise(16)))
  try writer.add(.card, contents: SectionContents([]))
  return try bytes(of: writer.writeToMemory().bundle)
}

/// The fault that opening these bytes ends in, nil when they open.
func fault(opening bytes: [UInt8], verifyChecksums: Bool = true) -> BundleError.Fault? {
  do throws(BundleError) {
    _ = try Bundle(memory: bytes, verifyChecksums: verifyChecksums)
    return nil
  } catch {
    return error.fault
  }
}

/// Edits a bundle's bytes and makes its checksums true again: what an attacker does. The offsets are those of the
/// specification, written here a second time on purpose.
struct Forgery {
  var bytes: [UInt8]

  enum Entry: Int {
    case kind = 0, codec = 2, flags = 3, layout = 4, rank = 6, reserved = 7, nameSize = 8, reservedWord = 12
    case shape = 16, offset = 48, storedSize = 56, rawSize = 64, storedChecksum = 72, rawChecksum = 80, name = 88
  }

  func word(at offset: Int) -> UInt64 {
    bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
  }

  mutating func set<T: FixedWidthInteger>(_ value: T, at offset: Int) {
    withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(offset..<offset + $0.count, with: $0) }
  }

  /// Where an entry of the index starts.
  func entry(_ number: Int, _ field: Entry) -> Int {
    var position = 64
    for _ in 0..<number {
      let nameSize = Int(word(at: position + Entry.nameSize.rawValue) & 0xFFFF_FFFF)
      position += 88 + (nameSize + 7) / 8 * 8
    }
    return position + field.rawValue
  }

  mutating func set<T: FixedWidthInteger>(_ value: T, _ field: Entry, of number: Int) {
    set(value, at: entry(number, field))
  }

  /// Makes a section's checksums true again; a compressed section keeps its raw checksum.
  mutating func sealSection(_ number: Int) {
    let offset = Int(word(at: entry(number, .offset)))
    let size = Int(word(at: entry(number, .storedSize)))
    set(hash(offset..<offset + size), .storedChecksum, of: number)
  }

  mutating func seal() {
    set(hash(64..<64 + Int(word(at: 32))), at: 40)
    set(hash(0..<56), at: 56)
  }

  private func hash(_ range: Range<Int>) -> UInt64 {
    bytes.withUnsafeBytes { XXH64.hash(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }
}
