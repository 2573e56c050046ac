/// The labels of data for a model that has labels.
extension LabelReading {
  /// - Parameters:
  ///   - task: of the model.
  ///   - sets: all data that the model meets; which numbers they hold together tells what a number means.
  package init(_ task: ClassificationTask, of sets: [any LabelledRecords], _ options: LabelOptions = LabelOptions()) throws(LabelError) {
    if let kind = options.kind, kind != task.kind {
      throw .option(name: "--problem-type", expected: "\(task.kind.rawValue), which the model is", found: kind.rawValue)
    }
    self.init(task, options.map)
    let table = LabelTable(sets, options.map)
    try noteMap(table)
    listsAreFlags = table.listsAreFlags
    guard task.kind != .regression else { return }
    if task.kind == .multiLabel { readSeparator(table) }
    readNumbers(table, field: sets.compactMap(\.labelField).first)
  }

  /// Refuses a map with labels that no data have.
  mutating func noteMap(_ table: LabelTable) throws(LabelError) {
    guard !map.isEmpty else { return }
    let unused = map.unused(among: table.written)
    guard unused.isEmpty else {
      throw .option(
        name: "--label-map", expected: "labels of the data (\(table.written.sorted().prefix(20).map { "`\($0.excerpt)`" }.joined(separator: ", ")))",
        found: unused.prefix(5).joined(separator: ", "))
    }
  }

  /// Names may be joined by `;` or `,`, where there are no bars and all of the names are the model's.
  private mutating func readSeparator(_ table: LabelTable) {
    guard table.joined(by: ParsedLabel.bar).labels.isEmpty else { return }
    for candidate in [UInt8(ascii: ";"), UInt8(ascii: ",")] {
      let joined = table.joined(by: candidate).labels.filter { output(named: $0.text) == nil }
      guard let first = joined.first,
        joined.allSatisfy({ ParsedLabel.parts($0.text, map, separator: candidate).allSatisfy { output(named: $0) != nil } })
      else { continue }
      separator = candidate
      notes.append("labels such as `\(first.text.excerpt)` are several of the model's, joined by “\(Character(Unicode.Scalar(candidate)))”")
      return
    }
  }

  /// What numbers mean where the model's labels are names: the label that begins with the number; else, of data with exactly the numbers
  /// 0 to n-1, the label at that position.
  private mutating func readNumbers(_ table: LabelTable, field: String?) {
    var numbers: Set<Int> = []
    var hasNames = false
    for entry in table.entries {
      var names: [String] = []
      switch entry.label {
      case .text(let text): names = task.kind == .multiLabel && output(named: text) == nil ? ParsedLabel.parts(text, map, separator: separator) : [text]
      case .list(let list): names = list
      case .vector, .leftOut, .broken: break
      }
      for name in names where !name.isEmpty {
        guard let number = Rating.number(name).flatMap({ Int(exactly: $0) }), output(named: name) == nil else {
          hasNames = true
          continue
        }
        numbers.insert(number)
      }
    }
    numbers = numbers.filter { output(of: "\($0)") == nil }
    guard !numbers.isEmpty else { return }
    defer { unreadNumbers = numbers.filter { output(of: "\($0)") == nil }.sorted() }
    func told(_ why: String) {
      let list = byNumber.sorted { $0.key < $1.key }.filter { numbers.contains($0.key) }
        .map { "\($0.key) is `\(task.labels[$0.value].excerpt)`" }
      notes.append("labels that are numbers: \(list.prefix(10).joined(separator: ", ")), \(why) (--label-map overrules)")
    }
    let leading = task.labels.map(Self.leadingNumber)
    if leading.contains(where: { $0 != nil }) {
      for (index, number) in leading.enumerated() {
        if let number, leading.count(where: { $0 == number }) == 1 { byNumber[number] = index }
      }
      if numbers.contains(where: { byNumber[$0] != nil }) { told("the names that begin with them") }
      return
    }
    guard !hasNames, numbers == Set(task.labels.indices), !Self.isRating(field) else { return }
    for index in task.labels.indices { byNumber[index] = index }
    told("by position")
  }

  /// The number that a name begins with: 4 of `4 stars`.
  private static func leadingNumber(_ name: String) -> Int? {
    let digits = name.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    return Int(String(decoding: Array(digits), as: UTF8.self))
  }

  /// Whether a column is called as ratings are: 0 and 1 are then the worst, and not the places of two labels.
  private static func isRating(_ field: String?) -> Bool {
    guard let field = field?.lowercased() else { return false }
    return ["star", "rating", "score", "rate", "note", "bewertung", "sterne", "punkte", "grade", "points"].contains { field.contains($0) }
  }
}
