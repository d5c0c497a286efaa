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
# Module 11: Embeddings
"""

# %%
#| default_exp core.embeddings

# %%
#| export
"""Embeddings: from token ids to vectors that learn, and vectors that know their position."""

from typing import Any

import numpy as np

from tinytorch.core.autograd import Function, backward_rule, scatter_add_rows
from tinytorch.core.layers import Layer
from tinytorch.core.tensor import Tensor, compute

# %%
#| export
def one_hot(ids: np.ndarray, count: int) -> np.ndarray:
    """For each id a row of `count` numbers: 1 at the id's place, 0 elsewhere; float32."""
    ### BEGIN SOLUTION
    rows = np.zeros((ids.size, count), dtype=np.float32)
    rows[np.arange(ids.size), ids.ravel()] = 1
    return rows.reshape(*ids.shape, count)
    ### END SOLUTION


# %%
#| export
def token_ids(tokens: Any, vocab_size: int) -> np.ndarray:
    """Check token ids and return them as a new int64 array of the same shape."""
    ### BEGIN SOLUTION
    try:
        ids = np.asarray(tokens)
    except ValueError:
        raise ValueError(
            "the sequences have different lengths (ragged): pad or cut them to one length"
        ) from None
    if ids.dtype.kind not in "iuf":
        raise TypeError(
            f"token ids must be whole numbers, got {type(tokens).__name__} of {ids.dtype}: "
            "text goes through a tokenizer's encode() first"
        )
    fractions = ids[ids != np.floor(ids)]
    if fractions.size:
        raise ValueError(f"token ids must be whole numbers, got {fractions[0]}")
    outside = ids[(ids < 0) | (ids >= vocab_size)]
    if outside.size:
        raise ValueError(
            f"token id {outside[0]:.0f} is outside the vocabulary of size {vocab_size}: "
            f"expected 0 to {vocab_size - 1}"
        )
    return ids.astype(np.int64)
    ### END SOLUTION


# %%
#| export
SMALL_TABLE = 64  # up to so many rows, one product of matrices is faster than sorting


def look_up(table: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Row ids[...] of the table for each id: shape (*ids.shape, width)."""
    ### BEGIN SOLUTION
    return table.take(ids, axis=0)
    ### END SOLUTION


@backward_rule(look_up)
class LookUpBackward(Function):
    """The rule of y = table[ids]: every row of G goes back to the row it was read from."""

    def apply(self, grad_output):
        ### BEGIN SOLUTION
        (table,) = self.arrays
        ids = self.settings["ids"].ravel()
        rows = grad_output.reshape(ids.size, table.shape[1])
        if len(table) <= SMALL_TABLE:
            return (one_hot(ids, len(table)).T @ rows,)
        return (scatter_add_rows(rows, ids, len(table)),)
        ### END SOLUTION


# %%
#| export
def require_sizes(**sizes: int) -> None:
    """ValueError that names all of them, unless each size is 1 or more."""
    if min(sizes.values()) < 1:
        given = ", ".join(f"{name}={size}" for name, size in sizes.items())
        raise ValueError(f"every size must be at least 1, got {given}")


class Embedding(Layer):
    """A table with one learned vector for each token id."""

    def __init__(self, vocab_size: int, embed_dim: int) -> None:
        require_sizes(vocab_size=vocab_size, embed_dim=embed_dim)
        self.vocab_size, self.embed_dim = vocab_size, embed_dim
        ### BEGIN SOLUTION
        limit = np.sqrt(6 / (vocab_size + embed_dim))
        weight = np.random.uniform(-limit, limit, (vocab_size, embed_dim))
        self.weight = Tensor(weight, requires_grad=True)
        ### END SOLUTION

    def forward(self, indices: Any) -> Tensor:
        """The vectors of the ids: a Tensor of shape (*shape of indices, embed_dim)."""
        ### BEGIN SOLUTION
        return compute(look_up, self.weight, ids=token_ids(indices, self.vocab_size))
        ### END SOLUTION

    def __repr__(self) -> str:
        return f"Embedding(vocab_size={self.vocab_size}, embed_dim={self.embed_dim})"


# %%
#| export
def compact_gradient(rows: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gradient of a table without its zeros: (ids that occur, in order; their sums)."""
    ### BEGIN SOLUTION
    touched, places = np.unique(ids, return_inverse=True)
    return touched, scatter_add_rows(rows, places, len(touched))
    ### END SOLUTION


# %%
#| export
def require_vectors(x: Tensor, embed_dim: int) -> None:
    """ValueError unless x has the shape (batch, seq, embed_dim)."""
    if x.ndim != 3:
        raise ValueError(
            f"positions need an input of shape (batch, seq, {embed_dim}), got {x.shape}: "
            "a single sequence is a batch of one"
        )
    if x.shape[-1] != embed_dim:
        raise ValueError(
            f"the vectors have {x.shape[-1]} numbers (shape {x.shape}), "
            f"but the positions have embed_dim={embed_dim}"
        )


class PositionalEncoding(Layer):
    """One learned vector for each position, added to whatever stands there."""

    def __init__(self, max_seq_len: int, embed_dim: int) -> None:
        require_sizes(max_seq_len=max_seq_len, embed_dim=embed_dim)
        self.max_seq_len, self.embed_dim = max_seq_len, embed_dim
        ### BEGIN SOLUTION
        limit = np.sqrt(2 / embed_dim)
        table = np.random.uniform(-limit, limit, (max_seq_len, embed_dim))
        self.position_embeddings = Tensor(table, requires_grad=True)
        ### END SOLUTION

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """x plus the vectors of positions start, start + 1, …: the same for each sequence."""
        ### BEGIN SOLUTION
        require_vectors(x, self.embed_dim)
        end = start + x.shape[1]
        if end > self.max_seq_len:
            raise ValueError(
                f"the sequence reaches to length {end}, but max_seq_len is {self.max_seq_len}"
            )
        return x + self.position_embeddings[start:end]
        ### END SOLUTION

    def __repr__(self) -> str:
        return f"PositionalEncoding(max_seq_len={self.max_seq_len}, embed_dim={self.embed_dim})"


# %%
#| export
def create_sinusoidal_embeddings(max_seq_len: int, embed_dim: int) -> Tensor:
    """The table of sines and cosines for positions 0 to max_seq_len - 1."""
    require_sizes(max_seq_len=max_seq_len, embed_dim=embed_dim)
    ### BEGIN SOLUTION
    frequencies = 10000.0 ** (-np.arange(0, embed_dim, 2) / embed_dim)
    angles = np.arange(max_seq_len)[:, None] * frequencies
    table = np.empty((max_seq_len, embed_dim), dtype=np.float32)
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles[:, : embed_dim // 2])
    return Tensor(table)
    ### END SOLUTION


# %%
def shift_matrix(distance: int, embed_dim: int) -> np.ndarray:
    """The matrix M with PE[p] @ M = PE[p + distance] for every position p."""
    ### BEGIN SOLUTION
    matrix = np.zeros((embed_dim, embed_dim))
    for column in range(0, embed_dim, 2):
        angle = distance * 10000.0 ** (-column / embed_dim)
        sine, cosine = np.sin(angle), np.cos(angle)
        matrix[column : column + 2, column : column + 2] = [[cosine, -sine], [sine, cosine]]
    return matrix
    ### END SOLUTION


# %%
#| export
class SinusoidalEncoding(Layer):
    """Sines and cosines added by position: nothing to learn, and no longest sequence."""

    def __init__(self, max_seq_len: int, embed_dim: int) -> None:
        self.embed_dim = embed_dim
        self.table = create_sinusoidal_embeddings(max_seq_len, embed_dim)

    def rows(self, start: int, end: int) -> Tensor:
        """Rows start to end - 1 of the table, which grows when it is too short."""
        ### BEGIN SOLUTION
        if end > len(self.table):
            size = max(end, 2 * len(self.table))
            self.table = create_sinusoidal_embeddings(size, self.embed_dim)
        return self.table[start:end]
        ### END SOLUTION

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        require_vectors(x, self.embed_dim)
        return x + self.rows(start, start + x.shape[1])

    def __repr__(self) -> str:
        return f"SinusoidalEncoding(embed_dim={self.embed_dim})"


# %%
#| export
class EmbeddingLayer(Layer):
    """Token ids in, vectors that know what stands there and where out."""

    def __init__(
        self,
        vocab_size: int,
        embed_dim: int,
        max_seq_len: int = 512,
        pos_encoding: str | None = "learned",
        scale_embeddings: bool = False,
    ) -> None:
        ### BEGIN SOLUTION
        kinds = {"learned": PositionalEncoding, "sinusoidal": SinusoidalEncoding}
        if pos_encoding is not None and pos_encoding not in kinds:
            raise ValueError(
                f"pos_encoding must be 'learned', 'sinusoidal' or None, got {pos_encoding!r}"
            )
        self.vocab_size, self.embed_dim, self.max_seq_len = vocab_size, embed_dim, max_seq_len
        self.pos_encoding, self.scale_embeddings = pos_encoding, scale_embeddings
        self.token_embedding = Embedding(vocab_size, embed_dim)
        kind = kinds.get(pos_encoding)
        self.position_encoding = None if kind is None else kind(max_seq_len, embed_dim)
        ### END SOLUTION

    def forward(self, tokens: Any, start: int = 0) -> Tensor:
        """The vectors of a batch of sequences: (batch, seq) ids give (batch, seq, embed_dim)."""
        ### BEGIN SOLUTION
        x = self.token_embedding(tokens)
        if x.ndim != 3:
            raise ValueError(
                f"tokens must have the shape (batch, seq), got {x.shape[:-1]}: "
                "a single sequence is a batch of one, [ids]"
            )
        if self.scale_embeddings:
            x = x * float(np.sqrt(self.embed_dim))
        return x if self.position_encoding is None else self.position_encoding(x, start)
        ### END SOLUTION

    def __repr__(self) -> str:
        sizes = f"vocab_size={self.vocab_size}, embed_dim={self.embed_dim}"
        return f"EmbeddingLayer({sizes}, pos_encoding={self.pos_encoding!r})"


# %%
#| export
def turn_pairs(x: np.ndarray, table: np.ndarray, sign: int) -> np.ndarray:
    """Turn each pair of columns of x by the angles in the table."""
    sine, cosine = sign * table[:, 0::2], table[:, 1::2]
    turned = np.empty_like(x)
    turned[..., 0::2] = x[..., 0::2] * cosine - x[..., 1::2] * sine
    turned[..., 1::2] = x[..., 0::2] * sine + x[..., 1::2] * cosine
    return turned


@backward_rule(turn_pairs)
class TurnPairsBackward(Function):
    def apply(self, grad_output):
        table, sign = self.settings["table"], self.settings["sign"]
        return (turn_pairs(grad_output, table, -sign),)


def rotate_by_position(x: Tensor, start: int = 0) -> Tensor:
    length, width = x.shape[-2:]
    if width % 2:
        raise ValueError(f"pairs need an even number of columns, got {width}")
    table = create_sinusoidal_embeddings(start + length, width).data[start:]
    return compute(turn_pairs, x, table=table, sign=1)
