"""A module's explanations as plain text, for reading in a terminal."""

from __future__ import annotations

import re

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.modules import Module
from tito.literate.cells import Cell

EXPERIMENT = "[experiment: run it in the notebook]"
DETAILS = re.compile(r"<details>\s*<summary>(?P<title>.*?)</summary>.*?</details>", re.DOTALL)


def prose(curriculum: Curriculum, module: Module) -> str:
    """The module's text in order, with a line where exercises and experiments stand.

    No solutions, and no answers to questions: those are in the notebook.
    """
    points = {exercise.id: exercise.points for exercise in curriculum.exercises(module)}
    texts = [text for cell in curriculum.cells(module) if (text := _text(cell, points))]
    neighbours = zip(["", *texts], texts, strict=False)
    kept = [text for before, text in neighbours if not before == text == EXPERIMENT]
    return "\n\n".join(kept) + "\n"


def _text(cell: Cell, points: dict[str, int]) -> str:
    if cell.kind == "markdown":
        return DETAILS.sub(_closed, cell.source.strip())
    if cell.is_exercise and cell.grade_id is not None:
        return f"[exercise {cell.grade_id}: {_counted(points[cell.grade_id])}]"
    return EXPERIMENT if _is_experiment(cell) else ""


def _counted(points: int) -> str:
    return "1 point" if points == 1 else f"{points} points"


def _closed(details: re.Match[str]) -> str:
    """What a notebook unfolds by a click: "(answer: in the notebook)"."""
    title = details["title"].strip()
    return f"({title[:1].lower()}{title[1:]}: in the notebook)"


def _is_experiment(cell: Cell) -> bool:
    """Code to be run and looked at: neither graded, nor exported, nor the tests' set-up."""
    if cell.kind != "code" or cell.role or cell.is_export or cell.is_default_exp:
        return False
    return not any(word in cell.source for word in ("from tito.", "def test_module("))
