import Bundles
import JSON
import Storage
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Bad input of every kind: status 1, one line that names the file and says what was expected and found, nothing left behind.
@Suite struct RefusalTests {
  /// `config.json` of the tiny classifier with one value replaced.
  private func configuration(_ key: String, _ value: JSONValue) throws -> [UInt8] {
    var object = try JSONValue(parsing: readFile(fixture("tiny-bert/config.json"))).object!
    object[key] = value
    return Array(JSONValue.object(object).text().utf8)
  }

  /// One label among one is always right.
  @Test func oneLabelOfOne() throws {
    try withWorkshop { workshop in
      let folder = try workshop.copy("tiny-bert", as: "one")
      var object = try JSONValue(parsing: readFile(folder + "/config.json")).object!
      object["id2label"] = ["0": "spam"]
      object["problem_type"] = "single_label_classification"
      try workshop.write("one/config.json", JSONValue.object(object).text())
      let data = try workshop.writeTSV("data.tsv", [("good", "spam"), ("bad", "spam")])
      for command in [
        ["classify", folder], ["pack", folder, "-o", workshop.path("x.martlet")], ["evaluate", folder, "--data", data],
        ["inspect", folder], ["tune", folder, "--train", data, "--output-dir", workshop.path("out")],
      ] {
        expectFailure(try martlet(command), naming: [folder, "problem_type", "regression", "multi_label_classification"])
      }
    }
  }

  @Test func foldersThatAreNotWhatTheySay() throws {
    let weights = try readFile(fixture("tiny-bert/model.safetensors"))
    let tokenizer = try readFile(fixture("tiny-bert/tokenizer.json"))
    /// One value of the header is replaced by another of as many characters.
    func header(_ text: String, _ replacement: String) -> [UInt8] {
      let size = Int(weights[0]) | Int(weights[1]) << 8
      let header = String(decoding: weights[8..<8 + size], as: UTF8.self)
      let forged = header.replacing(text, with: replacement, maxReplacements: 1)
      precondition(forged != header && forged.utf8.count == size)
      return Array(weights[..<8]) + Array(forged.utf8) + Array(weights[(8 + size)...])
    }
    let cases: [(name: String, changes: [String: [UInt8]?], says: [String])] = [
      ("no weights", ["model.safetensors": nil], ["expected model.safetensors"]),
      ("no configuration", ["config.json": nil], ["expected config.json"]),
      ("no tokenizer", ["tokenizer.json": nil, "vocab.txt": nil], ["expected tokenizer.json, vocab.txt, vocab.json with merges.txt"]),
      ("truncated header", ["model.safetensors": Array(weights[..<1000])], ["model.safetensors", "truncated", "found 1000"]),
      ("truncated data", ["model.safetensors": Array(weights.dropLast(4))], ["model.safetensors", "truncated"]),
      ("empty weights", ["model.safetensors": []], ["model.safetensors", "expected 8 bytes, found 0"]),
      ("header size", ["model.safetensors": [255, 255, 255, 255, 255, 255, 255, 127] + weights[8...]], ["model.safetensors: safetensors header size: expected at most"]),
      ("header shape", ["model.safetensors": header("\"shape\":[45,45]", "\"shape\":[45,46]")], ["model.safetensors", "expected 8280, found 8100"]),
      ("header type", ["model.safetensors": header("\"F32\"", "\"F99\"")], ["model.safetensors", "element type", "F99"]),
      ("another width", ["config.json": try configuration("hidden_size", 48)], ["config.json", "expected shape [181, 48]", "found [181, 45]"]),
      ("a width beyond memory", ["config.json": try configuration("hidden_size", 1_048_575)], ["config.json", "expected sizes of at most 17179869184 parameters, found 9896"]),
      ("another layer", ["config.json": try configuration("num_hidden_layers", 3)], ["parameters are missing", "bert.encoder.layer.2."]),
      ("unknown family", ["config.json": try configuration("model_type", "xlnet")], ["model_type", "expected one of bert", "found xlnet"]),
      ("configuration no JSON", ["config.json": Array("{\n".utf8)], ["config.json: not JSON"]),
      ("tokenizer no JSON", ["tokenizer.json": Array(tokenizer[..<100])], ["tokenizer.json: not JSON"]),
      ("unknown tokenizer", ["tokenizer.json": Array(#"{"normalizer": {"type": "Lowercase"}, "model": {"type": "Frob"}}"#.utf8)], ["Frob"]),
    ]
    try withWorkshop { workshop in
      for (name, changes, says) in cases {
        let folder = try workshop.copy("tiny-bert", as: name, changes)
        let bundle = workshop.path("out/x.martlet")
        try makeDirectory(workshop.path("out"))
        for command in [["pack", folder, "-o", bundle], ["classify", folder], ["inspect", folder]] {
          let outcome = try martlet(command)
          expectFailure(outcome, naming: [folder] + says)
          #expect(outcome.output.isEmpty)
        }
        #expect(try listDirectory(workshop.path("out")) == [], "\(name)")
      }
    }
  }

  /// What tells the tokenizer or a base apart from a whole model fails there too, with a name.
  @Test func basesAndTokenizers() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("data.tsv", labelledReviews(6))
      let changes: [(String, [String: [UInt8]?], String)] = [
        ("family", ["config.json": try configuration("model_type", "xlnet")], "model_type"),
        ("json", ["tokenizer.json": Array("[".utf8)], "tokenizer.json: not JSON"),
        ("width", ["config.json": try configuration("hidden_size", 1_048_575)], "expected sizes of at most"),
      ]
      for (name, changes, says) in changes {
        let folder = try workshop.copy("tiny-bert", as: name, changes)
        expectFailure(try martlet("tune", folder, "--train", data, "--output-dir", workshop.path("out")), naming: [folder, says])
        if name == "json" { expectFailure(try martlet("tokenize", folder), naming: [folder, says]) }
      }
      for command in ["classify", "tokenize", "inspect", "bench"] {
        expectFailure(try martlet(command, workshop.path("none")), naming: [workshop.path("none"), "no such file or directory"])
      }
      for command in [["pack", "-o", workshop.path("x")], ["tune", "--train", data, "--output-dir", workshop.path("out")]] {
        expectFailure(try martlet(command + [workshop.path("none")]), naming: [workshop.path("none"), "no such file or directory"])
      }
      #expect(try !fileExists(workshop.path("out")) || allNames(below: workshop.path("out")) == [])
    }
  }

  @Test func bundlesThatAreNotWhole() throws {
    try withWorkshop { workshop in
      let sound = try readFile(workshop.bundle)
      let weights = try #require(Bundle(path: workshop.bundle).entry(.matrix, "bert.pooler.dense")).offset
      func changed(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
        var bytes = sound
        change(&bytes)
        return bytes
      }
      let cases: [(bytes: [UInt8], says: [String])] = [
        ([], ["not a bundle", "found 0"]), (Array("# Not a bundle\n".utf8) + sound[15...], ["not a bundle"]),
        (Array(sound[..<50_000]), ["truncated", "expected \(sound.count) bytes, found 50000"]),
        (sound + [0], ["followed by other bytes"]),
        (changed { $0[20] ^= 4 }, ["header checksum", "expected", "found"]),
        (changed { $0[100] ^= 1 }, ["index checksum"]),
        (changed { $0[weights + 100] ^= 64 }, ["bert.pooler.dense", "checksum", "expected", "found"]),
        (
          changed { bytes in
            bytes[8] = 2
            let sum = bytes.withUnsafeBytes { XXH64.hash(UnsafeRawBufferPointer(rebasing: $0[..<56])) }
            withUnsafeBytes(of: sum.littleEndian) { bytes.replaceSubrange(56..<64, with: $0) }
          }, ["version: expected at most 1, found 2", "newer martlet"]
        ),
      ]
      for (bytes, says) in cases {
        let path = try workshop.write("damaged.martlet", bytes)
        for command in ["classify", "inspect", "tokenize"] {
          let outcome = try martlet(command, path, input: "good\n")
          expectFailure(outcome, naming: [path] + says)
          #expect(outcome.output.isEmpty)
        }
      }
    }
  }

  @Test func dataThatDoNotFit() throws {
    try withWorkshop { workshop in
      let cases: [(name: String, text: String, says: [String])] = [
        ("label.tsv", "text\tlabel\ngood\tpositive\nbad\tfrob\n", ["line 3", "`frob`", "`negative`, `neutral`, `positive`"]),
        ("number.csv", "text,label\ngood,7\n", ["line 2", "`7`"]), ("empty.tsv", "", ["no records"]),
        ("header.csv", "text,label\n", ["no records"]), ("empty.jsonl", "", ["no records"]),
        ("columns.tsv", "a\tb\ngood\tpositive\n", ["no text column", "`text`", "found `a`, `b`"]),
        ("unlabelled.csv", "text\ngood\n", ["no label column", "`label`"]),
        ("broken.jsonl", "{\"text\": \"good\", \"label\": \"positive\"}\n{\n", ["line 2"]),
        ("ragged.csv", "text,label\ngood,positive,more\n", ["line 2"]), ("notes.txt", "good\n", ["expected a folder", "--format"]),
        ("newline.csv", "text,label\ngood,\"a\nb\"\n", [#"`a\nb`"#]), ("none.tsv", "\0", []),
      ]
      for (name, text, says) in cases {
        let path = workshop.path(name)
        if name != "none.tsv" { try workshop.write(name, text) }
        let says = [path] + (name == "none.tsv" ? ["no such file or directory"] : says)
        expectFailure(try martlet("evaluate", workshop.bundle, "--data", path), naming: says)
        expectFailure(
          try martlet("pack", fixture("tiny-bert"), "-o", workshop.path("x.martlet"), "--validation", path), naming: says)
        for option in ["--train", "--validation"] {
          let good = try workshop.writeTSV("good.tsv", labelledReviews(3))
          let data = option == "--train" ? ["--train", path] : ["--train", good, "--validation", path]
          expectFailure(try martlet(["tune", fixture("tiny-bert"), "--output-dir", workshop.path("run")] + data), naming: says)
        }
      }
      try makeDirectory(workshop.path("hollow/positive"))
      expectFailure(try martlet("evaluate", workshop.bundle, "--data", workshop.path("hollow")), naming: [workshop.path("hollow")])
      let same = try workshop.write("same.tsv", "text\tlabel\ngood\tx\nbad\tx\n")
      expectFailure(
        try martlet("tune", fixture("tiny-bert-encoder"), "--train", same, "--output-dir", workshop.path("run")),
        naming: [same, "expected at least two labels"])
      #expect(try !fileExists(workshop.path("run")) || allNames(below: workshop.path("run")) == [])
    }
  }

  @Test func placesThatCannotBeWritten() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("data.tsv", labelledReviews(3))
      let below = workshop.bundle + "/below"
      expectFailure(try martlet("pack", fixture("tiny-bert"), "-o", below), naming: [below, "not a directory"])
      expectFailure(try martlet("pack", fixture("tiny-bert"), "-o", workshop.path("no/x")), naming: [workshop.path("no/x"), "no such file"])
      try makeDirectory(workshop.path("taken"))
      expectFailure(try martlet("pack", fixture("tiny-bert"), "-o", workshop.path("taken")), naming: [workshop.path("taken")])
      expectFailure(try martlet("tune", fixture("tiny-bert"), "--train", data, "--output-dir", below), naming: [below, "not a directory"])
      expectFailure(
        try martlet("tune", fixture("tiny-bert"), "--train", data, "--output-dir", workshop.path("out"), "--resume-from-checkpoint", "last"),
        naming: [workshop.path("out"), "no whole checkpoint"])
      expectFailure(
        try martlet("tune", fixture("tiny-bert"), "--train", data, "--output-dir", workshop.path("out"), "--resume-from-checkpoint", data),
        naming: [data])
      // What is there and no file stays, and a model that is a pipe is not waited for.
      let pipe = workshop.path("pipe")
      #expect(mkfifo(pipe, 0o600) == 0)
      expectFailure(try martlet("pack", fixture("tiny-bert"), "-o", pipe), naming: [pipe, "invalid argument"])
      expectFailure(try martlet("classify", pipe), naming: [pipe, "invalid argument"])
      #expect(try listDirectory(workshop.folder).filter { $0.contains("partial") } == [])
      #expect(try listDirectory(workshop.path("taken")) == [])
    }
  }
}
