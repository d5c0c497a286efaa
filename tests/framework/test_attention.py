"""Module 12: attention against PyTorch, finite differences and the loops; the promises of masks."""

from __future__ import annotations

import math
import subprocess
import sys
import tracemalloc
import warnings
import weakref

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytorch  # noqa: F401  (switches autograd on)
from tinytorch.core.attention import (
    MultiHeadAttention,
    attention_explicit,
    attention_scores,
    attention_weights,
    merge_heads,
    plain_attention,
    scaled_dot_product_attention,
    split_heads,
)
from tinytorch.core.autograd import check_gradients, no_grad
from tinytorch.core.tensor import Tensor

SHAPES = [  # queries, keys, values, mask (None: none)
    ((3, 4), (5, 4), (5, 2), None),
    ((3, 4), (5, 4), (5, 2), (3, 5)),
    ((2, 3, 4), (2, 5, 4), (2, 5, 6), (1, 3, 5)),
    ((2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 4), (2, 1, 5, 7)),
    ((2, 3, 1, 4), (2, 3, 7, 4), (2, 3, 7, 4), (7,)),
    ((3, 2, 4), (5, 4), (5, 3), (3, 1, 5)),
    ((2, 4), (3, 5, 4), (1, 5, 3), (2, 1)),
]
BOTH = [plain_attention, scaled_dot_product_attention]


def made(shapes, seed=0):
    """Arrays of these shapes, and a mask that lets every query look at some key."""
    rng = np.random.default_rng(seed)
    q, k, v = (rng.standard_normal(shape).astype(np.float32) for shape in shapes[:3])
    if shapes[3] is None:
        return q, k, v, None
    mask = (rng.random(shapes[3]) < 0.6).astype(np.float32)
    mask[..., 0] = 1
    return q, k, v, mask


def theirs(q, k, v, mask):
    """PyTorch: (output, weights) and the leaves."""
    leaves = [torch.tensor(array, requires_grad=True) for array in (q, k, v)]
    scores = leaves[0] @ leaves[1].transpose(-1, -2) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(torch.tensor(mask) == 0, -math.inf)
    weights = torch.softmax(scores, dim=-1)
    return weights @ leaves[2], weights, leaves


@pytest.mark.parametrize("attend", BOTH)
@pytest.mark.parametrize("shapes", SHAPES)
def test_output_weights_and_gradients_like_torch(attend, shapes):
    q, k, v, mask = made(shapes)
    ours = [Tensor(array.copy(), requires_grad=True) for array in (q, k, v)]
    output, weights = attend(*ours, None if mask is None else Tensor(mask))
    expected, their_weights, leaves = theirs(q, k, v, mask)
    np.testing.assert_allclose(output.data, expected.detach(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(weights.data, their_weights.detach(), rtol=1e-4, atol=1e-6)
    rng = np.random.default_rng(1)
    g, h = (rng.standard_normal(x.shape).astype(np.float32) for x in (output, weights))
    ((output * Tensor(g)).sum() + (weights * Tensor(h)).sum()).backward()
    ((expected * torch.tensor(g)).sum() + (their_weights * torch.tensor(h)).sum()).backward()
    for mine, other in zip(ours, leaves, strict=True):
        np.testing.assert_allclose(mine.grad.data, other.grad, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("causal", [False, True])
def test_like_the_kernel_of_pytorch(causal):
    q, k, v, _ = made(((2, 3, 6, 4), (2, 3, 6, 4), (2, 3, 6, 4), None))
    mask = np.tril(np.ones((1, 6, 6))) if causal else None
    output, _ = scaled_dot_product_attention(Tensor(q), Tensor(k), Tensor(v), mask)
    expected = torch.nn.functional.scaled_dot_product_attention(
        torch.tensor(q), torch.tensor(k), torch.tensor(v), is_causal=causal
    )
    np.testing.assert_allclose(output.data, expected, rtol=1e-4, atol=1e-6)


def test_the_loops_agree_and_count():
    q, k, v, _ = made(((3, 4), (5, 4), (5, 2), None))
    output, weights, multiplications = attention_explicit(q, k, v, 1 / math.sqrt(4))
    fast = scaled_dot_product_attention(Tensor(q), Tensor(k), Tensor(v))
    np.testing.assert_allclose(output, fast[0].data, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(weights, fast[1].data, rtol=1e-5, atol=1e-6)
    assert multiplications == 3 * 5 * (4 + 2)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.randoms())
def test_forms_agree_for_any_mask(n, m, d, random):
    rng = np.random.default_rng(random.randint(0, 10**6))
    q, k, v = (Tensor(rng.standard_normal(s) * 3) for s in ((n, d), (m, d), (m, 2)))
    mask = (rng.random((n, m)) < 0.5).astype(np.float32)
    plain, fast = plain_attention(q, k, v, mask), scaled_dot_product_attention(q, k, v, mask)
    for one, other in zip(plain, fast, strict=True):
        np.testing.assert_allclose(one.data, other.data, rtol=1e-4, atol=1e-5)
    weights = fast[1].data
    assert (weights[mask == 0] == 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), mask.any(axis=1), rtol=1e-5)


@pytest.mark.parametrize("attend", BOTH)
def test_a_row_that_may_see_nothing_is_zero_with_zero_gradients(attend):
    q, k, v = (Tensor(array, requires_grad=True) for array in made(SHAPES[0])[:3])
    mask = np.ones((3, 5))
    mask[1] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        output, weights = attend(q, k, v, mask)
        output.sum().backward()
    assert not output.data[1].any() and not weights.data[1].any()
    assert not q.grad.data[1].any()
    assert all(np.isfinite(t.grad.data).all() for t in (q, k, v))


@pytest.mark.parametrize("attend", BOTH)
def test_a_forbidden_score_may_be_huge(attend):
    q, k = Tensor([[1000.0, 0.0]]), Tensor([[1000.0, 1.0], [-1000.0, 0.0], [-1000.0, 5.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        weights = attend(q, k, Tensor(np.ones((3, 1))), [[0, 1, 1]])[1]
    np.testing.assert_allclose(weights.data, [[0, 0.5, 0.5]])


@pytest.mark.parametrize("attend", BOTH)
@pytest.mark.parametrize("scores", [[-500, -500, 800], [-30000, -30000, 5], [1, 1, 1e6]])
def test_an_allowed_score_may_be_very_low(attend, scores):
    keys = Tensor(np.reshape(scores, (3, 1)))
    weights = attend(Tensor([[1.0]]), keys, keys, [[1, 1, 0]])[1]
    np.testing.assert_allclose(weights.data, [[0.5, 0.5, 0]])


def test_a_forbidden_row_in_float16():
    ones = np.ones((2, 2), dtype=np.float16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        weights = attention_weights(ones, ones, np.array([[1, 0], [0, 0]]))
    np.testing.assert_array_equal(weights, [[1, 0], [0, 0]])
    assert weights.dtype == np.float16


def test_gradients_by_finite_differences():
    q, k, v, mask = made(SHAPES[2])
    tensors = [Tensor(array, requires_grad=True) for array in (q, k, v)]
    check_gradients(lambda *t: scaled_dot_product_attention(*t, mask)[0], *tensors)


def test_no_keys_at_all():
    q, k, v = Tensor(np.ones((2, 4))), Tensor(np.ones((0, 4))), Tensor(np.ones((0, 3)))
    output, weights = scaled_dot_product_attention(q, k, v)
    assert weights.shape == (2, 0)
    np.testing.assert_array_equal(output.data, np.zeros((2, 3)))


@pytest.mark.parametrize(
    "shapes",
    [
        ((3, 4), (5, 3), (5, 2), None),  # features
        ((3, 4), (5, 4), (6, 2), None),  # one value a key
        ((4,), (5, 4), (5, 2), None),
        ((3, 0), (5, 0), (5, 2), None),
        ((2, 3, 4), (3, 5, 4), (3, 5, 2), None),
        ((3, 4), (5, 4), (5, 2), (5, 3)),
        ((3, 4), (5, 4), (5, 2), (1, 3, 5)),  # would add a dimension
        ((1, 3, 4), (1, 5, 4), (1, 5, 2), (2, 3, 5)),  # would stretch one
    ],
)
def test_shapes_that_do_not_fit(shapes):
    q, k, v = (Tensor(np.ones(shape)) for shape in shapes[:3])
    mask = None if shapes[3] is None else np.ones(shapes[3])
    with pytest.raises(ValueError):
        scaled_dot_product_attention(q, k, v, mask)


@pytest.mark.parametrize("entry", [-math.inf, 0.5, -1e9, math.nan])
def test_a_mask_holds_ones_and_zeros(entry):
    q = Tensor(np.ones((2, 3)))
    with pytest.raises(ValueError, match=str(entry)):
        scaled_dot_product_attention(q, q, q, [[1, entry], [1, 1]])


def test_nothing_handed_over_is_changed():
    q, k, v, mask = made(SHAPES[3])
    before = [array.copy() for array in (q, k, v, mask)]
    tensors = [Tensor(array, requires_grad=True) for array in (q, k, v)]
    output, _ = scaled_dot_product_attention(*tensors, mask)
    output.sum().backward()
    for now, then in zip((q, k, v, mask), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_kernel_memory_and_dtype():
    q, mask = np.ones((400, 4), dtype=np.float32), np.ones((400, 400), dtype=np.float32)
    tracemalloc.start()
    weights = attention_weights(q, q, mask)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert weights.dtype == np.float32
    assert attention_weights(q.astype(np.float16), q.astype(np.float16)).dtype == np.float16
    assert peak < 2.2 * weights.nbytes


def test_scores_of_random_vectors_have_spread_one():
    rng = np.random.default_rng(0)
    for d in (4, 64, 512):
        q, k = (Tensor(rng.standard_normal((300, d))) for _ in range(2))
        assert abs(attention_scores(q, k).data.std() - 1) < 0.1


def test_heads_are_split_and_merged():
    x = Tensor(np.arange(2 * 3 * 8).reshape(2, 3, 8))
    heads = split_heads(x, 4)
    expected = torch.arange(48.0).reshape(2, 3, 4, 2).transpose(1, 2)
    np.testing.assert_array_equal(heads.data, expected)
    np.testing.assert_array_equal(merge_heads(heads).data, x.data)


def torch_twin(layer):
    """PyTorch's layer with the same weights."""
    twin = torch.nn.MultiheadAttention(layer.embed_dim, layer.num_heads, batch_first=True)
    projections = [layer.q_proj, layer.k_proj, layer.v_proj]
    with torch.no_grad():
        stacked = np.concatenate([p.weight.data.T for p in projections])
        twin.in_proj_weight.copy_(torch.tensor(stacked))
        twin.in_proj_bias.copy_(torch.tensor(np.concatenate([p.bias.data for p in projections])))
        twin.out_proj.weight.copy_(torch.tensor(layer.out_proj.weight.data.T))
        twin.out_proj.bias.copy_(torch.tensor(layer.out_proj.bias.data))
    return twin


@pytest.mark.parametrize("mask_shape", [None, (5, 5), (1, 5, 5), (3, 5, 5), (3, 2, 5, 5)])
def test_layer_like_torch(mask_shape):
    np.random.seed(0)
    layer = MultiHeadAttention(6, 2)
    for projection in (layer.q_proj, layer.k_proj, layer.v_proj, layer.out_proj):
        projection.bias.data = np.random.randn(6).astype(np.float32)
    twin, mask, forbidden = torch_twin(layer), None, None
    if mask_shape:
        mask = (np.random.random(mask_shape) < 0.5).astype(np.float32)
        mask[..., 0] = 1
        full = mask if mask.ndim != 3 else mask[:, np.newaxis]
        forbidden = torch.tensor(np.broadcast_to(full, (3, 2, 5, 5)).reshape(6, 5, 5) == 0)
        mask = Tensor(mask)
    x = np.random.randn(3, 5, 6).astype(np.float32)
    ours, other = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    layer.keep_weights = True
    result = layer(ours, mask)
    expected, weights = twin(other, other, other, attn_mask=forbidden, average_attn_weights=False)
    np.testing.assert_allclose(result.data, expected.detach(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.last_weights, weights.detach(), rtol=1e-4, atol=1e-5)
    gradient = np.random.randn(3, 5, 6).astype(np.float32)
    result.backward(gradient)
    expected.backward(torch.tensor(gradient))
    np.testing.assert_allclose(ours.grad.data, other.grad, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(
        np.concatenate([p.weight.grad.data for p in (layer.q_proj, layer.k_proj, layer.v_proj)], 1),
        twin.in_proj_weight.grad.T, rtol=1e-3, atol=2e-5,
    )  # fmt: skip
    np.testing.assert_allclose(
        layer.out_proj.weight.grad.data, twin.out_proj.weight.grad.T, rtol=1e-3, atol=1e-5
    )


def test_layer_without_a_batch():
    np.random.seed(0)
    layer, x = MultiHeadAttention(6, 3), np.random.randn(1, 4, 6)
    causal = Tensor(np.tril(np.ones((1, 4, 4))))
    one, batch = layer(Tensor(x[0]), causal), layer(Tensor(x), causal)
    np.testing.assert_allclose(one.data, batch.data[0], rtol=1e-5, atol=1e-6)


def test_weights_are_kept_on_request_only_and_keep_no_graph_alive():
    layer, x = MultiHeadAttention(4, 2), Tensor(np.ones((1, 3, 4)), requires_grad=True)
    layer(x)
    assert layer.last_weights is None
    layer.keep_weights = True
    result = layer(x)
    node = weakref.ref(result._grad_fn)
    del result
    assert node() is None and layer.last_weights.shape == (1, 2, 3, 3)


@pytest.mark.parametrize(("embed_dim", "num_heads"), [(512, 7), (4, 0), (4, -2), (3, 4)])
def test_sizes_that_do_not_fit(embed_dim, num_heads):
    with pytest.raises(ValueError, match=rf"{embed_dim}.*{num_heads}"):
        MultiHeadAttention(embed_dim, num_heads)


@pytest.mark.parametrize("shape", [(4,), (2, 3, 5), ()])
def test_inputs_that_do_not_fit(shape):
    with pytest.raises(ValueError):
        MultiHeadAttention(4, 2)(Tensor(np.ones(shape)))


def test_one_query_against_cached_keys_is_the_last_row_of_all():
    np.random.seed(0)
    layer, x = MultiHeadAttention(6, 3), Tensor(np.random.randn(2, 5, 6))
    whole = layer(x, np.tril(np.ones((5, 5))))
    with no_grad():
        keys, values = (split_heads(p(x), 3) for p in (layer.k_proj, layer.v_proj))
        query = split_heads(layer.q_proj(x[:, 4:]), 3)
        last = layer.out_proj(merge_heads(scaled_dot_product_attention(query, keys, values)[0]))
    np.testing.assert_allclose(last.data, whole.data[:, 4:], rtol=1e-4, atol=1e-5)


def test_without_autograd_a_plain_forward_works():
    code = (
        "import numpy as np\n"
        "from tinytorch.core.tensor import Tensor\n"
        "Tensor._record = None\n"
        "from tinytorch.core.attention import MultiHeadAttention\n"
        "y = MultiHeadAttention(4, 2)(Tensor(np.ones((2, 3, 4))), np.tril(np.ones((3, 3))))\n"
        "assert y.shape == (2, 3, 4) and not y.requires_grad\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
