"""Milestone 05, part 4: watch it learn to talk.

The questions of part 2 again, but letter by letter: nobody tells this model that there are words.
It has 120,000 numbers to learn. Look at the replies: first the commonest letter, over and over;
then syllables, then words that exist, then sentences, and at last the answer. Beside it stands
what the machine does: tokens per second, time for a batch, memory.

    python 03_tinytalks_dashboard.py [--seed N] [--epochs N] [--chat] [--resume] [--plot FILE]
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from datasets.tinytalks import load_tinytalks
from milestones import stage

with stage.your_code():
    import talker
    from dashboard import Dashboard, write_history
    from pictures import draw_learning_to_talk, replies
    from talking import GroupLoader, Groups, Language

PROMPTS = "Hello!", "What is the capital of France?", "How many legs does a spider have?"
SEEDS = range(1)


def make(seed, epochs):
    """The talks, and a model that knows nothing yet."""
    np.random.seed(seed)
    talks = [[pair] for pair in load_tinytalks()]
    return talks, talker.Talker(Language(talks, "char"), epochs)


def run(seed, epochs, show, asked):
    """Train on 350 questions, letter by letter, and show what comes of it."""
    talks, model = make(seed, epochs)
    file = talker.model_file(__file__, asked, seed)
    if asked.resume:
        talker.resume(model, file)
    about = f"{model.parameters:,} parameters, {len(talks)} questions"

    with Dashboard(PROMPTS, epochs, about) as board:

        def after(loss):
            board.epoch_over(model.trainer.epoch, loss, [model.reply(said) for said in PROMPTS])
            if file:
                write_history(file.with_suffix(".json"), board.history)
            if not board.live:
                last = board.history[-1]
                figures = {name: last[name] for name in ("loss", "tokens_per_second")}
                text = replies(PROMPTS, last["replies"].values())
                show(model.trainer.epoch, epochs, lambda: text, **figures)

        talker.train(
            model,
            lambda: board.watched(GroupLoader(Groups(model.language, talks))),
            epochs,
            file,
            after,
        )
    right, loss = model.judge(talks)
    metrics = {"loss": loss, "accuracy": right.mean(), "parameters": model.parameters}
    if board.history:
        speeds = [entry["tokens_per_second"] for entry in board.history]
        metrics["tokens_per_second"] = round(np.median(speeds))
    return metrics, {"history": board.history}


def chat(asked):
    """talk to the trained model"""
    _, model = make(seed := asked.seed or SEEDS[0], asked.epochs)
    talker.load(model, talker.model_file(__file__, asked, seed))
    talker.chat(model, "Ask it one of the 350 questions, and then others.", remembers=False)


if __name__ == "__main__":
    stage.play(
        __file__,
        title="Watch it learn to talk",
        run=run,
        draw=draw_learning_to_talk,
        seeds=SEEDS,
        epochs=60,
        options=talker.RESUME,
        instead={"--chat": chat},
        moral="""
Every letter is one more step, and the model has to find out by itself what a word is. Part 2 gives
it pieces of words, and its rows are a third as long. That is what tokenizers are for.
""",
    )
