import Encoders
import JSON
import Tasks
import Testing
import Training

/// PyTorch's numbers, from `torch-random.json` and from the reference's documentation in `Tests/Fixtures/README.md`.
@Suite struct TorchRandomTests {
  private let fixture: JSONValue
  private let deviation: Float
  /// PyTorch's vectorised logarithm and cosine differ from the C library's by an ulp or two.
  private let tolerance: Float = 2e-8

  init() throws {
    fixture = try readJSON("torch-random.json")
    deviation = Float(fixture["deviation"]!.double!)
  }

  private func normals(_ random: inout TorchRandom, _ count: Int) -> [Float] {
    var values = [Float](repeating: .nan, count: count)
    values.withUnsafeMutableBufferPointer { random.fillNormal($0, standardDeviation: deviation) }
    return values
  }

  private func largestDifference(_ found: [Float], _ expected: [Double]) -> Float {
    guard found.count == expected.count else { return .infinity }
    return zip(found, expected).map { abs($0 - Float($1)) }.reduce(0) { $1.isNaN ? .infinity : max($0, $1) }
  }

  /// The first and the 10,000th output after the default seed, as Matsumoto and Nishimura's code and the C++ standard give them.
  @Test func mersenneTwister() {
    var random = TorchRandom(seed: 5489)
    #expect(random.next() == 3_499_211_612)
    for _ in 2..<10_000 { _ = random.next() }
    #expect(random.next() == 4_123_659_995)
  }

  @Test func normalNumbers() throws {
    for entry in fixture["normal"]!.array! {
      let count = entry["numel"]!.int!
      var random = TorchRandom(seed: UInt32(entry["seed"]!.int!))
      let difference = largestDifference(normals(&random, count), entry["values"]!.doubles)
      #expect(difference <= tolerance, "seed \(entry["seed"]!.int!), \(count) numbers: \(difference)")
    }
  }

  /// Tensors drawn one after another: a number left over from a small one is the first of the next small one.
  @Test func normalNumbersInARow() throws {
    let row = fixture["normal_in_a_row"]!
    var random = TorchRandom(seed: UInt32(row["seed"]!.int!))
    for (shape, values) in zip(row["shapes"]!.array!, row["values"]!.array!) {
      let difference = largestDifference(normals(&random, shape.ints.reduce(1, *)), values.doubles)
      #expect(difference <= tolerance, "\(shape.ints): \(difference)")
    }
  }

  @Test func permutations() throws {
    for entry in fixture["randperm"]!.array! {
      var random = TorchRandom(seed: UInt32(entry["seed"]!.int!))
      #expect(random.permutation(entry["count"]!.int!) == entry["order"]!.ints)
    }
    for (seed, count, start) in [
      (42, 2000, [1542, 1486, 252, 1959, 410, 190, 1488, 1520, 102, 836]),
      (43, 1000, [588, 148, 223, 575, 689, 935, 932, 343, 601, 869]),
      (44, 1000, [732, 96, 853, 374, 727, 124, 412, 868, 683, 285]),
    ] {
      var random = TorchRandom(seed: UInt32(seed))
      let order = random.permutation(count)
      #expect(Array(order.prefix(10)) == start)
      #expect(order.sorted() == Array(0..<count))
    }
    var random = TorchRandom(seed: 1)
    #expect(random.permutation(0) == [])
  }

  /// The head that an encoder without one gets, and nothing else is drawn.
  @Test func newHeads() throws {
    for entry in fixture["new_heads"]!.array! {
      let count = entry["num_labels"]!.int!
      let task = ClassificationTask(count == 1 ? .regression : .singleLabel, labels: (0..<count).map { "LABEL_\($0)" })
      let model = try tinyModel("tiny-bert-encoder", task: task)
      let store = try ParameterStore(model.blueprint)
      let drawn = try store.load(from: FixtureWeights("tiny-bert-encoder"), seed: UInt32(entry["seed"]!.int!))
      #expect(drawn == ["classifier.weight", "classifier.bias"])
      let weight = store.array(store.index(of: "classifier.weight"), of: store.values)
      #expect(largestDifference(weight, entry["weight"]!.doubles) <= tolerance, "\(count) labels")
      #expect(store.array(store.index(of: "classifier.bias"), of: store.values).map(Double.init) == entry["bias"]!.doubles)
    }
  }
}
