"""What `martlet tune` writes, read by the libraries that its users have: transformers, TensorBoard, PEFT.

tools/check-tuning runs it. A tiny model is tuned on made-up texts, whole and with adapters; each check compares every value.
"""

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from peft import PeftModel
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from transformers import AutoModelForSequenceClassification, AutoTokenizer, TrainerState

BASE = Path(__file__).resolve().parents[1] / "Fixtures" / "tiny-bert"
WORDS = {"positive": ["good", "great", "wonderful", "moving", "brilliant"], "negative": ["bad", "awful", "dull", "boring", "terrible"]}
OTHERS = ["the", "film", "movie", "plot", "cast", "was", "story", "it", "very", "and"]
LARGEST_DIFFERENCE = 1e-5


def write_data(path, count, seed):
    choose = random.Random(seed)
    lines = ["text\tlabel"]
    for index in range(count):
        label = index % 2
        words = choose.choices(OTHERS, k=choose.randint(2, 9)) + choose.choices(WORDS[["negative", "positive"][label]], k=2)
        choose.shuffle(words)
        lines.append(f"{' '.join(words)}\t{label}")
    path.write_text("\n".join(lines) + "\n")


def tune(tool, folder, output, *options):
    data = ["--train", folder / "train.tsv", "--validation", folder / "validation.tsv"]
    rhythm = ["--num-train-epochs", "2", "--logging-steps", "3", "--save-steps", "5", "--learning-rate", "1e-3"]
    command = [tool, "tune", BASE, *data, *rhythm, "--output-dir", output, "--quiet", *options]
    subprocess.run(list(map(str, command)), check=True)
    return output


def texts(folder):
    return [line.split("\t")[0] for line in (folder / "validation.tsv").read_text().splitlines()[1:]]


def martlet_logits(tool, model, lines):
    command = [tool, "classify", model, "--output", "jsonl", "--logits"]
    answers = subprocess.run(list(map(str, command)), check=True, input="\n".join(lines) + "\n", capture_output=True, text=True)
    return np.array([json.loads(answer)["logits"] for answer in answers.stdout.splitlines()])


def reference_logits(model, tokenizer, lines):
    model.eval()
    with torch.no_grad():
        return torch.cat([model(**tokenizer(line, return_tensors="pt")).logits for line in lines]).numpy()


def check_equal(what, found, expected):
    difference = np.abs(found - expected).max()
    assert found.shape == expected.shape and difference <= LARGEST_DIFFERENCE, f"{what}: {difference}"
    print(f"{what}: {len(found)} texts, logits within {difference:.1e}")


def check_folders(tool, folder, output):
    lines = texts(folder)
    folders = [output, *sorted(output.glob("checkpoint-*"))]
    assert len(folders) > 2, folders
    for path in folders:
        tokenizer = AutoTokenizer.from_pretrained(path)
        expected = reference_logits(AutoModelForSequenceClassification.from_pretrained(path), tokenizer, lines)
        check_equal(f"transformers, {path.name}", martlet_logits(tool, path, lines), expected)


def check_state(output):
    """The state that the reference's Trainer would load, and the keys that it would write."""
    state = TrainerState.load_from_json(str(output / "trainer_state.json"))
    assert state.global_step == state.max_steps > 0 and state.epoch == 2 and state.num_train_epochs == 2
    written = set(json.loads((output / "trainer_state.json").read_text()))
    assert set(TrainerState().__dict__) <= written, set(TrainerState().__dict__) - written
    print(f"transformers, trainer_state.json: {len(state.log_history)} log entries")
    return state


def check_events(output, state):
    """Every logged value is a point of a curve, with its step, and there are no others."""
    (run,) = (output / "runs").iterdir()
    events = EventAccumulator(str(run))
    events.Reload()
    found = {(tag, point.step): point.value for tag in events.Tags()["scalars"] for point in events.Scalars(tag)}
    expected = {}
    for entry in state.log_history:
        for key, value in entry.items():
            if key != "step":
                tag = f"eval/{key.removeprefix('eval_')}" if key.startswith("eval_") else f"train/{key}"
                expected[tag, entry["step"]] = value
    assert found.keys() == expected.keys(), found.keys() ^ expected.keys()
    for key, value in expected.items():
        assert np.isclose(found[key], value, rtol=1e-6), (key, found[key], value)
    print(f"TensorBoard: {len(found)} points of {len(events.Tags()['scalars'])} curves")


def check_adapter(tool, folder, output):
    """The merged folder, which transformers reads with PEFT installed too and does not put the adapter on once more, and the base with
    the adapter on it, by PEFT and by the tool."""
    lines = texts(folder)
    check_folders(tool, folder, output)
    base = AutoModelForSequenceClassification.from_pretrained(BASE)
    adapted = PeftModel.from_pretrained(base, output / "adapter")
    expected = reference_logits(adapted, AutoTokenizer.from_pretrained(output), lines)
    check_equal("PEFT, the merged folder", martlet_logits(tool, output, lines), expected)
    check_equal("PEFT, the adapter", martlet_logits(tool, output / "adapter", lines), expected)
    plain = reference_logits(AutoModelForSequenceClassification.from_pretrained(BASE), AutoTokenizer.from_pretrained(BASE), lines)
    assert np.abs(plain - expected).max() > 0.01, "the adapter changes nothing"


def main():
    tool = sys.argv[1]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_data(folder / "train.tsv", 90, 1)
        write_data(folder / "validation.tsv", 30, 2)
        output = tune(tool, folder, folder / "whole")
        check_folders(tool, folder, output)
        check_events(output, check_state(output))
        check_adapter(tool, folder, tune(tool, folder, folder / "adapter", "--lora-rank", "4"))


main()
