"""Start a module over: a fresh notebook, with every file of the learner's kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tito.curriculum.modules import Module
from tito.errors import TitoError
from tito.files import write_atomic
from tito.workspace.layout import Workspace
from tito.workspace.progress import changed_progress


@dataclass(frozen=True)
class Reset:
    """Where the fresh notebook is, and where each replaced file is kept (old → backup)."""

    notebook: Path
    kept: dict[Path, Path]


def reset_work(workspace: Workspace, module: Module) -> Reset:
    """Back up the learner's files of the module, then write a fresh notebook.

    What the module exported earlier stays in the package, and a completion stays recorded.
    """
    from tito.curriculum.notebook import learner_notebook

    fresh = learner_notebook(workspace.curriculum, workspace.available(module))
    notebook = workspace.notebook(module)
    kept = {path: workspace.backup(path) for path in workspace.learner_files(module)}
    write_atomic(notebook, fresh, inside=workspace.root)
    for path in kept.keys() - {notebook}:
        _remove(path)
    with changed_progress(workspace) as progress:
        progress.forget_attempt(module)
    return Reset(notebook, kept)


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise TitoError(
            f"The fresh notebook is written, but {path} could not be removed: {error.strerror}.",
            "Remove it by hand: of two files tito uses the one last saved.",
        ) from error
