"""One set of a learner's cells before the tests of their module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tito.curriculum.exercises import Exercise, GradedTest
from tito.curriculum.modules import Module
from tito.judge import unjudged, verdict
from tito.judge.answer_key import AnswerKey
from tito.judge.locations import is_untouched, stub_line
from tito.judge.program import Program, export_failure, export_problem, loose_name
from tito.judge.report import ExerciseResult, Failure, Report, Status, WrittenAnswer
from tito.judge.session import LoadFault, Session, host_seconds
from tito.judge.testcell import TestRun
from tito.judge.verdict import Scene
from tito.literate.cells import Cell
from tito.messages import Message
from tito.sandbox import Limits
from tito.sandbox.conversation import Client, GuestLost, host_deadline

Outcome = tuple[Status, Failure | None]


class Judgement:
    """Judges one program, exercise by exercise."""

    def __init__(
        self,
        key: AnswerKey,
        cells: Sequence[Cell],
        program: Program,
        session: Session,
        earlier: Mapping[str, Module],
    ) -> None:
        """``earlier``: the modules that the cells may import, by the names of their files."""
        self.key = key
        self.program = program
        self.session = session
        self.earlier = earlier
        self.all_cells = cells
        self.cells = {cell.index: cell for cell in cells}
        self.origin = cells[0].origin if cells else ""
        self.passed: set[int] = set()  # indices of the cells of exercises that pass

    @property
    def scene(self) -> Scene:
        """Where the learner's code stands, and whom not to accuse."""
        return Scene(self.cells, self.passed, self.earlier)

    def report(self, exercises: Iterable[Exercise]) -> Report:
        """The verdict on these exercises, and on the file as a whole."""
        results = tuple(self._judge(exercise) for exercise in exercises)
        report = Report(self.key.module, results, self.origin, self._file_problem())
        if report.passed:  # else there is something more pressing to tell
            report = replace(report, problem=export_problem(self.key, self.all_cells))
        if report.problem and all(result.status == "passed" for result in results):
            reason = Message("judge.file", reason=report.problem.reason)
            report = replace(report, problem=replace(report.problem, reason=reason))
        return replace(report, answers=tuple(self._answers()))

    def _answers(self) -> Iterable[WrittenAnswer]:
        written = [c for c in self.key.cells if c.role == "written answer" and c.grade_id]
        texts = {c.grade_id: c.source for c in self.all_cells if c.role == "written answer"}
        for cell in written:
            yield WrittenAnswer(str(cell.grade_id), cell.points, texts.get(cell.grade_id, ""))

    def _file_problem(self) -> Failure | None:
        """What keeps a cell that belongs to no exercise from being run."""
        fault = self.session.file_fault()
        if fault:
            return verdict.from_fault(fault, self.scene)
        kept_out = self.program.kept_out.items()
        return next((f for i, f in kept_out if not self.cells[i].is_exercise), None)

    def _judge(self, exercise: Exercise) -> ExerciseResult:
        points, (status, failure) = 0, self._standing(exercise)
        if status == "passed":
            (cell,) = self._own_cells(exercise)
            points, (status, failure) = self._test(exercise, cell)
        return ExerciseResult(exercise.id, exercise.name, status, points, exercise.points, failure)

    def _own_cells(self, exercise: Exercise) -> list[Cell]:
        return [c for c in self.all_cells if c.is_exercise and c.grade_id == exercise.id]

    def _standing(self, exercise: Exercise) -> Outcome:
        """What can be said of an exercise before its tests run; "passed" if nothing speaks against.

        Its cell is there once, goes into the package, and could be run.
        """
        found = self._own_cells(exercise)
        if not found:
            return "failed", unjudged.missing(exercise.id, self.origin, self.key.module.id)
        if len(found) > 1:
            return "failed", unjudged.duplicate(exercise.id, found)
        (cell,) = found
        if cell.index in self.program.kept_out:
            return "failed", self.program.kept_out[cell.index]
        return self._not_run(exercise, cell) or ("passed", None)

    def _not_run(self, exercise: Exercise, cell: Cell) -> Outcome | None:
        """The outcome of an exercise whose cell stops; None if it could be run."""
        client = self.session.loaded()
        fault = self.session.faults.get(cell.index)
        if fault:
            own = verdict.from_fault(fault, self.scene)
            return self._failed(fault.error, exercise, cell, own)
        return None if client else ("failed", self._not_judged(cell))

    def _limits(self, exercise: Exercise) -> Limits:
        """The session's limits, with those of the exercise that has its own."""
        own = self.key.module.limit(exercise.id)
        if own is None:
            return self.session.limits
        bounds = self.session.limits
        seconds = own.seconds or bounds.exercise_seconds
        cpu_seconds = own.cpu_seconds or max(bounds.cpu_seconds, seconds)
        return replace(bounds, exercise_seconds=seconds, cpu_seconds=cpu_seconds)

    def _test(self, exercise: Exercise, cell: Cell) -> tuple[int, Outcome]:
        """Points and outcome of the exercise's tests, in order, up to the first that fails.

        A hidden test without points of its own guards those of the visible one.
        """
        points = 0
        for test in exercise.tests:
            outcome = self._run(test, exercise, cell)
            if outcome[0] != "passed":
                return (points if test.points else 0), outcome
            points += test.points
        self.passed.add(cell.index)
        return points, ("passed", None)

    def _run(self, test: GradedTest, exercise: Exercise, cell: Cell) -> Outcome:
        limits = self._limits(exercise)
        client = self.session.ready(limits)
        if client is None:
            return "failed", self._not_judged(cell)
        try:
            with host_deadline(host_seconds(limits)):
                return self._run_test(client, test, exercise, cell)
        except GuestLost as loss:
            self.session.lost()
            return "failed", self._explain(loss, test, exercise, cell, -1)

    def _run_test(
        self, client: Client, test: GradedTest, exercise: Exercise, cell: Cell
    ) -> Outcome:
        run = TestRun(client, self.key.names, self.key.texts)
        try:
            run.run(test.place)
        except GuestLost as loss:
            self.session.lost()
            return "failed", self._explain(loss, test, exercise, cell, run.check.position)
        except Exception as error:
            own = self._explain(error, test, exercise, cell, run.check.position)
            return self._failed(error, exercise, cell, own)
        return "passed", None

    def _explain(
        self,
        error: BaseException,
        test: GradedTest,
        exercise: Exercise,
        cell: Cell,
        position: int,
    ) -> Failure:
        if test.is_hidden:
            return unjudged.hidden(exercise.id, cell, exercise.cell)
        failure = verdict.of_test(error, exercise, cell, self.scene, self.key.texts)
        return replace(failure, position=position)

    def _failed(
        self, error: BaseException, exercise: Exercise, cell: Cell, own: Failure
    ) -> Outcome:
        """The status after an error, and the failure at its root."""
        if self._is_untouched(exercise, cell, error):
            return "not started", unjudged.not_started(cell)
        if verdict.unsolved(error) == exercise.id and stub_line(cell):
            return "failed", unjudged.half_done(error, cell, exercise.cell, own)
        if isinstance(error, verdict.MISSING_NAMES):
            return "failed", self._root(error, cell) or own
        return "failed", own

    def _is_untouched(self, exercise: Exercise, cell: Cell, error: BaseException) -> bool:
        started = not (verdict.unsolved(error) and stub_line(cell)) and exercise.kind != "bug hunt"
        return not started and is_untouched(cell, exercise.cell, self.key.module.label)

    def _root(self, error: BaseException, cell: Cell) -> Failure | None:
        """Why a name may be missing: another cell that is not run, or that is not exported."""
        loose = loose_name(self.key, self.all_cells, str(error))
        if loose and loose.binding_cell.index not in self.program.kept_out:
            return export_failure(loose)
        fault = self.session.file_fault() or self.session.exercise_fault(cell)
        if fault:
            return unjudged.consequence(fault.cell, verdict.from_fault(fault, self.scene))
        for index, root in self.program.kept_out.items():
            if index != cell.index:
                return unjudged.consequence(self.cells[index], root)
        return None

    def _not_judged(self, cell: Cell) -> Failure:
        fault: LoadFault | None = self.session.file_fault()
        if fault and isinstance(fault.error, GuestLost):
            return verdict.from_fault(fault, self.scene)
        return unjudged.not_judged(self.session.deaths, cell)
