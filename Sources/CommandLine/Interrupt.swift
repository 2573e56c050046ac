#if canImport(Glibc)
  import Glibc
#endif

/// Runs `action` when Ctrl-C or SIGTERM comes. A second signal ends the process at once.
///
/// - Parameters:
///   - endsWaiting: whether a system call that waits returns with EINTR then.
///   - action: captures nothing, and does only what a signal's handler may.
func onInterrupt(endsWaiting: Bool = false, _ action: @escaping @convention(c) () -> Void) {
  interruptAction = action
  for number in [SIGINT, SIGTERM] {
    signal(number) { number in
      interruptAction?()
      signal(number, SIG_DFL)
    }
    if endsWaiting { siginterrupt(number, 1) }
  }
}

/// Written before the handler is there.
nonisolated(unsafe) private var interruptAction: (@convention(c) () -> Void)?
