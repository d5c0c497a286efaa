"""Which line of a learner's function returned the wrong value.

Where a function has several ways to its end, the failed test is run once more in the same guest,
which notes the lines that return.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tito.checks import CheckFailed
from tito.checks.check import Check
from tito.curriculum.exercises import Exercise
from tito.judge.answer_key import AnswerKey
from tito.judge.locations import exercise_function, line_text, where
from tito.judge.report import ExerciseResult, Failure, Report
from tito.judge.session import Session, host_seconds
from tito.judge.testcell import TestRun
from tito.judge.verdict import NO_RESULT
from tito.literate.cells import Cell
from tito.sandbox.conversation import Client, GuestLost, host_deadline, is_remote


class WatchingCheck(Check):
    """Keeps, at each check, the lines that returned since the check before."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.lines: list[int] = []
        super().__init__(is_learners=is_remote)

    @property
    def position(self) -> int:
        """The number of the latest check; a check counts itself before it does anything else."""
        return self._position

    @position.setter
    def position(self, value: int) -> None:
        self._position = value
        if value >= 0:
            self.lines = self.client.request("returned")


def with_returned_lines(
    session: Session, key: AnswerKey, cells: Sequence[Cell], report: Report
) -> Report:
    """The report, with the line that returned a wrong value quoted wherever it is certain."""
    exercises = {exercise.id: exercise for exercise in key.exercises}
    own = {cell.grade_id: cell for cell in cells if cell.is_exercise}
    results = tuple(
        _told(session, key, exercises[result.exercise_id], own, result) for result in report.results
    )
    return replace(report, results=results)


def _told(
    session: Session,
    key: AnswerKey,
    exercise: Exercise,
    own: dict[str | None, Cell],
    result: ExerciseResult,
) -> ExerciseResult:
    failure = result.failure
    if failure is None or failure.kind != "check" or failure.reason.code in NO_RESULT:
        return result
    cell = own[exercise.id]
    function = exercise_function(cell, exercise.cell)
    if function is None or function.result:
        return result
    line = _returning(session, key, exercise, failure, (cell.index, function.name))
    if not function.line < line <= function.last:
        return result
    quoted = replace(failure, where=where(cell, line), line_text=line_text(cell, line))
    return replace(result, failure=quoted)


def _returning(
    session: Session, key: AnswerKey, exercise: Exercise, failure: Failure, place: tuple[int, str]
) -> int:
    """The one line that returned between the failed check and the one before it; 0 if unknown."""
    client = session.ready()
    if client is None:
        return 0
    run = TestRun(client, key.names, key.texts)
    run.check = watching = WatchingCheck(client)
    try:
        with host_deadline(host_seconds(session.limits)):
            client.request("watch", *place)
            run.run(exercise.tests[0].place)
    except CheckFailed as again:
        same = again.position == failure.position and len(watching.lines) == 1
        return watching.lines[0] if same else 0
    except (Exception, GuestLost):  # another outcome than before: nothing is certain
        return 0
    return 0
