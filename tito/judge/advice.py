"""The hint for a failure: of a planted mistake that fails alike, else a general one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tito.curriculum.exercises import Exercise
from tito.curriculum.modules import Module
from tito.judge.hints import general_hint
from tito.judge.mistakes import LIMITS as SHORT
from tito.judge.mistakes import Bench, KnownMistakes
from tito.judge.packing import Packed
from tito.judge.program import program_of
from tito.judge.repairs import repair_hint
from tito.judge.report import Failure, Text
from tito.judge.session import Session
from tito.judge.slips import sure_slip
from tito.literate.cells import Cell
from tito.messages import Message
from tito.package.writer import Sources
from tito.sandbox import Launcher


class Helper(Bench, Protocol):
    """A judge that also lends what a process of one's own is started with."""

    launcher: Launcher

    def package(self, module: Module, sources: Sources) -> Packed: ...


class Advice:
    """Finds hints; what it learns of planted mistakes on the way is kept."""

    def __init__(self, judge: Helper) -> None:
        self.judge = judge
        self._known = KnownMistakes(judge)

    def hint(
        self,
        module: Module,
        cells: Sequence[Cell],
        exercise_id: str,
        failure: Failure,
        sources: Sources,
    ) -> Text:
        """Of a planted mistake, else a general one; "" if nothing can be said."""
        known = self._known.mistake_for(module, cells, exercise_id, failure, sources)
        own = [cell for cell in cells if cell.is_exercise and cell.grade_id == exercise_id]
        if len(own) != 1:
            return known.hint if known else failure.hint
        (exercise,) = self.judge.answer_key(module).select(exercise_id)
        if known:  # what is surely wrong here, and not in the planted mistake, is the cause
            (planted,) = (cell for cell in known.cells if cell.grade_id == exercise_id)
            more = sure_slip(own[0], exercise.cell) and sure_slip(own[0], planted)
            return more or known.hint

        def repair() -> Message | None:
            return self._repair(module, cells, exercise, own[0], sources)

        return general_hint(failure, own[0], exercise.cell, repair)

    def _repair(
        self,
        module: Module,
        cells: Sequence[Cell],
        exercise: Exercise,
        cell: Cell,
        sources: Sources,
    ) -> Message | None:
        key = self.judge.answer_key(module)
        with Session(SHORT, self.judge.launcher) as session:
            session.package = self.judge.package(module, sources)
            return repair_hint(session, key, program_of(key, cells).steps, exercise, cell)
