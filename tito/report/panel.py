"""What a panel says: a title, one sentence, then labelled rows; not how it looks."""

from __future__ import annotations

from itertools import groupby
from typing import Any, NamedTuple

from tito.messages import Message, Wording

CODE_ROWS = ("given", "before", "after", "expected", "got")


class Row(NamedTuple):
    """One labelled text; ``is_code`` asks for a fixed-width font and for lines as they are."""

    label: str
    text: str
    is_code: bool = False


class Panel(NamedTuple):
    """A title, a sentence that says what is wrong, and the rows that show it."""

    title: str
    lead: str
    rows: tuple[Row, ...]


def failure_panel(failure: Any, wording: Wording, title: str = "", help_command: str = "") -> Panel:
    """The panel of anything that has some of a failure's fields.

    Fields: ``reason``, ``given``, ``before``, ``after``, ``expected``, ``got``, ``because``,
    ``printed``, ``where``, ``line_text``, ``kind``, ``fix`` and ``hint``, each a text, a Message or
    nothing. ``help_command`` is named where there is no hint.
    """
    ask = Message("report.ask", command=help_command) if help_command else ""
    rows = [
        *(_row(name, _field(failure, name), wording, True) for name in CODE_ROWS),
        _row("because", _field(failure, "because"), wording),
        _row("printed", _folded(_field(failure, "printed").rstrip(), wording), wording, True),
        _row(_place_label(failure), _place(failure, wording), wording, True),
        _row("fix", _field(failure, "fix"), wording),
        _row("hint", _field(failure, "hint") or ask, wording),
    ]
    return Panel(title, wording.say(failure.reason), tuple(row for row in rows if row.text))


def _folded(text: str, wording: Wording) -> str:
    """The text with equal lines in a row as one: "x (15 times)"."""
    runs = ((line, len(list(equal))) for line, equal in groupby(text.splitlines()))
    return "\n".join(
        wording.say(Message("report.repeated", line=line, count=count)) if count > 1 else line
        for line, count in runs
    )


def _field(failure: Any, name: str) -> Any:
    return getattr(failure, name, "") or ""


def _row(name: str, text: Message | str, wording: Wording, is_code: bool = False) -> Row:
    return Row(wording.say(Message(f"label.{name}")), wording.say(text), is_code)


def _place_label(failure: Any) -> str:
    """A wrong value has no line of its own, only the function it came from."""
    if not _field(failure, "line_text"):
        return "where"
    return "code" if _field(failure, "kind") == "check" else "line"


def _place(failure: Any, wording: Wording) -> str:
    """Where it is, and below that the learner's line."""
    parts = (wording.say(_field(failure, "where")), _field(failure, "line_text").strip())
    return "\n".join(part for part in parts if part)
