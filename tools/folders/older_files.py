"""The files of before tokenizer.json: vocab.txt, and what lies beside any of them. `older_subwords` has the other kinds."""

from case import EITHER, EQUAL, REFUSED, Case
from folders import configuration
from tokenizer_files import MARKED, added
from vocabularies import TEXTS, wordpiece_tokens, write_json

# The classes of vocab.txt that give the same ids as BERT's, and others that must not be taken for it.
LIKE_BERT = (
    "Bert DistilBert Electra MobileBert ConvBert SqueezeBert LayoutLM Splinter DPRQuestionEncoder DPRContextEncoder DPRReader"
).split()
UNLIKE_BERT = (
    "BertJapanese Bertweet Phobert RoFormer RoCBert Realm Funnel Lxmert RetriBert ProphetNet Tapas CpmAnt Esm Canine XLM FSMT "
    "Flaubert"
).split()


def case(name, model_type, write, expect=EQUAL, words=(), settings=None, texts=TEXTS, reference=None, decision=""):
    """`write` is given the folder and writes the tokenizer's files; so does `reference` beside it."""

    def make(directory):
        for folder, action in [(directory / "model", write), (directory / "reference", reference)]:
            if action:
                write_json(folder / "config.json", configuration(model_type, 900).to_dict())
                write_json(folder / "tokenizer_config.json", {"model_max_length": 40, **(settings or {})})
                action(folder)

    return Case(f"older/{name}", make, expect=expect, words=words, ids_only=True, texts=texts, pairs=[], decision=decision)


def vocabulary(tokens=None, newline="\n", start="", end="\n"):
    content = start + newline.join(tokens or wordpiece_tokens()) + end
    return lambda folder: (folder / "vocab.txt").write_bytes(content.encode())


def both(*actions):
    return lambda folder: [action(folder) for action in actions]


def beside(name, content):
    return lambda folder: write_json(folder / name, content)


def cases(seed, count):
    tokens = wordpiece_tokens()
    for name in LIKE_BERT:
        for ending in ("Tokenizer", "TokenizerFast"):
            model_type = {"DistilBert": "distilbert", "Electra": "electra", "SqueezeBert": "squeezebert"}.get(name, "bert")
            yield case(f"vocab.txt/class/{name}{ending}", model_type, vocabulary(), settings={"tokenizer_class": name + ending})
    for name in UNLIKE_BERT:
        yield case(
            f"vocab.txt/class/{name}Tokenizer", "bert", vocabulary(), REFUSED, (name,), {"tokenizer_class": name + "Tokenizer"}
        )
    yield case("vocab.txt/class/OwnTokenizer", "bert", vocabulary(), REFUSED, ("Own",), {"tokenizer_class": "OwnTokenizer"})
    yield case("vocab.txt/class/silent", "bert", vocabulary())
    yield case(
        "vocab.txt/class/without-configuration",
        "bert",
        both(vocabulary(), lambda folder: (folder / "tokenizer_config.json").unlink()),
    )
    for key, value in [
        ("do_lower_case", False),
        ("strip_accents", False),
        ("strip_accents", True),
        ("tokenize_chinese_chars", False),
        ("never_split", ["film"]),
        ("do_basic_tokenize", False),
    ]:
        odd = key in ("never_split", "do_basic_tokenize")
        yield case(
            f"vocab.txt/{key}={value}",
            "bert",
            vocabulary(),
            EITHER if odd else EQUAL,
            settings={"tokenizer_class": "BertTokenizer", key: value},
        )

    mpnet = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>", *tokens[5:]]
    yield case("vocab.txt/mpnet", "mpnet", vocabulary(mpnet), settings={"tokenizer_class": "MPNetTokenizer"})
    yield case("vocab.txt/mpnet-silent", "mpnet", vocabulary(mpnet))

    # Line ends, blanks and other odd lines.
    yield case("vocab.txt/crlf", "bert", vocabulary(newline="\r\n", end="\r\n"))
    yield case("vocab.txt/without-last-newline", "bert", vocabulary(end=""))
    yield case("vocab.txt/byte-order-mark", "bert", vocabulary(start="\ufeff"), EITHER)
    yield case("vocab.txt/blank-last-line", "bert", vocabulary(end="\n\n"))
    yield case("vocab.txt/blank-line", "bert", vocabulary([*tokens[:50], "", *tokens[50:]]))
    yield case("vocab.txt/twice", "bert", vocabulary([*tokens, "the", "zzz"]))
    yield case("vocab.txt/trailing-blank", "bert", vocabulary([*tokens[:60], "zzz ", *tokens[60:]]))
    yield case("vocab.txt/no-break-space", "bert", vocabulary([*tokens[:60], "\u00a0", "\u2028", "\u3000", "\x0c", *tokens[60:]]))
    yield case("vocab.txt/without-mask", "bert", vocabulary([t for t in tokens if t != "[MASK]"]))
    yield case("vocab.txt/without-padding", "bert", vocabulary([t for t in tokens if t != "[PAD]"]))
    yield case("vocab.txt/without-cls", "bert", vocabulary([t for t in tokens if t != "[CLS]"]), REFUSED, ("[CLS]",))
    yield case("vocab.txt/without-unk", "bert", vocabulary([t for t in tokens if t != "[UNK]"]), REFUSED, ("[UNK]",))
    yield case("vocab.txt/empty", "bert", lambda folder: (folder / "vocab.txt").write_text(""), REFUSED)

    yield from with_files_beside("vocab.txt", "bert", vocabulary(), len(tokens), "[MASK]", ("cls_token", "[SEP]"))


def with_files_beside(name, model_type, write, count, mask, renamed):
    new = {"<x>": count, "NEW": count + 1}
    key, value = renamed

    def more(label, action, settings=None, expect=EQUAL):
        return case(f"{name}/{label}", model_type, both(write, action), expect, settings=settings, texts=MARKED)

    def nothing(folder):
        pass

    yield more("added_tokens.json", beside("added_tokens.json", new))
    yield more("special_tokens_map.json", beside("special_tokens_map.json", {"additional_special_tokens": ["<x>", "[new]"]}))
    yield more(
        "special_tokens_map.json-flags",
        beside("special_tokens_map.json", {"additional_special_tokens": ["<x>"], "mask_token": added(mask, lstrip=True)}),
    )
    yield more(
        "both-beside",
        both(beside("added_tokens.json", new), beside("special_tokens_map.json", {"additional_special_tokens": ["<x>"]})),
    )
    yield more(
        "added-and-decoder", beside("added_tokens.json", new), {"added_tokens_decoder": {str(count): added("<x>")}}, EITHER
    )
    yield more(
        "decoder",
        nothing,
        {"added_tokens_decoder": {str(count): added("<x>"), str(count + 1): added("NEW", special=False, normalized=True)}},
    )
    yield more("additional_special_tokens", nothing, {"additional_special_tokens": ["<x>", "[new]"]})
    yield more("renamed", beside("special_tokens_map.json", {key: value}), None, EITHER)
