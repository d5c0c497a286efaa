"""Solution regions: find them, empty them, put something else in their place.

    ### BEGIN SOLUTION
    total = total + x
    ### END SOLUTION

A learner receives an error there that names the exercise. In a bug hunt, they receive the broken
lines that stand, as comments, in a region of their own right above:

    ### BEGIN BROKEN
    # total = total * x
    ### END BROKEN
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tito.literate.cells import Cell
from tito.literate.errors import SourceError
from tito.messages.stub import stub_text

BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"
BEGIN_BROKEN = "### BEGIN BROKEN"
END_BROKEN = "### END BROKEN"
PARTNER = {BEGIN: END, BEGIN_BROKEN: END_BROKEN}
MARKS = {*PARTNER, *PARTNER.values()}


@dataclass(frozen=True)
class Region:
    """Lines `start`..`stop` of a cell (0-based, markers included), indented by `indent`."""

    start: int
    stop: int
    indent: str
    begin: int  # the line that begins the solution: `start`, unless a broken part comes first
    broken: str | None = None  # a bug hunt's code to repair, dedented

    def solution(self, lines: Sequence[str]) -> Sequence[str]:
        """The lines of the solution itself, out of the cell's `lines`."""
        return lines[self.begin + 1 : self.stop]


def regions(cell: Cell) -> list[Region]:
    """Return the solution regions of an exercise cell, in order.

    Raises SourceError when markers do not pair, when a region stands outside a function (its
    stub would then raise while the module is imported), or when a broken part is no comment or
    is not followed by its solution.
    """
    found = []
    broken: tuple[int, str] | None = None
    blocks = list(_blocks(cell))
    for number, (mark, start, stop) in enumerate(blocks):
        indent = _indent(cell, stop)
        if mark == BEGIN_BROKEN:
            _check_followed(cell, start, stop, blocks[number + 1 :])
            broken = start, _broken(cell, start, stop)
        else:
            first, code = broken or (start, None)
            found.append(Region(first, stop, indent, start, code))
            broken = None
    return found


def _blocks(cell: Cell) -> Iterator[tuple[str, int, int]]:
    """(opening mark, its line, its partner's line) for every pair of marks."""
    opened: tuple[str, int] | None = None
    for number, line in enumerate(cell.lines):
        mark = line.strip()
        if mark in PARTNER and opened is None:
            opened = (mark, number)
        elif opened and mark == PARTNER[opened[0]]:
            yield (*opened, number)
            opened = None
        elif mark in MARKS:
            raise SourceError(cell.place(number + 1), f"{mark!r} without its partner.")
    if opened:
        raise SourceError(cell.place(opened[1] + 1), f"{opened[0]!r} is never closed.")


def _indent(cell: Cell, number: int) -> str:
    line = cell.lines[number]
    indent = line[: len(line) - len(line.lstrip())]
    if not indent:
        raise SourceError(cell.place(number + 1), "a solution region must stand inside a function.")
    return indent


def _check_followed(
    cell: Cell, start: int, stop: int, later: Sequence[tuple[str, int, int]]
) -> None:
    """A broken part stands directly above its solution, with nothing but blank lines between."""
    follows = later and later[0][0] == BEGIN
    between = cell.lines[stop + 1 : later[0][1]] if follows else []
    if not follows or any(line.strip() for line in between):
        raise SourceError(
            cell.place(start + 1), f"{BEGIN_BROKEN!r} is not followed by its {BEGIN!r}."
        )


def _broken(cell: Cell, start: int, stop: int) -> str:
    """The broken lines without the comment marks, dedented."""
    code = []
    for number, line in enumerate(cell.lines[start + 1 : stop], start=start + 2):
        text = line.strip()
        if text and not text.startswith("#"):
            raise SourceError(
                cell.place(number), "a line of a broken part must be a comment: '# code'."
            )
        code.append(text.removeprefix("#").removeprefix(" "))
    return "\n".join(code)


def stub(cell: Cell, label: str) -> str:
    """The cell as a learner receives it.

    Every region raises NotImplementedError with the exercise's name and the module's `label`,
    such as "Module 01 (Tensor)"; in a bug hunt it holds the broken lines.
    """
    message = stub_text(cell.grade_id or "", label)
    todo = f'# YOUR CODE HERE\nraise NotImplementedError("{message}")'
    found = regions(cell)
    return _filled(cell, found, [todo if r.broken is None else r.broken for r in found])


def fill(cell: Cell, body: str) -> str:
    """The cell with `body` (dedented) in place of every solution region."""
    found = regions(cell)
    return _filled(cell, found, [body] * len(found))


def _filled(cell: Cell, found: Sequence[Region], bodies: Sequence[str]) -> str:
    lines = cell.lines
    for region, body in reversed(list(zip(found, bodies, strict=True))):
        block = textwrap.indent(textwrap.dedent(body).strip("\n"), region.indent)
        lines[region.start : region.stop + 1] = block.split("\n")
    return "\n".join(lines).rstrip("\n")


def solution_lines(cell: Cell) -> list[str]:
    """The lines inside the cell's solutions, stripped of their indent."""
    return [line.strip() for region in regions(cell) for line in region.solution(cell.lines)]


def broken_lines(cell: Cell) -> list[str]:
    """The lines of a bug hunt's broken parts, which the learner receives, without indent."""
    parts = (region.broken or "" for region in regions(cell))
    return [line.strip() for part in parts for line in part.split("\n")]


def without_markers(source: str) -> str:
    """The source without marker lines and broken parts, as it goes into the package."""
    kept = []
    skipping = False
    for line in source.split("\n"):
        mark = line.strip()
        skipping = mark == BEGIN_BROKEN or (skipping and mark != END_BROKEN)
        if not skipping and mark not in MARKS:
            kept.append(line)
    return "\n".join(kept)
