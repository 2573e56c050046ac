// What the names of `PickleGlobal` do when they are called.

extension PickleReader {
  /// REDUCE: calls what lies under its arguments.
  mutating func reduce() throws(CheckpointError.Fault) {
    let arguments = try tuple(try pop(), "arguments in a tuple")
    let function = try pop()
    switch function {
    case .global(.orderedDictionary): try push(.dictionary, try pairs(arguments))
    case .global(.rebuildTensor):
      let tensor = try tensor(arguments)
      // One list of arguments may be used many times.
      try count(1 + 2 * tensor.shape.count)
      tensors.append(tensor)
      try push(.tensor(tensors.count - 1))
    case .global(.rebuildParameter):
      guard case .tensor? = arguments.first else { throw fault("a tensor as the parameter's data", "another value") }
      try push(arguments[0])
    default: throw fault("a function that builds tensors", describe(function))
    }
  }

  /// BUILD: attributes of an ordered dictionary (`_metadata`, the versions of modules), which say nothing about its tensors.
  mutating func build() throws(CheckpointError.Fault) {
    _ = try pop()
    let target = try pop()
    guard case .container(let index) = target, containers[index].kind == .dictionary else {
      throw fault("attributes of a dictionary", "attributes of \(describe(target))")
    }
    try push(target)
  }

  /// The arguments of OrderedDict: none, or a list of pairs, as Python 2 wrote it.
  private func pairs(_ arguments: [PickleValue]) throws(CheckpointError.Fault) -> [PickleValue] {
    guard let list = arguments.first else { return [] }
    guard case .container(let index) = list, containers[index].kind == .list else { throw fault("a list of pairs", describe(list)) }
    var elements: [PickleValue] = []
    for pair in containers[index].elements {
      guard case .container(let index) = pair, containers[index].kind != .dictionary, containers[index].elements.count == 2 else {
        throw fault("a pair", describe(pair))
      }
      elements += containers[index].elements
    }
    return elements
  }

  /// BINPERSID: `("storage", type, key, device, count)`, and in a sequence a sixth field: None, or `(key, offset, count)` of a view.
  mutating func storage(_ identity: PickleValue) throws(CheckpointError.Fault) -> PickledStorage {
    let fields = try tuple(identity, "a storage's identity in a tuple")
    if form == .sequence, case .text("module")? = fields.first {
      throw fault("a storage", "a whole module: what is wanted is its state_dict")
    }
    guard fields.count == (form == .archive ? 5 : 6), case .text("storage") = fields[0], case .global(.storageType(let type)) = fields[1],
      case .text(let key) = fields[2], case .text = fields[3], case .integer(let count) = fields[4], count >= 0
    else { throw fault("a storage's identity of \"storage\", type, key, device and count", "another") }
    var storage = PickledStorage(key: key, elementType: type, elementCount: count, view: 0..<count)
    if let known = storages[key] {
      guard known.elementType == type, known.elementCount == count else {
        throw fault("one type and size of storage \(key)", "two")
      }
    } else {
      try self.count(1)
      storages[key] = storage
    }
    if form == .sequence { storage.view = try view(fields[5], of: count) }
    return storage
  }

  private func view(_ value: PickleValue, of count: Int) throws(CheckpointError.Fault) -> Range<Int> {
    if case .none = value { return 0..<count }
    let fields = try tuple(value, "a view's key, offset and count in a tuple")
    guard fields.count == 3, case .text = fields[0], case .integer(let offset) = fields[1], case .integer(let size) = fields[2],
      offset >= 0, size >= 0, offset <= count, size <= count - offset
    else { throw fault("a view inside its storage of \(count) elements", "another") }
    return offset..<offset + size
  }

  /// `_rebuild_tensor_v2(storage, offset, shape, strides, …)`: a view that must lie inside its storage.
  ///
  /// It may have more elements than its storage, as `expand` makes it: what it takes in memory is for the reader of its values
  /// to bound, by the shape that is expected.
  private func tensor(_ arguments: [PickleValue]) throws(CheckpointError.Fault) -> PickledTensor {
    guard arguments.count >= 4, case .storage(let storage) = arguments[0], case .integer(let offset) = arguments[1], offset >= 0 else {
      throw fault("a tensor's storage, offset, shape and strides", "other arguments")
    }
    let shape = try sizes(arguments[2], "shape")
    let strides = try sizes(arguments[3], "strides")
    guard shape.count == strides.count else { throw fault("a stride for each of \(shape.count) dimensions", "\(strides.count)") }
    func failure() -> CheckpointError.Fault {
      fault("a view of \(storage.view.count) elements", "shape \(shape), strides \(strides) from \(offset)")
    }
    var count = 1
    var last = offset
    for (size, stride) in zip(shape, strides) {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      let (distance, beyond) = stride.multipliedReportingOverflow(by: max(size, 1) - 1)
      let (end, outside) = last.addingReportingOverflow(distance)
      guard !overflow, !beyond, !outside else { throw failure() }
      (count, last) = (product, end)
    }
    guard count == 0 ? offset <= storage.view.count : last < storage.view.count else { throw failure() }
    return PickledTensor(
      storage: storage, offset: storage.view.lowerBound + offset, shape: shape, strides: strides, elementCount: count)
  }

  private func sizes(_ value: PickleValue, _ what: String) throws(CheckpointError.Fault) -> [Int] {
    let values = try tuple(value, "a tensor's \(what) in a tuple")
    guard values.count <= 64 else { throw fault("at most 64 dimensions", "\(values.count)") }
    var sizes: [Int] = []
    for value in values {
      guard case .integer(let size) = value, size >= 0 else { throw fault("a tensor's \(what)", describe(value)) }
      sizes.append(size)
    }
    return sizes
  }
}
