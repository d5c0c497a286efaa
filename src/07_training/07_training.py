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
# Module 07: Training

**Foundation** | ●●○○ | 5-7 hours | Prerequisites: 01 Tensor to 06 Optimizers

You have all the parts: tensors, layers, losses, gradients, optimizers. Until now you put them
together by hand, in a loop of a few lines. Real runs last for hours, meet batches that make
gradients explode, have to be judged on data they were not trained on, and get interrupted. Today
you build the machinery for that: small functions, and one class, `Trainer`, that holds a run
together. At the end your network reads handwriting, and you look at the digits it misreads.

## Where this comes from

In the autumn of 2021 Susan Zhang and a small team at Meta trained OPT-175B, a language model with
175 billion parameters, on 992 GPUs. It took about two months, and hardly a day went as planned.
Machines failed, and the run had to be restarted by hand at least 35 times. The loss diverged. The
team went back to an earlier checkpoint, lowered the learning rate and clipped the gradients harder,
with the run under way. They published the logbook. Its lesson is this module: at that size nobody
invents a cleverer gradient; what decides is whether a run can be stopped, judged, and carried on.

## Where this module stands

```
   03 Layers         04 Losses       05 Autograd        06 Optimizers
   modes, walk       loss_fn         backward, no_grad  step, state_dict
        \                 \              /                 /
         v                 v            v                 v
   +------------------------------------------------------------+
   |                       07 Training                          |
   |  schedule · clip · step · evaluate · checkpoint · stop     |
   |                        Trainer                             |
   +------------------------------------------------------------+
         |                                     |
         v                                     v
   milestones: networks that learn       08 DataLoader (feeds it)
```

In words: nothing in this module knows what a network computes. That is why everything from here to
Module 20 can be trained by it unchanged, transformers included.

## What you will be able to do

1. **Derive** a learning rate that falls along a cosine, and **design** one that warms up first.
2. **Clip** gradients by their global norm, and refuse those that have no direction left.
3. **Accumulate** gradients over small batches of any sizes, exactly as if they were one.
4. **Judge** a model without changing it, and tell learning from learning by heart.
5. **Say** what the state of a run is, save it so that no crash can hurt it, and **resume** so that
   not one bit differs from the run that was never interrupted.
6. **Debug** a loop that runs without an error and does not learn.

## What you build

| part | you write | idea |
|---|---|---|
| 1 | `CosineSchedule.get_lr` | long steps first, short steps last |
| 1 | `WarmupSchedule` (open) | and careful ones at the very start |
| 2 | `clip_grad_norm` | one factor for all gradients |
| 3 | `train_step` | many small batches, one large step |
| 4 | `count_correct`, `evaluation_mode`, `evaluate_model` | look without touching |
| 5 | `Trainer.train_epoch` | the loop |
| 6 | `train_by_hand` (bug hunt) | faults and no error message |
| 7 | `collect_run`, `write_archive`, `restore_run` | stop, and carry on bit for bit |
| 8 | `train_with_patience` | stop when it no longer helps |

## What you do not build yet

Cutting a data set into shuffled batches is Module 08; a helper of five lines stands in for it. Not
part of the course: several machines, 16-bit training, and the dozens of other schedules.
"""

# %% [markdown]
"""
## Setup

Five short cells: the name of this module's file in your framework, what that file needs, what the
tests and experiments below need, where the data of the course lies (two folders up, if this
notebook is in its usual place), and the data itself.
"""

# %%
#| default_exp core.training

# %%
#| export
"""Training: schedules, clipping, steps, evaluation, the trainer, and runs that can be resumed."""

import itertools
import json
import math
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
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

from tinytorch.core.activations import ReLU, Softmax, Tanh
from tinytorch.core.layers import Dropout, Layer, Linear, Sequential
from tinytorch.core.losses import CrossEntropyLoss, MSELoss
from tinytorch.core.optimizers import SGD, Adam
from tito.checks import check, probe

# %%
import sys

places = [Path.cwd(), *Path.cwd().parents]
sys.path += [str(place) for place in places if (place / "datasets" / "tinydigits").is_dir()]

# %%
from datasets.tinydigits import load_tinydigits

images, labels, test_images, test_labels = load_tinydigits()
rows = images.reshape(-1, 64)  # 1,000 digits; the first 800 to learn from, 200 to judge by
judged = [(Tensor(rows[800:]), Tensor(labels[800:]))]


def shuffled_batches(x, y, size):
    """Batches in a new random order. (Module 08 gives you a proper tool for this.)"""
    order = np.random.permutation(len(x))
    for start in range(0, len(x), size):
        chosen = order[start : start + size]
        yield Tensor(x[chosen]), Tensor(y[chosen])

# %% [markdown]
r"""
# Build

## Part 1: A learning rate that changes

Far from the minimum, long steps save time. Near it, long steps jump over it, again and again. A
fixed learning rate is a compromise between the two; a *schedule* avoids it.

An **epoch** is one pass over all the data; a **step** is one update of the parameters. Ten thousand
samples in batches of 32 make 313 steps per epoch. Schedules here count epochs, from 0: a run of $T$
epochs uses $t = 0, \dots, T - 1$.

*Cosine annealing* starts at `max_lr`, falls slowly at first, fastest in the middle, and arrives
gently at `min_lr` at $t = T$. (So the last epoch of the run, $T - 1$, still runs a little above
`min_lr`.) Its curve is half a wave of a cosine, from the top of the wave to the bottom, moved and
stretched to fit. The wave itself is where the trap lies.

**What will this print?** The cosine at the start, half-way, at the end, and in runs prolonged by 25
and by 100 epochs:
"""

# %%
T = 100
for t in (0, 50, 100, 125, 200):
    print(f"epoch {t:>3}: cos(pi t / T) = {math.cos(math.pi * t / T):+.2f}")

# %% [markdown]
r"""
From +1 to −1, as wanted; then it climbs back. A run that is prolonged speeds up again; prolonged to
twice its length, it ends at its largest learning rate and throws away what it had learned.

Derive the formula: which sum and which factor turn +1 … −1 into `max_lr` … `min_lr`? Check it with
three epochs in your head: the start, the middle, the end.
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

        At 0 it is max_lr, at total_epochs min_lr, and it stays min_lr from there on. In between it
        follows half a wave of a cosine.

        Raises:
            ValueError: the epoch is negative. The message contains it.

        Example:
            CosineSchedule(0.1, 0.01, 100).get_lr(50) is 0.055, half-way between the two
        """
        ### BEGIN SOLUTION
        if epoch < 0:
            raise ValueError(f"epochs count from 0, got {epoch}")
        if epoch >= self.total_epochs:
            return self.min_lr
        share = (1 + math.cos(math.pi * epoch / self.total_epochs)) / 2
        return self.min_lr + (self.max_lr - self.min_lr) * share
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* start, middle and end, two other schedules, the time after the end, and a
negative epoch.
"""

# %% nbgrader={"grade": true, "grade_id": "test_training_schedule", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def test_training_schedule():
    """The rate follows half a cosine, then stays at its minimum."""
    schedule = CosineSchedule(max_lr=0.1, min_lr=0.01, total_epochs=100)
    check.close(
        schedule.get_lr(0),
        0.1,
        given="CosineSchedule(0.1, 0.01, 100).get_lr(0)",
        because="cos(0) = 1: the first epoch runs at max_lr",
    )
    check.close(
        schedule.get_lr(50),
        0.055,
        given="CosineSchedule(0.1, 0.01, 100).get_lr(50)",
        because="cos(π/2) = 0: half-way between max_lr and min_lr",
    )
    check.close(
        schedule.get_lr(25),
        0.01 + 0.09 * (1 + np.sqrt(0.5)) / 2,
        given="CosineSchedule(0.1, 0.01, 100).get_lr(25)",
        because="cos(π/4) = 0.707: the fall begins slowly, above a straight line",
    )
    check.close(
        schedule.get_lr(100),
        0.01,
        given="CosineSchedule(0.1, 0.01, 100).get_lr(100)",
        because="cos(π) = -1: min_lr is reached",
    )
    check.close(
        schedule.get_lr(150),
        0.01,
        given="CosineSchedule(0.1, 0.01, 100).get_lr(150)",
        because="after the last epoch the rate stays at min_lr; the cosine would rise again",
    )
    other = CosineSchedule(max_lr=2.0, min_lr=0.0, total_epochs=7)
    expected = [1 + np.cos(np.pi * epoch / 7) for epoch in range(8)] + [0.0, 0.0]
    check.close(
        [other.get_lr(epoch) for epoch in range(10)],
        expected,
        given="CosineSchedule(2.0, 0.0, 7), epochs 0 to 9",
    )
    check.close(
        [CosineSchedule(0.5, 0.5, 3).get_lr(epoch) for epoch in range(4)],
        [0.5] * 4,
        given="max_lr = min_lr = 0.5",
    )
    check.raises(
        ValueError,
        lambda: schedule.get_lr(-1),
        given="CosineSchedule(0.1, 0.01, 100).get_lr(-1)",
        mentions=["-1"],
        because="there is no epoch before the first: whoever asks for one has miscounted",
    )


test_training_schedule()

# %% [markdown]
r"""
### A schedule of your own (open)

The first steps of a run are dangerous too. The weights are random, the first gradients are large,
and an optimizer like Adam has seen too few of them to know their size. In 2017 Priya Goyal's team
trained a network on ImageNet in one hour; a small learning rate that grows over the first five
epochs, a **warm-up**, was what made their large batches work. Most large models are trained that
way today.

This exercise is *open*: the docstring says what must hold; which curves you choose is up to you.
"""

# %% nbgrader={"grade": false, "grade_id": "training_warmup", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "open"}
#| export
class WarmupSchedule:
    """A learning rate that rises to max_lr during the first epochs, and then falls to min_lr.

    * From epoch 0 to epoch warmup_epochs it rises with every epoch. It is above 0 from the start,
      and max_lr at warmup_epochs, not before. With warmup_epochs = 0 it starts at max_lr.
    * From there to total_epochs it falls with every epoch (as long as min_lr is below max_lr), and
      is min_lr at total_epochs, not before. It stays min_lr from there on.

    Its four settings are attributes of the same names, plain numbers, so that a checkpoint can
    tell one schedule from another.
    """

    def __init__(self, max_lr: float, min_lr: float, warmup_epochs: int, total_epochs: int):
        """ValueError unless warmup_epochs is a whole number from 0 and below total_epochs.

        The message contains both names, "warmup_epochs" and "total_epochs". Nothing else about the
        settings needs to be checked.
        """
        ### BEGIN SOLUTION
        if int(warmup_epochs) != warmup_epochs or not 0 <= warmup_epochs < total_epochs:
            raise ValueError(
                "warmup_epochs must be a whole number from 0 and below total_epochs, "
                f"got {warmup_epochs} and {total_epochs}"
            )
        self.max_lr, self.min_lr = max_lr, min_lr
        self.warmup_epochs, self.total_epochs = warmup_epochs, total_epochs
        self.fall = CosineSchedule(max_lr, min_lr, total_epochs - warmup_epochs)
        ### END SOLUTION

    def get_lr(self, epoch: int) -> float:
        """The learning rate of an epoch; ValueError for a negative one (the message contains it).

        Example:
            WarmupSchedule(0.1, 0.01, 5, 100).get_lr(5) is 0.1
        """
        ### BEGIN SOLUTION
        if epoch < 0:
            raise ValueError(f"epochs count from 0, got {epoch}")
        if epoch < self.warmup_epochs:
            return self.max_lr * (epoch + 1) / (self.warmup_epochs + 1)
        return self.fall.get_lr(epoch - self.warmup_epochs)
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* that it rises, peaks where it must, falls, and stays down, for several settings;
the attributes and the errors. Not checked: which curve you chose.
"""

# %% nbgrader={"grade": true, "grade_id": "test_training_warmup", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_training_warmup():
    """It rises to its peak, falls and stays down, can be described, and refuses nonsense."""
    for settings in ((0.1, 0.01, 5, 100), (2.0, 0.0, 1, 4), (0.3, 0.1, 0, 6), (1.0, 0.5, 3, 4)):
        high, low, warmup, total = settings
        schedule = WarmupSchedule(*settings)
        name = f"WarmupSchedule{settings}"
        rates = [float(schedule.get_lr(epoch)) for epoch in range(total + 20)]
        rise, fall = rates[: warmup + 1], rates[warmup : total + 1]
        last = ", ".join(f"{rate:.4g}" for rate in fall[-4:])
        check.close(rates[warmup], high, given=f"{name}.get_lr({warmup})",
                    because="when the warm-up is over, the rate is max_lr")
        check.close(rates[total:], [low] * 20, given=f"{name}, epochs {total} to {total + 19}",
                    because="it is min_lr at total_epochs, and stays there")
        check.true(all(a < b for a, b in itertools.pairwise(rise)),
                   given=f"{name}: does every epoch of the warm-up have a larger rate, {rise}",
                   because="a warm-up rises")
        check.true(rates[0] > 0, given=f"{name}.get_lr(0) = {rates[0]}: is it above 0",
                   because="an epoch at rate 0 learns nothing")
        check.true(all(a > b for a, b in itertools.pairwise(fall)),
                   given=f"{name}: does it fall with every epoch from {warmup} to {total}? "
                         f"Its last rates there are {last}",
                   because=f"the whole time from {warmup} to {total} is for the fall: min_lr "
                           f"comes at epoch {total} and not before")
    level = WarmupSchedule(0.5, 0.5, 2, 6)
    check.close([level.get_lr(epoch) for epoch in range(2, 9)], [0.5] * 7,
                given="WarmupSchedule(0.5, 0.5, 2, 6), epochs 2 to 8",
                because="with min_lr = max_lr there is nothing to fall to")
    kept = WarmupSchedule(0.1, 0.01, 5, 100)
    check.equal([kept.max_lr, kept.min_lr, kept.warmup_epochs, kept.total_epochs],
                [0.1, 0.01, 5, 100],
                given="the attributes max_lr, min_lr, warmup_epochs and total_epochs",
                because="a checkpoint tells two schedules apart by their plain attributes")
    for warmup, total in ((-1, 10), (10, 10), (12, 10), (2.5, 10)):
        check.raises(ValueError,
                     lambda warmup=warmup, total=total: WarmupSchedule(0.1, 0.0, warmup, total),
                     given=f"WarmupSchedule(0.1, 0.0, {warmup}, {total})",
                     mentions=["warmup_epochs", "total_epochs"],
                     because="a warm-up takes a whole number of epochs, from 0, and after it "
                             "there must be time to fall")
    check.raises(ValueError, lambda: kept.get_lr(-1), mentions=["-1"],
                 given="WarmupSchedule(0.1, 0.01, 5, 100).get_lr(-1)",
                 because="there is no epoch before the first: whoever asks for one has miscounted")


test_training_warmup()

# %% [markdown]
"""
**What will you see?** Draw your two schedules and a constant rate before you run the cell.
"""

# %%
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    epochs = range(130)
    for name, schedule in [("CosineSchedule(0.1, 0.01, 100)", CosineSchedule(0.1, 0.01, 100)),
                           ("yours, 10 warm-up epochs", WarmupSchedule(0.1, 0.01, 10, 100))]:
        axes.plot(epochs, [schedule.get_lr(epoch) for epoch in epochs], label=name)
    axes.axhline(0.055, color="grey", linestyle=":", label="a constant compromise")
    axes.set(xlabel="epoch", ylabel="learning rate", ylim=0,
             title="Both end low and stay there; only one starts low")
    axes.legend()
    plt.show()
except ImportError:
    print("Without matplotlib you miss the two curves: one hill with a steep side, one slope.")

# %% [markdown]
r"""
## Part 2: Gradients in bounds

Now and then a batch produces a gradient a thousand times longer than usual. One step along it can
throw away hours of training. *Clipping* shortens such a gradient and keeps its direction.

The length that counts is the **global norm**, over all parameters together:

$$\lVert g \rVert = \sqrt{\sum_{\text{parameters}} \sum_i g_i^2}$$

If it exceeds `max_norm`, every gradient is multiplied by the same factor, so that the norm becomes
`max_norm`. Take gradients of 100, 200 and 50 in three parameters: the norm is 229, and with
`max_norm=1` they become 0.44, 0.87 and 0.22. The second is still twice the first. Cutting each
number to 1 would have made all three equal, which is another direction. In two dimensions:
"""

# %%
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained")
    gradient = np.array([6.0, 1.5])
    for name, arrow, colour in [
        ("the gradient", gradient, "tab:grey"),
        ("each number cut to 2", np.clip(gradient, -2, 2), "tab:red"),
        ("one factor for all, norm 2", gradient * 2 / np.linalg.norm(gradient), "tab:blue"),
    ]:
        axes.annotate("", arrow, (0, 0), arrowprops={"arrowstyle": "->", "color": colour, "lw": 2})
        axes.plot(*arrow, "o", color=colour, label=name)
    axes.set(xlim=(0, 6.5), ylim=(0, 2), xlabel="first number", ylabel="second number",
             title="A factor keeps the direction, a cut of each number turns it", aspect="equal")
    axes.legend(loc="lower right", fontsize="small")
    plt.show()
except ImportError:
    print("Without matplotlib you miss three arrows, of which two have the same direction.")

# %% [markdown]
"""
Clipping has to work on the day when the numbers are at their worst.

**What will this print?** The norm of the gradients [3e30, 4e30] computed in float32, and what the
usual factor makes of them. Then the same for a gradient with a single `nan` in it.
"""

# %%
with np.errstate(all="ignore"):
    for gradient in (np.float32([3e30, 4e30]), np.float32([np.nan, 1, 2])):
        norm = np.sqrt((gradient * gradient).sum())
        print(f"gradient {gradient}: norm {norm}, clipped to 1: {gradient * (1 / norm)}")

# %% [markdown]
"""
In float32 the square of anything above 1.8e19 is infinite: a perfectly good direction became 0, and
the run would stall without a word. `sum_of_squares`, given, adds in float64. The second case has no
remedy. One `nan` makes the norm `nan`, and as a factor it would spoil *every* parameter at the next
step. So `clip_grad_norm` raises an error, while the parameters are still good.
(`max_norm=math.inf` looks and never shortens anything.)
"""

# %%
#| export
def sum_of_squares(array: np.ndarray) -> float:
    """The sum of all squared elements, in float64, where float32 squares do not overflow."""
    wide = array.astype(np.float64).ravel()
    return float(wide @ wide)


# %% nbgrader={"grade": false, "grade_id": "training_clip", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def clip_grad_norm(parameters: Iterable[Tensor], max_norm: float = 1.0) -> float:
    """Scale all gradients by one factor so that their global norm is at most max_norm.

    Args:
        parameters: any iterable of tensors, a generator too. Those whose `grad` is None do not
            count. A `grad` is a Tensor, or an array that somebody assigned: np.asarray(p.grad)
            reads both.
        max_norm: above 0; math.inf measures without clipping.

    Returns:
        The norm *before* clipping, as a float; 0.0 without any gradient.

    A norm above max_norm: every `grad` becomes a *new* Tensor, and the norm is then max_norm, up
    to rounding. The old arrays keep their values; others may share them. Any other norm: the
    gradients stay the very objects they were.

    Raises:
        ValueError: max_norm is not above 0 (nan is not). The message contains "max_norm".
        FloatingPointError: the norm is nan or inf. The message contains it; no gradient changed.

    Example:
        gradients [3, 0] and [4], max_norm 1: returns 5.0, the gradients become [0.6, 0] and [0.8]
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

# %% [markdown]
"""
*What is checked:* the norm that comes back, one factor for all, short, missing and huge gradients,
those without a direction, and what happens to the old arrays.
"""

# %% nbgrader={"grade": true, "grade_id": "test_training_clip", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
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

    @probe
    def kinds_after_clipping():
        """The types of the gradients [2, 1] and [2], clipped to 1."""
        parameters = [Tensor(np.zeros(size), requires_grad=True) for size in (2, 1)]
        for parameter, gradient in zip(parameters, ([2.0, 1.0], [2.0]), strict=True):
            parameter.grad = Tensor(gradient)
        clip_grad_norm(parameters, 1.0)
        return [type(parameter.grad).__name__ for parameter in parameters]

    def verdict(gradients):
        """Whether gradients are accepted, clipped to 1."""
        try:
            clip_grad_norm([with_gradient(gradient) for gradient in gradients], 1.0)
        except FloatingPointError:
            return "refused with a FloatingPointError"
        return "accepted"

    check.close(
        norm_of([[2.0, 1.0], [2.0]], 1.0),
        3.0,
        given="gradients [2, 1] and [2], max_norm 1: the norm that comes back",
        because="√(4 + 1 + 4) = 3, over all parameters together, before clipping",
    )
    check.equal(
        kinds_after_clipping(),
        ["Tensor", "Tensor"],
        given="gradients [2, 1] and [2], clipped to 1: the type of each `grad`",
        because="a scaled `grad` is a new Tensor; what is computed from np.asarray(…) is an array",
    )
    check.close(
        clipped([[2.0, 1.0], [2.0]], 1.0)[0],
        [2 / 3, 1 / 3],
        given="gradients [2, 1] and [2], clipped to 1: the first",
        because="all are divided by 3",
    )
    check.close(
        clipped([[2.0, 1.0], [2.0]], 1.0)[1],
        [2 / 3],
        given="gradients [2, 1] and [2], clipped to 1: the second",
        because="the same factor for all",
    )
    check.close(
        norm_of([[3.0, 0.0], [4.0]], 10.0),
        5.0,
        given="gradients [3, 0] and [4], max_norm 10: the norm that comes back",
    )
    check.close(
        np.concatenate(clipped([[3.0, 0.0], [4.0]], 10.0)),
        [3.0, 0.0, 4.0],
        given="gradients [3, 0] and [4] of norm 5, max_norm 10",
        because="short gradients are left alone, never stretched",
    )
    check.close(
        norm_of([None, [6.0], None, [-8.0]], 5.0),
        10.0,
        given="gradients None, [6], None, [-8]: the norm",
        because="parameters without a gradient are skipped",
    )
    check.close(
        np.concatenate(clipped([None, [6.0], None, [-8.0]], 5.0)[1::2]),
        [3.0, -4.0],
        given="gradients None, [6], None, [-8], max_norm 5: the two that exist",
    )
    check.equal(
        clipped([None, [6.0], None, [-8.0]], 5.0)[::2],
        [None, None],
        given="gradients None, [6], None, [-8], max_norm 5: the two others",
    )
    check.equal(norm_of([None], 1.0), 0.0, given="no gradient at all: the norm")
    check.equal(
        verdict([[3e30], [4e30]]),
        "accepted",
        given="gradients of 3e30 and 4e30",
        because="the norm is 5e30, a finite number; only their squares overflow, in float32",
    )
    check.close(
        norm_of([[3e30], [4e30]], 1.0) / 1e30,
        5.0,
        given="gradients of 3e30 and 4e30: the norm / 1e30",
        because="their squares overflow in float32, not in float64",
    )
    check.close(
        np.concatenate(clipped([[3e30], [4e30]], 1.0)),
        [0.6, 0.8],
        given="gradients of 3e30 and 4e30, clipped to 1",
    )
    check.close(
        np.concatenate(clipped([[6e-7], [8e-7]], 5e-7)) / 1e-7,
        [3.0, 4.0],
        given="gradients of 6e-7 and 8e-7, clipped to 5e-7: the two / 1e-7",
        because="the norm is 1e-6, and the factor max_norm / norm is 1/2, for small norms, too",
    )
    check.equal(
        clipped([[3.0], [4.0]], 1.0)[0].dtype, np.float32, given="the dtype of a clipped gradient"
    )
    for bad in (0.0, -1.0, float("nan")):
        check.raises(
            ValueError,
            lambda bad=bad: norm_of([[1.0]], bad),
            given=f"max_norm {bad}",
            mentions=["max_norm"],
            because="only a norm above 0 can be reached, and every comparison with nan is False: "
            "`not max_norm > 0` refuses nan as well",
        )
    for bad in (float("nan"), float("inf")):
        first, second = with_gradient([bad, 1.0]), with_gradient([4.0])
        for max_norm in (1.0, float("inf")):
            check.raises(
                FloatingPointError,
                lambda: clip_grad_norm([first, second], max_norm),
                given=f"gradients [{bad}, 1] and [4], max_norm {max_norm}",
                mentions=[str(bad)],
                because="there is no direction left to keep",
            )
        check.close(
            second.grad,
            [4.0],
            given=f"the gradient [4] beside [{bad}, 1], after that",
            because="a refused clipping changes nothing",
        )

    @probe
    def beside_the_clipping(max_norm, assign_arrays, generator):
        """What came back, the gradients [3, 0] and [4] afterwards, and the old ones."""
        arrays = [np.array([3, 0], dtype=np.float32), np.array([4], dtype=np.float32)]
        parameters = [Tensor(np.zeros(len(array)), requires_grad=True) for array in arrays]
        for parameter, array in zip(parameters, arrays, strict=True):
            parameter.grad = array if assign_arrays else Tensor(array)
        old = [parameter.grad for parameter in parameters]
        norm = clip_grad_norm((p for p in parameters) if generator else parameters, max_norm)
        return {
            "after": np.concatenate([np.asarray(parameter.grad) for parameter in parameters]),
            "old": np.concatenate([np.asarray(gradient) for gradient in old]),
            "same objects": all(
                p.grad is gradient for p, gradient in zip(parameters, old, strict=True)
            ),
            "type": type(norm).__name__,
        }

    check.close(
        beside_the_clipping(2.5, True, False)["after"],
        [1.5, 0.0, 2.0],
        given="gradients [3, 0] and [4] that are arrays, not tensors, max_norm 2.5",
    )
    check.close(
        beside_the_clipping(2.5, False, False)["old"],
        [3.0, 0.0, 4.0],
        given="the arrays that were the gradients, afterwards",
        because="others may share them: assign a new Tensor",
    )
    check.close(
        beside_the_clipping(2.5, False, True)["after"],
        [1.5, 0.0, 2.0],
        given="a generator of parameters with gradients [3, 0] and [4], max_norm 2.5",
        because="it gives each parameter once: keep them in a list",
    )
    check.equal(
        beside_the_clipping(5.0, False, False)["same objects"],
        True,
        given="gradients of norm 5, max_norm 5: are they the same objects as before?",
        because="a norm of at most max_norm needs no clipping: nothing is touched",
    )
    check.equal(
        beside_the_clipping(5.0, False, False)["type"],
        "float",
        given="the type of the norm",
        because="a float of Python is promised; float(…) makes one of a NumPy number",
    )


test_training_clip()

# %% [markdown]
r"""
## Part 3: One training step

A step is: forward, loss, backward, update. What if the batch you want does not fit into memory?
Most of a step's memory holds intermediate results between forward and backward. It grows with the
batch, and `backward()` lets go of it when it is done. Gradients do not grow. So cut the batch into
pieces and let the gradients **accumulate**: `backward()` adds to what is there.

**What will this print?** Three samples, $y = 2x$, a model $y = wx$ with $w = 1$: the gradient of
one batch of three; and the sum of the gradients of a batch of two and a batch of one.
"""

# %%
def gradient_of(batches):
    """The gradient of w in y = w * x, w = 1, added up over batches of x, for targets 2 * x."""
    w = Tensor([[1.0]], requires_grad=True)
    for batch in batches:
        x = Tensor(np.reshape(batch, (-1, 1)))
        MSELoss()(x @ w, x * 2.0).backward()
    return w.grad.item()


print("one batch of three      :", round(gradient_of([[1, 2, 3]]), 3))
print("a batch of 2, then of 1 :", round(gradient_of([[1, 2], [3]]), 3))
print("half of that            :", round(gradient_of([[1, 2], [3]]) / 2, 3))

# %% [markdown]
"""
The sum is far too long, and its half (the mean of the two) is still another gradient. Our losses
are *means*, and the mean of two means is not the mean of everything when one of them stands for two
samples and the other for one. Find the weights that each batch's loss must have, so that the sum is
what one large batch would have given, whatever the sizes. A batch of 32, another of 32 and a last
one of 8, in one update:

```
 batch 1 (32)  forward · loss · ? · backward --+
 batch 2 (32)  forward · loss · ? · backward --+--> sum = gradient of 72
 batch 3 ( 8)  forward · loss · ? · backward --+    --> one update
```

In words: three backward passes, one update. The size of a batch is the number of elements that its
loss averages over: `y.size`, which is N for class labels of shape (N,), and N · T where there is a
label at each of T positions. (With dropout the result still differs from one large batch: its masks
are drawn batch by batch.)

Models and losses come in several kinds: a `Layer`, an object with a `forward` method, a plain
function. `apply`, given, calls any of them.
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

    Gradients left over from before do not count. Only one batch's intermediate results are alive at
    a time. Model and loss may be of any kind that `apply` calls.

    Args:
        batches: a list of at least one (x, y) pair of tensors, of any sizes.
        grad_clip_norm: the norm to which the gradients of all batches together are clipped; None
            does not clip (0 is refused, by `clip_grad_norm`). What is clipped are the gradients of
            the optimizer's parameters, the list `optimizer.params`.

    Returns:
        (loss, size): the mean loss over all batches, before the update, a float; and the number of
        target elements it is the mean of, the sum of y.size, an int.

    Example:
        y = w * x with w = 1, batches ([1, 2], [2, 4]) and ([3], [6]), mean squared error:
        the errors are 1, 2 and 3, and the result is (14 / 3, 3)
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

# %% [markdown]
"""
*What is checked:* the update, the loss and the size for one batch and for uneven ones, old
gradients, clipping, labels at positions, every kind of model, and when `backward()` runs.
"""

# %% nbgrader={"grade": true, "grade_id": "test_training_step", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
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
    check.close(
        train_step(model, optimizer, loss_fn, one)[0],
        2.5,
        given="y = w·x with w = 1, x [1, 2], y [2, 4], lr 0.1: the loss",
        because="errors of 1 and 2: (1 + 4) / 2, before the update",
    )
    check.close(
        model.weight.data,
        [[1.5]],
        given="the weight after that step",
        because="the gradient of the mean squared error is -5: w = 1 + 0.1 · 5",
    )
    check.equal(train_step(*line(lr=0.1), loss_fn, one)[1], 2, given="two targets: the size")

    model, optimizer = line(lr=0.03)
    loss = train_step(model, optimizer, loss_fn, uneven)[0]
    check.equal(
        optimizer.step_count,
        1,
        given="batches of 2 and 1: calls of optimizer.step()",
        because="two batches, one update",
    )
    check.close(
        model.weight.data,
        [[1.28]],
        given="batches of 2 and 1 with errors 1, 2 | 3, lr 0.03: the weight",
        because="the gradient of the batch of 3 is -28/3; the batches weigh 2/3 and 1/3",
    )
    check.close(
        loss,
        14 / 3,
        given="batches of 2 and 1 with errors 1, 2 | 3: the loss",
        because="(1 + 4 + 9) / 3: the mean over all samples, not over batches",
    )
    check.equal(
        train_step(*line(lr=0.03), loss_fn, uneven)[1], 3, given="batches of 2 and 1: the size"
    )

    model, optimizer = line(lr=0.1)
    model.weight.grad = Tensor([[100.0]])
    train_step(model, optimizer, loss_fn, one)
    check.close(
        model.weight.data,
        [[1.5]],
        given="the first example, with a gradient of 100 left over from before",
        because="old gradients must not count",
    )

    model, optimizer = line(lr=0.1)
    train_step(model, optimizer, loss_fn, one, grad_clip_norm=2.0)
    check.close(
        model.weight.data,
        [[1.2]],
        given="a gradient of -5, grad_clip_norm 2, lr 0.1",
        because="the gradient becomes -2: w = 1 + 0.1 · 2",
    )
    model, optimizer = line(lr=0.1)
    train_step(model, optimizer, loss_fn, [pair([1], [11]), pair([1], [-8])], grad_clip_norm=5.0)
    check.close(
        model.weight.data,
        [[1.1]],
        given="two batches that pull with -10 and +9, grad_clip_norm 5, lr 0.1",
        because=(
            "together they pull with -1, which needs no clipping: clip the accumulated gradient, "
            "once"
        ),
    )

    check.raises(
        ValueError,
        lambda: train_step(*line(lr=0.1), loss_fn, one, grad_clip_norm=0),
        given="grad_clip_norm=0",
        mentions=["max_norm"],
        because="only None means no clipping: compare with None, since 0 is false as well",
    )

    words = Linear(2, 3)
    tokens = [
        (Tensor(np.ones((2, 3, 2))), Tensor(np.zeros((2, 3)))),
        (Tensor(np.ones((1, 1, 2))), Tensor([[2.0]])),
    ]
    words.weight.data = np.zeros((2, 3), dtype=np.float32)
    check.equal(
        train_step(words, SGD(words.parameters(), lr=1.0), CrossEntropyLoss(), tokens)[1],
        7,
        given="targets of shapes (2, 3) and (1, 1): the size",
        because="a label for each position: 6 + 1. y.size counts every label, len(y) only the rows",
    )
    check.close(
        words.bias.data,
        [6 / 7 - 1 / 3, -1 / 3, 1 / 7 - 1 / 3],
        given="zero weights, six labels 0 and one label 2, lr 1: the bias",
        because="each of the seven labels has the same weight: the batches' shares are 6/7 and "
        "1/7, by y.size and not by len(y)",
    )

    @probe
    def weight_after_step(kind, grad_clip_norm=None):
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
            model, loss_fn = (
                (lambda x: x @ weight),
                (lambda outputs, y: ((outputs - y) * (outputs - y)).mean()),
            )
        batch = (Tensor([[1.0], [2.0]]), Tensor([[2.0], [4.0]]))
        result = train_step(model, SGD([weight], lr=0.1), loss_fn, [batch], grad_clip_norm)
        return weight.data, [type(value).__name__ for value in result]

    for kind in ("objects that only have a forward", "plain functions"):
        check.close(
            weight_after_step(kind)[0],
            [[1.5]],
            given=f"the first example; model and loss are {kind}",
            because="`apply` calls all of them",
        )
        check.close(
            weight_after_step(kind, 2.0)[0],
            [[1.2]],
            given=f"a gradient of -5, grad_clip_norm 2, lr 0.1; model and loss are {kind}",
            because="not every model has `parameters()`; the optimizer always has `params`, those "
            "it moves",
        )
    check.equal(
        weight_after_step("plain functions")[1],
        ["float", "int"],
        given="the types of (loss, size)",
        because=(
            "a float and an int of Python are promised: .item() gives one, .data gives an array"
        ),
    )

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

    check.equal(
        order_of_events(),
        [False, True, True],
        given="three batches: is there a gradient at each forward pass?",
        because="backward() runs before the next forward pass, so that only one graph is alive",
    )


test_training_step()

# %% [markdown]
"""
## Part 4: Judging a model

### How many are right?

The loss is what training lowers; accuracy is what people ask for. What counts as an answer depends
on the shape of the outputs:

| outputs | targets | the answer is |
|---|---|---|
| (N, C) with C ≥ 2 | classes (N,) | the class with the largest output |
| (N, T, C) with C ≥ 2 | classes (N, T) | the same, at each position |
| (N, C) | (N, C), one-hot | the same, and the target's class is its largest entry |
| (N, 1) or (N,) | 0 or 1, shape (N,) or (N, 1) | 1 if the probability is above 0.5 |

(For a regression none of these fits, and the accuracy means nothing: look at the loss alone.)

**What will this print?** Four probabilities, of which one is on the wrong side.
"""

# %%
probabilities = np.array([[0.9], [0.2], [0.7], [0.1]])
targets = np.array([1, 0, 1, 1])
right = (probabilities > 0.5) == targets
print("right answers:", right.sum(), "accuracy:", right.mean())

# %% [markdown]
"""
More right answers than answers, and an accuracy that looks like one. (4, 1) compared with (4,) is
broadcast to (4, 4). Nothing fails; the number is simply wrong. What has to be true of the two
arrays before you compare them?
"""

# %% nbgrader={"grade": false, "grade_id": "training_correct", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def count_correct(outputs: np.ndarray, targets: np.ndarray) -> tuple[int, int]:
    """How many answers are right, and how many there are: two ints.

    Outputs of shape (N,), or with a last dimension of 1, hold one probability per answer: the
    answer is 1 where it is above 0.5 (strictly), else 0.

    Otherwise the last dimension holds the scores of the classes, and the answer is the index of the
    largest. Targets of the *same shape* as the outputs are one-hot: their class is the index of
    their largest entry. Other targets are the classes themselves.

    Shapes beyond that do not matter: classes of N answers may have shape (N,) or (N, 1).

    Raises:
        ValueError: more answers than targets to compare them with, or fewer. The message contains
            both shapes as they came.

    Example:
        outputs [[2, 1], [0, 3]], targets [0, 0]: (1, 2)
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

# %% [markdown]
"""
*What is checked:* each line of the table, columns against flat arrays, and numbers of answers that
do not match.
"""

# %% nbgrader={"grade": true, "grade_id": "test_training_correct", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_training_correct():
    """Largest score, threshold, and one answer per target whatever the shapes."""

    def arrays(*values):
        return [np.array(value, dtype=np.float32) for value in values]

    def count(outputs, targets):
        """(right answers, answers), or the word "refused" after a ValueError."""
        try:
            return count_correct(*arrays(outputs, targets))
        except ValueError:
            return "refused with a ValueError"

    check.equal(
        count([[2, 1, 0], [6, 3, 1], [0, 4, 5]], [0, 0, 1]),
        (2, 3),
        given="scores [[2, 1, 0], [6, 3, 1], [0, 4, 5]], classes [0, 0, 1]",
        because="one answer for each row, the index of its largest score: 0, 0, 2",
    )
    check.equal(
        count([[2, 1], [0, 3], [5, 4]], [0, 0, 0]),
        (2, 3),
        given="scores [[2, 1], [0, 3], [5, 4]], classes [0, 0, 0]",
        because="the largest scores are at 0, 1, 0",
    )
    check.equal(
        count([[0.9], [0.2], [0.7], [0.1]], [1, 0, 1, 1]),
        (3, 4),
        given="probabilities of shape (4, 1), targets (4,)",
        because="four answers for four targets: only the numbers have to agree, not the shapes "
        "(compared as they are, (4, 1) and (4,) make sixteen)",
    )
    check.equal(
        count([0.9, 0.2, 0.7, 0.1], [1, 0, 0, 0]),
        (3, 4),
        given="probabilities of shape (4,), targets (4,)",
        because="outputs of one dimension hold one probability per answer: four answers",
    )
    check.equal(
        count([0.9, 0.2, 0.7, 0.1], [[1], [0], [0], [0]]),
        (3, 4),
        given="probabilities of shape (4,), targets (4, 1)",
        because="four answers for four targets",
    )
    check.equal(
        count([0.5, 0.51], [0, 1]),
        (2, 2),
        given="probabilities 0.5 and 0.51, targets 0 and 1",
        because="above 0.5 means 1; 0.5 itself is not above it",
    )
    check.equal(
        count([[[5, 1], [6, 0]], [[0, 3], [0, 4]]], [[0, 0], [1, 0]]),
        (3, 4),
        given="scores of shape (2, 2, 2), classes [[0, 0], [1, 0]]",
        because="the scores of the classes are on the last axis; the answers: [[0, 0], [1, 1]]; "
        "targets of another shape than the outputs are the classes themselves",
    )
    sequence = [[[0, 1, 0], [2, 0, 0]], [[0, 0, 7], [0, 0, 7]]]
    check.equal(
        count(sequence, [[1, 0], [2, 1]]),
        (3, 4),
        given="scores of shape (2, 2, 3), classes (2, 2)",
        because="one answer at each position",
    )
    check.equal(
        count([[2, 1, 0], [0, 3, 1]], [[1, 0, 0], [0, 0, 1]]),
        (1, 2),
        given="scores (2, 3), one-hot targets (2, 3)",
        because="a one-hot row is one class, the index of its largest entry: two answers, two "
        "classes",
    )
    check.equal(
        count([[[2, 1, 0], [0, 3, 1]]], [[[1, 0, 0], [0, 0, 1]]]),
        (1, 2),
        given="scores (1, 2, 3), one-hot targets (1, 2, 3)",
        because="the classes are on the last axis",
    )
    check.equal(
        count([[[2, 1, 0]], [[0, 3, 1]]], [[0], [2]]),
        (1, 2),
        given="scores (2, 1, 3), classes (2, 1)",
        because="sequences of length 1: the last dimension decides, and it is 3",
    )
    check.equal(
        count([[2, 1], [0, 3], [1, 4]], [[0], [1], [0]]),
        (2, 3),
        given="scores (3, 2), classes 0, 1, 0 of shape (3, 1)",
        because=(
            "three answers 0, 1, 1 and three classes, both flat; (3, 1) is not the shape of the "
            "scores, so the targets are not one-hot"
        ),
    )
    check.equal(
        count([[[2, 1], [0, 3]], [[5, 4], [1, 6]]], [0, 1, 0, 0]),
        (3, 4),
        given="scores (2, 2, 2), classes (4,)",
        because="four answers, four classes: only the counts have to agree",
    )
    check.raises(
        ValueError,
        lambda: count_correct(*arrays([[[2, 1], [0, 3]]], [0])),
        given="scores (1, 2, 2), one class",
        mentions=["(1, 2, 2)", "(1,)"],
        because="two answers cannot be compared with one class",
    )
    check.raises(
        ValueError,
        lambda: count_correct(*arrays([[2, 1], [0, 3]], [0, 1, 1])),
        given="two answers, three targets",
        mentions=["(2, 2)", "(3,)"],
    )
    check.raises(
        ValueError,
        lambda: count_correct(*arrays([[0.2], [0.3]], [0, 1, 1])),
        given="two probabilities, three targets",
        mentions=["(2, 1)", "(3,)"],
    )

    @probe
    def types_of_the_answer():
        """The types of what comes back, for scores and for probabilities."""
        scores, probabilities = np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([0.9, 0.2])
        found = [count_correct(outputs, np.array([0, 1])) for outputs in (scores, probabilities)]
        return [[type(value).__name__ for value in pair] for pair in found]

    check.equal(
        types_of_the_answer(),
        [["int", "int"]] * 2,
        given="the types of (right, answers), for scores and for probabilities",
        because="two ints of Python are promised; int(…) makes one of a NumPy number",
    )


test_training_correct()

# %% [markdown]
"""
### Leave no trace

**What will this print?** One model, one set of data, judged three times in a row.
"""

# %%
np.random.seed(0)
restless = Sequential(Linear(64, 32), ReLU(), Dropout(0.5), Linear(32, 10))
for _ in range(3):
    with no_grad():
        print("loss", round(CrossEntropyLoss()(restless(judged[0][0]), judged[0][1]).item(), 4))

# %% [markdown]
"""
Dropout is still rolling its dice. It must be off while a model is judged, wherever in the model it
sits; `set_training_mode` (Module 03) switches everything. Afterwards each part must be back in the
mode it had *before*, which need not be the same for all: in the middle of an experiment one block
may be in evaluation mode. And all this must hold when the evaluation ends in an error.

That is a context manager, made as you made `no_grad` in Module 05. `current_modes`, given, lists
every part that has a mode, together with that mode.
"""

# %%
#| export
def current_modes(model: Any) -> list[tuple[Any, bool]]:
    """Everything in the model that has a mode (a bool named `training`), and its mode."""
    return [
        (part, part.training) for part in walk(model) if type(getattr(part, "training", 0)) is bool
    ]


# %% nbgrader={"grade": false, "grade_id": "training_evaluation_mode", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@contextmanager
def evaluation_mode(model: Any) -> Iterator[None]:
    """Inside a `with` block of this, everything in the model is in evaluation mode.

    Afterwards each part has the mode it had before, also when the block is left by an exception,
    which goes on to the caller.

    Example:
        with evaluation_mode(model): outputs = model(x)
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

# %% [markdown]
"""
*What is checked:* every part of a nested model inside the block, its own mode afterwards, and a
block that raises.
"""

# %% nbgrader={"grade": true, "grade_id": "test_training_evaluation_mode", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def test_training_evaluation_mode():
    """All parts are switched, and each gets its own mode back, also after an error."""

    @probe
    def modes_around(fail):
        class Plain:
            """Not a Layer; its parts sit in an attribute, a dict and a list."""

            def __init__(self):
                self.first = Dropout(0.5)
                self.others = {
                    "frozen": [Dropout(0.1)],
                    "last": Sequential(Linear(1, 1), Dropout(0.2)),
                }

        model = Plain()
        parts = [
            model.first,
            model.others["frozen"][0],
            model.others["last"],
            model.others["last"].layers[1],
        ]
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

    check.equal(
        modes_around(False)["inside"],
        [False] * 4,
        given="modes inside the block, parts in a plain object, a list and a Sequential",
        because="dropout anywhere in the model must be inactive",
    )
    before = [True, False, True, True]
    after = {
        "a block that ends well": modes_around(False)["after"],
        "a block that raises": modes_around(True)["after"],
    }
    check.equal(
        after,
        {"a block that ends well": before, "a block that raises": before},
        given=f"modes before: {before}; after …",
        because="each part gets its own mode back, and `finally` runs in both cases",
    )
    check.equal(
        modes_around(True)["error"],
        "KeyError('a broken batch')",
        given="a block that raises KeyError('a broken batch'): what reaches the caller?",
        because="hiding an error is not this function's business",
    )


test_training_evaluation_mode()

# %% [markdown]
"""
Now the evaluation itself. It learns nothing, so nothing needs to be recorded: `no_grad()` saves the
memory and the time. Batches may be uneven here, too.
"""

# %% nbgrader={"grade": false, "grade_id": "training_evaluate", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def evaluate_model(
    model: Any, loss_fn: Any, dataloader: Iterable[tuple[Tensor, Tensor]]
) -> tuple[float, float]:
    """(mean loss, accuracy) of a model over all batches, as two floats; the model stays unchanged.

    Everything in the model is in evaluation mode meanwhile, and no graph is recorded. A batch's
    loss is a mean over y.size elements and counts with that weight; the accuracy is all right
    answers divided by all answers (give `count_correct` the `.data` arrays).

    Args:
        dataloader: any iterable of (x, y) pairs, a generator too: it is walked once.

    Raises:
        ValueError: it gives no batch. The message contains "no batches".

    Example:
        batch losses 1.0 (3 samples) and 5.0 (1 sample) make a loss of 2.0, not 3.0
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

# %% [markdown]
"""
*What is checked:* both numbers over uneven batches, every trace an evaluation could leave, every
kind of model and loss, generators and nothing at all.
"""

# %% nbgrader={"grade": true, "grade_id": "test_training_evaluate", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def test_training_evaluate():
    """Weighted means over uneven batches, with dropout inactive and nothing recorded."""
    model = Linear(1, 1, bias=False)
    model.weight.data = np.array([[1.0]], dtype=np.float32)
    batches = [(Tensor([[0.9], [0.2]]), Tensor([[1.0], [0.0]])), (Tensor([[0.8]]), Tensor([[0.0]]))]
    check.close(
        evaluate_model(model, MSELoss(), batches)[0],
        0.23,
        given="errors 0.1, 0.2 | 0.8 in batches of 2 and 1: the loss",
        because="(0.01 + 0.04 + 0.64) / 3: each sample counts once",
    )
    check.close(
        evaluate_model(model, MSELoss(), batches)[1],
        2 / 3,
        given="answers 1, 0 | 1 for targets 1, 0 | 0: the accuracy",
        because="2 of 3 are right; the mean of the batches' accuracies would be 1/2",
    )
    wide = [
        (Tensor([[1.0, 1.0, 1.0]]), Tensor([[2.0, 2.0, 2.0]])),
        (Tensor([[1.0]]), Tensor([[4.0]])),
    ]
    check.close(
        evaluate_model(Sequential(), MSELoss(), wide)[0],
        3.0,
        given="errors 1, 1, 1 in a batch of shape (1, 3), then 3 in one of shape (1, 1): the loss",
        because="(1 + 1 + 1 + 9) / 4: the first loss is a mean over three elements, so y.size is "
        "its weight, both in the sum and in the division",
    )
    one_hot = [(Tensor([[2.0, 1.0], [0.0, 3.0]]), Tensor([[1.0, 0.0], [1.0, 0.0]]))]
    check.close(
        evaluate_model(Sequential(), MSELoss(), one_hot)[1],
        0.5,
        given="scores of shape (2, 2), one of the two answers right, one-hot targets: the accuracy",
        because="right answers / answers: there are two answers, although y.size is 4",
    )

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
        loss, accuracy = evaluate_model(
            model, CrossEntropyLoss(), [(Tensor(np.ones((50, 1))), Tensor(np.zeros(50)))]
        )
        return {
            "loss": loss,
            "accuracy": accuracy,
            "recorded": model.recorded,
            "modes": [model.training, model.head.parts[0].training, model.frozen.training],
            "random state unchanged": before == np.random.get_state()[1].tolist(),
            "types": [type(loss).__name__, type(accuracy).__name__],
        }

    check.close(
        traces()["accuracy"],
        1.0,
        given="a model with Dropout(0.9) inside a plain object, 50 easy samples: the accuracy",
        because="with active dropout most inputs would be zero, and their two scores equal",
    )
    check.close(
        traces()["loss"],
        np.log1p(np.exp(-2.0)),
        given="scores 1 and -1 for class 0, 50 times: the loss",
        because="log(1 + e⁻²): no input is dropped or scaled",
        rtol=1e-4,
    )
    check.equal(
        traces()["recorded"],
        [False],
        given="does the output of the model require a gradient?",
        because="inside no_grad() no graph is recorded",
    )
    check.equal(
        traces()["modes"],
        [True, True, False],
        given=(
            "the modes of the model and of its two Dropouts afterwards, [True, True, False] before"
        ),
        because="each part gets the mode back that it had before",
    )
    check.equal(
        traces()["random state unchanged"],
        True,
        given="is the random state unchanged?",
        because="without dropout nothing is drawn",
    )
    check.equal(
        traces()["types"],
        ["float", "float"],
        given="the types of (loss, accuracy)",
        because="two floats of Python are promised",
    )

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
            return evaluate_model(
                lambda x: x, lambda outputs, y: ((outputs - y) * (outputs - y)).mean(), batches
            )[0]
        return evaluate_model(Model(), Loss(), iter(batches) if kind == "a generator" else batches)[
            0
        ]

    for kind in ("objects that only have a forward", "plain functions"):
        check.close(
            judge(kind),
            5.0,
            given=f"errors 1 | 3; model and loss are {kind}",
            because="`apply` calls all of them",
        )
    check.close(
        judge("a generator"),
        5.0,
        given="errors 1 | 3 from a generator of batches",
        because="it gives each batch once, and has no length",
    )
    check.raises(
        ValueError,
        lambda: evaluate_model(model, MSELoss(), []),
        given="an empty list of batches",
        mentions=["no batches"],
    )


test_training_evaluate()

# %% [markdown]
"""
## Part 5: The Trainer

The pieces are there; the trainer arranges them. It owns what belongs to the run as a whole: how
many epochs and steps were done, and what happened (`history`).

One epoch takes the batches in groups of `accumulation_steps`, one step per group. The last group
may be smaller, or its last batch may be; `train_step` weights each batch by its real size, so
nothing more needs to be done. `grouped`, given, cuts any iterable into lists. An epoch puts the
whole model into training mode; a block that is meant to stay in evaluation mode needs another
trainer. Saving and loading go through functions that you write in Part 7.

**What will this print?** A run of 2 epochs of 6 steps with `CosineSchedule(0.1, 0.0, 2)`. At which
rates do its steps run if the schedule is given the number of the epoch, and if it is given the
number of the step?
"""

# %%
schedule = CosineSchedule(0.1, 0.0, 2)
for name, numbers in [("epoch", [0] * 6 + [1] * 6), ("step", range(12))]:
    print(f"{name:<6}", " ".join(f"{schedule.get_lr(number):.2f}" for number in numbers))

# %% [markdown]
"""
The second line is a common mistake and a quiet one: after `total_epochs` *steps* the rate is at its
minimum, and the rest of the run learns nothing. No error says so.
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

        The whole epoch runs at the scheduler's rate for `self.epoch` (without a scheduler, at the
        optimizer's own), clipped to `self.grad_clip_norm`, and with the whole model in training
        mode: also a block that somebody set to evaluation mode by hand.

        Afterwards one more epoch and one more step per update are counted, and the history has one
        more entry each for "train_loss" (what is returned) and "learning_rates". If a batch raises
        in mid-epoch, the steps done before it are counted and the epoch is not.

        Args:
            dataloader: any iterable of (x, y) pairs of tensors, a generator too.
            accumulation_steps: batches per update; the last update may have fewer.

        Raises:
            ValueError: accumulation_steps is not an int of at least 1. The message contains
                "accumulation_steps"; neither the learning rate nor the mode has been changed.
            ValueError: the dataloader gives no batch. The message contains "no batches"; epoch,
                step and history are as they were.

        Example:
            five batches and accumulation_steps=2: updates from 2, 2 and 1 batches, three steps
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
        """(mean loss, accuracy) over all batches, not learned from; both enter the history."""
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

# %% [markdown]
"""
*What is checked:* loss, counters and history, the rate of each epoch, modes, groups, clipping, the
errors and what they leave untouched, a generator.
"""

# %% nbgrader={"grade": true, "grade_id": "test_training_epoch", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
def test_training_epoch():
    """An epoch sets the rate, groups the batches, counts, and notes what happened."""

    def make_trainer(lr=0.1, **settings):
        model = Linear(1, 1, bias=False)
        model.weight.data = np.array([[1.0]], dtype=np.float32)
        return Trainer(model, SGD([model.weight], lr=lr), MSELoss(), **settings)

    def pair(x, y):
        return Tensor(np.array(x).reshape(-1, 1)), Tensor(np.array(y).reshape(-1, 1))

    trainer = make_trainer(lr=0.0)
    check.close(
        trainer.train_epoch([pair([1, 1], [2, 2]), pair([1], [5])]),
        6.0,
        given="w = 1, lr 0, errors 1, 1 | 4 in batches of 2 and 1: the loss",
        because="(1 + 1 + 16) / 3: the mean over all samples, not over batches",
    )
    check.equal(
        [trainer.epoch, trainer.step], [1, 2], given="one epoch of two batches: [epoch, step]"
    )
    check.close(trainer.history["train_loss"], [6.0], given="history['train_loss'] after one epoch")
    check.equal(
        trainer.history["learning_rates"],
        [0.0],
        given="history['learning_rates'] without a scheduler, after one epoch at lr 0",
        because="the rate that the epoch ran at is noted, scheduler or not",
    )

    trainer = make_trainer(lr=7.0, scheduler=CosineSchedule(0.1, 0.0, 2))
    batch = pair([1, 2], [2, 4])
    trainer.model.eval()
    for wrong in (0, -1, 1.5):
        check.raises(
            ValueError,
            lambda wrong=wrong: trainer.train_epoch([batch], accumulation_steps=wrong),
            given=f"accumulation_steps={wrong}",
            mentions=["accumulation_steps"],
        )
    check.equal(
        [trainer.optimizer.lr, trainer.model.training],
        [7.0, False],
        given="[learning rate, mode] after these errors, 7 and False before",
        because="check the argument before anything else",
    )
    trainer.train_epoch([batch])
    check.close(
        trainer.model.weight.data,
        [[1.5]],
        given="lr 7 with CosineSchedule(0.1, 0, 2), first epoch, gradient -5",
        because="epoch 0 runs at get_lr(0) = 0.1: set the rate before the first step",
    )
    check.equal(
        trainer.model.training,
        True,
        given="a model that was in evaluation mode: its `training` after an epoch",
    )
    deep = Sequential(Sequential(Dropout(0.0)), Linear(1, 1))
    deep.layers[0].eval()
    Trainer(deep, SGD(deep.parameters()), MSELoss()).train_epoch([batch])
    check.equal(
        [deep.layers[0].training, deep.layers[0].layers[0].training],
        [True, True],
        given=(
            "a block inside the model that was in evaluation mode, and the Dropout in it, after "
            "an epoch of training"
        ),
        because="the whole model is switched, whatever was set by hand",
    )
    trainer.train_epoch([batch])
    check.close(
        trainer.history["learning_rates"],
        [0.1, 0.05],
        given="history['learning_rates'] after two epochs of CosineSchedule(0.1, 0, 2)",
        because="one entry for each epoch: the rate that this epoch ran at",
    )
    check.close(
        trainer.model.weight.data, [[1.625]], given="the second epoch, at lr 0.05, gradient -2.5"
    )
    check.equal(trainer.epoch, 2, given="two epochs: trainer.epoch")

    trainer = make_trainer(scheduler=CosineSchedule(0.1, 0.0, 2))
    for _ in range(2):
        trainer.train_epoch([pair([1], [2])] * 3)
    check.close(
        trainer.history["learning_rates"],
        [0.1, 0.05],
        given="CosineSchedule(0.1, 0, 2), two epochs of three steps: history['learning_rates']",
        because="the schedule counts epochs: get_lr(0) = 0.1, then get_lr(1) = 0.05",
    )
    check.close(
        trainer.model.weight.data,
        [[2 - 0.8**3 * 0.9**3]],
        given="w = 1, target 2, two epochs of three steps at 0.1 and 0.05: the weight",
        because="all steps of an epoch run at one rate: the error shrinks to 0.8 of itself three "
        "times, then to 0.9 three times",
    )

    trainer = make_trainer()
    trainer.train_epoch([pair([1], [2])] * 5, accumulation_steps=2)
    check.equal(
        [trainer.step, trainer.optimizer.step_count],
        [3, 3],
        given="five batches, accumulation_steps=2: [trainer.step, optimizer.step_count]",
        because="one update for each group of batches: groups of 2, 2 and 1 make three",
    )
    check.close(
        trainer.model.weight.data,
        [[1 + 0.2 + 0.16 + 0.128]],
        given="five equal batches, accumulation_steps=2",
        because="three updates at lr 0.1, each from a mean gradient",
    )
    trainer = make_trainer(grad_clip_norm=1.0)
    trainer.train_epoch([batch])
    check.close(trainer.model.weight.data, [[1.1]], given="grad_clip_norm=1, lr 0.1, gradient -5")
    check.raises(
        ValueError,
        lambda: trainer.train_epoch([]),
        given="an empty list of batches",
        mentions=["no batches"],
    )
    check.equal(
        [trainer.epoch, trainer.step, len(trainer.history["train_loss"])],
        [1, 1, 1],
        given="[epoch, step, entries of history] after one epoch and that error",
        because="an epoch that did not happen is not counted",
    )

    @probe
    def from_a_generator():
        model = Linear(1, 1)
        trainer = Trainer(model, SGD(model.parameters()), MSELoss())
        trainer.train_epoch((Tensor([[1.0]]), Tensor([[1.0]])) for _ in range(3))
        return trainer.step

    check.equal(
        from_a_generator(),
        3,
        given="a generator of three batches",
        because="it has no length and can be walked only once",
    )

    @probe
    def broken_off():
        """[epoch, step, updates] when the third batch of an epoch cannot be read."""

        def batches():
            yield from [(Tensor([[1.0]]), Tensor([[1.0]]))] * 2
            raise KeyError("a broken file")

        model = Linear(1, 1)
        trainer = Trainer(model, SGD(model.parameters()), MSELoss())
        try:
            trainer.train_epoch(batches())
        except KeyError:
            return [trainer.epoch, trainer.step, trainer.optimizer.step_count]
        return "the error did not reach the caller"

    check.equal(
        broken_off(),
        [0, 2, 2],
        given="a third batch that raises: [trainer.epoch, trainer.step, optimizer.step_count]",
        because="two updates were done and are counted, each at once; the epoch was not finished",
    )


test_training_epoch()

# %% [markdown]
"""
That is a trainer. **A good place to stop** for today: before you do, let it read digits.
"""

# %%
np.random.seed(0)
reader = Sequential(Linear(64, 32), ReLU(), Linear(32, 10))
trainer = Trainer(reader, SGD(reader.parameters(), momentum=0.9), CrossEntropyLoss(),
                  WarmupSchedule(0.1, 0.001, 3, 20), grad_clip_norm=5.0)
for _ in range(20):
    trainer.train_epoch(shuffled_batches(rows[:800], labels[:800], 32))
    loss, accuracy = trainer.evaluate(judged)
print(f"on your machine: {accuracy:.1%} of 200 digits that are new to it, "
      f"after {trainer.step} steps")

# %% [markdown]
"""
## Part 6: A loop that does not learn (bug hunt)

A colleague has written the loop by hand and comes to you:

> "No error anywhere, and the digits are easy. The first epoch brings it somewhere, and from then on
> it hardly moves; the accuracy only flickers. And when I run it with a schedule of rate 0 and judge
> after every epoch, I get *different* accuracies for a model that does not change!"

Run the exercise cell as it is, then the cell below it, which shows what they see beside what your
`Trainer` makes of the same model, rates and data. There is more than one fault; the docstring is
right. Repair until the two lines agree, then let `tito` judge: one fault does not show in the
accuracies.
"""

# %% nbgrader={"grade": false, "grade_id": "training_loop", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "bug hunt"}
def train_by_hand(model, optimizer, loss_fn, schedule, train_batches, validation_batches, epochs):
    """Train for some epochs; return the validation accuracy after each, as a list.

    Every batch of the list train_batches is one update, in each epoch. Epoch e, counted from 0,
    runs at the rate schedule.get_lr(e), with the whole model in training mode. A model is judged as
    `evaluate_model` judges it.
    """
    ### BEGIN BROKEN
    # accuracies, step = [], 0
    # for _ in range(epochs):
    #     set_training_mode(model, True)
    #     for x, y in train_batches:
    #         optimizer.lr = schedule.get_lr(step)
    #         apply(loss_fn, apply(model, x), y).backward()
    #         optimizer.step()
    #         step += 1
    #     correct = answers = 0
    #     for x, y in validation_batches:
    #         right, count = count_correct(apply(model, x).data, y.data)
    #         correct += right
    #         answers += count
    #     accuracies.append(correct / answers)
    # return accuracies
    ### END BROKEN
    ### BEGIN SOLUTION
    accuracies = []
    for number in range(epochs):
        set_training_mode(model, training=True)
        optimizer.lr = schedule.get_lr(number)
        for inputs, targets in train_batches:
            optimizer.zero_grad()
            loss = apply(loss_fn, apply(model, inputs), targets)
            loss.backward()
            optimizer.step()
        accuracies.append(evaluate_model(model, loss_fn, validation_batches)[1])
    return accuracies
    ### END SOLUTION

# %% [markdown]
"""
**What will this print**, as long as the loop is broken? And in the end?
"""

# %%
train_batches = [(Tensor(rows[k : k + 32]), Tensor(labels[k : k + 32])) for k in range(0, 800, 32)]
for by_hand in (True, False):
    np.random.seed(0)
    model = Sequential(Linear(64, 32), ReLU(), Dropout(0.5), Linear(32, 10))
    sgd, falling = SGD(model.parameters()), CosineSchedule(0.5, 0.0, 10)
    if by_hand:
        found = train_by_hand(model, sgd, CrossEntropyLoss(), falling, train_batches, judged, 10)
    else:
        trainer = Trainer(model, sgd, CrossEntropyLoss(), falling)
        for _ in range(10):
            trainer.train_epoch(train_batches)
            trainer.evaluate(judged)
        found = trainer.history["eval_accuracy"]
    print(f"{'by hand' if by_hand else 'Trainer':<8}", "  ".join(f"{share:.1%}" for share in found))

# %% [markdown]
"""
*What is checked:* the weight after one update, after two and after two epochs; the mode of the
model at every forward pass; the accuracies.
"""

# %% nbgrader={"grade": true, "grade_id": "test_training_loop", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@probe
def weight_by_hand(batches, epochs, lr=0.1):
    """y = w * x from w = 1, targets 2 * x: the weight after training on batches of one x."""
    model = Linear(1, 1, bias=False)
    model.weight.data[...] = 1.0
    pairs = [(Tensor([[x]]), Tensor([[2.0 * x]])) for x in batches]
    schedule = CosineSchedule(lr, 0.0, 2)
    train_by_hand(model, SGD([model.weight]), MSELoss(), schedule, pairs, pairs, epochs)
    return model.weight.item()


@probe
def passes_by_hand():
    """At each forward pass: the model's mode, and whether a graph is recorded; the accuracies."""

    class Watched(Layer):
        def __init__(self):
            self.weight = Tensor([[1.0, -1.0]], requires_grad=True)
            self.seen, self.recorded = [], []

        def forward(self, x):
            outputs = x @ self.weight
            self.seen.append("training" if self.training else "evaluation")
            self.recorded.append(outputs.requires_grad)
            return outputs

    model = Watched().eval()
    train, judge = (Tensor([[1.0]]), Tensor([0])), (Tensor([[1.0], [-1.0]]), Tensor([0, 0]))
    schedule = CosineSchedule(0.0, 0.0, 2)
    arguments = model, SGD([model.weight]), CrossEntropyLoss(), schedule, [train], [judge], 2
    accuracies = train_by_hand(*arguments)
    return {"accuracies": accuracies, "modes": model.seen, "recorded": model.recorded}


def test_training_loop():
    """Fresh gradients for every update, one rate per epoch, judged in evaluation mode."""
    check.close(weight_by_hand([1.0], 1), 1.2, given="w = 1, one batch x = 1, lr 0.1, one epoch",
                because="epoch 0 runs at get_lr(0) = 0.1, and the gradient is -2: one update "
                        "moves w by 0.1 * 2")
    check.close(weight_by_hand([1.0, 1.0], 1), 1.36,
                given="w = 1, two batches x = 1, lr 0.1, one epoch",
                because="both steps of epoch 0 run at get_lr(0) = 0.1, each with its own gradient "
                        "and nothing of the one before: 1 + 0.2, then + 0.1 * 1.6")
    check.close(weight_by_hand([1.0], 2), 1.28, given="w = 1, one batch x = 1, two epochs",
                because="epoch 1 runs at get_lr(1) = 0.05: 1 + 0.2, then + 0.05 * 1.6")
    check.close(weight_by_hand([1.0, 1.0], 2), 1.4816, given="w = 1, two batches x = 1, two epochs",
                because="the rates are 0.1, 0.1, 0.05, 0.05: one for each epoch, not for each step")
    check.equal(passes_by_hand()["modes"], ["training", "evaluation"] * 2,
                given="a model in evaluation mode; one batch to train on, one to judge by, two "
                      "epochs: its mode at each pass",
                because="dropout works while training, and only then")
    check.equal(passes_by_hand()["recorded"], [True, False] * 2,
                given="the same passes: is a graph recorded?",
                because="judged as evaluate_model judges it: nobody calls backward() there")
    check.equal(passes_by_hand()["accuracies"], [0.5, 0.5],
                given="a rate of 0 and a model that is right in one of two cases, two epochs",
                because="a model that does not change has one accuracy")


test_training_loop()

# %% [markdown]
"""
Four faults, and none of them raises an error. Gradients pile up when nobody clears them; a schedule
for epochs that counts steps is over at once; a model judged in training mode flickers; and judging
without `no_grad()` records a graph that nobody needs: it costs memory and changes no number, so two
equal lines do not show it. `Trainer` cannot make these mistakes, because each stands
in one place only, and that place is tested. That is what a trainer is for.

## Part 7: Checkpoints

A run that must not be interrupted will be, at the worst moment. So: what *is* the state of a run?
The test for an answer is merciless: resume, and compare with the run that was never interrupted.
They must agree to the last bit.

**What will this print?** The same model, the same optimizer state, the same batches; only NumPy's
random numbers differ. Are the two losses of the next epoch the same?
"""

# %%
losses = []
for seed in (1, 2):
    np.random.seed(0)
    twin = Sequential(Linear(64, 32), Dropout(0.5), Linear(32, 10))
    trainer = Trainer(twin, SGD(twin.parameters()), CrossEntropyLoss())
    np.random.seed(seed)  # as after a restart: the random numbers begin somewhere else
    losses.append(trainer.train_epoch(train_batches))
print(losses)

# %% [markdown]
"""
It is still a good run, but no longer *this* run, and you could never tell a bug from bad luck. So
what does a checkpoint need besides the parameters? Write your list before you look at the table in
the exercise. Then ask for each line of the table: what would differ in the resumed run without it?
(Four lines change no later parameter. Which, and why keep them?)

<details><summary>Answer</summary>

`step`, `modes`, `scheduler` and `history`. Every epoch sets the modes itself, and the scheduler is
only compared. But counters and history are what you read about the run, `modes` is what you get
when you call the model yourself, and the scheduler's line refuses a run that was built with another
one, which would go on at other rates without a word.
</details>

### Collect

As in Module 06, the state is one flat dictionary: text, numbers and lists that JSON can hold, and
arrays. The helpers in the next cell are given: `prefixed` and `unprefixed` put a dictionary into a
larger one and take it out again, `model_arrays` names a model's parameters, `describe` sums up a
scheduler, `random_entries` asks NumPy.
"""

# %%
#| export
def prefixed(prefix: str, entries: dict[str, Any]) -> dict[str, Any]:
    """The same entries under the names "prefix.name"."""
    return {f"{prefix}.{name}": value for name, value in entries.items()}


def unprefixed(prefix: str, state: dict[str, Any]) -> dict[str, Any]:
    """The entries named "prefix.name" of a larger dictionary, under their bare names."""
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
    modes             the bools of `current_modes`, a list in the same order
    scheduler         what `describe` says of it
    random, random.keys   `random_entries()`
    model.0, …        the parameters, as `model_arrays` names them
    optimizer.<name>  every entry of the optimizer's state_dict() (copies already)
    history.<name>    every list of the history, as a float64 array

    Optimizers write in place, so a snapshot that shared memory would move on with the run.

    Example:
        collect_run(trainer)["optimizer.lr"] is the learning rate
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

# %% [markdown]
"""
*What is checked:* every name and its value, copies, and random numbers that come again.
"""

# %% nbgrader={"grade": true, "grade_id": "test_training_collect", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def test_training_collect():
    """Every part of the run is in the state, under its name, as it is now."""
    model = Sequential(Linear(2, 1), Dropout(0.5))
    layer = model.layers[0]
    layer.weight.data = np.array([[1.0], [2.0]], dtype=np.float32)
    model.layers[1].training = False
    trainer = Trainer(
        model, SGD(model.parameters(), lr=0.1, momentum=0.9), MSELoss(), CosineSchedule(0.1, 0.0, 4)
    )
    trainer.epoch, trainer.step = 3, 30
    trainer.history = {"train_loss": [0.5, 0.25], "eval_loss": [], "eval_accuracy": [1, 0]}
    names = ["epoch", "step", "modes", "scheduler", "random", "random.keys", "model.0", "model.1"]
    names += [f"optimizer.{name}" for name in trainer.optimizer.state_dict()]
    names += ["history.train_loss", "history.eval_loss", "history.eval_accuracy"]

    def compared(found):
        missing, unknown = sorted(set(names) - set(found)), sorted(set(found) - set(names))
        return f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}"

    check.equal(
        compared(collect_run(trainer)),
        "missing: none; unknown: none",
        given="the names in the state",
        because=(
            "one entry for each line of the docstring's table, and for each part of the "
            "optimizer and the history"
        ),
    )
    state = collect_run(trainer)
    check.equal(
        [state.get("epoch"), state.get("step")], [3, 30], given="a trainer at epoch 3, step 30"
    )
    check.close(
        state.get("model.0"), [[1.0], [2.0]], given="state['model.0'], the weight [[1], [2]]"
    )
    check.close(state.get("model.1"), [0.0], given="state['model.1'], the bias")
    check.equal(
        state.get("optimizer.momentum"),
        0.9,
        given="state['optimizer.momentum']",
        because="every entry of optimizer.state_dict() is there, with the prefix 'optimizer.'",
    )
    check.close(
        state.get("optimizer.velocity.0"), [[0.0], [0.0]], given="state['optimizer.velocity.0']"
    )
    check.equal(
        state.get("modes"),
        [True, True, False],
        given="modes of a Sequential, its Linear and its Dropout, which is in evaluation mode",
        because="a list of the bools alone, in the order of `current_modes`",
    )
    check.equal(
        state.get("scheduler"),
        {"kind": "CosineSchedule", "max_lr": 0.1, "min_lr": 0.0, "total_epochs": 4},
        given="state['scheduler']",
    )
    check.close(state.get("history.train_loss"), [0.5, 0.25], given="state['history.train_loss']")
    for name in ("train_loss", "eval_loss", "eval_accuracy"):
        check.equal(
            state[f"history.{name}"].dtype,
            np.float64,
            given=f"the dtype of the history {trainer.history[name]}",
            because="float64 keeps every bit of a Python float",
        )

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

    check.equal(
        random_and_copies()["the same numbers"],
        True,
        given="numbers drawn after collecting, and again after setting the random state back",
    )
    check.equal(
        random_and_copies()["moved along"],
        False,
        given="the weight was changed in place; has state['model.0'] changed with it?",
        because="a snapshot is a copy",
    )
    check.equal(random_and_copies()["scheduler"], None, given="a trainer without a scheduler")


test_training_collect()

# %% [markdown]
"""
### Write

Suppose the disk is full, or the machine loses power, while today's checkpoint is being written over
yesterday's.

**What will this print?** A file is saved. The next save, to the same name, dies half-way.
"""

# %%
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "run.txt"
    path.write_text("yesterday's run")
    try:
        with open(path, "w") as file:
            file.write("today's r")
            raise OSError("no space left on device")
    except OSError as error:
        print(f"{error}; what is left of the two: {path.read_text()!r}")

# %% [markdown]
"""
Both are lost: opening a file for writing empties it. The cure is old and simple.

```
                            run.ckpt             run.ckpt.123.partial
 before                     yesterday's, whole   (not there)
 write, flush, fsync        yesterday's, whole   today's, growing
 after that                 yesterday's, whole   today's, whole, on the disk
 os.replace, at once        today's, whole       (not there)
```

In words: `file.flush()` hands Python's last bytes to the operating system, `os.fsync` waits until
the system has them on the disk, and `os.replace(old_name, new_name)` renames in one indivisible
step, which the field calls *atomic*. Whoever looks sees yesterday's file or today's, never a
mixture. Both must lie in the same folder: between two file systems there is no such step, only
copying. And Windows cannot rename a file that is still open. (That the new *name* survives a power
cut as well takes one more fsync, of the folder. Without it you may find yesterday's file: old, but
whole.)

What to write? The obvious tool, `pickle`, is a small programming language: reading a pickle *runs
code* that its author chose, and a checkpoint is a file people send each other. So ours is a NumPy
archive (a zip of plain arrays), with the text and the numbers as JSON in one more array. Nothing in
it can run. `save_arrays`, given, writes such an archive into an open file.
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

    The bytes are on the disk (flush, then fsync) before the file takes its name. Whatever goes
    wrong, Ctrl-C included, no partial file is left lying about, and the error reaches the caller.
    The name is used as it is, whatever its ending. Missing parent folders are made.

    Example:
        write_archive("runs/today.ckpt", collect_run(trainer))
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")  # where to write first
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

# %% [markdown]
"""
*What is checked:* the name and the content, the order of events, and saves that fail at every
point, interrupted by the keyboard too.
"""

# %% nbgrader={"grade": true, "grade_id": "test_training_write", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_training_write():
    """The file is there under its own name, whole, and a failed save leaves the old one."""

    @probe
    def write(name="run.ckpt", over_old=False, failing="", error="OSError", state=None):
        """Write a state; what lies in the folder afterwards, and in which order it was made."""
        import io

        really_open = io.open
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
            whole = "whole" if zipfile.is_zipfile(source) else "not whole"
            where = "on the disk" if on_disk else "not on the disk"
            state_of = "open" if still_open() else "closed"
            events.append(f"replace by a file that is {whole}, {where}, {state_of}")
            if armed and failing == "replace":
                raise errors[error]
            real["replace"](source, target)

        def no_open(*arguments, **options):
            raise errors[error](28, "no space left")

        def save_arrays_lazily(file, state):
            """As the real one, but the last bytes stay in Python's memory until flushed."""
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
                if failing == "open":
                    io.open = space["open"] = no_open
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
                io.open = really_open
                space.pop("open", None)
            files = sorted(
                p.relative_to(folder).as_posix().replace(str(os.getpid()), "N")
                for p in Path(folder).rglob("*")
                if p.is_file()
            )
            content = []
            if path.is_file() and zipfile.is_zipfile(path):
                with np.load(path, allow_pickle=False) as archive:
                    content = [
                        len(archive["model.0"]),
                        json.loads(archive["json"].tobytes())["epoch"],
                    ]
        return {"files": files, "content": content, "error": result, "events": events}

    check.equal(write()["error"], "no error", given="write_archive('…/run.ckpt', …): the error")
    check.equal(
        write()["files"],
        ["run.ckpt"],
        given="write_archive('…/run.ckpt', …): files in the folder",
        because="the name as given, and nothing beside it",
    )
    check.equal(write()["content"], [3, 2], given="the length of model.0 and the epoch in the file")
    check.equal(
        write()["events"],
        ["fsync", "replace by a file that is whole, on the disk, closed"],
        given="the calls of os.fsync and os.replace",
        because=(
            "flush and fsync force every byte to the disk, the `with` closes the file, then "
            "os.replace gives it the name"
        ),
    )
    check.equal(
        write("a/b/run.npz")["files"],
        ["a/b/run.npz"],
        given="a path in folders that do not exist yet",
    )
    check.equal(
        write(over_old=True)["content"],
        [3, 2],
        given="a second save to the same path",
        because="the new state takes the old one's place",
    )
    for failing in ("fsync", "replace"):
        check.equal(
            write(over_old=True, failing=failing)["error"],
            "OSError",
            given=f"os.{failing} fails with an OSError",
            because="the caller must hear of it",
        )
        check.equal(
            write(over_old=True, failing=failing)["content"],
            [2, 1],
            given=f"the old file, after os.{failing} failed",
            because="a save that dies half-way leaves the old file",
        )
        check.equal(
            write(over_old=True, failing=failing)["files"],
            ["run.ckpt"],
            given=f"files in the folder after os.{failing} failed",
            because="no partial file is left lying about",
        )
    check.equal(
        write(over_old=True, failing="open")["error"],
        "OSError: no space left",
        given="the file cannot even be opened (OSError: no space left): the error",
        because="the caller must hear of that error, and not of one from tidying up a partial "
        "file that was never there: missing_ok=True",
    )
    interrupted = {
        "files": ["run.ckpt"],
        "content": [2, 1],
        "error": "KeyboardInterrupt",
        "events": ["fsync"],
    }
    check.equal(
        write(over_old=True, failing="fsync", error="KeyboardInterrupt"),
        interrupted,
        given="Ctrl-C while the file is being written",
        because=(
            "the old file alone is left, and the interrupt goes on: `finally` runs for it, "
            "`except Exception` does not"
        ),
    )
    refused = {"files": ["run.ckpt"], "content": [2, 1], "error": "TypeError", "events": []}
    check.equal(
        write(over_old=True, state={"epoch": {1, 2}}),
        refused,
        given="a state that JSON cannot hold (a set)",
        because="the old file survives this, too",
    )


test_training_write()

# %% [markdown]
"""
### Read

**Given, and not homework:** run the next cell, which is folded, and open it if you are curious.
`read_archive(path)` gives back the state in a file. Most of it is about files that you hope never
to meet: text files, half files, a zip that claims to hold more than its own size (a "zip bomb"),
arrays of Python objects (which would need pickle). Whatever it is, there is a `CheckpointError`
with the path and what to do. `check_run(trainer, state)` raises a ValueError when counters, modes,
scheduler, random state or history do not fit, without touching anything.
"""

# %% jupyter={"source_hidden": true}
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

All that is left is to put the state back, all of it or nothing: **first everything that can fail,
then everything that changes.** One call does both, the optimizer's `load_state_dict`: it checks,
and then it changes, all or nothing. Where in the order must it stand?
"""

# %% nbgrader={"grade": false, "grade_id": "training_restore", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def restore_run(trainer: Trainer, state: dict[str, Any]) -> None:
    """Put the state of `collect_run` back into a trainer: all of it, or ValueError and no change.

    What is checked, each by a function that raises ValueError: the run (`check_run`); the model's
    arrays, `check_arrays(model_arrays(trainer.model), entries)`, where `entries` are those of
    `state` whose names begin with "model.", under these very names; the optimizer's state.

    The parameters keep their arrays, which others hold on to: only the numbers in them change. The
    history consists of lists again. Each part of `current_modes` gets its mode back, in order.
    np.random.set_state takes one tuple: kind, keys, position, has_gauss, cached_gaussian.

    Example:
        restore_run(fresh, collect_run(trainer)) and `fresh` carries on as `trainer` would
    """
    ### BEGIN SOLUTION
    check_run(trainer, state)
    arrays = model_arrays(trainer.model)
    check_arrays(arrays, {name: state[name] for name in state if name.startswith("model.")})
    trainer.optimizer.load_state_dict(unprefixed("optimizer", state))  # checks, then changes
    for name, array in arrays.items():
        array[...] = state[name]
    trainer.epoch, trainer.step = state["epoch"], state["step"]
    trainer.history = {name: v.tolist() for name, v in unprefixed("history", state).items()}
    for (layer, _), training in zip(current_modes(trainer.model), state["modes"], strict=True):
        layer.training = training
    kind, position, has_gauss, cached_gaussian = state["random"]
    np.random.set_state((kind, state["random.keys"], position, has_gauss, cached_gaussian))
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* every part of the state, runs that carry on bit for bit with SGD and Adam, and
states that do not fit: refused, with nothing changed.
"""

# %% nbgrader={"grade": true, "grade_id": "test_training_restore", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
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
    check.equal(
        [other.epoch, other.step],
        [3, 30],
        given="[epoch, step] of a fresh trainer after restoring a state of epoch 3, step 30",
        because="the run goes on where it was: both counters come back",
    )
    check.equal(
        other.history["train_loss"],
        [0.5, 0.25],
        given="history['train_loss']",
        because="lists come back, ready to be appended to; arrays cannot be",
    )
    check.equal(
        [type(value).__name__ for value in other.history["train_loss"]],
        ["float", "float"],
        given="the types of the numbers in history['train_loss']",
        because="floats of Python went in: .tolist() makes them of an array, list(…) does not",
    )
    check.equal(sorted(other.history), sorted(trainer.history), given="the names in the history")
    check.close(
        other.model.layers[0].weight.data,
        [[1, 2], [3, 4]],
        given="the weight, [[1, 2], [3, 4]] in the state",
    )
    check.equal(
        other.optimizer.step_count,
        30,
        given="optimizer.step_count, 30 in the state",
        because="the optimizer has a state of its own",
    )
    modes = [other.model.training, *(layer.training for layer in other.model.layers)]
    check.equal(
        modes,
        [True, True, False, True],
        given="the modes, of which that of the Dropout is False in the state",
    )

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
        same = [
            np.array_equal(a.data, b.data)
            for a, b in zip(whole.model.parameters(), resumed.model.parameters(), strict=True)
        ]
        return {
            "same bits": all(same),
            "same history": resumed.history == whole.history,
            "in place": in_place,
        }

    for kind_name in ("SGD", "Adam"):
        check.equal(
            resume(kind_name)["same bits"],
            True,
            given=(
                f"{kind_name}: parameters after 4 epochs, and after 2 + 2 with a restart, equal "
                "to the last bit?"
            ),
            because="the state holds all that the run depends on, dropout and shuffling included",
        )
        check.equal(
            resume(kind_name)["same history"],
            True,
            given=f"{kind_name}: the same history after 4 epochs and after 2 + 2?",
        )
        check.equal(
            resume(kind_name)["in place"],
            True,
            given=f"{kind_name}: do the parameters have the same arrays as before?",
            because="others hold on to them: write into them",
        )

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
            return [
                str(value.tolist()) if isinstance(value, np.ndarray) else str(value)
                for value in collect_run(trainer).values()
            ]

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
        check.equal(
            damage(name, value, delete)["error"],
            "ValueError",
            given=f"a state with {what}: the error",
            because="what does not fit must be refused",
        )
        check.equal(
            damage(name, value, delete)["unchanged"],
            True,
            given=f"a state with {what}: is everything as before?",
            because="first everything that can fail, then everything that changes",
        )


test_training_restore()

# %% [markdown]
"""
## Part 8: Knowing when to stop

A network with enough weights can learn its examples by heart. So the digits are divided: those it
learns from (*training set*) and those it is only judged by (*validation set*). To see the effect in
seconds, let a network of 64 hidden units learn from 100 digits only, for far too long.

**What will you see?** The training loss, the validation loss and the validation accuracy, over 60
epochs: which of the three keeps falling, which turns, and where? Draw them first. If you could look
at the curves so far after every epoch, when would *you* have stopped?
"""

# %%
def overfitting_run(epochs=60, drop=0.0):
    """A trainer after so many epochs on 100 digits, judged after each."""
    np.random.seed(0)
    model = Sequential(Linear(64, 64), ReLU(), Dropout(drop), Linear(64, 10))
    trainer = Trainer(model, Adam(model.parameters(), lr=0.02), CrossEntropyLoss())
    for _ in range(epochs):
        trainer.train_epoch(shuffled_batches(rows[:100], labels[:100], 20))
        trainer.evaluate(judged)
    return trainer


overfitted = overfitting_run()
print("epoch   training loss   validation loss   gap   validation accuracy")
for epoch in (1, 3, 8, 15, 30, 60):
    train, valid, share = (overfitted.history[name][epoch - 1]
                           for name in ("train_loss", "eval_loss", "eval_accuracy"))
    print(f"{epoch:>5} {train:>15.3f} {valid:>17.3f} {valid - train:>5.2f} {share:>21.1%}")

# %%
try:
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    count = range(1, 61)
    left.plot(count, overfitted.history["train_loss"], label="training: 100 digits it learns from")
    left.plot(count, overfitted.history["eval_loss"], label="validation: 200 it never learns from")
    best = int(np.argmin(overfitted.history["eval_loss"])) + 1
    left.axvline(best, color="grey", linestyle=":", label="the best epoch to stop")
    left.set(xlabel="epoch", ylabel="loss", ylim=(0, 1.5), title="The gap: learned by heart")
    left.legend(fontsize="small")
    right.plot(count, overfitted.history["eval_accuracy"], color="tab:orange")
    right.axvline(best, color="grey", linestyle=":")
    right.set(xlabel="epoch", ylabel="validation accuracy", ylim=(0, 1),
              title="The accuracy does not show it")
    plt.show()
except ImportError:
    print("Without matplotlib you miss two curves that part, and a third that stays level.")

# %% [markdown]
"""
The training loss goes to zero: nothing is left to learn from these examples. The validation loss
turns early and climbs. That is **overfitting**, and the gap between the two is its measure. The
accuracy hardly notices: the network is not wrong more often, if anything less; it becomes *surer*
of its mistakes, and cross-entropy charges for that.

The remedy costs no more than the digits you set aside: keep the best epoch, and stop when there has
been no better one for a while (*early stopping*). You cannot see the future of the curve, so you
need **patience**: how many epochs you wait for another record. Which of the two curves should break
the record? The accuracy moves in steps of half a per cent and ties for epochs on end; the loss
tells two equal accuracies apart. What you keep is a checkpoint.
"""

# %% nbgrader={"grade": false, "grade_id": "training_patience", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def train_with_patience(
    trainer: Trainer,
    train_batches: Callable[[], Iterable[tuple[Tensor, Tensor]]],
    validation_batches: list[tuple[Tensor, Tensor]],
    path: str | os.PathLike,
    epochs: int,
    patience: int,
) -> int:
    """Train until the validation loss has stopped falling, then go back to its best epoch.

    An epoch is: train, then evaluate. It is a new best when its validation loss is below every
    earlier one of this call. Training ends after `epochs` epochs, or as soon as `patience` epochs
    in a row were no new best. Then the trainer is in the state it had after the best epoch, and
    `path` is that epoch's checkpoint.

    Args:
        train_batches: called once for each epoch, gives its batches.
        validation_batches: what every epoch is judged by.
        epochs, patience: at least 1 each. Only a wrong patience is refused.

    Returns:
        The number of epochs that this call trained (trainer.epoch tells which was the best).

    Raises:
        ValueError: patience is below 1. The message contains "patience"; nothing was trained.
        FloatingPointError: no epoch had a finite validation loss. Nothing was saved or loaded.

    Example:
        validation losses 3, 1, 2, 2.5 with patience 2: four epochs; the second is the best
    """
    ### BEGIN SOLUTION
    if patience < 1:
        raise ValueError(f"patience must be at least 1, got {patience}")
    best, trained, waited = math.inf, 0, 0
    while trained < epochs and waited < patience:
        trainer.train_epoch(train_batches())
        loss, _ = trainer.evaluate(validation_batches)
        trained += 1
        waited += 1
        if loss < best:
            best, waited = loss, 0
            trainer.save_checkpoint(path)
    if not math.isfinite(best):
        raise FloatingPointError("no epoch had a finite validation loss")
    trainer.load_checkpoint(path)
    return trained
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* which epochs are trained, saved and loaded for several courses of the loss, ties,
`nan`, the errors, fresh batches for every epoch, and a real run.
"""

# %% nbgrader={"grade": true, "grade_id": "test_training_patience", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@probe
def course(losses, epochs, patience, earlier=()):
    """Run with a trainer whose validation losses are given; what was called, and the result.

    Before it, the trainer has trained one epoch for each of the losses `earlier`.
    """
    events, made, names = [], [], ("train_loss", "learning_rates", "eval_loss", "eval_accuracy")

    class Scripted:
        def __init__(self):
            self.epoch = self.step = len(earlier)
            self.history, self.saved = {name: list(earlier) for name in names}, None

        def train_epoch(self, batches):
            self.epoch, self.step = self.epoch + 1, self.step + 1
            events.append(f"train on {batches}")
            self.history["train_loss"].append(1 / self.epoch)  # it falls and falls
            self.history["learning_rates"].append(0.1)
            return 1 / self.epoch

        def evaluate(self, batches):
            events.append(f"judge by {batches}")
            loss = losses[self.epoch - len(earlier) - 1]
            self.history["eval_loss"].append(loss)
            self.history["eval_accuracy"].append(0.5)
            return loss, 0.5

        def save_checkpoint(self, path):
            events.append(f"save {path}")
            copied = {name: list(values) for name, values in self.history.items()}
            self.saved = self.epoch, self.step, copied

        def load_checkpoint(self, path):
            events.append(f"load {path}")
            if self.saved is None:
                raise FileNotFoundError(f"there is no {path}: nothing was ever saved there")
            self.epoch, self.step, self.history = self.saved

    def fresh():
        made.append(0)
        return f"batches {len(made)}"

    trainer = Scripted()
    arguments = trainer, fresh, "the others", "best.ckpt", epochs, patience
    try:
        result = train_with_patience(*arguments)
    except (ValueError, FloatingPointError) as error:
        result = type(error).__name__ + (": patience" if "patience" in str(error) else "")
    saved = [events[:k].count("judge by the others") for k, e in enumerate(events) if "save" in e]
    return {"result": result, "best": trainer.epoch, "saved": saved, "events": events}


@probe
def real_run():
    """A model that is best at the start and then gets worse: where does it end up?"""
    model = Linear(1, 1, bias=False)
    model.weight.data[...] = 1.0
    trainer = Trainer(model, SGD([model.weight], lr=0.25), MSELoss())
    learn, judge = (Tensor([[1.0]]), Tensor([[3.0]])), (Tensor([[1.0]]), Tensor([[2.0]]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "best"
        trained = train_with_patience(trainer, lambda: iter([learn]), [judge], path, 50, 3)
    return [trained, trainer.epoch, model.weight.item(), len(trainer.history["eval_loss"])]


def test_training_patience():
    """It waits, it stops, and it goes back to the best."""
    bend = [4.0, 3.0, 2.0, 1.5, 1.0, 2.0, 2.2, 2.5, 2.6, 0.5]
    check.equal(course(bend, 10, 3)["result"], 8,
                given=f"losses {bend}, patience 3: epochs trained",
                because="epochs 6, 7 and 8 were no new best: three in a row")
    check.equal(course(bend, 10, 3)["saved"], [1, 2, 3, 4, 5],
                given=f"losses {bend}, patience 3: the epochs after which it was saved",
                because="a checkpoint is kept for each new best, and for no other")
    check.equal(course(bend, 10, 3)["best"], 5,
                given=f"losses {bend}, patience 3: the epoch at the end",
                because="the state of the best epoch is loaded")
    check.equal([course(bend, 10, 5)[name] for name in ("result", "best")], [10, 10],
                given=f"losses {bend}, patience 5: [epochs trained, epoch at the end]",
                because="a new best comes in time, in the last epoch")
    check.equal([course(bend, 7, 9)[name] for name in ("result", "best")], [7, 5],
                given=f"losses {bend}, at most 7 epochs, patience 9: [trained, epoch at the end]",
                because="it ends after `epochs` epochs at the latest, and goes back even then")
    slow = [5.0, 4.0, 4.5, 4.2, 3.0]
    check.equal([course(slow, 5, 2)[name] for name in ("result", "best")], [4, 2],
                given=f"losses {slow}, patience 2: [trained, epoch at the end]",
                because="4.2 is less than the 4.5 before it, but no new best")
    uneven = [3.0, 3.5, 2.0, 2.5, 1.0, 1.5, 1.6]
    check.equal([course(uneven, 7, 2)[name] for name in ("result", "best")], [7, 5],
                given=f"losses {uneven}, patience 2: [trained, epoch at the end]",
                because="each new best starts the waiting anew; only 1.5 and 1.6 are two in a row")
    check.equal([course(slow, 5, 2, [0.5])[name] for name in ("result", "best")], [4, 3],
                given=f"losses {slow}, patience 2, after one earlier epoch that reached 0.5: "
                      "[trained, epoch at the end]",
                because="only the losses of this call count: its second epoch was its best, the "
                        "third of the trainer")
    falling, before = [3.0, 2.0, 1.0], [6.0, 5.5, 5.0, 4.5, 4.0]
    check.equal([course(falling, 3, 2, before)[name] for name in ("result", "best")], [3, 8],
                given=f"losses {falling}, at most 3 epochs, a trainer that has done 5 before: "
                      "[trained, epoch at the end]",
                because="`epochs` counts the epochs of this call; trainer.epoch counts all")
    level = [2.0, 2.0, 2.0, 1.0]
    check.equal([course(level, 4, 2)[name] for name in ("result", "best")], [3, 1],
                given=f"losses {level}, patience 2: [trained, epoch at the end]",
                because="as good as the best is not better")
    nan = float("nan")
    check.equal([course([1.0, nan, nan, 0.5], 4, 2)[name] for name in ("result", "best")], [3, 1],
                given="losses 1, nan, nan, 0.5, patience 2: [trained, epoch at the end]",
                because="nan is no improvement")
    check.equal(course([nan, float("inf")], 2, 5)["result"], "FloatingPointError",
                given="losses nan and inf", because="there is no best epoch to go back to")
    check.equal([e for e in course([nan, nan], 2, 5)["events"] if "ckpt" in e], [],
                given="losses nan and nan: what is saved and loaded",
                because="a file of an earlier run may lie there")
    nothing = {"result": "ValueError: patience", "best": 0, "saved": [], "events": []}
    check.equal(course(bend, 10, 0), nothing, given="patience 0",
                because="an epoch must have a chance; refused before anything is trained")
    wanted = ["train on batches 1", "judge by the others", "save best.ckpt",
              "train on batches 2", "judge by the others", "load best.ckpt"]
    check.equal(course([1.0, 2.0], 9, 1)["events"], wanted,
                given="losses 1, 2, patience 1: the calls",
                because="batches are made for each epoch; the best state is loaded at the end")
    check.equal(real_run(), [4, 1, 2.0, 1],
                given="a weight that passes its best value 2 after the first epoch, patience 3: "
                      "[trained, epoch, weight, evaluations in the history]",
                because="model, counters and history all go back to the best epoch")


test_training_patience()

# %% [markdown]
r"""
# Use

## Real digits, from the first step to the last mistake

Everything together, on all of TinyDigits: 800 digits to learn from, 200 to choose the best epoch
by, and the 200 of the test set, which this module has not looked at so far.

**What do you expect?** Will the test accuracy be above, below or equal to the best validation
accuracy? And what is the *first* thing you would do to make the gap of Part 8 smaller?
"""

# %%
def digits_run(examples, drop):
    """Train with patience; (trainer, epochs trained, training loss without dropout, test)."""
    np.random.seed(1)
    model = Sequential(Linear(64, 64), ReLU(), Dropout(drop), Linear(64, 10))
    trainer = Trainer(model, Adam(model.parameters()), CrossEntropyLoss(),
                      CosineSchedule(0.01, 0.0005, 60), grad_clip_norm=5.0)
    with tempfile.TemporaryDirectory() as folder:
        trained = train_with_patience(
            trainer, lambda: shuffled_batches(rows[:examples], labels[:examples], 20), judged,
            Path(folder) / "best.ckpt", epochs=60, patience=10,
        )
    seen = [(Tensor(rows[:examples]), Tensor(labels[:examples]))]
    unseen = [(Tensor(test_images.reshape(-1, 64)), Tensor(test_labels))]
    off = evaluate_model(model, CrossEntropyLoss(), seen)[0]
    return trainer, trained, off, evaluate_model(model, CrossEntropyLoss(), unseen)


runs = []
print("                                  training loss     validation           test")
print("digits  dropout  trained  best    at work     off    loss  accuracy    loss  accuracy")
for examples, drop in [(100, 0.0), (100, 0.5), (800, 0.0), (800, 0.5)]:
    trainer, trained, off, (loss, accuracy) = digits_run(examples, drop)
    runs.append(trainer)
    print(f"{examples:>6} {drop:>8} {trained:>8} {trainer.epoch:>5} "
          f"{trainer.history['train_loss'][-1]:>10.3f} {off:>7.3f} "
          f"{trainer.history['eval_loss'][-1]:>7.3f} {trainer.history['eval_accuracy'][-1]:>9.1%} "
          f"{loss:>7.3f} {accuracy:>9.1%}")

# %% [markdown]
"""
More data is the best remedy, by far. Dropout seems to narrow the gap too. Look at the validation
loss, though: it hardly moves. What has changed is the other number, because `train_epoch` measures
the *training* loss with dropout at work. Judge the same digits with dropout off (`evaluate_model`,
the column "off"), and most of the narrowing, or all of it, is gone.

And in every row the test accuracy is probably above the validation accuracy. That is no merit of
the network: these 200 validation digits happen to be the harder ones, whoever reads them (try other
seeds). Two hundred digits can be lucky or unlucky, by a per cent or two at least, and repeating the
*training* does not average it out: only other digits would. (Strictly, you have looked at the test
set three times too often: choose among the four rows by their validation loss, then look once.)

So take the row with the lowest validation loss. Which digits does its model misread, and can you
blame it?
"""

# %%
trainer = min(runs, key=lambda run: run.history["eval_loss"][-1])
scores = Softmax()(trainer.model.eval()(Tensor(test_images.reshape(-1, 64)))).data
answers = scores.argmax(axis=1)
misread = np.flatnonzero(answers != test_labels)
misread = misread[np.argsort(-scores[misread].max(axis=1))]  # the surest mistake first
print("misread:", ", ".join(f"{test_labels[k]} as {answers[k]}" for k in misread))
try:
    import matplotlib.pyplot as plt

    shown = misread[:7]
    size = {"figsize": (1.5 * max(len(shown), 3), 2.1), "layout": "constrained"}
    figure, axes = plt.subplots(1, max(len(shown), 1), squeeze=False, **size)
    figure.suptitle("Misread by your network, the surest mistake first")
    for axis, k in zip(axes[0], shown, strict=False):
        axis.imshow(test_images[k], cmap="gray_r")
        axis.set(xticks=[], yticks=[])
        axis.set_title(f"a {test_labels[k]}, read as {answers[k]}\n{scores[k].max():.0%} sure",
                       fontsize=8)
    plt.show()
except ImportError:
    print("Without matplotlib you miss their pictures: some of them would fool you as well.")

# %% [markdown]
"""
Look at a misread digit before you change a learning rate. Some are written so that a person
hesitates, too: no schedule will cure those. Others are clear and still misread: a matter for better
layers, from Module 09 on.

## A boundary that bends, and a power cut

Three arms of a spiral, three classes, and no straight line that separates them. Half-way through
the run the "power" fails: a new trainer, with other random weights, loads the file and carries on.

**What will you see?** Where are the boundaries after 0 epochs, 1, 4 and 15? And will the resumed
run end with the same parameters, bit for bit?
"""

# %%
def spiral(samples, seed):
    """Points on three spiral arms and the number of the arm of each."""
    rng = np.random.default_rng(seed)
    radius, arm = rng.uniform(0.1, 1.0, samples), rng.integers(0, 3, samples)
    angle = 4 * radius + arm * (2 * np.pi / 3) + rng.normal(0, 0.08, samples)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), arm


def make_run():
    """A fresh trainer for the spiral."""
    model = Sequential(Linear(2, 64), Tanh(), Dropout(0.1), Linear(64, 3))
    optimizer = Adam(model.parameters())
    schedule = CosineSchedule(max_lr=0.05, min_lr=0.001, total_epochs=60)
    return Trainer(model, optimizer, CrossEntropyLoss(), schedule, grad_clip_norm=1.0)


def regions(model, width=120):
    """The class that the model gives to each point of a square, as a picture."""
    line = np.linspace(-1.1, 1.1, width)
    points = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    with no_grad(), evaluation_mode(model):
        return model(Tensor(points)).data.argmax(axis=1).reshape(width, width)


arms, arm = spiral(600, seed=0)
np.random.seed(0)
whole, pictures = make_run(), {}
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "spiral.ckpt"
    for epoch in range(61):
        if epoch in (0, 1, 4, 15):
            pictures[epoch] = regions(whole.model)
        if epoch == 30:
            whole.save_checkpoint(path)
            size = path.stat().st_size
        if epoch < 60:
            whole.train_epoch(shuffled_batches(arms, arm, 32))
    resumed = make_run()
    resumed.load_checkpoint(path)
print(f"power cut; resumed at epoch {resumed.epoch}, step {resumed.step}, from {size:,} bytes")
while resumed.epoch < 60:
    resumed.train_epoch(shuffled_batches(arms, arm, 32))
pairs = zip(whole.model.parameters(), resumed.model.parameters(), strict=True)
print("the same parameters, bit for bit:", all(np.array_equal(a.data, b.data) for a, b in pairs))
print("the same history:", whole.history == resumed.history)

# %%
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 4, figsize=(11, 3.1), layout="constrained")
    figure.suptitle("Which arm is a point on? The boundary of your network, by epoch")
    for axis, (epoch, picture) in zip(axes, pictures.items(), strict=True):
        square = {"extent": (-1.1, 1.1, -1.1, 1.1), "origin": "lower"}
        axis.imshow(picture, cmap="Pastel1", vmin=0, vmax=8, **square)
        axis.scatter(*arms.T, c=arm, s=4, cmap="Set1", vmin=0, vmax=8)
        axis.set(xticks=[], yticks=[], title=f"epochs finished: {epoch}")
    plt.show()
except ImportError:
    print("Without matplotlib you miss three straight borders that slowly roll into a spiral.")

# %% [markdown]
"""
A fresh network cuts the plane with nearly straight lines, learns the coarse cut first, and bends it
later. And the interruption has left no trace: same bits, same history.

# Reflect

## What it costs

### Experiment 1: what a schedule buys

A noisy problem: 20 weights, 200 samples, batches of 4. The best weights are known
(`np.linalg.lstsq` finds them), so you can measure how far away the model is after each epoch.

**Predict:** with a rate of 0.03, with 0.0003, and with a cosine from the one to the other: which
two are level after one epoch, and which is nearest after forty?
"""

# %%
class ConstantRate:
    """A rate that never changes."""

    def __init__(self, lr):
        self.lr = lr

    def get_lr(self, epoch):
        return self.lr


def distance_to_best(schedule, epochs=40, repeats=5):
    """Mean distance between the weights and the best ones after each epoch."""
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


results = {
    "constant 0.03": distance_to_best(ConstantRate(0.03)),
    "constant 0.0003": distance_to_best(ConstantRate(0.0003)),
    "cosine 0.03 to 0.0003": distance_to_best(CosineSchedule(0.03, 0.0003, 40)),
}
shown = (1, 5, 20, 30, 40)
print("distance after epoch  ", "".join(f"{epoch:>8}" for epoch in shown))
for name, distances in results.items():
    print(f"{name:<22}", "".join(f"{distances[epoch - 1]:>8.3f}" for epoch in shown))
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    for name, distances in results.items():
        axes.semilogy(range(1, 41), distances, label=name)
    axes.set(xlabel="epochs finished", ylabel="distance to the best weights",
             title="A large rate never arrives, a small one creeps, the cosine does both parts")
    axes.legend()
    plt.show()
except ImportError:
    print("Without matplotlib you miss the three curves of this table.")

# %% [markdown]
"""
The large rate is near the answer after one epoch and never arrives: each noisy batch throws it
about by the length of a step. The small rate creeps. The cosine has the speed of the one and ends
where the other would arrive only after many more epochs.

### Experiment 2: one bad batch

A data file was read wrongly: in one batch of digits the labels have slipped by one row, and the
pixels are 0 to 255 instead of 0 to 1.

**Predict:** the validation loss right after that step and a hundred steps later, without clipping
and with `grad_clip_norm=1`. And will the network without clipping recover?
"""

# %%
def run_with_bad_batch(grad_clip_norm, steps=200, bad_at=100):
    """Validation loss and number of active hidden units after each step; one batch is broken."""
    np.random.seed(0)
    hidden = Sequential(Linear(64, 32), ReLU())
    model = Sequential(hidden, Linear(32, 10))
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses, active = [], []
    for step in range(1, steps + 1):
        chosen = np.random.permutation(800)[:32]
        x, y = rows[chosen], labels[chosen]
        if step == bad_at:
            x, y = x * 255, np.roll(y, 1)
        batch = Tensor(x), Tensor(y)
        train_step(model, optimizer, CrossEntropyLoss(), [batch], grad_clip_norm)
        losses.append(evaluate_model(model, CrossEntropyLoss(), judged)[0])
        with no_grad():  # a unit is active if its ReLU is above 0 for at least one digit
            active.append(int((hidden(Tensor(rows)).data > 0).any(axis=0).sum()))
    return losses, active


print("after step                            99        100        101        120        200")
runs = {norm: run_with_bad_batch(norm) for norm in (None, 1.0)}
for norm, (losses, active) in runs.items():
    print(f"grad_clip_norm={norm}")
    for name, numbers in (("validation loss", losses), ("active units of 32", active)):
        at = " ".join(f"{numbers[step - 1]:>10.4g}" for step in (99, 100, 101, 120, 200))
        print(f"  {name:<26} {at}")
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    for norm, (losses, _) in runs.items():
        axes.semilogy(range(1, 201), losses, label=f"grad_clip_norm={norm}")
    axes.axvline(100, color="grey", linestyle=":", label="the bad batch")
    axes.set(xlabel="step", ylabel="validation loss",
             title="One bad batch: ruin without clipping, a ripple with it")
    axes.legend()
    plt.show()
except ImportError:
    print("Without matplotlib you miss a peak from which one of two curves never comes back.")

# %% [markdown]
"""
Without clipping a single batch out of two hundred ruins the network, and the velocity goes on
pushing in the wrong direction when the batch is gone. A hundred good batches do not repair it,
because most hidden units are dead: their ReLU is 0 for every digit, so no gradient reaches them any
more. (A loss of 2.3 is ln 10, a guess among ten digits.) With clipping, that batch moves the
weights by no more than any other gradient of length 1 would.

### Experiment 3: the memory of a step

The same 1,024 samples in one batch, and in 4, 16 or 64 that accumulate. `tracemalloc` measures the
peak of what NumPy allocates during a step, beyond parameters and optimizer state.

**Predict:** 64 times as many batches: is the peak a 64th? What is the least it can be? (The model
has 85,002 parameters: 0.34 MB. Its largest weight alone has 0.26 MB.)
"""

# %%
def peak_of_step(pieces):
    """Peak bytes allocated in one accumulated step, its time, and the weights' sum after all."""
    np.random.seed(0)
    model = Sequential(Linear(64, 256), Tanh(), Linear(256, 256), Tanh(), Linear(256, 10))
    optimizer = Adam(model.parameters())
    x, y = np.random.randn(1024, 64), np.arange(1024) % 10
    cut = np.array_split(np.arange(1024), pieces)
    batches = [(Tensor(x[piece]), Tensor(y[piece])) for piece in cut]
    times = []
    for _ in range(2):
        start = time.perf_counter()
        train_step(model, optimizer, CrossEntropyLoss(), batches)
        times.append(time.perf_counter() - start)
    tracemalloc.start()
    train_step(model, optimizer, CrossEntropyLoss(), batches)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak, min(times), float(sum(parameter.data.sum() for parameter in model.parameters()))


print("batches   peak in MB   ms on your machine   sum of weights afterwards")
for pieces in (1, 4, 16, 64):
    peak, seconds, total = peak_of_step(pieces)
    print(f"{pieces:>7} {peak / 1e6:>12.2f} {seconds * 1e3:>19.2f} {total:>27.3f}")

# %% [markdown]
"""
Accumulation leaves the result alone (up to rounding) and lowers the peak at first almost in
proportion, then hardly at all: there is a **floor** that no cutting removes. What piles up is the
gradient of every parameter, and while a new gradient of the largest weight is added to its old one,
that new one and the sum may lie in memory beside them. All of this depends on the model only. So
accumulate until the batch no longer decides the peak, and not further: from some point on, small
pieces only cost time.

## Questions

**1.** A run of 100 epochs, 1 GB per checkpoint. Keeping all of them takes 100 GB; keeping one is
dangerous. Which of the 100 would you miss, and when?

<details><summary>Answer</summary>

Keep, for example, the last three (a crash costs one epoch at most, and a run that has gone wrong is
not all you have), the best by validation loss, and one in 25 as a base for experiments: about 7 or
8 GB. Atomic writing is what makes even "the last one" safe to overwrite.
</details>

**2.** A checkpoint takes 20 seconds to write, and the machine fails about once in 40 hours. How
often do you save? What are the two costs, and where are they equal?

<details><summary>Answer</summary>

Saving every t hours costs 20 s per t, which is 0.0056 / t of the time. A failure costs t / 2 on
average, once in 40 hours: t / 80. The sum 0.0056 / t + t / 80 is smallest where both are equal:
t = √(0.0056 · 80) ≈ 0.67 h, every 40 minutes. That costs 1.7 % of the time; half or twice as often
costs 2.1 %, so there is no need to be exact.
</details>

**3.** (Transfer.) A layer subtracts from each number the mean *of its batch*. Does a group of
accumulated batches still equal the one large batch?

<details><summary>Answer</summary>

No. Each small batch subtracts its own mean, so the outputs themselves differ, and no weight of the
losses can repair that. Accumulation is exact as long as each sample is computed by itself. Layers
of this kind exist (batch normalisation), and with them the size of the pieces matters.
</details>

**4.** (Transfer.) A colleague tries 200 combinations of learning rate, width and patience, and
reports the best *test* accuracy: 97.5 % on 200 digits. What do you expect on the next 200?

<details><summary>Answer</summary>

Less. One digit is half a per cent, so among 200 tries the best is partly the luckiest: the test set
has been used to choose, as if it were a validation set. Choose by the validation set; look at the
test set once, at the end.
</details>

**5.** You resume your spiral on another computer. The parameters after 60 epochs differ in the last
digits. Is the checkpoint broken?

<details><summary>Answer</summary>

Probably not. Another processor, or another number of threads, adds up the terms of a matrix product
in another order, and float32 sums depend on the order. The checkpoint restores the state exactly;
what follows is bit-exact only where the arithmetic is.
</details>

**6.** Two machines compute the gradients of half a batch each, and the gradients are then averaged.
Should each machine clip its own before that?

<details><summary>Answer</summary>

No: for the same reason as with accumulation. Two opposite halves may be long while their mean is
short, and clipped halves no longer have the right proportion. Average first, clip once.
</details>

**7.** At epoch 8 the validation loss is lowest; at epoch 40 it is higher, and the accuracy is half
a per cent better. Which model would you give to a doctor? (There is no answer at the back.)

## Common errors

The messages are those of a reference; your own functions may use other words.

| what you see | what it means | what to do |
|---|---|---|
| `ValueError: the dataloader gave no batches` | walked before | make a new one for each pass |
| `FloatingPointError: the gradient norm is nan` | overflow | look at the batch, lower the rate |
| the loss is `nan`, no error | nobody looks at the norm | `grad_clip_norm=math.inf` |
| the loss falls, then stalls | the schedule is given steps | give it the epoch |
| the loss climbs from step to step | gradients are not cleared | `zero_grad()` before each |
| evaluation differs from run to run | dropout at work | `evaluation_mode` |
| more right answers than answers | (N, 1) compared with (N,) | flat arrays |
| `CheckpointError: … not a readable checkpoint` | half a file, or foreign | load an earlier one |
| `CheckpointError: … but not of this run` | built differently | build all as it was |
| a resumed run differs | it draws from elsewhere | use `np.random` alone |
| a resumed run differs | numbers drawn after loading | draw nothing before going on |

## In production

The same run in PyTorch, beside yours:

```
 TinyTorch                             PyTorch
 optimizer = SGD(params, lr=0.1)       optimizer = SGD(params, lr=0.1)
 schedule = CosineSchedule(            schedule = CosineAnnealingLR(
     0.1, 0.01, 9)                         optimizer, 9, 0.01)
 trainer = Trainer(model, optimizer,
     loss_fn, schedule, 1.0)
 for epoch in range(9):                for epoch in range(9):
     trainer.train_epoch(batches())        model.train()
                                           for x, y in batches():
                                               optimizer.zero_grad()
                                               loss = loss_fn(model(x), y)
                                               loss.backward()
                                               clip_grad_norm_(params, 1.0)
                                               optimizer.step()
                                           schedule.step()
     trainer.evaluate(judged)              model.eval()
                                           with torch.no_grad(): ...
     trainer.save_checkpoint(              torch.save({...}, "run.pt")
         "run.ckpt")
```

In words: what PyTorch leaves to you line by line, your trainer does in one call. Libraries on top
of PyTorch (Lightning, Hugging Face's Trainer) have the same shape as yours and add several devices,
16-bit numbers and callbacks. `torch.save` writes a pickle. Since version 2.6 `torch.load` refuses
by default to run what is in it, and for exchange the field has moved to formats without code, for
the reason you met in Part 7.

## Read the source

> **`torch/nn/utils/clip_grad.py`**, the function `clip_grad_norm_`.
>
> *Look for:* the total norm is found in one function (`_get_total_norm`) and the gradients are
> scaled in another (`_clip_grads_with_norm_`); the factor is `max_norm / (norm + 1e-6)`, cut off at
> 1; and a comment says why they multiply even by 1 (an `if` would make the GPU wait).
>
> *Simpler in ours:* one device, one dtype, so one loop; theirs groups the gradients by both.
>
> *Different in behaviour:* with a `nan` in one gradient, theirs returns a norm of `nan` and turns
> **all** gradients into `nan`, without a word, unless you ask for `error_if_nonfinite=True`. With
> finite gradients of 3e30 and 4e30 its float32 norm is infinite, and it sets them to 0. Theirs also
> writes into the old gradients, ours makes new ones. And `CosineAnnealingLR`, in
> `torch/optim/lr_scheduler.py`, rises again after `T_max`: ten epochs into a run that was planned
> for five, it is back at the top. Yours stays down.

## Further reading

- Zhang et al., *OPT: Open Pre-trained Transformer Language Models* (2022), and its logbook: what
  the training of a large model is like, day by day.
- Pascanu, Mikolov, Bengio, *On the Difficulty of Training Recurrent Neural Networks* (2013): where
  clipping by the norm comes from, with a picture of the cliff that it saves you from.
- Goyal et al., *Accurate, Large Minibatch SGD* (2017): warm-up, batch size and learning rate, told
  by people who list what went wrong.

## All together
"""

# %%
def test_module():
    """All tests of the module, then a checkpoint in a real file, whole and cut in half."""
    test_training_schedule()
    test_training_warmup()
    test_training_clip()
    test_training_step()
    test_training_correct()
    test_training_evaluation_mode()
    test_training_evaluate()
    test_training_epoch()
    test_training_loop()
    test_training_collect()
    test_training_write()
    test_training_restore()
    test_training_patience()

    @probe
    def half_a_checkpoint():
        """What loading the first half of a file says, and the epoch of the trainer after that."""
        x, y = spiral(60, seed=2)
        trainer, resumed = make_run(), make_run()
        trainer.train_epoch(shuffled_batches(x, y, 32))
        with tempfile.TemporaryDirectory() as folder:
            there = Path(folder) / "runs" / "spiral"
            trainer.save_checkpoint(there)
            resumed.load_checkpoint(there)
            trainer.train_epoch(shuffled_batches(x, y, 32))
            trainer.save_checkpoint(there)
            whole = there.read_bytes()
            there.write_bytes(whole[: len(whole) // 2])
            try:
                resumed.load_checkpoint(there)
                return "nothing was raised", resumed.epoch
            except CheckpointError as error:
                told = "the file is named" if str(there) in str(error) else str(error)
                return told, resumed.epoch

    check.equal(half_a_checkpoint(), ("the file is named", 1),
                given="a checkpoint cut in half, after one that was whole",
                because="CheckpointError names the file, and a refused file changes nothing")
    print("Module 07: all tests passed. You can train, stop, and carry on.")


test_module()

# %% [markdown]
"""
## What this unlocks

The Foundation tier is complete: from a tensor to a network that reads handwriting, and you wrote
every idea in it. Hand it in with `tito module complete 07`. Then try:

```python
from tinytorch import SGD, Linear, MSELoss, Tensor, Trainer
x, line = Tensor([[-1], [-0.5], [0], [0.5], [1]]), Linear(1, 1)
trainer = Trainer(line, SGD(line.parameters(), lr=0.5), MSELoss())
print([round(trainer.train_epoch([(x, x * 2.0 - 1.0)]), 4) for _ in range(8)])
```

The milestones *Perceptron* and *XOR* are open (`tito milestone run xor`). Module 08 replaces
`shuffled_batches` for data sets of any size, and opens *MLP*, where a network reads handwriting;
from Module 09 on, better layers go into your loop.
"""
