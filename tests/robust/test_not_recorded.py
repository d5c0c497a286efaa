"""No room, no permission, a newer file: the verdict is shown, then the error, and nothing is lost.

A disk is full for real where we may mount one; everywhere else writing fails at a limit.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stage import Scenario, Stage, nothing, worked_on
from state import PROGRESS, files_in

SIZE = "2m"  # of a disk that is soon full
JUDGING = ["module test 1", "module complete 1", "module complete 2"]
CHANGING = ["export 1", "module start 2 --no-open", "module reset 1 --yes", "module hint 1 double"]
Hinder = Callable[[], None]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A workspace with work in it, in `now`."""
    stage = Stage(Scenario("not recorded", (), worked_on), tmp_path)
    stage.build()
    stage.fresh()
    return stage


@pytest.fixture
def disk(stage: Stage) -> Iterator[Path]:
    """`now` on a disk of its own."""
    files = shutil.copytree(stage.now, stage.folder / "copy")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(stage.now)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("may not mount a disk")
    shutil.copytree(files, stage.now, dirs_exist_ok=True)
    yield stage.now
    subprocess.run(["umount", str(stage.now)], check=True)


def fill(disk: Path) -> Path:
    """Write to it until nothing fits; the file that fills it."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as stream, pytest.raises(OSError, match="No space"):
        while True:
            stream.write(bytes(4096))
    return filler


def run(stage: Stage, command: str, *, limited: bool = False) -> tuple[int, str]:
    """Run a command in the stage; exit code, and text in one line."""
    with stage.start(tuple(command.split()), at_limit=limited) as process:
        said = process.communicate(timeout=300)[0]
    assert "Traceback" not in said and "tito itself" not in said, said
    return process.returncode, " ".join(said.split())


def require_verdict(code: int, said: str, reason: str) -> None:
    """First the verdict, then why it is not recorded."""
    verdict, error = said.index("exercises passed"), said.index("Error: The verdict above")
    assert verdict < error < said.index(reason, error)
    assert code == 1


@pytest.mark.parametrize("command", JUDGING)
def test_a_verdict_on_a_full_disk(stage, disk, command):
    fill(disk)
    before = files_in(disk)
    require_verdict(*run(stage, command), "No space left")
    assert files_in(disk) == before


@pytest.mark.parametrize("command", CHANGING)
def test_a_change_on_a_full_disk(stage, disk, command):
    filler = fill(disk)
    before = files_in(disk)
    code, said = run(stage, command)
    assert code == 1 and "Error: Cannot" in said and "No space left" in said
    assert files_in(disk) == before
    filler.unlink()
    assert run(stage, command)[0] == 0


@pytest.mark.parametrize("command", JUDGING)
def test_a_verdict_where_nothing_can_be_written(stage, command):
    before = files_in(stage.now)
    require_verdict(*run(stage, command, limited=True), "File too large")
    assert files_in(stage.now) == before


@pytest.mark.parametrize("command", CHANGING)
def test_a_change_where_nothing_can_be_written(stage, command):
    before = files_in(stage.now)
    code, said = run(stage, command, limited=True)
    assert code == 1 and "Error: Cannot" in said and "File too large" in said
    assert files_in(stage.now) == before
    assert run(stage, command)[0] == 0


def test_setup_goes_on_when_there_is_room_again(tmp_path):
    stage = Stage(Scenario("setup", ("setup",), nothing), tmp_path)
    stage.build()
    stage.fresh()
    code, said = run(stage, "setup", limited=True)
    assert code == 1 and "Error: Cannot" in said
    assert run(stage, "setup")[0] == 0
    assert PROGRESS in files_in(stage.now)
    assert "Nothing was changed" in run(stage, "setup")[1]


@pytest.fixture
def locked_up(stage: Stage) -> Iterator[Path]:
    """`now` as a place where nothing can be changed."""
    if os.geteuid():
        yield from _without_permission(stage.now)
        return
    bind = ["mount", "--bind", str(stage.now), str(stage.now)]
    if subprocess.run(bind, capture_output=True).returncode:
        pytest.skip("root may write everywhere, and may not mount a disk")
    read_only = ["mount", "-o", "remount,bind,ro", str(stage.now)]
    subprocess.run(read_only, check=True, capture_output=True)
    yield stage.now
    subprocess.run(["umount", str(stage.now)], check=True)


def _without_permission(folder: Path) -> Iterator[Path]:
    inside = [folder, *folder.rglob("*")]
    modes = {path: path.stat().st_mode for path in inside}
    for path, mode in modes.items():
        path.chmod(mode & 0o555)
    yield folder
    for path, mode in modes.items():
        path.chmod(mode)


@pytest.mark.parametrize("command", JUDGING)
def test_a_verdict_in_a_read_only_workspace(stage, locked_up, command):
    before = files_in(locked_up)
    require_verdict(*run(stage, command), "Cannot write")
    assert files_in(locked_up) == before


@pytest.mark.parametrize("command", [*CHANGING, "setup"])
def test_a_change_in_a_read_only_workspace(stage, locked_up, command):
    before = files_in(locked_up)
    code, said = run(stage, command)
    assert code == 1 and "Error: " in said and "annot" in said
    assert files_in(locked_up) == before


@pytest.mark.parametrize("command", JUDGING)
def test_a_verdict_beside_the_progress_of_a_newer_tito(stage, command):
    path = stage.now / PROGRESS
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"version": 99}), encoding="utf-8")
    before = files_in(stage.now)
    require_verdict(*run(stage, command), "A newer tito wrote")
    assert files_in(stage.now) == before
