"""What can be proved of a module by reading it: ids, points, guidance, notebook, structure."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from pathlib import Path

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.exercises import TEST_PREFIX, Exercise
from tito.curriculum.guidance import LEVELS
from tito.curriculum.modules import Module
from tito.curriculum.notebook import learner_notebook
from tito.literate.cells import Cell
from tito.literate.errors import SourceError
from tito.literate.solutions import BEGIN, END, broken_lines, regions, solution_lines

MISORDERED = re.compile(r"^# %% .*=.*\[markdown\]", re.MULTILINE)
TELLING = 24  # a solution line of at least so many characters gives something away
TEST_IMPORTS = {"numpy", "math", "re", "itertools", "random", "string", "io", "json", "warnings"}


def lint_module(curriculum: Curriculum, module: Module) -> list[str]:
    """Return one sentence for everything that does not hold of the module's text."""
    cells, found = curriculum.cells(module), curriculum.exercises(module)
    faults = _guidance(curriculum, module, found)
    for check in (_points, _ids, _limits, _regions, _test_imports, _anatomy):
        faults += check(module, cells, found)
    return faults + _misordered(module.source) + _notebook(curriculum, module, cells)


def _points(module: Module, cells: Sequence[Cell], found: Sequence[Exercise]) -> list[str]:
    total = sum(exercise.tests[0].points for exercise in found)
    return [] if total == module.points else [f"points add up to {total}, expected {module.points}"]


def _ids(module: Module, cells: Sequence[Cell], found: Sequence[Exercise]) -> list[str]:
    prefix = f"{module.word}_"
    return [
        f"id {exercise.id!r} does not start with {prefix!r} (so it may stand in another module too)"
        for exercise in found
        if not exercise.id.startswith(prefix)
    ]


def _regions(module: Module, cells: Sequence[Cell], found: Sequence[Exercise]) -> list[str]:
    faults = []
    for exercise in found:
        try:
            if not regions(exercise.cell):
                faults.append(f"{exercise.id} has no solution region")
        except SourceError as error:
            faults.append(str(error))
        if any(line.startswith(("import ", "from ")) for line in solution_lines(exercise.cell)):
            faults.append(f"{exercise.id} imports inside its solution region")
    return faults


def _limits(module: Module, cells: Sequence[Cell], found: Sequence[Exercise]) -> list[str]:
    known = {exercise.id for exercise in found}
    unknown = [limit.exercise for limit in module.limits if limit.exercise not in known]
    return [f"limits for unknown exercise {name!r}" for name in unknown]


def _guidance(curriculum: Curriculum, module: Module, found: Sequence[Exercise]) -> list[str]:
    guidance = curriculum.guidance(module)
    unknown = guidance.keys() - {exercise.id for exercise in found}
    faults = [f"guidance for unknown exercise {name!r}" for name in sorted(unknown)]
    for exercise in found:
        entry = guidance.get(exercise.id)
        hints, mistakes = (len(entry.hints), len(entry.mistakes)) if entry else (0, 0)
        if exercise.kind == "exercise" and (hints != LEVELS or mistakes < LEVELS):
            faults.append(
                f"{exercise.id} has {hints} hints and {mistakes} mistakes; "
                f"expected {LEVELS} and at least {LEVELS}"
            )
    return faults


def _test_imports(module: Module, cells: Sequence[Cell], found: Sequence[Exercise]) -> list[str]:
    """Test cells run in the judge, which must never import a learner's package."""
    return [
        f"{exercise.test.place()}: {TEST_PREFIX}{exercise.id} imports {name!r}"
        for exercise in found
        for node in ast.walk(ast.parse(exercise.test.source))
        for name in _imported(node)
        if name.split(".")[0] not in TEST_IMPORTS
    ]


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def _anatomy(module: Module, cells: Sequence[Cell], found: Sequence[Exercise]) -> list[str]:
    """Each test follows its exercise, before the next one; a test_module() is there."""
    order = [cell.grade_id for cell in cells if cell.is_exercise or cell.is_test]
    expected = [name for exercise in found for name in (exercise.id, TEST_PREFIX + exercise.id)]
    faults = [] if order == expected else ["test cells do not follow their exercises one by one"]
    if not any("def test_module" in cell.source for cell in cells):
        faults.append("there is no test_module()")
    return faults


def _misordered(path: Path) -> list[str]:
    """A markdown cell with its metadata in front silently becomes a code cell."""
    text = path.read_text(encoding="utf-8")
    lines = [text.count("\n", 0, match.start()) + 1 for match in MISORDERED.finditer(text)]
    return [f"{path}:{line}: [markdown] must come before the metadata" for line in lines]


def _notebook(curriculum: Curriculum, module: Module, cells: Sequence[Cell]) -> list[str]:
    """Nothing of a solution may stand in the learner's notebook."""
    sources = [cell["source"] for cell in json.loads(learner_notebook(curriculum, module))["cells"]]
    code = "\n".join(text if isinstance(text, str) else "".join(text) for text in sources)
    present = {line.strip() for line in code.splitlines()}
    faults = [f"the learner's notebook contains {mark!r}" for mark in (BEGIN, END) if mark in code]
    for cell in cells:
        if cell.is_exercise:
            faults += [
                f"the learner's notebook gives away a line of {cell.grade_id}: {line!r}"
                for line in solution_lines(cell)
                if len(line) >= TELLING and not line.startswith("#")
                if line in present and line not in broken_lines(cell)
            ]
    return faults
