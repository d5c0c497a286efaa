"""Three levels of hint for each exercise, one more at each asking."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from tito.curriculum.exercises import Exercise, exercises
from tito.curriculum.guidance import LEVELS, load_guidance
from tito.curriculum.manifest import Module
from tito.errors import TitoError
from tito.workspace.layout import Workspace, available
from tito.workspace.progress import Progress, changed_progress
from tito.workspace.testing import digest_of, run_tests


@dataclass(frozen=True)
class Hint:
    """One hint: which exercise, which level of how many, and the text."""

    exercise: Exercise
    level: int
    levels: int
    text: str


def next_hint(
    workspace: Workspace, module: Module, name: str | None = None, level: int | None = None
) -> Hint | None:
    """Return the next hint (or the one of `level`) and record that it was shown.

    Without `name`, for the first exercise that is not solved; None when all are.
    """
    exercise = _named(available(module), name) if name else _first_unsolved(workspace, module)
    if exercise is None:
        return None
    guidance = load_guidance(module).get(exercise.id)
    if guidance is None or not guidance.hints:
        raise TitoError(f"There are no hints for exercise {exercise.id!r}.")
    with changed_progress(workspace) as progress:
        shown = level or min(progress.hint_level(module, exercise.id) + 1, LEVELS)
        progress.record_hint(module, exercise.id, shown)
    return Hint(exercise, shown, len(guidance.hints), guidance.hints[shown - 1])


def _named(module: Module, name: str) -> Exercise:
    wanted = name.strip().lower().replace("-", "_").replace(" ", "_")
    known = {exercise.id: exercise for exercise in exercises(module)}
    for candidate in (wanted, f"{module.word}_{wanted}"):
        if candidate in known:
            return known[candidate]
    close = difflib.get_close_matches(f"{module.word}_{wanted}", known, n=1)
    maybe = f" Did you mean {close[0]!r}?" if close else ""
    raise TitoError(
        f"{module.label} has no exercise {name!r}.{maybe}", "Its exercises: " + ", ".join(known), 2
    )


def _first_unsolved(workspace: Workspace, module: Module) -> Exercise | None:
    digest = digest_of(workspace.learner_file(module))
    known = Progress.load(workspace).status_of(module, digest)
    if known is None:
        known = {r.exercise_id: r.status for r in run_tests(workspace, module).results}
    unsolved = (e for e in exercises(module) if known.get(e.id) != "passed")
    return next(unsolved, None)
