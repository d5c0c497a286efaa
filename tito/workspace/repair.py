"""Rebuild a lost or damaged progress file from what counts: the work itself.

What is exported into the package was once good enough to export; whether it is complete is not
taken on trust but judged again, on the learner's own file.
"""

from __future__ import annotations

from datetime import datetime

from tito.curriculum.manifest import Module, load_manifest
from tito.errors import TitoError
from tito.workspace.layout import Workspace
from tito.workspace.progress import Progress, now

LOST = "Not recoverable: when you started, hints already shown, milestone results."


def rebuild(workspace: Workspace, damage: str) -> Progress:
    """Return a new progress for the workspace, saved, with notices about what was done.

    `damage` says what is wrong with the old file, which is kept as a backup if it exists.
    """
    progress = Progress.empty(workspace)
    progress.notices.append(f"The progress file {workspace.progress_path} was unusable: {damage}.")
    if workspace.progress_path.exists():
        kept = workspace.backup(workspace.progress_path)
        progress.notices.append(f"It is kept as {kept}.")
    exported = [m for m in load_manifest().available if m.number in workspace.sources()]
    doubts = {module: _recover(workspace, progress, module) for module in exported}
    progress.notices += _summary(exported, doubts)
    progress.data["rebuilt"] = {"time": now(), "why": damage}
    progress.save()
    return progress


def _recover(workspace: Workspace, progress: Progress, module: Module) -> str:
    """Judge an exported module again and record it; return why it is not complete, or ""."""
    from tito.workspace.testing import digest_of, judge_work

    progress.start(module)
    entry = progress.data["modules"][module.id]
    exported = (workspace.root / module.export_path).stat().st_mtime
    entry["started"] = None
    if progress.missing(module.prerequisites):
        return "a module before it is not complete"
    try:
        file = workspace.learner_file(module)
        digest = digest_of(file)
        report = judge_work(workspace, module)
    except TitoError as error:
        return error.message
    progress.record_tests(module, report, digest)
    if not report.passed:
        return f"{report.points} of {report.max_points} points"
    progress.complete(module, report)
    entry["completed"] = datetime.fromtimestamp(exported).astimezone().isoformat(timespec="seconds")
    return ""


def _summary(exported: list[Module], doubts: dict[Module, str]) -> list[str]:
    if not exported:
        return ["Rebuilt: your package holds no module yet, so you start at the beginning.", LOST]
    complete = [module.id for module in exported if not doubts[module]]
    lines = [
        f"Rebuilt from your package and by running the tests again: complete are "
        f"{', '.join(complete) or 'none'}."
    ]
    lines += [
        f"{module.label} is exported but not complete: {why}"
        for module, why in doubts.items()
        if why
    ]
    return [*lines, LOST]
