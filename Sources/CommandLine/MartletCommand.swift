import ArgumentParser
import Records
import Storage

/// `martlet`: the command line.
package struct MartletCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "martlet",
    abstract: "Fine-tune a transformer encoder into a text classifier, pack it into one file, classify text anywhere.",
    version: "0.1.0",
    subcommands: [
      TuneCommand.self, EvaluateCommand.self, PackCommand.self, ClassifyCommand.self, TokenizeCommand.self,
      InspectCommand.self, BenchCommand.self,
    ])

  package init() {}

  /// Runs a command line and exits: 0 done, 1 the work failed (one line on stderr), 64 wrong usage.
  fileprivate static func run(_ arguments: [String]) -> Never {
    Machine.fillStandardDescriptors()
    ignoreWriteSignals()
    explainBusErrors(
      "martlet: a file became shorter while it was in use: replace models by renaming, or read them with --no-map\n")
    guard !arguments.isEmpty else {
      for line in helpMessage().split(separator: "\n", omittingEmptySubsequences: false) { writeToStandardError(String(line)) }
      exitProcess(64)
    }
    do {
      var arguments = arguments
      var note: String?
      if arguments[0] == TuneCommand.configuration.commandName {
        let line: ReferenceCommandLine
        do { line = try ReferenceCommandLine(Array(arguments.dropFirst())) } catch { TuneCommand.exit(withError: error) }
        arguments = arguments.prefix(1) + line.arguments
        note = line.note
      }
      var command = try parseAsRoot(arguments)
      if let note, (command as? TuneCommand)?.quiet == false { writeToStandardError(note) }
      do {
        try command.run()
        exitProcess(0)
      } catch where !(error is ExitCode) && exitCode(for: error) == .failure {
        // Not one of the parser's own (help, usage): a failure of the work, told in one line.
        writeToStandardError("martlet: \(error)")
        exitProcess(1)
      }
    } catch {
      exit(withError: error)
    }
  }
}

/// What the tool's `main`, which is C, calls with its arguments, the program's name first. Does not return.
@_cdecl("martlet_run_command_line")
public func runCommandLine(count: Int32, arguments: UnsafePointer<UnsafePointer<CChar>?>) -> Int32 {
  MartletCommand.run((1..<max(1, Int(count))).compactMap { arguments[$0].map { String(cString: $0) } })
}

/// Failures of a command that no module below it has a name for.
struct CommandError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// One line, whatever it is made of. That nobody reads it is no failure.
func writeToStandardError(_ line: String) { try? ByteStream.error.write(line.onOneLine + "\n") }

func writeToStandardOutput(_ text: String) throws {
  do throws(FileError) { try ByteStream.output.write(text) } catch where error.isReaderGone {
    // It has what it wanted.
  }
}
