/// Tells texts that the vocabulary knows nothing of: an emoji alone, or another script. All such texts are the same ids to a model, so
/// what it answers says nothing of them.
package struct UnknownTokens: Sendable, Equatable {
  let unknownID: Int32
  /// Tokens that are neither known nor unknown text: the special ones around it, and a blank's mark by itself.
  let passedOver: [Int32]

  /// Whether the ids hold the unknown token and nothing else between the special ones. Looks no further than the first known token.
  package func areAll(of ids: ArraySlice<Int32>) -> Bool {
    var isFound = false
    for id in ids {
      if id == unknownID {
        isFound = true
      } else if !passedOver.contains(id) {
        return false
      }
    }
    return isFound
  }

  /// How many of the ids are the unknown token.
  package func count(in ids: ArraySlice<Int32>) -> Int { ids.count { $0 == unknownID } }
}

extension Tokenizer {
  /// Nil for a vocabulary that has no unknown token, as those over bytes have none.
  package var unknownTokens: UnknownTokens? {
    guard let unknownID else { return nil }
    let specials = (template.single + template.pair).compactMap { piece -> Int? in
      if case .special(let id, _) = piece { id } else { nil }
    }
    // Where it also stands around every text it tells nothing of the text.
    guard !specials.contains(unknownID) else { return nil }
    let blank = vocabulary.id(of: "▁".utf8).flatMap { $0 == unknownID ? nil : $0 }
    return UnknownTokens(
      unknownID: Int32(truncatingIfNeeded: unknownID),
      passedOver: Set(specials + [blank].compactMap(\.self)).sorted().map { Int32(truncatingIfNeeded: $0) })
  }

  private var unknownID: Int? {
    switch model {
    case .wordPiece(let wordPiece): return wordPiece.unknownID
    case .wordLevel(let wordLevel): return wordLevel.unknownID
    case .unigram(let unigram): return unigram.unknownID
    case .fastBPE(let fastBPE): return fastBPE.unknownID
    case .bytePair(let bytePair):
      guard case .characters(let characters) = bytePair.symbols else { return nil }
      return characters.unknownID
    }
  }
}
