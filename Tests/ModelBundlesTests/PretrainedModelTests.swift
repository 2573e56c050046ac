import Bundles
import Encoders
import ModelBundles
import Storage
import Testing
import TestSupport
import WeightFormats

/// The carried bundles, opened as what training starts from.
@Suite struct PretrainedModelTests {
  private static func open(_ name: String) throws -> (pretrained: PretrainedModel, model: Model) {
    let pretrained = try PretrainedModel(Bundle(path: fixture("../../models/\(name).martlet")))
    return (pretrained, try Model(configuration: pretrained.configuration))
  }

  /// A base carries its folder's files, has no head, and every parameter before it.
  @Test func aBase() throws {
    let (base, model) = try Self.open("all-MiniLM-L6-v2")
    let tokenizer = try base.loadTokenizer(for: model)
    #expect(try !base.source.hasHead(of: model) && base.source.quantization == .int8 && tokenizer.vocabularySize == 30522)
    #expect(try base.source.carriedFiles().map(\.name).contains("config.json"))
    let parameters = try base.source.parameters(of: model, apartFrom: [])
    let head = model.blueprint.headParameters
    for (index, parameter) in model.blueprint.parameters.enumerated() {
      var values = [Float](repeating: .nan, count: parameter.count)
      let isThere = try values.withUnsafeMutableBufferPointer { try parameters.read(parameter, into: $0) }
      #expect(isThere || head.contains(index), "\(parameter.name)")
      #expect(!isThere || values.allSatisfy(\.isFinite), "\(parameter.name)")
    }
  }

  @Test func aClassifier() throws {
    let (classifier, model) = try Self.open("sentiment")
    #expect(try classifier.source.hasHead(of: model))
  }

  /// A bundle without its folder's files has nothing that a folder could be written with.
  @Test func withoutSourceFiles() throws {
    var writer = BundleWriter()
    try writer.add(.configuration, contents: SectionContents("{}"))
    let pretrained = try PretrainedModel(Bundle(memory: writer.writeToMemory().bundle, named: "written"))
    let error = #expect(throws: ModelError.self) { try pretrained.source.carriedFiles() }
    #expect(error?.kind == .noSourceFiles && error?.description.contains("--carry-source") == true)
  }

  /// The tokenizer of one model for another with fewer rows.
  @Test func tooFewRows() throws {
    let (base, _) = try Self.open("all-MiniLM-L6-v2")
    var configuration = try #require(base.configuration.object)
    configuration["vocab_size"] = 30521
    let small = try Model(configuration: .object(configuration))
    let error = #expect(throws: ModelError.self) { try base.loadTokenizer(for: small) }
    #expect(error?.description.hasSuffix("the tokenizer has ids up to 30521, the model's vocabulary has 30521 rows") == true)
  }
}
