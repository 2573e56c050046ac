import Bundles
import Encoders
import Inference
import Kernels
import Storage

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
      let (form, bytes) = try provider.matrix(linear)
      let layout = PanelLayout(outputs: linear.outputs, inputs: linear.inputs, isInt8: form == .int8Panels)
      try check(linear.name, bytes.count, layout.byteCount)
      let rows = linear.outputs(ofPart: part)
      if isBias {
        (bytes.baseAddress! + layout.biasOffset).withMemoryRebound(to: Float.self, capacity: linear.outputs) {
          target.update(from: $0 + rows.lowerBound, count: rows.count)
        }
      } else if linear.groups == nil {
        layout.unpack(bytes.baseAddress!, rows: rows, into: target)
      } else {
        let whole = try AlignedBuffer(count: rows.count * linear.inputs, of: Float.self, zeroed: false)
        layout.unpack(bytes.baseAddress!, rows: rows, into: whole.bound(to: Float.self))
        LinearPart(of: linear, part).collect(whole.bound(to: Float.self), into: target)
      }
    } else if let table = tables[parameter.name] {
      let (form, bytes) = try provider.table(table)
      switch form {
      case .int8Rows:
        try check(table.name, bytes.count, Grid.rowsByteCount(rows: table.rows, width: table.width))
        Grid.dequantizeRows(bytes.baseAddress!, rows: table.rows, width: table.width, into: target)
      case .changedInt8Rows(let changes):
        try check(table.name, bytes.count, Grid.rowsByteCount(rows: table.rows, width: table.width))
        Grid.dequantizeRows(bytes.baseAddress!, rows: table.rows, width: table.width, into: target)
        let scales = (bytes.baseAddress! + Grid.rowScalesOffset(rows: table.rows, width: table.width)).assumingMemoryBound(to: Float.self)
        for row in 0..<table.rows where changes.places[row] >= 0 {
          let values = changes.rows + Int(changes.places[row]) * table.width
          for column in 0..<table.width { target[row * table.width + column] = Float(values[column]) * scales[row] }
        }
      case .float32:
        try check(table.name, bytes.count, values.count * 4)
        UnsafeMutableRawPointer(target).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
      }
    } else if let (normalization, isBias) = normalizations[parameter.name] {
      guard provider.has(normalization) else { return false }
      let bytes = try provider.normalization(normalization)
      try check(normalization.name, bytes.count, normalization.width * 8)
      let start = isBias ? normalization.width * 4 : 0
      UnsafeMutableRawPointer(target).copyMemory(from: bytes.baseAddress! + start, byteCount: normalization.width * 4)
    } else {
      return false
    }
    return true
  }

  private func check(_ name: String, _ found: Int, _ expected: Int) throws {
    guard found == expected else { throw WeightSizeError(name: name, expected: expected, found: found) }
  }
}
