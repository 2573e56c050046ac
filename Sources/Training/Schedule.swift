#if canImport(Glibc)
  import Glibc
#endif

/// How the learning rate goes over the steps; the names of `--lr-scheduler-type`.
package enum ScheduleKind: String, Sendable, CaseIterable {
  case linear
  case cosine
  case constant
  case constantWithWarmup = "constant_with_warmup"
}

/// The learning rate of each step, as the reference library's schedules give it.
package struct Schedule: Sendable {
  package let kind: ScheduleKind
  package let peak: Double
  package let warmupSteps: Int
  package let totalSteps: Int

  package init(kind: ScheduleKind, peak: Double, warmupSteps: Int, totalSteps: Int) {
    self.kind = kind
    self.peak = peak
    self.warmupSteps = warmupSteps
    self.totalSteps = totalSteps
  }

  /// The rate that step `step` (from 0) uses.
  package func learningRate(_ step: Int) -> Double {
    if kind != .constant && step < warmupSteps { return peak * Double(step) / Double(max(1, warmupSteps)) }
    let rest = max(1, totalSteps - warmupSteps)
    switch kind {
    case .constant, .constantWithWarmup: return peak
    case .linear: return peak * max(0, Double(totalSteps - step) / Double(rest))
    case .cosine:
      let progress = Double(step - warmupSteps) / Double(rest)
      return peak * max(0, 0.5 * (1 + cos(Double.pi * progress)))
    }
  }
}
