"""``check`` and ``probe``: what graded test cells are written with.

A check that fails raises CheckFailed with the input, what was expected, what came and why, each as
one short line. It works in a notebook beside the learner's code and in the judge, where the values
come from another process.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from tito.checks.compare import close_difference, equal_difference
from tito.checks.values import numbers, shorten, show, signature, strip_addresses, unwrap

STUB = re.compile(r"Exercise (\w+) \(Module .*\) is not solved yet")
Function = TypeVar("Function", bound=Callable[..., Any])


class CheckFailed(AssertionError):
    """One check of a graded test failed.

    Fields: ``reason`` (one sentence), ``given``, ``expected``, ``got``, ``because`` (short texts),
    ``position`` (which check of the test, from 0) and ``signature`` (of what came, for machines).
    """

    def __init__(
        self,
        reason: str,
        *,
        given: str,
        expected: str,
        got: str,
        because: str = "",
        position: int = 0,
        signature: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.given = given
        self.expected = expected
        self.got = got
        self.because = because
        self.position = position
        self.signature = signature

    def __str__(self) -> str:
        rows = {
            "INPUT": self.given,
            "EXPECTED": self.expected,
            "GOT": self.got,
            "WHY": self.because,
        }
        lines = [f"  {label:<9} {text}" for label, text in rows.items() if text]
        return "\n".join([self.reason, *lines])


def is_stub_error(error: BaseException) -> bool:
    """Whether an exception comes from an exercise that nobody has solved yet."""
    return isinstance(error, NotImplementedError) and bool(STUB.match(str(error)))


class Check:
    """The checks of one test; ``position`` is the number of the latest check, from 0."""

    def __init__(self) -> None:
        self.position = -1

    def equal(self, got: Any, expected: Any, *, given: Any, because: str = "") -> None:
        """Fail unless got is exactly expected: shapes, counts, strings, bools, dtypes, lists.

        Types count: 1 is not True, a list is not a tuple. Integers are accepted for a float.
        """
        __tracebackhide__ = True
        self.position += 1
        reason = equal_difference(got, expected)
        if reason:
            raise self._failed(reason, given, show(expected), got, because)

    def close(
        self,
        got: Any,
        expected: Any,
        *,
        given: Any,
        because: str = "",
        rtol: float = 1e-5,
        atol: float = 1e-6,
    ) -> None:
        """Fail unless got has the shape of expected and every value is close to it.

        got may be a number, an array, or an object with ``.data``. A NaN is close to nothing.
        """
        __tracebackhide__ = True
        self.position += 1
        got = unwrap(got)
        reason = close_difference(got, expected, rtol, atol)
        if reason:
            raise self._failed(reason, given, _show_numbers(expected), got, because)

    def true(self, condition: Any, *, given: Any, because: str) -> None:
        """Fail unless the condition is True (a real bool, not something that looks true)."""
        __tracebackhide__ = True
        self.position += 1
        reason = equal_difference(condition, True)
        if reason:
            raise self._failed(
                "A property that must hold does not.", given, "True", condition, because
            )

    def raises(
        self,
        error: type[BaseException],
        call: Callable[[], Any],
        *,
        given: Any,
        mentions: Iterable[str] = (),
        because: str = "",
    ) -> None:
        """Fail unless call() raises this error (or a subclass) whose message has every mention."""
        __tracebackhide__ = True
        self.position += 1
        words = tuple(dict.fromkeys([mentions] if isinstance(mentions, str) else mentions))
        wanted = _wanted_error(error, words)
        try:
            result = call()
        except Exception as came:
            if is_stub_error(came):
                raise
            reason = _wrong_error(came, error, words)
            if reason:
                got = f"{_error_name(came)}: {shorten(str(came))}"
                raise self._failed(reason, given, wanted, got, because, raw=True) from None
            return
        reason = f"{error.__name__} is expected, but nothing was raised."
        got = f"no error; the result is {show(result)}"
        raise self._failed(reason, given, wanted, got, because, raw=True)

    def _failed(
        self, reason: str, given: Any, expected: str, got: Any, because: str, raw: bool = False
    ) -> CheckFailed:
        return CheckFailed(
            reason,
            given=shown_given(given),
            expected=expected,
            got=got if raw else show(got),
            because=because,
            position=self.position,
            signature=strip_addresses(got) if raw else signature(got),
        )


def shown_given(given: Any) -> str:
    """What a check says of its input, as text."""
    return given if type(given) is str else show(given)


def _error_name(error: BaseException) -> str:
    """The class name its author gave it, also when it crossed from another process."""
    return str(getattr(error, "type_name", type(error).__name__))


def _wanted_error(error: type[BaseException], words: tuple[str, ...]) -> str:
    mentioned = " and ".join(repr(word) for word in words)
    return f"{error.__name__}{f' whose message mentions {mentioned}' if mentioned else ''}"


def _wrong_error(came: Exception, error: type[BaseException], words: tuple[str, ...]) -> str | None:
    if not isinstance(came, error):
        return f"{error.__name__} is expected, but {_error_name(came)} was raised."
    missing = [word for word in words if word not in str(came)]
    if missing:
        return f"The error is of the right kind, but its message does not mention {missing[0]!r}."
    return None


def _show_numbers(expected: Any) -> str:
    """Lists shown as arrays of floats, so that EXPECTED and GOT read alike."""
    if type(expected) not in (list, tuple):
        return show(expected)
    array = numbers(expected)
    return show(array * 1.0 if array.dtype.kind in "iu" else array)


def probe(function: Function) -> Function:
    """Mark a function of a test cell that runs beside the learner's code and returns plain values.

    In a notebook that is where everything runs, so the function comes back unchanged. The judge
    ships its source to the learner's process: it may use the module's names, np and builtins only.
    """
    return function


check = Check()
