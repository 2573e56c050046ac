extension Int {
  /// The whole part of a number: the largest or the smallest integer for what is beyond them, 0 for what is not a number. `Int(_:)` ends the
  /// process there.
  package init(saturating value: Double) {
    if let whole = Int(exactly: value.rounded(.towardZero)) { self = whole } else { self = value > 0 ? .max : value < 0 ? .min : 0 }
  }
}
