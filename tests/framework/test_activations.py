"""Module 02: every activation against PyTorch, in every stored floating-point dtype."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tinytorch.core.activations import (
    GELU,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
    sigmoid,
    softmax,
)
from tinytorch.core.tensor import Tensor

F = torch.nn.functional
PAIRS = [
    (ReLU, F.relu),
    (Sigmoid, torch.sigmoid),
    (Tanh, torch.tanh),
    (GELU, lambda x: F.gelu(x, approximate="tanh")),
    (Softmax, lambda x: F.softmax(x, dim=-1)),
    (Softplus, F.softplus),
]
SHAPES = [(1,), (7,), (3, 4), (2, 3, 5)]


def numbers(shape: tuple[int, ...], scale: float) -> np.ndarray:
    random = np.random.default_rng(sum(shape))
    return (scale * random.standard_normal(shape)).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [0.01, 1.0, 10.0, 1000.0])
@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_the_same_numbers_as_pytorch(ours, theirs, scale, shape):
    x = numbers(shape, scale)
    wanted = theirs(torch.tensor(x)).numpy()
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        got = ours()(Tensor(x))
    np.testing.assert_allclose(got.data, wanted, rtol=2e-5, atol=1e-6)
    assert got.data.dtype == np.float32


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_sigmoid_keeps_its_tail_in_every_dtype(kind):
    x = np.linspace(-30, 30, 241).astype(kind)
    wanted = 1 / (1 + np.exp(-x.astype(np.longdouble)))
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        got = sigmoid(x)
    tiny = np.finfo(kind).smallest_subnormal
    np.testing.assert_allclose(got, wanted, rtol=4 * np.finfo(kind).eps, atol=float(tiny))
    assert got.dtype == kind


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_sigmoid_at_infinity(value):
    assert sigmoid(np.array([value], dtype=np.float32)) == [value > 0]


@pytest.mark.parametrize("dim", [0, 1, 2, -1, -2, -3])
def test_softmax_along_every_dim(dim):
    x = numbers((2, 3, 4), 30.0)
    wanted = F.softmax(torch.tensor(x), dim=dim).numpy()
    np.testing.assert_allclose(softmax(x, dim), wanted, rtol=1e-5, atol=1e-7)


def test_softmax_in_half_precision():
    x = np.array([[60000, 60000], [-60000, 0]], dtype=np.float16)
    with np.errstate(over="raise", invalid="raise"):
        got = softmax(x, -1)
    assert got.dtype == np.float16
    assert got.tolist() == [[0.5, 0.5], [0.0, 1.0]]


def test_a_forbidden_score_gets_no_share():
    got = softmax(np.array([0.0, -np.inf, 1.0], dtype=np.float32), 0)
    np.testing.assert_allclose(got, [0.26894143, 0.0, 0.7310586], rtol=1e-6)


def test_arguments_are_left_alone():
    for ours, _ in PAIRS:
        x = numbers((3, 4), 10.0)
        before = x.copy()
        ours()(Tensor(x))
        np.testing.assert_array_equal(x, before)
