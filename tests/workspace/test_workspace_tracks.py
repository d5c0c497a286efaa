"""Tracks in a workspace: what is given, what counts before it, and that nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted import answer, solve

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.modules import Module
from tito.errors import TitoError
from tito.judge import Judge
from tito.package.writer import PLACEHOLDER_MARK, PREBUILT_MARK
from tito.workspace.completion import Completion, complete_work, export_work
from tito.workspace.layout import Workspace
from tito.workspace.progress import Progress, TrackChoice, changed_progress
from tito.workspace.setup import create
from tito.workspace.standing import Standing
from tito.workspace.testing import run_tests
from tito.workspace.tracks import choose_track
from tito.workspace.work import read_work

OWN = '#| export\ndef double(x):\n    """Return twice x."""\n    return x + x  # my own\n'
THREEFOLD = '#| export\ndef double(x):\n    """Return twice x."""\n    return 3 * x\n'


@pytest.fixture
def number(curriculum) -> Module:
    return curriculum.module(1)


@pytest.fixture
def sums(curriculum) -> Module:
    return curriculum.module(2)


def follow(workspace: Workspace, track: str) -> list[Path]:
    return choose_track(workspace, workspace.curriculum.track(track))


def complete(workspace: Workspace, module: Module, **instead: str) -> Completion:
    solve(workspace, module, **instead)
    judge = Judge(workspace.curriculum)
    done = complete_work(workspace, judge, read_work(workspace, module))
    assert done.report.complete
    return done


def states(workspace: Workspace) -> list[str]:
    standing = Standing.of(workspace)
    return [standing.state_of(module) for module in workspace.curriculum.modules]


def package(workspace: Workspace) -> dict[str, str]:
    files = workspace.package_dir.rglob("*.py")
    return {
        file.name: file.read_text(encoding="utf-8") for file in files if file.stem != "__init__"
    }


def notebooks(workspace: Workspace) -> list[bytes]:
    return [file.read_bytes() for file in sorted(workspace.modules_dir.rglob("*.ipynb"))]


# -- what a track gives ----------------------------------------------------------------------------


def test_without_a_choice_everything_is_built(workspace):
    assert states(workspace) == ["ready", "needs 01", "later release"]
    assert Standing.of(workspace).prebuilt == ()


def test_what_the_track_gives_is_in_the_package_and_marked(workspace, number, sums):
    changed = follow(workspace, "2")
    assert workspace.root / number.export_paths["core.number"] in changed
    files = package(workspace)
    assert files["number.py"].startswith(f"{PREBUILT_MARK} Module 01 (Number), not your own work.")
    assert "return 2 * x" in files["number.py"]
    assert files["sums.py"].startswith(PLACEHOLDER_MARK)
    assert states(workspace) == ["prebuilt", "ready", "later release"]
    standing = Standing.of(workspace)
    assert (standing.prebuilt, standing.met) == ((1,), (1,))
    assert (standing.todo, standing.current, standing.next) == ([sums], sums, sums)
    assert Progress.load(workspace).completed == ()


def test_what_is_given_is_built_upon(workspace, sums):
    follow(workspace, "2")
    Standing.of(workspace).require_met(sums)
    done = complete(workspace, sums)
    assert done.report.points == 3
    assert [part.number for _, part in done.parts] == [2]
    assert states(workspace) == ["prebuilt", "completed", "later release"]
    assert PREBUILT_MARK in package(workspace)["number.py"]


def test_milestones_run_on_what_is_given(workspace, curriculum):
    first, second = curriculum.milestone("counting").parts
    assert Standing.of(workspace).missing(first.needs) == [1]
    follow(workspace, "2")
    standing = Standing.of(workspace)
    assert (standing.missing(first.needs), standing.missing(second.needs)) == ([], [2])


def test_a_module_of_a_later_release_is_not_given(tmp_path):
    """The optimization track builds upon 01 to 13, of which this release may have only some."""
    workspace = create(tmp_path / "real", Curriculum.load()).workspace
    follow(workspace, "optimization")
    given = [m.number for m in workspace.curriculum.available if m.number < 14]
    assert Standing.of(workspace).prebuilt == tuple(given)
    assert list(workspace.sources()) == given
    for module in workspace.curriculum.modules[:13]:
        expected = "prebuilt" if module.available else "later release"
        assert Standing.of(workspace).state_of(module) == expected


# -- own work counts before it ---------------------------------------------------------------------


def test_ones_own_completed_module_stays(workspace, number):
    complete(workspace, number, number_double=OWN)
    assert follow(workspace, "2") == []
    assert "# my own" in package(workspace)["number.py"]
    assert states(workspace) == ["completed", "ready", "later release"]
    assert Standing.of(workspace).prebuilt == ()


def test_what_is_exported_and_not_completed_is_not_called_prebuilt(workspace, number, sums):
    answer(workspace.notebook(number), {"number_double": THREEFOLD})
    export_work(workspace, read_work(workspace, number))
    follow(workspace, "2")
    assert "return 3 * x" in package(workspace)["number.py"]
    assert states(workspace) == ["in progress", "needs 01", "later release"]
    with pytest.raises(TitoError, match="builds on Module 01"):
        Standing.of(workspace).require_met(sums)


def test_a_prebuilt_module_may_be_built_all_the_same(workspace, number):
    follow(workspace, "2")
    done = complete(workspace, number, number_double=OWN)
    assert done.export.backups == ()  # nobody's work was replaced
    assert "# my own" in package(workspace)["number.py"]
    assert states(workspace)[0] == "completed"


def test_tests_run_upon_ones_own_module_where_there_is_one(workspace, number, sums):
    answer(workspace.notebook(number), {"number_double": THREEFOLD})
    export_work(workspace, read_work(workspace, number))
    follow(workspace, "2")
    solve(workspace, sums)
    tested = run_tests(workspace, Judge(workspace.curriculum), read_work(workspace, sums))
    assert not tested.report.passed


# -- back and forth --------------------------------------------------------------------------------


def test_every_change_can_be_taken_back(workspace, number, sums):
    before, mine = package(workspace), notebooks(workspace)
    follow(workspace, "2")
    given = package(workspace)
    assert given != before
    follow(workspace, "1-3")
    assert package(workspace) == before
    follow(workspace, "2")
    assert package(workspace) == given
    assert notebooks(workspace) == mine
    complete(workspace, sums)
    own = package(workspace)["sums.py"]
    for track in ("1-3", "1", "3", "2"):
        follow(workspace, track)
        assert package(workspace)["sums.py"] == own, track
        assert Progress.load(workspace).completed == (2,)
    assert PREBUILT_MARK in package(workspace)["number.py"]


def test_the_same_track_again_changes_nothing(workspace):
    follow(workspace, "2")
    assert follow(workspace, "2") == []


def test_setup_keeps_the_track_and_mends_what_it_gives(workspace, curriculum):
    follow(workspace, "2")
    (workspace.package_dir / "core" / "number.py").unlink()
    added = create(workspace.root, curriculum).added
    assert [file.name for file in added] == ["number.py"]
    assert PREBUILT_MARK in package(workspace)["number.py"]
    assert create(workspace.root, curriculum).added == []


def test_a_track_that_a_later_curriculum_does_not_know_is_still_followed(workspace):
    with changed_progress(workspace) as progress:
        progress.track = TrackChoice(name="gone", build=(2,))
    assert Standing.of(workspace).track.build == (2,)
    assert Standing.of(workspace).track.prebuilt == (1,)
