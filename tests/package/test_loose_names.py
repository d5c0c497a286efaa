"""Names that only cells outside of the export define, and exports that got lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tito.literate.cells import Cell, with_source
from tito.literate.percent import parse_percent
from tito.package.loose_names import loose_names
from tito.package.lost_exports import lost_exports

TOP = "# %%\n#| default_exp core.a\n"


def loose(body, targets=("core.a",)):
    found = loose_names(parse_percent(TOP + body, "m.py"), targets, "m.py")
    return [(name.name, name.use, name.binding) for name in found]


def test_an_import_of_the_setup_cell_is_found():
    body = "# %%\nimport math\nimport numpy as np\n# %%\n#| export\ndef f(x):\n    return math.pi\n"
    assert loose(body) == [("math", "m.py:9", "m.py:4")]


@pytest.mark.parametrize(
    ("setup", "code"),
    [
        ("helper = 1", "x = helper"),
        ("def helper():\n    pass", "class A:\n    def f(self):\n        return helper()"),
        ("class helper:\n    pass", "def f(x=helper):\n    pass"),
        ("if True:\n    helper = 1", "x = [helper for _ in range(3)]"),
        ("for helper in range(3):\n    pass", "f = lambda: helper"),
        ("(a, [helper, b]) = 1, [2, 3]", "@helper\ndef f():\n    pass"),
        ("%matplotlib inline\nfrom x import y as helper", "def f():\n    del helper.x"),
        ("with open('x') as helper:\n    pass", "x: helper = 1"),
    ],
)
def test_every_way_to_bind_and_to_use(setup, code):
    (found,) = loose(f"# %%\n{setup}\n# %%\n#| export\n{code}\n")
    assert found[0] == "helper"


@pytest.mark.parametrize(
    "code",
    [
        "import helper\nx = helper",
        "def f(helper):\n    return helper",
        "def f():\n    helper = 1\n    def g():\n        return helper\n    return g",
        "def f():\n    global helper\n    helper = 1\ndef g():\n    return helper",
        "x = [helper for helper in range(3)]",
        "try:\n    pass\nexcept ValueError as helper:\n    print(helper)",
        "from numpy import *\nx = helper",
        "x = y.helper",
        "from __future__ import annotations\ndef f(x: helper):\n    pass",
        "def f():\n    return nobody_knows",
        "x = print",
        "x = __name__",
    ],
)
def test_what_the_export_binds_itself_is_fine(code):
    assert loose(f"# %%\nhelper = nobody = print = 1\n# %%\n#| export\n{code}\n") == []


def test_a_name_is_told_once_at_its_first_use():
    body = "# %%\nh = 1\n# %%\n#| export\nh\nh\n# %%\n#| export\nh\n"
    assert loose(body) == [("h", "m.py:7", "m.py:4")]


def test_postponed_annotations_hold_for_the_whole_file():
    future = "# %%\n#| export\n'''Doc.'''\nfrom __future__ import annotations\n"
    body = "# %%\nfrom typing import Any\n# %%\n#| export\ndef f(x: Any):\n    pass\n"
    assert [name for name, _, _ in loose(body)] == ["Any"]
    assert loose(future + body) == []


def test_each_file_has_its_own_names():
    body = "# %%\n#| export\nimport math\n# %%\n#| export core.b\nx = math.pi\n"
    assert loose(body, ("core.a", "core.b")) == [("math", "m.py:8", "m.py:5")]


def test_cells_that_are_no_python_bind_nothing():
    assert loose("# %%\nh = (\n# %%\n%timeit h = 1\n# %%\n#| export\nh\n") == []


REFERENCE = parse_percent(
    TOP + "# %%\n#| export\nimport math\n"
    '# %% nbgrader={"grade_id": "a_f", "solution": true}\n#| export\ndef f():\n    pass\n'
    '# %% nbgrader={"grade_id": "a_g", "solution": true}\n#| export core.b\ndef g():\n    pass\n'
    "# %%\nprint(f())\n",
    "a.py",
)


def lost(cells):
    return [(found.place, found.directive) for found in lost_exports(cells, REFERENCE)]


def test_nothing_is_lost_from_the_reference():
    assert lost(REFERENCE) == []
    assert lost(with_source(REFERENCE, {"a_f": "# | export\ndef f():\n    return 1"})) == []


def test_lost_exports_are_found_by_id_and_by_code():
    changed = with_source(
        REFERENCE, {"a_f": "def f():\n    return 1", "a_g": "#| export\ndef g():\n    return 2"}
    )
    without = [replace(c, source=c.source.replace("#| export\nimport", "import")) for c in changed]
    assert lost(without) == [
        ("a.py:4", "#| export"),
        ("a.py:7", "#| export"),
        ("a.py:11", "#| export core.b"),
    ]


def test_a_learners_own_cells_need_no_export():
    assert lost([*REFERENCE, Cell("code", "x = 1"), Cell("markdown", "import math")]) == []
