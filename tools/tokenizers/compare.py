"""Compares `martlet tokenize` with Hugging Face's tokenizers, line by line; see tools/compare-tokenizers."""

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tokenizers

import hostile

ROOT = Path(__file__).resolve().parents[2]
BATCH = 5_000


def read_lines(path):
    for line in Path(path).read_bytes().split(b"\n")[:-1]:
        yield line.removesuffix(b"\r")


def ours(command, folder, lines):
    """The ids of each line, as texts; one process for all of them."""
    with tempfile.NamedTemporaryFile(dir=Path(tempfile.gettempdir())) as file:
        for line in lines:
            file.write(line + b"\n")
        file.flush()
        process = subprocess.Popen([*command, str(folder), file.name], stdout=subprocess.PIPE)
        for output in process.stdout:
            yield output.decode().rstrip("\n")
        if process.wait() != 0:
            sys.exit(f"{command[0]} failed on {folder}")


def compare(command, folder, tokenizer, name, lines):
    """Returns whether all lines agree."""
    start = time.monotonic()
    lines, given = itertools.tee(lines)
    found = ours(command, folder, given)
    count = tokens = 0
    while batch := list(itertools.islice(lines, BATCH)):
        texts = [line.decode("utf-8", errors="replace") for line in batch]
        for line, text, encoding in zip(batch, texts, tokenizer.encode_batch_fast(texts)):
            expected = " ".join(map(str, encoding.ids))
            actual = next(found, "nothing")
            if actual != expected:
                ids = [int(number) for number in actual.split()] if actual != "nothing" else []
                place = next((i for i, (a, b) in enumerate(zip(ids, encoding.ids)) if a != b), min(len(ids), len(encoding.ids)))
                around = slice(max(0, place - 3), place + 4)
                print(f"{folder.name}: {name}: line {count + 1} differs: {text[:200]!r}")
                print(f"  at token {place}: expected {[tokenizer.id_to_token(i) for i in encoding.ids[around]]} {encoding.ids[around]}")
                print(f"  found {[tokenizer.id_to_token(i) for i in ids[around]]} {ids[around]}")
                return False
            count += 1
            tokens += len(encoding.ids)
    assert next(found, None) is None
    print(f"{folder.name}: {name}: {count} lines, {tokens} ids are the same ({time.monotonic() - start:.0f} s)", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser(prog="compare-tokenizers", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--text", nargs="*", default=[], help="files to compare, one text a line")
    parser.add_argument("--martlet", default=str(ROOT / ".build" / "release" / "martlet"))
    parser.add_argument("--no-hostile", action="store_true", help="only the files")
    arguments = parser.parse_args()
    command = [arguments.martlet, "tokenize", "--whole"]
    is_equal = True
    for folder in arguments.folders:
        tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        sources = [(Path(path).name, lambda path=path: read_lines(path)) for path in arguments.text]
        if not arguments.no_hostile:
            sources += [("alphabet", lambda: hostile.over_alphabet(tokenizer.get_vocab())), ("hostile", hostile.lines)]
        for name, lines in sources:
            is_equal = compare(command, folder, tokenizer, name, lines()) and is_equal
    sys.exit(0 if is_equal else 1)


if __name__ == "__main__":
    main()
