"""Milestone 05, part 2: a model that answers questions.

A GPT of two layers reads 350 short questions with their answers, again and again, and learns to
say the answer, piece of a word by piece of a word. At first it stammers. Then it says the same
thing to everybody. Then the answers come. It learns them by heart: 200,000 numbers are enough for
that, and not for knowing what the Seine is. So it is also asked the same things in other words.
To make it listen for what matters, a fifth of the words it hears is left out each time.

    python 01_vaswani_generation.py [--seed N] [--epochs N] [--chat] [--resume] [--plot FILE]
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from datasets.tinytalks import LEVELS, load_rephrased, load_tinytalks
from milestones import stage

with stage.your_code():
    import talker
    from pictures import draw_answers, replies
    from talking import GroupLoader, Groups, Language

FORGET = 0.2  # of the words heard
SEEDS = range(3)
PROMPTS = "Hello!", "What is the capital of France?", "What is 6 times 7?", "Why is the sky blue?"


def make(seed, epochs):
    """The talks, and a model that knows nothing yet."""
    np.random.seed(seed)
    talks = [[pair] for pair in load_tinytalks()]
    return talks, talker.Talker(Language(talks), epochs)


def run(seed, epochs, show, asked):
    """Train on 350 questions; judge by the same, and by 35 of them in other words."""
    talks, model = make(seed, epochs)
    _, before = model.judge(talks)
    file = talker.model_file(__file__, asked, seed)
    if asked.resume:
        talker.resume(model, file)
    accuracies = []

    def picture():
        return replies(PROMPTS, map(model.reply, PROMPTS))

    def after(loss):
        accuracies.append(model.judge(talks)[0].mean())
        show(model.trainer.epoch, epochs, picture, loss=loss, accuracy=accuracies[-1])

    show(model.trainer.epoch, epochs, picture)
    talker.train(
        model, lambda: GroupLoader(Groups(model.language, talks, FORGET)), epochs, file, after
    )
    right, loss = model.judge(talks)
    new = load_rephrased()
    right_too, _ = model.judge([[pair] for pair in new])
    said = [model.reply(question) for question, _ in new]
    show(epochs, epochs, lambda: replies([q for q, _ in new[::5]], said[::5]), "in other words")
    metrics = {
        "loss_before": before,
        "loss": loss,
        "accuracy": right.mean(),
        "rephrased_accuracy": right_too.mean(),
        "parameters": model.parameters,
    }
    levels = {level: (right[70 * n :][:70].mean(), right_too[7 * n :][:7].mean())
              for n, level in enumerate(LEVELS)}  # fmt: skip
    story = {"losses": model.trainer.history["train_loss"], "accuracies": accuracies}
    return metrics, {**story, "levels": levels, "rephrased": list(zip(new, said, strict=True))}


def chat(asked):
    """talk to the trained model"""
    _, model = make(seed := asked.seed or SEEDS[0], asked.epochs)
    talker.load(model, talker.model_file(__file__, asked, seed))
    talker.chat(model, "Ask it one of the 350 questions, and then others.", remembers=False)


if __name__ == "__main__":
    stage.play(
        __file__,
        title="Questions and answers",
        run=run,
        draw=draw_answers,
        seeds=SEEDS,
        epochs=60,
        options=talker.RESUME,
        instead={"--chat": chat},
        moral="""
`accuracy` counts answers that are right word for word. In other words the same model gets about
half of them, and without the forgetting one in nine: it learned sentences, not facts. Talk to it:
the same command with --chat.
""",
    )
