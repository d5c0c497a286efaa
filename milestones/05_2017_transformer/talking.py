"""What the talking parts of milestone 05 share: texts as tokens, what counts, loading.

A talk is a list of turns, each `(said, answer)`; a question with its answer is a talk of one turn.
As tokens it is one row:  said <SEP> answer <EOS> said <SEP> answer <EOS> …
"""

import re

import numpy as np

from tinytorch.core.data_loader import DataLoader, Dataset
from tinytorch.core.losses import CrossEntropyLoss
from tinytorch.core.tensor import Tensor
from tinytorch.core.tokenization import create_tokenizer

PADDING, SEPARATOR, END = "<PAD>", "<SEP>", "<EOS>"
UNCOUNTED = -1  # the target of a place that the loss leaves out


# -- texts as tokens -------------------------------------------------------------------------------


def spaced(text):
    """ "bees?" → "bees ?": a word is the same word, whatever stands behind it."""
    return re.sub(r"(?<=\S)([.,?!:'])", r" \1", text)


def unspaced(text):
    """The reverse of `spaced`."""
    return re.sub(r" ([.,?!:'])", r"\1", text)


class Language:
    """Texts to token ids and back. What is said is read in lower case, answers as they are.

    Args:
        talks: what the tokenizer learns from.
        strategy: "bpe" for parts of words, "char" for characters.
        vocab_size: of "bpe", at most.
    """

    def __init__(self, talks, strategy="bpe", vocab_size=1000):
        turns = [turn for talk in talks for turn in talk]
        corpus = [text for said, answer in turns for text in (spaced(said.lower()), spaced(answer))]
        special = (PADDING, SEPARATOR, END)
        self.tokenizer = create_tokenizer(strategy, vocab_size, corpus, special)
        self.padding, self.separator, self.end = map(self.tokenizer.special_ids.get, special)
        self.size = self.tokenizer.vocab_size
        self.longest = max(len(self.answer(answer)) for _, answer in turns)  # tokens

    def said(self, text):
        """The ids of what a person says, the separator at the end."""
        return [*self.tokenizer.encode(spaced(text.lower())), self.separator]

    def answer(self, text):
        """The ids of an answer, the end mark at the end."""
        return [*self.tokenizer.encode(spaced(text)), self.end]

    def read(self, ids):
        """The text of an answer's ids."""
        return unspaced(self.tokenizer.decode(ids))


# -- what counts: which tokens are learned, and what fills the rows --------------------------------


def row(language, talk, forget=0.0):
    """A talk as `(ids, counts)`: its tokens, and for each whether it is to be learned.

    Answers are learned and what is said is not: that comes from a person. `forget` is the share
    of the words said that are left out, others each time: so that not every word is needed.
    """
    ids, counts = [], []
    for said, answer in talk:
        for part, learned in (
            (heard(language.said(said), forget), False),
            (language.answer(answer), True),
        ):
            ids += part
            counts += [learned] * len(part)
    return ids, counts


def heard(ids, forget):
    """What is left of the tokens said; the separator always is."""
    if forget == 0:
        return ids
    return [token for token in ids[:-1] if np.random.random() >= forget] + ids[-1:]


def padded(rows, padding):
    """Rows of `(ids, counts)` as arrays `(inputs, targets)`, both (rows, longest - 1).

    The target of each token is the one after it; UNCOUNTED where that is not to be learned.
    Padding stands at the end. There, the causal mask hides it from every token of the talk, so
    attention needs no other mask; and its own targets do not count.
    """
    longest = max(len(ids) for ids, _ in rows)
    tokens = np.full((len(rows), longest), padding)
    learned = np.zeros((len(rows), longest), dtype=bool)
    for number, (ids, counts) in enumerate(rows):
        tokens[number, : len(ids)] = ids
        learned[number, : len(ids)] = counts
    return tokens[:, :-1], np.where(learned, tokens, UNCOUNTED)[:, 1:]


class AnswerLoss:
    """Cross-entropy, the mean over the targets that count."""

    def __init__(self):
        self.cross_entropy = CrossEntropyLoss()

    def __call__(self, logits, targets):
        wanted = np.asarray(targets.data).ravel()
        places = np.flatnonzero(wanted != UNCOUNTED)
        chosen = logits.reshape(-1, logits.shape[-1])[places]
        return self.cross_entropy(chosen, Tensor(wanted[places]))


# -- loading ---------------------------------------------------------------------------------------


class Groups(Dataset):
    """Talks in groups of similar length, so that little padding is needed. A sample is a group.

    Args:
        forget: see `row`.
        size: talks in a group.
        mix: how far lengths may differ for the sake of other groups each time, in tokens.
    """

    def __init__(self, language, talks, forget=0.0, size=25, mix=4):
        self.language, self.talks, self.forget = language, talks, forget
        lengths = np.array([len(row(language, talk)[0]) for talk in talks])
        order = np.argsort(lengths + mix * np.random.random(len(talks)), kind="stable")
        self.groups = [order[start : start + size] for start in range(0, len(talks), size)]

    def __len__(self):
        return len(self.groups)

    def __getitem__(self, number):
        rows = [row(self.language, self.talks[n], self.forget) for n in self.groups[number]]
        inputs, targets = padded(rows, self.language.padding)
        return Tensor(inputs), Tensor(targets)


class GroupLoader(DataLoader):
    """A loader whose batch is one group, as it is."""

    def __init__(self, groups):
        super().__init__(groups, batch_size=1, shuffle=True)

    def _collate_batch(self, batch):
        return batch[0]
