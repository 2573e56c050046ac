import Kernels
import Testing
import WeightFormats

/// Tokens and positions of one head, and where each distance finds its position.
private struct Case {
  enum Scale: CaseIterable {
    /// Every distance has a row, to the ends of the table.
    case plain
    /// Rows that distances share beyond the fourth.
    case shared
    /// Beyond the fourth two rows a distance, so that neighbours are further apart than a vector.
    case steep
  }

  static let linear = 4
  let length, width, rows: Int
  let values: [Float]
  /// [rows, width], by the row of the distance.
  let keys, queries: [Float]
  private let places: [Int]

  init(_ scale: Scale, length: Int, width: Int) {
    self.length = length
    self.width = width
    func place(_ distance: Int) -> Int {
      let beyond = max(0, abs(distance) - Self.linear)
      let more = scale == .plain ? beyond : scale == .shared ? (beyond + 2) / 3 : 2 * beyond
      let place = min(abs(distance), Self.linear) + more
      return distance < 0 ? -place : place
    }
    // Distances of a longer text than this one, and the last row is the end's for more than one of them.
    let end = place(length + 3) - 1
    places = (-length - 19...length + 19).map { min(max(place($0), -end), end) + end }
    rows = 2 * end + 1
    var random = Generator(seed: UInt64(length * 1000 + width))
    values = random.floats(length * 3 * width, 2)
    keys = random.floats(rows * width, 2)
    queries = random.floats(rows * width, 2)
  }

  func row(_ distance: Int) -> Int { places[distance + length + 19] }
  /// For the kernel: positions in kernel layout, the keys the other way round, and the columns from `-length - 19` on.
  func panels(isInt8: Bool) -> (keys: Panels, queries: Panels, keyColumns: [Int32], queryColumns: [Int32]) {
    let reversed = (0..<rows).reversed().flatMap { keys[$0 * width..<($0 + 1) * width] }
    return (
      Panels(reversed, bias: nil, outputs: rows, inputs: width, isInt8 ? .int8 : .fp32),
      Panels(queries, bias: nil, outputs: rows, inputs: width, isInt8 ? .int8 : .fp32),
      places.reversed().map { Int32(rows - 1 - $0) }, places.map { Int32($0) }
    )
  }

  func part(_ which: Int, _ token: Int) -> ArraySlice<Float> {
    values[(token * 3 + which) * width..<(token * 3 + which + 1) * width]
  }

  func key(_ query: Int, _ key: Int) -> ArraySlice<Float> {
    keys[row(query - key) * width..<(row(query - key) + 1) * width]
  }
  func query(_ query: Int, _ key: Int) -> ArraySlice<Float> {
    queries[row(query - key) * width..<(row(query - key) + 1) * width]
  }

  /// Runs the kernel on the first `count` tokens.
  func run(
    _ table: any KernelTable.Type, _ count: Int, _ scale: Float, hasKeys: Bool, hasQueries: Bool, isInt8: Bool
  ) -> [Float] {
    let panels = panels(isInt8: isInt8)
    let columns = (GuardedBuffer(panels.keyColumns), GuardedBuffer(panels.queryColumns))
    let source = GuardedBuffer(values)
    let size =
      isInt8
      ? table.disentangledAttentionInt8Scratch(length, width, rows)
      : table.disentangledAttentionScratch(length, width, rows)
    let scratch = GuardedBuffer<Float>(size) { _ in .nan }
    let out = output(stride: width + 3, count: count, width: width)
    let kernel = isInt8 ? table.disentangledAttentionInt8 : table.disentangledAttention
    kernel(
      source.pointer, source.pointer + width, source.pointer + 2 * width, 3 * width, count, length, width, scale,
      hasKeys ? UnsafeRawPointer(panels.keys.block.raw) : nil,
      hasQueries ? UnsafeRawPointer(panels.queries.block.raw) : nil,
      rows, columns.0.pointer + length + 19, columns.1.pointer + length + 19, Self.linear, out.pointer, width + 3,
      scratch.pointer)
    withExtendedLifetime((source, scratch, columns, panels)) {}
    return KernelsTests.rows(out, stride: width + 3, count: count, width: width) ?? []
  }
}

@Suite struct DisentangledAttentionTests {
  private static let lengths = [1, 2, 5, 12, 13, 16, 17, 64, 65, 100, 130]
  private static let parts = [(true, true), (true, false), (false, true), (false, false)]

  private func dot(_ x: ArraySlice<Float>, _ y: ArraySlice<Float>) -> Double {
    zip(x, y).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }

  /// Some lengths with all parts, the others with both.
  private func forEachCase(_ width: Int, _ body: (Case, _ hasKeys: Bool, _ hasQueries: Bool, _ name: String) -> Void) {
    for scale in Case.Scale.allCases {
      for length in Self.lengths {
        let test = Case(scale, length: length, width: width)
        for (hasKeys, hasQueries) in Self.parts.prefix([13, 65].contains(length) ? 4 : 1) {
          let name = "\(scale), length \(length), width \(width), keys \(hasKeys), queries \(hasQueries)"
          body(test, hasKeys, hasQueries, name)
        }
      }
    }
  }

  @Test(arguments: [1, 6, 16, 17, 64]) func againstDouble(width: Int) {
    let scale = 1 / Float(3 * width).squareRoot()
    forEachCase(width) { test, hasKeys, hasQueries, name in
      var expected: [Double] = []
      for query in 0..<test.length {
        let scores = (0..<test.length).map { key in
          let toPosition = hasKeys ? dot(test.part(0, query), test.key(query, key)) : 0
          let toContent = hasQueries ? dot(test.part(1, key), test.query(query, key)) : 0
          return (dot(test.part(0, query), test.part(1, key)) + toPosition + toContent) * Double(scale)
        }
        let weights = scores.map { exponential($0 - scores.max()!) }
        for column in 0..<width {
          let sum = weights.indices.reduce(0.0) { sum, token in
            let values = test.part(2, token)
            return sum + weights[token] * Double(values[values.startIndex + column])
          }
          expected.append(sum / weights.reduce(0, +))
        }
      }
      for count in Set([test.length, 1, min(7, test.length)]) {
        var agreement = Agreement()
        for table in tables {
          let found = test.run(table, count, scale, hasKeys: hasKeys, hasQueries: hasQueries, isInt8: false)
          #expect(found.count == count * width, "\(table.instructionSet) \(name)")
          let error = excess(found, expected) { 3e-6 * max(1, abs($0)) }
          #expect(error <= 1, "\(table.instructionSet) \(name): \(error)")
          let difference = agreement.check(table, found, floor: 1)
          #expect(difference == nil, "\(name): \(difference ?? "")")
        }
      }
    }
  }

  /// Bit for bit what plain loops make of its definition, and near the attention of the values themselves.
  @Test(arguments: [1, 6, 16, 17, 64]) func int8AgainstItsDefinition(width: Int) {
    let scale = 1 / Float(3 * width).squareRoot()
    forEachCase(width) { test, hasKeys, hasQueries, name in
      let tokens = 0..<test.length
      let expected = plainInt8Attention(
        queries: tokens.map { test.part(0, $0) }, keys: tokens.map { test.part(1, $0) },
        values: tokens.map { test.part(2, $0) }, scale: scale
      ) { query, key in
        var (fused, exact): ([Float], Double) = ([], 0)
        if hasKeys {
          fused.append(product(quantized(test.part(0, query)), quantized(test.key(query, key))))
          exact += dot(test.part(0, query), test.key(query, key))
        }
        if hasQueries {
          fused.append(product(quantized(test.part(1, key)), quantized(test.query(query, key))))
          exact += dot(test.part(1, key), test.query(query, key))
        }
        return (fused, exact)
      }
      for (table, count) in tables.flatMap({ table in Set([test.length, 1, min(7, test.length)]).map { (table, $0) } }) {
        let found = test.run(table, count, scale, hasKeys: hasKeys, hasQueries: hasQueries, isInt8: true)
        let differs = found.indices.first { index in
          table.instructionSet.hasFusedMultiplyAdd
            ? found[index].bitPattern != expected.fused[index].bitPattern
            // Without FMA a probability may round to its neighbour.
            : !(abs(found[index] - expected.fused[index]) <= 0.03)
        }
        #expect(found.count == count * width && differs == nil, "\(table.instructionSet) \(name) at \(differs ?? -1)")
        // Three products where `attentionInt8` has one.
        #expect(excess(found, expected.exact) { _ in 0.15 } <= 1, "\(name)")
      }
    }
  }
}
