import Encoders
import Inference
import Storage
import TestSupport
import Testing

/// A provider that lies about the size of one handle.
private final class Tampered: WeightProvider {
  private let provider: PackedWeights
  private let name: String
  private let extraBytes: Int?

  /// - Parameter extraBytes: how many more (or fewer) the handle of that name gives; nil for none at all.
  init(_ provider: PackedWeights, _ name: String, extraBytes: Int?) {
    (self.provider, self.name, self.extraBytes) = (provider, name, extraBytes)
  }

  func matrix(_ linear: Linear) -> (form: MatrixForm, bytes: UnsafeRawBufferPointer) {
    let (form, bytes) = provider.matrix(linear)
    return (form, resized(bytes, linear.name))
  }

  func table(_ table: Table) -> (form: TableForm, bytes: UnsafeRawBufferPointer) {
    let (form, bytes) = provider.table(table)
    return (form, resized(bytes, table.name))
  }

  func normalization(_ normalization: Normalization) -> UnsafeRawBufferPointer {
    resized(provider.normalization(normalization), normalization.name)
  }

  private func resized(_ bytes: UnsafeRawBufferPointer, _ name: String) -> UnsafeRawBufferPointer {
    guard name == self.name else { return bytes }
    guard let extraBytes else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(start: bytes.baseAddress, count: bytes.count + extraBytes)
  }
}

/// A provider that takes one layer from another.
private final class Mixed: WeightProvider {
  private let provider, other: PackedWeights
  private let name: String

  init(_ provider: PackedWeights, _ name: String, from other: PackedWeights) {
    (self.provider, self.name, self.other) = (provider, name, other)
  }

  func matrix(_ linear: Linear) -> (form: MatrixForm, bytes: UnsafeRawBufferPointer) {
    (linear.name == name ? other : provider).matrix(linear)
  }
  func table(_ table: Table) -> (form: TableForm, bytes: UnsafeRawBufferPointer) { provider.table(table) }
  func normalization(_ normalization: Normalization) -> UnsafeRawBufferPointer {
    provider.normalization(normalization)
  }
}

@Suite struct WeightTests {
  /// Every handle of the model, with no bytes, and with a few too many or too few.
  @Test(arguments: [false, true]) func sizesAreChecked(isInt8: Bool) throws {
    let fixture = try Fixture("tiny-bert", isInt8: isInt8)
    let blueprint = fixture.model.blueprint
    let names = blueprint.linears.map(\.name) + blueprint.tables.map(\.name) + blueprint.normalizations.map(\.name)
    #expect(names.count == 10 + 3 + 5)
    for name in names {
      #expect(throws: Never.self) { try ModelWeights(blueprint, from: Tampered(fixture.provider, name, extraBytes: 0)) }
      for extraBytes in [nil, -1, 1, -64, 64] {
        let error = try #require(throws: WeightSizeError.self, "\(name) \(String(describing: extraBytes))") {
          try ModelWeights(blueprint, from: Tampered(fixture.provider, name, extraBytes: extraBytes))
        }
        #expect(error.name == name)
        #expect(error.found == extraBytes.map { error.expected + $0 } ?? 0)
        #expect(error.description == "weights of \(name): expected \(error.expected) bytes, found \(error.found)")
      }
    }
  }

  /// One layer of the encoder in another form than the rest: the size is right, the operand would not be.
  @Test func formsAreChecked() throws {
    let int8 = try Fixture("tiny-bert", isInt8: true)
    let float32 = try Fixture("tiny-bert", isInt8: false)
    for (fixture, other, expected, found) in [
      (int8, float32, MatrixForm.int8Panels, MatrixForm.float32Panels),
      (float32, int8, .float32Panels, .int8Panels),
    ] {
      for linear in fixture.model.blueprint.linears {
        let mixed = Mixed(fixture.provider, linear.name, from: other.provider)
        if linear.isHead {
          #expect(throws: Never.self) { try ModelWeights(fixture.model.blueprint, from: mixed) }
        } else {
          let error = try #require(throws: WeightFormError.self) {
            try ModelWeights(fixture.model.blueprint, from: mixed)
          }
          // The first layer sets the form: when it is the odd one, the second is the one that differs.
          #expect(linear.index == 0 || error == WeightFormError(name: linear.name, expected: expected, found: found))
        }
      }
    }
  }
}
