"""Mistakes that show in an error: real code is run, and what it raises is read."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tito.checks.patterns import error_pattern, mention_pattern
from tito.messages import english


class Tensor:
    """As little of a Tensor as it takes to be mistaken for an array."""

    def __init__(self, data):
        self.data = np.asarray(data, dtype=np.float32)
        self.grad = None

    @property
    def shape(self):
        return self.data.shape

    def mean(self):
        return Tensor(self.data.mean())

    def late(self):
        return self.weights

    def set_shape(self):
        self.shape = (1, 2)


def raised(line):
    """The error of one line of code, as (type name, message)."""
    space = {"np": np, "math": math, "Tensor": Tensor, "a": np.ones((2, 3)), "v": np.ones(3)}
    space |= {"t": Tensor([1, 2, 3]), "n": np.float32(3), "none": None, "f": lambda x: x}
    with pytest.raises(Exception) as caught:
        exec(line, space)
    return type(caught.value).__name__, str(caught.value)


CASES = [
    ("data_doubled", "t.data.data.dtype"),
    ("index_shapes", "np.eye(6)[[0, 1], [[0, 1, 2], [3, 4, 5]]]"),
    ("array_for_tensor", "t.data.grad"),
    ("array_for_tensor", "v.backward()"),
    ("data_missing", "t.astype(float)"),
    ("data_missing", "t.T"),
    ("none_used", "t.grad.data"),
    ("none_used", "none + 1"),
    ("none_used", "-none"),
    ("none_used", "none < 3"),
    ("none_used", "none[0]"),
    ("none_used", "x, y = none"),
    ("none_used", "none()"),
    ("none_used", "np.exp(none)"),
    ("number_used", "(3).shape"),
    ("number_used", "n.append(3)"),
    ("number_used", "for x in 3: pass"),
    ("number_used", "x, y = 3"),
    ("number_used", "n.size[0]"),
    ("number_indexed", "n[0]"),
    ("list_used", "[1, 2].shape"),
    ("list_used", "[1, 2] - [1, 2]"),
    ("list_used", "[1, 2] * 1.5"),
    ("list_used", "[1, 2] + 1"),
    ("list_used", "[[1], [2]][0, 1]"),
    ("list_compared", "[1, 2] > 0"),
    ("not_called", "f.shape"),
    ("not_called", "t.mean + 1"),
    ("not_called", "v.mean.dtype"),
    ("class_used", "Tensor.nothing"),
    ("class_used", "Tensor.mean()"),
    ("no_setter", "t.set_shape()"),
    ("not_in_module", "np.maximun(v, 0)"),
    ("not_in_module", "math.mean(v)"),
    ("parentheses", "1 < 2.0 | 3.0 > 1"),
    ("parentheses", "(v > 0) | v"),
    ("inner_sizes", "a @ a"),
    ("inner_sizes", "np.dot(a, a)"),
    ("shape_called", "a.shape(0)"),
    ("called_value", "v(0)"),
    ("called_value", "f(t.data)(3)"),
    ("called_value", "t.data[0](3 + 4)"),
    ("square_call", "f[0]"),
    ("square_call", "v.mean[0]"),
    ("self_missing", "type('A', (), {'go': lambda: 3})().go()"),
    ("self_missing", "self.x"),
    ("tuple_fixed", "a.shape[0] = 3"),
    ("raise_text", "raise 'shapes differ'"),
    ("python_max", "max(v, 0)"),
    ("python_max", "x = [min(row, 1) for row in a]"),
    ("and_or", "v > 0 and v < 1"),
    ("and_or", "not v"),
    ("array_truth", "if v > 0: pass"),
    ("array_truth", "if np.max(v, keepdims=True) == v: pass"),
    ("math_on_array", "math.exp(v)"),
    ("math_on_array", "math.exp(t)"),
    ("array_for_number", "v[0] = v"),
    ("tensor_for_array", "np.exp(t)"),
    ("in_place_dtype", "x = np.arange(3); x += 0.5"),
    ("in_place_shape", "v += a"),
    ("read_only", "np.broadcast_to(v, (2, 3))[0, 0] = 1"),
    ("float_index", "v[1.0]"),
    ("float_index", "v[:3 / 2]"),
    ("float_index", "v[v]"),
    ("float_index", "range(3 / 1)"),
    ("unexpected_keyword", "Tensor(dim=1)"),
    ("unpacked", "[a for a, b in [(1, 2, 3)]]"),
    ("float_index", "[1, 2][1.0]"),
    ("axis_missing", "v.sum(axis=1)"),
    ("too_many_indices", "v[0, 1]"),
    ("index_end", "v[3]"),
    ("shape_unpacked", "n, m = v.shape"),
    ("shape_unpacked", "n, m = np.ones((1, 2, 3)).shape"),
    ("shape_unpacked", "v.shape[1]"),
    ("operand_turned", "a + a.T"),
    ("axis_lost", "a - a.sum(axis=1)"),
    ("own_raise", "raise ValueError('the shapes differ')"),
    ("own_raise", "raise KeyError('b')"),
    ("zero_division", "1 / 0"),
    ("key_missing", "{}['a']"),
    ("assert_used", "assert v.shape == (2,), 'no'"),
    ("no_axes", "len(np.array(3))"),
    ("no_axes", "for x in np.array(3): pass"),
    ("data_doubled", "x = v.data; x *= 2.0"),
    ("inner_sizes_T", "a @ np.ones((5, 2, 4)).T"),
    ("unbound", "def g():\n    x += 1\ng()"),
    ("converted_array", "float(a)"),
    ("converted_array", "float(v)"),
    ("converted_array", "x = int(v)"),
    ("array_for_number", "np.ones(3).__float__()"),
    ("recursion", "def g(): return g()\ng()"),
    ("overflow", "math.exp(1000)"),
    ("changed_in_loop", "d = {1: 2}\nfor k in d: d[3] = 4"),
    ("unhashable", "{v: 1}"),
]


@pytest.mark.parametrize(("code", "line"), CASES)
def test_an_error_is_explained(code, line):
    message = error_pattern(*raised(line), line)
    assert message is not None and message.code == f"pattern.{code}"
    assert english().say(message)


def test_an_attribute_that_was_never_set():
    name, text = raised("t.late()")
    assert error_pattern(name, text, "return self.weights").code == "pattern.unset"
    assert error_pattern(name, text, "return other.weights") is None


RECURSION = ("RecursionError", "maximum recursion depth exceeded")


@pytest.mark.parametrize("line", ["return other + self", "return self @ other"])
def test_an_operator_that_uses_itself(line):
    class Number:
        def __add__(self, other):
            return other + self

        __radd__ = __matmul__ = __add__

    with pytest.raises(RecursionError) as caught:
        Number() + 1
    found = error_pattern("RecursionError", str(caught.value), line)
    assert found.code == "pattern.recursion_operator" and english().say(found)


@pytest.mark.parametrize("line", ["return self.walk(other + self)", "return n + walk(self)", ""])
def test_other_recursion(line):
    assert error_pattern(*RECURSION, line).code == "pattern.recursion"


def test_a_missing_import():
    assert error_pattern("NameError", "name 'np' is not defined", "").code == (
        "pattern.import_missing"
    )


@pytest.mark.parametrize(
    "line",
    [
        "undefined",
        "int(str([1, 2]))",
        "v[7]",
        "np.ones((2, 3)) + np.ones((4, 5))",
        "np.ones(4).reshape(3, 2)",
        "int('x')",
        "Tensor()",
        "object().nothing",
        "open('/no/such/file')",
    ],
)
def test_an_error_that_says_enough_itself(line):
    assert error_pattern(*raised(line), line) is None


def test_the_line_may_be_unknown():
    assert error_pattern(*raised("math.exp(v)"), "") is None
    assert error_pattern(*raised("v[0] = v"), "def f(v):") is None
    assert error_pattern(*raised("Tensor.nothing"), "def f(v):") is None
    assert error_pattern(*raised("max(v, 0)"), "").code == "pattern.array_truth"


def test_a_message_that_counts_from_elsewhere():
    found = mention_pattern("params[2] is a str", "params[1]")
    assert found.code == "pattern.counted" and english().say(found)
    assert mention_pattern("axis 12 of 3", "axis 1") is None
    assert mention_pattern("target 9 at (3,)", "2") is None


def test_a_message_with_two_things_exchanged():
    found = mention_pattern("shapes differ: 3 meets 4", "4 meets 3")
    assert found.code == "pattern.exchanged" and english().say(found)
    assert mention_pattern("shapes differ", "(2, 3)") is None


def test_long_messages_cost_nothing():
    assert error_pattern("ValueError", "x" * 10**7, "y") is None
