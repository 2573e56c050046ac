import Storage
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// The program as others run it: shells, `xargs`, `split`, GNU parallel.
@Suite struct PipelineTests {
  /// Nothing lost, doubled or reordered: the echoed texts are the input to the last byte, each with one label.
  @Test func aMillionLines() throws {
    try withWorkshop { workshop in
      let outcome = try shell(
        """
        seq 1000000 | sed 's/$/ good film/' > "$folder/input"
        "$martlet" classify "$model" --echo --summary < "$folder/input" > "$folder/output"
        cut -f 3 "$folder/output" | cmp - "$folder/input"
        cut -f 1 "$folder/output" | sort | uniq -c | awk '{ lines += $1 } END { print lines }'
        """, workshop)
      #expect(outcome.status == 0 && outcome.lines == ["1000000"], "\(outcome.text)\(outcome.errors)")
      #expect(outcome.errors.contains("1,000,000 records, "), "\(outcome.errors)")
    }
  }

  /// Ctrl-C while it waits, and while there is more to read than it can answer: what is answered stands, whole and in order.
  @Test func interrupted() throws {
    try withWorkshop { workshop in
      let program = try Program(["classify", workshop.bundle, "--echo"])
      program.send("good film\nhalf of a")
      let first = try #require(program.readLine())
      program.interrupt()
      let waiting = program.finish()
      #expect(waiting.status == 1 && first.hasSuffix("\tgood film") && waiting.errors.hasSuffix("; records answered: 1\n"), "\(waiting.errors)")
      let busy = try shell(
        """
        (seq 1000000 || true) | ("$martlet" classify "$model" --echo > "$folder/output" & until [ -s "$folder/output" ]; do sleep 0.02; done; kill -TERM $!; wait $! && exit 1 || true)
        cut -f 3 "$folder/output" > "$folder/answered"
        count=$(wc -l < "$folder/answered")
        seq "$count" | cmp - "$folder/answered"
        echo "$count"
        """, workshop)
      let count = try #require(busy.lines.last.flatMap { Int($0) }, "\(busy.errors)")
      #expect(busy.status == 0 && count > 0 && count < 1_000_000, "\(busy.errors)")
    }
  }

  /// A connection that drops stops the stream as Ctrl-C does, unless the signal is ignored, as `nohup` has it.
  @Test func hangup() throws {
    try withWorkshop { workshop in
      let program = try Program(["classify", workshop.bundle, "--echo"])
      program.send("good film\n")
      #expect(program.readLine()?.hasSuffix("\tgood film") == true)
      program.interrupt(by: SIGHUP)
      let stopped = program.finish()
      #expect(stopped.status == 1 && stopped.errors.hasSuffix("; records answered: 1\n"), "\(stopped.errors)")
      let ignored = try shell(
        """
        trap '' HUP
        (echo good; sleep 1; echo film) | "$martlet" classify "$model" --echo > "$folder/output" &
        until [ -s "$folder/output" ]; do sleep 0.02; done
        kill -HUP $!
        wait $!
        cut -f 3 "$folder/output"
        """, workshop)
      #expect(ignored.status == 0 && ignored.lines == ["good", "film"], "\(ignored.text)\(ignored.errors)")
    }
  }

  /// A limit of file sizes is like a full disk: an error, and no half of a bundle.
  @Test func aLimitOfFileSizes() throws {
    try withWorkshop { workshop in
      let outcome = try shell(
        """
        mkdir "$folder/limited"
        ulimit -f 4
        "$martlet" pack "$source" -o "$folder/limited/x.martlet" || echo $?
        yes good | head -n 9999 | "$martlet" classify "$model" > "$folder/output" || echo $?
        ls "$folder/limited"
        """.replacing("$source", with: fixture("tiny-bert")), workshop)
      #expect(outcome.status == 0 && outcome.lines == ["1", "1"], "\(outcome.text)\(outcome.errors)")
      let errors = outcome.errors.split(separator: "\n")
      #expect(errors.count == 2 && errors.allSatisfy { $0.hasSuffix("file too large") }, "\(outcome.errors)")
    }
  }

  /// What each way of dealing the lines out must come to, line for line.
  private func expected(_ texts: [String], _ workshop: Workshop) throws -> [String] {
    try martlet("classify", workshop.bundle, "--echo", input: texts.map { $0 + "\n" }.joined()).lines
  }

  @Test func xargs() throws {
    try withWorkshop { workshop in
      let texts = reviews(600, seed: 51)
      for file in 0..<6 { try workshop.write("part\(file)", texts[file * 100..<(file + 1) * 100].map { $0 + "\n" }.joined()) }
      let expected = try expected(texts, workshop)
      // Files dealt out two a call, one call after the other; then two calls at once, whose order is theirs.
      let inTurn = try shell(#"printf '%s\0' "$folder"/part? | xargs -0 -n 2 "$martlet" classify "$model" --echo"#, workshop)
      #expect(inTurn.status == 0 && inTurn.lines == expected, "\(inTurn.errors)")
      let atOnce = try shell(
        #"printf '%s\0' "$folder"/part? | xargs -0 -n 1 -P 2 sh -c '"$martlet" classify "$model" --echo --threads 1 "$1" > "$1.out"' -; cat "$folder"/part?.out"#,
        workshop)
      #expect(atOnce.status == 0 && atOnce.lines == expected, "\(atOnce.errors)")
      // xargs hands a failure on.
      #expect(try shell(#"echo "$folder"/none | xargs "$martlet" classify "$model""#, workshop).status == 123)
    }
  }

  @Test func splitFilter() throws {
    try withWorkshop { workshop in
      let texts = reviews(1000, seed: 52)
      let outcome = try shell(
        #"split -l 130 --filter '"$martlet" classify "$model" --echo > "$FILE"' - "$folder/piece."; cat "$folder"/piece.*"#, workshop,
        input: texts.map { $0 + "\n" }.joined())
      let expected = try expected(texts, workshop)
      #expect(outcome.status == 0 && outcome.lines == expected, "\(outcome.errors)")
    }
  }

  private static let hasParallel = access("/usr/bin/parallel", X_OK) == 0

  @Test(.enabled(if: hasParallel, "GNU parallel is not installed")) func parallel() throws {
    try withWorkshop { workshop in
      let texts = reviews(5000, seed: 53)
      try workshop.write("input", texts.map { $0 + "\n" }.joined())
      let expected = try expected(texts, workshop)
      for options in ["--pipepart --keep-order --block -1 -a \"$folder/input\"", "--pipe --keep-order --block 20k < \"$folder/input\""] {
        let (arguments, redirection) = options.contains("<") ? (String(options.prefix { $0 != "<" }), "< \"$folder/input\"") : (options, "")
        let outcome = try shell(
          #"export HOME="$folder"; parallel --will-cite -j 2 \#(arguments) '"$martlet" classify "$model" --echo --threads 1' \#(redirection)"#, workshop)
        #expect(outcome.status == 0 && outcome.lines == expected, "\(options): \(outcome.errors)")
      }
      // A record that cannot be classified ends a job with --strict, and parallel with it.
      let halted = try shell(
        #"export HOME="$folder"; parallel --will-cite -j 1 --pipe --halt now,fail=1 '"$martlet" classify "$model" --format jsonl --strict' < "$folder/input""#,
        workshop)
      #expect(halted.status != 0 && halted.output.isEmpty)
    }
  }

  // MARK: A file that is changed while it is in use

  @Test func aModelThatBecomesShorterEndsTheRunWithAWord() throws {
    try withWorkshop { workshop in
      let answer = try martlet("classify", workshop.bundle, input: "good\n").lines[0]
      let program = try Program(["classify", workshop.bundle])
      program.send("good\n")
      #expect(program.readLine() == answer)
      #expect(truncate(workshop.bundle, 4096) == 0)
      program.send("good\n")
      expectFailure(program.finish(), naming: ["became shorter while it was in use", "--no-map"])
    }
    try withWorkshop { workshop in
      let program = try Program(["classify", workshop.bundle, "--no-map"])
      program.send("good\n")
      let answer = try #require(program.readLine())
      #expect(truncate(workshop.bundle, 0) == 0)
      program.send("good\n")
      #expect(program.readLine() == answer)
      #expect(program.finish().status == 0)
    }
  }

  @Test func aModelMayBeReplacedWhileItIsInUse() throws {
    try withWorkshop { workshop in
      let program = try Program(["classify", workshop.bundle])
      program.send("good\n")
      let answer = try #require(program.readLine())
      _ = try workshop.pack(fixture("tiny-bert"), as: "tiny.martlet", "--weights", "fp32")
      program.send("good\n")
      #expect(program.readLine() == answer)
      #expect(program.finish().status == 0)
    }
  }
}
