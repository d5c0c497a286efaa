"""A check that failed: what was given, what was expected, what came, and what it may mean."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from tito.messages import Message

Text = str | Message
Frames = tuple[tuple[int, int], ...]  # cell index and line
ROWS = ("given", "before", "after", "expected", "got", "because")


def _nothing() -> None:
    return None


class CheckFailed(AssertionError):
    """One check of a graded test failed.

    Fields: ``reason`` (a Message), ``given``, ``before``, ``after``, ``expected``, ``got``,
    ``because`` (short texts or Messages; empty if they do not apply), ``position`` (which check of
    the test, from 0), ``signature`` (of what came, for machines), ``printed`` (by the learner's
    code, in this test) and ``frames`` (the learner's lines that an error in place of the expected
    one passed through, if it came from another process: cell index and line, outermost first).
    """

    def __init__(
        self,
        reason: Message,
        *,
        given: str = "",
        before: str = "",
        after: str = "",
        expected: Text = "",
        got: Text = "",
        because: str = "",
        position: int = 0,
        signature: str = "",
        printed: str = "",
        frames: Frames = (),
        find_hint: Callable[[], Message | None] = _nothing,
    ) -> None:
        """``find_hint``: looks for a general mistake that explains the failure, when asked."""
        super().__init__(reason)
        self.reason = reason
        self.given = given
        self.before = before
        self.after = after
        self.expected = expected
        self.got = got
        self.because = because
        self.position = position
        self.signature = signature
        self.printed = printed
        self.frames = frames
        self._find_hint = find_hint

    @cached_property
    def hint(self) -> Message | None:
        """The general mistake that fits what came exactly; None if none does."""
        return self._find_hint()

    def __str__(self) -> str:
        rows = [(Message(f"label.{name}"), getattr(self, name)) for name in ROWS]
        lines = [f"  {label!s:<9} {text}" for label, text in rows if text]
        return "\n".join([str(self.reason), *lines])
