"""What is tried with a folder besides classifying: int8, and three steps of training."""

import copy
import json
import math
import sys
from pathlib import Path

import torch

from reference import Reference
from tool import Differs
from vocabularies import WORDS

sys.path.append(str(Path(__file__).resolve().parents[1] / "fixtures"))
from families import SETTINGS, train  # noqa: E402  The loop behind the golden values, which is the Trainer's.

EXAMPLES, LABELS, BATCH = 12, 3, 4
# int8 on a random model is no measure of quality; beyond this, something is wrong with the file.
COARSE = 0.25


def pack(model, directory, tool, texts, coarsely=False):
    """int8, with its cost told, in JSON that every reader takes."""

    def no_constant(name):
        raise Differs(f"pack --json has {name}")

    bundle = directory / "int8.martlet"
    json.loads(tool.run("pack", model, "-o", bundle, "--json"), parse_constant=no_constant)
    shown = tool.run("pack", model, "-o", bundle)
    if "dB" not in shown and "exact" not in shown:
        raise Differs(f"pack does not say what int8 costs: {shown[:200]!r}")
    rough, fine = (tool.logits(path, texts) for path in (bundle, model))
    scale = max(abs(value) for logits in fine for value in logits)
    largest = max(abs(a - b) for left, right in zip(rough, fine) for a, b in zip(left, right))
    if not largest <= (math.inf if coarsely else COARSE * max(scale, 1)):
        raise Differs(f"int8 is {largest:.2g} from fp32")
    return f"int8 within {largest:.1e}"


def tune(model, directory, tool, reference, compare_logits):
    """The losses of three steps, and the folder that is written, opened by the reference."""
    choose = torch.Generator().manual_seed(5)
    examples = []
    for index in range(EXAMPLES):
        length = int(torch.randint(1, 9, (1,), generator=choose))
        words = [WORDS[int(torch.randint(0, len(WORDS), (1,), generator=choose))] for _ in range(length)]
        examples.append((" ".join(words), index % LABELS))
    data = directory / "train.tsv"
    data.write_text("text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in examples), encoding="utf-8")
    output = directory / "tuned"
    tool.run(
        "tune",
        model,
        "--train",
        data,
        "--output-dir",
        output,
        "--num-train-epochs",
        1,
        "--per-device-train-batch-size",
        BATCH,
        "--learning-rate",
        SETTINGS["learning_rate"],
        "--logging-steps",
        1,
        "--dropout",
        0,
        "--threads",
        1,
        "--no-forecast",
    )
    log = json.loads((output / "trainer_state.json").read_text())["log_history"]
    found = [entry["loss"] for entry in log if "loss" in entry]

    order = torch.randperm(EXAMPLES, generator=torch.Generator().manual_seed(SETTINGS["seed"])).tolist()
    plan = [order[start : start + BATCH] for start in range(0, EXAMPLES, BATCH)]
    records = [{**reference.encode(text), "label": label} for text, label in examples]
    double, single = (
        [step["loss"] for step in train(copy.deepcopy(start), records, plan)[0]] for start in (reference.double, reference.single)
    )
    if len(found) != len(double):
        raise Differs(f"losses of {len(found)} steps, expected {len(double)}")
    for step, (loss, expected, rounded) in enumerate(zip(found, double, single), 1):
        allowed = max(1e-5 * max(1, expected), 4 * abs(expected - rounded))
        if not abs(loss - expected) <= allowed or math.isnan(loss):
            raise Differs(f"loss of step {step} is {loss}, expected {expected}, {allowed:.1e} allowed")
    largest = max(abs(a - b) for a, b in zip(found, double))
    texts = [text for text, _ in examples]
    again = Reference(output, "file")
    reloaded = compare_logits(again, tool, output, texts, [reference.encode(text) for text in texts])
    return f"losses within {largest:.1e}, written folder {reloaded:.1e}"
