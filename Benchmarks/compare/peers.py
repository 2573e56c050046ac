"""How fast the peers classify with a Hugging Face BERT folder: a stream of texts, and single shapes.

A stream is text in, label out: HF tokenizers, texts sorted by length, batches of 32, padded to the longest of the
batch. Every measurement runs in a process of its own, so that peak memory is that engine's alone.
"""

import argparse
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import engines
import numpy as np
import texts

BATCH = 32
SHAPES = [(1, 16), (1, 32), (1, 64), (1, 128), (1, 256), (1, 512), (32, 128)]


def measure_stream(engine, settings):
    from tokenizers import Tokenizer

    records = texts.read(settings["texts"], settings["limit"], settings["repeat_to"])
    tokenizer = Tokenizer.from_file(os.path.join(settings["folder"], "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(settings["max_length"])

    def classify(inputs):
        encoded = [encoding.ids for encoding in tokenizer.encode_batch(inputs)]
        order = sorted(range(len(encoded)), key=lambda index: len(encoded[index]))
        labels = np.zeros(len(encoded), dtype=np.int64)
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            ids = np.zeros((len(chosen), len(encoded[chosen[-1]])), dtype=np.int64)
            for row, index in enumerate(chosen):
                ids[row, : len(encoded[index])] = encoded[index]
            lengths = np.array([[len(encoded[index])] for index in chosen])
            mask = (np.arange(ids.shape[1]) < lengths).astype(np.int64)
            labels[chosen] = engine(ids, mask).argmax(axis=1)
        return labels, sum(map(len, encoded))

    inputs = [text for text, _ in records]
    classify(inputs[:BATCH])
    seconds = []
    for _ in range(settings["runs"]):
        start = time.perf_counter()
        labels, tokens = classify(inputs)
        seconds.append(time.perf_counter() - start)
    middle = statistics.median(seconds)
    right = sum(int(label) == known for label, (_, known) in zip(labels, records))
    return {
        "texts": len(records),
        "tokens": tokens,
        "texts_per_second": len(records) / middle,
        "slowest": len(records) / max(seconds),
        "fastest": len(records) / min(seconds),
        "accuracy": right / len(records),
    }


def measure_latency(engine, settings):
    generator, found = np.random.default_rng(1), {}
    for batch, length in SHAPES:
        if length > settings["max_length"]:
            continue
        ids = generator.integers(5, settings["vocabulary_size"], (batch, length))
        mask = np.ones_like(ids)
        engine(ids, mask)
        milliseconds, stop = [], time.perf_counter() + settings["seconds"]
        while len(milliseconds) < 5 or time.perf_counter() < stop:
            start = time.perf_counter()
            engine(ids, mask)
            milliseconds.append(1000 * (time.perf_counter() - start))
        deciles = statistics.quantiles(milliseconds, n=10)
        found[f"{batch}x{length}"] = {"p50": statistics.median(milliseconds), "p10": deciles[0], "p90": deciles[-1]}
    return found


MEASUREMENTS = {"stream": measure_stream, "latency": measure_latency}


def work(settings):
    """In a process of its own: one measurement, printed as JSON."""
    engine = engines.load(settings["engine"], settings["folder"], settings["cache"], settings["threads"])
    found = MEASUREMENTS[settings["measurement"]](engine, settings)
    print(json.dumps({"result": found, "peak_memory_megabytes": texts.peak_memory_megabytes()}))


def in_own_process(settings):
    environment = os.environ | {"RAYON_NUM_THREADS": str(settings["threads"])}
    command = [sys.executable, __file__, "--work", json.dumps(settings)]
    output = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output.splitlines()[-1])


def exported(folder, calibration):
    """The cache folder of this model's forms, made where it is missing."""
    digest = hashlib.sha256()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        digest.update((Path(folder) / name).read_bytes())
    root = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    cache = root / "martlet" / "compared" / digest.hexdigest()[:16]
    if not (cache / "complete").exists():
        script = Path(__file__).with_name("export.py")
        subprocess.run([sys.executable, script, folder, cache, calibration], check=True, stdout=sys.stderr)
    return str(cache)


def cpu():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def arguments():
    parser = argparse.ArgumentParser(prog="run peers", description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("texts", help=".tsv or .jsonl, also .gz, with text and label")
    parser.add_argument("--engines", default="onnxruntime-int8,openvino-int8", help="of " + ", ".join(engines.NAMES))
    parser.add_argument("--threads", default="1,2", help="for the stream (single shapes: one thread)")
    parser.add_argument("--measure", default="stream,latency")
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--limit", type=int, help="only the first texts")
    parser.add_argument("--repeat-to", type=int, help="go round the texts until there are so many")
    parser.add_argument("--runs", type=int, default=5, help="of the stream; the median is reported")
    parser.add_argument("--seconds", type=float, default=2, help="for each single shape")
    parser.add_argument("--calibration", help="texts for OpenVINO's quantisation (default: TEXTS)")
    parser.add_argument("--output", help="JSON file for all results")
    return parser.parse_args()


def main():
    if sys.argv[1:2] == ["--work"]:
        return work(json.loads(sys.argv[2]))
    given = arguments()
    config = json.loads((Path(given.folder) / "config.json").read_text())
    common = {name: getattr(given, name) for name in ("folder", "texts", "limit", "repeat_to", "runs", "seconds")}
    common["max_length"] = min(given.max_length, config["max_position_embeddings"])
    common["vocabulary_size"] = config["vocab_size"]
    common["cache"] = exported(given.folder, given.calibration or given.texts)
    results = []
    for measurement in given.measure.split(","):
        for engine in given.engines.split(","):
            for threads in map(int, given.threads.split(",")) if measurement == "stream" else [1]:
                found = in_own_process({**common, "measurement": measurement, "engine": engine, "threads": threads})
                results.append({"measurement": measurement, "engine": engine, "threads": threads, **found})
                report(results[-1])
    if given.output:
        versions = {name: version(name) for name in ("onnxruntime", "openvino", "nncf", "torch", "tokenizers")}
        Path(given.output).write_text(json.dumps({"cpu": cpu(), "versions": versions, "results": results}, indent=2) + "\n")


def report(entry):
    found = entry["result"]
    head = f"{entry['measurement']:8} {entry['engine']:18} {entry['threads']} threads, {entry['peak_memory_megabytes']:5.0f} MB: "
    if entry["measurement"] == "stream":
        print(
            head + f"{found['texts_per_second']:8.1f} texts/s ({found['slowest']:.1f} to {found['fastest']:.1f}), "
            f"{found['tokens']} tokens, accuracy {found['accuracy']:.4f}",
            flush=True,
        )
    else:
        print(head + ", ".join(f"{shape} {value['p50']:.2f} ms" for shape, value in found.items()), flush=True)


if __name__ == "__main__":
    main()
