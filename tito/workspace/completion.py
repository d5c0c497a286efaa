"""Take a learner's module into their package: `export`, and `complete` once every test passes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tito.curriculum.modules import Milestone, Module, Part
from tito.errors import TitoError
from tito.judge import Judge, Report
from tito.package.writer import write_package
from tito.workspace.layout import Workspace
from tito.workspace.progress import Progress, changed_progress
from tito.workspace.standing import Standing
from tito.workspace.testing import judge_work, not_recorded
from tito.workspace.work import Work


@dataclass(frozen=True)
class Export:
    """What an export wrote, from where, and the backups of what it replaced."""

    source: Path
    targets: tuple[Path, ...]
    backups: tuple[Path, ...]
    changed: bool


@dataclass
class Completion:
    """The outcome of `tito module complete`: the verdict and, if it passed, what came of it.

    `fault` says why the verdict could not be recorded, or the work not be exported.
    """

    report: Report
    export: Export | None = None
    fault: TitoError | None = None
    is_first: bool = True
    modules: list[Module] = field(default_factory=list)  # ready to start now, and not before
    parts: list[tuple[Milestone, Part]] = field(default_factory=list)  # ready to run now


def export_work(workspace: Workspace, work: Work) -> Export:
    """Write the learner's work into their package, tested or not; keep what it replaces."""
    with changed_progress(workspace) as progress:
        export = _export(workspace, work)
        progress.start(work.module)
        progress.record_export(work.module)
    return export


def complete_work(workspace: Workspace, judge: Judge, work: Work) -> Completion:
    """Judge the learner's work; if all passes, export it and record the module as completed.

    What was judged is what is exported and recorded: the work as it was read, whatever has been
    saved since. Raises TitoError when a prerequisite is not met or the work cannot be read.
    """
    before = Standing.of(workspace)
    before.require_met(work.module)
    completion = Completion(judge_work(workspace, judge, work))
    completion.is_first = work.module.number not in before.progress.completed
    try:
        with changed_progress(workspace) as progress:
            _take_in(workspace, work, completion, progress)
    except TitoError as error:
        completion.fault = not_recorded(error)
        return completion
    return _unlocked(completion, work.module, before, Standing(workspace, progress))


def _take_in(workspace: Workspace, work: Work, completion: Completion, progress: Progress) -> None:
    """Record the verdict; if all passed, export the work too."""
    report = completion.report
    progress.record_tests(work.module, report, work.digest)
    if report.complete:
        completion.export = _export(workspace, work)
        progress.record_export(work.module)
        progress.complete(work.module, report)


def _export(workspace: Workspace, work: Work) -> Export:
    """Write the work into the package. The caller keeps every other tito out of it meanwhile."""
    before = workspace.own_sources().get(work.module.number, {})  # no backup of what is prebuilt
    paths = {t: workspace.root / path for t, path in work.module.export_paths.items()}
    replaced = [paths[t] for t, text in before.items() if text != work.exports[t]]
    backups = tuple(workspace.backup(path) for path in replaced)
    sources = {**workspace.sources(), work.module.number: work.exports}
    write_package(workspace.root, workspace.curriculum, sources)
    return Export(work.path, tuple(paths.values()), backups, dict(work.exports) != before)


def _unlocked(
    completion: Completion, module: Module, before: Standing, after: Standing
) -> Completion:
    curriculum = after.workspace.curriculum
    completion.modules = [
        m for m in after.todo if m != module and _opens(m.prerequisites, before, after)
    ]
    completion.parts = [
        (milestone, part)
        for milestone in curriculum.milestones
        for part in milestone.parts
        if milestone.available and _opens(part.needs, before, after)
    ]
    return completion


def _opens(needs: tuple[int, ...], before: Standing, after: Standing) -> bool:
    """True when `needs` are all met `after` but were not `before`."""
    return bool(before.missing(needs)) and not after.missing(needs)
