"""Losses: the reference against PyTorch, at ordinary and at extreme values."""

import numpy as np
import pytest
import torch

from tinytorch.core.losses import (
    BinaryCrossEntropyLoss,
    CrossEntropyLoss,
    MSELoss,
    log_softmax,
)
from tinytorch.core.tensor import Tensor

F = torch.nn.functional
RNG = np.random.default_rng(0)


def same(ours: Tensor, theirs: torch.Tensor) -> None:
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours.data, theirs.numpy(), rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("scale", [0.1, 1.0, 100.0, 1e4])
@pytest.mark.parametrize("shape", [(1,), (7,), (4, 10), (2, 3, 5)])
def test_log_softmax_along_every_dimension(shape, scale):
    x = (RNG.standard_normal(shape) * scale).astype(np.float32)
    for dim in range(-len(shape), len(shape)):
        same(log_softmax(Tensor(x), dim=dim), torch.log_softmax(torch.tensor(x), dim=dim))


@pytest.mark.parametrize("scale", [0.1, 1.0, 1000.0])
def test_cross_entropy_of_rows_and_of_sequences(scale):
    x = (RNG.standard_normal((6, 4, 9)) * scale).astype(np.float32)
    t = RNG.integers(0, 9, (6, 4))
    theirs = F.cross_entropy(torch.tensor(x).transpose(1, 2), torch.tensor(t))
    same(CrossEntropyLoss()(Tensor(x), Tensor(t)), theirs)
    same(CrossEntropyLoss()(x[0], t[0]), F.cross_entropy(torch.tensor(x[0]), torch.tensor(t[0])))


@pytest.mark.parametrize("shape", [(), (5,), (3, 2, 4)])
def test_squared_error_and_binary_cross_entropy(shape):
    p = RNG.uniform(1e-3, 1 - 1e-3, shape).astype(np.float32)
    t = RNG.uniform(0, 1, shape).astype(np.float32)
    same(MSELoss()(p, t), F.mse_loss(torch.tensor(p), torch.tensor(t)))
    theirs = F.binary_cross_entropy(torch.tensor(p), torch.tensor(t))
    same(BinaryCrossEntropyLoss()(p, t), theirs)


def test_a_certain_mistake_is_limited_where_pytorch_is_limited_later():
    """What the module's comparison with PyTorch says of both ends."""
    ours = [BinaryCrossEntropyLoss()([p], [1 - p]).item() for p in (0.0, 1.0)]
    np.testing.assert_allclose(ours, [16.118, 15.942], atol=1e-3)
    theirs = F.binary_cross_entropy(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0]))
    assert theirs.item() == 100.0


def test_padding_is_refused_where_pytorch_skips_it():
    logits, targets = np.float32([[0, 0, 0], [1, 2, 3]]), np.array([-100, 1])
    theirs = F.cross_entropy(torch.tensor(logits), torch.tensor(targets))
    alone = F.cross_entropy(torch.tensor(logits[1:]), torch.tensor(targets[1:]))
    assert theirs == alone
    with pytest.raises(ValueError, match=r"-100 at index \(0,\)"):
        CrossEntropyLoss()(logits, targets)


@pytest.mark.parametrize("bad", [([np.nan], [1.0]), ([0.5], [np.nan]), ([1.5], [1.0])])
def test_what_is_no_probability_is_refused_nan_included(bad):
    with pytest.raises(ValueError, match="between 0 and 1, but got"):
        BinaryCrossEntropyLoss()(*bad)


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_a_double_softmax_has_the_floor_that_the_module_names(classes):
    perfect = np.eye(classes, dtype=np.float32)[:1]
    loss = CrossEntropyLoss()(perfect, [0]).item()
    assert loss == pytest.approx(np.log(np.e + classes - 1) - 1, rel=1e-5)
