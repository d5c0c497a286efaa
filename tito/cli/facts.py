"""What `tito module list` and `status` tell of each module."""

from __future__ import annotations

from tito.cli.common import curriculum
from tito.curriculum.exercises import Exercise
from tito.curriculum.modules import Module
from tito.curriculum.numbers import show_numbers
from tito.workspace.records import TestsRecord
from tito.workspace.standing import Standing

NOW_FAILING = "completed, now failing"


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
    return NOW_FAILING if fails else state


def _all_pass(tests: TestsRecord) -> bool:
    return bool(tests.results) and all(status == "passed" for status in tests.results.values())


def count_completed(standing: Standing) -> str:
    """How far one is on the track: "1 of 7 modules completed"; why not, where nothing is there."""
    if not standing.own:
        return nothing_yet(standing)
    done = len(standing.own) - len(standing.todo)
    where = "" if len(standing.own) == len(curriculum().available) else " of your track"
    return f"{done} of {len(standing.own)} modules{where} completed"


def nothing_yet(standing: Standing) -> str:
    """What to say on a track none of whose modules is in this release, without a full stop."""
    build = standing.track.build
    come = "comes in a later release" if len(build) == 1 else "come in later releases"
    return f"{show_numbers(build)} {come}; of this track you can build nothing yet"


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


def after_exercise(done: Exercise, standing: Standing) -> str:
    """What to type once one exercise passes: the next that did not, else the module as a whole."""
    module, tests = done.module, standing.progress.entry(done.module).tests
    known = tests.results if tests else {}
    exercises = curriculum().exercises(module)
    later = exercises[exercises.index(done) + 1 :]
    following = next((e for e in later if known.get(e.id) != "passed"), None)
    if following is None:
        return f"Next: tito module test {module.id}"
    name = following.name
    return f"Next exercise: {name}. When it is written: tito test {module.id} {name}"


def advice(standing: Standing) -> str:
    """What to type next: first of all, what mends a completed module that fails now."""
    here = curriculum().available
    failing = next((m for m in here if state_shown(m, standing) == NOW_FAILING), None)
    step = _step(standing)
    if failing is None:
        return step
    return f"{failing.label} is {NOW_FAILING}. First: tito test {failing.id}\n{step}"


def _step(standing: Standing) -> str:
    """What to type to go on with the track."""
    if not standing.own:
        return f"Build what is here: tito setup --track {_everything()}"
    current, progress = standing.current, standing.progress
    entry = progress.entry(current)
    if current.number not in progress.completed and entry.is_begun:
        if entry.tests and _all_pass(entry.tests):
            return f"Next: tito module complete {current.id}"
        return "Next: tito module resume"
    if standing.next:
        return f"Next: tito module start {standing.next.id}"
    return _after_the_track(standing)


def _everything() -> str:
    """What to call the track of all modules: its name, or where there is none its numbers."""
    default = curriculum().default_track
    return default.name if curriculum().tracks else show_numbers(default.build)


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
