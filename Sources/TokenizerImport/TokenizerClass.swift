import Tokenizers

/// What the reference library (`AutoTokenizer`) makes of the older files of one class of tokenizer: one description for each
/// class, from which `Tokenizer+OlderFiles` writes the `tokenizer.json` that the class would save.
struct TokenizerClass: Sendable {
  /// Which older files it is read from.
  enum Files: String, Sendable {
    case vocabularyText = "vocab.txt"
    case bytePairs = "vocab.json"
    case sentencePiece = "a SentencePiece model"
  }

  /// Normaliser and pre-tokenizer.
  enum Stages: Sendable {
    /// BERT's, with the three settings of `tokenizer_config.json`.
    case bert
    /// BERT's without lowercasing; words end in `</w>`.
    case herbert
    /// GPT-2's words as bytes.
    case byteLevel
    /// A pattern of its own over NFC.
    case qwen2
    case albert, barthez, bigBird, camembert, debertaV2, xlmRoberta
  }

  /// A special token with a name of its own: `mask` for `mask_token`.
  struct NamedToken: Sendable {
    let name: String
    let text: String
    var stripsLeft = false
  }

  /// Without `Tokenizer` and `Fast`.
  let names: [String]
  let files: Files
  let stages: Stages
  /// In the order in which the reference adds them.
  let tokens: [NamedToken]
  /// Where named tokens go around a text (`A`) and around two, with the type of each behind a colon where it is not 0.
  let single: String
  let pair: String
  /// Tokens that the class writes by id, whatever they are called.
  var fixedIDs: [String: Int64] = [:]
  /// Names of tokens that a vocabulary must hold. Others are appended to it, as the reference does.
  var needs: Set<String> = []

  static func named(_ name: String) -> TokenizerClass? { served.first { $0.names.contains(name) } }
}

extension TokenizerClass.NamedToken {
  static func list(_ texts: KeyValuePairs<String, String>, stripsLeft: String? = nil) -> [TokenizerClass.NamedToken] {
    texts.map { .init(name: $0.key, text: $0.value, stripsLeft: $0.key == stripsLeft) }
  }
}

extension TokenizerClass {
  private static let bertTokens = NamedToken.list(["unk": "[UNK]", "sep": "[SEP]", "pad": "[PAD]", "cls": "[CLS]", "mask": "[MASK]"])
  private static let robertaTexts: KeyValuePairs = [
    "bos": "<s>", "eos": "</s>", "unk": "<unk>", "sep": "</s>", "pad": "<pad>", "cls": "<s>", "mask": "<mask>",
  ]
  private static let robertaTokens = NamedToken.list(robertaTexts)
  private static let debertaTokens = NamedToken.list(
    ["bos": "[CLS]", "eos": "[SEP]", "unk": "[UNK]", "sep": "[SEP]", "pad": "[PAD]", "cls": "[CLS]", "mask": "[MASK]"])
  private static let bertPair = (single: "cls A sep", pair: "cls A sep B:1 sep:1")
  private static let robertaPair = (single: "cls A sep", pair: "cls A sep sep B sep")

  /// GPT-2's words as bytes, in RoBERTa's template.
  private static func byteLevel(_ names: [String], _ tokens: [NamedToken]) -> TokenizerClass {
    TokenizerClass(
      names: names, files: .bytePairs, stages: .byteLevel, tokens: tokens, single: robertaPair.single, pair: robertaPair.pair,
      needs: ["cls", "sep"])
  }

  /// A SentencePiece model in BERT's template.
  private static func sentencePiece(_ name: String, _ stages: Stages, _ tokens: [NamedToken]) -> TokenizerClass {
    TokenizerClass(
      names: [name], files: .sentencePiece, stages: stages, tokens: tokens, single: bertPair.single, pair: bertPair.pair, needs: ["cls", "sep"])
  }

  /// All that are served. The module's README has the table.
  static let served: [TokenizerClass] = [
    // MARK: vocab.txt
    TokenizerClass(
      names: [
        "Bert", "Electra", "MobileBert", "ConvBert", "SqueezeBert", "LayoutLM", "DistilBert", "DPRContextEncoder", "DPRQuestionEncoder",
        "DPRReader",
      ],
      files: .vocabularyText, stages: .bert, tokens: bertTokens, single: bertPair.single, pair: bertPair.pair, needs: ["unk", "cls", "sep"]),
    TokenizerClass(
      names: ["Splinter"], files: .vocabularyText, stages: .bert,
      tokens: bertTokens + [NamedToken(name: "question", text: "[QUESTION]"), NamedToken(name: "dot", text: ".")], single: bertPair.single,
      pair: "cls A question dot sep B:1 sep:1", needs: ["unk", "cls", "sep", "dot"]),
    TokenizerClass(
      names: ["MPNet"], files: .vocabularyText, stages: .bert,
      tokens: NamedToken.list(
        ["bos": "<s>", "eos": "</s>", "unk": "[UNK]", "sep": "</s>", "pad": "<pad>", "cls": "<s>", "mask": "<mask>"], stripsLeft: "mask"),
      single: robertaPair.single, pair: robertaPair.pair, needs: ["unk", "cls", "sep"]),
    // MARK: vocab.json and merges.txt
    byteLevel(["Roberta", "Bart", "LED", "Longformer", "Mvp"], robertaTokens),
    byteLevel(["Deberta"], debertaTokens),
    // Text alone: entities have a vocabulary of their own.
    byteLevel(
      ["Luke"],
      robertaTokens
        + NamedToken.list([
          "entity_1": "<ent>", "entity_2": "<ent2>", "entity_unk": "[UNK]", "entity_pad": "[PAD]", "entity_mask": "[MASK]",
          "entity_mask2": "[MASK2]",
        ])),
    TokenizerClass(
      names: ["GPT2"], files: .bytePairs, stages: .byteLevel,
      tokens: NamedToken.list(["bos": "<|endoftext|>", "eos": "<|endoftext|>", "unk": "<|endoftext|>"]), single: "A", pair: "A B:1",
      needs: ["eos"]),
    TokenizerClass(
      names: ["Qwen2"], files: .bytePairs, stages: .qwen2,
      tokens: NamedToken.list(["eos": "<|endoftext|>", "unk": "<|endoftext|>", "pad": "<|endoftext|>"]), single: "A", pair: "A B:1"),
    TokenizerClass(
      names: ["Herbert"], files: .bytePairs, stages: .herbert,
      tokens: NamedToken.list(["unk": "<unk>", "sep": "</s>", "pad": "<pad>", "cls": "<s>", "mask": "<mask>"]), single: bertPair.single,
      pair: bertPair.pair, fixedIDs: ["cls": 0, "sep": 2], needs: ["unk"]),
    // MARK: SentencePiece
    sentencePiece(
      "Albert", .albert,
      NamedToken.list(["bos": "[CLS]", "eos": "[SEP]", "unk": "<unk>", "sep": "[SEP]", "pad": "<pad>", "cls": "[CLS]", "mask": "[MASK]"])),
    sentencePiece("DebertaV2", .debertaV2, debertaTokens),
    sentencePiece(
      "BigBird", .bigBird,
      NamedToken.list(
        ["bos": "<s>", "eos": "</s>", "unk": "<unk>", "sep": "[SEP]", "pad": "<pad>", "cls": "[CLS]", "mask": "[MASK]"], stripsLeft: "mask")),
    TokenizerClass(
      names: ["XLMRoberta"], files: .sentencePiece, stages: .xlmRoberta, tokens: robertaTokens, single: "bos A eos",
      pair: "bos A eos eos B eos"),
    TokenizerClass(
      names: ["Camembert"], files: .sentencePiece, stages: .camembert, tokens: NamedToken.list(robertaTexts, stripsLeft: "mask"),
      single: "bos A eos", pair: "bos A eos eos B eos", needs: ["bos", "eos"]),
    // transformers 5 puts no special tokens around a text here, though 4 did.
    TokenizerClass(
      names: ["Barthez"], files: .sentencePiece, stages: .barthez, tokens: NamedToken.list(robertaTexts, stripsLeft: "mask"), single: "A",
      pair: "A B:1"),
  ]

  /// Classes of which the reference library hands a model the token types of a pair, also those that are not served from
  /// older files: a `tokenizer.json` may name any. ALBERT's template has types that nobody is given.
  static let givingTokenTypes: Set = [
    "Bert", "Canine", "ConvBert", "DPRContextEncoder", "DPRQuestionEncoder", "Deberta", "DebertaV2", "Electra", "FNet", "LayoutLM",
    "LayoutLMv2", "Lxmert", "MarkupLM", "MobileBert", "SqueezeBert", "Tapas",
  ]

  /// The class that the reference takes for a type of model where the folder names none.
  static let ofModelTypes: [String: String] = [
    "albert": "Albert", "bart": "Roberta", "bert": "Bert", "big_bird": "BigBird", "camembert": "Camembert", "convbert": "Bert",
    "data2vec-text": "Roberta", "deberta": "Deberta", "deberta-v2": "DebertaV2", "distilbert": "Bert", "electra": "Bert", "ernie": "Bert",
    "fnet": "FNet", "funnel": "Funnel", "gpt2": "GPT2", "ibert": "Roberta", "layoutlm": "Bert", "lilt": "Roberta", "longformer": "Roberta",
    "luke": "Luke", "lxmert": "Lxmert", "megatron-bert": "Bert", "mobilebert": "MobileBert", "modernbert": "TokenizersBackend",
    "mpnet": "MPNet", "mra": "Roberta", "nezha": "Bert", "nomic_bert": "Bert", "nystromformer": "TokenizersBackend", "qwen2": "Qwen2",
    "qwen3": "Qwen2",
    "rembert": "RemBert", "roberta": "Roberta", "roberta-prelayernorm": "Roberta", "roc_bert": "RoCBert", "roformer": "RoFormer",
    "splinter": "Splinter", "squeezebert": "Bert", "tapas": "Tapas", "xlm-roberta": "XLMRoberta", "xlm-roberta-xl": "TokenizersBackend",
    "xlnet": "XLNet", "xmod": "XLMRoberta", "yoso": "Albert",
  ]
}

extension Tokenizer {
  /// The classes of tokenizer whose older files are served, without `Tokenizer` and `Fast`, by the file that holds the vocabulary.
  package static var classesOfOlderFiles: [String: Set<String>] {
    TokenizerClass.served.reduce(into: ["bpe.codes": FastBPEFiles.classes]) { classes, one in classes[one.files.rawValue, default: []].formUnion(one.names) }
  }
}
