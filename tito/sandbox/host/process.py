"""The guest as the host sees it: a process that may hang, die, flood or lie at any moment.

Every way in which it can fail ends as GuestLost, within the time limit, with a message that says
what happened.
"""

from __future__ import annotations

import subprocess
import time

from tito.sandbox.host import channel
from tito.sandbox.host.channel import BlockingChannel, Channel, HungUp, Late
from tito.sandbox.host.launcher import Launcher
from tito.sandbox.host.limits import Limits
from tito.sandbox.host.loss import GuestLost, disturbed, ended, place, too_late
from tito.sandbox.host.output import Output
from tito.sandbox.protocol import HEADER, MAX_BYTES, MAX_JSON

START_SECONDS = 60.0  # for Python and NumPy to load, on a slow or busy machine
PLACE_WAIT = 0.3  # seconds we give a hanging guest to say where it hangs
END_WAIT = 1.0  # seconds in which a guest that hung up must have ended


class GuestProcess:
    """One guest and its channel; ``close`` it. Raises OSError if it cannot be started."""

    def __init__(self, launcher: Launcher, limits: Limits) -> None:
        self.output = Output()
        self.loss: GuestLost | None = None  # once lost, always lost, and for the first reason
        self.seconds = START_SECONDS
        self.cpu_seconds = limits.cpu_seconds
        self._running = launcher.start(limits)
        self.process = self._running.process
        self._channel = self._open()
        self.limit(START_SECONDS)

    def _open(self) -> Channel:
        if channel.CAN_WAIT:
            return Channel(self.process, self.output)
        return BlockingChannel(self.process, self.output, self.kill)

    def limit(self, seconds: float, cpu_seconds: float | None = None) -> None:
        """Everything from now on must be done within ``seconds``; a new call replaces the old.

        ``cpu_seconds`` is what the guest was told, for the message when it used them up.
        """
        self.seconds = seconds
        self.cpu_seconds = self.cpu_seconds if cpu_seconds is None else cpu_seconds
        self._channel.until(time.monotonic() + seconds)

    def exchange(self, frame: bytes) -> tuple[bytearray, bytearray]:
        """Send one request; the reply's JSON text and bytes. Raises GuestLost."""
        if self.loss:
            raise self.loss
        try:
            return self._exchange(frame)
        except Late:
            raise self.lose(self._hanging()) from None
        except HungUp:
            raise self.lose(self._ended()) from None

    def _exchange(self, frame: bytes) -> tuple[bytearray, bytearray]:
        self._channel.send(frame)
        text, body = HEADER.unpack(self._channel.take(HEADER.size))
        if text > MAX_JSON or body > MAX_BYTES:
            raise self.lose(disturbed())
        return self._channel.take(text), self._channel.take(body)

    def lose(self, loss: GuestLost) -> GuestLost:
        """End the guest for this reason, unless it is lost already; the reason."""
        self.loss = self.loss or loss
        self.kill()
        return self.loss

    def malformed(self) -> GuestLost:
        """What to say about a guest that answered nonsense."""
        return self.lose(disturbed())

    def _hanging(self) -> GuestLost:
        """Its own clock makes it print where it stands, about now."""
        patience = time.monotonic() + PLACE_WAIT
        while time.monotonic() < patience and not place(self.output.tail):
            time.sleep(0.005)
            self._channel.take_prints()
        return too_late(self.seconds, self.output.tail)

    def _ended(self) -> GuestLost:
        try:
            code = self.process.wait(timeout=END_WAIT)
        except subprocess.TimeoutExpired:  # it closed its channel and goes on
            code = 0
        self._channel.take_prints()
        return ended(code, self.cpu_seconds, self.output.tail)

    @property
    def mark(self) -> int:
        """How much was printed so far; see ``output_since``."""
        self._channel.take_prints()
        return self.output.mark

    def output_since(self, mark: int) -> str:
        """What the guest printed since then, cleaned; only the end of it if it is long."""
        self._channel.take_prints()
        return self.output.since(mark)

    def kill(self) -> None:
        """End the guest and the processes it started. Safe to call twice."""
        self._running.end()

    def close(self) -> None:
        """End what is left, and free what it used here."""
        self.kill()
        self._channel.close()
