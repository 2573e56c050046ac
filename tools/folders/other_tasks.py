"""Folders whose model is for something else, or has no head at all, and model types that are not served."""

from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForMultipleChoice,
    AutoModelForQuestionAnswering,
    AutoModelForTokenClassification,
)

from case import EQUAL, REFUSED, Case
from folders import seed_of, write_model
from vocabularies import edit_json

TASKS = {
    "encoder": (AutoModel, ("head",)),
    "masked-words": (AutoModelForMaskedLM, ("head",)),
    "tokens": (AutoModelForTokenClassification, ()),
    "questions": (AutoModelForQuestionAnswering, ()),
    "choices": (AutoModelForMultipleChoice, ()),
}
# A head for tokens that has the very names of one for texts: the reference answers too.
SAME_NAMES = {("modernbert", "tokens"), ("modernbert", "questions")}
LACKING = {("modernbert", "choices")}
UNKNOWN = (
    "t5 xlnet longformer funnel mobilebert deberta nomic_bert new roformer canine fnet nystromformer convbert layoutlm Bert"
).split() + [""]
TEXTS = ["the film was slow and clever", ""]


def cases(seed, count):
    for model_type in ["bert", "distilbert", "roberta", "electra", "albert", "mpnet", "deberta-v2", "modernbert"]:
        for task, (kind, words) in TASKS.items():
            if (model_type, task) in LACKING:
                continue
            same = (model_type, task) in SAME_NAMES
            yield Case(
                f"task/{model_type}/{task}",
                lambda directory, m=model_type, k=kind: write_model(
                    directory / "model", m, seed_of("tasks", seed), k, num_labels=2
                ),
                expect=EQUAL if same else REFUSED,
                words=words,
                texts=TEXTS,
                pairs=[],
            )
    for name in UNKNOWN:

        def make(directory, name=name):
            write_model(directory / "model", seed=seed_of("types", seed))
            edit_json(
                directory / "model" / "config.json",
                **({"model_type": name} if name else {}),
                remove=[] if name else ["model_type"],
            )

        yield Case(f"type/{name or 'none'}", make, expect=REFUSED, words=("model_type", name))
