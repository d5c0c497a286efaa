"""Plain values: turning whatever a learner returned into something that can be compared and shown.

Nothing here calls a method that a learner could have overridden in order to be believed: an object
that claims to equal everything is reduced to exact builtin types, or it is not comparable at all.
"""

import re
from typing import Any

import numpy as np

from tito.messages import Message

SHOWN_ELEMENTS = 8
SHOWN_ITEMS = 200  # of a list; the text is shortened further
SHOWN_CHARACTERS = 240
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_PADDING = re.compile(r"(?<=\[) +| +(?=[\],])")  # NumPy's columns, which one line does not have
_NUMERIC_KINDS = "biuf"


class NotNumbers(Exception):
    """The value is not a number or an array of numbers; ``what`` says what it is."""

    def __init__(self, what: Message) -> None:
        super().__init__(what)
        self.what = what


def is_proxy(value: Any) -> bool:
    """Whether the value stands for an object in the learner's process."""
    return bool(type(value).__dict__.get("_tito_proxy", False))


def type_name(value: Any) -> str:
    """Name of the value's class, as its author knows it."""
    if not is_proxy(value):
        return type(value).__name__
    try:
        return str(value.__class__.__name__)
    except Exception:
        return "object"


def plain(value: Any) -> Any:
    """The value in exact builtin types and base-class arrays; other objects come back unchanged."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if issubclass(kind, np.ndarray):
        return np.asarray(value)
    if issubclass(kind, np.generic):
        return _plain_scalar(value)
    return _plain_builtin(value, kind)


def _plain_scalar(value: Any) -> Any:
    item = value.item()
    return float(item) if isinstance(item, np.floating) else item


def _plain_builtin(value: Any, kind: type) -> Any:
    # The base class's own methods, so that a subclass cannot answer for itself.
    if issubclass(kind, list):
        return [plain(item) for item in list.__iter__(value)]
    if issubclass(kind, tuple):
        return tuple(plain(item) for item in tuple.__iter__(value))
    if issubclass(kind, dict):
        return {_key(key): plain(item) for key, item in dict.items(value)}
    for base in (set, frozenset):
        if issubclass(kind, base):
            return base(_key(item) for item in base.__iter__(value))
    return _plain_atom(value, kind)


def _plain_atom(value: Any, kind: type) -> Any:
    for base, exact in ((str, str.__str__), (int, int.__int__), (float, float.__float__)):
        if issubclass(kind, base):
            return exact(value)
    return value


def _key(value: Any) -> Any:
    """A dictionary key in exact types; foreign objects count only as themselves."""
    key = plain(value)
    exact = key is None or type(key) in (bool, int, float, str, tuple, frozenset)
    return key if exact else ("object", id(key))


def unwrap(value: Any) -> Any:
    """The ``.data`` of a tensor-like object; everything else unchanged."""
    kind = type(value)
    builtin = kind.__module__ == "builtins"
    if builtin or issubclass(kind, (np.ndarray, np.generic, list, tuple, dict, str, bytes)):
        return value
    try:
        return value.data
    except Exception:
        return value


def numbers(value: Any) -> np.ndarray:
    """The value as an array of numbers.

    Accepts numbers, arrays, objects with ``.data``, and (nested) lists of these.
    Raises NotNumbers for everything else, whatever the object does when touched.
    """
    value = plain(unwrap(value))
    if type(value) in (list, tuple):
        return _stack([numbers(item) for item in value], value)
    if type(value) not in (bool, int, float, np.ndarray):
        raise NotNumbers(describe(value))
    array = np.asarray(value)
    if array.dtype.kind not in _NUMERIC_KINDS:
        raise NotNumbers(Message("value.dtype", what=describe(value), dtype=str(array.dtype)))
    return array


def _stack(rows: list[np.ndarray], value: Any) -> np.ndarray:
    if len({row.shape for row in rows}) > 1:
        raise NotNumbers(Message("value.ragged", what=describe(value)))
    return np.array(rows) if rows else np.zeros(0)


def describe(value: Any) -> Message:
    """What kind of thing a value is: "None", "a str", "an array", "an object of class Tensor"."""
    value = plain(value)
    if value is None or type(value) is bool:
        return Message("value.itself", value=str(value))
    if type(value) in (int, float, str, list, tuple, dict, set):
        return Message(f"value.{type_name(value)}")
    if type(value) is np.ndarray:
        return Message("value.array")
    return Message("value.object", name=type_name(value))


def shorten(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """One line of at most ``limit`` characters, a single space for all white space in a row."""
    return _cut(" ".join(text.split()), limit)


def _cut(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    return text if len(text) <= limit else text[: limit - 4].rstrip() + " ..."


def sentence(text: str) -> str:
    """The text with a full stop, if it does not end a sentence yet."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def show(value: Any) -> str:
    """Short text for one line of a report, in Python's notation: arrays with their shape."""
    value = plain(value)
    if type(value) is np.ndarray:
        return _show_array(value)
    if isinstance(value, np.dtype):
        return f"dtype {value}"
    if type(value) is type:
        return value.__name__
    return _cut(_notation(value))  # the spaces of a text belong to it


def _notation(value: Any) -> str:
    """The repr of a value, whose floats have no more digits than they need."""
    kind = type(value)
    if kind is float:
        return shortest(value)
    if kind is list:
        return f"[{', '.join(map(_notation, value[:SHOWN_ITEMS]))}]"
    if kind is tuple:
        comma = "," if len(value) == 1 else ""
        return f"({', '.join(map(_notation, value[:SHOWN_ITEMS]))}{comma})"
    return repr(value) if kind.__module__ == "builtins" else _foreign(value)


def _foreign(value: Any) -> str:
    """An object of somebody's class: its repr, if that is a text, and its class."""
    name = type_name(value)
    try:
        text = repr(value)
    except Exception as error:
        return f"<{name}: repr() raises {type(error).__name__}>"
    return shorten(text) if name in text else f"<{name}: {shorten(text)}>"


def _show_array(array: np.ndarray) -> str:
    small = array.size <= SHOWN_ELEMENTS
    text = np.array2string(
        array,
        precision=6,
        separator=", ",
        threshold=SHOWN_ELEMENTS,
        edgeitems=SHOWN_ELEMENTS if small else 2,
        floatmode="maxprec",
        suppress_small=False,
        sign="-",
    )
    dtype = "" if array.dtype.kind == "f" else f", dtype {array.dtype}"
    text = _PADDING.sub("", shorten(text))
    return f"{text}, shape {array.shape}{dtype}"


def shortest(value: float) -> str:
    """The shortest text that means this number: that of a float32 if it is one (9.1)."""
    with np.errstate(all="ignore"):
        single = np.float32(value)
    return str(single) if float(single) == value else repr(value)


def number(value: Any) -> str:
    """One number as a sentence names it: 3, not 3.0."""
    value = plain(value)
    return shortest(value).removesuffix(".0") if type(value) is float else str(value)


def two_numbers(left: Any, right: Any) -> tuple[str, str]:
    """Two different numbers, with as many digits as it takes to see that they differ."""
    with np.errstate(all="ignore"):
        short = tuple(number(float(np.float32(value))) for value in (left, right))
    return (short[0], short[1]) if short[0] != short[1] else (number(left), number(right))


def signature(value: Any) -> str:
    """Text that is the same for two values that differ only by rounding noise or addresses."""
    value = plain(unwrap(value))
    if type(value) is np.ndarray and value.dtype.kind in _NUMERIC_KINDS:
        return f"array{value.shape}[{_digits(value)}]"
    if type(value) in (int, float, bool):
        return f"{type(value).__name__}:{_digits(np.asarray(value))}"
    if type(value) in (list, tuple):
        inside = ",".join(signature(item) for item in value[:200])
        return f"{type(value).__name__}{len(value)}[{inside}]"
    return f"{type_name(value)}:{strip_addresses(show(value))}"


def strip_addresses(text: str) -> str:
    """The text without memory addresses, which differ from run to run."""
    return _ADDRESS.sub("", text)


def _digits(array: np.ndarray) -> str:
    # Four digits: more would turn the noise of another summation order into another mistake.
    values = array.ravel()[:512].astype(np.float64)
    largest = np.max(np.abs(values[np.isfinite(values)]), initial=0.0)
    values[np.abs(values) <= largest * 1e-6] = 0.0
    return " ".join(f"{value:.4g}" for value in values)
