"""Where one is and what comes next: bare `tito` and `tito next`."""

from __future__ import annotations

import click

from tito.cli.common import curriculum, open_standing
from tito.cli.facts import advice, count_completed, state_shown
from tito.cli.rendering import say
from tito.errors import TitoError
from tito.workspace.layout import Workspace
from tito.workspace.standing import Standing


@click.command("next")
def next_step() -> None:
    """Where you are, the last result, and what to do next."""
    say_here(open_standing())


def say_here(standing: Standing) -> None:
    """Three lines: the module at hand, its last result, the next step."""
    if not standing.own:
        say(f"{count_completed(standing)}.")
        say(advice(standing))
        return
    current, progress = standing.current, standing.progress
    say(f"{current.label}: {state_shown(current, standing)}. {count_completed(standing)}.")
    tests = progress.entry(current).tests
    if tests:
        passed = sum(status == "passed" for status in tests.results.values())
        say(f"Last test: {passed} of {len(tests.results)} exercises, "
            f"{tests.points} of {tests.max_points} points.")  # fmt: skip
    say(advice(standing))


def is_workspace() -> bool:
    """Whether the current folder belongs to a workspace."""
    try:
        Workspace.find(curriculum())
    except TitoError:
        return False
    return True
