"""Recognising a mistake we know: the learner's failure is the one that a planted mistake causes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from tito.curriculum.exercises import Exercise
from tito.curriculum.guidance import Guidance, plant
from tito.curriculum.modules import Module
from tito.curriculum.schema import MistakeEntry
from tito.errors import TitoError
from tito.judge.answer_key import AnswerKey
from tito.judge.report import Failure, Report
from tito.literate.cells import Cell
from tito.package.writer import Sources
from tito.sandbox import Limits

# A planted mistake is our own code and small; one that hangs must not keep the learner waiting.
LIMITS = Limits(exercise_seconds=1.5)
RECOGNISED = ("check", "error", "timeout")
Trace = tuple[str, int, str]  # kind, position, signature
Known = tuple[tuple[str, Trace], ...]  # each planted mistake's hint, and how it fails


class Variants(Protocol):
    """How many versions of a module are judged: see ``Judge.variants``."""

    def __call__(
        self,
        module: Module,
        variants: Iterable[Sequence[Cell]],
        sources: Sources,
        *,
        only: str,
        limits: Limits,
    ) -> Iterator[Report]: ...


class KnownMistakes:
    """How the planted mistakes of each exercise fail, found out when first asked for."""

    def __init__(
        self,
        guidance: Callable[[Module], Mapping[str, Guidance]],
        key_of: Callable[[Module], AnswerKey],
        variants: Variants,
    ) -> None:
        self.guidance = guidance
        self.key_of = key_of
        self.variants = variants
        self._known: dict[str, tuple[Sources, Known]] = {}

    def hint_for(
        self, module: Module, exercise_id: str, failure: Failure, sources: Sources
    ) -> str | None:
        """The hint of the planted mistake that fails as the learner's code did, or None."""
        if failure.kind not in RECOGNISED:
            return None
        try:
            known = self._of(module, exercise_id, sources)
        except (TitoError, OSError):
            return None  # no guidance, or a faulty one: the author's proof reports that
        return _match(known, _trace(failure))

    def _of(self, module: Module, exercise_id: str, sources: Sources) -> Known:
        found = self._known.get(exercise_id)
        if found is None or found[0] != sources:
            found = sources, self._find_out(module, exercise_id, sources)
            self._known[exercise_id] = found
        return found[1]

    def _find_out(self, module: Module, exercise_id: str, sources: Sources) -> Known:
        key = self.key_of(module)
        (exercise,) = key.select(exercise_id)
        guidance = self.guidance(module).get(exercise_id)
        mistakes = guidance.mistakes if guidance else ()
        variants = _planted(key, exercise, mistakes)
        reports = self.variants(module, variants, sources, only=exercise_id, limits=LIMITS)
        failures = [report.results[0].failure for report in reports]
        return tuple(
            (mistake.hint, _trace(failure))
            for mistake, failure in zip(mistakes, failures, strict=True)
            if failure
        )


def _match(known: Known, came: Trace) -> str | None:
    exact = (hint for hint, trace in known if trace == came)
    # The same error at another check is still the same error.
    same_error = (h for h, t in known if came[0] == "error" and (t[0], t[2]) == (came[0], came[2]))
    return next(exact, None) or next(same_error, None)


def _trace(failure: Failure) -> Trace:
    return failure.kind, failure.position, failure.signature


def _planted(
    key: AnswerKey, exercise: Exercise, mistakes: Sequence[MistakeEntry]
) -> Iterator[list[Cell]]:
    for mistake in mistakes:
        wrong = replace(exercise.cell, source=plant(mistake, exercise.cell))
        yield [wrong if cell.grade_id == exercise.id else cell for cell in key.cells]
