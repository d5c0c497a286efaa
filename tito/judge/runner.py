"""Judging one module: its exercises' tests run here, against the learner's cells, run elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.modules import Module
from tito.errors import TitoError
from tito.judge.answer_key import AnswerKey, answer_key
from tito.judge.integration import integrate
from tito.judge.judgement import Judgement
from tito.judge.outcomes import Outcomes, outcomes
from tito.judge.packing import Packed, packed
from tito.judge.program import Program, program_of
from tito.judge.report import Failure, Report
from tito.judge.returned import with_returned_lines
from tito.judge.session import Session
from tito.literate.cells import Cell
from tito.package.exporter import export_files
from tito.package.writer import Sources
from tito.sandbox import INSTALL_BUBBLEWRAP, Isolation, Launcher, Limits, choose

if TYPE_CHECKING:
    from tito.judge.advice import Advice

LOCAL = "local"  # the tier that guards against accidents, not against malice
Only = str | Iterable[str] | None


@dataclass(frozen=True)
class Profile:
    """For whom: a learner, who is helped, or a grader, who needs every exercise judged."""

    hints: bool = True
    limits: Limits = field(default_factory=Limits)


LEARNING = Profile()
GRADING = Profile(hints=False, limits=Limits(deaths=10_000))


class Judge:
    """Judges modules of one curriculum; what it reads and compiles on the way is kept."""

    def __init__(
        self,
        curriculum: Curriculum,
        profile: Profile = LEARNING,
        isolation: Isolation | Launcher = "local",
    ) -> None:
        """Raises TitoError where this isolation is not to be had."""
        self.curriculum = curriculum
        self.profile = profile
        self.launcher = isolation if isinstance(isolation, Launcher) else choose(isolation)
        self._keys: dict[int, AnswerKey] = {}
        self._packages: dict[int, tuple[Sources, Packed]] = {}

    @classmethod
    def for_grading(
        cls, curriculum: Curriculum, isolation: Isolation = "auto", *, unsafe: bool = False
    ) -> Judge:
        """A judge of other people's code: no hints, every exercise judged.

        Raises TitoError where nothing better than the local guard is to be had, unless `unsafe`.
        """
        judge = cls(curriculum, GRADING, isolation)
        if judge.launcher.tier == LOCAL and not unsafe:
            raise TitoError(
                "Other people's code is not judged without a sandbox"
                f"{f': {judge.launcher.why}' if judge.launcher.why else ''}.",
                f"Install one ({INSTALL_BUBBLEWRAP}), or take the risk: --unsafe-no-sandbox",
            )
        return judge

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
        self,
        module: Module,
        cells: Sequence[Cell],
        sources: Sources,
        *,
        only: Only = None,
        in_package: bool = True,
    ) -> Report:
        """Judge the cells of one module.

        Args:
            module: whose graded tests (from the curriculum) decide.
            cells: the learner's; what they export is run in a process of its own.
            sources: the exported files of the modules that these cells may import.
            only: an exercise id or several; default all.
            in_package: once all pass, look at the module as a part of the package too.

        Whatever the cells do, there is a verdict and a reason for every exercise.
        """
        begun = time.perf_counter()
        cells = [_readable(cell) for cell in cells]
        with Session(self.profile.limits, self.launcher) as session:
            report = self._report(session, module, cells, sources, only)
            if self.profile.hints:
                report = with_returned_lines(session, self.answer_key(module), cells, report)
            if in_package and only is None and report.passed:
                report = self._integrated(session, report, cells, sources)
        if self.profile.hints:
            report = self._with_hint(report, cells, sources)
        seconds = time.perf_counter() - begun
        return replace(report, seconds=seconds, isolation=self.launcher.tier)

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
        No hints of planted mistakes, and the package as a whole is not looked at.
        """
        with Session(limits or self.profile.limits) as session:
            for cells in variants:
                yield self._report(session, module, cells, sources, only)

    def outcomes(
        self,
        module: Module,
        variants: Sequence[Sequence[Cell]],
        sources: Sources,
        exercise_id: str,
    ) -> list[Outcomes]:
        """How every check of an exercise's test ends, for several versions of the cells.

        One process runs them all, each influenced by those before it: a learner's comes last.
        """
        key = self.answer_key(module)
        (exercise,) = key.select(exercise_id)
        found = []
        with Session(self.profile.limits, self.launcher) as session:
            for cells in variants:
                self._load(session, module, cells, sources)
                found.append(outcomes(session, key, exercise))
        return found

    def on_package(self, module: Module, sources: Sources) -> Failure | None:
        """Run a module's tests on a package that holds it, and perhaps later modules: for authors.

        None if all pass, else the first failure.
        """
        with Session(self.profile.limits, self.launcher) as session:
            session.package = packed(self.curriculum, sources)
            key = self.answer_key(module)
            return integrate(session, key, key.cells, exercises=True)

    def _report(
        self, session: Session, module: Module, cells: Sequence[Cell], sources: Sources, only: Only
    ) -> Report:
        key = self.answer_key(module)
        program = self._load(session, module, cells, sources)
        earlier = self._earlier(sources)
        return Judgement(key, cells, program, session, earlier).report(key.select(only))

    def _load(
        self, session: Session, module: Module, cells: Sequence[Cell], sources: Sources
    ) -> Program:
        program = program_of(self.answer_key(module), cells)
        session.package = self.package(module, sources)
        session.replace(program.steps)
        return program

    def _earlier(self, sources: Sources) -> dict[str, Module]:
        """The modules that the cells may import, by the names of their files."""
        built = [module for module in self.curriculum.modules if module.number in sources]
        return {name: module for module in built for name in module.import_names}

    def _integrated(
        self, session: Session, report: Report, cells: Sequence[Cell], sources: Sources
    ) -> Report:
        module, key = report.module, self.answer_key(report.module)
        exports = export_files(cells, module.exports, report.file, module.folder)
        session.package = packed(self.curriculum, {**sources, module.number: exports})
        failure = integrate(session, key, cells)
        return replace(report, integration=failure, integrated=failure is None)

    def _with_hint(self, report: Report, cells: Sequence[Cell], sources: Sources) -> Report:
        """The report with the hint for the first failure."""
        first = report.first_failure
        if first is None or first.failure is None or first.status != "failed":
            return report
        hint = self._advice.hint(report.module, cells, first.exercise_id, first.failure, sources)
        told = replace(first, failure=replace(first.failure, hint=hint))
        results = tuple(told if result is first else result for result in report.results)
        return replace(report, results=results)

    @cached_property
    def _advice(self) -> Advice:
        from tito.judge.advice import Advice  # a pass does without

        return Advice(self)


def _readable(cell: Cell) -> Cell:
    """The cell; without its metadata if an editor left an id there that is none."""
    name = cell.nbgrader.get("grade_id")
    return cell if name is None or isinstance(name, str) else replace(cell, metadata={})
