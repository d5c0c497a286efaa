"""Module 05: every rule against PyTorch and finite differences; the traversal at its limits."""

from __future__ import annotations

import gc
import sys
import threading
import tracemalloc
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import (
    basic_indices,
    integer_array_indices,
    mutually_broadcastable_shapes,
)

import tinytorch  # noqa: F401  (switches autograd on)
from tinytorch.core import autograd
from tinytorch.core.activations import GELU, ReLU, Sigmoid, Softmax, Tanh, relu
from tinytorch.core.autograd import (
    RULES,
    EmbeddingBackward,
    Function,
    IndexBackward,
    SliceBackward,
    backward_rule,
    check_direction,
    check_gradients,
    enable_autograd,
    no_grad,
    numerical_gradient,
    recompute,
    scatter_add_rows,
    topological_order,
    unbroadcast,
)
from tinytorch.core.layers import Linear, Sequential, linear
from tinytorch.core.losses import (
    BinaryCrossEntropyLoss,
    CrossEntropyLoss,
    MSELoss,
    log_softmax,
)
from tinytorch.core.tensor import Tensor, compute

F = torch.nn.functional
SHAPES = [(), (1,), (3,), (2, 3), (1, 3), (2, 1), (4, 2, 3), (1, 1, 3), (4, 1, 1)]
PAIRS = [
    (a, b)
    for a in SHAPES
    for b in SHAPES
    if all(x == y or 1 in (x, y) for x, y in zip(a[::-1], b[::-1], strict=False))
]


def numbers(shape, seed=0, low=0.5, high=2.0):
    """Positive numbers away from zero, so that division and its differences behave."""
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def spread(shape, seed=0):
    """Numbers from -2 to 2, apart from each other and from zero by more than a difference step."""
    sizes = np.linspace(0.1, 2, int(np.prod(shape)))
    return (
        np.random.default_rng(seed)
        .permutation(sizes * (-1) ** np.arange(len(sizes)))
        .reshape(shape)
        .astype(np.float32)
    )


def assert_like_torch(ours, theirs, *arrays, differences=True, rtol=2e-5, atol=2e-6):
    """Same expression in both engines: values, gradients of all inputs, finite differences."""
    mine = [Tensor(array.copy(), requires_grad=True) for array in arrays]
    other = [torch.tensor(array, requires_grad=True) for array in arrays]
    result, expected = ours(*mine), theirs(*other)
    assert result.shape == tuple(expected.shape)
    np.testing.assert_allclose(result.data, expected.detach().numpy(), rtol=rtol, atol=atol)
    gradient = np.random.default_rng(9).standard_normal(result.shape).astype(np.float32)
    result.backward(gradient)
    expected.backward(torch.tensor(gradient))
    for tensor, reference in zip(mine, other, strict=True):
        assert isinstance(tensor.grad, Tensor) and tensor.grad.dtype == np.float32
        assert not tensor.grad.requires_grad and tensor.grad.shape == tensor.shape
        np.testing.assert_allclose(tensor.grad.data, reference.grad.numpy(), rtol=rtol, atol=atol)
    if differences:
        check_gradients(ours, *mine, atol=5e-3)


ARITHMETIC = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
}


@pytest.mark.parametrize("name", ARITHMETIC)
@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_arithmetic_over_the_grid_of_broadcast_shapes(name, left, right):
    operation = ARITHMETIC[name]
    assert_like_torch(operation, operation, numbers(left, 1), numbers(right, 2))


@given(mutually_broadcastable_shapes(num_shapes=3, max_dims=4, max_side=3), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_any_broadcast_of_three_operands(shapes, seed):
    def expression(a, b, c):
        return (a * b + c) / (b * c) - a

    arrays = [numbers(shape, seed + i) for i, shape in enumerate(shapes.input_shapes)]
    assert_like_torch(expression, expression, *arrays, differences=False, rtol=2e-4, atol=1e-5)


@pytest.mark.parametrize(
    "expression",
    [lambda a: 3 - a, lambda a: 2 / a, lambda a: 2 * a + 1, lambda a: a - 3, lambda a: -a],
)
def test_numbers_on_either_side(expression):
    assert_like_torch(expression, expression, numbers((2, 3)))


@given(
    mutually_broadcastable_shapes(signature="(n?,k),(k,m?)->(n?,m?)", max_dims=2, max_side=3),
    st.integers(0, 99),
)
@settings(max_examples=80, deadline=None)
def test_matmul_of_any_shapes(shapes, seed):
    left, right = shapes.input_shapes
    arrays = numbers(left, seed, -2, 2), numbers(right, seed + 1, -2, 2)
    assert_like_torch(
        lambda a, b: a @ b,
        lambda a, b: a @ b,
        *arrays,
        differences=seed % 8 == 0,
        rtol=1e-4,
        atol=1e-5,
    )


def test_matmul_with_an_empty_batch():
    weight = Tensor(np.ones((3, 2)), requires_grad=True)
    (Tensor(np.zeros((0, 3))) @ weight).backward(np.zeros((0, 2)))
    np.testing.assert_array_equal(weight.grad.data, np.zeros((3, 2)))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(5,), (4, 5), (2, 3, 5), (2, 1, 3, 5)])
def test_a_linear_layer_is_one_operation_with_one_rule(shape, bias):
    arrays = [numbers(shape, 1, -2, 2), numbers((5, 3), 2, -2, 2), numbers((3,), 3, -2, 2)]
    assert_like_torch(
        lambda x, w, *b: compute(linear, x, w, *b),
        lambda x, w, *b: F.linear(x, w.T, *b),
        *arrays[: 3 if bias else 2],
        rtol=1e-4,
        atol=1e-5,
    )
    x = Tensor(arrays[0])
    y = Linear(5, 3, bias=bias)(x)
    assert type(y._grad_fn).__name__ == "LinearBackward"
    y.backward(np.ones(y.shape))
    assert x.grad is None, "data needs no gradient"


def test_a_linear_layer_with_an_empty_batch():
    layer = Linear(3, 2)
    layer(Tensor(np.zeros((0, 3)))).backward(np.zeros((0, 2)))
    assert not layer.weight.grad.data.any() and not layer.bias.grad.data.any()


def test_recomputing_changes_no_gradient():
    """Blocks in a row, plain in PyTorch and recomputed here."""
    np.random.seed(3)
    blocks = [Sequential(Linear(6, 6), Tanh()) for _ in range(3)]
    parameters = [p for block in blocks for p in block.parameters()]
    weights = [torch.tensor(p.data.copy(), requires_grad=True) for p in parameters]
    x = np.random.randn(4, 6).astype(np.float32)
    ours, theirs = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = ours, theirs
    for i, block in enumerate(blocks):
        y = recompute(block, y)
        z = torch.tanh(z @ weights[2 * i] + weights[2 * i + 1])
    (y * y).sum().backward()
    (z * z).sum().backward()
    for mine, other in zip([ours, *parameters], [theirs, *weights], strict=True):
        np.testing.assert_allclose(mine.grad.data, other.grad.numpy(), rtol=1e-4, atol=1e-6)


def test_recomputing_leaves_nothing_to_the_garbage_collector():
    x = Tensor([1.0, 2.0], requires_grad=True)
    gc.collect()
    gc.disable()
    try:
        before = len(Function.__subclasses__()), len(gc.get_objects())
        for _ in range(50):
            recompute(lambda t: t * t, x).sum().backward()
            x.zero_grad()
        after = len(Function.__subclasses__()), len(gc.get_objects())
    finally:
        gc.enable()
    assert after[0] == before[0] and after[1] - before[1] < 50


def test_recomputing_keeps_only_what_stands_between_the_blocks():
    blocks = [Sequential(*[Tanh() for _ in range(8)]) for _ in range(4)]
    x = Tensor(np.ones((256, 256)), requires_grad=True)

    def held(run):
        tracemalloc.start()
        y = x
        for block in blocks:
            y = run(block, y)
        size = tracemalloc.get_traced_memory()[0]
        y.backward(np.ones(y.shape))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size / x.data.nbytes, peak / x.data.nbytes

    stored, recomputed = held(lambda block, y: block(y)), held(recompute)
    assert 31 < stored[0] < 34 and 3.5 < recomputed[0] < 5
    assert recomputed[1] < 0.6 * stored[1]


AXES = [None, 0, 1, -1, (0, 2), (-1, 1), (0, 1, 2)]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", ["sum", "mean", "max"])
def test_reductions(name, axis, keepdims):
    dims = axis if axis is not None else (0, 1, 2)
    function = {"sum": torch.sum, "mean": torch.mean, "max": torch.amax}[name]
    assert_like_torch(
        lambda a: getattr(a, name)(axis=axis, keepdims=keepdims),
        lambda a: function(a, dim=dims, keepdim=keepdims),
        spread((2, 3, 4)),
    )


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_ties_share_the_gradient_of_a_maximum_as_in_amax(axis):
    values = np.float32([[2, 5, 5], [5, 1, 0]])
    dims = axis if axis is not None else (0, 1)
    assert_like_torch(
        lambda a: a.max(axis=axis), lambda a: torch.amax(a, dim=dims), values, differences=False
    )


def test_moving_things_around():
    cube = spread((2, 3, 4))
    for ours, theirs in [
        (lambda a: a.reshape(4, -1), lambda a: a.reshape(4, -1)),
        (lambda a: a.reshape(24), lambda a: a.reshape(24)),
        (lambda a: a.transpose(), lambda a: a.transpose(-1, -2)),
        (lambda a: a.transpose(0, 2), lambda a: a.transpose(0, 2)),
        (lambda a: a.transpose(0, -1).reshape(6, 4), lambda a: a.transpose(0, -1).reshape(6, 4)),
        (lambda a: a.permute(2, 0, 1), lambda a: a.permute(2, 0, 1)),
        (lambda a: a.permute(-1, 0, -2) * 2, lambda a: a.permute(-1, 0, -2) * 2),
    ]:
        assert_like_torch(ours, theirs, cube)


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_basic_indexing(data):
    shape = (4, 3, 5)
    key = data.draw(basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    values = spread(shape)
    x = Tensor(values, requires_grad=True)
    y = x[key]
    assert isinstance(y._grad_fn, SliceBackward)
    g = np.random.default_rng(1).standard_normal(y.shape).astype(np.float32)
    y.backward(g)
    expected = np.zeros(shape, np.float32)
    expected[key] = g
    np.testing.assert_array_equal(x.grad.data, expected)


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_integer_arrays_add_up_repeats(data):
    shape = (4, 3, 5)
    key = data.draw(integer_array_indices(shape))
    x = Tensor(spread(shape), requires_grad=True)
    y = x[key]
    g = np.random.default_rng(1).standard_normal(y.shape).astype(np.float32)
    y.backward(g)
    expected = np.zeros(shape)
    np.add.at(expected, key, g)
    np.testing.assert_allclose(x.grad.data, expected, rtol=1e-5, atol=1e-5)


MASK = np.array(
    [[True, False, True], [False, False, True], [True, True, True], [False, True, False]]
)


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        (np.array([2, 0, 2, -1]), EmbeddingBackward),
        ([1, 1, 1], EmbeddingBackward),
        (np.array([[0, 3], [3, 3]]), EmbeddingBackward),
        (np.array(2), EmbeddingBackward),
        (np.zeros(0, np.int64), EmbeddingBackward),
        (np.zeros((2, 0), np.int64), EmbeddingBackward),
        (MASK, IndexBackward),
        (np.array([True, False, True, True]), IndexBackward),
        ((slice(None), np.array([0, 0, 2])), IndexBackward),
        ((np.array([1, 1, 3]), np.array([0, 0, 2])), IndexBackward),
        ((1, np.array([0, 0, 2])), IndexBackward),
        ((..., np.array([0, 0]), None), IndexBackward),
        (1, SliceBackward),
        (np.int64(-1), SliceBackward),
        ((slice(None, None, -1), None, 1), SliceBackward),
    ],
    ids=str,
)
def test_kinds_of_keys(key, rule):
    x = Tensor(spread((4, 3)), requires_grad=True)
    y = x[key]
    assert isinstance(y._grad_fn, rule)
    g = np.random.default_rng(1).standard_normal(y.shape).astype(np.float32)
    y.backward(g)
    expected = np.zeros((4, 3))
    np.add.at(expected, key, g)
    assert x.grad.dtype == np.float32
    np.testing.assert_allclose(x.grad.data, expected, rtol=1e-6)


def test_a_tensor_of_row_numbers_and_tables_of_other_shapes():
    for shape in [(6,), (6, 2), (6, 2, 3)]:
        x = Tensor(spread(shape), requires_grad=True)
        (x[Tensor([5, 0, 5])] * 2).sum().backward()
        expected = np.zeros(shape)
        expected[0], expected[5] = 2, 4
        np.testing.assert_array_equal(x.grad.data, expected)


def test_the_gradient_of_a_table_is_no_view_that_would_be_copied():
    table = Tensor(np.ones((5, 3)), requires_grad=True)
    (gradient,) = EmbeddingBackward(table, key=np.array([4, 0, 4])).apply(
        np.ones((3, 3), dtype=np.float32)
    )
    assert gradient.base is None and gradient[4].tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_means_of_nothing_divide_by_nothing(shape):
    node = RULES["reduce_mean"](Tensor(np.zeros(shape), requires_grad=True), axis=1, keepdims=False)
    with np.errstate(all="raise"):
        (gradient,) = node.apply(np.ones(shape[0], dtype=np.float32))
    assert gradient.shape == shape


def test_row_lookup_at_the_size_of_a_vocabulary():
    rng = np.random.default_rng(0)
    ids, rows = rng.integers(0, 5000, 4096), rng.standard_normal((4096, 8)).astype(np.float32)
    expected = np.zeros((5000, 8))
    np.add.at(expected, ids, rows)
    np.testing.assert_allclose(scatter_add_rows(rows, ids, 5000), expected, rtol=1e-5, atol=1e-5)


ACTIVATIONS = {
    "relu": (ReLU(), torch.relu),
    "sigmoid": (Sigmoid(), torch.sigmoid),
    "tanh": (Tanh(), torch.tanh),
    "gelu": (GELU(), lambda a: F.gelu(a, approximate="tanh")),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("shape", [(), (7,), (3, 4), (2, 3, 5)])
def test_activations(name, shape):
    assert_like_torch(*ACTIVATIONS[name], spread(shape))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_far_out(name):
    ours, theirs = ACTIVATIONS[name]
    points = np.float32([-1000, -30, -8, 0, 8, 30, 1000])
    assert_like_torch(ours, theirs, points, differences=False, atol=1e-6)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_softmax_and_its_logarithm(dim):
    values = spread((3, 4, 2))
    assert_like_torch(lambda a: Softmax()(a, dim=dim), lambda a: torch.softmax(a, dim), values)
    assert_like_torch(
        lambda a: log_softmax(a, dim=dim), lambda a: torch.log_softmax(a, dim), values
    )


def test_losses():
    p, t = numbers((4, 3), 1, 0.1, 0.9), numbers((4, 3), 2, 0.1, 0.9)
    assert_like_torch(MSELoss(), F.mse_loss, p, t)
    assert_like_torch(BinaryCrossEntropyLoss(), F.binary_cross_entropy, p, t)


@pytest.mark.parametrize("shape", [(5, 3), (1, 2), (2, 4, 3)])
def test_cross_entropy(shape):
    classes = np.random.default_rng(3).integers(0, shape[-1], shape[:-1])
    assert_like_torch(
        lambda a: CrossEntropyLoss()(a, Tensor(classes)) * 3,
        lambda a: F.cross_entropy(a.reshape(-1, shape[-1]), torch.tensor(classes).reshape(-1)) * 3,
        spread(shape) * 3,
    )


def test_cross_entropy_far_out_is_bounded():
    logits = Tensor([[1000.0, -1000.0, 0.0]], requires_grad=True)
    CrossEntropyLoss()(logits, Tensor([1])).backward()
    np.testing.assert_allclose(logits.grad.data, [[1, -1, 0]], atol=1e-7)


def test_binary_cross_entropy_of_certain_predictions():
    values, targets = [0.0, 1.0, 0.0, 1.0, 0.5, 1e-8], [0.0, 1.0, 1.0, 0.0, 1.0, 1.0]
    ours, theirs = Tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
    BinaryCrossEntropyLoss()(ours, Tensor(targets)).backward()
    F.binary_cross_entropy(theirs, torch.tensor(targets)).backward()
    np.testing.assert_allclose(ours.grad.data, theirs.grad.numpy(), rtol=1e-5)


@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("logit", [-40.0, -30.0, -18.0, -17.0, -16.0, 16.0, 17.0, 18.0])
def test_binary_cross_entropy_of_a_sigmoid_far_out(logit, target):
    ours = Tensor([logit], requires_grad=True)
    theirs = torch.tensor([logit], requires_grad=True)
    BinaryCrossEntropyLoss()(Sigmoid()(ours), Tensor([target])).backward()
    F.binary_cross_entropy(torch.sigmoid(theirs), torch.tensor([target])).backward()
    np.testing.assert_allclose(ours.grad.data, theirs.grad.numpy(), rtol=1e-4, atol=1e-7)


def test_learning_starts_from_a_certain_and_wrong_prediction():
    logit, target = Tensor([-18.0], requires_grad=True), Tensor([1.0])
    for _ in range(200):
        logit.grad = None
        BinaryCrossEntropyLoss()(Sigmoid()(logit), target).backward()
        logit.data -= 0.1 * logit.grad.data
    assert logit.item() > 0, "each of 200 steps should raise the logit by about 0.1"


def test_every_rule_of_the_contract_is_in_the_table():
    arithmetic = ["Add", "Sub", "Neg", "Mul", "Div", "Matmul", "Linear"]
    moving = ["Sum", "Mean", "Max", "Reshape", "Transpose", "Permute", "Slice", "Embedding"]
    layers = ["ReLU", "Sigmoid", "Tanh", "GELU", "Softmax", "MSE", "BCE", "CrossEntropy"]
    for name in arithmetic + moving + layers:
        assert issubclass(getattr(autograd, f"{name}Backward"), Function)
    assert {"add", "matmul", "take", "cross_entropy", "log_probabilities"} <= set(RULES)


def test_a_network_like_torch():
    np.random.seed(0)
    network = Sequential(Linear(6, 8), Tanh(), Linear(8, 8), GELU(), Linear(8, 3))
    reference = torch.nn.Sequential(
        torch.nn.Linear(6, 8), torch.nn.Tanh(), torch.nn.Linear(8, 8),
        torch.nn.GELU(approximate="tanh"), torch.nn.Linear(8, 3),
    )  # fmt: skip
    for ours, theirs in zip(network.parameters(), reference.parameters(), strict=True):
        theirs.data = torch.tensor(ours.data.T.copy())
    x, classes = np.random.randn(4, 5, 6).astype(np.float32), np.random.randint(0, 3, (4, 5))
    CrossEntropyLoss()(network(Tensor(x)), Tensor(classes)).backward()
    F.cross_entropy(
        reference(torch.tensor(x)).reshape(-1, 3), torch.tensor(classes).reshape(-1)
    ).backward()
    for ours, theirs in zip(network.parameters(), reference.parameters(), strict=True):
        np.testing.assert_allclose(ours.grad.data, theirs.grad.numpy().T, rtol=1e-4, atol=1e-6)
    found, measured = check_direction(
        lambda *_: CrossEntropyLoss()(network(Tensor(x)), Tensor(classes)), *network.parameters()
    )
    assert found == pytest.approx(measured, rel=0.02, abs=0.01)


# The traversal


def chain(length, x):
    """x - 0 - 0 - ...: `length` operations in a row."""
    for _ in range(length):
        x = x - 0.0
    return x


def diamond(levels, x):
    """x = (x + x) / 2, `levels` times: 2 ** levels ways from the top to x."""
    for _ in range(levels):
        x = (x + x) * 0.5
    return x


def test_a_chain_of_ten_thousand():
    x = Tensor([1.0], requires_grad=True)
    chain(10_000, x).backward()
    assert x.grad.data.tolist() == [1.0]


def test_a_diamond_of_sixty_levels():
    x = Tensor([3.0], requires_grad=True)
    diamond(60, x).backward()
    assert x.grad.data.tolist() == [1.0]


def test_one_rule_application_and_one_visit_per_operation(monkeypatch):
    applied, opened = [], []
    apply, parents = autograd.AddBackward.apply, Function.parents
    monkeypatch.setattr(
        autograd.AddBackward, "apply", lambda self, g: (applied.append(1), apply(self, g))[1]
    )
    monkeypatch.setattr(Function, "parents", lambda self: (opened.append(1), parents(self))[1])
    x = Tensor([1.0], requires_grad=True)
    y = x
    for _ in range(25):
        y = y + y
    assert len(topological_order(y)) == 26
    y.backward()
    assert len(applied) == 25 and len(opened) == 50


def test_wide_graphs_are_linear_too():
    x = Tensor([2.0], requires_grad=True)
    total = x * 0
    for _ in range(2_000):
        total = total + x * x
    total.backward()
    assert x.grad.data.tolist() == [8000.0]


@pytest.mark.parametrize(
    "retain", [False, True, None], ids=["freed", "retained", "never run backward"]
)
def test_long_graphs_are_freed_without_recursion_in_the_interpreter(retain):
    """In a thread with a small stack: recursion in C would kill the process."""

    def build_and_drop():
        x = Tensor([1.0], requires_grad=True)
        y = chain(50_000, x)
        if retain is not None:
            y.backward(retain_graph=retain)
        seen.append(weakref.ref(y._grad_fn))
        del y
        seen.append(x.grad)

    seen = []
    size = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=build_and_drop)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
    assert len(seen) == 2 and seen[0]() is None
    assert (seen[1] is None) == (retain is None)


def test_the_graph_is_freed_without_the_garbage_collector():
    gc.disable()
    try:
        x = Tensor(np.ones((4, 4)), requires_grad=True)
        hidden = x * x
        inner = weakref.ref(hidden.data), weakref.ref(hidden)
        loss = (hidden + 1).sum()
        del hidden
        assert all(reference() is not None for reference in inner)
        loss.backward()
        assert all(reference() is None for reference in inner)
        abandoned = x * x
        node = weakref.ref(abandoned._grad_fn)
        del abandoned
        assert node() is None
    finally:
        gc.enable()


def test_memory_returns_while_the_pass_goes_on():
    """Backward through 40 results of 1 MB must not need 40 MB more than forward did."""
    x = Tensor(np.ones((512, 512)), requires_grad=True)
    y = x
    tracemalloc.start()
    for _ in range(40):
        y = y * 1.01
    loss = y.sum()
    del y
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    loss.backward()
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    megabyte = 512 * 512 * 4
    assert held > 39 * megabyte
    assert peak < held + 4 * megabyte
    assert after < 2 * megabyte


def test_results_are_no_leaves_and_keep_no_gradient():
    x = Tensor([2.0], requires_grad=True)
    y = x * x
    z = y + 1
    assert x._grad_fn is None and y._grad_fn is not None and y.requires_grad and z.requires_grad
    z.backward()
    assert y.grad is None and z.grad is None
    assert y._grad_fn is not None, "a freed result must not look like a leaf"


def test_a_second_backward_says_that_the_graph_was_freed():
    x = Tensor([2.0], requires_grad=True)
    hidden = x * x
    first, second = hidden + 1, hidden * 3
    first.backward()
    before = x.grad.data.copy()
    for freed in (first, second, hidden):
        with pytest.raises(RuntimeError, match="retain_graph"):
            freed.backward()
    assert x.grad.data.tolist() == before.tolist(), "a refused pass changes no gradient"


def test_a_kept_graph_serves_again():
    x = Tensor([2.0], requires_grad=True)
    y = x * x * x
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.data.tolist() == [36.0]


def test_gradients_accumulate_over_passes_and_are_reset():
    x = Tensor([2.0], requires_grad=True)
    (x * 3).backward()
    (x * 4).backward()
    assert x.grad.data.tolist() == [7.0]
    x.grad = np.float32([100])
    (x * 1).backward()
    assert isinstance(x.grad, Tensor) and x.grad.data.tolist() == [101.0]
    x.zero_grad()
    assert x.grad is None


def test_no_gradient_shares_memory_with_anything():
    a, b = (Tensor(np.ones((2, 3)), requires_grad=True) for _ in range(2))
    c = Tensor(np.ones((3, 2)), requires_grad=True)
    gradient = np.full((2, 3), 5, np.float32)
    (a + b + c.transpose() + a.reshape(2, 3)).backward(gradient)
    arrays = [a.grad.data, b.grad.data, c.grad.data, gradient, a.data, b.data]
    for i, left in enumerate(arrays):
        for right in arrays[i + 1 :]:
            assert not np.shares_memory(left, right)
    assert (gradient == 5).all()
    for tensor in (a, b, c):
        tensor.grad.data *= 0  # writable, too
    x = Tensor(np.ones(4), requires_grad=True)
    x.sum().backward()
    x.grad.data += 1
    assert x.grad.data.tolist() == [2.0] * 4


def test_a_fresh_gradient_is_not_copied(monkeypatch):
    made = []
    apply = autograd.MatmulBackward.apply
    monkeypatch.setattr(
        autograd.MatmulBackward, "apply", lambda self, g: made.append(apply(self, g)) or made[-1]
    )
    x, weight = Tensor(np.ones((4, 3))), Tensor(np.ones((3, 2)), requires_grad=True)
    (x @ weight).sum().backward()
    assert made[0][0] is None, "data needs no gradient"
    assert weight.grad.data is made[0][1]


def test_only_what_requires_a_gradient_gets_one():
    x, w = Tensor([1.0, 2.0]), Tensor([3.0, 4.0], requires_grad=True)
    y = (x * w + x).sum()
    assert (x + x)._grad_fn is None
    y.backward()
    assert x.grad is None and w.grad.data.tolist() == [1.0, 2.0]


def test_backward_of_several_numbers_needs_a_gradient():
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        (x * 2).backward()
    with pytest.raises(ValueError, match=r"\(3, 2\).*\(2, 3\)"):
        (x * 2).backward(np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"\(\)"):
        (x * 2).backward(1.0)
    assert x.grad is None
    for gradient in (np.ones((2, 3)), Tensor(np.ones((2, 3))), [[1, 1, 1], [1, 1, 1]]):
        x.zero_grad()
        (x * 2).backward(gradient)
        assert x.grad.data.tolist() == [[2.0] * 3] * 2 and x.grad.dtype == np.float32


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1)])
def test_single_numbers_of_any_shape_start_at_one(shape):
    x = Tensor(np.full(shape, 3.0), requires_grad=True)
    (x * x).backward()
    assert x.grad.shape == shape and float(x.grad.data.sum()) == 6.0


def test_backward_without_any_gradient_says_what_to_do():
    with pytest.raises(RuntimeError, match="requires_grad"):
        (Tensor([1.0]) * 2).backward()
    with no_grad():
        y = Tensor([1.0], requires_grad=True) * 2
    with pytest.raises(RuntimeError, match="no_grad"):
        y.backward()


def test_no_grad_nests_survives_errors_and_decorates():
    w = Tensor([1.0], requires_grad=True)
    with no_grad():
        with no_grad():
            pass
        assert not (w * 2).requires_grad
    with pytest.raises(ZeroDivisionError), no_grad():
        _ = 1 / 0
    assert (w * 2).requires_grad

    @no_grad()
    def predict():
        return w * 2

    assert predict()._grad_fn is None and predict()._grad_fn is None
    assert (w * 2).requires_grad


def test_no_grad_concerns_its_own_thread_only():
    entered, checked = threading.Event(), threading.Event()

    def serve():
        with no_grad():
            entered.set()
            checked.wait(5)

    thread = threading.Thread(target=serve)
    thread.start()
    assert entered.wait(5)
    recorded = (Tensor([1.0], requires_grad=True) * 2).requires_grad
    checked.set()
    thread.join()
    assert recorded


def test_an_operation_without_a_rule_says_its_name():
    def cube_root(array):
        return np.cbrt(array)

    with pytest.raises(NotImplementedError, match="cube_root"):
        compute(cube_root, Tensor([8.0], requires_grad=True))
    assert compute(cube_root, Tensor([8.0])).data.tolist() == [2.0]
    with no_grad():
        assert compute(cube_root, Tensor([8.0], requires_grad=True)).data.tolist() == [2.0]


@pytest.fixture
def new_rule():
    before = dict(RULES)
    yield backward_rule
    RULES.clear()
    RULES.update(before)


def test_a_new_operation_brings_its_rule(new_rule):
    def cube(array):
        return array * array * array

    @new_rule(cube)
    class CubeBackward(Function):
        def apply(self, grad_output):
            (x,) = self.arrays
            return (3 * x * x * grad_output,)

    x = Tensor([1.0, 2.0], requires_grad=True)
    compute(cube, x).sum().backward()
    assert x.grad.data.tolist() == [3.0, 12.0]
    assert check_gradients(lambda t: compute(cube, t), x) < 1e-2


def test_a_rule_that_returns_nonsense_is_named(new_rule):
    def double(array):
        return 2 * array

    @new_rule(double)
    class DoubleBackward(Function):
        def apply(self, grad_output):
            return (grad_output[0],)

    with pytest.raises(RuntimeError, match=r"DoubleBackward.*\(3,\).*\(2, 3\)"):
        compute(double, Tensor(np.ones((2, 3)), requires_grad=True)).sum().backward()


@pytest.mark.parametrize(
    ("shape", "returned"), [((2, 1), (3,)), ((1, 3), (3,)), ((2, 3), ()), ((3,), (2, 4))]
)
def test_a_gradient_that_fits_nowhere_is_named_with_the_shape_it_came_in(new_rule, shape, returned):
    def double(array):
        return 2 * array

    @new_rule(double)
    class DoubleBackward(Function):
        def apply(self, grad_output):
            return (np.ones(returned, dtype=np.float32),)

    result = compute(double, Tensor(np.ones(shape), requires_grad=True))
    with pytest.raises(RuntimeError) as caught:
        result.backward(np.ones(shape))
    for part in ("DoubleBackward", str(returned), str(shape)):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda g: g, "ndarray. A comma makes a tuple: (gradient,)."),
        (lambda g: [g], "list. A comma makes a tuple: (gradient,)."),
        (lambda g: None, "NoneType. A comma makes a tuple: (gradient,)."),
        (lambda g: (g, g), "a tuple with 2."),
        (lambda g: (), "a tuple with 0."),
    ],
)
def test_a_rule_without_a_tuple_is_named(new_rule, answer, said):
    def double(array):
        return 2 * array

    @new_rule(double)
    class DoubleBackward(Function):
        def apply(self, grad_output):
            return answer(grad_output)

    x = Tensor([1.0], requires_grad=True)
    with pytest.raises(TypeError) as caught:
        compute(double, x).backward()
    assert str(caught.value) == (
        f"DoubleBackward.apply must return a tuple with one entry per input: 1. It returned {said}"
    )
    assert x.grad is None


@pytest.mark.parametrize(
    ("entry", "kind"), [(lambda g: Tensor(g), "Tensor"), (lambda g: 2.0, "float"), (list, "list")]
)
def test_a_rule_that_returns_no_array_is_named(new_rule, entry, kind):
    def double(array):
        return 2 * array

    @new_rule(double)
    class DoubleBackward(Function):
        def apply(self, grad_output):
            return (entry(grad_output),)

    x = Tensor([1.0], requires_grad=True)
    with pytest.raises(TypeError, match=f"DoubleBackward.*of type {kind}"):
        compute(double, x).backward()
    assert x.grad is None


def test_nothing_to_check_is_no_error():
    assert check_gradients(lambda a: a + a, Tensor([1.0])) == 0.0
    assert check_gradients(lambda a: a + a, Tensor(np.zeros((0, 2)), requires_grad=True)) == 0.0


def test_a_wrong_rule_does_not_pass_the_check(new_rule):
    def double(array):
        return 2 * array

    for wrong in (1.9, 0.0, -2.0):

        @new_rule(double)
        class DoubleBackward(Function):
            def apply(self, grad_output, factor=wrong):
                return (factor * grad_output,)

        with pytest.raises(AssertionError, match="input 0"):
            check_gradients(lambda t: compute(double, t), Tensor([1.0, 2.0], requires_grad=True))


def test_numerical_gradient_restores_every_bit():
    x = Tensor(np.random.default_rng(0).standard_normal((3, 4)))
    before = x.data.copy()
    numerical_gradient(lambda t: (t * t).sum(), x)
    assert np.array_equal(before, x.data)


@given(mutually_broadcastable_shapes(num_shapes=1, base_shape=(2, 3, 4), max_dims=3))
@settings(max_examples=50, deadline=None)
def test_unbroadcast_is_the_adjoint_of_broadcasting(shapes):
    (shape,) = shapes.input_shapes
    if np.broadcast_shapes(shape, (2, 3, 4)) != (2, 3, 4):
        return
    rng = np.random.default_rng(0)
    small, big = rng.standard_normal(shape), rng.standard_normal((2, 3, 4))
    assert np.vdot(np.broadcast_to(small, (2, 3, 4)), big) == pytest.approx(
        np.vdot(small, unbroadcast(big, shape))
    )


def test_enabling_twice_changes_nothing_and_speaks_one_line(capsys):
    enable_autograd(quiet=True)
    assert capsys.readouterr().out == ""
    enable_autograd()
    enable_autograd()
    assert len(capsys.readouterr().out.splitlines()) == 2
    x = Tensor([3.0], requires_grad=True)
    (x * x).backward()
    assert x.grad.data.tolist() == [6.0]


def test_importing_the_file_alone_does_not_switch_it_on():
    """`tinytorch/__init__` does; the exported file only defines."""
    source = Path(autograd.__file__).read_text(encoding="utf-8")
    listener, old = Tensor.__dict__["_record"], Tensor.backward
    exec(compile(source, "autograd.py", "exec"), {"__name__": "copy_of_autograd"})
    assert Tensor.__dict__["_record"] is listener and Tensor.backward is old


def test_float32_stays_float32_everywhere():
    x = Tensor(spread((4, 3)), requires_grad=True)
    y = Softmax()(GELU()(x * 0.5) + Sigmoid()(x).mean(axis=0) - x.max(axis=1, keepdims=True), dim=0)
    dtypes = set()
    original = autograd.input_gradients

    def spy(node, grad_output):
        dtypes.add(np.asarray(grad_output).dtype)
        yield from original(node, grad_output)

    autograd.input_gradients = spy
    try:
        (log_softmax(y) * y[np.array([0, 0, 1, 2])]).sum().backward()
    finally:
        autograd.input_gradients = original
    assert dtypes == {np.dtype(np.float32)} and x.grad.dtype == np.float32


def test_relu_at_zero_is_flat():
    x = Tensor([0.0], requires_grad=True)
    compute(relu, x).backward()
    assert x.grad.data.tolist() == [0.0]


def test_the_recursion_limit_is_left_alone():
    limit = sys.getrecursionlimit()
    chain(2_000, Tensor([1.0], requires_grad=True)).backward()
    assert sys.getrecursionlimit() == limit
