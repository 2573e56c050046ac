"""Pairs of texts: who gets token types, which text is cut first and from which side, and what cannot be answered."""

from case import EQUAL, REFUSED, Case
from folders import seed_of, write_model, write_tokenizer
from usual_folders import tokenizer_of
from vocabularies import TEXTS

CUT = ["bert", "distilbert", "roberta", "xlm-roberta", "mpnet", "deberta-v2", "modernbert", "albert"]


def cases(seed, count):
    def case(name, model_type="bert", settings=None, tokenizer=None, expect=EQUAL, words=(), texts=TEXTS[:2], change=None):
        def make(directory):
            folder = directory / "model"
            write_model(folder, model_type, seed_of("pairs", seed), tokenizer=tokenizer, **(settings or {}))
            if change:
                change(folder)

        return Case(f"pairs/{name}", make, expect=expect, words=words, texts=texts, tokenizer=tokenizer_of(model_type))

    for model_type in CUT:
        for side in ("left", "right"):
            yield case(f"cut-{side}/{model_type}", model_type, tokenizer={"truncation_side": side, "model_max_length": 12})
    for length in (4, 5, 6, 7):
        yield case(f"length-{length}", tokenizer={"model_max_length": length})

    # Token types: the configuration lists what the model is given, else the class decides.
    without, with_types = ["input_ids", "attention_mask"], ["input_ids", "token_type_ids", "attention_mask"]
    for name in ("BertTokenizer", "PreTrainedTokenizerFast", "RobertaTokenizer"):
        model_type = "roberta" if name == "RobertaTokenizer" else "bert"
        yield case(f"types/{name}-silent", model_type, tokenizer={"tokenizer_class": name})
        yield case(f"types/{name}-without", model_type, tokenizer={"tokenizer_class": name, "model_input_names": without})
    yield case("types/generic-with", tokenizer={"tokenizer_class": "PreTrainedTokenizerFast", "model_input_names": with_types})
    yield case("types/electra", "electra")
    yield case("types/deberta-with-types", "deberta-v2", {"type_vocab_size": 2})
    yield case(
        "types/albert-with-bert-tokenizer", "albert", {"vocab_size": 900}, change=lambda folder: write_tokenizer(folder, "bert")
    )
    one = {"type_vocab_size": 1}
    yield case("types/one-of-two", settings=one, expect=REFUSED, words=("token types",), texts=[])
    yield case("types/one-of-two-without", settings=one, tokenizer={"model_input_names": without})
    yield case(
        "types/roberta-with-bert-tokenizer",
        "roberta",
        {"vocab_size": 900},
        expect=REFUSED,
        words=("token types", "model_input_names"),
        texts=[],
        change=lambda folder: write_tokenizer(folder, "bert"),
    )
