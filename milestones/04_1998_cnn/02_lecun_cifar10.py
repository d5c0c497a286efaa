"""Milestone 04, part 2: photographs.

CIFAR-10: 60,000 photographs of airplanes, cats, trucks and seven other things, 32 x 32 pixels in
colour. No two birds look alike, and none sits in the middle of a frame. An MLP of 789,258 numbers
tries first, then a convolutional network of 113,738: three layers of filters, each looking at
what the one before has found. Photographs are mirrored and shifted at random, so that no epoch
shows the same ones again. The data (170 MB) are fetched once. Training takes a while and is saved
after each epoch: stop it, kill it, switch off the computer. The same command goes on.

    python 02_lecun_cifar10.py [--seed N] [--epochs N] [--plot FILE] [--json]
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from pictures import answers, draw_photographs

from milestones import stage
from milestones.data_manager import load_cifar10
from milestones.resuming import finish, train_saved

with stage.your_code():
    from tinytorch.core.activations import ReLU
    from tinytorch.core.data_loader import (
        Compose,
        DataLoader,
        RandomCrop,
        RandomHorizontalFlip,
        TensorDataset,
    )
    from tinytorch.core.layers import Linear, Sequential
    from tinytorch.core.losses import CrossEntropyLoss
    from tinytorch.core.optimizers import AdamW
    from tinytorch.core.spatial import Conv2d, Flatten, MaxPool2d
    from tinytorch.core.tensor import Tensor
    from tinytorch.core.training import CosineSchedule, Trainer

BATCH, LEARNING_RATE = 32, 0.001
OUTPUTS = Path(__file__).resolve().parent / "outputs"


def mlp():
    """To this network a photograph is a list of 3,072 numbers."""
    return Sequential(Flatten(), Linear(3072, 256), ReLU(), Linear(256, 10))


def cnn():
    """Three times: filters slide over the image; of every 2 x 2 answers the largest remains."""
    return Sequential(  # ReLU after the pool: the same numbers, and a quarter of the work
        *(Conv2d(3, 32, 3, padding=1), MaxPool2d(2), ReLU()),
        *(Conv2d(32, 64, 3, padding=1), MaxPool2d(2), ReLU()),
        *(Conv2d(64, 128, 3, padding=1), MaxPool2d(2), ReLU()),
        *(Flatten(), Linear(2048, 10)),
    )


def centred(images):
    """Bytes from 0 to 255 as numbers around 0, of spread about 1."""
    return Tensor((images.data.astype(np.float32) - 120) / 64)


NETWORKS = {"mlp": mlp, "cnn": cnn}
VARIED = Compose([RandomHorizontalFlip(), RandomCrop(32, padding=4), centred])


def trainer_of(model, epochs):
    """What trains a network, built anew in every run: what was learned comes from the file."""
    return Trainer(
        model,
        AdamW(model.parameters(), lr=LEARNING_RATE),
        CrossEntropyLoss(),
        scheduler=CosineSchedule(LEARNING_RATE, LEARNING_RATE / 100, total_epochs=epochs),
    )


def run(seed, epochs, show):
    """Train both networks on 50,000 photographs; judge them on 10,000 others."""
    images, labels, new_images, new_labels = load_cifar10(scaled=False)
    photographs = TensorDataset(Tensor(images), Tensor(labels))
    training = DataLoader(photographs, BATCH, shuffle=True, transform=VARIED)
    unseen = TensorDataset(Tensor(new_images), Tensor(new_labels))
    test = DataLoader(unseen, 500, transform=centred)

    trainers, files = {}, {}
    for name, build in NETWORKS.items():
        np.random.seed(seed)
        trainers[name] = trainer_of(build(), epochs)
        files[name] = OUTPUTS / f"02_lecun_cifar10-{name}-seed{seed}-epochs{epochs}.npz"
        train_saved(trainers[name], training, test, epochs, files[name], show, name)
    finish(*files.values())

    metrics = {}
    for name, trainer in trainers.items():
        metrics[f"{name}_parameters"] = sum(p.size for p in trainer.model.parameters())
        metrics[f"{name}_accuracy"] = trainer.history["eval_accuracy"][-1]
    metrics["cnn_accuracy_before"] = trainer.history["eval_accuracy"][0]
    read = np.concatenate([answers(trainer.model, x.data) for x, _ in test])
    story = {"images": new_images, "labels": new_labels, "read": read}
    return metrics, {**story, "trainers": trainers}


if __name__ == "__main__":
    stage.play(
        __file__,
        title="CIFAR-10, photographs",
        run=run,
        draw=draw_photographs,
        seeds=range(1),
        epochs=14,
        unit="batch",
        moral="""
With a seventh of the numbers, the CNN reads far more photographs: it knows which pixels are
neighbours, and that a wheel is a wheel wherever it stands. Look at the confusion matrix: what it
still mixes up are cats and dogs.
""",
    )
