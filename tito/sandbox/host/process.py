"""The guest as the host sees it: a child process that may hang, die, flood or lie at any moment.

Every way in which it can fail ends as GuestLost, within the time limit, with a sentence that says
what happened. The host reads frames (``tito.sandbox.protocol``) and never waits without a deadline.
"""

import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO

import numpy as np

from tito.sandbox.protocol import HEADER, MAX_BYTES, MAX_JSON

GUEST = Path(__file__).parents[1] / "guest" / "guest.py"
KEPT_OUTPUT = 16 << 10  # bytes of the end of what the guest prints
SLICE = 0.25  # seconds between looks at whether a silent guest is still alive
PLACE_WAIT = 0.3  # seconds we give a hanging guest to say where it hangs
FLAGS = ["-s", "-P", "-S", "-X", "utf8"]  # no user packages, no current folder, no .pth files
# fmt: off
KEPT_VARIABLES = (
    "PATH", "HOME", "USERPROFILE", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "TEMP", "TMP",
    "TMPDIR", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
)
THREADS = (
    "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)
# fmt: on
DISTURBED = (
    "Your code disturbed the process it is judged in (its answer cannot be read). "
    "It must not write to files it did not open, nor replace parts of Python."
)
GAVE_UP = 70  # exit code of a guest whose own machinery fails
CRASHES = {
    "SIGSEGV": "a segmentation fault (it used memory that is not its own; endless recursion "
    "with a raised recursion limit does this too)",
    "SIGABRT": "an abort",
    "SIGKILL": "it was killed, most likely because the machine ran out of memory",
    "SIGXCPU": "it used up its processor time",
    "SIGBUS": "a bus error (it used memory that is not its own)",
    "SIGFPE": "an arithmetic fault in machine code",
    "SIGILL": "an illegal instruction",
}
_PLACE = re.compile(rb'File "<cell (\d+)>", line (\d+)')


class GuestLost(BaseException):
    """The guest can no longer be asked; ``kind`` is "timeout" or "crash".

    A BaseException, so that no ``except Exception`` of a test cell takes it for the learner's.
    ``place`` is (cell index, line) where the learner's code stood, if that is known.
    """

    def __init__(self, kind: str, reason: str, place: tuple[int, int] | None = None) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.place = place


class GuestProcess:
    """One guest and its channel; ``close`` it. Raises OSError if Python cannot be started."""

    def __init__(self, megabytes: int = 4096, cpu_seconds: int = 300) -> None:
        self.folder = tempfile.mkdtemp(prefix="tinytorch-judge-")
        self.deadline = time.monotonic() + 60
        self.seconds = 60.0
        self.expired = False
        self.loss: GuestLost | None = None  # once lost, always lost, and for the first reason
        self.timer: threading.Timer | None = None
        self.output = b""
        self._buffer = bytearray()
        self._killed = False
        try:
            self.process = self._start(megabytes, cpu_seconds)
        except OSError:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        assert self.process.stdin and self.process.stdout and self.process.stderr
        self._writing, self._reading = self.process.stdin, self.process.stdout
        self._polls = _polls(self._reading, self._writing)
        threading.Thread(target=self._drain, args=(self.process.stderr,), daemon=True).start()

    def _start(self, megabytes: int, cpu_seconds: int) -> "subprocess.Popen[bytes]":
        bounds = {"megabytes": megabytes, "cpu_seconds": cpu_seconds}
        settings = {"paths": _site_folders(), **bounds}
        return subprocess.Popen(
            [sys.executable, *FLAGS, str(GUEST), json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd=self.folder,
            env=_environment(),
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    def limit(self, seconds: float) -> None:
        """Everything from now on must be done within ``seconds``; a new call replaces the old."""
        self.seconds, self.deadline = seconds, time.monotonic() + seconds
        if self.timer:
            self.timer.cancel()
        if self._polls is None:  # Windows cannot wait on a pipe: a timer ends the wait
            self.timer = threading.Timer(seconds, self._expire)
            self.timer.daemon = True
            self.timer.start()

    def _expire(self) -> None:
        self.expired = True
        self.kill()

    def exchange(self, frame: bytes) -> tuple[bytes, bytes]:
        """Send one request; the reply's JSON text and bytes. Raises GuestLost."""
        if self.loss:
            raise self.loss
        try:
            self._send(frame)
            sizes = HEADER.unpack(self._take(HEADER.size))
            if sizes[0] > MAX_JSON or sizes[1] > MAX_BYTES:
                raise self.malformed()
            return self._take(sizes[0]), self._take(sizes[1])
        except OSError:
            raise self._ended() from None
        except GuestLost as loss:
            self.loss = self.loss or loss
            raise self.loss from None

    def _send(self, frame: bytes) -> None:
        view = memoryview(frame)
        while view:
            try:
                view = view[os.write(self._writing.fileno(), view[: 1 << 16]) :]
            except BlockingIOError:
                self._wait(1)

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._wait(0)
            part = os.read(self._reading.fileno(), 1 << 20)
            if not part:
                raise self._ended()
            self._buffer += part
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def _wait(self, end: int) -> None:
        """Wait until the pipe is ready. Raises GuestLost at the deadline."""
        if self._polls is None:
            return
        while True:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise self._hanging()
            if self._polls[end].poll(min(left, SLICE) * 1000):
                return
            if self.process.poll() is not None:
                raise self._ended()  # dead, though some child of its holds the pipe

    def _hanging(self) -> GuestLost:
        lost = GuestLost("timeout", self._too_long(), self._ask_place())
        self.kill()
        return lost

    def _too_long(self) -> str:
        return f"Your code did not finish within {self.seconds:g} s."

    def _ask_place(self) -> tuple[int, int] | None:
        """Make the guest print where it stands, and read that."""
        if not hasattr(signal, "SIGUSR1"):
            return None
        before = self.output
        with contextlib.suppress(OSError):
            self.process.send_signal(signal.SIGUSR1)
        patience = time.monotonic() + PLACE_WAIT
        while time.monotonic() < patience and not _PLACE.search(self.output[-4096:]):
            time.sleep(0.005)
        return _last_place(self.output) if self.output != before else None

    def _ended(self) -> GuestLost:
        """What to say about a guest that hung up."""
        if self.expired:
            return GuestLost("timeout", self._too_long())
        try:
            code = self.process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            code = 0
        self.kill()
        time.sleep(0.02)  # let the last output arrive
        self.loss = GuestLost("crash", _how_it_ended(code), _last_place(self.output))
        return self.loss

    def malformed(self) -> GuestLost:
        """What to say about a guest that answered nonsense."""
        self.kill()
        self.loss = GuestLost("crash", DISTURBED)
        return self.loss

    def last_words(self) -> str:
        """The last line the guest printed."""
        lines = self.output.decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def kill(self) -> None:
        """End the guest and the processes it started. Safe to call twice."""
        if self._killed:
            return  # its number may be another process's by now
        self._killed = True
        with contextlib.suppress(OSError):
            if os.name == "nt":
                subprocess.run(
                    ["taskkill", "/F", "/T", "/PID", str(self.process.pid)], capture_output=True
                )
            else:
                os.killpg(self.process.pid, signal.SIGKILL)
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait(timeout=5)

    def close(self) -> None:
        """Kill what is left and remove the guest's folder."""
        if self.timer:
            self.timer.cancel()
        self.kill()
        for stream in (self._writing, self._reading):
            with contextlib.suppress(OSError):
                stream.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _drain(self, stream: IO[bytes]) -> None:
        """Read whatever the guest prints, for ever, and keep only the end of it."""
        with contextlib.suppress(OSError, ValueError), stream:
            while part := os.read(stream.fileno(), 1 << 16):
                self.output = (self.output + part)[-KEPT_OUTPUT:]


def _polls(reading: IO[bytes], writing: IO[bytes]) -> "tuple[select.poll, select.poll] | None":
    if not hasattr(select, "poll"):
        return None
    os.set_blocking(writing.fileno(), False)
    polls = (select.poll(), select.poll())
    polls[0].register(reading, select.POLLIN)
    polls[1].register(writing, select.POLLOUT)
    return polls


def _site_folders() -> list[str]:
    """Folders of installed packages; the one NumPy lies in is always among them."""
    homes = [p for p in sys.path if Path(p).name in ("site-packages", "dist-packages")]
    return list(dict.fromkeys([*homes, str(Path(np.__file__).parent.parent)]))


def _environment() -> dict[str, str]:
    """The few variables a guest needs: none of the user's secrets, one thread, fixed hashes."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return {**kept, **dict.fromkeys(THREADS, "1"), "PYTHONHASHSEED": "0", "MPLBACKEND": "Agg"}


def _last_place(output: bytes) -> tuple[int, int] | None:
    """The innermost learner's line of the last stack that was printed."""
    stack = output[max(output.rfind(b"most recent call first"), 0) :]
    match = _PLACE.search(stack)
    return (int(match[1]), int(match[2])) if match else None


def _how_it_ended(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name if -code in list(signal.Signals) else f"signal {-code}"
        return f"Your code crashed the Python process: {CRASHES.get(name, name)}."
    if code == GAVE_UP:
        return DISTURBED
    if code == 0:
        return "Your code ended the Python process (os._exit, or a closed channel) during its test."
    return f"Your code ended the Python process during its test (exit code {code})."
