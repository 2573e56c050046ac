/// Random texts of words that the tiny vocabulary has and some that it has not, from one word to more than fit.
package func randomTexts(_ count: Int, seed: UInt64) -> [String] {
  let words = ["the", "film", "is", "not", "good", "bad", "dull", "brilliant", "unforgettable", "café", "xyz", "!", ","]
  var generator = SeededGenerator(seed: seed)
  return (0..<count).map { number in
    let length = [0, 1, 5, 20, 80][number % 5]
    return (0..<length).map { _ in words.randomElement(using: &generator)! }.joined(separator: " ")
  }
}
