"""The syntax tree of a cell, and the names it binds."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

from tito.literate.cells import Cell
from tito.literate.errors import SourceError

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


def parse(cell: Cell) -> ast.Module:
    """The syntax tree of the cell's code, which compiles.

    Raises SourceError with the place of whatever Python could not compile.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the learner's own Python warns when the code runs
            tree = ast.parse(cell.code)
            compile(tree, "<cell>", "exec", dont_inherit=True)
    except SyntaxError as error:
        shown = (error.text or "").strip()
        said = f"syntax error: {error.msg}" + (f": {shown}" if shown else ".")
        raise SourceError(cell.place(error.lineno or 1), said) from error
    except UnicodeEncodeError as error:
        raise _unreadable(cell, "it holds half a character (a lone surrogate)", error) from error
    except ValueError as error:
        raise _unreadable(cell, str(error), error) from error
    except (RecursionError, MemoryError, OverflowError) as error:
        raise SourceError(
            cell.place(),
            "this cell is nested too deeply for Python to compile it.",
            "Write long chains of elif or of operators as a loop or a table.",
        ) from error
    return tree


def _unreadable(cell: Cell, why: str, error: ValueError) -> SourceError:
    """Faults of characters; Python does not name their line."""
    line = next((n for n, text in enumerate(cell.lines, 1) if _is_odd(text)), 1)
    return SourceError(
        cell.place(line), f"Python cannot read this line: {why}.", "Type the line again."
    )


def _is_odd(line: str) -> bool:
    return "\0" in line or any("\ud800" <= character <= "\udfff" for character in line)


def bindings(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """(name, node) for each name that the code binds at its top level, in no function or class."""
    waiting: list[ast.AST] = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        yield from ((name, node) for name in _bound(node))
        if not isinstance(node, OWN_SCOPE):
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))


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
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case _:
            return []
