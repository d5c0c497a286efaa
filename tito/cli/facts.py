"""What `tito module list` and `status` tell of each module."""

from __future__ import annotations

from tito.cli.common import curriculum
from tito.curriculum.modules import Module
from tito.workspace.standing import Standing


def module_facts(m: Module) -> dict[str, object]:
    """A module, for programs."""
    return {
        "id": m.id, "name": m.word, "title": m.title, "tier": m.tier, "hours": m.hours,
        "difficulty": m.difficulty, "max_points": m.points,
        "prerequisites": m.prerequisites, "optional": m.optional, "available": m.available,
    }  # fmt: skip


def standing_facts(standing: Standing) -> dict[str, object]:
    """Where a learner stands, for programs."""
    rows = [
        {**module_facts(m), "state": standing.state_of(m), **standing.progress.entry(m).to_dict()}
        for m in curriculum().modules
    ]
    track = {"name": standing.track.name, "build": standing.track.build}
    return {
        "workspace": standing.workspace.root,
        "current": standing.current.id,
        "track": {**track, "prebuilt": standing.track.prebuilt},
        "modules": rows,
    }


def points_reached(m: Module, standing: Standing) -> str:
    """Points of the completion, else of the last test."""
    entry = standing.progress.entry(m)
    tested = entry.tests.points if entry.tests else None
    got = entry.points if entry.points is not None else tested
    return f"{got or 0}/{m.points}"


def day_completed(m: Module, standing: Standing) -> str:
    """The date of the first completion; empty before that."""
    return str(standing.progress.entry(m).completed or "")[:10]


def advice(standing: Standing) -> str:
    """What to type next."""
    current, progress = standing.current, standing.progress
    entry = progress.entry(current)
    if current.number not in progress.completed and entry.is_begun:
        results = entry.tests.results.values() if entry.tests else ()
        if results and all(status == "passed" for status in results):
            return f"Next: tito module complete {current.id}"
        return "Next: tito module resume"
    if standing.next:
        return f"Next: tito module start {standing.next.id}"
    return "Next: tito milestone list"
