"""Paired timing: variants take turns in one process, and ratios are taken round by round.

On a shared machine absolute times drift; the ratio of two neighbours in time does not.
CPU time of the process with one BLAS thread, so that spinning threads are not counted as work.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median, quantiles
from typing import Any

import numpy as np

Step = Callable[[], object]
Variant = tuple[Step, Callable[[], list[np.ndarray]]]  # (step, what it has come to)
Variants = dict[str, Callable[[Any], Variant]]  # name -> variant of a workload


def check_same(work: Any, variants: Variants) -> None:
    """Raise AssertionError unless all variants come to the same in their first three steps."""
    ends = []
    for variant in variants.values():
        step, reached = variant(work)
        for _ in range(3):
            step()
        ends.append([np.array(array) for array in reached()])
    for other in ends[1:]:
        for ours, theirs in zip(ends[0], other, strict=True):
            np.testing.assert_allclose(ours, theirs.reshape(ours.shape), rtol=1e-3, atol=2e-5)


def rounds(variants: dict[str, Step], *, count: int, steps: int) -> dict[str, list[float]]:
    """Return variant → CPU seconds per step, one figure a round. Variants alternate."""
    for step in variants.values():  # warm up: allocate, fill caches
        for _ in range(steps):
            step()
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(count):
        names = list(variants)
        for name in names if number % 2 else reversed(names):
            seconds[name].append(_per_step(variants[name], steps))
    return seconds


def _per_step(step: Step, steps: int) -> float:
    begin = time.process_time()
    for _ in range(steps):
        step()
    return (time.process_time() - begin) / steps


def ratio(seconds: dict[str, list[float]], name: str, base: str) -> dict[str, float]:
    """Median, and the middle half, of the per-round ratios of `name` to `base`."""
    ratios = [a / b for a, b in zip(seconds[name], seconds[base], strict=True)]
    low, middle, high = quantiles(ratios, n=4)
    return {"median": middle, "q1": low, "q3": high}


def microseconds(seconds: dict[str, list[float]], name: str) -> float:
    """Median microseconds per step of one variant."""
    return median(seconds[name]) * 1e6
