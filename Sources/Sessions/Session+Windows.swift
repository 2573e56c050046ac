import Encoders
import Inference
import ModelBundles
import Storage
import Tokenizers

/// How a text over the length limit is read without cutting it: in windows of that length, each with special tokens.
///
/// Each window starts where the one before it ends but for `overlap` tokens; the last ends with the text and is as long
/// as the others, so that a short rest does not count as much as a whole window.
package struct Windows: Sendable, Equatable {
  /// What the windows' logits come to, label by label.
  package enum Pooling: String, Sendable, CaseIterable {
    case mean, max
  }

  package var pooling: Pooling
  /// Tokens that neighbouring windows share, fewer than a window holds beside its special tokens.
  package var overlap: Int

  package init(pooling: Pooling, overlap: Int = 0) {
    self.pooling = pooling
    self.overlap = overlap
  }
}

/// The texts of a batch that are several of its rows.
struct WindowedTexts {
  /// Which texts, in order, and how many windows each has.
  private(set) var texts: [(text: Int, windows: Int)] = []
  /// The windows beyond the first of each text.
  private(set) var extra = 0
  var pooling = Windows.Pooling.mean

  mutating func add(text: Int, windows: Int) {
    texts.append((text, windows))
    extra += windows - 1
  }

  mutating func removeAll() {
    texts.removeAll(keepingCapacity: true)
    extra = 0
  }
}

/// What a session needs to read texts in windows.
struct WindowingMemory {
  /// The ids of one text, without special tokens.
  var content: [Int32] = []
  /// Some windows of a batch, run together.
  var piece = Batch()
  private var logits: AlignedBuffer

  init() throws(OutOfMemory) { logits = try AlignedBuffer(byteCount: 0) }

  /// Room for the logits of all texts; their values stay.
  mutating func reserve(_ count: Int) throws(OutOfMemory) {
    if logits.byteCount < count * 4 { logits = try AlignedBuffer(count: count, of: Float.self) }
  }

  func pooled(_ count: Int) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: logits.bound(to: Float.self), count: count)
  }
}

extension Session {
  /// Appends a text (UTF-8, already valid), in windows if it has more tokens than are read at once.
  ///
  /// All texts of a batch are pooled alike.
  package func append(
    _ text: UnsafeBufferPointer<UInt8>, windows: Windows, maximumLength: Int? = nil
  ) throws -> TextLength {
    let room = limit.most(maximumLength) - tokenizer.specialTokenCount()
    guard 0 <= windows.overlap, windows.overlap < room else {
      throw ModelError(.argument, "windows: expected an overlap of 0 to \(room - 1), so that they go forward, found \(windows.overlap)")
    }
    try requireMemory(encoding: text.count)
    windowing.content.removeAll(keepingCapacity: windowing.content.capacity <= 1 << 16)
    func encode(_ text: UnsafeBufferPointer<UInt8>) {
      _ = tokenizer.appendContent(text, limit: .max, workspace: &workspace, into: &windowing.content)
    }
    if readsHTML { plainText.withText(text, encode) } else { encode(text) }
    waiting.windowed.pooling = windows.pooling
    let (tokensBefore, rowsBefore) = (waiting.tokenCount, waiting.batch.textCount)
    let count = windowing.content.count
    var start = 0
    while true {
      let isLast = count - start <= room
      let first = isLast ? max(0, count - room) : start
      tokenizer.append(windowing.content[first..<min(first + room, count)], into: &waiting.batch.ids)
      endRow()
      if isLast { break }
      start += room - windows.overlap
    }
    let rows = waiting.batch.textCount - rowsBefore
    if rows > 1 { waiting.windowed.add(text: waiting.count, windows: rows) }
    let length = TextLength(tokens: waiting.tokenCount - tokensBefore, wasTruncated: false, windows: rows)
    waiting.lengths.append(length)
    return length
  }

  /// Runs a batch with windows, some thousand tokens at a time because one text may have any number of them, and pools
  /// the logits. Windows are added up in their order, so the bits do not depend on where the batch is cut.
  ///
  /// - Parameters: as `InferenceEngine.run` has them.
  func runWindows(others: Int, _ other: () -> Void) throws(OutOfMemory) {
    let labels = labels.count
    let batch = answered.batch
    let pooling = answered.windowed.pooling
    try windowing.reserve(answered.count * labels)
    let pooled = windowing.pooled(answered.count * labels)
    var texts = answered.windowed.texts[...]
    var others = others
    var (text, window) = (0, 0)
    var next = 0
    while next < batch.textCount {
      windowing.piece.removeAll()
      repeat {
        windowing.piece.append(text: next, of: batch)
        next += 1
      } while next < batch.textCount && windowing.piece.tokenCount < Self.pieceTokens
      let logits = try engine.run(model.family, windowing.piece, others: others, other)
      others = 0
      for row in 0..<windowing.piece.textCount {
        let windows = texts.first?.text == text ? texts.first!.windows : 1
        for label in 0..<labels {
          let place = text * labels + label
          let value = logits[row * labels + label]
          switch (window, pooling) {
          case (0, _): pooled[place] = value
          case (_, .mean): pooled[place] += value
          // The highest of two must not hide that one of them is not finite.
          case (_, .max): pooled[place] = pooled[place].isFinite && value.isFinite ? max(pooled[place], value) : .nan
          }
          if window == windows - 1 && windows > 1 && pooling == .mean { pooled[place] /= Float(windows) }
        }
        window += 1
        guard window == windows else { continue }
        if windows > 1 { texts.removeFirst() }
        (text, window) = (text + 1, 0)
      }
    }
  }

  private static let pieceTokens = 2048
}
