import Storage

/// Numbers as people read them, the same in every locale. A line in a log, a table cell and the report use these and nothing else.

/// With so many digits after the point, as C's `%.*f`; `nan` and `inf` by name.
package func formatFixed(_ value: Double, digits: Int) -> String {
  guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  let scaled = (abs(value) * scale).rounded(.toNearestOrEven)
  guard scaled < 1e18 else { return value.description }
  let sign = value < 0 && scaled > 0 ? "-" : ""
  let (whole, fraction) = Int(saturating: scaled).quotientAndRemainder(dividingBy: Int(saturating: scale))
  guard digits > 0 else { return sign + String(whole) }
  let tail = String(fraction)
  return sign + String(whole) + "." + String(repeating: "0", count: digits - tail.utf8.count) + tail
}

/// As C's `%.*e`: `1.85e-05`.
package func formatScientific(_ value: Double, digits: Int = 2) -> String {
  guard value.isFinite, value != 0 else { return value == 0 ? formatFixed(0, digits: digits) + "e+00" : formatFixed(value, digits: 0) }
  var exponent = Int(saturating: Double.log10(abs(value)).rounded(.down))
  var mantissa = value / Double.pow(10, Double(exponent))
  // The logarithm may be off by one at powers of ten, and rounding may carry into another digit.
  if abs(mantissa) < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
  if abs(mantissa) >= 10 - 0.5 * Double.pow(10, -Double(digits)) { (mantissa, exponent) = (mantissa < 0 ? -1 : 1, exponent + 1) }
  let size = abs(exponent)
  return formatFixed(mantissa, digits: digits) + (exponent < 0 ? "e-" : "e+") + (size < 10 ? "0" : "") + String(size)
}

/// `12,345`.
package func formatCount(_ count: Int) -> String {
  let digits = Array(String(count.magnitude).utf8)
  var text = count < 0 ? "-" : ""
  for (index, digit) in digits.enumerated() {
    if index > 0 && (digits.count - index) % 3 == 0 { text += "," }
    text.unicodeScalars.append(Unicode.Scalar(digit))
  }
  return text
}

/// `512 B`, `22.7 MB`: powers of a thousand, three digits at most before the point.
package func formatBytes(_ bytes: Int) -> String {
  var value = Double(bytes)
  for unit in ["B", "kB", "MB", "GB", "TB"] {
    if abs(value) < 999.95 || unit == "TB" { return formatFixed(value, digits: unit == "B" ? 0 : 1) + " " + unit }
    value /= 1000
  }
  return "\(bytes) B"
}

/// `850 ms`, `12.3 s`, `4 min 05 s`, `2 h 07 min`, `3 d 04 h`.
package func formatDuration(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds >= 0 else { return "unknown" }
  if seconds < 0.9995 { return formatFixed(seconds * 1000, digits: seconds < 0.00995 ? 1 : 0) + " ms" }
  if seconds < 59.95 { return formatFixed(seconds, digits: 1) + " s" }
  let whole = Int(saturating: min(seconds.rounded(), 1e15))
  func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
  if whole < 3600 { return "\(whole / 60) min \(two(whole % 60)) s" }
  let minutes = (whole + 30) / 60
  if minutes < 24 * 60 { return "\(minutes / 60) h \(two(minutes % 60)) min" }
  let hours = (minutes + 30) / 60
  return "\(hours / 24) d \(two(hours % 24)) h"
}

/// `1,234` from a thousand up, fewer digits after the point the larger it is.
package func formatRate(_ perSecond: Double) -> String {
  guard perSecond.isFinite else { return formatFixed(perSecond, digits: 0) }
  if perSecond >= 99.95 { return formatCount(Int(saturating: min(perSecond.rounded(), 1e18))) }
  return formatFixed(perSecond, digits: perSecond >= 9.995 ? 1 : 2)
}

/// `87.4 %`.
package func formatPercent(_ share: Double, digits: Int = 1) -> String { formatFixed(share * 100, digits: digits) + " %" }

/// How many columns a terminal gives a text: none for what combines, two for East Asian wide scalars and emoji.
package func displayWidth(_ text: String) -> Int {
  text.unicodeScalars.reduce(0) { width, scalar in
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control: return width
    default: break
    }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE4F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
      return width + 2
    default: return width + 1
    }
  }
}

/// The text on one line, control characters as blanks, and at most so many columns wide, with `…` where it was cut.
package func shortened(_ text: String, toWidth width: Int) -> String {
  var line = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    line.append(scalar.properties.generalCategory == .control ? " " : scalar)
    if line.count > 4 * width + 64 { break }
  }
  guard displayWidth(String(line)) > width else { return String(line) }
  while let _ = line.popLast(), displayWidth(String(line)) > width - 1 {}
  return String(line) + (width > 0 ? "…" : "")
}
