import Encoders
import Kernels
import Storage
import WeightFormats

extension ForwardPass {
  func attend(queryKeyValue: Activations, _ shape: AttentionShape, queries: TokensRead) throws(OutOfMemory) -> Operand {
    let headWidth = shape.headWidth
    let longest = longestText
    let keys = shape.mostKeys(longest)
    let rotation = try shape.rotary.map { rotary throws(OutOfMemory) in
      try positionTables.rotation(rotary, count: longest, headWidth: headWidth)
    }
    let biases = try shape.hasBias(longest)
      ? positionTables.biases(shape, reach: keys) { gather($0, $1, $2, $3, stride: $0.width, adds: false) } : nil
    return try attend(
      queryKeyValue, shape, queries, scratch: attentionScratch(queryKeyValue.productForm, queries: longest, keys: keys, headWidth)
    ) { head, scratch in
      let stride = queryKeyValue.width
      if let rotation {
        for number in 0..<shape.group { rotation.turn(head.query + number * headWidth, stride, head.queries, kernels) }
        rotation.turn(head.key, stride, 0..<head.length, kernels)
      }
      let bias = shape.hasBias(head.length) ? biases.map { $0.ofHead(head.number) } : nil
      attend(queryKeyValue.productForm, head, shape, stride, biases: bias, scratch)
    }
  }

  /// One head of keys and values of one text, with the heads of queries that it serves.
  struct Head {
    let number: Int
    /// The text's tokens, and those of them that attend.
    let length: Int
    let queries: Range<Int>
    /// Where the first head's query of the first token that attends and its context lie, and key and value of the text's first token.
    let query, key, value, out: UnsafeMutablePointer<Float>
  }

  /// The context, with `body` called for every head of keys and values of every text.
  ///
  /// - Parameter scratch: the floats that `body` needs.
  func attend(
    _ queryKeyValue: Activations, _ shape: AttentionShape, _ queries: TokensRead, scratch floats: Int,
    _ body: (_ head: Head, _ scratch: UnsafeMutablePointer<Float>) -> Void
  ) throws(OutOfMemory) -> Operand {
    let width = shape.contextWidth
    let context = try activations.hidden(rows: batch.rowCount(queries, of: texts), width: width)
    try scratch.reserve(floats)
    timed(.attention) {
      parallelFor(texts.count * shape.keyValueHeads) { task, worker in
        let (index, number) = task.quotientAndRemainder(dividingBy: shape.keyValueHeads)
        let text = texts.lowerBound + index
        let first = batch.starts[text] - tokens.lowerBound
        let length = batch.starts[text + 1] - batch.starts[text]
        let read = queries.isOne ? batch.tokenRead(queries, of: text) : 0
        let row = queryKeyValue.values + first * queryKeyValue.width
        let (column, queryColumn) = (number * shape.headWidth, number * shape.group * shape.headWidth)
        let head = Head(
          number: number, length: length, queries: read..<(queries.isOne ? read + 1 : length),
          query: row + read * queryKeyValue.width + queryColumn, key: row + shape.keys.lowerBound + column,
          value: row + shape.values.lowerBound + column,
          out: context.values + (queries.isOne ? index : first) * width + queryColumn)
        body(head, scratch[worker])
      }
    }
    return .rows(context)
  }

  /// The queries of one head of one text, in blocks where they see few of the text's keys.
  ///
  /// - Parameter biases: of distance 0 and around it.
  private func attend(
    _ form: OperandForm, _ head: Head, _ shape: AttentionShape, _ stride: Int, biases: UnsafePointer<Float>?,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    let width = shape.contextWidth
    let size = shape.queryBlock(head.length)
    var first = head.queries.lowerBound
    while first < head.queries.upperBound {
      let block = first..<min(head.queries.upperBound, first + size)
      let keys = shape.keys(block, head.length)
      let row = first - head.queries.lowerBound
      attend(
        form, head.query + row * stride, head.key + keys.lowerBound * stride, head.value + keys.lowerBound * stride, stride,
        block.count, keys.count, shape.headWidth, shape.group, seen: shape.isCausal ? first + 1 - keys.lowerBound : keys.count,
        shape.scale, biases.map { $0 + keys.lowerBound - first }, head.out + row * width, width, scratch)
      first = block.upperBound
    }
  }

  /// The floats that `attend` below needs for up to so many queries and keys.
  func attentionScratch(_ form: OperandForm, queries: Int, keys: Int, _ headWidth: Int) -> Int {
    form == .quantized ? kernels.attentionInt8Scratch(queries, keys, headWidth) : kernels.attentionScratch(queries, keys, headWidth)
  }

  /// `Kernel.attention` in the precision of the product that made the queries and keys. Two calls, not a choice of a function: that would be a closure on the
  /// heap for each head of each text.
  func attend(
    _ form: OperandForm, _ query: UnsafePointer<Float>, _ key: UnsafePointer<Float>, _ value: UnsafePointer<Float>, _ stride: Int,
    _ queries: Int, _ keys: Int, _ headWidth: Int, _ group: Int, seen: Int, _ scale: Float, _ bias: UnsafePointer<Float>?,
    _ out: UnsafeMutablePointer<Float>, _ outStride: Int, _ scratch: UnsafeMutablePointer<Float>
  ) {
    if form == .quantized {
      kernels.attentionInt8(query, key, value, stride, queries, keys, headWidth, group, seen, scale, bias, out, outStride, scratch)
    } else {
      kernels.attention(query, key, value, stride, queries, keys, headWidth, group, seen, scale, bias, out, outStride, scratch)
    }
  }
}
