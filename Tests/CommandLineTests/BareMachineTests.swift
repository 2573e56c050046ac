import Storage
import TestSupport
import Testing

/// What a sandbox, a cron job or a hardened container may lack.
@Suite struct BareMachineTests {
  @Test func noArguments() throws {
    let outcome = try martlet()
    #expect(outcome.status == 64 && outcome.output.isEmpty)
    for command in ["classify", "tune", "pack"] { #expect(outcome.errors.contains("  " + command), "\(outcome.errors)") }
  }

  /// Lines that are printed must not land in a file that happens to get the number of standard output.
  @Test func closedDescriptors() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("train.tsv", labelledReviews(12))
      let tune = #""$martlet" tune "$base" --train "$data" --validation "$data" --max-steps 2 --logging-steps 1 --no-forecast --threads 1"#
      let outcome = try shell(
        """
        set +e
        base='\(fixture("tiny-bert-encoder"))' data='\(data)'
        \(tune) --output-dir "$folder/open" > /dev/null 2>&1 || exit 2
        \(tune) --output-dir "$folder/closed" <&- >&- 2>&-
        echo "tune $?"
        cmp "$folder/open/model.safetensors" "$folder/closed/model.safetensors"
        for run in open closed; do cat "$folder/$run"/runs/*/events* | grep -c -a 'accuracy 0' ; done
        "$martlet" classify "$model" <&- 2>> "$folder/errors"; echo "classify without input $?"
        echo good | "$martlet" classify "$model" >&- 2>> "$folder/errors"; echo "classify without output $?"
        echo good | "$martlet" classify "$model" 2>&- | wc -l
        cat "$folder/errors" >&2
        """, workshop)
      #expect(
        outcome.lines == ["tune 1", "0", "0", "classify without input 1", "classify without output 1", "1"], "\(outcome.text)\(outcome.errors)")
      #expect(outcome.errors.contains("standard input") && outcome.errors.contains("standard output"), "\(outcome.errors)")
    }
  }

  private static let withoutProc = "unshare --map-root-user --mount sh -c 'mount -t tmpfs none /proc && exec \"$@\"' sh"
  private static let mayUnmount = (try? Program(["-c", withoutProc + " true"], path: "/bin/sh").finish().status) == 0

  /// Nothing of Swift's that reads `/proc` is on the way from the arguments to the answer.
  @Test(.enabled(if: mayUnmount, "this machine lets nobody take /proc away")) func procIsMissing() throws {
    try withWorkshop { workshop in
      let data = try workshop.writeTSV("train.tsv", labelledReviews(12))
      let outcome = try shell(
        """
        base='\(fixture("tiny-bert-encoder"))' data='\(data)'
        bare() { \(Self.withoutProc) "$martlet" "$@"; }
        echo good | bare classify "$model" | cut -f 1
        bare tune "$base" --train "$data" --output-dir "$folder/out" --max-steps 1 --no-forecast --quiet > /dev/null && echo tuned
        bare pack "$folder/out" -o "$folder/out.martlet" > /dev/null && echo packed
        bare bench "$model" --lengths 8 --batch 1 --seconds 0.01 | grep -c 'resident memory  unknown'
        bare 2> /dev/null || echo "status $?"
        """, workshop)
      #expect(outcome.status == 0 && outcome.lines.dropFirst() == ["tuned", "packed", "1", "status 64"], "\(outcome.text)\(outcome.errors)")
      #expect(outcome.lines.first.map(labels.contains) == true)
    }
  }
}
