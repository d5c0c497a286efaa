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
# Module 07: Training

**Tier:** Foundation · **Difficulty:** ●●○○ · **Time:** 5-7 hours · **Prerequisites:** Modules 01-06

You have all the parts: tensors, layers, losses, gradients, optimizers. Until now you put them
together by hand, in a loop of five lines. Real training runs last for hours, meet batches that make
gradients explode, have to be judged on data they were not trained on, and get interrupted. This
module builds the machinery for that: small functions, and one class, `Trainer`, that holds a run
together.
"""

# %% [markdown]
"""
## Connection map

```
 03 Layers      set_training_mode, walk ──┐
 04 Losses      loss_fn(outputs, y) ──────┤                     08 DataLoader: batches, shuffled
 05 Autograd    backward(), no_grad() ────┼──►  07 Training ──► milestones: networks that learn
 06 Optimizers  step(), state_dict() ─────┘                     every later module that trains
```

In words: the trainer calls what Modules 03 to 06 offer, in the right order, and adds what belongs to
a whole run: a learning rate that changes, gradients kept in bounds, evaluation, and checkpoints. The
milestones and all later modules train with it; Module 08 will feed it.
"""

# %% [markdown]
"""
## Learning objectives: what you build

By the end of this module you can

1. lower the learning rate along a cosine (`CosineSchedule`), and clip gradients by their global norm
   (`clip_grad_norm`);
2. write a training step whose gradients, accumulated over several small batches of any sizes, are
   those of one large batch (`train_step`);
3. evaluate a model without changing it: no graph, no dropout, and every mode as it was before
   (`evaluation_mode`, `evaluate_model`);
4. say exactly what the state of a training run is, and write it to disk so that neither a crash nor a
   damaged file can hurt you (`Trainer`, `save_checkpoint`, `load_checkpoint`);
5. resume an interrupted run so that not one bit differs from the run that was never interrupted.

Not yet: cutting a data set into shuffled batches (Module 08). Not at all: several devices, 16-bit
training, and the dozens of other schedules that production frameworks offer.
"""

# %%
#| default_exp core.training

# %%
#| export
import itertools
import json
import math
import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tinytorch.core.autograd import no_grad
from tinytorch.core.layers import set_training_mode, walk
from tinytorch.core.optimizers import Optimizer, check_arrays, check_number, numbered
from tinytorch.core.tensor import Tensor

# %%
# For the test cells and experiments below; not part of your framework.
import tempfile
import time
import tracemalloc

from tito.checks import check, probe

from tinytorch.core.activations import Tanh
from tinytorch.core.layers import Dropout, Layer, Linear, Sequential
from tinytorch.core.losses import CrossEntropyLoss, MSELoss
from tinytorch.core.optimizers import SGD, Adam

# %% [markdown]
r"""
## Part 1: A learning rate that changes

Far from the minimum, long steps save time. Near it, long steps jump over it, again and again. A fixed
learning rate is a compromise between the two; a *schedule* needs none. Cosine annealing starts at
`max_lr`, falls slowly at first, fastest in the middle, and arrives gently at `min_lr`:

$$\eta(t) = \eta_{\min} + (\eta_{\max} - \eta_{\min}) \cdot \frac{1 + \cos(\pi\, t / T)}{2}$$

```
 lr
 0.100 |* * *
       |       * *              epoch    0    25    50    75   100   150
 0.055 |           *            lr    .100  .087  .055  .023  .010  .010
       |             * *
 0.010 |                 * * * - - - -
       +-------------------------------> epoch
        0         T/2         T
```

In words: with 0.1, 0.01 and T = 100, the rate is 0.1 at the start, 0.055 half-way, 0.01 at epoch 100,
and stays at 0.01 if the run goes on.

An **epoch** is one pass over all the data; a **step** is one update of the parameters. Ten thousand
samples in batches of 32 make 313 steps per epoch. The schedule counts epochs, from 0: a run of T
epochs uses t = 0, …, T - 1, so its last epoch runs just above `min_lr`.
"""

# %% nbgrader={"grade": false, "grade_id": "training_schedule", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class CosineSchedule:
    """The learning rate of each epoch, falling along half a cosine from max_lr to min_lr."""

    def __init__(self, max_lr: float = 0.1, min_lr: float = 0.01, total_epochs: int = 100):
        self.max_lr = check_number("max_lr", max_lr, math.inf)
        self.min_lr = check_number("min_lr", min_lr, math.inf)
        if self.min_lr > self.max_lr:
            raise ValueError(f"min_lr must not be above max_lr, got {min_lr} and {max_lr}")
        if int(total_epochs) != total_epochs or total_epochs < 1:
            raise ValueError(f"total_epochs must be a whole number from 1, got {total_epochs}")
        self.total_epochs = int(total_epochs)

    def get_lr(self, epoch: int) -> float:
        """The learning rate of an epoch; epochs count from 0.

        min_lr + (max_lr - min_lr) · (1 + cos(π · epoch / total_epochs)) / 2

        From `total_epochs` on it is `min_lr` and stays there: the cosine itself would rise again.
        A negative epoch is a ValueError whose message contains the epoch.

        Example: CosineSchedule(0.1, 0.01, 100).get_lr(50) is 0.055.
        """
        ### BEGIN SOLUTION
        if epoch < 0:
            raise ValueError(f"epochs count from 0, got {epoch}")
        if epoch >= self.total_epochs:
            return self.min_lr
        share = (1 + math.cos(math.pi * epoch / self.total_epochs)) / 2
        return self.min_lr + (self.max_lr - self.min_lr) * share
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_training_schedule", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def test_training_schedule():
    """The rate follows half a cosine, then stays at its minimum."""
    schedule = CosineSchedule(max_lr=0.1, min_lr=0.01, total_epochs=100)
    check.close(schedule.get_lr(0), 0.1, given="CosineSchedule(0.1, 0.01, 100).get_lr(0)", because="cos(0) = 1: the first epoch runs at max_lr")
    check.close(schedule.get_lr(50), 0.055, given="get_lr(50) of 100", because="cos(π/2) = 0: half-way between max_lr and min_lr")
    check.close(schedule.get_lr(25), 0.01 + 0.09 * (1 + np.sqrt(0.5)) / 2, given="get_lr(25) of 100", because="cos(π/4) = 0.707: the fall begins slowly, above a straight line")
    check.close(schedule.get_lr(100), 0.01, given="get_lr(100) of 100", because="cos(π) = -1: min_lr is reached")
    check.close(schedule.get_lr(150), 0.01, given="get_lr(150) of 100", because="after the last epoch the rate stays at min_lr; the cosine would rise again")
    other = CosineSchedule(max_lr=2.0, min_lr=0.0, total_epochs=7)
    expected = [1 + np.cos(np.pi * epoch / 7) for epoch in range(8)] + [0.0, 0.0]
    check.close([other.get_lr(epoch) for epoch in range(10)], expected, given="CosineSchedule(2.0, 0.0, 7), epochs 0 to 9")
    check.close([CosineSchedule(0.5, 0.5, 3).get_lr(epoch) for epoch in range(4)], [0.5] * 4, given="max_lr = min_lr = 0.5")
    check.raises(ValueError, lambda: schedule.get_lr(-1), given="get_lr(-1)", mentions=["-1"])


test_training_schedule()

# %% [markdown]
r"""
## Part 2: Gradients in bounds

Now and then a batch produces a gradient a thousand times longer than usual. One step along it can throw
away hours of training. *Clipping* shortens such a gradient and keeps its direction.

The length that counts is the **global norm**, over all parameters together:

$$\lVert g \rVert = \sqrt{\sum_{\text{parameters}} \sum_i g_i^2}$$

If it exceeds `max_norm`, every gradient is multiplied by the same factor `max_norm / norm`. Take
gradients of 100, 200 and 50 in three parameters: the norm is 229, and with `max_norm=1` they become
0.44, 0.87 and 0.22. The second is still twice the first. Cutting each number to 1 would have made all
three equal, which is another direction.

Two details decide whether this helps when it is needed most. The square of a float32 above
1.8 · 10¹⁹ is infinite, so the sum runs in float64 (`sum_of_squares`, given). And when a gradient
contains `nan` or `inf`, so does the norm, and there is no direction left to keep: one `nan`, used as a
factor, would spoil *every* parameter at the next step. `clip_grad_norm` raises an error instead, while
the parameters are still good. Only clipping looks at the norm, though. A run without it goes on with
`nan`; `max_norm=math.inf` is the way to look without ever shortening anything.
"""


# %%
#| export
def sum_of_squares(array: np.ndarray) -> float:
    """The sum of all squared elements, in float64, where float32 squares cannot overflow."""
    wide = array.astype(np.float64).ravel()
    return float(wide @ wide)


# %% nbgrader={"grade": false, "grade_id": "training_clip", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def clip_grad_norm(parameters: Iterable[Tensor], max_norm: float = 1.0) -> float:
    """Scale all gradients by one factor so that their global norm is at most max_norm.

    Returns the norm *before* clipping, as a float: worth logging. It is 0.0 if there are no
    gradients.

    `parameters` is any iterable of tensors (it may be a generator: walk it once); those whose `grad`
    is None are skipped. Read a gradient with ``np.asarray(parameter.grad)``: `grad` is a Tensor, or
    an array that somebody assigned (whose ``.data`` is a memoryview, no array).

    When the norm is above max_norm: every ``parameter.grad`` becomes a *new* Tensor, gradient ·
    (max_norm / norm), so that the norm is max_norm, up to rounding. The old array is not changed,
    because others may share it. When the norm is at most max_norm: nothing is touched.

    Raises:
        ValueError: max_norm is not greater than 0 (`nan` is not, either; `math.inf` is). The message
            contains ``max_norm``.
        FloatingPointError: the norm is not finite (see `math.isfinite`). The message contains the
            norm; no gradient is changed.

    Example: gradients [3, 0] and [4]: the norm is 5. With max_norm 1: [0.6, 0] and [0.8].

    Steps:
        1. Check max_norm; collect the parameters that have a gradient, in a list.
        2. norm = the root of the sum of `sum_of_squares` over their gradients.
        3. Refuse a norm that is not finite; scale if it is above max_norm; return it.
    """
    ### BEGIN SOLUTION
    if not max_norm > 0:
        raise ValueError(f"max_norm must be greater than 0, got {max_norm}")
    clipped = [parameter for parameter in parameters if parameter.grad is not None]
    norm = math.sqrt(sum(sum_of_squares(np.asarray(parameter.grad)) for parameter in clipped))
    if not math.isfinite(norm):
        raise FloatingPointError(
            f"the gradient norm is {norm}: the loss has left the range of numbers. "
            "Resume from a checkpoint with a smaller learning rate"
        )
    if norm > max_norm:
        for parameter in clipped:
            parameter.grad = Tensor(np.asarray(parameter.grad) * (max_norm / norm))
    return norm
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_training_clip", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
def test_training_clip():
    """One factor for all gradients; the direction stays; what cannot be scaled is refused."""

    def with_gradient(gradient):
        """A parameter that has this gradient (None: no gradient)."""
        parameter = Tensor(np.zeros(1 if gradient is None else len(gradient)), requires_grad=True)
        parameter.grad = None if gradient is None else Tensor(gradient)
        return parameter

    def norm_of(gradients, max_norm):
        """The norm that comes back."""
        return clip_grad_norm([with_gradient(gradient) for gradient in gradients], max_norm)

    def clipped(gradients, max_norm):
        """The gradients after clipping (None stays None)."""
        parameters = [with_gradient(gradient) for gradient in gradients]
        clip_grad_norm(parameters, max_norm)
        return [None if p.grad is None else p.grad.data for p in parameters]

    check.close(norm_of([[2.0, 1.0], [2.0]], 1.0), 3.0, given="gradients [2, 1] and [2], max_norm 1: the norm that comes back", because="√(4 + 1 + 4) = 3, over all parameters together, before clipping")
    check.close(clipped([[2.0, 1.0], [2.0]], 1.0)[0], [2 / 3, 1 / 3], given="gradients [2, 1] and [2], clipped to 1: the first", because="all are divided by 3")
    check.close(clipped([[2.0, 1.0], [2.0]], 1.0)[1], [2 / 3], given="gradients [2, 1] and [2], clipped to 1: the second", because="the same factor for all")
    check.close(norm_of([[3.0, 0.0], [4.0]], 10.0), 5.0, given="gradients [3, 0] and [4], max_norm 10: the norm that comes back")
    check.close(np.concatenate(clipped([[3.0, 0.0], [4.0]], 10.0)), [3.0, 0.0, 4.0], given="gradients [3, 0] and [4] of norm 5, max_norm 10", because="short gradients are left alone, never stretched")
    check.close(norm_of([None, [6.0], None, [-8.0]], 5.0), 10.0, given="gradients None, [6], None, [-8]: the norm", because="parameters without a gradient are skipped")
    check.close(np.concatenate(clipped([None, [6.0], None, [-8.0]], 5.0)[1::2]), [3.0, -4.0], given="gradients None, [6], None, [-8], max_norm 5: the two that exist")
    check.equal(clipped([None, [6.0], None, [-8.0]], 5.0)[::2], [None, None], given="gradients None, [6], None, [-8], max_norm 5: the two others")
    check.equal(norm_of([None], 1.0), 0.0, given="no gradient at all: the norm")
    check.close(norm_of([[3e30], [4e30]], 1.0) / 1e30, 5.0, given="gradients of 3e30 and 4e30: the norm / 1e30", because="their squares overflow in float32, not in float64")
    check.close(np.concatenate(clipped([[3e30], [4e30]], 1.0)), [0.6, 0.8], given="gradients of 3e30 and 4e30, clipped to 1")
    check.equal(clipped([[3.0], [4.0]], 1.0)[0].dtype, np.float32, given="the dtype of a clipped gradient")
    for bad in (0.0, -1.0, float("nan")):
        check.raises(ValueError, lambda bad=bad: norm_of([[1.0]], bad), given=f"max_norm {bad}", mentions=["max_norm"])
    for bad in (float("nan"), float("inf")):
        first, second = with_gradient([bad, 1.0]), with_gradient([4.0])
        for max_norm in (1.0, float("inf")):
            check.raises(FloatingPointError, lambda: clip_grad_norm([first, second], max_norm), given=f"gradients [{bad}, 1] and [4], max_norm {max_norm}", mentions=[str(bad)], because="there is no direction left to keep")
        check.close(second.grad, [4.0], given=f"the gradient [4] beside [{bad}, 1], after that", because="a refused clipping changes nothing")

    @probe
    def beside_the_clipping(max_norm, assign_arrays, generator):
        """What came back, the gradients [3, 0] and [4] afterwards, and what happened to the old ones."""
        arrays = [np.array([3, 0], dtype=np.float32), np.array([4], dtype=np.float32)]
        parameters = [Tensor(np.zeros(len(array)), requires_grad=True) for array in arrays]
        for parameter, array in zip(parameters, arrays, strict=True):
            parameter.grad = array if assign_arrays else Tensor(array)
        old = [parameter.grad for parameter in parameters]
        norm = clip_grad_norm((p for p in parameters) if generator else parameters, max_norm)
        return {
            "after": np.concatenate([np.asarray(parameter.grad) for parameter in parameters]),
            "old": np.concatenate([np.asarray(gradient) for gradient in old]),
            "same objects": all(p.grad is gradient for p, gradient in zip(parameters, old, strict=True)),
            "type": type(norm).__name__,
        }

    check.close(beside_the_clipping(2.5, True, False)["after"], [1.5, 0.0, 2.0], given="gradients [3, 0] and [4] that are arrays, not tensors, max_norm 2.5")
    check.close(beside_the_clipping(2.5, False, False)["old"], [3.0, 0.0, 4.0], given="the arrays that were the gradients, afterwards", because="others may share them: assign a new Tensor")
    check.close(beside_the_clipping(2.5, False, True)["after"], [1.5, 0.0, 2.0], given="a generator of parameters with gradients [3, 0] and [4], max_norm 2.5", because="it gives each parameter once: keep them in a list")
    check.equal(beside_the_clipping(5.0, False, False)["same objects"], True, given="gradients of norm 5, max_norm 5: are they the same objects as before?", because="a norm of at most max_norm needs no clipping: nothing is touched")
    check.equal(beside_the_clipping(5.0, False, False)["type"], "float", given="the type of the norm", because="a float of Python is promised; float(…) makes one of a NumPy number")


test_training_clip()

# %% [markdown]
r"""
## Part 3: One training step

A step is: forward, loss, backward, update. What if the batch you want does not fit into memory? Most
of a step's memory holds intermediate results between forward and backward, and grows with the batch;
`backward()` lets go of the graph, and of them, when it is done. Gradients do not grow. So cut the batch
into pieces and let the gradients **accumulate**: `backward()` adds to what is there.

The pieces must be weighed, though. Our losses are *means*. With a group of batches of sizes
$n_1, n_2, \dots$ and mean losses $L_1, L_2, \dots$, the mean over everything is

$$L = \sum_k \frac{n_k}{n_1 + n_2 + \dots} L_k$$

For $k$ equal batches each weight is $1/k$. Multiply each loss by its weight *before* `backward()`,
and the gradients that pile up are those of the one large batch, up to rounding, even when the last
batch is smaller than the others. (With dropout the result differs: its masks are drawn batch by
batch.) The size that counts is the number of elements that the loss averages over:
`y.size`, which is N for class labels of shape (N,), and N·T where there is a label for each of T
positions.

```
 batch 1 (32)  forward · loss · 32/72 · backward ─┐
 batch 2 (32)  forward · loss · 32/72 · backward ─┼─► sum = gradient of a batch of 72 ─► one update
 batch 3 ( 8)  forward · loss ·  8/72 · backward ─┘
```

In words: three batches run one after the other, each backward pass adds its weighted gradients, and
then the optimizer takes one step.

Models and losses come in several shapes: a `Layer`, an object of your own with a `forward` method, a
plain function. `apply`, given, calls any of them.
"""


# %%
#| export
def apply(function: Any, *inputs: Tensor) -> Tensor:
    """Call a layer, a loss, an object with a `forward` method, or a plain function."""
    return getattr(function, "forward", function)(*inputs)


# %% nbgrader={"grade": false, "grade_id": "training_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def train_step(
    model: Any,
    optimizer: Optimizer,
    loss_fn: Any,
    batches: list[tuple[Tensor, Tensor]],
    grad_clip_norm: float | None = None,
) -> tuple[float, int]:
    """One update of the parameters, from one or more batches as if they were one large batch.

    Args:
        batches: a list of at least one (x, y) pair of tensors.
        grad_clip_norm: clip the accumulated gradients to this norm; None does not clip. (0 is not
            None: `clip_grad_norm` refuses it with a ValueError.)

    Returns (loss, size): the mean loss over all batches, before the update, as a float, and the
    number of target elements it is the mean of (the sum of ``y.size``).

    Steps:
        1. `optimizer.zero_grad()`: what an earlier step or an experiment left behind must not count.
        2. size = the sum of ``y.size`` over the batches.
        3. For each batch, one after the other: outputs = ``apply(model, x)``, loss =
           ``apply(loss_fn, outputs, y)``; multiply the loss by its share, ``y.size / size``; run
           `backward()` on the product *before* the next batch's forward pass, so that only one
           batch's intermediate results are alive; add the value (``.item()``) to the mean loss.
        4. If asked for: `clip_grad_norm` over ``optimizer.params``.
        5. `optimizer.step()`, once.

    Example: with a model y = w · x, w = 1, and the batches ([1, 2], [2, 4]) and ([3], [6]), the errors
        are 1, 2 and 3, so the mean squared error is 14/3, and the result (4.67, 3).
    """
    ### BEGIN SOLUTION
    optimizer.zero_grad()
    size = sum(y.size for _, y in batches)
    mean_loss = 0.0
    for x, y in batches:
        loss = apply(loss_fn, apply(model, x), y) * (y.size / size)
        loss.backward()
        mean_loss += loss.item()
    if grad_clip_norm is not None:
        clip_grad_norm(optimizer.params, grad_clip_norm)
    optimizer.step()
    return mean_loss, size
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_training_step", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
def test_training_step():
    """The update, the loss and the size, for one batch and for uneven batches."""

    def line(lr):
        """The model y = w · x with w = 1, and plain SGD for it."""
        model = Linear(1, 1, bias=False)
        model.weight.data = np.array([[1.0]], dtype=np.float32)
        return model, SGD([model.weight], lr=lr)

    def pair(x, y):
        return Tensor(np.array(x).reshape(-1, 1)), Tensor(np.array(y).reshape(-1, 1))

    loss_fn = MSELoss()
    one, uneven = [pair([1, 2], [2, 4])], [pair([1, 2], [2, 4]), pair([3], [6])]
    model, optimizer = line(lr=0.1)
    check.close(train_step(model, optimizer, loss_fn, one)[0], 2.5, given="y = w·x with w = 1, x [1, 2], y [2, 4], lr 0.1: the loss", because="errors of 1 and 2: (1 + 4) / 2, before the update")
    check.close(model.weight.data, [[1.5]], given="the weight after that step", because="the gradient of the mean squared error is -5: w = 1 + 0.1 · 5")
    check.equal(train_step(*line(lr=0.1), loss_fn, one)[1], 2, given="two targets: the size")

    model, optimizer = line(lr=0.03)
    loss = train_step(model, optimizer, loss_fn, uneven)[0]
    check.equal(optimizer.step_count, 1, given="batches of 2 and 1: calls of optimizer.step()", because="two batches, one update")
    check.close(model.weight.data, [[1.28]], given="batches of 2 and 1 with errors 1, 2 | 3, lr 0.03: the weight", because="the gradient of the batch of 3 is -28/3; weigh the batches 2/3 and 1/3")
    check.close(loss, 14 / 3, given="batches of 2 and 1 with errors 1, 2 | 3: the loss", because="(1 + 4 + 9) / 3: the mean over all samples, not over batches")
    check.equal(train_step(*line(lr=0.03), loss_fn, uneven)[1], 3, given="batches of 2 and 1: the size")

    model, optimizer = line(lr=0.1)
    model.weight.grad = Tensor([[100.0]])
    train_step(model, optimizer, loss_fn, one)
    check.close(model.weight.data, [[1.5]], given="the first example, with a gradient of 100 left over from before", because="old gradients must not count")

    model, optimizer = line(lr=0.1)
    train_step(model, optimizer, loss_fn, one, grad_clip_norm=2.0)
    check.close(model.weight.data, [[1.2]], given="a gradient of -5, grad_clip_norm 2, lr 0.1", because="the gradient becomes -2: w = 1 + 0.1 · 2")
    model, optimizer = line(lr=0.1)
    train_step(model, optimizer, loss_fn, [pair([1], [11]), pair([1], [-8])], grad_clip_norm=5.0)
    check.close(model.weight.data, [[1.1]], given="two batches that pull with -10 and +9, grad_clip_norm 5, lr 0.1", because="together they pull with -1, which needs no clipping: clip the accumulated gradient, once")

    check.raises(ValueError, lambda: train_step(*line(lr=0.1), loss_fn, one, grad_clip_norm=0), given="grad_clip_norm=0", mentions=["max_norm"], because="only None means no clipping: compare with None, since 0 is false as well")

    words = Linear(2, 3)
    tokens = [(Tensor(np.ones((2, 3, 2))), Tensor(np.zeros((2, 3)))), (Tensor(np.ones((1, 1, 2))), Tensor([[2.0]]))]
    words.weight.data = np.zeros((2, 3), dtype=np.float32)
    check.equal(train_step(words, SGD(words.parameters(), lr=1.0), CrossEntropyLoss(), tokens)[1], 7, given="targets of shapes (2, 3) and (1, 1): the size", because="a label for each position: 6 + 1")
    check.close(words.bias.data, [6 / 7 - 1 / 3, -1 / 3, 1 / 7 - 1 / 3], given="zero weights, six labels 0 and one label 2, lr 1: the bias", because="each of the seven labels has the same weight")

    @probe
    def weight_after_step(kind):
        """The first example, with objects that only have a `forward`, or with plain functions."""
        weight = Tensor([[1.0]], requires_grad=True)

        class Model:
            def forward(self, x):
                return x @ weight

        class Loss:
            def forward(self, outputs, y):
                return ((outputs - y) * (outputs - y)).mean()

        model, loss_fn = Model(), Loss()
        if kind == "plain functions":
            model, loss_fn = (lambda x: x @ weight), (lambda outputs, y: ((outputs - y) * (outputs - y)).mean())
        batch = (Tensor([[1.0], [2.0]]), Tensor([[2.0], [4.0]]))
        result = train_step(model, SGD([weight], lr=0.1), loss_fn, [batch])
        return weight.data, [type(value).__name__ for value in result]

    for kind in ("objects that only have a forward", "plain functions"):
        check.close(weight_after_step(kind)[0], [[1.5]], given=f"the first example; model and loss are {kind}", because="`apply` calls all of them")
    check.equal(weight_after_step("plain functions")[1], ["float", "int"], given="the types of (loss, size)", because="a float and an int of Python are promised: .item() gives one, .data gives an array")

    @probe
    def order_of_events():
        """At each forward pass: is the gradient of the batch before already there?"""

        class Watched(Layer):
            def __init__(self):
                self.weight = Tensor([[1.0]], requires_grad=True)
                self.seen = []

            def forward(self, x):
                self.seen.append(self.weight.grad is not None)
                return x @ self.weight

        model = Watched()
        batch = (Tensor([[1.0]]), Tensor([[2.0]]))
        train_step(model, SGD([model.weight]), MSELoss(), [batch, batch, batch])
        return model.seen

    check.equal(order_of_events(), [False, True, True], given="three batches: is there a gradient at each forward pass?", because="backward() runs before the next forward pass, so that only one graph is alive")


test_training_step()

# %% [markdown]
"""
## Part 4: Judging a model

### How many are right?

The loss is what training lowers; accuracy is what people ask for. What counts as an answer depends on
the shape of the outputs:

| outputs | targets | the answer is |
|---|---|---|
| (N, C) with C ≥ 2 | classes (N,) | the class with the largest output |
| (N, T, C) with C ≥ 2 | classes (N, T) | the same, at each position |
| (N, C) | (N, C), one-hot | the same, and the target's class is its largest entry |
| (N, 1) or (N,) | 0 or 1, shape (N,) or (N, 1) | 1 if the probability is above 0.5 |

(For a regression, none of these fits, and the accuracy means nothing: look at the loss alone.)

The last line hides a classic trap. Compare an array of shape (N, 1) with one of shape (N,), and NumPy
broadcasts: you get N² comparisons and an accuracy that looks plausible.
"""

# %% nbgrader={"grade": false, "grade_id": "training_correct", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def count_correct(outputs: np.ndarray, targets: np.ndarray) -> tuple[int, int]:
    """How many answers are right, and how many there are: two ints.

    One number per answer, that is, outputs of shape (N,) or with a last dimension of 1: the answer
    is 1.0 where the output is above 0.5 (strictly), else 0.0. It is right if it equals its target.
    Compare flat arrays; the targets may have shape (N,) or (N, 1).

    Otherwise the last dimension of `outputs` holds the scores of the classes, and the answer is the
    index of the largest. Targets of the *same shape* as outputs are one-hot: their class is the
    index of their largest entry. Other targets are the classes themselves. Compare flat arrays here,
    too: classes for N answers may have shape (N,) or (N, 1).

    ValueError, with both shapes in its message (as given), when there are more answers than classes
    to compare them with, or fewer. Only these counts matter, not the shapes.

    Example: outputs [[2, 1], [0, 3]], targets [0, 0] → (1, 2).
    """
    ### BEGIN SOLUTION
    if outputs.ndim == 1 or outputs.shape[-1] == 1:
        answers, classes = (outputs > 0.5).ravel(), targets.ravel()
    else:
        one_hot = targets.shape == outputs.shape
        answers = outputs.argmax(axis=-1).ravel()
        classes = (targets.argmax(axis=-1) if one_hot else targets).ravel()
    if answers.shape != classes.shape:
        raise ValueError(f"outputs {outputs.shape} and targets {targets.shape} do not match")
    return int((answers == classes).sum()), classes.size
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_training_correct", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def test_training_correct():
    """Largest score, threshold, and one answer per target whatever the shapes."""

    def count(outputs, targets):
        return count_correct(np.array(outputs, dtype=np.float32), np.array(targets, dtype=np.float32))

    check.equal(count([[2, 1], [0, 3], [5, 4]], [0, 0, 0]), (2, 3), given="scores [[2, 1], [0, 3], [5, 4]], classes [0, 0, 0]", because="the largest scores are at 0, 1, 0")
    check.equal(count([[0.9], [0.2], [0.7], [0.1]], [1, 0, 1, 1]), (3, 4), given="probabilities of shape (4, 1), targets (4,)", because="four answers for four targets; comparing (4, 1) with (4,) would make sixteen")
    check.equal(count([0.9, 0.2, 0.7, 0.1], [[1], [0], [0], [0]]), (3, 4), given="probabilities of shape (4,), targets (4, 1)")
    check.equal(count([0.5, 0.51], [0, 1]), (2, 2), given="probabilities 0.5 and 0.51, targets 0 and 1", because="above 0.5 means 1; 0.5 itself is not above it")
    sequence = [[[0, 1, 0], [2, 0, 0]], [[0, 0, 7], [0, 0, 7]]]
    check.equal(count(sequence, [[1, 0], [2, 1]]), (3, 4), given="scores of shape (2, 2, 3), classes (2, 2)", because="one answer at each position")
    check.equal(count([[2, 1, 0], [0, 3, 1]], [[1, 0, 0], [0, 0, 1]]), (1, 2), given="scores (2, 3), one-hot targets (2, 3)")
    check.equal(count([[[2, 1, 0], [0, 3, 1]]], [[[1, 0, 0], [0, 0, 1]]]), (1, 2), given="scores (1, 2, 3), one-hot targets (1, 2, 3)", because="the classes are on the last axis")
    check.equal(count([[[2, 1, 0]], [[0, 3, 1]]], [[0], [2]]), (1, 2), given="scores (2, 1, 3), classes (2, 1)", because="sequences of length 1: the last dimension decides, and it is 3")
    check.equal(count([[2, 1], [0, 3], [1, 4]], [[0], [1], [0]]), (2, 3), given="scores (3, 2), classes 0, 1, 0 of shape (3, 1)", because="three answers 0, 1, 1 and three classes, both flat; (3, 1) is not the shape of the scores, so the targets are not one-hot")
    check.equal(count([[[2, 1], [0, 3]], [[5, 4], [1, 6]]], [0, 1, 0, 0]), (3, 4), given="scores (2, 2, 2), classes (4,)", because="four answers, four classes: only the counts have to agree")
    check.raises(ValueError, lambda: count([[[2, 1], [0, 3]]], [0]), given="scores (1, 2, 2), one class", mentions=["(1, 2, 2)", "(1,)"], because="two answers cannot be compared with one class")
    check.raises(ValueError, lambda: count([[2, 1], [0, 3]], [0, 1, 1]), given="two answers, three targets", mentions=["(2, 2)", "(3,)"])
    check.raises(ValueError, lambda: count([[0.2], [0.3]], [0, 1, 1]), given="two probabilities, three targets", mentions=["(2, 1)", "(3,)"])


test_training_correct()

# %% [markdown]
"""
### Leave no trace

Dropout must be inactive while a model is judged, wherever in the model it hides. `set_training_mode`
(Module 03) switches everything. Afterwards each part must be back in the mode it had *before*, which
need not be the same for all: in the middle of an experiment one block may be in evaluation mode. And
all this must hold when the evaluation ends in an error.

That is what context managers are for. `@contextmanager` makes one from a function with one `yield`:
what stands before it runs on entering the ``with`` block, what stands after it on leaving, and an
exception from the block comes out of the `yield` itself. `current_modes`, given, lists every part that
has a mode, together with that mode.

The evaluation itself then learns nothing, so nothing needs to be recorded: `no_grad()` saves the memory
and the time. As in training, batches may be uneven, so every batch counts by its size.
"""


# %%
#| export
def current_modes(model: Any) -> list[tuple[Any, bool]]:
    """Everything in the model that has a mode (a bool named `training`), and its mode now."""
    return [
        (part, part.training) for part in walk(model) if type(getattr(part, "training", 0)) is bool
    ]


# %% nbgrader={"grade": false, "grade_id": "training_evaluation_mode", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@contextmanager
def evaluation_mode(model: Any) -> Iterator[None]:
    """Inside ``with evaluation_mode(model):`` everything in the model is in evaluation mode.

    Afterwards each part has the mode it had before, also when the block is left by an exception
    (which goes on to the caller).

    Steps:
        1. Remember `current_modes(model)`.
        2. Switch the whole model: `set_training_mode(model, False)`.
        3. `yield` inside a ``try``; in its ``finally``, give each remembered part its mode back.
    """
    ### BEGIN SOLUTION
    modes = current_modes(model)
    set_training_mode(model, False)
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_training_evaluation_mode", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_training_evaluation_mode():
    """All parts are switched, and each gets its own mode back, also after an error."""

    @probe
    def modes_around(fail):
        class Plain:
            """Not a Layer; its parts sit in an attribute, a dict and a list."""

            def __init__(self):
                self.first = Dropout(0.5)
                self.others = {"frozen": [Dropout(0.1)], "last": Sequential(Linear(1, 1), Dropout(0.2))}

        model = Plain()
        parts = [model.first, model.others["frozen"][0], model.others["last"], model.others["last"].layers[1]]
        parts[1].training = False
        inside, error = [], "no exception"
        try:
            with evaluation_mode(model):
                inside = [part.training for part in parts]
                if fail:
                    raise KeyError("a broken batch")
        except KeyError as raised:
            error = f"KeyError({raised})"
        return {"inside": inside, "after": [part.training for part in parts], "error": error}

    check.equal(modes_around(False)["inside"], [False] * 4, given="modes inside the block, parts in a plain object, a list and a Sequential", because="dropout anywhere in the model must be inactive")
    before = [True, False, True, True]
    after = {"a block that ends well": modes_around(False)["after"], "a block that raises": modes_around(True)["after"]}
    check.equal(after, {"a block that ends well": before, "a block that raises": before}, given=f"modes before: {before}; after …", because="each part gets its own mode back, and `finally` runs in both cases")
    check.equal(modes_around(True)["error"], "KeyError('a broken batch')", given="a block that raises KeyError('a broken batch'): what reaches the caller?", because="hiding an error is not this function's business")


test_training_evaluation_mode()

# %% nbgrader={"grade": false, "grade_id": "training_evaluate", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def evaluate_model(
    model: Any, loss_fn: Any, dataloader: Iterable[tuple[Tensor, Tensor]]
) -> tuple[float, float]:
    """(mean loss, accuracy) of a model over all batches, as two floats; the model stays unchanged.

    Runs inside `evaluation_mode(model)` and `no_grad()`.

    Each batch's loss is a mean over ``y.size`` elements, so it counts with that weight: loss = sum
    of (batch loss · y.size) / sum of y.size. Accuracy = right answers of all batches / answers of all
    batches, both from `count_correct(outputs.data, y.data)`.

    `dataloader` is any iterable of (x, y) pairs; it is walked once. If it yields nothing: ValueError
    (the message contains ``no batches``).

    Example: batch losses 1.0 (3 samples) and 5.0 (1 sample) → a loss of 2.0, not 3.0.
    """
    ### BEGIN SOLUTION
    loss_sum, size, correct, answers = 0.0, 0, 0, 0
    with evaluation_mode(model), no_grad():
        for x, y in dataloader:
            outputs = apply(model, x)
            loss_sum += apply(loss_fn, outputs, y).item() * y.size
            size += y.size
            right, count = count_correct(outputs.data, y.data)
            correct += right
            answers += count
    if size == 0:
        raise ValueError("the dataloader gave no batches (a generator that was walked before?)")
    return loss_sum / size, correct / answers
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_training_evaluate", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def test_training_evaluate():
    """Weighted means over uneven batches, with dropout inactive and nothing recorded."""
    model = Linear(1, 1, bias=False)
    model.weight.data = np.array([[1.0]], dtype=np.float32)
    batches = [(Tensor([[0.9], [0.2]]), Tensor([[1.0], [0.0]])), (Tensor([[0.8]]), Tensor([[0.0]]))]
    check.close(evaluate_model(model, MSELoss(), batches)[0], 0.23, given="errors 0.1, 0.2 | 0.8 in batches of 2 and 1: the loss", because="(0.01 + 0.04 + 0.64) / 3: each sample counts once")
    check.close(evaluate_model(model, MSELoss(), batches)[1], 2 / 3, given="answers 1, 0 | 1 for targets 1, 0 | 0: the accuracy", because="2 of 3 are right; the mean of the batches' accuracies would be 1/2")
    one_hot = [(Tensor([[2.0, 1.0], [0.0, 3.0]]), Tensor([[1.0, 0.0], [1.0, 0.0]]))]
    check.close(evaluate_model(Sequential(), MSELoss(), one_hot)[1], 0.5, given="scores of shape (2, 2), one of the two answers right, one-hot targets: the accuracy", because="right answers / answers: there are two answers, although y.size is 4")

    @probe
    def traces():
        """What an evaluation leaves behind, in a model with a Dropout inside a plain object."""

        class Head:
            def __init__(self):
                self.parts = [Dropout(0.9)]

        class Net(Layer):
            def __init__(self):
                self.head = Head()
                self.frozen = Dropout(0.9)
                self.frozen.training = False
                self.weight = Tensor([[1.0, -1.0]], requires_grad=True)
                self.recorded = []

            def forward(self, x):
                out = self.frozen(self.head.parts[0](x)) @ self.weight
                self.recorded.append(out.requires_grad)
                return out

        model = Net()
        np.random.seed(0)
        before = np.random.get_state()[1].tolist()
        loss, accuracy = evaluate_model(model, CrossEntropyLoss(), [(Tensor(np.ones((50, 1))), Tensor(np.zeros(50)))])
        return {
            "loss": loss,
            "accuracy": accuracy,
            "recorded": model.recorded,
            "modes": [model.training, model.head.parts[0].training, model.frozen.training],
            "random state unchanged": before == np.random.get_state()[1].tolist(),
            "types": [type(loss).__name__, type(accuracy).__name__],
        }

    check.close(traces()["accuracy"], 1.0, given="a model with Dropout(0.9) inside a plain object, 50 easy samples: the accuracy", because="with active dropout most inputs would be zero, and their two scores equal")
    check.close(traces()["loss"], np.log1p(np.exp(-2.0)), given="scores 1 and -1 for class 0, 50 times: the loss", because="log(1 + e⁻²): no input is dropped or scaled", rtol=1e-4)
    check.equal(traces()["recorded"], [False], given="does the output of the model require a gradient?", because="inside no_grad() no graph is recorded")
    check.equal(traces()["modes"], [True, True, False], given="the modes of the model and of its two Dropouts afterwards, [True, True, False] before", because="each part gets the mode back that it had before")
    check.equal(traces()["random state unchanged"], True, given="is the random state unchanged?", because="without dropout nothing is drawn")
    check.equal(traces()["types"], ["float", "float"], given="the types of (loss, accuracy)", because="two floats of Python are promised")

    @probe
    def judge(kind):
        """Two batches of one sample each, with errors of 1 and 3, and a model y = x."""

        class Model:
            def forward(self, x):
                return x

        class Loss:
            def forward(self, outputs, y):
                return ((outputs - y) * (outputs - y)).mean()

        batches = [(Tensor([[1.0]]), Tensor([[2.0]])), (Tensor([[1.0]]), Tensor([[4.0]]))]
        if kind == "plain functions":
            return evaluate_model(lambda x: x, lambda outputs, y: ((outputs - y) * (outputs - y)).mean(), batches)[0]
        return evaluate_model(Model(), Loss(), iter(batches) if kind == "a generator" else batches)[0]

    for kind in ("objects that only have a forward", "plain functions"):
        check.close(judge(kind), 5.0, given=f"errors 1 | 3; model and loss are {kind}", because="`apply` calls all of them")
    check.close(judge("a generator"), 5.0, given="errors 1 | 3 from a generator of batches", because="it gives each batch once, and has no length")
    check.raises(ValueError, lambda: evaluate_model(model, MSELoss(), []), given="an empty list of batches", mentions=["no batches"])


test_training_evaluate()

# %% [markdown]
"""
## Part 5: The Trainer

The pieces are there; the trainer arranges them. It owns what belongs to the run as a whole: how many
epochs and steps were done, and what happened (`history`).

One epoch: set the learning rate, switch to training mode, take the batches in groups of
`accumulation_steps`, make one step per group, note the result. The last group may be smaller, or its
last batch may be; `train_step` weighs by real sizes, so nothing needs to be done about it.

`grouped`, given, cuts any iterable into lists. Saving and loading are one-liners through functions
that you write in Part 6.
"""


# %%
#| export
def grouped(items: Iterable, size: int) -> Iterator[list]:
    """Lists of `size` items, in order; the last one may be shorter."""
    iterator = iter(items)
    while group := list(itertools.islice(iterator, size)):
        yield group


class CheckpointError(ValueError):
    """A file is not a checkpoint, or not one of this run."""


# %% nbgrader={"grade": false, "grade_id": "training_epoch", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Trainer:
    """A training run: model, optimizer, loss and schedule, and how far they have come.

    Attributes: `epoch` and `step` count finished epochs and updates; `history` maps "train_loss",
    "learning_rates", "eval_loss" and "eval_accuracy" to lists with one entry per call.
    """

    def __init__(
        self,
        model: Any,
        optimizer: Optimizer,
        loss_fn: Any,
        scheduler: Any = None,
        grad_clip_norm: float | None = None,
    ):
        if grad_clip_norm is not None and not grad_clip_norm > 0:
            raise ValueError(f"grad_clip_norm must be greater than 0, got {grad_clip_norm}")
        self.model, self.optimizer, self.loss_fn = model, optimizer, loss_fn
        self.scheduler, self.grad_clip_norm = scheduler, grad_clip_norm
        self.epoch = self.step = 0
        names = ("train_loss", "learning_rates", "eval_loss", "eval_accuracy")
        self.history: dict[str, list[float]] = {name: [] for name in names}

    def train_epoch(
        self, dataloader: Iterable[tuple[Tensor, Tensor]], accumulation_steps: int = 1
    ) -> float:
        """Train on every batch once; return the mean loss over all target elements.

        Args:
            dataloader: any iterable of (x, y) pairs of tensors.
            accumulation_steps: batches per update.

        Raises:
            ValueError: accumulation_steps is not an int of at least 1 (`isinstance` is a good
                enough test). The message contains ``accumulation_steps``; neither the learning
                rate nor the mode has been changed.
            ValueError: the dataloader yields nothing. The message contains ``no batches``; epoch,
                step and history are as they were (learning rate and mode may have been set).

        Steps:
            1. With a scheduler: ``self.optimizer.lr = self.scheduler.get_lr(self.epoch)``.
            2. Training mode for the whole model (`set_training_mode`): a block that somebody set
               to evaluation mode by hand is switched back, too.
            3. For each group of `grouped(dataloader, accumulation_steps)`: one `train_step`, with
               ``self.grad_clip_norm``; ``self.step`` goes up by one; add loss · size to a sum, and
               size to another (`train_step` returns both).
            4. Append the mean loss (the one sum divided by the other) to
               ``self.history["train_loss"]`` and the optimizer's lr, scheduler or not, to
               ``self.history["learning_rates"]``.
            5. ``self.epoch`` goes up by one. Return the mean loss.
        """
        ### BEGIN SOLUTION
        if type(accumulation_steps) is not int or accumulation_steps < 1:
            raise ValueError(f"accumulation_steps must be an int >= 1, got {accumulation_steps!r}")
        if self.scheduler is not None:
            self.optimizer.lr = self.scheduler.get_lr(self.epoch)
        set_training_mode(self.model, True)
        loss_sum, total = 0.0, 0
        for batches in grouped(dataloader, accumulation_steps):
            loss, size = train_step(
                self.model, self.optimizer, self.loss_fn, batches, self.grad_clip_norm
            )
            self.step += 1
            loss_sum += loss * size
            total += size
        if total == 0:
            raise ValueError("the dataloader gave no batches (a generator that was walked before?)")
        self.history["train_loss"].append(loss_sum / total)
        self.history["learning_rates"].append(self.optimizer.lr)
        self.epoch += 1
        return loss_sum / total
        ### END SOLUTION

    def evaluate(self, dataloader: Iterable[tuple[Tensor, Tensor]]) -> tuple[float, float]:
        """(mean loss, accuracy) over all batches, without learning from them; see evaluate_model."""
        loss, accuracy = evaluate_model(self.model, self.loss_fn, dataloader)
        self.history["eval_loss"].append(loss)
        self.history["eval_accuracy"].append(accuracy)
        return loss, accuracy

    def save_checkpoint(self, path: str | os.PathLike) -> None:
        """Write the state of the whole run to one file, atomically; folders are made as needed."""
        write_archive(path, collect_run(self))

    def load_checkpoint(self, path: str | os.PathLike) -> None:
        """Go back to the state in a file of `save_checkpoint`, or raise and change nothing.

        The model, the optimizer and the scheduler must have been built as in the run that saved it.

        Raises:
            FileNotFoundError: there is no such file.
            CheckpointError: it is damaged, not a checkpoint, or not one of such a run.
        """
        state = read_archive(path)
        try:
            restore_run(self, state)
        except ValueError as error:
            raise CheckpointError(
                f"{path} is a checkpoint, but not of this run: {error}. Nothing has been changed; "
                "build model, optimizer and scheduler as they were when it was saved."
            ) from error


# %% nbgrader={"grade": true, "grade_id": "test_training_epoch", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def test_training_epoch():
    """An epoch sets the rate, groups the batches, counts, and notes what happened."""

    def make_trainer(lr=0.1, **settings):
        model = Linear(1, 1, bias=False)
        model.weight.data = np.array([[1.0]], dtype=np.float32)
        return Trainer(model, SGD([model.weight], lr=lr), MSELoss(), **settings)

    def pair(x, y):
        return Tensor(np.array(x).reshape(-1, 1)), Tensor(np.array(y).reshape(-1, 1))

    trainer = make_trainer(lr=0.0)
    check.close(trainer.train_epoch([pair([1, 1], [2, 2]), pair([1], [5])]), 6.0, given="w = 1, lr 0, errors 1, 1 | 4 in batches of 2 and 1: the loss", because="(1 + 1 + 16) / 3: the mean over all samples, not over batches")
    check.equal([trainer.epoch, trainer.step], [1, 2], given="one epoch of two batches: [epoch, step]")
    check.close(trainer.history["train_loss"], [6.0], given="history['train_loss'] after one epoch")
    check.equal(trainer.history["learning_rates"], [0.0], given="history['learning_rates'] without a scheduler")

    trainer = make_trainer(lr=7.0, scheduler=CosineSchedule(0.1, 0.0, 2))
    batch = pair([1, 2], [2, 4])
    trainer.model.eval()
    for wrong in (0, -1, 1.5):
        check.raises(ValueError, lambda wrong=wrong: trainer.train_epoch([batch], accumulation_steps=wrong), given=f"accumulation_steps={wrong}", mentions=["accumulation_steps"])
    check.equal([trainer.optimizer.lr, trainer.model.training], [7.0, False], given="[learning rate, mode] after these errors, 7 and False before", because="check the argument before anything else")
    trainer.train_epoch([batch])
    check.close(trainer.model.weight.data, [[1.5]], given="lr 7 with CosineSchedule(0.1, 0, 2), first epoch, gradient -5", because="epoch 0 runs at get_lr(0) = 0.1: set the rate before the first step")
    check.equal(trainer.model.training, True, given="a model that was in evaluation mode, after an epoch of training")
    deep = Sequential(Sequential(Dropout(0.0)), Linear(1, 1))
    deep.layers[0].eval()
    Trainer(deep, SGD(deep.parameters()), MSELoss()).train_epoch([batch])
    check.equal([deep.layers[0].training, deep.layers[0].layers[0].training], [True, True], given="a block inside the model that was in evaluation mode, and the Dropout in it, after an epoch of training", because="the whole model is switched, whatever was set by hand")
    trainer.train_epoch([batch])
    check.close(trainer.history["learning_rates"], [0.1, 0.05], given="history['learning_rates'] after two epochs")
    check.close(trainer.model.weight.data, [[1.625]], given="the second epoch, at lr 0.05, gradient -2.5")
    check.equal(trainer.epoch, 2, given="two epochs: trainer.epoch")

    trainer = make_trainer()
    trainer.train_epoch([pair([1], [2])] * 5, accumulation_steps=2)
    check.equal([trainer.step, trainer.optimizer.step_count], [3, 3], given="five batches, accumulation_steps=2: [trainer.step, optimizer.step_count]", because="groups of 2, 2 and 1: the rest counts, too")
    check.close(trainer.model.weight.data, [[1 + 0.2 + 0.16 + 0.128]], given="five equal batches, accumulation_steps=2", because="three updates at lr 0.1, each from a mean gradient")
    trainer = make_trainer(grad_clip_norm=1.0)
    trainer.train_epoch([batch])
    check.close(trainer.model.weight.data, [[1.1]], given="grad_clip_norm=1, lr 0.1, gradient -5")
    check.raises(ValueError, lambda: trainer.train_epoch([]), given="an empty list of batches", mentions=["no batches"])
    check.equal([trainer.epoch, trainer.step, len(trainer.history["train_loss"])], [1, 1, 1], given="[epoch, step, entries of history] after one epoch and that error", because="an epoch that did not happen is not counted")

    @probe
    def from_a_generator():
        model = Linear(1, 1)
        trainer = Trainer(model, SGD(model.parameters()), MSELoss())
        trainer.train_epoch((Tensor([[1.0]]), Tensor([[1.0]])) for _ in range(3))
        return trainer.step

    check.equal(from_a_generator(), 3, given="a generator of three batches", because="it has no length and can be walked only once")


test_training_epoch()

# %% [markdown]
"""
## Part 6: Checkpoints

A run that cannot be interrupted will be, at the worst moment. So: what *is* the state of a run? The
test for an answer is merciless: resume, and compare with the run that was never interrupted. They
must agree to the last bit. That needs

* the parameters: obviously;
* the optimizer's state: velocities, averages, counts, its learning rate;
* where we are: `epoch` (the schedule depends on it), `step`, `history`, and the modes of the layers;
* and the state of NumPy's **random numbers**. Dropout draws from it, shuffling draws from it. Without
  it the resumed run sees other masks and other orders. It is still a good run, but no longer *this*
  run, and you can never tell a bug from bad luck.

### Collect

As in Module 06, the state is one flat dictionary: text, numbers and lists that JSON can hold, and
arrays. Some helpers are given: `prefixed` and `unprefixed` put a dictionary into a larger one and
take it out again, `model_arrays` names a model's parameters, `describe` sums up a scheduler.
"""


# %%
#| export
def prefixed(prefix: str, entries: dict[str, Any]) -> dict[str, Any]:
    """The same entries under the names ``prefix.name``."""
    return {f"{prefix}.{name}": value for name, value in entries.items()}


def unprefixed(prefix: str, state: dict[str, Any]) -> dict[str, Any]:
    """The entries named ``prefix.name`` of a larger dictionary, under their bare names."""
    start = f"{prefix}."
    return {name[len(start) :]: v for name, v in state.items() if name.startswith(start)}


def model_arrays(model: Any) -> dict[str, np.ndarray]:
    """The parameters' own arrays as "model.0", "model.1", … in the order of `parameters()`."""
    return numbered("model", (parameter.data for parameter in model.parameters()))


def describe(scheduler: Any) -> dict[str, Any] | None:
    """A scheduler's kind and settings, to be compared when a run is resumed."""
    if scheduler is None:
        return None
    settings = getattr(scheduler, "__dict__", {})
    plain = {k: v for k, v in settings.items() if isinstance(v, bool | int | float | str)}
    return {"kind": type(scheduler).__name__, **plain}


def random_entries() -> dict[str, Any]:
    """The state of NumPy's global random numbers, as one list for JSON and one array."""
    kind, keys, position, has_gauss, cached_gaussian = np.random.get_state()
    return {"random": [kind, position, has_gauss, cached_gaussian], "random.keys": keys}


# %% nbgrader={"grade": false, "grade_id": "training_collect", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def collect_run(trainer: Trainer) -> dict[str, Any]:
    """The whole state of a run, as one flat dictionary that shares no memory with it.

    name              value
    epoch, step       the trainer's counters
    modes             list of the bools of `current_modes(trainer.model)`, in order
    scheduler         `describe(trainer.scheduler)`
    random, random.keys   `random_entries()`
    model.0, …        a *copy* of each array of `model_arrays(trainer.model)`
    optimizer.<name>  every entry of the optimizer's `state_dict()` (they are copies already)
    history.<name>    every list of the history, as a float64 array

    Why copies: optimizers write in place. A snapshot that shares memory would move on with the run.

    Hint: `prefixed("optimizer", …)` puts a prefix before all names of a dictionary, and
    ``{**a, **b}`` merges two.
    """
    ### BEGIN SOLUTION
    history = {name: np.array(values, np.float64) for name, values in trainer.history.items()}
    return {
        "epoch": trainer.epoch,
        "step": trainer.step,
        "modes": [training for _, training in current_modes(trainer.model)],
        "scheduler": describe(trainer.scheduler),
        **random_entries(),
        **{name: array.copy() for name, array in model_arrays(trainer.model).items()},
        **prefixed("optimizer", trainer.optimizer.state_dict()),
        **prefixed("history", history),
    }
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_training_collect", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_training_collect():
    """Every part of the run is in the state, under its name, as it is now."""
    model = Sequential(Linear(2, 1), Dropout(0.5))
    layer = model.layers[0]
    layer.weight.data = np.array([[1.0], [2.0]], dtype=np.float32)
    model.layers[1].training = False
    trainer = Trainer(model, SGD(model.parameters(), lr=0.1, momentum=0.9), MSELoss(), CosineSchedule(0.1, 0.0, 4))
    trainer.epoch, trainer.step = 3, 30
    trainer.history = {"train_loss": [0.5, 0.25], "eval_loss": [], "eval_accuracy": [1, 0]}
    names = ["epoch", "step", "modes", "scheduler", "random", "random.keys", "model.0", "model.1"]
    names += [f"optimizer.{name}" for name in trainer.optimizer.state_dict()]
    names += ["history.train_loss", "history.eval_loss", "history.eval_accuracy"]

    def compared(found):
        missing, unknown = sorted(set(names) - set(found)), sorted(set(found) - set(names))
        return f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}"

    check.equal(compared(collect_run(trainer)), "missing: none; unknown: none", given="the names in the state", because="one entry for each line of the docstring's table, and for each part of the optimizer and the history")
    state = collect_run(trainer)
    check.equal([state.get("epoch"), state.get("step")], [3, 30], given="a trainer at epoch 3, step 30")
    check.close(state.get("model.0"), [[1.0], [2.0]], given="state['model.0'], the weight [[1], [2]]")
    check.close(state.get("model.1"), [0.0], given="state['model.1'], the bias")
    check.equal(state.get("optimizer.momentum"), 0.9, given="state['optimizer.momentum']", because="every entry of optimizer.state_dict() is there, with the prefix 'optimizer.'")
    check.close(state.get("optimizer.velocity.0"), [[0.0], [0.0]], given="state['optimizer.velocity.0']")
    check.equal(state.get("modes"), [True, True, False], given="modes of a Sequential, its Linear and its Dropout, which is in evaluation mode")
    check.equal(state.get("scheduler"), {"kind": "CosineSchedule", "max_lr": 0.1, "min_lr": 0.0, "total_epochs": 4}, given="state['scheduler']")
    check.close(state.get("history.train_loss"), [0.5, 0.25], given="state['history.train_loss']")
    for name in ("train_loss", "eval_loss", "eval_accuracy"):
        check.equal(state[f"history.{name}"].dtype, np.float64, given=f"the dtype of the history {trainer.history[name]}", because="float64 keeps every bit of a Python float")

    @probe
    def random_and_copies():
        model = Linear(1, 1)
        trainer = Trainer(model, SGD(model.parameters()), MSELoss())
        np.random.seed(5)
        np.random.randn()  # an odd number of draws leaves a half-used pair behind
        state = collect_run(trainer)
        model.weight.data += 1.0
        drawn = np.random.randn(3)
        kind, position, has_gauss, cached = state["random"]
        np.random.set_state((kind, state["random.keys"], position, has_gauss, cached))
        return {
            "the same numbers": bool(np.array_equal(drawn, np.random.randn(3))),
            "moved along": bool(np.array_equal(state["model.0"], model.weight.data)),
            "scheduler": state["scheduler"],
        }

    check.equal(random_and_copies()["the same numbers"], True, given="numbers drawn after collecting, and again after setting the random state back")
    check.equal(random_and_copies()["moved along"], False, given="the weight was changed in place; has state['model.0'] changed with it?", because="a snapshot is a copy")
    check.equal(random_and_copies()["scheduler"], None, given="a trainer without a scheduler")


test_training_collect()

# %% [markdown]
"""
### Write

Suppose the disk is full, or the machine loses power, while a checkpoint is being written over the one
of the day before. If the file is written in place, *both* are lost. The cure is old and simple:

```
                                   run.ckpt             run.ckpt.123.partial
 before                            yesterday's, whole   (not there)
 write, flush, fsync               yesterday's, whole   today's, growing
 after that                        yesterday's, whole   today's, whole and on the disk
 os.replace, in one instant        today's, whole       (not there)
```

In words: write everything to another file in the same folder, make sure that it is really on the disk
(`os.fsync`), and only then let it take the old one's name with `os.replace`, which the operating
system does in one indivisible act. Whoever looks sees the old file or the new one, never a mixture.
The same folder matters: between two disks there is no such act, only copying.

What to write? The obvious tool, `pickle`, is a small programming language: reading a pickle *runs
code* that its author chose. A checkpoint is a file people send each other. So ours is a NumPy archive
(a zip of plain arrays), with the text and the numbers as JSON in one more array. Nothing in it can
run. `save_arrays`, given, writes such an archive into an open file; through an open file NumPy also
leaves the name alone, where otherwise it would append ".npz".
"""


# %%
#| export
CHECKPOINT_FORMAT = "tinytorch checkpoint 1"


def save_arrays(file: BinaryIO, state: dict[str, Any]) -> None:
    """Write a flat state into an open file: arrays as they are, the rest as JSON in one array."""
    arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    rest = {name: value for name, value in state.items() if name not in arrays}
    text = json.dumps({"format": CHECKPOINT_FORMAT, **rest}, allow_nan=False)
    np.savez(file, json=np.frombuffer(text.encode("utf-8"), dtype=np.uint8), **arrays)


# %% nbgrader={"grade": false, "grade_id": "training_write", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def write_archive(path: str | os.PathLike, state: dict[str, Any]) -> None:
    """Write a state to `path`, atomically: afterwards the file is whole, or as it was before.

    The name is used as it is, whatever its ending; missing parent folders are made.

    Steps (the three lines below are given: they make the folder and choose `partial`, another name
    in that folder):
        1. Open `partial` for writing bytes ("wb"), and inside the ``with``:
           `save_arrays(file, state)`, then ``file.flush()`` (from Python to the system), then
           ``os.fsync(file.fileno())`` (from the system to the disk).
        2. After the ``with`` (Windows cannot rename an open file): ``os.replace(partial, path)``.
        3. Whatever goes wrong on the way: no `partial` is left lying about
           (``partial.unlink(missing_ok=True)`` in a ``finally``), and the error goes on. Ctrl-C counts:
           KeyboardInterrupt is no Exception.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    ### BEGIN SOLUTION
    try:
        with open(partial, "wb") as file:
            save_arrays(file, state)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_training_write", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_training_write():
    """The file is there under its own name, whole, and a failed save leaves the old one."""

    @probe
    def write(name="run.ckpt", over_old=False, failing="", error="OSError", state=None):
        """Write a state; what lies in the folder afterwards, and in which order it was made."""
        events, synced, armed, result = [], [], [], "no error"
        errors = {"OSError": OSError, "KeyboardInterrupt": KeyboardInterrupt}
        space = write_archive.__globals__
        real = {"fsync": os.fsync, "replace": os.replace, "save_arrays": space["save_arrays"]}

        def fsync(descriptor):
            found = os.fstat(descriptor)
            synced[:] = [descriptor, found.st_ino, found.st_size]
            events.append("fsync")
            if armed and failing == "fsync":
                raise errors[error]

        def still_open():
            try:
                return os.fstat(synced[0]).st_ino == synced[1]
            except (OSError, IndexError):
                return False

        def replace(source, target):
            on_disk = synced[2:] == [os.path.getsize(source)]
            events.append(f"replace by a file that is {'whole' if zipfile.is_zipfile(source) else 'not whole'}, {'on the disk' if on_disk else 'not on the disk'}, {'open' if still_open() else 'closed'}")
            if armed and failing == "replace":
                raise errors[error]
            real["replace"](source, target)

        def save_arrays_lazily(file, state):
            """As the real one, but the last bytes stay in Python's memory until they are flushed."""
            with tempfile.SpooledTemporaryFile() as whole:
                real["save_arrays"](whole, state)
                whole.seek(0)
                file.write(whole.read())

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            os.fsync, os.replace, space["save_arrays"] = fsync, replace, save_arrays_lazily
            try:
                if over_old:
                    write_archive(path, {"epoch": 1, "model.0": np.zeros(2)})
                events.clear()
                armed.append(True)
                write_archive(str(path), state or {"epoch": 2, "model.0": np.ones(3)})
            except TypeError:
                if state is None:
                    raise
                result = "TypeError"
            except (OSError, KeyboardInterrupt) as raised:
                detail = getattr(raised, "strerror", None)
                result = type(raised).__name__ + (f": {detail}" if detail else "")
            finally:
                os.fsync, os.replace, space["save_arrays"] = real.values()
            files = sorted(p.relative_to(folder).as_posix().replace(str(os.getpid()), "N") for p in Path(folder).rglob("*") if p.is_file())
            content = []
            if path.is_file() and zipfile.is_zipfile(path):
                with np.load(path, allow_pickle=False) as archive:
                    content = [len(archive["model.0"]), json.loads(archive["json"].tobytes())["epoch"]]
        return {"files": files, "content": content, "error": result, "events": events}

    check.equal(write()["error"], "no error", given="write_archive('…/run.ckpt', …): the error")
    check.equal(write()["files"], ["run.ckpt"], given="write_archive('…/run.ckpt', …): files in the folder", because="the name as given, and nothing beside it")
    check.equal(write()["content"], [3, 2], given="the length of model.0 and the epoch in the file")
    check.equal(write()["events"], ["fsync", "replace by a file that is whole, on the disk, closed"], given="the calls of os.fsync and os.replace", because="flush and fsync force every byte to the disk, the `with` closes the file, then it takes the name")
    check.equal(write("a/b/run.npz")["files"], ["a/b/run.npz"], given="a path in folders that do not exist yet")
    check.equal(write(over_old=True)["content"], [3, 2], given="a second save to the same path", because="the new state takes the old one's place")
    for failing in ("fsync", "replace"):
        check.equal(write(over_old=True, failing=failing)["error"], "OSError", given=f"os.{failing} fails with an OSError", because="the caller must hear of it")
        check.equal(write(over_old=True, failing=failing)["content"], [2, 1], given=f"the old file, after os.{failing} failed", because="a save that dies half-way leaves the old file")
        check.equal(write(over_old=True, failing=failing)["files"], ["run.ckpt"], given=f"files in the folder after os.{failing} failed", because="no partial file is left lying about")
    interrupted = {"files": ["run.ckpt"], "content": [2, 1], "error": "KeyboardInterrupt", "events": ["fsync"]}
    check.equal(write(over_old=True, failing="fsync", error="KeyboardInterrupt"), interrupted, given="Ctrl-C while the file is being written", because="the old file alone is left, and the interrupt goes on: `finally` runs for it, `except Exception` does not")
    refused = {"files": ["run.ckpt"], "content": [2, 1], "error": "TypeError", "events": []}
    check.equal(write(over_old=True, state={"epoch": {1, 2}}), refused, given="a state that JSON cannot hold (a set)", because="the old file survives this, too")


test_training_write()

# %% [markdown]
"""
### Read

The next cell is given, and you can **skip it on a first reading**; two functions of it are all you need
to know. `read_archive(path)` gives back the state in a file. Most of it is about files that you hope
never to meet: text files, half files, a zip that claims to hold more than its own size (a "zip bomb"),
arrays of Python objects (which would need pickle). Whatever it is, there is a CheckpointError with the
path and what to do. `check_run(trainer, state)` compares what can be compared without touching
anything: counters, modes, scheduler, random state, history.
"""


# %%
#| export
def read_archive(path: str | os.PathLike) -> dict[str, Any]:
    """The flat state in a file of `write_archive`. Runs nothing that is in the file.

    Raises FileNotFoundError, or CheckpointError when the file is anything else than such a file.
    """
    with open(path, "rb") as file:
        try:
            return parse_archive(file)
        except Exception as error:  # a hostile file can fail in a hundred ways
            raise CheckpointError(
                f"{path} is not a readable checkpoint ({type(error).__name__}: {error}). Nothing "
                "has been changed; it may be damaged or of another kind: use an earlier checkpoint."
            ) from error


def parse_archive(file: BinaryIO) -> dict[str, Any]:
    """Read an open archive; any kind of exception when it is not one of ours."""
    size = file.seek(0, os.SEEK_END)
    with zipfile.ZipFile(file) as archive:
        if sum(member.file_size for member in archive.infolist()) > size:
            raise ValueError("it claims to hold more than its own size")
    file.seek(0)
    with np.load(file, allow_pickle=False) as members:
        arrays = {name: members[name] for name in members.files}
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise ValueError("it holds members that are not arrays")
    state = json.loads(arrays.pop("json").tobytes(), parse_constant=refuse_constant)
    if not isinstance(state, dict) or state.pop("format", None) != CHECKPOINT_FORMAT:
        raise ValueError(f"it is not in the format {CHECKPOINT_FORMAT!r}")
    return state | arrays


def refuse_constant(name: str) -> None:
    """JSON has no NaN and no Infinity, and neither has a checkpoint's."""
    raise ValueError(f"{name} is not a number of JSON")


def check_run(trainer: Trainer, state: dict[str, Any]) -> None:
    """ValueError unless the state's counters, modes, scheduler, random state and history fit."""
    needed = ("epoch", "step", "modes", "scheduler", "random", "random.keys")
    missing = [name for name in needed if name not in state]
    if missing:
        raise ValueError(f"{', '.join(missing)} missing")
    for name in ("epoch", "step"):
        if type(state[name]) is not int or state[name] < 0:
            raise ValueError(f"{name} is {state[name]!r}, expected a count")
    modes = state["modes"]
    expected = len(current_modes(trainer.model))
    if not isinstance(modes, list) or [type(mode) for mode in modes] != [bool] * expected:
        raise ValueError(f"the modes do not fit a model whose layers have {expected} of them")
    if state["scheduler"] != describe(trainer.scheduler):
        raise ValueError(
            f"its scheduler is {state['scheduler']}, this one is {describe(trainer.scheduler)}"
        )
    if not random_state_fits(state["random"], state["random.keys"]):
        raise ValueError("the random state is not one of NumPy's")
    history = unprefixed("history", state)
    if trainer.history.keys() - history.keys():
        raise ValueError(f"history of {sorted(trainer.history.keys() - history.keys())} missing")
    for name, values in history.items():
        if not isinstance(values, np.ndarray) or values.dtype != np.float64 or values.ndim != 1:
            raise ValueError(f"the history of {name} is not a list of numbers")


def random_state_fits(numbers: Any, keys: Any) -> bool:
    """Whether `np.random.set_state` can take these without harm."""
    if not isinstance(numbers, list) or not isinstance(keys, np.ndarray):
        return False
    if [type(number) for number in numbers] != [str, int, int, float]:
        return False
    kind, position, has_gauss, cached_gaussian = numbers
    return (
        (kind, keys.shape, keys.dtype) == ("MT19937", (624,), np.uint32)
        and 0 <= position <= 624
        and has_gauss in (0, 1)
        and math.isfinite(cached_gaussian)
    )


# %% [markdown]
"""
### Restore

All that is left is to put the state back, and again it is all or nothing: **first everything that can
fail, then everything that changes**. There is one step that does both, the optimizer's
`load_state_dict`: it checks, and then it changes. Where in the order must it stand?
"""

# %% nbgrader={"grade": false, "grade_id": "training_restore", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def restore_run(trainer: Trainer, state: dict[str, Any]) -> None:
    """Put a collected state back into a trainer: all of it, or ValueError and nothing changed.

    What can fail, each with a ValueError:
      * `check_run(trainer, state)`: everything but the arrays of model and optimizer;
      * `check_arrays(targets, sources)` (Module 06) for the model: the targets are
        ``model_arrays(trainer.model)``, the sources all entries of `state` whose names begin with
        ``"model."``, under their full names;
      * ``trainer.optimizer.load_state_dict(unprefixed("optimizer", state))``: checks, then changes, all or
        nothing.
    What changes, besides the optimizer:
      * the parameters: written *into* their arrays (``array[...] = …``), which others hold on to;
      * `epoch` and `step`;
      * `history`: a dict of *lists* (``.tolist()``) of all entries of ``unprefixed("history", state)``;
      * the modes: each part of `current_modes(trainer.model)` gets, in order, its entry of
        ``state["modes"]`` as its attribute `training`;
      * the random numbers: `np.random.set_state` takes one tuple (kind, keys, position, has_gauss,
        cached_gaussian), where ``state["random"]`` is the list [kind, position, has_gauss,
        cached_gaussian] and ``state["random.keys"]`` is keys.
    """
    ### BEGIN SOLUTION
    check_run(trainer, state)
    arrays = model_arrays(trainer.model)
    check_arrays(arrays, {name: state[name] for name in state if name.startswith("model.")})
    trainer.optimizer.load_state_dict(unprefixed("optimizer", state))  # the last thing that can fail
    for name, array in arrays.items():
        array[...] = state[name]
    trainer.epoch, trainer.step = state["epoch"], state["step"]
    trainer.history = {name: v.tolist() for name, v in unprefixed("history", state).items()}
    for (layer, _), training in zip(current_modes(trainer.model), state["modes"], strict=True):
        layer.training = training
    kind, position, has_gauss, cached_gaussian = state["random"]
    np.random.set_state((kind, state["random.keys"], position, has_gauss, cached_gaussian))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_training_restore", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def test_training_restore():
    """A restored run continues bit for bit; a state that does not fit changes nothing."""

    def make_trainer(features=2, optimizer=SGD, **settings):
        model = Sequential(Linear(features, 2), Dropout(0.5), Linear(2, 1))
        return Trainer(model, optimizer(model.parameters(), lr=0.1, **settings), MSELoss())

    trainer = make_trainer(momentum=0.9)
    trainer.epoch, trainer.step, trainer.optimizer.step_count = 3, 30, 30
    trainer.history = {**trainer.history, "train_loss": [0.5, 0.25]}
    trainer.model.layers[1].training = False
    trainer.model.layers[0].weight.data = np.array([[1, 2], [3, 4]], dtype=np.float32)
    state = collect_run(trainer)
    other = make_trainer(momentum=0.9)
    restore_run(other, state)
    check.equal([other.epoch, other.step], [3, 30], given="[epoch, step] of a fresh trainer after restoring a state of epoch 3, step 30")
    check.equal(other.history["train_loss"], [0.5, 0.25], given="history['train_loss']", because="lists come back, ready to be appended to; arrays cannot be")
    check.equal(sorted(other.history), sorted(trainer.history), given="the names in the history")
    check.close(other.model.layers[0].weight.data, [[1, 2], [3, 4]], given="the weight, [[1, 2], [3, 4]] in the state")
    check.equal(other.optimizer.step_count, 30, given="optimizer.step_count, 30 in the state", because="the optimizer has a state of its own")
    modes = [other.model.training, *(layer.training for layer in other.model.layers)]
    check.equal(modes, [True, True, False, True], given="the modes, of which that of the Dropout is False in the state")

    @probe
    def resume(kind_name):
        """Four epochs at once, and two and two with a restart between; do all bits agree?"""
        kind, settings = {"SGD": (SGD, {"momentum": 0.9}), "Adam": (Adam, {})}[kind_name]

        def make():
            np.random.seed(1)
            model = Sequential(Linear(3, 4), Dropout(0.3), Linear(4, 1))
            schedule = CosineSchedule(0.1, 0.0, 4)
            return Trainer(model, kind(model.parameters(), lr=0.1, **settings), MSELoss(), schedule)

        def batches():
            """Twelve samples in an order that is new each time."""
            x = np.arange(36, dtype=np.float32).reshape(12, 3) / 36
            for rows in np.random.permutation(12).reshape(4, 3):
                yield Tensor(x[rows]), Tensor(x[rows].sum(axis=1, keepdims=True))

        whole = make()
        for _ in range(2):
            whole.train_epoch(batches())
        state = collect_run(whole)
        for _ in range(2):
            whole.train_epoch(batches())
        resumed = make()
        held = resumed.model.layers[0].weight.data
        np.random.seed(99)
        restore_run(resumed, state)
        in_place = resumed.model.layers[0].weight.data is held
        for _ in range(2):
            resumed.train_epoch(batches())
        same = [np.array_equal(a.data, b.data) for a, b in zip(whole.model.parameters(), resumed.model.parameters(), strict=True)]
        return {"same bits": all(same), "same history": resumed.history == whole.history, "in place": in_place}

    for kind_name in ("SGD", "Adam"):
        check.equal(resume(kind_name)["same bits"], True, given=f"{kind_name}: parameters after 4 epochs, and after 2 + 2 with a restart, equal to the last bit?", because="the state holds all that the run depends on, dropout and shuffling included")
        check.equal(resume(kind_name)["same history"], True, given=f"{kind_name}: the same history after 4 epochs and after 2 + 2?")
        check.equal(resume(kind_name)["in place"], True, given=f"{kind_name}: do the parameters have the same arrays as before?", because="others hold on to them: write into them")

    @probe
    def damage(name, value_from, delete):
        """Restore a state with one entry changed; has anything in the trainer changed?"""
        np.random.seed(2)
        model = Sequential(Linear(2, 2), Dropout(0.5), Linear(2, 1))
        trainer = Trainer(model, SGD(model.parameters(), lr=0.1, momentum=0.9), MSELoss())
        state = collect_run(trainer)
        for changed in state.values():
            if isinstance(changed, np.ndarray) and changed.dtype == np.float32:
                changed += 1.0
        state["epoch"], state["optimizer.lr"] = 5, 0.7
        if delete:
            del state[name]
        else:
            state[name] = state.get(value_from, value_from)

        def snapshot():
            return [str(value.tolist()) if isinstance(value, np.ndarray) else str(value) for value in collect_run(trainer).values()]

        before, error = snapshot(), "no error"
        try:
            restore_run(trainer, state)
        except ValueError:
            error = "ValueError"
        return {"error": error, "unchanged": snapshot() == before}

    for name, value, delete, what in [
        ("model.1", "model.0", False, "model.1 of another shape"),
        ("model.3", "", True, "the last array of the model missing"),
        ("model.9", "model.0", False, "an array too many"),
        ("optimizer.velocity.3", "model.0", False, "a velocity of another shape"),
        ("optimizer.optimizer", "Adam", False, "the state of another optimizer"),
        ("epoch", -1, False, "epoch -1"),
        ("random.keys", "model.0", False, "a random state that is none"),
        ("step", "", True, "no step"),
    ]:
        check.equal(damage(name, value, delete)["error"], "ValueError", given=f"a state with {what}: the error", because="what does not fit must be refused")
        check.equal(damage(name, value, delete)["unchanged"], True, given=f"a state with {what}: is everything as before?", because="first everything that can fail, then everything that changes")


test_training_restore()

# %% [markdown]
"""
## Use: a complete run, with a power cut

Three arms of a spiral, three classes. No straight line separates them. We train, evaluate, save; then
the "power cut": a new trainer, with other random weights, loads the file and carries on. Both runs
must end in the same place.
"""


# %%
def spiral(samples, seed):
    """Points on three spiral arms and the number of the arm of each."""
    rng = np.random.default_rng(seed)
    radius, arm = rng.uniform(0.1, 1.0, samples), rng.integers(0, 3, samples)
    angle = 4 * radius + arm * (2 * np.pi / 3) + rng.normal(0, 0.08, samples)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), arm


def shuffled_batches(x, y, size):
    """Batches in a new random order. (Module 08 gives you a proper tool for this.)"""
    order = np.random.permutation(len(x))
    for start in range(0, len(x), size):
        rows = order[start : start + size]
        yield Tensor(x[rows]), Tensor(y[rows])


def make_run():
    """A fresh trainer for the spiral."""
    model = Sequential(Linear(2, 64), Tanh(), Dropout(0.1), Linear(64, 3))
    optimizer = Adam(model.parameters())
    schedule = CosineSchedule(max_lr=0.05, min_lr=0.001, total_epochs=30)
    return Trainer(model, optimizer, CrossEntropyLoss(), schedule, grad_clip_norm=1.0)


def train_and_resume():
    """Print the course of a run, and whether an interrupted one ends in the same place."""
    (x, y), (x_test, y_test) = spiral(600, seed=0), spiral(300, seed=1)
    test_batches = [(Tensor(x_test), Tensor(y_test))]
    np.random.seed(0)
    trainer = make_run()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spiral.ckpt"
        for epoch in range(30):
            loss = trainer.train_epoch(shuffled_batches(x, y, 32))
            test_loss, accuracy = trainer.evaluate(test_batches)
            if epoch % 5 == 4:
                rate = trainer.history["learning_rates"][-1]
                print(f"epoch {epoch + 1:2}  lr {rate:.4f}  train loss {loss:.3f}  test loss {test_loss:.3f}  accuracy {accuracy:.1%}")
            if trainer.epoch == 15:
                trainer.save_checkpoint(path)
        resumed = make_run()
        resumed.load_checkpoint(path)
        print(f"power cut; resumed at epoch {resumed.epoch}, step {resumed.step}, file of {path.stat().st_size:,} bytes")
    while resumed.epoch < 30:
        resumed.train_epoch(shuffled_batches(x, y, 32))
        resumed.evaluate(test_batches)
    pairs = zip(trainer.model.parameters(), resumed.model.parameters(), strict=True)
    print("the same parameters, bit for bit:", all(np.array_equal(a.data, b.data) for a, b in pairs))
    print("the same history:", trainer.history == resumed.history)


train_and_resume()

# %% [markdown]
"""
## Reflect: what it does and what it costs

### Experiment 1: a constant rate and a cosine

A noisy problem: 20 weights, 200 samples, small batches. The best weights are known (`np.linalg.lstsq`
finds them), so we can measure how far away the model is after each epoch: with a large constant rate,
a small one, and a cosine between the two.
"""


# %%
class ConstantRate:
    """A schedule that is none."""

    def __init__(self, lr):
        self.lr = lr

    def get_lr(self, epoch):
        return self.lr


def distance_to_truth(schedule, epochs=40, repeats=5):
    """Mean distance between weights and truth after each epoch."""
    rng = np.random.default_rng(0)
    truth, distances = rng.normal(size=(20, 1)), np.zeros(epochs)
    for seed in range(repeats):
        np.random.seed(seed)
        x = np.random.randn(200, 20)
        y = x @ truth + 2.0 * np.random.randn(200, 1)
        best = np.linalg.lstsq(x, y, rcond=None)[0]
        model = Linear(20, 1, bias=False)
        model.weight.data[...] = 0.0
        trainer = Trainer(model, SGD(model.parameters()), MSELoss(), schedule)
        for epoch in range(epochs):
            trainer.train_epoch(shuffled_batches(x, y, 4))
            distances[epoch] += np.linalg.norm(model.weight.data - best) / repeats
    return distances


def compare_schedules():
    """Print the distances, and plot them where matplotlib is there."""
    schedules = {
        "constant 0.03": ConstantRate(0.03),
        "constant 0.0003": ConstantRate(0.0003),
        "cosine 0.03 to 0.0003": CosineSchedule(0.03, 0.0003, 40),
    }
    results = {name: distance_to_truth(schedule) for name, schedule in schedules.items()}
    for name, distances in results.items():
        at = "  ".join(f"{distances[epoch - 1]:6.3f}" for epoch in (1, 5, 20, 30, 40))
        print(f"{name:22} distance after 1, 5, 20, 30, 40 epochs: {at}")
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        return
    for name, distances in results.items():
        plt.semilogy(distances, label=name)
    plt.gca().set(xlabel="epoch", ylabel="distance to the best weights")
    plt.legend()
    plt.show()
    plt.close()


compare_schedules()

# %% [markdown]
"""
The large rate is near the answer after one epoch and never arrives: each noisy batch throws it about
by a step's length. The small rate creeps. The cosine has the speed of the one and ends where
the other would arrive only after many more epochs.

### Experiment 2: one bad batch

A small network is fitted to a sine. In the middle of the run one batch has a typing error in it: a
target of 10,000 instead of 1.
"""


# %%
def run_with_bad_batch(grad_clip_norm, steps=200, bad_at=100):
    """The loss on clean data after each step, and the gradient norm at the bad batch."""
    np.random.seed(0)
    model = Sequential(Linear(1, 32), Tanh(), Linear(32, 1))
    optimizer = SGD(model.parameters(), lr=0.05, momentum=0.9)
    x = np.linspace(-2, 2, 64).reshape(64, 1)
    clean = [(Tensor(x), Tensor(np.sin(2 * x)))]
    losses = []
    for step in range(steps):
        rows = np.random.permutation(64)[:16]
        y = np.sin(2 * x[rows])
        if step == bad_at:
            y[0] = 10_000.0
        train_step(model, optimizer, MSELoss(), [(Tensor(x[rows]), Tensor(y))], grad_clip_norm)
        losses.append(evaluate_model(model, MSELoss(), clean)[0])
    return losses


def compare_clipping():
    """Print the loss around the bad batch."""
    print("loss on clean data after step          99         101         120         200")
    for norm in (None, 1.0):
        losses = run_with_bad_batch(norm)
        at = "  ".join(f"{losses[step - 1]:10.4g}" for step in (99, 101, 120, 200))
        print(f"grad_clip_norm={norm!s:5}               {at}")


compare_clipping()

# %% [markdown]
"""
Without clipping, one number ruins the network, and the velocity goes on pushing in the wrong
direction after the batch is gone. With it, the batch moves the weights by no more than a gradient of
length 1. (`max_norm=1` shortens the ordinary gradients of this run, too; hence its slower start.)

### Experiment 3: memory of a step

The same 256 samples in one batch, and in 4 or 16 that accumulate. `tracemalloc` measures the peak of
what NumPy allocates during a step, beyond parameters and optimizer state (the new gradients count).
"""


# %%
def peak_of_step(pieces):
    """Peak bytes allocated in one accumulated step, its time, and the weights' sum after all."""
    np.random.seed(0)
    model = Sequential(Linear(64, 256), Tanh(), Linear(256, 256), Tanh(), Linear(256, 10))
    optimizer = Adam(model.parameters())
    x, y = np.random.randn(256, 64).astype(np.float32), np.arange(256) % 10
    rows = np.array_split(np.arange(256), pieces)
    batches = [(Tensor(x[r]), Tensor(y[r])) for r in rows]
    times = []
    for _ in range(10):
        start = time.perf_counter()
        train_step(model, optimizer, CrossEntropyLoss(), batches)
        times.append(time.perf_counter() - start)
    tracemalloc.start()
    train_step(model, optimizer, CrossEntropyLoss(), batches)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak, min(times), float(sum(parameter.data.sum() for parameter in model.parameters()))


def measure_memory():
    """Print peak, time and result for three ways to cut the same samples."""
    for pieces in (1, 4, 16):
        peak, seconds, total = peak_of_step(pieces)
        print(f"256 samples in {pieces:2} batches: peak {peak / 1e6:5.2f} MB, {seconds * 1e3:6.2f} ms, sum of weights afterwards {total:.4f}")


measure_memory()

# %% [markdown]
"""
Accumulation leaves the result alone (the sums agree to rounding) and lowers the peak, towards what
the gradients themselves need. It costs time, because small products use the processor less well.

### Systems questions

**1.** A model has 10 million float32 parameters. What does training need with Adam, and with SGD and
momentum, before any intermediate result is stored?

<details><summary>Answer</summary>

Parameters 40 MB, gradients 40 MB, Adam's averages 80 MB: 160 MB, four times the parameters. With one
velocity: 120 MB. Intermediate results come on top and grow with the batch; accumulation shrinks only
those.
</details>

**2.** A run of 100 epochs, 1 GB per checkpoint. Keeping all of them takes 100 GB, keeping one is
dangerous. What would you keep?

<details><summary>Answer</summary>

For example the last three (a crash costs one epoch at most, a checkpoint of a run that has gone wrong
is not the only one), the best by evaluation loss, and one in 25 as a base for experiments: about 7 GB.
Atomic writing is what makes even "the last one" safe to overwrite.
</details>

**3.** A run goes 90 times through 1.2 million images, in batches of 256, at 250 ms per step. How long
does it take?

<details><summary>Answer</summary>

1,200,000 / 256 = 4,688 steps per epoch (rounded up), times 90 = 421,920 steps, times 0.25 s = 105,480 s:
29 hours. Nobody runs that without checkpoints.
</details>
"""

# %% [markdown]
"""
## Common errors

Messages of your own functions appear in your own words; below they stand as a reference might say them.

| what you see | why | what to do |
|---|---|---|
| `ValueError: the dataloader gave no batches (a generator that was walked before?)` | a generator gives its items once, and this is the second epoch | call the function that makes it again for each epoch, or pass a list |
| `FloatingPointError: the gradient norm is nan: ...` | the loss overflowed | a smaller learning rate; look at the batch |
| the loss is `nan`, and no error came | the run does not clip, so nobody looks at the norm | `grad_clip_norm=math.inf` looks, and never shortens |
| evaluation differs from run to run | dropout active while judging | `trainer.evaluate`, or `evaluation_mode` |
| accuracy is implausible for probabilities of shape (N, 1) | (N, 1) compared with (N,) | flat arrays on both sides |
| `CheckpointError: run.ckpt is not a readable checkpoint (BadZipFile: ...` | half a file, or another kind of file | an earlier checkpoint |
| `CheckpointError: run.ckpt is a checkpoint, but not of this run: model.0 has shape (3, 4), expected (2, 4). ...` | the model was built differently | build everything as it was |
| a resumed run differs from the first | random numbers drawn between loading and training, or a generator of your own (`np.random.default_rng`) in the batches | use NumPy's global random numbers, and draw nothing in between |
"""

# %% [markdown]
"""
## In production: the same thing in PyTorch

```
 TinyTorch                                            PyTorch
 optimizer = SGD(model.parameters(), lr=0.1)          optimizer = SGD(model.parameters(), lr=0.1)
 schedule = CosineSchedule(0.1, 0.01, 100)            schedule = CosineAnnealingLR(optimizer, 100, 0.01)
 trainer = Trainer(model, optimizer, loss_fn,
                   schedule, grad_clip_norm=1.0)
 for epoch in range(100):                             for epoch in range(100):
     trainer.train_epoch(batches())                       model.train()
                                                          for x, y in batches():
                                                              optimizer.zero_grad()
                                                              loss_fn(model(x), y).backward()
                                                              clip_grad_norm_(model.parameters(), 1.0)
                                                              optimizer.step()
                                                          schedule.step()
     trainer.evaluate(test_batches)                       model.eval()
                                                          with torch.no_grad(): ...
     trainer.save_checkpoint("run.ckpt")                  torch.save({...}, "run.pt")
```

Side by side: what PyTorch leaves to you line by line, your trainer does in one call. Libraries on top
of PyTorch (Lightning, Hugging Face's Trainer) do the same as yours and add several devices, 16-bit
numbers and callbacks. `torch.save` writes a pickle; since version 2.6 `torch.load` refuses by default
to run what is in it, and for exchange the field has moved to formats without code (safetensors), for
the reason you met in Part 6. PyTorch's clipping divides by norm + 10⁻⁶, so its result is a hair below
`max_norm`; yours is `max_norm` up to rounding.
"""

# %% [markdown]
"""
## The whole module
"""


# %%
def test_module():
    """All tests of the module, then a checkpoint in a real file, whole and cut in half."""
    test_training_schedule()
    test_training_clip()
    test_training_step()
    test_training_correct()
    test_training_evaluation_mode()
    test_training_evaluate()
    test_training_epoch()
    test_training_collect()
    test_training_write()
    test_training_restore()

    @probe
    def half_a_checkpoint():
        """What loading the first half of a file says, and the epoch of the trainer after that."""
        x, y = spiral(60, seed=2)
        trainer, resumed = make_run(), make_run()
        trainer.train_epoch(shuffled_batches(x, y, 32))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "runs" / "spiral"
            trainer.save_checkpoint(path)
            resumed.load_checkpoint(path)
            trainer.train_epoch(shuffled_batches(x, y, 32))
            trainer.save_checkpoint(path)
            whole = path.read_bytes()
            path.write_bytes(whole[: len(whole) // 2])
            try:
                resumed.load_checkpoint(path)
                return "nothing was raised", resumed.epoch
            except CheckpointError as error:
                return "the file is named" if str(path) in str(error) else str(error), resumed.epoch

    check.equal(half_a_checkpoint(), ("the file is named", 1), given="a checkpoint cut in half, after one that was whole",
                because="CheckpointError names the file, and a refused file changes nothing")
    print("Module 07: all tests passed. You can train, stop, and carry on.")


test_module()

# %% [markdown]
"""
## What this unlocks

The Foundation tier is complete. With `Trainer` you can train every network that you can write with
Modules 01 to 04, and the milestones *Perceptron*, *XOR* and *MLP* are open. Module 08 takes over what
`shuffled_batches` did above, for data sets of any size; from Module 09 on, better layers go into the
same loop.

**Further reading:** Loshchilov & Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts* (2017),
for the cosine · Pascanu et al., *On the Difficulty of Training Recurrent Neural Networks* (2013), for
clipping · Goyal et al., *Accurate, Large Minibatch SGD* (2017), for batch size and learning rate.
"""
