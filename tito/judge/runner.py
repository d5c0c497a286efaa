"""Judging one module: its exercises' tests run here, against the learner's cells, run elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tito.curriculum.exercises import Exercise
from tito.curriculum.manifest import Module
from tito.errors import TitoError
from tito.judge import verdict
from tito.judge.answer_key import AnswerKey, answer_key, runnable, test_place
from tito.judge.locations import is_untouched, stub_line
from tito.judge.report import ExerciseResult, Failure, Report, Status
from tito.judge.session import Limits, Session
from tito.judge.testcell import TestRun
from tito.literate.percent import Cell, read_cells
from tito.sandbox.host.process import GuestLost

__all__ = ["Limits", "judge_file", "judge_module", "judge_variants"]

Only = str | Iterable[str] | None


def judge_file(
    module: Module,
    path: Path,
    sources: Mapping[int, str],
    *,
    only: Only = None,
    limits: Limits | None = None,
) -> Report:
    """Judge a learner's notebook or percent file; see ``judge_module``.

    Raises TitoError when the file cannot be read as a notebook at all.
    """
    try:
        cells = read_cells(path)
    except TitoError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise TitoError(
            f"{path} cannot be read as a notebook ({type(error).__name__}).",
            f"Restore a backup, or get a fresh copy: tito module reset {module.id} "
            "(your file is kept as a backup).",
        ) from error
    return replace(judge_module(module, cells, sources, only=only, limits=limits), file=str(path))


def judge_module(
    module: Module,
    cells: Sequence[Cell],
    sources: Mapping[int, str],
    *,
    only: Only = None,
    limits: Limits | None = None,
) -> Report:
    """Judge the cells of one module.

    Args:
        module: whose graded tests (from the curriculum's reference file) decide.
        cells: the learner's cells; exported ones and exercises are run in a process of their own.
        sources: module number -> exported text of the modules these cells may import.
        only: an exercise id or several; default all.
        limits: seconds, memory and restarts; see ``Limits``.

    Whatever the cells do, there is a verdict and a reason for every exercise. Thread-safe.
    """
    begun = time.perf_counter()
    with Session((), sources, limits or Limits()) as session:
        plan = answer_key(module)
        session.replace([*plan.setup, *runnable(cells)])
        report = Judgement(module, plan, cells, session).report(plan.select(only))
    report = _with_hint(report, plan, sources)
    return replace(report, seconds=time.perf_counter() - begun)


def judge_variants(
    module: Module,
    variants: Iterable[Sequence[Cell]],
    sources: Mapping[int, str],
    *,
    only: Only = None,
    limits: Limits | None = None,
) -> Iterator[Report]:
    """Judge many versions of a module's cells, one after another, in one process.

    Several times faster than ``judge_module`` for each, but one version could influence the next:
    for an author's own variants (mutants, planted mistakes), never for learners' work. No hints.
    """
    plan = answer_key(module)
    exercises = plan.select(only)
    with Session((), sources, limits or Limits()) as session:
        for cells in variants:
            session.replace([*plan.setup, *runnable(cells)])
            yield Judgement(module, plan, cells, session).report(exercises)


class Judgement:
    """One set of cells before the module's tests."""

    def __init__(
        self, module: Module, plan: AnswerKey, cells: Sequence[Cell], session: Session
    ) -> None:
        self.module = module
        self.plan = plan
        self.session = session
        self.cells = {cell.index: cell for cell in cells}
        self.origin = cells[0].origin if cells else ""

    def report(self, exercises: Iterable[Exercise]) -> Report:
        """The verdict on these exercises."""
        results = tuple(self._judge(exercise) for exercise in exercises)
        fault = self.session.file_fault()
        problem = verdict.from_fault(fault, self.cells) if fault else None
        return Report(self.module, results, self.origin, problem)

    def _judge(self, exercise: Exercise) -> ExerciseResult:
        status, failure = self._status(exercise)
        points = exercise.points if status == "passed" else 0
        return ExerciseResult(exercise.id, exercise.title, status, points, exercise.points, failure)

    def _status(self, exercise: Exercise) -> tuple[Status, Failure | None]:
        found = [c for c in self.cells.values() if c.is_exercise and c.grade_id == exercise.id]
        if not found:
            return "failed", verdict.missing(exercise.id, self.origin, self.module.id)
        if len(found) > 1:
            return "failed", verdict.duplicate(exercise.id, found)
        return self._test(exercise, found[0])

    def _test(self, exercise: Exercise, cell: Cell) -> tuple[Status, Failure | None]:
        link = self.session.ready()
        fault = self.session.faults.get(cell.index)
        if fault:
            own = verdict.from_fault(fault, self.cells)
            return self._failed(fault.error, exercise, cell, own)
        if link is None:
            return "failed", self._not_judged(cell)
        run = TestRun(link, self.plan.names, self.plan.texts)
        try:
            run.run(test_place(exercise))
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
        return verdict.of_test(error, cell, self.cells, reference, self.plan.texts, position)

    def _failed(
        self, error: BaseException, exercise: Exercise, cell: Cell, own: Failure
    ) -> tuple[Status, Failure]:
        """The status after an error, and the failure at its root."""
        unsolved = verdict.unsolved(error)
        if unsolved and stub_line(cell):
            if is_untouched(cell, exercise.cell, self.module):
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


def _with_hint(report: Report, plan: AnswerKey, sources: Mapping[int, str]) -> Report:
    """The report with the first failure's hint, if it is a mistake that we know."""
    from tito.judge.mistakes import hint_for

    first = report.first_failure
    if first is None or first.failure is None or first.status != "failed":
        return report
    hint = hint_for(report.module, plan, first.exercise_id, first.failure, sources)
    if hint is None:
        return report
    told = replace(first, failure=replace(first.failure, hint=hint))
    results = tuple(told if result is first else result for result in report.results)
    return replace(report, results=results)
