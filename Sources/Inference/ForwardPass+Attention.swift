import Encoders
import Kernels
import Storage

extension ForwardPass {
  func attend(queryKeyValue: Activations, _ attention: Attention, queries: Queries) throws(OutOfMemory) -> Activations {
    let heads = attention.heads
    let width = queryKeyValue.width / 3
    let headWidth = width / heads
    let longest = longestText
    let keys = attention.mostKeys(longest)
    let rotation = try attention.rotary.map { rotary throws(OutOfMemory) in
      try places.rotation(rotary, count: longest, headWidth: headWidth)
    }
    let biases = try attention.hasBias(longest)
      ? places.biases(attention, reach: keys, headWidth: headWidth) { gather($0, $1, $2, $3, stride: $0.width, adds: false) } : nil
    return try attend(
      queryKeyValue, heads: heads, queries,
      scratch: attentionScratch(queries: longest, keys: keys, headWidth)
    ) { head, scratch in
      let stride = queryKeyValue.width
      if let rotation {
        let (cosines, sines) = (rotation.cosines, rotation.sines)
        kernels.rotateRows(head.query, stride, head.count, headWidth, cosines, sines, 1)
        kernels.rotateRows(head.query + width, stride, head.length, headWidth, cosines, sines, 1)
      }
      attend(
        head.query, stride, count: head.count, length: head.length, attention,
        biases: attention.hasBias(head.length) ? biases.map { $0.ofHead(head.number) } : nil, headWidth: headWidth,
        head.out, scratch)
    }
  }

  /// One head of one text.
  struct Head {
    let number: Int
    /// The text's tokens, and how many of them attend, from the first on.
    let length, count: Int
    /// Where the query of the first token and its context lie; keys and values are one and two widths behind the query.
    let query, out: UnsafeMutablePointer<Float>
  }

  /// The context, with `body` called for every head of every text.
  ///
  /// - Parameter scratch: the floats that `body` needs.
  func attend(
    _ queryKeyValue: Activations, heads: Int, _ queries: Queries, scratch floats: Int,
    _ body: (_ head: Head, _ scratch: UnsafeMutablePointer<Float>) -> Void
  ) throws(OutOfMemory) -> Activations {
    let width = queryKeyValue.width / 3
    let headWidth = width / heads
    let isFirstTokens = queries == .firstTokens
    let context = try activations.hidden(rows: isFirstTokens ? texts.count : tokens.count, width: width)
    try scratch.reserve(floats)
    let out = try isInt8 ? quantized(rows: context.rows, width: width) : context
    timed(.attention) {
      parallelFor(texts.count * heads) { task, worker in
        let text = texts.lowerBound + task / heads
        let number = task % heads
        let first = batch.starts[text] - tokens.lowerBound
        let length = batch.starts[text + 1] - batch.starts[text]
        let row = isFirstTokens ? task / heads : first
        let head = Head(
          number: number, length: length, count: isFirstTokens ? 1 : length,
          query: queryKeyValue.values + first * queryKeyValue.width + number * headWidth,
          out: context.values + row * width + number * headWidth)
        body(head, scratch[worker])
      }
    }
    if isInt8 { perform(.quantize(context, into: out, .attention), rows: context.rows) }
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
      attend(
        query + first * stride, key, key + width, stride, block.count, keys.count, headWidth, scale, bias,
        out + first * width, width, scratch)
      first = block.upperBound
    }
  }

  /// The floats that `attend` below needs for up to so many queries and keys.
  func attentionScratch(queries: Int, keys: Int, _ headWidth: Int) -> Int {
    isInt8 ? kernels.attentionInt8Scratch(queries, keys, headWidth) : kernels.attentionScratch(queries, keys, headWidth)
  }

  /// `Kernel.attention` in the engine's precision. Two calls, not a choice of a function: that would be a closure on the
  /// heap for each head of each text.
  func attend(
    _ query: UnsafePointer<Float>, _ key: UnsafePointer<Float>, _ value: UnsafePointer<Float>, _ stride: Int,
    _ queries: Int, _ keys: Int, _ headWidth: Int, _ scale: Float, _ bias: UnsafePointer<Float>?,
    _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ scratch: UnsafeMutablePointer<Float>
  ) {
    if isInt8 {
      kernels.attentionInt8(query, key, value, stride, queries, keys, headWidth, scale, bias, out, outStride, scratch)
    } else {
      kernels.attention(query, key, value, stride, queries, keys, headWidth, scale, bias, out, outStride, scratch)
    }
  }
}
