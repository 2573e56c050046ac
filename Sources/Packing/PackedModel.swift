import Bundles
import Checkpoints
import Encoders
import JSON
import ModelBundles
import ModelFolders
import Storage
import Tokenizers
import WeightFormats


/// What to make of a checkpoint.
package struct PackingOptions: Sendable {
  /// The format of matrices and tables. The layer that makes the logits and the normalisations are fp32 in any case.
  package var weights = WeightFormat.int8
  package var codec: CodecPolicy = .mapped
  /// Makes a delta of it: int8 weights on its scales, and only what differs from it. The codec is then of no effect.
  package var base: DeltaBase?
  /// Where the bundle will be written: its sections wait there, in a file without a name, and not in memory.
  package var output: String?
  /// Whether the bundle carries the folder's small files (configuration, tokenizer), so that fine-tuning can start
  /// from it and write a folder back. A folder without a head is a base and always carries them.
  package var carriesSource = false
  /// Whether the bundle reads texts as HTML, also where the folder's configuration does not say so.
  package var readsHTML = false
  /// Facts for the bundle's card, in this order: where the model came from, under what licence.
  package var card: JSONObject = JSONObject()

  package init() {}
}

/// How far packed weights are from the ones they were made of, for one layer or table; there is none of an exact format.
package struct QuantizationNoise: Sendable {
  package let name: String
  /// 10 log10 of the power of the weights over the power of the difference; nil where the format holds the weights exactly.
  package let signalToNoiseDecibels: Double?
}

/// A checkpoint, read, quantised and laid out for the kernels: a bundle but for where it goes.
package struct PackedModel: ~Copyable {
  package let model: Model
  package let noise: [QuantizationNoise]
  /// Whether the checkpoint has no classification head.
  package let isBase: Bool
  /// Names of tensors that the model has no use for.
  package let unexpected: [String]
  /// The tensor with the largest products, if they may overflow.
  package let suspect: LargestTensor?

  private var writer: BundleWriter
  /// The folder, for messages about the bundle in memory.
  private let path: String
  private let card: JSONObject
  private let base: Bundle?
  private let output: String?

  fileprivate init(
    model: Model, sections: consuming Sections, isBase: Bool, unexpected: [String], suspect: LargestTensor?, path: String,
    options: PackingOptions
  ) {
    self.model = model
    self.path = path
    noise = sections.noise
    writer = sections.writer
    self.isBase = isBase
    self.unexpected = unexpected
    self.suspect = suspect
    card = options.card
    base = options.base?.bundle
    output = options.output
  }

  /// Adds what int8 costs on validation data, for `martlet inspect` to show, and the temperature fitted there.
  package mutating func add(_ quality: PackingQuality) throws {
    try writer.add(.qualityReport, contents: SectionContents(quality.json.text(indent: 2)))
    if let calibration = quality.calibrationJSON {
      try writer.add(.calibration, contents: SectionContents(calibration.text(indent: 2)))
    }
  }

  /// Writes the bundle: whole under its name, or not at all.
  package consuming func write(to path: String) throws -> BundleReport {
    try addCard()
    return try writer.write(to: path)
  }

  /// The bundle in memory, the same bytes as in a file.
  package consuming func writeToMemory() throws -> Bundle {
    try addCard()
    let base = base
    return try Bundle(memory: writer.writeToMemory().bundle, named: path, base: base, verifyChecksums: false)
  }

  /// The bundle, open: mapped, and without a name, where the options say where it would be written; in memory otherwise.
  consuming func open() throws -> Bundle {
    guard let output else { return try writeToMemory() }
    let (base, name) = (base, temporarySibling(of: output))
    defer { if fileExists(name) { try? removeTree(name) } }
    _ = try write(to: name)
    return try Bundle(path: name, base: base?.path, verifyChecksums: false)
  }

  private mutating func addCard() throws {
    guard card.count > 0 else { return }
    try writer.add(.card, contents: SectionContents(JSONValue.object(card).text(indent: 2)))
  }
}

/// Reads a Hugging Face folder, quantises it and lays it out.
///
/// - Throws: `CheckpointError`, `ConfigurationError`, `TokenizerError`, `ModelFolderError`, `ModelError`, `PackingError`.
package func pack(_ folder: CheckpointFolder, options: PackingOptions = PackingOptions()) throws -> PackedModel {
  let model = try Model(configuration: folder.configuration)
  let pretrained = PretrainedModel(folder)
  let tokenizer = try pretrained.loadTokenizer(for: model)
  let source = try CheckpointParameters(folder, prefix: model.prefix, unread: model.unreadTensors)
  // A configuration that lies about sizes is found before memory of those sizes is asked for.
  try source.checkShapes(model.blueprint)
  let parameters = FolderParameters(model.blueprint, source)
  // An encoder alone lacks the head's output layer, and perhaps more of the head.
  func isAbsent(_ parts: [Int]) -> Bool { parts.allSatisfy(parameters.missing.contains) }
  let absent = model.blueprint.linears.filter { $0.isHead && isAbsent($0.weights + $0.biases) }
  let absentNormalizations = model.blueprint.normalizations.filter { $0.isHead && isAbsent($0.parameters) }
  let isBase = absent.contains { $0.isOutput }
  let excused = Set(
    isBase ? absent.flatMap { $0.weights + $0.biases } + absentNormalizations.flatMap(\.parameters) : [])
  let missing = parameters.missing.filter { !excused.contains($0) }
  guard missing.isEmpty else {
    throw source.refusal(missing: missing, of: model.blueprint)
  }

  var configuration = folder.configuration
  if options.readsHTML, var object = configuration.object {
    object[HTMLSetting.recordKey] = true
    configuration = .object(object)
  }
  let spool = try options.output.map { path throws(FileError) in try SpoolFile(beside: path) }
  let writer = try options.base.map { try BundleWriter(base: $0, spool: spool) } ?? BundleWriter(policy: options.codec, spool: spool)
  var sections = Sections(writer: writer, base: options.base?.bundle)
  try sections.writer.add(
    .configuration, contents: SectionContents(configuration.text(indent: 2, sortedKeys: true)))
  try sections.writer.add(.tokenizer, contents: SectionContents(tokenizer.compiled()))
  for linear in model.blueprint.linears where !absent.contains(linear) {
    try sections.addMatrix(linear, parameters, options.weights)
  }
  for table in model.blueprint.tables { try sections.addTable(table, parameters, options.weights) }
  for normalization in model.blueprint.normalizations where !absentNormalizations.contains(normalization) {
    try sections.writer.add(
      .normalization, normalization.name, layout: .float32, shape: [2, normalization.width],
      contents: SectionContents(parameters.vectors(normalization)))
  }
  if isBase || options.carriesSource {
    for file in try pretrained.source.carriedFiles() {
      try sections.writer.add(.sourceFile, file.name, contents: SectionContents(file.bytes))
    }
  }
  return PackedModel(
    model: model, sections: sections, isBase: isBase, unexpected: source.unexpected,
    suspect: LargestTensor(model.blueprint) { parameters.largestMagnitudes[$0] }, path: folder.path,
    options: options)
}

/// The weights' sections on their way into the writer.
private struct Sections: ~Copyable {
  var writer: BundleWriter
  private(set) var noise: [QuantizationNoise] = []
  /// On whose scales int8 weights are to be.
  private let base: Bundle?

  init(writer: consuming BundleWriter, base: Bundle?) {
    self.writer = writer
    self.base = base
  }

  /// The base's section of a layer or a table; nil without a base, and for a head, which a base need not have.
  private func baseSection(
    _ kind: SectionKind, _ name: String, layout: LayoutNumber, shape: [Int], isHead: Bool
  ) throws -> UnsafeRawBufferPointer? {
    guard let base else { return nil }
    let entry = base.entry(kind, name)
    if let entry, entry.layout == layout, entry.shape == shape { return try base.bytes(kind, name) }
    guard isHead else {
      throw PackingError.base(
        path: base.path, section: name, expected: "\(layout), shape \(shape)",
        found: entry.map { "\($0.layout), shape \($0.shape)" } ?? "none")
    }
    return nil
  }

  mutating func addMatrix(
    _ linear: Linear, _ parameters: FolderParameters, _ weights: WeightFormat
  ) throws {
    let (format, shape) = (linear.isOutput ? .fp32 : weights, MatrixShape(outputs: linear.outputs, inputs: linear.inputs))
    let values = try parameters.matrix(linear)
    let biases = try linear.biases.isEmpty ? nil : parameters.concatenated(linear.biases)
    let rules = format.rules
    try requireRepresentable(linear.name, values, format)
    let block = try AlignedBuffer(byteCount: rules.byteCount(shape))
    let original = try !rules.hasGrid ? nil : baseSection(
      .matrix, linear.name, layout: rules.matrixLayout, shape: [linear.outputs, linear.inputs], isHead: linear.isHead)
    if let original { try requireSize(linear.name, original, block.byteCount) }
    rules.pack(
      values.bound(to: Float.self), bias: biases?.bound(to: Float.self), shape, onGridOf: original?.baseAddress, into: block.baseAddress)
    if !rules.isExact {
      measureNoise(linear.name, values, width: linear.inputs) { rules.unpack(block.baseAddress, shape, outputs: $0, into: $1) }
    }
    try writer.add(
      .matrix, linear.name, layout: rules.matrixLayout, shape: [linear.outputs, linear.inputs], contents: SectionContents(block))
  }

  mutating func addTable(
    _ table: Table, _ parameters: FolderParameters, _ weights: WeightFormat
  ) throws {
    let (format, shape) = (table.isExact ? .fp32 : weights, TableShape(rows: table.rows, width: table.width))
    let values = try parameters.concatenated([table.weight])
    let rules = format.rules
    try requireRepresentable(table.name, values, format)
    let block = try AlignedBuffer(byteCount: rules.byteCount(shape))
    let original = try !rules.hasGrid ? nil : baseSection(
      .embedding, table.name, layout: rules.tableLayout, shape: [table.rows, table.width], isHead: false)
    if let original { try requireSize(table.name, original, block.byteCount) }
    rules.pack(values.bound(to: Float.self), shape, onGridOf: original?.baseAddress, into: block.baseAddress)
    if !rules.isExact {
      measureNoise(table.name, values, width: table.width) { rules.unpack(block.baseAddress, shape, nil, rows: $0, into: $1) }
    }
    try writer.add(
      .embedding, table.name, layout: rules.tableLayout, shape: [table.rows, table.width], contents: SectionContents(block))
  }

  private func requireRepresentable(_ name: String, _ values: AlignedBuffer, _ format: WeightFormat) throws(PackingError) {
    let values = UnsafeBufferPointer(start: values.bound(to: Float.self), count: values.byteCount / 4)
    guard let value = values.first(where: { $0.magnitude > format.rules.largestMagnitude }) else { return }
    throw .beyondFormat(name: name, value: value, format: format)
  }

  /// - Parameter unpack: writes some rows as they come back.
  private mutating func measureNoise(
    _ name: String, _ original: AlignedBuffer, width: Int, unpack: (Range<Int>, UnsafeMutablePointer<Float>) -> Void
  ) {
    let (values, rows) = (original.bound(to: Float.self), original.byteCount / 4 / width)
    // A few at a time: a table is a gigabyte in some models.
    let piece = max(1, (1 << 18) / width)
    var unpacked = [Float](repeating: 0, count: piece * width)
    var (signal, difference) = (0.0, 0.0)
    for first in stride(from: 0, to: rows, by: piece) {
      let some = first..<min(first + piece, rows)
      unpacked.withUnsafeMutableBufferPointer { unpack(some, $0.baseAddress!) }
      for index in 0..<some.count * width {
        let value = Double(values[first * width + index])
        let error = Double(unpacked[index]) - value
        signal += value * value
        difference += error * error
      }
    }
    noise.append(
      QuantizationNoise(name: name, signalToNoiseDecibels: difference > 0 ? 10 * Double.log10(signal / difference) : nil))
  }
}
