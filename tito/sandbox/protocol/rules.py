"""What both sides keep to: sizes, numbers, names."""

from __future__ import annotations

import builtins
import struct

import numpy as np

HEADER = struct.Struct("<II")
GAVE_UP = 70  # exit code of a guest whose own machinery fails
MAX_JSON = 16 << 20
MAX_BYTES = 160 << 20
MAX_ARRAY = 128 << 20
MAX_DEPTH = 40
MAX_ITEMS = 1 << 19
MAX_MARKS = 2 * MAX_ITEMS  # of punctuation in a message's JSON: each makes at most one object
MAX_INTEGER_BITS = 4096
MAX_RANGE = 10_000  # a longer range is no list of values: it stays where it is
MAX_SAME_HASH = 64  # members of a set or dict; more are made to be slow, not met by chance
LIFE = 25  # messages of the largest size that one guest may send
# fmt: off
DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64",
)
# fmt: on
SIZES = {name: np.dtype(name).itemsize for name in DTYPES}
CLASSES = {
    f"{home.__name__}.{kind.__name__}": kind
    for home in (builtins, np)
    for kind in vars(home).values()
    if isinstance(kind, type)
}
CLASS_NAMES = {kind: name for name, kind in CLASSES.items()}


class Malformed(Exception):
    """A message that does not follow the rules above."""


class TooLarge(ValueError):
    """A value that no message may carry: ``what`` it has too many of ("items", "MB"), how many."""

    def __init__(self, what: str, number: int) -> None:
        super().__init__(f"{number} {what}")


def marks(text: bytes) -> int:
    """A bound on the objects that decoding a JSON text makes, without decoding it."""
    return sum(text.count(mark) for mark in (b",", b"[", b"{"))
