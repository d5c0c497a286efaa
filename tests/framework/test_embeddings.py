"""Module 11: lookups and their gradients against PyTorch, positions, odd inputs, texts' claims."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytorch  # noqa: F401  (switches autograd on)
from tinytorch.core.autograd import numerical_gradient
from tinytorch.core.embeddings import (
    SMALL_TABLE,
    Embedding,
    EmbeddingLayer,
    PositionalEncoding,
    SinusoidalEncoding,
    compact_gradient,
    create_sinusoidal_embeddings,
    look_up,
    one_hot_rows,
    rotate_by_position,
    token_ids,
)
from tinytorch.core.tensor import Tensor, compute

ACCEPTED = [
    [[3, 0, 3], [1, 4, 3]],
    np.array([[3, 0, 3], [1, 4, 3]], dtype=np.uint8),
    np.array([[3.0, 0.0, 3.0], [1.0, 4.0, 3.0]]),
    Tensor([[3, 0, 3], [1, 4, 3]]),
    [np.array([3, 0, 3]), np.array([1, 4, 3])],
    np.array([[3, 1], [0, 4], [3, 3]]).T,
]


def both(vocabulary, width):
    """Our embedding and PyTorch's, with the same table."""
    ours = Embedding(vocabulary, width)
    theirs = torch.nn.Embedding.from_pretrained(torch.tensor(ours.weight.data), freeze=False)
    return ours, theirs


@pytest.mark.parametrize("vocabulary", [1, 2, SMALL_TABLE, SMALL_TABLE + 1, 3000])
@pytest.mark.parametrize("shape", [(), (5,), (3, 7), (2, 3, 4), (0,), (0, 5), (4, 0)])
def test_lookup_and_gradient_like_torch(vocabulary, shape):
    rng = np.random.default_rng(vocabulary)
    ours, theirs = both(vocabulary, 6)
    ids = rng.integers(0, vocabulary, shape)
    result, expected = ours(ids), theirs(torch.tensor(ids))
    assert result.shape == (*shape, 6) and result.dtype == np.float32
    np.testing.assert_array_equal(result.data, expected.detach().numpy())
    gradient = rng.standard_normal(result.shape).astype(np.float32)
    result.backward(gradient)
    expected.backward(torch.tensor(gradient))
    assert ours.weight.grad.dtype == np.float32
    np.testing.assert_allclose(
        ours.weight.grad.data, theirs.weight.grad.numpy(), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("tokens", ACCEPTED)
def test_every_way_to_pass_ids(tokens):
    ids = token_ids(tokens, 5)
    assert ids.dtype == np.int64
    np.testing.assert_array_equal(ids, [[3, 0, 3], [1, 4, 3]])
    assert not np.shares_memory(ids, np.asarray(tokens))


@pytest.mark.parametrize(
    ("tokens", "error", "words"),
    [
        ([0, 5], ValueError, ["5", "size 5"]),
        ([0, -1], ValueError, ["-1", "size 5"]),
        (Tensor([1.5]), ValueError, ["1.5"]),
        ([float("nan")], ValueError, ["nan"]),
        ([float("inf")], ValueError, ["inf", "size 5"]),
        ([[1, 2], [3]], ValueError, ["ragged"]),
        (["dog"], TypeError, ["list"]),
        (np.array([True]), TypeError, ["ndarray"]),
        (None, TypeError, ["NoneType"]),
        (np.array([2**63], dtype=np.uint64), ValueError, ["9223372036854775808"]),
    ],
)
@pytest.mark.filterwarnings("error")
def test_bad_ids_are_named(tokens, error, words):
    with pytest.raises(error) as raised:
        Embedding(5, 2)(tokens)
    assert all(word in str(raised.value) for word in words)


def test_large_ids_keep_every_digit():
    ids = np.array([2**24 + 1, 2**53 + 1])
    np.testing.assert_array_equal(token_ids(ids, 2**60), ids)


def test_ids_changed_after_the_lookup_change_nothing():
    embedding, ids = Embedding(7, 2), np.array([1, 1, 3])
    result = embedding(ids)
    ids[:] = 5
    result.sum().backward()
    np.testing.assert_array_equal(embedding.weight.grad.data[:, 0], [0, 2, 0, 1, 0, 0, 0])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 100), st.integers(0, 60), st.integers(0, 2**32 - 1))
def test_one_hot_lookup_and_sparse_gradient_agree(vocabulary, count, seed):
    rng = np.random.default_rng(seed)
    ids, rows = rng.integers(0, vocabulary, count), rng.standard_normal((count, 3)).astype("f")
    table = rng.standard_normal((vocabulary, 3)).astype("f")
    np.testing.assert_allclose(
        one_hot_rows(ids, vocabulary) @ table, look_up(table, ids), rtol=1e-6
    )
    touched, sums = compact_gradient(rows, ids)
    dense = np.zeros((vocabulary, 3))
    np.add.at(dense, ids, rows)
    np.testing.assert_array_equal(touched, sorted(set(ids.tolist())))
    np.testing.assert_allclose(sums, dense[touched], rtol=1e-4, atol=1e-5)
    assert sums.dtype == np.float32


def test_initial_tables_are_uniform_within_their_limits():
    np.random.seed(0)
    for table, limit in [
        (Embedding(300, 200).weight, np.sqrt(6 / 500)),
        (PositionalEncoding(300, 200).position_embeddings, np.sqrt(2 / 200)),
    ]:
        assert table.requires_grad and table.shape == (300, 200)
        assert 0.999 * limit < np.abs(table.data).max() <= limit
        assert abs(table.data.std() / (limit / np.sqrt(3)) - 1) < 0.01


@pytest.mark.parametrize("width", [1, 2, 7, 64])
def test_sinusoidal_table_by_its_formula(width):
    table = create_sinusoidal_embeddings(50, width)
    assert table.dtype == np.float32 and not table.requires_grad
    for position in (0, 1, 17, 49):
        for column in range(width):
            angle = position / 10000 ** ((column - column % 2) / width)
            expected = np.cos(angle) if column % 2 else np.sin(angle)
            assert abs(table.data[position, column] - expected) < 1e-6


def test_far_positions_are_exact():
    table = create_sinusoidal_embeddings(200_001, 4).data
    np.testing.assert_allclose(table[-1, :2], [np.sin(200_000), np.cos(200_000)], atol=1e-6)


@pytest.mark.parametrize("kind", ["learned", "sinusoidal", None])
@pytest.mark.parametrize("scale", [False, True])
def test_layer_like_torch(kind, scale):
    layer = EmbeddingLayer(11, 6, max_seq_len=9, pos_encoding=kind, scale_embeddings=scale)
    ids = np.random.default_rng(1).integers(0, 11, (4, 5))
    weight = torch.tensor(layer.token_embedding.weight.data, requires_grad=True)
    expected = torch.nn.functional.embedding(torch.tensor(ids), weight) * (6**0.5 if scale else 1)
    tables = [weight]
    if kind == "learned":
        tables.append(
            torch.tensor(layer.position_encoding.position_embeddings.data, requires_grad=True)
        )
        expected = expected + tables[1][:5]
    if kind == "sinusoidal":
        expected = expected + torch.tensor(create_sinusoidal_embeddings(5, 6).data)
    result = layer(Tensor(ids))
    np.testing.assert_allclose(result.data, expected.detach().numpy(), rtol=1e-5, atol=1e-6)
    (result * result).sum().backward()
    (expected * expected).sum().backward()
    parameters = layer.parameters()
    assert [p.shape for p in parameters] == [tuple(t.shape) for t in tables]
    for mine, other in zip(parameters, tables, strict=True):
        np.testing.assert_allclose(mine.grad.data, other.grad.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["learned", "sinusoidal", None])
def test_a_text_read_in_pieces_is_the_text(kind):
    layer = EmbeddingLayer(11, 6, max_seq_len=9, pos_encoding=kind)
    ids = np.random.default_rng(1).integers(0, 11, (3, 9))
    pieces = [layer(ids[:, a:b], start=a).data for a, b in [(0, 4), (4, 5), (5, 9)]]
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), layer(ids).data)


def test_lengths():
    layer = EmbeddingLayer(11, 6, max_seq_len=9)
    with pytest.raises(ValueError, match=r"10.*9"):
        layer(np.zeros((2, 10), dtype=int))
    with pytest.raises(ValueError, match=r"10.*9"):
        layer(np.zeros((2, 2), dtype=int), start=8)
    endless = EmbeddingLayer(11, 6, max_seq_len=9, pos_encoding="sinusoidal")
    expected = create_sinusoidal_embeddings(1000, 6).data
    endless.token_embedding.weight.data[:] = 0
    np.testing.assert_array_equal(endless(np.zeros((1, 1000), dtype=int)).data[0], expected)
    assert len(endless.parameters()) == 1


def test_the_sinusoidal_table_is_not_made_anew_for_every_token(monkeypatch):
    made = []
    encoding = SinusoidalEncoding(4, 6)
    monkeypatch.setitem(
        SinusoidalEncoding.rows.__globals__,
        "create_sinusoidal_embeddings",
        lambda size, width: made.append(size) or create_sinusoidal_embeddings(size, width),
    )
    for position in range(1000):
        encoding.rows(position, position + 1)
    assert len(made) <= 10


@pytest.mark.parametrize("tokens", [[1, 2], 3, np.zeros((2, 3, 4), dtype=int)])
def test_the_layer_wants_batches_of_sequences(tokens):
    with pytest.raises(ValueError, match=r"\(batch, seq\)"):
        EmbeddingLayer(5, 2)(tokens)


def test_sizes_and_kinds_are_checked():
    for make in (
        lambda: Embedding(0, 3),
        lambda: Embedding(3, -1),
        lambda: PositionalEncoding(0, 3),
        lambda: create_sinusoidal_embeddings(3, 0),
    ):
        with pytest.raises(ValueError, match=r"0|-1"):
            make()
    with pytest.raises(ValueError, match="'rotary'"):
        EmbeddingLayer(5, 2, pos_encoding="rotary")
    with pytest.raises(ValueError, match=r"\(5, 6\)"):
        PositionalEncoding(9, 6)(Tensor(np.zeros((5, 6))))
    with pytest.raises(ValueError, match=r"4.*6"):
        PositionalEncoding(9, 6)(Tensor(np.zeros((2, 5, 4))))


def test_rotation_depends_on_the_distance_alone():
    rng = np.random.default_rng(0)
    q, k = rng.standard_normal((2, 8)).astype("f")
    turned = [
        rotate_by_position(Tensor(np.tile(v, (2, 40, 1)))).data[1].astype(float) for v in (q, k)
    ]
    products = turned[0] @ turned[1].T
    for distance in (-7, 0, 3):
        line = np.diagonal(products, distance)
        np.testing.assert_allclose(line, line[0], atol=1e-5)
    np.testing.assert_allclose(products[0, 0], q @ k, rtol=1e-5)


def test_gradient_of_the_rotation():
    x = Tensor(np.random.default_rng(0).standard_normal((2, 3, 4)), requires_grad=True)
    weights = Tensor(np.random.default_rng(1).standard_normal((2, 3, 4)))
    (rotate_by_position(x, start=5) * weights).sum().backward()
    expected = numerical_gradient(lambda t: (rotate_by_position(t, start=5) * weights).sum(), x)
    np.testing.assert_allclose(x.grad.data, expected, atol=2e-3)


def test_nothing_is_recorded_for_a_frozen_table():
    embedding = Embedding(5, 2)
    embedding.weight.requires_grad = False
    assert embedding([1]).requires_grad is False
    assert compute(look_up, Tensor(np.eye(3)), ids=np.array([2])).data.tolist() == [[0, 0, 1]]
