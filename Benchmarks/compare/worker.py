"""One measurement of one peer, in a process of its own: settings as JSON come as argument, the result goes to stdout."""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import engines
import numpy as np
import texts

BATCH = 32
# The most tokens of a batch, padding included: of 512 to 4,096, where each library was fastest with MiniLM-L6 in int8 on long
# reviews (PyTorch was not tried). With more, ONNX Runtime and CTranslate2 take more memory and slow down.
BATCH_TOKENS = {"openvino": 4096, "onnxruntime": 512, "ctranslate2": 512, "torch": 4096}


def open_tokenizer(settings):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(os.path.join(settings["folder"], "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def load(settings, streams=1):
    names = ("engine", "folder", "cache")
    return engines.load(*(settings[name] for name in names), settings["threads"] // streams, streams)


def padded(encoded):
    """Ids and mask of a batch, as long as its longest text."""
    lengths = np.array([[len(ids)] for ids in encoded])
    batch = np.zeros((len(encoded), lengths.max()), dtype=np.int64)
    for row, ids in zip(batch, encoded):
        row[: len(ids)] = ids
    return batch, (np.arange(batch.shape[1]) < lengths).astype(np.int64)


def batches(encoded, limit):
    """Indices of similar lengths, longest first: the threads then end together. `limit` is the most tokens."""
    order = sorted(range(len(encoded)), key=lambda index: -len(encoded[index]))
    while order:
        count = max(1, min(BATCH, limit // len(encoded[order[0]])))
        yield order[:count]
        order = order[count:]


def measure_stream(settings):
    """Text in, label out: sorted by length, in batches padded to their longest text.

    `tuned`: batches of the size that suits the library, and one batch a thread at a time. `plain`: batches of 32 texts, and
    all threads on one.
    """
    tuned = settings["batches"] == "tuned"
    streams = settings["threads"] if tuned else 1
    limit = BATCH_TOKENS[settings["engine"].split("-")[0]] if tuned else BATCH * settings["max_length"]
    engine, tokenizer = load(settings, streams), open_tokenizer(settings)
    tokenizer.enable_truncation(settings["max_length"])
    pool = ThreadPoolExecutor(streams)

    def classify(inputs):
        encoded = [encoding.ids for encoding in tokenizer.encode_batch(inputs)]
        labels = np.zeros(len(encoded), dtype=np.int64)

        def run(batch):
            labels[batch] = engine(*padded([encoded[index] for index in batch])).argmax(axis=1)

        list(pool.map(run, batches(encoded, limit)))
        return labels, sum(map(len, encoded))

    records = texts.read(settings["texts"])
    inputs = [text for text, _ in records]
    classify(inputs[: BATCH * streams])
    start = time.perf_counter()
    labels, tokens = classify(inputs)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "texts": len(inputs), "tokens": tokens, "labels": labels.tolist()}


def random_ids(count, vocabulary):
    """The ids that `martlet bench` makes."""
    state = 1
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield (state >> 33) % vocabulary


def percentile(ordered, share):
    """As `martlet bench` counts."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def measure_shapes(settings):
    engine, vocabulary = load(settings), open_tokenizer(settings).get_vocab_size()
    found = {}
    for shape in settings["shapes"]:
        batch, length = map(int, shape.split("x"))
        ids = np.fromiter(random_ids(batch * length, vocabulary), np.int64).reshape(batch, length)
        mask = np.ones_like(ids)
        warm_until = time.perf_counter() + min(0.2, settings["seconds"] / 4)
        engine(ids, mask)
        while time.perf_counter() < warm_until:
            engine(ids, mask)
        milliseconds, stop = [], time.perf_counter() + settings["seconds"]
        while len(milliseconds) < settings["passes"] or time.perf_counter() < stop:
            start = time.perf_counter()
            engine(ids, mask)
            milliseconds.append(1000 * (time.perf_counter() - start))
        milliseconds.sort()
        found[shape] = {"passes": len(milliseconds), "p50_ms": percentile(milliseconds, 0.5), "p90_ms": percentile(milliseconds, 0.9)}
    return found


def measure_tokenizer(settings):
    """The best of several rounds over all texts, uncut."""
    tokenizer, inputs = open_tokenizer(settings), [text for text, _ in texts.read(settings["texts"])]
    seconds = []
    for _ in range(7):
        start = time.perf_counter()
        tokens = sum(len(encoding.ids) for encoding in tokenizer.encode_batch(inputs))
        seconds.append(time.perf_counter() - start)
    return {"tokens": tokens, "tokens_per_second": tokens / min(seconds)}


def logits(settings):
    """Of a few texts, in padded batches, to be compared with the other engines' before anything is timed."""
    engine, tokenizer = load(settings), open_tokenizer(settings)
    tokenizer.enable_truncation(settings["max_length"])
    encoded = [encoding.ids for encoding in tokenizer.encode_batch([text for text, _ in texts.read(settings["texts"])])]
    batches = [padded(encoded[start : start + 8]) for start in range(0, len(encoded), 8)]
    return np.concatenate([engine(*batch) for batch in batches]).tolist()


if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    measure = {"shapes": measure_shapes, "stream": measure_stream, "tokenizer": measure_tokenizer, "logits": logits}
    result = measure[settings["measure"]](settings)
    print(json.dumps({"peak_memory_megabytes": texts.peak_memory_megabytes(), "result": result}))
