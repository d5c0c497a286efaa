"""What a learner has done so far: one readable JSON file, written whole or not at all.

The file is the learner's own. Completions and results edited by hand are believed: they unlock
things for oneself alone, and whoever grades judges again. What this version does not know is
kept as it is. Reading never runs anyone's code and never changes a file; what was lost is
recovered by `tito.workspace.repair`, which judges again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tito.errors import TitoError
from tito.files import write_atomic
from tito.workspace.progress_file import Damaged, locked, read_plain
from tito.workspace.records import (
    VERSION,
    MilestoneProgress,
    MilestoneResult,
    ModuleProgress,
    Records,
    TestsRecord,
    TrackChoice,
)

if TYPE_CHECKING:
    from tito.curriculum.modules import Milestone, Module, Part
    from tito.judge import Report
    from tito.workspace.layout import Workspace

NOTICED = 5  # damaged fields that are named one by one
SKELETON: dict[str, Any] = {"version": VERSION, "current": None, "modules": {}, "milestones": {}}


@dataclass
class Progress:
    """The progress of one workspace. `notices` is what the reader should be told about loading.

    `others` are modules that the curriculum does not have: kept, and otherwise ignored.
    """

    workspace: Workspace
    records: Records = field(default_factory=Records)
    others: dict[str, Any] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    is_damaged: bool = False  # the file holds what will be gone once it is replaced

    @classmethod
    def load(cls, workspace: Workspace) -> Progress:
        """Read the workspace's progress; a damaged field costs that field alone.

        Of a missing or unusable file nothing is left: the progress is empty and `lost` says why.
        Raises TitoError when the file is a link to another place.
        """
        try:
            return cls._of(workspace, read_plain(workspace))
        except Damaged as damage:
            is_there = os.path.lexists(workspace.progress_path)
            return cls(workspace, Records(lost=str(damage)), is_damaged=is_there)._noticed([])

    @classmethod
    def _of(cls, workspace: Workspace, data: dict[str, Any]) -> Progress:
        known = {module.id for module in workspace.curriculum.modules}
        modules = data.get("modules", {})
        others = {key: entry for key, entry in modules.items() if key not in known}
        own = {key: entry for key, entry in modules.items() if key in known}
        damage: list[str] = []
        records = Records.read({**data, "modules": own}, "", damage)
        records.version = max(records.version, VERSION)
        if records.current not in known:
            records.current = None
        return cls(workspace, records, others, is_damaged=bool(damage))._noticed(damage)

    @classmethod
    def empty(cls, workspace: Workspace) -> Progress:
        """The progress of someone who has just begun."""
        return cls(workspace)

    def save(self) -> None:
        """Write the file, atomically; a damaged one that it replaces is kept as a backup.

        Raises TitoError when it cannot be written, or belongs to a newer tito.
        """
        self.require_writable()
        path = self.workspace.progress_path
        if self.is_damaged:
            self.notices.append(f"The damaged file is kept as {self.workspace.backup(path)}.")
            self.is_damaged = False
        text = json.dumps(self.to_dict(), indent=2)
        write_atomic(path, text + "\n", inside=self.workspace.root)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data, as it stands in the file."""
        data = self.records.to_dict()
        return {**SKELETON, **data, "modules": {**data.get("modules", {}), **self.others}}

    @property
    def lost(self) -> str:
        """Why the learner's earlier progress is not in here; "" if it is, or was rebuilt."""
        return self.records.lost

    @property
    def is_newer(self) -> bool:
        """True when a newer tito wrote the file: it can be read, but not changed."""
        return self.records.version > VERSION

    def require_writable(self) -> None:
        """Raise a TitoError when the file belongs to a newer tito."""
        if self.is_newer:
            raise TitoError(f"{self._newer()}, so nothing is recorded.", "Update this tito first.")

    def _newer(self) -> str:
        return (
            f"A newer tito wrote {self.workspace.progress_path} (version "
            f"{self.records.version}; this one knows {VERSION})"
        )

    def _noticed(self, damage: list[str]) -> Progress:
        path = self.workspace.progress_path
        if self.is_newer:
            self.notices.append(f"{self._newer()}. It is read and left as it is: update this tito.")
        elif self.lost:
            self.notices.append(f"The progress file {path} was unusable: {self.lost}.")
        else:
            self.notices += [f"{path}: damaged and left out: {text}." for text in _few(damage)]
        return self

    # -- modules -------------------------------------------------------------------------------

    @property
    def current(self) -> str | None:
        """The id of the module last worked on."""
        return self.records.current

    @property
    def completed(self) -> tuple[int, ...]:
        """The numbers of the completed modules, in order."""
        return tuple(sorted(int(key) for key, e in self.records.modules.items() if e.completed))

    def entry(self, module: Module) -> ModuleProgress:
        """What is recorded about a module, to read; empty if nothing is."""
        return self.records.modules.get(module.id) or ModuleProgress()

    def start(self, module: Module) -> None:
        """Record that the module is being worked on."""
        entry = self.edit(module)
        entry.started = entry.started or now()
        self.records.current = module.id

    def record_tests(self, module: Module, report: Report, digest: str) -> None:
        """Record the verdict on the learner's file whose content has this digest."""
        self.start(module)
        self.edit(module).tests = TestsRecord(
            time=now(),
            file=digest,
            points=report.points,
            max_points=report.max_points,
            results={result.exercise_id: result.status for result in report.results},
            integration=report.integrated,
        )

    def record_export(self, module: Module) -> None:
        """Record that the module's file was written into the package just now."""
        self.edit(module).exported = now()

    def complete(self, module: Module, report: Report) -> None:
        """Record that the module is completed; the first time of completion stays."""
        entry = self.edit(module)
        entry.completed = entry.completed or now()
        entry.points, entry.max_points = report.points, report.max_points

    def forget_attempt(self, module: Module) -> None:
        """Forget verdicts and hints of the module's file; a completion stays recorded."""
        entry = self.edit(module)
        entry.tests, entry.hints = None, {}

    def status_of(self, module: Module, digest: str) -> dict[str, str] | None:
        """Exercise → status as last judged, if the file judged is the one with this digest."""
        tests = self.entry(module).tests
        return dict(tests.results) if tests is not None and tests.file == digest else None

    def hint_level(self, module: Module, exercise_id: str) -> int:
        """How many levels of hint have been shown for the exercise (0 to 3)."""
        return self.entry(module).hints.get(exercise_id, 0)

    def record_hint(self, module: Module, exercise_id: str, level: int) -> None:
        """Record that the hints of an exercise have been shown up to `level`."""
        shown = max(level, self.hint_level(module, exercise_id))
        self.edit(module).hints[exercise_id] = shown

    def edit(self, module: Module) -> ModuleProgress:
        """What is recorded about a module, to change; begins a record if there is none."""
        return self.records.modules.setdefault(module.id, ModuleProgress())

    # -- the track -----------------------------------------------------------------------------

    @property
    def track(self) -> TrackChoice | None:
        """The track chosen, if the curriculum has its modules; None for the whole course."""
        choice = self.records.track or TrackChoice()
        known = {module.number for module in self.workspace.curriculum.modules}
        return choice if choice.name and choice.build and known.issuperset(choice.build) else None

    @track.setter
    def track(self, choice: TrackChoice | None) -> None:
        self.records.track = choice

    # -- milestones ----------------------------------------------------------------------------

    def milestone_results(self, milestone: Milestone) -> dict[int, dict[str, Any]]:
        """Part number → the result of its latest run."""
        parts = self.records.milestones.get(milestone.id, MilestoneProgress()).parts
        numbers = [part.number for part in milestone.parts if str(part.number) in parts]
        return {number: parts[str(number)].to_dict() for number in numbers}

    def record_milestone(self, milestone: Milestone, part: Part, result: dict[str, Any]) -> None:
        """Record the result of a milestone part, in place of the one before."""
        place = f"milestones.{milestone.id}.parts.{part.number}"
        damage: list[str] = []
        record = MilestoneResult.read({**result, "time": now()}, place, damage)
        self.notices += [f"Not recorded of the result: {text}." for text in damage]
        entry = self.records.milestones.setdefault(milestone.id, MilestoneProgress())
        entry.parts[str(part.number)] = record


@contextmanager
def changed_progress(workspace: Workspace) -> Iterator[Progress]:
    """Load the progress, let the caller change it, and save it unless that failed.

    A lock keeps every other tito of the workspace out from the reading to the writing, so that
    no change is lost; the system opens it when its holder dies. Raises TitoError when another
    tito holds it for half a minute, or nothing may be recorded.
    """
    with locked(workspace):
        progress = Progress.load(workspace)
        progress.require_writable()
        yield progress
        progress.save()


def _few(texts: list[str]) -> list[str]:
    rest = len(texts) - NOTICED
    return texts if rest <= 0 else [*texts[:NOTICED], f"and {rest} more"]


def now() -> str:
    """The time as ISO text with the zone, to the second."""
    return datetime.now().astimezone().isoformat(timespec="seconds")
