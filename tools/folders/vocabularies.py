"""Vocabularies without training, so that a seed gives the same files everywhere, and the files that hold them.

A word is spelled by its characters, by its beginnings, or whole: every text below takes several tokens of each kind.
"""

import json
import struct
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

WORDS = (
    "the film was a slow and clever story about two brothers it is not very good bad dull bright again never always music plot "
    "Great Film Paris NASA i you he they don't can't 2 10 1999 naïve café über été 東京 映画 straße"
).split()
CHARACTERS = sorted(set("".join(WORDS) + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,!?;:'\"()-/é映画"))

LONG = "the film was slow and clever about two brothers it is not very good never always music plot again 1 2 3 4 5 6 7 8 9"
TEXTS = [
    "the film was slow and clever",
    "A GREAT Story about two brothers, isn't it?!",
    "naïve café — über été in Paris",
    "東京の映画 2 10 1999",
    "never   again ;  always\tmusic",
    "",
    "unknownword zzz \u2603 \U0001f600 (dull)",
    LONG,
    "straße Straße İstanbul \u00a0 film\u200bplot e\u0301te\u0301",
]
PAIRS = [
    ("the film was good", "the plot was dull and slow"),
    ("Great", ""),
    ("", "music again"),
    ("café", "a b"),
    (LONG, "dull"),
    ("dull", LONG),
    (LONG, "Great " + LONG),
    ("a b c d e " + LONG, LONG),
]

WORDPIECE_SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA_SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def edit_json(path, remove=(), **changes):
    content = json.loads(path.read_text(encoding="utf-8"))
    for key in remove:
        content.pop(key, None)
    write_json(path, {**content, **changes})


def unique(tokens):
    return list(dict.fromkeys(tokens))


def wordpiece_tokens(specials=WORDPIECE_SPECIALS):
    words = [word.lower() for word in WORDS] + WORDS
    beginnings = [word[:length] for word in words for length in (2, 3)]
    return unique(
        [*specials, *CHARACTERS, *words, *beginnings, *("##" + c for c in CHARACTERS), "##ing", "##er", "##ther", "##ful"]
    )


def wordpiece_json(path, tokens=None, lowercase=True, specials=WORDPIECE_SPECIALS, **normalizer):
    """A tokenizer.json as BERT's is."""
    tokens = tokens or wordpiece_tokens(specials)
    tokenizer = Tokenizer(models.WordPiece({token: index for index, token in enumerate(tokens)}, unk_token=specials[1]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase, **normalizer)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    cls, sep = specials[2], specials[3]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{cls} $A {sep}",
        pair=f"{cls} $A {sep} $B:1 {sep}:1",
        special_tokens=[(cls, tokens.index(cls)), (sep, tokens.index(sep))],
    )
    tokenizer.add_special_tokens(list(specials))
    tokenizer.save(str(path))
    return len(tokens)


def merges(words):
    """Byte pairs that build each word from its left end."""
    found = []
    for word in words:
        found += [(word[:index], word[index]) for index in range(1, len(word))]
    return unique(found)


def byte_level(word):
    alphabet = decoders_alphabet()
    return "".join(alphabet[byte] for byte in word.encode())


def decoders_alphabet():
    """GPT-2's printable characters for the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = (byte for byte in range(256) if byte not in plain)
    return {**{byte: chr(byte) for byte in plain}, **{byte: chr(256 + number) for number, byte in enumerate(others)}}


def byte_pairs(specials=ROBERTA_SPECIALS):
    """The vocabulary and the merges of byte pairs over bytes."""
    pairs = merges([byte_level(word) for word in [*WORDS, *(" " + word for word in WORDS)]])
    tokens = unique([*specials[:4], *decoders_alphabet().values(), *(a + b for a, b in pairs), *specials[4:]])
    return {token: index for index, token in enumerate(tokens)}, pairs


def byte_pair_json(path, prefix=False, trim=True, specials=ROBERTA_SPECIALS):
    vocabulary, pairs = byte_pairs(specials)
    tokenizer = Tokenizer(models.BPE(vocabulary, pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", vocabulary["</s>"]), ("<s>", vocabulary["<s>"]), add_prefix_space=prefix, trim_offsets=trim
    )
    tokenizer.add_special_tokens([*specials[:4], AddedToken("<mask>", lstrip=True, special=True)])
    tokenizer.save(str(path))
    return len(vocabulary)


END = "<|endoftext|>"
DECODER_SPECIALS = ["<a>", "<b>", "<c>", "<d>", END]
QWEN_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def plain_byte_pair_json(path, splits):
    """A tokenizer.json that puts nothing around a text, as GPT-2's, or as Qwen's are, which splits by a pattern."""
    vocabulary, pairs = byte_pairs(DECODER_SPECIALS)
    tokenizer = Tokenizer(models.BPE(vocabulary, pairs))
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not splits)
    split = pre_tokenizers.Split(Regex(QWEN_WORDS), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, level]) if splits else level
    if splits:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens([END])
    tokenizer.save(str(path))
    return len(vocabulary)


def byte_pair_files(folder, newline="\n", version="#version: 0.2\n", specials=ROBERTA_SPECIALS):
    vocabulary, pairs = byte_pairs(specials)
    write_json(folder / "vocab.json", vocabulary)
    content = version + newline.join(f"{a} {b}" for a, b in pairs) + newline
    (folder / "merges.txt").write_bytes(content.encode())
    return len(vocabulary)


def pieces(first):
    """SentencePiece's pieces with scores that no two ways of splitting share."""
    words = unique(["▁" + word for word in WORDS] + WORDS + ["▁" + word[:3] for word in WORDS] + ["ing", "er", "▁"] + CHARACTERS)
    return [
        *((token, 0.0) for token in first),
        *((token, -2.0 - 0.013 * index - 0.5 * (len(token) == 1)) for index, token in enumerate(words) if token not in first),
    ]


def unigram_json(path, template=("<s>", "</s>"), specials=ROBERTA_SPECIALS, normalizer=None, splits=True, double=True):
    """A tokenizer.json as XLM-RoBERTa's is; `double` for two separators between the texts of a pair."""
    table = [*pieces(specials[:4]), (specials[4], 0.0)]
    tokenizer = Tokenizer(models.Unigram(table, unk_id=specials.index("<unk>" if "<unk>" in specials else "[UNK]")))
    tokenizer.normalizer = normalizer
    metaspace = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace]) if splits else metaspace
    tokenizer.decoder = decoders.Metaspace()
    cls, sep = template
    ids = {token: index for index, (token, _) in enumerate(table)}
    pair = f"{cls} $A {sep} {sep} $B {sep}" if double else f"{cls} $A {sep} $B:1 {sep}:1"
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{cls} $A {sep}", pair=pair, special_tokens=[(cls, ids[cls]), (sep, ids[sep])]
    )
    tokenizer.add_special_tokens([*specials[:4], AddedToken(specials[4], lstrip=True, special=True)])
    tokenizer.save(str(path))
    return len(table)


def sentencepiece_model(path, first=("<unk>", "<s>", "</s>"), kind=1, extra=()):
    """The protocol buffer of a SentencePiece model: pieces, the kind of model, the ids of its own special pieces."""

    def field(number, wire, payload):
        return variable(number << 3 | wire) + payload

    def variable(value):
        value &= (1 << 64) - 1
        out = b""
        while value > 127:
            out, value = out + bytes([value & 127 | 128]), value >> 7
        return out + bytes([value])

    def message(number, payload):
        return field(number, 2, variable(len(payload)) + payload)

    content = b""
    table = [*pieces(first), *((token, -9.0) for token in extra)]
    for text, score in table:
        type_ = 2 if text == "<unk>" else 3 if text in first else 1
        content += message(1, message(1, text.encode()) + field(2, 5, struct.pack("<f", score)) + field(3, 0, variable(type_)))
    index = {token: number for number, (token, _) in enumerate(table)}
    ids = [(40, "<unk>"), (41, "<s>"), (42, "</s>"), (43, "<pad>")]
    trainer = field(3, 0, variable(kind)) + b"".join(field(number, 0, variable(index.get(token, -1))) for number, token in ids)
    content += message(2, trainer)
    content += message(3, message(1, b"identity") + b"".join(field(number, 0, variable(1)) for number in (3, 4, 5)))
    Path(path).write_bytes(content)
    return len(table)
