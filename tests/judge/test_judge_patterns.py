"""General mistakes, recognised by the judge where no planted one fits."""

from __future__ import annotations

import pytest

from tito.messages import Message

MEAN = "#| export\ndef mean(a):\n    {}"


def failure(bench, body):
    """The failure of the toy exercise `mean` with this body."""
    report = bench.judge(bench.solve("toy_mean", MEAN.format(body)))
    return next(result.failure for result in report.results if result.failure)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("print(sum(a) / len(a))", "pattern.printed_result"),
        ("sum(a) / len(a)", "pattern.no_return"),
        ("return 1 / 0", "pattern.zero_division"),
        ("return a.tolist() - [1]", "pattern.list_used"),
        ("return lambda: 3", "pattern.function_result"),
    ],
)
def test_a_pattern_is_the_hint(bench, body, code):
    hint = failure(bench, body).hint
    assert isinstance(hint, Message) and hint.code == code


def test_what_the_code_printed_is_shown(bench):
    found = failure(bench, "print('look', len(a)); return 7.25")
    assert found.printed == "look 3\n"
    assert not found.hint
