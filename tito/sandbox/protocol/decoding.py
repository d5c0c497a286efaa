"""From a message to values: of a fresh kind each, and no more than a budget allows."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

import numpy as np

from .rules import (
    CLASSES,
    DTYPES,
    LIFE,
    MAX_BYTES,
    MAX_ITEMS,
    MAX_MARKS,
    MAX_SAME_HASH,
    SIZES,
    Malformed,
    marks,
)

NONSENSE = (ValueError, TypeError, LookupError, ArithmeticError, RecursionError, MemoryError)
# Captured early: in the guest a learner may replace np.frombuffer or json.loads.
_frombuffer = np.frombuffer
_loads = json.JSONDecoder().decode


class Budget:
    """What may still be decoded: bytes and items, of one message and of all together."""

    def __init__(self) -> None:
        self.life = [LIFE * MAX_BYTES, LIFE * MAX_ITEMS]
        self.message = [0, 0]

    def begin(self) -> None:
        """A new message begins."""
        self.message = [MAX_BYTES, MAX_ITEMS]

    def spend(self, items: int = 0, size: int = 0) -> None:
        """So many items or bytes are about to be decoded. Raises Malformed if they are too many."""
        for left in (self.message, self.life):
            left[0] -= size
            left[1] -= items
            if min(left) < 0:
                raise Malformed("more than may be decoded")


class Decoder:
    """Decodes one message; ``resolve`` turns a handle's number into what stands for it."""

    def __init__(self, body: Any, resolve: Any, budget: Budget) -> None:
        self.body = memoryview(body)
        self.resolve = resolve
        self.budget = budget

    def value(self, form: Any) -> Any:
        """The value of a JSON form; raises Malformed-worthy errors (see ``parse``)."""
        kind = type(form)
        if kind is list:
            return self.items(form)
        if kind is not dict:
            return form
        ((tag, inside),) = form.items()
        return _DECODERS[tag](self, inside)

    def items(self, forms: Any) -> list[Any]:
        """Every item decoded."""
        if type(forms) is not list:
            raise Malformed("items")
        self.budget.spend(len(forms))
        return [self.value(form) for form in forms]

    def members(self, forms: Any) -> list[Any]:
        """Items that will be hashed: refused where their hashes were made to collide."""
        return _unalike(self.items(forms))

    def pairs(self, inside: Any) -> dict[Any, Any]:
        """A dict from its keys and values, one after the other."""
        flat = self.items(inside)
        return dict(zip(_unalike(flat[::2]), flat[1::2], strict=True))

    def array(self, inside: Any) -> np.ndarray:
        """A fresh, writable array."""
        name, shape, offset = inside
        if type(shape) is not list or any(type(n) is not int or n < 0 for n in shape):
            raise Malformed("shape")
        return self._numbers(name, offset, math.prod(shape)).reshape(shape).copy()

    def scalar(self, inside: Any) -> Any:
        """A NumPy scalar."""
        name, offset = inside
        return self._numbers(name, offset, 1)[0]

    def _numbers(self, name: Any, offset: Any, count: int) -> np.ndarray:
        if type(name) is not str or name not in DTYPES or type(offset) is not int or offset < 0:
            raise Malformed(f"array of {count} x {name!r}")
        self.budget.spend(size=count * SIZES[name])
        if count == 0:
            return np.zeros(0, dtype=name)
        return _frombuffer(self.body, dtype=name, count=count, offset=offset)

    def bytes(self, inside: Any) -> bytes:
        """Raw bytes."""
        offset, length = inside
        self.budget.spend(size=len(self.body[offset : offset + length]))
        return bytes(self.body[offset : offset + length])

    def range(self, inside: Any) -> range:
        """A range; as many items as it holds."""
        found = range(*inside)
        self.budget.spend(len(found))
        return found


def _unalike(members: list[Any]) -> list[Any]:
    hashes = Counter(hash(member) for member in members)
    if hashes and max(hashes.values()) > MAX_SAME_HASH:
        raise Malformed("colliding hashes")
    return members


_DECODERS: dict[str, Any] = {
    "t": lambda self, inside: tuple(self.items(inside)),
    "d": Decoder.pairs,
    "s": lambda self, inside: set(self.members(inside)),
    "z": lambda self, inside: frozenset(self.members(inside)),
    "a": Decoder.array,
    "n": Decoder.scalar,
    "b": Decoder.bytes,
    "x": lambda self, inside: complex(*inside),
    "l": lambda self, inside: slice(*self.items(inside)),
    "r": Decoder.range,
    "e": lambda self, inside: ...,
    "y": lambda self, inside: np.dtype({name: name for name in DTYPES}[inside]),
    "c": lambda self, inside: CLASSES[inside],
    "h": lambda self, inside: self.resolve(inside),
}


def parse(text: Any, body: Any, resolve: Any, budget: Budget) -> Any:
    """The value of a message. Raises Malformed, whatever is wrong with it."""
    budget.begin()
    try:
        if marks(text) > MAX_MARKS:
            raise Malformed("more than may be decoded: marks")
        return Decoder(body, resolve, budget).value(_loads(text.decode("ascii")))
    except Malformed:
        raise
    except NONSENSE as error:
        raise Malformed(f"{type(error).__name__}: {error}") from None
