"""Random folders of the files of before tokenizer.json: every class that is served, its settings, and what may lie beside it."""

import json
import random

from case import Case
from folders import configuration
from older_subwords import herbert
from tokenizer_files import MARKED
from vocabularies import byte_pair_files, sentencepiece_model, wordpiece_tokens, write_json

BERT_FLAGS = ["do_lower_case", "strip_accents", "tokenize_chinese_chars"]
FAIRSEQ = {"bos": "<s>", "eos": "</s>", "unk": "<unk>", "sep": "</s>", "pad": "<pad>", "cls": "<s>", "mask": "<mask>"}
BRACKETS = {"unk": "[UNK]", "sep": "[SEP]", "pad": "[PAD]", "cls": "[CLS]", "mask": "[MASK]"}
END = "<|endoftext|>"
HOSTILE = [
    *MARKED,
    "don't WE'LL ``b'' 3,000 10, x.y",
    "e\u0301 \u1e9b\u0323 \ufb01 \u2460 I\u0307 \u0130",
    "\u00a0a\u00a0b\u3000c \u200b\u2028d",
    "film é FILM É the",
    f"{END} a {END}b [QUESTION] .",
    "\u2581a \u2581 b  c",
    "  <x>  NEW  <mask>  [MASK]  ",
]


def vocabulary(*specials):
    def write(folder):
        tokens = [*specials, *(token for token in wordpiece_tokens()[5:] if token not in specials)]
        (folder / "vocab.txt").write_text("".join(token + "\n" for token in tokens), encoding="utf-8")

    return write


def pairs(*specials):
    return lambda folder: byte_pair_files(folder, specials=list(specials))


def pieces(file, *first):
    return lambda folder: sentencepiece_model(folder / file, first)


# What writes the vocabulary, the classes that read it, the type of model, the names of special tokens, the settings of the class.
KINDS = {
    "bert": (
        vocabulary(*BRACKETS.values()),
        ["Bert", "DistilBert", "Electra", "MobileBert", "ConvBert", "SqueezeBert", "LayoutLM"],
        "bert",
        BRACKETS,
        BERT_FLAGS,
    ),
    "mpnet": (
        vocabulary("<s>", "<pad>", "</s>", "[UNK]", "<mask>"),
        ["MPNet"],
        "mpnet",
        {**FAIRSEQ, "unk": "[UNK]"},
        BERT_FLAGS,
    ),
    "splinter": (vocabulary(*BRACKETS.values(), "[QUESTION]", "."), ["Splinter"], None, BRACKETS, BERT_FLAGS),
    "roberta": (
        pairs("<s>", "<pad>", "</s>", "<unk>", "<mask>"),
        ["Roberta", "Bart", "LED", "Longformer", "Mvp"],
        "roberta",
        FAIRSEQ,
        ["add_prefix_space"],
    ),
    "deberta": (pairs("[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"), ["Deberta"], None, BRACKETS, ["add_prefix_space"]),
    "gpt2": (
        pairs("<a>", "<b>", END),
        ["GPT2"],
        None,
        dict.fromkeys(["bos", "eos", "unk"], END),
        ["add_prefix_space", "add_bos_token", "add_eos_token"],
    ),
    "qwen2": (pairs("<a>"), ["Qwen2"], None, dict.fromkeys(["eos", "unk", "pad"], END), ["add_prefix_space"]),
    "herbert": (herbert, ["Herbert"], None, {key: FAIRSEQ[key] for key in ("unk", "sep", "pad", "cls", "mask")}, []),
    "albert": (
        pieces("spiece.model", "<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"),
        ["Albert"],
        "albert",
        {**BRACKETS, "unk": "<unk>", "pad": "<pad>"},
        ["do_lower_case", "keep_accents", "add_prefix_space"],
    ),
    "deberta-v2": (
        pieces("spm.model", "[PAD]", "[CLS]", "[SEP]", "[UNK]"),
        ["DebertaV2"],
        "deberta-v2",
        BRACKETS,
        ["do_lower_case", "split_by_punct", "add_prefix_space"],
    ),
    "xlm-roberta": (
        pieces("sentencepiece.bpe.model", "<unk>", "<s>", "</s>"),
        ["XLMRoberta"],
        "xlm-roberta",
        FAIRSEQ,
        ["add_prefix_space"],
    ),
    "camembert": (
        pieces("sentencepiece.bpe.model", "<unk>", "<s>", "</s>"),
        ["Camembert"],
        "camembert",
        FAIRSEQ,
        ["add_prefix_space"],
    ),
    "barthez": (
        pieces("sentencepiece.bpe.model", "<s>", "<pad>", "</s>", "<unk>", "<mask>"),
        ["Barthez"],
        None,
        FAIRSEQ,
        ["add_prefix_space"],
    ),
}


def cases(seed, count):
    for kind in KINDS:
        for number in range(max(1, count // (3 * len(KINDS)))):
            yield case(kind, number, seed)


def case(kind, number, seed):
    draw = random.Random(f"{seed} {kind} {number}")
    write, classes, model_type, specials, flags = KINDS[kind]
    settings = {"model_max_length": draw.choice([40, 40, 12])}
    config = configuration(model_type or "bert", 100_000).to_dict()
    where = draw.choice(["tokenizer_config.json", "config.json", "type"]) if model_type else "tokenizer_config.json"
    name = draw.choice(classes) + draw.choice(["Tokenizer", "TokenizerFast"])
    if where != "type":
        (settings if where == "tokenizer_config.json" else config)["tokenizer_class"] = name
    for flag in flags:
        if draw.random() < 0.4:
            settings[flag] = draw.choice([True, False] + [None] * (flag == "strip_accents"))
    beside = files_beside(draw, specials, settings, kind in ("albert", "deberta-v2", "xlm-roberta", "camembert", "barthez"))

    def make(directory):
        folder = directory / "model"
        write_json(folder / "config.json", config)
        write_json(folder / "tokenizer_config.json", settings)
        for file, content in beside.items():
            write_json(folder / file, content)
        write(folder)

    note = f"{name} in {where}, {json.dumps(settings)}, {json.dumps(beside)}"
    return Case(f"random-tokenizer/{kind}/{number}", make, texts=HOSTILE, pairs=[], ids_only=True, note=note)


def files_beside(draw, specials, settings, is_sentencepiece):
    """The files by name. `settings` get what is theirs."""

    def flags(text):
        odds = {"lstrip": 0.3, "normalized": 0.3, "rstrip": 0.15, "single_word": 0.15}
        return {"content": text, **{key: draw.random() < chance for key, chance in odds.items()}}

    # Behind any vocabulary: whatever the files say, the reference gives the next one.
    count = 5000
    beside = {}
    named = {f"{key}_token": text if draw.random() < 0.6 else flags(text) for key, text in specials.items() if draw.random() < 0.3}
    if draw.random() < 0.6:
        settings.update({key: x if isinstance(x, str) else {"__type": "AddedToken", **x, "special": True} for key, x in named.items()})
    new = draw.sample(["<x>", "NEW", "[new]", "é", "<y>"], draw.randint(0, 4))
    if draw.random() < 0.4:
        key, extra = draw.choice(["additional_special_tokens", "extra_special_tokens"]), draw.sample(["<x>", "[new]", "<y>"], 2)
        # transformers 5 forgets those that only the map lists beside a SentencePiece model.
        (settings if is_sentencepiece or draw.random() < 0.5 else named)[key] = extra
    place = draw.random()
    if place < 0.3:
        settings["added_tokens_decoder"] = {
            str(count + number): {**flags(text), "special": draw.random() < 0.5} for number, text in enumerate(new)
        }
    elif place < 0.7 and new:
        beside["added_tokens.json"] = {text: count + number for number, text in enumerate(new)}
    if named and draw.random() < 0.6:
        beside["special_tokens_map.json"] = named
    if draw.random() < 0.12:
        settings["split_special_tokens"] = True
    if draw.random() < 0.15:
        settings["truncation_side"] = draw.choice(["left", "right"])
    return beside

