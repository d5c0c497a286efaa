"""What a newcomer meets in a terminal of 24 x 80 on the first evening."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from planted import MANIFEST, solve

from tito.cli.app import tito as program
from tito.cli.rendering import NO_NEXT, counted
from tito.curriculum.curriculum import Curriculum

REPOSITORY = Path(__file__).resolve().parents[2]
WRONG = '#| export\ndef double(x):\n    """Return twice x."""\n    return x * x\n'
TRACKS = """
[[tracks]]
name = "full"
title = "All of it"
build = "1-3"

[[tracks]]
name = "late"
title = "What comes later"
build = "3"
"""


def finish(tito, workspace, number: int = 1) -> str:
    solve(workspace, workspace.curriculum.module(number))
    done = tito("module", "complete", str(number), cwd=workspace.root)
    assert done.exit_code == 0, done.output
    return done.output


# -- tracks ----------------------------------------------------------------------------------------


@pytest.fixture
def tracked(curriculum) -> Curriculum:
    """The planted curriculum with two tracks, one of modules that are not in this release."""
    manifest = curriculum.root / "src" / "curriculum.toml"
    head, mark, rest = MANIFEST.partition("[[modules]]")
    manifest.write_text(f"{head}{TRACKS}\n{mark}{rest}", encoding="utf-8")
    return Curriculum.load(curriculum.root)


def test_every_track_is_named_where_status_sends_one(tito, workspace, tracked):
    shown = tito("status", cwd=workspace.root, obj=tracked).output
    assert "Other tracks: tito setup --help" in shown
    assert "full, late, or numbers" in " ".join(tito("setup", "--help", obj=tracked).output.split())


def test_a_track_of_later_releases_says_so_everywhere(tito, workspace, tracked):
    chosen = tito("setup", "--track", "late", cwd=workspace.root, obj=tracked)
    assert chosen.exit_code == 0
    started = tito("module", "start", obj=tracked)
    assert started.exit_code == 1
    said = [chosen, started, *(tito(name, obj=tracked) for name in ("status", "next"))]
    for done in said:
        assert (
            "03 comes in a later release; of this track you can build nothing yet." in done.output
        )
        assert "tito setup --track full" in done.output
        assert "0 of 0" not in done.output and "Every module" not in done.output


def test_without_named_tracks_it_is_the_numbers(tito, workspace):
    tito("setup", "--track", "3", cwd=workspace.root)
    assert "tito setup --track 01-03" in tito("next").output
    assert tito("setup", "--track", "01-03").exit_code == 0


def test_replaced_files_are_changed_and_new_ones_added(tito, workspace):
    (workspace.root / "README.md").unlink()
    said = tito("setup", "--track", "2", cwd=workspace.root).output
    added, changed = said.split("Changed:")
    assert "README.md" in added.split("Added:")[1] and "number.py" not in added
    assert "number.py" in changed and "README.md" not in changed


# -- the next step ---------------------------------------------------------------------------------


def test_after_one_exercise_comes_the_next_and_then_the_module(tito, workspace):
    solve(workspace, workspace.curriculum.module(1))
    first = tito("test", "double", cwd=workspace.root).output
    assert "Next exercise: value. When it is written: tito test 01 value" in first
    assert "Next: tito module test 01" in tito("test", "value").output
    tito("test", "1")
    assert "Next: tito module test 01" in tito("test", "double").output, "value passed"


@pytest.mark.parametrize("command", [["next"], [], ["status"]])
def test_a_completed_module_that_fails_now_comes_first(tito, workspace, command):
    finish(tito, workspace)
    solve(workspace, workspace.curriculum.module(1), number_double=WRONG)
    tito("test", "1")
    shown = tito(*command).output
    assert "Module 01 (Number) is completed, now failing. First: tito test 01\n" in shown
    assert shown.index("tito test 01") < shown.index("tito module start 02")


def test_completing_again_names_the_next_step(tito, workspace):
    finish(tito, workspace)
    assert finish(tito, workspace).endswith("Next: tito module start 02\n")


def test_setup_again_names_the_step_that_tito_names(tito, workspace):
    tito("module", "start", "--no-open", cwd=workspace.root)
    for command in ("setup", "next"):
        assert tito(command).output.endswith("Next: tito module resume\n")


@pytest.mark.parametrize("command", ["run", "info"])
def test_a_missing_milestone_leads_to_the_list(tito, workspace, command):
    done = tito("milestone", command, cwd=workspace.root)
    assert done.exit_code == 2 and "tito milestone list" in done.output


def test_who_calls_us_can_name_the_next_step(tito, curriculum, tmp_path, monkeypatch):
    monkeypatch.setenv(NO_NEXT, "1")
    made = tito("setup", "here", cwd=tmp_path).output
    started = tito("module", "start", "--no-open", cwd=tmp_path / "here").output
    assert "Your workspace is ready" in made and "Your file" in started
    assert "tito module" not in made + started and "Next" not in made + started


def test_make_run_says_first_what_makes_the_rest_work():
    text = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    recipe = text.split("\nrun: $(STAMPS)/run\n")[1].split("\n\n")[0]
    assert f"run: export {NO_NEXT} = 1\n" in text
    assert recipe.index("/activate") < recipe.index("  tito module start 01")


# -- hints, milestones, numbers --------------------------------------------------------------------


def test_the_last_hint_said_again_is_announced(tito, workspace):
    for _ in range(3):
        shown = tito("hint", "double", cwd=workspace.root).output
    assert "That was the last hint. The test cell" in shown and "3 of 3)." not in shown
    again = tito("hint", "double").output
    assert again.startswith("That was the last hint (3 of 3). Once more:\n")
    assert again.count("That was the last hint") == 1 and "hint 3 of 3" in again
    assert "Once more" not in tito("hint", "double", "--level", "3").output


def test_what_a_milestone_needs_is_said_once(tito, workspace):
    shown = tito("milestone", "info", "counting", cwd=workspace.root).output
    assert shown.count("(needs 01)") == 1 and "  modules" not in shown
    finish(tito, workspace)
    partly = tito("milestone", "info", "counting").output
    assert "(needs 02)" in partly and "  modules   01, 02\n" in partly


def test_outside_a_workspace_it_is_the_reference_framework(tito, tmp_path):
    done = tito("milestone", "run", "1", "--part", "1", cwd=tmp_path)
    assert "– on the reference framework" in done.output


def test_one_is_no_plural():
    assert [counted(n, "point") for n in (0, 1, 2)] == ["0 points", "1 point", "2 points"]


# -- completion ------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_package", [True, False])
def test_bash_without_its_package_is_told_the_line(tito, tmp_path, monkeypatch, has_package):
    package = tmp_path / "bash_completion"
    if has_package:
        package.write_text("", encoding="utf-8")
    monkeypatch.setattr("tito.cli.completion.BASH_COMPLETION", (str(package),))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    done = tito("completion", "install", "bash")
    assert done.exit_code == 0
    line = ". ~/.local/share/bash-completion/completions/tito\n"
    assert (line in done.output and "~/.bashrc" in done.output) == (not has_package)


# -- 80 columns ------------------------------------------------------------------------------------


def groups(command: click.Command, path: str = "tito") -> Iterator[tuple[str, click.Group]]:
    if isinstance(command, click.Group):
        yield path, command
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from groups(found, f"{path} {name}")


GROUPS = dict(groups(program))


@pytest.mark.parametrize("path", GROUPS)
def test_no_command_is_described_in_half_a_sentence(path):
    context = click.Context(GROUPS[path], info_name=path, terminal_width=80)
    listed = GROUPS[path].get_help(context).partition("Commands:\n")[2].splitlines()
    assert listed
    assert [line for line in listed if line.endswith("...") or len(line) > 80] == []


def test_the_workspaces_page_fits(workspace):
    lines = (workspace.root / "README.md").read_text(encoding="utf-8").splitlines()
    assert max(map(len, lines)) <= 78


@pytest.mark.skipif(os.name == "nt", reason="a script for sh")
def test_the_installers_help_fits():
    done = subprocess.run(
        ["sh", str(REPOSITORY / "install.sh"), "--help"], capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0 and max(map(len, done.stdout.splitlines())) <= 80


# -- waiting ---------------------------------------------------------------------------------------

WAITS = """
import sys
from tito.cli import waiting
waiting.PATIENCE = float(sys.argv[1])
with waiting.waiting("Working …", silent=sys.argv[2] == "silent"):
    pass
print("done")
"""


def shown_on_a_terminal(*args: str) -> str:
    ours, theirs = os.openpty()
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TERM": "xterm", "PYTHONUTF8": "1"}
    done = subprocess.run([sys.executable, "-c", WAITS, *args], stdout=theirs, env=env, timeout=60)
    os.close(theirs)
    said = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.returncode == 0
    return said


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_a_wait_is_shown_on_a_terminal_and_vanishes():
    shown = shown_on_a_terminal("0", "")
    assert "Working …" in shown
    assert shown.rpartition("Working …")[2].endswith("\x1b[2Kdone\r\n"), "its line is erased"


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_a_short_or_silent_wait_is_not_shown():
    assert "Working" not in shown_on_a_terminal("600", "")
    assert shown_on_a_terminal("0", "silent") == "done\r\n"


def test_a_pipe_gets_the_result_alone():
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", WAITS, "0", ""]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=env, timeout=60)
    assert (done.returncode, done.stdout) == (0, "done\n")
