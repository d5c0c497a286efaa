"""A module's explanations as plain text, for reading in a terminal."""

from __future__ import annotations

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.modules import Module
from tito.literate.cells import Cell


def prose(curriculum: Curriculum, module: Module) -> str:
    """The module's text in order, with a line where each exercise stands. No solutions."""
    cells = curriculum.cells(module)
    points = {exercise.id: exercise.points for exercise in curriculum.exercises(module)}
    return "\n\n".join(filter(None, (_text(cell, points) for cell in cells))) + "\n"


def _text(cell: Cell, points: dict[str, int]) -> str:
    if cell.kind == "markdown":
        return cell.source.strip()
    if cell.is_exercise and cell.grade_id is not None:
        return f"[exercise {cell.grade_id}: {points[cell.grade_id]} points]"
    return ""
