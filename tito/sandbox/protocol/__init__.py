"""The language host and guest speak: framed messages of JSON plus raw array bytes.

A frame is two little-endian lengths, then JSON, then the bytes of all arrays. Numbers, strings,
true, false, null and lists of JSON mean themselves; the rest is an object with a one-letter tag:

    {"t": [..]} tuple      {"d": [k, v, ..]} dict       {"s": [..]} set     {"z": [..]} frozenset
    {"a": [dtype, shape, offset]} array                 {"n": [dtype, offset]} NumPy scalar
    {"b": [offset, length]} bytes                       {"l": [start, stop, step]} slice
    {"r": [start, stop, step]} range                    {"e": 0} Ellipsis
    {"y": "float32"} dtype     {"c": "numpy.float32"} a builtin or NumPy class
    {"x": [real, imaginary]} complex number
    {"h": number} an object that stays in the guest, known by its handle

Nothing is ever unpickled or evaluated. Whoever decodes counts: a Budget bounds the bytes and items
of a message and of a guest's whole life, references to the same bytes included.
The guest runs these files too, so they import no other part of `tito`.
"""

from .decoding import Budget, Decoder, parse
from .encoding import Encoder
from .rules import (
    GAVE_UP,
    HEADER,
    MAX_ARRAY,
    MAX_BYTES,
    MAX_ITEMS,
    MAX_JSON,
    MAX_RANGE,
    Malformed,
    TooLarge,
)

__all__ = [
    "GAVE_UP",
    "HEADER",
    "MAX_ARRAY",
    "MAX_BYTES",
    "MAX_ITEMS",
    "MAX_JSON",
    "MAX_RANGE",
    "Budget",
    "Decoder",
    "Encoder",
    "Malformed",
    "TooLarge",
    "parse",
]
