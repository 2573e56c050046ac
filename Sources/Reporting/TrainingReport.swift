import Tasks

/// What there is to tell of a fine-tuning run. What is empty or nil is left out of the page.
package struct TrainingReport: Sendable {
  /// A name and a value, as text.
  package struct Fact: Sendable, Equatable {
    package var name: String
    package var value: String
    package init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
  }

  /// One line of the training log.
  package struct LogPoint: Sendable, Equatable {
    package var step: Int
    package var epoch: Double
    /// Mean loss of the steps since the last point.
    package var loss: Double
    package var learningRate: Double
    /// Before clipping.
    package var gradientNorm: Double?
    package init(step: Int, epoch: Double, loss: Double, learningRate: Double, gradientNorm: Double? = nil) {
      (self.step, self.epoch, self.loss) = (step, epoch, loss)
      (self.learningRate, self.gradientNorm) = (learningRate, gradientNorm)
    }
  }

  /// One evaluation on the validation data.
  package struct Evaluation: Sendable {
    package var step: Int
    package var epoch: Double
    package var loss: Double?
    /// Shares of one, the most important first: accuracy, F1, …
    package var metrics: [(name: String, value: Double)]
    package init(step: Int, epoch: Double, loss: Double? = nil, metrics: [(name: String, value: Double)]) {
      (self.step, self.epoch, self.loss, self.metrics) = (step, epoch, loss, metrics)
    }
  }

  /// A text that the model got wrong.
  package struct Mistake: Sendable, Equatable {
    package var text: String
    package var truth: String
    package var prediction: String
    package var confidence: Double
    package init(text: String, truth: String, prediction: String, confidence: Double) {
      (self.text, self.truth, self.prediction, self.confidence) = (text, truth, prediction, confidence)
    }
  }

  /// How many records have a label.
  package struct LabelCount: Sendable, Equatable {
    package var label: String
    package var training: Int
    package var validation: Int
    package init(label: String, training: Int, validation: Int) {
      (self.label, self.training, self.validation) = (label, training, validation)
    }
  }

  /// A part of the validation data, such as the texts of some length.
  package struct Slice: Sendable, Equatable {
    package var title: String
    package var count: Int
    package var accuracy: Double
    package init(title: String, count: Int, accuracy: Double) {
      (self.title, self.count, self.accuracy) = (title, count, accuracy)
    }
  }

  package var title: String
  /// Base model, data, day: one line under the title.
  package var subtitle: String
  /// The numbers on top of the page; made from the evaluations when there are none.
  package var headline: [Fact] = []
  package var log: [LogPoint] = []
  package var evaluations: [Evaluation] = []
  package var labels: [String] = []
  /// What the finished model does on the validation data.
  package var evaluation: EvaluationReport?
  package var calibration: CalibrationBins?
  package var labelBalance: [LabelCount] = []
  /// By length of the text, the shortest first.
  package var lengthSlices: [Slice] = []
  package var mistakes: [Mistake] = []
  package var configuration: [Fact] = []
  package var environment: [Fact] = []

  package init(title: String, subtitle: String) {
    self.title = title
    self.subtitle = subtitle
  }
}
