"""Comparing what came with what is expected: each function returns the first difference, or None.

A difference is a message for the learner. Comparison is done on plain values only
(``tito.checks.values``), never with the ``==`` of an object that came from the learner.
"""

from typing import Any

import numpy as np

from tito.checks.values import NotNumbers, describe, is_proxy, numbers, plain, show, two_numbers
from tito.messages import Message

BITS = (8, 16, 32, 64)
DTYPES = frozenset({"bool", *(f"{k}{bits}" for k in ("float", "int", "uint") for bits in BITS)})
SHOWN_BY_KIND = (int, float, str, list, tuple, dict, set)


def close_difference(got: Any, expected: Any, rtol: float, atol: float) -> Message | None:
    """First difference between two arrays of numbers: kind, then shape, then values."""
    wanted = _expected_numbers(expected)
    if _are_sequences(got, expected) and len(got) != len(expected):
        return _lengths(got, expected, "")
    try:
        came = numbers(got)
    except NotNumbers as reason:
        return Message("check.not_numbers", got=reason.what)
    if came.shape != wanted.shape:
        return _shapes(came, wanted, "")
    wrong = ~near(came, wanted, rtol, atol)
    return _values(came, wanted, wrong, "") if wrong.any() else None


def _are_sequences(*values: Any) -> bool:
    return all(type(value) in (list, tuple) for value in values)


def _expected_numbers(expected: Any) -> np.ndarray:
    if is_proxy(expected):
        raise TypeError("expected must be a plain value, not an object made by the learner's code")
    return numbers(expected)


def near(came: np.ndarray, wanted: np.ndarray, rtol: float, atol: float) -> np.ndarray:
    """Where two arrays agree. Infinity is near itself only; a NaN is near nothing."""
    left, right = came.astype(np.float64), wanted.astype(np.float64)
    with np.errstate(all="ignore"):
        close = np.abs(left - right) <= atol + rtol * np.abs(right)
    return np.asarray((close & np.isfinite(left) & np.isfinite(right)) | (left == right))


def equal_difference(got: Any, expected: Any) -> Message | None:
    """First difference between two plain values, compared exactly (types included)."""
    if is_proxy(expected):
        raise TypeError("expected must be a plain value, not an object made by the learner's code")
    return _difference(plain(got), plain(expected), "")


def change(now: Any, before: Any) -> Message | None:
    """First difference of an argument from what it was before; a NaN may stay a NaN."""
    now, before = plain(now), plain(before)
    if not (type(now) is type(before) is np.ndarray and now.shape == before.shape):
        return equal_difference(now, before)
    changed = (now != before) & ~((now != now) & (before != before))
    return _values(now, before, changed, "") if changed.any() else None


def _difference(got: Any, expected: Any, path: str) -> Message | None:
    kind = type(expected)
    if kind is np.ndarray:
        return _array_difference(got, expected, path)
    if isinstance(expected, np.dtype) or (kind is type and issubclass(expected, np.generic)):
        return _dtype_difference(got, np.dtype(expected), path)
    if kind in (list, tuple):
        return _sequence_difference(got, expected, path)
    if kind is dict:
        return _dict_difference(got, expected, path)
    return _simple_difference(got, expected, path)


def _simple_difference(got: Any, expected: Any, path: str) -> Message | None:
    if isinstance(got, np.dtype) and type(expected) is str:
        got = str(got)
    kind = type(expected)
    if expected is not None and kind not in (bool, int, float, str, bytes, set, frozenset, type):
        raise TypeError(f"check.equal compares plain values; expected is {show(expected)}")
    allowed = (int, float) if kind is float else (kind,)
    if type(got) in allowed and got == expected:
        return None
    return _instead(got, expected, path)


def _instead(got: Any, expected: Any, path: str) -> Message:
    """This came instead of that; its kind is named where only that may differ."""
    if type(got) is type(expected) is str and {got, expected} <= DTYPES:
        return Message("check.dtype", place=_place(path), got=got, expected=expected)
    shown = {"place": _place(path), "got": show(got), "expected": show(expected)}
    if type(got) is not type(expected) and type(got) in SHOWN_BY_KIND:
        return Message("check.kind", what=describe(got), **shown)
    if type(got) is type(expected) is float:
        shown["got"], shown["expected"] = two_numbers(got, expected)
    return Message("check.value", **shown)


def _array_difference(got: Any, expected: np.ndarray, path: str) -> Message | None:
    if type(got) is not np.ndarray:
        return Message("check.not_array", place=_place(path), got=describe(got))
    if got.shape != expected.shape:
        return _shapes(got, expected, path)
    if got.dtype == object or expected.dtype == object:
        return _sequence_difference(got.tolist(), expected.tolist(), path)
    wrong = np.asarray(got != expected)
    return _values(got, expected, wrong, path) if wrong.any() else None


def _dtype_difference(got: Any, expected: np.dtype, path: str) -> Message | None:
    is_dtype = isinstance(got, np.dtype) or (type(got) is type and issubclass(got, np.generic))
    if is_dtype and np.dtype(got) == expected:
        return None
    code, shown = ("dtype", str(np.dtype(got))) if is_dtype else ("not_dtype", show(got))
    return Message(f"check.{code}", place=_place(path), got=shown, expected=str(expected))


def _sequence_difference(got: Any, expected: Any, path: str) -> Message | None:
    if type(got) is not type(expected):
        return _instead(got, expected, path)
    if len(got) != len(expected):
        return _lengths(got, expected, path)
    pairs = enumerate(zip(got, expected, strict=True))
    found = (_difference(left, right, f"{path}[{index}]") for index, (left, right) in pairs)
    return next((difference for difference in found if difference), None)


def _dict_difference(got: Any, expected: dict[Any, Any], path: str) -> Message | None:
    if type(got) is not dict:
        return _instead(got, expected, path)
    for key in expected:
        if key not in got:
            return Message("check.no_key", place=_place(path), key=show(key))
        difference = _difference(got[key], expected[key], f"{path}[{show(key)}]")
        if difference:
            return difference
    extra = next((key for key in got if key not in expected), None)
    if len(got) != len(expected):
        return Message("check.extra_key", place=_place(path), key=show(extra))
    return None


def _place(path: str, index: tuple[int, ...] = ()) -> Message:
    if not index:
        return Message("check.at", path=path) if path else Message("check.result")
    where = {"path": path} if path else {}
    return Message("check.index_at" if path else "check.index", index=list(index), **where)


def _shapes(got: np.ndarray, expected: np.ndarray, path: str) -> Message:
    return Message("check.shape", place=_place(path), got=got.shape, expected=expected.shape)


def _lengths(got: Any, expected: Any, path: str) -> Message:
    return Message("check.length", place=_place(path), got=len(got), expected=len(expected))


def _values(got: np.ndarray, expected: np.ndarray, wrong: np.ndarray, path: str) -> Message:
    """The first of the values that differ, and how many do."""
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    left, right = two_numbers(got[index], expected[index])
    more: Message | str = ""
    if wrong.size > 1:
        more = Message("check.count", count=int(wrong.sum()), size=wrong.size)
    return Message("check.number", place=_place(path, index), got=left, expected=right, more=more)
