import Storage
import Testing

@Suite struct OneLineTests {
  @Test(arguments: [
    ("plain", "plain"), ("", ""), ("é 中 👩‍👩‍👧 \\ \" `", "é 中 👩‍👩‍👧 \\ \" `"), ("a\nb\r\nc\td", #"a\nb\r\nc\td"#),
    ("\u{1B}[31mred\u{0}\u{7F}\u{9B}", #"\u001b[31mred\u0000\u007f\u009b"#), ("\u{2028}\u{2029}\u{85}", #"\u2028\u2029\u0085"#),
    ("\u{202E}evil\u{202C}\u{2066}\u{2069}\u{200E}\u{200F}\u{61C}", #"\u202eevil\u202c\u2066\u2069\u200e\u200f\u061c"#),
  ]) func escapes(text: String, written: String) {
    #expect(text.onOneLine == written)
    #expect(text.excerpt == written)
    // Nothing is escaped twice.
    #expect(text.excerpt.onOneLine == written)
  }

  @Test func excerptsHaveAnEnd() {
    let hundred = String(repeating: "x", count: 100)
    #expect(hundred.excerpt == hundred)
    #expect((hundred + "y").excerpt == hundred.dropLast() + "…")
    // An escape is whole or not there.
    for count in 90...100 {
      let text = (String(repeating: "x", count: count) + "\u{1B}\u{1B}").excerpt
      #expect(text.unicodeScalars.count <= 100)
      #expect(count > 93 ? text.hasSuffix("x…") : text.hasSuffix(#"\u001b…"#), "\(count): \(text)")
    }
    #expect(String(repeating: "\n", count: 1 << 20).excerpt == String(repeating: #"\n"#, count: 49) + "…")
    #expect(String(repeating: "中", count: 200).excerpt.unicodeScalars.count == 100)
  }

  @Test func lists() {
    #expect([String]().excerpts() == "")
    #expect(["a", "b\n", "c"].excerpts() == #"a, b\n, c"#)
    #expect(["a", "b", "c", "d", "e"].excerpts() == "a, b, c and 2 more")
    #expect((0..<5000).map { "tensor \($0)" }.excerpts(1) == "tensor 0 and 4999 more")
  }
}
