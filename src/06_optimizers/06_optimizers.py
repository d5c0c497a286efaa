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
# Module 06: Optimizers

**Tier:** Foundation · **Difficulty:** ●●○○ · **Time:** 3-5 hours · **Prerequisites:** Modules 01-05

After `loss.backward()` every parameter knows in which direction the loss rises. Nothing has been
learned yet: the numbers in the network are still the ones you started with. This module takes the
step. How far to go, what to remember from the steps before, and how to keep parameters small while
going there: those are three questions, and SGD, Adam and AdamW are three answers to them.
"""

# %% [markdown]
"""
## Connection map

```
 01 Tensor     data, requires_grad ──┐
 03 Layers     parameters() ─────────┼──►  06 Optimizers  ──►  07 Training: the loop around it
 05 Autograd   parameter.grad ───────┘      grad → new data     every later module that learns
```

In words: an optimizer takes the list of tensors that your layers return, reads the gradients that
autograd left on them, and changes their data in place. Module 07 builds the training loop around
it, and everything that learns after that goes through the classes of this module.
"""

# %% [markdown]
"""
## Learning objectives

By the end of this module you can

1. write the loop that every optimizer shares, and say why it updates **in place** and never touches
   a gradient;
2. write SGD with momentum and L2 weight decay, and explain what a velocity adds up;
3. derive Adam's bias correction and say how large its first steps would be without it;
4. explain why AdamW decouples weight decay, and write it without repeating a line of Adam;
5. work out what an optimizer costs in memory, and save and restore its state all-or-nothing.

## What you build, and what you do not build yet

| you build | idea |
|---|---|
| `Optimizer` | the loop: for each parameter with a gradient, apply an update rule |
| `SGD` | step downhill; momentum remembers the direction |
| `Adam` | two running averages give each number its own step size |
| `AdamW` | weight decay that does not pass through those averages |
| `state_dict`, `load_state_dict` | what has to survive when a run is interrupted |

Not yet: changing the step size during a run and limiting exploding gradients (Module 07). Not at
all: second-order methods such as L-BFGS, and optimizer state spread over many machines.
"""

# %%
#| default_exp core.optimizers

# %%
#| export
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

from tito.checks import check, probe

from tinytorch.core.activations import Sigmoid, Tanh
from tinytorch.core.layers import Linear, Sequential
from tinytorch.core.losses import BinaryCrossEntropyLoss

# %% [markdown]
r"""
## Part 1: What an optimizer holds

The gradient $\nabla L$ of a loss points uphill. Subtract a small multiple of it and the loss falls:

$$\theta \leftarrow \theta - \eta \, \nabla L(\theta)$$

$\theta$ is a parameter, $\eta$ the *learning rate* `lr`. This is gradient descent, and the only
thing an optimizer needs for it is a list of the tensors it may change.

That list arrives in many forms: `model.parameters()`, two lists added up, a generator that can be
walked only once. And it arrives with mistakes. A tensor without `requires_grad` never receives a
gradient; neither does the *result* of an operation, such as `Tensor(..., requires_grad=True) * 0.1`,
because gradients arrive at leaves only. An optimizer that accepted those would skip them in silence
at every step, and you would search for the reason why your network does not learn. So the list is
checked once, at the door.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers_parameters", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def check_parameters(params: Iterable[Tensor]) -> list[Tensor]:
    """The tensors to optimize, as a list: each tensor once, in the given order.

    `params` is any iterable, and it is walked exactly once (it may be a generator). A tensor that
    occurs twice (weights shared by two layers) is kept once, at its first place: the *same object*
    counts as the same, not equal values.

    ValueError, whose message names the place as ``params[i]`` (i counts from 0), for an item that
      * is not a Tensor (say its type: ``params[1] is a str, …``),
      * has ``requires_grad`` False,
      * is the result of an operation: ``getattr(tensor, "_grad_fn", None)`` is not None.
    ValueError as well when there is nothing to optimize (the message says ``empty``), and when
    `params` is itself a Tensor: walking it would give its rows, so ask for a list (the message
    mentions ``list``).

    Why: each of these would otherwise be skipped, or updated twice, without a word.

    Steps:
        1. Refuse a bare Tensor.
        2. Walk `params` with `enumerate`; check each item; remember it by its `id()`.
        3. Refuse an empty result; return the remembered tensors as a list.

    Example:
        >>> w = Tensor([1.0], requires_grad=True)
        >>> len(check_parameters(p for p in [w, w]))
        1
    """
    ### BEGIN SOLUTION
    if isinstance(params, Tensor):
        raise ValueError("params is one Tensor, expected a list of them: write [tensor]")
    found: dict[int, Tensor] = {}
    for index, tensor in enumerate(params):
        if not isinstance(tensor, Tensor):
            raise ValueError(f"params[{index}] is a {type(tensor).__name__}, expected a Tensor")
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


# %% nbgrader={"grade": true, "grade_id": "test_optimizers_parameters", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def test_optimizers_parameters():
    """The list is walked once, each tensor is kept once, and faults are named by their place."""
    @probe
    def keep(order, as_generator=False):
        """Which of three parameters (with equal values) come back, by their number."""
        tensors = [Tensor([1.0, 2.0], requires_grad=True) for _ in range(3)]
        given = [tensors[number] for number in order]
        kept = check_parameters((tensor for tensor in given) if as_generator else given)
        return type(kept).__name__, [[t is k for t in tensors].index(True) for k in kept]

    kind, numbers = keep([0, 1])
    check.equal(kind, "list", given="check_parameters([w, b])", because="a list can be walked again at every step")
    check.equal(numbers, [0, 1], given="two tensors with equal values", because="equal values are still two parameters, and they come back in order")
    check.equal(keep([0, 1, 2], True), ("list", [0, 1, 2]), given="a generator of three tensors", because="a generator gives its items only once")
    check.equal(keep([1, 0, 1, 2, 0])[1], [1, 0, 2], given="tensors 1, 0, 1, 2, 0", because="a tensor given twice would be updated twice per step; it keeps its first place")
    w = Tensor([1.0, 2.0], requires_grad=True)
    b = Tensor([1.0, 2.0], requires_grad=True)
    check.raises(ValueError, lambda: check_parameters([]), given="an empty list", mentions=["empty"])
    check.raises(ValueError, lambda: check_parameters([w, "bias"]), given="[w, 'bias']", mentions=["params[1]", "str"])
    check.raises(ValueError, lambda: check_parameters([np.ones(3)]), given="[a NumPy array]", mentions=["params[0]", "ndarray"])
    fixed = Tensor([3.0])
    check.raises(ValueError, lambda: check_parameters([w, b, fixed]), given="a third tensor with requires_grad=False", mentions=["params[2]"])
    scaled = Tensor([3.0], requires_grad=True) * 0.1
    check.raises(ValueError, lambda: check_parameters([scaled]), given="Tensor([3.0], requires_grad=True) * 0.1", mentions=["params[0]"], because="a result is not a leaf: it never receives a gradient")
    check.raises(ValueError, lambda: check_parameters(w), given="a Tensor instead of a list", mentions=["list"])


test_optimizers_parameters()

# %% [markdown]
"""
### Numbers that steer

The other thing an optimizer holds is a handful of numbers, its *hyper-parameters*. A negative or
infinite learning rate is never meant, so the helper below refuses it. It also returns a plain Python
float: a `np.float64` times a float32 array makes a float64 array, twice the memory for nothing.

These helpers are given. `zero_buffers` makes the arrays in which an optimizer remembers things, one
per parameter, always float32.
"""


# %%
#| export
def check_number(name: str, value: Any, below: float) -> float:
    """`value` as a float. ValueError unless it is a real number with 0 <= value < below."""
    if not isinstance(value, Real) or not 0 <= value < below:
        raise ValueError(f"{name} must be a number in [0, {below}), got {value!r}")
    return float(value)


def zero_buffers(params: list[Tensor]) -> list[np.ndarray]:
    """One float32 array of zeros per parameter, of the same shape."""
    return [np.zeros(parameter.shape, dtype=np.float32) for parameter in params]


def numbered(name: str, arrays: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays under the names ``name.0``, ``name.1``, …"""
    return {f"{name}.{index}": np.asarray(array) for index, array in enumerate(arrays)}


# %% [markdown]
"""
## Part 2: The loop that all optimizers share

Whatever the rule is, one `step()` always does the same: walk the parameters, skip those that took no
part in this loss (their `grad` is None), and let the rule change the data of the others.

```
            Optimizer                      SGD, Adam, AdamW
  step():   for each parameter
              has it a gradient? ──no──► skip
              │ yes
              └─ update(index, data, gradient)  ◄── each class brings its own rule
```

In words: the base class owns the loop, and each subclass owns one method, `update`, that receives
plain arrays: the parameter's data, to be changed in place, and its gradient, to be left alone.

Two rules hold for every `update` in this module.

* **In place.** `data -= …` writes into the memory the parameter already has. `data = data - …` would
  make a new array and bind the *name* `data` to it, and the parameter would never hear of it.
* **Hands off the gradient.** It belongs to the tensor. Whoever reads it after the step (to log it,
  to add the next batch's gradient to it) must find what autograd left there.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers_loop", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Optimizer:
    """What all optimizers share: the parameters, the loop over them, the saved state.

    A subclass lists its hyper-parameters in `settings`, brings its rule as `update`, and names the
    arrays it remembers in `buffers`.
    """

    #: hyper-parameter -> the limit that it must stay below (all are at least 0)
    settings: ClassVar[dict[str, float]] = {}

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

        Why: backward() *adds* to the gradients that are there. Without this call the second step
        would follow the sum of two batches.
        """
        ### BEGIN SOLUTION
        for parameter in self.params:
            parameter.grad = None
        ### END SOLUTION

    def step(self) -> None:
        """Change every parameter that has a gradient by one application of `update`.

        For each parameter, with its index in `self.params`:
          * a `grad` of None: skip it, the index counts on;
          * read the gradient as a float32 array: ``np.asarray(parameter.grad, dtype=np.float32)``
            (`grad` is a Tensor, or an array that somebody assigned);
          * a gradient whose shape is not the parameter's: ValueError with ``params[i]`` and both
            shapes (NumPy would broadcast it and say nothing);
          * call ``self.update(index, parameter.data, gradient)``.
        `step_count` goes up by one per call of step(), at the end, whether or not any parameter had
        a gradient.

        Example: parameters with gradients [g0, None, g2] → update(0, …), update(2, …).
        """
        ### BEGIN SOLUTION
        for index, parameter in enumerate(self.params):
            if parameter.grad is None:
                continue
            gradient = np.asarray(parameter.grad, dtype=np.float32)
            if gradient.shape != parameter.shape:
                raise ValueError(
                    f"params[{index}] has shape {parameter.shape}, "
                    f"but its gradient has shape {gradient.shape}"
                )
            self.update(index, parameter.data, gradient)
        self.step_count += 1
        ### END SOLUTION

    def update(self, index: int, data: np.ndarray, gradient: np.ndarray) -> None:
        """The rule: change `data`, parameter number `index`, in place; leave `gradient` alone."""
        raise NotImplementedError(f"{type(self).__name__} has no update rule")

    def buffers(self) -> dict[str, np.ndarray]:
        """The arrays the rule remembers, by name (the live arrays, not copies)."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Everything that a restarted run needs: a flat dict of text, numbers and copied arrays."""
        return collect_state(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state_dict() of the same kind of optimizer; ValueError changes nothing."""
        restore_state(self, state)


# %% nbgrader={"grade": true, "grade_id": "test_optimizers_loop", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
def test_optimizers_loop():
    """The loop skips what has no gradient, hands over the real data, and counts its steps."""

    @probe
    def record_a_step():
        class Recorder(Optimizer):
            def update(self, index, data, gradient):
                calls.append((index, data is self.params[index].data, gradient.tolist(), str(gradient.dtype)))

        calls = []
        first, second, third = (Tensor(np.full(2, float(n)), requires_grad=True) for n in range(3))
        optimizer = Recorder([first, second, third])
        first.grad = Tensor([1.0, 2.0])
        third.grad = np.array([5.0, 6.0])  # an assigned float64 array is a gradient, too
        optimizer.step()
        return calls

    calls = record_a_step()
    check.equal([call[0] for call in calls], [0, 2], given="three parameters, the second without a gradient", because="the second is skipped and the third keeps its index 2")
    check.equal([call[1] for call in calls], [True, True], given="update(index, data, gradient)", because="data is the parameter's own array, so that a change in place reaches it")
    check.equal([call[2] for call in calls], [[1.0, 2.0], [5.0, 6.0]], given="gradients [1, 2] and [5, 6]")
    check.equal([call[3] for call in calls], ["float32", "float32"], given="a Tensor and a float64 array as gradients", because="all state and all updates are float32")

    @probe
    def count_steps():
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

    check.equal(count_steps(), [0, 1, 2], given="step() without gradients, then with two", because="step_count counts calls of step(), not parameters")

    w = Tensor([1.0, 2.0], requires_grad=True)
    b = Tensor([1.0], requires_grad=True)
    optimizer = Optimizer([w, b])
    w.grad = Tensor([3.0, 4.0])
    b.grad = Tensor([3.0])
    check.raises(NotImplementedError, optimizer.step, given="Optimizer([w, b]).step() with gradients there", mentions=["update rule"], because="the base class has the loop but no rule")
    check.equal(optimizer.step_count, 0, given="a step that failed", because="the step was not completed")
    optimizer.zero_grad()
    check.equal([w.grad, b.grad], [None, None], given="zero_grad() with two gradients there", because="None means no gradient; zeros would still be averaged and decayed")
    for shape in [(1,), (1, 2)]:
        w.grad = np.ones(shape, dtype=np.float32)
        check.raises(ValueError, optimizer.step, given=f"a gradient of shape {shape} for params[0] of shape (2,)", mentions=["params[0]", "(2,)", str(shape)], because="NumPy would broadcast it; the shapes have to be equal, not the sizes")


test_optimizers_loop()

# %% [markdown]
r"""
## Part 3: SGD

### Weight decay as part of the gradient

Large weights are often a sign that a network memorises. *L2 regularisation* adds a price on them to
the loss, $\frac{\lambda}{2}\lVert\theta\rVert^2$. You never need to compute that price: its gradient
is simply $\lambda\theta$, so it is enough to add that to the gradient.

$$g \leftarrow g + \lambda\,\theta$$

The result must be a **new** array. `gradient += …` would be one array cheaper, and would write the
decay into `parameter.grad`.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers_weight_decay", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def add_weight_decay(gradient: np.ndarray, data: np.ndarray, weight_decay: float) -> np.ndarray:
    """The gradient of the loss plus that of weight_decay/2 · sum(data²): gradient + weight_decay · data.

    Changes neither `gradient` nor `data`. With a weight_decay of 0 nothing needs to be computed:
    return `gradient` itself, the very same array.

    Example:
        >>> add_weight_decay(np.array([1.0, 1.0]), np.array([10.0, -10.0]), 0.1)
        array([2., 0.])
    """
    ### BEGIN SOLUTION
    if weight_decay == 0:
        return gradient
    return gradient + weight_decay * data
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_optimizers_weight_decay", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_optimizers_weight_decay():
    """The decay is proportional to the weight, and the gradient stays what it was."""
    gradient = np.array([1.0, 1.0, 0.0], dtype=np.float32)
    data = np.array([10.0, -10.0, 4.0], dtype=np.float32)
    check.close(add_weight_decay(gradient, data, 0.1), [2.0, 0.0, 0.4], given="gradient [1, 1, 0], data [10, -10, 4], weight_decay 0.1", because="1 + 0.1 · 10 = 2: the decay pulls each weight towards 0")
    check.equal(add_weight_decay(gradient, data, 0.1).dtype, np.float32, given="float32 arrays and weight_decay 0.1")

    @probe
    def what_is_left_alone():
        gradient, data = np.ones(2, dtype=np.float32), np.full(2, 3.0, dtype=np.float32)
        add_weight_decay(gradient, data, 0.5)
        return gradient.tolist(), data.tolist(), add_weight_decay(gradient, data, 0.0) is gradient

    after_gradient, after_data, same = what_is_left_alone()
    check.equal(after_gradient, [1.0, 1.0], given="the gradient [1, 1] after the call", because="the gradient belongs to the tensor: make a new array")
    check.equal(after_data, [3.0, 3.0], given="the data [3, 3] after the call")
    check.equal(same, True, given="weight_decay 0", because="there is nothing to add, so nothing is copied")


test_optimizers_weight_decay()

# %% [markdown]
r"""
### Momentum

In a narrow valley the gradient points mostly across, from wall to wall, and only a little along the
floor. Plain descent bounces between the walls. If we add up the last gradients, the components that
change their sign cancel and those that agree grow:

$$v \leftarrow \mu v + g \qquad\qquad \theta \leftarrow \theta - \eta\, v$$

$v$ is the *velocity*, $\mu$ the `momentum`, usually 0.9. Note what this is *not*: an average. Under a
constant gradient $g$ the velocity grows towards $g + 0.9g + 0.81g + \dots = 10\,g$. With momentum
0.9 a step is up to ten times as long as the learning rate alone says, which is the usual surprise
when momentum is switched on with the learning rate left as it was.

The velocity is the optimizer's memory. It is written in place, into an array that was allocated
once: a step that allocates nothing is faster, and it also makes the memory bill predictable.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers_velocity", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def update_velocity(velocity: np.ndarray, gradient: np.ndarray, momentum: float) -> np.ndarray:
    """velocity ← momentum · velocity + gradient, written into `velocity`, which is also returned.

    `gradient` is not changed. All arrays have one shape.

    Example:
        >>> v = np.array([10.0])
        >>> update_velocity(v, np.array([2.0]), 0.9)
        array([11.])
        >>> v                                             # it is the same array that has changed
        array([11.])
        >>> update_velocity(v, np.array([-9.0]), 0.9)     # the gradient has turned round …
        array([0.9])                                      # … and most of the velocity is used up
    """
    ### BEGIN SOLUTION
    velocity *= momentum
    velocity += gradient
    return velocity
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_optimizers_velocity", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def test_optimizers_velocity():
    """The velocity fades by the factor momentum and takes the whole gradient in, in place."""

    @probe
    def follow(start, gradients, momentum):
        velocity = np.array(start, dtype=np.float32)
        kept = [np.array(gradient, dtype=np.float32) for gradient in gradients]
        returned = [update_velocity(velocity, gradient, momentum) for gradient in kept]
        in_place = all(result is velocity for result in returned)
        untouched = all(np.array_equal(k, np.float32(g)) for k, g in zip(kept, gradients, strict=True))
        return velocity, in_place, untouched

    velocity, in_place, untouched = follow([10.0, 0.0], [[2.0, 3.0]], 0.9)
    check.close(velocity, [11.0, 3.0], given="velocity [10, 0] after the call, gradient [2, 3], momentum 0.9", because="0.9 · 10 + 2 = 11: the whole gradient is added, not a tenth of it, and written into the array")
    check.equal(in_place, True, given="is the array that comes back the velocity that was handed in", because="the velocity is written in place and returned")
    check.equal(untouched, True, given="the gradients after the calls", because="a gradient is only read")
    velocity, _, _ = follow([0.0, 0.0], [[1.0, 1.0], [1.0, -1.0], [1.0, 1.0]], 0.5)
    check.close(velocity, [1.75, 0.75], given="gradients [1, 1], [1, -1], [1, 1], momentum 0.5", because="1 + 0.5 + 0.25 where they agree; 1 - 0.5 + 0.25 where they alternate")
    check.equal(velocity.dtype, np.float32, given="float32 arrays")


test_optimizers_velocity()

# %% [markdown]
"""
### The class

Now the two ideas meet. The order matters: the decay is part of the gradient, so it goes in first,
and momentum then accumulates the sum.

`momentum_buffers` is a *cached property*: the arrays are made when something first asks for them and
kept from then on. SGD without momentum never asks, so it costs no memory at all.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers_sgd", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class SGD(Optimizer):
    """Stochastic gradient descent, with optional momentum and L2 weight decay.

    v ← momentum · v + (gradient + weight_decay · data);  data ← data - lr · v
    """

    settings: ClassVar[dict[str, float]] = {
        "lr": math.inf,
        "momentum": 1.0,
        "weight_decay": math.inf,
    }

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 0.01,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ):
        super().__init__(params)
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay

    @cached_property
    def momentum_buffers(self) -> list[np.ndarray]:
        """One velocity per parameter, allocated once, when first needed."""
        return zero_buffers(self.params)

    def update(self, index: int, data: np.ndarray, gradient: np.ndarray) -> None:
        """Move `data`, the array of parameter number `index`, one step downhill, in place.

        Steps:
            1. Add the weight decay to the gradient (`add_weight_decay`).
            2. If `self.has_momentum()`: let the velocity ``self.momentum_buffers[index]`` take it in
               (`update_velocity`), and follow the velocity instead of the gradient. Without
               momentum, do not touch `momentum_buffers` at all: asking for it allocates it.
            3. Subtract `self.lr` times that direction from `data`, in place.

        Example: lr 0.1, momentum 0.9, data 1.0 and twice the gradient 1.0
            first step:  v = 1.0, data = 1.0 - 0.1 · 1.0 = 0.9
            second step: v = 1.9, data = 0.9 - 0.1 · 1.9 = 0.71
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

    def has_momentum(self) -> bool:
        """Whether this optimizer remembers a velocity (momentum > 0)."""
        return self.momentum > 0

    def get_momentum_state(self) -> list[np.ndarray] | None:
        """Copies of the velocities, in the order of the parameters; None without momentum."""
        return [buffer.copy() for buffer in self.momentum_buffers] if self.has_momentum() else None

    def set_momentum_state(self, state: list[np.ndarray] | None) -> None:
        """Take over the velocities of `get_momentum_state()`; None stands for a standing start.

        ValueError, and nothing changed, when number or shapes differ, or without momentum.
        """
        if state is not None and not self.has_momentum():
            raise ValueError("this SGD has momentum=0, so there are no velocities to restore")
        if self.has_momentum():
            velocities = zero_buffers(self.params) if state is None else state
            restore_arrays(self.buffers(), numbered("velocity", velocities))


# %% nbgrader={"grade": true, "grade_id": "test_optimizers_sgd", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
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

    check.close(walk([1.0, 2.0], [[1.0, -1.0]], lr=0.1), [[0.9, 2.1]], given="data [1, 2], gradient [1, -1], lr 0.1", because="data - 0.1 · gradient: downhill, against the gradient")
    check.close(walk([1.0], [[1.0], [1.0]], lr=0.1, momentum=0.9), [[0.9], [0.71]], given="data 1, gradients 1 and 1, lr 0.1, momentum 0.9", because="the second step follows v = 0.9 · 1 + 1 = 1.9")
    check.close(walk([10.0], [[1.0]], lr=0.1, weight_decay=0.5), [[9.4]], given="data 10, gradient 1, lr 0.1, weight_decay 0.5", because="the gradient becomes 1 + 0.5 · 10 = 6")
    check.close(walk([10.0], [[1.0], [0.0]], lr=0.1, momentum=0.5, weight_decay=0.5), [[9.4], [8.63]], given="data 10, gradients 1 and 0, lr 0.1, momentum 0.5, weight_decay 0.5", because="v = 6, then 0.5 · 6 + (0 + 0.5 · 9.4) = 7.7: the decay goes into the velocity")

    rng = np.random.RandomState(0)
    start, gradients = rng.randn(3, 2), rng.randn(6, 3, 2)
    data, velocity, expected = start, np.zeros((3, 2)), []
    for gradient in gradients:
        velocity = 0.8 * velocity + gradient + 0.03 * data
        data = data - 0.05 * velocity
        expected.append(data)
    check.close(walk(start, gradients, lr=0.05, momentum=0.8, weight_decay=0.03), np.array(expected), given="six random steps on a (3, 2) parameter", because="v ← 0.8 v + (g + 0.03 data); data ← data - 0.05 v")

    @probe
    def memory_and_ownership():
        parameters = [Tensor(np.ones(3), requires_grad=True), Tensor(np.ones(2), requires_grad=True)]
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
            [str(velocity.dtype) for velocity in velocities],
            str(parameters[0].data.dtype),
        )

    same, gradients, allocated, kept, dtypes, dtype = memory_and_ownership()
    check.equal(same, True, given="parameter.data before and after three steps", because="the step writes into the array that is there: data -= …")
    check.equal(gradients, [[2.0, 2.0, 2.0], [2.0, 2.0]], given="the gradients after the steps", because="an optimizer reads gradients, it never changes them")
    check.equal(allocated, False, given="SGD without momentum after a step", because="without momentum there is no velocity to pay for")
    check.equal(kept, True, given="the velocities before and after a step", because="they are allocated once and written in place")
    check.equal([*dtypes, dtype], ["float32"] * 3, given="velocities and data after the steps")
    p = Tensor([1.0], requires_grad=True)
    for name, wrong in [("lr", -0.1), ("lr", float("nan")), ("momentum", 1.0), ("weight_decay", float("inf")), ("lr", "fast")]:
        check.raises(ValueError, lambda name=name, wrong=wrong: SGD([p], **{name: wrong}), given=f"SGD([p], {name}={wrong!r})", mentions=[name])


test_optimizers_sgd()

# %% [markdown]
r"""
## Part 4: Adam

One learning rate has to serve all parameters: a bias whose gradient is 10 and an early weight whose
gradient is 0.001. Adam (*adaptive moment estimation*, Kingma & Ba 2015) gives each number a step of
its own by dividing its gradient by the size its gradients usually have. To know that size it keeps
two running averages per number, of the gradient and of its square:

$$m \leftarrow \beta_1 m + (1-\beta_1)\,g \qquad\qquad v \leftarrow \beta_2 v + (1-\beta_2)\,g^2$$

These *are* averages, unlike the velocity of SGD: the weights $\beta$ and $1-\beta$ add up to one.
$\beta_1 = 0.9$ looks back over about ten steps, $\beta_2 = 0.999$ over about a thousand. They are
called the first and second *moment*.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers_moments", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def update_moments(
    m: np.ndarray, v: np.ndarray, gradient: np.ndarray, beta1: float, beta2: float
) -> None:
    """Take a gradient into the two running averages, in place.

    m ← beta1 · m + (1 - beta1) · gradient
    v ← beta2 · v + (1 - beta2) · gradient · gradient      (element by element)

    `gradient` is not changed; nothing is returned.

    Example: m = 0, v = 0, gradient = 2, betas 0.9 and 0.999 give m = 0.2 and v = 0.004.
    """
    ### BEGIN SOLUTION
    m *= beta1
    m += (1 - beta1) * gradient
    v *= beta2
    v += (1 - beta2) * (gradient * gradient)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_optimizers_moments", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def test_optimizers_moments():
    """Two running averages: of the gradient with beta1, of its square with beta2, in place."""

    @probe
    def average(m, v, gradients, beta1, beta2):
        m, v = np.array(m, dtype=np.float32), np.array(v, dtype=np.float32)
        kept = [np.array(gradient, dtype=np.float32) for gradient in gradients]
        for gradient in kept:
            update_moments(m, v, gradient, beta1, beta2)
        untouched = all(np.array_equal(k, np.float32(g)) for k, g in zip(kept, gradients, strict=True))
        return m, v, untouched

    m, v, untouched = average([0.0], [0.0], [[2.0]], 0.9, 0.999)
    check.close(m, [0.2], given="m 0, gradient 2, beta1 0.9", because="0.9 · 0 + 0.1 · 2, written into the array m")
    check.close(v, [0.004], given="v 0, gradient 2, beta2 0.999", because="0.999 · 0 + 0.001 · 2²: the square of the gradient")
    check.equal(untouched, True, given="the gradient after the call", because="a gradient is only read")
    m, v, _ = average([1.0, -1.0], [4.0, 1.0], [[2.0, -3.0]], 0.5, 0.75)
    check.close(m, [1.5, -2.0], given="m [1, -1], gradient [2, -3], beta1 0.5", because="0.5 · m + 0.5 · gradient")
    check.close(v, [4.0, 3.0], given="v [4, 1], gradient [2, -3], beta2 0.75", because="0.75 · v + 0.25 · gradient²; beta2 belongs to v")
    m, v, _ = average([0.0], [0.0], [[1.0], [3.0]], 0.5, 0.5)
    check.close([m[0], v[0]], [1.75, 4.75], given="gradients 1, then 3, betas 0.5 and 0.5", because="0.5 · 0.5 + 0.5 · 3 and 0.5 · 0.5 + 0.5 · 9")
    check.equal([str(m.dtype), str(v.dtype)], ["float32", "float32"], given="float32 moments")


test_optimizers_moments()

# %% [markdown]
r"""
### Bias correction

Both averages start at zero, and zero is not a gradient anybody measured. Under a constant gradient
$g$, after $t$ updates,

$$m_t = (1-\beta_1^t)\,g \qquad\qquad v_t = (1-\beta_2^t)\,g^2 .$$

At $t=1$ that is $0.1\,g$ and $0.001\,g^2$: both far too small, but not equally. The direction
$m/\sqrt v$ would be $0.1/\sqrt{0.001} \approx 3.2$ times too *large*, and it gets worse before it
gets better, because $m$ catches up a hundred times faster than $v$ (you will plot this below). The
cure is in the formulas above: divide by what is missing.

$$\hat m = \frac{m}{1-\beta_1^t} \qquad \hat v = \frac{v}{1-\beta_2^t} \qquad
  \text{direction} = \frac{\hat m}{\sqrt{\hat v} + \epsilon}$$

Under a constant gradient the direction is now exactly $\pm 1$ from the first step on: a step of
Adam is about `lr` long in every coordinate, whatever the gradient's size. The small $\epsilon$ keeps
the division finite where no gradient ever arrived.

What is $t$? The number of gradients that went into *this* pair of averages, not the number of times
`step()` was called. The two differ when a parameter had no gradient for a while: its averages then
lag behind the clock.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers_direction", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def adam_direction(
    m: np.ndarray, v: np.ndarray, count: int, beta1: float, beta2: float, eps: float
) -> np.ndarray:
    """Adam's direction from its two averages, after `count` >= 1 gradients: a new float32 array.

    m̂ = m / (1 - beta1 ** count),  v̂ = v / (1 - beta2 ** count),  direction = m̂ / (√v̂ + eps)

    `m` and `v` are not changed: they go on averaging at the next step. eps stands *outside* the
    root. The learning rate is not part of the direction.

    Example: after one gradient of -5: m = -0.5, v = 0.025, count = 1, betas 0.9 and 0.999
        m̂ = -5, v̂ = 25, direction = -5 / (5 + eps) ≈ -1
    """
    ### BEGIN SOLUTION
    direction = np.sqrt(v, out=np.empty_like(v))  # the one new array of the whole formula
    direction /= math.sqrt(1 - beta2**count)
    direction += eps
    np.divide(m, direction, out=direction)
    direction /= 1 - beta1**count
    return direction
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_optimizers_direction", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def test_optimizers_direction():
    """Both averages are corrected for their start at zero; eps keeps the division finite."""

    def direct(m, v, count, beta1=0.9, beta2=0.999, eps=1e-8):
        return adam_direction(np.array(m, dtype=np.float32), np.array(v, dtype=np.float32), count, beta1, beta2, eps)

    check.close(direct([-0.5], [0.025], 1), [-1.0], given="m -0.5 and v 0.025 after one gradient of -5", because="m̂ = -0.5 / 0.1 = -5, √v̂ = √(0.025 / 0.001) = 5", rtol=1e-4)
    check.close(direct([0.75], [0.75], 2, beta1=0.5, beta2=0.5), [1.0], given="m 0.75 and v 0.75 after two gradients of 1, betas 0.5 and 0.5", because="both are divided by 1 - 0.5² = 0.75")
    check.close(direct([1.0], [1.0], 1, beta1=0.5, beta2=0.75, eps=1.0), [2 / 3], given="m 1, v 1, count 1, betas 0.5 and 0.75, eps 1", because="m̂ = 2, √v̂ = 2, and eps is added after the root: 2 / (2 + 1)")
    check.close(direct([0.0], [0.0], 3), [0.0], given="m 0 and v 0", because="0 / (0 + eps) = 0: no gradient, no step")
    check.close(direct(-0.5, 0.025, 1), -1.0, given="m -0.5 and v 0.025 of shape ()", because="a parameter may be a single number", rtol=1e-4)

    rng = np.random.RandomState(1)
    m, v = rng.randn(2, 3), rng.rand(2, 3)
    expected = (m / (1 - 0.8**7)) / (np.sqrt(v / (1 - 0.95**7)) + 1e-3)
    got = direct(m, v, 7, beta1=0.8, beta2=0.95, eps=1e-3)
    check.close(got, expected, given="random (2, 3) averages, count 7, betas 0.8 and 0.95, eps 0.001")
    check.equal(got.dtype, np.float32, given="float32 averages")

    @probe
    def after_the_call():
        m, v = np.full(2, 0.5, dtype=np.float32), np.full(2, 0.25, dtype=np.float32)
        adam_direction(m, v, 1, 0.9, 0.999, 1e-8)
        return m.tolist(), v.tolist()

    check.equal(after_the_call(), ([0.5, 0.5], [0.25, 0.25]), given="m and v after the call", because="the correction is for this step only; the averages go on uncorrected")


test_optimizers_direction()

# %% [markdown]
"""
### The class, and the shared form

Adam treats weight decay as SGD does: as part of the gradient, so that it enters both averages. AdamW
(Part 5) does not. Everything after that question is the same in both, so it belongs in one method,
`adapt`: count the gradient, take it into the averages, and move along the direction. A class then
only decides what to do about decay and calls `adapt`.

`updates[index]` counts the gradients of parameter number `index`: the `t` of the bias correction.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers_adam", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Adam(Optimizer):
    """Adam: each number moves by about lr, whatever the size of its gradients.

    Weight decay is the L2 kind: a part of the gradient.
    """

    settings: ClassVar[dict[str, float]] = {
        "lr": math.inf,
        "beta1": 1.0,
        "beta2": 1.0,
        "eps": math.inf,
        "weight_decay": math.inf,
    }

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        super().__init__(params)
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise ValueError(f"betas must be a pair (beta1, beta2), got {betas!r}")
        self.beta1, self.beta2 = betas
        self.lr, self.eps, self.weight_decay = lr, eps, weight_decay
        self.m_buffers = zero_buffers(self.params)
        self.v_buffers = zero_buffers(self.params)
        self.updates = np.zeros(len(self.params), dtype=np.int64)

    def update(self, index: int, data: np.ndarray, gradient: np.ndarray) -> None:
        """Adam's rule: weight decay is part of the gradient (`add_weight_decay`); then `adapt`."""
        ### BEGIN SOLUTION
        self.adapt(index, data, add_weight_decay(gradient, data, self.weight_decay))
        ### END SOLUTION

    def adapt(self, index: int, data: np.ndarray, gradient: np.ndarray) -> None:
        """Take `gradient` into the averages of parameter number `index` and move `data`, in place.

        Steps:
            1. ``self.updates[index]`` goes up by one: this is the count of the bias correction
               (hand it on as an ``int``; a NumPy integer may turn float32 into float64).
            2. Take the gradient into ``self.m_buffers[index]`` and ``self.v_buffers[index]``.
            3. Subtract ``self.lr`` times the direction from `data`, in place.

        Weight decay is not this method's business: it uses the gradient it is given.
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
        """Both averages of every parameter, and how many gradients each has seen."""
        averages = numbered("m", self.m_buffers) | numbered("v", self.v_buffers)
        return averages | {"updates": self.updates}


# %% nbgrader={"grade": true, "grade_id": "test_optimizers_adam", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
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

    check.close(walk([1.0, 1.0], [[0.001, -50.0]], lr=0.1), [[0.9, 1.1]], given="data [1, 1], gradient [0.001, -50], lr 0.1", because="the first step is lr long in each coordinate, against the gradient's sign", rtol=1e-4)
    check.close(walk([1.0], [[2.0]] * 3, lr=0.1), [[0.9], [0.8], [0.7]], given="data 1, three gradients of 2, lr 0.1", because="under a constant gradient every corrected step is lr long", rtol=1e-4)
    start, gradients = [1.0, -2.0], [[1.0, 0.5], [-3.0, 0.5], [0.2, 0.0]]
    check.close(walk(start, gradients, lr=0.1, betas=(0.8, 0.9), eps=0.01), brute_force(start, gradients, 0.1, 0.8, 0.9, 0.01, 0.0), given="three steps, lr 0.1, betas (0.8, 0.9), eps 0.01")
    check.close(walk(start, gradients, lr=0.1, weight_decay=0.5), brute_force(start, gradients, 0.1, 0.9, 0.999, 1e-8, 0.5), given="the same gradients, weight_decay 0.5", because="gradient + weight_decay · data goes into both averages", rtol=1e-4)

    early = Tensor([1.0], requires_grad=True)
    late = Tensor([1.0], requires_grad=True)
    optimizer = Adam([early, late], lr=0.1)
    for _ in range(4):
        early.grad = Tensor([1.0])
        optimizer.step()
    early.grad, late.grad = None, Tensor([1.0])
    optimizer.step()
    check.close(late.data, [0.9], given="a parameter whose first gradient comes at the fifth step()", because="its averages have seen one gradient, so its bias correction is that of count 1", rtol=1e-4)
    check.close(early.data, [0.6], given="a parameter with four gradients and then none", because="no gradient, no step", rtol=1e-4)
    check.equal(optimizer.updates.tolist(), [4, 1], given="optimizer.updates", because="each parameter counts its own gradients")
    check.equal(optimizer.step_count, 5, given="optimizer.step_count after five steps")

    @probe
    def memory_and_ownership():
        parameter = Tensor(np.ones((2, 3)), requires_grad=True)
        optimizer = Adam([parameter], weight_decay=0.1)
        before = [parameter.data, optimizer.m_buffers[0], optimizer.v_buffers[0]]
        parameter.grad = Tensor(np.full((2, 3), 2.0))
        optimizer.step()
        after = [parameter.data, optimizer.m_buffers[0], optimizer.v_buffers[0]]
        return (
            [a is b for a, b in zip(before, after, strict=True)],
            [str(array.dtype) for array in after],
            np.asarray(parameter.grad).tolist(),
        )

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

    m, data, types = adapt_alone()
    check.close([m[0], data[0]], [0.2, 9.9], given="adapt() by itself, gradient 2, data 10, lr 0.1, weight_decay 0.5: [m, data]", because="0.1 · 2 and 10 - 0.1: weight decay is the business of `update`, and AdamW's `update` treats it differently", rtol=1e-4)
    check.equal([kind for kind in types if kind != "int"], [], given="the types of the counts, other than int, that adapt() hands to adam_direction", because="a NumPy integer would turn the float32 direction into float64: int(…)")

    same, dtypes, gradient = memory_and_ownership()
    check.equal(same, [True, True, True], given="data, m and v before and after a step", because="all three are written in place")
    check.equal(dtypes, ["float32"] * 3, given="data, m and v after a step")
    check.equal(gradient, [[2.0] * 3] * 2, given="the gradient after a step with weight decay", because="an optimizer never changes a gradient")


test_optimizers_adam()

# %% [markdown]
r"""
## Part 5: AdamW

L2 regularisation and "shrink every weight a little at each step" are the same thing for SGD. For
Adam they are not. Look at where the decay term ends up:

$$\text{Adam:}\quad \frac{g + \lambda\theta}{\sqrt{\hat v}}\qquad\qquad
  \text{AdamW:}\quad \frac{g}{\sqrt{\hat v}}\;\text{ and, apart from it, }\;\theta\leftarrow(1-\eta\lambda)\,\theta$$

In Adam the decay is divided by the size of the gradients. Weights with large gradients, often those
that need restraint most, are hardly decayed at all, and weights with tiny gradients are decayed hard.
AdamW (Loshchilov & Hutter 2019) takes the decay out of the gradient. Every weight then shrinks by the
same fraction $\eta\lambda$ per step, whatever its gradient is. The averages never see the decay.

The shrinking is applied to the weights as they were *before* the step, so it comes first.
"""

# %% nbgrader={"grade": false, "grade_id": "optimizers_adamw", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class AdamW(Adam):
    """Adam with decoupled weight decay: the weights shrink apart from the gradient step."""

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ):
        super().__init__(params, lr, betas, eps, weight_decay)

    def update(self, index: int, data: np.ndarray, gradient: np.ndarray) -> None:
        """AdamW's rule, in place: first shrink, then Adam's step along the pure gradient.

        Steps:
            1. Shrink: data ← (1 - lr · weight_decay) · data.
            2. `self.adapt(…)` with the gradient as it came.

        Example: data 10, lr 0.1, weight_decay 0.5, first gradient 3
            shrink: 10 · (1 - 0.05) = 9.5;  Adam's first step is lr long: 9.5 - 0.1 = 9.4
        """
        ### BEGIN SOLUTION
        data *= 1 - self.lr * self.weight_decay
        self.adapt(index, data, gradient)
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_optimizers_adamw", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
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
    check.close(path, [[9.4, -9.5]], given="data [10, -10], gradient [3, 0], lr 0.1, weight_decay 0.5", because="10 · 0.95 - 0.1, and -10 · 0.95 where there is no gradient")
    check.close(optimizer.m_buffers[0], [0.3, 0.0], given="m after a gradient of [3, 0]", because="0.1 · 3: the decay does not enter the averages")

    lr, beta1, beta2, eps, weight_decay = 0.05, 0.8, 0.9, 0.01, 0.3
    rng = np.random.RandomState(2)
    data, gradients = rng.randn(2, 2), rng.randn(5, 2, 2)
    got, _ = walk(data, gradients, lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=weight_decay)
    m, v, expected = 0.0, 0.0, []
    for t, gradient in enumerate(gradients, start=1):
        m, v = beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient**2
        step = lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
        data = data - lr * weight_decay * data - step
        expected.append(data)
    check.close(got, np.array(expected), given="five random steps on a (2, 2) parameter", because="data - lr · weight_decay · data - lr · direction")
    check.equal(AdamW([Tensor([1.0], requires_grad=True)]).weight_decay, 0.01, given="AdamW's default weight_decay")

    @probe
    def in_place():
        frozen, moving = Tensor([5.0], requires_grad=True), Tensor([5.0], requires_grad=True)
        array = moving.data
        optimizer = AdamW([frozen, moving], lr=0.1, weight_decay=0.5)
        moving.grad = Tensor([1.0])
        optimizer.step()
        return moving.data is array, frozen.data.tolist(), np.asarray(moving.grad).tolist()

    same, frozen, gradient = in_place()
    check.equal(same, True, given="parameter.data before and after a step", because="shrinking happens in place, too")
    check.equal(frozen, [5.0], given="a parameter without a gradient", because="a skipped parameter is not decayed either")
    check.equal(gradient, [1.0], given="the gradient after the step", because="an optimizer never changes a gradient")


test_optimizers_adamw()

# %% [markdown]
"""
## Part 6: State that survives

A run that stops after a day and starts again must not lose its velocities and averages: with empty
ones, the first steps after the restart would be different steps. So every optimizer can hand out its
state as a flat dictionary and take it back:

```
{"optimizer": "SGD", "step_count": 120, "lr": 0.1, "momentum": 0.9, "weight_decay": 0.0,
 "velocity.0": array(...), "velocity.1": array(...)}
```

In words: one entry names the kind of optimizer, then come its numbers, then its arrays, each under a
name and an index. There is nothing else in it, no objects and no code, so that it can be stored in
any file format and read from a file that a stranger sent.

Two rules make this safe. Handing out means **copying**: a state that shared memory with the live
buffers would change with the next step. Taking back means **all or nothing**: every name and every
shape is checked before the first byte is written. A load that fails half-way would leave an optimizer
whose first two buffers belong to one run and the rest to another.

`collect_state` and `restore_state` are given, below. The heart of the second is yours: one function
that only looks, and one that writes.
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
    A source may be anything that `np.asarray` takes: convert each one first.
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
    """Copy every source into the target of the same name: all of them, or none.

    When anything does not fit (`check_arrays`), ValueError, and nothing has been written. The values
    go *into* the target arrays (``target[...] = source``): the optimizer holds on to those.

    Example:
        >>> v = np.zeros(2)
        >>> restore_arrays({"velocity.0": v}, {"velocity.0": np.array([1.0, 2.0])})
        >>> v
        array([1., 2.])
    """
    ### BEGIN SOLUTION
    check_arrays(targets, sources)
    for name, target in targets.items():
        target[...] = sources[name]
    ### END SOLUTION


# %%
#| export
def collect_state(optimizer: Optimizer) -> dict[str, Any]:
    """The optimizer's kind, its numbers, and copies of its arrays."""
    numbers = {name: getattr(optimizer, name) for name in optimizer.settings}
    arrays = {name: array.copy() for name, array in optimizer.buffers().items()}
    kind = type(optimizer).__name__
    return {"optimizer": kind, "step_count": optimizer.step_count, **numbers, **arrays}


def restore_state(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """Put a collected state back. ValueError, and nothing changed, when it does not fit."""
    kind = type(optimizer).__name__
    if state.get("optimizer") != kind:
        raise ValueError(f"the state belongs to {state.get('optimizer')!r}, this is {kind!r}")
    arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    expected, given = {"optimizer", "step_count", *optimizer.settings}, state.keys() - arrays.keys()
    if given != expected:
        raise ValueError(f"{kind}'s state has the entries {sorted(expected)}, got {sorted(given)}")
    limits = optimizer.settings.items()
    numbers = {name: check_number(name, state[name], below) for name, below in limits}
    steps = state["step_count"]
    if type(steps) is not int or steps < 0:
        raise ValueError(f"step_count must be a count, got {steps!r}")
    restore_arrays(optimizer.buffers(), arrays)
    for name, value in numbers.items():
        setattr(optimizer, name, value)
    optimizer.step_count = steps


# %% nbgrader={"grade": true, "grade_id": "test_optimizers_restore", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def test_optimizers_restore():
    """Arrays are taken over in place, all or none; a whole optimizer survives a restart."""

    @probe
    def restore(targets, sources, text=False):
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

    targets = {"m.0": np.zeros(2, dtype=np.float32), "m.1": np.zeros(3, dtype=np.float32)}
    good = {"m.1": np.array([3.0, 4.0, 5.0]), "m.0": np.array([1.0, 2.0])}
    values, same, _, message = restore(targets, good)
    check.equal(message, "", given="targets and sources named m.0 and m.1, of equal shapes", because="float64 numbers fit into float32: their order does not matter either")
    check.equal(values, [[1.0, 2.0], [3.0, 4.0, 5.0]], given="m.0 ← [1, 2], m.1 ← [3, 4, 5]", because="the values go into the arrays that are there")
    check.equal(same, True, given="the arrays in `targets`", because="the optimizer holds on to them: write into them, do not replace them")

    faults = [
        ("m.1 missing", {"m.0": np.ones(2)}, ["m.1"]),
        ("m.0 and m.1 missing", {}, ["m.0", "m.1"]),
        ("v.7 and v.8 without targets", {**good, "v.7": np.ones(1), "v.8": np.ones(1)}, ["v.7", "v.8"]),
        ("v.7 instead of m.1", {"m.0": np.ones(2), "v.7": np.ones(3)}, ["m.1", "v.7"]),
        ("m.1 of shape (1,)", {"m.0": np.ones(2), "m.1": np.ones(1)}, ["m.1", "(1,)", "(3,)"]),
        ("m.1 of shape (3, 1)", {"m.0": np.ones(2), "m.1": np.ones((3, 1))}, ["m.1", "(3, 1)", "(3,)"]),
    ]
    for what, sources, mentions in faults:
        _, _, changed, message = restore(targets, sources)
        check.equal(message.partition(":")[0], "ValueError", given=f"{what}: the error", because="a state that does not fit is a ValueError")
        check.equal([word for word in mentions if word not in message], [], given=f"{what}: what is not in the message {message!r}", because=f"the message names {' and '.join(mentions)}")
        check.equal(changed, False, given=f"{what}: has any target changed?", because="all or nothing: check everything before writing anything")
    _, _, changed, message = restore(targets, good, True)
    check.true(message != "" and not changed, given='arrays of text, such as ["1.0", "2.0"]', because="text is not a number, even where it looks like one")
    _, _, changed, message = restore({"tally": np.zeros(1, dtype=np.int64)}, {"tally": np.array([2.5])})
    check.true("tally" in message and not changed, given=f"2.5 into an array of counts named tally: {message!r}", because="half a count is not a count; the message names the array")
    _, _, changed, message = restore(targets, {"m.0": [1.0, 2.0], "m.1": [[3.0]]})
    check.true(message.startswith("ValueError") and "m.1" in message and not changed, given=f"lists instead of arrays, m.1 of shape (1, 1): {message!r}", because="np.asarray gives a list a shape, too")

    @probe
    def only_looks():
        target = np.zeros(2)
        check_arrays({"a": target}, {"a": np.ones(2)})
        return target.tolist()

    check.equal(only_looks(), [0.0, 0.0], given="the target after check_arrays", because="checking writes nothing")

    def fresh(kind, **settings):
        parameters = [Tensor([1.0, 2.0], requires_grad=True), Tensor([[3.0]], requires_grad=True)]
        return parameters, kind(parameters, **settings)

    def run(parameters, optimizer, steps, seed):
        rng = np.random.RandomState(seed)
        for _ in range(steps):
            for parameter in parameters:
                parameter.grad = Tensor(rng.randn(*parameter.shape))
            optimizer.step()
        return [parameter.data.copy() for parameter in parameters]

    for kind, settings in [(SGD, {"lr": 0.1, "momentum": 0.9}), (Adam, {"lr": 0.1}), (AdamW, {"lr": 0.1})]:
        parameters, optimizer = fresh(kind, **settings)
        saved_data = run(parameters, optimizer, 3, seed=1)
        state = optimizer.state_dict()
        expected = run(parameters, optimizer, 3, seed=2)
        resumed, other = fresh(kind, **{**settings, "lr": 0.5})
        for parameter, data in zip(resumed, saved_data, strict=True):
            parameter.data = data
        other.load_state_dict(state)
        got = run(resumed, other, 3, seed=2)
        name = state["optimizer"]
        check.equal(other.step_count, 6, given=f"{name} with 3 restored and 3 own steps")
        check.equal(got, expected, given=f"{name}: three steps after a restart", because="restored state and uninterrupted state take the same steps, to the last bit")

    _, sgd = fresh(SGD, momentum=0.9)
    _, adam = fresh(Adam)
    check.raises(ValueError, lambda: adam.load_state_dict(sgd.state_dict()), given="an SGD state for an Adam", mentions=["SGD", "Adam"])
    check.raises(ValueError, lambda: sgd.set_momentum_state([np.ones(2)]), given="one velocity for two parameters", mentions=["velocity.1"])


test_optimizers_restore()

# %% [markdown]
"""
## Use: four optimizers solve XOR

XOR needs a hidden layer and a way to train it. You have both now. Each optimizer gets the same
initial weights, and each its own sensible learning rate.
"""


# %%
def solve_xor(make_optimizer, steps=300):
    """Train a 2-8-1 network on XOR; return its losses and its final answers."""
    np.random.seed(3)
    model = Sequential(Linear(2, 8), Tanh(), Linear(8, 1), Sigmoid())
    loss_fn = BinaryCrossEntropyLoss()
    x, y = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]]), Tensor([[0], [1], [1], [0]])
    optimizer = make_optimizer(model.parameters())
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, np.round(model(x).numpy().ravel(), 2)


def use_all_four():
    """Print how fast each optimizer brings the loss down."""
    contestants = {
        "SGD               lr=0.5": lambda params: SGD(params, lr=0.5),
        "SGD momentum 0.9  lr=0.5": lambda params: SGD(params, lr=0.5, momentum=0.9),
        "Adam              lr=0.05": lambda params: Adam(params, lr=0.05),
        "AdamW             lr=0.05": lambda params: AdamW(params, lr=0.05),
    }
    print(f"{'':27} loss after  10      100      300   answers for 00 01 10 11")
    for name, make_optimizer in contestants.items():
        losses, answers = solve_xor(make_optimizer)
        at = "  ".join(f"{losses[n - 1]:7.4f}" for n in (10, 100, 300))
        print(f"{name:27}     {at}   {answers}")


use_all_four()

# %% [markdown]
r"""
## Reflect: what it does and what it costs

### Experiment 1: the ravine

$f(x, y) = \frac{1}{2}(x^2 + 100\,y^2)$ is a valley a hundred times steeper across than along. Plain
descent must keep $\eta < 2/100$ or it bounces out of the valley; at that rate it crawls along the
floor. Watch how many steps each method needs until $f < 0.01$.
"""


# %%
def ravine_path(make_optimizer, steps=200):
    """The points visited from (-4, 1), and the height at each."""
    point = Tensor([-4.0, 1.0], requires_grad=True)
    steepness = Tensor([1.0, 100.0])
    optimizer = make_optimizer([point])
    points, heights = [point.data.copy()], []
    for _ in range(steps):
        optimizer.zero_grad()
        height = (point * point * steepness).sum() * 0.5
        height.backward()
        optimizer.step()
        heights.append(height.item())
        points.append(point.data.copy())
    return np.array(points), np.array(heights)


def compare_on_the_ravine():
    """Print steps to the bottom; plot the paths where matplotlib is there."""
    methods = {
        "SGD lr=0.021 (too large)": lambda params: SGD(params, lr=0.021),
        "SGD lr=0.018": lambda params: SGD(params, lr=0.018),
        "momentum 0.9, lr=0.018": lambda params: SGD(params, lr=0.018, momentum=0.9),
        "Adam lr=0.2": lambda params: Adam(params, lr=0.2),
    }
    paths = {}
    for name, make_optimizer in methods.items():
        paths[name], heights = ravine_path(make_optimizer)
        low = np.flatnonzero(heights < 0.01)
        needed = f"{low[0]:4} steps to f < 0.01" if low.size else "never below 0.01"
        print(f"{name:26} f after 1, 10, 100 steps: {heights[1]:8.3f} {heights[10]:8.3f} {heights[100]:10.5f}   {needed}")
    plot_paths({name: path for name, path in paths.items() if "too large" not in name})


def plot_paths(paths):
    """The first 60 points of each path over the contours of the valley."""
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        for name, path in paths.items():
            print(f"{name}: first points {np.round(path[:5], 2).tolist()}")
        return
    x, y = np.meshgrid(np.linspace(-4.5, 2.5, 120), np.linspace(-1.2, 1.2, 120))
    figure, axes = plt.subplots(1, len(paths), figsize=(12, 3), sharey=True)
    for axis, (name, path) in zip(axes, paths.items(), strict=True):
        axis.contour(x, y, (x**2 + 100 * y**2) / 2, levels=[0.5, 2, 8, 20, 40], colors="0.7", linewidths=0.8)
        axis.plot(path[:60, 0], path[:60, 1], marker=".", linewidth=1)
        axis.set_title(name, fontsize=9)
    figure.suptitle("60 steps from (-4, 1); the minimum is at (0, 0)", fontsize=10)
    figure.tight_layout()
    plt.show()
    plt.close(figure)


compare_on_the_ravine()

# %% [markdown]
r"""
Read the table with the formulas in mind. Plain SGD multiplies $y$ by $1 - 100\eta$ at each step: at
0.021 that is $-1.1$, and it diverges. At 0.018 it is $-0.8$, while $x$ only shrinks by 1.8 % per
step. Momentum lets the velocity along $x$ build up. Adam does not care about the steepness: its
steps are about `lr` long in both directions.

### Experiment 2: what bias correction corrects

The gradient is 1 at every step, so each step *should* be `lr` long. Here is how long it is with the
correction and without, in units of `lr`.
"""


# %%
def step_lengths(steps, corrected):
    """Adam's step lengths in units of lr under a constant gradient of 1."""
    m, v = np.zeros(1, dtype=np.float32), np.zeros(1, dtype=np.float32)
    lengths = []
    for count in range(1, steps + 1):
        update_moments(m, v, np.ones(1, dtype=np.float32), 0.9, 0.999)
        seen = count if corrected else 10**6  # 1 - beta**(10**6) is 1: no correction
        lengths.append(float(adam_direction(m, v, seen, 0.9, 0.999, 1e-8)[0]))
    return lengths


def measure_bias_correction():
    """Print both lengths at a few steps."""
    with_it, without = step_lengths(3000, True), step_lengths(3000, False)
    print("step          " + "".join(f"{t:8}" for t in (1, 2, 5, 10, 20, 100, 1000, 3000)))
    for name, lengths in (("corrected", with_it), ("not corrected", without)):
        print(f"{name:14}" + "".join(f"{lengths[t - 1]:8.2f}" for t in (1, 2, 5, 10, 20, 100, 1000, 3000)))
    print(f"largest uncorrected step: {max(without):.2f} lr, at step {int(np.argmax(without)) + 1}")


measure_bias_correction()

# %% [markdown]
"""
Without the correction the steps are too *long*, more than six times at the worst, and it takes
thousands of steps to fade. It happens while the network is furthest from anything sensible.

### Experiment 3: what it costs

Count the bytes that each optimizer holds for a 784-128-10 network, and time a step on a million
parameters. The last line breaks the in-place rule on purpose.
"""


# %%
def held_bytes(optimizer):
    """Bytes in the optimizer's own arrays."""
    return sum(array.nbytes for array in optimizer.buffers().values())


def best_time(call, repeats=15):
    """Shortest of several runs, in milliseconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


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


def measure_costs():
    """Print memory and time per optimizer."""
    np.random.seed(0)
    model = Sequential(Linear(784, 128), Tanh(), Linear(128, 10))
    own = sum(parameter.data.nbytes for parameter in model.parameters())
    big = Tensor(np.random.randn(1000, 1000), requires_grad=True)
    big.grad = Tensor(np.random.randn(1000, 1000))
    print(f"784-128-10 network: {own:,} bytes of parameters, as many of gradients")
    rows = [
        ("SGD", SGD, {}),
        ("SGD, momentum 0.9", SGD, {"momentum": 0.9}),
        ("Adam", Adam, {}),
        ("AdamW", AdamW, {}),
        ("Adam, new arrays", NewArrays, {}),
    ]
    for name, kind, settings in rows:
        state = held_bytes(kind(model.parameters(), **settings))
        milliseconds = best_time(kind([big], lr=1e-6, **settings).step)
        print(f"{name:18} state {state:9,} bytes = {state / own:.2f} x parameters    step on 1,000,000 numbers {milliseconds:6.2f} ms")


measure_costs()

# %% [markdown]
"""
One velocity costs as much as the parameters, two averages cost twice as much (the few bytes more are
the counts): parameters and state together come to two and three times the parameters. With gradients, training with Adam holds four numbers for every parameter, before a
single activation is stored. All of these rules do a handful of operations per number, so a step is
bound by memory traffic: fewer passes over fewer new arrays is what makes it faster.

### Systems questions

**1.** A language model has 7 billion float32 parameters. What do parameters, gradients and optimizer
state take with SGD, with SGD and momentum, and with Adam?

<details><summary>Answer</summary>

7 · 10⁹ · 4 bytes = 28 GB for each full set. SGD: 28 + 28 = 56 GB. With momentum: + 28 = 84 GB. Adam:
+ 56 = 112 GB. None of this depends on the batch. It is why large models spread their optimizer state
over many devices, and why people try hard to keep it in fewer bits.
</details>

**2.** Adam needs 100,000 steps, SGD 200,000. A whole step (forward, backward, update) takes 1.2 times
as long with Adam. Which run ends first?

<details><summary>Answer</summary>

100,000 · 1.2 = 120,000 units against 200,000: Adam, by a factor of 1.67. The update is a small part
of a step, so a rule that saves steps may cost a good deal of time itself.
</details>

**3.** Two weights, both 1.0, weight decay 0.01, lr 0.1. The gradients of one have size 10, those of
the other 0.001. How strongly is each decayed by Adam, and by AdamW?

<details><summary>Answer</summary>

Adam divides the decay term 0.01 · 1.0 by the usual size of the gradients. For the first that is
about 10, so the weight moves by 0.1 · 0.01 / 10 = 0.0001. For the second the decay term *is* the
larger part of the gradient (0.011 in all), and the weight moves by about 0.1 · 0.01 / 0.011 = 0.09:
nine hundred times as much. AdamW takes 0.1 · 0.01 = 0.1 % off both.
</details>

**4.** You resume a run of Adam and want a learning rate ten times smaller. Keep the averages, or start
with empty ones?

<details><summary>Answer</summary>

Keep them: `load_state_dict`, then `optimizer.lr = 0.0001`. The averages describe the gradients, and
those do not depend on the learning rate. Empty averages would be right if the gradients themselves
changed their nature: another data set, another loss.
</details>

**5.** Why does it matter that `step()` writes into `parameter.data` instead of replacing it?

<details><summary>Answer</summary>

Because others hold that array: two layers that share a weight, a view made with `reshape`, the
memory you measured above. Replacing costs an allocation per parameter and step, and leaves everyone
who looked at the old array with a frozen copy.
</details>
"""

# %% [markdown]
"""
## Common errors

| what you see | why | what to do |
|---|---|---|
| the loss does not move | `step()` before `backward()`, or `zero_grad()` between them: every gradient is None and is skipped | `zero_grad()`, forward, `backward()`, `step()` |
| the loss falls, then explodes | no `zero_grad()`: gradients add up over steps | call it once per step |
| `ValueError: params[0], of shape (3,), is the result of an operation: ...` | `Tensor(..., requires_grad=True) * 0.1` | scale the data first, then make the Tensor |
| `ValueError: params is empty: ...` | a generator that was walked before, or a model without `parameters()` | pass `model.parameters()` afresh |
| `ValueError: lr must be a number in [0, inf), got nan` | a computed learning rate went wrong | print it where it is computed |
| `ValueError: the state belongs to 'SGD', this is 'Adam'` | the state of another kind of optimizer | build the optimizer that the state came from |
| the weights become `nan` with momentum | momentum 0.9 makes steps up to ten times longer | divide lr by ten |
"""

# %% [markdown]
"""
## In production: the same thing in PyTorch

```
 TinyTorch                                           PyTorch
 from tinytorch.optim import AdamW                   from torch.optim import AdamW

 optimizer = AdamW(model.parameters(), lr=1e-3)      optimizer = AdamW(model.parameters(), lr=1e-3)
 optimizer.zero_grad()                               optimizer.zero_grad()
 loss = loss_fn(model(x), y)                         loss = loss_fn(model(x), y)
 loss.backward()                                     loss.backward()
 optimizer.step()                                    optimizer.step()
 state = optimizer.state_dict()                      state = optimizer.state_dict()
```

Side by side, line for line, the two are the same, and so are the numbers: the project's tests run
both for a hundred steps and compare. What PyTorch adds: parameter groups (another learning rate for
some of the parameters), kernels that update all parameters in one pass on the GPU, state in 16 bits,
and a dozen further rules. What it shares with yours: the bias correction counted per parameter, the
decay before the step in AdamW, and one velocity or two averages per parameter as the price.
"""

# %% [markdown]
"""
## The whole module
"""


# %%
def test_module():
    """All tests of the module, then a network trained, stopped and resumed."""
    test_optimizers_parameters()
    test_optimizers_loop()
    test_optimizers_weight_decay()
    test_optimizers_velocity()
    test_optimizers_sgd()
    test_optimizers_moments()
    test_optimizers_direction()
    test_optimizers_adam()
    test_optimizers_adamw()
    test_optimizers_restore()

    @probe
    def xor_by_adam():
        losses, answers = solve_xor(lambda params: Adam(params, lr=0.05))
        return losses[-1], np.round(answers)

    loss, answers = xor_by_adam()
    check.equal(answers.tolist(), [0.0, 1.0, 1.0, 0.0], given="XOR, learned by Adam in 300 steps: the rounded answers")
    check.true(loss < 0.05, given="XOR, learned by Adam in 300 steps: the last loss is below 0.05",
               because="a network that knows all four answers has next to no loss left")

    @probe
    def trained_and_resumed(kind):
        """The parameters of a network trained for 10 steps, and of one that took over after 5."""
        x, y = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]]), Tensor([[0], [1], [1], [0]])

        def train(model, optimizer):
            for _ in range(5):
                optimizer.zero_grad()
                BinaryCrossEntropyLoss()(model(x), y).backward()
                optimizer.step()

        first, second = (Sequential(Linear(2, 4), Tanh(), Linear(4, 1), Sigmoid()) for _ in range(2))
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
            check.equal(got, expected, given=f"{name}, stopped after 5 of 10 steps and resumed: parameter {position}",
                        because="a resumed run takes the very same steps")
    print("Module 06: all tests passed. Your networks can learn.")


test_module()

# %% [markdown]
"""
## What this unlocks

You can train a network now, with a loop you write by hand each time. Module 07 writes that loop once
and for all: learning rates that change over time, gradients kept in bounds, evaluation, and runs that
can be stopped and resumed on the same path, for which `state_dict` is one half. The milestone *XOR*
is open: one layer fails at it, two layers and this module solve it.

**Further reading:** Kingma & Ba, *Adam: A Method for Stochastic Optimization* (2015) · Loshchilov &
Hutter, *Decoupled Weight Decay Regularization* (2019) · Sutskever et al., *On the Importance of
Initialization and Momentum in Deep Learning* (2013).
"""
