"""Milestone 03, part 1: a network learns to read digits, and finds its own features.

In 1986 Rumelhart, Hinton and Williams showed in four pages of Nature what backpropagation does to
the units in between: nobody says what they should look for, and they find something useful. Here
are 1,000 handwritten digits of 8 x 8 pixels, ten classes, one hidden layer of 32 units: 2,410
numbers to learn. Backpropagation tells each of them which way to move. Before the first step the
network guesses. Watch it learn to read digits it has never seen.

    python 01_rumelhart_tinydigits.py [--seed N] [--epochs N] [--plot FILE] [--json]
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from pictures import draw_training, reading

from datasets.tinydigits import load_tinydigits
from milestones import stage

with stage.your_code():
    from tinytorch.core.activations import ReLU
    from tinytorch.core.data_loader import DataLoader, TensorDataset
    from tinytorch.core.layers import Linear, Sequential
    from tinytorch.core.losses import CrossEntropyLoss
    from tinytorch.core.optimizers import SGD
    from tinytorch.core.tensor import Tensor
    from tinytorch.core.training import CosineSchedule, Trainer

HIDDEN, BATCH, LEARNING_RATE = 32, 32, 0.1


def run(seed, epochs, show):
    """Train on 1,000 digits; judge on 200 others."""
    train_images, train_labels, test_images, test_labels = load_tinydigits()
    x, new_x = train_images.reshape(-1, 64), test_images.reshape(-1, 64)  # a row per image
    digits = TensorDataset(Tensor(x), Tensor(train_labels))
    training = DataLoader(digits, BATCH, shuffle=True)
    test = DataLoader(TensorDataset(Tensor(new_x), Tensor(test_labels)), 200)

    np.random.seed(seed)
    model = Sequential(Linear(64, HIDDEN), ReLU(), Linear(HIDDEN, 10))
    trainer = Trainer(
        model,
        SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.9),
        CrossEntropyLoss(),
        scheduler=CosineSchedule(LEARNING_RATE, LEARNING_RATE / 100, total_epochs=epochs),
    )

    def picture():
        return reading(model, test_images, test_labels)

    _, before = trainer.evaluate(test)
    show(0, epochs, picture, accuracy=before)
    losses, test_losses, accuracies = [], [], []
    for epoch in range(1, epochs + 1):
        losses.append(trainer.train_epoch(training))
        test_loss, accuracy = trainer.evaluate(test)
        test_losses.append(test_loss)
        accuracies.append(accuracy)
        show(epoch, epochs, picture, loss=losses[-1], accuracy=accuracy)

    _, train_accuracy = trainer.evaluate(DataLoader(digits, 200))
    metrics = {
        "accuracy_before": before,
        "accuracy": accuracies[-1],
        "train_accuracy": train_accuracy,
        "loss": test_losses[-1],
        "parameters": sum(p.size for p in model.parameters()),
    }
    curves = {"losses": losses, "test_losses": test_losses, "accuracies": accuracies}
    return metrics, {**curves, "model": model, "images": test_images, "labels": test_labels}


if __name__ == "__main__":
    stage.play(
        __file__,
        title="Digits, 8 x 8",
        run=run,
        draw=draw_training,
        seeds=range(5),
        epochs=30,
        moral="""
Compare `train accuracy` with `accuracy`: the difference is what the network learned by heart.
And nobody told the hidden units which strokes to look for: the picture shows what they found.
""",
    )
