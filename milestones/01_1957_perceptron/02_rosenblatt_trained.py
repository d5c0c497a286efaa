"""Milestone 01, part 2: the same perceptron learns.

Nothing about the model changes from part 1: one Linear layer, one Sigmoid, random weights. What
is new is the loop: forward, loss, backward, step.

    python 02_rosenblatt_trained.py [--seed N] [--epochs N] [--plot FILE] [--json]
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from cards import punch_cards
from pictures import learned_line

from milestones import stage

with stage.your_code():
    from tinytorch.core.activations import Sigmoid
    from tinytorch.core.autograd import no_grad
    from tinytorch.core.layers import Linear, Sequential
    from tinytorch.core.losses import BinaryCrossEntropyLoss
    from tinytorch.core.optimizers import SGD
    from tinytorch.core.tensor import Tensor


def run(seed, epochs, show):
    """Train on 200 cards; judge on 1,000 that the perceptron has never seen."""
    np.random.seed(seed)
    ink, right = punch_cards(200)
    new_ink, new_right = punch_cards(1000)
    x, y = Tensor(ink), Tensor(right)

    model = Sequential(Linear(2, 1), Sigmoid())
    loss_fn = BinaryCrossEntropyLoss()
    optimizer = SGD(model.parameters(), lr=0.3)

    before = line_of(model)
    accuracies = [accuracy(model, new_ink, new_right)]
    for epoch in range(1, epochs + 1):
        loss = loss_fn(model(x), y)  # how wrong is it?
        optimizer.zero_grad()
        loss.backward()  # which way is less wrong?
        optimizer.step()  # one step that way
        accuracies.append(accuracy(model, new_ink, new_right))
        show(epoch, epochs, loss=loss.item(), accuracy=accuracies[-1])

    metrics = {"accuracy": accuracies[-1], "accuracy_before": accuracies[0], "loss": loss.item()}
    story = {"ink": ink, "right": right, "before": before, "after": line_of(model)}
    return metrics, {**story, "accuracies": accuracies}


def accuracy(model, ink, right):
    """The share of cards sorted correctly."""
    with no_grad():
        return np.mean((model(Tensor(ink)).data > 0.5) == right)


def line_of(model):
    """The weights and the bias of the perceptron's line: w1 * x + w2 * y + b = 0."""
    weight, bias = model.parameters()
    return (*weight.data[:, 0].tolist(), bias.data.item())


if __name__ == "__main__":
    stage.play(
        __file__,
        title="Learning finds the line",
        run=run,
        draw=learned_line,
        seeds=range(5),
        epochs=100,
        moral="""
Compare `accuracy before` with `accuracy`: the model and the task are those of part 1, only the
learning loop is new. But what it learns is one straight line. And where no straight line will do?
That is milestone 02.
""",
    )
