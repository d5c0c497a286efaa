"""``check`` and ``probe``: what graded test cells are written with.

A check that fails raises CheckFailed with the input, what was expected, what came and why, each as
one short line. It works in a notebook beside the learner's code and in the judge, where the values
come from another process.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import Any, TypeVar

from tito.checks.compare import change, close_difference, equal_difference
from tito.checks.failed import CheckFailed, Frames, Text
from tito.checks.values import numbers, plain, shorten, show, signature, strip_addresses, unwrap
from tito.messages import Message
from tito.messages.stub import PATTERN

Function = TypeVar("Function", bound=Callable[..., Any])
Saying = Any  # a text, a value to be shown, or a function without arguments that gives one
Finder = Callable[[], Message | None]
WARNING = re.compile(r"^.*Warning: .*\n?(?:  \S.*\n?)?", re.MULTILINE)  # and the line it is about


def is_stub_error(error: BaseException) -> bool:
    """Whether an exception comes from an exercise that nobody has solved yet."""
    return isinstance(error, NotImplementedError) and bool(PATTERN.match(str(error)))


class Check:
    """The checks of one test; ``position`` is the number of the latest check, from 0.

    ``given`` and ``because`` are texts, or functions that are called only if the check fails.
    ``printed`` gives what the learner's code has printed since the test began, where that is known.
    ``is_learners`` tells an error of the learner's code from one of the test around it: an error
    that is expected must come from the learner.
    """

    def __init__(
        self,
        printed: Callable[[], str] = str,
        is_learners: Callable[[Exception], bool] | None = None,
    ) -> None:
        self.position = -1
        self.printed = printed
        self.is_learners = is_learners or _raised_outside_tito

    def equal(self, got: Any, expected: Any, *, given: Saying, because: Saying = "") -> None:
        """Fail unless got is exactly expected: shapes, counts, strings, bools, dtypes, lists.

        Types count: 1 is not True, a list is not a tuple. Integers are accepted for a float.
        """
        __tracebackhide__ = True
        self.position += 1
        reason = equal_difference(got, expected)
        if reason:
            raise self._wrong_value(reason, given, because, got, expected, show(expected))

    def close(
        self,
        got: Any,
        expected: Any,
        *,
        given: Saying,
        because: Saying = "",
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
            shown = _show_numbers(expected)
            raise self._wrong_value(reason, given, because, got, expected, shown)

    def true(self, condition: Any, *, given: Saying, because: Saying) -> None:
        """Fail unless the condition is True (a real bool, not something that looks true)."""
        __tracebackhide__ = True
        self.position += 1
        if equal_difference(condition, True):
            rows = {"expected": "True", "got": show(condition), "signature": signature(condition)}
            raise self._failed(Message("check.property"), given, because, rows)

    def unchanged(self, now: Any, before: Any, *, given: Saying, because: Saying = "") -> None:
        """Fail unless a value that the code was handed is what it was before.

        ``before`` is a copy made before the call. Both are shown when they differ.
        """
        __tracebackhide__ = True
        self.position += 1
        now, before = unwrap(now), unwrap(before)
        difference = change(now, before)
        if difference:
            reason = Message("check.changed", difference=difference)
            rows = {"before": show(before), "after": show(now), "signature": signature(now)}
            found = Message("pattern.changed_in_place")
            raise self._failed(reason, given, because, rows, lambda: found)

    def raises(
        self,
        error: type[BaseException],
        call: Callable[[], Any],
        *,
        given: Saying,
        mentions: Iterable[str] = (),
        because: Saying = "",
    ) -> None:
        """Fail unless call() raises this error (or a subclass) whose message has every mention."""
        __tracebackhide__ = True
        self.position += 1
        words = tuple(dict.fromkeys([mentions] if isinstance(mentions, str) else mentions))
        reason, shown, find_hint, frames = self._outcome(error, call, words)
        if reason:
            wanted, text = _wanted_error(error, words), strip_addresses(str(shown))
            rows = {"expected": wanted, "got": shown, "signature": text, "frames": frames}
            raise self._failed(reason, given, because, rows, find_hint)

    def _outcome(
        self, error: type[BaseException], call: Callable[[], Any], words: tuple[str, ...]
    ) -> tuple[Message | None, Text, Finder, Frames]:
        """What is wrong with what call() does (None: nothing), how it is shown, what may help, and
        the lines of an error."""
        try:
            result = call()
        except Exception as came:
            if is_stub_error(came) or not self.is_learners(came):
                raise
            find_hint = _error_finder(came, words, error)
            frames = getattr(came, "frames", ())
            return _wrong_error(came, error, words), _shown_error(came), find_hint, frames
        reason = Message("check.no_error", expected=error.__name__)
        return reason, Message("check.no_error_result", result=show(result)), self._silent, ()

    def _wrong_value(
        self, reason: Message, given: Saying, because: Saying, got: Any, expected: Any, wanted: str
    ) -> CheckFailed:
        rows = {"expected": wanted, "got": show(got), "signature": signature(got)}
        printed, got = self.printed(), plain(got)

        def find_hint() -> Message | None:
            from tito.checks.patterns import numeric_pattern, printed_pattern

            return printed_pattern(printed, got, expected) or numeric_pattern(got, expected)

        return self._failed(reason, given, because, rows, find_hint)

    def _silent(self) -> Message | None:
        spoken = WARNING.sub("", self.printed()).strip()
        return Message("pattern.printed_error") if spoken else None

    def _failed(
        self,
        reason: Message,
        given: Saying,
        because: Saying,
        rows: Mapping[str, Any],
        find_hint: Finder = lambda: None,
    ) -> CheckFailed:
        return CheckFailed(
            reason,
            given=shown_given(given),
            because=shown_given(because),
            position=self.position,
            printed=self.printed(),
            find_hint=find_hint,
            **rows,
        )


def shown_given(given: Saying) -> str:
    """What a check says of its input, as text."""
    value = given() if type(given) is FunctionType else given
    return value if type(value) is str else show(value)


def _raised_outside_tito(error: Exception) -> bool:
    """In a notebook, where everything runs together: it was not raised in a frame of tito's."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    home = str(trace.tb_frame.f_globals.get("__name__", "")) if trace else ""
    return home.partition(".")[0] != "tito"


def _error_name(error: BaseException) -> str:
    """The class name its author gave it, also when it crossed from another process."""
    return str(getattr(error, "type_name", type(error).__name__))


def _shown_error(error: BaseException) -> str:
    return f"{_error_name(error)}: {shorten(str(error))}"


def _error_finder(error: Exception, words: tuple[str, ...], wanted: type[BaseException]) -> Finder:
    name, message = _error_name(error), str(error)

    def find_hint() -> Message | None:
        from tito.checks.patterns import error_pattern, mention_pattern

        if not isinstance(error, wanted):
            return error_pattern(name, message, "")
        return mention_pattern(message, _missing(words, message)[0])

    return find_hint


def _missing(words: tuple[str, ...], message: str) -> list[str]:
    return [word for word in words if word not in message]


def _wanted_error(error: type[BaseException], words: tuple[str, ...]) -> Text:
    if not words:
        return error.__name__
    mentioned: Text = repr(words[0])
    for word in words[1:]:
        mentioned = Message("check.and", left=mentioned, right=repr(word))
    return Message("check.wanted_error", error=error.__name__, words=mentioned)


def _wrong_error(
    came: Exception, error: type[BaseException], words: tuple[str, ...]
) -> Message | None:
    if not isinstance(came, error):
        return Message("check.other_error", expected=error.__name__, got=_error_name(came))
    missing = _missing(words, str(came))
    return Message("check.no_mention", word=repr(missing[0])) if missing else None


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
