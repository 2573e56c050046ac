import Encoders
import JSON
import Kernels
import TestSupport
import Testing
import Training

#if canImport(Glibc)
  import Glibc
#endif

/// AdamW against itself in Double, over a probe's parameters: its word table has rows that never get a gradient.
@Suite struct OptimizerTests {
  private let family = Probe(.embed, width: 17)

  /// Tokens of which some words, positions and one type never come, among them the frozen row 0.
  private var batch: Batch {
    var batch = Batch()
    batch.append([1, 2, 5, 2, 0])
    batch.append([9, 1])
    return batch
  }

  /// AdamW as its paper and PyTorch write it.
  private struct Reference {
    var values: [Double]
    var first: [Double]
    var second: [Double]
    let decays: [Bool]

    mutating func update(_ gradients: [Double], step: Int, rate: Double, scale: Double, _ optimizer: AdamW) {
      let (beta1, beta2) = (Double(optimizer.beta1), Double(optimizer.beta2))
      for index in values.indices {
        let gradient = gradients[index] * scale
        if decays[index] { values[index] *= 1 - rate * Double(optimizer.weightDecay) }
        first[index] = beta1 * first[index] + (1 - beta1) * gradient
        second[index] = beta2 * second[index] + (1 - beta2) * gradient * gradient
        let mean = first[index] / (1 - pow(beta1, Double(step)))
        let square = second[index] / (1 - pow(beta2, Double(step)))
        values[index] -= rate * mean / (square.squareRoot() + Double(optimizer.epsilon))
      }
    }
  }

  /// Gives every element that can have one a gradient of its own, other ones each step.
  private func drawGradients(_ engine: TrainingEngine, _ random: inout Generator) throws {
    let store = engine.parameters
    let rows = try engine.forward(family, batch, dropoutKey: 1)
    try engine.backward(rows, gradient: random.floats(rows.count))
    for (index, parameter) in store.blueprint.parameters.enumerated() {
      guard !store.blueprint.tables.contains(where: { $0.weight == index }) else { continue }
      store.gradient(index).update(from: random.floats(parameter.count), count: parameter.count)
    }
  }

  @Test(arguments: InstructionSet.supported) func severalSteps(_ instructionSet: InstructionSet) throws {
    var random = Generator(seed: 4)
    let store = try family.randomStore(&random)
    let engine = try makeEngine(store, instructionSet)
    let optimizer = AdamW(beta1: 0.8, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.1)
    func doubles(_ storage: UnsafeMutablePointer<Float>) -> [Double] { (0..<store.count).map { Double(storage[$0]) } }
    let zeros = [Double](repeating: 0, count: store.count)
    var reference = Reference(
      values: doubles(store.values), first: zeros, second: zeros,
      decays: store.blueprint.parameters.flatMap { Array(repeating: $0.decays, count: $0.count) })
    for step in 1...12 {
      let rate = 0.01 / Double(step)
      let scale = step % 2 == 0 ? 0.25 : 1
      // The last steps bring no gradient: rows that had one before go on by their moments.
      if step <= 8 { try drawGradients(engine, &random) } else { store.gradients.update(repeating: 0, count: store.count) }
      let gradients = doubles(store.gradients)
      #expect(try abs(optimizer.gradientNorm(engine) - norm(gradients)) <= 1e-6 * norm(gradients))
      reference.update(gradients, step: step, rate: rate, scale: scale, optimizer)
      optimizer.update(engine, step: step, learningRate: Float(rate), gradientScale: Float(scale))
    }
    for (storage, expected, tolerance) in [
      (store.values, reference.values, 1e-6), (store.firstMoments, reference.first, 1e-6),
      (store.secondMoments, reference.second, 1e-5),
    ] {
      let difference = zip(doubles(storage), expected).map { abs($0 - $1) }.max()!
      #expect(difference <= tolerance, "\(instructionSet): \(difference)")
    }
  }

  /// Rows without any gradient, the frozen one among them, decay and do nothing else; normalisations and biases do not decay.
  @Test func decay() throws {
    var random = Generator(seed: 6)
    let store = try family.randomStore(&random)
    let engine = try makeEngine(store)
    let before = store.blueprint.parameters.indices.map { store.array($0, of: store.values) }
    let rows = try engine.forward(family, batch, dropoutKey: 1)
    try engine.backward(rows, gradient: random.floats(rows.count))
    AdamW(weightDecay: 0.5).update(engine, step: 1, learningRate: 0.25, gradientScale: 1)
    let factor = Float(1 - 0.25 * 0.5)
    for table in store.blueprint.tables {
      let touched = [Set([1, 2, 5, 9]), Set(0..<5), [0]][table.index]
      #expect(Set(store.everTouched[table.index].indices.filter { store.everTouched[table.index][$0] }) == touched)
      for row in 0..<table.rows {
        let place = row * table.width..<(row + 1) * table.width
        let decayed = before[table.weight][place].map { $0 * factor }
        let found = Array(store.array(table.weight, of: store.values)[place])
        #expect((found == decayed) == !touched.contains(row), "\(table.name), row \(row)")
      }
    }
    // No gradient reached these either.
    for (name, decays) in [("square.weight", true), ("square.bias", false), ("norm.weight", false), ("norm.bias", false)] {
      let index = store.index(of: name)
      #expect(store.blueprint.parameters[index].decays == decays)
      #expect(store.array(index, of: store.values) == before[index].map { decays ? $0 * factor : $0 }, "\(name)")
    }
  }

  /// A long parameter is cut for the threads; the bits do not tell.
  @Test func threads() throws {
    let family = Probe(.embed, width: 300, innerWidth: 500)
    func updated(_ threads: Int) throws -> [UInt32] {
      var random = Generator(seed: 8)
      let store = try family.randomStore(&random)
      let gradients = random.floats(store.count)
      store.gradients.update(from: gradients, count: store.count)
      let engine = try makeEngine(store, threads: threads)
      for step in 1...2 { AdamW().update(engine, step: step, learningRate: 0.01, gradientScale: 1) }
      return store.bits(of: store.values)
    }
    #expect(try updated(1) == updated(3))
  }
}

@Suite struct ScheduleTests {
  private func rates(_ kind: ScheduleKind, warmup: Int, total: Int) throws -> [Double] {
    let schedule = try Schedule(kind: kind, peak: 2, warmupSteps: warmup, totalSteps: total)
    return (0..<total).map(schedule.learningRate)
  }

  @Test func byHand() throws {
    #expect(try rates(.linear, warmup: 0, total: 4) == [2, 1.5, 1, 0.5])
    #expect(try rates(.linear, warmup: 2, total: 6) == [0, 1, 2, 1.5, 1, 0.5])
    #expect(try rates(.constant, warmup: 2, total: 4) == [2, 2, 2, 2])
    #expect(try rates(.constantWithWarmup, warmup: 2, total: 4) == [0, 1, 2, 2])
    #expect(try rates(.linear, warmup: 5, total: 5) == [0, 0.4, 0.8, 1.2, 1.6])
    #expect(try rates(.linear, warmup: 0, total: 1) == [2])
  }

  @Test func cosine() throws {
    for (warmup, total) in [(0, 7), (3, 10), (10, 10)] {
      for (step, rate) in try rates(.cosine, warmup: warmup, total: total).enumerated() {
        let expected =
          step < warmup
          ? 2 * Double(step) / Double(warmup)
          : 1 + cos(Double.pi * Double(step - warmup) / Double(total - warmup))
        #expect(abs(rate - expected) <= 1e-12, "step \(step) of \(total), \(warmup) warm up")
      }
    }
  }

  /// The reference library's rates, of each of its schedules and with what they can be given.
  @Test func reference() throws {
    let fixture = try fixtureJSON("training-arguments.json")
    let peak = try #require(fixture["peak"]?.double)
    let schedules = try #require(fixture["schedules"]?.array)
    #expect(Set(schedules.compactMap { $0["name"]?.string }) == Set(ScheduleKind.allCases.map(\.rawValue)))
    for json in schedules {
      let kind = try #require(json["name"]?.string.flatMap(ScheduleKind.init(rawValue:)))
      let (warmup, total) = (try #require(json["warmup"]?.int), try #require(json["total"]?.int))
      let settings = try #require(json["settings"]?.object)
      let schedule = try Schedule(kind: kind, peak: peak, warmupSteps: warmup, totalSteps: total, settings: settings)
      let rates = try #require(json["rates"]?.array).compactMap(\.double)
      #expect(rates.count == total)
      for (step, rate) in rates.enumerated() {
        #expect(abs(schedule.learningRate(step) - rate) <= 1e-15, "\(kind), step \(step), \(json["settings"]?.text() ?? "")")
      }
    }
  }

  /// Beyond its last step, where an interrupted run with fewer epochs may be taken up, no rate is negative.
  @Test(arguments: ScheduleKind.allCases) func beyondTheEnd(_ kind: ScheduleKind) throws {
    let needed: [ScheduleKind: JSONValue] = [
      .cosineWithLeast: ["min_lr": 0.5], .cosineWarmupWithLeast: ["min_lr_rate": 0.5], .warmupStableDecay: ["num_decay_steps": 2],
    ]
    let schedule = try Schedule(kind: kind, peak: 2, warmupSteps: 0, totalSteps: 3, settings: needed[kind]?.object ?? JSONObject())
    for step in 3..<9 { #expect((0...2).contains(schedule.learningRate(step))) }
  }

  /// What a schedule is given is looked at before the first step.
  @Test func settings() {
    for (kind, kwargs, says) in [
      ("cosine_with_min_lr", "", "expected one of min_lr and min_lr_rate"), ("warmup_stable_decay", "", "expected num_decay_steps"),
      ("cosine_with_min_lr", #"{"min_lr": 0.1, "min_lr_rate": 0.1}"#, "expected one of"), ("linear", #"{"num_cycles": 1}"#, "found num_cycles"),
      ("cosine", #"{"num_cycles": "two"}"#, "num_cycles"), ("cosine", "num_cycles=2", "expected a JSON object"),
      ("inverse_sqrt", #"{"timescale": 0}"#, "timescale"), ("polynomial", #"{"lr_end": 1}"#, "an lr_end below the learning rate"),
      ("warmup_stable_decay", #"{"num_decay_steps": 2, "decay_type": "steep"}"#, "linear, cosine, 1-sqrt as decay_type"),
    ] {
      var arguments = TrainingArguments()
      (arguments.lrSchedulerType, arguments.lrSchedulerKwargs) = (kind, kwargs)
      do {
        try arguments.check()
        Issue.record("\(kind) \(kwargs) was taken")
      } catch {
        #expect(error.description.hasPrefix("lr-scheduler-kwargs: ") && error.description.contains(says), "\(error)")
      }
    }
  }
}
