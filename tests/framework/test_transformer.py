"""Module 13: every part against PyTorch, finite differences or brute force; claims of the text."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytorch.nn
from tinytorch.core.autograd import check_gradients, grad_mode
from tinytorch.core.losses import CrossEntropyLoss
from tinytorch.core.optimizers import AdamW
from tinytorch.core.tensor import Tensor, compute
from tinytorch.core.transformer import (
    GPT,
    MLP,
    LayerNorm,
    RMSNorm,
    Transformer,
    TransformerBlock,
    context_bytes,
    create_causal_mask,
    draw,
    gpt_parameters,
    layer_norm,
    next_token_probabilities,
    rms_norm,
    standardize,
)

RNG = np.random.default_rng(0)
SHAPES = [(7,), (1, 7), (5, 7), (2, 3, 7), (0, 7), (2, 0, 7), (2, 3, 1), (3, 2, 4, 5)]


def array(*shape, scale=1.0, offset=0.0):
    return (RNG.standard_normal(shape) * scale + offset).astype(np.float32)


def small_gpt(**more):
    np.random.seed(0)
    sizes = {"vocab_size": 11, "embed_dim": 12, "num_layers": 2, "num_heads": 3, "max_seq_len": 9}
    return GPT(**{**sizes, "dropout_prob": 0.0, **more})


def ids(*shape, below=11):
    return RNG.integers(0, below, shape)


# Norms


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("scale", "offset"), [(1, 0), (0.1, 0), (100, 1000)])
def test_layer_norm_and_its_gradients_like_torch(shape, scale, offset):
    x, gamma, beta = array(*shape, scale=scale, offset=offset), array(shape[-1]), array(shape[-1])
    ours = [Tensor(a.copy(), requires_grad=True) for a in (x, gamma, beta)]
    theirs = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in (x, gamma, beta)]
    result = compute(layer_norm, *ours, eps=1e-5)
    expected = torch.nn.functional.layer_norm(theirs[0], shape[-1:], *theirs[1:], eps=1e-5)
    np.testing.assert_allclose(result.data, expected.detach().numpy(), rtol=1e-3, atol=2e-4)
    gradient = array(*shape)
    result.backward(gradient)
    expected.backward(torch.tensor(gradient, dtype=torch.float64))
    for mine, other in zip(ours, theirs, strict=True):
        size = np.abs(other.grad.numpy()).max(initial=1e-3)
        np.testing.assert_allclose(mine.grad.data, other.grad.numpy(), rtol=2e-3, atol=1e-3 * size)
        assert mine.grad.data.dtype == np.float32


@pytest.mark.parametrize("shape", SHAPES)
def test_rms_norm_like_torch(shape):
    x, gamma = array(*shape, offset=0.5), array(shape[-1])
    ours = [Tensor(a.copy(), requires_grad=True) for a in (x, gamma)]
    theirs = [torch.tensor(a, requires_grad=True) for a in (x, gamma)]
    result = compute(rms_norm, *ours, eps=1e-5)
    expected = torch.nn.functional.rms_norm(theirs[0], shape[-1:], theirs[1], eps=1e-5)
    gradient = array(*shape)
    result.backward(gradient)
    expected.backward(torch.tensor(gradient))
    np.testing.assert_allclose(result.data, expected.detach().numpy(), rtol=1e-5, atol=1e-5)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.grad.data, other.grad.numpy(), rtol=1e-4, atol=1e-5)


def test_norms_against_finite_differences():
    x = Tensor(array(3, 5), requires_grad=True)
    for layer in (LayerNorm(5), RMSNorm(5)):
        layer.gamma.data = array(5)
        assert check_gradients(lambda *_, f=layer: f(x), x, *layer.parameters()) < 1e-2


def test_constant_rows_and_large_offsets_stay_finite():
    x = np.float32([[5, 5, 5], [0, 0, 0], [10000, 10001, 10002], [1e-20, -1e-20, 0]])
    result, scale = standardize(x, 1e-5)
    assert np.isfinite(result).all() and np.isfinite(scale).all()
    np.testing.assert_array_equal(result[:2], 0)
    np.testing.assert_allclose(result[2], [-1.2247, 0, 1.2247], atol=1e-3)
    assert scale.shape == (4, 1) and result.dtype == scale.dtype == np.float32


def test_one_node_and_nothing_shared_or_changed():
    layer, x = LayerNorm(4), Tensor(array(3, 4), requires_grad=True)
    before = x.data.copy()
    result = layer(x)
    assert result._grad_fn.saved_tensors == (x, layer.gamma, layer.beta)
    assert not np.shares_memory(result.data, x.data)
    gradient = array(3, 4)
    kept = gradient.copy()
    result.backward(gradient)
    np.testing.assert_array_equal(x.data, before)
    np.testing.assert_array_equal(gradient, kept)


@pytest.mark.parametrize("shape", [(), (3,), (2, 1), (4, 3)])
def test_layer_norm_refuses_other_widths(shape):
    with pytest.raises(ValueError, match="4"):
        LayerNorm(4)(Tensor(np.zeros(shape)))
    with pytest.raises(ValueError):
        LayerNorm(0)


# Blocks


def torch_block(block, heads):
    """PyTorch's own block with the same weights."""
    width, hidden = block.mlp.linear1.weight.shape
    theirs = torch.nn.TransformerEncoderLayer(
        width, heads, hidden, dropout=0.0, batch_first=True, norm_first=True,
        activation=lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
    )  # fmt: skip
    attention = block.attention
    inward = [attention.q_proj, attention.k_proj, attention.v_proj]
    with torch.no_grad():
        for target, source in [
            (theirs.self_attn.in_proj_weight, np.hstack([p.weight.data for p in inward]).T),
            (theirs.self_attn.in_proj_bias, np.hstack([p.bias.data for p in inward])),
            (theirs.self_attn.out_proj.weight, attention.out_proj.weight.data.T),
            (theirs.self_attn.out_proj.bias, attention.out_proj.bias.data),
            (theirs.linear1.weight, block.mlp.linear1.weight.data.T),
            (theirs.linear1.bias, block.mlp.linear1.bias.data),
            (theirs.linear2.weight, block.mlp.linear2.weight.data.T),
            (theirs.linear2.bias, block.mlp.linear2.bias.data),
            (theirs.norm1.weight, block.ln1.gamma.data),
            (theirs.norm1.bias, block.ln1.beta.data),
            (theirs.norm2.weight, block.ln2.gamma.data),
            (theirs.norm2.bias, block.ln2.beta.data),
        ]:
            target.copy_(torch.tensor(np.ascontiguousarray(source)))
    return theirs


@pytest.mark.parametrize("causal", [True, False])
def test_block_and_its_gradients_like_torch(causal):
    np.random.seed(1)
    block = TransformerBlock(12, 3, mlp_ratio=2.5, dropout_prob=0.0)
    for parameter in block.parameters():
        parameter.data = parameter.data + array(*parameter.shape, scale=0.1)
    theirs, x = torch_block(block, 3), array(2, 5, 12)
    ours, other = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    result = block(ours, create_causal_mask(5) if causal else None)
    mask = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1) if causal else None
    expected = theirs(other, src_mask=mask)
    np.testing.assert_allclose(result.data, expected.detach().numpy(), rtol=1e-4, atol=1e-5)
    gradient = array(2, 5, 12)
    result.backward(gradient)
    expected.backward(torch.tensor(gradient))
    np.testing.assert_allclose(ours.grad.data, other.grad.numpy(), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(
        block.mlp.linear1.weight.grad.data.T, theirs.linear1.weight.grad.numpy(),
        rtol=1e-3, atol=1e-4,
    )  # fmt: skip


def test_mlp_sizes():
    assert MLP(6).linear1.weight.shape == (6, 24)
    assert MLP(6, 7).linear2.weight.shape == (7, 6)
    assert MLP(6, dropout_prob=0.3).dropout.p == 0.3
    with pytest.raises(ValueError):
        MLP(6, 0)
    assert TransformerBlock(8, 2, mlp_ratio=1.3).mlp.linear1.weight.shape == (8, 10)


def test_dropout_works_in_both_branches_and_not_in_evaluation():
    np.random.seed(0)
    block, x = TransformerBlock(8, 2, dropout_prob=1.0), Tensor(array(2, 3, 8))
    np.testing.assert_array_equal(block(x).data, x.data)
    block.eval()
    assert not np.array_equal(block(x).data, x.data)


@pytest.mark.parametrize("length", [1, 2, 7])
def test_mask(length):
    mask = create_causal_mask(length)
    expected = [[[float(j <= i) for j in range(length)] for i in range(length)]]
    np.testing.assert_array_equal(mask.data, expected)
    assert mask.data.dtype == np.float32 and not mask.requires_grad


# The model


def torch_logits(model, tokens):
    """The model written out once more, in PyTorch."""

    def weight(tensor):
        return torch.tensor(tensor.data)

    x = weight(model.embedding.token_embedding.weight)[torch.tensor(tokens)]
    x = x + weight(model.embedding.position_encoding.position_embeddings)[: tokens.shape[1]]
    mask = torch.triu(torch.ones(tokens.shape[1], tokens.shape[1], dtype=torch.bool), 1)
    for block in model.blocks:
        x = torch_block(block, model.num_heads)(x, src_mask=mask)
    final = model.ln_f
    x = torch.nn.functional.layer_norm(x, x.shape[-1:], weight(final.gamma), weight(final.beta))
    return (x @ weight(model.lm_head.weight)).detach().numpy()


def test_gpt_like_torch():
    model, tokens = small_gpt(), ids(4, 7)
    for parameter in model.parameters():
        parameter.data = parameter.data + array(*parameter.shape, scale=0.1)
    ours = model(Tensor(tokens)).data
    np.testing.assert_allclose(ours, torch_logits(model, tokens), rtol=1e-4, atol=1e-5)


@given(st.integers(2, 9), st.integers(1, 8), st.integers(0, 10))
@settings(deadline=None, max_examples=25)
def test_a_later_token_changes_no_earlier_logit(length, where, new):
    where = min(where, length - 1)
    model, tokens = small_gpt(), ids(2, length)
    changed = tokens.copy()
    changed[:, where] = new
    before, after = model(Tensor(tokens)).data, model(Tensor(changed)).data
    np.testing.assert_array_equal(before[:, :where], after[:, :where])
    if (changed != tokens).any():
        assert not np.array_equal(before[:, where:], after[:, where:])


def test_every_parameter_receives_a_gradient_and_moves():
    model, tokens = small_gpt(), ids(4, 10)
    optimizer = AdamW(model.parameters(), lr=1e-3)
    before = [parameter.data.copy() for parameter in model.parameters()]
    CrossEntropyLoss()(model(Tensor(tokens[:, :-1])), Tensor(tokens[:, 1:])).backward()
    for parameter in model.parameters():
        assert parameter.grad is not None and np.abs(parameter.grad.data).max() > 0
    optimizer.step()
    for parameter, old in zip(model.parameters(), before, strict=True):
        assert not np.array_equal(parameter.data, old)


def test_one_batch_is_learned_by_heart():
    model, tokens = small_gpt(embed_dim=24), ids(4, 10)
    optimizer, losses = AdamW(model.parameters(), lr=1e-2), []
    for _ in range(60):
        optimizer.zero_grad()
        loss = CrossEntropyLoss()(model(Tensor(tokens[:, :-1])), Tensor(tokens[:, 1:]))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 2.0 and losses[-1] < 0.2


@pytest.mark.parametrize("shape", [(5,), (2, 0), (2, 10), (1, 2, 3)])
def test_wrong_token_shapes(shape):
    with pytest.raises(ValueError) as caught:
        small_gpt()(Tensor(np.zeros(shape)))
    assert str(shape) in str(caught.value) and "9" in str(caught.value)


def test_wrong_tokens_and_sizes():
    for wrong in (11, -1, 0.5):
        with pytest.raises(ValueError, match=str(wrong)):
            small_gpt()(Tensor([[wrong]]))
    with pytest.raises(ValueError):
        small_gpt(num_heads=5)
    with pytest.raises(ValueError, match="num_layers"):
        small_gpt(num_layers=0)


def test_transformer_takes_the_papers_names():
    model = tinytorch.nn.Transformer(vocab=11, d_model=12, n_layers=2, n_heads=3, max_seq_len=9)
    assert isinstance(model, GPT)
    ours = [p.shape for p in small_gpt().parameters()]
    assert [p.shape for p in model.parameters()] == ours
    assert [p.shape for p in Transformer(11, 12, 2, 3, max_seq_len=9).parameters()] == ours
    with pytest.raises(TypeError):
        Transformer(vocab=11, vocab_size=11, d_model=12, n_layers=1, n_heads=3)
    with pytest.raises(TypeError):
        Transformer(vocab=11, d_model=12, n_layers=1)


# Sizes


@pytest.mark.parametrize("sizes", [(11, 12, 2, 9), (65, 8, 1, 33), (7, 20, 3, 5)])
def test_parameters_by_formula(sizes):
    vocab, width, layers, length = sizes
    model = GPT(vocab, width, layers, 2, length)
    assert sum(gpt_parameters(*sizes).values()) == sum(p.size for p in model.parameters())


def test_gpt2_has_124_million():
    parts = gpt_parameters(50257, 768, 12)
    assert sum(parts.values()) - parts["head"] == 124_439_808


def test_context_by_measurement():
    model, tokens = small_gpt(), ids(4, 7)
    for block in model.blocks:
        block.attention.keep_weights = True
    model(Tensor(tokens))
    measured = sum(block.attention.last_weights.nbytes for block in model.blocks)
    expected = context_bytes(4, 7, 12, 2, 3)
    assert measured == expected["attention_weights"]
    assert expected["keys_and_values"] == 2 * 2 * 4 * 7 * 12 * 4


# Sampling


@given(
    st.integers(1, 6),
    st.integers(1, 12),
    st.sampled_from([0.01, 0.5, 1.0, 3.0, 100.0]),
    st.none() | st.integers(1, 15),
    st.integers(0, 1000),
)
@settings(deadline=None, max_examples=80)
def test_probabilities_by_brute_force(rows, vocab, temperature, top_k, seed):
    rng = np.random.default_rng(seed)
    logits = (rng.integers(-8, 8, (rows, vocab)) * 0.5).astype(np.float32)
    before = logits.copy()
    found = next_token_probabilities(logits, temperature, top_k)
    for row, got in zip(logits.astype(float), found, strict=True):
        limit = sorted(row)[-min(top_k or vocab, vocab)]
        terms = [np.exp((z - max(row)) / temperature) if z >= limit else 0.0 for z in row]
        np.testing.assert_allclose(got, np.array(terms) / sum(terms), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(logits, before)


def test_temperature_zero_is_greedy_and_the_limit():
    logits = array(5, 7)
    greedy = next_token_probabilities(logits, 0)
    np.testing.assert_array_equal(greedy.argmax(1), logits.argmax(1))
    np.testing.assert_array_equal(np.sort(greedy)[:, -1], 1)
    np.testing.assert_allclose(next_token_probabilities(logits * 1000, 1e-3), greedy, atol=1e-6)


@pytest.mark.parametrize("wrong", [-0.5, float("nan"), float("inf")])
def test_wrong_temperatures(wrong):
    with pytest.raises(ValueError, match=str(wrong)):
        next_token_probabilities(np.zeros((1, 3)), wrong)


def test_wrong_top_k_and_logits():
    with pytest.raises(ValueError, match="0"):
        next_token_probabilities(np.zeros((1, 3)), 1.0, 0)
    with pytest.raises(ValueError, match="nan"):
        next_token_probabilities(np.float32([[0, np.nan]]))


def test_draw_has_the_right_frequencies():
    np.random.seed(0)
    chances = np.array([0.0, 0.5, 0.0, 0.3, 0.2, 0.0])
    counts = np.bincount(draw(np.tile(chances, (20_000, 1))), minlength=6)
    assert counts[[0, 2, 5]].sum() == 0
    np.testing.assert_allclose(counts / 20_000, chances, atol=0.015)


@pytest.mark.parametrize("thrown", [0.0, 1 - 2**-53])
def test_draw_never_takes_the_impossible(monkeypatch, thrown):
    monkeypatch.setattr(np.random, "random", lambda size: np.full(size, thrown))
    for total in (1.0, 1 + 1e-7, 1 - 1e-7):
        rows = np.array([[0, 0.5, 0.5, 0], [0, 1, 0, 0], [0.0, 0, 0, 1]]) * total
        chosen = draw(rows)
        assert (rows[np.arange(3), chosen] > 0).all()


# Generation


def test_greedy_by_hand_and_the_window_slides():
    model, tokens = small_gpt(), ids(3, 4)
    by_hand = tokens
    for _ in range(12):
        logits = torch_logits(model, by_hand[:, -9:])[:, -1]
        by_hand = np.concatenate([by_hand, logits.argmax(1)[:, None]], axis=1)
    found = model.generate(Tensor(tokens), 12, temperature=0)
    assert isinstance(found, Tensor) and found.shape == (3, 16)
    np.testing.assert_array_equal(found.data, by_hand)


def test_a_prompt_longer_than_the_window_is_kept_whole():
    model, tokens = small_gpt(), ids(2, 30)
    found = model.generate(Tensor(tokens), 3, temperature=0).data
    np.testing.assert_array_equal(found[:, :30], tokens)
    short = model.generate(Tensor(tokens[:, -9:]), 3, temperature=0).data
    np.testing.assert_array_equal(found[:, -12:], short)


def test_generate_is_seeded_and_leaves_model_and_prompt_alone():
    model = small_gpt(dropout_prob=0.5)
    model.blocks[1].eval()
    prompt = Tensor(ids(2, 3))
    before = prompt.data.copy()
    texts = []
    for seed in (1, 1, 2):
        np.random.seed(seed)
        texts.append(model.generate(prompt, 20, temperature=1.5).data)
    np.testing.assert_array_equal(texts[0], texts[1])
    assert not np.array_equal(texts[0], texts[2])
    assert model.training and model.blocks[0].mlp.dropout.training
    assert not model.blocks[1].mlp.dropout.training
    assert grad_mode.enabled and not model.generate(prompt, 1).requires_grad
    np.testing.assert_array_equal(prompt.data, before)
    np.testing.assert_array_equal(model.generate(prompt, 0).data, before)


def test_generate_restores_the_mode_after_an_error():
    model = small_gpt()
    with pytest.raises(ValueError):
        model.generate(Tensor([[99.0]]), 2)
    assert model.training and grad_mode.enabled


@pytest.mark.parametrize("prompt", [[1, 2], [[]]])
def test_wrong_prompts(prompt):
    with pytest.raises(ValueError):
        small_gpt().generate(Tensor(np.array(prompt, dtype=np.float32)), 2)


def test_wrong_numbers_of_tokens():
    with pytest.raises(ValueError, match="-1"):
        small_gpt().generate(Tensor([[1.0]]), -1)


def test_top_k_one_is_greedy():
    model, prompt = small_gpt(), Tensor(ids(2, 3))
    np.testing.assert_array_equal(
        model.generate(prompt, 6, top_k=1).data, model.generate(prompt, 6, temperature=0).data
    )
