import Tasks

/// The figures that are not lines.
enum ReportFigures {
  /// Rows are the truth, columns the prediction; the shade is the share of the row. Numbers are shown up to twelve classes.
  static func confusion(_ matrix: ConfusionMatrix, labels: [String]) -> String {
    let classes = matrix.classes
    let hasNumbers = classes <= 12
    let names = labels.map { shortened($0, toWidth: 18) }
    let side = hasNumbers ? max(44.0, min(96, 420 / Double(classes))) : max(6, 480 / Double(classes))
    let left = 24 + 7.5 * Double(names.map(displayWidth).max() ?? 0)
    let isSlanted = Double(names.map(displayWidth).max() ?? 0) * 7.5 > side - 6
    let top = isSlanted ? left * 0.72 + 26 : 46
    let width = left + side * Double(classes) + (isSlanted ? left * 0.7 : 12)
    let height = top + side * Double(classes) + 8
    var svg = "<svg viewBox=\"0 0 \(pixels(width)) \(pixels(height))\" style=\"max-width:\(pixels(min(width, 720)))px\" role=\"img\" "
      + "aria-label=\"Confusion matrix, truth by prediction\">\n"
    svg += "<text class=\"axis\" x=\"\(pixels(left + side * Double(classes) / 2))\" y=\"12\" text-anchor=\"middle\">predicted</text>\n"
    svg += "<text class=\"axis\" transform=\"translate(12 \(pixels(top + side * Double(classes) / 2))) rotate(-90)\" text-anchor=\"middle\">truth</text>\n"
    for truth in 0..<classes {
      let y = top + side * Double(truth)
      let support = matrix.support(of: truth)
      if hasNumbers || classes <= 40 {
        svg += "<text class=\"tick\" x=\"\(pixels(left - 8))\" y=\"\(pixels(y + side / 2 + 4))\" text-anchor=\"end\">\(escapedHTML(names[truth]))</text>\n"
        let x = left + side * (Double(truth) + 0.5)
        svg += isSlanted
          ? "<text class=\"tick\" transform=\"translate(\(pixels(x)) \(pixels(top - 8))) rotate(-45)\">\(escapedHTML(names[truth]))</text>\n"
          : "<text class=\"tick\" x=\"\(pixels(x))\" y=\"\(pixels(top - 10))\" text-anchor=\"middle\">\(escapedHTML(names[truth]))</text>\n"
      }
      for prediction in 0..<classes {
        let x = left + side * Double(prediction)
        let count = matrix[truth, prediction]
        let share = support == 0 ? 0 : Double(count) / Double(support)
        let kind = truth == prediction ? "right" : "wrong"
        svg += "<rect class=\"\(kind)\" x=\"\(pixels(x + 1))\" y=\"\(pixels(y + 1))\" width=\"\(pixels(side - 2))\" height=\"\(pixels(side - 2))\" "
          + "rx=\"\(hasNumbers ? 6 : 1)\" fill-opacity=\"\(formatFixed(0.06 + 0.94 * share, digits: 3))\">"
        svg += "<title>\(escapedHTML("\(labels[truth]) → \(labels[prediction]): \(formatCount(count)) (\(formatPercent(share)))"))</title></rect>\n"
        guard hasNumbers else { continue }
        let ink = share > 0.5 ? "cell strong" : count == 0 ? "cell none" : "cell"
        let hasShare = side >= 56 && count > 0
        svg += "<text class=\"\(ink)\" x=\"\(pixels(x + side / 2))\" y=\"\(pixels(y + side / 2 + (hasShare ? -1 : 5)))\" text-anchor=\"middle\">\(formatCount(count))</text>\n"
        if hasShare {
          svg += "<text class=\"\(ink) small\" x=\"\(pixels(x + side / 2))\" y=\"\(pixels(y + side / 2 + 15))\" text-anchor=\"middle\">\(formatPercent(share))</text>\n"
        }
      }
    }
    return svg + "</svg>\n"
  }

  /// Accuracy over confidence, bin by bin, against the diagonal; below it how many records each bin has.
  static func calibration(_ calibration: CalibrationBins) -> String {
    let bins = calibration.bins
    let (left, top, side, histogram) = (52.0, 10.0, 300.0, 60.0)
    let bottom = top + side
    let step = side / Double(bins.count)
    let most = Double(max(bins.map(\.count).max() ?? 1, 1))
    var svg = "<svg viewBox=\"0 0 372 \(pixels(bottom + histogram + 50))\" style=\"max-width:420px\" role=\"img\" aria-label=\"Accuracy by confidence\">\n"
    for tick in [0.0, 0.25, 0.5, 0.75, 1] {
      let y = bottom - tick * side
      svg += "<line class=\"grid\" x1=\"\(pixels(left))\" x2=\"\(pixels(left + side))\" y1=\"\(pixels(y))\" y2=\"\(pixels(y))\"/>"
      svg += "<text class=\"tick\" x=\"\(pixels(left - 8))\" y=\"\(pixels(y + 4))\" text-anchor=\"end\">\(formatPercent(tick, digits: 0))</text>"
      svg += "<text class=\"tick\" x=\"\(pixels(left + tick * side))\" y=\"\(pixels(bottom + histogram + 27))\" text-anchor=\"middle\">\(formatPercent(tick, digits: 0))</text>\n"
    }
    for (index, bin) in bins.enumerated() where bin.count > 0 {
      let x = left + step * Double(index)
      let about = "confidence \(formatPercent(bin.confidence)), accuracy \(formatPercent(bin.accuracy)), \(formatCount(bin.count)) records"
      svg += "<rect class=\"bar\" x=\"\(pixels(x + 1))\" width=\"\(pixels(step - 2))\" y=\"\(pixels(bottom - bin.accuracy * side))\" height=\"\(pixels(bin.accuracy * side))\" rx=\"2\"><title>\(about)</title></rect>"
      let height = max(Double(bin.count) / most * histogram, 1)
      svg += "<rect class=\"faint\" x=\"\(pixels(x + 1))\" width=\"\(pixels(step - 2))\" y=\"\(pixels(bottom + 10 + histogram - height))\" height=\"\(pixels(height))\" rx=\"2\"><title>\(about)</title></rect>\n"
    }
    svg += "<line class=\"ideal\" x1=\"\(pixels(left))\" y1=\"\(pixels(bottom))\" x2=\"\(pixels(left + side))\" y2=\"\(pixels(top))\"/>\n"
    svg += "<text class=\"axis\" x=\"\(pixels(left + side / 2))\" y=\"\(pixels(bottom + histogram + 46))\" text-anchor=\"middle\">confidence</text>\n"
    svg += "<text class=\"axis\" transform=\"translate(11 \(pixels(top + side / 2))) rotate(-90)\" text-anchor=\"middle\">accuracy</text>\n"
    return svg + "</svg>\n"
  }

  /// Named horizontal bars, each a share of `most`.
  static func bars(_ rows: [(name: String, value: Double, text: String)], most: Double) -> String {
    var html = "<table class=\"bars\">\n"
    for row in rows {
      let share = most > 0 ? min(max(row.value / most, 0), 1) : 0
      html += "<tr><th>\(escapedHTML(row.name))</th><td class=\"track\"><span style=\"width:\(formatFixed(share * 100, digits: 1))%\"></span></td>"
        + "<td>\(escapedHTML(row.text))</td></tr>\n"
    }
    return html + "</table>\n"
  }
}
