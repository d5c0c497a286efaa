"""Who is named: the line that is at fault, not the one that happened to notice."""

from __future__ import annotations

import pytest

from tito.judge.verdict import of_package


def failures(report):
    return {r.exercise_id: r.failure for r in report.results}


# -- exercises of the same module --------------------------------------------------------------


def test_an_exercise_that_passes_is_not_accused_of_what_it_is_handed(bench):
    body = "#| export\ndef mean(a):\n    pair = add(a, [1.0])\n    return float(pair)\n"
    report = bench.judge(bench.solve("toy_mean", body))
    failure = failures(report)["toy_mean"]
    assert [r.status for r in report.results] == ["passed", "failed", "passed"]
    assert failure.reason.code == "judge.raised" and "shapes (3,) and (1,) differ" in failure.got
    assert failure.line_text == "pair = add(a, [1.0])"
    assert failure.where == bench.cell("toy_mean").place(3)


def test_an_exercise_that_fails_itself_is_accused(bench):
    wrong = "#| export\ndef add(a, b):\n    raise RuntimeError('no')\n"
    body = "#| export\ndef mean(a):\n    return float(add(a, a).mean() / 2)\n"
    report = bench.judge(bench.solve("toy_mean", body, bench.solve("toy_add", wrong)))
    failure = failures(report)["toy_mean"]
    assert failure.line_text == "raise RuntimeError('no')"
    assert failure.where == bench.cell("toy_add").place(3)


# -- earlier modules ---------------------------------------------------------------------------

BROKEN = {
    "raises": ("import math\n\n1 / 0\nclass Brick: pass\n", "ZeroDivisionError"),
    "is no Python": ("class Brick(:\n", "invalid syntax"),
    "imports what is not there": ("import nothing_like_this\n", "nothing_like_this"),
    "is unsolved at its top": (
        "raise NotImplementedError('Exercise base_brick (Module 01 (Base)) is not solved yet.')\n",
        "base_brick",
    ),
    "leaves": ("raise SystemExit(3)\n", "SystemExit"),
}


def assert_named(failure, words):
    assert failure.kind == "earlier module" and failure.reason.code == "judge.earlier_module"
    said = str(failure.reason)
    assert said.startswith("Module 01 (Base), which this module builds upon, stops")
    assert words in said
    assert str(failure.fix) == "Look at that module first: tito module test 01"
    assert failure.hint == "", "no hint of this module's planted mistakes"


@pytest.mark.parametrize("name", BROKEN)
def test_an_earlier_module_that_cannot_be_imported_is_named(house, name):
    text, words = BROKEN[name]
    report = house.judge(house.cells, sources={1: {"core.base": text}})
    assert not report.passed
    assert_named(report.problem, words)
    assert report.problem.line_text == "from tinytorch.core.base import Brick"
    assert_named(failures(report)["house_room"], words)
    assert failures(report)["house_area"] is None, "it needs nothing of the earlier module"


@pytest.mark.parametrize("name", BROKEN)
def test_an_import_inside_a_function(house, name):
    text, words = BROKEN[name]
    cells = house.change("import math\n\nfrom tinytorch.core.base import Brick", "import math")
    cells = house.change(
        "        return [Brick(size)",
        "        from tinytorch.core.base import Brick\n        return [Brick(size)",
        cells,
    )
    report = house.judge(cells, sources={1: {"core.base": text}})
    failure = failures(report)["house_room"]
    assert_named(failure, words)
    assert failure.line_text == "from tinytorch.core.base import Brick"


def test_an_earlier_module_that_is_not_built_is_asked_for(house):
    report = house.judge(house.cells, sources={})
    assert "not built here yet. Start it: tito module start 01" in str(report.problem.reason)


def test_an_earlier_module_that_raises_later_does_not_take_the_blame_for_its_import(house):
    text = "class Brick:\n    def __init__(self, size):\n        raise ValueError('too large')\n"
    report = house.judge(house.cells, sources={1: {"core.base": text}})
    failure = failures(report)["house_room"]
    assert failure.kind == "error" and "too large" in str(failure.reason)
    assert failure.line_text.startswith("return [Brick(size)")


def test_a_name_that_an_earlier_module_lacks_is_the_importers_affair(house):
    report = house.judge(house.cells, sources={1: {"core.base": "class Stone: pass\n"}})
    assert report.problem.kind == "error" and "Brick" in str(report.problem.reason)


def test_a_failure_of_the_package_names_the_file_alone():
    failure = of_package(ValueError("odd"), "02_house.ipynb", {})
    assert (failure.where, failure.line_text) == ("02_house.ipynb", "")
