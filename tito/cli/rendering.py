"""The one place that decides how things look on a terminal.

Words carry the meaning; colour only adds. What the terminal's encoding lacks is written in ASCII.
"""

from __future__ import annotations

import codecs
import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from tito.report import Panel

PLAIN = "tito.plain"
WIDEST = 100
STAND_INS = {
    "●": "*", "○": "-", "–": "-", "—": "-", "…": "...", "→": "->", "←": "<-", "≤": "<=", "≥": ">=",
    "×": "x", "·": ".", "≈": "~", "±": "+/-", "√": "sqrt", "−": "-", "’": "'", "“": '"', "”": '"',
    "━": "-", "─": "-", "│": "|", "✓": "+", "✗": "x", "é": "e",
}  # fmt: skip
STYLES = {
    "passed": "green", "completed": "green", "ok": "green", "done": "green", "met": "green",
    "failed": "red", "problem": "red", "not met": "red",
    "not started": "yellow", "note": "yellow", "in progress": "yellow", "ready": "cyan",
}  # fmt: skip


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(STAND_INS.get(char, "?") for char in missing), error.end


def prepare_streams() -> None:
    """Let no character crash the output: what the encoding lacks is replaced."""
    codecs.register_error(PLAIN, _plain)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=PLAIN)


def complain(message: str, fix: str = "") -> None:
    """Say on stderr what went wrong, then what to do."""
    click.secho("Error: ", fg="red", nl=False, err=True)
    click.echo(message, err=True)
    if fix:
        click.echo(fix, err=True)


def notice(lines: Iterable[str]) -> None:
    """Say something beside the result (on stderr, so that JSON on stdout stays whole)."""
    for line in lines:
        click.echo(f"Note: {line}", err=True)


def say(text: str = "") -> None:
    """Print a line of the result."""
    click.echo(text)


def say_wrapped(text: str) -> None:
    """Print a text, with lines too long for the terminal broken between words."""
    width = min(shutil.get_terminal_size().columns, WIDEST)
    for line in text.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        say("\n".join(textwrap.wrap(line, width, subsequent_indent=indent)))


def print_json(value: Any) -> None:
    """Print a value for programs: ASCII JSON, whatever the terminal."""
    click.echo(json.dumps(value, indent=2, default=str))


def console() -> Console:
    """A rich console on the present stdout, at most WIDEST columns wide."""
    from rich.console import Console

    made = Console(highlight=False, markup=False, emoji=False, soft_wrap=False)
    made.width = min(made.width, WIDEST)
    return made


def show(renderable: RenderableType) -> None:
    """Print a table or panel."""
    console().print(renderable)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table. A cell that is one of the known states gets its colour; "#…" aligns right."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for column in columns:
        right = column.startswith("#")
        name = column.removeprefix("#")
        made.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        cells = (str(cell) for cell in row)
        made.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in cells))
    show(made)


def show_panel(panel: Panel) -> None:
    """Print a panel as a box, its labels in a column of their own."""
    from rich import panel as rich_panel
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for row in panel.rows:
        grid.add_row(Text(row.label, style="bold"), Text(row.text))
    content = Group(Text(panel.lead), grid)
    show(rich_panel.Panel(content, title=Text(panel.title), title_align="left"))
