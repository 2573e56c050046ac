import Encoders
import Inference
import Storage
import TestSupport
import Testing
import WeightFormats

/// A provider that lies about the size of one handle.
private final class Tampered: WeightProvider {
  private let provider: PackedWeights
  private let name: String
  private let extraBytes: Int?

  /// - Parameter extraBytes: how many more (or fewer) the handle of that name gives; nil for none at all.
  init(_ provider: PackedWeights, _ name: String, extraBytes: Int?) {
    (self.provider, self.name, self.extraBytes) = (provider, name, extraBytes)
  }

  func matrix(_ linear: Linear) -> (format: WeightFormat, bytes: UnsafeRawBufferPointer) {
    let (format, bytes) = provider.matrix(linear)
    return (format, resized(bytes, linear.name))
  }

  func table(_ table: Table) -> (format: WeightFormat, bytes: UnsafeRawBufferPointer, changes: TableChanges?) {
    let (format, bytes, changes) = provider.table(table)
    return (format, resized(bytes, table.name), changes)
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

@Suite struct WeightTests {
  /// Every handle of the model, with no bytes, and with a few too many or too few.
  @Test(arguments: WeightFormat.allCases) func sizesAreChecked(format: WeightFormat) throws {
    let fixture = try Fixture("tiny-bert", format)
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
}
