"""Solution regions: find them, empty them, put something else in their place."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from tito.curriculum.manifest import Module
from tito.literate.errors import SourceError
from tito.literate.percent import Cell

BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"
NOT_SOLVED = "is not solved yet"


@dataclass(frozen=True)
class Region:
    """Lines `start`..`stop` of a cell (0-based, markers included), indented by `indent`."""

    start: int
    stop: int
    indent: str


def regions(cell: Cell) -> list[Region]:
    """Return the solution regions of an exercise cell, in order.

    Raises SourceError when markers do not pair, or a region stands outside a function
    (its stub would then raise while the module is imported).
    """
    found: list[Region] = []
    start: int | None = None
    for number, line in enumerate(cell.source.splitlines()):
        mark = line.strip()
        if mark == BEGIN and start is None:
            start = number
        elif mark == END and start is not None:
            found.append(Region(start, number, _indent(cell, line, number)))
            start = None
        elif mark in (BEGIN, END):
            raise SourceError(cell.place(number + 1), f"{mark!r} without its partner.")
    if start is not None:
        raise SourceError(cell.place(start + 1), f"{BEGIN!r} is never closed.")
    return found


def _indent(cell: Cell, line: str, number: int) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    if not indent:
        raise SourceError(cell.place(number + 1), "a solution region must stand inside a function.")
    return indent


def stub(cell: Cell, module: Module) -> str:
    """The cell as a learner receives it: every region raises NotImplementedError by name."""
    message = f"Exercise {cell.grade_id} ({module.label}) {NOT_SOLVED}."
    return fill(cell, f'# YOUR CODE HERE\nraise NotImplementedError("{message}")')


def fill(cell: Cell, body: str) -> str:
    """The cell with `body` (dedented) in place of every solution region."""
    lines = cell.source.splitlines()
    for region in reversed(regions(cell)):
        block = textwrap.indent(textwrap.dedent(body).strip("\n"), region.indent)
        lines[region.start : region.stop + 1] = block.splitlines()
    return "\n".join(lines)


def solution_lines(cell: Cell) -> list[str]:
    """The lines inside the cell's regions, stripped of their indent."""
    lines = cell.source.splitlines()
    inside = [lines[r.start + 1 : r.stop] for r in regions(cell)]
    return [line.strip() for block in inside for line in block]


def without_markers(source: str) -> str:
    """The source with the marker lines taken out, as it goes into the package."""
    kept = [line for line in source.splitlines() if line.strip() not in (BEGIN, END)]
    return "\n".join(kept)
