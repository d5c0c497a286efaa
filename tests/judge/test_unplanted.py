"""Mistakes that nobody planted: each is caught, and its hint is the one that a person labelled."""

import pytest
from unplanted import LABELS, counts, diagnose, is_labelled, labels, listed, mistakes, shares

from tito.curriculum.curriculum import Curriculum
from tito.judge import Judge
from tito.package.writer import reference_sources, upon

CURRICULUM = Curriculum.load()
LISTED = listed(CURRICULUM)
EXERCISES = {
    exercise.id: exercise
    for module in CURRICULUM.available
    for exercise in CURRICULUM.exercises(module)
}
WITH_MISTAKES = list(dict.fromkeys(m.exercise for module in LISTED for m in mistakes(module)))
LABEL_AGAIN = "label it again: python tests/support/unplanted.py {} --unlabelled"


@pytest.fixture(scope="module")
def judge():
    return Judge(CURRICULUM)


@pytest.fixture(scope="module")
def sources():
    return reference_sources(CURRICULUM)


@pytest.mark.parametrize("exercise_id", WITH_MISTAKES)
def test_every_mistake_is_caught_with_the_hint_that_was_labelled(judge, sources, exercise_id):
    exercise = EXERCISES[exercise_id]
    found = list(diagnose(judge, exercise, upon(exercise.module, sources)))
    known = labels()
    assert [f.mistake.name for f in found if not f.caught] == []
    unread = [f.mistake.name for f in found if not is_labelled(f, known)]
    assert unread == [], LABEL_AGAIN.format(exercise.module.id)


def test_every_label_belongs_to_a_mistake():
    there = {(m.exercise, m.name) for module in LISTED for m in mistakes(module)}
    assert set(labels()) == there
    assert {label for label, _ in labels().values()} <= set(LABELS)


def test_three_in_four_are_told_rightly_and_hardly_any_wrongly():
    """By a hint, or by a reason that says all; mistakes that happen to be planted do not count."""
    share = shares(CURRICULUM, LISTED)
    assert counts(CURRICULUM, LISTED).total() >= 120
    assert share["right"] + share["reason"] >= 75
    assert share["wrong"] <= 2
