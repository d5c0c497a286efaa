"""Recognising the mistakes that the curriculum knows."""

from __future__ import annotations

import time

import pytest

from tito.curriculum.guidance import load_guidance
from tito.judge import Limits, judge_module

ADD = "#| export\ndef add(a, b):\n    {}\n"


def hint(bench, exercise_id, source):
    report = bench.judge(bench.solve(exercise_id, source))
    assert not report.passed
    return report.first_failure.failure.hint


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return b * a", "`*` multiplies"),
        ("return np.multiply(a, b, dtype=float)", "`*` multiplies"),
        ("return np.add(a, b)", "compare the shapes yourself"),
        ("c = a.add(b)\n    return c", "no method add"),
        ("return a - b", None),
        ("return None", None),
        ("raise ValueError('what')", None),
        ("return np.addd(a, b)", None),
    ],
)
def test_the_same_failure_is_the_same_mistake(bench, body, words):
    told = hint(bench, "toy_add", ADD.format(body))
    assert told is None if words is None else words in told


def test_every_planted_mistake_earns_its_own_hint(bench):
    cells = {cell.grade_id: cell for cell in bench.cells}
    for name, guidance in load_guidance(bench.module).items():
        for mistake in guidance.mistakes:
            assert hint(bench, name, mistake.apply(cells[name])) == mistake.hint


def test_only_the_first_failure_is_looked_up(bench):
    cells = bench.solve("toy_add", ADD.format("return a * b"))
    cells = bench.solve("toy_mean", "#| export\ndef mean(a):\n    return float(np.sum(a))\n", cells)
    hints = [r.failure.hint for r in bench.judge(cells).results if r.failure]
    assert hints[0] and hints[1] is None


def test_unsolved_exercises_get_no_hint(bench):
    assert all(result.failure.hint is None for result in bench.judge(bench.stubs()).results)


@pytest.mark.parametrize("text", [None, "not [ toml", "[toy_add]\nhints = []\n", ""])
def test_faulty_guidance_costs_only_the_hint(bench, text):
    if text is None:
        bench.module.guidance.unlink()
    else:
        bench.module.guidance.write_text(text, encoding="utf-8")
    assert hint(bench, "toy_add", ADD.format("return a * b")) is None


def test_a_mistake_that_hangs_is_recognised_and_waited_for_once(bench):
    guidance = bench.module.guidance
    loop = '[[toy_add.mistakes]]\nname = "loop"\ncode = "while True: pass"\nhint = "Ends?"\n'
    guidance.write_text(guidance.read_text("utf-8") + loop, encoding="utf-8")
    cells = bench.solve("toy_add", ADD.format("for i in iter(int, 1): pass"))
    for longest in (6.0, 2.0):
        begun = time.perf_counter()
        report = judge_module(bench.module, cells, {}, limits=Limits(exercise_seconds=0.3))
        assert report.first_failure.failure.hint == "Ends?"
        assert time.perf_counter() - begun < longest
