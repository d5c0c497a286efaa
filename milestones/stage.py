"""What the milestone scripts share, so that each can tell its story and nothing else.

A script says how one run goes and how to draw all runs; `play` does the rest: arguments, seeds,
progress, figures with their spread, the plot, and one JSON object for `tito`.
"""

import argparse
import ast
import contextlib
import functools
import json
import sys
import textwrap
import time
from pathlib import Path

from datasets import DatasetError
from milestones.live import Live
from milestones.plotting import draw_and_save
from milestones.report import WIDTH, format_metric, said, summarise, summary

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


def play(script, title, run, draw, seeds, epochs, moral, unit="epoch", options=None, instead=None):
    """Tell the story, run a part for every seed, and report the mean and spread, never the best.

    The story is the script's docstring, without its first line and its last paragraph (the usage).

    Args:
        script: the script's `__file__`.
        title: its heading.
        run: `run(seed, epochs, show) -> (metrics, story)`: train once. `metrics` maps names to
            numbers, `name_before` being the same figure before learning; `story` is whatever
            `draw` needs; `show(step, steps, picture=None, about="", **figures)` is live:
            `picture()` returns lines of characters, `about` says what is being learned.
        draw: `draw(figure, stories)` fills a matplotlib figure; `stories` maps seed to story.
        seeds: the seeds used when none is asked for.
        epochs: the number of epochs used when none is asked for.
        moral: printed below the figures.
        unit: what one step of `show` is.
        options: the part's own arguments, {"--name": settings as argparse takes them}. A part that
            has some receives all that was asked for: `run(seed, epochs, show, asked)`.
        instead: {"--name": what to do instead of a run}, functions of all that was asked for;
            their docstrings are the help.
    """
    _forgiving_output()
    script = Path(script).resolve()
    asked = _arguments(title, script, epochs, options or {}, instead or {})
    for flag, act in (instead or {}).items():
        if getattr(asked, _name(flag)):
            with _foreseen():
                return act(asked)
    if options:
        run = functools.partial(run, asked=asked)
    _play(script, title, run, draw, list(seeds), epochs, moral, unit, asked)


def _play(script, title, run, draw, seeds, epochs, moral, unit, asked):
    """The run itself, once it is clear what was asked for."""
    chosen = seeds if asked.seed is None else [asked.seed]
    print(_story(script), file=sys.stderr, end="\n\n", flush=True)
    with _foreseen():
        runs, stories, seconds = _run_all(run, chosen, asked.epochs, unit)
    plot, reason = (None, "switched off (--no-plot)")
    if not asked.no_plot:
        file = asked.plot or _plot_file(script, asked, epochs)
        plot, reason = draw_and_save(draw, dict(zip(chosen, stories, strict=True)), file, title)
    metrics = summarise(runs)
    result = {
        "milestone": script.parent.name[:2],
        "part": part_number(script),
        "title": title,
        "seeds": chosen,
        "epochs": asked.epochs,
        "full": chosen == seeds and asked.epochs == epochs,
        "metrics": metrics,
        "said": said(metrics),
        "moral": " ".join(moral.split()),
        "seconds": round(seconds, 2),
        "plot": str(plot) if plot else None,
    }
    if asked.json:
        if reason and not asked.no_plot:
            print(f"No plot: {reason}.", file=sys.stderr)
        print(json.dumps(result, allow_nan=False))
    else:
        print(summary(result, reason))


@contextlib.contextmanager
def _foreseen():
    """Foreseen trouble is a message, and stopping by hand no trouble at all."""
    try:
        yield
    except FORESEEN as error:
        fail(str(error))
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        raise SystemExit(130) from None


def _story(script):
    """The paragraphs of the script's docstring between its first line and the usage."""
    text = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    paragraphs = text.split("\n\n")[1:-1]
    return "\n\n".join(textwrap.fill(" ".join(part.split()), WIDTH) for part in paragraphs)


def part_number(script):
    """Which part of its milestone the script is, from 1: its place among the numbered files."""
    return sorted(p.name for p in script.parent.glob("[0-9][0-9]_*.py")).index(script.name) + 1


def _name(flag):
    """ "--no-plot" → "no_plot"."""
    return flag.removeprefix("--").replace("-", "_")


def _arguments(title, script, epochs, options, instead):
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--seed", type=_from(0), help="run this one seed instead of the set")
    passes = "passes over the data (default: %(default)s)"
    parser.add_argument("--epochs", type=_from(1), default=epochs, help=passes)
    place = f"where to save the plot (default: outputs/{script.stem}.png beside the script)"
    parser.add_argument("--plot", type=Path, help=place)
    parser.add_argument("--no-plot", action="store_true", help="draw nothing")
    parser.add_argument("--json", action="store_true", help="print one JSON object for programs")
    for flag, settings in options.items():
        parser.add_argument(flag, **settings)
    for flag, act in instead.items():
        parser.add_argument(flag, action="store_true", help=act.__doc__)
    return parser.parse_args()


def _plot_file(script, asked, epochs):
    """Where the picture goes; one of another seed or length does not replace the usual one."""
    name = script.stem
    if asked.seed is not None:
        name += f"-seed{asked.seed}"
    if asked.epochs != epochs:
        name += f"-epochs{asked.epochs}"
    return script.parent / "outputs" / f"{name}.png"


def _from(lowest):
    """An argument type: a whole number, at least `lowest`."""

    def number(text):
        if not text.isdecimal() or not lowest <= int(text) < HIGHEST:
            raise argparse.ArgumentTypeError(f"expected a whole number from {lowest}, not {text!r}")
        return int(text)

    return number


def _run_all(run, seeds, epochs, unit):
    """The metrics and stories of all seeds, and the seconds they took. Pictures of the first."""
    runs, stories, live, start = [], [], Live(), time.perf_counter()
    for seed in seeds:

        def show(step, steps, picture=None, about="", label=f"seed {seed}", **figures):
            texts = [f"{n.replace('_', ' ')} {format_metric(n, f)}" for n, f in figures.items()]
            text = "  ".join([f"{unit} {step:,} of {steps:,}", *texts])
            live.update(f"{label}  {about}".rstrip(), step, steps, text, None if runs else picture)

        metrics, story = run(seed, epochs, show)
        runs.append(metrics)
        stories.append(story)
    return runs, stories, time.perf_counter() - start - live.waited


def _forgiving_output():
    """Let a console of another code page show '?' for a sign it lacks, rather than crash."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
