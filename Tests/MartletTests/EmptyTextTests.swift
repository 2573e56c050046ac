import JSON
import Martlet
import Sessions
import Testing
import TestSupport

/// A text without tokens: one that a tokenizer without special tokens makes nothing of.
@Suite struct EmptyTextTests {
  private static func classifier(_ configuration: JSONValue? = nil) throws -> Classifier {
    var changes = BundleChanges()
    changes.hasTemplate = false
    changes.tokenizerConfiguration = configuration
    return try tinyClassifier(changes)
  }

  /// It is classified as the padding token, which is what it would be in a padded batch.
  @Test(arguments: ["", " ", "\u{0}\t\n"]) func withoutSpecialTokens(text: String) throws {
    let classifier = try Self.classifier()
    #expect(classifier.tokenizer.specialTokenCount() == 0 && classifier.tokenizer.token(of: 0) == "[PAD]")
    let padding = try classifier.classify("[PAD]")
    let empty = try classifier.classify(text)
    #expect(padding.tokenCount == 1 && empty == padding)
    #expect(try classifier.classify(text, pair: text) == padding)
    // Among others it changes nothing, and nothing changes it.
    let together = try classifier.classify(["good film", text, text, "bad"])
    #expect(try together == [classifier.classify("good film"), padding, padding, classifier.classify("bad")])
  }

  @Test func anotherPaddingToken() throws {
    let classifier = try Self.classifier(["pad_token": "[MASK]"])
    #expect(try classifier.classify("") == classifier.classify("[MASK]"))
    #expect(try classifier.classify("") != classifier.classify("[PAD]"))
  }

  @Test(arguments: [0, -1, 1]) func aLimitBelowOneToken(limit: Int) throws {
    for classifier in try [Self.classifier(), tinyClassifier()] {
      let session = try classifier.makeSession()
      let text = Array("good film".utf8)
      try text.withUnsafeBufferPointer { text in
        let length = try session.append(text, maximumLength: limit)
        #expect(length.tokens == 1 && length.wasTruncated)
        let pair = try session.append(text, pair: text, maximumLength: limit)
        #expect(pair.tokens == 1 && pair.wasTruncated)
      }
      let logits = try Array(session.run())
      #expect(session.answered.count == 2 && session.answered.tokenCount == 2)
      #expect(logits.count == 6 && logits.allSatisfy(\.isFinite))
    }
  }

  @Test func inWindows() throws {
    let session = try Self.classifier().makeSession()
    let length = try session.append(UnsafeBufferPointer(start: nil, count: 0), windows: Windows(pooling: .mean))
    #expect(length.tokens == 1 && !length.wasTruncated && length.windows == 1)
    try session.run()
    #expect(Array(session.logits(of: 0)) == (try Self.classifier().classify("").logits))
  }
}
