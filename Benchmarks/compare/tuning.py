"""`martlet tune` beside Hugging Face's Trainer on the same texts, in alternating runs: seconds a step and peak memory.

sentences   texts as they are, for the Trainer padded to the longest of each batch
full        texts of --max-length tokens and more, cut there

Every run is a process of its own; the engines take turns, and each round begins with another. A step's seconds are the mean of
all but the first: the Trainer's from its begin to its end (without the time in which a batch is put together), Martlet's from
one log entry to the next (with it). With --output FILE of an earlier measurement its rounds are gone on with.
"""

import argparse
import json
import os
import struct
import sys
import tempfile
from pathlib import Path

import inference
import random_model
import table
import texts

HERE = Path(__file__).resolve().parent
ENGINES = ["martlet-fp32", "torch-fp32", "torch-bf16"]
LIBRARIES = ["torch", "transformers", "accelerate", "tokenizers", "numpy"]


def arguments():
    parser = argparse.ArgumentParser(prog="run tuning", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="Hugging Face folder of an encoder")
    parser.add_argument("--random", choices=random_model.SHAPES, help="random weights of this shape, and FOLDER's tokenizer")
    parser.add_argument("--name", help="what the table calls the model (default: the folder's name)")
    parser.add_argument("--sentences", help=".tsv or .jsonl, also .gz, with text and label")
    parser.add_argument("--full", help="likewise; its texts of at least --max-length words")
    parser.add_argument("--steps", default="sentences=60,full=8", help="of a run")
    parser.add_argument("--engines", default=",".join(ENGINES), help="(default: all)")
    parser.add_argument("--runs", type=int, default=5, help="of each engine")
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--martlet", help="the tool (default: built by tools/build)")
    parser.add_argument("--output", help="(default: Benchmarks/results/DATE-tuning-NAME.json)")
    given = parser.parse_args()
    given.steps = {name: int(count) for name, count in (pair.split("=") for pair in given.steps.split(","))}
    for engine in given.engines.split(","):
        if engine not in ENGINES:
            parser.error(f"--engines: expected some of {','.join(ENGINES)}, found {engine}")
    given.name = given.name or (f"{given.random}, random weights" if given.random else Path(given.folder).resolve().name)
    return given


def write_texts(given, into):
    """As many records as the longest run takes, as files that both read."""
    found = {}
    for name in ("sentences", "full"):
        if path := getattr(given, name):
            records = texts.read(path)
            if name == "full":
                records = [record for record in records if len(record[0].split()) >= given.max_length]
            found[name] = str(into / f"{name}.jsonl")
            texts.write(found[name], records[: 16 * given.steps[name]])
    return found


def step_times(folder):
    """The times of the log entries of steps in TensorBoard's events: each an `Event` with time (field 1), step (2), value."""
    times = {}
    for path in Path(folder).glob("runs/*/events.out.tfevents.*"):
        data, place = path.read_bytes(), 0
        while place < len(data):
            (length,) = struct.unpack_from("<Q", data, place)
            event = data[place + 12 : place + 12 + length]
            place += length + 16
            if b"train/grad_norm" in event:
                assert event[0] == 0x09 and event[9] == 0x10, "an event of another form"
                digits = next(count for count in range(1, 10) if event[9 + count] < 0x80)
                step = sum((event[10 + digit] & 0x7F) << 7 * digit for digit in range(digits))
                times[step] = struct.unpack_from("<d", event, 1)[0]
    return [times[step] for step in sorted(times)]


def tune(given, tool, folder, path, steps):
    with tempfile.TemporaryDirectory() as output:
        options = ["--max-length", given.max_length, "--max-steps", steps, "--threads", given.threads, "--logging-steps", 1]
        options += ["--eval-strategy", "no", "--save-steps", 0, "--no-forecast", "--quiet"]
        *_, memory = inference.run([tool, "tune", folder, "--train", path, "--output-dir", output, *options], given.threads)
        times = step_times(output)
    assert len(times) == steps, f"{len(times)} of {steps} steps are in the log"
    return (times[-1] - times[0]) / (steps - 1), memory


def trainer(given, folder, path, steps, options):
    with tempfile.TemporaryDirectory() as output:
        options = ["--max-length", given.max_length, "--max-steps", steps, "--threads", given.threads, "--no-evaluation", *options]
        command = [sys.executable, HERE / "trainer.py", folder, path, path, *options, "--output", f"{output}/out.json"]
        inference.run(command, given.threads)
        found = json.loads(Path(output, "out.json").read_text())
    return found["seconds_per_step"]["mean"], found["peak_memory_megabytes"]


def measure(given, tool, folder, engine, path, steps):
    if engine == "martlet-fp32":
        return tune(given, tool, folder, path, steps)
    return trainer(given, folder, path, steps, ["--bf16"] if engine == "torch-bf16" else [])


def main():
    given = arguments()
    tool, folder, now, path = inference.prepared(given, "tuning-")
    if path.exists():
        results = json.loads(path.read_text())
    else:
        results = inference.header(given, tool, now, LIBRARIES, ["max_length", "threads", "steps"])
    if os.getloadavg()[0] > inference.BUSY:
        print("warning: this machine is not idle", file=sys.stderr)
    engines = given.engines.split(",")
    with tempfile.TemporaryDirectory() as into:
        for name, file in write_texts(given, Path(into)).items():
            done = {(run["round"], run["engine"]) for run in results["runs"] if run["measure"] == name}
            first = 1 + max((round for round, _ in done), default=-1)
            for round in range(first, first + given.runs):
                turn = round % len(engines)
                for engine in engines[turn:] + engines[:turn]:
                    seconds, memory = measure(given, tool, folder, engine, file, given.steps[name])
                    run = {"measure": name, "round": round, "engine": engine, "peak_memory_megabytes": memory}
                    results["runs"].append(run | {"result": {"seconds_per_step": seconds}})
                    path.write_text(json.dumps(results, indent=1) + "\n")
                    print(f"{name}, run {round + 1}, {table.title(engine)}: {seconds:.4f} s a step, {memory:.0f} MB", file=sys.stderr)
    print(table.tuning(results))


if __name__ == "__main__":
    main()
