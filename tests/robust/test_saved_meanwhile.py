"""Saved while it was being judged: said, and what is exported and recorded is what was judged."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from planted import curriculum, solve, workspace

from tito.cli.app import tito
from tito.judge import Judge
from tito.workspace.progress import Progress
from tito.workspace.work import read_work

__all__ = ["curriculum", "workspace"]
OTHER = '#| export\ndef double(x):\n    """Return twice x."""\n    return x + x\n'
WRONG = '#| export\ndef double(x):\n    """Return twice x."""\n    return x * x\n'


@pytest.fixture
def number(curriculum):
    return curriculum.module(1)


@pytest.fixture
def run(workspace, monkeypatch):
    """Run a command while whose judging something happens; click's result."""

    def run(command: str, meanwhile):
        judge = Judge.judge

        def disturbed(self, *args, **settings):
            meanwhile()
            return judge(self, *args, **settings)

        monkeypatch.chdir(workspace.root)
        with monkeypatch.context() as patch:
            patch.setattr(Judge, "judge", disturbed)
            return CliRunner().invoke(tito, command.split(), obj=workspace.curriculum)

    return run


def exported(workspace, number) -> str:
    return "".join(workspace.own_sources().get(number.number, {}).values())


@pytest.mark.parametrize("later", [OTHER, WRONG])
def test_what_was_judged_is_exported_and_recorded(workspace, number, run, later):
    solve(workspace, number)
    judged = read_work(workspace, number)
    done = run("module complete 1", lambda: solve(workspace, number, number_double=later))
    assert done.exit_code == 0, done.output
    assert "saved again meanwhile" in done.stderr
    assert "return 2 * x" in exported(workspace, number)
    saved = read_work(workspace, number)
    assert saved.digest != judged.digest
    progress = Progress.load(workspace)
    assert progress.completed == (1,)
    assert set(progress.status_of(number, judged.digest).values()) == {"passed"}
    assert progress.status_of(number, saved.digest) is None


def test_wrong_work_does_not_pass_for_what_was_saved_later(workspace, number, run):
    solve(workspace, number, number_double=WRONG)
    done = run("module complete 1", lambda: solve(workspace, number))
    assert done.exit_code == 1
    assert "saved again meanwhile" in done.stderr and "nothing was exported" in done.output
    assert exported(workspace, number) == ""
    again = run("module complete 1", lambda: None)
    assert again.exit_code == 0 and "saved again" not in again.stderr


@pytest.mark.parametrize("command", ["module test 1", "module test 1 --json"])
def test_a_test_says_so_too(workspace, number, run, command):
    solve(workspace, number)
    done = run(command, lambda: solve(workspace, number, number_double=WRONG))
    assert done.exit_code == 0
    assert "saved again meanwhile" in done.stderr and "saved again" not in done.stdout


def test_a_file_that_is_gone_when_the_verdict_is_in(workspace, number, run):
    solve(workspace, number)
    done = run("module complete 1", workspace.notebook(number).unlink)
    assert done.exit_code == 0, done.output
    assert "return 2 * x" in exported(workspace, number)
