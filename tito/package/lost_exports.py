"""Cells that the reference exports, and whose `#| export` is gone from a learner's file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tito.literate.cells import Cell


@dataclass(frozen=True)
class LostExport:
    """A learner's cell that should be exported; `directive` is the line that is missing."""

    cell: Cell
    place: str
    directive: str


def lost_exports(cells: Sequence[Cell], reference: Sequence[Cell]) -> list[LostExport]:
    """Return the cells of a learner's file that have lost the reference's `#| export`.

    Exercises are known by their ids; other cells, such as imports, by their code.
    """
    by_id = {cell.grade_id: cell for cell in reference if cell.is_export and cell.grade_id}
    by_code = {_code(cell): cell for cell in reference if cell.is_export and not cell.grade_id}
    found = []
    for cell in cells:
        model = by_id.get(cell.grade_id) if cell.grade_id else by_code.get(_code(cell))
        if model and cell.kind == "code" and _export(cell) != _export(model):
            found.append(LostExport(cell, cell.place(), f"#| export {_export(model)}".rstrip()))
    return found


def _export(cell: Cell) -> str | None:
    """The target that the cell names; empty for the module's main file."""
    return cell.directives.get("export")


def _code(cell: Cell) -> str:
    directives = {number for number, _, _ in cell.directive_lines}
    kept = (line for number, line in enumerate(cell.lines, 1) if number not in directives)
    return "\n".join(kept).strip()
