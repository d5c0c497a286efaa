"""install.sh: what it makes of a folder, and what it says when it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a script for a POSIX shell")

REPOSITORY = Path(__file__).resolve().parents[2]


def install(*args: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the script as it stands in the checkout, without the network."""
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    return subprocess.run(
        ["/bin/sh", str(REPOSITORY / "install.sh"), *args],
        cwd=cwd,
        env={**os.environ, "PYTHON": sys.executable, **offline, **env},
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


def program(folder: Path, name: str, text: str) -> Path:
    """An executable shell script."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_from_a_wheel_until_it_works(wheel, tmp_path):
    """Without its dependencies the course does not work: said. With them, the same line mends it,
    and says what comes next. A folder of packages stands in for the network."""
    source = os.path.relpath(wheel, tmp_path)
    first = install("my course", cwd=tmp_path, TINYTORCH_SOURCE=source)
    assert first.returncode == 1
    assert "does not work; the reason stands above" in first.stderr

    folder = tmp_path / "my course"
    (site,) = (folder / ".venv" / "lib").glob("python3*/site-packages")
    packages = sysconfig.get_paths()["purelib"]
    (site / "dependencies.pth").write_text(packages + "\n", encoding="utf-8")
    second = install("my course", cwd=tmp_path, TINYTORCH_SOURCE=source)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "Making a Python environment" not in second.stdout
    assert f"cd '{folder}'" in second.stdout
    assert "tito setup" in second.stdout

    made = subprocess.run(
        [folder / ".venv" / "bin" / "tito", "setup"], cwd=folder, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    assert (folder / "modules").is_dir()


def test_no_python(tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    done = install("course", cwd=tmp_path, PYTHON="", PATH=str(tools))
    assert done.returncode == 1
    assert "needs Python 3.11 or newer. No Python was found." in done.stderr
    assert not (tmp_path / "course").exists()


def test_too_old_a_python_is_named(tmp_path):
    old = program(
        tmp_path, "old python", 'case "$2" in *platform*) echo 3.9.2 ;; *) exit 1 ;; esac'
    )
    done = install("course", cwd=tmp_path, PYTHON=str(old))
    assert done.returncode == 1
    assert f"Found: {old} 3.9.2." in done.stderr
    assert not (tmp_path / "course").exists()


def test_a_python_that_cannot_make_environments(tmp_path):
    bare = program(
        tmp_path, "bare", 'case "$2" in *platform*) echo 3.12.1 ;; *ensurepip*) exit 1 ;; esac'
    )
    done = install("course", cwd=tmp_path, PYTHON=str(bare))
    assert done.returncode == 1
    assert "venv and ensurepip are missing" in done.stderr
    assert "python3-venv" in done.stderr


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "course").mkdir()
    note = tmp_path / "course" / "note.txt"
    note.write_text("mine", encoding="utf-8")
    done = install("course", cwd=tmp_path)
    assert done.returncode == 1
    assert "was not made by this script; nothing was changed" in done.stderr
    assert [*(tmp_path / "course").iterdir()] == [note]
    assert "note.txt is a file" in install("course/note.txt", cwd=tmp_path).stderr


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    done = install("file/course", cwd=tmp_path)
    assert done.returncode == 1
    assert "cannot be made or written" in done.stderr


def test_a_source_that_is_not_there(tmp_path):
    done = install("course", cwd=tmp_path, TINYTORCH_SOURCE="gone.whl")
    assert done.returncode == 1
    assert "there is no such file or folder" in done.stderr
    assert not (tmp_path / "course").exists()


@pytest.mark.parametrize("args", [("--fast",), ("one", "two")])
def test_wrong_arguments(tmp_path, args):
    done = install(*args, cwd=tmp_path)
    assert done.returncode == 1
    assert "Usage: sh install.sh [FOLDER]" in done.stderr
