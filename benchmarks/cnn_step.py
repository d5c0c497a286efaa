"""Convolution: a whole training step of a small CNN, and one layer against its seven loops.

As in mlp_step, all variants start from the same weights and see the same batches, and their results
must agree before anything is timed. PyTorch runs eager, in its default layout and channels-last.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import cycle

import numpy as np
import torch
from paired import Variant

from tinytorch import SGD, CrossEntropyLoss, Sequential, Tensor
from tinytorch.core.autograd import no_grad
from tinytorch.core.layers import Linear
from tinytorch.core.spatial import Conv2d, Flatten, MaxPool2d, conv2d_explicit
from tinytorch.nn import ReLU

BATCHES = 8  # of them in turn
RATE = 0.01

Arrays = list[np.ndarray]


@dataclass(frozen=True)
class CnnWorkload:
    """conv(3→32)-relu-pool-conv(32→64)-relu-pool-linear on 32 x 32 images, SGD."""

    batch: int

    def __str__(self) -> str:
        return f"CNN 3-32-64-10, 32 x 32 pixels, batch {self.batch}, SGD"

    def batches(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Batches and their labels."""
        rng = np.random.default_rng(0)
        shape = self.batch, 3, 32, 32
        return [
            (rng.random(shape, dtype=np.float32), rng.integers(0, 10, self.batch))
            for _ in range(BATCHES)
        ]

    def weights(self) -> Arrays:
        """The starting weights, in PyTorch's shapes except for the last matrix: (in, out)."""
        rng = np.random.default_rng(1)
        shapes = [(32, 3, 3, 3), (32,), (64, 32, 3, 3), (64,), (4096, 10), (10,)]
        return [rng.standard_normal(shape, dtype=np.float32) * np.float32(0.05) for shape in shapes]


def tinytorch_variant(work: CnnWorkload) -> Variant:
    """The step as a learner writes it."""
    model = Sequential(
        Conv2d(3, 32, 3, padding=1), ReLU(), MaxPool2d(2),
        Conv2d(32, 64, 3, padding=1), ReLU(), MaxPool2d(2),
        Flatten(), Linear(4096, 10),
    )  # fmt: skip
    for parameter, value in zip(model.parameters(), work.weights(), strict=True):
        parameter.data = value
    update = SGD(model.parameters(), RATE)
    loss_fn, batches = CrossEntropyLoss(), cycle(work.batches())

    def step() -> None:
        x, y = next(batches)
        update.zero_grad()
        loss_fn(model(Tensor(x)), Tensor(y)).backward()
        update.step()

    return step, lambda: [parameter.data for parameter in model.parameters()]


def torch_variant(work: CnnWorkload, layout: torch.memory_format) -> Variant:
    """The same in PyTorch, eager."""
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(4096, 10),
    )  # fmt: skip
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), work.weights(), strict=True):
            parameter.copy_(torch.from_numpy(value.T.copy() if value.ndim == 2 else value))
    model = model.to(memory_format=layout)
    update = torch.optim.SGD(model.parameters(), RATE)
    loss_fn, batches = nn.CrossEntropyLoss(), cycle(work.batches())

    def step() -> None:
        x, y = next(batches)
        update.zero_grad()
        images = torch.from_numpy(x).contiguous(memory_format=layout)
        loss_fn(model(images), torch.from_numpy(y)).backward()
        update.step()

    def weights() -> Arrays:
        found = [p.detach().contiguous().numpy() for p in model.parameters()]
        return [value.T if value.ndim == 2 else value for value in found]

    return step, weights


VARIANTS = {
    "tinytorch": tinytorch_variant,
    "torch": partial(torch_variant, layout=torch.contiguous_format),
    "channels_last": partial(torch_variant, layout=torch.channels_last),
}


@dataclass(frozen=True)
class ConvWorkload:
    """One Conv2d(3, 32, 3) on some images, forward only."""

    batch: int

    def __str__(self) -> str:
        return f"Conv2d(3, 32, 3) on ({self.batch}, 3, 32, 32), forward"

    def arrays(self) -> Arrays:
        """Images, weight, bias."""
        rng = np.random.default_rng(0)
        shapes = [(self.batch, 3, 32, 32), (32, 3, 3, 3), (32,)]
        return [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]


def tinytorch_layer(work: ConvWorkload) -> Variant:
    """The layer."""
    layer = Conv2d(3, 32, 3)
    x, layer.weight, layer.bias = (Tensor(array) for array in work.arrays())

    def step() -> np.ndarray:
        with no_grad():
            return layer(x).data

    return step, lambda: [step()]


def torch_layer(work: ConvWorkload) -> Variant:
    """PyTorch's, in its default layout."""
    arrays = [torch.from_numpy(array) for array in work.arrays()]

    def step() -> torch.Tensor:
        with torch.no_grad():
            return torch.nn.functional.conv2d(*arrays)

    return step, lambda: [step().numpy()]


def seven_loops(work: ConvWorkload) -> Variant:
    """Module 09's loops in plain Python."""
    arrays = work.arrays()

    def step() -> np.ndarray:
        return conv2d_explicit(*arrays)[0]

    return step, lambda: [step()]


LAYER_VARIANTS = {"tinytorch": tinytorch_layer, "torch": torch_layer}
LOOP_VARIANTS = {**LAYER_VARIANTS, "seven loops": seven_loops}
