import JSON
import Storage
import TestSupport
import Testing

/// Whatever a file contributes to a line that is printed: it stays one line, without an end of its own and without control characters.
@Suite struct OneLineTests {
  private static let nasty = "\u{1B}[31m\n\r\u{202E}\u{2028}\u{7F}\u{85}" + String(repeating: "long", count: 5000)
  private static let written = #"\u001b[31m\n\r\u202e\u2028\u007f\u0085long"#

  /// One line on stderr and status 1, short, with the excerpt in it.
  private func expectOneLine(_ outcome: Outcome, _ what: String, excerpt: Bool = true) {
    #expect(outcome.status == 1, "\(what): \(outcome.errors.prefix(2000))")
    expectClean(outcome.errors, what, excerpt: excerpt)
    #expect(outcome.errors.filter { $0 == "\n" }.count == 1, "\(what)")
  }

  private func expectClean(_ text: String, _ what: String, excerpt: Bool = true) {
    #expect(text.utf8.count < 2500, "\(what): \(text.prefix(300))")
    #expect(!text.unicodeScalars.contains { $0 != "\n" && $0.onOneLineIsNeeded }, "\(what): \(text.prefix(300).debugDescription)")
    if excerpt { #expect(text.contains(Self.written), "\(what): \(text.prefix(500))") }
  }

  private func edited(_ workshop: Workshop, _ name: String, _ file: String, _ edit: (inout JSONObject) -> Void) throws -> String {
    var object = try JSONValue(parsing: readFile(fixture("tiny-bert/" + file))).object!
    edit(&object)
    return try workshop.copy("tiny-bert", as: name, [file: Array(JSONValue.object(object).text().utf8)])
  }

  @Test func configurations() throws {
    try withWorkshop { workshop in
      let nasty = JSONValue.string(Self.nasty)
      for key in ["model_type", "hidden_act", "problem_type", "hidden_size", "position_embedding_type", "num_hidden_layers"] {
        let folder = try edited(workshop, key, "config.json") { $0[key] = nasty }
        for command in [["classify", folder], ["pack", folder, "-o", workshop.path("x.martlet")], ["inspect", folder]] {
          // What a list of settings does not name is no error.
          let outcome = try martlet(command, input: "good\n")
          if outcome.status == 0 { continue }
          // JSON's own escapes are there for what is quoted as JSON.
          expectOneLine(outcome, "\(key) \(command[0])", excerpt: false)
        }
      }
      let folder = try edited(workshop, "family", "config.json") { $0["model_type"] = nasty }
      expectOneLine(try martlet("classify", folder, input: ""), "family")
    }
  }

  @Test func tokenizers() throws {
    try withWorkshop { workshop in
      for (part, component) in [("pre_tokenizer", "type"), ("model", "type"), ("post_processor", "type")] {
        let folder = try edited(workshop, part, "tokenizer.json") {
          $0[part] = .object(JSONObject([(component, .string(Self.nasty))]))
        }
        expectOneLine(try martlet("tokenize", folder, input: "good\n"), part)
      }
    }
  }

  @Test func labels() throws {
    try withWorkshop { workshop in
      let folder = try edited(workshop, "labels", "config.json") {
        $0["id2label"] = ["0": .string(Self.nasty), "1": "neutral", "2": "positive"]
        $0["label2id"] = nil
      }
      let bundle = try workshop.pack(folder, as: "labels.martlet")
      let inspected = try martlet("inspect", bundle)
      #expect(inspected.status == 0)
      #expect(inspected.lines.first { $0.hasPrefix("labels") }?.contains(Self.written) == true, "\(inspected.text.prefix(600))")
      #expect(!inspected.text.unicodeScalars.contains { $0 != "\n" && $0.onOneLineIsNeeded })
      let data = try workshop.writeTSV("data.tsv", [("good", "neutral"), ("bad", "positive")])
      let evaluated = try martlet("evaluate", bundle, "--data", data)
      #expect(evaluated.status == 0)
      expectClean(evaluated.text, "evaluate")
      let unknown = try workshop.write("unknown.csv", "text,label\ngood,\"\(Self.nasty)\"\n")
      expectOneLine(try martlet("evaluate", workshop.bundle, "--data", unknown), "an unknown label")
    }
  }

  @Test func headersAndFields() throws {
    try withWorkshop { workshop in
      let table = try workshop.write("header.csv", "\"\(Self.nasty)\",other\na,b\n")
      expectOneLine(try martlet("classify", workshop.bundle, table, "--format", "csv"), "a header")
      let key = JSONValue.object(JSONObject([(Self.nasty, .string("x"))])).text()
      let found = try martlet("classify", workshop.bundle, "--format", "jsonl", "--output", "jsonl", input: key + "\n")
      let message = try #require(JSONValue(parsing: found.output)["error"]?.string)
      expectClean(message, "a field")
      expectOneLine(try martlet("classify", workshop.bundle, "--format", "jsonl", "--strict", input: key + "\n"), "a field, strict")
    }
  }

  /// Tensors without a use are one note, however many they are.
  @Test func notesAreGrouped() throws {
    try withWorkshop { workshop in
      var bytes = try readFile(fixture("tiny-bert/model.safetensors"))
      let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
      var header = try JSONValue(parsing: bytes[8..<8 + length]).object!
      let end = bytes.count - 8 - length
      for index in 0..<200 {
        header[Self.nasty + "\(index)"] = ["dtype": "F32", "shape": [1], "data_offsets": [.integer(Int64(end + 4 * index)), .integer(Int64(end + 4 * index + 4))]]
      }
      let text = Array(JSONValue.object(header).text().utf8)
      bytes = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text + bytes[(8 + length)...] + [UInt8](repeating: 0, count: 800)
      let folder = try workshop.copy("tiny-bert", as: "extra", ["model.safetensors": bytes])
      let outcome = try martlet("pack", folder, "-o", workshop.path("extra.martlet"))
      #expect(outcome.status == 0)
      expectClean(outcome.errors, "notes")
      #expect(outcome.errors.hasPrefix("martlet: note: 200 tensors are not part of the model: ") && outcome.errors.hasSuffix(" and 197 more\n"))
    }
  }
}

extension Unicode.Scalar {
  fileprivate var onOneLineIsNeeded: Bool { String(self).onOneLine != String(self) }
}
