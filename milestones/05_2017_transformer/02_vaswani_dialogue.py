"""Milestone 05, part 3: a talk in which one must remember.

"Tell me about owls." – "With pleasure." – "What do they eat?" Who hears the last question alone
cannot know: bees, bats and whales eat, too. The answer stands two turns back, and attention goes
there and fetches it. The model learns from 72 short conversations about animals, countries and
planets, put together anew each time. Then it talks about the same subjects as nobody did before,
and hears its own answers as it goes.

    python 02_vaswani_dialogue.py [--seed N] [--epochs N] [--chat] [--resume] [--plot FILE]
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from datasets.tinytalks import load_conversations
from milestones import stage

with stage.your_code():
    import talker
    from pictures import draw_dialogue, replies
    from talking import GroupLoader, Groups, Language
    from topics import coherence, converse, mixed, shuffled_coherence

FORGET = 0.1  # of the words heard
GROUP = 12  # conversations in a batch
SEEDS = range(3)


def make(seed, epochs):
    """The conversations, and a model that knows nothing yet."""
    np.random.seed(seed)
    conversations = load_conversations()
    language = Language([turns for _, turns in conversations])
    return conversations, talker.Talker(language, epochs)


def run(seed, epochs, show, asked):
    """Train on 72 conversations; judge by 24 others."""
    conversations, model = make(seed, epochs)
    held_out = load_conversations(held_out=True)
    _, before = model.judge([turns for _, turns in held_out])
    file = talker.model_file(__file__, asked, seed)
    if asked.resume:
        talker.resume(model, file)

    def batches():
        return GroupLoader(Groups(model.language, mixed(conversations), FORGET, GROUP))

    def picture(number=-1):
        answered = converse(model, [held_out[number]])
        return replies([said for _, said, _, _ in answered], [answer for *_, answer in answered])

    def after(loss):
        about = f"talking about {held_out[-1][0]}"
        show(model.trainer.epoch, epochs, picture, about, loss=loss)

    talker.train(model, batches, epochs, file, after)
    answered = converse(model, held_out)
    forgetful = converse(model, held_out, remembers=False)
    metrics = {
        "loss_before": before,
        "loss": model.judge([turns for _, turns in held_out])[1],
        "topic_coherence": coherence(answered),
        "topic_coherence_shuffled": shuffled_coherence(answered),
        "topic_coherence_forgetful": coherence(forgetful),
        "accuracy": np.mean([answer == wanted for *_, wanted, answer in answered]),
        "parameters": model.parameters,
    }
    losses = model.trainer.history["train_loss"]
    return metrics, {"losses": losses, "metrics": metrics, "model": model, "talks": held_out}


def chat(asked):
    """talk to the trained model"""
    conversations, model = make(seed := asked.seed or SEEDS[0], asked.epochs)
    talker.load(model, talker.model_file(__file__, asked, seed))
    subjects = ", ".join(dict.fromkeys(subject for subject, _ in conversations))
    talker.chat(model, f"Tell it what to talk about: {subjects}.", remembers=True)


if __name__ == "__main__":
    stage.play(
        __file__,
        title="A talk in which one must remember",
        run=run,
        draw=draw_dialogue,
        seeds=SEEDS,
        epochs=100,
        options=talker.RESUME,
        instead={"--chat": chat},
        moral="""
An answer is coherent when it names the subject of its conversation and none of the 23 others.
Shuffled are the same answers, dealt out at random; forgetful is the same model, hearing only the
last sentence. The difference is what it fetched from earlier turns.
""",
    )
