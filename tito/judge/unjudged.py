"""What is told of an exercise without its test: it is not there, not written, or cannot be run."""

from __future__ import annotations

from dataclasses import replace

from tito.judge.locations import (
    enclosing,
    exercise_line,
    line_text,
    parts,
    parts_left,
    stub_line,
    where,
)
from tito.judge.report import Failure
from tito.literate.cells import Cell
from tito.messages import Message

WRITE_HERE = Message("judge.write_here")


def consequence(cell: Cell, root: Failure) -> Failure:
    """The failure of an exercise whose test lacks what another cell should define.

    ``root`` is why that cell is not run.
    """
    if root.kind == "earlier module":
        return root
    name = cell.grade_id if cell.is_exercise else None
    part = Message("judge.cell_of", exercise=name) if name else Message("judge.a_cell")
    return replace(root, reason=Message("judge.needs_cell", cell=part, reason=root.reason))


def not_started(cell: Cell) -> Failure:
    """The exercise is as the learner received it."""
    if cell.exercise_kind == "bug hunt":
        return _unchanged_hunt(cell)
    line = stub_line(cell)
    return Failure(
        kind="error",
        reason=Message("judge.not_solved"),
        where=where(cell, line),
        line_text=line_text(cell, line),
        fix=WRITE_HERE,
        signature="not started",
    )


def _unchanged_hunt(cell: Cell) -> Failure:
    """A broken program that nobody has mended yet."""
    return Failure(
        kind="error",
        reason=Message("judge.hunt_unchanged"),
        where=where(cell),
        fix=Message("judge.see_symptom"),
        signature="not started",
    )


def half_done(error: BaseException, cell: Cell, reference: Cell, own: Failure) -> Failure:
    """A part of the exercise is written, another raised the error; ``own`` is its plain failure."""
    lines = [line for index, line in getattr(error, "frames", ()) if index == cell.index]
    line = lines[-1] if lines else stub_line(cell)
    return replace(
        own,
        kind="stub",
        reason=_part_missing(cell, reference, line),
        got="",
        hint="",
        where=where(cell, line),
        line_text=line_text(cell, line),
        fix=WRITE_HERE,
    )


def _part_missing(cell: Cell, reference: Cell, line: int | None) -> Message:
    """Which parts are written and which are not, else in which of them the error was raised."""
    left = parts_left(cell)
    written = [name for name in parts(reference) if name not in left]
    if left and written:
        names = {"written": ", ".join(written), "left": ", ".join(left)}
        return Message("judge.parts_missing", **names)
    part = enclosing(cell.source, line) if line else ""
    return Message("judge.part_missing_in", part=part) if part else Message("judge.part_missing")


def missing(exercise_id: str, origin: str, module_id: str) -> Failure:
    """The exercise's cell is not in the learner's file."""
    return Failure(
        kind="missing",
        reason=Message("judge.missing", exercise=exercise_id),
        where=origin,
        fix=Message("judge.bring_back", exercise=exercise_id, module=module_id),
        signature="missing",
    )


def duplicate(exercise_id: str, cells: list[Cell]) -> Failure:
    """The exercise's cell stands more than once in the learner's file."""
    places = ", ".join(where(cell) for cell in cells)
    return Failure(
        kind="duplicate",
        reason=Message("judge.twice", exercise=exercise_id, count=len(cells), places=places),
        where=where(cells[1]),
        fix=Message("judge.keep_one"),
        signature="duplicate",
    )


def not_judged(deaths: int, cell: Cell) -> Failure:
    """So many guests died that this exercise was not tried."""
    return Failure(
        kind="crash",
        reason=Message("judge.not_judged", count=deaths),
        where=where(cell),
        fix=Message("judge.solve_above"),
        signature="not judged",
    )


def hidden(exercise_id: str, cell: Cell, reference: Cell) -> Failure:
    """A test that the learner does not see fails: nothing of what it asks is told."""
    line = exercise_line(cell, reference)
    return Failure(
        kind="hidden",
        reason=Message("judge.hidden", exercise=exercise_id),
        where=where(cell, line),
        line_text=line_text(cell, line),
        fix=Message("judge.read_contract"),
        signature="hidden",
    )
