"""What config.json says of labels and of the problem, over heads of one, two and three outputs."""

from case import EITHER, EQUAL, REFUSED, Case
from folders import seed_of, write_model
from vocabularies import edit_json

NAMES = {"0": "negative", "1": "neutral", "2": "positive"}

# Name, outputs, what config.json says in place of id2label and label2id, what is expected, words of a refusal.
MAPS = [
    ("unicode", 3, {"id2label": {"0": "schön", "1": "普通", "2": "a\tb \U0001f600"}}, EQUAL, ()),
    ("out-of-order", 3, {"id2label": {"2": "positive", "0": "negative", "1": "neutral"}}, EQUAL, ()),
    ("numbers", 3, {"id2label": {"0": 1, "1": 3, "2": 5}}, EQUAL, ()),
    ("negative-numbers", 2, {"id2label": {"0": -1, "1": 0.5}}, EITHER, ("id2label",)),
    ("booleans", 2, {"id2label": {"0": False, "1": True}}, EQUAL, ()),
    ("null-name", 3, {"id2label": {"0": None, "1": "b", "2": "c"}}, EITHER, ("id2label",)),
    ("gaps", 2, {"id2label": {"0": "a", "3": "b"}}, EITHER, ("id2label",)),
    ("from-one", 2, {"id2label": {"1": "a", "2": "b"}}, EITHER, ("id2label",)),
    ("duplicates", 3, {"id2label": {"0": "a", "1": "a", "2": "b"}}, EQUAL, ()),
    ("contradicting-label2id", 3, {"id2label": NAMES, "label2id": {"positive": 0, "neutral": 1, "negative": 2}}, EQUAL, ()),
    ("exchanged", 3, {"id2label": {"negative": 0, "neutral": 1, "positive": 2}, "label2id": NAMES}, REFUSED, ("config.json",)),
    ("num_labels", 3, {"num_labels": 3}, EQUAL, ()),
    ("num_labels-besides", 3, {"id2label": NAMES, "num_labels": 3}, EQUAL, ()),
    ("num_labels-disagrees", 3, {"id2label": NAMES, "num_labels": 2}, EITHER, ("num_labels",)),
    ("silent", 2, {}, EQUAL, ()),
    ("silent-with-three-outputs", 3, {}, REFUSED, ("config.json",)),
    ("more-names", 3, {"id2label": {**NAMES, "3": "other"}}, REFUSED, ("config.json",)),
    ("fewer-names", 3, {"id2label": {"0": "negative", "1": "positive"}}, REFUSED, ("config.json",)),
    ("empty", 3, {"id2label": {}}, REFUSED, ("config.json",)),
    ("null", 3, {"id2label": None}, REFUSED, ("config.json",)),
    ("list", 3, {"id2label": list(NAMES.values())}, REFUSED, ("config.json",)),
    ("label2id-alone", 3, {"label2id": {"negative": 0, "neutral": 1, "positive": 2}}, REFUSED, ("config.json",)),
    ("words-for-ids", 3, {"id2label": {"zero": "a", "one": "b", "two": "c"}}, REFUSED, ("config.json",)),
]

PROBLEMS = [
    ("single", 3, "single_label_classification", EQUAL, ()),
    ("several", 3, "multi_label_classification", EQUAL, ()),
    ("several-of-one", 1, "multi_label_classification", EQUAL, ()),
    ("silent-of-one", 1, None, EQUAL, ()),
    ("regression", 1, "regression", EQUAL, ()),
    ("regression-of-three", 3, "regression", EITHER, ("problem_type",)),
    ("single-of-one", 1, "single_label_classification", REFUSED, ("problem_type",)),
    ("unknown", 3, "ranking", REFUSED, ("problem_type", "ranking")),
]


def cases(seed, count):
    for name, outputs, changes, expect, words in MAPS:
        yield Case(
            f"labels/{name}", maker(seed, outputs, changes, remove=["id2label", "label2id"]), expect=expect, words=words, pairs=[]
        )
    for name, outputs, problem, expect, words in PROBLEMS:
        names = {str(index): f"label {index}" for index in range(outputs)}
        changes = {"id2label": names, "label2id": {label: int(index) for index, label in names.items()}, "problem_type": problem}
        yield Case(f"problem/{name}", maker(seed, outputs, changes), expect=expect, words=words, pairs=[])


def maker(seed, outputs, changes, remove=()):
    def make(directory):
        write_model(directory / "model", seed=seed_of("labels", seed), num_labels=outputs)
        edit_json(directory / "model" / "config.json", remove, **changes)

    return make
