"""Patterns in what kind of thing came: None, a function, a list, float64, a bool."""

from __future__ import annotations

from typing import Any

import numpy as np

from tito.checks.patterns.evidence import same
from tito.checks.values import NotNumbers, is_proxy, numbers, plain, type_name
from tito.messages import Message

FUNCTIONS = frozenset({"function", "method", "builtin_function_or_method"})
NUMBERS = (int, float)
HOLDERS = ("Tensor", "ndarray", "float32", "float64", "int64")
LOOKUPS = ("KeyError", "IndexError", "AttributeError")
OVERFLOW = "overflow encountered in exp"


def kind_pattern(got: Any, expected: Any) -> Message | None:
    """What the kind of the result says of the mistake, whatever its values."""
    if got is None:
        return Message("pattern.no_return") if expected is not None else None
    if expected is None:
        return Message("pattern.answer", got=str(got)) if type(got) is bool else None
    return (
        _dtype(got, expected)
        or _bool(got, expected)
        or _text(got, expected)
        or _object(got, expected)
    )


def _dtype(got: Any, expected: Any) -> Message | None:
    came, wanted = _dtype_name(got), _dtype_name(expected)
    if came == "float64" and wanted == "float32":
        return Message("pattern.float64")
    if came.startswith(("int", "uint")) and wanted.startswith("float"):
        return Message("pattern.integers", dtype=came)
    if came == "float32" and wanted == "float64":
        return Message("pattern.float32")
    return None


def _dtype_name(value: Any) -> str:
    """The dtype that a dtype, NumPy's class of numbers or a text names; "" for anything else."""
    is_class = isinstance(value, type) and issubclass(value, np.generic)
    if isinstance(value, np.dtype) or is_class:
        return str(np.dtype(value).name)
    return value if type(value) is str and value[-1:].isdigit() else ""


def _bool(got: Any, expected: Any) -> Message | None:
    came = type(got) is bool or (type(got) is np.ndarray and got.dtype == bool)
    wanted = type(expected) in NUMBERS
    if type(expected) is np.ndarray:
        wanted = bool(expected.dtype != bool and not np.isin(expected, (0, 1)).all())
    return Message("pattern.bool") if came and wanted else None


def _text(got: Any, expected: Any) -> Message | None:
    if type(got) is not str:
        return None
    if type(expected) in NUMBERS:
        return Message("pattern.text_for_number") if got.strip() == str(expected) else None
    if type(expected) is not str or got == expected:
        return None
    found = _named(got, expected)
    if found:
        return found
    if "".join(got.split()) == "".join(expected.split()):
        return Message("pattern.text_space", got=repr(got), expected=repr(expected))
    same = got.casefold() == expected.casefold()
    return Message("pattern.text_case", got=repr(got), expected=repr(expected)) if same else None


def _named(got: str, expected: str) -> Message | None:
    """Texts that name kinds, or errors; and warnings of NumPy's."""
    if OVERFLOW in got and OVERFLOW not in expected:
        return Message("pattern.exp_overflow")
    if got in HOLDERS and expected in ("int", "float"):
        return Message("pattern.not_plain", got=got, expected=expected)
    if got in LOOKUPS and expected.endswith("Error") and expected.isidentifier():
        return Message("pattern.python_error", got=got, expected=expected)
    return None


def _object(got: Any, expected: Any) -> Message | None:
    name = type_name(got)
    kinds = {type(got), type(expected)}
    if np.ndarray in kinds and kinds & {list, tuple} and _same_numbers(got, expected):
        code = "array_result" if type(got) is np.ndarray else "list_result"
        return Message(f"pattern.{code}", got=name, expected=type(expected).__name__)
    if name in FUNCTIONS:
        return Message("pattern.function_result")
    if name == "generator":
        return Message("pattern.generator")
    if name.endswith("Error"):
        return Message("pattern.returned_error", name=name)
    return _tensor(got, expected, name)


def _same_numbers(got: Any, expected: Any) -> bool:
    try:
        return same(numbers(got), numbers(expected))
    except NotNumbers:
        return False


def _tensor(got: Any, expected: Any, name: str) -> Message | None:
    """An object that holds the array, where the array itself belongs."""
    if type(expected) is not np.ndarray or not (is_proxy(got) or _is_foreign(got)):
        return None
    held = plain(getattr(got, "data", None))
    return Message("pattern.object_for_array", name=name) if type(held) is np.ndarray else None


def _is_foreign(value: Any) -> bool:
    return type(value).__module__ not in ("builtins", "numpy")
