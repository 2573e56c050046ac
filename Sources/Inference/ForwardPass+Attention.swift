import Encoders
import Kernels

extension ForwardPass {
  func attend(queryKeyValue: Activations, _ attention: Attention, queries: Queries) -> Activations {
    let heads = attention.heads
    let width = queryKeyValue.width / 3
    let headWidth = width / heads
    let context = activations.hidden(rows: queries == .firstTokens ? texts.count : tokens.count, width: width)
    let longest = texts.reduce(0) { max($0, batch.starts[$1 + 1] - batch.starts[$1]) }
    let keys = attention.mostKeys(longest)
    reserveScratch(isInt8 ? kernels.attentionInt8Scratch(keys, headWidth) : kernels.attentionScratch(keys, headWidth))
    let rotation = attention.rotary.map { places.rotation($0, count: longest, headWidth: headWidth) }
    let biases = attention.hasBias(longest)
      ? places.biases(attention, reach: keys, headWidth: headWidth) { gather($0, $1, $2, $3, adds: false) } : nil
    let out = isInt8 ? quantized(rows: context.rows, width: width) : context
    timed(.attention) {
      parallelFor(texts.count * heads) { task, worker in
        let text = texts.lowerBound + task / heads
        let head = task % heads
        let first = batch.starts[text] - tokens.lowerBound
        let length = batch.starts[text + 1] - batch.starts[text]
        let query = queryKeyValue.values + first * queryKeyValue.width + head * headWidth
        let row = queries == .firstTokens ? task / heads : first
        let count = queries == .firstTokens ? 1 : length
        if let rotation {
          let (stride, cosines, sines) = (queryKeyValue.width, rotation.cosines, rotation.sines)
          kernels.rotateRows(query, stride, count, headWidth, cosines, sines, 1)
          kernels.rotateRows(query + width, stride, length, headWidth, cosines, sines, 1)
        }
        attend(
          query, queryKeyValue.width, count: count, length: length, attention,
          biases: attention.hasBias(length) ? biases.map { $0.ofHead(head) } : nil, headWidth: headWidth,
          context.values + row * width + head * headWidth, scratch[worker].bound(to: Float.self))
      }
      if isInt8 { forEachBlock(context.rows) { block, _ in quantize(context, block, into: out) } }
    }
    return out
  }

  /// The first `count` queries of one head of one text, in blocks where they see few of the text's keys.
  ///
  /// - Parameter biases: of distance 0 and around it.
  private func attend(
    _ query: UnsafePointer<Float>, _ stride: Int, count: Int, length: Int, _ attention: Attention,
    biases: UnsafePointer<Float>?, headWidth: Int, _ out: UnsafeMutablePointer<Float>,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    let width = attention.heads * headWidth
    let scale = 1 / Float(headWidth).squareRoot()
    let size = attention.queryBlock(length)
    var first = 0
    while first < count {
      let block = first..<min(count, first + size)
      let keys = attention.keys(block, length)
      let key = query + keys.lowerBound * stride + width
      let bias = biases.map { $0 + keys.lowerBound - first }
      // Two calls, not a choice of a function: that would be a closure on the heap for each head of each text.
      if isInt8 {
        kernels.attentionInt8(
          query + first * stride, key, key + width, stride, block.count, keys.count, headWidth, scale, bias,
          out + first * width, width, scratch)
      } else {
        kernels.attention(
          query + first * stride, key, key + width, stride, block.count, keys.count, headWidth, scale, bias,
          out + first * width, width, scratch)
      }
      first = block.upperBound
    }
  }
}
