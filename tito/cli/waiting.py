"""A sign of life while something takes more than a moment: on a terminal only, and then gone."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

TESTING = "Testing …"
PATIENCE = 1.0  # seconds before anything is shown


@contextmanager
def waiting(text: str, *, silent: bool = False) -> Iterator[None]:
    """Show `text` and something that turns as long as the block takes, once PATIENCE is over.

    Nothing is shown if `silent`, or where nobody looks: in a pipe, a file, a dumb terminal.
    """
    if silent or not sys.stdout.isatty():
        yield
        return
    from rich.live import Live
    from rich.spinner import Spinner

    from tito.cli.rendering import console

    with Live(
        Late(Spinner("line", text)), console=console(), transient=True, refresh_per_second=8,
        redirect_stdout=False, redirect_stderr=False,
    ):  # fmt: skip
        yield


class Late:
    """An empty line, then what is to be shown."""

    def __init__(self, shown: RenderableType) -> None:
        self.shown = shown
        self.begun = time.monotonic()

    def __rich_console__(self, made: Console, options: ConsoleOptions) -> RenderResult:
        """What stands there at this moment."""
        yield self.shown if time.monotonic() - self.begun >= PATIENCE else ""
