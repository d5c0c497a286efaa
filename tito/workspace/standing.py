"""Where a learner stands: which modules are done, given, open, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from tito.curriculum.modules import Module, Track
from tito.curriculum.numbers import show_numbers
from tito.errors import TitoError
from tito.workspace.layout import Workspace
from tito.workspace.progress import Progress


@dataclass(frozen=True)
class Standing:
    """A workspace with its progress, seen along its track."""

    workspace: Workspace
    progress: Progress

    @classmethod
    def of(cls, workspace: Workspace) -> Standing:
        """The present standing, as the progress file has it."""
        return cls(workspace, Progress.load(workspace))

    @cached_property
    def track(self) -> Track:
        """The track chosen, else the curriculum's own."""
        curriculum, choice = self.workspace.curriculum, self.progress.track
        if choice is None:
            return curriculum.default_track
        known = {track.name: track for track in curriculum.tracks}
        return known.get(choice.name) or curriculum.own_track(choice.build)

    @cached_property
    def prebuilt(self) -> tuple[int, ...]:
        """The modules that the track gives and in whose place no work of the learner's stands."""
        own = {*self.progress.completed, *self.workspace.own_sources()}
        here = [module.number for module in self.workspace.curriculum.available]
        return tuple(n for n in self.track.prebuilt if n in here and n not in own)

    @cached_property
    def met(self) -> tuple[int, ...]:
        """What later modules and milestones can build upon: one's own, and what is given."""
        return tuple(sorted({*self.progress.completed, *self.prebuilt}))

    @cached_property
    def own(self) -> list[Module]:
        """The modules of the track that this release has, in order."""
        return [m for m in self.workspace.curriculum.available if m.number in self.track.build]

    @cached_property
    def todo(self) -> list[Module]:
        """The modules of the track that this release has and that are not completed, in order."""
        return [m for m in self.own if m.number not in self.progress.completed]

    def missing(self, numbers: Iterable[int]) -> list[int]:
        """Those of `numbers` that are neither completed nor given."""
        return [number for number in numbers if number not in self.met]

    def state_of(self, module: Module) -> str:
        """One or a few words: completed, prebuilt, in progress, ready, needs 02, later release."""
        if module.number in self.progress.completed:
            return "completed"
        if module.number in self.prebuilt:
            return "prebuilt"
        if not module.available:
            return "later release"
        if self.progress.entry(module).is_begun:
            return "in progress"
        missing = self.missing(module.prerequisites)
        return "needs " + show_numbers(missing) if missing else "ready"

    @property
    def current(self) -> Module:
        """The module last worked on; else the first one to do."""
        curriculum = self.workspace.curriculum
        if self.progress.current:
            return curriculum.module(self.progress.current)
        return self.todo[0] if self.todo else curriculum.available[-1]

    @property
    def next(self) -> Module | None:
        """The first module to do whose prerequisites are met."""
        return next((m for m in self.todo if not self.missing(m.prerequisites)), None)

    def require_met(self, module: Module) -> None:
        """Raise a TitoError that names the modules to complete before this one, if any."""
        missing = self.missing(module.prerequisites)
        if missing:
            curriculum = self.workspace.curriculum
            first = curriculum.module(missing[0])
            raise TitoError(
                f"{module.label} builds on {curriculum.labels(missing)}, not completed yet.",
                f"Go on with {first.label}: tito module start {first.id}",
            )
