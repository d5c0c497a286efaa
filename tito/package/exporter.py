"""Turn a module's export cells into files of the package (nbdev's directive syntax)."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from tito.literate.cells import DIRECTIVES, Cell, read_directive
from tito.literate.errors import SourceError
from tito.literate.solutions import without_markers
from tito.literate.strings import quoted_lines
from tito.literate.syntax import public_names

HEADER = "# Built by tito from {name}. Do not edit: change the module, then export it again.\n"


def export_files(
    cells: Sequence[Cell], targets: Sequence[str], origin: str, header_name: str
) -> dict[str, str]:
    """Return target → text of each file that `cells` export.

    Args:
        cells: a module's, from its literate file or a learner's notebook.
        targets: the files the module makes, such as "core.tensor"; the first is the one that its
            `#| default_exp` names, the others are named by `#| export core.other`.
        origin: the file the cells come from, for messages.
        header_name: what the files' first line says they are built from.

    The texts depend on nothing but the cells and `header_name`. Raises SourceError with its
    place for a misplaced or unknown directive, a wrong target, a target that no cell exports to,
    and code that does not compile.
    """
    exported = exported_cells(cells, targets, origin)
    return {
        target: _file([cell for cell, to in exported if to == target], header_name)
        for target in targets
    }


def exported_cells(
    cells: Sequence[Cell], targets: Sequence[str], origin: str
) -> list[tuple[Cell, str]]:
    """Return (cell, target) of each cell that goes into the package, in order."""
    _check_default(cells, targets[0], origin)
    for cell in cells:
        _check_directives(cell)
    found = [(cell, _target(cell, targets)) for cell in cells if cell.is_export]
    missing = [target for target in targets if target not in {to for _, to in found}]
    if missing:
        directive = "#| export" if missing[0] == targets[0] else f"#| export {missing[0]}"
        raise SourceError(
            origin,
            f"no cell begins with {directive!r}; there is nothing to export to {missing[0]}.",
            f"Write {directive} as the first line of each cell that belongs to the package.",
        )
    return found


def _check_default(cells: Sequence[Cell], default: str, origin: str) -> None:
    declared = [cell for cell in cells if cell.is_default_exp]
    if len(declared) != 1:
        raise SourceError(
            declared[1].place() if declared else origin,
            f"expected one '#| default_exp {default}' cell, found {len(declared)}.",
        )
    target = declared[0].directives["default_exp"]
    if target != default:
        raise SourceError(
            declared[0].place(),
            f"default_exp is {target!r}; this module exports to {default!r}.",
        )


def _check_directives(cell: Cell) -> None:
    """Every directive is known, stands at the top of its cell, and stands there once."""
    if cell.kind != "code" or "|" not in cell.source:
        return
    seen: set[str] = set()
    for number, name, _ in cell.directive_lines:
        line = cell.lines[number - 1]
        if name not in DIRECTIVES:
            raise SourceError(
                cell.place(number),
                f"unknown directive {line!r}; expected '#| export' or '#| default_exp …'.",
            )
        if name in seen:
            raise SourceError(cell.place(number), f"directive {line!r} stands here twice.")
        seen.add(name)
    _check_misplaced(cell)


def _check_misplaced(cell: Cell) -> None:
    at_top = {number for number, _, _ in cell.directive_lines}
    quoted = quoted_lines(cell.lines)
    for number, line in enumerate(cell.lines, start=1):
        name, _ = read_directive(line) or ("", "")
        if name in DIRECTIVES and number not in at_top and number - 1 not in quoted:
            raise SourceError(
                cell.place(number),
                f"directive {line!r} must stand at the top of its cell, before any code.",
            )


def _target(cell: Cell, targets: Sequence[str]) -> str:
    named = cell.directives["export"] or targets[0]
    if named not in targets:
        number = next(n for n, name, _ in cell.directive_lines if name == "export")
        raise SourceError(
            cell.place(number),
            f"this cell exports to {named!r}; this module exports to {', '.join(targets)}.",
        )
    return named


@dataclass(frozen=True)
class _Body:
    """What one cell brings into its file."""

    future: tuple[str, ...]
    names: tuple[str, ...]
    text: str
    title: str = ""  # the docstring that the cell begins with


def _file(cells: Sequence[Cell], header_name: str) -> str:
    bodies = [_body(cell, is_first=cell is cells[0]) for cell in cells]
    future = "".join(sorted({f"{line}\n" for body in bodies for line in body.future}))
    names = dict.fromkeys(name for body in bodies for name in body.names)
    listed = "".join(f'    "{name}",\n' for name in names)
    title = f"{bodies[0].title}\n\n" if bodies[0].title else ""
    head = HEADER.format(name=header_name) + title + future + f"\n__all__ = [\n{listed}]\n"
    texts = [body.text for body in bodies if body.text]
    return head + "\n" + "\n\n\n".join(texts) + "\n"


def _body(cell: Cell, is_first: bool = False) -> _Body:
    """The cell without its directives, markers and imports from `__future__`.

    A docstring that the first cell begins with is the file's own, and goes to the top.
    """
    tree = cell.tree
    lines = cell.code.split("\n")
    for number, _, _ in cell.directive_lines:
        lines[number - 1] = ""
    future = [node for node in tree.body if _is_future(node)]
    for node in future:
        _check_alone(cell, node, tree)
        lines[node.lineno - 1 : node.end_lineno] = [""] * (_last(node) - node.lineno + 1)
    title = ""
    if is_first and ast.get_docstring(tree) is not None:
        first = tree.body[0]
        title = "\n".join(lines[first.lineno - 1 : first.end_lineno])
        lines[first.lineno - 1 : first.end_lineno] = []
    text = without_markers("\n".join(lines)).strip("\n")
    return _Body(tuple(map(ast.unparse, future)), tuple(public_names(tree)), text, title)


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _last(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _check_alone(cell: Cell, node: ast.stmt, tree: ast.Module) -> None:
    """It moves to the file's top, so nothing else may stand on its lines."""
    shared = [
        other
        for other in tree.body
        if other is not node and other.lineno <= _last(node) and _last(other) >= node.lineno
    ]
    if shared:
        raise SourceError(
            cell.place(node.lineno), "an import from __future__ needs a line of its own."
        )
