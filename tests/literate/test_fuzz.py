"""A few hundred random texts; `fuzz.py` reads as many as one likes."""

from __future__ import annotations

from collections import Counter

import pytest
from fuzz import Disagreement, judge_text, run


def test_random_texts_give_the_cells_of_jupytext_or_a_clear_error():
    tally = run(600)
    assert sum(sum(outcomes.values()) for outcomes in tally.values()) == 600
    for kind in ("percent", "notebook"):
        assert tally[kind] == Counter(same=150)
    for kind in ("damaged percent", "damaged notebook"):
        assert tally[kind]["same"] > 30 and tally[kind]["refused"] > 15


def test_the_comparison_sees_a_difference(monkeypatch):
    monkeypatch.setattr("fuzz.parse_cells", lambda data, origin: [])
    with pytest.raises(Disagreement):
        judge_text(b"# %%\nx = 1\n", "m.py")
