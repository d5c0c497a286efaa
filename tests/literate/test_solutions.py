"""Stripping solutions and planting mistakes."""

from __future__ import annotations

import json

import pytest

from tito.curriculum.exercises import exercises
from tito.curriculum.guidance import Mistake
from tito.curriculum.notebook import learner_notebook
from tito.literate.errors import SourceError
from tito.literate.cells import Cell
from tito.literate.solutions import regions, solution_lines, stub

CELL = """\
def f(x):
    '''Doc.'''
    ### BEGIN SOLUTION
    if x:
        return 1
    return 2
    ### END SOLUTION
"""


def cell(source: str = CELL) -> Cell:
    return Cell(
        "code", source, {"nbgrader": {"grade_id": "number_f", "solution": True}}, 10, 0, "a.py"
    )


def test_stub_raises_and_names_the_exercise(curriculum):
    space: dict = {}
    exec(stub(cell(), curriculum.module(1)), space)
    with pytest.raises(NotImplementedError, match=r"number_f \(Module 01 \(Number\)\)"):
        space["f"](1)
    assert space["f"].__doc__ == "Doc."


def test_solution_lines():
    assert solution_lines(cell()) == ["if x:", "return 1", "return 2"]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("def f():\n    ### BEGIN SOLUTION\n    pass\n", 11),
        ("def f():\n    ### END SOLUTION\n    pass\n", 11),
        ("### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n", 12),
    ],
)
def test_unpaired_or_unindented_regions_are_refused(source, line):
    with pytest.raises(SourceError, match=f"a.py:{line}:"):
        regions(cell(source))


def test_mistake_replaces_text_exactly_once():
    assert "return 9" in Mistake("m", "h", replace="return 2", with_="return 9").apply(cell())
    with pytest.raises(SourceError, match="stands 2 times"):
        Mistake("m", "h", replace="return ", with_="").apply(cell())


def test_mistake_code_replaces_the_region():
    source = Mistake("m", "h", code="y = x\nreturn y\n").apply(cell())
    assert source == "def f(x):\n    '''Doc.'''\n    y = x\n    return y"


def test_notebook_has_stubs_stable_ids_and_no_solution(curriculum):
    module = curriculum.module(1)
    text = learner_notebook(module)
    assert text == learner_notebook(module)
    notebook = json.loads(text)
    assert "doubled_value_of_x" not in text
    assert "SOLUTION" not in text
    ids = [c["id"] for c in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert "number_double" in ids
    (exercise,) = exercises(module)
    filled = next(c for c in notebook["cells"] if c["id"] == exercise.id)
    assert filled["metadata"]["nbgrader"]["solution"] is True
    assert "#| export" in "".join(filled["source"])
    assert "jupytext" not in notebook["metadata"]
