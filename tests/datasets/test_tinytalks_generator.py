"""The set of 3,000: the same every time, balanced, and right."""

from __future__ import annotations

import calendar
import string
import subprocess
import sys
from itertools import pairwise

import pytest
from tinytalks_oracle import ARITHMETIC, REASONING, computed

from datasets.tinytalks import LEVELS, load_rephrased, load_tinytalks
from datasets.tinytalks.generator import make_pairs
from datasets.tinytalks.templates import TABLES

PAIRS = make_pairs()
ANSWERS = dict(PAIRS)
LEVEL = {level: PAIRS[600 * i : 600 * (i + 1)] for i, level in enumerate(LEVELS)}


def test_3000_different_questions():
    assert len(PAIRS) == len(ANSWERS) == 3000


def test_the_same_in_every_process(tmp_path):
    """Another process hashes its texts differently; the set may not depend on it."""
    made = tmp_path / "made.txt"
    command = [sys.executable, "-m", "datasets.tinytalks.generator", str(made)]
    subprocess.run(command, check=True)
    expected = "\n".join(f"Q: {question}\nA: {answer}\n" for question, answer in PAIRS)
    assert made.read_text(encoding="ascii") == expected


def test_fewer_are_balanced_too():
    pairs = make_pairs(50)
    assert len(set(pairs)) == 50
    for number, level in enumerate(LEVELS):
        assert set(pairs[10 * number : 10 * number + 10]) <= set(LEVEL[level])


@pytest.mark.parametrize("count", [0, 4, 7, -5, 3005])
def test_counts_it_cannot_make_are_named(count):
    with pytest.raises(ValueError, match=f"not {count}"):
        make_pairs(count)


def test_agrees_with_the_350():
    assert [q for q, a in load_tinytalks() if ANSWERS.get(q, a) != a] == []


def test_does_not_contain_the_held_out_wordings():
    assert ANSWERS.keys().isdisjoint(question for question, _ in load_rephrased())


def test_all_of_mathematics_is_computed_again():
    assert [q for q, a in LEVEL["mathematics"] if computed(q, ARITHMETIC) != [a]] == []


def test_units_are_computed_again():
    found = {q: a for q, a in LEVEL["science"] if q.startswith("How many ")}
    assert len(found) > 80
    assert [q for q, a in found.items() if computed(q, ARITHMETIC) != [a]] == []


def test_reasoning_that_can_be_computed_is_right():
    right = {q: (a, computed(q, REASONING)) for q, a in LEVEL["reasoning"]}
    assert [q for q, (answer, found) in right.items() if found not in ([], [answer])] == []
    assert sum(bool(found) for _, found in right.values()) > 400


@pytest.mark.parametrize(
    ("questions", "names"),
    [
        ("Which letter comes after", list(string.ascii_uppercase)),
        ("Which day comes after", list(calendar.day_name)),
        ("Which month comes after", list(calendar.month_name)[1:]),
    ],
)
def test_what_comes_after(questions, names):
    after = dict(pairwise([*names, names[0]]))
    found = [(q.rstrip("?").split()[-1], a.split()[0]) for q, a in PAIRS if q.startswith(questions)]
    assert found and all(after[one] == two for one, two in found)


def test_months_have_their_lengths():
    asked = [q for q in ANSWERS if q.startswith("How many days does")]
    for question in asked:
        month = question.split()[4]
        days = 31 if month in "January March May July August October December" else 30
        assert ANSWERS[question] == f"{month} has {days} days."
    assert len(asked) == 11


def test_states_of_water():
    found = {q: a for q, a in PAIRS if q.startswith("In which state")}
    for question, answer in found.items():
        temperature = int(question.split()[6])
        said = answer.split(" it is ")[1]
        assert said == (
            "solid." if temperature < 0 else "liquid." if temperature < 100 else "a gas."
        )
    assert found


def test_tables_name_no_city_and_no_element_twice():
    cities = [facts.split(",")[0] for facts in TABLES["countries"].values()]
    elements = [word for facts in TABLES["elements"].values() for word in facts.split()]
    assert len(cities) == len(set(cities)) and len(elements) == len(set(elements))


def test_elements_are_in_the_order_of_their_numbers():
    numbers = [int(number) for number in TABLES["elements"]]
    assert numbers == sorted(numbers)
    symbols = " ".join(text.split()[1] for text in TABLES["elements"].values())
    assert symbols.startswith("H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca ")
