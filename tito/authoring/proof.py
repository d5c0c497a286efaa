"""The author's proof: what must hold of every module before a learner may see it.

For each module: the stub of every exercise scores 0, the reference scores all points, each
planted mistake loses its own exercise and no earlier one and earns the hint written for it,
points add up, every exercise has its hints, no solution stands in a learner's notebook, ids
are unique, and the package cut off after the module imports and passes the tests so far.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from tito.authoring.lint import lint_module
from tito.authoring.order import check_order
from tito.curriculum.exercises import Exercise, exercises
from tito.curriculum.guidance import load_guidance
from tito.curriculum.manifest import Module, load_manifest
from tito.judge import Report, judge_module
from tito.literate.cells import Cell
from tito.literate.reading import read_cells
from tito.literate.solutions import stub
from tito.package.writer import reference_sources, write_package

Notify = Callable[[str], None]


@dataclass
class ModuleProof:
    """What was proved of one module, and what did not hold."""

    module: Module
    exercises: int = 0
    mistakes: int = 0
    caught: int = 0
    hinted: int = 0
    faults: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, object]:
        """The figures, for programs."""
        counts = {key: getattr(self, key) for key in ("exercises", "mistakes", "caught", "hinted")}
        return {"module": self.module.id, **counts, "faults": self.faults}


@dataclass(frozen=True)
class Case:
    """One run of the judge: cells changed in one place, and what must come of it."""

    exercise: Exercise
    cells: list[Cell]
    only: list[str]  # this exercise and all earlier ones
    mistake: str = ""
    hint: str = ""


def prove(modules: Iterable[Module], notify: Notify = lambda _: None) -> list[ModuleProof]:
    """Prove every module; `notify` hears one line before each."""
    sources = reference_sources()
    proofs = []
    # Processes, not threads: CPython's parser is not safe to run in several threads at once
    # (3.11), and a parser error would be counted as a caught mistake.
    with ProcessPoolExecutor(os.cpu_count() or 1) as pool:
        for module in modules:
            notify(f"{module.label}")
            proofs.append(_prove_module(module, sources, pool))
    return proofs


def _prove_module(module: Module, sources: dict[int, str], pool: Executor) -> ModuleProof:
    proof = ModuleProof(module)
    cells = read_cells(module.source)
    found = exercises(module, cells)
    proof.exercises = len(found)
    proof.faults += lint_module(module, cells, found)
    proof.faults += [str(leak) for leak in check_order((module,))]
    before = {n: text for n, text in sources.items() if n in module.prerequisites}
    proof.faults += _all_points(judge_module(module, cells, before), "the reference")
    proof.faults += _no_points(judge_module(module, _all_stubs(module, cells), before))
    cases = _cases(module, cells, found)
    for case, report in zip(
        cases, pool.map(partial(_run, before), cases, chunksize=4), strict=True
    ):
        _settle(proof, case, report)
    proof.faults += _truncation_faults(module, sources)
    return proof


def _all_points(report: Report, who: str) -> list[str]:
    return [
        f"{who} does not pass {result.exercise_id}: {_reason(result)}"
        for result in report.results
        if result.status != "passed"
    ]


def _no_points(report: Report) -> list[str]:
    return [
        f"an untouched notebook scores {result.points} on {result.exercise_id}"
        for result in report.results
        if result.points or result.status == "passed"
    ]


def _reason(result: object) -> str:
    failure = getattr(result, "failure", None)
    return str(getattr(failure, "reason", "no reason given"))


def _all_stubs(module: Module, cells: list[Cell]) -> list[Cell]:
    return [replace(c, source=stub(c, module)) if c.is_exercise else c for c in cells]


def _cases(module: Module, cells: list[Cell], found: Sequence[Exercise]) -> list[Case]:
    guidance = load_guidance(module)
    cases = []
    for position, exercise in enumerate(found):
        only = [earlier.id for earlier in found[: position + 1]]
        cases.append(Case(exercise, _with(cells, exercise, stub(exercise.cell, module)), only))
        for mistake in guidance[exercise.id].mistakes if exercise.id in guidance else ():
            changed = _with(cells, exercise, mistake.apply(exercise.cell))
            cases.append(Case(exercise, changed, only, mistake.name, mistake.hint))
    return cases


def _with(cells: list[Cell], exercise: Exercise, source: str) -> list[Cell]:
    return [replace(c, source=source) if c.grade_id == exercise.id else c for c in cells]


def _run(sources: dict[int, str], case: Case) -> Report:
    return judge_module(case.exercise.module, case.cells, sources, only=case.only)


def _settle(proof: ModuleProof, case: Case, report: Report) -> None:
    """Enter one case's outcome into the proof."""
    *earlier, own = report.results
    what = f"mistake {case.mistake!r}" if case.mistake else "the stub"
    for result in earlier:
        if result.status != "passed":
            proof.faults.append(
                f"{what} of {case.exercise.id} also fails the earlier {result.exercise_id}: "
                f"{_reason(result)}"
            )
    lost = own.status != "passed" and own.points == 0
    if not lost:
        proof.faults.append(f"{what} of {case.exercise.id} is not caught")
    if case.mistake:
        proof.mistakes += 1
        proof.caught += lost
        _settle_hint(proof, case, own.failure.hint if own.failure else None)


def _settle_hint(proof: ModuleProof, case: Case, shown: str | None) -> None:
    proof.hinted += shown == case.hint
    if shown != case.hint:
        proof.faults.append(
            f"mistake {case.mistake!r} of {case.exercise.id} earns "
            + (f"another mistake's hint: {shown!r}" if shown else "no hint")
        )


def _truncation_faults(module: Module, sources: dict[int, str]) -> list[str]:
    """Cut the package off after `module`: it must import and pass the tests of modules 1…k."""
    upto = {n: text for n, text in sources.items() if n <= module.number}
    faults = _import_faults(module, upto)
    for number in upto:
        earlier = _by_number(module, number)
        report = judge_module(earlier, read_cells(earlier.source), upto)
        faults += _all_points(report, f"with the package cut off after {module.id}, the reference")
    return faults


def _by_number(module: Module, number: int) -> Module:
    return load_manifest(module.root).module(number)


def _import_faults(module: Module, upto: dict[int, str]) -> list[str]:
    names = [_by_number(module, number).import_name for number in upto]
    with tempfile.TemporaryDirectory() as folder:
        write_package(Path(folder), upto)
        run = subprocess.run(
            [sys.executable, "-c", f"import tinytorch, {', '.join(names)}"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": folder},
            capture_output=True,
            text=True,
        )
    last = run.stderr.strip().splitlines()[-1:] or ["no message"]
    return (
        [f"cut off after {module.id} the package does not import: {last[0]}"]
        if run.returncode
        else []
    )
