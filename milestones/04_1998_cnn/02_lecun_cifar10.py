"""Milestone 04, part 2: photographs.

CIFAR-10: 60,000 photographs of airplanes, cats, trucks and seven other things, 32 x 32 pixels in
colour. No two birds look alike, and none sits in the middle of a frame. An MLP of 789,258 numbers
tries first. Then a convolutional network of 113,738: three layers of filters, the first looks for
edges and colours, the next for what these are put together from. Photographs are mirrored and
shifted at random, so that no epoch shows the same ones again. The data (170 MB) are fetched once,
and training takes a while, so the run is saved after each epoch: stop it, kill it, switch off the
computer. The same command goes on.

    python 02_lecun_cifar10.py [--seed N] [--epochs N] [--plot FILE] [--json]
"""

import sys
from functools import cache
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
        Compose, DataLoader, RandomCrop, RandomHorizontalFlip, TensorDataset,
    )  # fmt: skip
    from tinytorch.core.layers import Linear, Sequential
    from tinytorch.core.losses import CrossEntropyLoss
    from tinytorch.core.optimizers import AdamW
    from tinytorch.core.spatial import Conv2d, Flatten, MaxPool2d
    from tinytorch.core.tensor import Tensor
    from tinytorch.core.training import CosineSchedule, Trainer

BATCH, LEARNING_RATE = 32, 0.001
OUTPUTS = Path(__file__).resolve().parent / "outputs"

load_once = cache(load_cifar10)


def mlp():
    """To this network a photograph is a list of 3,072 numbers."""
    return Sequential(Flatten(), Linear(3072, 256), ReLU(), Linear(256, 10))


def cnn():
    """Three times: filters slide over the image; of every 2 x 2 answers the largest remains.

    ReLU after the pool: the same numbers as before it, with a quarter of the work.
    """
    return Sequential(
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
    images, labels, new_images, new_labels = load_once(scaled=False)
    photographs = TensorDataset(Tensor(images), Tensor(labels))
    training = DataLoader(photographs, BATCH, shuffle=True, transform=VARIED)
    others = TensorDataset(Tensor(new_images), Tensor(new_labels))
    test = DataLoader(others, 500, transform=centred)

    trainers, files = {}, {}
    for name, build in NETWORKS.items():
        np.random.seed(seed)
        trainers[name] = trainer_of(build(), epochs)
        files[name] = OUTPUTS / f"02_lecun_cifar10-{name}-seed{seed}-epochs{epochs}.npz"
        train_saved(trainers[name], training, test, epochs, files[name], show, name)
    finish(*files.values())

    histories = {name: trainer.history for name, trainer in trainers.items()}
    models = {name: trainer.model for name, trainer in trainers.items()}
    metrics = {f"{n}_parameters": sum(p.size for p in models[n].parameters()) for n in models}
    metrics |= {f"{name}_accuracy": histories[name]["eval_accuracy"][-1] for name in models}
    metrics["cnn_accuracy_before"] = histories["cnn"]["eval_accuracy"][0]
    metrics["cnn_loss"] = histories["cnn"]["eval_loss"][-1]
    read = np.concatenate([answers(models["cnn"], x.data) for x, _ in test])
    story = {"models": models, "histories": histories, "read": read}
    return metrics, {**story, "images": new_images, "labels": new_labels}


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
