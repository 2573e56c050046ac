"""Where a model lies: the Hugging Face cache, a snapshot of links, a sentence-transformers folder, an adapter beside its base."""

import shutil

from case import EITHER, EQUAL, REFUSED, Case
from folders import seed_of, write_model
from vocabularies import write_json

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TEXTS = ["the film was slow and clever", ""]


def cases(seed, count):
    def case(name, make, opened="model", expect=EQUAL, words=(), decision=""):
        def whole(directory):
            write_model(directory / "reference", seed=seed_of("layouts", seed))
            make(directory)

        return Case(f"layout/{name}", whole, opened=opened, expect=expect, words=words, decision=decision, texts=TEXTS, pairs=[])

    store = "models--example--tiny"
    yield case("cache", lambda directory: cache(directory / store), store)
    yield case("cache-snapshot", lambda directory: cache(directory / store), f"{store}/snapshots/{COMMIT}")
    yield case(
        "cache-without-refs",
        lambda directory: (cache(directory / store), shutil.rmtree(directory / store / "refs")),
        store,
        EITHER,
    )
    yield case(
        "cache-dangling",
        lambda directory: (cache(directory / store), (directory / store / "refs" / "main").write_text("f" * 40)),
        store,
        REFUSED,
    )
    yield case(
        "cache-broken-link",
        lambda directory: (cache(directory / store), (directory / store / "blobs" / "config.json").unlink()),
        store,
        REFUSED,
        ("config.json",),
    )
    yield case("links", lambda directory: linked(directory / "model", directory / "reference"))
    yield case("trailing-slash", lambda directory: shutil.copytree(directory / "reference", directory / "model"), "model/")
    yield case("sentence-transformers", lambda directory: modules(directory, "0_Transformer"))
    yield case("sentence-transformers-at-top", lambda directory: modules(directory, ""))
    yield case(
        "sentence-transformers-missing-module",
        lambda directory: (modules(directory, "0_Transformer"), shutil.rmtree(directory / "model" / "0_Transformer")),
        expect=REFUSED,
    )


def cache(store):
    """blobs, and a snapshot of links to them, that refs/main names."""
    reference = store.parent / "reference"
    (store / "refs").mkdir(parents=True)
    (store / "refs" / "main").write_text(COMMIT)
    shutil.copytree(reference, store / "blobs")
    snapshot = store / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    for file in reference.iterdir():
        (snapshot / file.name).symlink_to(f"../../blobs/{file.name}")


def linked(folder, reference):
    folder.mkdir()
    for file in reference.iterdir():
        (folder / file.name).symlink_to(file)


def modules(directory, path):
    model = directory / "model"
    shutil.copytree(directory / "reference", model / path)
    parts = [(path, "sentence_transformers.models.Transformer"), ("1_Pooling", "sentence_transformers.models.Pooling")]
    write_json(model / "modules.json", [{"idx": i, "name": str(i), "path": p, "type": kind} for i, (p, kind) in enumerate(parts)])
    write_json(model / "1_Pooling" / "config.json", {"word_embedding_dimension": 24, "pooling_mode_mean_tokens": True})
