"""Folders with something else in place of what should be there: each is to be told by name in one line. And what JSON allows."""

import shutil

import torch
from safetensors.torch import load_file

from case import EITHER, EQUAL, REFUSED, Case
from folders import seed_of, write_model
from vocabularies import edit_json, write_json

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 438000000\n"
PAGE = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Not found</body></html>\n"
TEXTS = ["the film was slow and clever", ""]


def cases(seed, count):
    def case(name, change, expect=REFUSED, words=(), decision="", reference=False):
        def make(directory):
            write_model(directory / "model", seed=seed_of("messages", seed))
            if reference:
                shutil.copytree(directory / "model", directory / "reference")
            change(directory / "model")

        return Case(f"message/{name}", make, expect=expect, words=words, decision=decision, texts=TEXTS, pairs=[])

    for file in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        yield case(f"git-lfs/{file}", lambda folder, f=file: (folder / f).write_text(POINTER), words=(file, "git lfs"))
        yield case(f"html/{file}", lambda folder, f=file: (folder / f).write_text(PAGE), words=(file, "HTML"))
    for text, name in [(POINTER, "git-lfs"), (PAGE, "html")]:
        yield case(
            f"{name}/pytorch_model.bin",
            lambda folder, t=text: ((folder / "model.safetensors").unlink(), (folder / "pytorch_model.bin").write_text(t)),
            words=("pytorch_model.bin", "git lfs" if name == "git-lfs" else "HTML"),
        )
    for file in ("config.json", "model.safetensors", "tokenizer.json"):
        yield case(
            f"missing/{file}",
            lambda folder, f=file: (folder / f).unlink(),
            words=(file,) if file != "tokenizer.json" else ("tokenizer",),
        )
    for name, files in [
        ("tensorflow", ["tf_model.h5"]),
        ("flax", ["flax_model.msgpack"]),
        ("onnx", ["onnx/model.onnx"]),
        ("gguf", ["model.gguf"]),
    ]:
        yield case(f"only/{name}", lambda folder, f=files: other_weights(folder, f), words=(files[0].split("/")[-1],))
    yield case("adapter-alone", adapter, words=("adapter", "someone/base"))
    yield case(
        "quantised/bitsandbytes",
        lambda folder: edit_json(
            folder / "config.json", quantization_config={"load_in_8bit": True, "quant_method": "bitsandbytes"}
        ),
        words=("quantization_config",),
    )
    yield case("quantised/null", lambda folder: edit_json(folder / "config.json", quantization_config=None), EQUAL)
    yield case(
        "auto_map",
        lambda folder: edit_json(folder / "config.json", auto_map={"AutoModelForSequenceClassification": "modeling_own.Own"}),
        EQUAL,
    )
    yield case(
        "auto_map-unknown-type",
        lambda folder: edit_json(folder / "config.json", model_type="own", auto_map={"AutoConfig": "configuration_own.Own"}),
        words=("model_type", "own"),
    )
    yield case(
        "tokenizer-auto_map",
        lambda folder: edit_json(
            folder / "tokenizer_config.json",
            auto_map={"AutoTokenizer": [None, "tokenization_own.Own"]},
            tokenizer_class="OwnTokenizer",
        ),
        EITHER,
        ("OwnTokenizer",),
        reference=True,
        decision="the file is right whatever the class is called",
    )

    # What JSON and its readers make of a file.
    yield case("json/crlf", lambda folder: rewrite(folder, lambda text: text.replace("\n", "\r\n")), EQUAL)
    yield case("json/byte-order-mark", lambda folder: rewrite(folder, lambda text: "\ufeff" + text), words=("config.json",))
    yield case("json/comment", lambda folder: rewrite(folder, lambda text: "// a comment\n" + text), words=("config.json",))
    yield case(
        "json/trailing-comma",
        lambda folder: rewrite(folder, lambda text: text.rstrip()[:-1].rstrip() + ",\n}\n"),
        words=("config.json",),
    )
    yield case(
        "json/twice", lambda folder: rewrite(folder, lambda text: text.replace("{", '{\n  "hidden_act": "relu",', 1)), EQUAL
    )
    yield case("json/nan-unused", lambda folder: rewrite(folder, lambda text: text.replace("{", '{\n  "unused": NaN,', 1)), EQUAL)
    yield case(
        "json/nan-used", lambda folder: edit_json(folder / "config.json", layer_norm_eps=float("nan")), words=("config.json",)
    )
    yield case("json/infinity-unused", lambda folder: edit_json(folder / "config.json", unused=float("-inf")), EQUAL)
    yield case("json/big-integer", lambda folder: edit_json(folder / "config.json", unused=10**40), EQUAL)
    yield case("json/array", lambda folder: (folder / "config.json").write_text("[]"), words=("config.json",))
    yield case("json/empty", lambda folder: (folder / "config.json").write_text(""), words=("config.json",))
    yield case("json/cut", lambda folder: rewrite(folder, lambda text: text[: len(text) // 2]), words=("config.json",))
    yield case(
        "json/utf-16",
        lambda folder: (folder / "config.json").write_bytes((folder / "config.json").read_text().encode("utf-16")),
        words=("config.json",),
    )
    yield case("json/tokenizer-empty", lambda folder: (folder / "tokenizer.json").write_text(""), words=("tokenizer.json",))
    yield case(
        "json/tokenizer-configuration-cut",
        lambda folder: (folder / "tokenizer_config.json").write_text("{"),
        words=("tokenizer_config.json",),
    )


def rewrite(folder, change):
    path = folder / "config.json"
    path.write_bytes(change(path.read_text(encoding="utf-8")).encode("utf-8"))


def other_weights(folder, files):
    (folder / "model.safetensors").unlink()
    for name in files:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))


def adapter(folder):
    tensors = load_file(folder / "model.safetensors")
    for file in ("config.json", "model.safetensors"):
        (folder / file).unlink()
    write_json(
        folder / "adapter_config.json",
        {
            "peft_type": "LORA",
            "base_model_name_or_path": "someone/base",
            "r": 4,
            "task_type": "SEQ_CLS",
            "target_modules": ["query", "value"],
        },
    )
    torch.save(
        {"base_model.model." + name: value for name, value in tensors.items() if "classifier" in name},
        folder / "adapter_model.bin",
    )
