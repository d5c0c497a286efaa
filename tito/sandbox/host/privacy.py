"""While a guest lives, other processes of the same user must not reach into this one's memory."""

from __future__ import annotations

import sys
import threading
from functools import cache
from typing import Any

GET_DUMPABLE, SET_DUMPABLE = 3, 4  # prctl's numbers

_lock = threading.Lock()
_closed = 0  # by how many
_before = 1


@cache
def _prctl() -> Any:
    import ctypes

    return ctypes.CDLL(None).prctl


def close_memory() -> None:
    """Close /proc/PID/mem of this process to processes without privileges (Linux)."""
    global _closed, _before
    if sys.platform != "linux":
        return
    with _lock:
        if _closed == 0:
            _before = _prctl()(GET_DUMPABLE, 0, 0, 0, 0)
            _prctl()(SET_DUMPABLE, 0, 0, 0, 0)
        _closed += 1


def reopen_memory() -> None:
    """Undo one ``close_memory``."""
    global _closed
    if sys.platform != "linux":
        return
    with _lock:
        _closed -= 1
        if _closed == 0:
            _prctl()(SET_DUMPABLE, _before, 0, 0, 0)
