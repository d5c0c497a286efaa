"""Processes and threads that a learner's code starts end with its judgement."""

from __future__ import annotations

import pytest
from attacking import attack, kind, posix
from guests import eventually

FORK = """
import os, time
if os.fork() == 0:
    with open({path!r}, "w") as stream:
        stream.write(str(os.getpid()))
    {then}
"""
LONG = 600  # seconds: a judgement that waited for these would be noticed


@posix
@pytest.mark.parametrize("then", [f"time.sleep({LONG})", "while True: pass", "pass"])
def test_child_that_outlives(bench, tmp_path, then):
    path = tmp_path / "pid"
    attack(bench, before=FORK.format(path=str(path), then=then))
    text = path.read_text(encoding="utf-8")
    assert not text or eventually(lambda: _gone(int(text)))


def _gone(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:
            return stream.read().split()[2] == "Z"
    except FileNotFoundError:
        return True


@posix
def test_parent_dies_child_holds_the_pipes(bench):
    body = f"import os, time\nif os.fork() == 0:\n    time.sleep({LONG})\nos._exit(3)"
    report = attack(bench, body)
    assert kind(report) == "crash"
    assert "exit code 3" in str(report.results[1].failure.reason)
    assert report.seconds < LONG / 10


def test_thread_that_ends_the_process_later(bench):
    text = "import threading, os, time\ndef later():\n    time.sleep(.05); os._exit(0)\n"
    attack(bench, "threading.Thread(target=later).start()\ntime.sleep(5)", before=text)


def test_thread_that_stays(bench):
    text = f"import threading, time\nthreading.Thread(target=time.sleep, args=({LONG},)).start()"
    assert attack(bench, before=text).seconds < LONG / 10
