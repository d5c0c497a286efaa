"""Patterns in lists, tuples and dictionaries: an item missing, too many, or out of place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tito.checks.compare import close_difference, equal_difference
from tito.checks.patterns.kinds import kind_pattern
from tito.checks.values import NotNumbers, show
from tito.messages import Message

LONGEST = 200  # items
SHOWN = 3  # missing items


def sequence_pattern(got: Any, expected: Any) -> Message | None:
    """What the items of a list, tuple or dictionary say of the mistake."""
    if type(got) is type(expected) is dict:
        return _wrapped(list(got.values()), expected, "dict") or _key(got, expected)
    if type(got) is type(expected) is int and abs(expected) > 1:
        return _count(got, expected)
    if {type(got), type(expected)} - {list, tuple} or max(len(got), len(expected)) > LONGEST:
        return None
    if type(got) is not type(expected):
        return _other_kind(got, expected)
    if expected and not got:
        return Message("pattern.empty")
    return (
        _ones(got, expected)
        or _length(got, expected)
        or _missing(got, expected)
        or _wrapped(got, expected, type(got).__name__)
        or _turned(got, expected)
        or _empty_inside(got, expected)
        or _keys(got, expected)
        or _first_text(got, expected)
    )


def _other_kind(got: Sequence[Any], expected: Sequence[Any]) -> Message | None:
    """The right items in a list where a tuple is expected, or the reverse."""
    if len(got) != len(expected) or not _agree(got, expected):
        return None
    came, wanted = type(got).__name__, type(expected).__name__
    return Message("pattern.sequence_kind", got=came, expected=wanted)


def _count(got: int, expected: int) -> Message | None:
    if abs(got - expected) != 1:
        return None
    return Message("pattern.one_more" if got > expected else "pattern.one_less")


def _key(got: dict[Any, Any], expected: dict[Any, Any]) -> Message | None:
    missing = [key for key in expected if key not in got and type(key) is str]
    extra = [key for key in got if key not in expected and type(key) is str]
    if len(missing) == len(extra) == 1:
        return Message("pattern.key", got=repr(extra[0]), expected=repr(missing[0]))
    return None


def _ones(got: Sequence[Any], expected: Sequence[Any]) -> Message | None:
    """Shapes that differ by axes of length 1."""
    if type(expected) is not tuple or any(type(size) is not int for size in (*got, *expected)):
        return None
    if got == expected or [n for n in got if n != 1] != [n for n in expected if n != 1]:
        return None
    if len(got) == len(expected):
        return Message("pattern.ones_moved")
    return Message("pattern.ones_missing" if len(got) < len(expected) else "pattern.ones_extra")


def _length(got: Sequence[Any], expected: Sequence[Any]) -> Message | None:
    """The items of one are the first, or the last, items of the other."""
    longer, shorter = (got, expected) if len(got) > len(expected) else (expected, got)
    count = len(longer) - len(shorter)
    if count == 0 or len(shorter) < 2:
        return None
    word = "extra" if longer is got else "missing"
    ends = {"first": longer[count:], "last": longer[:-count]}
    fits = [end for end, rest in ends.items() if _agree(shorter, rest)]
    return Message(f"pattern.{fits[0]}_{word}", count=count) if len(fits) == 1 else None


def _missing(got: Sequence[Any], expected: Sequence[Any]) -> Message | None:
    """The right items in the right order, without a few."""
    if len(got) < 2 or not len(expected) - SHOWN <= len(got) < len(expected):
        return None
    rest, missing = list(got), []
    for item in expected:
        if rest and _agree_items(rest[0], item):
            del rest[0]
        else:
            missing.append(item)
    if rest or any(_agree_items(item, other) for item in missing for other in got):
        return None
    return Message("pattern.items_missing", items=", ".join(map(show, missing)))


def _wrapped(got: Sequence[Any], expected: Any, kind: str) -> Message | None:
    """What is expected, as the only item of a list, tuple or dictionary."""
    inside = len(got) == 1 and type(got[0]) is type(expected) and _agree_items(got[0], expected)
    return Message("pattern.wrapped", kind=kind) if inside and expected else None


def _empty_inside(got: Sequence[Any], expected: Sequence[Any]) -> Message | None:
    """One item is empty, and should not be; all others are right."""
    if len(got) != len(expected):
        return None
    pairs = zip(got, expected, strict=True)
    wrong = [pair for pair in pairs if not _agree_items(*pair)]
    kinds = {type(item) for pair in wrong for item in pair}
    is_empty = len(wrong) == len(kinds) == 1 and kinds <= {list, tuple} and not wrong[0][0]
    return Message("pattern.empty") if is_empty else None


def _keys(got: Sequence[Any], expected: Sequence[Any]) -> Message | None:
    """Texts only, where none is expected: the keys of a dictionary."""
    are_texts = len(got) == len(expected) and all(type(item) is str for item in got)
    has_texts = any(type(item) is str for item in expected)
    return Message("pattern.keys") if are_texts and expected and not has_texts else None


def _first_text(got: Sequence[Any], expected: Sequence[Any]) -> Message | None:
    """What the first text says that is not as expected, if it stands at its place."""
    pairs = zip(got, expected, strict=False)
    wrong = next((pair for pair in pairs if not _agree_items(*pair)), (None, None))
    return kind_pattern(*wrong) if {str} == {type(item) for item in wrong} else None


def _turned(got: Sequence[Any], expected: Sequence[Any]) -> Message | None:
    """The right items in another order."""
    if len(got) != len(expected) or len(got) < 2 or _agree(got, expected):
        return None
    rest = list(expected)
    for item in got:
        place = next((i for i, other in enumerate(rest) if _agree_items(item, other)), None)
        if place is None:
            return None
        del rest[place]
    is_turned = _agree(got, expected[::-1])
    return Message("pattern.items_reversed" if is_turned else "pattern.items_permuted")


def _agree(left: Sequence[Any], right: Sequence[Any]) -> bool:
    return all(_agree_items(a, b) for a, b in zip(left, right, strict=True))


def _agree_items(left: Any, right: Any) -> bool:
    try:
        return close_difference(left, right, 1e-5, 1e-6) is None
    except NotNumbers:
        pass
    try:
        return equal_difference(left, right) is None
    except TypeError:
        return left is right
