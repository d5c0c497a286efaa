"""Milestone 01, part 1: a perceptron that has not learned anything.

July 1958, Washington. An IBM 704 is fed punch cards, some marked on the left half, some on the
right. At first it cannot tell them apart. This is that moment: Rosenblatt's perceptron weighs
what it sees, adds it up and decides, and so does yours, with the Linear layer and the Sigmoid you
built. Its weights are random. How often is it right? Ask two hundred of them.

    python 01_rosenblatt_forward.py [--seed N] [--plot FILE] [--json]
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from cards import KEY, SHOWN, punch_cards
from pictures import random_lines

from milestones import stage
from milestones.characters import plane

with stage.your_code():
    from tinytorch.core.activations import Sigmoid
    from tinytorch.core.layers import Linear, Sequential
    from tinytorch.core.losses import BinaryCrossEntropyLoss
    from tinytorch.core.tensor import Tensor

PERCEPTRONS = 200  # one random perceptron says little: it may be lucky. So ask many.


def run(seed, epochs, show):
    """Let random perceptrons sort 1,000 cards. (Nothing is trained, so `epochs` is not used.)"""
    np.random.seed(seed)
    ink, right = punch_cards(1000)
    x, y = Tensor(ink), Tensor(right)
    loss_fn = BinaryCrossEntropyLoss()

    accuracies, losses, weights = [], [], []
    for tried in range(1, PERCEPTRONS + 1):
        # Two photocells in, one answer out: near 0 means "left", near 1 means "right".
        model = Sequential(Linear(2, 1), Sigmoid())
        output = model(x)  # forward: your code computes ...
        loss = loss_fn(output, y)  # ... and measures. Nobody learns.
        accuracies.append(np.mean((output.data > 0.5) == right))
        losses.append(loss.item())
        weights.append(model.parameters()[0].data[:, 0])
        figures = {"accuracy": accuracies[-1], "mean_accuracy": np.mean(accuracies)}
        show(tried, PERCEPTRONS, lambda drawn=model: picture(drawn, ink, right), **figures)

    metrics = {
        "accuracy": np.mean(accuracies),
        "accuracy_spread": np.std(accuracies),  # between one random perceptron and the next
        "loss": np.mean(losses),
    }
    return metrics, {"ink": ink, "right": right, "accuracies": accuracies, "weights": weights}


def picture(model, ink, right):
    """What one perceptron answers to every possible card."""

    def answer(cards):
        return model(Tensor(cards)).data

    return [*plane(answer, ink[:SHOWN], right[:SHOWN]), KEY]


if __name__ == "__main__":
    stage.play(
        __file__,
        title="Random weights guess",
        run=run,
        draw=random_lines,
        seeds=range(5),
        epochs=1,
        unit="perceptron",
        moral="""
All the parts of a working perceptron, and on average it is a coin: some draws are lucky, just as
many are unlucky. What is missing is learning.
""",
    )
