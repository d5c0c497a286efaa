"""Milestone 05, part 6: code that completes code.

The model of part 5 reads Python: the very files of the `tinytorch` it runs on. In your workspace
that is your own code. It learns how lines begin, what stands in brackets, that `raise Val` goes on
with `ueError(`, and most of all how comments sound. Programs that complete code for millions of
people are made of the same parts; they have read more.

    python 05_vaswani_completion.py [--seed N] [--epochs N] [--chat] [--resume] [--plot FILE]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from milestones import stage

with stage.your_code():
    import writing
    from pictures import draw_writing
    from talker import RESUME

    import tinytorch

OWN = sorted(Path(tinytorch.__file__).parent.rglob("*.py"))
PROMPTS = "import numpy", "    def forward(self, ", "        return ", "raise Val", "for "
SEEDS = range(1)


def run(seed, epochs, show, asked):
    """Train on nine tenths of the code; judge by the last."""
    writer, file = writing.prepare(__file__, asked, seed, OWN)

    def sample():
        return "\n".join(f"{begun}{writer.reply(begun)}" for begun in PROMPTS)

    return writing.learn(writer, file, asked, show, sample)


def chat(asked):
    """begin a line of code, and the trained model completes it"""
    greeting = "Begin a line of code; it completes it."
    writing.begin(__file__, asked, asked.seed or SEEDS[0], OWN, greeting)


if __name__ == "__main__":
    stage.play(
        __file__,
        title="Code that completes code",
        run=run,
        draw=draw_writing,
        seeds=SEEDS,
        epochs=60,
        options=RESUME,
        instead={"--chat": chat},
        moral="""
Loss and accuracy are of the last tenth of the code, which it has not read: how often it foresees
the next letter, beside someone who looks at the last letter alone.
""",
    )
