import Tasks

/// The report as one self-contained page: inline style and drawings, nothing fetched, nothing run.
extension TrainingReport {
  package func html() -> String {
    var body = tilesHTML + Page.findings(findings) + lossHTML + metricsHTML + section.html + dataHTML
    body += Page.facts("Configuration", configuration) + Page.facts("Where it ran", environment)
    return Page.html(title: title, subtitle: subtitle, body: body)
  }

  private var tilesHTML: String {
    var tiles = headline
    if tiles.isEmpty, let last = evaluations.last {
      tiles = last.metrics.map { Fact(capitalized(plain($0.name)), formatPercent($0.value)) }
      if let loss = last.loss { tiles.append(Fact("Validation loss", formatFixed(loss, digits: 4))) }
    }
    return Page.tiles(tiles)
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

  private var dataHTML: String {
    guard !labelBalance.isEmpty else { return "" }
    let training = labelBalance.reduce(0) { $0 + $1.training }
    let validation = labelBalance.reduce(0) { $0 + $1.validation }
    let most = Double(labelBalance.map(\.training).max() ?? 0)
    return "<h2>The data</h2>\n<figure>\n"
      + ReportFigures.bars(
        labelBalance.map {
          ($0.label, Double($0.training), formatCount($0.training) + ($0.validation > 0 ? " + " + formatCount($0.validation) : ""))
        }, most: most)
      + "<figcaption>Training" + (validation > 0 ? " + validation" : "") + " records by label, \(formatCount(training))"
      + (validation > 0 ? " + \(formatCount(validation))" : "") + " in all</figcaption></figure>\n"
  }

  private func capitalized(_ text: String) -> String {
    guard let first = text.unicodeScalars.first else { return text }
    return first.properties.uppercaseMapping + String(text.unicodeScalars.dropFirst())
  }
}
