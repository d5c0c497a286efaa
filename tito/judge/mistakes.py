"""Recognising a mistake we know: the learner's failure is the one that a planted mistake causes.

A number but a small count, a shape or a dtype that came is evidence enough. Such a count, True,
"no error" or a length come of many mistakes: there every check of the test has to end as with the
planted mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.exercises import Exercise
from tito.curriculum.guidance import plant
from tito.curriculum.modules import Module
from tito.curriculum.schema import MistakeEntry
from tito.errors import TitoError
from tito.judge.answer_key import AnswerKey
from tito.judge.outcomes import Outcomes
from tito.judge.report import Failure, Report
from tito.literate.cells import Cell
from tito.package.writer import Sources
from tito.sandbox import Limits

# A planted mistake is our own code and small; one that hangs must not keep the learner waiting.
LIMITS = Limits(exercise_seconds=10.0, cpu_seconds=1.5)
RECOGNISED = ("check", "error", "timeout", "export")
TELLING = ("check.number", "check.shape", "check.dtype")
NUMBER = re.compile(r"\b(?:int:-?\d\d|float:-?(?!(?:0|1)\b(?!\.)))")  # in a signature
Trace = tuple[str, int, str]  # kind, position, signature


class Planted(NamedTuple):
    """A planted mistake: its hint, how it fails first, and the module's cells with it."""

    hint: str
    trace: Trace
    cells: Sequence[Cell]


Known = tuple[Planted, ...]


class Bench(Protocol):
    """What trying out versions of a module's cells needs of a judge: see ``Judge``."""

    curriculum: Curriculum

    def answer_key(self, module: Module) -> AnswerKey: ...

    def variants(
        self,
        module: Module,
        variants: Iterable[Sequence[Cell]],
        sources: Sources,
        *,
        only: str,
        limits: Limits,
    ) -> Iterator[Report]: ...

    def outcomes(
        self,
        module: Module,
        variants: Sequence[Sequence[Cell]],
        sources: Sources,
        exercise_id: str,
    ) -> list[Outcomes]: ...


class KnownMistakes:
    """How the planted mistakes of each exercise fail, found out when first asked for."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self._known: dict[str, tuple[Sources, Known]] = {}

    def mistake_for(
        self,
        module: Module,
        cells: Sequence[Cell],
        exercise_id: str,
        failure: Failure,
        sources: Sources,
    ) -> Planted | None:
        """The planted mistake that fails as the learner's cells do, or None."""
        if failure.kind not in RECOGNISED:
            return None
        try:
            known = self._of(module, exercise_id, sources)
        except (TitoError, OSError):
            return None  # no guidance, or a faulty one: the author's proof reports that
        found = _alike(known, _trace(failure))
        if found and not _is_telling(failure):
            variants = [*(mistake.cells for mistake in found), cells]
            *planted, own = self.bench.outcomes(module, variants, sources, exercise_id)
            found = [m for m, outcomes in zip(found, planted, strict=True) if outcomes == own]
        return found[0] if found else None

    def _of(self, module: Module, exercise_id: str, sources: Sources) -> Known:
        found = self._known.get(exercise_id)
        if found is None or found[0] != sources:
            found = sources, self._find_out(module, exercise_id, sources)
            self._known[exercise_id] = found
        return found[1]

    def _find_out(self, module: Module, exercise_id: str, sources: Sources) -> Known:
        key = self.bench.answer_key(module)
        (exercise,) = key.select(exercise_id)
        guidance = self.bench.curriculum.guidance(module).get(exercise_id)
        mistakes = guidance.mistakes if guidance else ()
        variants = list(_planted(key, exercise, mistakes))
        reports = self.bench.variants(module, variants, sources, only=exercise_id, limits=LIMITS)
        failures = [report.results[0].failure for report in reports]
        return tuple(
            Planted(mistake.hint, _trace(failure), cells)
            for mistake, failure, cells in zip(mistakes, failures, variants, strict=True)
            if failure
        )


def _alike(known: Known, came: Trace) -> list[Planted]:
    """The planted mistakes whose first failure is the learner's."""
    exact = [mistake for mistake in known if mistake.trace == came]
    if exact or came[0] != "error":
        return exact
    # The same error at another check is still the same error.
    return [m for m in known if (m.trace[0], m.trace[2]) == (came[0], came[2])]


def _is_telling(failure: Failure) -> bool:
    """Whether what came can hardly come of another mistake."""
    if failure.kind != "check" or failure.reason.code in TELLING:
        return True
    return failure.reason.code == "check.value" and bool(NUMBER.search(failure.signature))


def _trace(failure: Failure) -> Trace:
    return failure.kind, failure.position, failure.signature


def _planted(
    key: AnswerKey, exercise: Exercise, mistakes: Sequence[MistakeEntry]
) -> Iterator[list[Cell]]:
    for mistake in mistakes:
        wrong = replace(exercise.cell, source=plant(mistake, exercise.cell))
        yield [wrong if cell.grade_id == exercise.id else cell for cell in key.cells]
