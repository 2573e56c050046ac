import JSON
import Storage
import Tokenizers

extension TokenizerReader {
  func template(_ value: JSONValue?) throws(TokenizerError) -> Template {
    guard let value, !value.isNull else { return .bare }
    let name = try type(value, "post_processor")
    switch name {
    case "BertProcessing":
      return .bert(cls: try namedToken(value, "cls"), sep: try namedToken(value, "sep"))
    case "RobertaProcessing":
      return .roberta(cls: try namedToken(value, "cls"), sep: try namedToken(value, "sep"))
    case "TemplateProcessing":
      let specials = value["special_tokens"] ?? [:]
      guard
        let template = Template(
          single: try pieces(value, "single", specials), pair: try pieces(value, "pair", specials))
      else {
        throw malformed("post_processor", "each text once, and type 0 for a single text", value["single"])
      }
      return template
    // Trims offsets, which nobody asks for here.
    case "ByteLevel": return .bare
    case "Sequence":
      guard let processors = value["processors"]?.array else {
        throw malformed("post_processor.processors", "an array", value["processors"])
      }
      let templates = try processors.map { processor throws(TokenizerError) in try template(processor) }.filter { $0 != .bare }
      guard templates.count < 2 else { throw .unsupported(component: "post-processor", name: "Sequence of several templates") }
      return templates.first ?? .bare
    default: throw .unsupported(component: "post-processor", name: name.excerpt)
    }
  }

  /// `["[SEP]", 102]`.
  private func namedToken(_ value: JSONValue, _ key: String) throws(TokenizerError) -> Int {
    guard let pair = value[key]?.array, pair.count == 2 else {
      throw malformed("post_processor." + key, "a token and its id", value[key])
    }
    return try id(pair[1], "post_processor." + key)
  }

  private func pieces(_ value: JSONValue, _ key: String, _ specials: JSONValue) throws(TokenizerError)
    -> [Template.Piece]
  {
    let place = "post_processor." + key
    guard let entries = value[key]?.array else { throw malformed(place, "an array", value[key]) }
    var pieces: [Template.Piece] = []
    for entry in entries {
      if let sequence = entry["Sequence"] {
        let typeID = try id(sequence["type_id"], place + ".Sequence.type_id")
        switch sequence["id"]?.string {
        case "A": pieces.append(.first(typeID: typeID))
        case "B": pieces.append(.second(typeID: typeID))
        default: throw malformed(place + ".Sequence.id", "A or B", sequence["id"])
        }
      } else if let special = entry["SpecialToken"] {
        let name = try string(special, "id", in: place + ".SpecialToken")
        let typeID = try id(special["type_id"], place + ".SpecialToken.type_id")
        guard let ids = specials[name]?["ids"]?.array else {
          throw malformed("post_processor.special_tokens.\(name).ids", "an array of ids", specials[name])
        }
        guard ids.count <= Template.maximumPieces, pieces.count <= Template.maximumPieces else {
          throw .unsupported(component: "post-processor", name: "template of more than \(Template.maximumPieces) tokens")
        }
        for value in ids { pieces.append(.special(id: try id(value, place), typeID: typeID)) }
      } else {
        throw malformed(place, "Sequence or SpecialToken", entry)
      }
    }
    guard pieces.count <= Template.maximumPieces else {
      throw .unsupported(component: "post-processor", name: "template of more than \(Template.maximumPieces) tokens")
    }
    return pieces
  }
}

/// Templates that files name.
extension Template {
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
