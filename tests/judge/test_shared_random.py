"""The stream of random numbers that a test shares with the learner's code: no state is believed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tito.judge.testcell import SharedRandom
from tito.sandbox import Limits, choose
from tito.sandbox.conversation import Client, GuestLost, GuestProcess

KEY = "np.arange(624, dtype=np.uint32)"
LEGAL = {
    "the start": f"('MT19937', {KEY}, 0, 0, 0.0)",
    "the end": f"('MT19937', {KEY}, 624, 1, -2.5)",
}
ILLEGAL = {
    "a position beyond": f"('MT19937', {KEY}, 2_000_000_000, 0, 0.0)",
    "a position before": f"('MT19937', {KEY}, -1000, 0, 0.0)",
    "a key of zeros": "('MT19937', np.zeros(624, dtype=np.uint32), 0, 0, 0.0)",
    "a key of zeros but for what counts not": "('MT19937', np.eye(1, 624, dtype=np.uint32)[0],"
    " 0, 0, 0.0)",
    "no number": f"('MT19937', {KEY}, 0, 1, float('nan'))",
    "no whole position": f"('MT19937', {KEY}, 0.5, 0, 0.0)",
    "another flag": f"('MT19937', {KEY}, 0, 7, 0.0)",
    "a short key": "('MT19937', np.ones(5, dtype=np.uint32), 0, 0, 0.0)",
    "a key of floats": "('MT19937', np.ones(624), 0, 0, 0.0)",
    "another generator": "('PCG64', 1, 2, 3, 4)",
    "a text": "'MT19937'",
    "nothing": "None",
}


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client(GuestProcess(choose("local"), Limits(exercise_seconds=20)))
    client.fresh([])
    client.clock(20, 20)
    yield client
    client.guest.close()


def answering(client: Client, state: str) -> SharedRandom:
    """The shared stream, where the guest's side names this state as its own."""
    client.request(
        "cell",
        "",
        1,
        "import gc, numpy as np\n"
        "for thing in gc.get_objects():\n"
        "    if type(thing).__name__ == 'Operations':\n"
        f"        thing.get_state = lambda: {state}\n",
    )
    shared = SharedRandom(client, 0)
    client.request("known", [])
    return shared


@pytest.mark.parametrize("state", LEGAL.values(), ids=LEGAL)
def test_states_that_numpy_makes_are_taken_over(client, state):
    drawn = answering(client, state).standard_normal(3)
    expected = np.random.RandomState()
    expected.set_state(eval(state))
    assert np.array_equal(drawn, expected.standard_normal(3))


@pytest.mark.parametrize("state", ILLEGAL.values(), ids=ILLEGAL)
def test_states_that_numpy_would_stumble_over_end_the_guest(client, state):
    with pytest.raises(GuestLost) as caught:
        answering(client, state).standard_normal(3)
    assert caught.value.message.code == "sandbox.disturbed"


def test_one_stream_on_both_sides(client):
    shared = SharedRandom(client, 0)
    shared.seed(7)
    client.request("cell", "", 1, "import numpy as np\ndef draw(): return np.random.rand()")
    draw = client.request("known", ["draw"])["draw"]
    expected = np.random.RandomState(7)
    assert [shared.rand(), draw(), shared.rand(), draw()] == [expected.rand() for _ in range(4)]
