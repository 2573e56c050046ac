import Bundles
import Encoders
import Storage
import WeightFormats

/// The parameters of a bundle, int8 weights dequantised: where a fine-tuning run from a bundle starts.
package final class BundleParameters: ParameterSource {
  private let provider: BundleWeights
  private var owners: [String: (linear: Linear, part: Int, isBias: Bool)] = [:]
  private var tables: [String: Table] = [:]
  private var normalizations: [String: (normalization: Normalization, isBias: Bool)] = [:]

  package init(_ bundle: Bundle, _ blueprint: Blueprint) {
    provider = BundleWeights(bundle)
    let names = blueprint.parameters.map(\.name)
    for linear in blueprint.linears {
      for (part, weight) in linear.weights.enumerated() { owners[names[weight]] = (linear, part, false) }
      for (part, bias) in linear.biases.enumerated() { owners[names[bias]] = (linear, part, true) }
    }
    for table in blueprint.tables { tables[names[table.weight]] = table }
    for normalization in blueprint.normalizations {
      normalizations[names[normalization.weight]] = (normalization, false)
      if let bias = normalization.bias { normalizations[names[bias]] = (normalization, true) }
    }
  }

  package func read(_ parameter: Parameter, into values: UnsafeMutableBufferPointer<Float>) throws -> Bool {
    let target = values.baseAddress!
    if let (linear, part, isBias) = owners[parameter.name] {
      guard provider.has(linear) else { return false }
      let (format, bytes) = try provider.matrix(linear)
      let shape = MatrixShape(outputs: linear.outputs, inputs: linear.inputs)
      try requireSize(linear.name, bytes, format.rules.byteCount(shape))
      let rows = linear.outputs(ofPart: part)
      if isBias {
        target.update(from: format.rules.bias(bytes.baseAddress!, shape) + rows.lowerBound, count: rows.count)
      } else if linear.groups == nil {
        format.rules.unpack(bytes.baseAddress!, shape, outputs: rows, into: target)
      } else {
        let whole = try AlignedBuffer(count: rows.count * linear.inputs, of: Float.self, zeroed: false)
        format.rules.unpack(bytes.baseAddress!, shape, outputs: rows, into: whole.bound(to: Float.self))
        LinearPart(of: linear, part).collect(whole.bound(to: Float.self), into: target)
      }
    } else if let table = tables[parameter.name] {
      let (format, bytes, changes) = try provider.table(table)
      let shape = TableShape(rows: table.rows, width: table.width)
      try requireSize(table.name, bytes, format.rules.byteCount(shape))
      format.rules.unpack(bytes.baseAddress!, shape, changes, rows: 0..<shape.rows, into: target)
    } else if let (normalization, isBias) = normalizations[parameter.name] {
      guard provider.has(normalization) else { return false }
      let bytes = try provider.normalization(normalization)
      try requireSize(normalization.name, bytes, normalization.width * 8)
      let start = isBias ? normalization.width * 4 : 0
      UnsafeMutableRawPointer(target).copyMemory(from: bytes.baseAddress! + start, byteCount: normalization.width * 4)
    } else {
      return false
    }
    return true
  }
}
