"""How `tito module complete` ends: what one can do now, and what it opened."""

from __future__ import annotations

import click

from tito.cli.common import curriculum
from tito.cli.facts import advice
from tito.cli.rendering import counted, say, say_wrapped
from tito.curriculum.lesson import ability, snippet
from tito.curriculum.modules import Module
from tito.curriculum.numbers import show_numbers
from tito.milestones.ahead import nearest
from tito.workspace.completion import Completion
from tito.workspace.layout import Workspace
from tito.workspace.standing import Standing


def say_completion(workspace: Workspace, chosen: Module, done: Completion) -> None:
    """The result, where the code went, what one can do with it, and what comes next."""
    again = "" if done.is_first else " again"
    say(f"{chosen.label} is complete{again}: {counted(done.report.points, 'point')}.")
    cells = curriculum().cells(chosen)
    if able := ability(cells):
        say_wrapped(f"You can now {able}.")
    _say_export(workspace, done)
    say()
    say("Try it in Python:")
    click.echo(snippet(cells, chosen))  # to be copied: neither indented nor wrapped
    say()
    _say_milestones(Standing.of(workspace), chosen, done)
    for opened in done.modules:
        say(f"Unlocked: {opened.label}: tito module start {opened.id}")
    if not (done.modules or done.parts):
        say(advice(Standing.of(workspace)))


def _say_export(workspace: Workspace, done: Completion) -> None:
    assert done.export is not None
    targets = " and ".join(workspace.display_path(target) for target in done.export.targets)
    say(f"Your code is now {targets}.")
    for kept in done.export.backups:
        say(f"The version before is kept: {workspace.display_path(kept)}")
    if not done.is_first:
        say("A notebook that runs already sees it after a restart of its kernel.")


def _say_milestones(standing: Standing, chosen: Module, done: Completion) -> None:
    """The parts that can run now; if there is none, how far the nearest is."""
    for milestone, part in done.parts:
        say(f"Milestone {milestone.id} ({milestone.title}, {milestone.year}), "
            f"part {part.number} can run now:\n"
            f"  tito milestone run {milestone.name} --part {part.number}")  # fmt: skip
    waiting = nearest(standing, chosen)
    if waiting and not done.parts:
        (milestone, part), missing = waiting
        say(f"{counted(len(missing), 'module')} to the next milestone: {show_numbers(missing)}, "
            f"then {milestone.title} ({milestone.year}), part {part.number}.")  # fmt: skip
