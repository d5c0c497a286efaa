"""Turn a module's export cells into one file of the package (nbdev's directive syntax)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from tito.curriculum.manifest import Module
from tito.literate.errors import SourceError
from tito.literate.percent import DIRECTIVE, Cell
from tito.literate.solutions import without_markers

KNOWN = {"default_exp", "export"}
HEADER = "# Built by tito from {folder}. Do not edit: change the module, then export it again.\n"
FUTURE = re.compile(r"^from __future__ import .*$\n?", re.MULTILINE)


def export_source(cells: list[Cell], module: Module, origin: str = "") -> str:
    """Return the text of the package file that `cells` export.

    The text depends on nothing but the cells. Raises SourceError with file:line for a
    misplaced or unknown directive, a wrong target, or a syntax error.
    """
    _check_target(cells, module, origin)
    exported = [cell for cell in cells if _checked(cell).is_export]
    if not exported:
        raise SourceError(origin, "no cell begins with '#| export'; there is nothing to export.")
    names = [name for cell in exported for name in public_names(parse(cell))]
    bodies = [_body(cell) for cell in exported]
    future = "".join(sorted({line for body in bodies for line in FUTURE.findall(body)}))
    head = HEADER.format(folder=module.folder) + future + _dunder_all(names)
    text = "\n\n\n".join(FUTURE.sub("", body).strip("\n") for body in bodies)
    return f"{head}\n{text}\n"


def _check_target(cells: list[Cell], module: Module, origin: str) -> None:
    declared = [cell for cell in cells if cell.is_default_exp]
    if len(declared) != 1:
        raise SourceError(
            declared[1].place() if declared else origin,
            f"expected one '#| default_exp {module.target}' cell, found {len(declared)}.",
        )
    target = declared[0].directives["default_exp"]
    if target != module.target:
        raise SourceError(
            declared[0].place(),
            f"default_exp is {target!r}; {module.label} exports to {module.target!r}.",
        )


def _checked(cell: Cell) -> Cell:
    """The cell itself, once every directive in it is known and stands at the top."""
    if cell.kind != "code":
        return cell
    at_top = len(cell.directives)
    for number, line in enumerate(cell.source.splitlines(), start=1):
        match = DIRECTIVE.match(line)
        if match and match[1] not in KNOWN:
            raise SourceError(cell.place(number), f"unknown directive {line!r}.")
        if match:
            at_top -= 1
        if match and at_top < 0:
            raise SourceError(
                cell.place(number), f"directive {line!r} must stand at the top of its cell, once."
            )
    return cell


def parse(cell: Cell) -> ast.Module:
    """The cell's syntax tree; a syntax error becomes a SourceError with its place."""
    try:
        return ast.parse(cell.source)
    except SyntaxError as error:
        line = error.lineno or 1
        shown = (error.text or "").strip()
        raise SourceError(cell.place(line), f"syntax error: {error.msg}: {shown}") from error


def public_names(tree: ast.Module) -> list[str]:
    """Names that a cell defines at its top level, without the underscored ones and imports."""
    found = [name for statement in tree.body for name in _defined(statement)]
    return [name for name in found if not name.startswith("_")]


def _defined(statement: ast.stmt) -> Iterable[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case _:
            return []


def _body(cell: Cell) -> str:
    lines = without_markers(cell.source).splitlines()
    return "\n".join(line for line in lines if not DIRECTIVE.match(line)).strip("\n")


def _dunder_all(names: list[str]) -> str:
    unique = list(dict.fromkeys(names))
    listed = "".join(f'    "{name}",\n' for name in unique)
    return f"\n__all__ = [\n{listed}]\n"
