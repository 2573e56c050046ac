import Reporting
import Tasks
import Testing

@Suite struct EvaluationPageTests {
  static func section(_ kind: ClassificationTask.Kind, _ count: Int, labels: [String] = ["<neg>", "pos"]) throws -> EvaluationSection {
    let task = ClassificationTask(kind, labels: labels)
    var accumulator = try EvaluationAccumulator(task)
    var details = EvaluationDetails(task)
    for index in 0..<count {
      let logits = labels.indices.map { Float((index * 7 + $0 * 13) % 23) / 4 - 2 }
      let target: TrainingTarget =
        kind == .singleLabel ? .label(index * 5 % 11 % labels.count) : .values(labels.indices.map { (index + $0) % 3 == 0 ? 1 : 0 })
      accumulator.add(logits, target)
      logits.withUnsafeBufferPointer {
        details.add(index, $0, target, tokens: 3 + index % 400, unknownTokens: index % 17 == 0 ? 2 : 0, isUnknown: index % 170 == 0)
      }
    }
    return EvaluationSection(
      accumulator.report(), details, wantedPrecision: 0.7, text: { "text <\($0)> & more" }, place: { "data.csv, line \($0 + 2)" })
  }

  @Test(arguments: ClassificationTask.Kind.allCases) func aPageOfEveryTask(kind: ClassificationTask.Kind) throws {
    let section = try Self.section(kind, 900)
    var page = EvaluationPage(data: "data.csv", models: [.init(name: "model <1>", section: section)])
    page.facts = [Fact("data", "x")]
    let html = page.html()
    #expect(ReportTests.unbalancedTag(html) == nil)
    for forbidden in ["<script", "http://", "https://", "src=", "@import", "url(", "javascript:", "onload"] { #expect(!html.contains(forbidden)) }
    var headings = ["Length against error", "Unknown words", kind == .regression ? "Largest errors" : "Surest mistakes", "How it was measured"]
    if kind != .regression { headings += ["Labels", "Threshold", "Confidence"] }
    if kind == .singleLabel { headings += ["Confusion", "Labels in doubt"] }
    for heading in headings { #expect(html.contains("<h2>\(heading)</h2>"), "\(heading)") }
    #expect(html.contains("text &lt;") && !html.contains("text <0") && html.contains("data.csv, line "))
    #expect(html.contains("Of 6 texts the vocabulary knows nothing"))
  }

  @Test func comparedModels() throws {
    let section = try Self.section(.singleLabel, 60)
    // 48 of 60 are right by the first, 54 by the second: 3 by the first alone, 9 by the second.
    let task = ClassificationTask(.singleLabel, labels: ["<neg>", "pos"])
    func answers(_ isRight: (Int) -> Bool) throws -> ComparedAnswers {
      var answers = try #require(try ComparedAnswers(task, as: task, records: 60))
      for record in 0..<60 {
        let logits: [Float] = isRight(record) ? [0, 2] : [2, 0]
        logits.withUnsafeBufferPointer { answers.add($0, .label(1)) }
      }
      return answers
    }
    let comparison = try answers { $0 < 48 }.compared(with: answers { $0 >= 3 && $0 < 57 }, isOnlyPair: true)
    #expect(
      comparison.sentence == "accuracy 0.9000 against 0.8000 (+0.1000): 9 texts are right here alone, 3 there alone; McNemar, exact: p = 0.1460, which "
        + "chance may have made. They differ on 12 texts.")
    var page = EvaluationPage(data: "d", models: [.init(name: "a", section: section), .init(name: "b", section: section)])
    page.comparisons = [.init(name: "b", comparison: comparison, texts: [(text: "<i>", place: "d, line 4", truth: "pos")])]
    let html = page.html()
    #expect(ReportTests.unbalancedTag(html) == nil)
    #expect(html.contains("<h1>2 models compared</h1>") && html.contains("<h2>b against a</h2>") && html.contains("&lt;i&gt;") && html.contains("&lt;neg&gt;"))
  }

  /// What a page holds does not grow with the records, and little with labels and texts, however long.
  @Test func aPageIsSmall() throws {
    let task = ClassificationTask(.singleLabel, labels: (0..<3000).map { "label \($0) " + String(repeating: "x", count: 500) })
    var accumulator = try EvaluationAccumulator(task)
    var details = EvaluationDetails(task)
    for index in 0..<20_000 {
      let logits = [Float](unsafeUninitializedCapacity: 3000) { buffer, count in
        buffer.initialize(repeating: 0)
        buffer[index % 3000] = Float(index % 100)
        count = 3000
      }
      accumulator.add(logits, .label(index % 7))
      logits.withUnsafeBufferPointer { details.add(index, $0, .label(index % 7), tokens: 9, unknownTokens: 1, isUnknown: false) }
    }
    let text = String(repeating: "word ", count: 20_000)
    let section = EvaluationSection(accumulator.report(), details, text: { _ in text }, place: { _ in text })
    let html = EvaluationPage(data: text, models: [.init(name: text, section: section)]).html()
    #expect(html.utf8.count < 5_000_000 && ReportTests.unbalancedTag(html) == nil)
  }
}
