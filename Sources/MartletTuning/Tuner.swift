import Checkpoints
import Encoders
import JSON
import Kernels
import LinearAlgebra
import ModelBundles
import ModelFolders
import Records
import Storage
import Tasks
import Training

/// How to fine-tune: the names and defaults of the reference library.
public typealias TuningArguments = TrainingArguments

/// What a fine-tuning run tells while it goes on.
public enum TuningEvent: Sendable {
  /// Before the first step: what the data look like, and lines about the run (base, device, warnings).
  case start(DataSummary, notes: [String])
  /// Before the first step: what the run will take, by a rehearsal. The peak is of the whole process.
  case forecast(peakBytes: Int, seconds: Double)
  /// After each step. `tokens` are those of the step.
  case step(done: Int, total: Int, epoch: Double, loss: Double, learningRate: Double, tokens: Int)
  /// An entry of the log history with its values by name: `loss`, `eval_loss`, `eval_accuracy`, `train_runtime`, ….
  case log(step: Int, epoch: Double, values: [(name: String, value: Double)])
  /// A whole checkpoint stands in this folder.
  case checkpoint(path: String)
  case warning(String)
}

/// What a fine-tuning run came to.
public struct TuningResult: Sendable {
  public let steps: Int
  /// The mean loss of all steps.
  public let trainLoss: Double
  /// The last evaluation's figures by name: `loss`, `accuracy`, `f1`, `precision`, `recall`.
  public let metrics: [(name: String, value: Double)]
  /// The labels in the order of the logits.
  public let labels: [String]
  /// Whether the run was asked to stop; a checkpoint to go on from was written then.
  public let wasStopped: Bool

  package let outcome: TrainingOutcome
  /// Of the model as it is written, on the validation data; nil without any, or when the run was stopped.
  package let evaluation: EvaluationReport?
  package let examples: [ExampleResult]
  /// What `examples` are of.
  package let validation: TuningData?
}

/// One validation text's logits after training.
package struct ExampleResult: Sendable {
  package let logits: [Float]
  package let target: TrainingTarget
  package let tokens: Int
  /// How many of them are the unknown token, and whether the vocabulary knows nothing of the text.
  package let unknownTokens: Int
  package let isUnknown: Bool
}

/// Where a run begins.
public enum Resumption: Sendable, Equatable {
  /// At its first step.
  case none
  /// From this checkpoint folder.
  case checkpoint(path: String)
  /// From the newest checkpoint of the output folder that is whole.
  case newest
}

/// Fine-tunes a pretrained encoder into a text classifier, as the reference library's Trainer does.
///
///     let tuner = Tuner(base: "all-MiniLM-L6-v2")
///     let result = try tuner.tune(
///       on: TuningData(contentsOf: "train.tsv"), validation: TuningData(contentsOf: "dev.tsv"), outputFolder: "out")
///
/// The output folder is a Hugging Face folder, with checkpoints in `checkpoint-N` below it.
public struct Tuner: Sendable {
  /// A Hugging Face folder, or a bundle that carries its folder's files.
  public var base: String
  public var arguments = TuningArguments()
  /// Threads to use; the cores that the process may use if nil.
  public var threads: Int?
  /// Whether a few steps that change nothing are run first, to foretell memory and time.
  public var forecasts = true
  /// Whether all weights are drawn anew, and of the base only its configuration and tokenizer are used.
  public var startsFromScratch = false
  /// What is to be learnt: `single_label_classification`, `multi_label_classification` or `regression`; told from the labels if nil.
  public var problemType: String?
  /// Names for the labels of the data: `1,2=negative`, and `unsup=` for one whose records are left out.
  public var labelMap: [String] = []
  /// The label that precision, recall and F1 are of where there are two; the second if nil.
  public var positiveLabel: String?
  /// What each label counts in the loss; `arguments.classWeights`, in the order of the labels, if nil.
  public var classWeights: ClassWeights?
  /// Whether texts are HTML: tags become blanks, entities what they stand for. What is written says so, and reads texts in this way. A
  /// base that says so is heeded without this.
  public var unescapesHTML = false
  /// Whether the output layer of a base that is a classifier is drawn anew, for the labels of the data.
  public var drawsNewHead = false
  /// The share of the training data that is kept for validation where there are no validation data, by label and from the seed. Which rows
  /// these are is written to `validation-rows.json` in the output folder.
  public var validationShare: Double?
  /// Whether a run that begins anew may write into a folder with another run's checkpoints.
  public var overwritesOutputFolder = false
  /// Asked after every step; true makes the run write a checkpoint and return.
  public var shouldStop: @Sendable () -> Bool = { false }

  public init(base: String) { self.base = base }

  /// Fine-tunes and writes the result.
  ///
  /// - Parameters:
  ///   - training: labelled texts; their labels become the model's when the base has no head of its own.
  ///   - validation: labelled texts to evaluate on, or nil.
  ///   - outputFolder: made if missing.
  ///   - resumption: what to go on from; the run ends with the same bits as one that was not interrupted.
  ///   - onEvent: called from the thread that tunes.
  /// - Throws: errors whose description is one line: what, where, expected, found.
  public func tune(
    on training: TuningData, validation: TuningData? = nil, outputFolder: String, resumingFrom resumption: Resumption = .none,
    onEvent: (TuningEvent) -> Void = { _ in }
  ) throws -> TuningResult {
    let base = try PretrainedModel(path: base)
    let files = try base.source.carriedFiles()
    let pretrained = try Model(configuration: base.configuration)
    let tokenizer = try base.loadTokenizer(for: pretrained)
    let limit = try LengthLimit(
      pretrained.family, tokenizer: tokenizer.maximumLength, configuration: base.configuration)
    let maximumLength = arguments.maxLength.map { limit.cut($0) } ?? min(limit.usual, TuningArguments.usualMaxLength)
    let readsHTML = try unescapesHTML || HTMLSetting.isOn(base.configuration)
    let reading = try labelReading(base, pretrained, training, validation)
    let model = try Model(
      configuration: configuration(base.configuration, reading.task, pretrained.architecture, maximumLength))
    var (training, validation) = (training, validation)
    var (trainingTargets, validationTargets): ([TrainingTarget], [TrainingTarget]) = ([], [])
    try namingNewHead(base, pretrained) {
      try gatheringBadRows([
        { (training, trainingTargets) = try training.targets(reading) },
        { if let given = validation { (validation, validationTargets) = try given.targets(reading) } },
      ])
    }
    try makeDirectory(outputFolder)
    let lock = try FolderLock(outputFolder)
    defer { withExtendedLifetime(lock) {} }
    // A folder that cannot be written to is found now, not at the first checkpoint; dropped, the file leaves no trace.
    _ = try AtomicFile(path: outputFolder + "/trainer_state.json")
    try removeUnfinishedFiles(in: outputFolder)
    let pool = ThreadPool(threads: threads ?? Machine.availableCores)
    let blas = try OpenBLAS(threads: pool.threadCount)
    let kernels = try InstructionSet.selected()
    if let validationShare {
      guard validation == nil else { throw TrainingError.argument("validation-split: expected no validation data beside it") }
      let split = try ValidationSplit(trainingTargets, kind: model.task.kind, share: validationShare, seed: arguments.seed)
      validationTargets = split.rows.map { trainingTargets[$0] }
      let kept = Set(split.rows)
      trainingTargets = trainingTargets.indices.filter { !kept.contains($0) }.map { trainingTargets[$0] }
      let parts = training.divided(split)
      (training, validation) = (parts.training, parts.validation)
      var file = try AtomicFile(path: outputFolder + "/" + ValidationRows.fileName)
      try file.write(ValidationRows.json(parts.validation.dataset, share: validationShare, seed: arguments.seed).text(indent: 2) + "\n")
      try file.commit()
    }
    var arguments = arguments
    if let classWeights { arguments.classWeights = try classWeights.values(for: model.task, trainingTargets) }
    let positiveLabel = try model.task.positiveLabel(named: positiveLabel)
    let trainingData = try TokenizedData(
      training, trainingTargets, tokenizer, model, limit, maximumLength: maximumLength, readsHTML: readsHTML)
    let validationData = try TokenizedData(
      validation, validationTargets, tokenizer, model, limit, maximumLength: maximumLength, readsHTML: readsHTML)

    let parameters: any ParameterSource =
      try startsFromScratch ? NoParameters() : base.startingParameters(for: model, withoutHead: drawsNewHead)
    try arguments.check()
    let store =
      try arguments.loraRank == 0
      ? ParameterStore(model.blueprint)
      : ParameterStore(model.blueprint, arguments.lowRankSettings(for: type(of: model.family)))
    let drawn = try store.load(from: parameters, seed: arguments.seed)
    let origin = RunOrigin(
      base: store.digest(without: drawn), data: trainingData.digest(of: training), texts: training.count, maxLength: maximumLength)
    let engine = try TrainingEngine(parameters: store, blas: blas, threads: pool, instructionSet: kernels)
    return try withoutActuallyEscaping(onEvent) { onEvent in
      let trainer = try Trainer(
        model: model, engine: engine, arguments: arguments, training: trainingData.examples,
        validation: validationData.examples, positiveLabel: positiveLabel, outputFolder: outputFolder, configuration: model.configuration,
        files: files, base: base.path, origin: origin, shouldStop: shouldStop, onEvent: { onEvent(TuningEvent($0)) })
      onEvent(
        .start(
          try summary(training, trainingData, validation, validationData, model),
          notes: notes(base, drawn, blas, kernels, pool, store)
            + labelNotes(reading, training, trainingTargets, isEvaluated: validation != nil, positiveLabel)))
      switch resumption {
      case .none: if !overwritesOutputFolder { try trainer.requireOwnFolder() }
      case .newest: try trainer.restoreNewest()
      case .checkpoint(let path): try trainer.restore(path)
      }
      if forecasts {
        let forecast = try trainer.forecast()
        onEvent(.forecast(peakBytes: forecast.peakBytes, seconds: forecast.seconds))
      }
      let outcome = try trainer.run()
      var examples: [ExampleResult] = []
      var evaluation: EvaluationReport?
      if !outcome.wasStopped {
        try engine.writeModel(
          into: outputFolder, configuration: model.configuration, files: files, base: base.path)
        var state = try AtomicFile(path: outputFolder + "/trainer_state.json")
        try state.write(trainer.trainerState.text(indent: 2, sortedKeys: true) + "\n")
        try state.commit()
        let unknownTokens = tokenizer.unknownTokens
        let report = try trainer.evaluate { index, logits in
          let example = validationData.examples[index]
          examples.append(
            ExampleResult(
              logits: Array(logits), target: example.target, tokens: example.ids.count,
              unknownTokens: unknownTokens?.count(in: example.ids[...]) ?? 0,
              isUnknown: unknownTokens?.areAll(of: example.ids[...]) ?? false))
        }
        evaluation = validationData.examples.isEmpty ? nil : report
      }
      return TuningResult(
        steps: outcome.steps, trainLoss: outcome.trainLoss, metrics: outcome.evaluation?.figures ?? [],
        labels: model.task.labels, wasStopped: outcome.wasStopped, outcome: outcome, evaluation: evaluation,
        examples: examples, validation: validation)
    }
  }

  /// What the labels mean: those of the base when it has a head, else those of the training data.
  private func labelReading(
    _ base: PretrainedModel, _ pretrained: Model, _ training: TuningData, _ validation: TuningData?
  ) throws -> LabelReading {
    let kind = try problemType.map { try ClassificationTask.Kind(named: $0, option: "problem-type") }
    let options = LabelOptions(kind: kind, map: try LabelMap(parsing: labelMap))
    let sets = [training.dataset] + (validation.map { [$0.dataset] } ?? [])
    guard try keepsHead(of: base, pretrained) else {
      return try readingLabels(of: sets) { try LabelReading(discovering: training.dataset, options) }
    }
    return try namingNewHead(base, pretrained) { try readingLabels(of: sets) { try LabelReading(pretrained.task, of: sets, options) } }
  }

  /// Whether the labels are those of the base's output layer.
  private func keepsHead(of base: PretrainedModel, _ pretrained: Model) throws -> Bool {
    try !drawsNewHead && !startsFromScratch && base.source.hasHead(of: pretrained)
  }

  /// Says in errors about labels how a classifier is tuned for others than its own.
  private func namingNewHead<Result>(_ base: PretrainedModel, _ pretrained: Model, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch {
      guard error is LabelError || (error as? RecordsError)?.isOfLabels == true else { throw error }
      guard try keepsHead(of: base, pretrained) else { throw error }
      throw TrainingError.argument("\(error); the labels are the base's: --new-head draws a head for those of the data")
    }
  }

  /// The base's configuration as the reference library would write it for this head, and the length that texts are cut at.
  private func configuration(
    _ base: JSONValue, _ task: ClassificationTask, _ architecture: String, _ maximumLength: Int
  ) -> JSONValue {
    var object = base.object!
    object["architectures"] = [.string(architecture)]
    for (key, value) in task.configuration { object[key] = value }
    object[LengthLimit.recordKey] = .integer(Int64(maximumLength))
    if unescapesHTML { object[HTMLSetting.recordKey] = true }
    // The weights are written under the usual name.
    object["transformers_weights"] = nil
    object["dtype"] = "float32"
    object["torch_dtype"] = nil
    return .object(object)
  }

  private func notes(
    _ base: PretrainedModel, _ drawn: [String], _ blas: OpenBLAS, _ instructionSet: InstructionSet, _ pool: ThreadPool,
    _ store: ParameterStore
  ) -> [String] {
    let trained = store.parameters.indices.filter { store.isTrained[$0] }.reduce(0) { $0 + store.parameters[$1].count }
    var notes = ["base \(base.path): \(store.count) parameters" + (trained < store.count ? ", \(trained) of them trained" : "")]
    if let format = base.source.quantization, !startsFromScratch {
      notes.append("the base is \(format): training starts from its dequantised weights")
    }
    if startsFromScratch {
      notes.append("from scratch: all weights are newly drawn")
    } else if !drawn.isEmpty {
      notes.append("newly drawn: \(drawn.excerpts(8))")
    }
    notes.append("\(pool.threadCount) threads, kernels \(instructionSet.rawValue), OpenBLAS \(blas.coreName)")
    if let forced = blas.forcedCoreName {
      notes.append("OPENBLAS_CORETYPE=\(forced) forces these kernels; without it OpenBLAS chooses the fastest for this processor")
    }
    return notes
  }

  private func summary(
    _ training: TuningData, _ trainingData: TokenizedData, _ validation: TuningData?, _ validationData: TokenizedData,
    _ model: Model
  ) throws -> DataSummary {
    let (trainingCounts, validationCounts) = (
      model.task.counts(of: trainingData.examples.lazy.map(\.target)), model.task.counts(of: validationData.examples.lazy.map(\.target))
    )
    let duplicates = try validation.map { validation in
      var near = try NearDuplicates(training.dataset)
      return near.count(in: validation.dataset)
    }
    let leftOut = ([training] + (validation.map { [$0] } ?? [])).map(\.dataset.badRows).filter { $0.count > 0 }
    return DataSummary(
      trainingCount: training.count, validationCount: validation?.count ?? 0, trainingTokens: trainingData.tokens,
      truncatedCount: trainingData.truncated, emptyCount: trainingData.empty,
      unknownCount: trainingData.unknown + validationData.unknown, markedCount: trainingData.marked + validationData.marked,
      leftOutCount: leftOut.reduce(0) { $0 + $1.count }, leftOut: leftOut.map { "left out: \($0)" }, duplicateCount: duplicates ?? 0,
      labelCounts: model.task.kind != .singleLabel
        ? [] : model.task.labels.indices.map { (model.task.labels[$0], trainingCounts[$0], validationCounts[$0]) })
  }
}

extension TuningEvent {
  init(_ event: TrainingEvent) {
    switch event {
    case .step(let done, let total, let epoch, let loss, let learningRate, let tokens):
      self = .step(done: done, total: total, epoch: epoch, loss: loss, learningRate: learningRate, tokens: tokens)
    case .log(let entry):
      self = .log(
        step: entry["step"]?.int ?? 0, epoch: entry["epoch"]?.double ?? 0,
        values: entry.entries.compactMap { key, value in
          key == "step" || key == "epoch" ? nil : value.double.map { (key, $0) }
        })
    case .checkpoint(let path): self = .checkpoint(path: path)
    case .warning(let text): self = .warning(text)
    }
  }
}
