"""Backups are whole, never overwritten, and leave nothing behind when they fail."""

from __future__ import annotations

import errno
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tito import files
from tito.errors import TitoError
from tito.files import backup


@pytest.fixture
def work(tmp_path) -> Path:
    path = tmp_path / "work.txt"
    path.write_text("mine")
    return path


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_backup_is_named_after_the_time(work, tmp_path):
    copy = backup(work, tmp_path / "state" / "backups")
    assert copy.read_text() == "mine" and copy.name == "work.txt"
    assert re.fullmatch(r"\d{8}-\d{6}", copy.parent.name)
    assert names(tmp_path / "state" / "backups") == [
        copy.parent.name,
        f"{copy.parent.name}/work.txt",
    ]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_backup_keeps_the_mode(work, tmp_path):
    work.chmod(0o600)
    assert backup(work, tmp_path / "backups").stat().st_mode & 0o777 == 0o600


def test_many_at_once_overwrite_none(work, tmp_path):
    with ThreadPoolExecutor(8) as pool:
        copies = list(pool.map(lambda _: backup(work, tmp_path / "backups"), range(40)))
    assert len(set(copies)) == 40
    assert all(copy.read_text() == "mine" for copy in copies)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
def test_nothing_is_left_of_a_backup_that_fails(work, tmp_path, monkeypatch, call, code):
    def fail(*args):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(files.os, call, fail)
        with pytest.raises(TitoError, match=os.strerror(code)) as failed:
            backup(work, tmp_path / "state" / "backups")
    assert "Nothing was changed" in failed.value.fix
    assert names(tmp_path) == ["work.txt"]


def test_earlier_backups_survive_one_that_fails(work, tmp_path, monkeypatch):
    first = backup(work, tmp_path / "backups")

    def fail(*args):
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "replace", fail)
        with pytest.raises(TitoError, match="full"):
            backup(work, tmp_path / "backups")
    assert names(tmp_path / "backups") == [first.parent.name, f"{first.parent.name}/work.txt"]


@pytest.mark.parametrize("change", ["open", "chmod", "fsync", "replace"])
def test_a_kill_leaves_no_half_backup_and_what_it_leaves_is_swept(
    work, tmp_path, monkeypatch, change
):
    """A killed process does not clean up: nothing of `backup` runs after the kill."""

    def killed(*args, **settings):
        raise SystemExit

    backups = tmp_path / "backups"
    backups.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(files.os, change, killed)
        patch.setattr(files, "_remove", lambda path: None)
        with pytest.raises(SystemExit):
            backup(work, backups)
    (left,) = backups.iterdir()
    assert files.TEMPORARY.fullmatch(left.name)
    os.utime(left, (0, 0))
    copy = backup(work, backups)
    assert names(backups) == [copy.parent.name, f"{copy.parent.name}/work.txt"]


def test_nothing_to_back_up(tmp_path):
    with pytest.raises(TitoError, match="Cannot back up"):
        backup(tmp_path / "nothing", tmp_path / "backups")
    assert names(tmp_path) == []
