"""Older files of subwords: vocab.json with merges.txt, SentencePiece models, bpe.codes."""

from case import EITHER, EQUAL, REFUSED
from older_files import beside, both, case, with_files_beside
from tokenizer_files import MARKED
from vocabularies import ROBERTA_SPECIALS, TEXTS, WORDS, byte_pair_files, byte_pairs, sentencepiece_model, unique, write_json


def cases(seed, count):
    yield from byte_level()
    yield from sentencepiece()
    yield from codes()


def byte_level():
    for name, model_type in [
        ("Roberta", "roberta"),
        ("Bart", "roberta"),
        ("Longformer", "roberta"),
        ("RobertaTokenizerFast", "roberta"),
        ("GPT2", "bert"),
        ("Deberta", "deberta-v2"),
        ("Qwen2", "bert"),
    ]:
        class_name = name if name.endswith("Fast") else name + "Tokenizer"
        specials = {
            "Deberta": ["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"],
            "GPT2": ["<a>", "<b>", "<c>", "<d>", "<|endoftext|>"],
            "Qwen2": ["<a>", "<b>", "<c>", "<d>", "<|endoftext|>"],
        }.get(name, ROBERTA_SPECIALS)
        yield case(
            f"merges.txt/class/{class_name}",
            model_type,
            lambda folder, s=specials: byte_pair_files(folder, specials=s),
            settings={"tokenizer_class": class_name},
        )
    for name in ["Clip", "CodeGen", "Blenderbot", "LED", "Own", "Whisper"]:
        yield case(
            f"merges.txt/class/{name}Tokenizer",
            "roberta",
            byte_pair_files,
            EITHER,
            (name,),
            {"tokenizer_class": name + "Tokenizer"},
        )
    yield case("merges.txt/class/Herbert", "bert", herbert, settings={"tokenizer_class": "HerbertTokenizer"})
    yield case("merges.txt/silent", "roberta", byte_pair_files)
    for value in (True, False):
        yield case(f"merges.txt/add_prefix_space={value}", "roberta", byte_pair_files, settings={"add_prefix_space": value})
    yield case("merges.txt/crlf", "roberta", lambda folder: byte_pair_files(folder, newline="\r\n"))
    yield case("merges.txt/without-version", "roberta", lambda folder: byte_pair_files(folder, version=""))
    yield case(
        "merges.txt/unknown-merge",
        "roberta",
        lambda folder: (byte_pair_files(folder), (folder / "merges.txt").open("a").write("qqq zzz\n")),
        REFUSED,
    )
    yield case(
        "merges.txt/alone",
        "roberta",
        lambda folder: (byte_pair_files(folder), (folder / "vocab.json").unlink()),
        REFUSED,
    )
    yield from with_files_beside("merges.txt", "roberta", byte_pair_files, len(byte_pairs()[0]), "<mask>", ("sep_token", "<pad>"))


def word_pairs(words):
    """Byte pairs over characters, whose words end in </w>, that build each word from its left end."""
    pairs = []
    for word in words:
        symbols = [*word[:-1], word[-1] + "</w>"]
        while len(symbols) > 1:
            pairs.append((symbols[0], symbols[1]))
            symbols[:2] = [symbols[0] + symbols[1]]
    return unique(pairs)


def herbert(folder):
    pairs = word_pairs(WORDS)
    characters = unique("".join(WORDS) + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,!?'")
    tokens = unique(
        ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *characters, *(c + "</w>" for c in characters), *(a + b for a, b in pairs)]
    )
    write_json(folder / "vocab.json", {token: index for index, token in enumerate(tokens)})
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in pairs), encoding="utf-8")


def sentencepiece():
    albert = ("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]")
    deberta = ("[PAD]", "[CLS]", "[SEP]", "[UNK]")
    files = [
        ("spiece.model", "albert", "AlbertTokenizer", albert),
        ("spm.model", "deberta-v2", "DebertaV2Tokenizer", deberta),
        ("sentencepiece.bpe.model", "xlm-roberta", "XLMRobertaTokenizer", ("<unk>", "<s>", "</s>")),
        ("sentencepiece.bpe.model", "camembert", "CamembertTokenizer", ("<unk>", "<s>", "</s>")),
        ("sentencepiece.bpe.model", "roberta", "BarthezTokenizer", ("<unk>", "<s>", "</s>")),
    ]
    for file, model_type, name, first in files:

        def write(folder, file=file, first=first):
            return sentencepiece_model(folder / file, first)

        label = f"{file}/{name.removesuffix('Tokenizer')}"
        yield case(f"{label}/plain", model_type, write, settings={"tokenizer_class": name})
        if name != "BarthezTokenizer":
            yield case(f"{label}/silent", model_type, write)
        yield case(f"{label}/fast", model_type, write, settings={"tokenizer_class": name + "Fast"})
        yield case(
            f"{label}/added_tokens.json",
            model_type,
            both(write, beside("added_tokens.json", {"<x>": 700, "NEW": 701})),
            EITHER,
            settings={"tokenizer_class": name},
            texts=MARKED,
        )
        yield case(
            f"{label}/special_tokens_map.json",
            model_type,
            both(write, beside("special_tokens_map.json", {"additional_special_tokens": ["<x>", "[new]"]})),
            settings={"tokenizer_class": name},
            texts=MARKED,
            reference=both(write, beside("special_tokens_map.json", {"extra_special_tokens": ["<x>", "[new]"]})),
            decision="additional_special_tokens are added, as transformers 4 does; 5 forgets them beside a SentencePiece model",
        )
        yield case(
            f"{label}/byte-pairs",
            model_type,
            lambda folder, f=file, s=first: sentencepiece_model(folder / f, s, kind=2),
            EITHER,
            settings={"tokenizer_class": name},
        )
        yield case(
            f"{label}/cut",
            model_type,
            lambda folder, w=write, f=file: (w(folder), (folder / f).write_bytes((folder / f).read_bytes()[:-777])),
            EITHER,
            settings={"tokenizer_class": name},
        )
    for key, value in [("do_lower_case", False), ("keep_accents", True), ("remove_space", False)]:
        yield case(
            f"spiece.model/{key}={value}",
            "albert",
            lambda folder: sentencepiece_model(folder / "spiece.model", albert),
            EITHER if key == "remove_space" else EQUAL,
            settings={"tokenizer_class": "AlbertTokenizer", key: value},
        )
    for key, value in [("do_lower_case", True), ("split_by_punct", True)]:
        yield case(
            f"spm.model/{key}={value}",
            "deberta-v2",
            lambda folder: sentencepiece_model(folder / "spm.model", deberta),
            settings={"tokenizer_class": "DebertaV2Tokenizer", key: value},
        )
    for name in [
        "MBartTokenizer",
        "T5Tokenizer",
        "XLNetTokenizer",
        "RemBertTokenizer",
        "BigBirdTokenizer",
        "FNetTokenizer",
        "OwnTokenizer",
    ]:
        yield case(
            f"spiece.model/class/{name}",
            "albert",
            lambda folder: sentencepiece_model(folder / "spiece.model", albert),
            EITHER,
            (name.removesuffix("Tokenizer"),),
            {"tokenizer_class": name},
        )


def codes():
    """bpe.codes with vocab.txt: PhoBERT, and BERTweet with its normaliser of tweets."""

    def write(folder):
        words = unique([*WORDS, "@USER", "HTTPURL"])
        pairs = word_pairs(words)
        whole = [a + b for a, b in pairs]
        tokens = unique([token.removesuffix("</w>") if token.endswith("</w>") else token + "@@" for token in whole])
        singles = unique("".join(words))
        tokens = unique([*tokens, *singles, *(c + "@@" for c in singles)])
        (folder / "vocab.txt").write_text(
            "".join(f"{token} {900 - index}\n" for index, token in enumerate(tokens)), encoding="utf-8"
        )
        (folder / "bpe.codes").write_text(
            "".join(f"{a} {b} {900 - index}\n" for index, (a, b) in enumerate(pairs)), encoding="utf-8"
        )

    tweets = [
        *TEXTS,
        "@someone see https://example.com/x?y=1 !!!",
        "RT @a: #film is soooo good :) :-( &amp; <3",
        "can't won't it's 10:30 p.m. 1,000.50",
    ]
    yield case("bpe.codes/PhobertTokenizer", "roberta", write, settings={"tokenizer_class": "PhobertTokenizer"}, texts=tweets)
    yield case(
        "bpe.codes/BertweetTokenizer",
        "roberta",
        write,
        settings={"tokenizer_class": "BertweetTokenizer", "normalization": False},
        texts=tweets,
    )
    yield case(
        "bpe.codes/BertweetTokenizer-normalised",
        "roberta",
        write,
        settings={"tokenizer_class": "BertweetTokenizer", "normalization": True},
        texts=tweets,
    )
    yield case(
        "bpe.codes/added_tokens.json",
        "roberta",
        both(write, beside("added_tokens.json", {"<mask>": 900})),
        EITHER,
        settings={"tokenizer_class": "PhobertTokenizer"},
        texts=tweets,
    )
