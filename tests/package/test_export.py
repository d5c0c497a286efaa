"""The exporter: what goes into the package, deterministically, and what is refused."""

from __future__ import annotations

import re
import types
from dataclasses import replace

import pytest

from tito.literate.cells import Cell
from tito.literate.errors import SourceError
from tito.literate.percent import parse_percent
from tito.literate.reading import read_cells
from tito.package.exporter import export_files

TOP = "# %%\n#| default_exp core.number\n"


def export(text, targets=("core.number",)):
    return export_files(parse_percent(text, "m.py"), targets, "m.py", "01_number")


def exported(body):
    """The file that a module with these cells exports."""
    return export(TOP + body)["core.number"]


def names(text):
    space: dict = {}
    exec(text, space)
    return space["__all__"]


def test_exports_only_marked_cells_and_lists_names(curriculum):
    path = curriculum.module(1).source
    text = export_files(read_cells(path), ["core.number"], "m.py", "01_number")["core.number"]
    space: dict = {}
    exec(text, space)
    assert space["__all__"] == ["double", "Number"]
    assert space["double"](4) == 8
    assert text.startswith("# Built by tito from 01_number. Do not edit")
    assert "test_number_double" not in text
    assert "SOLUTION" not in text
    assert "#|" not in text


def test_notebook_and_percent_export_the_same(curriculum):
    cells = read_cells(curriculum.module(1).source)
    from_notebook = [replace(cell, origin="x.ipynb", line=1) for cell in cells]
    one, other = (export_files(c, ["core.number"], "", "n") for c in (cells, from_notebook))
    assert one == other


def test_one_module_may_make_several_files():
    files = export(
        TOP
        + "# %%\n#| export\na = 1\n# %%\n#| export core.other\nb = 2\n# %%\n# | export\nc = 3\n",
        ["core.number", "core.other"],
    )
    assert {target: names(text) for target, text in files.items()} == {
        "core.number": ["a", "c"],
        "core.other": ["b"],
    }
    assert list(files) == ["core.number", "core.other"]


def test_directives_written_by_formatters_count():
    text = "# %%\n# | default_exp core.number\n# %%\n# | export\nx = 1\n"
    assert names(export(text)["core.number"]) == ["x"]


def test_future_imports_come_first_and_text_about_them_stays():
    text = exported(
        "# %%\n#| export\n'''\nfrom __future__ import x\n'''\nx = 1\n"
        "# %%\n#| export\nfrom __future__ import (\n    annotations,\n)\ny = 2\n"
    )
    compile(text, "t", "exec")
    assert text.count("from __future__ import annotations") == 1
    assert "'''\nfrom __future__ import x\n'''" in text


def test_broken_parts_and_markers_stay_behind():
    text = exported(
        "# %%\n#| export\ndef f(x):\n    ### BEGIN BROKEN\n    # return x * 3\n"
        "    ### END BROKEN\n    ### BEGIN SOLUTION\n    return x + 3\n    ### END SOLUTION\n"
    )
    assert "return x + 3" in text
    assert "BROKEN" not in text and "* 3" not in text and "SOLUTION" not in text


def test_setup_lines_of_the_notebook_are_comments():
    text = exported("# %%\n#| export\n%matplotlib inline\n!pip list\nx = 1\n")
    assert "# %matplotlib inline\n# !pip list\nx = 1" in text
    assert names(text) == ["x"]


def test_comments_and_strings_may_look_like_directives():
    text = exported("# %%\n#| export\n# | name | size |\ns = '''\n#| export\n'''\n#| note\n")
    assert "#| export\n'''" in text and "# | name | size |" in text


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("# %%\n#| default_exp ../../etc\n", "m.py:2: default_exp is '../../etc'"),
        ("# %%\n#| default_exp core.other\n", "m.py:2: default_exp is 'core.other'"),
        ("# %%\nx = 1\n", "m.py: expected one '#| default_exp core.number' cell, found 0"),
        (TOP + TOP, "m.py:4: expected one '#| default_exp core.number' cell, found 2"),
        (TOP + "# %%\nx = 1\n", "m.py: no cell begins with '#| export'"),
        (TOP + "# %%\nx = 1\n#| export\n", "m.py:5: directive '#| export' must stand at the top"),
        (TOP + "# %%\nx = 1\n# | export\n", "m.py:5: directive '# | export' must stand"),
        (TOP + "# %%\n#| export\n#| export\n", "m.py:5: directive '#| export' stands here twice"),
        (TOP + "# %%\n#| exprot\n", "m.py:4: unknown directive '#| exprot'"),
        (TOP + "# %%\n#| export core.b\n", "m.py:4: this cell exports to 'core.b'"),
        (TOP + "# %%\n#| export\nx = (\n", "m.py:5: syntax error"),
        (TOP + "# %%\n#| export\n\nreturn 3\n", "m.py:6: syntax error: 'return' outside function"),
        (TOP + "# %%\n#| export\nx = 1\n%time x\n", "m.py:6: '%time x' works in a notebook"),
        (TOP + "# %%\n#| export\nawait x\n", "m.py:5: 'await x' works in a notebook"),
        (
            TOP + "# %%\n#| export\nfrom __future__ import annotations; x = 1\n",
            "m.py:5: an import from __future__ needs a line of its own",
        ),
    ],
)
def test_refusals_name_file_and_line(body, message):
    with pytest.raises(SourceError, match=f"^{re.escape(message)}"):
        export(body)


def test_a_file_that_nothing_goes_to_is_missed():
    with pytest.raises(SourceError, match=r"begins with '#\| export core\.other'") as caught:
        export(TOP + "# %%\n#| export\nx = 1\n", ["core.number", "core.other"])
    assert "#| export core.other" in caught.value.fix


def elifs(count):
    return "x = 1\nif x:\n    y = 1\n" + "elif x:\n    y = 2\n" * count


@pytest.mark.parametrize("code", ["(" * 5000 + ")" * 5000, elifs(20_000), "x = '\ud800'"])
@pytest.mark.parametrize("origin", ["m.py", "m.ipynb"])
def test_hostile_code_is_a_source_error(code, origin):
    cells = [
        Cell("code", "#| default_exp core.number", {}, 1, 0, origin),
        Cell("code", f"#| export\n{code}", {}, 3, 1, origin),
    ]
    with pytest.raises(SourceError, match=rf"^{origin}[:,]"):
        export_files(cells, ["core.number"], origin, "n")


def test_many_branches_are_exported_or_refused_and_nothing_else():
    try:
        text = exported(f"# %%\n#| export\n{elifs(1500)}")
    except SourceError as error:
        assert "nested too deeply" in error.message
    else:
        assert text.count("elif") == 1500


def test_the_files_own_docstring_stands_at_its_top():
    text = "# %%\n#| default_exp core.number\n\n# %%\n#| export\n" + (
        '"""Numbers.\n\nAnd more.\n"""\nfrom __future__ import annotations\n\nimport math\n'
    )
    exported = export_files(parse_percent(text), ["core.number"], "n.py", "01_number")
    module = types.ModuleType("number")
    exec(exported["core.number"], vars(module))
    assert module.__doc__ == "Numbers.\n\nAnd more.\n" and module.math.pi > 3
