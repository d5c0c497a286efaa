"""All checks of a test as evidence: where the first that fails says little, the others decide."""

from __future__ import annotations

import pytest

from tito.checks.check import Check
from tito.curriculum.guidance import load_guidance, plant
from tito.judge import Judge
from tito.judge.mistakes import NUMBER
from tito.judge.outcomes import noting


def test_a_noting_check_goes_on_and_keeps_every_failure():
    check = Check()
    failed = noting(check)
    check.equal(1, 2, given="")
    check.equal(2, 2, given="")
    check.true(False, given="", because="")
    check.raises(ValueError, lambda: int("x"), given="")
    check.raises(ValueError, lambda: None, given="")
    assert [(position, code) for position, code, _ in failed] == [
        (0, "check.value"),
        (2, "check.property"),
        (4, "check.no_error"),
    ]


def test_versions_are_compared_by_all_that_fails(bench):
    judge = Judge(bench.curriculum)
    cells = {cell.grade_id: cell for cell in bench.cells}
    mistake = load_guidance(bench.module.guidance_file)["toy_add"].mistakes[0]
    wrong = bench.solve("toy_add", plant(mistake, cells["toy_add"]))
    right, first, again = judge.outcomes(bench.module, [bench.cells, wrong, wrong], {}, "toy_add")
    assert right == ()
    assert first == again != ()


@pytest.mark.parametrize("signature", ["int:12", "list2[int:0,int:-30]", "float:0.5", "int:10"])
def test_a_number_is_evidence(signature):
    assert NUMBER.search(signature)


@pytest.mark.parametrize(
    "signature", ["int:0", "int:8", "int:-3", "bool:1", "str:'5'", "list2[bool:0,int:1]"]
)
def test_small_counts_and_words_are_not(signature):
    assert not NUMBER.search(signature)
