import JSON

extension Settings {
  package func activation(_ key: String, default fallback: Activation) throws(ConfigurationError) -> Activation {
    guard let value = self[key] else { return fallback }
    guard let name = value.string else { throw .invalid(key: key, found: value.description, expected: "a name") }
    guard let activation = Activation(configurationName: name) else { throw .unsupported(key: key, value: name) }
    return activation
  }
}
