"""Patterns in values of the right shape: sign, factor, offset, order, axis, function."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from tito.checks.patterns.evidence import ENOUGH, Rule, distinct, plenty, same, telling
from tito.checks.values import number
from tito.messages import Message

LARGEST_COUNT = 4096  # a factor beyond it is no count of anything here
NAMED_FACTORS = {"ln 2": math.log(2), "pi": math.pi, "e": math.e, "sqrt(2)": math.sqrt(2)}


def _nan(got: np.ndarray, expected: np.ndarray) -> Message | None:
    count = int(np.isnan(got).sum())
    return Message("pattern.nan", count=count, size=got.size) if count else None


def _infinite(got: np.ndarray, expected: np.ndarray) -> Message | None:
    count = int(np.isinf(got).sum())
    return Message("pattern.infinite", count=count, size=got.size) if count else None


def _factor(got: np.ndarray, expected: np.ndarray) -> Message | None:
    """Every value times the same number, which is named where it is a known one."""
    factor = _common_factor(got, expected)
    if factor is None or factor == 0 or np.isclose(factor, (1, -1), rtol=1e-4).any():
        return None
    named = _named(factor, expected)
    if named or _whole(expected):
        return named
    return _plain_factor(factor) if plenty(expected[expected != 0]) else None


def _common_factor(got: np.ndarray, expected: np.ndarray) -> float | None:
    if not telling(expected) or _sums_to_one(expected):
        return None
    wanted = expected.ravel()
    largest = int(np.abs(wanted).argmax())
    factor = float(got.ravel()[largest] / wanted[largest])
    return factor if same(expected * factor, got) else None


def _named(factor: float, expected: np.ndarray) -> Message | None:
    for code, value in (("times", factor), ("divided", 1 / factor)):
        count = round(value)
        if 1 < count <= LARGEST_COUNT and math.isclose(value, count, rel_tol=1e-4):
            more = _dimension(count, expected.shape)
            if more or count == 2 or not _whole(expected):
                return Message(f"pattern.{code}", count=count, more=more)
        for name, known in NAMED_FACTORS.items():
            if math.isclose(value, known, rel_tol=1e-4):
                return Message(f"pattern.{code}", count=name, more="")
    return None


def _whole(values: np.ndarray) -> bool:
    """Whether these are whole numbers, which are multiples of each other by chance."""
    return bool((values == np.round(values)).all() and np.abs(values).max() < 100)


def _dimension(count: int, shape: tuple[int, ...]) -> Message | str:
    """What of the result is as long as the factor is large."""
    if count in shape:
        return Message("pattern.is_axis", count=count, axis=shape.index(count))
    is_size = count == math.prod(shape) and shape
    return Message("pattern.is_size", count=count) if is_size else ""


def _plain_factor(factor: float) -> Message:
    return Message("pattern.factor", factor=f"{factor:.6g}")


def _sums_to_one(values: np.ndarray) -> bool:
    return values.size > 1 and bool((values >= 0).all() and np.isclose(values.sum(), 1, rtol=1e-5))


def _offset(got: np.ndarray, expected: np.ndarray) -> Message | None:
    """Every value too large by the same number."""
    if not plenty(expected):
        return None
    offset = float((got - expected).flat[0])
    clear = abs(offset) > 1e-4 * float(np.abs(expected).max())
    if not clear or not same(expected + offset, got):
        return None
    code = "pattern.too_large" if offset > 0 else "pattern.too_small"
    return Message(code, offset=number(float(f"{abs(offset):.6g}")))


def _offsets(got: np.ndarray, expected: np.ndarray) -> Message | None:
    """Every row, or column, off by a number of its own."""
    if expected.ndim < 2 or distinct(expected) < ENOUGH or _whole(expected):
        return None
    off = got - expected
    fits = [
        axis
        for axis, length in enumerate(expected.shape)
        if length > 1 and same(expected + off.take([0], axis), got)
    ]
    return Message("pattern.offsets", axis=fits[0]) if len(fits) == 1 else None


def _reversed(got: np.ndarray, expected: np.ndarray) -> Message | None:
    for axis in range(expected.ndim if telling(expected) else 0):
        if same(np.flip(expected, axis), got):
            return Message("pattern.reversed", axis=axis)
    return None


def _transposed(got: np.ndarray, expected: np.ndarray) -> Message | None:
    if expected.ndim < 2 or distinct(expected) < 2:
        return None
    turned = same(expected.swapaxes(-1, -2), got) or same(expected.T, got)
    return Message("pattern.transposed") if turned else None


def _shifted(got: np.ndarray, expected: np.ndarray) -> Message | None:
    """Every value one place too early or too late along an axis."""
    for axis, length in enumerate(expected.shape):
        if length < 3:
            continue
        later = _agree_apart(got, expected, axis, 1)
        earlier = _agree_apart(expected, got, axis, 1)
        if later or earlier:
            return Message("pattern.late" if later else "pattern.early", axis=axis)
    return None


def _agree_apart(left: np.ndarray, right: np.ndarray, axis: int, step: int) -> bool:
    ahead = np.moveaxis(left, axis, 0)[step:]
    behind = np.moveaxis(right, axis, 0)[:-step]
    return distinct(behind) > 1 and telling(behind) and same(ahead, behind)


def _first_wrong(got: np.ndarray, expected: np.ndarray) -> Message | None:
    return _end(got, expected, slice(1, None), "pattern.first_wrong")


def _last_wrong(got: np.ndarray, expected: np.ndarray) -> Message | None:
    return _end(got, expected, slice(None, -1), "pattern.last_wrong")


def _end(got: np.ndarray, expected: np.ndarray, rest: slice, code: str) -> Message | None:
    enough = expected.ndim > 0 and len(expected) >= ENOUGH and distinct(expected[rest]) > 1
    return Message(code) if enough and same(got[rest], expected[rest]) else None


def _rest_empty(got: np.ndarray, expected: np.ndarray) -> Message | None:
    """The first items are right, and all the others are still zero."""
    if expected.ndim == 0 or not telling(expected):
        return None
    filled = [bool(np.any(item)) for item in got]
    count = len(filled) - filled[::-1].index(True) if any(filled) else 0
    if not 0 < count < len(filled) - 1 or not all(np.any(item) for item in expected[count:]):
        return None
    right = same(got[:count], expected[:count])
    return Message("pattern.rest_empty", count=count, size=len(filled)) if right else None


def _other_axis(got: np.ndarray, expected: np.ndarray) -> Message | None:
    """Values that add up to 1, but along another axis."""
    wanted, came = _unit_axes(expected), _unit_axes(got)
    if len(wanted) != 1 or wanted[0] in came:
        return None
    if came:
        return Message("pattern.unit_axis", got=came[0], expected=wanted[0])
    return Message("pattern.unit_whole", expected=wanted[0]) if _sums_to_one(got) else None


def _unit_axes(values: np.ndarray) -> list[int]:
    """The axes along which the values are shares of 1."""
    if values.ndim < 2 or (values < 0).any() or distinct(values) < 2:
        return []
    axes = [axis for axis, length in enumerate(values.shape) if length > 1]
    return [axis for axis in axes if np.allclose(values.sum(axis=axis), 1, atol=1e-5)]


def _not_shares(got: np.ndarray, expected: np.ndarray) -> Message | None:
    """What is still to be divided by its sum."""
    if _sums_to_one(got):
        return None
    axes = _unit_axes(expected) or ([0] if expected.ndim == 1 and _sums_to_one(expected) else [])
    for axis in axes:
        total = got.sum(axis=axis, keepdims=True)
        if (got >= 0).all() and (total > 0).all() and same(got / total, expected):
            return Message("pattern.not_shares", axis=axis)
    return None


def _function(code: str, function: Callable[[np.ndarray], np.ndarray]) -> Rule:
    """A rule: what came is this function of what is expected."""

    def rule(got: np.ndarray, expected: np.ndarray) -> Message | None:
        fits = telling(expected) and telling(got) and same(got, function(expected))
        return Message(code) if fits else None

    return rule


def _inverse(code: str, function: Callable[[np.ndarray], np.ndarray]) -> Rule:
    """A rule: what is expected is this function of what came."""
    forward = _function(code, function)

    def rule(got: np.ndarray, expected: np.ndarray) -> Message | None:
        return forward(expected, got)

    return rule


def _mixed(rule: Rule) -> Rule:
    """The rule, for values of both signs: elsewhere it would say nothing."""

    def checked(got: np.ndarray, expected: np.ndarray) -> Message | None:
        values = np.concatenate([got.ravel(), expected.ravel()])
        is_mixed = any(v.min() < 0 < v.max() for v in (got, expected)) and distinct(values) > 2
        return rule(got, expected) if is_mixed else None

    return checked


def _rounded(got: np.ndarray, expected: np.ndarray) -> Message | None:
    """Whole numbers where fractions are expected."""
    if got.size < 2 or not got.any() or (got != np.trunc(got)).any():
        return None
    if same(got, np.trunc(expected)) or same(got, np.floor(expected)):
        return Message("pattern.truncated")
    return Message("pattern.rounded") if same(got, np.round(expected)) else None


def _permuted(got: np.ndarray, expected: np.ndarray) -> Message | None:
    is_same = distinct(expected) >= ENOUGH and same(np.sort(got, None), np.sort(expected, None))
    return Message("pattern.permuted") if is_same else None


def _functions() -> Iterator[Rule]:
    yield _function("pattern.sign", np.negative)
    yield _function("pattern.squared", np.square)
    yield _inverse("pattern.not_squared", np.square)
    yield _function("pattern.no_log", np.exp)
    yield _inverse("pattern.no_exp", np.exp)
    yield _function("pattern.reciprocal", lambda x: 1 / x)
    yield _function("pattern.one_minus", lambda x: 1 - x)
    yield _mixed(_function("pattern.sign_lost", np.abs))
    yield _mixed(_inverse("pattern.no_absolute", np.abs))
    yield _mixed(_function("pattern.negative_cut", lambda x: np.maximum(x, 0)))


ROUGH: tuple[Rule, ...] = (_nan, _infinite)
VALUES: tuple[Rule, ...] = (
    _factor, _offset, _offsets, _reversed, _transposed, _shifted, _first_wrong, _last_wrong,
    _rest_empty, _other_axis, _not_shares, _rounded, *_functions(),
)  # fmt: skip
ORDER: tuple[Rule, ...] = (_permuted,)
