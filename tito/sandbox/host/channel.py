"""The host's end of the pipes to a guest; nothing here waits without a deadline."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import threading
import time
from collections.abc import Callable
from typing import IO, Any

from tito.sandbox.host.output import Output

CAN_WAIT = hasattr(select, "poll")  # for a pipe: not on Windows
SLICE = 0.25  # seconds between looks at whether a silent guest is still alive
MOST_AT_ONCE = 1 << 20  # bytes written, or of prints read, in one go
PIPE = 1 << 16  # bytes that a pipe holds: no read brings more
PRINTS_AT_ONCE = 16  # such goes, before we look for an answer again


class Late(Exception):
    """The deadline has come."""


class HungUp(Exception):
    """The guest's end is closed."""


class Channel:
    """Bytes to and from a guest (POSIX); what it prints is taken in on the way.

    Raises Late at the deadline, HungUp when the guest is gone.
    """

    def __init__(self, process: subprocess.Popen[bytes], output: Output) -> None:
        assert process.stdin and process.stdout and process.stderr
        self.process = process
        self.output = output
        self.deadline = time.monotonic()
        self._streams: tuple[IO[bytes], ...] = (process.stdin, process.stdout, process.stderr)
        self._writing, self._reading, self._prints = (s.fileno() for s in self._streams)
        self._ahead = b""  # read already, not yet taken
        self._closed = False
        self._prepare()

    def _prepare(self) -> None:
        os.set_blocking(self._writing, False)
        os.set_blocking(self._prints, False)
        self._to_write: Any = select.poll()
        self._to_read: Any = select.poll()
        self._to_write.register(self._writing, select.POLLOUT)
        self._to_read.register(self._reading, select.POLLIN)
        for poll in (self._to_write, self._to_read):
            poll.register(self._prints, select.POLLIN)

    def until(self, deadline: float) -> None:
        """Set the deadline (of ``time.monotonic``)."""
        self.deadline = deadline

    def send(self, frame: bytes) -> None:
        """Send all of it."""
        view = memoryview(frame)
        while view:
            done = self._written(view[:MOST_AT_ONCE])
            if not done:
                self._wait(self._to_write, self._writing)
            view = view[done:]

    def take(self, count: int) -> bytearray:
        """Exactly so many bytes. One read mostly brings a whole reply."""
        data = bytearray(count)
        view, done = memoryview(data), 0
        while True:
            used = min(len(self._ahead), count - done)
            view[done : done + used] = self._ahead[:used]
            self._ahead = self._ahead[used:]
            done += used
            if done == count:
                return data
            self._wait(self._to_read, self._reading)
            self._ahead = self._read()

    def _written(self, data: memoryview) -> int:
        try:
            return os.write(self._writing, data)
        except BlockingIOError:
            return 0
        except OSError:
            raise HungUp from None

    def _read(self) -> bytes:
        try:
            part = os.read(self._reading, PIPE)
        except OSError:
            raise HungUp from None
        if not part:
            raise HungUp
        return part

    def _wait(self, poll: Any, wanted: int) -> None:
        while True:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise Late
            ready = [number for number, _ in poll.poll(max(1.0, min(left, SLICE) * 1000))]
            if self._prints in ready:
                self.take_prints()
            if wanted in ready:
                return
            if not ready and self.process.poll() is not None:
                raise HungUp  # dead, though some child of its holds the pipe

    def take_prints(self) -> None:
        """Take in what was printed, without waiting."""
        if self._closed:
            return
        with contextlib.suppress(BlockingIOError):
            for _ in range(PRINTS_AT_ONCE):
                part = os.read(self._prints, MOST_AT_ONCE)
                if not part:
                    self._forget_prints()
                    return
                self.output.add(part)

    def _forget_prints(self) -> None:
        for poll in (self._to_write, self._to_read):
            with contextlib.suppress(KeyError):
                poll.unregister(self._prints)

    def close(self) -> None:
        """Close our end, when what was printed is taken in."""
        self.take_prints()
        self._closed = True
        for stream in self._streams:
            with contextlib.suppress(OSError):
                stream.close()


class BlockingChannel(Channel):
    """The same where one cannot wait for a pipe (Windows).

    Reading blocks; at the deadline a timer ends the guest, and that ends the wait. A thread takes
    in what is printed, and ends with the guest.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], output: Output, end: Callable[[], None]
    ) -> None:
        self._end = end
        self._timer: threading.Timer | None = None
        self._expired = False
        super().__init__(process, output)

    def _prepare(self) -> None:
        self._to_write = self._to_read = None
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self) -> None:
        with contextlib.suppress(OSError):
            while part := os.read(self._prints, MOST_AT_ONCE):
                self.output.add(part)

    def until(self, deadline: float) -> None:
        """Set the deadline (of ``time.monotonic``)."""
        super().until(deadline)
        self._stop_timer()
        self._timer = threading.Timer(max(0.0, deadline - time.monotonic()), self._expire)
        self._timer.daemon = True
        self._timer.start()

    def _expire(self) -> None:
        time.sleep(SLICE)  # for the guest to say where it stands
        self._expired = True
        self._end()

    def _wait(self, poll: Any, wanted: int) -> None:
        if self._expired:
            raise Late

    def take(self, count: int) -> bytearray:
        """Exactly so many bytes."""
        try:
            return super().take(count)
        except HungUp:
            if self._expired:
                raise Late from None
            raise

    def take_prints(self) -> None:
        """Nothing to do: the thread does it."""

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()

    def close(self) -> None:
        """Close our end."""
        self._stop_timer()
        super().close()
