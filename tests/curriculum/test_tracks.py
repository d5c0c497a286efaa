"""Tracks: which modules are built, and which are given."""

from __future__ import annotations

import pytest

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.numbers import parse_numbers, show_numbers
from tito.errors import TitoError

REAL = Curriculum.load()


@pytest.mark.parametrize(
    ("ref", "build", "prebuilt"),
    [
        ("full", range(1, 21), []),
        ("foundation", range(1, 8), []),
        ("architecture", range(1, 14), []),
        ("optimization", range(14, 20), range(1, 14)),
        ("vision", range(1, 10), []),
        ("language", [*range(1, 9), *range(10, 14)], []),
        ("1-3, 5", [1, 2, 3, 5], [4]),
        ("9", [9], range(1, 9)),
        ("20", [20], [*range(1, 15), 19]),  # optional modules are not given
    ],
)
def test_what_a_track_builds_and_what_it_is_given(ref, build, prebuilt):
    track = REAL.track(ref)
    assert list(track.build) == list(build)
    assert list(track.prebuilt) == list(prebuilt)


def test_every_named_track_is_listed_here():
    named = {track.name for track in REAL.tracks}
    assert named == {"full", "foundation", "architecture", "optimization", "vision", "language"}
    assert REAL.default_track.name == "full"


def test_a_list_of_ones_own_is_called_so():
    track = REAL.track("1-3, 5")
    assert (track.name, track.title) == ("own", "Modules 01-03, 05")


def test_without_tracks_everything_is_built(curriculum):
    assert curriculum.default_track.build == (1, 2, 3)
    assert curriculum.default_track.prebuilt == ()


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("visoin", "it is none of full, foundation, .*, and 'visoin' is not a module number"),
        ("14-21", "there is no module 21"),
        ("0", "there is no module 00"),
        ("7-3", "the run '7-3' goes backwards"),
        ("1,,2", "'' is not a module number"),
    ],
)
def test_unknown_track(ref, said):
    with pytest.raises(TitoError, match=said) as unknown:
        REAL.track(ref)
    assert unknown.value.exit_code == 2
    assert "14-19" in unknown.value.fix


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("1-7", (1, 2, 3, 4, 5, 6, 7)), ("08, 14-16", (8, 14, 15, 16)), ("3 – 4,1", (1, 3, 4)),
     ("2, 1-3", (1, 2, 3))],
)  # fmt: skip
def test_numbers_as_people_write_them(text, numbers):
    assert parse_numbers(text) == numbers


@pytest.mark.parametrize(
    ("numbers", "text"), [((1, 2), "01, 02"), ((7, 1, 2, 3), "01-03, 07"), ((5,), "05"), ((), "")]
)
def test_numbers_as_they_are_shown(numbers, text):
    assert show_numbers(numbers) == text
