"""What the talking parts of milestone 05 are made of, each by itself."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from milestone_kit import REPOSITORY

from datasets.tinytalks import load_conversations, load_rephrased, load_tinytalks

sys.path.insert(0, str(REPOSITORY / "milestones" / "05_2017_transformer"))
import dashboard
import talker
import talking
import topics
import writing

from tinytorch.core.tensor import Tensor

PAIRS = [[pair] for pair in load_tinytalks()]
TALKS = PAIRS + [turns for _, turns in load_conversations()]
FEW = PAIRS[140:160]


@pytest.fixture(scope="module")
def words():
    return talking.Language(TALKS)


@pytest.fixture(scope="module")
def learned():
    """A model that has learned twenty sums by heart."""
    np.random.seed(0)
    model = talker.Talker(talking.Language(FEW), epochs=40, width=32)

    def batches():
        return talking.GroupLoader(talking.Groups(model.language, FEW, size=5))

    talker.train(model, batches, 40, None, lambda loss: None)
    return model


# -- texts as tokens -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Where do bees live?", "Where do bees live ?"),
        ("1, 2 and 3", "1 , 2 and 3"),
        ("It's 3 o'clock.", "It 's 3 o 'clock ."),
        ("", ""),
        ("...", ". . ."),
    ],
)
def test_marks_stand_by_themselves(text, form):
    assert talking.spaced(text) == form
    assert talking.unspaced(form) == text


@pytest.mark.parametrize("strategy", ["bpe", "char"])
def test_every_answer_comes_back_as_it_was(strategy):
    language = talking.Language(TALKS, strategy)
    for answer in {answer for talk in TALKS for _, answer in talk}:
        assert language.read(language.answer(answer)) == answer


def test_a_word_is_one_token_whatever_its_case_and_place(words):
    said = [words.said(text) for text in ("Bees?", "tell me of bees", "bees, please")]
    common = set(said[0]) & set(said[1]) & set(said[2])
    assert words.tokenizer.token_to_id["bees</w>"] in common


# -- what counts -----------------------------------------------------------------------------------


def test_answers_and_their_end_are_learned_and_nothing_else(words):
    talk = [("Hello!", "Hi! It is good to see you."), ("Bye!", "Bye! Have a good day.")]
    ids, counts = talking.row(words, talk)
    learned = [token for token, counted in zip(ids, counts, strict=True) if counted]
    assert learned == [token for _, answer in talk for token in words.answer(answer)]
    assert ids == [t for said, answer in talk for t in words.said(said) + words.answer(answer)]


def test_forgetting_takes_words_said_and_no_others(words):
    np.random.seed(0)
    talk = [("What is the capital of France?", "The capital of France is Paris.")]
    whole, _ = talking.row(words, talk)
    lengths = set()
    for _ in range(50):
        ids, counts = talking.row(words, talk, forget=0.5)
        answer = words.answer(talk[0][1])
        assert ids[-len(answer) :] == answer and sum(counts) == len(answer)
        assert ids[-len(answer) - 1] == words.separator
        lengths.add(len(ids))
    assert len(lengths) > 3 and max(lengths) <= len(whole)


def test_padding_by_hand():
    rows = [([5, 6, 7, 8], [False, False, True, True]), ([5, 9], [False, True])]
    inputs, targets = talking.padded(rows, padding=1)
    skip = talking.UNCOUNTED
    assert inputs.tolist() == [[5, 6, 7], [5, 9, 1]]
    assert targets.tolist() == [[skip, 7, 8], [9, skip, skip]]


def test_padding_changes_nothing_for_the_talk_itself(learned):
    row = talking.row(learned.language, FEW[0])
    alone, _ = talking.padded([row], learned.language.padding)
    beside, _ = talking.padded([row, (row[0] * 2, row[1] * 2)], learned.language.padding)
    length = alone.shape[1]
    np.testing.assert_allclose(
        learned.logits(alone)[0], learned.logits(beside)[0, :length], atol=1e-4
    )


def test_loss_is_the_mean_over_what_counts():
    logits = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    targets = np.array([[talking.UNCOUNTED, 1, 2], [3, talking.UNCOUNTED, talking.UNCOUNTED]])
    chances = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    expected = -np.log([chances[0, 1, 1], chances[0, 2, 2], chances[1, 0, 3]]).mean()
    tensor = Tensor(logits, requires_grad=True)
    loss = talking.AnswerLoss()(tensor, Tensor(targets))
    loss.backward()
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    gradient = np.asarray(tensor.grad.data if hasattr(tensor.grad, "data") else tensor.grad)
    assert not gradient[0, 0].any() and not gradient[1, 1:].any() and gradient[1, 0].all()


def test_a_pass_has_every_talk_once(words):
    groups = talking.Groups(words, PAIRS, size=24)
    assert sorted(n for group in groups.groups for n in group) == list(range(350))
    loader = talking.GroupLoader(groups)
    batches = list(loader)
    assert len(loader) == len(batches) == 15
    assert sum(inputs.shape[0] for inputs, _ in batches) == 350


# -- the talker ------------------------------------------------------------------------------------


def test_judging_is_the_same_as_asking(learned):
    """By tokens all at once, and by letting it speak: the same answers are right."""
    asked = FEW + [[pair] for pair in load_rephrased()[14:19]]
    right, loss = learned.judge(asked)
    spoken = [learned.reply(said) == answer for [(said, answer)] in asked]
    assert right.tolist() == spoken
    assert sum(spoken[:20]) >= 18 and not all(spoken) and loss > 0


def test_a_long_talk_is_cut_to_whole_turns(learned):
    history = [("What is 2 plus 3?", "2 plus 3 is 5.")] * 30
    heard = learned._as_much_as_fits([*history, ("What is 7 plus 5?", None)])
    said, answer = learned.language.said(history[0][0]), learned.language.answer(history[0][1])
    assert len(heard) <= learned.model.max_seq_len // 2
    assert heard[: len(said + answer)] == said + answer
    assert learned.reply("What is 2 plus 3?", history)


def test_a_question_longer_than_the_context_is_answered(learned):
    assert isinstance(learned.reply("why " * 500), str)
    assert isinstance(learned.reply(""), str)


def test_best_epoch_is_kept_when_training_is_stopped(learned, tmp_path, capsys):
    np.random.seed(1)
    model = talker.Talker(talking.Language(FEW), epochs=5, width=16)
    passes = []

    def batches():
        passes.append(1)
        if len(passes) == 3:
            raise KeyboardInterrupt
        return talking.GroupLoader(talking.Groups(model.language, FEW))

    file = tmp_path / "a" / "kept.ckpt"
    with pytest.raises(KeyboardInterrupt):
        talker.train(model, batches, 5, file, lambda loss: None)
    assert file.is_file() and str(file) in capsys.readouterr().err
    again = talker.Talker(talking.Language(FEW), epochs=5, width=16)
    talker.load(again, file)
    assert again.trainer.epoch == 2
    assert np.array_equal(again.judge(FEW)[0], model.judge(FEW)[0])


# -- conversations ---------------------------------------------------------------------------------

SUBJECTS = {"bees", "owls", "Mars"}


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("Bees have six legs.", True),
        ("It was nice to talk about bees.", True),
        ("Owls have two legs.", False),
        ("Bees and owls.", False),
        ("They have six legs.", False),
        ("Beeswax.", False),
        ("", False),
    ],
)
def test_on_topic_names_the_subject_and_no_other(answer, right):
    assert topics.on_topic(answer, "bees", SUBJECTS) is right


def test_mixed_conversations_keep_to_their_subject():
    np.random.seed(0)
    known = load_conversations()
    turns = {s: {turn for subject, t in known for turn in t if subject == s} for s, _ in known}
    openings = {talk[0] for _, talk in known}
    for (subject, _), talk in zip(known, topics.mixed(known), strict=True):
        assert set(talk) <= turns[subject] and len(set(talk)) == len(talk)
        assert [turn in openings for turn in talk] == [True] + [False] * (len(talk) - 1)
        assert 3 <= len(talk) <= 5


def test_no_mixed_conversation_has_an_opening_that_was_held_out():
    np.random.seed(1)
    held_out = {talk[0] for _, talk in load_conversations(held_out=True)}
    mixed = [talk[0] for _ in range(20) for talk in topics.mixed(load_conversations())]
    assert held_out.isdisjoint(mixed)


def test_perfect_answers_are_coherent_and_shuffled_ones_are_not():
    held_out = load_conversations(held_out=True)
    perfect = [(s, said, wanted, wanted) for s, talk in held_out for said, wanted in talk[1:]]
    assert topics.coherence(perfect) == 1.0
    counts = np.unique([s for s, *_ in perfect], return_counts=True)[1]
    expected = (counts**2).sum() / len(perfect) ** 2
    assert topics.shuffled_coherence(perfect) == pytest.approx(expected, abs=0.005)


# -- writing ---------------------------------------------------------------------------------------


def test_windows_hold_each_letter_and_the_one_after_it():
    ids = list(range(200))
    windows = writing.Windows(ids)
    assert [int(x.data[0]) for x, _ in (windows[n] for n in range(len(windows)))] == [0, 64, 128]
    for n in range(len(windows)):
        x, y = windows[n]
        assert np.array_equal(np.asarray(x.data) + 1, np.asarray(y.data))
    assert all(x.shape == (64,) for x, _ in (writing.Windows(ids, 20)[n] for n in range(20)))


def test_pairs_foresee_a_text_in_which_each_letter_has_one_follower():
    model = writing.Writer("abcd" * 1000, epochs=1)
    assert model.pairs_accuracy() == 1.0


def test_writing_goes_on_with_the_beginning():
    np.random.seed(0)
    model = writing.Writer("to be or not to be\n" * 200, epochs=1)
    text = model.write("to be", 10)
    assert text.startswith("to be") and len(text) == 15


# -- the dashboard ---------------------------------------------------------------------------------


class Batches(list):
    """A loader of two batches."""


def test_dashboard_counts_and_fits_a_terminal(monkeypatch):
    console = pytest.importorskip("rich.console")
    board = dashboard.Dashboard(["Hello!", "Why?"], epochs=3, about="a tiny model")
    loader = Batches([(np.zeros((4, 5)), np.zeros((4, 5)))] * 2)
    for epoch, reply in enumerate(["eee", "eee", "Hello!"], start=1):
        assert len(list(board.watched(loader))) == 2
        board.epoch_over(epoch, 1 / epoch, [reply, "x" * 200])
    out = io.StringIO()
    console.Console(file=out, width=80).print(board._screen())
    text = out.getvalue()
    assert "epoch 3 of 3" in text and "batch 2 of 2" in text and "loss 0.333" in text
    assert text.count("eee") == 1 and "epoch   3  Hello!" in text  # a repetition is left out
    assert max(map(len, text.splitlines())) <= 80
    assert board.history[0]["tokens_per_second"] > 0


def test_history_of_replies_leaves_repetitions_out():
    history = [{"epoch": n, "replies": {"Hi": r}} for n, r in enumerate("aabba", start=1)]
    assert dashboard.changes(history, "Hi") == [(1, "a"), (3, "b"), (5, "a")]


@pytest.mark.parametrize(
    ("values", "bars"), [([], ""), ([1.0], "▁"), ([8, 1], "█▁"), ([2, 2, 2], "▁▁▁")]
)
def test_spark(values, bars):
    assert dashboard.spark(values) == bars
