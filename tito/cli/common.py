"""What several command groups begin with: which curriculum, workspace, module and progress."""

from __future__ import annotations

import difflib

import click

from tito.cli.names import exercises, modules
from tito.cli.rendering import aside, notice
from tito.curriculum.curriculum import Curriculum
from tito.curriculum.exercises import Exercise
from tito.curriculum.modules import Module
from tito.errors import TitoError
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


def choose_exercise(
    module: str | None, exercise: str | None
) -> tuple[Standing, Module, Exercise | None]:
    """The standing, the module, and the exercise of it that is named, if one is.

    A lone name that is no module's is an exercise's: of the module at hand a name of its code
    ("Linear") or a short one ("matmul"), of any module a full one ("tensor_matmul") or of its code.
    """
    from tito.workspace.hints import find_exercise

    if module and exercise is None and not _may_be_module(module):
        standing, chosen = choose(None)
        found = _lone_exercise(chosen, module)
        return standing, found.module, found
    standing, chosen = choose(module)
    return standing, chosen, find_exercise(curriculum(), chosen, exercise) if exercise else None


def _may_be_module(name: str) -> bool:
    """True also for a number that no module has: an exercise is not called so."""
    try:
        curriculum().module(name)
    except TitoError:
        return name.isdigit()
    return True


def _lone_exercise(current: Module, name: str) -> Exercise:
    from tito.workspace.hints import code_names, spelled

    here = curriculum().exercises(current)
    every = [exercise for m in curriculum().available for exercise in curriculum().exercises(m)]
    known = {exercise.id: exercise for exercise in every}
    known |= {exercise.name: exercise for exercise in here}
    wanted = spelled(name)
    found = (
        known.get(name)
        or code_names(here).get(name)
        or known.get(wanted)
        or code_names(every).get(name)
    )
    if found:
        return found
    words = [*(m.word for m in curriculum().modules), *known]
    near = difflib.get_close_matches(wanted, words, n=1)
    maybe = f" Did you mean {near[0]!r}?" if near else ""
    raise TitoError(
        f"There is no module {name!r}, and no exercise of that name.{maybe}",
        f"See the modules: tito module list\nSee the exercises: tito module test {current.id}",
        2,
    )


def say_file_used(workspace: Workspace, module: Module) -> None:
    """When a module has both a notebook and a `.py`, say beside the result which one counts."""
    files = workspace.learner_files(module)
    if len(files) > 1:
        used, other = (file.name for file in files)
        aside(f"Two files: {used} is used, saved after {other}.")
