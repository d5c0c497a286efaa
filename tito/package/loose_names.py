"""Names that exported code uses, but that only a cell outside of the export defines.

Such code works in the notebook, where all cells share their names, and fails in the package.
"""

from __future__ import annotations

import ast
import builtins
import symtable
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tito.literate.cells import Cell
from tito.literate.errors import SourceError
from tito.literate.syntax import bindings, first_use
from tito.package.exporter import exported_cells

BUILTIN = {*dir(builtins), "__name__", "__file__", "__doc__", "__package__", "__spec__"}
FUTURE = "from __future__ import annotations\n"


@dataclass(frozen=True)
class Use:
    """A scope of a cell, from `line` on, takes `name` from its module."""

    cell: Cell
    name: str
    line: int


@dataclass(frozen=True)
class LooseName:
    """A name used in an exported cell and bound only in a cell that is not exported to its file."""

    name: str
    use: str  # the place where exported code first uses it
    binding: str  # the place where the other cell binds it
    binding_cell: Cell


def loose_names(cells: Sequence[Cell], targets: Sequence[str], origin: str) -> list[LooseName]:
    """Return every loose name of a module's cells, in the order of their uses.

    Raises SourceError as `export_files` does.
    """
    exported = exported_cells(cells, targets, origin)
    return [
        finding
        for target in targets
        for finding in _loose_in([cell for cell, to in exported if to == target], cells)
    ]


def _loose_in(own: Sequence[Cell], cells: Sequence[Cell]) -> Iterator[LooseName]:
    """The loose names of one file, whose cells are `own`."""
    uses = _foreign_uses(own)
    if not uses:
        return
    elsewhere = _bindings_of([cell for cell in cells if cell.kind == "code" and cell not in own])
    for use in uses:
        if use.name in elsewhere:
            other, bound = elsewhere.pop(use.name)
            line = first_use(use.cell.tree, use.name, use.line)
            yield LooseName(use.name, use.cell.place(line), other.place(bound), other)


def _foreign_uses(own: Sequence[Cell]) -> list[Use]:
    """The uses of names that neither these cells nor Python itself bind."""
    postponed = any(map(_postpones, own))
    known = set(BUILTIN)
    uses = []
    for cell in own:
        known.update(name for name, _ in bindings(cell.tree))
        for symbol, line in _globals(cell, postponed):
            if symbol.is_declared_global() and symbol.is_assigned():
                known.add(symbol.get_name())
            elif symbol.is_referenced() and not symbol.is_assigned():
                uses.append(Use(cell, symbol.get_name(), line))
    if "*" in known:  # from somewhere import *: reading cannot tell what that binds
        return []
    return [use for use in uses if use.name not in known]


def _bindings_of(cells: Sequence[Cell]) -> dict[str, tuple[Cell, int]]:
    """Name → (cell, line) of its first binding; cells that are no Python bind nothing."""
    found: dict[str, tuple[Cell, int]] = {}
    for cell in cells:
        try:
            for name, line in bindings(cell.tree):
                found.setdefault(name, (cell, line))
        except SourceError:
            continue
    return found


def _postpones(cell: Cell) -> bool:
    """Whether the cell makes names in annotations no uses, for its whole file."""
    return any(
        isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in cell.tree.body
    )


def _globals(cell: Cell, postponed: bool) -> Iterator[tuple[symtable.Symbol, int]]:
    """(symbol, first line of its scope) of each name of the module that each scope names.

    Scopes of annotations are left out: Python does not read those unless it is asked to.
    """
    head = FUTURE if postponed and not _postpones(cell) else "\n"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        waiting = [symtable.symtable(head + cell.code, "", "exec")]
    while waiting:
        table = waiting.pop()
        if table.get_type() != "annotation":
            line = table.get_lineno() - 1  # `head` is a line of its own
            yield from ((s, line) for s in table.get_symbols() if s.is_global())
            waiting.extend(reversed(table.get_children()))
