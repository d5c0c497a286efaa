"""What a failing check tells: lengths first, no float dust, before and after, hints on demand."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tito import checks
from tito.checks import Check, CheckFailed, check
from tito.checks.patterns.errors import ENTRIES
from tito.checks.values import number, shortest, show, two_numbers
from tito.messages import Message, english


def failed(call, *args, **options):
    """The CheckFailed that a check raises."""
    with pytest.raises(CheckFailed) as caught:
        call(*args, **{"given": "input", **options})
    return caught.value


@pytest.mark.parametrize("method", ["equal", "close"])
def test_the_length_of_a_list_comes_first(method):
    reason = failed(getattr(check, method), [4, 2, 9], [3, 2, 9, 7]).reason
    assert str(reason) == "The result has length 3, but length 4 is expected."


def test_numbers_have_no_dust():
    assert show([np.float32(9.1), (np.float32(0.3),)]) == "[9.1, (0.3,)]"
    assert number(np.float32(9.1)) == "9.1" and number(3.0) == "3"
    assert shortest(0.1 + 0.2) == "0.30000000000000004" and shortest(1e300) == "1e+300"
    reason = failed(check.close, np.float32(9.1), 9.2).reason
    assert str(reason) == "The result is 9.1 instead of 9.2."


def test_two_numbers_can_be_told_apart():
    assert two_numbers(np.float32(1 / 3), 2 / 3) == ("0.33333334", "0.6666667")
    assert two_numbers(1.0, 1.0 + 1e-12) == ("1", "1.000000000001")


def test_the_dtype_is_named_where_it_is_the_difference():
    reason = failed(check.equal, "float64", "float32").reason
    assert str(reason) == "The result has dtype float64, but dtype float32 is expected."
    assert "has dtype int64" in str(failed(check.equal, np.dtype("int64"), np.float32).reason)


def test_an_index_inside_a_list_is_named():
    came, wanted = [np.array([1, 2])], [np.array([1, 3])]
    assert str(failed(check.equal, came, wanted).reason).startswith("At index [1] of [0] the")


def test_an_unchanged_argument_passes():
    array = np.array([1.0, np.nan])
    check.unchanged(array, array.copy(), given="x")
    check.unchanged({"a": [1]}, {"a": [1]}, given="x")
    check.unchanged(3, 3, given="x")


def test_a_changed_argument_is_shown_before_and_after():
    failure = failed(check.unchanged, np.array([0.0, 2, np.nan]), np.array([-1.0, 2, np.nan]))
    assert (failure.before[:8], failure.after[:8]) == ("[-1., 2.", "[0., 2.,")
    assert "is 0 instead of -1 (1 of 3 values differ)" in str(failure.reason)
    assert "  BEFORE    [-1." in str(failure) and "EXPECTED" not in str(failure)
    assert failure.hint == Message("pattern.changed_in_place")
    assert "shape (1,)" in str(failed(check.unchanged, np.ones(1), np.ones(2)).reason)


def test_given_and_because_may_be_functions_that_only_a_failure_calls():
    calls = []

    def given():
        calls.append("given")
        return [1, 2]

    check.equal(1, 1, given=given, because=given)
    check.raises(ValueError, lambda: int("x"), given=given)
    assert calls == []
    failure = failed(check.equal, 1, 2, given=given, because=lambda: "so it is")
    assert (failure.given, failure.because, calls) == ("[1, 2]", "so it is", ["given"])


def test_hints_are_found_when_asked_for():
    assert failed(check.close, -np.arange(4.0), np.arange(4.0)).hint == Message("pattern.sign")
    assert failed(check.equal, 5, 7).hint is None
    assert failed(check.true, False, because="x").hint is None


def test_a_list_may_be_expected_of_an_array():
    failure = failed(check.close, -np.array([1.5, 2.25]), [1.5, 2.25])
    assert failure.hint == Message("pattern.sign")


def test_what_was_printed_is_shown_and_read():
    own = Check(printed=lambda: "the mean is 4.5\n")
    failure = failed(own.close, None, 4.5)
    assert failure.printed == "the mean is 4.5\n"
    assert failure.hint == Message("pattern.printed_result")
    assert failed(own.raises, ValueError, lambda: None).hint == Message("pattern.printed_error")
    assert failed(check.raises, ValueError, lambda: None).hint is None


def test_an_unexpected_error_is_explained():
    failure = failed(check.raises, TypeError, lambda: bool(np.ones(2)))
    assert failure.hint == Message("pattern.array_truth")


def test_an_error_of_ours_is_not_the_learners():
    def ours():
        raise TypeError("tito fails on the way to the code")

    exec_space = {"__name__": "tito.sandbox.host.client", "TypeError": TypeError}
    exec("def ours():\n    raise TypeError('on the way')", exec_space)
    with pytest.raises(TypeError, match="on the way"):
        check.raises(TypeError, exec_space["ours"], given="x")
    check.raises(TypeError, ours, given="x")


def test_who_runs_the_test_says_which_errors_are_the_learners():
    class Remote(TypeError):
        """As it comes from another process."""

    def answer(error):
        raise error

    judging = Check(is_learners=lambda error: isinstance(error, Remote))
    judging.raises(TypeError, lambda: answer(Remote("shape")), given="x", mentions="shape")
    with pytest.raises(TypeError, match="of the test"):
        judging.raises(TypeError, lambda: answer(TypeError("of the test")), given="x")


def test_a_call_that_is_none_is_a_fault_of_the_test():
    with pytest.raises(TypeError, match="not callable"):
        check.raises(TypeError, None, given="x")


def test_every_code_has_a_sentence():
    folder = Path(checks.__file__).parent
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*.py")]
    used = {code for text in texts for code in re.findall(r'"((?:check|pattern)\.\w+)"', text)}
    used |= {f"pattern.{entry.code}" for entry in ENTRIES}
    assert len(used) > 100 and used <= set(english().sentences)
