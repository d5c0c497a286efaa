"""From values to a message."""

from __future__ import annotations

import json
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

import numpy as np

from .rules import (
    CLASS_NAMES,
    DTYPES,
    HEADER,
    MAX_ARRAY,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_INTEGER_BITS,
    MAX_ITEMS,
    MAX_JSON,
    MAX_MARKS,
    MAX_RANGE,
    TooLarge,
    marks,
)

ATOMS = (bool, float, str)
# Captured early: in the guest a learner may replace np.asarray, json.dumps or isinstance.
_array, _contiguous = np.asarray, np.ascontiguousarray
_dumps = json.JSONEncoder(separators=(",", ":")).encode


class Encoder:
    """Encodes the values of one message; subclasses say what becomes of other objects."""

    def __init__(self) -> None:
        self.blobs: list[bytes] = []
        self.size = 0
        self.count = 0

    def reference(self, value: Any) -> Any:
        """The encoding of an object that cannot cross by value."""
        raise TypeError(f"{type(value).__name__} objects cannot cross to the learner's process")

    def value(self, value: Any, depth: int = 0) -> Any:
        """The JSON form of a value; the bytes of its arrays are collected in ``blobs``."""
        kind = type(value)
        if value is None or kind in ATOMS:
            return value
        if kind is int and value.bit_length() <= MAX_INTEGER_BITS:
            return value
        encode = _ENCODERS.get(kind)
        if encode is not None and depth < MAX_DEPTH:
            return encode(self, value, depth + 1)
        return self._unusual(value, kind, depth)

    def _unusual(self, value: Any, kind: type, depth: int) -> Any:
        if issubclass(kind, np.ndarray):
            return self.array(value)
        if issubclass(kind, np.generic):
            return self.scalar(value)
        if issubclass(kind, np.dtype) and value.name in DTYPES:
            return {"y": value.name}
        if kind is type and value in CLASS_NAMES:
            return {"c": CLASS_NAMES[value]}
        if issubclass(kind, tuple) and hasattr(kind, "_fields") and depth < MAX_DEPTH:
            return {"t": self.items(tuple(tuple.__iter__(value)), depth + 1)}
        return self.reference(value)

    def items(self, values: Any, depth: int) -> list[Any]:
        """Every item encoded."""
        self.count += len(values)
        if self.count > MAX_ITEMS:
            raise TooLarge("items", self.count)
        return [self.value(value, depth) for value in values]

    def pairs(self, value: Any, depth: int) -> Any:
        """A dict (or a relative of it) as pairs."""
        flat = self.items([item for pair in dict.items(value) for item in pair], depth)
        return {"d": flat}

    def array(self, value: Any) -> Any:
        """An array by value, whatever its subclass; exotic dtypes stay in the guest."""
        value = _array(value)
        name = value.dtype.name
        if name not in DTYPES:
            return self.reference(value)
        if value.nbytes > MAX_ARRAY:
            raise TooLarge("MB", value.nbytes >> 20)
        native = value.astype(name, copy=False)
        return {"a": [name, list(value.shape), self.blob(_contiguous(native).tobytes())]}

    def scalar(self, value: Any) -> Any:
        """A NumPy scalar by value."""
        if issubclass(type(value), np.str_):
            return str.__str__(value)
        name = value.dtype.name
        if name not in DTYPES:
            return self.reference(value)
        return {"n": [name, self.blob(value.tobytes())]}

    def blob(self, data: bytes) -> int:
        """Keep bytes for the end of the message; their offset there."""
        offset = self.size
        self.blobs.append(data)
        self.size += len(data)
        if self.size > MAX_BYTES:
            raise TooLarge("MB", self.size >> 20)
        return offset

    def frame(self, body: Any) -> bytes:
        """The whole message, ready to be written."""
        text = _dumps(body).encode("ascii")
        if len(text) > MAX_JSON:
            raise TooLarge("MB", len(text) >> 20)
        if marks(text) > MAX_MARKS:
            raise TooLarge("items", marks(text))
        return b"".join([HEADER.pack(len(text), self.size), text, *self.blobs])

    def range(self, value: range, depth: int) -> Any:
        """A short range by value; a long one only as what it is, an object."""
        if len(value) > MAX_RANGE:
            return self.reference(value)
        return {"r": list(_ends(value))}


def _ends(value: Any) -> tuple[Any, Any, Any]:
    return value.start, value.stop, value.step


_ENCODERS: dict[type, Any] = {
    list: lambda self, value, depth: self.items(value, depth),
    tuple: lambda self, value, depth: {"t": self.items(value, depth)},
    deque: lambda self, value, depth: self.items(value, depth),
    **dict.fromkeys((dict, OrderedDict, defaultdict, Counter), Encoder.pairs),
    set: lambda self, value, depth: {"s": self.items(value, depth)},
    frozenset: lambda self, value, depth: {"z": self.items(value, depth)},
    complex: lambda self, value, depth: {"x": [value.real, value.imag]},
    bytes: lambda self, value, depth: {"b": [self.blob(value), len(value)]},
    slice: lambda self, value, depth: {"l": self.items(_ends(value), depth)},
    range: Encoder.range,
    type(...): lambda self, value, depth: {"e": 0},
    np.ndarray: lambda self, value, depth: self.array(value),
}
