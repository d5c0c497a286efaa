"""Judge the learner's own file against the graded tests of its module."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from tito.curriculum.manifest import Module, load_manifest
from tito.errors import TitoError
from tito.workspace.layout import Workspace, available, from_here
from tito.workspace.progress import Progress, changed_progress

if TYPE_CHECKING:
    from tito.judge import Report


def judge_work(workspace: Workspace, module: Module) -> Report:
    """Judge the learner's file of `module`, upon the learner's own exported earlier modules.

    Raises TitoError when one of those is not in the package yet, or the file cannot be read.
    """
    from tito.judge import judge_file

    sources = workspace.sources(below=module.number)
    _require_exported(available(module), sources)
    needed = {n: text for n, text in sources.items() if n in module.prerequisites}
    return judge_file(module, from_here(workspace.learner_file(module)), needed)


def run_tests(workspace: Workspace, module: Module) -> Report:
    """Judge the learner's file and record the verdict in their progress."""
    digest = digest_of(workspace.learner_file(available(module)))
    report = judge_work(workspace, module)
    with changed_progress(workspace) as progress:
        progress.record_tests(module, report, digest)
    return report


def current_module(progress: Progress) -> Module:
    """The module last worked on; else the first one that is not completed."""
    manifest = load_manifest()
    if progress.current:
        return manifest.module(progress.current)
    todo = [m for m in manifest.available if m.number not in progress.completed]
    return todo[0] if todo else manifest.available[-1]


def digest_of(file: Path) -> str:
    """A short fingerprint of the file's content."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def require_completed(module: Module, progress: Progress) -> None:
    """Raise a TitoError that names the modules to complete before this one, if there are any."""
    missing = progress.missing(module.prerequisites)
    if missing:
        first = load_manifest().module(missing[0])
        raise TitoError(
            f"{module.label} builds on {labels(missing)}, not completed yet.",
            f"Go on with {first.label}: tito module start {first.id}",
        )


def _require_exported(module: Module, sources: dict[int, str]) -> None:
    missing = [number for number in module.prerequisites if number not in sources]
    if missing:
        first = load_manifest().module(missing[0])
        raise TitoError(
            f"{module.label} is tested upon your own {labels(missing)}, not in your package yet.",
            f"Finish {first.label} first: tito module complete {first.id}",
        )


def labels(numbers: list[int]) -> str:
    """For messages: "Module 01 (Tensor) and Module 02 (Activations)"."""
    labels = [load_manifest().module(number).label for number in numbers]
    return " and ".join([", ".join(labels[:-1]), labels[-1]] if len(labels) > 1 else labels)
