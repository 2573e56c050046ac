/// How a convolution over neighbouring tokens becomes a linear layer: of each token, the first channel of its neighbours
/// side by side, then their second, …; zeros where there is no neighbour.
package struct Convolution: Sendable {
  private let width: Int
  /// The neighbours, the token itself in the middle.
  private let size: Int

  /// - Parameter layer: of `Blueprint.convolution`.
  package init(_ layer: Linear, width: Int) {
    self.width = width
    size = layer.inputs / width
  }

  /// Calls `body` for each neighbour that a token of a text has: its row, the token's, its place among the neighbours.
  private func forEachNeighbour(_ text: Range<Int>, _ body: (_ neighbour: Int, _ token: Int, _ place: Int) -> Void) {
    for token in text {
      for place in 0..<size where text.contains(token + place - size / 2) { body(token + place - size / 2, token, place) }
    }
  }

  /// - Parameters:
  ///   - rows: [tokens, width].
  ///   - text: the text's rows.
  ///   - out: [tokens, width x size], of which the text's rows are written.
  package func unfold(_ rows: UnsafePointer<Float>, _ text: Range<Int>, _ out: UnsafeMutablePointer<Float>) {
    (out + text.lowerBound * width * size).update(repeating: 0, count: text.count * width * size)
    forEachNeighbour(text) { neighbour, token, place in
      let source = rows + neighbour * width
      let target = out + token * width * size + place
      for channel in 0..<width { target[channel * size] = source[channel] }
    }
  }

  /// The gradient of `unfold`: adds what the unfolded rows of a text got to those it was made of.
  package func fold(_ gradient: UnsafePointer<Float>, _ text: Range<Int>, _ out: UnsafeMutablePointer<Float>) {
    forEachNeighbour(text) { neighbour, token, place in
      let source = gradient + token * width * size + place
      let target = out + neighbour * width
      for channel in 0..<width { target[channel] += source[channel * size] }
    }
  }
}
