"""Milestone 02, part 1: four points that no single layer can learn.

XOR asks: are the two inputs different? Your perceptron of milestone 01, your loss, your gradients
and your optimizer all work. Watch them get nowhere.

    python 01_xor_crisis.py [--seed N] [--epochs N] [--plot FILE] [--json]
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from pictures import crisis

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

    losses = []
    for epoch in range(1, epochs + 1):
        loss = loss_fn(model(INPUTS), DIFFERENT)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        show(epoch, epochs, loss=losses[-1])

    outputs = model(INPUTS).data
    says_different = outputs.round(3) > 0.5  # 0.5 but for rounding dust is not an answer
    metrics = {
        "loss": losses[-1],
        "accuracy": np.mean(says_different == (DIFFERENT.data > 0.5)),
        "best_line_accuracy": best_of_random_lines(5000),
    }
    return metrics, {"losses": losses, "outputs": outputs[:, 0], "model": model}


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
broken. `best line accuracy` is the best of 5,000 random lines: three points of four, and no line
gets the fourth. Run 02_xor_solved.py.
""",
    )
