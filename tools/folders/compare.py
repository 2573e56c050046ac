"""One case from its folder to a verdict."""

import math
import shutil

from case import EITHER, EQUAL, REFUSED, Verdict
from reference import Reference
from tool import Broken, Differs, Refused
from trials import pack, tune


def compare(case, directory, tool):
    directory.mkdir(parents=True)
    try:
        case.make(directory)
        outcome, detail = check(case, directory, tool)
    except Refused as refusal:
        outcome, detail = judged(case, str(refusal))
    except (Broken, Differs) as fault:
        outcome, detail = "DIFFERS", str(fault)
    except Exception as fault:
        outcome, detail = "DIFFERS", f"this folder cannot be made: {type(fault).__name__}: {fault}"
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    detail = detail.replace(f"{directory}/", "")
    return Verdict(case.name, outcome, f"{detail} [{case.note}]" if case.note else detail)


def judged(case, message):
    if case.expect == EQUAL:
        return "DIFFERS", f"is served, yet refused: {message}"
    missing = [word for word in case.words if word.lower() not in message.lower()]
    if missing:
        return "DIFFERS", f"refused without saying {missing}: {message}"
    return "refused by name", message


def check(case, directory, tool):
    model = directory / case.opened
    if case.expect == REFUSED:
        found = tool.ids(model, ["a"]) if case.ids_only else tool.logits(model, case.texts or case.pairs)
        raise Differs(f"is to be refused, yet answered {found}")
    reference, encoded = read_reference(case, directory)
    if reference is None:
        return without_reference(case, model, tool)
    if not case.ids_only and case.texts:
        # Whether the model opens at all: ids could be had of a folder whose model does not.
        tool.logits(model, case.texts[:1])
    expected = [values["input_ids"] for values in encoded]
    found = tool.ids(model, case.texts)
    if len(expected) != len(found):
        raise Differs(f"ids of {len(found)} texts, expected {len(expected)}")
    for text, ids, other in zip(case.texts, expected, found):
        if ids != other:
            raise Differs(f"ids of {text!r}: {other}, expected {ids}")
    if case.ids_only:
        return "equal", f"{len(expected)} texts"
    largest = compare_logits(reference, tool, model, case.texts, encoded) if case.texts else 0
    if case.pairs:
        encoded = [reference.encode(*pair) for pair in case.pairs]
        largest = max(largest, compare_logits(reference, tool, model, case.pairs, encoded))
    details = [f"logits within {largest:.1e}"]
    if "pack" in case.trials or "pack-coarsely" in case.trials:
        details.append(pack(model, directory, tool, case.texts, "pack-coarsely" in case.trials))
    if "tune" in case.trials:
        details.append(tune(model, directory, tool, reference, compare_logits))
    return "equal", ", ".join(details)


def without_reference(case, model, tool):
    try:
        tool.ids(model, case.texts) if case.ids_only else tool.logits(model, case.texts)
    except Refused as refusal:
        return "refused by name", f"as by the reference: {refusal}"
    return "reference fails", "and here are answers"


def read_reference(case, directory):
    """The reference with its folder opened, and the encoded texts; none where it may fail and does."""
    folder = directory / "reference" if (directory / "reference").exists() else directory / case.opened
    try:
        reference = Reference(folder, case.tokenizer, model=not case.ids_only)
        encoded = [reference.encode(text) for text in case.texts]
        if not case.ids_only:
            reference.logits(encoded)
        return reference, encoded
    except Exception as error:
        if case.reference_may_fail or case.expect == EITHER:
            return None, []
        raise Differs(f"the reference fails: {type(error).__name__}: {str(error)[:300]}") from error


def compare_logits(reference, tool, model, texts, encoded):
    """The largest difference. The label is the reference's too."""
    found = tool.answers(model, texts)
    if len(found) != len(texts):
        raise Differs(f"{len(found)} answers to {len(texts)} records")
    largest = 0.0
    for text, answer, (expected, tolerance) in zip(texts, found, reference.logits(encoded)):
        logits = answer.get("logits")
        if logits is None or len(logits) != len(expected):
            raise Differs(f"{text!r}: {answer}, expected {expected}")
        difference = max(abs(a - b) for a, b in zip(logits, expected))
        if not difference <= tolerance or math.isnan(difference):
            raise Differs(f"{text!r}: {logits}, expected {expected}: {difference:.2e} apart, {tolerance:.1e} allowed")
        name = reference.label(expected)
        if name is not None and answer["label"] != name:
            raise Differs(f"{text!r}: label {answer['label']!r}, expected {name!r}")
        largest = max(largest, difference)
    return largest
