"""The bubblewrap tier, seen from inside: everything here is tried by the guest."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from guests import eventually

from tito.errors import TitoError
from tito.sandbox import choose
from tito.sandbox.conversation import GuestLost
from tito.sandbox.host.bubblewrap import BubblewrapLauncher

MEGABYTE = 1 << 20


def refused(guest, source: str, *kinds: type[Exception]) -> None:
    with pytest.raises(kinds or (OSError,)):
        guest.run(source)


def test_who_it_is(wrapped_guest):
    guest = wrapped_guest()
    status = guest.value("open('/proc/self/status').read()")
    facts = dict(line.split(":", 1) for line in status.splitlines())
    users = {int(number) for number in facts["Uid"].split() + facts["Gid"].split()}
    assert 0 not in users
    assert os.geteuid() != 0 or (len(users) == 1 and max(users) >= 1 << 30)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(facts[name], 16) == 0, name
    assert facts["NoNewPrivs"].strip() == "1" and facts["Seccomp"].strip() == "2"
    refused(guest, "import os\nos.setuid(0)")


def test_no_network(wrapped_guest):
    guest = wrapped_guest()
    assert guest.value("[n for _, n in socket.if_nameindex()]", "import socket") == ["lo"]
    refused(guest, "socket.create_connection(('1.1.1.1', 53), timeout=2)")


def test_no_home_and_no_files_of_others(wrapped_guest):
    guest = wrapped_guest(exercise_seconds=120.0)  # it looks at every file there is
    here = os.path.abspath(__file__)
    home = os.path.expanduser("~")
    for path in (here, f"{home}/.bashrc", f"{home}/.ssh", "/etc/passwd", "/var", "/home", "/opt"):
        assert guest.value(f"os.path.exists({path!r})", "import os") is False, path
    found = guest.value(
        "[p for d, _, fs in os.walk('/') for p in (os.path.join(d, f) for f in fs)"
        " if 'curriculum' in p or 'tinytorch' in p or 'judge' in p]"
    )
    assert found == []
    # Where our own environment lies below /tmp, the folders that lead to it are there, and empty.
    own = {Path(p).parts[2] for p in (sys.prefix, __file__) if Path(p).parts[1:2] == ("tmp",)}
    assert set(guest.value("os.listdir('/tmp')")) <= own


def test_no_packages_but_numpy(wrapped_guest):
    guest = wrapped_guest()
    guest.run("import site\nsite.main()")
    for name in ("tinytorch", "tito", "click", "pytest", "jupytext"):
        refused(guest, f"import {name}", ImportError)


def test_no_other_processes(wrapped_guest):
    guest = wrapped_guest()
    assert len(guest.value("[p for p in os.listdir('/proc') if p.isdigit()]", "import os")) <= 2
    assert guest.value("os.getppid()") <= 1
    for process in (os.getpid(), os.getppid()):
        refused(guest, f"import signal\nos.kill({process}, signal.SIGTERM)")
        refused(guest, f"open('/proc/{process}/mem', 'rb')")
    guest.run("try: os.kill(1, signal.SIGKILL)\nexcept OSError: pass")
    guest.run("try: os.kill(-1, 0)\nexcept OSError: pass")
    assert guest.value("1 + 1") == 2


def test_what_it_can_write_is_small(wrapped_guest):
    guest = wrapped_guest(file_megabytes=8)
    guest.run(
        "import os\n"
        "written = []\n"
        "for folder, _, _ in os.walk('/'):\n"
        "    if folder.startswith('/proc'): continue\n"
        "    try: open(folder + '/x', 'w').close()\n"
        "    except OSError: continue\n"
        "    written.append(folder); os.remove(folder + '/x')\n"
    )
    assert sorted(guest.request("known", ["written"])["written"]) == ["/dev/shm", "/tmp"]
    for folder in ("/tmp", "/dev/shm"):
        guest.run(
            f"size = 0\ntry:\n    for n in range(64):\n"
            f"        with open(f'{folder}/{{n}}', 'wb') as s: size += s.write(bytes(1 << 21))\n"
            "except OSError: pass\n"
        )
        assert guest.request("known", ["size"])["size"] <= 64 * MEGABYTE
    for path in ("/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches", "/proc/sysrq-trigger"):
        refused(guest, f"open({path!r}, 'w').write('x')")


CALLS = {
    "a user namespace": "libc.unshare(0x10000000)",
    "a mount namespace": "libc.unshare(0x00020000)",
    "a mount": "libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)",
    "memory without a name": "libc.memfd_create(b'x', 0)",
    "shared memory": "libc.shmget(0, 1 << 20, 0o1600)",
    "ptrace": "libc.ptrace(16, 1, 0, 0)",
    "keys": "libc.syscall(250 if os.uname().machine == 'x86_64' else 219, 0, 0, 0)",
    "io_uring": "libc.syscall(425, 1, 0)",
    "clone3 with a namespace": "libc.syscall(435, 0, 0)",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_calls_that_are_refused(wrapped_guest, call):
    guest = wrapped_guest()
    before = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)"
    assert guest.value(call, before) == -1


def test_processes_are_counted(wrapped_guest):
    guest = wrapped_guest(processes=8)
    guest.run(
        "import os, time\nchildren = []\ntry:\n    for _ in range(50):\n"
        "        child = os.fork()\n        if child == 0: time.sleep(60); os._exit(0)\n"
        "        children.append(child)\nexcept BlockingIOError: pass\ncount = len(children)\n"
    )
    assert 1 <= guest.request("known", ["count"])["count"] < 8


def inside() -> set[str]:
    """Processes of this machine that run as a user who is nobody else."""
    listed = subprocess.run(["ps", "-eo", "pid=,uid="], capture_output=True, text=True).stdout
    lines = [line.split() for line in listed.splitlines()]
    return {pid for pid, uid in lines if int(uid) >= 1 << 30}


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's guests have that user's number")
@pytest.mark.parametrize("end", ["close", "crash"])
def test_children_end_with_the_guest(wrapped_guest, end):
    before = inside()
    guest = wrapped_guest()
    guest.run(
        "import os, time\nfor _ in range(5):\n    if os.fork() == 0:\n"
        "        os.setsid(); os.fork(); time.sleep(600)"
    )
    assert len(inside() - before) >= 6
    if end == "crash":
        with pytest.raises(GuestLost):
            guest.run("import os; os._exit(0)")
    guest.guest.close()
    assert eventually(lambda: not inside() - before)


def test_dead_children_are_reaped(wrapped_guest):
    guest = wrapped_guest()
    guest.run(
        "import os, time\nif os.fork() == 0:\n    for _ in range(5):\n"
        "        if os.fork() == 0: os._exit(0)\n    os._exit(0)\nos.wait()\ntime.sleep(0.3)"
    )
    count = guest.value("len([p for p in os.listdir('/proc') if p.isdigit()])")
    assert count <= 2


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_guests_leak_no_descriptor(wrapped_guest):
    before = len(os.listdir("/proc/self/fd")), threading.active_count()
    for _ in range(10):
        wrapped_guest().guest.close()
    assert (len(os.listdir("/proc/self/fd")), threading.active_count()) == before


def test_auto_takes_what_works_and_says_why_not(monkeypatch):
    monkeypatch.setattr(BubblewrapLauncher, "unavailable", lambda self: "bwrap is not installed")
    launcher = choose("auto")
    assert (launcher.tier, launcher.why) == ("local", "bwrap is not installed")
    with pytest.raises(TitoError, match="bwrap is not installed") as caught:
        choose("bubblewrap")
    assert "sudo apt install bubblewrap" in caught.value.fix
    monkeypatch.setattr(BubblewrapLauncher, "unavailable", lambda self: "")
    assert choose("auto").tier == choose("bubblewrap").tier == "bubblewrap"
    assert (choose("local").tier, choose("local").why) == ("local", "")
