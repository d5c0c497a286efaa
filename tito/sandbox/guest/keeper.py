"""The guest's keeper (POSIX): a small process between host and guest that ends what they leave.

It is the guest's parent, and on Linux the adoptive parent of everything the guest starts, in
whatever session or group. When the guest ends, or the host hangs up or dies, it kills all of them
and removes the guest's folder.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time

SUBREAPER, DEATH_SIGNAL = 36, 1  # prctl's numbers
TOO_MANY = 71  # our exit code when the guest's processes were too many
LOOK = 0.25  # seconds between two looks at how many there are
PATIENCE = 5.0  # seconds in which processes that multiply must be dead


def keep(control: int, folder: str, processes: int) -> None:
    """Make the folder and fork. Returns in the child, which goes on as the guest.

    The keeper never returns. Its exit code is the guest's, or 128 + the number of the signal that
    ended it, or TOO_MANY.
    """
    os.mkdir(folder, 0o700)
    os.chdir(folder)
    _prctl(SUBREAPER, 1)
    bell = _bell()
    keeper, guest = os.getpid(), os.fork()
    if guest:
        os._exit(_guard(guest, control, bell, folder, processes))
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for descriptor in (control, *bell):
        os.close(descriptor)
    os.setsid()
    _prctl(DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != keeper:
        os._exit(1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _bell() -> tuple[int, int]:
    """A pipe that becomes readable when a child ends."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return reading, writing


def _guard(guest: int, control: int, bell: tuple[int, int], folder: str, processes: int) -> int:
    """Wait for the end of guest or host, clean up; the exit code."""
    os.chdir("/")
    for descriptor in (0, 1, 2):  # the pipes are the guest's alone: their end is its end
        os.close(descriptor)
    code = _wait(guest, control, bell[0], processes)
    end_all(guest)
    remove_tree(folder)
    return code


def _wait(guest: int, control: int, bell: int, processes: int) -> int:
    most = _tasks() + processes
    while True:
        ready = select.select([control, bell], [], [], LOOK)[0]
        if control in ready:
            return 0
        if _tasks() > most and len(descendants(os.getpid())) > processes:
            return TOO_MANY
        with contextlib.suppress(BlockingIOError):
            os.read(bell, 4096)
        codes, _ = _reap()
        if guest in codes:
            return codes[guest]


def _tasks() -> int:
    """How many processes and threads this machine has; cheap, unlike counting the guest's."""
    try:
        with open("/proc/loadavg") as stream:
            return int(stream.read().split()[3].partition("/")[2])
    except OSError:
        return 0


def _reap() -> tuple[dict[int, int], bool]:
    """The exit codes of all children that have ended, and whether others are still there."""
    codes = {}
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            code = os.waitstatus_to_exitcode(ended[1])
            codes[ended[0]] = code if code >= 0 else 128 - code
    except ChildProcessError:
        return codes, False
    return codes, True


def end_all(guest: int) -> None:
    """Kill the guest and all that descends from it; reap them."""
    patience = time.monotonic() + PATIENCE
    victims = {guest}
    while victims and time.monotonic() < patience:
        for victim in victims:
            _kill(victim)
        victims = _left()


def _kill(process: int) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process, signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.kill(process, signal.SIGKILL)


def _left() -> set[int]:
    """Processes that still descend from us, after a moment for those that are dying."""
    for _ in range(20):
        if not _reap()[1]:
            return set()
        time.sleep(0.001)
    return descendants(os.getpid())


def descendants(ancestor: int) -> set[int]:
    """All processes below one, from /proc; empty where there is none."""
    parents = _parents()
    found: set[int] = set()
    layer = {ancestor}
    while layer:
        layer = {child for child, parent in parents.items() if parent in layer} - found
        found |= layer
    return found


def _parents() -> dict[int, int]:
    parents = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stream:
                parents[int(name)] = int(stream.read().rpartition(b")")[2].split()[1])
    return parents


def remove_tree(folder: str) -> None:
    """Remove a folder, also one with folders in it that nobody may enter; follows no link."""
    with contextlib.suppress(OSError):
        os.rmdir(folder)
        return
    import shutil

    with contextlib.suppress(OSError):
        os.chmod(folder, 0o700)
    for path, names, _ in os.walk(folder):
        for name in names:
            inside = os.path.join(path, name)
            with contextlib.suppress(OSError):
                if not os.path.islink(inside):
                    os.chmod(inside, 0o700)
    shutil.rmtree(folder, ignore_errors=True)
