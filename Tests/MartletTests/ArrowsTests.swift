import Storage
import TestSupport
import Testing

/// The arrows of the house: what each module imports, read from the sources, against the table of `Package.swift`
/// and the rules that hold whatever the table says.
@Suite struct ArrowsTests {
  private static let house = Result { try House(root: fixture("../..")) }

  @Test func theHouseStands() throws {
    let house = try Self.house.get()
    #expect(house.table.count >= 18 && house.table["Martlet"]?.contains("Sessions") == true)
    #expect(house.table["Kernels"]!.isSuperset(of: ["CVector", "KernelsAVX2", "KernelsNEON"]))
    #expect(house.imports["Martlet"]!.contains("Tokenizers") && house.imports["KernelsAVX2"] == ["CVector"])
    // Every module of the table has a folder with sources, and every Swift folder a place in the house.
    #expect(house.imports.keys.sorted() == (Array(house.table.keys) + house.kernels).sorted())
    for violation in house.violations { Issue.record("\(violation)") }
  }

  /// What each module's README says after "May import:", against the table.
  @Test func theReadmesAreTrue() throws {
    let house = try Self.house.get()
    #expect(house.readmes.keys.sorted() == house.table.keys.sorted())
    for (module, allowed) in house.table.sorted(by: { $0.key < $1.key }) {
      let said = house.readmes[module] ?? []
      #expect(
        said == allowed,
        "Sources/\(module)/README.md: \"May import:\" lacks \(allowed.subtracting(said).sorted()) and has \(said.subtracting(allowed).sorted()), which Package.swift does not")
    }
  }

  @Test func whatAReadmeSays() {
    let text = "# A\n\n- `B`: not this.\n\nMay import: `C` (for `D`), `E`,\nand `F`: as (`G`) says. Nobody else does.\n\n`H` is further down.\n"
    #expect(House.modulesSaid(in: text) == ["C", "E", "F"])
    #expect(House.modulesSaid(in: "# A\n\nNothing.\n") == [])
  }

  /// The table allows nothing that no source asks for.
  @Test func everyArrowIsUsed() throws {
    let house = try Self.house.get()
    for (module, allowed) in house.table.sorted(by: { $0.key < $1.key }) {
      let unused = allowed.subtracting(house.imports[module] ?? [])
      #expect(unused.isEmpty, "Package.swift lets \(module) import \(unused.sorted()), which it does not")
    }
  }

  /// A module that is named like a type in it hides itself: what lies in it cannot be named in full.
  @Test func noModuleIsNamedLikeATypeInIt() throws {
    let house = try Self.house.get()
    #expect(house.types["Tokenizers"]?.contains("Tokenizer") == true && house.types["Storage"]?.contains("FileDescriptor") == true)
    for (module, types) in house.types { #expect(!types.contains(module), "\(module)") }
  }

  /// The manifest of `Tests/Fuzz` builds the same sources: its arrows are these.
  @Test func theFuzzersArrowsAreTheSame() throws {
    let house = try Self.house.get()
    let fuzz = House.table(inManifest: String(decoding: try readFile(fixture("../Fuzz/Package.swift")), as: UTF8.self), house.kernels)
    #expect(fuzz.count >= 12)
    for (module, allowed) in fuzz { #expect(house.table[module] == allowed, "\(module)") }
  }

  /// One line added to a module's sources, and what is said of it. A rule that flags nothing would not be one.
  @Test(arguments: [
    ("Encoders", "import Inference"), ("Encoders", "import Kernels"), ("Encoders", "import Training"),
    ("Inference", "import Training"), ("Inference", "import LinearAlgebra"), ("Inference", "import KernelsAVX2"),
    ("Training", "import KernelsBaseline"), ("Tokenizers", "import Kernels"), ("Tokenizers", "import JSON"), ("Martlet", "import TokenizerImport"), ("Tasks", "import Encoders"),
    ("Martlet", "import Foundation"), ("Martlet", "import FoundationEssentials"), ("Bundles", "import FoundationEssentials"),
    ("Checkpoints", "import Foundation"), ("CommandLine", "import FoundationNetworking"),
    ("MartletTuning", "import ArgumentParser"), ("KernelsAVX2", "import Storage"), ("MartletABI", "import Bundles"),
    ("Storage", "@preconcurrency public import Foundation"), ("Storage", "import struct Foundation.Data"),
    ("Storage", "  internal import Dispatch"), ("Records", "import Glibc"), ("Packing", "@_exported import Training"),
  ]) func aForbiddenLineIsFound(module: String, line: String) throws {
    var house = try Self.house.get()
    let before = house.violations
    house.add("\(line)\n", to: module)
    #expect(house.violations.count > before.count, "\(line) in \(module) goes unnoticed")
  }

  /// Rules that hold even if the table is changed to allow more.
  @Test(arguments: [
    ("Encoders", "Inference"), ("Encoders", "Kernels"), ("Encoders", "LinearAlgebra"), ("Inference", "Training"),
    ("Inference", "LinearAlgebra"), ("Martlet", "Packing"), ("Martlet", "Checkpoints"), ("Packing", "Martlet"), ("ModelBundles", "Checkpoints"),
    ("Training", "KernelsAVX2"), ("Tokenizers", "Inference"), ("Tokenizers", "JSON"), ("Martlet", "TokenizerImport"), ("Tasks", "Kernels"),
    ("MartletTuning", "ArgumentParser"), ("Bundles", "Training"),
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
      ("Checkpoints", "import FoundationEssentials"), ("Kernels", "import KernelsAVX2"), ("Storage", "import Glibc"),
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
  /// What each module's README says that it may import.
  private(set) var readmes: [String: Set<String>] = [:]
  /// The types that each module declares.
  private(set) var types: [String: Set<String>] = [:]

  init(root: String) throws {
    let manifest = String(decoding: try readFile(root + "/Package.swift"), as: UTF8.self)
    let flags = manifest.section(from: "let kernelFlags", to: "\n  ]\n\n")
    let kernels = Set(flags.quoted.filter { $0.hasPrefix("Kernels") })
    self.kernels = kernels.sorted()
    table = Self.table(inManifest: manifest, self.kernels)
    for folder in try listDirectory(root + "/Sources") where folder != "KernelSource" {
      for file in try swiftFiles(root + "/Sources/" + folder) {
        add(String(decoding: try readFile(file), as: UTF8.self), to: folder)
      }
      let readme = root + "/Sources/" + folder + "/README.md"
      if fileExists(readme) { readmes[folder] = Self.modulesSaid(in: String(decoding: try readFile(readme), as: UTF8.self)) }
    }
  }

  /// The table of a manifest: for each module what it may import, a package's product by its name.
  static func table(inManifest manifest: String, _ kernels: [String]) -> [String: Set<String>] {
    var table: [String: Set<String>] = [:]
    for entry in manifest.section(from: "let modules", to: "\n]\n").parenthesised {
      let names = entry.replacing(/, package: "[^"]*"/, with: "").quoted
      table[names[0]] = Set(names.dropFirst()).union(entry.contains("kernels") || entry.contains("kernelFlags") ? kernels : [])
    }
    return table
  }

  /// The names in the paragraph after "May import:", without what parentheses say of them.
  static func modulesSaid(in readme: String) -> Set<String> {
    guard let start = readme.ranges(of: "May import:").first?.upperBound else { return [] }
    let paragraph = readme[start...].split(separator: "\n\n", maxSplits: 1)[0].replacing(/\([^)]*\)/, with: "")
    return Set(paragraph.matches(of: /`(\w+)`/).map { String($0.1) })
  }

  mutating func add(_ source: String, to module: String) {
    imports[module, default: []].formUnion(source.split(separator: "\n").compactMap(importedModule))
    for match in source.matches(of: /\b(?:actor|class|enum|protocol|struct|typealias) (\w+)/) { types[module, default: []].insert(String(match.1)) }
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
    for module in imports.keys.sorted() where imports[module]!.contains("Martlet") && !Self.aboveMartlet.contains(module) {
      violations.append("\(module) imports Martlet, which is for applications")
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
    if target == "Glibc" { return module == "Storage" ? nil : "Storage alone reaches the operating system" }
    if target == "Synchronization" { return nil }
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
    "Tokenizers": numerics.union(["JSON"]),
    "Tasks": numerics,
  ]
  /// What runs at classification time knows neither training nor Hugging Face's files, a tokenizer's among them.
  private static let absentFromClassification: Set<String> = [
    "Checkpoints", "Foundation", "FoundationEssentials", "LinearAlgebra", "ModelFolders", "Packing", "TokenizerImport", "Training",
  ]
  private static let aboveMartlet: Set<String> = ["CommandLine", "MartletABI"]
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
