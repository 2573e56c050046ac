"""Thirty kinds of text that are slow, large or awkward for some tokenizer. Each function makes at least `count` bytes."""

import random


def repeated(part):
    part = part.encode() if isinstance(part, str) else part
    return lambda count: part * (count // len(part) + 1)


def after(start, part):
    return lambda count: start.encode() + repeated(part)(count)


def drawn(parts, between=""):
    """Parts in random order; a stretch of a megabyte repeats."""

    def make(count):
        generator = random.Random(14)
        stretch = bytearray()
        while len(stretch) < min(count, 1_000_000):
            stretch += (generator.choice(parts) + between).encode()
        return bytes(stretch) * (count // len(stretch) + 1)

    return make


def scalars(first, last):
    return [chr(value) for value in range(first, last + 1)]


MARKS = ["\u0301", "\u0316", "\u0334", "\u0345", "\u05b0", "\u0327", "\u0323", "\u20d0"]
ADDED = ["[MASK]", "[SEP]", "[CLS]", "[PAD]", "[UNK]", "<mask>", "<s>", "</s>", "<pad>", "<unk>", "<|endoftext|>"]
LETTERS = scalars(0x61, 0x7A)

KINDS = {
    "combining marks": after("x", "".join(MARKS)),
    "marks in random order": drawn(MARKS),
    "Zalgo": drawn([letter + mark * 9 for letter in LETTERS for mark in MARKS]),
    "one long word": drawn(LETTERS),
    "one letter": repeated("a"),
    "two letters": repeated("ab"),
    "the longest word": repeated("a" * 99 + " "),
    "blanks": repeated(" "),
    "blanks of all kinds": drawn(["\u00a0", "\u3000", "\u2003", "\t", "\r", " "]),
    "newlines": repeated("\n"),
    "carriage returns": repeated("\r\n"),
    "alternating scripts": repeated("aя中אع한"),
    "ideographs": drawn(scalars(0x4E00, 0x9FFF)),
    "rare ideographs": drawn(scalars(0x20000, 0x20FFF)),
    "syllables": drawn(scalars(0xAC00, 0xD7A3)),
    "jamo": drawn(scalars(0x1100, 0x1112) + scalars(0x1161, 0x1175) + scalars(0x11A8, 0x11C2)),
    "emoji": drawn(["\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\U0001f1e9\U0001f1ea", "1\ufe0f\u20e3", "\U0001f44d\U0001f3fd", "\u2764\ufe0f"]),
    "ligatures of a sentence": repeated("\ufdfa"),
    "squared words": drawn(scalars(0x3300, 0x3357)),
    "not UTF-8": repeated(b"\xff\xc3a\xe4\xb8 \xf0\x9f\x98\x80\x80\xed\xa0\x80"),
    "continuation bytes": repeated(b"\x80"),
    "punctuation": drawn([chr(value) for value in range(0x21, 0x7F) if not chr(value).isalnum()]),
    "one mark of punctuation": repeated("!"),
    "digits": drawn(list("0123456789")),
    "added tokens": drawn(ADDED),
    "almost added tokens": drawn([token[:-1] for token in ADDED] + ["[", "<", "[MASK ]"]),
    "brackets": repeated("<"),
    "soft hyphens": repeated("a\u00ad\u200b"),
    "right to left": drawn(scalars(0x5D0, 0x5EA) + scalars(0x620, 0x64A) + ["\u202e", "\u064b"], ""),
    "contractions": drawn(["don't", "'s", "'ll", "''", "'RE", " n't "]),
    "addresses": drawn(["https://t.co/AbC123", "www.example.com/a(b(c)d)?e=f", "@user_name", "#tag-with-hyphens", "name@example.co.uk", "1-800-555-0199"], " "),
    "dotted words": repeated("a.b-c."),
    "at signs": repeated("@a"),
    "parentheses": repeated("http://a("),
    "entities": drawn(["&amp;", "&#x1F600;", "&#8217;", "&notanentity;", "&", "&#"]),
    "capitals with accents": drawn(["\u0130", "\u1e9e", "\u01c5", "\u0390", "\u1f88", "\u00c5", "\u212b"]),
    "private and unassigned": drawn(scalars(0xE000, 0xE0FF) + scalars(0x378, 0x379) + ["\U0010fffd"]),
    "controls": drawn(scalars(0x00, 0x09) + scalars(0x0B, 0x0C) + scalars(0x0E, 0x1F) + scalars(0x7F, 0x9F)),
    "words": drawn(["the", "film", "transporting", "stirring,", "unbelievable", "A", "of", "1999"], " "),
}
