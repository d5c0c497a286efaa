"""Slips that stand in the text of a learner's code, and not in the reference."""

from __future__ import annotations

import pytest

from tito.judge.slips import guessed_slip, likely_slip, sure_slip
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


SUMS = "def f(a, items):\n    best = {}\n    for item in items:\n        {}\n    return best\n"
CAUGHT = "def f(a):\n    try:\n        a.save()\n    except OSError:\n        {}\n"
ALIAS = "def f(a):\n    old = a.data{}\n    a.data[0] = 1\n    a.data = old\n"
DATA = "def f(a, b):\n    c = a.data{} + b\n    return Tensor(c)\n"


@pytest.mark.parametrize(
    ("wanted", "source"),
    [
        ("last_round", SUMS.format("0", "best = item.loss")),
        ("", SUMS.format("0", "best = max(best, item.loss)")),
        ("", SUMS.format("0", "best += item.loss")),
        ("", SUMS.format("0", "if item:\n            best = item\n            break")),
        ("infinite", SUMS.format("np.inf", "if item < best:\n            a = item")),
        ("", SUMS.format("np.inf", "if item < best:\n            best = item")),
        ("", SUMS.format("0.5", "if item < best:\n            a = item")),
        ("swallowed", CAUGHT.format("print('no')")),
        ("swallowed", CAUGHT.format("pass")),
        ("", CAUGHT.format("raise")),
        ("", CAUGHT.format("return None")),
        ("alias", ALIAS.format("")),
        ("", ALIAS.format(".copy()")),
        ("detached", DATA.format("")),
        ("", DATA.format(".dtype")),
    ],
)
def test_a_sure_slip_of_several_lines(wanted, source):
    assert code(sure_slip(cell(source), cell("def f(a, b=0):\n    return a + b\n"))) == wanted


def test_who_makes_a_tensor_as_the_reference_does_has_not_lost_anything():
    assert sure_slip(cell(DATA.format("")), cell("def f(a, b):\n    return Tensor(a)\n")) is None


REFUSES = "def f(a):\n    if a:\n        raise ValueError(1)\n    return {}\n"


@pytest.mark.parametrize(
    ("wanted", "is_silent", "own", "reference"),
    [
        ("lenient", True, "def f(a):\n    return a\n", REFUSES.format("a")),
        ("", True, REFUSES.format("a"), REFUSES.format("a")),
        ("unused", False, REFUSES.format("a"), REFUSES.format("walk(a)")),
        ("", True, REFUSES.format("a"), REFUSES.format("walk(a)")),
        ("", False, REFUSES.format("a"), REFUSES.format("walk(tell(a))")),  # which of the two?
        ("", False, REFUSES.format("a"), REFUSES.format("len(np.abs(a))")),
    ],
)
def test_what_only_the_reference_does_is_a_guess(wanted, is_silent, own, reference):
    assert code(guessed_slip(cell(own), cell(reference), is_silent)) == wanted
