"""`tito dev`: for contributors — build the package, check the order, prove the modules."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from tito.errors import TitoError


@click.group()
def dev() -> None:
    """Build and check the curriculum (for contributors)."""


@dev.command()
@click.option(
    "--into", type=click.Path(path_type=Path), help="Folder to build in (default: the checkout)."
)
def build(into: Path | None) -> None:
    """Build the complete reference package `tinytorch` from src/."""
    from tito.curriculum.manifest import load_manifest
    from tito.package.writer import write_reference
    from tito.resources import curriculum_root, is_checkout

    if into is None and not is_checkout():
        raise TitoError(
            "This tito is installed, not a checkout; it already carries the reference package.",
            "Name a folder to build in: tito dev build --into FOLDER",
        )
    root = into or curriculum_root()
    changed = write_reference(root)
    click.echo(
        f"tinytorch: {len(load_manifest().available)} modules built in {root}, "
        f"{len(changed)} files changed."
    )


@dev.command("check-order")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check_order_command(as_json: bool) -> None:
    """Check that no module uses or names what a later one introduces."""
    from tito.authoring.order import check_order
    from tito.curriculum.manifest import load_manifest

    leaks = [str(leak) for leak in check_order()]
    if as_json:
        click.echo(json.dumps({"leaks": leaks}, indent=2))
    else:
        for leak in leaks:
            click.echo(leak)
        click.echo(f"{len(load_manifest().available)} modules read, {len(leaks)} leaks.")
    sys.exit(1 if leaks else 0)


@dev.command()
@click.argument("modules", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(modules: tuple[str, ...], as_json: bool) -> None:
    """Prove modules (default: all): stubs fail, references pass, planted mistakes are caught."""
    from tito.authoring.proof import prove
    from tito.curriculum.manifest import load_manifest

    manifest = load_manifest()
    chosen = [manifest.module(ref) for ref in modules] or list(manifest.available)
    proofs = prove(chosen, notify=lambda line: click.echo(f"proving {line} …", err=True))
    if as_json:
        click.echo(json.dumps([proof.to_dict() for proof in proofs], indent=2, ensure_ascii=False))
    else:
        _print_proofs(proofs)
    sys.exit(1 if any(proof.faults for proof in proofs) else 0)


def _print_proofs(proofs: list) -> None:
    for proof in proofs:
        click.echo(
            f"{proof.module.id} {proof.module.title:<12} {proof.exercises:>3} exercises  "
            f"{proof.mistakes:>3} planted mistakes  {proof.caught:>3} caught  "
            f"{proof.hinted:>3} met with their own hint  {len(proof.faults):>2} faults"
        )
        for fault in proof.faults:
            click.echo(f"   - {fault}")
    totals = [sum(getattr(p, name) for p in proofs) for name in ("exercises", "mistakes", "caught")]
    faults = sum(len(proof.faults) for proof in proofs)
    click.echo(
        f"Total: {totals[0]} exercises, {totals[1]} planted mistakes, "
        f"{totals[2]} caught, {faults} faults."
    )
