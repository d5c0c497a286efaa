"""The guest's end of the pipes to the host."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from .limits import far_copy


class Channel:
    """Requests in, replies out, on descriptors of our own.

    Afterwards standard input is empty, and standard output goes where standard error goes: to the
    host, as what the learner's code prints.
    """

    def __init__(self) -> None:
        self.reading, self.writing = far_copy(0), far_copy(1)
        self.read, self.write = os.read, os.write
        self.ahead = b""  # read already, not yet taken
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore
        self.prints = sys.stdout, sys.stderr
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._close)  # no child ever speaks in our name

    def _close(self, close: object = os.close) -> None:
        for descriptor in (self.reading, self.writing):
            close(descriptor)  # type: ignore[operator]

    def take(self, count: int) -> bytearray:
        """Exactly so many bytes. Raises EOFError when the host hangs up."""
        data = bytearray(count)
        view, done = memoryview(data), 0
        while True:
            used = min(len(self.ahead), count - done)
            view[done : done + used] = self.ahead[:used]
            self.ahead = self.ahead[used:]
            done += used
            if done == count:
                return data
            self.ahead = self.read(self.reading, 1 << 16)
            if not self.ahead:
                raise EOFError

    def send(self, frame: bytes) -> None:
        """Show what was printed, then send the reply."""
        for stream in self.prints:
            with suppress(OSError, ValueError):  # the learner closed it
                stream.flush()
        view = memoryview(frame)
        while view:
            view = view[self.write(self.writing, view) :]
