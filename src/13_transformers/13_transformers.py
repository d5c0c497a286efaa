# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
"""
# Module 13: Transformers

## Setup
"""

# %%
#| default_exp core.transformer

# %%
#| export
"""Transformers: the block, stacked; the model that writes on; sampling; what all of it weighs."""

import math
from typing import Any

import numpy as np

from tinytorch.core.activations import GELU, softmax
from tinytorch.core.attention import MultiHeadAttention
from tinytorch.core.autograd import Function, backward_rule, no_grad
from tinytorch.core.embeddings import EmbeddingLayer
from tinytorch.core.layers import Dropout, Layer, Linear
from tinytorch.core.tensor import Tensor, compute, method_of
from tinytorch.core.training import evaluation_mode

# %%
# For the test cells and experiments below; not part of your framework.
from tito.checks import check, probe

# %% nbgrader={"grade": false, "grade_id": "transformers_standardize", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def mean_of_products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The mean of a * b along the last axis, kept with size 1. (No array a * b is made.)"""
    return np.einsum("...i,...i->...", a, b)[..., np.newaxis] / a.shape[-1]


def standardize(x: np.ndarray, eps: float) -> tuple[np.ndarray, np.ndarray]:
    """Give every row of x, along its last axis, mean 0 and variance 1: (normalized, scale).

    `normalized` is (x - mean) * scale, a new array of x's shape. `scale` is 1 / sqrt(variance +
    eps), with a last axis of size 1.
    """
    ### BEGIN SOLUTION
    centred = x - x.mean(axis=-1, keepdims=True)
    scale = 1 / np.sqrt(mean_of_products(centred, centred) + eps)
    centred *= scale
    return centred, scale
    ### END SOLUTION


def layer_norm(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float) -> np.ndarray:
    """Standardize every row of x, then multiply by gamma and add beta, entry by entry."""
    ### BEGIN SOLUTION
    y, _ = standardize(x, eps)
    y *= gamma
    y += beta
    return y
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "transformers_layer_norm_rule", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(layer_norm)
class LayerNormBackward(Function):
    """The rule of y = gamma * (x - mean) / sqrt(variance + eps) + beta, exact in all of x."""

    def apply(self, grad_output):
        """Return the gradients of x, gamma and beta."""
        ### BEGIN SOLUTION
        x, gamma, _ = self.arrays
        normalized, scale = standardize(x, self.settings["eps"])
        rows = grad_output.reshape(-1, x.shape[-1])
        grad_gamma = np.einsum("ri,ri->i", rows, normalized.reshape(rows.shape))
        grad_x = grad_output * gamma
        normalized *= mean_of_products(grad_x, normalized)
        grad_x -= grad_x.mean(axis=-1, keepdims=True)
        grad_x -= normalized
        grad_x *= scale
        return grad_x, grad_gamma, rows.sum(axis=0)
        ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "transformers_layer_norm", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class LayerNorm(Layer):
    """Every row gets mean 0 and variance 1, then a learned scale and offset per feature."""

    def __init__(self, normalized_shape: int, eps: float = 1e-5):
        """Make gamma and beta."""
        ### BEGIN SOLUTION
        if normalized_shape < 1:
            raise ValueError(f"LayerNorm needs at least one feature, got {normalized_shape}")
        self.normalized_shape, self.eps = normalized_shape, eps
        self.gamma = Tensor(np.ones(normalized_shape), requires_grad=True)
        self.beta = Tensor(np.zeros(normalized_shape), requires_grad=True)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Normalize the last dimension of x."""
        ### BEGIN SOLUTION
        if x.shape[-1:] != self.gamma.shape:
            raise ValueError(
                f"LayerNorm({self.normalized_shape}) got an input of shape {x.shape}: "
                f"its last dimension must be {self.normalized_shape}"
            )
        return compute(layer_norm, x, self.gamma, self.beta, eps=self.eps)
        ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "transformers_mlp", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class MLP(Layer):
    """Two linear layers with a GELU between them, applied to every position by itself."""

    def __init__(self, embed_dim: int, hidden_dim: int | None = None, dropout_prob: float = 0.1):
        """Make the layers linear1, gelu, linear2 and dropout; hidden_dim None is 4 * embed_dim."""
        ### BEGIN SOLUTION
        if hidden_dim is None:
            hidden_dim = 4 * embed_dim
        self.linear1 = Linear(embed_dim, hidden_dim)
        self.gelu = GELU()
        self.linear2 = Linear(hidden_dim, embed_dim)
        self.dropout = Dropout(dropout_prob)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Apply linear1, gelu, linear2 and dropout to x of shape (..., embed_dim)."""
        ### BEGIN SOLUTION
        return self.dropout(self.linear2(self.gelu(self.linear1(x))))
        ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "transformers_mask", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def create_causal_mask(seq_len: int) -> Tensor:
    """Who may look at whom, (1, seq_len, seq_len): 1 if query i may see key j, which is j <= i."""
    ### BEGIN SOLUTION
    return Tensor(np.tril(np.ones((1, seq_len, seq_len), dtype=np.float32)))
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "transformers_block", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class TransformerBlock(Layer):
    """One layer of a transformer: attention mixes positions, an MLP works on each of them."""

    def __init__(
        self, embed_dim: int, num_heads: int, mlp_ratio: float = 4, dropout_prob: float = 0.1
    ):
        """Make ln1, attention, ln2, mlp, and dropout."""
        ### BEGIN SOLUTION
        self.ln1 = LayerNorm(embed_dim)
        self.attention = MultiHeadAttention(embed_dim, num_heads)
        self.ln2 = LayerNorm(embed_dim)
        self.mlp = MLP(embed_dim, int(mlp_ratio * embed_dim), dropout_prob)
        self.dropout = Dropout(dropout_prob)
        ### END SOLUTION

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Add to x what attention finds, then what the MLP makes of it."""
        ### BEGIN SOLUTION
        x = x + self.dropout(self.attention(self.ln1(x), mask))
        return x + self.mlp(self.ln2(x))
        ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "transformers_gpt", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class GPT(Layer):
    """A language model: token ids in, for every position the logits of the next token out."""

    def __init__(
        self,
        vocab_size: int,
        embed_dim: int,
        num_layers: int,
        num_heads: int,
        max_seq_len: int = 1024,
        dropout_prob: float = 0.1,
    ):
        """Make embedding, blocks, ln_f and lm_head."""
        ### BEGIN SOLUTION
        if num_layers < 1:
            raise ValueError(f"a GPT needs at least one layer, got num_layers={num_layers}")
        self.vocab_size, self.embed_dim = vocab_size, embed_dim
        self.num_layers, self.num_heads, self.max_seq_len = num_layers, num_heads, max_seq_len
        self.embedding = EmbeddingLayer(vocab_size, embed_dim, max_seq_len)
        self.blocks = [
            TransformerBlock(embed_dim, num_heads, dropout_prob=dropout_prob)
            for _ in range(num_layers)
        ]
        self.ln_f = LayerNorm(embed_dim)
        self.lm_head = Linear(embed_dim, vocab_size, bias=False)
        ### END SOLUTION

    def _create_causal_mask(self, seq_len: int) -> Tensor:
        """The mask that every block receives."""
        return create_causal_mask(seq_len)

    def forward(self, tokens: Tensor) -> Tensor:
        """The logits (B, T, vocab_size) of the next token after each of tokens (B, T)."""
        ### BEGIN SOLUTION
        if tokens.ndim != 2 or not 1 <= tokens.shape[1] <= self.max_seq_len:
            raise ValueError(
                f"tokens must have shape (batch, T) with T from 1 to max_seq_len="
                f"{self.max_seq_len}, got shape {tokens.shape}"
            )
        x = self.embedding(tokens)
        mask = self._create_causal_mask(tokens.shape[1])
        for block in self.blocks:
            x = block(x, mask)
        return self.lm_head(self.ln_f(x))
        ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "transformers_probabilities", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def next_token_probabilities(
    logits: np.ndarray, temperature: float = 1.0, top_k: int | None = None
) -> np.ndarray:
    """The chances of every token, from logits (B, V): float64 rows that add up to 1."""
    ### BEGIN SOLUTION
    if not 0 <= temperature < math.inf:
        raise ValueError(f"temperature must be a finite number from 0, got {temperature}")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k must be at least 1, or None for all tokens, got {top_k}")
    if np.isnan(logits).any():
        raise ValueError("the logits contain nan: the model has left the range of numbers")
    scores = logits.astype(np.float64)
    if temperature == 0:
        return np.eye(scores.shape[-1])[scores.argmax(axis=-1)]
    if top_k is not None and top_k < scores.shape[-1]:
        limit = np.sort(scores, axis=-1)[:, -top_k, np.newaxis]
        scores[scores < limit] = -np.inf
    scores -= scores.max(axis=-1, keepdims=True)
    return softmax(scores / temperature, -1)
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "transformers_draw", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def draw(probabilities: np.ndarray) -> np.ndarray:
    """One token id per row of probabilities (B, V), drawn with exactly these chances: (B,)."""
    ### BEGIN SOLUTION
    reached = probabilities.cumsum(axis=-1)
    thrown = np.random.random(len(probabilities)) * reached[:, -1]
    return (reached <= thrown[:, np.newaxis]).sum(axis=-1)
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "transformers_generate", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@method_of(GPT)
def generate(
    self: GPT,
    prompt_tokens: Tensor,
    max_new_tokens: int = 50,
    temperature: float = 1.0,
    top_k: int | None = None,
) -> Tensor:
    """Write on: the prompt (B, T) and max_new_tokens more, one at a time."""
    ### BEGIN SOLUTION
    tokens = np.asarray(prompt_tokens.data)
    if tokens.ndim != 2 or tokens.shape[1] < 1:
        raise ValueError(
            f"the prompt must have shape (batch, T) with T from 1, got shape {tokens.shape}"
        )
    if max_new_tokens < 0:
        raise ValueError(f"max_new_tokens must be at least 0, got {max_new_tokens}")
    with evaluation_mode(self), no_grad():
        for _ in range(max_new_tokens):
            window = Tensor(tokens[:, -self.max_seq_len :])
            logits = self.forward(window).data[:, -1]
            chosen = draw(next_token_probabilities(logits, temperature, top_k))
            tokens = np.concatenate([tokens, chosen[:, np.newaxis]], axis=1)
    return Tensor(tokens)
    ### END SOLUTION

# %%
#| export
PAPER_NAMES = {
    "vocab": "vocab_size", "d_model": "embed_dim", "n_layers": "num_layers", "n_heads": "num_heads",
}


class Transformer(GPT):
    """A GPT that also takes the keywords of the field's papers: vocab, d_model, n_layers, n_heads.

    Example:
        Transformer(vocab=65, d_model=128, n_layers=4, n_heads=4, max_seq_len=64)
    """

    def __init__(self, *sizes: int, **keywords: Any):
        """TypeError if the same size is given under both of its names."""
        named = {PAPER_NAMES.get(name, name): value for name, value in keywords.items()}
        if len(named) < len(keywords):
            raise TypeError(f"the same size was given twice, under two names: {sorted(keywords)}")
        super().__init__(*sizes, **named)
