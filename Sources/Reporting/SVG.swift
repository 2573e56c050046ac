import Storage

/// The text as HTML and SVG want it, in content and in double-quoted attributes; control characters that XML forbids become U+FFFD.
package func escapedHTML(_ text: String) -> String {
  var escaped = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
    case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
    case ">": escaped.append(contentsOf: "&gt;".unicodeScalars)
    case "\"": escaped.append(contentsOf: "&quot;".unicodeScalars)
    case "'": escaped.append(contentsOf: "&#39;".unicodeScalars)
    case "\t", "\n", "\r": escaped.append(scalar)
    case _ where scalar.value < 0x20 || scalar.value == 0x7F || scalar.value & 0xFFFE == 0xFFFE: escaped.append("\u{FFFD}")
    default: escaped.append(scalar)
    }
  }
  return String(escaped)
}

/// A coordinate or size with as many digits as a screen shows.
func pixels(_ value: Double) -> String {
  let text = formatFixed(value, digits: 1)
  return text.utf8.suffix(2).elementsEqual(".0".utf8) ? String(text.unicodeScalars.dropLast(2)) : text
}

/// Round numbers that cover a range: steps of 1, 2 or 5 times a power of ten, about `count` of them.
func niceTicks(_ low: Double, _ high: Double, count: Int) -> [Double] {
  guard low.isFinite, high.isFinite, high > low, count > 0 else { return [low.isFinite ? low : 0] }
  let rough = (high - low) / Double(count)
  let power = Double.pow(10, Double.log10(rough).rounded(.down))
  let step = power * (rough / power <= 1.001 ? 1 : rough / power <= 2.001 ? 2 : rough / power <= 5.001 ? 5 : 10)
  let first = (low / step - 1e-9).rounded(.up)
  let last = (high / step + 1e-9).rounded(.down)
  guard last >= first else { return [low] }
  return (0...max(0, Int(saturating: min(last - first, 50)))).map { (first + Double($0)) * step }
}

/// Lines over a common x axis.
struct LineChart {
  struct Series {
    var name: String
    /// The CSS class that gives the colour: `s1` … `s5`.
    var style: String
    var points: [(x: Double, y: Double)]
    /// Few points that deserve a dot each.
    var hasDots = false
  }

  var summary: String
  var series: [Series]
  var xTitle = "step"
  var width = 720.0
  var height = 260.0
  /// Includes zero at the bottom.
  var startsAtZero = false
  var xTicks: [(place: Double, text: String)]?
  var formatY: (Double) -> String = { formatFixed($0, digits: 2) }
  var formatX: (Double) -> String = { formatCount(Int(saturating: $0)) }

  func svg() -> String {
    let drawn = series.map { one in
      var copy = one
      copy.points = thinned(one.points.filter { $0.x.isFinite && $0.y.isFinite })
      return copy
    }
    let points = drawn.flatMap(\.points)
    guard let firstPoint = points.first else { return "" }
    var (left, right, low, high) = (firstPoint.x, firstPoint.x, firstPoint.y, firstPoint.y)
    for point in points {
      (left, right) = (min(left, point.x), max(right, point.x))
      (low, high) = (min(low, point.y), max(high, point.y))
    }
    if startsAtZero { low = min(low, 0) }
    if high - low < 1e-12 * max(abs(high), 1e-30) { (low, high) = (low - max(abs(low) * 0.05, 1e-9), high + max(abs(high) * 0.05, 1e-9)) }
    if right == left { (left, right) = (left - 0.5, right + 0.5) }
    if !startsAtZero || low < 0 { low -= (high - low) * 0.06 }
    high += (high - low) * 0.06

    let (plotLeft, plotTop, plotRight, plotBottom) = (58.0, 12.0, width - 14, height - 34)
    func x(_ value: Double) -> Double { plotLeft + (value - left) / (right - left) * (plotRight - plotLeft) }
    func y(_ value: Double) -> Double { plotBottom - (value - low) / (high - low) * (plotBottom - plotTop) }

    var svg = "<svg viewBox=\"0 0 \(pixels(width)) \(pixels(height))\" role=\"img\" aria-label=\"\(escapedHTML(summary))\">\n"
    for tick in niceTicks(low, high, count: 5) {
      svg += "<line class=\"grid\" x1=\"\(pixels(plotLeft))\" x2=\"\(pixels(plotRight))\" y1=\"\(pixels(y(tick)))\" y2=\"\(pixels(y(tick)))\"/>"
      svg += "<text class=\"tick\" x=\"\(pixels(plotLeft - 8))\" y=\"\(pixels(y(tick) + 4))\" text-anchor=\"end\">\(escapedHTML(formatY(tick)))</text>\n"
    }
    let ticks = xTicks ?? niceTicks(left, right, count: 6).map { (place: $0, text: formatX($0)) }
    for tick in ticks {
      svg += "<text class=\"tick\" x=\"\(pixels(x(tick.place)))\" y=\"\(pixels(plotBottom + 17))\" text-anchor=\"middle\">\(escapedHTML(tick.text))</text>\n"
    }
    svg += "<text class=\"axis\" x=\"\(pixels((plotLeft + plotRight) / 2))\" y=\"\(pixels(height - 3))\" text-anchor=\"middle\">\(escapedHTML(xTitle))</text>\n"
    for one in drawn where !one.points.isEmpty {
      let path = one.points.map { "\(pixels(x($0.x))),\(pixels(y($0.y)))" }.joined(separator: " ")
      svg += "<polyline class=\"line \(one.style)\" points=\"\(path)\"/>\n"
      guard one.hasDots || one.points.count == 1 else { continue }
      for point in one.points {
        svg += "<circle class=\"dot \(one.style)\" cx=\"\(pixels(x(point.x)))\" cy=\"\(pixels(y(point.y)))\" r=\"4\">"
        svg += "<title>\(escapedHTML("\(one.name), \(xTitle) \(formatX(point.x)): \(formatFixed(point.y, digits: 4))"))</title></circle>\n"
      }
    }
    return svg + "</svg>\n"
  }

  /// At most about a thousand points, with the lowest and highest of each stretch kept so that no spike is lost.
  private func thinned(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
    guard points.count > 1200 else { return points }
    let stretch = points.count / 500
    var kept = [points[0]]
    var start = 1
    while start < points.count - 1 {
      let end = min(start + stretch, points.count - 1)
      var (lowest, highest) = (start, start)
      for index in start..<end {
        if points[index].y < points[lowest].y { lowest = index }
        if points[index].y > points[highest].y { highest = index }
      }
      kept.append(points[min(lowest, highest)])
      if lowest != highest { kept.append(points[max(lowest, highest)]) }
      start = end
    }
    return kept + [points[points.count - 1]]
  }
}
