import Encoders
import Inference
import JSON
import Kernels
import Storage
import TestSupport
import Testing
import WeightFormats

/// A fixture's weights as a bundle would hold them, in memory of the test's own.
final class PackedWeights: WeightProvider {
  private let matrices, tables: [(format: WeightFormat, block: AlignedBuffer)]
  private let normalizations: [AlignedBuffer]

  /// - Parameter format: of a matrix or table by its name; the layer that makes the logits is fp32 in any case, as in a bundle.
  init(_ blueprint: Blueprint, _ tensors: [String: [Float]], _ format: (String) -> WeightFormat) throws {
    func values(_ parameters: [Int]) throws -> [Float] {
      try parameters.flatMap { index in
        let parameter = blueprint.parameters[index]
        let values = try #require(tensors[parameter.name])
        guard parameter.isTransposed else { return values }
        let (rows, columns) = (parameter.shape[0], parameter.shape[1])
        return (0..<rows * columns).map { values[$0 % columns * rows + $0 / columns] }
      }
    }
    /// Zeros where an output does not read an input.
    func matrix(_ linear: Linear) throws -> [Float] {
      guard linear.groups != nil else { return try values(linear.weights) }
      return linear.weights.indices.flatMap { number in
        let part = LinearPart(of: linear, number)
        return [Float](unsafeUninitializedCapacity: part.outputs * part.inputs) { buffer, count in
          count = buffer.count
          part.spread((try? values([linear.weights[number]])) ?? [], into: buffer.baseAddress!)
        }
      }
    }
    matrices = try blueprint.linears.map { linear in
      let (format, shape) = (linear.isOutput ? .fp32 : format(linear.name), MatrixShape(outputs: linear.outputs, inputs: linear.inputs))
      let block = try AlignedBuffer(byteCount: format.rules.byteCount(shape))
      let bias = linear.biases.isEmpty ? [Float](repeating: 0, count: linear.outputs) : try values(linear.biases)
      format.rules.pack(try matrix(linear), bias: bias, shape, onGridOf: nil, into: block.baseAddress)
      return (format, block)
    }
    tables = try blueprint.tables.map { table in
      let (format, shape) = (table.isExact ? .fp32 : format(table.name), TableShape(rows: table.rows, width: table.width))
      let block = try AlignedBuffer(byteCount: format.rules.byteCount(shape))
      format.rules.pack(try values([table.weight]), shape, onGridOf: nil, into: block.baseAddress)
      return (format, block)
    }
    normalizations = try blueprint.normalizations.map {
      try AlignedBuffer(values($0.parameters) + [Float](repeating: 0, count: $0.bias == nil ? $0.width : 0))
    }
  }

  func matrix(_ linear: Linear) -> (format: WeightFormat, bytes: UnsafeRawBufferPointer) {
    (matrices[linear.index].format, matrices[linear.index].block.bytes)
  }

  func table(_ table: Table) -> (format: WeightFormat, bytes: UnsafeRawBufferPointer, changes: TableChanges?) {
    (tables[table.index].format, tables[table.index].block.bytes, nil)
  }

  func normalization(_ normalization: Normalization) -> UnsafeRawBufferPointer {
    normalizations[normalization.index].bytes
  }
}

extension AlignedBuffer {
  convenience init(_ values: [Float]) throws {
    try self.init(count: values.count, of: Float.self)
    bound(to: Float.self).update(from: values, count: values.count)
  }
}

/// A fixture's model with its weights, ready for any number of engines.
struct Fixture {
  let model: Model
  let provider: PackedWeights
  let weights: ModelWeights

  init(_ folder: String, _ format: WeightFormat) throws { try self.init(folder, formats: { _ in format }) }

  /// - Parameter format: of a matrix or table by its name.
  init(_ folder: String, formats format: (String) -> WeightFormat) throws {
    model = try Model(configuration: JSONValue(parsing: readFile(fixture(folder + "/config.json"))))
    provider = try PackedWeights(model.blueprint, fixtureTensors(folder), format)
    weights = try ModelWeights(model.blueprint, from: provider)
  }

  func engine(_ table: any KernelTable.Type = tables[0], threads: Int = 1) throws -> InferenceEngine {
    try InferenceEngine(weights: weights, kernels: table, pool: ThreadPool(threads: threads))
  }

  /// The logits of texts run as one batch.
  func logits(_ engine: InferenceEngine, _ texts: [Text]) throws -> [[Float]] {
    var batch = Batch()
    for text in texts { batch.append(text.ids, tokenTypes: text.tokenTypes) }
    let logits = try Array(engine.run(model.family, batch))
    let labels = model.task.labels.count
    return texts.indices.map { Array(logits[$0 * labels..<($0 + 1) * labels]) }
  }
}

struct Text {
  let ids, tokenTypes: [Int32]
}

extension Text {
  init(_ reference: ReferenceText) { self.init(ids: reference.ids, tokenTypes: reference.tokenTypes) }

  /// Random ids of the tiny model, short and long ones and the ends of what it takes.
  static func random(_ count: Int, seed: UInt64) -> [Text] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { number in
      let lengths = [1, 2, 64, Int.random(in: 1...64, using: &generator), Int.random(in: 3...12, using: &generator)]
      let length = lengths[number % lengths.count]
      let second = Int.random(in: 0...length, using: &generator)
      return Text(
        ids: (0..<length).map { _ in Int32.random(in: 0..<181, using: &generator) },
        tokenTypes: (0..<length).map { $0 < second ? 0 : 1 })
    }
  }
}

let tables: [any KernelTable.Type] = InstructionSet.supported.map { try! $0.kernels() }
/// Those that must agree in every bit.
let fusedTables: [any KernelTable.Type] = tables.filter { $0.instructionSet.hasFusedMultiplyAdd }

func bits(_ logits: [[Float]]) -> [[UInt32]] { logits.map { $0.map(\.bitPattern) } }
