import Storage
import Synchronization

/// What a `martlet_classifier *` points at: a page of its own, which says whether the handle is open, how many calls are
/// in progress, and where the classifier is.
///
/// The page is never unmapped. When the last call on a closed handle has ended its memory goes back to the system, and
/// what reads it from then on finds zeros, which say closed. So a handle can be asked at any time whether it is open
/// with no table of open handles, which would be global state. A forked child finds zeros too.
struct Handle {
  private let page: UnsafeMutableRawPointer

  /// The top bit: open. The others: the calls in progress.
  private var state: UnsafeMutablePointer<Atomic<UInt>> { page.assumingMemoryBound(to: Atomic<UInt>.self) }
  private var object: UnsafeMutablePointer<Unmanaged<OpenClassifier>> {
    (page + 64).assumingMemoryBound(to: Unmanaged<OpenClassifier>.self)
  }
  private static let isOpen: UInt = 1 << (UInt.bitWidth - 1)

  /// Makes an open handle; nil if the system refuses the page.
  init?(_ classifier: OpenClassifier) {
    guard let page = ForkedPage() else { return nil }
    self.page = page.address
    object.initialize(to: .passRetained(classifier))
    state.initialize(to: Atomic(Self.isOpen))
  }

  /// nil if this cannot be a handle.
  init?(_ address: OpaquePointer) {
    guard UInt(bitPattern: address) % 4096 == 0 else { return nil }
    page = UnsafeMutableRawPointer(address)
  }

  var address: OpaquePointer { OpaquePointer(page) }

  /// Runs `body` with the classifier, which stays until it returns; nil if the handle is closed.
  func use<Result>(_ body: (OpenClassifier) -> Result) -> Result? {
    var current = state.pointee.load(ordering: .relaxed)
    repeat {
      guard current & Self.isOpen != 0 else { return nil }
      let attempt = state.pointee.weakCompareExchange(
        expected: current, desired: current + 1, successOrdering: .acquiring, failureOrdering: .relaxed)
      if attempt.exchanged { break }
      current = attempt.original
    } while true
    defer { if state.pointee.subtract(1, ordering: .acquiringAndReleasing).oldValue == 1 { release() } }
    return body(object.pointee._withUnsafeGuaranteedRef { $0 })
  }

  /// Closes; false if it was closed before.
  func close() -> Bool {
    // A closed page is only read: a write would take memory again.
    guard state.pointee.load(ordering: .relaxed) & Self.isOpen != 0 else { return false }
    let before = state.pointee.bitwiseAnd(~Self.isOpen, ordering: .acquiringAndReleasing).oldValue
    guard before & Self.isOpen != 0 else { return false }
    if before == Self.isOpen { release() }
    return true
  }

  /// The state is zero: nobody is here and nobody enters.
  private func release() {
    let classifier = object.pointee
    ForkedPage(at: page).discard()
    classifier.release()
  }
}
