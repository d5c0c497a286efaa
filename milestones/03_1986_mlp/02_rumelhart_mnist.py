"""Milestone 03, part 2: MNIST, the test everyone in the field has taken.

The test everyone in the field has taken: 60,000 handwritten digits of 28 x 28 pixels to learn
from, 10,000 others to be judged on, by people from census offices and high schools. The network
is the one of part 1, grown to 784 inputs and 128 hidden units: 101,770 numbers to learn. The data
(11 MB) are fetched once; README.md says how to go without a network.

    python 02_rumelhart_mnist.py [--seed N] [--epochs N] [--plot FILE] [--json]
"""

import sys
from functools import cache
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from pictures import draw_training, reading

from milestones import stage
from milestones.data_manager import load_mnist

with stage.your_code():
    from tinytorch.core.activations import ReLU
    from tinytorch.core.data_loader import Compose, DataLoader, RandomCrop, TensorDataset
    from tinytorch.core.layers import Linear, Sequential
    from tinytorch.core.losses import CrossEntropyLoss
    from tinytorch.core.optimizers import SGD
    from tinytorch.core.tensor import Tensor
    from tinytorch.core.training import CosineSchedule, Trainer

HIDDEN, BATCH, LEARNING_RATE = 128, 128, 0.1

load_once = cache(load_mnist)  # 220 MB as float32: one copy for all seeds


def flatten(images):
    """One row of 784 numbers per image."""
    return images.reshape(len(images), -1)


# Each digit moves by up to one pixel each way: a 3 a little aside is still a 3. The network sees it
# in nine places, so that one pixel more or less stops mattering.
NUDGE = Compose([RandomCrop(28, padding=1), flatten])


def run(seed, epochs, show):
    """Train on 60,000 digits; judge on 10,000 others."""
    images, labels, test_images, test_labels = load_once()
    digits = TensorDataset(Tensor(images), Tensor(labels))
    training = DataLoader(digits, BATCH, shuffle=True, transform=NUDGE)
    test = DataLoader(TensorDataset(Tensor(flatten(test_images)), Tensor(test_labels)), 1000)

    np.random.seed(seed)
    model = Sequential(Linear(784, HIDDEN), ReLU(), Linear(HIDDEN, 10))
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

    metrics = {
        "accuracy_before": before,
        "accuracy": accuracies[-1],
        "loss": test_losses[-1],
        "parameters": sum(p.size for p in model.parameters()),
    }
    curves = {"losses": losses, "test_losses": test_losses, "accuracies": accuracies}
    return metrics, {**curves, "model": model, "images": test_images, "labels": test_labels}


if __name__ == "__main__":
    stage.play(
        __file__,
        title="MNIST, 28 x 28",
        run=run,
        draw=draw_training,
        seeds=range(3),
        epochs=10,
        moral="""
A framework built from the tensor up reads handwriting. The picture shows what it looks for and
what it still misreads. To this network an image is a list of 784 numbers: it does not know which
pixels are neighbours. Milestone 04 tells it.
""",
    )
