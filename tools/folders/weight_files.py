"""Weights as they lie in folders: element types, names, shards, pickles new and old, files that are not what they are called."""

import collections
import shutil

import torch
from safetensors.torch import load_file, save_file

from case import EITHER, EQUAL, REFUSED, Case
from folders import seed_of, write_model
from vocabularies import edit_json, write_json

SINGLE, PICKLED = "model.safetensors", "pytorch_model.bin"


def cases(seed, count):
    def case(name, change, expect=EQUAL, words=(), model_type="bert", reference=False, decision="", remove=(SINGLE,)):
        """`change` is given the folder and its tensors, and writes the weights; `reference` keeps the plain folder beside it."""

        def make(directory):
            folder = directory / "model"
            write_model(folder, model_type, seed=seed_of("weights", seed))
            if reference:
                shutil.copytree(folder, directory / "reference")
            tensors = load_file(folder / SINGLE)
            for file in remove:
                (folder / file).unlink()
            change(folder, tensors)

        return Case(f"weights/{name}", make, expect=expect, words=words, decision=decision, texts=TEXTS, pairs=[])

    for name, dtype in [("f16", torch.float16), ("bf16", torch.bfloat16), ("f64", torch.float64)]:
        yield case(f"safetensors-{name}", lambda folder, tensors, d=dtype: save(folder, {k: v.to(d) for k, v in tensors.items()}))
        yield case(
            f"pickle-{name}",
            lambda folder, tensors, d=dtype: torch.save({k: v.to(d) for k, v in tensors.items()}, folder / PICKLED),
        )
        yield case(
            f"old-pickle-{name}", lambda folder, tensors, d=dtype: save_old(folder, {k: v.to(d) for k, v in tensors.items()})
        )
    yield case("safetensors-mixed", lambda folder, tensors: save(folder, mixed(tensors)))
    yield case("safetensors-without-metadata", lambda folder, tensors: save_file(tensors, folder / SINGLE))
    for kind in (torch.int8, torch.float8_e4m3fn):
        name = str(kind).removeprefix("torch.")
        yield case(
            f"safetensors-{name}",
            lambda folder, tensors, k=kind: save(folder, {**tensors, "classifier.weight": tensors["classifier.weight"].to(k)}),
            REFUSED,
            ("classifier.weight",),
        )

    # Names.
    for old, new in [("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta")]:
        yield case(f"names-{new}", lambda folder, tensors, o=old, n=new: save(folder, renamed(tensors, o, n)))
    for prefix in ("module.", "_orig_mod.", "module._orig_mod."):
        yield case(
            f"names-{prefix}",
            lambda folder, tensors, p=prefix: save(folder, {p + k: v for k, v in tensors.items()}),
            reference=True,
            decision="DataParallel's and torch.compile's prefixes are taken off; the reference loads random weights",
        )
    yield case(
        "names-model.", lambda folder, tensors: save(folder, {"model." + k: v for k, v in tensors.items()}), REFUSED, ("missing",)
    )
    yield case("names-without-prefix", lambda folder, tensors: save(folder, renamed(tensors, "bert.", "")))
    yield case(
        "names-more",
        lambda folder, tensors: save(
            folder, {**tensors, "bert.embeddings.position_ids": torch.arange(40)[None], "cls.predictions.bias": torch.zeros(9)}
        ),
    )
    yield case(
        "names-more-layers",
        lambda folder, tensors: save(
            folder, {**tensors, **renamed({k: v.clone() for k, v in tensors.items() if "layer.1." in k}, "layer.1.", "layer.2.")}
        ),
    )
    yield case(
        "names-without-bias",
        lambda folder, tensors: save(folder, {k: v for k, v in tensors.items() if k != "classifier.bias"}),
        REFUSED,
        ("classifier.bias",),
    )
    yield case(
        "names-without-layer",
        lambda folder, tensors: save(folder, {k: v for k, v in tensors.items() if "layer.1." not in k}),
        REFUSED,
        ("layer.1",),
    )
    yield case(
        "names-none-fit",
        lambda folder, tensors: save(folder, {f"x.{index}": v for index, v in enumerate(tensors.values())}),
        REFUSED,
        ("missing",),
    )
    yield case(
        "shape",
        lambda folder, tensors: save(folder, {**tensors, "classifier.weight": tensors["classifier.weight"][:, 1:].contiguous()}),
        REFUSED,
        ("classifier.weight",),
    )
    for name, value in [("nan", float("nan")), ("infinity", float("inf"))]:
        yield case(
            name,
            lambda folder, tensors, v=value: save(folder, {**tensors, "classifier.bias": torch.full((3,), v)}),
            REFUSED,
            ("not a finite",),
        )

    # Several files.
    yield case("shards", shards)
    yield case("shards-pickled", lambda folder, tensors: shards(folder, tensors, "pytorch_model", ".bin", torch.save))
    yield case(
        "shards-one-missing",
        lambda folder, tensors: (shards(folder, tensors), (folder / "model-00002-of-00003.safetensors").unlink()),
        REFUSED,
        ("model-00002",),
    )
    yield case(
        "both-kinds",
        lambda folder, tensors: (save(folder, tensors), torch.save({k: v * 2 for k, v in tensors.items()}, folder / PICKLED)),
    )
    yield case(
        "index-beside-single",
        lambda folder, tensors: (shards(folder, {k: v * 2 for k, v in tensors.items()}), save(folder, tensors)),
    )
    yield case(
        "transformers_weights",
        lambda folder, tensors: (
            save(folder, tensors, "other.safetensors"),
            edit_json(folder / "config.json", transformers_weights="other.safetensors"),
        ),
    )
    yield case(
        "transformers_weights-beside-usual",
        lambda folder, tensors: (
            save(folder, tensors, "other.safetensors"),
            save(folder, {k: v * 2 for k, v in tensors.items()}),
            edit_json(folder / "config.json", transformers_weights="other.safetensors"),
        ),
    )
    yield case(
        "transformers_weights-missing",
        lambda folder, tensors: (
            save(folder, tensors),
            edit_json(folder / "config.json", transformers_weights="other.safetensors"),
        ),
        REFUSED,
        ("other.safetensors",),
    )
    yield case(
        "variant", lambda folder, tensors: save(folder, tensors, "model.fp16.safetensors"), REFUSED, ("model.safetensors",)
    )

    # Pickles.
    yield case("pickle", lambda folder, tensors: torch.save(tensors, folder / PICKLED))
    for protocol in (3, 4, 5):
        yield case(
            f"pickle-protocol-{protocol}",
            lambda folder, tensors, p=protocol: torch.save(tensors, folder / PICKLED, pickle_protocol=p),
            expect=EQUAL if protocol == 3 else EITHER,
        )
    yield case("pickle-ordered", lambda folder, tensors: torch.save(with_metadata(tensors), folder / PICKLED))
    yield case(
        "pickle-parameters",
        lambda folder, tensors: torch.save({k: torch.nn.Parameter(v) for k, v in tensors.items()}, folder / PICKLED),
    )
    yield case("pickle-transposed", lambda folder, tensors: torch.save(transposed(tensors), folder / PICKLED))
    yield case("pickle-one-storage", lambda folder, tensors: torch.save(one_storage(tensors), folder / PICKLED))
    yield case(
        "pickle-stride-0",
        lambda folder, tensors: torch.save(
            {**tensors, "bert.embeddings.LayerNorm.weight": torch.tensor([1.5]).expand(24)}, folder / PICKLED
        ),
    )
    yield case(
        "pickle-strided",
        lambda folder, tensors: torch.save({k: torch.stack([v, v], -1)[..., 0] for k, v in tensors.items()}, folder / PICKLED),
    )
    yield case(
        "pickle-nested", lambda folder, tensors: torch.save({"state_dict": tensors, "epoch": 3}, folder / PICKLED), REFUSED
    )
    yield case("pickle-module", lambda folder, tensors: torch.save(torch.nn.Linear(3, 2), folder / PICKLED), REFUSED)
    yield case("old-pickle", save_old)
    yield case("old-pickle-protocol-3", lambda folder, tensors: save_old(folder, tensors, 3))
    yield case("old-pickle-ordered", lambda folder, tensors: save_old(folder, with_metadata(tensors)))
    yield case("old-pickle-views", lambda folder, tensors: save_old(folder, transposed(one_storage(tensors))))
    yield case(
        "old-pickle-shards",
        lambda folder, tensors: shards(
            folder,
            tensors,
            "pytorch_model",
            ".bin",
            lambda part, path: torch.save(part, path, _use_new_zipfile_serialization=False),
        ),
    )
    yield case("old-pickle-cut", lambda folder, tensors: (save_old(folder, tensors), cut(folder / PICKLED)), REFUSED, (PICKLED,))

    # Names that do not say what is inside. The reference goes by the name; what is inside decides here.
    yield case(
        "safetensors-named-bin",
        lambda folder, tensors: save_file(tensors, folder / PICKLED, {"format": "pt"}),
        EITHER,
        (PICKLED, "safetensors"),
        reference=True,
        decision="what is inside decides",
    )
    yield case(
        "pickle-named-safetensors",
        lambda folder, tensors: torch.save(tensors, folder / SINGLE),
        EITHER,
        (SINGLE,),
        reference=True,
        decision="what is inside decides",
    )
    yield case("empty", lambda folder, tensors: (folder / SINGLE).write_bytes(b""), REFUSED, (SINGLE,))
    yield case("cut", lambda folder, tensors: (save(folder, tensors), cut(folder / SINGLE)), REFUSED, (SINGLE,))


TEXTS = ["the film was slow and clever", "A GREAT Story", ""]


def save(folder, tensors, name=SINGLE):
    save_file(tensors, folder / name, metadata={"format": "pt"})


def save_old(folder, tensors, protocol=2):
    """As PyTorch before 1.6 wrote: a row of pickles, then each storage."""
    torch.save(tensors, folder / PICKLED, pickle_protocol=protocol, _use_new_zipfile_serialization=False)


def mixed(tensors):
    kinds = [torch.float32, torch.float16, torch.bfloat16, torch.float64]
    return {name: value.to(kinds[index % 4]) for index, (name, value) in enumerate(tensors.items())}


def renamed(tensors, old, new):
    return {name.replace(old, new, 1): value for name, value in tensors.items()}


def with_metadata(tensors):
    ordered = collections.OrderedDict(tensors)
    ordered._metadata = collections.OrderedDict({"": {"version": 1}})
    return ordered


def transposed(tensors):
    """Matrices as views of their transposed storage."""
    return {name: value.t().contiguous().t() if value.dim() == 2 else value for name, value in tensors.items()}


def one_storage(tensors):
    whole = torch.cat([value.flatten() for value in tensors.values()])
    parts, start = {}, 0
    for name, value in tensors.items():
        parts[name] = whole[start : start + value.numel()].view(value.shape)
        start += value.numel()
    return parts


def shards(
    folder, tensors, stem="model", ending=".safetensors", write=lambda part, path: save_file(part, path, {"format": "pt"})
):
    names = list(tensors)
    where = {}
    for number in range(3):
        file = f"{stem}-{number + 1:05}-of-00003{ending}"
        part = {name: tensors[name] for name in names[number::3]}
        write(part, folder / file)
        where |= dict.fromkeys(part, file)
    write_json(
        folder / f"{stem}{ending}.index.json",
        {"metadata": {"total_size": sum(v.nbytes for v in tensors.values())}, "weight_map": where},
    )


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
