import Storage

/// The tensors of an adapter, by the names of the parameters that they change.
struct AdapterWeights: Sendable {
  /// Whole parameters in the place of the base's: heads (`modules_to_save`) and biases.
  private(set) var replacements: [String: Tensor] = [:]
  /// Products that are added to weights.
  private(set) var updates: [String: LowRankUpdate] = [:]
  let path: String

  init(folder: String, scaling: AdapterScaling) throws(CheckpointError) {
    let safe = folder + "/" + AdapterFile.weights
    let isSafe = try isThere(safe)
    path = isSafe ? safe : folder + "/" + AdapterFile.pickledWeights
    guard try isThere(path) else {
      throw CheckpointError(path: folder, fault: .missingFile(lookedFor: [AdapterFile.weights, AdapterFile.pickledWeights]))
    }
    let file: any TensorFile = isSafe ? try SafetensorsFile(path: path) : try PyTorchFile(path: path)
    do throws(CheckpointError.Fault) { try sort(file.tensors, scaling) } catch { throw CheckpointError(path: path, fault: error) }
  }

  /// The outputs of the head that the adapter brings.
  var labelCount: Int? {
    ["classifier.weight", "classifier.out_proj.weight", "score.weight"].lazy.compactMap { replacements[$0]?.shape.first }.first
  }

  private mutating func sort(_ tensors: [Tensor], _ scaling: AdapterScaling) throws(CheckpointError.Fault) {
    var halves: [String: (down: Tensor?, up: Tensor?, isTable: Bool)] = [:]
    for tensor in tensors {
      guard tensor.name.hasPrefix(AdapterFile.prefix) else {
        throw .value(place: "tensor \(tensor.name)", expected: "a name that starts with \(AdapterFile.prefix)", found: "another")
      }
      // `default` is the name of the adapter, which newer versions of PEFT leave out.
      let parts = tensor.name.dropFirst(AdapterFile.prefix.count).split(separator: ".").filter { $0 != "base_layer" && $0 != "default" }
      if parts.contains("original_module") { continue }
      if let kind = parts.firstIndex(where: { $0.hasPrefix("lora_") }) {
        let module = parts[..<kind].joined(separator: ".")
        switch (parts[kind], parts[(kind + 1)...].joined()) {
        case ("lora_A", "weight"): halves[module, default: (nil, nil, false)].down = tensor
        case ("lora_B", "weight"): halves[module, default: (nil, nil, false)].up = tensor
        case ("lora_embedding_A", ""): halves[module, default: (nil, nil, true)].down = tensor
        case ("lora_embedding_B", ""): halves[module, default: (nil, nil, true)].up = tensor
        default: throw .unsupportedAdapter(setting: "tensor", found: tensor.name)
        }
        continue
      }
      let name = parts.filter { $0 != "modules_to_save" }.joined(separator: ".")
      // With biases PEFT saves a trained head's under both names.
      if parts.contains("modules_to_save"), replacements[name] != nil { continue }
      replacements[name] = tensor
    }
    for (module, half) in halves {
      guard let down = half.down, let up = half.up else {
        throw .missingTensor(lookedFor: [AdapterFile.prefix + module + (half.down == nil ? ".lora_A" : ".lora_B")])
      }
      updates[module + ".weight"] = try LowRankUpdate(down: down, up: up, isTable: half.isTable) { scaling.factor(module: module, rank: $0) }
    }
  }
}

/// What an adapter adds to a weight: up [rows, rank] times down [rank, columns], scaled; of a table the transpose of that.
package struct LowRankUpdate: Sendable {
  let down: Tensor
  let up: Tensor
  let isTable: Bool
  let scale: Float
  /// Of the weight.
  package var shape: [Int] { isTable ? [down.shape[1], up.shape[0]] : [up.shape[0], down.shape[1]] }

  init(down: Tensor, up: Tensor, isTable: Bool, scale: (Int) -> Float) throws(CheckpointError.Fault) {
    // The bound is on what an expanded tensor takes in memory, together with the shape of the weight.
    guard down.shape.count == 2, up.shape.count == 2, up.shape[1] == down.shape[0], (1...4096).contains(down.shape[0]) else {
      throw .shape(tensor: up.name, expected: [up.shape.first ?? 0, down.shape.first ?? 0], found: up.shape)
    }
    self.down = down
    self.up = up
    self.isTable = isTable
    self.scale = scale(down.shape[0])
  }

  /// Adds the product to the weight's values [rows, columns], in float32 as PEFT merges.
  package func add(to values: UnsafeMutableBufferPointer<Float>) throws(CheckpointError) {
    let (down, up) = (try down.readFloat32(), try up.readFloat32())
    let (rows, columns, rank) = (shape[0], shape[1], self.down.shape[0])
    var product = [Float](repeating: 0, count: columns)
    for row in 0..<rows {
      for column in 0..<columns { product[column] = 0 }
      for inner in 0..<rank {
        let factor = isTable ? down[inner * rows + row] : up[row * rank + inner]
        if isTable {
          for column in 0..<columns { product[column] += factor * up[column * rank + inner] }
        } else {
          for column in 0..<columns { product[column] += factor * down[inner * columns + column] }
        }
      }
      for column in 0..<columns { values[row * columns + column] += product[column] * scale }
    }
  }
}
