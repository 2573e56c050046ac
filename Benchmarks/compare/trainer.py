"""Hugging Face's Trainer with the reference configuration: seconds a step, samples a second, memory, accuracy.

Dynamic padding, float32, data in the Trainer's order. Loss and evaluation are logged as users see them.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import texts


def arguments():
    parser = argparse.ArgumentParser(prog="run trainer", description=__doc__)
    parser.add_argument("folder", help="Hugging Face folder of an encoder")
    parser.add_argument("train", help=".tsv or .jsonl, also .gz, with text and label")
    parser.add_argument("validation")
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--num-labels", type=int, default=2)
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--max-steps", type=int, default=-1, help="stop early; the schedule then ends there too")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=2e-5)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--dropout", type=float, help="instead of the model's own")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bf16", action="store_true", help="autocast")
    parser.add_argument("--no-evaluation", action="store_true", help="time the steps alone")
    parser.add_argument("--save", help="folder for the trained model")
    parser.add_argument("--output", help="JSON file for the results")
    return parser.parse_args()


def compute_metrics(prediction):
    labels, chosen = prediction.label_ids, prediction.predictions.argmax(-1)
    found = {"accuracy": float((labels == chosen).mean())}
    if labels.max() <= 1:
        both = float(((labels == 1) & (chosen == 1)).sum())
        found["precision"] = both / max(1.0, float((chosen == 1).sum()))
        found["recall"] = both / max(1.0, float((labels == 1).sum()))
        total = found["precision"] + found["recall"]
        found["f1"] = 2 * found["precision"] * found["recall"] / total if total else 0.0
    return found


def main():
    given = arguments()
    os.environ["OMP_NUM_THREADS"] = str(given.threads)

    import torch
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainerCallback,
        TrainingArguments,
        set_seed,
    )

    torch.set_num_threads(given.threads)

    class StepClock(TrainerCallback):
        def __init__(self):
            self.seconds = []

        def on_step_begin(self, *_, **__):
            self.start = time.perf_counter()

        def on_step_end(self, *_, **__):
            self.seconds.append(time.perf_counter() - self.start)

    tokenizer = AutoTokenizer.from_pretrained(given.folder)

    def dataset(path):
        records = texts.read(path)
        encoded = tokenizer([text for text, _ in records], truncation=True, max_length=given.max_length, padding=False)
        return [{"input_ids": ids, "labels": label} for ids, (_, label) in zip(encoded["input_ids"], records)]

    set_seed(given.seed)
    changes = {} if given.dropout is None else dict.fromkeys(("hidden_dropout_prob", "attention_probs_dropout_prob"), given.dropout)
    model = AutoModelForSequenceClassification.from_pretrained(given.folder, num_labels=given.num_labels, **changes)
    clock = StepClock()
    with tempfile.TemporaryDirectory() as folder:
        settings = TrainingArguments(
            folder,
            eval_strategy="no" if given.no_evaluation else "epoch",
            learning_rate=given.learning_rate,
            per_device_train_batch_size=given.batch_size,
            num_train_epochs=given.epochs,
            max_steps=given.max_steps,
            weight_decay=0.01,
            save_strategy="no" if given.max_steps > 0 else "steps",
            save_steps=500,
            logging_steps=100,
            seed=given.seed,
            bf16=given.bf16,
            use_cpu=True,
            report_to=[],
            disable_tqdm=True,
        )
        trainer = Trainer(
            model,
            settings,
            train_dataset=dataset(given.train),
            eval_dataset=dataset(given.validation),
            processing_class=tokenizer,
            data_collator=DataCollatorWithPadding(tokenizer),
            compute_metrics=compute_metrics,
            callbacks=[clock],
        )
        outcome = trainer.train()
    steady = np.array(clock.seconds[1:] or clock.seconds)
    results = {
        "steps": len(clock.seconds),
        "seconds_per_step": {"mean": steady.mean(), "p50": np.median(steady), "p90": np.quantile(steady, 0.9)},
        "train_runtime": outcome.metrics["train_runtime"],
        "train_samples_per_second": outcome.metrics["train_samples_per_second"],
        "train_loss": outcome.metrics["train_loss"],
        "peak_memory_megabytes": texts.peak_memory_megabytes(),
        "threads": given.threads,
        "log_history": trainer.state.log_history,
    }
    seconds = results["seconds_per_step"]
    print(
        f"{results['steps']} steps, {seconds['mean']:.3f} s a step (median {seconds['p50']:.3f}, p90 {seconds['p90']:.3f}), "
        f"{results['train_samples_per_second']:.2f} samples/s, peak {results['peak_memory_megabytes']:.0f} MB"
    )
    if given.save:
        trainer.save_model(given.save)
    if given.output:
        Path(given.output).write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


main()
