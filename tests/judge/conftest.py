"""A tiny curriculum of its own, so that the judge is tested apart from the real modules."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tito.curriculum.manifest import Module
from tito.judge import Limits, Report, judge_module
from tito.judge.answer_key import answer_key, runnable
from tito.judge.session import Session
from tito.judge.testcell import TestRun
from tito.literate.cells import Cell
from tito.literate.reading import read_cells
from tito.literate.solutions import stub
from tito.sandbox.host.process import GuestLost

HERE = Path(__file__).parent


class Bench:
    """The planted module, and short ways to judge changed versions of it."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.cells = read_cells(module.source)

    def stubs(self) -> list[Cell]:
        """The cells as a learner receives them."""
        return [replace(c, source=stub(c, self.module)) if c.is_exercise else c for c in self.cells]

    def solve(self, exercise_id: str, source: str, cells: list[Cell] | None = None) -> list[Cell]:
        """The cells with one exercise's cell replaced."""
        cells = self.cells if cells is None else cells
        assert any(cell.grade_id == exercise_id for cell in cells)
        return [replace(c, source=source) if c.grade_id == exercise_id else c for c in cells]

    def judge(self, cells: list[Cell], **options: object) -> Report:
        """Judge with short limits."""
        limits = {"load_seconds": 5.0, "exercise_seconds": 1.0, "megabytes": 2048}
        bounds = Limits(**{**limits, **options.pop("limits", {})})
        sources = options.pop("sources", {})
        return judge_module(self.module, cells, sources, limits=bounds, **options)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench in a folder of its own."""
    return Bench(plant(tmp_path))


@pytest.fixture
def parts(tmp_path: Path) -> Bench:
    """A bench whose exercises are a method of a class, and two functions in one cell."""
    return Bench(plant(tmp_path, "parts.txt"))


def plant(root: Path, text: str = "module.txt") -> Module:
    """Write the toy curriculum below ``root``; its only module."""
    folder = root / "src" / "01_toy"
    folder.mkdir(parents=True)
    shutil.copy(HERE / "toy" / text, folder / "01_toy.py")
    shutil.copy(HERE / "toy" / "guidance.toml", folder / "guidance.toml")
    return Module(
        root=root,
        number=1,
        folder="01_toy",
        title="Toy",
        tier="Foundation",
        difficulty_level=1,
        hours="1",
        points=10,
        prerequisites=(),
        target="core.toy",
        facade="",
        names=("Box",),
        on_import="",
        terms=(),
    )


@pytest.fixture(scope="module")
def toy_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """One guest with the toy module's reference in it, for all tests of a file."""
    module = plant(tmp_path_factory.mktemp("toy"))
    with Session(runnable(read_cells(module.source)), {}, Limits(exercise_seconds=20)) as session:
        session.names = answer_key(module).names  # type: ignore[attr-defined]
        yield session


@pytest.fixture
def in_test(toy_session: Session) -> Callable[..., TestRun]:
    """Run the text of a test cell against the toy module."""

    def run(text: str, earlier: str = "") -> TestRun:
        texts = {"<test earlier>": textwrap.dedent(earlier), "<test own>": textwrap.dedent(text)}
        link = toy_session.ready()
        assert link is not None
        own = TestRun(link, toy_session.names, texts)  # type: ignore[attr-defined]
        try:
            own.run("<test own>")
        except GuestLost:
            toy_session.lost()
            raise
        return own

    return run
