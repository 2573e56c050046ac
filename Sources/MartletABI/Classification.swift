import CMartlet
import Martlet
import Sessions
import Storage

@c @implementation
public func martlet_classifier_classify(
  _ classifier: OpaquePointer?, _ text: UnsafePointer<CChar>?, _ length: Int, _ scores: UnsafeMutablePointer<Float>?,
  _ capacity: Int, _ count: UnsafeMutablePointer<Int>?
) -> martlet_status {
  use(classifier) { open in
    let labels = open.labels.count
    count?.pointee = labels
    guard scores != nil || capacity == 0 else { return MARTLET_NULL_ARGUMENT }
    guard UInt(bitPattern: capacity) >= labels, let scores else { return MARTLET_SHORT_BUFFER }
    var text = martlet_text(bytes: text, length: length, pair: nil, pair_length: 0)
    return classify(&text, 1, with: open, Rows(scores: scores, logits: nil, infos: nil), refused: nil)
  }
}

@c @implementation
public func martlet_classifier_classify_batch(
  _ classifier: OpaquePointer?, _ texts: UnsafePointer<martlet_text>?, _ textCount: Int,
  _ scores: UnsafeMutablePointer<Float>?, _ logits: UnsafeMutablePointer<Float>?, _ capacity: Int,
  _ infos: UnsafeMutablePointer<martlet_text_info>?, _ refused: UnsafeMutablePointer<Int>?
) -> martlet_status {
  use(classifier) { open in
    refused?.pointee = textCount
    guard textCount != 0 else { return MARTLET_OK }
    guard let texts else { return MARTLET_NULL_ARGUMENT }
    guard textCount > 0 else { return MARTLET_INVALID_ARGUMENT }
    let (needed, overflow) = textCount.multipliedReportingOverflow(by: open.labels.count)
    guard scores == nil && logits == nil || !overflow && UInt(bitPattern: capacity) >= needed else { return MARTLET_SHORT_BUFFER }
    return classify(texts, textCount, with: open, Rows(scores: scores, logits: logits, infos: infos), refused: refused)
  }
}

@c @implementation
public func martlet_classifier_label_count(_ classifier: OpaquePointer?) -> Int { use(classifier, or: 0) { $0.labels.count } }

@c @implementation
public func martlet_classifier_label(_ classifier: OpaquePointer?, _ index: Int) -> UnsafePointer<CChar>! {
  use(classifier, or: nil) { $0.labels.indices.contains(index) ? $0.labels[index] : nil }
}

@c @implementation
public func martlet_classifier_task(_ classifier: OpaquePointer?) -> martlet_task {
  use(classifier, or: MARTLET_TASK_NONE) { $0.task }
}

@c @implementation
public func martlet_classifier_maximum_length(_ classifier: OpaquePointer?) -> Int {
  use(classifier, or: 0) { $0.classifier.maximumLength }
}

@c @implementation
public func martlet_classifier_instruction_set(_ classifier: OpaquePointer?) -> UnsafePointer<CChar>! {
  use(classifier, or: nil) { $0.instructionSet }
}

@c @implementation
public func martlet_classifier_set_maximum_text_bytes(_ classifier: OpaquePointer?, _ maximum: Int) -> martlet_status {
  use(classifier) { open in
    guard maximum != 0 else { return MARTLET_INVALID_ARGUMENT }
    // Beyond the half of all addresses there is no text.
    open.maximumTextBytes.store(maximum < 0 ? .max : maximum, ordering: .relaxed)
    return MARTLET_OK
  }
}

/// Where the results of texts go, a row each.
private struct Rows {
  let scores, logits: UnsafeMutablePointer<Float>?
  let infos: UnsafeMutablePointer<martlet_text_info>?
}

private func use<Result>(_ classifier: OpaquePointer?, or closed: Result, _ body: (OpenClassifier) -> Result) -> Result {
  classifier.flatMap { Handle($0) }?.use(body) ?? closed
}

private func use(_ classifier: OpaquePointer?, _ body: (OpenClassifier) -> martlet_status) -> martlet_status {
  use(classifier, or: classifier == nil ? MARTLET_NULL_ARGUMENT : MARTLET_CLOSED_HANDLE, body)
}

/// Runs texts in batches, having looked at all of them first.
private func classify(
  _ texts: UnsafePointer<martlet_text>, _ textCount: Int, with open: OpenClassifier, _ rows: Rows,
  refused: UnsafeMutablePointer<Int>?
) -> martlet_status {
  do {
    return try open.classifier.withSession { session in
      for index in 0..<textCount {
        let status = check(texts[index], takesPairs: session.takesPairs, open.maximumTextBytes.load(ordering: .relaxed))
        guard status == MARTLET_OK else {
          refused?.pointee = index
          return status
        }
      }
      try run(texts, textCount, session, rows, labels: open.labels.count, refused: refused)
      return MARTLET_OK
    }
  } catch {
    let status = status(of: error)
    // No text is at fault.
    if status == MARTLET_OUT_OF_MEMORY { refused?.pointee = textCount }
    return status
  }
}

private func run(
  _ texts: UnsafePointer<martlet_text>, _ textCount: Int, _ session: Session, _ rows: Rows, labels: Int,
  refused: UnsafeMutablePointer<Int>?
) throws {
  var start = 0
  var next = 0
  try session.runBatches(of: Classifier.defaultBatchTokens) {
    guard next < textCount else { return false }
    let text = texts[next]
    let first = bytes(text.bytes, text.length)
    // The text that is refused if it is too long.
    refused?.pointee = next
    if let pair = text.pair { try session.append(first, pair: bytes(pair, text.pair_length)) } else { try session.append(first) }
    refused?.pointee = textCount
    next += 1
    return true
  } read: {
    for row in 0..<session.answered.count {
      let index = start + row
      refused?.pointee = index
      try session.requireFinite(row)
      refused?.pointee = textCount
      if let scores = rows.scores {
        session.scores(of: row, into: UnsafeMutableBufferPointer(start: scores + index * labels, count: labels))
      }
      if let logits = rows.logits { (logits + index * labels).update(from: session.logits(of: row).baseAddress!, count: labels) }
      let length = session.answered.lengths[row]
      rows.infos?[index] = martlet_text_info(
        token_count: UInt32(clamping: length.tokens), was_truncated: length.wasTruncated ? 1 : 0,
        label: UInt32(session.best(of: row)))
    }
    start += session.answered.count
  }
}

private func check(_ text: martlet_text, takesPairs: Bool, _ maximumBytes: Int) -> martlet_status {
  guard text.length >= 0, text.pair_length >= 0 else { return MARTLET_INVALID_ARGUMENT }
  guard text.bytes != nil || text.length == 0, text.pair != nil || text.pair_length == 0 else { return MARTLET_NULL_ARGUMENT }
  guard text.pair == nil || takesPairs else { return MARTLET_INVALID_ARGUMENT }
  guard max(text.length, text.pair_length) <= maximumBytes else { return MARTLET_TEXT_TOO_LONG }
  guard UTF8Repair.isWellFormed(bytes(text.bytes, text.length)), UTF8Repair.isWellFormed(bytes(text.pair, text.pair_length)) else { return MARTLET_INVALID_UTF8 }
  return MARTLET_OK
}

private func bytes(_ start: UnsafePointer<CChar>?, _ count: Int) -> UnsafeBufferPointer<UInt8> {
  UnsafeBufferPointer(start: start.map { UnsafeRawPointer($0).assumingMemoryBound(to: UInt8.self) }, count: count)
}
