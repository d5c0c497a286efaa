"""Where things stand in a learner's workspace, and how nothing in it is lost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.modules import PACKAGE_NAME, Module
from tito.errors import TitoError
from tito.files import backup, temporary
from tito.package.workspaces import _workspace_above
from tito.package.writer import Exports, built_exports, is_prebuilt

STATE = ".tinytorch"
DEFAULT_NAME = "tinytorch-workspace"


@dataclass(frozen=True)
class Workspace:
    """A folder with a learner's notebooks, their growing package, milestones and progress."""

    root: Path
    curriculum: Curriculum

    @classmethod
    def find(cls, curriculum: Curriculum, start: Path | None = None) -> Workspace:
        """Return the nearest workspace at or above `start` (default: the current folder).

        Raises TitoError when there is none.
        """
        start = start or current_folder()
        root = _workspace_above(start)
        if root is None:
            raise TitoError(f"No TinyTorch workspace in {start} or above it.", _way_in(start))
        return cls(Path(root), curriculum)

    @property
    def modules_dir(self) -> Path:
        """The learner's notebooks, one folder a module."""
        return self.root / "modules"

    @property
    def package_dir(self) -> Path:
        """The package that grows from the learner's exports."""
        return self.root / PACKAGE_NAME

    @property
    def state_dir(self) -> Path:
        """What tito keeps: progress and backups."""
        return self.root / STATE

    @property
    def progress_path(self) -> Path:
        """The progress file."""
        return self.state_dir / "progress.json"

    @property
    def backups_dir(self) -> Path:
        """One folder for each time that something was replaced."""
        return self.state_dir / "backups"

    def notebook(self, module: Module) -> Path:
        """Where the module's notebook belongs."""
        return self.modules_dir / module.folder / f"{module.folder}.ipynb"

    def learner_files(self, module: Module) -> list[Path]:
        """The learner's files of a module that exist, the one last saved first."""
        notebook = self.notebook(module)
        found = [path for path in (notebook, notebook.with_suffix(".py")) if path.is_file()]
        return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)

    def learner_file(self, module: Module) -> Path:
        """The learner's file of a module: of two the one last saved. TitoError if there is none."""
        files = self.learner_files(self.available(module))
        if not files:
            raise TitoError(
                f"{module.label} has no file: expected {self.notebook(module)}.",
                f"Get a fresh notebook: tito module reset {module.id}",
            )
        return files[0]

    def available(self, module: Module) -> Module:
        """The module itself, if this release contains it; else a TitoError."""
        if not module.available:
            ready = [m.id for m in self.curriculum.available]
            span = f"it goes from Module {ready[0]} to {ready[-1]}." if ready else "it has none."
            raise TitoError(
                f"{module.label} is not in this release yet; {span}",
                "See them all: tito module list",
            )
        return module

    def sources(self) -> dict[int, Exports]:
        """Module number → its files in the package, the learner's own and prebuilt ones."""
        found = {m.number: built_exports(self.root, m) for m in self.curriculum.modules}
        return {number: exports for number, exports in found.items() if exports is not None}

    def own_sources(self) -> dict[int, Exports]:
        """Module number → what the learner exported."""
        return {n: exports for n, exports in self.sources().items() if not is_prebuilt(exports)}

    def backup(self, path: Path) -> Path:
        """Copy `path` into a new folder below `.tinytorch/backups/`; return where the copy is.

        Never overwrites an earlier backup.
        """
        return backup(path, self.backups_dir, inside=self.root)

    def display_path(self, path: Path) -> str:
        """The path as a person at work in the workspace would write it."""
        inside = path.is_relative_to(self.root)
        return str(path.relative_to(self.root)) if inside else str(path)


def current_folder() -> Path:
    """The current folder; a TitoError when it was deleted under us."""
    try:
        return Path.cwd()
    except OSError as error:
        raise TitoError(
            "The current folder no longer exists.", "Go to another folder, then try again."
        ) from error


def from_here(path: Path) -> Path:
    """The path as seen from the current folder if it lies below it; else the path itself."""
    here = current_folder()
    return path.relative_to(here) if path.is_relative_to(here) else path


def writable(folder: Path) -> bool:
    """True when files can be made in `folder`; tried for real, since permission bits can lie."""
    try:
        with temporary(folder) as probe:
            probe.touch()
    except OSError:
        return False
    return True


def _way_in(start: Path) -> str:
    if _workspace_above(start / DEFAULT_NAME) is not None:
        return f"There is one right below: cd {DEFAULT_NAME}"
    return "Make one here: tito setup\nOr go to the one you have."
