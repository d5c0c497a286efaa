"""The notebook reader: formats, damage, and what it leaves aside."""

from __future__ import annotations

import json
import time

import pytest

from tito.literate.errors import SourceError
from tito.literate.ipynb import parse_notebook
from tito.literate.reading import parse_cells


def code(source, **more):
    return {"cell_type": "code", "source": source, "metadata": {}, **more}


def book(*cells, **more):
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": list(cells), **more})


def sources(text):
    return [cell.source for cell in parse_notebook(text, "x.ipynb")]


def test_source_may_be_lines_or_text():
    assert sources(book(code(["a\n", "b"]), code("a\r\nb"))) == ["a\nb", "a\nb"]


@pytest.mark.parametrize("metadata", [None, [], "x", {"nbgrader": None}, {"nbgrader": [1]}])
def test_odd_metadata_are_none(metadata):
    (cell,) = parse_notebook(book(code("x", metadata=metadata)))
    assert (cell.nbgrader, cell.role, cell.points) == ({}, "", 0)


def test_outputs_and_attachments_are_left_aside():
    outputs = [{"output_type": "stream", "text": ["x" * 80 + "\n"] * 600_000}]
    text = book(code("x", outputs=outputs, attachments={"a.png": {"image/png": "…"}}))
    assert len(text) > 50_000_000
    start = time.perf_counter()
    assert sources(text) == ["x"]
    assert time.perf_counter() - start < 20


def test_format_3_is_read():
    cells = [
        {"cell_type": "heading", "source": ["Title"], "level": 2, "metadata": {}},
        {"cell_type": "code", "input": ["x = 1\n", "y"], "language": "python", "outputs": []},
        {"cell_type": "markdown", "source": "text", "metadata": {}},
    ]
    text = json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]})
    assert [(cell.kind, cell.source) for cell in parse_notebook(text)] == [
        ("markdown", "## Title"),
        ("code", "x = 1\ny"),
        ("markdown", "text"),
    ]


@pytest.mark.parametrize("version", [2, 5, "4", None])
def test_other_formats_are_refused_by_name(version):
    with pytest.raises(SourceError, match=f"has format {version!r}; tito reads formats 3 and 4"):
        parse_notebook(book(nbformat=version), "x.ipynb")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "",
        "[]",
        "null",
        "{}",
        '{"cells": 3}',
        '{"cells": null}',
        '{"cells": [1]}',
        '{"cells": [{"source": ""}]}',
        '{"cells": [{"source": "", "cell_type": "odd"}]}',
        '{"cells": [{"source": "", "cell_type": []}]}',
        '{"cells": [{"source": [1], "cell_type": "code"}]}',
        '{"cells": [{"source": null, "cell_type": "code"}]}',
        '{"nbformat": 3, "worksheets": []}',
        '{"nbformat": 3, "worksheets": [3]}',
        '{"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "heading", "source": "a"}]}]}',
        "[" * 200_000,
        '{"cells": [], "metadata": {"a": ' + "[" * 200_000 + "]" * 200_000 + "}}",
        '{"cells": [], "metadata": ' + "9" * 5000 + "}",
    ],
)
def test_damaged_notebooks_say_what_to_do(text):
    with pytest.raises(SourceError, match=r"^x\.ipynb") as caught:
        parse_notebook(text, "x.ipynb")
    assert "tito module reset" in caught.value.fix


def test_a_syntax_error_of_the_file_names_its_line():
    with pytest.raises(SourceError, match=r"x\.ipynb:2: this is not a notebook"):
        parse_notebook('{\n"cells": [}', "x.ipynb")


def test_byte_order_mark():
    (cell,) = parse_cells(b"\xef\xbb\xbf" + book(code("x")).encode(), "x.ipynb")
    assert cell.source == "x"


def test_half_a_character_is_an_error_of_its_cell_alone():
    prose, sick = parse_notebook(
        book({"cell_type": "markdown", "source": "\ud83d"}, code("x = 1\ny = '\ud83d'")), "x.ipynb"
    )
    assert prose.source == "\ud83d"
    with pytest.raises(SourceError, match=r"x\.ipynb, cell 2, line 2: Python cannot read"):
        _ = sick.tree


def test_places_count_cells_from_one():
    cell = parse_notebook(book(code("a"), code("x = (")), "a.ipynb")[1]
    assert cell.place(1) == "a.ipynb, cell 2, line 1"
