import CSystem

#if canImport(Glibc)
  import Glibc
#endif

/// Threads that share the work of one caller at a time.
///
/// `parallelFor` hands out indices in ascending order to the caller and the workers; results must not depend on who
/// gets which. Between calls that follow each other closely (the parallel regions of one forward pass) a worker
/// spins for at most 50 µs, the price of a futex round trip; after that it sleeps until the next call. A call that finds the
/// pool busy with another thread's region runs on its own thread alone.
package final class ThreadPool: @unchecked Sendable {
  /// The caller and the workers together.
  package let threadCount: Int

  private let shared: UnsafeMutablePointer<Shared>
  private var threads: [pthread_t] = []
  private var lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  /// What the threads share. The words are only touched by the atomic functions of `CSystem`.
  fileprivate struct Shared {
    /// Counts the parallel regions; a worker waits for it to change.
    var generation: UInt32 = 0
    /// Workers that sleep on `generation`.
    var sleeping: UInt32 = 0
    /// Workers that have not finished the region.
    var running: UInt32 = 0
    var callerSleeps: UInt32 = 0
    var nextIndex: UInt32 = 0
    var count: UInt32 = 0
    var stopping: UInt32 = 0
    var body: UnsafeRawPointer?
  }

  /// More threads than any machine of ours has cores for.
  package static let mostThreads = 1024

  /// Starts the workers, at least none and at most `mostThreads` with the caller. If the system refuses a thread the pool is smaller, and what it runs as exact.
  package init(threads requested: Int) {
    shared = .allocate(capacity: 1)
    shared.initialize(to: Shared())
    pthread_mutex_init(lock, nil)
    for worker in 1..<min(max(1, requested), Self.mostThreads) {
      var thread = pthread_t()
      let start = Unmanaged.passRetained(WorkerStart(shared: shared, worker: worker))
      let failure = pthread_create(
        &thread, nil,
        { argument in
          let start = Unmanaged<WorkerStart>.fromOpaque(argument!).takeRetainedValue()
          work(start.shared, start.worker)
          return nil
        }, start.toOpaque())
      guard failure == 0 else {
        start.release()
        break
      }
      threads.append(thread)
    }
    threadCount = threads.count + 1
  }

  deinit {
    shared.pointee.stopping = 1
    wakeWorkers()
    for thread in threads { pthread_join(thread, nil) }
    shared.deallocate()
    pthread_mutex_destroy(lock)
    lock.deallocate()
  }

  /// Runs `body(index, worker)` once for every index below `count`; returns when all have run.
  /// `worker` is below `threadCount` and names the thread, for scratch memory of its own.
  package func parallelFor(_ count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) {
    guard threadCount > 1, count > 1, count < Int32.max, pthread_mutex_trylock(lock) == 0 else {
      for index in 0..<max(0, count) { body(index, 0) }
      return
    }
    defer { pthread_mutex_unlock(lock) }
    withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: Work(body: body)) { pointer in
        shared.pointee.body = UnsafeRawPointer(pointer)
        shared.pointee.count = UInt32(count)
        csystem_store(&shared.pointee.nextIndex, 0)
        csystem_store(&shared.pointee.running, UInt32(threadCount - 1))
        wakeWorkers()
        takeIndices(shared, 0)
        waitForWorkers()
      }
    }
  }

  /// The same with a body that may be refused memory: every index runs all the same, and of several refusals the first to come is
  /// thrown once all threads have finished.
  package func parallelFor(
    _ count: Int, throwing body: (_ index: Int, _ worker: Int) throws(OutOfMemory) -> Void
  ) throws(OutOfMemory) {
    var refusals = Refusals()
    withUnsafeMutablePointer(to: &refusals) { refusals in
      parallelFor(count) { index, worker in
        do throws(OutOfMemory) { try body(index, worker) } catch {
          if csystem_fetch_add(&refusals.pointee.count, 1) == 0 { refusals.pointee.first = error }
        }
      }
    }
    if let first = refusals.first { throw first }
  }

  /// What bodies were refused. Who counts first writes, and all threads have finished before it is read.
  private struct Refusals {
    var count: UInt32 = 0
    var first: OutOfMemory?
  }

  private func wakeWorkers() {
    _ = csystem_fetch_add(&shared.pointee.generation, 1)
    if csystem_load(&shared.pointee.sleeping) > 0 { csystem_futex_wake(&shared.pointee.generation, .max) }
  }

  private func waitForWorkers() {
    while true {
      if spin(until: { csystem_load(&shared.pointee.running) == 0 }) { return }
      let running = csystem_load(&shared.pointee.running)
      if running > 0 {
        csystem_store(&shared.pointee.callerSleeps, 1)
        if csystem_load(&shared.pointee.running) == running {
          csystem_futex_wait(&shared.pointee.running, running)
        }
        csystem_store(&shared.pointee.callerSleeps, 0)
      }
    }
  }
}

/// What the threads run. A closure that is handed to a generic function by itself would be wrapped, on the heap.
private struct Work {
  let body: (_ index: Int, _ worker: Int) -> Void
}

private final class WorkerStart {
  let shared: UnsafeMutablePointer<ThreadPool.Shared>
  let worker: Int
  init(shared: UnsafeMutablePointer<ThreadPool.Shared>, worker: Int) {
    self.shared = shared
    self.worker = worker
  }
}

/// Waits for a condition for at most 50 µs without sleeping; says whether it came true.
@inline(__always)
private func spin(until condition: () -> Bool) -> Bool {
  if condition() { return true }
  let deadline = Machine.monotonicSeconds() + 50e-6
  repeat {
    for _ in 0..<16 {
      csystem_pause()
      if condition() { return true }
    }
  } while Machine.monotonicSeconds() < deadline
  return false
}

private func takeIndices(_ shared: UnsafeMutablePointer<ThreadPool.Shared>, _ worker: Int) {
  let work = shared.pointee.body!.assumingMemoryBound(to: Work.self)
  let count = shared.pointee.count
  while true {
    let index = csystem_fetch_add(&shared.pointee.nextIndex, 1)
    if index >= count { return }
    work.pointee.body(Int(index), worker)
  }
}

private func work(_ shared: UnsafeMutablePointer<ThreadPool.Shared>, _ worker: Int) {
  var seen: UInt32 = 0
  while true {
    while !spin(until: { csystem_load(&shared.pointee.generation) != seen }) {
      _ = csystem_fetch_add(&shared.pointee.sleeping, 1)
      while csystem_load(&shared.pointee.generation) == seen {
        csystem_futex_wait(&shared.pointee.generation, seen)
      }
      _ = csystem_fetch_sub(&shared.pointee.sleeping, 1)
    }
    seen = seen &+ 1
    if shared.pointee.stopping == 1 { return }
    takeIndices(shared, worker)
    _ = csystem_fetch_sub(&shared.pointee.running, 1)
    if csystem_load(&shared.pointee.callerSleeps) == 1 { csystem_futex_wake(&shared.pointee.running, 1) }
  }
}
