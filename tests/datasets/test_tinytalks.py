"""TinyTalks: what the loaders promise, that its answers are right, and what is said of damage."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tinytalks_oracle import ARITHMETIC, REASONING, computed

from datasets import DatasetError
from datasets.tinytalks import HERE, LEVELS, load_conversations, load_rephrased, load_tinytalks

MOST_BYTES = 60_000  # of the three texts together
LONGEST_QUESTION, LONGEST_ANSWER = 80, 50  # characters
PAIRS = load_tinytalks()
TEXTS = [text for pair in PAIRS for text in pair]


def plain(question: str) -> str:
    """The question without what a reader does not hear."""
    return "".join(sign for sign in question.lower() if sign.isalnum() or sign == " ")


def test_350_pairs_in_five_levels_of_70():
    assert len(PAIRS) == 350
    assert [len(load_tinytalks(level)) for level in LEVELS] == [70] * 5
    assert [pair for level in LEVELS for pair in load_tinytalks(level)] == PAIRS
    assert load_tinytalks(4) == load_tinytalks("science") == PAIRS[210:280]


@pytest.mark.parametrize("level", ["sport", 0, 6, -1, True, 1.5])
def test_level_that_does_not_exist_is_named(level):
    with pytest.raises(ValueError, match="greetings, general knowledge") as caught:
        load_tinytalks(level)
    assert repr(level) in str(caught.value)


def test_no_question_is_asked_twice():
    assert [q for q, n in Counter(plain(q) for q, _ in PAIRS).items() if n > 1] == []


def test_texts_are_short_plain_and_finished():
    assert all(text.isascii() and text.isprintable() and text == text.strip() for text in TEXTS)
    assert all(text[-1] in ".?!" and "  " not in text for text in TEXTS)
    assert all(len(q) <= LONGEST_QUESTION and len(a) <= LONGEST_ANSWER for q, a in PAIRS)
    assert sum(file.stat().st_size for file in HERE.glob("*.txt")) < MOST_BYTES


@pytest.mark.parametrize(("question", "answer"), load_tinytalks("mathematics"))
def test_every_answer_of_mathematics_is_computed_again(question, answer):
    assert computed(question, ARITHMETIC) == [answer]


def test_answers_of_reasoning_that_can_be_computed_are():
    found = {q: (a, computed(q, REASONING)) for q, a in load_tinytalks("reasoning")}
    assert [q for q, (answer, right) in found.items() if right not in ([], [answer])] == []
    assert sum(bool(right) for _, right in found.values()) >= 30


def test_rephrased_questions_are_new_and_their_answers_are_not():
    trained = {plain(question) for question, _ in PAIRS}
    for level in LEVELS:
        answers = {answer for _, answer in load_tinytalks(level)}
        rephrased = load_tinytalks(level, path=HERE / "rephrased.txt")
        assert len(rephrased) == 7
        assert all(plain(q) not in trained and answer in answers for q, answer in rephrased)
    assert len(load_rephrased()) == 35


# -- conversations ---------------------------------------------------------------------------------

TRAINING, HELD_OUT = load_conversations(), load_conversations(held_out=True)


def test_72_conversations_and_24_held_out_of_3_to_5_turns():
    assert (len(TRAINING), len(HELD_OUT)) == (72, 24)
    assert {len(turns) for _, turns in TRAINING + HELD_OUT} == {3, 4, 5}
    assert Counter(s for s, _ in TRAINING) == {subject: 3 for subject, _ in HELD_OUT}


def test_only_the_opening_names_the_subject_and_every_answer_does():
    for subject, turns in TRAINING + HELD_OUT:
        assert [subject in said for said, _ in turns] == [True] + [False] * (len(turns) - 1)
        assert all(subject.lower() in answer.lower() for _, answer in turns)


def test_no_answer_names_two_subjects():
    subjects = {subject.lower() for subject, _ in TRAINING}
    for subject, turns in TRAINING + HELD_OUT:
        for _, answer in turns:
            words = {word.strip(".,?!").lower() for word in answer.split()}
            assert words & subjects == {subject.lower()}


def test_held_out_conversations_ask_known_things_in_a_new_order():
    known = {(subject, said, answer) for subject, turns in TRAINING for said, answer in turns}
    in_row = {(s, *pair) for s, turns in TRAINING for pair in follow_ups(turns)}
    for subject, (opening, *rest) in HELD_OUT:
        assert (subject, *opening) not in known
        assert all((subject, *turn) in known for turn in rest if turn[0] != "Thank you.")
        assert not any((subject, *pair) in in_row for pair in follow_ups([opening, *rest]))


def follow_ups(turns: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Questions one after the other, without the opening and the thanks."""
    said = [said for said, _ in turns[1:] if said != "Thank you."]
    return list(itertools.pairwise(said))


def test_the_same_question_has_another_answer_for_each_subject():
    answers = {}
    for subject, turns in TRAINING:
        for said, answer in turns[1:]:
            answers.setdefault(said, {})[subject] = answer
    assert all(len(set(found.values())) == len(found) >= 8 for found in answers.values())


def test_script_makes_the_shipped_conversations_byte_for_byte(tmp_path: Path):
    made = tmp_path / "made.txt"
    subprocess.run(
        [sys.executable, HERE / "make_conversations.py", made], check=True, capture_output=True
    )
    assert made.read_bytes() == (HERE / "conversations.txt").read_bytes()


# -- damage ----------------------------------------------------------------------------------------

DAMAGE = {
    "empty": b"",
    "remarks alone": b"# level 1: greetings\n",
    "no answer": b"# level 1: greetings\n\nQ: Hello!\n",
    "two questions": b"# level 1: greetings\n\nQ: Hello!\nQ: Hi!\nA: Hi!\n",
    "an answer alone": b"# level 1: greetings\n\nA: Hi!\n",
    "no heading": b"Q: Hello!\nA: Hi!\n",
    "a web page": b"# level 1: greetings\n<html></html>\n",
    "no text": b"\x93NUMPY\x01\x00",
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_file_is_named_with_what_to_do(tmp_path: Path, kind: str):
    path = tmp_path / "tinytalks.txt"
    path.write_bytes(DAMAGE[kind])
    with pytest.raises(DatasetError) as caught:
        load_tinytalks(path=path)
    assert str(path) in str(caught.value) and "tito setup" in str(caught.value)


@pytest.mark.parametrize("load", [load_tinytalks, load_rephrased, load_conversations])
def test_missing_file_is_named_with_what_to_do(tmp_path: Path, load):
    with pytest.raises(DatasetError, match=r"is missing(?s:.*)tito setup"):
        load(path=tmp_path / "nowhere.txt")
