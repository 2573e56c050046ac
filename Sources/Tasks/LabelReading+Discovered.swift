/// The labels of data for a head that is to be made.
extension LabelReading {
  /// What a head has outputs for when data say no more than `LABEL_n`: larger numbers are names as any other.
  private static let mostNumbers = 1 << 16

  /// Tells the task from training data.
  package init(discovering training: some LabelledRecords, _ options: LabelOptions = LabelOptions()) throws(LabelError) {
    let table = LabelTable([training], options.map)
    var notes: [String] = []
    let kind: ClassificationTask.Kind
    if let asked = options.kind { kind = asked } else { kind = try Self.kind(table, training.name, options.map, &notes) }
    guard kind != .regression else {
      let widths = table.entries.map { entry in
        switch entry.label {
        case .list(let names): names.count
        case .vector(let values): values.count
        case .text, .leftOut, .broken: 1
        }
      }
      let outputs = max(1, widths.max() ?? 1)
      self.init(ClassificationTask(.regression, labels: (0..<outputs).map { "LABEL_\($0)" }), options.map)
      self.notes = notes
      try noteMap(table)
      return
    }
    var counts: [String: Int] = [:]
    var vectorLength: Int?
    let readsNumbers = Self.allNumbers(table)
    for entry in table.entries {
      switch entry.label {
      case .text(let text) where kind == .multiLabel:
        for part in ParsedLabel.parts(text, options.map) { counts[part, default: 0] += entry.count }
      case .text(let text) where !text.isEmpty:
        let name = readsNumbers ? Rating.number(text).map(Rating.text) ?? text : text
        counts[name, default: 0] += entry.count
      case .list(let names) where kind == .multiLabel || names.count == 1:
        for name in names { counts[name, default: 0] += entry.count }
      case .vector(let values) where kind == .multiLabel: vectorLength = max(vectorLength ?? 0, values.count)
      case .text, .list, .vector, .leftOut, .broken: break  // told by row, when targets are made
      }
    }
    let names = vectorLength.map { (0..<$0).map { "LABEL_\($0)" } } ?? Self.names(Self.mergingCases(counts, &notes))
    guard names.count > 1 || kind == .multiLabel && names.count == 1 else { throw .oneLabel(data: training.name, label: names.first ?? "none") }
    self.init(ClassificationTask(kind, labels: names), options.map)
    self.notes = notes
    try noteMap(table)
  }

  /// Told from the labels' form, and said.
  private static func kind(
    _ table: LabelTable, _ name: String, _ map: LabelMap, _ notes: inout [String]
  ) throws(LabelError) -> ClassificationTask.Kind {
    let lists = table.entries.filter { entry in
      switch entry.label {
      case .list, .vector, .broken: true
      case .text, .leftOut: false
      }
    }
    if !lists.isEmpty { return kind(ofLists: lists.map(\.label), table, &notes) }
    let texts = table.texts
    let withBars = texts.filter { $0.text.utf8.contains(UInt8(ascii: "|")) }
    if !withBars.isEmpty {
      let plain = Set(texts.map(\.text))
      let parts = Set(withBars.flatMap { ParsedLabel.parts($0.text, map) })
      let rows = withBars.reduce(0) { $0 + $1.count }
      if rows * 10 >= table.rows, parts.count(where: plain.contains) * 2 > parts.count {
        notes.append("labels such as `\(withBars[0].text.excerpt)` are several: multi_label_classification (\(overrule) single_label_classification)")
        return .multiLabel
      }
      notes.append("labels such as `\(withBars[0].text.excerpt)` are one label each, bar and all (\(overrule) multi_label_classification)")
      return .singleLabel
    }
    guard map.isEmpty, allNumbers(table), let first = texts.first else { return .singleLabel }
    let values = texts.compactMap { Rating.number($0.text) }
    if values.allSatisfy({ Int(exactly: $0) != nil }) {
      if let odd = texts.first(where: { Int($0.text) == nil }) {
        let read = Rating.text(Rating.number(odd.text) ?? 0)
        notes.append("labels such as `\(odd.text.excerpt)` are read as whole numbers (\(read)): classes (\(overrule) regression)")
      }
      return .singleLabel
    }
    if values.allSatisfy({ Int(exactly: 2 * $0) != nil && (0...10).contains($0) }), Set(values).count <= 21 {
      throw .ambiguous(
        data: name, what: "labels in halves, such as `\((texts.first { Int(exactly: Rating.number($0.text) ?? 0) == nil } ?? first).text.excerpt)`",
        choices: "--problem-type regression for values, or --problem-type single_label_classification for classes")
    }
    notes.append("labels are decimal numbers, such as `\(first.text.excerpt)`: regression (\(overrule) single_label_classification)")
    return .regression
  }

  private static func kind(ofLists lists: [ParsedLabel], _ table: LabelTable, _ notes: inout [String]) -> ClassificationTask.Kind {
    var vectors: [[Double]] = []
    var areSingle = true
    for list in lists {
      switch list {
      case .vector(let values): vectors.append(values)
      case .list(let names): areSingle = areSingle && names.count == 1
      case .text, .leftOut, .broken: areSingle = false
      }
    }
    if !vectors.isEmpty {
      guard vectors.count == lists.count, !vectors.joined().allSatisfy({ $0 == 0 || $0 == 1 }) else { return .multiLabel }
      notes.append("labels are lists of numbers: regression of \(vectors[0].count) values (\(overrule) multi_label_classification)")
      return .regression
    }
    guard areSingle, table.texts.isEmpty else { return .multiLabel }
    notes.append("labels are lists of one each: single_label_classification (\(overrule) multi_label_classification)")
    return .singleLabel
  }

  /// Whether every label that is not empty is a number, however it is written.
  private static func allNumbers(_ table: LabelTable) -> Bool {
    let texts = table.texts
    return !texts.isEmpty && texts.allSatisfy { Rating.number($0.text) != nil }
  }

  /// Names that differ only in case are one: the most frequent.
  private static func mergingCases(_ counts: [String: Int], _ notes: inout [String]) -> [String] {
    var names: [String] = []
    for (_, group) in Dictionary(grouping: counts, by: { $0.key.lowercased() }).sorted(by: { $0.key < $1.key }) {
      let sorted = group.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      names.append(sorted[0].key)
      guard sorted.count > 1 else { continue }
      notes.append(
        "\(sorted.map { "`\($0.key.excerpt)` (\($0.value))" }.joined(separator: ", ")) are one label: `\(sorted[0].key.excerpt)` "
          + "(--label-map gives them other names)")
    }
    return names
  }

  /// Whole numbers by value, names by bytes. 0, 1, …, n-1 give `LABEL_0`, …, `LABEL_{n-1}`, the names that Hugging Face gives to numbered
  /// labels; so do those names themselves.
  private static func names(_ names: [String]) -> [String] {
    let numbered = names.compactMap { name in Double(name).map { (number: $0, name: name) } }
    if numbered.count == names.count {
      let sorted = numbered.sorted { $0.number < $1.number }
      return sorted.map(\.number) == sorted.indices.map(Double.init) ? sorted.indices.map { "LABEL_\($0)" } : sorted.map(\.name)
    }
    let defaults = names.compactMap(defaultNumber)
    if defaults.count == names.count, let last = defaults.max(), last < mostNumbers { return (0...last).map { "LABEL_\($0)" } }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
