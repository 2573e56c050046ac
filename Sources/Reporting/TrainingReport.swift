import Tasks

/// What there is to tell of a fine-tuning run. What is empty or nil is left out of the page.
package struct TrainingReport: Sendable {
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

  /// How many records have a label.
  package struct LabelCount: Sendable, Equatable {
    package var label: String
    package var training: Int
    package var validation: Int
    package init(label: String, training: Int, validation: Int) {
      (self.label, self.training, self.validation) = (label, training, validation)
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
  package var section = EvaluationSection()
  package var labelBalance: [LabelCount] = []
  package var configuration: [Fact] = []
  package var environment: [Fact] = []

  package init(title: String, subtitle: String) {
    self.title = title
    self.subtitle = subtitle
  }
}
