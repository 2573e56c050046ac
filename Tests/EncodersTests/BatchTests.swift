import Encoders
import Testing

@Suite struct BatchTests {
  @Test func textsLieEndToEnd() {
    var batch = Batch()
    #expect(batch.textCount == 0 && batch.tokenCount == 0 && batch.longest == 0 && batch.starts == [0])
    batch.append([2, 7, 3])
    batch.append([2, 3, 8, 3], tokenTypes: [0, 0, 1, 1])
    batch.ids += [5]
    batch.endText()
    #expect(batch.ids == [2, 7, 3, 2, 3, 8, 3, 5])
    #expect(batch.tokenTypes == [0, 0, 0, 0, 0, 1, 1, 0])
    #expect(batch.starts == [0, 3, 7, 8] && batch.textCount == 3 && batch.tokenCount == 8 && batch.longest == 4)
    batch.removeAll()
    #expect(batch.ids.isEmpty && batch.tokenTypes.isEmpty && batch.starts == [0] && batch.longest == 0 && batch.textCount == 0)
    batch.append([9, 9], tokenTypes: [1])
    #expect(batch.tokenTypes == [1, 0] && batch.starts == [0, 2] && batch.longest == 2)
    #expect(Batch.empty.textCount == 0 && Batch.empty.starts == [0])
  }

  @Test func aBatchKeepsItsMemory() {
    var batch = Batch()
    for _ in 0..<3 { batch.append([Int32](repeating: 1, count: 50)) }
    let capacities = (batch.ids.capacity, batch.tokenTypes.capacity)
    for _ in 0..<20 {
      batch.removeAll()
      for _ in 0..<3 { batch.append([Int32](repeating: 1, count: 50)) }
    }
    #expect((batch.ids.capacity, batch.tokenTypes.capacity) == capacities)
  }

  @Test func anEmptyTextStopsTheProgram() async {
    await #expect(processExitsWith: .failure) {
      var batch = Batch()
      batch.append([Int32(1)])
      batch.endText()
    }
  }

  @Test func moreTypesThanTokensStopTheProgram() async {
    await #expect(processExitsWith: .failure) {
      var batch = Batch()
      batch.append([Int32(1)], tokenTypes: [0, 1])
    }
  }
}
