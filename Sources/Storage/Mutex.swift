#if canImport(Glibc)
  import Glibc
#endif

/// A value that one thread at a time may use.
///
/// The system's mutex and not `Synchronization.Mutex`, which ThreadSanitizer does not see: for two threads that add to one number under
/// that one it reports a race (Swift 6.3.1 on Linux), because the library that locks it is not instrumented.
package final class Mutex<Value>: @unchecked Sendable {
  @usableFromInline let handle = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  @usableFromInline var value: Value

  package init(_ value: Value) {
    self.value = value
    pthread_mutex_init(handle, nil)
  }

  deinit {
    pthread_mutex_destroy(handle)
    handle.deallocate()
  }

  /// Runs `body` with the value, and nobody else with it meanwhile: `body` must not come back here.
  @inlinable
  package func withLock<Result, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    pthread_mutex_lock(handle)
    defer { pthread_mutex_unlock(handle) }
    return try body(&value)
  }
}
