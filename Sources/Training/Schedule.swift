import JSON
import Storage

/// How the learning rate goes over the steps; the names of `--lr-scheduler-type`. Those of the reference library that listen to metrics
/// (`reduce_lr_on_plateau`, `greedy`) are not among them.
package enum ScheduleKind: String, Sendable, CaseIterable {
  case linear
  case cosine
  case cosineWithRestarts = "cosine_with_restarts"
  case polynomial
  case constant
  case constantWithWarmup = "constant_with_warmup"
  case inverseSquareRoot = "inverse_sqrt"
  case cosineWithLeast = "cosine_with_min_lr"
  case cosineWarmupWithLeast = "cosine_warmup_with_min_lr"
  case warmupStableDecay = "warmup_stable_decay"

  /// What it can be given besides.
  fileprivate var settings: [String] {
    switch self {
    case .linear, .constant, .constantWithWarmup: []
    case .cosine, .cosineWithRestarts: ["num_cycles"]
    case .polynomial: ["lr_end", "power"]
    case .inverseSquareRoot: ["timescale"]
    case .cosineWithLeast: ["num_cycles", "min_lr", "min_lr_rate"]
    case .cosineWarmupWithLeast: ["num_cycles", "min_lr", "min_lr_rate", "warmup_lr_rate"]
    case .warmupStableDecay: ["num_decay_steps", "num_stable_steps", "warmup_type", "decay_type", "min_lr_ratio", "num_cycles"]
    }
  }
}

/// The learning rate of each step, as the reference library's schedules give it.
package struct Schedule: Sendable {
  /// The shape of a rise or a fall between 0 and 1.
  private enum Ramp: String, CaseIterable {
    case linear
    case cosine
    case root = "1-sqrt"
  }

  package let kind: ScheduleKind
  package let peak: Double
  package let warmupSteps: Int
  package let totalSteps: Int
  private let settings: Settings
  /// The least rate as a share of the highest.
  private let leastShare: Double
  private let decaySteps: Double
  private let (rise, fall): (Ramp, Ramp)

  /// - Parameter settings: what the schedule is given besides, by the reference library's names.
  package init(
    kind: ScheduleKind, peak: Double, warmupSteps: Int, totalSteps: Int, settings: JSONObject = JSONObject()
  ) throws(TrainingError) {
    let settings = try Settings(settings, of: kind)
    self.kind = kind
    self.peak = peak
    self.warmupSteps = warmupSteps
    self.totalSteps = totalSteps
    self.settings = settings
    switch kind {
    case .cosineWithLeast, .cosineWarmupWithLeast:
      switch (try settings.number("min_lr"), try settings.number("min_lr_rate")) {
      case (let rate?, nil): leastShare = rate / peak
      case (nil, let share?): leastShare = share
      default: throw Settings.error("one of min_lr and min_lr_rate for \(kind.rawValue)", settings.text)
      }
    case .polynomial:
      let end = try settings.number("lr_end", or: 1e-7)
      guard end < peak else { throw Settings.error("an lr_end below the learning rate \(peak)", end) }
      leastShare = end / peak
    case .warmupStableDecay: leastShare = try settings.number("min_lr_ratio", or: 0)
    default: leastShare = 0
    }
    if kind == .warmupStableDecay {
      guard let steps = try settings.number("num_decay_steps") else {
        throw Settings.error("num_decay_steps for \(kind.rawValue)", settings.text)
      }
      decaySteps = steps
    } else {
      decaySteps = 0
    }
    (rise, fall) = (try settings.choice("warmup_type", or: Ramp.linear), try settings.choice("decay_type", or: Ramp.cosine))
    // Every other value is read once here, so that nothing is found out in the middle of a run.
    for name in kind.settings where !name.hasSuffix("_type") { _ = try settings.number(name) }
  }

  /// The schedule of a run of so many steps.
  init(_ arguments: TrainingArguments, totalSteps: Int) throws(TrainingError) {
    guard let kind = ScheduleKind(rawValue: arguments.lrSchedulerType) else {
      throw .unknownSchedule(arguments.lrSchedulerType)
    }
    try self.init(
      kind: kind, peak: arguments.learningRate, warmupSteps: arguments.warmupInterval(of: totalSteps), totalSteps: totalSteps,
      settings: Settings.object(arguments.lrSchedulerKwargs))
  }

  /// The rate that step `step` (from 0) uses.
  package func learningRate(_ step: Int) -> Double {
    let cycles = settings["num_cycles"]
    if step < warmupSteps, let rate = warmingUp(step) { return rate }
    let rest = max(1, totalSteps - warmupSteps)
    let progress = Double(step - warmupSteps) / Double(rest)
    func cosine(_ progress: Double) -> Double { 0.5 * (1 + Double.cos(Double.pi * (cycles ?? 0.5) * 2 * progress)) }
    switch kind {
    case .constant, .constantWithWarmup: return peak
    case .linear: return peak * max(0, Double(totalSteps - step) / Double(rest))
    case .cosine: return peak * max(0, cosine(progress))
    case .cosineWithRestarts:
      let turn = ((cycles ?? 1) * progress).truncatingRemainder(dividingBy: 1)
      return progress >= 1 ? 0 : peak * max(0, 0.5 * (1 + Double.cos(Double.pi * turn)))
    case .polynomial:
      let end = settings["lr_end"] ?? 1e-7
      return step > totalSteps ? end : (peak - end) * Double.pow(1 - progress, settings["power"] ?? 1) + end
    case .inverseSquareRoot:
      let scale = settings["timescale"] ?? Double(warmupSteps > 0 ? warmupSteps : 10_000)
      return peak * (1 / ((Double(step - warmupSteps) + scale) / scale).squareRoot())
    case .cosineWithLeast: return peak * least(cosine(progress))
    case .cosineWarmupWithLeast: return peak * least(cosine(Double(step - warmupSteps + 1) / Double(rest)))
    case .warmupStableDecay:
      let stable = settings["num_stable_steps"] ?? Double(totalSteps - warmupSteps) - decaySteps
      let place = Double(step - warmupSteps) - stable
      if place < 0 { return peak }
      guard place < decaySteps else { return peak * leastShare }
      let progress = place / max(1, decaySteps)
      switch fall {
      case .linear: return peak * least(1 - progress)
      case .cosine: return peak * least(cosine(progress))
      case .root: return peak * least(1 - progress.squareRoot())
      }
    }
  }

  private func least(_ factor: Double) -> Double { max(0, factor * (1 - leastShare) + leastShare) }

  /// The rate of a step before the warm-up ends; nil for a schedule without one.
  private func warmingUp(_ step: Int) -> Double? {
    let progress = Double(step) / Double(max(1, warmupSteps))
    switch kind {
    case .constant: return nil
    case .cosineWarmupWithLeast:
      guard let first = settings["warmup_lr_rate"] else { return peak * (Double(step + 1) / Double(max(1, warmupSteps))) }
      return peak * (first + (1 - first) * Double(step) / Double(max(1, warmupSteps - 1)))
    case .warmupStableDecay:
      switch rise {
      case .linear: return peak * least(progress)
      case .cosine: return peak * least(0.5 * (1 - Double.cos(Double.pi * progress)))
      case .root: return peak * least(1 - (1 - progress).squareRoot())
      }
    default: return peak * Double(step) / Double(max(1, warmupSteps))
    }
  }
}

extension Schedule {
  /// `lr_scheduler_kwargs`.
  private struct Settings: Sendable {
    private let object: JSONObject

    init(_ object: JSONObject, of kind: ScheduleKind) throws(TrainingError) {
      for (name, _) in object.entries where !kind.settings.contains(name) {
        let known = kind.settings.isEmpty ? "nothing" : kind.settings.joined(separator: ", ")
        throw Self.error("\(known) for \(kind.rawValue)", name)
      }
      self.object = object
    }

    static func error(_ expected: String, _ found: some Any) -> TrainingError {
      TrainingArgument.error("lr_scheduler_kwargs", expected, found)
    }

    /// - Parameter text: a JSON object, or nothing.
    static func object(_ text: String) throws(TrainingError) -> JSONObject {
      if text.isEmpty { return JSONObject() }
      let json: JSONValue
      do { json = try JSONValue(parsing: text.utf8) } catch { throw Self.error("a JSON object", text) }
      guard let object = json.object else { throw Self.error("a JSON object", text) }
      return object
    }

    var text: String { JSONValue.object(object).text() }

    /// Nil where it is not given, or null; known to be a number where it is.
    subscript(_ name: String) -> Double? { object[name]?.double }

    func number(_ name: String) throws(TrainingError) -> Double? {
      guard let value = object[name], value != .null else { return nil }
      guard let number = value.double, number.isFinite, number >= 0, name != "timescale" || number > 0 else {
        throw Self.error("a number of at least 0 as \(name)", value.text())
      }
      return number
    }

    func number(_ name: String, or standing: Double) throws(TrainingError) -> Double { try number(name) ?? standing }

    func choice<Choice: RawRepresentable<String> & CaseIterable>(_ name: String, or standing: Choice) throws(TrainingError) -> Choice {
      guard let value = object[name], value != .null else { return standing }
      guard let choice = value.string.flatMap(Choice.init(rawValue:)) else {
        throw Self.error("\(Choice.allCases.map(\.rawValue).joined(separator: ", ")) as \(name)", value.text())
      }
      return choice
    }
  }
}
