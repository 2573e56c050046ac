import Bundles
import JSON
import Kernels
import Records
import Storage
import Tasks
import TestSupport
import Testing
import WeightFormats

@Suite struct PackTests {
  @Test func options() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("data.tsv", labelledReviews(30))
      func pack(_ options: String...) throws -> (json: JSONValue, bundle: Bundle) {
        let path = workshop.path("packed.martlet")
        let outcome = try martlet(["pack", fixture("tiny-bert"), "-o", path, "--json"] + options)
        try #require(outcome.status == 0, "\(outcome.errors)")
        let json = try outcome.json()
        let bundle = try Bundle(path: path)
        #expect(json["file"]?.string == path && json["bytes"]?.int == bundle.fileSize)
        #expect(json["sections"]?.array?.count == bundle.entries.count)
        return (json, bundle)
      }
      let mapped = try pack("--mapped")
      #expect(try readFile(workshop.path("packed.martlet")) == readFile(workshop.bundle), "--mapped and int8 are the defaults")
      #expect(mapped.bundle.entries(.matrix).allSatisfy { $0.codec == .stored })
      #expect(mapped.bundle.entries(.matrix).contains { $0.layout == Int8Format.matrixLayout })
      #expect(mapped.bundle.entries(.sourceFile).isEmpty && mapped.json["quality"]?.isNull == true)
      #expect(mapped.json["signal_to_noise_db"]?["bert.pooler.dense"]?.double ?? 0 > 30)

      let compact = try pack("--compact")
      #expect(compact.bundle.fileSize < mapped.bundle.fileSize)

      let fp32 = try pack("--weights", "fp32", "--carry-source", "--card", "licence=MIT", "--card", "note=a=b")
      #expect(fp32.bundle.entries(.matrix).allSatisfy { $0.layout == Float32Format.matrixLayout })
      #expect(fp32.bundle.entries(.sourceFile).map(\.name).contains("vocab.txt"))
      #expect(try JSONValue(parsing: Array(fp32.bundle.text(.card).utf8)) == ["licence": "MIT", "note": "a=b"])

      let measured = try pack("--validation", data)
      let quality = try #require(measured.json["quality"])
      #expect(quality["validation_samples"] == 30)
      #expect(try quality["int8"]?["accuracy"] == martlet("evaluate", workshop.bundle, "--data", data, "--json").json()["accuracy"])
      #expect(try quality["fp32"]?["accuracy"] == martlet("evaluate", fixture("tiny-bert"), "--data", data, "--json").json()["accuracy"])
      #expect(try JSONValue(parsing: Array(measured.bundle.text(.qualityReport).utf8)) == quality)
      #expect(try martlet("inspect", workshop.path("packed.martlet"), "--json").json()["quality"] == quality)
    }
  }

  /// What tuning left as it was in an int8 base lies on int8's grid: the noise of such a section is "exact", null in JSON.
  @Test func weightsThatInt8HoldsExactly() throws {
    try withWorkshop { workshop in
      let base = try workshop.pack(fixture("tiny-bert-encoder"), as: "base.martlet")
      let data = try workshop.writeTSV("train.tsv", labelledReviews(12))
      for options in [["--freeze-embeddings"], ["--freeze-layers", "1"], ["--lora-rank", "2"]] {
        let tuned = workshop.path("tuned" + options[0])
        let outcome = try martlet(["tune", base, "--train", data, "--output-dir", tuned, "--max-steps", "1", "--no-forecast"] + options)
        try #require(outcome.status == 0, "\(outcome.errors)")
        for delta in [[], ["--base", base]] {
          let pack = ["pack", tuned, "-o", workshop.path("again.martlet")] + delta
          let table = try martlet(pack)
          #expect(table.status == 0, "\(options) \(delta): \(table.errors)")
          #expect(table.lines.contains { $0.hasPrefix("bert.embeddings.word_embeddings ") && $0.hasSuffix(" exact") }, "\(table.lines)")
          let noise = try #require(try martlet(pack + ["--json"]).json()["signal_to_noise_db"]?.object)
          #expect(noise["bert.embeddings.word_embeddings"] == .null)
        }
      }
    }
  }

  /// Figures beyond what a whole number holds are printed, and JSON stays JSON.
  @Test func hugeRegressionTargets() throws {
    try withWorkshop { workshop in
      func targets(_ name: String, _ value: String) throws -> String {
        let rows = reviews(6).enumerated().map { "{\"text\": \"\($1)\", \"label\": \($0 % 2 == 0 ? "" : "-")\(value)}\n" }
        return try workshop.write(name, rows.joined())
      }
      let folder = workshop.path("value")
      let small = try targets("small.jsonl", "0.5")
      let tuned = try martlet("tune", fixture("tiny-bert-encoder"), "--train", small, "--output-dir", folder, "--max-steps", "1", "--no-forecast")
      try #require(tuned.status == 0, "\(tuned.errors)")
      let data = try targets("huge.jsonl", "3e38")
      let pack = ["pack", folder, "-o", workshop.path("value.martlet"), "--validation", data]
      let outcome = try martlet(pack)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.lines.last?.contains("mse ") == true, "\(outcome.lines)")
      for arguments in [pack + ["--json"], ["evaluate", folder, "--data", data, "--json"], ["inspect", workshop.path("value.martlet"), "--json"]] {
        let json = try martlet(arguments)
        #expect(json.status == 0, "\(json.errors)")
        let text = String(decoding: json.output, as: UTF8.self)
        #expect(!text.contains("Infinity") && !text.contains("NaN"), "\(text)")
      }
    }
  }

  /// A folder of before safetensors is packed, classified with and tuned as its twin in safetensors is, to the same bytes.
  @Test func pickledWeights() throws {
    try withWorkshop { workshop in
      let (pickled, twin) = (fixture("tiny-bert-pickled"), fixture("tiny-bert-sharded-f16"))
      let input = reviews(20).map { $0 + "\n" }.joined()
      let data = try workshop.writeTSV("train.tsv", labelledReviews(6))
      let outputs = try [("pickled", pickled), ("twin", twin)].map { name, folder in
        let bundle = try workshop.pack(folder, as: name + ".martlet")
        let tuned = try martlet(["tune", folder, "--train", data, "--output-dir", workshop.path(name), "--max-steps", "1"])
        try #require(tuned.status == 0, "\(tuned.errors)")
        return try [
          readFile(bundle), readFile(workshop.path(name + "/model.safetensors")), martlet("classify", folder, "--logits", input: input).output,
        ]
      }
      #expect(outputs[0] == outputs[1] && !outputs[0].contains([]))
      let attacked = try workshop.copy("tiny-bert-pickled", as: "attacked", ["pytorch_model.bin": readFile(fixture("pytorch/attack.bin"))])
      for command in [["classify", attacked], ["pack", attacked, "-o", workshop.path("a.martlet")], ["evaluate", attacked, "--data", data]] {
        expectFailure(try martlet(command), naming: ["pytorch_model.bin: pickle, byte ", "found posix.system"])
      }
      #expect(!fileExists("attacked"))
    }
  }

  /// Every way to store the same weights, and the tables that people read.
  @Test func storedFormsAreTheSameModel() throws {
    try withWorkshop { workshop in
      let input = reviews(20).map { $0 + "\n" }.joined()
      func output(_ model: String) throws -> [UInt8] { try martlet("classify", model, "--logits", input: input).output }
      let half = try workshop.pack(fixture("tiny-bert-sharded-bf16"), as: "half.martlet", "--weights", "fp32")
      #expect(try output(half) == output(fixture("tiny-bert-sharded-bf16")))
      #expect(try output(half) != output(workshop.bundle))
      let table = try martlet("pack", fixture("tiny-bert"), "--output", workshop.path("again.martlet"))
      #expect(table.lines.contains { $0.hasPrefix("bert.pooler.dense ") && $0.contains(" dB") })
      #expect(table.lines.last?.hasPrefix(workshop.path("again.martlet") + ": ") == true)
    }
  }
}

@Suite struct LookTests {
  @Test func inspect() throws {
    try withWorkshop { workshop in
      let outcome = try martlet("inspect", workshop.bundle, "--json")
      let json = try outcome.json()
      let bundle = try Bundle(path: workshop.bundle)
      #expect(json["family"] == "bert" && json["has_head"] == true && json["maximum_length"] == 64)
      #expect(json["labels"]?.array?.map(\.string) == labels && json["problem_type"] == "single_label_classification")
      #expect(json["bytes"]?.int == bundle.fileSize && json["format_version"]?.int == Int(bundle.formatVersion))
      #expect(json["instruction_sets"]?.array?.map(\.string) == InstructionSet.supported.map(\.rawValue))
      #expect(json["sections"]?.array?.map { $0["name"]?.string } == bundle.entries.map(\.name))
      #expect(json["sections"]?.array?.map { $0["stored_bytes"]?.int } == bundle.entries.map(\.storedSize))
      let text = try martlet("inspect", workshop.bundle)
      #expect(text.lines.contains("labels           negative, neutral, positive"))
      let base = try workshop.pack(fixture("tiny-bert-encoder"), as: "base.martlet")
      #expect(try martlet("inspect", base, "--json").json()["has_head"] == false)
      #expect(try martlet("inspect", base).lines.contains("labels           none: a base to fine-tune"))
    }
  }

  @Test func tokenizeGivesTheReferencesIds() throws {
    let rows = try #require(try JSONValue(parsing: readFile(fixture("tiny-bert-logits.json")))["tiny-bert"]?.array)
    let texts = rows.filter { $0["text"] != nil && $0["text_pair"] == nil && !$0["text"]!.string!.contains("\n") }
    #expect(texts.count > 5)
    try withWorkshop { workshop in
      for model in [workshop.bundle, fixture("tiny-bert")] {
        let outcome = try martlet("tokenize", model, input: texts.map { $0["text"]!.string! + "\n" }.joined())
        #expect(outcome.status == 0 && outcome.lines.count == texts.count)
        for (line, row) in zip(outcome.lines, texts) {
          #expect(line.split(separator: " ").map { Int($0) } == row["input_ids"]?.array?.map(\.int), "\(row["text"]!)")
        }
      }
      #expect(try martlet("tokenize", workshop.bundle, "--max-length", "4", input: "good bad dull\n\n").lines == ["2 122 123 3", "2 3"])
      let program = try Program(["tokenize", workshop.bundle])
      for _ in 0..<3 {
        program.send("good\n")
        #expect(program.readLine() == "2 122 3")
      }
      #expect(program.finish().status == 0)
    }
  }

  @Test(arguments: [3, 2]) func evaluateAgreesWithARecount(classes: Int) throws {
    try withWorkshop { workshop in
      var model = workshop.bundle
      if classes == 2 {
        let data = try workshop.writeTSV("train.tsv", labelledReviews(8).filter { $0.label != "neutral" })
        let outcome = try martlet(
          "tune", fixture("tiny-bert-encoder"), "--train", data, "--output-dir", workshop.path("two"), "--max-steps", "1", "--quiet")
        try #require(outcome.status == 0, "\(outcome.errors)")
        model = workshop.path("two")
      }
      let names = classes == 2 ? ["negative", "positive"] : labels
      let records = zip(reviews(60, seed: 11), 0..<60).map { (text: $0, label: names[$1 % classes]) }
      let data = try workshop.writeTSV("data.tsv", records)
      let json = try martlet("evaluate", model, "--data", data, "--json").json()

      // Counted here, from the labels and logits that classify prints.
      let answers = try martlet("classify", model, "--logits", input: records.map { $0.text + "\n" }.joined()).lines
        .map { $0.split(separator: "\t").map(String.init) }
      #expect(answers.count == 60)
      var confusion = Array(repeating: Array(repeating: 0, count: classes), count: classes)
      var loss = 0.0
      for (answer, record) in zip(answers, records) {
        let truth = names.firstIndex(of: record.label)!
        confusion[truth][names.firstIndex(of: answer[0])!] += 1
        loss += crossEntropy(logits: answer.suffix(classes).map { Float($0)! }, target: truth)
      }
      func share(_ part: Int, _ whole: Int) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }
      let scores = (0..<classes).map { label in
        let precision = share(confusion[label][label], confusion.map { $0[label] }.reduce(0, +))
        let recall = share(confusion[label][label], confusion[label].reduce(0, +))
        return [precision, recall, precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall)]
      }
      let headline = classes == 2 ? scores[1] : (0..<3).map { part in scores.map { $0[part] }.reduce(0, +) / Double(classes) }
      func expect(_ found: JSONValue?, _ value: Double, _ name: String) {
        #expect(abs((found?.double ?? .nan) - value) < 1e-9, "\(name)")
      }
      #expect(json["samples"] == 60)
      #expect(json["confusion"]?.array?.map { $0.array!.map { $0.int! } } == confusion)
      expect(json["accuracy"], share((0..<classes).map { confusion[$0][$0] }.reduce(0, +), 60), "accuracy")
      expect(json["loss"], loss / 60, "loss")
      for (part, name) in ["precision", "recall", "f1"].enumerated() {
        expect(json[name], headline[part], name)
        for label in 0..<classes { expect(json["per_class"]?[label]?[name], scores[label][part], "\(name) of \(names[label])") }
      }
      #expect(try martlet("evaluate", model, "--data", data).lines.contains { $0.hasPrefix("truth \\ prediction") })
    }
  }

  @Test func bench() throws {
    try withWorkshop { workshop in
      let options = ["--seconds", "0.05", "--lengths", "8,16,512", "--batch", "1,2", "--threads", "1"]
      let json = try martlet(["bench", workshop.bundle, "--json"] + options).json()
      let cells = try #require(json["latency"]?.array)
      #expect(cells.map { [$0["batch"]?.int, $0["length"]?.int] } == [[1, 8], [1, 16], [2, 8], [2, 16]])
      for cell in cells {
        let (p50, p90, p99) = (cell["p50_ms"]!.double!, cell["p90_ms"]!.double!, cell["p99_ms"]!.double!)
        #expect(0 < p50 && p50 <= p90 && p90 <= p99)
        #expect(abs(cell["texts_per_second"]!.double! * p50 / 1e3 - Double(cell["batch"]!.int!)) < 1e-6)
      }
      #expect(json["threads"] == 1 && json["cold_start_seconds"]!.double! > 0 && json["resident_bytes"]!.int! > 1 << 20)
      let text = try martlet(["bench", workshop.bundle] + options)
      #expect(text.status == 0 && text.text.contains("from process start to the first label"))
    }
  }
}
