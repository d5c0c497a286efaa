"""Milestone 02, part 1: four points that no single layer can learn.

In 1969 Marvin Minsky and Seymour Papert published what a perceptron cannot do. Your perceptron of milestone
01 learned AND and OR, four points each. XOR has four points too, and asks: are the two inputs
different? The same layer, the same loss, the same loop. Watch it get nowhere: no straight line
has both (0, 1) and (1, 0) on one side, and both (0, 0) and (1, 1) on the other.

    python 01_xor_crisis.py [--seed N] [--epochs N] [--plot FILE] [--json]
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from pictures import crisis, in_characters

from milestones import stage

with stage.your_code():
    from tinytorch.core.activations import Sigmoid
    from tinytorch.core.layers import Linear, Sequential
    from tinytorch.core.losses import BinaryCrossEntropyLoss
    from tinytorch.core.optimizers import SGD
    from tinytorch.core.tensor import Tensor

INPUTS = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
DIFFERENT = Tensor([[0], [1], [1], [0]])


def run(seed, epochs, show):
    """Train one layer on XOR, then look for a line that would do better."""
    np.random.seed(seed)
    model = Sequential(Linear(2, 1), Sigmoid())
    loss_fn = BinaryCrossEntropyLoss()
    optimizer = SGD(model.parameters(), lr=0.5)

    def picture():
        return in_characters(model)

    before, losses = model(INPUTS).data, []
    for epoch in range(1, epochs + 1):
        loss = loss_fn(model(INPUTS), DIFFERENT)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        show(epoch, epochs, picture, loss=losses[-1])

    outputs = model(INPUTS).data
    metrics = {
        "loss": losses[-1],
        "accuracy_before": accuracy(before),
        "accuracy": accuracy(outputs),
        "best_line_accuracy": best_of_random_lines(5000),
    }
    return metrics, {"losses": losses, "outputs": outputs[:, 0], "model": model}


def accuracy(outputs):
    """The share of the four points answered correctly; a hair above 0.5 is not an answer."""
    return np.mean((outputs.round(3) > 0.5) == (DIFFERENT.data > 0.5))


def best_of_random_lines(count):
    """Draw `count` random lines, one per output of a wide layer; return the best one's accuracy."""
    lines = Linear(2, count)
    lines.bias.data = np.random.randn(count).astype(np.float32)
    right = (lines(INPUTS).data > 0) == (DIFFERENT.data > 0.5)
    return right.mean(axis=0).max()


if __name__ == "__main__":
    stage.play(
        __file__,
        title="One layer cannot",
        run=run,
        draw=crisis,
        seeds=range(10),
        epochs=500,
        moral="""
A loss of 0.693 is ln 2: the perceptron answers 0.5 to everything, "I cannot tell". Nothing is
broken: this code learned AND and OR. `best line accuracy` is the best of 5,000 random lines:
three points of four, and no line gets the fourth.
""",
    )
