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

# %%
#| default_exp core.tokenization

# %%
#| export
"""Tokenization: texts into ids and back, by characters and by byte pair encoding."""

import heapq
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

# %%
#| export
UNK_TOKEN = "<UNK>"  # stands for everything unknown; its id is 0
END_OF_WORD = "</w>"  # the last token of every word
PAD_TOKEN, BOS_TOKEN, EOS_TOKEN, SEP_TOKEN = "<PAD>", "<BOS>", "<EOS>", "<SEP>"


def check_text(text: Any) -> str:
    """The text itself; TypeError if it is no str."""
    if not isinstance(text, str):
        raise TypeError(f"expected a text (str), got {type(text).__name__}: {text!r:.60}")
    return text


def check_texts(texts: Any) -> list[str]:
    """The texts as a list; TypeError for a single str, or if one of them is no str."""
    if isinstance(texts, str):
        raise TypeError(f"expected a list of texts, got one text: put it in a list, [{texts!r:.40}]")
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
    if ids.dtype.kind not in "iuf" or not np.array_equal(ids, np.floor(ids)):
        raise TypeError(f"ids are whole numbers, got {tokens!r:.60}")
    return [int(number) for number in ids.tolist()]


def reserved_tokens(special_tokens: Iterable[str]) -> list[str]:
    """The tokens before all others: "<UNK>", then the special ones that were asked for."""
    special = check_texts(special_tokens)
    for token in special:
        if len(token) < 2 or token in (UNK_TOKEN, END_OF_WORD) or special.count(token) > 1:
            raise ValueError(f"{token!r} cannot be a special token: too short, taken, or twice")
    return [UNK_TOKEN, *special]


# %%
#| export
class Tokenizer(ABC):
    """What every tokenizer can do: texts into ids, and ids into text.

    `vocab` lists the tokens, each at the place of its id; `vocab_size` is their number.
    `special_ids` gives the ids of the special tokens asked for, by name. No text contains them:
    encode never gives such an id, and for decode it stands for no text.
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


def check_characters(characters: Iterable[str], reserved: Sequence[str]) -> list[str]:
    """Different single characters in their order, reserved tokens left out; or ValueError."""
    found = [text for text in dict.fromkeys(characters) if text not in reserved]
    for text in found:
        if len(check_text(text)) != 1:
            raise ValueError(f"expected single characters, got {text!r}")
    return found


# %% nbgrader={"grade": false, "grade_id": "tokenization_characters", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class CharTokenizer(Tokenizer):
    """Each character is a token."""

    unk_id = 0

    def __init__(self, vocab: Iterable[str] | None = None, special_tokens: Iterable[str] = ()):
        self.reserved = reserved_tokens(special_tokens)
        self._use_characters(check_characters(vocab or (), self.reserved))

    def _use_characters(self, characters: list[str]) -> None:
        ### BEGIN SOLUTION
        self.vocab = [*self.reserved, *characters]
        self.vocab_size = len(self.vocab)
        self.char_to_id = {token: number for number, token in enumerate(self.vocab)}
        self.id_to_char = dict(enumerate(self.vocab))
        self.special_ids = {token: self.char_to_id[token] for token in self.reserved[1:]}
        ### END SOLUTION

    def build_vocab(self, corpus: Iterable[str]) -> None:
        ### BEGIN SOLUTION
        self._use_characters(sorted(set("".join(check_texts(corpus)))))
        ### END SOLUTION

    def encode(self, text: str) -> list[int]:
        ### BEGIN SOLUTION
        return [self.char_to_id.get(character, self.unk_id) for character in check_text(text)]
        ### END SOLUTION

    def decode(self, tokens: Iterable[int]) -> str:
        ### BEGIN SOLUTION
        silent = set(self.special_ids.values())
        ids = [number for number in check_ids(tokens) if number not in silent]
        return "".join(self.id_to_char.get(number, UNK_TOKEN) for number in ids)
        ### END SOLUTION


# %% nbgrader={"grade": false, "grade_id": "tokenization_words", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def split_words(text: str) -> list[str]:
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
    ### BEGIN SOLUTION
    return " ".join(words).replace(" \n", "\n").replace("\n ", "\n")
    ### END SOLUTION


# %%
#| export
TokenPair = tuple[str, str]


def word_tokens(word: str) -> list[str]:
    return [*word, END_OF_WORD]


def may_merge(pair: TokenPair, taken: Collection[str]) -> bool:
    token = pair[0] + pair[1]
    return token not in taken and token.count(END_OF_WORD) == pair[1].count(END_OF_WORD)


def merge_pair(tokens: Sequence[str], pair: TokenPair) -> list[str]:
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


def count_pairs(words: Iterable[tuple[Sequence[str], int]]) -> Counter[TokenPair]:
    counts: Counter[TokenPair] = Counter()
    for tokens, times in words:
        for pair in pairwise(tokens):
            counts[pair] += times
    return counts


def best_pair(counts: Mapping[TokenPair, int], taken: Collection[str]) -> TokenPair | None:
    allowed = [pair for pair in counts if may_merge(pair, taken)]
    return min(allowed, key=lambda pair: (-counts[pair], pair), default=None)


def learn_by_recounting(word_counts, taken, count):
    words = [(word_tokens(word), times) for word, times in word_counts.items()]
    taken, merges = set(taken), []
    while len(merges) < count:
        pair = best_pair(count_pairs(words), taken)
        if pair is None:
            break
        words = [(merge_pair(tokens, pair), times) for tokens, times in words]
        taken.add(pair[0] + pair[1])
        merges.append(pair)
    return merges


class PairTable:
    def __init__(self, word_counts):
        self.words = [word_tokens(word) for word in word_counts]
        self.times = list(word_counts.values())
        self.counts: Counter[TokenPair] = Counter()
        self.places: defaultdict[TokenPair, set[int]] = defaultdict(set)
        for number, tokens in enumerate(self.words):
            for pair in pairwise(tokens):
                self.counts[pair] += self.times[number]
                self.places[pair].add(number)

    def merge(self, pair: TokenPair) -> set[TokenPair]:
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


def learn_merges(word_counts, taken, count):
    table, taken, merges = PairTable(word_counts), set(taken), []
    heap = [(-times, pair) for pair, times in table.counts.items()]
    heapq.heapify(heap)
    while heap and len(merges) < count:
        claimed, pair = heapq.heappop(heap)
        times = table.counts[pair]
        if times != -claimed:
            if times > 0:
                heapq.heappush(heap, (-times, pair))
        elif may_merge(pair, taken):
            for new in table.merge(pair):
                heapq.heappush(heap, (-table.counts[new], new))
            taken.add(pair[0] + pair[1])
            merges.append(pair)
    return merges


def apply_merges(tokens: Sequence[str], ranks: Mapping[TokenPair, int]) -> list[str]:
    tokens = list(tokens)
    while known := [pair for pair in pairwise(tokens) if pair in ranks]:
        tokens = merge_pair(tokens, min(known, key=lambda pair: ranks[pair]))
    return tokens


def join_tokens(tokens: Iterable[str]) -> str:
    words, word = [], ""
    for token in tokens:
        word += token
        if token.endswith(END_OF_WORD):
            words.append(word.removesuffix(END_OF_WORD))
            word = ""
    return join_words([*words, word] if word else words)


class BPETokenizer(Tokenizer):
    """Byte pair encoding."""

    learn = staticmethod(learn_merges)

    def __init__(self, vocab_size: int = 1000, special_tokens: Iterable[str] = ()):
        self.reserved = reserved_tokens(special_tokens)
        self.target_size = check_size("vocab_size", vocab_size)
        self.vocab, self.merges = [*self.reserved, END_OF_WORD], []
        self._build_mappings()
        self.vocab_size = self.target_size  # what is wanted; train() sets what came of it

    def _get_word_tokens(self, word: str) -> list[str]:
        return word_tokens(word)

    def _get_pairs(self, word_tokens: Sequence[str]) -> set[TokenPair]:
        return set(pairwise(word_tokens))

    def _apply_merges(self, tokens: Sequence[str]) -> list[str]:
        return apply_merges(tokens, self.ranks)

    def _build_mappings(self) -> None:
        self.vocab_size = len(self.vocab)
        self.token_to_id = {token: number for number, token in enumerate(self.vocab)}
        self.id_to_token = dict(enumerate(self.vocab))
        self.special_ids = {token: self.token_to_id[token] for token in self.reserved[1:]}
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.cache: dict[str, list[int]] = {}

    def train(self, corpus: Iterable[str], vocab_size: int | None = None) -> None:
        size = self.target_size if vocab_size is None else check_size("vocab_size", vocab_size)
        word_counts = Counter(word for text in check_texts(corpus) for word in split_words(text))
        base = [*self.reserved, END_OF_WORD, *sorted(set("".join(word_counts)))]
        self.merges = self.learn(word_counts, base, size - len(base))
        self.vocab = base + [left + right for left, right in self.merges]
        self._build_mappings()

    def encode(self, text: str) -> list[int]:
        ids = []
        for word in split_words(check_text(text)):
            if word not in self.cache:
                tokens = self._apply_merges(self._get_word_tokens(word))
                self.cache[word] = [self.token_to_id.get(token, 0) for token in tokens]
            ids += self.cache[word]
        return ids

    def decode(self, tokens: Iterable[int]) -> str:
        silent = set(self.special_ids.values())
        ids = [number for number in check_ids(tokens) if number not in silent]
        return join_tokens(self.id_to_token.get(number, UNK_TOKEN) for number in ids)


def create_tokenizer(strategy, vocab_size=1000, corpus=None, special_tokens=()):
    if strategy == "char":
        tokenizer = CharTokenizer(special_tokens=special_tokens)
        if corpus is not None:
            tokenizer.build_vocab(corpus)
        return tokenizer
    if strategy == "bpe":
        tokenizer = BPETokenizer(vocab_size, special_tokens)
        if corpus is not None:
            tokenizer.train(corpus)
        return tokenizer
    raise ValueError(f"strategy must be 'char' or 'bpe', got {strategy!r}")


def tokenize_dataset(texts, tokenizer, max_length=None):
    if max_length is not None:
        check_size("max_length", max_length)
    return [tokenizer.encode(text)[:max_length] for text in check_texts(texts)]


def analyze_tokenization(texts, tokenizer):
    texts = check_texts(texts)
    encoded = [tokenizer.encode(text) for text in texts]
    lengths = [len(ids) for ids in encoded]
    total = sum(lengths)
    return {
        "vocab_size": float(tokenizer.vocab_size),
        "total_tokens": float(total),
        "unique_tokens": float(len({number for ids in encoded for number in ids})),
        "avg_sequence_length": total / max(len(texts), 1),
        "max_sequence_length": float(max(lengths, default=0)),
        "compression_ratio": sum(map(len, texts)) / max(total, 1),
        "unknown_share": sum(ids.count(0) for ids in encoded) / max(total, 1),
    }
