"""How a guest is started: a launcher for each degree of isolation."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tito.sandbox.host.limits import Limits

SANDBOX = Path(__file__).resolve().parents[1]
FLAGS = ("-s", "-P", "-S", "-X", "utf8")  # no user packages, no current folder, no .pth files
# fmt: off
KEPT_VARIABLES = (
    "PATH", "HOME", "USERPROFILE", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "TEMP", "TMP",
    "TMPDIR", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
)
THREADS = (
    "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)
# fmt: on
FIXED = {**dict.fromkeys(THREADS, "1"), "PYTHONHASHSEED": "0", "MPLBACKEND": "Agg"}


class Running(ABC):
    """A guest that was started; ``process`` has pipes for its requests, replies and prints."""

    process: subprocess.Popen[bytes]

    @abstractmethod
    def end(self) -> None:
        """End it, with all that it started and left behind. Safe to call twice."""


class Launcher(ABC):
    """Starts guests in one degree of isolation, named by ``tier``.

    ``why``: if it was not what was asked for, the reason; a report names both.
    """

    tier = ""

    def __init__(self, why: str = "") -> None:
        self.why = why
        self._ahead: dict[Limits, Running] = {}

    @abstractmethod
    def unavailable(self) -> str:
        """Why it cannot be used on this machine; "" if it can."""

    @abstractmethod
    def launch(self, limits: Limits) -> Running:
        """Start a new guest. Raises OSError if that fails."""

    def start(self, limits: Limits) -> Running:
        """A guest: the one started ahead, or a new one. Raises OSError if that fails."""
        return self._ahead.pop(limits, None) or self.launch(limits)

    @contextlib.contextmanager
    def ahead(self, limits: Limits) -> Iterator[None]:
        """Start a guest before it is needed: NumPy loads there while we load what we need.

        If nobody took it, it ends with the block. If it cannot be started, ``start`` will say so.
        """
        with contextlib.suppress(OSError):
            self._ahead[limits] = self.launch(limits)
        try:
            yield
        finally:
            left = self._ahead.pop(limits, None)
            if left:
                left.end()


def popen(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a process with the three pipes of a guest, apart from our terminal."""
    process: subprocess.Popen[bytes] = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        **options,
    )
    return process


def packages() -> Path:
    """The folder in which NumPy lies, found without loading it. Raises OSError."""
    found = find_spec("numpy")
    if found is None or found.origin is None:
        raise OSError("NumPy is not installed")
    return Path(found.origin).resolve().parents[1]


def settings(limits: Limits, packages: str, *, processes: int = 0, **more: Any) -> str:
    """What ``guest/start.py`` is told."""
    bounds = {
        "megabytes": limits.megabytes,
        "file_megabytes": limits.file_megabytes,
        "processes": processes,
        "total_cpu_seconds": limits.total_cpu_seconds,
    }
    return json.dumps({"packages": packages, "limits": bounds, **more})


def python(executable: str, sandbox: str, told: str) -> list[str]:
    """The command that starts a guest; ``sandbox`` is where it finds the sandbox's files."""
    return [executable, *FLAGS, f"{sandbox}/guest/start.py", told]


def environment() -> dict[str, str]:
    """The few variables a guest needs: none of the user's secrets, one thread, fixed hashes."""
    return {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ} | FIXED
