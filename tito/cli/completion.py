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
PLACES = {  # below the home folder; fish looks there by itself, bash with its package
    "bash": Path(".local", "share", "bash-completion", "completions", "tito"),
    "zsh": Path(".zfunc", "_tito"),
    "fish": Path(".config", "fish", "completions", "tito.fish"),
}
STARTED_BY = {"bash": "~/.bashrc", "zsh": "~/.zshrc"}
BASH_COMPLETION = (  # the package bash-completion, on Linux and from Homebrew
    "/usr/share/bash-completion/bash_completion",
    "/etc/bash_completion",
    "/opt/homebrew/etc/profile.d/bash_completion.sh",
    "/usr/local/etc/profile.d/bash_completion.sh",
)
ZSH = "fpath+=~/.zfunc; autoload -Uz compinit && compinit"
SHELL = click.argument("shell", required=False, type=click.Choice(SHELLS))


@click.group()
def completion() -> None:
    """Completion of names by the Tab key, for bash, zsh and fish."""


@completion.command()
@SHELL
def show(shell: str | None) -> None:
    """Print the script for your shell, or for the one you name."""
    say(_script(shell or _own_shell()))


@completion.command()
@SHELL
def install(shell: str | None) -> None:
    """Write the script for your shell, or for the one you name."""
    name = shell or _own_shell()
    path = Path.home() / PLACES[name]
    write_atomic(path, _script(name) + "\n")
    say(f"Written: {path}")
    if line := _line_to_add(name):
        say(f"Add this line to {STARTED_BY[name]}, if it is not there yet:\n  {line}")
    say("It works in the next shell you open.")


def _line_to_add(shell: str) -> str:
    """What the shell's own file has to say so that the script is read; "" where it is anyway."""
    if shell == "zsh":
        return ZSH
    by_itself = shell == "fish" or any(Path(place).is_file() for place in BASH_COMPLETION)
    return "" if by_itself else f". ~/{PLACES[shell].as_posix()}"


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
