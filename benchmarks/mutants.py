"""How strong the graded tests are: machine-made mutants of every reference solution, judged.

mutmut makes the mutants (operators, constants, comparisons, arguments, statements) inside the
solution regions; the module's own graded tests have to notice each. The wording of error
messages is not graded, so plain text inside `raise` is left alone. Survivors are listed;
those that compute the same thing are named, with the reason, in mutants_equivalent.toml.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import libcst
import libcst.matchers
from mutmut.mutation.file_mutation import create_mutations

from tito.curriculum.exercises import Exercise, exercises
from tito.curriculum.manifest import Module, load_manifest
from tito.judge import Limits, judge_variants
from tito.literate.percent import Cell, read_cells
from tito.literate.solutions import regions
from tito.package.writer import reference_sources

EQUIVALENT = Path(__file__).with_name("mutants_equivalent.toml")
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
        """How mutants_equivalent.toml names it."""
        return f"{self.before} -> {self.after}"


def mutants(exercise: Exercise) -> Iterator[Mutant]:
    """Every mutant of an exercise's solution regions."""
    source = DECORATOR.sub(rf"\1{HIDDEN}", exercise.cell.source)
    lines = {n + 1 for r in regions(exercise.cell) for n in range(r.start + 1, r.stop)}
    tree, found, _, _ = create_mutations(exercise.id, source, covered_lines=lines)
    spoken = _texts_in_raises(tree)
    for mutation in found:
        if mutation.original_node not in spoken:
            changed = tree.deep_replace(mutation.original_node, mutation.mutated_node).code  # type: ignore[arg-type]
            if changed != source:
                line, before, after = _difference(source, changed)
                yield Mutant(exercise, line, before, after, changed.replace(HIDDEN, "@"))


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


def survivors(module: Module, sources: dict[int, str], chosen: Sequence[Mutant]) -> list[Mutant]:
    """The mutants that every graded test of the module lets pass."""
    cells = read_cells(module.source)

    def variants() -> Iterator[list[Cell]]:
        for mutant in chosen:
            yield [
                replace(cell, source=mutant.source) if cell.grade_id == mutant.exercise.id else cell
                for cell in cells
            ]

    reports = judge_variants(module, variants(), sources, limits=LIMITS)
    return [mutant for mutant, report in zip(chosen, reports, strict=True) if report.passed]


def measure(module: Module, sources: dict[int, str], known: dict) -> dict:
    """Make and judge the mutants of one module."""
    made = [mutant for exercise in exercises(module) for mutant in mutants(exercise)]
    before = {n: text for n, text in sources.items() if n in module.prerequisites}
    parts = [made[start::WORKERS] for start in range(WORKERS)]
    with ProcessPoolExecutor(WORKERS) as pool:
        found = list(pool.map(partial(survivors, module, before), parts))
    alive = [mutant for part in found for mutant in part]
    rows = [
        {
            "exercise": m.exercise.id,
            "place": m.exercise.cell.place(m.line),
            "mutant": m.name,
            "equivalent": known.get(m.exercise.id, {}).get(m.name, ""),
        }
        for m in sorted(alive, key=lambda m: (m.exercise.cell.line, m.line))
    ]
    return {"module": module.id, "title": module.title, "mutants": len(made), "survivors": rows}


def main() -> None:
    """Judge the mutants of the named modules (default: all); exit 1 when a module falls short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    manifest, sources = load_manifest(), reference_sources()
    known = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8")) if EQUIVALENT.exists() else {}
    chosen = [manifest.module(ref) for ref in options.modules] or manifest.available
    results = [measure(module, sources, known) for module in chosen]
    if options.json:
        print(json.dumps(results, indent=2, ensure_ascii=False))
    else:
        for result in results:
            _print(result)
    sys.exit(1 if any(_killed(result) < 0.9 for result in results) else 0)


def _killed(result: dict) -> float:
    return 1 - len(result["survivors"]) / max(result["mutants"], 1)


def _print(result: dict) -> None:
    survivors = result["survivors"]
    judged = sum(bool(row["equivalent"]) for row in survivors)
    print(
        f"{result['module']} {result['title']:<12} {result['mutants']:>4} mutants  "
        f"{result['mutants'] - len(survivors):>4} killed ({100 * _killed(result):.1f} %)  "
        f"{len(survivors)} survive, {judged} of them equivalent"
    )
    for row in survivors:
        verdict = row["equivalent"] or "NOT JUDGED"
        print(f"    {row['exercise']}: {row['mutant']}\n        {verdict}")


if __name__ == "__main__":
    main()
