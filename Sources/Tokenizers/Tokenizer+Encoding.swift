import Storage

extension Tokenizer {
  /// Appends the ids of one text, special tokens included, to `ids`.
  ///
  /// Never more than `maximumLength` ids: the text gives way first, then the special tokens from the end.
  /// Allocates nothing once `workspace` and `ids` have grown.
  package func encode(
    _ utf8: UnsafeBufferPointer<UInt8>, maximumLength: Int, workspace: inout TokenizerWorkspace, into ids: inout [Int32]
  ) -> EncodingSummary {
    let start = ids.count
    ids.append(contentsOf: template.specialsBefore)
    let room = max(0, maximumLength - template.specialsBefore.count - template.specialsAfter.count)
    let wasTruncated = appendContent(utf8, limit: room, workspace: &workspace, into: &ids)
    ids.append(contentsOf: template.specialsAfter)
    if ids.count - start > max(0, maximumLength) { ids.removeSubrange((start + max(0, maximumLength))...) }
    return EncodingSummary(tokenCount: ids.count - start, wasTruncated: wasTruncated)
  }

  /// Appends ids that `appendContent` gave, all or a stretch of them, as one text with its special tokens.
  package func append(_ content: ArraySlice<Int32>, into ids: inout [Int32]) {
    ids.append(contentsOf: template.specialsBefore)
    ids.append(contentsOf: content)
    ids.append(contentsOf: template.specialsAfter)
  }

  /// Appends the ids of two texts with special tokens to `ids`, and the type of each (which text it belongs to) to
  /// `typeIDs`. The longer text gives way first (`longest_first` of the reference).
  package func encodePair(
    _ first: UnsafeBufferPointer<UInt8>, _ second: UnsafeBufferPointer<UInt8>, maximumLength: Int,
    workspace: inout TokenizerWorkspace, into ids: inout [Int32], typeIDs: inout [Int32]
  ) -> EncodingSummary {
    var firstIDs: [Int32] = []
    var secondIDs: [Int32] = []
    swap(&firstIDs, &workspace.first)
    swap(&secondIDs, &workspace.second)
    firstIDs.removeAll(keepingCapacity: true)
    secondIDs.removeAll(keepingCapacity: true)
    // Which of two texts over the limit is longer decides who gets the odd token, so both are counted to their ends.
    _ = appendContent(first, limit: .max, workspace: &workspace, into: &firstIDs)
    _ = appendContent(second, limit: .max, workspace: &workspace, into: &secondIDs)
    let room = max(0, maximumLength - specialTokenCount(pair: true))
    let wasTruncated = firstIDs.count + secondIDs.count > room
    if wasTruncated {
      let (firstCount, secondCount) = Self.longestFirst(firstIDs.count, secondIDs.count, room: room)
      cut(&firstIDs, to: firstCount)
      cut(&secondIDs, to: secondCount)
    }
    let start = ids.count
    let typeStart = typeIDs.count
    func append(_ content: [Int32], type: Int) {
      ids.append(contentsOf: content)
      typeIDs.append(contentsOf: repeatElement(Int32(truncatingIfNeeded: type), count: content.count))
    }
    for piece in template.pair {
      switch piece {
      case .special(let id, let type):
        ids.append(Int32(truncatingIfNeeded: id))
        typeIDs.append(Int32(truncatingIfNeeded: type))
      case .first(let type): append(firstIDs, type: type)
      case .second(let type): append(secondIDs, type: type)
      }
    }
    if ids.count - start > max(0, maximumLength) {
      ids.removeSubrange((start + max(0, maximumLength))...)
      typeIDs.removeSubrange((typeStart + max(0, maximumLength))...)
    }
    swap(&firstIDs, &workspace.first)
    swap(&secondIDs, &workspace.second)
    return EncodingSummary(tokenCount: ids.count - start, wasTruncated: wasTruncated)
  }

  /// Appends the ids of one text without special tokens, at most `limit`.
  ///
  /// - Returns: whether the text had more.
  package func appendContent(
    _ utf8: UnsafeBufferPointer<UInt8>, limit: Int, workspace: inout TokenizerWorkspace, into ids: inout [Int32]
  ) -> Bool {
    let start = ids.count
    // From the right, one token too many is enough to know; from the left every token counts.
    let isCutEarly = settings.truncationSide == .right && limit < .max - start - 1
    appendAll(utf8, until: isCutEarly ? start + limit + 1 : .max, workspace: &workspace, into: &ids)
    guard ids.count - start > limit else { return false }
    switch settings.truncationSide {
    case .right: ids.removeSubrange((start + limit)...)
    case .left: ids.removeSubrange(start..<ids.count - limit)
    }
    return true
  }

  private func cut(_ ids: inout [Int32], to count: Int) {
    guard ids.count > count else { return }
    switch settings.truncationSide {
    case .right: ids.removeSubrange(count...)
    case .left: ids.removeSubrange(..<(ids.count - count))
    }
  }

  /// How many tokens of each of two texts stay: `truncate_encodings` of Hugging Face's tokenizers 0.23.
  static func longestFirst(_ first: Int, _ second: Int, room: Int) -> (first: Int, second: Int) {
    guard first + second > room else { return (first, second) }
    var shorter = min(first, second)
    var longer = shorter > room ? shorter : max(shorter, room - shorter)
    if shorter + longer > room {
      shorter = room / 2
      longer = shorter + room % 2
    }
    return first > second ? (longer, shorter) : (shorter, longer)
  }

  /// What words are cut from: the text as the normaliser leaves it. For looking into a tokenizer, not for speed.
  package func normalForm(of utf8: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    normalizer.normalForm(of: utf8, classes: classes)
  }

  // MARK: Stages

  /// Appends ids until `ids` has at least `end` or the text is done.
  private func appendAll(
    _ text: UnsafeBufferPointer<UInt8>, until end: Int, workspace: inout TokenizerWorkspace, into ids: inout [Int32]
  ) {
    if workspace.hashes.count < vocabulary.longestToken { workspace.hashes = Array(repeating: 0, count: vocabulary.longestToken) }
    if UTF8Repair.isWellFormed(text) { return appendRaw(text, until: end, workspace: &workspace, into: &ids) }
    var repaired: [UInt8] = []
    UTF8Repair.append(text, to: &repaired)
    repaired.withUnsafeBufferPointer { appendRaw($0, until: end, workspace: &workspace, into: &ids) }
  }

  /// Whether the stages work on scalars only, so that a text may be normalised in stretches.
  private var isBert: Bool {
    guard case .bert = preTokenizer, case .wordPiece = model else { return false }
    if case .steps = normalizer { return false }
    return true
  }

  private func appendRaw(
    _ text: UnsafeBufferPointer<UInt8>, until end: Int, workspace: inout TokenizerWorkspace, into ids: inout [Int32]
  ) {
    guard !addedTokens.raw.isEmpty else {
      _ = appendSegment(text, isFirst: true, until: end, workspace: &workspace, into: &ids)
      return
    }
    _ = AddedTokens.split(text, at: addedTokens.raw, classes: classes) { segment in
      appendSegment(
        segment, isFirst: segment.baseAddress == text.baseAddress, until: end, workspace: &workspace, into: &ids)
    } token: { id in
      ids.append(Int32(truncatingIfNeeded: id))
      return ids.count < end
    }
  }

  /// The part of a text between added tokens.
  private func appendSegment(
    _ text: UnsafeBufferPointer<UInt8>, isFirst: Bool, until end: Int, workspace: inout TokenizerWorkspace, into ids: inout [Int32]
  ) -> Bool {
    var normalized = NormalizedText()
    swap(&normalized, &workspace.normalized)
    defer { swap(&normalized, &workspace.normalized) }
    if addedTokens.normalized.isEmpty, isBert {
      var start = 0
      while start < text.count {
        let stop = Self.chunkEnd(in: text, from: start)
        normalizer.normalize(
          UnsafeBufferPointer(rebasing: text[start..<stop]), classes: classes, into: &normalized, &workspace.normalizer)
        let isWhole = normalized.withBytes {
          appendWords(of: $0, isFirst: isFirst, until: end, workspace: &workspace, into: &ids)
        }
        guard isWhole else { return false }
        start = stop
      }
      return true
    }
    if case .none = normalizer { return appendNormalized(text, isFirst: isFirst, until: end, workspace: &workspace, into: &ids) }
    // A token may span any stretch of the normal form, and a step may look at all of it, so that is made whole.
    normalizer.normalize(text, classes: classes, into: &normalized, &workspace.normalizer)
    // Ids that grow are twice in memory; of what is asked for here only what is used is memory.
    if normalized.count > 1 << 20 { ids.reserveCapacity(ids.count + min(max(0, end - ids.count), normalized.count)) }
    return normalized.withBytes { appendNormalized($0, isFirst: isFirst, until: end, workspace: &workspace, into: &ids) }
  }

  private func appendNormalized(
    _ text: UnsafeBufferPointer<UInt8>, isFirst: Bool, until end: Int, workspace: inout TokenizerWorkspace, into ids: inout [Int32]
  ) -> Bool {
    guard !addedTokens.normalized.isEmpty else {
      return appendWords(of: text, isFirst: isFirst, until: end, workspace: &workspace, into: &ids)
    }
    return AddedTokens.split(text, at: addedTokens.normalized, classes: classes) { words in
      appendWords(
        of: words, isFirst: isFirst && words.baseAddress == text.baseAddress, until: end, workspace: &workspace, into: &ids)
    } token: { id in
      ids.append(Int32(truncatingIfNeeded: id))
      return ids.count < end
    }
  }

  /// Long texts are normalised a few kilobytes at a time, cut behind an ASCII blank: words and runs of combining marks end
  /// there, and a text that is cut at the limit is not normalised to its end.
  private static func chunkEnd(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    var end = start + 4096
    while end < text.count {
      let byte = text[end - 1]
      if byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\t") { return end }
      end += 1
    }
    return text.count
  }

  private func appendWords(
    of text: UnsafeBufferPointer<UInt8>, isFirst: Bool, until end: Int, workspace: inout TokenizerWorkspace, into ids: inout [Int32]
  ) -> Bool {
    switch (preTokenizer, model) {
    case (.bert, .wordPiece(let wordPiece)):
      return workspace.hashes.withUnsafeMutableBufferPointer { hashes in
        // Not nil: the vocabulary holds the unknown token, so its longest token has at least one byte.
        let scratch = hashes.baseAddress!
        return BertPreTokenizer.forEachWord(in: text, classes: classes) { word in
          wordPiece.append(word, hashes: scratch, to: &ids)
          return ids.count < end
        }
      }
    case (.bert, _): return appendWords(of: text, [.bert], isFirst, until: end, workspace: &workspace, into: &ids)
    case (.steps(let steps), _):
      return appendWords(of: text, steps, isFirst, until: end, workspace: &workspace, into: &ids)
    }
  }

  private func appendWords(
    of text: UnsafeBufferPointer<UInt8>, _ steps: [PreTokenizerStep], _ isFirst: Bool, until end: Int,
    workspace: inout TokenizerWorkspace, into ids: inout [Int32]
  ) -> Bool {
    switch model {
    case .bytePair(let bytePair):
      return forEachWord(in: text, steps: steps, from: 0, isFirst: isFirst, workspace: &workspace) { word, workspace in
        workspace.words.append(word, of: identity, to: &ids) { bytePair.append(word, &workspace.bytePair, to: &$0) }
        return ids.count < end
      }
    case .fastBPE(let fastBPE):
      return forEachWord(in: text, steps: steps, from: 0, isFirst: isFirst, workspace: &workspace) { word, workspace in
        workspace.words.append(word, of: identity, to: &ids) { fastBPE.append(word, &workspace.bytePair, to: &$0) }
        return ids.count < end
      }
    case .unigram(let unigram):
      return forEachWord(in: text, steps: steps, from: 0, isFirst: isFirst, workspace: &workspace) { word, workspace in
        workspace.words.append(word, of: identity, to: &ids) { unigram.append(word, &workspace.lattice, to: &$0) }
        return ids.count < end
      }
    case .wordPiece(let wordPiece):
      return forEachWord(in: text, steps: steps, from: 0, isFirst: isFirst, workspace: &workspace) { word, workspace in
        workspace.hashes.withUnsafeMutableBufferPointer { wordPiece.append(word, hashes: $0.baseAddress!, to: &ids) }
        return ids.count < end
      }
    case .wordLevel(let wordLevel):
      return forEachWord(in: text, steps: steps, from: 0, isFirst: isFirst, workspace: &workspace) { word, _ in
        ids.append(Int32(truncatingIfNeeded: wordLevel.vocabulary.id(of: word) ?? wordLevel.unknownID))
        return ids.count < end
      }
    }
  }
}
