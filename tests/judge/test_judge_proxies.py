"""What a test cell may do with the learner's objects: everything here runs in a real guest."""

from __future__ import annotations

import numpy as np
import pytest

from tito.checks.check import CheckFailed
from tito.sandbox.conversation import UnusableResult


def test_names_of_the_module(in_test):
    in_test(
        """
        assert LIMIT == 3 and TABLE == {"one": 1, "two": (1, 2)}
        assert math.sqrt(4.0) == 2.0 and Counter("aa")["a"] == 2
        assert Box.__name__ == "Box" and mean([3.0]) == 3.0
        """
    )


def test_arithmetic_from_both_sides(in_test):
    in_test(
        """
        box, array = Box([1.0, 2.0]), np.array([10.0, 20.0], dtype=np.float32)
        for result in (box + array, array + box, box + Box(array), list(array) + box):
            check.close(result, [11, 22], given="sum")
            assert isinstance(result, Box)
        check.close(-box, [-1, -2], given="minus")
        square = Box(np.eye(2))
        check.close(square @ box, [1, 2], given="box @ box")
        check.close(np.eye(2) @ box, [1, 2], given="array @ box")
        check.close(square @ np.ones(2), [1, 1], given="box @ array")
        before = box
        box += array
        assert box is not before
        check.raises(TypeError, lambda: box * 2, given="box * 2", mentions="unsupported operand")
        check.raises(TypeError, lambda: 2 ** box, given="2 ** box")
        """
    )


def test_indexing(in_test):
    in_test(
        """
        box = Box(np.arange(24).reshape(2, 3, 4))
        array = np.arange(24).reshape(2, 3, 4)
        for key in (0, -1, slice(None), (slice(0, 2), 1), (..., 0), None, (None, 1),
                    np.array([0, 1]), (0, [1, 2]), array > 5):
            check.close(box[key], array[key], given=str(key))
        check.raises(IndexError, lambda: box[5], given="box[5]")
        box[0, 0] = np.array([9.0, 9.0, 9.0, 9.0])
        check.close(box[0, 0], [9, 9, 9, 9], given="after setting")
        assert len(box) == 2 and 5.0 in box and 99.0 not in box
        assert [float(row[0, 0]) for row in box] == [9.0, 12.0]
        assert len(list(zip(box, range(9)))) == 2
        """
    )


def test_conversions(in_test):
    in_test(
        """
        box = Box(3.5)
        assert float(box) == 3.5 and bool(box) is True and not Box(0)
        assert repr(box) == "Box(3.5)" == str(box) == f"{box}"
        assert np.asarray(box) == 3.5 and np.allclose(box, 3.5)
        assert np.asarray(box, dtype=np.float64).dtype == np.float64
        check.raises(TypeError, lambda: int(box), given="int(box)")
        check.close(box, 3.5, given="a box")
        check.close([Box(1), Box(2)], [1, 2], given="two boxes")
        """
    )


def test_attributes(in_test):
    in_test(
        """
        box = Box([1.0])
        box.label = ("a", [1, None])
        assert box.label == ("a", [1, None]) and hasattr(box, "label")
        del box.label
        assert not hasattr(box, "label")
        check.raises(AttributeError, lambda: box.label, given="box.label", mentions="label")
        box.data = np.array([7.0])
        assert box.data == np.array([7.0]) and box.data.dtype == np.float64
        box.partner = box
        assert box.partner is box and box.partner.partner == box
        Box.shared = 5
        assert box.shared == 5
        del Box.shared
        copied = box.data
        copied[0] = 0
        assert box.data[0] == 7
        """
    )


def test_identity_classes_and_containers(in_test):
    in_test(
        """
        box = Box([1.0, 2.0])
        assert grow(box, 1) is box and box is not Box([1.0, 2.0])
        assert isinstance(box, Box) and not isinstance(box, np.ndarray)
        assert isinstance(box, (int, Box)) and not isinstance(3, Box)
        assert not isinstance(np.ones(2), Box) and issubclass(ToyError, ValueError)
        assert box.__class__ is Box and type(box.data) is np.ndarray
        assert {box: 1}[box] == 1 and box in [3, box]
        box.children = [Box(1), {"deep": (Box(2),)}]
        assert isinstance(box.children[1]["deep"][0], Box)
        """
    )


def test_with(in_test):
    in_test(
        """
        box = Box(1)
        with box as same:
            assert same is box and box.open is True
        assert box.open is False
        with box:
            raise KeyError("the box swallows this")
        try:
            with box:
                raise ValueError("but not this")
        except ValueError as error:
            assert str(error) == "but not this"
        else:
            assert False
        """
    )


def test_errors_come_over(in_test):
    in_test(
        """
        check.raises(ValueError, Box(1).shape_error, given="a box", mentions="square")
        check.raises(ToyError, Box(1).shape_error, given="a box", mentions="square")
        check.raises(TypeError, lambda: add(), given="add()", mentions="missing 2 required")
        check.raises(ValueError, lambda: add(a=np.ones(2), b=np.ones(3)), given="add(a=, b=)")
        """
    )


def test_a_wrong_error_names_the_learners_class(in_test):
    with pytest.raises(CheckFailed) as caught:
        in_test("check.raises(KeyError, Box(1).shape_error, given='a box')")
    assert caught.value.got == "ToyError: this box is square"


def test_random_numbers_are_one_stream(in_test):
    in_test(
        """
        @probe
        def draw(n):
            return np.random.rand(n)

        np.random.seed(3)
        mixed = [np.random.rand(1), draw(2), np.random.rand(1), draw(1), draw(1), np.random.rand(2)]
        np.random.seed(3)
        assert np.array_equal(np.concatenate(mixed), np.random.rand(8))
        np.random.seed(3)
        assert np.array_equal(draw(8), np.concatenate(mixed))
        state = np.random.get_state()
        first = draw(1)
        np.random.set_state(state)
        assert draw(1) == first
        generator = np.random.default_rng(0)
        assert generator.random() == np.random.default_rng(0).random()
        """
    )


def test_random_numbers_are_the_same_every_time(in_test):
    text = """
        @probe
        def draw():
            import random
            return [float(np.random.rand()), random.random()]
        check.position = (np.random.rand(), draw())
        """
    assert in_test(text).check.position == in_test(text).check.position


def test_probes(in_test):
    in_test(
        """
        def unused():
            pass

        @probe
        def shares(n, *, dtype="float32"):
            '''A docstring.'''
            box = Box(np.zeros(n, dtype=dtype))
            return bool(np.shares_memory(box.data, grow(box, 1).data)), box

        shared, box = shares(3, dtype="float64")
        check.equal(shared, True, given="x")
        assert isinstance(box, Box)

        for number in range(3):
            @probe
            def plus(x):
                return x + 1
            check.equal(plus(number), number + 1, given="x")
        """
    )


def test_a_probe_sees_the_real_tools(in_test):
    in_test(
        """
        @probe
        def sabotage():
            import builtins
            np.shares_memory = lambda *a: True
            builtins.all = lambda *a: True

        @probe
        def honest():
            return [bool(np.shares_memory(np.ones(1), np.ones(1))), all([0])]

        sabotage()

        @probe
        def later():
            return bool(np.shares_memory(np.ones(1), np.ones(1)))

        assert honest() == [False, False] and later() is False
        """
    )


def test_a_probe_sees_what_the_module_imports(in_test):
    in_test(
        """
        @probe
        def use():
            return [math.floor(2.5), Counter("aab")["a"], mean([2.0])]
        check.equal(use(), [2, 2, 2.0], given="x")
        """
    )


def test_host_functions_do_not_cross(in_test):
    with pytest.raises(UnusableResult, match="probe"):
        in_test("mean(lambda: 3)")


def test_earlier_cells_lend_their_helpers(in_test):
    earlier = """
    import itertools
    SIZE = 4

    def brute_sum(values):
        return sum(values) + SIZE

    def test_earlier():
        raise AssertionError("tests of earlier cells do not run")

    test_earlier()
    """
    in_test("check.equal(brute_sum([1, 2]), 7, given='x'); itertools.count()", earlier)


def test_a_test_cell_cannot_import_the_framework(in_test):
    for text in ("import tinytorch", "from tito.checks import check", "import pytest"):
        with pytest.raises(ImportError, match="standard library and NumPy"):
            in_test(text)
    in_test(
        "import numpy as np, numpy.linalg, os.path, math\nfrom numpy.random import rand\nrand()"
    )


def test_a_test_cell_changes_nothing_here(in_test, capsys):
    before = np.random.get_state()[1].tolist()
    in_test("np.random.seed(1); np.allclose = None; np.new = 1; print('loud')")
    assert np.random.get_state()[1].tolist() == before
    assert callable(np.allclose) and not hasattr(np, "new")
    assert capsys.readouterr().out == ""


def test_an_access_is_one_round_trip(in_test):
    few, many = (in_test(f"box = Box([1.0])\nfor _ in range({n}): box.open") for n in (10, 210))
    assert many.link is few.link
    before = many.link.requests
    in_test("box = Box([1.0])\nfor _ in range(210): box.open")
    longer = many.link.requests - before
    before = many.link.requests
    in_test("box = Box([1.0])\nfor _ in range(10): box.open")
    assert longer - (many.link.requests - before) == 200
