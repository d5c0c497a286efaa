"""What comes next: the part to run after this one, and the milestone that is nearest."""

from __future__ import annotations

from tito.curriculum.modules import Module
from tito.milestones.context import Context, Run
from tito.workspace.standing import Standing


def next_run(context: Context, after: Run) -> Run | None:
    """The first part behind `after` that can run now and has no result yet; None without one."""
    runs = [(m, part) for m in context.curriculum.milestones if m.available for part in m.parts]
    rest = runs[runs.index(after) + 1 :]
    return next((run for run in rest if _is_open(context, run)), None)


def first_open(standing: Standing) -> Run | None:
    """The first part that can run now and has no result yet; None without one."""
    for milestone in standing.workspace.curriculum.milestones:
        done = standing.progress.milestone_results(milestone)
        for part in milestone.parts if milestone.available else ():
            if part.number not in done and not standing.missing(part.needs):
                return milestone, part
    return None


def _is_open(context: Context, run: Run) -> bool:
    milestone, part = run
    return not context.missing(part) and part.number not in context.results(milestone)


def nearest(standing: Standing, module: Module) -> tuple[Run, list[int]] | None:
    """Of the parts that build upon `module` and cannot run yet, the one that lacks least.

    Returns the part and the numbers of the modules it lacks; None when nothing waits.
    """
    waiting = [
        ((milestone, part), standing.missing(part.needs))
        for milestone in standing.workspace.curriculum.milestones
        for part in milestone.parts
        if milestone.available and module.number in part.needs and standing.missing(part.needs)
    ]
    return min(waiting, key=lambda found: len(found[1]), default=None)
