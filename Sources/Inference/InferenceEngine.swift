import Encoders
import Kernels
import Storage

/// Runs a model on batches of texts, on all threads of a pool.
///
/// A batch is cut into groups of whole texts, small enough that a group's hidden states stay in the second-level cache;
/// each thread takes groups, the largest first, and runs them from the ids to the logits by itself. Those that cannot be
/// shared out evenly are run by all threads together, one after the other. The bits are the same either way.
///
/// One engine serves one caller at a time; engines may share weights and a pool.
package final class InferenceEngine {
  private let weights: ModelWeights
  private let pool: ThreadPool
  /// A forward pass for each thread, and one that uses all of them.
  private let lanes: [ForwardPass]
  private let team: ForwardPass
  private var groups: [Range<Int>] = []
  /// Tokens that each thread would get.
  private var shares: [Int]
  private var output: AlignedBuffer
  private var textCount = 0

  /// The most tokens of a group of several texts, and the fewest that a batch is cut to: so many that a pass over the
  /// weights is still bound by multiplying.
  private let groupTokens: Int
  private static let leastGroupTokens = 64

  /// - Parameter groupTokens: of a group of several texts at most: fewer take less memory for hidden states.
  package init(weights: ModelWeights, kernels: any KernelTable.Type, pool: ThreadPool, groupTokens: Int = 128) throws(OutOfMemory) {
    self.weights = weights
    self.pool = pool
    self.groupTokens = groupTokens
    output = try AlignedBuffer(byteCount: 0)
    var lanes: [ForwardPass] = []
    for _ in 0..<pool.threadCount { lanes.append(try ForwardPass(weights: weights, kernels: kernels, pool: nil)) }
    self.lanes = lanes
    team = try pool.threadCount > 1 ? ForwardPass(weights: weights, kernels: kernels, pool: pool) : lanes[0]
    shares = [Int](repeating: 0, count: pool.threadCount)
  }

  /// Runs a model on a batch and returns its logits `[texts, labels]`, valid until the next run.
  ///
  /// The ids must lie within the model's tables.
  ///
  /// - Parameters:
  ///   - others: 1 if there is something else to be done meanwhile, else 0. (An optional closure would be on the heap.)
  ///   - other: what that is; called once, by any of the threads.
  @discardableResult
  package func run(
    _ family: any EncoderFamily, _ batch: Batch, others: Int = 0, _ other: () -> Void = {}
  ) throws(OutOfMemory) -> UnsafeBufferPointer<Float> {
    // None, unless all goes well.
    textCount = 0
    let labels = weights.labelCount
    let byteCount = batch.textCount * labels * MemoryLayout<Float>.stride
    if output.byteCount < byteCount { output = try AlignedBuffer(byteCount: byteCount, zeroed: false) }
    let target = output.bound(to: Float.self)
    try forEachGroup(batch, others: others, other) { group, pass throws(OutOfMemory) in
      let rows = try pass.run(batch, group) { () throws(OutOfMemory) in try family.forward(pass) }
      (target + group.lowerBound * labels).update(from: rows.values, count: group.count * labels)
    }
    textCount = batch.textCount
    return logits
  }

  /// Runs the bottom of a model on a batch: its embeddings and the layers before one.
  ///
  /// - Parameter out: the hidden states, with memory for `[tokens, hiddenWidth]`.
  /// - Returns: the number of rows: a row for each token, or for each text after a last layer whose first tokens alone
  ///   are read.
  package func hiddenStates(
    _ family: any EncoderFamily, before layer: Int, _ batch: Batch, _ out: UnsafeMutablePointer<Float>
  ) throws(OutOfMemory) -> Int {
    let width = family.hiddenWidth
    // By the first text of a group.
    var rowCounts = [Int](repeating: 0, count: batch.textCount)
    try rowCounts.withUnsafeMutableBufferPointer { rowCounts throws(OutOfMemory) in
      try forEachGroup(batch) { group, pass throws(OutOfMemory) in
        let rows = try pass.run(batch, group) { () throws(OutOfMemory) in try family.hiddenStates(before: layer, pass) }
        (out + batch.starts[group.lowerBound] * width).update(from: rows.values, count: rows.rows * width)
        rowCounts[group.lowerBound] = rows.rows
      }
    }
    // Rows by text leave gaps between the groups.
    var end = 0
    for (text, count) in rowCounts.enumerated() where count > 0 {
      (out + end * width).update(from: out + batch.starts[text] * width, count: count * width)
      end += count
    }
    return end
  }

  /// The logits `[texts, labels]` of the last run.
  package var logits: UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(start: output.bound(to: Float.self), count: textCount * weights.labelCount)
  }

  /// Runs a batch on one thread and tells where the time went.
  package func profile(_ family: any EncoderFamily, _ batch: Batch) throws(OutOfMemory) -> Profile {
    let lane = lanes[0]
    lane.profile = Profile()
    defer { lane.profile = nil }
    split(batch)
    for group in groups { _ = try lane.run(batch, group) { () throws(OutOfMemory) in try family.forward(lane) } }
    return lane.profile ?? Profile()
  }

  /// Calls `body` with each group and what runs it, and `other` as `run` has it.
  private func forEachGroup(
    _ batch: Batch, others: Int = 0, _ other: () -> Void = {},
    body: (_ group: Range<Int>, _ pass: ForwardPass) throws(OutOfMemory) -> Void
  ) throws(OutOfMemory) {
    split(batch)
    sortGroups(batch)
    var first = 0
    while first < groups.count, !sharesAreEven(batch, from: first) {
      do throws(OutOfMemory) { try body(groups[first], team) } catch {
        if others > 0 { other() }
        throw error
      }
      first += 1
    }
    // Threads are not woken for it alone.
    let beside = groups.count - first > 1 ? others : 0
    // Called once whatever comes of the groups.
    defer { if beside < others { other() } }
    try pool.parallelFor(beside + groups.count - first) { index, worker throws(OutOfMemory) in
      if index < beside { other() } else { try body(groups[first + index - beside], lanes[worker]) }
    }
  }

  /// Cuts the batch into groups of neighbouring texts: with several threads smaller and smaller ones towards its end, so that
  /// the threads come to it together (guided self-scheduling, Polychronopoulos and Kuck, 1987).
  private func split(_ batch: Batch) {
    groups.removeAll(keepingCapacity: true)
    var first = 0
    while first < batch.textCount {
      let left = batch.tokenCount - batch.starts[first]
      let share = max(Self.leastGroupTokens, left / (2 * pool.threadCount))
      let limit = pool.threadCount == 1 ? groupTokens : min(groupTokens, share)
      var end = first + 1
      while end < batch.textCount, batch.starts[end + 1] - batch.starts[first] <= limit { end += 1 }
      groups.append(first..<end)
      first = end
    }
  }

  private func tokens(_ group: Range<Int>, _ batch: Batch) -> Int {
    batch.starts[group.upperBound] - batch.starts[group.lowerBound]
  }

  /// The largest first. By insertion: there are few, and the library's sort allocates.
  private func sortGroups(_ batch: Batch) {
    for index in groups.indices.dropFirst() {
      let group = groups[index]
      var place = index
      while place > 0, tokens(groups[place - 1], batch) < tokens(group, batch) {
        groups[place] = groups[place - 1]
        place -= 1
      }
      groups[place] = group
    }
  }

  /// Whether threads that take these groups in turn end at about the same time.
  private func sharesAreEven(_ batch: Batch, from first: Int) -> Bool {
    for thread in shares.indices { shares[thread] = 0 }
    var total = 0
    for group in groups[first...] {
      let idlest = shares.indices.min { shares[$0] < shares[$1] }!
      shares[idlest] += tokens(group, batch)
      total += tokens(group, batch)
    }
    // A fifth, which is what a forward pass loses by threads sharing its text: less for long texts, more for short ones.
    return shares.max()! * shares.count * 10 <= total * 12
  }
}
