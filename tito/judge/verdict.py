"""From what happened while a test ran to what the learner is told."""

from __future__ import annotations

import ast
import traceback
from dataclasses import replace

from tito.curriculum.percent import Cell
from tito.judge.checks import STUB, CheckFailed
from tito.judge.link import RemoteError
from tito.judge.process import GuestLost
from tito.judge.report import Failure
from tito.judge.session import LoadFault
from tito.judge.values import shorten, strip_addresses

MISSING_NAMES = (NameError, AttributeError, ImportError)
MESSAGE_SHOWN = 600  # characters
Cells = dict[int, Cell]


def from_exception(
    error: BaseException, cell: Cell, cells: Cells, text: str = "", position: int = -1
) -> Failure:
    """The failure that an exception of a test describes.

    ``cell`` is the exercise's own cell, ``cells`` all of the learner's by index, ``text`` the test
    cell's source, ``position`` the last check that was reached.
    """
    if isinstance(error, CheckFailed):
        return _from_check(error, cell)
    if isinstance(error, GuestLost):
        return replace(_from_loss(error, cell, cells, position), given=_asked(error, text))
    return _from_error(error, cell, cells, text, position)


def _from_check(error: CheckFailed, cell: Cell) -> Failure:
    line = _first_definition(cell.source)
    return Failure(
        kind="check",
        reason=error.reason,
        given=error.given,
        expected=error.expected,
        got=error.got,
        because=error.because,
        where=cell.place(line),
        line_text=line_text(cell, line),
        position=error.position,
        signature=error.signature,
    )


def _from_loss(loss: GuestLost, cell: Cell, cells: Cells, position: int) -> Failure:
    index, line = loss.place or (cell.index, _first_definition(cell.source))
    home = cells.get(index, cell)
    return Failure(
        kind="timeout" if loss.kind == "timeout" else "crash",
        reason=loss.reason,
        where=home.place(line),
        line_text=line_text(home, line),
        fix="Look for a loop that never ends, or for far too much work."
        if loss.kind == "timeout"
        else "",
        position=position,
        signature=loss.kind,
    )


def _from_error(
    error: BaseException, cell: Cell, cells: Cells, text: str, position: int
) -> Failure:
    home, line = _place(error, cell, cells)
    shown = _shown(error)
    return Failure(
        kind="error",
        reason=_reason(error, shown),
        given=_asked(error, text),
        got=shown,
        where=home.place(line),
        line_text=line_text(home, line),
        position=position,
        signature=strip_addresses(shown),
    )


def _shown(error: BaseException) -> str:
    """The error as Python prints it: "ValueError: shapes differ"."""
    name = getattr(error, "type_name", type(error).__name__)
    message = shorten(str(error), MESSAGE_SHOWN)
    return f"{name}: {message}" if message else str(name)


def _reason(error: BaseException, shown: str) -> str:
    remote = isinstance(error, RemoteError)
    unsolved = STUB.match(str(error)) if isinstance(error, NotImplementedError) else None
    if unsolved:
        return f"This needs the exercise {unsolved[1]}, which is not solved yet."
    if isinstance(error, NameError) and not remote:
        return f"The test needs {error.name!r}, which the cells of your file do not define."
    if isinstance(error, RemoteError) and error.type_name == "TooLarge":
        return f"The result cannot be used: it is {error}."
    if isinstance(error, MemoryError):
        return f"Your code needs more memory than it may use ({shown})."
    return _sentence(f"{'Your code raised' if remote else 'The result cannot be used:'} {shown}")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _place(error: BaseException, cell: Cell, cells: Cells) -> tuple[Cell, int]:
    """The innermost line of the learner's cells that the error passed through."""
    for index, line in reversed(getattr(error, "frames", ())):
        if index in cells:
            return cells[index], line
    return cell, _first_definition(cell.source)


def _asked(error: BaseException, text: str) -> str:
    """The expression of the test that was running: what the learner's code was asked to do."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.startswith("<test "):
            return shorten(_expression(frame, text))
    return ""


def _expression(frame: traceback.FrameSummary, text: str) -> str:
    """The part of the text that a frame stands at; columns count bytes."""
    places = frame.lineno, frame.end_lineno, frame.colno, frame.end_colno
    if None in places:
        return ""
    first, last, start, stop = (int(place or 0) for place in places)
    lines = [line.encode() for line in text.splitlines()[first - 1 : last]]
    if not lines:
        return ""
    lines[-1] = lines[-1][:stop]
    lines[0] = lines[0][start:]
    return b"\n".join(lines).decode("utf-8", "replace")


def from_fault(fault: LoadFault, cells: Cells) -> Failure:
    """The failure of a cell that could not be run at all."""
    cell, error = fault.cell, fault.error
    if isinstance(error, SyntaxError):
        return _from_syntax(error, cell, cells)
    failure = from_exception(error, cell, cells)
    if isinstance(error, (GuestLost, NotImplementedError)):
        return failure
    return replace(failure, reason=_sentence(f"The cell stops when it is run: {failure.got}"))


def consequence(fault: LoadFault, cells: Cells) -> Failure:
    """The failure of an exercise whose test lacks what another, broken cell should define."""
    root = from_fault(fault, cells)
    name = f"the cell of exercise {fault.cell.grade_id}" if fault.cell.is_exercise else "a cell"
    return replace(root, reason=f"This needs {name} that cannot be run. {root.reason}")


def has_stub(cell: Cell) -> bool:
    """Whether a cell still holds the line that stands for an unsolved exercise."""
    return bool(STUB.search(cell.source))


def not_started(cell: Cell) -> Failure:
    """The exercise is as the learner received it, or half done."""
    lines = cell.source.splitlines()
    line = next((number for number, text in enumerate(lines, 1) if STUB.search(text)), 1)
    return Failure(
        kind="error",
        reason="This exercise is not solved yet.",
        where=cell.place(line),
        line_text=line_text(cell, line),
        fix="Write your code where the cell says YOUR CODE HERE, in place of the raise line.",
        signature="not started",
    )


def _from_syntax(error: SyntaxError, cell: Cell, cells: Cells) -> Failure:
    home, line = _place(error, cell, cells)
    return Failure(
        kind="syntax",
        reason=f"Python cannot read this cell: {shorten(str(error))}.",
        where=home.place(line),
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
    places = " and ".join(cell.place() for cell in cells)
    return Failure(
        kind="duplicate",
        reason=f"The cell of exercise {exercise_id} stands {len(cells)} times: {places}.",
        where=cells[1].place(),
        line_text=line_text(cells[1], _first_definition(cells[1].source)),
        fix="Keep the one with your solution and delete the other.",
        signature="duplicate",
    )


def not_judged(deaths: int, cell: Cell) -> Failure:
    """So many guests died that this exercise was not tried."""
    return Failure(
        kind="crash",
        reason=f"Not judged: the exercises before it stopped the judge {deaths} times.",
        where=cell.place(),
        fix="Solve the failures above first.",
        signature="not judged",
    )


def line_text(cell: Cell, line: int) -> str:
    """The text of one line of a cell, without its indent; empty if there is no such line."""
    lines = cell.source.splitlines()
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""


def _first_definition(source: str) -> int:
    """The line of the first `def` of a cell, or its first line."""
    try:
        nodes = [n.lineno for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 1
    return min(nodes, default=1)
