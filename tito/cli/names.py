"""The names that a shell completes: of modules, exercises, milestones and tracks."""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem

from tito.cli.rendering import counted
from tito.curriculum.curriculum import Curriculum
from tito.errors import TitoError


def _curriculum(ctx: click.Context) -> Curriculum:
    found = ctx.find_root().obj
    return found if isinstance(found, Curriculum) else Curriculum.load()


def _items(incomplete: str, named: Iterable[tuple[str, str]]) -> list[CompletionItem]:
    wanted = incomplete.lower()
    return [CompletionItem(name, help=text) for name, text in named if name.startswith(wanted)]


def modules(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Modules of this release, by number or by word as was begun."""
    by_number = not incomplete or incomplete[0].isdigit()
    available = _curriculum(ctx).available
    return _items(incomplete, [(m.id if by_number else m.word, m.title) for m in available])


def exercises(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Exercises of the module that stands before, by their short names."""
    curriculum = _curriculum(ctx)
    try:
        module = curriculum.module(ctx.params.get("module") or "")
    except TitoError:
        return []
    found = curriculum.exercises(module) if module.available else ()
    return _items(
        incomplete, [(exercise.name, counted(exercise.points, "point")) for exercise in found]
    )


def milestones(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Milestones by name."""
    return _items(incomplete, [(m.name, m.title) for m in _curriculum(ctx).milestones])


def tracks(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Tracks by name."""
    return _items(incomplete, [(track.name, track.title) for track in _curriculum(ctx).tracks])
