"""Cells: their roles, points, directives, plain code and syntax tree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tito.literate.cells import Cell, with_source
from tito.literate.errors import SourceError


def cell(source="", kind="code", **nbgrader):
    return Cell(kind, source, {"nbgrader": nbgrader}, 10, 3, "m.py")


@pytest.mark.parametrize(
    ("metadata", "role"),
    [
        ({"solution": True, "grade": False}, "exercise"),
        ({"solution": False, "grade": True}, "test"),
        ({"solution": True, "grade": True}, "written answer"),
        ({"task": True, "solution": False, "grade": False}, "task"),
        ({"locked": True}, ""),
        ({}, ""),
    ],
)
def test_roles(metadata, role):
    found = cell(**metadata)
    assert found.role == role
    assert found.is_exercise == (role == "exercise")
    assert found.is_test == (role == "test")


@pytest.mark.parametrize(("points", "worth"), [(3, 3), (2.0, 2), (0, 0)])
def test_points(points, worth):
    assert cell(points=points).points == worth


@pytest.mark.parametrize("points", ["3", None, [1], 2.5, -1, True, float("nan"), float("inf")])
def test_odd_points_are_refused(points):
    with pytest.raises(SourceError, match=r"m\.py:10: points are .*expected a whole number"):
        _ = cell(points=points).points


def test_an_odd_id_is_refused():
    with pytest.raises(SourceError, match=r"m\.py:10: grade_id is \['a'\]"):
        _ = cell(grade_id=["a"]).grade_id


def test_kinds_of_exercises():
    def of(own):
        return Cell("code", "", {"tinytorch": own}, 10, 0, "m.py").exercise_kind

    assert [of(own) for own in ({"kind": "bug hunt"}, {"kind": "open"}, {}, None, 3)] == [
        "bug hunt",
        "open",
        "exercise",
        "exercise",
        "exercise",
    ]
    with pytest.raises(SourceError, match="kind is 'bughunt'; expected one of"):
        of({"kind": "bughunt"})


@pytest.mark.parametrize(
    "source",
    [
        "#| export",
        "# | export\nx = 1",
        "#  |export",
        "\n\n#| export",
        "# a comment\n#| export\nx",
        "%%time\n#| export\nx",
    ],
)
def test_export_directives_as_people_and_formatters_write_them(source):
    assert cell(source).is_export
    assert cell(source).directives == {"export": ""}


@pytest.mark.parametrize("source", ["x\n#| export", "# | name | size |", "", "#", "# export"])
def test_other_comments_are_no_directives(source):
    assert not cell(source).is_export
    assert not cell(source).directives


def test_directives_have_values():
    assert cell("#| default_exp core.a\n#| export: core.b").directives == {
        "default_exp": "core.a",
        "export": "core.b",
    }
    assert not cell("#| export", kind="markdown").is_export


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("%matplotlib inline\nx = 1", "# %matplotlib inline\nx = 1"),
        ("%load_ext autoreload\n%autoreload 2", "# %load_ext autoreload\n# %autoreload 2"),
        ("!pip install numpy \\\n  --quiet\nx", "# !pip install numpy \\\n#   --quiet\nx"),
        ("%%time\nx = 1", "# %%time\nx = 1"),
        ("#| export\n\n%%capture\nx", "#| export\n\n# %%capture\nx"),
        ("if x:\n    %config a=1\ny", "if x:\n    pass  # %config a=1\ny"),
        ("!echo \"it's (\nx = 1", "# !echo \"it's (\nx = 1"),
        ('s = """\n%timeit\n"""\n!ls', 's = """\n%timeit\n"""\n# !ls'),
        ("y = (a\n%b)\n!ls", "y = (a\n%b)\n# !ls"),
        ("y = a \\\n%b\n!ls", "y = a \\\n%b\n# !ls"),
    ],
)
def test_lines_that_set_up_the_notebook_become_comments(source, code):
    assert cell(source).code == code
    assert cell(source).tree is not None


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("%%timeit\nx", 10),
        ("%%bash\nls", 10),
        ("x = 1\nfiles = !ls", 11),
        ("x = %time 1", 10),
        ("%time f()", 10),
        ("def f():\n    %timeit g()", 11),
        ("?len", 10),
        ("len?", 10),
        ("a.b??\nx", 10),
        ("x = 1\nawait f()", 11),
        ("x = 1\nif x:\n    async with f() as g:\n        pass", 12),
    ],
)
def test_other_notebook_lines_are_refused_with_their_place(source, line):
    with pytest.raises(SourceError, match=rf"^m\.py:{line}: .*works in a notebook cell") as caught:
        _ = cell(source).code
    assert "without '#| export'" in caught.value.fix


@pytest.mark.parametrize(
    "source",
    [
        'print("%time")',
        "x = 7\\\n % 2",
        "x = '''\n%time\n!ls\nf?\n'''",
        "async def f():\n    await g()",
        "x = a != b",
        "# %timeit f()",
        "# what is this?",
        "x = (1 +",  # a fault, but of another kind
    ],
)
def test_python_stays_as_it_is(source):
    assert cell(source).code == source


@given(st.lists(st.sampled_from(["x = 1", "%pip a", "!ls", "(", ")", '"""', "\\", "if x:", " y"])))
def test_plain_code_keeps_every_line_where_it_is(lines):
    found = cell("\n".join(lines))
    assert len(found.code.split("\n")) == len(found.lines)


def elifs(count):
    branches = "".join(f"elif x == {n}:\n    y = {n}\n" for n in range(count))
    return f"x = 1\nif x == -1:\n    y = 0\n{branches}"


@pytest.mark.parametrize(
    "source",
    [
        "(" * 5000 + ")" * 5000,
        "-" * 100_000 + "1",
        "x = " + "+".join(["1"] * 200_000),
        "x" + ".a" * 100_000,
        elifs(20_000),
        "def f():\n" + "".join(" " * n + "if x:\n" for n in range(1, 200)),
        "x = '\ud83d'",
        "x = 1 # \0",
        "return 1",
        "x = ",
        "\ty = 1\n        z = 2",
        "nonlocal x",
        "9" * 5000,
    ],
)
def test_whatever_python_cannot_compile_is_a_source_error(source):
    with pytest.raises(SourceError, match=r"^m\.py:\d+: "):
        _ = cell(source).tree


def test_a_long_chain_that_python_compiles_is_fine():
    assert len(cell(elifs(100)).tree.body) == 2


def test_with_source_replaces_by_id():
    cells = [cell("a", grade_id="x"), cell("b", grade_id="y"), cell("c")]
    changed = with_source(cells, {"y": "new", "z": "nobody"})
    assert [c.source for c in changed] == ["a", "new", "c"]
    assert cells[1].source == "b"
