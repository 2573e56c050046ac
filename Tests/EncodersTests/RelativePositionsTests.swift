import Encoders
import JSON
import TestSupport
import Testing

@Suite struct RelativePositionsTests {
  /// Every distance's row is the reference's, on scales with edges exactly on a distance among others.
  @Test func asTheReference() throws {
    let json = try fixtureJSON("relative-positions.json")
    let longest = try #require(json["longest"]?.int)
    let scales = try #require(json["scales"]?.array)
    #expect(scales.count == 13)
    for scale in scales {
      let buckets = try #require(scale["buckets"]?.int)
      let largest = try #require(scale["largest"]?.int)
      let rows = try #require(scale["rows"]?.array).compactMap(\.int)
      let counts = try #require(scale["counts"]?.array).compactMap(\.int)
      let expected = zip(rows, counts).flatMap { Array(repeating: $0, count: $1) }
      try #require(expected.count == 2 * longest + 1)
      let positions =
        buckets > 0 ? RelativePositions(span: buckets, scaleEnd: largest - 1) : RelativePositions(span: largest)
      #expect(positions.rows == 2 * (buckets > 0 ? buckets : largest))
      #expect((-longest...longest).map(positions.row) == expected, "\(buckets) buckets to \(largest)")
      // What engines build on: consecutive rows near the middle, and a range for the texts of a length.
      let linear = positions.linear
      #expect((-linear...linear).map(positions.row) == Array(positions.row(-linear)...positions.row(linear)))
      for length in [1, 2, 17, longest] {
        #expect(positions.rows(length: length) == expected[longest - length + 1]..<expected[longest + length - 1] + 1)
      }
    }
  }
}
