import JSON
import Storage

/// The names that the PEFT library gives an adapter's files and tensors.
package enum AdapterFile {
  package static let configuration = "adapter_config.json"
  package static let weights = "adapter_model.safetensors"
  static let pickledWeights = "adapter_model.bin"
  /// What its tensors' names start with.
  package static let prefix = "base_model.model."
}

/// A LoRA adapter as the PEFT library saves it: what it changes of the model that it was made for, which lies elsewhere.
struct Adapter: Sendable {
  let folder: String
  private let baseName: String
  private let settings: JSONValue
  private let weights: AdapterWeights

  /// Nil for a folder that is none.
  ///
  /// One with a model of its own beside the adapter is one if PEFT wrote it: the reference library puts the adapter on that model.
  /// Folders of earlier versions of Martlet hold the merged model beside its adapter, whose configuration lacks what PEFT always
  /// writes; they are whole as they are.
  init?(folder: String) throws(CheckpointError) {
    let file = folder + "/" + AdapterFile.configuration
    guard try isThere(file) else { return nil }
    settings = try readJSON(file)
    let hasWeights = try CheckpointWeights.exist(in: folder)
    let hasModel = hasWeights && fileExists(folder + "/" + FileName.configuration)
    if hasModel, settings["auto_mapping"] == nil { return nil }
    self.folder = folder
    baseName = hasModel ? folder : settings["base_model_name_or_path"]?.string ?? ""
    do throws(CheckpointError.Fault) { try Self.check(settings) } catch { throw CheckpointError(path: file, fault: error) }
    weights = try AdapterWeights(folder: folder, scaling: AdapterScaling(settings, path: file))
  }

  func openWeights() -> AdapterWeights { weights }

  /// The folder of the model that the adapter was made for: the one that is given, or that of the name, or what the cache of
  /// huggingface_hub has under the name.
  func baseFolder(_ given: String?) throws(CheckpointError) -> String {
    if let given { return given }
    let cached = FolderLayout.cache.map { $0 + "/models--" + baseName.split(separator: "/").joined(separator: "--") }
    guard !baseName.isEmpty, let path = [baseName, cached].lazy.compactMap({ $0 }).first(where: isDirectory) else {
      throw CheckpointError(path: folder + "/" + AdapterFile.configuration, fault: .adapterWithoutBase(baseName))
    }
    return path
  }

  /// The configuration of the base; with as many labels as the head that the adapter brings, whose names nobody says if the base
  /// has another number.
  func configuration(of base: JSONValue) -> JSONValue {
    guard var object = base.object, let rows = weights.labelCount else { return base }
    let labels = base["id2label"]?.object?.entries.count ?? base["num_labels"]?.int ?? 2
    guard labels != rows else { return base }
    object["id2label"] = .object(JSONObject((0..<rows).map { ("\($0)", .string("LABEL_\($0)")) }))
    object["label2id"] = nil
    object["num_labels"] = nil
    return .object(object)
  }

  /// Refuses what merging does not do.
  private static func check(_ settings: JSONValue) throws(CheckpointError.Fault) {
    let type = settings["peft_type"]?.string ?? "none"
    guard type == "LORA" else { throw .unsupportedAdapter(setting: "peft_type", found: type) }
    for key in unsupported {
      switch settings[key] {
      case nil, .null?, .bool(false)?: continue
      case .object(let object)? where object.count == 0: continue
      case .array(let array)? where array.isEmpty: continue
      case let value?: throw .unsupportedAdapter(setting: key, found: value.text())
      }
    }
    // Some ways to draw new adapters change the base's weights.
    switch settings["init_lora_weights"] {
    case nil, .null?, .bool?, .string("gaussian")?: break
    case let value?: throw .unsupportedAdapter(setting: "init_lora_weights", found: value.text())
    }
  }

  /// Settings that make more of an adapter than a product added to a weight.
  private static let unsupported = [
    "use_dora", "use_qalora", "use_bdlora", "lora_bias", "trainable_token_indices", "target_parameters", "layer_replication",
    "alora_invocation_tokens", "arrow_config", "kasa_config", "monteclora_config", "velora_config", "megatron_config", "loftq_config",
    "eva_config", "corda_config", "lora_ga_config",
  ]
}

/// What the products are scaled by: alpha over the rank, or over its root.
struct AdapterScaling {
  private let alpha: Double
  private let alphaPattern: [(key: String, alpha: Double)]
  private let usesRoot: Bool

  init(_ settings: JSONValue, path: String) throws(CheckpointError) {
    func number(_ value: JSONValue?, _ place: String) throws(CheckpointError) -> Double {
      guard let number = value?.double, number.isFinite else {
        throw CheckpointError(path: path, fault: .value(place: place, expected: "a number", found: value?.text() ?? "none"))
      }
      return number
    }
    alpha = try settings["lora_alpha"].map { (value) throws(CheckpointError) in try number(value, "lora_alpha") } ?? 8
    usesRoot = settings["use_rslora"]?.bool ?? false
    var pattern: [(key: String, alpha: Double)] = []
    for (key, value) in settings["alpha_pattern"]?.object?.entries ?? [] {
      // PEFT takes keys for regular expressions; names are all that is met.
      guard key.utf8.allSatisfy({ $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") || isAlphanumeric($0) }) else {
        throw CheckpointError(path: path, fault: .unsupportedAdapter(setting: "alpha_pattern", found: key))
      }
      pattern.append((key, try number(value, "alpha_pattern, \(key)")))
    }
    alphaPattern = pattern
  }

  func factor(module: String, rank: Int) -> Float {
    let alpha = alphaPattern.first { module == $0.key || module.hasSuffix("." + $0.key) }?.alpha ?? alpha
    return Float(alpha / (usesRoot ? Double(rank).squareRoot() : Double(rank)))
  }
}

private func isAlphanumeric(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) }
