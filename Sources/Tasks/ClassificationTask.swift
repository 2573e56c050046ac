import JSON

/// What a model answers: how many outputs it has, what they are called, and how they are to be read.
///
/// `problem_type`, `id2label` and `label2id` of `config.json`. Everything that differs from one kind of answer to another is in this module:
/// targets and how the labels of data become them, loss, figures of quality, what an answer is, and calibration.
package struct ClassificationTask: Sendable, Equatable {
  /// The values of `problem_type`.
  package enum Kind: String, Sendable, CaseIterable {
    /// A number for each output.
    case regression
    /// One label among several.
    case singleLabel = "single_label_classification"
    /// Any number of labels, each by itself.
    case multiLabel = "multi_label_classification"
  }

  package let kind: Kind
  /// The names of the outputs, in the order of the logits.
  package let labels: [String]

  package init(_ kind: Kind, labels: [String]) {
    self.kind = kind
    self.labels = labels
  }

  /// Reads `id2label`, or `num_labels`, or takes the reference library's default of two labels; the problem is
  /// regression for one label and single-label otherwise, unless `problem_type` says more.
  ///
  /// Where the two disagree the names count: transformers 4 reads them so, and 5 opens no such checkpoint whose tensors have
  /// as many rows as there are names.
  package init(_ settings: Settings) throws(ConfigurationError) {
    if let map = try settings.object("id2label")?.json.object {
      var names = [String?](repeating: nil, count: map.entries.count)
      for (key, value) in map.entries {
        guard let id = Int(key), names.indices.contains(id), let name = value.labelName else {
          throw .invalid(key: "id2label", found: "\(key): \(value.description)", expected: "ids from 0 with their names")
        }
        names[id] = name
      }
      labels = names.compactMap { $0 }
      guard labels.count == names.count, !names.isEmpty else {
        throw .invalid(key: "id2label", found: "\(map.entries.count) entries", expected: "each id from 0 once")
      }
    } else {
      labels = (0..<(try settings.count("num_labels", default: 2))).map { "LABEL_\($0)" }
    }
    let key = "problem_type"
    let problem = try settings.string(key, default: (labels.count == 1 ? Kind.regression : .singleLabel).rawValue)
    guard let kind = Kind(rawValue: problem) else {
      throw .invalid(key: key, found: problem, expected: Kind.allCases.map(\.rawValue).joined(separator: ", "))
    }
    // One label among one is always right; the reference refuses it too.
    guard kind != .singleLabel || labels.count > 1 else {
      throw .invalid(
        key: key, found: "\(problem) with one label",
        expected: "regression (a value) or multi_label_classification (a sigmoid) where there is one label")
    }
    self.kind = kind
  }

  /// What the reference library writes of it in `config.json`; nil for a key that is not to be there.
  package var configuration: [(key: String, value: JSONValue?)] {
    [
      ("id2label", .object(JSONObject(labels.enumerated().map { ("\($0.offset)", .string($0.element)) }))),
      ("label2id", .object(JSONObject(labels.enumerated().map { ($0.element, .integer(Int64($0.offset))) }))),
      ("problem_type", .string(kind.rawValue)), ("num_labels", nil),
    ]
  }
}

extension JSONValue {
  /// What the reference calls a label of this name: numbers, true and false as Python writes them. Nil for what is no name.
  fileprivate var labelName: String? {
    switch self {
    case .string(let name): name
    case .bool(let flag): flag ? "True" : "False"
    case .integer, .number: description
    case .null, .array, .object: nil
    }
  }
}

extension ClassificationTask {
  /// The label that the headline figures are of where there are two.
  ///
  /// - Parameter name: nil for the second.
  package func positiveLabel(named name: String?) throws(LabelError) -> Int {
    guard let name else { return 1 }
    guard kind == .singleLabel, labels.count == 2, let index = labels.firstIndex(of: name) else {
      let expected = kind == .singleLabel && labels.count == 2 ? "`\(labels[0])` or `\(labels[1])`" : "a task of two labels, single_label_classification"
      throw .option(name: "--positive-label", expected: expected, found: name)
    }
    return index
  }

  /// How many targets are each label, of a single-label task.
  package func counts(of targets: some Sequence<TrainingTarget>) -> [Int] {
    var counts = [Int](repeating: 0, count: labels.count)
    for case .label(let label) in targets { counts[label] += 1 }
    return counts
  }
}

extension ClassificationTask.Kind {
  /// - Parameters:
  ///   - name: a value of `problem_type`.
  ///   - option: what gave it, for the error.
  package init(named name: String, option: String) throws(LabelError) {
    guard let kind = Self(rawValue: name) else {
      throw .option(name: option, expected: "one of " + Self.allCases.map(\.rawValue).joined(separator: ", "), found: name)
    }
    self = kind
  }
}
