"""Tests of tools/martlet.py. The environment gives the bundles `BUNDLE`, `BASE` (without a head), `MULTI_LABEL`,
`REGRESSION` and `DELTA` (calibrated, of `BUNDLE`), and the library `MARTLET_LIBRARY`."""

import ctypes
import math
import multiprocessing
import os
import random
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
sys.dont_write_bytecode = True
import martlet  # noqa: E402

BUNDLE, BASE, DELTA = os.environ["BUNDLE"], os.environ["BASE"], os.environ["DELTA"]
TEXTS = ["", "good", "a stirring , funny and finally transporting film", "naïve 映画 \0 🎬", "film " * 100] + ["bad " * n for n in range(30)]


def child(classifier, queue):
    """What a forked child gets from its parent's classifier."""
    try:
        queue.put(classifier.classify("good").label)
    except martlet.MartletError as error:
        queue.put(error.status)


class ValueTests(unittest.TestCase):
    """Values of wrong types and sizes: a Python exception or an answer, never the end of the process."""

    def test_values(self):
        generator = random.Random(int(os.environ.get("MARTLET_FUZZ_SEED", "1")))
        values = [
            None, True, 0, -1, 1 << 70, 1.5, math.nan, math.inf, "", "good", "\0", "\ud800", b"", b"\xff\xfe", b"good", (), ("a",), ("a", "b"),
            ("a", "b", "c"), [], ["good", None], [("a", 1)], {}, {"a": 1}, {"good"}, object(), "x" * 100_000, range(3), Path("/"), bytearray(b"good"),
            memoryview(b"good"), iter(["good"]), (text for text in ["good"]), martlet, len, [["good"]], ("good", b"bad"),
        ]
        end = time.monotonic() + float(os.environ.get("MARTLET_FUZZ_SECONDS", "0"))
        with martlet.Classifier(BUNDLE) as classifier:
            expected = classifier.classify("good")
            calls = [
                lambda x, y: classifier.classify(x),
                lambda x, y: classifier.classify(x, y),
                lambda x, y: classifier.classify_batch(x),
                lambda x, y: classifier.classify_batch([x, y]),
                lambda x, y: martlet.Classifier(x).close(),
                lambda x, y: martlet.Classifier(BUNDLE, threads=x).close(),
                lambda x, y: martlet.Classifier(BUNDLE, verify_checksums=x, calibrated=y).close(),
                lambda x, y: martlet.Classifier(BUNDLE, base=x, mapped=y).close(),
            ]
            answers = errors = 0
            for call in calls:
                pairs = [(x, None) for x in values] + [(generator.choice(values), generator.choice(values)) for _ in range(40)]
                while pairs or time.monotonic() < end:
                    x, y = pairs.pop() if pairs else (generator.choice(values), generator.choice(values))
                    try:
                        call(x, y)
                        answers += 1
                    except (martlet.MartletError, TypeError, ValueError, AttributeError, OverflowError, ctypes.ArgumentError) as error:
                        self.assertTrue(str(error) or isinstance(error, AttributeError), f"{x!r}, {y!r}")
                        errors += 1
            self.assertGreater(answers, 20)
            self.assertGreater(errors, 20)
            self.assertEqual(classifier.classify("good"), expected)


    def test_tuples(self):
        with martlet.Classifier(BUNDLE) as classifier:
            for text in [(), ("good",), ("a", "b", "c")]:
                with self.assertRaises(martlet.MartletError) as raised:
                    classifier.classify_batch(["good", text])
                self.assertEqual(raised.exception.status, martlet.MartletError.INVALID_ARGUMENT)
                self.assertIn(f"found a tuple of {len(text)}", str(raised.exception))
            for texts in ["good", b"good", [1], [None]]:
                with self.assertRaises(TypeError):
                    classifier.classify_batch(texts)


class MartletTests(unittest.TestCase):
    def test_predictions(self):
        with martlet.Classifier(BUNDLE) as classifier:
            self.assertEqual(classifier.labels, ["negative", "neutral", "positive"])
            self.assertEqual(classifier.maximum_length, 64)
            self.assertTrue(classifier.instruction_set)
            batch = classifier.classify_batch(TEXTS)
            self.assertEqual(batch, [classifier.classify(text) for text in TEXTS])
            self.assertEqual(batch, classifier.classify_batch(text.encode() for text in TEXTS))
            self.assertEqual(classifier.classify_batch([]), [])
            for prediction in batch:
                best = max(range(3), key=lambda label: prediction.logits[label])
                self.assertEqual(prediction.label, classifier.labels[best])
                self.assertEqual(prediction.score, prediction.scores[best])
                self.assertAlmostEqual(sum(prediction.scores), 1, places=6)
            self.assertEqual((batch[0].token_count, batch[1].token_count, batch[4].token_count), (2, 3, 64))
            self.assertEqual([index for index, prediction in enumerate(batch) if prediction.was_truncated], [4])
            pair = classifier.classify("good", "bad")
            self.assertNotEqual(pair.logits, classifier.classify("bad", "good").logits)
            self.assertEqual(classifier.classify_batch(["good", ("good", "bad")])[1], pair)
        self.assertRegex(martlet.version(), r"^\d+\.\d+\.\d+$")

    def test_other_heads(self):
        with martlet.Classifier(os.environ["MULTI_LABEL"]) as classifier:
            batch = classifier.classify_batch(TEXTS)
            for prediction in batch:
                given = [name for name, logit in zip(classifier.labels, prediction.logits) if logit > 0]
                self.assertEqual(prediction.label, ",".join(given))
                self.assertEqual(prediction.score, max(prediction.scores))
            self.assertGreater(len({prediction.label for prediction in batch}), 1)
        with martlet.Classifier(os.environ["REGRESSION"]) as classifier:
            for prediction in classifier.classify_batch(TEXTS):
                self.assertEqual(prediction.scores, prediction.logits)
                self.assertEqual(prediction.score, prediction.logits[0])
                for label, logit in zip(prediction.label.split(","), prediction.logits):
                    self.assertAlmostEqual(float(label), logit, places=6)
                    self.assertLess(len(label), 15)

    def test_calibration_and_base(self):
        error = martlet.MartletError
        self.assertStatus(error.NO_CALIBRATION, lambda: martlet.Classifier(BUNDLE, calibrated=True), "no calibration")
        self.assertStatus(error.INVALID_FILE, lambda: martlet.Classifier(DELTA), "tiny.martlet")
        self.assertStatus(error.INVALID_FILE, lambda: martlet.Classifier(DELTA, base=BASE), "not the base")
        self.assertStatus(error.INVALID_FILE, lambda: martlet.Classifier(BUNDLE, base=BUNDLE), "not a delta")
        self.assertStatus(error.INVALID_ARGUMENT, lambda: martlet.Classifier(DELTA, base="a\0b"))
        with martlet.Classifier(BUNDLE) as classifier:
            expected = classifier.classify_batch(TEXTS)
        with martlet.Classifier(DELTA, base=BUNDLE, mapped=False) as classifier:
            self.assertEqual(classifier.classify_batch(TEXTS), expected)
        with martlet.Classifier(DELTA, base=Path(BUNDLE), calibrated=True) as classifier:
            for plain, calibrated in zip(expected, classifier.classify_batch(TEXTS)):
                self.assertEqual((plain.logits, plain.label), (calibrated.logits, calibrated.label))
                self.assertNotEqual(plain.scores, calibrated.scores)
                # Divided by one temperature, logits keep their order and their ratios.
                ratio = lambda row: math.log(row.scores[0] / row.scores[1])
                self.assertAlmostEqual(ratio(plain) / ratio(calibrated), self.temperature(expected, classifier), places=3)

    def temperature(self, expected, classifier):
        plain, calibrated = expected[1], classifier.classify(TEXTS[1])
        return math.log(plain.scores[0] / plain.scores[2]) / math.log(calibrated.scores[0] / calibrated.scores[2])

    def test_threads(self):
        with martlet.Classifier(BUNDLE, threads=2) as classifier:
            expected = classifier.classify_batch(TEXTS)
            found = [None] * 8
            def run(number):
                found[number] = classifier.classify_batch(TEXTS) if number % 2 else [classifier.classify(text) for text in TEXTS]
            threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(found, [expected] * 8)

    def assertStatus(self, status, body, pattern=""):
        with self.assertRaisesRegex(martlet.MartletError, pattern) as context:
            body()
        self.assertEqual(context.exception.status, status)

    def test_errors(self):
        error = martlet.MartletError
        self.assertStatus(error.INVALID_FILE, lambda: martlet.Classifier("/no/such/file"), "/no/such/file")
        self.assertStatus(error.NO_HEAD, lambda: martlet.Classifier(Path(BASE)), "no classification head")
        self.assertStatus(error.INVALID_ARGUMENT, lambda: martlet.Classifier(BUNDLE, threads=1025), "1025")
        self.assertStatus(error.INVALID_ARGUMENT, lambda: martlet.Classifier("a\0b"))
        self.assertStatus(error.INVALID_UTF8, lambda: martlet.Classifier(b"\xff"))
        classifier = martlet.Classifier(BUNDLE, threads=1, verify_checksums=False)
        self.assertStatus(error.INVALID_UTF8, lambda: classifier.classify_batch(["good", b"\xff"]), "text 1: ")
        self.assertStatus(error.INVALID_UTF8, lambda: classifier.classify("\ud800"), "text 0: ")
        self.assertStatus(error.TEXT_TOO_LONG, lambda: classifier.classify("x" * ((1 << 20) + 1)), "1048576")
        self.assertEqual(classifier.classify("x" * (1 << 20)).token_count, classifier.classify("x" * 200).token_count)
        self.assertStatus(error.INVALID_ARGUMENT, lambda: martlet.Classifier(BUNDLE, maximum_text_bytes=0), "maximum_text_bytes")
        with martlet.Classifier(BUNDLE, maximum_text_bytes=4) as bounded:
            self.assertStatus(error.TEXT_TOO_LONG, lambda: bounded.classify_batch(["good", ("good", "wrong")]), "text 1: ")
            bounded.classify("good")
        classifier.close()
        classifier.close()
        self.assertStatus(error.CLOSED_HANDLE, lambda: classifier.classify("good"), "closed")
        self.assertStatus(error.CLOSED_HANDLE, lambda: classifier.classify_batch([]))

    def test_not_finite(self):
        with martlet.Classifier(os.environ["NOT_FINITE"]) as classifier:
            for texts in (["awful"], ["good", "an awful film"]):
                self.assertStatus(martlet.MartletError.NOT_FINITE, lambda: classifier.classify_batch(texts))
            self.assertIn(classifier.classify("good").label, classifier.labels)

    def test_fork(self):
        context = multiprocessing.get_context("fork")
        with martlet.Classifier(BUNDLE, threads=2) as classifier:
            queue = context.SimpleQueue()
            process = context.Process(target=child, args=(classifier, queue))
            process.start()
            process.join(60)
            self.assertEqual(process.exitcode, 0)
            self.assertEqual(queue.get(), martlet.MartletError.CLOSED_HANDLE)
            self.assertIn(classifier.classify("good").label, classifier.labels)

    def test_program(self):
        run = lambda *arguments: subprocess.run(
            [sys.executable, str(TOOLS / "martlet.py"), *arguments], input=b"good\nbad \xff\n", capture_output=True, timeout=60)
        done = run(BUNDLE)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout.decode(), r"^((negative|neutral|positive)\t[01]\.\d{6}\n){2}$")
        self.assertEqual((run("/no").returncode, run().returncode), (1, 64))


if __name__ == "__main__":
    unittest.main()
