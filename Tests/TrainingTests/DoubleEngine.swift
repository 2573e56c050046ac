import Encoders
import Glibc
import Kernels
import Tasks

/// The verbs in Double, forward only, each by the words of its definition: what the engine and its gradients are
/// compared with. Dropout drops what the kernels drop.
final class DoubleEngine: Verbs {
  struct Rows {
    let width: Int
    var values: [Double]

    var rows: Int { values.count / width }
    subscript(_ row: Int, _ column: Int) -> Double { values[row * width + column] }
  }
  typealias Operand = Rows

  /// By their places in the blueprint.
  var parameters: [[Double]]
  private let batch: Batch
  private let dropoutKey: UInt64?
  private let kernels: any TrainingKernelTable.Type
  private var verbNumber: UInt64 = 0

  init(_ parameters: [[Double]], _ batch: Batch, dropoutKey: UInt64?, _ kernels: any TrainingKernelTable.Type) {
    self.parameters = parameters
    self.batch = batch
    self.dropoutKey = dropoutKey
    self.kernels = kernels
  }

  func forward(_ family: any EncoderFamily) throws -> Rows {
    verbNumber = 0
    return try family.forward(self)
  }

  func embed(_ embeddings: Embeddings) -> Rows {
    func row(_ table: Table, _ row: Int) -> [Double] { Array(parameters[table.weight][row * table.width..<(row + 1) * table.width]) }
    let mapping = embeddings.wordMapping
    let width = embeddings.words.width
    var words = Rows(width: (mapping?.beside ?? []).reduce(width) { $0 + $1.width }, values: [])
    var others = Rows(width: mapping?.layer.outputs ?? width, values: [])
    for text in 0..<batch.textCount {
      for token in batch.starts[text]..<batch.starts[text + 1] {
        let before = batch.ids[batch.starts[text]..<token].count { $0 != embeddings.uncountedToken }
        let place = batch.ids[token] == embeddings.uncountedToken ? -1 : before
        let scale = embeddings.wordScale.map(Double.init) ?? 1
        words.values += row(embeddings.words, Int(batch.ids[token])).map { $0 * scale }
        for table in mapping?.beside ?? [] { words.values += row(table, 0) }
        let rows: [(table: Table?, row: Int)] = [
          (embeddings.tokenTypes, Int(batch.tokenTypes[token])), (embeddings.positions, embeddings.firstPosition + place),
          (embeddings.taskTypes, 0),
        ]
        for column in 0..<others.width {
          others.values.append(
            rows.reduce(0) { sum, part in
              sum + (part.table.map { parameters[$0.weight][part.row * others.width + column] } ?? 0)
            })
        }
      }
    }
    if mapping?.readsNeighbours == true {
      let alone = words
      let none = [Double](repeating: 0, count: width)
      words = Rows(width: 3 * width, values: [])
      for text in 0..<batch.textCount {
        let tokens = batch.starts[text]..<batch.starts[text + 1]
        for token in tokens {
          for other in [token + 1, token, token - 1] {
            words.values += tokens.contains(other) ? Array(alone.values[other * width..<(other + 1) * width]) : none
          }
        }
      }
    }
    var sum = mapping.map { linear(words, $0.layer) } ?? words
    for index in sum.values.indices { sum.values[index] += others.values[index] }
    // The engine adds these in a verb of its own, which counts.
    if mapping != nil || embeddings.wordScale != nil { verbNumber += 1 }
    let projected = embeddings.projection.map { linear(sum, $0) } ?? sum
    guard let normalization = embeddings.normalization else { return dropout(projected, embeddings.dropout) }
    guard !embeddings.dropsOutFirst else { return normalized(dropout(projected, embeddings.dropout), normalization) }
    return dropout(normalized(projected, normalization), embeddings.dropout)
  }

  func operand(_ rows: Rows) -> Rows { rows }

  /// Zeros where an output does not read an input.
  private func wholeMatrix(_ layer: Linear) -> [Double] {
    var matrix: [Double] = []
    for (number, weight) in layer.weights.enumerated() {
      let part = LinearPart(of: layer, number)
      for output in 0..<part.outputs {
        let first = output / part.groupOutputs * part.groupInputs
        for input in 0..<part.inputs {
          let isRead = (first..<first + part.groupInputs).contains(input)
          matrix.append(isRead ? parameters[weight][output * part.groupInputs + input - first] : 0)
        }
      }
    }
    return matrix
  }

  func linear(_ operand: Rows, _ layer: Linear) -> Rows {
    let weights = layer.groups == nil ? layer.weights.flatMap { parameters[$0] } : wholeMatrix(layer)
    let biases = layer.biases.flatMap { parameters[$0] }
    var output = Rows(width: layer.outputs, values: [])
    output.values.reserveCapacity(operand.rows * layer.outputs)
    for row in 0..<operand.rows {
      for place in 0..<layer.outputs {
        var sum = biases.isEmpty ? 0 : biases[place]
        for column in 0..<layer.inputs { sum += operand[row, column] * weights[place * layer.inputs + column] }
        output.values.append(sum)
      }
    }
    return output
  }

  func linear(_ parts: [(operand: Rows, layer: Linear)]) -> Rows {
    let made = parts.map { linear($0.operand, $0.layer) }
    return Rows(
      width: made.reduce(0) { $0 + $1.width },
      values: (0..<made[0].rows).flatMap { row in made.flatMap { $0.values[row * $0.width..<(row + 1) * $0.width] } })
  }

  func linear(_ operand: Rows, _ layer: Linear, _ activation: Activation) -> Rows {
    var output = linear(operand, layer)
    for index in output.values.indices { output.values[index] = activation.value(output.values[index]) }
    return output
  }

  func attend(queryKeyValue: Rows, _ shape: AttentionShape, queries: TokensRead) -> Rows {
    attend(queryKeyValue, shape, queries) { head, i, j, start in
      if shape.isCausal, j > i { return nil }
      if let window = shape.window, abs(i - j) > window { return nil }
      let query = turned(queryKeyValue, i, column(shape, 0, head), i - start, shape)
      let key = turned(queryKeyValue, j, column(shape, 1, head), j - start, shape)
      let score = zip(query, key).reduce(0) { $0 + $1.0 * $1.1 }
      return score / Double(shape.divisor) + bias(shape, j - i, head)
    }
  }

  func normalizeHeads(queryKeyValue: Rows, _ shape: AttentionShape, queries: Normalization, keys: Normalization) -> Rows {
    var output = queryKeyValue
    for (part, heads, normalization) in [(0, shape.heads, queries), (1, shape.keyValueHeads, keys)] {
      for row in 0..<output.rows {
        for head in 0..<heads {
          let first = row * output.width + (part * shape.heads + head) * shape.headWidth
          let columns = first..<first + shape.headWidth
          let values = Rows(width: shape.headWidth, values: Array(output.values[columns]))
          output.values.replaceSubrange(columns, with: normalized(values, normalization).values)
        }
      }
    }
    return output
  }

  /// Where the query (part 0), key or value of a head begins in a row: all queries, then all keys, then all values, of which several
  /// heads in a row may have the same.
  private func column(_ shape: AttentionShape, _ part: Int, _ head: Int) -> Int {
    guard part > 0 else { return head * shape.headWidth }
    let shared = head / (shape.heads / shape.keyValueHeads)
    return (shape.heads + (part - 1) * shape.keyValueHeads + shared) * shape.headWidth
  }

  func attend(queryKeyValue: Rows, _ attention: DisentangledAttention, queries: TokensRead) -> Rows {
    let width = queryKeyValue.width / 3
    // The rows that the longest text takes: dropout counts from the first of them.
    let range = attention.positions.rows(length: batch.longest)
    let table = parameters[attention.table.weight]
    var rows = Rows(width: width, values: Array(table[range.lowerBound * width..<range.upperBound * width]))
    if let normalization = attention.normalization { rows = normalized(rows, normalization) }
    let positions = linear(dropout(rows, attention.positionDropout), attention.projection)
    let headWidth = width / attention.shape.heads
    return attend(queryKeyValue, attention.shape, queries) { head, i, j, _ in
      let row = attention.positions.row(i - j) - range.lowerBound
      let score = (0..<headWidth).reduce(0) { sum, lane in
        let channel = head * headWidth + lane
        let content = queryKeyValue[i, channel] * queryKeyValue[j, width + channel]
        let toPosition = attention.firstKey.map { queryKeyValue[i, channel] * positions[row, $0 + channel] } ?? 0
        let toContent = attention.firstQuery.map { queryKeyValue[j, width + channel] * positions[row, $0 + channel] } ?? 0
        return sum + content + toPosition + toContent
      }
      return score / Double(attention.shape.divisor)
    }
  }

  func convolve(_ rows: Rows, _ layer: Linear, _ activation: Activation, dropout rate: Float) -> Rows {
    let size = layer.inputs / rows.width
    let weights = parameters[layer.weights[0]]
    var output = Rows(width: layer.outputs, values: [])
    for text in 0..<batch.textCount {
      let tokens = batch.starts[text]..<batch.starts[text + 1]
      for token in tokens {
        for place in 0..<layer.outputs {
          var sum = parameters[layer.biases[0]][place]
          for step in 0..<size where tokens.contains(token + step - size / 2) {
            for channel in 0..<rows.width {
              sum += weights[(place * rows.width + channel) * size + step] * rows[token + step - size / 2, channel]
            }
          }
          output.values.append(sum)
        }
      }
    }
    output = dropout(output, rate)
    for index in output.values.indices { output.values[index] = activation.value(output.values[index]) }
    return output
  }

  /// - Parameter score: what softmax is made of, for the query of token i and the key of token j in a text that begins at
  ///   `start`; nil where they do not meet.
  private func attend(
    _ queryKeyValue: Rows, _ shape: AttentionShape, _ queries: TokensRead,
    _ score: (_ head: Int, _ i: Int, _ j: Int, _ start: Int) -> Double?
  ) -> Rows {
    let (heads, headWidth) = (shape.heads, shape.headWidth)
    let width = heads * headWidth
    let rate = shape.dropout
    let key = nextKey(rate)
    var context = Rows(
      width: width, values: Array(repeating: 0, count: (queries == .every ? queryKeyValue.rows : batch.textCount) * width))
    // Probability (i, j) of a text's head has the number first + i · stride + j, stride the length in steps of 16.
    var first = 0
    for text in 0..<batch.textCount {
      let tokens = batch.starts[text]..<batch.starts[text + 1]
      let stride = (tokens.count + 15) / 16 * 16
      for head in 0..<heads {
        let column = head * headWidth
        let value = self.column(shape, 2, head)
        let attending = queries == .every ? Array(tokens) : [readToken(queries, text)]
        for (number, token) in attending.enumerated() {
          let row = queries == .every ? token : text
          var probabilities = tokens.map { score(head, token, $0, tokens.lowerBound).map { exp($0) } ?? 0 }
          let sum = probabilities.reduce(0, +)
          let factors = factors(tokens.count, rate, key, first: first + number * stride)
          for index in probabilities.indices { probabilities[index] *= factors[index] / sum }
          for lane in 0..<headWidth {
            for (index, other) in tokens.enumerated() {
              context.values[row * width + column + lane] +=
                probabilities[index] * queryKeyValue[other, value + lane]
            }
          }
        }
        first += attending.count * stride
      }
    }
    return context
  }

  /// The query or key of one head, turned by its position.
  private func turned(_ rows: Rows, _ token: Int, _ column: Int, _ position: Int, _ shape: AttentionShape) -> [Double] {
    let headWidth = shape.headWidth
    let values = (0..<headWidth).map { rows[token, column + $0] }
    guard let rotary = shape.rotary else { return values }
    return (0..<headWidth).map { channel in
      let half = headWidth / 2
      let angle = Double(position) * pow(Double(rotary.base), -2 * Double(channel % half) / Double(headWidth))
      let other = channel < half ? -values[channel + half] : values[channel - half]
      return values[channel] * cos(angle) + other * sin(angle)
    }
  }

  /// The bias of a distance: 8 buckets of their own on each side, then 8 for each doubling squared, up to 128.
  private func bias(_ shape: AttentionShape, _ distance: Int, _ head: Int) -> Double {
    guard let table = shape.relativeBias?.table else { return 0 }
    let magnitude = abs(distance)
    // 8 · 2^(k/2) is where the k-th of them begins: 8² · 2^k in squares.
    let far = (0..<8).last { magnitude * magnitude >= 64 << $0 } ?? 0
    let bucket = (distance > 0 ? 16 : 0) + (magnitude < 8 ? magnitude : 8 + far)
    return parameters[table.weight][bucket * shape.heads + head]
  }

  func gated(_ operand: Rows, _ layer: Linear, _ activation: Activation, dropout rate: Float) -> Rows {
    let inner = linear(operand, layer)
    let width = inner.width / 2
    var output = Rows(width: width, values: [])
    for row in 0..<inner.rows {
      for column in 0..<width { output.values.append(activation.value(inner[row, column]) * inner[row, width + column]) }
    }
    return dropout(output, rate)
  }

  func add(_ rows: Rows, residual: Rows, dropout rate: Float) -> Rows {
    var sum = dropout(rows, rate)
    for index in sum.values.indices { sum.values[index] += residual.values[index] }
    return sum
  }

  func normalize(_ rows: Rows, _ normalization: Normalization) -> Rows { normalized(rows, normalization) }

  func read(_ rows: Rows, _ tokens: TokensRead) -> Rows {
    switch tokens {
    case .every: return rows
    case .mean:
      var means = Rows(width: rows.width, values: [])
      for text in 0..<batch.textCount {
        let tokens = batch.starts[text]..<batch.starts[text + 1]
        for column in 0..<rows.width { means.values.append(tokens.reduce(0) { $0 + rows[$1, column] } / Double(tokens.count)) }
      }
      return means
    case .first, .last:
      let chosen = (0..<batch.textCount).map { readToken(tokens, $0) }
      return Rows(width: rows.width, values: chosen.flatMap { rows.values[$0 * rows.width..<($0 + 1) * rows.width] })
    }
  }

  /// The token of a text that is read, in the batch.
  private func readToken(_ tokens: TokensRead, _ text: Int) -> Int {
    let all = batch.starts[text]..<batch.starts[text + 1]
    guard case .last(let padding) = tokens else { return all.lowerBound }
    guard let padding else { return all.upperBound - 1 }
    return all.last { batch.ids[$0] != padding } ?? all.lowerBound
  }

  func residualNormalize(_ rows: Rows, residual: Rows, _ normalization: Normalization, dropout rate: Float) -> Rows {
    normalized(add(rows, residual: residual, dropout: rate), normalization)
  }

  func dense(_ rows: Rows, _ layer: Linear, _ activation: Activation) -> Rows { linear(rows, layer, activation) }

  func dropout(_ rows: Rows, _ rate: Float) -> Rows {
    var output = rows
    let factors = factors(rows.values.count, rate, nextKey(rate), first: 0)
    for index in output.values.indices { output.values[index] *= factors[index] }
    return output
  }

  private func normalized(_ rows: Rows, _ normalization: Normalization) -> Rows {
    let width = rows.width
    var output = rows
    for row in 0..<rows.rows {
      let values = rows.values[row * width..<(row + 1) * width]
      let mean = normalization.kind == .layer ? values.reduce(0, +) / Double(width) : 0
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
      let deviation = normalization.kind == .affine ? 1 : (variance + Double(normalization.epsilon)).squareRoot()
      for column in 0..<width {
        output.values[row * width + column] =
          (rows[row, column] - mean) / deviation
          * parameters[normalization.weight][column] + (normalization.bias.map { parameters[$0][column] } ?? 0)
      }
    }
    return output
  }

  /// The key of the next verb that drops out, nil when nothing is dropped.
  private func nextKey(_ rate: Float) -> UInt64? {
    verbNumber += 1
    guard let dropoutKey, rate > 0 else { return nil }
    return mixed(dropoutKey, verbNumber)
  }

  /// What dropout multiplies elements by: 0 or 1 / (1 - rate), asked of the kernel by giving it ones.
  private func factors(_ count: Int, _ rate: Float, _ key: UInt64?, first: Int) -> [Double] {
    guard let key else { return Array(repeating: 1, count: count) }
    let ones = [Float](repeating: 1, count: count)
    var dropped = ones
    kernels.dropout(ones, count, rate, key, first, &dropped, false)
    return dropped.map { $0 == 0 ? 0 : 1 / (1 - Double(rate)) }
  }
}

/// SplitMix64's finaliser, written a second time on purpose: keys are part of what a resumed run depends on.
func mixed(_ first: UInt64, _ second: UInt64) -> UInt64 {
  var x = first &+ second &* 0x9E37_79B9_7F4A_7C15
  x = (x ^ (x >> 30)) &* 0xBF58_476D_1CE4_E5B9
  x = (x ^ (x >> 27)) &* 0x94D0_49BB_1331_11EB
  return x ^ (x >> 31)
}

extension Activation {
  /// f(x) in Double.
  func value(_ x: Double) -> Double {
    switch self {
    case .identity: x
    case .gelu: x * 0.5 * erfc(-x / 2.0.squareRoot())
    case .geluTanh: 0.5 * x * (1 + Glibc.tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .relu: max(0, x)
    case .tanh: Glibc.tanh(x)
    case .silu: x / (1 + exp(-x))
    }
  }

  /// f'(x) by central differences.
  func slope(_ x: Double, step: Double = 1e-5) -> Double { (value(x + step) - value(x - step)) / (2 * step) }
}
