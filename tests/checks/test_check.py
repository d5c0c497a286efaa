"""``check`` beside the learner's code, as in a notebook."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from tito.checks import Check, CheckFailed, check, probe
from tito.checks.values import show, signature


class Boxed:
    """Something with ``.data``, like a Tensor."""

    def __init__(self, data):
        self.data = np.asarray(data, dtype=np.float32)


class Agreeable:
    """Claims to equal everything."""

    data = property(lambda self: self)
    shape = ()
    __hash__ = None

    def __eq__(self, other):
        return True

    def __bool__(self):
        return True

    def __array__(self, *args, **kwargs):
        return np.array(3.0)

    def __sub__(self, other):
        return 0.0

    def __repr__(self):
        raise ValueError("no")


class Lying(np.ndarray):
    """An array whose comparisons always succeed."""

    def __array_ufunc__(self, *args, **kwargs):
        return True

    def __array_function__(self, *args, **kwargs):
        return True


def failure(method, *args, **options):
    """The CheckFailed that a call of check raises."""
    with pytest.raises(CheckFailed) as caught:
        getattr(Check(), method)(*args, given="input", **options)
    return caught.value


def reason(method, *args, **options):
    """What a failing check says first, in English."""
    return str(failure(method, *args, **options).reason)


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (Boxed([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (Boxed(3), 3),
        (np.float32(0.1), 0.1),
        (3, 3.0),
        (True, 1),
        ([Boxed(1), 2.0], [1, 2]),
        ([[1, 2]], np.array([[1, 2]])),
        (np.array([np.inf, -np.inf]), [np.inf, -np.inf]),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        (np.ones(2, dtype=np.float16), [1, 1]),
        (1.000001, 1.0),
    ],
)
def test_close_accepts(got, expected):
    check.close(got, expected, given="input")


@pytest.mark.parametrize(
    ("got", "words"),
    [
        (None, "is None, where numbers are expected"),
        ("3.0", "a str"),
        (b"3", "an object of class bytes"),
        ({"a": 3}, "a dict"),
        ([1, [2]], "rows have different shapes"),
        (1j, "class complex"),
        (np.array(["3"]), "dtype <U1"),
        (np.array([None]), "dtype object"),
        (np.array([3.0]), "shape (1,), but shape () is expected"),
        (np.nan, "is nan instead of 3"),
        (np.inf, "is inf instead of 3"),
        (3.0001, "is 3.0001 instead of 3"),
        (10**30, "an int of dtype object"),
        (Agreeable(), "class Agreeable"),
        (Boxed, "class type"),
        (lambda: 3, "class function"),
        (np.array(7.0).view(Lying), "is 7 instead of 3"),
        (type("F", (float,), {"__eq__": lambda s, o: True})(7.0), "is 7 instead of 3"),
        (np.ma.masked_array(7.0, mask=True), "is 7 instead of 3"),
    ],
)
def test_close_never_raises_anything_else(got, words):
    assert words in reason("close", got, 3.0)


def test_nan_is_different_from_nan():
    assert reason("close", np.array([1.0, np.nan]), [1.0, np.nan]).startswith("At index [1]")


def test_first_difference_and_both_numbers():
    got = np.arange(30, dtype=np.float32).reshape(5, 6)
    expected = got.astype(float)
    expected[1, 2] += 1e-3
    failed = failure("close", got, expected, because="row by column")
    assert str(failed.reason) == (
        "At index [1, 2] the result is 8 instead of 8.001 (1 of 30 values differ)."
    )
    assert "shape (5, 6)" in failed.got and "..." in failed.got
    assert "..." not in failure("close", np.arange(8.0), np.zeros(8)).got


def test_message_has_labelled_lines():
    failed = failure("close", Boxed([1, 2]), [1, 3], because="sum of pairs")
    assert str(failed).splitlines() == [
        "At index [1] the result is 2 instead of 3 (1 of 2 values differ).",
        "  INPUT     input",
        "  EXPECTED  [1., 3.], shape (2,)",
        "  GOT       [1., 2.], shape (2,)",
        "  WHY       sum of pairs",
    ]
    assert isinstance(failed, AssertionError)


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (3, 3),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (3, 3.0),
        ("a", "a"),
        ((2, 3), (2, 3)),
        ([1, "a", None], [1, "a", None]),
        ({"a": [1]}, {"a": [1]}),
        ({1, 2}, {2, 1}),
        (np.dtype("float32"), np.float32),
        (np.float32, np.dtype("float32")),
        (np.dtype("int8"), "int8"),
        (np.array([1, 2]), np.array([1, 2])),
        (float, float),
        (None, None),
        (b"x", b"x"),
    ],
)
def test_equal_accepts(got, expected):
    check.equal(got, expected, given="input")


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        (1, True, "is an int, 1, instead of True"),
        (True, 1, "is True instead of 1"),
        (24.0, 24, "a float, 24.0, instead of 24"),
        (np.nan, np.nan, "nan"),
        ([2, 3], (2, 3), "a list"),
        ((2, 4), (2, 3), "At [1] the result is 4 instead of 3."),
        ((2,), (2, 3), "has length 1, but length 2 is expected"),
        ({"a": 1}, {"a": 2}, "At ['a'] the result is 1"),
        ({}, {"a": 2}, "no key 'a'"),
        ({"a": 1, "b": 2}, {"a": 1}, "extra key 'b'"),
        ([[1], [2]], [[1], [3]], "At [1][0] the result is 2 instead of 3."),
        (np.dtype("float64"), np.float32, "has dtype float64, but dtype float32 is expected"),
        ("float32", np.float32, "'float32' instead of dtype"),
        (np.array([1, 2]), np.array([1, 3]), "At index [1]"),
        (np.array([[1, 2]]), np.array([1, 2]), "shape (1, 2)"),
        ([1, 2], np.array([1, 2]), "a list, where an array"),
        (Agreeable(), 3, "<Agreeable: repr() raises ValueError>"),
        ([Agreeable()], [3], "At [0] the result is <Agreeable"),
        (None, 3, "is None instead of 3"),
        (float, int, "float instead of int"),
    ],
)
def test_equal_is_exact(got, expected, words):
    assert words in reason("equal", got, expected)


def test_objects_cannot_be_expected():
    with pytest.raises(TypeError, match="plain values"):
        check.equal(3, object(), given="x")


@pytest.mark.parametrize("condition", [False, None, 1, "yes", np.ones(2) > 0, Agreeable(), [True]])
def test_true_wants_a_real_bool(condition):
    assert failure("true", condition, because="must hold").because == "must hold"


def test_true_accepts():
    check.true(True, given="x", because="y")
    check.true(np.all(np.ones(3) > 0), given="x", because="y")


def raiser(error):
    def call():
        raise error

    return call


def test_raises_accepts_subclasses_and_mentions():
    check.raises(
        ValueError, raiser(ValueError("(2, 2) and (3, 2)")), given="x", mentions=["(2, 2)"]
    )
    check.raises(Exception, raiser(KeyError("k")), given="x", mentions="k")


def test_raises_fails_without_or_with_another_error():
    nothing = failure("raises", ValueError, lambda: 3)
    assert str(nothing.got) == "no error; the result is 3"
    assert str(nothing.expected) == "ValueError"
    other = failure("raises", ValueError, raiser(TypeError("t")), mentions=["q"])
    assert other.got == "TypeError: t"
    assert str(other.expected) == "ValueError whose message mentions 'q'"
    said = reason("raises", ValueError, raiser(ValueError("t")), mentions=["q"])
    assert "does not mention 'q'" in said


def test_raises_says_a_mention_once():
    failed = failure("raises", ValueError, lambda: 3, mentions=["(3,)", "(3,)", "(2,)"])
    assert str(failed.expected) == "ValueError whose message mentions '(3,)' and '(2,)'"


def test_raises_lets_an_unsolved_exercise_through():
    stub = NotImplementedError("Exercise a_b (Module 01 (A)) is not solved yet.")
    for expected in (ValueError, NotImplementedError):
        with pytest.raises(NotImplementedError, match="not solved"):
            check.raises(expected, raiser(stub), given="x")
    check.raises(NotImplementedError, raiser(NotImplementedError("abstract")), given="x")


def test_position_counts_the_checks_of_one_test():
    own = Check()
    own.equal(1, 1, given="a")
    own.true(True, given="b", because="")
    with pytest.raises(CheckFailed) as caught:
        own.close(1, 2, given="c")
    assert caught.value.position == 2


def test_signature_ignores_noise_and_addresses():
    array = np.linspace(0, 1, 5)
    assert signature(array) == signature(Boxed(array + 1e-9))
    assert signature(array) != signature(array + 0.01)
    assert signature(array) != signature(array.reshape(5, 1))
    assert signature(object()) == signature(object())
    assert signature(0.0) == signature(-0.0)


def test_show_is_one_short_line():
    for value in (np.ones((50, 50)), "x" * 9999, list(range(9999)), Agreeable(), "a\nb"):
        assert len(show(value)) < 400 and "\n" not in show(value)


def test_the_spaces_of_a_text_are_shown():
    assert show("a  b ") == "'a  b '"
    assert show([" x", "y  "]) == "[' x', 'y  ']"


def test_probe_does_nothing_here():
    assert probe(len) is len


def test_notebooks_import_it_quickly_and_without_the_judge():
    code = (
        "import sys, numpy; before = set(sys.modules); from tito.checks import check, probe; "
        "import json; print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    run = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": root}, capture_output=True
    )
    loaded = {name.split(".")[1] for name in json.loads(run.stdout) if name.startswith("tito.")}
    assert loaded == {"checks", "messages"}


@pytest.mark.parametrize(
    ("printed", "hints"),
    [
        ("<cell 3>:7: RuntimeWarning: divide by zero\n  return np.log(x)\n", False),
        ("<cell 3>:7: RuntimeWarning: divide by zero\n  return np.log(x)\nmust not be 0\n", True),
        ("f.py:7: RuntimeWarning: overflow", False),
    ],
)
def test_warnings_are_nothing_that_was_printed(printed, hints):
    check = Check(lambda: printed)
    with pytest.raises(CheckFailed) as failed:
        check.raises(ValueError, lambda: None, given="0")
    found = failed.value.hint
    assert (found is not None and found.code == "pattern.printed_error") is hints
