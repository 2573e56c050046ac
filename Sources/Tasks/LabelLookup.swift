/// Finds a label among a model's: by its exact name; by its number, or as `LABEL_number`, when the model's own names are not numbers; or by
/// its name without regard to case when only one fits.
struct LabelLookup {
  private let names: [String]
  private let namesAreNumbers: Bool
  /// Data repeat few labels many times.
  private var found: [ArraySlice<UInt8>: Int] = [:]

  init(names: [String]) {
    self.names = names
    namesAreNumbers = names.contains { Int($0) != nil }
    // A name that two labels have is neither's.
    var shared: Set<ArraySlice<UInt8>> = []
    for (index, name) in names.enumerated() where found.updateValue(index, forKey: Array(name.utf8)[...]) != nil {
      shared.insert(Array(name.utf8)[...])
    }
    for name in shared { found[name] = nil }
  }

  mutating func index(of label: ArraySlice<UInt8>) -> Int? {
    if let known = found[label] { return known }
    let text = String(decoding: label, as: UTF8.self)
    var index: Int?
    if let number = Int(text) ?? Self.defaultNumber(text), !namesAreNumbers, names.indices.contains(number) {
      index = number
    } else {
      let matches = names.indices.filter { names[$0].lowercased() == text.lowercased() }
      if matches.count == 1 { index = matches[0] }
    }
    if let index { found[Array(label)[...]] = index }
    return index
  }

  /// What a head has outputs for when data say no more than `LABEL_n`: larger numbers are names as any other.
  static let mostNumbers = 1 << 16

  /// 7 of `LABEL_7`.
  static func defaultNumber(_ name: String) -> Int? {
    guard name.utf8.starts(with: "LABEL_".utf8), let number = Int(name.dropFirst(6)), number >= 0 else { return nil }
    return number
  }
}
