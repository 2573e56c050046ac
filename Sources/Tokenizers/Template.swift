/// Where the special tokens go around one text, or two.
struct Template: Sendable, Equatable {
  enum Piece: Sendable, Equatable {
    case special(id: Int, typeID: Int)
    case first(typeID: Int)
    case second(typeID: Int)
  }

  /// Of one template. Each is part of every text.
  static let maximumPieces = 1024

  /// Holds `first` once and no `second`; all types are 0.
  let single: [Piece]
  /// Holds `first` and `second` once each.
  let pair: [Piece]

  /// Nil if a text is missing or comes twice, or the template for one text has a type other than 0.
  init?(single: [Piece], pair: [Piece]) {
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

  /// The same with all types 0.
  var withoutTypes: Template {
    let pair = pair.map { piece -> Piece in
      switch piece {
      case .special(let id, _): .special(id: id, typeID: 0)
      case .first: .first(typeID: 0)
      case .second: .second(typeID: 0)
      }
    }
    return Template(single: single, pair: pair)!
  }

  /// The special tokens around one text.
  let specialsBefore: [Int32]
  let specialsAfter: [Int32]

  /// One more than the largest id, and than the largest type, that either template names.
  struct Limits: Sendable, Equatable {
    var ids = 0
    var types = 0
  }
  let limits: Limits

  private static func specials(_ pieces: some Sequence<Piece>) -> [Int32] {
    pieces.compactMap { piece in
      if case .special(let id, _) = piece { Int32(truncatingIfNeeded: id) } else { nil }
    }
  }

  /// `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`.
  static func bert(cls: Int, sep: Int) -> Template {
    Template(
      single: [.special(id: cls, typeID: 0), .first(typeID: 0), .special(id: sep, typeID: 0)],
      pair: [
        .special(id: cls, typeID: 0), .first(typeID: 0), .special(id: sep, typeID: 0), .second(typeID: 1),
        .special(id: sep, typeID: 1),
      ])!
  }

  /// `<s> A </s>` and `<s> A </s></s> B </s>`.
  static func roberta(cls: Int, sep: Int) -> Template {
    Template(
      single: [.special(id: cls, typeID: 0), .first(typeID: 0), .special(id: sep, typeID: 0)],
      pair: [
        .special(id: cls, typeID: 0), .first(typeID: 0), .special(id: sep, typeID: 0), .special(id: sep, typeID: 0),
        .second(typeID: 0), .special(id: sep, typeID: 0),
      ])!
  }

  /// No special tokens.
  static let bare = Template(single: [.first(typeID: 0)], pair: [.first(typeID: 0), .second(typeID: 1)])!
}
