"""Mistakes that nobody planted: wrong solutions written without sight of hints, and what comes.

`tests/judge/unplanted/NN.toml` holds them; `diagnoses.toml` beside it what the judge said of each
when a person last read it, and the label that person gave:

right   who reads the hint looks at the real cause and knows what to change
reason  there is no hint, but the reason itself says what is wrong
vague   the hint is true, and says no more than what can be seen
wrong   the hint names another cause
none    there is no hint, and the reason is not enough

    python tests/support/unplanted.py [01 ...] --unlabelled   what is to be labelled (again)
    python tests/support/unplanted.py [01 ...]                the shares
"""

from __future__ import annotations

import ast
import json
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.exercises import Exercise
from tito.curriculum.guidance import plant
from tito.judge import Judge
from tito.literate.cells import Cell, with_source
from tito.literate.solutions import fill
from tito.package.writer import Sources, reference_sources, upon

FOLDER = Path(__file__).resolve().parents[1] / "judge" / "unplanted"
DIAGNOSES = FOLDER / "diagnoses.toml"
LABELS = ("right", "reason", "vague", "wrong", "none")
SHOWN = 60  # characters of a hint that are kept beside its label


@dataclass(frozen=True)
class Unplanted:
    """One wrong solution."""

    exercise: str
    name: str
    about: str
    code: str = ""
    replace: str = ""
    with_: str = ""

    def source(self, cell: Cell) -> str:
        """The reference cell with this mistake in it."""
        if self.code:
            return fill(cell, self.code)
        assert cell.source.count(self.replace) == 1, (self.exercise, self.name)
        return cell.source.replace(self.replace, self.with_)


@dataclass(frozen=True)
class Diagnosis:
    """What came of one: whether it was caught, and the hint that was given ("" for none)."""

    mistake: Unplanted
    caught: bool
    reason: str
    hint: str


def listed(curriculum: Curriculum) -> list[str]:
    """The modules for which such mistakes were collected."""
    return [m.id for m in curriculum.available if (FOLDER / f"{m.id}.toml").is_file()]


def mistakes(module: str) -> list[Unplanted]:
    """The wrong solutions of a module ("01"), in the order of the file."""
    table = tomllib.loads((FOLDER / f"{module}.toml").read_text(encoding="utf-8"))
    return [
        Unplanted(**{"with_" if key == "with" else key: value for key, value in entry.items()})
        for entry in table["mistakes"]
    ]


def diagnose(judge: Judge, exercise: Exercise, sources: Sources) -> Iterator[Diagnosis]:
    """Judge every unplanted mistake of an exercise, as a learner's own work."""
    cells = judge.curriculum.cells(exercise.module)
    for mistake in mistakes(exercise.module.id):
        if mistake.exercise == exercise.id:
            wrong = with_source(cells, {exercise.id: mistake.source(exercise.cell)})
            report = judge.judge(exercise.module, wrong, sources, only=exercise.id)
            failure = report.results[0].failure or report.problem
            reason, hint = (str(failure.reason), str(failure.hint)) if failure else ("", "")
            yield Diagnosis(mistake, not report.passed, reason, hint)


def labels() -> dict[tuple[str, str], tuple[str, str]]:
    """Exercise and name of each labelled mistake -> its label, and what the learner was told."""
    table = tomllib.loads(DIAGNOSES.read_text(encoding="utf-8"))
    return {
        (exercise, name): (label, told)
        for exercise, entries in table.items()
        for name, (label, told) in entries.items()
    }


def told(found: Diagnosis, label: str) -> str:
    """The beginning of what this label was given for."""
    return (found.reason if label == "reason" else found.hint)[:SHOWN]


def is_labelled(found: Diagnosis, known: dict[tuple[str, str], tuple[str, str]]) -> bool:
    """Whether a person has read exactly what the judge says now."""
    label, text = known.get((found.mistake.exercise, found.mistake.name), ("", ""))
    has_hint = label in ("right", "vague", "wrong")
    return label in LABELS and has_hint == bool(found.hint) and told(found, label) == text


def not_planted(curriculum: Curriculum, module: str) -> list[Unplanted]:
    """The mistakes that are not, by chance, the very code of a planted one: only these measure."""
    found = curriculum.module(module)
    guidance, exercises = curriculum.guidance(found), curriculum.exercises(found)
    planted = {
        (e.id, meaning(plant(mistake, e.cell)))
        for e in exercises
        for mistake in (guidance[e.id].mistakes if e.id in guidance else ())
    }
    cells = {e.id: e.cell for e in exercises}
    own = ((m, meaning(m.source(cells[m.exercise]))) for m in mistakes(module))
    return [mistake for mistake, code in own if (mistake.exercise, code) not in planted]


def meaning(source: str) -> str:
    """A cell's code without comments, layout and docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            del node.body[0]
    return ast.dump(tree)


def counts(curriculum: Curriculum, modules: Iterable[str]) -> Counter[str]:
    """How many of the mistakes that nobody planted have each label."""
    known = labels()
    wanted = (m for module in modules for m in not_planted(curriculum, module))
    return Counter(known[mistake.exercise, mistake.name][0] for mistake in wanted)


def shares(curriculum: Curriculum, modules: Iterable[str]) -> dict[str, float]:
    """The share of each label among these modules' mistakes that nobody planted, in percent."""
    found = counts(curriculum, modules)
    return {label: 100 * found[label] / found.total() for label in LABELS}


def print_shares(curriculum: Curriculum, modules: list[str]) -> None:
    """A table of the shares, by module."""
    print("module  number", *(f"{label:>7}" for label in LABELS))
    for name, group in [*((m, [m]) for m in modules), ("all", modules)]:
        found, number = shares(curriculum, group), counts(curriculum, group).total()
        print(f"{name:<6} {number:>7}", *(f"{share:6.1f}%" for share in found.values()))


def print_unlabelled(curriculum: Curriculum, modules: list[str]) -> None:
    """What a person has to read again, with the line that belongs into `diagnoses.toml`."""
    judge, sources, known = Judge(curriculum), reference_sources(curriculum), labels()
    for module in map(curriculum.module, modules):
        for exercise in curriculum.exercises(module):
            for found in diagnose(judge, exercise, upon(module, sources)):
                if not is_labelled(found, known):
                    print(described(found, known))


def described(found: Diagnosis, known: dict[tuple[str, str], tuple[str, str]]) -> str:
    """One mistake for a person to label, with the label it had."""
    mistake = found.mistake
    code = mistake.code or f"{mistake.replace}\n->\n{mistake.with_}"
    was = known.get((mistake.exercise, mistake.name), ("not labelled",))
    label = "?" if found.hint else "none"
    line = f"{quoted(mistake.name)} = [{quoted(label)}, {quoted(told(found, label))}]"
    rows = {"about": mistake.about, "reason": found.reason, "hint": found.hint, "was": was}
    text = "".join(f"  {name}: {value}\n" for name, value in rows.items())
    return f"[{mistake.exercise}]\n{text}{code.strip()}\n{line}\n"


def quoted(text: str) -> str:
    """A text as TOML writes it."""
    return json.dumps(text, ensure_ascii=False)


if __name__ == "__main__":
    curriculum = Curriculum.load()
    names = [name for name in sys.argv[1:] if name.isdigit()] or listed(curriculum)
    if "--unlabelled" in sys.argv:
        print_unlabelled(curriculum, names)
    else:
        print_shares(curriculum, names)
