"""The scoreboard: targets from the manifest, verdicts in words."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from tito.curriculum.curriculum import Curriculum
from tito.milestones import scoreboard

MILESTONES = Curriculum.load().milestones


def spread(*values: float) -> dict:
    mean = sum(values) / len(values)
    deviation = (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5
    return {"mean": mean, "std": deviation, "values": list(values)}


def result(milestone: str, part: int, full: bool = True, **metrics: dict) -> dict:
    return {
        "milestone": milestone, "part": part, "metrics": metrics, "seconds": 1.25, "full": full,
    }  # fmt: skip


GOOD = result("03", 1, accuracy=spread(0.97, 0.98))
BAD = result("01", 2, accuracy=spread(0.5, 0.6))
CRISIS = result("02", 1, accuracy=spread(0.5, 0.5), loss=spread(0.9, 0.95))
SOLVED = result("02", 2, success_rate=spread(*[1.0] * 9, 0.0))


def test_one_row_per_target_in_the_curriculums_order():
    found = scoreboard.rows([GOOD, CRISIS, BAD], MILESTONES)
    assert [(row.part, row.metric, row.verdict) for row in found] == [
        ("01.2 perceptron", "accuracy", "not met"),
        ("02.1 xor", "accuracy", "met"),
        ("02.1 xor", "loss", "not met"),
        ("03.1 mlp", "accuracy", "met"),
    ]
    assert (found[0].measured, found[0].target) == ("55.0 ± 5.0 %", "at least 95 %")
    assert (found[3].measured, found[3].time) == ("97.5 ± 0.5 %", "1.2 s")


def test_rate_of_a_yes_or_no_is_counted():
    (row,) = scoreboard.rows([SOLVED], MILESTONES)
    assert (row.metric, row.measured, row.verdict) == ("success rate", "9 of 10", "met")


def test_short_run_is_marked():
    (row,) = scoreboard.rows([result("03", 1, full=False, accuracy=spread(0.97))], MILESTONES)
    assert (row.measured, row.verdict) == ("97.0 %", "met, short run")
    assert row.style == "green"


@pytest.mark.parametrize(
    "metrics", [{}, {"accuracy": {"mean": None, "std": None, "values": [None]}}]
)
def test_missing_or_broken_figure_is_not_met(metrics):
    (row,) = scoreboard.rows([result("03", 1, **metrics)], MILESTONES)
    assert (row.measured, row.verdict) == ("no number", "not met")


def test_part_without_a_target_just_ran():
    (row,) = scoreboard.rows([result("05", 5, loss=spread(1.0))], MILESTONES)
    assert (row.target, row.verdict, row.style) == ("none", "ran", "")


def test_what_the_manifest_does_not_know_is_left_out():
    assert scoreboard.rows([result("99", 1), result("01", 9)], MILESTONES) == []


def printed(results: list[dict]) -> str:
    out = io.StringIO()
    Console(file=out, width=80).print(scoreboard.render(results, MILESTONES))
    return out.getvalue()


def test_table_fits_80_columns_without_losing_a_figure():
    text = printed([GOOD, CRISIS, BAD, SOLVED])
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    for figure in ("97.5 ± 0.5 %", "0.925 ± 0.025", "not met", "9 of 10", "1.2 s"):
        assert figure in text
    assert text.count("02.1 xor") == 1
    assert "…" not in text


def test_plain_text_has_every_word_of_a_row():
    assert scoreboard.plain([BAD], MILESTONES) == (
        "01.2 perceptron, Learning finds the line (1.2 s): accuracy 55.0 ± 5.0 %, "
        "target at least 95 %: not met"
    )


def test_every_target_of_the_manifest_can_be_shown():
    results = [
        result(m.id, p.number, **{t.metric: spread(0.5) for t in p.targets})
        for m in MILESTONES
        for p in m.parts
    ]
    assert "mlperf" in printed(results)
