"""Conversations of TinyTalks: mixed anew for training, and judged by their topic."""

import numpy as np

SHUFFLES = 1000  # of the answers, for the baseline


def mixed(conversations):
    """As many conversations, put together anew, from the turns of those with the same subject.

    An opening of the subject's, then two to four of its other turns, in any order: what "they" are
    does not depend on which question came before.
    """
    openings, turns = {}, {}
    for subject, (opening, *others) in conversations:
        openings.setdefault(subject, []).append(opening)
        turns.setdefault(subject, {}).update(others)
    return [_mixed(openings[subject], list(turns[subject].items())) for subject, _ in conversations]


def _mixed(openings, turns):
    order = np.random.permutation(len(turns))[: np.random.randint(2, 5)]
    return [openings[np.random.randint(len(openings))], *(turns[number] for number in order)]


def on_topic(answer, subject, subjects):
    """True if the answer names this subject, and no other of them."""
    words = {word.strip(".,?!").lower() for word in answer.split()}
    return words & {name.lower() for name in subjects} == {subject.lower()}


def converse(model, conversations, remembers=True):
    """What the model answers, [(subject, said, wanted, answer), …], openings left out.

    It hears what was said before and its *own* earlier answers, as in a real talk; or, if it
    does not remember, only the last thing said.
    """
    answered = []
    for subject, turns in conversations:
        history = []
        for said, wanted in turns:
            answer = model.reply(said, history if remembers else ())
            if history:
                answered.append((subject, said, wanted, answer))
            history.append((said, answer))
    return answered


def coherence(answered):
    """The share of the answers that are on topic."""
    subjects = {subject for subject, *_ in answered}
    return np.mean([on_topic(answer, subject, subjects) for subject, *_, answer in answered])


def shuffled_coherence(answered):
    """The same for the same answers, dealt out at random: the mean of many deals."""
    subjects = sorted({subject for subject, *_ in answered})
    named = np.array([[on_topic(answer, s, subjects) for s in subjects] for *_, answer in answered])
    own = np.array([subjects.index(subject) for subject, *_ in answered])
    generator = np.random.default_rng(0)
    deals = (named[generator.permutation(len(own)), own].mean() for _ in range(SHUFFLES))
    return np.mean(list(deals))
