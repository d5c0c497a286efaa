"""What several command groups begin with: which workspace, which module, which progress."""

from __future__ import annotations

from tito.cli.rendering import notice
from tito.curriculum.manifest import Module, load_manifest
from tito.workspace.layout import Workspace, available
from tito.workspace.progress import Progress
from tito.workspace.testing import current_module


def open_workspace() -> tuple[Workspace, Progress]:
    """The workspace we are in and its progress; says so if the progress had to be rebuilt."""
    workspace = Workspace.find()
    progress = Progress.load(workspace)
    notice(progress.notices)
    return workspace, progress


def choose(ref: str | None) -> tuple[Workspace, Module, Progress]:
    """The workspace, the available module named `ref` (default: the current one), the progress."""
    named = load_manifest().module(ref) if ref else None
    workspace, progress = open_workspace()
    return workspace, available(named or current_module(progress)), progress


def say_file_used(workspace: Workspace, module: Module) -> None:
    """When a module has both a notebook and a `.py`, say which one counts."""
    files = workspace.learner_files(module)
    if len(files) > 1:
        used, other = (workspace.display_path(file) for file in files)
        notice([f"There are two files for {module.label}. Used: {used}, saved after {other}."])


def state_of(module: Module, progress: Progress) -> str:
    """One or a few words: completed, in progress, ready, needs 02, not in this release."""
    if not module.available:
        return "later release"
    if module.number in progress.completed:
        return "completed"
    if progress.entry(module):
        return "in progress"
    missing = progress.missing(module.prerequisites)
    if not missing:
        return "ready"
    return "needs " + span(missing)


def span(numbers: list[int] | tuple[int, ...]) -> str:
    """Module numbers for a narrow column: "01, 02" or "01-07" for a long run."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(_run(run) for run in runs)


def _run(run: list[int]) -> str:
    if len(run) > 2:
        return f"{run[0]:02d}-{run[-1]:02d}"
    return ", ".join(f"{number:02d}" for number in run)
