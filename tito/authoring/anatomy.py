"""What a module's text must have, as far as a program can see: frame, figures, questions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.modules import Module
from tito.curriculum.schema import TextEntry
from tito.literate.cells import Cell
from tito.literate.solutions import solution_lines, without_markers

HEADING = re.compile(r"^#{1,2} .+$", re.MULTILINE)
QUESTION = re.compile(r"^\*\*\d+\.", re.MULTILINE)
ITEM = re.compile(r"^(?:[*-]|\d+\.) ", re.MULTILINE)


@dataclass(frozen=True)
class Shares:
    """How much of a module the learner writes. Lines are code lines: no comments, no docstrings."""

    written: int  # by the learner, in exercises of all kinds
    written_exported: int  # of those, the ones that go into the package
    exported: int  # all lines of the package that come from this module
    hours: float  # the middle of what the manifest says

    @property
    def share(self) -> float:
        """The learner's part of the exported lines."""
        return self.written_exported / max(self.exported, 1)

    @property
    def per_hour(self) -> float:
        """Lines that a learner writes in an hour."""
        return self.written / self.hours


def anatomy_faults(curriculum: Curriculum, module: Module) -> list[str]:
    """One sentence for everything that the module's text lacks of the manifest's `[text]`."""
    wanted, cells = curriculum.text, curriculum.cells(module)
    if wanted is None:
        return []
    prose = "\n\n".join(cell.source for cell in cells if cell.kind == "markdown")
    return [
        *_frame_faults(wanted, prose),
        *_info_faults(module, prose),
        *_count_faults(wanted, prose, cells),
        *_exercise_faults(wanted, curriculum, module),
        *_width_faults(wanted, module),
    ]


def shares(curriculum: Curriculum, module: Module) -> Shares:
    """Who writes how much of the module."""
    cells = curriculum.cells(module)
    written = [(cell, _counted(solution_lines(cell))) for cell in cells if cell.is_exercise]
    exported = [cell for cell in cells if cell.is_export]
    first, _, last = module.hours.partition("-")
    return Shares(
        written=sum(count for _, count in written),
        written_exported=sum(count for cell, count in written if cell.is_export),
        exported=sum(code_lines(without_markers(cell.source)) for cell in exported),
        hours=(int(first) + int(last or first)) / 2,
    )


def code_lines(source: str) -> int:
    """The lines of a Python text that are neither blank, comment nor docstring."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    told: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            text = node.body[0]
            told |= set(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    lines = enumerate(source.split("\n"), start=1)
    return _counted(line.strip() for number, line in lines if number not in told)


def _counted(lines: Iterator[str] | Sequence[str]) -> int:
    return sum(bool(line) and not line.startswith("#") for line in lines)


def _frame_faults(wanted: TextEntry, prose: str) -> Iterator[str]:
    """Every heading of the frame is there, and in this order."""
    found = [heading.strip() for heading in HEADING.findall(prose)]
    position = -1
    for heading in wanted.frame:
        places = [i for i, name in enumerate(found) if name == heading and i > position]
        if places:
            position = places[0]
        else:
            where = "out of its order" if heading in found else "missing"
            yield f"the heading {heading!r} is {where}"


def _info_faults(module: Module, prose: str) -> Iterator[str]:
    """The line below the title says what the manifest says."""
    info = f"**{module.tier}** | {module.dots} | {module.hours} hours | Prerequisites: "
    if not prose.startswith(f"# Module {module.id}: "):
        yield f"the text does not begin with '# Module {module.id}: …'"
    if info not in prose:
        yield f"the info line is not '{info}…'"


def _count_faults(wanted: TextEntry, prose: str, cells: Sequence[Cell]) -> Iterator[str]:
    questions = len(QUESTION.findall(_section(prose, "## Questions")))
    figures = sum("plt." in cell.source for cell in cells if cell.kind == "code" and not cell.role)
    readings = len(ITEM.findall(_section(prose, "## Further reading")))
    for what, count, least in (
        ("questions", questions, wanted.questions),
        ("figures", figures, wanted.figures),
        ("items of further reading", readings, wanted.readings),
    ):
        if count < least:
            yield f"{count} {what}, expected at least {least}"


def _section(prose: str, heading: str) -> str:
    """The text between a heading and the next of its kind or higher."""
    after = prose.partition(f"\n{heading}\n")[2]
    end = HEADING.search(after)
    return after[: end.start()] if end else after


def _exercise_faults(wanted: TextEntry, curriculum: Curriculum, module: Module) -> Iterator[str]:
    found = curriculum.exercises(module)
    for kind in wanted.kinds:
        if all(exercise.kind != kind for exercise in found):
            yield f"no exercise is of the kind {kind!r}"
    for exercise in found:
        if re.search(r"^\s*Steps:", exercise.cell.source, re.MULTILINE):
            yield f"{exercise.id}: 'Steps:' belong into the hints; a docstring is a contract"


def _width_faults(wanted: TextEntry, module: Module) -> Iterator[str]:
    for number, line in enumerate(module.source.read_text(encoding="utf-8").split("\n"), start=1):
        may_be_long = line.startswith(("# %%", "|")) or "http" in line
        if len(line) > wanted.columns and not may_be_long:
            place = f"{module.source}:{number}"
            yield f"{place}: {len(line)} columns, expected at most {wanted.columns}"
