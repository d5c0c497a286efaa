"""What an exercise is worth: declared to `tito.checks` as an entry point, for notebooks."""

from __future__ import annotations

from functools import cache

from tito.curriculum.curriculum import Curriculum
from tito.errors import TitoError


def points_of(exercise_id: str) -> tuple[str, int, int, str] | None:
    """(short name, points, number of the module's exercises, the module's id); None if unknown."""
    return _points().get(exercise_id)


@cache
def _points() -> dict[str, tuple[str, int, int, str]]:
    """Read once in the life of a notebook; what cannot be read is not shown."""
    try:
        curriculum = Curriculum.load()
        modules = [curriculum.exercises(module) for module in curriculum.available]
    except TitoError:
        return {}
    return {
        e.id: (e.name, e.points, len(module), e.module.id) for module in modules for e in module
    }
