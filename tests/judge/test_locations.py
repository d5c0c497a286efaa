"""Which line and which part of an exercise a verdict names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tito.judge.locations import enclosing, where


def source_of(bench, exercise_id):
    return next(cell.source for cell in bench.cells if cell.grade_id == exercise_id)


def changed(bench, exercise_id, old, new, cells=None):
    """The cells with some text of one exercise changed."""
    cells = bench.cells if cells is None else cells
    (source,) = (cell.source for cell in cells if cell.grade_id == exercise_id)
    assert old in source
    return bench.solve(exercise_id, source.replace(old, new), cells)


def result(bench, cells, exercise_id):
    return next(r for r in bench.judge(cells).results if r.exercise_id == exercise_id)


def test_a_wrong_value_names_the_line_of_the_method_of_the_exercise(parts):
    cells = changed(parts, "toy_scale", "x * self.factor", "x + self.factor")
    failure = result(parts, cells, "toy_scale").failure
    assert failure.kind == "check" and failure.line_text == "return x + self.factor"
    assert failure.where.endswith(f"01_toy.py:{own(parts, 'toy_scale').line + 10}")


def own(bench, exercise_id):
    return next(cell for cell in bench.cells if cell.grade_id == exercise_id)


def test_the_last_definition_counts(parts):
    again = "\n\nclass Scale(Scale):\n    def forward(self, x): return x\n"
    cells = parts.solve("toy_scale", source_of(parts, "toy_scale") + again)
    assert result(parts, cells, "toy_scale").failure.line_text == "def forward(self, x): return x"


def test_of_several_parts_the_one_that_the_test_asked_is_named(parts):
    cells = changed(parts, "toy_ends", "max(values)", "min(values)")
    failure = result(parts, cells, "toy_ends").failure
    assert failure.line_text == "def apply(self, values):"
    cell = own(parts, "toy_ends")
    assert failure.where == cell.place(cell.lines.index("    def apply(self, values):") + 1)


def test_of_several_parts_asked_at_once_none_is_blamed(parts):
    cells = changed(parts, "toy_ends", "min(values)", "values[-1] if values[1:] == [2] else 1")
    failure = result(parts, cells, "toy_ends").failure
    assert failure.given == "both ends of [1, 2]" and failure.line_text == ""


@pytest.mark.parametrize("origin", ["01_toy.py", "01_toy.ipynb"])
def test_no_line_is_named_that_is_not_the_one(parts, origin):
    source = "#| export\ndef other(): pass\nScale = lambda f: type('S', (), {'forward': max})\n"
    cells = parts.solve("toy_scale", source)
    cells = [replace(cell, origin=origin) for cell in cells]
    failure = result(parts, cells, "toy_scale").failure
    place = own(parts, "toy_scale")
    expected = {
        "01_toy.py": f"01_toy.py:{place.line}",
        "01_toy.ipynb": f"01_toy.ipynb, exercise toy_scale (cell {place.index + 1})",
    }
    assert (failure.where, failure.line_text) == (expected[origin], "")


def test_a_result_that_cannot_be_used_names_the_exercise_too(parts):
    cells = changed(parts, "toy_scale", "return x * self.factor", "return np.zeros(20_000_000)")
    failure = result(parts, cells, "toy_scale").failure
    assert failure.kind == "error" and failure.line_text == "def forward(self, x):"


def test_in_a_notebook_the_exercise_is_named_beside_the_cell(parts):
    cells = [replace(cell, origin="modules/01_toy.ipynb", line=1) for cell in parts.cells]
    cells = changed(parts, "toy_scale", "x * self.factor", "x.nothing", cells)
    failure = result(parts, cells, "toy_scale").failure
    assert failure.where == "modules/01_toy.ipynb, exercise toy_scale (cell 3), line 11"
    assert failure.line_text == "return x.nothing"
    assert where(cells[1], 2) == "modules/01_toy.ipynb, cell 2, line 2"


def test_twice_the_same_exercise_in_a_notebook(parts):
    cells = [replace(cell, origin="01_toy.ipynb", line=1) for cell in parts.cells]
    copied = replace(own(parts, "toy_scale"), origin="01_toy.ipynb", index=8)
    failure = result(parts, [*cells, copied], "toy_scale").failure
    assert "exercise toy_scale (cell 3), 01_toy.ipynb, exercise toy_scale (cell 9)" in (
        str(failure.reason)
    )


def half_solved(bench, part):
    """The stub of toy_ends with one of its two parts written."""
    stubs = bench.stubs()
    (source,) = (cell.source for cell in stubs if cell.grade_id == "toy_ends")
    lines = source.splitlines()
    raises = [number for number, line in enumerate(lines) if "NotImplementedError" in line]
    indent = lines[raises[part]].partition("raise")[0]
    lines[raises[part]] = f"{indent}return {('min', 'max')[part]}(values)"
    return bench.solve("toy_ends", "\n".join(lines), stubs)


@pytest.mark.parametrize(("part", "left"), [(0, "Largest.apply"), (1, "smallest")])
def test_half_an_exercise_has_failed_and_the_other_half_is_named(parts, part, left):
    scored = result(parts, half_solved(parts, part), "toy_ends")
    assert (scored.status, scored.points) == ("failed", 0)
    failure = scored.failure
    written = {"smallest", "Largest.apply"} - {left}
    assert str(failure.reason) == (
        "Part of this exercise is not written yet. "
        f"Written: {written.pop()}. Still to write: {left}."
    )
    assert "raise NotImplementedError" in failure.line_text and failure.got == ""
    assert failure.given == f"{left.replace('.', '().')}([3, 1, 2])"
    assert "YOUR CODE HERE" in str(failure.fix) and failure.hint == ""


def test_code_above_a_raise_line_that_stayed(parts):
    cells = changed(
        parts, "toy_scale", "    raise Not", "    y = x\n        raise Not", parts.stubs()
    )
    scored = result(parts, cells, "toy_scale")
    assert scored.status == "failed"
    assert str(scored.failure.reason) == "Part of this exercise is not written yet: Scale.forward."


def test_half_an_exercise_that_needs_an_unsolved_one(parts):
    cells = half_solved(parts, 0)
    cells = changed(parts, "toy_ends", "min(values)", "Scale(1).forward(values)", cells)
    scored = result(parts, cells, "toy_ends")
    assert scored.status == "failed"
    reason = "This needs the exercise toy_scale, which is not solved yet."
    assert str(scored.failure.reason) == reason


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# YOUR CODE HERE", "# YOUR CODE HERE   \n\n"),
        ("# YOUR CODE HERE", "# no idea yet"),
        ('"""The largest value."""', '"""An older text of the curriculum."""'),
        ('NotImplementedError("', 'NotImplementedError(\n            "'),
    ],
    ids=["white space", "comment", "docstring", "layout"],
)
def test_no_code_changed_is_not_started(parts, old, new):
    cells = changed(parts, "toy_ends", old, new, parts.stubs())
    report = parts.judge(cells)
    assert [r.status for r in report.results] == ["not started", "not started"]
    assert report.results[1].failure.line_text


def test_the_function_around_a_line():
    source = (
        "def a():\n    def b():\n        pass\n    return b\n\n\n"
        "class C:\n    if True:\n        async def d(self):\n            return 1\n"
    )
    names = [enclosing(source, line) for line in range(1, 12)]
    assert names == ["a", "a.b", "a.b", "a", "", "", "", "", "C.d", "C.d", ""]
    assert enclosing("def broken(", 1) == ""
