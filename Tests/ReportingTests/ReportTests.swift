import Reporting
import Tasks
import Testing

@Suite struct ReportTests {
  static func evaluation(_ labels: [String], _ answers: [(truth: Int, prediction: Int)]) -> EvaluationReport {
    var accumulator = try! EvaluationAccumulator(ClassificationTask(.singleLabel, labels: labels))
    for (truth, prediction) in answers { accumulator.add(labels.indices.map { $0 == prediction ? 1 : 0 }, .label(truth)) }
    return accumulator.report()
  }

  static func example() -> TrainingReport {
    var report = TrainingReport(title: "Reviews <by> \"feeling\"", subtitle: "MiniLM-L6 & SST-2")
    for point in 1...12 {
      let progress = Double(point) / 12
      report.log.append(
        .init(step: point * 100, epoch: progress * 3, loss: 0.65 - 0.4 * progress, learningRate: 2e-5 * (1 - progress), gradientNorm: 4 + progress))
    }
    for (epoch, accuracy, loss) in [(1.0, 0.8509, 0.355), (2, 0.8612, 0.3627), (3, 0.8635, 0.3867)] {
      report.evaluations.append(
        .init(step: Int(epoch) * 433, epoch: epoch, loss: loss, metrics: [("accuracy", accuracy), ("f1", accuracy + 0.005), ("precision", 0.85)]))
    }
    report.labels = ["negative", "positive"]
    report.section.evaluation = evaluation(
      report.labels,
      [(358, 0, 0), (70, 0, 1), (49, 1, 0), (395, 1, 1)].flatMap { count, truth, prediction in
        [(truth: Int, prediction: Int)](repeating: (truth, prediction), count: count)
      })
    var calibration = CalibrationBins(count: 10)
    for index in 0..<872 { calibration.add(confidence: 0.55 + 0.44 * Double(index) / 872, correct: index % 7 != 0) }
    report.section.calibration = calibration
    report.labelBalance = [.init(label: "negative", training: 3310, validation: 428), .init(label: "positive", training: 3610, validation: 444)]
    report.section.lengthSlices = [.init(title: "1–16 tokens", count: 200, accuracy: 0.92), .init(title: "17–64 tokens", count: 672, accuracy: 0.85)]
    report.section.mistakes = [.init(text: "<script>alert(1)</script> & not bad\nat all", truth: "positive", prediction: "negative", confidence: 0.994)]
    report.configuration = [.init("learning_rate", "2e-05")]
    report.environment = [.init("processor", "some <CPU>")]
    return report
  }

  /// Every element that is opened is closed, in order.
  static func unbalancedTag(_ html: String) -> String? {
    let alone: Set = ["meta", "line", "rect", "polyline", "circle", "path", "br", "!DOCTYPE"]
    var open: [String] = []
    for piece in html.split(separator: "<").dropFirst(html.hasPrefix("<") ? 0 : 1) {
      let tag = String(piece.prefix { $0 != ">" && $0 != " " && $0 != "\n" })
      guard let end = piece.firstIndex(of: ">") else { return "unclosed \(tag)" }
      if tag.hasPrefix("/") {
        guard open.popLast() == String(tag.dropFirst()) else { return tag }
      } else if !piece[..<end].hasSuffix("/") && !alone.contains(tag) || tag == "circle" || (tag == "rect" && !piece[..<end].hasSuffix("/")) {
        open.append(tag)
      }
    }
    return open.last
  }

  @Test func thePageIsWellFormedAndSelfContained() {
    let html = Self.example().html()
    #expect(Self.unbalancedTag(html) == nil)
    for forbidden in ["<script", "http://", "https://", "src=", "@import", "url(", "javascript:", "onload"] {
      #expect(!html.contains(forbidden), "\(forbidden)")
    }
    for heading in ["Loss", "Validation", "Confusion", "Labels", "Confidence", "Length against error", "The data", "Surest mistakes", "Configuration", "Where it ran"] {
      #expect(html.contains("<h2>\(heading)</h2>"), "\(heading)")
    }
    #expect(html.contains("prefers-color-scheme: dark"))
  }

  @Test func allTextIsEscaped() {
    let html = Self.example().html()
    #expect(html.contains("<h1>Reviews &lt;by&gt; &quot;feeling&quot;</h1>"))
    #expect(html.contains("MiniLM-L6 &amp; SST-2"))
    #expect(html.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; not bad at all"))
    #expect(html.contains("some &lt;CPU&gt;"))
    #expect(escapedHTML("a'b\0c\u{FFFF}") == "a&#39;b\u{FFFD}c\u{FFFD}")
  }

  @Test func findingsSayWhatTheFiguresShow() {
    let findings = Self.example().findings
    #expect(findings[0] == "The best accuracy is 86.4 %, after epoch 3, the last evaluation.")
    #expect(findings[1].hasPrefix("Validation loss was lowest after epoch 1 (0.3550) and ended at 0.3867"))
    #expect(findings.contains("The commonest mistake is to take “negative” for “positive”: 70 of 428."))
    #expect(findings.contains { $0.hasPrefix("The model is ") || $0.hasPrefix("Confidence can be taken") })
  }

  @Test func findingsOfOtherRuns() {
    var report = Self.example()
    report.evaluations = [
      .init(step: 10, epoch: 0.5, loss: 0.5, metrics: [("eval_accuracy", 0.9)]), .init(step: 20, epoch: 1, loss: 0.4, metrics: [("eval_accuracy", 0.9)]),
    ]
    report.labelBalance = [.init(label: "a", training: 900, validation: 0), .init(label: "b", training: 100, validation: 0)]
    report.section.lengthSlices = [.init(title: "1–16 tokens", count: 900, accuracy: 0.9), .init(title: "over 256 tokens", count: 100, accuracy: 0.6)]
    let findings = report.findings
    #expect(findings[0] == "The best accuracy is 90.0 %, after epoch 0.50 of 1.")
    #expect(findings[1] == "Validation loss was still falling at the end: more epochs may help.")
    #expect(findings.contains { $0.hasPrefix("The labels are uneven: “a” has 900 training records, “b” has 100.") })
    #expect(findings.contains("Texts of over 256 tokens are the hardest: 60.0 % right, against 87.0 % overall."))
  }

  @Test func anEmptyReportIsAPage() {
    let html = TrainingReport(title: "", subtitle: "").html()
    #expect(Self.unbalancedTag(html) == nil && !html.contains("<h2>"))
  }

  @Test func awkwardNumbersDrawNothingWrong() {
    var report = Self.example()
    report.log = [
      .init(step: 1, epoch: 0, loss: .nan, learningRate: 0), .init(step: 2, epoch: 0, loss: .infinity, learningRate: 0),
      .init(step: 3, epoch: 0, loss: 0, learningRate: 0, gradientNorm: 1e30), .init(step: 3, epoch: 0, loss: 0, learningRate: 0, gradientNorm: 1e30),
    ]
    report.evaluations = [.init(step: 3, epoch: 1, loss: .nan, metrics: [("accuracy", .nan)])]
    report.labels = []
    report.labelBalance = [.init(label: "x", training: 0, validation: 0)]
    let html = report.html()
    #expect(Self.unbalancedTag(html) == nil)
    let drawings = html.split(separator: "<svg").dropFirst().map { $0.prefix(while: { $0 != "\u{0}" }) }
    for drawing in drawings {
      for attribute in ["x", "y", "cx", "cy", "points", "width", "height"] {
        #expect(!drawing.contains(" \(attribute)=\"nan") && !drawing.contains(" \(attribute)=\"inf"))
      }
    }
  }

  @Test func manyClassesAndManyPointsStaySmall() {
    var report = Self.example()
    report.labels = (0..<77).map { "intent number \($0)" }
    report.section.evaluation = Self.evaluation(
      report.labels, (0..<5000).map { (truth: $0 % 77, prediction: $0 % 11 == 0 ? ($0 * 7) % 77 : $0 % 77) })
    report.log = (0..<100_000).map { .init(step: $0, epoch: 0, loss: $0 == 54_321 ? 99 : 1, learningRate: 1e-5, gradientNorm: 1) }
    let html = report.html()
    #expect(Self.unbalancedTag(html) == nil)
    #expect(html.utf8.count < 2_000_000)
    // the spike survives the thinning: the y axis reaches it
    #expect(html.contains(">100.00</text>") || html.contains(">80.00</text>"))
  }
}
