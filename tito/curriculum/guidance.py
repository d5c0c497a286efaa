"""Hints and planted mistakes (`guidance.toml` beside each literate file)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tito.curriculum.schema import GuidanceEntry, MistakeEntry, read_tables
from tito.literate.cells import Cell
from tito.literate.errors import SourceError
from tito.literate.solutions import fill

LEVELS = 3


@dataclass(frozen=True)
class Guidance:
    """What an exercise offers to someone who is stuck."""

    hints: tuple[str, ...]
    mistakes: tuple[MistakeEntry, ...]


def load_guidance(path: Path) -> dict[str, Guidance]:
    """Exercise id → hints and mistakes. A TitoError says what is wrong with a malformed file."""
    entries = read_tables(path, GuidanceEntry)
    return {
        name: Guidance(tuple(hint.strip() for hint in entry.hints), entry.mistakes)
        for name, entry in entries.items()
    }


def plant(mistake: MistakeEntry, cell: Cell) -> str:
    """The source of a reference cell with this mistake in it.

    Raises SourceError when the text to replace does not stand there exactly once.
    """
    if mistake.code:
        return fill(cell, mistake.code)
    count = cell.source.count(mistake.replace)
    if not mistake.replace or count != 1:
        raise SourceError(
            cell.place(),
            f"mistake {mistake.name!r} replaces {mistake.replace!r}, "
            f"which stands {count} times in exercise {cell.grade_id!r}; expected once.",
        )
    return cell.source.replace(mistake.replace, mistake.with_)
