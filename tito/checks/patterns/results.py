"""Patterns in a result: its kind first, then its layout, then its numbers."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from tito.checks.patterns.arithmetic import ORDER, ROUGH, VALUES
from tito.checks.patterns.evidence import first, only, same
from tito.checks.patterns.kinds import kind_pattern
from tito.checks.patterns.layout import LAYOUT, REDUCTIONS
from tito.checks.patterns.sequences import sequence_pattern
from tito.checks.values import NotNumbers, numbers, plain
from tito.messages import Message

LARGEST = 100_000  # values; beyond that a hint is not worth the time
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def numeric_pattern(got: Any, expected: Any) -> Message | None:
    """The general mistake that turns ``expected`` into exactly ``got``; None if none is sure."""
    got, expected = plain(got), plain(expected)
    found = kind_pattern(got, expected) or sequence_pattern(got, expected)
    if found:
        return found
    arrays = _arrays(got, expected)
    return _array_pattern(*arrays) if arrays else None


def printed_pattern(printed: str, got: Any, expected: Any) -> Message | None:
    """Whether the expected value was printed instead of returned."""
    if got is not None or expected is None or not printed.strip():
        return None
    was_printed = expected in printed if type(expected) is str else _stands_in(printed, expected)
    return Message("pattern.printed_result") if was_printed else None


def _stands_in(printed: str, expected: Any) -> bool:
    try:
        wanted = numbers(expected).astype(np.float64).ravel()
    except NotNumbers:
        return False
    came = np.array([float(text) for text in NUMBER.findall(printed)])
    width = wanted.size
    ends = range(width, came.size + 1) if width else ()
    close = (np.allclose(came[end - width : end], wanted, rtol=1e-3, atol=1e-8) for end in ends)
    return any(close)


def _arrays(got: Any, expected: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """Both as float64, if they are numbers and not too many."""
    try:
        left, right = numbers(got).astype(np.float64), numbers(expected).astype(np.float64)
    except NotNumbers:
        return None
    fits = 0 < left.size <= LARGEST and 0 < right.size <= LARGEST
    return (left, right) if fits else None


def _array_pattern(got: np.ndarray, expected: np.ndarray) -> Message | None:
    with np.errstate(all="ignore"):
        if not np.isfinite(expected).all():
            return None
        if got.shape != expected.shape:
            return first(LAYOUT, got, expected) or only(REDUCTIONS, got, expected)
        if same(got, expected):
            return None
        rough = first(ROUGH, got, expected)
        return rough or only(VALUES, got, expected) or first(ORDER, got, expected)
