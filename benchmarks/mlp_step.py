"""One training step of an MLP: ours, hand-written NumPy, PyTorch eager.

All three start from the same weights and see the same batches, a fresh one at each step; after
the first steps their weights must agree, or the comparison would be of different things.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, pairwise

import numpy as np
import torch
from paired import Variant

from tinytorch import SGD, Adam, CrossEntropyLoss, Linear, ReLU, Sequential, Tensor

BATCHES = 64  # of them in turn: more than a processor keeps at hand
RATE = {"SGD": 0.01, "Adam": 0.001}

Arrays = list[np.ndarray]


@dataclass(frozen=True)
class Workload:
    """The layer sizes of an MLP, the rows of a batch, and the optimizer."""

    sizes: tuple[int, ...]
    batch: int
    optimizer: str

    def __str__(self) -> str:
        return f"{'-'.join(map(str, self.sizes))}, batch {self.batch}, {self.optimizer}"

    @property
    def layers(self) -> list[tuple[int, int]]:
        """(inputs, outputs) of each layer."""
        return list(pairwise(self.sizes))

    def batches(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Batches and their labels."""
        rng = np.random.default_rng(0)
        shape = self.batch, self.sizes[0]
        return [
            (rng.random(shape, dtype=np.float32), rng.integers(0, self.sizes[-1], self.batch))
            for _ in range(BATCHES)
        ]

    def weights(self) -> Arrays:
        """The starting weights [W1, b1, W2, b2, ...]."""
        rng = np.random.default_rng(1)
        found = []
        for rows, columns in self.layers:
            scale = np.float32(rows**-0.5)
            found.append(rng.standard_normal((rows, columns), dtype=np.float32) * scale)
            found.append(np.zeros(columns, dtype=np.float32))
        return found


def tinytorch_variant(work: Workload) -> Variant:
    """The step as a learner writes it."""
    layers = [layer for sizes in work.layers for layer in (Linear(*sizes), ReLU())]
    model = Sequential(*layers[:-1])
    for parameter, value in zip(model.parameters(), work.weights(), strict=True):
        parameter.data = value
    update = {"SGD": SGD, "Adam": Adam}[work.optimizer](model.parameters(), RATE[work.optimizer])
    loss_fn, batches = CrossEntropyLoss(), cycle(work.batches())

    def step() -> None:
        x, y = next(batches)
        update.zero_grad()
        loss_fn(model(Tensor(x)), Tensor(y)).backward()
        update.step()

    return step, lambda: [parameter.data for parameter in model.parameters()]


def torch_variant(work: Workload) -> Variant:
    """The same in PyTorch, eager, with its default options."""
    modules = [m for sizes in work.layers for m in (torch.nn.Linear(*sizes), torch.nn.ReLU())]
    model = torch.nn.Sequential(*modules[:-1])
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), work.weights(), strict=True):
            parameter.copy_(torch.from_numpy(value.T.copy()))
    kind = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}[work.optimizer]
    update = kind(model.parameters(), RATE[work.optimizer])
    loss_fn, batches = torch.nn.CrossEntropyLoss(), cycle(work.batches())

    def step() -> None:
        x, y = next(batches)
        update.zero_grad()
        loss_fn(model(torch.from_numpy(x)), torch.from_numpy(y)).backward()
        update.step()

    return step, lambda: [p.detach().numpy().T for p in model.parameters()]


def numpy_variant(work: Workload) -> Variant:
    """The same step written out by hand, as well as one would."""
    rows = np.arange(work.batch)
    weights = work.weights()
    layers = list(zip(weights[::2], weights[1::2], strict=True))
    apply = {"SGD": _sgd, "Adam": _adam}[work.optimizer](weights)
    batches = cycle(work.batches())

    def step() -> float:
        x, labels = next(batches)
        inputs = [x]  # of each layer
        for weight, bias in layers[:-1]:
            inputs.append(np.maximum(inputs[-1] @ weight + bias, 0))
        logits = inputs[-1] @ layers[-1][0] + layers[-1][1]
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        loss = -np.log(chances[rows, labels]).mean()
        chances[rows, labels] -= 1
        chances /= work.batch
        apply(_gradients(layers, inputs, chances))
        return loss

    return step, lambda: weights


def _gradients(
    layers: list[tuple[np.ndarray, np.ndarray]], inputs: Arrays, back: np.ndarray
) -> Arrays:
    """Of the weights and biases, from the gradient of the logits."""
    found: Arrays = []
    for number in reversed(range(len(layers))):
        found = [inputs[number].T @ back, back.sum(axis=0), *found]
        if number:
            back = back @ layers[number][0].T * (inputs[number] > 0)
    return found


def _sgd(weights: Arrays) -> Callable[[Arrays], None]:
    def apply(gradients: Arrays) -> None:
        for weight, gradient in zip(weights, gradients, strict=True):
            weight -= RATE["SGD"] * gradient

    return apply


def _adam(weights: Arrays) -> Callable[[Arrays], None]:
    first, second = ([np.zeros_like(w) for w in weights] for _ in range(2))
    count = 0

    def apply(gradients: Arrays) -> None:
        nonlocal count
        count += 1
        rate = RATE["Adam"] / (1 - 0.9**count)
        root = (1 - 0.999**count) ** 0.5
        for weight, gradient, m, v in zip(weights, gradients, first, second, strict=True):
            m *= 0.9
            m += 0.1 * gradient
            v *= 0.999
            v += 0.001 * (gradient * gradient)
            weight -= rate * m / (np.sqrt(v) / root + 1e-8)

    return apply


VARIANTS = {"tinytorch": tinytorch_variant, "numpy": numpy_variant, "torch": torch_variant}
