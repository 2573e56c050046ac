import Bundles
import JSON
import Storage

/// What makes a model's scores say how often they are right: the logits are divided by a temperature that was fitted on validation
/// data (Guo et al. 2017). It changes no label: of one text all logits are divided alike.
package struct Calibration: Sendable, Equatable {
  package let temperature: Double

  /// - Throws: `ModelError` when the bundle has none, or one that cannot be.
  package init(_ bundle: Bundle) throws {
    guard bundle.entry(.calibration) != nil else {
      throw ModelError(.noCalibration, "\(bundle.path): no calibration in it: pack it with --validation DATA")
    }
    let document = try JSONValue(parsing: Array(bundle.text(.calibration).utf8))
    guard let temperature = document["temperature"]?.double, Self.range.contains(temperature) else {
      throw ModelError(
        .file,
        "\(bundle.path): section calibration: expected a temperature from \(Self.range.lowerBound) to \(Self.range.upperBound), "
          + "found \((document["temperature"]?.description ?? "none").excerpt)")
    }
    self.temperature = temperature
  }

  /// What a fit may find, with room for its last digit.
  private static let range = 0.04...21.0
}
