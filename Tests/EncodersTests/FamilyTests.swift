import Encoders
import JSON
import Storage
import TestSupport
import Testing

/// What each family reads of its configuration; what it makes of it the engines' tests compare with the reference.
@Suite struct FamilyTests {
  private func model(_ family: String, _ changes: [String: JSONValue] = [:]) throws -> Model {
    var object = try #require(fixtureJSON("families/\(family)/config.json").object)
    for (key, value) in changes { object[key] = value }
    return try Model(configuration: .object(object))
  }

  private func refusal(_ family: String, _ changes: [String: JSONValue]) -> String {
    do { _ = try model(family, changes) } catch { return "\(error)" }
    return "accepted"
  }

  /// A configuration that names nothing is the reference's default: its parameters, counted there.
  @Test(arguments: [
    ("bert", 109_483_778, 512), ("distilbert", 66_955_010, 512), ("roberta", 124_646_402, 510), ("xlm-roberta", 109_483_778, 510),
    ("camembert", 109_483_778, 510), ("electra", 13_549_314, 512), ("albert", 222_603_778, 512), ("mpnet", 109_486_466, 510), ("modernbert", 149_606_402, 8192),
    ("ernie", 109_483_778, 512), ("data2vec-text", 109_483_778, 510), ("ibert", 109_483_778, 510), ("roc_bert", 124_483_586, 512),
    ("luke", 124_647_938, 510), ("squeezebert", 51_091_202, 512), ("big_bird", 127_470_338, 4096),
    ("mobilebert", 24_845_570, 512), ("gpt2", 124_441_344, 1024), ("qwen3", 11_427_139_584, 32768),
  ])
  func defaults(_ modelType: String, _ count: Int, _ maximumLength: Int) throws {
    let model = try Model(configuration: ["model_type": .string(modelType)])
    #expect(model.blueprint.parameters.reduce(0) { $0 + $1.count } == count)
    #expect(model.family.maximumLength == maximumLength && model.modelType == modelType)
    let epsilons: [String: Set<Float>] = ["modernbert": [1e-5], "gpt2": [1e-5], "qwen3": [1e-6], "mobilebert": [1e-5, 1e-12]]
    #expect(Set(model.blueprint.normalizations.map(\.epsilon)) == epsilons[modelType] ?? [1e-12])
  }

  @Test(arguments: familyNames) func handlesAndParametersAgree(_ name: String) throws {
    let blueprint = try model(name).blueprint
    let names = blueprint.parameters.map(\.name)
    #expect(Set(names).count == names.count)
    for linear in blueprint.linears {
      for places in [linear.weights, linear.biases] where !places.isEmpty {
        #expect(places == Array(places[0]..<places[0] + places.count), "\(linear.name): side by side")
      }
    }
    // The sections of a bundle.
    let sections = blueprint.linears.map(\.name) + blueprint.normalizations.map(\.name) + blueprint.tables.map(\.name)
    #expect(Set(sections).count == sections.count)
    #expect(blueprint.linears.filter(\.isOutput).count == 1 && blueprint.linears.last?.isOutput == true)
  }

  @Test func architectures() throws {
    let expected = [
      "distilbert": "DistilBertForSequenceClassification", "roberta": "RobertaForSequenceClassification",
      "xlm-roberta": "XLMRobertaForSequenceClassification", "camembert": "CamembertForSequenceClassification",
      "electra": "ElectraForSequenceClassification", "albert": "AlbertForSequenceClassification",
      "mpnet": "MPNetForSequenceClassification", "modernbert": "ModernBertForSequenceClassification",
      "ernie": "ErnieForSequenceClassification", "data2vec-text": "Data2VecTextForSequenceClassification",
      "ibert": "IBertForSequenceClassification", "roc-bert": "RoCBertForSequenceClassification",
      "luke": "LukeForSequenceClassification", "squeezebert": "SqueezeBertForSequenceClassification",
      "big-bird": "BigBirdForSequenceClassification", "mobilebert": "MobileBertForSequenceClassification",
      "gpt2": "GPT2ForSequenceClassification", "qwen3": "Qwen3ForSequenceClassification",
    ]
    for (name, architecture) in expected {
      let model = try model(name)
      #expect(model.architecture == architecture)
      #expect(model.configuration["architectures"]?.array == [.string(architecture)], "as the reference wrote it")
    }
  }

  @Test func refusals() {
    let count = "expected a whole number from 1 to"
    let cases: [(family: String, changes: [String: JSONValue], error: String)] = [
      ("distilbert", ["n_heads": 3], "n_heads: expected a divisor of dim 20, found 3"),
      ("distilbert", ["n_layers": 2000], "n_layers: \(count) 1024, found 2000"),
      ("distilbert", ["activation": "mish"], "activation mish is not supported"),
      ("distilbert", ["hidden_size": 0], "hidden_size: \(count) 1048576, found 0"),
      ("distilbert", ["seq_classif_dropout": 1], "seq_classif_dropout: expected a number from 0 to below 1, found 1"),
      ("roberta", ["pad_token_id": .null], "pad_token_id: expected an id of the vocabulary, behind which positions begin, found null"),
      ("roberta", ["pad_token_id": 39], "pad_token_id: expected an id of the vocabulary, behind which positions begin, found 39"),
      ("roberta", ["max_position_embeddings": 2], "max_position_embeddings: expected more than 2, for pad_token_id 1, found 2"),
      ("roberta", ["position_embedding_type": "relative_key"], "position_embedding_type \"relative_key\" is not supported"),
      ("roberta", ["is_decoder": true], "is_decoder true is not supported"),
      ("electra", ["embedding_size": "7"], "embedding_size: \(count) 1048576, found \"7\""),
      ("albert", ["num_hidden_groups": 4], "num_hidden_groups: \(count) 3, found 4"),
      ("albert", ["inner_group_num": 342], "inner_group_num: \(count) 341, found 342"),
      ("mpnet", ["relative_attention_num_buckets": 31], "relative_attention_num_buckets: expected at least 32, found 31"),
      ("mpnet", ["max_position_embeddings": 2], "max_position_embeddings: expected at least 3, found 2"),
      ("mpnet", ["vocab_size": 1], "vocab_size: expected at least 2, found 1"),
      ("modernbert", ["num_attention_heads": 4], "num_attention_heads: expected heads of an even width, of hidden_size 12, found 4"),
      ("modernbert", ["classifier_pooling": "max"], "classifier_pooling: expected cls or mean, found max"),
      ("modernbert", ["mlp_bias": 1], "mlp_bias: expected true or false, found 1"),
      ("modernbert", ["rope_scaling": ["type": "linear"]], #"rope_scaling {"type": "linear"} is not supported"#),
      ("modernbert", ["rope_parameters": ["full_attention": ["rope_type": "yarn"]]], #"rope_type "yarn" is not supported"#),
      ("modernbert", ["rope_parameters": 3], "rope_parameters: expected an object, found 3"),
      ("modernbert", ["sliding_window": 4], "sliding_window 4 is not supported"),
      ("modernbert", ["initializer_cutoff_factor": 0.3], "initializer_cutoff_factor: expected at least 0.4, found 0.3"),
      (
        "modernbert", ["layer_types": ["full_attention"]],
        #"layer_types: expected full_attention or sliding_attention for each of 4 layers, found ["full_attention"]"#
      ),
      ("albert", ["num_attention_heads": 4], "num_attention_heads: expected a divisor of hidden_size 15, found 4"),
      ("ernie", ["task_type_vocab_size": 0], "task_type_vocab_size: \(count) 1048576, found 0"),
      ("ernie", ["use_task_id": 1], "use_task_id: expected true or false, found 1"),
      ("ibert", ["quant_mode": true], "quant_mode true is not supported"),
      ("ibert", ["hidden_act": "relu"], "hidden_act \"relu\" is not supported"),
      ("roc-bert", ["shape_embed_dim": 0], "shape_embed_dim: \(count) 1048576, found 0"),
      ("roc-bert", ["enable_pronunciation": "no"], "enable_pronunciation: expected true or false, found \"no\""),
      ("luke", ["pad_token_id": 35], "pad_token_id: expected an id of the vocabulary, behind which positions begin, found 35"),
      ("squeezebert", ["q_groups": 5], "q_groups: expected a divisor of 24 inputs and 24 outputs, found 5"),
      ("squeezebert", ["output_groups": 9], "output_groups: expected a divisor of 36 inputs and 24 outputs, found 9"),
      ("squeezebert", ["embedding_size": 12], "embedding_size 12 is not supported"),
      ("big-bird", ["attention_type": "sliding"], "attention_type sliding is not supported"),
      ("big-bird", ["rescale_embeddings": 2], "rescale_embeddings: expected true or false, found 2"),
      ("big-bird", ["block_size": 0], "block_size: \(count) 1048576, found 0"),
      ("mobilebert", ["num_attention_heads": 3], "num_attention_heads: expected a divisor of the width of queries 10, found 3"),
      ("mobilebert", ["normalization_type": "rms"], "normalization_type: expected no_norm or layer_norm, found rms"),
      (
        "mobilebert", ["key_query_shared_bottleneck": false],
        "key_query_shared_bottleneck false with queries of another width than hidden_size is not supported"
      ),
      ("gpt2", ["n_head": 4], "n_head: expected a divisor of n_embd 15, found 4"),
      ("gpt2", ["add_cross_attention": true], "add_cross_attention true is not supported"),
      ("gpt2", ["pad_token_id": "4"], "pad_token_id: expected an id or null, found \"4\""),
      ("qwen3", ["num_key_value_heads": 3], "num_key_value_heads: expected a divisor of num_attention_heads 4, found 3"),
      ("qwen3", ["head_dim": 5], "head_dim: expected an even number, found 5"),
      ("qwen3", ["rope_scaling": ["type": "yarn", "factor": 4]], "rope_scaling of type yarn is not supported"),
      ("qwen3", ["rope_parameters": ["rope_type": "llama3"]], "rope_parameters of type llama3 is not supported"),
      ("qwen3", ["rope_parameters": ["full_attention": ["rope_theta": 10]]], "rope_parameters by full_attention is not supported"),
      (
        "qwen3", ["layer_types": ["full_attention", "sliding_attention"]],
        "layer_types sliding_attention without use_sliding_window and sliding_window is not supported"
      ),
      (
        "qwen3", ["layer_types": ["full_attention"]],
        #"layer_types: expected full_attention or sliding_attention for each of 2 layers, found ["full_attention"]"#
      ),
    ]
    for (family, changes, error) in cases { #expect(refusal(family, changes) == "config.json: \(error)") }
  }

  /// Sizes that lie are refused at once, whatever they would make together.
  @Test(arguments: familyNames) func hostileSizes(_ name: String) {
    let large: JSONValue = 1_048_576
    var changes: [String: JSONValue] = [
      "num_attention_heads": 1, "n_heads": 1, "num_hidden_groups": 1, "inner_group_num": 1, "hidden_size": large,
      "attention_head_size": large, "pooler_hidden_size": large, "embedding_size": large,
    ]
    if name.hasPrefix("qwen3") { (changes["num_key_value_heads"], changes["intermediate_size"]) = (1, large) }
    for key in ["q", "k", "v", "post_attention", "intermediate", "output"] { changes[key + "_groups"] = 1 }
    #expect(refusal(name, changes).hasPrefix("config.json: expected sizes of at most 17179869184 parameters, found "))
    for key in ["intermediate_size", "hidden_dim", "vocab_size", "max_position_embeddings", "type_vocab_size", "embedding_size"] {
      changes[key] = large
    }
    (changes["num_hidden_layers"], changes["n_layers"], changes["layer_types"]) = (1024, 1024, .null)
    #expect(refusal(name, changes).hasPrefix("config.json: expected sizes of at most 17179869184 parameters, found "))
  }

  /// BigBird by blocks reads no longer text than it attends to in full.
  @Test func longestTexts() throws {
    #expect(try model("big-bird").family.longestText == 28 && model("big-bird").family.maximumLength == 60)
    #expect(try model("big-bird-full").family.longestText == .max)
    #expect(try model("big-bird", ["block_size": 64, "num_random_blocks": 3]).family.longestText == 704)
    for name in familyNames where name != "big-bird" { #expect(try model(name).family.longestText == .max, "\(name)") }
  }

  /// Weights in groups and the whole matrix with zeros.
  @Test func layersInGroups() throws {
    let blueprint = try model("squeezebert").blueprint
    let linear = try #require(blueprint.linears.first { $0.weights.count == 3 })
    #expect(linear.groups == [4, 2, 8] && blueprint.linears.count { $0.groups != nil } == 8)
    #expect(linear.weights.map { blueprint.parameters[$0].shape } == [[24, 6, 1], [24, 12, 1], [24, 3, 1]])
    for number in 0..<3 {
      let part = LinearPart(of: linear, number)
      let weights = (0..<part.count).map { Float($0 + 1) }
      var matrix = [Float](repeating: .nan, count: 24 * 24)
      part.spread(weights, into: &matrix)
      #expect(matrix.count { $0 != 0 } == part.count)
      for output in 0..<24 {
        for input in 0..<24 {
          let isRead = output / part.groupOutputs == input / part.groupInputs
          let expected = isRead ? weights[output * part.groupInputs + input % part.groupInputs] : 0
          #expect(matrix[output * 24 + input] == expected, "\(number): \(output), \(input)")
        }
      }
      var again = [Float](repeating: .nan, count: part.count)
      part.collect(matrix, into: &again)
      #expect(again == weights)
    }
  }

  /// The library's common names for DistilBERT's settings mean the same there, and win.
  @Test func commonNames() throws {
    let model = try model("distilbert", ["hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 8])
    #expect(model.blueprint.tables[0].width == 24 && (model.family as? DistilBert)?.layerCount == 1)
  }

  @Test func positionsOfRoberta() throws {
    var batch = Batch()
    batch.append([5, 6, 7])
    batch.append([1, 8, 1, 9, 1])
    batch.append([1])
    let table = Table.words
    let counted = Embeddings(words: table.words, positions: table.words, normalization: table.norm, firstPosition: 2, uncountedToken: 1, dropout: 0)
    var positions: [Int32] = []
    counted.appendPositions(of: 0..<3, in: batch, to: &positions)
    #expect(positions == [2, 3, 4, 1, 2, 1, 3, 1, 1])
    let plain = Embeddings(words: table.words, positions: table.words, normalization: table.norm, dropout: 0)
    plain.appendPositions(of: 1..<2, in: batch, to: &positions)
    #expect(positions.suffix(5) == [0, 1, 2, 3, 4])
  }

  /// MPNet's buckets: their first distances on both sides, as the reference computes them.
  @Test func bucketsOfDistances() {
    let firsts = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91]
    for (bucket, first) in firsts.enumerated() {
      let next = bucket + 1 < firsts.count ? firsts[bucket + 1] : 100_000
      for distance in [first, next - 1] {
        #expect(RelativeBias.bucket(-distance) == bucket, "\(distance) back")
        #expect(distance == 0 || RelativeBias.bucket(distance) == 16 + bucket, "\(distance) ahead")
      }
    }
  }

  /// Blocks of queries see all keys of their windows, and few others.
  @Test(arguments: [0, 1, 7, 64, 100], [false, true]) func blocksOfWindows(_ window: Int, _ isCausal: Bool) {
    let attention = AttentionShape(heads: 1, headWidth: 8, isCausal: isCausal, window: window, dropout: 0)
    for length in [1, 2, 63, 64, 65, 191, 192, 193, 300, 301, 1000] {
      let size = attention.queryBlock(length)
      for first in stride(from: 0, to: length, by: size) {
        let queries = first..<min(length, first + size)
        let keys = attention.keys(queries, length)
        #expect(keys.count <= attention.mostKeys(length) && keys.lowerBound >= 0 && keys.upperBound <= length)
        #expect(keys.lowerBound <= max(0, queries.lowerBound - window) && keys.upperBound >= min(length, queries.upperBound + (isCausal ? 0 : window)))
      }
      #expect(attention.hasBias(length) == (length > window + 1 || isCausal && length > 1))
    }
  }

  /// The token that each way of reading means, padding in the middle and at the end of a text.
  @Test func tokensRead() {
    var batch = Batch()
    for ids in [[5, 6, 7], [1, 8, 1, 9, 1], [1, 1], [1]] as [[Int32]] { batch.append(ids) }
    func read(_ tokens: TokensRead) -> [Int] { (0..<4).map { batch.tokenRead(tokens, of: $0) } }
    #expect(read(.first) == [0, 0, 0, 0] && read(.last(padding: nil)) == [2, 4, 1, 0] && read(.last(padding: 1)) == [2, 3, 0, 0])
    #expect(batch.rowCount(.every, of: 1..<3) == 7 && batch.rowCount(.mean, of: 1..<3) == 2 && batch.rowCount(.first, of: 0..<4) == 4)
  }

  /// Qwen3's windows: from a layer on, or by kind; the token itself counts.
  @Test func windowsOfQwen3() throws {
    func windows(_ changes: [String: JSONValue]) throws -> [Int?] {
      try #require(model("qwen3", changes).family as? Qwen3).parts.layers.map(\.attention.window)
    }
    #expect(try windows([:]) == [nil, nil] && windows(["sliding_window": 4, "max_window_layers": 1]) == [nil, nil])
    let byNumber: [String: JSONValue] = ["use_sliding_window": true, "sliding_window": 4, "max_window_layers": 1, "layer_types": .null]
    #expect(try windows(byNumber) == [nil, 3])
    #expect(try windows(["use_sliding_window": true, "sliding_window": .null, "max_window_layers": 0]) == [nil, nil])
    #expect(
      try windows(["use_sliding_window": true, "sliding_window": 1, "layer_types": ["sliding_attention", "full_attention"]]) == [0, nil])
  }

  /// ALBERT's layers take groups of parameters as the reference counts them.
  @Test func groupsOfAlbert() throws {
    for (layers, groups, inner, expected) in [
      (3, 2, 1, [0, 0, 1]), (12, 1, 1, Array(repeating: 0, count: 12)), (7, 3, 2, [0, 0, 0, 1, 1, 2, 2]), (4, 4, 1, [0, 1, 2, 3]),
    ] as [(JSONValue, JSONValue, JSONValue, [Int])] {
      let model = try model("albert", ["num_hidden_layers": layers, "num_hidden_groups": groups, "inner_group_num": inner])
      let use = try ParameterUse(model.family)
      let names = use.layers.map { Set($0.map { model.blueprint.parameters[$0].name.split(separator: ".")[3] }) }
      #expect(names == expected.map { ["\($0)"] }, "\(layers.text()) layers, \(groups.text()) groups")
      #expect(use.layers.allSatisfy { $0.count == 16 * inner.int! })
    }
  }
}

extension Table {
  /// Any table and normalisation.
  fileprivate static var words: (words: Table, norm: Normalization) {
    var blueprint = Blueprint(initializerRange: 1)
    return (blueprint.table("words", rows: 10, width: 2), blueprint.normalization("norm", width: 2, epsilon: 1))
  }
}
