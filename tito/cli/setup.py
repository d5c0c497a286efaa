"""`tito setup`."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tito.cli.names import tracks
from tito.cli.rendering import notice, say, say_next
from tito.cli.waiting import waiting
from tito.curriculum.numbers import show_numbers

if TYPE_CHECKING:
    from tito.curriculum.modules import Track
    from tito.workspace.layout import Workspace
    from tito.workspace.setup import Setup

SHOWN = 8  # files that are named; more are counted


class TrackOption(click.Option):
    """An option whose help lists the curriculum's tracks, read when the help is asked for."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option, and every name it takes."""
        from tito.cli.common import curriculum

        names = [track.name for track in curriculum().tracks]
        self.help = f"What to build: {', '.join([*names, 'or numbers such as 14-19'])}."
        return super().get_help_record(ctx)


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--track", cls=TrackOption, metavar="NAME", shell_complete=tracks)
def setup(folder: Path | None, track: str | None) -> None:
    """Make a workspace in FOLDER, or add what it lacks. Safe to run again.

    Without FOLDER: the workspace you are in, the current folder if it is empty (a virtual
    environment in it does not count), else a new folder tinytorch-workspace.

    A track says which modules you build; what these need comes prebuilt, marked as such. Run this
    again with another one at any time: your own work stays, and counts before what is prebuilt.
    """
    from tito.cli.common import curriculum
    from tito.workspace.setup import create, default_folder, follow

    chosen = curriculum().track(track) if track is not None else None
    with waiting("Making your workspace …"):
        result = create(folder or default_folder(), curriculum())
        if chosen:
            follow(result, chosen)
    say_result(result)
    if chosen:
        _say_track(chosen)
    _say_next(result.workspace)


def _say_track(track: Track) -> None:
    given = f"; prebuilt: {show_numbers(track.prebuilt)}" if track.prebuilt else ""
    say(f"Track {track.name} ({track.title}): you build {show_numbers(track.build)}{given}.")


def _activation() -> str:
    """The command that makes `tito` known to a terminal which called it by its path."""
    activate = Path(sys.executable).parent / "activate"
    return str(activate) if os.name == "nt" else f". {shlex.quote(str(activate))}"


def say_result(result: Setup) -> None:
    """Tell what was made, what was changed, and what was left alone."""
    workspace = result.workspace
    notice(result.notices)
    if result.is_new:
        say(f"Your workspace is ready: {workspace.root}")
    elif result.added or result.changed:
        say(f"Your workspace: {workspace.root}")
        _say_files(workspace, "Added", result.added)
        _say_files(workspace, "Changed", result.changed)
    else:
        say(f"Your workspace {workspace.root} has everything. Nothing was changed.")
    if result.kept:
        listed = ", ".join(workspace.display_path(path) for path in result.kept[:4])
        say(f"Left as they are, though this release has other versions: {listed}"
            f"{', …' if len(result.kept) > 4 else ''}")  # fmt: skip


def _say_files(workspace: Workspace, what: str, files: list[Path]) -> None:
    if files:
        say(f"{what}:")
    for path in files[:SHOWN]:
        say(f"  {workspace.display_path(path)}")
    if len(files) > SHOWN:
        say(f"  … and {len(files) - SHOWN} more")


def _say_next(workspace: Workspace) -> None:
    """What to type first, where it is needed, and the step that bare `tito` names too."""
    from tito.cli.facts import advice, nothing_yet
    from tito.workspace.standing import Standing

    before = _to_get_there(workspace)
    first = "\n".join(["First, in this terminal:", *(f"  {line}" for line in before)])
    standing = Standing.of(workspace)
    step = advice(standing) if standing.own else f"{nothing_yet(standing)}.\n{advice(standing)}"
    say_next("\n" + (f"{first}\n{step}" if before else step))


def _to_get_there(workspace: Workspace) -> list[str]:
    """The commands after which `tito` works in the workspace; none when it does so already."""
    from tito.workspace.layout import current_folder, from_here

    lines = []
    if not current_folder().is_relative_to(workspace.root):
        lines.append(f"cd {shlex.quote(str(from_here(workspace.root)))}")
    if shutil.which("tito") is None and sys.prefix != sys.base_prefix:
        lines.append(_activation())
    return lines
