/// Finds tensors by their canonical names and keeps account of what was missing and what nobody asked for.
///
/// A name is tried as given, without the model's prefix (`bert.`) and with it, because a checkpoint of the bare encoder
/// lacks the prefix; and old checkpoints call the vectors of a `LayerNorm` `gamma` and `beta`.
package struct TensorLookup {
  package let weights: CheckpointWeights
  /// The canonical names that were looked for in vain, in that order.
  package private(set) var missing: [String] = []
  private let modelPrefix: String
  private let unread: [String]
  private var found: Set<String> = []
  private var usedOfAdapter: Set<String> = []

  /// - Parameters:
  ///   - modelPrefix: with its dot (`bert.`), or empty.
  ///   - unread: parts of names, without dots around them, of tensors that the model is known to do without.
  package init(_ weights: CheckpointWeights, modelPrefix: String, unread: [String] = []) {
    self.weights = weights
    self.modelPrefix = modelPrefix
    self.unread = unread
  }

  /// The tensor of that name or of one of the alternatives, or nil, which is recorded as missing.
  package mutating func find(_ name: String, or alternatives: [String] = []) -> Tensor? {
    let candidates = spellings([name] + alternatives)
    for candidate in candidates {
      guard let tensor = weights.adapter?.replacements[candidate] else { continue }
      usedOfAdapter.insert(candidate)
      found.formUnion(candidates)
      return tensor
    }
    for candidate in candidates {
      guard let tensor = weights[candidate] else { continue }
      found.insert(candidate)
      return tensor
    }
    missing.append(name)
    return nil
  }

  /// What an adapter adds to the tensor of that name.
  package mutating func update(of name: String) -> LowRankUpdate? {
    for candidate in spellings([name]) {
      guard let update = weights.adapter?.updates[candidate] else { continue }
      usedOfAdapter.insert(candidate)
      return update
    }
    return nil
  }

  /// Refuses an adapter of which something has not been asked for: it was made for another model.
  package func requireWholeAdapter() throws(CheckpointError) {
    guard let adapter = weights.adapter else { return }
    let unused = Set(adapter.replacements.keys).union(adapter.updates.keys).subtracting(usedOfAdapter)
    guard unused.isEmpty else { throw CheckpointError(path: adapter.path, fault: .foreignAdapter(tensors: unused.sorted())) }
  }

  /// The tensor, which must be there and of that shape.
  package mutating func require(
    _ name: String, or alternatives: [String] = [], shape: [Int]
  ) throws(CheckpointError) -> Tensor {
    guard let tensor = find(name, or: alternatives) else {
      throw CheckpointError(path: weights.folder, fault: .missingTensor(lookedFor: spellings([name] + alternatives)))
    }
    guard tensor.shape == shape else {
      throw CheckpointError(
        path: tensor.file.path, fault: .shape(tensor: tensor.name, expected: shape, found: tensor.shape))
    }
    return tensor
  }

  /// Tensors that were not asked for and belong to nothing known, sorted: worth a warning.
  package var unexpected: [String] { unused.filter { !isIgnorable($0) } }

  /// Tensors that were not asked for and are known to do without: buffers and the heads of other tasks, sorted.
  package var ignored: [String] { unused.filter(isIgnorable) }

  private var unused: [String] { weights.names.filter { !found.contains($0) } }

  private func spellings(_ names: [String]) -> [String] {
    var spellings: [String] = []
    for name in names {
      var bases = [name]
      if !modelPrefix.isEmpty {
        bases.append(name.hasPrefix(modelPrefix) ? String(name.dropFirst(modelPrefix.count)) : modelPrefix + name)
      }
      for base in bases {
        spellings.append(base)
        for (new, old) in [("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta")]
        where base.hasSuffix(new) {
          spellings.append(base.dropLast(new.count) + old)
        }
      }
    }
    return spellings
  }

  private func isIgnorable(_ name: String) -> Bool {
    let bare = name.hasPrefix(modelPrefix) ? String(name.dropFirst(modelPrefix.count)) : name
    return Self.buffers.contains { bare == $0 || bare.hasSuffix("." + $0) }
      || Self.otherHeads.contains { bare.hasPrefix($0) }
      || (Self.otherInputs + unread).contains { ("." + bare + ".").contains("." + $0 + ".") }
  }

  /// Indices that older versions of transformers saved and every version can count itself, and what I-BERT keeps for being
  /// quantised.
  private static let buffers = [
    "position_ids", "token_type_ids", "weight_integer", "weight_scaling_factor", "bias_integer", "fc_scaling_factor", "x_min",
    "x_max", "act_scaling_factor", "LayerNorm.shift",
  ]

  /// What reads other inputs than text alone, or nothing that is served: LUKE's entities, RoCBERT's shapes and pronunciations
  /// where they are switched off, DeBERTa's positions where they are neither keys nor queries.
  private static let otherInputs = [
    "entity_embeddings", "w2e_query", "e2w_query", "e2e_query", "entity_predictions", "shape_embed", "pronunciation_embed",
    "rel_embeddings", "encoder.LayerNorm",
  ]

  /// The pretraining and question-answering heads of the BERT, RoBERTa, DistilBERT, ALBERT, ELECTRA, DeBERTa, MPNet and
  /// ModernBERT families, and the pooler of those whose classification head does not use it.
  private static let otherHeads = [
    "cls.", "lm_head.", "vocab_transform.", "vocab_layer_norm.", "vocab_projector.", "predictions.", "sop_classifier.",
    "discriminator_predictions.", "generator_predictions.", "generator_lm_head.", "lm_predictions.",
    "mask_predictions.", "decoder.", "qa_outputs.", "pooler.",
  ]
}
