"""Several tito at once: no update of the progress is lost, and nobody waits for the dead."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from progress_kit import ONE, TWO, desk

import tito
from tito import files
from tito.errors import TitoError
from tito.workspace import progress_file
from tito.workspace.layout import Workspace
from tito.workspace.progress import Progress, changed_progress

PROCESSES, UPDATES = 8, 40
PATHS = os.pathsep.join([str(Path(tito.__file__).parents[1]), str(Path(__file__).parent)])
BEGIN = """
import os, sys, time
from pathlib import Path
from progress_kit import ONE, desk
from tito.workspace.progress import changed_progress
workspace, name = desk(Path(sys.argv[1])), sys.argv[2]
"""
UPDATE = f"""{BEGIN}
for number in range({UPDATES}):
    with changed_progress(workspace) as progress:
        progress.record_hint(ONE, f"{{name}}_{{number}}", 1)
"""
STALL = f"""{BEGIN}
with changed_progress(workspace) as progress:
    progress.record_hint(ONE, name, 1)
    print("in", flush=True)
    time.sleep(float(sys.argv[3]))
"""


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    """A workspace in which nothing has been done."""
    workspace = desk(tmp_path / "work")
    Progress.empty(workspace).save()
    return workspace


def start(code: str, workspace: Workspace, *args: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, str(workspace.root), *map(str, args)]
    env = {**os.environ, "PYTHONPATH": PATHS}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)


def test_all_updates_of_eight_processes_are_there(workspace):
    running = [start(UPDATE, workspace, f"p{number}") for number in range(PROCESSES)]
    for process in running:
        process.communicate(timeout=300)
    assert [process.returncode for process in running] == [0] * PROCESSES
    hints = Progress.load(workspace).entry(ONE).hints
    assert hints == {f"p{p}_{n}": 1 for p in range(PROCESSES) for n in range(UPDATES)}
    left = {path.name for path in workspace.state_dir.iterdir()}
    assert left <= {"progress.json", "progress.lock"}


def test_a_stall_loses_nothing(workspace):
    """One stays between reading and writing for three seconds; the others wait for it."""
    with start(STALL, workspace, "slow", 3) as slow:
        assert slow.stdout.readline() == "in\n"
        with changed_progress(workspace) as progress:
            progress.start(TWO)
        assert slow.wait(60) == 0
    again = Progress.load(workspace)
    assert again.hint_level(ONE, "slow") == 1 and again.current == "02"


def test_reading_waits_for_nobody(workspace):
    with start(STALL, workspace, "slow", 60) as slow:
        assert slow.stdout.readline() == "in\n"
        assert Progress.load(workspace).completed == ()
        slow.kill()


def test_the_lock_of_a_killed_process_does_not_block(workspace, monkeypatch):
    with start(STALL, workspace, "dead", 600) as dead:
        assert dead.stdout.readline() == "in\n"
        dead.kill()
        dead.wait(60)
    monkeypatch.setattr(progress_file, "PATIENCE", 5.0)
    with changed_progress(workspace) as progress:
        progress.start(TWO)
    again = Progress.load(workspace)
    assert again.current == "02" and again.hint_level(ONE, "dead") == 0


def test_who_waits_too_long_is_told_why(workspace, monkeypatch):
    monkeypatch.setattr(progress_file, "PATIENCE", 0.2)
    with start(STALL, workspace, "slow", 600) as slow:
        assert slow.stdout.readline() == "in\n"
        refused = pytest.raises(TitoError, match="Another tito has been at work")
        with refused as waited, changed_progress(workspace):
            pytest.fail("two at once")
        assert "Nothing was recorded" in waited.value.fix
        slow.kill()


def test_a_change_that_fails_gives_the_lock_back(workspace, monkeypatch):
    monkeypatch.setattr(progress_file, "PATIENCE", 0.2)
    for _ in range(2):
        with pytest.raises(RuntimeError), changed_progress(workspace):
            raise RuntimeError
    with changed_progress(workspace) as progress:
        progress.start(ONE)


def test_a_lock_that_cannot_be_made(workspace):
    (workspace.state_dir / "progress.lock").mkdir()
    with pytest.raises(TitoError, match="Cannot write"), changed_progress(workspace):
        pytest.fail("there is no lock")


@pytest.mark.parametrize("content", ['{"modules": {}}', '{"modules": ', '{"current": 5}'])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_changes_nothing(workspace, monkeypatch, call, content):
    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    workspace.progress_path.write_text(content)
    with monkeypatch.context() as patch:
        patch.setattr(files.os, call, full)
        refused = pytest.raises(TitoError, match=os.strerror(errno.ENOSPC))
        with refused, changed_progress(workspace) as progress:
            progress.start(ONE)
    assert workspace.progress_path.read_text() == content
    left = {path.name for path in workspace.state_dir.iterdir()}
    assert left <= {"progress.json", "progress.lock"}
    with changed_progress(workspace) as progress:
        progress.start(ONE)
    assert Progress.load(workspace).current == "01"
