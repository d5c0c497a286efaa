"""Module 10: characters, words, byte pair encoding by two ways of learning, and the tools."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytorch.core.tensor import Tensor
from tinytorch.core.tokenization import (
    BPETokenizer,
    CharTokenizer,
    PairTable,
    Tokenizer,
    analyze_tokenization,
    apply_merges,
    best_pair,
    count_pairs,
    create_tokenizer,
    join_words,
    learn_by_recounting,
    learn_merges,
    may_merge,
    merge_pair,
    split_words,
    tokenize_dataset,
    word_tokens,
)

# Few characters, so that pairs repeat, and those of the marks, so that texts contain them.
TEXTS = st.text(alphabet="ab</w>UNK \n\t", max_size=40)
WORDS = st.text(alphabet="ab</w>", min_size=1, max_size=9)
COUNTS = st.dictionaries(WORDS, st.integers(1, 9), max_size=12)
RESERVED = {"<UNK>", "<a>"}
RHYME = (
    "the cat sat on the mat, and the rat sat on the cat\n"
    "   that was that,  said the bat\n\nthe end </w> <UNK>"
)


def merges_by_the_book(word_counts, reserved, count):
    """The definition: lists of texts, every occurrence looked for again, nothing shared."""
    words = [([*word, "</w>"], times) for word, times in word_counts.items()]
    merges = []
    for _ in range(max(count, 0)):
        seen = [(a, b) for tokens, n in words for a, b in pairwise(tokens) for _ in range(n)]
        allowed = [
            (-times, pair)
            for pair, times in Counter(seen).items()
            if "".join(pair) not in reserved
            and "".join(pair).count("</w>") == (1 if pair[1].endswith("</w>") else 0)
        ]
        if not allowed:
            break
        left, right = sorted(allowed)[0][1]
        for tokens, _ in words:
            place = 0
            while place + 1 < len(tokens):
                if tokens[place] == left and tokens[place + 1] == right:
                    tokens[place : place + 2] = [left + right]
                place += 1
        merges.append((left, right))
    return merges


def replay(tokens, merges):
    """Every merge in the order in which it was learned."""
    for pair in merges:
        tokens = merge_pair(tokens, pair)
    return tokens


class TestWords:
    @given(st.text())
    @settings(max_examples=300, deadline=None)
    def test_any_text_comes_back(self, text):
        assert join_words(split_words(text)) == text

    @given(TEXTS)
    @settings(max_examples=300, deadline=None)
    def test_a_word_has_no_space_and_a_newline_is_alone(self, text):
        words = split_words(text)
        assert join_words(words) == text
        assert all(" " not in word and ("\n" not in word or word == "\n") for word in words)

    def test_examples(self):
        assert split_words("a b") == ["a", "b"]
        assert split_words(" a  b ") == ["", "a", "", "b", ""]
        assert split_words("a\n\nb") == ["a", "\n", "\n", "b"]
        assert split_words("") == []


class TestLearning:
    @given(COUNTS, st.integers(-2, 30))
    @settings(max_examples=300, deadline=None)
    def test_three_ways_one_result(self, word_counts, count):
        expected = merges_by_the_book(word_counts, RESERVED, count)
        assert learn_by_recounting(word_counts, RESERVED, count) == expected
        assert learn_merges(word_counts, RESERVED, count) == expected

    @given(COUNTS, st.randoms(use_true_random=False))
    @settings(deadline=None)
    def test_the_order_of_words_does_not_matter(self, word_counts, random):
        items = list(word_counts.items())
        random.shuffle(items)
        assert learn_merges(dict(items), RESERVED, 20) == learn_merges(word_counts, RESERVED, 20)

    @given(COUNTS)
    @settings(deadline=None)
    def test_every_token_is_made_by_one_merge(self, word_counts):
        tokens = [a + b for a, b in learn_merges(word_counts, RESERVED, 40)]
        assert len(set(tokens)) == len(tokens)
        assert not (RESERVED | {"</w>"}) & set(tokens)

    @given(COUNTS, st.lists(st.integers(0, 30), max_size=8))
    @settings(deadline=None)
    def test_the_table_agrees_with_a_recount(self, word_counts, choices):
        table = PairTable(word_counts)
        for choice in choices:
            pairs = sorted(pair for pair, times in table.counts.items() if times)
            if not pairs:
                break
            table.merge(pairs[choice % len(pairs)])
            words = zip(table.words, word_counts.values(), strict=True)
            assert +table.counts == count_pairs(words)
            for number, tokens in enumerate(table.words):
                for pair in pairwise(tokens):
                    assert number in table.places[pair]

    def test_the_guides_corpus(self):
        """("h", "e") and ("e", "l") tie at 3; the rule takes the smaller. Then 3 beats 2."""
        counts = Counter(["hello", "hello", "help"])
        pairs = count_pairs((word_tokens(word), times) for word, times in counts.items())
        assert (pairs["h", "e"], pairs["e", "l"], pairs["l", "l"]) == (3, 3, 2)
        assert learn_merges(counts, {"</w>"}, 3) == [("e", "l"), ("h", "el"), ("hel", "l")]

    def test_pairs_within_a_word_count_each_time(self):
        assert count_pairs([(list("banana"), 2)])["a", "n"] == 4
        assert merge_pair(list("aaaaa"), ("a", "a")) == ["aa", "aa", "a"]

    def test_marks_made_of_characters_are_refused(self):
        assert not may_merge(("</w", ">"), {"</w>"})
        assert not may_merge(("x</w", ">"), {"</w>"})
        assert not may_merge(("</w", "></w>"), {"</w>"})
        assert not may_merge(("<", "UNK>"), {"<UNK>"})
        assert may_merge(("x", "</w>"), {"</w>"})
        assert best_pair({("<", "UNK>"): 9}, {"<UNK>"}) is None

    def test_the_same_in_every_process(self):
        """Sets of texts are ordered differently in each process; merges must not be."""
        code = (
            "from tinytorch.core.tokenization import BPETokenizer as B\n"
            f"t = B(80); t.train([{RHYME!r}]); print(t.vocab, t.merges)"
        )
        outputs = {
            subprocess.run(
                [sys.executable, "-c", code],
                env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for seed in ("0", "1", "2")
        }
        assert len(outputs) == 1

    def test_a_large_corpus_ends(self):
        """10,000 different words, 1,000 merges: far too many for recounting within a test."""
        words = [f"{a}{b}{c}" for a in range(40) for b in range(25) for c in range(10)]
        assert len(learn_merges(Counter(words), {"</w>", *"0123456789"}, 1000)) == 1000


class TestCharTokenizer:
    @given(st.lists(st.text()), st.text())
    @settings(deadline=None)
    def test_round_trip(self, corpus, text):
        tokenizer = CharTokenizer()
        tokenizer.build_vocab([*corpus, text])
        assert tokenizer.decode(tokenizer.encode(text)) == text
        assert len(tokenizer.encode(text)) == len(text)
        assert 0 not in tokenizer.encode(text)

    def test_vocabulary(self):
        tokenizer = CharTokenizer(special_tokens=["<PAD>", "<EOS>"])
        tokenizer.build_vocab(["cab", "abba"])
        assert tokenizer.vocab == ["<UNK>", "<PAD>", "<EOS>", "a", "b", "c"]
        assert tokenizer.vocab_size == 6
        assert tokenizer.special_ids == {"<PAD>": 1, "<EOS>": 2}
        assert tokenizer.char_to_id["a"] == 3 and tokenizer.id_to_char[3] == "a"
        assert tokenizer.encode("a<PAD>") == [3, 0, 0, 0, 0, 0]
        assert tokenizer.decode([2, 3, 1, 5, 77]) == "ac<UNK>"
        again = CharTokenizer(tokenizer.vocab, ["<PAD>", "<EOS>"])
        assert again.vocab == tokenizer.vocab

    def test_nothing_known(self):
        tokenizer = CharTokenizer()
        assert (tokenizer.vocab, tokenizer.encode("ab")) == (["<UNK>"], [0, 0])
        tokenizer.build_vocab([])
        assert tokenizer.decode([0, 5]) == "<UNK><UNK>"


class TestBPETokenizer:
    @given(st.lists(TEXTS, max_size=4), TEXTS, st.integers(1, 60))
    @settings(max_examples=300, deadline=None)
    def test_round_trip_of_known_characters(self, corpus, text, size):
        tokenizer = BPETokenizer(size, ["<PAD>"])
        tokenizer.train([*corpus, text])
        assert tokenizer.decode(tokenizer.encode(text)) == text
        spread = [number for each in tokenizer.encode(text) for number in (each, 1)]
        assert tokenizer.decode(spread) == text

    @given(st.text(), st.text(max_size=30))
    @settings(deadline=None)
    def test_round_trip_of_anything(self, corpus, text):
        tokenizer = BPETokenizer(500)
        tokenizer.train([corpus, text])
        assert tokenizer.decode(tokenizer.encode(text)) == text

    @given(st.lists(TEXTS, min_size=1, max_size=4), TEXTS)
    @settings(deadline=None)
    def test_encode_replays_the_training(self, corpus, text):
        tokenizer = BPETokenizer(60)
        tokenizer.train(corpus)
        for word in split_words(text):
            tokens = tokenizer._apply_merges(tokenizer._get_word_tokens(word))
            assert tokens == replay(word_tokens(word), tokenizer.merges)
            assert "".join(tokens) == f"{word}</w>"

    @given(TEXTS)
    @settings(deadline=None)
    def test_the_text_of_a_beginning_is_the_beginning_of_the_text(self, text):
        tokenizer = BPETokenizer(40)
        tokenizer.train([text, RHYME])
        ids = tokenizer.encode(text)
        for length in range(len(ids)):
            assert text.startswith(tokenizer.decode(ids[:length]))

    def test_vocabulary(self):
        tokenizer = BPETokenizer(1000, special_tokens=["<BOS>"])
        assert (tokenizer.vocab_size, tokenizer.merges) == (1000, [])
        tokenizer.train([RHYME], vocab_size=40)
        assert tokenizer.vocab[:3] == ["<UNK>", "<BOS>", "</w>"]
        assert tokenizer.vocab_size == len(tokenizer.vocab) == len(set(tokenizer.vocab)) == 40
        assert tokenizer.id_to_token == dict(enumerate(tokenizer.vocab))
        assert tokenizer.token_to_id["<UNK>"] == 0
        made = tokenizer.vocab[-len(tokenizer.merges) :]
        assert made == [left + right for left, right in tokenizer.merges]
        tokenizer.train(["ab"])
        assert tokenizer.vocab == ["<UNK>", "<BOS>", "</w>", "a", "b", "ab", "ab</w>"]

    def test_training_again_forgets_the_old_words(self):
        tokenizer = BPETokenizer(30)
        tokenizer.train(["aaab aaab"])
        tokenizer.encode("aaab")
        tokenizer.train(["bbba bbba", "aaab"])
        assert tokenizer.decode(tokenizer.encode("aaab")) == "aaab"

    def test_the_cache_is_not_handed_out(self):
        tokenizer = BPETokenizer(30)
        tokenizer.train(["ab ab"])
        for _ in range(3):  # from the cache as well as before
            ids = tokenizer.encode("ab")
            assert 99 not in ids
            ids.append(99)

    def test_unknown(self):
        tokenizer = BPETokenizer(30)
        assert tokenizer.decode(tokenizer.encode("ab c")) == "<UNK><UNK> <UNK>"
        tokenizer.train([])
        assert tokenizer.vocab == ["<UNK>", "</w>"]
        tokenizer.train(["hello"])
        assert tokenizer.decode(tokenizer.encode("hélo")) == "h<UNK>lo"
        assert tokenizer.decode([0, 999, -1]) == "<UNK><UNK><UNK>"
        assert tokenizer.decode([]) == ""

    def test_long_texts(self):
        tokenizer = BPETokenizer(200)
        tokenizer.train([RHYME])
        text = RHYME * 2000
        assert tokenizer.decode(tokenizer.encode(text)) == text
        text = re.sub(r"\s", "", RHYME) * 20  # one long word
        assert tokenizer.decode(tokenizer.encode(text)) == text


class TestErrors:
    @pytest.mark.parametrize("make", [CharTokenizer, BPETokenizer])
    def test_types(self, make):
        tokenizer = make()
        for wrong in (None, 5, b"bytes", ["a"]):
            with pytest.raises(TypeError, match=type(wrong).__name__):
                tokenizer.encode(wrong)
        for wrong in ([0.5], ["a"], "ab", [float("nan")], [float("inf")]):
            with pytest.raises((TypeError, ValueError)):
                tokenizer.decode(wrong)
        with pytest.raises(ValueError, match=r"\(1, 2\)"):
            tokenizer.decode([[0, 1]])
        learn = tokenizer.train if make is BPETokenizer else tokenizer.build_vocab
        for wrong in ("one text", ["a", 5]):
            with pytest.raises(TypeError):
                learn(wrong)
        for wrong in (["<UNK>"], ["</w>"], ["x"], ["<PAD>", "<PAD>"]):
            with pytest.raises(ValueError, match=re.escape(repr(wrong[0]))):
                make(special_tokens=wrong)
        with pytest.raises(TypeError):
            make(special_tokens="<PAD>")

    def test_ids_of_every_kind(self):
        tokenizer = CharTokenizer("abc")
        for ids in ((1, 2), np.array([1, 2], dtype=np.int8), Tensor([1, 2]), [1.0, 2.0]):
            assert tokenizer.decode(ids) == "ab"

    def test_sizes(self):
        for wrong in (0, -1, 2.5, "8", True):
            with pytest.raises(ValueError, match=re.escape(repr(wrong))):
                BPETokenizer(wrong)
            with pytest.raises(ValueError, match=re.escape(repr(wrong))):
                tokenize_dataset([], CharTokenizer(), wrong)
        assert BPETokenizer(np.int64(8)).vocab_size == 8

    def test_strategy(self):
        for wrong in ("word", None):
            with pytest.raises(ValueError, match=r"(?s)char.*bpe"):
                create_tokenizer(wrong, 10, ["a"])

    def test_abstract(self):
        with pytest.raises(TypeError):
            Tokenizer()


class TestTools:
    def test_create(self):
        assert isinstance(create_tokenizer("char", 10, ["ab"]), CharTokenizer)
        assert create_tokenizer("char", 10, ["ab"]).vocab == ["<UNK>", "a", "b"]
        tokenizer = create_tokenizer("bpe", 6, ["abab abab"], special_tokens=["<PAD>"])
        assert isinstance(tokenizer, BPETokenizer)
        assert tokenizer.vocab_size == 6 and tokenizer.special_ids == {"<PAD>": 1}
        assert create_tokenizer("bpe", 77).vocab_size == 77

    def test_dataset(self):
        tokenizer = create_tokenizer("char", 1, ["abc"])
        assert tokenize_dataset(["abc", "", "cc"], tokenizer, 2) == [[1, 2], [], [3, 3]]
        assert tokenize_dataset(["abc"], tokenizer) == [[1, 2, 3]]

    def test_analysis(self):
        tokenizer = create_tokenizer("char", 1, ["abc"])
        found = analyze_tokenization(["abc", "a?aa"], tokenizer)
        assert found == {
            "vocab_size": 4.0,
            "total_tokens": 7.0,
            "unique_tokens": 4.0,
            "avg_sequence_length": 3.5,
            "max_sequence_length": 4.0,
            "compression_ratio": 1.0,
            "unknown_share": 1 / 7,
        }
        assert all(type(value) is float for value in found.values())
        assert analyze_tokenization([], tokenizer)["avg_sequence_length"] == 0.0
        longer = create_tokenizer("bpe", 60, [RHYME])
        assert analyze_tokenization([RHYME], longer)["compression_ratio"] > 1


def test_ranks_in_any_order_of_the_word():
    assert apply_merges(list("abcb"), {("b", "c"): 1, ("a", "b"): 0}) == ["ab", "c", "b"]
    assert apply_merges(list("abcb"), {("b", "c"): 0, ("a", "b"): 1}) == ["a", "bc", "b"]
    assert apply_merges([], {}) == []
