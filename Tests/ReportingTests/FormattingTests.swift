import Reporting
import Testing

@Suite struct FormattingTests {
  @Test func fixedDigits() {
    #expect(formatFixed(0.32906, digits: 4) == "0.3291")
    #expect(formatFixed(-0.00001, digits: 2) == "0.00")
    #expect(formatFixed(-1.005, digits: 1) == "-1.0")
    #expect(formatFixed(2, digits: 0) == "2")
    #expect(formatFixed(99.999, digits: 2) == "100.00")
    #expect(formatFixed(.nan, digits: 2) == "nan" && formatFixed(-.infinity, digits: 2) == "-inf")
    #expect(formatFixed(1e300, digits: 2) == "1e+300")
  }

  @Test func scientific() {
    #expect(formatScientific(2e-5) == "2.00e-05")
    #expect(formatScientific(1.17477e-5) == "1.17e-05")
    #expect(formatScientific(9.999e-5) == "1.00e-04")
    #expect(formatScientific(0.001) == "1.00e-03")
    #expect(formatScientific(1e-10) == "1.00e-10" && formatScientific(-3.5e120) == "-3.50e+120")
    #expect(formatScientific(0) == "0.00e+00")
  }

  @Test func countsBytesAndRates() {
    #expect(formatCount(0) == "0" && formatCount(999) == "999" && formatCount(1000) == "1,000")
    #expect(formatCount(-1_234_567) == "-1,234,567" && formatCount(.min) == "-9,223,372,036,854,775,808")
    #expect(formatBytes(0) == "0 B" && formatBytes(999) == "999 B" && formatBytes(1000) == "1.0 kB")
    #expect(formatBytes(22_700_000) == "22.7 MB" && formatBytes(999_990_000) == "1.0 GB")
    #expect(formatRate(8213.4) == "8,213" && formatRate(12.34) == "12.3" && formatRate(0.5) == "0.50")
    #expect(formatPercent(0.8635) == "86.4 %" && formatPercent(1, digits: 0) == "100 %")
  }

  @Test func durations() {
    #expect(formatDuration(0) == "0.0 ms" && formatDuration(0.0021) == "2.1 ms" && formatDuration(0.85) == "850 ms")
    #expect(formatDuration(0.9999) == "1.0 s" && formatDuration(12.34) == "12.3 s" && formatDuration(59.96) == "1 min 00 s")
    #expect(formatDuration(245) == "4 min 05 s" && formatDuration(3599.7) == "1 h 00 min")
    #expect(formatDuration(7620) == "2 h 07 min" && formatDuration(86_400 * 3 + 4 * 3600) == "3 d 04 h")
    #expect(formatDuration(.infinity) == "unknown" && formatDuration(-1) == "unknown")
  }

  @Test func widthsAndShortening() {
    #expect(displayWidth("abc") == 3 && displayWidth("e\u{301}") == 1 && displayWidth("日本") == 4 && displayWidth("😀") == 2)
    #expect(shortened("abc", toWidth: 3) == "abc" && shortened("abcd", toWidth: 3) == "ab…")
    #expect(shortened("a\nb\tc", toWidth: 10) == "a b c")
    #expect(displayWidth(shortened("日本語", toWidth: 4)) <= 4)
    #expect(displayWidth(shortened(String(repeating: "x", count: 1_000_000), toWidth: 20)) == 20)
    #expect(shortened("abc", toWidth: 0) == "")
  }

  @Test func tables() {
    var table = TextTable([.init("label", .left), .init("precision"), .init("records")])
    table.add(["negative", "0.8772", "428"])
    table.add(["日本", "1", "12,345"])
    table.add(["x"])
    #expect(
      table.text(indent: 2) == """
          label     precision  records
          negative     0.8772      428
          日本              1   12,345
          x

        """)
    var plain = TextTable([.init("", .left), .init("", .left)])
    plain.add(["family", "bert"])
    plain.add(["labels", "a, b"])
    #expect(plain.text() == "family  bert\nlabels  a, b\n")
  }
}
