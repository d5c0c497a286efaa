"""Waiting for what happens in other processes."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 20.0  # seconds for something that happens at once on a machine that is not busy


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true in good time."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
