"""`tito milestone`: list, info, run, status."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from tito.cli.common import span
from tito.cli.rendering import complain, notice, print_json, say, show, table
from tito.curriculum.manifest import Milestone, Part, load_manifest
from tito.errors import TitoError
from tito.milestones.context import Context, Run, part_of

if TYPE_CHECKING:
    from tito.milestones.runner import Result

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def milestone() -> None:
    """Run the history of the field on your own framework."""


@milestone.command("list")
@JSON
def list_milestones(as_json: bool) -> None:
    """All milestones, what they need, and what can run now."""
    ground = _ground()
    rows = [(m, p) for m in load_manifest().milestones for p in m.parts]
    if as_json:
        print_json([_facts(ground, m, p) for m, p in rows])
        return
    table(
        ["Nr", "Name", "Year", "Part", "State"],
        [(m.id, m.name, m.year, f"{p.number} {p.title}", _state(ground, m, p)) for m, p in rows],
    )


@milestone.command()
@click.argument("name")
@JSON
def info(name: str, as_json: bool) -> None:
    """What milestone NAME (number, name or alias) is about, and what it asks for."""
    ground = _ground()
    chosen = load_manifest().milestone(name)
    if as_json:
        print_json([_facts(ground, chosen, part) for part in chosen.parts])
        return
    say(f"Milestone {chosen.id}: {chosen.title} ({chosen.year})")
    for part in chosen.parts:
        _say_part(ground, chosen, part)
    readme = ground.root / "milestones" / chosen.folder / "README.md"
    if readme.is_file():
        say()
        say(f"Its history: {readme}")


def _say_part(ground: Context, chosen: Milestone, part: Part) -> None:
    say()
    say(f"Part {part.number}: {part.title} ({_state(ground, chosen, part)})")
    say(f"  modules   {span(part.needs)}")
    for target in part.targets:
        say(f"  target    {target.metric.replace('_', ' ')}: {target.text}")
    if part.data:
        say(f"  data      {part.data}, fetched when it runs")
    say(f"  run it    tito milestone run {chosen.name} --part {part.number}")


@milestone.command()
@click.argument("name")
@click.option("--part", "number", type=int, help="Only this part.")
@click.option("--seed", type=click.IntRange(min=0), help="One seed instead of the usual set.")
@click.option("--epochs", type=click.IntRange(min=1), help="Passes over the data.")
@JSON
def run(name: str, number: int | None, seed: int | None, epochs: int | None, as_json: bool) -> None:
    """Run milestone NAME (number, name or alias), or "all" that can run now.

    Parts whose data has to be fetched run only when asked for by --part.
    """
    ground = _ground()
    runs = ground.all_ready() if name == "all" else _named(ground, name, number)
    settings = {"seed": seed, "epochs": epochs}
    extra = [f"--{key}={value}" for key, value in settings.items() if value is not None]
    results, failed = _run_all(ground, runs, extra)
    if as_json:
        print_json({"framework": ground.framework, "results": results})
    elif results:
        _show_results(results)
    sys.exit(1 if failed else 0)


@milestone.command()
@JSON
def status(as_json: bool) -> None:
    """The scoreboard: what your framework has reached so far."""
    ground = _ground()
    found = [ground.results(m) for m in load_manifest().milestones]
    results = [result for parts in found for _, result in sorted(parts.items())]
    if as_json:
        print_json({"framework": ground.framework, "results": results})
    elif results:
        _show_results(results)
    else:
        say("No results yet. What can run: tito milestone list")


def _ground() -> Context:
    ground = Context.here()
    notice(ground.notices)
    return ground


def _named(ground: Context, name: str, number: int | None) -> list[Run]:
    """The runs asked for: one part, or all parts of a milestone that can run now."""
    chosen = load_manifest().milestone(name)
    if number is not None:
        return [ground.require(chosen, part_of(chosen, number))]
    runs = ground.ready(chosen) or [ground.require(chosen, chosen.parts[0])]
    for part in chosen.parts:
        if (chosen, part) not in runs:
            why = f"fetches {part.data}" if not ground.missing(part) else _needs(ground, part)
            how = f"tito milestone run {chosen.name} --part {part.number}"
            notice([f"Left out: part {part.number} ({part.title}), which {why}. To run it: {how}"])
    return runs


def _run_all(ground: Context, runs: list[Run], extra: list[str]) -> tuple[list[Result], int]:
    """The results, and how many runs failed: one that fails does not keep the others from it."""
    results = []
    for chosen, part in runs:
        try:
            results.append(_run(ground, chosen, part, extra))
        except TitoError as error:
            complain(error.message, error.fix)
    return results, len(runs) - len(results)


def _run(ground: Context, chosen: Milestone, part: Part, extra: list[str]) -> Result:
    from tito.milestones.runner import run_part

    click.echo(f"{chosen.title} ({chosen.year}), part {part.number}: {part.title} – "
               f"on {ground.framework} framework", err=True)  # fmt: skip
    result = run_part(chosen, part, ground.root, [*extra, *ground.script_options])
    if ground.workspace is not None and not ground.record(chosen, part, result):
        notice(["A short run does not replace the full one on your scoreboard."])
    return result


def _show_results(results: list[Result]) -> None:
    from tito.milestones.scoreboard import render

    show(render(results))
    for result in results:
        if result.get("plot"):
            say(f"Plot: {result['plot']}")


def _needs(ground: Context, part: Part) -> str:
    return "needs " + span(ground.missing(part))


def _state(ground: Context, milestone: Milestone, part: Part) -> str:
    if not milestone.available:
        return "later release"
    if ground.missing(part):
        return _needs(ground, part)
    return "done" if part.number in ground.results(milestone) else "ready"


def _facts(ground: Context, milestone: Milestone, part: Part) -> dict[str, object]:
    return {
        "id": milestone.id, "name": milestone.name, "title": milestone.title,
        "year": milestone.year, "part": part.number, "part_title": part.title,
        "needs": part.needs, "missing": ground.missing(part), "data": part.data,
        "targets": [asdict(target) for target in part.targets],
        "available": milestone.available, "state": _state(ground, milestone, part),
    }  # fmt: skip
