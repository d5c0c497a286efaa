"""Verdicts on ordinary work: right, unsolved, wrong, broken, and files in disorder."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tito.errors import TitoError
from tito.judge import Judge
from tito.literate.cells import Cell
from tito.literate.reading import read_cells

MEAN = "#| export\ndef mean(a):\n    {}\n"


def statuses(report):
    return [result.status for result in report.results]


def own_cell(bench):
    return next(cell for cell in bench.cells if cell.grade_id == "toy_mean")


def first(report):
    return report.first_failure.failure


def test_the_reference_passes(bench):
    report = bench.judge(bench.cells)
    assert report.passed and report.points == report.max_points == 10
    assert report.first_failure is None and report.problem is None
    assert json.loads(json.dumps(report.to_dict()))["passed"] is True


def test_an_untouched_notebook_is_not_started(bench):
    report = bench.judge(bench.stubs())
    assert statuses(report) == ["not started"] * 3 and report.points == 0 and not report.passed
    assert (
        "not solved yet" in str(first(report).reason)
        and "NotImplementedError" in first(report).line_text
    )


def test_half_done(bench):
    cells = bench.stubs()
    right = {cell.grade_id: cell.source for cell in bench.cells}
    report = bench.judge(bench.solve("toy_mean", right["toy_mean"], cells))
    assert statuses(report) == ["not started", "passed", "not started"] and report.points == 3


def test_an_exercise_that_needs_an_unsolved_one(bench):
    cells = bench.solve("toy_mean", MEAN.format("return float(add(a, a))"), bench.stubs())
    failure = bench.judge(cells).results[1].failure
    assert "toy_add" in str(failure.reason) and "not solved yet" in str(failure.reason)


def test_a_wrong_value_is_explained(bench):
    failure = first(bench.judge(bench.solve("toy_mean", MEAN.format("return 4.0"))))
    assert failure.kind == "check" and failure.position == 0
    assert str(failure.reason) == "The result is 4 instead of 3."
    assert (failure.given, failure.expected, failure.got) == ("mean([1, 2, 6])", "3.0", "4.0")
    assert failure.because == "9 / 3" and failure.line_text == "return 4.0"
    assert failure.where == own_cell(bench).place(3)


def test_an_error_names_the_learners_own_line(bench):
    body = "total = 0\n    return helper(total)\n\ndef helper(x):\n    return x.nothing"
    report = bench.judge(bench.solve("toy_mean", MEAN.format(body)))
    failure = first(report)
    assert failure.kind == "error"
    assert str(failure.reason) == (
        "Your code raised AttributeError: 'int' object has no attribute 'nothing'."
    )
    assert failure.line_text == "return x.nothing" and failure.where == own_cell(bench).place(7)
    assert (failure.given, failure.because) == ("mean([1, 2, 6])", "9 / 3")


def test_a_result_the_test_cannot_use(bench):
    cells = bench.solve("toy_grow", "#| export\ndef grow(box, times):\n    return\n")
    failure = bench.judge(cells).results[2].failure
    assert failure.kind == "check" and "is None, where numbers" in str(failure.reason)


def test_a_syntax_error_stays_in_its_cell(bench):
    report = bench.judge(bench.solve("toy_mean", MEAN.format("return (1 +")))
    assert statuses(report) == ["passed", "failed", "passed"]
    failure = first(report)
    assert failure.kind == "syntax" and failure.line_text == "return (1 +"
    assert failure.where == own_cell(bench).place(3)


@pytest.mark.parametrize("text", ["return '\0'", "return " + "(" * 300 + ")" * 300, "%matplotlib"])
def test_unreadable_cells(bench, text):
    report = bench.judge(bench.solve("toy_mean", MEAN.format(text)))
    assert statuses(report) == ["passed", "failed", "passed"] and str(first(report).reason)


DEEP = "".join(f"    elif a is {n}: return {n}\n" for n in range(1500))


@pytest.mark.parametrize("is_solved", [True, False])
def test_code_deeper_than_pythons_stack_gets_a_verdict(bench, is_solved):
    deep = f"def deep(a):\n    if a is None: return 0\n{DEEP}"
    cells = bench.cells if is_solved else bench.stubs()
    own = next(cell.source for cell in cells if cell.grade_id == "toy_mean")
    report = bench.judge(bench.solve("toy_mean", f"{own}\n\n\n{deep}", cells))
    if is_solved:
        assert statuses(report) == ["passed"] * 3 and not report.passed
        assert "nested too deeply" in str(report.problem.reason)
    else:
        assert statuses(report) == ["not started", "failed", "not started"]
    wrong = bench.judge(bench.solve("toy_mean", MEAN.format(f"if a is None: return 0\n{DEEP}")))
    assert first(wrong).kind == "check"


def test_lines_are_counted_as_python_counts_them(bench):
    cells = bench.solve("toy_mean", MEAN.format("x = 'a\x0cb'\n    return nope"))
    assert first(bench.judge(cells)).line_text == "return nope"


def test_a_name_that_a_later_cell_deletes_is_gone(bench):
    """As it would be in the package."""
    extra = Cell("code", "#| export\ndel mean", index=99, origin=bench.cells[0].origin)
    assert statuses(bench.judge([*bench.cells, extra])) == ["passed", "failed", "passed"]


def test_a_cell_that_needs_a_broken_cell_says_so(bench):
    cells = bench.solve("toy_add", "#| export\ndef add(a, b) return")
    cells = bench.solve("toy_mean", MEAN.format("return float(add(a, a))"), cells)
    report = bench.judge(cells)
    assert str(report.results[1].failure.reason).startswith(
        "This needs the cell of exercise toy_add that cannot be run."
    )


def test_a_renamed_function_is_named(bench):
    failure = first(
        bench.judge(bench.solve("toy_mean", "#| export\ndef average(a):\n    return 3"))
    )
    reason = "The test needs 'mean', which the cells of your file do not define."
    assert str(failure.reason) == reason


def test_a_missing_cell(bench):
    report = bench.judge([cell for cell in bench.cells if cell.grade_id != "toy_mean"])
    assert statuses(report) == ["passed", "failed", "passed"]
    assert first(report).kind == "missing" and "tito module reset 01" in str(first(report).fix)


def test_lost_metadata_is_a_missing_cell(bench):
    cells = [
        replace(c, metadata={"nbgrader": {"grade_id": ["odd"], "solution": 1}}) for c in bench.cells
    ]
    report = bench.judge(cells)
    assert {r.failure.kind for r in report.results} == {"missing"}


def test_no_cells_at_all(bench):
    assert {r.failure.kind for r in bench.judge([]).results} == {"missing"}


def test_a_duplicate_names_both_cells(bench):
    own = own_cell(bench)
    copied = replace(own, index=len(bench.cells), line=500)
    report = bench.judge([*bench.cells, copied])
    assert statuses(report) == ["passed", "failed", "passed"]
    failure = first(report)
    assert failure.kind == "duplicate"
    assert own.place() in str(failure.reason) and copied.place() in str(failure.reason)


def test_an_import_cell_that_fails_is_the_reason_for_all(bench):
    cells = [
        replace(c, source="#| export\nimport numpi as np") if "import math" in c.source else c
        for c in bench.cells
    ]
    report = bench.judge(cells)
    assert statuses(report) == ["failed"] * 3
    assert report.problem is not None and "numpi" in str(report.problem.reason)
    assert all("numpi" in str(r.failure.reason) for r in report.results)
    assert report.results[0].failure.line_text == "import numpi as np"


def test_an_extra_cell_that_raises_is_not_a_pass(bench):
    extra = Cell("code", "#| export\n1 / 0", index=99, line=300, origin=bench.cells[0].origin)
    report = bench.judge([*bench.cells, extra])
    assert statuses(report) == ["passed"] * 3 and not report.passed
    reason = str(report.problem.reason)
    assert reason.startswith("The exercises are right, but the file as a whole cannot be used.")
    assert "ZeroDivisionError" in reason and report.problem.where.endswith(":301")


def test_a_cell_that_hangs_is_left_out(bench):
    extra = Cell("code", "#| export\nwhile True: pass", index=0, origin="x.py")
    report = bench.judge([extra, *bench.cells[1:]], limits={"load_seconds": 0.5})
    assert statuses(report) == ["passed"] * 3 and report.problem.kind == "timeout"


def test_cells_without_export_do_not_run(bench):
    extra = Cell("code", "raise ValueError('my own experiment')", index=99)
    assert bench.judge([*bench.cells, extra]).passed


def test_only_some_exercises(bench):
    report = bench.judge(bench.cells, only="toy_mean")
    assert [r.exercise_id for r in report.results] == ["toy_mean"] and report.max_points == 3
    assert len(bench.judge(bench.cells, only=["toy_grow", "toy_add"]).results) == 2
    with pytest.raises(TitoError, match="no exercise 'toy_men'"):
        bench.judge(bench.cells, only=["toy_men"])


def test_the_report_names_the_file(bench, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(bench.module.source.read_text("utf-8"), encoding="utf-8")
    report = bench.judge(read_cells(path))
    assert report.passed and report.file == str(path)


@pytest.mark.parametrize(
    "text",
    ["", "not json", "[]", "{}", '{"cells": 3}', '{"cells": [3]}', '{"cells": [{}]}', "[" * 100_000,
     '{"cells": [{"cell_type": "code", "source": [1]}]}', "\0"],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_damaged_notebooks_are_a_clear_error(bench, tmp_path, text):
    path = tmp_path / "01_toy.ipynb"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TitoError):
        bench.judge(read_cells(path))


def test_odd_but_readable_notebooks_get_reasons(bench, tmp_path):
    path = tmp_path / "01_toy.ipynb"
    odd = {"cell_type": "code", "source": "x", "metadata": {"nbgrader": {"grade_id": {"a": 1}}}}
    path.write_text(json.dumps({"cells": [odd, {**odd, "metadata": 3}]}), encoding="utf-8")
    assert {r.failure.kind for r in bench.judge(read_cells(path)).results} == {"missing"}


def test_variants_are_judged_in_one_process(bench):
    wrong = bench.solve("toy_mean", MEAN.format("return 4.0"))
    dying = bench.solve("toy_mean", MEAN.format("import os; os._exit(1)"))
    variants = [bench.cells, wrong, dying, bench.stubs(), bench.cells]
    judge = Judge(bench.curriculum)
    reports = list(judge.variants(judge.curriculum.module(1), variants, {}))
    assert [report.points for report in reports] == [10, 7, 7, 0, 10]


def test_verdicts_in_parallel_do_not_disturb_each_other(bench):
    wrong = bench.solve("toy_mean", MEAN.format("return 4.0"))
    jobs = [(bench.cells, 10), (wrong, 7), (bench.stubs(), 0)] * 3
    random.Random(0).shuffle(jobs)
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda job: bench.judge(job[0]), jobs))
    assert [report.points for report in reports] == [points for _, points in jobs]


def test_verdicts_are_the_same_every_time(bench):
    wrong = bench.solve("toy_mean", MEAN.format("return list({'a', 'b', 'c', 'd'})"))
    first_time, second = (bench.judge(wrong).results for _ in range(2))
    assert first_time == second


def test_an_error_of_the_test_itself_is_not_the_error_that_was_asked_for(in_test):
    """`add(...)[0]` raises here, in the test, where the learner's add returns a float."""
    text = """
    check.raises(TypeError, lambda: len(add(1.0, 2.0)), given="the length of a sum")
    """
    with pytest.raises(TypeError, match="no len"):
        in_test(text)
