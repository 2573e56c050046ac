import Storage
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// What is installed: files, symbols, size, and what they say of each other.
@Suite struct LibraryTests {
  private let installation: Installation

  init() throws { installation = try Installation.shared.get() }

  private func text(_ path: String) throws -> String { String(decoding: try readFile(path), as: UTF8.self) }

  /// The functions that the header declares: what stands before a parenthesis outside of comments.
  private func declared() throws -> Set<String> {
    let declarations = try text(fixture("../../Sources/CMartlet/martlet.h")).split(separator: "*/")
      .map { $0.prefix { $0 != "/" } }.joined(separator: " ")
    return Set(declarations.split(separator: "(").dropLast().compactMap { part in
      let name = part.split { !($0.isLetter || $0.isNumber || $0 == "_") }.last
      return name.map(String.init).flatMap { $0.hasPrefix("martlet_") ? $0 : nil }
    })
  }

  private func symbols(_ arguments: [String]) throws -> [(kind: String, name: String)] {
    let finished = try run(["nm"] + arguments)
    try #require(finished.status == 0, "\(finished)")
    return finished.output.split(separator: "\n").compactMap {
      let words = $0.split(separator: " ")
      return words.count >= 2 ? (String(words[words.count - 2]), String(words[words.count - 1])) : nil
    }
  }

  /// The shared library shows the header's functions, each with its version, and nothing else.
  @Test func exports() throws {
    let declared = try declared()
    #expect(declared.count >= 12)
    let exported = try symbols(["--dynamic", "--defined-only", "--with-symbol-versions", installation.library])
    let later: Set = ["martlet_classifier_set_maximum_text_bytes"]
    #expect(
      Set(exported.filter { $0.kind == "T" }.map(\.name)) == Set(declared.map { $0 + (later.contains($0) ? "@@MARTLET_2" : "@@MARTLET_1") }))
    #expect(exported.allSatisfy { $0.kind == "T" || $0.name.hasPrefix("MARTLET_") }, "\(exported)")
  }

  @Test func archiveNames() throws {
    let names = try symbols(["--extern-only", "--defined-only", installation.archive]).map(\.name)
    #expect(Set(names) == (try declared()))
    // What is asked of others is C and C++: no name of Swift's or of liblz4's.
    let wanted = try symbols(["--undefined-only", installation.archive]).map(\.name)
    #expect(wanted.contains("malloc"))
    let foreign = wanted.filter { $0.hasPrefix("swift") || $0.hasPrefix("$s") || $0.hasPrefix("LZ4") || $0.hasPrefix("dispatch") }
    #expect(foreign.isEmpty, "\(foreign)")
  }

  /// `tools/library` strips it. Without Swift's concurrency runtime, which is 0.7 MB of that.
  @Test func size() throws {
    let size = try readFile(installation.library).count
    #expect(try (1_000_000...budget("libmartlet stripped bytes")).contains(size), "\(size) bytes")
    #expect(try run(["readelf", "--section-headers", installation.library]).output.contains(".symtab") == false)
  }

  /// Self-contained: the C and C++ runtimes besides.
  @Test func neededLibraries() throws {
    let finished = try run(["readelf", "--dynamic", installation.library])
    let lines = finished.output.split(separator: "\n")
    func names(_ tag: String) -> [String] {
      lines.filter { $0.contains(tag) }.compactMap { $0.split(separator: "[").last?.split(separator: "]").first.map(String.init) }
    }
    #expect(names("(SONAME)") == ["libmartlet.so.1"])
    let needed = names("(NEEDED)")
    #expect(needed.contains("libc.so.6"))
    let runtimes = ["libc.so", "libm.so", "libstdc++.so", "libgcc_s.so", "ld-linux", "libdl.so", "libpthread.so"]
    #expect(needed.allSatisfy { name in runtimes.contains { name.hasPrefix($0) } }, "\(needed)")
  }

  @Test func installedFiles() throws {
    let prefix = installation.prefix
    #expect(try readFile(prefix + "/include/martlet.h") == readFile(fixture("../../Sources/CMartlet/martlet.h")))
    var target = [CChar](repeating: 0, count: 64)
    try #require(readlink(prefix + "/lib/libmartlet.so", &target, 63) > 0)
    #expect(target.withUnsafeBufferPointer { String(cString: $0.baseAddress!) } == "libmartlet.so.1")

    // What pkg-config says is enough to compile and link, from C and from C++.
    let environment = ["PKG_CONFIG_PATH": prefix + "/lib/pkgconfig"]
    let flags = try run(["pkg-config", "--cflags", "--libs", "martlet"], environment: environment)
    #expect(flags.status == 0, "\(flags)")
    let words = flags.output.split { $0 == " " || $0 == "\n" }.map(String.init)
    #expect(words == ["-I\(prefix)/include", "-L\(prefix)/lib", "-lmartlet"])
    for (compiler, language) in [("cc", "c"), ("c++", "c++")] {
      let compiled = try run(
        [compiler, "-Wall", "-Wextra", "-pedantic", "-Werror", "-x", language, fixture("../CInterface/version.c"), "-o", installation.folder + "/version"]
          + words + ["-Wl,-rpath,\(prefix)/lib"])
      #expect(compiled.status == 0 && compiled.output.isEmpty, "\(compiled)")
      let version = try run(["pkg-config", "--modversion", "martlet"], environment: environment).output
      #expect(try run([installation.folder + "/version"]).output == version)
    }
  }

  /// One version: the header's, the library's (the C program compares them) and the tool's.
  @Test func versions() throws {
    let header = try text(fixture("../../Sources/CMartlet/martlet.h"))
    let version = try #require(header.split(separator: "#define MARTLET_VERSION \"").last?.split(separator: "\"").first)
    #expect(try text(fixture("../../Sources/CommandLine/MartletCommand.swift")).contains("version: \"\(version)\""))
  }
}
