import Checkpoints
import Encoders
import Storage
import TestSupport
import Testing
import Training

/// Modes that take less memory or time: what they leave alone, and that they compute the same.
@Suite struct LeanModeTests {
  /// Layers that run a second time draw the same dropout and come to the same bits.
  @Test func gradientCheckpointing() throws {
    var run = try TinyRun()
    let plain = try run()
    run.arguments.gradientCheckpointing = true
    let lean = try run()
    #expect(lean.losses == plain.losses && lean.weights == plain.weights && lean.moments == plain.moments)
  }

  /// A rehearsal leaves no trace.
  @Test func forecast() throws {
    var run = try TinyRun()
    run.validation = Array(run.training.prefix(7))
    let plain = try run()
    run.forecasts = true
    let rehearsed = try run()
    #expect(rehearsed.losses == plain.losses && rehearsed.weights == plain.weights && rehearsed.moments == plain.moments)
  }

  @Test(arguments: [(true, 0), (false, 1), (false, 2)]) func frozenLayers(_ embeddings: Bool, _ layers: Int) throws {
    var run = try TinyRun()
    run.arguments.freezeEmbeddings = embeddings
    run.arguments.freezeLayers = layers
    let before = try run.store()
    let finished = try run()
    let store = finished.store
    let zeros = [[UInt32]](repeating: [], count: 2)
    for (index, parameter) in store.parameters.enumerated() {
      let layer = parameter.name.hasPrefix("bert.encoder.layer.") ? Int(parameter.name.split(separator: ".")[3])! : -1
      let isFrozen = parameter.name.hasPrefix("bert.embeddings.") || (0..<layers).contains(layer)
      let isSame = store.array(index, of: store.values) == before.array(index, of: before.values)
      #expect(isSame == isFrozen && store.isTrained[index] != isFrozen, "\(parameter.name)")
      let moments = [store.firstMoments, store.secondMoments].map { store.array(index, of: $0).filter { $0 != 0 }.map(\.bitPattern) }
      #expect((moments == zeros) == isFrozen, "\(parameter.name)")
    }
    #expect(finished.outcome.trainLoss.isFinite)
  }

  /// What is trained has the gradient that it has when all is trained (dropout off: frozen layers have none).
  @Test func frozenLayersDoNotChangeGradients() throws {
    let fixture = try TrainingFixture()
    let model = try tinyModel()
    let (whole, part) = (try tinyEngine(model), try tinyEngine(model))
    part.frozen = FrozenPart(layers: 1)
    for engine in [whole, part] {
      engine.dropoutIsOff = true
      _ = engine.lossAndGradients(model, fixture.batch(0), Loss(.singleLabel))
    }
    let store = part.parameters
    for (index, parameter) in store.parameters.enumerated() {
      let isFrozen = parameter.name.hasPrefix("bert.embeddings.") || parameter.name.hasPrefix("bert.encoder.layer.0.")
      let found = store.array(index, of: store.gradients)
      let expected = isFrozen ? found.map { _ in 0 } : whole.parameters.array(index, of: whole.parameters.gradients)
      #expect(found == expected, "\(parameter.name)")
    }
  }

  @Test func refusals() throws {
    func expectRefusal(_ word: String, _ change: (inout TrainingArguments) -> Void) throws {
      var run = try TinyRun()
      change(&run.arguments)
      do {
        _ = try run()
        Issue.record("\(word) was taken")
      } catch { #expect("\(error)".contains(word), "\(error)") }
    }
    try expectRefusal("freeze-layers: expected at most") { $0.freezeLayers = 99 }
    try expectRefusal("lora-targets: no layer of the encoder is called nothing") { ($0.loraRank, $0.loraTargets) = (2, ["nothing"]) }
    try expectRefusal("lora-rank: expected 0 with frozen layers") { ($0.loraRank, $0.freezeLayers) = (2, 1) }
  }
}

@Suite struct LowRankAdapterTests {
  private func run(_ folder: String? = nil) throws -> TinyRun {
    var run = try TinyRun(folder: folder)
    run.arguments.loraRank = 3
    run.arguments.loraAlpha = 7
    run.arguments.loraTargets = ["query", "value", "output.dense"]
    return run
  }

  /// An engine whose adapters are not zero.
  private func engine(_ run: TinyRun) throws -> TrainingEngine {
    let store = try run.store()
    var random = Generator(seed: 12)
    for index in store.blueprint.parameters.count..<store.parameters.count {
      let count = store.parameters[index].count
      store.values(index).update(from: random.floats(count, -0.2...0.2), count: count)
    }
    let engine = try makeEngine(store)
    engine.dropoutIsOff = true
    return engine
  }

  /// The same model as an ordinary one, its weights merged.
  private func merged(_ engine: TrainingEngine, _ model: Model) throws -> TrainingEngine {
    let store = ParameterStore(model.blueprint)
    engine.withModelTensors { tensors in
      for (index, tensor) in tensors.enumerated() { store.values(index).update(from: tensor.values.baseAddress!, count: tensor.values.count) }
    }
    let engine = try makeEngine(store)
    engine.dropoutIsOff = true
    return engine
  }

  /// Logits are those of the merged model, and with W' = W + s B A: dB = s dW' Aᵀ, dA = s Bᵀ dW'.
  @Test(arguments: [false, true]) func gradients(_ checkpoints: Bool) throws {
    let run = try run()
    let fixture = try TrainingFixture()
    let adapted = try engine(run)
    adapted.checkpointsGradients = checkpoints
    let whole = try merged(adapted, run.model)
    let batch = fixture.batch(0)
    let logits = [adapted, whole].map { $0.rows(run.model.family, makeBatch(batch), dropoutKey: nil) }
    for (found, expected) in zip(logits[0], logits[1]) { #expect(abs(found - expected) <= 1e-5) }
    let losses = [adapted, whole].map { $0.lossAndGradients(run.model, batch, Loss(.singleLabel)) }
    #expect(abs(losses[0] - losses[1]) <= 1e-6)

    let (store, reference) = (adapted.parameters, whole.parameters)
    let first = store.blueprint.parameters.count
    #expect(store.parameters.count - first == 2 * 4 * store.blueprint.linears.filter { $0.weights.count == 3 }.count)
    let scale = 7.0 / 3
    for down in stride(from: first, to: store.parameters.count, by: 2) {
      let name = store.parameters[down].name.replacing(".lora_A", with: "")
      let weight = store.index(of: name)
      let (outputs, inputs) = (store.parameters[weight].shape[0], store.parameters[weight].shape[1])
      func doubles(_ index: Int, _ store: ParameterStore, _ storage: UnsafeMutablePointer<Float>) -> [Double] {
        store.array(index, of: storage).map(Double.init)
      }
      let dW = doubles(weight, reference, reference.gradients)
      let (a, b) = (doubles(down, store, store.values), doubles(down + 1, store, store.values))
      var (dA, dB) = ([Double](repeating: 0, count: a.count), [Double](repeating: 0, count: b.count))
      for output in 0..<outputs {
        for inner in 0..<3 {
          for input in 0..<inputs {
            dB[output * 3 + inner] += scale * dW[output * inputs + input] * a[inner * inputs + input]
            dA[inner * inputs + input] += scale * dW[output * inputs + input] * b[output * 3 + inner]
          }
        }
      }
      for (index, expected) in [(down, dA), (down + 1, dB)] {
        let found = doubles(index, store, store.gradients)
        let error = norm(zip(found, expected).map { $0 - $1 })
        #expect(error <= 1e-4 * norm(expected), "\(store.parameters[index].name): \(error) of \(norm(expected))")
      }
    }
    for index in store.parameters.indices where !store.isTrained[index] {
      #expect(store.array(index, of: store.gradients).allSatisfy { $0 == 0 }, "\(store.parameters[index].name)")
    }
  }

  /// Adapters and head learn, the rest stays; a checkpoint holds the merged model, and a resumed run the same bits.
  @Test func trainingAndResuming() throws {
    try withTemporaryFolder { folder in
      let before = try run().store()
      let whole = try run(folder + "/whole")()
      let store = whole.store
      for (index, parameter) in store.parameters.enumerated() {
        let isSame = store.array(index, of: store.values) == before.array(index, of: before.values)
        let learns = parameter.name.contains("lora_") || parameter.name.hasPrefix("classifier") || parameter.name.hasPrefix("bert.pooler")
        #expect(isSame != learns && store.isTrained[index] == learns, "\(parameter.name)")
      }
      let checkpoint = try CheckpointFolder(path: folder + "/whole/checkpoint-10").openWeights()
      #expect(Set(checkpoint.names) == Set(store.blueprint.parameters.map(\.name)))
      whole.trainer.engine.withModelTensors { tensors in
        for tensor in tensors { #expect((try? checkpoint[tensor.name]?.readFloat32()) == Array(tensor.values), "\(tensor.name)") }
      }
      let adapter = try SafetensorsFile(path: folder + "/whole/checkpoint-10/adapter_model.safetensors")
      #expect(adapter["base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.weight"]?.shape == [3, 45])
      #expect(adapter["base_model.model.classifier.weight"] != nil && adapter["base_model.model.bert.embeddings.word_embeddings.weight"] == nil)

      let parts = try run(folder + "/parts")
      _ = try parts(interruptedAfter: 4)
      let resumed = try parts(resumingFrom: "newest")
      #expect(resumed.weights == whole.weights && resumed.moments == whole.moments)
    }
  }
}
