"""The percent reader: cells, metadata, places, and agreement with jupytext."""

from __future__ import annotations

import json

import jupytext
import pytest

from tito.curriculum.manifest import load_manifest
from tito.literate.errors import SourceError
from tito.literate.percent import parse_notebook, parse_percent, read_cells

MODULES = load_manifest().available


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.folder)
def test_agrees_with_jupytext(module):
    ours = read_cells(module.source)
    theirs = jupytext.read(module.source, fmt="py:percent").cells
    assert [cell.kind for cell in ours] == [cell.cell_type for cell in theirs]
    assert [cell.source for cell in ours] == [cell.source.strip("\n") for cell in theirs]
    assert [cell.nbgrader for cell in ours] == [
        dict(c.metadata.get("nbgrader", {})) for c in theirs
    ]


def test_line_numbers_point_into_the_file(curriculum):
    module = curriculum.module(1)
    lines = module.source.read_text(encoding="utf-8").splitlines()
    for cell in read_cells(module.source):
        if cell.kind == "code":
            assert lines[cell.line - 1] == cell.source.splitlines()[0]


def test_markdown_is_the_text_inside_the_string():
    (cell,) = parse_percent('# %% [markdown]\nr"""\n$\\\\alpha$\n"""\n')
    assert cell.source == "$\\\\alpha$"


def test_commented_markdown_is_uncommented():
    (cell,) = parse_percent("# %% [markdown]\n# Title\n#\n# text\n")
    assert cell.source == "Title\n\ntext"


def test_title_and_several_keys():
    (cell,) = parse_percent('# %% A title nbgrader={"grade_id": "a"} tags=["x", "y"]\n1\n')
    assert cell.grade_id == "a"
    assert cell.metadata["tags"] == ["x", "y"]


@pytest.mark.parametrize("marker", ['nbgrader={"grade_id": }', 'nbgrader={"a": 1} rest'])
def test_damaged_metadata_names_file_and_line(marker):
    with pytest.raises(SourceError, match=r"m\.py:3: "):
        parse_percent(f"# a\n# b\n# %% {marker}\n", "m.py")


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": [1]}', "{}", '{"cells": [{"source": ""}]}'])
def test_damaged_notebook_says_what_to_do(text):
    with pytest.raises(SourceError, match=r"x\.ipynb") as caught:
        parse_notebook(text, "x.ipynb")
    assert "tito module reset" in caught.value.fix


def test_notebook_source_may_be_lines_or_text():
    cells = [{"cell_type": "code", "source": s, "metadata": {}} for s in (["a\n", "b"], "a\nb")]
    first, second = parse_notebook(json.dumps({"cells": cells}))
    assert first.source == second.source == "a\nb"
