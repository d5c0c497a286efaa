"""The percent reader: cells, metadata, places, and agreement with jupytext."""

from __future__ import annotations

import time
from pathlib import Path

import jupytext
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tito.errors import TitoError
from tito.literate.errors import SourceError
from tito.literate.percent import parse_percent
from tito.literate.reading import parse_cells, read_cells

MODULES = sorted((Path(__file__).parents[2] / "src").glob("*/[0-9]*.py"))
LINES = st.lists(
    st.sampled_from(
        ["x = 1", "", "def f():", "    pass", "# note", "#| export", 's = "# %%"', "  ", "y\t= 2"]
    )
)
TITLES = st.sampled_from(["", "A title", "two words"])


def kinds_and_sources(text):
    return [(cell.kind, cell.source) for cell in parse_percent(text)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_agrees_with_jupytext_on_the_modules(path):
    ours = read_cells(path)
    theirs = jupytext.read(path, fmt="py:percent").cells
    assert [(cell.kind, cell.source, cell.nbgrader) for cell in ours] == [
        (c.cell_type, c.source.strip("\n"), dict(c.metadata.get("nbgrader", {}))) for c in theirs
    ]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.booleans(), LINES, TITLES)))
def test_reads_what_jupytext_writes(cells):
    notebook = new_notebook(
        cells=[
            (new_code_cell if code else new_markdown_cell)(
                "\n".join(lines), metadata={"title": title} if title else {}
            )
            for code, lines, title in cells
        ]
    )
    text = jupytext.writes(notebook, fmt="py:percent")
    back = jupytext.reads(text, fmt="py:percent").cells
    assert [(kind, source.rstrip()) for kind, source in kinds_and_sources(text)] == [
        (c.cell_type, c.source.strip("\n").rstrip()) for c in back
    ]


@pytest.mark.parametrize(
    "marker", ["# %%", "#%%", "#  %%", "# %% Title", "  # %%", "# %%%% deeper", "# In[3]:"]
)
def test_every_marker_begins_a_cell(marker):
    assert kinds_and_sources(f"# %%\na\n{marker}\nb\n") == [("code", "a"), ("code", "b")]


@pytest.mark.parametrize("line", ["# %%time", "#%%x", "# % %", "## %%", "x = 1  # %% y"])
def test_other_lines_begin_none(line):
    assert kinds_and_sources(f"# %%\na\n{line}\n") == [("code", f"a\n{line}")]


@pytest.mark.parametrize(
    ("marker", "kind"),
    [
        ("# %% [markdown]", "markdown"),
        ("#%% [md]", "markdown"),
        ("# %% Introduction [markdown]", "markdown"),
        ("# %% [raw]", "raw"),
        ('# %% [markdown] tags=["a"]', "markdown"),
    ],
)
def test_kinds(marker, kind):
    assert kinds_and_sources(f"{marker}\n# text\n") == [(kind, "text")]


def test_without_a_marker_the_file_is_one_cell():
    assert kinds_and_sources("import math\nx = 1\n") == [("code", "import math\nx = 1")]
    assert kinds_and_sources("") == []
    assert kinds_and_sources("\n\n") == []


def test_code_before_the_first_marker_is_a_cell_and_the_header_is_none():
    header = "# ---\n# jupyter:\n#   kernelspec: {}\n# ---\n"
    assert kinds_and_sources(f"{header}\nx = 1\n\n# %%\ny\n") == [("code", "x = 1"), ("code", "y")]
    assert kinds_and_sources(f"#!/usr/bin/env python\n{header}\n# %%\ny\n") == [("code", "y")]
    assert kinds_and_sources("# ---\n# never closed\n") == [("code", "# ---\n# never closed")]


def test_a_marker_in_a_string_splits_nothing():
    text = '# %%\ns = """\n# %% [markdown]\n"""\nt = "\\\\"\n# it\'s\n# %%\nu\n'
    assert [source for _, source in kinds_and_sources(text)] == [text.split("# %%\n")[1][:-1], "u"]


def test_an_open_string_swallows_no_other_cell():
    text = '# %%\ns = """\n# %%\nx = 1\n'
    assert kinds_and_sources(text) == [("code", 's = """'), ("code", "x = 1")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_byte_order_marks(end, mark):
    data = mark + "# %%\nx = 1\n\ty\n# %%\nz\n".replace("\n", end).encode()
    cells = parse_cells(data, "m.py")
    assert [(cell.source, cell.line) for cell in cells] == [("x = 1\n\ty", 2), ("z", 5)]


def test_form_feeds_and_unicode_separators_end_no_line():
    first, second = parse_percent("# %%\n\fx = 'a\u2028b'\n# %%\ny\n")
    assert first.lines == ["\fx = 'a\u2028b'"]
    assert first.tree.body[0].value.value == "a\u2028b"
    assert second.line == 4


def test_line_numbers_point_into_the_file():
    text = "# %%\n\n\nfirst\n# %% [markdown]\n# prose\n# %%\nsecond\n"
    lines = text.split("\n")
    for cell in parse_percent(text, "m.py"):
        if cell.kind == "code":
            assert lines[cell.line - 1] == cell.lines[0]
            assert cell.place(1) == f"m.py:{cell.line}"


def test_markdown_is_the_text_inside_the_string_as_it_stands():
    text = '# %% [markdown]\n{}"""\n$\\alpha$ \\\\ \\n\n"""\n'
    for prefix in ("", "r", "R"):
        assert kinds_and_sources(text.format(prefix)) == [("markdown", "$\\alpha$ \\\\ \\n")]


def test_commented_markdown_is_uncommented():
    text = "# %% [markdown]\n# Title\n#\n#text\nbare\n"
    assert kinds_and_sources(text) == [("markdown", "Title\n\ntext\nbare")]


def test_title_and_several_keys():
    (cell,) = parse_percent('# %% A title nbgrader = {"grade_id": "a"} tags=["x", "y"]\n1\n')
    assert cell.grade_id == "a"
    assert cell.metadata["tags"] == ["x", "y"]


def test_metadata_may_be_one_object():
    (cell,) = parse_percent('# %% Title {"nbgrader": {"grade_id": "a"}}\n1\n')
    assert cell.grade_id == "a"


def test_a_title_may_hold_an_equal_sign():
    (cell,) = parse_percent("# %% with lr=0.1 it learns\nx\n")
    assert (cell.source, cell.metadata) == ("x", {})


@pytest.mark.parametrize(
    "marker",
    [
        'nbgrader={"grade_id": }',
        'nbgrader={"a": 1} rest',
        'nbgrader={"a": 1} [markdown]',
        "nbgrader={'a': 1}",
        'tinytorch={"kind": "open"',
        "nbgrader=" + "[" * 100_000,
        'nbgrader={"points": ' + "9" * 5000 + "}",
    ],
)
def test_damaged_metadata_of_ours_name_file_and_line(marker):
    with pytest.raises(SourceError, match=r"m\.py:3: cannot read the cell's metadata"):
        parse_percent(f"# %%\n# b\n# %% {marker}\n", "m.py")


@pytest.mark.parametrize(
    "line",
    [
        "# %% " + "a" * 400_000,
        "# %% " + "a-" * 200_000 + "=",
        "#" + " " * 400_000 + "x",
        "#|" + " " * 200_000 + "a" + " " * 200_000 + "b",
        '"' * 400_001,
        "'''" + '"' * 400_000,
        "(" * 400_000,
        " " * 400_000 + "%" * 400_000,
    ],
)
def test_hostile_lines_are_read_in_linear_time(line):
    """Quadratic reading of these takes minutes."""
    start = time.perf_counter()
    for cell in parse_percent(f"# %%\n{line}\n"):
        assert cell.directives is not None
    assert time.perf_counter() - start < 10


def test_other_encodings_are_refused_with_the_line():
    with pytest.raises(SourceError, match=r"m\.py:2: this is not UTF-8") as caught:
        parse_cells(b"# %%\n# caf\xe9\n", "m.py")
    assert "UTF-8" in caught.value.fix


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TitoError, match=r"Cannot read .*none\.py"):
        read_cells(tmp_path / "none.py")
