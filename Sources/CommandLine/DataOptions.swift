import ArgumentParser
import Decompression
import Records
import Storage

extension RecordFormat: ExpressibleByArgument {}
extension Quoting: ExpressibleByArgument {}
extension Delimiter: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
}
extension TextEncoding: ExpressibleByArgument {
  package init?(argument: String) { self.init(name: argument) }
}

struct EncodingOption: ParsableArguments {
  @Option(
    help: """
      The encoding of the input: UTF-8, UTF-16, UTF-32, ISO-8859-1, Windows-1252, or another by the name that `iconv -l` has for it \
      (default: by the byte order mark, or UTF-8).
      """)
  var encoding: TextEncoding?

  func validate() throws {
    if let refusal = encoding?.refusal { throw ValidationError("--encoding: \(refusal)") }
  }
}

/// How bytes become records, for all commands that read data.
struct ReadingOptions: ParsableArguments {
  @Option(help: "How the input is cut into records: lines, jsonl, json, csv or tsv (default: by the file's ending and what it holds).")
  var format: RecordFormat?
  @OptionGroup var encodingOption: EncodingOption
  @Option(
    help: """
      What separates a table's fields: a character, or tab, comma, semicolon (default: told by the header; in tsv a tab).
      """)
  var delimiter: Delimiter?
  @Option(help: """
      Whether a table's fields may stand in quotes, and how quotes stand inside: double, backslash (as Spark and MySQL write them) or \
      none (default: told by the first rows).
      """)
  var quoting: Quoting?

  @Option(
    help: """
      The column or field that holds the text, by name, or by number from 1 in a table without a header; several, with commas between \
      them, are joined by a blank (default: text, sentence, review or content).
      """)
  var textField: String?

  @Option(help: "The same for the label (default: label, sentiment, class or labels).")
  var labelField: String?

  @Option(help: "The same for the second text of a pair.")
  var textPairField: String?

  var reading: DataReading {
    DataReading(
      format: format, encoding: encodingOption.encoding, delimiter: delimiter, quoting: quoting,
      fields: FieldChoice(text: textField, pair: textPairField, label: labelField))
  }

  func validate() throws {
    if let format, format != .csv && format != .tsv, delimiter != nil || quoting != nil {
      throw ValidationError("--delimiter and --quoting are of tables: expected --format csv or tsv, found \(format.rawValue)")
    }
  }
}

/// How labelled data are read.
struct DataOptions: ParsableArguments {
  @OptionGroup var options: ReadingOptions

  @Flag(help: "Leave out rows that cannot be used, and say how many and which; without it they are all named and nothing is done.")
  var skipBadRows = false

  static let dataText = """
    Labelled records: a table (csv, tsv) or JSON (a list, or an object a line), also in gzip, LZ4 or zip, - for standard input; or a \
    folder with one sub-folder of text files per label.
    """

  static let dataHelp = ArgumentHelp(stringLiteral: dataText)

  /// - Parameter isQuiet: whether nothing is said of how the data were understood.
  func dataset(_ paths: [String], isQuiet: Bool = false) throws -> LabelledDataset {
    var dataset = try LabelledDataset(paths: paths, reading: options.reading, source: RecordSource.init(decompressing:))
    if !isQuiet { for note in dataset.notes { writeNote(note) } }
    dataset.skipsBadRows = skipBadRows
    // Bad rows are told together with bad labels, which are yet to be read, if there is anything to read.
    if dataset.count == 0 { try dataset.requireSound(skippingBadRows: skipBadRows) }
    return dataset
  }

  func validate() throws {
    if options.format == .lines { throw ValidationError("--format: lines have no labels: expected jsonl, json, csv or tsv, found lines") }
  }
}

/// A line on standard error about how something was understood.
func writeNote(_ note: String) { writeToStandardError("martlet: note: " + note) }
