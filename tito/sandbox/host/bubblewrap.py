"""Guests in a sandbox made by bubblewrap (Linux): namespaces, a file system of almost nothing.

A guest sees Python, its standard library, NumPy, the system's shared libraries and the sandbox's
own files, all read-only, and a small file system in memory to write to. It has no network, no other
processes, no privileges, and a filter of system calls.

An ordinary user gets a user namespace for it. For root that would be no wall (root's files stay
root's, and limits do not count for root), so there the guest becomes a user whom nobody else is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from tito.messages.text import clean_text
from tito.sandbox.host.launcher import (
    FIXED,
    SANDBOX,
    Launcher,
    Running,
    packages,
    popen,
    python,
    settings,
)
from tito.sandbox.host.limits import Limits
from tito.sandbox.host.seccomp import program

INSTALL = "sudo apt install bubblewrap"
INSIDE = "/sandbox"  # where the guest finds the sandbox's files
WORK = "/tmp"
SHARED_MEGABYTES = 64  # of /dev/shm
PROBE_SECONDS = 20
SYSTEM_FOLDERS = ("/usr/lib", "/usr/lib64", "/lib", "/lib64")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives")
NAMESPACES = ("ipc", "pid", "net", "uts", "cgroup")
FIRST_STRANGER, STRANGERS = 1 << 30, 1 << 29  # user numbers that no system hands out
# fmt: off
WITHOUT_PRIVILEGES = (
    "--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all",
)
# fmt: on


class BubblewrapLauncher(Launcher):
    """Sandboxed processes."""

    tier = "bubblewrap"

    def unavailable(self) -> str:
        """Tried once in each process of ours, with a guest that ends at once."""
        return _unavailable()

    def launch(self, limits: Limits) -> Running:
        """Start a guest in a sandbox of its own."""
        return Wrapped(limits)


class Wrapped(Running):
    """A guest in its sandbox; when the outer process dies, so does everything inside."""

    def __init__(self, limits: Limits) -> None:
        reading, writing = os.pipe()
        try:
            with open(writing, "wb") as stream:
                stream.write(program())
            self.process = popen(_command(limits, reading), pass_fds=(reading,), env={}, cwd="/")
        finally:
            os.close(reading)

    def end(self) -> None:
        """Kill the outer process."""
        if self.process.returncode is None:
            self.process.kill()
            self.process.wait()


@cache
def _unavailable() -> str:
    if sys.platform != "linux":
        return "bubblewrap exists for Linux only"
    for tool in ("bwrap", "setpriv") if os.geteuid() == 0 else ("bwrap",):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    try:
        fault = _tried()
    except (OSError, subprocess.TimeoutExpired) as error:
        fault = str(error)
    return f"bubblewrap does not work here: {fault}" if fault else ""


def _tried() -> str:
    """What a guest says that is started and ends at once; "" if all is well."""
    running = Wrapped(Limits())
    with running.process as process:
        try:
            _, said = process.communicate(b"", timeout=PROBE_SECONDS)
        finally:
            running.end()
    lines = clean_text(said.decode("utf-8", "replace")).strip().splitlines()
    return (lines or [f"exit code {process.returncode}"])[-1] if process.returncode else ""


def _command(limits: Limits, filter_number: int) -> list[str]:
    told = settings(limits, str(packages()), processes=limits.processes)
    seccomp = ["--seccomp", str(filter_number)] if program() else []
    return [
        _found("bwrap"),
        *_namespaces(),
        *_view(limits),
        *_variables(),
        *seccomp,
        "--",
        *_as_stranger(),
        *python(_interpreter(), INSIDE, told),
    ]


def _found(tool: str) -> str:
    return os.path.realpath(shutil.which(tool) or tool)


def _namespaces() -> list[str]:
    common = ["--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    if os.geteuid():
        return ["--unshare-all", "--unshare-user", "--disable-userns", *common]
    needed = [f"--cap-add=CAP_{name}" for name in ("SETUID", "SETGID", "SETPCAP")]
    added = [part for option in needed for part in option.split("=")]
    return [*(f"--unshare-{name}" for name in NAMESPACES), *common, *added]


def _as_stranger() -> list[str]:
    """For root: give up root for good, for a user number that is no one else's."""
    if os.geteuid():
        return []
    number = str(FIRST_STRANGER + _stranger())
    return [_found("setpriv"), "--reuid", number, "--regid", number, *WITHOUT_PRIVILEGES]


def _stranger() -> int:
    return int.from_bytes(os.urandom(8)) % STRANGERS


def _interpreter() -> str:
    """The real interpreter: a virtual environment's is a link to it."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def _view(limits: Limits) -> Iterator[str]:
    """The file system that the guest sees."""
    system = [Path(name) for name in SYSTEM_FOLDERS]
    own = [path for name in ("lib", "lib64") if (path := Path(sys.base_prefix) / name).is_dir()]
    own = [path for path in own if path.resolve() not in {s.resolve() for s in system}]
    masks = list(_package_folders([*system, *own]))
    files = [Path(_interpreter()), *(Path(_found(t)) for t in ("setpriv",) if not os.geteuid())]
    numpy = [path for name in ("numpy", "numpy.libs") if (path := packages() / name).exists()]
    yield from _memory(WORK, limits.file_megabytes)  # first: our own folders may lie below it
    yield from _parents([*system, *own, *files, *numpy, Path(INSIDE) / "guest"])
    for path in system:
        yield from _same(path)
    for path in own:
        yield from ("--ro-bind", str(path), str(path))
    for mask in masks:
        yield from ("--perms", "0755", "--size", "65536", "--tmpfs", str(mask))
    for path in (*files, *numpy):
        yield from ("--ro-bind", str(path), str(path))
    for mask in masks:
        yield from ("--remount-ro", str(mask))
    for name in SYSTEM_FILES:
        yield from ("--ro-bind-try", name, name)
    for part in ("guest", "protocol"):
        yield from ("--ro-bind", str(SANDBOX / part), f"{INSIDE}/{part}")
    yield from ("--proc", "/proc", "--dev", "/dev")
    yield from _memory("/dev/shm", SHARED_MEGABYTES)
    yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", WORK)


def _memory(folder: str, megabytes: int) -> Iterator[str]:
    """A file system in memory, of a size that is bounded."""
    yield from ("--perms", "1777", "--size", str(megabytes << 20), "--tmpfs", folder)


def _parents(paths: Iterable[Path]) -> Iterator[str]:
    """The folders that lead to these paths, open to everybody."""
    parents = {parent for path in paths for parent in path.parents if parent != Path("/")}
    for parent in sorted(parents):
        yield from ("--perms", "0755", "--dir", str(parent))


def _same(path: Path) -> Iterator[str]:
    """A folder of the system, or the link that stands in its place."""
    if path.is_symlink():
        yield from ("--symlink", os.readlink(path), str(path))
    elif path.is_dir():
        yield from ("--ro-bind", str(path), str(path))


def _package_folders(folders: Iterable[Path]) -> Iterator[Path]:
    """Where installed packages lie: the guest sees none but NumPy."""
    for folder in folders:
        if not folder.is_symlink():
            for kind in ("site-packages", "dist-packages"):
                yield from folder.glob(f"python*/{kind}")


def _variables() -> Iterator[str]:
    own = {**FIXED, "PATH": "/usr/bin", "HOME": WORK, "LANG": "C.UTF-8"}
    if not str(sysconfig.get_config_var("LIBDIR") or "").startswith("/usr/lib"):
        own["LD_LIBRARY_PATH"] = str(Path(sys.base_prefix) / "lib")
    yield "--clearenv"
    for name, value in own.items():
        yield from ("--setenv", name, value)
