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
r"""
# Module 12: Attention
"""

# %%
#| default_exp core.attention

# %%
#| export
"""Attention: every position of a sequence looks up what it needs at the others."""

import math
from typing import Any

import numpy as np

from tinytorch.core.activations import Softmax, softmax
from tinytorch.core.autograd import Function, backward_rule
from tinytorch.core.layers import Layer, Linear
from tinytorch.core.tensor import Tensor, broadcast_shape, compute

# %% nbgrader={"grade": false, "grade_id": "attention_explicit", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def attention_explicit(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, scale: float = 1.0
) -> tuple[np.ndarray, np.ndarray, int]:
    """Attention with loops, and the number of multiplications of two elements.

    Args:
        q: (n, d), one query a row.
        k: (m, d), one key a row; m is at least 1.
        v: (m, e), one value a row.
        scale: every score is multiplied by it (that is not counted).

    Returns:
        (output, weights, multiplications): float32 arrays of shape (n, e) and (n, m), and an int.

    Example:
        q = [[0, 0]], k = [[1, 0], [0, 1], [1, 1]], v = [[3], [6], [9]]:
        all scores are 0, so the weights are [[1/3, 1/3, 1/3]], the output is [[6]], and
        3 * 2 + 3 * 1 = 9 elements were multiplied.
    """
    ### BEGIN SOLUTION
    (n, d), (m, e) = q.shape, v.shape
    output = np.zeros((n, e), dtype=np.float32)
    weights = np.zeros((n, m), dtype=np.float32)
    multiplications = 0
    for i in range(n):
        for j in range(m):
            for f in range(d):
                weights[i, j] += q[i, f] * k[j, f]
                multiplications += 1
        weights[i] = softmax(weights[i] * scale, dim=-1)
        for j in range(m):
            for f in range(e):
                output[i, f] += weights[i, j] * v[j, f]
                multiplications += 1
    return output, weights, multiplications
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "attention_scores", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def attention_scores(Q: Tensor, K: Tensor) -> Tensor:
    """The score of every query with every key: their dot product, divided by √d.

    Made of Tensor operations, so that gradients reach Q and K.

    Args:
        Q: (..., n, d). K: (..., m, d). Any leading dimensions that broadcast, or none.

    Returns:
        Tensor of shape (..., n, m).

    Example:
        Q = [[2, 0, 0, 0]] and K = [[3, 9, 9, 9], [5, 0, 0, 0]], so d is 4: [[3, 5]]
    """
    ### BEGIN SOLUTION
    return (Q * (1 / math.sqrt(Q.shape[-1]))) @ K.transpose(-2, -1)
    ### END SOLUTION

# %%
#| export
def checked_mask(Q: Tensor, K: Tensor, V: Tensor, mask: Any = None) -> np.ndarray | None:
    """The mask as an array (None if there is none), after a look at the shapes of all four.

    Raises:
        ValueError: queries (..., n, d), keys (..., m, d) and values (..., m, e) do not fit each
            other, d is 0, the mask does not broadcast to the scores (..., n, m), or it holds
            anything but 0 and 1.
    """
    shapes = f"queries {Q.shape}, keys {K.shape} and values {V.shape}"
    if min(Q.ndim, K.ndim, V.ndim) < 2:
        raise ValueError(f"attention needs (..., positions, features), got {shapes}")
    if Q.shape[-1] != K.shape[-1] or Q.shape[-1] == 0:
        raise ValueError(f"queries and keys need the same features, at least one: {shapes}")
    if K.shape[-2] != V.shape[-2]:
        raise ValueError(f"each key needs one value: {shapes}")
    leading = broadcast_shape(Q.shape[:-2], K.shape[:-2])
    broadcast_shape(leading, V.shape[:-2])
    if mask is None:
        return None
    allowed, scores = np.asarray(mask), (*leading, Q.shape[-2], K.shape[-2])
    if allowed.ndim > len(scores) or broadcast_shape(allowed.shape, scores) != scores:
        raise ValueError(f"a mask of shape {allowed.shape} does not fit scores of shape {scores}")
    other = allowed[(allowed != 0) & (allowed != 1)]
    if other.size:
        raise ValueError(f"a mask holds 1 (allowed) and 0 (not allowed), but it has {other[0]}")
    return allowed

# %% nbgrader={"grade": false, "grade_id": "attention_plain", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def plain_attention(
    Q: Tensor, K: Tensor, V: Tensor, mask: Any = None
) -> tuple[Tensor, Tensor]:
    """Attention made of Tensor operations: (output, weights).

    The contract is that of `scaled_dot_product_attention`, and gradients flow through both results.
    There is at least one key.

    Args:
        Q, K, V: (..., n, d), (..., m, d) and (..., m, e).
        mask: None, or what broadcasts to (..., n, m): 1 where query i may look at key j, else 0.
            Where it is 0, the weight is exactly 0, whatever the score. A query that may look at
            no key has only zeros as weights and as output.

    Returns:
        Tensors of shape (..., n, e) and (..., n, m).

    Example:
        Q = [[0], [0]], K = [[1], [2]], V = [[4], [8]], mask = [[1, 0], [1, 1]]:
        weights [[1, 0], [0.5, 0.5]], output [[4], [6]]
    """
    ### BEGIN SOLUTION
    allowed, scores = checked_mask(Q, K, V, mask), attention_scores(Q, K)
    if allowed is None:
        weights = Softmax()(scores)
    else:
        weights = Softmax()(scores + Tensor((allowed - 1.0) * 1e9)) * Tensor(allowed)
    return weights @ V, weights
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "attention_weights", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def attention_weights(
    q: np.ndarray, k: np.ndarray, mask: np.ndarray | None = None
) -> np.ndarray:
    """The weights of `plain_attention`, computed from arrays in one go.

    Args:
        q, k: arrays (..., n, d) and (..., m, d). m may be 0.
        mask: None, or an array of 0 and 1 that broadcasts to (..., n, m).

    Returns:
        A new array (..., n, m) of q's dtype. Rows add up to 1; weights that the mask forbids
        are exactly 0, whatever their scores; where it forbids a whole row, the row is 0. No NaN,
        no warning. No more than two arrays of this size exist at any moment.

    Example:
        q = [[0], [0]], k = [[1], [2]], mask = [[0, 0], [1, 1]]: [[0, 0], [0.5, 0.5]]
    """
    ### BEGIN SOLUTION
    weights = np.matmul(q * (1 / math.sqrt(q.shape[-1])), np.swapaxes(k, -1, -2))
    if mask is not None:
        weights += np.where(mask, weights.dtype.type(0), -np.inf)
    lowest = np.finfo(weights.dtype).min  # a row of nothing but -inf has this maximum, and no NaN
    weights -= weights.max(axis=-1, keepdims=True, initial=lowest)
    np.exp(weights, out=weights)
    total = weights.sum(axis=-1, keepdims=True)
    weights /= total + (total == 0)
    return weights
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "attention_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(attention_weights)
class AttentionWeightsBackward(Function):
    """The rule of weights = softmax(q k^T / √d), masked or not."""

    def apply(self, grad_output):
        """Return (gradient of q, gradient of k); None, without computing it, where not needed.

        self.arrays are q and k, self.output the weights; grad_output has the weights' shape. The
        gradients may have more leading dimensions than q and k: they are summed later.

        Example:
            q = [[0]], k = [[1], [3]], so the weights are [[0.5, 0.5]]; G = [[4, 0]]:
            the gradient of the scores is [[1, -1]], that of q [[-2]], that of k [[0], [0]].
        """
        ### BEGIN SOLUTION
        (q, k), weights = self.arrays, self.output
        scale = 1 / math.sqrt(q.shape[-1])
        grad_scores = grad_output * weights
        grad_scores -= weights * grad_scores.sum(axis=-1, keepdims=True)
        grad_q = (grad_scores @ k) * scale if self.needs(0) else None
        grad_k = np.swapaxes(grad_scores, -1, -2) @ (q * scale) if self.needs(1) else None
        return grad_q, grad_k
        ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "attention_sdpa", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def scaled_dot_product_attention(
    Q: Tensor, K: Tensor, V: Tensor, mask: Any = None
) -> tuple[Tensor, Tensor]:
    """softmax(Q K^T / √d) V: each query's mean of the values, weighted by how its key fits.

    Args:
        Q, K, V: (..., n, d), (..., m, d) and (..., m, e): n queries, m keys with their values.
            Any leading dimensions that broadcast, or none; n and m may differ.
        mask: None, or a Tensor or array that broadcasts to (..., n, m): 1 where query i may look
            at key j, else 0. A query that may look at no key has only zeros as weights and output.

    Returns:
        (output, weights), Tensors of shape (..., n, e) and (..., n, m). Gradients flow through
        both.

    Raises:
        ValueError: the shapes do not fit, or the mask holds anything but 0 and 1
            (`checked_mask` raises it).
    """
    ### BEGIN SOLUTION
    weights = compute(attention_weights, Q, K, mask=checked_mask(Q, K, V, mask))
    return weights @ V, weights
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "attention_heads", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def split_heads(x: Tensor, num_heads: int) -> Tensor:
    """Cut the features of every position into num_heads pieces, one head after the other.

    Args:
        x: (..., T, D), with D a multiple of num_heads.

    Returns:
        Tensor of shape (..., num_heads, T, D / num_heads): head h has, at every position, the
        features number h * D / num_heads and following. Made of Tensor operations.

    Example:
        x = [[1, 2, 3, 4], [5, 6, 7, 8]], two heads: [[[1, 2], [5, 6]], [[3, 4], [7, 8]]]
    """
    ### BEGIN SOLUTION
    *leading, positions, features = x.shape
    pieces = x.reshape(*leading, positions, num_heads, features // num_heads)
    return pieces.transpose(-3, -2)
    ### END SOLUTION


def merge_heads(x: Tensor) -> Tensor:
    """Undo split_heads: from (..., num_heads, T, d) to (..., T, num_heads * d).

    Example:
        x = [[[1, 2], [5, 6]], [[3, 4], [7, 8]]]: [[1, 2, 3, 4], [5, 6, 7, 8]]
    """
    ### BEGIN SOLUTION
    *leading, heads, positions, size = x.shape
    return x.transpose(-3, -2).reshape(*leading, positions, heads * size)
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "attention_multihead", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class MultiHeadAttention(Layer):
    """Several attentions side by side, each with queries, keys and values of its own.

    Attributes:
        embed_dim, num_heads, head_dim: features per position, heads, features per head.
        q_proj, k_proj, v_proj, out_proj: Linear(embed_dim, embed_dim).
        keep_weights: False at first. If True, each forward leaves its weights in `last_weights`.
        last_weights: None, or an array (..., num_heads, T, T): numbers only, no graph.
    """

    def __init__(self, embed_dim: int, num_heads: int) -> None:
        """Make the four projections, in the order q, k, v, out.

        Raises:
            ValueError: num_heads is below 1, or embed_dim is no multiple of it. The message
                contains both numbers.
        """
        ### BEGIN SOLUTION
        if num_heads < 1 or embed_dim % num_heads != 0:
            raise ValueError(f"embed_dim ({embed_dim}) must be a multiple of num_heads ({num_heads})")
        self.embed_dim, self.num_heads = embed_dim, num_heads
        self.head_dim = embed_dim // num_heads
        self.q_proj = Linear(embed_dim, embed_dim)
        self.k_proj = Linear(embed_dim, embed_dim)
        self.v_proj = Linear(embed_dim, embed_dim)
        self.out_proj = Linear(embed_dim, embed_dim)
        self.keep_weights, self.last_weights = False, None
        ### END SOLUTION

    def forward(self, x: Tensor, mask: Any = None) -> Tensor:
        """Let every position of x look at all positions of x.

        Args:
            x: (..., T, embed_dim).
            mask: None, or 1 (allowed) and 0, of one of these shapes: (T, T), for everything;
                the shape of x with T in place of embed_dim, one for each sequence, the same for
                all its heads; or with an axis for the heads before the last two. A size may be 1.

        Returns:
            Tensor of the shape of x.

        Raises:
            ValueError: x is not (..., T, embed_dim); the message contains its shape.
        """
        ### BEGIN SOLUTION
        if x.ndim < 2 or x.shape[-1] != self.embed_dim:
            raise ValueError(f"expected (..., T, {self.embed_dim}), got an input of shape {x.shape}")
        queries, keys, values = (
            split_heads(project(x), self.num_heads)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        if mask is not None and mask.ndim == x.ndim:
            mask = mask.reshape(*mask.shape[:-2], 1, *mask.shape[-2:])
        output, weights = scaled_dot_product_attention(queries, keys, values, mask)
        self.last_weights = weights.data if self.keep_weights else None
        return self.out_proj(merge_heads(output))
        ### END SOLUTION
