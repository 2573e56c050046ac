import Martlet

let classifier = try Classifier(contentsOf: CommandLine.arguments[1])
let prediction = try classifier.classify(CommandLine.arguments[2])
print(prediction.label, prediction.score)
