import Bundles
import Checkpoints
import Encoders
import JSON
import Martlet
import ModelBundles
import ModelFolders
import Packing
import Storage
import Testing
import TestSupport
import WeightFormats

@Suite struct PackTests {
  private let texts = ["", "A stirring, funny and finally transporting film.", "it is not good, it is not bad"]

  /// A folder comes back out of an fp32 bundle bit for bit, out of an fp16 one as the nearest halves, and out of an int8 one within half
  /// a step of each row's grid; what is fp32 in all is exact in all.
  @Test(arguments: WeightFormat.allCases, CodecPolicy.allCases)
  func parametersComeBack(weights: WeightFormat, codec: CodecPolicy) throws {
    let folder = try CheckpointFolder(path: fixture("tiny-bert"))
    let model = try Model(configuration: folder.configuration)
    let expected = try parameters(CheckpointParameters(folder, prefix: Bert.prefix), model.blueprint)
    let found = try parameters(BundleParameters(packed("tiny-bert", weights, codec), model.blueprint), model.blueprint)
    #expect(found.count == model.blueprint.parameters.count)
    for parameter in model.blueprint.parameters {
      let (original, restored) = (expected[parameter.name]!, try #require(found[parameter.name]))
      let isQuantized = weights != .fp32 && parameter.shape.count == 2 && parameter.name != "classifier.weight"
      guard isQuantized else {
        #expect(restored.map(\.bitPattern) == original.map(\.bitPattern), "\(parameter.name)")
        continue
      }
      guard weights == .int8 else {
        #expect(restored == original.map { Float(Float16($0)) } && restored != original, "\(parameter.name)")
        continue
      }
      let width = parameter.shape[1]
      for row in 0..<parameter.shape[0] {
        let values = original[row * width..<(row + 1) * width]
        let step = values.map(\.magnitude).max()! / 127
        let worst = zip(values, restored[row * width..<(row + 1) * width]).map { abs($0 - $1) }.max()!
        // Half a step, and what dividing and multiplying in fp32 add.
        #expect(worst <= step * (0.5 + 1e-4), "\(parameter.name), row \(row): \(worst / step) steps")
      }
    }
  }

  /// The same folder gives the same bytes, in memory and in a file.
  @Test(arguments: WeightFormat.allCases, CodecPolicy.allCases)
  func bytesAreReproducible(weights: WeightFormat, codec: CodecPolicy) throws {
    try withTemporaryFolder { folder in
      let paths = ["/a.martlet", "/b.martlet"].map { folder + $0 }
      for path in paths { _ = try packedModel(fixture("tiny-bert"), weights, codec).write(to: path) }
      let first = try readFile(paths[0])
      #expect(try readFile(paths[1]) == first)
      #expect(try packed("tiny-bert", weights, codec).fileSize == first.count)
    }
  }

  /// Compression changes the file, not the answers.
  @Test(arguments: WeightFormat.allCases) func codecsGiveTheSameLogits(weights: WeightFormat) throws {
    let (mapped, compact) = (try packed("tiny-bert", weights, .mapped), try packed("tiny-bert", weights, .compact))
    #expect(compact.fileSize < mapped.fileSize)
    #expect(mapped.entries(.matrix).allSatisfy { $0.codec == .stored })
    let predictions = try [mapped, compact].map { try Classifier(bundle: $0, threads: 1).classify(texts) }
    #expect(predictions[0] == predictions[1])
  }

  /// The third format: half the bytes of fp32, opened and classified with, the reference's logits but for what rounding to 11 bits costs.
  @Test func float16() throws {
    let sizes = try WeightFormat.allCases.map { try packed("tiny-bert", $0).entries(.embedding).reduce(0) { $0 + $1.rawSize } }
    #expect(sizes[2] * 2 == sizes[1] && sizes[0] < sizes[2])
    let bundle = try packed("tiny-bert", .fp16)
    #expect(try #require(bundle.entry(.matrix, "bert.pooler.dense")).layout.description == "float16 rows")
    let classifier = try Classifier(bundle: bundle, threads: 1)
    for text in try referenceTexts("tiny-bert") {
      guard let words = text.text else { continue }
      let found = try classifier.classify(words, pair: text.pair).logits
      let worst = zip(found, text.logits).map { abs(Double($0) - Double($1)) }.max()!
      #expect(worst < 5e-3 && worst > 1e-6, "\(words): \(worst)")
    }
  }

  /// From the reference's folder to its logits: all folders, texts and pairs.
  @Test(arguments: ["tiny-bert", "tiny-bert-sharded-f16", "tiny-bert-sharded-bf16"])
  func logitsAreTheReferences(folder: String) throws {
    let classifier = try Classifier(bundle: packed(folder, .fp32), threads: 1)
    var count = 0
    for text in try referenceTexts(folder) {
      guard let words = text.text else { continue }
      let found = try classifier.classify(words, pair: text.pair)
      #expect(text.excess(found.logits) <= 1, "\(words): \(found.logits), expected \(text.logits)")
      #expect(found.tokenCount == text.ids.count)
      count += 1
    }
    #expect(count >= 2)
  }

  /// int8 makes the tables a quarter, and the noise it adds to a layer is what eight bits add to normal values:
  /// 20 log10(127 √12 / 3) = 43 dB for rows that reach 3 deviations.
  @Test func sizesAndNoise() throws {
    func sections(_ weights: WeightFormat) throws -> [SectionEntry] { try packed("tiny-bert", weights).entries }
    let size = { (entries: [SectionEntry]) in entries.filter { $0.kind == .embedding }.reduce(0) { $0 + $1.rawSize } }
    #expect(Double(size(try sections(.int8))) < 0.3 * Double(size(try sections(.fp32))))

    let model = try packedModel(fixture("tiny-bert"))
    let quantized = model.model.blueprint.linears.filter { !$0.isOutput }.map(\.name) + model.model.blueprint.tables.map(\.name)
    let noise = model.noise
    #expect(Set(noise.map(\.name)) == Set(quantized))
    #expect(noise.allSatisfy { (38...50).contains($0.signalToNoiseDecibels ?? 0) }, "\(noise)")
    let (isBase, unexpected) = (model.isBase, model.unexpected)
    #expect(!isBase && unexpected.isEmpty)
    let unquantized = try packedModel(fixture("tiny-bert"), .fp32).noise
    #expect(unquantized.isEmpty)
  }

  /// A base carries the files of its folder and no head; a classifier carries them when asked.
  @Test func baseCarriesItsFolder() throws {
    let folder = try CheckpointFolder(path: fixture("tiny-bert-encoder"))
    let model = try packedModel(fixture("tiny-bert-encoder"))
    let (isBase, blueprint) = (model.isBase, model.model.blueprint)
    #expect(isBase)
    let base = try model.writeToMemory()
    #expect(base.entries(.sourceFile).map(\.name) == folder.carriedFileNames)
    for name in folder.carriedFileNames { #expect(try base.copy(.sourceFile, name) == folder.read(name)) }
    #expect(base.entry(.matrix, "classifier") == nil)
    let found = try parameters(BundleParameters(base, blueprint), blueprint)
    let absent = Set(blueprint.parameters.map(\.name)).subtracting(found.keys)
    #expect(absent == ["classifier.weight", "classifier.bias"])

    #expect(try packed().entries(.sourceFile).isEmpty)
    var options = PackingOptions()
    options.carriesSource = true
    options.card = JSONObject([("licence", "none")])
    let carrying = try pack(CheckpointFolder(path: fixture("tiny-bert")), options: options).writeToMemory()
    #expect(try carrying.copy(.sourceFile, "vocab.txt") == readFile(fixture("tiny-bert/vocab.txt")))
    #expect(try JSONValue(parsing: Array(carrying.text(.card).utf8)) == ["licence": "none"])
  }

  /// Sections that wait in a file are the same bytes as those that wait in memory; nothing else is left beside the output.
  @Test(arguments: [CodecPolicy.mapped, .compact]) func throughAFile(codec: CodecPolicy) throws {
    // Sections of 64 KiB and more go through the file.
    try withEdited {
      $0.set("vocab_size", 1000)
      var generator = SeededGenerator(seed: 1)
      let values = (0..<45000).map { _ in Float.random(in: -1...1, using: &generator) }
      $0.tensors["bert.embeddings.word_embeddings.weight"] = ([1000, 45], values)
    } _: { edited in
      let path = edited + "-packed"
      try makeDirectory(path)
      var options = PackingOptions()
      options.weights = .fp32
      options.codec = codec
      let folder = try CheckpointFolder(path: edited)
      let memory = try pack(folder, options: options).write(to: path + "/memory.martlet")
      options.output = path + "/file.martlet"
      let file = try pack(folder, options: options).write(to: path + "/file.martlet")
      #expect(memory.fileSize == file.fileSize && file.entries.contains { $0.storedSize >= 1 << 16 })
      #expect(try readFile(path + "/memory.martlet") == readFile(path + "/file.martlet"))
      #expect(try listDirectory(path) == ["file.martlet", "memory.martlet"])
    }
    try withTemporaryFolder { path in
      var options = PackingOptions()
      options.output = path + "/none/file.martlet"
      #expect(throws: FileError.self) { _ = try pack(CheckpointFolder(path: fixture("tiny-bert")), options: options) }
    }
  }

  /// The pooler belongs to the head: a base may lack it too.
  @Test func baseWithoutPooler() throws {
    try withEdited {
      for name in ["classifier.weight", "classifier.bias", "bert.pooler.dense.weight", "bert.pooler.dense.bias"] {
        $0.tensors[name] = nil
      }
    } _: { path in
      let model = try packedModel(path)
      let isBase = model.isBase
      #expect(isBase)
      let base = try model.writeToMemory()
      #expect(base.entry(.matrix, "bert.pooler.dense") == nil)
    }
  }

  @Test func leftoversAreNamed() throws {
    try withEdited {
      $0.tensors["adapter.weight"] = ([2], [1, 2])
      $0.tensors["cls.predictions.bias"] = ([1], [1])
    } _: { path in
      let unexpected = try packedModel(path).unexpected
      #expect(unexpected == ["adapter.weight"])
    }
  }
}
