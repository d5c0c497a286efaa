"""What `tito module list` and `status` tell of each module."""

from __future__ import annotations

from tito.cli.common import curriculum
from tito.curriculum.modules import Module
from tito.workspace.records import TestsRecord
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


def state_shown(m: Module, standing: Standing) -> str:
    """The state in a few words; a completed module whose last test failed says so."""
    state = standing.state_of(m)
    tests = standing.progress.entry(m).tests
    fails = state == "completed" and tests is not None and not _all_pass(tests)
    return "completed, now failing" if fails else state


def _all_pass(tests: TestsRecord) -> bool:
    return bool(tests.results) and all(status == "passed" for status in tests.results.values())


def count_completed(standing: Standing) -> str:
    """How far one is on the track: "1 of 7 modules completed"."""
    done = len(standing.own) - len(standing.todo)
    where = "" if len(standing.own) == len(curriculum().available) else " of your track"
    return f"{done} of {len(standing.own)} modules{where} completed"


def points_reached(m: Module, standing: Standing) -> str:
    """Points of the completion, else of the last test."""
    entry = standing.progress.entry(m)
    tested = entry.tests.points if entry.tests else None
    got = entry.points if entry.points is not None else tested
    return f"{got or 0}/{m.points}"


def day_completed(m: Module, standing: Standing) -> str:
    """The date of the first completion; empty before that."""
    return str(standing.progress.entry(m).completed or "")[:10]


def after_passing(m: Module, standing: Standing) -> str:
    """What to type once every exercise of a module passes."""
    again = m.number in standing.progress.completed
    step = "It is complete. Changed since? Put it into your package" if again else "Next"
    return f"{step}: tito module complete {m.id}"


def advice(standing: Standing) -> str:
    """What to type next."""
    current, progress = standing.current, standing.progress
    entry = progress.entry(current)
    if current.number not in progress.completed and entry.is_begun:
        if entry.tests and _all_pass(entry.tests):
            return f"Next: tito module complete {current.id}"
        return "Next: tito module resume"
    if standing.next:
        return f"Next: tito module start {standing.next.id}"
    return _after_the_track(standing)


def _after_the_track(standing: Standing) -> str:
    """What to type when every module of the track is completed."""
    from tito.milestones.ahead import first_open

    run = first_open(standing)
    if run:
        milestone, part = run
        return (f"Every module of your track is completed. Next: {milestone.title}\n"
                f"  tito milestone run {milestone.name} --part {part.number}")  # fmt: skip
    if standing.track.build == curriculum().default_track.build:
        return "Every module of this release is completed. Next: tito milestone list"
    names = ", ".join(t.name for t in curriculum().tracks if t.name != standing.track.name)
    return f"Your track is finished. More: tito setup --track NAME ({names})"
