"""Lines that have broken tokenizers, or might: the same ones in every run."""

import random

SCALARS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000 and c not in (0x0A, 0x0D)]

# What acts on its neighbours, and what looks like it does.
RANGES = {
    "controls": [(0x00, 0x09), (0x0B, 0x0C), (0x0E, 0x1F), (0x7F, 0x9F)],
    "spaces": [(0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x2064), (0x3000, 0x3000), (0xFEFF, 0xFEFF)],
    "letters": [(0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F), (0x370, 0x3FF), (0x400, 0x45F), (0x1E00, 0x1FFF)],
    "digits": [(0x30, 0x39), (0xB2, 0xB3), (0x660, 0x669), (0x966, 0x96F), (0x2160, 0x2188), (0x2460, 0x249B), (0xFF10, 0xFF19)],
    "punctuation": [(0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E), (0xA1, 0xBF), (0x2010, 0x2027), (0x2030, 0x205E), (0x3001, 0x3020)],
    "marks": [(0x300, 0x36F), (0x483, 0x489), (0x591, 0x5C7), (0x64B, 0x65F), (0x1DC0, 0x1DFF), (0x20D0, 0x20F0), (0xFE00, 0xFE0F), (0x1D165, 0x1D172)],
    "indic": [(0x900, 0x97F), (0x980, 0x9E3), (0xB82, 0xBCD), (0xC00, 0xC4D), (0xD00, 0xD4D), (0x1000, 0x104F)],
    "thai": [(0xE01, 0xE4E)],
    "arabic": [(0x600, 0x6FF), (0xFB50, 0xFB60), (0xFE70, 0xFEFC), (0x61C, 0x61C)],
    "hebrew": [(0x5D0, 0x5EA), (0x202A, 0x202E), (0x2066, 0x2069)],
    "ideographs": [(0x4E00, 0x4FFF), (0x3040, 0x30FF), (0xF900, 0xFA20), (0x20000, 0x20040), (0x2F800, 0x2F820)],
    "hangul": [(0x1100, 0x11FF), (0xA960, 0xA97C), (0xAC00, 0xAD00), (0xD7A0, 0xD7FB)],
    "emoji": [(0x1F300, 0x1F64F), (0x1F900, 0x1F9FF), (0x1F1E6, 0x1F1FF), (0x200D, 0x200D), (0x1F3FB, 0x1F3FF), (0x2600, 0x27BF), (0xA9, 0xA9), (0xAE, 0xAE)],
    "compatible": [(0xFB00, 0xFB06), (0xFF01, 0xFF9F), (0x2100, 0x214F), (0x3200, 0x33FF), (0x1D400, 0x1D7FF)],
    "private": [(0xE000, 0xE020), (0xF0000, 0xF0010)],
    "unassigned": [(0x378, 0x379), (0xFFF0, 0xFFFF), (0xE01F0, 0xE0200), (0x10FFF0, 0x10FFFF)],
}
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"


def scalar(generator, ranges):
    first, last = generator.choice(ranges)
    return chr(generator.randint(first, last))


def sequences(generator):
    names = list(RANGES)
    for _ in range(60_000):
        chosen = [RANGES[name] for name in generator.sample(names, generator.randint(1, 4))]
        yield "".join(scalar(generator, generator.choice(chosen)) for _ in range(generator.randint(1, 24)))
    # Marks in every order, between letters that compose with them.
    for _ in range(20_000):
        yield "".join(
            generator.choice("aeiouAEIOUcnsy\u00e9\u1ebd\u03b1\u0915\u1100\u1161\u11a8\uac00 ")
            + "".join(scalar(generator, RANGES["marks"]) for _ in range(generator.randint(0, 5)))
            for _ in range(generator.randint(1, 5)))


def awkward():
    yield from ["", " ", "  ", "\t", "\u3000", "\u2581", "\u2581\u2581a\u2581 b", "a  b   c", " a ", "\u00a0a\u00a0"]
    yield from [FAMILY, FAMILY * 3, "\U0001f1e9\U0001f1ea" * 3, "1\ufe0f\u20e3", "\u2764\ufe0f\u200d\U0001f525"]
    yield from ["don't DON'T I'll we've they'RE 'S 's ''s 't", "\u2019s", "a'b'c'", "'", "''", "``quoted''", "1st 2nd 3,000.50"]
    yield from ["\u200fabc\u200e \u202eabc\u202c \u0627\u0644\u0644\u063a\u0629 \u05e9\u05dc\u05d5\u05dd", "\ufeffbom"]
    yield from ["<s></s><pad><unk><mask> [CLS][SEP][PAD][UNK][MASK] <|endoftext|> <|padding|>", "a [MASK] b", "a[MASK] b", "x <mask>y", "  <mask>  "]
    yield from ["|||IP_ADDRESS||| |||EMAIL_ADDRESS|||", "<0x0A> <0xff>", " " * 23 + "x" + " " * 24 + "y" + " " * 50]
    for letter in ["a", "\u00e9", "\u4e00", "\U0001f600", " ", "1", "!", "ab", "a\u0301", "\u0e01\u0e33", "\u2581", "\ud55c", "l'", "aA"]:
        yield letter * 100_000
    yield "".join(chr(0x61 + i * i % 26) for i in range(100_000))
    yield "".join(chr(0x4E00 + i * i % 5000) for i in range(100_000))


def invalid(generator):
    """Bytes that are not UTF-8: each is replaced, by the rule of the standard, before either side sees it."""
    for _ in range(3000):
        parts = [b"caf\xc3\xa9", b" ", b"\xff", b"\xc3", b"\xe4\xb8", b"\xf0\x9f\x98", b"\xf0\x9f\x98\x80", b"\x80\x80", b"\xed\xa0\x80", b"\xc0\xaf", b"abc"]
        yield b"".join(generator.choices(parts, k=generator.randint(1, 8)))


def lines():
    generator = random.Random(7)
    # A combining mark alone, behind a letter, behind a blank: it is not the same thing.
    yield from (chr(c).encode() for c in SCALARS)
    yield from (("a" + chr(c) + "b " + chr(c) + " 1" + chr(c) + chr(c)).encode() for c in SCALARS if c < 0x20000 or c >= 0xE0000 and c < 0xE0200)
    yield from (text.encode() for text in sequences(generator))
    yield from (text.encode() for text in awkward())
    yield from invalid(generator)


def over_alphabet(vocabulary, count=20_000):
    """Random strings of a tokenizer's own tokens and characters."""
    generator = random.Random(11)
    clean = [token.replace("##", "").replace("\u0120", " ").replace("\u2581", " ").replace("\u010a", "") for token in sorted(vocabulary)]
    clean = [token for token in clean if "\n" not in token and "\r" not in token]
    characters = sorted({character for token in clean for character in token})
    for _ in range(count):
        pieces = generator.choices(clean, k=generator.randint(1, 12)) + generator.choices(characters, k=generator.randint(0, 12))
        generator.shuffle(pieces)
        yield (generator.choice(["", " "]).join(pieces)).encode()
