"""Milestone 05, part 6: code that completes code.

The same model reads Python: the very files of the `tinytorch` it runs on. In your workspace that
is your own code. It learns what comes after `self.`, how deep the next line stands, and that
`import numpy` goes on as ` as np`. Programs that complete code for millions of people are made of
the same parts; they have read more.

    python 05_vaswani_completion.py [--seed N] [--epochs N] [--chat] [--resume] [--plot FILE]
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from milestones import stage

with stage.your_code():
    import talker
    import writing
    from pictures import draw_writing, replies

    import tinytorch

OWN = sorted(Path(tinytorch.__file__).parent.rglob("*.py"))
PROMPTS = "import numpy", "    def forward(self, ", "        return ", "raise Val", "for "
SEEDS = range(1)


def make(asked, seed):
    """A model that knows nothing yet, and the name of its file."""
    text = writing.read_texts(OWN)
    np.random.seed(seed)
    file = talker.model_file(__file__, asked, seed, writing.fingerprint(text))
    return writing.Writer(text, asked.epochs), file


def run(seed, epochs, show, asked):
    """Train on nine tenths of the code; judge by the last."""
    model, file = make(asked, seed)
    if asked.resume:
        talker.resume(model, file)
    samples = []

    def completions():
        return [f"{prompt}{model.reply(prompt)}" for prompt in PROMPTS]

    def after(loss):
        if model.trainer.epoch in {1, 5, 20, epochs}:
            samples.append((model.trainer.epoch, "\n".join(completions())))
        show(
            model.trainer.epoch,
            epochs,
            lambda: replies(PROMPTS, map(model.reply, PROMPTS)),
            loss=loss,
        )

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
    """begin a line of code, and the trained model completes it"""
    model, file = make(asked, asked.seed or SEEDS[0])
    talker.load(model, file)
    talker.chat(model, "Begin a line of code; it completes it.", remembers=False)


if __name__ == "__main__":
    stage.play(
        __file__,
        title="Code that completes code",
        run=run,
        draw=draw_writing,
        seeds=SEEDS,
        epochs=60,
        options=talker.RESUME,
        instead={"--chat": chat},
        moral="""
Loss and accuracy are of the last tenth of the code, which it has not read: how often it foresees
the next letter, beside someone who looks at the last letter alone.
""",
    )
