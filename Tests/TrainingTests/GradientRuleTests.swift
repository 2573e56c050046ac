import Encoders
import JSON
import Kernels
import Storage
import TestSupport
import Testing
import Training

/// A model of one verb under test, behind embeddings (and a linear layer) that give it rows with a gradient of their own.
struct Probe: EncoderFamily {
  enum Verb {
    case embed
    case linear(Activation)
    case attend(heads: Int, TokensRead = .every, rotaryBase: Float? = nil, hasBias: Bool = false, window: Int? = nil)
    case attendBefore(heads: Int, keyValueHeads: Int, TokensRead = .every, rotaryBase: Float? = nil, window: Int? = nil)
    case gated(Activation)
    case add
    case normalize
    case normalizeBy(Normalization.Kind)
    case read(TokensRead)
    case disentangled(Disentangled, TokensRead = .every)
    case convolve(size: Int, Activation)
    /// Tables of another width than the hidden states.
    case embedNarrow
    case residualNormalize
    case dropout
    /// The same layers twice, and rows that four verbs read: gradients add up.
    case shared
  }

  /// Which parts of disentangled attention there are.
  struct Disentangled {
    var keys = true
    var queries = true
    var shares = true
    var normalizes = true
    var positions = RelativePositions(span: 6, scaleEnd: 20)
  }

  static let modelType = "probe"
  static let architecture = "Probe"
  static let prefix = ""
  static let vocabulary = 11

  let blueprint: Blueprint
  let hiddenWidth: Int
  let maximumLength = 256
  let tokenTypeCount = 2
  let verb: Verb
  let rate: Float
  private let embeddings: Embeddings
  private let square, inner, queryKeyValue, plain, ungate: Linear
  /// Of fewer heads of keys and values, whose queries and keys are normalised.
  private let shared: (queryKeyValue: Linear, output: Linear, queries: Normalization, keys: Normalization)?
  private let other: Normalization?
  private let normalization, plainNormalization: Normalization
  private let biases: Table?
  private let narrow: Embeddings?
  private let disentangled: DisentangledAttention?
  private let convolution: Linear?

  init(_ verb: Verb, width: Int, innerWidth: Int = 7, rate: Float = 0) {
    self.verb = verb
    self.rate = rate
    hiddenWidth = width
    var blueprint = Blueprint(initializerRange: 0.5)
    embeddings = Embeddings(
      words: blueprint.table("words", rows: Self.vocabulary, width: width, frozenRow: 0),
      positions: blueprint.table("positions", rows: 256, width: width),
      tokenTypes: blueprint.table("types", rows: 2, width: width),
      normalization: blueprint.normalization("embeddings.norm", width: width, epsilon: 1e-5), dropout: { if case .embed = verb { rate } else { 0 } }())
    square = blueprint.linear("square", inputs: width, outputs: width)
    inner = blueprint.linear("inner", inputs: width, outputs: innerWidth)
    queryKeyValue = blueprint.stack(
      "query_key_value", parts: ["query", "key", "value"], inputs: width, outputsOfEach: width)
    normalization = blueprint.normalization("norm", width: width, epsilon: 1e-12)
    plain = blueprint.linear("plain", inputs: width, outputs: 2 * innerWidth, hasBias: false)
    ungate = blueprint.linear("ungate", inputs: innerWidth, outputs: width, hasBias: false)
    plainNormalization = blueprint.normalization("plain_norm", width: width, epsilon: 1e-5, hasBias: false)
    if case .attend(let heads, _, _, true, _) = verb {
      biases = blueprint.table("biases", rows: RelativeBias.bucketCount, width: heads, decays: false)
    } else {
      biases = nil
    }
    if case .attendBefore(let heads, let keyValueHeads, _, _, _) = verb {
      let shape = AttentionShape(heads: heads, keyValueHeads: keyValueHeads, headWidth: 6, dropout: 0)
      let parts = [("shared.query", shape.queries), ("shared.key", shape.keys), ("shared.value", shape.values)]
      shared = (
        blueprint.stack("shared", parts: parts.map { ($0.0, $0.1.count) }, inputs: width),
        blueprint.linear("shared.output", inputs: shape.contextWidth, outputs: width),
        blueprint.normalization("query.norm", .rootMeanSquare, width: 6, epsilon: 1e-3, hasBias: false),
        blueprint.normalization("key.norm", width: 6, epsilon: 1e-3)
      )
    } else {
      shared = nil
    }
    if case .normalizeBy(let kind) = verb {
      other = blueprint.normalization("other.norm", kind, width: width, epsilon: 1e-3)
    } else {
      other = nil
    }
    if case .embedNarrow = verb {
      narrow = Embeddings(
        words: blueprint.table("narrow", rows: Self.vocabulary, width: 5),
        projection: blueprint.linear("projection", inputs: 5, outputs: width, hasBias: false), normalization: normalization, dropout: rate)
    } else {
      narrow = nil
    }
    if case .convolve(let size, _) = verb {
      convolution = blueprint.convolution("convolution", channels: width, size: size)
    } else {
      convolution = nil
    }
    if case .disentangled(let parts, _) = verb {
      let names = (parts.keys ? ["position_key"] : []) + (parts.queries ? ["position_query"] : [])
      let projection =
        parts.shares ? queryKeyValue : blueprint.stack("positions", parts: names, inputs: width, outputsOfEach: width)
      disentangled = DisentangledAttention(
        AttentionShape(heads: 3, headWidth: width / 3, divisor: 3.5, dropout: rate), layer: 0, positions: parts.positions,
        table: blueprint.table("relative", rows: parts.positions.rows, width: width),
        normalization: parts.normalizes ? blueprint.normalization("relative.norm", width: width, epsilon: 1e-7) : nil,
        positionDropout: rate / 2, projection: projection,
        firstKey: parts.keys ? (parts.shares ? width : 0) : nil,
        firstQuery: parts.queries ? (parts.shares || !parts.keys ? 0 : width) : nil)
    } else {
      disentangled = nil
    }
    self.blueprint = blueprint
  }

  init(_ settings: Settings, labels: Int) throws(ConfigurationError) {
    throw .unknownFamily(Self.modelType, known: [])
  }

  var layerCount: Int { 0 }
  var tokensRead: TokensRead { .every }

  func layer<Engine: Verbs>(_ number: Int, _ hidden: Engine.Rows, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows { hidden }

  func embed<Engine: Verbs>(_ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    if case .embedNarrow = verb { return try engine.embed(narrow!) }
    return try engine.embed(embeddings)
  }

  func classify<Engine: Verbs>(_ rows: Engine.Rows, _ engine: Engine) throws(OutOfMemory) -> Engine.Rows {
    switch verb {
    case .embed, .embedNarrow: return rows
    case .linear(let activation): return try engine.dense(rows, inner, activation)
    case .attend(let heads, let queries, let rotaryBase, _, let window):
      let shape = AttentionShape(
        heads: heads, headWidth: hiddenWidth / heads, window: window, rotary: rotaryBase.map { RotaryEmbedding(base: $0) },
        relativeBias: biases.map { RelativeBias(table: $0) }, dropout: rate)
      let context = try engine.attend(queryKeyValue: engine.linear(rows, queryKeyValue), shape, queries: queries)
      return try engine.linear(context, square)
    case .attendBefore(let heads, let keyValueHeads, let queries, let rotaryBase, let window):
      let shape = AttentionShape(
        heads: heads, keyValueHeads: keyValueHeads, headWidth: 6, divisor: 2, isCausal: true, window: window,
        rotary: rotaryBase.map { RotaryEmbedding(base: $0) }, dropout: rate)
      let states = try engine.normalizeHeads(
        queryKeyValue: engine.linear(rows, shared!.queryKeyValue), shape, queries: shared!.queries, keys: shared!.keys)
      return try engine.linear(engine.attend(queryKeyValue: states, shape, queries: queries), shared!.output)
    case .normalizeBy:
      return try engine.residualNormalize(
        engine.normalize(engine.linear(rows, square), other!), residual: rows, other!, dropout: rate)
    case .gated(let activation):
      return try engine.dense(engine.linear(engine.gated(engine.operand(rows), plain, activation, dropout: rate), ungate), square, .identity)
    case .add:
      let sum = try engine.add(engine.linear(rows, square), residual: rows, dropout: rate)
      return try engine.add(engine.dense(sum, square, .identity), residual: sum, dropout: rate)
    case .normalize:
      return try engine.add(
        engine.normalize(engine.linear(rows, square), plainNormalization), residual: engine.normalize(rows, normalization), dropout: 0)
    case .read(let tokens): return try engine.read(rows, tokens)
    case .disentangled(_, let queries):
      let context = try engine.attend(queryKeyValue: engine.linear(rows, queryKeyValue), disentangled!, queries: queries)
      return try engine.linear(context, square)
    case .convolve(_, let activation): return try engine.convolve(rows, convolution!, activation, dropout: rate)
    case .residualNormalize:
      return try engine.residualNormalize(engine.linear(rows, square), residual: rows, normalization, dropout: rate)
    case .dropout: return try engine.dropout(engine.linear(rows, square), rate)
    case .shared:
      let context = try engine.attend(queryKeyValue: engine.linear(rows, queryKeyValue), AttentionShape(heads: 1, headWidth: hiddenWidth, dropout: rate), queries: .every)
      let once = try engine.residualNormalize(engine.linear(context, square), residual: rows, normalization, dropout: rate)
      let twice = try engine.residualNormalize(engine.linear(once, square), residual: rows, normalization, dropout: rate)
      let first = try engine.read(engine.dropout(engine.linear(twice, square), rate), .first)
      return try engine.residualNormalize(first, residual: engine.read(rows, .first), normalization, dropout: rate)
    }
  }

  /// A store of random parameters; the normalisations' weights are around 1.
  func randomStore(_ random: inout Generator) throws -> ParameterStore {
    let store = try ParameterStore(blueprint)
    for (index, parameter) in blueprint.parameters.enumerated() {
      let isScale = parameter.initialization == .ones
      let values = random.floats(parameter.count, isScale ? 0.5...1.5 : -0.5...0.5)
      store.values(index).update(from: values, count: values.count)
    }
    return store
  }
}

/// The engine's fp32 gradients against finite differences of the verbs in Double.
@Suite struct GradientRuleTests {
  private static let lengths = [[1], [2, 1, 5], [17, 33], [16, 3, 40, 1]]

  /// Compares rows and gradients of one batch; `name` says which case it is.
  private func check(
    _ family: any EncoderFamily, _ engine: TrainingEngine, _ batch: Batch, dropoutKey: UInt64 = 11,
    _ instructionSet: InstructionSet = InstructionSet.supported[0], elements: Int = 8, _ name: String
  ) throws {
    let store = engine.parameters
    var random = Generator(seed: 5)
    let rows = try engine.forward(family, batch, dropoutKey: dropoutKey)
    let values = try UnsafeBufferPointer(start: rows.values, count: rows.count).map(Double.init)
    let upstream = random.floats(rows.count)
    try engine.backward(rows, gradient: upstream)

    let kernels = try instructionSet.trainingKernels()
    let parameters = store.blueprint.parameters.indices.map { store.array($0, of: store.values).map(Double.init) }
    let reference = DoubleEngine(parameters, batch, dropoutKey: dropoutKey, kernels)
    let expected = try reference.forward(family).values
    try #require(values.count == expected.count, "\(name)")
    let scale = expected.reduce(0) { max($0, abs($1)) }
    let difference = zip(values, expected).map { abs($0 - $1) }.max()!
    #expect(difference <= 1e-5 * scale, "\(name): rows differ by \(difference)")

    let step = 1e-5
    func objective() throws -> Double { try zip(reference.forward(family).values, upstream).reduce(0) { $0 + $1.0 * Double($1.1) } }
    /// The derivative in a direction that few or all elements of a parameter take part in.
    func slope(_ index: Int, _ direction: [(element: Int, weight: Double)]) throws -> Double {
      defer { reference.parameters[index] = parameters[index] }
      for (element, weight) in direction { reference.parameters[index][element] = parameters[index][element] + step * weight }
      let above = try objective()
      for (element, weight) in direction { reference.parameters[index][element] = parameters[index][element] - step * weight }
      return try (above - objective()) / (2 * step)
    }
    let globalNorm = norm((0..<store.count).map { Double(store.gradients[$0]) })
    for (index, parameter) in store.blueprint.parameters.enumerated() {
      let gradient = store.array(index, of: store.gradients).map(Double.init)
      let frozen = parameter.frozenRow.map { $0 * parameter.shape[1]..<($0 + 1) * parameter.shape[1] } ?? 0..<0
      #expect(frozen.allSatisfy { gradient[$0] == 0 }, "\(name), \(parameter.name): the frozen row has a gradient")
      let tolerance = 2e-5 * max(norm(gradient), 1e-2 * globalNorm)
      // Single elements say what is wrong; all at once with random weights leave none out.
      var directions = (0..<elements).map { _ in [(element: Int.random(in: gradient.indices, using: &random), weight: 1.0)] }
      directions.append(gradient.indices.map { (element: $0, weight: random.next() & 1 == 0 ? 1 : -1) })
      for direction in directions.map({ $0.filter { !frozen.contains($0.element) } }) where !direction.isEmpty {
        let found = direction.reduce(0) { $0 + gradient[$1.element] * $1.weight }
        let exact = try slope(index, direction)
        let error = abs(found - exact) / Double(direction.count).squareRoot()
        #expect(error <= tolerance, "\(name), \(parameter.name), \(direction.count) elements: \(found), expected \(exact)")
      }
    }
  }

  private func check(
    _ verb: Probe.Verb, width: Int, innerWidth: Int = 7, rate: Float = 0, threads: Int = 2,
    lengths: [[Int]] = Self.lengths, _ instructionSet: InstructionSet = InstructionSet.supported[0]
  ) throws {
    let family = Probe(verb, width: width, innerWidth: innerWidth, rate: rate)
    for lengths in lengths {
      var random = Generator(seed: UInt64(width + lengths.count))
      let engine = try makeEngine(family.randomStore(&random), threads: threads, instructionSet)
      let batch = randomBatch(lengths, vocabulary: Probe.vocabulary, &random)
      try check(family, engine, batch, instructionSet, "\(verb), width \(width), lengths \(lengths), rate \(rate), \(instructionSet)")
    }
  }

  @Test(arguments: [3, 16, 17, 67]) func embeddings(_ width: Int) throws { try check(.embed, width: width) }

  @Test(arguments: zip([3, 16, 17, 65], [1, 17, 16, 33])) func linearLayers(_ width: Int, _ outputs: Int) throws {
    try check(.linear(.identity), width: width, innerWidth: outputs)
  }

  @Test(arguments: Activation.allCases) func activations(_ activation: Activation) throws {
    try check(.linear(activation), width: 17, innerWidth: 19)
  }

  @Test(arguments: zip([3, 15, 16, 34], [1, 3, 2, 2])) func attention(_ width: Int, _ heads: Int) throws {
    try check(.attend(heads: heads), width: width)
    try check(.attend(heads: heads, .first), width: width)
  }

  /// Turned, biased, and with windows narrower than the texts, some so narrow that a text takes several blocks.
  @Test(arguments: [(4, 1), (12, 2), (32, 2), (36, 3)]) func attentionByPlace(_ width: Int, _ heads: Int) throws {
    for queries in [TokensRead.every, .first] {
      for rate in [0, 0.3] as [Float] {
        try check(.attend(heads: heads, queries, rotaryBase: 10_000), width: width, rate: rate)
        try check(.attend(heads: heads, queries, hasBias: true), width: width, rate: rate)
        try check(.attend(heads: heads, queries, rotaryBase: 160, window: 3), width: width, rate: rate)
        try check(.attend(heads: heads, queries, hasBias: true, window: 7), width: width, rate: rate)
      }
    }
  }

  @Test func longTexts() throws {
    for verb in [Probe.Verb.attend(heads: 1, rotaryBase: 100, window: 5), .attend(heads: 1, hasBias: true), .attend(heads: 1, .first, window: 5)] {
      try check(verb, width: 4, rate: 0.2, lengths: [[215, 9]])
    }
  }

  /// Tokens that see those before them alone, heads that share keys and values; one token of each text too.
  @Test(arguments: [(1, 1), (2, 1), (4, 2), (6, 3)]) func attentionBefore(_ heads: Int, _ keyValueHeads: Int) throws {
    for queries in [TokensRead.every, .first, .last(padding: nil), .last(padding: 5)] {
      for rate in [0, 0.3] as [Float] {
        try check(.attendBefore(heads: heads, keyValueHeads: keyValueHeads, queries), width: 7, rate: rate)
        try check(.attendBefore(heads: heads, keyValueHeads: keyValueHeads, queries, rotaryBase: 100, window: 3), width: 7, rate: rate)
      }
    }
    let verb = Probe.Verb.attendBefore(heads: heads, keyValueHeads: keyValueHeads, rotaryBase: 100)
    try check(verb, width: 5, rate: 0.2, threads: 3, lengths: [[150, 9, 64, 65]])
  }

  @Test(arguments: Normalization.Kind.allCases) func normalizations(_ kind: Normalization.Kind) throws {
    for width in [3, 16, 17, 67] { try check(.normalizeBy(kind), width: width, rate: 0.3) }
  }

  @Test(arguments: zip([3, 16, 17], [1, 17, 16])) func gatedLayers(_ width: Int, _ inner: Int) throws {
    for activation in Activation.allCases { try check(.gated(activation), width: width, innerWidth: inner) }
    try check(.gated(.gelu), width: width, innerWidth: inner, rate: 0.3)
  }

  @Test(arguments: [3, 16, 17]) func sums(_ width: Int) throws {
    for rate in [0, 0.3] as [Float] { try check(.add, width: width, rate: rate) }
    try check(.normalize, width: width)
    try check(.read(.mean), width: width)
  }

  @Test(arguments: [
    Probe.Disentangled(), Probe.Disentangled(queries: false), Probe.Disentangled(keys: false),
    Probe.Disentangled(shares: false, normalizes: false), Probe.Disentangled(queries: false, shares: false),
    Probe.Disentangled(keys: false, shares: false), Probe.Disentangled(positions: RelativePositions(span: 9)),
    Probe.Disentangled(shares: false, positions: RelativePositions(span: 64)),
  ]) func disentangledAttention(_ parts: Probe.Disentangled) throws {
    for width in [3, 18, 48] { try check(.disentangled(parts), width: width) }
    try check(.disentangled(parts, .first), width: 18)
    try check(.disentangled(parts), width: 18, rate: 0.3)
    try check(.disentangled(parts), width: 18, threads: 3)
  }

  @Test func convolution() throws {
    for size in [1, 3, 5] { try check(.convolve(size: size, .tanh), width: 7) }
    try check(.convolve(size: 3, .gelu), width: 17, rate: 0.3, threads: 3)
  }

  @Test func narrowEmbeddings() throws { try check(.embedNarrow, width: 17, rate: 0.3) }

  @Test(arguments: [3, 16, 17, 67]) func normalization(_ width: Int) throws { try check(.residualNormalize, width: width) }

  @Test func oneToken() throws {
    for tokens in [TokensRead.first, .last(padding: nil), .last(padding: 3)] { try check(.read(tokens), width: 17) }
  }

  @Test func sharedLayersAndRows() throws {
    for threads in [1, 2, 3] { try check(.shared, width: 17, threads: threads) }
  }

  @Test func withDropout() throws {
    for verb in [Probe.Verb.embed, .attend(heads: 3), .attend(heads: 3, .first), .residualNormalize, .dropout, .shared] {
      try check(verb, width: 15, rate: 0.3)
    }
  }

  @Test(arguments: InstructionSet.supported) func everyInstructionSet(_ instructionSet: InstructionSet) throws {
    let verbs: [Probe.Verb] = [
      .linear(.gelu), .attend(heads: 3), .attend(heads: 1, hasBias: true, window: 4), .gated(.gelu),
      .disentangled(Probe.Disentangled()), .shared,
    ]
    for verb in verbs {
      try check(verb, width: 15, rate: 0.2, lengths: [[17, 1, 5]], instructionSet)
    }
  }

  /// The whole of BERT, its dropout on.
  @Test func wholeModel() throws {
    let model = try tinyModel(changes: ["hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.2])
    var random = Generator(seed: 3)
    let batch = randomBatch([19, 1, 8], vocabulary: 181, &random)
    try check(model.family, try tinyEngine(model), batch, elements: 1, "tiny-bert")
  }

  /// The whole of every other family, its dropout on.
  @Test(arguments: familyNames) func wholeFamily(_ name: String) throws {
    let folder = "families/" + name
    let model = try tinyModel(folder)
    var random = Generator(seed: 3)
    let batch = randomBatch(
      [11, 1, 7], vocabulary: model.blueprint.tables[0].rows, tokenTypes: min(2, model.family.tokenTypeCount), &random)
    try check(model.family, try tinyEngine(model, folder: folder), batch, elements: 1, name)
  }

  /// Layers that differ in heads and feed-forward width, the last token read.
  @Test func unevenLayers() throws {
    let settings = try Settings(["vocab_size": 13, "hidden_size": 10, "num_attention_heads": 2, "initializer_range": 0.4])
    let family = try UnevenLayers(settings, labels: 3)
    var random = Generator(seed: 8)
    let store = try ParameterStore(family.blueprint)
    _ = try store.load(from: NoWeights(), seed: 1)
    let batch = randomBatch([9, 1, 17], vocabulary: 13, tokenTypes: 1, &random)
    try check(family, makeEngine(store), batch, elements: 4, "uneven layers")
  }

  /// The derivatives themselves, over the range where they change and far beyond.
  @Test(arguments: Activation.allCases) func derivatives(_ activation: Activation) throws {
    // No sample within a step of ReLU's corner.
    let inputs = stride(from: Float(-12.003), to: 12, by: 0.0101).map { $0 } + [-100, -30, 30, 100]
    for instructionSet in InstructionSet.supported {
      var slopes = inputs
      var values = [Float](repeating: .nan, count: inputs.count)
      try instructionSet.trainingKernels().activateAndDerive(&slopes, inputs.count, activation.rawValue, &values)
      for (index, (input, slope)) in zip(inputs, slopes).enumerated() {
        let value = activation.value(Double(input))
        #expect(abs(Double(values[index]) - value) <= 1e-6 * max(1, abs(value)), "\(instructionSet) at \(input)")
        let exact = activation.slope(Double(input))
        #expect(abs(Double(slope) - exact) <= 1e-6, "\(instructionSet) at \(input): \(slope), expected \(exact)")
      }
    }
  }
}
