import Storage

/// Weights in forms that are not read, told by the names of their files: for a message that says what to do.
struct OtherWeights {
  let found: String
  let remedy: String

  /// What stands for most forms: the libraries that read them write PyTorch's too.
  static let remedy = "load it where its library is and save it with save_pretrained"

  private static let forms: [(what: String, remedy: String, isOne: @Sendable (String) -> Bool)] = [
    (
      "TensorFlow", "convert it with transformers 4 (from_pretrained(folder, from_tf=True), save_pretrained)",
      { $0 == "tf_model.h5" || $0.hasSuffix(".h5") || $0.hasSuffix(".ckpt.index") }
    ),
    (
      "Flax", "convert it with transformers 4 (from_pretrained(folder, from_flax=True), save_pretrained)",
      { $0.hasSuffix(".msgpack") }
    ),
    ("ONNX", "use the folder that it was exported from", { $0.hasSuffix(".onnx") }),
    ("OpenVINO", "use the folder that it was exported from", { $0.hasPrefix("openvino_model") }),
    ("GGUF", "use the folder that it was converted from", { $0.hasSuffix(".gguf") }),
    (
      "safetensors under another name", "rename it to \(FileName.weights), or name it in config.json as transformers_weights",
      { $0.hasSuffix(".safetensors") && !$0.hasPrefix("adapter_") }
    ),
    (
      "PyTorch under another name", "if it is the model's state_dict, rename it to \(FileName.pickledWeights)",
      { $0.hasSuffix(".pt") || $0.hasSuffix(".pth") || $0.hasSuffix(".ckpt") || $0.hasSuffix(".bin") && $0.hasPrefix("pytorch") }
    ),
  ]

  /// Nil when the folder has nothing of the kind.
  init?(in folder: String) {
    let below = ((try? listDirectory(folder + "/onnx")) ?? []).map { "onnx/" + $0 }
    let names = ((try? listDirectory(folder)) ?? []) + below
    for form in Self.forms {
      guard let name = names.first(where: form.isOne) else { continue }
      found = "\(name) (\(form.what))"
      remedy = form.remedy
      return
    }
    return nil
  }
}
