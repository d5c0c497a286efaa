"""The curriculum as a value: loaded once, checked, and passed to whoever needs it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import msgspec

from tito.curriculum.consistency import check_manifest, check_wording
from tito.curriculum.exercises import Exercise, hidden_tests, pair_exercises
from tito.curriculum.guidance import Guidance, load_guidance
from tito.curriculum.modules import Milestone, Module, Part, Track
from tito.curriculum.numbers import parse_numbers, show_numbers
from tito.curriculum.schema import ManifestFile, MilestoneEntry, TextEntry, read_toml
from tito.errors import TitoError
from tito.literate.cells import Cell
from tito.literate.reading import read_cells
from tito.messages import Wording, english
from tito.resources import curriculum_root

Found = TypeVar("Found")


@dataclass(eq=False)
class Curriculum:
    """All modules, milestones and tracks of one curriculum, and the texts they consist of.

    Texts are read on first use and kept: one `Curriculum` is one state of its files.
    """

    root: Path
    modules: tuple[Module, ...]
    milestones: tuple[Milestone, ...]
    tracks: tuple[Track, ...]
    packages: dict[str, str]  # façade package → what it is, in a few words
    wording: Wording
    text: TextEntry | None = None  # what every module's text must have
    hidden: Path | None = None  # a folder of tests that learners do not see, one file a module
    _cells: dict[int, tuple[Cell, ...]] = field(default_factory=dict, repr=False)
    _exercises: dict[int, tuple[Exercise, ...]] = field(default_factory=dict, repr=False)
    _guidance: dict[int, dict[str, Guidance]] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, root: Path | None = None, hidden: Path | None = None) -> Curriculum:
        """Read the curriculum below `root` (default: the one this tito came with).

        Raises TitoError with file and place for whatever is wrong in its manifest.
        """
        if hidden is not None and not hidden.is_dir():
            raise TitoError(f"There is no folder of hidden tests {hidden}.")
        root = root or curriculum_root()
        path = root / "src" / "curriculum.toml"
        manifest = read_toml(path, ManifestFile)
        check_manifest(manifest, path)
        direct = {entry.number: entry.requires for entry in manifest.modules}
        return cls(
            root,
            tuple(
                Module(
                    root=root,
                    prerequisites=closure(direct, entry.requires),
                    **msgspec.structs.asdict(entry),
                )
                for entry in manifest.modules
            ),
            tuple(_milestone(root, entry, direct) for entry in manifest.milestones),
            tuple(
                _track(entry.name, entry.title, parse_numbers(entry.build), direct)
                for entry in manifest.tracks
            ),
            manifest.packages,
            _wording(path, manifest.wording),
            manifest.text,
            hidden,
        )

    # -- the texts of a module -----------------------------------------------------------------

    def cells(self, module: Module) -> tuple[Cell, ...]:
        """The cells of its literate file."""
        if module.number not in self._cells:
            self._cells[module.number] = tuple(read_cells(module.source))
        return self._cells[module.number]

    def exercises(self, module: Module) -> tuple[Exercise, ...]:
        """Its exercises in order, each with its graded tests, visible and hidden."""
        if module.number not in self._exercises:
            hidden = hidden_tests(self.hidden / f"{module.folder}.py") if self.hidden else {}
            found = pair_exercises(module, self.cells(module), hidden)
            self._exercises[module.number] = found
        return self._exercises[module.number]

    def guidance(self, module: Module) -> dict[str, Guidance]:
        """Exercise id → its hints and planted mistakes."""
        if module.number not in self._guidance:
            self._guidance[module.number] = load_guidance(module.guidance_file)
        return self._guidance[module.number]

    # -- finding -------------------------------------------------------------------------------

    @cached_property
    def available(self) -> tuple[Module, ...]:
        """The modules that this release contains."""
        return tuple(module for module in self.modules if module.available)

    @property
    def default_track(self) -> Track:
        """What a learner follows who has not chosen: the manifest's first track, else all."""
        return self.tracks[0] if self.tracks else self.own_track([m.number for m in self.modules])

    def module(self, ref: str | int) -> Module:
        """Find a module by number, "05", word ("autograd"), folder or title."""
        by_key = {key: module for module in self.modules for key in _module_keys(module)}
        return _find(str(ref), by_key, "module", "tito module list", len(self.modules))

    def milestone(self, ref: str | int) -> Milestone:
        """Find a milestone by number, name, alias, year or folder."""
        by_key = {key: milestone for milestone in self.milestones for key in milestone.keys}
        return _find(str(ref), by_key, "milestone", "tito milestone list", len(self.milestones))

    def track(self, ref: str) -> Track:
        """Find a track by name, or make one of a list of numbers such as "8, 14-19".

        Raises TitoError for an unknown name, or a number that no module has.
        """
        known = {track.name: track for track in self.tracks}
        if ref in known:
            return known[ref]
        try:
            return self.own_track(parse_numbers(ref))
        except ValueError as error:
            named = f"it is none of {', '.join(known)}, and " if known else ""
            raise TitoError(
                f"There is no track {ref!r}: {named}{error}.",
                "Name a track, or the modules to build, such as 1-7 or 14-19.",
                exit_code=2,
            ) from None

    def own_track(self, build: Sequence[int]) -> Track:
        """A team's or a workshop's own choice of modules. Raises ValueError for an unknown one."""
        unknown = sorted(set(build) - {module.number for module in self.modules})
        if unknown:
            raise ValueError(f"there is no module {show_numbers(unknown)}")
        direct = {module.number: module.requires for module in self.modules}
        title = f"Module{'s' if len(build) > 1 else ''} {show_numbers(build)}"
        return _track("own", title, tuple(build), direct)

    def labels(self, numbers: Iterable[int]) -> str:
        """For messages: "Module 01 (Tensor) and Module 02 (Activations)"."""
        names = [self.module(number).label for number in numbers]
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def closure(direct: dict[int, tuple[int, ...]], numbers: Iterable[int]) -> tuple[int, ...]:
    """The numbers, with everything they need directly or not, in order."""
    found: set[int] = set()
    waiting = list(numbers)
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            waiting += direct[number]
    return tuple(sorted(found))


def _milestone(root: Path, entry: MilestoneEntry, direct: dict[int, tuple[int, ...]]) -> Milestone:
    parts = tuple(
        Part(number=n, **{**msgspec.structs.asdict(part), "needs": closure(direct, part.needs)})
        for n, part in enumerate(entry.parts, start=1)
    )
    return Milestone(root=root, **{**msgspec.structs.asdict(entry), "parts": parts})


def _track(
    name: str, title: str, build: tuple[int, ...], direct: dict[int, tuple[int, ...]]
) -> Track:
    needed = closure(direct, build)
    return Track(name, title, build, tuple(number for number in needed if number not in build))


def _wording(manifest: Path, name: str | None) -> Wording:
    if name is None:
        return english()
    path = manifest.with_name(name)
    sentences = read_toml(path, dict[str, str])
    check_wording(sentences, path)
    return english().replaced_by(sentences)


def _module_keys(module: Module) -> tuple[str, ...]:
    numbers = str(module.number), module.id
    return (*numbers, module.word, module.folder, module.title.lower())


def _find(ref: str, by_key: dict[str, Found], kind: str, listing: str, count: int) -> Found:
    wanted = ref.strip().lower()
    if wanted in by_key:
        return by_key[wanted]
    close = [] if wanted.isdigit() else difflib.get_close_matches(wanted, by_key, n=1)
    maybe = f" Did you mean {close[0]!r}?" if close else ""
    raise TitoError(
        f"There is no {kind} {ref!r}; they go from 01 to {count:02d}.{maybe}",
        f"See them all: {listing}",
        exit_code=2,
    )
