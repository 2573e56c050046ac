"""Weights that are zero, tiny, huge or constant: fp32 is the reference's, and int8 has to be made of them all the same."""

import torch
from safetensors.torch import load_file, save_file

from case import EQUAL, Case
from folders import seed_of, write_model
from vocabularies import TEXTS


def scale(factor, *parts):
    return lambda tensors: {
        name: value * factor if all(part in name for part in parts) else value for name, value in tensors.items()
    }


def rows(factor, part, count=3):
    def change(tensors):
        changed = dict(tensors)
        for name, value in tensors.items():
            if part in name and value.dim() == 2:
                changed[name] = torch.cat([value[:count] * factor, value[count:]])
        return changed

    return change


def columns(factor, part):
    def change(tensors):
        return {
            name: torch.cat([value[:, :2] * factor, value[:, 2:]], 1) if part in name and value.dim() == 2 else value
            for name, value in tensors.items()
        }

    return change


def constant(number, *parts):
    return lambda tensors: {
        name: torch.full_like(value, number) if all(part in name for part in parts) else value for name, value in tensors.items()
    }


def integers(tensors):
    """Matrices whose rows int8 holds exactly."""
    changed = dict(tensors)
    for name, value in tensors.items():
        if value.dim() == 2:
            changed[name] = (value * 40).round().clamp(-127, 127)
            changed[name][:, 0] = 127
            changed[name] /= 256
    return changed


CHANGES = {
    "zero-token-types": ("roberta", scale(0, "token_type_embeddings")),
    "zero-embeddings": ("bert", scale(0, "embeddings", "weight")),
    "zero-layer": ("bert", scale(0, "layer.1.")),
    "zero-everything": ("bert", scale(0)),
    "zero-classifier": ("bert", scale(0, "classifier")),
    "zero-normalisation": ("bert", scale(0, "LayerNorm.weight")),
    "zero-rows": ("bert", rows(0, "")),
    "zero-columns": ("bert", columns(0, "dense.weight")),
    "exact": ("bert", integers),
    "exact-modernbert": ("modernbert", integers),
    "constant-embeddings": ("bert", constant(0.5, "word_embeddings")),
    "denormal": ("bert", scale(1e-41, "dense.weight")),
    "tiny": ("bert", scale(1e-20, "weight")),
    "huge-classifier": ("bert", scale(1e30, "classifier.weight")),
    "huge-scores": ("bert", scale(60, "query.weight")),
    "outlier-rows": ("bert", rows(300, "dense.weight")),
    "outlier-columns": ("bert", columns(300, "dense.weight")),
    "outlier-deberta": ("deberta-v2", rows(100, "dense.weight")),
    "overflowing-f16": ("bert", scale(3e4, "intermediate.dense.weight")),
}
# int8 of these is another model: what matters is that there is one.
COARSE = {
    "outlier-rows",
    "outlier-columns",
    "outlier-deberta",
    "huge-scores",
    "huge-classifier",
    "constant-embeddings",
    "zero-normalisation",
}


def cases(seed, count):
    for name, (model_type, change) in CHANGES.items():

        def make(directory, m=model_type, c=change):
            folder = directory / "model"
            write_model(folder, m, seed_of("values", seed))
            tensors = {key: value.contiguous() for key, value in c(load_file(folder / "model.safetensors")).items()}
            save_file(tensors, folder / "model.safetensors", {"format": "pt"})

        tokenizer = "file" if model_type == "deberta-v2" else "auto"
        yield Case(
            f"values/{name}",
            make,
            expect=EQUAL,
            texts=TEXTS,
            tokenizer=tokenizer,
            trials=("pack-coarsely" if name in COARSE else "pack",),
        )
