"""From what happened while a test ran to what the learner is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from tito.checks import CheckFailed
from tito.checks.patterns import error_pattern
from tito.checks.values import sentence, shorten, strip_addresses
from tito.curriculum.exercises import Exercise
from tito.curriculum.modules import Module
from tito.judge.failing_check import failing_check, names_asked
from tito.judge.locations import (
    exercise_line,
    line_text,
    part_line,
    result_line,
    syntax_text,
    where,
    with_places,
)
from tito.judge.report import Failure
from tito.judge.session import LoadFault
from tito.literate.cells import Cell
from tito.messages import Message
from tito.messages.stub import PATTERN as STUB
from tito.sandbox.conversation import GuestLost, RemoteError

MISSING_NAMES = (NameError, AttributeError, ImportError)
MESSAGE_SHOWN = 600  # characters
OWN_RAISE = "pattern.own_raise"
# Reasons of a check that are not about the result of a function.
NO_RESULT = ("check.changed", "check.no_error", "check.other_error", "check.no_mention")


@dataclass(frozen=True)
class Scene:
    """Where the learner's code stands, for finding the line that a failure is about."""

    cells: Mapping[int, Cell]  # the learner's, by index
    passed: Collection[int] = field(default_factory=frozenset)  # those of exercises that pass
    earlier: Mapping[str, Module] = field(default_factory=dict)  # what may be imported, by name

    def place(
        self, error: BaseException, cell: Cell, known: int | None = None
    ) -> tuple[Cell, int | None]:
        """The learner's line that an error blames; the known line of `cell` if there is none.

        That is the innermost line it passed through. An exercise that passes is not accused for
        what others hand to it.
        """
        frames = [(i, line) for i, line in getattr(error, "frames", ()) if i in self.cells]
        suspects = [frame for frame in frames if frame[0] not in self.passed] or frames
        if not suspects:
            return cell, known
        index, line = suspects[-1]
        return self.cells[index], line


def of_test(
    error: BaseException, exercise: Exercise, cell: Cell, scene: Scene, texts: Mapping[str, str]
) -> Failure:
    """The failure that an exception of an exercise's test describes.

    ``cell`` is the exercise's own cell, ``texts`` the source of each test by file name.
    """
    no_result = not isinstance(error, CheckFailed) or error.reason.code in NO_RESULT
    find_line = exercise_line if no_result else result_line
    line = find_line(cell, exercise.cell)
    if line is None:
        line = part_line(cell, exercise.cell, names_asked(error, texts))
    if isinstance(error, CheckFailed):
        return _from_check(error, cell, scene, line)
    given, because = failing_check(error, texts)
    return replace(_from_raised(error, cell, scene, line), given=given, because=because)


def _from_raised(
    error: BaseException, cell: Cell, scene: Scene, line: int | None = None
) -> Failure:
    """The failure of code that raised; ``line`` of ``cell`` is named if nothing better is known."""
    if isinstance(error, GuestLost):
        return _from_loss(error, cell, scene, line)
    return _from_error(error, cell, scene, line)


def _from_check(error: CheckFailed, cell: Cell, scene: Scene, known: int | None = None) -> Failure:
    home, line = scene.place(error, cell, known)
    return Failure(
        kind="check",
        reason=error.reason,
        given=error.given,
        before=error.before,
        after=error.after,
        expected=error.expected,
        got=error.got,
        because=error.because,
        printed=with_places(error.printed, scene.cells),
        where=where(home, line),
        line_text=line_text(home, line),
        hint=error.hint or "",
        position=error.position,
        signature=error.signature,
    )


def _from_loss(loss: GuestLost, cell: Cell, scene: Scene, known: int | None) -> Failure:
    index, line = loss.place or (cell.index, known)
    home = scene.cells.get(index, cell)
    slow = loss.kind in ("timeout", "cpu")
    return Failure(
        kind="timeout" if slow else "crash",
        reason=loss.message,
        where=where(home, line),
        line_text=line_text(home, line),
        fix=Message("judge.look_for_loop") if slow else "",
        signature="slow" if slow else loss.kind,  # by which clock depends on the machine
    )


def _from_error(error: BaseException, cell: Cell, scene: Scene, known: int | None) -> Failure:
    home, line = scene.place(error, cell, known)
    shown = _shown(error)
    module = scene.earlier.get(getattr(error, "importing", ""))
    if module:
        return _from_earlier(module, shown, home, line)
    failure = Failure(
        kind="error",
        reason=_reason(error, shown),
        where=where(home, line),
        line_text=line_text(home, line),
        signature=strip_addresses(shown),
    )
    if unsolved(error):
        return replace(failure, kind="stub", fix=Message("judge.solve_first"))
    found = error_pattern(_name(error), str(error), failure.line_text)
    if found and found.code == OWN_RAISE and home is not cell:
        found = _refused(home, scene)
    return replace(failure, got=shown, hint=found or "")


def _refused(home: Cell, scene: Scene) -> Message | None:
    """What to say of a `raise` that stands in another cell than that of the exercise tested."""
    if not home.is_exercise:
        return None
    if home.index in scene.passed:
        return Message("judge.refused_by_solved", exercise=home.grade_id)
    return Message("judge.refused", exercise=home.grade_id)


def _from_earlier(module: Module, shown: str, home: Cell, line: int | None) -> Failure:
    """The failure of code that imports an earlier module which cannot be imported."""
    return Failure(
        kind="earlier module",
        reason=Message("judge.earlier_module", module=module.label, error=sentence(shown)),
        where=where(home, line),
        line_text=line_text(home, line),
        fix=Message("judge.mend_earlier", module=module.id),
        signature="earlier module",
    )


def _name(error: BaseException) -> str:
    return str(getattr(error, "type_name", type(error).__name__))


def _shown(error: BaseException) -> str:
    """The error as Python prints it: "ValueError: shapes differ"."""
    message = shorten(str(error), MESSAGE_SHOWN)
    return f"{_name(error)}: {message}" if message else _name(error)


def _reason(error: BaseException, shown: str) -> Message:
    if unsolved(error):
        return Message("judge.needs_exercise", exercise=unsolved(error))
    if isinstance(error, NameError) and not isinstance(error, RemoteError):
        return Message("judge.test_needs", name=error.name)
    if isinstance(error, RemoteError) and error.type_name == "TooLarge":
        return Message("judge.too_large", what=error.explained or str(error))
    if isinstance(error, MemoryError):
        return Message("judge.memory", error=shown)
    code = "judge.raised" if isinstance(error, RemoteError) else "judge.unusable"
    return Message(code, error=sentence(shown))


def from_fault(fault: LoadFault, scene: Scene) -> Failure:
    """The failure of a cell that could not be run at all."""
    cell, error = fault.cell, fault.error
    failure = _from_raised(error, cell, scene)
    if failure.kind == "earlier module":
        return failure
    if isinstance(error, SyntaxError):
        return _from_syntax(error, cell, scene)
    if isinstance(error, GuestLost) or unsolved(error):
        return failure
    return replace(failure, reason=Message("judge.cell_stops", error=sentence(_shown(error))))


def _from_syntax(error: SyntaxError, cell: Cell, scene: Scene) -> Failure:
    home, line = scene.place(error, cell)
    return Failure(
        kind="syntax",
        reason=Message("judge.unreadable", error=syntax_text(shorten(str(error)), home)),
        where=where(home, line),
        line_text=line_text(home, line),
        fix=Message("judge.run_it"),
        signature="syntax",
    )


def unsolved(error: BaseException) -> str:
    """The exercise whose stub raised this error; "" for every other error."""
    stub = STUB.match(str(error)) if isinstance(error, NotImplementedError) else None
    return stub[1] if stub else ""


def of_package(error: BaseException, origin: str, texts: Mapping[str, str]) -> Failure:
    """The failure of the package as a whole, after every exercise has passed."""
    nowhere = Cell("code", "", origin=origin)
    if isinstance(error, CheckFailed):
        failure = _from_check(error, nowhere, Scene({}))
    else:
        given, because = failing_check(error, texts)
        failure = replace(_from_raised(error, nowhere, Scene({})), given=given, because=because)
    return replace(failure, where=origin, line_text="")
