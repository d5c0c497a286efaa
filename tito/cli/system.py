"""`tito system`: info, doctor."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from tito.cli.common import JSON, curriculum
from tito.cli.lazy import SuggestingGroup
from tito.cli.rendering import print_json, say, table


@click.group(cls=SuggestingGroup)
def system() -> None:
    """Look at the set-up."""


@system.command()
@JSON
def info(as_json: bool) -> None:
    """Versions and places: what to paste into a question."""
    from tito.workspace.doctor import facts

    found = facts(curriculum())
    if as_json:
        print_json(found)
        return
    width = max(map(len, found))
    for name, value in found.items():
        say(f"{name:<{width}}  {value}")


@system.command()
@JSON
def doctor(as_json: bool) -> None:
    """Look for trouble, and say what to do about it. Exit code 1 if something must be mended."""
    from tito.workspace.doctor import examine

    findings = examine(curriculum())
    problems = sum(finding.state == "problem" for finding in findings)
    if as_json:
        print_json({"problems": problems, "findings": [asdict(f) for f in findings]})
        sys.exit(1 if problems else 0)
    table(["What", "State", "Found"], [(f.subject, f.state, f.text) for f in findings])
    for finding in findings:
        if finding.fix:
            say(f"{finding.subject}: {finding.fix}")
    say(f"{problems} to mend." if problems else "Nothing to mend.")
    sys.exit(1 if problems else 0)
