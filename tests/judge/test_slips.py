"""Slips that stand in the text of a learner's code, and not in the reference."""

from __future__ import annotations

import pytest

from tito.judge.slips import likely_slip, sure_slip
from tito.literate.cells import Cell

LOOP = "def f(items):\n    for item in items:\n        {}\n"
FIND = "def f(items):\n    for item in items:\n        return item\n"
DEFAULT = "def f(x, dim=None):\n    return x if {} else x.sum(dim)\n"
TWO = "def f(x, eps):\n    return x + {}\n"


def cell(source):
    return Cell("code", source)


def code(found):
    return found.code.removeprefix("slip.") if found else ""


@pytest.mark.parametrize(
    ("wanted", "source"),
    [
        ("discarded", "def f(a):\n    a.astype(float)\n    return a\n"),
        ("discarded", "def f(a):\n    np.maximum(a, 0)\n    return a\n"),
        ("", "def f(a):\n    np.maximum(a, 0, out=a)\n    return a\n"),
        ("", "def f(a):\n    a = a.astype(float)\n    return a\n"),
        ("", "def f(a):\n    a.append(1)\n    return a\n"),
        ("one_round", LOOP.format("return item")),
        ("one_round", LOOP.format("item += 1\n        return item")),
        ("", LOOP.format("if item:\n            return item")),
        ("", LOOP.format("if item:\n            continue\n        return item")),
        ("", LOOP.format("print(item)")),
        ("", "def f(:"),
    ],
)
def test_a_sure_slip(wanted, source):
    assert code(sure_slip(cell(source), cell("def f(a):\n    return a\n"))) == wanted


def test_what_the_reference_does_too_is_no_slip():
    assert sure_slip(cell(FIND), cell(FIND)) is None
    source = DEFAULT.format("not dim")
    assert likely_slip(cell(source), cell(source)) is None


@pytest.mark.parametrize(
    "condition", ["not dim", "not (dim and x)", "x or dim", "dim is not None and not dim"]
)
def test_zero_is_taken_for_none(condition):
    found = likely_slip(cell(DEFAULT.format(condition)), cell(DEFAULT.format("dim is None")))
    assert code(found) == "falsy" and "`dim`" in str(found)


@pytest.mark.parametrize("condition", ["dim is None", "dim is not None", "dim == 0"])
def test_who_compares_with_none_has_understood(condition):
    found = likely_slip(cell(DEFAULT.format(condition)), cell(DEFAULT.format("dim is None")))
    assert found is None


def test_an_input_that_is_never_read():
    found = likely_slip(cell(TWO.format("0.01")), cell(TWO.format("eps")))
    assert code(found) == "neglected" and "`eps`" in str(found)
    assert likely_slip(cell(TWO.format("eps")), cell(TWO.format("0.01"))) is None


def test_methods_are_compared_with_their_own():
    inside = "class A:\n    def f(self, x, eps):\n        return x + {}\n"
    assert likely_slip(cell(inside.format("0.01")), cell(TWO.format("eps"))) is None
    assert likely_slip(cell(inside.format("0.01")), cell(inside.format("eps")))
