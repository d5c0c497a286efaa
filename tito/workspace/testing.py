"""Judge the learner's own file against the graded tests of its module, and record the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tito.errors import TitoError
from tito.package.writer import Sources, upon
from tito.workspace.layout import Workspace
from tito.workspace.progress import changed_progress
from tito.workspace.work import Work, read_work

if TYPE_CHECKING:
    from tito.judge import Judge, Report


@dataclass(frozen=True)
class Tested:
    """A verdict, and why it could not be recorded (None if it was)."""

    report: Report
    fault: TitoError | None = None


def judge_work(
    workspace: Workspace,
    judge: Judge,
    work: Work,
    only: str | None = None,
    in_package: bool = True,
) -> Report:
    """Judge a learner's work upon the package's earlier modules, their own or prebuilt.

    `only`: one exercise's id; default all of them and, with `in_package`, the module in the
    package.

    Raises TitoError when one of those is not in the package yet, or the work cannot be read.
    """
    sources = _upon(workspace, work)
    return judge.judge(work.module, work.cells, sources, only=only, in_package=in_package)


def run_tests(workspace: Workspace, judge: Judge, work: Work) -> Tested:
    """Judge a learner's work and record the verdict in their progress, if that can be done.

    How the module does in the package is left to its completion: the answer comes sooner.
    """
    report = judge_work(workspace, judge, work, in_package=False)
    try:
        with changed_progress(workspace) as progress:
            progress.record_tests(work.module, report, work.digest)
    except TitoError as error:
        return Tested(report, not_recorded(error))
    return Tested(report)


def not_recorded(error: TitoError) -> TitoError:
    """The same error, said after a verdict that stands though nobody will remember it."""
    message = f"The verdict above is not recorded. {error.message}"
    return TitoError(message, error.fix, error.exit_code)


def judge_again(workspace: Workspace, number: int) -> tuple[Work, Report]:
    """What the module's file is worth now, for a progress that has to be rebuilt."""
    from tito.judge import Judge

    work = read_work(workspace, workspace.curriculum.module(number))
    return work, judge_work(workspace, Judge(workspace.curriculum), work)


def _upon(workspace: Workspace, work: Work) -> Sources:
    module, sources = work.module, workspace.sources()
    missing = [number for number in module.prerequisites if number not in sources]
    if missing:
        curriculum = workspace.curriculum
        first = curriculum.module(missing[0])
        raise TitoError(
            f"{module.label} is tested upon {curriculum.labels(missing)}, not in your package yet.",
            f"Finish {first.label} first: tito module complete {first.id}",
        )
    return upon(module, sources)
