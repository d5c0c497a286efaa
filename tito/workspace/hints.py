"""Three levels of hint for each exercise, one more at each asking."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.exercises import Exercise
from tito.curriculum.guidance import LEVELS
from tito.curriculum.modules import Module
from tito.errors import TitoError
from tito.judge import Judge
from tito.workspace.layout import Workspace
from tito.workspace.progress import Progress, changed_progress
from tito.workspace.testing import run_tests
from tito.workspace.work import read_work


@dataclass(frozen=True)
class Hint:
    """One hint: which exercise, which level of how many, and the text."""

    exercise: Exercise
    level: int
    levels: int
    text: str


def next_hint(workspace: Workspace, exercise: Exercise, level: int | None = None) -> Hint:
    """Return the exercise's next hint (or the one of `level`) and record that it was shown."""
    guidance = workspace.curriculum.guidance(exercise.module).get(exercise.id)
    if guidance is None or not guidance.hints:
        raise TitoError(f"There are no hints for exercise {exercise.id!r}.")
    with changed_progress(workspace) as progress:
        shown = level or min(progress.hint_level(exercise.module, exercise.id) + 1, LEVELS)
        progress.record_hint(exercise.module, exercise.id, shown)
    return Hint(exercise, shown, len(guidance.hints), guidance.hints[shown - 1])


def find_exercise(curriculum: Curriculum, module: Module, name: str) -> Exercise:
    """The module's exercise of this name, long or short: "tensor_matmul", "matmul"."""
    wanted = name.strip().lower().replace("-", "_").replace(" ", "_")
    known = {exercise.id: exercise for exercise in curriculum.exercises(module)}
    by_name = {exercise.name: exercise for exercise in known.values()} | known
    if wanted in by_name:
        return by_name[wanted]
    close = difflib.get_close_matches(wanted, by_name, n=1)
    maybe = f" Did you mean {close[0]!r}?" if close else ""
    raise TitoError(
        f"{module.label} has no exercise {name!r}.{maybe}", "Its exercises: " + ", ".join(known), 2
    )


def first_unsolved(workspace: Workspace, judge: Judge, module: Module) -> Exercise | None:
    """The first exercise that does not pass, as last judged or judged now; None if all pass."""
    work = read_work(workspace, module)
    known = Progress.load(workspace).status_of(module, work.digest)
    if known is None:
        report = run_tests(workspace, judge, work).report
        known = {result.exercise_id: result.status for result in report.results}
    unsolved = (e for e in workspace.curriculum.exercises(module) if known.get(e.id) != "passed")
    return next(unsolved, None)
