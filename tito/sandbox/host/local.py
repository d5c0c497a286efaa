"""Guests as plain processes of the same user: a guard of time and resources, no sandbox.

It ends what hangs, multiplies or outlives its judgement, and gives the guest a folder of its own,
no secrets of the environment and no packages but NumPy. Code that means harm can still read the
user's files, write to them and send signals to the user's processes.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tito.sandbox.guest.keeper import remove_tree
from tito.sandbox.host import privacy
from tito.sandbox.host.launcher import (
    SANDBOX,
    Launcher,
    Running,
    environment,
    packages,
    popen,
    python,
    settings,
)
from tito.sandbox.host.limits import Limits

CAN_FORK = hasattr(os, "fork")
FOLDER = "tinytorch-guest-"
MARK = "TINYTORCH_GUEST"  # in the environment of all that descends from a guest
KEEPER_WAIT = 6.0  # seconds for the keeper to end everything


class LocalLauncher(Launcher):
    """Plain processes."""

    tier = "local"

    def unavailable(self) -> str:
        """Always available."""
        return ""

    def launch(self, limits: Limits) -> Running:
        """Start a guest in a new folder, under a keeper where the system can fork."""
        return Kept(limits) if CAN_FORK else Bare(limits)


class Kept(Running):
    """A guest under its keeper (POSIX); closing ``control`` tells the keeper to end it all.

    The keeper makes the folder too: a host that is killed on the way leaves none behind.
    """

    def __init__(self, limits: Limits) -> None:
        folder = os.path.join(tempfile.gettempdir(), FOLDER + os.urandom(8).hex())
        self.folder = folder
        control, self._control = os.pipe()
        keeper = {"control": control, "folder": folder, "processes": limits.processes}
        told = settings(limits, str(packages()), keeper=keeper)
        try:
            self.process = popen(
                python(sys.executable, str(SANDBOX), told),
                cwd="/",
                env={**environment(), MARK: folder},
                pass_fds=(control,),
            )
        except OSError:
            os.close(self._control)
            raise
        finally:
            os.close(control)
        privacy.close_memory()

    def end(self) -> None:
        """Let the keeper end everything; do it ourselves if the keeper was killed or stopped."""
        if self._control < 0:
            return
        control, self._control = self._control, -1
        privacy.reopen_memory()
        os.close(control)
        _wait(self.process, KEEPER_WAIT)
        if self.process.returncode is None or self.process.returncode < 0:
            self.process.kill()
            self.process.wait()
            end_marked(self.folder)
        if os.path.lexists(self.folder):
            remove_tree(self.folder)


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait for its end; where the system tells it, without looking again and again."""
    if hasattr(os, "pidfd_open") and process.returncode is None:
        with contextlib.suppress(OSError):
            number = os.pidfd_open(process.pid)
            select.select([number], [], [], seconds)
            os.close(number)
            seconds = 0.0
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)


class Bare(Running):
    """A guest without a keeper (Windows)."""

    def __init__(self, limits: Limits) -> None:
        self.folder = tempfile.mkdtemp(prefix=FOLDER)
        self._ended = False
        told = settings(limits, str(packages()))
        command = python(sys.executable, str(SANDBOX), told)
        try:
            self.process = popen(command, cwd=self.folder, env=environment())
        except OSError:
            remove_tree(self.folder)
            raise

    def end(self) -> None:
        """End the guest and its children, as far as Windows knows them."""
        if self._ended:
            return
        self._ended = True
        tree = ["taskkill", "/F", "/T", "/PID", str(self.process.pid)]
        with contextlib.suppress(OSError):
            subprocess.run(tree, capture_output=True, check=False)
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait(timeout=5)
        remove_tree(self.folder)


def end_marked(folder: str) -> None:
    """Kill every process whose environment names this guest's folder (Linux)."""
    wanted = f"{MARK}={folder}".encode()
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if wanted in entry.read_bytes().split(b"\0"):
                os.kill(int(entry.parent.name), signal.SIGKILL)
