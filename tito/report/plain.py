"""A panel as plain text: readable from 60 columns on, by eyes and by screen readers."""

from __future__ import annotations

import re
import textwrap

from tito.report.panel import Panel, Row

WIDTH = 88
INDENT = "  "
NUMBERED = re.compile(r"\((\w+) (\d+)\)")  # "(cell 13)" stays on one line
UNBROKEN = "\N{NO-BREAK SPACE}"


def as_text(panel: Panel, width: int = WIDTH) -> str:
    """The panel in lines of at most ``width`` characters; long words are broken in code alone."""
    column = max((len(row.label) for row in panel.rows), default=0) + 2
    lines = [panel.title, *_wrapped(panel.lead, width)]
    for row in panel.rows:
        lines += _row_lines(row, column, width)
    return "\n".join(line for line in lines if line)


def _row_lines(row: Row, column: int, width: int) -> list[str]:
    """The label once, the text in a column of its own."""
    space = width - len(INDENT) - column
    text = [part for line in row.text.splitlines() for part in _wrapped(line, space, row.is_code)]
    labels = [row.label, *[""] * (len(text) - 1)]
    return [
        f"{INDENT}{label:<{column}}{line}".rstrip()
        for label, line in zip(labels, text, strict=True)
    ]


def _wrapped(text: str, width: int, is_code: bool = False) -> list[str]:
    indent = text[: len(text) - len(text.lstrip())]
    glued = NUMBERED.sub(rf"(\1{UNBROKEN}\2)", text.strip())
    lines = textwrap.wrap(
        glued,
        max(width, 20),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=is_code,
        break_on_hyphens=False,
    )
    return [line.replace(UNBROKEN, " ") for line in lines] or [""]
