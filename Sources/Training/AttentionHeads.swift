import Encoders
import Storage

/// Where the heads of a batch's attention lie, and who runs them.
struct AttentionHeads {
  let batch: Batch
  let count: Int
  /// Of all heads together.
  let width: Int
  let queries: Queries
  /// The number of each text's first probability: they count as [heads, queries, stride] for each text, one after the
  /// other. Dropout asks for the numbers.
  private let offsets: [Int]

  init(_ batch: Batch, count: Int, width: Int, _ queries: Queries) {
    self.batch = batch
    self.count = count
    self.width = width
    self.queries = queries
    var offsets = [0]
    for text in 0..<batch.textCount {
      let length = batch.starts[text + 1] - batch.starts[text]
      let queryCount = queries == .firstTokens ? 1 : length
      offsets.append(offsets[text] + count * queryCount * length.roundedUp(toMultipleOf: 16))
    }
    self.offsets = offsets
  }

  var headWidth: Int { width / count }

  /// One head of one text.
  struct Head {
    /// Its number among those of all texts.
    let task: Int
    let length: Int
    /// The tokens that attend, from the first on.
    let queries: Int
    /// The numbers of probabilities from one query to the next: the length rounded up to 16.
    let stride: Int
    /// The first float of the query in `[tokens, 3 width]`, and of the context in `[tokens or texts, width]`.
    let query: Int
    let context: Int
    /// The first output of the head among the `width` of all.
    let channel: Int
    /// The first probability's number.
    let first: Int
  }

  private subscript(_ text: Int, _ number: Int) -> Head {
    let start = batch.starts[text]
    let length = batch.starts[text + 1] - start
    let queryCount = queries == .firstTokens ? 1 : length
    let stride = length.roundedUp(toMultipleOf: 16)
    let channel = number * headWidth
    return Head(
      task: text * count + number, length: length, queries: queryCount, stride: stride, query: start * 3 * width + channel,
      context: (queries == .firstTokens ? text : start) * width + channel, channel: channel,
      first: offsets[text] + number * queryCount * stride)
  }

  /// Calls `body` for every head of every text on all threads.
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
    engine.threads.parallelFor(batch.textCount * count / texts) { task, worker in
      for text in 0..<texts {
        let head = textsInOrder ? self[text, task] : self[task / count, task % count]
        body(head, memory.values + worker * floats)
      }
    }
  }
}
