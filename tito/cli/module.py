"""`tito module`: list, status, start, resume, close, view, test, hint, reset, complete."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from tito.cli.common import (
    EXERCISE,
    JSON,
    WHICH,
    choose,
    choose_exercise,
    curriculum,
    open_standing,
    say_file_used,
)
from tito.cli.facts import (
    advice,
    after_passing,
    count_completed,
    day_completed,
    module_facts,
    nothing_yet,
    points_reached,
    standing_facts,
    state_shown,
)
from tito.cli.judging import complete, test
from tito.cli.lazy import SuggestingGroup
from tito.cli.rendering import print_json, say, say_next, say_wrapped, styled, table
from tito.cli.waiting import TESTING, waiting
from tito.curriculum.modules import Module
from tito.curriculum.numbers import show_numbers
from tito.errors import TitoError
from tito.messages import Message

if TYPE_CHECKING:
    from pathlib import Path

    from tito.curriculum.exercises import Exercise
    from tito.workspace.hints import Hint
    from tito.workspace.layout import Workspace
    from tito.workspace.standing import Standing

NO_OPEN = click.option("--no-open", is_flag=True, help="Only print where the notebook is.")

PAGER = "-R -Ps[Space\\: on, b\\: back, q\\: leave]$"  # colours, and what one can press


@click.group(cls=SuggestingGroup)
def module() -> None:
    """Work on modules: start one, test it, get hints, complete it.

    MODULE is a number or a name: 1, 01, tensor. Without it: the module last worked on.
    """


@module.command("list")
@JSON
def list_modules(as_json: bool) -> None:
    """All modules, what they need, and which are here."""
    modules = curriculum().modules
    if as_json:
        print_json([module_facts(m) for m in modules])
        return
    rows = [
        (m.id, m.title, m.tier, m.dots, m.hours, m.points,
         show_numbers(m.prerequisites) or "-", "yes" if m.available else "later")
        for m in modules
    ]  # fmt: skip
    columns = ["Nr", "Module", "Tier", "Level", "Hours", "#Points", "Needs", "Here"]
    table(columns, rows, spare=["Tier", "Level", "Hours", "Here"])


@module.command()
@JSON
def status(as_json: bool) -> None:
    """Your progress across all modules, and what comes next."""
    standing = open_standing()
    if as_json:
        print_json(standing_facts(standing))
        return
    here = curriculum().available
    table(
        ["Nr", "Module", "State", "#Points", "Completed"],
        [(m.id, m.title, state_shown(m, standing), points_reached(m, standing),
          day_completed(m, standing))
         for m in here],
        spare=["Completed"],
    )  # fmt: skip
    points = sum(standing.progress.entry(m).points or 0 for m in here)
    say(f"{count_completed(standing)}{f', {points} points' if standing.own else ''}.")
    say(f"{len(curriculum().modules) - len(here)} more come in later releases: tito module list")
    say(f"Track: {standing.track.name} ({standing.track.title}). Other tracks: tito setup --help")
    say(advice(standing))


@module.command()
@WHICH
@NO_OPEN
def start(module: str | None, no_open: bool) -> None:
    """Begin MODULE and open its notebook.

    Without a name: the next module.
    """
    standing, chosen = choose(module) if module else _next()
    standing.require_met(chosen)
    _open(standing.workspace, chosen, no_open)
    _say_script(standing.workspace, chosen)


@module.command()
@NO_OPEN
def resume(no_open: bool) -> None:
    """Open the module last worked on."""
    standing, chosen = choose(None)
    _open(standing.workspace, chosen, no_open)


@module.command()
@WHICH
def view(module: str | None) -> None:
    """Read MODULE's explanations here in the terminal."""
    from tito.report.formulas import without_latex
    from tito.workspace.reading import prose

    chosen = curriculum().module(module) if module else choose(None)[1]
    text = prose(curriculum(), chosen)
    os.environ.setdefault("LESS", PAGER)
    click.echo_via_pager(_for_terminal(text) if sys.stdout.isatty() else without_latex(text))


def _for_terminal(text: str) -> str:
    from tito.cli.markdown import from_markdown
    from tito.workspace.reading import EXPERIMENT

    return from_markdown(text).replace(EXPERIMENT, styled(EXPERIMENT, dim=True))


module.add_command(test)
module.add_command(complete)


@module.command()
@WHICH
@EXERCISE
@click.option("--level", type=click.IntRange(1, 3), help="Show this level instead of the next.")
def hint(module: str | None, exercise: str | None, level: int | None) -> None:
    """A hint for EXERCISE; each call tells a little more.

    Without a name: the first exercise that is not solved.
    """
    from tito.judge import Judge
    from tito.workspace.hints import first_unsolved, next_hint

    standing, chosen, named = choose_exercise(module, exercise)
    workspace = standing.workspace
    with waiting(TESTING):
        wanted = named or first_unsolved(workspace, Judge(curriculum()), chosen)
    if wanted is None:
        say(f"Every exercise of {chosen.label} passes.")
        say(after_passing(chosen, standing))
        return
    shown = standing.progress.hint_level(wanted.module, wanted.id)
    found = next_hint(workspace, wanted, level)
    if found is None:
        say_wrapped(curriculum().wording.say(_no_hints(wanted)))
    else:
        _say_hint(found, chosen, level is None and shown >= found.levels)


def _no_hints(exercise: Exercise) -> Message:
    if exercise.kind == "open":
        return Message("hint.open", exercise=exercise.name)
    return Message("hint.none", exercise=exercise.name)


def _say_hint(found: Hint, chosen: Module, is_repeated: bool) -> None:
    last = "That was the last hint"
    if is_repeated:
        say(f"{last} ({found.level} of {found.levels}). Once more:")
    say(f"{found.exercise.id}: hint {found.level} of {found.levels}")
    say()
    say_wrapped(found.text)
    say()
    if found.level < found.levels:
        say(f"More: tito module hint {chosen.id} {found.exercise.name}")
    else:
        say_wrapped(("" if is_repeated else f"{last}. ") + "The test cell below the exercise shows "
                    "what is expected: click on its bar to open it.")  # fmt: skip


@module.command()
@WHICH
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(module: str | None, yes: bool) -> None:
    """Start MODULE over; your file is kept as a backup."""
    from tito.workspace.reset import reset_work

    standing, chosen = choose(module)
    workspace = standing.workspace
    question = f"Replace your notebook of {chosen.label}? A backup is kept."
    if not yes and sys.stdin.isatty() and not click.confirm(question):
        say("Nothing was changed.")
        sys.exit(1)
    done = reset_work(workspace, chosen)
    for path, copy in done.kept.items():
        say(f"Kept {workspace.display_path(path)} as {workspace.display_path(copy)}")
    say(f"Fresh: {workspace.display_path(done.notebook)}")
    say("If it is open in JupyterLab: File, Reload Notebook from Disk.")


def _next() -> tuple[Standing, Module]:
    """What `start` without a name means."""
    standing = open_standing()
    if standing.next is None:
        done = "Every module of your track that this release has is completed"
        why = done if standing.own else nothing_yet(standing)
        raise TitoError(f"{why}.", advice(standing))
    return standing, standing.next


def _open(workspace: Workspace, chosen: Module, no_open: bool) -> None:
    from tito.workspace.layout import from_here
    from tito.workspace.progress import changed_progress

    say_file_used(workspace, chosen)
    file = workspace.learner_file(chosen)
    with changed_progress(workspace) as progress:
        progress.start(chosen)
    say(f"{chosen.label}: {chosen.points} points, about {chosen.hours} hours.")
    say(f"Your file: {from_here(file)}")
    if not no_open:
        _show_in_lab(workspace, file)
    say_next(f"Write, save, then: tito module test {chosen.id}")


def _say_script(workspace: Workspace, chosen: Module) -> None:
    """Who prefers an editor to notebooks learns of it here."""
    from tito.workspace.layout import from_here

    file = workspace.learner_file(chosen)
    if file.suffix == ".ipynb":
        say_next("Rather a plain .py? This makes one; of the two, tito takes the one saved last:")
        say_next(f"  jupytext --to py:percent {from_here(file)}")


def _show_in_lab(workspace: Workspace, file: Path) -> None:
    import webbrowser

    from tito.workspace.lab import serve

    with waiting("Starting JupyterLab …"):
        server = serve(workspace)
    link = server.link(file.relative_to(workspace.root).as_posix())
    opened = webbrowser.open(link)
    say("It opens in JupyterLab, in your browser." if opened else "Open it in your browser:")
    say(link)
    say("JupyterLab goes on when you close the tab. To end it: tito module close")


@module.command()
def close() -> None:
    """End this workspace's JupyterLab; what you saved stays."""
    from tito.workspace.lab import stop

    ended = stop(open_standing().workspace)
    say("JupyterLab is ended." if ended else "No JupyterLab of this workspace is running.")
