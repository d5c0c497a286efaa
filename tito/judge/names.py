"""Which names a test cell may use: those the reference module defines or imports at top level."""

import ast
import builtins
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from tito.literate.syntax import parsed

RESERVED = frozenset({"np", "numpy", "check", "probe", *dir(builtins)})
TRUSTED = sys.stdlib_module_names | {"numpy"}


@dataclass(frozen=True)
class Names:
    """The names of a module.

    ``learner``: those that mean an object of the learner's. ``origins``: those imported from NumPy
    or the standard library, as "module" or "module:attribute"; ``trusted``: the things themselves.
    """

    learner: tuple[str, ...]
    origins: dict[str, str]
    trusted: dict[str, Any]


def module_names(sources: Iterable[str]) -> Names:
    """The names that these cells of the reference bind at their top level.

    A name imported from NumPy or the standard library is bound to the real thing: a test's
    expected values must not be computed by the learner's ``math.sqrt``.
    """
    defined: dict[str, None] = {}
    trusted: dict[str, str] = {}
    for source in sources:
        for name, origin in _bindings(parsed(source).body):
            if origin and origin.partition(":")[0].partition(".")[0] in TRUSTED:
                trusted[name] = origin
            else:
                defined[name] = None
    learner = tuple(sorted(name for name in defined if _usable(name)))
    own = set(learner)
    origins = {n: o for n, o in trusted.items() if _usable(n) and n not in own}
    return Names(learner, origins, {name: _load(origin) for name, origin in origins.items()})


def _usable(name: str) -> bool:
    return name not in RESERVED and not name.startswith("__")


def _load(origin: str) -> Any:
    """The object that "module" or "module:attribute" names."""
    home, _, attribute = origin.partition(":")
    module = import_module(home)
    return getattr(module, attribute) if attribute else module


def _bindings(body: Iterable[ast.stmt]) -> Iterator[tuple[str, str | None]]:
    """(name, origin) for each name bound; the origin is None unless it is an import."""
    for statement in body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield statement.name, None
            case ast.Import():
                yield from (_imported(alias) for alias in statement.names)
            case ast.ImportFrom(module=str(home), level=0) if home != "__future__":
                yield from ((a.asname or a.name, f"{home}:{a.name}") for a in statement.names)
            case _:
                yield from _other_bindings(statement)


def _imported(alias: ast.alias) -> tuple[str, str]:
    if alias.asname:
        return alias.asname, alias.name
    top = alias.name.partition(".")[0]
    return top, top


def _other_bindings(statement: ast.stmt) -> Iterator[tuple[str, str | None]]:
    match statement:
        case ast.Assign(targets=targets):
            yield from ((name, None) for target in targets for name in _targets(target))
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            yield from ((name, None) for name in _targets(target))
        case ast.If() | ast.Try() | ast.With() | ast.For() | ast.While():
            for field in ("body", "orelse", "finalbody"):
                yield from _bindings(getattr(statement, field, ()))
            for handler in getattr(statement, "handlers", ()):
                yield from _bindings(handler.body)


def _targets(target: ast.expr) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
