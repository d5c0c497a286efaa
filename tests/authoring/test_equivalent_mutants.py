"""The list of mutants that no test need catch: each is still a mutant of a reference solution."""

from __future__ import annotations

import tomllib

import pytest

from tito.authoring.mutants import EQUIVALENT, mutants
from tito.curriculum.curriculum import Curriculum

CURRICULUM = Curriculum.load()
EXERCISES = {e.id: e for m in CURRICULUM.available for e in CURRICULUM.exercises(m)}
LISTED = tomllib.loads((CURRICULUM.root / "src" / EQUIVALENT).read_text(encoding="utf-8"))


@pytest.mark.parametrize("exercise_id", LISTED)
def test_each_is_still_there(exercise_id):
    known = {mutant.name for mutant in mutants(EXERCISES[exercise_id])}
    assert [name for name in LISTED[exercise_id] if name not in known] == []
    assert all(reason.strip() for reason in LISTED[exercise_id].values())
