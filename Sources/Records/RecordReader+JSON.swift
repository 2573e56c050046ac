import JSON
import Storage

/// What jsonl and json make of a value.
extension RecordReader {
  func interpretJSON() throws(RecordProblem) {
    guard framer.dropped == 0 else {
      throw problem("longer than \(options.maximumRecordBytes) bytes")
    }
    try repairRow()
    if options.keepsInput {
      pending.input.form = .broken
      pending.input.bytes.append(contentsOf: framer.bytes)
      pending.input.ends.append(framer.bytes.count)
    }
    guard framer.bytes.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else {
      throw problem("expected a JSON object, found an empty line")
    }
    let value: JSONValue
    do { value = try JSONValue(parsing: framer.bytes) } catch {
      throw problem("not JSON: \(error.what) at byte \(error.offset + 1)")
    }
    if options.keepsInput {
      pending.input.form = .json
      // The output has a line for each record.
      if format == .json { pending.input.bytes = Array(value.description.utf8) }
      pending.input.ends = [pending.input.bytes.count]
    }
    guard let object = value.object else { throw problem("expected a JSON object") }
    let keys = object.keys
    try takeText(of: object, keys)
    if let pairField = options.fields.pair {
      let pairKey = try key([pairField], in: keys)
      try takeString(object[pairKey], of: pairKey, into: &pending.pair)
      pending.hasPair = true
    }
    if options.wantsLabel {
      pending.hasLabel = true
      try takeLabel(of: object, keys)
    }
  }

  private func takeText(of object: JSONObject, _ keys: [String]) throws(RecordProblem) {
    let wanted = options.fields.text.map { [$0] } ?? FieldChoice.usualTexts
    if let index = firstColumn(wanted, in: keys) {
      return try takeString(object[keys[index]], of: keys[index], into: &pending.text)
    }
    // Label Studio has a task's fields in an object of their own.
    if let data = object["data"]?.object, let index = firstColumn(wanted, in: data.keys) {
      return try takeString(data[data.keys[index]], of: data.keys[index], into: &pending.text)
    }
    // So does doccano call a text.
    if options.fields.text == nil, let text = object["data"], text.string != nil {
      return try takeString(text, of: "data", into: &pending.text)
    }
    let parts = options.fields.text.flatMap(ColumnLookup.parts)
    guard let parts else { throw missing(wanted, in: object) }
    var names: [String] = []
    for part in parts {
      let name = try key([part], in: keys)
      try takeString(object[name], of: name, into: &pending.text)
      names.append(name)
    }
    if !hasNotedFields { noteJoined(names) }
    hasNotedFields = true
  }

  private func takeLabel(of object: JSONObject, _ keys: [String]) throws(RecordProblem) {
    let wanted = options.fields.label.map { [$0] } ?? FieldChoice.usualLabels
    guard let index = firstColumn(wanted, in: keys) else {
      guard let annotations = object["annotations"]?.array ?? object["completions"]?.array else { throw missing(wanted, in: object) }
      do throws(AnnotationProblem) { pending.label = try Annotations.label(annotations, field: options.fields.label) } catch {
        throw problem(error.description)
      }
      return
    }
    let labelKey = keys[index]
    switch object[labelKey] ?? .null {
    case .null: throw problem("field `\(labelKey.excerpt)` is null, expected a label")
    case .object(let object):
      guard let choices = Annotations.choices(object) else { throw problem("field `\(labelKey.excerpt)` is an object, expected a label") }
      pending.label.append(contentsOf: choices.description.utf8)
    case .string(let name): pending.label.append(contentsOf: name.utf8)
    case .array(let elements) where elements.contains { $0.array != nil || $0.object != nil }:
      throw problem("field `\(labelKey.excerpt)` holds spans of a text, expected labels of the whole text")
    case let other: pending.label.append(contentsOf: other.description.utf8)
    }
  }

  private func key(_ wanted: [String], in keys: [String]) throws(RecordProblem) -> String {
    guard let index = firstColumn(wanted, in: keys) else { throw missing(wanted, keys) }
    return keys[index]
  }

  private func missing(_ wanted: [String], in object: JSONObject) -> RecordProblem {
    // What interfaces of the web and pandas put around the records.
    guard let list = object.entries.first(where: { $0.value.array?.first?.object != nil }) else { return missing(wanted, object.keys) }
    return problem("the records are in `\(list.key.excerpt)`: expected them alone (jq '.[\"\(list.key.excerpt)\"]' FILE)")
  }

  private func missing(_ wanted: [String], _ keys: [String]) -> RecordProblem {
    let found = keys.prefix(20).map { "`\($0.excerpt)`" }.joined(separator: ", ")
    let names = wanted.map { "`\($0)`" }.joined(separator: ", ")
    return problem("no field \(names), found \(keys.isEmpty ? "none" : found)")
  }

  private func takeString(_ value: JSONValue?, of key: String, into target: inout [UInt8]) throws(RecordProblem) {
    guard let string = value?.string else {
      let isColumn = value?.object?["0"] != nil || value?.array != nil
      throw problem("field `\(key.excerpt)` is not a string\(isColumn ? ", but a column, as pandas writes it: to_json(orient=\"records\") writes records" : "")")
    }
    var copy = string
    copy.withUTF8 { take($0, into: &target) }
  }

  /// A table's label that is the JSON of several choices, as Label Studio writes them, becomes their list.
  func takeChoices() {
    guard pending.label.first == UInt8(ascii: "{"), let object = try? JSONValue(parsing: pending.label).object,
      let choices = Annotations.choices(object)
    else { return }
    pending.label = Array(choices.description.utf8)
  }
}

/// Why annotations do not say what a text's label is.
enum AnnotationProblem: Error, CustomStringConvertible {
  case none
  case different(first: String, second: String)
  case severalFields([String])

  var description: String {
    switch self {
    case .none: "no annotation, expected a label"
    case .different(let first, let second): "annotations that differ: \(first.excerpt) and \(second.excerpt)"
    case .severalFields(let names): "annotations of \(names.map { "`\($0.excerpt)`" }.joined(separator: " and ")): expected one of them (--label-field)"
    }
  }
}

/// Labels as Label Studio and doccano export them with a task.
enum Annotations {
  /// `{"choices": ["a", "b"]}`
  static func choices(_ object: JSONObject) -> JSONValue? {
    guard let choices = object["choices"], choices.array != nil else { return nil }
    return choices
  }

  /// The label that all annotations give.
  static func label(_ annotations: [JSONValue], field: String?) throws(AnnotationProblem) -> [UInt8] {
    var found: JSONValue?
    var numbers: [JSONValue] = []
    for annotation in annotations {
      // doccano: one label each, as a number of its own.
      if let label = annotation.object?["label"], label.array == nil, label.object == nil {
        numbers.append(label)
        continue
      }
      guard annotation.object?["was_cancelled"] != .bool(true), let results = annotation.object?["result"]?.array,
        let value = try value(of: results, field: field)
      else { continue }
      if let found, found != value { throw .different(first: found.description, second: value.description) }
      found = value
    }
    if !numbers.isEmpty { found = .array(numbers) }
    guard let found else { throw .none }
    return Array((found.string ?? found.description).utf8)
  }

  /// What one annotation says of the field: choices, or a rating.
  private static func value(of results: [JSONValue], field: String?) throws(AnnotationProblem) -> JSONValue? {
    var values: [(name: String, value: JSONValue)] = []
    for result in results {
      let name = result.object?["from_name"]?.string ?? ""
      guard field == nil || firstColumn([field ?? ""], in: [name]) != nil, let value = result.object?["value"]?.object,
        let said = choices(value) ?? value["rating"] ?? value["number"]
      else { continue }
      values.append((name, said))
    }
    guard let first = values.first else { return nil }
    let names = values.map(\.name)
    guard names.allSatisfy({ $0 == first.name }) else { throw .severalFields(Array(Set(names)).sorted()) }
    return first.value
  }
}
