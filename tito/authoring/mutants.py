"""How strong the graded tests are: machine-made mutants of every reference solution, judged.

mutmut makes the mutants (operators, constants, comparisons, arguments, statements) inside the
solution regions; the module's own graded tests have to notice each. The wording of error
messages is not graded, so plain text inside `raise` is left alone. Survivors are listed;
those that compute the same thing are named, with the reason, in src/equivalent_mutants.toml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import libcst
import libcst.matchers
from mutmut.mutation.file_mutation import create_mutations

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.exercises import Exercise
from tito.curriculum.modules import Module
from tito.curriculum.schema import read_toml
from tito.judge import Judge, Limits
from tito.literate.cells import with_source
from tito.literate.solutions import regions
from tito.package.writer import Sources, reference_sources, upon

EQUIVALENT = "equivalent_mutants.toml"  # beside the manifest
LIMITS = Limits(exercise_seconds=3.0, deaths=10_000)
WORKERS = 2
# mutmut leaves decorated functions alone; as a comment, a decorator is no obstacle.
DECORATOR = re.compile(r"^( *)@(?=\w)", re.MULTILINE)
HIDDEN = "#decorator:"


@dataclass(frozen=True)
class Mutant:
    """One small change of one reference solution."""

    exercise: Exercise
    line: int  # within the cell
    before: str
    after: str
    source: str

    @property
    def name(self) -> str:
        """How equivalent_mutants.toml names it."""
        return f"{self.before} -> {self.after}"


def mutants(exercise: Exercise) -> Iterator[Mutant]:
    """Every mutant of an exercise's solution regions."""
    source = DECORATOR.sub(rf"\1{HIDDEN}", exercise.cell.source)
    lines = {n + 1 for r in regions(exercise.cell) for n in range(r.begin + 1, r.stop)}
    tree, found, _, _ = create_mutations(exercise.id, source, covered_lines=lines)
    spoken = _texts_in_raises(tree)
    for mutation in found:
        if mutation.original_node not in spoken:
            changed = tree.deep_replace(mutation.original_node, mutation.mutated_node)
            assert isinstance(changed, libcst.Module)
            if changed.code != source:
                line, before, after = _difference(source, changed.code)
                yield Mutant(exercise, line, before, after, changed.code.replace(HIDDEN, "@"))


def _texts_in_raises(tree: libcst.Module) -> set[libcst.CSTNode]:
    found: set[libcst.CSTNode] = set()

    class Texts(libcst.CSTVisitor):
        def visit_Raise(self, node: libcst.Raise) -> bool:
            found.update(libcst.matchers.findall(node, libcst.matchers.SimpleString()))
            return False

    tree.visit(Texts())
    return found


def _difference(source: str, changed: str) -> tuple[int, str, str]:
    old, new = source.splitlines(), changed.splitlines()
    for number, (a, b) in enumerate(zip(old, new, strict=False), start=1):
        if a != b:
            return number, a.strip(), b.strip()
    return len(old), "", ""


@dataclass(frozen=True)
class Survivor:
    """A mutant that every graded test lets pass; `reason` says why it need not be caught."""

    exercise: str
    place: str
    mutant: str
    reason: str = ""


@dataclass
class Strength:
    """How many of a module's mutants its graded tests notice, and which they do not."""

    module: Module
    mutants: int
    survivors: list[Survivor] = field(default_factory=list)

    @property
    def killed(self) -> float:
        """The share of mutants that are noticed."""
        return 1 - len(self.survivors) / max(self.mutants, 1)

    @property
    def unjudged(self) -> list[Survivor]:
        """Survivors of which nobody has said why they need not be caught."""
        return [survivor for survivor in self.survivors if not survivor.reason]


def measure(curriculum: Curriculum, modules: Iterable[Module]) -> Iterator[Strength]:
    """Make and judge the mutants of each module, in several processes."""
    sources = reference_sources(curriculum)
    known = read_toml(curriculum.root / "src" / EQUIVALENT, dict[str, dict[str, str]])
    with ProcessPoolExecutor(WORKERS) as pool:
        for module in modules:
            made = [m for exercise in curriculum.exercises(module) for m in mutants(exercise)]
            judged = partial(_survivors, curriculum.root, module, upon(module, sources))
            parts = pool.map(judged, [made[start::WORKERS] for start in range(WORKERS)])
            alive = [mutant for part in parts for mutant in part]
            alive.sort(key=lambda mutant: (mutant.exercise.cell.line, mutant.line))
            yield Strength(module, len(made), [_survivor(mutant, known) for mutant in alive])


def _survivors(
    root: Path, module: Module, sources: Sources, chosen: Sequence[Mutant]
) -> list[Mutant]:
    """The mutants that every graded test of the module lets pass."""
    curriculum = Curriculum.load(root)
    cells = curriculum.cells(module)
    variants = (with_source(cells, {m.exercise.id: m.source}) for m in chosen)
    reports = Judge(curriculum).variants(module, variants, sources, limits=LIMITS)
    return [mutant for mutant, report in zip(chosen, reports, strict=True) if report.passed]


def _survivor(mutant: Mutant, known: dict[str, dict[str, str]]) -> Survivor:
    name = mutant.exercise.id
    reason = known.get(name, {}).get(mutant.name, "")
    return Survivor(name, mutant.exercise.cell.place(mutant.line), mutant.name, reason)
