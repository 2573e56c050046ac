import Bundles
import Checkpoints
import Encoders
import Kernels
import Martlet
import ModelBundles
import Packing
import Storage
import Testing
import TestSupport

/// Bundles written as changes of a base's, through the real weights and the real classifier.
@Suite struct DeltaTests {
  private let texts = ["", "A stirring, funny and finally transporting film.", "it is not good, it is not bad", "the worst acting of all"]

  /// A base, and a delta of it made of a folder whose weights were moved a little: some rows of the words' table, all layers.
  private func withDelta(_ body: (_ base: Bundle, _ delta: Bundle, _ folder: String, _ steps: [String: [Float]]) throws -> Void) throws {
    let base = try packed("tiny-bert")
    let blueprint = try Model(configuration: CheckpointFolder(path: fixture("tiny-bert")).configuration).blueprint
    let source = BundleParameters(base, blueprint)
    let restored = try parameters(source, blueprint)
    var generator = SeededGenerator(seed: 5)
    var moved: [String: [Float]] = [:]
    for parameter in blueprint.parameters {
      var values = restored[parameter.name]!
      let width = parameter.shape.last!
      for row in 0..<values.count / width {
        if parameter.name == "bert.embeddings.word_embeddings.weight" && row % 3 != 0 { continue }
        let scale = values[row * width..<(row + 1) * width].map(\.magnitude).max()! / 127
        for column in 0..<width where Int.random(in: 0..<4, using: &generator) == 0 {
          // Within half a step of a whole number of them, and inside the row's grid.
          let step = Float.random(in: -1.9...1.9, using: &generator)
          let value = values[row * width + column] + step * scale
          if value.magnitude <= 127 * scale { values[row * width + column] = value }
        }
      }
      moved[parameter.name] = values
    }
    try withEdited { edited in
      for (name, tensor) in edited.tensors { edited.tensors[name] = (tensor.shape, try #require(moved[name])) }
    } _: { folder in
      var options = PackingOptions()
      options.base = DeltaBase(base, fileName: "base.martlet")
      try body(base, pack(CheckpointFolder(path: folder), options: options).writeToMemory(), folder, moved)
    }
  }

  @Test func weightsAreTheNearestOnTheBasesScales() throws {
    try withDelta { base, delta, _, moved in
      let blueprint = try Model(configuration: CheckpointFolder(path: fixture("tiny-bert")).configuration).blueprint
      let before = try parameters(BundleParameters(base, blueprint), blueprint)
      let after = try parameters(BundleParameters(delta, blueprint), blueprint)
      for parameter in blueprint.parameters {
        let (old, new, wanted) = (before[parameter.name]!, after[parameter.name]!, moved[parameter.name]!)
        guard parameter.shape.count == 2, parameter.name != "classifier.weight" else {
          #expect(new == wanted, "\(parameter.name)")
          continue
        }
        let width = parameter.shape[1]
        for row in 0..<parameter.shape[0] {
          let range = row * width..<(row + 1) * width
          let scale = old[range].map(\.magnitude).max()! / 127
          for place in range { #expect(abs(new[place] - wanted[place]) <= scale * 0.501, "\(parameter.name), row \(row)") }
        }
      }
      #expect(delta.entries(.matrix).contains { $0.codec == .delta } && delta.entry(.tokenizer)?.codec == .base)
      #expect(delta.fileSize < base.fileSize / 2, "\(delta.fileSize) of \(base.fileSize)")
    }
  }

  /// Rows taken from two tables give the bits of one table, on every instruction set.
  @Test func aDeltaClassifiesAsItsOwnBundle() throws {
    try withDelta { _, delta, _, _ in
      var writer = BundleWriter()
      for entry in delta.entries where entry.kind != .base {
        try writer.add(
          entry.kind, entry.name, layout: entry.layout, shape: entry.shape, contents: SectionContents(delta.copy(entry.kind, entry.name)))
      }
      let whole = try Bundle(memory: writer.writeToMemory().bundle)
      #expect(whole.entries.allSatisfy { !$0.codec.needsBase })
      for set in InstructionSet.supported {
        let expected = try Classifier(bundle: whole, instructionSet: set.rawValue).classify(texts)
        for threads in [1, 2] {
          #expect(try Classifier(bundle: delta, threads: threads, instructionSet: set.rawValue).classify(texts) == expected, "\(set)")
        }
      }
    }
  }

  @Test func anUnchangedFolderIsNothingButItsName() throws {
    let base = try packed("tiny-bert")
    var options = PackingOptions()
    options.base = DeltaBase(base, fileName: "base.martlet")
    let delta = try pack(CheckpointFolder(path: fixture("tiny-bert")), options: options).writeToMemory()
    #expect(delta.entries.dropFirst().allSatisfy { $0.codec == .base })
    #expect(delta.fileSize <= 8192)
    let texts = texts
    #expect(try Classifier(bundle: delta).classify(texts) == Classifier(bundle: base).classify(texts))
  }

  @Test func basesOfAnotherModelAreRefused() throws {
    func failure(_ base: Bundle) throws -> String {
      var options = PackingOptions()
      options.base = DeltaBase(base, fileName: "base.martlet")
      do {
        _ = try pack(CheckpointFolder(path: fixture("tiny-bert")), options: options)
        return "none"
      } catch { return "\(error)" }
    }
    #expect(try failure(packed("tiny-bert", .fp32)).contains("cannot be the base, section bert."))
    var writer = BundleWriter()
    try writer.add(.configuration, contents: SectionContents("{}"))
    #expect(try failure(Bundle(memory: writer.writeToMemory().bundle)).contains("found none"))
  }

  /// `pack --validation` measures the delta, on the base's scales.
  @Test func measuredAsItIsPacked() throws {
    try withDelta { base, delta, folder, _ in
      let dataset = try labelled([("good film", "positive"), ("bad film", "negative"), ("dull", "neutral")])
      let checkpoint = try CheckpointFolder(path: folder)
      var options = PackingOptions()
      options.base = DeltaBase(base, fileName: "base.martlet")
      let quality = try measureQuality(checkpoint, options, dataset, targets(of: dataset, checkpoint), threads: 1)
      let found = try evaluated(Classifier(bundle: delta, threads: 1), dataset)
      #expect(quality.packed == found)
    }
  }
}
