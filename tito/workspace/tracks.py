"""Choosing a track: what the learner builds, and what the package holds prebuilt for that."""

from __future__ import annotations

from pathlib import Path

from tito.curriculum.modules import Track
from tito.package.writer import Exports, prebuilt_exports, write_package
from tito.workspace.layout import Workspace
from tito.workspace.progress import changed_progress
from tito.workspace.records import TrackChoice


def choose_track(workspace: Workspace, track: Track) -> list[Path]:
    """Follow `track` from now on; return the package files that changed.

    Own work always counts before what is prebuilt, and is never touched: any change can be
    taken back.
    """
    with changed_progress(workspace) as progress:
        changed = write_package(workspace.root, workspace.curriculum, along(workspace, track))
        progress.track = TrackChoice(track.name, track.build)
    return changed


def along(workspace: Workspace, track: Track) -> dict[int, Exports]:
    """What the package holds on this track: the learner's own exports, and the rest prebuilt."""
    curriculum, own = workspace.curriculum, workspace.own_sources()
    given = [curriculum.module(n) for n in track.prebuilt if n not in own]
    prebuilt = {m.number: prebuilt_exports(curriculum, m) for m in given if m.available}
    return {**prebuilt, **own}
