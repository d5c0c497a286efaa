"""Several tito at once in one workspace.

Eight processes that update the progress alone: tests/workspace/test_progress_lock.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock, Timeout
from planted import curriculum, solve, workspace
from stage import Scenario, Stage, two_files, worked_on
from state import backups_in, files_in

from tito.curriculum.curriculum import Curriculum
from tito.package.writer import write_package
from tito.workspace.completion import complete_work, export_work
from tito.workspace.layout import Workspace
from tito.workspace.progress import Progress
from tito.workspace.progress_file import LOCK
from tito.workspace.setup import create
from tito.workspace.tracks import choose_track
from tito.workspace.work import read_work

__all__ = ["curriculum", "workspace"]
ROUNDS = 3
COMPLETE_ONE, COMPLETE_TWO = ("module", "complete", "1"), ("module", "complete", "2")
TEST, RESET = ("module", "test", "1"), ("module", "reset", "1", "--yes")


def at_once(stage: Stage, *commands: tuple[str, ...]) -> list[tuple[int, str]]:
    """Run the commands at the same time, from the beginning; exit code and text of each."""
    stage.fresh()
    running = [stage.start(command) for command in commands]
    said = [process.communicate(timeout=300)[0] for process in running]
    return [(process.returncode, text) for process, text in zip(running, said, strict=True)]


def built(tmp_path: Path, prepare) -> Stage:
    stage = Stage(Scenario("at once", (), prepare), tmp_path)
    stage.build()
    return stage


@pytest.mark.parametrize("_", range(ROUNDS))
def test_two_completions_at_once(tmp_path, _):
    stage = built(tmp_path, worked_on)
    outcomes = at_once(stage, COMPLETE_ONE, COMPLETE_TWO)
    assert [code for code, _ in outcomes] == [0, 0], outcomes
    workspace = Workspace(stage.now, Curriculum.load(stage.release))
    exports = {n: "".join(texts.values()) for n, texts in workspace.own_sources().items()}
    assert "return x + x" in exports[1] and "class Total" in exports[2]
    assert Progress.load(workspace).completed == (1, 2)
    assert any(b"return 2 * x" in content for content in backups_in(files_in(stage.now)))
    code, text = at_once(stage, COMPLETE_TWO)[0]
    assert code == 0, text


@pytest.mark.parametrize("_", range(ROUNDS))
def test_testing_while_it_is_reset(tmp_path, _):
    stage = built(tmp_path, two_files)
    work = {content for name, content in files_in(stage.before).items() if "01_number" in name}
    (code, verdict), (reset, said) = at_once(stage, TEST, RESET)
    assert reset == 0, said
    assert code in (0, 1)
    assert "exercises passed" in verdict or "Error: " in verdict
    assert "Traceback" not in verdict and "tito itself" not in verdict
    found = files_in(stage.now)
    assert work <= backups_in(found) | set(found.values())


def test_two_resets_at_once(tmp_path):
    stage = built(tmp_path, two_files)
    work = {content for name, content in files_in(stage.before).items() if "01_number" in name}
    outcomes = at_once(stage, RESET, RESET)
    assert 0 in [code for code, _ in outcomes], outcomes
    assert all("Traceback" not in said and "tito itself" not in said for _, said in outcomes)
    found = files_in(stage.now)
    assert work <= backups_in(found) | set(found.values())


# -- who writes the package keeps the others out ---------------------------------------------------


def export(workspace: Workspace) -> None:
    export_work(workspace, read_work(workspace, workspace.curriculum.module(1)))


def complete(workspace: Workspace) -> None:
    from tito.judge import Judge

    module = workspace.curriculum.module(1)
    solve(workspace, module)
    done = complete_work(workspace, Judge(workspace.curriculum), read_work(workspace, module))
    assert done.export is not None


def setup(workspace: Workspace) -> None:
    create(workspace.root, workspace.curriculum)


def track(workspace: Workspace) -> None:
    choose_track(workspace, workspace.curriculum.track("2"))


@pytest.mark.parametrize(
    ("change", "place"),
    [(export, "completion"), (complete, "completion"), (setup, "setup"), (track, "tracks")],
)
def test_the_package_is_written_by_one_at_a_time(workspace, monkeypatch, change, place):
    """Else the slower of two would write a placeholder over what the faster has exported."""
    tried = []

    def watched(*args, **settings):
        with pytest.raises(Timeout), FileLock(workspace.state_dir / LOCK, timeout=0):
            pytest.fail("another tito could write here")
        tried.append(place)
        return write_package(*args, **settings)

    monkeypatch.setattr(f"tito.workspace.{place}.write_package", watched)
    change(workspace)
    assert tried == [place]
