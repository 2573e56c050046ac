import Checkpoints
import Encoders
import Storage
import Tasks
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
    let tensors = finished.trainer.engine.modelTensors
    let zeros = [[UInt32]](repeating: [], count: 2)
    for (index, parameter) in store.parameters.enumerated() {
      let layer = parameter.name.hasPrefix("bert.encoder.layer.") ? Int(parameter.name.split(separator: ".")[3])! : -1
      let isFrozen = parameter.name.hasPrefix("bert.embeddings.") || (0..<layers).contains(layer)
      let isSame = try tensors[index].array == before.array(index, of: before.values)
      #expect(isSame == isFrozen && store.isTrained[index] != isFrozen, "\(parameter.name)")
      let moments = [store.firstMoments, store.secondMoments].map { store.array(index, of: $0).filter { $0 != 0 }.map(\.bitPattern) }
      #expect((moments == zeros) == isFrozen, "\(parameter.name)")
    }
    #expect(finished.outcome.trainLoss.isFinite)
  }

  /// What is frozen has no dropout: with the head's off too, a pass for training makes the logits of an evaluation.
  @Test func frozenLayersHaveNoDropout() throws {
    let batch = makeBatch(try TrainingFixture().batch(0))
    let model = try tinyModel(changes: ["classifier_dropout": 0.0])
    for (layers, isFixed) in [(1, false), (2, true)] {
      let engine = try tinyEngine(model)
      try engine.parameters.freeze(ParameterUse(model.family).bottom(layers: layers))
      try engine.freezeBottom(of: model.family)
      let evaluated = try engine.rows(model.family, batch, dropoutKey: nil)
      #expect(try (engine.rows(model.family, batch, dropoutKey: 3) == evaluated) == isFixed, "\(layers) layers")
    }
  }

  /// A run with frozen layers is taken up to the same bits, and its checkpoint holds the whole model.
  @Test(arguments: [0, 1, 2]) func resumingWithFrozenLayers(_ layers: Int) throws {
    try withTemporaryFolder { folder in
      var run = try TinyRun(folder: folder + "/whole")
      run.arguments.freezeEmbeddings = true
      run.arguments.freezeLayers = layers
      let whole = try run()
      let written = try CheckpointFolder(path: folder + "/whole/checkpoint-10").openWeights()
      #expect(Set(written.names) == Set(run.model.blueprint.parameters.map(\.name)))
      for tensor in whole.trainer.engine.modelTensors { #expect(try written[tensor.name]?.readFloat32() == tensor.array, "\(tensor.name)") }
      run.folder = folder + "/parts"
      _ = try run(interruptedAfter: 4)
      let resumed = try run(resumingFrom: "newest")
      #expect(try resumed.trainer.engine.modelTensors.map { try $0.array } == whole.trainer.engine.modelTensors.map { try $0.array })
      #expect(resumed.moments == whole.moments && resumed.warnings.isEmpty)
      for file in ["model.safetensors", "optimizer.safetensors"] {
        let last = "/checkpoint-10/" + file
        #expect(try readFile(folder + "/whole" + last) == readFile(folder + "/parts" + last), "\(file)")
      }
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
  private func run(_ folder: String? = nil, targets: [String] = ["query", "value", "output.dense"]) throws -> TinyRun {
    var run = try TinyRun(folder: folder)
    run.arguments.loraRank = 3
    run.arguments.loraAlpha = 7
    run.arguments.loraTargets = targets
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
    let store = try ParameterStore(model.blueprint)
    for (index, tensor) in engine.modelTensors.enumerated() {
      store.values(index).update(from: try tensor.array, count: tensor.count)
    }
    let engine = try makeEngine(store)
    engine.dropoutIsOff = true
    return engine
  }

  /// Logits are those of the merged model, and with W' = W + s B A: dB = s dW' Aᵀ, dA = s Bᵀ dW'. Layers below the first
  /// with an adapter are of the frozen bottom.
  @Test(arguments: [false, true], [["query", "value", "output.dense"], ["layer.1.attention.self.query", "layer.1.output.dense"]])
  func gradients(_ checkpoints: Bool, _ targets: [String]) throws {
    let run = try run(targets: targets)
    let fixture = try TrainingFixture()
    let adapted = try engine(run)
    try adapted.freezeBottom(of: run.model.family)
    adapted.checkpointsGradients = checkpoints
    let whole = try merged(adapted, run.model)
    let batch = fixture.batch(0)
    let logits = try [adapted, whole].map { try $0.rows(run.model.family, makeBatch(batch), dropoutKey: nil) }
    for (found, expected) in zip(logits[0], logits[1]) { #expect(abs(found - expected) <= 1e-5) }
    let losses = try [adapted, whole].map { try $0.lossAndGradients(run.model, batch, Loss(.singleLabel)) }
    #expect(abs(losses[0] - losses[1]) <= 1e-6)

    let (store, reference) = (adapted.parameters, whole.parameters)
    let first = store.blueprint.parameters.count
    #expect(store.parameters.count - first == 2 * (targets.count == 3 ? 8 : 2))
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
      for tensor in whole.trainer.engine.modelTensors {
        #expect(try checkpoint[tensor.name]?.readFloat32() == tensor.array, "\(tensor.name)")
      }
      let adapter = try SafetensorsFile(path: folder + "/whole/checkpoint-10/adapter/adapter_model.safetensors")
      #expect(adapter["base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.weight"]?.shape == [3, 45])
      #expect(adapter["base_model.model.classifier.weight"] != nil && adapter["base_model.model.bert.embeddings.word_embeddings.weight"] == nil)

      let parts = try run(folder + "/parts")
      _ = try parts(interruptedAfter: 4)
      let resumed = try parts(resumingFrom: "newest")
      #expect(resumed.weights == whole.weights && resumed.moments == whole.moments)
    }
  }
}
