/// How a convolution over neighbouring tokens becomes a linear layer: of each token, the first channel of its neighbours
/// side by side, then their second, …; zeros where there is no neighbour. Or of each token a whole row of each neighbour.
package struct Convolution: Sendable {
  private let width: Int
  /// The neighbours, the token itself in the middle.
  private let size: Int
  /// Of an unfolded row: where the first neighbour's first channel lies, and floats to that of the next neighbour and to its next
  /// channel.
  private let first, neighbourStride, channelStride: Int

  /// - Parameter layer: of `Blueprint.convolution`.
  package init(_ layer: Linear, width: Int) {
    self.width = width
    size = layer.inputs / width
    (first, neighbourStride, channelStride) = (0, 1, size)
  }

  private init(width: Int, size: Int, first: Int, neighbourStride: Int, channelStride: Int) {
    self.width = width
    self.size = size
    self.first = first
    self.neighbourStride = neighbourStride
    self.channelStride = channelStride
  }

  /// The row of the next token, of the token itself, and of the one before.
  package static func neighbouringWords(width: Int) -> Convolution {
    Convolution(width: width, size: 3, first: 2 * width, neighbourStride: -width, channelStride: 1)
  }

  package var unfoldedWidth: Int { width * size }

  /// Calls `body` for each neighbour that a token of a text has: its row, and where its first channel lies in the unfolded rows.
  private func forEachNeighbour(_ text: Range<Int>, _ body: (_ neighbour: Int, _ unfolded: Int) -> Void) {
    for token in text {
      for number in 0..<size where text.contains(token + number - size / 2) {
        body(token + number - size / 2, token * unfoldedWidth + first + number * neighbourStride)
      }
    }
  }

  /// - Parameters:
  ///   - rows: [tokens, width].
  ///   - text: the text's rows.
  ///   - out: [tokens, unfoldedWidth], of which the text's rows are written.
  package func unfold(_ rows: UnsafePointer<Float>, _ text: Range<Int>, _ out: UnsafeMutablePointer<Float>) {
    (out + text.lowerBound * unfoldedWidth).update(repeating: 0, count: text.count * unfoldedWidth)
    forEachNeighbour(text) { neighbour, unfolded in
      let (source, target) = (rows + neighbour * width, out + unfolded)
      for channel in 0..<width { target[channel * channelStride] = source[channel] }
    }
  }

  /// The gradient of `unfold`: adds what the unfolded rows of a text got to those it was made of.
  package func fold(_ gradient: UnsafePointer<Float>, _ text: Range<Int>, _ out: UnsafeMutablePointer<Float>) {
    forEachNeighbour(text) { neighbour, unfolded in
      let (source, target) = (gradient + unfolded, out + neighbour * width)
      for channel in 0..<width { target[channel] += source[channel * channelStride] }
    }
  }
}
