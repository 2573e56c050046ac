import JSON
import Storage

/// Writes `model.safetensors`, `config.json` and the carried files into a folder that exists, such as the temporary
/// folder of a checkpoint that more files go into.
///
/// - Parameters:
///   - configuration: written as transformers does: keys sorted, two spaces of indent, a newline at the end.
///   - files: one named like the configuration or the weights is left out, those are written anew.
package func writeCheckpointFiles(
  into folder: String, configuration: JSONValue, tensors: [OutputTensor], files: [CarriedFile]
) throws(CheckpointError) {
  try writeSafetensors(tensors, to: folder + "/" + FileName.weights)
  let text = configuration.text(indent: 2, sortedKeys: true) + "\n"
  try writeFile(Array(text.utf8), to: folder + "/" + FileName.configuration)
  for file in files where file.name != FileName.configuration && file.name != FileName.weights {
    try writeFile(file.bytes, to: folder + "/" + file.name)
  }
}

/// Writes a checkpoint folder that appears under its name whole, or not at all; an existing one is replaced.
package func writeCheckpointFolder(
  _ path: String, configuration: JSONValue, tensors: [OutputTensor], files: [CarriedFile]
) throws(CheckpointError) {
  let folder = try refusing(path) { () throws(FileError) -> AtomicFolder in try AtomicFolder(path: path) }
  try writeCheckpointFiles(
    into: folder.temporaryPath, configuration: configuration, tensors: tensors, files: files)
  do throws(FileError) { try folder.commit() } catch { throw CheckpointError(path: path, fault: .file(error)) }
}

private func writeFile(_ bytes: [UInt8], to path: String) throws(CheckpointError) {
  try refusing(path) { () throws(FileError) in
    var file = try AtomicFile(path: path)
    try file.write(bytes)
    try file.commit()
  }
}
