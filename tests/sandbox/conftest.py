"""Real guests, in every degree of isolation that this machine has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from guests import Start, bubblewrap, starter

from tito.sandbox import choose


@pytest.fixture(params=["local", "bubblewrap"])
def guest_of(request: pytest.FixtureRequest) -> Iterator[Start]:
    """Start a guest in each tier."""
    yield from starter(bubblewrap() if request.param == "bubblewrap" else choose("local"))


@pytest.fixture
def local_guest() -> Iterator[Start]:
    """Start a local guest."""
    yield from starter(choose("local"))


@pytest.fixture
def wrapped_guest() -> Iterator[Start]:
    """Start a guest under bubblewrap."""
    yield from starter(bubblewrap())
