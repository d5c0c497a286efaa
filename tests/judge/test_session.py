"""Guests that cannot be started, that are waited for without poll, and that outlive nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from guests import eventually
from toys import plant

from tito.errors import TitoError
from tito.judge.session import Session, Step
from tito.literate.cells import Cell
from tito.sandbox import Limits
from tito.sandbox.conversation import Client, GuestLost, GuestProcess
from tito.sandbox.host.channel import BlockingChannel
from tito.sandbox.host.launcher import Launcher, Running, popen
from tito.sandbox.host.local import LocalLauncher

posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX")


class Broken(Running, Launcher):
    """Starts this command where a guest is expected."""

    def __init__(self, *command):
        super().__init__()
        self.command = command

    def unavailable(self):
        return ""

    def launch(self, limits):
        self.process = popen(list(self.command))
        return self

    def end(self):
        self.process.kill()
        self.process.wait()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("/no/such/python",), "could not be started"),
        ((sys.executable, "-c", "raise SystemExit('no numpy here')"), "no numpy here"),
        ((sys.executable, "-c", "print('hello')"), "could not be started"),
    ],
    ids=["no Python", "it stops", "no guest"],
)
def test_a_guest_that_cannot_be_started_is_a_clear_error(command, words):
    with Session(launcher=LocalLauncher()) as session:
        session.__exit__(None, None, None)
        session.launcher = Broken(*command)
        with pytest.raises(TitoError, match="could not be started") as caught:
            session.ready()
        assert words in str(caught.value) and "tito system doctor" in str(caught.value.fix)


class Waiting(GuestProcess):
    """A guest on a system that cannot poll a pipe (Windows)."""

    def _open(self):
        return BlockingChannel(self.process, self.output, self.kill)


def test_without_poll_a_timer_ends_the_wait():
    client = Client(Waiting(LocalLauncher(), Limits()))
    client.fresh([])
    client.request("cell", "", 0, "x = 3")
    assert client.request("known", ["x"]) == {"x": 3}
    client.clock(0.3, 5)
    with pytest.raises(GuestLost) as caught:
        client.request("cell", "", 1, "while True: pass")
    assert caught.value.kind == "timeout"
    client.guest.close()


def test_a_session_takes_another_program(tmp_path):
    cell = Cell("code", "")
    with Session() as session:
        for value in (1, 2):
            session.replace([Step(cell, f"y = {value}")])
            assert session.ready().request("known", ["x", "y"]) == {"y": value}


SCRIPT = """
import sys
from pathlib import Path
from tito.curriculum.curriculum import Curriculum
from tito.judge import Judge
from tito.literate.cells import with_source
curriculum = Curriculum.load(Path(sys.argv[1]))
module = curriculum.module(1)
endless = f'''#| export
import os
open({sys.argv[2]!r}, "w").write("guest %d." % os.getpid())
while True: pass
'''
Judge(curriculum).judge(module, with_source(curriculum.cells(module), {"toy_add": endless}), {})
"""


@posix
def test_control_c_leaves_no_guest_behind(tmp_path):
    root, note = plant(tmp_path / "toy"), tmp_path / "pid"
    command = [sys.executable, "-c", SCRIPT, str(root), str(note)]
    here = Path(__file__).parents[2]
    judge = subprocess.Popen(command, cwd=here, stderr=subprocess.PIPE, text=True)
    assert eventually(lambda: note.is_file() and note.read_text().endswith("."))
    guest = int(note.read_text().strip("guest ."))
    judge.send_signal(signal.SIGINT)
    _, said = judge.communicate(timeout=30)
    assert "KeyboardInterrupt" in said
    assert eventually(lambda: gone(guest))


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
