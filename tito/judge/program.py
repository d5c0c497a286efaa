"""The learner's module as the program that will be exported, and what keeps a cell out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tito.curriculum.modules import PACKAGE_NAME
from tito.judge.answer_key import AnswerKey
from tito.judge.locations import where
from tito.judge.report import Failure
from tito.judge.session import Step
from tito.literate.cells import Cell
from tito.literate.errors import SourceError
from tito.messages import Message
from tito.package.exporter import export_files
from tito.package.loose_names import LooseName, loose_names
from tito.package.lost_exports import LostExport, lost_exports

SCRATCH = ""  # the home of code that is not exported


@dataclass(frozen=True)
class Program:
    """What is run, in order, and what is wrong with the cells that are kept out of it."""

    steps: tuple[Step, ...] = ()
    kept_out: dict[int, Failure] = field(default_factory=dict)  # by cell index


def program_of(key: AnswerKey, cells: Sequence[Cell]) -> Program:
    """The program that a learner's cells make: what goes into the package, and nothing else.

    Exercises that the reference does not export run on the scratch pad, as do the reference's own
    imports for the tests.
    """
    kept_out = {lost.cell.index: _lost(lost) for lost in lost_exports(cells, key.cells)}
    steps = [Step(cell, cell.source) for cell in key.setup]
    for cell in cells:
        home = _home(key, cell)
        if home is not None and cell.index not in kept_out:
            try:
                steps.append(Step(cell, cell.code, home))
            except SourceError as error:
                kept_out[cell.index] = _refused(error)
    return Program(tuple(steps), kept_out)


def _home(key: AnswerKey, cell: Cell) -> str | None:
    """The module that a cell's code belongs to; None for a cell that is not run."""
    if cell.kind != "code" or cell.is_test:
        return None
    if cell.is_export:
        return f"{PACKAGE_NAME}.{cell.directives['export'] or key.module.exports[0]}"
    return SCRATCH if cell.is_exercise and cell.grade_id in key.unexported else None


def export_problem(key: AnswerKey, cells: Sequence[Cell]) -> Failure | None:
    """Why a file whose exercises pass would not make a sound package; None if it would."""
    origin = cells[0].origin if cells else ""
    try:
        export_files(cells, key.module.exports, origin, key.module.folder)
        loose = loose_names(cells, key.module.exports, origin)
    except SourceError as error:
        return _refused(error)
    return export_failure(loose[0]) if loose else None


def loose_name(key: AnswerKey, cells: Sequence[Cell], error: str) -> LooseName | None:
    """The name that a NameError's text is about, if only cells outside of the export bind it."""
    try:
        found = loose_names(cells, key.module.exports, "")
    except SourceError:
        return None
    return next((loose for loose in found if f"name {loose.name!r}" in error), None)


def _lost(lost: LostExport) -> Failure:
    return Failure(
        kind="export",
        reason=Message("export.lost", directive=lost.directive),
        where=where(lost.cell, 1),
        fix=Message("export.write_directive", directive=lost.directive),
        signature="export",
    )


def _refused(error: SourceError) -> Failure:
    return Failure(
        kind="export",
        reason=Message("export.refused", fault=error.message.removeprefix(f"{error.place}: ")),
        where=error.place,
        fix=error.fix,
        signature="export",
    )


def export_failure(loose: LooseName) -> Failure:
    """The failure of exported code that uses a name which its package will not have."""
    return Failure(
        kind="export",
        reason=Message("export.loose", name=loose.name, binding=loose.binding),
        where=loose.use,
        fix=Message("export.bind_it", name=loose.name),
        signature=f"loose {loose.name}",
    )
