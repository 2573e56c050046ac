"""One folder to be compared, and what is expected of it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import vocabularies

EQUAL, REFUSED, EITHER = "equal", "refused", "either"


@dataclass
class Case:
    name: str
    # Writes `model` into a directory, and `reference` beside it where the reference is to read another folder.
    make: Callable[[Path], object]
    # EQUAL: served, ids and logits as the reference has them. REFUSED: by name, exit status 1. EITHER: one of both.
    expect: str = EQUAL
    # What the message of a refusal says, case aside.
    words: tuple[str, ...] = ()
    # Why another folder or another class than AutoTokenizer's is asked: a decision of the project.
    decision: str = ""
    # "auto": AutoTokenizer. "file": tokenizer.json as it is, as transformers 4 and the generic class read it.
    tokenizer: str = "auto"
    texts: list[str] = field(default_factory=lambda: vocabularies.TEXTS)
    pairs: list[tuple[str, str]] = field(default_factory=lambda: vocabularies.PAIRS)
    # What the tool is given, below the directory.
    opened: str = "model"
    # Nothing but ids: the model is no part of the question.
    ids_only: bool = False
    # What is tried besides, of "pack", "pack-coarsely" (int8 may be far from fp32) and "tune".
    trials: tuple[str, ...] = ()
    # Where the reference fails too, either answer is right; so it is where EITHER is expected.
    reference_may_fail: bool = False
    # What was drawn.
    note: str = ""


@dataclass
class Verdict:
    name: str
    # "equal", "refused by name", "DIFFERS"; "reference fails": what the reference does not open, opened.
    outcome: str
    detail: str = ""
