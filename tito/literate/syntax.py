"""Syntax trees of cells, and the names they bind."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache

from tito.literate.errors import SourceError

ODD = re.compile("[\0\ud800-\udfff]")
OWN_SCOPE = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)


@lru_cache(maxsize=512)  # several readers of the same text follow each other
def parsed(code: str) -> ast.Module:
    """Python's tree of a text, shared by all who ask: not to be changed. Raises as `ast.parse`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns again when the code runs
        return ast.parse(code)


def syntax_tree(code: str, place: Callable[[int], str]) -> ast.Module:
    """The syntax tree of plain Python that compiles.

    Args:
        code: the text.
        place: gives the place of a 1-based line, for the error.

    Raises SourceError with the place of whatever Python could not compile.
    """
    try:
        tree = parsed(code)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(tree, "<cell>", "exec", dont_inherit=True)
    except SyntaxError as error:
        shown = (error.text or "").strip()
        said = f"syntax error: {error.msg}" + (f": {shown}" if shown else ".")
        raise SourceError(place(error.lineno or 1), said) from error
    except ValueError as error:
        line = next((n for n, text in enumerate(code.split("\n"), 1) if ODD.search(text)), 1)
        raise SourceError(
            place(line),
            "Python cannot read this line: it holds a zero byte or half a character "
            "(a lone surrogate).",
            "Type the line again.",
        ) from error
    except (RecursionError, MemoryError, OverflowError) as error:
        raise SourceError(
            place(1),
            "this cell is nested too deeply for Python to compile it.",
            "Write long chains of elif or of operators as a loop or a table.",
        ) from error
    return tree


def bindings(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """(name, line) of each name that the code binds at its top level, in no function or class.

    `from x import *` binds "*": names that reading cannot tell.
    """
    waiting: list[ast.AST] = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        yield from ((name, getattr(node, "lineno", 1)) for name in _bound(node))
        if not isinstance(node, OWN_SCOPE):
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))


def first_use(tree: ast.Module, name: str, start: int) -> int:
    """The first line from `start` on in which the code reads `name`; `start` if there is none."""
    lines = (
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    )
    return min((line for line in lines if line >= start), default=max(start, 1))


def _bound(node: ast.AST) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Name(id=name, ctx=ast.Store()):
            return [name]
        case ast.Import(names=names):
            return [alias.asname or alias.name.partition(".")[0] for alias in names]
        case ast.ImportFrom(names=names):
            return [alias.asname or alias.name for alias in names]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            return [name]
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            return [name]
        case _:
            return []


def public_names(tree: ast.Module) -> list[str]:
    """Names that a cell defines at its top level, without the underscored ones and imports."""
    found = [name for statement in tree.body for name in _defined(statement)]
    return [name for name in found if not name.startswith("_")]


def _defined(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return _bound(statement)
        case ast.Assign(targets=targets):
            nodes = [node for target in targets for node in ast.walk(target)]
            return [name for node in nodes for name in _bound(node)]
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
            return [name]
        case _:
            return []
