"""`tito setup`."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tito.cli.rendering import notice, say
from tito.curriculum.numbers import show_numbers

if TYPE_CHECKING:
    from tito.curriculum.modules import Track
    from tito.workspace.setup import Setup


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--track", metavar="NAME", help="What to build: foundation, vision, …, or 14-19.")
def setup(folder: Path | None, track: str | None) -> None:
    """Make a workspace in FOLDER, or add what it lacks. Safe to run again.

    Without FOLDER: the workspace you are in, the current folder if it is empty (a virtual
    environment in it does not count), else a new folder tinytorch-workspace.

    A track says which modules you build; what these need comes prebuilt, marked as such. Run this
    again with another one at any time: your own work stays, and counts before what is prebuilt.
    """
    from tito.cli.common import curriculum
    from tito.workspace.setup import create, default_folder
    from tito.workspace.tracks import choose_track

    chosen = curriculum().track(track) if track is not None else None
    result = create(folder or default_folder(), curriculum())
    if chosen:
        result.added += choose_track(result.workspace, chosen)
    say_result(result)
    if chosen:
        _say_track(chosen)


def _say_track(track: Track) -> None:
    given = f"; prebuilt: {show_numbers(track.prebuilt)}" if track.prebuilt else ""
    say(f"Track {track.name} ({track.title}): you build {show_numbers(track.build)}{given}.")


def _activation() -> str:
    """The command that makes `tito` known to a terminal which called it by its path."""
    activate = Path(sys.executable).parent / "activate"
    return str(activate) if os.name == "nt" else f". {shlex.quote(str(activate))}"


def say_result(result: Setup) -> None:
    """Tell what was made, what was left alone, and what comes next."""
    from tito.workspace.layout import current_folder, from_here

    workspace = result.workspace
    notice(result.notices)
    if result.is_new:
        say(f"Your workspace is ready: {workspace.root}")
    elif result.added:
        say(f"Your workspace {workspace.root} lacked something; added:")
        for path in result.added[:8]:
            say(f"  {workspace.display_path(path)}")
        if len(result.added) > 8:
            say(f"  … and {len(result.added) - 8} more files")
    else:
        say(f"Your workspace {workspace.root} has everything. Nothing was changed.")
    if result.kept:
        listed = ", ".join(workspace.display_path(path) for path in result.kept[:4])
        say(f"Left as they are, though this release has other versions: {listed}"
            f"{', …' if len(result.kept) > 4 else ''}")  # fmt: skip
    say()
    say("Next:")
    if not current_folder().is_relative_to(workspace.root):
        say(f"  cd {shlex.quote(str(from_here(workspace.root)))}")
    if shutil.which("tito") is None and sys.prefix != sys.base_prefix:
        say(f"  {_activation()}")
    say("  tito module status" if not result.is_new else "  tito module start")
