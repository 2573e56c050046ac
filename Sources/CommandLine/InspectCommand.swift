import ArgumentParser
import Bundles
import Encoders
import JSON
import Kernels
import Martlet
import Reporting
import Storage
import Tokenizers

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Show what is inside a bundle: family, labels, sections, sizes, quality.")

  @OptionGroup var modelArgument: ModelArgument
  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    let start = Machine.monotonicSeconds()
    let path = modelArgument.model
    let bundle =
      isDirectory(path)
      ? try modelArgument.packInMemory() : try modelArgument.openBundle()
    let seconds = Machine.monotonicSeconds() - start
    let times = try LoadTimes(bundle)
    let model = try naming(path) { try Model(configuration: JSONValue(parsing: bundle.text(.configuration).utf8)) }
    let limit = try naming(path) {
      try LengthLimit(
        model.family, tokenizer: bundle.withBytes(.tokenizer) { try Tokenizer(compiled: $0) }.maximumLength, configuration: model.configuration)
    }
    let hasHead = model.blueprint.linears.allSatisfy { bundle.entry(.matrix, $0.name) != nil }
    let instructionSet = try InstructionSet.selected()
    let parameters = model.blueprint.parameters.reduce(0) { $0 + $1.count }
    func document(_ kind: SectionKind) throws -> JSONValue {
      try bundle.entry(kind) == nil ? .null : naming(path) { try JSONValue(parsing: bundle.text(kind).utf8) }
    }
    let (card, quality, calibration) = (try document(.card), try document(.qualityReport), try document(.calibration))
    if json {
      let report: JSONValue = [
        "model": .string(path), "format_version": .integer(Int64(bundle.formatVersion)),
        "family": .string(model.modelType), "has_head": .bool(hasHead),
        "labels": .array(hasHead ? model.task.labels.map { .string($0) } : []),
        "problem_type": .string(model.task.kind.rawValue),
        "maximum_length": .integer(Int64(limit.most())), "positions": .integer(Int64(limit.positions)), "parameters": .integer(Int64(parameters)),
        "bytes": .integer(Int64(bundle.fileSize)), "open_seconds": .number(seconds),
        "instruction_set": .string(instructionSet.rawValue),
        "instruction_sets": .array(InstructionSet.supported.map { .string($0.rawValue) }), "card": card, "quality": quality, "calibration": calibration,
        "base": bundle.base.map { .string($0.path) } ?? .null, "load_seconds": .number(times.total),
        "sections": .array(zip(bundle.entries, times.seconds).map { $0.json(loadSeconds: $1) }),
      ]
      return try writeToStandardOutput(report.text(indent: 2) + "\n")
    }
    var lines = [
      "model            \(path)", "format version   \(bundle.formatVersion)",
      "family           \(model.modelType.excerpt), \(formatCount(parameters)) parameters",
      "length           \(limit.most()) tokens at most, positions for \(limit.positions)",
      "labels           \(hasHead ? model.task.labels.map(\.excerpt).joined(separator: ", ") : "none: a base to fine-tune")",
      "size             \(formatBytes(bundle.fileSize)), opened and checked in \(formatMilliseconds(seconds))\(times)",
      "instruction set  \(instructionSet.rawValue) (this machine: \(InstructionSet.supported.map(\.rawValue).joined(separator: ", ")))",
    ]
    if let base = bundle.base {
      let (same, changed) = (bundle.entries.count { $0.codec == .base }, bundle.entries.count { $0.codec == .delta })
      lines.append("base             \(base.path), \(formatBytes(base.fileSize)): \(same) sections are its own, \(changed) are changed")
    }
    for (title, value) in [("card", card), ("quality", quality), ("calibration", calibration)] {
      for (key, value) in value.object?.entries ?? [] {
        lines.append("\(title.padded(to: 17))\(key): \(value.string ?? value.description)".onOneLine)
      }
    }
    var table = TextTable([
      .init("section", .left), .init("kind", .left), .init("shape", .left), .init("layout", .left),
      .init("codec", .left), .init("bytes", .right), .init("stored", .right), .init("share", .right), .init("load", .right),
    ])
    for (entry, seconds) in zip(bundle.entries, times.seconds) {
      table.add([
        entry.displayName, "\(entry.kind)", entry.shape.map { "\($0)" }.joined(separator: " x "), "\(entry.layout)",
        "\(entry.codec)", formatBytes(entry.rawSize), formatBytes(entry.storedSize), entry.storedShare, seconds.map(formatMilliseconds) ?? "",
      ])
    }
    try writeToStandardOutput(lines.joined(separator: "\n") + "\n\n" + table.text() + "\n")
  }
}

extension String {
  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - utf8.count)) }
}

func formatMilliseconds(_ seconds: Double) -> String { formatFixed(seconds * 1000, digits: 2) + " ms" }
