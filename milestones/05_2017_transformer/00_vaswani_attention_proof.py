"""Milestone 05, part 1: attention reverses a sequence.

In 2017 eight people at Google dropped what everyone took for necessary: reading a text one word
after the other. In their network every place may look at every other at once, and learns where to
look. Here is the smallest proof that yours does. Twelve letters go in, the same twelve come out
backwards: the first place needs the last letter. Nobody says so; one layer of attention has to
find it, from examples. Watch the map: a row for each place, and dark where it looks.

    python 00_vaswani_attention_proof.py [--seed N] [--epochs N] [--plot FILE] [--json]
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from pictures import attention_maps, draw_attention, looking

from milestones import stage

with stage.your_code():
    from tinytorch.core.attention import MultiHeadAttention
    from tinytorch.core.data_loader import DataLoader, TensorDataset
    from tinytorch.core.embeddings import EmbeddingLayer
    from tinytorch.core.layers import Layer, Linear
    from tinytorch.core.losses import CrossEntropyLoss
    from tinytorch.core.optimizers import Adam
    from tinytorch.core.tensor import Tensor
    from tinytorch.core.training import CosineSchedule, Trainer

LETTERS, LENGTH, WIDTH = 26, 12, 32
TRAINING, TEST, BATCH, LEARNING_RATE = 2000, 500, 64, 0.01


class Reverser(Layer):
    """Letters become vectors, attention moves them, a linear layer reads them again."""

    def __init__(self, attends=True, knows_places=True):
        places = "learned" if knows_places else None
        self.embedding = EmbeddingLayer(LETTERS, WIDTH, LENGTH, places)
        self.attention = MultiHeadAttention(WIDTH, num_heads=1) if attends else Linear(WIDTH, WIDTH)
        self.read = Linear(WIDTH, LETTERS)

    def forward(self, letters):
        """The logits of the letter at each place, (B, LENGTH, LETTERS)."""
        return self.read(self.attention(self.embedding(letters)))


def sequences(count):
    """So many random sequences, and the same backwards."""
    letters = np.random.randint(LETTERS, size=(count, LENGTH))
    return Tensor(letters), Tensor(letters[:, ::-1].copy())


def right(model, letters, wanted):
    """Whether each letter is right, (B, LENGTH)."""
    return model(letters).data.argmax(axis=-1) == wanted.data


def look(model, letters):
    """Where each place looks, (LENGTH, LENGTH), the mean over these sequences."""
    return attention_maps([model.attention], model, letters)[0].mean(axis=(0, 1))


def train(model, training, epochs, after=lambda loss: None):
    """Train; call `after(loss)` after each epoch."""
    optimizer = Adam(model.parameters(), lr=LEARNING_RATE)
    schedule = CosineSchedule(LEARNING_RATE, LEARNING_RATE / 20, total_epochs=epochs)
    trainer = Trainer(model, optimizer, CrossEntropyLoss(), schedule, grad_clip_norm=1.0)
    for _ in range(epochs):
        after(trainer.train_epoch(DataLoader(training, BATCH, shuffle=True)))


def run(seed, epochs, show):
    """Train three networks: the whole one, one without attention, one that knows no places."""
    np.random.seed(seed)
    training, (letters, wanted) = TensorDataset(*sequences(TRAINING)), sequences(TEST)
    model, losses, maps = Reverser(), [], []

    def accuracy():
        return right(model, letters, wanted).all(axis=1).mean()

    def picture():
        return looking(maps[-1], letters.data[0], model(letters[:1]).data.argmax(axis=-1)[0])

    def after(loss):
        losses.append(loss)
        maps.append(look(model, letters))
        show(len(losses), epochs, picture, loss=loss, accuracy=accuracy())

    before = accuracy()
    maps.append(look(model, letters))
    show(0, epochs, picture, accuracy=before)
    train(model, training, epochs, after)
    metrics = {
        "accuracy_before": before,
        "accuracy": accuracy(),
        "mirror_rate": np.fliplr(maps[-1]).diagonal().mean(),
    }
    for name, parts in {"attention": (False, True), "places": (True, False)}.items():
        lesser = Reverser(*parts)
        train(lesser, training, epochs)
        metrics[f"accuracy_without_{name}"] = right(lesser, letters, wanted).mean()
    return metrics, {"losses": losses, "maps": maps, "letters": letters.data[0]}


if __name__ == "__main__":
    stage.play(
        __file__,
        title="Attention reverses a sequence",
        run=run,
        draw=draw_attention,
        seeds=range(5),
        epochs=10,
        moral="""
`accuracy` counts a sequence when all twelve letters are right; the other two count letters. Without
attention each place knows its own letter and guesses. Without places it sees a bag of letters.
""",
    )
