"""Recognising a mistake we know: the learner's failure is the one that a planted mistake causes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from tito.curriculum.exercises import Exercise
from tito.curriculum.guidance import Mistake, load_guidance
from tito.curriculum.manifest import Module
from tito.errors import TitoError
from tito.judge.answer_key import AnswerKey, answer_key
from tito.judge.report import Failure
from tito.judge.runner import judge_variants
from tito.judge.session import Limits
from tito.literate.percent import Cell

# A planted mistake is our own code and small; one that hangs must not keep the learner waiting.
LIMITS = Limits(exercise_seconds=1.5)
RECOGNISED = ("check", "error", "timeout")
Trace = tuple[str, int, str]  # kind, position, signature


def hint_for(
    module: Module, plan: AnswerKey, exercise_id: str, failure: Failure, sources: Mapping[int, str]
) -> str | None:
    """The hint of the planted mistake that fails as the learner's code did, or None."""
    if failure.kind not in RECOGNISED:
        return None
    try:
        stamp = (module.source.stat().st_mtime_ns, module.guidance.stat().st_mtime_ns)
        known = _known(module, exercise_id, tuple(sorted(sources.items())), stamp)
    except (TitoError, OSError):
        return None  # no guidance, or a faulty one: the author's proof reports that
    return _match(known, _trace(failure))


def _match(known: Sequence[tuple[str, Trace]], came: Trace) -> str | None:
    exact = (hint for hint, trace in known if trace == came)
    # The same error at another check is still the same error.
    same_error = (h for h, t in known if came[0] == "error" and (t[0], t[2]) == (came[0], came[2]))
    return next(exact, None) or next(same_error, None)


def _trace(failure: Failure) -> Trace:
    return failure.kind, failure.position, failure.signature


@lru_cache(maxsize=256)
def _known(
    module: Module, exercise_id: str, sources: tuple[tuple[int, str], ...], stamp: tuple[int, int]
) -> tuple[tuple[str, Trace], ...]:
    """Each planted mistake's hint and how it fails, with the same earlier modules."""
    plan = answer_key(module)
    (exercise,) = plan.select(exercise_id)
    guidance = load_guidance(module).get(exercise_id)
    mistakes = guidance.mistakes if guidance else ()
    variants = _planted(plan, exercise, mistakes)
    reports = judge_variants(module, variants, dict(sources), only=exercise_id, limits=LIMITS)
    failures = [report.results[0].failure for report in reports]
    return tuple(
        (mistake.hint, _trace(failure))
        for mistake, failure in zip(mistakes, failures, strict=True)
        if failure
    )


def _planted(
    plan: AnswerKey, exercise: Exercise, mistakes: Sequence[Mistake]
) -> Iterator[list[Cell]]:
    for mistake in mistakes:
        wrong = replace(exercise.cell, source=mistake.apply(exercise.cell))
        yield [wrong if cell.grade_id == exercise.id else cell for cell in plan.cells]
