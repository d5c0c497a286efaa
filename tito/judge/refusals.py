"""An input that is to be refused with one error, and came to another, or was not refused at all."""

from __future__ import annotations

import ast
import re

from tito.judge.locations import parsed
from tito.judge.report import Failure
from tito.literate.cells import Cell
from tito.messages import Message

OWN = r"raise {}\b"


def refusal_hint(failure: Failure, cell: Cell, reference: Cell) -> Message | None:
    """What the learner's own `raise`, or the lack of one, has to do with the failure."""
    reason, line = failure.reason, failure.line_text
    if not isinstance(reason, Message):
        return None
    if reason.code == "check.no_error":
        return _never_raised(reason.data["expected"], cell)
    is_own = line.startswith("raise ")
    if reason.code == "check.other_error" and line:
        data = {"line": line, "expected": reason.data["expected"]}
        return _other_kind(cell, **data) if is_own else Message("refusal.too_late", **data)
    if reason.code == "check.no_mention" and line:
        if is_own:
            return Message("refusal.mention", line=line, word=reason.data["word"])
        return Message("refusal.not_own", line=line) if _raised(reference) else None
    return None


def _never_raised(expected: str, cell: Cell) -> Message | None:
    """Nothing was raised, and no line of the cell could have raised this kind."""
    return None if expected in _raised(cell) else Message("refusal.never", expected=expected)


def _other_kind(cell: Cell, line: str, expected: str) -> Message:
    has_both = expected in _raised(cell) and not re.match(OWN.format(expected), line)
    code = "refusal.order" if has_both else "refusal.kind"
    return Message(code, line=line, expected=expected)


def _raised(cell: Cell) -> set[str]:
    """The kinds of errors that a cell raises itself."""
    tree = parsed(cell.source)
    found = set()
    for node in ast.walk(tree) if tree else ():
        match node:
            case ast.Raise(exc=ast.Call(func=ast.Name(id=name)) | ast.Name(id=name)):
                found.add(name)
    return found
