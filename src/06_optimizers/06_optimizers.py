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
# Module 06: Optimizers

**Foundation** | ●●○○ | 5-6 hours | Prerequisites: 01-05

After `loss.backward()` every parameter knows in which direction the loss rises. Nothing has been
learned yet: the numbers in the network are still the ones you started with. Today you take the
step. How far to go, what to remember of the steps before, and how to keep weights small on the way:
those are three questions, and SGD, Adam and AdamW are three answers. At the end your framework
learns to read handwritten digits, and you measure what the most important number in this field,
the learning rate, does to it.

## Where this comes from

In 2017, in Freiburg, Ilya Loshchilov and Frank Hutter looked into a puzzle. Adam, then three years
old, learned faster than plain gradient descent on almost everything, and yet the networks that won
at recognising images were still trained with the older rule. The cause they found was one line, the
same in every popular library: to keep weights small, a bit of the weight was added to its gradient.
For the old rule that shrinks all weights alike. In Adam the very same line shrinks some weights a
hundred times faster than others. For years nobody had noticed, because the code looked right and
the loss went down. In Part 5 you see it happen, and repair it.

## Where this module stands

```
 01 Tensor    data, requires_grad ──┐
 03 Layers    parameters() ─────────┼─►  06 Optimizers   ─►  07 Training
 05 Autograd  parameter.grad ───────┘    grad -> new data    later modules
```

In words: an optimizer never sees a layer or a loss. It gets a list of tensors once, and from then
on finds everything it needs in their `data` and `grad`. That is why the classes of today will train
any model of the later modules without a change.

## What you will be able to do

1. **Write** the loop that every optimizer shares, in place, and say who may change which array.
2. **Explain** what is stochastic about stochastic gradient descent, and how batch size matters.
3. **Write** SGD with momentum and weight decay, and say what a velocity adds up.
4. **Derive** Adam's bias correction, and measure the first steps without it.
5. **Show** why AdamW takes the decay out of the gradient.
6. **Find** a learning rate from a plot, and name the signs of one that is too small or too large.
7. **Work out** what an optimizer costs in memory, and save and restore its state all or nothing.

## What you build

| part | you write | idea |
|---|---|---|
| 1 | `check_parameters` | what may be optimized at all |
| 2 | `zero_grad`, `step` | the loop; each class brings its own rule |
| 3 | `add_weight_decay`, `zero_buffers`, `update_velocity`, `SGD` | a noisy step, with memory |
| 4 | `update_moments`, `adam_direction`, `Adam` | a step size for every single number |
| 5 | `AdamW` | decay that leaves the averages alone |
| 6 | `check_arrays`, `restore_arrays`, `collect_state`, `restore_state` | state that survives |
| 7 | `Lean` (open) | half of Adam's memory, by a rule of your own |
| 8 | `fine_tune` (bug hunt) | the loss that does not move |

## What you do not build yet

A step size that changes by itself during a run, bounds for gradients that explode, and the loop
around it all: Module 07. Left out for good: second-order methods such as L-BFGS, and state that is
spread over many machines.
"""

# %% [markdown]
"""
## Setup

What your framework needs, what the tests and experiments need, and the digits of the course.
"""

# %%
#| default_exp core.optimizers

# %%
#| export
"""Optimizers: from gradients to better parameters. SGD, Adam, AdamW."""

import math
from collections.abc import Iterable
from functools import cached_property
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from tinytorch.core.tensor import Tensor

# %%
# For the test cells and experiments below; not part of your framework.
import time
import tracemalloc

from tinytorch.core.activations import ReLU
from tinytorch.core.layers import Linear, Sequential
from tinytorch.core.losses import CrossEntropyLoss
from tito.checks import check, probe

# %%
import sys
from pathlib import Path

places = [Path.cwd(), *Path.cwd().parents]
sys.path += [str(place) for place in places if (place / "datasets" / "tinydigits").is_dir()]

from datasets.tinydigits import load_tinydigits

images, labels, test_images, test_labels = load_tinydigits()
pixels, test_pixels = images.reshape(-1, 64), test_images.reshape(-1, 64)


def digits_network(seed=0):
    """A fresh network for TinyDigits: 64 pixels, 32 hidden numbers, 10 classes."""
    np.random.seed(seed)
    return Sequential(Linear(64, 32), ReLU(), Linear(32, 10))


# %% [markdown]
r"""
# Build

## Part 1: What may be optimized

The gradient $\nabla L$ of a loss points uphill. Subtract a little of it, and the loss falls:

$$\theta \leftarrow \theta - \eta \, \nabla L(\theta)$$

$\theta$ is a parameter, $\eta$ the *learning rate*, `lr` in code. All that an optimizer needs for
this is a list of the tensors it may change.

Break it first. Somebody wants smaller initial weights and writes `* 0.1`. The cell then takes one
step against the gradient, and skips a tensor that has none, as an optimizer would.

**What will this print?** Will the loss fall? Will there be an error?
"""

# %%
shrunken = Tensor([1.0, 2.0, 3.0], requires_grad=True) * 0.1
loss = (shrunken * shrunken).sum()
loss.backward()
if shrunken.grad is not None:
    shrunken.data -= 0.1 * np.asarray(shrunken.grad)
print(f"gradient: {shrunken.grad}")
print(f"loss: {loss.item():.4f}, after a step {(shrunken * shrunken).sum().item():.4f}")

# %% [markdown]
"""
No error, and no learning. Gradients arrive at *leaves* only, and `shrunken` is the result of an
operation. An optimizer that accepts such a tensor skips it in silence at every step, and you search
for days. (PyTorch refuses it at the door with `can't optimize a non-leaf Tensor`.) The same goes
for a tensor without `requires_grad`. And a tensor that is in the list twice (weights shared by two
layers) would take two steps at a time. So the list is checked once, at the door. It comes in many
forms: `model.parameters()`, two lists added up, a generator that can be walked only once.

Given: `require_tensor`, and the refusal of a Tensor in place of a list. The rest is yours.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers_parameters", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def require_tensor(index: int, item: Any) -> None:
    """Refuse an item of `params` that is not a Tensor, with its place and its type."""
    if not isinstance(item, Tensor):
        raise ValueError(f"params[{index}] is a {type(item).__name__}, expected a Tensor")


def check_parameters(params: Iterable[Tensor]) -> list[Tensor]:
    """Return the tensors to optimize as a list: each tensor once, at its first place.

    Args:
        params: any iterable of Tensors; it is walked exactly once (it may be a generator). The
            *same object* counts as the same tensor, not equal values.

    Raises:
        ValueError: an item that is not a Tensor, has requires_grad False, or is the result of an
            operation (`getattr(item, "_grad_fn", None)` is not None). The message names the
            place as ``params[i]``, counted from 0.
        ValueError: there is nothing to optimize; the message says "empty".
        ValueError: `params` is itself a Tensor, whose rows are no parameters.

    Example:
        w = Tensor([1.0], requires_grad=True)
        check_parameters(p for p in (w, w))  ->  [w]
    """
    if isinstance(params, Tensor):
        raise ValueError("params is one Tensor, expected a list of them: write [tensor]")
    ### BEGIN SOLUTION
    found: dict[int, Tensor] = {}
    for index, tensor in enumerate(params):
        require_tensor(index, tensor)
        if not tensor.requires_grad:
            raise ValueError(
                f"params[{index}], of shape {tensor.shape}, has requires_grad=False: "
                "it will never receive a gradient"
            )
        if getattr(tensor, "_grad_fn", None) is not None:
            raise ValueError(
                f"params[{index}], of shape {tensor.shape}, is the result of an operation: "
                "gradients arrive at leaves only, so pass the tensors it was computed from"
            )
        found.setdefault(id(tensor), tensor)
    if not found:
        raise ValueError("params is empty: there is nothing to optimize (a used-up generator?)")
    return list(found.values())
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* order, repeats, equal values, generators, and every fault with its place.
"""

# %% nbgrader={"grade": true, "grade_id": "test_optimizers_parameters", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def keep(order, as_generator=False):
    """Which of three parameters (with equal values) come back, by their number."""
    tensors = [Tensor([1.0, 2.0], requires_grad=True) for _ in range(3)]
    given = [tensors[number] for number in order]
    kept = check_parameters((tensor for tensor in given) if as_generator else given)
    return type(kept).__name__, [[t is k for t in tensors].index(True) for k in kept]


def test_optimizers_parameters():
    """The list is walked once, each tensor is kept once, and faults are named by their place."""
    kind, numbers = keep([0, 1])
    check.equal(kind, "list", given="check_parameters([w, b])",
                because="a list can be walked again at every step")
    check.equal(numbers, [0, 1], given="two tensors with equal values",
                because="equal values are still two parameters, and they come back in order")
    check.equal(keep([0, 1, 2], True), ("list", [0, 1, 2]), given="a generator of three tensors",
                because="a generator gives its items only once")
    check.equal(keep([1, 0, 1, 2, 0])[1], [1, 0, 2], given="tensors 1, 0, 1, 2, 0",
                because="a tensor given twice would take two steps at a time")
    w = Tensor([1.0, 2.0], requires_grad=True)
    b = Tensor([1.0, 2.0], requires_grad=True)
    check.raises(ValueError, lambda: check_parameters([]), given="an empty list",
                 mentions=["empty"])
    check.raises(ValueError, lambda: check_parameters([w, "bias"]), given="[w, 'bias']",
                 mentions=["params[1]", "str"])
    check.raises(ValueError, lambda: check_parameters([np.ones(3)]), given="[a NumPy array]",
                 mentions=["params[0]", "ndarray"])
    fixed = Tensor([3.0])
    check.raises(ValueError, lambda: check_parameters([w, b, fixed]), mentions=["params[2]"],
                 given="a third tensor with requires_grad=False")
    scaled = Tensor([3.0], requires_grad=True) * 0.1
    check.raises(ValueError, lambda: check_parameters([scaled]), mentions=["params[0]"],
                 given="Tensor([3.0], requires_grad=True) * 0.1",
                 because="a result is not a leaf: it never receives a gradient")
    check.raises(ValueError, lambda: check_parameters(w), given="a Tensor instead of a list",
                 mentions=["list"])


test_optimizers_parameters()

# %% [markdown]
"""
Given: two helpers. `check_number` guards the numbers that steer an optimizer, its
*hyper-parameters*. A negative or infinite learning rate is never meant, so it is refused, and what
comes back is a plain float: a `np.float64` times a float32 array makes a float64 array, twice the
memory for nothing. `numbered` gives arrays names, for saving.
"""

# %%
#| export
def check_number(name: str, value: Any, below: float) -> float:
    """`value` as a float. ValueError unless it is a real number with 0 <= value < below."""
    if not isinstance(value, Real) or not 0 <= value < below:
        raise ValueError(f"{name} must be a number in [0, {below}), got {value!r}")
    return float(value)


def numbered(name: str, arrays: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays under the names ``name.0``, ``name.1``, …"""
    return {f"{name}.{index}": np.asarray(array) for index, array in enumerate(arrays)}


# %% [markdown]
"""
## Part 2: The loop that all optimizers share

Whatever the rule is, one `step()` always does the same: walk the parameters, skip those that took
no part in this loss (their `grad` is None), and let the rule change the data of the others.

```
            Optimizer                           SGD, Adam, AdamW
  step():   for each parameter
              a gradient? --no--> skip
              | yes
              +- update(index, data, gradient)  <-- a rule for each class
```

In words: the rule sees plain arrays and a number. The number is the parameter's place in the list,
by which a rule finds what it remembers about it.

Two ways to write the rule. **What will this print?** Which of the two moves the parameter?
"""

# %%
def rule_a(data, gradient):
    data = data - 0.1 * gradient


def rule_b(data, gradient):
    data -= 0.1 * gradient


for rule in (rule_a, rule_b):
    weight = Tensor([1.0, 2.0], requires_grad=True)
    rule(weight.data, np.array([5.0, 5.0], dtype=np.float32))
    print(rule.__name__, "->", weight.data)

# %% [markdown]
"""
`data = …` makes a new array and gives it the local name `data`; the parameter never hears of it.
`data -= …` writes into the memory that the parameter has. Hence two rules for everything you write
from here on:

* **In place.** What is updated (data, and what the optimizer remembers) is written into its array.
* **Hands off the gradient.** It belongs to the tensor. Whoever reads it after the step, or adds the
  next batch's gradient to it, must find what autograd left there.

A gradient is usually a Tensor, but some code assigns plain arrays. **What will this print?** Both
have an attribute `.data`. Is it the same thing?
"""

# %%
for gradient in (Tensor([1.0, 2.0]), np.array([1.0, 2.0])):
    print(f"{type(gradient).__name__}.data is a {type(gradient.data).__name__};",
          f"np.asarray gives {np.asarray(gradient, dtype=np.float32)!r}")

# %% [markdown]
"""
The `.data` of a NumPy array is Python's raw view of its memory, and cannot be calculated with.
`np.asarray(gradient, dtype=np.float32)` takes both, and copies nothing that is float32 already.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers_loop", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Optimizer:
    """What all optimizers share: the parameters, the loop over them, the saved state.

    A subclass lists its hyper-parameters in `settings`, brings its rule as `update`, and names
    the arrays that it remembers in `buffers`.
    """

    settings: ClassVar[dict[str, float]] = {}  # name -> the limit that it must stay below

    def __init__(self, params: Iterable[Tensor]):
        self.params = check_parameters(params)
        self.step_count = 0

    def __setattr__(self, name: str, value: Any) -> None:
        """Hyper-parameters are checked whenever they are set, by ``optimizer.lr = …`` too."""
        if name in self.settings:
            value = check_number(name, value, self.settings[name])
        super().__setattr__(name, value)

    def zero_grad(self) -> None:
        """Forget all gradients: every parameter's `grad` becomes None (not an array of zeros).

        backward() *adds* to what is there: without this call, the second step would follow the
        sum of two batches.
        """
        ### BEGIN SOLUTION
        for parameter in self.params:
            parameter.grad = None
        ### END SOLUTION

    def step(self) -> None:
        """Apply `update` once to every parameter that has a gradient.

        `update` receives the parameter's index in `self.params`, its own data array, and its
        gradient as a float32 array. A parameter whose `grad` is None is skipped; the others keep
        their index. `step_count` counts the calls of step() that were completed.

        Raises:
            ValueError: a gradient whose shape is not that of the parameter. The message has
                ``params[i]`` and both shapes. Nothing has moved: the shapes of all parameters
                are checked before the first `update`.

        Example:
            gradients [g0, None, g2]  ->  update(0, ..., g0), update(2, ..., g2)
        """
        ### BEGIN SOLUTION
        moves = []
        for index, parameter in enumerate(self.params):
            if parameter.grad is None:
                continue
            gradient = np.asarray(parameter.grad, dtype=np.float32)
            if gradient.shape != parameter.shape:
                raise ValueError(
                    f"params[{index}] has shape {parameter.shape}, "
                    f"but its gradient has shape {gradient.shape}"
                )
            moves.append((index, parameter.data, gradient))
        for move in moves:
            self.update(*move)
        self.step_count += 1
        ### END SOLUTION

    def update(self, index: int, data: np.ndarray, gradient: np.ndarray) -> None:
        """The rule: change `data`, parameter number `index`, in place; leave `gradient` alone."""
        raise NotImplementedError(f"{type(self).__name__} has no update rule")

    def buffers(self) -> dict[str, np.ndarray]:
        """The arrays that the rule remembers, by name (the live arrays, not copies)."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to continue: the kind, the numbers, and copies of the arrays."""
        return collect_state(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state`. ValueError, and nothing changed, if it does not fit."""
        restore_state(self, state)

# %% [markdown]
"""
*What is checked:* which parameters the rule meets, with which index, array and gradient; what is
counted; None after `zero_grad`; shapes that differ, and that nothing moves then.
"""

# %% nbgrader={"grade": true, "grade_id": "test_optimizers_loop", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
@probe
def record_a_step():
    """What update receives when the second of three parameters has no gradient."""
    class Recorder(Optimizer):
        def update(self, index, data, gradient):
            kind = f"{type(gradient).__name__} of {getattr(gradient, 'dtype', 'bytes')}"
            calls.append((index, data is self.params[index].data, gradient.tolist(), kind))

    calls = []
    first, second, third = (Tensor(np.full(2, float(n)), requires_grad=True) for n in range(3))
    optimizer = Recorder([first, second, third])
    first.grad = Tensor([1.0, 2.0])
    third.grad = np.array([5.0, 6.0])  # an assigned float64 array is a gradient, too
    optimizer.step()
    return calls


@probe
def count_steps():
    """step_count at first, after a step without gradients, and after one with two."""
    class Still(Optimizer):
        def update(self, index, data, gradient):
            pass

    parameters = [Tensor([1.0], requires_grad=True), Tensor([2.0], requires_grad=True)]
    optimizer = Still(parameters)
    counts = [optimizer.step_count]
    optimizer.step()
    counts.append(optimizer.step_count)
    for parameter in parameters:
        parameter.grad = Tensor([1.0])
    optimizer.step()
    return [*counts, optimizer.step_count]


@probe
def half_a_step():
    """Which of two parameters are updated when the second gradient has a wrong shape."""
    class Recorder(Optimizer):
        def update(self, index, data, gradient):
            moved.append(index)

    moved = []
    pair = [Tensor([1.0, 2.0], requires_grad=True), Tensor([1.0, 2.0], requires_grad=True)]
    optimizer = Recorder(pair)
    pair[0].grad, pair[1].grad = Tensor([1.0, 1.0]), np.ones(1, dtype=np.float32)
    try:
        optimizer.step()
    except ValueError:
        return moved
    return "no error"


def test_optimizers_loop():
    """The loop skips what has no gradient, hands over the real data, and counts its steps."""
    calls = record_a_step()
    check.equal([call[0] for call in calls], [0, 2],
                given="three parameters, the second without a gradient: the indices",
                because="the second is skipped and the third keeps its index 2")
    check.equal([call[1] for call in calls], [True, True],
                given="update(index, data, gradient): is data the parameter's own array",
                because="only then does a change in place reach the parameter")
    check.equal([call[2] for call in calls], [[1.0, 2.0], [5.0, 6.0]],
                given="gradients [1, 2] and [5, 6]: the gradients that update receives")
    check.equal([call[3] for call in calls], ["ndarray of float32", "ndarray of float32"],
                given="a Tensor and an assigned float64 array: what update receives as gradient",
                because="np.asarray(grad, dtype=np.float32) takes both")
    check.equal(count_steps(), [0, 1, 2], given="step_count: new, after two calls of step()",
                because="step_count counts calls of step(), not parameters")
    w = Tensor([1.0, 2.0], requires_grad=True)
    b = Tensor([1.0], requires_grad=True)
    optimizer = Optimizer([w, b])
    w.grad = Tensor([3.0, 4.0])
    b.grad = Tensor([3.0])
    check.raises(NotImplementedError, optimizer.step, mentions=["update rule"],
                 given="Optimizer([w, b]).step() with gradients there",
                 because="the base class has the loop but no rule")
    check.equal(optimizer.step_count, 0, given="step_count after a step that failed",
                because="the step was not completed")
    optimizer.zero_grad()
    check.equal([w.grad, b.grad], [None, None], given="zero_grad() with two gradients there",
                because="None means no gradient; zeros would still be averaged and decayed")
    for shape in [(1,), (1, 2)]:
        w.grad = np.ones(shape, dtype=np.float32)
        check.raises(ValueError, optimizer.step, mentions=["params[0]", "(2,)", str(shape)],
                     given=f"a gradient of shape {shape} for params[0] of shape (2,)",
                     because="NumPy would broadcast it; the shapes have to be equal, not the sizes")
    check.equal(half_a_step(), [], given="gradients of shapes (2,) and (1,) for two parameters "
                                         "of shape (2,): which were updated before the error",
                because="half a step is worse than none: all shapes are checked before the first "
                        "parameter moves")


test_optimizers_loop()

# %% [markdown]
r"""
## Part 3: SGD, the noisy step

### What is stochastic about it?

The loss you mean is the average over *all* examples. One step along its gradient costs a pass over
all of them. In 1951 Herbert Robbins and Sutton Monro proved that a noisy estimate will do, if the
steps shrink in the right way. So we draw a few examples at random, a *batch*, and follow the
gradient of their average. On average over all batches it is the true gradient. A single one is off:
that is the *stochastic* in *stochastic gradient descent*.

**Predict:** how much closer to the true gradient is a batch that is four times as large? Four times
as close? Twice?
"""

# %%
def gradient_of(model, rows):
    """The gradient of the loss on these examples, all parameters in one long array."""
    optimizer = Optimizer(model.parameters())
    optimizer.zero_grad()
    CrossEntropyLoss()(model(Tensor(pixels[rows])), labels[rows]).backward()
    return np.concatenate([np.asarray(p.grad).ravel() for p in optimizer.params])


noisy_model, draw = digits_network(), np.random.default_rng(0)
true_gradient = gradient_of(noisy_model, np.arange(1000))
batch_sizes, errors = [1, 4, 16, 64, 256], []
for size in batch_sizes:
    estimates = [gradient_of(noisy_model, draw.integers(0, 1000, size)) for _ in range(50)]
    off = [np.linalg.norm(estimate - true_gradient) for estimate in estimates]
    errors.append(np.mean(off) / np.linalg.norm(true_gradient))
    print(f"batch {size:3}: off by {errors[-1]:5.2f} times the length of the true gradient")

# %%
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    axes.loglog(batch_sizes, errors, "o-", label="measured")
    axes.loglog(batch_sizes, errors[0] / np.sqrt(batch_sizes), "k:", label="1 / sqrt(batch)")
    axes.set(xlabel="examples in the batch", ylabel="error / length of the gradient",
             title="Four times the examples, half the noise",
             xticks=batch_sizes, xticklabels=batch_sizes,
             yticks=[0.5, 1, 2, 4, 8], yticklabels=[0.5, 1, 2, 4, 8])
    axes.minorticks_off()
    axes.legend()
    plt.show()
except ImportError:
    print("Without matplotlib you miss the errors on a straight line that falls by half per step.")

# %% [markdown]
r"""
Twice. The error falls with $1/\sqrt{\text{batch}}$: four times the work for half the noise. A
single example points mostly somewhere else, and yet its step is so cheap that many of them beat one
perfect step. You will measure that on the digits below.

### Weight decay is a gradient

Large weights are often a sign that a network memorises. *L2 regularisation* puts a price on them:

$$L_\text{total}(\theta) = L(\theta) + \frac{\lambda}{2} \sum_i \theta_i^2$$

Nobody needs to compute that price at each step, because only its gradient takes part in a step.
**Derive it**, then let your own autograd check you: replace the None by your formula.
"""

# %%
theta = Tensor([10.0, -10.0, 4.0], requires_grad=True)
price = (theta * theta).sum() * (0.1 / 2)
price.backward()
print("autograd says:", np.asarray(theta.grad))
my_formula = None  # an expression of theta.data
print("my formula:   ", my_formula)

# %% nbgrader={"grade": false, "grade_id": "optimizers_weight_decay", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def add_weight_decay(gradient: np.ndarray, data: np.ndarray, weight_decay: float) -> np.ndarray:
    """The gradient of the loss plus (weight_decay / 2) * sum(data ** 2).

    `gradient` is that of the loss alone. Neither it nor `data` is changed. With a weight_decay
    of 0 there is nothing to add: `gradient` itself comes back, the very same array.

    Example:
        gradient [1, 1], data [10, -10], weight_decay 0.1  ->  [2, 0]
    """
    ### BEGIN SOLUTION
    if weight_decay == 0:
        return gradient
    return gradient + weight_decay * data
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the numbers, float32, unchanged arguments, and no copy where nothing is added.
"""

# %% nbgrader={"grade": true, "grade_id": "test_optimizers_weight_decay", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@probe
def decay_leaves():
    """gradient and data after a call; whether the gradient itself comes back without decay."""
    gradient, data = np.ones(2, dtype=np.float32), np.full(2, 3.0, dtype=np.float32)
    add_weight_decay(gradient, data, 0.5)
    return gradient.tolist(), data.tolist(), add_weight_decay(gradient, data, 0.0) is gradient


def test_optimizers_weight_decay():
    """The decay is proportional to the weight, and the gradient stays what it was."""
    gradient = np.array([1.0, 1.0, 0.0], dtype=np.float32)
    data = np.array([10.0, -10.0, 4.0], dtype=np.float32)
    check.close(add_weight_decay(gradient, data, 0.1), [2.0, 0.0, 0.4],
                given="gradient [1, 1, 0], data [10, -10, 4], weight_decay 0.1",
                because="1 + 0.1 * 10 = 2: the decay pulls each weight towards 0")
    check.equal(add_weight_decay(gradient, data, 0.1).dtype, np.float32,
                given="float32 arrays and weight_decay 0.1")
    after_gradient, after_data, same = decay_leaves()
    check.unchanged(after_gradient, [1.0, 1.0], given="the gradient [1, 1] after the call",
                    because="the gradient belongs to the tensor: make a new array")
    check.unchanged(after_data, [3.0, 3.0], given="the data [3, 3] after the call")
    check.equal(same, True, given="weight_decay 0: is it the gradient itself that comes back",
                because="there is nothing to add, so nothing is copied")


test_optimizers_weight_decay()

# %% [markdown]
"""
### What an optimizer remembers

From here on a rule remembers things from step to step: one array of zeros per parameter to begin
with, its *buffers*. A one-liner, you would think. Here is the one that people write.

**What will this print?** Two parameters in float16, the narrow kind (Module 01). We add 1 to the
buffer of the first. Then one of them averages squares, as Adam will: it takes in a thousandth of
the square of a gradient of 0.001, and a step divides by the root of that.
"""

# %%
half = [Tensor(np.ones(2, dtype=np.float16), requires_grad=True) for _ in range(2)]
careless = [np.zeros_like(half[0].data)] * len(half)
careless[0] += 1
print("buffer of the first:", careless[0], " buffer of the second:", careless[1])
average = np.zeros_like(half[0].data)
gradient = np.full(2, 0.001, dtype=np.float16)
average += np.float16(0.001) * gradient * gradient
with np.errstate(divide="ignore"):
    print("average of squares:", average, " step:", gradient / np.sqrt(average))

# %% [markdown]
"""
Two faults in one line. `[array] * 2` is one array with two places in a list, so all parameters
would share one memory. And `zeros_like` copies the dtype of the *parameter*: in float16 a small
square becomes 0, and the step infinite. State adds up many small numbers: it needs a dtype that can
hold them.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers_memory", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def zero_buffers(params: list[Tensor]) -> list[np.ndarray]:
    """A float32 array of zeros per parameter, of its shape, whatever the parameter's dtype."""
    ### BEGIN SOLUTION
    return [np.zeros(parameter.shape, dtype=np.float32) for parameter in params]
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* shapes, zeros, float32 also for float16 parameters, an array of its own for each.
"""

# %% nbgrader={"grade": true, "grade_id": "test_optimizers_memory", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@probe
def first_only():
    """The buffers of two equal parameters after 1 was added to the first."""
    kept = zero_buffers([Tensor(np.ones(2), requires_grad=True) for _ in range(2)])
    kept[0] += 1
    return [array.tolist() for array in kept]


@probe
def dtypes_of_state():
    """dtypes of the buffers of a float32 and a float16 parameter."""
    narrow = Tensor(np.ones(2, dtype=np.float16), requires_grad=True)
    return [str(array.dtype) for array in zero_buffers([Tensor(np.ones(3)), narrow])]


def test_optimizers_memory():
    """One float32 array of zeros for each parameter."""
    check.equal(first_only(), [[1.0, 1.0], [0.0, 0.0]],
                given="the buffers of two parameters after 1 was added to the first",
                because="each parameter has a memory of its own")
    tensors = [Tensor(np.ones((2, 3)), requires_grad=True), Tensor(5.0, requires_grad=True)]
    check.equal([array.shape for array in zero_buffers(tensors)], [(2, 3), ()],
                given="the shapes of zero_buffers for parameters of shapes (2, 3) and ()",
                because="one number of memory for each number of the parameter")
    check.close(zero_buffers(tensors)[0], np.zeros((2, 3)), given="the first of these buffers",
                because="nothing has happened yet")
    check.equal(dtypes_of_state(), ["float32", "float32"],
                given="the dtypes of the buffers of a float32 and a float16 parameter",
                because="state is float32, so that small numbers are not lost")


test_optimizers_memory()

# %% [markdown]
r"""
### Momentum

A narrow valley: $f(x, y) = \frac{1}{2}(x^2 + 100\,y^2)$ is a hundred times steeper across than
along. We start at (-4, 1) and follow the gradient $(x, 100\,y)$.

**What will this print?** Three learning rates. Which reaches the bottom at (0, 0) in 100 steps?
"""

# %%
for rate in (0.001, 0.018, 0.021):
    point = np.array([-4.0, 1.0])
    for _ in range(100):
        point -= rate * point * np.array([1.0, 100.0])
    print(f"lr {rate}: after 100 steps x = {point[0]:6.3f}, y = {point[1]:10.6f}")

# %% [markdown]
r"""
None. Each step multiplies $y$ by $1 - 100\,\eta$: beyond $\eta = 0.02$ that is below -1, and $y$
explodes. So the steep direction limits the rate, and at that rate the flat direction crawls:
$x$ only shrinks by the factor $1-\eta$.

The idea of *momentum*: add up the gradients of the last steps, and follow the sum,

$$v \leftarrow \mu v + g \qquad\qquad \theta \leftarrow \theta - \eta\, v$$

with the *velocity* $v$ and the `momentum` $\mu$, usually 0.9. Gradients that agree from step to
step add up; gradients that change their sign cancel. Note what this is *not*: an average. **Work
out** what $v$ becomes under a constant gradient $g$. That number is the usual surprise when
momentum is switched on and the learning rate is left as it was.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers_velocity", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def update_velocity(velocity: np.ndarray, gradient: np.ndarray, momentum: float) -> np.ndarray:
    """Let `velocity` fade by the factor momentum, then take `gradient` in, whole.

    Written into `velocity`, which is also returned. `gradient` is not changed.

    Example:
        velocity [10], gradient [2], momentum 0.9   ->  [11], the same array
        and then gradient [-9]                      ->  [0.9]: most of it is used up
    """
    ### BEGIN SOLUTION
    velocity *= momentum
    velocity += gradient
    return velocity
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the numbers of one step and of three, in place, the array that comes back, and
an untouched gradient.
"""

# %% nbgrader={"grade": true, "grade_id": "test_optimizers_velocity", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@probe
def follow(start, gradients, momentum):
    """The velocity after some gradients, whether it came back itself, and the gradients."""
    velocity = np.array(start, dtype=np.float32)
    kept = [np.array(gradient, dtype=np.float32) for gradient in gradients]
    returned = [update_velocity(velocity, gradient, momentum) for gradient in kept]
    return velocity, all(r is velocity for r in returned), [g.tolist() for g in kept]


def test_optimizers_velocity():
    """The velocity fades by the factor momentum and takes the whole gradient in, in place."""
    velocity, in_place, after = follow([10.0, 0.0], [[2.0, 3.0]], 0.9)
    check.close(velocity, [11.0, 3.0],
                given="velocity [10, 0] after the call, gradient [2, 3], momentum 0.9",
                because="0.9 * 10 + 2 = 11: all of the gradient, written into the array")
    check.equal(in_place, True, given="is the array that comes back the velocity handed in",
                because="the velocity is written in place and returned")
    check.unchanged(after, [[2.0, 3.0]], given="the gradient [2, 3] after the call",
                    because="a gradient is only read")
    velocity, _, _ = follow([0.0, 0.0], [[1.0, 1.0], [1.0, -1.0], [1.0, 1.0]], 0.5)
    check.close(velocity, [1.75, 0.75], given="gradients [1, 1], [1, -1], [1, 1], momentum 0.5",
                because="1 + 0.5 + 0.25 where they agree; 1 - 0.5 + 0.25 where they alternate")
    check.equal(velocity.dtype, np.float32, given="float32 arrays: the dtype")


test_optimizers_velocity()

# %% [markdown]
"""
Under a constant gradient the velocity grows towards g + 0.9 g + 0.81 g + ... = 10 g: with momentum
0.9, a step becomes up to ten times as long as the learning rate alone says.

### The class

Now the ideas meet. One question is left to you: does the decay go into the velocity, or past it?
Think of what the decay *is*.

Given: the numbers are checked, and `momentum_buffers` is a *cached property*. The arrays are made
when something first asks for them and kept from then on, so that SGD without momentum, which never
asks, costs no memory.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers_sgd", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class SGD(Optimizer):
    """Stochastic gradient descent, with optional momentum and L2 weight decay."""

    settings: ClassVar[dict[str, float]] = {
        "lr": math.inf, "momentum": 1.0, "weight_decay": math.inf,
    }

    def __init__(
        self, params: Iterable[Tensor], lr: float = 0.01, momentum: float = 0.0,
        weight_decay: float = 0.0,
    ):
        super().__init__(params)
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay

    @cached_property
    def momentum_buffers(self) -> list[np.ndarray]:
        """One velocity per parameter, allocated once, when first needed."""
        return zero_buffers(self.params)

    def has_momentum(self) -> bool:
        """Whether this optimizer remembers a velocity (momentum > 0)."""
        return self.momentum > 0

    def update(self, index: int, data: np.ndarray, gradient: np.ndarray) -> None:
        """Move `data`, the array of parameter number `index`, one step downhill, in place.

        With momentum, the parameter's own velocity takes in what pulls at the parameter, and
        the step follows the velocity. Without momentum, `momentum_buffers` is not touched: asking
        for it allocates it.

        Example (lr 0.1, momentum 0.9, data 1.0, twice the gradient 1.0):
            v = 1.0, data = 0.9; then v = 1.9, data = 0.71
        """
        ### BEGIN SOLUTION
        direction = add_weight_decay(gradient, data, self.weight_decay)
        if self.has_momentum():
            direction = update_velocity(self.momentum_buffers[index], direction, self.momentum)
        data -= self.lr * direction
        ### END SOLUTION

    def buffers(self) -> dict[str, np.ndarray]:
        """The velocities, if there is momentum."""
        return numbered("velocity", self.momentum_buffers) if self.has_momentum() else {}

    def get_momentum_state(self) -> list[np.ndarray] | None:
        """Copies of the velocities, in the order of the parameters; None without momentum."""
        return [buffer.copy() for buffer in self.momentum_buffers] if self.has_momentum() else None

    def set_momentum_state(self, state: list[np.ndarray] | None) -> None:
        """Set the velocities from `get_momentum_state()`; None starts from rest.

        ValueError, and nothing changed, when number or shapes differ, or without momentum.
        """
        if state is not None and not self.has_momentum():
            raise ValueError("this SGD has momentum=0, so there are no velocities to restore")
        if self.has_momentum():
            velocities = zero_buffers(self.params) if state is None else state
            restore_arrays(self.buffers(), numbered("velocity", velocities))

# %% [markdown]
"""
*What is checked:* steps worked out by hand, with and without momentum and decay; a velocity for
each parameter; what is written in place, and what is left alone; numbers that make no sense.
"""

# %% nbgrader={"grade": true, "grade_id": "test_optimizers_sgd", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
@probe
def memory_of_sgd():
    """Arrays, gradients and dtypes after three steps of two SGDs on the same parameters."""
    parameters = [Tensor(np.ones(n), requires_grad=True) for n in (3, 2)]
    plain, heavy = SGD(parameters, lr=0.1), SGD(parameters, lr=0.1, momentum=0.9)
    arrays = [parameter.data for parameter in parameters]
    for parameter in parameters:
        parameter.grad = Tensor(np.full(parameter.shape, 2.0))
    plain.step()
    heavy.step()
    velocities = list(heavy.momentum_buffers)
    heavy.step()
    return (
        all(parameter.data is array for parameter, array in zip(parameters, arrays, strict=True)),
        [np.asarray(parameter.grad).tolist() for parameter in parameters],
        "momentum_buffers" in vars(plain),
        all(a is b for a, b in zip(velocities, heavy.momentum_buffers, strict=True)),
        [*(str(velocity.dtype) for velocity in velocities), str(parameters[0].data.dtype)],
    )


def test_optimizers_sgd():
    """SGD's steps, with and without momentum and weight decay, against numbers worked by hand."""

    def walk(data, gradients, **settings):
        """The data after each step of an SGD whose gradients are given."""
        parameter = Tensor(np.array(data, dtype=np.float32), requires_grad=True)
        optimizer = SGD([parameter], **settings)
        path = []
        for gradient in gradients:
            parameter.grad = Tensor(gradient)
            optimizer.step()
            path.append(parameter.data.copy())
        return np.array(path)

    check.close(walk([1.0, 2.0], [[1.0, -1.0]], lr=0.1), [[0.9, 2.1]],
                given="data [1, 2], gradient [1, -1], lr 0.1",
                because="data - 0.1 * gradient: downhill, against the gradient")
    check.close(walk([1.0], [[1.0], [1.0]], lr=0.1, momentum=0.9), [[0.9], [0.71]],
                given="data 1, gradients 1 and 1, lr 0.1, momentum 0.9",
                because="the second step follows v = 0.9 * 1 + 1 = 1.9")
    check.close(walk([10.0], [[1.0]], lr=0.1, weight_decay=0.5), [[9.4]],
                given="data 10, gradient 1, lr 0.1, weight_decay 0.5",
                because="the gradient becomes 1 + 0.5 * 10 = 6")
    check.close(walk([10.0], [[1.0], [0.0]], lr=0.1, momentum=0.5, weight_decay=0.5),
                [[9.4], [8.63]],
                given="data 10, gradients 1 and 0, lr 0.1, momentum 0.5, weight_decay 0.5",
                because="v = 6, then 0.5 * 6 + (0 + 0.5 * 9.4) = 7.7: the decay is a gradient too")
    pair = [Tensor([1.0], requires_grad=True), Tensor([1.0], requires_grad=True)]
    optimizer = SGD(pair, lr=0.1, momentum=0.9)
    for _ in range(2):
        pair[0].grad, pair[1].grad = Tensor([1.0]), Tensor([-1.0])
        optimizer.step()
    check.close([pair[0].data[0], pair[1].data[0]], [0.71, 1.29],
                given="two parameters at 1, two steps with gradients 1 and -1, lr 0.1, momentum "
                      "0.9",
                because="each parameter has a velocity of its own: momentum_buffers[index]")
    rng = np.random.RandomState(0)
    start, gradients = rng.randn(3, 2), rng.randn(6, 3, 2)
    data, velocity, expected = start, np.zeros((3, 2)), []
    for gradient in gradients:
        velocity = 0.8 * velocity + gradient + 0.03 * data
        data = data - 0.05 * velocity
        expected.append(data)
    check.close(walk(start, gradients, lr=0.05, momentum=0.8, weight_decay=0.03),
                np.array(expected), given="six random steps on a (3, 2) parameter",
                because="v <- 0.8 v + (g + 0.03 data); data <- data - 0.05 v")
    same, after, allocated, kept, dtypes = memory_of_sgd()
    check.equal(same, True, given="is parameter.data the same array after three steps",
                because="the step writes into the array that is there: data -= ...")
    check.unchanged(after, [[2.0, 2.0, 2.0], [2.0, 2.0]], given="the gradients after the steps",
                    because="an optimizer reads gradients, it never changes them")
    check.equal(allocated, False, given="SGD without momentum: were velocities allocated",
                because="without momentum there is no velocity to pay for")
    check.equal(kept, True, given="are the velocities the same arrays after a step",
                because="they are allocated once and written in place")
    check.equal(dtypes, ["float32"] * 3, given="the dtypes of velocities and data after the steps")
    p = Tensor([1.0], requires_grad=True)
    for name, wrong in [("lr", -0.1), ("lr", float("nan")), ("momentum", 1.0),
                        ("weight_decay", float("inf")), ("lr", "fast")]:
        check.raises(ValueError, lambda name=name, wrong=wrong: SGD([p], **{name: wrong}),
                     given=f"SGD([p], {name}={wrong!r})", mentions=[name])


test_optimizers_sgd()

# %% [markdown]
r"""
So SGD is $v \leftarrow \mu v + (g + \lambda\theta)$, then $\theta \leftarrow \theta - \eta v$: the
decay is a part of the gradient.

### The valley again

**Predict:** at the same rate, 0.018, will momentum make the path *across* the valley calmer or
wilder? And what will it do at 0.03, where plain SGD explodes?
"""

# %%
def valley_path(make_optimizer, steps=60):
    """The points visited from (-4, 1)."""
    point = Tensor([-4.0, 1.0], requires_grad=True)
    optimizer, points = make_optimizer([point]), [point.data.copy()]
    for _ in range(steps):
        optimizer.zero_grad()
        ((point * point * Tensor([1.0, 100.0])).sum() * 0.5).backward()
        optimizer.step()
        points.append(point.data.copy())
    return np.array(points)


paths = {}
for rate, momentum in [(0.018, 0.0), (0.018, 0.9), (0.03, 0.0), (0.03, 0.9)]:
    path = valley_path(lambda p, lr=rate, mu=momentum: SGD(p, lr=lr, momentum=mu))
    paths[f"lr {rate}, momentum {momentum}"] = path
    widest = np.abs(path[10:, 1]).max()
    print(f"lr {rate:5}, momentum {momentum}: widest |y| after step 10: {widest:9.3g}, "
          f"|x| after 60 steps: {abs(path[60, 0]):6.3f}")

# %%
try:
    import matplotlib.pyplot as plt

    x, y = np.meshgrid(np.linspace(-4.5, 2.5, 120), np.linspace(-1.3, 1.3, 120))
    shown = {name: path for name, path in paths.items() if np.abs(path).max() < 10}
    figure, row = plt.subplots(1, len(shown), figsize=(11, 3), sharey=True, layout="constrained")
    for axes, (name, path) in zip(row, shown.items(), strict=True):
        axes.contour(x, y, (x**2 + 100 * y**2) / 2, levels=[0.5, 2, 8, 20, 40], colors="0.7")
        axes.plot(path[:, 0], path[:, 1], ".-", linewidth=1)
        axes.set(title=name, xlabel="x (flat)")
    row[0].set_ylabel("y (steep)")
    figure.suptitle("60 steps from (-4, 1): momentum gets further along, and swings wider across "
                    "(lr 0.03 without it leaves the picture)", fontsize=10)
    plt.show()
except ImportError:
    print("Without matplotlib you miss a tight zigzag that stays behind, and wide swings that "
          "arrive.")

# %% [markdown]
r"""
People say that momentum calms the path, and that it makes it swing. Both are true, of different
things. *In the sum*, gradients that alternate cancel, and the gradient along the valley, which
keeps its sign, adds up: $x$ arrives much sooner. *But the path swings wider* across than plain SGD
at the same rate: the velocity carries the point up the other wall before new gradients have used it
up, so $y$ swings like a pendulum that loses only a little each time. What you gain across is room:
plain SGD explodes above $2/100$, momentum 0.9 only above $2\,(1 + 0.9)/100 = 0.038$.
"""

# %% [markdown]
r"""
## Part 4: Adam, a step size for every number

One learning rate has to serve a bias whose gradients are about 10 and an early weight whose
gradients are about 0.001. Adam (*adaptive moment estimation*, Diederik Kingma and Jimmy Ba, 2014)
divides each number's gradient by the size that its gradients usually have. To know that size it
keeps two running averages per number, of the gradient and of its square:

$$m \leftarrow \beta_1 m + (1-\beta_1)\,g \qquad\qquad v \leftarrow \beta_2 v + (1-\beta_2)\,g^2$$

These *are* averages, unlike the velocity of SGD: the new gradient does not come in whole.
$\beta_1 = 0.9$ looks back over about ten steps, $\beta_2 = 0.999$ over about a thousand. The two
are called first and second *moment*. ($v$ is no velocity here; the papers use the letter twice.)
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers_moments", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def update_moments(
    m: np.ndarray, v: np.ndarray, gradient: np.ndarray, beta1: float, beta2: float
) -> None:
    """Take `gradient` into the running averages, in place: m of it, v of its squares.

    m belongs to beta1, v to beta2. `gradient` is not changed; nothing is returned.

    Example:
        m = 0, v = 0, gradient 2, betas 0.9 and 0.999  ->  m = 0.2, v = 0.004
    """
    ### BEGIN SOLUTION
    m *= beta1
    m += (1 - beta1) * gradient
    v *= beta2
    v += (1 - beta2) * (gradient * gradient)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* both averages over one and two gradients, in place, and an untouched gradient.
"""

# %% nbgrader={"grade": true, "grade_id": "test_optimizers_moments", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@probe
def averages(m, v, gradients, beta1, beta2):
    """m, v and the gradients after update_moments took in one gradient after another."""
    m, v = np.array(m, dtype=np.float32), np.array(v, dtype=np.float32)
    kept = [np.array(gradient, dtype=np.float32) for gradient in gradients]
    for gradient in kept:
        update_moments(m, v, gradient, beta1, beta2)
    return m, v, [gradient.tolist() for gradient in kept]


def test_optimizers_moments():
    """Two running averages: of the gradient with beta1, of its square with beta2, in place."""
    m, v, after = averages([0.0], [0.0], [[2.0]], 0.9, 0.999)
    check.close(m, [0.2], given="m 0, gradient 2, beta1 0.9: m after the call",
                because="0.9 * 0 + 0.1 * 2, written into the array m")
    check.close(v, [0.004], given="v 0, gradient 2, beta2 0.999: v after the call",
                because="0.999 * 0 + 0.001 * 2 * 2: the square of the gradient")
    check.unchanged(after, [[2.0]], given="the gradient [2] after the call",
                    because="a gradient is only read")
    m, v, _ = averages([1.0, -1.0], [4.0, 1.0], [[2.0, -3.0]], 0.5, 0.75)
    check.close(m, [1.5, -2.0], given="m [1, -1], gradient [2, -3], beta1 0.5",
                because="0.5 * m + 0.5 * gradient")
    check.close(v, [4.0, 3.0], given="v [4, 1], gradient [2, -3], beta2 0.75",
                because="0.75 * v + 0.25 * gradient * gradient; beta2 belongs to v")
    m, v, _ = averages([0.0], [0.0], [[1.0], [3.0]], 0.5, 0.5)
    check.close([m[0], v[0]], [1.75, 4.75], given="gradients 1, then 3, betas 0.5 and 0.5: [m, v]",
                because="0.5 * 0.5 + 0.5 * 3 and 0.5 * 0.5 + 0.5 * 9")
    check.equal([str(m.dtype), str(v.dtype)], ["float32", "float32"], given="float32 moments")


test_optimizers_moments()

# %% [markdown]
r"""
### The first steps

The step is to go along $m / \sqrt{v}$: the average gradient, divided by the usual size. Under a
gradient that is always 1, with no noise at all, both averages should be 1, and so should every
step, in units of the learning rate.

**What will this print?** How long are the first steps really: too short, right, or too long?
"""

# %%
def raw_steps(count):
    """|m / sqrt(v)| after each of `count` gradients of 1: Adam's step, in units of lr."""
    m, v, lengths = np.zeros(1), np.zeros(1), []
    for _ in range(count):
        update_moments(m, v, np.ones(1), 0.9, 0.999)
        lengths.append(float(m[0] / np.sqrt(v[0])))
    return lengths


raw = raw_steps(3000)
print("step  " + "".join(f"{t:7}" for t in (1, 2, 5, 10, 20, 100, 1000, 3000)))
print("length" + "".join(f"{raw[t - 1]:7.2f}" for t in (1, 2, 5, 10, 20, 100, 1000, 3000)))

# %% [markdown]
r"""
Too *long*: several times, for a hundred steps and more, while the network is furthest from anything
sensible. Most people expect short steps, because both averages start at zero, and many tutorials
say so. Both are too small indeed, but $v$ is further behind than $m$, and we divide by its root.

**Derive the cure.** Write down what is in $m$ after $t$ gradients $g_1, \dots, g_t$, starting with
$m = 0$. It is a weighted sum. Which weight does $g_t$ have? And $g_{t-1}$? What do the weights add
up to? (Try $t = 1, 2, 3$, all gradients 1.) An honest average has weights that add up to one, so
divide by what they do add up to. The same for $v$. Call the results $\hat m$ and $\hat v$; then

$$\text{direction} = \frac{\hat m}{\sqrt{\hat v} + \epsilon}$$

where the small $\epsilon$ keeps the division finite where no gradient ever arrived. Check your
formula against brute force before you submit it: this function takes the weights one by one.
"""

# %%
def honest_average(values, beta):
    """The average of `values` with the weights of a running average, made to add up to one."""
    weights = np.array([(1 - beta) * beta**age for age in range(len(values))])[::-1]
    return float(weights @ np.array(values) / weights.sum())


print(f"gradients 1, 5, 2, beta 0.9: honest average {honest_average([1.0, 5.0, 2.0], 0.9):.4f}")
print(f"m = 0.1 * (0.81 * 1 + 0.9 * 5 + 2) = {0.1 * (0.81 * 1 + 0.9 * 5 + 2):.4f}, divided by ...?")

# %% nbgrader={"grade": false, "grade_id": "optimizers_direction", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def adam_direction(
    m: np.ndarray, v: np.ndarray, count: int, beta1: float, beta2: float, eps: float
) -> np.ndarray:
    """Adam's direction m_hat / (sqrt(v_hat) + eps), a new float32 array.

    m and v are what `update_moments` made of `count` >= 1 gradients, starting from zero. m_hat
    and v_hat are the honest averages: m and v, corrected for that start. m and v themselves are
    not changed: they go on averaging. The learning rate is not part of the direction.

    Example:
        after one gradient of -5, whatever the betas  ->  -5 / (5 + eps), which is about -1
    """
    ### BEGIN SOLUTION
    direction = np.sqrt(v, out=np.empty_like(v))  # the one new array of the whole formula
    direction /= math.sqrt(1 - beta2**count)
    direction += eps
    np.divide(m, direction, out=direction)
    direction /= 1 - beta1**count
    return direction
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the correction of both averages at counts 1, 2, 3 and 7, where eps stands, single
numbers, float32, and that m and v stay as they were.
"""

# %% nbgrader={"grade": true, "grade_id": "test_optimizers_direction", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
@probe
def moments_after():
    """m and v after a call of adam_direction."""
    m, v = np.full(2, 0.5, dtype=np.float32), np.full(2, 0.25, dtype=np.float32)
    adam_direction(m, v, 1, 0.9, 0.999, 1e-8)
    return m.tolist(), v.tolist()


def test_optimizers_direction():
    """Both averages are corrected for their start at zero; eps keeps the division finite."""

    def direct(m, v, count, beta1=0.9, beta2=0.999, eps=1e-8):
        m, v = np.array(m, dtype=np.float32), np.array(v, dtype=np.float32)
        return adam_direction(m, v, count, beta1, beta2, eps)

    check.close(direct([-0.5], [0.025], 1), [-1.0], rtol=1e-4,
                given="m -0.5 and v 0.025 after one gradient of -5",
                because="the honest averages are -5 and 25, and the root of 25 is 5")
    check.close(direct([0.75], [0.75], 2, beta1=0.5, beta2=0.5), [1.0],
                given="m 0.75 and v 0.75 after two gradients of 1, betas 0.5 and 0.5",
                because="the honest averages of 1 and 1 are 1")
    check.close(direct([1.0], [1.0], 1, beta1=0.5, beta2=0.75, eps=1.0), [2 / 3],
                given="m 1, v 1, count 1, betas 0.5 and 0.75, eps 1",
                because="m_hat = 2, sqrt(v_hat) = 2, and eps is added to the root: 2 / (2 + 1)")
    check.close(direct([1.75], [4.75], 2, beta1=0.5, beta2=0.5, eps=0.0),
                [(7 / 3) / np.sqrt(19 / 3)],
                given="m 1.75 and v 4.75 after gradients 1 and 3, betas 0.5 and 0.5, eps 0",
                because="weights 1/4 and 1/2 add up to 3/4: m_hat = 7/3, v_hat = 19/3")
    check.close(direct([0.0], [0.0], 3), [0.0], given="m 0 and v 0",
                because="0 / (0 + eps) = 0: no gradient, no step")
    check.close(direct(-0.5, 0.025, 1), -1.0, given="m -0.5 and v 0.025 of shape ()", rtol=1e-4,
                because="a parameter may be a single number")
    rng = np.random.RandomState(1)
    m, v = rng.randn(2, 3), rng.rand(2, 3)
    expected = (m / (1 - 0.8**7)) / (np.sqrt(v / (1 - 0.95**7)) + 1e-3)
    check.close(direct(m, v, 7, beta1=0.8, beta2=0.95, eps=1e-3), expected,
                given="random (2, 3) averages, count 7, betas 0.8 and 0.95, eps 0.001",
                because="both averages are corrected, each with its own beta and the count")
    check.equal(str(direct(m, v, 7).dtype), "float32", given="float32 averages: the dtype",
                because="a NumPy float64, such as np.sqrt of a Python number, widens every array")
    check.unchanged(moments_after(), ([0.5, 0.5], [0.25, 0.25]), given="m and v after the call",
                    because="the correction is for this step; the averages go on uncorrected")


test_optimizers_direction()

# %% [markdown]
"""
**Predict**, then look: the same 3,000 gradients of 1, with your correction. And with a larger eps?
"""

# %%
def corrected_steps(count, eps=1e-8):
    """Adam's step in units of lr under gradients of 1, with the correction."""
    m, v, lengths = np.zeros(1, dtype=np.float32), np.zeros(1, dtype=np.float32), []
    for t in range(1, count + 1):
        update_moments(m, v, np.ones(1, dtype=np.float32), 0.9, 0.999)
        lengths.append(float(adam_direction(m, v, t, 0.9, 0.999, eps)[0]))
    return lengths


print("corrected, steps 1, 10, 3000:", [round(corrected_steps(3000)[t], 3) for t in (0, 9, 2999)])
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    axes.plot(range(1, 3001), raw, label="m / sqrt(v), as it stands")
    axes.plot(range(1, 3001), corrected_steps(3000), label="with your correction")
    axes.plot(range(1, 3001), corrected_steps(3000, eps=0.5), ":", label="the same, eps 0.5")
    axes.set(xscale="log", ylim=(0, None), xlabel="step", ylabel="length of the step / lr",
             title="A gradient of 1 at every step: uncorrected, Adam leaps at first")
    axes.legend()
    plt.show()
except ImportError:
    print("Without matplotlib you miss a hump above 6, and two level lines.")

# %% [markdown]
r"""
Under a steady gradient, dividing by $1-\beta_1^t$ and $1-\beta_2^t$ makes every step one learning
rate long, from the first one on, and *whatever the size of the gradient*, as long as it is large
next to $\epsilon$. (With an $\epsilon$ of 0.5 it is not: 1 / 1.5 = 0.67.) That is the promise of
Adam: `lr` is the length of a step, in every coordinate. Noise makes steps shorter: where gradients
change their sign, $m$ is small and $v$ is not.

### The class, and the shared form

Adam treats weight decay as SGD does: as part of the gradient. AdamW, in Part 5, will not. All the
rest is the same in both, so it belongs in one method, `adapt`; a class only decides what to do
about decay, and calls it.

Which $t$? Think of a parameter that takes part in few batches only. Its averages have seen fewer
gradients than `step()` was called. So each parameter has a count of its own, in `updates`.

Given: the numbers are checked and kept. You set up the memory, and write the rule.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers_adam", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Adam(Optimizer):
    """Adam: each number moves by about lr, whatever the size of its gradients.

    Weight decay is the L2 kind, a part of the gradient.
    """

    settings: ClassVar[dict[str, float]] = {
        "lr": math.inf, "beta1": 1.0, "beta2": 1.0, "eps": math.inf, "weight_decay": math.inf,
    }

    def __init__(
        self, params: Iterable[Tensor], lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.0,
    ):
        """Check and keep the numbers, and set up the memory.

        m_buffers, v_buffers: a float32 array of zeros per parameter in each, all their own.
        updates: int64 array, one 0 per parameter; how many gradients its averages have seen.
        """
        super().__init__(params)
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise ValueError(f"betas must be a pair (beta1, beta2), got {betas!r}")
        self.beta1, self.beta2 = betas
        self.lr, self.eps, self.weight_decay = lr, eps, weight_decay
        ### BEGIN SOLUTION
        self.m_buffers = zero_buffers(self.params)
        self.v_buffers = zero_buffers(self.params)
        self.updates = np.zeros(len(self.params), dtype=np.int64)
        ### END SOLUTION

    def update(self, index: int, data: np.ndarray, gradient: np.ndarray) -> None:
        """Adam's rule, in place: weight decay is part of the gradient that `adapt` receives."""
        ### BEGIN SOLUTION
        self.adapt(index, data, add_weight_decay(gradient, data, self.weight_decay))
        ### END SOLUTION

    def adapt(self, index: int, data: np.ndarray, gradient: np.ndarray) -> None:
        """Take `gradient` into the averages of parameter number `index`; move `data`, in place.

        The move is lr times Adam's direction, where this gradient counts already. The count is
        handed on as a plain int: a NumPy integer may turn float32 into float64. Weight decay is
        not this method's business: it uses the gradient it is given.
        """
        ### BEGIN SOLUTION
        self.updates[index] += 1
        m, v = self.m_buffers[index], self.v_buffers[index]
        update_moments(m, v, gradient, self.beta1, self.beta2)
        count = int(self.updates[index])
        direction = adam_direction(m, v, count, self.beta1, self.beta2, self.eps)
        direction *= self.lr
        data -= direction
        ### END SOLUTION

    def buffers(self) -> dict[str, np.ndarray]:
        """What Adam remembers, live: ``m.0``, ``m.1``, …, ``v.0``, …, and ``updates``."""
        ### BEGIN SOLUTION
        averages = numbered("m", self.m_buffers) | numbered("v", self.v_buffers)
        return averages | {"updates": self.updates}
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* single steps by hand, whole paths by brute force, parameters that join late, what
`adapt` does by itself, the names of the buffers, and what is written in place.
"""

# %% nbgrader={"grade": true, "grade_id": "test_optimizers_adam", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
@probe
def memory_of_adam():
    """Which arrays stayed, their dtypes, and the gradient, after a step with weight decay."""
    parameter = Tensor(np.ones((2, 3)), requires_grad=True)
    optimizer = Adam([parameter], weight_decay=0.1)
    before = [parameter.data, optimizer.m_buffers[0], optimizer.v_buffers[0]]
    parameter.grad = Tensor(np.full((2, 3), 2.0))
    optimizer.step()
    after = [parameter.data, optimizer.m_buffers[0], optimizer.v_buffers[0]]
    same = [a is b for a, b in zip(before, after, strict=True)]
    return same, [str(a.dtype) for a in after], np.asarray(parameter.grad).tolist()


@probe
def live_buffers():
    """Names of the buffers of two parameters, and whether they are the arrays themselves."""
    optimizer = Adam([Tensor(np.ones(2), requires_grad=True) for _ in range(2)])
    found = optimizer.buffers()
    own = [*optimizer.m_buffers, *optimizer.v_buffers, optimizer.updates]
    names = ["m.0", "m.1", "v.0", "v.1", "updates"]
    live = [found.get(name) is array for name, array in zip(names, own, strict=True)]
    return sorted(found), live, str(optimizer.updates.dtype)


@probe
def adapt_alone():
    """m and data after adapt() with a gradient of 2, and the types of the counts handed on."""
    space, types = Adam.adapt.__globals__, []
    original = space["adam_direction"]

    def listen(m, v, count, beta1, beta2, eps):
        types.append(type(count).__name__)
        return original(m, v, count, beta1, beta2, eps)

    data = np.full(1, 10.0, dtype=np.float32)
    optimizer = Adam([Tensor(data, requires_grad=True)], lr=0.1, weight_decay=0.5)
    space["adam_direction"] = listen
    try:
        optimizer.adapt(0, data, np.full(1, 2.0, dtype=np.float32))
    finally:
        space["adam_direction"] = original
    return optimizer.m_buffers[0], data, types


def test_optimizers_adam():
    """Adam's steps against hand-worked numbers, its formulas, and gaps in the gradients."""

    def walk(data, gradients, **settings):
        parameter = Tensor(np.array(data, dtype=np.float32), requires_grad=True)
        optimizer = Adam([parameter], **settings)
        path = []
        for gradient in gradients:
            parameter.grad = Tensor(gradient)
            optimizer.step()
            path.append(parameter.data.copy())
        return np.array(path)

    def brute_force(data, gradients, lr, beta1, beta2, eps, weight_decay):
        data, m, v, path = np.array(data, dtype=float), 0.0, 0.0, []
        for t, gradient in enumerate(gradients, start=1):
            g = np.array(gradient) + weight_decay * data
            m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
            data = data - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
            path.append(data)
        return np.array(path)

    check.close(walk([1.0, 1.0], [[0.001, -50.0]], lr=0.1), [[0.9, 1.1]], rtol=1e-4,
                given="data [1, 1], gradient [0.001, -50], lr 0.1",
                because="the first step is lr long in each coordinate, against the gradient's sign")
    check.close(walk([1.0], [[2.0]] * 3, lr=0.1), [[0.9], [0.8], [0.7]], rtol=1e-4,
                given="data 1, three gradients of 2, lr 0.1",
                because="under a constant gradient every corrected step is lr long")
    start, gradients = [1.0, -2.0], [[1.0, 0.5], [-3.0, 0.5], [0.2, 0.0]]
    check.close(walk(start, gradients, lr=0.1, betas=(0.8, 0.9), eps=0.01),
                brute_force(start, gradients, 0.1, 0.8, 0.9, 0.01, 0.0),
                given="three steps, lr 0.1, betas (0.8, 0.9), eps 0.01")
    check.close(walk(start, gradients, lr=0.1, weight_decay=0.5),
                brute_force(start, gradients, 0.1, 0.9, 0.999, 1e-8, 0.5), rtol=1e-4,
                given="the same gradients, weight_decay 0.5",
                because="gradient + weight_decay * data goes into both averages")
    early = Tensor([1.0], requires_grad=True)
    late = Tensor([1.0], requires_grad=True)
    optimizer = Adam([early, late], lr=0.1)
    for _ in range(4):
        early.grad = Tensor([1.0])
        optimizer.step()
    early.grad, late.grad = None, Tensor([1.0])
    optimizer.step()
    check.equal(optimizer.updates.tolist(), [4, 1],
                given="optimizer.updates after four gradients and one",
                because="each parameter counts its own gradients")
    check.close(late.data, [0.9], rtol=1e-4,
                given="a parameter whose first gradient comes at the fifth step()",
                because="its averages have seen one gradient: its correction is that of count 1")
    check.close(early.data, [0.6], rtol=1e-4,
                given="a parameter with four gradients and then none",
                because="no gradient, no step")
    check.equal(optimizer.step_count, 5, given="optimizer.step_count after five steps")
    m, data, types = adapt_alone()
    check.close([m[0], data[0]], [0.2, 9.9], rtol=1e-4,
                given="adapt() by itself, gradient 2, data 10, lr 0.1, weight_decay 0.5: [m, data]",
                because="0.1 * 2 and 10 - 0.1: decay is the business of `update`, and AdamW's "
                        "`update` treats it differently")
    check.equal([kind for kind in types if kind != "int"], [],
                given="the types of the counts, other than int, that adapt() hands on",
                because="a NumPy integer would turn the float32 direction into float64: int(...)")
    names, live, dtype = live_buffers()
    check.equal(names, ["m.0", "m.1", "updates", "v.0", "v.1"],
                given="the names in buffers(), for two parameters",
                because="everything that Adam remembers has to be saved with it")
    check.equal(live, [True] * 5, given="are they the arrays themselves, not copies",
                because="restoring writes into them")
    check.equal(dtype, "int64", given="the dtype of `updates`", because="counts are whole numbers")
    same, dtypes, after = memory_of_adam()
    check.equal(same, [True, True, True],
                given="are data, m and v the same arrays before and after a step",
                because="all three are written in place")
    check.equal(dtypes, ["float32"] * 3, given="the dtypes of data, m and v after a step")
    check.unchanged(after, [[2.0] * 3] * 2, given="the gradient after a step with weight decay",
                    because="an optimizer never changes a gradient")


test_optimizers_adam()

# %% [markdown]
r"""
## Part 5: AdamW, decay that stays decay

Now the puzzle from Freiburg. A thousand weights of 1.0 with large gradients, a thousand with tiny
ones; all gradients are pure noise around zero, so the loss has no opinion, and decay alone should
decide. With SGD all weights shrink alike.

**What will this print?** Which of the two groups does Adam's weight decay shrink more?
"""

# %%
def decay_by(kind, **settings):
    """Mean of 1,000 weights that start at 1.0 after 200 steps, for noise of two sizes."""
    noise = np.random.default_rng(0)
    weights = [Tensor(np.ones(1000), requires_grad=True) for _ in range(2)]
    optimizer = kind(weights, **settings)
    for _ in range(200):
        for weight, size in zip(weights, (10.0, 0.001), strict=True):
            weight.grad = Tensor(noise.standard_normal(1000) * size)
        optimizer.step()
    return [float(weight.data.mean()) for weight in weights]


for kind, settings in [(SGD, {"lr": 0.01}), (Adam, {"lr": 0.01})]:
    large, tiny = decay_by(kind, weight_decay=0.1, **settings)
    print(f"{kind.__name__:5} mean weight: "
          f"gradients about 10: {large:5.2f}, about 0.001: {tiny:5.2f}")

# %% [markdown]
r"""
SGD treats both groups alike, up to the noise. Adam hardly touches the first group and wipes out the
second. Follow the decay term through the formulas, and you see why:

$$\text{Adam:}\quad g \leftarrow g + \lambda\theta,\qquad
m \leftarrow \beta_1 m + (1-\beta_1) g,\qquad v \leftarrow \beta_2 v + (1-\beta_2) g^2,\qquad
\theta \leftarrow \theta - \eta\,\frac{\hat m}{\sqrt{\hat v}+\epsilon}$$

The decay is averaged into $m$ with everything else, and then divided by the size of the gradients.

Where should it stand instead, so that every weight shrinks by the same fraction $\eta\lambda$ per
step, and the averages never see it? Cross the term out in the line above, and write it in where it
belongs. (The shrinking applies to the weight as it was *before* the step.)
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers_adamw", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class AdamW(Adam):
    """Adam with decoupled weight decay: the weights shrink apart from the gradient step."""

    def __init__(
        self, params: Iterable[Tensor], lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.01,
    ):
        super().__init__(params, lr, betas, eps, weight_decay)

    def update(self, index: int, data: np.ndarray, gradient: np.ndarray) -> None:
        """AdamW's rule, in place; nothing of Adam is repeated here.

        Example (data 10, lr 0.1, weight_decay 0.5, first gradient 3):
            10 * 0.95 = 9.5, then a step of lr: 9.4
        """
        ### BEGIN SOLUTION
        data *= 1 - self.lr * self.weight_decay
        self.adapt(index, data, gradient)
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the order of decay and step, its size, clean averages, in place, skipped
parameters, and the default.
"""

# %% nbgrader={"grade": true, "grade_id": "test_optimizers_adamw", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def memory_of_adamw():
    """Same array after a step; a parameter without gradient; the gradient after the step."""
    frozen, moving = Tensor([5.0], requires_grad=True), Tensor([5.0], requires_grad=True)
    array = moving.data
    optimizer = AdamW([frozen, moving], lr=0.1, weight_decay=0.5)
    moving.grad = Tensor([1.0])
    optimizer.step()
    return moving.data is array, frozen.data.tolist(), np.asarray(moving.grad).tolist()


def test_optimizers_adamw():
    """The decay shrinks each weight by the same fraction and stays out of the averages."""

    def walk(data, gradients, **settings):
        parameter = Tensor(np.array(data, dtype=np.float32), requires_grad=True)
        optimizer = AdamW([parameter], **settings)
        path = []
        for gradient in gradients:
            parameter.grad = Tensor(gradient)
            optimizer.step()
            path.append(parameter.data.copy())
        return np.array(path), optimizer

    path, optimizer = walk([10.0, -10.0], [[3.0, 0.0]], lr=0.1, weight_decay=0.5)
    check.close(path, [[9.4, -9.5]], given="data [10, -10], gradient [3, 0], lr 0.1, "
                                           "weight_decay 0.5",
                because="10 * 0.95 - 0.1, and -10 * 0.95 where the gradient is 0")
    check.close(optimizer.m_buffers[0], [0.3, 0.0], given="m after a gradient of [3, 0]",
                because="0.1 * 3: the decay does not enter the averages")
    lr, beta1, beta2, eps, weight_decay = 0.05, 0.8, 0.9, 0.01, 0.3
    rng = np.random.RandomState(2)
    data, gradients = rng.randn(2, 2), rng.randn(5, 2, 2)
    got, _ = walk(data, gradients, lr=lr, betas=(beta1, beta2), eps=eps,
                  weight_decay=weight_decay)
    m, v, expected = 0.0, 0.0, []
    for t, gradient in enumerate(gradients, start=1):
        m, v = beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient**2
        step = lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
        data = data - lr * weight_decay * data - step
        expected.append(data)
    check.close(got, np.array(expected), given="five random steps on a (2, 2) parameter",
                because="data - lr * weight_decay * data - lr * direction")
    check.equal(AdamW([Tensor([1.0], requires_grad=True)]).weight_decay, 0.01,
                given="AdamW's default weight_decay")
    same, frozen, after = memory_of_adamw()
    check.equal(same, True, given="is parameter.data the same array after a step",
                because="shrinking happens in place, too")
    check.equal(frozen, [5.0], given="a parameter without a gradient, at 5",
                because="a skipped parameter is not decayed either")
    check.unchanged(after, [1.0], given="the gradient after the step",
                    because="an optimizer never changes a gradient")


test_optimizers_adamw()

# %% [markdown]
"""
**Predict** AdamW's two numbers for the experiment above: 200 steps of the factor 1 - 0.01 * 0.1.
"""

# %%
large, tiny = decay_by(AdamW, lr=0.01, weight_decay=0.1)
print(f"AdamW mean weight: gradients about 10: {large:5.2f}, about 0.001: {tiny:5.2f}"
      f"   (0.999 ** 200 = {0.999**200:.2f})")

# %% [markdown]
"""
Both groups alike, as the factor says, up to the noise of the gradients. One term in another place
was the whole difference:

```
   Adam    g + λθ --> averages m, v --> step by η m̂ / (√v̂ + ε)

   AdamW   θ shrinks by ηλθ
           g      --> averages m, v --> step by η m̂ / (√v̂ + ε)
```

## Part 6: State that survives

A run that stops after a day and goes on tomorrow must not lose its velocities and averages.

**What will this print?** Twenty steps in one go; then ten steps, a new optimizer, ten more, on the
same gradients. Do they end at the same place?
"""

# %%
def twenty_steps(restart):
    """Where a parameter ends after 20 steps of Adam, with a new optimizer after 10 or not."""
    parameter = Tensor([1.0, -1.0], requires_grad=True)
    optimizer, noise = Adam([parameter], lr=0.1), np.random.default_rng(0)
    for step in range(20):
        if restart and step == 10:
            optimizer = Adam([parameter], lr=0.1)
        parameter.grad = Tensor(noise.standard_normal(2))
        optimizer.step()
    return parameter.data


print("in one go:    ", twenty_steps(restart=False))
print("with a restart:", twenty_steps(restart=True))

# %% [markdown]
"""
Another path, and nobody is told. So an optimizer hands out its state, as a flat dictionary, and
takes it back:

```
{"optimizer": "SGD", "step_count": 120, "lr": 0.1, "momentum": 0.9,
 "weight_decay": 0.0, "velocity.0": array(...), "velocity.1": array(...)}
```

In words: no objects and no code, so that it can be stored in any file format, and read from a file
that a stranger sent. Two rules make it safe.

* **Hand out copies.** A state that shared memory with the live buffers would change with the next
  step.
* **Take back all or nothing.** A load that fails half-way leaves an optimizer whose first buffers
  belong to one run and the rest to another. So check before you write, and where you cannot, put
  back what you changed.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers_restore", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def check_arrays(targets: dict[str, np.ndarray], sources: dict[str, np.ndarray]) -> None:
    """ValueError unless every source fits into the target of the same name. Writes nothing.

    Faults, and what the message contains:
      * the two dicts do not have exactly the same names: every name that is missing in `sources`
        and every name that has no target;
      * a source of another shape: the name and both shapes;
      * numbers that do not fit, such as text, or fractions into counts
        (``np.can_cast(source.dtype, target.dtype, "same_kind")`` is False): the name.
    A source may be anything that `np.asarray` takes, a list for example.
    """
    ### BEGIN SOLUTION
    if targets.keys() != sources.keys():
        missing = sorted(targets.keys() - sources.keys())
        unknown = sorted(sources.keys() - targets.keys())
        raise ValueError(f"the arrays do not match: missing {missing}, unknown {unknown}")
    for name, target in targets.items():
        source = np.asarray(sources[name])
        if source.shape != target.shape:
            raise ValueError(f"{name} has shape {source.shape}, expected {target.shape}")
        if not np.can_cast(source.dtype, target.dtype, "same_kind"):
            raise ValueError(f"{name} holds {source.dtype}, expected {target.dtype}")
    ### END SOLUTION


def restore_arrays(targets: dict[str, np.ndarray], sources: dict[str, np.ndarray]) -> None:
    """Copy every source into the target array of the same name: all of them, or none.

    If anything does not fit, ValueError, and nothing has been written.

    Example:
        v = np.zeros(2); restore_arrays({"v.0": v}, {"v.0": [1, 2]})  ->  v is [1., 2.]
    """
    ### BEGIN SOLUTION
    check_arrays(targets, sources)
    for name, target in targets.items():
        target[...] = sources[name]
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* values and identity of the arrays; every kind of fault, with its message; that
nothing at all has changed after a fault.
"""

# %% nbgrader={"grade": true, "grade_id": "test_optimizers_restore", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@probe
def restore(targets, sources, text=False):
    """The target arrays after restore_arrays, whether they stayed and changed, and the error."""
    held = dict(targets)
    if text:
        sources = {name: array.astype(str) for name, array in sources.items()}
    before = {name: array.copy() for name, array in targets.items()}
    message = ""
    try:
        restore_arrays(targets, sources)
    except (ValueError, KeyError) as error:
        message = f"{type(error).__name__}: {error}"
    changed = any(not np.array_equal(held[name], before[name]) for name in held)
    same = all(targets.get(name) is held[name] for name in held)
    return [held[name].tolist() for name in sorted(held)], same, changed, message


@probe
def only_looks():
    """The target after check_arrays."""
    target = np.zeros(2)
    check_arrays({"a": target}, {"a": np.ones(2)})
    return target.tolist()


def test_optimizers_restore():
    """Arrays are taken over in place, all or none."""
    targets = {"m.0": np.zeros(2, dtype=np.float32), "m.1": np.zeros(3, dtype=np.float32)}
    good = {"m.1": np.array([3.0, 4.0, 5.0]), "m.0": np.array([1.0, 2.0])}
    values, same, _, message = restore(targets, good)
    check.equal(message, "", given="targets and sources named m.0 and m.1, of equal shapes: error",
                because="float64 numbers fit into float32: their order does not matter either")
    check.equal(values, [[1.0, 2.0], [3.0, 4.0, 5.0]],
                given="the target arrays after m.0 <- [1, 2], m.1 <- [3, 4, 5]",
                because="the values go into the arrays that are there")
    check.equal(same, True, given="does `targets` still hold the same arrays",
                because="the optimizer holds on to them: write into them, do not replace them")
    extra = {**good, "v.7": np.ones(1), "v.8": np.ones(1)}
    faults = [
        ("m.1 missing", {"m.0": np.ones(2)}, ["m.1"]),
        ("m.0 and m.1 missing", {}, ["m.0", "m.1"]),
        ("v.7 and v.8 without targets", extra, ["v.7", "v.8"]),
        ("v.7 instead of m.1", {"m.0": np.ones(2), "v.7": np.ones(3)}, ["m.1", "v.7"]),
        ("m.1 of shape (1,)", {"m.0": np.ones(2), "m.1": np.ones(1)}, ["m.1", "(1,)", "(3,)"]),
        ("m.1 of shape (3, 1)", {"m.0": np.ones(2), "m.1": np.ones((3, 1))},
         ["m.1", "(3, 1)", "(3,)"]),
    ]
    for what, sources, mentions in faults:
        _, _, changed, message = restore(targets, sources)
        check.equal(message.partition(":")[0], "ValueError", given=f"{what}: the error",
                    because="a state that does not fit is a ValueError")
        check.equal([word for word in mentions if word not in message], [],
                    given=f"{what}: what is not in the message {message!r}",
                    because=f"the message names {' and '.join(mentions)}")
        check.equal(changed, False, given=f"{what}: has any target changed",
                    because="all or nothing: check everything before writing anything")
    _, _, changed, message = restore(targets, good, True)
    check.true(message != "" and not changed, given='arrays of text, such as ["1.0", "2.0"]',
               because="text is not a number, even where it looks like one")
    tally = {"tally": np.zeros(1, dtype=np.int64)}
    _, _, changed, message = restore(tally, {"tally": np.array([2.5])})
    check.true("tally" in message and not changed,
               given=f"2.5 into an array of counts named tally: {message!r}",
               because="half a count is not a count; the message names the array")
    _, _, changed, message = restore(targets, {"m.0": [1.0, 2.0], "m.1": [[3.0]]})
    check.true(message.startswith("ValueError") and "m.1" in message and not changed,
               given=f"lists instead of arrays, m.1 of shape (1, 1): {message!r}",
               because="np.asarray gives a list a shape, too")
    check.unchanged(only_looks(), [0.0, 0.0], given="the target after check_arrays",
                    because="checking writes nothing")


test_optimizers_restore()

# %% [markdown]
"""
Now the whole state. Given: `check_entries` takes a state apart and refuses what does not belong to
this kind of optimizer. How the pieces go back, and in which order, is yours. Somebody will load the
state of an SGD with momentum into a plain `SGD(params)`. **Before you write:** which buffers does
that one have, and from when on does it have the others?
"""

# %%
#| export
def check_entries(
    optimizer: Optimizer, state: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The numbers of `state`, `step_count` among them, and its arrays; the optimizer unchanged.

    ValueError for the state of another kind, other entries, or numbers that make no sense. The
    arrays are not looked at.
    """
    kind = type(optimizer).__name__
    if state.get("optimizer") != kind:
        raise ValueError(f"the state belongs to {state.get('optimizer')!r}, this is {kind!r}")
    arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    expected, given = {"optimizer", "step_count", *optimizer.settings}, state.keys() - arrays.keys()
    if given != expected:
        raise ValueError(f"{kind}'s state has the entries {sorted(expected)}, got {sorted(given)}")
    limits, steps = optimizer.settings.items(), state["step_count"]
    if type(steps) is not int or steps < 0:
        raise ValueError(f"step_count must be a count, got {steps!r}")
    numbers = {name: check_number(name, state[name], below) for name, below in limits}
    return numbers | {"step_count": steps}, arrays


# %% nbgrader={"grade": false, "grade_id": "optimizers_state", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def collect_state(optimizer: Optimizer) -> dict[str, Any]:
    """The optimizer's state as a flat dict that later steps do not change.

    Entries: "optimizer" (the name of its class), "step_count", every name in its `settings` with
    its value, and every array of its `buffers()`.
    """
    ### BEGIN SOLUTION
    numbers = {name: getattr(optimizer, name) for name in optimizer.settings}
    arrays = {name: array.copy() for name, array in optimizer.buffers().items()}
    counted = {"optimizer": type(optimizer).__name__, "step_count": optimizer.step_count}
    return {**counted, **numbers, **arrays}
    ### END SOLUTION


def restore_state(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """Put a collected state back, also into an optimizer that was made with other settings.

    Its numbers are those of the state afterwards. They and the arrays come from
    `check_entries(optimizer, state)`. If anything does not fit, ValueError, and all numbers and
    arrays are what they were.
    """
    ### BEGIN SOLUTION
    numbers, arrays = check_entries(optimizer, state)
    before = {name: getattr(optimizer, name) for name in numbers}
    vars(optimizer).update(numbers)
    try:
        restore_arrays(optimizer.buffers(), arrays)  # which there are depends on the numbers
    except ValueError:
        vars(optimizer).update(before)
        raise
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* all entries, copies, the same steps after a restart to the last bit, also when
the new optimizer was made with other settings, and an optimizer that is as it was after a state
that does not fit.
"""

# %% nbgrader={"grade": true, "grade_id": "test_optimizers_state", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@probe
def entries_of_state(steps_later):
    """The state of an SGD after one step, looked at right away or two steps later."""
    parameter = Tensor([1.0, 2.0], requires_grad=True)
    optimizer = SGD([parameter], lr=0.5, momentum=0.5)
    parameter.grad = Tensor([1.0, -1.0])
    optimizer.step()
    state = optimizer.state_dict()
    for _ in range(steps_later):
        optimizer.step()
    return {name: np.asarray(value).tolist() for name, value in state.items()}


@probe
def resume(kind, settings, made):
    """Of an optimizer that loads another's state: the error, its count, its steps, the others'."""
    def fresh(numbers):
        parameters = [Tensor([1.0, 2.0], requires_grad=True), Tensor([[3.0]], requires_grad=True)]
        return parameters, {"SGD": SGD, "Adam": Adam, "AdamW": AdamW}[kind](parameters, **numbers)

    def run(parameters, optimizer, seed):
        rng = np.random.RandomState(seed)
        for _ in range(3):
            for parameter in parameters:
                parameter.grad = Tensor(rng.randn(*parameter.shape))
            optimizer.step()
        return [parameter.data.copy() for parameter in parameters]

    (parameters, first), (others, second) = fresh(settings), fresh(made)
    saved = run(parameters, first, seed=1)
    state, error = first.state_dict(), ""
    uninterrupted = run(parameters, first, seed=2)
    for parameter, data in zip(others, saved, strict=True):
        parameter.data = data
    try:
        second.load_state_dict(state)
    except ValueError as fault:
        error = str(fault)
    return error, run(others, second, seed=2), uninterrupted, second.step_count


@probe
def faulty_load(name, value, momentum):
    """The error of loading a state with one wrong entry, and what changed in the optimizer."""
    parameter = Tensor([1.0, 2.0], requires_grad=True)
    source, target = SGD([parameter], lr=0.5, momentum=0.5), SGD([parameter], momentum=momentum)
    parameter.grad = Tensor([1.0, -1.0])
    source.step()
    before, message = target.state_dict(), ""
    try:
        target.load_state_dict({**source.state_dict(), name: value})
    except ValueError as error:
        message = str(error)
    now = target.state_dict()
    return message, [n for n in before if not np.array_equal(before[n], now[n])]


def test_optimizers_state():
    """A whole optimizer survives a restart, or is left as it was."""
    expected = {"optimizer": "SGD", "step_count": 1, "lr": 0.5, "momentum": 0.5,
                "weight_decay": 0.0, "velocity.0": [1.0, -1.0]}
    check.equal(entries_of_state(0), expected, given="SGD(lr=0.5, momentum=0.5).state_dict() "
                                                     "after a gradient of [1, -1]",
                because="the kind, the count, all settings and all buffers, in one flat dict")
    check.equal(entries_of_state(2), expected, given="the same state, looked at two steps later",
                because="a state is a copy: the run that goes on must not change it")

    heavy = {"lr": 0.1, "momentum": 0.9}
    for kind, settings, made in [("SGD", heavy, {**heavy, "lr": 0.5}), ("Adam", {"lr": 0.1}, {}),
                                 ("AdamW", {"lr": 0.1}, {}), ("SGD", heavy, {}),
                                 ("SGD", {"lr": 0.1}, heavy)]:
        error, got, uninterrupted, count = resume(kind, settings, made)
        what = f"the state of an {kind} with {settings}, loaded into one made with {made}"
        check.equal(error, "", given=f"{what}: the error",
                    because="the settings come with the state: momentum brings its velocities")
        check.equal(got, uninterrupted, given=f"{what}: three more steps",
                    because="the very same steps as without a restart, to the last bit")
        check.equal(count, 6, given=f"{what}: step_count after 3 steps before and 3 after",
                    because="the count goes on where it was")
    for name, value, word, momentum in [
        ("velocity.0", np.ones(3), "velocity.0", 0.9), ("lr", -1.0, "lr", 0.9),
        ("optimizer", "Adam", "Adam", 0.9), ("step_count", -1, "step_count", 0.9),
        ("velocity.0", np.ones(3), "velocity.0", 0.0),
    ]:
        message, changed = faulty_load(name, value, momentum)
        what = f"a state with {name} = {value!r}, into an SGD with momentum {momentum}"
        check.true(word in message, given=f"{what}: error {message!r}",
                   because="what does not fit is a ValueError that says what")
        check.equal(changed, [], given=f"{what}: what changed",
                    because="all or nothing: whatever was set before the error is put back")


test_optimizers_state()

# %% [markdown]
r"""
## Part 7: Half the memory, by a rule of your own (open)

Adam's promise is worth having: steps of a known length, whatever the scale of the loss. Its price
is two arrays per parameter. Can you keep the promise for one?

`Lean` must do what the docstring says. How is up to you: at least three quite different rules pass.
The class has everything but the ideas: fill in the three places. (Any fixed numbers you need may
stand in the code.)
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers_lean", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "open"}
class Lean(Optimizer):
    """An optimizer with at most one number of memory per number of the parameters.

    (A count for each parameter tensor may come on top.)

    * Scale-free: all gradients of a run times 1,000, or times 0.001, and the path is the same,
      up to 1 %.
    * lr sets the length: under the same gradients, twice the lr goes twice as far, up to 1 %.
    * Bounded: no number moves further than 4 * lr in one step, and by 1 % of lr at least in each
      of the first five steps under a constant gradient.
    * It follows the *average* gradient: under gradients 3, -1, -1, 3, -1, -1, ... it goes down.
    * Where all gradients have been zero, nothing moves (and nothing becomes NaN).
    * It gets to the floor of the valley of Part 3: with lr 0.01 from (-4, 1), its mean height in
      the last 20 of 1,000 steps is below a twentieth of the height at the start.
    * In place, float32; `buffers()` has all that it remembers, so that a restart works.
    """

    settings: ClassVar[dict[str, float]] = {"lr": math.inf}

    def __init__(self, params: Iterable[Tensor], lr: float = 0.01):
        super().__init__(params)
        self.lr = lr
        ### BEGIN SOLUTION
        self.m_buffers = zero_buffers(self.params)
        ### END SOLUTION

    def update(self, index: int, data: np.ndarray, gradient: np.ndarray) -> None:
        ### BEGIN SOLUTION
        average = self.m_buffers[index]
        average *= 0.9
        average += gradient
        data -= self.lr * np.sign(average)
        ### END SOLUTION

    def buffers(self) -> dict[str, np.ndarray]:
        ### BEGIN SOLUTION
        return numbered("m", self.m_buffers)
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* each property of the docstring, on paths of your rule.
"""

# %% nbgrader={"grade": true, "grade_id": "test_optimizers_lean", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
@probe
def lean_path(gradients, scale=1.0, lr=0.01, restart=None):
    """The data of a parameter of ones after each step, with a restart after a step or not."""
    parameter = Tensor(np.ones(np.shape(gradients[0])), requires_grad=True)
    optimizer, path = Lean([parameter], lr=lr), []
    for number, gradient in enumerate(gradients):
        if number == restart:
            state, optimizer = optimizer.state_dict(), Lean([parameter])
            optimizer.load_state_dict(state)
        parameter.grad = Tensor(np.asarray(gradient, dtype=np.float32) * np.float32(scale))
        optimizer.step()
        path.append(parameter.data.copy())
    return np.array(path)


@probe
def lean_memory():
    """Numbers remembered beside counts, per number; dtypes; what stayed where it was."""
    parameters = [Tensor(np.ones((20, 30)), requires_grad=True), Tensor([1.0], requires_grad=True)]
    arrays = [parameter.data for parameter in parameters]
    optimizer = Lean(parameters)
    for parameter in parameters:
        parameter.grad = Tensor(np.full(parameter.shape, 2.0))
    optimizer.step()
    hidden = [value for value in vars(optimizer).values() if isinstance(value, list)]
    held = {id(a): a for a in optimizer.buffers().values()}
    held |= {id(a): a for found in hidden for a in found if isinstance(a, np.ndarray)}
    kept = sum(array.size for array in held.values() if array.size not in (1, 2))
    same = all(p.data is array for p, array in zip(parameters, arrays, strict=True))
    touched = [float(np.ptp(np.asarray(p.grad) - 2.0)) for p in parameters]
    return kept / 600, same, touched, str(parameters[0].data.dtype)


@probe
def lean_valley():
    """Height in the valley at the start and the mean of the last 20 of 1,000 steps."""
    point = Tensor([-4.0, 1.0], requires_grad=True)
    optimizer, heights = Lean([point], lr=0.01), []
    for _ in range(1000):
        height = float((point.data**2 * [1.0, 100.0]).sum() / 2)
        heights.append(height)
        point.grad = Tensor(point.data * np.array([1.0, 100.0]))
        optimizer.step()
    return heights[0], float(np.mean(heights[-20:]))


def test_optimizers_lean():
    """The promises of an optimizer that remembers one number for each."""
    rng = np.random.RandomState(3)
    noisy = (rng.randn(30, 4) + np.array([1.0, -1.0, 0.3, 3.0])).tolist()
    path = lean_path(noisy)
    for scale in (1000.0, 0.001):
        check.close(lean_path(noisy, scale), path, rtol=0, atol=3e-3,
                    given=f"the path under 30 noisy gradients, all times {scale}",
                    because="the scale of the loss must not matter")
    check.close(np.array(lean_path(noisy, lr=0.02)) - 1, 2 * (np.array(path) - 1), rtol=0,
                atol=6e-3, given="how far 30 noisy gradients take it with lr 0.02",
                because="lr sets the length: twice as far as with lr 0.01")
    steps = np.abs(np.diff(np.array(path), axis=0, prepend=1.0))
    check.true(bool(steps.max() <= 0.0401),
               given=f"the longest move of a number, lr 0.01: {steps.max():.4f}",
               because="at most 4 * lr. An average that looks back very far is tiny after the "
                       "first gradient; dividing by its root makes a giant step")
    constant = np.array(lean_path([[2.0, -2.0]] * 5))
    check.equal(np.sign(constant[-1] - 1).tolist(), [-1.0, 1.0],
                given="two numbers after five gradients of 2 and -2: the signs of their moves",
                because="downhill is against the gradient")
    slow = np.abs(np.diff(constant, axis=0, prepend=1.0)).min()
    check.true(bool(slow >= 1e-4), given=f"the shortest of these moves, lr 0.01: {slow:.6f}",
               because="a constant gradient calls for a step of 1 % of lr at least")
    skewed = np.array(lean_path([[3.0], [-1.0], [-1.0]] * 40))
    check.true(bool(skewed[-1, 0] < 0.98),
               given=f"1.0 after 120 gradients 3, -1, -1, ...: {skewed[-1, 0]:.3f}",
               because="their average is positive, so it goes down, though most are negative")
    still = np.array(lean_path([[0.0, 1.0]] * 4))
    check.equal(still[:, 0].tolist(), [1.0] * 4, given="a number whose gradients were all zero",
                because="no gradient, no step")
    check.close(lean_path(noisy, restart=12), path, rtol=0, atol=1e-6,
                given="the path with state_dict and load_state_dict after 12 steps",
                because="buffers() holds everything that the rule remembers")
    share, same, touched, dtype = lean_memory()
    check.true(bool(share <= 1.0), given=f"numbers remembered per number: {share:.2f}",
               because="one, which is half of Adam's memory")
    check.equal(same, True, given="is parameter.data the same array after a step",
                because="data is written in place")
    check.unchanged(touched, [0.0, 0.0], given="the change of the gradients",
                    because="a gradient is only read")
    check.equal(dtype, "float32", given="the dtype of the data after a step")
    start, end = lean_valley()
    check.true(bool(end < start / 20), because="it must get to the floor of the valley",
               given=f"valley of Part 3, lr 0.01: height {start:.1f}, after 1,000 steps {end:.3f}")


test_optimizers_lean()

# %% [markdown]
r"""
The sign of a running average is one answer. (*Lion*, a rule that a computer search found in 2023,
is a close relative.) Another divides the plain gradient by the root of its average square
(*RMSprop*, from a slide of a lecture by Geoffrey Hinton, 2012, never published as a paper). A third
divides the average gradient by one size for the whole tensor. What each gives up against Adam, you
can measure on the digits.

## Part 8: The loss that does not move (bug hunt)

A colleague wants to train a network further, starting from weights that were saved before:

> "No error. But the loss is the same at every step, to the last digit. I thought the learning rate
> was too small, so I made it a thousand times larger: still the same. The gradients are there, I
> printed them, and they even *grow* from step to step! Once I did get it moving, with a line too
> ugly to show, and the next day the saved weights were not the ones I had saved."

There are two faults. Run the cell below the function: you see one of them at once. The other shows
only when the first is repaired, so run the cell again then.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers_fine_tune", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "bug hunt"}
def fine_tune(model, saved, x, y, steps, lr=0.1):
    """Start `model` from `saved` weights and train it further; return the loss at each step.

    `model` is a Sequential; `saved` has one float32 array for each of its parameters, in order,
    and is not changed. All parameters are trained, by SGD with momentum 0.9, on all of x, y.
    """
    ### BEGIN BROKEN
    # optimizer = SGD(model.parameters(), lr, momentum=0.9)
    # arrays = iter(saved)
    # for layer in model:
    #     if isinstance(layer, Linear):
    #         layer.weight = Tensor(next(arrays), requires_grad=True)
    #         layer.bias = Tensor(next(arrays), requires_grad=True)
    ### END BROKEN
    ### BEGIN SOLUTION
    for parameter, array in zip(model.parameters(), saved, strict=True):
        parameter.data[...] = array
    optimizer = SGD(model.parameters(), lr=lr, momentum=0.9)
    ### END SOLUTION
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = CrossEntropyLoss()(model(Tensor(x)), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

# %%
# Run this before your repair, and after it.
one, two = digits_network(), digits_network(seed=1)
kept = [parameter.data.copy() for parameter in one.parameters()]
before = [array.copy() for array in kept]
for count in (1, 5):
    tuned_losses = fine_tune(two, kept, pixels[:100], labels[:100], steps=count)
    length = np.linalg.norm(np.asarray(two[0].weight.grad))
    print(f"{count} steps: losses {np.round(tuned_losses, 4)}, last gradient {length:.3f} long")
same = [np.array_equal(a, b) for a, b in zip(kept, before, strict=True)]
print("saved weights unchanged:", same)

# %% [markdown]
"""
*What is checked:* that the loss starts at the saved weights and falls as it should, that the saved
weights stay what they were, and that a second run gives the same losses.
"""

# %% nbgrader={"grade": true, "grade_id": "test_optimizers_fine_tune", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def tuned(about, steps=8):
    """One fact about fine_tune on 12 random points of three classes."""
    rng = np.random.RandomState(5)
    x, y = rng.randn(12, 4).astype(np.float32), np.arange(12) % 3
    shapes = [(4, 6), (6,), (6, 3), (3,)]
    saved = [(rng.randn(*shape) / 2).astype(np.float32) for shape in shapes]
    copies = [array.copy() for array in saved]

    def network():
        return Sequential(Linear(4, 6), ReLU(), Linear(6, 3))

    model = network()
    losses = fine_tune(model, saved, x, y, steps)
    if about == "saved":
        return [[a.ravel()[:3].tolist() for a in arrays] for arrays in (saved, copies)]
    if about == "moved":
        trained = zip(model.parameters(), copies, strict=True)
        return [bool(np.abs(p.data - start).max() > 0) for p, start in trained]
    if about == "again":
        return np.array_equal(losses, fine_tune(network(), saved, x, y, steps))
    own, expected = network(), []
    for parameter, start in zip(own.parameters(), copies, strict=True):
        parameter.data[...] = start
    optimizer = SGD(own.parameters(), lr=0.1, momentum=0.9)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = CrossEntropyLoss()(own(Tensor(x)), y)
        loss.backward()
        optimizer.step()
        expected.append(loss.item())
    return losses, expected


def test_optimizers_fine_tune():
    """The parameters that the model uses are those that the optimizer moves."""
    losses, expected = tuned("losses")
    check.equal(len(losses), 8, given="how many losses come back, 8 steps")
    check.close(losses[0], expected[0], rtol=1e-4, given="the first loss",
                because="training starts at the saved weights")
    check.true(bool(losses[-1] < losses[0] - 0.05),
               given=f"8 steps: from loss {losses[0]:.4f} to {losses[-1]:.4f}",
               because="the optimizer has to hold the tensors that the model uses")
    check.close(losses, expected, rtol=1e-3, given="the losses of 8 steps",
                because="SGD, momentum 0.9, lr 0.1, from the saved weights, with fresh gradients")
    check.equal(tuned("moved"), [True] * 4, given="has each of the four parameters moved",
                because="all parameters are trained")
    now, before = tuned("saved")
    check.unchanged(now, before, given="the first numbers of each saved array after 8 steps",
                    because="the step writes in place: a Tensor made of a float32 array shares "
                            "its memory")
    check.equal(tuned("again"), True, given="does a second run give the same losses",
                because="the saved weights are the same, so the run is the same")


test_optimizers_fine_tune()

# %% [markdown]
"""
An optimizer holds *tensors*, not a model. Replace a layer's weight afterwards, and the optimizer is
left with the old one, which no gradient reaches any more. The growing gradients were the clue:
nobody set the *new* ones to None. The second fault is the price of writing in place:
`Tensor(array)` shares the memory of a float32 array, so the step wrote into the saved weights. Copy
what you want to keep.
"""

# %% [markdown]
r"""
# Use

## Your framework reads digits

TinyDigits: 1,000 images of 8 x 8 pixels to learn from, 200 others to test with, ten classes. An
untrained network gets about one in ten right. The loop below has the four lines that you will find
in every training script of the field.

**Predict:** after ten passes over the 1,000 digits (a few seconds), how many of the 200 *others*
does it read?
"""

# %%
def train(make_optimizer, batch=50, passes=5, seed=0):
    """Train a fresh network on the digits; return it and its loss on all 1,000 before each pass."""
    model, order = digits_network(seed), np.random.default_rng(seed)
    optimizer, loss_fn, losses = make_optimizer(model.parameters()), CrossEntropyLoss(), []
    for _ in range(passes):
        losses.append(loss_fn(model(Tensor(pixels)), labels).item())
        shuffled = order.permutation(len(pixels))
        for start in range(0, len(pixels), batch):
            rows = shuffled[start : start + batch]
            optimizer.zero_grad()
            loss = loss_fn(model(Tensor(pixels[rows])), labels[rows])
            loss.backward()
            optimizer.step()
    return model, [*losses, loss_fn(model(Tensor(pixels)), labels).item()]


def share_right(model):
    """The share of the 200 test digits that the model gets right."""
    return float((model(Tensor(test_pixels)).data.argmax(axis=1) == test_labels).mean())


print(f"untrained: {share_right(digits_network()):.0%} right")
for name, make in {
    "SGD, lr 0.1": lambda params: SGD(params, lr=0.1),
    "SGD, momentum 0.9, lr 0.1": lambda params: SGD(params, lr=0.1, momentum=0.9),
    "Adam, lr 0.01": lambda params: Adam(params, lr=0.01),
    "AdamW, lr 0.01": lambda params: AdamW(params, lr=0.01),
    "your Lean, lr 0.001": lambda params: Lean(params, lr=0.001),
}.items():
    model, losses = train(make, passes=10)
    print(f"{name:26} loss {losses[0]:.2f} -> {losses[-1]:.3f}, {share_right(model):.0%} right")

# %% [markdown]
"""
Your own framework learns to read: all of it, from the array to the step, is code that you can
explain. Which of the five came first here depends on the rates that somebody chose for them. So the
next question comes before any comparison.

## The learning rate

**Predict** before you run: five passes with rates from 0.0001 to 10. Draw the loss at the end
against the rate, on a logarithmic scale. What shape is it? Is one end worse than the other? And
where does the curve with momentum 0.9 lie, compared to plain SGD?
"""

# %%
rates = 10.0 ** np.arange(-4, 1.1, 0.5)
rules = {
    "SGD": lambda params, lr: SGD(params, lr=lr),
    "SGD, momentum 0.9": lambda params, lr: SGD(params, lr=lr, momentum=0.9),
    "Adam": lambda params, lr: Adam(params, lr=lr),
}
final = {name: [] for name in rules}
print(f"{'lr':>8}" + "".join(f"{name:>20}" for name in rules))
for rate in rates:
    for name, rule in rules.items():
        with np.errstate(all="ignore"):  # the largest rates may overflow
            _, losses = train(lambda params, rate=rate, rule=rule: rule(params, rate))
        final[name].append(losses[-1])
    print(f"{rate:8.2g}" + "".join(f"{losses[-1]:20.3f}" for losses in final.values()))

# %%
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for name, losses in final.items():
        axes.loglog(rates, losses, "o-", label=name)
    axes.axhline(np.log(10), color="k", linestyle=":", label="guessing: ln 10")
    axes.set(xlabel="learning rate", ylabel="loss after five passes", ylim=(0.01, 30),
             title="A long slope, a narrow floor, a cliff")
    axes.legend(loc="lower left")
    plt.show()
except ImportError:
    print("Without matplotlib you miss three curves: a slope, a floor, a cliff.")

# %% [markdown]
r"""
Three things to take away. The curve is **not symmetric**: to the left the network learns the same
things, only later; to the right there is a cliff, behind which it knows nothing or less than
nothing (a loss above $\ln 10$ is worse than guessing). The best rate lies **close to the cliff**.
And on the slope, the curve of momentum 0.9 is that of SGD moved to the left by about a factor of
ten: the sum of Part 3. Its cliff comes sooner, too. So a comparison of optimizers at the *same*
learning rate compares nothing.

In practice: try rates in factors of three or ten; when the loss explodes, go back by one step.
First guesses: 0.001 for Adam, 0.01 for SGD with momentum.

## The batch size

The noise falls with $1/\sqrt{\text{batch}}$, so should batches be as large as they can?

**Predict:** five passes over the same 1,000 digits with batches of 1, 10, 100 and 1,000, that is
5,000, 500, 50 and 5 steps, all at lr 0.05. Which learns most? And which takes the most time?
"""

# %%
sizes, curves = (1, 10, 100, 1000), {}
for label, rate_for in [("lr 0.05", lambda batch: 0.05), ("lr 0.005 x batch", lambda b: 0.005 * b)]:
    for batch in sizes:
        begin = time.perf_counter()
        rate = rate_for(batch)
        _, losses = train(lambda params, rate=rate: SGD(params, lr=rate), batch=batch)
        seconds = time.perf_counter() - begin
        curves[label, batch] = losses
        print(f"{label:16} batch {batch:4}: {5000 // batch:4} steps, loss {losses[-1]:.3f}, "
              f"on your machine {seconds:.2f} s")

# %%
try:
    import matplotlib.pyplot as plt

    figure, row = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True, layout="constrained")
    for axes, title in zip(row, ("lr 0.05", "lr 0.005 x batch"), strict=True):
        for batch in sizes:
            line = "k--" if batch == 1 else "o-"  # batch 1 would lie under batch 10
            axes.plot(curves[title, batch], line, label=f"batch {batch}", zorder=3 - (batch > 1))
        axes.set(title=title, xlabel="passes over the digits", ylim=(0, 3))
    row[0].set_ylabel("loss on all digits")
    row[1].legend()
    figure.suptitle("At one rate, small batches learn more per pass; "
                    "a scaled rate evens it out, up to the cliff")
    plt.show()
except ImportError:
    print("Without matplotlib you miss a fan of curves on the left; on the right a bundle, and one "
          "curve that went over the cliff.")

# %% [markdown]
r"""
At one rate, small batches win per *pass*, simply because they take more steps; each step is noisy,
and it hardly matters. But each step also has costs that do not depend on the batch, so 5,000 small
steps take longer than 500 larger ones. The way out is on the right: **ten times the batch, ten
times the rate**. A step along the average of ten gradients, ten times as long, covers the ground of
ten single steps: the curves of 1, 10 and 100 nearly coincide. The rule ends at the cliff. For 1,000
it asks for a rate of 5, and you have seen what rates beyond 3 do.

# Reflect

## What it costs

**Predict** before you run: for a 784-128-10 network, how many bytes does each optimizer remember,
in multiples of the parameters? And how much *extra* memory does one step on a million parameters
(4 MB) take at its peak? The last line breaks the in-place rule on purpose.
"""

# %%
class NewArrays(Adam):
    """Adam as one would write it without thinking of memory: every line makes new arrays."""

    def adapt(self, index, data, gradient):
        count = 1 + int(self.updates[index])
        self.updates[index] = count
        self.m_buffers[index] = self.beta1 * self.m_buffers[index] + (1 - self.beta1) * gradient
        self.v_buffers[index] = self.beta2 * self.v_buffers[index] + (1 - self.beta2) * gradient**2
        m_hat = self.m_buffers[index] / (1 - self.beta1**count)
        v_hat = self.v_buffers[index] / (1 - self.beta2**count)
        self.params[index].data = data - self.lr * m_hat / (np.sqrt(v_hat) + self.eps)


def best_time(call, repeats=15):
    """Milliseconds of the fastest of several calls: the one that was disturbed least."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


def extra_memory(call):
    """Peak of the memory taken during a call, in MB."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


np.random.seed(0)
network = Sequential(Linear(784, 128), ReLU(), Linear(128, 10))
own = sum(parameter.data.nbytes for parameter in network.parameters())
big = Tensor(np.random.randn(1000, 1000), requires_grad=True)
big.grad = Tensor(np.random.randn(1000, 1000))
print(f"784-128-10: {own:,} bytes of parameters, as many of gradients")
print("                      remembers     = ... x     a step on 4 MB:   on your")
print("                          bytes  parameters          MB extra   machine, ms")
for name, kind, settings in [
    ("SGD", SGD, {}), ("SGD, momentum 0.9", SGD, {"momentum": 0.9}), ("Adam", Adam, {}),
    ("AdamW", AdamW, {}), ("Adam, new arrays", NewArrays, {}),
]:
    state = sum(a.nbytes for a in kind(network.parameters(), **settings).buffers().values())
    optimizer = kind([big], lr=1e-6, **settings)
    optimizer.step()  # the first step may allocate its state
    print(f"{name:18} {state:12,} {state / own:11.2f} {extra_memory(optimizer.step):17.1f} "
          f"{best_time(optimizer.step):13.2f}")

# %% [markdown]
"""
What holds on any machine: one velocity costs as much as the parameters, two averages twice as much
(and 8 bytes per parameter tensor for its count). With the gradients, training by Adam holds four
numbers for each parameter before a single activation is stored. And the version that makes new
arrays needs more extra memory; how much more depends on how many arrays your `adam_direction`
makes.

**And before you look at the last column:** is the version with new arrays the slowest on your
machine? It is tempting to say that fewer new arrays make the step fast, and we have measured both,
on different machines. A step does a handful of operations per number, so it waits for memory, and
caches, freshly mapped pages and the allocator decide. Write in place for the memory, and because
others hold your array. For the time: measure.

## Questions

**1.** A language model has 7 billion float32 parameters, and your machine has 100 GB. Does training
fit with SGD, with SGD and momentum, with Adam? And does a smaller batch help?

<details><summary>Answer</summary>

Parameters are 28 GB, and so is every other full set. SGD: 28 + 28 of gradients = 56 GB. With
momentum 84 GB, with Adam 112 GB, which does not fit. The batch plays no part in these numbers (it
does in the activations, which come on top). It is why large models spread their optimizer state
over many devices.
</details>

**2.** Two runs reach the same loss: Adam after 100,000 steps, momentum SGD after 200,000. With the
model and the machine of question 1, Adam is too large. What else could be given up instead of Adam,
and what does each cost?

<details><summary>Answer</summary>

Keep the averages in 16 bits (as Part 3 warns, $v$ then loses small squares), keep one average (Part
7), or split the state over two machines. Or take momentum and pay twice the steps. None is free;
which is cheapest depends on whether time or memory runs out first.
</details>

**3.** You resume a run of Adam and want a learning rate ten times smaller. Keep the averages, or
start with empty ones?

<details><summary>Answer</summary>

Keep them: `load_state_dict`, then `optimizer.lr = 0.0001`. The averages describe the gradients, and
those do not depend on the learning rate. Empty averages would be right if the gradients themselves
changed their nature: another data set, another loss.
</details>

**4.** (A new case.) A model keeps a table with one row of numbers for each of 50,000 words, and a
batch uses a hundred of them. All other rows get a gradient of zeros: not None, since the table is
one parameter. What do SGD, SGD with momentum, Adam and AdamW do to a row that was not used?

<details><summary>Answer</summary>

Plain SGD leaves it alone. Momentum goes on moving it, by a velocity that fades. So does Adam: $m$
fades with 0.9 but $v$ only with 0.999, so the row coasts for some twenty steps on an old gradient.
AdamW, besides, shrinks it at every step, used or not: a rare word slowly forgets what it learned.
(For such tables, libraries offer "sparse" rules that touch the used rows only.)
</details>

**5.** (A new case.) Somebody takes the *sum* of the losses over a batch of 100 instead of the mean.
What changes with SGD, with Adam, and with the balance between loss and weight decay in each of SGD,
Adam and AdamW?

<details><summary>Answer</summary>

All gradients are 100 times as large. SGD: as if the learning rate were 100 times as large, which
probably lies behind the cliff. Adam: nothing, as the direction does not depend on the scale (up to
eps). Decay: in SGD and Adam the penalty stands beside a gradient that is 100 times as large, so it
counts 100 times less. In AdamW the decay never meets the gradient: nothing changes.
</details>

**6.** A parameter's true gradient is 0; rounding makes it ±1e-9 at random. How far does Adam move
it per step with eps = 1e-8, with 1e-12, and with 1e-6?

<details><summary>Answer</summary>

At most about a tenth of lr, a whole lr, and a thousandth of lr: the direction is bounded by roughly
1e-9 / (1e-9 + eps), with a random sign. An eps above the noise keeps such a parameter still, and
leaves honest gradients alone.
</details>

**7.** (Without an answer.) You have found the best learning rate for five passes over the digits.
You can afford five hundred. Would you look for a rate again, and would you expect it to be larger
or smaller? Which measurement would change your mind?
"""

# %% [markdown]
"""
## Common errors

| what you see | what it means | what to do |
|---|---|---|
| the loss is the same at every step | the optimizer holds other tensors | make it after the model |
| the loss does not move | `step()` before `backward()` | zero_grad, forward, backward, step |
| the loss falls, then swings or explodes | gradients add up | `zero_grad()` once per step |
| the loss is `nan` from some step on | behind the cliff | divide `lr` by ten |
| the loss explodes once momentum is switched on | steps add up | divide `lr` by ten |
| `... is the result of an operation` | `Tensor(...) * 0.1` | scale the data, then make the Tensor |
| `params is empty` | a generator already walked | pass `model.parameters()` afresh |
| `unsupported operand type(s) for *: 'float' and 'memoryview'` | `.data` of an array | `np.asarray` |
| `lr must be a number in [0, inf), got nan` | a computed rate went wrong | print it there |
| `the state belongs to 'SGD', this is 'Adam'` | another kind of optimizer | build that kind |
| weights do not move, no error | `data = data - ...` in `update` | `data -= ...` |

## In production

| yours | PyTorch |
|---|---|
| `from tinytorch.optim import AdamW` | `from torch.optim import AdamW` |
| `optimizer = AdamW(model.parameters(), lr=1e-3)` | the same line |
| `optimizer.zero_grad()` | the same line |
| `loss_fn(model(x), y).backward()` | the same line |
| `optimizer.step()` | the same line |
| `optimizer.lr = 1e-4` | `optimizer.param_groups[0]["lr"] = 1e-4` |
| `optimizer.state_dict()`, flat | nested: `"state"` and `"param_groups"` |

The numbers are the same, too: the tests of this project run both for a hundred steps and compare.
(One default differs: without an `lr`, PyTorch's SGD takes 0.001.)
What PyTorch adds are *parameter groups*, each with settings of its own (no decay for biases, a
smaller rate for early layers); kernels that update all parameters at once; a dozen further rules.

## Read the source

**`torch/optim/adam.py`, the function `_single_tensor_adam`.** Look for your four ideas: the decay
that either joins the gradient or multiplies the parameter (`AdamW` is `Adam` with
`decoupled_weight_decay=True`), the two averages `exp_avg` and `exp_avg_sq`, the two bias
corrections, and where `eps` is added. Then `step_t`: the count is kept per parameter, like yours.

*Simpler in ours:* one loop over arrays. There, the same rule is written three times: one parameter
at a time, many at once (`_multi_tensor_adam`), and as a fused kernel.

*Different in behaviour, seen by running both:* PyTorch's state takes the parameter's dtype. A
float16 parameter of ones, a gradient of 0.001, one step of `torch.optim.Adam`: `exp_avg_sq` is 0,
and the parameter is `-inf`. Yours keeps float32 state, and moves by `lr`. And a tensor with
`requires_grad=False` is accepted there without a word; yours refuses it.

## Further reading

* Kingma, Ba, *Adam: A Method for Stochastic Optimization* (2015). Section 3 is your derivation of
  the bias correction, in half a page.
* Loshchilov, Hutter, *Decoupled Weight Decay Regularization* (2019). Look at the pictures of the
  best pairs of rate and decay: with L2 they depend on each other, decoupled they do not.
* Gabriel Goh, *Why Momentum Really Works* (Distill, 2017). The pendulum of Part 3, with sliders.

## All together

All graded tests once more, and a network that is trained, stopped and resumed.
"""

# %%
def test_module():
    """All tests of the module, then a network that learns, is stopped, and is resumed."""
    test_optimizers_parameters()
    test_optimizers_loop()
    test_optimizers_weight_decay()
    test_optimizers_memory()
    test_optimizers_velocity()
    test_optimizers_sgd()
    test_optimizers_moments()
    test_optimizers_direction()
    test_optimizers_adam()
    test_optimizers_adamw()
    test_optimizers_restore()
    test_optimizers_state()
    test_optimizers_lean()
    test_optimizers_fine_tune()

    @probe
    def learned_by_heart():
        """Adam on twelve random points of three classes: the first loss, the last, the answers."""
        np.random.seed(3)
        x, y = Tensor(np.random.randn(12, 2)), np.arange(12) % 3
        model = Sequential(Linear(2, 32), ReLU(), Linear(32, 32), ReLU(), Linear(32, 3))
        optimizer, losses = Adam(model.parameters(), lr=0.02), []
        for _ in range(300):
            optimizer.zero_grad()
            loss = CrossEntropyLoss()(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses[-1], (model(x).data.argmax(axis=1) == y).tolist()

    loss, right = learned_by_heart()
    check.equal(right, [True] * 12, given="12 random points, learned by Adam: which are right",
                because="a network of this size can learn a dozen points by heart")
    check.true(bool(loss < 0.05), given=f"12 random points, learned by Adam: loss {loss:.4f}",
               because="a network that knows all the answers has next to no loss left")

    @probe
    def trained_and_resumed(kind):
        """The parameters of a network trained for 10 steps, and of one that took over after 5."""
        x, y = Tensor(np.random.randn(6, 2)), np.arange(6) % 3

        def train(model, optimizer):
            for _ in range(5):
                optimizer.zero_grad()
                CrossEntropyLoss()(model(x), y).backward()
                optimizer.step()

        first, second = (Sequential(Linear(2, 4), ReLU(), Linear(4, 3)) for _ in range(2))
        optimizer = kind(first.parameters(), lr=0.1)
        train(first, optimizer)
        for ours, theirs in zip(second.parameters(), first.parameters(), strict=True):
            ours.data[...] = theirs.data
        resumed = kind(second.parameters())
        resumed.load_state_dict(optimizer.state_dict())
        train(first, optimizer)
        train(second, resumed)
        return [p.data for p in first.parameters()], [p.data for p in second.parameters()]

    for kind, name in ((SGD, "SGD"), (Adam, "Adam"), (AdamW, "AdamW")):
        trained, resumed = trained_and_resumed(kind)
        for position, (expected, got) in enumerate(zip(trained, resumed, strict=True)):
            check.equal(got, expected,
                        given=f"{name}, stopped after 5 of 10 steps and resumed: "
                              f"parameter {position}",
                        because="a resumed run takes the very same steps")
    print("Module 06: all tests passed. Your networks can learn.")


test_module()

# %% [markdown]
"""
## What this unlocks

```
tito module complete 06
```

exports your optimizers and opens the milestone *XOR* of 1969: one layer fails at it, two layers and
your optimizer solve it. Then try at once, in any Python of your workspace:

```python
from tinytorch import Tensor, SGD
w = Tensor([5.0], requires_grad=True)
sgd = SGD([w], lr=0.1)
for _ in range(50):
    sgd.zero_grad()
    ((w - 2) * (w - 2)).sum().backward()
    sgd.step()
print(w)
```

`w` has come to 2. You still write the loop by hand each time. Module 07 writes it once and for all:
rates that change on the way, gradients kept in bounds, and runs that can be stopped and resumed on
the same path, for which your `state_dict` is one half.
"""
