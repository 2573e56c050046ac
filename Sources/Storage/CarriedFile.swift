/// A small file that goes along with a model's weights, byte for byte.
package struct CarriedFile: Sendable, Equatable {
  package let name: String
  package let bytes: [UInt8]

  package init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }
}
