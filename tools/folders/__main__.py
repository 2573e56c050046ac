"""Makes Hugging Face folders with the reference library and compares what the built tool makes of them.

Each NAME is the beginning of the names of cases (family, family/bert, weights, …); default: all."""

import argparse
import collections
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

import labels
import layouts
import messages
import older_files
import older_subwords
import other_tasks
import pairs
import random_settings
import random_tokenizers
import tokenizer_files
import tokenizer_kinds
import usual_folders
import weight_files
import weight_values
from compare import compare
from tool import Tool

TOPICS = [
    usual_folders,
    labels,
    pairs,
    tokenizer_files,
    tokenizer_kinds,
    older_files,
    older_subwords,
    weight_files,
    weight_values,
    layouts,
    other_tasks,
    messages,
    random_settings,
    random_tokenizers,
]
SHOWN = 400


def main():
    parser = argparse.ArgumentParser(prog="compare-folders", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="compare these alone")
    parser.add_argument("--martlet", help="the built tool (default: tools/build builds it)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and of random settings")
    parser.add_argument("--count", type=int, default=600, help="random settings altogether")
    parser.add_argument("--list", action="store_true", help="list the cases, and the decisions behind them")
    arguments = parser.parse_args()
    chosen = [case for topic in TOPICS for case in topic.cases(arguments.seed, arguments.count)]
    if arguments.names:
        chosen = [case for case in chosen if any(case.name.startswith(name) for name in arguments.names)]
    if not chosen:
        parser.error("no case has such a name")
    if arguments.list:
        for case in chosen:
            print(f"{case.name:48} {case.expect}{': ' if case.decision else ''}{case.decision}")
        return 0
    tools = Path(__file__).resolve().parents[1]
    path = arguments.martlet or subprocess.run([tools / "build"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return run(chosen, Tool(path))


def run(chosen, tool):
    started = time.monotonic()
    counts = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="martlet-folders-") as temporary:

        def prepare():
            torch.set_num_threads(1)
            work.arguments = chosen, Path(temporary), tool

        with multiprocessing.get_context("fork").Pool(min(os.cpu_count() or 1, 4), initializer=prepare) as pool:
            for verdict in pool.imap(work, range(len(chosen))):
                counts[verdict.outcome] += 1
                print(f"{verdict.name:48} {verdict.outcome:16} {verdict.detail[:SHOWN]}", flush=True)
    summary = ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items()))
    print(f"{len(chosen)} folders in {time.monotonic() - started:.0f} s: {summary}")
    return 1 if counts["DIFFERS"] else 0


def work(number):
    chosen, directory, tool = work.arguments
    return compare(chosen[number], directory / str(number), tool)


sys.exit(main())
