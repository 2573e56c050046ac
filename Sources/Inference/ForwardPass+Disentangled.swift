import Encoders
import Kernels
import Storage
import WeightFormats

extension ForwardPass {
  func attend(queryKeyValue: Activations, _ attention: DisentangledAttention, queries: TokensRead) throws(OutOfMemory) -> Operand {
    let form = queryKeyValue.productForm
    let positions = try positionPanels(attention, form)
    let (headWidth, scale) = (attention.shape.headWidth, attention.shape.scale)
    let scratch =
      form == .quantized
      ? kernels.disentangledAttentionInt8Scratch(longestText, headWidth, positions.rows)
      : kernels.disentangledAttentionScratch(longestText, headWidth, positions.rows)
    return try attend(queryKeyValue, attention.shape, queries, scratch: scratch) { head, scratch in
      let (stride, width, count) = (queryKeyValue.width, attention.shape.contextWidth, head.queries.count)
      if form == .quantized {
        kernels.disentangledAttentionInt8(
          head.query, head.key, head.value, stride, count, head.length, headWidth, scale,
          positions.keys(head: head.number), positions.queries(head: head.number), positions.rows, positions.keyColumns,
          positions.queryColumns, attention.positions.linear, head.out, width, scratch)
      } else {
        kernels.disentangledAttention(
          head.query, head.key, head.value, stride, count, head.length, headWidth, scale,
          positions.keys(head: head.number), positions.queries(head: head.number), positions.rows, positions.keyColumns,
          positions.queryColumns, attention.positions.linear, head.out, width, scratch)
      }
    }
  }

  private func positionPanels(_ attention: DisentangledAttention, _ form: OperandForm) throws(OutOfMemory) -> PositionPanels {
    let longest = longestText
    while latestPanels.count <= attention.layer { latestPanels.append(nil) }
    if let panels = latestPanels[attention.layer], panels.length >= longest { return panels }
    let panels = try weights.positionPanels.panels(layer: attention.layer, length: longest) { length throws(OutOfMemory) in
      try makePanels(attention, form, length: length)
    }
    latestPanels[attention.layer] = panels
    return panels
  }

  /// Projects the rows of the table that texts of a length take; no row depends on another.
  private func makePanels(_ attention: DisentangledAttention, _ form: OperandForm, length: Int) throws(OutOfMemory) -> PositionPanels {
    let range = attention.positions.rows(length: length)
    let indices = range.map { Int32($0) }
    var rows = try activations.hidden(rows: range.count, width: attention.table.width)
    indices.withUnsafeBufferPointer { gather(attention.table, $0.baseAddress!, range.count, rows.values, stride: rows.width, adds: false) }
    if let normalization = attention.normalization { rows = try normalize(rows, normalization) }
    // Of a layer that makes the values of tokens too, those are left out.
    let outputs = max(attention.firstKey ?? 0, attention.firstQuery ?? 0) + attention.table.width
    let projected = try linear(.rows(rows), attention.projection, outputs: 0..<outputs)
    finishRows()
    return try PositionPanels(
      attention, length: length, range: range, projected.values, stride: outputs, form)
  }
}
