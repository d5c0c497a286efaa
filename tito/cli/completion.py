"""`tito completion`: let the shell complete commands, modules, exercises and milestones."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from tito.cli.rendering import say
from tito.errors import TitoError
from tito.files import write_atomic

SHELLS = ("bash", "zsh", "fish")
PLACES = {  # below the home folder; bash and fish look there by themselves
    "bash": Path(".local", "share", "bash-completion", "completions", "tito"),
    "zsh": Path(".zfunc", "_tito"),
    "fish": Path(".config", "fish", "completions", "tito.fish"),
}
ZSH = "fpath+=~/.zfunc; autoload -Uz compinit && compinit"
SHELL = click.argument("shell", required=False, type=click.Choice(SHELLS))


@click.group()
def completion() -> None:
    """Completion of names by the Tab key, for bash, zsh and fish."""


@completion.command()
@SHELL
def show(shell: str | None) -> None:
    """Print the script for SHELL (default: yours)."""
    say(_script(shell or _own_shell()))


@completion.command()
@SHELL
def install(shell: str | None) -> None:
    """Write the script to where SHELL (default: yours) looks for it."""
    name = shell or _own_shell()
    path = Path.home() / PLACES[name]
    write_atomic(path, _script(name) + "\n")
    say(f"Written: {path}")
    if name == "zsh":
        say(f"Add this line to ~/.zshrc, if it is not there yet:  {ZSH}")
    say("It works in the next shell you open.")


def _own_shell() -> str:
    name = Path(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        raise TitoError(
            f"Completion is there for {', '.join(SHELLS)}; your shell is {name or 'unknown'}.",
            "Name one: tito completion install bash",
            exit_code=2,
        )
    return name


def _script(shell: str) -> str:
    from tito.cli.app import tito

    kind = get_completion_class(shell)
    assert kind is not None
    return kind(tito, {}, "tito", "_TITO_COMPLETE").source()
