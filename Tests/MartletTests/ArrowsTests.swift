import Storage
import TestSupport
import Testing

/// The arrows of the house: what each module imports, read from the sources, against the table of `Package.swift`
/// and the rules that hold whatever the table says.
@Suite struct ArrowsTests {
  private static let house = Result { try House(root: fixture("../..")) }

  @Test func theHouseStands() throws {
    let house = try Self.house.get()
    #expect(house.table.count >= 18 && house.table["Martlet"]?.contains("Inference") == true)
    #expect(house.table["Kernels"]!.isSuperset(of: ["CVector", "KernelsAVX2", "KernelsNEON"]))
    #expect(house.imports["Martlet"]!.contains("Tokenizers") && house.imports["KernelsAVX2"] == ["CVector"])
    // Every module of the table has a folder with sources, and every Swift folder a place in the house.
    #expect(house.imports.keys.sorted() == (Array(house.table.keys) + house.kernels).sorted())
    for violation in house.violations { Issue.record("\(violation)") }
  }

  /// One line added to a module's sources, and what is said of it. A rule that flags nothing would not be one.
  @Test(arguments: [
    ("Encoders", "import Inference"), ("Encoders", "import Kernels"), ("Encoders", "import Training"),
    ("Inference", "import Training"), ("Inference", "import LinearAlgebra"), ("Inference", "import KernelsAVX2"),
    ("Training", "import KernelsBaseline"), ("Tokenizers", "import Kernels"), ("Tasks", "import Encoders"),
    ("Martlet", "import Foundation"), ("Martlet", "import FoundationEssentials"), ("Bundles", "import FoundationEssentials"),
    ("Checkpoints", "import Foundation"), ("CommandLine", "import FoundationNetworking"),
    ("MartletTuning", "import ArgumentParser"), ("KernelsAVX2", "import Storage"), ("MartletABI", "import Bundles"),
    ("Storage", "@preconcurrency public import Foundation"), ("Storage", "import struct Foundation.Data"),
    ("Storage", "  internal import Dispatch"), ("Packing", "@_exported import Training"),
  ]) func aForbiddenLineIsFound(module: String, line: String) throws {
    var house = try Self.house.get()
    let before = house.violations
    house.add("\(line)\n", to: module)
    #expect(house.violations.count > before.count, "\(line) in \(module) goes unnoticed")
  }

  /// Rules that hold even if the table is changed to allow more.
  @Test(arguments: [
    ("Encoders", "Inference"), ("Encoders", "Kernels"), ("Encoders", "LinearAlgebra"), ("Inference", "Training"),
    ("Inference", "LinearAlgebra"), ("Martlet", "Packing"), ("Martlet", "Checkpoints"), ("Training", "KernelsAVX2"),
    ("Tokenizers", "Inference"), ("Tasks", "Kernels"), ("MartletTuning", "ArgumentParser"), ("Bundles", "Training"),
  ]) func theTableCannotAllowIt(module: String, target: String) throws {
    var house = try Self.house.get()
    let before = house.violations
    house.table[module]!.insert(target)
    house.add("import \(target)\n", to: module)
    #expect(house.violations.count > before.count, "\(module) to \(target) goes unnoticed")
  }

  @Test func allowedLinesAreNotFlagged() throws {
    var house = try Self.house.get()
    let before = house.violations
    for (module, line) in [
      ("Checkpoints", "import FoundationEssentials"), ("Kernels", "import KernelsAVX2"), ("Martlet", "import Glibc"),
      ("Storage", "// import Foundation"), ("Storage", "/// import Foundation"), ("Storage", "let text = \"import Foundation\""),
    ] {
      house.add(line + "\n", to: module)
    }
    #expect(house.violations == before)
  }
}

/// The modules, what they may import and what they do import.
private struct House {
  /// What `Package.swift` lets each module import.
  var table: [String: Set<String>]
  /// The modules of the instruction sets.
  let kernels: [String]
  private(set) var imports: [String: Set<String>] = [:]

  init(root: String) throws {
    let manifest = String(decoding: try readFile(root + "/Package.swift"), as: UTF8.self)
    let flags = manifest.section(from: "let kernelFlags", to: "\n  ]\n\n")
    let kernels = Set(flags.quoted.filter { $0.hasPrefix("Kernels") })
    self.kernels = kernels.sorted()
    table = [:]
    for entry in manifest.section(from: "let modules", to: "\n]\n").parenthesised {
      let names = entry.quoted
      table[names[0]] = Set(names.dropFirst()).union(entry.contains("kernelFlags") ? kernels : [])
    }
    for folder in try listDirectory(root + "/Sources") where folder != "KernelSource" {
      for file in try swiftFiles(root + "/Sources/" + folder) {
        add(String(decoding: try readFile(file), as: UTF8.self), to: folder)
      }
    }
  }

  mutating func add(_ source: String, to module: String) {
    imports[module, default: []].formUnion(source.split(separator: "\n").compactMap(importedModule))
  }

  var violations: [String] {
    var violations: [String] = []
    for (module, imported) in imports.sorted(by: { $0.key < $1.key }) {
      for target in imported.sorted() {
        if let reason = reason(module, target) { violations.append("\(module) imports \(target): \(reason)") }
      }
    }
    for target in closure("Martlet").intersection(Self.absentFromClassification).sorted() {
      violations.append("the closure of Martlet holds \(target)")
    }
    return violations
  }

  /// Why a module must not import another; nil if it may.
  private func reason(_ module: String, _ target: String) -> String? {
    if target == "FoundationEssentials" {
      return ["Checkpoints", "Packing", "Training", "CommandLine"].contains(module) ? nil : "not in this module"
    }
    if target.hasPrefix("Foundation") { return "nowhere below the executable" }
    if target == "ArgumentParser", module != "CommandLine" { return "the command line alone parses arguments" }
    if kernels.contains(target), module != "Kernels" { return "Kernels alone knows the instruction sets" }
    if let forbidden = Self.forbidden[module], forbidden.contains(target) { return "an arrow that must never exist" }
    if ["Glibc", "Synchronization"].contains(target) { return nil }
    let allowed = kernels.contains(module) ? ["CVector"] : table[module] ?? []
    return allowed.contains(target) ? nil : "not in the manifest's table"
  }

  /// Everything that a module is built on.
  private func closure(_ module: String) -> Set<String> {
    var reached: Set<String> = []
    var open = [module]
    while let next = open.popLast() {
      for target in imports[next] ?? [] where reached.insert(target).inserted { open.append(target) }
    }
    return reached
  }

  private static let numerics: Set<String> = ["CVector", "Encoders", "Inference", "Kernels", "LinearAlgebra", "Training"]
  private static let forbidden: [String: Set<String>] = [
    "Encoders": ["CVector", "Inference", "Kernels", "LinearAlgebra", "Training"],
    "Inference": ["LinearAlgebra", "Training"],
    "Tokenizers": numerics,
    "Tasks": numerics,
  ]
  /// What runs at classification time knows neither training nor Hugging Face's files.
  private static let absentFromClassification: Set<String> = [
    "Checkpoints", "Foundation", "FoundationEssentials", "LinearAlgebra", "Packing", "Training",
  ]
}

/// The module that a line of Swift imports, nil if it is not an import.
private func importedModule(_ line: Substring) -> String? {
  var words = line.split(whereSeparator: { " \t;".contains($0) })[...]
  while let word = words.first, word.hasPrefix("@") || ["public", "package", "internal", "fileprivate", "private"].contains(word) {
    words = words.dropFirst()
  }
  guard words.popFirst() == "import" else { return nil }
  if let kind = words.first, ["struct", "class", "enum", "protocol", "typealias", "func", "var", "let"].contains(kind) {
    words = words.dropFirst()
  }
  return words.first?.split(separator: ".").first.map(String.init)
}

private func swiftFiles(_ folder: String) throws -> [String] {
  try listDirectory(folder).flatMap { name in
    let path = folder + "/" + name
    return isDirectory(path) ? try swiftFiles(path) : name.hasSuffix(".swift") ? [path] : []
  }
}

extension String {
  /// The text between the first of one mark and the next of another.
  fileprivate func section(from start: String, to end: String) -> String {
    guard let first = ranges(of: start).first, let last = self[first.upperBound...].ranges(of: end).first else { return "" }
    return String(self[first.upperBound..<last.lowerBound])
  }

  /// The contents of all quotes.
  fileprivate var quoted: [String] {
    split(separator: "\"", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
  }

  /// The outermost parentheses after the first `=`: the rows of a table.
  fileprivate var parenthesised: [String] {
    var (rows, row, depth) = ([String](), "", 0)
    for character in drop(while: { $0 != "=" }) {
      if character == "(" { depth += 1 }
      if depth > 0 { row.append(character) }
      if character == ")" {
        depth -= 1
        if depth == 0 {
          rows.append(row)
          row = ""
        }
      }
    }
    return rows
  }
}
