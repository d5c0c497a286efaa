"""Mistakes that show in the numbers: named when they fit exactly, and only then."""

from __future__ import annotations

import numpy as np
import pytest

from tito.checks.patterns import numeric_pattern, printed_pattern
from tito.messages import english

RANDOM = np.random.RandomState(0)
A = RANDOM.randn(3, 4).astype(np.float32)
SQUARE = RANDOM.randn(4, 4).astype(np.float32)
V = np.array([1.5327792, -1.4693588, 0.3549474, -0.3781625, 0.8877857], np.float32)
POSITIVE = np.abs(RANDOM.randn(6)) + 0.1
SHARES = np.exp(SQUARE) / np.exp(SQUARE).sum(axis=1, keepdims=True)
BY_COLUMN = np.exp(SQUARE) / np.exp(SQUARE).sum(axis=0, keepdims=True)
LOSS = 2.0794415
EMPTY_END = np.concatenate([A[:1], np.zeros((2, 4), np.float32)])


class Tensor:
    """Something that holds an array."""

    def __init__(self, data):
        self.data = data


def code(got, expected):
    """The code of the pattern, without "pattern."; "" for none. Its sentence must exist."""
    message = numeric_pattern(got, expected)
    if message is None:
        return ""
    assert english().say(message)
    return message.code.removeprefix("pattern.")


CASES = [
    ("no_return", None, V),
    ("no_return", None, 3),
    ("transposed", A.T, A),
    ("transposed", SQUARE.T, SQUARE),
    ("transposed", RANDOM.permutation(24).reshape(2, 3, 4).swapaxes(1, 2), None),
    ("sign", -A, A),
    ("sign", -LOSS, LOSS),
    ("times", 2 * A, A),
    ("times", 3 * A, A),
    ("times", LOSS * 32, LOSS),
    ("divided", A / 12, A),
    ("divided", LOSS / 2, LOSS),
    ("divided", LOSS * np.log(2) / np.log(2) ** 2, LOSS),
    ("factor", 0.9 * V, V),
    ("too_large", V + 1, V),
    ("too_small", V - 0.5, V),
    ("late", np.roll(V, 1), V),
    ("early", np.append(V[1:], 0), V),
    ("late", np.roll(A, 1, axis=1), A),
    ("reversed", V[::-1], V),
    ("reversed", A[:, ::-1], A),
    ("permuted", V[[0, 2, 1, 4, 3]], V),
    ("ones_missing", A.sum(axis=1), A.sum(axis=1, keepdims=True)),
    ("ones_extra", A.sum(axis=1, keepdims=True), A.sum(axis=1)),
    ("transposed", V[:, None], V[None, :]),
    ("ones_moved", V[None, :, None], V[:, None, None]),
    ("ones_extra", np.array([LOSS]), LOSS),
    ("other_axis", A.sum(axis=0), A.sum(axis=1)),
    ("other_axis", A.mean(axis=0), A.mean(axis=1)),
    ("not_reduced_sum", A, A.sum(axis=1)),
    ("not_reduced_mean", POSITIVE, POSITIVE.mean()),
    ("not_reduced_max", A, A.max(axis=0)),
    ("too_far_sum", A.sum(), A.sum(axis=0)),
    ("too_far_mean", A.mean(), A.mean(axis=1)),
    ("first_only", A[0], A),
    ("first_only", V[0], V),
    ("last_only", V[-1:], V),
    ("pairs", SQUARE, np.diagonal(SQUARE)),
    ("flattened", A.ravel(), A),
    ("reshaped", A.reshape(4, 3), A),
    ("squared", POSITIVE**2, POSITIVE),
    ("not_squared", V, V**2),
    ("not_squared", np.sqrt(POSITIVE), POSITIVE),
    ("no_log", np.exp(V), V),
    ("no_exp", V, np.exp(V)),
    ("reciprocal", 1 / V, V),
    ("one_minus", 1 - V, V),
    ("sign_lost", np.abs(V), V),
    ("no_absolute", V, np.abs(V)),
    ("negative_cut", np.maximum(V, 0), V),
    ("truncated", np.trunc(V * 9), V * 9),
    ("truncated", (np.arange(5) + 7) // 2, (np.arange(5) + 7) / 2),
    ("rounded", np.round(V * 9), V * 9),
    ("bool", V > 0, V),
    ("bool", True, 3.0),
    ("unit_axis", BY_COLUMN, SHARES),
    ("unit_whole", np.exp(SQUARE) / np.exp(SQUARE).sum(), SHARES),
    ("not_shares", np.exp(SQUARE), SHARES),
    ("not_shares", np.exp(V), np.exp(V) / np.exp(V).sum()),
    ("first_wrong", np.append(9.0, V[1:]), V),
    ("last_wrong", np.append(V[:-1], 0.0), V),
    ("rest_empty", np.concatenate([A[:1], np.zeros((2, 4))]), A),
    ("nan", np.where(V > 0, V, np.nan), V),
    ("infinite", np.where(V > 0, V, np.inf), V),
    ("float64", np.dtype("float64"), np.float32),
    ("float64", "float64", "float32"),
    ("float32", "float32", "float64"),
    ("not_plain", "Tensor", "float"),
    ("python_error", "KeyError", "ValueError"),
    ("exp_overflow", "x = 1000: overflow encountered in exp", "none"),
    ("not_plain", ["Tensor", 1], ["float", 1]),
    ("keys", ["a", "b"], [1, 2]),
    ("integers", "int64", "float32"),
    ("text_for_number", "3", 3),
    ("text_space", "a  b", "a b"),
    ("text_space", "ab\n", "ab"),
    ("text_case", "Relu", "ReLU"),
    ("list_result", [1.0, 2.0], np.array([1.0, 2.0])),
    ("array_result", np.array([1.0, 2.0]), [1.0, 2.0]),
    ("function_result", len, 3),
    ("function_result", lambda: 3, V),
    ("generator", (x for x in "ab"), ["a", "b"]),
    ("returned_error", ValueError("no"), 3),
    ("object_for_array", Tensor(V), V),
    ("one_more", 8, 7),
    ("one_less", 6, 7),
    ("key", {"Mean": 1}, {"mean": 1}),
    ("ones_extra", (3, 1), (3,)),
    ("ones_missing", (3,), (1, 3)),
    ("ones_moved", (1, 3), (3, 1)),
    ("last_missing", [1, 2, 3], [1, 2, 3, 4]),
    ("last_missing", [1, 2], [1, 2, 3, 4]),
    ("empty", [], [1, 2]),
    ("sequence_kind", [3, 4], (3, 4)),
    ("first_missing", [2, 3, 4], [1, 2, 3, 4]),
    ("last_extra", [1, 2, 3, 4], [1, 2, 3]),
    ("first_extra", [V, A, SQUARE], [A, SQUARE]),
    ("items_reversed", (V, A), (A, V)),
    ("items_reversed", (4, 3), (3, 4)),
    ("items_permuted", ["b", "a", "c"], ["a", "b", "c"]),
    ("items_missing", ["a", "c", "d"], ["a", "b", "c", "d"]),
    ("items_missing", [1, 4], [1, 2, 3, 4]),
    ("wrapped", {"settings": {"axis": 1}}, {"axis": 1}),
    ("wrapped", [[1, 2]], [1, 2]),
    ("wrapped", ((1, 2, 3),), (1, 2, 3)),
    ("empty", ("list", []), ("list", [0, 1, 2])),
    ("offsets", A + V[:3, None], A),
    ("offsets", A - A.max(axis=0), A),
]


@pytest.mark.parametrize(("wanted", "got", "expected"), CASES)
def test_a_pattern_is_named(wanted, got, expected):
    if expected is None:
        expected = got.swapaxes(1, 2)
    assert code(got, expected) == wanted


MUST_NOT_FIRE = [
    (A, A),
    (np.zeros(4), np.zeros(4)),
    (3.0, 3.0),
    (2.0, 1.0),  # twice, one more, or chance
    (4.0, 2.0),
    (-1.0, 1.0),
    (np.zeros((3, 3)), np.eye(3)),
    (np.ones((2, 3)), np.zeros((3, 2))),
    (np.ones((2, 3)), 3 * np.ones((3, 2))),
    (np.zeros((2, 3)), np.zeros((3, 4))),
    (-np.ones(4), np.ones(4)),
    (np.full(4, 2.0), np.ones(4)),
    (np.array([0.0, 0, 5]), np.array([0.0, 0, 2])),
    (np.array([1.0, -1]), np.array([-1.0, 1])),  # sign, order or one place too late
    (np.array([2.0, 3, 4]), np.array([1.0, 2, 3])),  # one more, or one place too early
    (np.array([3.0, 2, 1]), np.array([4.0, 3, 2])),
    (SQUARE + SQUARE.T, SQUARE + SQUARE.T),
    (SQUARE + SQUARE.T + RANDOM.randn(4, 4), SQUARE + SQUARE.T),
    (np.array([0.0, 1, 0]), np.array([1.0, 0, 0])),
    (A * 2 + 1e-2 * SQUARE[:3], A),
    (2 * A + 1, A),
    (RANDOM.randn(3, 4), A),
    (RANDOM.randn(4), V),
    (RANDOM.randn(2), V),
    (np.zeros(5), V),
    (np.zeros((3, 4)), A),
    (np.array(0.0), V),
    (0, 1),
    (1, 0),
    (3, 8),
    (9.0, 7.0),
    (True, False),
    (False, True),
    (np.array([True, False]), np.array([True, True])),
    (np.array([True, False]), np.array([1, 0])),
    ("sum", "mean"),
    ("float32", "float32"),
    ([1, 2], [3, 4]),
    ([1.0, 2.5], np.array([3.5, 4.0])),
    (np.array([1.0, 2.5]), [3.5, 4.0]),
    ([1, 2], [2]),
    ([1, 3], [1, 2, 4]),
    (["y"], ["a", "b", "y"]),
    ([1], [1, 2, 3]),
    (np.array([2.0, 5, 0, 1]), np.array([2.0, 5, 0, 1, 0])),
    (np.array([1.0, 2, 3]), np.array([11.0, 22, 33])),
    ([1, 2], (3, 4)),
    ([1, 1], [1, 1, 1]),
    (["a", "c", "a"], ["a", "b", "c", "a", "a"]),  # which one is missing?
    (["a", "x", "d"], ["a", "b", "c", "d"]),
    ([1, 9], [1, 2, 3, 4, 5, 9]),
    ([[]], []),
    (("list", []), ("tuple", [0, 1])),
    (("list", [], []), ("list", [1], [2])),
    (np.array([[1.0, 2], [4, 5]]), np.array([[1.0, 2], [3, 4]])),
    (A + np.outer(V[:3], V[:4]), A),
    ([5, 6, 7], [1, 2, 3, 4]),
    ("Tensor", "Linear"),
    ("ValueError", "TypeError"),
    (["a", "b"], ["c", "d"]),
    (["a", 2], [1, 2]),
    ((3, 4), (3, 5)),
    ({"a": 1}, {"a": 2}),
    ({}, {"a": 2}),
    ({"x": 1, "y": 2}, {"a": 1, "b": 2}),
    (object(), 3),
    (Tensor(V), 3),
    (None, None),
    (np.array([np.inf, 1.0]), np.array([np.inf, 2.0])),
    (np.zeros(0), np.zeros(0)),
    (np.zeros(0), V),
    (np.array(["a"]), V),
    (10**30, 5),
    (b"a", b"b"),
    (set(), {1}),
    (np.ones((500, 500)), np.arange(250_000.0).reshape(500, 500)),
]


def test_an_answer_that_nobody_asked_for_is_named():
    assert code(True, None) == code(False, None) == "answer"
    assert code(3, None) == code(None, None) == ""


@pytest.mark.parametrize(("got", "expected"), MUST_NOT_FIRE)
def test_nothing_is_named_without_proof(got, expected):
    assert code(got, expected) == ""


def test_random_wrong_answers_get_no_diagnosis():
    random = np.random.RandomState(1)
    named = []
    for _ in range(400):
        shape = tuple(random.randint(1, 5, size=random.randint(0, 4)))
        other = shape if random.rand() < 0.7 else tuple(random.randint(1, 5, size=len(shape)))
        expected, got = random.randn(*shape), random.randn(*other)
        named.append(code(got, expected))
    assert set(named) == {""}


def test_a_factor_names_what_is_as_long():
    assert "4 is the length of axis 1" in str(numeric_pattern(4 * A, A))
    assert "12 is the number of values" in str(numeric_pattern(A / 12, A))
    assert "ln 2" in str(numeric_pattern(A * np.log(2), A))
    assert "of axis" not in str(numeric_pattern(A * 7, A))


def test_patterns_survive_rounding_to_float32():
    big = RANDOM.randn(50, 40).astype(np.float32) * 1e3
    assert code((big * np.float32(1 / 50)).astype(np.float32), big) == "divided"
    assert code(big.T.copy(), big) == "transposed"


def test_printed_values():
    assert printed_pattern("3.5\n", None, 3.5).code == "pattern.printed_result"
    assert printed_pattern("the sum: [[1. 2.]\n [3. 4.]]", None, [[1, 2], [3, 4]])
    assert printed_pattern("shape (2, 3)", None, "shape (2, 3)")
    for printed, got, expected in [("", None, 3), ("4", None, 3), ("3", 3, 3), ("3", None, None)]:
        assert printed_pattern(printed, got, expected) is None
    assert printed_pattern("1 2", None, [1, 2, 3]) is None
    assert printed_pattern("x", None, object()) is None
