package indirect enum JSONValue: Sendable, Equatable { case null }
