"""The exercises of a module: each with its cell, its graded test and its points."""

from __future__ import annotations

from dataclasses import dataclass

from tito.curriculum.manifest import Module
from tito.literate.errors import SourceError
from tito.literate.percent import Cell, read_cells

TEST_PREFIX = "test_"


@dataclass(frozen=True)
class Exercise:
    """One exercise: the cell the learner fills in and the locked cell that grades it."""

    id: str
    module: Module
    cell: Cell
    test: Cell

    @property
    def points(self) -> int:
        """What it is worth: the points of its test cell."""
        return self.test.points

    @property
    def title(self) -> str:
        """A short name for tables: "matmul explicit"."""
        return self.id.removeprefix(f"{self.module.word}_").replace("_", " ")


def exercises(module: Module, cells: list[Cell] | None = None) -> tuple[Exercise, ...]:
    """Return the module's exercises in order, from its reference file.

    Raises SourceError when an exercise has no test, a test no exercise, or an id stands twice.
    """
    cells = read_cells(module.source) if cells is None else cells
    tests = _by_id([cell for cell in cells if cell.is_test])
    wanted = _by_id([cell for cell in cells if cell.is_exercise])
    for name, cell in tests.items():
        if name.removeprefix(TEST_PREFIX) not in wanted:
            raise SourceError(cell.place(), f"test {name!r} belongs to no exercise.")
    return tuple(_pair(module, name, cell, tests) for name, cell in wanted.items())


def _pair(module: Module, name: str, cell: Cell, tests: dict[str, Cell]) -> Exercise:
    test = tests.get(TEST_PREFIX + name)
    if test is None:
        raise SourceError(
            cell.place(), f"exercise {name!r} has no graded test cell {TEST_PREFIX + name!r}."
        )
    return Exercise(name, module, cell, test)


def _by_id(cells: list[Cell]) -> dict[str, Cell]:
    found: dict[str, Cell] = {}
    for cell in cells:
        name = cell.grade_id
        if not name:
            raise SourceError(cell.place(), "an NBGrader cell without a grade_id.")
        if name in found:
            raise SourceError(
                cell.place(), f"the id {name!r} stands already at {found[name].place()}."
            )
        found[name] = cell
    return found
