import Checkpoints
import Encoders
import JSON
import Kernels
import Tasks
import TestSupport
import Testing
import Training

/// `tiny-bert-training`: what PyTorch in float64 and the reference library's Trainer make of the same model and data.
@Suite struct ReferenceRunTests {
  private let fixture: TrainingFixture
  private let tensors: SafetensorsFile
  private let model: Model

  init() throws {
    fixture = try TrainingFixture()
    tensors = try SafetensorsFile(path: TestSupport.fixture("tiny-bert-training.safetensors"))
    model = try tinyModel()
  }

  private func doubles(_ name: String) throws -> [Double] {
    let tensor = try #require(tensors[name])
    try #require(tensor.elementType == .float64)
    let bytes = try #require(tensor.bytes)
    return (0..<tensor.elementCount).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self) }
  }

  @Test func firstGradients() throws {
    let reference = try model.blueprint.parameters.map { try doubles("gradient." + $0.name) }
    let globalNorm = norm(reference.joined())
    for instructionSet in InstructionSet.supported {
      for threads in [1, 2] {
        let engine = try tinyEngine(model, threads: threads, instructionSet)
        engine.dropoutIsOff = true
        let store = engine.parameters
        let loss = try engine.lossAndGradients(model, fixture.batch(0), Loss(.singleLabel))
        #expect(abs(loss / fixture.steps[0]["loss"]!.double! - 1) <= 1e-6)
        #expect(try abs(AdamW().gradientNorm(engine) / fixture.steps[0]["grad_norm"]!.double! - 1) <= 1e-5)
        for (index, parameter) in model.blueprint.parameters.enumerated() {
          let found = store.array(index, of: store.gradients)
          let error = norm(zip(found, reference[index]).map { Double($0) - $1 })
          // The gradient of key.bias is zero by mathematics: what is left is fp32's noise, PyTorch's is as large.
          let tolerance =
            parameter.name.hasSuffix("key.bias") ? 1e-8 * globalNorm : 1e-4 * max(norm(reference[index]), 1e-6 * globalNorm)
          #expect(error <= tolerance, "\(instructionSet), \(threads) threads, \(parameter.name): \(error) > \(tolerance)")
        }
      }
    }
  }

  @Test func parametersWithoutDecay() {
    let found = model.blueprint.parameters.filter { !$0.decays }.map(\.name)
    #expect(Set(found) == Set(fixture.json["no_decay"]!.array!.map { $0.string! }))
  }

  /// Two epochs of five steps, the last batch of each smaller.
  @Test func tenSteps() throws {
    let engine = try tinyEngine(model)
    var steps: [(loss: Double, rate: Double, tokens: Int)] = []
    let trainer = try Trainer(
      model: model, engine: engine, arguments: fixture.arguments, training: fixture.examples, validation: [],
      outputFolder: nil, configuration: model.configuration, files: [],
      onEvent: { event in
        if case .step(_, let total, _, let loss, let rate, let tokens) = event {
          #expect(total == 10)
          steps.append((loss, rate, tokens))
        }
      })
    let outcome = try trainer.run()
    try #require(steps.count == 10 && outcome.logHistory.count == 11)

    var order: [Int] = []
    for epoch in 0..<2 as Range<UInt32> {
      var random = TorchRandom(seed: fixture.arguments.seed + epoch)
      order += random.permutation(fixture.examples.count)
    }
    #expect(order == fixture.json["order"]!.ints)

    for (number, expected) in fixture.steps.enumerated() {
      let (step, log) = (steps[number], outcome.logHistory[number])
      let loss = expected["loss"]!.double!
      #expect(abs(step.loss / loss - 1) <= 1e-4, "step \(number): loss \(step.loss), expected \(loss)")
      #expect(log["loss"]!.double! == step.loss)
      let gradientNorm = expected["grad_norm"]!.double!
      #expect(abs(log["grad_norm"]!.double! / gradientNorm - 1) <= 1e-4, "step \(number)")
      #expect(abs(step.rate / expected["learning_rate"]!.double! - 1) <= 1e-12)
      #expect(log["learning_rate"]!.double! == step.rate)
      #expect(step.tokens == fixture.batch(number).reduce(0) { $0 + $1.ids.count }, "step \(number)")
      #expect(log["step"]?.int == number + 1 && log["epoch"]?.double == Double(number + 1) / 5)
    }
    let mean = fixture.steps.reduce(0) { $0 + $1["loss"]!.double! } / 10
    #expect(abs(outcome.trainLoss / mean - 1) <= 1e-5)

    // As close to float64 as three times the Trainer's own float32.
    let store = engine.parameters
    for (index, parameter) in model.blueprint.parameters.enumerated() where !parameter.name.hasSuffix("key.bias") {
      let expected = try #require(tensors["parameter." + parameter.name]).readFloat32()
      let found = store.array(index, of: store.values)
      let error = zip(found, expected).map { abs($0 - $1) }.reduce(0) { $1.isNaN ? .infinity : max($0, $1) }
      let tolerance = 3 * Float(fixture.json["float32_difference"]![parameter.name]!.double!) + 1e-6
      #expect(error <= tolerance, "\(parameter.name): \(error) > \(tolerance)")
    }
  }

  @Test(arguments: ["label_smoothing", "class_weights"])
  func otherLosses(_ name: String) throws {
    var loss = Loss(.singleLabel)
    if name == "label_smoothing" {
      loss.labelSmoothing = fixture.json["label_smoothing"]!.double!
    } else {
      loss.classWeights = fixture.json["class_weights"]!.doubles
    }
    let engine = try tinyEngine(model)
    engine.dropoutIsOff = true
    let store = engine.parameters
    let expected = fixture.json["other_losses"]![name]!
    let value = try engine.lossAndGradients(model, fixture.batch(0), loss)
    #expect(abs(value / expected["loss"]!.double! - 1) <= 1e-6)
    #expect(try abs(AdamW().gradientNorm(engine) / expected["grad_norm"]!.double! - 1) <= 1e-5)
    for (parameter, reference) in [
      ("classifier.weight", expected["classifier_weight_gradient"]!.array!.flatMap(\.doubles)),
      ("classifier.bias", expected["classifier_bias_gradient"]!.doubles),
    ] {
      let found = store.array(store.index(of: parameter), of: store.gradients)
      try #require(found.count == reference.count)
      #expect(norm(zip(found, reference).map { Double($0) - $1 }) <= 1e-5 * norm(reference), "\(parameter)")
    }
  }
}
