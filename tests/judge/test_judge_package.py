"""A completed module is a part of the package: imported, shown by the façades, put to use."""

from __future__ import annotations

import pytest


def judged(house, cells):
    """The report on a file whose exercises all pass."""
    report = house.judge(cells)
    assert report.passed, (report.problem, report.first_failure)
    return report


def test_the_reference_is_complete(house):
    report = judged(house, house.cells)
    assert report.complete and report.integration is None and report.points == 14
    assert report.to_dict()["complete"] is True


def assert_not_complete(report, words):
    assert not report.complete
    failure = report.integration
    assert failure.kind == "integration" and failure.reason.code == "judge.integration"
    said = str(failure.reason)
    assert said.startswith("Every exercise passes, but") and words in said
    assert report.to_dict()["passed"] is True and report.to_dict()["complete"] is False


def test_a_renamed_class_that_the_facade_misses(house):
    """No exercise's test uses the class; the package shows it."""
    house.edit("curriculum.toml", 'names = ["Room", ', 'names = ["Room", "Garden", ')
    house.edit("02_house/02_house.py", "import math\n\n", "import math\n\nclass Garden: pass\n\n")
    assert judged(house, house.cells).complete
    renamed = house.change("class Garden", "class Park")
    assert_not_complete(judged(house, renamed), "Garden")


def test_on_import_that_raises(house):
    house.edit("curriculum.toml", "Room.names = ('kitchen',)", "Room.wallpaper['red']")
    assert_not_complete(judged(house, house.cells), "wallpaper")


def test_a_file_that_is_not_importable_in_its_own_order(house):
    """In the notebook Brick is there first; in the package each file runs by itself."""
    cells = house.change(
        "#| export perf.tools\nfrom tinytorch.core.rooms import area",
        "#| export perf.tools\nfrom tinytorch.core.rooms import area\n"
        "import sys\nassert 'tinytorch.nn' not in sys.modules\n"
        "import tinytorch.core.rooms as rooms\nassert not hasattr(rooms, 'largest')",
    )
    assert_not_complete(judged(house, cells), "AssertionError")


@pytest.mark.parametrize("call", ["\n\ntest_module()\n", "\n"], ids=["called", "only defined"])
def test_a_failing_test_module(house, call):
    """No exercise's test looks at what the façade did to the class."""
    house.edit("02_house/02_house.py", "\n\ntest_module()\n", call)
    cells = house.change("    names = ()\n", "    names = property(lambda self: 1)\n")
    house.edit("curriculum.toml", "Room.names = ('kitchen',)", "Room.other = 1")
    report = judged(house, cells)
    assert_not_complete(report, "instead of")
    assert report.integration.given == "Room.names"


def test_test_module_uses_the_package_and_its_own_helpers(house):
    house.edit(
        "02_house/02_house.py",
        "def two_rooms():\n    return [",
        "def two_rooms():\n    import tinytorch\n"
        "    assert tinytorch.Room is Room and tinytorch.nn.Room is Room\n    return [",
    )
    assert judged(house, house.cells).complete


def test_a_guest_that_dies_during_test_module(house):
    """The module's helpers run beside the package: their end is a failure of integration."""
    house.edit(
        "02_house/02_house.py",
        "def two_rooms():\n",
        "def two_rooms():\n    import os; os._exit(3)\n",
    )
    assert_not_complete(judged(house, house.cells), "exit code 3")


@pytest.mark.parametrize("only", ["house_area", ["house_area", "house_room"]])
def test_single_exercises_are_judged_without_the_package(house, only):
    house.edit("curriculum.toml", "Room.names = ('kitchen',)", "1 / 0")
    report = house.judge(house.cells, only=only)
    assert report.passed and report.integration is None


def test_a_wrong_exercise_comes_before_the_package(house):
    house.edit("curriculum.toml", "Room.names = ('kitchen',)", "1 / 0")
    report = house.judge(house.change("width * depth\n", "width + depth\n"))
    assert not report.passed and report.integration is None


IMPORTS = {
    "dies": ("import os; os._exit(9)", "exit code 9"),
    "hangs": ("while True: pass", "did not finish within 1 s"),
    "leaves": ("sys.exit(3)", "SystemExit"),
    "raises": ("raise KeyError('x')", "KeyError"),
}


@pytest.mark.parametrize("name", IMPORTS)
def test_code_that_behaves_otherwise_when_it_is_imported(house, name):
    """Judged cell by cell it is harmless."""
    body, words = IMPORTS[name]
    imported = "import sys\nif sys._getframe(1).f_code.co_name == 'exec_module':"
    head = f"import math\n{imported}\n    {body}\n"
    report = house.judge(house.change("import math\n", head), limits={"load_seconds": 1.0})
    assert report.passed
    assert_not_complete(report, words)
