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
# Module 13: Transformers

**Architecture** | ●●●● | 7-9 hours | Prerequisites: 01 to 07, 10 Tokenization to 12 Attention

You can turn text into numbers, numbers into vectors, and let the vectors of a sequence look at each
other. What is missing is depth: attention once is a lookup, attention twelve times is a language
model. Today you find out why stacking layers fails, repair it with two small ideas, and assemble a
**GPT**: a model that reads a text and says, at every position, what may come next. At the end yours
has read a poem and writes on in its manner, with words that do not exist.

## Where this comes from

In June 2017 Ashish Vaswani and seven colleagues at Google threw the recurrence out of machine
translation. Until then a network read a sentence word by word, each step waiting for the one before
it; theirs looked at all words at once, with nothing but attention, and they named it the
*Transformer*. It had a temper: unless the learning rate crept up from almost zero over the first
4,000 steps, training came to nothing, and nobody could say why. In 2018 Alec Radford at OpenAI kept
one half of the model and trained it on books to predict the next word (GPT); in the next version,
in 2019, the normalisation had moved from behind each layer to in front of it, which the paper
mentions in one sentence. Only in 2020 did Ruibin Xiong and others explain what that sentence is
worth. In Part 5 you measure it.

## Where this module stands

```
  02 GELU   03 Linear, Dropout   05 rules    11 Embeddings   12 Attention
       \          |                 |             |              /
        v         v                 v             v             v
   +----------------------------------------------------------------+
   |                       13 Transformers                          |
   |  LayerNorm · MLP · mask -> TransformerBlock -> GPT -> generate |
   +----------------------------------------------------------------+
        |                               |
        v                               v
   milestone: text that writes itself   14-19: measured, made small and fast
```

In words: almost every arrow points in. This module adds one operation of its own, the norm; the
rest is the art of putting parts together so that a deep stack of them still learns.

## What you will be able to do

1. **Show** how a deep stack of layers dies, in two opposite ways, and what cures each.
2. **Derive** the gradient of layer normalization through its mean and its variance, as one node.
3. **Assemble** a block and a GPT, and **prove** that no position sees what comes after it.
4. **Count** the parameters of a GPT by formula, up to the 124 million of GPT-2, and what a text of
   a given length costs in memory.
5. **Write** the sampling yourself: greedy, temperature, top-k, and a window that slides.
6. **Debug** a training run whose loss is too good to be true.

## What you build

| part | you write | idea |
|---|---|---|
| 2 | `standardize`, `layer_norm` | every position is put on the same scale |
| 3 | `LayerNormBackward`, `LayerNorm` | three ways from an input to an output |
| 3 | `rms_norm` and its rule (open) | a norm of your own, with its gradient |
| 4 | `MLP` | each position thinks by itself |
| 5 | `create_causal_mask`, `TransformerBlock` | a stream, and layers that add to it |
| 6 | `GPT` | the model |
| 7 | `gpt_parameters`, `context_bytes` | what it weighs, before you build it |
| 8 | `next_token_probabilities`, `draw` | from scores to a choice |
| 9 | `generate` | write on, one token at a time |
| 10 | `train_on_text` (bug hunt) | a loss that is too good |

Parts 1 to 5 are the **first sitting**; at its end a block of yours works in a stack of any depth.
The rest is the **second**; at its end you have a language model.

## What you do not build yet

Generating here computes everything anew for every token; how much of that is wasted you measure,
and Module 17 saves it. Not part of the course: the encoder half of 2017's model, a tokenizer shared
with others' models, and the many variants (grouped heads, mixtures of experts, sparse attention).
"""

# %% [markdown]
"""
## Setup

Four cells: the name of this module's file in your framework, what that file needs, what the tests
and experiments need, and a text to learn from: most of a poem of 1871 by Lewis Carroll, in which a
good part of the words was invented by its author.
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
import time
import tracemalloc

from tinytorch.core.autograd import check_gradients
from tinytorch.core.layers import Sequential
from tinytorch.core.losses import CrossEntropyLoss
from tinytorch.core.optimizers import SGD, AdamW
from tinytorch.core.tokenization import CharTokenizer
from tinytorch.core.training import clip_grad_norm
from tito.checks import check, probe

# %%
POEM = """\
'Twas brillig, and the slithy toves
Did gyre and gimble in the wabe;
All mimsy were the borogoves,
And the mome raths outgrabe.

"Beware the Jabberwock, my son!
The jaws that bite, the claws that catch!
Beware the Jubjub bird, and shun
The frumious Bandersnatch!"

He took his vorpal sword in hand:
Long time the manxome foe he sought -
So rested he by the Tumtum tree,
And stood awhile in thought.

And as in uffish thought he stood,
The Jabberwock, with eyes of flame,
Came whiffling through the tulgey wood,
And burbled as it came!

One, two! One, two! And through and through
The vorpal blade went snicker-snack!
He left it dead, and with its head
He went galumphing back.

"And hast thou slain the Jabberwock?
Come to my arms, my beamish boy!
O frabjous day! Callooh! Callay!"
He chortled in his joy.
"""
tokenizer = CharTokenizer()
tokenizer.build_vocab([POEM])
poem_ids = np.array(tokenizer.encode(POEM))  # one number for each character


def rms(array):
    """The size of an array's numbers: the root of the mean of their squares."""
    return float(np.sqrt(np.mean(np.square(array))))


print(f"{len(poem_ids)} characters, {tokenizer.vocab_size} different tokens")

# %% [markdown]
r"""
# Build

## Part 1: A deep stack dies

Take a layer that works, `Linear` and GELU, and put 24 of them on top of each other. Nothing is
trained here; we only send numbers forward and a gradient back, and look at the size of both in
every layer. Then the same with a **residual connection**, an idea that Kaiming He's team had in
2015 for networks that see: a layer no longer *replaces* what it receives, it *adds* to it,
$x + f(x)$ instead of $f(x)$.

**What will you see?** A layer puts out numbers about half as large as those it receives. What is
left after 24? And when each layer adds its result to its input, which way does the size go?
"""

# %%
def through_a_stack(step, depth=24, width=64):
    """The size of what comes out of each layer, and of the gradient of each layer's weight."""
    np.random.seed(0)
    layers = [Sequential(Linear(width, width), GELU()) for _ in range(depth)]
    x, sizes = Tensor(np.random.randn(32, width)), []
    for layer in layers:
        x = step(layer, x)
        sizes.append(rms(x.data))
    x.backward(np.random.randn(32, width))
    return sizes, [rms(layer[0].weight.grad.data) for layer in layers]


def draw_stacks(steps):
    """Both sizes, layer by layer, for several ways of stacking."""
    runs = {name: through_a_stack(step) for name, step in steps.items()}
    for name, (sizes, gradients) in runs.items():
        print(f"{name:<14} size after layer 1 {sizes[0]:8.2g}, after layer 24 {sizes[-1]:8.2g}; "
              f"gradient in layer 1 {gradients[0]:8.2g}")
    try:
        import matplotlib.pyplot as plt

        _, both = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
        titles = ["What each layer puts out", "The gradient of each layer's weight"]
        for panel, axes in enumerate(both):
            for name, run in runs.items():
                axes.semilogy(range(1, len(run[panel]) + 1), run[panel], "o-", ms=3, label=name)
            axes.set(title=titles[panel], xlabel="layer", ylabel="size")
        both[0].legend()
        plt.show()
    except ImportError:
        print("Without matplotlib you miss two fans that open in opposite directions.")


def plain(layer, x):
    return layer(x)


def residual(layer, x):
    return x + layer(x)


draw_stacks({"f(x)": plain, "x + f(x)": residual})

# %% [markdown]
r"""
Two deaths. The plain stack fades: what reaches the top is a ten-millionth of what came in, and no
weight gets a gradient worth following. With the sum, nothing can fade, because
$\partial (x + f(x)) / \partial x = 1 + \partial f / \partial x$: whatever $f$ does, the 1 lets the
gradient through. But now every layer adds to what all the layers before it have built up, its input
is larger, so its result is larger: growth on growth, and gradients in the thousands.

The residual connection is right; the *size* of what each layer receives is out of control. So we
control it: before a layer looks at a position, its numbers are brought to one scale.

## Part 2: One scale for every position

**Layer normalization** (Jimmy Lei Ba, Jamie Kiros and Geoffrey Hinton, 2016) looks at the features
of one position, a *row*, and at nothing else: no other position, no other sample of the batch. With
the row's mean $\mu$ and variance $\sigma^2$ (of its $D$ numbers, dividing by $D$),

$$\hat x_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \varepsilon}}, \qquad
y_i = \gamma_i\, \hat x_i + \beta_i .$$

$\gamma$ and $\beta$ are learned, one pair for each feature; they start at 1 and 0. The tiny
$\varepsilon$ seems pedantic. So does the order of the operations: a well-known formula gives the
variance in one pass, as the mean of the squares minus the square of the mean. **What will this
print?** Three rows; which of them survive?
"""

# %%
trial_rows = np.float32([[1, 2, 3, 4], [5, 5, 5, 5], [10000, 10001, 10002, 10003]])
means = trial_rows.mean(axis=-1, keepdims=True)
one_pass = (trial_rows * trial_rows).mean(axis=-1, keepdims=True) - means * means
print("variance in one pass:", one_pass.ravel(), "  (right: 1.25, 0, 1.25)")
with np.errstate(all="ignore"):
    print("normalized:")
    print((trial_rows - means) / np.sqrt(one_pass))

# %% [markdown]
r"""
The row of equal numbers became 0 / 0. (Such rows are not rare: padding, or a dead feature.) The
last one was ruined by rounding: float32 has seven digits, the two large numbers differ in the
ninth, and the difference is noise; it may even be negative. So: subtract the mean *first*, square
what is left, and put $\varepsilon$ *under* the root.

You write the arithmetic as functions of arrays, so that it can become one operation of your engine.
`mean_of_products` is given: NumPy's `(a * b).mean()` would first write the whole array of products,
and you need such a mean twice.
"""

# %% nbgrader={"grade": false, "grade_id": "transformers_standardize", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def mean_of_products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Given: the mean of a * b along the last axis, kept with size 1; no array a * b is made."""
    return np.einsum("...i,...i->...", a, b)[..., np.newaxis] / a.shape[-1]


def standardize(x: np.ndarray, eps: float) -> tuple[np.ndarray, np.ndarray]:
    """Give every row of x, along its last axis, mean 0 and variance 1: (normalized, scale).

    Args:
        x: float32 array of one dimension or more, left unchanged. The last size is at least 1.
        eps: added to the variance, under the root.

    Returns:
        normalized: (x - mean) * scale, a new array of x's shape.
        scale: 1 / sqrt(variance + eps), of x's shape with a last size of 1.
        Both float32. A row of equal numbers becomes zeros, and a large mean does no harm, but for
        the rounding of the mean itself.

    Example:
        x = [[1, 2, 3, 4]], eps = 0.75: the mean is 2.5, the variance 1.25, so the scale is
        [[0.7071]], and normalized is [[-1.0607, -0.3536, 0.3536, 1.0607]]
    """
    ### BEGIN SOLUTION
    centred = x - x.mean(axis=-1, keepdims=True)
    scale = 1 / np.sqrt(mean_of_products(centred, centred) + eps)
    centred *= scale
    return centred, scale
    ### END SOLUTION


def layer_norm(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float) -> np.ndarray:
    """Standardize every row of x, then multiply by gamma and add beta, feature by feature.

    Args:
        x: array of shape (..., D). gamma, beta: arrays of shape (D,). None of them is changed.

    Returns:
        A new float32 array of x's shape.

    Example:
        x = [[1, 2, 3, 4]], gamma = [1, 1, 2, 2], beta = [0, 0, 0, 10], eps = 0.75:
        [[-1.0607, -0.3536, 0.7071, 12.1213]]
    """
    ### BEGIN SOLUTION
    y, _ = standardize(x, eps)
    y *= gamma
    y += beta
    return y
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* both examples, every row by itself in arrays of one to four dimensions, rows of
equal numbers and with a large mean, dtype, and that no argument changes.
"""

# %% nbgrader={"grade": true, "grade_id": "test_transformers_standardize", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
@probe
def standardized(x, eps):
    """[normalized, scale, dtypes, x afterwards] of standardize."""
    x = np.array(x, dtype=np.float32)
    normalized, scale = standardize(x, eps)
    return [normalized, scale, [str(normalized.dtype), str(scale.dtype)], x]


@probe
def normed(x, gamma, beta, eps):
    """[result, dtype, the three arguments afterwards] of layer_norm."""
    x, gamma, beta = (np.array(a, dtype=np.float32) for a in (x, gamma, beta))
    y = layer_norm(x, gamma, beta, eps)
    return [y, str(y.dtype), x, gamma, beta]


def test_transformers_standardize():
    """Every row gets mean 0 and variance 1; then one scale and offset per feature."""
    root = np.sqrt(0.5)
    normalized, scale, dtypes, after = standardized([[1, 2, 3, 4]], 0.75)
    given = "standardize([[1, 2, 3, 4]], eps=0.75)"
    check.close(scale, [[root]], given=f"scale of {given}",
                because="1 / sqrt(1.25 + 0.75): the variance divides by 4, eps is under the root")
    check.close(normalized, np.array([[-1.5, -0.5, 0.5, 1.5]]) * root,
                given=f"normalized of {given}", because="(x - 2.5) * scale")
    check.close(normed([[1, 2, 3, 4]], [1, 1, 2, 2], [0, 0, 0, 10], 0.75)[0],
                [[-1.5 * root, -0.5 * root, root, 10 + 3 * root]],
                given="layer_norm([[1, 2, 3, 4]], gamma [1, 1, 2, 2], beta [0, 0, 0, 10], 0.75)",
                because="multiply by gamma, then add beta, feature by feature")
    check.equal(dtypes, ["float32", "float32"], given=f"the dtypes of {given}")
    check.unchanged(after, np.float32([[1, 2, 3, 4]]), given="x after standardize(x, 0.75)")
    rng = np.random.default_rng(0)
    for shape in ((6,), (5, 6), (2, 3, 6), (2, 1, 3, 5)):
        x = rng.standard_normal(shape).astype(np.float32) * 3 + 1
        gamma, beta = rng.standard_normal((2, shape[-1])).astype(np.float32)
        wide = x.astype(np.float64)
        mean = wide.mean(axis=-1, keepdims=True)
        expected = 1 / np.sqrt(((wide - mean) ** 2).mean(axis=-1, keepdims=True) + 1e-5)
        normalized, scale, _, _ = standardized(x, 1e-5)
        check.close(scale, expected, rtol=1e-4, given=f"scale for an x of shape {shape}",
                    because="one scale for each row along the last axis, kept with size 1")
        check.close(normalized, (wide - mean) * expected, rtol=1e-4, atol=1e-5,
                    given=f"normalized for an x of shape {shape}")
        y, dtype, *arguments = normed(x, gamma, beta, 1e-5)
        check.close(y, (wide - mean) * expected * gamma + beta, rtol=1e-4, atol=1e-5,
                    given=f"layer_norm of an x of shape {shape}, random gamma and beta")
        check.equal(dtype, "float32", given="the dtype of layer_norm")
        for name, now, before in zip(("x", "gamma", "beta"), arguments, (x, gamma, beta),
                                     strict=True):
            check.unchanged(now, before, given=f"{name} after layer_norm(x, gamma, beta, eps)")
    rows = [[5, 5, 5], [0, 0, 0], [10000, 10001, 10002], [-4, 0, 4]]
    normalized, scale, _, _ = standardized(rows, 1e-5)
    r = np.sqrt(1.5)
    check.close(normalized, [[0, 0, 0], [0, 0, 0], [-r, 0, r], [-r, 0, r]], atol=1e-3,
                given=f"normalized of {rows}, eps=1e-5",
                because="equal numbers become 0; the mean goes away before anything is squared")
    check.close(scale[:2], np.full((2, 1), 1 / np.sqrt(1e-5)), rtol=1e-4,
                given="the scale of rows of equal numbers, eps=1e-5", because="1 / sqrt(0 + eps)")


test_transformers_standardize()

# %% [markdown]
r"""
## Part 3: Three ways from an input to an output

`layer_norm` is an operation that your engine has never seen. You could build it from tensor
operations instead, and the engine would find the gradient. Much code on the web does, except for
the root, for which no tensor operation is at hand: there it takes the plain array out, as in
`std = Tensor(np.sqrt(variance.data + eps))`, and goes on.

**What will this print?** The network below is a norm built that way. Does `check_gradients` accept
it? How wrong is the gradient?
"""

# %%
def careless_norm(x):
    """A layer norm out of tensor operations, with one detour through .data."""
    away = x - x.mean(axis=-1, keepdims=True)
    variance = (away * away).mean(axis=-1, keepdims=True)
    return away / Tensor(np.sqrt(variance.data + 1e-5))


np.random.seed(0)
point = Tensor(np.random.randn(3, 5), requires_grad=True)
try:
    check_gradients(careless_norm, point)
except AssertionError as error:
    print("AssertionError:", error)

# %% [markdown]
r"""
No crash, right values, and a wrong gradient: the engine was told that the divisor is a constant.
Training with it still goes downhill somehow, which is why such code lives long.

**Derive the right one.** Let $G$ be the gradient of the result. First the easy two. $\gamma_i$ is
used in every row: what is its gradient? And that of $\beta_i$? Then $x$. Changing one $x_j$ reaches
$y_i$ in three ways: directly if $i = j$; through $\mu$, which moves *every* entry of the row; and
through $\sigma^2$, which stretches every entry. Work with $g_i = \gamma_i G_i$, the gradient that
arrives at $\hat x_i$, and with $s = 1 / \sqrt{\sigma^2 + \varepsilon}$:

$$\hat x_i = (x_i - \mu)\, s, \qquad \frac{\partial \mu}{\partial x_j} = \frac1D, \qquad
\frac{\partial s}{\partial x_j} = \;?$$

Collect the terms of $\sum_i g_i\, \partial \hat x_i / \partial x_j$. Two means over the row will
appear, and no matrix. To see whether your answer can be right, look at it from far away: adding a
constant to a row does not change its $\hat x$ at all, and (but for $\varepsilon$) neither does
stretching it. So the gradient of a row must add up to 0, and it must be at right angles to
$\hat x$: two projections, and that is what the two means do.

The rule computes $\hat x$ again from the input (`standardize` is cheap) instead of keeping it: each
norm in the graph then holds its result and nothing else. The functions of Module 05 are at your
service: the cell below the exercise checks your rule before `tito` does.
"""

# %% nbgrader={"grade": false, "grade_id": "transformers_layer_norm_rule", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(layer_norm)
class LayerNormBackward(Function):
    """The rule of y = gamma * (x - mean) / sqrt(variance + eps) + beta, exact in all of x."""

    def apply(self, grad_output):
        """Return (gradient of x, gradient of gamma, gradient of beta), each of its input's shape.

        self.arrays are x (..., D), gamma (D,) and beta (D,); self.settings["eps"] is eps;
        grad_output has the shape of x. All gradients are float32 and exact: mean and variance
        depend on x. Neither grad_output nor a saved array is changed. Leading sizes may be 0.

        Example:
            x = [[2, 3, 4, 5]], gamma all 1, eps = 0.75, G = [[4, 0, 0, 0]]:
            the gradient of x is [[1.3258, -0.9723, -0.4419, 0.0884]], that of gamma
            [-4.2426, 0, 0, 0], that of beta [4, 0, 0, 0]
        """
        ### BEGIN SOLUTION
        x, gamma, _ = self.arrays
        normalized, scale = standardize(x, self.settings["eps"])
        rows = grad_output.reshape(-1, gamma.size)
        grad_gamma = np.einsum("ri,ri->i", rows, normalized.reshape(rows.shape))
        grad_x = grad_output * gamma
        normalized *= mean_of_products(grad_x, normalized)
        grad_x -= grad_x.mean(axis=-1, keepdims=True)
        grad_x -= normalized
        grad_x *= scale
        return grad_x, grad_gamma, rows.sum(axis=0)
        ### END SOLUTION

# %%
def norm_of(x, gamma, beta):
    """The operation, through the seam of Module 01: what the engine differentiates."""
    return compute(layer_norm, x, gamma, beta, eps=1e-5)


scales, offsets = (Tensor(np.random.randn(5), requires_grad=True) for _ in range(2))
try:
    print(f"accepted; largest difference {check_gradients(norm_of, point, scales, offsets):.1e}")
except (AssertionError, NotImplementedError) as error:
    print(f"{type(error).__name__}: {error}")

# %% [markdown]
"""
*What is checked:* the example, both projections, all three gradients against differences in
float64 for arrays of one to three dimensions, and that nothing is overwritten.
"""

# %% nbgrader={"grade": true, "grade_id": "test_transformers_layer_norm_rule", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
@probe
def norm_gradients(x, gamma, beta, gradient, eps):
    """[gradients of x, gamma and beta, dtypes, then x, gamma and gradient afterwards]."""
    arrays = [np.array(a, dtype=np.float32) for a in (x, gamma, beta)]
    gradient = np.array(gradient, dtype=np.float32)
    node = LayerNormBackward(*[Tensor(a, requires_grad=True) for a in arrays], eps=eps,
                             output=layer_norm(*arrays, eps))
    found = list(node.apply(gradient))
    return [*found, [str(a.dtype) for a in found], arrays[0], arrays[1], gradient]


def slopes_in_float64(x, gamma, beta, gradient, eps):
    """The three gradients by central differences of sum(G * y), everything in float64."""
    points = [np.array(a, dtype=np.float64) for a in (x, gamma, beta)]

    def loss():
        x, gamma, beta = points
        away = x - x.mean(axis=-1, keepdims=True)
        root = np.sqrt((away**2).mean(axis=-1, keepdims=True) + eps)
        return ((away / root * gamma + beta) * gradient).sum()

    found = []
    for point in points:
        slope = np.zeros(point.shape)
        for index in np.ndindex(point.shape):
            start, values = point[index], []
            for step in (1e-6, -1e-6):
                point[index] = start + step
                values.append(loss())
            point[index] = start
            slope[index] = (values[0] - values[1]) / 2e-6
        found.append(slope)
    return found


def test_transformers_layer_norm_rule():
    """Exact gradients of x, gamma and beta, through mean and variance."""
    r = np.sqrt(0.5)
    given = "x = [[2, 3, 4, 5]], gamma all 1, eps = 0.75, G = [[4, 0, 0, 0]]"
    found = norm_gradients([[2, 3, 4, 5]], [1] * 4, [0] * 4, [[4, 0, 0, 0]], 0.75)
    grad_x, grad_gamma, grad_beta, dtypes, *after = found
    check.unchanged(after[2], np.float32([[4, 0, 0, 0]]), given="grad_output afterwards",
                    because="the array belongs to others, who still need it")
    check.close(grad_beta, [4, 0, 0, 0], given=f"gradient of beta for {given}",
                because="beta is added to every row: its gradient is the sum of G over the rows")
    check.close(grad_gamma, [-6 * r, 0, 0, 0], given=f"gradient of gamma for {given}",
                because="gamma multiplies the normalized rows")
    check.close(grad_x, np.array([[1.875, -1.375, -0.625, 0.125]]) * r,
                given=f"gradient of x for {given}",
                because="the entry itself, minus what it moves through the mean, minus what it "
                        "stretches through the variance")
    check.equal(dtypes, ["float32"] * 3, given="the dtypes of the three gradients")
    rng = np.random.default_rng(1)
    x, gradient = rng.standard_normal((2, 6, 7)).astype(np.float32)
    grad_x = norm_gradients(x, np.ones(7), np.zeros(7), gradient, 1e-6)[0]
    check.close(np.asarray(grad_x).sum(axis=-1), np.zeros(6), atol=1e-5,
                given="the sum of each row of the gradient of x (6, 7)",
                because="adding a constant to a row changes nothing in the result")
    check.close((np.asarray(grad_x) * (x - x.mean(-1, keepdims=True))).sum(axis=-1), np.zeros(6),
                atol=1e-4, given="each row of the gradient times the centred row, added up",
                because="stretching a row changes nothing in the result")
    for shape in ((5,), (3, 5), (2, 4, 3), (3, 1, 6)):
        x, gradient = rng.standard_normal((2, *shape)).astype(np.float32)
        gamma, beta = rng.standard_normal((2, shape[-1])).astype(np.float32)
        found = norm_gradients(x, gamma, beta, gradient, 0.1)
        expected = slopes_in_float64(x, gamma, beta, gradient, 0.1)
        check.unchanged(found[6], gradient, given="grad_output after apply(grad_output)",
                        because="the array belongs to others, who still need it")
        check.unchanged(found[4], x, given="x after apply(grad_output)")
        check.unchanged(found[5], gamma, given="gamma after apply(grad_output)")
        for name, mine, right in zip(("x", "gamma", "beta"), found, expected, strict=False):
            check.close(mine, right, rtol=1e-3, atol=1e-4,
                        given=f"gradient of {name}, x of shape {shape}, random gamma, eps = 0.1")
    empty = norm_gradients(np.zeros((0, 3)), np.ones(3), np.zeros(3), np.zeros((0, 3)), 1e-5)
    check.equal([np.shape(a) for a in empty[:3]], [(0, 3), (3,), (3,)],
                given="the shapes of the gradients for an x of shape (0, 3)")


test_transformers_layer_norm_rule()

# %% [markdown]
r"""
<details><summary>The result, once yours passes</summary>

The two means of the text are the two projections:
$s\,(g - \overline{g} - \hat x\,\overline{g \hat x})$.
</details>

Now the layer that owns gamma and beta.
"""

# %% nbgrader={"grade": false, "grade_id": "transformers_layer_norm", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class LayerNorm(Layer):
    """Every row gets mean 0 and variance 1, then a learned scale and offset for each feature.

    Attributes:
        normalized_shape, eps: the number of features, and what is added to the variance.
        gamma, beta: trainable Tensors of shape (normalized_shape,), at first ones and zeros.
    """

    def __init__(self, normalized_shape: int, eps: float = 1e-5):
        """Make gamma, then beta. ValueError for fewer than one feature: it contains the number."""
        ### BEGIN SOLUTION
        if normalized_shape < 1:
            raise ValueError(f"LayerNorm needs at least one feature, got {normalized_shape}")
        self.normalized_shape, self.eps = normalized_shape, eps
        self.gamma = Tensor(np.ones(normalized_shape), requires_grad=True)
        self.beta = Tensor(np.zeros(normalized_shape), requires_grad=True)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Normalize x (..., normalized_shape), as one operation: `layer_norm`, by `compute`.

        Raises:
            ValueError: x has no dimension, or its last size is not normalized_shape. The message
                contains the shape of x and normalized_shape.

        Example:
            LayerNorm(4, eps=0.75)(Tensor([[1, 2, 3, 4]])) is
            [[-1.0607, -0.3536, 0.3536, 1.0607]]
        """
        ### BEGIN SOLUTION
        if x.shape[-1:] != (self.normalized_shape,):
            raise ValueError(
                f"LayerNorm({self.normalized_shape}) got an input of shape {x.shape}: "
                f"its last dimension must be {self.normalized_shape}"
            )
        return compute(layer_norm, x, self.gamma, self.beta, eps=self.eps)
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* attributes, values, both errors, and that the engine reaches x, gamma and beta.
"""

# %% nbgrader={"grade": true, "grade_id": "test_transformers_layer_norm", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def about_a_norm():
    """What LayerNorm(4) has: shapes, marks, values, eps, whether parameters() is in order."""
    layer = LayerNorm(4)
    names = [layer.gamma, layer.beta]
    found = layer.parameters()
    return [[p.shape for p in names], [p.requires_grad for p in names],
            [p.data.tolist() for p in names], [layer.normalized_shape, layer.eps],
            len(found) == 2 and found[0] is names[0] and found[1] is names[1]]


@probe
def through_a_norm(x, gamma, beta, **settings):
    """[result, is it one node, has every one of x, gamma and beta got a gradient]."""
    x = Tensor(np.array(x), requires_grad=True)
    layer = LayerNorm(x.shape[-1], **settings)
    layer.gamma.data[...], layer.beta.data[...] = gamma, beta
    y = layer(x)
    inputs = y._grad_fn.saved_tensors
    y.backward(np.arange(y.size).reshape(y.shape))
    one = len(inputs) == 3 and inputs[0] is x and inputs[1] is layer.gamma
    return [y.data, one, [t.grad is not None for t in (x, layer.gamma, layer.beta)]]


def test_transformers_layer_norm():
    """It owns gamma and beta, and hands everything to the one operation."""
    shapes, marks, values, sizes, ordered = about_a_norm()
    check.equal(shapes, [(4,), (4,)], given="the shapes of gamma and beta of LayerNorm(4)")
    check.equal(marks, [True, True], given="do gamma and beta require a gradient")
    check.equal(values, [[1.0] * 4, [0.0] * 4], given="the values of a fresh gamma and beta",
                because="a fresh layer only normalizes")
    check.equal(sizes, [4, 1e-5], given="[normalized_shape, eps] of LayerNorm(4)")
    check.true(ordered, given="is LayerNorm(4).parameters() [gamma, beta]",
               because="gamma is made first")
    y, one, received = through_a_norm([[[1, 2, 3, 4]], [[4, 3, 2, 1]]], [1, 1, 2, 2],
                                      [0, 0, 0, 10], eps=0.75)
    r = np.sqrt(0.5)
    check.close(y, [[[-1.5 * r, -0.5 * r, r, 10 + 3 * r]], [[1.5 * r, 0.5 * r, -r, 10 - 3 * r]]],
                given="LayerNorm(4, eps=0.75), gamma [1, 1, 2, 2], beta [0, 0, 0, 10], of "
                      "[[[1, 2, 3, 4]], [[4, 3, 2, 1]]]")
    check.true(one, given="is the result one node with the inputs x, gamma and beta",
               because="compute(layer_norm, ...) records one operation, whose rule you wrote")
    check.equal(received, [True] * 3, given="have x, gamma and beta received gradients")
    for shape in ((), (3,), (4, 3), (2, 4, 1)):
        check.raises(ValueError, lambda shape=shape: LayerNorm(4)(Tensor(np.zeros(shape))),
                     given=f"LayerNorm(4) of a tensor of shape {shape}",
                     mentions=[str(shape), "4"],
                     because="the last size must be the number of features")
    check.raises(ValueError, lambda: LayerNorm(0), given="LayerNorm(0)", mentions=["0"])
    check.close(through_a_norm([[3.0]], [2], [5])[0], [[5]], given="LayerNorm(1) of [[3]], beta 5",
                because="one feature is allowed: it is its own mean")


test_transformers_layer_norm()

# %% [markdown]
r"""
### Is the mean needed? (open)

In 2019 Biao Zhang and Rico Sennrich asked which half of layer normalization does the work. They
left out the mean, and the offset with it, and divided by the *root of the mean square* alone.
Nothing was lost, and it was cheaper. Most of today's large models use it.

This exercise is *open*: the docstrings say what must hold, and you find the arithmetic, the
gradient and the proof that it is right. The layer around them is given.
"""

# %% nbgrader={"grade": false, "grade_id": "transformers_rms_norm", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "open"}
#| export
def rms_norm(x: np.ndarray, gamma: np.ndarray, eps: float) -> np.ndarray:
    """Divide every row of x by the root of the mean of its squares, then multiply by gamma.

    For gamma = 1 and eps = 0 the mean square of every row of the result is 1, stretching a row
    changes nothing, and the direction of a row stays what it was. eps is added under the root, so
    a row of zeros stays zeros.

    Args:
        x: float32 array of shape (..., D); gamma: float32 of shape (D,). Both left unchanged.

    Returns:
        A new float32 array of x's shape.

    Example:
        x = [[3, 4]], gamma = [1, 10], eps = 0: the mean square is 12.5, so [[0.8485, 11.3137]]
    """
    ### BEGIN SOLUTION
    return x / np.sqrt(mean_of_products(x, x) + eps) * gamma
    ### END SOLUTION


@backward_rule(rms_norm)
class RMSNormBackward(Function):
    """The rule of rms_norm."""

    def apply(self, grad_output):
        """Return (gradient of x, gradient of gamma): float32, exact, of their inputs' shapes.

        self.arrays are x and gamma, self.settings["eps"] is eps. Nothing is changed in place that
        belongs to others.
        """
        ### BEGIN SOLUTION
        x, gamma = self.arrays
        root = np.sqrt(mean_of_products(x, x) + self.settings["eps"])
        normalized, each = x / root, grad_output * gamma
        grad_x = (each - normalized * mean_of_products(each, normalized)) / root
        before = tuple(range(x.ndim - 1))
        return grad_x, (grad_output * normalized).sum(axis=before)
        ### END SOLUTION


class RMSNorm(Layer):
    """Given: a LayerNorm without the mean and without the offset."""

    def __init__(self, normalized_shape: int, eps: float = 1e-5):
        self.eps, self.gamma = eps, Tensor(np.ones(normalized_shape), requires_grad=True)

    def forward(self, x: Tensor) -> Tensor:
        """Normalize the last dimension of x."""
        return compute(rms_norm, x, self.gamma, eps=self.eps)

# %% [markdown]
"""
*What is checked:* the example and the properties; both gradients against differences in float64.
"""

# %% nbgrader={"grade": true, "grade_id": "test_transformers_rms_norm", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
@probe
def rms_normed(x, gamma, gradient, eps):
    """[result, gradients of x and gamma, dtypes, then x, gamma and gradient afterwards]."""
    x, gamma, gradient = (np.array(a, dtype=np.float32) for a in (x, gamma, gradient))
    y = rms_norm(x, gamma, eps)
    node = RMSNormBackward(Tensor(x, requires_grad=True), Tensor(gamma, requires_grad=True),
                           output=y.copy(), eps=eps)
    found = node.apply(gradient)
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        found = f"not two gradients: {type(found).__name__}", np.zeros(0)
    dtypes = [str(getattr(a, "dtype", "")) for a in (y, *found)]
    return [y, *found, dtypes, x, gamma, gradient]


def rms_slopes(x, gamma, gradient, eps):
    """The gradients of x and gamma by central differences in float64."""
    points = [np.array(a, dtype=np.float64) for a in (x, gamma)]

    def loss():
        root = np.sqrt((points[0] ** 2).mean(axis=-1, keepdims=True) + eps)
        return (points[0] / root * points[1] * gradient).sum()

    found = []
    for point in points:
        slope = np.zeros(point.shape)
        for index in np.ndindex(point.shape):
            start, values = point[index], []
            for step in (1e-6, -1e-6):
                point[index] = start + step
                values.append(loss())
            point[index] = start
            slope[index] = (values[0] - values[1]) / 2e-6
        found.append(slope)
    return found


def test_transformers_rms_norm():
    """Mean square 1, direction kept, scale without effect, exact gradients."""
    y, *_ = rms_normed([[3, 4]], [1, 10], [[0, 0]], 0.0)
    check.close(y, np.array([[3, 40]]) / np.sqrt(12.5), given="rms_norm([[3, 4]], [1, 10], 0)",
                because="the mean of the squares is (9 + 16) / 2")
    y, *_ = rms_normed([[0, 0], [1, 1]], [1, 1], np.zeros((2, 2)), 3.0)
    check.close(y, [[0, 0], [0.5, 0.5]], given="rms_norm([[0, 0], [1, 1]], [1, 1], eps=3)",
                because="1 / sqrt(1 + 3): eps is added under the root")
    rng = np.random.default_rng(2)
    x = rng.standard_normal((4, 6)).astype(np.float32) + 2
    y, *_ = rms_normed(x, np.ones(6), x, 0.0)
    check.close((np.asarray(y) ** 2).mean(axis=-1), np.ones(4), rtol=1e-4,
                given="the mean square of each row of the result, gamma = 1, eps = 0")
    stretched = x * np.float32([[1], [2], [0.5], [100]])
    check.close(rms_normed(stretched, np.ones(6), x, 0.0)[0], y, rtol=1e-4,
                given="the result for rows stretched by 1, 2, 0.5 and 100",
                because="the size of a row does not count")
    ones = np.ones(4, dtype=np.float32)
    for shape, eps, random, why in (
        ((3, 4), 0.0, False, "every entry of a row takes part in its root; stretching the row "
                             "changes nothing"),
        ((3, 4), 0.1, False, "eps is under the root in the rule as well"),
        ((3, 4), 0.1, True, "what arrives at the normalized row is gamma * grad_output"),
        ((5,), 0.1, True, "x may have any number of dimensions from 1"),
        ((2, 3, 5), 0.1, True, "x may have any number of dimensions from 1"),
    ):
        x, gradient = rng.standard_normal((2, *shape)).astype(np.float32)
        gamma = rng.standard_normal(shape[-1]).astype(np.float32) if random else ones
        _, grad_x, grad_gamma, dtypes, *after = rms_normed(x, gamma, gradient, eps)
        right_x, right_gamma = rms_slopes(x, gamma, gradient, eps)
        for name, now, before in zip(("x", "gamma", "grad_output"), after, (x, gamma, gradient),
                                     strict=True):
            check.unchanged(now, before, given=f"{name} afterwards",
                            because="the array belongs to others, who still need it")
        words = f"x of shape {shape}, gamma {'random' if random else 'all 1'}, eps = {eps}"
        check.close(grad_x, right_x, rtol=1e-3, atol=1e-4, given=f"gradient of x, {words}",
                    because=why)
        check.close(grad_gamma, right_gamma, rtol=1e-3, atol=1e-4,
                    given=f"gradient of gamma, {words}",
                    because="gamma meets the normalized row, in every row")
        check.equal(dtypes, ["float32"] * 3, given="the dtypes of the result and both gradients")


test_transformers_rms_norm()

# %% [markdown]
r"""
## Part 4: Each position thinks by itself

A block has two halves. Attention, from Module 12, is the only place where positions meet. What it
has brought together, an ordinary small network digests, at each position by itself: up to a wider
row, bent by a GELU, and back. Four times as wide is the custom since 2017; it is a choice, not a
law, and it makes the MLP two thirds of a block's weights.
"""

# %% nbgrader={"grade": false, "grade_id": "transformers_mlp", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class MLP(Layer):
    """Two linear layers with a GELU between them, applied to every position by itself.

    Attributes:
        linear1, gelu, linear2: the way there, the bend, the way back.
        dropout: a Dropout at the end.
    """

    def __init__(self, embed_dim: int, hidden_dim: int | None = None, dropout_prob: float = 0.1):
        """Make the four layers, in that order.

        Args:
            embed_dim: features in and out.
            hidden_dim: features between the two linear layers; None: 4 * embed_dim. Any number is
                handed to Linear, which refuses 0.
            dropout_prob: the probability of the dropout.
        """
        ### BEGIN SOLUTION
        if hidden_dim is None:
            hidden_dim = 4 * embed_dim
        self.linear1 = Linear(embed_dim, hidden_dim)
        self.gelu = GELU()
        self.linear2 = Linear(hidden_dim, embed_dim)
        self.dropout = Dropout(dropout_prob)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Send x, of shape (..., embed_dim), through all four; the shape stays.

        Example:
            MLP(6)(a tensor of shape (2, 5, 6)) has shape (2, 5, 6), by way of (2, 5, 24)
        """
        ### BEGIN SOLUTION
        return self.dropout(self.linear2(self.gelu(self.linear1(x))))
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* sizes, the default width and a refused one, the result, and the dropout.
"""

# %% nbgrader={"grade": true, "grade_id": "test_transformers_mlp", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@probe
def mlp_sizes(*args, **settings):
    """[shapes of all parameters in order, the dropout's p] of MLP(...)."""
    mlp = MLP(*args, **settings)
    named = [mlp.linear1.weight, mlp.linear1.bias, mlp.linear2.weight, mlp.linear2.bias]
    same = [a is b for a, b in zip(mlp.parameters(), named, strict=True)]
    return [[p.shape for p in mlp.parameters()], mlp.dropout.p, all(same)]


@probe
def through_an_mlp(shape, dropout_prob=0.0, doubling=False):
    """[input, result, weights] of MLP(shape[-1], 7); doubling: its dropout doubles instead."""
    np.random.seed(3)
    mlp = MLP(shape[-1], 7, dropout_prob)
    for parameter in mlp.parameters():
        parameter.data = np.random.randn(*parameter.shape).astype(np.float32)
    if doubling:
        mlp.dropout.forward = lambda x, *more: x * 2.0
    x = np.random.randn(*shape).astype(np.float32)
    return [x, mlp(Tensor(x)).data, *[p.data for p in mlp.parameters()]]


def test_transformers_mlp():
    """Up, bend, down, drop."""
    shapes, p, ordered = mlp_sizes(6)
    check.equal(shapes, [(6, 24), (24,), (24, 6), (6,)], given="the parameters of MLP(6)",
                because="without hidden_dim it is four times as wide inside")
    check.equal(p, 0.1, given="the probability of the dropout of MLP(6)")
    check.true(ordered, given="are they linear1's weight and bias, then linear2's",
               because="the layers are made in that order and have these names")
    check.equal(mlp_sizes(6, 7, dropout_prob=0.3)[:2], [[(6, 7), (7,), (7, 6), (6,)], 0.3],
                given="parameters and dropout of MLP(6, 7, dropout_prob=0.3)")
    check.raises(ValueError, lambda: MLP(6, 0), given="MLP(6, 0)",
                 because="0 is not None: Linear gets it, and refuses it")
    for shape in ((5,), (3, 5), (2, 4, 5)):
        x, y, w1, b1, w2, b2 = (np.asarray(a) for a in through_an_mlp(shape))
        z = x @ w1 + b1
        bent = 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))
        check.close(y, bent @ w2 + b2, rtol=1e-4, atol=1e-4, given=f"MLP(5, 7) of {shape}",
                    because="linear1, gelu, linear2; nothing after linear2 but the dropout")
    check.close(through_an_mlp((3, 5), 1.0)[1], np.zeros((3, 5)),
                given="MLP(5, 7, dropout_prob=1) while training",
                because="the dropout comes last, behind linear2 and its bias")
    dropped = np.asarray(through_an_mlp((50, 5), 0.5)[1])
    check.close((dropped == 0).mean(), 0.5, atol=0.15,
                given="the share of zeros in the result with dropout_prob=0.5, while training")
    once = np.asarray(through_an_mlp((3, 5))[1])
    check.close(through_an_mlp((3, 5), doubling=True)[1], 2 * once, rtol=1e-4, atol=1e-4,
                given="MLP(5, 7), if its dropout is replaced by something that doubles",
                because="only what goes out passes through the dropout, and once")


test_transformers_mlp()

# %% [markdown]
r"""
## Part 5: The block

### Nobody looks ahead

A language model learns by predicting: at every position of a text, the next token. One sequence of
64 tokens is 64 exercises at once, all solved in one pass, *provided* that no position can see the
tokens to its right; there stands the answer. Your attention takes a mask, 1 for "may look" and 0
for "may not". Which one makes a sequence **causal**? A position may look at itself.
"""

# %% nbgrader={"grade": false, "grade_id": "transformers_mask", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def create_causal_mask(seq_len: int) -> Tensor:
    """Who may look at whom in a text: no position at what comes after it.

    Returns:
        Tensor (1, seq_len, seq_len), float32, no gradient: entry [0, i, j] is 1 if position i may
        look at position j, else 0. The leading 1 is for the sequences of a batch.

    Example:
        create_causal_mask(3) is [[[1, 0, 0], [1, 1, 0], [1, 1, 1]]]
    """
    ### BEGIN SOLUTION
    return Tensor(np.tril(np.ones((1, seq_len, seq_len))))
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* masks for 1, 3 and 6 positions: shape, numbers, dtype, no gradient.
"""

# %% nbgrader={"grade": true, "grade_id": "test_transformers_mask", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@probe
def mask_facts(length):
    """[class, shape, numbers, dtype, requires_grad] of a causal mask."""
    mask = create_causal_mask(length)
    array = mask.data if isinstance(mask, Tensor) else np.asarray(mask)
    return [type(mask).__name__, tuple(mask.shape), np.array(array), str(array.dtype),
            getattr(mask, "requires_grad", False)]


def test_transformers_mask():
    """Each position sees itself and what came before."""
    for length in (3, 1, 6):
        kind, shape, array, dtype, marked = mask_facts(length)
        given = f"create_causal_mask({length})"
        expected = [[[1.0 if j <= i else 0.0 for j in range(length)] for i in range(length)]]
        check.equal(shape, (1, length, length), given=f"the shape of {given}")
        check.close(array, expected, given=given, because="row i: position i sees 0 to i")
        check.equal(kind, "Tensor", given=f"the class of {given}",
                    because="attention takes it as a Tensor")
        check.equal([dtype, marked], ["float32", False],
                    given=f"dtype and requires_grad of {given}")


test_transformers_mask()

# %% [markdown]
r"""
### A stream, and layers that add to it

Put the two cures together. A sequence enters as a **residual stream**: one row of `embed_dim`
numbers for each position, and nothing ever replaces it. Each half of a block reads the stream
through a norm of its own, and *adds* what it has found:

```
  x ----+--------------------------> + ----+------------------> + ---> x
        |                            ^     |                    ^
        '-> ln1 -> attention -> drop-'     '-> ln2 -> mlp ------'
                      ^
                     mask
```

In words: the straight line on top is never interrupted, so what the first layer wrote can be read
by the last, and the gradient comes back the same way. The norms stand on the branches, not on the
line. That is *pre-norm*. In 2017 the norm stood *on the line*, behind each sum, $\text{norm}(x +
f(x))$: *post-norm*. It looks like a detail.

The dropout of the drawing is the block's own; the MLP brings one along.
"""

# %% nbgrader={"grade": false, "grade_id": "transformers_block", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class TransformerBlock(Layer):
    """One layer of a transformer, pre-norm: attention between positions, then an MLP for each.

    Attributes:
        ln1, attention, ln2, mlp: a LayerNorm, a MultiHeadAttention, a second LayerNorm, an MLP.
        dropout: a Dropout, for what attention brings.
    """

    def __init__(
        self, embed_dim: int, num_heads: int, mlp_ratio: float = 4, dropout_prob: float = 0.1
    ):
        """Make the layers, in the order of the attributes above.

        Args:
            embed_dim, num_heads: the size of the stream, and the heads of the attention.
            mlp_ratio: how many times as wide the MLP is inside: int(mlp_ratio * embed_dim).
            dropout_prob: the probability of both dropouts, the MLP's and the block's own.
        """
        ### BEGIN SOLUTION
        self.ln1 = LayerNorm(embed_dim)
        self.attention = MultiHeadAttention(embed_dim, num_heads)
        self.ln2 = LayerNorm(embed_dim)
        self.mlp = MLP(embed_dim, int(mlp_ratio * embed_dim), dropout_prob)
        self.dropout = Dropout(dropout_prob)
        ### END SOLUTION

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Add to x, of shape (B, T, embed_dim), first what attention finds, then the MLP's part.

        Args:
            x: the stream. It is not changed; the result is a new Tensor of its shape.
            mask: handed to the attention: (1, T, T) or another shape that it takes, or None.

        Example:
            if attention and MLP both return zeros, the result equals x
        """
        ### BEGIN SOLUTION
        x = x + self.dropout(self.attention(self.ln1(x), mask))
        return x + self.mlp(self.ln2(x))
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* what the layers are and their order; the result against the formula, with and
without a mask; what is added to what; both dropouts; and that every one of the 16 parameters
receives a gradient.
"""

# %% nbgrader={"grade": true, "grade_id": "test_transformers_block", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
@probe
def block_facts(*args, **settings):
    """[sizes of the parts, number of parameters, dropouts, order of the parameters]."""
    block = TransformerBlock(*args, **settings)
    parts = [block.ln1, block.attention, block.ln2, block.mlp]
    named = [id(p) for part in parts for p in part.parameters()]
    sizes = [block.ln1.gamma.size, block.attention.embed_dim, block.attention.num_heads,
             block.ln2.gamma.size, block.mlp.linear1.weight.shape[1]]
    return [sizes, len(named), [block.dropout.p, block.mlp.dropout.p],
            named == [id(p) for p in block.parameters()]]


@probe
def block_results(masks, own=1.0, inner=1.0):
    """[the result, the same step by step from the block's own parts, x afterwards, x before].

    masks: "none", "causal", or "own" for a different one for each sequence. own and inner: by what
    the block's dropout and the MLP's multiply.
    """
    np.random.seed(4)
    block = TransformerBlock(6, 2, dropout_prob=0.0)
    for parameter in block.parameters():
        parameter.data = np.random.randn(*parameter.shape).astype(np.float32) * 0.5
    block.dropout.forward = lambda x, *more: x * own
    block.mlp.dropout.forward = lambda x, *more: x * inner
    before = np.random.randn(3, 5, 6).astype(np.float32)
    x, mask = Tensor(before.copy()), create_causal_mask(5)
    if masks == "own":
        mask = Tensor(np.stack([mask.data[0], np.eye(5), mask.data[0].T]))
    if masks == "none":
        mask = None
    got = block(x) if mask is None else block(x, mask)
    middle = before + own * block.attention(block.ln1(Tensor(before)), mask).data
    right = middle + block.mlp(block.ln2(Tensor(middle))).data
    return [got.data, right, x.data, before]


@probe
def constant_branches():
    """[result, x afterwards] of a block whose attention finds 1 everywhere, and whose MLP 10."""
    block = TransformerBlock(6, 2, dropout_prob=0.0)
    for layer, constant in ((block.attention.out_proj, 1), (block.mlp.linear2, 10)):
        layer.weight.data[...], layer.bias.data[...] = 0, constant
    x = Tensor(np.arange(18.0).reshape(1, 3, 6))
    return [block(x).data, x.data]


@probe
def dropped_branches(training):
    """[result, x] of a block with dropout 1, in one of the two modes."""
    np.random.seed(8)
    block, x = TransformerBlock(6, 2, dropout_prob=1.0), np.random.randn(3, 5, 6)
    return [(block.train() if training else block.eval())(Tensor(x)).data, x]


@probe
def block_gradients():
    """How many parameters got a gradient that is not all zeros; and whether x got one."""
    np.random.seed(5)
    block, x = TransformerBlock(6, 2), Tensor(np.random.randn(3, 5, 6), requires_grad=True)
    block(x, create_causal_mask(5)).backward(np.random.randn(3, 5, 6))
    reached = [p.grad is not None and bool(np.any(p.grad.data)) for p in block.parameters()]
    return [sum(reached), x.grad is not None]


def test_transformers_block():
    """Read through a norm, add to the stream; twice."""
    sizes, count, dropouts, ordered = block_facts(6, 2)
    check.equal(sizes, [6, 6, 2, 6, 24],
                given="TransformerBlock(6, 2): [ln1's width, the attention's width and heads, "
                      "ln2's width, the MLP's inner width]")
    check.equal(count, 16, given="the number of parameters of its four parts",
                because="2 in each norm, 8 in the attention, 4 in the MLP: no part stands for two")
    check.equal(dropouts, [0.1, 0.1], given="both dropouts' probabilities, the default")
    check.true(ordered, given="are its parameters those of ln1, attention, ln2, mlp, in order",
               because="they are made in that order, and there are no others")
    sizes, _, dropouts, _ = block_facts(6, 3, mlp_ratio=2.5, dropout_prob=0.3)
    check.equal([sizes[2], sizes[4], dropouts], [3, 15, [0.3, 0.3]],
                given="[heads, inner width, dropouts] of "
                      "TransformerBlock(6, 3, mlp_ratio=2.5, dropout_prob=0.3)",
                because="int(2.5 * 6) = 15")
    result, now = constant_branches()
    stream = np.arange(18, dtype=np.float32).reshape(1, 3, 6)
    check.unchanged(now, stream, given="x after block(x)",
                    because="the sum is a new Tensor; the stream that came in belongs to others")
    check.close(result, stream + 11,
                given="x = 0 ... 17 of shape (1, 3, 6); the attention always returns 1, the MLP 10",
                because="what a branch finds is added to the stream, which goes through untouched")
    for masks, words, why in (
        ("none", "without a mask", "x + attention(ln1(x)), and then that plus mlp(ln2(of that))"),
        ("causal", "with a causal mask", "the mask is handed to the attention"),
        ("own", "with a mask of shape (3, 5, 5), another one for each sequence",
         "the mask is handed on as it came: each sequence may have its own"),
    ):
        got, right, now, before = block_results(masks)
        check.unchanged(now, before, given="x after block(x)")
        check.close(got, right, rtol=1e-4, atol=1e-4, because=why,
                    given=f"a block of width 6 on a stream of shape (3, 5, 6), {words}")
    result, x = dropped_branches(True)
    check.close(result, x, given="dropout_prob=1 while training: the result, compared with x",
                because="both branches pass through a dropout before they are added, x does not")
    result, x = dropped_branches(False)
    check.true(not np.allclose(result, x), given="dropout_prob=1 in evaluation mode: has x changed",
               because="dropout is off there")
    got, right, _, _ = block_results("causal", own=2.0, inner=3.0)
    check.close(got, right, rtol=1e-4, atol=1e-4,
                given="the same block, if its own dropout doubles and the MLP's multiplies by 3",
                because="what attention brings passes through the block's dropout, once; "
                        "what the MLP brings only through the MLP's")
    check.equal(block_gradients(), [16, True],
                given="[parameters with a gradient that is not 0, did x get one]")


test_transformers_block()

# %% [markdown]
r"""
### Post-norm, pre-norm, and neither

First the stack of Part 1 once more, now with a norm on the branch. **What will you see?** Where
does the third curve run?
"""

# %%
def normed_residual(layer, x):
    return x + layer(LayerNorm(64)(x))


draw_stacks({"f(x)": plain, "x + f(x)": residual, "x + f(norm(x))": normed_residual})

# %% [markdown]
r"""
Both sizes stay within reach, from the first layer to the last. (The stream still grows, but no
longer upon itself: what a GELU puts out is positive on average, so every layer here pushes the same
way, 0.3 each, to 7.4 at the end. In a block a Linear comes last, the pushes point anywhere, and the
size grows like a random walk, by the *root* of the depth. A last norm, in front of the output,
takes both away.)

Now the real thing: four ways of putting attention and MLP together, in models of 12 blocks. Two
questions. How *alike* do the positions become on their way up? (1 means that all the rows of a
sequence are the same.) And what does each model learn in 60 steps on the poem?

Attention is an average, and averages of averages of averages forget who was who. If all positions
look the same, all get the same prediction, and the best one is then to know how frequent each
character is: "e, space, t". What that alone achieves is the loss in the last line of the table.

**What will this print?** Which of the four get below that line? Read the three `forward`s; the rest
of the cell measures.
"""

# %%
class PostNorm(TransformerBlock):
    """As in 2017: the norms stand on the stream, behind each sum."""

    def forward(self, x, mask=None):
        x = self.ln1(x + self.attention(x, mask))
        return self.ln2(x + self.mlp(x))


class NoResidual(TransformerBlock):
    """Norms, but each half replaces the stream."""

    def forward(self, x, mask=None):
        return self.mlp(self.ln2(self.attention(self.ln1(x), mask)))


class NoNorm(TransformerBlock):
    """Sums, but no norm."""

    def forward(self, x, mask=None):
        x = x + self.attention(x, mask)
        return x + self.mlp(x)


class Stack(Layer):
    """Embedding, blocks of one kind, a norm, logits: a small language model."""

    def __init__(self, kind, depth=12, width=24):
        self.embedding = EmbeddingLayer(tokenizer.vocab_size, width, 24)
        self.blocks = [kind(width, 4, dropout_prob=0.0) for _ in range(depth)]
        self.norm, self.head = LayerNorm(width), Linear(width, tokenizer.vocab_size)

    def streams(self, tokens):
        """The stream before the first block and after each."""
        mask, found = create_causal_mask(tokens.shape[1]), [self.embedding(tokens)]
        for layer in self.blocks:
            found.append(layer(found[-1], mask))
        return found

    def forward(self, tokens):
        return self.head(self.norm(self.streams(tokens)[-1]))


def likeness(rows):
    """Mean correlation between the positions of a sequence: 1 if all rows are the same."""
    rows, _ = standardize(rows, 1e-12)
    length = rows.shape[1]
    correlations = (rows @ rows.swapaxes(-1, -2)).sum(axis=(1, 2)) / rows.shape[-1]
    return float((correlations.mean() - length) / (length * (length - 1)))


def learn_the_poem(model, steps, rate=0.003):
    """Train on random windows of the poem; the losses."""
    optimizer, losses = AdamW(model.parameters(), lr=rate), []
    for _ in range(steps):
        starts = np.random.randint(0, len(poem_ids) - 24, 4)
        pieces = poem_ids[starts[:, np.newaxis] + np.arange(25)]  # four windows of 25
        optimizer.zero_grad()
        loss = CrossEntropyLoss()(model(Tensor(pieces[:, :-1])), Tensor(pieces[:, 1:]))
        loss.backward()
        clip_grad_norm(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


kinds = {"pre-norm": TransformerBlock, "post-norm": PostNorm, "no residual": NoResidual,
         "no norm": NoNorm}
likenesses = {}
print("              likeness after block      loss")
print("                 1      6     12     step 1   last 10 of 60")
for name, kind in kinds.items():
    np.random.seed(0)
    model = Stack(kind)
    streams = model.streams(Tensor(poem_ids[np.arange(4)[:, np.newaxis] * 100 + np.arange(24)]))
    likenesses[name] = [likeness(stream.data) for stream in streams]
    at = " ".join(f"{likenesses[name][k]:6.3f}" for k in (1, 6, 12))
    losses = learn_the_poem(model, 60)
    print(f"{name:<12} {at} {losses[0]:10.2f} {np.mean(losses[-10:]):12.2f}")
shares = np.bincount(poem_ids) / len(poem_ids)
shares = shares[shares > 0]
print(f"knowing only how frequent each character is: {-(shares * np.log(shares)).sum():19.2f}")
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
    for name, values in likenesses.items():
        axes.semilogy(1 - np.array(values) + 1e-6, "o-", ms=3, label=name)
    axes.set(xlabel="after block", ylabel="1 - likeness",
             title="How different the positions of a text still are, before any training")
    axes.legend()
    plt.show()
except ImportError:
    print("Without matplotlib you miss three curves that fall to almost nothing, and one that "
          "does not.")

# %% [markdown]
r"""
At this depth and rate only the pre-norm model learns anything about *order*. The others learn how
frequent the characters are, and there they stop. Without residuals all positions are the same
after a few blocks. Without norms the stream grows until the new parts drown everything. And
post-norm shrinks the old part of the stream by about $1/\sqrt2$ at every sum, so that after 24 sums
little is left of who was who. It can be done: with a third of the rate, reached slowly over 150
steps, this model leaves the line too, after 300. That is what those 4,000 steps were for.

**A good place to stop** for today. You have a block that works in a stack of any depth; what comes
next is built from it.
"""

# %% [markdown]
r"""
## Part 6: GPT

Second sitting. A GPT is an embedding, a stack of blocks, a last norm, and a linear layer that turns
each row of the stream into one score for each token of the vocabulary:

```
 tokens (B, T)
    |   EmbeddingLayer: which token, at which position
    v
 stream (B, T, embed_dim)  -> block -> block -> ... -> ln_f -> lm_head
                                ^        ^                        |
                                '- mask -'                        v
                                                    logits (B, T, vocab_size)
```

In words: row t of the logits is about token t + 1. Nothing in the stack depends on T: the
same weights read 1 token or 1,000. Only the table of learned positions sets a limit, `max_seq_len`.

You have all the parts, so the contract is all you get. Two decisions are made for you. The head has
no bias; a token's general popularity can sit in its weights. And the head has weights of its own;
GPT-2 uses the table of the embedding once more, turned around (*weight tying*), which saves a
quarter of its parameters. Part 7 counts both.
"""

# %% nbgrader={"grade": false, "grade_id": "transformers_gpt", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class GPT(Layer):
    """A language model: token ids in, for each position the scores of the next token out.

    Attributes:
        vocab_size, embed_dim, num_layers, num_heads, max_seq_len: as given.
        embedding: EmbeddingLayer with learned positions, for up to max_seq_len of them.
        blocks: a list of num_layers TransformerBlocks.
        ln_f: the last LayerNorm. lm_head: Linear(embed_dim, vocab_size) without a bias.
    """

    def __init__(
        self,
        vocab_size: int,
        embed_dim: int,
        num_layers: int,
        num_heads: int,
        max_seq_len: int = 1024,
        dropout_prob: float = 0.1,
    ):
        """Keep the five sizes, and make the layers in the order of the attributes above.

        dropout_prob goes to each block; the GPT has no other dropout, and its embedding is the
        plain sum of two rows (not scaled).

        Raises:
            ValueError: num_layers is below 1. The message contains "num_layers" and the number.
                (The other sizes are checked by the layers that receive them.)
        """
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
        """Given: the mask that every block receives; a subclass may have another."""
        return create_causal_mask(seq_len)

    def forward(self, tokens: Tensor) -> Tensor:
        """The logits of the token after each position: (B, T) ids give (B, T, vocab_size).

        Row t of the result depends on tokens 0 to t only. The mask comes from
        `_create_causal_mask`, and every block receives it.

        Raises:
            ValueError: tokens is not of shape (B, T), or T is not from 1 to max_seq_len. The
                message contains the shape and max_seq_len. (Ids outside the vocabulary are
                refused by the embedding.)

        Example:
            GPT(65, 32, 2, 4)(Tensor([[1, 2, 3]])) has shape (1, 3, 65)
        """
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

# %% [markdown]
"""
*What is checked:* the parts and their order; the logits, recomputed from the parts; that a later
token changes no earlier row, and does change its own; that every parameter receives a gradient; the
dropout; three wrong shapes.
"""

# %% nbgrader={"grade": true, "grade_id": "test_transformers_gpt", "locked": true, "points": 11, "schema_version": 3, "solution": false, "task": false}
@probe
def gpt_facts(*args, **settings):
    """[sizes, shapes of some weights, number of blocks, dropout, order of the parameters]."""
    model = GPT(*args, **settings)
    parts = [model.embedding, *model.blocks, model.ln_f, model.lm_head]
    named = [id(p) for part in parts for p in part.parameters()]
    sizes = [model.vocab_size, model.embed_dim, model.num_layers, model.num_heads,
             model.max_seq_len]
    shapes = [model.ln_f.gamma.shape, model.lm_head.weight.shape, model.lm_head.bias is None,
              model.embedding.max_seq_len]
    return [sizes, shapes, len({id(block) for block in model.blocks}),
            [model.blocks[-1].attention.num_heads, model.blocks[-1].mlp.linear1.bias.size,
             model.blocks[-1].mlp.dropout.p],
            named == [id(p) for p in model.parameters()]]


@probe
def gpt_logits(tokens, own_mask=False):
    """[logits of a small model, the same from its parts]; own_mask: a subclass sees everything."""
    class Seeing(GPT):
        def _create_causal_mask(self, seq_len):
            return Tensor(np.ones((1, seq_len, seq_len)))

    np.random.seed(6)
    model = (Seeing if own_mask else GPT)(11, 8, 3, 2, max_seq_len=7, dropout_prob=0.0)
    for parameter in model.parameters():
        parameter.data = parameter.data + np.float32(0.2) * np.random.randn(
            *parameter.shape).astype(np.float32)
    tokens = Tensor(tokens)
    got, x = model(tokens), model.embedding(tokens)
    for block in model.blocks:
        x = block(x, model._create_causal_mask(tokens.shape[1]))
    return [got.data, model.lm_head(model.ln_f(x)).data]


@probe
def gpt_embedding(tokens):
    """[what the embedding gives, the sum of the rows of its two tables]."""
    np.random.seed(10)
    model, tokens = GPT(11, 8, 1, 2, max_seq_len=7), np.array(tokens)
    words, *places = [p.data for p in model.embedding.parameters()]
    right = words[tokens] + sum(table[: tokens.shape[1]] for table in places)
    return [model.embedding(Tensor(tokens)).data, right]


@probe
def without_its_blocks(tokens):
    """[logits while dropout takes away all that the blocks bring, lm_head(ln_f(embedding))]."""
    np.random.seed(9)
    model, tokens = GPT(11, 8, 2, 2, max_seq_len=7, dropout_prob=1.0), Tensor(np.array(tokens))
    return [model(tokens).data, model.lm_head(model.ln_f(model.embedding(tokens))).data]


@probe
def gpt_gradients():
    """[parameters in all, those that got a gradient that is not all zeros]."""
    np.random.seed(7)
    model = GPT(11, 8, 2, 2, max_seq_len=7)
    logits = model(Tensor(np.random.randint(0, 11, (3, 7))))
    logits.backward(np.random.randn(*logits.shape))
    reached = [p.grad is not None and bool(np.any(p.grad.data)) for p in model.parameters()]
    return [len(reached), sum(reached)]


def test_transformers_gpt():
    """The parts, the stack, the mask; no look ahead; no parameter left out."""
    sizes, shapes, blocks, block, ordered = gpt_facts(11, 8, 3, 2, max_seq_len=7, dropout_prob=0.3)
    given = "GPT(11, 8, 3, 2, max_seq_len=7, dropout_prob=0.3)"
    check.equal(sizes, [11, 8, 3, 2, 7], given=f"the five sizes that {given} keeps")
    check.equal(shapes, [(8,), (8, 11), True, 7],
                given="[shape of ln_f.gamma, of lm_head.weight, has lm_head no bias, the "
                      "embedding's max_seq_len]")
    check.equal(blocks, 3, given=f"how many different blocks {given} has",
                because="each layer has weights of its own: make a new block for each")
    check.equal(block, [2, 32, 0.3], given="[heads, inner width of the MLP, dropout] of its last "
                "block", because="the MLP is 4 times as wide: the block's own default")
    check.true(ordered, given="are the parameters those of embedding, blocks, ln_f, lm_head",
               because="they are made in that order, and there are no others")
    check.equal([gpt_facts(5, 4, 1, 2)[0][4], gpt_facts(5, 4, 1, 2)[3][2]], [1024, 0.1],
                given="max_seq_len and dropout of GPT(5, 4, 1, 2)")
    tokens = np.array([[1, 2, 3, 4, 5], [10, 9, 0, 7, 6]])
    got, right = gpt_embedding(tokens.tolist())
    check.close(got, right, given="the embedding of 2 texts of 5 tokens, from its two tables",
                because="a row for the token plus a row for the position: learned, not scaled")
    for ids in (tokens, tokens[:1, :1], np.tile(tokens[:, :1], 7)):
        got, right = gpt_logits(ids)
        check.equal(np.shape(got), (*ids.shape, 11), given=f"logits for ids of shape {ids.shape}")
        check.close(got, right, rtol=1e-4, atol=1e-4, given=f"logits of {ids.tolist()}",
                    because="embedding, every block with the mask, ln_f, lm_head")
    got, right = gpt_logits(tokens, own_mask=True)
    check.close(got, right, rtol=1e-4, atol=1e-4,
                given="logits of a subclass whose _create_causal_mask allows everything",
                because="the mask comes from self._create_causal_mask(T)")
    before = np.asarray(gpt_logits(tokens)[0])
    for where in (4, 2):
        changed = tokens.copy()
        changed[:, where] = 8
        after = np.asarray(gpt_logits(changed)[0])
        check.close(after[:, :where], before[:, :where], rtol=1e-5, atol=1e-5,
                    given=f"rows 0 to {where - 1} of the logits after token {where} was changed",
                    because="no position may see what comes after it")
        check.true(bool((np.abs(after - before)[:, where:].max(axis=-1) > 1e-4).all()),
                   given=f"have rows {where} to 4 all changed",
                   because="each position sees everything up to itself")
    got, right = without_its_blocks(tokens.tolist())
    check.close(got, right, rtol=1e-4, atol=1e-5,
                given="logits with dropout_prob=1 while training: the blocks add nothing",
                because="there is no dropout outside the blocks: the embedding, ln_f and lm_head "
                        "do their work")
    check.equal(gpt_gradients(), [37, 37],
                given="GPT(11, 8, 2, 2): [number of parameters, those with a gradient]",
                because="2 in the embedding, 16 in each block, 2 in ln_f, 1 in lm_head")
    for shape in ((5,), (2, 0), (2, 8), (1, 2, 3)):
        check.raises(ValueError,
                     lambda shape=shape: GPT(11, 8, 1, 2, max_seq_len=7)(Tensor(np.zeros(shape))),
                     given=f"ids of shape {shape} for a GPT with max_seq_len=7",
                     mentions=[str(shape), "7"], because="(B, T), with T from 1 to max_seq_len")
    check.raises(ValueError, lambda: GPT(11, 8, 0, 2), given="GPT(11, 8, 0, 2)",
                 mentions=["num_layers", "0"])


test_transformers_gpt()

# %% [markdown]
r"""
The same model under the names that papers use. Given: it only translates four keywords.
"""

# %%
#| export
PAPER_NAMES = {
    "vocab": "vocab_size", "d_model": "embed_dim", "n_layers": "num_layers", "n_heads": "num_heads",
}


class Transformer(GPT):
    """Given: a GPT that also takes the keywords vocab, d_model, n_layers and n_heads.

    Example:
        Transformer(vocab=65, d_model=128, n_layers=4, n_heads=4, max_seq_len=64)
    """

    def __init__(self, *sizes: int, **keywords: Any):
        """TypeError if the same size is given under both of its names."""
        named = {PAPER_NAMES.get(name, name): value for name, value in keywords.items()}
        if len(named) < len(keywords):
            raise TypeError(f"the same size was given twice, under two names: {sorted(keywords)}")
        super().__init__(*sizes, **named)

# %% [markdown]
r"""
### Two checks before any training

A fresh model knows nothing, so its loss should be about that of a guess among all tokens, $\ln V$.
(Much more means that something is too large; much less, that an answer leaks.) And the first rule
of the trade: **overfit one batch**. A model that cannot learn four short pieces by heart has a
fault, and you find it in a second rather than after a night.

**What will this print?** ln 46 is 3.83. Where does the loss start, where does it end, and what does
the causal model answer at position 0, where it has seen one character only?
"""

# %%
np.random.seed(0)
model = GPT(tokenizer.vocab_size, 32, 2, 4, max_seq_len=24, dropout_prob=0.0)
four = poem_ids[np.array([0, 130, 260, 390])[:, np.newaxis] + np.arange(25)]
batch, answers = Tensor(four[:, :-1]), Tensor(four[:, 1:])
optimizer = AdamW(model.parameters(), lr=0.01)
for step in range(81):
    optimizer.zero_grad()
    loss = CrossEntropyLoss()(model(batch), answers)
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(f"step {step:2}: loss {loss.item():.3f}   (a guess: {np.log(model.vocab_size):.2f})")
best = model(batch).data.argmax(axis=-1)
for row, right in zip(best, four, strict=True):
    piece, found = tokenizer.decode(right[:24]), tokenizer.decode(row)
    print(piece.replace("\n", "/"), " ->  ", found.replace("\n", "/"))

# %% [markdown]
r"""
It starts a little above a guess and ends at almost nothing; every piece is recited, one character
further on. (Had two of the pieces begun with the same character, the answer there would have
stayed open: a causal model cannot know which of them it is in. The loss could not have come near 0,
and that would have been right.)

## Part 7: What it weighs

Before somebody spends a million on training, somebody works out what fits. Parameters first. Go
through your own classes: the tables, the four matrices and biases of an attention, both layers of
an MLP, the norms. How many numbers is that?

Then the text. Two things grow with its length. Each head of each layer holds the **attention
weights**, one number for each pair of positions. And each layer computes a **key** and a **value**
for each position, of `embed_dim` numbers each; to continue a text, one would need those of all
earlier positions again, so a program that does not want to recompute them has to keep them. How
many bytes are the two, in float32?
"""

# %% nbgrader={"grade": false, "grade_id": "transformers_sizes", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def gpt_parameters(
    vocab_size: int, embed_dim: int, num_layers: int, max_seq_len: int = 1024
) -> dict[str, int]:
    """How many parameters a GPT of these sizes has, by formula: no model is made.

    Returns:
        A dict with these keys, in this order:
        "tokens", "positions": the two tables of the embedding;
        "attention", "mlp": in all blocks together, biases included (the MLP is 4 times as wide);
        "norms": in all blocks, and ln_f;
        "head": lm_head.

    Example:
        gpt_parameters(10, 4, 1, 6) is {"tokens": 40, "positions": 24, "attention": 80,
        "mlp": 148, "norms": 24, "head": 40}
    """
    ### BEGIN SOLUTION
    d = embed_dim
    return {
        "tokens": vocab_size * d,
        "positions": max_seq_len * d,
        "attention": num_layers * 4 * (d * d + d),
        "mlp": num_layers * (d * 4 * d + 4 * d + 4 * d * d + d),
        "norms": (2 * num_layers + 1) * 2 * d,
        "head": d * vocab_size,
    }
    ### END SOLUTION


def context_bytes(
    batch_size: int, seq_len: int, embed_dim: int, num_layers: int, num_heads: int
) -> dict[str, int]:
    """What sequences of that length cost, in all layers together, in bytes of float32.

    Returns:
        A dict with the keys "attention_weights" (a number for each pair of positions, for each
        head) and "keys_and_values" (one key and one value for each position).

    Example:
        context_bytes(1, 10, 8, 2, 4) is {"attention_weights": 3200, "keys_and_values": 1280}
    """
    ### BEGIN SOLUTION
    positions = 4 * num_layers * batch_size * seq_len
    return {
        "attention_weights": positions * num_heads * seq_len,
        "keys_and_values": positions * 2 * embed_dim,
    }
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* both formulas, against counts made by hand and against arrays in a model.
"""

# %% nbgrader={"grade": true, "grade_id": "test_transformers_sizes", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
def test_transformers_sizes():
    """Parameters and bytes, by formula."""
    names = ["tokens", "positions", "attention", "mlp", "norms", "head"]
    found = gpt_parameters(10, 4, 1, 6)
    check.equal(list(found), names, given="the keys of gpt_parameters(10, 4, 1, 6)")
    for name, right, why in zip(
        names,
        [40, 24, 80, 148, 24, 40],
        ["10 rows of 4", "6 rows of 4", "4 matrices of 4 x 4, 4 biases of 4",
         "4 x 16 + 16 up, 16 x 4 + 4 down", "3 norms with 2 x 4 each", "4 x 10, no bias"],
        strict=True,
    ):
        check.equal(found[name], right, given=f"gpt_parameters(10, 4, 1, 6)[{name!r}]", because=why)
    big = gpt_parameters(50257, 768, 12)
    check.equal([big[name] for name in names],
                [38597376, 786432, 28348416, 56669184, 38400, 38597376],
                given="gpt_parameters(50257, 768, 12): the sizes of GPT-2",
                because="max_seq_len is 1024 by default; 12 blocks, 25 norms")
    check.equal(context_bytes(1, 10, 8, 2, 4), {"attention_weights": 3200, "keys_and_values": 1280},
                given="context_bytes(1, 10, 8, 2, 4)",
                because="2 layers x 4 heads x 10 x 10 x 4 bytes; 2 layers x 10 x 2 x 8 x 4 bytes")
    check.equal(context_bytes(3, 5, 12, 2, 3), {"attention_weights": 1800, "keys_and_values": 2880},
                given="context_bytes(3, 5, 12, 2, 3)", because="three sequences cost three times")


test_transformers_sizes()

# %% [markdown]
r"""
Now GPT-2, the smallest of 2019's models, as it was published: a vocabulary of 50,257, width 768, 12
layers. **What will this print?** Which part is the largest, and how much does weight tying save?
And do the formulas agree with models that exist?
"""

# %%
sizes = gpt_parameters(50257, 768, 12)
for name, count in sizes.items():
    print(f"{name:<10} {count:>12,} {count / sum(sizes.values()):>7.1%}")
print(f"in all     {sum(sizes.values()):>12,}; with the head tied to the table of tokens "
      f"{sum(sizes.values()) - sizes['head']:,}")

trial = GPT(46, 48, 3, 4, max_seq_len=64)
for block in trial.blocks:
    block.attention.keep_weights = True
trial(Tensor(np.zeros((2, 64))))
weights = sum(block.attention.last_weights.nbytes for block in trial.blocks)
stream = Tensor(np.zeros((2, 64, 48)))
kept = sum(project(stream).data.nbytes for block in trial.blocks
           for project in (block.attention.k_proj, block.attention.v_proj))
print(f"GPT(46, 48, 3, 4, max_seq_len=64): formula {sum(gpt_parameters(46, 48, 3, 64).values()):,},"
      f" counted {sum(p.size for p in trial.parameters()):,} parameters")
print(f"two texts of 64 tokens: formula {context_bytes(2, 64, 48, 3, 4)}")
print(f"                        counted {weights} and {kept} bytes")

# %% [markdown]
r"""
124,439,808: the "124M" of GPT-2. A block of width $d$ has about $12\,d^2$ parameters, a third of
them in the attention, two thirds in the MLP: 3.15 million for $d = 512$, 7.09 million here. In a
small model the tables weigh most; in a large one nothing counts but the blocks: with twice the
width they are four times as heavy, the tables twice. And a text costs by the *square* of its length
in attention weights, but only in proportion to its length in keys and values.

## Part 8: From scores to a choice

The model gives one score for each token. What to say next? **Greedy**: always the best. It is
repeatable, and it has a habit of running in circles. Or **draw**: each token with the probability
that softmax gives it. In between lies a dial, the **temperature** $\tau$:

$$p_i \propto e^{z_i / \tau} .$$

Small $\tau$ stretches the differences between the scores, large $\tau$ levels them. The name is
from physics (Boltzmann, 1868), and the limits are worth a thought: what is left when $\tau$ goes to
0? When it grows without end? **What will this print?** The formula as it stands, with scores as a
model may give them:
"""

# %%
scores = np.float32([2.0, 1.0, 0.0, -1.0, 60.0])
for tau in (2.0, 1.0, 0.5, 0.0):
    with np.errstate(all="ignore"):
        terms = np.exp(scores / np.float32(tau))
        print(f"temperature {tau}: {terms / terms.sum()}")

# %% [markdown]
r"""
At 0.5 the exponential has overflowed, and at 0 the scores were divided by zero. The cure for the
first is built into your softmax of Module 02. Temperature 0 gets a meaning of its own: the limit,
which is greedy.

**Top-k** (Angela Fan and others, 2018) cuts the tail: only the $k$ best tokens keep a chance. A
vocabulary of 50,000 has 49,900 bad continuations, and though each is unlikely, together they are
not.
"""

# %% nbgrader={"grade": false, "grade_id": "transformers_probabilities", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def next_token_probabilities(
    logits: np.ndarray, temperature: float = 1.0, top_k: int | None = None
) -> np.ndarray:
    """The chance of each token to come next.

    Args:
        logits: array (B, V) of scores, of any size, left unchanged. A score of -inf has no chance.
        temperature: the scores are divided by it; finite, from 0. With 0 the best token has all
            the chance, the first one of equally good ones.
        top_k: only the top_k best tokens of each row keep a chance; those as good as the last of
            them keep theirs too. None, or V or more: all tokens do.

    Returns:
        float64 array (B, V), each row adding up to 1. Scores of ±1000 do no harm.

    Raises:
        ValueError: temperature is negative, infinite or nan (the message contains it); top_k is
            below 1 (the message contains it); a score is nan or +inf (the message contains "nan"
            or "inf").

    Example:
        logits [[0, ln 2, ln 4, ln 4]], temperature 1: [[1/11, 2/11, 4/11, 4/11]];
        temperature 0.5: [[1/37, 4/37, 16/37, 16/37]]; top_k = 1: [[0, 0, 0.5, 0.5]];
        temperature 0: [[0, 0, 1, 0]]
    """
    ### BEGIN SOLUTION
    if not 0 <= temperature < math.inf:
        raise ValueError(f"temperature must be a finite number from 0, got {temperature}")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k must be at least 1, or None for all tokens, got {top_k}")
    broken = logits[np.isnan(logits) | (logits == np.inf)]
    if broken.size:
        raise ValueError(f"the logits contain {broken[0]}: the model has left the range of numbers")
    scores = logits.astype(np.float64)
    if temperature == 0:
        return np.eye(scores.shape[-1])[scores.argmax(axis=-1)]
    if top_k is not None and top_k < scores.shape[-1]:
        limit = np.sort(scores)[:, -top_k, np.newaxis]
        scores[scores < limit] = -np.inf
    return softmax(scores / temperature, -1)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the example, several rows, ties, scores of ±1000, small and large temperatures,
top-k of every size, the errors, and that the logits stay as they are.
"""

# %% nbgrader={"grade": true, "grade_id": "test_transformers_probabilities", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
@probe
def chances(logits, *settings):
    """[probabilities, dtype, logits afterwards, warnings]."""
    logits = np.array(logits, dtype=np.float32)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = next_token_probabilities(logits, *settings)
    return [found, str(found.dtype), logits]


def test_transformers_probabilities():
    """Softmax with a dial, the best k, and greedy as the limit."""
    row = np.log([1.0, 2.0, 4.0, 4.0])
    words = "logits [[0, ln 2, ln 4, ln 4]]"
    check.close(chances([row])[0], np.array([[1, 2, 4, 4]]) / 11, given=f"{words}, no settings",
                because="at temperature 1 it is softmax")
    check.close(chances([row], 0.5)[0], np.array([[1, 4, 16, 16]]) / 37,
                given=f"{words}, temperature 0.5", because="dividing by 0.5 squares the odds")
    check.close(chances([row], 0)[0], [[0, 0, 1, 0]], given=f"{words}, temperature 0",
                because="the best has all the chance, the first one of equals")
    check.close(chances([row, row[::-1]], 0)[0], [[0, 0, 1, 0], [1, 0, 0, 0]],
                given="two rows, temperature 0", because="each row has a best of its own")
    for k, expected in [(1, [0, 0, 1, 1]), (2, [0, 0, 1, 1]), (3, [0, 2, 4, 4]), (4, [1, 2, 4, 4]),
                        (9, [1, 2, 4, 4])]:
        check.close(chances([row], 1.0, k)[0], np.array([expected]) / sum(expected),
                    given=f"{words}, temperature 1, top_k={k}",
                    because="whatever is below the k-th best has no chance; the rest share it")
    mixed = np.float32([[3, 1, 2, 0, -1], [0, 1, 2, 3, 4], [5, 5, 5, 5, 1]])
    odds = np.exp(mixed.astype(float) / 2)
    odds *= np.array([[1, 0, 1, 0, 0], [0, 0, 0, 1, 1], [1, 1, 1, 1, 0]])
    found, dtype, after = chances(mixed, 2.0, 2)
    check.close(found, odds / odds.sum(axis=-1, keepdims=True),
                given=f"logits {mixed.tolist()}, temperature 2, top_k=2",
                because="each row has its own limit, and equals stay together")
    check.unchanged(after, mixed, given="the logits afterwards")
    check.equal(dtype, "float64", given="the dtype of the probabilities")
    check.unchanged(chances(mixed, 0.0)[2], mixed, given="the logits after temperature 0")
    check.close(chances([[1000, -1000, 999]], 0.01)[0], [[1, 0, 0]],
                given="logits [[1000, -1000, 999]], temperature 0.01",
                because="nothing may overflow")
    check.close(chances([[1000, -1000, 999]], 1e9)[0], np.ones((1, 3)) / 3, atol=1e-5,
                given="the same at temperature 1e9", because="all are levelled")
    check.close(chances([[0, 1e-7]], 1e-7)[0], np.array([[1, np.e]]) / (1 + np.e), rtol=1e-4,
                given="logits [[0, 1e-7]], temperature 1e-7",
                because="however small, the scores are divided by it: here they become 0 and 1")
    check.close(chances([[0, -np.inf, 0]], 1.0, 3)[0], [[0.5, 0, 0.5]],
                given="logits [[0, -inf, 0]], top_k=3", because="-inf has no chance")
    check.close(chances([[7.0]], 0.7, 1)[0], [[1.0]], given="a vocabulary of one token")
    zeros = np.zeros((1, 3), dtype=np.float32)
    for wrong in (-0.5, np.inf, np.nan):
        check.raises(ValueError, lambda wrong=wrong: next_token_probabilities(zeros, wrong),
                     given=f"temperature {wrong}", mentions=[str(wrong)])
    for wrong in (0, -2):
        check.raises(ValueError, lambda wrong=wrong: next_token_probabilities(zeros, 1.0, wrong),
                     given=f"top_k={wrong}", mentions=[str(wrong)])
    for wrong in ("nan", "inf"):
        bad = np.float32([[0, float(wrong), 1]])
        for tau in (1.0, 0):
            check.raises(ValueError, lambda bad=bad, tau=tau: next_token_probabilities(bad, tau),
                         given=f"logits [[0, {wrong}, 1]], temperature {tau}", mentions=[wrong],
                         because="a model that has broken down must not go on talking")


test_transformers_probabilities()

# %% [markdown]
r"""
**What will you see?** Twelve tokens with scores from 3 down to −2.5. At which temperature would you
bet on the first one? How much do the last six have together at 2?
"""

# %%
ladder = np.arange(3.0, -3.0, -0.5)[np.newaxis]
settings = [(0, None), (0.5, None), (1.0, None), (2.0, None), (1.0, 3)]
for temperature, top_k in settings:
    found = next_token_probabilities(ladder, temperature, top_k)[0]
    print(f"temperature {temperature}, top_k {top_k}: the first {found[0]:.2f}, "
          f"the last six together {found[6:].sum():.2f}")
try:
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 5, figsize=(10, 2.2), sharey=True, layout="constrained")
    for axes, (temperature, top_k) in zip(panels, settings, strict=True):
        axes.bar(range(12), next_token_probabilities(ladder, temperature, top_k)[0])
        axes.set_title(f"τ = {temperature}" + (f", top {top_k}" if top_k else ""))
        axes.set_xticks([])
    panels[0].set_ylabel("probability")
    plt.show()
except ImportError:
    print("Without matplotlib you miss a staircase that gets flatter from left to right.")

# %% [markdown]
r"""
Now the draw itself, without a library function that does it. One number $u$, uniform between 0 and
1, has to become a token: with the right chances, and a token with chance 0 never. Lay the
probabilities end to end, like planks: where does $u$ fall?

Two traps lie at the edges. `np.random.random` can return exactly 0. And the planks, added up in
floating point, need not reach exactly 1.
"""

# %% nbgrader={"grade": false, "grade_id": "transformers_draw", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def draw(probabilities: np.ndarray) -> np.ndarray:
    """One token id per row, drawn with the chances in that row.

    Args:
        probabilities: array (B, V), not negative; each row adds up to 1, but for rounding (a sum
            of 0.9999 or 1.0001 counts as 1). Left unchanged.

    Returns:
        B ids, an integer array of shape (B,). A token with probability 0 is never drawn.

    The randomness is that of a single call, np.random.random(B): number b is for row b, and the
    smaller it is, the smaller (or equal) the id.

    Example:
        rows [0.5, 0.25, 0.25] and [0, 1, 0], random numbers 0.6 and 0.6: [1, 1]
    """
    ### BEGIN SOLUTION
    reached = probabilities.cumsum(axis=-1)
    thrown = np.random.random(len(probabilities)) * reached[:, -1]
    return (reached <= thrown[:, np.newaxis]).sum(axis=-1)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the example, with random numbers that the test chooses, the edges among them; the
frequencies of 20,000 real draws; that `np.random.seed` repeats them.
"""

# %% nbgrader={"grade": true, "grade_id": "test_transformers_draw", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@probe
def drawn(rows, numbers):
    """What draw does when np.random.random gives these numbers.

    [ids, kind of dtype, rows afterwards, its calls of np.random.random]
    """
    rows, real, asked = np.array(rows, dtype=np.float64), np.random.random, []

    def chosen(size=None):
        count = 1 if size is None else int(np.prod(size))
        given = np.resize(np.array(numbers, dtype=np.float64)[len(asked) :], count)
        asked.append(f"random({count})")
        return float(given[0]) if size is None else given.reshape(size)

    np.random.random = chosen
    try:
        ids = draw(rows)
    finally:
        np.random.random = real
    return [ids, np.asarray(ids).dtype.kind, rows, " ".join(asked) or "none"]


@probe
def many_draws(row, count, seed):
    """How often each id is drawn."""
    np.random.seed(seed)
    return np.bincount(draw(np.tile(np.array(row), (count, 1))), minlength=len(row))


def test_transformers_draw():
    """Planks end to end; the edges belong to nobody who has no chance."""
    rows = [[0.5, 0.25, 0.25], [0, 1, 0]]
    ids, kind, after, asked = drawn(rows, [0.6, 0.6])
    check.equal(asked, "random(2)", given="the calls of np.random.random, for 2 rows",
                because="it is called once, for B numbers: number b is for row b")
    check.equal(np.asarray(ids).tolist(), [1, 1], given=f"draw({rows}) with the numbers 0.6, 0.6",
                because="0.6 lies between 0.5 and 0.75: on the second plank")
    check.equal(kind, "i", given="the kind of the ids' dtype", because="ids are whole numbers")
    check.unchanged(after, np.float64(rows), given="the probabilities afterwards")
    for number, expected in [(0.0, [0, 1]), (0.49, [0, 1]), (0.51, [1, 1]), (0.76, [2, 1]),
                             (1 - 2**-53, [2, 1])]:
        check.equal(np.asarray(drawn(rows, [number] * 2)[0]).tolist(), expected,
                    given=f"draw({rows}) with the numbers {number:.17g}, twice",
                    because="the smaller the number, the smaller the id; no chance, no draw")
    short = [[0.0, 0.3, 0.6999, 0.0], [0.0, 0.3, 0.7001, 0.0]]
    for number, expected in [(0.0, [1, 1]), (0.99995, [2, 2]), (1 - 2**-53, [2, 2])]:
        check.equal(np.asarray(drawn(short, [number] * 2)[0]).tolist(), expected,
                    given=f"draw({short}) with the numbers {number:.17g}, twice",
                    because="a row that does not quite add up to 1 is no reason for token 0 or 3")
    row = [0.1, 0.0, 0.6, 0.3]
    counts = np.asarray(many_draws(row, 20000, 1))
    check.close(counts / 20000, row, atol=0.015, given=f"shares of 20,000 draws from {row}",
                because="each token has its chance, and each row a number of its own")
    check.equal(np.asarray(many_draws(row, 50, 2)).tolist(),
                np.asarray(many_draws(row, 50, 2)).tolist(),
                given="50 draws, twice after np.random.seed(2)", because="the seed repeats them")


test_transformers_draw()

# %% [markdown]
r"""
## Part 9: Writing on

Feed the prompt, take the *last* row of the logits, choose a token, append it, feed the longer text.
That is all of it: everything that language models write comes out of this loop. Four things to get
right:

- Nothing is recorded, and **dropout is off**: a model that is used is in evaluation mode. Whatever
  mode its parts had before, they have afterwards, also after an error.
- The text may outgrow `max_seq_len`. Then the window **slides**: the model reads the last
  `max_seq_len` tokens, numbered from 0 anew, and forgets what came before. That holds for a long
  prompt, too. (Other programs refuse; we prefer to go on, and to say so.)
- The batch has several texts, and each goes its own way.
- The prompt belongs to the caller.
"""

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
    """Continue each sequence of the prompt by max_new_tokens tokens, one at a time.

    Each token is drawn by `draw` from `next_token_probabilities`, given this temperature and
    top_k, from the logits for the whole text so far, or its last max_seq_len tokens if it is
    longer. The model is called by `self.forward`, in evaluation mode, without recording.

    Args:
        prompt_tokens: Tensor (B, T) of ids, with T from 1 (it may exceed max_seq_len). Left as is.

    Returns:
        A new Tensor (B, T + max_new_tokens): the whole prompt, then what was generated.

    Raises:
        ValueError: the prompt is not (B, T) with T from 1 (the message contains its shape), or
            max_new_tokens is negative (it contains the number).

    Example:
        model.generate(Tensor([[5, 7]]), 3, temperature=0) has shape (1, 5) and starts with 5, 7
    """
    ### BEGIN SOLUTION
    tokens = np.array(prompt_tokens.data)
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

# %% [markdown]
"""
*What is checked:* what the model is shown at each step and in which mode; greedy and drawn tokens;
the window; the modes afterwards; the prompt; the errors.
"""

# %% nbgrader={"grade": true, "grade_id": "test_transformers_generate", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
@probe
def watched_generation(prompt, count, mixed=False, fails_at=None, seed=0, **settings):
    """A GPT that counts: the next token is always one more, modulo 6. What it is shown, and how.

    [tokens, what it was shown, modes of its dropout, whether anything was recorded, modes of both
    blocks afterwards, is recording on afterwards, prompt afterwards, does the result share the
    prompt's memory or require a gradient]
    """
    class Counting(GPT):
        def forward(self, tokens):
            if fails_at is not None and len(shown) == fails_at:
                raise KeyError("broken")
            shown.append(tokens.data.tolist())
            modes.append(self.blocks[0].mlp.dropout.training)
            logits = np.full((*tokens.shape, 6), -2.0)
            last = (tokens.data.astype(int) + 1) % 6
            rows, columns = np.indices(last.shape)
            logits[rows, columns, last] = 2.0
            result = self.lm_head.weight[0, 0] * 0.0 + Tensor(logits)
            recorded.append(result.requires_grad)
            return result

    shown, modes, recorded = [], [], []
    np.random.seed(seed)
    model = Counting(6, 4, 2, 2, max_seq_len=4)
    if mixed:
        model.blocks[1].eval()
    prompt = Tensor(np.array(prompt, dtype=np.float32))
    try:
        result = model.generate(prompt, count, **settings)
        tokens, odd = result.data, [np.shares_memory(result.data, prompt.data),
                                    bool(result.requires_grad)]
    except KeyError:
        tokens, odd = "KeyError", []
    after = [block.mlp.dropout.training for block in model.blocks]
    seen = np.ones(1, dtype=np.float32)
    probe_tensor = Tensor(seen, requires_grad=True) * 2.0
    return [tokens, shown, modes, recorded, after, bool(probe_tensor.requires_grad), prompt.data,
            odd]


@probe
def wrong_prompt(prompt, count):
    """generate() of a small model with a prompt or a number that it should refuse."""
    return GPT(6, 4, 1, 2, max_seq_len=4).generate(Tensor(np.array(prompt)), count).shape


def test_transformers_generate():
    """The loop: look, choose, append; with a sliding window, in evaluation mode, unrecorded."""
    prompt = [[1, 2], [4, 5]]
    tokens, shown, modes, recorded, after, on, kept, odd = watched_generation(
        prompt, 3, temperature=0)
    given = "a model that counts up modulo 6, prompt [[1, 2], [4, 5]], 3 new tokens, temperature 0"
    check.close(tokens, [[1, 2, 3, 4, 5], [4, 5, 0, 1, 2]], given=given,
                because="the prompt, then the best token after the last one, for each text")
    check.equal(shown[:2], [[[1.0, 2.0], [4.0, 5.0]], [[1.0, 2.0, 3.0], [4.0, 5.0, 0.0]]],
                given="what the model is shown in the first two steps",
                because="the whole text so far, with what has just been appended")
    check.equal(len(shown), 3, given="how often the model is called for 3 new tokens")
    check.equal(modes, [False] * 3, given="the mode of its dropout in each step",
                because="a model that is used is in evaluation mode")
    check.equal(recorded, [False] * 3, given="is the forward pass recorded",
                because="inside no_grad() nothing is kept for a backward pass")
    check.equal([after, on], [[True, True], True],
                given="[modes of both blocks, is recording on] afterwards")
    check.unchanged(kept, np.float32(prompt), given="the prompt afterwards")
    check.equal(odd, [False, False],
                given="[does the result share the prompt's memory, does it require a gradient]")
    tokens, shown, *_ = watched_generation([[0, 1, 2]], 4, temperature=0)
    check.equal(shown[1:], [[[0.0, 1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0, 4.0]], [[2.0, 3.0, 4.0, 5.0]]],
                given="max_seq_len=4, prompt [[0, 1, 2]]: what is shown in steps 2 to 4",
                because="the window slides: the last max_seq_len tokens")
    check.close(tokens, [[0, 1, 2, 3, 4, 5, 0]], given="the result of that",
                because="the text is whole, though the model saw only the end of it")
    tokens, shown, *_ = watched_generation([[0, 5, 4, 3, 2, 1]], 1, temperature=0)
    check.equal([np.asarray(tokens).tolist(), shown],
                [[[0.0, 5.0, 4.0, 3.0, 2.0, 1.0, 2.0]], [[[4.0, 3.0, 2.0, 1.0]]]],
                given="[result, what is shown] for a prompt longer than max_seq_len=4",
                because="the prompt is kept whole; the model reads its last 4 tokens")
    check.equal(watched_generation([[1]], 2, mixed=True)[4], [True, False],
                given="modes afterwards, if one block was in evaluation mode before",
                because="each part gets back the mode it had")
    failed = watched_generation([[1]], 5, fails_at=2, mixed=True)
    check.equal([failed[0], failed[4], failed[5]], ["KeyError", [True, False], True],
                given="the same after an error in mid-text: [error, modes, is recording on]")
    check.close(watched_generation([[3, 1]], 0)[0], [[3, 1]], given="max_new_tokens=0",
                because="nothing to add: a new tensor with the prompt")
    check.true(watched_generation([[3, 1]], 0)[7][:1] == [False],
               given="max_new_tokens=0: is the memory the result's own",
               because="the prompt belongs to the caller")
    fair = np.asarray(watched_generation([[1]] * 400, 1, temperature=1.0)[0])[:, 1]
    expected = np.exp(2) / (np.exp(2) + 5 * np.exp(-2))
    check.close((fair == 2).mean(), expected, atol=0.07,
                given="share of the best token in 400 texts at temperature 1",
                because="tokens are drawn with their probabilities")
    wild = np.asarray(watched_generation([[1]] * 400, 1, temperature=50.0)[0])[:, 1]
    check.close((wild == 2).mean(), 1 / 6, atol=0.08, given="the same at temperature 50",
                because="the temperature reaches next_token_probabilities")
    best = np.asarray(watched_generation([[1]] * 400, 1, temperature=50.0, top_k=1)[0])[:, 1]
    check.equal(int((best == 2).sum()), 400, given="the same at temperature 50 with top_k=1",
                because="top_k reaches it too")
    same = [np.asarray(watched_generation([[1]], 20, seed=s, temperature=3.0)[0]).tolist()
            for s in (5, 5, 6)]
    check.true(same[0] == same[1] and same[1] != same[2],
               given="texts after np.random.seed(5), 5 and 6: are only the first two equal",
               because="all randomness comes from np.random")
    check.equal(watched_generation([[1]], 60)[0].shape, (1, 61), given="60 new tokens")
    for wrong, words in (([1, 2], "(2,)"), (np.zeros((2, 0)), "(2, 0)")):
        check.raises(ValueError, lambda wrong=wrong: wrong_prompt(wrong, 1),
                     given=f"a prompt of shape {words}", mentions=[words])
    check.raises(ValueError, lambda: wrong_prompt([[1]], -3), given="max_new_tokens=-3",
                 mentions=["-3"])


test_transformers_generate()

# %% [markdown]
r"""
## Part 10: A loss that is too good (bug hunt)

All that is missing is a training loop for text: draw windows, predict, step. A colleague has one,
and writes to you:

> "My model is a wonder. After sixty steps the loss is 0.5, which must be a record, and I had to
> train for no time at all. But what it *writes* is a row of blanks. And one more thing: with plain
> SGD and a large rate it dies of nan, although I clip the gradients, as the book says."

Run the exercise cell as it is, then the cell below it, which shows what they see. The docstring is
right. There is more than one fault, and once you have repaired the worst of them, another one will
show itself now and then.
"""

# %% nbgrader={"grade": false, "grade_id": "transformers_train", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "bug hunt"}
def train_on_text(model, optimizer, ids, steps, batch_size, seq_len, max_norm=1.0):
    """Train a language model on random pieces of one long text; the loss of each step, a list.

    Each step shows the model batch_size pieces of seq_len tokens; at every position the answer is
    the token that comes next in the text. A piece may start wherever it and the token after it fit,
    at the very beginning and as late as possible too, each start equally likely, drawn anew for
    each step. A step uses the gradients of its own loss only, whatever was left from before. Before
    the parameters move, all their gradients together are clipped to max_norm. The losses are
    floats.

    Args:
        ids: one-dimensional array of more than seq_len token ids.
    """
    ### BEGIN BROKEN
    # losses = []
    # for _ in range(steps):
    #     starts = np.random.randint(0, len(ids) - seq_len + 1, batch_size)
    #     pieces = ids[starts[:, np.newaxis] + np.arange(seq_len)]
    #     optimizer.zero_grad()
    #     loss = CrossEntropyLoss()(model(Tensor(pieces)), Tensor(pieces))
    #     loss.backward()
    #     optimizer.step()
    #     clip_grad_norm(optimizer.params, max_norm)
    #     losses.append(loss.item())
    # return losses
    ### END BROKEN
    ### BEGIN SOLUTION
    losses = []
    for _ in range(steps):
        starts = np.random.randint(0, len(ids) - seq_len, batch_size)
        windows = ids[starts[:, np.newaxis] + np.arange(seq_len + 1)]
        inputs, targets = Tensor(windows[:, :-1]), Tensor(windows[:, 1:])
        optimizer.zero_grad()
        loss = CrossEntropyLoss()(model(inputs), targets)
        loss.backward()
        clip_grad_norm(optimizer.params, max_norm)
        optimizer.step()
        losses.append(loss.item())
    return losses
    ### END SOLUTION

# %%
def text_of(tokens):
    """The characters of one row of token ids."""
    return tokenizer.decode([int(number) for number in tokens])


np.random.seed(0)
model = GPT(tokenizer.vocab_size, 32, 2, 4, max_seq_len=24, dropout_prob=0.0)
losses = train_on_text(model, AdamW(model.parameters(), lr=0.003), poem_ids, 60, 4, 24)
print("AdamW:", "  ".join(f"{loss:.2f}" for loss in losses[::10]), f"... {losses[-1]:.2f}")
print("writes:", repr(text_of(model.generate(Tensor([tokenizer.encode("He ")]), 40).data[0])))
np.random.seed(0)
model = GPT(tokenizer.vocab_size, 32, 2, 4, max_seq_len=24, dropout_prob=0.0)
try:
    with np.errstate(all="ignore"):
        losses = train_on_text(model, SGD(model.parameters(), lr=3.0), poem_ids, 30, 4, 24)
    print("SGD, rate 3:", "  ".join(f"{loss:.2f}" for loss in losses[::5]))
except FloatingPointError as error:
    print("SGD, rate 3: FloatingPointError:", error)

# %% [markdown]
"""
*What is checked:* which pieces the model is shown, what it learns to answer, that every start is
possible and none too late, how far one clipped step moves the parameters, that no gradient is left
over from before, and the losses.
"""

# %% nbgrader={"grade": true, "grade_id": "test_transformers_train", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
@probe
def train_a_table(ids, steps, batch_size, seq_len, lr, max_norm, gain=1.0, left=0.0, seed=0):
    """A model of two parameters: row i of a table, plus one more row, are the scores after token i.

    gain: by what the scores are multiplied; left: what stands in every gradient beforehand.
    [the table with the row added, how far both have moved together, the pieces it was shown,
    losses, types of the losses]
    """
    class Table(Layer):
        def __init__(self):
            self.weight = Tensor(np.zeros((6, 6)), requires_grad=True)
            self.bias = Tensor(np.zeros(6), requires_grad=True)

        def forward(self, tokens):
            shown.append(tokens.data.astype(int).tolist())
            return (self.weight[tokens.data.astype(int)] + self.bias) * gain

    shown, model = [], Table()
    np.random.seed(seed)
    for parameter in model.parameters():
        parameter.grad = Tensor(np.full(parameter.shape, left)) if left else None
    losses = train_on_text(model, SGD(model.parameters(), lr=lr), np.array(ids), steps, batch_size,
                           seq_len, max_norm)
    moved = [p.data.astype(float) for p in model.parameters()]
    far = float(np.sqrt(sum((array**2).sum() for array in moved)))
    return [moved[0] + moved[1], far, shown, losses, [type(loss).__name__ for loss in losses]]


def test_transformers_train():
    """The answer is the next token; every start counts; the step is clipped."""
    text = [0, 1, 2, 3, 4, 5] * 3
    table, _, shown, losses, kinds = train_a_table(text, 25, 4, 5, 10.0, 10.0)
    check.equal([f"{k} -> {best}" for k, best in enumerate(np.asarray(table).argmax(axis=-1))],
                ["0 -> 1", "1 -> 2", "2 -> 3", "3 -> 4", "4 -> 5", "5 -> 0"],
                given="a table of scores trained on 0 1 2 3 4 5 0 1 2 ...: what follows each token",
                because="the answer at each position is the token after it, not the token itself")
    check.equal([len(shown), np.shape(shown[0]), kinds[:1], len(losses)],
                [25, (4, 5), ["float"], 25],
                given="[calls of the model, shape of what it is shown, type of a loss, losses]")
    check.true(losses[-1] < 0.5 < losses[0], given="does the loss fall below 0.5 here",
               because="in this text the next token is certain")
    rows = [row for step in shown for row in step]
    ahead = {(b - a) % 6 for row in rows for a, b in np.transpose([row[:-1], row[1:]])}
    check.true(ahead == {1}, given="is every piece cut from the text as it stands",
               because="a piece is seq_len tokens in a row")
    unique = [0, 1, 2, 3, 4, 5]
    steps = [[row[0] for row in step] for step in train_a_table(unique, 60, 4, 3, 0.1, 1.0)[2]]
    check.true(any(step != steps[0] for step in steps),
               given="60 steps: does any step have other starts than the first",
               because="each step draws starts of its own")
    starts = [start for step in steps for start in step]
    check.equal(sorted(set(starts)), [0, 1, 2], given="ids [0, 1, 2, 3, 4, 5], seq_len 3, 240 "
                "pieces: the tokens at which they start",
                because="the last start that leaves room for a next token is 2")
    counts = np.bincount(starts, minlength=3) / len(starts)
    check.close(counts, np.ones(3) / 3, atol=0.12, given="the shares of these starts",
                because="each start is equally likely")
    short = [4, 2, 5]
    check.equal(train_a_table(short, 2, 3, 2, 0.1, 1.0)[2], [[[4, 2]] * 3] * 2,
                given="ids [4, 2, 5], seq_len 2: the pieces of two steps",
                because="there is one possible start, and it must be used")
    check.close(train_a_table(unique, 1, 4, 3, 2.0, 0.01, gain=20.0)[1], 0.02, rtol=1e-3,
                given="how far one step of SGD with rate 2 and max_norm 0.01 moves both parameters",
                because="2 x 0.01: all gradients together are clipped to max_norm before the "
                        "parameters move")
    for count, left, words in ((1, 100.0, "one step, with gradients of 100 left from before"),
                               (2, 0.0, "two steps")):
        table, far, _, _, _ = train_a_table(short, count, 3, 2, 0.5, 10.0, left=left)
        right, expected = descend_by_hand(count, 0.5)
        check.close([far, *np.asarray(table)[[4, 2]].ravel()], [expected, *right[[4, 2]].ravel()],
                    rtol=1e-4, atol=1e-5,
                    given=f"ids [4, 2, 5], {words}, rate 0.5: how far both parameters have moved, "
                          "then the scores after 4 and after 2",
                    because="each step uses the gradients of its own loss only")


def descend_by_hand(steps, rate):
    """For the only piece of the text 4 2 5: the table with the row added, and how far both went."""
    table, row = np.zeros((6, 6)), np.zeros(6)
    for _ in range(steps):
        slope = np.zeros((6, 6))
        for token, answer in ((4, 2), (2, 5)):
            terms = np.exp(table[token] + row)
            slope[token] = terms / terms.sum() / 2
            slope[token, answer] -= 0.5
        table, row = table - rate * slope, row - rate * slope.sum(axis=0)
    return table + row, float(np.sqrt((table**2).sum() + (row**2).sum()))


test_transformers_train()

# %% [markdown]
r"""
The worst was that the model was asked for the token it had just been shown: it learned to *copy*,
and a copying model continues a blank with a blank. **A loss that is too good is a leak** until the
contrary is proved; a mask that lets the future in looks just the same. The clipping came after the
step, where it is of no use to anybody. And the last possible start was one too late as soon as the
answers were shifted, in one run out of a few.

# Use

## A poem, and words that do not exist

250 steps on the whole poem. **What will this print?** Where does the loss end, compared with
knowing the frequencies (3.21)? Does the model recite at temperature 0? Where does it invent, and
where does it babble?
"""

# %%
np.random.seed(0)
poet = GPT(tokenizer.vocab_size, 64, 2, 4, max_seq_len=32, dropout_prob=0.0)
poet_losses = train_on_text(poet, AdamW(poet.parameters(), lr=0.003), poem_ids, 250, 8, 32)
print("losses:", "  ".join(f"{np.mean(poet_losses[k : k + 50]):.2f}" for k in range(0, 250, 50)))
for temperature in (0, 0.5, 1.0, 2.0):
    np.random.seed(1)
    found = poet.generate(Tensor([tokenizer.encode("He ")]), 110, temperature)
    print(f"--- temperature {temperature}\n{text_of(found.data[0])}")

# %% [markdown]
r"""
806 characters are no language, and this model has far more parameters than the poem has letters: it
learns by heart. (How it would do on *new* text is not measured here.) All the same, half-way
between reciting and babbling it does what the poet did and makes up words that sound right. At high
temperature even `<UNK>` appears, a token that stands nowhere in the text.

What did it learn? Ask it how surprised it is by each character, $-\ln p$, of two lines. The first
is from the poem; in the second a word was exchanged. **What will you see?** Where are the peaks?
"""

# %%
def surprises(line):
    """For each character of a line but the first: how surprised the poet is by it."""
    ids = np.array(tokenizer.encode(line))
    with no_grad():
        logits = poet(Tensor(ids[np.newaxis, :-1])).data[0]
    return -np.log(next_token_probabilities(logits)[np.arange(len(ids) - 1), ids[1:]])


lines = ["He took his vorpal sword in", "He took his vorpal bread in"]
for line in lines:
    found = surprises(line)
    print(f"{line!r}: mean {found.mean():.2f}; most surprised by "
          f"{line[int(found.argmax()) + 1]!r} after {line[: int(found.argmax()) + 1]!r}")
try:
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(2, 1, figsize=(8, 3.6), sharey=True, layout="constrained")
    for axes, line in zip(panels, lines, strict=True):
        axes.bar(range(1, len(line)), surprises(line), color="tab:orange")
        axes.set_xticks(range(len(line)), labels=list(line))
        axes.set_ylabel("surprise")
    panels[0].set_title("How surprised the model is by each character, given all before it")
    plt.show()
except ImportError:
    print("Without matplotlib you miss two lines that doubt the word after He, and one that "
          "stumbles again at bread.")

# %% [markdown]
r"""
In the line it knows it is in doubt at one place, the word after "He": which of the lines that begin
so will this be? Once "took" stands there, it is hardly surprised at all. The wrong word shows at
once, and after it the model has to find its way back: it reads everything before a position, the
strange word included.

# Reflect

## What it costs

### Memory, layer by layer

What does *one block* leave behind for the backward pass? Count what the operations of your block
put out, in units of one stream, $B \cdot T \cdot d$ numbers: the norms 2, queries, keys and values
3, the weighted values 1 and once more with the heads merged 1, the projection 1, the two sums 2,
the MLP 4 + 4 + 1. That is 19, and then come the attention weights, $B \cdot H \cdot T^2$. (Active
dropout adds two masks and two results.)

**What will this print?** Each row doubles T. What does the memory of a block do? From which length
on do the attention weights dominate?
"""

# %%
def bytes_of_a_block(length, batch=4, width=48, heads=4):
    """Bytes that the graph holds after a forward pass, for each block: measured."""
    held = []
    for depth in (1, 3):
        model = GPT(46, width, depth, heads, length, dropout_prob=0.0)
        tokens = Tensor(np.zeros((batch, length)))
        model(tokens)  # warm up
        tracemalloc.start()
        logits = model(tokens)
        held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        del logits
    return (held[1] - held[0]) / 2


print("    T   measured MB   by formula MB   of it attention weights")
for length in (32, 64, 128, 256):
    pairs = context_bytes(4, length, 48, 1, 4)["attention_weights"]
    formula = 4 * 19 * 4 * length * 48 + pairs
    print(f"{length:5} {bytes_of_a_block(length) / 1e6:13.2f} {formula / 1e6:15.2f} "
          f"{pairs / formula:17.0%}")

# %% [markdown]
r"""
For short texts a block grows with T, for long ones with T²; here the weights take the lead when
$H\,T > 19\,d$, so at 228 tokens. The same for sizes that are in use, in the attention weights of
*one* layer with 8 heads and a batch of 4 (in MB of 10⁶ bytes): 33.6 for 512 tokens, 134.2 for
1,024, 536.9 for 2,048, 2,147.5 for 4,096. From 2,000 tokens to 32,000 they grow 256-fold. Programs
for long texts therefore never hold that matrix: they work through it in tiles and keep only the
result.

### The same work, again and again

To generate, the model reads the whole text for every new token, though all but the last row of
logits are thrown away. A prompt of 50 tokens and 100 new ones: it processes 50, then 51, … then 149
tokens. **What will this print?** How many is that in all? And how does the time for one more token
depend on the length of the text?
"""

# %%
print(f"{sum(range(50, 150)):,} tokens processed; each just once would be 149")
reader = GPT(46, 64, 2, 4, max_seq_len=512, dropout_prob=0.0)
for length in (32, 128, 512):
    prompt, times = Tensor(np.zeros((1, length))), []
    for _ in range(5):
        started = time.perf_counter()
        reader.generate(prompt, 1, temperature=0)
        times.append(time.perf_counter() - started)
    keep = context_bytes(1, length, 64, 2, 4)["keys_and_values"]
    print(f"{length:4} tokens so far: {np.median(times) * 1e3:6.2f} ms for the next one, on your "
          f"machine; keys and values {keep / 1e3:.0f} kB")

# %% [markdown]
r"""
9,950 instead of 149: a factor of 67 for this example, and larger for longer texts. And the time for
one more token grows with the text: little at first, since small arrays have fixed costs, then
faster; from 128 to 512 tokens, four times as many, there are sixteen times the pairs. A position's
keys and values depend only on what stands before it (the mask sees to that), so they never change
when the text goes on. Whoever keeps them need not compute them again. For GPT-2 and one full text
of 1,024 tokens that is `context_bytes(1, 1024, 768, 12, 12)["keys_and_values"]`, 75.5 MB:
memory traded for time. There is one catch, and it is in your `generate`: when the window slides,
every token gets a new position, and everything that was kept is worthless.

## Questions

**1.** Without residual connections each layer of a deep network multiplies the gradient by some
factor; say 0.9. What is left after 24 layers? What changes with residuals?

<details><summary>Answer</summary>

0.9²⁴ ≈ 0.08. With residuals the gradient of a layer is 1 + ∂f/∂x instead of ∂f/∂x. Multiplied out
over 24 layers there is one path on which every factor is the 1: the gradient arrives at the bottom
in full, *plus* what comes through the layers. (Part 1 was worse than 0.9 per layer, because GELU
halves everything.)
</details>

**2.** How long may a text be on a card with 24 GB, for GPT-2 and a batch of 1, if the attention
weights of all 12 layers are held, and nothing else?

<details><summary>Answer</summary>

12 layers · 12 heads · 4 bytes = 576 bytes for each pair of positions. 24 · 10⁹ / 576 = 41.7 million
pairs, and the root of that is about 6,450 tokens. Twice the card, 1.4 times the text.
</details>

**3.** Batch normalization takes mean and variance over the *batch*, feature by feature. Three texts
of 10, 50 and 100 tokens come in one batch. What goes wrong, and why does a layer norm not mind?

<details><summary>Answer</summary>

At position 60 there is one text left; its mean is itself. At position 20 there are two, unless the
padding is counted, which would be worse. And the result for one text depends on which others happen
to be in the batch, also when the model is used. A layer norm looks at one row: a tensor of shape
(3, 10, 768) has 30 rows, and 30 means of its own.
</details>

**4.** (Transfer.) You want to sort e-mails into five classes, with the same blocks. What do you
change: mask, head, loss, generation?

<details><summary>Answer</summary>

The mask goes (or shrinks to "not at the padding"): the whole mail is known, so every position may
look everywhere. The head has five outputs and reads one row, for example that of a special first
token, or the mean of all rows. The loss is cross-entropy against one class per mail. There is
nothing to generate. That is an *encoder*, the half that GPT left out; BERT is one.
</details>

**5.** (Transfer.) A picture of 224 × 224 pixels is to be read by your blocks. What are the tokens?
What would attention weights cost with one token a pixel, and with one token for a patch of 16 × 16?

<details><summary>Answer</summary>

One a pixel: 50,176 tokens, so 2.5 · 10⁹ weights for each head, 10 GB. Patches: 14 × 14 = 196
tokens, 38,416 weights, 0.15 MB. Each patch, 16 · 16 · 3 = 768 numbers, goes through a linear layer
into the stream; positions as before, no causal mask. That is the *vision transformer*.
</details>

**6.** Your `RMSNorm` in place of each `LayerNorm`: how many parameters does GPT-2 lose, and what
else is saved?

<details><summary>Answer</summary>

25 betas of 768 numbers: 19,200 of 124 million, as good as nothing. Saved is a pass over the data
for the mean, in both directions, and norms are slow for what they compute: they do little
arithmetic on many numbers.
</details>

**7.** Two models have the same loss. One has one block of width 1,024, the other twelve of width
300, with about the same number of parameters. Which would you rather continue to train, and what
would you look at to decide? (There is no answer at the back.)

## Common errors

The messages are those of a reference; your own functions may use other words.

| what you see | what it means | what to do |
|---|---|---|
| `ValueError: tokens must have shape (batch, T)` … `got shape (5,)` | one text, no batch | `Tensor([ids])` |
| … `got shape (1, 40)` with `max_seq_len=32` | longer than the table of positions | cut it; `generate` cuts by itself |
| `ValueError: token id 46 is outside the vocabulary` | another tokenizer than in training | one tokenizer, one model |
| `ValueError: embed_dim (30) must be a multiple of num_heads (4)` | heads share the width | change one of them |
| `ValueError: the logits contain nan` | the model broke down in training | look at the loss, clip, lower the rate |
| `FloatingPointError: the gradient norm is nan` | a step was too long | clip *before* the step |
| the loss falls to 0 on real text | the answer leaks | shift by one; look at the mask |
| the loss stays at the frequencies of the tokens | positions have become alike | pre-norm; residuals; a smaller rate |
| greedy text runs in circles | that is what greedy does | draw, temperature 0.5 to 1 |
| texts differ from run to run | the draw is random | `np.random.seed` before `generate` |
| results differ while training only | dropout | `evaluation_mode`, or `dropout_prob=0` |

## In production

```
 TinyTorch                             PyTorch
 LayerNorm(768)                        nn.LayerNorm(768)
 RMSNorm(768)                          nn.RMSNorm(768)
 create_causal_mask(T)                 is_causal=True
 TransformerBlock(768, 12)             nn.TransformerEncoderLayer(768, 12,
                                           3072, activation="gelu",
                                           norm_first=True,
                                           batch_first=True)
 GPT(50257, 768, 12, 12)               GPT2LMHeadModel(GPT2Config())
 model.generate(prompt, 50, 0.8,       model.generate(ids, do_sample=True,
     top_k=40)                             max_new_tokens=50,
                                           temperature=0.8, top_k=40)
```

In words: the last two lines on the right are from Hugging Face's library *transformers*; PyTorch
itself stops at the block. What production adds is speed, not ideas: attention that never holds its
weights (FlashAttention), kept keys and values, 16-bit numbers, many machines. GPT-3 has 175 billion
parameters in 96 blocks like yours, 350 GB in 16 bits before a single text has been read.

## Read the source

> **`torch/nn/modules/transformer.py`**, the method `TransformerEncoderLayer.forward`.
>
> *Look for:* the two lines under `if self.norm_first:` and the two under `else:`. The first pair is
> your block, the second is post-norm; that is the whole difference between 2017 and 2019, and the
> default is still that of 2017. All that stands above is the search for a fast path.
>
> *Simpler in ours:* one order, one activation, one kind of mask.
>
> *Different in behaviour:* a boolean mask means the opposite there: `True` is "may **not** look",
> while your 1 is "may". Give each the other's mask and neither complains; the model sees the future
> and forgets the past. And its dropout has a third place, inside the MLP, behind the activation.

## Further reading

- Vaswani et al., *Attention Is All You Need* (2017): eleven pages that you can now read line by
  line.
- Xiong et al., *On Layer Normalization in the Transformer Architecture* (2020): why the norm
  belongs on the branch, with the gradients calculated.
- Elhage et al., *A Mathematical Framework for Transformer Circuits* (2021): what two small layers
  write into the stream, read like a program.

## All together
"""

# %%
def test_module():
    """All tests, then a model of yours that learns a sentence in Module 07's trainer."""
    for test in (
        test_transformers_standardize, test_transformers_layer_norm_rule,
        test_transformers_layer_norm, test_transformers_rms_norm, test_transformers_mlp,
        test_transformers_mask, test_transformers_block, test_transformers_gpt,
        test_transformers_sizes, test_transformers_probabilities, test_transformers_draw,
        test_transformers_generate, test_transformers_train,
    ):
        test()

    @probe
    def recited():
        """[first loss, last loss, parameters that moved, of how many, what it writes]."""
        from tinytorch.core.losses import CrossEntropyLoss
        from tinytorch.core.optimizers import AdamW
        from tinytorch.core.tokenization import CharTokenizer
        from tinytorch.core.training import Trainer

        np.random.seed(0)
        sentence = "norms on the branch, sums on the line."
        reader = CharTokenizer()
        reader.build_vocab([sentence])
        ids = reader.encode(sentence)
        model = Transformer(vocab=reader.vocab_size, d_model=32, n_layers=2, n_heads=4,
                            max_seq_len=40)
        before = [parameter.data.copy() for parameter in model.parameters()]
        trainer = Trainer(model, AdamW(model.parameters(), lr=0.01), CrossEntropyLoss(),
                          grad_clip_norm=1.0)
        batch = Tensor([ids[:-1]]), Tensor([ids[1:]])
        losses = [trainer.train_epoch([batch]) for _ in range(60)]
        moved = [bool(np.any(parameter.data != old))
                 for parameter, old in zip(model.parameters(), before, strict=True)]
        text = model.generate(Tensor([ids[:6]]), len(ids) - 6, temperature=0).data[0]
        return [losses[0], losses[-1], sum(moved), len(moved),
                reader.decode([int(number) for number in text])]

    first, last, moved, count, text = recited()
    check.true(2.0 < first < 5.0 and last < 0.3, given=f"the losses {first:.2f} ... {last:.2f}",
               because="about ln 17 at first, and a sentence learned by heart at last")
    check.equal(moved, count, given="how many parameters have moved",
                because="every one receives a gradient")
    check.equal(text, "norms on the branch, sums on the line.",
                given="what it writes after 'norms '", because="greedy, it recites it by heart")
    print("Module 13: all tests passed. You have a language model.")


test_module()

# %% [markdown]
"""
## What this unlocks

The Architecture tier is complete. Hand it in with `tito module complete 13`. Then try:

```python
from tinytorch import Tensor, nn
model = nn.GPT(vocab_size=65, embed_dim=32, num_layers=2, num_heads=4)
print(sum(p.size for p in model.parameters()), model.generate(Tensor([[1, 2]]), 5).shape)
```

The milestone *The Transformer Era* is open (`tito milestone run transformer`): it proves that
attention can do what nothing before it could, and then your model learns to talk. From Module 14 on
you measure what you have built, make it small, and make it fast.
"""
