"""A cell: what it is for, its text, and where it stands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from tito.literate.errors import SourceError
from tito.literate.plain import plain_python
from tito.literate.syntax import syntax_tree

Role = Literal["exercise", "test", "written answer", "task", ""]
ExerciseKind = Literal["exercise", "open", "bug hunt"]
EXERCISE_KINDS: tuple[ExerciseKind, ...] = ("exercise", "open", "bug hunt")
DIRECTIVES = ("default_exp", "export")

# Formatters write "# | export" for "#| export".
DIRECTIVE = re.compile(r"#(?P<space>\s*)\|\s*(?P<name>\w+)\s*:?(?P<value>.*)$")
BEFORE_CODE = re.compile(r"\s*(#|%%|$)")


@dataclass(frozen=True)
class Cell:
    """One cell of a literate file or a notebook."""

    kind: str  # "code", "markdown" or "raw"
    source: str  # lines end with "\n", whatever the file's line ends are
    metadata: dict[str, Any] = field(default_factory=dict)
    line: int = 1  # 1-based line of the first source line; 1 in a notebook
    index: int = 0  # position among the file's cells
    origin: str = ""

    @property
    def nbgrader(self) -> dict[str, Any]:
        """The NBGrader metadata; empty for a cell that has none."""
        return self._table("nbgrader")

    def _table(self, name: str) -> dict[str, Any]:
        found = self.metadata.get(name)
        return found if isinstance(found, dict) else {}

    @property
    def grade_id(self) -> str | None:
        """The cell's id within its module. Raises SourceError if it is no text."""
        name = self.nbgrader.get("grade_id")
        if name is None or isinstance(name, str):
            return name
        raise SourceError(self.place(), f"grade_id is {name!r}, expected a text.")

    @property
    def role(self) -> Role:
        """What the cell is for, by NBGrader's metadata; empty for a cell that nobody grades.

        exercise: the learner writes, a test grades. test: the graded, locked cell. written
        answer: the learner writes (prose or code), a person grades. task: what a person asks for
        and grades, without a place to write in.
        """
        solution, grade, task = (bool(self.nbgrader.get(n)) for n in ("solution", "grade", "task"))
        if task:
            return "task"
        if solution:
            return "written answer" if grade else "exercise"
        return "test" if grade else ""

    @property
    def is_exercise(self) -> bool:
        """A cell in which the learner writes and that tests grade."""
        return self.role == "exercise"

    @property
    def is_test(self) -> bool:
        """A graded, locked cell."""
        return self.role == "test"

    @property
    def exercise_kind(self) -> ExerciseKind:
        """Which kind of exercise the metadata `tinytorch={"kind": …}` say it is.

        Raises SourceError for a kind that does not exist.
        """
        kind = self._table("tinytorch").get("kind", "exercise")
        if kind in EXERCISE_KINDS:
            return kind  # type: ignore[no-any-return]
        names = ", ".join(map(repr, EXERCISE_KINDS))
        raise SourceError(
            self.place(), f"the exercise's kind is {kind!r}; expected one of {names}."
        )

    @property
    def points(self) -> int:
        """What the cell is worth. Raises SourceError unless that is a whole number from 0."""
        points = self.nbgrader.get("points", 0)
        if isinstance(points, float) and points.is_integer():
            points = int(points)
        if isinstance(points, bool) or not isinstance(points, int) or points < 0:
            raise SourceError(
                self.place(), f"points are {points!r}, expected a whole number of 0 or more."
            )
        return points

    @property
    def lines(self) -> list[str]:
        r"""The source's lines as Python counts them: only "\n" ends one, no form feed does."""
        return self.source.split("\n")

    @cached_property
    def code(self) -> str:
        """The source as plain Python, line for line.

        Lines that only set up the notebook (`%matplotlib inline`, `!pip …`) become comments.
        Raises SourceError for other notebook lines, which would be lost in a file.
        """
        return plain_python(self.source, self.place)

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of `code`. Raises SourceError, with its place, where Python would not
        compile it."""
        return syntax_tree(self.code, self.place)

    @property
    def directives(self) -> dict[str, str]:
        """The `#| name value` lines at the cell's top: before code, between comments."""
        return {name: value for _, name, value in self.directive_lines}

    @property
    def directive_lines(self) -> list[tuple[int, str, str]]:
        """(1-based line, name, value) of every directive at the cell's top."""
        found = []
        for number, line in enumerate(self.lines, start=1):
            if directive := read_directive(line):
                found.append((number, *directive))
            elif not BEFORE_CODE.match(line):
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


def read_directive(line: str) -> tuple[str, str] | None:
    """(name, value) of a directive line.

    With a space, as formatters write it, only a known name makes a directive of it:
    "# | name | size |" is a table in a comment.
    """
    match = DIRECTIVE.match(line)
    if match and (not match["space"] or match["name"] in DIRECTIVES):
        return match["name"], match["value"].strip()
    return None


def with_source(cells: Iterable[Cell], sources: Mapping[str, str]) -> list[Cell]:
    """The cells, with the source of each cell whose grade_id stands in `sources` replaced."""
    return [replace(cell, source=sources.get(cell.grade_id or "", cell.source)) for cell in cells]
