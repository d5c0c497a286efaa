"""Comparing what came with what is expected: each function returns the first difference, or None.

A difference is one sentence for the learner. Comparison is done on plain values only
(``tito.checks.values``), never with the ``==`` of an object that came from the learner.
"""

from typing import Any

import numpy as np

from tito.checks.values import NotNumbers, describe, is_proxy, number, numbers, plain, show


def close_difference(got: Any, expected: Any, rtol: float, atol: float) -> str | None:
    """First difference between two arrays of numbers: kind, then shape, then values."""
    wanted = _expected_numbers(expected)
    try:
        came = numbers(got)
    except NotNumbers as reason:
        return f"The result is {reason}, where numbers are expected."
    if came.shape != wanted.shape:
        return f"The result has shape {came.shape}, but shape {wanted.shape} is expected."
    return _first_apart(came, wanted, rtol, atol)


def _expected_numbers(expected: Any) -> np.ndarray:
    if is_proxy(expected):
        raise TypeError("expected must be a plain value, not an object made by the learner's code")
    return numbers(expected)


def _first_apart(came: np.ndarray, wanted: np.ndarray, rtol: float, atol: float) -> str | None:
    left, right = came.astype(np.float64), wanted.astype(np.float64)
    with np.errstate(all="ignore"):
        near = np.abs(left - right) <= atol + rtol * np.abs(right)
    # Infinity is close to itself only; a NaN is never close to anything.
    wrong = ~((near & np.isfinite(left) & np.isfinite(right)) | (left == right))
    return _values_sentence(came, wanted, wrong) if wrong.any() else None


def _values_sentence(came: np.ndarray, wanted: np.ndarray, wrong: np.ndarray) -> str:
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    place = f"At index {list(index)} the" if index else "The"
    count = int(wrong.sum())
    more = f" ({count} of {wrong.size} values differ)" if wrong.size > 1 else ""
    return f"{place} result is {number(came[index])} instead of {number(wanted[index])}{more}."


def equal_difference(got: Any, expected: Any) -> str | None:
    """First difference between two plain values, compared exactly (types included)."""
    if is_proxy(expected):
        raise TypeError("expected must be a plain value, not an object made by the learner's code")
    return _difference(plain(got), plain(expected), "")


def _difference(got: Any, expected: Any, path: str) -> str | None:
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


def _simple_difference(got: Any, expected: Any, path: str) -> str | None:
    if isinstance(got, np.dtype) and type(expected) is str:
        got = str(got)
    kind = type(expected)
    if expected is not None and kind not in (bool, int, float, str, bytes, set, frozenset, type):
        raise TypeError(f"check.equal compares plain values; expected is {describe(expected)}")
    allowed = (int, float) if kind is float else (kind,)
    if type(got) in allowed and got == expected:
        return None
    return _sentence(got, expected, path)


def _sentence(got: Any, expected: Any, path: str) -> str:
    place = f"At {path} the result" if path else "The result"
    if type(got) is not type(expected) and type(got) in (int, float, str, list, tuple, dict, set):
        return f"{place} is {describe(got)}, {show(got)}, instead of {show(expected)}."
    return f"{place} is {show(got)} instead of {show(expected)}."


def _array_difference(got: Any, expected: np.ndarray, path: str) -> str | None:
    place = f"At {path} the" if path else "The"
    if type(got) is not np.ndarray:
        return f"{place} result is {describe(got)}, where an array is expected."
    if got.shape != expected.shape:
        return f"{place} result has shape {got.shape}, but shape {expected.shape} is expected."
    if got.dtype == object or expected.dtype == object:
        return _sequence_difference(got.tolist(), expected.tolist(), path)
    wrong = np.asarray(got != expected)
    return _values_sentence(got, expected, wrong) if wrong.any() else None


def _dtype_difference(got: Any, expected: np.dtype, path: str) -> str | None:
    is_dtype = isinstance(got, np.dtype) or (type(got) is type and issubclass(got, np.generic))
    if is_dtype and np.dtype(got) == expected:
        return None
    shown = f"dtype {np.dtype(got)}" if is_dtype else show(got)
    return f"{f'At {path} the' if path else 'The'} result is {shown} instead of dtype {expected}."


def _sequence_difference(got: Any, expected: Any, path: str) -> str | None:
    if type(got) is not type(expected):
        return _sentence(got, expected, path)
    for index, (left, right) in enumerate(zip(got, expected, strict=False)):
        difference = _difference(left, right, f"{path}[{index}]")
        if difference:
            return difference
    if len(got) != len(expected):
        place = f"At {path} the" if path else "The"
        return f"{place} result has {len(got)} items instead of {len(expected)}."
    return None


def _dict_difference(got: Any, expected: dict[Any, Any], path: str) -> str | None:
    if type(got) is not dict:
        return _sentence(got, expected, path)
    for key in expected:
        if key not in got:
            return f"The result has no key {key!r}{f' at {path}' if path else ''}."
        difference = _difference(got[key], expected[key], f"{path}[{key!r}]")
        if difference:
            return difference
    extra = next((key for key in got if key not in expected), None)
    if len(got) != len(expected):
        return f"The result has the extra key {extra!r}{f' at {path}' if path else ''}."
    return None
