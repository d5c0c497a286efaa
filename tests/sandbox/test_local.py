"""The local tier: nothing outlives a guest, nothing is left, nothing leaks here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path

import pytest
from guests import eventually

from tito.sandbox import choose
from tito.sandbox.conversation import GuestLost
from tito.sandbox.guest.keeper import remove_tree

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


def gone(process: int) -> bool:
    """Whether no such process runs any more."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


CHILDREN = {
    "in a session of its own": "os.setsid()",
    "in a group of its own": "os.setpgid(0, 0)",
    "a grandchild, its parent dead": "os.setsid()\n    if os.fork(): os._exit(0)",
    "ignoring signals": "signal.signal(signal.SIGTERM, signal.SIG_IGN); os.setsid()",
    "stopped": "os.setsid(); open(path, 'w').write(str(os.getpid()))\n"
    "    os.kill(os.getpid(), signal.SIGSTOP)",
}
START_CHILD = """
import os, signal, time
path = {path!r}
if os.fork() == 0:
    {way}
    open(path, 'w').write(str(os.getpid()))
    time.sleep(600)
    os._exit(0)
while not os.path.exists(path) or not open(path).read(): time.sleep(0.01)
"""


def start_child(guest, path: Path, way: str) -> int:
    guest.run(START_CHILD.format(path=str(path), way=way))
    return int(path.read_text())


@linux
@pytest.mark.parametrize("way", CHILDREN.values(), ids=CHILDREN)
@pytest.mark.parametrize("end", ["close", "crash", "timeout"])
def test_children_end_with_the_guest(local_guest, tmp_path, way, end):
    guest = local_guest()
    child = start_child(guest, tmp_path / "pid", way)
    assert not gone(child)
    if end == "close":
        guest.guest.close()
    else:
        guest.clock(0.3, 10.0)
        with pytest.raises(GuestLost):
            guest.run("import os; os._exit(1)" if end == "crash" else "while True: pass")
    assert eventually(lambda: gone(child))


@linux
def test_children_end_though_the_keeper_was_killed(local_guest, tmp_path):
    guest = local_guest()
    child = start_child(guest, tmp_path / "pid", "os.setsid()")
    with pytest.raises(GuestLost):
        guest.run("import os, signal, time; os.kill(os.getppid(), signal.SIGKILL); time.sleep(99)")
    guest.guest.close()
    assert eventually(lambda: gone(child))


@linux
def test_processes_are_counted(local_guest):
    guest = local_guest(processes=20)
    with pytest.raises(GuestLost) as caught:
        guest.run(
            "import os, time\nfor _ in range(60):\n    if os.fork() == 0: os.setsid(); break\n"
            "time.sleep(600)"
        )
    assert caught.value.message.code == "sandbox.processes"


def test_a_stopped_keeper_is_ended(local_guest, monkeypatch):
    monkeypatch.setattr("tito.sandbox.host.local.KEEPER_WAIT", 0.2)
    guest = local_guest()
    guest.run("import os, signal; os.kill(os.getppid(), signal.SIGSTOP)")
    guest.guest.close()
    assert guest.guest.process.returncode == -signal.SIGKILL


HOST = """
import sys, time
from tito.sandbox import Limits, choose
from tito.sandbox.conversation import Client, GuestProcess
client = Client(GuestProcess(choose("local"), Limits(exercise_seconds=600)))
client.fresh([])
client.clock(600, 600)
client.request("cell", "", 0, sys.argv[1])
"""


@linux
def test_killing_the_host_leaves_nothing(tmp_path):
    note = tmp_path / "note"
    source = textwrap.dedent(
        f"""
        import os, time
        open('litter', 'w').write('x')
        if os.fork() == 0: os.setsid()
        else:
            open({str(note)!r}, 'w').write(f'{{os.getpid()}} {{os.getppid()}} {{os.getcwd()}}\\n')
        time.sleep(600)
        """
    )
    host = subprocess.Popen([sys.executable, "-c", HOST, source])
    assert eventually(lambda: note.exists() and note.read_text().endswith("\n"))
    guest, keeper, folder = note.read_text().split()
    assert folder.startswith(tempfile.gettempdir()) and os.path.exists(folder)
    host.kill()
    host.wait()
    assert eventually(lambda: gone(int(guest)) and gone(int(keeper)))
    assert eventually(lambda: not os.path.exists(folder))


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@linux
def test_fifty_guests_leak_no_descriptor_and_no_thread(local_guest):
    before = open_descriptors(), threading.active_count()
    for number in range(50):
        guest = local_guest()
        if number % 2:
            with pytest.raises(GuestLost):
                guest.run("import os\nif os.fork(): os._exit(1)\nos.setsid()\nwhile True: pass")
        guest.guest.close()
    assert (open_descriptors(), threading.active_count()) == before


def test_folders_that_nobody_may_enter_are_removed(local_guest):
    guest = local_guest()
    folder = guest.value("os.getcwd()", "import os")
    guest.run("os.makedirs('a/b/c'); open('a/b/c/d', 'w').close()\nos.symlink('/', 'a/root')")
    guest.run("for path in ('a/b/c', 'a/b', 'a', '.'): os.chmod(path, 0)")
    guest.guest.close()
    assert not os.path.lexists(folder)


def test_removing_a_folder_follows_no_link(tmp_path):
    (tmp_path / "kept").mkdir(mode=0o500)
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / "link").symlink_to(tmp_path / "kept")
    remove_tree(str(tmp_path / "gone"))
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o500
    assert not (tmp_path / "gone").exists()


@linux
def test_our_memory_is_closed_while_a_guest_lives(local_guest):
    import ctypes

    def dumpable() -> int:
        return ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)

    before = dumpable()
    first, second = local_guest(), local_guest()
    assert dumpable() == 0
    first.guest.close()
    first.guest.close()
    assert dumpable() == 0
    second.guest.close()
    assert dumpable() == before


def test_no_secrets_of_the_environment(local_guest, monkeypatch):
    monkeypatch.setenv("MY_SECRET_TOKEN", "hunter2")
    assert "hunter2" not in local_guest().value("str(dict(os.environ))", "import os")


def test_a_guest_that_cannot_be_started_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    before = open_descriptors()
    from tito.sandbox import Limits
    from tito.sandbox.conversation import GuestProcess

    with pytest.raises(OSError):
        GuestProcess(choose("local"), Limits())
    assert not list(tmp_path.iterdir()) and open_descriptors() == before
