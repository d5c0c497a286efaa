"""Toy modules to be judged, and a guest with one of them in it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from toys import Bench, plant, plant_house

from tito.curriculum.curriculum import Curriculum
from tito.judge import Limits
from tito.judge.answer_key import AnswerKey, answer_key
from tito.judge.program import program_of
from tito.judge.session import Session
from tito.judge.testcell import TestRun
from tito.sandbox.conversation import GuestLost


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench in a folder of its own."""
    return Bench(plant(tmp_path))


@pytest.fixture
def parts(tmp_path: Path) -> Bench:
    """A bench whose exercises are a method of a class, and two functions in one cell."""
    root = plant(tmp_path, "parts.txt")
    bench = Bench(root)
    bench.edit("curriculum.toml", 'names = ["Box"]', 'names = ["Scale"]')
    return bench


@pytest.fixture
def house(tmp_path: Path) -> Bench:
    """The second module of a curriculum that uses everything a curriculum can say."""
    return Bench(plant_house(tmp_path), number=2)


@pytest.fixture
def hidden(house: Bench) -> Bench:
    """The same, with the tests that learners do not see."""
    return replace(house, hidden=house.root / "hidden")


@pytest.fixture(scope="module")
def toy_key(tmp_path_factory: pytest.TempPathFactory) -> AnswerKey:
    """The toy module's answer key."""
    curriculum = Curriculum.load(plant(tmp_path_factory.mktemp("toy")))
    return answer_key(curriculum, curriculum.module(1))


@pytest.fixture(scope="module")
def toy_session(toy_key: AnswerKey) -> Iterator[Session]:
    """One guest with the toy module's reference in it, for all tests of a file."""
    with Session(Limits(exercise_seconds=20)) as session:
        session.replace(program_of(toy_key, toy_key.cells).steps)
        yield session


@pytest.fixture
def in_test(toy_session: Session, toy_key: AnswerKey) -> Callable[..., TestRun]:
    """Run the text of a test cell against the toy module."""

    def run(text: str, earlier: str = "") -> TestRun:
        texts = {"<test earlier>": textwrap.dedent(earlier), "<test own>": textwrap.dedent(text)}
        link = toy_session.ready()
        assert link is not None
        own = TestRun(link, toy_key.names, texts)
        try:
            own.run("<test own>")
        except GuestLost:
            toy_session.lost()
            raise
        return own

    return run
