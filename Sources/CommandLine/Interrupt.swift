#if canImport(Glibc)
  import Glibc
#endif

/// Runs `action` when Ctrl-C, SIGTERM or SIGHUP comes; SIGHUP only where it is not ignored, as `nohup` has it. A second signal
/// ends the process at once.
///
/// - Parameters:
///   - endsWaiting: whether a system call that waits returns with EINTR then.
///   - action: captures nothing, and does only what a signal's handler may.
func onInterrupt(endsWaiting: Bool = false, _ action: @escaping @convention(c) () -> Void) {
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
