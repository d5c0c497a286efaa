"""What a learner receives, and mistakes planted into the reference."""

from __future__ import annotations

import json

import pytest
from ipykernel.ipkernel import IPythonKernel

from tito.curriculum.guidance import plant
from tito.curriculum.notebook import learner_notebook
from tito.curriculum.schema import MistakeEntry
from tito.literate.cells import Cell
from tito.literate.errors import SourceError

SOURCE = """\
def f(x):
    '''Doc.'''
    ### BEGIN SOLUTION
    if x:
        return 1
    return 2
    ### END SOLUTION
"""
CELL = Cell("code", SOURCE, {"nbgrader": {"grade_id": "number_f", "solution": True}}, 10, 0, "a.py")


def mistake(**change):
    return MistakeEntry(name="m", hint="h", **change)


def test_mistake_replaces_text_exactly_once():
    assert "return 9" in plant(mistake(replace="return 2", with_="return 9"), CELL)
    with pytest.raises(SourceError, match="stands 2 times"):
        plant(mistake(replace="return ", with_=""), CELL)


def test_mistake_code_replaces_the_region():
    source = plant(mistake(code="y = x\nreturn y\n"), CELL)
    assert source == "def f(x):\n    '''Doc.'''\n    y = x\n    return y"


def test_notebook_has_stubs_stable_ids_and_no_solution(curriculum):
    module = curriculum.module(1)
    text = learner_notebook(curriculum, module)
    assert text == learner_notebook(curriculum, module)
    notebook = json.loads(text)
    assert "math.sqrt(self.value)" not in text
    assert "SOLUTION" not in text
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert "number_double" in ids
    filled = next(cell for cell in notebook["cells"] if cell["id"] == "number_double")
    assert filled["metadata"]["nbgrader"]["solution"] is True
    assert "#| export" in "".join(filled["source"])
    assert "jupytext" not in notebook["metadata"]


def test_the_notebook_names_its_language_as_a_kernel_of_this_python_does(curriculum):
    notebook = json.loads(learner_notebook(curriculum, curriculum.module(1)))
    assert notebook["metadata"]["language_info"] == IPythonKernel.language_info


def test_graded_tests_come_collapsed_and_nothing_else_does(curriculum):
    cells = json.loads(learner_notebook(curriculum, curriculum.module(1)))["cells"]
    hidden = [c for c in cells if c["metadata"].get("jupyter", {}).get("source_hidden")]
    graded = [c for c in cells if c["metadata"].get("nbgrader", {}).get("grade")]
    assert graded and hidden == graded
