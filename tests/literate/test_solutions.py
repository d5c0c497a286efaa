"""Solution regions: stubs, bug hunts, what goes into the package."""

from __future__ import annotations

import pytest

from tito.literate.cells import Cell
from tito.literate.errors import SourceError
from tito.literate.solutions import fill, regions, solution_lines, stub, without_markers
from tito.messages.stub import PATTERN

LABEL = "Module 01 (Number)"
CELL = """\
def f(x):
    '''Doc.'''
    ### BEGIN SOLUTION
    if x:
        return 1
    return 2
    ### END SOLUTION
"""
HUNT = """\
def total(numbers):
    result = 0
    for x in numbers:
        ### BEGIN BROKEN
        # if x:
        #     result = result * x
        #
        ### END BROKEN
        ### BEGIN SOLUTION
        result = result + x
        ### END SOLUTION
    return result
"""


def cell(source: str = CELL) -> Cell:
    metadata = {"nbgrader": {"grade_id": "number_f", "solution": True}}
    return Cell("code", source, metadata, 10, 0, "a.py")


def test_stub_raises_and_names_the_exercise():
    space: dict = {}
    exec(stub(cell(), LABEL), space)
    with pytest.raises(NotImplementedError, match=r"number_f of Module 01, Number,") as caught:
        space["f"](1)
    assert PATTERN.match(str(caught.value))[1] == "number_f"
    assert space["f"].__doc__ == "Doc."


def test_a_bug_hunt_gives_out_the_broken_lines():
    received = stub(cell(HUNT), LABEL)
    assert "        if x:\n            result = result * x\n" in received
    assert "SOLUTION" not in received and "BROKEN" not in received
    assert "result + x" not in received and "NotImplemented" not in received
    space: dict = {}
    exec(received, space)
    assert space["total"]([1, 2]) == 0


def test_the_package_and_a_mistake_hold_no_broken_lines():
    bare = without_markers(HUNT)
    assert "result * x" not in bare and "#" not in bare
    space: dict = {}
    exec(bare, space)
    assert space["total"]([1, 2]) == 3
    assert fill(cell(HUNT), "result = 7").count("result") == 3
    assert "BROKEN" not in fill(cell(HUNT), "result = 7")


def test_solution_lines():
    assert solution_lines(cell()) == ["if x:", "return 1", "return 2"]
    assert solution_lines(cell(HUNT)) == ["result = result + x"]


def test_several_regions_are_emptied_one_by_one():
    both = HUNT + CELL
    received = stub(cell(both), LABEL)
    assert len(regions(cell(both))) == 2
    assert received.count("NotImplementedError") == 1
    assert received.count("result * x") == 1


B, E = "    ### BEGIN BROKEN\n", "    ### END BROKEN\n"
S = "    ### BEGIN SOLUTION\n    pass\n    ### END SOLUTION\n"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("def f():\n    ### BEGIN SOLUTION\n    pass\n", 11),
        ("def f():\n    ### END SOLUTION\n    pass\n", 11),
        ("### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n", 12),
        ("def f():\n" + B + "    # x\n" + E, 11),  # no solution behind it
        ("def f():\n" + B + "    # x\n" + E + "    y = 1\n" + S, 11),
        ("def f():\n" + B + "    # x\n    y = 1\n" + E + S, 13),  # not a comment
        ("def f():\n" + B + "    # x\n" + S + E, 13),  # nested
        ("def f():\n" + B + "    # x\n" + E + B + E + S, 11),
        ("### BEGIN BROKEN\n# x\n### END BROKEN\n" + S, 12),
    ],
)
def test_faulty_regions_are_refused_with_their_line(source, line):
    with pytest.raises(SourceError, match=f"^a.py:{line}:"):
        regions(cell(source))


def test_form_feeds_do_not_shift_regions():
    source = "def f():\n    x = '\x0c\u2028'\n" + S + "    return x\n"
    assert stub(cell(source), LABEL).endswith('is not solved yet.")\n    return x')
