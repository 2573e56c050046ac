import JSON

extension Blueprint {
  /// ERNIE's tables: BERT's, and one for the task that a text is read for. The reference gives every token the first row of it
  /// where nobody names a task, as no tokenizer does.
  mutating func ernieEmbeddings(
    _ name: String, _ settings: Settings, _ shape: TransformerSettings
  ) throws(ConfigurationError) -> Embeddings {
    let tables = embeddings(name, shape, padding: settings.paddingRow(of: shape.vocabulary))
    guard try settings.flag("use_task_id", default: false) else { return tables }
    let tasks = try settings.count("task_type_vocab_size", default: 3)
    return Embeddings(
      words: tables.words, positions: tables.positions, tokenTypes: tables.tokenTypes,
      taskTypes: table(name + "task_type_embeddings", rows: tasks, width: shape.width), normalization: tables.normalization,
      dropout: tables.dropout)
  }

  /// RoCBERT's tables: words are mapped, with rows for the shape and the pronunciation of their characters beside them. Of
  /// text alone the reference takes the first rows of both.
  mutating func rocBertEmbeddings(
    _ name: String, _ settings: Settings, _ shape: TransformerSettings
  ) throws(ConfigurationError) -> Embeddings {
    let padding = settings.json["pad_token_id"] ?? 0
    func row(of rows: Int) -> Int? { padding.int.flatMap { (0..<rows).contains($0) ? $0 : nil } }
    func feature(_ key: String) throws(ConfigurationError) -> (rows: Int, width: Int)? {
      let isPronunciation = key == "pronunciation"
      guard try settings.flag("enable_" + key, default: true) else { return nil }
      return (
        try settings.count(key + "_vocab_size", default: isPronunciation ? 910 : 24858),
        try settings.count(key + "_embed_dim", default: isPronunciation ? 768 : 512)
      )
    }
    guard try settings.flag("concat_input", default: true) else {
      return embeddings(name, shape, padding: row(of: shape.vocabulary))
    }
    let words = table(name + "word_embeddings", rows: shape.vocabulary, width: shape.width, frozenRow: row(of: shape.vocabulary))
    let pronunciation = try feature("pronunciation").map {
      table(name + "pronunciation_embed", rows: $0.rows, width: $0.width, frozenRow: row(of: $0.rows))
    }
    let characterShape = try feature("shape").map {
      table(name + "shape_embed", rows: $0.rows, width: $0.width, frozenRow: row(of: $0.rows))
    }
    let positions = table(name + "position_embeddings", rows: shape.positions, width: shape.width)
    let tokenTypes = table(name + "token_type_embeddings", rows: shape.tokenTypes, width: shape.width)
    let beside = [characterShape, pronunciation].compactMap { $0 }
    let layer = linear(
      name + "map_inputs_layer", inputs: beside.reduce(shape.width) { $0 + $1.width }, outputs: shape.width)
    return Embeddings(
      words: words, positions: positions, tokenTypes: tokenTypes,
      wordMapping: .init(layer: layer, beside: beside),
      normalization: normalization(name + "LayerNorm", width: shape.width, epsilon: shape.epsilon), dropout: shape.dropout)
  }
}
