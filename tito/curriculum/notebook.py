"""Make a learner's notebook: the literate file without its solutions."""

from __future__ import annotations

import platform
import re
from typing import Any

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.modules import Module
from tito.files import read_text
from tito.literate.solutions import stub

NOT_FOR_LEARNERS = ("lines_to_next_cell", "cell_marker")
COLLAPSED = {"source_hidden": True}  # JupyterLab shows a bar: a click opens it, and it runs closed

# As JupyterLab writes it on opening, for this Python: with any other, the notebook would count as
# changed before one has begun.
LANGUAGE_INFO = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
    "version": platform.python_version(),
}


def learner_notebook(curriculum: Curriculum, module: Module) -> str:
    """Return the notebook's JSON text: solutions replaced by stubs, tests collapsed, no output."""
    import jupytext  # half a second of imports that only this function needs

    notebook = jupytext.reads(read_text(module.source), fmt="py:percent")
    notebook.metadata.pop("jupytext", None)
    notebook.metadata["language_info"] = LANGUAGE_INFO
    exercises = curriculum.exercises(module)
    stubs = {e.id: stub(e.cell, module.label) for e in exercises}
    tests = {test.id for e in exercises for test in e.tests}
    for index, cell in enumerate(notebook.cells):
        _prepare(cell, index, stubs, tests)
    return str(jupytext.writes(notebook, fmt="ipynb"))


def _prepare(cell: Any, index: int, stubs: dict[str, str], tests: set[str]) -> None:
    grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
    cell["id"] = cell_id(grade_id, index)
    cell.source = stubs.get(grade_id, cell.source)
    for name in NOT_FOR_LEARNERS:
        cell.metadata.pop(name, None)
    if grade_id in tests:
        cell.metadata["jupyter"] = COLLAPSED


def cell_id(grade_id: str | None, index: int) -> str:
    """A valid, stable notebook cell id (at most 64 of letters, digits, - and _)."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", grade_id or f"cell-{index:03d}")[:64]
