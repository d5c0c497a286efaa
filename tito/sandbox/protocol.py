"""The language host and guest speak: framed messages of JSON plus raw array bytes.

A frame is two little-endian lengths, then JSON, then the bytes of all arrays. Numbers, strings,
true, false, null and lists of JSON mean themselves; the rest is an object with a one-letter tag:

    {"t": [..]} tuple      {"d": [k, v, ..]} dict       {"s": [..]} set     {"z": [..]} frozenset
    {"a": [dtype, shape, offset]} array                 {"n": [dtype, offset]} NumPy scalar
    {"b": [offset, length]} bytes                       {"l": [start, stop, step]} slice
    {"r": [start, stop, step]} range                    {"e": 0} Ellipsis
    {"y": "float32"} dtype     {"c": "numpy.float32"} a builtin or NumPy class
    {"h": number} an object that stays in the guest, known by its handle

Nothing is ever unpickled or evaluated. Whoever decodes counts: a Budget bounds the bytes and items
of a message and of a guest's whole life, references to the same bytes included.
The guest runs this file too, so it imports no other part.
"""

import builtins
import json
import math
import struct
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

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
ATOMS = (bool, float, str)
NONSENSE = (ValueError, TypeError, LookupError, ArithmeticError, RecursionError, MemoryError)
# Captured early: in the guest a learner may replace np.asarray, json.dumps or isinstance.
_array, _contiguous, _frombuffer = np.asarray, np.ascontiguousarray, np.frombuffer
_dumps = json.JSONEncoder(separators=(",", ":")).encode
_loads = json.JSONDecoder().decode


class Malformed(Exception):
    """A message that does not follow the rules above."""


class TooLarge(ValueError):
    """A value with more bytes than a message may carry."""


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
            raise TooLarge(f"a collection of {self.count} items is too large to be checked")
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
            raise TooLarge(f"an array of {value.nbytes >> 20} MB is too large to be checked")
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
            raise TooLarge(f"{self.size >> 20} MB of arrays are too much for one message")
        return offset

    def frame(self, body: Any) -> bytes:
        """The whole message, ready to be written."""
        text = _dumps(body).encode("ascii")
        if len(text) > MAX_JSON or marks(text) > MAX_MARKS:
            raise TooLarge(f"a value of {len(text) >> 20} MB of text is too large to be checked")
        return b"".join([HEADER.pack(len(text), self.size), text, *self.blobs])

    def range(self, value: range, depth: int) -> Any:
        """A short range by value; a long one only as what it is, an object."""
        if len(value) > MAX_RANGE:
            return self.reference(value)
        return {"r": list(_ends(value))}


def _ends(value: Any) -> tuple[Any, Any, Any]:
    return value.start, value.stop, value.step


def marks(text: bytes) -> int:
    """A bound on the objects that decoding a JSON text makes, without decoding it."""
    return sum(text.count(mark) for mark in (b",", b"[", b"{"))


_ENCODERS: dict[type, Any] = {
    list: lambda self, value, depth: self.items(value, depth),
    tuple: lambda self, value, depth: {"t": self.items(value, depth)},
    deque: lambda self, value, depth: self.items(value, depth),
    **dict.fromkeys((dict, OrderedDict, defaultdict, Counter), Encoder.pairs),
    set: lambda self, value, depth: {"s": self.items(value, depth)},
    frozenset: lambda self, value, depth: {"z": self.items(value, depth)},
    bytes: lambda self, value, depth: {"b": [self.blob(value), len(value)]},
    slice: lambda self, value, depth: {"l": self.items(_ends(value), depth)},
    range: Encoder.range,
    type(...): lambda self, value, depth: {"e": 0},
    np.ndarray: lambda self, value, depth: self.array(value),
}


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
