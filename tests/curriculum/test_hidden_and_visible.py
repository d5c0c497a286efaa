"""Exercises and their tests: visible ones from the literate file, hidden ones from beside it."""

from __future__ import annotations

import pytest
from planted import graded_test, write

from tito.curriculum.curriculum import Curriculum
from tito.literate.errors import SourceError


@pytest.fixture
def hidden(curriculum, tmp_path):
    """`hidden(cells)` loads the planted curriculum with these hidden tests of Module 01."""

    def load(*cells: str) -> Curriculum:
        write(tmp_path / "hidden" / "01_number.py", "\n".join(cells))
        return Curriculum.load(curriculum.root, hidden=tmp_path / "hidden")

    return load


def cell(name: str, points: int = 0) -> str:
    return graded_test(name, points, "check.equal(double(5), 10)")


def test_an_exercise_has_its_visible_test_first_then_its_hidden_ones(hidden):
    found = hidden(cell("hidden_number_double", 4), cell("hidden_number_double.2"))
    double, value = found.exercises(found.module(1))
    assert [test.id for test in double.tests] == [
        "test_number_double", "hidden_number_double", "hidden_number_double.2",
    ]  # fmt: skip
    assert [test.is_hidden for test in double.tests] == [False, True, True]
    assert [test.points for test in double.tests] == [2, 4, 0]
    assert double.points == 6
    assert double.test.grade_id == "test_number_double"
    assert [test.id for test in value.tests] == ["test_number_value"]


def test_a_module_without_a_file_of_hidden_tests_has_none(hidden):
    found = hidden(cell("hidden_number_double"))
    (total,) = found.exercises(found.module(2))
    assert [test.is_hidden for test in total.tests] == [False]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([cell("hidden_number_triple")], r"Module 01 \(Number\) has no exercise 'number_triple'"),
        ([cell("test_number_double")], "the id of a hidden test is hidden_"),
        ([cell("hidden_number_double")] * 2, "'hidden_number_double' stands already at .*01_num"),
    ],
)
def test_fault_in_hidden_tests_is_named_with_its_place(hidden, cells, said):
    found = hidden(*cells)
    with pytest.raises(SourceError, match=said) as fault:
        found.exercises(found.module(1))
    assert "01_number.py:" in str(fault.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"test_number_double"', '"test_number_triple"', "belongs to no exercise"),
        ('"grade_id": "number_value"', '"grade_id": "number_double"', "stands already at"),
        ('"grade_id": "number_value"', '"grade_id": ""', "without a grade_id"),
        ('"grade_id": "number_double"', '"grade_id": "number_twice"', "belongs to no exercise"),
    ],
)
def test_exercises_and_tests_must_fit(curriculum, old, new, said):
    module = curriculum.module(1)
    text = module.source.read_text(encoding="utf-8")
    assert old in text
    write(module.source, text.replace(old, new))
    with pytest.raises(SourceError, match=said) as fault:
        curriculum.exercises(module)
    assert "01_number.py:" in str(fault.value)


def test_an_exercise_without_a_test(curriculum):
    module = curriculum.module(1)
    text = module.source.read_text(encoding="utf-8")
    before, _, after = text.partition(graded_test("test_number_value", 3, "").splitlines()[0])
    write(module.source, before + "# %% [markdown]\n" + after)
    with pytest.raises(SourceError, match="'number_value' has no graded test cell"):
        curriculum.exercises(module)
