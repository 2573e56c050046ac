import Bundles
import Encoders
import JSON
import Kernels
import Martlet
import Storage
import TestSupport
import Testing
import TokenizerImport
import Tokenizers
import WeightFormats

/// What makes a bundle of `tiny-bert` another one.
struct BundleChanges {
  var format = WeightFormat.int8
  /// Of matrices and tables that have another format, by name.
  var formats: [String: WeightFormat] = [:]
  var hasHead = true
  var configuration: [(key: String, value: JSONValue)] = []
  /// Rows cut off the end of the word embeddings, in the configuration too.
  var missingRows = 0
  /// `tokenizer_config.json`.
  var tokenizerConfiguration: JSONValue?
  /// The id of `[SEP]` in the tokenizer's template.
  var separatorID = 3
  /// Whether the tokenizer puts special tokens around a text.
  var hasTemplate = true
  /// The token type of a pair's second text there.
  var secondType = 1
  /// A section that is left out.
  var missingSection: String?
  /// A section whose shape in the index is another.
  var misshapenSection: String?
}

/// `tiny-bert` as a bundle, written here from the format's description: these tests are below the packer.
func tinyBundle(_ changes: BundleChanges = BundleChanges()) throws -> [UInt8] {
  var configuration = try JSONValue(parsing: readFile(fixture("tiny-bert/config.json"))).object!
  configuration["vocab_size"] = .integer(Int64(181 - changes.missingRows))
  for (key, value) in changes.configuration { configuration[key] = value }
  let blueprint = try Model(configuration: .object(configuration)).blueprint
  let isPlain =
    changes.tokenizerConfiguration == nil && changes.separatorID == 3 && changes.secondType == 1 && changes.hasTemplate
  let tokenizer = try isPlain ? plainTokenizer.get() : tinyTokenizer(changes)
  let tensors = try fixtureTensors("tiny-bert")
  func values(_ parameters: [Int]) throws -> [Float] {
    try parameters.flatMap { index in
      let parameter = blueprint.parameters[index]
      return try #require(tensors[parameter.name]).prefix(parameter.count)
    }
  }

  var writer = BundleWriter()
  func add(
    _ kind: SectionKind, _ name: String, _ layout: LayoutNumber, _ shape: [Int], _ contents: AlignedBuffer
  ) throws {
    guard name != changes.missingSection else { return }
    let shape = name == changes.misshapenSection ? shape.reversed() : shape
    try writer.add(kind, name, layout: layout, shape: shape, contents: SectionContents(contents))
  }
  try writer.add(.configuration, contents: SectionContents(JSONValue.object(configuration).text()))
  try writer.add(.tokenizer, contents: SectionContents(tokenizer.compiled()))
  for linear in blueprint.linears where changes.hasHead || !linear.isOutput {
    let format = linear.isOutput ? .fp32 : changes.formats[linear.name] ?? changes.format
    let shape = MatrixShape(outputs: linear.outputs, inputs: linear.inputs)
    let block = try AlignedBuffer(byteCount: format.rules.byteCount(shape))
    format.rules.pack(try values(linear.weights), bias: try values(linear.biases), shape, onGridOf: nil, into: block.baseAddress)
    try add(.matrix, linear.name, format.rules.matrixLayout, [linear.outputs, linear.inputs], block)
  }
  for table in blueprint.tables {
    let format = changes.formats[table.name] ?? changes.format
    let shape = TableShape(rows: table.rows, width: table.width)
    let block = try AlignedBuffer(byteCount: format.rules.byteCount(shape))
    format.rules.pack(try values([table.weight]), shape, onGridOf: nil, into: block.baseAddress)
    try add(.embedding, table.name, format.rules.tableLayout, [table.rows, table.width], block)
  }
  for normalization in blueprint.normalizations {
    try add(
      .normalization, normalization.name, .float32, [2, normalization.width],
      AlignedBuffer(values(normalization.parameters)))
  }
  return try bytes(of: writer.writeToMemory().bundle)
}

func tinyModel() throws -> Blueprint { try Model(configuration: JSONValue(parsing: readFile(fixture("tiny-bert/config.json")))).blueprint }

func bytes(of buffer: AlignedBuffer) -> [UInt8] { Array(buffer.bytes) }

private func tinyTokenizer(_ changes: BundleChanges) throws -> Tokenizer {
  let text = try JSONValue(parsing: readFile(fixture("tiny-bert/tokenizer.json"))).text()
    .replacing(#""ids": [3]"#, with: #""ids": [\#(changes.separatorID)]"#)
    .replacing(#""type_id": 1"#, with: #""type_id": \#(changes.secondType)"#)
  var json = try JSONValue(parsing: Array(text.utf8)).object!
  if !changes.hasTemplate { json["post_processor"] = .null }
  return try Tokenizer(tokenizerJSON: .object(json), configuration: changes.tokenizerConfiguration)
}

/// Made once: its tables of Unicode take longer than the rest of the bundle.
private let plainTokenizer = Result { try tinyTokenizer(BundleChanges()) }

func tinyClassifier(
  _ changes: BundleChanges = BundleChanges(), threads: Int = 1, instructionSet: String? = nil
) throws -> Classifier {
  try Classifier(bundle: Bundle(memory: tinyBundle(changes)), threads: threads, instructionSet: instructionSet)
}

func write(_ bytes: [UInt8], to path: String) throws {
  var file = try AtomicFile(path: path)
  try file.write(bytes)
  try file.commit()
}

extension AlignedBuffer {
  convenience init(_ values: [Float]) throws {
    try self.init(count: values.count, of: Float.self)
    bound(to: Float.self).update(from: values, count: values.count)
  }
}
