import Synchronization

/// Set when the process was asked to stop: what comes from a descriptor ends there, be it in the middle of a record.
///
/// One for the process, as a signal is.
package enum Interruption {
  package static let isRequested = Atomic<Bool>(false)
}
