"""Tiny curricula of their own, so that the judge is tested apart from the real modules."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tito.curriculum.curriculum import Curriculum
from tito.curriculum.modules import Module
from tito.judge import GRADING, Judge, Limits, Profile, Report
from tito.literate.cells import Cell, with_source
from tito.literate.solutions import stub
from tito.package.writer import Sources, reference_sources

TOYS = Path(__file__).parents[1] / "judge" / "toy"
SHORT = {"load_seconds": 5.0, "exercise_seconds": 1.0, "megabytes": 2048}


@dataclass
class Bench:
    """One module of a toy curriculum, and short ways to judge changed versions of it.

    The curriculum is loaded for each judgement, so a test may change its files in between.
    """

    root: Path
    number: int = 1
    hidden: Path | None = None

    @property
    def curriculum(self) -> Curriculum:
        return Curriculum.load(self.root, self.hidden)

    @property
    def module(self) -> Module:
        return self.curriculum.module(self.number)

    @property
    def cells(self) -> list[Cell]:
        """The reference's."""
        return list(self.curriculum.cells(self.module))

    def cell(self, text: str) -> Cell:
        """The reference's cell with this id, or with this text in it."""
        return next(c for c in self.cells if c.grade_id == text or text in c.source)

    def stubs(self) -> list[Cell]:
        """The cells as a learner receives them."""
        label = self.module.label
        return [replace(c, source=stub(c, label)) if c.is_exercise else c for c in self.cells]

    def solve(self, exercise_id: str, source: str, cells: list[Cell] | None = None) -> list[Cell]:
        """The cells with one exercise's cell replaced."""
        cells = self.cells if cells is None else cells
        assert any(cell.grade_id == exercise_id for cell in cells)
        return with_source(cells, {exercise_id: source})

    def change(self, old: str, new: str, cells: list[Cell] | None = None) -> list[Cell]:
        """The cells with a text replaced in the one code cell that holds it."""
        cells = self.cells if cells is None else cells
        (cell,) = (c for c in cells if c.kind == "code" and not c.is_test and old in c.source)
        changed = replace(cell, source=cell.source.replace(old, new))
        return [changed if other is cell else other for other in cells]

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a file of the curriculum's; `name` is relative to its `src`."""
        path = self.root / "src" / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def earlier(self) -> Sources:
        """The reference's files of the modules before this one."""
        return reference_sources(self.curriculum, self.number - 1)

    def judge(
        self,
        cells: list[Cell],
        *,
        sources: Sources | None = None,
        only: str | Iterable[str] | None = None,
        grading: bool = False,
        limits: Mapping[str, float] | None = None,
    ) -> Report:
        """Judge with short limits."""
        profile = GRADING if grading else Profile()
        deaths = {"deaths": profile.limits.deaths}
        bounds = Limits(**{**SHORT, **deaths, **(limits or {})})  # type: ignore[arg-type]
        judge = Judge(self.curriculum, replace(profile, limits=bounds))
        return judge.judge(
            self.module, cells, self.earlier() if sources is None else sources, only=only
        )


def plant(root: Path, text: str = "module.txt") -> Path:
    """Write a curriculum of one module below ``root``."""
    folder = root / "src" / "01_toy"
    folder.mkdir(parents=True)
    shutil.copy(TOYS / text, folder / "01_toy.py")
    shutil.copy(TOYS / "guidance.toml", folder)
    shutil.copy(TOYS / "curriculum.toml", folder.parent)
    return root


def plant_house(root: Path) -> Path:
    """Write the curriculum that uses everything below ``root``, its hidden tests beside it."""
    files = {
        "curriculum.toml": "src/curriculum.toml",
        "german.toml": "src/german.toml",
        "base.txt": "src/01_base/01_base.py",
        "base.toml": "src/01_base/guidance.toml",
        "house.txt": "src/02_house/02_house.py",
        "house.toml": "src/02_house/guidance.toml",
        "hidden.txt": "hidden/02_house.py",
    }
    for name, place in files.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOYS / "house" / name, root / place)
    return root
