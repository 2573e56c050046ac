"""Labelled texts from a .tsv or .jsonl file (or either with .gz), and the memory a process has used."""

import gzip
import itertools
import json


def read(path, limit=None, repeat_to=None):
    """Pairs of text and label (an integer, or None). `repeat_to` goes round until there are that many."""
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8", newline="\n") as file:
        lines = (line.rstrip("\n") for line in file)
        if path.removesuffix(".gz").endswith(".jsonl"):
            records = ((record["text"], record.get("label")) for record in map(json.loads, lines))
        else:
            columns = next(lines).split("\t")
            text, label = columns.index("text"), columns.index("label")
            records = ((fields[text], int(fields[label])) for fields in (line.split("\t") for line in lines))
        records = list(itertools.islice(records, limit))
    return [records[index % len(records)] for index in range(repeat_to)] if repeat_to else records


def write(path, records):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps({"text": text, "label": label}) + "\n" for text, label in records)


def peak_memory_megabytes():
    """VmHWM: unlike ru_maxrss it does not remember the process that started this one."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
