"""The line that returned a wrong value is the one that is quoted."""

from __future__ import annotations

import pytest

from tito.judge.locations import result_line

MEAN = "#| export\ndef mean(a):\n"
LINES = {
    "one return": ("    return 4.0", "return 4.0"),
    "the last of several lines": ("    b = 1\n    return 3 + b", "return 3 + b"),
    "a return over several lines": ("    return (\n        4.0\n    )", "return ("),
    "the first of two": (
        "    if a.ndim == 1:\n        return 4.0\n    return float(np.mean(a))",
        "return 4.0",
    ),
    "the second of two": (
        "    if a.ndim == 2:\n        return 4.0\n    return float(np.mean(a))",
        "return 4.0",
    ),
    "none: the end is reached": (
        "    if a.ndim == 2:\n        return 2.0\n    b = 1",
        "b = 1",
    ),
    "one in a loop": ("    for x in a:\n        return float(x)", "return float(x)"),
    "one inside another function": (
        "    def inner():\n        return 3.0\n    b = inner()\n    return b + 1",
        "return b + 1",
    ),
    "called by itself": (
        "    if a.size == 1:\n        return 1.0\n    return mean(a[:1]) + 3",
        "def mean(a):",
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_the_line_that_returned_is_quoted(bench, name):
    body, expected = LINES[name]
    report = bench.judge(bench.solve("toy_mean", MEAN + body))
    failure = report.first_failure.failure
    assert (failure.kind, failure.line_text) == ("check", expected)
    cell = bench.cell("toy_mean")
    line = (MEAN + body).splitlines().index(_full(MEAN + body, expected)) + 1
    assert failure.where == cell.place(line)
    assert [r.status for r in report.results] == ["passed", "failed", "passed"]


def _full(source, text):
    return next(line for line in source.splitlines() if line.strip() == text)


def test_a_value_changed_in_place_and_a_missing_error_quote_no_return(bench):
    cells = bench.solve("toy_add", "#| export\ndef add(a, b):\n    return a + b if 1 else 0\n")
    bench.edit("01_toy/01_toy.py", "lambda: add(np.ones(2), np.ones(3))", "lambda: add(1, 2)")
    failure = bench.judge(cells).first_failure.failure
    assert failure.reason.code == "check.no_error"
    assert failure.line_text == "def add(a, b):"


def test_a_right_program_after_the_search_is_judged_as_before(bench):
    """The search leaves its tracing on in the guest that then judges the rest."""
    body = "    if a.ndim == 1:\n        return 4.0\n    return float(np.mean(a))"
    reports = [bench.judge(bench.solve("toy_mean", MEAN + body)) for _ in range(2)]
    assert reports[0].results == reports[1].results


def test_a_test_that_ends_otherwise_the_second_time_names_no_line(bench):
    body = (
        "    mean.calls = getattr(mean, 'calls', 0) + 1\n    if mean.calls > 1:\n"
        "        raise ValueError\n    if a.ndim == 7:\n        return 1.0\n    return 4.0"
    )
    failure = bench.judge(bench.solve("toy_mean", MEAN + body)).first_failure.failure
    assert (failure.kind, failure.line_text) == ("check", "def mean(a):")


def test_a_solution_of_one_statement_is_its_line(house):
    cell = house.cell("def half")
    assert result_line(cell, cell) == cell.lines.index("    return width / 2") + 1
