"""The guest bounds itself before any code of the learner's runs.

That is for POSIX; elsewhere only the host's clock remains. Whoever runs as the guest can lower
these bounds, but not raise them.
"""

from __future__ import annotations

import contextlib
import faulthandler
import math
import os
import signal
import sys
import time
from typing import IO

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

PRIVATE = 200  # far from the numbers that code writing to "any open file" would try


def apply(megabytes: int, file_megabytes: int, processes: int, total_cpu_seconds: int) -> None:
    """Bound memory, size of files, number of processes (0: no bound of ours) and CPU time."""
    total = math.ceil(total_cpu_seconds)
    bounds = {
        "RLIMIT_AS": (megabytes << 20, megabytes << 20),
        "RLIMIT_FSIZE": (file_megabytes << 20, file_megabytes << 20),
        "RLIMIT_CPU": (total, total + 5),  # first a signal with a name
        "RLIMIT_CORE": (0, 0),
    }
    if processes:
        bounds["RLIMIT_NPROC"] = (processes, processes)
    for name, bound in bounds.items() if resource else ():
        # A bound may be unknown to this system, or a lower one may hold already.
        with contextlib.suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, name), bound)


def far_copy(descriptor: int) -> int:
    """A copy of a descriptor with a high number, closed in programs that are started."""
    if sys.platform == "win32":
        import msvcrt

        copied = os.dup(descriptor)
        msvcrt.setmode(copied, os.O_BINARY)
        return copied
    import fcntl

    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, PRIVATE)


def trace_stream() -> IO[bytes]:
    """Let a crash, and the end of CPU time, print where the code stood; the stream for that."""
    stream = os.fdopen(far_copy(2), "wb", buffering=0)
    faulthandler.enable(file=stream, all_threads=False)
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGXCPU, file=stream, all_threads=False, chain=True)
    return stream


class Clock:
    """Sets the time that the next requests may take; what is needed for it is kept here."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.dump_later = faulthandler.dump_traceback_later
        self.used = time.process_time
        self.suppress = contextlib.suppress
        self.up = math.ceil
        if resource:
            self.set = resource.setrlimit
            self.cpu = resource.RLIMIT_CPU
            self.most = resource.getrlimit(self.cpu)[1]

    def __call__(self, seconds: float, cpu_seconds: float) -> None:
        """Print where the code stands after ``seconds``; be ended after ``cpu_seconds`` of work."""
        with self.suppress(RuntimeError, OSError):  # no thread to be had: no place to be told
            self.dump_later(seconds, file=self.stream)
        if resource:
            soft = self.up(self.used() + cpu_seconds)
            self.set(self.cpu, (soft if self.most < 0 else min(soft, self.most - 1), self.most))
