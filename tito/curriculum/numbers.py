"""Module numbers as people write them: "1-7", "08, 14-19"."""

from __future__ import annotations

import re
from collections.abc import Iterable

RUN = re.compile(r"(\d{1,3})(?:\s*[-–]\s*(\d{1,3}))?")


def parse_numbers(text: str) -> tuple[int, ...]:
    """The numbers that a list of runs names, in order. Raises ValueError for any other text."""
    found: set[int] = set()
    for part in text.split(","):
        match = RUN.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"{part.strip()!r} is not a module number or a run such as 14-19")
        first, last = int(match[1]), int(match[2] or match[1])
        if first > last:
            raise ValueError(f"the run {part.strip()!r} goes backwards")
        found |= set(range(first, last + 1))
    return tuple(sorted(found))


def show_numbers(numbers: Iterable[int]) -> str:
    """The numbers for a narrow column: "01, 02", or "01-07" for a long run."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(map(_run, runs))


def _run(run: list[int]) -> str:
    ends = [f"{run[0]:02d}", f"{run[-1]:02d}"]
    return "-".join(ends) if len(run) > 2 else ", ".join(dict.fromkeys(ends))
