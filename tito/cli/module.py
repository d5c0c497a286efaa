"""`tito module`: list, status, start, resume, view, test, hint, reset, complete."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from tito.cli.common import choose, open_workspace, say_file_used, span, state_of
from tito.cli.rendering import print_json, say, say_wrapped, table
from tito.curriculum.manifest import Module, load_manifest
from tito.errors import TitoError

if TYPE_CHECKING:
    from tito.workspace.completion import Completion
    from tito.workspace.layout import Workspace
    from tito.workspace.progress import Progress

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
NO_OPEN = click.option("--no-open", is_flag=True, help="Only print where the notebook is.")
WHICH = click.argument("module", required=False)


@click.group()
def module() -> None:
    """Work on modules: start one, test it, get hints, complete it.

    MODULE is a number or a name: 1, 01, tensor. Without it: the module last worked on.
    """


@module.command("list")
@JSON
def list_modules(as_json: bool) -> None:
    """The curriculum: every module, what it needs, and whether it is here yet."""
    modules = load_manifest().modules
    if as_json:
        print_json([_facts(m) for m in modules])
        return
    rows = [
        (m.id, m.title, m.tier, m.difficulty, m.hours, m.points, span(m.prerequisites) or "-",
         "yes" if m.available else "later")
        for m in modules
    ]  # fmt: skip
    columns = ["Nr", "Module", "Tier", "Level", "Hours", "#Points", "Needs", "Here"]
    table(columns, rows)


@module.command()
@JSON
def status(as_json: bool) -> None:
    """Your progress across all modules, and what comes next."""
    from tito.workspace.testing import current_module

    workspace, progress = open_workspace()
    modules, here = load_manifest().modules, load_manifest().available
    current = current_module(progress)
    if as_json:
        rows = [{**_facts(m), "state": state_of(m, progress), **progress.entry(m)} for m in modules]
        print_json({"workspace": workspace.root, "current": current.id, "modules": rows})
        return
    table(
        ["Nr", "Module", "State", "#Points", "Completed"],
        [(m.id, m.title, state_of(m, progress), _points(m, progress), _day(m, progress))
         for m in here],
    )  # fmt: skip
    points = sum(progress.entry(m).get("points", 0) for m in here)
    say(f"{len(progress.completed)} of {len(here)} modules completed, {points} points. "
        f"{len(modules) - len(here)} more come in later releases: tito module list")  # fmt: skip
    say(_advice(progress, current))


@module.command()
@WHICH
@NO_OPEN
def start(module: str | None, no_open: bool) -> None:
    """Begin MODULE (default: the next one): records it and opens its notebook."""
    workspace, chosen, progress = _next(module)
    from tito.workspace.testing import require_completed

    require_completed(chosen, progress)
    _open(workspace, chosen, no_open)


@module.command()
@NO_OPEN
def resume(no_open: bool) -> None:
    """Open the module last worked on."""
    workspace, chosen, _ = choose(None)
    _open(workspace, chosen, no_open)


@module.command()
@WHICH
def view(module: str | None) -> None:
    """Read MODULE's explanations here in the terminal."""
    from tito.workspace.reading import prose

    chosen = load_manifest().module(module) if module else choose(None)[1]
    click.echo_via_pager(prose(chosen))


@module.command()
@WHICH
@JSON
def test(module: str | None, as_json: bool) -> None:
    """Check your answers in MODULE: every exercise, and the first failure in detail."""
    from tito.cli.verdict import show_report
    from tito.workspace.testing import run_tests

    workspace, chosen, progress = choose(module)
    say_file_used(workspace, chosen)
    report = run_tests(workspace, chosen)
    if as_json:
        print_json(report.to_dict())
    else:
        show_report(report)
        if report.passed:
            again = chosen.number in progress.completed
            step = "It is complete. Changed since? Put it into your package" if again else "Next"
            say(f"{step}: tito module complete {chosen.id}")
    sys.exit(0 if report.passed else 1)


@module.command()
@WHICH
@click.argument("exercise", required=False)
@click.option("--level", type=click.IntRange(1, 3), help="Show this level instead of the next.")
def hint(module: str | None, exercise: str | None, level: int | None) -> None:
    """A hint for EXERCISE (default: the first one not solved); each call tells a little more."""
    from tito.workspace.hints import next_hint

    workspace, chosen, _ = choose(module)
    found = next_hint(workspace, chosen, exercise, level)
    if found is None:
        say(f"Every exercise of {chosen.label} passes. Next: tito module complete {chosen.id}")
        return
    say(f"{found.exercise.id}: hint {found.level} of {found.levels}")
    say()
    say_wrapped(found.text)
    say()
    if found.level < found.levels:
        say(f"More: tito module hint {chosen.id} {found.exercise.id}")
    else:
        say("That was the last hint. The test cell below the exercise shows what is expected.")


@module.command()
@WHICH
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(module: str | None, yes: bool) -> None:
    """Start MODULE over with a fresh notebook; your file is kept as a backup."""
    from tito.workspace.reset import reset_work

    workspace, chosen, _ = choose(module)
    question = f"Replace your notebook of {chosen.label}? A backup is kept."
    if not yes and sys.stdin.isatty() and not click.confirm(question):
        say("Nothing was changed.")
        sys.exit(1)
    done = reset_work(workspace, chosen)
    for path, copy in done.kept.items():
        say(f"Kept {workspace.display_path(path)} as {workspace.display_path(copy)}")
    say(f"Fresh: {workspace.display_path(done.notebook)}")


@module.command()
@WHICH
def complete(module: str | None) -> None:
    """Test MODULE; if everything passes, put your code into your package."""
    from tito.cli.verdict import show_report
    from tito.workspace.completion import complete_work

    workspace, chosen, _ = choose(module)
    say_file_used(workspace, chosen)
    done = complete_work(workspace, chosen)
    show_report(done.report)
    if done.export is None:
        say(f"{chosen.label} is not complete yet; nothing was exported.")
        sys.exit(1)
    _say_completion(workspace, chosen, done)


def _say_completion(workspace: Workspace, chosen: Module, done: Completion) -> None:
    assert done.export is not None
    again = "" if done.is_first else " again"
    say(f"{chosen.label} is complete{again}: {done.report.points} points.")
    say(f"Your code is now {workspace.display_path(done.export.target)}; "
        f"use it with: from {chosen.import_name} import …")  # fmt: skip
    if done.export.backup:
        say(f"The version before is kept: {workspace.display_path(done.export.backup)}")
    if not done.is_first:
        say("A notebook that runs already sees it after a restart of its kernel.")
    for milestone, part in done.parts:
        say(f"Unlocked: {milestone.title} ({milestone.year}), part {part.number}: "
            f"tito milestone run {milestone.name} --part {part.number}")  # fmt: skip
    for opened in done.modules:
        say(f"Unlocked: {opened.label}: tito module start {opened.id}")


def _next(ref: str | None) -> tuple[Workspace, Module, Progress]:
    """What `start` means: the module named, else the first one not completed."""
    if ref is not None:
        return choose(ref)
    workspace, progress = open_workspace()
    todo = [m for m in load_manifest().available if m.number not in progress.completed]
    if not todo:
        raise TitoError("Every module of this release is completed.", "See: tito milestone list")
    return workspace, todo[0], progress


def _open(workspace: Workspace, chosen: Module, no_open: bool) -> None:
    from tito.workspace.editor import LOG, open_notebook
    from tito.workspace.progress import changed_progress

    say_file_used(workspace, chosen)
    file = workspace.learner_file(chosen)
    with changed_progress(workspace) as progress:
        progress.start(chosen)
    say(f"{chosen.label}, {chosen.points} points, about {chosen.hours} hours: {file}")
    if not no_open:
        address = open_notebook(workspace, file)
        say("JupyterLab opens in your browser. If it does not, go to:")
        say(address or f"(see {workspace.display_path(workspace.state_dir / LOG)})")
    say(f"When you have written something: tito module test {chosen.id}")


def _facts(m: Module) -> dict[str, object]:
    return {
        "id": m.id, "name": m.word, "title": m.title, "tier": m.tier, "hours": m.hours,
        "difficulty": m.difficulty_level, "max_points": m.points,
        "prerequisites": m.prerequisites, "available": m.available,
    }  # fmt: skip


def _points(m: Module, progress: Progress) -> str:
    """Points of the completion, else of the last test."""
    entry = progress.entry(m)
    tests = entry.get("tests") if isinstance(entry.get("tests"), dict) else {}
    got = entry.get("points", tests.get("points", 0) if tests else 0)
    return f"{got}/{m.points}"


def _day(m: Module, progress: Progress) -> str:
    return str(progress.entry(m).get("completed") or "")[:10]


def _advice(progress: Progress, current: Module) -> str:
    if current.number not in progress.completed:
        word = "resume" if progress.entry(current) else f"start {current.id}"
        return f"Next: tito module {word}"
    todo = [m for m in load_manifest().available if m.number not in progress.completed]
    return f"Next: tito module start {todo[0].id}" if todo else "Next: tito milestone list"
