"""The exporter: what goes into the package, deterministically, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tito.literate.errors import SourceError
from tito.literate.percent import Cell, parse_percent, read_cells
from tito.package.exporter import export_source


@pytest.fixture
def module(curriculum):
    return curriculum.module(1)


def export(module, text):
    return export_source(parse_percent(text, "m.py"), module, "m.py")


def test_exports_only_marked_cells_and_lists_names(module):
    text = export_source(read_cells(module.source), module)
    space: dict = {}
    exec(text, space)
    assert space["__all__"] == ["double", "Number"]
    assert space["double"](4) == 8
    assert "test_number_double" not in text
    assert "SOLUTION" not in text
    assert "#|" not in text


def test_notebook_and_percent_export_the_same(module):
    cells = read_cells(module.source)
    from_notebook = [replace(c, origin="x.ipynb", line=1) for c in cells]
    assert export_source(cells, module) == export_source(from_notebook, module)


def test_future_imports_come_first(module):
    text = export(
        module,
        "# %%\n#| default_exp core.number\n# %%\n#| export\nx = 1\n"
        "# %%\n#| export\nfrom __future__ import annotations\ny = 2\n",
    )
    compile(text, "t", "exec")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("# %%\n#| default_exp ../../etc\n", r"m\.py:2: default_exp is '\.\./\.\./etc'"),
        ("# %%\n#| default_exp core.other\n", "default_exp is 'core.other'"),
        ("# %%\nx = 1\n", "expected one '#| default_exp core.number' cell, found 0"),
        ("# %%\n#| default_exp core.number\n# %%\nx = 1\n", "nothing to export"),
        ("# %%\n#| default_exp core.number\n# %%\nx = 1\n#| export\n", r"m\.py:5: directive"),
        ("# %%\n#| default_exp core.number\n# %%\n#| exprot\n", r"m\.py:4: unknown directive"),
        ("# %%\n#| default_exp core.number\n# %%\n#| export\nx = (\n", r"m\.py:5: syntax error"),
        ("# %%\n#| default_exp core.number\n# %%\n#| export\n%time x\n", r"m\.py:5: syntax error"),
    ],
)
def test_refusals_name_file_and_line(module, body, message):
    with pytest.raises(SourceError, match=message.replace("|", r"\|")):
        export(module, body)


def test_place_in_a_notebook_counts_cells_from_one():
    cell = Cell("code", "x = (", {}, 1, 6, "a.ipynb")
    assert cell.place(1) == "a.ipynb, cell 7, line 1"
