import Storage

/// Shows progress on standard error: a line that is drawn over on a terminal, else a plain line every few seconds, or nothing.
///
/// It is told everything and shows what is due: `update` costs a clock reading in between. What it cannot write it forgets; progress never
/// stops the work.
package final class ProgressReporter {
  package enum Mode: Sendable {
    /// Live on a terminal, plain otherwise.
    case automatic
    case live, plain, quiet
  }

  private let stream: ByteStream
  private let mode: Mode
  private let interval: Double
  private let clock: () -> Double
  private var nextDue: Double
  private var shown: ProgressSnapshot?
  private var isLineOpen = false

  /// - interval: seconds between plain lines. The live line is drawn ten times a second at most.
  package init(
    descriptor: Int32 = ByteStream.error.descriptor, mode: Mode = .automatic, interval: Double = 5,
    clock: @escaping () -> Double = Machine.monotonicSeconds
  ) {
    stream = ByteStream(descriptor: descriptor, name: "the progress")
    self.interval = interval
    self.clock = clock
    switch mode {
    case .automatic: self.mode = stream.isTerminal ? .live : .plain
    default: self.mode = mode
    }
    // A log need not hear of work that is done before it is due.
    nextDue = clock() + (self.mode == .plain ? interval : 0)
  }

  package func update(_ snapshot: ProgressSnapshot) {
    guard mode != .quiet else { return }
    shown = snapshot
    let now = clock()
    guard now >= nextDue else { return }
    if mode == .live {
      nextDue = now + 0.1
      draw(snapshot)
    } else {
      nextDue = now + interval
      write(plainProgressLine(snapshot) + "\n")
    }
  }

  /// A line that stays: above the live line, or in the log. Quiet keeps it to itself.
  package func message(_ line: String) {
    guard mode != .quiet else { return }
    write((isLineOpen ? "\r\u{1B}[K" : "") + line + "\n")
    if isLineOpen, let shown { draw(shown) }
  }

  /// Leaves the last state standing and goes on to the next line.
  package func finish() {
    guard mode != .quiet, let shown else { return }
    if mode == .live {
      draw(shown)
      write("\n")
    }
    isLineOpen = false
    self.shown = nil
  }

  private func draw(_ snapshot: ProgressSnapshot) {
    write("\r" + progressLine(snapshot, width: stream.terminalColumns ?? 80) + "\u{1B}[K")
    isLineOpen = true
  }

  /// What nobody reads is no reason to stop.
  private func write(_ text: String) { try? stream.write(text) }
}
