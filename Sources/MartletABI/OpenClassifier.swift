import CMartlet
import Martlet
import Synchronization
import Tasks

/// A classifier and its names as C strings.
final class OpenClassifier: @unchecked Sendable {
  let classifier: Classifier
  /// NUL-terminated and never changed.
  let labels: [UnsafePointer<CChar>]
  let instructionSet: UnsafePointer<CChar>
  /// The longest text in bytes; the one thing of a handle that may change.
  let maximumTextBytes = Atomic<Int>(Classifier.defaultMaximumTextBytes)

  init(_ classifier: Classifier) {
    self.classifier = classifier
    labels = classifier.labels.map(cString)
    instructionSet = cString(classifier.instructionSet)
  }

  deinit {
    for label in labels { label.deallocate() }
    instructionSet.deallocate()
  }

  var task: martlet_task {
    switch classifier.model.task.kind {
    case .singleLabel: MARTLET_SINGLE_LABEL
    case .multiLabel: MARTLET_MULTI_LABEL
    case .regression: MARTLET_REGRESSION
    }
  }
}

private func cString(_ text: String) -> UnsafePointer<CChar> {
  let bytes = text.utf8CString
  let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count)
  _ = copy.initialize(from: bytes)
  return UnsafePointer(copy.baseAddress!)
}
