"""What milestones run on: the learner's framework, or outside a workspace the reference."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.modules import Milestone, Part
from tito.errors import TitoError
from tito.milestones.runner import Result
from tito.resources import is_checkout
from tito.workspace.layout import Workspace
from tito.workspace.progress import changed_progress
from tito.workspace.repair import rebuild
from tito.workspace.standing import Standing

Run = tuple[Milestone, Part]
REFERENCE = "Not in a workspace, so this is about the reference framework, not your own."


@dataclass(frozen=True)
class Context:
    """Where the scripts lie, which modules they can build on, and where results are recorded."""

    curriculum: Curriculum
    root: Path
    done: tuple[int, ...]
    standing: Standing | None = None

    @classmethod
    def here(cls, curriculum: Curriculum) -> Context:
        """The workspace we are in; outside of one, the release with its reference framework."""
        try:
            workspace = Workspace.find(curriculum)
        except TitoError:
            done = tuple(module.number for module in curriculum.available)
            return cls(curriculum, curriculum.root, done)
        standing = Standing(workspace, rebuild(workspace))
        return cls(curriculum, workspace.root, standing.met, standing)

    @property
    def notices(self) -> list[str]:
        """What the reader should know before anything runs."""
        return self.standing.progress.notices if self.standing else [REFERENCE]

    @property
    def framework(self) -> str:
        """Whose code the milestones run on: "your own" or "reference"."""
        return "your own" if self.standing else "reference"

    @property
    def script_options(self) -> list[str]:
        """What the scripts are told: no plots into the folder of an installed program."""
        return [] if self.standing or is_checkout() else ["--no-plot"]

    def missing(self, part: Part) -> tuple[int, ...]:
        """The modules that the part needs and that are not there."""
        return tuple(number for number in part.needs if number not in self.done)

    def results(self, milestone: Milestone) -> dict[int, Result]:
        """Part number → recorded result."""
        return self.standing.progress.milestone_results(milestone) if self.standing else {}

    def ready(self, milestone: Milestone) -> list[Run]:
        """The parts that can run now, within a minute or two and without fetching anything."""
        if not milestone.available:
            return []
        quick = (part for part in milestone.parts if not part.data and not part.long)
        return [(milestone, part) for part in quick if not self.missing(part)]

    def all_ready(self) -> list[Run]:
        """Every part of every milestone that can run now; a TitoError when there is none."""
        runs = [run for milestone in self.curriculum.milestones for run in self.ready(milestone)]
        if not runs:
            raise TitoError(
                "No milestone can run yet: each needs modules that are not completed.",
                "See which: tito milestone list",
            )
        return runs

    def require(self, milestone: Milestone, part: Part) -> Run:
        """The part itself, if it can run; else a TitoError that names what is missing."""
        if not milestone.available:
            raise TitoError(
                f"Milestone {milestone.id} ({milestone.title}) is not in this release yet.",
                "See them all: tito milestone list",
            )
        missing = self.missing(part)
        if missing:
            first = self.curriculum.module(missing[0])
            raise TitoError(
                f"Milestone {milestone.id} ({milestone.title}), part {part.number}, needs "
                f"{self.curriculum.labels(missing)}, not completed yet.",
                f"Go on with {first.label}: tito module start {first.id}",
            )
        return milestone, part

    def record(self, milestone: Milestone, part: Part, result: Result) -> bool:
        """Record a result; a run with other seeds or epochs never replaces a full one."""
        if self.standing is None:
            return False
        with changed_progress(self.standing.workspace) as progress:
            before = progress.milestone_results(milestone).get(part.number, {})
            if before.get("full") and not result.get("full", True):
                return False
            progress.record_milestone(milestone, part, result)
        return True


def part_of(milestone: Milestone, number: int) -> Part:
    """The part with this number; a TitoError names those there are."""
    for part in milestone.parts:
        if part.number == number:
            return part
    numbers = ", ".join(str(part.number) for part in milestone.parts)
    raise TitoError(
        f"Milestone {milestone.id} ({milestone.title}) has no part {number}; it has {numbers}.",
        f"See: tito milestone info {milestone.name}",
        exit_code=2,
    )
