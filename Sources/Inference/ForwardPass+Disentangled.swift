import Encoders
import Kernels
import Storage

extension ForwardPass {
  func attend(queryKeyValue: Activations, _ attention: DisentangledAttention, queries: TokensRead) throws(OutOfMemory) -> Activations {
    let positions = try positionPanels(attention)
    let (headWidth, scale) = (attention.shape.headWidth, attention.shape.scale)
    let scratch =
      isInt8
      ? kernels.disentangledAttentionInt8Scratch(longestText, headWidth, positions.rows)
      : kernels.disentangledAttentionScratch(longestText, headWidth, positions.rows)
    return try attend(queryKeyValue, attention.shape, queries, scratch: scratch) { head, scratch in
      let (stride, width, count) = (queryKeyValue.width, attention.shape.contextWidth, head.queries.count)
      if isInt8 {
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

  private func positionPanels(_ attention: DisentangledAttention) throws(OutOfMemory) -> PositionPanels {
    let longest = longestText
    while latestPanels.count <= attention.layer { latestPanels.append(nil) }
    if let panels = latestPanels[attention.layer], panels.length >= longest { return panels }
    let panels = try weights.positionPanels.panels(layer: attention.layer, length: longest) { length throws(OutOfMemory) in
      try makePanels(attention, length: length)
    }
    latestPanels[attention.layer] = panels
    return panels
  }

  /// Projects the rows of the table that texts of a length take; no row depends on another.
  private func makePanels(_ attention: DisentangledAttention, length: Int) throws(OutOfMemory) -> PositionPanels {
    let range = attention.positions.rows(length: length)
    let indices = range.map { Int32($0) }
    var rows = try activations.hidden(rows: range.count, width: attention.table.width)
    indices.withUnsafeBufferPointer { gather(attention.table, $0.baseAddress!, range.count, rows.values, stride: rows.width, adds: false) }
    if let normalization = attention.normalization { rows = try normalize(rows, normalization) }
    // Of a layer that makes the values of tokens too, those are left out.
    let outputs = max(attention.firstKey ?? 0, attention.firstQuery ?? 0) + attention.table.width
    let projected = try activations.hidden(rows: range.count, width: outputs)
    perform(.multiply(try operand(rows), weights[attention.projection], outputs: 0..<outputs, into: projected), rows: range.count)
    finishRows()
    return try PositionPanels(
      attention, length: length, range: range, projected.values, stride: outputs, isInt8: isInt8)
  }
}
