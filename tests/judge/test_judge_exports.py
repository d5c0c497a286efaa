"""What is judged is what is exported: no more, no less."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tito.literate.cells import Cell

IMPORTS = "#| export\nimport math"


def statuses(report):
    return {r.exercise_id.partition("_")[2]: r.status for r in report.results}


def failure_of(report, exercise_id):
    return next(r for r in report.results if r.exercise_id == exercise_id).failure


def unexport(bench, exercise_id):
    source = bench.cell(exercise_id).source
    return bench.solve(exercise_id, source.replace("#| export\n", ""))


def test_an_exercise_that_lost_its_export_fails(bench):
    report = bench.judge(unexport(bench, "toy_mean"))
    assert statuses(report) == {"add": "passed", "mean": "failed", "grow": "passed"}
    assert report.points == 7 and not report.passed and not report.complete
    failure = failure_of(report, "toy_mean")
    assert failure.reason.code == "export.lost" and "#| export" in str(failure.reason)
    assert failure.where == bench.cell("toy_mean").place(1)
    assert "#| export" in str(failure.fix)


def test_what_needs_an_unexported_exercise_names_that(bench):
    cells = unexport(bench, "toy_add")
    body = "#| export\ndef mean(a):\n    return float(add(a, a).sum() / 2 / np.size(a))\n"
    failure = failure_of(bench.judge(bench.solve("toy_mean", body, cells)), "toy_mean")
    assert failure.reason.code == "judge.needs_cell"
    assert failure.reason.data["reason"].code == "export.lost"
    assert failure.where == bench.cell("toy_add").place(1)


def test_an_import_cell_that_lost_its_export_is_the_reason_for_all(bench):
    report = bench.judge(bench.change(IMPORTS, "import math"))
    place = bench.cell("import math").place(1)
    assert report.problem.reason.code == "export.lost" and report.problem.where == place
    assert not report.passed and statuses(report)["mean"] == "failed"
    mean = failure_of(report, "toy_mean")
    assert mean.reason.data["reason"].code == "export.lost" and mean.where == place


@pytest.mark.parametrize("directive", ["# | export", "#  |export", "#|export"])
def test_what_formatters_make_of_export_works(bench, directive):
    cells = [replace(c, source=c.source.replace("#| export", directive)) for c in bench.cells]
    assert bench.judge(cells).complete


def test_a_cell_moved_to_another_target(house):
    """The reference exports it elsewhere: the package would not be what the façade expects."""
    failure = failure_of(
        house.judge(house.change("#| export perf.tools\ndef", "#| export\ndef")), "house_measure"
    )
    assert failure.reason.code == "export.lost" and "#| export perf.tools" in str(failure.fix)
    assert failure.where == house.cell("house_measure").place(1)


def test_an_unknown_target_is_refused(house):
    extra = Cell("code", "#| export perf.other\nx = 1", index=99, line=400, origin="mine.py")
    report = house.judge([*house.cells, extra])
    assert not report.passed and report.problem is not None
    assert "perf.other" in str(report.problem.reason)


def with_loose(bench, before, body, exercise_id="toy_mean"):
    """A helper cell without export before everything, and an exercise that uses it."""
    origin = bench.cells[0].origin
    extra = Cell("code", before, index=90, line=700, origin=origin)
    return [*bench.solve(exercise_id, body), extra]


LOOSE = {
    "an import": ("import itertools", "itertools", "list(itertools.chain(a.flat))"),
    "a helper": ("def helper(a):\n    return a.flat", "helper", "list(helper(a))"),
}


@pytest.mark.parametrize("name", LOOSE)
def test_a_loose_name_that_a_test_reaches_is_explained(bench, name):
    before, loose, use = LOOSE[name]
    body = f"#| export\ndef mean(a):\n    return float(np.mean({use}))\n"
    report = bench.judge(with_loose(bench, before, body))
    assert statuses(report) == {"add": "passed", "mean": "failed", "grow": "passed"}
    failure = failure_of(report, "toy_mean")
    assert failure.reason.code == "export.loose" and failure.reason.data["name"] == loose
    assert failure.reason.data["binding"].endswith("01_toy.py:700")
    assert failure.where == bench.cell("toy_mean").place(3)
    assert loose in str(failure.fix)


def test_a_loose_name_that_no_test_reaches_is_found_too(bench):
    body = (
        "#| export\ndef mean(a):\n    if a.size > 1000:\n        return helper(a)\n"
        "    return float(np.mean(a))\n"
    )
    report = bench.judge(with_loose(bench, "def helper(a):\n    return 0.0", body))
    assert set(statuses(report).values()) == {"passed"} and report.points == 10
    assert not report.passed and not report.complete
    problem = report.problem
    assert problem.reason.code == "judge.file"
    assert problem.reason.data["reason"].code == "export.loose"
    assert str(problem.reason).startswith("The exercises are right, but")
    assert problem.where == bench.cell("toy_mean").place(4)


def test_a_name_of_the_tests_own_imports_is_loose(house):
    """`itertools` is imported for the tests alone: the notebook works, the package would not."""
    cells = house.change("width * depth\n", "next(itertools.repeat(width)) * depth\n")
    failure = failure_of(house.judge(cells), "house_area")
    assert failure.reason.code == "export.loose"
    assert failure.reason.data["binding"] == house.cell("import itertools").place(2)


def test_a_loose_name_when_the_cell_is_run(bench):
    body = "#| export\n@helper\ndef mean(a):\n    return float(np.mean(a))\n"
    report = bench.judge(with_loose(bench, "def helper(f):\n    return f", body))
    failure = failure_of(report, "toy_mean")
    assert failure.reason.code == "export.loose" and failure.where.endswith(
        bench.cell("toy_mean").place(2)
    )


def test_a_name_that_nobody_binds_stays_a_name_error(bench):
    body = "#| export\ndef mean(a):\n    return nothing(a)\n"
    failure = failure_of(bench.judge(bench.solve("toy_mean", body)), "toy_mean")
    assert failure.reason.code == "judge.raised" and "NameError" in failure.got


@pytest.mark.parametrize(
    "lines",
    ["%%time\n", "%matplotlib inline\n", "!pip install numpy\n", "%load_ext autoreload\n"],
    ids=str.strip,
)
def test_lines_that_set_up_the_notebook_are_no_fault(bench, lines):
    source = bench.cell("toy_mean").source
    cells = bench.solve("toy_mean", source.replace("#| export\n", f"#| export\n{lines}"))
    assert bench.judge(cells).complete


@pytest.mark.parametrize(
    "line", ["x = !ls", "await something()", "files = %ls", "%run other.py"], ids=str
)
def test_lines_that_only_a_notebook_can_run_are_refused(bench, line):
    source = bench.cell("toy_mean").source
    report = bench.judge(bench.solve("toy_mean", source.rstrip("\n") + f"\n{line}\n"))
    assert statuses(report) == {"add": "passed", "mean": "failed", "grow": "passed"}
    failure = failure_of(report, "toy_mean")
    assert failure.reason.code == "export.refused" and line in str(failure.reason)
    assert failure.where == bench.cell("toy_mean").place(len(source.rstrip("\n").split("\n")) + 1)


def test_a_refused_line_in_an_extra_cell(bench):
    extra = Cell("code", "#| export\nx = !ls", index=99, line=300, origin=bench.cells[0].origin)
    report = bench.judge([*bench.cells, extra])
    assert set(statuses(report).values()) == {"passed"} and not report.passed
    assert report.problem.reason.code == "judge.file" and report.problem.where.endswith(":301")


def test_what_stands_under_main_does_not_run(bench):
    source = bench.cell("toy_mean").source + '\nif __name__ == "__main__":\n    1 / 0\n'
    assert bench.judge(bench.solve("toy_mean", source)).complete


def test_an_exported_cell_knows_its_module(house):
    source = house.cell("house_measure").source + "\nassert __name__ == 'tinytorch.perf.tools'\n"
    assert house.judge(house.solve("house_measure", source)).complete


def test_exported_code_sees_no_scratch_exercise(house):
    """The sketch is no part of the package: exported code that calls it would fail there."""
    cells = house.change("    return len(rooms)", "    return len(rooms) if sketch else 0")
    report = house.judge(cells)
    failure = failure_of(report, "house_slow")
    assert failure.reason.code == "export.loose" and failure.reason.data["name"] == "sketch"
    assert statuses(report)["sketch"] == "passed"


def test_one_file_sees_only_what_it_imports_of_another(house):
    cells = house.change(
        "area(room.width, room.depth) for room", "build([1]) * room.width for room"
    )
    failure = failure_of(house.judge(cells), "house_measure")
    assert failure.reason.code == "export.loose" and failure.reason.data["name"] == "build"


def test_a_scratch_exercise_sees_all(house):
    cells = house.change(
        "    return measure([Room(width, depth)])",
        "    return measure([Room(width, depth)]) * build([1]) * len(Room(1, 1).bricks(1))",
    )
    assert house.judge(cells).complete


def test_a_scratch_exercise_that_was_given_an_export_goes_into_the_package(house):
    source = house.cell("house_sketch").source
    report = house.judge(house.solve("house_sketch", "#| export perf.tools\n" + source))
    failure = failure_of(report, "house_sketch")
    assert failure.reason.code == "export.loose" and failure.reason.data["name"] == "Room"
