"""Pictures made of characters: ASCII, at most 78 wide, and true to what they show."""

from __future__ import annotations

import numpy as np
import pytest

from milestones import characters

CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])


def drawn(answer, labels=(0, 1, 1, 0)) -> list[str]:
    return characters.plane(answer, CORNERS, np.array(labels), span=(0, 1))


def test_points_stand_where_they_belong():
    first, *rows, last = drawn(lambda points: np.zeros(len(points)))
    assert first == last == "+" + "-" * characters.COLUMNS + "+"
    assert (rows[0][1], rows[0][-2], rows[-1][1], rows[-1][-2]) == ("#", "o", "o", "#")


@pytest.mark.parametrize(("value", "sign"), [(0.1, " "), (0.9, "."), (0.52, "?"), (0.48, "?")])
def test_a_place_shows_its_answer(value, sign):
    rows = drawn(lambda points: np.full((len(points), 1), value))
    assert set(rows[5]) - {"|"} == {sign}


def test_the_answer_is_asked_for_the_place_it_is_shown_at():
    rows = drawn(lambda points: points[:, 0] > 0.5)[2:-2]
    assert all(row[1 : 1 + characters.COLUMNS // 2].isspace() for row in rows)
    assert all(set(row[1 + characters.COLUMNS // 2 : -1]) == {"."} for row in rows)
    above = drawn(lambda points: points[:, 1] > 0.5)
    assert above[2][5] == "." and above[-3][5] == " "


def test_points_outside_are_left_out():
    plane = characters.plane(lambda p: np.zeros(len(p)), np.array([[5, 5]]), [1], span=(0, 1))
    assert "#" not in "".join(plane)


@pytest.mark.parametrize("side", [8, 28])
def test_digits_fit_and_say_what_is_read(side):
    images = np.random.RandomState(0).rand(20, side, side)
    count = characters.how_many_digits(images)
    lines = characters.digits(images[:count], [7] * count, [7, *[1] * (count - 1)])
    assert count >= 5 and len(lines) <= 16
    assert max(map(len, lines)) <= characters.LINE
    assert lines[-2].split()[:4] == ["reads", "7", "reads", "1"]
    assert lines[-1].split()[:3] == ["right", "no:", "7"]
    assert all(line.isascii() for line in lines)


def test_ink_is_dark_and_paper_blank():
    image = np.zeros((8, 8))
    image[:, 3] = 1.0
    rows = characters.digits([image], [1], [1])[:8]
    assert all(row == "   @" for row in rows)


def test_two_planes_and_their_key_fit():
    plane = drawn(lambda points: np.zeros(len(points)))
    rows = characters.beside(["AND", *plane], ["OR", *plane])
    assert rows[0].split() == ["AND", "OR"] and max(map(len, rows)) <= characters.LINE
    assert len(characters.key("same", "different")) <= characters.LINE
