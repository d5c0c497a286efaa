"""The single change with which a learner's code would pass: what it is about, and what is left."""

from __future__ import annotations

import ast

import pytest

from tito.judge.refusals import refusal_hint
from tito.judge.repairs.candidates import candidates
from tito.judge.report import Failure
from tito.literate.cells import Cell
from tito.messages import Message

ADD = "#| export\ndef add(a, b):\n    {}\n"
OTHER = "def f(*items):\n    return 0\n"


def body(text):
    return text.split(":\n", 1)[1]


def changed(source, wanted=OTHER):
    """(code, the whole function) of every change that is tried."""
    tree = ast.parse(source)
    found = [(c.code, body(c.source)) for c in candidates(tree, ast.parse(wanted), ["f"])]
    assert ast.unparse(tree) == ast.unparse(ast.parse(source)), "the tree is what it was"
    return found


@pytest.mark.parametrize(
    ("code", "wrong", "right"),
    [
        ("comparison", "return a < b", "return a <= b"),
        ("comparison", "return a is b", "return a is not b"),
        ("nan", "return a > b", "return ~(a <= b)"),
        ("attribute", "return a.size == b.size", "return a.shape == b.shape"),
        ("attribute", "return a.data", "return a"),
        ("condition", "return a and b and c", "return a and c"),
        ("function", "return np.mean(a)", "return np.sum(a)"),
        ("end", "a.insert(0, b)", "a.append(b)"),
        ("arguments", "return move(a, b)", "return move(b, a)"),
        ("axis", "return a.sum(axis=0)", "return a.sum(axis=-1)"),
        ("keyword", "return a.sum(axis=0)", "return a.sum()"),
        ("operator", "return a // b", "return a / b"),
        ("operator", "return a + b", "return a - b"),
        ("brackets", "return a * b + c", "return a * (b + c)"),
        ("brackets", "return (a * b) ** 3", "return a * b ** 3"),
        ("sides", "return a - b", "return b - a"),
        ("term", "return 1 - a", "return a"),
        ("sign", "return -a", "return a"),
        ("sign", "return np.exp(a)", "return np.exp(-a)"),
        ("number", "return a[-1]", "return a[0]"),
        ("number", "return a[0]", "return a[-1]"),
        ("constant", "return f(keepdims=False)", "return f(keepdims=True)"),
        ("call", "return np.sqrt(a)", "return a"),
        ("call", "return a.astype(b)", "return a"),
        ("index", "return a[0]", "return a"),
        ("nesting", "return np.sum(np.log(a), axis=b)", "return np.log(np.sum(a, axis=b))"),
        ("square", "return a.sum()", "return (a * a).sum()"),
        ("order", "a()\n    b()\n    return c", "b()\n    a()\n    return c"),
        ("in_place", "a += b\n    return a", "a = a + b\n    return a"),
        ("added", "a += b\n    return a", "a = b\n    return a"),
        ("overwritten", "a = b\n    return a", "a += b\n    return a"),
        ("statement", "a()\n    return b", "return b"),
        ("indent", "if a:\n        b()\n        c()", "if a:\n        b()\n    c()"),
        ("leave", "for a in b:\n        break", "for a in b:\n        continue"),
        ("condition", "if a:\n        b()", "if not a:\n        b()"),
        ("name", "c = a\n    return b / c", "c = a\n    return a / c"),
    ],
)
def test_the_reverse_of_a_common_slip_is_tried(code, wrong, right):
    assert (code, f"    {right}") in changed(f"def f(a, b):\n    {wrong}\n")


def test_what_the_reference_says_too_is_left_alone():
    source = "def f(a, b):\n    c = a < b\n    return c + 1\n"
    wanted = "def f(a, b):\n    c = a < b\n    return c\n"
    codes = {code for code, _ in changed(source, wanted)}
    assert "operator" in codes and "comparison" not in codes
    assert changed(source, source) == []


def test_what_an_error_says_is_left_alone():
    source = "def f(a, b):\n    raise ValueError(a + b)\n"
    assert {code for code, _ in changed(source)} == {"statement"}


def told(bench, source):
    report = bench.judge(bench.solve("toy_add", ADD.format(source)))
    assert not report.passed
    return report.first_failure.failure.hint


def test_the_one_line_that_keeps_the_tests_from_passing_is_named(bench):
    message = "f'shapes {np.shape(a)} and {np.shape(b)} differ'"
    check = f"if np.shape(a) != np.shape(b):\n        raise ValueError({message})"
    hint = told(bench, f"{check}\n    c = 2 * b\n    return a + c - 7 * a")
    assert getattr(hint, "code", "") != "repair.here"  # two things are wrong
    hint = told(bench, f"{check}\n    c = b + 0.5\n    return a + c")
    assert hint.code == "repair.here" and hint.data["line"] == "c = b + 0.5"
    assert hint.data["what"].data["part"] == "b + 0.5"


def test_code_that_no_single_change_mends_gets_no_such_hint(bench):
    assert getattr(told(bench, "return 7 * a * a"), "code", "") != "repair.here"


def refused(code, line, source, reference=OTHER, **data):
    failure = Failure("check", Message(f"check.{code}", **data), line_text=line)
    found = refusal_hint(failure, Cell("code", source), Cell("code", reference))
    return found.code.removeprefix("refusal.") if found else ""


BOTH = "def f(x):\n    if x:\n        raise ValueError(1)\n    raise TypeError(2)\n"
KINDS = {"expected": "TypeError", "got": "ValueError"}


@pytest.mark.parametrize(
    ("wanted", "code", "line", "source", "data"),
    [
        ("order", "other_error", "raise ValueError(1)", BOTH, KINDS),
        ("kind", "other_error", "raise ValueError(1)", BOTH.replace("TypeE", "IndexE"), KINDS),
        ("too_late", "other_error", "return a.astype(int)", BOTH, KINDS),
        ("", "other_error", "", BOTH, KINDS),
        ("mention", "no_mention", "raise ValueError(1)", BOTH, {"word": "'(2, 2)'"}),
        ("", "no_mention", "return a + b", BOTH, {"word": "'(2, 2)'"}),  # as in the reference
        ("never", "no_error", "def f(x):", OTHER, {"expected": "ValueError"}),
        ("", "no_error", "def f(x):", BOTH, {"expected": "ValueError"}),
        ("", "value", "return 1", BOTH, {"place": "", "got": 1, "expected": 2}),
    ],
)
def test_the_learners_own_raise_is_named(wanted, code, line, source, data):
    assert refused(code, line, source, **data) == wanted


def test_an_error_that_is_not_the_learners_own_is_told_where_the_reference_has_one():
    line, word = "return a.reshape(b)", {"word": "'(2, 2)'"}
    assert refused("no_mention", line, OTHER, BOTH, **word) == "not_own"
