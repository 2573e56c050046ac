import Checkpoints
import JSON
import MartletTuning
import Storage
import TestSupport

/// A small data set: texts of words that `tiny-bert` knows, each with its label.
struct TinyData {
  var lines: [(text: String, label: String)]

  private static let subjects = ["the movie", "this film", "a story", "the plot", "the cast", "its script", "the ending", "that scene"]
  private static let verdicts = [
    ("is great", "is awful"), ("was wonderful and fun", "was boring and dull"), ("is brilliant", "is terrible"),
    ("has so much love", "has too little"), ("was very good", "was very bad"),
  ]

  /// 40 reviews in turn good and bad.
  static func reviews(good: String = "good", bad: String = "bad") -> TinyData {
    TinyData(
      lines: (0..<40).map { number in
        let (praise, blame) = verdicts[number / 8]
        return ("\(subjects[number % 8]) \(number % 2 == 0 ? praise : blame)", number % 2 == 0 ? good : bad)
      })
  }

  /// The same texts with labels by number.
  func labelled(_ label: (Int) -> String) -> TinyData {
    TinyData(lines: lines.enumerated().map { ($1.text, label($0)) })
  }

  /// Written as a tab-separated file.
  func write(_ path: String) throws -> TuningData {
    try writeText("text\tlabel\n" + lines.map { "\($0.text)\t\($0.label)\n" }.joined(), path)
    return try TuningData(contentsOf: path)
  }
}

func writeText(_ text: String, _ path: String) throws {
  var file = try AtomicFile(path: path)
  try file.write(text)
  try file.commit()
}

func readJSON(_ path: String) throws -> JSONValue { try JSONValue(parsing: readFile(path)) }

/// A tuner of one epoch in five steps, two threads.
func tinyTuner(_ base: String = fixture("tiny-bert-encoder")) -> Tuner {
  var tuner = Tuner(base: base)
  tuner.threads = 2
  tuner.arguments.perDeviceTrainBatchSize = 8
  tuner.arguments.numTrainEpochs = 1
  tuner.arguments.loggingSteps = 2
  tuner.arguments.saveSteps = 3
  tuner.arguments.learningRate = 1e-3
  tuner.overwritesOutputFolder = true
  return tuner
}
