"""`tito setup`: make a workspace, or add to one what it lacks. Nothing that exists is replaced."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.modules import PACKAGE_NAME, Track
from tito.errors import TitoError
from tito.files import sweep, write_atomic
from tito.package.workspaces import _workspace_above
from tito.package.writer import PLACEHOLDER_MARK, write_package
from tito.workspace.layout import DEFAULT_NAME, Workspace, current_folder, writable
from tito.workspace.progress import Progress
from tito.workspace.progress_file import locked
from tito.workspace.standing import Standing
from tito.workspace.tracks import along, choose_track

COPIED = ("milestones", "datasets")
# What running milestones leaves behind in a checkout; downloads are fetched again on demand.
NOT_COPIED = ("__pycache__", ".ipynb_checkpoints", "outputs")
EXPORT_MARK = "# Built by tito"
DOWNLOADS = Path("milestones", "datasets")

README = """\
# Your TinyTorch workspace

Here you build a machine-learning framework, one module at a time, and run the
milestones of the field's history on it.

    tito module start 01       open the first module's notebook
    tito module test 01        check your answers, as often as you like
    tito module hint 01        a nudge when you are stuck (three levels)
    tito module complete 01    put your code into your own package `tinytorch`
    tito next                  where you are, and what comes next
    tito milestone list        what your framework can already run

- `modules/` holds your notebooks. They are yours; nothing overwrites them
  without a backup. Rather work in a plain `.py`? This makes one beside the
  notebook: `jupytext --to py:percent modules/01_tensor/01_tensor.ipynb`.
  Of the two, `tito` takes the one that was saved last, and says so.
- `tinytorch/` is your framework. `tito` writes it from your notebooks: do not
  edit it by hand. Inside this folder `import tinytorch` always means this.
- `milestones/` and `datasets/` are the scripts and the data that use it.
- `.tinytorch/` keeps your progress and all backups.

Something odd? `tito system doctor` looks, and says what to do.
"""


@dataclass
class Setup:
    """What `tito setup` did: the workspace, whether it is new, the files it added or replaced."""

    workspace: Workspace
    is_new: bool
    added: list[Path] = field(default_factory=list)
    changed: list[Path] = field(default_factory=list)  # of the package, which tito writes
    kept: list[Path] = field(default_factory=list)  # differ from this release, left alone
    notices: list[str] = field(default_factory=list)

    def note(self, written: Iterable[Path], before: set[Path]) -> None:
        """Sort what was written into the package: new there, or in place of another version."""
        for path in written:
            known = self.changed if path in before else self.added
            if path not in self.added:
                known.append(path)


def default_folder() -> Path:
    """Where `tito setup` without an argument works.

    The workspace we are in; the current folder if nothing but hidden files and virtual
    environments are in it; else a new folder below it.
    """
    here = current_folder()
    found = _workspace_above(here)
    if found is not None:
        return Path(found)
    return here if _is_bare(here) else here / DEFAULT_NAME


def create(root: Path, curriculum: Curriculum) -> Setup:
    """Make `root` a workspace, or add what is missing there. Safe to run again."""
    root = root.resolve()
    _check_place(root)
    workspace = Workspace(root, curriculum)
    setup = Setup(workspace, is_new=not workspace.state_dir.is_dir())
    # First what makes a folder a workspace: stopped half-way, the next run finds it and goes on.
    # What is hidden comes before what is not: a folder of hidden files still counts as empty.
    for folder in (root, workspace.state_dir, workspace.modules_dir):
        _make_folder(folder)
    _add_notebooks(setup)
    for name in COPIED:
        _add_copies(setup, curriculum.root / name, root / name)
    _add(setup, root / "README.md", README)
    with locked(workspace):  # another tito may be exporting
        _add_progress(setup)
        sources = along(workspace, Standing.of(workspace).track)
        before = _package_files(workspace)
        setup.note(write_package(root, curriculum, sources), before)
    return setup


def follow(setup: Setup, track: Track) -> None:
    """Let the workspace follow `track` from now on, and note what that wrote."""
    before = _package_files(setup.workspace)
    setup.note(choose_track(setup.workspace, track), before)


def _package_files(workspace: Workspace) -> set[Path]:
    return set(workspace.package_dir.rglob("*.py"))


def _check_place(root: Path) -> None:
    if root.exists() and not root.is_dir():
        raise TitoError(
            f"{root} is a file; a workspace is a folder.",
            f"Name another place: tito setup {DEFAULT_NAME}",
        )
    if (root / "src" / "curriculum.toml").is_file():
        raise TitoError(
            f"{root} is TinyTorch's own source; its package must stay the reference.",
            f"Name a folder in it or elsewhere: tito setup {DEFAULT_NAME}",
        )
    if _is_foreign(root / PACKAGE_NAME):
        raise TitoError(
            f"{root / PACKAGE_NAME} was not made by tito; your own package belongs there.",
            f"Name another place: tito setup {DEFAULT_NAME}",
        )


def _is_foreign(package: Path) -> bool:
    """True for a folder that holds somebody's Python files and none that tito wrote."""
    files = list(package.rglob("*.py")) if package.is_dir() else []
    written = (file.name == "_pending.py" or _is_written_by_tito(file) for file in files)
    return bool(files) and not any(written)


def _is_written_by_tito(file: Path) -> bool:
    with file.open(encoding="utf-8", errors="replace") as lines:
        return lines.readline().startswith((PLACEHOLDER_MARK, EXPORT_MARK))


def _make_folder(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TitoError(
            f"Cannot make the folder {root}: {error.strerror or error}.",
            "Name a folder that you may write: tito setup FOLDER",
        ) from error
    if not writable(root):
        raise TitoError(
            f"The folder {root} cannot be written.",
            "Check its permissions and the free disk space, or name another: tito setup FOLDER",
        )


def _add_notebooks(setup: Setup) -> None:
    workspace = setup.workspace
    curriculum = workspace.curriculum
    missing = [m for m in curriculum.available if not workspace.learner_files(m)]
    if not missing:
        return
    from tito.curriculum.notebook import learner_notebook

    for module in missing:
        _add(setup, workspace.notebook(module), learner_notebook(curriculum, module))


def _add_copies(setup: Setup, source: Path, target: Path) -> None:
    for file in _files(source, setup.workspace.curriculum.root / DOWNLOADS):
        copy = target / file.relative_to(source)
        content = file.read_bytes()
        if not _add(setup, copy, content) and copy.read_bytes() != content:
            setup.kept.append(copy)


def _files(folder: Path, downloads: Path) -> Iterator[Path]:
    """All files below `folder` that belong to the release, in a fixed order."""
    for place, folders, files in os.walk(folder):
        here = Path(place)
        folders[:] = sorted(
            name for name in folders if name not in NOT_COPIED and here / name != downloads
        )
        yield from (here / name for name in sorted(files) if not name.startswith("."))


def _add(setup: Setup, path: Path, content: str | bytes) -> bool:
    if path.exists():
        sweep(path.parent)
        return False
    write_atomic(path, content, inside=setup.workspace.root)
    setup.added.append(path)
    return True


def _add_progress(setup: Setup) -> None:
    workspace = setup.workspace
    if not workspace.progress_path.exists() and not workspace.own_sources():
        Progress.empty(workspace).save()
        setup.added.append(workspace.progress_path)
    else:
        setup.notices += Progress.load(workspace).notices


def _is_bare(folder: Path) -> bool:
    return all(
        entry.name.startswith(".") or (entry / "pyvenv.cfg").is_file() for entry in folder.iterdir()
    )
