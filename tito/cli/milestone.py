"""`tito milestone`: list, info, run, status."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
import msgspec

from tito.cli.common import JSON, curriculum
from tito.cli.lazy import SuggestingGroup
from tito.cli.names import milestones
from tito.cli.rendering import complain, notice, print_json, say, show, table
from tito.curriculum.modules import Milestone, Part
from tito.curriculum.numbers import show_numbers
from tito.errors import TitoError
from tito.milestones.context import Context, Run, part_of

if TYPE_CHECKING:
    from tito.milestones.runner import Result


@click.group(cls=SuggestingGroup)
def milestone() -> None:
    """Run the history of the field on your own framework."""


@milestone.command("list")
@JSON
def list_milestones(as_json: bool) -> None:
    """All milestones, what they need, and what can run now."""
    context = _context()
    rows = [(m, p) for m in curriculum().milestones for p in m.parts]
    if as_json:
        print_json([_facts(context, m, p) for m, p in rows])
        return
    table(
        ["Nr", "Name", "Year", "Part", "State"],
        [(m.id, m.name, m.year, f"{p.number} {p.title}", _state(context, m, p)) for m, p in rows],
    )


@milestone.command()
@click.argument("name", shell_complete=milestones)
@JSON
def info(name: str, as_json: bool) -> None:
    """What milestone NAME (number, name or alias) is about, and what it asks for."""
    context = _context()
    chosen = curriculum().milestone(name)
    if as_json:
        print_json([_facts(context, chosen, part) for part in chosen.parts])
        return
    say(f"Milestone {chosen.id}: {chosen.title} ({chosen.year})")
    for part in chosen.parts:
        _say_part(context, chosen, part)
    readme = context.root / "milestones" / chosen.folder / "README.md"
    if readme.is_file():
        say()
        say(f"Its history: {readme}")


def _say_part(context: Context, chosen: Milestone, part: Part) -> None:
    say()
    say(f"Part {part.number}: {part.title} ({_state(context, chosen, part)})")
    say(f"  modules   {show_numbers(part.needs)}")
    for target in part.targets:
        say(f"  target    {target.metric.replace('_', ' ')}: {target.text}")
    if part.data:
        say(f"  data      {part.data}, fetched when it runs")
    say(f"  run it    tito milestone run {chosen.name} --part {part.number}")


@milestone.command()
@click.argument("name", shell_complete=milestones)
@click.option("--part", "number", type=int, help="Only this part.")
@click.option("--seed", type=click.IntRange(min=0), help="One seed instead of the usual set.")
@click.option("--epochs", type=click.IntRange(min=1), help="Passes over the data.")
@JSON
def run(name: str, number: int | None, seed: int | None, epochs: int | None, as_json: bool) -> None:
    """Run milestone NAME (number, name or alias), or "all" that can run now.

    Parts whose data has to be fetched run only when asked for by --part.
    """
    context = _context()
    runs = context.all_ready() if name == "all" else _named(context, name, number)
    settings = {"seed": seed, "epochs": epochs}
    extra = [f"--{key}={value}" for key, value in settings.items() if value is not None]
    results, failed = _run_all(context, runs, extra)
    if as_json:
        print_json({"framework": context.framework, "results": results})
    elif results:
        _show_results(results)
    sys.exit(1 if failed else 0)


@milestone.command()
@JSON
def status(as_json: bool) -> None:
    """The scoreboard: what your framework has reached so far."""
    context = _context()
    found = [context.results(m) for m in curriculum().milestones]
    results = [result for parts in found for _, result in sorted(parts.items())]
    if as_json:
        print_json({"framework": context.framework, "results": results})
    elif results:
        _show_results(results)
    else:
        say("No results yet. What can run: tito milestone list")


def _context() -> Context:
    context = Context.here(curriculum())
    notice(context.notices)
    return context


def _named(context: Context, name: str, number: int | None) -> list[Run]:
    """The runs asked for: one part, or all parts of a milestone that can run now."""
    chosen = curriculum().milestone(name)
    if number is not None:
        return [context.require(chosen, part_of(chosen, number))]
    runs = context.ready(chosen) or [context.require(chosen, chosen.parts[0])]
    for part in chosen.parts:
        if (chosen, part) not in runs:
            why = f"fetches {part.data}" if not context.missing(part) else _needs(context, part)
            how = f"tito milestone run {chosen.name} --part {part.number}"
            notice([f"Left out: part {part.number} ({part.title}), which {why}. To run it: {how}"])
    return runs


def _run_all(context: Context, runs: list[Run], extra: list[str]) -> tuple[list[Result], int]:
    """The results, and how many runs failed: one that fails does not keep the others from it."""
    results = []
    for chosen, part in runs:
        try:
            results.append(_run(context, chosen, part, extra))
        except TitoError as error:
            complain(error.message, error.fix)
    return results, len(runs) - len(results)


def _run(context: Context, chosen: Milestone, part: Part, extra: list[str]) -> Result:
    from tito.milestones.runner import run_part

    click.echo(f"{chosen.title} ({chosen.year}), part {part.number}: {part.title} – "
               f"on {context.framework} framework", err=True)  # fmt: skip
    result = run_part(chosen, part, context.root, [*extra, *context.script_options])
    if context.standing is not None and not context.record(chosen, part, result):
        notice(["A short run does not replace the full one on your scoreboard."])
    return result


def _show_results(results: list[Result]) -> None:
    from tito.milestones.scoreboard import render

    show(render(results, curriculum().milestones))
    for result in results:
        if result.get("plot"):
            say(f"Plot: {result['plot']}")


def _needs(context: Context, part: Part) -> str:
    return "needs " + show_numbers(context.missing(part))


def _state(context: Context, milestone: Milestone, part: Part) -> str:
    if not milestone.available:
        return "later release"
    if context.missing(part):
        return _needs(context, part)
    return "done" if part.number in context.results(milestone) else "ready"


def _facts(context: Context, milestone: Milestone, part: Part) -> dict[str, object]:
    return {
        "id": milestone.id, "name": milestone.name, "title": milestone.title,
        "year": milestone.year, "part": part.number, "part_title": part.title,
        "needs": part.needs, "missing": context.missing(part), "data": part.data,
        "targets": [msgspec.structs.asdict(target) for target in part.targets],
        "available": milestone.available, "state": _state(context, milestone, part),
    }  # fmt: skip
