"""When two arrays agree, and whether that can be chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from tito.messages import Message

RELATIVE = 2e-5  # float32 noise of a short computation
ENOUGH = 3  # different values that leave no room for chance
Rule = Callable[[np.ndarray, np.ndarray], Message | None]


def same(left: np.ndarray, right: np.ndarray) -> bool:
    """Whether two arrays agree in shape and, but for rounding noise, in every value."""
    if left.shape != right.shape or not (np.isfinite(left).all() and np.isfinite(right).all()):
        return False
    noise = RELATIVE * 0.05 * float(np.abs(right).max(initial=0.0))
    return bool(np.allclose(left, right, rtol=RELATIVE, atol=noise))


def distinct(values: np.ndarray) -> int:
    """How many different values there are, but for rounding noise."""
    largest = float(np.abs(values).max(initial=0.0))
    return len(np.unique(np.round(values / largest, 5))) if largest else min(values.size, 1)


def telling(values: np.ndarray) -> bool:
    """Whether agreeing with a function of these values is more than chance.

    That takes two different sizes, or one number with many digits: 2.0794, not 2 or 0.5.
    """
    sizes = np.abs(values[values != 0])
    return distinct(sizes) > 1 or (sizes.size > 0 and _many_digits(float(sizes.flat[0])))


def plenty(values: np.ndarray) -> bool:
    """Whether agreeing in one free number, such as a factor, is more than chance."""
    count = distinct(values)
    return count >= ENOUGH or (count > 1 and any(map(_many_digits, np.unique(values)[:16])))


def _many_digits(value: float) -> bool:
    return abs(float(f"{value:.3g}") - value) > 1e-4 * abs(value)


def first(rules: Iterable[Rule], got: np.ndarray, expected: np.ndarray) -> Message | None:
    """What the first rule says that fits."""
    found = (rule(got, expected) for rule in rules)
    return next((message for message in found if message), None)


def only(rules: Iterable[Rule], got: np.ndarray, expected: np.ndarray) -> Message | None:
    """What the one rule says that fits; None where two fit, for nobody knows which it is."""
    found = [message for rule in rules if (message := rule(got, expected))]
    return found[0] if len(found) == 1 else None
