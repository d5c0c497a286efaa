"""What the curriculum says about a module, for the judge: exercises, tests, names."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.exercises import Exercise
from tito.curriculum.modules import Module
from tito.errors import TitoError
from tito.judge.names import Names, module_names
from tito.literate.cells import Cell
from tito.literate.syntax import parsed

INTEGRATION = "def test_module("
CALL = "\ntest_module()"


@dataclass(frozen=True)
class AnswerKey:
    """The reference side of a judgement."""

    module: Module
    cells: tuple[Cell, ...]
    setup: tuple[Cell, ...]  # what the tests import from earlier modules
    exercises: tuple[Exercise, ...]
    names: Names
    texts: dict[str, str]  # place of each graded test -> its source
    integration: str = ""  # the source of the cell with test_module()

    @property
    def unexported(self) -> frozenset[str]:
        """The exercises that are no part of the package."""
        return frozenset(e.id for e in self.exercises if not e.cell.is_export)

    def select(self, only: str | Iterable[str] | None) -> tuple[Exercise, ...]:
        """The exercises to judge, in order. Raises TitoError for an id that does not exist."""
        if only is None:
            return self.exercises
        wanted = {only} if isinstance(only, str) else set(only)
        known = [exercise.id for exercise in self.exercises]
        for name in sorted(wanted - set(known)):
            raise TitoError(
                f"There is no exercise {name!r} in this module.",
                f"Its exercises are: {', '.join(known)}.",
                exit_code=2,
            )
        return tuple(exercise for exercise in self.exercises if exercise.id in wanted)


def answer_key(curriculum: Curriculum, module: Module) -> AnswerKey:
    """The answer key of a module, from its reference file and its hidden tests."""
    cells, found = curriculum.cells(module), curriculum.exercises(module)
    setup = tuple(_setup(cells))
    own = [c for c in cells if c.kind == "code" and (c.is_export or c.is_exercise)]
    names = module_names(cell.source for cell in (*setup, *own))
    texts = {test.place: test.cell.source for exercise in found for test in exercise.tests}
    return AnswerKey(module, cells, setup, found, names, texts, _integration(cells))


def _integration(cells: Sequence[Cell]) -> str:
    """The source of the cell that defines test_module(), and calls it; empty if there is none."""
    code = (c.source for c in cells if c.kind == "code" and not c.is_export)
    found = next((text for text in code if INTEGRATION in text), "")
    return found if not found or CALL in found else f"{found}\n{CALL}\n"


def _setup(cells: Sequence[Cell]) -> Iterator[Cell]:
    """Cells that import something for the tests, without what only a notebook has (tito).

    They are the reference's, so that nothing a learner does to theirs changes what tests see.
    Their indices are negative: they are no cells of the learner's file.
    """
    for cell in cells:
        if cell.kind == "code" and not (cell.is_export or cell.is_exercise or cell.is_test):
            body = parsed(cell.source).body
            if body and all(
                isinstance(statement, ast.Import | ast.ImportFrom) for statement in body
            ):
                kept = [ast.unparse(statement) for statement in body if not _of_tito(statement)]
                yield replace(cell, source="\n".join(kept), index=-1 - cell.index)


def _of_tito(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith("tito")
