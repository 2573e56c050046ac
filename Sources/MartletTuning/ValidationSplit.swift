import JSON
import Records
import Storage
import Tasks
import Training

/// Rows of the training data that are kept for validation: by label, from the seed.
package struct ValidationSplit {
  /// In ascending order.
  package let rows: [Int]

  /// - Parameters:
  ///   - targets: of all rows.
  ///   - share: of all rows, above 0 and below 1; each label gives that share of its own, and keeps at least one row to learn from.
  package init(_ targets: [TrainingTarget], kind: ClassificationTask.Kind, share: Double, seed: UInt32) throws {
    guard share > 0 && share < 1 else {
      throw TrainingError.argument("validation-split: expected a share above 0 and below 1, found \(share)")
    }
    try requireMemory(targets.count.memory(times: 64))
    var random = TorchRandom(seed: seed)
    var groups: [[Int]] = []
    var known: [[Float]: Int] = [:]
    for row in random.permutation(targets.count) {
      let key: [Float]
      switch targets[row] {
      case .label(let label): key = [Float(label)]
      case .values(let values): key = kind == .regression ? [] : values
      }
      if let group = known[key] {
        groups[group].append(row)
      } else {
        known[key] = groups.count
        groups.append([row])
      }
    }
    func most(_ group: Int) -> Int { kind == .singleLabel ? groups[group].count - 1 : groups[group].count }
    let wanted = min(targets.count - 1, max(1, Int(saturating: (Double(targets.count) * share).rounded())))
    let exact = groups.map { Double($0.count) * share }
    var taken = groups.indices.map { min(most($0), Int(saturating: exact[$0])) }
    // What rounding down has left over goes to the labels that lost most by it.
    let byLoss = groups.indices.sorted { (exact[$0] - Double(taken[$0]), $1) > (exact[$1] - Double(taken[$1]), $0) }
    var missing = wanted - taken.reduce(0, +)
    for group in byLoss where missing > 0 && taken[group] < most(group) {
      taken[group] += 1
      missing -= 1
    }
    rows = groups.indices.flatMap { groups[$0].prefix(taken[$0]) }.sorted()
    guard !rows.isEmpty else {
      throw TrainingError.argument("validation-split: expected labels with two texts or more, found \(targets.count) texts that all differ in it")
    }
  }
}

extension TuningData {
  /// The data without the rows of a split, and those rows.
  func divided(_ split: ValidationSplit) -> (training: TuningData, validation: TuningData) {
    var training = dataset
    training.removeRows(split.rows)
    return (TuningData(training), TuningData(dataset.part(split.rows)))
  }
}

/// `validation-rows.json`: which rows were kept, where they stand and a digest of each, by which they are found again.
package enum ValidationRows {
  package static let fileName = "validation-rows.json"

  static func json(_ validation: LabelledDataset, share: Double, seed: UInt32) -> JSONValue {
    [
      "data": .string(validation.name), "share": .number(share), "seed": .integer(Int64(seed)),
      "rows": .array(
        (0..<validation.count).map { ["place": .string(validation.place(of: $0)), "digest": .string(digest(validation, $0))] }),
    ]
  }

  /// Goes on with the rows of a data set that such a file names.
  ///
  /// - Throws: an error that names the file, and how many of its rows the data do not have.
  package static func select(_ dataset: inout LabelledDataset, from path: String) throws {
    guard let rows = try JSONValue(parsing: readFile(path))["rows"]?.array else {
      throw TrainingError.argument("\(path): expected rows, as tune --validation-split writes them, found none")
    }
    // Rows that are the same in text and label are the same to every figure.
    var wanted: [String: Int] = [:]
    for row in rows { wanted[row["digest"]?.string ?? "", default: 0] += 1 }
    var others: [Int] = []
    for index in 0..<dataset.count {
      let digest = digest(dataset, index)
      if let count = wanted[digest], count > 0 { wanted[digest] = count - 1 } else { others.append(index) }
    }
    let missing = wanted.values.reduce(0, +)
    guard missing == 0, !rows.isEmpty else {
      throw TrainingError.argument(
        "\(path): expected the data that its \(rows.count) rows were kept of, found \(dataset.name), which lacks \(missing) of them")
    }
    dataset.removeRows(others)
  }

  private static func digest(_ dataset: LabelledDataset, _ index: Int) -> String {
    var hash = XXH64()
    hash.update(bytes: dataset.texts[index])
    if let pairs = dataset.pairs { hash.update(bytes: pairs[index]) }
    if dataset.labels.count > 0 { hash.update(bytes: dataset.labels[index]) }
    return String(hash.digest(), radix: 16)
  }
}
