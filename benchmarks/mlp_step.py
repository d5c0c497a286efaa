"""One training step of a 784-128-10 network, batch 64: ours, hand-written NumPy, PyTorch eager.

All three start from the same weights and see the same batch; after the first step their
weights must agree, or the comparison would be of different things.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from tinytorch import SGD, Adam, CrossEntropyLoss, Linear, ReLU, Sequential, Tensor

BATCH, INPUTS, HIDDEN, CLASSES = 64, 784, 128, 10
RATE = {"SGD": 0.01, "Adam": 0.001}

Arrays = list[np.ndarray]
Variant = tuple[Callable[[], object], Callable[[], Arrays]]  # (step, current weights)


def problem(seed: int = 0) -> tuple[np.ndarray, np.ndarray, Arrays]:
    """A batch, its labels, and the starting weights [W1, b1, W2, b2]."""
    rng = np.random.default_rng(seed)
    x = rng.random((BATCH, INPUTS), dtype=np.float32)
    labels = rng.integers(0, CLASSES, BATCH)
    sizes = [(INPUTS, HIDDEN), (HIDDEN, CLASSES)]
    weights = []
    for rows, columns in sizes:
        scale = np.float32(rows**-0.5)
        weights.append(rng.standard_normal((rows, columns), dtype=np.float32) * scale)
        weights.append(np.zeros(columns, dtype=np.float32))
    return x, labels, weights


def tinytorch_variant(optimizer: str) -> Variant:
    """The step as a learner writes it."""
    x_array, labels, weights = problem()
    model = Sequential(Linear(INPUTS, HIDDEN), ReLU(), Linear(HIDDEN, CLASSES))
    for parameter, value in zip(model.parameters(), weights, strict=True):
        parameter.data = value.copy()
    x, y, loss_fn = Tensor(x_array), Tensor(labels), CrossEntropyLoss()
    update = {"SGD": SGD, "Adam": Adam}[optimizer](model.parameters(), lr=RATE[optimizer])

    def step() -> None:
        update.zero_grad()
        loss_fn(model(x), y).backward()
        update.step()

    return step, lambda: [parameter.data for parameter in model.parameters()]


def torch_variant(optimizer: str) -> Variant:
    """The same in PyTorch, eager, with its default options."""
    x_array, labels, weights = problem()
    model = torch.nn.Sequential(
        torch.nn.Linear(INPUTS, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, CLASSES)
    )
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(value.T.copy()))
    x, y, loss_fn = torch.from_numpy(x_array), torch.from_numpy(labels), torch.nn.CrossEntropyLoss()
    kind = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}[optimizer]
    update = kind(model.parameters(), lr=RATE[optimizer])

    def step() -> None:
        update.zero_grad()
        loss_fn(model(x), y).backward()
        update.step()

    return step, lambda: [p.detach().numpy().T for p in model.parameters()]


def numpy_variant(optimizer: str) -> Variant:
    """The same step written out by hand, as well as one would."""
    x, labels, weights = problem()
    rows = np.arange(BATCH)
    w1, b1, w2, b2 = weights
    apply = {"SGD": _sgd, "Adam": _adam}[optimizer](weights)

    def step() -> float:
        z = x @ w1 + b1
        hidden = np.maximum(z, 0)
        logits = hidden @ w2 + b2
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        loss = -np.log(chances[rows, labels]).mean()
        chances[rows, labels] -= 1
        chances /= BATCH
        back = chances @ w2.T * (z > 0)
        apply([x.T @ back, back.sum(axis=0), hidden.T @ chances, chances.sum(axis=0)])
        return loss

    return step, lambda: weights


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


def check_same(optimizer: str) -> None:
    """Raise AssertionError unless all three variants make the same first three steps."""
    ends = []
    for variant in (tinytorch_variant, numpy_variant, torch_variant):
        step, weights = variant(optimizer)
        for _ in range(3):
            step()
        ends.append([np.array(w) for w in weights()])
    for other in ends[1:]:
        for ours, theirs in zip(ends[0], other, strict=True):
            np.testing.assert_allclose(ours, theirs.reshape(ours.shape), rtol=1e-3, atol=2e-5)
