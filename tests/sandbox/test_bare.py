"""Where nothing can be forked and no pipe be waited for (Windows): the same guest, by other means.

These run everywhere: the means are chosen by what the system can do, and here it is told it cannot.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from guests import Start, eventually, starter

from tito.sandbox import choose
from tito.sandbox.conversation import GuestLost


@pytest.fixture
def bare_guest(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setattr("tito.sandbox.host.local.CAN_FORK", False)
    monkeypatch.setattr("tito.sandbox.host.channel.CAN_WAIT", False)
    yield from starter(choose("local"))


def test_values_come_back(bare_guest):
    guest = bare_guest()
    guest.run("def same(x): return x")
    array = np.arange(1 << 20, dtype=np.float64)
    assert np.array_equal(guest.request("begin", ["same"], 0)["same"](array), array)


def test_a_timeout_ends_the_guest_and_names_the_place(bare_guest):
    guest = bare_guest(exercise_seconds=0.5)
    with pytest.raises(GuestLost) as caught:
        guest.run("x = 1\nwhile x: pass")
    assert (caught.value.kind, caught.value.place) == ("timeout", (1, 2))


def test_a_crash_is_told(bare_guest):
    with pytest.raises(GuestLost) as caught:
        bare_guest().run("import os; os._exit(3)")
    assert caught.value.message.data == {"code": 3}


def test_prints_are_kept(bare_guest):
    guest = bare_guest()
    guest.run("print('here')")
    assert eventually(lambda: guest.guest.output_since(0) == "here\n")


def test_nothing_is_left(bare_guest):
    before = threading.active_count()
    guest = bare_guest()
    folder = guest.value("os.getcwd()", "import os\nopen('litter', 'w').close()")
    guest.guest.close()
    assert not os.path.exists(folder) and guest.guest.process.returncode is not None
    assert eventually(lambda: threading.active_count() <= before)
