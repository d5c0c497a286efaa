"""Milestone 02, part 2: one hidden layer, and XOR is easy.

One layer draws one line, and XOR needs two. So put a layer between input and answer: it describes
the four points anew, and in the new description one straight line is enough. Everybody knew this
in 1969. Ways to train the layer in between existed, but few had noticed; the one that won you
built in Module 05. How wide must it be? Two units can do it on paper. The run tries 2, 4 and 16, because what exists
and what training finds are two things.

    python 02_xor_solved.py [--seed N] [--epochs N] [--plot FILE] [--json]
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from pictures import in_characters, solved

from milestones import stage

with stage.your_code():
    from tinytorch.core.activations import ReLU, Sigmoid
    from tinytorch.core.layers import Linear, Sequential
    from tinytorch.core.losses import BinaryCrossEntropyLoss
    from tinytorch.core.optimizers import SGD
    from tinytorch.core.tensor import Tensor

INPUTS = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
DIFFERENT = Tensor([[0], [1], [1], [0]])
WIDTH = 16  # the network that is judged; the narrower ones are for comparison
NARROWER = (2, 4)


def train(width, epochs, show):
    """Train a network with `width` hidden units; return it and its loss after every epoch."""
    model = Sequential(Linear(2, width), ReLU(), Linear(width, 1), Sigmoid())
    loss_fn = BinaryCrossEntropyLoss()
    optimizer = SGD(model.parameters(), lr=0.5)
    losses = []

    def picture():
        return in_characters(model)

    for epoch in range(1, epochs + 1):
        loss = loss_fn(model(INPUTS), DIFFERENT)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        show(epoch, epochs, picture, loss=losses[-1])
    return model, losses


def accuracy(model):
    """The share of the four points answered correctly."""
    return np.mean((model(INPUTS).data > 0.5) == (DIFFERENT.data > 0.5))


def run(seed, epochs, show):
    """Train the network that is judged, then narrower ones from the same seed."""
    np.random.seed(seed)
    model, losses = train(WIDTH, epochs, show)
    metrics = {
        "accuracy": accuracy(model),
        "loss": losses[-1],
        "success_rate": accuracy(model) == 1.0,  # over all seeds: how often all four are right
    }
    for width in NARROWER:
        np.random.seed(seed)
        narrow, _ = train(width, epochs, lambda *_, **__: None)
        metrics[f"success_rate_{width}_units"] = accuracy(narrow) == 1.0
    return metrics, {"losses": losses, "model": model, "metrics": metrics}


if __name__ == "__main__":
    stage.play(
        __file__,
        title="Two layers can",
        run=run,
        draw=solved,
        seeds=range(10),
        epochs=1000,
        moral="""
The hidden layer makes XOR possible: two units suffice on paper. But compare the success rates:
training seldom finds those two, and a wider layer makes the way easy to find.
""",
    )
