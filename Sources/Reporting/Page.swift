/// What every page has: one file, inline style and drawings, nothing fetched, nothing run.
enum Page {
  static func html(title: String, subtitle: String, body: String) -> String {
    var page = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    page += "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    page += "<title>\(escapedHTML(title))</title>\n<style>\n\(ReportStyle.css)\n</style>\n</head>\n<body>\n<main>\n"
    page += "<header>\(ReportStyle.bird)<div><h1>\(escapedHTML(title))</h1><div class=\"soft\">\(escapedHTML(subtitle))</div></div></header>\n"
    return page + body + "<footer>Made by Martlet. This page needs no network and runs no script.</footer>\n</main>\n</body>\n</html>\n"
  }

  static func tiles(_ tiles: [Fact]) -> String {
    guard !tiles.isEmpty else { return "" }
    let cells = tiles.map { "<div class=\"tile\"><b>\(escapedHTML($0.value))</b><span>\(escapedHTML($0.name))</span></div>\n" }
    return "<section class=\"tiles\">\n\(cells.joined())</section>\n"
  }

  static func findings(_ found: [String]) -> String {
    guard !found.isEmpty else { return "" }
    return "<ul class=\"findings\">\n" + found.map { "<li>\(escapedHTML($0))</li>\n" }.joined() + "</ul>\n"
  }

  static func facts(_ title: String, _ facts: [Fact]) -> String {
    guard !facts.isEmpty else { return "" }
    let rows = facts.map { "<tr><th>\(escapedHTML($0.name))</th><td>\(escapedHTML($0.value))</td></tr>\n" }
    return "<h2>\(title)</h2>\n<figure><table class=\"facts\">\n\(rows.joined())</table></figure>\n"
  }
}

/// A name and a value, as text.
package struct Fact: Sendable, Equatable {
  package var name: String
  package var value: String
  package init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
}
