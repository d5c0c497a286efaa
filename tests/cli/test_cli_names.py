"""Exercises by name, states as a learner sees them, and a script instead of a notebook."""

from __future__ import annotations

import subprocess
import sys

import pytest
from planted import solve

from tito.curriculum.curriculum import Curriculum
from tito.workspace.hints import find_exercise

REAL = Curriculum.load()
WRONG = '#| export\ndef double(x):\n    """Return twice x."""\n    return x * x\n'


def test_an_exercise_alone_names_its_module(tito, workspace):
    short = tito("hint", "double", cwd=workspace.root)
    assert "number_double: hint 1 of 3" in short.output
    full = tito("module", "hint", "number_double")
    assert "number_double: hint 2 of 3" in full.output


@pytest.mark.parametrize(
    ("typed", "meant"), [("doubel", "double"), ("numbr_double", "number_double")]
)
def test_an_unknown_name_is_answered_with_a_near_one(tito, workspace, typed, meant):
    done = tito("test", typed, cwd=workspace.root)
    assert done.exit_code == 2
    assert f"Did you mean {meant!r}?" in done.output


@pytest.mark.parametrize("module", REAL.available, ids=lambda module: module.id)
def test_the_name_that_tito_shows_finds_its_exercise(module):
    """Also where another exercise's cell defines a function of that name."""
    for exercise in REAL.exercises(module):
        assert find_exercise(REAL, module, exercise.name) is exercise


def test_all_goes_without_a_name(tito, workspace):
    done = tito("test", "double", "--all", cwd=workspace.root)
    assert done.exit_code == 2
    assert "name none with it" in done.output


def test_untouched_work_says_when_it_was_saved(tito, workspace):
    assert "your file was last saved 20" in tito("test", "1", cwd=workspace.root).output
    solve(workspace, workspace.curriculum.module(1))
    assert "last saved" not in tito("test", "1").output


def test_a_completed_module_that_fails_is_marked(tito, workspace):
    solve(workspace, workspace.curriculum.module(1))
    tito("module", "complete", "1", cwd=workspace.root)
    assert "failing" not in tito("module", "status").output
    solve(workspace, workspace.curriculum.module(1), number_double=WRONG)
    tito("module", "test", "1")
    assert "completed, now failing" in tito("module", "status").output
    assert "completed, now failing" in tito("next").output


def test_hint_after_completing_does_not_ask_to_complete(tito, workspace):
    solve(workspace, workspace.curriculum.module(1))
    assert "Next: tito module complete 01" in tito("hint", "1", cwd=workspace.root).output
    tito("module", "complete", "1")
    assert "It is complete. Changed since?" in tito("hint", "1").output


def test_start_tells_of_the_script_beside_the_notebook(tito, workspace):
    done = tito("module", "start", "--no-open", cwd=workspace.root)
    command = "jupytext --to py:percent modules/01_number/01_number.ipynb"
    assert command in done.output
    subprocess.run([sys.executable, "-m", *command.split()], cwd=workspace.root, check=True)
    tested = tito("module", "test")
    assert "modules/01_number/01_number.py" in tested.output
    assert "not started" in tested.output
