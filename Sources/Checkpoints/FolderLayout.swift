import JSON
import Storage

/// Where `config.json` is when it is not in the folder that was named: the layouts in which models lie on people's disks.
enum FolderLayout {
  /// The folder of `config.json`, or that of an adapter's configuration.
  static func resolve(_ path: String) throws(CheckpointError) -> String {
    guard isDirectory(path) else {
      guard fileExists(path) else {
        throw CheckpointError(path: path, fault: .file(.missing(path)))
      }
      throw CheckpointError(path: path, fault: .notAFolder)
    }
    var folder = path
    // A repository of the cache may hold a folder of sentence-transformers.
    if try !holdsModel(folder), let next = try snapshot(folder) { folder = next }
    if try !holdsModel(folder), let next = try transformerModule(folder) { folder = next }
    if try holdsModel(folder) { return folder }
    let below = try subfolders(of: folder).filter { regularFileSize(folder + "/" + $0 + "/" + FileName.configuration) != nil }
    throw CheckpointError(
      path: path, fault: below.isEmpty ? .missingFile(lookedFor: [FileName.configuration]) : .configurationBelow(below))
  }

  private static func holdsModel(_ folder: String) throws(CheckpointError) -> Bool {
    if try isThere(folder + "/" + FileName.configuration) { return true }
    return try isThere(folder + "/" + AdapterFile.configuration)
  }

  private static func subfolders(of folder: String) throws(CheckpointError) -> [String] {
    try refusing(folder) { () throws(FileError) in try listDirectory(folder) }.filter { isDirectory(folder + "/" + $0) }
  }

  /// The cache of huggingface_hub, by its rules.
  static var cache: String? {
    let variable = Environment.value(of:)
    return variable("HF_HUB_CACHE") ?? variable("HF_HOME").map { $0 + "/hub" } ?? variable("XDG_CACHE_HOME").map { $0 + "/huggingface/hub" }
      ?? variable("HOME").map { $0 + "/.cache/huggingface/hub" }
  }

  /// Of `models--ORG--NAME` in the cache of huggingface_hub: the snapshot that `refs/main` names, or the only one.
  private static func snapshot(_ folder: String) throws(CheckpointError) -> String? {
    let snapshots = folder + "/snapshots"
    guard isDirectory(snapshots) else { return nil }
    let reference = folder + "/refs/main"
    guard fileExists(reference) else {
      let names = try subfolders(of: snapshots)
      guard names.count == 1 else {
        throw CheckpointError(
          path: snapshots,
          fault: .value(place: "snapshots", expected: "one, or one that refs/main names", found: names.isEmpty ? "none" : names.joined(separator: ", ")))
      }
      return snapshots + "/" + names[0]
    }
    let bytes = try refusing(reference) { () throws(FileError) in try readFile(reference, limit: 4096) }
    let name = String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self)
    guard isPlainName(name), isDirectory(snapshots + "/" + name) else {
      throw CheckpointError(
        path: reference, fault: .value(place: "snapshot", expected: "a folder in \(snapshots)", found: "\(name): download the model again"))
    }
    return snapshots + "/" + name
  }

  /// Of a folder of sentence-transformers: that of its first module, which is the encoder.
  private static func transformerModule(_ folder: String) throws(CheckpointError) -> String? {
    let file = folder + "/modules.json"
    guard try isThere(file) else { return isDirectory(folder + "/0_Transformer") ? folder + "/0_Transformer" : nil }
    guard let first = try readJSON(file).array?.first, let path = first["path"]?.string,
      first["type"]?.string?.hasSuffix("Transformer") == true, path.isEmpty || isPlainName(path)
    else {
      throw CheckpointError(
        path: file, fault: .value(place: "first module", expected: "a Transformer with the name of its folder", found: "another"))
    }
    return path.isEmpty ? folder : folder + "/" + path
  }

  /// Whether it names something in the folder itself.
  private static func isPlainName(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && !name.utf8.contains(UInt8(ascii: "/"))
  }
}
