"""Every family as its folders usually are: ids, logits, pairs, int8 and three steps of training."""

from case import EQUAL, Case
from folders import SERVED, seed_of, write_model

# transformers 5 makes the tokenizers of these families anew from their class. Where that differs, the file is right.
DECISIONS = {
    "albert": "the file is right; the class has other normalisers than the file",
    "camembert": "the file is right; the class splits at U+00A0 where the file does not",
    "deberta-v2": "the file is right; the class joins blanks where the file does not",
}


def tokenizer_of(model_type):
    return "file" if model_type in DECISIONS else "auto"


def cases(seed, count):
    for model_type in SERVED:
        yield Case(
            f"family/{model_type}",
            lambda directory, name=model_type: write_model(directory / "model", name, seed=seed_of(name, seed)),
            decision=DECISIONS.get(model_type, ""),
            tokenizer=tokenizer_of(model_type),
            trials=("pack", "tune"),
            expect=EQUAL,
        )
