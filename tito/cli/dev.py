"""`tito dev`: for contributors — build the package, check the order, prove the modules."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tito.cli.common import JSON, TIERS, curriculum
from tito.cli.lazy import SuggestingGroup
from tito.cli.rendering import print_json, say
from tito.errors import TitoError

if TYPE_CHECKING:
    from tito.authoring.anatomy import Shares
    from tito.authoring.mutants import Strength
    from tito.authoring.proof import ModuleProof
    from tito.curriculum.modules import Module
    from tito.judge import Isolation

STRONG = 0.97  # of a module's mutants its graded tests should notice at least so many


@click.group(cls=SuggestingGroup)
def dev() -> None:
    """Build and check the curriculum (for contributors)."""


@dev.command()
@click.option(
    "--into", type=click.Path(path_type=Path), help="Folder to build in (default: the checkout)."
)
def build(into: Path | None) -> None:
    """Build the complete reference package `tinytorch` from src/."""
    from tito.package.writer import write_reference
    from tito.resources import is_checkout

    if into is None and not is_checkout():
        raise TitoError(
            "This tito is installed, not a checkout; it already carries the reference package.",
            "Name a folder to build in: tito dev build --into FOLDER",
        )
    root = into or curriculum().root
    changed = write_reference(root, curriculum())
    say(f"tinytorch: {len(curriculum().available)} modules built in {root}, "
        f"{len(changed)} files changed.")  # fmt: skip


@dev.command("check-order")
@JSON
def check_order_command(as_json: bool) -> None:
    """Check that no module uses what it does not build upon."""
    from tito.authoring.order import check_order

    leaks = [str(leak) for leak in check_order(curriculum())]
    if as_json:
        print_json({"leaks": leaks})
    else:
        for leak in leaks:
            say(leak)
        say(f"{len(curriculum().available)} modules read, {len(leaks)} leaks.")
    sys.exit(1 if leaks else 0)


@dev.command()
@click.argument("modules", nargs=-1)
@JSON
def check(modules: tuple[str, ...], as_json: bool) -> None:
    """Prove MODULES (default: all).

    Stubs fail, references pass, planted mistakes are caught.
    """
    from tito.authoring.proof import prove

    def notify(line: str) -> None:
        click.echo(f"proving {line} …", err=True)

    proofs = prove(curriculum(), _chosen(modules), notify)
    if as_json:
        print_json([proof.to_dict() for proof in proofs])
    else:
        _say_proofs(proofs)
    sys.exit(1 if any(proof.faults for proof in proofs) else 0)


@dev.command()
@click.argument("modules", nargs=-1)
@JSON
def mutants(modules: tuple[str, ...], as_json: bool) -> None:
    """Try the graded tests of MODULES against mutants.

    Default: all modules; the mutants are machine-made.
    Fails where fewer than 97 % are noticed, or one survives of which nobody has said why.
    """
    from tito.authoring.mutants import measure

    found = []
    for strength in measure(curriculum(), _chosen(modules)):
        found.append(strength)
        if not as_json:
            _say_strength(strength)
    if as_json:
        print_json([_strength_facts(strength) for strength in found])
    sys.exit(1 if any(s.killed < STRONG or s.unjudged for s in found) else 0)


@dev.command()
@click.argument("module")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--isolation", type=TIERS, default="auto", show_default=True,
              help="How to keep the code apart.")  # fmt: skip
@click.option("--unsafe-no-sandbox", "unsafe", is_flag=True, help="Judge without a sandbox.")
@click.option("--hidden", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="Folder of tests that learners do not see: 01_tensor.py, ….")  # fmt: skip
@JSON
def grade(
    module: str,
    file: Path,
    isolation: Isolation,
    unsafe: bool,
    hidden: Path | None,
    as_json: bool,
) -> None:
    """Judge FILE, somebody's work on MODULE, as a grader does.

    Upon the reference's earlier modules; no hints; every exercise, whatever happens in others.
    """
    from tito.cli.verdict import show_report
    from tito.curriculum.curriculum import Curriculum
    from tito.judge import Judge
    from tito.literate.reading import read_cells
    from tito.package.writer import reference_sources, upon

    ours = Curriculum.load(curriculum().root, hidden)
    chosen = ours.module(module)
    judge = Judge.for_grading(ours, isolation, unsafe=unsafe)
    report = judge.judge(chosen, read_cells(file), upon(chosen, reference_sources(ours)))
    if as_json:
        print_json(report.to_dict(ours.wording))
    else:
        show_report(report, ours.wording)
        say(f"Isolation: {report.isolation}.")
    sys.exit(0 if report.complete else 1)


def _chosen(refs: tuple[str, ...]) -> list[Module]:
    return [curriculum().module(ref) for ref in refs] or list(curriculum().available)


def _say_proofs(proofs: list[ModuleProof]) -> None:
    for proof in proofs:
        say(
            f"{proof.module.id} {proof.module.title:<12} {proof.exercises:>3} exercises  "
            f"{proof.mistakes:>3} planted mistakes  {proof.caught:>3} caught  "
            f"{proof.hinted:>3} met with their own hint  {len(proof.faults):>2} faults"
        )
        if proof.shares:
            say(_shares_line(proof.shares))
        for fault in proof.faults:
            say(f"   - {fault}")
    totals = [sum(getattr(p, name) for p in proofs) for name in ("exercises", "mistakes", "caught")]
    faults = sum(len(proof.faults) for proof in proofs)
    say(f"Total: {totals[0]} exercises, {totals[1]} planted mistakes, "
        f"{totals[2]} caught, {faults} faults.")  # fmt: skip


def _shares_line(shares: Shares) -> str:
    return (
        f"   the learner writes {100 * shares.share:.0f} % of the exported code "
        f"({shares.written_exported} of {shares.exported} lines), {shares.written} lines in all, "
        f"{shares.per_hour:.0f} an hour"
    )


def _say_strength(strength: Strength) -> None:
    survivors = strength.survivors
    say(
        f"{strength.module.id} {strength.module.title:<12} {strength.mutants:>4} mutants  "
        f"{strength.mutants - len(survivors):>4} killed ({100 * strength.killed:.1f} %)  "
        f"{len(survivors)} survive, {len(strength.unjudged)} of them without a reason"
    )
    for survivor in survivors:
        say(f"    {survivor.exercise}: {survivor.mutant}")
        say(f"        {survivor.reason or f'NOT JUDGED ({survivor.place})'}")


def _strength_facts(strength: Strength) -> dict[str, object]:
    from dataclasses import asdict

    return {
        "module": strength.module.id,
        "mutants": strength.mutants,
        "killed": strength.killed,
        "survivors": [asdict(survivor) for survivor in strength.survivors],
    }
