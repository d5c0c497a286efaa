"""`tito export`."""

from __future__ import annotations

import click

from tito.cli.rendering import say


@click.command()
@click.argument("module", required=False)
def export(module: str | None) -> None:
    """Write MODULE (default: the current one) into your package, tested or not.

    `tito module complete` does the same once every test passes, and records it.
    """
    from tito.cli.common import choose, say_file_used
    from tito.workspace.completion import export_work
    from tito.workspace.work import read_work

    standing, chosen = choose(module)
    workspace = standing.workspace
    say_file_used(workspace, chosen)
    done = export_work(workspace, read_work(workspace, chosen))
    for target in done.targets:
        say(f"{workspace.display_path(done.source)} -> {workspace.display_path(target)}"
            f"{'' if done.changed else ' (no change)'}")  # fmt: skip
    for kept in done.backups:
        say(f"What was there before is kept: {workspace.display_path(kept)}")
    if chosen.number in standing.progress.completed:
        say(f"Not tested. To test this version: tito module test {chosen.id}")
    else:
        say(f"Not tested, not marked as completed. For both: tito module complete {chosen.id}")
