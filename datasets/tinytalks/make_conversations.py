"""Make conversations.txt from subjects.toml: short conversations in which one must remember.

For maintainers. Running it again gives the same file, byte for byte:

    python datasets/tinytalks/make_conversations.py [target file]
"""

import itertools
import random
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
SEED = 2017
TRAINING = 3  # conversations of each subject to train on; one more is held out


def shuffled(items, generator):
    """The items in random order. Of Python's generator, only `random()` is promised to stay."""
    return sorted(items, key=lambda _: generator.random())


def orders(count, generator):
    """The follow-ups of each training conversation, which cover all; and of one held out.

    Each is a list of numbers below `count`. No two follow-ups stand one after the other in the
    conversation held out as they do in one to train on.
    """
    while True:
        *training, held_out = (
            shuffled(range(count), generator)[: 2 + (number % 2 == 0)]
            for number in range(TRAINING + 1)
        )
        together = {pair for order in training for pair in itertools.pairwise(order)}
        covered = {number for order in training for number in order}
        new = together.isdisjoint(itertools.pairwise(held_out))
        if len(covered) == count and new:
            return [*training, held_out]


def conversations():
    """All of them: `(kind, subject, turns)`, kind being "training" or "held out"."""
    table = tomllib.loads((HERE / "subjects.toml").read_text(encoding="ascii"))
    openings, closing = table.pop("openings"), table.pop("closing")
    generator = random.Random(SEED)
    made = []
    for group in table.values():
        for subject, facts in group["subjects"].items():
            turns = list(zip(group["questions"], facts, strict=True))
            starts = shuffled(openings, generator)
            for number, order in enumerate(orders(len(turns), generator)):
                thanks = [closing] if generator.random() < 0.5 else []
                said = [starts[number], *(turns[i] for i in order), *thanks]
                kind = "training" if number < TRAINING else "held out"
                made.append((kind, subject, [[t.format(subject=subject) for t in p] for p in said]))
    return made


def text():
    """The file's content, a heading above each conversation."""
    parts = ["# Conversations of TinyTalks, made by make_conversations.py from subjects.toml\n"]
    for kind, subject, turns in sorted(conversations(), key=lambda made: made[0] == "held out"):
        lines = [f"Q: {said}\nA: {answer}\n" for said, answer in turns]
        parts.append(f"# {kind}: {subject}\n" + "".join(lines))
    return "\n".join(parts)


def main():
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "conversations.txt"
    target.write_bytes(text().encode("ascii"))
    print(f"{target}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
