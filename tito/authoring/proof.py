"""The author's proof: what must hold of every module before a learner may see it.

For each module: the stub of every exercise scores 0, the reference scores all points and works
as a part of the package, each planted mistake loses its own exercise and no earlier one and
earns the hint written for it, points add up, every exercise has its hints, no solution stands
in a learner's notebook, ids are unique, and the package cut off after the module imports and
passes the tests so far.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from tito.authoring.anatomy import Shares, anatomy_faults, shares
from tito.authoring.lint import lint_module
from tito.authoring.order import check_order
from tito.curriculum.curriculum import Curriculum
from tito.curriculum.exercises import Exercise
from tito.curriculum.guidance import plant
from tito.curriculum.modules import Module
from tito.judge import Judge, Report
from tito.literate.cells import Cell, with_source
from tito.literate.solutions import stub
from tito.package.writer import Sources, reference_sources, upon, write_package

Notify = Callable[[str], None]


@dataclass
class ModuleProof:
    """What was proved of one module, and what did not hold."""

    module: Module
    exercises: int = 0
    mistakes: int = 0
    caught: int = 0
    hinted: int = 0
    shares: Shares | None = None
    faults: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, object]:
        """The figures, for programs."""
        counts = {key: getattr(self, key) for key in ("exercises", "mistakes", "caught", "hinted")}
        lines = asdict(self.shares) if self.shares else {}
        return {"module": self.module.id, **counts, **lines, "faults": self.faults}


@dataclass(frozen=True)
class Case:
    """One run of the judge: cells changed in one place, and what must come of it."""

    exercise: Exercise
    cells: list[Cell]
    only: list[str]  # this exercise and all earlier ones
    mistake: str = ""
    hint: str = ""


def prove(
    curriculum: Curriculum, modules: Iterable[Module], notify: Notify = lambda _: None
) -> list[ModuleProof]:
    """Prove every module; `notify` hears one line before each."""
    judge, sources = Judge(curriculum), reference_sources(curriculum)
    proofs = []
    # Processes, not threads: CPython's parser is not safe to run in several threads at once
    # (3.11), and a parser error would be counted as a caught mistake.
    workers = os.cpu_count() or 1
    places = curriculum.root, curriculum.hidden
    with ProcessPoolExecutor(workers, initializer=_begin, initargs=places) as pool:
        for module in modules:
            notify(f"{module.label}")
            proofs.append(_prove_module(judge, module, sources, pool))
    return proofs


def _prove_module(judge: Judge, module: Module, sources: Sources, pool: Executor) -> ModuleProof:
    curriculum = judge.curriculum
    cells, found = curriculum.cells(module), curriculum.exercises(module)
    proof = ModuleProof(module, exercises=len(found))
    proof.shares = shares(curriculum, module)
    proof.faults += lint_module(curriculum, module)
    proof.faults += anatomy_faults(curriculum, module)
    proof.faults += [str(leak) for leak in check_order(curriculum, [module])]
    before = upon(module, sources)
    proof.faults += _reference_faults(judge.judge(module, cells, before))
    stubs = with_source(cells, {e.id: stub(e.cell, module.label) for e in found})
    proof.faults += _no_points(judge.judge(module, stubs, before))
    cases = _cases(curriculum, module)
    for case, report in zip(
        cases, pool.map(partial(_run, before), cases, chunksize=4), strict=True
    ):
        _settle(proof, case, report)
    upto = {number: exports for number, exports in sources.items() if number <= module.number}
    proof.faults += _import_faults(curriculum, module, upto)
    proof.faults += _cut_off_faults(judge, module, upto)
    return proof


def _reference_faults(report: Report) -> list[str]:
    """What the judge has against the reference: its exercises, its file, or its package."""
    faults = [
        f"the reference does not pass {result.exercise_id}: {_reason(result)}"
        for result in report.results
        if result.status != "passed"
    ]
    others = (failure for failure in (report.problem, report.integration) if failure)
    return faults + [f"the reference as a whole: {failure.reason}" for failure in others]


def _no_points(report: Report) -> list[str]:
    return [
        f"an untouched notebook scores {result.points} on {result.exercise_id}"
        for result in report.results
        if result.points or result.status == "passed"
    ]


def _reason(result: object) -> str:
    failure = getattr(result, "failure", None)
    return str(getattr(failure, "reason", "no reason given"))


def _cases(curriculum: Curriculum, module: Module) -> list[Case]:
    cells, found = curriculum.cells(module), curriculum.exercises(module)
    guidance = curriculum.guidance(module)
    cases = []
    for position, exercise in enumerate(found):
        only = [earlier.id for earlier in found[: position + 1]]
        untouched = stub(exercise.cell, module.label)
        cases.append(Case(exercise, with_source(cells, {exercise.id: untouched}), only))
        for mistake in guidance[exercise.id].mistakes if exercise.id in guidance else ():
            changed = with_source(cells, {exercise.id: plant(mistake, exercise.cell)})
            cases.append(Case(exercise, changed, only, mistake.name, mistake.hint))
    return cases


_judges: list[Judge] = []  # one in each worker process, made when the worker starts


def _begin(root: Path, hidden: Path | None) -> None:
    _judges.append(Judge(Curriculum.load(root, hidden)))


def _run(sources: Sources, case: Case) -> Report:
    return _judges[0].judge(case.exercise.module, case.cells, sources, only=case.only)


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
        _settle_hint(proof, case, str(own.failure.hint) if own.failure else "")


def _settle_hint(proof: ModuleProof, case: Case, shown: str) -> None:
    proof.hinted += shown == case.hint
    if shown != case.hint:
        proof.faults.append(
            f"mistake {case.mistake!r} of {case.exercise.id} earns "
            + (f"another mistake's hint: {shown!r}" if shown else "no hint")
        )


def _cut_off_faults(judge: Judge, module: Module, upto: Sources) -> list[str]:
    """The tests of modules 1…k on the package cut off after k: what a later one may break."""
    earlier = (judge.curriculum.module(number) for number in upto)
    failures = ((other, judge.on_package(other, upto)) for other in earlier)
    return [
        f"cut off after {module.id}, the package fails {other.label}: {failure.reason}"
        for other, failure in failures
        if failure
    ]


def _import_faults(curriculum: Curriculum, module: Module, upto: Sources) -> list[str]:
    names = [name for number in upto for name in curriculum.module(number).import_names]
    with tempfile.TemporaryDirectory() as folder:
        write_package(Path(folder), curriculum, upto)
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
