"""The built tool, run as users run it."""

import json
import subprocess
from dataclasses import dataclass


class Differs(Exception):
    """An answer that is not the reference's."""


class Broken(Exception):
    """Not an answer and not an error in one line: a crash, no end, an exit status that does not exist."""


class Refused(Exception):
    """Exit status 1 with one line on stderr."""


@dataclass
class Tool:
    path: str
    timeout: int = 60

    def run(self, *arguments, lines=()):
        text = "".join(line + "\n" for line in lines)
        command = [self.path, *map(str, arguments)]
        try:
            done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=self.timeout)
        except subprocess.TimeoutExpired:
            raise Broken(f"{arguments[0]}: no end within {self.timeout} s") from None
        message = done.stderr.decode(errors="replace").strip()
        if done.returncode == 1 and message:
            last = message.splitlines()[-1]
            if not last.startswith("martlet: "):
                raise Broken(f"{arguments[0]}: status 1 with {message[:300]!r}")
            raise Refused(last.removeprefix("martlet: "))
        if done.returncode != 0:
            raise Broken(f"{arguments[0]}: status {done.returncode}, {message[:300]!r}")
        return done.stdout.decode()

    def ids(self, model, texts):
        return [list(map(int, line.split())) for line in self.run("tokenize", model, lines=texts).splitlines()]

    def answers(self, model, texts):
        """What `classify` says of texts, or of pairs where the elements are pairs."""
        options = []
        records = [json.dumps({"text": text} if isinstance(text, str) else {"text": text[0], "pair": text[1]}) for text in texts]
        if texts and not isinstance(texts[0], str):
            options = ["--text-pair-field", "pair"]
        form = ["--format", "jsonl", "--text-field", "text", "--output", "jsonl", "--logits", "--quiet", "--threads", 1]
        return [json.loads(line) for line in self.run("classify", model, *form, *options, lines=records).splitlines()]

    def logits(self, model, texts):
        return [answer.get("logits", answer.get("error")) for answer in self.answers(model, texts)]
