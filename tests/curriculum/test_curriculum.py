"""The real curriculum: what is in it, and how it is found. Prerequisites and exports, derived."""

from __future__ import annotations

import pytest

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.schema import Target
from tito.errors import TitoError

REAL = Curriculum.load()


# -- finding ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ref", ["5", "05", 5, "autograd", "05_autograd", " Autograd "])
def test_module_is_found_by_any_of_its_names(ref):
    assert REAL.module(ref).number == 5


@pytest.mark.parametrize("ref", ["0", "21", "tensr", ""])
def test_unknown_module_suggests_and_says_where_to_look(ref):
    with pytest.raises(TitoError) as caught:
        REAL.module(ref)
    assert "tito module list" in caught.value.fix
    assert caught.value.exit_code == 2


def test_suggestion():
    with pytest.raises(TitoError, match="Did you mean 'tensor'"):
        REAL.module("tensr")


def test_a_wrong_number_suggests_no_other_number():
    with pytest.raises(TitoError) as caught:
        REAL.module("44")
    assert "Did you mean" not in caught.value.message


@pytest.mark.parametrize("ref", ["1", "01", "perceptron", "01_1957_perceptron", "1957"])
def test_milestone_by_name(ref):
    assert REAL.milestone(ref).year == 1957


def test_milestone_aliases():
    assert REAL.milestone("backprop").name == "mlp"
    assert REAL.milestone("lenet").name == "cnn"


# -- what follows from the entries -----------------------------------------------------------------


def test_twenty_modules_in_order():
    assert [m.number for m in REAL.modules] == list(range(1, 21))
    assert all(max(m.prerequisites, default=0) < m.number for m in REAL.modules)
    assert len({target for m in REAL.modules for target in m.exports}) == 20


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1, []),
        (7, [1, 2, 3, 4, 5, 6]),
        (9, [1, 2, 3, 4, 5, 6, 7, 8]),
        (10, [1, 2, 3, 4, 5, 6, 7]),  # tokenization: not upon the data loader
        (13, [1, 2, 3, 4, 5, 6, 7, 10, 11, 12]),
        (14, list(range(1, 14))),
        (19, list(range(1, 15))),
        (20, [*range(1, 15), 19]),
    ],
)
def test_prerequisites_are_all_that_a_module_needs_directly_or_not(number, expected):
    assert list(REAL.module(number).prerequisites) == expected


def test_optional_modules_are_no_prerequisites():
    suite = REAL.module(19)
    assert suite.optional == (15, 16, 17, 18)
    assert not set(suite.optional) & set(suite.prerequisites)


def test_a_milestone_part_needs_what_its_modules_need():
    assert REAL.milestone("perceptron").parts[0].needs == (1, 2, 3, 4)
    attention, talking, *_ = REAL.milestone("transformer").parts
    assert attention.needs == (*range(1, 9), *range(10, 13))
    assert talking.needs == (*attention.needs, 13)


def test_requires_may_leave_out_a_module(changed):
    third = changed("requires = [2]", "requires = [1]\noptional = [2]").module(3)
    assert (third.prerequisites, third.optional) == ((1,), (2,))


def test_several_files_of_a_module(changed):
    third = changed(
        'exports = ["core.later"]\nnames = ["Later"]',
        'exports = ["core.later", "nn.fast"]\nfacade = "nn"\nnames = ["Later", "nn.fast:Fast"]',
    ).module(3)
    assert third.import_names == ("tinytorch.core.later", "tinytorch.nn.fast")
    paths = {target: path.as_posix() for target, path in third.export_paths.items()}
    assert paths == {"core.later": "tinytorch/core/later.py", "nn.fast": "tinytorch/nn/fast.py"}
    assert third.shown == {"Later": "tinytorch.core.later", "Fast": "tinytorch.nn.fast"}
    assert third.facades == ("tinytorch", "tinytorch.nn")


def test_limits_of_one_exercise(changed):
    limits = 'limits = [{ exercise = "later_slow", seconds = 30, cpu_seconds = 20.5 }]'
    third = changed('names = ["Later"]', f'names = ["Later"]\n{limits}').module(3)
    limit = third.limit("later_slow")
    assert (limit.seconds, limit.cpu_seconds) == (30, 20.5)
    assert third.limit("later_quick") is None


def test_target_band():
    band = Target(metric="accuracy", text="about half", at_least=0.4, at_most=0.6)
    assert [band.met_by(x) for x in (0.3, 0.4, 0.6, 0.7)] == [False, True, True, False]


# -- a value ---------------------------------------------------------------------------------------


def test_two_curricula_live_side_by_side(curriculum):
    assert [m.title for m in curriculum.modules] == ["Number", "Sums", "Later"]
    assert REAL.module(1).title == "Tensor"
    assert curriculum.exercises(curriculum.module(1))[0].id == "number_double"
    assert REAL.exercises(REAL.module(1))[0].id.startswith("tensor_")


def test_one_curriculum_is_one_state_of_its_files(curriculum):
    module = curriculum.module(1)
    before = curriculum.cells(module)
    module.source.write_text("# %%\nchanged = 1\n", encoding="utf-8")
    assert curriculum.cells(module) is before
    (cell,) = Curriculum.load(curriculum.root).cells(module)
    assert cell.source.strip() == "changed = 1"


def test_a_notebook_can_ask_what_an_exercise_is_worth():
    from tito.curriculum.points import points_of

    real = Curriculum.load()
    first = real.exercises(real.available[0])
    assert points_of(first[0].id) == (first[0].name, first[0].points, len(first), "01")
    assert points_of("no_such_exercise") is None
