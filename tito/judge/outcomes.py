"""How every check of a test ends, not only the first that fails: evidence of what a mistake is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tito.checks import CheckFailed
from tito.checks.check import Check
from tito.curriculum.exercises import Exercise
from tito.judge.answer_key import AnswerKey
from tito.judge.session import Session, host_seconds
from tito.judge.testcell import TestRun
from tito.sandbox.conversation import GuestLost, host_deadline

Outcomes = tuple[tuple[int, str, str], ...]  # position, code of the reason, signature
CHECKS = ("equal", "close", "true", "unchanged", "raises")


def outcomes(session: Session, key: AnswerKey, exercise: Exercise) -> Outcomes:
    """The checks of an exercise's test that fail, and last how the test itself ended.

    What a check hands on to later ones may be wrong by then: good for comparing, not for telling.
    """
    client = session.ready()
    if client is None:
        return ()
    run = TestRun(client, key.names, key.texts)
    failed = noting(run.check)
    try:
        with host_deadline(host_seconds(session.limits)):
            run.run(exercise.tests[0].place)
    except (Exception, GuestLost) as error:
        return (*failed, (run.check.position, getattr(error, "type_name", ""), "the end"))
    return tuple(failed)


def noting(check: Check) -> list[tuple[int, str, str]]:
    """Make a test go on after a check that fails; each that does is noted in the list."""
    failed: list[tuple[int, str, str]] = []

    def noted(method: Callable[..., None]) -> Callable[..., None]:
        def checked(*arguments: Any, **options: Any) -> None:
            try:
                method(*arguments, **options)
            except CheckFailed as wrong:
                failed.append((wrong.position, wrong.reason.code, wrong.signature))

        return checked

    for name in CHECKS:
        setattr(check, name, noted(getattr(check, name)))
    return failed
