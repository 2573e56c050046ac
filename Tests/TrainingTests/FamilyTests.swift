import Checkpoints
import Encoders
import JSON
import Kernels
import Tasks
import TestSupport
import Testing
import Training

/// `families/NAME`: what the reference library in float64 makes of every family's model and data.
@Suite struct FamilyTests {
  /// A family's fixture: its model, and what is known of it.
  private struct Family {
    let folder: String
    let model: Model
    let fixture: TrainingFixture
    private let tensors: SafetensorsFile

    init(_ name: String, task: ClassificationTask? = nil) throws {
      folder = "families/" + name
      model = try tinyModel(folder, task: task)
      fixture = TrainingFixture(try familyReference(name))
      tensors = try SafetensorsFile(path: TestSupport.fixture(folder + "/reference.safetensors"))
    }

    func doubles(_ name: String, isTransposed: Bool = false) throws -> [Double] {
      let tensor = try #require(tensors[name], "\(name)")
      return try (isTransposed ? tensor.transposed : tensor).readFloat32().map(Double.init)
    }

    func names(_ key: String) -> [String] { fixture.json[key]!.array!.map { $0.string! } }

    /// An engine without dropout.
    func engine(threads: Int = 2, _ instructionSet: InstructionSet = InstructionSet.supported[0]) throws -> TrainingEngine {
      let engine = try tinyEngine(model, folder: folder, threads: threads, instructionSet)
      engine.dropoutIsOff = true
      return engine
    }

    /// Expects parameters to have the values that the fixture keeps behind a prefix.
    func expect(_ store: ParameterStore, _ names: [String], _ prefix: String) throws {
      for name in names {
        let found = store.array(store.index(of: name), of: store.values)
        let values = try doubles(prefix + name)
        try #require(found.count == values.count)
        for (value, expected) in zip(found, values) {
          #expect(abs(Double(value) - expected) <= max(3e-8, 3e-7 * abs(expected)), "\(name)")
        }
      }
    }

    /// The gradients of the first batch, in the order of the blueprint.
    func gradients(_ engine: TrainingEngine) throws -> (loss: Double, gradients: [[Float]]) {
      let loss = try engine.lossAndGradients(model, fixture.batch(0), Loss(model.task.kind))
      _ = try AdamW().gradientNorm(engine)
      let store = engine.parameters
      return (loss, model.blueprint.parameters.indices.map { store.array($0, of: store.gradients) })
    }
  }

  /// Loss and gradients of an engine's first batch against the reference's; what is frozen has none.
  private func check(_ family: Family, _ engine: TrainingEngine, frozen: Set<Int> = [], _ name: String) throws {
    let parameters = family.model.blueprint.parameters
    let reference = try parameters.map { try family.doubles("gradient." + $0.name, isTransposed: $0.isTransposed) }
    let globalNorm = norm(reference.joined())
    #expect(abs(globalNorm / family.fixture.steps[0]["grad_norm"]!.double! - 1) <= 1e-6, "every gradient is compared")
    let (loss, gradients) = try family.gradients(engine)
    #expect(abs(loss / family.fixture.steps[0]["loss"]!.double! - 1) <= 1e-5, "\(name)")
    for (index, parameter) in parameters.enumerated() {
      guard !frozen.contains(index) else {
        #expect(gradients[index].allSatisfy { $0 == 0 }, "\(name), \(parameter.name)")
        continue
      }
      let error = norm(zip(gradients[index], reference[index]).map { Double($0) - $1 })
      // A key's bias has no gradient by mathematics: what is left is fp32's noise.
      let isZero = norm(reference[index]) <= 1e-9 * globalNorm
      let tolerance = isZero ? 1e-7 * globalNorm : 1e-4 * max(norm(reference[index]), 1e-6 * globalNorm)
      #expect(error <= tolerance, "\(name), \(parameter.name): \(error) > \(tolerance)")
    }
    // So has a table of which a text reads no row but the padding's.
    let zeros = parameters.indices.count { norm(reference[$0]) <= 1e-9 * globalNorm && parameters[$0].frozenRow == nil }
    #expect(zeros <= family.model.blueprint.linears.count / 4)
  }

  @Test(arguments: familyNames) func firstGradients(_ name: String) throws {
    let family = try Family(name)
    for instructionSet in InstructionSet.supported {
      try check(family, family.engine(instructionSet), "\(instructionSet)")
    }
  }

  /// With embeddings alone, and with each number of layers that can be, frozen and on the inference engine: what is
  /// trained has the reference's gradients, and what is frozen is written as it was read.
  @Test(arguments: familyNames) func frozenBottom(_ name: String) throws {
    let family = try Family(name)
    let use = try ParameterUse(family.model.family)
    var depths = 0
    for layers in 0...use.layers.count where use.hasOwnMatrices(layers: layers) {
      let frozen = use.bottom(layers: layers)
      depths += 1
      for instructionSet in InstructionSet.supported {
        let engine = try family.engine(instructionSet)
        let store = engine.parameters
        let before = try engine.modelTensors.map { try $0.array }
        store.freeze(frozen)
        try engine.freezeBottom(of: family.model.family)
        // The store's matrices are not read any more.
        for linear in store.blueprint.linears where frozen.contains(linear.weights[0]) {
          for weight in linear.weights { store.buffer(weight, of: store.values).update(repeating: .nan) }
        }
        try check(family, engine, frozen: frozen, "\(instructionSet), \(layers) layers")
        #expect(try engine.modelTensors.map { try $0.array } == before)
      }
    }
    #expect(depths == use.layers.count + 1 || name.hasPrefix("albert") && depths >= 2, "the embeddings alone, and all layers")
  }

  /// Two epochs of five steps, the last batch of each smaller.
  @Test(arguments: familyNames) func tenSteps(_ name: String) throws {
    let family = try Family(name)
    var losses: [Double] = []
    let trainer = try Trainer(
      model: family.model, engine: family.engine(), arguments: family.fixture.arguments, training: family.fixture.examples,
      validation: [], outputFolder: nil, configuration: family.model.configuration, files: [],
      onEvent: { if case .step(_, _, _, let loss, _, _) = $0 { losses.append(loss) } })
    let outcome = try trainer.run()
    try #require(losses.count == 10 && family.fixture.steps.count == 10)
    for (number, expected) in family.fixture.steps.enumerated() {
      #expect(abs(losses[number] - expected["loss"]!.double!) <= 1e-5, "step \(number)")
      #expect(abs(outcome.logHistory[number]["grad_norm"]!.double! / expected["grad_norm"]!.double! - 1) <= 1e-4, "step \(number)")
    }
  }

  @Test(arguments: familyNames) func parametersAreTheReferences(_ name: String) throws {
    let family = try Family(name)
    let parameters = family.model.blueprint.parameters
    let order = family.names("order")
    #expect(Set(parameters.map(\.name)) == Set(order) && parameters.count == order.count)
    // What is drawn comes in the order of drawing; of a stack all weights come before the biases, which are not drawn.
    let drawn = Set(parameters.filter { switch $0.initialization {
        case .normal, .truncatedNormal, .sinusoids: true
        case .uniform, .zeros, .ones: false
        } }.map(\.name))
    let head = Set(family.names("new_head"))
    let inOrder = order.filter(drawn.contains)
    // Some of the reference's classes make the head first; with an encoder alone the head is all that is drawn.
    #expect(parameters.map(\.name).filter(drawn.contains) == inOrder.filter { !head.contains($0) } + inOrder.filter(head.contains))
    #expect(Set(parameters.filter { !$0.decays }.map(\.name)) == Set(family.names("no_decay")))
  }

  /// An encoder alone gets the head that the reference draws.
  @Test(arguments: familyNames) func newHead(_ name: String) throws {
    let task = ClassificationTask(.singleLabel, labels: ["a", "b", "c"])
    let family = try Family(name, task: task)
    let expected = family.names("new_head")
    let store = try ParameterStore(family.model.blueprint)
    let drawn = try store.load(from: EncoderAlone(FixtureWeights(family.folder), without: Set(expected)), seed: 42)
    #expect(drawn.filter { $0.hasSuffix("weight") } == expected.filter { $0.hasSuffix("weight") })
    #expect(Set(drawn) == Set(expected))
    // Nothing but the head may be missing from an encoder alone.
    let blueprint = family.model.blueprint
    let head = (blueprint.linears.filter(\.isHead).flatMap { $0.weights + $0.biases }
      + blueprint.normalizations.filter(\.isHead).flatMap(\.parameters)).map { blueprint.parameters[$0].name }
    #expect(Set(expected).isSubset(of: head))
    try family.expect(store, expected, "new.")
  }

  /// Positions that a folder lacks come from the formula; the numbers drawn for them first move on what is drawn next.
  @Test func sinusoidalPositions() throws {
    let task = ClassificationTask(.singleLabel, labels: ["a", "b", "c"])
    let family = try Family("distilbert-sinusoidal", task: task)
    let expected = ["distilbert.embeddings.position_embeddings.weight"] + family.names("new_head")
    let store = try ParameterStore(family.model.blueprint)
    let drawn = try store.load(from: EncoderAlone(FixtureWeights(family.folder), without: Set(expected)), seed: 42)
    #expect(Set(drawn) == Set(expected))
    try family.expect(store, expected, "without_positions.")
  }

  /// Layers that run a second time: the same gradients, bit for bit.
  @Test(arguments: familyNames) func leanModes(_ name: String) throws {
    let family = try Family(name)
    let expected = try family.gradients(family.engine()).gradients
    let again = try family.engine()
    again.checkpointsGradients = true
    #expect(try family.gradients(again).gradients == expected)

    let use = try ParameterUse(family.model.family)
    #expect(use.layers.reduce(use.embeddings.union(use.head)) { $0.union($1) }.count == expected.count, "every part belongs somewhere")
  }

  /// Layers that share matrices are frozen together or not at all; embeddings of relative positions are frozen with any.
  @Test func sharedLayersAreFrozenTogether() throws {
    func refusal(_ name: String, _ layers: Int) throws -> String? {
      let family = try Family(name)
      var arguments = family.fixture.arguments
      arguments.freezeLayers = layers
      do {
        _ = try Trainer(
          model: family.model, engine: family.engine(), arguments: arguments, training: family.fixture.examples,
          validation: [], outputFolder: nil, configuration: family.model.configuration, files: [], onEvent: { _ in })
      } catch { return "\(error)" }
      return nil
    }
    let sentence = "freeze-layers: expected layers that share no weights with those above, found "
    // Layers 0 and 1 are one group, layer 2 the other.
    #expect(try [1, 2, 3].map { try refusal("albert", $0) } == [sentence + "1", nil, nil])
    #expect(try [1, 3, 4].map { try refusal("albert-one-size", $0) } == [sentence + "1", sentence + "3", nil])
    for name in familyNames where !name.hasPrefix("albert") { #expect(try refusal(name, 1) == nil, "\(name)") }
  }

  /// Adapters go to what each family calls queries and values.
  @Test(arguments: familyNames) func adapters(_ name: String) throws {
    let family = try Family(name)
    var arguments = TrainingArguments()
    arguments.loraRank = 2
    // What adapters add would read every input, which the checkpoint's weights in groups cannot hold.
    guard !name.hasPrefix("squeezebert") else {
      let settings = arguments.lowRankSettings(for: type(of: family.model.family))
      #expect(throws: TrainingError.self) { try ParameterStore(family.model.blueprint, settings) }
      return
    }
    let store = try ParameterStore(family.model.blueprint, arguments.lowRankSettings(for: type(of: family.model.family)))
    let adapters = store.parameters.count - family.model.blueprint.parameters.count
    // Queries and values have one each, or, where all three are one matrix, they have one together.
    let names = family.model.blueprint.linears.map(\.name)
    let stacks = family.model.blueprint.linears.count { $0.weights.count == 3 } + names.count { $0.hasSuffix(".query_key") }
    let single = family.model.blueprint.linears.count { $0.name.hasSuffix(".Wqkv") || $0.name.hasSuffix(".c_attn") }
    #expect(adapters == 4 * stacks + 2 * single && stacks + single > 0)
  }
}

/// Weights without some of them.
private final class EncoderAlone: ParameterSource {
  private let weights: FixtureWeights
  private let missing: Set<String>

  init(_ weights: FixtureWeights, without missing: Set<String>) { (self.weights, self.missing) = (weights, missing) }

  func read(_ parameter: Parameter, into values: UnsafeMutableBufferPointer<Float>) throws -> Bool {
    try !missing.contains(parameter.name) && weights.read(parameter, into: values)
  }
}
