import Storage

/// Why a Hugging Face folder is not a model.
package enum ModelFolderError: Error, CustomStringConvertible, Sendable, Equatable {
  case shape(name: String, expected: [Int], found: [Int])
  /// - Parameters:
  ///   - count: of all parameters.
  ///   - unused: tensors of the folder that are none of them.
  ///   - architecture: the class that the folder was saved from, if it is another than expected.
  case missingParameters(path: String, names: [String], count: Int, unused: [String], architecture: String?)
  /// A base for fine-tuning that lacks most of its encoder; names as above.
  case missingEncoder(path: String, names: [String], count: Int, unused: [String])
  case noTokenizer(path: String)

  package var description: String {
    switch self {
    case .shape(let name, let expected, let found):
      "tensor \(name.excerpt): expected shape \(expected) by config.json, found \(found)"
    case .missingParameters(let path, let names, let count, let unused, let architecture):
      missing(path, names, count, unused) + (architecture.map { "; the folder was saved from \($0.excerpt)" } ?? "")
    case .missingEncoder(let path, let names, let count, let unused):
      missing(path, names, count, unused) + ": training would start from random weights, which is what --from-scratch is for"
    case .noTokenizer(let path): "\(path): no tokenizer: expected tokenizer.json, vocab.txt, vocab.json with merges.txt, or a SentencePiece model (spiece, spm, sentencepiece.bpe)"
    }
  }

  private func missing(_ path: String, _ names: [String], _ count: Int, _ unused: [String]) -> String {
    "\(path): \(names.count) of \(count) parameters are missing: expected \(names.excerpts()); "
      + (unused.isEmpty ? "nothing else is there" : "found without a use: \(unused.excerpts())")
  }
}
