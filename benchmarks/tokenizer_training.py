"""Byte pair encoding: training time by corpus size, and encoding, on the project's own sources.

Run by hand, as `make bench` sets the threads:
    OMP_NUM_THREADS=1 python benchmarks/tokenizer_training.py [--json]

The slope is that of log(time) against log(words): 1 is linear, 2 quadratic.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from tinytorch.core.tokenization import (
    UNK_TOKEN,
    BPETokenizer,
    learn_by_recounting,
    learn_merges,
    split_words,
)

ROOT = Path(__file__).parent.parent
MERGES = 1000
SIZES = 2500, 5000, 10_000, 20_000, 40_000, 80_000  # words, as they come in the text
SMALL = 300, 600, 1200, 2400  # the naive loop, which is checked against the other one


def corpus() -> list[str]:
    """The words of the modules' sources: prose and code."""
    files = sorted((ROOT / "src").glob("*/*.py"))
    return split_words("\n".join(path.read_text(encoding="utf-8") for path in files))


def seconds(work: Callable[[], object], count: int) -> float:
    """Median CPU seconds of some runs."""
    found = []
    for _ in range(count):
        begin = time.process_time()
        work()
        found.append(time.process_time() - begin)
    return median(found)


def growth(
    learn: Callable, words: Sequence[str], sizes: Sequence[int], per_merge: int | None, rounds: int
) -> dict[str, object]:
    """Training time by corpus size; `per_merge` words for each merge (None: always MERGES)."""
    times = []
    for size in sizes:
        counts = Counter(words[:size])
        merges = size // per_merge if per_merge else MERGES
        times.append(seconds(lambda c=counts, m=merges: learn(c, [UNK_TOKEN], m), rounds))
    slope = float(np.polyfit(np.log(sizes), np.log(times), 1)[0])
    return {"words": list(sizes), "seconds": [round(t, 4) for t in times], "slope": round(slope, 2)}


def check_same(words: Sequence[str]) -> None:
    """Raise AssertionError unless both ways of learning give the same merges."""
    counts = Counter(words[: SMALL[-1]])
    assert learn_merges(counts, [UNK_TOKEN], 300) == learn_by_recounting(counts, [UNK_TOKEN], 300)


def encoding(words: Sequence[str]) -> dict[str, float]:
    """Characters per second: a fresh tokenizer, and one that has seen the words."""
    text = " ".join(words[:40_000])
    tokenizer = BPETokenizer(4000)
    tokenizer.train([text])
    first = seconds(lambda: tokenizer.encode(text), 1)
    again = seconds(lambda: tokenizer.encode(text), 5)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    back = seconds(lambda: tokenizer.decode(ids), 5)
    names = ("first", first), ("again", again), ("decode", back)
    return {name: round(len(text) / spent / 1e6, 2) for name, spent in names}


def main() -> None:
    """Measure, print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    words = corpus()
    check_same(words)
    sizes = [size for size in SIZES if size <= len(words)]
    different = list(dict.fromkeys(words))
    results = {
        f"learn_merges, {MERGES} merges": growth(learn_merges, words, sizes, None, options.rounds),
        "learn_merges, a merge per 10 words": growth(
            learn_merges, words, sizes, 10, options.rounds
        ),
        "learn_by_recounting, different words, a merge per 5": growth(
            learn_by_recounting, different, SMALL[:3], 5, 1
        ),
    }
    encoded = encoding(words)
    if options.json:
        print(json.dumps({**results, "million characters per second": encoded}, indent=2))
        return
    print(f"Python {platform.python_version()}, CPU time, median of {options.rounds}")
    for name, result in results.items():
        print(f"\n{name}: slope {result['slope']:.2f}")
        for size, spent in zip(result["words"], result["seconds"], strict=True):
            print(f"    {size:>7,} words {spent:>9.4f} s")
    print(
        f"\nencoding, million characters per second: first {encoded['first']}, "
        f"again {encoded['again']}, decode {encoded['decode']}"
    )


if __name__ == "__main__":
    main()
