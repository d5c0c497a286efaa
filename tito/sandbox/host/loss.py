"""A guest that can no longer be asked: why, and where its code stood."""

from __future__ import annotations

import re
import signal

from tito.messages import Message
from tito.sandbox.guest.keeper import TOO_MANY
from tito.sandbox.protocol import GAVE_UP

SIGNALS_FROM = 128  # as shells, bubblewrap and the keeper count: 128 + the signal's number
CRASHES = ("SIGSEGV", "SIGABRT", "SIGKILL", "SIGBUS", "SIGFPE", "SIGILL")
_PLACE = re.compile(rb'File "<cell (\d{1,6})>", line (\d{1,9})')
_TRACE = re.compile(
    rb"^(Timeout \(\d|Fatal Python error: |(Current t|T)hread 0x|Stack \(most recent call first)",
    re.MULTILINE,
)

Place = tuple[int, int]


class GuestLost(BaseException):
    """The guest can no longer be asked; ``kind`` is "timeout", "cpu", "crash" or "host".

    ``message`` says why. ``place`` is (cell index, line) where the learner's code stood, if that is
    known. A BaseException, so that no ``except Exception`` of a test cell takes it for the
    learner's.
    """

    def __init__(self, kind: str, message: Message, place: Place | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.place = place

    @property
    def reason(self) -> str:
        """The message in English."""
        return str(self.message)


def disturbed() -> GuestLost:
    """Its answer follows no rule, or it took what was not its own."""
    return GuestLost("crash", Message("sandbox.disturbed"))


def too_late(seconds: float, output: bytes) -> GuestLost:
    """It gave no answer within the wall time it had."""
    return GuestLost("timeout", Message("sandbox.timeout", seconds=f"{seconds:g}"), place(output))


def ended(code: int, cpu_seconds: float, output: bytes) -> GuestLost:
    """Its process ended, with this exit code (or minus the signal's number)."""
    number = -code if code < 0 else code - SIGNALS_FROM
    name = signal.Signals(number).name if number in list(signal.Signals) else ""
    if name == "SIGXCPU":
        message = Message("sandbox.cpu", seconds=f"{cpu_seconds:g}")
        return GuestLost("cpu", message, place(output))
    if code == GAVE_UP:
        return disturbed()
    if code == TOO_MANY:
        return GuestLost("crash", Message("sandbox.processes"))
    return GuestLost("crash", _crash(code, name), place(output))


def _crash(code: int, name: str) -> Message:
    if name in CRASHES:
        return Message("sandbox.crashed", how=Message(f"sandbox.{name}"))
    if name:
        return Message("sandbox.crashed", how=name)
    if code == 0:
        return Message("sandbox.left")
    return Message("sandbox.exit_code", code=code)


def place(output: bytes) -> Place | None:
    """The innermost learner's line of the last stack that was printed."""
    starts = [found.start() for found in _TRACE.finditer(output)]
    found = _PLACE.search(output[starts[-1] :]) if starts else None
    return (int(found[1]), int(found[2])) if found else None


def without_traces(output: bytes) -> bytes:
    """What the learner's code printed, without the stacks that a crash or a timeout printed."""
    trace = _TRACE.search(output)
    return output[: trace.start()] if trace else output
