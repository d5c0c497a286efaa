# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
r"""
# Module 10: Tokenization

**Architecture** | ●●○○ | 6-8 hours | Prerequisites: 01 Tensor to 07 Training

Your network reads numbers; people write text. What stands between the two looks like plumbing, and
it decides how long a model's inputs are, how large its first table is, what it can read at all, and
a surprising share of the mistakes that people blame on the model. Today you build two tokenizers:
one in ten lines, and the one that most language models use.

## Where this comes from

In February 1994 Philip Gage published a trick in the *C Users Journal* to make files smaller:
replace the most frequent pair of bytes by a byte that is not in use, and repeat. As a compressor
it lost to better ones and was forgotten. Twenty-one years later Rico Sennrich, Barry Haddow and
Alexandra Birch in Edinburgh had a translator with a vocabulary of fixed size: every name, every new
compound came out as *unknown*. The example in their paper is the German word for a sewage treatment
plant. They let Gage's algorithm loose on words and stopped it early. Its half-compressed pieces
were the vocabulary that they needed, and nothing was unknown any more.

## Where this module stands

```
   text: "low lower lowest"
              |
              v
   +------------------------------------------------------------+
   |                     10 Tokenization                        |
   |   words -> characters -> merges -> tokens -> ids -> text   |
   +------------------------------------------------------------+
        |                                      |
        v                                      v
   11 Embeddings                        milestone 05:
   a row of numbers for each id         a model that answers
```

In words: no gradient flows through anything that you build here. A vocabulary is learned all the
same, from a text, by counting, and once, before the network. What it gets wrong no training mends.

## What you will be able to do

1. **Turn** any text into ids and back without losing a character, and **say** what is promised.
2. **Learn** a vocabulary from a text by byte pair encoding, the same one in every run.
3. **Measure** why the obvious way of learning it is quadratic, and **replace** it by a better one.
4. **Weigh** vocabulary size against sequence length, with numbers.
5. **Compare** models that use different tokenizers, which their losses alone do not allow.
6. **Debug** a chat that prints its answer piece by piece, with the spaces in the wrong places.

## What you build

| part | you write | idea |
|---|---|---|
| 1 | `CharTokenizer` | a list, and its inverse |
| 2 | `split_words`, `join_words` | a split that can be undone |
| 3 | `merge_pair`, `count_pairs`, `best_pair` | one merge |
| 4 | `learn_by_recounting` | byte pair encoding, as it is told |
| 5 | `PairTable`, `learn_merges` | byte pair encoding, as it is run |
| 6 | `apply_merges`, `join_tokens`, `BPETokenizer` | from text to ids and back |
| 7 | `learn_by_surprise` (open) | another rule |
| 8 | `tokenize_dataset`, `analyze_tokenization` | whole data sets |
| 8 | `stream_text` (bug hunt) | an answer, token by token |

## What you do not build yet

Rows of numbers for the ids are Module 11. Not part of the course: tokenizers that work on bytes
instead of characters (a question below says what they buy), the Unigram models of SentencePiece,
and rules for single languages.
"""

# %% [markdown]
"""
## Setup

Four short cells: the name of this module's file in your framework, what that file needs, what the
tests and experiments need, and some text: a small story, and Python's own manual, which lies on
your disk.
"""

# %%
#| default_exp core.tokenization

# %%
#| export
"""Tokenization: texts into ids and back, by characters and by byte pair encoding."""

import heapq
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

# %%
# For the test cells and experiments below; not part of your framework.
import math
import subprocess
import sys
import time

from tinytorch.core.activations import Softmax
from tinytorch.core.autograd import no_grad
from tinytorch.core.layers import Linear
from tinytorch.core.losses import CrossEntropyLoss
from tinytorch.core.optimizers import Adam
from tinytorch.core.tensor import Tensor
from tinytorch.core.training import Trainer
from tito.checks import check, probe

# %%
STORY = """The keeper lit the light every night, and every night the light kept the ships away.
She wrote down what she saw: low water, lower water, the lowest water of the year.

"The longer the night," she said, "the longer the list."
    3 ships
    2 whales
"""

try:
    from pydoc_data.topics import topics  # the texts behind Python's help()

    MANUAL = "\n".join(topics.values())
except ImportError:  # a few Python distributions leave it out
    import argparse
    import inspect
    import pydoc
    import tarfile
    import typing

    MANUAL = "\n".join(map(inspect.getsource, (pydoc, argparse, tarfile, typing)))
print(f"the manual has {len(MANUAL):,} characters, the story {len(STORY)}")

# %% [markdown]
"""
# Build

## Part 1: A number for every character

A *token* is a piece of text that has a number; the number is its *id*; the list of all tokens, each
at the place of its id, is the *vocabulary*. A *tokenizer* turns a text into a list of ids
(`encode`) and a list of ids into a text (`decode`).

The shortest vocabulary that does it is the list of the characters. The way there is a dictionary.

**What will this print?** The characters of one text, then another text in these numbers:
"""

# %%
numbers = {character: number for number, character in enumerate(sorted(set("a low light")))}
print(numbers)
try:
    print([numbers[character] for character in "a low night"])
except KeyError as error:
    print("KeyError:", error)

# %% [markdown]
"""
A character that was not in the first text, and the program stops. Texts that people type are full
of those. So every vocabulary of ours begins with a token for whatever is *unknown*: `<UNK>`, with
the id 0. It says honestly that something has been lost, and where.

Other tokens stand for no text at all. `<PAD>` fills lists up to equal length, `<BOS>` and `<EOS>`
mark the beginning and the end of a sequence, `<SEP>` separates two. Whoever wants them asks for
them; they come right after `<UNK>`. One thing must never happen: that a *text* makes them. A user
who types the five characters `<EOS>` has typed five characters, and must not end the answer.

Given, in the next cell: the names, and functions that check what comes in. Use them; they do their
work and return the value (`check_ids` also accepts arrays and Tensors). `Tokenizer` is an
*abstract* class: it says what every tokenizer has and can do, and does nothing.
"""

# %%
#| export
UNK_TOKEN = "<UNK>"  # stands for everything unknown; its id is 0
END_OF_WORD = "</w>"  # the last token of every word, or the last part of it
PAD_TOKEN, BOS_TOKEN, EOS_TOKEN, SEP_TOKEN = "<PAD>", "<BOS>", "<EOS>", "<SEP>"


def check_text(text: Any) -> str:
    """The text itself; TypeError if it is no str."""
    if not isinstance(text, str):
        raise TypeError(f"expected a text (str), got {type(text).__name__}: {text!s:.60}")
    return text


def check_texts(texts: Any) -> list[str]:
    """The texts as a list; TypeError for a single text, or if one of them is no str."""
    if isinstance(texts, str):
        raise TypeError(f"expected a list of texts, got one text (str): wrap it, [{texts!r:.40}]")
    return [check_text(text) for text in texts]


def check_size(name: str, size: Any) -> int:
    """The size as an int; ValueError unless it is a whole number from 1."""
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise ValueError(f"{name} must be a whole number from 1, got {size!r}")
    return int(size)


def check_ids(tokens: Any) -> list[int]:
    """Ids as plain ints, from a list, an array or a Tensor. TypeError if one is no whole number."""
    ids = np.asarray(tokens.data if hasattr(tokens, "requires_grad") else tokens)
    if ids.ndim != 1:
        raise ValueError(f"expected a flat list of ids, got shape {ids.shape}")
    if ids.dtype.kind not in "iuf" or not np.all(np.isfinite(ids) & (ids == np.floor(ids))):
        raise TypeError(f"ids are whole numbers, got {tokens!s:.60}")
    return [int(number) for number in ids.tolist()]


def reserved_tokens(special_tokens: Iterable[str]) -> list[str]:
    """The tokens before all others: "<UNK>", then the special ones that were asked for."""
    special = check_texts(special_tokens)
    for token in special:
        if len(token) < 2 or token in (UNK_TOKEN, END_OF_WORD) or special.count(token) > 1:
            raise ValueError(f"{token!r} cannot be a special token: too short, taken, or twice")
    return [UNK_TOKEN, *special]


def check_characters(characters: Iterable[str], reserved: Sequence[str]) -> list[str]:
    """Different single characters in their order, reserved tokens left out; or ValueError."""
    found = [text for text in dict.fromkeys(characters) if text not in reserved]
    for text in found:
        if len(check_text(text)) != 1:
            raise ValueError(f"expected single characters, got {text!r}")
    return found


class Tokenizer(ABC):
    """What every tokenizer can do: texts into ids, and ids into text.

    `vocab` lists the tokens, each at the place of its id; `vocab_size` is their number.
    `special_ids` gives the ids of the special tokens that were asked for, by name. No text contains
    them: encode never gives such an id, and for decode it stands for no text.
    """

    vocab: list[str]
    vocab_size: int
    special_ids: dict[str, int]

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """The ids of a text."""

    @abstractmethod
    def decode(self, tokens: Iterable[int]) -> str:
        """The text of a list of ids."""


# %% nbgrader={"grade": false, "grade_id": "tokenization_characters", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class CharTokenizer(Tokenizer):
    """Every character is a token.

    Args:
        vocab: the known characters, in the order of their ids; default: none.
        special_tokens: names of special tokens, such as "<PAD>".
    """

    unk_id = 0

    def __init__(self, vocab: Iterable[str] | None = None, special_tokens: Iterable[str] = ()):
        self.reserved = reserved_tokens(special_tokens)  # "<UNK>" and the special tokens
        self._use(check_characters(vocab or (), self.reserved))

    def _use(self, characters: list[str]) -> None:
        """Set the vocabulary, to the reserved tokens and then these, and all that depends on it.

        vocab         list of the tokens, each at the place of its id
        vocab_size    how many there are
        char_to_id    dict: token to id, of all tokens
        id_to_char    dict: id to token, of all tokens
        special_ids   dict: token to id, of the special tokens alone (not "<UNK>")
        """
        ### BEGIN SOLUTION
        self.vocab = [*self.reserved, *characters]
        self.vocab_size = len(self.vocab)
        self.char_to_id = {token: number for number, token in enumerate(self.vocab)}
        self.id_to_char = dict(enumerate(self.vocab))
        self.special_ids = {token: self.char_to_id[token] for token in self.reserved[1:]}
        ### END SOLUTION

    def build_vocab(self, corpus: Iterable[str]) -> None:
        """Know the characters of these texts, sorted, and no others.

        Without any character, everything is unknown. TypeError if the corpus is a single text.

        Example:
            build_vocab(["cab", "a"]) makes vocab ["<UNK>", "a", "b", "c"]
        """
        ### BEGIN SOLUTION
        self._use(sorted(set("".join(check_texts(corpus)))))
        ### END SOLUTION

    def encode(self, text: str) -> list[int]:
        """One id for each character; 0 for an unknown one. TypeError if text is no str."""
        ### BEGIN SOLUTION
        return [self.char_to_id.get(character, self.unk_id) for character in check_text(text)]
        ### END SOLUTION

    def decode(self, tokens: Iterable[int]) -> str:
        """The characters of these ids, joined.

        Special tokens are left out. The id 0, and an id that nobody has, give "<UNK>".
        What `check_ids` refuses is refused.
        """
        ### BEGIN SOLUTION
        special = set(self.special_ids.values())
        ids = [number for number in check_ids(tokens) if number not in special]
        return "".join(self.id_to_char.get(number, UNK_TOKEN) for number in ids)
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the vocabulary and its dictionaries, the way there and back, unknown characters
and ids, special tokens, texts that contain their names, and wrong types.
"""

# %% nbgrader={"grade": true, "grade_id": "test_tokenization_characters", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def test_tokenization_characters():
    """A list and its inverse; what is unknown is 0; special tokens are no text."""
    tokenizer = CharTokenizer()
    tokenizer.build_vocab(["cab", "a dab"])
    check.equal(tokenizer.vocab, ["<UNK>", " ", "a", "b", "c", "d"],
                given="build_vocab(['cab', 'a dab']): vocab",
                because="'<UNK>' first, then every different character of all texts, sorted")
    check.equal(tokenizer.encode("bad"), [3, 2, 5], given="encode('bad') with that vocabulary",
                because="b, a, d stand at the places 3, 2, 5")
    check.equal(tokenizer.decode([3, 2, 5, 1, 4]), "bad c", given="decode([3, 2, 5, 1, 4])",
                because="the way back: the tokens at these places, joined by nothing")
    check.equal(tokenizer.vocab_size, 6, given="the same vocabulary: vocab_size")
    check.equal([tokenizer.char_to_id.get("d"), tokenizer.char_to_id.get("<UNK>")], [5, 0],
                given="char_to_id of 'd' and of '<UNK>'")
    check.equal([tokenizer.id_to_char.get(5), tokenizer.id_to_char.get(0)], ["d", "<UNK>"],
                given="id_to_char of 5 and of 0")
    check.equal(tokenizer.encode("dB!d"), [5, 0, 0, 5], given="encode('dB!d')",
                because="B and ! are unknown: one 0 for each; B is not b")
    check.equal(tokenizer.decode([5, 0, 99, -1, 4]), "d<UNK><UNK><UNK>c",
                given="decode([5, 0, 99, -1, 4])",
                because="0 is '<UNK>', and so is an id that nobody has; a negative one counts from "
                        "nowhere")
    check.equal([tokenizer.encode(""), tokenizer.decode([])], [[], ""],
                given="encode('') and decode([])")
    tokenizer.build_vocab(["xyz"])
    check.equal([tokenizer.vocab, tokenizer.vocab_size, sorted(tokenizer.char_to_id)],
                [["<UNK>", "x", "y", "z"], 4, ["<UNK>", "x", "y", "z"]],
                given="build_vocab(['xyz']) after that: vocab, vocab_size, names in char_to_id",
                because="the characters of these texts and no others: the old ones are gone")
    empty = CharTokenizer()
    empty.build_vocab([])
    check.equal([empty.vocab, empty.encode("ab")], [["<UNK>"], [0, 0]],
                given="build_vocab([]): vocab and encode('ab')",
                because="nothing is known, so everything is unknown; that is no error")

    special = CharTokenizer("ab", ["<PAD>", "<EOS>"])
    check.equal(special.vocab, ["<UNK>", "<PAD>", "<EOS>", "a", "b"],
                given="CharTokenizer('ab', ['<PAD>', '<EOS>']): vocab",
                because="reserved tokens first, then the characters in the order given")
    check.equal(special.special_ids, {"<PAD>": 1, "<EOS>": 2}, given="its special_ids",
                because="those asked for and nothing else: '<UNK>' is not among them")
    check.equal(special.decode([3, 1, 1, 4, 2, 0]), "ab<UNK>", given="decode([3, 1, 1, 4, 2, 0])",
                because="special tokens stand for no text; '<UNK>' stands for some, that was lost")
    check.equal(special.encode("a<PAD>"), [3, 0, 0, 0, 0, 0], given="encode('a<PAD>')",
                because="no text makes a special token: these are six characters")
    special.build_vocab(["<PAD>"])
    check.equal(special.decode(special.encode("A<PAD>P")), "A<PAD>P",
                given="the text 'A<PAD>P', there and back, with all its characters known",
                because="the characters of a name are characters")
    check.equal(special.special_ids, {"<PAD>": 1, "<EOS>": 2},
                given="special_ids after build_vocab", because="the reserved tokens stay")
    check.raises(TypeError, lambda: tokenizer.encode(["x"]), given="encode(['x'])",
                 mentions=["list"], because="check_text refuses what is no str")
    check.raises(TypeError, lambda: tokenizer.build_vocab("xyz"), given="build_vocab('xyz')",
                 mentions=["str"], because="a corpus is a list of texts: check_texts says so")
    check.raises(TypeError, lambda: tokenizer.decode([1.5]), given="decode([1.5])",
                 mentions=["1.5"], because="check_ids refuses what is no whole number")

    @probe
    def other_kinds_of_ids():
        kinds = np.array([1, 3], dtype=np.int16), Tensor([1, 3]), (1, 3)
        return [CharTokenizer("xyz").decode(ids) for ids in kinds]

    check.equal(other_kinds_of_ids(), ["xz"] * 3,
                given="decode of an int16 array, a Tensor and a tuple with the ids 1, 3",
                because="check_ids makes plain ints of them")


test_tokenization_characters()

# %% [markdown]
"""
That is a complete tokenizer, and for small models it is a good one: nothing to train, a vocabulary
of about a hundred, and no text is out of its reach once its characters are known. What is wrong
with it? Look at the length.

**Predict:** into how many ids does the story turn? How many words would you count?
"""

# %%
characters = CharTokenizer()
characters.build_vocab([MANUAL, STORY])
print(f"{len(characters.encode(STORY))} ids, {len(STORY.split())} words")
print("vocabulary:", characters.vocab_size, " first ids:", characters.encode(STORY)[:12])

# %% [markdown]
"""
Every step of a model costs per token, the context that it sees is counted in tokens, and the
attention of Module 12 compares each token with each: its work grows with the *square* of the
length. The other end of the scale, a token for every word, needs a list of all words, and the next
text has one more. Between the two lie pieces of words: common ones long, rare ones short. Which
pieces? That is what byte pair encoding answers.

## Part 2: Words, and how to get them back

Byte pair encoding works within words, so that no token crosses from one into the next. First, then:
what is a word? Python has an answer.

**What will this print?** The story, cut into words by `split()` and put together again:
"""

# %%
print(" ".join(STORY.split()))

# %% [markdown]
"""
The lines are gone, the indentation is gone. For a newspaper that may be fine; a Python program is
dead. The tokenizers of the first years did just that, and of a text only its words came back. Ours
promises more: **decode(encode(text)) == text, for every text whose characters are known.**

For that the split must keep what it cuts at. The rule: a word ends at **each** space, so two spaces
in a row have an empty word between them, which is a word like any other. A newline is a word of its
own; joining puts no space beside it, and a space that the text has there shows as an empty word.
And an empty line has no word at all, not even an empty one.
"""

# %% nbgrader={"grade": false, "grade_id": "tokenization_words", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def split_words(text: str) -> list[str]:
    r"""The words of a text.

    Lines are separated by "\n", which is a word by itself between the words of the two lines. The
    words of a line are what stands between its spaces (only " "; a tab is part of a word): with k
    spaces there are k + 1 words, empty ones included. An empty line has no word.

    Example:
        split_words("a  b\nc\n\nd") is ["a", "", "b", "\n", "c", "\n", "\n", "d"]
    """
    ### BEGIN SOLUTION
    words = []
    for number, line in enumerate(text.split("\n")):
        if number > 0:
            words.append("\n")
        if line:
            words += line.split(" ")
    return words
    ### END SOLUTION


def join_words(words: Iterable[str]) -> str:
    r"""The text of these words: one space between two words, but none next to a "\n".

    join_words(split_words(text)) == text, whatever the text.

    Example:
        join_words(["a", "", "b", "\n", "c"]) is "a  b\nc"
    """
    ### BEGIN SOLUTION
    return " ".join(words).replace(" \n", "\n").replace("\n ", "\n")
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* examples of both, and some hundred texts of spaces, newlines, tabs and letters
that must survive.
"""

# %% nbgrader={"grade": true, "grade_id": "test_tokenization_words", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_tokenization_words():
    """Every space and every newline comes back."""
    for text, words in (
        ("low lower", ["low", "lower"]),
        ("a\nb c", ["a", "\n", "b", "c"]),
        ("a  b", ["a", "", "b"]),
        (" a ", ["", "a", ""]),
        ("a\n\nb\n", ["a", "\n", "\n", "b", "\n"]),
        ("a \n b", ["a", "", "\n", "", "b"]),
        ("\n", ["\n"]),
        (" ", ["", ""]),
        ("", []),
        ("a\tb\r\nc", ["a\tb\r", "\n", "c"]),
        ("a\u00a0b\u2028c", ["a\u00a0b\u2028c"]),
    ):
        check.equal(split_words(text), words, given=f"split_words({text!r})",
                    because="a word ends at each space, and only there; a newline is a word of its "
                            "own; an empty line has none; every other character is part of a word")
        check.equal(join_words(words), text, given=f"join_words({words!r})",
                    because="one space between two words, none next to a newline")

    @probe
    def lost_texts():
        """Of all texts of up to 5 of these characters: the first few that do not come back."""
        texts = layer = [""]
        for _ in range(5):
            layer = [text + more for text in layer for more in "a \n\t"]
            texts = texts + layer
        return [text for text in texts if join_words(split_words(text)) != text][:3]

    check.equal(lost_texts(), [], given="all texts of 'a', space, newline and tab, up to five "
                "characters: those that do not survive split_words and join_words",
                because="the join undoes the split, whatever the text")

    @probe
    def joined_from_a_generator():
        words = ["low", "\n", "tide"]
        joined = join_words(word for word in words)
        return joined

    check.equal(joined_from_a_generator(), "low\ntide",
                given="join_words of a generator: 'low', newline, 'tide'",
                because="words may be any iterable, walked once")


test_tokenization_words()

# %% [markdown]
r"""
## Part 3: One merge

Now the algorithm, by hand first. The corpus is one line, *hello hello help*. Each different word is
written as its characters, with the end-of-word token `</w>` behind them, and with the number of
times it was seen:

```
 h e l l o </w>   2 times          h e l p </w>   1 time
```

Count the pairs of neighbours: (h, e) 3, (e, l) 3, (l, l) 2, (l, o) 2, (o, `</w>`) 2, (l, p) 1,
(p, `</w>`) 1. Take the most frequent pair and make a new token of it, wherever it stands. Two pairs
tie at 3, so there must be a rule. Ours: **of equally frequent pairs the smallest**, as Python
compares tuples of texts; ("e", "l") < ("h", "e"). So:

```
 h el l o </w>    2 times          h el p </w>    1 time       merge 1: e + l
 hel l o </w>     2 times          hel p </w>     1 time       merge 2: h + el
```

Count again: (h, el) is at 3, and it is next. Continue, and *hello* is one token after five merges.
The token `</w>` does two things. It lets a merge know that it is at an end (the *er* of *lower* is
not that of *error*), and it tells decode where the words ended.

Given: `word_tokens` makes the first line of all this. What is a pair, and what is a merge?

**What will this print?** The pairs of *banana*, collected in a set, the way a well-known sketch of
the algorithm counts them: once for each word.
"""

# %%
#| export
TokenPair = tuple[str, str]


def word_tokens(word: str) -> list[str]:
    """The characters of a word, and the end-of-word token."""
    return [*word, END_OF_WORD]


# %%
print(set(pairwise(word_tokens("banana"))))
code = "print(list({('n', 'a'), ('a', 'n'), ('b', 'a')})[0])"
for _ in range(4):  # four fresh Python processes print the "first" pair of such a set
    print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout,
          end="")

# %% [markdown]
"""
Two faults at once. *banana* has the pair (a, n) twice, and the set says once. And a set has no
order (all four lines alike? run the cell again): Python shuffles the hashes of texts anew in every
process, so a tie that is decided by "the first one I meet" may be decided differently tomorrow. Two
runs, two vocabularies, and a model that was trained with the one reads nonsense through the other.
So count every occurrence, and break ties by a rule that looks at nothing but the pair.

`pairwise(tokens)` (from `itertools`) gives the neighbours in order: of [a, b, c], (a, b), (b, c).

First the merge. From left to right, and no token can be part of two merges: what becomes of
*a a a*?
"""

# %% nbgrader={"grade": false, "grade_id": "tokenization_merge", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def merge_pair(tokens: Sequence[str], pair: TokenPair) -> list[str]:
    """A new list, in which every occurrence of the pair has become one token.

    Occurrences are taken from left to right; a token belongs to one of them at most. `tokens` is
    not changed.

    Example:
        merge_pair(["b", "a", "n", "a", "n"], ("a", "n")) is ["b", "an", "an"]
    """
    ### BEGIN SOLUTION
    merged: list[str] = []
    left, right = pair
    place, last = 0, len(tokens) - 1
    while place <= last:
        if place < last and tokens[place] == left and tokens[place + 1] == right:
            merged.append(left + right)
            place += 2
        else:
            merged.append(tokens[place])
            place += 1
    return merged
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* merges at the beginning, the middle and the end, overlaps, tokens of several
characters, lists of one token and of none, and the argument afterwards.
"""

# %% nbgrader={"grade": true, "grade_id": "test_tokenization_merge", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_tokenization_merge():
    """Left to right, each token once, everything else as it was."""
    for tokens, pair, expected, because in (
        (["b", "a", "n", "a", "n", "a"], ("a", "n"), ["b", "an", "an", "a"],
         "both occurrences, and the rest as it was"),
        (["l", "o", "w"], ("l", "o"), ["lo", "w"], "at the beginning"),
        (["l", "o", "w"], ("o", "w"), ["l", "ow"], "at the end: the last pair counts too"),
        (["a", "a", "a"], ("a", "a"), ["aa", "a"],
         "the middle token is used up by the first merge"),
        (["a", "a", "a", "a", "b"], ("a", "a"), ["aa", "aa", "b"], "two merges, side by side"),
        (["a", "a", "b"], ("a", "b"), ["a", "ab"], "the first a is not followed by b"),
        (["hel", "l", "o", "</w>"], ("hel", "l"), ["hell", "o", "</w>"],
         "tokens may be longer than one character"),
        (["h", "el", "lo"], ("he", "l"), ["h", "el", "lo"],
         "tokens are compared, not texts: 'h', 'el' is another pair than 'he', 'l'"),
        (["b", "a"], ("a", "b"), ["b", "a"], "a pair has an order"),
        (["x"], ("x", "x"), ["x"], "one token has no neighbour"),
        ([], ("x", "x"), [], "no token, no pair"),
    ):
        check.equal(merge_pair(tokens, pair), expected,
                    given=f"merge_pair({tokens!r}, {pair!r})", because=because)

    @probe
    def what_is_left():
        tokens = ["a", "b", "a", "b"]
        merged = merge_pair(tokens, ("a", "b"))
        same = merge_pair(tokens, ("x", "y"))
        return [tokens, merged, type(merged).__name__, same is tokens]

    check.unchanged(what_is_left()[0], ["a", "b", "a", "b"], given="the list that was handed in",
                    because="a new list is promised")
    check.equal(what_is_left()[1:], [["ab", "ab"], "list", False],
                given="the result, its type, and: is a list without the pair handed back itself?")


test_tokenization_merge()

# %% [markdown]
r"""
### Which pair?

Not every pair may be merged. Of a token we keep its text, so a piece of somebody's text must never
look like something else:

- No merge may make a **reserved** token. The characters `<`, `P`, `A`, `D`, `>` are just five
  characters, however often they stand side by side.
- No merge may make an end-of-word mark **out of characters**. A text about tokenizers may well
  contain the characters `</w>`. As four tokens they are harmless; as a part of one token they would
  look like the end of a word, and come back as a space.

Given: `may_merge` says whether both hold.
"""

# %%
#| export
def may_merge(pair: TokenPair, reserved: Collection[str]) -> bool:
    """Whether the pair makes a token that is not reserved, with no end of word but a real one."""
    token = pair[0] + pair[1]
    return token not in reserved and token.count(END_OF_WORD) == pair[1].count(END_OF_WORD)


# %%
for pair in [("a", "b"), ("b", "</w>"), ("<PAD", ">"), ("</w", ">"), ("x</w", ">")]:
    print(pair, may_merge(pair, ["<UNK>", "<PAD>"]))

# %% nbgrader={"grade": false, "grade_id": "tokenization_count", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def count_pairs(words: Iterable[tuple[Sequence[str], int]]) -> Counter[TokenPair]:
    """How often each pair of neighbours occurs in the corpus.

    Args:
        words: (tokens of a word, how often the word was seen). A word that was seen 5 times and
            has a pair twice adds 10 to that pair.

    Example:
        count_pairs([(["a", "b", "a"], 2), (["a", "b"], 1)]) counts ("a", "b"): 3, ("b", "a"): 2
    """
    ### BEGIN SOLUTION
    counts: Counter[TokenPair] = Counter()
    for tokens, times in words:
        for pair in pairwise(tokens):
            counts[pair] += times
    return counts
    ### END SOLUTION


def best_pair(counts: Mapping[TokenPair, int], reserved: Collection[str]) -> TokenPair | None:
    """The most frequent pair that may be merged; of equally frequent ones the smallest.

    None if there is no pair that may be merged. Every pair in `counts` occurs: none has count 0.

    Example:
        best_pair({("a", "c"): 3, ("a", "b"): 3, ("x", "y"): 2}, set()) is ("a", "b")
    """
    ### BEGIN SOLUTION
    allowed = [pair for pair in counts if may_merge(pair, reserved)]
    return min(allowed, key=lambda pair: (-counts[pair], pair), default=None)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the corpus above, pairs that repeat within a word, ties, pairs that may not be
merged, and nothing to choose from.
"""

# %% nbgrader={"grade": true, "grade_id": "test_tokenization_count", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_tokenization_count():
    """Every occurrence counts; the choice depends on counts and pairs alone."""

    @probe
    def counted(words):
        return sorted(count_pairs((tokens, times) for tokens, times in words).items())

    check.equal(
        counted([(["h", "e", "l", "l", "o"], 2), (["h", "e", "l", "p"], 1)]),
        [(("e", "l"), 3), (("h", "e"), 3), (("l", "l"), 2), (("l", "o"), 2), (("l", "p"), 1)],
        given="count_pairs of h e l l o (2 times) and h e l p (once)",
        because="each word counts as often as it was seen",
    )
    check.equal(
        counted([(["b", "a", "n", "a", "n", "a"], 5)]),
        [(("a", "n"), 10), (("b", "a"), 5), (("n", "a"), 10)],
        given="count_pairs of b a n a n a (5 times)",
        because="(a, n) stands in it twice: 2 times 5",
    )
    check.equal(counted([(["a", "a", "a"], 1)]), [(("a", "a"), 2)],
                given="count_pairs of a a a (once)", because="two pairs of neighbours")
    check.equal(counted([(["he", "l"], 1), (["h", "el"], 1)]),
                [(("h", "el"), 1), (("he", "l"), 1)], given="count_pairs of he l, and of h el",
                because="two different pairs, though their texts join to the same")
    check.equal(counted([(["a"], 9), ([], 3)]), [], given="count_pairs of words without a pair")

    def best(counts, reserved=()):
        return best_pair(counts, set(reserved))

    check.equal(best({("a", "b"): 1, ("c", "d"): 7, ("e", "f"): 2}), ("c", "d"),
                given="best_pair of (a, b) 1, (c, d) 7, (e, f) 2", because="the most frequent")
    check.equal(best({("h", "e"): 3, ("e", "l"): 3, ("l", "l"): 2}), ("e", "l"),
                given="best_pair of (h, e) 3, (e, l) 3, (l, l) 2",
                because="two tie at 3: the smallest of them, whatever came first")
    check.equal(best({("b", "z"): 4, ("b", "c"): 4, ("bb", "a"): 4}), ("b", "c"),
                given="best_pair of (b, z), (b, c), (bb, a), each 4",
                because="as Python compares tuples: first texts first, then second texts")
    check.equal(best({("a", "b"): 9, ("c", "d"): 2}, ["ab", "cab"]), ("c", "d"),
                given="best_pair of (a, b) 9, (c, d) 2; 'ab' is reserved",
                because="no merge makes a reserved token: may_merge says no")
    check.equal(best({("</w", ">"): 9, ("x</w", ">"): 8, ("x", "</w>"): 1}), ("x", "</w>"),
                given="best_pair of ('</w', '>') 9, ('x</w', '>') 8, ('x', '</w>') 1",
                because="an end of word made of characters is refused by may_merge")
    check.equal(best({}), None, given="best_pair of no pairs", because="there is none: None")
    check.equal(best({("a", "b"): 9}, ["ab"]), None, given="best_pair of (a, b); 'ab' is reserved",
                because="none that may be merged: None")


test_tokenization_count()

# %% [markdown]
"""
## Part 4: Byte pair encoding, as it is told

You have all the pieces. Count, choose, merge, and again: this loop is byte pair encoding. What
comes in are the different words and how often each was seen (given: `count_words`), the reserved
tokens, and how many merges are wanted.
"""

# %%
#| export
def count_words(corpus: Iterable[str]) -> Counter[str]:
    """How often each word occurs in these texts. TypeError if the corpus is a single text."""
    return Counter(word for text in check_texts(corpus) for word in split_words(text))


# %% nbgrader={"grade": false, "grade_id": "tokenization_recount", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def learn_by_recounting(
    word_counts: Mapping[str, int], reserved: Collection[str], count: int
) -> list[TokenPair]:
    """Learn merges: count all pairs, merge the best one in all words, and again from the start.

    Args:
        word_counts: how often each word was seen.
        reserved: tokens that no merge may make.
        count: how many merges are wanted. There are fewer when no pair is left that may be
            merged, and none when count is 0 or negative.

    Returns:
        The pairs, in the order in which they were merged.

    Example:
        learn_by_recounting({"hello": 2, "help": 1}, {"<UNK>"}, 2) is [("e", "l"), ("h", "el")]
    """
    ### BEGIN SOLUTION
    words = [(word_tokens(word), times) for word, times in word_counts.items()]
    merges: list[TokenPair] = []
    while len(merges) < count:
        pair = best_pair(count_pairs(words), reserved)
        if pair is None:
            break
        words = [(merge_pair(tokens, pair), times) for tokens, times in words]
        merges.append(pair)
    return merges
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* merges that build upon merges, frequencies, ties, the end of all pairs,
reserved tokens, and the arguments afterwards.
"""

# %% nbgrader={"grade": true, "grade_id": "test_tokenization_recount", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_tokenization_recount():
    """Count, choose, merge, and again, until enough or until nothing is left."""
    cases = (
        ({"hello": 2, "help": 1}, 2, [("e", "l"), ("h", "el")],
         "3 against 3: the smaller pair first; then (h, el) is at 3"),
        ({"hello": 2, "help": 1}, 5,
         [("e", "l"), ("h", "el"), ("hel", "l"), ("hell", "o"), ("hello", "</w>")],
         "from the third merge on all pairs of hello stand at 2, and the smallest is taken"),
        ({"low": 5, "lower": 2, "newest": 6, "widest": 3}, 5,
         [("e", "s"), ("es", "t"), ("est", "</w>"), ("l", "o"), ("lo", "w")],
         "(e, s) 6 + 3 times, then (es, t), (est, </w>); then (l, o) 5 + 2, before (o, w)"),
        ({"banana": 2, "bat": 1}, 2, [("a", "n"), ("a", "</w>")],
         "(a, n) stands in banana twice: 4, against 3 of (b, a); then four pairs tie at 2"),
        ({"ab": 1}, 9, [("a", "b"), ("ab", "</w>")], "after two merges no pair is left: the end"),
        ({"aaaa": 3}, 3, [("a", "a"), ("aa", "</w>"), ("aa", "aa</w>")],
         "a a a a becomes aa aa; (aa, </w>) is smaller than (aa, aa): '<' comes before 'a'"),
        ({"": 7, "x": 1}, 3, [("x", "</w>")], "an empty word is one token, without a pair"),
        ({}, 5, [], "no words, no merges"),
        ({"ab": 3}, 0, [], "none are wanted"),
        ({"ab": 3}, -4, [], "a negative number of merges is none"),
    )
    for words, count, expected, because in cases:
        check.equal(learn_by_recounting(words, {"<UNK>"}, count), expected,
                    given=f"word_counts {words}, reserved {{'<UNK>'}}, {count} merges",
                    because=because)
    check.equal(learn_by_recounting({"ab": 3, "cd": 1}, ["<UNK>", "ab"], 2),
                [("b", "</w>"), ("a", "b</w>")],
                given="words ab (3 times) and cd; 'ab' is reserved; 2 merges",
                because="(a, b) would make a reserved token; (b, </w>) is next")
    check.equal(learn_by_recounting({"abc": 1, "bcd": 2, "abe": 2}, {"<UNK>", "bc"}, 3),
                [("a", "b"), ("ab", "e"), ("abe", "</w>")],
                given="words abc, bcd (2 times), abe (2 times); 'bc' is reserved; 3 merges",
                because="no merge makes a reserved token")

    @probe
    def arguments_afterwards():
        words, reserved = {"ab": 2, "b": 1}, {"<UNK>"}
        learn_by_recounting(words, reserved, 2)
        return [words, sorted(reserved)]

    check.unchanged(arguments_afterwards(), [{"ab": 2, "b": 1}, ["<UNK>"]],
                    given="word_counts and reserved, after learning two merges",
                    because="the caller still needs both")


test_tokenization_recount()

# %% [markdown]
"""
Let it read. **Predict:** which tokens come first when it learns from Python's manual? And which
endings will it find, without knowing any grammar?
"""

# %%
text = MANUAL[:20_000]
merges = learn_by_recounting(count_words([text]), [UNK_TOKEN], 120)
tokens = [left + right for left, right in merges]
print("  ".join(tokens[:40]).replace("\n", "\\n"))  # \n for a newline, or the line would break
print("ends of words:", "  ".join(t for t in tokens if t.endswith(END_OF_WORD) and len(t) > 5))

# %% [markdown]
"""
Articles, prepositions and endings: frequent pieces of English, found by counting pairs. Now the
price. A larger corpus has more different words, and whoever has one usually wants a richer
vocabulary, so let the number of merges grow along: one for every five different words.

**Predict:** twice the words and twice the merges: how many times as long?
"""

# %%
different = list(dict.fromkeys(split_words(MANUAL)))  # each word of the manual once


def learning_time(learn, word_counts, count):
    """Seconds that `learn` takes for `count` merges of these words."""
    begin = time.perf_counter()
    learn(word_counts, [UNK_TOKEN], count)
    return time.perf_counter() - begin


def growth(learn, words, sizes):
    """Seconds for each size, printed, and the power of the size with which they grow."""
    seconds = [learning_time(learn, Counter(words[:n]), n // 5) for n in sizes]
    for size, second in zip(sizes, seconds, strict=True):
        print(f"{size:>6} words, {size // 5:>5} merges: {second:8.3f} s on your machine")
    power = np.polyfit(np.log(sizes), np.log(seconds), 1)[0]  # slope, both axes logarithmic
    print(f"time grows like size ** {power:.2f}")
    return seconds, power


recount_sizes = [150, 300, 600, 1200]
recount_seconds, power = growth(learn_by_recounting, different, recount_sizes)
hours = recount_seconds[-1] * (200_000 / recount_sizes[-1]) ** power / 3600
print(f"at that pace 200,000 different words, as in a large library: {hours:,.0f} hours")

# %% [markdown]
"""
The exponent is near 2: twice the size, four times the time. Each merge reads all words, and there
are more merges to do. (With a *fixed* number of merges the same loop is linear. Tables that call it
quadratic mean this: a vocabulary that grows with the corpus.)

But how much does one merge change? Merge (q, u), and only words with *qu* are any different; the
counts of all other pairs, a second ago, are still right. Recounting them is where the hours go.

## Part 5: Byte pair encoding, as it is run

So keep a table: the words as they are now, the count of every pair, and for every pair **the
numbers of the words in which it stands**. A merge then looks up its words; in each of them it takes
the old pairs out of the counts, merges, and puts the new pairs in.

```
 pair      count   places            merge (l, o):   places -> words 0, 7
 (l, o)      7     {0, 7}
 (o, w)      7     {0, 7}            word 0, 5 times: l o w </w>  ->  lo w </w>
 (e, s)      9     {2, 3}              (l, o) -5  (o, w) -5  (w, </w>) -5
 ...                                   (lo, w) +5            (w, </w>) +5
```

In words: (e, s) is not touched, and neither are words 1 to 6. A place may be out of date: a word
in which (o, w) once stood may have lost it to another merge. That does no harm as long as a merge
in such a word changes nothing.
"""

# %% nbgrader={"grade": false, "grade_id": "tokenization_table", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class PairTable:
    """A corpus of words, how often each pair occurs in it, and where.

    words     list: the tokens of each different word, as they are now
    times     list: how often each word was seen
    counts    Counter: how often each pair occurs now (0 or missing: nowhere)
    places    dict: pair to the set of the numbers (indices in `words`) of all words in which it
              stands, and perhaps of some in which it no longer does
    """

    def __init__(self, word_counts: Mapping[str, int]):
        """The table before the first merge, with the words in the order of `word_counts`."""
        ### BEGIN SOLUTION
        self.words = [word_tokens(word) for word in word_counts]
        self.times = list(word_counts.values())
        self.counts: Counter[TokenPair] = Counter()
        self.places: defaultdict[TokenPair, set[int]] = defaultdict(set)
        for number, tokens in enumerate(self.words):
            for pair in pairwise(tokens):
                self.counts[pair] += self.times[number]
                self.places[pair].add(number)
        ### END SOLUTION

    def merge(self, pair: TokenPair) -> set[TokenPair]:
        """Merge a pair in all words where it stands, and bring counts and places up to date.

        Only the words that `places` names are looked at; all others keep their lists. `counts` is
        changed, not made again, and nothing walks through all of it.

        Returns:
            The pairs that now stand somewhere and contain the new token. (No other pair can have
            become more frequent.) Empty if the pair stood nowhere.

        Example:
            of PairTable({"low": 5}), merge(("l", "o")) returns {("lo", "w")}
        """
        ### BEGIN SOLUTION
        token, fresh = pair[0] + pair[1], set()
        for number in self.places.pop(pair, ()):
            before, times = self.words[number], self.times[number]
            self.words[number] = merge_pair(before, pair)
            for old in pairwise(before):
                self.counts[old] -= times
            for new in pairwise(self.words[number]):
                self.counts[new] += times
                if token in new:
                    self.places[new].add(number)
                    fresh.add(new)
        return fresh
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* words, counts and places before the first merge and after several, pairs that
repeat or overlap within a word, what a merge returns, and what it must leave alone.
"""

# %% nbgrader={"grade": true, "grade_id": "test_tokenization_table", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
@probe
def table_after(words, merges):
    """A table after these merges; counts without zeros, places of pairs that stand somewhere."""
    table = PairTable(words)
    fresh = [sorted(table.merge(pair)) for pair in merges]
    counts = {pair: count for pair, count in sorted(table.counts.items()) if count != 0}
    return {
        "words": table.words,
        "times": table.times,
        "counts": list(counts.items()),
        "missing places": sorted(
            (pair, number)
            for number, tokens in enumerate(table.words)
            for pair in set(pairwise(tokens))
            if number not in table.places.get(pair, ())
        ),
        "returned": fresh,
    }


def test_tokenization_table():
    """Counts and places are right after every merge, and only the words concerned are touched."""
    low = {"low": 5, "lower": 2, "cow": 1}
    start = table_after(low, [])
    check.equal(start["words"],
                [["l", "o", "w", "</w>"], ["l", "o", "w", "e", "r", "</w>"],
                 ["c", "o", "w", "</w>"]],
                given="PairTable({'low': 5, 'lower': 2, 'cow': 1}): words",
                because="the tokens of each word, from word_tokens")
    check.equal(start["times"], [5, 2, 1], given="the same table: times")
    check.equal(start["counts"],
                [(("c", "o"), 1), (("e", "r"), 2), (("l", "o"), 7), (("o", "w"), 8),
                 (("r", "</w>"), 2), (("w", "</w>"), 6), (("w", "e"), 2)],
                given="the same table: counts", because="each word counts as often as it was seen")
    check.equal(start["missing places"], [],
                given="the same table: (pair, word) where a pair stands and places does not say so")

    once = table_after(low, [("o", "w")])
    check.equal(once["words"],
                [["l", "ow", "</w>"], ["l", "ow", "e", "r", "</w>"], ["c", "ow", "</w>"]],
                given="after merge(('o', 'w')): words")
    check.equal(once["counts"],
                [(("c", "ow"), 1), (("e", "r"), 2), (("l", "ow"), 7), (("ow", "</w>"), 6),
                 (("ow", "e"), 2), (("r", "</w>"), 2)],
                given="after merge(('o', 'w')): counts that are not 0",
                because="the neighbours of o and w lose their pairs, (l, o) and (w, </w>) among "
                        "them; pairs with ow come in")
    check.equal(once["returned"],
                [[("c", "ow"), ("l", "ow"), ("ow", "</w>"), ("ow", "e")]],
                given="what merge(('o', 'w')) returns",
                because="the pairs with the new token, on either side of it: (l, ow) as well as "
                        "(ow, e); and no others: (r, </w>) is not new")
    check.equal(once["missing places"], [],
                given="after merge(('o', 'w')): (pair, word) that places does not know",
                because="a new pair needs the numbers of its words, or the next merge misses them")

    for words, merges, counts, because in (
        ({"low": 5, "lower": 2, "cow": 1}, [("o", "w"), ("l", "ow"), ("low", "</w>")],
         [(("c", "ow"), 1), (("e", "r"), 2), (("low", "e"), 2), (("ow", "</w>"), 1),
          (("r", "</w>"), 2)], "merges build upon merges"),
        ({"banana": 3}, [("a", "n")],
         [(("a", "</w>"), 3), (("an", "a"), 3), (("an", "an"), 3), (("b", "an"), 3)],
         "the old pairs are those of b a n a n a, (n, a) and (a, n) twice each; the new ones "
         "those of b an an a"),
        ({"aaaa": 2, "aaa": 1}, [("a", "a")],
         [(("a", "</w>"), 1), (("aa", "</w>"), 2), (("aa", "a"), 1), (("aa", "aa"), 2)],
         "all old pairs out, all new pairs in: overlapping ones need no case of their own"),
        ({"abc": 4, "bcd": 3}, [("a", "b"), ("b", "c")],
         [(("ab", "c"), 4), (("bc", "d"), 3), (("c", "</w>"), 4), (("d", "</w>"), 3)],
         "word 0 has lost its (b, c) to the first merge: the second changes nothing in it"),
        ({"ab": 2, "cd": 1}, [("x", "y")],
         [(("a", "b"), 2), (("b", "</w>"), 2), (("c", "d"), 1), (("d", "</w>"), 1)],
         "a pair that stands nowhere changes nothing"),
    ):
        after = table_after(words, merges)
        check.equal(after["counts"], counts, because=because,
                    given=f"PairTable({words}) after the merges {merges}: counts that are not 0")
        check.equal(after["missing places"], [], because=because,
                    given=f"PairTable({words}) after {merges}: (pair, word) missing in places")
    check.equal(table_after({"ab": 2, "cd": 1}, [("x", "y")])["returned"], [[]],
                given="what the merge of a pair returns that stands nowhere")
    check.equal(table_after({"abc": 4, "bcd": 3}, [("a", "b"), ("b", "c")])["returned"],
                [[("ab", "c")], [("bc", "d")]],
                given="what two merges return, of which the second finds one word out of date")

    @probe
    def left_alone():
        """Is a word without the pair the list it was, and counts the object it was? Walks?"""

        class Watched(Counter):
            walked = 0

            def __iter__(self):
                Watched.walked += 1
                return super().__iter__()

            def keys(self):
                Watched.walked += 1
                return super().keys()

            def items(self):
                Watched.walked += 1
                return super().items()

        table = PairTable({"low": 5, "cat": 2, "lot": 1})
        words, counts = list(table.words), table.counts
        table.merge(("l", "o"))
        same = [now is before for now, before in zip(table.words, words, strict=True)]
        other = PairTable({"low": 5, "cat": 2, "lot": 1})
        other.counts = Watched(other.counts)
        Watched.walked = 0
        other.merge(("l", "o"))
        return same, table.counts is counts, Watched.walked

    check.equal(left_alone()[:2], ([False, True, False], True),
                given="low, cat, lot after merge(('l', 'o')): is each word's list the one it was; "
                "is `counts` the Counter it was?",
                because="cat has no (l, o): whoever looks at all words has gained nothing")
    check.equal(left_alone()[2], 0,
                given="the same merge: how often it walked through `counts`",
                because="a merge changes the counts of a few pairs: whoever looks at all pairs "
                        "has gained nothing")


test_tokenization_table()

# %% [markdown]
"""
### The largest, again and again

One search is left: `best_pair` looks at *every* pair, for each merge. What hands out the smallest
of many things, again and again, cheaply, while new ones come in? A **heap** (`heapq`): `heapify` a
list, then `heappop(heap)` takes its smallest item out and `heappush(heap, item)` puts one in, each
in a number of steps that grows like the logarithm of its size. Smallest, not largest; so what
should an item be, that the smallest item is the *best pair*, ties included?

The catch: while a pair waits in the heap, its count may fall, and one cannot reach into a heap to
correct it. One need not. Compare when it comes out: if its count is out of date, put it back with
the one it has now. (Can a count have *risen* meanwhile? Only pairs with the newest token rise, and
these were not in the heap. That is why `merge` returns them.)
"""

# %% nbgrader={"grade": false, "grade_id": "tokenization_learn", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def learn_merges(
    word_counts: Mapping[str, int], reserved: Collection[str], count: int
) -> list[TokenPair]:
    """Learn merges, the same as `learn_by_recounting`, without counting anything twice.

    Arguments and result are the same. The counts come from one PairTable, the best pair from a
    heap: neither `count_pairs` nor `best_pair` is called, and no merge looks at all pairs.

    Example:
        learn_merges({"hello": 2, "help": 1}, {"<UNK>"}, 2) is [("e", "l"), ("h", "el")]
    """
    ### BEGIN SOLUTION
    table = PairTable(word_counts)
    merges: list[TokenPair] = []
    heap = [(-times, pair) for pair, times in table.counts.items()]
    heapq.heapify(heap)
    while heap and len(merges) < count:
        claimed, pair = heapq.heappop(heap)
        times = table.counts[pair]
        if times != -claimed:
            if times > 0:
                heapq.heappush(heap, (-times, pair))
        elif may_merge(pair, reserved):
            for new in table.merge(pair):
                heapq.heappush(heap, (-table.counts[new], new))
            merges.append(pair)
    return merges
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* all cases of `learn_by_recounting`, a hundred small corpora on which both must
agree merge for merge, the arguments afterwards, and that nothing is recounted.
"""

# %% nbgrader={"grade": true, "grade_id": "test_tokenization_learn", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_tokenization_learn():
    """The same merges in the same order, ties included, from counts that are kept."""
    for words, count, expected, because in (
        ({"hello": 2, "help": 1}, 5,
         [("e", "l"), ("h", "el"), ("hel", "l"), ("hell", "o"), ("hello", "</w>")],
         "the largest count first; of equal counts the smaller pair"),
        ({"low": 5, "lower": 2, "newest": 6, "widest": 3}, 5,
         [("e", "s"), ("es", "t"), ("est", "</w>"), ("l", "o"), ("lo", "w")],
         "(s, t) had 9 when it went into the heap; when it comes out it has 0"),
        ({"ab": 1}, 9, [("a", "b"), ("ab", "</w>")],
         "pairs with a new token go into the heap; when it is empty, learning ends"),
        ({"aaaa": 3}, 3, [("a", "a"), ("aa", "</w>"), ("aa", "aa</w>")],
         "overlapping pairs"),
        ({"": 7}, 3, [], "an empty word has no pair"),
        ({}, 5, [], "no words, no merges"),
        ({"ab": 3}, 0, [], "none are wanted"),
        ({"ab": 3}, -4, [], "a negative number of merges is none"),
    ):
        check.equal(learn_merges(words, {"<UNK>"}, count), expected,
                    given=f"word_counts {words}, reserved {{'<UNK>'}}, {count} merges",
                    because=because)
    check.equal(learn_merges({"abc": 1, "bcd": 2, "abe": 2}, {"<UNK>", "bc"}, 3),
                [("a", "b"), ("ab", "e"), ("abe", "</w>")],
                given="words abc, bcd (2 times), abe (2 times); 'bc' is reserved; 3 merges",
                because="no merge makes a reserved token: may_merge decides")
    check.equal(learn_merges({"</w>": 3}, {"<UNK>"}, 9),
                [("/", "w"), ("/w", ">"), ("/w>", "</w>")],
                given="the word '</w>' (3 times), 9 merges",
                because="its characters never become an end of word: may_merge refuses "
                        "('<', '/w>') and ('<', '/w></w>')")

    @probe
    def differences():
        """The first small corpora on which learn_merges differs from the definition."""
        rng = np.random.default_rng(10)
        found = []
        for _ in range(100):
            words = {}
            for _ in range(rng.integers(1, 9)):
                letters = rng.integers(0, 3, rng.integers(1, 9))
                words["".join("aab"[k] for k in letters)] = int(rng.integers(1, 5))
            state = [([*word, "</w>"], times) for word, times in words.items()]
            expected = []
            for _ in range(12):
                counts = {}
                for tokens, times in state:
                    for two in pairwise(tokens):
                        counts[two] = counts.get(two, 0) + times
                if not counts:
                    break
                left, right = min((-times, pair) for pair, times in counts.items())[1]
                for tokens, _ in state:
                    place = 0
                    while place + 1 < len(tokens):
                        if (tokens[place], tokens[place + 1]) == (left, right):
                            tokens[place : place + 2] = [left + right]
                        place += 1
                expected.append((left, right))
            got = learn_merges(words, {"<UNK>"}, 12)
            if got != expected and len(found) < 1:
                found.append({"words": words, "expected": expected, "got": got})
        return found

    check.equal(differences(), [],
                given="100 corpora of words of a and b, 12 merges each: the first one on which the "
                      "merges are not those of the definition",
                because="a count in the heap may be out of date when its pair comes out, and new "
                        "pairs have to go in")

    @probe
    def arguments_and_calls():
        """The arguments after learning, and which functions that look at everything were called."""
        space, called = learn_merges.__globals__, []
        names = ("count_pairs", "best_pair")
        real = {name: space[name] for name in names}

        def noting(name):
            def call(*arguments, **keywords):
                called.append(name)
                return real[name](*arguments, **keywords)

            return call

        words, reserved = {"ab": 2, "b": 1, "abab": 4}, {"<UNK>"}
        try:
            space.update({name: noting(name) for name in names})
            learn_merges(words, reserved, 3)
        finally:
            space.update(real)
        return [words, sorted(reserved)], sorted(set(called[1:]))

    check.unchanged(arguments_and_calls()[0], [{"ab": 2, "b": 1, "abab": 4}, ["<UNK>"]],
                    given="word_counts and reserved, after learning three merges",
                    because="the caller still needs both")
    check.equal(arguments_and_calls()[1], [],
                given="functions that look at all words or all pairs, and are called again and "
                      "again during three merges",
                because="PairTable keeps the counts, the heap finds the best pair")

    @probe
    def tables_and_looks():
        """How many tables were made; whether later merges look at the counts of all pairs."""
        space, tables = learn_merges.__globals__, []
        real = space["PairTable"]

        class WatchedCounter(Counter):
            """Counts how many counts were looked at, once it is told to."""

            is_watched, looks = False, 0

            def saw(self, many):
                if WatchedCounter.is_watched:
                    WatchedCounter.looks += many

            def __getitem__(self, pair):
                self.saw(1)
                return super().__getitem__(pair)

            def get(self, pair, default=None):
                self.saw(1)
                return super().get(pair, default)

            def __iter__(self):
                self.saw(len(self))
                return super().__iter__()

            def keys(self):
                self.saw(len(self))
                return super().keys()

            def values(self):
                self.saw(len(self))
                return super().values()

            def items(self):
                self.saw(len(self))
                return super().items()

        class WatchedTable(real):
            """A table whose counts are watched between two merges, and not within one."""

            def __init__(self, *arguments, **keywords):
                super().__init__(*arguments, **keywords)
                self.counts = WatchedCounter(self.counts)
                tables.append(self)

            def merge(self, pair):
                WatchedCounter.is_watched = False
                fresh = super().merge(pair)
                WatchedCounter.is_watched = True
                return fresh

        letters = "abcdefghijklmnopqrstuvwxyz"
        words = {two + one: 1 for two in letters for one in letters if two < one}
        words |= {"Hello": 9, "Help": 8, "Yellow": 7, "Mellow": 6, "Felt": 5}
        try:
            space["PairTable"] = WatchedTable
            learn_merges(words, {"<UNK>"}, 14)
        finally:
            space["PairTable"] = real
        return len(tables), WatchedCounter.looks >= 2 * len(letters) ** 2

    check.equal(tables_and_looks(), (1, False),
                given="some 330 words, 14 merges: how many PairTables are made; is the count of "
                      "every pair looked at again and again, between one merge and the next?",
                because="no merge looks at all pairs: that is what the heap is for")


test_tokenization_learn()

# %% [markdown]
"""
**Predict:** the exponent now, for the same growth? And in running text, where words come again?
"""

# %%
learn_sizes = [n for n in (1000, 2000, 4000, 8000) if n <= len(different)]
print("different words")
learn_seconds, _ = growth(learn_merges, different, learn_sizes)
print("running text")
growth(learn_merges, split_words(MANUAL), [2500, 5000, 10_000, 20_000])
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    axes.loglog(recount_sizes, recount_seconds, "o-", label="learn_by_recounting")
    axes.loglog(learn_sizes, learn_seconds, "o-", label="learn_merges")
    axes.set(xlabel="different words, one merge for every five", ylabel="seconds on your machine",
             title="Counted anew for each merge, and counted once")
    axes.set_xticks([*recount_sizes, *learn_sizes[1:]], [*recount_sizes, *learn_sizes[1:]])
    axes.minorticks_off()
    axes.legend()
    plt.show()
except ImportError:
    print("Without matplotlib you miss two straight lines, one much steeper than the other.")

# %% [markdown]
"""
The same merges, with an exponent below 2. What pushes it above 1 is mostly real work: with more
merges each word is merged more often, and later words of the manual are longer. Little of it is the
logarithm of the heap, and the memory of your machine: tables that outgrow the processor's cache are
slower. In running text it is nearer to 1, for the same words come again. What was quadratic was not
the problem but the way of counting. The lesson is older than networks and worth more than this
algorithm: **when a loop recomputes what it already knew, keep it instead, and pay for the change
only.**

A good place to stop: you have learned a vocabulary. In the second sitting you use it.
"""

# %% [markdown]
r"""
## Part 6: From text to ids, and back

The merges are learned. A new word comes: which of them apply, and in which order? In the order in
which they were learned, for a token must exist before it can be merged further. But trying a
thousand merges on every word, one after the other, is the old mistake again: nearly all of them do
not occur. Turn the list of merges into `ranks`, a dictionary from pair to place, and ask the *word*
which pairs it has. Among those the smallest rank is next.

**What will this print?** Three merges, (b, c) learned first, and the word *abcd*: merged in the
order of ranks, and simply from left to right.
"""

# %%
ranks = {("b", "c"): 0, ("a", "b"): 1, ("c", "d"): 2}
in_order = merge_pair(merge_pair(list("abcd"), ("b", "c")), ("a", "b"))
left_to_right = merge_pair(merge_pair(list("abcd"), ("a", "b")), ("c", "d"))
print(in_order, left_to_right)

# %% [markdown]
"""
The second result is even shorter, and wrong: during training no word ever looked like that, so the
model would meet *ab cd* for the first time in its life. Encoding must repeat what training did.
"""

# %% nbgrader={"grade": false, "grade_id": "tokenization_apply", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def apply_merges(tokens: Sequence[str], ranks: Mapping[TokenPair, int]) -> list[str]:
    """A new list: these tokens after all learned merges, in the order in which they were learned.

    Args:
        tokens: of one word. Not changed.
        ranks: the place of each learned pair, 0 for the first. The cost must not depend on how
            many there are: only pairs of the word itself are looked up.

    Example:
        apply_merges(["a", "b", "c", "b"], {("b", "c"): 0, ("a", "b"): 1}) is ["a", "bc", "b"]
    """
    ### BEGIN SOLUTION
    tokens = list(tokens)
    while known := [pair for pair in pairwise(tokens) if pair in ranks]:
        tokens = merge_pair(tokens, min(known, key=lambda pair: ranks[pair]))
    return tokens
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the order of merges, merges upon merges, repetitions, words without a known pair,
the argument, and that the merges are not walked through.
"""

# %% nbgrader={"grade": true, "grade_id": "test_tokenization_apply", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_tokenization_apply():
    """The smallest rank first, until no pair of the word is known."""
    for tokens, merges, expected, because in (
        ("abcd", [("b", "c"), ("a", "b"), ("c", "d")], ["a", "bc", "d"],
         "(b, c) was learned first; after it neither (a, b) nor (c, d) is there"),
        ("abcb", [("a", "b"), ("b", "c")], ["ab", "c", "b"],
         "the smaller rank decides, not the place in the word"),
        ("xab", [("a", "b"), ("x", "ab"), ("x", "a")], ["xab"], "merges build upon merges"),
        ("banana", [("a", "n"), ("an", "an"), ("b", "anan")], ["banan", "a"],
         "every occurrence, then the pair of the two new tokens"),
        ("aaaaa", [("a", "a"), ("aa", "aa")], ["aaaa", "a"], "left to right, as merge_pair does"),
        ("xyz", [("a", "b")], ["x", "y", "z"], "no pair is known: nothing changes"),
        ("a", [("a", "a")], ["a"], "one token"),
        ("", [("a", "a")], [], "no token"),
        ("ab", [], ["a", "b"], "nothing was learned"),
    ):
        ranks = {pair: rank for rank, pair in enumerate(merges)}
        check.equal(apply_merges(list(tokens), ranks), expected,
                    given=f"the tokens {list(tokens)}, merges {merges}", because=because)

    @probe
    def argument_and_walks():
        """The argument afterwards, and how often the ranks were walked through or looked up."""

        class Watched(dict):
            walked = looked_up = 0

            def __iter__(self):
                Watched.walked += 1
                return super().__iter__()

            def items(self):
                Watched.walked += 1
                return super().items()

            def keys(self):
                Watched.walked += 1
                return super().keys()

        ranks = Watched({(f"x{number}", "y"): number for number in range(50)})
        ranks["a", "b"] = 50
        tokens = ["a", "b", "c"]
        apply_merges(tokens, ranks)
        return tokens, Watched.walked

    check.unchanged(argument_and_walks()[0], ["a", "b", "c"], given="the list that was handed in",
                    because="a new list is promised")
    check.equal(argument_and_walks()[1], 0,
                given="51 merges, of which one occurs in the word: how often all of them were "
                      "walked through",
                because="look up the pairs of the word: `pair in ranks` costs one step")


test_tokenization_apply()

# %% [markdown]
r"""
### The way back

Decoding has tokens and wants a text. The obvious way: join all tokens, and replace each `</w>` by a
space. Part 2 promised more, and Part 3 made sure that it can be kept.

**What will this print?** The characters `</w>`, typed by a user, as four tokens of the word:
"""

# %%
typed = ["a", "</w>", "<", "/", "w", ">", "</w>", "b</w>"]
print(repr("".join(typed).replace("</w>", " ")))

# %% [markdown]
"""
The user's four characters have become a space, and there is one space too many at the end. After
joining nobody can tell a mark from four characters. *Before* joining one can: thanks to `may_merge`
only a real end of word makes a single token end with `</w>`.
"""

# %% nbgrader={"grade": false, "grade_id": "tokenization_text", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def join_tokens(tokens: Iterable[str]) -> str:
    """The text of these tokens.

    A token that ends with END_OF_WORD is the last of its word, and the mark is no part of the text.
    Marks made of several tokens are text. A word at the end without its mark is a word too. The
    words are joined by `join_words`.

    Example:
        join_tokens(["l", "ow</w>", "ti", "de", "</w>"]) is "low tide"
    """
    ### BEGIN SOLUTION
    words, word = [], ""
    for token in tokens:
        word += token
        if token.endswith(END_OF_WORD):
            words.append(word.removesuffix(END_OF_WORD))
            word = ""
    return join_words([*words, word] if word else words)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* words of one and of several tokens, empty words, newlines, an unfinished last
word, and marks that are text.
"""

# %% nbgrader={"grade": true, "grade_id": "test_tokenization_text", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_tokenization_text():
    """A real mark ends a word; characters that look like one are text."""
    for tokens, expected, because in (
        (["l", "ow", "</w>", "tide</w>"], "low tide", "one space between them, none at the end"),
        (["low</w>", "w</w>"], "low w", "the mark is four characters in this order, not any of "
                                        "<, /, w and >"),
        (["a</w>", "</w>", "b</w>"], "a  b", "an empty word between two spaces"),
        (["</w>", "</w>"], " ", "two empty words, one space between them"),
        (["a</w>", "\n</w>", "b", "</w>"], "a\nb", "join_words: no space next to a newline"),
        (["\n</w>", "</w>", "</w>", "x</w>"], "\n  x", "join_words keeps an indentation"),
        (["a</w>", "lo"], "a lo", "the last word may be unfinished"),
        (["lo"], "lo", "an unfinished word alone"),
        (["a</w>", "</w>"], "a ", "an empty last word is a word: the text ends with a space"),
        (["<", "/", "w", ">", "</w>", "b</w>"], "</w> b", "four tokens that look like a mark"),
        (["</w", ">x</w>"], "</w>x", "two tokens that look like one; the real mark is at the end"),
        (["h", "<UNK>", "llo</w>"], "h<UNK>llo", "an unknown part of a word"),
        ([], "", "no tokens, no text"),
    ):
        check.equal(join_tokens(tokens), expected, given=f"join_tokens({tokens!r})",
                    because=because)

    @probe
    def joined_from_a_generator():
        return join_tokens(token for token in ["l", "ow</w>", "x"])

    check.equal(joined_from_a_generator(), "low x", given="the tokens from a generator",
                because="they may be any iterable, walked once")


test_tokenization_text()

# %% [markdown]
"""
### The tokenizer

All that is left is to put it together. `_get_word_tokens`, `_get_pairs` and `_apply_merges` are
one-line methods that are given: the names under which the literature knows these steps. You write
what trains, what keeps the dictionaries in step, and the two ways.

The ids: "<UNK>" and the special tokens; then `</w>`; then the characters of the words, sorted (no
space: that is what `</w>` stands for); then one token for each merge, in order. `vocab_size` is the
length that training aims at. It ends below when nothing is left to merge, and above when the
characters alone are more: none is ever dropped.

Texts repeat their words, so a word is merged once and remembered in `cache`: for words that come
again, encoding costs one look into a dictionary.
"""

# %% nbgrader={"grade": false, "grade_id": "tokenization_bpe", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class BPETokenizer(Tokenizer):
    """Byte pair encoding: frequent words are one token, rare ones a few, and no text is lost.

    decode(encode(text)) == text for every text whose characters (beside the space) were in the
    corpus. Every other character is "<UNK>".

    Args:
        vocab_size: how many tokens are wanted, those before the first merge included.
        special_tokens: names of special tokens, such as "<PAD>".
    """

    learn = staticmethod(learn_merges)  # how merges are learned

    def __init__(self, vocab_size: int = 1000, special_tokens: Iterable[str] = ()):
        self.reserved = reserved_tokens(special_tokens)  # "<UNK>" and the special tokens
        self.target_size = check_size("vocab_size", vocab_size)
        self.vocab, self.merges = [*self.reserved, END_OF_WORD], []
        self._build_mappings()
        self.vocab_size = self.target_size  # what is wanted; train() sets what has come of it

    def _get_word_tokens(self, word: str) -> list[str]:
        return word_tokens(word)

    def _get_pairs(self, word_tokens: Sequence[str]) -> set[TokenPair]:
        return set(pairwise(word_tokens))

    def _apply_merges(self, tokens: Sequence[str]) -> list[str]:
        return apply_merges(tokens, self.ranks)

    def _build_mappings(self) -> None:
        """Set everything that depends on `vocab` and `merges`.

        vocab_size    how many tokens there are
        token_to_id   dict: token to id, of all tokens
        id_to_token   dict: id to token, of all tokens
        special_ids   dict: token to id, of the special tokens alone (not "<UNK>")
        ranks         dict: learned pair to its place in `merges`
        cache         dict: word to its ids, of the words encoded since; empty now
        """
        ### BEGIN SOLUTION
        self.vocab_size = len(self.vocab)
        self.token_to_id = {token: number for number, token in enumerate(self.vocab)}
        self.id_to_token = dict(enumerate(self.vocab))
        self.special_ids = {token: self.token_to_id[token] for token in self.reserved[1:]}
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.cache: dict[str, list[int]] = {}
        ### END SOLUTION

    def train(self, corpus: Iterable[str], vocab_size: int | None = None) -> None:
        """Learn `vocab` and `merges` from these texts; what was learned before is forgotten.

        The size aimed at is vocab_size if it is given (`check_size` refuses nonsense), else the
        one of the constructor. Merges are learned by `self.learn(word_counts, reserved, count)`.

        Example:
            train(["ab ab"], vocab_size=5): vocab ["<UNK>", "</w>", "a", "b", "ab"]
        """
        ### BEGIN SOLUTION
        size = self.target_size if vocab_size is None else check_size("vocab_size", vocab_size)
        word_counts = count_words(corpus)
        base = [*self.reserved, END_OF_WORD, *sorted(set("".join(word_counts)))]
        self.merges = self.learn(word_counts, self.reserved, size - len(base))
        self.vocab = base + [left + right for left, right in self.merges]
        self._build_mappings()
        ### END SOLUTION

    def encode(self, text: str) -> list[int]:
        """The ids of a text, word by word; 0 for an unknown character.

        A word is merged only if it is not in `cache`, and is there afterwards. The list handed out
        is a new one each time. TypeError if text is no str.
        """
        ### BEGIN SOLUTION
        ids: list[int] = []
        for word in split_words(check_text(text)):
            if word not in self.cache:
                tokens = self._apply_merges(self._get_word_tokens(word))
                self.cache[word] = [self.token_to_id.get(token, 0) for token in tokens]
            ids.extend(self.cache[word])
        return ids
        ### END SOLUTION

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of these ids.

        Special tokens are left out. The id 0, and an id that nobody has, give "<UNK>".
        What `check_ids` refuses is refused.
        """
        ### BEGIN SOLUTION
        special = set(self.special_ids.values())
        ids = [number for number in check_ids(tokens) if number not in special]
        return join_tokens(self.id_to_token.get(number, UNK_TOKEN) for number in ids)
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* vocabulary, merges and dictionaries after training, once and twice; the round
trip of difficult texts; unknown characters and ids; special tokens; the cache; wrong types.
"""

# %% nbgrader={"grade": true, "grade_id": "test_tokenization_bpe", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def test_tokenization_bpe():
    """Trained, there and back, and nothing of an earlier training left."""
    tokenizer = BPETokenizer(9, ["<PAD>"])
    tokenizer.train(["hello hello", "help"])
    check.equal(tokenizer.vocab,
                ["<UNK>", "<PAD>", "</w>", "e", "h", "l", "o", "p", "el"],
                given="BPETokenizer(9, ['<PAD>']) after train(['hello hello', 'help']): vocab",
                because="reserved tokens, '</w>', the characters sorted, one merge: 9 in all")
    check.equal(tokenizer.merges, [("e", "l")], given="the same: merges")
    check.equal(tokenizer.encode("hello"), [4, 8, 5, 6, 2], given="encode('hello')",
                because="the tokens are h el l o </w>")
    check.equal(tokenizer.decode([4, 8, 5, 6, 2, 4, 8, 7, 2]), "hello help",
                given="decode([4, 8, 5, 6, 2, 4, 8, 7, 2])")
    check.equal([tokenizer.vocab_size, tokenizer.special_ids, tokenizer.token_to_id.get("el"),
                 tokenizer.id_to_token.get(8)], [9, {"<PAD>": 1}, 8, "el"],
                given="vocab_size, special_ids, token_to_id of 'el', id_to_token of 8")
    check.equal(tokenizer.decode([4, 1, 8, 7, 2, 1, 1]), "help",
                given="decode([4, 1, 8, 7, 2, 1, 1]), where 1 is '<PAD>'",
                because="special tokens stand for no text")
    check.equal(tokenizer.decode([4, 0, 99, 2, -1]), "h<UNK><UNK> <UNK>",
                given="decode([4, 0, 99, 2, -1])",
                because="0 and ids that nobody has are '<UNK>'; 2 is '</w>', the end of a word")
    check.equal(tokenizer.encode("<PAD>"), [0, 0, 0, 0, 0, 2], given="encode('<PAD>')",
                because="five unknown characters and the end of the word, no special token")

    tokenizer.train(["hello hello help"], vocab_size=50)
    check.equal([tokenizer.vocab_size, len(tokenizer.vocab), len(tokenizer.merges)], [15, 15, 7],
                given="train(['hello hello help'], vocab_size=50): vocab_size, tokens, merges",
                because="8 tokens and 7 merges, then every word is one token and nothing is left; "
                        "vocab_size says what there is")
    check.equal(tokenizer.encode("hello help"),
                [tokenizer.token_to_id["hello</w>"], tokenizer.token_to_id["help</w>"]],
                given="encode('hello help') after that",
                because="both words are one token now; ids remembered from the first training "
                        "would be wrong")
    tokenizer.train(["ba ba ba"])
    check.equal(tokenizer.vocab, ["<UNK>", "<PAD>", "</w>", "a", "b", "a</w>", "ba</w>"],
                given="train(['ba ba ba']) after that: vocab",
                because="learned anew; (a, </w>) and (b, a) tie, and the smaller pair goes first")
    check.equal(tokenizer.target_size, 9, given="target_size after three trainings",
                because="vocab_size=50 was for that training only")
    small = BPETokenizer(3)
    small.train(["abc"])
    check.equal([small.vocab, small.merges, small.vocab_size],
                [["<UNK>", "</w>", "a", "b", "c"], [], 5],
                given="BPETokenizer(3) after train(['abc']): vocab, merges, vocab_size",
                because="no character is dropped, even if there are more than wanted")
    small.train([])
    check.equal([small.vocab, small.encode("a b")], [["<UNK>", "</w>"], [0, 1, 0, 1]],
                given="train([]): vocab and encode('a b')",
                because="nothing is known, which is no error: unknown, end of word, twice")

    @probe
    def lost_texts(size):
        """Which of these texts do not survive a tokenizer that was trained on all of them?"""
        texts = ["low lower lowest", "  two  spaces ", "a\n\n    b\n", "\n", " ", "", "</w>",
                 "x</w> </w>x", "<UNK> <PAD>", "<PAD><PAD> </w</w>>", "naïve \t café\r\n", "aaaaa"]
        tokenizer = BPETokenizer(size, ["<PAD>"])
        tokenizer.train([*texts * 2, " ".join(texts)])
        return [text for text in texts if tokenizer.decode(tokenizer.encode(text)) != text]

    for size in (1, 60, 90, 400):
        check.equal(lost_texts(size), [],
                    given=f"twelve difficult texts, vocab_size {size}: those that do not come back",
                    because="decode(encode(text)) == text when all characters are known")

    @probe
    def merged_words():
        """Which words are merged when a text is encoded, and again when it comes again."""

        seen = []

        class Watched(BPETokenizer):
            def _apply_merges(self, tokens):
                seen.append("".join(tokens))
                return super()._apply_merges(tokens)

        tokenizer = Watched(20)
        tokenizer.train(["ab ba ab"])
        seen.clear()
        tokenizer.encode("ab ba ab ab").append(99)
        return seen, tokenizer.encode("ba ab") == tokenizer.encode("ba") + (
            tokenizer.encode("ab")), sorted(tokenizer.cache), 99 in tokenizer.encode("ab")

    check.equal(merged_words()[0], ["ab</w>", "ba</w>"],
                given="the words that _apply_merges gets to see, for 'ab ba ab ab', 'ba ab', …",
                because="each word once: after that it is in `cache`")
    check.equal(merged_words()[1:], (True, ["ab", "ba"], False),
                given="encode('ba ab') == encode('ba') + encode('ab'); words in cache; is a number "
                      "that somebody appended to a result in the next result?",
                because="hand out new lists, not the ones in the cache")

    @probe
    def one_word_again():
        """What encode("ab") gives three times, with 99 appended to each result."""
        tokenizer = BPETokenizer(20)
        tokenizer.train(["ab ba ab"])
        found = []
        for _ in range(3):
            ids = tokenizer.encode("ab")
            found.append(list(ids))
            ids.append(99)
        return found

    check.equal(one_word_again(), [[5]] * 3,
                given="encode('ab') three times; after each, somebody appends 99 to the result",
                because="the list handed out is a new one, also for a text of one word")

    @probe
    def other_rule():
        """The words, the reserved tokens and the count that `learn` is called with."""

        class Other(BPETokenizer):
            called = None

            @staticmethod
            def learn(word_counts, reserved, count):
                Other.called = dict(word_counts), list(reserved), count
                return [("b", "a")]

        tokenizer = Other(10)
        tokenizer.train(["ba a", "a"])
        return Other.called, tokenizer.vocab

    check.equal(other_rule(), (({"ba": 1, "a": 2}, ["<UNK>"], 6),
                               ["<UNK>", "</w>", "a", "b", "ba"]),
                given="a subclass with another `learn`, size 10, train(['ba a', 'a']): what it is "
                      "called with, and the vocabulary",
                because="train asks self.learn for size minus the number of tokens before")
    check.raises(TypeError, lambda: tokenizer.train("one text"), given="train('one text')",
                 mentions=["str"], because="a corpus is a list of texts: check_texts says so")
    check.raises(ValueError, lambda: tokenizer.train(["ab"], vocab_size=0),
                 given="train(['ab'], vocab_size=0)", mentions=["vocab_size", "0"],
                 because="0 is not None: check_size refuses it")
    check.raises(TypeError, lambda: tokenizer.encode(None), given="encode(None)",
                 mentions=["NoneType"], because="check_text refuses what is no str")
    check.raises(TypeError, lambda: tokenizer.decode([0.5]), given="decode([0.5])",
                 mentions=["0.5"], because="check_ids refuses what is no whole number")


test_tokenization_bpe()

# %% [markdown]
"""
Now look at it. A tokenizer with fewer merges is the beginning of one with more, so one training is
enough for all sizes.

**What will you see?** The first line of the story in a tokenizer that was trained on Python's
manual, with 0, 100, 1000 and 5000 merges. Which words are one token at the end, which never?
"""

# %%
def cut(trained, merges):
    """The tokenizer that training would have given with that many merges."""
    tokenizer = BPETokenizer()
    base = len(trained.vocab) - len(trained.merges)
    tokenizer.merges = trained.merges[:merges]
    tokenizer.vocab = trained.vocab[: base + len(tokenizer.merges)]
    tokenizer._build_mappings()
    return tokenizer


trained = BPETokenizer(6000)
trained.train([MANUAL[:250_000], STORY])
line = STORY.split("\n")[0]
shown = {}
for merges in (0, 100, 1000, 5000):
    small = cut(trained, merges)
    shown[merges] = [small.vocab[number] for number in small.encode(line)]
for merges, tokens in shown.items():
    print(f"{merges:>5} merges, {len(tokens):>3} tokens:", "|".join(tokens[:16]), "…")
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(11, 2.6), layout="constrained")
    for row, tokens in enumerate(shown.values()):
        start = 0
        for number, token in enumerate(tokens):
            text = token.replace(END_OF_WORD, " ")
            axes.barh(-row, len(text), left=start, height=0.8, color=f"C{number % 10}", alpha=0.45)
            for place, letter in enumerate(text):
                axes.text(start + place + 0.5, -row, letter, ha="center", va="center", fontsize=8)
            start += len(text)
    names = [f"{merges} merges\n{len(tokens)} tokens" for merges, tokens in shown.items()]
    axes.set(yticks=range(0, -len(names), -1), yticklabels=names, xticks=[],
             title="One line, cut by tokenizers of four sizes: each box is a token")
    axes.spines[:].set_visible(False)
    plt.show()
except ImportError:
    print("Without matplotlib you miss the same line, in boxes that grow from row to row.")

# %% [markdown]
"""
First every character stands alone, then common pairs join, then syllables, endings and small words;
in the end many words are whole, each with the space behind it. The words of a lighthouse
stay in pieces, because the manual of a programming language hardly knows them. That is the whole
idea: **common things short, rare things long, nothing impossible.**

## Part 7: Another rule (open)

Must it be the most *frequent* pair? The pair (e, `</w>`) is frequent because e is frequent and
every word has an end: it would be frequent if letters were drawn by lot. The pair (q, u) is rarer,
and says far more: where a q is, there is a u. A rule that looks for parts which *belong together*
takes it first. The tokenizer of BERT, WordPiece, was trained by such a rule.

This exercise is *open*: the docstring says what must hold. Which formula you use, and how you
compute it, is up to you. (It need not be fast.)
"""

# %% nbgrader={"grade": false, "grade_id": "tokenization_rule", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "open"}
#| export
def learn_by_surprise(
    word_counts: Mapping[str, int], reserved: Collection[str], count: int
) -> list[TokenPair]:
    """Learn merges, those pairs first whose parts belong together.

    Arguments and result as in `learn_merges`, and as there a merge is made in all words before the
    next one is chosen. What must hold of each merge, in the words as they are at that moment:

    * `may_merge` allows it, and the pair occurs at least twice in the corpus (as `count_pairs`
      counts: one word that was seen twice is enough). When there is no such pair left, learning
      ends.
    * No such pair *beats* it. Of each pair take three numbers: how often it occurs; how often its
      rarer part occurs, as a token; and its more frequent part. One pair beats another if its first
      number is at least as large, its second and third are at most as large, and at least one of
      the three differs.
    * Belonging together counts for more than being frequent. With the words
      {"qu": 5, "th": 9, "to": 9, "ah": 9} the first merge is ("q", "u").
    * The order of the words in word_counts does not matter, and neither does the process: ties are
      broken by a rule.
    """
    ### BEGIN SOLUTION
    words = [(word_tokens(word), times) for word, times in word_counts.items()]
    merges: list[TokenPair] = []
    while len(merges) < count:
        single: Counter[str] = Counter()
        for tokens, times in words:
            for token in tokens:
                single[token] += times
        scores = {
            pair: (-times / (single[pair[0]] * single[pair[1]]), -times, pair)
            for pair, times in count_pairs(words).items()
            if times >= 2 and may_merge(pair, reserved)
        }
        if not scores:
            break
        pair = min(scores, key=lambda pair: scores[pair])
        words = [(merge_pair(tokens, pair), times) for tokens, times in words]
        merges.append(pair)
    return merges
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the example, every merge on some small corpora against the rules above, the order
of the words, and the end. Not checked: your formula.
"""

# %% nbgrader={"grade": true, "grade_id": "test_tokenization_rule", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def test_tokenization_rule():
    """No merge is beaten, rare but faithful parts come first, and order does not matter."""
    check.equal(learn_by_surprise({"qu": 5, "th": 9, "to": 9, "ah": 9}, {"<UNK>"}, 1), [("q", "u")],
                given="word_counts {'qu': 5, 'th': 9, 'to': 9, 'ah': 9}, one merge",
                because="q and u occur only together, and a word that was seen 5 times is enough; "
                        "t, h, o and a occur with others")
    check.equal(learn_by_surprise({"ab": 1, "cd": 1}, {"<UNK>"}, 5), [],
                given="words that were seen once, and share nothing",
                because="no pair occurs at least twice")
    check.equal(learn_by_surprise({"ab": 4}, {"<UNK>", "ab"}, 5)[:1], [("b", "</w>")],
                given="word ab (4 times), 'ab' is reserved", because="may_merge decides")
    check.equal(learn_by_surprise({"ab": 4}, {"<UNK>"}, 0), [], given="no merge is wanted")

    @probe
    def broken_rules():
        """The first broken rule on some small corpora, in words."""
        rng = np.random.default_rng(7)
        for _ in range(40):
            words = {}
            for _ in range(rng.integers(2, 8)):
                letters = rng.integers(0, 4, rng.integers(1, 7))
                words["".join("abcd"[k] for k in letters)] = int(rng.integers(1, 6))
            before, reserved = dict(words), {"<UNK>"}
            merges = learn_by_surprise(words, reserved, 6)
            if words != before or reserved != {"<UNK>"}:
                return f"words {before}: an argument was changed"
            if learn_by_surprise(dict(reversed(words.items())), reserved, 6) != merges:
                return f"words {words}: other merges when the order of the words is reversed"
            state = [([*word, "</w>"], times) for word, times in words.items()]
            for step in range(6):
                pairs, single = {}, {}
                for tokens, times in state:
                    for token in tokens:
                        single[token] = single.get(token, 0) + times
                    for two in pairwise(tokens):
                        pairs[two] = pairs.get(two, 0) + times
                allowed = {
                    pair: (-times, *sorted((single[pair[0]], single[pair[1]])))
                    for pair, times in pairs.items()
                    if times >= 2
                }
                if step == len(merges):
                    if allowed:
                        return f"words {words}: ended after {merges}, though pairs are left"
                    break
                chosen = merges[step]
                if chosen not in allowed:
                    return f"words {words}: {chosen} after {merges[:step]} is not allowed"
                for other, numbers in allowed.items():
                    mine = allowed[chosen]
                    if numbers != mine and all(a <= b for a, b in zip(numbers, mine, strict=True)):
                        return f"words {words}: {chosen} after {merges[:step]}, beaten by {other}"
                for tokens, _ in state:
                    place = 0
                    while place + 1 < len(tokens):
                        if (tokens[place], tokens[place + 1]) == chosen:
                            tokens[place : place + 2] = ["".join(chosen)]
                        place += 1
        return "none"

    check.equal(broken_rules(), "none", given="40 small corpora, six merges each: the first rule "
                "of the docstring that is broken", because="the rules hold at every merge")


test_tokenization_rule()

# %%
#| export
class SurpriseTokenizer(BPETokenizer):
    """A BPETokenizer whose merges join parts that belong together."""

    learn = staticmethod(learn_by_surprise)


# %% [markdown]
"""
**Predict:** which of the two rules compresses its own corpus better, with the same number of
merges? And which finds *qu*?
"""

# %%
for kind in (BPETokenizer, SurpriseTokenizer):
    tokenizer = kind(150)
    tokenizer.train([MANUAL[:5000]])
    made = [left + right for left, right in tokenizer.merges]
    length = len(tokenizer.encode(MANUAL[:5000]))
    first = " ".join(made[:12]).replace("\n", "\\n")
    print(f"{kind.__name__:<18} {length} tokens; first: {first}")

# %% [markdown]
"""
The frequent pair wins at compression, as one may expect: each merge saves as many tokens as the
pair occurs. And only the second rule finds *qu* among its first merges. Whatever sticks together
comes early there: `:=` and *qu*, but also rows of asterisks. Whether that is an insight or a waste
of ids depends on what you want to do. What a *model* learns best from is another question, and an
open one in the field.

## Part 8: Tools, and a chat with a stutter

Whole data sets, now. Three functions that later modules call; the first is given.
"""

# %%
#| export
def create_tokenizer(
    strategy: str,
    vocab_size: int = 1000,
    corpus: Iterable[str] | None = None,
    special_tokens: Iterable[str] = (),
) -> Tokenizer:
    """A tokenizer by name, trained on the corpus if there is one.

    Args:
        strategy: 'char' (every character of the corpus; vocab_size does not matter) or 'bpe'.

    Raises:
        ValueError: another strategy.

    Example:
        create_tokenizer("bpe", 500, texts, ["<PAD>", "<EOS>"])
    """
    if strategy not in ("char", "bpe"):
        raise ValueError(f"strategy must be 'char' or 'bpe', got {strategy!r}")
    if strategy == "char":
        characters = CharTokenizer(special_tokens=special_tokens)
        characters.build_vocab(corpus or ())
        return characters
    pairs = BPETokenizer(vocab_size, special_tokens)
    if corpus is not None:
        pairs.train(corpus)
    return pairs


# %% nbgrader={"grade": false, "grade_id": "tokenization_analysis", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def tokenize_dataset(
    texts: Iterable[str], tokenizer: Tokenizer, max_length: int | None = None
) -> list[list[int]]:
    """The ids of each text, cut off after max_length ids.

    None does not cut; everything else goes through `check_size`, as "max_length". TypeError if
    texts is a single text.
    """
    ### BEGIN SOLUTION
    length = None if max_length is None else check_size("max_length", max_length)
    return [tokenizer.encode(text)[:length] for text in check_texts(texts)]
    ### END SOLUTION


def analyze_tokenization(texts: Iterable[str], tokenizer: Tokenizer) -> dict[str, float]:
    """What a tokenizer does to these texts, in numbers (all of them floats).

    vocab_size           of the tokenizer
    total_tokens         ids of all texts together
    unique_tokens        different ids among them
    avg_sequence_length  ids per text
    max_sequence_length  ids of the longest text
    compression_ratio    characters per id
    unknown_share        the share of ids that are 0

    A mean, a ratio or a share of nothing is 0.0. TypeError if texts is a single text.
    """
    ### BEGIN SOLUTION
    texts = check_texts(texts)
    encoded = [tokenizer.encode(text) for text in texts]
    every = [number for ids in encoded for number in ids]
    return {
        "vocab_size": float(tokenizer.vocab_size),
        "total_tokens": float(len(every)),
        "unique_tokens": float(len(set(every))),
        "avg_sequence_length": len(every) / max(len(texts), 1),
        "max_sequence_length": float(max(map(len, encoded), default=0)),
        "compression_ratio": sum(map(len, texts)) / max(len(every), 1),
        "unknown_share": every.count(0) / max(len(every), 1),
    }
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* lists cut and whole, every number of the analysis for both kinds of tokenizer, no
texts and empty texts, wrong lengths and a text in place of a list.
"""

# %% nbgrader={"grade": true, "grade_id": "test_tokenization_analysis", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def test_tokenization_analysis():
    """Whole data sets into ids, and what that did to them."""
    characters = CharTokenizer("abc")
    texts = ["abc", "", "c??ab"]
    check.equal(tokenize_dataset(texts, characters, 2), [[1, 2], [], [3, 0]],
                given="tokenize_dataset(['abc', '', 'c??ab'], CharTokenizer('abc'), 2)",
                because="the first two ids of each text")
    check.equal(tokenize_dataset(texts, characters), [[1, 2, 3], [], [3, 0, 0, 1, 2]],
                given="the same without max_length", because="None does not cut")
    pairs = BPETokenizer(20)
    pairs.train(["abab abab"])
    check.equal(tokenize_dataset(["abab abab"], pairs, 1), [[pairs.token_to_id["abab</w>"]]],
                given="tokenize_dataset(['abab abab'], …, 1), every word one token",
                because="ids are cut, not characters: the first id is that of the whole word")
    check.equal(tokenize_dataset([], characters, 5), [], given="no texts")
    for wrong in (0, -1, 2.5):
        check.raises(ValueError, lambda: tokenize_dataset(texts, characters, wrong),
                     given=f"max_length={wrong}", mentions=["max_length", str(wrong)],
                     because="a negative number would cut from the other end without a word: "
                             "check_size refuses it")
    check.raises(TypeError, lambda: tokenize_dataset("abc", characters, 2),
                 given="tokenize_dataset('abc', …)", mentions=["str"],
                 because="a list of texts is wanted: check_texts says so")

    found = analyze_tokenization(texts, characters)
    expected = {"vocab_size": 4.0, "total_tokens": 8.0, "unique_tokens": 4.0,
                "avg_sequence_length": 8 / 3, "max_sequence_length": 5.0,
                "compression_ratio": 1.0, "unknown_share": 2 / 8}
    check.equal(sorted(found), sorted(expected), given="the names in the analysis")
    for name, value in expected.items():
        check.close(found[name], value, given=f"['abc', '', 'c??ab'] by characters: {name}",
                    because="three texts, 3 + 0 + 5 ids, of which two are 0")
    found = analyze_tokenization(["abab abab", "ab"], pairs)
    check.close(found["compression_ratio"], 11 / 3,
                given="['abab abab', 'ab'], every word one token: compression_ratio",
                because="9 + 2 characters, 2 + 1 ids")
    check.close(found["avg_sequence_length"], 1.5, given="the same: avg_sequence_length",
                because="2 + 1 ids in two texts: ids are counted, not characters")
    check.equal([found["total_tokens"], found["max_sequence_length"], found["vocab_size"]],
                [3.0, 2.0, float(pairs.vocab_size)],
                given="the same: total_tokens, max_sequence_length, vocab_size",
                because="3 ids, 2 of them in the longer text")
    found = analyze_tokenization(["?"], characters)
    check.equal([found[name] for name in ("avg_sequence_length", "compression_ratio",
                                          "unknown_share")], [1.0, 1.0, 1.0],
                given="['?'] by characters: ids per text, characters per id, share of unknown ids",
                because="one text, one character, one id, and it is 0")
    for nothing in ([], [""]):
        found = analyze_tokenization(nothing, characters)
        check.equal([found[name] for name in sorted(found)], [0.0] * 6 + [4.0],
                    given=f"analyze_tokenization({nothing!r}, …): the values, by name",
                    because="a mean, a ratio or a share of nothing is 0.0; only vocab_size is not")
    check.raises(TypeError, lambda: analyze_tokenization("abc", characters),
                 given="analyze_tokenization('abc', …)", mentions=["str"],
                 because="a list of texts is wanted: check_texts says so")

    @probe
    def types_and_generators():
        found = analyze_tokenization((text for text in ["ab", "c"]), CharTokenizer("ab"))
        return sorted({type(value).__name__ for value in found.values()}), found["total_tokens"]

    check.equal(types_and_generators(), (["float"], 3.0),
                given="the texts 'ab', 'c' from a generator: types of the values, total_tokens",
                because="floats, and a generator can be walked only once: check_texts makes a list")


test_tokenization_analysis()

# %% [markdown]
"""
### The stutter (bug hunt)

A model writes its answer one token after the other, and a chat should show each piece as soon as it
exists. A colleague wrote `stream_text` for that; it comes to you with two reports. "I see nothing
until the whole answer is there, then all of it at once." And "the text l o oks li ke th is".

Your notebook has the colleague's code. (Run the next cell, then the one below it to see the second
report.) Find the causes; the contract in the docstring is right.
"""

# %% nbgrader={"grade": false, "grade_id": "tokenization_stream", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "bug hunt"}
#| export
def stream_text(ids: Iterable[int], tokenizer: Tokenizer) -> Iterator[str]:
    """The text of ids that come one by one: for each id, the piece by which the text grows.

    All pieces up to any id, joined, are what `tokenizer.decode` makes of all ids up to there, for
    ids as `encode` gives them. (In others a newline inside a word may change what was shown.) A
    piece is handed out before the next id is asked for.

    Example:
        list(stream_text([4, 2, 4], CharTokenizer("abcd"))) is ["d", "b", "d"]
    """
    ### BEGIN BROKEN
    # ids = list(ids)
    # for number in ids:
    #     piece = tokenizer.decode([number])
    #     yield piece + " "
    ### END BROKEN
    ### BEGIN SOLUTION
    seen: list[int] = []
    shown = ""
    for number in ids:
        seen.append(number)
        text = tokenizer.decode(seen)
        yield text[len(shown) :]
        shown = text
    ### END SOLUTION


# %%
answer = cut(trained, 300)
print("".join(stream_text(answer.encode(line), answer)))

# %% [markdown]
"""
*What is checked:* the pieces for both kinds of tokenizer, with spaces, newlines and special tokens,
and when they come.
"""

# %% nbgrader={"grade": true, "grade_id": "test_tokenization_stream", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def test_tokenization_stream():
    """Piece by piece, at once, and joined the same text."""

    @probe
    def pieces(text, size):
        tokenizer = BPETokenizer(size, ["<EOS>"]) if size else CharTokenizer(text, ["<EOS>"])
        if size:
            tokenizer.train([text])
        ids = [*tokenizer.encode(text), tokenizer.special_ids["<EOS>"]]
        return list(stream_text(ids, tokenizer))

    check.equal(pieces("a b", 0), ["a", " ", "b", ""],
                given="'a b' by characters, then '<EOS>': the pieces",
                because="one piece for each id, with nothing added; a special token is no text")
    check.equal(pieces("ab  cd", 5), ["a", "b", "", " ", " c", "d", "", ""],
                given="'ab  cd' in the tokens a b </w> </w> c d </w>, then '<EOS>': the pieces",
                because="a space appears as soon as a word follows; the text of a token depends on "
                        "those before it")
    for text in ("low\n  tide", " x ", "\n\n", "</w> <UNK>"):
        for size in (5, 99):
            check.equal("".join(pieces(text, size)), text,
                        given=f"{text!r}, BPETokenizer({size}): the pieces, joined",
                        because="joined they are what decode makes of all ids")

    @probe
    def order_of_events():
        events = []

        def answer():
            for number in (1, 2, 3):
                events.append(f"id {number}")
                yield number

        for piece in stream_text(answer(), CharTokenizer("abc")):
            events.append(f"shown {piece}")
        return events

    check.equal(order_of_events(),
                ["id 1", "shown a", "id 2", "shown b", "id 3", "shown c"],
                given="ids 1, 2, 3 that come one by one: the order of events",
                because="each piece is shown before the next id is asked for: no list(ids)")
    check.equal(pieces("", 0), [""], given="'<EOS>' alone: the pieces",
                because="one piece, and it is empty")


test_tokenization_stream()

# %% [markdown]
"""
A token has no text of its own: `low</w>` is "low" at the end of a text, and "low " before another
word. So the text of a list is not the sum of the texts of its ids. The repaired function decodes
everything again for each id, and takes the difference; chat servers do just that, with one
refinement that a question below asks for.
"""

# %% [markdown]
r"""
# Use

## A model of text, with two tokenizers

You have everything for a language model, a very small one: given a token, which token comes next?
One `Linear` layer is enough. Its input is the token as a vector with a single 1, at the place of
its id; its outputs are the logits of all tokens; the loss is the cross-entropy of Module 04.
Nothing is invented: rows of a matrix, trained by your `Trainer` on a piece of Python's manual, and
judged on the next piece.

**Predict:** once by characters, once with 400 tokens of byte pair encoding. Which of the two has
the lower loss? And which is the better model?
"""

# %%
learn_text, judge_text = MANUAL[:40_000], MANUAL[40_000:50_000]


def next_token_batches(ids, size, width=512):
    """Batches (token as a vector with a single 1, next token), in a new random order."""
    inputs, targets = np.array(ids[:-1]), np.array(ids[1:])
    order = np.random.permutation(len(inputs))
    for start in range(0, len(order), width):
        chosen = order[start : start + width]
        vectors = np.zeros((len(chosen), size), dtype=np.float32)
        vectors[np.arange(len(chosen)), inputs[chosen]] = 1.0
        yield Tensor(vectors), Tensor(targets[chosen])


def next_token_model(tokenizer, epochs=3):
    """A trained model and its mean loss per token on the text that it is judged by."""
    np.random.seed(0)
    model = Linear(tokenizer.vocab_size, tokenizer.vocab_size, bias=False)
    model.weight.data[...] = 0.0
    trainer = Trainer(model, Adam(model.parameters(), lr=0.1), CrossEntropyLoss())
    ids = tokenizer.encode(learn_text)
    for _ in range(epochs):
        trainer.train_epoch(next_token_batches(ids, tokenizer.vocab_size))
    judged = next_token_batches(tokenizer.encode(judge_text), tokenizer.vocab_size)
    return model, trainer.evaluate(judged)[0]


models = {}
known = " ".join(sorted(set(judge_text)))  # so that no character is unknown
print("tokenizer        ids   loss per token   bits per character")
for strategy in ("char", "bpe"):
    tokenizer = create_tokenizer(strategy, 400, [learn_text, known])
    model, loss = next_token_model(tokenizer)
    models[strategy] = model, tokenizer
    length = len(tokenizer.encode(judge_text))
    bits = loss / math.log(2) * length / len(judge_text)
    print(f"{strategy:<10} {length:>9} {loss:>16.3f} {bits:>20.3f}")

# %% [markdown]
"""
By the loss, characters win; as a model of the text they lose. A loss is a mean *per token*, and the
two models do not read the same tokens: to guess one of about a hundred characters is easier than
one of 400 pieces, but there are far more characters to guess. Per **character of text** both answer
the same question: add up the loss over all tokens, divide by the characters (and by ln 2, for
bits). So never compare losses, or perplexities, of models with different tokenizers; ask for bits
per character, or per byte.

Why does the second win? Both see one token back. For the first that is one letter, for the second
often a syllable or a word.

**What will they say?** Each draws the next token by its own probabilities, again and again,
starting from the end of a line; your stream shows the tokens as they come.
"""

# %%
def babble(model, tokenizer, tokens, seed=3):
    """Ids, each drawn by the probabilities that the model gives after the one before."""
    rng = np.random.default_rng(seed)
    last = tokenizer.encode("\n")[-1]
    for _ in range(tokens):
        vector = np.zeros((1, tokenizer.vocab_size), dtype=np.float32)
        vector[0, last] = 1.0
        with no_grad():
            chances = Softmax()(model(Tensor(vector))).data[0].astype(np.float64)
        last = int(rng.choice(tokenizer.vocab_size, p=chances / chances.sum()))
        yield last


for strategy, (model, tokenizer) in models.items():
    print(f"--- {strategy}, 150 tokens")
    for piece in stream_text(babble(model, tokenizer, 150), tokenizer):
        print(piece, end="")
    print()

# %% [markdown]
"""
Neither knows what it is talking about. But the second gets far more of its words right, and with
the same 150 tokens it says more: two things that no training gave it, only the tokenizer.

# Reflect

## What it costs

### Experiment 1: how large a vocabulary?

Characters per id, against the number of merges, for three texts: the one it was trained on, a later
part of the same manual, and the source code of `heapq`.

**Predict:** does the curve for the unseen manual follow the one for the seen? What about code?
"""

# %%
import inspect

samples = {
    "manual, trained on": MANUAL[:60_000],
    "manual, unseen": MANUAL[250_000:310_000],
    "Python code": inspect.getsource(heapq),
}
merge_counts = [k for k in (0, 50, 100, 300, 1000, 3000, 5500) if k <= len(trained.merges)]
ratios = {name: [] for name in samples}
print("merges " + "".join(f"{name:>20}" for name in samples))
for merges in merge_counts:
    smaller = cut(trained, merges)
    for name, sample in samples.items():
        ratios[name].append(analyze_tokenization([sample], smaller)["compression_ratio"])
    print(f"{merges:>6} " + "".join(f"{found[-1]:>20.2f}" for found in ratios.values()))
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for name, found in ratios.items():
        axes.plot(merge_counts, found, "o-", label=name)
    axes.set(xlabel="merges", ylabel="characters per id",
             title="Ever larger vocabularies, ever smaller gains")
    axes.legend()
    plt.show()
except ImportError:
    print("Without matplotlib you miss three curves that flatten, the one for code far below.")

# %% [markdown]
r"""
Without merges an id is less than one character, for the `</w>` counts as well (and stands for the
space). Then the first merges do most: a hundred of them at the beginning buy more than a thousand
at the end. What was not in the corpus gains less. Code, full of indentation that no merge can
shorten, gains least: each of its spaces is an empty word.

### Experiment 2: what the choice costs downstream

A vocabulary of V tokens needs a table of V rows, D numbers each (Module 11), and so does the last
layer. A sequence of n tokens makes n² comparisons per attention layer (Module 12). Both, for a
document of 10,000 characters, with the ratios just measured, D = 512 and 4 bytes a number:
"""

# %%
print("merges   ids of 10,000 characters   rows, MB   comparisons per layer")
for merges, ratio in zip(merge_counts, ratios["manual, unseen"], strict=True):
    length = math.ceil(10_000 / ratio)
    rows = cut(trained, merges).vocab_size
    print(f"{merges:>6} {length:>26,} {rows * 512 * 4 / 1e6:>10.2f} {length**2:>23,}")

# %% [markdown]
"""
The table grows in proportion, the sequence shrinks slowly, and its square faster.
Memory for the table is paid once, comparisons for every layer and every text: that is why the
vocabularies of large models went from 50,000 to 100,000 and beyond, while a model that must fit
into a small device chooses a small one. A table of 50,000 rows would not even fit our little
`Linear` above: 50,000 × 50,000 numbers are 10 GB.

### Experiment 3: encoding

**Predict:** encoding the first 200,000 characters of the manual, then the same again: how much does
the cache save? And a text without a single space, as Chinese has none?
"""

# %%
def milliseconds(tokenizer, text):
    """Of encoding a text once, per 1,000 characters."""
    begin = time.perf_counter()
    tokenizer.encode(text)
    return (time.perf_counter() - begin) * 1e6 / len(text)


big = MANUAL[:200_000]
fresh = cut(trained, 3000)
print("characters, per 1,000, on your machine:", f"{milliseconds(characters, big):.3f} ms")
print("byte pairs, first time:                ", f"{milliseconds(fresh, big):.3f} ms")
print("byte pairs, again:                     ", f"{milliseconds(fresh, big):.3f} ms")
for length in (1000, 2000, 4000):
    one_word = big.replace(" ", "").replace("\n", "")[:length]
    print(f"one word of {length} characters, per 1,000: {milliseconds(fresh, one_word):.1f} ms")

# %% [markdown]
"""
The first time, nearly all of the time goes into words met for the first time; again, nothing is
left but looking them up, many times as fast, about as fast as characters. One long word is another
matter: each merge walks through all of it. That makes it far slower than text, and slower still the
longer it is (how much depends on your machine). Tokenizers for languages without spaces split by
other rules first (by script, by punctuation), or keep the pairs of the word in a heap, as you did
for training.

## Questions

**1.** A tokenizer for a real model has 30,000 tokens, and each becomes a row of 768 float32
numbers. How much memory do the rows take? And in a model with rows of 12,288 and 50,000 tokens?

<details><summary>Answer</summary>

30,000 × 768 × 4 bytes = 92,160,000 bytes, 92 MB. In the second case 50,000 × 12,288 × 4 = 2.46 GB:
614 million parameters, which is still only about a third of a per cent of a model with 175 billion.
</details>

**2.** A sentence of 200 characters is 200 tokens by characters, or 50 by byte pairs. A batch has 32
such sentences. How many comparisons of tokens does an attention layer make in each case? And if the
context holds 512 tokens, how much text is that?

<details><summary>Answer</summary>

32 × 200² = 1,280,000 against 32 × 50² = 80,000: sixteen times fewer, the square of the ratio 4.
A context of 512 tokens holds 512 characters in the one case and 2,048 in the other.
</details>

**3.** Your tokenizer meets *supercalifragilistic*, which is not in its corpus. What can it come
back as? When is a plain character tokenizer the better choice?

<details><summary>Answer</summary>

As several pieces that it knows from other words (*super*, *istic*), in the worst case as single
characters; never as unknown, as long as the characters are known, and the way back is exact. Pieces
make the sequence shorter and carry some meaning. Characters are the better choice for small models
and small data (a hundred rows to learn instead of thousands), and for tasks about spelling: a model
with large tokens does not see the letters in its words. Ask one how many r's are in *strawberry*.
</details>

**4.** Training on 1,000 words takes 100 ms. How long for 10,000, and for 100,000? (Ask back before
you answer.)

<details><summary>Answer</summary>

Which training, and how many merges? Recounting with the number of merges in proportion to the
corpus: 100 and 10,000 times as long, 10 s and 17 minutes. Recounting with a fixed number: about 10
and 100 times, less as the same words come again. With a table and a heap, in running text: about 10
and 100 times or a little more; with nothing but different words, as in the first run of Part 5,
more: an exponent of 1.4 makes 25 and 600 of it. Measure, as always. "Quadratic" belongs to an
algorithm and to a question, not to a name.
</details>

**5.** (Transfer.) GPT-2's vocabulary has 50,257 tokens: 256 bytes, 50,000 merges, one special
token. It merges *bytes*, not characters. What does that buy, and what does it cost a Japanese
reader, whose characters take three bytes each?

<details><summary>Answer</summary>

Nothing is ever unknown: every text is bytes, and all 256 are in the vocabulary. Ours must meet a
character in its corpus first. The price: a character is up to four tokens unless merges repair it,
and merges are learned where the text is. English took most of them, so the same sentence costs a
Japanese reader more tokens, more money, and more of the context. And a single token may be half a
character, so a stream has to wait before it can show anything.
</details>

**6.** (Transfer.) In 2023 two researchers found words that made chat models behave strangely: asked
to repeat them, the models insulted the user or spoke of something else. One was a user name from an
internet forum, and it was a single token. What had happened?

<details><summary>Answer</summary>

The tokenizer was trained on a text in which that name was frequent (somebody had posted in a thread
tens of thousands of times), so it got an id of its own. The *model* was trained on another
selection, where it hardly occurred. Its row was never updated and remained what it was at the
start: random numbers that mean nothing. Tokenizer and model should be trained on the same text, and
ids that never occur in training should be looked for.
</details>

**7.** `stream_text` decodes all ids again for each new one. What does an answer of n tokens cost?
From which point on may you forget the beginning?

<details><summary>Answer</summary>

1 + 2 + … + n: quadratic, once more. In ids as `encode` gives them, a new token changes nothing
before the last space: when a word is complete and the next one has begun, the text up to there is
final. Keep the ids of the last two words, and forget the rest.
</details>

**8.** *abc* could be merged as (a, bc) or as (ab, c). Can both be in one list of merges, so that
two ids mean the same text? Try some corpora before you think.

<details><summary>Answer</summary>

No. Look at a moment at which the string *abc* stands between two borders of tokens. What happened
inside these borders so far was decided by the characters inside alone, since borders never come
back: wherever *abc* stands between borders, it is cut in the same way. So when it is merged, it is
merged everywhere. That is also why the order of ranks gives back exactly what training did.
</details>

**9.** You add 5 tokens to the vocabulary of a trained model. What has to change in the model, and
what happens if somebody retrains the *tokenizer* instead, on a better corpus? (There is no answer
at the back.)

## Common errors

| what you see | what it means | what to do |
|---|---|---|
| `TypeError: expected a list of texts, got one text` | a corpus is a list | `train([text])` |
| `TypeError: expected a text (str), got list` | several texts to `encode` | `tokenize_dataset` |
| everything is `<UNK>` | not trained, or on an empty corpus | look at `tokenizer.vocab` |
| `<UNK>` for capitals or accents only | not in the corpus | add texts that have them |
| lines and indentation are gone | `split()` without an argument | `split_words` |
| words run together, or apart | ids decoded one by one | `stream_text` |
| another vocabulary in every run | ties left to chance | a rule: the smallest pair |
| nonsense after loading a model | another tokenizer | keep the two together |
| training takes for ever | counts made anew for each merge | `PairTable` |
| `IndexError` in a table of rows | more ids than rows | as many rows as `vocab_size` |

## In production

The same steps with Hugging Face's `tokenizers`, beside yours:

```
 TinyTorch                             tokenizers (Rust, used from Python)
 t = BPETokenizer(1000, ["<PAD>"])     t = Tokenizer(models.BPE())
                                       t.pre_tokenizer = WhitespaceSplit()
                                       t.decoder = decoders.BPEDecoder()
 t.train(corpus)                       trainer = BpeTrainer(vocab_size=1000,
                                           special_tokens=["<PAD>"],
                                           end_of_word_suffix="</w>")
                                       t.train_from_iterator(corpus, trainer)
 ids = t.encode("low tide")            ids = t.encode("low tide").ids
 t.decode(ids)                         t.decode(ids)
```

In words: the same algorithm, in parts that can be exchanged: what is done before the split, the
split, the model, the way back. It is compiled and runs on several cores, and so it is far faster
than Python. GPT models use `tiktoken`, with the merges of Part 6 on bytes; T5 and the first Llamas
use SentencePiece, which treats the space as a character and needs no words at all.

## Read the source

> **`tokenizers/src/models/bpe/trainer.rs`**, the method `do_train` of `BpeTrainer`, in Hugging
> Face's `tokenizers`. (PyTorch has no tokenizer; what it has for this module is `pad_sequence` in
> `torch/nn/utils/rnn.py`, which makes one array of lists of different lengths.)
>
> *Look for:* `pair_counts`, `where_to_update` and a `BinaryHeap`: your counts, your places, your
> heap. A pair that comes out with a count that is out of date goes back, as in yours. Ties go to
> the smaller pair, by ids instead of texts.
>
> *Simpler in ours:* one thread, and tokens are texts; theirs are ids, in words merged in parallel.
>
> *Different in behaviour* (version 0.23): set up as above, `low  tide` comes back with one space.
> A character that is unknown vanishes without a trace, unless you name an unknown token. The text
> `<PAD>`, typed by a user, **is** encoded as the special token; yours keeps five characters apart
> from it. And `pad_sequence` pads with 0 unless told otherwise: our `<UNK>`, not our `<PAD>`.

## Further reading

- Sennrich, Haddow, Birch, *Neural Machine Translation of Rare Words with Subword Units* (2016): the
  paper of this module. Its algorithm is printed in it, ten lines, and it recounts.
- Kudo and Richardson, *SentencePiece* (2018): a tokenizer without words, for languages that do not
  write spaces.
- Petrov et al., *Language Model Tokenizers Introduce Unfairness Between Languages* (2023): what the
  same sentence costs in different languages, measured.

## All together
"""

# %%
def test_module():
    """All tests of the module, then a tokenizer, a data set and a model that learns from it."""
    test_tokenization_characters()
    test_tokenization_words()
    test_tokenization_merge()
    test_tokenization_count()
    test_tokenization_recount()
    test_tokenization_table()
    test_tokenization_learn()
    test_tokenization_apply()
    test_tokenization_text()
    test_tokenization_bpe()
    test_tokenization_rule()
    test_tokenization_analysis()
    test_tokenization_stream()

    @probe
    def from_text_to_loss(strategy):
        """Loss before and after some epochs of predicting the next token, and the text again."""
        text = "the keeper lit the light\n  and kept the night\n" * 8
        tokenizer = create_tokenizer(strategy, 40, [text], ["<PAD>"])
        size = tokenizer.vocab_size
        ids = tokenize_dataset([text], tokenizer)[0]
        model = Linear(size, size, bias=False)
        batch = Tensor(np.eye(size)[ids[:-1]]), Tensor(ids[1:])
        trainer = Trainer(model, Adam(model.parameters(), lr=0.1), CrossEntropyLoss())
        losses = [trainer.train_epoch([batch]) for _ in range(30)]
        return losses[-1] < losses[0] / 2, tokenizer.decode(ids) == text

    for strategy in ("char", "bpe"):
        check.equal(from_text_to_loss(strategy), (True, True),
                    given=f"create_tokenizer({strategy!r}, …), a Linear layer trained for 30 "
                          "epochs on the next id: has the loss halved; does the text come back?",
                    because="ids from your tokenizer train a model built of Modules 01 to 07")
    print("Module 10: all tests passed. Text in, numbers out, and back without a loss.")


test_module()

# %% [markdown]
"""
## What this unlocks

Your framework reads. Hand it in with `tito module complete 10`. Then try:

```python
from tinytorch import BPETokenizer
from pydoc_data.topics import topics
reader = BPETokenizer(400)
reader.train(topics.values())
print([reader.vocab[number] for number in reader.encode("a tokenizer reads itself")])
```

Module 11 gives every id a row of numbers that is learned, and from there it is two more modules to
a model that answers. The attention of Module 12 will make you glad of every token you saved today.
"""
