import Bundles
import Storage

/// What it takes to make each section of a bundle ready: what is stored is used in place and takes nothing.
struct LoadTimes: CustomStringConvertible {
  /// In the order of the sections; nil for those that need no work.
  let seconds: [Double?]

  var total: Double { seconds.reduce(0) { $0 + ($1 ?? 0) } }

  /// Decodes each section once, as opening the model does.
  init(_ bundle: Bundle) throws {
    seconds = try bundle.entries.map { entry in
      guard entry.codec != .stored, entry.codec != .base, entry.codec.isKnown else { return nil }
      // The base's bytes are in memory before the clock starts: other classifiers on it have read them.
      if entry.codec == .delta { _ = try bundle.base?.copy(entry.kind, entry.name) }
      let start = Machine.monotonicSeconds()
      _ = try bundle.copy(entry.kind, entry.name)
      return Machine.monotonicSeconds() - start
    }
  }

  var description: String { total > 0 ? ", \(formatMilliseconds(total)) to decode when opened" : "" }
}
