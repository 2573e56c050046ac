import Encoders
import JSON
import TestSupport
import Testing

@Suite struct DebertaTests {
  /// A small model of version 3 with some settings changed, or removed for null.
  private func configuration(_ changes: [(String, JSONValue)] = []) -> JSONValue {
    var object = JSONObject([
      ("model_type", "deberta-v2"), ("vocab_size", 50), ("hidden_size", 12), ("num_attention_heads", 2),
      ("intermediate_size", 20), ("num_hidden_layers", 2), ("max_position_embeddings", 40), ("relative_attention", true),
      ("position_buckets", 8), ("norm_rel_ebd", "layer_norm"), ("share_att_key", true), ("pos_att_type", "p2c|c2p"),
      ("position_biased_input", false),
    ])
    for (key, value) in changes { object[key] = value == .null ? nil : value }
    return .object(object)
  }

  private func parameters(_ changes: [(String, JSONValue)] = []) throws -> [String: [Int]] {
    let blueprint = try Model(configuration: configuration(changes)).blueprint
    return Dictionary(uniqueKeysWithValues: blueprint.parameters.map { ($0.name, $0.shape) })
  }

  @Test func parametersByTheSettings() throws {
    let third = try parameters()
    #expect(third["deberta.encoder.rel_embeddings.weight"] == [16, 12])
    #expect(third["deberta.encoder.LayerNorm.weight"] == [12])
    #expect(third.keys.filter { $0.contains("pos") || $0.contains("conv") || $0.contains("token_type") }.isEmpty)
    let apart = try parameters([
      ("share_att_key", false), ("position_biased_input", true), ("type_vocab_size", 2), ("conv_kernel_size", 3),
      ("embedding_size", 5), ("norm_rel_ebd", .null), ("position_buckets", -1),
    ])
    #expect(apart["deberta.encoder.rel_embeddings.weight"] == [80, 12])
    #expect(apart["deberta.encoder.LayerNorm.weight"] == nil)
    #expect(apart["deberta.encoder.layer.1.attention.self.pos_key_proj.weight"] == [12, 12])
    #expect(apart["deberta.encoder.layer.1.attention.self.pos_query_proj.bias"] == [12])
    #expect(apart["deberta.embeddings.position_embeddings.weight"] == [40, 5])
    #expect(apart["deberta.embeddings.token_type_embeddings.weight"] == [2, 5])
    #expect(apart["deberta.embeddings.embed_proj.weight"] == [12, 5])
    #expect(apart["deberta.embeddings.embed_proj.bias"] == nil)
    #expect(apart["deberta.encoder.conv.conv.weight"] == [12, 12, 3])
    let toPosition = try parameters([("share_att_key", false), ("pos_att_type", .array(["c2p"]))])
    #expect(toPosition["deberta.encoder.layer.0.attention.self.pos_key_proj.weight"] == [12, 12])
    #expect(toPosition["deberta.encoder.layer.0.attention.self.pos_query_proj.weight"] == nil)
    // Positions that are neither keys nor queries take no part: the table that the reference keeps of them is read by nobody.
    let byContent = try parameters([("pos_att_type", .null)])
    #expect(byContent.keys.filter { $0.contains("rel_embeddings") || $0.contains("encoder.LayerNorm") }.isEmpty)
  }

  /// A configuration that names nothing is the reference's default, its parameters counted there.
  @Test func defaults() throws {
    let model = try Model(configuration: ["model_type": "deberta-v2"])
    #expect(model.blueprint.parameters.reduce(0) { $0 + $1.count } == 879_871_490)
    #expect(model.family.maximumLength == 512 && model.blueprint.normalizations.allSatisfy { $0.epsilon == 1e-7 })
  }

  /// What would change the result and is not there is refused by its name.
  @Test(arguments: [
    ([("pos_att_type", "c2p|p2p")], "pos_att_type p2p is not supported"),
    ([("relative_attention", false)], "pos_att_type without relative_attention is not supported"),
    ([("norm_rel_ebd", "layer_norm|batch_norm")], "norm_rel_ebd batch_norm is not supported"),
    ([("attention_head_size", 4)], "attention_head_size 4 is not supported"),
    ([("pooler_hidden_size", 13)], "pooler_hidden_size 13 is not supported"),
    ([("conv_kernel_size", 3), ("conv_groups", 2)], "conv_groups 2 is not supported"),
    ([("conv_kernel_size", 4)], "conv_kernel_size: expected an odd number below 64, found 4"),
    ([("conv_act", "elu"), ("conv_kernel_size", 3)], "conv_act elu is not supported"),
    ([("position_buckets", 1)], "position_buckets: expected at least 2, and half of it below 39 positions, found 1"),
    ([("position_buckets", 80)], "position_buckets: expected at least 2, and half of it below 39 positions, found 80"),
    ([("max_relative_positions", -2)], "max_relative_positions: expected a whole number from -1 to 1048576, found -2"),
    ([("share_att_key", "yes")], "share_att_key: expected true or false, found \"yes\""),
    ([("pos_att_type", 3)], "pos_att_type: expected names, found 3"),
    ([("num_attention_heads", 5)], "num_attention_heads: expected a divisor of hidden_size 12, found 5"),
  ] as [([(String, JSONValue)], String)]) func refusals(_ changes: [(String, JSONValue)], _ expected: String) {
    let error = #expect(throws: ConfigurationError.self) { try Model(configuration: configuration(changes)) }
    #expect(error?.description == "config.json: " + expected)
  }

  /// The first version of DeBERTa is another model.
  @Test func theFirstVersionIsRefused() {
    let error = #expect(throws: ConfigurationError.self) {
      try Model(configuration: configuration([("model_type", "deberta")]))
    }
    #expect(error?.description.contains("found deberta") == true)
  }
}
