"""Milestone 05, part 5: in the style of any text.

A model of 120,000 numbers reads a text letter by letter and learns one thing: which letter comes
next. Then it writes, throwing dice for each letter, in the chances it has learned. It spells, it
sets commas, it begins lines as the text does; and it means nothing. Give it your own text, the
longer the better: --text FILE. Without one it reads the stories that come with the milestones.

    python 04_vaswani_style.py [--text FILE] [--seed N] [--epochs N] [--chat] [--resume]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from milestones import stage

with stage.your_code():
    import writing
    from pictures import draw_writing
    from talker import RESUME

ROOT = Path(__file__).resolve().parents[2]
OWN = [
    file for name in ("milestones", "datasets") for file in sorted((ROOT / name).rglob("README.md"))
]
BEGINNING, LENGTH = "The ", 200
TEMPERATURE = 0.7  # below 1: likely letters are made likelier
SEEDS = range(1)


def texts(asked):
    """The files to learn from."""
    return [asked.text] if asked.text else OWN


def run(seed, epochs, show, asked):
    """Train on nine tenths of the text; judge by the last."""
    writer, file = writing.prepare(__file__, asked, seed, texts(asked))

    def sample():
        return writer.write(BEGINNING, LENGTH, TEMPERATURE, seed)

    return writing.learn(writer, file, asked, show, sample)


def chat(asked):
    """begin a line, and the trained model goes on"""
    seed = asked.seed or SEEDS[0]
    writing.begin(__file__, asked, seed, texts(asked), "Begin a line; it goes on.")


if __name__ == "__main__":
    own_text = {"type": Path, "metavar": "FILE", "help": "the text to learn from (UTF-8)"}
    stage.play(
        __file__,
        title="In the style of any text",
        run=run,
        draw=draw_writing,
        seeds=SEEDS,
        epochs=60,
        options={"--text": own_text, **RESUME},
        instead={"--chat": chat},
        moral="""
Loss and accuracy are of the last tenth of the text, which it has not read: how often it foresees
the next letter, beside someone who looks at the last letter alone.
""",
    )
