"""Files are replaced whole or not at all, and nothing of a failed write is left."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tito import files
from tito.errors import TitoError
from tito.files import read_bytes, read_text, write_atomic

POSIX = pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
REPOSITORY = Path(files.__file__).parents[1]
KILLED = """
import os, signal
from pathlib import Path
from tito import files
def die(*names): os.kill(os.getpid(), signal.SIGKILL)
files.os.replace = die
files.write_atomic(Path("work.txt"), "new")
"""
FULL = """
import resource, signal
from pathlib import Path
from tito.errors import TitoError
from tito.files import backup, write_atomic
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
for action in (
    lambda: write_atomic(Path("work.txt"), "x" * 9000),
    lambda: write_atomic(Path("deep", "er", "new.txt"), "x" * 9000),
    lambda: backup(Path("large.txt"), Path("backups")),
):
    try:
        action()
    except TitoError as error:
        print(error)
"""


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, text=True
    )


@pytest.fixture
def umask():
    """Set the umask to 027 for one test."""
    before = os.umask(0o027)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_text_and_bytes_come_back(tmp_path):
    path = tmp_path / "a" / "b" / "work.txt"
    write_atomic(path, "größer\n")
    assert read_text(path) == "größer\n"
    write_atomic(path, b"\0\xff", durable=False)
    assert read_bytes(path) == b"\0\xff"
    assert names(tmp_path) == ["a", "a/b", "a/b/work.txt"]


def test_text_of_other_editors(tmp_path):
    path = tmp_path / "work.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree\n")
    assert read_text(path) == "one\ntwo\nthree\n"


@POSIX
def test_new_files_respect_the_umask(tmp_path, umask):
    write_atomic(tmp_path / "work.txt", "x")
    assert mode(tmp_path / "work.txt") == 0o640


@POSIX
@pytest.mark.parametrize("bits", [0o600, 0o666, 0o444, 0o755])
def test_an_existing_file_keeps_its_mode(tmp_path, umask, bits):
    path = tmp_path / "work.txt"
    path.write_text("old")
    path.chmod(bits)
    write_atomic(path, "new")
    assert (mode(path), path.read_text()) == (bits, "new")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
@pytest.mark.parametrize("call", ["fsync", "replace", "open", "fdopen"])
def test_nothing_is_left_of_a_write_that_fails(tmp_path, monkeypatch, call, code):
    path = tmp_path / "work.txt"
    path.write_text("old")

    def fail(*args):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(files.os, call, fail)
        for target in (path, tmp_path / "deep" / "er" / "new.txt"):
            with pytest.raises(TitoError, match=os.strerror(code)):
                write_atomic(target, "new")
    assert names(tmp_path) == ["work.txt"]
    assert path.read_text() == "old"


@POSIX
def test_nothing_is_left_on_a_full_disk(tmp_path):
    """A limit of the system, not an injected fault: the write itself fails half-way."""
    (tmp_path / "work.txt").write_text("old")
    (tmp_path / "large.txt").write_text("x" * 9000)
    done = python(FULL, tmp_path)
    assert done.stdout.count(os.strerror(errno.EFBIG)) == 3, done.stderr
    assert "Nothing was changed" in done.stdout
    assert names(tmp_path) == ["large.txt", "work.txt"]
    assert (tmp_path / "work.txt").read_text() == "old"


def test_nothing_is_left_when_the_user_interrupts(tmp_path, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_atomic(tmp_path / "deep" / "work.txt", "new")
    assert names(tmp_path) == []


@POSIX
def test_litter_of_a_killed_process_is_swept_an_hour_later(tmp_path):
    path = tmp_path / "work.txt"
    path.write_text("old")
    assert python(KILLED, tmp_path).returncode == -signal.SIGKILL
    (left,) = (name for name in names(tmp_path) if name != "work.txt")
    assert files.TEMPORARY.fullmatch(left)
    assert path.read_text() == "old"
    write_atomic(path, "newer")
    assert left in names(tmp_path)  # its writer could still be at work
    os.utime(tmp_path / left, (time.time() - 3700,) * 2)
    write_atomic(path, "newest")
    assert names(tmp_path) == ["work.txt"]


def test_files_of_others_are_not_swept(tmp_path):
    others = [".tito-x.tmp", ".work.txt.tmp", "tito-0123456789abcdef.tmp", ".tito-0123456789abcdef"]
    for name in others:
        (tmp_path / name).write_text("mine")
        os.utime(tmp_path / name, (1, 1))
    (tmp_path / ".tito-0123456789abcdef.tmp").mkdir()
    write_atomic(tmp_path / "work.txt", "x")
    assert set(others) < set(names(tmp_path))
    assert (tmp_path / ".tito-0123456789abcdef.tmp").is_dir()


def test_half_a_character_is_refused(tmp_path):
    path = tmp_path / "work.py"
    with pytest.raises(TitoError, match="in line 2 is half of a character"):
        write_atomic(path, "x = 1\ny = '\ud800'\n")
    assert names(tmp_path) == []


def test_a_folder_in_the_place_of_the_file(tmp_path):
    (tmp_path / "work.txt").mkdir()
    with pytest.raises(TitoError, match="Cannot write"):
        write_atomic(tmp_path / "work.txt", "new")
    with pytest.raises(TitoError, match="is not a file"):
        read_bytes(tmp_path / "work.txt")
    assert names(tmp_path) == ["work.txt"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TitoError, match="is not a file"):
        read_bytes(tmp_path / "pipe")
    with pytest.raises(TitoError, match="is not a file"):
        files.backup(tmp_path / "pipe", tmp_path / "backups")


def test_a_missing_file_and_foreign_text(tmp_path):
    with pytest.raises(TitoError, match=r"Cannot read .*nothing"):
        read_bytes(tmp_path / "nothing")
    (tmp_path / "latin.txt").write_bytes(b"gr\xf6\xdfer")
    with pytest.raises(TitoError, match=r"not UTF-8 text \(byte 2\)"):
        read_text(tmp_path / "latin.txt")
