"""The manifest (`src/curriculum.toml`) as objects: modules, milestones and their order."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tito.errors import TitoError
from tito.resources import curriculum_root

PACKAGE_NAME = "tinytorch"
DOTS = 4  # difficulty is shown as so many dots


@dataclass(frozen=True)
class Module:
    """One module of the curriculum, as the manifest declares it."""

    root: Path
    number: int
    folder: str
    title: str
    tier: str
    difficulty_level: int
    hours: str
    points: int
    prerequisites: tuple[int, ...]
    target: str
    facade: str
    names: tuple[str, ...]
    on_import: str  # a statement that `import tinytorch` runs once the module is built
    terms: tuple[str, ...]  # concepts it introduces, for the order check

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
    def difficulty(self) -> str:
        """Dots out of four: "●●○○"."""
        return "●" * self.difficulty_level + "○" * (DOTS - self.difficulty_level)

    @property
    def source(self) -> Path:
        """The literate file."""
        return self.root / "src" / self.folder / f"{self.folder}.py"

    @property
    def guidance(self) -> Path:
        """Hints and planted mistakes of its exercises."""
        return self.root / "src" / self.folder / "guidance.toml"

    @property
    def available(self) -> bool:
        """True when this release contains the module, not only its place in the plan."""
        return self.source.is_file()

    @property
    def import_name(self) -> str:
        """What to import: "tinytorch.core.autograd"."""
        return f"{PACKAGE_NAME}.{self.target}"

    @property
    def export_path(self) -> Path:
        """The exported file, relative to the folder that holds the package."""
        return Path(PACKAGE_NAME, *self.target.split(".")).with_suffix(".py")

    @property
    def facades(self) -> dict[str, tuple[str, ...]]:
        """Façade package → names of this module that it shows."""
        packages = [PACKAGE_NAME] + ([f"{PACKAGE_NAME}.{self.facade}"] if self.facade else [])
        return dict.fromkeys(packages, self.names)


@dataclass(frozen=True)
class Target:
    """What a milestone part sets out to reach: a band for one measured metric."""

    metric: str
    text: str
    at_least: float | None = None
    at_most: float | None = None

    def met_by(self, value: float) -> bool:
        """True when `value` lies inside the band."""
        low = self.at_least is None or value >= self.at_least
        high = self.at_most is None or value <= self.at_most
        return low and high


@dataclass(frozen=True)
class Part:
    """One script of a milestone."""

    number: int
    script: str
    title: str
    needs: tuple[int, ...]
    data: str
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Milestone:
    """One historical milestone."""

    root: Path
    number: int
    name: str
    aliases: tuple[str, ...]
    folder: str
    title: str
    year: int
    parts: tuple[Part, ...]

    @property
    def id(self) -> str:
        """Two digits: "03"."""
        return f"{self.number:02d}"

    @property
    def available(self) -> bool:
        """True when this release contains the scripts."""
        return all(
            (self.root / "milestones" / self.folder / p.script).is_file() for p in self.parts
        )


@dataclass(frozen=True)
class Manifest:
    """All modules and milestones, in order."""

    modules: tuple[Module, ...]
    milestones: tuple[Milestone, ...]

    @property
    def available(self) -> tuple[Module, ...]:
        """The modules that this release contains."""
        return tuple(module for module in self.modules if module.available)

    def module(self, ref: str | int) -> Module:
        """Find a module by number, "05", word ("autograd"), folder or title."""
        return _find(str(ref), self.modules, _module_keys, "module", "tito module list")

    def milestone(self, ref: str | int) -> Milestone:
        """Find a milestone by number, name, alias or folder."""
        return _find(str(ref), self.milestones, _milestone_keys, "milestone", "tito milestone list")


def _module_keys(module: Module) -> tuple[str, ...]:
    return (str(module.number), module.id, module.word, module.folder, module.title.lower())


def _milestone_keys(milestone: Milestone) -> tuple[str, ...]:
    return (
        str(milestone.number), milestone.id, milestone.name, milestone.folder, *milestone.aliases
    )  # fmt: skip


def _find(ref: str, entries: Any, keys_of: Any, kind: str, listing: str) -> Any:
    wanted = ref.strip().lower()
    by_key = {key: entry for entry in entries for key in keys_of(entry)}
    if wanted in by_key:
        return by_key[wanted]
    close = [] if wanted.isdigit() else difflib.get_close_matches(wanted, by_key, n=1)
    maybe = f" Did you mean {close[0]!r}?" if close else ""
    raise TitoError(
        f"There is no {kind} {ref!r}; they go from 01 to {len(entries):02d}.{maybe}",
        f"See them all: {listing}",
        exit_code=2,
    )


@cache
def load_manifest(root: Path | None = None) -> Manifest:
    """Read the manifest below `root` (default: the curriculum this tito came with)."""
    root = root or curriculum_root()
    path = root / "src" / "curriculum.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise TitoError(f"Cannot read the manifest {path}: {error}") from error
    modules = tuple(_module(root, entry) for entry in table["modules"])
    milestones = tuple(_milestone(root, entry) for entry in table.get("milestones", ()))
    return Manifest(modules, milestones)


def _module(root: Path, entry: dict[str, Any]) -> Module:
    return Module(
        root=root,
        difficulty_level=entry["difficulty"],
        prerequisites=tuple(entry["prerequisites"]),
        facade=entry.get("facade", ""),
        on_import=entry.get("on_import", ""),
        terms=tuple(entry.get("terms", ())),
        names=tuple(entry["names"]),
        **{
            key: entry[key]
            for key in ("number", "folder", "title", "tier", "hours", "points", "target")
        },
    )


def _milestone(root: Path, entry: dict[str, Any]) -> Milestone:
    parts = tuple(_part(number, part) for number, part in enumerate(entry["parts"], start=1))
    return Milestone(
        root=root,
        aliases=tuple(entry["aliases"]),
        parts=parts,
        **{key: entry[key] for key in ("number", "name", "folder", "title", "year")},
    )


def _part(number: int, entry: dict[str, Any]) -> Part:
    targets = tuple(Target(**target) for target in entry["targets"])
    return Part(
        number,
        entry["script"],
        entry["title"],
        tuple(entry["needs"]),
        entry.get("data", ""),
        targets,
    )
