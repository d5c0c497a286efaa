"""Judging an exercise of the toy module whose answer is wrong, whatever else it does."""

from __future__ import annotations

import os

import pytest

posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX")
BODY = "#| export\n{before}\ndef mean(a):\n    {body}\n"


def attack(bench, body="return 7.0", before="", **options):
    """Judge with a `mean` that is wrong; the exercise must fail with a sentence of reason."""
    indented = body.replace("\n", "\n    ")
    cells = bench.solve("toy_mean", BODY.format(before=before, body=indented))
    report = bench.judge(cells, **options)
    assert not report.passed
    result = report.results[1]
    assert (result.status, result.points) == ("failed", 0), result
    assert str(result.failure.reason).endswith((".", "!", "?"))
    assert result.failure.where
    assert report.to_dict()["results"][1]["failure"]["reason"]
    return report


def others(report):
    return [report.results[0].status, report.results[2].status]


def kind(report):
    return report.results[1].failure.kind
