"""Every `tito …` command that a text, a hint or a message names exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from tito.cli.app import tito

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("src", "tito", "milestones", "datasets")
PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile")
KINDS = {".py", ".toml", ".md"}
NAMED = re.compile(r"(?P<tick>`)?\btito(?P<words>(?: +[a-z][a-z-]+)+)(?P<options>(?: +--[a-z-]+)*)")
OPTION = re.compile(r"--[a-z-]+")


def texts() -> list[Path]:
    inside = (p for place in PLACES for p in sorted((ROOT / place).rglob("*")))
    found = [p for p in inside if p.suffix in KINDS and "datasets" not in p.parts[-3:-1]]
    return [*found, *(ROOT / page for page in PAGES)]


@cache
def subcommands(path: tuple[str, ...]) -> dict[str, click.Command] | None:
    """The commands of a group, None for a command that is no group."""
    command: click.Command = tito
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    if not isinstance(command, click.Group):
        return None
    context = click.Context(command)
    names = command.list_commands(context)
    return {name: command.get_command(context, name) for name in names}  # type: ignore[misc]


def faults(text: str) -> Iterator[str]:
    for match in NAMED.finditer(text):
        words, known = match["words"].split(), subcommands(())
        if words[0] not in known and not match["tick"]:
            continue  # prose: "tito itself failed"
        path: tuple[str, ...] = ()
        for word in words:
            if known is None:
                break  # arguments
            if word not in known:
                yield f"`tito {' '.join(words)}`: there is no `tito {' '.join((*path, word))}`"
                break
            path, known = (*path, word), subcommands((*path, word))
        else:
            yield from wrong_options(path, match["options"])


def wrong_options(path: tuple[str, ...], options: str) -> Iterator[str]:
    command = subcommands(path[:-1])[path[-1]]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    for option in OPTION.findall(options):
        if option not in known:
            yield f"`tito {' '.join(path)}` has no option {option}"


@pytest.mark.parametrize("path", texts(), ids=lambda p: str(p.relative_to(ROOT)))
def test_named_commands_exist(path):
    assert list(faults(path.read_text(encoding="utf-8"))) == []


def test_a_wrong_name_is_found():
    assert list(faults("Run `tito modul test 01`.")) == [
        "`tito modul test`: there is no `tito modul`"
    ]
    assert list(faults("next: tito module tets 01")) == [
        "`tito module tets`: there is no `tito module tets`"
    ]
    assert list(faults("`tito module test --jsn`")) == ["`tito module test` has no option --jsn"]
    assert list(faults("tito itself failed; `tito module test 01 --json`")) == []
