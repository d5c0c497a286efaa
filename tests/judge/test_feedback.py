"""What a verdict says to someone who is half-way: whose fault it is, and where to look."""

from __future__ import annotations

from dataclasses import replace

import pytest

ADD = "#| export\ndef add(a, b):\n    {}\n"


def results(report):
    return {r.exercise_id: r for r in report.results}


def judged(bench, exercise_id, source, cells=None):
    """The result of an exercise whose cell has this source."""
    return results(bench.judge(bench.solve(exercise_id, source, cells)))[exercise_id]


# -- places --------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["01_toy.py", "01_toy.ipynb"])
def test_a_warning_that_was_printed_names_the_line_as_the_learner_finds_it(bench, origin):
    body = "#| export\ndef mean(a):\n    return float(np.log(np.zeros(1))[0])\n"
    cells = [replace(cell, origin=origin) for cell in bench.solve("toy_mean", body)]
    failure = results(bench.judge(cells))["toy_mean"].failure
    cell = next(c for c in cells if c.grade_id == "toy_mean")
    place = f"01_toy.py:{cell.line + 2}"
    if origin.endswith("ipynb"):
        place = f"01_toy.ipynb, exercise toy_mean (cell {cell.index + 1}), line 3"
    assert f"{place}: RuntimeWarning: divide by zero" in failure.printed


@pytest.mark.parametrize(("origin", "line"), [("01_toy.py", None), ("01_toy.ipynb", 2)])
def test_a_syntax_error_counts_lines_as_the_place_beside_it_does(bench, origin, line):
    body = "#| export\ndef mean(a):\nreturn 1\n"
    cells = [replace(cell, origin=origin) for cell in bench.solve("toy_mean", body)]
    failure = results(bench.judge(cells))["toy_mean"].failure
    cell = next(c for c in cells if c.grade_id == "toy_mean")
    assert f"on line {line or cell.line + 1}." in str(failure.reason)
    assert failure.where.endswith(f"line {line + 1}" if line else f":{cell.line + 2}")


def test_another_error_than_the_expected_one_names_the_line_that_raised(bench):
    failure = judged(bench, "toy_add", ADD.format("c = a\n    return c + b.nothing")).failure
    assert failure.reason.code == "judge.raised", "the first check already raises"
    wrong = ADD.format("if len(a) != len(b):\n        raise TypeError('no')\n    return a + b")
    failure = judged(bench, "toy_add", wrong).failure
    assert failure.reason.code == "check.other_error"
    assert failure.line_text == "raise TypeError('no')"
    assert failure.where == bench.cell("toy_add").place(4)


# -- whose fault ---------------------------------------------------------------------------------


def test_an_own_raise_is_called_that_only_in_the_exercises_own_cell(bench):
    own = judged(bench, "toy_mean", "#| export\ndef mean(a):\n    raise ValueError(str(a))\n")
    assert own.failure.hint.code == "pattern.own_raise"


def test_a_raise_in_an_exercise_that_the_test_calls_itself(parts):
    """The frames lie in the solved exercise alone: what it was handed came from this one."""
    parts.edit("01_toy/01_toy.py", "        return x * self.factor",
               "        if x is None:\n            raise ValueError('None')\n"
               "        return x * self.factor")  # fmt: skip
    parts.edit("01_toy/01_toy.py", '    """Both ends."""',
               '    Scale(1).forward(smallest([3, 1, 2]))')  # fmt: skip
    (source,) = (c.source for c in parts.cells if c.grade_id == "toy_ends")
    cells = parts.solve("toy_ends", source.replace("return min(values)", "return None"))
    failure = results(parts.judge(cells))["toy_ends"].failure
    assert failure.line_text == "raise ValueError('None')"
    assert str(failure.hint).startswith("Your toy_scale, which passes its own tests, refused")
    alone = parts.judge(cells, only="toy_ends").results[0].failure
    assert str(alone.hint).startswith("Your toy_scale refused what it was handed")


# -- what is still to be written -----------------------------------------------------------------


def test_what_needs_an_unsolved_exercise_waits_for_it(bench):
    body = "#| export\ndef mean(a):\n    np.sum(a).sum()\n    return float(add(1, 1) / 2)\n"
    result = judged(bench, "toy_mean", body, bench.stubs())
    assert (result.status, result.points, result.waits_for) == ("failed", 0, "toy_add")
    assert str(result.failure.fix) == "Solve it first." and result.failure.hint == ""
    others = results(bench.judge(bench.stubs()))
    assert {r.waits_for for r in others.values()} == {""}, "not started: nothing is known"


def half_written(parts):
    """toy_ends with `smallest` written and the other part, which has an input, as it came."""
    (stub,) = (c.source for c in parts.stubs() if c.grade_id == "toy_ends")
    number = next(n for n, line in enumerate(stub.split("\n")) if "raise Not" in line)
    lines = stub.split("\n")
    lines[number] = "    return max(values)"
    return "\n".join(lines)


def test_no_slip_is_looked_for_in_a_part_that_is_still_to_be_written(parts):
    wrong = half_written(parts)
    failure = judged(parts, "toy_ends", wrong, parts.stubs()).failure
    assert failure.kind == "check" and failure.hint == ""
    right = wrong.replace("max(values)", "min(values)")
    failure = judged(parts, "toy_ends", right, parts.stubs()).failure
    assert str(failure.reason).endswith("Written: smallest. Still to write: Largest.apply.")
    assert failure.hint == ""


def test_the_stub_of_an_earlier_release_is_a_stub_too(bench):
    old = "Exercise toy_mean (Module 01 (Toy)) is not solved yet."
    new = "Exercise toy_mean of Module 01, Toy, is not solved yet."
    (source,) = (c.source for c in bench.stubs() if c.grade_id == "toy_mean")
    assert new in source
    for text in (source, source.replace(new, old)):
        assert judged(bench, "toy_mean", text, bench.stubs()).status == "not started"
