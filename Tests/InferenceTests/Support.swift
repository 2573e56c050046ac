import Encoders
import Inference
import JSON
import Kernels
import Storage
import TestSupport
import Testing

/// A fixture's weights in kernel layout, in memory of the test's own.
final class PackedWeights: WeightProvider {
  private let matrices, tables, normalizations: [AlignedBuffer]
  private let isInt8: Bool

  /// - Parameter isInt8: the layer that makes the logits is fp32 in any case, as in a bundle.
  init(_ blueprint: Blueprint, _ tensors: [String: [Float]], isInt8: Bool) throws {
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
    self.isInt8 = isInt8
    matrices = try blueprint.linears.map { linear in
      let layout = PanelLayout(outputs: linear.outputs, inputs: linear.inputs, isInt8: isInt8 && !linear.isOutput)
      let block = try AlignedBuffer(byteCount: layout.byteCount)
      let bias = linear.biases.isEmpty ? [Float](repeating: 0, count: linear.outputs) : try values(linear.biases)
      layout.pack(weights: try matrix(linear), bias: bias, into: block.baseAddress)
      return block
    }
    tables = try blueprint.tables.map { table in
      let values = try values([table.weight])
      guard isInt8, !table.isExact else { return try AlignedBuffer(values) }
      let block = try AlignedBuffer(byteCount: Grid.rowsByteCount(rows: table.rows, width: table.width))
      Grid.quantizeRows(values, rows: table.rows, width: table.width, into: block.baseAddress)
      return block
    }
    normalizations = try blueprint.normalizations.map {
      try AlignedBuffer(values($0.parameters) + [Float](repeating: 0, count: $0.bias == nil ? $0.width : 0))
    }
  }

  func matrix(_ linear: Linear) -> (form: MatrixForm, bytes: UnsafeRawBufferPointer) {
    (isInt8 && !linear.isOutput ? .int8Panels : .float32Panels, matrices[linear.index].bytes)
  }

  func table(_ table: Table) -> (form: TableForm, bytes: UnsafeRawBufferPointer) {
    (isInt8 && !table.isExact ? .int8Rows : .float32, tables[table.index].bytes)
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

  init(_ folder: String, isInt8: Bool) throws {
    model = try Model(configuration: JSONValue(parsing: readFile(fixture(folder + "/config.json"))))
    provider = try PackedWeights(model.blueprint, fixtureTensors(folder), isInt8: isInt8)
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
