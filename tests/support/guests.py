"""Real guests for tests, and waiting for what happens in other processes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tito.sandbox import Launcher, Limits
from tito.sandbox.conversation import Client, GuestProcess
from tito.sandbox.host.bubblewrap import BubblewrapLauncher

REQUIRED = "TINYTORCH_REQUIRE_BUBBLEWRAP"


class Guest(Client):
    """A client of a guest with empty namespaces, and short ways to run code there."""

    def __init__(self, launcher: Launcher, limits: Limits) -> None:
        super().__init__(GuestProcess(launcher, limits))
        self.request("package", {})
        self.fresh([])
        self.clock(limits.exercise_seconds, limits.cpu_seconds)
        self.cells = 0

    def run(self, source: str, home: str = "") -> None:
        """Run a cell."""
        self.cells += 1
        self.request("cell", home, self.cells, source)

    def value(self, expression: str, before: str = "pass") -> Any:
        """What an expression is in the guest, after some statements."""
        self.run(f"{before}\nanswer = {expression}\n")
        return self.request("begin", ["answer"], 0)["answer"]


def bubblewrap() -> Launcher:
    """The launcher; skips where bubblewrap does not work, unless it was said that it must."""
    launcher = BubblewrapLauncher()
    reason = launcher.unavailable()
    if reason and os.environ.get(REQUIRED):
        pytest.fail(f"{REQUIRED} is set, but {reason}")
    if reason:
        pytest.skip(reason)
    return launcher


Start = Callable[..., Guest]


def starter(launcher: Launcher) -> Iterator[Start]:
    """A function that starts guests; all are closed at the end."""
    guests = []

    def start(**limits: Any) -> Guest:
        guests.append(Guest(launcher, Limits(**{"exercise_seconds": 20.0, **limits})))
        return guests[-1]

    yield start
    for guest in guests:
        guest.guest.close()


PATIENCE = 20.0  # seconds for something that happens at once on a machine that is not busy


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true in good time."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
