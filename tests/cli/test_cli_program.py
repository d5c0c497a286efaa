"""The program itself, as a process: quick, quiet about what it does not need, at home anywhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def run(*args: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[bytes]:
    settings = {**os.environ, "PYTHONPATH": str(REPOSITORY), **env}
    return subprocess.run(
        [sys.executable, *args], cwd=cwd, env=settings, capture_output=True, timeout=60
    )


def tito(*args: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[bytes]:
    return run("-m", "tito", *args, cwd=cwd, **env)


LOADED = """
import sys
from tito.cli import main
try:
    main()
except SystemExit:
    print("loaded:", *(name for name in ("numpy", "rich", "jupytext") if name in sys.modules))
"""


def test_help_loads_the_command_line_alone(tmp_path):
    """That is why it answers at once; how fast it is, the benchmarks measure."""
    code = LOADED.replace('("numpy", "rich", "jupytext")', "sorted(sys.modules)")
    last = run("-c", code, "--help", cwd=tmp_path).stdout.decode().splitlines()[-1]
    own = {name for name in last.split() if name.partition(".")[0] == "tito"}
    assert own <= {
        "tito", "tito.cli", "tito.cli.app", "tito.cli.lazy", "tito.cli.rendering", "tito.errors",
    }  # fmt: skip
    assert not {"numpy", "msgspec", "tomllib", "filelock"} & set(last.split())


@pytest.mark.parametrize(
    ("command", "loaded"),
    [
        ("--help", []),
        ("module --help", []),
        ("module list", ["rich"]),
        ("module list --json", []),
        ("milestone list", ["rich"]),
    ],
)
def test_only_what_is_needed_is_imported(tmp_path, command, loaded):
    done = run("-c", LOADED, *command.split(), cwd=tmp_path)
    last = done.stdout.decode().splitlines()[-1]
    assert last.split() == ["loaded:", *loaded], done.stderr.decode()


def test_status_needs_no_numpy(tmp_path):
    assert tito("setup", "w", cwd=tmp_path).returncode == 0
    done = run("-c", LOADED, "module", "status", cwd=tmp_path / "w")
    assert done.stdout.decode().splitlines()[-1] == "loaded: rich"


def test_version(tmp_path):
    from tito import __version__

    assert tito("--version", cwd=tmp_path).stdout.decode().split() == ["tito", __version__]


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "utf-8", "latin-1"])
@pytest.mark.parametrize(
    "command",
    [
        "--help",
        "module list",
        "milestone list",
        "milestone info xor",
        "module view 01",
        "export 77",
    ],
)
def test_any_encoding(tmp_path, encoding, command):
    done = tito(*command.split(), cwd=tmp_path, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert b"Traceback" not in done.stderr, done.stderr
    text = done.stdout.decode(encoding)
    asked = tito(*command.split(), cwd=tmp_path, PYTHONUTF8="1").stdout.decode("utf-8")
    assert text.count("?") == asked.count("?") or "view" in command  # no sign became one
    if command == "module list" and not encoding.startswith("utf"):
        assert "**--" in text and "│" not in text


@pytest.mark.parametrize("settings", [{"TERM": "dumb"}, {"NO_COLOR": "1"}, {"FORCE_COLOR": ""}, {}])
def test_plain_terminals_get_plain_text_of_80_columns(tmp_path, settings):
    for command in ("module list", "milestone list", "--help"):
        done = tito(*command.split(), cwd=tmp_path, COLUMNS="80", PYTHONUTF8="1", **settings)
        text = done.stdout.decode("utf-8")
        assert "\x1b" not in text
        assert max(map(len, text.splitlines())) <= 80


def test_a_reader_that_goes_away(tmp_path):
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        [sys.executable, "-m", "tito", "module", "view", "01"],
        cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        process.stdout.close()
        said = process.stderr.read()
    assert b"Traceback" not in said and b"Exception" not in said, said


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("answer", "code"), [(b"n\n", 1), (b"y\n", 0)])
def test_reset_asks_on_a_terminal(tmp_path, answer, code):
    assert tito("setup", "w", cwd=tmp_path).returncode == 0
    ours, theirs = os.openpty()
    os.write(ours, answer)
    done = subprocess.run(
        [sys.executable, "-m", "tito", "module", "reset", "01"], cwd=tmp_path / "w", stdin=theirs,
        capture_output=True, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, timeout=60,
    )  # fmt: skip
    os.close(ours), os.close(theirs)
    assert done.returncode == code, done.stderr
    assert b"Replace your notebook of Module 01 (Tensor)?" in done.stdout + done.stderr
    assert (tmp_path / "w" / ".tinytorch" / "backups").exists() == (code == 0)


def test_tito_alone_shows_the_help(tmp_path):
    done = tito(cwd=tmp_path)
    assert done.returncode == 0 and b"module" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="sends a signal")
def test_ctrl_c_during_a_milestone(tmp_path):
    """The whole group of processes gets the signal, as from a terminal."""
    place = tmp_path / "w"
    assert tito("setup", "w", cwd=tmp_path).returncode == 0
    progress = place / ".tinytorch" / "progress.json"
    done = {f"{n:02d}": {"completed": "2026-01-01T00:00:00+00:00"} for n in range(1, 8)}
    progress.write_text(json.dumps({"modules": done}), encoding="utf-8")
    script = place / "milestones" / "01_1957_perceptron" / "01_rosenblatt_forward.py"
    script.write_text("import time; open('on', 'w'); time.sleep(60)", encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "tito", "milestone", "run", "perceptron", "--part", "1"],
        cwd=place, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    deadline = time.monotonic() + 30
    while not (place / "on").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert said.strip().endswith(b"Stopped. What was saved before stays as it is.")
    assert b"tito/cli" not in said
