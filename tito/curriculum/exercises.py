"""The exercises of a module: each with its cell, its graded tests and its points."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tito.curriculum.modules import Module
from tito.literate.cells import Cell, ExerciseKind
from tito.literate.errors import SourceError
from tito.literate.reading import read_cells

TEST_PREFIX = "test_"
HIDDEN_PREFIX = "hidden_"


@dataclass(frozen=True)
class GradedTest:
    """One graded test of an exercise; learners never see what a hidden one asks."""

    cell: Cell
    is_hidden: bool = False

    @property
    def id(self) -> str:
        """The cell's id."""
        return self.cell.grade_id or ""

    @property
    def place(self) -> str:
        """The file name under which it is compiled."""
        return f"<test {self.id}>"

    @property
    def points(self) -> int:
        """What it is worth. A hidden test without points guards those of the visible one."""
        return self.cell.points


@dataclass(frozen=True)
class Exercise:
    """One exercise: the cell the learner fills in and the locked cells that grade it."""

    id: str
    module: Module
    cell: Cell
    tests: tuple[GradedTest, ...]

    @property
    def kind(self) -> ExerciseKind:
        """Ordinary; "open", with a contract and no hints about the way; or "bug hunt", whose cell
        holds a broken program to be repaired."""
        return self.cell.exercise_kind

    @property
    def test(self) -> Cell:
        """The cell of its visible test."""
        return self.tests[0].cell

    @property
    def points(self) -> int:
        """What it is worth."""
        return sum(test.points for test in self.tests)

    @property
    def name(self) -> str:
        """A short name to show and to type: "matmul_explicit"."""
        return self.id.removeprefix(f"{self.module.word}_")

    @property
    def defined(self) -> tuple[str, ...]:
        """The classes and functions that its cell defines, in order: "Linear"."""
        kinds = ast.FunctionDef | ast.ClassDef
        return tuple(node.name for node in self.cell.tree.body if isinstance(node, kinds))


def pair_exercises(
    module: Module, cells: Iterable[Cell], hidden: Mapping[str, Sequence[Cell]]
) -> tuple[Exercise, ...]:
    """The module's exercises in order, each with its tests.

    Args:
        cells: the literate file's.
        hidden: exercise id → cells of tests that learners do not see.

    Raises SourceError when an exercise has no test, a test no exercise, or an id stands twice.
    """
    listed = list(cells)
    tests = _by_id([cell for cell in listed if cell.is_test])
    wanted = _by_id([cell for cell in listed if cell.is_exercise])
    for name, cell in tests.items():
        if name.removeprefix(TEST_PREFIX) not in wanted:
            raise SourceError(cell.place(), f"test {name!r} belongs to no exercise.")
    for name, unused in hidden.items():
        if name not in wanted:
            raise SourceError(unused[0].place(), f"{module.label} has no exercise {name!r}.")
    return tuple(
        _pair(module, name, cell, tests, hidden.get(name, ())) for name, cell in wanted.items()
    )


def _pair(
    module: Module, name: str, cell: Cell, tests: dict[str, Cell], hidden: Sequence[Cell]
) -> Exercise:
    test = tests.get(TEST_PREFIX + name)
    if test is None:
        raise SourceError(
            cell.place(), f"exercise {name!r} has no graded test cell {TEST_PREFIX + name!r}."
        )
    unseen = (GradedTest(other, is_hidden=True) for other in hidden)
    return Exercise(name, module, cell, (GradedTest(test), *unseen))


def hidden_tests(path: Path) -> dict[str, list[Cell]]:
    """Exercise id → its hidden tests, from a percent file; empty if there is no such file.

    A cell with the id "hidden_tensor_matmul" belongs to the exercise "tensor_matmul"; a second one
    is "hidden_tensor_matmul.2".
    """
    if not path.is_file():
        return {}
    found: dict[str, list[Cell]] = {}
    for name, cell in _by_id([cell for cell in read_cells(path) if cell.is_test]).items():
        if not name.startswith(HIDDEN_PREFIX):
            raise SourceError(cell.place(), f"the id of a hidden test is {HIDDEN_PREFIX}… .")
        exercise = name.removeprefix(HIDDEN_PREFIX).partition(".")[0]
        found.setdefault(exercise, []).append(cell)
    return found


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
