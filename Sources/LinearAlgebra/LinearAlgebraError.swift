import Storage

/// Why the linear algebra library cannot be used.
package enum LinearAlgebraError: Error, CustomStringConvertible, Sendable, Equatable {
  case libraryMissing
  /// The library is there, or part of it; what the loader says.
  case libraryUnusable(String)
  case symbolMissing(String)
  /// Memory that OpenBLAS would ask for without an end is refused; `limits` says which limits of the process are set.
  case outOfMemory(byteCount: Int, threads: Int, limits: String)
  /// OpenBLAS interrupted its own process, as it does where the system refuses it a thread.
  case threadsRefused(limits: String)

  package var description: String {
    switch self {
    case .libraryMissing:
      "OpenBLAS is not installed; fine-tuning needs it: apt-get install libopenblas0-pthread"
    case .libraryUnusable(let reason): "OpenBLAS cannot be opened: \(reason)"
    case .symbolMissing(let name): "the OpenBLAS library here lacks \(name); expected the Debian package libopenblas0-pthread"
    case .outOfMemory(let byteCount, let threads, let limits):
      "out of memory: OpenBLAS needs \(byteCount >> 20) MiB of address space on \(threads == 1 ? "one thread" : "\(threads) threads"), "
        + "128 MiB of it for each, and the system refused it (\(limits)): raise the limit" + (threads > 1 ? " or take fewer threads" : "")
    case .threadsRefused(let limits):
      "OpenBLAS gave up: the system refused it a thread (\(limits)): raise the limit"
    }
  }
}

/// The limits of this process that are set, as the shell spells them.
func limits(_ limits: [ProcessLimit], otherwise: String) -> String {
  let set = limits.compactMap(\.setting)
  return set.isEmpty ? otherwise : set.joined(separator: ", ")
}
