import Storage
import Tasks
import Testing

/// Labels as a file of which each line has one, below a header.
private struct Labels: LabelledRecords {
  let name = "d.tsv"
  let labels: TextColumn
  func place(of index: Int) -> String { "\(name), line \(index + 2)" }
}

@Suite struct DataLabelsTests {
  private func dataset(_ labels: [String]) -> Labels { Labels(labels: TextColumn(labels)) }

  private func failure(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch { return "\(error)" }
  }

  private func classes(_ data: [String], labels: [String]) throws -> [Int] {
    try dataset(data).targets(for: ClassificationTask(.singleLabel, labels: labels)).map {
      if case .label(let label) = $0 { label } else { -1 }
    }
  }

  private func rows(_ data: Labels, _ kind: ClassificationTask.Kind, labels: [String]) throws -> [[Float]] {
    try data.targets(for: ClassificationTask(kind, labels: labels)).map { if case .values(let row) = $0 { row } else { [] } }
  }

  @Test func discoveredLabels() throws {
    #expect(try dataset(["1", "0", "1"]).discoverLabels(.singleLabel) == ["LABEL_0", "LABEL_1"])
    #expect(try dataset(["10", "9", "2"]).discoverLabels(.singleLabel) == ["2", "9", "10"])
    #expect(try dataset(["1", "-1"]).discoverLabels(.singleLabel) == ["-1", "1"])
    #expect(try dataset(["pos", "neg", "Pos"]).discoverLabels(.singleLabel) == ["Pos", "neg", "pos"])
    #expect(try dataset(["LABEL_2", "LABEL_10", "LABEL_0"]).discoverLabels(.singleLabel).count == 11)
    // Numbers beyond any head are names.
    for last in ["65536", "9223372036854775807", "99999999999999999999"] {
      #expect(try dataset(["LABEL_\(last)", "LABEL_0"]).discoverLabels(.singleLabel) == ["LABEL_0", "LABEL_\(last)"])
    }
    #expect(try dataset(["b|a", "c", ""]).discoverLabels(.multiLabel) == ["a", "b", "c"])
    #expect(try dataset(["[\"b\", \"a\"]", "[]"]).discoverLabels(.multiLabel) == ["a", "b"])
    #expect(try dataset(["[0.0, 1.0, 1.0]"]).discoverLabels(.multiLabel) == ["LABEL_0", "LABEL_1", "LABEL_2"])
    #expect(failure { _ = try dataset(["a", ""]).discoverLabels(.singleLabel) } == "d.tsv, line 3: label ``: expected a name or a number")
  }

  @Test func classesByNameNumberAndCase() throws {
    #expect(try classes(["neg", "POS", "1", "LABEL_0"], labels: ["neg", "pos"]) == [0, 1, 1, 0])
    #expect(try classes(["0", "LABEL_1", "1"], labels: ["LABEL_0", "LABEL_1"]) == [0, 1, 1])
    #expect(try classes(["1", "5"], labels: ["1", "2", "3", "4", "5"]) == [0, 4])
    #expect(try classes(["pos", "Pos"], labels: ["Pos", "pos"]) == [1, 0])
    // numbers that are names are not positions
    #expect(
      failure { _ = try classes(["1", "0"], labels: ["1", "2"]) }
        == "d.tsv, line 3: label `0` is not one of the model's: `1`, `2`")
    #expect(failure { _ = try classes(["2"], labels: ["a", "b"]) }?.contains("label `2`") == true)
    #expect(failure { _ = try classes(["A"], labels: ["a", "á"]) } == nil)
    // A name that two labels have is neither's; their numbers are.
    for name in ["a", "A"] {
      #expect(failure { _ = try classes([name], labels: ["a", "a", "b"]) }?.hasPrefix("d.tsv, line 2: label `\(name)`") == true)
    }
    #expect(
      failure { _ = try classes(["a"], labels: ["a", "a", "b"]) }
        == "d.tsv, line 2: label `a`: expected the number of a label from 0, for 2 of the model's have this name")
    #expect(try classes(["b", "0", "1", "LABEL_1"], labels: ["a", "a", "b"]) == [2, 0, 1, 1])
  }

  @Test func setsOfLabels() throws {
    let set = dataset(["a|c", "[\"b\"]", "", "[0.0, 1.0, 1.0]", " b | a ", "[2, 0]"])
    #expect(set.suggestedKind == .multiLabel)
    #expect(
      try rows(set, .multiLabel, labels: ["a", "b", "c"]) == [[1, 0, 1], [0, 1, 0], [0, 0, 0], [0, 1, 1], [1, 1, 0], [1, 0, 1]])
    #expect(failure { _ = try rows(dataset(["a|d"]), .multiLabel, labels: ["a"]) }?.contains("label `d` is not one") == true)
    #expect(failure { _ = try rows(dataset(["[0.5, 1.0]"]), .multiLabel, labels: ["a", "b"]) }?.contains("2 numbers that are 0.0 or 1.0") == true)
    #expect(failure { _ = try rows(dataset(["[{}]"]), .multiLabel, labels: ["a", "b"]) }?.hasPrefix("d.tsv, line 2: label `[{}]`") == true)
  }

  @Test func valuesForRegression() throws {
    let set = dataset(["1.5", "-2", "1e-3"])
    #expect(set.suggestedKind == .regression)
    #expect(try rows(set, .regression, labels: ["x"]) == [[1.5], [-2], [1e-3]])
    #expect(failure { _ = try rows(dataset(["1", "x"]), .regression, labels: ["x"]) } == "d.tsv, line 3: label `x`: expected a number")
    let several = dataset(["[1, 2.5]", "[-1, 0]"])
    #expect(try rows(several, .regression, labels: ["x", "y"]) == [[1, 2.5], [-1, 0]])
    #expect(
      failure { _ = try rows(dataset(["[1, 2]", "[1]"]), .regression, labels: ["x", "y"]) }
        == "d.tsv, line 3: label `[1]`: expected a JSON array of 2 numbers")
    #expect(failure { _ = try rows(dataset(["nan"]), .regression, labels: ["x"]) } != nil)
  }

  @Test func suggestedTargets() throws {
    #expect(dataset(["0", "1"]).suggestedKind == .singleLabel)
    #expect(dataset(["good", "1.5"]).suggestedKind == .singleLabel)
    #expect(dataset(["[a"]).suggestedKind == .singleLabel)
  }
}
