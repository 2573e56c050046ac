import JSON

/// Whether a model reads texts as HTML: tags and character references become plain text before they are tokens.
package enum HTMLSetting {
  /// The key of `config.json` under which `tune` and `pack` record it; other readers of the file pass over it.
  package static let recordKey = "unescape_html"

  package static func isOn(_ configuration: JSONValue) throws(ConfigurationError) -> Bool {
    try Settings(configuration).flag(recordKey, default: false)
  }
}
