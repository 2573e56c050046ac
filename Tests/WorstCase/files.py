"""tokenizer.json files: one of each family's steps over a small vocabulary, and large ones, some of them hostile."""

import json
import random
import string

LETTERS = string.ascii_lowercase


def document(model, pre_tokenizer=None, normalizer=None, added=()):
    return {"version": "1.0", "added_tokens": list(added), "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "post_processor": None, "model": model}


def sequence(kind, *steps):
    return {"type": "Sequence", kind: [{"type": step} if isinstance(step, str) else step for step in steps]}


METASPACE = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}


def added(*names):
    return [{"id": 1000 + i, "content": name, "single_word": False, "lstrip": name == "<mask>", "rstrip": False, "normalized": False, "special": True} for i, name in enumerate(names)]


def small_pieces():
    """A Unigram vocabulary with pieces of one to eight characters."""
    pieces = [["<unk>", 0.0], ["\u2581", -3.0]] + [[letter, -5.0 - i / 10] for i, letter in enumerate(LETTERS + string.digits)]
    pieces += [[letter * length, -4.0 - length] for letter in "abc" for length in range(2, 9)]
    pieces += [["\u2581the", -2.0], ["ing", -3.5], ["\u0627\u0644", -6.0], ["\u0644\u0644\u0647", -6.5], ["\u30ad\u30ed", -7.0]]
    return {"type": "Unigram", "unk_id": 0, "vocab": pieces, "byte_fallback": False}


def small_bytes():
    """Byte pairs over bytes, whose merges chain."""
    base = [chr(c) for c in [*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 324)]]
    vocabulary = {character: i for i, character in enumerate(base)}
    merges = []
    for left, right in [("a", "a"), ("aa", "aa"), ("aaaa", "aaaa"), ("a", "b"), ("ab", "ab"), ("t", "h"), ("th", "e"), ("\u0120", "\u0120"), ("\u0120\u0120", "\u0120\u0120"), ("!", "!"), ("<", "<"), ("\u00cc", "\u0123"), ("\u010a", "\u010a")]:
        if left + right not in vocabulary and left in vocabulary and right in vocabulary:
            vocabulary[left + right] = len(vocabulary)
            merges.append([left, right])
    return {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False, "vocab": vocabulary, "merges": merges}


def small_characters():
    """Byte pairs over characters, unknown ones as bytes."""
    vocabulary = {"<unk>": 0} | {f"<0x{byte:02X}>": byte + 1 for byte in range(256)}
    for token in ["\u2581", *LETTERS, "aa", "aaaa", "ab", "abab", "th", "the", "\u2581the"]:
        vocabulary[token] = len(vocabulary)
    return {"type": "BPE", "dropout": None, "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True, "vocab": vocabulary, "merges": ["a a", "aa aa", "a b", "ab ab", "t h", "th e", "\u2581 the"]}


def families():
    """Each family's normaliser and pre-tokenizer, as its tokenizer.json has them."""
    pattern = {"type": "Split", "pattern": {"Regex": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"}, "behavior": "Isolated", "invert": False}
    quotes = [{"type": "Replace", "pattern": {"String": "``"}, "content": '"'}, {"type": "Replace", "pattern": {"String": "''"}, "content": '"'}]
    spaces = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
    return {
        "ALBERT": document(small_pieces(), sequence("pretokenizers", "WhitespaceSplit", METASPACE), sequence("normalizers", *quotes, "NFKD", "StripAccents", "Lowercase"), added("[CLS]", "[SEP]", "[MASK]")),
        "XLM-RoBERTa": document(small_pieces(), sequence("pretokenizers", "WhitespaceSplit", METASPACE), sequence("normalizers", "NFKC"), added("<s>", "</s>", "<mask>")),
        "DeBERTa v3": document(small_pieces(), METASPACE, sequence("normalizers", {"type": "Strip", "strip_left": True, "strip_right": True}, "NFKC", spaces), added("[CLS]", "[SEP]", "[MASK]")),
        "Unigram, bytes": document({**small_pieces(), "byte_fallback": True, "vocab": small_pieces()["vocab"] + [[f"<0x{byte:02X}>", -9.0] for byte in range(256)]}, METASPACE, {"type": "NFKC"}),
        "RoBERTa": document(small_bytes(), BYTE_LEVEL, None, added("<s>", "</s>", "<mask>")),
        "ModernBERT": document(small_bytes(), BYTE_LEVEL, {"type": "NFC"}, added("[CLS]", "[SEP]", "[MASK]", "<|endoftext|>")),
        "Qwen2": document(small_bytes(), sequence("pretokenizers", pattern, {**BYTE_LEVEL, "use_regex": False}), {"type": "NFC"}, added("<|endoftext|>")),
        "BPE with byte fallback": document(small_characters(), METASPACE, {"type": "NFKC"}),
        "BPE of whole texts": document(small_characters(), None, {"type": "Prepend", "prepend": "\u2581"}),
        "whole words": document({"type": "WordLevel", "unk_token": "[UNK]", "vocab": {"[UNK]": 0, "the": 1, "a": 2}}, {"type": "Whitespace"}, {"type": "NFD"}),
    }


# MARK: Large files


def words(count, shortest, longest, alphabet=LETTERS, seed=1):
    generator = random.Random(seed)
    found = {}
    while len(found) < count:
        found["".join(generator.choices(alphabet, k=generator.randint(shortest, longest)))] = None
    return list(found)


def text(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def numbered(tokens):
    return {token: i for i, token in enumerate(tokens)}


def wordpiece(size):
    tokens = ["[UNK]"] + words(int(size / 33), 6, 40)
    return text(document({"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": numbered(tokens)}, {"type": "BertPreTokenizer"}))


def whole_words(size):
    return text(document({"type": "WordLevel", "unk_token": "[UNK]", "vocab": numbered(["[UNK]"] + words(int(size / 33), 6, 40))}, {"type": "Whitespace"}))


def unigram(size, syllables=60):
    generator = random.Random(2)
    parts = words(3000, 2, 3)
    pieces = {}
    while len(pieces) < size / 36:
        pieces["".join(generator.choice(parts[:syllables]) if generator.random() < 0.8 else generator.choice(parts) for _ in range(generator.randint(2, 4)))] = None
    return text(document({"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0]] + [[piece, -20 * generator.random()] for piece in pieces]}, METASPACE))


def odd_unigram(size):
    """Few common starts, many scripts: nodes with labels that fit nowhere."""
    generator = random.Random(3)
    alphabet = LETTERS + "".join(map(chr, [*range(0x400, 0x500), *range(0x4E00, 0x9FFF), *range(0x1F300, 0x1F6FF)]))
    pieces = words(int(min(size / 33, 1_000_000)), 2, 3, alphabet)
    return text(document({"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0]] + [[piece, -20 * generator.random()] for piece in pieces]}, METASPACE))


def byte_pairs(size, as_pairs=False):
    generator = random.Random(4)
    base = [chr(c) for c in [*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 324)]]
    vocabulary = numbered(base)
    items, merges = list(LETTERS), []
    while len(vocabulary) < size / 59:
        left, right = items[generator.randrange(min(len(items), 20000))], items[generator.randrange(min(len(items), 2000))]
        if left + right not in vocabulary:
            vocabulary[left + right] = len(vocabulary)
            merges.append([left, right] if as_pairs else left + " " + right)
            items.append(left + right)
    return text(document({"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False, "vocab": vocabulary, "merges": merges}, BYTE_LEVEL))


def characters(size):
    whole = json.loads(byte_pairs(size))
    return text({**whole, "pre_tokenizer": {"type": "Whitespace"}})


def many_added(size):
    tokens = words(int(size / 134), 6, 40)
    entries = [{"id": i + 1, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": i % 2 == 0, "special": False} for i, token in enumerate(tokens)]
    return text(document({"type": "WordLevel", "unk_token": "[UNK]", "vocab": {"[UNK]": 0}}, {"type": "Whitespace"}, None, entries))


def too_many_tokens(size):
    return text(document({"type": "WordLevel", "unk_token": "t0", "vocab": {f"t{i}": i for i in range(int(size / 18))}}))


def model_of(element, size):
    return lambda total: '{"model":{"type":"Unigram","unk_id":0,"vocab":[' + ",".join([element] * int(total / size)) + "]}}"


def classes(total):
    split = {"type": "Split", "pattern": {"Regex": "|".join(rf"[\p{{L}}\P{{N}}{chr(97 + i)}]" for i in range(16))}, "behavior": "Isolated", "invert": False}
    return text(document({"type": "WordLevel", "unk_token": "a", "vocab": {"a": 0}}, sequence("pretokenizers", *[split] * 64)))


def members(total):
    split = {"type": "Split", "pattern": {"Regex": "[" + r"\p{L}\P{L}" * 6000 + "]"}, "behavior": "Isolated", "invert": False}
    return text(document({"type": "WordLevel", "unk_token": "a", "vocab": {"a": 0}}, split))


def forms(total):
    return text(document({"type": "WordLevel", "unk_token": "a", "vocab": {"a": 0}}, None, sequence("normalizers", *["NFKC"] * 65)))


def deep_tokens(total):
    return text(document({"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0]] + [[word, -1.0] for word in words(int(total / 510), 500, 500)]}, METASPACE))


# Name, whether it is accepted, and the text of so many bytes, about.
LARGE = [
    ("WordPiece", True, wordpiece),
    ("whole words", True, whole_words),
    ("Unigram", True, unigram),
    ("Unigram of many scripts", True, odd_unigram),
    ("byte pairs", True, byte_pairs),
    ("byte pairs as arrays", True, lambda size: byte_pairs(size, as_pairs=True)),
    ("pairs of characters", True, characters),
    ("added tokens", True, many_added),
    ("too many tokens", False, too_many_tokens),
    ("a trie of long tokens", False, deep_tokens),
    ("numbers", False, model_of("0", 2)),
    ("empty arrays", False, model_of("[]", 3)),
    ("small arrays", False, model_of("[0]", 4)),
    ("small objects", False, model_of('{"":0}', 7)),
    ("no end", False, lambda size: wordpiece(size)[:-1]),
    ("large classes", False, classes),
    ("a class of many members", False, members),
    ("too many steps", False, forms),
]
