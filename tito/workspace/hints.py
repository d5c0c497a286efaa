"""Three levels of hint for each exercise, one more at each asking."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.exercises import Exercise
from tito.curriculum.modules import Module
from tito.errors import TitoError
from tito.workspace.layout import Workspace
from tito.workspace.progress import Progress, changed_progress
from tito.workspace.testing import run_tests
from tito.workspace.work import read_work

if TYPE_CHECKING:
    from tito.judge import Judge


@dataclass(frozen=True)
class Hint:
    """One hint: which exercise, which level of how many, and the text."""

    exercise: Exercise
    level: int
    levels: int
    text: str


def next_hint(workspace: Workspace, exercise: Exercise, level: int | None = None) -> Hint | None:
    """Return the exercise's next hint (or the one of `level`) and record that it was shown.

    None for an exercise without hints. Behind the last hint comes the last one again.
    """
    texts = hints_of(workspace.curriculum, exercise)
    if not texts:
        return None
    with changed_progress(workspace) as progress:
        asked = level or progress.hint_level(exercise.module, exercise.id) + 1
        shown = min(asked, len(texts))
        progress.record_hint(exercise.module, exercise.id, shown)
    return Hint(exercise, shown, len(texts), texts[shown - 1])


def hints_of(curriculum: Curriculum, exercise: Exercise) -> tuple[str, ...]:
    """The hints that an exercise has, each telling more than the one before."""
    guidance = curriculum.guidance(exercise.module).get(exercise.id)
    return guidance.hints if guidance else ()


def find_exercise(curriculum: Curriculum, module: Module, name: str) -> Exercise:
    """The module's exercise of this name: short or long, else of its code.

    "matmul", "tensor_matmul", "Linear" (a class or function that the exercise's cell defines).
    """
    wanted = spelled(name)
    known = {exercise.id: exercise for exercise in curriculum.exercises(module)}
    by_name = {exercise.name: exercise for exercise in known.values()} | known
    by_code = code_names(known.values())
    if found := by_name.get(name) or by_code.get(name) or by_name.get(wanted):
        return found
    close = difflib.get_close_matches(wanted, by_name, n=1)
    maybe = f" Did you mean {close[0]!r}?" if close else ""
    raise TitoError(
        f"{module.label} has no exercise {name!r}.{maybe}", "Its exercises: " + ", ".join(known), 2
    )


def spelled(name: str) -> str:
    """A name as exercises are called: "Matmul operator" → "matmul_operator"."""
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def code_names(exercises: Iterable[Exercise]) -> dict[str, Exercise]:
    """Class or function → the exercise whose cell defines it (the first that does)."""
    found: dict[str, Exercise] = {}
    for exercise in exercises:
        for name in exercise.defined:
            found.setdefault(name, exercise)
    return found


def first_unsolved(workspace: Workspace, judge: Judge, module: Module) -> Exercise | None:
    """The first exercise that does not pass, as last judged or judged now; None if all pass."""
    work = read_work(workspace, module)
    known = Progress.load(workspace).status_of(module, work.digest)
    if known is None:
        report = run_tests(workspace, judge, work).report
        known = {result.exercise_id: result.status for result in report.results}
    unsolved = (e for e in workspace.curriculum.exercises(module) if known.get(e.id) != "passed")
    return next(unsolved, None)
