"""What several command groups begin with: which curriculum, workspace, module and progress."""

from __future__ import annotations

import click

from tito.cli.names import exercises, modules
from tito.cli.rendering import notice
from tito.curriculum.curriculum import Curriculum
from tito.curriculum.modules import Module
from tito.workspace.layout import Workspace
from tito.workspace.repair import rebuild
from tito.workspace.standing import Standing

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
TIERS = click.Choice(["auto", "local", "bubblewrap"])
ISOLATION = click.option(
    "--isolation",
    type=TIERS,
    default="local",
    show_default=True,
    help="How to keep the code apart.",
)
WHICH = click.argument("module", required=False, shell_complete=modules)
EXERCISE = click.argument("exercise", required=False, shell_complete=exercises)


def curriculum() -> Curriculum:
    """The curriculum of this command, loaded when first asked for."""
    top = click.get_current_context().find_root()
    if top.obj is None:
        top.obj = Curriculum.load()
    found: Curriculum = top.obj
    return found


def open_standing() -> Standing:
    """Where the learner stands in the workspace we are in; a lost progress is rebuilt first."""
    workspace = Workspace.find(curriculum())
    progress = rebuild(workspace)
    notice(progress.notices)
    return Standing(workspace, progress)


def choose(ref: str | None) -> tuple[Standing, Module]:
    """The learner's standing, and the available module named `ref` (default: the current one)."""
    named = curriculum().module(ref) if ref else None
    standing = open_standing()
    return standing, standing.workspace.available(named or standing.current)


def say_file_used(workspace: Workspace, module: Module) -> None:
    """When a module has both a notebook and a `.py`, say which one counts."""
    files = workspace.learner_files(module)
    if len(files) > 1:
        used, other = (workspace.display_path(file) for file in files)
        notice([f"There are two files for {module.label}. Used: {used}, saved after {other}."])
