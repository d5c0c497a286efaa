"""Recover a lost progress from what counts: the work itself.

What is exported into the package was once good enough to export; whether it is complete is not
taken on trust but judged again, on the learner's own file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tito.curriculum.modules import Module
from tito.errors import TitoError
from tito.workspace.layout import Workspace
from tito.workspace.progress import Progress, changed_progress

if TYPE_CHECKING:
    from tito.judge import Report

GONE = "Not recoverable: when you started, hints already shown, milestone results, your track."


@dataclass(frozen=True)
class Finding:
    """What became of one exported module; `doubt` says why it is not complete ("" if it is)."""

    module: Module
    doubt: str
    report: Report | None = None
    digest: str = ""


def rebuild(workspace: Workspace) -> Progress:
    """Return the workspace's progress; if it was lost, judge the work again and record that.

    This runs the learner's code, as `tito module test` does, and takes as long. What was recorded
    since the loss stays. `notices` of the progress returned say what was lost and recovered.
    """
    progress = Progress.load(workspace)
    if not progress.lost or progress.is_newer:
        return progress
    findings = _judge_exported(workspace)
    with changed_progress(workspace) as progress:
        if progress.lost:  # still: another tito may have been faster
            for finding in findings:
                _record(workspace, progress, finding)
            progress.notices += _summary(findings)
            progress.records.lost = ""
    return progress


def _judge_exported(workspace: Workspace) -> list[Finding]:
    """Judge every module that the learner exported, in order."""
    own = workspace.own_sources()
    sound = workspace.sources().keys() - own.keys()  # prebuilt modules need no judging
    findings: list[Finding] = []
    for module in workspace.curriculum.available:
        if module.number in own:
            findings.append(_judge(workspace, module, sound))
            if not findings[-1].doubt:
                sound.add(module.number)
    return findings


def _judge(workspace: Workspace, module: Module, sound: set[int]) -> Finding:
    from tito.workspace.testing import judge_again  # the judge, which a sound progress never needs

    if not sound.issuperset(module.prerequisites):
        return Finding(module, "a module before it is not complete")
    try:
        work, report = judge_again(workspace, module.number)
    except TitoError as error:
        return Finding(module, error.message)
    return Finding(module, _doubt(report), report, work.digest)


def _doubt(report: Report) -> str:
    if report.passed and not report.complete:
        return "it does not work together with the other modules"
    return "" if report.complete else f"{report.points} of {report.max_points} points"


def _record(workspace: Workspace, progress: Progress, finding: Finding) -> None:
    """Record a finding. When the module was started is not known; exported it was in its time."""
    module, report, entry = finding.module, finding.report, progress.edit(finding.module)
    started, current = entry.started, progress.current
    exported = _exported_at(workspace, module)
    if report is not None:
        progress.record_tests(module, report, finding.digest)
    if report is not None and report.complete:
        entry.completed = entry.completed or exported
        progress.complete(module, report)
    entry.started, entry.exported = started, entry.exported or exported
    progress.records.current = current or module.id


def _exported_at(workspace: Workspace, module: Module) -> str:
    files = [workspace.root / path for path in module.export_paths.values()]
    saved = max(file.stat().st_mtime for file in files)
    return datetime.fromtimestamp(saved).astimezone().isoformat(timespec="seconds")


def _summary(findings: list[Finding]) -> list[str]:
    if not findings:
        return ["Rebuilt: your package holds no module yet, so you start at the beginning.", GONE]
    complete = [finding.module.id for finding in findings if not finding.doubt]
    lines = [
        "Rebuilt from your package and by running the tests again: complete are "
        f"{', '.join(complete) or 'none'}."
    ]
    doubted = [finding for finding in findings if finding.doubt]
    lines += [f"{f.module.label} is exported but not complete: {f.doubt}" for f in doubted]
    return [*lines, GONE]
