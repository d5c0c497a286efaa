"""Judging one module: its exercises' tests run here, against the learner's cells, run elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.exercises import Exercise
from tito.curriculum.modules import Module
from tito.judge import verdict
from tito.judge.answer_key import AnswerKey, answer_key, runnable
from tito.judge.locations import is_untouched, stub_line
from tito.judge.mistakes import KnownMistakes
from tito.judge.packing import Packed, packed
from tito.judge.report import ExerciseResult, Failure, Report, Status
from tito.judge.session import Limits, Session
from tito.judge.testcell import TestRun
from tito.literate.cells import Cell
from tito.package.writer import Sources
from tito.sandbox.host.process import GuestLost

Only = str | Iterable[str] | None


class Judge:
    """Judges modules of one curriculum; what it reads and compiles on the way is kept."""

    def __init__(self, curriculum: Curriculum, limits: Limits | None = None) -> None:
        self.curriculum = curriculum
        self.limits = limits or Limits()
        self._keys: dict[int, AnswerKey] = {}
        self._packages: dict[int, tuple[Sources, Packed]] = {}
        self._known = KnownMistakes(self)

    def answer_key(self, module: Module) -> AnswerKey:
        """The reference side of a judgement, read once."""
        if module.number not in self._keys:
            self._keys[module.number] = answer_key(self.curriculum, module)
        return self._keys[module.number]

    def package(self, module: Module, sources: Sources) -> Packed:
        """What the module's code may import, ready for a guest."""
        known = self._packages.get(module.number)
        if known is None or known[0] != sources:
            known = sources, packed(self.curriculum, sources)
            self._packages[module.number] = known
        return known[1]

    def judge(
        self, module: Module, cells: Sequence[Cell], sources: Sources, *, only: Only = None
    ) -> Report:
        """Judge the cells of one module.

        Args:
            module: whose graded tests (from the curriculum) decide.
            cells: the learner's; exported ones and exercises are run in a process of their own.
            sources: the exported files of the modules that these cells may import.
            only: an exercise id or several; default all.

        Whatever the cells do, there is a verdict and a reason for every exercise.
        """
        begun = time.perf_counter()
        with Session(self.limits) as session:
            report = self._report(session, module, cells, sources, only)
        report = self._with_hint(report, sources)
        return replace(report, seconds=time.perf_counter() - begun)

    def variants(
        self,
        module: Module,
        variants: Iterable[Sequence[Cell]],
        sources: Sources,
        *,
        only: Only = None,
        limits: Limits | None = None,
    ) -> Iterator[Report]:
        """Judge many versions of a module's cells, one after another, in one process.

        Several times faster than ``judge`` for each, but one version could influence the next:
        for an author's own variants (mutants, planted mistakes), never for learners' work.
        No hints.
        """
        with Session(limits or self.limits) as session:
            for cells in variants:
                yield self._report(session, module, cells, sources, only)

    def _report(
        self, session: Session, module: Module, cells: Sequence[Cell], sources: Sources, only: Only
    ) -> Report:
        key = self.answer_key(module)
        session.package = self.package(module, sources)
        session.replace([*key.setup, *runnable(cells)])
        return Judgement(key, cells, session).report(key.select(only))

    def _with_hint(self, report: Report, sources: Sources) -> Report:
        """The report with the first failure's hint, if it is a mistake that we know."""
        first = report.first_failure
        if first is None or first.failure is None or first.status != "failed":
            return report
        hint = self._known.hint_for(report.module, first.exercise_id, first.failure, sources)
        if hint is None:
            return report
        told = replace(first, failure=replace(first.failure, hint=hint))
        results = tuple(told if result is first else result for result in report.results)
        return replace(report, results=results)


class Judgement:
    """One set of cells before the module's tests."""

    def __init__(self, key: AnswerKey, cells: Sequence[Cell], session: Session) -> None:
        self.key = key
        self.session = session
        self.cells = {cell.index: cell for cell in cells}
        self.origin = cells[0].origin if cells else ""

    def report(self, exercises: Iterable[Exercise]) -> Report:
        """The verdict on these exercises."""
        results = tuple(self._judge(exercise) for exercise in exercises)
        fault = self.session.file_fault()
        problem = verdict.from_fault(fault, self.cells) if fault else None
        return Report(self.key.module, results, self.origin, problem)

    def _judge(self, exercise: Exercise) -> ExerciseResult:
        status, failure = self._status(exercise)
        points = exercise.points if status == "passed" else 0
        return ExerciseResult(exercise.id, exercise.title, status, points, exercise.points, failure)

    def _status(self, exercise: Exercise) -> tuple[Status, Failure | None]:
        found = [c for c in self.cells.values() if c.is_exercise and c.grade_id == exercise.id]
        if not found:
            return "failed", verdict.missing(exercise.id, self.origin, self.key.module.id)
        if len(found) > 1:
            return "failed", verdict.duplicate(exercise.id, found)
        return self._test(exercise, found[0])

    def _test(self, exercise: Exercise, cell: Cell) -> tuple[Status, Failure | None]:
        client = self.session.ready()
        fault = self.session.faults.get(cell.index)
        if fault:
            own = verdict.from_fault(fault, self.cells)
            return self._failed(fault.error, exercise, cell, own)
        if client is None:
            return "failed", self._not_judged(cell)
        run = TestRun(client, self.key.names, self.key.texts)
        try:
            for test in exercise.tests:
                run.run(test.place)
        except GuestLost as loss:
            self.session.lost()
            return "failed", self._explain(loss, exercise, cell, run)
        except Exception as error:
            own = self._explain(error, exercise, cell, run)
            return self._failed(error, exercise, cell, own)
        return "passed", None

    def _explain(
        self, error: BaseException, exercise: Exercise, cell: Cell, run: TestRun
    ) -> Failure:
        reference, position = exercise.cell, run.check.position
        return verdict.of_test(error, cell, self.cells, reference, self.key.texts, position)

    def _failed(
        self, error: BaseException, exercise: Exercise, cell: Cell, own: Failure
    ) -> tuple[Status, Failure]:
        """The status after an error, and the failure at its root."""
        unsolved = verdict.unsolved(error)
        if unsolved and stub_line(cell):
            if is_untouched(cell, exercise.cell, self.key.module.label):
                return "not started", verdict.not_started(cell)
            if unsolved == exercise.id:
                return "failed", verdict.half_done(error, cell, own)
        if isinstance(error, verdict.MISSING_NAMES):
            return "failed", self._root(cell) or own
        return "failed", own

    def _root(self, cell: Cell) -> Failure | None:
        """Why a name may be missing: another cell that could not be run."""
        fault = self.session.file_fault() or self.session.exercise_fault(cell)
        return verdict.consequence(fault, self.cells) if fault else None

    def _not_judged(self, cell: Cell) -> Failure:
        fault = self.session.file_fault()
        if fault:
            return verdict.from_fault(fault, self.cells)
        return verdict.not_judged(self.session.deaths, cell)
