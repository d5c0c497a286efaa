"""Milestone 04, part 1: digits that move by a pixel.

In 1989 Yann LeCun's group at Bell Labs had a network read postal codes. Its idea: small sets of
weights slide over the whole image, so what is learned in one place is known in every place. Does
that help? An MLP and a convolutional network (CNN) of the same size read centred digits, and come
out level. Then the digits move, by one pixel at most, in training and in the test. For you they
are the same digits still. Watch the network that takes an image for a list of numbers.

    python 01_lecun_tinydigits.py [--seed N] [--epochs N] [--plot FILE] [--json]
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from pictures import PLACES, draw_comparison, everywhere, reading

from datasets.tinydigits import load_tinydigits
from milestones import stage

with stage.your_code():
    from tinytorch.core.activations import ReLU
    from tinytorch.core.data_loader import DataLoader, RandomCrop, TensorDataset
    from tinytorch.core.layers import Linear, Sequential
    from tinytorch.core.losses import CrossEntropyLoss
    from tinytorch.core.optimizers import SGD
    from tinytorch.core.spatial import Conv2d, Flatten, MaxPool2d
    from tinytorch.core.tensor import Tensor
    from tinytorch.core.training import CosineSchedule, Trainer

BATCH, LEARNING_RATE = 16, 0.05  # the same for every network


def mlp(hidden):
    """To this network, that of Milestone 03, an image is a list of 64 numbers."""
    return Sequential(Flatten(), Linear(64, hidden), ReLU(), Linear(hidden, 10))


def cnn(first, second):
    """Twice: small filters slide over the image; of every 2 x 2 answers the largest remains."""
    return Sequential(
        *(Conv2d(1, first, 3, padding=1), ReLU(), MaxPool2d(2)),
        *(Conv2d(first, second, 3, padding=1), ReLU(), MaxPool2d(2)),
        *(Flatten(), Linear(4 * second, 10)),
    )


NETWORKS = {
    "mlp": lambda: mlp(32),
    "cnn": lambda: cnn(11, 16),
    "large_mlp": lambda: mlp(80),
    "large_cnn": lambda: cnn(16, 32),
}


def loader(images, labels, **settings):
    """The images, with one channel each, in batches."""
    return DataLoader(TensorDataset(Tensor(images[:, None]), Tensor(labels)), **settings)


def learn(model, name, moving, epochs, show):
    """Train on 1,000 digits; return the accuracy on 200 others, before and after.

    Digits that move lie elsewhere in every epoch; in the test, all nine places of each one count.
    """
    images, labels, new_images, new_labels = load_tinydigits()
    if moving:
        new_images, new_labels = everywhere(new_images), np.repeat(new_labels, PLACES)
    move = RandomCrop(8, padding=1) if moving else None
    training = loader(images, labels, batch_size=BATCH, shuffle=True, transform=move)
    test = loader(new_images, new_labels, batch_size=200)
    trainer = Trainer(
        model,
        SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.9),
        CrossEntropyLoss(),
        scheduler=CosineSchedule(LEARNING_RATE, LEARNING_RATE / 100, total_epochs=epochs),
    )

    about = f"{name.replace('_', ' ')}, digits {'moving' if moving else 'at rest'}"
    picture = (lambda: reading(model, new_images, new_labels)) if moving else None
    before = trainer.evaluate(test)[1]
    for epoch in range(1, epochs + 1):
        loss, (_, accuracy) = trainer.train_epoch(training), trainer.evaluate(test)
        show(epoch, epochs, picture, about, loss=loss, accuracy=accuracy)
    return before, accuracy


def run(seed, epochs, show):
    """Four networks from the same seed, on digits at rest and on digits that move."""
    models, before, after = {}, {}, {}
    for moving in (False, True):
        for name, build in NETWORKS.items():
            np.random.seed(seed)
            models[name] = build()
            before[name], after[name, moving] = learn(models[name], name, moving, epochs, show)
    metrics = {f"{n}_parameters": sum(p.size for p in models[n].parameters()) for n in NETWORKS}
    for (name, moving), accuracy in after.items():
        metrics[f"{name}_accuracy{'' if moving else '_at_rest'}"] = accuracy
    metrics["cnn_accuracy_before"] = before["cnn"]
    metrics["points_ahead"] = 100 * (after["cnn", True] - after["mlp", True])
    _, _, images, labels = load_tinydigits()
    return metrics, {"models": models, "accuracies": after, "images": images, "labels": labels}


if __name__ == "__main__":
    stage.play(
        __file__,
        title="Digits that move",
        run=run,
        draw=draw_comparison,
        seeds=range(5),
        epochs=15,
        moral="""
With digits at rest nobody wins. One pixel, and the MLP loses three times as much as the CNN: it
must learn each digit anew for each place. What a filter has learned, it knows everywhere.
""",
    )
