"""INPUT and WHY when the learner's code raises in the middle of a test (a real guest raises)."""

from __future__ import annotations

import textwrap
from dataclasses import replace

import pytest

from tito.judge.failing_check import failing_check

MEAN = "#| export\ndef mean(a):\n    {}\n"


@pytest.fixture
def told(in_test):
    """What ``asked`` makes of the error of a test cell's text."""

    def run(text, earlier=""):
        with pytest.raises(Exception) as caught:
            in_test(text, earlier)
        texts = {"<test earlier>": textwrap.dedent(earlier), "<test own>": textwrap.dedent(text)}
        return failing_check(caught.value, texts)

    return run


INSIDE = {
    "a string": (
        """
        check.close(
            mean("x"),
            3.0,
            given="mean of x", because="x is odd",
        )
        """,
        ("mean of x", "x is odd"),
    ),
    "an f-string of this round": (
        """
        def test():
            for size in (1, 2, 3):
                check.true(len(Box(np.ones(2))) != size or mean(Box),
                           given=f"size {size}", because="why " * size)
        test()
        """,
        ("size 2", "why why "),
    ),
    "a value": (
        "x = np.ones(2, dtype=int)\ncheck.close(mean('x'), x, given=x)",
        ("[1, 1], shape (2,), dtype int64", ""),
    ),
    "an object of the learner's": (
        "box = Box([1.0])\ncheck.close(box.shape_error(), 0, given=box)",
        ("Box([1.0])", ""),
    ),
    "a lambda that knows less than the check": (
        """
        def test():
            for call, given in [(lambda: Box(1).shape_error(), "square"), (None, "never")]:
                check.close(call(), 0, given=given)
        test()
        """,
        ("square", ""),
    ),
    "a helper of an earlier cell": (
        "def test():\n    check.close(helper(1), 0, given='helper(1)')\ntest()",
        ("helper(1)", ""),
    ),
    "a check in a helper": (
        """
        def verify(size):
            check.equal(mean("x" * size), 0, given=f"{size} letters")
        def test():
            verify(3)
            check.equal(1, 1, given="later")
        test()
        """,
        ("3 letters", ""),
    ),
    "a because that cannot be evaluated": (
        "check.equal(mean('x'), 0, given='x', because=f'{nothing}')",
        ("x", ""),
    ),
}


@pytest.mark.parametrize("name", INSIDE)
def test_inside_a_check_it_is_what_the_check_says(told, name):
    text, expected = INSIDE[name]
    assert told(text, "# one line\n\ndef helper(n):\n    return mean('x' * n)\n") == expected


BEFORE = {
    "the next check": (
        """
        for size in (1, 2):
            box = Box(np.ones(size))
            grown = grow(box, "x" if size == 2 else 0)
            check.close(grown, np.ones(size), given=f"{size} numbers", because="they stay")
        """,
        "2 numbers",
    ),
    "the next check after the block": (
        """
        def test():
            with np.errstate(all="ignore"):
                for size in (1, 2):
                    result = mean("x")
            check.close(result, 0, given="mean of x")
        test()
        """,
        "mean of x",
    ),
    "a helper without checks": (
        """
        def run():
            return mean("x")
        def test():
            result = run()
            check.close(result, 0, given="what run() gives")
        test()
        """,
        "what run() gives",
    ),
    "not with the failing value": (
        "y = 1\ny = mean('x')\ncheck.close(y, 0, given=f'y = {y}')",
        "mean('x')",
    ),
    "not with a value of the round before": (
        """
        for size in (1, 2):
            box = Box(np.ones(size))
            grown = grow(box, "x" if size == 2 else 0)
            text = f"{size} numbers"
            check.close(grown, np.ones(size), given=text)
        """,
        'grow(box, "x" if size == 2 else 0)',
    ),
    "a given that cannot be evaluated": (
        "check.close(\n    mean(\n        'x',\n    ), 0, given=f'{nothing}')",
        "mean( 'x', )",
    ),
    "no check at all": ("a, b = 1, 2\nc = (1,\n     mean([a,\n 'ä', b]), 4)", "mean([a, 'ä', b])"),
    "an expression too long to show": (f"mean([{'1, ' * 300}'x'])", ""),
}


@pytest.mark.parametrize("name", BEFORE)
def test_elsewhere_it_is_the_next_check_or_the_whole_expression(told, name):
    text, expected = BEFORE[name]
    assert told(text) == (expected, "")


def test_an_expression_of_an_earlier_cell_is_read_from_that_cell(told):
    earlier = "import math\n\n\ndef helper(n):\n    return mean('x' * n)\n"
    assert told("helper(2)", earlier) == ("mean('x' * n)", "")


def test_a_loop_that_never_ends_was_asked_something_too(bench):
    cells = bench.solve("toy_mean", MEAN.format("while a.ndim == 2: pass\n    return 3.0"))
    failure = bench.judge(cells, limits={"exercise_seconds": 0.3}).results[1].failure
    assert (failure.kind, failure.given, failure.because) == ("timeout", "mean([[1, 3]])", "4 / 2")


def test_a_guest_that_dies_while_we_ask_what_was_asked(bench):
    """The next exercise gets a new one, and a verdict of its own."""
    source = bench.module.source
    changed = source.read_text("utf-8").replace(
        'given="add([1, 2], [10, 20])"', 'given=f"{Box(1)} and so on"'
    )
    source.write_text(changed, encoding="utf-8")
    repr_line = 'return f"Box({self.data.tolist()})"'
    dying = "import os; os._exit(1)"
    cells = [replace(c, source=c.source.replace(repr_line, dying)) for c in bench.cells]
    cells = bench.solve("toy_add", "#| export\ndef add(a, b):\n    return a.nothing\n", cells)
    report = bench.judge(cells)
    assert [r.status for r in report.results] == ["failed", "passed", "passed"]
    assert report.results[0].failure.given.startswith("add(np.array([1.0, 2.0])")
