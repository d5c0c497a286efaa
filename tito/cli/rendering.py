"""The one place that decides how things look on a terminal.

Words carry the meaning; colour only adds. What the terminal's encoding lacks is written in ASCII.
"""

from __future__ import annotations

import codecs
import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod, RenderableType

    from tito.report import Panel

PLAIN = "tito.plain"
WIDEST = 100
NO_NEXT = "TITO_NO_NEXT"
LAST_COMMAND = re.compile(r"(?<=[:?] )(?:tito|cd|pip|sudo) .*$")  # to be copied: kept on one line
UNBROKEN = "\N{NO-BREAK SPACE}"
STAND_INS = {
    "●": "*", "○": "-", "–": "-", "—": "-", "…": "...", "→": "->", "←": "<-", "≤": "<=", "≥": ">=",
    "×": "x", "·": ".", "≈": "~", "±": "+/-", "√": "sqrt", "−": "-", "’": "'", "“": '"', "”": '"',
    "━": "-", "─": "-", "│": "|", "✓": "+", "✗": "x", "é": "e",
}  # fmt: skip
STYLES = {
    "passed": "green", "completed": "green", "ok": "green", "done": "green", "met": "green",
    "failed": "red", "problem": "red", "not met": "red",
    "not started": "yellow", "note": "yellow", "in progress": "yellow", "ready": "cyan",
    "completed, now failing": "yellow",
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
    text = _fitted(f"Error: {message}", sys.stderr)
    click.echo(styled("Error:", fg="red") + text.removeprefix("Error:"), err=True)
    if fix:
        click.echo(_fitted(fix, sys.stderr), err=True)


def styled(text: str, **style: Any) -> str:
    """Styled, unless the person or the terminal wants no styles."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain else click.style(text, **style)


def notice(lines: Iterable[str]) -> None:
    """Say something beside the result (on stderr, so that JSON on stdout stays whole)."""
    for line in lines:
        click.echo(_fitted(f"Note: {line}", sys.stderr), err=True)


def aside(text: str) -> None:
    """Say in one quiet line what one may want to know (on stderr, as a notice)."""
    click.echo(styled(_fitted(text, sys.stderr), dim=True), err=True)


def say(text: str = "") -> None:
    """Print a line of the result; a terminal gets it in lines that fit."""
    click.echo(_fitted(text, sys.stdout))


def counted(number: int, noun: str) -> str:
    """A number of things: "1 point", "2 points"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def say_wrapped(text: str) -> None:
    """Print a longer text in lines that fit, wherever it goes."""
    click.echo(wrapped(text))


def wrapped(text: str) -> str:
    """The text, lines too long for the terminal broken between words.

    Paths and links are never broken, nor is the command that a line ends with.
    """
    width = min(shutil.get_terminal_size().columns, WIDEST)
    return "\n".join(_broken(line, width) for line in text.splitlines())


def _broken(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    indent = line[: len(line) - len(line.lstrip())]
    glued = LAST_COMMAND.sub(lambda found: found[0].replace(" ", UNBROKEN), line)
    parts = textwrap.wrap(
        glued, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(parts).replace(UNBROKEN, " ")


def _fitted(text: str, stream: TextIO) -> str:
    """Wrapped for a terminal; as it is for a file or a program, which may search it."""
    return wrapped(text) if stream.isatty() else text


def say_next(text: str) -> None:
    """Print what to do next, unless whoever called us (`make run`) says that at its own end."""
    if not os.environ.get(NO_NEXT):
        say(text)


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


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, spare: Sequence[str] = ()
) -> None:
    """Print a table. A cell that is one of the known states gets its colour; "#…" aligns right.

    `spare`: columns that go, in this order, where the terminal is too narrow for all.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    listed = [[str(cell) for cell in row] for row in rows]
    kept = _fitting(columns, listed, spare)
    made = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for index in kept:
        name = columns[index].removeprefix("#")
        justify: JustifyMethod = "right" if name != columns[index] else "left"
        made.add_column(name, justify=justify, overflow="fold")  # nothing is cropped
    for row in listed:
        made.add_row(*(Text(row[i], style=STYLES.get(row[i], "")) for i in kept))
    show(made)


def _fitting(
    columns: Sequence[str], rows: Sequence[Sequence[str]], spare: Sequence[str]
) -> list[int]:
    """The numbers of the columns there is room for."""
    room = min(shutil.get_terminal_size().columns, WIDEST)
    widths = [
        max(len(line) for cell in column for line in (cell.splitlines() or [""]))
        for column in zip(columns, *rows, strict=True)
    ]
    kept = list(range(len(columns)))
    for name in spare:
        if sum(widths[index] + 2 for index in kept) <= room:
            break
        kept.remove(columns.index(name))
    return kept


def show_panel(panel: Panel) -> None:
    """Print a panel: its title, its sentence, and the rows with their labels in a column."""
    from tito.report import as_text

    width = min(shutil.get_terminal_size().columns, WIDEST)
    say()
    for line in as_text(panel, width).splitlines():
        label = next((row.label for row in panel.rows if line.lstrip().startswith(row.label)), "")
        head, _, rest = line.partition(label) if label else ("", "", line)
        click.echo(head + styled(label, bold=True) + rest if label else line)
