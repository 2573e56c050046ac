import JSON
import Martlet
import Storage
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// A base, a model tuned from it, and the delta between them, through the real program.
@Suite struct DeltaTests {
  @Test func fromTuningToClassifying() throws {
    try withWorkshop { workshop in
      let base = try workshop.pack(fixture("tiny-bert-encoder"), as: "base.martlet")
      let data = try workshop.writeTSV("train.tsv", labelledReviews(60))
      let tuned = workshop.path("tuned")
      let tuning = try martlet(
        "tune", base, "--train", data, "--output-dir", tuned, "--max-steps", "10", "--learning-rate", "1e-4", "--quiet", "--no-forecast")
      #expect(tuning.status == 0, "\(tuning.errors)")
      let full = try workshop.pack(tuned, as: "full.martlet")
      let delta = try workshop.pack(tuned, as: "delta.martlet", "--base", base, "--validation", data)
      #expect(try readFile(delta).count < readFile(full).count)

      let inspected = try martlet("inspect", delta, "--json").json()
      #expect(inspected["base"]?.string == base)
      #expect(inspected["sections"]?.array?.contains { $0["codec"]?.string == "delta" && ($0["load_seconds"]?.double ?? 0) > 0 } == true)
      #expect(inspected["quality"]?["validation_samples"]?.int == 60)
      let shown = try martlet("inspect", delta)
      #expect(shown.text.contains("base             \(base)") && shown.text.contains(" to decode when opened"), "\(shown.text)")

      // The same labels as the full bundle's on nearly all texts: each has its own grid.
      let input = reviews(300, seed: 31).map { $0 + "\n" }.joined()
      let expected = try martlet("classify", full, "--output", "label", input: input).lines
      let found = try martlet("classify", delta, "--output", "label", input: input)
      #expect(found.status == 0 && found.lines.count == 300, "\(found.errors)")
      #expect(zip(expected, found.lines).count { $0 == $1 } >= 290)
      #expect(try martlet("tokenize", delta, input: "good film\n").output == martlet("tokenize", full, input: "good film\n").output)
      #expect(try martlet("evaluate", delta, "--data", data).status == 0)

      // The base somewhere else, and none.
      let away = workshop.path("away/delta.martlet")
      _ = try workshop.write("away/delta.martlet", readFile(delta))
      for command in [["classify"], ["tokenize"], ["inspect"]] {
        expectFailure(try martlet(command + [away], input: "good\n"), naming: [away, "base.martlet", "no such file", "--base"])
        #expect(try martlet(command + [away, "--base", base], input: "good\n").status == 0)
        expectFailure(try martlet(command + [away, "--base", full], input: "good\n"), naming: [away, "not the base"])
        expectFailure(try martlet(command + [full, "--base", base], input: "good\n"), naming: [full, "not a delta"])
      }
      #expect(try Classifier(contentsOf: away, base: base).classify("good").logits == Classifier(contentsOf: delta).classify("good").logits)
      expectFailure(try martlet("pack", tuned, "-o", workshop.path("x.martlet"), "--base", delta), naming: ["another delta"])
      expectFailure(
        try martlet("pack", tuned, "-o", workshop.path("x.martlet"), "--base", try workshop.pack(tuned, as: "fp32.martlet", "--weights", "fp32")),
        naming: ["cannot be the base"])
      #expect(try martlet("pack", tuned, "-o", workshop.path("x.martlet"), "--base", base, "--mapped").status == 64)
      // A delta would take its base's place, or look for itself.
      let linked = workshop.path("linked.martlet")
      #expect(symlink(base, linked) == 0)
      let original = try readFile(base)
      for (output, from) in [(base, base), (base, linked), (workshop.path("away/base.martlet"), base)] {
        let outcome = try martlet("pack", tuned, "-o", output, "--base", from)
        #expect(outcome.status == 64 && outcome.errors.contains("another name than the base's"), "\(outcome.errors)")
      }
      #expect(try readFile(base) == original)
      #expect(try martlet("classify", tuned, "--base", base).status == 64)
    }
  }
}
