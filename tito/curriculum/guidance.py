"""Hints and planted mistakes (`guidance.toml` beside each literate file)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any

from tito.curriculum.manifest import Module
from tito.files import read_text
from tito.literate.errors import SourceError
from tito.literate.percent import Cell
from tito.literate.solutions import fill

LEVELS = 3


@dataclass(frozen=True)
class Mistake:
    """A wrong solution that learners really write, as a change of the reference solution."""

    name: str
    hint: str
    code: str = ""
    replace: str = ""
    with_: str = ""

    def apply(self, cell: Cell) -> str:
        """Return the reference cell's source with this mistake planted.

        Raises SourceError when the text to replace does not stand there exactly once.
        """
        if self.code:
            return fill(cell, self.code)
        count = cell.source.count(self.replace)
        if not self.replace or count != 1:
            raise SourceError(
                cell.place(),
                f"mistake {self.name!r} replaces {self.replace!r}, "
                f"which stands {count} times in exercise {cell.grade_id!r}; expected once.",
            )
        return cell.source.replace(self.replace, self.with_)


@dataclass(frozen=True)
class Guidance:
    """What an exercise offers to someone who is stuck."""

    hints: tuple[str, ...]
    mistakes: tuple[Mistake, ...]


def load_guidance(module: Module) -> dict[str, Guidance]:
    """Return exercise id → hints and mistakes. Raises SourceError on a malformed file."""
    try:
        table = tomllib.loads(read_text(module.guidance))
        return {name: _guidance(entry) for name, entry in table.items()}
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise SourceError(str(module.guidance), f"cannot be read: {error}.") from error


def _guidance(entry: dict[str, Any]) -> Guidance:
    hints = tuple(hint.strip() for hint in entry["hints"])
    return Guidance(hints, tuple(_mistake(mistake) for mistake in entry.get("mistakes", ())))


def _mistake(entry: dict[str, Any]) -> Mistake:
    fields = {"with_" if key == "with" else key: value for key, value in entry.items()}
    return Mistake(**fields)
