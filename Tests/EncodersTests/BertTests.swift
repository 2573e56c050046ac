import Encoders
import JSON
import Storage
import TestSupport
import Testing

@Suite struct BertTests {
  /// Which parameters each part of the model names: what freezing leaves alone.
  @Test func parametersByPart() throws {
    let model = try Model(configuration: JSONValue(parsing: readFile(fixture("tiny-bert/config.json"))))
    let use = try ParameterUse(model.family)
    func names(_ parameters: Set<Int>) -> Set<String> { Set(parameters.map { model.blueprint.parameters[$0].name }) }
    func expected(_ prefixes: String...) -> Set<String> {
      Set(model.blueprint.parameters.map(\.name).filter { name in prefixes.contains { name.hasPrefix($0) } })
    }
    #expect(names(use.bottom(layers: 0)) == expected("bert.embeddings."))
    #expect(names(use.bottom(layers: 1)) == expected("bert.embeddings.", "bert.encoder.layer.0."))
    #expect(use.layers.count == 2 && names(use.layers[1]) == expected("bert.encoder.layer.1."))
    #expect(names(use.head) == expected("bert.pooler.", "classifier."))
  }

  private let model: Model

  init() throws { model = try Model(configuration: fixtureJSON("tiny-bert/config.json")) }

  /// Names and shapes of a safetensors file, from its header.
  private func tensors(_ name: String) throws -> [String: [Int]] {
    let bytes = try fixtureBytes(name)
    let size = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try JSONValue(parsing: bytes[8..<8 + size])
    let entries = (header.object?.entries ?? []).filter { $0.key != "__metadata__" }
    return Dictionary(uniqueKeysWithValues: entries.map { ($0.key, $0.value["shape"]?.array?.compactMap(\.int) ?? []) })
  }

  @Test func parametersAreThoseOfTheCheckpoint() throws {
    let parameters = model.blueprint.parameters
    let expected = try tensors("tiny-bert/model.safetensors")
    #expect(parameters.count == 41)
    #expect(Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.shape) }) == expected)
    // An encoder alone omits the prefix and lacks the output layer.
    let encoder = try tensors("tiny-bert-encoder/model.safetensors")
    let output = try #require(model.blueprint.linears.last)
    let kept = parameters.enumerated().filter { !(output.weights + output.biases).contains($0.offset) }.map(\.element)
    #expect(kept.allSatisfy { $0.name.hasPrefix(Bert.prefix) })
    #expect(Set(kept.map { String($0.name.dropFirst(Bert.prefix.count)) }) == Set(encoder.keys))
  }

  /// New weights are drawn one after another, so that their order is the reference's; biases, which are not drawn, come
  /// behind the weights they are stacked with.
  @Test func weightsAreInTheModuleOrderOfTheReference() throws {
    let reference = try #require(fixtureJSON("tiny-bert-training.json")["float32_difference"]?.object).keys
    let names = model.blueprint.parameters.map(\.name)
    #expect(names.filter { $0.hasSuffix("weight") } == reference.filter { $0.hasSuffix("weight") })
    #expect(names.sorted() == reference.sorted())
  }

  @Test func onlyTheReferencesParametersDecay() throws {
    let exempt = try #require(fixtureJSON("tiny-bert-training.json")["no_decay"]?.array).compactMap(\.string)
    #expect(Set(model.blueprint.parameters.filter { !$0.decays }.map(\.name)) == Set(exempt))
  }

  @Test func initialisationAndTheFrozenRow() throws {
    for parameter in model.blueprint.parameters {
      let expected: Initialization =
        parameter.name.hasSuffix("bias")
        ? .zeros : parameter.name.contains("LayerNorm") ? .ones : .normal(standardDeviation: 0.02)
      #expect(parameter.initialization == expected, "\(parameter.name)")
      #expect(parameter.frozenRow == (parameter.name.contains("word_embeddings") ? 0 : nil), "\(parameter.name)")
    }
    for (padding, row) in [(nil, 0), (5, 5), (.null, nil), (181, nil), (-1, nil)] as [(JSONValue?, Int?)] {
      var object = try #require(model.configuration.object)
      object["pad_token_id"] = padding
      #expect(try Model(configuration: .object(object)).blueprint.parameters[0].frozenRow == row)
    }
  }

  @Test func handlesAndParametersAgree() {
    let blueprint = model.blueprint
    var used: [Int] = []
    for (place, linear) in blueprint.linears.enumerated() {
      #expect(linear.index == place)
      for (part, (weight, bias)) in zip(linear.weights, linear.biases).enumerated() {
        let rows = linear.outputs(ofPart: part).count
        #expect(blueprint.parameters[weight].shape == [rows, linear.inputs], "\(linear.name)")
        #expect(blueprint.parameters[bias].shape == [rows], "\(linear.name)")
      }
      // A stack's weights, and its biases, lie side by side: engines use them as one matrix, one vector.
      for places in [linear.weights, linear.biases] { #expect(places == Array(places[0]..<places[0] + places.count)) }
      #expect(linear.weights.count == linear.biases.count)
      used += linear.weights + linear.biases
    }
    for (place, normalization) in blueprint.normalizations.enumerated() {
      #expect(normalization.index == place && normalization.width == 45)
      used += normalization.parameters
    }
    for (place, table) in blueprint.tables.enumerated() {
      #expect(table.index == place && blueprint.parameters[table.weight].shape == [table.rows, table.width])
      used.append(table.weight)
    }
    #expect(used.sorted() == Array(blueprint.parameters.indices))
    #expect(blueprint.linears.filter(\.isHead).map(\.name) == ["bert.pooler.dense", "classifier"])
    #expect(blueprint.linears.filter(\.isOutput).map(\.name) == ["classifier"])
    let names = blueprint.linears.map(\.name) + blueprint.normalizations.map(\.name) + blueprint.tables.map(\.name)
    #expect(Set(names).count == names.count)
  }

  /// The whole forward pass, read as the verbs an engine is asked for.
  @Test func forwardPass() throws {
    var object = try #require(model.configuration.object)
    for (key, value) in [
      ("num_hidden_layers", 1), ("hidden_act", "relu"), ("hidden_dropout_prob", 0.25), ("attention_probs_dropout_prob", 0.5),
    ] as [(String, JSONValue)] { object[key] = value }
    let layer = "bert.encoder.layer.0."
    let encoder = [
      "rows0 = embed bert.embeddings.word_embeddings + bert.embeddings.position_embeddings from 0 + "
        + "bert.embeddings.token_type_embeddings, bert.embeddings.LayerNorm, dropout 0.25",
      "rows1 = rows0 \(layer)attention.self.query_key_value",
      "rows2 = attend rows1 heads 3 first dropout 0.5",
      "rows3 = rows2 \(layer)attention.output.dense",
      "rows4 = first of rows0",
      "rows5 = \(layer)attention.output.LayerNorm of rows3 dropout 0.25 + rows4",
      "rows6 = relu rows5 \(layer)intermediate.dense",
      "rows7 = rows6 \(layer)output.dense",
      "rows8 = \(layer)output.LayerNorm of rows7 dropout 0.25 + rows5",
      "rows9 = tanh rows8 bert.pooler.dense",
    ]
    for (dropout, rate) in [(.null, 0.25), (0.75, 0.75)] as [(JSONValue, Float)] {
      object["classifier_dropout"] = dropout
      let recorder = Recorder()
      let logits = try Model(configuration: .object(object)).family.forward(recorder)
      #expect(recorder.verbs == encoder + ["rows10 = dropout rows9 \(rate)", "rows11 = identity rows10 classifier"])
      #expect(logits == "rows11")
    }
  }
}

/// An engine that computes nothing and writes down what it is asked for.
private final class Recorder: Verbs {
  private(set) var verbs: [String] = []

  private func record(_ verb: String) -> String {
    let name = "rows\(verbs.count)"
    verbs.append("\(name) = \(verb)")
    return name
  }

  func embed(_ embeddings: Embeddings) -> String {
    let positions = embeddings.positions.map { " + \($0.name) from \(embeddings.firstPosition)" } ?? ""
    let types = embeddings.tokenTypes.map { " + \($0.name)" } ?? ""
    return record("embed \(embeddings.words.name)\(positions)\(types), \(embeddings.normalization?.name ?? "none"), dropout \(embeddings.dropout)")
  }
  func operand(_ rows: String) -> Substring { rows[...] }
  func linear(_ operand: Substring, _ layer: Linear) -> String { record("\(operand) \(layer.name)") }
  func linear(_ parts: [(operand: Substring, layer: Linear)]) -> String {
    record(parts.map { "\($0.operand) \($0.layer.name)" }.joined(separator: ", "))
  }
  func linear(_ operand: Substring, _ layer: Linear, _ activation: Activation) -> Substring {
    record("\(activation) \(operand) \(layer.name)")[...]
  }
  func normalizeHeads(queryKeyValue: String, _ shape: AttentionShape, queries: Normalization, keys: Normalization) -> String {
    record("\(queries.name) and \(keys.name) of \(queryKeyValue)")
  }
  func attend(queryKeyValue: String, _ shape: AttentionShape, queries: TokensRead) -> Substring {
    record("attend \(queryKeyValue) heads \(shape.heads) \(queries) dropout \(shape.dropout)")[...]
  }
  func gated(_ operand: Substring, _ layer: Linear, _ activation: Activation, dropout: Float) -> Substring {
    record("gated \(activation) \(operand) \(layer.name) dropout \(dropout)")[...]
  }
  func add(_ rows: String, residual: String, dropout: Float) -> String {
    record("\(rows) dropout \(dropout) + \(residual)")
  }
  func normalize(_ rows: String, _ normalization: Normalization) -> String { record("\(normalization.name) of \(rows)") }
  func attend(queryKeyValue: String, _ attention: DisentangledAttention, queries: TokensRead) -> Substring {
    let shape = attention.shape
    return record("disentangled \(queryKeyValue) heads \(shape.heads) \(queries) dropout \(shape.dropout)")[...]
  }
  func convolve(_ rows: String, _ layer: Linear, _ activation: Activation, dropout: Float) -> String {
    record("\(activation) convolution of \(rows) \(layer.name) dropout \(dropout)")
  }
  func residualNormalize(_ rows: String, residual: String, _ normalization: Normalization, dropout: Float) -> String {
    record("\(normalization.name) of \(rows) dropout \(dropout) + \(residual)")
  }
  func read(_ rows: String, _ tokens: TokensRead) -> String { tokens == .every ? rows : record("\(tokens) of \(rows)") }
  func dense(_ rows: String, _ layer: Linear, _ activation: Activation) -> String {
    record("\(activation) \(rows) \(layer.name)")
  }
  func dropout(_ rows: String, _ rate: Float) -> String { record("dropout \(rows) \(rate)") }
}
