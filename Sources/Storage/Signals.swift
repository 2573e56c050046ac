import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// Runs `action` when Ctrl-C, SIGTERM or SIGHUP comes; SIGHUP only where it is not ignored, as `nohup` has it. A second signal
/// ends the process at once.
///
/// - Parameters:
///   - endsWaiting: whether a system call that waits returns with EINTR then.
///   - action: captures nothing, and does only what a signal's handler may.
package func onInterrupt(endsWaiting: Bool = false, _ action: @escaping @convention(c) () -> Void) {
  interruptAction = action
  for number in [SIGINT, SIGTERM, SIGHUP] {
    if number == SIGHUP && isIgnored(number) { continue }
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { number in
      // Whichever of them comes next: some terminals send one, what supervises a process another.
      for number in [SIGINT, SIGTERM, SIGHUP] where !(number == SIGHUP && isIgnored(number)) { signal(number, SIG_DFL) }
      interruptAction?()
    }
    action.sa_flags = endsWaiting ? 0 : Int32(SA_RESTART)
    sigaction(number, &action, nil)
  }
}

private func isIgnored(_ number: Int32) -> Bool {
  var action = sigaction()
  sigaction(number, nil, &action)
  // Function pointers are not Equatable.
  return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
}

/// Written before the handler is there.
nonisolated(unsafe) private var interruptAction: (@convention(c) () -> Void)?

/// Writes to standard error as a signal's handler may: without memory, without a lock.
package func writeInHandler(_ message: StaticString) { _ = write(STDERR_FILENO, message.utf8Start, message.utf8CodeUnitCount) }

/// Lets a write to a closed pipe, or beyond the size that the process may give a file, fail with an error instead of ending the process.
package func ignoreWriteSignals() { for number in [SIGPIPE, SIGXFSZ] { signal(number, SIG_IGN) } }

/// Ends the process with a message and status 1 when a mapped file became shorter and is read where nothing is any more.
package func explainBusErrors(_ message: StaticString) {
  busErrorMessage = message
  _ = isExplainingBusError.load(ordering: .relaxed)  // made now: not in a handler
  signal(SIGBUS) { _ in
    // Threads that read the file at the same time get the signal each.
    if isExplainingBusError.exchange(true, ordering: .relaxed) { while true { pause() } }
    writeInHandler(busErrorMessage)
    _exit(1)
  }
}

private let isExplainingBusError = Atomic(false)
/// Written before the handler is there.
nonisolated(unsafe) private var busErrorMessage: StaticString = ""

/// Runs a body whose code may interrupt its own process, by `raise(SIGINT)`, with the signal kept off this thread: says whether it
/// did. The user's own comes through afterwards.
package func withInterruptsHeld<Value>(_ body: () -> Value) -> (result: Value, interruptedItself: Bool) {
  var interrupts = sigset_t()
  sigemptyset(&interrupts)
  sigaddset(&interrupts, SIGINT)
  var before = sigset_t()
  pthread_sigmask(SIG_BLOCK, &interrupts, &before)
  let result = body()
  var interruptedItself = false
  var interruptedByOthers = false
  var signal = siginfo_t()
  var patience = timespec()
  while sigtimedwait(&interrupts, &signal, &patience) == SIGINT {
    // The terminal's signals have a code above zero and no sender.
    if signal.si_code <= 0 && signal._sifields._kill.si_pid == getpid() {
      interruptedItself = true
    } else {
      interruptedByOthers = true
    }
  }
  if interruptedByOthers { kill(getpid(), SIGINT) }
  pthread_sigmask(SIG_SETMASK, &before, nil)
  return (result, interruptedItself)
}
