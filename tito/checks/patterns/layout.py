"""Patterns in results of the wrong shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tito.checks.patterns.evidence import Rule, distinct, same, telling
from tito.messages import Message

REDUCING: dict[str, Callable[..., Any]] = {"sum": np.sum, "mean": np.mean, "max": np.max}


def _ones(got: np.ndarray, expected: np.ndarray) -> Message | None:
    """The right values; only axes of length 1 are too many, missing or elsewhere."""
    if not same(got.squeeze(), expected.squeeze()):
        return None
    if got.ndim == expected.ndim:
        return Message("pattern.transposed" if got.ndim == 2 else "pattern.ones_moved")
    return Message("pattern.ones_missing" if got.ndim < expected.ndim else "pattern.ones_extra")


def _transposed(got: np.ndarray, expected: np.ndarray) -> Message | None:
    if got.ndim != expected.ndim or got.ndim < 2 or distinct(expected) < 2:
        return None
    turned = same(got.swapaxes(-1, -2), expected) or same(got.T, expected)
    return Message("pattern.transposed") if turned else None


def _reshaped(got: np.ndarray, expected: np.ndarray) -> Message | None:
    if distinct(expected) < 2 or not same(got.ravel(), expected.ravel()):
        return None
    return Message("pattern.flattened" if got.ndim == 1 else "pattern.reshaped")


def _part(got: np.ndarray, expected: np.ndarray) -> Message | None:
    """Only the first or last item came, as itself or as a list of one."""
    if expected.ndim == 0 or len(expected) < 2 or distinct(expected) < 2:
        return None
    for code, index in (("pattern.first_only", 0), ("pattern.last_only", -1)):
        if telling(expected[index]) and same(got.squeeze(), expected[index].squeeze()):
            return Message(code)
    return None


def _pairs(got: np.ndarray, expected: np.ndarray) -> Message | None:
    """A value for every pair of positions, where one for each position belongs."""
    size = expected.size
    if expected.ndim != 1 or size < 2 or got.shape != (size, size) or distinct(expected) < 2:
        return None
    return Message("pattern.pairs", size=size) if same(np.diagonal(got), expected) else None


def _not_reduced(got: np.ndarray, expected: np.ndarray) -> Message | None:
    if got.ndim <= expected.ndim or not telling(expected):
        return None
    found = [name for name, _, value in _reduced(got) if same(value, expected)]
    return Message(f"pattern.not_reduced_{found[0]}") if len(set(found)) == 1 else None


def _too_far(got: np.ndarray, expected: np.ndarray) -> Message | None:
    if got.ndim >= expected.ndim or not telling(got):
        return None
    found = [name for name, _, value in _reduced(expected) if same(value, got)]
    return Message(f"pattern.too_far_{found[0]}") if len(set(found)) == 1 else None


def _other_axis(got: np.ndarray, expected: np.ndarray) -> Message | None:
    """Sums or means over another axis: their totals agree, their number does not."""
    if got.ndim != expected.ndim or min(got.size, expected.size) < 2:
        return None
    if got.size == expected.size or not (telling(got) and telling(expected)):
        return None
    if np.isin(got[got != 0], expected).any():  # some values are right: another mistake
        return None
    agree = [np.isclose(f(got), f(expected), rtol=1e-5, atol=0) for f in (np.sum, np.mean)]
    return Message("pattern.other_axis") if any(agree) and expected.sum().round(4) != 1 else None


def _reduced(array: np.ndarray) -> Iterator[tuple[str, int | None, np.ndarray]]:
    """The array with one axis, or all of it, summed, averaged, or reduced to the maximum."""
    axes: list[int | None] = [None, *(range(array.ndim) if array.ndim > 1 else ())]
    for name, function in REDUCING.items():
        for axis in axes:
            yield name, axis, np.asarray(function(array, axis=axis))


LAYOUT: tuple[Rule, ...] = (_ones, _transposed, _reshaped, _pairs, _part)
REDUCTIONS: tuple[Rule, ...] = (_not_reduced, _too_far, _other_axis)
