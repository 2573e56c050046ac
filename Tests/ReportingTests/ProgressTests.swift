import Reporting
import Storage
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct ProgressTests {
  let snapshot = ProgressSnapshot(
    label: "tune", step: 537, totalSteps: 1299, epoch: 1.24, totalEpochs: 3, loss: 0.32906, learningRate: 1.17e-5,
    tokensPerSecond: 8213, elapsedSeconds: 92, remainingSeconds: 130)

  @Test func aWideLineHasEverything() {
    #expect(
      progressLine(snapshot, width: 132)
        == "tune ━━━━━━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌  41 % 537/1,299  2 min 10 s left  loss 0.3291  epoch 1.24/3  8,213 tokens/s  lr 1.17e-05")
  }

  @Test(arguments: 1...200) func noLineWraps(width: Int) {
    let line = progressLine(snapshot, width: width)
    #expect(displayWidth(line) <= max(width - 1, 10))
    if width >= 40 { #expect(line.contains("537/1,299")) }
    if width >= 60 { #expect(line.contains("2 min 10 s left") && line.contains("━")) }
  }

  @Test func oddStates() {
    #expect(progressLine(ProgressSnapshot(label: "read", step: 12_345, totalSteps: 0), width: 80) == "read 12,345")
    #expect(progressLine(ProgressSnapshot(label: "x", step: 9, totalSteps: 3, elapsedSeconds: 2), width: 40).contains("100 % 9/3  in 2.0 s"))
    #expect(progressLine(ProgressSnapshot(label: "x", step: 0, totalSteps: 3), width: 40).contains("  0 % 0/3"))
    // time left from the steps done
    let half = ProgressSnapshot(label: "x", step: 50, totalSteps: 100, elapsedSeconds: 30)
    #expect(progressLine(half, width: 60).contains("30.0 s left"))
    #expect(progressLine(ProgressSnapshot(label: "x", step: 1, totalSteps: 2, loss: .nan), width: 60).contains("loss nan"))
  }

  @Test func plainLines() {
    #expect(
      plainProgressLine(snapshot)
        == "tune: step 537/1,299 (41 %), 2 min 10 s left, loss 0.3291, epoch 1.24/3, 8,213 tokens/s, lr 1.17e-05")
  }

  @Test func bytesAndTexts() {
    var snapshot = ProgressSnapshot(label: "classify", step: 3_000_000, totalSteps: 12_000_000, elapsedSeconds: 20)
    snapshot.unit = .bytes
    snapshot.textsPerSecond = 1234
    #expect(plainProgressLine(snapshot) == "classify: 3.0 MB/12.0 MB (25 %), 1 min 00 s left, 1,234 texts/s")
    #expect(progressLine(snapshot, width: 90).hasSuffix(" 25 % 3.0 MB/12.0 MB  1 min 00 s left  1,234 texts/s"))
  }

  /// What a reporter writes while a clock is moved by hand.
  func output(_ mode: ProgressReporter.Mode, _ work: (ProgressReporter, (Double) -> Void) -> Void) throws -> String {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    var now = 100.0
    let reporter = ProgressReporter(descriptor: ends[1], mode: mode, interval: 5, clock: { now })
    work(reporter) { now = 100 + $0 }
    close(ends[1])
    var bytes = [UInt8](repeating: 0, count: 65536)
    let count = read(ends[0], &bytes, bytes.count)
    close(ends[0])
    return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
  }

  @Test func plainLinesComeEveryFewSeconds() throws {
    let text = try output(.plain) { reporter, setTime in
      for second in 0...12 {
        setTime(Double(second))
        reporter.update(ProgressSnapshot(label: "t", step: second, totalSteps: 20, remainingSeconds: 1))
      }
      reporter.message("saved checkpoint-10")
      reporter.finish()
    }
    #expect(text == "t: step 5/20 (25 %), 1.0 s left\nt: step 10/20 (50 %), 1.0 s left\nsaved checkpoint-10\n")
  }

  @Test func theLiveLineIsDrawnOver() throws {
    let text = try output(.live) { reporter, setTime in
      reporter.update(ProgressSnapshot(label: "t", step: 1, totalSteps: 0))
      setTime(0.05)
      reporter.update(ProgressSnapshot(label: "t", step: 2, totalSteps: 0))
      reporter.message("note")
      setTime(0.2)
      reporter.update(ProgressSnapshot(label: "t", step: 3, totalSteps: 0))
      reporter.finish()
    }
    #expect(
      text == "\rt 1\u{1B}[K" + "\r\u{1B}[Knote\n\rt 2\u{1B}[K" + "\rt 3\u{1B}[K" + "\rt 3\u{1B}[K\n")
  }

  @Test func quietIsQuietAndAPipeIsPlain() throws {
    let text = try output(.quiet) { reporter, setTime in
      setTime(60)
      reporter.update(snapshot)
      reporter.message("no")
      reporter.finish()
    }
    #expect(text == "")
    let automatic = try output(.automatic) { reporter, setTime in
      setTime(60)
      reporter.update(snapshot)
    }
    #expect(automatic == plainProgressLine(snapshot) + "\n")
  }
}
