"""Take a learner's module into their package: `export`, and `complete` once every test passes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tito.curriculum.manifest import Milestone, Module, Part, load_manifest
from tito.workspace.layout import Workspace, available
from tito.workspace.progress import Progress, changed_progress
from tito.workspace.testing import digest_of, judge_work, require_completed

if TYPE_CHECKING:
    from tito.judge import Report


@dataclass(frozen=True)
class Export:
    """What an export wrote, from where, and the backup of what it replaced."""

    source: Path
    target: Path
    backup: Path | None
    changed: bool


@dataclass
class Completion:
    """The outcome of `tito module complete`: the verdict and, if it passed, what came of it."""

    report: Report
    export: Export | None = None
    is_first: bool = True
    modules: list[Module] = field(default_factory=list)  # ready to start now, and not before
    parts: list[tuple[Milestone, Part]] = field(default_factory=list)  # ready to run now


def export_work(workspace: Workspace, module: Module) -> Export:
    """Write the learner's file into their package, tested or not; keep what it replaces."""
    source = workspace.learner_file(available(module))
    export = _export(workspace, module, source)
    with changed_progress(workspace) as progress:
        progress.start(module)
        progress.record_export(module)
    return export


def complete_work(workspace: Workspace, module: Module) -> Completion:
    """Judge the learner's file; if all passes, export it and record the module as completed.

    Raises TitoError when a prerequisite is not completed or the file cannot be read or exported.
    """
    source = workspace.learner_file(available(module))
    require_completed(module, Progress.load(workspace))
    digest = digest_of(source)
    report = judge_work(workspace, module)
    export = _export(workspace, module, source) if report.passed else None
    with changed_progress(workspace) as progress:
        progress.record_tests(module, report, digest)
        if export is None:
            return Completion(report)
        before = progress.completed
        progress.record_export(module)
        progress.complete(module, report)
        return _unlocked(Completion(report, export), module, before, progress.completed)


def _export(workspace: Workspace, module: Module, source: Path) -> Export:
    from tito.literate.percent import read_cells
    from tito.package.exporter import export_source
    from tito.package.writer import exported_text, write_package

    text = export_source(read_cells(source), module, workspace.display_path(source))
    before = exported_text(workspace.root, module)
    target = workspace.root / module.export_path
    kept = workspace.backup(target) if before not in (None, text) else None
    write_package(workspace.root, {**workspace.sources(), module.number: text})
    return Export(source, target, kept, before != text)


def _unlocked(
    completion: Completion, module: Module, before: tuple[int, ...], after: tuple[int, ...]
) -> Completion:
    manifest = load_manifest()
    completion.is_first = module.number not in before
    completion.modules = [
        m for m in manifest.available if _opens(m.prerequisites, before, after) and m != module
    ]
    completion.parts = [
        (milestone, part)
        for milestone in manifest.milestones
        for part in milestone.parts
        if milestone.available and _opens(part.needs, before, after)
    ]
    return completion


def _opens(needs: tuple[int, ...], before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    """True when `needs` are all there `after` but were not `before`."""
    return set(needs) <= set(after) and not set(needs) <= set(before)
