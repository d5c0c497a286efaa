"""`tito milestone`: list, info, run, status."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from tito.cli.common import JSON, curriculum
from tito.cli.facts import advice
from tito.cli.lazy import SuggestingGroup
from tito.cli.names import milestones
from tito.cli.rendering import complain, notice, print_json, say, say_next, say_wrapped, show, table
from tito.curriculum.modules import Milestone, Part
from tito.curriculum.numbers import show_numbers
from tito.errors import TitoError
from tito.files import read_text
from tito.milestones.context import Context, Run, part_of
from tito.workspace.layout import from_here

if TYPE_CHECKING:
    from tito.milestones.runner import Result


def _required(ctx: click.Context, param: click.Parameter, name: str | None) -> str:
    """The name given; without one a TitoError that says where the names stand."""
    if name is None and not ctx.resilient_parsing:
        raise TitoError("The name of a milestone is missing.", "See them: tito milestone list", 2)
    return name or ""


NAME = click.argument("name", required=False, callback=_required, shell_complete=milestones)


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
@NAME
@JSON
def info(name: str, as_json: bool) -> None:
    """The story of milestone NAME, and what it asks for.

    NAME is a number, a name or an alias: 1, perceptron, rosenblatt.
    """
    context = _context()
    chosen = curriculum().milestone(name)
    if as_json:
        print_json([_facts(context, chosen, part) for part in chosen.parts])
        return
    readme = context.root / "milestones" / chosen.folder / "README.md"
    say(f"Milestone {chosen.id}: {chosen.title} ({chosen.year})")
    if readme.is_file():
        _show_history(readme)
    for part in chosen.parts:
        _say_part(context, chosen, part)
    if readme.is_file():
        say()
        say(f"More: {from_here(readme)}")


def _show_history(readme: Path) -> None:
    from rich.markdown import Markdown

    from tito.milestones.telling import history

    say()
    show(Markdown(history(read_text(readme))))


def _say_part(context: Context, chosen: Milestone, part: Part) -> None:
    state = _state(context, chosen, part)
    say()
    say(f"Part {part.number}: {part.title} ({state})")
    modules = show_numbers(part.needs)
    if state != f"needs {modules}":
        say(f"  modules   {modules}")
    for target in part.targets:
        say(f"  target    {target.metric.replace('_', ' ')}: {target.text}")
    if part.data:
        say(f"  data      {part.data}, fetched when it runs")
    say(f"  run it    tito milestone run {chosen.name} --part {part.number}")


@milestone.command()
@NAME
@click.option("--part", "number", type=int, help="Only this part.")
@click.option("--seed", type=click.IntRange(min=0), help="One seed instead of the usual set.")
@click.option("--epochs", type=click.IntRange(min=1), help="Passes over the data.")
@JSON
def run(name: str, number: int | None, seed: int | None, epochs: int | None, as_json: bool) -> None:
    """Run milestone NAME, or "all" that can run now.

    NAME is a number, a name or an alias: 1, perceptron, rosenblatt. Parts that take minutes, or
    whose data has to be fetched, run only when asked for by --part.
    """
    context = _context()
    runs = context.all_ready() if name == "all" else _named(context, name, number)
    settings = {"seed": seed, "epochs": epochs}
    extra = [f"--{key}={value}" for key, value in settings.items() if value is not None]
    done = _run_all(context, runs, extra, quiet=as_json)
    if as_json:
        print_json({"framework": context.framework, "results": [result for _, result in done]})
    elif done:
        _close(context, done[-1][0])
    sys.exit(0 if len(done) == len(runs) else 1)


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
        _show_scoreboard(results)
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
            why = _needs(context, part) if context.missing(part) else _why_left_out(part)
            how = f"tito milestone run {chosen.name} --part {part.number}"
            notice([f"Left out: part {part.number} ({part.title}), which {why}. To run it: {how}"])
    return runs


def _why_left_out(part: Part) -> str:
    """What keeps a part that could run from running unasked."""
    return f"fetches {part.data}" if part.data else "takes a few minutes"


def _run_all(
    context: Context, runs: list[Run], extra: list[str], *, quiet: bool
) -> list[tuple[Run, Result]]:
    """The parts that ran and their results: one that fails does not keep the others from it."""
    done = []
    for chosen, part in runs:
        try:
            result = _run(context, chosen, part, extra)
        except TitoError as error:
            complain(error.message, error.fix)
            continue
        done.append(((chosen, part), result))
        if not quiet:
            _tell(part, result)
    return done


def _run(context: Context, chosen: Milestone, part: Part, extra: list[str]) -> Result:
    from tito.milestones.runner import run_part

    whose = "the reference" if context.standing is None else context.framework
    click.echo(f"\n{chosen.title} ({chosen.year}), part {part.number}: {part.title} – "
               f"on {whose} framework\n", err=True)  # fmt: skip
    result = run_part(chosen, part, context.root, [*extra, *context.script_options])
    if context.standing is not None and not context.record(chosen, part, result):
        notice(["A short run does not replace the full one on your scoreboard."])
    return result


def _tell(part: Part, result: Result) -> None:
    """What one part measured, what changed, its picture, and the moral."""
    from tito.milestones.picture import open_picture
    from tito.milestones.telling import also_measured, changes

    _show_scoreboard([result])
    for line in [*changes(result), *also_measured(result, part)]:
        say(line)
    if result.get("plot"):
        picture = Path(result["plot"])
        say(f"Picture{', opened' if open_picture(picture) else ''}: {from_here(picture)}")
    if result.get("moral"):
        say()
        say_wrapped(result["moral"])


def _close(context: Context, run: Run) -> None:
    """After the last part: what it was made with, and what comes next."""
    from tito.milestones.pride import pride

    say()
    say_wrapped(pride(context, run[1]))
    say_next(_next(context, run))


def _next(context: Context, run: Run) -> str:
    from tito.milestones.ahead import next_run

    found = next_run(context, run)
    if found is None:
        return advice(context.standing) if context.standing else "See them all: tito milestone list"
    chosen, part = found
    fetched = f" (fetches {part.data})" if part.data else ""
    return (f"Next: {chosen.title}, part {part.number}: {part.title}{fetched}\n"
            f"  tito milestone run {chosen.name} --part {part.number}")  # fmt: skip


def _show_scoreboard(results: list[Result]) -> None:
    from tito.milestones.scoreboard import render

    show(render(results, curriculum().milestones))


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
