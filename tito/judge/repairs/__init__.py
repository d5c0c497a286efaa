"""A learner's code that is one small change away from passing: the change tells what is wrong.

The proof is the test itself: with the change, it passes. Nothing is said of what to write instead.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from tito.checks.values import shorten
from tito.curriculum.exercises import Exercise
from tito.judge.answer_key import AnswerKey
from tito.judge.locations import line_text, parsed, parts
from tito.judge.repairs.candidates import Candidate, candidates
from tito.judge.session import Session, Step, host_seconds
from tito.judge.testcell import TestRun
from tito.literate.cells import Cell
from tito.messages import Message
from tito.sandbox.conversation import GuestLost, host_deadline

MOST = 300  # changes that are tried
SECONDS = 20.0  # for all of them, on a slow and busy machine; elsewhere they take one or two
LAST = "name"  # another variable passes by chance as well, where something else is at fault
LOSSES = 2  # changed programs that may hang or crash


def repair_hint(
    session: Session, key: AnswerKey, steps: Sequence[Step], exercise: Exercise, cell: Cell
) -> Message | None:
    """Where the one thing stands that keeps the learner's cell from passing; None if unknown.

    ``session`` and ``steps``: for the learner's program, whose cell of this exercise is ``cell``.
    The changed programs run one after another in the same guest, each influenced by those before.
    """
    own, wanted = parsed(cell.source), parsed(exercise.cell.source)
    home = next((step.home for step in steps if step.cell is cell), None)
    if own is None or wanted is None or home is None:
        return None
    trial = Trial(session, key, steps, exercise, Step(cell, "", home))
    found: list[Candidate] = []
    for candidate in islice(candidates(own, wanted, parts(exercise.cell)), MOST):
        if found and candidate.code == LAST:
            break
        if trial.passes(candidate):
            found.append(candidate)
    return _said(found, cell)


def _said(found: Sequence[Candidate], cell: Cell) -> Message | None:
    """What the likeliest change is about, if all those that help change the same line."""
    if len({candidate.line for candidate in found}) != 1:
        return None
    code, part, line, _ = found[0]
    what = Message(f"repair.{code}", part=shorten(part))
    return Message("repair.here", line=shorten(line_text(cell, line)), what=what)


@dataclass
class Trial:
    """One exercise of a learner's program, before whose tests changed cells are run."""

    session: Session
    key: AnswerKey
    steps: Sequence[Step]
    exercise: Exercise
    step: Step  # of the exercise's cell
    end: float = field(default_factory=lambda: time.monotonic() + SECONDS)

    def __post_init__(self) -> None:
        self.session.replace(self.steps)

    def passes(self, candidate: Candidate) -> bool:
        """Whether the changed cell passes: after others, and by itself."""
        if self.session.deaths > LOSSES or time.monotonic() > self.end:
            return False
        changed = replace(self.step, source=candidate.source)
        return self._passes(changed) and self._passes_alone(changed)

    def _passes_alone(self, changed: Step) -> bool:
        steps = [changed if step.cell is changed.cell else step for step in self.steps]
        self.session.replace(steps)
        passes = self._passes()
        self.session.replace(self.steps)
        return passes

    def _passes(self, changed: Step | None = None) -> bool:
        client = self.session.ready()
        if client is None:
            return False
        try:
            with host_deadline(host_seconds(self.session.limits)):
                if changed:
                    client.request("cell", changed.home, changed.cell.index, changed.source)
                for test in self.exercise.tests:
                    TestRun(client, self.key.names, self.key.texts).run(test.place)
        except GuestLost:
            self.session.lost()
            return False
        except Exception:  # the tests say no, in whatever way
            return False
        return True
