"""What the milestone scripts share, so that each can tell its story and nothing else.

A script says how one run goes and how to draw all runs; `play` does the rest: arguments, seeds,
progress, figures with their spread, the plot, and one JSON object for `tito`.
"""

import argparse
import contextlib
import json
import sys
import time
from pathlib import Path

import numpy as np

from datasets import DatasetError
from milestones.live import Live
from milestones.plotting import draw_and_save
from milestones.report import format_metric, summarise, summary

HIGHEST = 2**32  # NumPy's seeds end here
FORESEEN = (DatasetError, ImportError, NotImplementedError)


@contextlib.contextmanager
def your_code():
    """Import your framework inside this: a module not built yet is named, without a traceback."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "tinytorch":
            fail(str(error))
        fail(
            "There is no package `tinytorch` to run this with. In a learner's workspace:\n"
            "    tito setup\nIn a clone of TinyTorch:\n    python -m tito dev build"
        )
    except FORESEEN as error:
        fail(str(error))


def fail(message):
    """Say what is wrong (as JSON on stdout for a program that asked for it) and exit with 1."""
    _forgiving_output()
    if "--json" in sys.argv:
        print(json.dumps({"error": message}))
    else:
        print(message, file=sys.stderr)
    raise SystemExit(1)


def batches(x, y, size, shuffle=True, change=None):
    """Yield (Tensor, Tensor) mini-batches of `size` examples; the last may be smaller.

    Shuffles with `np.random`, anew on each call. `change(x)`, where given, alters the examples
    of each batch before they become a Tensor. Module 08 turns all this into a DataLoader.
    """
    from tinytorch.core.tensor import Tensor

    order = np.random.permutation(len(x)) if shuffle else np.arange(len(x))
    for start in range(0, len(x), size):
        chosen = order[start : start + size]
        examples = x[chosen] if change is None else change(x[chosen])
        yield Tensor(examples), Tensor(y[chosen])


def play(script, title, run, draw, seeds, epochs, moral):
    """Run a milestone part for every seed and report the mean and spread, never the best.

    Args:
        script: the script's `__file__`.
        title: its heading.
        run: `run(seed, epochs, show) -> (metrics, story)`: train once. `metrics` maps names to
            numbers; `story` is whatever `draw` needs; `show(epoch, epochs, **figures)` is live.
        draw: `draw(figure, stories)` fills a matplotlib figure; `stories` maps seed to story.
        seeds: the seeds used when none is asked for.
        epochs: the number of epochs used when none is asked for.
        moral: printed below the figures.
    """
    _forgiving_output()
    script = Path(script).resolve()
    options = _arguments(title, script, epochs)
    chosen = list(seeds) if options.seed is None else [options.seed]
    try:
        runs, stories, seconds = _run_all(run, chosen, options.epochs)
    except FORESEEN as error:
        fail(str(error))
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        raise SystemExit(130) from None
    plot, reason = (None, "switched off (--no-plot)")
    if not options.no_plot:
        plot, reason = draw_and_save(draw, dict(zip(chosen, stories, strict=True)), options.plot)
    result = {
        "milestone": script.parent.name[:2],
        "part": part_number(script),
        "title": title,
        "seeds": chosen,
        "epochs": options.epochs,
        "full": chosen == list(seeds) and options.epochs == epochs,
        "metrics": summarise(runs),
        "seconds": round(seconds, 2),
        "plot": str(plot) if plot else None,
    }
    if options.json:
        if reason and not options.no_plot:
            print(f"No plot: {reason}.", file=sys.stderr)
        print(json.dumps(result, allow_nan=False))
    else:
        print(summary(result, moral, reason))


def part_number(script):
    """Which part of its milestone the script is, from 1: its place among the numbered files."""
    return sorted(p.name for p in script.parent.glob("[0-9][0-9]_*.py")).index(script.name) + 1


def _arguments(title, script, epochs):
    parser = argparse.ArgumentParser(description=title)
    default = script.parent / "outputs" / f"{script.stem}.png"
    parser.add_argument("--seed", type=_from(0), help="run this one seed instead of the set")
    passes = "passes over the data (default: %(default)s)"
    parser.add_argument("--epochs", type=_from(1), default=epochs, help=passes)
    parser.add_argument("--plot", type=Path, default=default, help="where to save the plot")
    parser.add_argument("--no-plot", action="store_true", help="draw nothing")
    parser.add_argument("--json", action="store_true", help="print one JSON object for programs")
    return parser.parse_args()


def _from(lowest):
    """An argument type: a whole number, at least `lowest`."""

    def number(text):
        if not text.isdecimal() or not lowest <= int(text) < HIGHEST:
            raise argparse.ArgumentTypeError(f"expected a whole number from {lowest}, not {text!r}")
        return int(text)

    return number


def _run_all(run, seeds, epochs):
    runs, stories, start = [], [], time.perf_counter()
    with Live() as live:
        for seed in seeds:

            def show(epoch, total, label=f"seed {seed}", **figures):
                text = "  ".join(f"{name} {format_metric(name, f)}" for name, f in figures.items())
                live.update(label, epoch, total, text)

            metrics, story = run(seed, epochs, show)
            runs.append(metrics)
            stories.append(story)
    return runs, stories, time.perf_counter() - start


def _forgiving_output():
    """Let a console of another code page show '?' for a sign it lacks, rather than crash."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
