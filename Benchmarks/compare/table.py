"""The Markdown tables of results that `run inference` kept.

    run table RESULTS.json…

A cell is the median of the runs (least and most in brackets). A ratio is the median of the rounds' ratios, each of two runs of
the same round: above 1 Martlet is faster. Several files end with a table of them all.
"""

import json
import math
import statistics
import sys

TITLES = {
    "martlet": "Martlet", "openvino": "OpenVINO", "onnxruntime": "ONNX Runtime", "ctranslate2": "CTranslate2", "torch": "PyTorch",
    "huggingface": "HF",
}


def title(engine):
    library, precision = engine.split("-")
    return f"{TITLES[library]} {precision}"


def number(value):
    """Three significant digits, no exponent."""
    return f"{value:,.{max(0, 2 - math.floor(math.log10(abs(value))))}f}" if value else "0"


def spread(values):
    return f"{number(statistics.median(values))} ({number(min(values))} to {number(max(values))})"


def row(cells):
    return "| " + " | ".join(map(str, cells)) + " |"


def grid(head, rows):
    return "\n".join([row(head), row(["---"] + ["---:"] * (len(head) - 1)), *map(row, rows)]) + "\n"


def megabytes(runs, engine):
    known = [run["peak_memory_megabytes"] for run in runs if run["engine"] == engine and run["peak_memory_megabytes"]]
    return f"{statistics.median(known):,.0f} MB" if known else ""


def engines_in(runs):
    """Martlet's first, then the peers' in the order of their first runs."""
    return sorted(dict.fromkeys(run["engine"] for run in runs), key=lambda engine: not engine.startswith("martlet"))


def by_round(runs, engine, value):
    return {run["round"]: value(run["result"]) for run in runs if run["engine"] == engine}


def ratios(above, below):
    """Of the rounds that both have."""
    values = [above[round] / below[round] for round in above.keys() & below.keys()]
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})" if values else ""


def shapes(runs, differences, heading):
    names, (first, *others) = list(runs[0]["result"]), engines_in(runs)
    milliseconds = {
        engine: [by_round(runs, engine, lambda result: result[shape]["p50_ms"]) for shape in names] for engine in (first, *others)
    }
    rows = [
        [title(engine), *(spread(cell.values()) for cell in cells), megabytes(runs, engine), f"{differences[engine]:.1e}"]
        for engine, cells in milliseconds.items()
    ]
    rows += [
        [f"*{title(engine)} / {title(first)}*", *map(ratios, milliseconds[engine], milliseconds[first]), "", ""] for engine in others
    ]
    head = ["batch x tokens, ms", *names, "memory", "logits off by"]
    count = len({run["round"] for run in runs})
    return f"### {heading}: one thread, the model alone, {count} runs\n\n{grid(head, rows)}"


def stream(runs, heading, batches):
    rows = []
    for threads in sorted({run["threads"] for run in runs}):
        chosen = [run for run in runs if run["threads"] == threads]
        first = engines_in(chosen)[0]
        rates = {
            engine: by_round(chosen, engine, lambda result: result["texts"] / result["seconds"]) for engine in engines_in(chosen)
        }
        for engine, rate in rates.items():
            result = next(run["result"] for run in chosen if run["engine"] == engine)
            rows.append([
                title(engine), threads, spread(rate.values()), ratios(rates[first], rate), megabytes(chosen, engine),
                "" if result["accuracy"] is None else f"{result['accuracy']:.4f}", f"{result['tokens']:,}",
            ])
    head = ["", "threads", "texts/s", f"{title(first)} / this", "memory", "accuracy", "tokens"]
    count = len({run["round"] for run in runs})
    of = f"{runs[0]['result']['texts']:,} texts, text in, label out"
    return f"### {heading}: {of}, peers in {batches} batches, {count} runs\n\n{grid(head, rows)}"


def tokenizer(runs):
    first = engines_in(runs)[0]
    rates = {engine: by_round(runs, engine, lambda result: result["tokens_per_second"] / 1e6) for engine in engines_in(runs)}
    rows = []
    for engine, rate in rates.items():
        tokens = next(run["result"]["tokens"] for run in runs if run["engine"] == engine)
        rows.append([title(engine), spread(rate.values()), ratios(rates[first], rate), f"{tokens:,}"])
    return f"### Tokenizers alone: one thread\n\n{grid(['', 'million tokens/s', f'{title(first)} / this', 'tokens'], rows)}"


def markdown(results):
    machine, differences, runs = results["machine"], results["logit_differences"], results["runs"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    computer = f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gibibytes']} GiB, {machine['system']}"
    commit = results["commit"][:10] + results["commit"][40:]
    load = f"load average before {machine['load_average_before']:.1f}"
    parts = [f"## {results['model']}\n", f"{computer}, {load}; {results['date']}, commit {commit}; {versions}.\n"]
    if graphs := results.get("onnxruntime"):
        fused = ", ".join(f"{count} {name}" for name, count in graphs["fused"].items())
        parts += [f"ONNX Runtime: its {graphs['fp32']} graph in fp32, {graphs['int8']} in int8; the optimizer had fused {fused}.\n"]
    measured = {name: [run for run in runs if run["measure"] == name] for name in ("shapes", "sentences", "reviews", "tokenizer")}
    int8 = [run for run in measured["shapes"] if run["engine"].endswith("int8")]
    others = [run for run in measured["shapes"] if not run["engine"].endswith("int8")]
    for chosen, heading in ((int8, "int8"), (others, "fp32, and bf16 where it is said")):
        if chosen:
            parts.append(shapes(chosen, differences, heading))
    batches = results["settings"].get("batches", "tuned")
    parts += [stream(measured[name], name.capitalize(), batches) for name in ("reviews", "sentences") if measured[name]]
    parts += [tokenizer(measured["tokenizer"])] if measured["tokenizer"] else []
    return "\n".join(parts)


def tuning(results):
    """The tables of `run tuning`."""
    parts = [f"## Fine-tuning {results['model']}: a step of 16 texts, seconds, {results['settings']['threads']} threads\n"]
    for name in ("sentences", "full"):
        runs = [run for run in results["runs"] if run["measure"] == name]
        if not runs:
            continue
        first = engines_in(runs)[0]
        seconds = {
            engine: by_round(runs, engine, lambda result: result["seconds_per_step"]) for engine in engines_in(runs)
        }
        rows = []
        for engine, cell in seconds.items():
            ratio = "" if engine == first else ratios(cell, seconds[first])
            rows.append([title(engine), spread(cell.values()), ratio, megabytes(runs, engine)])
        of = "sentences" if name == "sentences" else f"{results['settings']['max_length']} tokens"
        head = [f"{of}, {len({run['round'] for run in runs})} runs", "seconds", f"this / {title(first)}", "memory"]
        parts.append(grid(head, rows))
    return "\n".join(parts)


def overview(all_results):
    """Martlet's int8 and how many times longer ONNX Runtime's takes, one row a model that has both, for the shapes that all have."""
    ours, theirs = "martlet-int8", "onnxruntime-int8"
    runs = {
        results["model"]: [run for run in results["runs"] if run["measure"] == "shapes" and run["engine"] in (ours, theirs)]
        for results in all_results
    }
    runs = {model: of_model for model, of_model in runs.items() if set(engines_in(of_model)) == {ours, theirs}}
    if len(runs) < 2:
        return ""
    shared = [shape for shape in next(iter(runs.values()))[0]["result"] if all(shape in run[0]["result"] for run in runs.values())]
    rows = []
    for model, of_model in runs.items():
        row = [model]
        for shape in shared:
            mine, other = (by_round(of_model, engine, lambda result: result[shape]["p50_ms"]) for engine in (ours, theirs))
            row += [number(statistics.median(mine.values())), ratios(other, mine)]
        rows.append(row)
    head = [f"{title(ours)}, ms; {title(theirs)} / it"]
    return grid(head + [cell for shape in shared for cell in (shape, "ratio")], rows)


def brief(engine, kind, found):
    """One run in one line."""
    if kind == "shapes":
        return f"{title(engine)}: " + ", ".join(f"{shape} {number(cell['p50_ms'])} ms" for shape, cell in found.items())
    if kind == "tokenizer":
        return f"{title(engine)}: {number(found['tokens_per_second'] / 1e6)} M tokens/s"
    accuracy = "" if found["accuracy"] is None else f", accuracy {found['accuracy']:.4f}"
    return f"{title(engine)}: {number(found['texts'] / found['seconds'])} texts/s{accuracy}"


if __name__ == "__main__":
    all_results = []
    for path in sys.argv[1:] or sys.exit("usage: run table RESULTS.json…"):
        with open(path) as file:
            all_results.append(json.load(file))
        print(tuning(all_results[-1]) if "steps" in all_results[-1]["settings"] else markdown(all_results[-1]))
    if of_all := overview(all_results):
        print(of_all)
