import JSON
import Tokenizers

/// Tokens that a model has no embeddings for. The reference fails at a text that holds one; where nothing says that texts hold
/// it, it is left out here, and is text as any other.
extension AddedTokens {
  /// - Parameter rows: how many ids the model has embeddings for; nil where nobody knows.
  /// - Parameter ofClass: what a class appends of itself, whether a model has it or not.
  /// - Parameter padding: texts are not padded here.
  func withoutUnused(beyond rows: Int?, _ template: Template, ofClass: Set<[UInt8]>, padding: String?) -> AddedTokens {
    guard let rows, tokens.contains(where: { $0.id >= rows }), template.limits.ids <= rows else { return self }
    let rest = tokens.filter { token in
      token.id < rows || !isUnused(token.content) && !ofClass.contains(token.content) && token.content != padding.map { Array($0.utf8) }
    }
    let beyond = rest.filter { $0.id >= rows }
    return AddedTokens(beyond.count > 1 ? rest : rest.filter { $0.id < rows })
  }
}

extension JSONValue {
  /// A model whose entries that say by name that they are not used have no text, beyond the rows of the table.
  func withoutUnusedEntries(beyond rows: Int?) -> JSONValue {
    guard let rows, var model = object else { return self }
    if let entries = model["vocab"]?.object?.entries, entries.contains(where: { $0.value.int ?? 0 >= rows && isUnused(Array($0.key.utf8)) }) {
      let kept = entries.map { $0.value.int ?? 0 >= rows && isUnused(Array($0.key.utf8)) ? ("", $0.value) : ($0.key, $0.value) }
      model["vocab"] = .object(JSONObject(kept))
    }
    return .object(model)
  }
}

/// `<unk>NOTUSED`, `[unused7]`, `madeupword0001`, nothing.
private func isUnused(_ content: [UInt8]) -> Bool {
  let text = String(decoding: content, as: UTF8.self).lowercased()
  return text.isEmpty || text.hasSuffix("notused") || text.hasPrefix("[unused") || text.hasPrefix("<unused") || text.hasPrefix("madeupword")
}
