import Tasks

extension EvaluationSection {
  /// The section without a page around it.
  package var html: String { confusionHTML + thresholdHTML + calibrationHTML + slicesHTML + unknownHTML + doubtfulHTML + mistakesHTML }

  /// Beyond so many labels only those with the most records have a row.
  private static let mostRows = 2000

  private var confusionHTML: String {
    guard let evaluation, !evaluation.perLabel.isEmpty, evaluation.samples > 0 else { return "" }
    let names = evaluation.task.labels.map { shortened($0, toWidth: 60) }
    var html = ""
    if let confusion = evaluation.confusion, confusion.classes <= 80 {
      html += "<h2>Confusion</h2>\n<p class=\"soft\">Each row is a label as it is in the data; the shade is the share of that row.</p>\n"
      html += "<figure>\n\(ReportFigures.confusion(confusion, labels: names))</figure>\n"
    }
    html += "<h2>Labels</h2>\n<figure><table>\n<thead><tr><th>label</th><th>precision</th><th>recall</th><th>F1</th><th>records</th></tr></thead>\n<tbody>\n"
    func row(_ title: String, _ scores: ClassScores) -> String {
      "<tr><th>\(escapedHTML(title))</th><td>\(formatFixed(scores.precision, digits: 4))</td><td>\(formatFixed(scores.recall, digits: 4))</td>"
        + "<td>\(formatFixed(scores.f1, digits: 4))</td><td>\(formatCount(scores.support))</td></tr>\n"
    }
    var shown = Array(evaluation.perLabel.indices)
    if shown.count > Self.mostRows {
      shown = shown.sorted { (-evaluation.perLabel[$0].support, $0) < (-evaluation.perLabel[$1].support, $1) }
      html += "<caption>The \(formatCount(Self.mostRows)) labels with the most records, of \(formatCount(shown.count)).</caption>\n"
    }
    for label in shown.prefix(Self.mostRows) { html += row(names[label], evaluation.perLabel[label]) }
    html += row("macro mean", evaluation.macro)
    return html + "</tbody></table></figure>\n"
  }

  private var thresholdHTML: String {
    guard let curve, case let points = curve.points, points.count > 1 else { return "" }
    let isSingle = evaluation?.task.kind == .singleLabel
    var html = "<h2>Threshold</h2>\n<p class=\"soft\">"
    html += isSingle
      ? "What <code>classify --threshold</code> comes to: how many of the answers are right, and how many of all records are answered rightly."
      : "What <code>classify --threshold</code> comes to: how many of the labels that are given hold, and how many of those that hold are given."
    html += "</p>\n<figure>\n<div class=\"key\"><span><i class=\"s1\"></i>precision</span><span><i class=\"s2\"></i>recall</span></div>\n"
    let chart = LineChart(
      summary: "Precision and recall by threshold",
      series: [
        .init(name: "precision", style: "s1", points: points.map { (Double($0.threshold), $0.precision) }),
        .init(name: "recall", style: "s2", points: points.map { (Double($0.threshold), $0.recall) }),
      ], xTitle: "threshold", startsAtZero: true, formatY: { formatPercent($0, digits: 0) }, formatX: { formatFixed($0, digits: 2) })
    html += chart.svg() + "</figure>\n"
    var wanted = [0.9, 0.95, 0.98, 0.99]
    if let wantedPrecision, !wanted.contains(wantedPrecision) { wanted.append(wantedPrecision) }
    let reached = wanted.sorted().compactMap { precision in curve.point(reaching: precision).map { (precision, $0) } }
    guard !reached.isEmpty else { return html }
    html += "<figure><table>\n<thead><tr><th>for a precision of</th><th>threshold</th><th>precision</th><th>recall</th><th>answers</th></tr></thead>\n<tbody>\n"
    for (precision, point) in reached {
      html += "<tr\(precision == wantedPrecision ? " class=\"best\"" : "")><th>\(formatPercent(precision))</th><td>\(point.threshold)</td>"
      html += "<td>\(formatFixed(point.precision, digits: 4))</td><td>\(formatFixed(point.recall, digits: 4))</td><td>\(formatCount(point.answered))</td></tr>\n"
    }
    return html + "</tbody></table></figure>\n"
  }

  private var calibrationHTML: String {
    guard let calibration, calibration.total > 0 else { return "" }
    return "<h2>Confidence</h2>\n<p class=\"soft\">How often the model is right when it says it is so sure. On the dashed line confidence and "
      + "accuracy agree; below it the model is too sure. The grey bars count the records. Expected calibration error: "
      + "\(formatFixed(calibration.expectedError, digits: 4)).</p>\n<figure>\n\(ReportFigures.calibration(calibration))</figure>\n"
  }

  private var slicesHTML: String {
    bars(lengthSlices, "Length against error", "by length of the text")
  }

  private var unknownHTML: String {
    var html = bars(unknownSlices, "Unknown words", "of texts with words that the vocabulary does not know, and without")
    guard !unknownExamples.isEmpty else { return html }
    html += "<figure><ol class=\"mistakes\">\n"
    for example in unknownExamples {
      html += "<li><blockquote>\(escapedHTML(example.text))</blockquote><div class=\"verdict\">\(formatPercent(example.share)) unknown\(placeHTML(example.place))</div></li>\n"
    }
    return html + "</ol></figure>\n"
  }

  private func bars(_ slices: [Slice], _ title: String, _ what: String) -> String {
    guard !slices.isEmpty else { return "" }
    let most = slices.compactMap(\.meanError).max() ?? 1
    var html = "<h2>\(title)</h2>\n<figure>\n"
    html += ReportFigures.bars(
      slices.map { slice in
        guard let error = slice.meanError else {
          return (slice.title, slice.accuracy, "\(formatPercent(slice.accuracy)) of \(formatCount(slice.count))")
        }
        return (slice.title, error, "\(formatFixed(error, digits: 4)) of \(formatCount(slice.count))")
      }, most: most)
    html += "<figcaption>\(slices.contains { $0.meanError != nil } ? "Mean absolute error" : "Accuracy") \(what)</figcaption></figure>\n"
    return html
  }

  private var doubtfulHTML: String {
    guard !doubtful.isEmpty else { return "" }
    return "<h2>Labels in doubt</h2>\n<p class=\"soft\">Here the model is at least as sure of another label as it is where the data have that label: "
      + "likely faults of the data. Look at these first.</p>\n" + list(doubtful)
  }

  private var mistakesHTML: String {
    guard !mistakes.isEmpty else { return "" }
    let isRegression = evaluation?.task.kind == .regression
    return "<h2>\(isRegression ? "Largest errors" : "Surest mistakes")</h2>\n<p class=\"soft\">Where the model was most "
      + "\(isRegression ? "off" : "certain and wrong"): worth reading. \(sharesSentence)</p>\n" + list(mistakes)
  }

  private var sharesSentence: String {
    guard mistakes.contains(where: { !$0.parts.isEmpty }) else { return "" }
    return "In the colour of the answer stand the words that speak for it, in that of the label those that speak against it, with what the answer "
      + "gains by them: its score less its score without the word."
  }

  private func list(_ mistakes: [Mistake]) -> String {
    var html = "<figure><ol class=\"mistakes\">\n"
    let isRegression = evaluation?.task.kind == .regression
    for mistake in mistakes {
      html += "<li><blockquote>\(markedHTML(mistake))</blockquote><div class=\"verdict\">is <b>\(escapedHTML(mistake.truth))</b>"
      html += mistake.truthScore.map { " (\(formatPercent($0)))" } ?? ""
      html += ", taken for <em>\(escapedHTML(mistake.prediction))</em>"
      html += isRegression ? ", off by \(formatFixed(mistake.confidence, digits: 4))" : " with \(formatPercent(mistake.confidence))"
      html += "\(placeHTML(mistake.place))</div>\(sharesHTML(mistake))</li>\n"
    }
    return html + "</ol></figure>\n"
  }

  /// The text with its words marked: in the colour of the answer what speaks for it, in that of the label what speaks against it.
  private func markedHTML(_ mistake: Mistake) -> String {
    let most = mistake.parts.compactMap { $0.share.map(abs) }.max() ?? 0
    guard most > 0 else { return escapedHTML(shortened(mistake.text, toWidth: Self.shownWidth)) }
    var html = ""
    var room = Self.shownWidth
    for part in mistake.parts where room > 0 {
      let text = escapedHTML(shortened(part.text, toWidth: room))
      room -= part.text.count
      guard let share = part.share, abs(share) >= 0.15 * most else {
        html += text
        continue
      }
      html += "<mark class=\"\(share > 0 ? "for" : "against")\(abs(share) >= 0.5 * most ? " most" : "")\">\(text)</mark>"
    }
    return html + (room > 0 ? "" : "…")
  }

  /// The words that do most, with their shares.
  private func sharesHTML(_ mistake: Mistake) -> String {
    let words = mistake.parts.compactMap { part in part.share.map { (text: part.text, share: $0) } }.filter { abs($0.share) >= 0.0005 }
    guard !words.isEmpty else { return "" }
    let shown = words.enumerated().sorted { (abs($0.element.share), $1.offset) > (abs($1.element.share), $0.offset) }.prefix(6).map(\.element)
    let list = shown.map { word in
      "\(escapedHTML(shortened(word.text, toWidth: 40)))&nbsp;\(word.share > 0 ? "+" : "−")\(formatFixed(abs(word.share), digits: 3))"
    }
    return "<div class=\"verdict\">the answer gains: \(list.joined(separator: " · "))</div>"
  }

  private static let shownWidth = 600

  private func placeHTML(_ place: String) -> String { place.isEmpty ? "" : " · \(escapedHTML(shortened(place, toWidth: 120)))" }
}
