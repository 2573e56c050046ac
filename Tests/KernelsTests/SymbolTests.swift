import Kernels
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// What the object files of the kernel modules define and call.
///
/// A module that is compiled for a newer processor must own no code that another module owns too: the linker keeps one
/// copy, and an older processor would stop at its first instruction. Nor may it call generic code of the standard
/// library: what has not been specialised is slow, and what has is such a copy.
@Suite struct SymbolTests {
  @Test func modulesOwnTheirCodeAlone() throws {
    let folder = try #require(productsFolder())
    let modules = entries(folder).filter {
      $0.hasPrefix("Kernels") && $0.hasSuffix(".build") && $0 != "Kernels.build" && $0 != "KernelsTests.build"
    }
    #expect(modules.count >= InstructionSet.supported.count, "no objects in \(folder)")
    for module in modules {
      let name = module.dropLast(".build".count)
      // Its own: names that carry the module's, extensions of other types included.
      let own = "\(name.utf8.count)\(name)"
      let objects = entries(folder + "/" + module).filter { $0.hasSuffix(".o") }
      #expect(!objects.isEmpty, "\(module) has no objects")
      for object in objects {
        let symbols = try #require(ObjectFile(path: "\(folder)/\(module)/\(object)"), "\(module)/\(object)").symbols
        for symbol in symbols where !symbol.name.contains(own) {
          if symbol.isDefined {
            #expect(!symbol.isCode || symbol.isLocal, "\(module)/\(object) owns \(symbol.name)")
          } else {
            let isGeneric = ["$ss", "$sS", "swift_"].contains { symbol.name.hasPrefix($0) }
            #expect(!isGeneric, "\(module)/\(object) calls \(symbol.name)")
          }
        }
      }
    }
  }

  /// The folder of the build that this test belongs to.
  private func productsFolder() -> String? {
    guard let path = realpath("/proc/self/exe", nil) else { return nil }
    defer { free(path) }
    return String(cString: path).split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
  }

  private func entries(_ folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      names.append(withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      })
    }
    return names
  }
}

/// The symbol table of an ELF64 object file, little-endian.
private struct ObjectFile {
  struct Symbol {
    let name: String
    let isLocal: Bool
    let isDefined: Bool
    /// Whether it lies in a section of instructions.
    let isCode: Bool
  }

  private(set) var symbols: [Symbol] = []

  /// nil if the file cannot be read or is not such an object.
  init?(path: String) {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    fseek(file, 0, SEEK_END)
    var bytes = [UInt8](repeating: 0, count: ftell(file))
    rewind(file)
    guard fread(&bytes, 1, bytes.count, file) == bytes.count, bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]) else {
      return nil
    }
    bytes.withUnsafeBytes { bytes in
      func number<Integer: FixedWidthInteger>(_ offset: Int, _: Integer.Type) -> Int {
        Int(bytes.loadUnaligned(fromByteOffset: offset, as: Integer.self))
      }
      let headers = number(0x28, UInt64.self)
      let headerSize = number(0x3A, UInt16.self)
      let sectionCount = number(0x3C, UInt16.self)
      let symbolTable = 2  // SHT_SYMTAB
      let instructions = 4  // SHF_EXECINSTR
      for section in 0..<sectionCount where number(headers + section * headerSize + 4, UInt32.self) == symbolTable {
        let header = headers + section * headerSize
        let table = number(header + 0x18, UInt64.self)
        let strings = number(headers + number(header + 0x28, UInt32.self) * headerSize + 0x18, UInt64.self)
        for entry in stride(from: table, to: table + number(header + 0x20, UInt64.self), by: 24) {
          let place = number(entry + 6, UInt16.self)
          let isInSection = place > 0 && place < sectionCount
          symbols.append(
            Symbol(
              name: String(cString: (bytes.baseAddress! + strings + number(entry, UInt32.self)).assumingMemoryBound(to: CChar.self)),
              isLocal: bytes[entry + 4] >> 4 == 0, isDefined: place != 0,
              isCode: isInSection && number(headers + place * headerSize + 8, UInt64.self) & instructions != 0))
        }
      }
    }
  }
}
