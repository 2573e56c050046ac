/// The number by which a bundle's index says how the bytes of a section lie. Numbers that this version does not know are kept.
package struct LayoutNumber: RawRepresentable, Hashable, Sendable {
  package let rawValue: UInt16
  package init(rawValue: UInt16) { self.rawValue = rawValue }

  /// Bytes or UTF-8 text without further structure.
  package static let bytes = LayoutNumber(rawValue: 0)
  /// Row-major little-endian float32; the raw size is four times the product of the shape. Of normalisations, and of fp32 tables.
  package static let float32 = LayoutNumber(rawValue: 1)

  /// True for the layouts that this version gives a meaning.
  package var isKnown: Bool { self == .bytes || self == .float32 || format != nil }

  /// Whether most bytes are small signed integers, which shrink as bit planes.
  package var holdsSmallIntegers: Bool { format?.rules.holdsSmallIntegers ?? false }

  private var format: WeightFormat? { WeightFormat(matrixLayout: self) ?? WeightFormat(tableLayout: self) }
}

extension LayoutNumber: CustomStringConvertible {
  package var description: String {
    switch self {
    case .bytes: "bytes"
    case .float32: "float32"
    default: format?.rules.layoutNames[self] ?? "layout \(rawValue)"
    }
  }
}
