"""Tests of tools/martlet_spark.py in local-cluster mode: two workers, each a process of its own. `tools/check-spark` runs
them; the environment gives the program `MARTLET` and the bundles `BUNDLE` and `DELTA` (of `BUNDLE`)."""

import json
import os
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
sys.dont_write_bytecode = True
import martlet_spark  # noqa: E402
import pyspark  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402

MARTLET, BUNDLE, DELTA = (os.environ[name] for name in ("MARTLET", "BUNDLE", "DELTA"))
WORDS = "the film was good bad boring never dull moving stirring acting plot é 映画 . !".split()
TEXTS = [" ".join(WORDS[(row * 7 + place * (row % 5 + 1)) % len(WORDS)] for place in range(row % 17)) for row in range(25_000)]
TEXTS[5], TEXTS[6], TEXTS[7] = "two\nlines", "a\ttab and \"quotes\" and \\", "nul \0 inside"


def single(*options, texts=TEXTS):
    """What one process says of all the texts."""
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    done = subprocess.run([MARTLET, "classify", BUNDLE, "--format", "jsonl", "--output", "jsonl", *options],
                          input=lines.encode(), capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


class SparkTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.environ["SPARK_HOME"] = os.path.dirname(pyspark.__file__)
        os.environ["PYSPARK_PYTHON"] = sys.executable
        cls.folder = tempfile.TemporaryDirectory()
        cls.spark = (
            SparkSession.builder.master("local-cluster[2,1,1024]").appName("martlet")
            .config("spark.task.maxFailures", 1).config("spark.driver.host", "127.0.0.1")
            .config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
            .config("spark.executorEnv.PYTHONPATH", os.path.dirname(martlet_spark.__file__))
            .config("spark.sql.execution.arrow.maxRecordsPerBatch", 1000).config("spark.local.dir", cls.folder.name)
            .config("spark.executor.extraJavaOptions", f"-Djava.io.tmpdir={cls.folder.name}").getOrCreate())
        cls.spark.sparkContext.setLogLevel("OFF")
        cls.frame = cls.spark.createDataFrame(list(enumerate(TEXTS)), "id int, text string").repartition(5)

    @classmethod
    def tearDownClass(cls):
        cls.spark.stop()
        cls.folder.cleanup()

    def rows(self, frame):
        return sorted(frame.collect(), key=lambda row: row.id)

    def assertAnswers(self, rows, expected):
        self.assertEqual(len(rows), len(expected))
        for row, answer in zip(rows, expected):
            self.assertEqual((row.text, row.label, row.score, row.error), (TEXTS[row.id], answer["label"], answer["score"], None))

    def test_the_output_is_the_single_process_s(self):
        self.assertAnswers(self.rows(martlet_spark.classify(self.frame, BUNDLE, program=MARTLET)), single())
        options = ["--threshold", "0.6", "--max-length", "8"]
        self.assertAnswers(self.rows(martlet_spark.classify(self.frame, BUNDLE, program=MARTLET, options=options)), single(*options))

    def test_paths_that_every_executor_has_and_a_delta(self):
        expected = single()
        self.assertAnswers(self.rows(martlet_spark.classify(self.frame, BUNDLE, program=MARTLET, ship=False)), expected)
        self.assertAnswers(self.rows(martlet_spark.classify(self.frame, DELTA, program=MARTLET, base=BUNDLE)), expected)

    def test_nulls_and_empty_partitions(self):
        frame = self.spark.createDataFrame([(0, None), (1, "good"), (2, None)], "id int, text string").repartition(6)
        rows = self.rows(martlet_spark.classify(frame, BUNDLE, program=MARTLET))
        self.assertEqual([(row.label, row.score, row.error) for row in rows][::2], [(None, None, None)] * 2)
        self.assertEqual(rows[1].label, single(texts=["good"])[0]["label"])
        self.assertEqual(self.rows(martlet_spark.classify(frame.where("id > 9"), BUNDLE, program=MARTLET)), [])

    def test_more_text_than_pipes_hold(self):
        texts = ["good film " * 20_000] * 30
        frame = self.spark.createDataFrame(list(enumerate(texts)), "id int, text string").coalesce(1)
        rows = self.rows(martlet_spark.classify(frame, BUNDLE, program=MARTLET))
        self.assertEqual([row.label for row in rows], [answer["label"] for answer in single(texts=texts)])

    def program(self, name, script):
        path = os.path.join(self.folder.name, name)
        Path(path).write_text("#!/bin/bash\n" + script.replace("MARTLET", MARTLET))
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        return path

    def test_a_child_that_does_not_answer_every_text_fails_the_task(self):
        for name, script, pattern in [
            ("killed", 'MARTLET "$@" | (head -n 1500; kill -9 $$)', "ended after 1500 answers.*status -9"),
            ("early", 'MARTLET "$@" | head -n 1500\nexit 0', "ended after 1500 answers.*status 0"),
            ("nothing", "exit 0", "ended after 0 answers"),
            ("failing", 'MARTLET "$@"\necho it did not like it >&2\nexit 3', "failed after [0-9]+ answers, status 3: it did not like it"),
            ("more", 'MARTLET "$@"\necho "{}"', "more answers than the [0-9]+ texts"),
            ("halfway", 'MARTLET "$@" | head -c 70001\nexit 0', "ended after [0-9]+ answers"),
            ("absent model", 'exec MARTLET classify /no/such/model', "no/such/model"),
        ]:
            with self.subTest(name), self.assertRaisesRegex(Exception, pattern):
                martlet_spark.classify(self.frame, BUNDLE, program=self.program(name.replace(" ", "-"), script)).count()

    def test_columns_are_checked_before_anything_runs(self):
        for frame, text in [(self.frame.withColumnRenamed("id", "label"), "text"), (self.frame, "id")]:
            with self.assertRaises(ValueError):
                martlet_spark.classify(frame, BUNDLE, text=text, program=MARTLET)


if __name__ == "__main__":
    unittest.main()
