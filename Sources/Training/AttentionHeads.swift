import Encoders
import Storage

/// Where the heads of a batch's attention lie, and who runs them.
struct AttentionHeads {
  let batch: Batch
  let shape: AttentionShape
  let queries: TokensRead
  /// The number of each text's first probability: they count as [heads, queries, stride] for each text, one after the
  /// other. Dropout asks for the numbers.
  private let offsets: [Int]

  init(_ batch: Batch, _ shape: AttentionShape, _ queries: TokensRead) {
    self.batch = batch
    self.shape = shape
    self.queries = queries
    var offsets = [0]
    for text in 0..<batch.textCount {
      let length = batch.starts[text + 1] - batch.starts[text]
      let queryCount = queries.isOne ? 1 : length
      offsets.append(offsets[text] + shape.heads * queryCount * length.roundedUp(toMultipleOf: 16))
    }
    self.offsets = offsets
  }

  /// One head of one text.
  struct Head {
    /// Its number among those of its text.
    let number: Int
    /// Its number among those of all texts.
    let task: Int
    let length: Int
    /// The tokens that attend.
    let queries: Range<Int>
    /// The numbers of probabilities from one query to the next: the length rounded up to 16.
    let stride: Int
    /// The first float of the text's first query, key and value in `[tokens, shape.columns]`.
    let query, key, value: Int
    /// Whether it is the first, or the last, of those that share keys and values.
    let isFirst, isLast: Bool
    /// The first float of the first context in `[tokens or texts, shape.contextWidth]`.
    let context: Int
    /// The first probability's number.
    let first: Int
  }

  private subscript(_ text: Int, _ number: Int) -> Head {
    let start = batch.starts[text]
    let length = batch.starts[text + 1] - start
    let read = queries.isOne ? batch.tokenRead(queries, of: text) : 0
    let attending = read..<(queries.isOne ? read + 1 : length)
    let stride = length.roundedUp(toMultipleOf: 16)
    let row = start * shape.columns
    let (column, keyColumn) = (number * shape.headWidth, number / shape.group * shape.headWidth)
    return Head(
      number: number, task: text * shape.heads + number, length: length, queries: attending, stride: stride,
      query: row + shape.queries.lowerBound + column, key: row + shape.keys.lowerBound + keyColumn,
      value: row + shape.values.lowerBound + keyColumn, isFirst: number % shape.group == 0,
      isLast: number % shape.group == shape.group - 1,
      context: (queries.isOne ? text : start) * shape.contextWidth + column,
      first: offsets[text] + number * attending.count * stride)
  }

  /// Calls `body` for every head of every text on all threads, for those that share keys and values one after the other.
  ///
  /// - Parameters:
  ///   - floats: of scratch memory for each thread.
  ///   - textsInOrder: whether a head's texts come one after the other, because they add to the same memory.
  func forEach(
    _ engine: TrainingEngine, scratch floats: Int, textsInOrder: Bool = false,
    _ body: (_ head: Head, _ scratch: UnsafeMutablePointer<Float>) -> Void
  ) throws(OutOfMemory) {
    let memory = try engine.buffers.take(floats * engine.threads.threadCount)
    let texts = textsInOrder ? batch.textCount : 1
    engine.threads.parallelFor(batch.textCount * shape.keyValueHeads / texts) { task, worker in
      let (first, shared) = textsInOrder ? (0, task) : task.quotientAndRemainder(dividingBy: shape.keyValueHeads)
      for text in first..<first + texts {
        for number in shared * shape.group..<(shared + 1) * shape.group {
          body(self[text, number], memory.values + worker * floats)
        }
      }
    }
  }
}
