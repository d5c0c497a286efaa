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
    known = {name for cell in own for name in _bound(cell)} | BUILTIN
    if "*" in known:  # from somewhere import *: reading cannot tell what that binds
        return
    postponed = any(map(_postpones, own))
    elsewhere = _bindings_of([cell for cell in cells if cell.kind == "code" and cell not in own])
    for cell in own:
        for name, line in _uses(cell, postponed).items():
            if name not in known and name in elsewhere:
                known.add(name)
                other, bound = elsewhere[name]
                yield LooseName(name, cell.place(line), other.place(bound), other)


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


def _bound(cell: Cell) -> set[str]:
    """The names that a cell gives its module: at top level, or by `global` in a function."""
    found = {name for name, _ in bindings(cell.tree)}
    symbols = [symbol for table in _tables(cell) for symbol in table.get_symbols()]
    return found | {s.get_name() for s in symbols if s.is_declared_global() and s.is_assigned()}


def _uses(cell: Cell, postponed: bool) -> dict[str, int]:
    """The names a cell takes from its module or the builtins → the first line that does so."""
    tree = cell.tree
    found: dict[str, int] = {}
    for table in _tables(cell, FUTURE if postponed and not _postpones(cell) else "\n"):
        for symbol in table.get_symbols():
            if symbol.is_referenced() and symbol.is_global():
                name = symbol.get_name()
                found.setdefault(name, first_use(tree, name, table.get_lineno() - 1))
    return found


def _postpones(cell: Cell) -> bool:
    """Whether the cell makes names in annotations no uses, for its whole file."""
    return any(
        isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in cell.tree.body
    )


def _tables(cell: Cell, head: str = "\n") -> list[symtable.SymbolTable]:
    """The symbol tables of a cell below the line `head`, outer ones first.

    Those of annotations are left out: Python does not read annotations unless it is asked to.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        waiting = [symtable.symtable(head + cell.code, "", "exec")]
    found = []
    while waiting:
        table = waiting.pop()
        if table.get_type() != "annotation":
            found.append(table)
            waiting.extend(reversed(table.get_children()))
    return found
