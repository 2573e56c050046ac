import Tasks

/// The report as one self-contained page: inline style and drawings, nothing fetched, nothing run.
extension TrainingReport {
  package func html() -> String {
    var page = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    page += "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    page += "<title>\(escapedHTML(title))</title>\n<style>\n\(ReportStyle.css)\n</style>\n</head>\n<body>\n<main>\n"
    page += "<header>\(ReportStyle.bird)<div><h1>\(escapedHTML(title))</h1><div class=\"soft\">\(escapedHTML(subtitle))</div></div></header>\n"
    page += tilesHTML + findingsHTML + lossHTML + metricsHTML + confusionHTML + calibrationHTML + dataHTML + mistakesHTML
    page += factsHTML("Configuration", configuration) + factsHTML("Where it ran", environment)
    return page + "<footer>Made by Martlet. This page needs no network and runs no script.</footer>\n</main>\n</body>\n</html>\n"
  }

  private var tilesHTML: String {
    var tiles = headline
    if tiles.isEmpty, let last = evaluations.last {
      tiles = last.metrics.map { Fact(capitalized(plain($0.name)), formatPercent($0.value)) }
      if let loss = last.loss { tiles.append(Fact("Validation loss", formatFixed(loss, digits: 4))) }
    }
    guard !tiles.isEmpty else { return "" }
    let cells = tiles.map { "<div class=\"tile\"><b>\(escapedHTML($0.value))</b><span>\(escapedHTML($0.name))</span></div>\n" }
    return "<section class=\"tiles\">\n\(cells.joined())</section>\n"
  }

  private var findingsHTML: String {
    let found = findings
    guard !found.isEmpty else { return "" }
    return "<ul class=\"findings\">\n" + found.map { "<li>\(escapedHTML($0))</li>\n" }.joined() + "</ul>\n"
  }

  // MARK: Curves

  private var lossHTML: String {
    guard log.count > 1 || evaluations.count > 1 else { return "" }
    let training = LineChart.Series(name: "training loss", style: "s1", points: log.map { (Double($0.step), $0.loss) })
    let validation = LineChart.Series(
      name: "validation loss", style: "s2",
      points: evaluations.compactMap { point in point.loss.map { (Double(point.step), $0) } }, hasDots: true)
    let shown = [training, validation].filter { !$0.points.isEmpty }
    var html = "<h2>Loss</h2>\n"
    html += "<p class=\"soft\">Training loss is the mean since the point before; validation loss the mean over all validation records.</p>\n"
    html += figure(LineChart(summary: "Loss by step", series: shown, startsAtZero: true), caption: nil)
    guard log.count > 1 else { return html }
    let rate = LineChart(
      summary: "Learning rate by step",
      series: [.init(name: "learning rate", style: "s3", points: log.map { (Double($0.step), $0.learningRate) })], width: 400, height: 200,
      startsAtZero: true, formatY: { $0 == 0 ? "0" : formatScientific($0, digits: 1) })
    let norms = log.compactMap { point in point.gradientNorm.map { (Double(point.step), $0) } }
    let largestNorm = norms.map(\.1).max() ?? 0
    let norm = LineChart(
      summary: "Gradient norm by step", series: [.init(name: "gradient norm", style: "s4", points: norms)], width: 400, height: 200,
      startsAtZero: true, formatY: { formatFixed($0, digits: largestNorm < 10 ? 1 : 0) })
    html += "<div class=\"pair\">\n" + figure(rate, caption: "Learning rate")
    if norms.count > 1 { html += figure(norm, caption: "Norm of the gradient, before clipping") }
    return html + "</div>\n"
  }

  private func figure(_ chart: LineChart, caption: String?) -> String {
    var key = ""
    if chart.series.count > 1 {
      key = "<div class=\"key\">" + chart.series.map { "<span><i class=\"\($0.style)\"></i>\(escapedHTML($0.name))</span>" }.joined() + "</div>\n"
    }
    return "<figure>\n" + key + chart.svg() + (caption.map { "<figcaption>\(escapedHTML($0))</figcaption>\n" } ?? "") + "</figure>\n"
  }

  private var metricsHTML: String {
    guard let last = evaluations.last else { return "" }
    let names = last.metrics.map(\.name)
    func value(_ evaluation: Evaluation, _ name: String) -> Double? { evaluation.metrics.first { $0.name == name }?.value }
    var html = "<h2>Validation</h2>\n"
    if evaluations.count > 1 {
      let series = names.prefix(5).enumerated().map { index, name in
        LineChart.Series(
          name: plain(name), style: "s\(index + 1)",
          points: evaluations.compactMap { point in value(point, name).map { (point.epoch, $0) } }, hasDots: true)
      }
      let ticks = evaluations.count <= 12 ? evaluations.map { (place: $0.epoch, text: epochCount($0.epoch)) } : nil
      html += figure(
        LineChart(
          summary: "Metrics by epoch", series: series, xTitle: "epoch", xTicks: ticks, formatY: { formatPercent($0) },
          formatX: { epochCount($0) }), caption: nil)
    }
    let best = names.first.flatMap { name in evaluations.compactMap { value($0, name) }.max() }
    html += "<figure><table>\n<thead><tr><th>epoch</th><th>step</th>"
    html += names.map { "<th>\(escapedHTML(plain($0)))</th>" }.joined() + "<th>loss</th></tr></thead>\n<tbody>\n"
    for evaluation in evaluations {
      let isBest = evaluations.count > 1 && names.first.flatMap { value(evaluation, $0) } == best
      html += "<tr\(isBest ? " class=\"best\"" : "")><td>\(epochCount(evaluation.epoch))</td><td>\(formatCount(evaluation.step))</td>"
      html += names.map { "<td>" + (value(evaluation, $0).map { formatFixed($0, digits: 4) } ?? "") + "</td>" }.joined()
      html += "<td>" + (evaluation.loss.map { formatFixed($0, digits: 4) } ?? "") + "</td></tr>\n"
    }
    return html + "</tbody></table></figure>\n"
  }

  // MARK: The last evaluation

  private var confusionHTML: String {
    guard let evaluation, let confusion = evaluation.confusion, confusion.total > 0 else { return "" }
    let names = evaluation.task.labels
    var html = "<h2>Confusion</h2>\n<p class=\"soft\">Each row is a label as it is in the data; the shade is the share of that row.</p>\n"
    if confusion.classes <= 80 { html += "<figure>\n\(ReportFigures.confusion(confusion, labels: names))</figure>\n" }
    html += "<figure><table>\n<thead><tr><th>label</th><th>precision</th><th>recall</th><th>F1</th><th>records</th></tr></thead>\n<tbody>\n"
    func row(_ title: String, _ scores: ClassScores) -> String {
      "<tr><th>\(escapedHTML(title))</th><td>\(formatFixed(scores.precision, digits: 4))</td><td>\(formatFixed(scores.recall, digits: 4))</td>"
        + "<td>\(formatFixed(scores.f1, digits: 4))</td><td>\(formatCount(scores.support))</td></tr>\n"
    }
    for (index, scores) in evaluation.perLabel.enumerated() { html += row(names[index], scores) }
    html += row("macro mean", evaluation.macro)
    return html + "</tbody></table></figure>\n"
  }

  private var calibrationHTML: String {
    guard let calibration, calibration.total > 0 else { return "" }
    return "<h2>Confidence</h2>\n<p class=\"soft\">How often the model is right when it says it is so sure. On the dashed line confidence and "
      + "accuracy agree; below it the model is too sure. The grey bars count the records. Expected calibration error: "
      + "\(formatFixed(calibration.expectedError, digits: 4)).</p>\n<figure>\n\(ReportFigures.calibration(calibration))</figure>\n"
  }

  private var dataHTML: String {
    var html = ""
    if !labelBalance.isEmpty {
      let training = labelBalance.reduce(0) { $0 + $1.training }
      let validation = labelBalance.reduce(0) { $0 + $1.validation }
      let most = Double(labelBalance.map(\.training).max() ?? 0)
      html += "<figure>\n" + ReportFigures.bars(
        labelBalance.map {
          ($0.label, Double($0.training), formatCount($0.training) + ($0.validation > 0 ? " + " + formatCount($0.validation) : ""))
        }, most: most)
      html += "<figcaption>Training" + (validation > 0 ? " + validation" : "") + " records by label, \(formatCount(training))"
        + (validation > 0 ? " + \(formatCount(validation))" : "") + " in all</figcaption></figure>\n"
    }
    if !lengthSlices.isEmpty {
      html += "<figure>\n" + ReportFigures.bars(
        lengthSlices.map { ($0.title, $0.accuracy, "\(formatPercent($0.accuracy)) of \(formatCount($0.count))") }, most: 1)
      html += "<figcaption>Accuracy on the validation data by length of the text</figcaption></figure>\n"
    }
    return html.isEmpty ? "" : "<h2>The data</h2>\n" + html
  }

  private var mistakesHTML: String {
    guard !mistakes.isEmpty else { return "" }
    var html = "<h2>Surest mistakes</h2>\n<p class=\"soft\">Where the model was most certain and wrong: worth reading, for some are labels to mend.</p>\n"
    html += "<figure><ol class=\"mistakes\">\n"
    for mistake in mistakes {
      html += "<li><blockquote>\(escapedHTML(shortened(mistake.text, toWidth: 600)))</blockquote><div class=\"verdict\">is <b>\(escapedHTML(mistake.truth))</b>, "
        + "taken for <em>\(escapedHTML(mistake.prediction))</em> with \(formatPercent(mistake.confidence))</div></li>\n"
    }
    return html + "</ol></figure>\n"
  }

  private func factsHTML(_ title: String, _ facts: [Fact]) -> String {
    guard !facts.isEmpty else { return "" }
    let rows = facts.map { "<tr><th>\(escapedHTML($0.name))</th><td>\(escapedHTML($0.value))</td></tr>\n" }
    return "<h2>\(title)</h2>\n<figure><table class=\"facts\">\n\(rows.joined())</table></figure>\n"
  }

  private func capitalized(_ text: String) -> String {
    guard let first = text.unicodeScalars.first else { return text }
    return first.properties.uppercaseMapping + String(text.unicodeScalars.dropFirst())
  }
}
