"""Module 01 against PyTorch: the same expression on both, and what the module says of both."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch

from tinytorch.core.tensor import Tensor, broadcast_shape, compute


def pair(*shape, seed=0):
    """The same random numbers as a Tensor and as a torch.Tensor."""
    values = np.random.RandomState(seed).randn(*shape).astype(np.float32)
    return Tensor(values), torch.from_numpy(values.copy())


def assert_same(ours, theirs):
    assert ours.shape == tuple(theirs.shape)
    np.testing.assert_allclose(ours.data, theirs.numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "expression",
    [
        lambda t, u: t + u,
        lambda t, u: 2 - t * u / 3 + 1,
        lambda t, u: 8 / (t * t + 1.5) - u,
        lambda t, u: -t + 3 * u,
    ],
)
@pytest.mark.parametrize(("a", "b"), [((3, 4), (3, 4)), ((3, 1), (4,)), ((2, 1, 3), (5, 1))])
def test_arithmetic_is_that_of_pytorch(expression, a, b):
    (t, t_torch), (u, u_torch) = pair(*a), pair(*b, seed=1)
    assert_same(expression(t, u), expression(t_torch, u_torch))


@pytest.mark.parametrize(
    ("a", "b"),
    [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((6, 2, 3), (3, 4)), ((5, 1, 2, 3), (4, 3, 2))],
)
def test_products_are_those_of_pytorch(a, b):
    (t, t_torch), (u, u_torch) = pair(*a), pair(*b, seed=1)
    assert_same(t @ u, t_torch @ u_torch)
    assert_same(t.matmul(u), t_torch.matmul(u_torch))


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions_are_those_of_pytorch(axis, keepdims):
    t, t_torch = pair(2, 3, 4)
    assert_same(t.sum(axis, keepdims), t_torch.sum(axis, keepdim=keepdims))
    assert_same(t.mean(axis, keepdims), t_torch.mean(axis, keepdim=keepdims))
    assert_same(t.max(axis, keepdims), t_torch.amax(axis, keepdim=keepdims))


def test_shapes_and_parts_are_those_of_pytorch():
    t, t_torch = pair(2, 3, 4)
    assert_same(t.permute(2, 0, 1), t_torch.permute(2, 0, 1))
    assert_same(t.transpose(0, -1), t_torch.transpose(0, -1))
    assert_same(t.transpose(0, 1).reshape(-1, 2), t_torch.transpose(0, 1).reshape(-1, 2))
    assert_same(t[:, [2, 0], 1:], t_torch[:, [2, 0], 1:])


def test_an_array_on_the_left_leaves_the_operation_to_the_tensor():
    row = np.float32([1, 2])
    for result in (row + Tensor([3, 4]), row - Tensor([3, 4]), row * Tensor([3, 4])):
        assert isinstance(result, Tensor)
    with pytest.raises(TypeError, match="unsupported operand"):
        row @ Tensor([3, 4])


def test_what_the_source_box_says_of_pytorch():
    assert torch.broadcast_shapes((2, 1), (3,), (1, 1)) == (2, 3)  # any number of shapes
    assert "common_shape" in inspect.getsource(torch._refs._broadcast_shapes)
    with pytest.raises(RuntimeError, match=r"tensor a \(3\) must match .* b \(2\) .* dimension 1"):
        torch.ones(2, 3) + torch.ones(2)
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(2,\)"):
        broadcast_shape((2, 3), (2,))


def test_what_the_source_box_says_of_small_whole_numbers():
    hundred = np.array([100], dtype=np.int8)
    assert (torch.from_numpy(hundred) + 300).tolist() == [-112]
    with pytest.raises(OverflowError):
        Tensor(hundred) + 300


def test_what_the_table_says_of_reshape_and_view():
    t_torch = torch.arange(6).reshape(2, 3).T
    assert t_torch.reshape(6).tolist() == [0, 3, 1, 4, 2, 5]  # a copy
    with pytest.raises(RuntimeError, match="view"):
        t_torch.view(6)


def test_every_result_passes_through_the_seam():
    heard = []
    before, Tensor._record = (
        Tensor.__dict__["_record"],
        staticmethod(lambda output, operation, tensors, settings: heard.append(operation.__name__)),
    )
    try:
        t = Tensor([[1.0, 2.0], [3.0, 4.0]])
        ((2 * t - 1) / t + t @ t - -t).transpose().reshape(4)[1:].max().sum().mean()
        compute(np.exp, t)
    finally:
        Tensor._record = before
    assert heard == [
        *("multiply", "subtract", "divide", "matmul", "add", "negate", "subtract"),
        *("transpose", "reshape", "take", "reduce_max", "reduce_sum", "reduce_mean", "exp"),
    ]
