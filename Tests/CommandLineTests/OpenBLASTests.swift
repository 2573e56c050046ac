import TestSupport
import Testing

/// OpenBLAS asks for memory and threads for ever, or interrupts its process: `tune` ends, soon, and says which limit it was.
@Suite struct OpenBLASTests {
  /// `tune` of the tiny model on two threads into a folder of the workshop, after a line of shell and under a command.
  private func tune(_ workshop: Workshop, after line: String = ":", under command: String = "", threads: Int = 2) throws -> Outcome {
    let data = try workshop.writeTSV("train.tsv", labelledReviews(12))
    return try shell(
      """
      \(line)
      exec \(command) "$martlet" tune '\(fixture("tiny-bert-encoder"))' --train '\(data)' --output-dir "$folder/out" --max-steps 2 \
        --no-forecast --quiet --threads \(threads)
      """, workshop)
  }

  /// A library that raises SIGINT as it is opened, which is what OpenBLAS does where a thread is refused, or needs another that is missing.
  private func makeLibrary(_ workshop: Workshop, _ source: String, _ options: String = "") throws {
    try workshop.write("library.c", source)
    let made = try shell(#"mkdir -p "$folder/lib"; cc -shared -fPIC -o "$folder/lib/libopenblas.so.0" "$folder/library.c" "# + options, workshop)
    try #require(made.status == 0, "\(made.errors)")
  }

  @Test func limitedAddresses() throws {
    try withWorkshop { workshop in
      for kilobytes in [200_000, 400_000] {
        expectFailure(
          try tune(workshop, after: "ulimit -v \(kilobytes)"),
          naming: ["out of memory", "OpenBLAS needs 448 MiB", "2 threads", "ulimit -v is \(kilobytes) kB", "fewer threads"])
      }
      let one = try tune(workshop, after: "ulimit -v 600000", threads: 1)
      #expect(one.status == 0, "\(one.errors)")
    }
  }

  @Test func limitedThreads() throws {
    try withWorkshop { workshop in
      // Of a user of its own who has no other process: one thread is all there is.
      let alone = "prlimit --nproc=1 setpriv --reuid=64321 --clear-groups"
      let may = try Program(["-c", "chmod 777 \"$0\"; exec \(alone) touch \"$0/written\"", workshop.folder], path: "/bin/sh").finish()
      guard may.status == 0 else { return }
      let outcome = try tune(workshop, under: alone)
      #expect(outcome.status == 0 && outcome.text.contains("2 steps"), "\(outcome.errors)")
    }
  }

  @Test func itsOwnSignalIsNotTheUsers() throws {
    try withWorkshop { workshop in
      try makeLibrary(workshop, "#include <signal.h>\n__attribute__((constructor)) static void start(void) { raise(SIGINT); }\n")
      expectFailure(
        try tune(workshop, after: #"ulimit -u 999; export LD_LIBRARY_PATH="$folder/lib""#),
        naming: ["OpenBLAS", "refused it a thread", "ulimit -u is 999"])
    }
  }

  @Test func whatTheLoaderSaysIsSaid() throws {
    try withWorkshop { workshop in
      try makeLibrary(workshop, "int x;\n")
      let library = #"export LD_LIBRARY_PATH="$folder/lib""#
      expectFailure(try tune(workshop, after: library), naming: ["OpenBLAS", "lacks", "libopenblas0-pthread"])
      try workshop.write("absent.c", "int y;\n")
      let absent = #""$folder/lib/libabsent.so""#
      let made = try shell(#"cc -shared -fPIC -Wl,-soname,libabsent.so -o \#(absent) "$folder/absent.c""#, workshop)
      try #require(made.status == 0, "\(made.errors)")
      try makeLibrary(workshop, "int x;\n", "-Wl,--no-as-needed \(absent); rm \(absent)")
      let outcome = try tune(workshop, after: library)
      expectFailure(outcome, naming: ["OpenBLAS cannot be opened", "libabsent.so"])
      #expect(!outcome.errors.contains("not installed"))
    }
  }
}
