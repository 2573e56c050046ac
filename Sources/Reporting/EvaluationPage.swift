import Tasks

/// The page of `evaluate --report`: one model on data, or several models on the same data.
package struct EvaluationPage: Sendable {
  /// A model and how it did.
  package struct Model: Sendable {
    package var name: String
    package var section: EvaluationSection
    package init(name: String, section: EvaluationSection) { (self.name, self.section) = (name, section) }
  }

  /// A model against the first.
  package struct Comparison: Sendable {
    package var name: String
    package var comparison: ModelComparison
    /// The texts on which they differ, as `comparison.examples` has them.
    package var texts: [(text: String, place: String, truth: String)]

    package init(name: String, comparison: ModelComparison, texts: [(text: String, place: String, truth: String)]) {
      (self.name, self.comparison, self.texts) = (name, comparison, texts)
    }
  }

  package var data: String
  package var models: [Model]
  package var comparisons: [Comparison] = []
  package var facts: [Fact] = []

  package init(data: String, models: [Model]) { (self.data, self.models) = (data, models) }

  package func html() -> String {
    guard let first = models.first else { return Page.html(title: "No model", subtitle: data, body: "") }
    var body = ""
    if models.count == 1 {
      body += Page.tiles(tiles(first.section)) + Page.findings(first.section.findings) + first.section.html
    } else {
      body += figuresHTML + comparisons.map(html).joined()
      for model in models {
        body += "<h2>\(escapedHTML(shortened(model.name, toWidth: 120)))</h2>\n" + Page.findings(model.section.findings)
        body += "<details><summary>All of \(escapedHTML(shortened(model.name, toWidth: 120)))</summary>\n\(model.section.html)</details>\n"
      }
    }
    body += Page.facts("How it was measured", facts)
    let title = models.count == 1 ? "Evaluation of \(first.name)" : "\(models.count) models compared"
    return Page.html(title: shortened(title, toWidth: 200), subtitle: shortened(data, toWidth: 200), body: body)
  }

  private func tiles(_ section: EvaluationSection) -> [Fact] {
    guard let evaluation = section.evaluation else { return [] }
    return evaluation.figures.map { Fact($0.name.split(separator: "_").joined(separator: " "), formatFixed($0.value, digits: 4)) }
      + [Fact("texts", formatCount(evaluation.samples))]
  }

  private var figuresHTML: String {
    let names = models.first?.section.evaluation?.figures.map(\.name) ?? []
    var html = "<figure><table>\n<thead><tr><th>model</th>" + names.map { "<th>\(escapedHTML($0))</th>" }.joined() + "</tr></thead>\n<tbody>\n"
    for model in models {
      html += "<tr><th>\(escapedHTML(shortened(model.name, toWidth: 60)))</th>"
      html += (model.section.evaluation?.figures ?? []).map { "<td>\(formatFixed($0.value, digits: 4))</td>" }.joined() + "</tr>\n"
    }
    return html + "</tbody></table></figure>\n"
  }

  private func html(_ comparison: Comparison) -> String {
    let name = shortened(comparison.name, toWidth: 120)
    let first = shortened(models.first?.name ?? "", toWidth: 120)
    var html = "<h2>\(escapedHTML(name)) against \(escapedHTML(first))</h2>\n"
    html += "<p>\(escapedHTML(comparison.comparison.sentence))</p>\n"
    guard !comparison.texts.isEmpty else { return html }
    html += "<figure><ol class=\"mistakes\">\n"
    for (difference, text) in zip(comparison.comparison.examples, comparison.texts) {
      html += "<li><blockquote>\(escapedHTML(shortened(text.text, toWidth: 600)))</blockquote><div class=\"verdict\">"
      html += "is <b>\(escapedHTML(shortened(text.truth, toWidth: 120)))</b>: \(escapedHTML(first)) says <em>\(escapedHTML(shortened(difference.first, toWidth: 120)))</em>, "
      html += "\(escapedHTML(name)) <em>\(escapedHTML(shortened(difference.second, toWidth: 120)))</em> · \(escapedHTML(shortened(text.place, toWidth: 120)))</div></li>\n"
    }
    return html + "</ol></figure>\n"
  }
}

extension ModelComparison {
  /// The comparison in a sentence, for a terminal and a page.
  package var sentence: String {
    let change = second - first
    var text = "\(figureName) \(formatFixed(second, digits: 4)) against \(formatFixed(first, digits: 4)) (\(change < 0 ? "" : "+")\(formatFixed(change, digits: 4)))"
    if let onlyFirst, let onlySecond {
      text += ": \(formatCount(onlySecond)) texts are right here alone, \(formatCount(onlyFirst)) there alone"
    }
    text += "; \(test.method.rawValue): p = \(test.pValue < 0.0001 ? formatScientific(test.pValue) : formatFixed(test.pValue, digits: 4))"
    if let interval = test.interval {
      text += ", 95 % of the differences from \(formatFixed(interval.lowerBound, digits: 4)) to \(formatFixed(interval.upperBound, digits: 4))"
    }
    return text + (test.pValue < 0.05 ? "" : ", which chance may have made") + ". They differ on \(formatCount(differing)) texts."
  }
}
