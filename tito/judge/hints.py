"""Which hint a failure gets when no planted mistake explains it."""

from __future__ import annotations

from collections.abc import Callable

from tito.judge.refusals import refusal_hint
from tito.judge.report import Failure, Text
from tito.judge.slips import guessed_slip, likely_slip, sure_slip
from tito.literate.cells import Cell
from tito.messages import Message

EXPLAINED = ("check", "error")  # kinds of failures that a slip in the text may explain
# Patterns that say what came, and not which line is at fault.
WEAK = frozenset(
    f"pattern.{name}"
    for name in (
        "nan", "infinite", "empty", "own_raise", "recursion", "none_used", "offsets", "no_axes",
        "data_doubled", "inner_sizes", "inner_sizes_T", "ones_missing", "ones_extra",
    )
)  # fmt: skip


def general_hint(
    failure: Failure, cell: Cell, reference: Cell, repair: Callable[[], Message | None]
) -> Text:
    """The surest that can be said: a sure slip, a pattern, a change that helps, a likely slip.

    ``cell``: the learner's, of the exercise that failed. ``repair`` looks for the change; that
    takes a while.
    """
    if failure.kind not in EXPLAINED:
        return failure.hint
    sure = sure_slip(cell, reference)
    if sure or _is_strong(failure.hint):
        return sure or failure.hint
    found = repair() or likely_slip(cell, reference) or refusal_hint(failure, cell, reference)
    return found or failure.hint or guessed_slip(cell, reference, _is_silent(failure)) or ""


def _is_silent(failure: Failure) -> bool:
    return isinstance(failure.reason, Message) and failure.reason.code == "check.no_error"


def _is_strong(hint: Text) -> bool:
    return isinstance(hint, Message) and hint.code not in WEAK
