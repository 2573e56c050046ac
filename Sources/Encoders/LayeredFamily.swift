import Storage

/// A layer of an encoder.
package protocol EncoderLayer: Sendable {
  /// The hidden states after the layer, from those of every token before it.
  ///
  /// - Parameter tokens: those whose states are wanted: `[tokens, width]` for every one, `[texts, width]` for one of each text.
  func forward<Engine: Verbs>(_ hidden: Engine.Rows, _ tokens: TokensRead, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows
}

/// What a family makes of a configuration. A class, so that a family is one reference: copying all this took 10 kB of code in each.
package final class EncoderParts<Layer: EncoderLayer>: Sendable {
  let blueprint: Blueprint
  let hiddenWidth: Int
  let maximumLength: Int
  let tokenTypeCount: Int
  let embeddings: Embeddings
  package let layers: [Layer]
  let head: ClassificationHead

  /// - Parameter positions: what there are for tokens, those before the first token's too.
  package init(
    _ blueprint: Blueprint, width: Int, positions: Int, embeddings: Embeddings, layers: [Layer], head: ClassificationHead
  ) {
    self.blueprint = blueprint
    hiddenWidth = width
    maximumLength = positions - embeddings.firstPosition
    // Without a table of token types any will do: the reference does not look at them.
    tokenTypeCount = embeddings.tokenTypes?.rows ?? .max
    self.embeddings = embeddings
    self.layers = layers
    self.head = head
  }
}

/// A family whose models are embeddings, layers one after the other, and a head. Its file makes the parts; running them is here.
package protocol LayeredFamily: EncoderFamily {
  associatedtype Layer: EncoderLayer
  var parts: EncoderParts<Layer> { get }
}

extension LayeredFamily {
  package var blueprint: Blueprint { parts.blueprint }
  package var hiddenWidth: Int { parts.hiddenWidth }
  package var maximumLength: Int { parts.maximumLength }
  package var tokenTypeCount: Int { parts.tokenTypeCount }
  package var layerCount: Int { parts.layers.count }
  package var tokensRead: TokensRead { parts.head.tokens }

  package func embed<Engine: Verbs>(_ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    let rows = try engine.embed(parts.embeddings)
    guard let expansion = parts.embeddings.expansion else { return rows }
    return try engine.linear(rows, expansion)
  }

  package func layer<Engine: Verbs>(_ number: Int, _ hidden: Engine.Rows, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    let isLast = number == layerCount - 1
    return try parts.layers[number].forward(hidden, isLast && tokensRead.isOne ? tokensRead : .every, engine)
  }

  package func classify<Engine: Verbs>(_ hidden: Engine.Rows, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    try parts.head.forward(hidden, engine)
  }
}
