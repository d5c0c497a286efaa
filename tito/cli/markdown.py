"""Markdown as a terminal shows it: headings, lists, tables, code, formulas."""

from __future__ import annotations

import re
from typing import ClassVar

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Markdown
from rich.syntax import Syntax

from tito.cli.rendering import console
from tito.report.formulas import without_latex

OBEYED = re.compile(r"([!-/:-@\[-`{-~])")  # what Markdown may take for a sign of its own


class UnbrokenCode(CodeBlock):
    """A block of code whose lines are never wrapped: one that is too long ends with "…"."""

    def __rich_console__(self, made: Console, options: ConsoleOptions) -> RenderResult:
        """One line of the terminal for each line of code."""
        code = Syntax("", self.lexer_name, theme=self.theme).highlight(str(self.text).rstrip())
        code.no_wrap, code.overflow = True, "ellipsis"
        code.rstrip()
        yield code


class TerminalMarkdown(Markdown):
    """Markdown with unbroken blocks of code."""

    elements: ClassVar = {**Markdown.elements, "fence": UnbrokenCode, "code_block": UnbrokenCode}


def from_markdown(text: str) -> str:
    """The text as a terminal shows it, formulas as plain text."""
    escaped = without_latex(text, lambda formula: OBEYED.sub(r"\\\1", formula))
    made = console()
    with made.capture() as caught:
        made.print(TerminalMarkdown(escaped, code_theme="ansi_dark", hyperlinks=False))
    return caught.get()
