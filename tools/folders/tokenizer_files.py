"""tokenizer.json with what tokenizer_config.json and the files beside it say besides.

The decision behind `reference` folders: the file decides, what the configuration says explicitly is honoured, and no class makes
a tokenizer anew, though transformers 5 does.
"""

import itertools
import json
import shutil

from case import EITHER, EQUAL, Case
from folders import SERVED, configuration, write_tokenizer
from vocabularies import LONG, TEXTS, byte_pair_json, edit_json, wordpiece_json, write_json

HONOURED = (
    "what the configuration says explicitly is honoured, else the file decides; "
    "transformers 5 makes the tokenizer anew from its class"
)
FLAGS = "tokens that the configuration does not list keep the file's flags; transformers 5 makes <mask> anew without lstrip"
ABSENT = object()
MARKED = [*TEXTS, "Great <x> NEW film <y>", "<x>never NEWER [MASK] <mask> plot", "a[new]b < x > <X>", "the film </s> [SEP] <s>"]


def added(content, **flags):
    return {
        "content": content,
        "lstrip": False,
        "rstrip": False,
        "single_word": False,
        "normalized": False,
        "special": True,
        **flags,
    }


def cases(seed, count):
    yield from bert_settings()
    yield from byte_level_settings()
    yield from added_tokens()
    yield from lengths()
    yield from classes()


def case(name, model_type, change, expect=EQUAL, words=(), decision="", reference=None, texts=MARKED, tokenizer=None):
    """`change` is given the folder; `reference` the folder beside it, of the generic class, that says the same in the file."""

    def make(directory):
        folder = directory / "model"
        tokens = write_tokenizer(folder, model_type)
        write_json(folder / "config.json", configuration(model_type, tokens + 20).to_dict())
        if reference:
            shutil.copytree(folder, directory / "reference")
            edit_json(directory / "reference" / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
            reference(directory / "reference")
        change(folder)

    return Case(
        f"tokenizer/{name}",
        make,
        expect=expect,
        words=words,
        decision=decision,
        ids_only=True,
        texts=texts,
        pairs=[],
        tokenizer=tokenizer or "auto",
    )


def configure(**settings):
    return lambda folder: edit_json(folder / "tokenizer_config.json", **settings)


def bert_settings():
    """Every combination of what file and configuration say of case, accents and Chinese characters."""
    choices = itertools.product([True, False], [ABSENT, True, False], [ABSENT, None, True, False], [ABSENT, False])
    for lower, do_lower, accents, chinese in choices:
        said = {"do_lower_case": do_lower, "strip_accents": accents, "tokenize_chinese_chars": chinese}
        said = {key: value for key, value in said.items() if value is not ABSENT}

        def change(folder, lower=lower, said=said):
            wordpiece_json(folder / "tokenizer.json", lowercase=lower)
            edit_json(folder / "tokenizer_config.json", remove=["do_lower_case"], **said)

        def reference(folder, lower=lower, said=said):
            wordpiece_json(
                folder / "tokenizer.json",
                lowercase=said.get("do_lower_case", lower),
                strip_accents=said.get("strip_accents"),
                handle_chinese_chars=said.get("tokenize_chinese_chars", True),
            )

        name = ",".join(f"{key}={value}" for key, value in said.items()) or "silent"
        # A class whose usual setting is not the file's may be refused, where the configuration is silent.
        silent = do_lower is ABSENT and not lower
        yield case(
            f"bert/{'lower' if lower else 'cased'}/{name}",
            "bert",
            change,
            EITHER if silent else EQUAL,
            ("tokenizer_config.json",) if silent else (),
            decision=HONOURED,
            reference=reference,
        )


def byte_level_settings():
    for prefix, said, trim in itertools.product([True, False], [ABSENT, True, False], [True, False]):
        settings = {} if said is ABSENT else {"add_prefix_space": said}

        def change(folder, prefix=prefix, settings=settings, trim=trim):
            byte_pair_json(folder / "tokenizer.json", prefix, trim)
            edit_json(folder / "tokenizer_config.json", remove=["add_prefix_space"], **settings)

        def reference(folder, prefix=prefix, settings=settings, trim=trim):
            byte_pair_json(folder / "tokenizer.json", settings.get("add_prefix_space", prefix), trim)

        silent = said is ABSENT and prefix
        yield case(
            f"bytes/{'prefix' if prefix else 'none'}{'' if trim else '-untrimmed'}/{'silent' if said is ABSENT else said}",
            "roberta",
            change,
            EITHER if silent else EQUAL,
            ("tokenizer_config.json",) if silent else (),
            decision=HONOURED,
            reference=reference,
        )


def added_tokens():
    """Tokens that the file lacks."""
    for model_type, mask in [
        ("bert", "[MASK]"),
        ("roberta", "<mask>"),
        ("xlm-roberta", "<mask>"),
        ("modernbert", "<mask>"),
        ("distilbert", "[MASK]"),
    ]:

        def decoder(folder, flags={}, name="<x>"):
            content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
            vocabulary = content["model"]["vocab"]
            return {
                str(len(vocabulary)): added(name, **flags),
                str(len(vocabulary) + 1): added("NEW", special=False, normalized=True),
            }

        yield case(
            f"added/{model_type}/decoder",
            model_type,
            lambda folder, d=decoder: edit_json(folder / "tokenizer_config.json", added_tokens_decoder=d(folder)),
            tokenizer="file",
            decision=FLAGS,
        )
        for flag in ("lstrip", "rstrip", "single_word", "normalized"):
            yield case(
                f"added/{model_type}/decoder-{flag}",
                model_type,
                lambda folder, d=decoder, f=flag: edit_json(
                    folder / "tokenizer_config.json", added_tokens_decoder=d(folder, {f: True})
                ),
                tokenizer="file",
                decision=FLAGS,
            )
        yield case(
            f"added/{model_type}/additional_special_tokens", model_type, configure(additional_special_tokens=["<x>", "[new]"])
        )
        yield case(f"added/{model_type}/extra_special_tokens", model_type, configure(extra_special_tokens=["<x>", "[new]"]))
        yield case(
            f"added/{model_type}/extra_special_tokens-named", model_type, configure(extra_special_tokens={"x_token": "<x>"})
        )
        yield case(
            f"added/{model_type}/added_tokens.json",
            model_type,
            lambda folder, d=decoder: write_json(
                folder / "added_tokens.json", {entry["content"]: int(id_) for id_, entry in d(folder).items()}
            ),
        )
        yield case(
            f"added/{model_type}/special_tokens_map",
            model_type,
            lambda folder: write_json(folder / "special_tokens_map.json", {"additional_special_tokens": ["<x>", "[new]"]}),
        )
        yield case(f"added/{model_type}/mask-string", model_type, configure(mask_token=mask))
        yield case(
            f"added/{model_type}/mask-object",
            model_type,
            configure(mask_token={"__type": "AddedToken", **added(mask, lstrip=True)}),
        )
        yield case(f"added/{model_type}/mask-renamed", model_type, configure(mask_token="<y>"), EITHER)
        yield case(f"added/{model_type}/split_special_tokens", model_type, configure(split_special_tokens=True))


def lengths():
    for value in (8, 3, 2, 0, -1, "8", 8.0, 10**30, 1000000000000000019884624838656, 1e30, None, True):
        odd = not isinstance(value, int) or value < 3 or value is True
        yield case(
            f"length/model_max_length={value!r}",
            "bert",
            configure(model_max_length=value),
            EITHER if odd else EQUAL,
            ("model_max_length",) if odd else (),
            texts=["the film", LONG],
        )
    yield case(
        "length/model_max_length-absent",
        "bert",
        lambda folder: edit_json(folder / "tokenizer_config.json", remove=["model_max_length"]),
        texts=["the film", LONG],
    )
    for side in ("left", "right"):
        yield case(f"length/truncation_side={side}", "bert", configure(truncation_side=side, model_max_length=8), texts=[LONG])
    yield case(
        "length/truncation_side=UP",
        "bert",
        configure(truncation_side="UP", model_max_length=8),
        EITHER,
        ("truncation_side",),
        texts=[LONG],
    )
    for direction, side in itertools.product(["Left", "Right"], [ABSENT, "left", "right"]):
        settings = {} if side is ABSENT else {"truncation_side": side}
        truncation = {"direction": direction, "max_length": 5, "strategy": "LongestFirst", "stride": 0}
        yield case(
            f"length/file-truncation-{direction}/{'silent' if side is ABSENT else side}",
            "bert",
            lambda folder, t=truncation, s=settings: (
                edit_json(folder / "tokenizer.json", truncation=t),
                edit_json(folder / "tokenizer_config.json", model_max_length=8, **s),
            ),
            decision="the length is the configuration's, the side the file's where the configuration is silent",
            texts=[LONG],
        )
    padding = {
        "strategy": {"Fixed": 16},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    yield case(
        "length/file-padding",
        "bert",
        lambda folder: edit_json(folder / "tokenizer.json", padding=padding),
        decision="padding in the file is not used",
        texts=["the film"],
    )


def classes():
    names = [
        None,
        "PreTrainedTokenizerFast",
        "TokenizersBackend",
        "PreTrainedTokenizer",
        "BertTokenizerFast",
        "DistilBertTokenizerFast",
        "ElectraTokenizer",
        "OwnTokenizer",
    ]
    for name in names:
        yield case(
            f"class/bert/{name}",
            "bert",
            configure(tokenizer_class=name),
            EITHER if name == "OwnTokenizer" else EQUAL,
            tokenizer="auto",
        )
    yield case(
        "class/bert/absent", "bert", lambda folder: edit_json(folder / "tokenizer_config.json", remove=["tokenizer_class"])
    )
    yield case("class/bert/without-configuration", "bert", lambda folder: (folder / "tokenizer_config.json").unlink())
    for model_type in SERVED:
        yield case(
            f"class/usual/{model_type}",
            model_type,
            lambda folder: None,
            tokenizer="file",
            decision="the file is right, no class makes a tokenizer anew",
        )
        yield case(f"class/generic/{model_type}", model_type, configure(tokenizer_class="PreTrainedTokenizerFast"))
