"""A deadline for our own work: what a guest sends must not keep us busy for ever."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Iterator

from tito.messages import Message
from tito.sandbox.host.loss import GuestLost


class _Overdue(BaseException):
    """Raised in the middle of what runs when the time is up."""


class _Watch:
    """Raises _Overdue in the thread that made it, unless it is stopped before."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.lock = threading.Lock()
        self.stopped = False

    def fire(self) -> None:
        with self.lock:
            if not self.stopped:
                self._raise(ctypes.py_object(_Overdue))

    def stop(self) -> None:
        """Afterwards nothing is raised, not even what was on its way."""
        with self.lock:
            self.stopped = True
        self._raise(None)

    def _raise(self, what: ctypes.py_object[type[_Overdue]] | None) -> None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.thread), what)


@contextlib.contextmanager
def host_deadline(seconds: float) -> Iterator[None]:
    """End the block after ``seconds`` by GuestLost of kind "host".

    Python code is ended between two of its steps; one long step inside NumPy is finished first,
    which is why the sizes of what a guest sends are bounded too.
    """
    watch = _Watch()
    timer = threading.Timer(seconds, watch.fire)
    timer.daemon = True
    timer.start()
    try:
        try:
            yield
        finally:
            timer.cancel()
            _stopped(watch)
    except _Overdue:
        _stopped(watch)
        raise GuestLost("host", Message("sandbox.host", seconds=f"{seconds:g}")) from None


def _stopped(watch: _Watch) -> None:
    with contextlib.suppress(_Overdue):
        watch.stop()
    watch.stop()
