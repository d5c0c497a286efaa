"""`tito module test` and `complete`: have the learner's work judged, and show what came of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import click

from tito import sandbox
from tito.cli.common import (
    EXERCISE,
    ISOLATION,
    JSON,
    WHICH,
    choose,
    choose_exercise,
    curriculum,
    say_file_used,
)
from tito.cli.facts import after_exercise, after_passing
from tito.cli.rendering import notice, print_json, say
from tito.cli.waiting import TESTING, waiting
from tito.curriculum.exercises import Exercise
from tito.curriculum.modules import Module

if TYPE_CHECKING:
    from tito.judge import Isolation, Judge, Report
    from tito.workspace.layout import Workspace
    from tito.workspace.standing import Standing
    from tito.workspace.work import Work

ALL = click.option("--all", "every", is_flag=True, help="Every module you have begun.")


@click.command()
@WHICH
@EXERCISE
@ALL
@ISOLATION
@JSON
def test(
    module: str | None, exercise: str | None, every: bool, isolation: Isolation, as_json: bool
) -> None:
    """Check your answers in MODULE, or in one EXERCISE of it.

    Without a name: the module last worked on. The name of an exercise alone will do, too:
    tito test matmul.
    """
    if every and module:
        raise click.UsageError("--all means every module you have begun: name none with it.")
    standing, chosen, wanted = choose_exercise(module, exercise)
    modules = _begun(standing) if every else [chosen]
    with _judge(isolation) as judge:
        reports = [_tested(standing, judge, m, wanted, as_json) for m in modules]
    if as_json:
        told = [report.to_dict(curriculum().wording) for report in reports]
        print_json(told if every else told[0])
    sys.exit(0 if all(report.passed for report in reports) else 1)


def _begun(standing: Standing) -> list[Module]:
    progress = standing.progress
    return [m for m in curriculum().available if progress.entry(m).is_begun]


def _tested(
    standing: Standing, judge: Judge, chosen: Module, wanted: Exercise | None, as_json: bool
) -> Report:
    """Judge, show, and record; a single exercise is not recorded: it is no verdict on the file."""
    from tito.cli.verdict import show_report
    from tito.workspace.testing import Tested, judge_work, run_tests

    work = _read(standing.workspace, chosen)
    with waiting(TESTING, silent=as_json):
        if wanted:
            tested = Tested(judge_work(standing.workspace, judge, work, wanted.id))
        else:
            tested = run_tests(standing.workspace, judge, work)
    if not as_json:
        show_report(tested.report, curriculum().wording)
        if tested.report.passed:
            say(after_exercise(wanted, standing) if wanted else after_passing(chosen, standing))
        _say_saved(work, tested.report)
    say_file_used(standing.workspace, chosen)
    _notice_saved(work)
    if tested.fault is not None:
        raise tested.fault
    return tested.report


@click.command()
@WHICH
@ISOLATION
def complete(module: str | None, isolation: Isolation) -> None:
    """Test MODULE; if all passes, put it into your package."""
    standing, chosen = choose(module)
    with _judge(isolation) as judge:
        _complete(standing, chosen, judge)


def _complete(standing: Standing, chosen: Module, judge: Judge) -> None:
    from tito.cli.completed import say_completion
    from tito.cli.verdict import show_report
    from tito.workspace.completion import complete_work

    work = _read(standing.workspace, chosen)
    with waiting(TESTING):
        done = complete_work(standing.workspace, judge, work)
    show_report(done.report, curriculum().wording)
    say_file_used(standing.workspace, chosen)
    _notice_saved(work)
    if done.fault is not None:
        raise done.fault
    if done.export is None:
        say(f"{chosen.label} is not complete yet; nothing was exported.")
        sys.exit(1)
    say_completion(standing.workspace, chosen, done)


@contextmanager
def _judge(isolation: Isolation) -> Iterator[Judge]:
    """A judge whose first guest starts at once, while we load the rest."""
    launcher = sandbox.choose(isolation)
    with launcher.ahead(sandbox.Limits()):
        from tito.judge import Judge

        yield Judge(curriculum(), isolation=launcher)


def _read(workspace: Workspace, chosen: Module) -> Work:
    from tito.workspace.work import read_work

    return read_work(workspace, chosen)


def _say_saved(work: Work, report: Report) -> None:
    """An exercise may look untouched because the file was not saved."""
    if any(result.status == "not started" for result in report.results):
        saved = datetime.fromtimestamp(work.path.stat().st_mtime)
        say(f"Only what is saved is tested; your file was last saved {saved:%Y-%m-%d %H:%M}.")


def _notice_saved(work: Work) -> None:
    if work.was_saved_since:
        notice(["Your file was saved again meanwhile. This is about the version before that; "
                "run it again for the new one."])  # fmt: skip
