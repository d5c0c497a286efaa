"""Modules, milestones and tracks: what the manifest says, with what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tito.curriculum.schema import LimitEntry, MilestoneEntry, ModuleEntry, PartEntry

PACKAGE_NAME = "tinytorch"
DOTS = 4  # difficulty is shown as so many dots


class Module(ModuleEntry, frozen=True, kw_only=True):
    """One module: its entry in the manifest, where it lies, and what it builds upon.

    `prerequisites` are the numbers of all modules it needs, direct or not, in order; `optional`
    ones are not among them.
    """

    root: Path
    prerequisites: tuple[int, ...]

    @property
    def id(self) -> str:
        """Two digits: "05"."""
        return f"{self.number:02d}"

    @property
    def word(self) -> str:
        """The folder's name without its number; exercise ids start with it."""
        return self.folder.split("_", 1)[1]

    @property
    def label(self) -> str:
        """How messages name it: "Module 05 (Autograd)"."""
        return f"Module {self.id} ({self.title.partition(' (')[0]})"

    @property
    def dots(self) -> str:
        """The difficulty as dots out of four: "●●○○"."""
        return "●" * self.difficulty + "○" * (DOTS - self.difficulty)

    @property
    def source(self) -> Path:
        """The literate file."""
        return self.root / "src" / self.folder / f"{self.folder}.py"

    @property
    def guidance_file(self) -> Path:
        """Hints and planted mistakes of its exercises."""
        return self.source.with_name("guidance.toml")

    @property
    def available(self) -> bool:
        """True when this release contains the module, not only its place in the plan."""
        return self.source.is_file()

    @property
    def import_names(self) -> tuple[str, ...]:
        """What to import, the main file first: "tinytorch.core.autograd"."""
        return tuple(f"{PACKAGE_NAME}.{target}" for target in self.exports)

    @property
    def export_paths(self) -> dict[str, Path]:
        """Target → exported file, relative to the folder that holds the package."""
        return {t: Path(PACKAGE_NAME, *t.split(".")).with_suffix(".py") for t in self.exports}

    @property
    def facades(self) -> tuple[str, ...]:
        """The packages that show its names."""
        return (PACKAGE_NAME, *([f"{PACKAGE_NAME}.{self.facade}"] if self.facade else []))

    @property
    def shown(self) -> dict[str, str]:
        """Name that the façades show → the file it is imported from."""
        parts = (name.rpartition(":") for name in self.names)
        return {
            name: f"{PACKAGE_NAME}.{target}" if target else self.import_names[0]
            for target, _, name in parts
        }

    def limit(self, exercise_id: str) -> LimitEntry | None:
        """The bounds of an exercise that has its own."""
        return next((limit for limit in self.limits if limit.exercise == exercise_id), None)


class Part(PartEntry, frozen=True, kw_only=True):
    """One script of a milestone; `needs` are all modules it builds upon, direct or not."""

    number: int


class Milestone(MilestoneEntry, frozen=True, kw_only=True):
    """One historical milestone."""

    root: Path
    parts: tuple[Part, ...]

    @property
    def id(self) -> str:
        """Two digits: "03"."""
        return f"{self.number:02d}"

    @property
    def keys(self) -> tuple[str, ...]:
        """All by which it is found: number, name, aliases, folder, year."""
        numbers = str(self.number), self.id, str(self.year)
        return (*numbers, self.name, self.folder, *self.aliases)

    @property
    def place(self) -> Path:
        """The folder of its scripts."""
        return self.root / "milestones" / self.folder

    @property
    def available(self) -> bool:
        """True when this release contains the scripts."""
        return all((self.place / part.script).is_file() for part in self.parts)


@dataclass(frozen=True)
class Track:
    """Which modules a learner builds; what these need and is not among them comes prebuilt."""

    name: str
    title: str
    build: tuple[int, ...]
    prebuilt: tuple[int, ...]
