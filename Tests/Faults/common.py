"""What the scripts of this folder share: the tool, a scene of small models and data, and runs of commands with a limit of time."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests" / "Fixtures"
# What Swift's runtime says before it ends the process, where an allocation of its own failed.
RUNTIME = re.compile(r"failed to allocate (\d+) bytes")
RUNTIME_BYTES = 64 << 10
# The loader's or the C library's own words, before the tool has begun.
LOADER = re.compile(r"error while loading shared libraries|cannot load|loader|cannot allocate TLS|Fatal glibc error")


def build():
    """The tool's path, built if need be; MARTLET names another."""
    if "MARTLET" in os.environ:
        return os.environ["MARTLET"]
    built = subprocess.run([str(ROOT / "tools" / "build")], capture_output=True, text=True)
    if built.returncode:
        sys.exit(built.stderr)
    return built.stdout.split()[-1]


class Run:
    """A program's end: its status (negative for a signal, None where it had to be stopped), and what it wrote."""

    def __init__(self, arguments, seconds, stdin=None, before=None):
        with open(stdin or os.devnull, "rb") as given:
            process = subprocess.Popen(
                arguments, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, preexec_fn=before,
                env={**os.environ, "SWIFT_BACKTRACE": "enable=no"})
            try:
                self.output, errors = process.communicate(timeout=seconds)
                self.status = process.returncode
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                self.output, errors = process.communicate()
                self.status = None
        self.errors = errors.decode(errors="replace")

    @property
    def last(self):
        lines = self.errors.strip().splitlines()
        return lines[-1] if lines else ""

    @property
    def is_signal(self):
        return self.status is not None and (self.status < 0 or self.status >= 128)

    @property
    def is_runtime(self):
        """Whether Swift's runtime said that a small allocation of its own failed."""
        sizes = [int(size) for size in RUNTIME.findall(self.errors)]
        return bool(sizes) and sizes[-1] < RUNTIME_BYTES

    @property
    def is_loader(self):
        return self.status == 127 and bool(LOADER.search(self.errors))


class Scene:
    """The tiny models of the fixtures, packed, texts and labelled data in a folder, and the commands over them."""

    def __init__(self, folder, tool):
        self.folder, self.tool = Path(folder), tool
        words = "the film was good bad boring never dull moving stirring acting plot".split()
        texts = [" ".join(words[(i * step) % len(words)] for step in range(1, 2 + i % 9)) for i in range(60)]
        self.texts = self.folder / "texts.txt"
        self.texts.write_text("\n".join(texts) + "\n")
        self.data = self.folder / "train.tsv"
        self.data.write_text("text\tlabel\n" + "".join(f"{text}\t{['negative', 'neutral', 'positive'][i % 3]}\n" for i, text in enumerate(texts[:24])))
        self.bundle, self.old = self.folder / "tiny.martlet", self.folder / "old.martlet"
        self.must("pack", FIXTURES / "tiny-bert", "-o", self.bundle)
        self.must("pack", FIXTURES / "tiny-bert", "-o", self.old, "--weights", "fp32")

    def must(self, *arguments):
        run = Run([self.tool] + [str(argument) for argument in arguments], 120)
        if run.status != 0:
            sys.exit(f"{arguments}: {run.status}: {run.errors}")

    def tune(self, out, *more):
        return [
            self.tool, "tune", str(FIXTURES / "tiny-bert-encoder"), "--train", str(self.data), "--validation", str(self.data), "--output-dir",
            str(out / "tuned"), "--max-steps", "6", "--save-steps", "2", "--per-device-train-batch-size", "4", "--learning-rate", "1e-3",
            "--no-forecast", "--threads", "2", "--logging-dir", str(out / "runs"), *more]

    def commands(self, out):
        """Each command's arguments and standard input, with what it makes in a folder of its own."""
        texts = str(self.texts)
        return {
            "classify": ([self.tool, "classify", str(self.bundle), "--threads", "2"], texts),
            "tokenize": ([self.tool, "tokenize", str(self.bundle)], texts),
            "inspect": ([self.tool, "inspect", str(self.bundle)], None),
            "evaluate": ([self.tool, "evaluate", str(self.bundle), "--data", str(self.data), "--json"], None),
            "pack": ([self.tool, "pack", str(FIXTURES / "tiny-bert"), "-o", str(out / "packed.martlet"), "--json"], None),
            "tune": (self.tune(out), None),
        }

    def prepare(self, out):
        """An output folder as it is before a run: an old bundle stands where `pack` puts its own."""
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        shutil.copy(self.old, out / "packed.martlet")
        return out

    def resume(self, out):
        """Goes on with a tuning run in `out`, from its newest whole checkpoint or from the start: the run, and the model's sum."""
        run = Run(self.tune(out, "--resume-from-checkpoint", "last"), 120)
        if run.status == 1 and "checkpoint" in run.last:
            run = Run(self.tune(out), 120)
        return run, digest(out / "tuned" / "model.safetensors")


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() if Path(path).exists() else None


def comparable(output):
    """What is printed, without what differs from run to run: folders and times."""
    text = output.decode(errors="replace")
    text = re.sub(r"\S*/run-\d+", "RUN", text)
    return re.sub(r'("load_seconds": )?\d+\.\d+( ms| s)|"([a-z_]*(seconds|runtime|per_second))": [\d.e-]+', "TIME", text)


def partial(folder):
    """Names of files and folders that were to become others."""
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*.partial-*"))
