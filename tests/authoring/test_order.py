"""The order check finds later names and terms where they must not be."""

from __future__ import annotations

import pytest

from tito.authoring.order import check_order
from tito.curriculum.curriculum import Curriculum


@pytest.fixture
def leaks(curriculum):
    module = curriculum.module(1)

    def with_change(old, new):
        text = module.source.read_text(encoding="utf-8").replace(old, new)
        module.source.write_text(text, encoding="utf-8")
        return check_order(Curriculum.load(curriculum.root))

    return with_change


def test_clean(leaks):
    assert leaks("", "") == []


@pytest.mark.parametrize(
    "planted",
    [
        "# see Total",
        "'a grand Total'",
        "print(Total)",
        "import tinytorch.core.sums",
        "from tinytorch.core.sums import x",
    ],
)
def test_leaks_are_found_with_their_place(leaks, planted):
    found = leaks("import math", planted)
    assert found
    assert "01_number.py:20" in found[0].place
    assert "Module 02" in str(found[0])


def test_prose_may_look_ahead(leaks):
    assert leaks("A number, *wrapped*.", "Total comes next: the grand total.") == []


def test_hints_are_read(curriculum, leaks):
    guidance = curriculum.module(1).guidance_file
    guidance.write_text('[number_double]\nhints = ["use Total", "b", "c"]\n', encoding="utf-8")
    (leak,) = leaks("", "")
    assert "guidance.toml [number_double]" in leak.place
