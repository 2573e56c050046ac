import Storage
import WeightFormats

/// What a section is for. Kinds that this version does not know are kept, listed and otherwise ignored.
package struct SectionKind: RawRepresentable, Hashable, Sendable {
  package let rawValue: UInt16
  package init(rawValue: UInt16) { self.rawValue = rawValue }

  /// The model's configuration: JSON text.
  package static let configuration = SectionKind(rawValue: 1)
  /// The compiled tokenizer.
  package static let tokenizer = SectionKind(rawValue: 2)
  /// One linear layer, weights, scales and bias, in kernel layout.
  package static let matrix = SectionKind(rawValue: 4)
  /// One embedding table, a row per id.
  package static let embedding = SectionKind(rawValue: 5)
  /// The vectors of one normalisation: scale, then shift if there is one.
  package static let normalization = SectionKind(rawValue: 6)
  /// What packing cost in accuracy: JSON text.
  package static let qualityReport = SectionKind(rawValue: 7)
  /// Where the model comes from: JSON text.
  package static let card = SectionKind(rawValue: 8)
  /// A small file of the source folder, named as there, so that the folder can be written back.
  package static let sourceFile = SectionKind(rawValue: 9)
  /// The temperature that makes scores say how often they are right: JSON text.
  package static let calibration = SectionKind(rawValue: 10)
  /// Which bundle this one is a delta of: the checksum of its index, then the name of its file.
  package static let base = SectionKind(rawValue: 11)

  /// True for what kernels read in place: `.mapped` bundles store these kinds uncompressed.
  package var isUsedInPlace: Bool { self == .matrix || self == .embedding || self == .normalization }

  /// The most bytes, after decoding, of what is read as a whole when a bundle is opened: texts are parsed, a tokenizer is copied into place.
  var maximumSize: Int {
    switch self {
    case .configuration, .qualityReport, .card, .calibration: 4 << 20
    case .tokenizer: 64 << 20
    case .base: 4096
    default: .max
    }
  }

  /// True for the kinds that this version gives a meaning.
  package var isKnown: Bool { Self.names[self] != nil }

  private static let names: [SectionKind: String] = [
    .configuration: "configuration", .tokenizer: "tokenizer", .matrix: "matrix", .embedding: "embedding", .normalization: "normalization",
    .qualityReport: "quality report", .card: "card", .sourceFile: "source file", .calibration: "calibration", .base: "base",
  ]
}

extension SectionKind: CustomStringConvertible {
  package var description: String { Self.names[self] ?? "kind \(rawValue)" }
}

/// How the raw bytes of a section are kept in the file.
package struct SectionCodec: RawRepresentable, Hashable, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// As they are, 64-byte aligned, used in place.
  package static let stored = SectionCodec(rawValue: 0)
  /// Independent LZ4 blocks of 1 MiB of raw bytes each.
  package static let lz4 = SectionCodec(rawValue: 1)
  /// Bit planes of small signed numbers, in LZ4 blocks.
  package static let planes = SectionCodec(rawValue: 2)
  /// Nothing: the base's section of the same kind and name.
  package static let base = SectionCodec(rawValue: 3)
  /// Changes of the base's section of the same kind and name.
  package static let delta = SectionCodec(rawValue: 4)

  /// True for the codecs that this version can read.
  package var isKnown: Bool { rawValue <= SectionCodec.delta.rawValue }
  /// True for the codecs that need the base.
  package var needsBase: Bool { self == .base || self == .delta }
}

extension SectionCodec: CustomStringConvertible {
  package var description: String {
    switch self {
    case .stored: "stored"
    case .lz4: "lz4"
    case .planes: "planes"
    case .base: "base"
    case .delta: "delta"
    default: "codec \(rawValue)"
    }
  }
}

/// One line of a bundle's index.
package struct SectionEntry: Sendable, Equatable {
  package let kind: SectionKind
  /// UTF-8, unique among the sections of its kind, may be empty.
  package let name: String
  /// How the raw bytes are arranged.
  package let layout: LayoutNumber
  /// At most four dimensions, outermost first. For a linear layer: outputs, inputs.
  package let shape: [Int]
  /// A reader that does not know the kind, the layout or the codec must refuse the whole bundle.
  package internal(set) var isRequired: Bool
  package internal(set) var codec: SectionCodec
  /// From the start of the file, in bytes; a multiple of 64.
  package internal(set) var offset: Int
  /// Bytes in the file, without the padding that follows.
  package internal(set) var storedSize: Int
  /// Bytes after decoding.
  package let rawSize: Int
  /// XXH64 of the bytes in the file.
  package internal(set) var storedChecksum: UInt64
  /// XXH64 of the decoded bytes: the identity of the content, whatever the codec.
  package internal(set) var rawChecksum: UInt64
}

extension SectionEntry: CustomStringConvertible {
  /// The section as error messages name it.
  package var description: String { key.description }

  var key: SectionKey { SectionKey(kind: kind, name: name) }
}
