"""Read literate files: Jupytext percent `.py` and `.ipynb`, as the same list of cells.

jupytext makes the notebooks; this reader exists beside it because messages need the line
where a cell begins, and because a verdict must not wait for a conversion.
A test keeps the two in agreement.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tito.files import read_text
from tito.literate.errors import SourceError

MARKER = re.compile(r"^# %%(?:\s+\[(?P<kind>markdown|raw)\])?(?P<rest>(?:\s.*)?)$")
DIRECTIVE = re.compile(r"^#\|\s*(\w+)\s*(.*?)\s*$")
KEY = re.compile(r"\s*([\w-]+)=")


@dataclass(frozen=True)
class Cell:
    """One cell: what it is, its text, and where it stands."""

    kind: str  # "code", "markdown" or "raw"
    source: str
    metadata: dict[str, Any] = field(default_factory=dict)
    line: int = 1  # 1-based line of the first source line; 1 in a notebook
    index: int = 0  # position among the file's cells
    origin: str = ""

    @property
    def nbgrader(self) -> dict[str, Any]:
        """The NBGrader metadata; empty for a cell that has none."""
        found = self.metadata.get("nbgrader")
        return found if isinstance(found, dict) else {}

    @property
    def grade_id(self) -> str | None:
        """The cell's id within its module."""
        return self.nbgrader.get("grade_id")

    @property
    def is_exercise(self) -> bool:
        """A cell in which the learner writes."""
        return bool(self.nbgrader.get("solution"))

    @property
    def is_test(self) -> bool:
        """A graded, locked cell."""
        return bool(self.nbgrader.get("grade")) and not self.is_exercise

    @property
    def points(self) -> int:
        """What the test cell is worth."""
        return int(self.nbgrader.get("points", 0))

    @property
    def directives(self) -> dict[str, str]:
        """The `#| name value` lines at the cell's top."""
        found = {}
        for line in self.source.splitlines():
            match = DIRECTIVE.match(line)
            if match:
                found[match[1]] = match[2]
            elif line.strip():
                break
        return found

    @property
    def is_export(self) -> bool:
        """True when the cell goes into the package."""
        return self.kind == "code" and "export" in self.directives

    @property
    def is_default_exp(self) -> bool:
        """True when the cell names the export target."""
        return self.kind == "code" and "default_exp" in self.directives

    def place(self, line: int = 1) -> str:
        """Where line `line` of this cell is, as "file:line" or "file, cell n, line m"."""
        if self.origin.endswith(".ipynb"):
            return f"{self.origin}, cell {self.index + 1}, line {line}"
        return f"{self.origin}:{self.line + line - 1}"


def read_cells(path: Path) -> list[Cell]:
    """Return the cells of a percent `.py` file or an `.ipynb` notebook.

    Raises SourceError (with file:line) when the file is damaged.
    """
    text = read_text(path)
    origin = str(path)
    return parse_notebook(text, origin) if path.suffix == ".ipynb" else parse_percent(text, origin)


def parse_percent(text: str, origin: str = "") -> list[Cell]:
    """Return the cells of a percent-format text; `origin` is used in messages."""
    cells = []
    for index, (marker, number, lines) in enumerate(_chunks(text.splitlines())):
        match = MARKER.match(marker)
        assert match is not None  # _chunks splits at markers only
        kind = match["kind"] or "code"
        metadata = _metadata(match["rest"], f"{origin}:{number}")
        source = _trim(lines)
        if kind != "code":
            source = _prose(source, f"{origin}:{number + 1}")
        cells.append(Cell(kind, source, metadata, number + 1, index, origin))
    return cells


def _chunks(lines: list[str]) -> Iterator[tuple[str, int, list[str]]]:
    """Yield (marker line, its 1-based number, the lines below it) for each cell."""
    starts = [number for number, line in enumerate(lines) if MARKER.match(line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield lines[start], start + 1, lines[start + 1 : end]


def _trim(lines: list[str]) -> str:
    return "\n".join(lines).strip("\n")


def _metadata(text: str, place: str) -> dict[str, Any]:
    """Parse `key=json key=json …`, skipping a title in front."""
    first = KEY.search(text)
    position = first.start() if first else len(text)
    metadata = {}
    while match := KEY.match(text, position):
        try:
            metadata[match[1]], position = json.JSONDecoder().raw_decode(text, match.end())
        except json.JSONDecodeError as error:
            raise SourceError(
                place, f"cell metadata {match[1]!r} is not JSON ({error.msg})."
            ) from error
    if text[position:].strip():
        raise SourceError(place, f"cannot read cell metadata at {text[position:].strip()!r}.")
    return metadata


def _prose(source: str, place: str) -> str:
    """The text of a markdown cell: the inside of its string, or its uncommented lines."""
    if source.startswith(('"""', 'r"""', "'''", "r'''")):
        try:
            return str(ast.literal_eval(source)).strip("\n")
        except (SyntaxError, ValueError) as error:
            raise SourceError(place, f"the markdown string does not close ({error}).") from error
    return "\n".join(re.sub(r"^# ?", "", line) for line in source.splitlines())


def parse_notebook(text: str, origin: str = "") -> list[Cell]:
    """Return the cells of a notebook's JSON text; `origin` is used in messages."""
    try:
        entries = json.loads(text)["cells"]
        return [_notebook_cell(entry, index, origin) for index, entry in enumerate(entries)]
    except json.JSONDecodeError as error:
        raise SourceError(
            f"{origin}:{error.lineno}",
            f"this is not a notebook: the file is not valid JSON ({error.msg}).",
            "Restore a backup or a checkpoint of the notebook, or start over with a fresh copy: "
            "tito module reset (your file is kept as a backup).",
        ) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            origin,
            f"this JSON file is not a notebook (missing or odd part: {error}).",
            "Restore a backup, or get a fresh copy: tito module reset (your file is kept).",
        ) from error


def _notebook_cell(entry: dict[str, Any], index: int, origin: str) -> Cell:
    source = entry["source"]
    source = source if isinstance(source, str) else "".join(source)
    metadata = entry.get("metadata", {})
    return Cell(
        entry["cell_type"],
        source,
        metadata if isinstance(metadata, dict) else {},
        1,
        index,
        origin,
    )
