"""tokenizer.json itself: each kind of normaliser, pre-tokenizer, model and template, and random compositions of them."""

import itertools
import unicodedata

from case import EITHER, EQUAL, Case
from folders import configuration, random_of
from patterns import PATTERNS
from vocabularies import CHARACTERS, TEXTS, WORDS, byte_pairs, merges, pieces, unique, write_json

ODD = [
    "aAbB  cC\u00a0\u3000d\u200b\u200de\ufefff",
    "I'm we'LL they'd can't O'Neil's 'tis",
    "1 12 123 1234567 3.14 1,000 ²³ ½ Ⅷ ٣٤",
    "漢字かなカナ한국어 ไทย हिन्दी العربية עברית",
    "e\u0301 é ﬁ ﬂ ｆｕｌｌ ＡＢＣ ①② Å Å ß ẞ İ ı ǅ",
    "_under_score--dash—em…dots?!?! ((x)) [y] {z} <t> a/b\\c",
    "\x01\x02tab\there \x0b\x0c \x85 \u2028 \u2029 end  ",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 ☃️ 👍🏽 🇩🇪",
    "CamelCaseABCDef XMLHttp iPhone11Pro",
    "▁under ▁▁ bar ▁",
    "   ",
    "a",
    "x" * 120,
    "\u0130\u0307 \u1e9b\u0323 \ufb01 \u00df \u03a3\u03c3\u03c2 ΑΣ ΌΔΟΣ",
    "don\u2019t \u201cquote\u201d ``old'' \u00abbon\u00bb",
]


def regex(pattern, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}


LETTERS = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
NORMALIZERS = {
    "none": None,
    "bert": LETTERS,
    "bert-cased": {**LETTERS, "lowercase": False},
    "bert-accents": {**LETTERS, "strip_accents": False},
    "bert-dirty": {**LETTERS, "clean_text": False, "handle_chinese_chars": False},
    **{kind: {"type": kind} for kind in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel")},
    **{
        f"strip-{left}-{right}": {"type": "Strip", "strip_left": left, "strip_right": right}
        for left, right in itertools.product([True, False], repeat=2)
    },
    "replace": {"type": "Replace", "pattern": {"String": "``"}, "content": '"'},
    "replace-regex": {"type": "Replace", "pattern": {"Regex": r" {2,}|\s+$"}, "content": " "},
    "replace-deleting": {"type": "Replace", "pattern": {"Regex": r"\p{M}"}, "content": ""},
    "replace-growing": {"type": "Replace", "pattern": {"String": "a"}, "content": "aXYZa"},
    "prepend": {"type": "Prepend", "prepend": "▁"},
    "sequence": {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "Lowercase"}, {"type": "StripAccents"}]},
    "sequence-nested": {
        "type": "Sequence",
        "normalizers": [
            {"type": "Sequence", "normalizers": [{"type": "NFKC"}]},
            {"type": "Prepend", "prepend": "▁"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        ],
    },
    "sequence-empty": {"type": "Sequence", "normalizers": []},
}
BEHAVIOURS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
PRE_TOKENIZERS = {
    "none": None,
    "bert": {"type": "BertPreTokenizer"},
    "whitespace": {"type": "Whitespace"},
    "whitespace-split": {"type": "WhitespaceSplit"},
    **{f"punctuation-{behavior}": {"type": "Punctuation", "behavior": behavior} for behavior in BEHAVIOURS},
    **{f"digits-{value}": {"type": "Digits", "individual_digits": value} for value in (True, False)},
    **{
        f"metaspace-{scheme}-{split}": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}
        for scheme in ("always", "never", "first")
        for split in (True, False)
    },
    "metaspace-old": {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True},
    "metaspace-other": {"type": "Metaspace", "replacement": "_", "prepend_scheme": "always", "split": True},
    **{
        f"string-{behavior}-{invert}": {"type": "Split", "pattern": {"String": "a"}, "behavior": behavior, "invert": invert}
        for behavior in BEHAVIOURS
        for invert in (True, False)
    },
    **{f"regex-{behavior}-{invert}": regex(r"\s+|\d", behavior, invert) for behavior in BEHAVIOURS for invert in (True, False)},
    **{f"pattern-{name}": regex(pattern) for name, pattern in PATTERNS.items()},
    "delimiter": {"type": "CharDelimiterSplit", "delimiter": "_"},
    "scripts": {"type": "UnicodeScripts"},
    "fixed-length": {"type": "FixedLength", "length": 3},
    "sequence": {
        "type": "Sequence",
        "pretokenizers": [
            {"type": "WhitespaceSplit"},
            {"type": "Digits", "individual_digits": True},
            {"type": "Punctuation", "behavior": "Isolated"},
        ],
    },
    "sequence-empty": {"type": "Sequence", "pretokenizers": []},
}
# Bytes need the model of bytes.
BYTE_LEVEL = {
    **{
        f"bytes-{prefix}-{words}": {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": words}
        for prefix in (True, False)
        for words in (True, False)
    },
    **{
        f"bytes-after-{name}": {
            "type": "Sequence",
            "pretokenizers": [
                regex(PATTERNS[name]),
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
            ],
        }
        for name in ("gpt2", "cl100k", "cl100k-possessive", "o200k", "qwen")
    },
    "bytes-after-digits": {
        "type": "Sequence",
        "pretokenizers": [
            {"type": "Digits", "individual_digits": True},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        ],
    },
}
# What is not served, or need not be.
UNSERVED = {
    "pre-tokenizer/scripts",
    "pre-tokenizer/delimiter",
    "pre-tokenizer/fixed-length",
    "normalizer/ByteLevel",
    *(
        f"pre-tokenizer/pattern-{name}"
        for name in (
            "back-reference",
            "posix",
            "intersection",
            "atomic",
            "line-ends",
            "unicode-escape",
            "script-named",
            "empty",
            "case",
            "lazy",
            "capture",
            "anchors",
            "no-boundary",
            "look-behind-not",
            "script-hiragana",
            "not-han",
            "counts",
        )
    ),
    "model/pairs-dropout",
    "model/unigram-without-unknown",
    "model/words-without-unknown",
}


def models():
    known = unique(
        [
            c
            for text in [*TEXTS, *ODD]
            for form in ("NFC", "NFKD")
            for c in unicodedata.normalize(form, text + text.lower() + text.upper())
        ]
        + CHARACTERS
    )
    tokens = {
        token: index
        for index, token in enumerate(unique(["[UNK]", "[CLS]", "[SEP]", *WORDS, *known, *("##" + c for c in known), "##ing"]))
    }
    wordpiece = {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "vocab": tokens,
    }
    yield "wordpiece", wordpiece
    yield "wordpiece-short", {**wordpiece, "max_input_chars_per_word": 4}
    yield "wordpiece-without-prefix", {**wordpiece, "continuing_subword_prefix": ""}
    pairs = merges([*WORDS, *("▁" + word for word in WORDS)])
    symbols = {
        token: index
        for index, token in enumerate(
            unique(
                [
                    "[UNK]",
                    "[CLS]",
                    "[SEP]",
                    "▁",
                    *CHARACTERS,
                    *(a + b for a, b in pairs),
                    *(f"<0x{byte:02X}>" for byte in range(256)),
                ]
            )
        )
    }
    bpe = {
        "type": "BPE",
        "dropout": None,
        "unk_token": "[UNK]",
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
        "vocab": symbols,
        "merges": [f"{a} {b}" for a, b in pairs],
    }
    yield "pairs", bpe
    yield "pairs-as-arrays", {**bpe, "merges": [list(pair) for pair in pairs]}
    yield "pairs-fused", {**bpe, "fuse_unk": True}
    yield "pairs-bytes", {**bpe, "byte_fallback": True}
    yield "pairs-whole", {**bpe, "ignore_merges": True}
    yield "pairs-dropout-0", {**bpe, "dropout": 0.0}
    yield "pairs-dropout", {**bpe, "dropout": 0.5}
    yield "pairs-empty-affixes", {**bpe, "continuing_subword_prefix": "", "end_of_word_suffix": ""}
    table = [["[UNK]", 0.0], ["[CLS]", 0.0], ["[SEP]", 0.0], *([token, score] for token, score in pieces(()))]
    unigram = {"type": "Unigram", "unk_id": 0, "vocab": table, "byte_fallback": False}
    yield "unigram", unigram
    yield (
        "unigram-bytes",
        {**unigram, "byte_fallback": True, "vocab": [*table, *([f"<0x{byte:02X}>", -20.0] for byte in range(256))]},
    )
    yield "unigram-without-unknown", {**unigram, "unk_id": None}
    yield "words", {"type": "WordLevel", "vocab": tokens, "unk_token": "[UNK]"}


def template(single, pair):
    def side(text):
        for part in text.split():
            name, _, kind = part.partition(":")
            yield (
                {"Sequence": {"id": name[1:], "type_id": int(kind or 0)}}
                if name[0] == "$"
                else {"SpecialToken": {"id": name, "type_id": int(kind or 0)}}
            )

    ids = {"[CLS]": 1, "[SEP]": 2}
    specials = {name: {"id": name, "ids": [number], "tokens": [name]} for name, number in ids.items()}
    return {"type": "TemplateProcessing", "single": list(side(single)), "pair": list(side(pair)), "special_tokens": specials}


USUAL = template("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1")
POST_PROCESSORS = {
    "none": None,
    "usual": USUAL,
    "after": template("$A [SEP] [CLS]", "$A [SEP] $B [SEP] [CLS]"),
    "twice": template("[CLS] $A [SEP] [SEP]", "[CLS] $A [SEP] [SEP] $B [SEP]"),
    "only": template("$A", "$A $B:1"),
    "exchanged": template("[CLS] $A", "[CLS] $B:1 [SEP] $A"),
    "bert": {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]},
    "roberta": {
        "type": "RobertaProcessing",
        "sep": ["[SEP]", 2],
        "cls": ["[CLS]", 1],
        "trim_offsets": True,
        "add_prefix_space": False,
    },
    "bytes": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True},
    "sequence": {
        "type": "Sequence",
        "processors": [{"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}, USUAL],
    },
}


def byte_model():
    vocabulary, pairs = byte_pairs(["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"])
    return {"type": "BPE", "dropout": None, "unk_token": None, "vocab": vocabulary, "merges": [f"{a} {b}" for a, b in pairs]}


def cases(seed, count):
    known = dict(models())
    for name in NORMALIZERS:
        yield case("normalizer/" + name, NORMALIZERS[name], PRE_TOKENIZERS["whitespace-split"], known["wordpiece"], USUAL)
    for name, part in PRE_TOKENIZERS.items():
        yield case("pre-tokenizer/" + name, None, part, known["unigram" if name.startswith("metaspace") else "wordpiece"], USUAL)
    for name, part in BYTE_LEVEL.items():
        yield case("pre-tokenizer/" + name, None, part, byte_model(), USUAL)
    for name, model in known.items():
        yield case("model/" + name, None, PRE_TOKENIZERS["metaspace-always-True" if name[0] in "pu" else "bert"], model, USUAL)
    for name, part in POST_PROCESSORS.items():
        yield case("template/" + name, None, PRE_TOKENIZERS["whitespace-split"], known["wordpiece"], part)
    kinds = {"normalizer": NORMALIZERS, "pre-tokenizer": PRE_TOKENIZERS, "model": known, "template": POST_PROCESSORS}
    for number in range(count // 4):
        choose = random_of(f"kind {number}", seed)
        picked = {
            kind: choose.choice([name for name in parts if f"{kind}/{name}" not in UNSERVED]) for kind, parts in kinds.items()
        }
        yield case(f"random/{number}", *(kinds[kind][name] for kind, name in picked.items()), note=", ".join(picked.values()))


def case(name, normalizer, pre_tokenizer, model, post_processor, note=""):
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": post_processor,
        "decoder": None,
        "model": model,
    }

    def make(directory):
        folder = directory / "model"
        write_json(folder / "config.json", configuration("bert", 5000, max_position_embeddings=5000).to_dict())
        write_json(folder / "tokenizer.json", content)
        write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 1 << 40})

    expect = EITHER if name in UNSERVED else EQUAL
    texts = [*TEXTS, *ODD, *strings(random_of(name))]
    return Case(f"kind/{name}", make, expect=expect, ids_only=True, texts=texts, pairs=[], tokenizer="file", note=note)


def strings(choose):
    """Random texts of the characters above, single ones and runs of a word."""
    alphabet = sorted(set("".join([*ODD, *WORDS]))) + [" "] * 20 + WORDS
    return ["".join(choose.choices(alphabet, k=choose.randint(1, 40))) for _ in range(12)]
