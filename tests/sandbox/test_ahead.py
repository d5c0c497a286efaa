"""A guest that is started before it is needed."""

from __future__ import annotations

from dataclasses import replace

from tito.sandbox import Limits
from tito.sandbox.host.launcher import Launcher, Running


class Counted(Running):
    """A guest that only remembers whether it was ended."""

    ended = False

    def end(self) -> None:
        self.ended = True


class Counting(Launcher):
    """Remembers what it launched."""

    def __init__(self, *, works: bool = True) -> None:
        super().__init__()
        self.works = works
        self.launched: list[Counted] = []

    def unavailable(self) -> str:
        return ""

    def launch(self, limits: Limits) -> Running:
        if not self.works:
            raise OSError("no processes left")
        self.launched.append(Counted())
        return self.launched[-1]


def test_the_guest_started_ahead_is_taken_once():
    launcher = Counting()
    with launcher.ahead(Limits()):
        assert len(launcher.launched) == 1
        assert launcher.start(Limits()) is launcher.launched[0]
        assert launcher.start(Limits()) is launcher.launched[1]
    assert not any(guest.ended for guest in launcher.launched)


def test_one_that_nobody_took_is_ended():
    launcher = Counting()
    with launcher.ahead(Limits()):
        assert launcher.start(replace(Limits(), deaths=1)) is launcher.launched[1]
    assert [guest.ended for guest in launcher.launched] == [True, False]


def test_where_none_can_be_started_the_one_who_needs_it_is_told():
    launcher = Counting(works=False)
    with launcher.ahead(Limits()):
        launcher.works = True
        assert launcher.start(Limits()) is launcher.launched[0]
