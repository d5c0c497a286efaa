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
# Module 05: Autograd

**Foundation** | ●●●○ | 13-15 hours | Prerequisites: 01 Tensor to 04 Losses

Your network computes, and your loss says how wrong it is. What is missing is the question every
training step asks: *which way should each of these 100,000 numbers move, and how much does it
matter?* The answer is one number per parameter, its **gradient**. In this module you build the
engine that finds all of them at once, for any model, from a single call: `loss.backward()`.

## Where this comes from

In 1970 a student in Helsinki, Seppo Linnainmaa, wanted to know how rounding errors add up in a long
computation. To find out how much each intermediate number matters for the result, he walked the
list of operations *backward*, and got all the answers in one sweep. His thesis did not mention
neural networks. Those had just come to a standstill: everybody knew that several layers were
needed, and the few who knew how to tell an inner layer what it had done wrong found no audience.
For years the two ideas lived side by side. Paul Werbos, on his own, found the same sweep in his
thesis of 1974 and saw what it meant for networks, but nobody read it; only the paper of Rumelhart,
Hinton and Williams in 1986 made **backpropagation** known.

## Where this module stands

```
 01 Tensor          every result passes through compute()
 02 Activations     relu, sigmoid, tanh, gelu, softmax
 03 Layers          linear; parameters, marked requires_grad=True
 04 Losses          one number: how wrong
      |
      v
 +-----------------------------------------------------+
 |                    05 Autograd                      |
 |   record  ->  graph  ->  order  ->  rules, backward |
 +-----------------------------------------------------+
      |
      v
 06 Optimizers (use the gradients) -> 07 Training -> all later models
```

In words: no file of Modules 01 to 04 changes. They compute as before; this module listens, writes
down what it hears, and reads the record from the end.

## What you will be able to do

1. **Find** every gradient of a model with one call, `loss.backward()`, on an engine of your own.
2. **Measure** any derivative by finite differences, and say how exact that can be in float32.
3. **Derive** the backward rule of an operation, and check it with a tool of your own.
4. **Record** a computation as a graph, without touching a line of the code that computes.
5. **Explain** why the obvious recursion is right on a tree and hopeless on a graph, and replace it.
6. **Say** who owns each gradient array, what the graph keeps in memory, and when it is freed.
7. **Trade** memory for time: keep an intermediate result, or compute it again.

## What you build

| part | you write | idea |
|---|---|---|
| 1 | `numerical_gradient` | a slope, measured |
| 2 | `needs` and `parents` of a `Function`, the rules of - * / | a slope, derived: one rule per operation |
| 3 | `unbroadcast`, `input_gradients` | what broadcasting copied, the gradient adds up |
| 4 | `record`, `no_grad` | the graph writes itself |
| 5 | `backward_by_recursion`, `topological_order`, `accumulate`, `backward` | the way back, in three attempts |
| 6 | `enable_autograd`, `check_gradients` | switch it on, prove it right |
| 7 | the rules of products | `@` and the linear layer |
| 8 | the rules of reductions, views and lookups | spread out, move back, add up |
| 9 | the rules of activations and losses | you derive them, your own tool checks them |
| 10 | `recompute` (open) | keep less, compute twice |
| 11 | `descend` (bug hunt) | a loss that swings and a memory that fills up |

Parts 1 to 6 are the **first sitting**: at its end an engine runs, and something learns. Parts 7 to
11 and the rest are the **second**: at its end your engine speaks every word of Modules 01 to 04,
and a network learns to read digits.

## What you do not build yet

Nothing is updated here; Module 06 decides what to do with a gradient. The engine computes no
gradients of gradients, and it does not notice when you overwrite a tensor's data between the
forward and the backward pass.

## Setup

Three cells: what your framework needs, what the tests and experiments need, and where the data of
the course lies.
"""

# %%
#| default_exp core.autograd

# %%
#| export
"""Autograd: records what is computed, and finds the gradient of every parameter from it."""

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from tinytorch.core.activations import gelu, relu, sigmoid, softmax, tanh
from tinytorch.core.layers import linear
from tinytorch.core.losses import (
    PROBABILITY_MARGIN,
    binary_cross_entropy,
    cross_entropy,
    log_probabilities,
    mean_squared_error,
)
from tinytorch.core.tensor import (
    Tensor, add, as_array, divide, matmul, multiply, negate, permute, reduce_max, reduce_mean,
    reduce_sum, reshape, subtract, take, transpose,
)  # fmt: skip

# %%
# For the test cells and experiments below; not part of your framework.
import gc
import time
import tracemalloc
import weakref

from tinytorch.core.activations import ReLU, Sigmoid, Tanh
from tinytorch.core.layers import Linear, Sequential
from tinytorch.core.losses import CrossEntropyLoss, MSELoss, log_softmax
from tinytorch.core.tensor import compute
from tito.checks import check, probe

# %%
import sys
from pathlib import Path

places = [Path.cwd(), *Path.cwd().parents]
sys.path += [str(place) for place in places if (place / "datasets" / "tinydigits").is_dir()]

# %% [markdown]
r"""
# Build

## Warm-up: the whole module in one cell (optional)

Here is the idea with single numbers instead of tensors. A `Value` remembers which values it was
made from and, for each of them, the **slope**: how fast the result rises when that input rises.
For $y = a\,b$ the slope for $a$ is $b$, and for $b$ it is $a$; for a sum both are 1. To go
backward, send a gradient into the result: everybody adds it to their own `grad`, multiplies it by
the slopes, and hands it on.

Skip this part if you like. Nothing below needs it.

**What will this print?** With $a = 2$ and $b = 3$ it computes $y = a\,b + a$. How fast does $y$
rise with $a$? With $b$?
"""

# %%
class Value:
    """A number that remembers how it was made."""

    def __init__(self, number, made_from=()):
        self.number, self.made_from, self.grad = number, made_from, 0.0

    def __add__(self, other):
        return Value(self.number + other.number, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return Value(self.number * other.number, [(self, other.number), (other, self.number)])

    def backward(self, gradient=1.0):
        self.grad += gradient
        for value, slope in self.made_from:
            value.backward(gradient * slope)


def show(value, indent=""):
    """Print the recorded graph, one line per value, what it was made from indented below."""
    print(f"{indent}{value.number:g}   grad {value.grad:g}")
    for other, _ in value.made_from:
        show(other, indent + "    ")


a, b = Value(2.0), Value(3.0)
y = a * b + a
y.backward()
show(y)

# %% [markdown]
r"""
`a` appears twice, because it was used twice, and its gradient is the sum over both ways:
$b + 1 = 4$. That is all there is to the principle. The rest of this module makes it work for
arrays, for every operation of your framework, for graphs of any shape, and in linear time.

## Part 1: A slope you can measure

The gradient of a loss $L$ with respect to a tensor $x$ is a tensor of the same shape. Each entry
says how fast $L$ rises when that entry of $x$ rises and nothing else changes. You do not need
calculus to find it. Nudge the entry a little to either side, see what happens, divide:

$$\frac{\partial L}{\partial x_i} \approx
\frac{L(x_i + \varepsilon) - L(x_i - \varepsilon)}{2\,\varepsilon}$$

This is a **central difference**. Looking both ways is worth the second evaluation: the error of a
one-sided difference shrinks like $\varepsilon$, that of a central one like $\varepsilon^2$.

It is also hopelessly slow. A network with 100,000 parameters needs 200,000 forward passes for one
gradient. But it is almost impossible to get wrong, and that makes it the judge of everything else
in this module.

**One trap.** Your tensors hold float32, with about seven digits. **What will this print?**
"""

# %%
print("1000 + 0.01 as float32:", float(np.float32(1000) + np.float32(0.01)))
print("the step really taken: ", float(np.float32(1000) + np.float32(0.01)) - 1000)

# %% [markdown]
"""
The step that is really taken differs from the step you asked for. So read back what was stored, and
divide by *that* difference.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_numerical_gradient", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def numerical_gradient(f: Callable, x: Tensor, eps: float = 1e-2) -> np.ndarray:
    """The gradient of f at x by central differences: two evaluations of f for each entry of x.

    Args:
        f: called as f(x); returns one number: a float, or a Tensor or array with one element
            (np.asarray(value).item() makes a number of each).
        x: the point. Its own data is changed for each evaluation, entry by entry, so f may also
            ignore its argument and reach x some other way (a model that holds x as a
            parameter). On return every entry is exactly what it was, to the last bit.
        eps: how far to step to either side.

    Returns:
        An ndarray of x's shape, float64. Each entry is the difference of the two results,
        divided by the step between the two values that were really stored.

    Example:
        numerical_gradient(lambda t: (t * t).sum(), Tensor([1.0, 2.0])) is close to [2.0, 4.0].
    """
    ### BEGIN SOLUTION
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        original = x.data[index]
        x.data[index] = original + eps
        above, high = float(x.data[index]), np.asarray(f(x)).item()
        x.data[index] = original - eps
        below, low = float(x.data[index]), np.asarray(f(x)).item()
        x.data[index] = original
        gradient[index] = (high - low) / (above - below)
    return gradient
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* slopes of known functions, that both sides are looked at, the step really taken,
and that x is as before.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_numerical_gradient", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def measured_slopes(values, power):
    """Numerical gradient of sum(x ** power) (by repeated multiplication), and x afterwards."""

    def f(t):
        product = t
        for _ in range(power - 1):
            product = product * t
        return product.sum()

    x = Tensor(values)
    return [numerical_gradient(f, x), x.data]


@probe
def slope_of_a_line(where, eps):
    """f = 3 x, computed exactly: only the step can be wrong. How often was f called, at which x?"""
    x, places = Tensor([where]), []

    def f(t):
        places.append(float(t.data[0]))
        return 3.0 * float(t.data[0])

    gradient = numerical_gradient(f, x) if eps is None else numerical_gradient(f, x, eps)
    return [gradient, [place - where for place in places], float(x.data[0]) == where]


@probe
def slope_through_a_closure():
    """f ignores its argument and reads the tensor from outside, like a model reads a parameter."""
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    return numerical_gradient(lambda _: (x * x).sum(), x)


def test_autograd_numerical_gradient():
    """Central differences of known functions, with the step really taken, leaving x as it was."""
    gradient, after = measured_slopes([1.0, 2.0, -3.0], 2)
    check.close(gradient, [2.0, 4.0, -6.0], rtol=2e-3,
                given="f(x) = sum(x * x) at [1, 2, -3]",
                because="the derivative of x * x is 2 x")
    check.unchanged(after, np.float32([1, 2, -3]),
                    given="x.data after the call",
                    because="every entry is put back before the next one moves")
    _, after = measured_slopes([0.3, 0.5, 4.0, 6.0, 0.05, 1e-4], 2)
    check.unchanged(after, np.float32([0.3, 0.5, 4, 6, 0.05, 1e-4]),
                    given="x.data = [0.3, 0.5, 4, 6, 0.05, 0.0001] after the call",
                    because="adding and subtracting eps need not lead back in float32: remember "
                            "the entry, and put that back")
    gradient, _ = measured_slopes([[1.0, 2.0, 0.5]], 3)
    check.close(gradient, [[3.0, 12.0, 0.75]], rtol=2e-3,
                given="f(x) = sum(x * x * x) at [[1, 2, 0.5]]",
                because="the derivative is 3 x * x; a one-sided difference would be off by 1 to 2 "
                        "%")
    gradient, offsets, same = slope_of_a_line(1000.0, None)
    check.close(gradient, [3.0], rtol=1e-7,
                given="f(x) = 3 x at x = 1000, computed without rounding",
                because="1000 + 0.01 is stored as 1000.01001: divide by the step that was really "
                        "taken")
    check.close(offsets, [0.01, -0.01], atol=1e-4,
                given="where f was evaluated, relative to x",
                because="eps is 0.01 by default, once to either side")
    check.equal(same, True, given="x = 1000 after the call")
    check.close(slope_of_a_line(2.0, 0.25)[1], [0.25, -0.25],
                given="where f was evaluated with eps=0.25, relative to x")
    check.close(slope_through_a_closure(), [[2.0, 4.0], [6.0, 8.0]], rtol=2e-3,
                given="f = lambda _: (x * x).sum() with x from outside",
                because="x itself has to move, not a copy of it")
    gradient, after = measured_slopes(3.0, 2)
    check.close(gradient, np.array(6.0), rtol=2e-3, given="f(x) = x * x at a tensor of shape ()")
    check.equal(str(gradient.dtype), "float64", given="the dtype of a numerical gradient")


test_autograd_numerical_gradient()

# %% [markdown]
"""
### How small should the step be?

Smaller steps follow the curve better, so take a tiny one? **What will you see?** Sketch the error
of the measured gradient as the step goes from 1 down to a millionth.
"""

# %%
point, trial_steps = Tensor([0.5, 1.0, 2.0]), 10.0 ** -np.arange(0, 6.5, 0.5)
exact = 3 * point.data**2
errors = [
    np.abs(numerical_gradient(lambda t: (t * t * t).sum(), point, float(eps)) - exact).max()
    for eps in trial_steps
]
for eps, error in list(zip(trial_steps, errors, strict=True))[::2]:
    print(f"  eps = {eps:<8g} largest error {error:8.2g}")
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    axes.loglog(trial_steps, errors, "o-", label="measured")
    axes.loglog(trial_steps, trial_steps**2, ":", label="truncation: eps squared")
    axes.loglog(trial_steps, 3e-7 / trial_steps, ":", label="rounding: like 1 / eps")
    axes.set(xlabel="eps", ylabel="largest error", ylim=(1e-6, 10),
             title="Two errors pull in opposite directions")
    axes.legend()
    plt.show()
except ImportError:
    print("Without matplotlib you miss a valley: one slope falls, the other one rises.")

# %% [markdown]
r"""
The error falls, then rises again:

- **Truncation**: a curve is not a line. This error shrinks like $\varepsilon^2$.
- **Rounding**: each of the two results carries a relative error of up to $6\cdot 10^{-8}$
  (float32), and their difference is divided by $2\varepsilon$. This error *grows*, like
  $|L|\cdot 10^{-7}/\varepsilon$ at worst. It is the **noise floor**: below it, you measure the
  last bits of $L$ and nothing else.

They meet near $\varepsilon \approx 10^{-2}$, where three to four digits are right. That is why
`eps` defaults to `1e-2`, and why the tolerance of every gradient check in this module is near one
per cent. With float64 the meeting point would lie near $10^{-5}$, with ten digits. Four digits are
plenty: a wrong rule is hardly ever wrong by only a few per cent.

## Part 2: A slope you can derive

A loss is a long chain of small operations: products, sums, a maximum, a logarithm. The **chain
rule** says that derivatives along a chain multiply. If $x$ makes $y$ and $y$ (after many more
steps) makes the loss $L$, then

$$\frac{\partial L}{\partial x} = \frac{\partial L}{\partial y}\cdot\frac{\partial y}{\partial x}$$

The second factor belongs to *one* operation, and you can derive it on paper. The first one is what
the rest of the network reports back: "if $y$ rose, $L$ would rise this fast". So each operation
needs one skill only, called its **backward rule**:

> Given $G = \partial L/\partial y$, the gradient of my output: what is the gradient of each of my
> inputs?

```
 forward:     a ---\
                    (*) ---> y = a * b ---> ... ---> L
              b ---/

 backward:    G * b <--\
                        (*) <--- G = dL/dy <--- ... <--- 1
              G * a <--/
```

In words: the numbers that meet at an operation on the way forward are the factors on the way back.
No rule ever sees the whole network. That is the entire trick: local knowledge, multiplied along
the way.

A rule has to remember what the operation saw. So every recorded operation becomes an object, a
`Function`, that keeps its input tensors (PyTorch says `save_for_backward`), its output array and
its settings (an axis, a key), and has a method `apply(grad_output)`. The objects and the tensors
they hold are at the same time the **computation graph**: each tensor points to the `Function` that
made it, each `Function` points to its input tensors.

Tensors that no recorded operation made (parameters, data) are the **leaves** of the graph: their
`_grad_fn` is None. The last line of the next cell says so once, for all tensors.

Storing and releasing are given. You write the two questions that the rest of the engine asks a
node: which inputs want a gradient, and where the graph goes on.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_function", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Function:
    """One recorded operation: a node of the computation graph, and its backward rule.

    Attributes:
        saved_tensors: tuple of the input Tensors, in order. They are the edges of the graph.
        output: the result as an ndarray. Not the Tensor: that one refers to this node, and two
            objects that refer to each other have to wait for the garbage collector, while
            others are freed the moment nothing refers to them any more.
        settings: dict of the operation's settings, such as {"axis": 1, "keepdims": False}.

    A subclass is the rule of one operation; it defines apply().
    """

    def __init__(self, *tensors: Tensor, output: np.ndarray | None = None, **settings):
        """Keep what the rule will need: the three attributes described above, as they came.

        Example:
            Function(a, b).saved_tensors is (a, b);
            Function(a, output=y, axis=1).settings is {"axis": 1}.
        """
        self.saved_tensors: tuple[Tensor, ...] = tensors
        self.output, self.settings = output, settings

    def apply(self, grad_output: np.ndarray) -> tuple[np.ndarray | None, ...]:
        """The gradient of every input, given that of the output: the backward rule.

        Always returns a tuple with one entry per input, also for a single input: an ndarray, or
        None for an input that has no gradient or needs none. A rule never writes into grad_output
        or into the saved arrays: others use them.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define apply(grad_output)")

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """The data of the inputs: what a rule calculates with."""
        return tuple([tensor.data for tensor in self.saved_tensors])

    def needs(self, i: int) -> bool:
        """Whether input number i requires a gradient: a rule asks before it computes much.

        Example:
            with w = Tensor([1.0], requires_grad=True) and x = Tensor([1.0]),
            Function(x, w).needs(0) is False and Function(x, w).needs(1) is True.
        """
        ### BEGIN SOLUTION
        return self.saved_tensors[i].requires_grad
        ### END SOLUTION

    def parents(self) -> list[Tensor]:
        """The inputs that require a gradient, in order; an input used twice is listed twice.

        Raises:
            RuntimeError: the node has been released (see release). The message mentions
                "retain_graph", the argument of backward() that would have kept the graph.
        """
        ### BEGIN SOLUTION
        if self.saved_tensors is None:
            raise RuntimeError(
                "this part of the graph was freed by an earlier backward(). Compute the result "
                "again, or keep the graph: backward(retain_graph=True)."
            )
        return [tensor for tensor in self.saved_tensors if tensor.requires_grad]
        ### END SOLUTION

    def release(self) -> None:
        """Let go of everything this node keeps: all three attributes are None from now on."""
        self.saved_tensors = self.output = self.settings = None


Tensor._grad_fn = None  # a leaf; an operation's result gets its own _grad_fn when it is recorded

# %% [markdown]
"""
*What is checked:* which inputs need a gradient, who the parents are, and that a released node says
so when it is asked for them.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_function", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@probe
def parents_of_a_node():
    """Which of (a, data, a, b) are the parents, by name."""
    a, b = Tensor([1.0], requires_grad=True), Tensor([2.0], requires_grad=True)
    names = {id(a): "a", id(b): "b"}
    node = Function(a, Tensor([0.0]), a, b)
    return [names.get(id(one), "data") if isinstance(one, Tensor) else type(one).__name__
            for one in node.parents()]


@probe
def parents_of_a_released_node():
    """What parents() does after release(): the error, and whether it mentions retain_graph."""
    node = Function(Tensor([1.0], requires_grad=True), output=np.ones(1), axis=0)
    node.release()
    try:
        parents = node.parents()
    except Exception as error:
        return [type(error).__name__, "retain_graph" in str(error)]
    return [f"no error, {len(parents)} parents", False]


def test_autograd_function():
    """A node knows which inputs need a gradient, and who its parents are while it has any."""
    w, x = Tensor([1.0], requires_grad=True), Tensor([2.0])
    node = Function(x, w)
    check.equal([node.needs(0), node.needs(1)], [False, True],
                given="needs(0), needs(1) of Function(x, w), where only w requires a gradient")
    w.grad = Tensor([5.0])
    check.equal(node.needs(1), True, given="needs(1) when w has collected a gradient already",
                because="the question is whether w requires a gradient, not whether it has one")
    check.equal(parents_of_a_node(), ["a", "a", "b"],
                given="the parents of Function(a, data, a, b), where data requires no gradient",
                because="nothing is sent to data, and a is reached in two ways")
    check.equal(parents_of_a_released_node(), ["RuntimeError", True],
                given="a node after release(): [the error of parents(), does it mention "
                      "retain_graph]",
                because="a freed node must not look like a leaf")


test_autograd_function()

# %% [markdown]
r"""
### A table of rules

Where do rules live? Not in `Tensor`, and not in a long chain of `if`s, but in a table: operation
name, rule class. A decorator fills it, so a rule stands in the table from the moment it is written.
Modules to come add their own rules with the same line.

Given: the table, and the rule of addition as a model. If $a$ rises by a bit, $a+b$ rises by the
same bit, so the gradient is passed on as it is, to both inputs. Look at how a rule ends: it
**always returns a tuple**, one entry per input. For a single input that is `return (gradient,)`;
the comma makes the tuple.
"""

# %%
#| export
RULES: dict[str, Callable[..., Function]] = {}


def backward_rule(operation: Callable) -> Callable:
    """Enter the decorated class into RULES as the backward rule of `operation`.

    Anything that can be called like Function(*tensors, output=..., **settings) will do.
    """

    def register(rule):
        RULES[operation.__name__] = rule
        return rule

    return register


@backward_rule(add)
class AddBackward(Function):
    """The rule of y = a + b."""

    def apply(self, grad_output):
        return grad_output, grad_output

# %% [markdown]
r"""
Your turn: minus, times, divided by. **Derive them yourself.** For each input ask: if it rises by a
tiny bit, by how much does the output rise? That factor, times $G$, is the answer. Only division
needs a thought: what does $a/b$ do when $b$ rises? Before you test, compare your formula with
what `numerical_gradient` says, here at $a = 6$, $b = 2$:
"""

# %%
a, b = Tensor([6.0]), Tensor([2.0])
print("slope of a / b for a:", numerical_gradient(lambda t: (t / b).sum(), a).round(3))
print("slope of a / b for b:", numerical_gradient(lambda t: (a / t).sum(), b).round(3))

# %% [markdown]
"""
Do not worry about shapes that differ (broadcasting): Part 3 solves that for all rules at once. The
arrays of the inputs are in `self.arrays`.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_arithmetic", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(negate)
class NegBackward(Function):
    """The rule of y = -a."""

    def apply(self, grad_output):
        """Return (gradient of a,)."""
        ### BEGIN SOLUTION
        return (-grad_output,)
        ### END SOLUTION


@backward_rule(subtract)
class SubBackward(Function):
    """The rule of y = a - b."""

    def apply(self, grad_output):
        """Return (gradient of a, gradient of b)."""
        ### BEGIN SOLUTION
        return grad_output, -grad_output
        ### END SOLUTION


@backward_rule(multiply)
class MulBackward(Function):
    """The rule of y = a * b."""

    def apply(self, grad_output):
        """Return (gradient of a, gradient of b); None, without computing it, where not needed.

        `x * 3` must not pay for the gradient of 3: self.needs(i) says who needs one.

        Example:
            a = [2, 3], b = [5, 7], G = [1, 10]: the gradients are [5, 70] and [2, 30].
        """
        ### BEGIN SOLUTION
        a, b = self.arrays
        grad_a = grad_output * b if self.needs(0) else None
        grad_b = grad_output * a if self.needs(1) else None
        return grad_a, grad_b
        ### END SOLUTION


@backward_rule(divide)
class DivBackward(Function):
    """The rule of y = a / b."""

    def apply(self, grad_output):
        """Return (gradient of a, gradient of b); None, without computing it, where not needed.

        Example:
            a = [6, 6], b = [2, 3], G = [1, 3]: the gradients are [0.5, 1] and [-1.5, -2].
        """
        ### BEGIN SOLUTION
        a, b = self.arrays
        grad_a = grad_output / b if self.needs(0) else None
        grad_b = -grad_output * a / (b * b) if self.needs(1) else None
        return grad_a, grad_b
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* all four rules against derivatives written down by hand, arrays and no Tensors,
None where nobody needs a gradient, and that G, a and b stay as they are.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_arithmetic", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@probe
def rule_leaves_alone(rule):
    """Which of grad_output, a and b are changed by applying the rule?"""
    a, b = Tensor([6.0, 8.0], requires_grad=True), Tensor([2.0, 4.0], requires_grad=True)
    g = np.float32([1.0, 3.0])
    nodes = {"neg": NegBackward(a), "sub": SubBackward(a, b), "mul": MulBackward(a, b),
             "div": DivBackward(a, b)}
    nodes[rule].apply(g)
    return [g.tolist(), a.data.tolist(), b.data.tolist()]


def gradients_of(node, grad_output, what, count=1):
    """What the rule returns, after a look at its form: a tuple with one entry per input."""
    gradients = node.apply(grad_output)
    check.equal(type(gradients).__name__, "tuple",
                given=f"{what}: the type of what the rule returns",
                because="a rule returns a tuple with one entry per input; the comma makes it: "
                        "(gradient,)")
    check.equal(len(gradients), count,
                given=f"{what}: how many gradients the rule returns",
                because="one per input")
    kinds = ["ndarray" if isinstance(gradient, (np.ndarray, np.generic))
             else gradient.__class__.__name__ for gradient in gradients]
    check.equal(kinds, ["ndarray"] * count,
                given=f"{what}: the types of the gradients",
                because="rules calculate with arrays: self.arrays holds them, self.saved_tensors "
                        "holds the Tensors")
    return gradients


def test_autograd_arithmetic():
    """Minus, times and divided by, against the derivative written down by hand."""
    g = np.float32([1.0, 10.0])
    a, b = Tensor([2.0, 3.0], requires_grad=True), Tensor([5.0, 7.0], requires_grad=True)
    (gradient,) = gradients_of(NegBackward(a), g.copy(), "NegBackward(a).apply(G)")
    check.close(gradient, [-1.0, -10.0], given="NegBackward, G = [1, 10]: gradient of a",
                because="if a rises, -a falls as fast")
    for rule, name, expected in [
        (SubBackward, "SubBackward", ([1.0, 10.0], [-1.0, -10.0])),
        (MulBackward, "MulBackward", ([5.0, 70.0], [2.0, 30.0])),
        (DivBackward, "DivBackward", ([0.2, 10 / 7], [-2 / 25, -30 / 49])),
    ]:
        gradients = gradients_of(rule(a, b), g, f"{name}(a, b).apply(G)", 2)
        for position, letter in enumerate("ab"):
            check.close(gradients[position], expected[position],
                        given=f"{name}, a = [2, 3], b = [5, 7], G = [1, 10]: gradient of {letter}",
                        because="the gradient of the output times the derivative of this one "
                                "operation")
    three = Tensor([3.0, 3.0])
    for rule, name in [(MulBackward, "MulBackward"), (DivBackward, "DivBackward")]:
        check.equal([gradient is None for gradient in rule(a, three).apply(g)], [False, True],
                    given=f"{name}(a, b).apply(G), where only a requires a gradient: is it None",
                    because="a gradient that nobody needs is not computed")
        check.equal([gradient is None for gradient in rule(three, b).apply(g)], [True, False],
                    given=f"{name}(a, b).apply(G), where only b requires a gradient: is it None")
    for rule in ("neg", "sub", "mul", "div"):
        check.unchanged(rule_leaves_alone(rule), [[1.0, 3.0], [6.0, 8.0], [2.0, 4.0]],
                        given=f"G, a and b after the rule of {rule}",
                        because="a rule changes nothing in place: the arrays belong to others")
    check.equal([str(gradient.dtype) for gradient in DivBackward(a, b).apply(g)],
                ["float32", "float32"],
                given="the dtypes of DivBackward's gradients")


test_autograd_arithmetic()

# %% [markdown]
r"""
## Part 3: What broadcasting copied, the gradient adds up

In $xW + b$ the bias has shape (3,) and is added to every row. **What will this print?** What shape
does the addition rule return for the bias, and what shape should it have?
"""

# %%
matrix, bias = Tensor(np.zeros((2, 3)), requires_grad=True), Tensor([0.0, 0.0, 0.0])
_, for_bias = AddBackward(matrix, bias).apply(np.float32([[1, 2, 3], [10, 20, 30]]))
print("the bias has shape", bias.shape, "and the rule returns", for_bias.shape)
total = numerical_gradient(lambda t: (matrix + t).sum(), bias)
print("measured: each entry of the bias moves the sum of all outputs by", total.round(2))

# %% [markdown]
r"""
One number of $b$ takes part in two outputs, and its gradient is the *sum* of what both report. In
general: where broadcasting repeated a value, the gradient has to be summed over the repetitions.

```
 forward                                   backward
 b        (3,)    [ b0 b1 b2 ]             G        (2, 3)  [ g00 g01 g02 ]
                    |  |  |                                 [ g10 g11 g12 ]
 repeated (2, 3)  [ b0 b1 b2 ]                                |   |   |
                  [ b0 b1 b2 ]             of b     (3,)    sum over the rows
```

In words: copying forward is adding backward, and it holds the other way round too, as the rule of
the sum will show in Part 8.

Broadcasting repeats in two ways, and both can be read off the shapes:

1. It puts **new axes in front**: (3,) becomes (2, 3).
2. It stretches an **axis of size 1**: (2, 1) becomes (2, 3).

Both at once, for a tensor of shape (1, 3) that was used as if it had shape (5, 2, 3):

```
 gradient (5, 2, 3)   add up the new axis        (2, 3)   add up the stretched axis   (1, 3)
           ^           ------------------->       ^        ---------------------->     ^
           new                                    stretched                            stays
```

In words: a new axis disappears in the sum, a stretched one stays, with size 1.

Every rule with two inputs needs this. Written into each of them it would be copied half a dozen
times and forgotten in one. So rules ignore the matter, and one function settles it for all.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_unbroadcast", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def unbroadcast(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum `gradient` down to `shape`: the reverse of broadcasting an array of that shape.

    Args:
        gradient: of a shape that `shape` broadcasts to, or already of that shape.
        shape: the shape of the input that was broadcast.

    Returns:
        An array of that shape. If nothing has to be summed, `gradient` itself: no copy.

    Example:
        gradient (5, 2, 3), shape (1, 3): summed over axis 0 (new) and over axis 1 (stretched),
        which stays there with size 1.
    """
    ### BEGIN SOLUTION
    if gradient.shape == shape:
        return gradient
    new = gradient.ndim - len(shape)
    if new > 0:
        gradient = gradient.sum(axis=tuple(range(new)))
    stretched = tuple([i for i, size in enumerate(shape) if size == 1 and gradient.shape[i] != 1])
    return gradient.sum(axis=stretched, keepdims=True) if stretched else gradient
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* new axes, stretched axes and both at once, against sums entry by entry, and that
equal shapes cost no copy.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_unbroadcast", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def summed_by_hand(gradient, shape):
    """Every entry of gradient, added to the one entry of shape that broadcasting took it from."""
    total = np.zeros(shape)
    for index in np.ndindex(gradient.shape):
        tail = index[len(index) - len(shape) :]
        total[tuple(0 if size == 1 else i for i, size in zip(tail, shape, strict=True))] += (
            gradient[index]
        )
    return total


@probe
def untouched_gradient():
    """Equal shapes: the same object. Otherwise: the argument keeps its values."""
    gradient = np.float32([[1, 2, 3], [4, 5, 6]])
    column = np.float32([[1], [4]])
    same = [unbroadcast(gradient, (2, 3)) is gradient, unbroadcast(column, (2, 1)) is column]
    unbroadcast(gradient, (1, 3))
    return [same, gradient.tolist()]


def test_autograd_unbroadcast():
    """The sum over everything that broadcasting repeated, in the shape it came from."""
    g = np.float32([[1, 2, 3], [10, 20, 30]])
    check.close(unbroadcast(g, (3,)), [11.0, 22.0, 33.0],
                given="gradient [[1, 2, 3], [10, 20, 30]], shape (3,)",
                because="a vector used in two rows collects both rows")
    check.close(unbroadcast(g, (2, 1)), [[6.0], [60.0]],
                given="gradient [[1, 2, 3], [10, 20, 30]], shape (2, 1)",
                because="a column stretched to three collects all three, and stays a column")
    check.close(unbroadcast(g, (1, 3)), [[11.0, 22.0, 33.0]],
                given="gradient [[1, 2, 3], [10, 20, 30]], shape (1, 3)")
    check.close(unbroadcast(g, ()), np.array(66.0),
                given="gradient [[1, 2, 3], [10, 20, 30]], shape ()",
                because="a single number collects everything")
    same, after = untouched_gradient()
    check.equal(same[0], True,
                given="gradient (2, 3), shape (2, 3): is the result the gradient itself",
                because="nothing to sum, nothing to copy")
    check.equal(same[1], True,
                given="gradient (2, 1), shape (2, 1): is the result the gradient itself",
                because="this axis of size 1 was not stretched: there is nothing to sum")
    check.unchanged(after, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
                    given="the gradient after unbroadcast(gradient, (1, 3))")
    rng = np.random.default_rng(0)
    for big, small in [
        ((5, 2, 3), (1, 3)),
        ((5, 2, 3), (2, 1)),
        ((4, 3, 2, 5), (3, 1, 1)),
        ((4, 3), (1, 1)),
        ((2, 1, 3), (1, 3)),
        ((2, 1, 3), (2, 1, 1)),
        ((2, 3), (1,)),
        ((1, 1, 1), ()),
        ((0,), (1,)),
        ((2, 0), (2, 1)),
    ]:
        gradient = rng.integers(-9, 9, big).astype(np.float32)
        check.close(unbroadcast(gradient, small), summed_by_hand(gradient, small),
                    given=f"gradient of shape {big}, shape {small}",
                    because="every entry counts for the one it was copied from; an axis that was "
                            "stretched to length 0 leaves a sum of nothing, 0" if 0 in big else "")
    check.equal(str(unbroadcast(g, (3,)).dtype), "float32",
                given="the dtype of a summed float32 gradient")


test_autograd_unbroadcast()

# %% [markdown]
r"""
With that, write the only place where a rule is ever applied. It asks the rule, undoes broadcasting,
and passes on what somebody needs. It also looks at what came back, so that a slip in a rule (a
forgotten comma, a Tensor where an array belongs) is reported with the rule's name, instead of
surfacing three layers further down. (It is a *generator*: it hands out its results one by one with
`yield`, and its code runs when somebody asks for the first.)
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_input_gradients", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def input_gradients(
    node: Function, grad_output: np.ndarray
) -> Iterator[tuple[Tensor, np.ndarray]]:
    """Apply the rule of `node` once: yield (input, its gradient) for each input that needs one.

    Inputs come in order. Left out are inputs that require no gradient, and those for which the
    rule returned None. Each gradient has the shape of its input: broadcasting is undone.

    Raises (each message names the rule's class, such as MulBackward):
        TypeError: what the rule returned is no tuple with one entry per input; or the entry for
            an input that requires a gradient is neither an array nor None. (One of NumPy's own
            numbers is an array here, since arithmetic on arrays of shape () makes such:
            isinstance(entry, (np.ndarray, np.generic)).)
        RuntimeError: a gradient cannot be summed down to its input's shape. The message names
            both shapes.

    Example:
        for y = w * x, where only w requires a gradient, it yields one pair: (w, G * x).
    """
    ### BEGIN SOLUTION
    name, tensors, gradients = type(node).__name__, node.saved_tensors, node.apply(grad_output)
    if not isinstance(gradients, tuple):
        raise TypeError(
            f"{name}.apply must return a tuple with one entry per input: {len(tensors)}. It "
            f"returned {type(gradients).__name__}. A comma makes a tuple: (gradient,)."
        )
    if len(gradients) != len(tensors):
        raise TypeError(
            f"{name}.apply must return a tuple with one entry per input: {len(tensors)}. It "
            f"returned a tuple with {len(gradients)}."
        )
    for tensor, gradient in zip(tensors, gradients, strict=True):
        if gradient is None or not tensor.requires_grad:
            continue
        if not isinstance(gradient, (np.ndarray, np.generic)):
            raise TypeError(
                f"{name}.apply must return arrays, but one gradient is of type "
                f"{type(gradient).__name__}. A rule calculates with self.arrays."
            )
        shape, returned = tensor.data.shape, gradient.shape
        if returned != shape and len(returned) >= len(shape):
            gradient = unbroadcast(gradient, shape)
        if gradient.shape != shape:
            raise RuntimeError(
                f"{name} returned a gradient of shape {returned} for an input of shape {shape}: "
                "they must be equal."
            )
        yield tensor, gradient
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* who receives which gradient, broadcasting, that the rule is applied once, and
that whatever is no array, or fits nowhere, is refused by the rule's name.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_input_gradients", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def handed_out(answer, shapes, needed):
    """[[input number, gradient], ...] for a rule with that answer, and what it was applied to."""

    class OddBackward(Function):
        def apply(self, g):
            asked.append(g.tolist())
            return answer

    asked, g = [], np.ones((2, 3), dtype=np.float32)
    tensors = [Tensor(np.zeros(shape), requires_grad=need)
               for shape, need in zip(shapes, needed, strict=True)]
    number = {id(tensor): i for i, tensor in enumerate(tensors)}
    pairs = [[number[id(tensor)], gradient]
             for tensor, gradient in input_gradients(OddBackward(*tensors), g)]
    return [pairs, asked]


@probe
def refusal(answer, shape, words):
    """Which error the answer of a rule with one input raises, and which words it mentions."""
    if isinstance(answer, str):
        answer = (Tensor(np.ones(shape)),)

    class OddBackward(Function):
        def apply(self, g):
            return answer

    node = OddBackward(Tensor(np.zeros(shape), requires_grad=True))
    try:
        count = len(list(input_gradients(node, np.ones((2, 3), dtype=np.float32))))
    except Exception as error:
        named = [word for word in words if word in str(error)]
        return f"{type(error).__name__} that mentions {' and '.join(named) or 'nothing'}"
    return f"no error, {count} gradients"


def test_autograd_input_gradients():
    """The rule's answers, summed to the inputs' shapes, for those who need them; or an error."""
    g = np.float32([[1, 2, 3], [10, 20, 30]])
    pairs, times = handed_out((g, 5 * g), [(2, 3), (2, 3)], [True, False])
    check.equal([pair[0] for pair in pairs], [0],
                given="two inputs, only the first requires a gradient: who gets one",
                because="nothing is sent to an input that requires no gradient")
    check.close(pairs[0][1], g, given="the gradient that input gets")
    check.equal(times, [[[1.0] * 3] * 2], given="what the rule was applied to, each time",
                because="once, to the gradient of the output")
    pairs, _ = handed_out((5 * g, 2 * g), [(2, 3), (3,)], [False, True])
    check.equal([pair[0] for pair in pairs], [1],
                given="two inputs, only the second requires a gradient: who gets one")
    check.close(pairs[0][1], [22.0, 44.0, 66.0],
                given="the rule returns ([[5, 10, 15], [50, 100, 150]], [[2, 4, 6], [20, 40, 60]]) "
                      "and only the second input, of shape (3,), requires a gradient: which one "
                      "it gets",
                because="the second gradient belongs to the second input, whoever else requires "
                        "one; that input was used in two rows, so broadcasting is undone")
    pairs, _ = handed_out((5 * g, 2 * g), [(2, 3), (3,)], [True, True])
    check.equal([pair[0] for pair in pairs], [0, 1], given="both require one: who gets one")
    check.close(pairs[0][1], 5 * g, given="both require one: the gradient of the first")
    check.close(pairs[1][1], [22.0, 44.0, 66.0], given="both require one: that of the second")
    pairs, _ = handed_out((None, g), [(2, 3), (1, 1)], [True, True])
    check.equal([pair[0] for pair in pairs], [1], given="the rule returns (None, G)",
                because="None means: no gradient for this input")
    check.close(pairs[0][1], [[66.0]], given="an input of shape (1, 1) and that G")
    for answer, text in [(g, "an array instead of a tuple"), ((g, g), "two gradients"),
                         ([g], "a list with one gradient"), (None, "None")]:
        check.equal(refusal(answer, (2, 3), ["OddBackward"]),
                    "TypeError that mentions OddBackward",
                    given=f"one input, and OddBackward.apply returns {text}",
                    because="a rule returns a tuple with one entry per input; the error names it")
    for answer, text in [("Tensor", "(a Tensor,)"), ((2.0,), "(2.0,)"), (([[1.0]],), "(a list,)")]:
        check.equal(refusal(answer, (), ["OddBackward"]), "TypeError that mentions OddBackward",
                    given=f"one input, and OddBackward.apply returns {text}",
                    because="each entry is an array or None: anything else would fail later, in "
                            "code that is not at fault")
    check.close(handed_out((np.float32(3.0),), [()], [True])[0][0][1], np.array(3.0),
                given="an input of shape (), the rule returns (np.float32(3),)",
                because="NumPy makes such a number of arrays of shape (): it counts as an array")
    for wrong, shape in [((3,), (2, 3)), ((2, 3), (2,)), ((3,), (2, 1))]:
        words = ["OddBackward", str(wrong), str(shape)]
        check.equal(refusal((np.ones(wrong, dtype=np.float32),), shape, words),
                    f"RuntimeError that mentions {' and '.join(words)}",
                    given=f"an input of shape {shape}, and OddBackward.apply returns shape {wrong}",
                    because="no sum leads from this shape to that one")


test_autograd_input_gradients()

# %% [markdown]
r"""
## Part 4: The graph writes itself

Now the moment you prepared in Module 01. Every result of every operation passes through one
function, `compute`, and `compute` asks after each one: *is anybody listening?*

```python
if Tensor._record is not None:
    Tensor._record(output, operation, tensors, settings)
```

Until today nobody was. You write the listener. There are three cases:

- If no input requires a gradient, there is nothing to do. Doubling a batch of images leaves no
  trace.
- Otherwise the output requires a gradient as well, and gets a node: an object of the rule's class,
  looked up in `RULES`.
- An operation that has no rule must not pass silently. The gradient would stop there without a
  word, part of the model would never learn, and you would look for the reason for days. Refuse, and
  name the operation.

Because the seam is a single function, everything from Modules 01 to 04 becomes differentiable, and
so will every operation you invent later.

**A switch.** When you only want predictions, recording is a waste: it keeps every intermediate
result alive. Given: `grad_mode.enabled`. It is *thread-local*: each thread has a switch of its own,
so a thread that serves predictions does not turn off the gradients of another one that trains.
"""

# %%
#| export
class GradMode(threading.local):
    """Whether operations are recorded: one switch per thread, on to begin with."""

    enabled = True


grad_mode = GradMode()

# %% nbgrader={"grade": false, "grade_id": "autograd_record", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def record(
    output: Tensor, operation: Callable, inputs: tuple[Tensor, ...], settings: dict
) -> None:
    """Put an operation that has just been computed into the graph, if a gradient may need it.

    Does nothing when grad_mode.enabled is False, or when no input requires a gradient.
    Otherwise `output` requires a gradient from now on, and its `_grad_fn` is a new node of the
    class that RULES holds for the operation's name. The node keeps the inputs, the output's
    array, and the settings.

    Args:
        output: the result, a Tensor.
        operation: the function that computed it; operation.__name__ is its name.
        inputs: the tensors it was computed from.
        settings: its settings, such as {"axis": 0, "keepdims": False}.

    Raises:
        NotImplementedError: a gradient is needed, but the operation has no rule in RULES. The
            message contains the operation's name; the output is left as it was.

    Example:
        after record(y, multiply, (a, b), {}), where a requires a gradient,
        y.requires_grad is True and y._grad_fn is a MulBackward whose saved_tensors are (a, b).
    """
    ### BEGIN SOLUTION
    if not grad_mode.enabled or not any([tensor.requires_grad for tensor in inputs]):
        return
    rule = RULES.get(operation.__name__)
    if rule is None:
        raise NotImplementedError(
            f"the operation {operation.__name__!r} has no backward rule. Write one and decorate it "
            f"with @backward_rule({operation.__name__}), or compute inside no_grad()."
        )
    output.requires_grad = True
    output._grad_fn = rule(*inputs, output=output.data, **settings)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* what the node keeps, when an operation is recorded and when not, and that an
operation without a rule is refused by name.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_record", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def node_of_a_product():
    """Record y = a * b by hand, with two settings; look at the node from the inside."""
    a, b, y = Tensor([2.0], requires_grad=True), Tensor([5.0]), Tensor([10.0])
    record(y, multiply, (a, b), {"axis": 1, "keepdims": False})
    node = y._grad_fn
    if node is None:
        return [y.requires_grad, "no node", [], False, {}, b.requires_grad, True]
    saved = [
        "a" if kept is a else "b" if kept is b else type(kept).__name__
        for kept in node.saved_tensors
    ]
    return [
        y.requires_grad, type(node).__name__, saved,
        node.output is y.data, node.settings, b.requires_grad, a._grad_fn is None,
    ]


@probe
def recorded_or_not(a_needs, b_needs, enabled):
    """[requires_grad, has a node] of y = a - b recorded in that situation."""
    a, b, y = (
        Tensor([2.0], requires_grad=a_needs),
        Tensor([5.0], requires_grad=b_needs),
        Tensor([-3.0]),
    )
    original, grad_mode.enabled = grad_mode.enabled, enabled
    try:
        record(y, subtract, (a, b), {})
    finally:
        grad_mode.enabled = original
    return [y.requires_grad, y._grad_fn is not None]


@probe
def operation_without_rule(needs):
    """The error (or 'recorded quietly') when an operation unknown to RULES is recorded."""

    def cube_root(x):
        return np.cbrt(x)

    y = Tensor([2.0])
    try:
        record(y, cube_root, (Tensor([8.0], requires_grad=needs),), {})
    except Exception as error:
        return [type(error).__name__, "cube_root" in str(error), y.requires_grad]
    return ["recorded quietly", y._grad_fn is None, y.requires_grad]


def test_autograd_record():
    """The output gets a node of the right class, exactly when a gradient may need it."""
    wants, kind, saved, array, settings, data_needs, leaf = node_of_a_product()
    check.equal([wants, kind], [True, "MulBackward"],
                given="record(y, multiply, (a, b), ...): y.requires_grad and the class of "
                      "y._grad_fn")
    check.equal(saved, ["a", "b"],
                given="saved_tensors of the node",
                because="rule(*inputs, ...) keeps the input tensors, in order")
    check.equal(array, True,
                given="is node.output the array y.data",
                because="the node keeps the array; the tensor would point back to the node")
    check.equal(settings, {"axis": 1, "keepdims": False},
                given="node.settings after record(..., {'axis': 1, 'keepdims': False})")
    check.equal([data_needs, leaf], [False, True],
                given="b.requires_grad (False before); a._grad_fn is None",
                because="recording changes the output only")
    check.equal(recorded_or_not(False, False, True), [False, False],
                given="y = a - b, neither requires a gradient: [y.requires_grad, has a node]",
                because="data alone leaves no trace")
    check.equal(recorded_or_not(False, True, True), [True, True],
                given="y = a - b, only b requires a gradient: [y.requires_grad, has a node]",
                because="one input is enough")
    check.equal(recorded_or_not(True, True, False), [False, False],
                given="y = a - b while grad_mode.enabled is False: [y.requires_grad, has a node]")
    check.equal(operation_without_rule(True), ["NotImplementedError", True, False],
                given="an operation cube_root without a rule: [error, is it named, "
                      "y.requires_grad]",
                because="a missing gradient must not pass silently")
    check.equal(operation_without_rule(False), ["recorded quietly", True, False],
                given="cube_root of data that requires no gradient",
                because="without a gradient no rule is needed")


test_autograd_record()

# %% [markdown]
"""
### no_grad

```python
with no_grad():
    predictions = model(images)     # computed, not recorded
```

`contextmanager` from the standard library turns a function with one `yield` into such a context:
what stands before the `yield` runs on entering, what stands after it on leaving. That is quickly
written; here is a careless version, with a switch of its own. **What will this print?**
"""

# %%
class Switch:
    on = True


@contextmanager
def careless():
    """Off on entering, on again on leaving."""
    Switch.on = False
    yield
    Switch.on = True


with careless():
    with careless():
        pass
    print("in the outer block, after the inner one: on is", Switch.on)
try:
    with careless():
        raise KeyError("a slip in somebody's code")
except KeyError:
    print("after a block that raised an error:       on is", Switch.on)

# %% [markdown]
"""
Both are wrong. The inner block turned on what the outer one wanted off. And an error comes out of
the `yield`, so that the line behind it never runs: from then on nothing is ever recorded again.

(A function made this way also works as a decorator: `@no_grad()` above a function runs all of it
without recording.)
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_no_grad", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@contextmanager
def no_grad() -> Iterator[None]:
    """Within this context, this thread's operations are not recorded.

    On leaving, grad_mode.enabled is what it was on entering, also after an exception (which
    passes through unchanged) and also when contexts are nested.

    Example:
        with no_grad():
            y = w * 3
        # y.requires_grad is False, although w requires a gradient
    """
    ### BEGIN SOLUTION
    before = grad_mode.enabled
    grad_mode.enabled = False
    try:
        yield
    finally:
        grad_mode.enabled = before
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the switch before, inside and after: plain, nested, after an error, and as a
decorator.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_no_grad", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@probe
def switch_positions(case):
    """grad_mode.enabled before, inside and after, in different situations."""
    grad_mode.enabled = True
    seen = [grad_mode.enabled]
    try:
        if case == "plain":
            with no_grad():
                seen.append(grad_mode.enabled)
        elif case == "nested":
            with no_grad():
                with no_grad():
                    seen.append(grad_mode.enabled)
                seen.append(grad_mode.enabled)
        elif case == "error":
            try:
                with no_grad():
                    raise KeyError("inside")
            except KeyError:
                seen.append("KeyError came out")
        elif case == "decorator":
            seen.append(no_grad()(lambda: grad_mode.enabled)())
        seen.append(grad_mode.enabled)
    finally:
        grad_mode.enabled = True
    return seen


@probe
def class_inside_a_block():
    """GradMode.enabled inside no_grad()."""
    before = GradMode.enabled
    try:
        with no_grad():
            return GradMode.enabled
    finally:
        GradMode.enabled = before


@probe
def product_without_grad():
    """Is a product recorded inside no_grad(), and after it?"""
    w, inside, after = Tensor([1.0], requires_grad=True), Tensor([3.0]), Tensor([3.0])
    with no_grad():
        record(inside, multiply, (w, Tensor([3.0])), {})
    record(after, multiply, (w, Tensor([3.0])), {})
    return [inside.requires_grad, after.requires_grad]


def test_autograd_no_grad():
    """Recording is off inside, and afterwards as it was before, whatever happened."""
    check.equal(class_inside_a_block(), True,
                given="GradMode.enabled, of the class, inside no_grad()",
                because="every thread begins with it; the switch of this thread is an attribute "
                        "of the object, grad_mode.enabled")
    check.equal(switch_positions("plain"), [True, False, True],
                given="grad_mode.enabled before, inside and after no_grad()")
    check.equal(switch_positions("nested"), [True, False, False, True],
                given="grad_mode.enabled before, in the inner, in the outer context, and after",
                because="leaving the inner context must not switch recording on in the outer one")
    check.equal(switch_positions("error"), [True, "KeyError came out", True],
                given="an exception inside no_grad(); then grad_mode.enabled",
                because="the switch goes back on the way out of an exception too, and the "
                        "exception is not swallowed")
    check.equal(switch_positions("decorator"), [True, False, True],
                given="grad_mode.enabled before, inside and after a function decorated with "
                      "@no_grad()")
    check.equal(product_without_grad(), [False, True],
                given="w * 3 inside and after no_grad(): requires_grad")


test_autograd_no_grad()

# %% [markdown]
r"""
## Part 5: The way back

The graph stands; every node can answer for its own operation. What is left is to send a gradient
from the loss through all of it, in a sensible order. You will do it three times.

### Where it starts

The walk begins with the gradient of the result with respect to itself. If the result is one number,
that is 1. If it has more, there is no single "how fast does it rise": the caller has to say how
much each entry counts, by passing a gradient of the same shape. A friendly error here saves an
hour later, so this small function is mostly about saying precisely what is wrong.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_initial_gradient", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def initial_gradient(tensor: Tensor, gradient=None) -> np.ndarray:
    """The gradient that a backward pass from `tensor` starts with.

    Args:
        tensor: where backward() was called.
        gradient: None, or a Tensor, array, list or number of exactly the tensor's shape.

    Returns:
        An ndarray of the tensor's shape. If gradient is None: float32 ones, which requires that
        the tensor has one element (of any shape: (), (1,), (1, 1)). Otherwise as_array(gradient),
        Module 01's conversion to an array (it makes no copy of a float32 array).

    Raises (checked in this order; the wording is yours):
        RuntimeError: the tensor does not require a gradient. Mentions requires_grad.
        ValueError: gradient is None and the tensor has several elements. Mentions its shape.
        ValueError: the gradient's shape is not the tensor's. Mentions both, such as (2, 3).
    """
    ### BEGIN SOLUTION
    if not tensor.requires_grad:
        raise RuntimeError(
            "backward() was called on a tensor that requires no gradient: none of the tensors it "
            "was computed from has requires_grad=True, or it was computed inside no_grad()."
        )
    if gradient is None:
        if tensor.size != 1:
            raise ValueError(
                f"backward() without a gradient starts from a single number, but this tensor has "
                f"shape {tensor.shape}. Reduce it first (.sum(), .mean()), or pass a gradient of "
                "that shape."
            )
        return np.ones(tensor.shape, dtype=np.float32)
    gradient = as_array(gradient)
    if gradient.shape != tensor.shape:
        raise ValueError(
            f"the gradient has shape {gradient.shape}, but the tensor has shape {tensor.shape}: "
            "they must be equal."
        )
    return gradient
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* ones for single numbers of any shape, a given gradient as it is, and every error
with its words.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_initial_gradient", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@probe
def kept_as_it_came():
    """Is a float32 array of the right shape handed back itself?"""
    gradient = np.ones((2, 3), dtype=np.float32)
    return initial_gradient(Tensor(np.ones((2, 3)), requires_grad=True), gradient) is gradient


def test_autograd_initial_gradient():
    """Ones for a single number, the given gradient otherwise, and errors that name the shapes."""
    single, several = (
        Tensor([[7.0]], requires_grad=True),
        Tensor(np.ones((2, 3)), requires_grad=True),
    )
    check.close(initial_gradient(single), [[1.0]],
                given="a tensor of shape (1, 1) that holds 7, gradient None",
                because="a number rises by 1 when it rises by 1, whatever its value")
    check.equal(str(initial_gradient(Tensor(2.0, requires_grad=True)).dtype), "float32",
                given="the dtype for a tensor of shape ()")
    check.raises(RuntimeError, lambda: initial_gradient(Tensor([1.0])),
                 given="a tensor that does not require a gradient", mentions=["requires_grad"])
    for gradient in (None, np.ones(2)):
        check.raises(RuntimeError,
                     lambda gradient=gradient: initial_gradient(Tensor(np.ones((2, 3))), gradient),
                     given="a tensor of shape (2, 3) that does not require a gradient, gradient "
                           f"{'None' if gradient is None else 'of shape (2,)'}",
                     mentions=["requires_grad"],
                     because="whether the tensor requires a gradient is checked first")
    check.raises(ValueError, lambda: initial_gradient(several),
                 given="a tensor of shape (2, 3), gradient None", mentions=["(2, 3)"],
                 because="six numbers: which one should rise?")
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    for given, what in [
        (values, "an array"),
        (Tensor(values), "a Tensor"),
        (values.tolist(), "a list"),
    ]:
        check.close(initial_gradient(several, given), values,
                    given=f"a tensor of shape (2, 3), gradient {what} of that shape")
    for given, what in [(values.astype(np.float64), "a float64 array"), (values.tolist(), "a list"),
                        (values.astype(np.int64), "an integer array")]:
        check.equal(str(initial_gradient(several, given).dtype), "float32",
                    given=f"a tensor of shape (2, 3), gradient {what}: the dtype of the result",
                    because="as_array makes float32 of everything; float64 would go on into every "
                            "gradient of the pass")
    check.equal(kept_as_it_came(), True,
                given="a tensor of shape (2, 3), gradient a float32 array of that shape: is the "
                      "result that array itself",
                because="as_array makes no copy of a float32 array")
    check.raises(ValueError, lambda: initial_gradient(several, np.ones((3, 2))),
                 given="a tensor of shape (2, 3), gradient of shape (3, 2)",
                 mentions=["(2, 3)", "(3, 2)"])
    check.raises(ValueError, lambda: initial_gradient(several, 1.0),
                 given="a tensor of shape (2, 3), gradient 1.0", mentions=["(2, 3)", "()"],
                 because="a gradient is not broadcast: the shapes must be equal")
    check.close(initial_gradient(single, [[5.0]]), [[5.0]],
                given="a tensor of shape (1, 1), gradient [[5]]",
                because="a gradient that is given counts, also for a single number")


test_autograd_initial_gradient()

# %% [markdown]
r"""
### First attempt: follow the arrows

The obvious program is a recursion. To send a gradient into a tensor: if it is a leaf, add the
gradient to what the leaf has collected. If an operation made it, ask the node for the gradients of
its inputs, and send each one on in the same way.

Nothing calls `record` for you yet; that comes in Part 6. Until then, `recorded(multiply, a, b)`
computes `a * b` and records it by hand. It is given, for the tests and experiments of this part.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_recursion", "locked": false, "schema_version": 3, "solution": true, "task": false}
def recorded(operation: Callable, *inputs: Tensor, **settings) -> Tensor:
    """Given: compute, then record by hand, whether or not autograd has been switched on."""
    output = compute(operation, *inputs, **settings)
    record(output, operation, inputs, settings)
    return output


def backward_by_recursion(tensor: Tensor, gradient: np.ndarray) -> int:
    """Send `gradient` into `tensor` and on to everything it was computed from, recursively.

    A leaf (its _grad_fn is None) collects: its grad, None to begin with, becomes a Tensor that
    holds the sum of all gradients that arrive, each time in a new array.

    Args:
        tensor: a tensor that requires a gradient.
        gradient: the gradient that arrives, an ndarray of the tensor's shape.

    Returns:
        The number of visits: 1 for this tensor, plus all visits of the recursive calls.

    Example:
        with x = Tensor([3.0], requires_grad=True) and y made by recording x * x,
        backward_by_recursion(y, np.ones(1)) returns 3 (y, and x twice); x.grad holds [6.0].
    """
    ### BEGIN SOLUTION
    node = tensor._grad_fn
    if node is None:
        collected = 0 if tensor.grad is None else tensor.grad.data
        tensor.grad = Tensor(collected + gradient)
        return 1
    visits = 1
    for parent, parent_gradient in input_gradients(node, gradient):
        visits += backward_by_recursion(parent, parent_gradient)
    return visits
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* gradients of small trees and graphs, that they are Tensors and only leaves hold
them, the number of visits, and that no two gradients share memory.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_recursion", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def recursion_on_doublings(levels):
    """y = y + y, several times: [visits, gradient of x]."""
    x = Tensor([1.0], requires_grad=True)
    y = x
    for _ in range(levels):
        y = recorded(add, y, y)
    visits = backward_by_recursion(y, np.ones(1, dtype=np.float32))
    return [visits, float(x.grad.data[0])]


@probe
def kinds_of_gradients():
    """y = a * b - c: the types of grad of a, b, c, and of the intermediate result a * b."""
    a, b, c = (Tensor([value], requires_grad=True) for value in (2.0, 5.0, 7.0))
    product = recorded(multiply, a, b)
    backward_by_recursion(recorded(subtract, product, c), np.ones(1, dtype=np.float32))
    return [type(tensor.grad).__name__ for tensor in (a, b, c, product)]


@probe
def leaves_share_memory():
    """Do the gradients of two leaves, or a leaf's gradient and the argument, share memory?"""
    a, b, y = (
        Tensor([1.0, 2.0], requires_grad=True),
        Tensor([3.0, 4.0], requires_grad=True),
        Tensor([4.0, 6.0]),
    )
    record(y, add, (a, b), {})
    gradient = np.ones(2, dtype=np.float32)
    backward_by_recursion(y, gradient)
    return [
        bool(np.shares_memory(a.grad.data, b.grad.data)),
        bool(np.shares_memory(a.grad.data, gradient)),
    ]


@probe
def second_arrival_at_a_leaf():
    """y = -x with gradient 1, twice: the array of the first x.grad afterwards, and x.grad."""
    x = Tensor([3.0], requires_grad=True)
    backward_by_recursion(recorded(negate, x), np.ones(1, dtype=np.float32))
    first = x.grad.data
    backward_by_recursion(recorded(negate, x), np.ones(1, dtype=np.float32))
    return [first.tolist(), x.grad.data.tolist()]


def test_autograd_recursion():
    """Gradients of small trees and graphs, and the number of visits it takes."""
    kinds = kinds_of_gradients()
    check.equal(kinds[:3], ["Tensor"] * 3,
                given="y = a * b - c: the types of a.grad, b.grad and c.grad",
                because="grad is a Tensor: Tensor(sum of the gradients)")
    check.equal(kinds[3], "NoneType",
                given="y = a * b - c: the type of the grad of the intermediate result a * b",
                because="only leaves collect; other tensors hand their gradient on")
    one = np.ones(1, dtype=np.float32)
    a, b, c = (Tensor([value], requires_grad=True) for value in (2.0, 5.0, 7.0))
    y = recorded(subtract, recorded(multiply, a, b), c)
    visits = backward_by_recursion(y, one)
    check.close([a.grad.data, b.grad.data, c.grad.data], [[5.0], [2.0], [-1.0]],
                given="y = a * b - c with a = 2, b = 5, c = 7: gradients of a, b, c")
    check.equal(visits, 5,
                given="visits for y = a * b - c",
                because="y, a * b, a, b and c: one visit each")
    x = Tensor([3.0], requires_grad=True)
    visits = backward_by_recursion(recorded(multiply, x, x), one)
    check.close(x.grad, [6.0],
                given="y = x * x with x = 3: gradient of x",
                because="x is reached in two ways, and the gradients of both add up")
    check.equal(visits, 3, given="visits for y = x * x", because="y once, x twice")
    backward_by_recursion(recorded(negate, x), 10 * one)
    check.close(x.grad, [-4.0],
                given="then y = -x with gradient 10: gradient of x",
                because="a leaf goes on collecting: 6 - 10")
    three = Tensor([3.0])
    visits = backward_by_recursion(recorded(multiply, a, three), one)
    check.equal([three.grad is None, visits], [True, 2],
                given="y = a * 3, where 3 requires no gradient: is its grad None; visits")
    check.equal(leaves_share_memory(), [False, False],
                given="y = a + b: do the two gradients share memory; does one share it with the "
                      "argument",
                because="0 + gradient is a new array: changing one gradient must not change "
                        "another")
    check.equal(second_arrival_at_a_leaf(), [[-1.0], [-2.0]],
                given="y = -x with gradient 1, twice: the array that x.grad held after the first "
                      "time, and x.grad",
                because="the sum is a new array: somebody may have kept the old one")
    check.equal(recursion_on_doublings(4), [31, 16.0],
                given="y = y + y, 4 times: [visits, gradient of x]",
                because="1 + 2 + 4 + 8 + 16 visits")


test_autograd_recursion()

# %% [markdown]
r"""
It works. Here is what it walks through: the recorded graph of a loss, $L = (w x + b - t)^2$ with
$w = 2$, $x = 3$, $b = 1$, $t = 5$. **What will you see?** Beside each arrow stands the gradient
that goes back along it. Which of the two parameters receives more, $w$ or $b$, and why?
"""

# %%
def small_loss():
    """The loss above: the result, and the names of all its tensors, inputs first."""
    w, b = Tensor([2.0], requires_grad=True), Tensor([1.0], requires_grad=True)
    x, t = Tensor([3.0]), Tensor([5.0])
    p = recorded(multiply, w, x)
    s = recorded(add, p, b)
    e = recorded(subtract, s, t)
    loss = recorded(multiply, e, e)
    return loss, dict(zip((w, x, p, b, s, t, e, loss), "wxpbsteL", strict=True))


# Plumbing for the picture: where each tensor stands, and what it has received so far.
SPOTS = dict(zip("wxpbsteL", [(0, 1), (0, 0), (1, 1), (1, 0), (2, 1), (2, 0), (3, 1), (4, 1)],
                 strict=True))
loss, names = small_loss()
arrived, arrows = {loss: np.ones(1, dtype=np.float32)}, []
for tensor in reversed(names):  # results first
    for k, other in enumerate(tensor._grad_fn.saved_tensors if tensor._grad_fn else ()):
        sent = tensor._grad_fn.apply(arrived[tensor])[k] if other.requires_grad else None
        arrows.append((other, tensor, sent, k and tensor is loss))
        if sent is not None:
            arrived[other] = arrived.get(other, 0) + sent
for other, tensor, sent, _ in arrows:
    back = "nothing: data" if sent is None else f"{sent[0]:g}"
    print(f"{names[other]} -> {names[tensor]}   goes back: {back}")

# %%
try:
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(figsize=(8, 2.6), layout="constrained")
    boxes = {}
    for tensor, name in names.items():
        kind = type(tensor._grad_fn).__name__ if tensor._grad_fn else "leaf"
        learns = tensor.requires_grad and tensor._grad_fn is None
        frame = {"boxstyle": "round", "facecolor": "tab:orange" if learns else "0.9"}
        boxes[tensor] = axes.text(*SPOTS[name], f"{name} = {tensor.data[0]:g}\n{kind}", fontsize=8,
                                  ha="center", va="center", bbox=frame)
    for other, tensor, sent, again in arrows:
        (x0, y0), (x1, y1) = SPOTS[names[other]], SPOTS[names[tensor]]
        axes.annotate("", (x1, y1), (x0, y0), arrowprops={
            "arrowstyle": "-|>", "connectionstyle": f"arc3,rad={0.5 if again else 0}",
            "patchA": boxes[other].get_bbox_patch(), "patchB": boxes[tensor].get_bbox_patch()})
        if sent is not None:
            axes.text((x0 + x1) / 2, (y0 + y1) / 2 + (-0.45 if again else 0.15), f"{sent[0]:g}",
                      color="tab:red", fontsize=9, ha="center")
    axes.set(xlim=(-0.5, 4.5), ylim=(-0.3, 1.4), title="Forward along the arrows, back in red")
    axes.set_axis_off()
    plt.show()
except ImportError:
    print("Without matplotlib you miss the picture of these arrows: e -> L is drawn twice.")

# %% [markdown]
r"""
Eight tensors, two of which can learn (orange), and between $e$ and $L$ two arrows: $e \cdot e$
uses it twice. On a **tree**, where every tensor is used once, your recursion is even the best you
can do. But a network is no tree. Results get used twice: a shortcut around a layer, a weight shared
by every position. Then the graph has **diamonds**:

```
          y3                    visits by recursion
         /  \
         \  /                   y3   1
          y2      y2 = y1 + y1  y2   2
         /  \                   y1   4
         \  /                   x    8
          y1                        --
         /  \                       15
         \  /
          x
```

In words: there is only one tensor per level, but each visit of a level sends two visits to the next
one below. Three levels, 15 visits.

**What will this print?** Four levels take 31 visits. How many take 14 levels? And how long would 60
levels take?
"""

# %%
for levels in (4, 8, 12, 14):
    y = Tensor([1.0], requires_grad=True)
    for _ in range(levels):
        y = recorded(add, y, y)
    began = time.perf_counter()
    visits = backward_by_recursion(y, np.ones(1, dtype=np.float32))
    seconds = time.perf_counter() - began
    print(f"{levels:3d} levels, {levels + 1:3d} tensors: {visits:6d} visits")
years = seconds / visits * 2**61 / 3600 / 24 / 365
print(f" 60 levels,  61 tensors: {2**61:.2g} visits; on your machine {years:,.0f} years")
y = Tensor([1.0], requires_grad=True)
for _ in range(20_000):
    y = recorded(negate, y)
try:
    backward_by_recursion(y, np.ones(1, dtype=np.float32))
except RecursionError as error:
    print("a chain of 20,000 operations: RecursionError:", str(error)[:32])

# %% [markdown]
r"""
Every level doubles the visits. And a long chain fails in another way: Python limits how deeply
calls may nest, to about a thousand unless told otherwise.

### A tempting repair, and why it is wrong

"Just visit every tensor once!" Remember who was visited, and do not go on from there a second time.
Fast, certainly. **What will this print?** At $x = 3$, what is the derivative of $(2x)(2x)$?
"""

# %%
def visit_once(tensor, gradient, seen):
    """The repair: pass a gradient on only when a tensor is reached for the first time."""
    if tensor._grad_fn is None:
        tensor.grad = Tensor((0 if tensor.grad is None else tensor.grad.data) + gradient)
    elif id(tensor) in seen:
        return
    else:
        seen.add(id(tensor))
        for parent, parent_gradient in input_gradients(tensor._grad_fn, gradient):
            visit_once(parent, parent_gradient, seen)


x = Tensor([3.0], requires_grad=True)
double = recorded(add, x, x)
visit_once(recorded(multiply, double, double), np.ones(1, dtype=np.float32), set())
print("visit_once says", x.grad.data, "; the derivative is 8x =", [24.0])

# %% [markdown]
r"""
That is half the truth. `double` was reached twice, but the second half of its gradient arrived
*after* it had passed on the first. It spoke too early.

So the condition is clear: **a tensor may pass its gradient on only when everybody it helped to
compute has reported.** Find an order of the tensors in which each one comes after all that it was
computed from, and walk it from the end: when a tensor's turn comes, all who used it have had
theirs, and its gradient is complete. One visit each. Such an order is called **topological**.

### Second attempt: an order first

A depth-first search finds it. Enter a tensor, deal with all its inputs, and only on the way *out*
write it down: then everything it depends on stands in the list already.

Recursion would do, but not for a chain of 10,000. So keep the stack yourself. The difficulty is the
way out: a plain stack forgets a tensor when it hands it over, but each tensor has to come by twice.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_topological_order", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def topological_order(root: Tensor) -> list[Tensor]:
    """The tensors that `root` was computed from and that require a gradient, inputs first.

    Every tensor stands in the list once, after all tensors it was computed from; `root` is the
    last. The time is linear in the number of recorded operations, and Python's recursion limit
    plays no role.

    Args:
        root: a tensor that requires a gradient. Its node is root._grad_fn, None for a leaf.
            (Tensors can be members of a set: each one is equal to itself only.)

    Raises:
        RuntimeError: part of the graph has been freed (Function.parents raises it).

    Example:
        for y = a * b, the list is [b, a, y] or [a, b, y]. For a leaf x it is [x].
    """
    ### BEGIN SOLUTION
    order: list[Tensor] = []
    seen: set[Tensor] = set()
    stack = [(root, False)]
    while stack:
        tensor, leaving = stack.pop()
        if leaving:
            order.append(tensor)
        elif tensor not in seen:
            seen.add(tensor)
            stack.append((tensor, True))
            if tensor._grad_fn is not None:
                stack.extend([(parent, False) for parent in tensor._grad_fn.parents()])
    return order
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* every tensor once and after its inputs, in tangled graphs too; linear work on
diamonds and on chains; a chain of 10,000; a freed graph.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_topological_order", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
@probe
def names_in_order(recipe, root):
    """Build tensors from a recipe {name: [input names]}; the names in topological order of root."""
    made = {}
    for name, inputs in recipe.items():
        made[name] = Tensor([1.0], requires_grad=not inputs and name != "data")
        if inputs:
            record(made[name], add, tuple(made[other] for other in inputs), {})
    name_of = {id(tensor): name for name, tensor in made.items()}
    return [name_of[id(tensor)] for tensor in topological_order(made[root])]


@probe
def order_of_a_ladder(levels, width):
    """y = y + ... + y (width times), `levels` times: [length, is each input before its result]."""
    made = [Tensor([1.0], requires_grad=True)]
    for _ in range(levels):
        result = Tensor([1.0])
        record(result, add, (made[-1],) * width, {})
        made.append(result)
    try:
        order = topological_order(made[-1])
    except RecursionError:
        return ["RecursionError", False]
    return [len(order), all(left is right for left, right in zip(order, made, strict=False))]


@probe
def work_for_a_diamond(levels):
    """How often parents() is asked for on a diamond: a measure of the work."""
    asked, original = [], Function.parents

    def counting(self):
        asked.append(1)
        return original(self)

    y = Tensor([1.0], requires_grad=True)
    for _ in range(levels):
        result = Tensor([1.0])
        record(result, add, (y, y), {})
        y = result
    Function.parents = counting
    try:
        topological_order(y)
    finally:
        Function.parents = original
    return len(asked)


@probe
def comparisons_in_a_chain(length, leaves):
    """How often two tensors, or two ids, are compared: a list is searched, a set is not.

    The chain is y = -y, or with leaves y = y + a leaf of its own.
    """
    compared = []

    class CountedId(int):
        def __eq__(self, other):
            compared.append(1)
            return int(self) == int(other)

        __hash__ = int.__hash__

    def same(self, other):
        compared.append(1)
        return self is other

    y = Tensor([1.0], requires_grad=True)
    for _ in range(length):
        result = Tensor([1.0])
        if leaves:
            record(result, add, (y, Tensor([1.0], requires_grad=True)), {})
        else:
            record(result, negate, (y,), {})
        y = result
    space = topological_order.__globals__
    Tensor.__eq__, Tensor.__hash__ = same, object.__hash__
    space["id"] = lambda thing: CountedId(id(thing))
    try:
        topological_order(y)
    finally:
        del Tensor.__eq__, Tensor.__hash__, space["id"]
    return len(compared)


@probe
def error_on_a_freed_graph():
    """topological_order where an inner node was released."""
    x, y, z = Tensor([1.0], requires_grad=True), Tensor([1.0]), Tensor([1.0])
    record(y, negate, (x,), {})
    record(z, negate, (y,), {})
    y._grad_fn.release()
    try:
        return len(topological_order(z))
    except Exception as error:
        return [type(error).__name__, "retain_graph" in str(error)]


def first_out_of_place(order, recipe):
    """The first name that stands before one of its own inputs; '' if there is none."""
    for position, name in enumerate(order):
        if any(other != "data" and other not in order[:position] for other in recipe[name]):
            return name
    return ""


def test_autograd_topological_order():
    """Every tensor once, after everything it was computed from, in linear time."""
    simple = {"a": [], "b": [], "y": ["a", "b"]}
    check.equal(sorted(names_in_order(simple, "y")), ["a", "b", "y"],
                given="y = a + b: the tensors in the order, sorted by name")
    check.equal(names_in_order(simple, "y")[-1:], ["y"],
                given="y = a + b: the last one",
                because="inputs come first, the root last")
    check.equal(names_in_order({"x": []}, "x"), ["x"], given="a leaf x")
    diamond = {"x": [], "left": ["x"], "right": ["left", "x"], "top": ["right", "left", "right"]}
    order = names_in_order(diamond, "top")
    check.equal(len(order), 4,
                given="how many tensors are in the order of top = right + left + right, right = "
                      "left + x, left = x",
                because="every tensor once")
    check.equal(first_out_of_place(order, diamond), "",
                given="the first of them that stands before its own input",
                because="a tensor comes after all it was computed from")
    other = {
        "x": [],
        "a": ["x"],
        "b": ["a"],
        "c": ["b", "a"],
        "d": ["x", "c"],
        "e": ["d", "b", "a", "x"],
    }
    for root, count in [("e", 6), ("d", 5), ("c", 4)]:
        order = names_in_order(other, root)
        check.equal([len(order), first_out_of_place(order, other)], [count, ""],
                    given="a made of x, b of a, c of b and a, d of x and c, e of d, b, a and x; "
                          f"root {root}: [length, first one that stands before its input]",
                    because="one tensor is reached by short and by long ways: it is marked as seen "
                            "when it is entered (not when it is pushed), and written down when it "
                            "is left")
    check.equal(sorted(names_in_order({"data": [], "w": [], "y": ["data", "w"]}, "y")), ["w", "y"],
                given="y = data + w, where data requires no gradient",
                because="nothing has to be sent there")
    check.equal(order_of_a_ladder(3, 2), [4, True], given="y = y + y, 3 times: [length, in order]")
    check.equal(order_of_a_ladder(60, 2), [61, True],
                given="y = y + y, 60 times: [length, in order]",
                because="61 tensors, not 2 to the power 60 visits")
    check.equal(order_of_a_ladder(10000, 1), [10001, True],
                given="a chain of 10,000: [length, in order]",
                because="the stack is a list, so Python's recursion limit does not matter")
    check.true(work_for_a_diamond(20) <= 60,
               given="y = y + y, 20 times: parents() is called at most 60 times",
               because="each node is opened once, not once per way that leads to it")
    check.true(comparisons_in_a_chain(300, False) <= 3000,
               given="a chain of 300: tensors (or ids) are compared at most 3,000 times",
               because="`in` goes through a list one by one, which makes the time quadratic; a "
                       "set looks in one place")
    check.true(comparisons_in_a_chain(300, True) <= 3000,
               given="y = y + a new leaf, 300 times: tensors (or ids) are compared at most 3,000 "
                     "times",
               because="the list of what is written down grows all the time, and `in` goes "
                       "through it one by one; a set looks in one place")
    check.equal(error_on_a_freed_graph(), ["RuntimeError", True],
                given="a graph with a freed node: [error, does it mention retain_graph]")


test_autograd_topological_order()

# %% [markdown]
r"""
Your stack, or one like it, whose entries are pairs `(tensor, leaving)`, on $y = a \cdot b$:

```
 stack (top on the right)                     order
 [ (y, False) ]                               []
 [ (y, True) (a, False) (b, False) ]          []
 [ (y, True) (a, False) (b, True) ]           []
 [ (y, True) (a, False) ]                     [b]
 [ (y, True) (a, True) ]                      [b]
 [ (y, True) ]                                [b, a]
 []                                           [b, a, y]
```

In words: what recursion does on the way out becomes a second entry of the same tensor, which waits
below its inputs until they are done.

### Where it ends: who owns the array?

A gradient that reaches a leaf is stored in `leaf.grad`, as a Tensor. If there is one already, from
an earlier `backward()`, the two are added: gradients **accumulate** until somebody resets them.
That is what lets you process a large batch in four pieces.

Adding makes a new array. The first arrival is more delicate: storing the array as it is costs
nothing, copying it costs time for every weight matrix in every step. So just keep it? **What will
this print?** One gradient is halved; what does the other one say?
"""

# %%
a, b = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
for leaf, arriving in zip((a, b), AddBackward(a, b).apply(np.float32([8, 8])), strict=True):
    leaf.grad = Tensor(arriving)  # kept as it came
a.grad.data *= 0.5
print("a.grad", a.grad.data, "  b.grad", b.grad.data)

# %% [markdown]
r"""
Both were halved, for both hold the *same array*: the rule of $a + b$ hands its $G$ to either side.

```
 a.grad ---\
            +---> one array [8, 8]
 b.grad ---/
```

In words: two names, one piece of memory; whoever changes it through one name changes it for both.

This is **aliasing**, and it produces the bugs that are found last. An array is safe to keep if
nobody else can reach its memory. There are two cases where something else can:

- It is a **view** of another array (transposes, slices, broadcasts). NumPy tells you: `array.base`
  is then not None.
- The very same object **has been handed out** already in this pass, to another leaf, or it is the
  gradient the caller passed in. The set `taken` keeps the ids of such arrays.

In both cases, copy. In all others, keep: a fresh product of two matrices becomes the gradient of a
weight with no copy at all.

Only leaves keep their gradient. An intermediate result's gradient is needed for the moment between
its last arrival and its rule; storing it would hold as much memory as the whole forward pass.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_accumulate", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def accumulate(leaf: Tensor, gradient: np.ndarray, taken: set[int]) -> None:
    """Add `gradient` to what `leaf` has collected, so that leaf.grad shares no memory with others.

    Args:
        leaf: its grad is None, or what earlier passes left there: a Tensor, or an ndarray that
            somebody assigned (np.asarray reads both).
        gradient: complete for this pass, of the leaf's shape. Never changed in place.
        taken: ids of arrays that belong to somebody else. The id of the array that ends up in
            leaf.grad is added to it.

    Afterwards leaf.grad is a Tensor that holds the old gradient, if there was one, plus this one.
    The old array is as it was. A first gradient is kept without a copy wherever that is safe: where
    it is no view, and not in `taken`. (Tensor(array) makes no copy of a float32 array.)
    """
    ### BEGIN SOLUTION
    if leaf.grad is not None:
        gradient = np.asarray(leaf.grad) + gradient
    elif gradient.base is not None or id(gradient) in taken:
        gradient = gradient.copy()
    taken.add(id(gradient))
    leaf.grad = Tensor(gradient)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* which arrivals are kept, copied or added, and that nothing shares memory or is
changed in place.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_accumulate", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@probe
def arrivals():
    """What happens to arrays that arrive at leaves in different ways."""
    fresh, passed = np.float32([1, 2, 3, 4]), np.float32([5, 6, 7, 8])
    a, b, c, d = (Tensor(np.zeros(4), requires_grad=True) for _ in range(4))
    taken = {id(passed)}
    accumulate(a, fresh, taken)
    accumulate(b, fresh, taken)
    accumulate(c, fresh[::-1], taken)
    accumulate(d, passed, taken)
    grads = {"first": a.grad, "same array": b.grad, "view": c.grad, "caller's": d.grad}
    return {
        "values": {name: grad.data.tolist() for name, grad in grads.items()},
        "first kept": a.grad.data is fresh,
        "shared": [
            name
            for name, grad in grads.items()
            if name != "first"
            and (np.shares_memory(grad.data, fresh) or np.shares_memory(grad.data, passed))
        ],
        "is a Tensor": all(isinstance(grad, Tensor) for grad in grads.values()),
        "ids": id(a.grad.data) in taken and id(b.grad.data) in taken and id(c.grad.data) in taken,
        "requires": a.grad.requires_grad,
    }


@probe
def second_arrival(earlier_is_array):
    """A gradient arrives where one is stored already; also the two arrays, afterwards."""
    leaf, earlier, later = (
        Tensor(np.zeros(2), requires_grad=True),
        np.float32([1, 2]),
        np.float32([10, 20]),
    )
    leaf.grad = earlier if earlier_is_array else Tensor(earlier)
    accumulate(leaf, later, set())
    return [
        type(leaf.grad).__name__,
        np.asarray(leaf.grad).tolist(),
        earlier.tolist(),
        later.tolist(),
        bool(np.shares_memory(leaf.grad.data, later)),
    ]


def test_autograd_accumulate():
    """Sums are new arrays; a first arrival is kept where that is safe, and copied elsewhere."""
    seen = arrivals()
    check.equal(
        seen["values"],
        {
            "first": [1.0, 2.0, 3.0, 4.0],
            "same array": [1.0, 2.0, 3.0, 4.0],
            "view": [4.0, 3.0, 2.0, 1.0],
            "caller's": [5.0, 6.0, 7.0, 8.0],
        },
        given="gradients of four leaves after a fresh array, the same array again, a view "
        "of it, and the caller's array arrived",
    )
    check.equal(seen["shared"], [],
                given="which of the later three share memory with the arrays that arrived",
                because="an array that somebody else can reach has to be copied")
    check.equal(seen["first kept"], True,
                given="is the fresh array itself stored, without a copy",
                because="nobody else can reach it, so a copy would be wasted")
    check.equal([seen["is a Tensor"], seen["requires"]], [True, False],
                given="is every grad a Tensor; does a grad require a gradient itself")
    check.equal(seen["ids"], True, given="are the ids of the stored arrays in `taken`")
    for is_array, what in [(False, "a Tensor"), (True, "an ndarray")]:
        kind, total, earlier, later, shared = second_arrival(is_array)
        check.equal([kind, total], ["Tensor", [11.0, 22.0]],
                    given=f"leaf.grad is {what} with [1, 2] when [10, 20] arrives",
                    because="gradients accumulate")
        check.equal([earlier, later, shared], [[1.0, 2.0], [10.0, 20.0], False],
                    given=f"the old ({what}) and the arriving array afterwards; do they share "
                          "memory with the sum",
                    because="the sum is a new array, nothing is changed in place")


test_autograd_accumulate()

# %% [markdown]
r"""
### Third attempt: the real thing

Everything is in place: where to start, in which order, how to apply a rule, where to end.
`backward` puts it together. It keeps a dictionary `pending`: for each tensor not yet reached, the
sum of the gradients that have arrived so far. Take the tensors from the **end** of the topological
order; when a tensor's turn comes, its entry in `pending` is complete.

Walk through the loss drawn above. Cover the last column, and fill it in yourself:

| turn | tensor | arrived | its rule sends | `pending` afterwards |
|---|---|---|---|---|
| 1 | $L = e \cdot e$ | 1 | to $e$: 2, and once more 2 | $e$: 4 |
| 2 | $e = s - t$ | 4 | to $s$: 4 (to $t$ nothing: data) | $s$: 4 |
| 3 | $s = p + b$ | 4 | to $p$: 4, to $b$: 4 | $p$: 4, $b$: 4 |
| 4 | $p = w \cdot x$ | 4 | to $w$: $4 \cdot 3$ (to $x$ nothing: data) | $b$: 4, $w$: 12 |
| 5 | $w$, a leaf | 12 | nothing: `w.grad` = 12 | $b$: 4 |
| 6 | $b$, a leaf | 4 | nothing: `b.grad` = 4 | empty |

Your order may take $b$ before $p$; both are topological.

Turn 2 is the one that `visit_once` got wrong: $e$ has to wait until both arrivals are in.

**Free memory along the way.** If you *pop* tensors out of the order instead of looping over it, the
list does not keep them alive. A tensor that is out of the list (and out of `pending`) and whose
node is released has no references left, and its memory is freed while the pass is still running.
(Local names count too: the tensor whose turn it is lives on until the name gets the next one.) That
is also why a graph is good for **one** backward pass, unless you ask for more with
`retain_graph=True`. A released node stays where it is, empty, and `parents()` recognises it. Had it
been removed instead, the tensor would look like a leaf, and a second `backward()` would quietly do
the wrong thing.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def backward(self: Tensor, gradient=None, retain_graph: bool = False) -> None:
    """Compute the gradient of this tensor with respect to every leaf it was computed from.

    The gradients are added to the leaves' `grad` (see accumulate). Intermediate results keep
    none. Each node's rule is applied once at most, when its gradient is complete, and not at all
    if nothing arrived (rules on the way may return None). Arriving gradients are never changed
    in place. Unless retain_graph is True, every node is released, and a tensor that has had its
    turn is no longer kept alive here.

    Args:
        gradient: the gradient of the final result with respect to this tensor; may be None if
            this tensor has one element (it is 1 then). The array may be the caller's own.
        retain_graph: keep the graph, so that another backward() can run through it.

    Raises:
        ValueError, RuntimeError: see initial_gradient and topological_order. No gradient has
            been changed then.

    Example:
        x = Tensor([3.0], requires_grad=True); y = x * x + x; y.backward(); x.grad holds [7.0].
    """
    ### BEGIN SOLUTION
    start = initial_gradient(self, gradient)
    order = topological_order(self)
    pending = {self: start}
    taken = {id(start)}
    while order:
        tensor = order.pop()
        node, arrived = tensor._grad_fn, pending.pop(tensor, None)
        if node is None:
            if arrived is not None:
                accumulate(tensor, arrived, taken)
            continue
        if arrived is not None:
            for parent, grad in input_gradients(node, arrived):
                pending[parent] = pending[parent] + grad if parent in pending else grad
        if not retain_graph:
            node.release()
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* expressions, diamonds and chains; accumulation; who owns the memory and when it
is freed; errors; one rule application per node.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_backward", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
@probe
def ladder(levels, width, retain):
    """y = (y + ... + y) / width, `levels` times; [gradient, nodes left, grads inside]."""
    x = Tensor([1.0], requires_grad=True)
    y, made = x, []
    for _ in range(levels):
        result, scaled = Tensor(y.data), Tensor(y.data / width)
        record(scaled, divide, (y, Tensor([float(width)])), {})
        if width == 1:
            record(result, negate, (scaled,), {})
        else:
            record(result, add, (scaled, scaled), {})
        y = result
        made += [scaled, result]
    backward(y, retain_graph=retain)
    kept = sum(tensor._grad_fn.saved_tensors is not None for tensor in made)
    return [float(x.grad.data[0]), kept, sum(tensor.grad is not None for tensor in made)]


@probe
def memory_of_two_leaves():
    """y = a + b, with the caller's gradient: which arrays share memory afterwards?"""
    a, b, y = (
        Tensor([1.0, 2.0], requires_grad=True),
        Tensor([3.0, 4.0], requires_grad=True),
        Tensor([4.0, 6.0]),
    )
    record(y, add, (a, b), {})
    gradient = np.float32([1.0, 10.0])
    backward(y, gradient)
    pairs = [(a.grad.data, b.grad.data), (a.grad.data, gradient), (b.grad.data, gradient)]
    return [bool(np.shares_memory(left, right)) for left, right in pairs]


@probe
def gradient_argument_afterwards():
    """y = x * x + x with the caller's gradient: the argument after the pass, and x.grad."""
    x, square, y = Tensor([3.0], requires_grad=True), Tensor([9.0]), Tensor([12.0])
    record(square, multiply, (x, x), {})
    record(y, add, (square, x), {})
    gradient = np.float32([10.0])
    backward(y, gradient)
    return [gradient.tolist(), x.grad.data.tolist()]


@probe
def rule_applications(levels):
    """How many rules a backward pass through y = y + y, `levels` times, applies."""
    applied = []

    class Counting(Function):
        def apply(self, grad_output):
            applied.append(1)
            return grad_output, grad_output

    y = Tensor([1.0], requires_grad=True)
    for _ in range(levels):
        result = Tensor([1.0])
        result.requires_grad, result._grad_fn = True, Counting(y, y)
        y = result
    backward(y)
    return len(applied)


@probe
def pass_with_a_blocked_way():
    """y = a + blocked(-b): the rule of `blocked` returns None. [a.grad, b.grad, nodes freed]"""

    class Blocked(Function):
        def apply(self, grad_output):
            return (None,)

    a, b = Tensor([1.0], requires_grad=True), Tensor([1.0], requires_grad=True)
    below, middle, y = Tensor([-1.0]), Tensor([1.0]), Tensor([2.0])
    record(below, negate, (b,), {})
    middle.requires_grad, middle._grad_fn = True, Blocked(below)
    record(y, add, (a, middle), {})
    backward(y)
    freed = [tensor._grad_fn.saved_tensors is None for tensor in (below, middle, y)]
    return [a.grad.data.tolist(), b.grad, freed]


@probe
def freed_on_the_way():
    """y = f(-(-x)): is -(-x) out of memory by the time the rule of the first minus is applied?"""
    seen = []

    class Looking(Function):
        def apply(self, grad_output):
            seen.append(upper() is None)
            return (grad_output,)

    x, first, second, y = (Tensor([1.0], requires_grad=True) for _ in range(4))
    first._grad_fn = Looking(x)
    record(second, negate, (first,), {})
    record(y, negate, (second,), {})
    upper = weakref.ref(second)
    del first, second
    backward(y)
    return seen


def test_autograd_backward():
    """Gradients of expressions, accumulation, freeing, errors, chains and diamonds."""
    x = Tensor([3.0], requires_grad=True)
    y = recorded(add, recorded(multiply, x, x), x)
    backward(y)
    check.close(x.grad, [7.0],
                given="y = x * x + x at x = 3: x.grad after backward(y)",
                because="2 x + 1, collected in three ways")
    backward(recorded(multiply, x, Tensor([5.0])))
    check.close(x.grad, [12.0],
                given="then backward of 5 x: x.grad",
                because="gradients accumulate over passes: 7 + 5")
    x.grad = None
    backward(recorded(add, recorded(multiply, x, x), x), [10.0])
    check.close(x.grad, [70.0],
                given="y = x * x + x at x = 3, with gradient [10]: x.grad",
                because="the pass starts from the gradient that was given: 10 times 7")
    x = Tensor([3.0], requires_grad=True)
    double = recorded(add, x, x)
    backward(recorded(multiply, double, double))
    check.close(x.grad, [24.0],
                given="y = (x + x) * (x + x) at x = 3: x.grad",
                because="8 x; a tensor passes its gradient on when it is complete, not before")
    x.grad = None
    half = recorded(multiply, x, Tensor([0.5]))
    left = recorded(multiply, half, half)
    backward(recorded(subtract, recorded(multiply, left, half), recorded(negate, half)))
    check.close(x.grad, [3.875],
                given="h = x / 2, y = h * h * h + h at x = 3: x.grad",
                because="(3 h * h + 1) / 2 with h = 1.5")
    check.equal([half.grad is None, left.grad is None], [True, True],
                given="is the grad of the intermediate results None",
                because="only leaves keep a gradient")
    matrix, bias = (
        Tensor(np.ones((2, 3)), requires_grad=True),
        Tensor(np.zeros(3), requires_grad=True),
    )
    backward(recorded(add, matrix, bias), [[1, 2, 3], [10, 20, 30]])
    check.close(bias.grad, [11.0, 22.0, 33.0],
                given="backward of matrix + bias with gradient [[1, 2, 3], [10, 20, 30]]: "
                      "bias.grad",
                because="broadcasting is undone")
    check.close(matrix.grad, [[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]], given="the same: matrix.grad")
    check.equal(memory_of_two_leaves(), [False, False, False],
                given="y = a + b with a gradient: do a.grad and b.grad, a.grad and the argument, "
                      "b.grad and the argument share memory",
                because="each leaf owns its gradient")
    check.equal(gradient_argument_afterwards(), [[10.0], [70.0]],
                given="y = x * x + x at 3 with gradient [10]: the argument afterwards, and x.grad",
                because="arriving gradients are added in a new array: the old one may belong to "
                        "somebody else")
    w = Tensor([2.0], requires_grad=True)
    backward(w)
    check.close(w.grad, [1.0], given="backward of a leaf: its own grad")
    data = Tensor([3.0])
    backward(recorded(multiply, w, data))
    check.equal(data.grad is None, True,
                given="backward of w * data: is data.grad None",
                because="data requires no gradient")
    w.grad = None
    backward(recorded(multiply, data, w))
    check.equal(w.grad is None, False, given="backward of data * w: is w.grad None",
                because="w is the second input, and the second entry of what the rule returns is "
                        "its gradient")
    check.close(w.grad, [3.0], given="backward of data * w, data = 3: w.grad")
    y = recorded(multiply, w, w)
    w.grad = None
    backward(y, retain_graph=True)
    backward(y)
    check.close(w.grad, [8.0],
                given="y = w * w at 2: backward with retain_graph=True, then backward again: "
                      "w.grad",
                because="4 + 4: the kept graph can be used again")
    check.raises(RuntimeError, lambda: backward(y),
                 given="a third backward", mentions=["retain_graph"],
                 because="without retain_graph the pass releases the nodes, and they stay where "
                         "they are, empty: a tensor without a node would look like a leaf")
    check.close(w.grad, [8.0],
                given="w.grad after that error",
                because="a pass that fails at the start changes no gradient")
    check.raises(ValueError, lambda: backward(Tensor(np.ones((2, 3)), requires_grad=True)),
                 given="backward of a (2, 3) tensor without a gradient", mentions=["(2, 3)"])
    check.raises(RuntimeError, lambda: backward(Tensor([1.0])),
                 given="backward of a tensor that requires no gradient", mentions=["requires_grad"])
    check.equal(rule_applications(20), 20,
                given="how many rules are applied for y = y + y, 20 times",
                because="each node once, when its gradient is complete")
    check.equal(ladder(60, 2, False), [1.0, 0, 0],
                given="60 diamonds: [gradient of x, nodes still holding memory, intermediate "
                      "grads]")
    check.equal(ladder(60, 2, True), [1.0, 120, 0],
                given="60 diamonds with retain_graph=True: [gradient of x, nodes still holding "
                      "memory, intermediate grads]")
    check.equal(ladder(5000, 1, False), [1.0, 0, 0],
                given="a chain of 10,000 operations: [gradient of x, nodes still holding memory, "
                      "intermediate grads]")
    check.equal(freed_on_the_way(), [True],
                given="y = f(g(x)): is f's input out of memory when the rule of g is applied",
                because="popped out of the order and of pending, its node released, nothing refers "
                        "to it any more")
    check.equal(pass_with_a_blocked_way(), [[1.0], None, [True] * 3],
                given="y = a + f(-b), where the rule of f returns None: [a.grad, b.grad, are the "
                      "nodes of -b, f and y freed]",
                because="no gradient flows there, and the nodes are freed all the same")


test_autograd_backward()

# %% [markdown]
"""
Does it agree with the table? And the 60 levels that no machine would have finished? **What will
this print?**
"""

# %%
loss, names = small_loss()
backward(loss)
print({name: float(leaf.grad.data[0]) for leaf, name in names.items() if leaf.grad is not None})
x = Tensor([1.0], requires_grad=True)
y = x
for _ in range(60):
    y = recorded(add, y, y)
began = time.perf_counter()
backward(y)
milliseconds_taken = 1000 * (time.perf_counter() - began)
print(f"60 levels: gradient 2 to the power {np.log2(x.grad.data[0]):.0f}, on your machine "
      f"{milliseconds_taken:.1f} ms")

# %% [markdown]
r"""
## Part 6: Switch it on

One function connects your engine to the Tensor class: it puts `record` behind the seam, and
replaces the `backward` that has done nothing since Module 01. (After `tito module complete 05`,
`import tinytorch` calls it for you.)

Putting a function into somebody else's class from outside is called **monkey-patching**, and it has
a bad name for good reasons: a reader of Module 01's `Tensor` cannot see where `backward` comes
from. Question 2 asks what goes wrong when a patch *replaces code*; yours only fills three places
that were left open for it.

PyTorch knows the other way too. Until version 0.4 (April 2018) one wrapped tensors in a second
class, `Variable(tensor)`, and half the questions in the forums were about what had to be wrapped.
Since then every tensor has `requires_grad`, asleep until needed, just like yours from its first
day.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_enable", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def zero_grad(self: Tensor) -> None:
    """Forget the gradient collected so far: grad is None again, and takes no memory."""
    self.grad = None


def enable_autograd(quiet: bool = False) -> None:
    """Switch on automatic differentiation for all tensors.

    It sets `Tensor._record`, `Tensor.backward` and `Tensor.zero_grad` to the functions of this
    file, every time it is called: afterwards each operation is reported to `record`, and tensors
    have the two methods. A second call does no harm (and prints again, unless quiet).

    Tensor._record is called as Tensor._record(output, ...), never with a tensor as self: it has
    to stay a plain function, which is what staticmethod(...) is for.

    Args:
        quiet: False prints one line that contains "Autograd is on"; True prints nothing.
    """
    ### BEGIN SOLUTION
    Tensor._record = staticmethod(record)
    Tensor.backward = backward
    Tensor.zero_grad = zero_grad
    if not quiet:
        print("Autograd is on: operations are recorded, and backward() computes gradients.")
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* what is installed, that a second call changes nothing, and what is printed.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_enable", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@probe
def state_after_enabling(times):
    """What is installed in Tensor, and what was printed."""
    names = ("_record", "backward", "zero_grad")
    before = {name: Tensor.__dict__.get(name) for name in names}
    space, printed = enable_autograd.__globals__, []
    space["print"] = lambda *words, **_: printed.append(" ".join(map(str, words)))
    try:
        for _ in range(times):
            enable_autograd(quiet=True)
        silent = list(printed)
        enable_autograd()
        installed = [
            Tensor._record is record,
            Tensor(0.0)._record is record,
            Tensor.backward is backward,
            Tensor.zero_grad is zero_grad,
        ]
        x = Tensor([3.0], requires_grad=True)
        y = x * x
        y.backward()
        first = x.grad.data.tolist()
        x.zero_grad()
    finally:
        del space["print"]
        for name, value in before.items():
            if value is not None:
                setattr(Tensor, name, value)
    return {
        "installed": installed,
        "gradient": first,
        "after zero_grad": x.grad,
        "quiet": silent,
        "loud": printed[len(silent) :],
    }


def test_autograd_enable():
    """The engine is installed, works through ordinary expressions, and speaks when asked to."""
    for times in (1, 2):
        seen = state_after_enabling(times)
        check.equal(seen["installed"], [True, True, True, True],
                    given=f"enable_autograd(), {times + 1} times: is Tensor._record your record "
                          "(also seen from a tensor), Tensor.backward your backward, "
                          "Tensor.zero_grad your zero_grad")
        check.equal(seen["gradient"], [6.0],
                    given="x * x at 3, then y.backward(): x.grad",
                    because="2 x; and twice enabled does not count twice")
        check.equal(seen["after zero_grad"], None, given="x.grad after x.zero_grad()")
        check.equal([seen["quiet"], len(seen["loud"])], [[], 1],
                    given="what enable_autograd(quiet=True) prints, and how many lines "
                          "enable_autograd() prints")
        check.true("autograd is on" in seen["loud"][0].lower(),
                   given="does the line that enable_autograd() prints contain 'autograd is on'",
                   because="without quiet, it says that it is on")


test_autograd_enable()

# %%
enable_autograd()

x = Tensor([2.0, -1.0, 0.5], requires_grad=True)
y = (3 * x - 1) / (x * x + 1)
y.backward(np.ones(3))
print("gradient of (3x - 1) / (x^2 + 1):     ", x.grad.data)
print("by hand, (3 + 2x - 3x^2) / (x^2 + 1)^2:",
      (3 + 2 * x.data - 3 * x.data**2) / (x.data**2 + 1) ** 2)

# %% [markdown]
r"""
### Trust, but measure

You now have two ways to a gradient: the slow one that cannot be wrong and the fast one that can.
Put them side by side, and you have a tool that tests every rule you will ever write.

One difficulty: `f` may have several outputs, and a gradient needs one number. So add the outputs
up? Try it with a softmax, whose rule you do not have yet. **What will this print?** What does the
sum of all probabilities do when a score rises?
"""

# %%
scores = Tensor([0.5, 1.0, -1.0])
with no_grad():
    of_the_sum = numerical_gradient(lambda s: compute(softmax, s, dim=-1).sum(), scores)
    of_the_first = numerical_gradient(lambda s: compute(softmax, s, dim=-1)[0], scores)
print("gradient of the sum of the probabilities:", of_the_sum.round(3) + 0)
print("gradient of the first probability:       ", of_the_first.round(3))

# %% [markdown]
r"""
The probabilities sum to 1 whatever happens: the gradient of their sum is zero, and a rule that
always returns zero would pass. So give each output a random weight, $L = \sum_j w_j\, f_j(x)$. To
start the backward pass, that means passing the weights as the initial gradient.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_check_gradients", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def check_gradients(
    f: Callable, *inputs: Tensor, eps: float = 1e-2, rtol: float = 1e-2, atol: float = 1e-3
) -> float:
    """Compare the gradients of backward() with measured ones, for all inputs that require one.

    Both are gradients of the sum of all outputs, each multiplied by a weight of its own:
    np.random.default_rng(0).standard_normal(output.shape). One comes from output.backward(...) or
    backward(output, ...): either will do. The sum for the measured one is added up in float64 (the
    weights' dtype), and f runs inside no_grad() for it.

    Args:
        f: called as f(*inputs), returns a Tensor of any shape. It must give the same result each
            time (no random numbers).
        inputs: tensors. Each one's grad is reset first, and holds the gradient found by
            backward() afterwards; one that received none counts as zeros. Inputs without
            requires_grad are not checked.
        eps: the step of numerical_gradient (which moves x in place).
        rtol, atol: a difference of more than atol + rtol * |measured| is an error, and so is NaN.

    Returns:
        The largest difference found, as a Python float. 0.0 if there is nothing to check: no
        input requires a gradient, or those that do have no entries. (array.max(initial=0.0) is
        0.0 for an empty array.)

    Raises:
        AssertionError: some entry differs too much. The message names the number of the input
            ("input 1" is the second one), and for the first such entry its index (a tuple of
            Python's integers, such as "(1, 1)"), what backward() says and what was measured.
        RuntimeError: from backward(), if an input requires a gradient and the output does not.
    """
    ### BEGIN SOLUTION
    for x in inputs:
        x.grad = None
    if not any([x.requires_grad for x in inputs]):
        return 0.0
    output = f(*inputs)
    weights = np.random.default_rng(0).standard_normal(output.shape)
    output.backward(weights)

    def weighted(_: Tensor) -> float:
        with no_grad():
            return float(np.sum(weights * f(*inputs).data))

    largest = 0.0
    for i, x in enumerate(inputs):
        if not x.requires_grad:
            continue
        measured = numerical_gradient(weighted, x, eps)
        found = np.zeros(x.shape) if x.grad is None else np.asarray(x.grad)
        difference = np.abs(found - measured)
        wrong = ~(difference <= atol + rtol * np.abs(measured))  # true for NaN as well
        if wrong.any():
            place = tuple(np.argwhere(wrong)[0].tolist())
            raise AssertionError(
                f"input {i} at {place}: backward() says {found[place]:.6g}, but measured is "
                f"{measured[place]:.6g}"
            )
        largest = max(largest, float(difference.max(initial=0.0)))
    return largest
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* right rules pass, wrong ones are named by input and entry, outputs that cancel do
not hide a mistake, tolerances and eps are used, nothing is recorded while measuring.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_check_gradients", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def error_naming(words):
    """What is expected of an error's message."""
    return f"AssertionError that names {' and '.join(words)}"


@probe
def verdict_on(case, words=()):
    """check_gradients of a right or wrong rule: its result, or its error and what that names."""
    enable_autograd(quiet=True)

    def triple(x):
        return 3 * x

    class TripleBackward(Function):
        def apply(self, g):
            if case == "wrong in two entries":
                return (g * np.float32([[3, 2], [3, 0]]),)
            if case == "wrong in one entry":
                return (g * np.float32([[3, 3], [3, 2]]),)
            return {
                "right": (3 * g,),
                "factor": (2 * g,),
                "missing": (None,),
                "small": (3.01 * g,),
                "NaN": (np.nan * g,),
            }[case]

    backward_rule(triple)(TripleBackward)
    data = Tensor([[1.0, 1.0], [1.0, 1.0]])
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    before = x.data.tolist()
    try:
        largest = check_gradients(lambda d, t: compute(triple, t) + d, data, x)
    except AssertionError as error:
        missing = [word for word in words if word not in str(error)]
        return (f"AssertionError: {error}" if missing or not words
                else f"AssertionError that names {' and '.join(words)}")
    finally:
        del RULES["triple"]
    return [
        type(largest).__name__,
        0 < largest < 0.05,
        x.data.tolist() == before,
        x.grad is not None,
        data.grad,
    ]


@probe
def gradient_found(old):
    """x.grad after check_gradients of 3 x, where it held `old` before; any difference will do."""
    enable_autograd(quiet=True)
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    x.grad = Tensor(np.full((2, 2), old))
    check_gradients(lambda t: t * 3, x, atol=1e6)
    return x.grad.data


@probe
def large_values():
    """check_gradients of x + 0 at numbers near 100,000: "passed", or the kind of error."""
    enable_autograd(quiet=True)
    try:
        check_gradients(lambda t: t + 0, Tensor([100000.0, 90000.0, 70000.0], requires_grad=True))
    except AssertionError:
        return "AssertionError"
    return "passed"


@probe
def two_inputs(first, second):
    """y = 3 a + 3 b, whose rule returns `first`, `second` times G: the result, or who is named."""
    enable_autograd(quiet=True)

    def both(a, b):
        return 3 * a + 3 * b

    class BothBackward(Function):
        def apply(self, g):
            return first * g, second * g

    backward_rule(both)(BothBackward)
    try:
        largest = check_gradients(
            lambda a, b: compute(both, a, b),
            Tensor([1.0], requires_grad=True),
            Tensor([2.0], requires_grad=True),
        )
    except AssertionError as error:
        return [name for name in ("input 0", "input 1") if name in str(error)]
    finally:
        del RULES["both"]
    return largest


@probe
def outputs_that_cancel():
    """f = (x, -x) has outputs that sum to zero. A rule that returns zero must not pass."""
    enable_autograd(quiet=True)

    def both(x):
        return np.stack([x, -x])

    class BothBackward(Function):
        def apply(self, g):
            return (0 * g[0],)

    backward_rule(both)(BothBackward)
    try:
        check_gradients(lambda t: compute(both, t), Tensor([1.0, 2.0], requires_grad=True))
    except AssertionError:
        return "AssertionError"
    finally:
        del RULES["both"]
    return "passed"


@probe
def tolerances(rtol, atol, factor=303):
    """y = 300 x, whose rule returns `factor` times G, with these tolerances."""
    enable_autograd(quiet=True)

    def much(x):
        return 300 * x

    class MuchBackward(Function):
        def apply(self, g):
            return (factor * g,)

    backward_rule(much)(MuchBackward)
    try:
        check_gradients(
            lambda t: compute(much, t), Tensor([1.0], requires_grad=True), rtol=rtol, atol=atol
        )
    except AssertionError:
        return "AssertionError"
    finally:
        del RULES["much"]
    return "passed"


@probe
def step_in_use():
    """x * x - 1 / x with eps=0.125: does it pass, and at which places was it evaluated?"""
    enable_autograd(quiet=True)
    x = Tensor([1.0, 2.0], requires_grad=True)
    steps, recorded_at = [], []

    def f(t):
        steps.append(round(float(t.data[0]), 3))
        if grad_mode.enabled:
            recorded_at.append(steps[-1])
        return t * t - 1 / t

    return [
        check_gradients(f, x, eps=0.125) < 0.05,
        1.125 in steps,
        0.875 in steps,
        np.round(x.grad.data / np.random.default_rng(0).standard_normal(2), 3).tolist(),
        recorded_at,
    ]


@probe
def nothing_to_check():
    """No input requires a gradient."""
    enable_autograd(quiet=True)
    largest = check_gradients(lambda t: t + t, Tensor([1.0, 2.0]))
    return [type(largest).__name__, largest]


@probe
def exact_and_empty():
    """The results where both gradients are exactly 0, without any tolerance; and for no entries."""
    enable_autograd(quiet=True)
    zero = check_gradients(
        lambda t: t * 0, Tensor([1.0, 2.0], requires_grad=True), atol=0.0, rtol=0.0
    )
    return [zero, check_gradients(lambda t: t * 2, Tensor(np.zeros((0, 3)), requires_grad=True))]


def test_autograd_check_gradients():
    """Right rules pass, wrong or missing ones are reported with the input's number."""
    check.close(gradient_found(100.0), 3 * np.random.default_rng(0).standard_normal((2, 2)),
                rtol=1e-4, given="y = 3 x, where x.grad holds [[100, 100], [100, 100]] from "
                                 "before: x.grad afterwards",
                because="each input's grad is reset first: what another pass left there is no "
                        "part of this gradient. What remains is 3 times the weights")
    check.equal(verdict_on("right"), ["float", True, True, True, None],
                given="y = 3 x + data with the right rule: [type of result, small and not 0, x "
                      "unchanged, x has a grad, data.grad]")
    for case, what in [
        ("factor", "returns 2 G instead of 3 G"),
        ("missing", "returns None"),
        ("NaN", "returns NaN"),
        ("wrong in one entry", "is wrong in entry (1, 1) only"),
    ]:
        check.equal(verdict_on(case, ["input 1"]), error_naming(["input 1"]),
                    given=f"y = 3 x + data, where the rule of 3 x {what}",
                    because="x is input 1, and its gradient is wrong")
    check.equal(verdict_on("wrong in one entry", ["input 1", "(1, 1)"]),
                error_naming(["input 1", "(1, 1)"]),
                given="y = 3 x + data, where the rule of 3 x is wrong in entry (1, 1) only",
                because="the message names the entry as a tuple of plain integers: NumPy's own "
                        "print as np.int64(1), and .tolist() turns them into Python's")
    check.equal(verdict_on("wrong in two entries", ["input 1", "(0, 1)"]),
                error_naming(["input 1", "(0, 1)"]),
                given="y = 3 x + data, where the rule of 3 x is wrong in (0, 1) and, by more, in "
                      "(1, 1)",
                because="the first wrong entry is named, not the one that is off the most")
    check.equal(verdict_on("small"), ["float", True, True, True, None],
                given="a rule that is off by a third of a per cent: [type of result, small and not "
                      "0, x unchanged, x has a grad, data.grad]",
                because="below the noise floor nothing can be decided")
    check.equal([two_inputs(2.0, 3.0), two_inputs(3.0, 2.0)], [["input 0"], ["input 1"]],
                given="y = 3 a + 3 b, where the rule is wrong for a, then for b: which input does "
                      "the error name",
                because="all inputs that require a gradient are checked, and input 0 is the first")
    for factors in [(3.01, 3.0), (3.0, 3.01)]:
        check.close(two_inputs(*factors), 0.01 * np.random.default_rng(0).standard_normal(),
                    rtol=0.2,
                    given=f"y = 3 a + 3 b, where the rule returns {factors[0]} G for a and "
                          f"{factors[1]} G for b: the result",
                    because="the largest difference of all inputs, here 0.01 times the weight of "
                            "the output")
    check.equal(outputs_that_cancel(), "AssertionError",
                given="f = (x, -x), whose rule returns zero",
                because="the outputs have to be weighted, or their gradients cancel")
    check.equal([tolerances(0.05, 0.0), tolerances(0.001, 0.0), tolerances(0.0, 1e3)],
                ["passed", "AssertionError", "passed"],
                given="a rule that is 1 % off, with rtol=0.05, rtol=0.001 (atol=0), and atol=1000 "
                      "(rtol=0)")
    for factor, said in [(600, "twice as large"), (0, "0")]:
        check.equal(tolerances(0.6, 0.0, factor), "AssertionError",
                    given=f"a rule whose gradient is {said} where it should not be, with rtol=0.6, "
                          "atol=0",
                    because="the size of the difference counts, and a tolerance in parts of what "
                            "was measured: nobody trusts the gradient under test")
    *found, recorded_at = step_in_use()
    check.equal(found, [True, True, True, [3.0, 4.25]],
                given="x * x - 1 / x at x[0] = 1 with eps=0.125: [passes, evaluated at 1.125, at "
                      "0.875, gradient / weights]",
                because="eps is handed on, so f is evaluated at 1.125 and at 0.875; and the "
                        "gradient is weights * (2 x + 1 / (x * x))")
    check.equal(recorded_at, [1.0],
                given="x * x - 1 / x at x[0] = 1: the values of x[0] at which f was recorded",
                because="backward() needs one graph; the measurement runs inside no_grad()")
    check.equal(large_values(), "passed",
                given="x + 0 at x = [100,000, 90,000, 70,000], with the right rule",
                because="the measured sums are large and differ by little: added up in float32, "
                        "rounding would be as large as the difference")
    check.equal(nothing_to_check(), ["float", 0.0],
                given="x + x, where x requires no gradient: [type of result, result]",
                because="there is nothing to check, and that is no error")
    check.equal(exact_and_empty(), [0.0, 0.0],
                given="0 x without any tolerance, and 2 x for a (0, 3) tensor: the largest "
                      "differences",
                because="a difference of 0 is never more than the tolerance")


test_autograd_check_gradients()

# %% [markdown]
r"""
### Something learns

What is a gradient good for? It says which way is up, so take a small step the other way. Here are
four points of the line $y = 2x - 1$, and a line `w * x + b` that knows nothing. The loss is the
mean of the squared errors. The rule of `mean` comes in Part 8; until then, say it by hand: each of
the four squares counts a quarter, and that is the gradient to start from.

**What will this print?** Which `w` and `b` will it end near?
"""

# %%
points, heights = Tensor([0.0, 1.0, 2.0, 3.0]), Tensor([-1.0, 1.0, 3.0, 5.0])
w, b = Tensor([0.0], requires_grad=True), Tensor([0.0], requires_grad=True)
for step in range(101):
    errors = w * points + b - heights
    squares = errors * errors
    squares.backward(np.full(4, 0.25))
    if step % 20 == 0:
        print(f"  step {step:3d}   loss {squares.data.mean():7.4f}"
              f"   y = {w.data[0]:.2f} x {b.data[0]:+.2f}")
    for parameter in (w, b):
        parameter.data -= 0.1 * parameter.grad.data
        parameter.zero_grad()

# %% [markdown]
r"""
> **Here the first sitting ends.** The engine is complete: it records, orders, walks back, frees its
> memory, and something has learned with it. Test what you have with `tito module test 05`, and come
> back another day. What is missing is vocabulary.

## Part 7: The rules of products

**The second sitting.** From here on you derive the rules yourself, and your own tool says whether
they are right.

Given, for whole models: `check_direction`. Two evaluations for every entry is fine for a rule and
too much for a model, so it moves *all* entries at once along one random direction $d$. The slope in
that direction must be $\sum_i d_i\,\partial L/\partial x_i$: two evaluations, however many
parameters there are, and random signs rarely cancel an error.
"""

# %%
#| export
def check_direction(
    f: Callable, *inputs: Tensor, eps: float = 1e-3, seed: int = 0
) -> tuple[float, float]:
    """The slope of f along one random direction: (from backward(), from two evaluations).

    f is called as f(*inputs) and returns one number as a Tensor. Every entry of every input moves
    by +1 or -1 times eps, all at once, so every input must require a gradient. The slopes agree
    to a few per cent of the gradient's norm; kinks (of a ReLU, say) and rounding set the limit.
    """
    for x in inputs:
        x.grad = None
    f(*inputs).backward()
    rng = np.random.default_rng(seed)
    originals = [x.data for x in inputs]
    directions = [rng.choice(np.float32([-1, 1]), size=x.shape) for x in inputs]
    found = sum(float(np.vdot(x.grad.data, d)) for x, d in zip(inputs, directions, strict=True))

    def value(step: float) -> float:
        for x, start, direction in zip(inputs, originals, directions, strict=True):
            x.data = start + np.float32(step) * direction
        return float(f(*inputs).item())

    try:
        with no_grad():
            measured = (value(eps) - value(-eps)) / (2 * eps)
    finally:
        for x, start in zip(inputs, originals, strict=True):
            x.data = start
    return found, measured

# %% [markdown]
r"""
### Matrix products

$C = A\,B$ with shapes $(n, k)$, $(k, m)$, $(n, m)$. The entry $A_{ij}$ is multiplied by each of the
$m$ entries of row $j$ of $B$, and every product goes into another entry of $C$, all in row $i$:

$$\frac{\partial L}{\partial A_{ij}} = \sum_c G_{ic}\,B_{jc}$$

All these sums together are again *one* matrix product. **Find it**, and its partner for $B$. (Write
the shapes under the letters. Which product of $G$ with one of the factors, perhaps transposed, has
the shape of $A$?) Two products of the size of the forward one: that is why a backward pass costs
about twice a forward pass.

Two shapes deserve care:

- **A stack times one matrix**, (batch, n, k) @ (k, m): the matrix is used once per member of the
  stack, so its gradient is a sum over the stack. Do not compute one gradient per member and add
  them up. Reshape the stack to one tall matrix, and one product multiplies *and* adds up. The same
  view takes care of a vector, which is one row (or, on the right, one column).
- **A stack times a stack**, where leading dimensions may broadcast: transpose the last two axes,
  leave the others alone, and let `unbroadcast` do the summing.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_matmul", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(matmul)
class MatmulBackward(Function):
    """The rule of C = A @ B, for vectors, matrices and stacks of matrices."""

    def apply(self, grad_output):
        """Return (gradient of A, gradient of B); None, without computing it, where not needed.

        B a matrix or a vector: each gradient is a single product of two matrices, whatever A is.
            The gradient of a matrix B is that product itself, a new array and no view: a view
            would have to be copied by `accumulate`.
        B a stack of matrices: a vector A takes part as one row. The results may have more
            leading dimensions than A or B: unbroadcast sums them later.

        k is at least 1. Any other dimension may be 0, and then NumPy cannot work out a -1 in
        reshape: write the sizes.

        Example:
            A = [[1, 2]], B = [[3], [4]], G = [[10]]: dA = [[30, 40]], dB = [[10], [20]].
        """
        ### BEGIN SOLUTION
        a, b = self.arrays
        g, grad_a, grad_b = grad_output, None, None
        if b.ndim <= 2:
            rows = a.reshape(-1, a.shape[-1])
            matrix = b if b.ndim == 2 else b[:, np.newaxis]
            g = g.reshape(rows.shape[0], matrix.shape[1])
            if self.needs(0):
                grad_a = (g @ matrix.T).reshape(a.shape)
            if self.needs(1):
                grad_b = rows.T @ g
                grad_b = grad_b if b.ndim == 2 else grad_b.reshape(b.shape)
            return grad_a, grad_b
        if a.ndim == 1:
            a, g = a[np.newaxis, :], np.expand_dims(g, -2)
        if self.needs(0):
            grad_a = g @ np.swapaxes(b, -1, -2)
        if self.needs(1):
            grad_b = np.swapaxes(a, -1, -2) @ g
        return grad_a, grad_b
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* matrices, vectors, stacks and broadcast stacks, empty ones too, against float64
differences; nothing computed that nobody needs.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_matmul", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def measured(f, x, g):
    """Gradient of sum(g * f(x)) by central differences in float64."""
    slopes = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[place] = 1e-5
        slopes[place] = np.sum(g * (f(x + step) - f(x - step))) / 2e-5
    return slopes


@probe
def memory_of_a_weight_gradient():
    """Is the gradient of the matrix a view of another array?"""
    batch, weight = Tensor(np.ones((4, 3))), Tensor(np.ones((3, 2)), requires_grad=True)
    return (
        MatmulBackward(batch, weight).apply(np.ones((4, 2), dtype=np.float32))[1].base is not None
    )


def test_autograd_matmul():
    """Matrices, vectors, stacks and broadcast stacks, against float64 differences."""
    enable_autograd(quiet=True)
    a, b = Tensor([[1.0, 2.0]], requires_grad=True), Tensor([[3.0], [4.0]], requires_grad=True)
    grad_a, grad_b = MatmulBackward(a, b).apply(np.float32([[10.0]]))
    check.close(grad_a, [[30.0, 40.0]],
                given="A = [[1, 2]], B = [[3], [4]], G = [[10]]: gradient of A",
                because="G @ B^T")
    check.close(grad_b, [[10.0], [20.0]],
                given="A = [[1, 2]], B = [[3], [4]], G = [[10]]: gradient of B",
                because="A^T @ G")
    data, weight = Tensor(np.ones((5, 2, 3))), Tensor(np.ones((3, 4)), requires_grad=True)
    grad_data, grad_weight = MatmulBackward(data, weight).apply(
        np.ones((5, 2, 4), dtype=np.float32)
    )
    check.equal(grad_data, None,
                given="(5, 2, 3) @ (3, 4), where only the matrix requires a gradient: gradient of "
                      "the stack",
                because="half of the work can be spared")
    check.close(grad_weight, np.full((3, 4), 10.0),
                given="(5, 2, 3) @ (3, 4), all ones: gradient of the matrix",
                because="one product of the flattened stack adds up all 10 rows")
    check.equal(
        [
            gradient is None
            for gradient in MatmulBackward(weight, Tensor(np.ones((4, 2)))).apply(
                np.ones((3, 2), dtype=np.float32)
            )
        ],
        [False, True],
        given="(3, 4) @ (4, 2), where only A requires a gradient: are the gradients of A "
        "and B None",
    )
    stack = Tensor(np.ones((5, 4, 2)), requires_grad=True)
    for a, b, expected in [
        (weight, Tensor(np.ones((5, 4, 2))), [False, True]),
        (Tensor(np.ones((3, 4))), stack, [True, False]),
    ]:
        missing = [
            gradient is None
            for gradient in MatmulBackward(a, b).apply(np.ones((5, 3, 2), dtype=np.float32))
        ]
        check.equal(missing, expected,
                    given=f"(3, 4) @ (5, 4, 2), where only {'AB'[expected[0]]} requires a "
                          "gradient: are the gradients of A and B None")
    check.equal(memory_of_a_weight_gradient(), False,
                given="(4, 3) @ (3, 2): is the gradient of B a view",
                because="a view has to be copied when it is stored; a fresh product can be kept")
    rng = np.random.default_rng(1)
    for left, right in [
        ((2, 3), (3, 4)),
        ((3,), (3, 4)),
        ((2, 3), (3,)),
        ((3,), (3,)),
        ((5, 2, 3), (3, 4)),
        ((5, 2, 3), (3,)),
        ((2, 5, 2, 3), (3, 2)),
        ((5, 2, 3), (5, 3, 4)),
        ((2, 3), (5, 3, 2)),
        ((1, 2, 3), (5, 3, 2)),
        ((5, 2, 3), (1, 3, 2)),
        ((2, 1, 2, 3), (3, 3, 2)),
        ((3,), (5, 3, 2)),
        ((0, 3), (3, 2)),
        ((2, 3), (3, 0)),
        ((5, 2, 3), (3, 0)),
    ]:
        a, b = (
            rng.integers(-4, 5, left).astype(np.float32),
            rng.integers(-4, 5, right).astype(np.float32),
        )
        g = rng.integers(-4, 5, (a @ b).shape).astype(np.float32)
        x, y = Tensor(a, requires_grad=True), Tensor(b, requires_grad=True)
        (x @ y).backward(g)
        for tensor, expected, letter in [
            (x, measured(lambda v, b=b: v @ b, a, g), "A"),
            (y, measured(lambda v, a=a: a @ v, b, g), "B"),
        ]:
            check.close(tensor.grad, expected,
                        given=f"A of shape {left} @ B of shape {right}: gradient of {letter}",
                        rtol=1e-4, atol=1e-4)
        stack = Tensor(b)
        x.zero_grad()
        (x @ stack).backward(g)
        check.equal([x.grad is None, stack.grad is None], [False, True],
                    given=f"A of shape {left} @ B of shape {right}, where B requires no gradient: "
                          "is the grad of A, of B None")
        y.zero_grad()
        (Tensor(a) @ y).backward(g)
        check.close(y.grad, measured(lambda v, a=a: a @ v, b, g),
                    given=f"A of shape {left} @ B of shape {right}, where A requires no gradient: "
                          "gradient of B", rtol=1e-4, atol=1e-4)


test_autograd_matmul()

# %% [markdown]
r"""
### The linear layer

In Module 03 you made $xW + b$ *one* operation. So it has one rule, and nothing in it is new: a
product whose right side is a matrix, and a bias that was copied to every row.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_linear", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(linear)
class LinearBackward(Function):
    """The rule of y = x W + b, for an x with any number of leading dimensions."""

    def apply(self, grad_output):
        """Return one gradient per input; None, without computing it, where not needed.

        There are three inputs (x, W, b), or two if the layer has no bias. x has shape
        (..., in), W (in, out), b (out,), and G (..., out). Each gradient has its input's shape
        here, the bias's too: sum over the rows.

        Example:
            x = [[1, 2]], W = [[3, 5], [4, 6]], b = [0, 0], G = [[10, 1]]:
            [[35, 46]], [[10, 1], [20, 2]] and [10, 1].
        """
        ### BEGIN SOLUTION
        x, weight = self.arrays[:2]
        rows = x.reshape(-1, x.shape[-1])
        g = grad_output.reshape(rows.shape[0], weight.shape[1])
        grad_x = (g @ weight.T).reshape(x.shape) if self.needs(0) else None
        grad_weight = rows.T @ g if self.needs(1) else None
        if len(self.saved_tensors) == 2:
            return grad_x, grad_weight
        return grad_x, grad_weight, g.sum(axis=0) if self.needs(2) else None
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* x from one to four dimensions, no rows, no outputs, with and without bias,
against float64 differences; None for whoever needs none; nothing changed in place.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_linear", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def rule_of_a_layer(shape, with_bias, needed=(True, True, True), outputs=2):
    """[x, W, b, G, what the rule returns] for integers in arrays of these sizes."""
    rng = np.random.default_rng(11)
    shapes = [shape, (shape[-1], outputs), (outputs,)][: 3 if with_bias else 2]
    arrays = [rng.integers(-4, 5, size).astype(np.float32) for size in shapes]
    g = rng.integers(-4, 5, (*shape[:-1], outputs)).astype(np.float32)
    before = [array.copy() for array in [*arrays, g]]
    node = LinearBackward(*[Tensor(array, requires_grad=need)
                            for array, need in zip(arrays, needed, strict=False)])
    answer = node.apply(g)
    same = all(np.array_equal(*pair) for pair in zip(before, [*arrays, g], strict=True))
    return [arrays, g, type(answer).__name__, list(answer), same]


def test_autograd_linear():
    """The gradients of x, W and b, however many dimensions x has."""
    w = Tensor([[3.0, 5.0], [4.0, 6.0]], requires_grad=True)
    x, b = Tensor([[1.0, 2.0]], requires_grad=True), Tensor([0.0, 0.0], requires_grad=True)
    g = np.float32([[10.0, 1.0]])
    grads = gradients_of(LinearBackward(x, w, b), g, "LinearBackward.apply", 3)
    wanted = [[[35.0, 46.0]], [[10.0, 1.0], [20.0, 2.0]], [10.0, 1.0]]
    for gradient, expected, name in zip(grads, wanted, "xWb", strict=True):
        check.close(gradient, expected,
                    given="x = [[1, 2]], W = [[3, 5], [4, 6]], b = [0, 0], G = [[10, 1]]: "
                          f"gradient of {name}",
                    because="b was copied to every row, here one: each of its entries collects "
                            "from its own column" if name == "b" else "")
    for shape, outputs in [((5, 3), 2), ((3,), 2), ((2, 4, 3), 2), ((2, 1, 2, 3), 2), ((0, 3), 2),
                           ((4, 3), 0)]:
        for with_bias in (True, False):
            text = f"x of shape {shape}, {outputs} outputs, {'with' if with_bias else 'no'} bias"
            arrays, g, kind, answer, same = rule_of_a_layer(shape, with_bias, outputs=outputs)
            check.equal([kind, len(answer)], ["tuple", len(arrays)],
                        given=f"{text}: what the rule returns, and how many gradients",
                        because="one per input: without a bias there are two")
            check.equal(same, True, given=f"{text}: are all arrays as before")
            for i, name in enumerate("xWb"[: len(arrays)]):
                def layer(v, i=i, arrays=arrays):
                    x, w, *b = [v if k == i else array for k, array in enumerate(arrays)]
                    return x @ w + sum(b)

                expected = measured(layer, arrays[i].astype(np.float64), g)
                check.close(answer[i], expected, given=f"{text}: gradient of {name}",
                            because="all leading dimensions of x are rows: flatten x and G first",
                            rtol=1e-4, atol=1e-4)
    for needed in [(False, True, True), (True, False, True), (True, True, False)]:
        answer = rule_of_a_layer((5, 3), True, needed)[3]
        check.equal([gradient is not None for gradient in answer], list(needed),
                    given=f"x, W, b require a gradient: {needed}; which ones are computed",
                    because="a batch of images must not cost a product that nobody needs")


test_autograd_linear()

# %% [markdown]
r"""
## Part 8: Adding up, moving, looking up

### Sums, means, maxima

Three questions, three rules. By how much does a sum rise when one of its entries rises? A mean? And
a maximum: which entries move it at all? If several are equally large, there is no derivative,
strictly speaking, and one has to choose. We let the ties **share the gradient equally**.

If `axis` removed an axis, it has to be put back (with size 1), so that the gradient lines up with
the input and broadcasts. Given: `restore_axes` does that. Two pieces of NumPy help:
`np.broadcast_to(array, shape)` makes a view that looks like the full size and copies nothing; and
Module 01's `reduce_sum(array, axis, keepdims)` knows every form an axis can have.

And what happens to float32 on the way? **What will this print?**
"""

# %%
mask, ones = np.array([True, True, False]), np.ones(3, np.float32)
print((ones / mask.sum(keepdims=True)).dtype, (ones * np.sqrt(2)).dtype)
print((ones / mask.astype(np.float32).sum(keepdims=True)).dtype, (ones * math.sqrt(2)).dtype)

# %% [markdown]
"""
A sum of bools is an integer, and `np.sqrt` gives a float64 number; either of them turns every
float32 array it meets into float64, twice the memory, and so does everything behind it. The second
line shows two ways out.
"""

# %%
#| export
def restore_axes(node: Function, grad_output: np.ndarray) -> np.ndarray:
    """The gradient of a reduction's result, with removed axes put back with size 1.

    Recorded settings are complete, defaults included; .get() serves nodes that are made by hand.
    """
    axis, keepdims = node.settings.get("axis"), node.settings.get("keepdims", False)
    if axis is None or keepdims:
        return grad_output
    return np.expand_dims(grad_output, axis)

# %% nbgrader={"grade": false, "grade_id": "autograd_reductions", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(reduce_sum)
class SumBackward(Function):
    """The rule of y = the sum of a, along any axes."""

    def apply(self, grad_output):
        """Return (gradient of a,), of a's shape; it may be a view."""
        ### BEGIN SOLUTION
        (a,) = self.arrays
        return (np.broadcast_to(restore_axes(self, grad_output), a.shape),)
        ### END SOLUTION


@backward_rule(reduce_mean)
class MeanBackward(Function):
    """The rule of y = the mean of a, along any axes."""

    def apply(self, grad_output):
        """Return (gradient of a,), of a's shape and float32; it may be a view.

        a may be empty: of shape (0, 3) it has no means along axis 1 (grad_output.size is 0), of
        shape (3, 0) three means of nothing. The gradient is empty then; nothing is divided by 0.

        Example:
            a of shape (2, 3), axis=1, G = [3, 6]: the gradient is [[1, 1, 1], [2, 2, 2]].
        """
        ### BEGIN SOLUTION
        (a,) = self.arrays
        count = max(1, a.size) / max(1, grad_output.size)
        each = restore_axes(self, grad_output) / count
        return (np.broadcast_to(each, a.shape),)
        ### END SOLUTION


@backward_rule(reduce_max)
class MaxBackward(Function):
    """The rule of y = the maximum of a, along any axes: ties share the gradient equally."""

    def apply(self, grad_output):
        """Return (gradient of a,), of a's shape and float32. The maxima are in self.output.

        Example:
            a = [[1, 5, 5], [7, 2, 3]], axis=1, G = [10, 20]: [[0, 5, 5], [20, 0, 0]].
        """
        ### BEGIN SOLUTION
        (a,) = self.arrays
        largest = (a == restore_axes(self, self.output)).astype(grad_output.dtype)
        ties = reduce_sum(largest, self.settings["axis"], True)
        return (largest * (restore_axes(self, grad_output) / ties),)
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* sum, mean and maximum along any axes against float64 differences; ties; float32;
empty arrays; saved arrays untouched.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_reductions", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def rule_dtypes():
    """The dtypes of what the rules return for float32."""
    x = Tensor([[1.0, 5.0, 5.0], [7.0, 2.0, 3.0]], requires_grad=True)
    found = []
    for rule, output in [(MeanBackward, x.data.mean(axis=1)), (MaxBackward, x.data.max(axis=1))]:
        node = rule(x, output=output, axis=1, keepdims=False)
        found.append(str(node.apply(np.float32([1.0, 2.0]))[0].dtype))
    return found


@probe
def mean_of_nothing(shape):
    """The shape of MeanBackward's gradient for an empty array, where 0 must not divide."""
    a = Tensor(np.zeros(shape), requires_grad=True)
    g = np.ones(shape[0], dtype=np.float32)
    with np.errstate(all="raise"):
        return MeanBackward(a, axis=1, keepdims=False).apply(g)[0].shape


def test_autograd_reductions():
    """Mean and maximum over any axes, ties included, and the sum that was given."""
    enable_autograd(quiet=True)
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    (gradient,) = gradients_of(SumBackward(x, axis=1), np.float32([3.0, 6.0]),
                               "sum over axis 1 of a (2, 3) tensor, G = [3, 6]")
    check.close(gradient, [[3.0, 3.0, 3.0], [6.0, 6.0, 6.0]],
                given="sum over axis 1 of a (2, 3) tensor, G = [3, 6]",
                because="each entry moves its sum one for one")
    x.mean(axis=1).backward([3.0, 6.0])
    check.close(x.grad, [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]],
                given="mean over axis 1 of a (2, 3) tensor, G = [3, 6]",
                because="each of 3 entries gets a third")
    x = Tensor([[1.0, 5.0, 5.0], [7.0, 2.0, 3.0]], requires_grad=True)
    x.max(axis=1).backward([10.0, 20.0])
    check.close(x.grad, [[0.0, 5.0, 5.0], [20.0, 0.0, 0.0]],
                given="max over axis 1 of [[1, 5, 5], [7, 2, 3]], G = [10, 20]",
                because="the gradient goes to the largest entry; ties share it equally")
    x.zero_grad()
    x.max().backward()
    check.close(x.grad, [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]],
                given="max of all of [[1, 5, 5], [7, 2, 3]]")
    single = Tensor([[7.0]], requires_grad=True)
    single.mean(axis=1).backward([3.0])
    check.close(single.grad, [[3.0]], given="mean over axis 1 of [[7]], G = [3]",
                because="the mean of one number is that number")
    same = Tensor(np.full((2, 2), 3.0), requires_grad=True)
    same.max().backward(2.0)
    check.close(same.grad, np.full((2, 2), 0.5),
                given="max of all of a (2, 2) tensor of equal numbers, G = 2")
    check.equal(rule_dtypes(), ["float32", "float32"],
                given="dtypes of the gradients of mean and max",
                because="dividing by an integer array would make float64")
    rng = np.random.default_rng(2)
    values = rng.permutation(24).reshape(2, 3, 4).astype(np.float32) / 4
    for name, function in [("sum", np.sum), ("mean", np.mean), ("max", np.max)]:
        for axis in (None, 0, 1, -1, (0, 2), (-1, 1), [0, 2]):
            for keepdims in (False, True):
                x = Tensor(values, requires_grad=True)
                y = getattr(x, name)(axis=axis, keepdims=keepdims)
                g, before = rng.integers(1, 9, y.shape).astype(np.float32), np.array(y.data)
                y.backward(g)
                axes = tuple(axis) if isinstance(axis, list) else axis
                expected = measured(
                    lambda v: function(v, axis=axes, keepdims=keepdims),
                    values.astype(np.float64),
                    g,
                )
                text = f"{name}(axis={axis}, keepdims={keepdims}) of a (2, 3, 4) tensor"
                check.close(x.grad, expected, given=text, rtol=1e-4, atol=1e-4)
                check.unchanged([x.data, y.data], [values, before],
                                given=f"{text}: the input and the output after the rule",
                                because="a rule changes nothing in place: the saved arrays belong "
                                        "to others")
    for shape in [(0, 3), (3, 0)]:
        check.equal(mean_of_nothing(shape), shape,
                    given=f"mean over axis 1 of a {shape} tensor: the shape of the gradient",
                    because="no entries, no gradient, and no division by zero")


test_autograd_reductions()

# %% [markdown]
r"""
### Moving things around

Reshape, transpose and permute compute nothing, they move numbers. Their rules move the gradient
back. A slice *selects*: what was not selected did not matter. With numbers, slices, `...` and
`None` as the key, NumPy selects every element at most once. (`SliceBackward` gets into the table of
rules further down, together with the rules for other keys.)

**Try it on paper:** y = permute(a, (2, 0, 1)) makes (4, 2, 3) out of (2, 3, 4). Which permutation
leads back? It is not the same one once more.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_moving", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(reshape)
class ReshapeBackward(Function):
    """The rule of y = a in another shape."""

    def apply(self, grad_output):
        """Return (gradient of a,)."""
        ### BEGIN SOLUTION
        (a,) = self.arrays
        return (grad_output.reshape(a.shape),)
        ### END SOLUTION


@backward_rule(transpose)
class TransposeBackward(Function):
    """The rule of y = a with two axes exchanged."""

    def apply(self, grad_output):
        """Return (gradient of a,).

        The settings dim0 and dim1 may both be None: the last two axes, and no change for a
        vector. (Module 01's `transpose` takes an array and these two settings.)
        """
        ### BEGIN SOLUTION
        return (transpose(grad_output, **self.settings),)
        ### END SOLUTION


@backward_rule(permute)
class PermuteBackward(Function):
    """The rule of y = a with its axes in another order."""

    def apply(self, grad_output):
        """Return (gradient of a,).

        The setting axes says, for each axis of y, which axis of a it was; an entry may be
        negative (-1 is the last axis).

        Example:
            a of shape (2, 3, 4), axes (1, 2, 0): G of shape (3, 4, 2) is brought back to
            (2, 3, 4) by np.transpose(G, (2, 0, 1)).
        """
        ### BEGIN SOLUTION
        axes = [axis % grad_output.ndim for axis in self.settings["axes"]]
        return (np.transpose(grad_output, np.argsort(axes)),)
        ### END SOLUTION


class SliceBackward(Function):
    """The rule of y = a[key], for keys that select every element at most once."""

    def apply(self, grad_output):
        """Return (gradient of a,), of a's shape and grad_output's dtype.

        The key is the setting "key".

        Example:
            a of shape (5,), key slice(1, 3), G = [10, 20]: the gradient is [0, 10, 20, 0, 0].
        """
        ### BEGIN SOLUTION
        (a,) = self.arrays
        grad_a = np.zeros(a.shape, dtype=grad_output.dtype)
        grad_a[self.settings["key"]] = grad_output
        return (grad_a,)
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* there and back again leaves every number where it was; settings, negative axes,
vectors, all kinds of slices.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_moving", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def test_autograd_moving():
    """Each rule brings every number of the gradient back to where its element came from."""
    enable_autograd(quiet=True)
    x = Tensor(np.zeros((2, 3)), requires_grad=True)
    g = np.float32([[1, 2], [3, 4], [5, 6]])
    (gradient,) = gradients_of(ReshapeBackward(x, shape=(3, 2)), g, "ReshapeBackward.apply")
    check.close(gradient, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
                given="reshape of a (2, 3) tensor to (3, 2), G = [[1, 2], [3, 4], [5, 6]]",
                because="the numbers keep their order, and go back into the old shape")
    x.transpose().backward([[1, 2], [3, 4], [5, 6]])
    check.close(x.grad, [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]],
                given="transpose of a (2, 3) tensor, G = [[1, 2], [3, 4], [5, 6]]")
    places = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    cube = Tensor(places, requires_grad=True)
    for first, second in [(None, None), (0, 1), (0, 2), (1, 2), (-1, 0), (1, -1), (1, 1)]:
        moved = places.swapaxes(-2 if first is None else first, -1 if second is None else second)
        (gradient,) = gradients_of(
            TransposeBackward(cube, dim0=first, dim1=second), moved, "TransposeBackward.apply"
        )
        check.close(gradient, places,
                    given=f"transpose({first}, {second}) of a (2, 3, 4) tensor, G = the "
                          "transposed numbers 0 to 23",
                    because="there and back again leaves every number where it was")
    vector = Tensor(np.zeros(3), requires_grad=True)
    (gradient,) = TransposeBackward(vector, dim0=None, dim1=None).apply(np.float32([1.0, 2.0, 3.0]))
    check.close(gradient, [1.0, 2.0, 3.0], given="transpose() of a vector, which changes nothing")
    for axes in [(2, 0, 1), (1, 2, 0), (0, 2, 1), (2, 1, 0), (-1, 0, 1), (1, -1, -3)]:
        (gradient,) = gradients_of(
            PermuteBackward(cube, axes=axes), places.transpose(axes), "PermuteBackward.apply"
        )
        check.close(gradient, places,
                    given=f"permute{axes} of a (2, 3, 4) tensor, G = the permuted numbers 0 to 23")
    cube.permute(1, 2, 0).backward(places.transpose(1, 2, 0))
    check.close(cube.grad, places, given="permute(1, 2, 0), through backward()")
    a = Tensor(np.ones(5), requires_grad=True)
    (gradient,) = gradients_of(
        SliceBackward(a, key=slice(1, 3)), np.float32([10.0, 20.0]), "SliceBackward.apply"
    )
    check.close(gradient, [0.0, 10.0, 20.0, 0.0, 0.0],
                given="a of shape (5,), key slice(1, 3), G = [10, 20]",
                because="what was not selected has gradient 0")
    for key, text in [
        (2, "2"),
        ((slice(None), 1), ":, 1"),
        ((..., slice(None, None, -2)), "..., ::-2"),
        ((1, slice(0, 2), None), "1, 0:2, None"),
        (slice(5, 9), "5:9"),
    ]:
        a = Tensor(np.ones((4, 3, 5)), requires_grad=True)
        g = (
            np.random.default_rng(3)
            .standard_normal(np.zeros((4, 3, 5))[key].shape)
            .astype(np.float32)
        )
        expected = np.zeros((4, 3, 5))
        expected[key] = g
        (gradient,) = SliceBackward(a, key=key).apply(g)
        check.close(gradient, expected, given=f"a of shape (4, 3, 5), key [{text}]")
        check.equal(str(gradient.dtype), "float32",
                    given=f"the dtype of the gradient for the key [{text}]")


test_autograd_moving()

# %% [markdown]
r"""
### A pause: ten pictures

The rules you have are enough to look at handwriting. Ten outputs, one for each digit: a single
linear layer, no activation, and the mean of the squared misses as its loss. After some steps
against the gradient, each output has 64 weights, one per pixel: a picture. **What will you see?**
What does the layer look for in a 0?
"""

# %%
from datasets.tinydigits import load_tinydigits

train_images, train_labels, test_images, test_labels = load_tinydigits()
one_layer = Linear(64, 10)
one_layer.weight.data = np.zeros((64, 10), dtype=np.float32)  # to see only what it learns
wanted = Tensor(np.eye(10)[train_labels])  # 1 for the right digit, 0 for the other nine
for _ in range(300):
    miss = one_layer(Tensor(train_images.reshape(-1, 64))) - wanted
    (miss * miss).mean().backward()
    for parameter in one_layer.parameters():
        parameter.data = parameter.data - 0.5 * parameter.grad.data
        parameter.zero_grad()
with no_grad():
    guesses = one_layer(Tensor(test_images.reshape(-1, 64))).data.argmax(axis=1)
print(f"{float((guesses == test_labels).mean()):.0%} of the test digits right")
try:
    import matplotlib.pyplot as plt

    figure, grid = plt.subplots(1, 10, figsize=(9, 1.4), layout="constrained")
    for digit, axes in enumerate(grid):
        picture = one_layer.weight.data[:, digit].reshape(8, 8)
        axes.imshow(picture, cmap="coolwarm", vmin=-0.25, vmax=0.25)
        axes.set(xticks=[], yticks=[], title=str(digit))
    figure.suptitle("Ink here speaks for the digit (red) or against it (blue)")
    plt.show()
except ImportError:
    print("Without matplotlib you miss ten pictures: what each output looks for.")

# %% [markdown]
r"""
Nobody drew these. Every pixel of every picture was moved by the rules of a product, a difference
and a mean, none of which has ever heard of a digit. A 0 is recognised by what is not there: the
blue middle. What a single layer cannot do is *bend*; for that, activations need rules (Part 9).

### Looking up rows

`table[ids]` with an array of row numbers gathers rows: the way a network turns word number 17 into
a vector. Here a row may be selected **more than once**, and then its gradients have to be *added*.

```
 ids  [ 2, 0, 2 ]     G  [[ 1, 1 ],     gradient of  [[ 2, 2 ],    row 0
                          [ 2, 2 ],     the table     [ 0, 0 ],    row 1
                          [ 5, 5 ]]                   [ 6, 6 ]]    row 2: 1 + 5
```

In words: the gradient goes back to the row it was read from, however often; a row that nobody read
gets zeros.

Does NumPy add them up by itself? **What will this print?** Does row 2 get 6, 5 or 1?
"""

# %%
table_gradient = np.zeros((3, 2))
table_gradient[[2, 0, 2]] += [[1, 1], [2, 2], [5, 5]]
print(table_gradient.tolist())

# %% [markdown]
"""
NumPy reads all three rows first and writes them back afterwards: the last one wins. `np.add.at`
does it right, one index at a time, and that can be slow. The fast way is a detour through
**sorting**. Sort the ids, and all uses of a row stand side by side; then each row's gradient is the
sum of one contiguous run. Two NumPy functions do the two halves, `np.unique` and `np.add.reduceat`;
their documentation is short.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_embedding", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def scatter_add_rows(rows: np.ndarray, ids: np.ndarray, count: int) -> np.ndarray:
    """A table of `count` rows, in which row i is the sum of all rows[k] with ids[k] == i.

    Works by sorting and adding up runs: neither np.add.at nor a loop over ids or rows.

    Args:
        rows: shape (n, width).
        ids: shape (n,), integers from 0 to count - 1, in any order, repeats allowed; n may be 0.
        count: number of rows of the result.

    Returns:
        An array of shape (count, width) and rows' dtype. Rows that no id names are zero.

    Example:
        rows [[1, 1], [2, 2], [5, 5]], ids [2, 0, 2], count 3: [[2, 2], [0, 0], [6, 6]].
    """
    ### BEGIN SOLUTION
    table = np.zeros((count, rows.shape[1]), dtype=rows.dtype)
    order = np.argsort(ids, kind="stable")
    present, starts = np.unique(ids[order], return_index=True)
    table[present] = np.add.reduceat(rows[order], starts, axis=0)
    return table
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* sums of repeated rows, zeros for unused ones, no ids at all, float32, and that
neither np.add.at nor a loop is used.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_embedding", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def tools_used(n, count, width):
    """Run with np.add.at out of reach; also whether the arguments keep their values."""

    class Add:
        reduceat, reduce, accumulate, outer = (
            np.add.reduceat,
            np.add.reduce,
            np.add.accumulate,
            np.add.outer,
        )

        @staticmethod
        def at(*args):
            raise RuntimeError("np.add.at was called: it can be several times slower than sorting")

        def __call__(self, *args, **kwargs):
            return np.multiply(1, args[0]) + args[1]

    rng = np.random.default_rng(4)
    rows, ids = rng.integers(-9, 10, (n, width)).astype(np.float32), rng.integers(0, count, n)
    before, original = (rows.copy(), ids.copy()), np.add

    class Watched(np.ndarray):
        def __getitem__(self, key):
            looked_up.append(1)
            return super().__getitem__(key)

    looked_up = []
    np.add = Add()
    try:
        result = scatter_add_rows(rows.view(Watched), ids, count)
    finally:
        np.add = original
    return [
        np.asarray(result),
        rows,
        ids,
        bool(np.array_equal(rows, before[0]) and np.array_equal(ids, before[1])),
        len(looked_up),
    ]


@probe
def megabytes_for_a_table(count, n):
    """The memory in use at the peak, in MB, for a table of `count` rows and n lookups."""
    rows, ids = np.ones((n, 2), dtype=np.float32), np.arange(n)
    tracemalloc.start()
    try:
        scatter_add_rows(rows, ids, count)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def test_autograd_embedding():
    """Rows that were used several times receive the sum; rows never used receive zeros."""
    rows, ids = np.float32([[1, 1], [2, 2], [5, 5]]), np.array([2, 0, 2])
    result = scatter_add_rows(rows, ids, 3)
    check.close(result, [[2.0, 2.0], [0.0, 0.0], [6.0, 6.0]],
                given="rows [[1, 1], [2, 2], [5, 5]], ids [2, 0, 2], count 3",
                because="row 2 was used twice: 1 + 5")
    check.equal(str(result.dtype), "float32", given="the dtype of the result for float32 rows")
    check.close(scatter_add_rows(rows, np.array([1, 1, 1]), 2), [[0.0, 0.0], [8.0, 8.0]],
                given="the same rows, ids [1, 1, 1], count 2")
    check.close(scatter_add_rows(rows, np.array([3, 0, 1]), 5),
                [[2.0, 2.0], [5.0, 5.0], [0.0, 0.0], [1.0, 1.0], [0.0, 0.0]],
                given="the same rows, ids [3, 0, 1], count 5")
    check.close(
        scatter_add_rows(np.zeros((0, 2), dtype=np.float32), np.zeros(0, dtype=np.int64), 2),
        np.zeros((2, 2)),
        given="no rows, no ids, count 2",
    )
    for n, count, width in [(40, 7, 3), (40, 100, 2), (9, 9, 1)]:
        result, rows, ids, untouched, lookups = tools_used(n, count, width)
        expected = np.zeros((count, width))
        for row, i in zip(rows, ids, strict=True):
            expected[i] += row
        check.close(result, expected, given=f"{n} random rows of width {width}, ids below {count}")
        check.equal(untouched, True,
                    given="are rows and ids as before",
                    because="they belong to the caller")
        check.true(lookups <= 8,
                   given=f"{n} random rows of width {width}: rows is indexed 8 times at most",
                   because="a Python loop over ids or rows is slow: sort once, add up all runs at "
                           "once")
    check.true(megabytes_for_a_table(3000, 1000) <= 1.0,
               given="1,000 rows of width 2, count 3,000: at most 1 MB of memory is in use",
               because="the table takes 0.024 MB; a matrix of count x n entries would take "
                       "megabytes, and with a real vocabulary gigabytes")


test_autograd_embedding()

# %% [markdown]
r"""
Given: the rules that use it. An operation may have several rules: `take` gets a function that looks
at the key and chooses. Keys with masks, or with several arrays, are rare and need not be fast. For
them there is a trick that is right for *every* key: index an array of position numbers in the same
way, and you know which element each entry of the gradient belongs to.
"""

# %%
#| export
class EmbeddingBackward(Function):
    """The rule of y = table[ids], for one array of row numbers: rows of G, added up by id."""

    def apply(self, grad_output):
        (table,) = self.arrays
        ids = np.arange(len(table))[self.settings["key"]].ravel()  # negative numbers resolved
        rows = grad_output.reshape(len(ids), math.prod(table.shape[1:]))
        sums = scatter_add_rows(rows, ids, len(table))
        return (sums if table.ndim == 2 else sums.reshape(table.shape),)  # no view if it can be


class IndexBackward(Function):
    """The rule of y = a[key], for masks and combinations: entries of G, added up by place."""

    def apply(self, grad_output):
        (a,) = self.arrays
        places = np.arange(a.size).reshape(a.shape)[self.settings["key"]]
        sums = np.bincount(places.ravel(), weights=grad_output.ravel(), minlength=a.size)
        return (sums.reshape(a.shape).astype(grad_output.dtype),)


@backward_rule(take)
def indexing_rule(*tensors: Tensor, output: np.ndarray | None = None, **settings) -> Function:
    """The node for tensor[key]: which rule applies depends on the key."""
    key = settings["key"]
    parts = key if isinstance(key, tuple) else (key,)
    arrays = [part for part in parts if isinstance(part, (np.ndarray, list, bool, np.bool_))]
    if not arrays:
        rule = SliceBackward
    elif isinstance(key, tuple) or np.asarray(key).dtype == bool:
        rule = IndexBackward
    else:
        rule = EmbeddingBackward
    return rule(*tensors, output=output, **settings)

# %% [markdown]
r"""
## Part 9: Activations and losses

### Activations

**Derive four slopes**, and check each with `numerical_gradient` before you test. Sigmoid and tanh
have a pleasant property: the slope can be written with the *output* $y$ alone, with no need to go
back to $x$. Find that form. (Write $y = 1/(1+u)$ with $u = e^{-x}$, and see which expression of $y$
remains. For tanh, $y = (e^x - e^{-x})/(e^x + e^{-x})$; the rule of division does the rest.) ReLU
has a corner: at exactly 0 its slope is 0, by convention. GELU,

$$y = \tfrac{1}{2}\,x\,(1 + t), \qquad t = \tanh u, \qquad u = \sqrt{2/\pi}\,(x + 0.044715\,x^3),$$

takes the product rule, and the chain rule for what is inside $t$.

Two habits: an array times bools is faster than `np.where` or a boolean index; and write
`x * x * x`, not `x**3`. NumPy knows `x**2` as a square, but the third power is a general power,
often a hundred times slower.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_activations", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(sigmoid)
class SigmoidBackward(Function):
    """The rule of y = sigmoid(x), from the output."""

    def apply(self, grad_output):
        """Return (gradient of x,), from self.output. Example: y = [0.5], G = [4] give [1]."""
        ### BEGIN SOLUTION
        y = self.output
        return (grad_output * y * (1 - y),)
        ### END SOLUTION


@backward_rule(relu)
class ReLUBackward(Function):
    """The rule of y = max(x, 0), with slope 0 at 0."""

    def apply(self, grad_output):
        """Return (gradient of x,). Example: x = [-1, 0, 2], G = [5, 5, 5] give [0, 0, 5]."""
        ### BEGIN SOLUTION
        (x,) = self.arrays
        return (grad_output * (x > 0),)
        ### END SOLUTION


@backward_rule(tanh)
class TanhBackward(Function):
    """The rule of y = tanh(x), from the output."""

    def apply(self, grad_output):
        """Return (gradient of x,), from self.output. Example: y = [0.5], G = [4] give [3]."""
        ### BEGIN SOLUTION
        y = self.output
        return (grad_output * (1 - y * y),)
        ### END SOLUTION


@backward_rule(gelu)
class GELUBackward(Function):
    """The rule of y = GELU(x), in its tanh form."""

    def apply(self, grad_output):
        """Return (gradient of x,), in float32. Example: x = [0, 1], G = [1, 1] give [0.5, 1.083].
        """
        ### BEGIN SOLUTION
        (x,) = self.arrays
        c, square = math.sqrt(2 / math.pi), x * x
        t = np.tanh(c * x * (1 + 0.044715 * square))
        slope = c * (1 + 3 * 0.044715 * square)
        return (grad_output * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope),)
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the four slopes by hand at a few points and against float64 differences; float32;
nothing changed in place.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_activations", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def through_activation(operation_name, values, g):
    """Gradient through compute(), the dtype the rule returns; G, x and y after and before it."""
    enable_autograd(quiet=True)
    operation = {"relu": relu, "sigmoid": sigmoid, "tanh": tanh, "gelu": gelu}[operation_name]
    x, g = Tensor(values, requires_grad=True), np.float32(g)
    y = compute(operation, x)
    arrays = [g, x.data, y.data]
    before = [array.copy() for array in arrays]
    y.backward(g, retain_graph=True)
    (gradient,) = y._grad_fn.apply(g)
    return [x.grad.data, str(gradient.dtype), arrays, before]


def test_autograd_activations():
    """The four derivatives, against hand-computed values and float64 differences."""

    def gelu64(x):
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))

    gradient, *_ = through_activation("relu", [-1.0, 0.0, 2.0], [5.0, 5.0, 5.0])
    check.close(gradient, [0.0, 0.0, 5.0],
                given="ReLU at x = [-1, 0, 2], G = [5, 5, 5]",
                because="only what was let through forward is let through backward; at 0 the "
                        "convention is 0")
    half = SigmoidBackward(Tensor([0.0]), output=np.float32([0.5]))
    (gradient,) = gradients_of(half, np.float32([4.0]), "SigmoidBackward.apply")
    check.close(gradient, [1.0], given="sigmoid with output y = 0.5, G = 4")
    (gradient,) = gradients_of(
        TanhBackward(Tensor([0.5493061]), output=np.float32([0.5])),
        np.float32([4.0]),
        "TanhBackward.apply",
    )
    check.close(gradient, [3.0], given="tanh with output y = 0.5, G = 4", because="4 * (1 - 0.25)")
    gradient, *_ = through_activation("gelu", [0.0, 1.0], [1.0, 1.0])
    check.close(gradient, [0.5, 1.0829641], rtol=1e-4, given="GELU at x = [0, 1], G = [1, 1]",
                because="the product rule gives two terms: at x = 1 they are 0.8412 and 0.2418")
    points = np.array([-6.0, -3.0, -1.5, -0.7, -0.01, 0.02, 0.4, 1.0, 2.5, 5.0])
    for name, function in [
        ("relu", lambda v: np.maximum(v, 0)),
        ("sigmoid", lambda v: 1 / (1 + np.exp(-v))),
        ("tanh", np.tanh),
        ("gelu", gelu64),
    ]:
        g = np.linspace(1, 3, points.size)
        gradient, dtype, after, before = through_activation(name, points, g)
        expected = g * (function(points + 1e-5) - function(points - 1e-5)) / 2e-5
        check.close(gradient, expected, rtol=1e-3, atol=1e-5,
                    given=f"{name} at ten points between -6 and 5, G from 1 to 3")
        check.equal(dtype, "float32",
                    given=f"dtype of the gradient of {name}",
                    because="one float64 array would double the memory of everything behind it")
        for letter, now, old in zip("Gxy", after, before, strict=True):
            for part in (slice(0, 5), slice(5, None)):
                check.unchanged(now[part], old[part],
                                given=f"{letter} after the rule of {name}, five of its ten values",
                                because="a rule changes nothing in place: the saved arrays belong "
                                        "to others")


test_autograd_activations()

# %% [markdown]
r"""
### Softmax

Here every output depends on every input of its row: raise one score, and the other probabilities
fall. The slopes form a matrix, one per row, where $\delta_{ij}$ is 1 if $i = j$ and 0 otherwise:

$$\frac{\partial y_i}{\partial x_j} = y_i\,(\delta_{ij} - y_j)$$

A row of 1,000 scores would need a matrix of a million entries. **Do not build it.** Multiply it by
$G$ on paper, $\sum_i G_i\,\partial y_i/\partial x_j$, and watch it collapse to one sum per row. Do
the same for the logarithm $z = \log y$, where $\partial z_i/\partial x_j = \delta_{ij} - y_j$: it
becomes even simpler. The sums run along the softmax dimension (the setting is called `dim`, NumPy's
argument `axis`).
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_softmax", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(softmax)
class SoftmaxBackward(Function):
    """The rule of y = softmax(x) along one dimension; no matrix of slopes is built."""

    def apply(self, grad_output):
        """Return (gradient of x,). y is self.output; the dimension is the setting "dim".

        Example:
            y = [0.25, 0.75], G = [4, 0]: the gradient is [0.75, -0.75].
        """
        ### BEGIN SOLUTION
        y = self.output
        total = (grad_output * y).sum(axis=self.settings["dim"], keepdims=True)
        return (y * (grad_output - total),)
        ### END SOLUTION


@backward_rule(log_probabilities)
class LogSoftmaxBackward(Function):
    """The rule of z = log(softmax(x)) along one dimension."""

    def apply(self, grad_output):
        """Return (gradient of x,). z is self.output; the dimension is the setting "dim".

        Example:
            z = log([0.25, 0.75]), G = [4, 0]: the gradient is [3, -3].
        """
        ### BEGIN SOLUTION
        total = grad_output.sum(axis=self.settings["dim"], keepdims=True)
        return (grad_output - np.exp(self.output) * total,)
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* softmax and its logarithm along any dimension, against float64 differences; saved
arrays untouched.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_softmax", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def test_autograd_softmax():
    """Softmax and its logarithm along any dimension, against float64 differences."""
    enable_autograd(quiet=True)
    y, g = np.float32([0.25, 0.75]), np.float32([4.0, 0.0])
    (gradient,) = gradients_of(
        SoftmaxBackward(Tensor(np.log(y)), output=y, dim=-1), g, "SoftmaxBackward.apply"
    )
    check.close(gradient, [0.75, -0.75],
                given="softmax with output [0.25, 0.75], G = [4, 0]",
                because="y * (G - 1): what one gains, the others lose")
    (gradient,) = gradients_of(
        LogSoftmaxBackward(Tensor(np.log(y)), output=np.log(y), dim=-1),
        g,
        "LogSoftmaxBackward.apply",
    )
    check.close(gradient, [3.0, -3.0],
                given="log softmax with output log [0.25, 0.75], G = [4, 0]",
                because="G - y * 4")
    values = np.random.default_rng(5).standard_normal((2, 3, 4)).astype(np.float32)
    g = np.random.default_rng(6).standard_normal((2, 3, 4)).astype(np.float32)
    for dim in (-1, 0, 1):

        def probabilities(v, dim=dim):
            return np.exp(v) / np.exp(v).sum(axis=dim, keepdims=True)

        for operation, function, name in [
            (softmax, probabilities, "softmax"),
            (log_probabilities, lambda v, f=probabilities: np.log(f(v)), "log softmax"),
        ]:
            x = Tensor(values, requires_grad=True)
            result = compute(operation, x, dim=dim)
            before = np.array(result.data)
            result.backward(g, retain_graph=True)
            expected = measured(function, values.astype(np.float64), g)
            check.close(x.grad, expected,
                        given=f"{name} of a (2, 3, 4) tensor along dimension {dim}", rtol=1e-3,
                        atol=1e-5)
            check.unchanged(result.data, before,
                            given=f"the output of {name} after its rule was applied",
                            because="a rule does not write into the saved arrays")


test_autograd_softmax()

# %% [markdown]
r"""
### Losses

Now the top of the graph, where every backward pass begins. All losses are means, so $G$ is a single
number, and $n$ counts what the mean was taken over. The first two, on paper:

- **Mean squared error**, $L = \frac1n\sum (p - t)^2$. A target can require a gradient as well.
- **Binary cross-entropy**, $L = -\frac1n\sum \big(t\log q + (1-t)\log(1-q)\big)$, where $q$ is $p$
  limited to $[\varepsilon, 1-\varepsilon]$ (Module 04 calls $\varepsilon$ `PROBABILITY_MARGIN`), so
  that no logarithm meets a zero. Derive it for $q$, bring both terms to a common denominator, and
  the numerator becomes very simple.

And then? The number that is really computed is flat where $p$ was limited, so its derivative there
is 0. Is that what you want? A model says "certainly not" (logit $-18$) where the truth is 1. **What
will this print?** How much does it learn in 200 steps from a gradient that is exactly right?
"""

# %%
logit = -18.0
for _ in range(200):
    p = 1 / (1 + math.exp(-logit))
    limited = p < PROBABILITY_MARGIN or p > 1 - PROBABILITY_MARGIN
    slope_of_loss = 0.0 if limited else -1 / p  # target 1: L = -log(q)
    logit -= 0.1 * slope_of_loss * p * (1 - p)
print("after 200 steps the logit is", logit)

# %% [markdown]
r"""
Nothing. A gradient of 0 says "nothing to improve" about the worst possible answer. So take the
derivative of the loss that is *meant*, with $p$ in place of $q$ everywhere. The sigmoid below it
multiplies by $p\,(1-p)$, which cancels the denominator, and $p - t$ arrives at the logit, here
$-1$. Only a division by zero has to be prevented, by a number far smaller than $\varepsilon$:
`SMALLEST_DENOMINATOR`.

One wall remains: in float32 a sigmoid is exactly 1 from a logit of about 17 on. There its own slope
is 0, and nothing that this rule returns gets through. Only a loss that takes logits has no such
wall.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_losses", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(mean_squared_error)
class MSEBackward(Function):
    """The rule of L = mean of (p - t)^2."""

    def apply(self, grad_output):
        """Return (gradient of the predictions, gradient of the targets).

        Targets are usually data: return None for them unless self.needs(1). Predictions always
        get their gradient, even if needs(0) is False: their difference is computed in any case.

        Example:
            p = [1, 4], t = [0, 0], G = 1: dp = [1, 4], dt = [-1, -4].
        """
        ### BEGIN SOLUTION
        predictions, targets = self.arrays
        difference = predictions - targets
        gradient = difference * (grad_output * (2 / difference.size))
        return gradient, -gradient if self.needs(1) else None
        ### END SOLUTION


SMALLEST_DENOMINATOR = 1e-12  # of the gradient of binary cross-entropy, instead of 0


@backward_rule(binary_cross_entropy)
class BCEBackward(Function):
    """The rule of L = -mean of (t log p + (1 - t) log(1 - p)), also where forward limits p."""

    def apply(self, grad_output):
        """Return (gradient of the predictions, gradient of the targets, or None unless needed).

        The gradient of the predictions takes p as it came, so that a certain and wrong prediction
        still gets one; its denominator is at least SMALLEST_DENOMINATOR.
        The gradient of the targets takes q, which is p limited to the range PROBABILITY_MARGIN ..
        1 - PROBABILITY_MARGIN, as in the forward pass.

        Example:
            p = [0.5, 0.8], t = [0, 1], G = 1: dp = [1, -0.625].
        """
        ### BEGIN SOLUTION
        predictions, targets = self.arrays
        each = grad_output * (1 / predictions.size)
        grad_targets = None
        if self.needs(1):
            q = np.clip(predictions, PROBABILITY_MARGIN, 1 - PROBABILITY_MARGIN)
            grad_targets = each * (np.log(1 - q) - np.log(q))
        denominator = np.maximum(predictions * (1 - predictions), SMALLEST_DENOMINATOR)
        return each * (predictions - targets) / denominator, grad_targets
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* both losses against float64 differences: predictions, targets and scale; certain
and wrong predictions; float32; saved arrays untouched.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_losses", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_autograd_losses():
    """Squared error and binary cross-entropy: predictions, targets, scale, far-out predictions."""
    enable_autograd(quiet=True)
    p, t = Tensor([1.0, 4.0], requires_grad=True), Tensor([0.0, 0.0], requires_grad=True)
    compute(mean_squared_error, p, t).backward()
    check.close(p.grad, [1.0, 4.0],
                given="mean squared error, p = [1, 4], t = [0, 0]: gradient of p",
                because="2 (p - t) / n with n = 2")
    check.equal(t.grad is None, False,
                given="mean squared error, where t requires a gradient: is t.grad None",
                because="these targets require a gradient: self.needs(1) is True")
    check.close(t.grad, [-1.0, -4.0],
                given="mean squared error, p = [1, 4], t = [0, 0]: gradient of t")
    p, t = Tensor([0.5, 0.8], requires_grad=True), Tensor([0.0, 1.0])
    compute(binary_cross_entropy, p, t).backward()
    check.close(p.grad, [1.0, -0.625], rtol=1e-4,
                given="binary cross-entropy, p = [0.5, 0.8], t = [0, 1]: gradient of p",
                because="(p - t) / (p (1 - p)) / n with n = 2")
    for rule, name in [(MSEBackward, "MSEBackward"), (BCEBackward, "BCEBackward")]:
        check.equal(rule(p, t).apply(np.float32(1.0))[1], None,
                    given=f"{name}(p, t).apply(1), where t requires no gradient: gradient of t")
    p = Tensor([1e-8], requires_grad=True)
    compute(binary_cross_entropy, p, Tensor([1.0])).backward()
    check.close(p.grad, [-1e8], rtol=1e-3,
                given="binary cross-entropy, p = [0.00000001], t = [1]: gradient of p",
                because="(p - t) / (p (1 - p)) with p as it came: limited to PROBABILITY_MARGIN "
                        "it would be ten times smaller, or 0")
    p = Tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    compute(binary_cross_entropy, p, Tensor([0.0, 1.0, 1.0, 0.0])).backward(4.0)
    check.close(p.grad, [0.0, 0.0, -1e12, 1e12], rtol=1e-3,
                given="binary cross-entropy, p = [0, 1, 0, 1], t = [0, 1, 1, 0], G = 4: gradient "
                      "of p",
                because="(p - t) / SMALLEST_DENOMINATOR: nothing is divided by zero")
    logits = Tensor([-17.0, 17.0, -18.0], requires_grad=True)
    compute(binary_cross_entropy, compute(sigmoid, logits), Tensor([1.0, 0.0, 1.0])).backward(3.0)
    check.close(logits.grad, [-1.0, 0.0, -1.0], rtol=1e-3,
                given="binary cross-entropy of the sigmoid of [-17, 17, -18], t = [1, 0, 1], G = "
                      "3: gradient of the logits",
                because="p - t: as wrong as can be, and still learning; but sigmoid(17) is "
                        "exactly 1 in float32, where it is flat itself")
    p, t = Tensor([0.0, 1.0]), Tensor([1.0, 1.0], requires_grad=True)
    check.close(BCEBackward(p, t).apply(np.float32(1.0))[1], [8.06, -7.97], rtol=0.02,
                given="binary cross-entropy, p = [0, 1], t = [1, 1], G = 1: gradient of t",
                because="log(1 - q) - log(q), about 16 and -16, halved: q is p limited as in the "
                        "forward pass, so that no logarithm meets a zero")
    rng = np.random.default_rng(7)
    p64, t64 = rng.uniform(0.1, 0.9, (3, 4)), rng.uniform(0.1, 0.9, (3, 4))

    def squared(a, b):
        return np.mean((a - b) ** 2)

    def binary(a, b):
        return -np.mean(b * np.log(a) + (1 - b) * np.log(1 - a))

    for operation, function, name in [
        (mean_squared_error, squared, "mean squared error"),
        (binary_cross_entropy, binary, "binary cross-entropy"),
    ]:
        p, t = Tensor(p64, requires_grad=True), Tensor(t64, requires_grad=True)
        compute(operation, p, t).backward(5.0)
        check.close(p.grad, measured(lambda v, f=function: f(v, t64), p64, 5.0),
                    given=f"{name} of (3, 4) tensors, G = 5: gradient of p", rtol=1e-3, atol=1e-5)
        check.close(t.grad, measured(lambda v, f=function: f(p64, v), t64, 5.0),
                    given=f"{name} of (3, 4) tensors, G = 5: gradient of t", rtol=1e-3, atol=1e-5)
        check.unchanged([p.data, t.data], [np.float32(p64), np.float32(t64)],
                        given=f"{name}: predictions and targets after the rule",
                        because="a rule changes nothing in place: the saved arrays belong to "
                                "others")
    for rule in (MSEBackward, BCEBackward):
        dtypes = [str(gradient.dtype) for gradient in rule(p, t).apply(np.float32(1.0))]
        check.equal(dtypes, ["float32", "float32"],
                    given=f"dtypes of the gradients of {rule.__name__}")


test_autograd_losses()

# %% [markdown]
r"""
**Cross-entropy** has the most satisfying derivative of this module. For one row of scores $x$ and
the right class $c$, Module 04 computes

$$L = -\log y_c = \log\Big(\sum_j e^{x_j}\Big) - x_c, \qquad y = \mathrm{softmax}(x)$$

Differentiate it for $x_j$: first for a $j$ that is not $c$, then for $c$ itself. All exponentials
and logarithms cancel into something you already have, and you can say the result in one breath. It
is bounded, however wrong the network is, and that is one reason why Module 04 made exponential,
sum, logarithm and mean one operation: their four separate rules would overflow on the way. The mean
over $n$ rows divides by $n$; scores of shape (N, T, C) are $N\cdot T$ rows.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_cross_entropy", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(cross_entropy)
class CrossEntropyBackward(Function):
    """The rule of L = the mean over all rows of -log softmax(x)[class]."""

    def apply(self, grad_output):
        """Return (gradient of the logits, None). Class numbers have no gradient.

        self.arrays are the logits, of shape (N, C) or (N, T, C), and the classes, (N,) or (N, T),
        stored as float32 (only integers can index). The gradient is float32 and finite for any
        logits. Module 02's softmax(array, dim) gives a new array.

        Example:
            logits [[0, 0]], class [1], G = 1: the gradient is [[0.5, -0.5]].
        """
        ### BEGIN SOLUTION
        logits, classes = self.arrays
        gradient = softmax(logits, -1).reshape(-1, logits.shape[-1])
        classes = classes.reshape(-1).astype(np.int64)
        gradient[np.arange(len(classes)), classes] -= 1
        gradient *= grad_output / len(classes)
        return gradient.reshape(logits.shape), None
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* two- and three-dimensional logits against float64 differences, scale, logits of
1,000, and the logits left as they are.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_cross_entropy", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_autograd_cross_entropy():
    """What was said minus what was right, over n, for two- and three-dimensional logits."""
    enable_autograd(quiet=True)
    x, classes = Tensor([[0.0, 0.0]], requires_grad=True), Tensor([1.0])
    compute(cross_entropy, x, classes).backward()
    check.close(x.grad, [[0.5, -0.5]],
                given="logits [[0, 0]], class 1: gradient",
                because="softmax [0.5, 0.5] minus one-hot [0, 1]")
    check.equal(classes.grad is None, True, given="is the grad of the classes None")
    x = Tensor([[0.0, 0.0], [0.0, 0.0]], requires_grad=True)
    compute(cross_entropy, x, Tensor([1.0, 0.0])).backward(8.0)
    check.close(x.grad, [[2.0, -2.0], [-2.0, 2.0]],
                given="logits of two rows of zeros, classes 1 and 0, G = 8: gradient",
                because="a mean over n = 2 rows: each row counts half of G")
    rng = np.random.default_rng(8)
    for shape in [(5, 3), (2, 3, 4), (1, 6)]:
        values = rng.standard_normal(shape)
        labels = rng.integers(0, shape[-1], shape[:-1])

        def loss(v, labels=labels):
            flat = v.reshape(-1, v.shape[-1])
            chosen = flat[np.arange(len(flat)), labels.ravel()]
            return np.mean(np.log(np.exp(flat).sum(axis=1)) - chosen)

        x = Tensor(values, requires_grad=True)
        compute(cross_entropy, x, Tensor(labels)).backward(3.0)
        check.close(x.grad, measured(loss, values, 3.0),
                    given=f"logits of shape {shape}, G = 3: gradient", rtol=1e-3, atol=1e-5)
        check.unchanged(x.data, values.astype(np.float32),
                        given=f"the logits of shape {shape} after the backward pass",
                        because="the rule changes a new array, not the logits")
    x = Tensor([[1000.0, -1000.0]], requires_grad=True)
    compute(cross_entropy, x, Tensor([1.0])).backward()
    check.close(x.grad, [[1.0, -1.0]],
                given="logits [[1000, -1000]], class 1: gradient",
                because="as wrong as can be, and the gradient is still bounded")
    dtype = CrossEntropyBackward(x, Tensor([1.0])).apply(np.float32(1.0))[0].dtype
    check.equal(str(dtype), "float32", given="the dtype of the gradient")


test_autograd_cross_entropy()

# %% [markdown]
r"""
The gradient of cross-entropy in one breath: *what you said, minus what was right.*

## Part 10: Keep less, compute twice (open)

Every rule above had a choice: **store or recompute**. Sigmoid stores its output, and the slope is
two cheap operations away. GELU stores only its input, and computes its tanh a second time. The
graph as a whole always stores: all intermediate results wait in memory for the backward pass. For a
deep network and a large batch they, and not the parameters, are what fills the machine.

So make the same choice for a whole block. Compute it without recording, keep nothing but its
inputs; and when the backward pass comes by, compute it once more, this time recorded, and go back
through that. Time for memory.

```
 what is in memory, moment by moment; ABC = the insides of the blocks, abc = their results

 plain        A    AB   ABC  |  ABC  AB   A
 recomputed   a    ab   abc  |  abC  aB   A
                 forward     |   backward
```

In words: recomputed, a block's inside exists only while the block has its turn.

This exercise is *open*: the docstrings say what must hold, and how you get there is up to you. A
class for the block's own rule stands ready above `recompute`; if you would rather write one of your
own, put it there too. You have every piece.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_recompute", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "open"}
#| export
class RecomputeBackward(Function):
    """The rule of a whole block: run it again, recorded, and go back through that.

    The inputs are those of the block. What else the rule needs can be a setting.
    """

    def apply(self, grad_output):
        """Return one gradient per input of the block, None for an input that has none.

        The second run is recorded, even if backward() was called inside no_grad(). Only inputs
        that require a gradient are given one in it: for data, nothing is computed.
        """
        ### BEGIN SOLUTION
        fresh = [Tensor(t.data, requires_grad=t.requires_grad) for t in self.saved_tensors]
        before, grad_mode.enabled = grad_mode.enabled, True
        try:
            output = self.settings["block"](*fresh)
        finally:
            grad_mode.enabled = before
        backward(output, grad_output)
        return tuple([None if t.grad is None else t.grad.data for t in fresh])
        ### END SOLUTION


def recompute(block: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    """block(*inputs), of which the graph keeps the inputs only: the inside is computed twice.

    Args:
        block: called with Tensors, returns one Tensor. It gives the same result each time (no
            random numbers), and may use parameters of its own. At least one tensor that takes
            part, an input or a parameter, requires a gradient.
        inputs: tensors that block is called with.

    Returns:
        A Tensor with the result of block. backward() through it gives the inputs and the
        block's parameters the same gradients as backward() through block(*inputs). Until then,
        nothing that was computed inside block stays in memory but the result. block is called
        once now and once during the backward pass; inside no_grad() it is called once, and the
        result requires no gradient.

    Example:
        y = recompute(lambda t: (t * t) * t, x), then y.sum().backward(): x.grad holds 3 x * x.
    """
    ### BEGIN SOLUTION
    with no_grad():
        output = Tensor(block(*inputs).data)
    if not grad_mode.enabled:
        return output
    output.requires_grad = True
    output._grad_fn = RecomputeBackward(*inputs, block=block)
    return output
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* values and gradients against the plain block, inputs and parameters alike; how
often the block runs; that its inside leaves memory; blocks behind blocks; no_grad.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_recompute", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
@probe
def both_ways(case):
    """[value, gradients] by recompute, and the same by the plain block."""
    enable_autograd(quiet=True)
    w = Tensor([0.5, -1.0, 2.0], requires_grad=True)
    a, b = Tensor([[1.0, 2.0, 3.0]], requires_grad=True), Tensor([4.0, 5.0, 6.0])
    c = Tensor([[2.0], [1.0]], requires_grad=True)

    def run(wrap):
        for tensor in (w, a, b, c):
            tensor.grad = None
        y = {
            "one input": lambda: wrap(lambda t: (t * t) * t, a),
            "a parameter": lambda: wrap(lambda t: t * w * w, a),
            "data only": lambda: wrap(lambda t: t * w, b),
            "two inputs": lambda: wrap(lambda s, t: s * t + t * w, a, c),
            "data beside": lambda: wrap(lambda s, t: s * t / t * t, a, b),
            "twice the same": lambda: wrap(lambda s, t: s * t * t, a, a),
            "in a row": lambda: wrap(lambda s: s * w, wrap(lambda t: t * t, a * 2)) + w,
            "used beside": lambda: (lambda x: wrap(lambda t: t * t, x) + x)(a * 2),
            "inside each other": lambda: wrap(lambda s: wrap(lambda t: t * w, s) * s, a),
            "nothing to do": lambda: wrap(lambda t: t, a),
        }[case]()
        y.backward(np.arange(1.0, y.size + 1).reshape(y.shape))
        return [y.data, [None if t.grad is None else t.grad.data for t in (w, a, b, c)]]

    return [run(recompute), run(lambda block, *inputs: block(*inputs))]


@probe
def inside_a_block(with_backward):
    """[calls of the block, inner results alive, requires_grad, x.requires_grad, a leaf's node]."""
    enable_autograd(quiet=True)
    calls, inner = [], []
    x = Tensor([1.0, 2.0], requires_grad=True)

    def block(t):
        calls.append(1)
        hidden = t * t
        inner.append(weakref.ref(hidden.data))
        return hidden * 2

    y = recompute(block, x)
    if with_backward:
        y.backward([1.0, 1.0])
    alive = sum(reference() is not None for reference in inner)
    return [len(calls), alive, y.requires_grad, grad_mode.enabled]


@probe
def without_recording():
    """[calls, requires_grad, has a node] of recompute inside no_grad()."""
    enable_autograd(quiet=True)
    calls, x = [], Tensor([1.0, 2.0], requires_grad=True)
    with no_grad():
        y = recompute(lambda t: (calls.append(1), t * t)[1], x)
    return [len(calls), y.requires_grad, y._grad_fn is not None]


@probe
def who_requires_a_gradient():
    """For each run of a block of an input and data: which of its two tensors require a gradient."""
    enable_autograd(quiet=True)
    seen = []

    def block(s, t):
        seen.append([s.requires_grad, t.requires_grad])
        return s * t

    recompute(block, Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0])).sum().backward()
    return seen


@probe
def backward_without_recording():
    """[x.grad, is recording on] if backward() runs inside no_grad(); is it on afterwards."""
    enable_autograd(quiet=True)
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = recompute(lambda t: t * t, x)
    with no_grad():
        y.backward([1.0, 10.0])
        inside = grad_mode.enabled
    return [x.grad.data, [inside, grad_mode.enabled]]


def test_autograd_recompute():
    """The same values and gradients as the plain block, and less in memory on the way."""
    for case, text in [("one input", "recompute(lambda t: (t * t) * t, a)"),
                       ("a parameter", "a block t * w * w with a parameter w"),
                       ("data only", "a block t * w, called with data"),
                       ("two inputs", "a block s * t + t * w of two inputs that broadcast"),
                       ("data beside", "a block of an input and data"),
                       ("twice the same", "a block s * t * t, called with the same tensor twice"),
                       ("in a row", "w added to two blocks in a row"),
                       ("used beside", "recompute(lambda t: t * t, x) + x with x = a * 2"),
                       ("inside each other", "a block inside a block"),
                       ("nothing to do", "a block that returns its input")]:
        (value, grads), (expected, expected_grads) = both_ways(case)
        check.close(value, expected, given=f"{text}: the result")
        for name, gradient, wanted in zip("wabc", grads, expected_grads, strict=True):
            if wanted is None:
                check.equal(gradient is None, True, given=f"{text}: is {name}.grad None")
            else:
                check.equal(gradient is not None, True, given=f"{text}: has {name} a gradient")
                check.close(gradient, wanted, given=f"{text}: the gradient of {name}",
                            because="recomputing must not change any gradient")
    calls, alive, wants, enabled = inside_a_block(False)
    check.equal([calls, alive], [1, 0],
                given="after the forward pass: [calls of the block, inner results in memory]",
                because="that is the point: the inside is not kept")
    check.equal([wants, enabled], [True, True],
                given="does the result require a gradient; is recording still on")
    check.equal(inside_a_block(True)[:2], [2, 0],
                given="after the backward pass: [calls of the block, inner results in memory]",
                because="computed a second time, and let go again")
    check.equal(without_recording(), [1, False, False],
                given="inside no_grad(): [calls, result.requires_grad, has it a node]",
                because="without a backward pass there is nothing to prepare for")
    check.equal(who_requires_a_gradient(), [[True, False]] * 2,
                given="a block of an input and data: which of the two require a gradient, in the "
                      "first run and in the second",
                because="a gradient of data is work for nothing: a fresh tensor requires one only "
                        "if its input does")
    gradient, switch = backward_without_recording()
    check.close(gradient, [2.0, 40.0],
                given="recompute(lambda t: t * t, x) at [1, 2], then backward([1, 10]) inside "
                      "no_grad(): x.grad",
                because="the second run has to be recorded, whatever the switch says at that time")
    check.equal(switch, [False, True],
                given="the switch after that backward(), inside no_grad() and behind it",
                because="the rule puts it back where it was")


test_autograd_recompute()

# %% [markdown]
r"""
(PyTorch calls this *activation checkpointing*, `torch.utils.checkpoint.checkpoint`. It is how
models that would not fit into memory are trained.) **What will this print?** Sixteen layers, in
blocks of four, plain and recomputed: how much is held after the forward pass, how high does the
memory climb until the backward pass is done, and what does it cost in time?
"""

# %%
blocks = [Sequential(*[step for _ in range(4) for step in (Linear(256, 256), Tanh())])
          for _ in range(4)]
batch = Tensor(np.random.randn(1024, 256))


def forward_through_blocks(run):
    """The loss after all blocks, each of them called by `run`."""
    y = batch
    for block in blocks:
        y = run(block, y)
    return y.mean()


def cost_of_a_pass(run):
    """[MB held after the forward pass, MB at the peak, ms of a whole pass], with gradients."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        forward_through_blocks(run).backward()
        times.append(time.perf_counter() - began)
        for parameter in [p for block in blocks for p in block.parameters()]:
            parameter.zero_grad()
    tracemalloc.start()
    loss = forward_through_blocks(run)
    held = tracemalloc.get_traced_memory()[0]
    loss.backward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    for parameter in [p for block in blocks for p in block.parameters()]:
        parameter.zero_grad()
    return held / 1e6, peak / 1e6, 1000 * min(times)


print(f"one intermediate result: {1024 * 256 * 4 / 1e6:.2f} MB")
for label, run in (("stored", lambda block, y: block(y)), ("recomputed", recompute)):
    held, peak, taken = cost_of_a_pass(run)
    print(f"  {label:<11} held after forward {held:5.1f} MB, peak {peak:5.1f} MB; "
          f"on your machine {taken:.0f} ms")

# %% [markdown]
r"""
A layer is two operations here, so 32 results are stored. Recomputed, the four that the blocks
return stay (4.2 MB), plus the eight of one block while its turn lasts, and the gradients on their
way. The price is one more forward pass. In general, $n$ results in blocks of $\sqrt n$ leave about
$2\sqrt n$ alive.

## Part 11: A loss that swings and a memory that fills up (bug hunt)

A colleague has written `descend` and comes to you, puzzled:

> "I take steps against the gradient, as in your line of four points. The loss falls for a few
> steps. Then it climbs higher than where it began, falls, climbs again: it swings like a pendulum,
> and a smaller step size makes it only swing more slowly. And every step needs more memory than
> the one before. After a thousand steps the machine grinds to a halt. I even keep the graphs, so
> that nothing gets lost!"

Run it (the cell below it shows forty losses), and repair it. There is more than one fault; the
docstring is right.
"""

# %% nbgrader={"grade": false, "grade_id": "autograd_descend", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "bug hunt"}
def descend(model, loss_fn, x: Tensor, targets: Tensor, steps: int, size: float) -> list[float]:
    """Take `steps` steps against the gradient of loss_fn(model(x), targets).

    In each step every parameter's data moves by -size times the gradient at that point.

    Returns:
        The loss before each step, as Python floats. Afterwards no parameter holds a gradient,
        and nothing that was computed on the way stays in memory.
    """
    ### BEGIN BROKEN
    # losses = []
    # for _ in range(steps):
    #     loss_now = loss_fn(model(x), targets)
    #     losses.append(loss_now)
    #     loss_now.backward(retain_graph=True)
    #     for p in model.parameters():
    #         p.data = p.data - size * p.grad.data
    # return losses
    ### END BROKEN
    ### BEGIN SOLUTION
    parameters, losses = model.parameters(), []
    for parameter in parameters:
        parameter.zero_grad()
    for _ in range(steps):
        loss = loss_fn(model(x), targets)
        losses.append(loss.item())
        loss.backward()
        for parameter in parameters:
            parameter.data = parameter.data - size * parameter.grad.data
            parameter.zero_grad()
    return losses
    ### END SOLUTION

# %%
line = Sequential(Linear(1, 1))
for start in line.parameters():
    start.data = np.zeros_like(start.data)
x_line = Tensor([[0.0], [1.0], [2.0], [3.0]])
for k, value in enumerate(descend(line, MSELoss(), x_line, x_line * 2 - 1, 40, 0.1)):
    print(f"{float(np.asarray(value)):6.2f}", end="\n" if k % 10 == 9 else "")

# %% [markdown]
"""
*What is checked:* losses and parameters against steps taken by hand, the type of the losses,
gradients before and after, and that no graph stays in memory.
"""

# %% nbgrader={"grade": true, "grade_id": "test_autograd_descend", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def descent_of_a_line(steps, size, left_over=None):
    """Fit w x + b to 2 x - 1: [losses, their types, w, b, gradients afterwards, graphs alive]."""
    enable_autograd(quiet=True)
    graphs = []

    class Line:
        def __init__(self):
            self.w, self.b = (Tensor([[0.0]], requires_grad=True) for _ in range(2))

        def parameters(self):
            return [self.w, self.b]

        def __call__(self, x):
            y = x * self.w + self.b
            graphs.append(weakref.ref(y.data))
            return y

    line, x = Line(), np.float32([[0], [1], [2], [3]])
    if left_over is not None:
        line.w.grad, line.b.grad = Tensor([[left_over]]), Tensor([[left_over]])
    losses = descend(line, MSELoss(), Tensor(x), Tensor(2 * x - 1), steps, size)
    alive = sum(reference() is not None for reference in graphs)
    return [[float(np.asarray(loss)) for loss in losses],
            sorted({type(loss).__name__ for loss in losses}), line.w.data.item(),
            line.b.data.item(), [line.w.grad, line.b.grad], alive]


@probe
def graphs_left_by_descend(steps):
    """How many losses still have a node that holds something, if somebody keeps the losses."""
    enable_autograd(quiet=True)
    kept, line = [], Sequential(Linear(1, 1))

    def remembering(predictions, targets):
        kept.append(MSELoss()(predictions, targets))
        return kept[-1]

    descend(line, remembering, Tensor([[0.0], [1.0]]), Tensor([[1.0], [3.0]]), steps, 0.1)
    return sum(loss._grad_fn.saved_tensors is not None for loss in kept)


def line_by_hand(steps, size):
    """The same descent in plain numbers: [losses, w, b]."""
    x, w, b, losses = np.arange(4.0), 0.0, 0.0, []
    for _ in range(steps):
        e = w * x + b - (2 * x - 1)
        losses.append(float((e * e).mean()))
        w, b = w - size * 2 * (e * x).mean(), b - size * 2 * e.mean()
    return [losses, w, b]


def test_autograd_descend():
    """Each step uses the gradient of its own point, and leaves nothing behind."""
    for steps, size in [(1, 0.1), (2, 0.1), (40, 0.1), (25, 0.05), (0, 0.1)]:
        losses, kinds, w, b, grads, alive = descent_of_a_line(steps, size)
        expected, right_w, right_b = line_by_hand(steps, size)
        text = f"a line through four points, {steps} steps of size {size}"
        check.equal(len(losses), steps, given=f"{text}: how many losses")
        check.close(losses, expected, rtol=1e-3, atol=1e-4, given=f"{text}: the losses",
                    because="each step takes the gradient of its own point, no sum of earlier ones")
        check.close([w, b], [right_w, right_b], rtol=1e-3, atol=1e-3,
                    given=f"{text}: w and b afterwards")
        check.equal(kinds, ["float"] if steps else [], given=f"{text}: the types of the losses",
                    because="a loss that is a Tensor holds its whole graph; a float holds nothing")
        check.equal([gradient is None for gradient in grads], [True, True],
                    given=f"{text}: are the gradients None afterwards")
        check.equal(alive, 0, given=f"{text}: how many predictions are still in memory",
                    because="one backward pass per graph: it may be freed on the way")
    check.equal(graphs_left_by_descend(3), 0,
                given="3 steps with a loss_fn that keeps its results: how many graphs are left",
                because="nobody goes through a graph twice: each backward pass may release its own")
    expected, right_w, right_b = line_by_hand(5, 0.1)
    losses, _, w, b, _, _ = descent_of_a_line(5, 0.1, 50.0)
    check.close([w, b], [right_w, right_b], rtol=1e-3, atol=1e-3,
                given="parameters that hold a gradient of 50 from before, 5 steps: w and b",
                because="what is left from an earlier pass is no gradient of this point")


test_autograd_descend()

# %% [markdown]
r"""
Gradients that nobody resets add up: a sum of old gradients keeps pushing long after the slope has
turned, like a ball that rolls through the valley and up the other side. A loss kept as a Tensor
holds its node, the node its inputs, and so on down to the batch: every graph of every step. A
number for the log is `loss.item()`. And `retain_graph=True` keeps every node of a step full until
the loss is dropped, although nobody goes through that graph twice.

# Use

## Everything you built, differentiable

Ask every operation for its gradient, and compare with the measured one. **What will you see?** How
large may a difference be that is only rounding?
"""

# %%
np.random.seed(0)
small = Tensor([[0.6, 1.4, 0.9], [1.1, 0.8, 1.3]], requires_grad=True)
other = Tensor([0.7, 1.5, 1.2], requires_grad=True)
square = Tensor(np.random.randn(3, 3), requires_grad=True)
scores = Tensor(np.random.randn(4, 3), requires_grad=True)
truth = Tensor([0, 2, 1, 1])
expressions = {
    "(a + b) * a / b - b": (lambda a, b: (a + b) * a / b - b, small, other),
    "2 - a, 1 / b, -a": (lambda a, b: (2 - a) * (1 / b) - a, small, other),
    "a @ W @ b": (lambda a, w, b: a @ w @ b, small, square, other),
    "mean and max": (lambda a: a.mean(axis=0) * a.max(axis=0), small),
    "reshape, transpose": (lambda a: a.reshape(3, 2).transpose() * a, small),
    "rows [2, 0, 2]": (lambda w: w[np.array([2, 0, 2])] * w[1], square),
    "a mask": (lambda a: a[np.array([[True, False, True]] * 2)], small),
    "log softmax": (lambda s: log_softmax(s, dim=0), scores),
    "cross-entropy": (lambda s: CrossEntropyLoss()(s, truth), scores),
}
for expression, (f, *tensors) in expressions.items():
    print(f"  {expression:<22} largest difference {check_gradients(f, *tensors):.1e}")

# %% [markdown]
r"""
All below one per cent of the numbers involved: the noise floor of Part 1. Then a whole network, 784
→ 128 → 10, with a cross-entropy on top: 101,770 parameters. Entry by entry that would be 203,540
forward passes. One random direction needs two.
"""

# %%
network = Sequential(Linear(784, 128), Tanh(), Linear(128, 10))
images, labels = Tensor(np.random.rand(64, 784)), Tensor(np.random.randint(0, 10, 64))
count = sum(parameter.size for parameter in network.parameters())
found, seen_slope = check_direction(
    lambda *_: CrossEntropyLoss()(network(images), labels), *network.parameters()
)
print(f"{count:,} parameters: slope by backward() {found:.4f}, by two evaluations {seen_slope:.4f}")
print("the images' gradient:", images.grad, "(nobody asked for it, so it was never computed)")

# %% [markdown]
r"""
## How much arrives at the first layer?

In Module 03 you watched numbers vanish on the way forward. Gradients travel the same layers
backward. Ten hidden layers look at 200 handwritten digits. **What will you see?** With which of the
three activations does the first layer learn next to nothing?
"""

# %%
pixels, digits = Tensor(test_images.reshape(-1, 64)), Tensor(test_labels)


def gradient_sizes(activation, depth=10, width=64):
    """Root mean square of each weight's gradient, first layer first."""
    np.random.seed(0)
    steps = [step for _ in range(depth) for step in (Linear(64, width), activation)]
    model = Sequential(*steps, Linear(width, 10))
    CrossEntropyLoss()(model(pixels), digits).backward()
    weights = [layer.weight for layer in model if isinstance(layer, Linear)]
    return [float(np.sqrt(np.mean(np.square(weight.grad.data)))) for weight in weights]


sizes = {kind.__name__: gradient_sizes(kind()) for kind in (Sigmoid, Tanh, ReLU)}
for name, by_layer in sizes.items():
    print(f"  {name:<8} first layer {by_layer[0]:.1e}   last layer {by_layer[-1]:.1e}")
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    for name, by_layer in sizes.items():
        axes.semilogy(range(1, len(by_layer) + 1), by_layer, "o-", label=name)
    axes.set(xlabel="layer (1 is next to the image)", ylabel="size of the weight's gradient",
             xticks=range(1, 12), title="Gradients of ten hidden layers and the last")
    axes.legend()
    plt.show()
except ImportError:
    print("Without matplotlib you miss three lines; the sigmoid's falls off a cliff to the left.")

# %% [markdown]
r"""
This is Module 02's quarter, seen from the other end: ten slopes of at most 1/4 leave a millionth,
and these initial weights shrink it further: Hochreiter's **vanishing gradient**. The line of
ReLU is level: what arrives at the last layer arrives at the first. (It sits low because the numbers
shrank on the way *forward*, with weights of the size $\sqrt{1/\text{in}}$; you found the remedy in
Module 03.)

## A network learns to read

Take the function you repaired, a network with one hidden layer, and a thousand handwritten digits.
**What will this print?** An untrained network guesses, or does worse. After 200 steps? Does it beat
the ten pictures of Part 8?
"""

# %%
np.random.seed(1)
reader = Sequential(Linear(64, 32), Tanh(), Linear(32, 10))
inputs, answers = Tensor(train_images.reshape(-1, 64)), Tensor(train_labels)


def share_right():
    """The share of the 200 test digits that the network reads correctly."""
    with no_grad():
        return float((reader(pixels).data.argmax(axis=1) == test_labels).mean())


print(f"before:          {share_right():.0%} of the test digits right")
for total_steps in (50, 100, 150, 200):
    losses = descend(reader, CrossEntropyLoss(), inputs, answers, 50, 0.5)
    print(f"after {total_steps} steps: loss {losses[-1]:.3f}, {share_right():.0%} right")

# %% [markdown]
r"""
Nobody told the network what a seven looks like, and it reads more digits than the ten pictures do:
with a hidden layer it can bend. (Taking such steps *well* is Module 06.)

Gradients are not only for parameters. Ask for that of an *image*: which pixels would make the loss
rise if they were darker? **What will you see?** Where does the network look?
"""

# %%
shown = Tensor(test_images[:2].reshape(-1, 64), requires_grad=True)
CrossEntropyLoss()(reader(shown), Tensor(test_labels[:2])).backward()
influence = shown.grad.data.reshape(-1, 8, 8)
print("of", shown.data[0].size, "pixels each, so many would raise the loss if they were darker:",
      [int((one > 0).sum()) for one in influence])
try:
    import matplotlib.pyplot as plt

    figure, grid = plt.subplots(1, 4, figsize=(9, 2.6), layout="constrained")
    for k in (0, 1):
        limit = np.abs(influence[k]).max()
        grid[2 * k].imshow(test_images[k], cmap="gray_r")
        grid[2 * k].set_title(f"a {test_labels[k]}")
        grid[2 * k + 1].imshow(influence[k], cmap="coolwarm", vmin=-limit, vmax=limit)
        grid[2 * k + 1].contour(test_images[k], levels=1, colors="black")
        grid[2 * k + 1].set_title("gradient and outline")
    for axes in grid:
        axes.set(xticks=[], yticks=[])
    figure.suptitle("Darker here: the loss rises (red) or falls (blue)")
    plt.show()
except ImportError:
    print("Without matplotlib you miss two digits, and where ink would make them another digit.")

# %% [markdown]
r"""
Red marks where more ink would make it look like another digit, blue where more ink would make it
more itself. (A 5 that is closed at the upper right is nearly a 9. Is it red there?) One
`backward()` gives both, for every image.

# Reflect

## What it costs

### Memory: the graph keeps the forward pass alive

Without recording, each intermediate result is freed as soon as the next one exists. With recording,
all of them wait. **What will this print?** Eight layers of `Linear` and `Tanh`: how many results
wait, and how many MB remain after the backward pass?
"""

# %%
deep = Sequential(*[layer for _ in range(8) for layer in (Linear(256, 256), Tanh())])
batch = Tensor(np.random.randn(128, 256))


def megabytes_during(action):
    """(held afterwards, peak) in MB that `action` adds; what it returns stays alive meanwhile."""
    tracemalloc.start()
    result = action()
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del result
    return held / 1e6, peak / 1e6


def train_pass():
    """Forward and backward, then without the gradients."""
    loss = deep(batch).mean()
    loss.backward()
    for parameter in deep.parameters():
        parameter.zero_grad()
    return loss


predict = no_grad()(lambda: deep(batch))
print(f"one intermediate result: {128 * 256 * 4 / 1e6:.2f} MB")
print("                            held afterwards      peak")
for name, action in [("prediction, no_grad()", predict), ("forward, recorded", lambda: deep(batch)),
                     ("forward and backward", train_pass)]:
    held, peak = megabytes_during(action)
    print(f"  {name:<24} {held:8.2f} MB {peak:12.2f} MB")

# %% [markdown]
r"""
The recorded pass holds all 16 results (a linear layer is one operation: as product and sum it would
be 24), and its memory grows with depth and with batch size. After the backward pass nothing is
left, because the nodes were released on the way.

### Time: forward, backward, and the recording itself

**What will this print?** How much longer than the forward pass alone do forward and backward take?
And an operation in a chain of ten thousand, compared with one in a chain of a thousand?
"""

# %%
def milliseconds(action, repeats=15):
    """Median time of `action`."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return 1000 * float(np.median(times))


classifier = Sequential(Linear(784, 128), ReLU(), Linear(128, 10))
forward_only = no_grad()(lambda: CrossEntropyLoss()(classifier(images), labels))


def with_autograd():
    """One forward and backward pass of the engine."""
    for parameter in classifier.parameters():
        parameter.zero_grad()
    CrossEntropyLoss()(classifier(images), labels).backward()


a, b = milliseconds(forward_only), milliseconds(with_autograd)
print(f"784-128-10, batch 64, on your machine: forward {a:.2f} ms, with backward {b:.2f} ms")


def chain(length):
    """Record `length` operations in a row and send a gradient back."""
    y = Tensor([1.0], requires_grad=True)
    for _ in range(length):
        y = -y
    y.backward()


gc.disable()  # its rounds through 10,000 live nodes are no part of the engine
chain(1_000)  # the first round is slower: Python and NumPy warm up
for length in (1_000, 10_000):
    each = 1000 * milliseconds(lambda length=length: chain(length), 7) / length
    print(f"a chain of {length:6,} operations, on your machine: {each:.1f} microseconds each")
gc.enable()

# %% [markdown]
r"""
Counted in multiplications, backward does two products where forward does one; here the first
layer's input is data, so one of the two big products is spared. Recording and walking cost
about the same per operation whatever the size of the arrays: little beside a product of large
matrices, nearly everything in a loop over single numbers. Per operation the cost does not grow with
the length of the chain. That is what *linear* means.

### Scatter-add: sorting against `np.add.at`

**What will this print?** Which of the two suffers more when the table grows from 64 to 5,000 rows,
and why does the time of either depend on the table at all?
"""

# %%
for vocabulary in (64, 5000):
    ids = np.random.randint(0, vocabulary, 1024)
    rows = np.random.randn(1024, 128).astype(np.float32)

    def one_at_a_time(vocabulary=vocabulary, ids=ids, rows=rows):
        table = np.zeros((vocabulary, 128), dtype=np.float32)
        np.add.at(table, ids, rows)

    slow = milliseconds(one_at_a_time, 5)
    fast = milliseconds(lambda ids=ids, rows=rows, n=vocabulary: scatter_add_rows(rows, ids, n), 5)
    print(f"{vocabulary:5d} rows, 1024 lookups of width 128, on your machine: np.add.at "
          f"{slow:.2f} ms, sorting {fast:.2f} ms")

# %% [markdown]
r"""
Usually sorting, in proportion: it had less to do before. Both have to fill a table of zeros, which
is what grows. How much sorting gains depends on your machine, on NumPy's version and on the shapes;
newer versions of NumPy have made `np.add.at` faster. Measure before you believe, this course
included.

## Questions

**1.** (A new case.) A layer has 512 inputs and 512 outputs. From which batch size on do its results
take more memory than its weights? What follows for text, where a batch of eight pages has 8,000
words, and each word is a row?

<details><summary>Answer</summary>

The weights are 512 × 512 numbers, the results (rows) × 512: from 513 rows on. It is the rows that
count, so eight pages leave about 16 times as many numbers in the graph as there are in the weights,
in every layer. With long texts, the intermediate results fill the machine; there `recompute` pays.

</details>

**2.** Somebody writes an engine without your seam. Its `enable()` replaces every operator by a
wrapper: `old = Tensor.__mul__`, then `Tensor.__mul__ = wrapped`, where `wrapped` calls `old` and
records. What happens when two libraries both call `enable()`? When an operation is forgotten?

<details><summary>Answer</summary>

The second call wraps the wrapper: everything is recorded twice, and every gradient arrives twice,
unless a flag prevents it. A forgotten operation keeps working and is not recorded: its gradient is
missing without a word. With a seam there is one place to fill, filling it again changes nothing,
and what has no rule is refused.

</details>

**3.** Why does backpropagation go from the loss to the parameters, and not from the parameters to
the loss?

<details><summary>Answer</summary>

The chain rule is a product of matrices (one per operation), and it may be multiplied from either
end. From the loss, the running product is the gradient of *one* number with respect to something:
as large as that something, one pass for all parameters. From the parameters, you would carry along
one column per parameter, or repeat the pass for each. With one loss and a million parameters the
choice is a factor of a million. (With one input and a million outputs it would be the other way
round.)

</details>

**4.** (A new case.) You wrap a block that contains `Dropout(0.5)` in `recompute`. The program runs
without an error, but training goes badly. Why? What would have to be kept besides the inputs?

<details><summary>Answer</summary>

Dropout draws a new mask at the second run. The forward pass used one mask, the gradient belongs to
another: it is the right gradient of a result that nobody saw. The state of the random number
generator at the time of the first run would have to be kept, and put back for the second. (PyTorch
does that, unless told otherwise.)

</details>

**5.** (A new case.) A table has 50,000 rows of width 512, and a batch looks up 200 of them. How
large is the gradient of the table, and how much of it is not zero? Which functions of yours
would have to change for a *sparse* gradient, one that holds only the rows that are not zero?

<details><summary>Answer</summary>

50,000 × 512 × 4 bytes = 102 MB, of which 200 rows, 0.4 MB, are not zero. One would hand on the
row numbers and their rows. `scatter_add_rows` would stop before it fills the table, `accumulate`
would add up two such lists, and `input_gradients` would let one pass. The price:
whoever uses gradients now has to understand two kinds of them. `torch.nn.Embedding(...,
sparse=True)` does all that.

</details>

**6.** (Without an answer.) Your machine has room for half of the intermediate results, and layers
differ: some results are large and cheap to recompute (a ReLU), some small and expensive (a product
of large matrices). Which half do you keep? Is there a rule that is always right, and what would you
have to know to find it?
"""

# %% [markdown]
r"""
## Common errors

The reference's messages; yours may be worded differently.

| what you see | what it means | what to do |
|---|---|---|
| `ValueError: backward() without a gradient starts from a single number, but this tensor has shape (64, 10)` | called on the predictions | call it on the loss, or reduce first |
| `RuntimeError: backward() was called on a tensor that requires no gradient` | no parameter took part, or it was computed inside `no_grad()` | look for a detour through `.data` on the way |
| `RuntimeError: this part of the graph was freed by an earlier backward()` | two backward passes through the same results | compute the result again; two losses on one network: add them |
| `TypeError: MulBackward.apply must return arrays, but one gradient is of type Tensor` | the rule calculated with `self.saved_tensors` | `self.arrays` |
| `NotImplementedError: the operation 'cube_root' has no backward rule` | you invented an operation | give it a rule |
| `RuntimeError: MulBackward returned a gradient of shape (3,) for an input of shape (2, 3)` | a rule forgot an axis | compare the shapes in the rule |
| `ValueError: the gradient has shape (3, 2), but the tensor has shape (2, 3)` | the gradient you pass does not look like the tensor | pass one of the tensor's shape |
| `AttributeError: 'NoneType' object has no attribute 'data'` at `parameter.grad.data` | this parameter received no gradient | it takes no part in the loss, or the chain is interrupted by `Tensor(x.data)` |
| no error, the loss swings or explodes | gradients were not reset | `zero_grad()` in each step |
| no error, memory grows with every step | losses are kept as Tensors, or graphs with `retain_graph` | keep `loss.item()` |

## In production

| yours | PyTorch |
|---|---|
| `x = Tensor([[1., 2.]], requires_grad=True)` | `x = torch.tensor([[1., 2.]], requires_grad=True)` |
| `loss = (x @ W).sum()` | the same line |
| `loss.backward()`, then `x.grad` | the same |
| `loss._grad_fn`, a `SumBackward` | `loss.grad_fn`, a `SumBackward0` |
| `with no_grad(): ...` | `with torch.no_grad(): ...` |
| `recompute(block, x)` | `torch.utils.checkpoint.checkpoint(block, x, use_reentrant=False)` |
| `class CubeBackward(Function)` beside `cube`, with `@backward_rule(cube)` | `class Cube(torch.autograd.Function)` with `forward` and `backward` in it |
| `RULES` | `tools/autograd/derivatives.yaml`, from which C++ is generated |

What PyTorch adds: each tensor carries a version counter, so that overwriting a saved tensor is
noticed; rules save only what they need; the rules themselves are recorded on demand, which gives
gradients of gradients (`create_graph=True`).

## Read the source

> **`torch/csrc/autograd/engine.cpp`**, the functions `Engine::compute_dependencies` and
> `Engine::evaluate_function`.
>
> *Look for:* where your topological order is. There is none! A first sweep counts, for every node,
> how many others will report to it. In the second, each report takes one off the count, and a node
> whose count reaches zero goes into a *ready queue*, from which the next one is taken. The same
> condition as yours ("only when everybody has reported"), checked on the way; it lets one
> thread per device work at the same time.
>
> *Simpler in ours:* one list, made before the walk; one thread; a dictionary of sums.
>
> *Different in behaviour:* give both the tensor [5, 5, 1]. The gradient of `max()` is [½, ½, 0] in
> both. Along an axis, `x.max(axis=0)` still shares in ours; PyTorch's `x.max(dim=0).values` gives
> everything to one entry, [1, 0, 0] (its `amax` shares). And `Cube.apply(x)` of a
> `torch.autograd.Function` runs the *forward* computation and records it, while your
> `Function.apply` is the backward rule. Last: change `w` in place between forward and backward of
> `w * w`. After `w += 1` inside `torch.no_grad()` PyTorch refuses: its version counter has moved.
> Through `w.data` neither of us complains, and both answer with the new w. Ours has no counter at
> all.

## Further reading

- **Rumelhart, Hinton and Williams, 1986**, *Learning representations by back-propagating errors*.
  Four pages that changed the field. You have implemented all but one formula: the step with
  momentum, which comes in Module 06.
- **Baydin, Pearlmutter, Radul and Siskind, 2018**, *Automatic Differentiation in Machine Learning:
  a Survey*. Both directions of the chain rule, and why this is neither symbolic nor numerical.
- **Paszke and others, 2019**, *PyTorch: An Imperative Style, High-Performance Deep Learning
  Library*. What it takes to make the engine of this module fast; read section 5 after Module 07.

## All together
"""

# %%
def test_module():
    """All graded tests, then one training step of a network checked against a hand-written one."""
    for test in (
        test_autograd_numerical_gradient, test_autograd_function, test_autograd_arithmetic,
        test_autograd_unbroadcast, test_autograd_input_gradients, test_autograd_record,
        test_autograd_no_grad, test_autograd_initial_gradient, test_autograd_recursion,
        test_autograd_topological_order, test_autograd_accumulate, test_autograd_backward,
        test_autograd_enable, test_autograd_check_gradients, test_autograd_matmul,
        test_autograd_linear, test_autograd_reductions, test_autograd_moving,
        test_autograd_embedding, test_autograd_activations, test_autograd_softmax,
        test_autograd_losses, test_autograd_cross_entropy, test_autograd_recompute,
        test_autograd_descend,
    ):
        test()

    @probe
    def both_gradients():
        """Of one 784-128-10 network: by the engine, and by somebody who knows calculus."""
        enable_autograd(quiet=True)
        np.random.seed(5)
        network = Sequential(Linear(784, 128), ReLU(), Linear(128, 10))
        x, digits = np.random.rand(64, 784).astype(np.float32), np.random.randint(0, 10, 64)
        CrossEntropyLoss()(network(Tensor(x)), Tensor(digits)).backward()
        w1, b1, w2, b2 = (parameter.data for parameter in network.parameters())
        hidden = np.maximum(x @ w1 + b1, 0)
        z = hidden @ w2 + b2
        odds = np.exp(z - z.max(axis=1, keepdims=True))
        g = odds / odds.sum(axis=1, keepdims=True)
        g[np.arange(64), digits] -= 1
        g /= 64
        gh = (g @ w2.T) * (hidden > 0)
        by_hand = [x.T @ gh, gh.sum(axis=0), hidden.T @ g, g.sum(axis=0)]
        return [np.asarray(parameter.grad) for parameter in network.parameters()], by_hand

    for position, (gradient, expected) in enumerate(zip(*both_gradients(), strict=True)):
        check.close(gradient, expected, rtol=1e-4, atol=1e-6,
                    given=f"784-128-10 network: gradient of parameter {position}")
    print("Module 05 (Autograd): all tests passed; what you compute, you can now differentiate.")


test_module()

# %% [markdown]
r"""
## What this unlocks

You have written the part of a framework that most of its users never look into. From here on, "how
would this change the loss?" costs one call. **Module 06 (Optimizers)** turns gradients into good
steps, **Module 07 (Training)** repeats them over a data set, and every later module that invents an
operation registers one rule beside it, with `@backward_rule`; your engine does the rest.

Close the module in a terminal:

```
tito module complete 05
```

And try your framework at once, in any Python:

```python
from tinytorch import Tensor
x = Tensor([2.0], requires_grad=True)
(x * x * x).backward(); print(x.grad)    # 3 x^2 = 12
```
"""
