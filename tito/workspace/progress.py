"""What a learner has done so far: one readable JSON file, written whole or not at all.

The file is the learner's: fields that this version does not know are kept as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tito.curriculum.manifest import Milestone, Module, Part
from tito.files import write_atomic
from tito.workspace.layout import Workspace

if TYPE_CHECKING:
    from tito.judge import Report

VERSION = 1


class DamagedProgress(Exception):
    """The progress file cannot be used; the text says why. Never leaves `tito.workspace`."""


@dataclass
class Progress:
    """The progress of one workspace. `notices` is what the reader should be told about loading."""

    path: Path
    data: dict[str, Any]
    notices: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, workspace: Workspace) -> Progress:
        """Read the workspace's progress.

        A missing or damaged file is rebuilt from the work itself: the damaged one is kept as a
        backup, and `notices` says what was rebuilt and what could not be.
        """
        try:
            return cls(workspace.progress_path, read(workspace.progress_path))
        except DamagedProgress as damage:
            from tito.workspace.repair import rebuild

            return rebuild(workspace, str(damage))

    @classmethod
    def empty(cls, workspace: Workspace) -> Progress:
        """The progress of someone who has just begun."""
        data: dict[str, Any] = {
            "version": VERSION,
            "current": None,
            "modules": {},
            "milestones": {},
        }
        return cls(workspace.progress_path, data)

    def save(self) -> None:
        """Write the file, atomically."""
        write_atomic(self.path, json.dumps(self.data, indent=2, ensure_ascii=False) + "\n")

    # -- modules -------------------------------------------------------------------------------

    @property
    def current(self) -> str | None:
        """The id of the module last worked on."""
        found = self.data.get("current")
        return found if isinstance(found, str) else None

    @property
    def completed(self) -> tuple[int, ...]:
        """The numbers of the completed modules, in order."""
        entries = self.data["modules"].items()
        return tuple(sorted(int(key) for key, entry in entries if entry.get("completed")))

    def missing(self, numbers: tuple[int, ...]) -> list[int]:
        """Those of `numbers` that are not completed."""
        return [number for number in numbers if number not in self.completed]

    def entry(self, module: Module) -> Mapping[str, Any]:
        """What is recorded about a module: started, completed, points, … Empty if nothing is."""
        found = self.data["modules"].get(module.id, {})
        return found if isinstance(found, dict) else {}

    def start(self, module: Module) -> None:
        """Record that the module is being worked on."""
        self._edit(module).setdefault("started", now())
        self.data["current"] = module.id

    def record_tests(self, module: Module, report: Report, digest: str) -> None:
        """Record the verdict on the learner's file whose content has this digest."""
        results = {result.exercise_id: result.status for result in report.results}
        self.start(module)
        self._edit(module)["tests"] = {
            "time": now(),
            "file": digest,
            "points": report.points,
            "max_points": report.max_points,
            "results": results,
        }

    def record_export(self, module: Module) -> None:
        """Record that the module's file was written into the package just now."""
        self._edit(module)["exported"] = now()

    def complete(self, module: Module, report: Report) -> None:
        """Record that the module is completed; the first time of completion stays."""
        entry = self._edit(module)
        entry.setdefault("completed", now())
        entry.update(points=report.points, max_points=report.max_points)

    def forget_attempt(self, module: Module) -> None:
        """Forget verdicts and hints of the module's file; a completion stays recorded."""
        for key in ("tests", "hints"):
            self._edit(module).pop(key, None)

    def status_of(self, module: Module, digest: str) -> dict[str, str] | None:
        """Exercise → status as last judged, if the file judged is the one with this digest."""
        tests = self.entry(module).get("tests")
        if not isinstance(tests, dict) or tests.get("file") != digest:
            return None
        results = tests.get("results")
        return results if isinstance(results, dict) else None

    def hint_level(self, module: Module, exercise_id: str) -> int:
        """How many levels of hint have been shown for the exercise (0 to 3)."""
        hints = self.entry(module).get("hints")
        level = hints.get(exercise_id, 0) if isinstance(hints, dict) else 0
        return level if isinstance(level, int) else 0

    def record_hint(self, module: Module, exercise_id: str, level: int) -> None:
        """Record that the hints of an exercise have been shown up to `level`."""
        hints = self._edit(module).setdefault("hints", {})
        hints[exercise_id] = max(level, self.hint_level(module, exercise_id))

    def _edit(self, module: Module) -> dict[str, Any]:
        return self.data["modules"].setdefault(module.id, {})

    # -- milestones ----------------------------------------------------------------------------

    def milestone_results(self, milestone: Milestone) -> dict[int, dict[str, Any]]:
        """Part number → the result of its latest run."""
        parts = self.data["milestones"].get(milestone.id, {}).get("parts", {})
        return {int(number): result for number, result in parts.items()}

    def record_milestone(self, milestone: Milestone, part: Part, result: dict[str, Any]) -> None:
        """Record the result of a milestone part, in place of the one before."""
        entry = self.data["milestones"].setdefault(milestone.id, {})
        entry.setdefault("parts", {})[str(part.number)] = {"time": now(), **result}


@contextmanager
def changed_progress(workspace: Workspace) -> Iterator[Progress]:
    """Load the progress, let the caller change it, and save it unless that failed.

    Reading just before writing keeps what another `tito` recorded in the meantime.
    """
    progress = Progress.load(workspace)
    yield progress
    progress.save()


def read(path: Path) -> dict[str, Any]:
    """Read and check a progress file. Raises DamagedProgress, saying what is wrong."""
    try:
        data = json.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        raise DamagedProgress("it is missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DamagedProgress(f"it cannot be read ({error})") from error
    except json.JSONDecodeError as error:
        raise DamagedProgress(f"not valid JSON at line {error.lineno}: {error.msg}") from error
    _check(data)
    return data


def _check(data: Any) -> None:
    if not isinstance(data, dict):
        raise DamagedProgress(f"expected a JSON object, found {type(data).__name__}")
    for name in ("modules", "milestones"):
        section = data.setdefault(name, {})
        if not isinstance(section, dict) or not all(map(_is_entry, section.items())):
            raise DamagedProgress(f"the field {name!r} does not hold one object for each number")
    for entry in data["milestones"].values():
        parts = entry.get("parts", {})
        if not isinstance(parts, dict) or not all(map(_is_entry, parts.items())):
            raise DamagedProgress("the results of a milestone are not one object for each part")


def _is_entry(item: tuple[str, Any]) -> bool:
    key, entry = item
    return key.isascii() and key.isdigit() and isinstance(entry, dict)


def now() -> str:
    """The time as ISO text with the zone, to the second."""
    return datetime.now().astimezone().isoformat(timespec="seconds")
