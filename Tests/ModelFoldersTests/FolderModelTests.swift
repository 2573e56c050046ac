import Encoders
import ModelBundles
import ModelFolders
import Storage
import Testing
import TestSupport
import WeightFormats

/// Hugging Face folders, opened as the type that bundles are opened as.
@Suite struct FolderModelTests {
  @Test(arguments: familyNames) func everyParameterIsThere(family: String) throws {
    let pretrained = try PretrainedModel(path: fixture("families/\(family)"))
    let model = try Model(configuration: pretrained.configuration)
    #expect(pretrained.path == fixture("families/\(family)") && pretrained.source.quantization == nil)
    #expect(try pretrained.source.hasHead(of: model))
    let parameters = try pretrained.source.parameters(of: model, apartFrom: [])
    for parameter in model.blueprint.parameters {
      var values = [Float](repeating: .nan, count: parameter.count)
      let isThere = try values.withUnsafeMutableBufferPointer { try parameters.read(parameter, into: $0) }
      #expect(isThere && values.allSatisfy(\.isFinite), "\(parameter.name)")
    }
    #expect(try pretrained.source.carriedFiles().map(\.name).contains("config.json"))
  }

  @Test func theTokenizer() throws {
    let pretrained = try PretrainedModel(path: fixture("tiny-bert"))
    #expect(try pretrained.loadTokenizer(for: Model(configuration: pretrained.configuration)).vocabularySize == 181)
  }

  /// A bundle by its path is opened as one.
  @Test func aBundle() throws {
    let pretrained = try PretrainedModel(path: fixture("../../models/all-MiniLM-L6-v2.martlet"))
    #expect(pretrained.source.quantization == .int8)
  }

  /// A head of other labels is refused by its shape, unless it is not to be used.
  @Test func anotherHead() throws {
    let pretrained = try PretrainedModel(path: fixture("tiny-bert"))
    var configuration = try #require(pretrained.configuration.object)
    configuration["id2label"] = ["0": "a", "1": "b", "2": "c", "3": "d", "4": "e"]
    configuration["label2id"] = nil
    configuration["num_labels"] = nil
    let model = try Model(configuration: .object(configuration))
    #expect(throws: ModelFolderError.self) { try pretrained.source.parameters(of: model, apartFrom: []) }
    let head = model.blueprint.linears.filter(\.isOutput).flatMap { $0.weights + $0.biases }
    _ = try pretrained.source.parameters(of: model, apartFrom: Set(head))
  }

  @Test func nothingThere() throws {
    try withTemporaryFolder { folder in
      #expect(throws: (any Error).self) { try PretrainedModel(path: folder) }
      #expect(throws: (any Error).self) { try PretrainedModel(path: folder + "/none") }
    }
  }
}
