"""From what happened while a test ran to what the learner is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tito.checks.check import STUB, CheckFailed
from tito.checks.values import shorten, strip_addresses
from tito.judge.failing_check import failing_check
from tito.judge.locations import enclosing, exercise_line, line_text, stub_line, where
from tito.judge.report import Failure
from tito.judge.session import LoadFault
from tito.literate.cells import Cell
from tito.sandbox.host.client import RemoteError
from tito.sandbox.host.process import GuestLost

MISSING_NAMES = (NameError, AttributeError, ImportError)
MESSAGE_SHOWN = 600  # characters
WRITE_HERE = "Write your code where the cell says YOUR CODE HERE, in place of the raise line."
Cells = dict[int, Cell]


def of_test(
    error: BaseException,
    cell: Cell,
    cells: Cells,
    reference: Cell,
    texts: Mapping[str, str],
    position: int,
) -> Failure:
    """The failure that an exception of a test describes.

    ``cell`` is the exercise's own cell, ``cells`` all of the learner's by index, ``reference`` the
    curriculum's cell, ``texts`` the source of each test cell by file name, ``position`` the last
    check that was reached.
    """
    line = exercise_line(cell, reference)
    if isinstance(error, CheckFailed):
        return _from_check(error, cell, line)
    given, because = failing_check(error, texts)
    failure = replace(_from_raised(error, cell, cells, line), position=position)
    return replace(failure, given=given, because=because)


def _from_raised(
    error: BaseException, cell: Cell, cells: Cells, line: int | None = None
) -> Failure:
    """The failure of code that raised; ``line`` of ``cell`` is named if nothing better is known."""
    if isinstance(error, GuestLost):
        return _from_loss(error, cell, cells, line)
    return _from_error(error, cell, cells, line)


def _from_check(error: CheckFailed, cell: Cell, line: int | None) -> Failure:
    return Failure(
        kind="check",
        reason=str(error.reason),
        given=error.given,
        expected=str(error.expected),
        got=str(error.got),
        because=error.because,
        where=where(cell, line),
        line_text=line_text(cell, line),
        position=error.position,
        signature=error.signature,
    )


def _from_loss(loss: GuestLost, cell: Cell, cells: Cells, known: int | None) -> Failure:
    index, line = loss.place or (cell.index, known)
    home = cells.get(index, cell)
    return Failure(
        kind="timeout" if loss.kind == "timeout" else "crash",
        reason=loss.reason,
        where=where(home, line),
        line_text=line_text(home, line),
        fix="Look for a loop that never ends, or for far too much work."
        if loss.kind == "timeout"
        else "",
        signature=loss.kind,
    )


def _from_error(error: BaseException, cell: Cell, cells: Cells, known: int | None) -> Failure:
    home, line = _place(error, cell, cells, known)
    shown = _shown(error)
    return Failure(
        kind="error",
        reason=_reason(error, shown),
        got=shown,
        where=where(home, line),
        line_text=line_text(home, line),
        signature=strip_addresses(shown),
    )


def _shown(error: BaseException) -> str:
    """The error as Python prints it: "ValueError: shapes differ"."""
    name = getattr(error, "type_name", type(error).__name__)
    message = shorten(str(error), MESSAGE_SHOWN)
    return f"{name}: {message}" if message else str(name)


def _reason(error: BaseException, shown: str) -> str:
    remote = isinstance(error, RemoteError)
    if unsolved(error):
        return f"This needs the exercise {unsolved(error)}, which is not solved yet."
    if isinstance(error, NameError) and not remote:
        return f"The test needs {error.name!r}, which the cells of your file do not define."
    if isinstance(error, RemoteError) and error.type_name == "TooLarge":
        return f"The result cannot be used: it is {error}."
    if isinstance(error, MemoryError):
        return f"Your code needs more memory than it may use ({shown})."
    return _sentence(f"{'Your code raised' if remote else 'The result cannot be used:'} {shown}")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _place(
    error: BaseException, cell: Cell, cells: Cells, known: int | None = None
) -> tuple[Cell, int | None]:
    """The innermost line of the learner's cells that the error passed through; else the known."""
    for index, line in reversed(getattr(error, "frames", ())):
        if index in cells:
            return cells[index], line
    return cell, known


def from_fault(fault: LoadFault, cells: Cells) -> Failure:
    """The failure of a cell that could not be run at all."""
    cell, error = fault.cell, fault.error
    if isinstance(error, SyntaxError):
        return _from_syntax(error, cell, cells)
    failure = _from_raised(error, cell, cells)
    if isinstance(error, (GuestLost, NotImplementedError)):
        return failure
    return replace(failure, reason=_sentence(f"The cell stops when it is run: {failure.got}"))


def consequence(fault: LoadFault, cells: Cells) -> Failure:
    """The failure of an exercise whose test lacks what another, broken cell should define."""
    root = from_fault(fault, cells)
    name = f"the cell of exercise {fault.cell.grade_id}" if fault.cell.is_exercise else "a cell"
    return replace(root, reason=f"This needs {name} that cannot be run. {root.reason}")


def unsolved(error: BaseException) -> str:
    """The exercise whose stub raised this error; "" for every other error."""
    stub = STUB.match(str(error)) if isinstance(error, NotImplementedError) else None
    return stub[1] if stub else ""


def not_started(cell: Cell) -> Failure:
    """The exercise is as the learner received it."""
    line = stub_line(cell)
    return Failure(
        kind="error",
        reason="This exercise is not solved yet.",
        where=where(cell, line),
        line_text=line_text(cell, line),
        fix=WRITE_HERE,
        signature="not started",
    )


def half_done(error: BaseException, cell: Cell, own: Failure) -> Failure:
    """A part of the exercise is written, another raised the error; ``own`` is its plain failure."""
    lines = [line for index, line in getattr(error, "frames", ()) if index == cell.index]
    line = lines[-1] if lines else stub_line(cell)
    part = enclosing(cell.source, line) if line else ""
    return replace(
        own,
        reason=f"Part of this exercise is not written yet{f': {part}' if part else ''}.",
        got="",
        where=where(cell, line),
        line_text=line_text(cell, line),
        fix=WRITE_HERE,
    )


def _from_syntax(error: SyntaxError, cell: Cell, cells: Cells) -> Failure:
    home, line = _place(error, cell, cells)
    return Failure(
        kind="syntax",
        reason=f"Python cannot read this cell: {shorten(str(error))}.",
        where=where(home, line),
        line_text=line_text(home, line),
        fix="Run the cell in your notebook: the editor marks the place.",
        signature="syntax",
    )


def missing(exercise_id: str, origin: str, module_id: str) -> Failure:
    """The exercise's cell is not in the learner's file."""
    return Failure(
        kind="missing",
        reason=f"The cell of exercise {exercise_id} is not in the file.",
        where=origin,
        fix=f"It was deleted, or an editor dropped its metadata (grade_id {exercise_id!r}). "
        f"Undo that, or get a fresh copy (tito module reset {module_id}; yours is kept as a "
        "backup) and paste your work into it.",
        signature="missing",
    )


def duplicate(exercise_id: str, cells: list[Cell]) -> Failure:
    """The exercise's cell stands more than once in the learner's file."""
    places = " and ".join(where(cell) for cell in cells)
    return Failure(
        kind="duplicate",
        reason=f"The cell of exercise {exercise_id} stands {len(cells)} times: {places}.",
        where=where(cells[1]),
        fix="Keep the one with your solution and delete the other.",
        signature="duplicate",
    )


def not_judged(deaths: int, cell: Cell) -> Failure:
    """So many guests died that this exercise was not tried."""
    return Failure(
        kind="crash",
        reason=f"Not judged: the exercises before it stopped the judge {deaths} times.",
        where=where(cell),
        fix="Solve the failures above first.",
        signature="not judged",
    )
