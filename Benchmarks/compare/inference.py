"""Martlet beside its peers with one classification folder, on this machine, in alternating runs.

shapes      one batch of random ids, the model alone, one thread
reviews     a stream, text in and label out, with one thread and with two
sentences   the same of short texts
tokenizer   the tokenizer alone, one thread

Every run is a process of its own on as many cores as it has threads, so that peak memory is that engine's alone. The
engines take turns, and each round begins with another. All logits are compared with PyTorch's before anything is timed.
"""

import argparse
import datetime
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import engines
import martlet
import random_model
import table
import texts

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SHAPES = "1x16,1x32,1x64,1x128,1x256,1x512,32x128"
MEASURES = ["shapes", "sentences", "reviews", "tokenizer"]
ENGINES = [f"martlet-{weights}" for weights in martlet.WEIGHTS] + engines.NAMES
LIBRARIES = ["torch", "transformers", "tokenizers", "onnx", "onnxruntime", "openvino", "nncf", "ctranslate2", "numpy"]
LARGEST_FP32_DIFFERENCE = 1e-4
BUSY = 0.5


def arguments():
    parser = argparse.ArgumentParser(
        prog="run inference", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", help="Hugging Face folder of a classifier (CTranslate2: of a BERT classifier)")
    parser.add_argument("--random", choices=random_model.SHAPES, help="random weights of this shape, and FOLDER's tokenizer")
    parser.add_argument("--name", help="what the table calls the model (default: the folder's name)")
    parser.add_argument("--reviews", help=".tsv or .jsonl, also .gz, with text and label: the first --review-texts of it")
    parser.add_argument("--sentences", help="likewise; repeated to --sentence-texts")
    parser.add_argument("--review-texts", type=int, default=1000)
    parser.add_argument("--sentence-texts", type=int, default=1821)
    parser.add_argument("--measure", help="of " + ",".join(MEASURES) + " (default: what there are texts for; shapes if random)")
    parser.add_argument("--martlet", help="the tool (default: built by tools/build)")
    parser.add_argument("--tokenizer-ladder", help="the TokenizerLadder of Benchmarks, for Martlet's tokenizer alone")
    default = ",".join(engine for engine in ENGINES if engine != "ctranslate2-fp32")
    parser.add_argument("--engines", default=default, help="of " + ",".join(ENGINES))
    parser.add_argument("--stream-engines", help="(default: those of --engines in int8)")
    parser.add_argument("--shapes", default=SHAPES)
    parser.add_argument("--threads", default="1,2", help="of the streams")
    parser.add_argument("--batches", choices=["tuned", "plain"], default="tuned", help="how peers take the streams (worker.py)")
    parser.add_argument("--runs", type=int, default=5, help="of each engine")
    parser.add_argument("--review-runs", type=int, default=3, help="of each engine on the reviews, which take longest")
    parser.add_argument("--seconds", type=float, default=0.3, help="of a run for each shape, after a warm-up")
    parser.add_argument("--passes", type=int, default=3, help="of a run for each shape, at least (Martlet: at least 5)")
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--calibration", help="texts for OpenVINO's quantisation (default: the reviews, else the sentences)")
    parser.add_argument("--output", help="(default: Benchmarks/results/DATE-NAME.json)")
    given = parser.parse_args()
    given.calibration = given.calibration or given.reviews or given.sentences or parser.error("no texts to calibrate with")
    for engine in given.engines.split(","):
        if engine not in ENGINES:
            parser.error(f"--engines: expected some of {','.join(ENGINES)}, found {engine}")
    given.name = given.name or given.random or Path(given.folder).resolve().name
    if given.random:
        given.name += ", random weights"
    return given


def run(command, threads):
    """A process on its own cores: its output, messages, seconds and peak memory in megabytes."""
    cores = sorted(os.sched_getaffinity(0))[-threads:]
    if len(cores) < threads:
        raise SystemExit(f"{threads} threads were asked for, but this machine has {len(cores)} cores")
    pinned = ["taskset", "--cpu-list", ",".join(map(str, cores)), *map(str, command)]
    environment = os.environ | {"RAYON_NUM_THREADS": str(threads)}
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as messages:
        start = time.perf_counter()
        process = subprocess.Popen(pinned, stdout=output, stderr=messages, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        messages.seek(0)
        if process.returncode:
            raise SystemExit(f"{' '.join(pinned)}: status {process.returncode}\n{messages.read()}")
        # The kernel counts what this process had before it became that one: only more than that says something.
        memory = usage.ru_maxrss / 1024 if usage.ru_maxrss / 1024 > texts.peak_memory_megabytes() else None
        return output.read(), messages.read(), seconds, memory


def measure(settings):
    if settings["engine"].startswith("martlet-"):
        return martlet.measure(settings, run)
    output, *_ = run([sys.executable, HERE / "worker.py", json.dumps(settings)], settings["threads"])
    found = json.loads(output.splitlines()[-1])
    return found["result"], found["peak_memory_megabytes"]


def cache_folder():
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "martlet" / "compared"


def random_folder(shape, folder):
    target = cache_folder() / f"random-{shape}"
    if not (target / "tokenizer.json").exists():
        subprocess.run([sys.executable, HERE / "random_model.py", shape, folder, target], check=True, stdout=sys.stderr)
    return str(target)


def exported(folder, calibration, engine_names):
    """The cache folder of the peers' forms of this model, made where it is missing."""
    libraries = sorted({engine.split("-")[0] for engine in engine_names} & {"onnxruntime", "openvino", "ctranslate2"})
    digest = hashlib.sha256(" ".join(libraries).encode())
    for path in [*(Path(folder) / name for name in ("config.json", "tokenizer.json", "model.safetensors")),
                 HERE / "export.py", HERE / "requirements.txt"]:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    cache = cache_folder() / digest.hexdigest()[:16]
    if not (cache / "complete").exists():
        print("exporting the model to the peers' forms", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, HERE / "export.py", folder, cache, calibration, *libraries], check=True, stdout=sys.stderr)
    return cache


def write_texts(given, into):
    """The same records for all, as files: by measure, and a few of each kind for the comparison of logits."""
    records = {}
    if given.sentences:
        count = given.sentence_texts
        records["sentences"] = texts.read(given.sentences, count, count)
    if given.reviews:
        records["reviews"] = texts.read(given.reviews, given.review_texts)
    if not records:
        records["sentences"] = texts.read(given.calibration, 24)
    longest = records.get("reviews") or records["sentences"]
    # The ladder reads lines, so no text may have one inside.
    records["tokenizer"] = [(" ".join(text.splitlines()), label) for text, label in longest]
    records["logits"] = [record for name in ("sentences", "reviews") for record in records.get(name, [])[:12]]
    for name, chosen in records.items():
        texts.write(into / f"{name}.jsonl", chosen)
    lines = into / "lines.txt"
    lines.write_text("".join(text + "\n" for text, _ in records["tokenizer"]), encoding="utf-8")
    return {name: [label for _, label in chosen] for name, chosen in records.items()}


def compare_logits(engine_names, common, into):
    """The largest difference from PyTorch's of each engine."""

    def logits(engine):
        return measure(common | {"engine": engine, "measure": "logits", "threads": 1, "texts": str(into / "logits.jsonl")})[0]

    expected, differences = logits("torch-fp32"), {}
    for engine in engine_names:
        found = expected if engine == "torch-fp32" else logits(engine)
        assert len(found) == len(expected), f"{engine} answered {len(found)} of {len(expected)} texts"
        differences[engine] = max(abs(a - b) for one, other in zip(found, expected) for a, b in zip(one, other))
        if engine.endswith("fp32") and differences[engine] > LARGEST_FP32_DIFFERENCE:
            raise SystemExit(f"{engine}: a logit differs from PyTorch's by {differences[engine]}: not the same model")
        print(f"logits of {engine} within {differences[engine]:.1e} of PyTorch's", file=sys.stderr, flush=True)
    return differences


def plan(given, measures):
    """What is run, in order: measure, round, threads, engine. Each round begins with another engine."""
    all_engines = given.engines.split(",")
    int8 = [engine for engine in all_engines if engine.endswith("int8")]
    stream = given.stream_engines.split(",") if given.stream_engines else int8
    tokenizers = ["huggingface-tokenizers"] + (["martlet-tokenizer"] if given.tokenizer_ladder else [])
    for name in measures:
        taking_part = {"shapes": all_engines, "tokenizer": tokenizers}.get(name, stream)
        for round in range(given.review_runs if name == "reviews" else given.runs):
            for threads in map(int, given.threads.split(",")) if name in ("reviews", "sentences") else [1]:
                first = round % len(taking_part)
                for engine in taking_part[first:] + taking_part[:first]:
                    yield name, round, threads, engine


def machine():
    text = Path("/proc/cpuinfo").read_text()
    processor = re.search(r"model name\s*: (.*)", text)
    memory = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())[1]) / 2**20
    return {
        "processor": processor[1] if processor else platform.machine(), "cores": len(os.sched_getaffinity(0)),
        "memory_gibibytes": round(memory), "system": platform.platform(), "load_average_before": os.getloadavg()[0],
    }


def commit():
    def git(*command):
        return subprocess.run(["git", "-C", ROOT, *command], capture_output=True, text=True).stdout.strip()

    return git("rev-parse", "HEAD") + (", changed" if git("status", "--porcelain", "Sources", "Package.swift") else "")


def header(given, tool, now, libraries, settings):
    versions = {"martlet": subprocess.run([tool, "--version"], capture_output=True, text=True).stdout.strip()}
    versions |= {"python": platform.python_version()} | {name: version(name) for name in libraries}
    return {
        "model": given.name, "date": f"{now:%Y-%m-%dT%H:%MZ}", "commit": commit(), "machine": machine(), "versions": versions,
        "settings": {name: getattr(given, name) for name in settings}, "logit_differences": {}, "runs": [],
    }


def measure_all(given, measures, common, labels, into, results, path):
    """Runs the plan and keeps each result as soon as it is there."""
    runs = list(plan(given, measures))
    used = [engine for engine in ENGINES if engine in {engine for *_, engine in runs}]
    results["logit_differences"] = compare_logits(used, common, into)
    start = time.monotonic()
    for index, (name, round, threads, engine) in enumerate(runs):
        kind = name if name in ("shapes", "tokenizer") else "stream"
        settings = {"engine": engine, "measure": kind, "threads": threads, "texts": str(into / f"{name}.jsonl")}
        found, memory = measure(common | settings)
        if kind == "stream":
            answers = found.pop("labels")
            right = sum(answer == label for answer, label in zip(answers, labels[name], strict=True))
            found["accuracy"] = None if given.random or None in labels[name] else right / len(answers)
        others = {run["engine"]: run["result"]["tokens"] for run in results["runs"] if run["measure"] == name and kind != "shapes"}
        if set(others.values()) - {found.get("tokens")}:
            raise SystemExit(f"{engine} read {found['tokens']} tokens of the {name}, but {others}")
        run = {"measure": name, "round": round, "engine": engine, "threads": threads, "peak_memory_megabytes": memory}
        results["runs"].append(run | {"result": found})
        path.write_text(json.dumps(results, indent=1) + "\n")
        minutes, seconds = divmod(int(time.monotonic() - start), 60)
        head = f"[{index + 1}/{len(runs)}, {minutes}:{seconds:02}] {name}, run {round + 1}, {threads} threads"
        print(f"{head}, {table.brief(engine, kind, found)}", file=sys.stderr, flush=True)


def prepared(given, kind=""):
    """The tool, the model's folder, the time, and where the results go."""
    tool = given.martlet or subprocess.run([ROOT / "tools/build"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    folder = random_folder(given.random, given.folder) if given.random else given.folder
    now = datetime.datetime.now(datetime.timezone.utc)
    slug = re.sub(r"[^a-z0-9]+", "-", given.name.lower()).strip("-")
    path = Path(given.output or HERE.parent / "results" / f"{now:%Y-%m-%d}-{kind}{slug}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    return tool, folder, now, path


def main():
    given = arguments()
    tool, folder, now, path = prepared(given)
    config = json.loads((Path(folder) / "config.json").read_text())
    available = [name for name in MEASURES if getattr(given, name, True)]
    measures = given.measure.split(",") if given.measure else ["shapes"] if given.random else available
    if missing := [name for name in measures if name not in available]:
        raise SystemExit(f"--measure: no texts for {','.join(missing)}")
    results = header(given, tool, now, LIBRARIES, ["seconds", "passes", "max_length", "batches"])
    if results["machine"]["load_average_before"] > BUSY:
        print("warning: this machine is not idle", file=sys.stderr)
    maximum = min(given.max_length, config["max_position_embeddings"])
    cache = exported(folder, given.calibration, given.engines.split(","))
    if (graphs := cache / "onnxruntime.json").exists():
        results["onnxruntime"] = json.loads(graphs.read_text())
    common = {
        "folder": folder, "cache": str(cache), "martlet": tool, "max_length": maximum,
        "shapes": [shape for shape in given.shapes.split(",") if int(shape.split("x")[1]) <= maximum],
        "seconds": given.seconds, "passes": given.passes, "batches": given.batches, "tokenizer_ladder": given.tokenizer_ladder,
        "label2id": config.get("label2id") or {"LABEL_0": 0, "LABEL_1": 1},
    }
    with tempfile.TemporaryDirectory() as into:
        common |= {"bundles": into, "lines": f"{into}/lines.txt"}
        labels = write_texts(given, Path(into))
        martlet.pack(tool, folder, into, run)
        measure_all(given, measures, common, labels, Path(into), results, path)
    print(table.markdown(results))
    print(f"every number: {os.path.relpath(path)}", file=sys.stderr)


if __name__ == "__main__":
    main()
