/// Where the special tokens go around one text, or two.
package struct Template: Sendable, Equatable {
  package enum Piece: Sendable, Equatable {
    case special(id: Int, typeID: Int)
    case first(typeID: Int)
    case second(typeID: Int)
  }

  /// Of one template. Each is part of every text.
  package static let maximumPieces = 1024

  /// Holds `first` once and no `second`; all types are 0.
  package let single: [Piece]
  /// Holds `first` and `second` once each.
  package let pair: [Piece]

  /// Nil if a text is missing or comes twice, or the template for one text has a type other than 0.
  package init?(single: [Piece], pair: [Piece]) {
    func counts(_ pieces: [Piece]) -> [Int] {
      pieces.reduce(into: [0, 0]) { counts, piece in
        switch piece {
        case .first: counts[0] += 1
        case .second: counts[1] += 1
        case .special: break
        }
      }
    }
    let types = single.map { piece in
      switch piece {
      case .special(_, let typeID), .first(let typeID), .second(let typeID): typeID
      }
    }
    guard counts(single) == [1, 0], counts(pair) == [1, 1], types.allSatisfy({ $0 == 0 }) else { return nil }
    self.single = single
    self.pair = pair
    limits = (single + pair).reduce(into: Limits()) { limits, piece in
      switch piece {
      case .special(let id, let typeID):
        limits.ids = max(limits.ids, id + 1)
        limits.types = max(limits.types, typeID + 1)
      case .first(let typeID), .second(let typeID): limits.types = max(limits.types, typeID + 1)
      }
    }
    specialsBefore = Self.specials(single.prefix { $0 != .first(typeID: 0) })
    specialsAfter = Self.specials(single.drop { $0 != .first(typeID: 0) })
  }

  /// The special tokens around one text.
  let specialsBefore: [Int32]
  let specialsAfter: [Int32]

  /// One more than the largest id, and than the largest type, that either template names.
  package struct Limits: Sendable, Equatable {
    package var ids = 0
    var types = 0
  }
  package let limits: Limits

  private static func specials(_ pieces: some Sequence<Piece>) -> [Int32] {
    pieces.compactMap { piece in
      if case .special(let id, _) = piece { Int32(truncatingIfNeeded: id) } else { nil }
    }
  }
}
