/// What a pickle of tensors may hold. Containers are numbers into the reader's list of them, so that a deep or circular pickle
/// is as flat as any other.
enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  case real(Double)
  case text(String)
  case container(Int)
  case global(PickleGlobal)
  case storage(PickledStorage)
  /// A number into the reader's list of tensors.
  case tensor(Int)
}

struct PickleContainer {
  enum Kind { case tuple, list, dictionary }
  let kind: Kind
  /// Of a dictionary keys and values by turns.
  var elements: [PickleValue] = []
}

/// The names that a pickle may import: those that make tensors, and none that do anything else.
enum PickleGlobal: Equatable {
  case orderedDictionary
  case rebuildTensor
  case rebuildParameter
  case storageType(ElementType)

  init?(module: String, name: String) {
    switch (module, name) {
    case ("collections", "OrderedDict"): self = .orderedDictionary
    case ("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
    case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
    case ("torch", _):
      guard let type = Self.storageTypes[name] else { return nil }
      self = .storageType(type)
    default: return nil
    }
  }

  private static let storageTypes: [String: ElementType] = [
    "DoubleStorage": .float64, "FloatStorage": .float32, "HalfStorage": .float16, "BFloat16Storage": .bfloat16,
    "LongStorage": .int64, "IntStorage": .int32, "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8,
    "BoolStorage": .bool,
  ]
}

/// Consecutive elements in the file, under that key.
struct PickledStorage: Equatable {
  let key: String
  let elementType: ElementType
  let elementCount: Int
  /// The elements that tensors may be views of.
  var view: Range<Int>
}

/// A view of a storage; all numbers count elements, and all elements lie inside the storage.
struct PickledTensor {
  let storage: PickledStorage
  /// From the storage's first element.
  let offset: Int
  let shape: [Int]
  let strides: [Int]
  let elementCount: Int
}
