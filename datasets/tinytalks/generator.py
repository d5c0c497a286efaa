"""A larger set in the manner of TinyTalks: 3,000 questions and answers, made from templates.

    from datasets.tinytalks.generator import make_pairs
    pairs = make_pairs()

The list is the same every time. As a text:

    python -m datasets.tinytalks.generator FILE
"""

import itertools
import random
import sys
from pathlib import Path

from datasets.tinytalks.templates import LEVELS

SEED = 3000
MOST = 3000


def make_pairs(count=MOST):
    """`count` different questions with their answers, as many of each of the five levels.

    Every family of questions of a level has its share, as far as it goes; then a level is mixed.
    The same list every time; a smaller one is part of a larger one.

    Raises:
        ValueError: `count` is no multiple of 5, below 5 or above MOST.
    """
    if not 5 <= count <= MOST or count % len(LEVELS):
        raise ValueError(f"expected a multiple of 5 from 5 to {MOST}, not {count}")
    return [
        pair
        for number, families in enumerate(LEVELS.values())
        for pair in _level(list(families()), count // len(LEVELS), random.Random(SEED + number))
    ]


def _level(families, count, generator):
    """`count` pairs, one of each family in turn, from the family's pairs in random order."""
    mixed = [_shuffled(family, generator) for family in families]
    turns = itertools.chain.from_iterable(itertools.zip_longest(*mixed))
    chosen = list(itertools.islice((pair for pair in turns if pair), count))
    return _shuffled(chosen, generator)


def _shuffled(items, generator):
    """In random order. Of Python's generator, only `random()` is promised to stay."""
    return sorted(items, key=lambda _: generator.random())


def main():
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m datasets.tinytalks.generator FILE")
    text = "\n".join(f"Q: {question}\nA: {answer}\n" for question, answer in make_pairs())
    Path(sys.argv[1]).write_bytes(text.encode("ascii"))


if __name__ == "__main__":
    main()
