import ArgumentParser
import Bundles
import Checkpoints
import Encoders
import JSON
import Martlet
import Packing
import Records
import Reporting
import Storage
import WeightFormats

struct PackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pack", abstract: "Turn a Hugging Face folder into one .martlet file.")

  @Argument(
    help: """
      A Hugging Face folder: also one of the Hugging Face cache (models--ORG--NAME), of sentence-transformers, or a LoRA adapter of \
      PEFT, which is merged.
      """)
  var folder: String
  @Option(name: .shortAndLong, help: "The bundle to write.")
  var output: String
  @Option(help: "int8, fp32, or fp16: half the bytes of fp32, widened to fp32 when the bundle is opened.")
  var weights: WeightFormat = .int8
  @Flag(help: "Weights stored, to be used in place; text in LZ4 (default).")
  var mapped = false
  @Flag(help: "The smallest file: everything compressed that gets smaller by it, inflated once when opened.")
  var compact = false
  @Option(
    help: """
      Write a delta: only what differs from this bundle, on whose scales the int8 weights are put. To be opened the delta \
      needs it: beside itself under the same name, or given by --base. A folder here is the one that FOLDER is an adapter for \
      (default: the one that it names).
      """)
  var base: String?
  @Option(help: "Labelled records on which to measure what int8 costs and to fit a temperature; both are kept in the bundle.")
  var validation: String?
  @OptionGroup var reading: DataOptions
  @OptionGroup var labels: LabelArguments
  @Flag(help: "Carry the folder's configuration and tokenizer files, so that fine-tuning can start from the bundle.")
  var carrySource = false
  @Flag(
    help: """
      Read texts as HTML: tags become blanks, entities what they stand for. `tune --unescape-html` records it in the folder; this is \
      for a folder that does not say so.
      """)
  var unescapeHtml = false
  @Option(help: "A fact for the bundle's card, as key=value; may be given several times.")
  var card: [String] = []
  @Flag(help: "Print one JSON object.")
  var json = false
  @OptionGroup var threading: ThreadOptions

  func validate() throws {
    if mapped && compact { throw ValidationError("--mapped and --compact exclude each other") }
    if deltaBase != nil && (mapped || compact || !weights.rules.hasGrid) {
      throw ValidationError("--base excludes --mapped, --compact and --weights \(WeightFormat.allCases.filter { !$0.rules.hasGrid }.map(\.rawValue).joined(separator: " or "))")
    }
    if let base = deltaBase, base.lastPathComponent == output.lastPathComponent || isSameFile(base, output) {
      throw ValidationError("--output: a delta lies beside its base, so expected another name than the base's, found \(output)")
    }
    for fact in card where !fact.contains("=") { throw ValidationError("--card: expected key=value, found \(fact)") }
  }

  /// The bundle to make a delta of; a folder is what an adapter is merged into.
  private var deltaBase: String? { base.flatMap { isDirectory($0) ? nil : $0 } }

  func run() throws {
    var options = PackingOptions()
    options.weights = weights
    options.codec = compact ? .compact : .mapped
    options.carriesSource = carrySource
    options.readsHTML = unescapeHtml
    options.output = output
    options.base = try deltaBase.map { DeltaBase(try Bundle(path: $0), fileName: $0.lastPathComponent) }
    for fact in card {
      let parts = fact.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      options.card[String(parts[0])] = .string(String(parts[1]))
    }
    let checkpoint = try CheckpointFolder(path: folder, base: deltaBase == nil ? base : nil)
    var packer = try naming(folder) { try pack(checkpoint, options: options) }
    if let name = packer.unexpected.first {
      let count = packer.unexpected.count
      writeNote(
        count == 1
          ? "tensor \(name.excerpt) is not part of the model"
          : "\(formatCount(count)) tensors are not part of the model: \(packer.unexpected.excerpts())")
    }
    if let suspect = packer.suspect {
      let note = try naming(folder) { try requireFiniteLogits(checkpoint, options, suspect, isBase: packer.isBase) }
      writeNote(note)
    }
    let noise = packer.noise
    var quality: PackingQuality?
    var badRows = 0
    if let validation {
      guard !packer.isBase else { throw CommandError("\(folder): no classification head: --validation has nothing to measure") }
      var data = try reading.dataset([validation])
      let task = try Model(configuration: checkpoint.configuration).task
      let targets = try labels.targets(&data, for: task)
      let measured = try measureQuality(
        checkpoint, options, data, targets, positiveLabel: try task.positiveLabel(named: labels.positiveLabel),
        threads: threading.threads)
      for warning in measured.packed.warnings { writeToStandardError("warning: \(warning)") }
      try packer.add(measured)
      quality = measured
      badRows = data.badRows.count
    }
    let report = try packer.write(to: output)
    let times = try LoadTimes(Bundle(path: output, base: deltaBase, verifyChecksums: false))
    if json {
      var summary = summary(report, times, quality, noise)
      if quality != nil { summary["bad_rows"] = .integer(Int64(badRows)) }
      try writeToStandardOutput(JSONValue.object(summary).text(indent: 2) + "\n")
    } else {
      try writeToStandardOutput(table(report, times, noise) + (quality.map { "\n" + $0.summary + (badRows > 0 ? "; \(badRows) bad rows left out" : "") + "\n" } ?? ""))
    }
  }

  private func table(_ report: BundleReport, _ times: LoadTimes, _ noise: [QuantizationNoise]) -> String {
    let noise = Dictionary(noise.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var table = TextTable([
      .init("section", .left), .init("before", .right), .init("after", .right), .init("share", .right), .init("codec", .left),
      .init("load", .right), .init("\(weights) noise", .right),
    ])
    for (entry, seconds) in zip(report.entries, times.seconds) {
      table.add([
        entry.displayName, formatBytes(entry.rawSize), formatBytes(entry.storedSize), entry.storedShare, "\(entry.codec)",
        seconds.map(formatMilliseconds) ?? "",
        noise[entry.name].map { $0.signalToNoiseDecibels.map { formatFixed($0, digits: 0) + " dB" } ?? "exact" } ?? "",
      ])
    }
    let raw = report.entries.reduce(0) { $0 + $1.rawSize }
    return table.text() + "\n\(output): \(formatBytes(report.fileSize)) (\(formatBytes(raw)) before compression)\(times)\n"
  }

  private func summary(_ report: BundleReport, _ times: LoadTimes, _ quality: PackingQuality?, _ noise: [QuantizationNoise]) -> JSONObject {
    JSONObject([
      ("file", .string(output)), ("bytes", .integer(Int64(report.fileSize))),
      ("sections", .array(zip(report.entries, times.seconds).map { $0.json(loadSeconds: $1) })), ("load_seconds", .number(times.total)),
      ("quality", quality?.json ?? .null), ("calibration", quality?.calibrationJSON ?? .null),
      ("signal_to_noise_db", .object(JSONObject(noise.map { ($0.name, $0.signalToNoiseDecibels.map { .number($0) } ?? .null) }))),
    ])
  }
}

extension PackingQuality {
  /// The headline figure in fp32 and packed, the share of same labels, and what calibration brings, on one line.
  fileprivate var summary: String {
    let (name, before) = fp32.quality
    let after = packed.quality.value
    let points = (after - before) * (name == "accuracy" ? 100 : 1)
    func figure(_ value: Double) -> String { formatFixed(value, digits: 4) }
    return "on \(samples) records: \(name) \(figure(before)) in fp32, \(figure(after)) in \(weights.rawValue) "
      + "(\(points < 0 ? "" : "+")\(formatFixed(points, digits: 2)) points), the same label on \(formatPercent(sameLabel, digits: 2))"
      + (calibration.map {
        "; calibrated on \(formatCount(samples)) records with \(formatCount($0.mistakes)) mistakes: temperature \(figure($0.temperature)), "
          + "loss \(figure($0.lossBefore)) to \(figure($0.lossAfter))"
      } ?? "")
  }
}

extension SectionEntry {
  var displayName: String {
    name.isEmpty ? "\(kind)" : name
  }

  /// The stored size in percent of the raw size.
  var storedShare: String { rawSize > 0 ? formatPercent(Double(storedSize) / Double(rawSize), digits: 1) : "" }

  func json(loadSeconds: Double?) -> JSONValue {
    [
      "kind": .string("\(kind)"), "name": .string(name), "layout": .string("\(layout)"),
      "shape": .array(shape.map { .integer(Int64($0)) }), "codec": .string("\(codec)"),
      "offset": .integer(Int64(offset)), "stored_bytes": .integer(Int64(storedSize)), "bytes": .integer(Int64(rawSize)),
      "checksum": .string(String(rawChecksum, radix: 16)), "load_seconds": loadSeconds.map { .number($0) } ?? .null,
    ]
  }
}
