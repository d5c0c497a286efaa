"""A proxy stands in a test for an object of the learner's: whatever is done to it is done there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import numpy as np

Plain = TypeVar("Plain")
_get = object.__getattribute__


class UnusableResult(Exception):
    """A fault on our side of the pipe: the test cannot go on with what it has.

    No subclass of anything that a test may expect the learner's code to raise.
    """


class Asker(Protocol):
    """What carries a question to the guest, and its answer back."""

    def ask(self, operation: str, *arguments: Any) -> Any:
        """The value of an operation."""


class Proxy:
    """An object in the guest. The same remote object is always the same proxy (``is`` works)."""

    __slots__ = ("_tito_handle", "_tito_link")
    _tito_proxy = True
    __array_ufunc__ = None  # array + proxy is the learner's __radd__, not NumPy's loop

    def __init__(self, link: Asker, handle: int) -> None:
        object.__setattr__(self, "_tito_link", link)
        object.__setattr__(self, "_tito_handle", handle)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return ask(self, "getattr", "__class__")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__array_"):  # NumPy looking for protocols we do not speak
            raise AttributeError(name)
        return ask(self, "getattr", name)

    def __setattr__(self, name: str, value: Any) -> None:
        ask(self, "setattr", name, value)

    def __delattr__(self, name: str) -> None:
        ask(self, "delattr", name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return ask(self, "call", list(args), kwargs)

    def __hash__(self) -> int:
        return hash(("proxy", handle_of(self)))

    def __bool__(self) -> bool:
        return _exactly(bool, ask(self, "bool"))

    def __len__(self) -> int:
        return _exactly(int, ask(self, "len"))

    def __repr__(self) -> str:
        return _exactly(str, ask(self, "repr"))

    def __str__(self) -> str:
        return _exactly(str, ask(self, "str"))

    def __format__(self, spec: str) -> str:
        return _exactly(str, ask(self, "format", spec))

    def __float__(self) -> float:
        return _exactly(float, ask(self, "float"))

    def __int__(self) -> int:
        return _exactly(int, ask(self, "int"))

    def __index__(self) -> int:
        return _exactly(int, ask(self, "index"))

    def __contains__(self, item: Any) -> bool:
        return _exactly(bool, ask(self, "contains", item))

    def __iter__(self) -> Any:
        iterator = ask(self, "iter")
        return iterator if type(iterator) is Proxy else iter(iterator)

    def __next__(self) -> Any:
        return ask(self, "next")

    def __enter__(self) -> Any:
        return ask(self, "enter")

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        if error is None or not isinstance(error, Exception):
            return _exactly(bool, ask(self, "exit", "", ""))
        return _exactly(bool, ask(self, "exit", kind.__name__, str(error)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = ask(self, "array")
        if type(array) is not np.ndarray:
            raise UnusableResult("the object does not become an array of numbers")
        return array if dtype is None else array.astype(dtype, copy=False)

    def __instancecheck__(self, instance: Any) -> bool:
        if isinstance(instance, BaseException):  # one of the learner's, rebuilt on this side
            return self.__name__ in getattr(instance, "classes", ())
        return _exactly(bool, _get(self, "_tito_link").ask("isinstance", instance, self))

    def __subclasscheck__(self, subclass: Any) -> bool:
        return _exactly(bool, _get(self, "_tito_link").ask("issubclass", subclass, self))

    def __deepcopy__(self, memo: Any) -> Any:
        return ask(self, "deepcopy")


def ask(proxy: Proxy, operation: str, *arguments: Any) -> Any:
    """Do an operation on the object the proxy stands for."""
    return _get(proxy, "_tito_link").ask(operation, proxy, *arguments)


def handle_of(proxy: Proxy) -> int:
    """The number by which the guest knows the object."""
    return int(_get(proxy, "_tito_handle"))


def _exactly(kind: type[Plain], value: Any) -> Plain:
    if type(value) is not kind:
        raise UnusableResult(f"the object gave no {kind.__name__}")
    return value


def _forward(operation: str) -> Callable[..., Any]:
    def method(self: Proxy, *arguments: Any) -> Any:
        return ask(self, operation, *arguments)

    return method


def _reflected(operation: str) -> Callable[..., Any]:
    def method(self: Proxy, other: Any) -> Any:
        return _get(self, "_tito_link").ask(operation, other, self)

    return method


# fmt: off
_BINARY = (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor",
)
_OTHERS = (
    "eq", "ne", "lt", "le", "gt", "ge", "neg", "pos", "invert", "abs",
    "getitem", "setitem", "delitem", "reversed", "round", "copy",
)
# fmt: on


def _add_operators() -> None:
    """Give Proxy every operator; the guest applies it with Python's full rules."""
    for name in _BINARY:
        operation = f"{name}_" if name in ("and", "or") else name
        setattr(Proxy, f"__{name}__", _forward(operation))
        setattr(Proxy, f"__r{name}__", _reflected(operation))
        setattr(Proxy, f"__i{name}__", _forward(f"i{name}"))
    for name in _OTHERS:
        setattr(Proxy, f"__{name}__", _forward(name))


_add_operators()
