import JSON
import Storage
import Tasks
import Testing

/// Labels as a file of which each line has one, below a header.
private struct Labels: LabelledRecords {
  let name = "d.tsv"
  var labelField: String?
  let labels: TextColumn

  init(_ labels: [String], field: String? = nil) {
    self.labels = TextColumn(labels)
    labelField = field
  }
}

private func failure(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch { return "\(error)" }
}

@Suite struct LabelReadingTests {
  private func discovered(_ labels: [String], _ kind: ClassificationTask.Kind? = nil, map: [String] = []) throws -> LabelReading {
    try LabelReading(discovering: Labels(labels), LabelOptions(kind: kind, map: LabelMap(parsing: map)))
  }

  /// The classes of labels for a model; nil for one that is bad.
  private func classes(_ data: [String], of names: [String], field: String? = nil, map: [String] = []) throws -> [Int?] {
    let records = Labels(data, field: field)
    let reading = try LabelReading(
      ClassificationTask(.singleLabel, labels: names), of: [records], LabelOptions(map: LabelMap(parsing: map)))
    let found = try reading.targets(of: records)
    var targets = found.targets[...]
    return data.indices.map { row in
      guard !found.bad.contains(where: { $0.row == row }), case .label(let label)? = targets.popFirst() else { return nil }
      return label
    }
  }

  private func rows(_ reading: LabelReading, _ labels: [String]) throws -> [[Float]] {
    try reading.targets(of: Labels(labels)).targets.map { if case .values(let row) = $0 { row } else { [] } }
  }

  private func firstBad(_ reading: LabelReading, _ labels: [String]) throws -> String? {
    try reading.targets(of: Labels(labels)).bad.first.map { "\($0.row): \($0.message)" }
  }

  // MARK: What is to be learnt

  @Test(arguments: [
    (["1", "0", "1"], ["LABEL_0", "LABEL_1"]), (["10", "9", "2"], ["2", "9", "10"]), (["1", "-1"], ["-1", "1"]),
    (["5.0", "1.0", "3.0"], ["1", "3", "5"]), (["0.0", "1.0"], ["LABEL_0", "LABEL_1"]), ([" good ", "bad\u{A0}", "good"], ["bad", "good"]),
    (["5 stars", "1 star"], ["1", "5"]), (["5.0 out of 5 stars", "4.0 out of 5 stars"], ["4", "5"]), (["4/5", "1 / 5"], ["1", "4"]),
    (["★★★★☆", "★☆☆☆☆", "★★★★☆"], ["1", "4"]), (["⭐⭐", "⭐⭐⭐"], ["2", "3"]), (["5,0", "4,0"], ["4", "5"]),
    (["5 von 5 Sternen", "1 von 5 Sternen"], ["1", "5"]), (["5 stars", "unknown"], ["5 stars", "unknown"]), (["4k", "8k"], ["4k", "8k"]),
    (["good", "1.5"], ["1.5", "good"]), (["[a", "b"], ["[a", "b"]), (["a|b", "c", "d", "e"], ["a|b", "c", "d", "e"]),
    (["[\"a\"]", "[\"b\"]", "[\"a\"]"], ["a", "b"]), (["[3]", "[4]"], ["3", "4"]),
  ] as [([String], [String])]) func oneLabel(labels: [String], names: [String]) throws {
    let reading = try discovered(labels)
    #expect(reading.task == ClassificationTask(.singleLabel, labels: names))
    #expect(try reading.targets(of: Labels(labels)).bad.isEmpty)
  }

  @Test func severalLabels() throws {
    let labels = ["a|c", "b", "", "a", "c", " b | a "]
    let reading = try discovered(labels)
    #expect(reading.task == ClassificationTask(.multiLabel, labels: ["a", "b", "c"]))
    #expect(reading.notes.count == 1 && reading.notes[0].contains("--problem-type"))
    #expect(try rows(reading, labels) == [[1, 0, 1], [0, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 1], [1, 1, 0]])
    #expect(try discovered(["[\"b\", \"a\"]", "[]"]).task == ClassificationTask(.multiLabel, labels: ["a", "b"]))
    let vectors = try discovered(["[0.0, 1.0, 1.0]", "[1.0, 0.0, 0.0]"])
    #expect(vectors.task == ClassificationTask(.multiLabel, labels: ["LABEL_0", "LABEL_1", "LABEL_2"]))
    #expect(try rows(vectors, ["[0.0, 1.0, 1.0]", "[2]"]) == [[0, 1, 1], [0, 0, 1]])
    #expect(try firstBad(vectors, ["[0.5, 1.0, 0.0]"])?.contains("3 numbers that are 0.0 or 1.0") == true)
    #expect(try firstBad(vectors, ["[{}]"])?.hasPrefix("0: label `[{}]`") == true)
    // Bars in one row of twenty, and bars whose parts never stand alone, are parts of names; asked for, they are several labels.
    let seldom = Array(repeating: "a", count: 20) + Array(repeating: "b", count: 20) + ["a|b"]
    #expect(try discovered(seldom).task == ClassificationTask(.singleLabel, labels: ["a", "a|b", "b"]))
    #expect(try discovered(["x|y", "x|z", "w"]).task.kind == .singleLabel)
    #expect(try discovered(seldom, .multiLabel).task == ClassificationTask(.multiLabel, labels: ["a", "b"]))
  }

  @Test func values() throws {
    let reading = try discovered(["1.5", "-2", "1e-3"])
    #expect(reading.task == ClassificationTask(.regression, labels: ["LABEL_0"]) && reading.notes.count == 1)
    #expect(try rows(reading, ["1.5", "-2", "1e-3"]) == [[1.5], [-2], [1e-3]])
    #expect(try firstBad(reading, ["1", "x"]) == "1: label `x`: expected a number")
    for bad in ["nan", "inf", "1e999", ""] { #expect(try firstBad(reading, [bad]) != nil, "\(bad)") }
    let several = try discovered(["[1, 2.5]", "[-1.5, 0.25]"])
    #expect(several.task.kind == .multiLabel || several.task.labels.count == 2)
    let vectors = try discovered(["[1.5, 2.5]", "[-1.0, 0.0]"])
    #expect(vectors.task == ClassificationTask(.regression, labels: ["LABEL_0", "LABEL_1"]))
    #expect(try rows(vectors, ["[1.5, 2.5]", "[1, 2]"]) == [[1.5, 2.5], [1, 2]])
    #expect(try firstBad(vectors, ["[1.5]"]) == "0: label `[1.5]`: expected a JSON array of 2 numbers")
    // Whole numbers are values when that is asked for.
    #expect(try rows(discovered(["1", "5 stars"], .regression), ["1", "5 stars"]) == [[1], [5]])
  }

  /// Half stars may be either.
  @Test func halves() throws {
    let message = failure { _ = try discovered(["4.5", "3.0", "1"]) }
    #expect(message?.contains("--problem-type regression") == true && message?.contains("single_label_classification") == true)
    #expect(try discovered(["4.5", "3.0"], .singleLabel).task.labels == ["3", "4.5"])
    #expect(try discovered(["4.5", "3.0"], .regression).task.kind == .regression)
    #expect(try discovered(["14.5", "3.0"]).task.kind == .regression)
  }

  @Test func namesThatDifferInCase() throws {
    let reading = try discovered(["pos", "neg", "Pos", "pos", "NEG"])
    #expect(reading.task.labels == ["NEG", "pos"])
    #expect(reading.notes.count == 2 && reading.notes[1].contains("`pos` (2), `Pos` (1) are one label: `pos`"))
    #expect(try reading.targets(of: Labels(["Pos", "neg"])).targets == [.label(1), .label(0)])
  }

  @Test func oneOnly() throws {
    #expect(failure { _ = try discovered(["a", "a"]) } == "d.tsv: expected at least two labels, found only a")
    #expect(failure { _ = try discovered(["", ""]) }?.contains("found only none") == true)
    let reading = try discovered(["a", "", "b"])
    #expect(try firstBad(reading, ["a", ""]) == "1: the label is empty: expected a name or a number")
  }

  @Test func defaultNames() throws {
    #expect(try discovered(["LABEL_2", "LABEL_10", "LABEL_0"]).task.labels.count == 11)
    // Numbers beyond any head are names.
    for last in ["65536", "9223372036854775807", "99999999999999999999"] {
      #expect(try discovered(["LABEL_\(last)", "LABEL_0"]).task.labels == ["LABEL_0", "LABEL_\(last)"])
    }
  }

  // MARK: For a model with labels

  @Test func namesOfAModel() throws {
    #expect(try classes(["neg", "POS", "LABEL_0", " pos "], of: ["neg", "pos"]) == [0, 1, 0, 1])
    #expect(try classes(["0", "LABEL_1", "1", "1.0"], of: ["LABEL_0", "LABEL_1"]) == [0, 1, 1, 1])
    #expect(try classes(["1", "5", "★★★★★"], of: ["1", "2", "3", "4", "5"]) == [0, 4, 4])
    #expect(try classes(["pos", "Pos"], of: ["Pos", "pos"]) == [1, 0])
    #expect(try classes(["1", "0"], of: ["1", "2"]) == [0, nil])
    #expect(try classes(["A"], of: ["a", "á"]) == [0])
  }

  @Test func numbersThatBeginNames() throws {
    let names = ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"]
    #expect(try classes(["1", "5", "2.0", "3 stars"], of: names) == [0, 4, 1, 2])
    // 0 begins no name, and is not the first label then.
    #expect(try classes(["0", "1", "2", "3", "4"], of: names) == [nil, 0, 1, 2, 3])
  }

  @Test func numbersAsPositions() throws {
    let records = Labels(["0", "1", "1"])
    let reading = try LabelReading(ClassificationTask(.singleLabel, labels: ["negative", "positive"]), of: [records])
    #expect(try reading.targets(of: records).targets == [.label(0), .label(1), .label(1)])
    #expect(reading.notes == ["labels that are numbers: 0 is `negative`, 1 is `positive`, by position (--label-map overrules)"])
    // Not all of them, others too, names beside them, a column of ratings: not told.
    #expect(try classes(["1", "1"], of: ["negative", "positive"]) == [nil, nil])
    #expect(try classes(["0", "1", "2"], of: ["negative", "positive"]) == [nil, nil, nil])
    #expect(try classes(["0", "1", "negative"], of: ["negative", "positive"]) == [nil, nil, 0])
    #expect(try classes(["0", "1"], of: ["negative", "positive"], field: "Star Rating") == [nil, nil])
    #expect(try classes(["0", "1"], of: ["negative", "positive"], map: ["0=negative 1=positive"]) == [0, 1])
    // What two files hold together counts.
    let (first, second) = (Labels(["0", "0"]), Labels(["1"]))
    let both = try LabelReading(ClassificationTask(.singleLabel, labels: ["negative", "positive"]), of: [first, second])
    #expect(try both.targets(of: first).targets == [.label(0), .label(0)])
    #expect(try both.targets(of: second).targets == [.label(1)])
  }

  /// A name that two labels have is neither's.
  @Test func sharedNames() throws {
    let task = ClassificationTask(.singleLabel, labels: ["a", "a", "b"])
    let records = Labels(["a", "A", "b", "LABEL_1"])
    let found = try LabelReading(task, of: [records]).targets(of: records)
    #expect(found.targets == [.label(2), .label(1)] && found.bad.map(\.row) == [0, 1])
    #expect(found.bad[0].message == "label `a`: expected `LABEL_0` or `LABEL_1`, for 2 of the model's have this name")
  }

  @Test func anotherTaskThanTheModels() throws {
    let task = ClassificationTask(.singleLabel, labels: ["a", "b"])
    #expect(failure { _ = try LabelReading(task, of: [Labels(["a"])], LabelOptions(kind: .regression)) }?.contains("problem-type") == true)
    let found = try LabelReading(task, of: [Labels([])]).targets(of: Labels(["[\"a\"]", "[\"a\", \"b\"]", "[0.5]"]))
    #expect(found.targets == [.label(0)] && found.bad.map(\.row) == [1, 2])
  }

  // MARK: Maps

  @Test func maps() throws {
    let stars = ["1", "2", "3", "4", "5", "unsup", "5.0"]
    let reading = try discovered(stars, map: ["1,2=negative", "3=so so", "4,5=positive", "unsup="])
    #expect(reading.task.labels == ["negative", "positive", "so so"])
    let found = try reading.targets(of: Labels(stars))
    #expect(found.targets == [0, 0, 2, 1, 1, 1].map(TrainingTarget.label) && found.leftOut == [5] && found.bad.isEmpty)
    #expect(try discovered(stars, map: ["1,2=negative 3=neutral 4,5=positive unsup="]).task.labels.count == 3)
    // Parts of several labels, each by itself.
    let several = try discovered(["x|y", "y", "x", "z"], .multiLabel, map: ["x=a", "z=a"])
    #expect(several.task.labels == ["a", "y"])
    #expect(try rows(several, ["x|y", "z"]) == [[1, 1], [1, 0]])
    for bad in ["1", "=a", "1=a=b", "1=a 1=b", "1,1=a"] {
      #expect(failure { _ = try discovered(stars, map: [bad]) } != nil, "\(bad)")
    }
    #expect(failure { _ = try discovered(["a", "b"], map: ["c=d"]) }?.contains("found c") == true)
  }

  // MARK: As other programs write labels

  @Test(arguments: [
    "[\"['a', 'b']\", \"['a']\", \"['b']\", \"[]\"]", "[\"['a' 'b']\", \"['a']\", \"[\\\"b\\\"]\", \"[]\"]", "[\"a|b\", \"a\", \"b\", \"\"]",
  ]) func listsOfNames(_ json: String) throws {
    let labels = try #require(try JSONValue(parsing: json.utf8).array).compactMap(\.string)
    let reading = try discovered(labels)
    #expect(reading.task == ClassificationTask(.multiLabel, labels: ["a", "b"]))
    #expect(try rows(reading, labels) == [[1, 1], [1, 0], [0, 1], [0, 0]])
  }

  @Test(arguments: [["[1, 0, 0]", "[0, 1, 1]", "[0, 0, 0]"], ["[1 0 0]", "[0 1 1]", "[0 0 0]"], ["[True, False, False]", "[False, True, True]", "[False, False, False]"], ["[1. 0. 0.]", "[0. 1. 1.]", "[0. 0. 0.]"]])
  func listsOfFlags(labels: [String]) throws {
    let reading = try discovered(labels)
    #expect(reading.task == ClassificationTask(.multiLabel, labels: ["LABEL_0", "LABEL_1", "LABEL_2"]))
    #expect(try rows(reading, labels) == [[1, 0, 0], [0, 1, 1], [0, 0, 0]])
    let known = try LabelReading(ClassificationTask(.multiLabel, labels: ["a", "b", "c"]), of: [Labels(labels)])
    #expect(try rows(known, labels) == [[1, 0, 0], [0, 1, 1], [0, 0, 0]])
    // Numbers of labels are of any length.
    let numbers = try discovered(["[0, 1]", "[2]", "[0]"])
    #expect(try rows(numbers, ["[0, 1]", "[2]"]) == [[1, 1, 0], [0, 0, 1]])
  }

  @Test(arguments: [";", ","]) func namesJoinedOtherwise(separator: String) throws {
    let labels = ["a\(separator)b", "a", "b", "a\(separator) c"]
    #expect(failure { _ = try discovered(labels) }?.contains("labels such as `a\(separator)") == true)
    #expect(try discovered(labels, .singleLabel).task.labels.count == 4)
    let several = try discovered(labels, .multiLabel)
    #expect(try several.task.labels == ["a", "b", "c"] && rows(several, labels) == [[1, 1, 0], [1, 0, 0], [0, 1, 0], [1, 0, 1]])
    let known = try LabelReading(ClassificationTask(.multiLabel, labels: ["a", "b", "c"]), of: [Labels(labels)])
    #expect(try rows(known, labels) == [[1, 1, 0], [1, 0, 0], [0, 1, 0], [1, 0, 1]] && known.notes.first?.contains("“\(separator)”") == true)
    // Names that hold the character are names.
    #expect(try discovered(["Food\(separator) drinks", "Other"]).task.labels == ["Food\(separator) drinks", "Other"])
  }

  @Test func numbersWithGaps() throws {
    let labels = ["1.0", "0.0", "nan", "1.0", "N/A", "0.0"]
    let reading = try discovered(labels)
    #expect(reading.task.labels == ["LABEL_0", "LABEL_1"])
    let found = try reading.targets(of: Labels(labels))
    #expect(found.bad.map(\.row) == [2, 4] && found.bad[0].message.contains("`nan`"))
    #expect(try discovered(["3.1", "2.7", "nan", "1.2"]).task.kind == .regression)
    // Among names it may be a name, and many of them are labels.
    #expect(try discovered(["a", "b", "none"]).task.labels == ["a", "b", "none"])
    #expect(try discovered(["1", "none", "none"]).task.labels == ["1", "none"])
  }

  @Test func oneMapForAllNumbers() throws {
    let records = Labels(["1", "5", "3", "negative"])
    let reading = try LabelReading(ClassificationTask(.singleLabel, labels: ["negative", "positive"]), of: [records])
    let messages = Set(try reading.targets(of: records).bad.map(\.message))
    #expect(
      messages == [
        "the labels 1, 3, 5 are numbers, and which of `negative`, `positive` they mean is not told: --label-map '1=NAME 3=NAME 5=NAME'"
      ])
  }

  @Test(arguments: [
    (["5つ星のうち5.0", "5つ星のうち1.0"], ["1", "5"]), (["4 звезды", "1 звезда"], ["1", "4"]), (["4 из 5", "5 из 5"], ["4", "5"]),
    (["٣", "٤"], ["3", "4"]), (["５", "１"], ["1", "5"]), (["\u{2212}1", "1"], ["-1", "1"]), (["100%", "0 %"], ["0", "100"]), (["5颗星", "3颗星"], ["3", "5"]),
  ] as [([String], [String])]) func numbersOfOtherScripts(labels: [String], names: [String]) throws {
    #expect(try discovered(labels).task.labels == names)
  }
}
