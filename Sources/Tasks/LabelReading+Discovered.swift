/// The labels of data for a head that is to be made.
extension LabelReading {
  /// What a head has outputs for when data say no more than `LABEL_n`: larger numbers are names as any other.
  private static let mostNumbers = 1 << 16

  /// Tells the task from training data.
  package init(discovering training: some LabelledRecords, _ options: LabelOptions = LabelOptions()) throws(LabelError) {
    var table = LabelTable([training], options.map)
    let missing = table.missingNumbers
    table.leaveOut(missing)
    var notes: [String] = []
    let kind: ClassificationTask.Kind
    if let asked = options.kind { kind = asked } else { kind = try Self.kind(table, training.name, options.map, &notes) }
    let separator = kind == .multiLabel ? Self.separator(table) : ParsedLabel.bar
    if table.listsAreFlags, kind == .multiLabel {
      notes.append("labels that are lists of 0 and 1 hold one for each label, in order (names in them would say which)")
    }
    func settle(_ reading: inout LabelReading) {
      (reading.notes, reading.separator, reading.listsAreFlags, reading.missing) = (notes, separator, table.listsAreFlags, missing)
    }
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
      settle(&self)
      try noteMap(table)
      return
    }
    var counts: [String: Int] = [:]
    var vectorLength: Int?
    let readsNumbers = Self.allNumbers(table)
    for entry in table.entries {
      switch entry.label {
      case .text(let text) where kind == .multiLabel:
        for part in ParsedLabel.parts(text, options.map, separator: separator) { counts[part, default: 0] += entry.count }
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
    settle(&self)
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
    let (withBars, areSeveral) = table.joined(by: ParsedLabel.bar)
    if let first = withBars.first {
      notes.append(
        areSeveral
          ? "labels such as `\(first.text.excerpt)` are several: multi_label_classification (\(overrule) single_label_classification)"
          : "labels such as `\(first.text.excerpt)` are one label each, bar and all (\(overrule) multi_label_classification)")
      return areSeveral ? .multiLabel : .singleLabel
    }
    if case let separator = separator(table), separator != ParsedLabel.bar, let first = table.joined(by: separator).labels.first {
      throw .ambiguous(
        data: name, what: "labels such as `\(first.text.excerpt)`, whose parts are labels too",
        choices: "--problem-type multi_label_classification for several labels, or --problem-type single_label_classification for one with its "
          + "“\(Character(Unicode.Scalar(separator)))”")
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

  /// What stands between the names of several labels: bars, or a character that joins labels which stand alone too.
  private static func separator(_ table: LabelTable) -> UInt8 {
    guard !allNumbers(table), table.joined(by: ParsedLabel.bar).labels.isEmpty else { return ParsedLabel.bar }
    return [UInt8(ascii: ";"), UInt8(ascii: ",")].first { table.joined(by: $0).areSeveral } ?? ParsedLabel.bar
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
