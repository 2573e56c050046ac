"""Martlet's tool as one more engine: bundles packed from the same folder, measured through its command line.

Each function does what its namesake in `worker.py` does for a peer. `run(command, threads)` starts a process and gives its
output, its messages, its seconds and its peak memory in megabytes.
"""

import itertools
import json
import re
from pathlib import Path

WEIGHTS = ["int8", "fp32"]


def pack(tool, folder, bundles, run):
    for weights in WEIGHTS:
        run([tool, "pack", folder, "--output", str(Path(bundles) / f"{weights}.martlet"), "--weights", weights], 1)


def measure(settings, run):
    return {"shapes": shapes, "stream": stream, "tokenizer": tokenizer, "logits": logits}[settings["measure"]](settings, run)


def bundle(settings):
    return str(Path(settings["bundles"]) / (settings["engine"].removeprefix("martlet-") + ".martlet"))


def shapes(settings, run):
    """`bench` takes at least five passes of each, whatever `passes` says."""
    found, memory = {}, 0
    for batch, of_batch in itertools.groupby(settings["shapes"], lambda shape: shape.split("x")[0]):
        lengths = ",".join(shape.split("x")[1] for shape in of_batch)
        options = ["--batch", batch, "--lengths", lengths, "--seconds", str(settings["seconds"]), "--threads", "1", "--json"]
        report = json.loads(run([settings["martlet"], "bench", bundle(settings), *options], 1)[0])
        memory = max(memory, report["peak_resident_bytes"] / 2**20)
        for cell in report["latency"]:
            found[f"{batch}x{cell['length']}"] = {"passes": cell["runs"], "p50_ms": cell["p50_ms"], "p90_ms": cell["p90_ms"]}
    return found, memory


def classify(settings, run, *options):
    limits = ["--max-length", str(settings["max_length"]), "--threads", str(settings["threads"])]
    command = [settings["martlet"], "classify", bundle(settings), settings["texts"], "--format", "jsonl", *limits, *options]
    return run(command, settings["threads"])


def stream(settings, run):
    """The whole process is timed, from its start to its end."""
    output, messages, seconds, memory = classify(settings, run, "--output", "label", "--summary")
    labels = [settings["label2id"][name] for name in output.splitlines()]
    tokens = int(re.search(r"([\d,]+) tokens", messages)[1].replace(",", ""))
    return {"seconds": seconds, "texts": len(labels), "tokens": tokens, "labels": labels}, memory


def tokenizer(settings, run):
    """By `TokenizerLadder` of the package in `Benchmarks`: the best of its rounds over the lines of a file."""
    output, _, _, memory = run([settings["tokenizer_ladder"], settings["lines"], settings["folder"]], 1)
    tokens, millions = re.search(r"(\d+) tokens, ([\d.]+) M/s", output).groups()
    return {"tokens": int(tokens), "tokens_per_second": float(millions) * 1e6}, memory


def logits(settings, run):
    output, _, _, memory = classify(settings, run, "--output", "jsonl", "--logits")
    return [json.loads(line)["logits"] for line in output.splitlines()], memory
