/// Files that are no text, told by the bytes they begin with: what they are, and how what is in them becomes a table.
enum ForeignFormat {
  private static let known: [(magic: [UInt8], what: String)] = [
    (Array("PAR1".utf8), "a Parquet file: write it as CSV, with pandas.read_parquet(FILE).to_csv(\"FILE.csv\", index=False) or DuckDB's COPY … TO"),
    (Array("ARROW1".utf8), "an Arrow file: write it as CSV, with pandas.read_feather(FILE).to_csv(\"FILE.csv\", index=False)"),
    (Array("FEA1".utf8), "a Feather file: write it as CSV, with pandas.read_feather(FILE).to_csv(\"FILE.csv\", index=False)"),
    (Array("ORC".utf8), "an ORC file: write it as CSV, with pandas.read_orc(FILE).to_csv(\"FILE.csv\", index=False)"),
    (Array("SQLite format 3\0".utf8), "a SQLite database: write a query's result as CSV, with sqlite3 -csv -header FILE 'select …'"),
    ([0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1], "an Excel workbook (.xls): save it there as “CSV UTF-8”"),
    (Array("%PDF-".utf8), "a PDF document: expected a table, JSON, or a folder of texts"),
    (Array("{\\rtf".utf8), "a document in rich text: save it as plain text or CSV"),
    ([0x80, 0x02], "a pickle of Python: write it as CSV, with pandas.read_pickle(FILE).to_csv(\"FILE.csv\", index=False)"),
    ([0x80, 0x04, 0x95], "a pickle of Python: write it as CSV, with pandas.read_pickle(FILE).to_csv(\"FILE.csv\", index=False)"),
    ([0x80, 0x05, 0x95], "a pickle of Python: write it as CSV, with pandas.read_pickle(FILE).to_csv(\"FILE.csv\", index=False)"),
    ([0x93] + Array("NUMPY".utf8), "an array of NumPy: expected a table, JSON, or a folder of texts"),
    ([0x89] + Array("HDF".utf8), "an HDF5 file: write it as CSV, with pandas.read_hdf(FILE).to_csv(\"FILE.csv\", index=False)"),
    ([0x28, 0xB5, 0x2F, 0xFD], "compressed by Zstandard: pass it through zstd -dc FILE | … - with --format"),
    ([0xFD] + Array("7zXZ".utf8), "compressed by xz: pass it through xz -dc FILE | … - with --format"),
    (Array("BZh".utf8), "compressed by bzip2: pass it through bzip2 -dc FILE | … - with --format"),
    ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "a 7-Zip archive: unpack it first"),
    (Array("Rar!".utf8), "a RAR archive: unpack it first"),
  ]

  static func recognise(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
    if let found = known.first(where: { bytes.starts(with: $0.magic) }) { return found.what }
    // A page that came in the place of a download, or a workbook that is one.
    let start = String(decoding: bytes.prefix(200), as: UTF8.self).lowercased().drop { $0.isWhitespace }
    if start.hasPrefix("<!doctype html") || start.hasPrefix("<html") {
      return "a web page: if it was to be downloaded, the download failed; if a spreadsheet wrote it, save it there as “CSV UTF-8”"
    }
    if start.hasPrefix("<?xml") { return "an XML document: expected a table, JSON, or a folder of texts" }
    return nil
  }
}
