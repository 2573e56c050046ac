import JSON

// Settings that decoders share.

/// Which tokens before it a layer's token sees.
enum LayerKind: String {
  case full = "full_attention"
  case sliding = "sliding_attention"
}

extension Settings {
  /// The token that the classification head of a decoder reads.
  var lastToken: TokensRead {
    get throws(ConfigurationError) {
      guard let value = self["pad_token_id"] else { return .last(padding: nil) }
      guard let id = value.int else {
        throw .invalid(key: "pad_token_id", found: value.description, expected: "an id or null")
      }
      // A number that no id has is nowhere in a text.
      return .last(padding: Int32(exactly: id))
    }
  }

  /// The rotation of all layers alike, without scaling. Version 5 of the reference library has it in `rope_parameters`, in place of
  /// which `rope_scaling` counts where it says something; earlier ones name the base beside it.
  var rotaryEmbedding: RotaryEmbedding {
    get throws(ConfigurationError) {
      let scaling = try object("rope_scaling")?.json.object
      let key = scaling?.entries.isEmpty == false ? "rope_scaling" : "rope_parameters"
      let parameters = try object(key)
      for kind in [LayerKind.full, .sliding] where parameters?.has(kind.rawValue) ?? false {
        throw .unsupported(key: key, value: "by \(kind.rawValue)")
      }
      let type = try parameters.map { parameters throws(ConfigurationError) in
        try parameters.string("rope_type", default: parameters.string("type", default: "default"))
      } ?? "default"
      guard type == "default" else { throw .unsupported(key: key, value: "of type \(type)") }
      let base = try positive("rope_theta", default: 10_000)
      return RotaryEmbedding(base: try parameters?.positive("rope_theta", default: base) ?? base)
    }
  }

  /// The kind of each layer, as `layer_types` lists them or by its number.
  func layerKinds(count: Int, _ usual: (_ number: Int) -> LayerKind) throws(ConfigurationError) -> [LayerKind] {
    guard let list = self["layer_types"] else { return (0..<count).map(usual) }
    let kinds = (list.array ?? []).compactMap { $0.string.flatMap { LayerKind(rawValue: $0) } }
    guard kinds.count == count, list.array?.count == count else {
      throw .invalid(
        key: "layer_types", found: list.description,
        expected: "\(LayerKind.full.rawValue) or \(LayerKind.sliding.rawValue) for each of \(count) layers")
    }
    return kinds
  }
}
