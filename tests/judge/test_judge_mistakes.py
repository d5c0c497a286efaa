"""Recognising the mistakes that the curriculum knows."""

from __future__ import annotations

import pytest

from tito.curriculum.guidance import load_guidance, plant
from tito.judge import Judge, Limits, Profile
from tito.messages import Message

ADD = "#| export\ndef add(a, b):\n    {}\n"


def planted(result):
    """The hint of a planted mistake; None for a general one, or none at all."""
    hint = result.failure.hint
    return None if isinstance(hint, Message) else hint or None


def hint(bench, exercise_id, source):
    report = bench.judge(bench.solve(exercise_id, source))
    assert not report.passed
    return planted(report.first_failure)


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
    for name, guidance in load_guidance(bench.module.guidance_file).items():
        for mistake in guidance.mistakes:
            assert hint(bench, name, plant(mistake, cells[name])) == mistake.hint


def test_only_the_first_failure_is_looked_up(bench):
    cells = bench.solve("toy_add", ADD.format("return a * b"))
    cells = bench.solve("toy_mean", "#| export\ndef mean(a):\n    return float(np.sum(a))\n", cells)
    hints = [planted(r) for r in bench.judge(cells).results if r.failure]
    assert hints[0] and hints[1] is None


def test_a_grader_gets_no_hints(bench):
    report = bench.judge(bench.solve("toy_add", ADD.format("return a * b")), grading=True)
    assert planted(report.first_failure) is None


def test_unsolved_exercises_get_no_hint(bench):
    assert all(result.failure.hint == "" for result in bench.judge(bench.stubs()).results)


@pytest.mark.parametrize("text", [None, "not [ toml", "[toy_add]\nhints = []\n", ""])
def test_faulty_guidance_costs_only_the_hint(bench, text):
    if text is None:
        bench.module.guidance_file.unlink()
    else:
        bench.module.guidance_file.write_text(text, encoding="utf-8")
    assert hint(bench, "toy_add", ADD.format("return a * b")) is None


class CountingJudge(Judge):
    """Counts how often it tries an exercise's planted mistakes."""

    tried = 0

    def variants(self, *arguments, **options):
        self.tried += 1
        return super().variants(*arguments, **options)


def test_a_mistake_that_hangs_is_recognised_and_waited_for_once(bench):
    guidance = bench.module.guidance_file
    loop = '[[toy_add.mistakes]]\nname = "loop"\ncode = "while True: pass"\nhint = "Ends?"\n'
    guidance.write_text(guidance.read_text("utf-8") + loop, encoding="utf-8")
    cells = bench.solve("toy_add", ADD.format("for i in iter(int, 1): pass"))
    judge = CountingJudge(bench.curriculum, Profile(limits=Limits(exercise_seconds=0.3)))
    for _ in range(2):
        report = judge.judge(judge.curriculum.module(1), cells, {})
        assert report.first_failure.failure.hint == "Ends?"
    assert judge.tried == 1
