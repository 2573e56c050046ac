"""Every family as its folders usually are: ids, logits, pairs, int8 and three steps of training."""

from case import EQUAL, Case
from folders import SERVED, seed_of, write_model
from vocabularies import TEXTS

# transformers 5 makes the tokenizers of these families anew from their class. Where that differs, the file is right.
DECISIONS = {
    "albert": "the file is right; the class has other normalisers than the file",
    "camembert": "the file is right; the class splits at U+00A0 where the file does not",
    "deberta-v2": "the file is right; the class joins blanks where the file does not",
}


def tokenizer_of(model_type):
    return "file" if model_type in DECISIONS else "auto"


def texts_of(model_type):
    """Tokenizers that put nothing around a text leave nothing of an empty one, at which the reference fails."""
    return [text for text in TEXTS if text or SERVED[model_type][0] not in ("gpt2", "qwen2")]


def cases(seed, count):
    for model_type in SERVED:
        yield Case(
            f"family/{model_type}",
            lambda directory, name=model_type: write_model(directory / "model", name, seed=seed_of(name, seed)),
            decision=DECISIONS.get(model_type, ""),
            tokenizer=tokenizer_of(model_type),
            texts=texts_of(model_type),
            trials=("pack", "tune"),
            expect=EQUAL,
        )
