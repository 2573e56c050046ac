"""Text classification with Martlet on Spark: every partition through a process of its own, in one file without compiled code.

    import martlet_spark

    predictions = martlet_spark.classify(reviews, "sentiment.martlet", text="review")
    predictions.select("id", "label", "score").write.parquet("predictions")

`classify` returns the DataFrame with the columns `label`, `score` and `error` behind its own: a label's name and its score,
several names joined with commas and the highest score for a model of several labels, no label and the value as score for
regression; `error` says why a text could not be classified and is null for all others. A null text has three nulls.

The bundle and the program are shipped to the executors with `addFile`; with `ship=False` both are paths that every executor
has. A task keeps one process for its partition and counts: as many answers as texts, in order. A process that is killed, ends
early or answers too much fails the task, whatever status it ends with; Spark then repeats the task or gives up. Nothing is
classified twice within a task and nothing is kept back: memory is that of two Arrow batches, and of the model, whose pages the
tasks on a machine share.

Each process uses one thread, since Spark runs a task for each core; give `threads` together with `spark.task.cpus`.
"""

import collections
import json
import os
import queue
import subprocess
import tempfile
import threading

__all__ = ["classify"]

#: How many Arrow batches the process has to work on while the answers of the first are awaited.
_BATCHES_AHEAD = 2


def classify(dataframe, model, text="text", program="martlet", threads=1, options=(), base=None, ship=True):
    """The DataFrame with `label`, `score` and `error` for each row's `text`.

    `options` are more of `martlet classify`'s, such as `["--calibrated", "--threshold", "0.9"]`, but for formats. `base` is the
    bundle that `model` is a delta of. Raises ValueError for a column that is not there or one that would be there twice.
    """
    from pyspark.sql.types import DoubleType, StringType, StructField, StructType

    if dataframe.schema[text].dataType != StringType():
        raise ValueError(f"{text}: expected a column of strings, found {dataframe.schema[text].dataType.simpleString()}")
    added = [StructField("label", StringType()), StructField("score", DoubleType()), StructField("error", StringType())]
    for field in added:
        if field.name in dataframe.columns:
            raise ValueError(f"the DataFrame has a column {field.name} already: rename it")
    files = {"program": program, "model": model, **({"base": base} if base else {})}
    if ship:
        context = dataframe.sparkSession.sparkContext
        for path in files.values():
            context.addFile(path)
        files = {role: os.path.basename(path) for role, path in files.items()}
    index = dataframe.columns.index(text)
    options = list(options) + ["--threads", str(threads)]

    def partition(batches):
        paths = files
        if ship:
            from pyspark import SparkFiles

            paths = {role: SparkFiles.get(name) for role, name in files.items()}
        command = [paths["program"], "classify", paths["model"], "--format", "jsonl", "--output", "jsonl", "--quiet", *options]
        if "base" in paths:
            command += ["--base", paths["base"]]
        return _classified(batches, index, command)

    return dataframe.mapInArrow(partition, StructType(dataframe.schema.fields + added))


def _classified(batches, index, command):
    """The Arrow batches with three more columns, by one process from the first to the last."""
    import pyarrow

    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        # A thread of its own writes: who both writes and reads may wait for a process that waits to be read.
        pieces = queue.Queue()
        writer = threading.Thread(target=_write, args=(process.stdin, pieces), daemon=True)
        writer.start()

        count = 0

        def failure(what):
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            errors.seek(0)
            said = errors.read().decode("utf-8", "replace").strip()
            return RuntimeError(f"{' '.join(command)}: {what}, status {process.returncode}{': ' + said if said else ''}")

        def answered(batch):
            nonlocal count
            columns = [], [], []
            for place, text in enumerate(batch.column(index)):
                values = (None, None, None)
                if text.is_valid:
                    line = process.stdout.readline()
                    if not line.endswith(b"\n"):
                        raise failure(f"it ended after {count} answers, before that of row {place} of {len(batch)} in a batch")
                    values = _values(line)
                    count += 1
                for column, value in zip(columns, values):
                    column.append(value)
            types = pyarrow.string(), pyarrow.float64(), pyarrow.string()
            arrays = batch.columns + [pyarrow.array(column, type) for column, type in zip(columns, types)]
            return pyarrow.RecordBatch.from_arrays(arrays, names=batch.schema.names + ["label", "score", "error"])

        waiting = collections.deque()
        try:
            for batch in batches:
                pieces.put(_lines(batch.column(index)))
                waiting.append(batch)
                if len(waiting) == _BATCHES_AHEAD:
                    yield answered(waiting.popleft())
            pieces.put(None)
            while waiting:
                yield answered(waiting.popleft())
            if process.stdout.read(1):
                raise failure(f"more answers than the {count} texts")
            if process.wait() != 0:
                raise failure(f"it failed after {count} answers")
        finally:
            # Also when Spark gives the task up; one that has ended is left alone.
            process.kill()
            process.wait()
            pieces.put(None)
            writer.join()
            process.stdout.close()


def _lines(texts):
    """A JSON object a line for each text that is there."""
    return "".join(json.dumps({"text": text.as_py()}) + "\n" for text in texts if text.is_valid).encode()


def _write(stream, pieces):
    try:
        while (piece := pieces.get()) is not None:
            stream.write(piece)
            stream.flush()
        stream.close()
    except OSError:
        pass  # The process has ended: who reads its answers finds out and says why.


def _values(line):
    answer = json.loads(line)
    if "error" in answer:
        return None, None, answer["error"]
    if "value" in answer:
        return None, answer["value"], None
    label, score = answer["label"], answer["score"]
    if isinstance(label, list):
        return ",".join(label), max(score, default=None), None
    return label, score, None
