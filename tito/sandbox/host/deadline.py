"""A deadline for our own work: what a guest sends must not keep us busy for ever."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Iterator

from tito.messages import Message
from tito.sandbox.host.loss import GuestLost


class _Watch:
    """Raises GuestLost in the thread that made it, unless it is stopped before."""

    def __init__(self, seconds: float) -> None:
        self.thread = threading.get_ident()
        self.lock = threading.Lock()
        self.stopped = False
        self.raised = _overdue(seconds)

    def fire(self) -> None:
        with self.lock:
            if not self.stopped:
                self._raise(ctypes.py_object(self.raised))

    def stop(self) -> None:
        """Afterwards nothing is raised, not even what was on its way."""
        with self.lock:
            self.stopped = True
            self._raise(None)

    def _raise(self, what: ctypes.py_object[type[GuestLost]] | None) -> None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.thread), what)


def _overdue(seconds: float) -> type[GuestLost]:
    """A class, for Python makes the instance: wherever it is raised, it needs no translation."""

    class Overdue(GuestLost):
        def __init__(self) -> None:
            super().__init__("host", Message("sandbox.host", seconds=f"{seconds:g}"))

    return Overdue


@contextlib.contextmanager
def host_deadline(seconds: float) -> Iterator[None]:
    """End the block after ``seconds`` by GuestLost of kind "host".

    Python code is ended between two of its steps; one long step inside NumPy is finished first,
    which is why the sizes of what a guest sends are bounded too.
    """
    watch = _Watch(seconds)
    timer = threading.Timer(seconds, watch.fire)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        watch.stop()
