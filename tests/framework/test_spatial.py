"""Module 09: convolution and pooling against PyTorch, over every kernel, stride and padding."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise, product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytorch import SGD, CrossEntropyLoss, Tensor
from tinytorch.core import spatial
from tinytorch.core.autograd import check_gradients, no_grad
from tinytorch.core.layers import Linear, Sequential
from tinytorch.core.spatial import (
    AvgPool2d,
    Conv2d,
    Flatten,
    GlobalPool2d,
    MaxPool2d,
    add_windows,
    channels_first,
    channels_last,
    conv2d,
    conv2d_explicit,
    conv2d_macs,
    output_size,
    windows,
)
from tinytorch.nn import ReLU

KERNELS = [(1, 1), (2, 2), (3, 3), (3, 2), (1, 4), (5, 4)]
STRIDES = [(1, 1), (2, 2), (3, 1), (2, 5)]  # the last is larger than most kernels
PADDINGS = [(0, 0), (1, 1), (0, 2), (2, 1)]
GRID = list(product(KERNELS, STRIDES, PADDINGS))


def numbers(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def pair(arrays):
    """The same leaves here and in PyTorch."""
    ours = [Tensor(array.copy(), requires_grad=True) for array in arrays]
    return ours, [torch.tensor(array, requires_grad=True) for array in arrays]


def assert_same(ours, theirs, ours_leaves, theirs_leaves, tolerance=2e-4):
    """Results and gradients, for a gradient that is different everywhere."""
    assert ours.shape == tuple(theirs.shape)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours.data, theirs.detach().numpy(), rtol=1e-4, atol=tolerance)
    gradient = numbers(ours.shape, 9)
    ours.backward(gradient)
    theirs.backward(torch.tensor(gradient))
    for mine, other in zip(ours_leaves, theirs_leaves, strict=True):
        assert mine.grad.dtype == np.float32
        np.testing.assert_allclose(mine.grad.data, other.grad.numpy(), rtol=1e-4, atol=tolerance)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("kernel", "stride", "padding"), GRID)
def test_convolution_and_its_gradients_like_torch(kernel, stride, padding, bias):
    shapes = [(3, 2, 7, 6), (5, 2, *kernel), (5,)][: 3 if bias else 2]
    ours, theirs = pair([numbers(shape, i) for i, shape in enumerate(shapes)])
    layer = Conv2d(2, 5, kernel, stride, padding, bias=bias)
    layer.weight, layer.bias = ours[1], ours[2] if bias else None
    expected = F.conv2d(*theirs, stride=stride, padding=padding)
    assert_same(layer(ours[0]), expected, ours, theirs)


@pytest.mark.parametrize("per_chunk", [1, 2, 3, 100])
def test_chunks_of_any_size_change_nothing(per_chunk, monkeypatch):
    x, weight, bias = numbers((5, 3, 8, 7)), numbers((4, 3, 3, 2), 1), numbers((4,), 2)
    seen = windows(channels_last(x), (3, 2))
    monkeypatch.setattr(spatial, "COLUMN_BYTES", seen[:1].nbytes * per_chunk)
    ours, theirs = pair([x, weight, bias])
    layer = Conv2d(3, 4, (3, 2))
    layer.weight, layer.bias = ours[1:]
    assert_same(layer(ours[0]), F.conv2d(*theirs), ours, theirs)


@pytest.mark.parametrize(("kernel", "stride", "padding"), GRID)
def test_pooling_and_its_gradients_like_torch(kernel, stride, padding):
    if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
        for kind in (MaxPool2d, AvgPool2d):
            with pytest.raises(ValueError, match="padding"):
                kind(kernel, stride, padding)
        return
    for kind, function in ((MaxPool2d, F.max_pool2d), (AvgPool2d, F.avg_pool2d)):
        ours, theirs = pair([numbers((3, 2, 7, 6)) - 2])
        expected = function(*theirs, kernel, stride=stride, padding=padding)
        assert_same(kind(kernel, stride, padding)(ours[0]), expected, ours, theirs)


@pytest.mark.parametrize(
    ("kernel", "stride"), [((2, 2), (2, 2)), ((3, 3), (1, 1)), ((3, 2), (2, 1))]
)
def test_ties_go_where_torch_sends_them(kernel, stride):
    ours, theirs = pair([np.random.default_rng(0).integers(0, 3, (4, 3, 7, 6)).astype(np.float32)])
    expected = F.max_pool2d(*theirs, kernel, stride=stride, padding=1)
    assert_same(MaxPool2d(kernel, stride, 1)(ours[0]), expected, ours, theirs)


def test_pooling_keeps_nan_and_what_is_below_zero():
    x = -np.ones((1, 1, 4, 4), dtype=np.float32)
    x[0, 0, 1, 1] = np.nan
    y = MaxPool2d(2, padding=1)(Tensor(x)).data
    expected = F.max_pool2d(torch.tensor(x), 2, padding=1).numpy()
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("shape", [(0, 2, 6, 5), (1, 2, 3, 3), (4, 2, 3, 20)])
def test_unusual_batches_and_images(shape):
    ours, theirs = pair([numbers(shape), numbers((3, 2, 3, 3), 1), numbers((3,), 2)])
    layer = Conv2d(2, 3, 3)
    layer.weight, layer.bias = ours[1:]
    assert_same(layer(ours[0]), F.conv2d(*theirs), ours, theirs)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_fast_and_explicit_agree(data):
    size = st.integers(1, 3)
    kernel, stride = data.draw(st.tuples(size, size)), data.draw(st.tuples(size, size))
    padding = data.draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    height, width = (data.draw(st.integers(k, 6)) for k in kernel)
    batch, channels, filters = (data.draw(size) for _ in range(3))
    x, weight = numbers((batch, channels, height, width)), numbers((filters, channels, *kernel), 1)
    bias = numbers((filters,), 2)
    slow, count = conv2d_explicit(x, weight, bias, stride, padding)
    np.testing.assert_allclose(conv2d(x, weight, bias, stride, padding), slow, rtol=1e-4, atol=1e-5)
    assert count == conv2d_macs(x.shape, weight.shape, stride, padding)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20), st.integers(1, 9), st.integers(1, 5), st.integers(0, 4))
def test_output_size_counts_positions(size, kernel, stride, padding):
    positions = [
        p for p in range(0, size + 2 * padding, stride) if p + kernel <= size + 2 * padding
    ]
    if positions:
        assert output_size(size, kernel, stride, padding) == len(positions)
    else:
        with pytest.raises(ValueError, match=str(kernel)):
            output_size(size, kernel, stride, padding)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_add_windows_is_the_reverse_of_windows(kh, kw, sh, sw):
    """<windows(a), b> = <a, add_windows(b)>: the definition of the transposed map."""
    image = numbers((2, 6, 7, 3))
    seen = windows(image, (kh, kw), (sh, sw))
    parts, back = numbers(seen.shape, 1), np.zeros_like(image)
    add_windows(back, parts, (sh, sw))
    np.testing.assert_allclose(np.vdot(seen, parts), np.vdot(image, back), rtol=1e-3, atol=1e-3)


def test_windows_take_no_memory_and_moving_channels_is_undone():
    x = numbers((2, 3, 5, 4))
    assert np.shares_memory(windows(channels_last(x), (2, 2)), channels_last(x)) is False
    image = channels_last(x)
    assert np.shares_memory(windows(image, (2, 2)), image)
    np.testing.assert_array_equal(channels_first(channels_last(x, (2, 1), 7.0), (2, 1)), x)


def test_results_of_a_layer_are_kept_channels_last_and_are_not_copied_again():
    y = Conv2d(3, 4, 3)(Tensor(numbers((2, 3, 6, 5)))).data
    assert np.shares_memory(channels_last(y), y)


def test_data_and_frozen_parameters_get_no_gradient():
    layer, x = Conv2d(2, 3, 3), Tensor(numbers((2, 2, 5, 6)))
    layer.weight.requires_grad = False
    layer(x).sum().backward()
    assert x.grad is None and layer.weight.grad is None
    np.testing.assert_allclose(layer.bias.grad.data, [2 * 3 * 4] * 3)


def test_measured_gradients_agree():
    x = Tensor(numbers((2, 2, 5, 4)), requires_grad=True)
    conv = Conv2d(2, 3, (3, 2), (2, 1), (1, 0))
    check_gradients(lambda x, w, b: conv(x), x, conv.weight, conv.bias)
    check_gradients(AvgPool2d((2, 3), 1, (1, 0)), x)
    for sharpness in (0.3, 1.0, 3.0):
        check_gradients(GlobalPool2d(sharpness), x)


def test_no_argument_is_changed_and_no_column_is_kept():
    x, weight, bias = (numbers(s, i) for i, s in enumerate([(8, 3, 32, 32), (4, 3, 3, 3), (4,)]))
    before = [array.copy() for array in (x, weight, bias)]
    layer = Conv2d(3, 4, 3)
    layer.weight, layer.bias = (Tensor(a, requires_grad=True) for a in (weight, bias))
    tracemalloc.start()
    y = layer(Tensor(x))
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 1.5 * y.data.nbytes
    y.backward(numbers(y.shape))
    for array, old in zip((x, weight, bias), before, strict=True):
        np.testing.assert_array_equal(array, old)


def test_the_peak_does_not_grow_with_the_columns_of_the_whole_batch():
    x, layer = Tensor(numbers((64, 8, 32, 32))), Conv2d(8, 8, 3, padding=1)
    tracemalloc.start()
    with no_grad():
        y = layer(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    columns = 64 * 32 * 32 * 72 * 4
    assert peak < y.data.nbytes + 2 * x.data.nbytes + 4 * spatial.COLUMN_BYTES < columns


def test_896_against_98336_parameters():
    assert sum(p.size for p in Conv2d(3, 32, 3).parameters()) == 896
    assert sum(p.size for p in Linear(3 * 32 * 32, 32).parameters()) == 98_336
    assert Conv2d(3, 32, 3).weight.shape == (32, 3, 3, 3)
    assert len(Conv2d(3, 32, 3, bias=False).parameters()) == 1


def test_he_initialisation():
    np.random.seed(0)
    weight = Conv2d(16, 400, (3, 5)).weight.data
    assert weight.std() == pytest.approx(np.sqrt(2 / (16 * 15)), rel=0.02)
    assert abs(weight.mean()) < 1e-3


def test_bad_input_is_named():
    conv = Conv2d(3, 8, 5)
    for bad, words in [
        (numbers((3, 32, 32)), ["(3, 32, 32)", "reshape"]),
        (numbers((2, 4, 9, 9)), ["3", "4", "(2, 4, 9, 9)"]),
        (numbers((2, 9, 9, 3)), ["(2, 9, 9, 3)", "permute"]),
        (numbers((2, 3, 4, 9)), ["5", "4"]),
    ]:
        with pytest.raises(ValueError) as caught:
            conv(Tensor(bad))
        assert all(word in str(caught.value) for word in words), str(caught.value)
    with pytest.raises(ValueError, match="needs 16 channels, got 8") as caught:
        Conv2d(16, 4, 3)(Tensor(numbers((2, 8, 9, 9))))
    assert "permute" not in str(caught.value)
    with pytest.raises(ValueError, match="does not fit"):
        MaxPool2d(3)(Tensor(numbers((1, 1, 2, 5))))
    for arguments in [
        (0, 3, 3),
        (3, 0, 3),
        (3, 3, 0),
        (3, 3, 3, 0),
        (3, 3, 3, 1, -1),
        (3, 3, 2.5),
        (3, 3, (1, 2, 3)),
    ]:
        with pytest.raises(ValueError):
            Conv2d(*arguments)


def test_flatten_keeps_the_batch_also_if_it_is_empty():
    assert Flatten()(Tensor(numbers((2, 3, 4, 5)))).shape == (2, 60)
    assert Flatten()(Tensor(numbers((0, 3, 4)))).shape == (0, 12)


@pytest.mark.parametrize("shape", [(3, 2, 4, 5), (1, 1, 1, 1), (2, 3, 1, 7)])
def test_global_pooling_lies_between_mean_and_maximum(shape):
    x = numbers(shape)
    mean, largest = x.mean(axis=(2, 3)), x.max(axis=(2, 3))
    results = [GlobalPool2d(s)(Tensor(x)).data for s in (0, 0.5, 2, 30, 1e4)]
    np.testing.assert_allclose(results[0], mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(results[-1], largest, rtol=1e-3, atol=1e-3)
    for low, high in pairwise(results):
        assert (low <= high + 1e-5).all()
    assert GlobalPool2d(2.0)(Tensor(x)).shape == shape[:2]


def test_a_cnn_overfits_one_batch_and_every_parameter_learns():
    np.random.seed(0)
    model = Sequential(
        Conv2d(1, 4, 3, padding=1),
        ReLU(),
        MaxPool2d(2),
        Conv2d(4, 6, 3),
        ReLU(),
        AvgPool2d(2),
        Flatten(),
        Linear(6, 5),
    )
    x, y = Tensor(numbers((10, 1, 8, 8))), Tensor(np.arange(10) % 5)
    before = [p.data.copy() for p in model.parameters()]
    optimizer, loss_fn = SGD(model.parameters(), 0.3), CrossEntropyLoss()
    for _ in range(300):
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
    for parameter, old in zip(model.parameters(), before, strict=True):
        assert not np.array_equal(parameter.data, old)
