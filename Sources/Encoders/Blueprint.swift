/// How a parameter is drawn when a checkpoint lacks it, as the reference library's `_init_weights` does.
package enum Initialization: Sendable, Equatable {
  case normal(standardDeviation: Float)
  /// From -bound to bound.
  case uniform(bound: Float)
  /// Normal, drawn again beyond `cutoff` standard deviations.
  case truncatedNormal(standardDeviation: Float, cutoff: Float)
  /// Sines and cosines of positions (Vaswani et al., 2017): at position p channel c has `sin(p · 10000^(-c / width))` where c is
  /// even, and where it is odd the cosine of its neighbour's angle. Drawn first with the deviation, as the reference does, which
  /// moves on what is drawn after it.
  case sinusoids(standardDeviation: Float)
  case zeros
  case ones
}

/// One parameter of a checkpoint: its canonical name there and its shape.
package struct Parameter: Sendable, Equatable {
  /// The full name, with the model prefix: `bert.encoder.layer.0.attention.self.query.weight`.
  package let name: String
  /// `[outputs, inputs]` of a weight, `[rows, width]` of a table, `[width]` of a vector.
  package let shape: [Int]
  /// Whether a checkpoint holds a weight the other way round, `[inputs, outputs]` (GPT-2's `Conv1D`).
  package let isTransposed: Bool
  package let initialization: Initialization
  /// A row that takes no gradient (the padding row of a word embedding).
  package let frozenRow: Int?
  /// Whether AdamW decays it: all but biases and the weights of normalisations.
  package let decays: Bool

  package init(
    name: String, shape: [Int], isTransposed: Bool = false, initialization: Initialization, frozenRow: Int? = nil, decays: Bool = true
  ) {
    self.name = name
    self.shape = shape
    self.isTransposed = isTransposed
    self.initialization = initialization
    self.frozenRow = frozenRow
    self.decays = decays
  }

  package var count: Int { shape.reduce(1, *) }
  /// As a checkpoint has it.
  package var storedShape: [Int] { isTransposed ? shape.reversed() : shape }
}

/// A linear layer `y = x Wᵀ + b`. Several of a checkpoint's layers that read the same input (query, key, value) are
/// stacked by output into one. A class, for layers and families hold many and are copied.
package final class Linear: Sendable, Equatable {
  /// The index in `Blueprint.linears`.
  package let index: Int
  /// The name of its section in a bundle: the first part's, or one of its own when parts are stacked.
  package let name: String
  package let inputs: Int
  /// The outputs of all parts together.
  package let outputs: Int
  /// The weights, in stacking order: indices in `Blueprint.parameters`.
  package let weights: [Int]
  /// The outputs of each part.
  package let partOutputs: [Int]
  /// The biases in the same order, empty if there is none.
  package let biases: [Int]
  /// Whether it belongs to the head, which a checkpoint of an encoder alone may lack.
  package let isHead: Bool
  /// The layer that makes the logits: kept in fp32 in every bundle, for it is small and decides.
  package let isOutput: Bool
  /// For each part, in how many groups its outputs read as many groups of inputs, each the one in its own place and no other
  /// (a convolution of size 1, whose weight is `[outputs, inputs / groups, 1]`); nil where every output reads every input.
  package let groups: [Int]?

  fileprivate init(
    index: Int, name: String, inputs: Int, outputs: Int, weights: [Int], partOutputs: [Int], biases: [Int], isHead: Bool,
    isOutput: Bool, groups: [Int]? = nil
  ) {
    self.index = index
    self.name = name
    self.inputs = inputs
    self.outputs = outputs
    self.weights = weights
    self.partOutputs = partOutputs
    self.biases = biases
    self.isHead = isHead
    self.isOutput = isOutput
    self.groups = groups
  }

  /// Whether both are the same layer of models of one configuration.
  package static func == (first: Linear, second: Linear) -> Bool {
    first.index == second.index && first.name == second.name && first.inputs == second.inputs && first.outputs == second.outputs
  }

  /// The outputs that a part makes.
  package func outputs(ofPart part: Int) -> Range<Int> {
    let first = partOutputs.prefix(part).reduce(0, +)
    return first..<first + partOutputs[part]
  }
}

/// What makes rows alike, and scales and shifts their channels: a weight and a bias, each `[width]`; some have no bias.
package struct Normalization: Sendable, Equatable {
  /// One definition each: the kernels implement exactly these.
  package enum Kind: Int32, Sendable, CaseIterable {
    /// Of mean 0 and variance 1 (Ba et al., 2016).
    case layer = 0
    /// Of a mean square of 1 (Zhang and Sennrich, 2019).
    case rootMeanSquare = 1
    /// As they are: `x · weight + bias` alone (MobileBERT's `no_norm`).
    case affine = 2
  }

  package let kind: Kind
  package let index: Int
  package let name: String
  package let width: Int
  package let epsilon: Float
  package let weight: Int
  package let bias: Int?
  /// Whether it belongs to the head, which a checkpoint of an encoder alone may lack.
  package let isHead: Bool

  /// Indices in `Blueprint.parameters`.
  package var parameters: [Int] { [weight] + (bias.map { [$0] } ?? []) }
}

/// An embedding table `[rows, width]`.
package struct Table: Sendable, Equatable {
  package let index: Int
  package let name: String
  package let rows: Int
  package let width: Int
  package let weight: Int
  /// Whether it stays in fp32 in every bundle: small, and not only summed up with other rows.
  package let isExact: Bool
}

/// All the parameters of a model, the weights in the module order of the reference library (which draws new ones in it),
/// and the handles under which the verbs name them. An engine keeps one object of its own for each handle, at the
/// handle's index.
package struct Blueprint: Sendable {
  package private(set) var parameters: [Parameter] = []
  package private(set) var linears: [Linear] = []
  package private(set) var normalizations: [Normalization] = []
  package private(set) var tables: [Table] = []
  private let initializerRange: Float

  /// Indices of the parameters of the head, which a checkpoint of an encoder alone may lack.
  package var headParameters: Set<Int> {
    Set(linears.filter(\.isHead).flatMap { $0.weights + $0.biases } + normalizations.filter(\.isHead).flatMap(\.parameters))
  }

  package init(initializerRange: Float) { self.initializerRange = initializerRange }

  /// - Parameter frozenRow: the padding row, which takes no gradient.
  package mutating func table(
    _ name: String, rows: Int, width: Int, frozenRow: Int? = nil, initialization: Initialization? = nil,
    decays: Bool = true, isExact: Bool = false
  ) -> Table {
    let weight = parameter(name + ".weight", [rows, width], initialization ?? normal, frozenRow, decays: decays)
    let table = Table(index: tables.count, name: name, rows: rows, width: width, weight: weight, isExact: isExact)
    tables.append(table)
    return table
  }

  package mutating func normalization(
    _ name: String, _ kind: Normalization.Kind = .layer, width: Int, epsilon: Float, hasBias: Bool = true, isHead: Bool = false
  ) -> Normalization {
    let weight = parameter(name + ".weight", [width], .ones, decays: false)
    let bias = hasBias ? parameter(name + ".bias", [width], .zeros, decays: false) : nil
    let normalization = Normalization(
      kind: kind, index: normalizations.count, name: name, width: width, epsilon: epsilon, weight: weight, bias: bias,
      isHead: isHead)
    normalizations.append(normalization)
    return normalization
  }

  package mutating func linear(
    _ name: String, inputs: Int, outputs: Int, hasBias: Bool = true, isTransposed: Bool = false, initialization: Initialization? = nil,
    isHead: Bool = false, isOutput: Bool = false
  ) -> Linear {
    stack(
      name, parts: [(name, outputs)], inputs: inputs, hasBias: hasBias, isTransposed: isTransposed, initialization: initialization,
      isHead: isHead, isOutput: isOutput)
  }

  /// A convolution over `size` neighbouring tokens, as a linear layer of their values: `[outputs, channels, size]`, so that
  /// an output reads all neighbours' first channel, then their second, ….
  package mutating func convolution(_ name: String, channels: Int, size: Int) -> Linear {
    let weight = parameter(name + ".weight", [channels, channels, size], .normal(standardDeviation: initializerRange))
    let bias = parameter(name + ".bias", [channels], .zeros, decays: false)
    let linear = Linear(
      index: linears.count, name: name, inputs: channels * size, outputs: channels, weights: [weight],
      partOutputs: [channels], biases: [bias],
      isHead: false, isOutput: false)
    linears.append(linear)
    return linear
  }

  /// A convolution over single tokens, or several that read the same input: linear layers whose outputs read a group of the inputs
  /// each.
  package mutating func grouped(
    _ name: String, parts: [(name: String, groups: Int)], inputs: Int, outputsOfEach outputs: Int
  ) -> Linear {
    let weights = parts.map { part in
      parameter(part.name + ".weight", [outputs, inputs / part.groups, 1], normal)
    }
    let biases = parts.map { parameter($0.name + ".bias", [outputs], .zeros, decays: false) }
    let linear = Linear(
      index: linears.count, name: name, inputs: inputs, outputs: outputs * parts.count, weights: weights,
      partOutputs: parts.map { _ in outputs }, biases: biases, isHead: false, isOutput: false, groups: parts.map(\.groups))
    linears.append(linear)
    return linear
  }

  /// Layers that read the same input, as one: `parts` are their names in stacking order, with the outputs of each. All weights come
  /// before all biases, so that in memory laid out by the parameters' order a stack is one matrix and one vector.
  package mutating func stack(
    _ name: String, parts: [(name: String, outputs: Int)], inputs: Int, hasBias: Bool = true, isTransposed: Bool = false,
    initialization: Initialization? = nil, isHead: Bool = false, isOutput: Bool = false
  ) -> Linear {
    var weights: [Int] = []
    for part in parts {
      weights.append(
        parameter(part.name + ".weight", [part.outputs, inputs], initialization ?? normal, isTransposed: isTransposed))
    }
    let biases = hasBias ? parts.map { parameter($0.name + ".bias", [$0.outputs], .zeros, decays: false) } : []
    let linear = Linear(
      index: linears.count, name: name, inputs: inputs, outputs: parts.reduce(0) { $0 + $1.outputs }, weights: weights,
      partOutputs: parts.map(\.outputs), biases: biases, isHead: isHead || isOutput, isOutput: isOutput)
    linears.append(linear)
    return linear
  }

  /// The same with as many outputs of each part.
  package mutating func stack(
    _ name: String, parts: [String], inputs: Int, outputsOfEach outputs: Int, hasBias: Bool = true
  ) -> Linear {
    stack(name, parts: parts.map { ($0, outputs) }, inputs: inputs, hasBias: hasBias)
  }

  private var normal: Initialization { .normal(standardDeviation: initializerRange) }

  private mutating func parameter(
    _ name: String, _ shape: [Int], _ initialization: Initialization, _ frozenRow: Int? = nil, isTransposed: Bool = false,
    decays: Bool = true
  ) -> Int {
    parameters.append(
      Parameter(
        name: name, shape: shape, isTransposed: isTransposed, initialization: initialization, frozenRow: frozenRow,
        decays: decays))
    return parameters.count - 1
  }
}
