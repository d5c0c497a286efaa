"""Milestone 05, part 5: in the style of any text.

A model of 120,000 numbers reads a text letter by letter and learns one thing: which letter comes
next. Then it writes, throwing dice for each letter, in the chances it has learned. It spells, it
sets commas, it begins lines as the text does; and it means nothing. Give it your own text, the
longer the better: --text FILE. Without one it reads the stories that come with the milestones.

    python 04_vaswani_style.py [--text FILE] [--seed N] [--epochs N] [--chat] [--resume]
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from milestones import stage

with stage.your_code():
    import talker
    import writing
    from pictures import draw_writing

ROOT = Path(__file__).resolve().parents[2]
OWN = [
    file for name in ("milestones", "datasets") for file in sorted((ROOT / name).rglob("README.md"))
]
BEGINNING, LENGTH = "The ", 200
TEMPERATURE = 0.7  # below 1: likely letters are made likelier
SEEDS = range(1)


def make(asked, seed):
    """A model that knows nothing yet, and the name of its file."""
    text = writing.read_texts([asked.text] if asked.text else OWN)
    np.random.seed(seed)
    file = talker.model_file(__file__, asked, seed, writing.fingerprint(text))
    return writing.Writer(text, asked.epochs), file


def run(seed, epochs, show, asked):
    """Train on nine tenths of the text; judge by the last."""
    model, file = make(asked, seed)
    if asked.resume:
        talker.resume(model, file)
    samples = []

    def sample():
        """A sample of its own dice, so that writing does not disturb the training."""
        state = np.random.get_state()
        np.random.seed(seed)
        text = model.write(BEGINNING, LENGTH, TEMPERATURE)
        np.random.set_state(state)
        return text

    def after(loss):
        if model.trainer.epoch in {1, 2, 5, 10, 20, epochs}:
            samples.append((model.trainer.epoch, sample()))
        lines = samples[-1][1].splitlines() if samples else []
        show(model.trainer.epoch, epochs, lambda: lines, loss=loss)

    before, _ = model.judge_held_out()
    talker.train(model, model.batches, epochs, file, after)
    loss, accuracy = model.judge_held_out()
    metrics = {
        "loss_before": before,
        "loss": loss,
        "accuracy": accuracy,
        "accuracy_from_last_letter": model.pairs_accuracy(),
        "letters_read": len(model.training),
        "parameters": model.parameters,
    }
    return metrics, {"losses": model.trainer.history["train_loss"], "samples": samples}


def chat(asked):
    """begin a line, and the trained model goes on"""
    model, file = make(asked, asked.seed or SEEDS[0])
    talker.load(model, file)
    talker.chat(model, "Begin a line; it goes on.", remembers=False)


if __name__ == "__main__":
    text = {"type": Path, "metavar": "FILE", "help": "the text to learn from, in UTF-8"}
    stage.play(
        __file__,
        title="In the style of any text",
        run=run,
        draw=draw_writing,
        seeds=SEEDS,
        epochs=60,
        options={"--text": text, **talker.RESUME},
        instead={"--chat": chat},
        moral="""
Loss and accuracy are of the last tenth of the text, which it has not read: how often it foresees
the next letter, beside someone who looks at the last letter alone.
""",
    )
