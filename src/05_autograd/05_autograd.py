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
# Module 05: Autograd

**Tier** Foundation | **Difficulty** ●●●○ | **Time** 6-8 hours | **Prerequisites** 01-04

Your network computes, and your loss says how wrong it is. What is missing is the question every training
step asks: *which way should each of these 100,000 numbers move, and how much does it matter?* The answer is
one number per parameter, its **gradient**. In this module you build the engine that finds all of them at
once, for any model, from a single call: `loss.backward()`.

## Where this module stands

```
 01 Tensor          every result passes through compute()
 02 Activations     relu, sigmoid, tanh, gelu, softmax
 03 Layers          parameters, marked requires_grad=True
 04 Losses          one number: how wrong
      |
      v
 +-----------------------------------------------------+
 |                    05 Autograd                      |
 |   record  ->  graph  ->  order  ->  rules, backward |
 +-----------------------------------------------------+
      |
      v
 06 Optimizers (use the gradients) -> 07 Training -> every model after that
```

In words: Modules 01 to 04 compute a loss; this module records how, walks the record backward, and hands each
parameter its gradient; from Module 06 on, everything that learns uses those gradients.

## Learning objectives

By the end of this module you can

1. measure any derivative by finite differences, and say how exact that can be in float32 and why;
2. write the backward rule of an operation in one to three lines, for some twenty operations;
3. record a computation as a graph, without touching a line of the code that computes;
4. explain why the obvious recursion is right on a tree and hopeless on a graph, and replace it by an order;
5. say who owns each gradient array, what the graph keeps in memory, and when it is freed;
6. check every gradient you will ever derive, with a tool of your own.

## What you build

| part | names | idea |
|---|---|---|
| 1 | `numerical_gradient` | a slope, measured |
| 2 | `Function`, first rules | a slope, derived: one rule per operation |
| 3 | `unbroadcast` | what broadcasting copied, the gradient adds up |
| 4 | `record`, `no_grad` | the graph writes itself |
| 5 | `backward_by_recursion`, `topological_order`, `accumulate`, `backward` | the way back, three attempts |
| 6 | `enable_autograd`, `check_gradients` | switch it on, prove it right |
| 7 | the other rules | products, sums, views, lookups, activations, losses |

Parts 1 to 3, Parts 4 to 6, Part 7 and the rest: three sittings. Each ends at a good place to stop.

**Not yet**: nothing is updated here; Module 06 decides what to do with a gradient. **Not at all**: this
engine computes no gradients of gradients, and it does not notice when you overwrite a tensor's data between
the forward and the backward pass.
"""

# %%
#| default_exp core.autograd

# %%
#| export
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from tinytorch.core.activations import gelu, relu, sigmoid, softmax, tanh
from tinytorch.core.losses import (
    PROBABILITY_MARGIN,
    binary_cross_entropy,
    cross_entropy,
    log_probabilities,
    mean_squared_error,
)
from tinytorch.core.tensor import (
    Tensor,
    add,
    as_array,
    divide,
    matmul,
    multiply,
    negate,
    permute,
    reduce_max,
    reduce_mean,
    reduce_sum,
    reshape,
    subtract,
    take,
    transpose,
)

# %%
# For the test cells and experiments below; not part of your framework.
import time
import tracemalloc
import weakref

from tinytorch.core.activations import ReLU, Sigmoid, Tanh
from tinytorch.core.layers import Linear, Sequential
from tinytorch.core.losses import BinaryCrossEntropyLoss, CrossEntropyLoss, log_softmax
from tinytorch.core.tensor import compute
from tito.checks import check, probe

# %% [markdown]
r"""
## Part 1: A slope you can measure

The gradient of a loss $L$ with respect to a tensor $x$ is a tensor of the same shape. Each entry says how
fast $L$ rises when that entry of $x$ rises and nothing else changes. You do not need calculus to find it.
Nudge the entry a little to either side, see what happens, divide:

$$\frac{\partial L}{\partial x_i} \approx \frac{L(x_i + \varepsilon) - L(x_i - \varepsilon)}{2\,\varepsilon}$$

This is a **central difference**. Looking both ways is worth the second evaluation: the error of a one-sided
difference shrinks like $\varepsilon$, that of a central one like $\varepsilon^2$.

It is also hopelessly slow. A network with 100,000 parameters needs 200,000 forward passes for one gradient.
But it is almost impossible to get wrong, and that makes it the judge of everything else in this module.

**One detail.** Your tensors hold float32, with about seven digits. `1000 + 0.01` is not stored as 1000.01
but as the nearest float32, 1000.01001. So the step that is really taken differs a little from the step you
asked for. Read back what was stored, and divide by *that* difference.
"""


# %% nbgrader={"grade": false, "grade_id": "autograd_numerical_gradient", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def numerical_gradient(f: Callable, x: Tensor, eps: float = 1e-2) -> np.ndarray:
    """The gradient of f at x by central differences: two evaluations of f for each entry of x.

    Args:
        f: called as f(x); returns one number (a float, or a Tensor or array with one element).
        x: the point. Its data is changed in place for each evaluation, entry by entry, so f
            may also be a function that ignores its argument and reaches x some other way
            (a model that holds x as a parameter). Afterwards x.data is exactly what it was.
        eps: how far to step to either side.

    Returns:
        An ndarray of x's shape, float64.

    Example:
        numerical_gradient(lambda t: (t * t).sum(), Tensor([1.0, 2.0])) is close to [2.0, 4.0].

    Hints: np.ndindex(x.shape) yields the index of every entry, also for shape () (one index, ()).
    np.asarray(value).item() turns a float, an array or a Tensor with one element into a number.

    Steps, for each index:
        1. Remember x.data[index].
        2. Set it to the remembered value + eps. Read back what was stored, as a Python float
           (`above`), and evaluate f.
        3. The same with - eps (`below`).
        4. Put the remembered value back.
        5. Divide the difference of the two results by above - below, the step really taken.
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


# %% nbgrader={"grade": true, "grade_id": "test_autograd_numerical_gradient", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
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
    check.close(
        gradient, [2.0, 4.0, -6.0], rtol=2e-3, given="f(x) = sum(x * x) at [1, 2, -3]",
        because="the derivative of x * x is 2 x",
    )
    check.equal(after, np.float32([1, 2, -3]), given="x.data after the call", because="every entry is put back before the next one moves")
    gradient, _ = measured_slopes([[1.0, 2.0, 0.5]], 3)
    check.close(
        gradient, [[3.0, 12.0, 0.75]], rtol=2e-3, given="f(x) = sum(x * x * x) at [[1, 2, 0.5]]",
        because="the derivative is 3 x * x; a one-sided difference would be off by 1 to 2 %",
    )
    gradient, offsets, same = slope_of_a_line(1000.0, None)
    check.close(
        gradient, [3.0], rtol=1e-7, given="f(x) = 3 x at x = 1000, computed without rounding",
        because="1000 + 0.01 is stored as 1000.01001: divide by the step that was really taken",
    )
    check.close(offsets, [0.01, -0.01], atol=1e-4, given="where f was evaluated, relative to x", because="eps is 0.01 by default, once to either side")
    check.equal(same, True, given="x = 1000 after the call")
    check.close(slope_of_a_line(2.0, 0.25)[1], [0.25, -0.25], given="where f was evaluated with eps=0.25, relative to x")
    check.close(
        slope_through_a_closure(), [[2.0, 4.0], [6.0, 8.0]], rtol=2e-3,
        given="f = lambda _: (x * x).sum() with x from outside", because="x itself has to move, not a copy of it",
    )
    gradient, after = measured_slopes(3.0, 2)
    check.close(gradient, np.array(6.0), rtol=2e-3, given="f(x) = x * x at a tensor of shape ()")
    check.equal(str(gradient.dtype), "float64", given="the dtype of a numerical gradient")


test_autograd_numerical_gradient()

# %% [markdown]
"""
### How small should the step be?

Smaller steps follow the curve better, so take a tiny one? Measure before you believe it.
"""

# %%
point = Tensor([0.5, 1.0, 2.0])
exact = 3 * point.data**2
print("error of the measured gradient of sum(x * x * x), at x = [0.5, 1, 2]")
for trial_eps in (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
    error = np.abs(numerical_gradient(lambda t: (t * t * t).sum(), point, trial_eps) - exact).max()
    print(f"  eps = {trial_eps:<8g} largest error {error:8.2g}   {'#' * max(1, round(20 + 4.5 * np.log10(error)))}")

# %% [markdown]
r"""
The error falls, then rises again. Two sources work against each other:

- **Truncation**: a curve is not a line. This error shrinks like $\varepsilon^2$.
- **Rounding**: $L$ carries a relative error of about $6\cdot 10^{-8}$ (float32), and you divide it by
  $2\varepsilon$. This error *grows* like $10^{-7}\,|L|/\varepsilon$. It is the **noise floor**: below it,
  you measure the last bits of $L$ and nothing else.

They meet near $\varepsilon \approx 10^{-2}$, where about four digits are right. That is why `eps` defaults
to `1e-2` and why the tolerance of every gradient check in this module is near one per cent, not near
$10^{-7}$. With float64 the meeting point would lie near $10^{-5}$, with ten digits; our tensors are
float32, so we live with four. Four digits are plenty: a wrong rule is hardly ever wrong by less than a
factor.

## Part 2: A slope you can derive

A loss is a long chain of small operations: products, sums, a maximum, a logarithm. The **chain rule** says
that derivatives along a chain multiply. If $x$ makes $y$ and $y$ (after many more steps) makes the loss
$L$, then

$$\frac{\partial L}{\partial x} = \frac{\partial L}{\partial y}\cdot\frac{\partial y}{\partial x}$$

The second factor belongs to *one* operation, and you can look it up. The first one is what the rest of the
network reports back: "if $y$ rose, $L$ would rise this fast". So each operation needs one skill only,
called its **backward rule**:

> Given $G = \partial L/\partial y$, the gradient of my output: what is the gradient of each of my inputs?

```
 forward:     a ---\
                    (*) ---> y = a * b ---> ... ---> L
              b ---/

 backward:    G * b <--\
                        (*) <--- G = dL/dy <--- ... <--- 1
              G * a <--/
```

In words: forward, two inputs become one output; backward, the gradient of the output comes in and one
gradient for each input goes out. For $y = a\,b$ the rule is $G\,b$ for $a$ and $G\,a$ for $b$.

No rule ever sees the whole network. That is the entire trick: local knowledge, multiplied along the way.

A rule needs to remember what the operation saw. So every recorded operation becomes an object, a
`Function`, that keeps its input tensors, its output array and its settings (an axis, a key), and has a
method `apply(grad_output)`. The objects and the tensors they hold are at the same time the **computation
graph**: each tensor points to the `Function` that made it, each `Function` points to its input tensors.

Tensors that no recorded operation made (parameters, data) are the **leaves** of the graph. They have no
`Function`; the attribute `_grad_fn` is None for them. The last line of the next cell says so once, for all
tensors.
"""


# %% nbgrader={"grade": false, "grade_id": "autograd_function", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Function:
    """One recorded operation: a node of the computation graph, and its backward rule.

    Attributes:
        saved_tensors: tuple of the input Tensors, in order. They are the edges of the graph.
        output: the result as an ndarray. Not the Tensor: that one refers to this node. Python
            frees an object the moment nothing refers to it any more; two objects that refer to
            each other have to wait for the garbage collector.
        settings: dict of the operation's settings, such as {"axis": 1, "keepdims": False}.

    A subclass is the rule of one operation; it defines apply().
    """

    def __init__(self, *tensors: Tensor, output: np.ndarray | None = None, **settings):
        """Keep what the rule will need: the three attributes described above, as they came.

        Example:
            Function(a, b).saved_tensors is (a, b);
            Function(a, output=y, axis=1).settings is {"axis": 1}.
        """
        ### BEGIN SOLUTION
        self.saved_tensors = tensors
        self.output = output
        self.settings = settings
        ### END SOLUTION

    def needs(self, i: int) -> bool:
        """Whether input number i requires a gradient.

        A rule asks this before it computes something expensive: usually nobody wants the
        gradient of a batch of images.

        Example:
            with w = Tensor([1.0], requires_grad=True) and x = Tensor([1.0]),
            Function(x, w).needs(0) is False and Function(x, w).needs(1) is True.
        """
        ### BEGIN SOLUTION
        return self.saved_tensors[i].requires_grad
        ### END SOLUTION

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

    def parents(self) -> list[Tensor]:
        """The inputs that require a gradient. RuntimeError if the graph has been freed."""
        if self.saved_tensors is None:
            raise RuntimeError(
                "this part of the graph was freed by an earlier backward(). Compute the result "
                "again, or keep the graph: backward(retain_graph=True)."
            )
        return [tensor for tensor in self.saved_tensors if tensor.requires_grad]

    def release(self) -> None:
        """Let go of everything this node keeps in memory."""
        self.saved_tensors = self.output = self.settings = None


Tensor._grad_fn = None  # a leaf; an operation's result gets its own _grad_fn when it is recorded


# %% nbgrader={"grade": true, "grade_id": "test_autograd_function", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@probe
def what_a_node_keeps():
    """Identity of what was stored."""
    a, b, y = Tensor([1.0], requires_grad=True), Tensor([2.0]), np.array([3.0], dtype=np.float32)
    node = Function(a, b, output=y, axis=1, keepdims=True)
    kept = [node.saved_tensors[0] is a, node.saved_tensors[1] is b, node.output is y]
    return [type(node.saved_tensors).__name__, len(node.saved_tensors), kept, node.settings]


def test_autograd_function():
    """A node keeps its inputs, output and settings, and knows which inputs need a gradient."""
    kind, count, kept, settings = what_a_node_keeps()
    check.equal([kind, count], ["tuple", 2], given="saved_tensors of Function(a, b, output=y, axis=1, keepdims=True)")
    check.equal(
        kept, [True, True, True], given="saved_tensors[0] is a, saved_tensors[1] is b, output is y",
        because="the node keeps the tensors themselves: they lead on to the rest of the graph",
    )
    check.equal(settings, {"axis": 1, "keepdims": True}, given="settings of Function(a, b, output=y, axis=1, keepdims=True)")
    w, x = Tensor([1.0], requires_grad=True), Tensor([2.0])
    node = Function(x, w)
    check.equal([node.needs(0), node.needs(1)], [False, True], given="needs(0), needs(1) of Function(x, w), where only w requires a gradient")
    check.equal([node.output, node.settings], [None, {}], given="output and settings of Function(x, w)")
    check.equal([len(node.parents()), len(Function(w, w, w).parents())], [1, 3], given="how many parents Function(x, w) and Function(w, w, w) have")


test_autograd_function()

# %% [markdown]
r"""
### A table of rules

Where do rules live? Not in `Tensor`, and not in a long chain of `if`s, but in a table: operation name, rule
class. A decorator fills it, so a rule stands in the table from the moment it is written. Modules to come
will add their own rules with the same line.

Two rules are given as models. Addition: if $a$ rises by a bit, $a+b$ rises by the same bit, so the gradient
is passed on as it is, to both inputs. Negation turns the sign.

Look at how they end. A rule **always returns a tuple**, with one entry per input, also when there is only
one input: `return (gradient,)`. It is the comma that makes the tuple.
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
    """y = a + b:    da = G,    db = G."""

    def apply(self, grad_output):
        return grad_output, grad_output


@backward_rule(negate)
class NegBackward(Function):
    """y = -a:    da = -G."""

    def apply(self, grad_output):
        return (-grad_output,)


# %% [markdown]
r"""
Your turn: subtraction, multiplication, division. The last one from the quotient rule: with $y = a/b$,

$$\frac{\partial y}{\partial a} = \frac{1}{b} \qquad\qquad \frac{\partial y}{\partial b} = -\frac{a}{b^2}$$

Do not worry about shapes that differ (broadcasting): Part 3 solves that for all rules at once.
"""


# %% nbgrader={"grade": false, "grade_id": "autograd_arithmetic", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(subtract)
class SubBackward(Function):
    """y = a - b:    da = G,    db = -G."""

    def apply(self, grad_output):
        """Return (gradient of a, gradient of b)."""
        ### BEGIN SOLUTION
        return grad_output, -grad_output
        ### END SOLUTION


@backward_rule(multiply)
class MulBackward(Function):
    """y = a * b:    da = G * b,    db = G * a."""

    def apply(self, grad_output):
        """Return (gradient of a, gradient of b); None, without computing it, where not needed.

        The arrays are in self.arrays. self.needs(0) and self.needs(1) say who needs a gradient:
        `x * 3` must not pay for the gradient of 3.

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
    """y = a / b:    da = G / b,    db = -G * a / (b * b)."""

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


# %% nbgrader={"grade": true, "grade_id": "test_autograd_arithmetic", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@probe
def rule_leaves_alone(rule):
    """Which of grad_output, a and b are changed by applying the rule?"""
    a, b = Tensor([6.0, 8.0], requires_grad=True), Tensor([2.0, 4.0], requires_grad=True)
    g = np.float32([1.0, 3.0])
    {"sub": SubBackward, "mul": MulBackward, "div": DivBackward}[rule](a, b).apply(g)
    return [g.tolist(), a.data.tolist(), b.data.tolist()]


def gradients_of(node, grad_output, what, count=1):
    """What the rule returns, after a look at its form: a tuple with one entry per input."""
    gradients = node.apply(grad_output)
    check.equal(
        type(gradients).__name__, "tuple", given=f"the type of what {what} returns",
        because="a rule returns a tuple with one entry per input; the comma makes it: (gradient,)",
    )
    check.equal(len(gradients), count, given=f"how many gradients {what} returns", because="one per input")
    return gradients


def test_autograd_arithmetic():
    """Minus, times and divided by, against the derivative written down by hand."""
    g = np.float32([1.0, 10.0])
    a, b = Tensor([2.0, 3.0], requires_grad=True), Tensor([5.0, 7.0], requires_grad=True)
    for rule, name, expected in [
        (SubBackward, "SubBackward", ([1.0, 10.0], [-1.0, -10.0])),
        (MulBackward, "MulBackward", ([5.0, 70.0], [2.0, 30.0])),
        (DivBackward, "DivBackward", ([0.2, 10 / 7], [-2 / 25, -30 / 49])),
    ]:
        gradients = gradients_of(rule(a, b), g, f"{name}(a, b).apply(G)", 2)
        for position, letter in enumerate("ab"):
            check.close(
                gradients[position], expected[position],
                given=f"{name}, a = [2, 3], b = [5, 7], G = [1, 10]: gradient of {letter}",
                because="the gradient of the output times the derivative of this one operation",
            )
    three = Tensor([3.0, 3.0])
    for rule, name in [(MulBackward, "MulBackward"), (DivBackward, "DivBackward")]:
        check.equal(
            [gradient is None for gradient in rule(a, three).apply(g)], [False, True],
            given=f"{name}(a, b).apply(G), where only a requires a gradient: is it None",
            because="a gradient that nobody needs is not computed",
        )
        check.equal(
            [gradient is None for gradient in rule(three, b).apply(g)], [True, False],
            given=f"{name}(a, b).apply(G), where only b requires a gradient: is it None",
        )
    for rule in ("sub", "mul", "div"):
        check.equal(
            rule_leaves_alone(rule), [[1.0, 3.0], [6.0, 8.0], [2.0, 4.0]], given=f"G, a and b after the rule of {rule}",
            because="a rule changes nothing in place: the arrays belong to others",
        )
    check.equal(
        [str(gradient.dtype) for gradient in DivBackward(a, b).apply(g)], ["float32", "float32"], given="the dtypes of DivBackward's gradients",
    )


test_autograd_arithmetic()

# %% [markdown]
r"""
## Part 3: What broadcasting copied, the gradient adds up

In `x @ W + b` the bias has shape (128,) and is added to 64 rows. One number of $b$ takes part in 64
outputs, and its gradient is the *sum* of what all 64 report. In general: where broadcasting repeated a
value, the gradient has to be summed over the repetitions.

```
 forward                                   backward
 b        (3,)    [ b0 b1 b2 ]             G        (2, 3)  [ g00 g01 g02 ]
                    |  |  |                                 [ g10 g11 g12 ]
 repeated (2, 3)  [ b0 b1 b2 ]                                 |   |   |   sum over the rows
                  [ b0 b1 b2 ]             of b     (3,)    [ g00+g10  g01+g11  g02+g12 ]
```

In words: a vector of 3 was used in 2 rows, so its gradient is the sum of the 2 rows of the incoming gradient.

Broadcasting repeats in two ways, and both can be read off the shapes:

1. It puts **new axes in front**: (3,) becomes (2, 3). Sum those axes away.
2. It stretches an **axis of size 1**: (2, 1) becomes (2, 3). Sum that axis, and keep it with size 1.

Every rule with two inputs needs this. Written into each of them it would be copied half a dozen times and
forgotten in one. So rules ignore the matter, and one function settles it for all of them, just before a
gradient is handed to an input.
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

    Examples:
        gradient (2, 3), shape (3,):    sum over axis 0.
        gradient (2, 3), shape (2, 1):  sum over axis 1, kept as size 1.
        gradient (5, 2, 3), shape (1, 3): sum over axis 0 (new) and over axis 1 (stretched).
        gradient (2, 3), shape ():      sum over everything.

    Steps:
        1. If the shapes are equal, return the gradient as it is (most calls end here).
        2. If the gradient has more axes than `shape`, the additional ones are the first ones: sum
           them away.
        3. Find the axes where `shape` has 1 and the gradient has more, and sum them with
           keepdims=True. (np.sum takes a tuple of axes.)
    """
    ### BEGIN SOLUTION
    if gradient.shape == shape:
        return gradient
    new = gradient.ndim - len(shape)
    if new > 0:
        gradient = gradient.sum(axis=tuple(range(new)))
    stretched = tuple([i for i, size in enumerate(shape) if size == 1 and gradient.shape[i] > 1])
    return gradient.sum(axis=stretched, keepdims=True) if stretched else gradient
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_autograd_unbroadcast", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def summed_by_hand(gradient, shape):
    """Every entry of gradient, added to the one entry of shape that broadcasting took it from."""
    total = np.zeros(shape)
    for index in np.ndindex(gradient.shape):
        tail = index[len(index) - len(shape) :]
        total[tuple(0 if size == 1 else i for i, size in zip(tail, shape, strict=True))] += gradient[index]
    return total


@probe
def untouched_gradient():
    """Equal shapes: the same object. Otherwise: the argument keeps its values."""
    gradient = np.float32([[1, 2, 3], [4, 5, 6]])
    same = unbroadcast(gradient, (2, 3)) is gradient
    unbroadcast(gradient, (1, 3))
    return [same, gradient.tolist()]


def test_autograd_unbroadcast():
    """The sum over everything that broadcasting repeated, in the shape it came from."""
    g = np.float32([[1, 2, 3], [10, 20, 30]])
    check.close(unbroadcast(g, (3,)), [11.0, 22.0, 33.0], given="gradient [[1, 2, 3], [10, 20, 30]], shape (3,)", because="a vector used in two rows collects both rows")
    check.close(unbroadcast(g, (2, 1)), [[6.0], [60.0]], given="gradient [[1, 2, 3], [10, 20, 30]], shape (2, 1)", because="a column stretched to three collects all three, and stays a column")
    check.close(unbroadcast(g, (1, 3)), [[11.0, 22.0, 33.0]], given="gradient [[1, 2, 3], [10, 20, 30]], shape (1, 3)")
    check.close(unbroadcast(g, ()), np.array(66.0), given="gradient [[1, 2, 3], [10, 20, 30]], shape ()", because="a single number collects everything")
    same, after = untouched_gradient()
    check.equal(same, True, given="gradient (2, 3), shape (2, 3): is the result the gradient itself", because="nothing to sum, nothing to copy")
    check.equal(after, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], given="the gradient after unbroadcast(gradient, (1, 3))")
    rng = np.random.default_rng(0)
    for big, small in [((5, 2, 3), (1, 3)), ((5, 2, 3), (2, 1)), ((4, 3, 2, 5), (3, 1, 1)), ((4, 3), (1, 1)), ((2, 1, 3), (1, 3)), ((2, 1, 3), (2, 1, 1)), ((2, 3), (1,)), ((1, 1, 1), ())]:
        gradient = rng.integers(-9, 9, big).astype(np.float32)
        check.close(unbroadcast(gradient, small), summed_by_hand(gradient, small), given=f"gradient of shape {big}, shape {small}")
    check.equal(str(unbroadcast(g, (3,)).dtype), "float32", given="the dtype of a summed float32 gradient")


test_autograd_unbroadcast()

# %% [markdown]
r"""
With that, here is the only place where a rule is ever applied. It asks the rule, undoes broadcasting, and
passes on what somebody needs. It also checks what came back: a tuple with one entry per input, and each
gradient in the shape of its input. A slip in a rule is reported with the rule's name instead of surfacing
three layers further down.
"""


# %%
#| export
def input_gradients(node: Function, grad_output: np.ndarray) -> Iterator[tuple[Tensor, np.ndarray]]:
    """Apply the rule of `node`: yield (input, its gradient) for each input that needs one."""
    gradients, tensors = node.apply(grad_output), node.saved_tensors
    if not isinstance(gradients, tuple) or len(gradients) != len(tensors):
        kind = type(gradients).__name__
        got = f"a tuple of {len(gradients)}" if kind == "tuple" else f"one {kind}"
        raise TypeError(
            f"{type(node).__name__}.apply must return a tuple with one entry per input "
            f"({len(tensors)}), but returned {got}. A comma makes a tuple: (gradient,)."
        )
    for tensor, gradient in zip(tensors, gradients, strict=True):
        if gradient is None or not tensor.requires_grad:
            continue
        shape, returned = tensor.data.shape, gradient.shape
        if returned != shape:
            if len(returned) >= len(shape):
                gradient = unbroadcast(gradient, shape)
            if gradient.shape != shape:
                raise RuntimeError(
                    f"{type(node).__name__} returned a gradient of shape {returned} for an input "
                    f"of shape {shape}: they must be equal."
                )
        yield tensor, gradient


# %% [markdown]
r"""
This is a **good place to stop for today**. You can differentiate any single operation, whatever the shapes;
what comes next puts the operations together.

## Part 4: The graph writes itself

Now the moment you prepared in Module 01. Every result of every operation passes through one function,
`compute`, and `compute` asks after each one: *is anybody listening?*

```python
if Tensor._record is not None:
    Tensor._record(output, operation, tensors, settings)
```

Until today nobody was. You write the listener. It receives the result, the operation (a plain function such
as `multiply`), the input tensors and the settings, and it decides whether to put a node into the graph:

- If no input requires a gradient, there is nothing to do. A batch of images times two leaves no trace.
- Otherwise the output requires a gradient as well, and gets a node: an object of the rule's class, looked
  up in `RULES`.
- An operation that has no rule must not pass silently. The gradient would stop there without a word, part
  of the model would never learn, and you would look for the reason for days. Refuse, and say the name.

Because the seam is a single function, everything from Modules 01 to 04 becomes differentiable with no
change to their files, and so will every operation you invent later.

**A switch.** When you only want predictions, recording is a waste: it keeps every intermediate result
alive. `no_grad()` will switch it off for a while. The switch is the attribute `grad_mode.enabled`. It is
*thread-local*: each thread has a switch of its own, so a thread that serves predictions does not turn off
the gradients of another one that trains.
"""


# %% nbgrader={"grade": false, "grade_id": "autograd_record", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class GradMode(threading.local):
    """Whether operations are recorded: one switch per thread, on to begin with."""

    enabled = True


grad_mode = GradMode()


def record(output: Tensor, operation: Callable, inputs: tuple[Tensor, ...], settings: dict) -> None:
    """Put an operation that has just been computed into the graph, if a gradient may need it.

    Does nothing when grad_mode.enabled is False, or when no input requires a gradient.
    Otherwise `output` requires a gradient from now on, and its `_grad_fn` is a new node of the
    class that RULES holds for the operation's name.

    Args:
        output: the result, a Tensor.
        operation: the function that computed it; operation.__name__ is its name.
        inputs: the tensors it was computed from.
        settings: its settings, such as {"axis": 0, "keepdims": False}.

    Raises:
        NotImplementedError: a gradient is needed, but the operation has no rule in RULES. The
            message contains the operation's name.

    Example:
        after record(y, multiply, (a, b), {}), where a requires a gradient,
        y.requires_grad is True and y._grad_fn is a MulBackward whose saved_tensors are (a, b).

    Steps:
        1. Return if there is nothing to record.
        2. Look up the rule; raise if there is none.
        3. Mark the output, and set its _grad_fn to rule(...) with the input tensors, with
           output= the output's data (the array, not the tensor), and with the settings as
           keyword arguments.
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


# %% nbgrader={"grade": true, "grade_id": "test_autograd_record", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@probe
def node_of_a_product():
    """Record y = a * b by hand, with two settings; look at the node from the inside."""
    a, b, y = Tensor([2.0], requires_grad=True), Tensor([5.0]), Tensor([10.0])
    record(y, multiply, (a, b), {"axis": 1, "keepdims": False})
    node = y._grad_fn
    if node is None:
        return [y.requires_grad, "no node", [], False, {}, b.requires_grad, True]
    saved = ["a" if kept is a else "b" if kept is b else type(kept).__name__ for kept in node.saved_tensors]
    return [
        y.requires_grad, type(node).__name__, saved,
        node.output is y.data, node.settings, b.requires_grad, a._grad_fn is None,
    ]


@probe
def recorded_or_not(a_needs, b_needs, enabled):
    """[requires_grad, has a node] of y = a - b recorded in that situation."""
    a, b, y = Tensor([2.0], requires_grad=a_needs), Tensor([5.0], requires_grad=b_needs), Tensor([-3.0])
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
    check.equal([wants, kind], [True, "MulBackward"], given="record(y, multiply, (a, b), ...): y.requires_grad and the class of y._grad_fn")
    check.equal(saved, ["a", "b"], given="saved_tensors of the node", because="rule(*inputs, ...) keeps the input tensors, in order")
    check.equal(array, True, given="is node.output the array y.data", because="the node keeps the array; the tensor would point back to the node")
    check.equal(settings, {"axis": 1, "keepdims": False}, given="node.settings after record(..., {'axis': 1, 'keepdims': False})")
    check.equal([data_needs, leaf], [False, True], given="b.requires_grad (False before); a._grad_fn is None", because="recording changes the output only")
    check.equal(recorded_or_not(False, False, True), [False, False], given="y = a - b, neither requires a gradient: [y.requires_grad, has a node]", because="data alone leaves no trace")
    check.equal(recorded_or_not(False, True, True), [True, True], given="y = a - b, only b requires a gradient: [y.requires_grad, has a node]", because="one input is enough")
    check.equal(recorded_or_not(True, True, False), [False, False], given="y = a - b while grad_mode.enabled is False: [y.requires_grad, has a node]")
    check.equal(
        operation_without_rule(True), ["NotImplementedError", True, False], given="an operation cube_root without a rule: [error, is it named, y.requires_grad]",
        because="a missing gradient must not pass silently",
    )
    check.equal(operation_without_rule(False), ["recorded quietly", True, False], given="cube_root of data that requires no gradient", because="without a gradient no rule is needed")


test_autograd_record()

# %% [markdown]
"""
### no_grad

```python
with no_grad():
    predictions = model(images)     # computed, not recorded
```

`contextmanager` from the standard library turns a function with one `yield` into such a context: what
stands before the `yield` runs on entering, what stands after it on leaving. Two traps are waiting. If the
block raises, the exception comes out of the `yield`, and whatever stands after it is skipped, unless you
take precautions. And blocks can be nested: leaving the inner one must not switch recording on while the
outer one is still open.

(A function made this way also works as a decorator: `@no_grad()` above a function runs all of it without
recording.)
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

    Steps:
        1. Remember grad_mode.enabled, then set it to False.
        2. yield inside try ... finally.
        3. In the finally part, put the remembered value back.
    """
    ### BEGIN SOLUTION
    before = grad_mode.enabled
    grad_mode.enabled = False
    try:
        yield
    finally:
        grad_mode.enabled = before
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_autograd_no_grad", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@probe
def switch_positions(case):
    """grad_mode.enabled before, inside and after, in different situations."""
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
def product_without_grad():
    """Is a product recorded inside no_grad(), and after it?"""
    w, inside, after = Tensor([1.0], requires_grad=True), Tensor([3.0]), Tensor([3.0])
    with no_grad():
        record(inside, multiply, (w, Tensor([3.0])), {})
    record(after, multiply, (w, Tensor([3.0])), {})
    return [inside.requires_grad, after.requires_grad]


def test_autograd_no_grad():
    """Recording is off inside, and afterwards as it was before, whatever happened."""
    check.equal(switch_positions("plain"), [True, False, True], given="grad_mode.enabled before, inside and after no_grad()")
    check.equal(
        switch_positions("nested"), [True, False, False, True], given="grad_mode.enabled before, in the inner, in the outer context, and after",
        because="leaving the inner context must not switch recording on in the outer one",
    )
    check.equal(
        switch_positions("error"), [True, "KeyError came out", True], given="an exception inside no_grad(); then grad_mode.enabled",
        because="the switch goes back on the way out of an exception too, and the exception is not swallowed",
    )
    check.equal(switch_positions("decorator"), [True, False, True], given="grad_mode.enabled before, inside and after a function decorated with @no_grad()")
    check.equal(product_without_grad(), [False, True], given="w * 3 inside and after no_grad(): requires_grad")


test_autograd_no_grad()

# %% [markdown]
r"""
## Part 5: The way back

The graph stands; every node can answer for its own operation. What is left is to send a gradient from the
loss through all of it, in a sensible order. You will do it three times.

### First attempt: follow the arrows

The obvious program is a recursion. To send a gradient into a tensor: if it is a leaf, add the gradient to
what the leaf has collected. If an operation made it, ask the node for the gradients of its inputs, and send
each one on in the same way.

Nothing calls `record` for you yet; that comes in Part 6. Until then, `recorded(multiply, a, b)` computes
`a * b` and records it by hand. It is given, for the tests and experiments of this part.
"""


# %% nbgrader={"grade": false, "grade_id": "autograd_recursion", "locked": false, "schema_version": 3, "solution": true, "task": false}
def recorded(operation: Callable, *inputs: Tensor, **settings) -> Tensor:
    """Compute, then record by hand, whether or not autograd has been switched on."""
    output = compute(operation, *inputs, **settings)
    record(output, operation, inputs, settings)
    return output


def backward_by_recursion(tensor: Tensor, gradient: np.ndarray) -> int:
    """Send `gradient` into `tensor` and on to everything it was computed from, recursively.

    Args:
        tensor: a tensor that requires a gradient.
        gradient: the gradient that arrives, an ndarray of the tensor's shape.

    Returns:
        The number of visits: 1 for this tensor, plus all visits of the recursive calls.

    A leaf (tensor._grad_fn is None) collects: its grad, None to begin with, becomes a Tensor
    that holds the sum of all gradients that arrive, each time in a new array.

    Example:
        with x = Tensor([3.0], requires_grad=True) and y made by recording x * x, then
        backward_by_recursion(y, np.ones(1)) returns 3 (y, and x twice), and x.grad holds [6.0].

    Steps:
        1. A leaf: set tensor.grad to a Tensor of the old sum (0 if there is none) + gradient;
           return 1.
        2. Otherwise, with node = tensor._grad_fn: for each (parent, parent_gradient) in
           input_gradients(node, gradient), call this function again, and add up the visits.
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


# %% nbgrader={"grade": true, "grade_id": "test_autograd_recursion", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
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
def leaves_share_memory():
    """Do the gradients of two leaves, or a leaf's gradient and the argument, share memory?"""
    a, b, y = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0], requires_grad=True), Tensor([4.0, 6.0])
    record(y, add, (a, b), {})
    gradient = np.ones(2, dtype=np.float32)
    backward_by_recursion(y, gradient)
    return [bool(np.shares_memory(a.grad.data, b.grad.data)), bool(np.shares_memory(a.grad.data, gradient))]


def test_autograd_recursion():
    """Gradients of small trees and graphs, and the number of visits it takes."""
    one = np.ones(1, dtype=np.float32)
    a, b, c = (Tensor([value], requires_grad=True) for value in (2.0, 5.0, 7.0))
    y = recorded(subtract, recorded(multiply, a, b), c)
    visits = backward_by_recursion(y, one)
    check.close([a.grad.data, b.grad.data, c.grad.data], [[5.0], [2.0], [-1.0]], given="y = a * b - c with a = 2, b = 5, c = 7: gradients of a, b, c")
    check.equal(visits, 5, given="visits for y = a * b - c", because="y, a * b, a, b and c: one visit each")
    x = Tensor([3.0], requires_grad=True)
    visits = backward_by_recursion(recorded(multiply, x, x), one)
    check.close(x.grad, [6.0], given="y = x * x with x = 3: gradient of x", because="x is reached in two ways, and the gradients of both add up")
    check.equal(visits, 3, given="visits for y = x * x", because="y once, x twice")
    backward_by_recursion(recorded(negate, x), 10 * one)
    check.close(x.grad, [-4.0], given="then y = -x with gradient 10: gradient of x", because="a leaf goes on collecting: 6 - 10")
    three = Tensor([3.0])
    visits = backward_by_recursion(recorded(multiply, a, three), one)
    check.equal([three.grad is None, visits], [True, 2], given="y = a * 3, where 3 requires no gradient: is its grad None; visits")
    check.equal(leaves_share_memory(), [False, False], given="y = a + b: do the two gradients share memory; does one share it with the argument", because="0 + gradient is a new array: changing one gradient must not change another")
    check.equal(recursion_on_doublings(4), [31, 16.0], given="y = y + y, 4 times: [visits, gradient of x]", because="1 + 2 + 4 + 8 + 16 visits")


test_autograd_recursion()

# %% [markdown]
r"""
It works. On a **tree**, where every tensor is used once, it is even the best you can do. But a network is
no tree. Results get used twice: `y + y`, a shortcut around a layer, a weight shared by every position. Then
the graph has **diamonds**:

```
          y3                    visits by recursion
         /  \
         \  /                   y3   1
          y2      y2 = y1 + y1  y2   2
         /  \                   y1   4
         \  /                   x    8
          y1                    ...
         /  \                   after n levels: 2 to the power n
         \  /
          x
```

In words: each level is reached twice from every visit of the level above, so the number of visits doubles
per level, although there is only one tensor per level. (A long chain has another end: `RecursionError`,
since Python allows about a thousand nested calls.)
"""

# %%
for levels in (4, 8, 12, 14):
    y = Tensor([1.0], requires_grad=True)
    for _ in range(levels):
        y = recorded(add, y, y)
    began = time.perf_counter()
    visits = backward_by_recursion(y, np.ones(1, dtype=np.float32))
    seconds = time.perf_counter() - began
    print(f"{levels:3d} levels, {levels + 1:3d} tensors: {visits:6d} visits, {seconds * 1000:7.1f} ms")
years = seconds / visits * 2**61 / 3600 / 24 / 365
print(f" 60 levels,  61 tensors: {2**61:.2g} visits; at this speed {years:,.0f} years")

# %% [markdown]
r"""
### A tempting repair, and why it is wrong

"Just visit every tensor once!" Remember who was visited, and do not go on from there a second time. Fast,
certainly.
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
print("y = (2x)(2x) at x = 3. visit_once says", x.grad.data, "; the derivative is 8x =", [24.0])

# %% [markdown]
r"""
That is half the truth. `double` was reached twice, but the second half of its gradient arrived *after* it had
passed on the first. It spoke too early.

So the condition is clear: **a tensor may pass its gradient on only when everybody it helped to compute has
reported.** Find an order of the tensors in which each one comes after all that it was computed from, and
walk it from the end: when a tensor's turn comes, all its consumers have had theirs, and its gradient is
complete. One visit each. Such an order is called **topological**.

### Second attempt: an order first

A depth-first search finds it. Enter a tensor, deal with all its inputs, and only on the way *out* write it
down: then everything it depends on stands in the list already.

Recursion would do, but not for a chain of 10,000. So keep the stack yourself, a list of pairs
`(tensor, leaving)`. What recursion does on the way out becomes a second entry of the same tensor, pushed
*below* its inputs, with `leaving` set to True:

```
 stack (top on the right)                     order
 [ (y, False) ]                               []
 [ (y, True) (a, False) (b, False) ]          []            y = a * b: y waits below its inputs
 [ (y, True) (a, False) (b, True) ]           []
 [ (y, True) (a, False) ]                     [b]
 [ (y, True) (a, True) ]                      [b]
 [ (y, True) ]                                [b, a]
 []                                           [b, a, y]
```

In words: a tensor that is entered (False) is replaced by its leaving entry (True), with its inputs on top;
a tensor that is left is appended to the order.
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

    Example:
        for y = a * b, the list is [b, a, y] or [a, b, y]. For a leaf x it is [x].

    Raises:
        RuntimeError: part of the graph has been freed (Function.parents raises it).

    Hint: tensors can be members of a set (each one is equal to itself only). The inputs to push
    come from tensor._grad_fn.parents(), if there is a node.

    Steps: begin with the stack [(root, False)]. While it is not empty, pop (tensor, leaving):
        1. leaving: append the tensor to the order.
        2. Not leaving, and already seen: nothing to do.
        3. Not leaving, seen for the first time: mark it as seen, push (tensor, True), and on
           top of it (parent, False) for each of its parents.
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
    """y = y + ... + y (width times), again and again: [length, is every input before its result]."""
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
    check.equal(sorted(names_in_order(simple, "y")), ["a", "b", "y"], given="y = a + b: the tensors in the order, sorted by name")
    check.equal(names_in_order(simple, "y")[-1:], ["y"], given="y = a + b: the last one", because="inputs come first, the root last")
    check.equal(names_in_order({"x": []}, "x"), ["x"], given="a leaf x")
    diamond = {"x": [], "left": ["x"], "right": ["left", "x"], "top": ["right", "left", "right"]}
    order = names_in_order(diamond, "top")
    check.equal(len(order), 4, given="how many tensors are in the order of top = right + left + right, right = left + x, left = x", because="every tensor once")
    check.equal(first_out_of_place(order, diamond), "", given="the first of them that stands before its own input", because="a tensor comes after all it was computed from")
    other = {"x": [], "a": ["x"], "b": ["a"], "c": ["b", "a"], "d": ["x", "c"], "e": ["d", "b", "a", "x"]}
    for root, count in [("e", 6), ("d", 5), ("c", 4)]:
        order = names_in_order(other, root)
        check.equal([len(order), first_out_of_place(order, other)], [count, ""], given=f"a tangle of six tensors, root {root}: [length, first one before its input]")
    check.equal(sorted(names_in_order({"data": [], "w": [], "y": ["data", "w"]}, "y")), ["w", "y"], given="y = data + w, where data requires no gradient", because="nothing has to be sent there")
    check.equal(order_of_a_ladder(3, 2), [4, True], given="y = y + y, 3 times: [length, in order]")
    check.equal(order_of_a_ladder(60, 2), [61, True], given="y = y + y, 60 times: [length, in order]", because="61 tensors, not 2 to the power 60 visits")
    check.equal(order_of_a_ladder(10000, 1), [10001, True], given="a chain of 10,000: [length, in order]", because="the stack is a list, so Python's recursion limit does not matter")
    check.true(work_for_a_diamond(20) <= 60, given="y = y + y, 20 times: parents() is called at most 60 times", because="each node is opened once, not once per way that leads to it")
    check.equal(error_on_a_freed_graph(), ["RuntimeError", True], given="a graph with a freed node: [error, does it mention retain_graph]")


test_autograd_topological_order()

# %% [markdown]
r"""
### Where it starts

The walk begins with the gradient of the result with respect to itself. If the result is one number, that is
1. If it has more, there is no single "how fast does it rise": somebody has to say how much each of its
entries counts, by passing a gradient of the same shape. A friendly error here saves an hour later, so this
small function is mostly about saying precisely what is wrong.
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

    Raises (each message says what came):
        RuntimeError: the tensor does not require a gradient. Mention requires_grad.
        ValueError: gradient is None and the tensor has several elements. Mention its shape.
        ValueError: the gradient's shape is not the tensor's. Mention both shapes.

    Check them in this order. Shapes are mentioned as Python prints them, such as (2, 3). The
    wording is yours: tests look for the names and shapes only, here and in every other error.
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


# %% nbgrader={"grade": true, "grade_id": "test_autograd_initial_gradient", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def test_autograd_initial_gradient():
    """Ones for a single number, the given gradient otherwise, and errors that name the shapes."""
    single, several = Tensor([[7.0]], requires_grad=True), Tensor(np.ones((2, 3)), requires_grad=True)
    check.close(initial_gradient(single), [[1.0]], given="a tensor of shape (1, 1) that holds 7, gradient None", because="a number rises by 1 when it rises by 1, whatever its value")
    check.equal(str(initial_gradient(Tensor(2.0, requires_grad=True)).dtype), "float32", given="the dtype for a tensor of shape ()")
    check.raises(RuntimeError, lambda: initial_gradient(Tensor([1.0])), given="a tensor that does not require a gradient", mentions=["requires_grad"])
    for gradient in (None, np.ones(2)):
        check.raises(RuntimeError, lambda gradient=gradient: initial_gradient(Tensor(np.ones((2, 3))), gradient), given=f"a tensor of shape (2, 3) that does not require a gradient, gradient {'None' if gradient is None else 'of shape (2,)'}", mentions=["requires_grad"], because="whether the tensor requires a gradient is checked first")
    check.raises(ValueError, lambda: initial_gradient(several), given="a tensor of shape (2, 3), gradient None", mentions=["(2, 3)"], because="six numbers: which one should rise?")
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    for given, what in [(values, "an array"), (Tensor(values), "a Tensor"), (values.tolist(), "a list")]:
        check.close(initial_gradient(several, given), values, given=f"a tensor of shape (2, 3), gradient {what} of that shape")
    check.raises(ValueError, lambda: initial_gradient(several, np.ones((3, 2))), given="a tensor of shape (2, 3), gradient of shape (3, 2)", mentions=["(2, 3)", "(3, 2)"])
    check.raises(ValueError, lambda: initial_gradient(several, 1.0), given="a tensor of shape (2, 3), gradient 1.0", mentions=["(2, 3)", "()"], because="a gradient is not broadcast: the shapes must be equal")
    check.close(initial_gradient(single, [[5.0]]), [[5.0]], given="a tensor of shape (1, 1), gradient [[5]]", because="a gradient that is given counts, also for a single number")


test_autograd_initial_gradient()

# %% [markdown]
r"""
### Where it ends: who owns the array?

A gradient that reaches a leaf is stored in `leaf.grad`, as a Tensor. If there is one already, from an
earlier `backward()`, the two are added: gradients **accumulate** until somebody resets them. That is what
lets you process a large batch in four pieces.

Adding makes a new array. The first arrival is more delicate. Storing the array as it is costs nothing;
copying it costs time for every weight matrix in every step. But may you keep it? Look at $y = a + b$. The
rule returns the *same array* for both inputs. Keep it in both leaves, and `a.grad.data *= 0.5` changes
`b.grad` as well. This is **aliasing**, and it produces bugs that are found last.

An array is safe to keep if nobody else can reach its memory. Two cases where somebody can:

- It is a **view** of another array (transposes, slices, broadcasts). NumPy tells you: `array.base` is then
  not None.
- The very same object **has been handed out** already in this pass, to another leaf, or it is the gradient
  the caller passed in. So keep a set of the ids of such arrays: `taken`.

In both cases, copy. In all others, keep: a fresh product of two matrices becomes the gradient of a weight
with no copy at all.

Only leaves keep their gradient. An intermediate result's gradient is needed for the moment between its last
arrival and its rule; storing it would hold as much memory as the whole forward pass.
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

    Afterwards leaf.grad is a Tensor that holds
        - the sum of the old and the new gradient, in a new array, if there was an old one;
        - otherwise the array `gradient` itself, if nobody else can reach its memory;
        - otherwise a copy of it: if it is a view (its .base is not None) or its id is in `taken`.

    (Tensor(array) makes no copy of a float32 array.)
    """
    ### BEGIN SOLUTION
    if leaf.grad is not None:
        gradient = np.asarray(leaf.grad) + gradient
    elif gradient.base is not None or id(gradient) in taken:
        gradient = gradient.copy()
    taken.add(id(gradient))
    leaf.grad = Tensor(gradient)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_autograd_accumulate", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
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
        "shared": [name for name, grad in grads.items() if name != "first" and (np.shares_memory(grad.data, fresh) or np.shares_memory(grad.data, passed))],
        "is a Tensor": all(isinstance(grad, Tensor) for grad in grads.values()),
        "ids": id(a.grad.data) in taken and id(b.grad.data) in taken and id(c.grad.data) in taken,
        "requires": a.grad.requires_grad,
    }


@probe
def second_arrival(earlier_is_array):
    """A gradient arrives where one is stored already; also the two arrays, afterwards."""
    leaf, earlier, later = Tensor(np.zeros(2), requires_grad=True), np.float32([1, 2]), np.float32([10, 20])
    leaf.grad = earlier if earlier_is_array else Tensor(earlier)
    accumulate(leaf, later, set())
    return [type(leaf.grad).__name__, np.asarray(leaf.grad).tolist(), earlier.tolist(), later.tolist(), bool(np.shares_memory(leaf.grad.data, later))]


def test_autograd_accumulate():
    """Sums are new arrays; a first arrival is kept where that is safe and copied where it is not."""
    seen = arrivals()
    check.equal(
        seen["values"], {"first": [1.0, 2.0, 3.0, 4.0], "same array": [1.0, 2.0, 3.0, 4.0], "view": [4.0, 3.0, 2.0, 1.0], "caller's": [5.0, 6.0, 7.0, 8.0]},
        given="gradients of four leaves after a fresh array, the same array again, a view of it, and the caller's array arrived",
    )
    check.equal(
        seen["shared"], [], given="which of the later three share memory with the arrays that arrived",
        because="an array that somebody else can reach has to be copied",
    )
    check.equal(seen["first kept"], True, given="is the fresh array itself stored, without a copy", because="nobody else can reach it, so a copy would be wasted")
    check.equal([seen["is a Tensor"], seen["requires"]], [True, False], given="is every grad a Tensor; does a grad require a gradient itself")
    check.equal(seen["ids"], True, given="are the ids of the stored arrays in `taken`")
    for is_array, what in [(False, "a Tensor"), (True, "an ndarray")]:
        kind, total, earlier, later, shared = second_arrival(is_array)
        check.equal([kind, total], ["Tensor", [11.0, 22.0]], given=f"leaf.grad is {what} with [1, 2] when [10, 20] arrives", because="gradients accumulate")
        check.equal([earlier, later, shared], [[1.0, 2.0], [10.0, 20.0], False], given=f"the old ({what}) and the arriving array afterwards; do they share memory with the sum", because="the sum is a new array, nothing is changed in place")


test_autograd_accumulate()

# %% [markdown]
r"""
### Third attempt: the real thing

Everything is in place: where to start, in which order, how to apply a rule, where to end. `backward` puts
it together.

It keeps a dictionary `pending`: for each tensor not yet reached, the sum of the gradients that have arrived
so far. Then it takes tensors from the **end** of the topological order with `order.pop()`. When a tensor's
turn comes, its entry in `pending` is complete.

Why pop, and not iterate in reverse? The list itself would keep every tensor alive until the end. A tensor
that is out of the list, and whose node is released, is referenced by nobody: its memory returns while the
pass goes on. So the backward pass frees the forward pass's memory step by step.

That is also why a graph serves for **one** backward pass, unless you ask for more with `retain_graph=True`.
A released node stays where it is, empty; `parents()` recognises it and raises the error you have seen in
the class above. Had we removed it instead, the tensor would look like a leaf, and a second `backward()`
would quietly do the wrong thing.
"""


# %% nbgrader={"grade": false, "grade_id": "autograd_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def backward(self: Tensor, gradient=None, retain_graph: bool = False) -> None:
    """Compute the gradient of this tensor with respect to every leaf it was computed from.

    The gradients are added to the leaves' `grad`. Intermediate results keep none. The graph is
    freed on the way, unless retain_graph is True.

    Args:
        gradient: the gradient of the final result with respect to this tensor; may be None if
            this tensor has one element (it is 1 then). See initial_gradient.
        retain_graph: keep the graph, so that another backward() can run through it.

    Raises:
        ValueError, RuntimeError: see initial_gradient and topological_order. No gradient has
            been changed then.

    Example:
        x = Tensor([3.0], requires_grad=True); y = x * x + x; y.backward(); x.grad holds [7.0].

    Before the loop:
        - Get the initial gradient and the topological order.
        - `pending` is a dict with one entry: this tensor -> the initial gradient. (Tensors can be
          keys.) `taken` is a set with the id of the initial gradient: that array may be the
          caller's.

    While there are tensors in the order, pop the last one, and pop its gradient out of `pending`.
    (pop(key, None) gives None if nothing arrived: every rule on the way answered None.) Then
        - a leaf accumulates its gradient, if one arrived;
        - a tensor with a node, if a gradient arrived, sends it on: for each (parent,
          parent_gradient) of input_gradients(node, gradient), the first arrival becomes the
          parent's entry in `pending` as it is, without a copy; a later one is added to the entry
          in a new array (never +=, the arrays may be shared);
        - a node is released in any case, whether a gradient arrived or not, unless retain_graph.
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


# %% nbgrader={"grade": true, "grade_id": "test_autograd_backward", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
@probe
def ladder(levels, width, retain):
    """y = y + ... + y (width times) / width, `levels` times; [gradient, nodes left, grads inside]."""
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
    a, b, y = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0], requires_grad=True), Tensor([4.0, 6.0])
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
    """y = a + blocked(-b): the rule of `blocked` answers None. [a.grad, b.grad, nodes freed]"""

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
    check.close(x.grad, [7.0], given="y = x * x + x at x = 3: x.grad after backward(y)", because="2 x + 1, collected in three ways")
    backward(recorded(multiply, x, Tensor([5.0])))
    check.close(x.grad, [12.0], given="then backward of 5 x: x.grad", because="gradients accumulate over passes: 7 + 5")
    x = Tensor([3.0], requires_grad=True)
    double = recorded(add, x, x)
    backward(recorded(multiply, double, double))
    check.close(x.grad, [24.0], given="y = (x + x) * (x + x) at x = 3: x.grad", because="8 x; a tensor passes its gradient on when it is complete, not before")
    x.grad = None
    half = recorded(multiply, x, Tensor([0.5]))
    left = recorded(multiply, half, half)
    backward(recorded(subtract, recorded(multiply, left, half), recorded(negate, half)))
    check.close(x.grad, [3.875], given="h = x / 2, y = h * h * h + h at x = 3: x.grad", because="(3 h * h + 1) / 2 with h = 1.5")
    check.equal([half.grad is None, left.grad is None], [True, True], given="is the grad of the intermediate results None", because="only leaves keep a gradient")
    matrix, bias = Tensor(np.ones((2, 3)), requires_grad=True), Tensor(np.zeros(3), requires_grad=True)
    backward(recorded(add, matrix, bias), [[1, 2, 3], [10, 20, 30]])
    check.close(bias.grad, [11.0, 22.0, 33.0], given="backward of matrix + bias with gradient [[1, 2, 3], [10, 20, 30]]: bias.grad", because="broadcasting is undone")
    check.close(matrix.grad, [[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]], given="the same: matrix.grad")
    check.equal(memory_of_two_leaves(), [False, False, False], given="y = a + b with a gradient: do a.grad and b.grad, a.grad and the argument, b.grad and the argument share memory", because="each leaf owns its gradient")
    check.equal(gradient_argument_afterwards(), [[10.0], [70.0]], given="y = x * x + x at 3 with gradient [10]: the argument afterwards, and x.grad", because="arriving gradients are added in a new array: the old one may belong to somebody else")
    w = Tensor([2.0], requires_grad=True)
    backward(w)
    check.close(w.grad, [1.0], given="backward of a leaf: its own grad")
    data = Tensor([3.0])
    backward(recorded(multiply, w, data))
    check.equal(data.grad is None, True, given="backward of w * data: is data.grad None", because="data requires no gradient")
    y = recorded(multiply, w, w)
    w.grad = None
    backward(y, retain_graph=True)
    backward(y)
    check.close(w.grad, [8.0], given="y = w * w at 2: backward with retain_graph=True, then backward again: w.grad", because="4 + 4: the kept graph can be used again")
    check.raises(RuntimeError, lambda: backward(y), given="a third backward", mentions=["retain_graph"], because="without retain_graph the pass frees the graph")
    check.close(w.grad, [8.0], given="w.grad after that error", because="a pass that fails at the start changes no gradient")
    check.raises(ValueError, lambda: backward(Tensor(np.ones((2, 3)), requires_grad=True)), given="backward of a (2, 3) tensor without a gradient", mentions=["(2, 3)"])
    check.raises(RuntimeError, lambda: backward(Tensor([1.0])), given="backward of a tensor that requires no gradient", mentions=["requires_grad"])
    check.equal(rule_applications(20), 20, given="how many rules are applied for y = y + y, 20 times", because="each node once, when its gradient is complete")
    check.equal(ladder(60, 2, False), [1.0, 0, 0], given="60 diamonds: [gradient of x, nodes still holding memory, intermediate grads]")
    check.equal(ladder(60, 2, True), [1.0, 120, 0], given="60 diamonds with retain_graph=True: [gradient of x, nodes still holding memory, intermediate grads]")
    check.equal(ladder(5000, 1, False), [1.0, 0, 0], given="a chain of 10,000 operations: [gradient of x, nodes still holding memory, intermediate grads]")
    check.equal(freed_on_the_way(), [True], given="y = f(g(x)): is f's input out of memory when the rule of g is applied", because="popped out of the order and released, it is referenced by nobody")
    check.equal(pass_with_a_blocked_way(), [[1.0], None, [True] * 3], given="y = a + f(-b), where the rule of f answers None: [a.grad, b.grad, are the nodes of -b, f and y freed]", because="no gradient flows there, and the nodes are freed all the same")


test_autograd_backward()

# %% [markdown]
r"""
## Part 6: Switch it on

One function connects your engine to the Tensor class: it puts `record` behind the seam, and replaces the
`backward` that has done nothing since Module 01. No file of Modules 01 to 04 changes, and no operation is
wrapped or written a second time. (After
`tito module complete 05`, `import tinytorch` does it for you.)
"""


# %% nbgrader={"grade": false, "grade_id": "autograd_enable", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def zero_grad(self: Tensor) -> None:
    """Forget the gradient collected so far: grad is None again, and takes no memory."""
    self.grad = None


def enable_autograd(quiet: bool = False) -> None:
    """Switch on automatic differentiation for all tensors.

    It sets `Tensor._record`, `Tensor.backward` and `Tensor.zero_grad` to the functions of this file,
    every time it is called: afterwards each operation is reported to `record`, and tensors have the
    two methods. A second call does no harm (and prints again, unless quiet).

    Args:
        quiet: False prints one line that contains "Autograd is on"; True prints nothing.

    Hint: Tensor._record is called as Tensor._record(output, ...), never with a tensor as self.
    Wrap the function in staticmethod(...), so that it stays a plain function.
    """
    ### BEGIN SOLUTION
    Tensor._record = staticmethod(record)
    Tensor.backward = backward
    Tensor.zero_grad = zero_grad
    if not quiet:
        print("Autograd is on: operations are recorded, and backward() computes gradients.")
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_autograd_enable", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
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
        installed = [Tensor._record is record, Tensor(0.0)._record is record, Tensor.backward is backward, Tensor.zero_grad is zero_grad]
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
    return {"installed": installed, "gradient": first, "after zero_grad": x.grad, "quiet": silent, "loud": printed[len(silent) :]}


def test_autograd_enable():
    """The engine is installed, works through ordinary expressions, and speaks when asked to."""
    for times in (1, 2):
        seen = state_after_enabling(times)
        check.equal(
            seen["installed"], [True, True, True, True], given=f"enable_autograd(), {times + 1} times: is Tensor._record your record (also seen from a tensor), Tensor.backward your backward, Tensor.zero_grad your zero_grad",
        )
        check.equal(seen["gradient"], [6.0], given="x * x at 3, then y.backward(): x.grad", because="2 x; and twice enabled does not count twice")
        check.equal(seen["after zero_grad"], None, given="x.grad after x.zero_grad()")
        check.equal([seen["quiet"], len(seen["loud"])], [[], 1], given="what enable_autograd(quiet=True) prints, and how many lines enable_autograd() prints")
        check.true("autograd is on" in seen["loud"][0].lower(), given="does the line that enable_autograd() prints contain 'autograd is on'", because="who switches something on wants to hear it")


test_autograd_enable()

# %%
enable_autograd()

x = Tensor([2.0, -1.0, 0.5], requires_grad=True)
y = (3 * x - 1) / (x * x + 1)
y.backward(np.ones(3))
print("gradient of (3x - 1) / (x^2 + 1):", x.grad)
print("by hand, (3 + 2x - 3x^2) / (x^2 + 1)^2:", (3 + 2 * x.data - 3 * x.data**2) / (x.data**2 + 1) ** 2)

# %% [markdown]
r"""
### Something learns

What is a gradient good for? It says which way is up, so take a small step the other way. Here are four
points of the line $y = 2x - 1$, and a line `w * x + b` that knows nothing. The loss is the mean of the
squared errors. The rule of `mean` comes in Part 7; until then, say it by hand: each of the four squares
counts a quarter, and that is the gradient to start from.
"""

# %%
points, heights = Tensor([0.0, 1.0, 2.0, 3.0]), Tensor([-1.0, 1.0, 3.0, 5.0])
w, b = Tensor([0.0], requires_grad=True), Tensor([0.0], requires_grad=True)
for step in range(101):
    errors = w * points + b - heights
    squares = errors * errors
    squares.backward(np.full(4, 0.25))
    if step % 20 == 0:
        print(f"  step {step:3d}   loss {squares.data.mean():7.4f}   y = {w.data[0]:.2f} x {b.data[0]:+.2f}")
    for parameter in (w, b):
        parameter.data -= 0.1 * parameter.grad.data
        parameter.zero_grad()

# %% [markdown]
r"""
### Trust, but measure

You now have two ways to a gradient: the slow one that cannot be wrong and the fast one that can. Put them
side by side, and you have a tool that tests every rule you will ever write.

One difficulty: `f` may have several outputs, and a gradient needs one number. Comparing the outputs' plain
sum would hide mistakes. (The outputs of a softmax sum to 1 whatever happens: the gradient of their sum is
zero, and a rule that answers zero would pass.) So give each output a random weight:
$L = \sum_j w_j\, f_j(x)$. To start the backward pass, that means passing the weights as the initial
gradient.
"""


# %% nbgrader={"grade": false, "grade_id": "autograd_check_gradients", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def check_gradients(
    f: Callable, *inputs: Tensor, eps: float = 1e-2, rtol: float = 1e-2, atol: float = 1e-3
) -> float:
    """Compare the gradients of backward() with measured ones, for all inputs that require one.

    Args:
        f: called as f(*inputs), returns a Tensor of any shape. It must give the same result each
            time (no random numbers).
        inputs: tensors. Each one's grad is reset first, and holds the gradient found by
            backward() afterwards. Inputs without requires_grad are not checked.
        eps: the step of numerical_gradient.
        rtol, atol: a difference of more than atol + rtol * |measured| is an error, and so is NaN.

    Returns:
        The largest difference found, as a Python float. 0.0 if there is nothing to check: no
        input requires a gradient, or those that do have no entries. (array.max(initial=0.0) is
        0.0 for an empty array.)

    Raises:
        AssertionError: some entry differs too much. The message names the number of the input
            ("input 1" is the second one), and for the first such entry its index (as a tuple such
            as "(1, 1)"), what backward() says and what was measured.

    Steps:
        1. Reset the grads. If no input requires a gradient, return 0.0 (there would be nothing to
           call backward on). Compute output = f(*inputs).
        2. Weights: np.random.default_rng(0).standard_normal(output.shape). Call
           output.backward(weights).
        3. For each input x (number i) that requires a gradient: measure the gradient of the
           function that returns float(np.sum(weights * f(*inputs).data)), at x, with step eps.
           numerical_gradient moves x in place, so this function may ignore its argument.
        4. Compare with x.grad; a grad that is still None counts as zeros.
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


# %% nbgrader={"grade": true, "grade_id": "test_autograd_check_gradients", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def verdict_on(case):
    """check_gradients of a right or wrong rule: its result or its error."""
    enable_autograd(quiet=True)

    def triple(x):
        return 3 * x

    class TripleBackward(Function):
        def apply(self, g):
            if case == "wrong in two entries":
                return (g * np.float32([[3, 2], [3, 0]]),)
            if case == "wrong in one entry":
                return (g * np.float32([[3, 3], [3, 2]]),)
            return {"right": (3 * g,), "factor": (2 * g,), "missing": (None,), "small": (3.01 * g,), "NaN": (np.nan * g,)}[case]

    backward_rule(triple)(TripleBackward)
    data = Tensor([[1.0, 1.0], [1.0, 1.0]])
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    x.grad = Tensor(np.full((2, 2), 100.0))
    before = x.data.tolist()
    try:
        largest = check_gradients(lambda d, t: compute(triple, t) + d, data, x)
    except AssertionError as error:
        return ["AssertionError", "input 1" in str(error), "(0, 1)" in str(error), "(1, 1)" in str(error)]
    finally:
        del RULES["triple"]
    return [type(largest).__name__, 0 < largest < 0.05, x.data.tolist() == before, x.grad is not None, data.grad]


@probe
def two_inputs(first, second):
    """y = 3 a + 3 b, whose rule answers `first` and `second` times G: the result, or which input is named."""
    enable_autograd(quiet=True)

    def both(a, b):
        return 3 * a + 3 * b

    class BothBackward(Function):
        def apply(self, g):
            return first * g, second * g

    backward_rule(both)(BothBackward)
    try:
        largest = check_gradients(lambda a, b: compute(both, a, b), Tensor([1.0], requires_grad=True), Tensor([2.0], requires_grad=True))
    except AssertionError as error:
        return [name for name in ("input 0", "input 1") if name in str(error)]
    finally:
        del RULES["both"]
    return largest


@probe
def outputs_that_cancel():
    """f = (x, -x) has outputs that sum to zero. A rule that answers zero must not pass."""
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
def tolerances(rtol, atol):
    """A rule that is 1 % off at a gradient near 300 * weight, with these tolerances."""
    enable_autograd(quiet=True)

    def much(x):
        return 300 * x

    class MuchBackward(Function):
        def apply(self, g):
            return (303 * g,)

    backward_rule(much)(MuchBackward)
    try:
        check_gradients(lambda t: compute(much, t), Tensor([1.0], requires_grad=True), rtol=rtol, atol=atol)
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
    steps = []

    def f(t):
        steps.append(round(float(t.data[0]), 3))
        return t * t - 1 / t

    return [check_gradients(f, x, eps=0.125) < 0.05, 1.125 in steps, 0.875 in steps, np.round(x.grad.data / np.random.default_rng(0).standard_normal(2), 3).tolist()]


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
    zero = check_gradients(lambda t: t * 0, Tensor([1.0, 2.0], requires_grad=True), atol=0.0, rtol=0.0)
    return [zero, check_gradients(lambda t: t * 2, Tensor(np.zeros((0, 3)), requires_grad=True))]


def test_autograd_check_gradients():
    """Right rules pass, wrong or missing ones are reported with the input's number."""
    check.equal(verdict_on("right"), ["float", True, True, True, None], given="y = 3 x + data with the right rule: [type of result, small and not 0, x unchanged, x has a grad, data.grad]")
    for case, what in [("factor", "answers 2 G instead of 3 G"), ("missing", "answers None"), ("NaN", "answers NaN"), ("wrong in one entry", "is wrong in entry (1, 1) only")]:
        check.equal(verdict_on(case)[:2], ["AssertionError", True], given=f"y = 3 x + data, where the rule of 3 x {what}: [error, does it name input 1]")
    check.equal(verdict_on("wrong in one entry"), ["AssertionError", True, False, True], given="y = 3 x + data, where the rule of 3 x is wrong in entry (1, 1) only: [error, does it name input 1, (0, 1), (1, 1)]")
    check.equal(verdict_on("wrong in two entries")[:3], ["AssertionError", True, True], given="y = 3 x + data, where the rule of 3 x is wrong in (0, 1) and, by more, in (1, 1): [error, does it name input 1, (0, 1)]", because="the first wrong entry is named, not the one that is off the most")
    check.equal(verdict_on("small")[0], "float", given="a rule that is off by a third of a per cent", because="below the noise floor nothing can be decided")
    check.equal([two_inputs(2.0, 3.0), two_inputs(3.0, 2.0)], [["input 0"], ["input 1"]], given="y = 3 a + 3 b, where the rule is wrong for a, then for b: which input does the error name", because="all inputs that require a gradient are checked, and input 0 is the first")
    for factors in [(3.01, 3.0), (3.0, 3.01)]:
        check.close(two_inputs(*factors), 0.01 * np.random.default_rng(0).standard_normal(), rtol=0.2, given=f"y = 3 a + 3 b, where the rule answers {factors[0]} G for a and {factors[1]} G for b: the result", because="the largest difference of all inputs, here 0.01 times the weight of the output")
    check.equal(outputs_that_cancel(), "AssertionError", given="f = (x, -x), whose rule answers zero", because="the outputs have to be weighted, or their gradients cancel")
    check.equal([tolerances(0.05, 0.0), tolerances(0.001, 0.0), tolerances(0.0, 1e3)], ["passed", "AssertionError", "passed"], given="a rule that is 1 % off, with rtol=0.05, rtol=0.001 (atol=0), and atol=1000 (rtol=0)")
    check.equal(
        step_in_use(), [True, True, True, [3.0, 4.25]], given="x * x - 1 / x at x[0] = 1 with eps=0.125: [passes, evaluated at 1.125, at 0.875, gradient / weights]",
        because="eps is handed on, so f is evaluated at 1.125 and at 0.875; and the gradient is weights * (2 x + 1 / (x * x))",
    )
    check.equal(nothing_to_check(), ["float", 0.0], given="x + x, where x requires no gradient: [type of result, result]", because="there is nothing to check, and that is no error")
    check.equal(exact_and_empty(), [0.0, 0.0], given="0 x without any tolerance, and 2 x for a (0, 3) tensor: the largest differences", because="a difference of 0 is never more than the tolerance")


test_autograd_check_gradients()

# %% [markdown]
r"""
Two evaluations for every entry is fine for a rule and too much for a model. For a model there is a cheaper
question. Move *all* entries at once along one random direction $d$: the slope of $L$ in that direction must
be $\sum_i d_i\,\partial L/\partial x_i$. Two evaluations, however many parameters there are, and a wrong
gradient in any layer almost surely shows: random signs rarely cancel an error. The step is smaller than in
Part 1, because all entries take it together. The function is given; you will use it below on a whole
network.
"""


# %%
#| export
def check_direction(
    f: Callable, *inputs: Tensor, eps: float = 1e-3, seed: int = 0
) -> tuple[float, float]:
    """The slope of f along one random direction: (from backward(), from two evaluations).

    f is called as f(*inputs) and returns one number as a Tensor. Every entry of every input moves
    by +1 or -1 times eps, all at once, so every input must require a gradient. The slopes agree to a few per cent of the gradient's norm;
    kinks (of a ReLU, say) and rounding set the limit.
    """
    for x in inputs:
        x.grad = None
    f(*inputs).backward()
    rng = np.random.default_rng(seed)
    directions = [rng.choice(np.float32([-1, 1]), size=x.shape) for x in inputs]
    pairs = zip(inputs, directions, strict=True)
    found = sum(float(np.vdot(np.asarray(x.grad), direction)) for x, direction in pairs)
    originals = [x.data for x in inputs]

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
This is another **good place to stop for today**: the engine is complete, and you have seen it learn.

## Part 7: The other rules

The engine merely speaks few words yet. What follows is vocabulary, and each word takes a line or two. One
reminder for all of them: a rule returns a **tuple, also for one input**: `return (gradient,)`.

### Matrix products

$C = A\,B$ with shapes $(n, k)$, $(k, m)$, $(n, m)$. The entry $A_{ij}$ is multiplied by each of the $m$
entries of row $j$ of $B$, and every product goes into another entry of $C$, all in row $i$. So its gradient
is a sum of $m$ terms, $\sum_c G_{ic}\,B_{jc}$, and all these sums together are again a matrix product:

$$\frac{\partial L}{\partial A} = G\,B^{T}\quad (n,m)(m,k) \to (n,k) \qquad\qquad \frac{\partial L}{\partial B} = A^{T} G\quad (k,n)(n,m) \to (k,m)$$

Two products of the same size as the forward one. That is why a backward pass costs about twice a forward
pass.

Two shapes deserve care:

- **A stack times one matrix**, (batch, n, k) @ (k, m): the usual case in a network. The matrix is used once
  per member of the stack, so its gradient is a sum over the stack. Do not compute one gradient per member
  and add them up. Flatten the stack to one tall matrix of batch × n rows, and $A^T G$ does the
  multiplication *and* the sum, in one product. The same view takes care of a vector, which is one row (or,
  on the right, one column).
- **A stack times a stack**, where leading dimensions may broadcast: transpose the last two axes, leave the
  others alone, and let `unbroadcast` do the summing.
"""


# %% nbgrader={"grade": false, "grade_id": "autograd_matmul", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(matmul)
class MatmulBackward(Function):
    """C = A @ B:    dA = G @ B^T,    dB = A^T @ G."""

    def apply(self, grad_output):
        """Return (gradient of A, gradient of B); None, without computing it, where not needed.

        k is at least 1; the other dimensions may be 0. So -1 may stand for n in the shape of rows,
        but not in the shape of g: take its two sizes from rows and matrix.

        Case 1, B has one or two dimensions (A has any number): one single product each.
            1. rows: A as a matrix (n, k), all its dimensions but the last flattened into one. A
               vector of length k becomes (1, k).
            2. matrix: B itself, or, if B is a vector of length k, that vector as a column (k, 1).
               Either way its shape is (k, m).
            3. g: grad_output reshaped to (n, m).
            4. The gradient of A is g @ matrix^T, reshaped to the shape of A.
               The gradient of B is rows^T @ g, which has the shape of B already, unless B is a
               vector. Reshape it only then: a reshaped array is a view, and `accumulate` would
               have to copy it.
        Case 2, B is a stack of matrices (three or more dimensions).
            1. If A is a vector, it takes part as a row: give A a new axis -2, and grad_output too.
            2. The two formulas, where "transposed" means the last two axes (np.swapaxes). The
               results may have more leading dimensions than A or B: unbroadcast sums them later.

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


# %% nbgrader={"grade": true, "grade_id": "test_autograd_matmul", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
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
    return MatmulBackward(batch, weight).apply(np.ones((4, 2), dtype=np.float32))[1].base is not None


def test_autograd_matmul():
    """Matrices, vectors, stacks and broadcast stacks, against float64 differences."""
    enable_autograd(quiet=True)
    a, b = Tensor([[1.0, 2.0]], requires_grad=True), Tensor([[3.0], [4.0]], requires_grad=True)
    grad_a, grad_b = MatmulBackward(a, b).apply(np.float32([[10.0]]))
    check.close(grad_a, [[30.0, 40.0]], given="A = [[1, 2]], B = [[3], [4]], G = [[10]]: gradient of A", because="G @ B^T")
    check.close(grad_b, [[10.0], [20.0]], given="A = [[1, 2]], B = [[3], [4]], G = [[10]]: gradient of B", because="A^T @ G")
    data, weight = Tensor(np.ones((5, 2, 3))), Tensor(np.ones((3, 4)), requires_grad=True)
    grad_data, grad_weight = MatmulBackward(data, weight).apply(np.ones((5, 2, 4), dtype=np.float32))
    check.equal(grad_data, None, given="(5, 2, 3) @ (3, 4), where only the matrix requires a gradient: gradient of the stack", because="half of the work can be spared")
    check.close(grad_weight, np.full((3, 4), 10.0), given="(5, 2, 3) @ (3, 4), all ones: gradient of the matrix", because="one product of the flattened stack adds up all 10 rows")
    check.equal([gradient is None for gradient in MatmulBackward(weight, Tensor(np.ones((4, 2)))).apply(np.ones((3, 2), dtype=np.float32))], [False, True], given="(3, 4) @ (4, 2), where only A requires a gradient: are the gradients of A and B None")
    stack = Tensor(np.ones((5, 4, 2)), requires_grad=True)
    for a, b, expected in [(weight, Tensor(np.ones((5, 4, 2))), [False, True]), (Tensor(np.ones((3, 4))), stack, [True, False])]:
        missing = [gradient is None for gradient in MatmulBackward(a, b).apply(np.ones((5, 3, 2), dtype=np.float32))]
        check.equal(missing, expected, given=f"(3, 4) @ (5, 4, 2), where only {'AB'[expected[0]]} requires a gradient: are the gradients of A and B None")
    check.equal(memory_of_a_weight_gradient(), False, given="(4, 3) @ (3, 2): is the gradient of B a view", because="a view has to be copied when it is stored; a fresh product can be kept")
    rng = np.random.default_rng(1)
    for left, right in [((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,)), ((5, 2, 3), (3, 4)), ((5, 2, 3), (3,)), ((2, 5, 2, 3), (3, 2)), ((5, 2, 3), (5, 3, 4)), ((2, 3), (5, 3, 2)), ((1, 2, 3), (5, 3, 2)), ((5, 2, 3), (1, 3, 2)), ((2, 1, 2, 3), (3, 3, 2)), ((3,), (5, 3, 2)), ((0, 3), (3, 2))]:
        a, b = rng.integers(-4, 5, left).astype(np.float32), rng.integers(-4, 5, right).astype(np.float32)
        g = rng.integers(-4, 5, (a @ b).shape).astype(np.float32)
        x, y = Tensor(a, requires_grad=True), Tensor(b, requires_grad=True)
        (x @ y).backward(g)
        for tensor, expected, letter in [(x, measured(lambda v, b=b: v @ b, a, g), "A"), (y, measured(lambda v, a=a: a @ v, b, g), "B")]:
            check.close(tensor.grad, expected, given=f"A of shape {left} @ B of shape {right}: gradient of {letter}", rtol=1e-4, atol=1e-4)
        stack = Tensor(b)
        x.zero_grad()
        (x @ stack).backward(g)
        check.equal([x.grad is None, stack.grad is None], [False, True], given=f"A of shape {left} @ B of shape {right}, where B requires no gradient: is the grad of A, of B None")
        y.zero_grad()
        (Tensor(a) @ y).backward(g)
        check.close(y.grad, measured(lambda v, a=a: a @ v, b, g), given=f"A of shape {left} @ B of shape {right}, where A requires no gradient: gradient of B", rtol=1e-4, atol=1e-4)


test_autograd_matmul()

# %% [markdown]
r"""
### Sums, means, maxima

A sum sends its gradient to every entry it added up: the reverse of adding up is spreading out. If `axis`
removed an axis, it has to be put back (with size 1), so that the gradient lines up with the input and
broadcasts. `restore_axes` does that. The rule of the sum is given; note that `np.broadcast_to` makes a view
and copies nothing, though it looks like an array of the full size.

The mean divides that by the number of entries that went into each result.

The maximum sends its gradient to the entry that was largest; the others could have been a little different
and nothing would have changed. And if several are equally large? Then there is no derivative, strictly
speaking, and one has to choose. We let the ties **share the gradient equally**.
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


@backward_rule(reduce_sum)
class SumBackward(Function):
    """y = sum of a:    da = G, for every entry that was added."""

    def apply(self, grad_output):
        (a,) = self.arrays
        return (np.broadcast_to(restore_axes(self, grad_output), a.shape),)


# %% nbgrader={"grade": false, "grade_id": "autograd_reductions", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(reduce_mean)
class MeanBackward(Function):
    """y = mean of a:    da = G / count, for every entry of the mean."""

    def apply(self, grad_output):
        """Return (gradient of a,), of a's shape and float32.

        count is how many entries went into one mean: a.size / grad_output.size. (An empty batch
        has no means at all; write a.size / max(1, grad_output.size), and it raises no error.)
        Divide first and broadcast afterwards: dividing the small array is cheaper.

        Example:
            a of shape (2, 3), axis=1, G = [3, 6]: the gradient is [[1, 1, 1], [2, 2, 2]].
        """
        ### BEGIN SOLUTION
        (a,) = self.arrays
        each = restore_axes(self, grad_output) / (a.size / max(1, grad_output.size))
        return (np.broadcast_to(each, a.shape),)
        ### END SOLUTION


@backward_rule(reduce_max)
class MaxBackward(Function):
    """y = max of a:    da = G where a is the maximum, shared equally among ties; 0 elsewhere."""

    def apply(self, grad_output):
        """Return (gradient of a,), of a's shape and float32.

        Example:
            a = [[1, 5, 5], [7, 2, 3]], axis=1, G = [10, 20]: [[0, 5, 5], [20, 0, 0]].

        Steps:
            1. Compare a with the output (restore_axes works for self.output too), and turn the
               mask of bools into 0s and 1s of grad_output.dtype: dividing by a sum of bools, an
               integer, would make float64.
            2. How many ties: the sum of the mask along the setting "axis", with keepdims=True.
               Module 01's reduce_sum(array, axis, keepdims) knows every form an axis can have.
            3. mask * (gradient / ties).
        """
        ### BEGIN SOLUTION
        (a,) = self.arrays
        largest = (a == restore_axes(self, self.output)).astype(grad_output.dtype)
        ties = reduce_sum(largest, self.settings["axis"], True)
        return (largest * (restore_axes(self, grad_output) / ties),)
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_autograd_reductions", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
@probe
def rule_dtypes():
    """The dtypes of what the rules return for float32."""
    x = Tensor([[1.0, 5.0, 5.0], [7.0, 2.0, 3.0]], requires_grad=True)
    found = []
    for rule, output in [(MeanBackward, x.data.mean(axis=1)), (MaxBackward, x.data.max(axis=1))]:
        node = rule(x, output=output, axis=1, keepdims=False)
        found.append(str(node.apply(np.float32([1.0, 2.0]))[0].dtype))
    return found


def test_autograd_reductions():
    """Mean and maximum over any axes, ties included, and the sum that was given."""
    enable_autograd(quiet=True)
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    x.mean(axis=1).backward([3.0, 6.0])
    check.close(x.grad, [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]], given="mean over axis 1 of a (2, 3) tensor, G = [3, 6]", because="each of 3 entries gets a third")
    x = Tensor([[1.0, 5.0, 5.0], [7.0, 2.0, 3.0]], requires_grad=True)
    x.max(axis=1).backward([10.0, 20.0])
    check.close(x.grad, [[0.0, 5.0, 5.0], [20.0, 0.0, 0.0]], given="max over axis 1 of [[1, 5, 5], [7, 2, 3]], G = [10, 20]", because="the gradient goes to the largest entry; ties share it equally")
    x.zero_grad()
    x.max().backward()
    check.close(x.grad, [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]], given="max of all of [[1, 5, 5], [7, 2, 3]]")
    same = Tensor(np.full((2, 2), 3.0), requires_grad=True)
    same.max().backward(2.0)
    check.close(same.grad, np.full((2, 2), 0.5), given="max of all of a (2, 2) tensor of equal numbers, G = 2")
    check.equal(rule_dtypes(), ["float32", "float32"], given="dtypes of the gradients of mean and max", because="dividing by an integer array would make float64")
    rng = np.random.default_rng(2)
    values = rng.permutation(24).reshape(2, 3, 4).astype(np.float32) / 4
    for name, function in [("sum", np.sum), ("mean", np.mean), ("max", np.max)]:
        for axis in (None, 0, 1, -1, (0, 2), (-1, 1), [0, 2]):
            for keepdims in (False, True):
                x = Tensor(values, requires_grad=True)
                y = getattr(x, name)(axis=axis, keepdims=keepdims)
                g = rng.integers(1, 9, y.shape).astype(np.float32)
                y.backward(g)
                axes = tuple(axis) if isinstance(axis, list) else axis
                expected = measured(lambda v: function(v, axis=axes, keepdims=keepdims), values.astype(np.float64), g)
                check.close(x.grad, expected, given=f"{name}(axis={axis}, keepdims={keepdims}) of a (2, 3, 4) tensor", rtol=1e-4, atol=1e-4)
    empty = Tensor(np.zeros((0, 3)), requires_grad=True)
    empty.mean(axis=1).backward(np.zeros(0))
    check.close(empty.grad, np.zeros((0, 3)), given="mean over axis 1 of a (0, 3) tensor", because="no rows, no gradient, and no division by zero")


test_autograd_reductions()

# %% [markdown]
r"""
### Moving things around

Reshape, transpose and permute compute nothing, they move numbers. Their rules move the gradient back.
Reshape is given.

A slice *selects*. What was not selected did not matter, so its gradient is zero: an array of zeros, with
the gradient written into the selected place. With numbers, slices, `...` and `None` as the key, NumPy
selects every element at most once, so plain assignment does it. (`SliceBackward` gets into the table of
rules in the next section, together with the rule for the other keys.)
"""


# %%
#| export
@backward_rule(reshape)
class ReshapeBackward(Function):
    """y = a in another shape:    da = G in the shape of a."""

    def apply(self, grad_output):
        (a,) = self.arrays
        return (grad_output.reshape(a.shape),)


# %% nbgrader={"grade": false, "grade_id": "autograd_moving", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(transpose)
class TransposeBackward(Function):
    """y = a with two axes exchanged:    da = G with the same two axes exchanged."""

    def apply(self, grad_output):
        """Return (gradient of a,).

        The settings dim0 and dim1 may both be None (the last two axes). Module 01's `transpose`
        knows all that already: it takes an array and these two settings, and it is its own
        reverse.
        """
        ### BEGIN SOLUTION
        return (transpose(grad_output, **self.settings),)
        ### END SOLUTION


@backward_rule(permute)
class PermuteBackward(Function):
    """y = a with its axes in the order `axes`:    da = G with its axes in the reverse order."""

    def apply(self, grad_output):
        """Return (gradient of a,).

        The setting axes says, for each axis of y, which axis of a it was; an entry may be
        negative (-1 is the last axis). The reverse asks, for each axis of a, at which position of
        `axes` it stands: exactly what np.argsort answers, once all entries are non-negative.

        Example:
            a of shape (2, 3, 4), axes (2, 0, 1): y has shape (4, 2, 3), and G is brought back
            to (2, 3, 4) by np.transpose(G, (1, 2, 0)).
        """
        ### BEGIN SOLUTION
        axes = [axis % grad_output.ndim for axis in self.settings["axes"]]
        return (np.transpose(grad_output, np.argsort(axes)),)
        ### END SOLUTION


class SliceBackward(Function):
    """y = a[key], every element selected at most once:    da = G at key, 0 elsewhere."""

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


# %% nbgrader={"grade": true, "grade_id": "test_autograd_moving", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_autograd_moving():
    """Each rule brings every number of the gradient back to where its element came from."""
    enable_autograd(quiet=True)
    x = Tensor(np.zeros((2, 3)), requires_grad=True)
    x.transpose().backward([[1, 2], [3, 4], [5, 6]])
    check.close(x.grad, [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]], given="transpose of a (2, 3) tensor, G = [[1, 2], [3, 4], [5, 6]]")
    places = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    cube = Tensor(places, requires_grad=True)
    for first, second in [(None, None), (0, 1), (0, 2), (1, 2), (-1, 0), (1, -1), (1, 1)]:
        moved = places.swapaxes(-2 if first is None else first, -1 if second is None else second)
        (gradient,) = gradients_of(TransposeBackward(cube, dim0=first, dim1=second), moved, "TransposeBackward.apply")
        check.close(gradient, places, given=f"transpose({first}, {second}) of a (2, 3, 4) tensor, G = the transposed numbers 0 to 23", because="there and back again leaves every number where it was")
    vector = Tensor(np.zeros(3), requires_grad=True)
    (gradient,) = TransposeBackward(vector, dim0=None, dim1=None).apply(np.float32([1.0, 2.0, 3.0]))
    check.close(gradient, [1.0, 2.0, 3.0], given="transpose() of a vector, which changes nothing")
    for axes in [(2, 0, 1), (1, 2, 0), (0, 2, 1), (2, 1, 0), (-1, 0, 1), (1, -1, -3)]:
        (gradient,) = gradients_of(PermuteBackward(cube, axes=axes), places.transpose(axes), "PermuteBackward.apply")
        check.close(gradient, places, given=f"permute{axes} of a (2, 3, 4) tensor, G = the permuted numbers 0 to 23")
    cube.permute(1, 2, 0).backward(places.transpose(1, 2, 0))
    check.close(cube.grad, places, given="permute(1, 2, 0), through backward()")
    a = Tensor(np.ones(5), requires_grad=True)
    (gradient,) = gradients_of(SliceBackward(a, key=slice(1, 3)), np.float32([10.0, 20.0]), "SliceBackward.apply")
    check.close(gradient, [0.0, 10.0, 20.0, 0.0, 0.0], given="a of shape (5,), key slice(1, 3), G = [10, 20]", because="what was not selected has gradient 0")
    for key, text in [(2, "2"), ((slice(None), 1), ":, 1"), ((..., slice(None, None, -2)), "..., ::-2"), ((1, slice(0, 2), None), "1, 0:2, None"), (slice(5, 9), "5:9")]:
        a = Tensor(np.ones((4, 3, 5)), requires_grad=True)
        g = np.random.default_rng(3).standard_normal(np.zeros((4, 3, 5))[key].shape).astype(np.float32)
        expected = np.zeros((4, 3, 5))
        expected[key] = g
        (gradient,) = SliceBackward(a, key=key).apply(g)
        check.close(gradient, expected, given=f"a of shape (4, 3, 5), key [{text}]")
        check.equal(str(gradient.dtype), "float32", given=f"the dtype of the gradient for the key [{text}]")


test_autograd_moving()

# %% [markdown]
r"""
### Looking up rows

`table[ids]` with an array of row numbers gathers rows: the way a network turns word number 17 into a
vector. Here a row may be selected **more than once**, and then its gradients have to be *added*. Assignment
would let the last one win.

```
 ids   [ 2, 0, 2 ]            G   [[ 1, 1 ],          gradient of the table  [[ 2, 2 ],     row 0
                                   [ 2, 2 ],                                  [ 0, 0 ],     row 1: never used
                                   [ 5, 5 ]]                                  [ 6, 6 ]]     row 2: 1 + 5
```

In words: row 2 was looked up twice, so it receives the sum of two gradient rows; row 1 was not looked up
and receives zeros.

NumPy has a function for this, `np.add.at`. It is correct, and slow: it handles one index at a time. The
fast way is a detour through **sorting**. Sort the ids, and all uses of a row stand side by side; then each
row's gradient is the sum of one contiguous run, and `np.add.reduceat` sums many runs in a single call:
`np.add.reduceat(rows, starts, axis=0)` adds up the rows from each start to the next one.
"""


# %% nbgrader={"grade": false, "grade_id": "autograd_embedding", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def scatter_add_rows(rows: np.ndarray, ids: np.ndarray, count: int) -> np.ndarray:
    """A table of `count` rows, in which row i is the sum of all rows[k] with ids[k] == i.

    Args:
        rows: shape (n, width).
        ids: shape (n,), integers from 0 to count - 1, in any order, repeats allowed; n may be 0.
        count: number of rows of the result.

    Returns:
        An array of shape (count, width) and rows' dtype. Rows that no id names are zero.

    Example:
        rows [[1, 1], [2, 2], [5, 5]], ids [2, 0, 2], count 3: [[2, 2], [0, 0], [6, 6]].

    Steps (do not use np.add.at: it can be several times slower):
        1. A table of zeros.
        2. order = np.argsort(ids, kind="stable"): ids[order] is sorted, and rows[order] stand in
           the same new order.
        3. np.unique(sorted_ids, return_index=True) gives two arrays: the different ids, and
           where the run of each one starts.
        4. np.add.reduceat adds up the runs; write the sums into the table, at the different ids.
    """
    ### BEGIN SOLUTION
    table = np.zeros((count, rows.shape[1]), dtype=rows.dtype)
    order = np.argsort(ids, kind="stable")
    present, starts = np.unique(ids[order], return_index=True)
    table[present] = np.add.reduceat(rows[order], starts, axis=0)
    return table
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_autograd_embedding", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@probe
def tools_used(n, count, width):
    """Run with np.add.at out of reach; also whether the arguments keep their values."""

    class Add:
        reduceat, reduce, accumulate, outer = np.add.reduceat, np.add.reduce, np.add.accumulate, np.add.outer

        @staticmethod
        def at(*args):
            raise RuntimeError("np.add.at was called: it can be several times slower than sorting")

        def __call__(self, *args, **kwargs):
            return np.multiply(1, args[0]) + args[1]

    rng = np.random.default_rng(4)
    rows, ids = rng.integers(-9, 10, (n, width)).astype(np.float32), rng.integers(0, count, n)
    before, original = (rows.copy(), ids.copy()), np.add
    np.add = Add()
    try:
        result = scatter_add_rows(rows, ids, count)
    finally:
        np.add = original
    return [result, rows, ids, bool(np.array_equal(rows, before[0]) and np.array_equal(ids, before[1]))]


def test_autograd_embedding():
    """Rows that were used several times receive the sum; rows never used receive zeros."""
    rows, ids = np.float32([[1, 1], [2, 2], [5, 5]]), np.array([2, 0, 2])
    result = scatter_add_rows(rows, ids, 3)
    check.close(result, [[2.0, 2.0], [0.0, 0.0], [6.0, 6.0]], given="rows [[1, 1], [2, 2], [5, 5]], ids [2, 0, 2], count 3", because="row 2 was used twice: 1 + 5")
    check.equal(str(result.dtype), "float32", given="the dtype of the result for float32 rows")
    check.close(scatter_add_rows(rows, np.array([1, 1, 1]), 2), [[0.0, 0.0], [8.0, 8.0]], given="the same rows, ids [1, 1, 1], count 2")
    check.close(scatter_add_rows(rows, np.array([3, 0, 1]), 5), [[2.0, 2.0], [5.0, 5.0], [0.0, 0.0], [1.0, 1.0], [0.0, 0.0]], given="the same rows, ids [3, 0, 1], count 5")
    check.close(scatter_add_rows(np.zeros((0, 2), dtype=np.float32), np.zeros(0, dtype=np.int64), 2), np.zeros((2, 2)), given="no rows, no ids, count 2")
    for n, count, width in [(40, 7, 3), (40, 100, 2), (9, 9, 1)]:
        result, rows, ids, untouched = tools_used(n, count, width)
        expected = np.zeros((count, width))
        for row, i in zip(rows, ids, strict=True):
            expected[i] += row
        check.close(result, expected, given=f"{n} random rows of width {width}, ids below {count}")
        check.equal(untouched, True, given="are rows and ids as before", because="they belong to the caller")


test_autograd_embedding()

# %% [markdown]
r"""
The rules that use it are given. An operation may have several rules: `take` gets a function that looks at
the key and chooses. Keys with masks, or with several arrays, are rare and need not be fast. For them there
is a trick that is right for *every* key: index an array of position numbers in the same way, and you know
which element each entry of the gradient belongs to.
"""


# %%
#| export
class EmbeddingBackward(Function):
    """y = table[ids], for one array of row numbers:    dtable = rows of G, added up by id."""

    def apply(self, grad_output):
        (table,) = self.arrays
        ids = np.arange(len(table))[self.settings["key"]].ravel()  # negative numbers resolved
        rows = grad_output.reshape(len(ids), math.prod(table.shape[1:]))
        return (scatter_add_rows(rows, ids, len(table)).reshape(table.shape),)


class IndexBackward(Function):
    """y = a[key], for masks and combinations of arrays and slices:    da = G, added up by place."""

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
### Activations

Four derivatives that you may have met on paper; each stands in the first line of its class below. Sigmoid
and tanh have a pleasant property: the derivative can be computed from the *output* $y$, with no need to go
back to $x$. ReLU has a corner: at exactly 0 its derivative is 0, by convention. GELU takes the product rule
and the chain rule.

Sigmoid is given. For ReLU, multiply by the comparison (`g * (x > 0)`): a product of an array with bools is
the fastest form NumPy has, several times faster than `np.where` or a boolean index. In GELU, write `x * x`
and not `x**3`: general powers are about a hundred times slower than products.
"""


# %%
#| export
@backward_rule(sigmoid)
class SigmoidBackward(Function):
    """y = sigmoid(x):    dx = G * y * (1 - y)."""

    def apply(self, grad_output):
        y = self.output
        return (grad_output * y * (1 - y),)


# %% nbgrader={"grade": false, "grade_id": "autograd_activations", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(relu)
class ReLUBackward(Function):
    """y = max(x, 0):    dx = G where x > 0, else 0."""

    def apply(self, grad_output):
        """Return (gradient of x,). Example: x = [-1, 0, 2], G = [5, 5, 5] give [0, 0, 5]."""
        ### BEGIN SOLUTION
        (x,) = self.arrays
        return (grad_output * (x > 0),)
        ### END SOLUTION


@backward_rule(tanh)
class TanhBackward(Function):
    """y = tanh(x):    dx = G * (1 - y * y)."""

    def apply(self, grad_output):
        """Return (gradient of x,), from self.output. Example: y = [0.5], G = [4] give [3]."""
        ### BEGIN SOLUTION
        y = self.output
        return (grad_output * (1 - y * y),)
        ### END SOLUTION


@backward_rule(gelu)
class GELUBackward(Function):
    """y = x (1 + t) / 2, t = tanh(u):    dx = G * ((1 + t) / 2 + x (1 - t * t) u' / 2)."""

    def apply(self, grad_output):
        """Return (gradient of x,).

        u = c * (x + 0.044715 * x * x * x) and u' = c * (1 + 3 * 0.044715 * x * x), with
        c = math.sqrt(2 / math.pi). (Not np.sqrt: a NumPy float64 number turns everything it touches
        into float64.)

        Example:
            x = [0, 1], G = [1, 1] give [0.5, 1.08296].
        """
        ### BEGIN SOLUTION
        (x,) = self.arrays
        c, square = math.sqrt(2 / math.pi), x * x
        t = np.tanh(c * x * (1 + 0.044715 * square))
        slope = c * (1 + 3 * 0.044715 * square)
        return (grad_output * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope),)
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_autograd_activations", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def through_activation(operation_name, values, g):
    """Gradient through compute() of one of the operations, and the dtype of what the rule returns."""
    enable_autograd(quiet=True)
    operation = {"relu": relu, "sigmoid": sigmoid, "tanh": tanh, "gelu": gelu}[operation_name]
    x, g = Tensor(values, requires_grad=True), np.float32(g)
    y = compute(operation, x)
    y.backward(g, retain_graph=True)
    (gradient,) = y._grad_fn.apply(g)
    return [x.grad.data, str(gradient.dtype), g, x.data]


def test_autograd_activations():
    """The four derivatives, against hand-computed values and float64 differences."""

    def gelu64(x):
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))

    gradient, *_ = through_activation("relu", [-1.0, 0.0, 2.0], [5.0, 5.0, 5.0])
    check.close(gradient, [0.0, 0.0, 5.0], given="ReLU at x = [-1, 0, 2], G = [5, 5, 5]", because="only what was let through forward is let through backward; at 0 the convention is 0")
    (gradient,) = gradients_of(TanhBackward(Tensor([0.5493061]), output=np.float32([0.5])), np.float32([4.0]), "TanhBackward.apply")
    check.close(gradient, [3.0], given="tanh with output y = 0.5, G = 4", because="4 * (1 - 0.25)")
    gradient, *_ = through_activation("gelu", [0.0, 1.0], [1.0, 1.0])
    check.close(gradient, [0.5, 1.0829641], rtol=1e-4, given="GELU at x = [0, 1], G = [1, 1]")
    points = np.array([-6.0, -3.0, -1.5, -0.7, -0.01, 0.02, 0.4, 1.0, 2.5, 5.0])
    for name, function in [("relu", lambda v: np.maximum(v, 0)), ("sigmoid", lambda v: 1 / (1 + np.exp(-v))), ("tanh", np.tanh), ("gelu", gelu64)]:
        g = np.linspace(1, 3, points.size)
        gradient, dtype, g_after, x_after = through_activation(name, points, g)
        expected = g * (function(points + 1e-5) - function(points - 1e-5)) / 2e-5
        check.close(gradient, expected, rtol=1e-3, atol=1e-5, given=f"{name} at ten points between -6 and 5, G from 1 to 3")
        check.equal(dtype, "float32", given=f"dtype of the gradient of {name}", because="one float64 array would double the memory of everything behind it")
        check.close([g_after, x_after], [g, points], given=f"G and x after the rule of {name}", because="a rule changes nothing in place")


test_autograd_activations()

# %% [markdown]
r"""
### Softmax

Here every output depends on every input of its row: raise one score, and the other probabilities fall. The
derivative is a matrix, $\partial y_i/\partial x_j = y_i(\delta_{ij} - y_j)$, one per row, where
$\delta_{ij}$ is 1 if $i = j$ and 0 otherwise. Multiply it by $G$ on paper and it collapses:

$$\frac{\partial L}{\partial x_j} = \sum_i G_i\, y_i (\delta_{ij} - y_j) = y_j \Big(G_j - \sum_i G_i\, y_i\Big)$$

No matrix is ever built. For the logarithm, $z = \log y$, it becomes even simpler:

$$\frac{\partial L}{\partial x_j} = G_j - e^{z_j} \sum_i G_i$$

The sums run along the softmax dimension, with `keepdims=True` so that they line up.
"""


# %% nbgrader={"grade": false, "grade_id": "autograd_softmax", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(softmax)
class SoftmaxBackward(Function):
    """y = softmax(x):    dx = y * (G - sum of G * y along dim)."""

    def apply(self, grad_output):
        """Return (gradient of x,). y is self.output; the dimension is the setting "dim".

        Example:
            y = [0.25, 0.75], G = [4, 0]: the sum is 1, and the gradient [0.75, -0.75].
        """
        ### BEGIN SOLUTION
        y = self.output
        total = (grad_output * y).sum(axis=self.settings["dim"], keepdims=True)
        return (y * (grad_output - total),)
        ### END SOLUTION


@backward_rule(log_probabilities)
class LogSoftmaxBackward(Function):
    """z = log(softmax(x)):    dx = G - exp(z) * sum of G along dim."""

    def apply(self, grad_output):
        """Return (gradient of x,). z is self.output; the dimension is the setting "dim".

        Example:
            z = log([0.25, 0.75]), G = [4, 0]: the gradient is [4 - 1, 0 - 3] = [3, -3].
        """
        ### BEGIN SOLUTION
        total = grad_output.sum(axis=self.settings["dim"], keepdims=True)
        return (grad_output - np.exp(self.output) * total,)
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_autograd_softmax", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_autograd_softmax():
    """Softmax and its logarithm along any dimension, against float64 differences."""
    enable_autograd(quiet=True)
    y, g = np.float32([0.25, 0.75]), np.float32([4.0, 0.0])
    (gradient,) = gradients_of(SoftmaxBackward(Tensor(np.log(y)), output=y, dim=-1), g, "SoftmaxBackward.apply")
    check.close(gradient, [0.75, -0.75], given="softmax with output [0.25, 0.75], G = [4, 0]", because="y * (G - 1): what one gains, the others lose")
    (gradient,) = gradients_of(LogSoftmaxBackward(Tensor(np.log(y)), output=np.log(y), dim=-1), g, "LogSoftmaxBackward.apply")
    check.close(gradient, [3.0, -3.0], given="log softmax with output log [0.25, 0.75], G = [4, 0]", because="G - y * 4")
    values = np.random.default_rng(5).standard_normal((2, 3, 4)).astype(np.float32)
    g = np.random.default_rng(6).standard_normal((2, 3, 4)).astype(np.float32)
    for dim in (-1, 0, 1):

        def probabilities(v, dim=dim):
            return np.exp(v) / np.exp(v).sum(axis=dim, keepdims=True)

        for operation, function, name in [(softmax, probabilities, "softmax"), (log_probabilities, lambda v, f=probabilities: np.log(f(v)), "log softmax")]:
            x = Tensor(values, requires_grad=True)
            result = compute(operation, x, dim=dim)
            before = result.data
            result.backward(g, retain_graph=True)
            expected = measured(function, values.astype(np.float64), g)
            check.close(x.grad, expected, given=f"{name} of a (2, 3, 4) tensor along dimension {dim}", rtol=1e-3, atol=1e-5)
            check.close(result, before, given=f"the output of {name} after its rule was applied", because="a rule does not write into the saved arrays")


test_autograd_softmax()

# %% [markdown]
r"""
### Losses

Now the top of the graph, where every backward pass begins. All three losses are means, so $G$ is a single
number, multiplied by $1/n$.

**Mean squared error**: with $n$ predictions, $L = \frac1n\sum (p - t)^2$ and
$\partial L/\partial p = \frac2n (p - t)$. A target can require a gradient as well; its gradient is the
negative of that.

**Binary cross-entropy**: $L = -\frac1n\sum \big(t\log q + (1-t)\log(1-q)\big)$, where $q$ is $p$ clipped
into $[\varepsilon, 1-\varepsilon]$ (Module 04 calls $\varepsilon$ `PROBABILITY_MARGIN`) so that no
logarithm meets a zero. The two terms on a common denominator:

$$\frac{\partial L}{\partial p} = \frac1n\,\frac{p - t}{\max\big(p\,(1 - p),\; 10^{-12}\big)}$$

This is the derivative of the loss that is *meant*, with $p$ and not with $q$. The number that is really
computed is flat where $p$ was clipped, and its derivative there is 0. But look who is there: models that
are certain, and wrong. Behind a sigmoid at the logit $-18$, with target 1, a gradient of 0 says "nothing to
improve" about the worst possible answer, and the model would never learn. The sigmoid multiplies by
$p\,(1-p)$, which cancels the denominator: $p - t$ arrives at the logit, here $-1$. The maximum only
prevents a division by zero, so it is far smaller than $\varepsilon$.

One wall remains: in float32 a sigmoid is exactly 1 from a logit of about 17 on. There its own derivative is
0, and nothing that this rule answers comes through. Only a loss that takes logits has no such wall.
"""


# %% nbgrader={"grade": false, "grade_id": "autograd_losses", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(mean_squared_error)
class MSEBackward(Function):
    """L = mean of (p - t)^2:    dp = G * 2 (p - t) / n,    dt = -dp."""

    def apply(self, grad_output):
        """Return (gradient of the predictions, gradient of the targets).

        Targets are usually data: return None for them unless self.needs(1). Predictions always
        get their gradient.

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
    """L = -mean of (t log p + (1 - t) log(1 - p)), also where the forward pass limits p."""

    def apply(self, grad_output):
        """Return (gradient of the predictions, gradient of the targets, or None unless needed).

        dp = G / n * (p - t) / max(p * (1 - p), SMALLEST_DENOMINATOR), with p as it came: it is not
        limited here, so that a certain and wrong prediction still gets a gradient.
        dt = G / n * (log(1 - q) - log(q)), where q is p limited to the range PROBABILITY_MARGIN ..
        1 - PROBABILITY_MARGIN (np.clip), as in the forward pass.

        Example:
            p = [0.5, 0.8], t = [0, 1], G = 1: dp = [1, -0.625].
        """
        ### BEGIN SOLUTION
        predictions, targets = self.arrays
        q = np.clip(predictions, PROBABILITY_MARGIN, 1 - PROBABILITY_MARGIN)
        each = grad_output * (1 / q.size)
        grad_targets = each * (np.log(1 - q) - np.log(q)) if self.needs(1) else None
        denominator = np.maximum(predictions * (1 - predictions), SMALLEST_DENOMINATOR)
        return each * (predictions - targets) / denominator, grad_targets
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_autograd_losses", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_autograd_losses():
    """Mean squared error and binary cross-entropy: predictions, targets, scale, and far-out predictions."""
    enable_autograd(quiet=True)
    p, t = Tensor([1.0, 4.0], requires_grad=True), Tensor([0.0, 0.0], requires_grad=True)
    compute(mean_squared_error, p, t).backward()
    check.close(p.grad, [1.0, 4.0], given="mean squared error, p = [1, 4], t = [0, 0]: gradient of p", because="2 (p - t) / n with n = 2")
    check.close(t.grad, [-1.0, -4.0], given="mean squared error, p = [1, 4], t = [0, 0]: gradient of t")
    p, t = Tensor([0.5, 0.8], requires_grad=True), Tensor([0.0, 1.0])
    compute(binary_cross_entropy, p, t).backward()
    check.close(p.grad, [1.0, -0.625], rtol=1e-4, given="binary cross-entropy, p = [0.5, 0.8], t = [0, 1]: gradient of p", because="(p - t) / (p (1 - p)) / n with n = 2")
    for rule, name in [(MSEBackward, "MSEBackward"), (BCEBackward, "BCEBackward")]:
        check.equal(rule(p, t).apply(np.float32(1.0))[1], None, given=f"{name}(p, t).apply(1), where t requires no gradient: gradient of t")
    p = Tensor([1e-8], requires_grad=True)
    compute(binary_cross_entropy, p, Tensor([1.0])).backward()
    check.close(p.grad, [-1e8], rtol=1e-3, given="binary cross-entropy, p = [0.00000001], t = [1]: gradient of p", because="(p - t) / (p (1 - p)) with p as it came: limited to PROBABILITY_MARGIN it would be ten times smaller, or 0")
    p = Tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    compute(binary_cross_entropy, p, Tensor([0.0, 1.0, 1.0, 0.0])).backward(4.0)
    check.close(p.grad, [0.0, 0.0, -1e12, 1e12], rtol=1e-3, given="binary cross-entropy, p = [0, 1, 0, 1], t = [0, 1, 1, 0], G = 4: gradient of p", because="(p - t) / SMALLEST_DENOMINATOR: nothing is divided by zero")
    logits = Tensor([-17.0, 17.0, -18.0], requires_grad=True)
    compute(binary_cross_entropy, compute(sigmoid, logits), Tensor([1.0, 0.0, 1.0])).backward(3.0)
    check.close(logits.grad, [-1.0, 0.0, -1.0], rtol=1e-3, given="binary cross-entropy of the sigmoid of [-17, 17, -18], t = [1, 0, 1], G = 3: gradient of the logits", because="p - t: as wrong as can be, and still learning; but sigmoid(17) is exactly 1 in float32, where it is flat itself")
    p, t = Tensor([0.0, 1.0]), Tensor([1.0, 1.0], requires_grad=True)
    check.close(BCEBackward(p, t).apply(np.float32(1.0))[1], [8.06, -7.97], rtol=0.02, given="binary cross-entropy, p = [0, 1], t = [1, 1], G = 1: gradient of t", because="log(1 - q) - log(q), about 16 and -16, halved: q is p limited as in the forward pass, so that no logarithm meets a zero")
    rng = np.random.default_rng(7)
    p64, t64 = rng.uniform(0.1, 0.9, (3, 4)), rng.uniform(0.1, 0.9, (3, 4))

    def squared(a, b):
        return np.mean((a - b) ** 2)

    def binary(a, b):
        return -np.mean(b * np.log(a) + (1 - b) * np.log(1 - a))

    for operation, function, name in [(mean_squared_error, squared, "mean squared error"), (binary_cross_entropy, binary, "binary cross-entropy")]:
        p, t = Tensor(p64, requires_grad=True), Tensor(t64, requires_grad=True)
        compute(operation, p, t).backward(5.0)
        check.close(p.grad, measured(lambda v, f=function: f(v, t64), p64, 5.0), given=f"{name} of (3, 4) tensors, G = 5: gradient of p", rtol=1e-3, atol=1e-5)
        check.close(t.grad, measured(lambda v, f=function: f(p64, v), t64, 5.0), given=f"{name} of (3, 4) tensors, G = 5: gradient of t", rtol=1e-3, atol=1e-5)
    for rule in (MSEBackward, BCEBackward):
        dtypes = [str(gradient.dtype) for gradient in rule(p, t).apply(np.float32(1.0))]
        check.equal(dtypes, ["float32", "float32"], given=f"dtypes of the gradients of {rule.__name__}")


test_autograd_losses()

# %% [markdown]
r"""
**Cross-entropy** fuses a softmax, a logarithm and the choice of one class. Its derivative is the most
satisfying line in this module. For one row of scores $x$ with the right class $c$ and
$y = \mathrm{softmax}(x)$:

$$L = -\log y_c \qquad\Longrightarrow\qquad \frac{\partial L}{\partial x_j} = y_j - \begin{cases}1 & j = c\\ 0 & \text{otherwise}\end{cases}$$

"What you said, minus what was right." All the exponentials and logarithms have cancelled; the gradient is
bounded, however wrong the network is, and that is one reason the two steps are fused. The mean over $n$
rows divides by $n$. Scores of shape (N, T, C) are $N\cdot T$ rows.
"""


# %% nbgrader={"grade": false, "grade_id": "autograd_cross_entropy", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(cross_entropy)
class CrossEntropyBackward(Function):
    """L = mean over rows of -log softmax(x)[class]:    dx = G / n * (softmax(x) - one-hot)."""

    def apply(self, grad_output):
        """Return (gradient of the logits, None). Class numbers have no gradient.

        self.arrays are the logits, of shape (N, C) or (N, T, C), and the classes, (N,) or (N, T),
        stored as float32.

        Example:
            logits [[0, 0]], class [1], G = 1: the gradient is [[0.5, -0.5]].

        Steps:
            1. softmax(logits, -1) is a new array: you may change it in place. Reshape it to a
               matrix with one row per example (n rows, C columns).
            2. Flatten the classes and convert them with .astype(int): only integers can index.
               Then subtract 1 in each row at the column of its class, in one statement:
               matrix[row_numbers, classes] -= 1.
            3. Multiply by G / n, and return it in the logits' shape.
        """
        ### BEGIN SOLUTION
        logits, targets = self.arrays
        gradient = softmax(logits, -1).reshape(-1, logits.shape[-1])
        classes = targets.reshape(-1).astype(np.int64)
        gradient[np.arange(len(classes)), classes] -= 1
        gradient *= grad_output / len(classes)
        return gradient.reshape(logits.shape), None
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_autograd_cross_entropy", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_autograd_cross_entropy():
    """What was said minus what was right, over n, for two- and three-dimensional logits."""
    enable_autograd(quiet=True)
    x, classes = Tensor([[0.0, 0.0]], requires_grad=True), Tensor([1.0])
    compute(cross_entropy, x, classes).backward()
    check.close(x.grad, [[0.5, -0.5]], given="logits [[0, 0]], class 1: gradient", because="softmax [0.5, 0.5] minus one-hot [0, 1]")
    check.equal(classes.grad is None, True, given="is the grad of the classes None")
    x = Tensor([[0.0, 0.0], [0.0, 0.0]], requires_grad=True)
    compute(cross_entropy, x, Tensor([1.0, 0.0])).backward(8.0)
    check.close(x.grad, [[2.0, -2.0], [-2.0, 2.0]], given="logits of two rows of zeros, classes 1 and 0, G = 8: gradient", because="a mean over n = 2 rows: each row counts half of G")
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
        check.close(x.grad, measured(loss, values, 3.0), given=f"logits of shape {shape}, G = 3: gradient", rtol=1e-3, atol=1e-5)
        check.close(x.data, values, given=f"the logits of shape {shape} after the backward pass", because="the rule changes a new array, not the logits")
    x = Tensor([[1000.0, -1000.0]], requires_grad=True)
    compute(cross_entropy, x, Tensor([1.0])).backward()
    check.close(x.grad, [[1.0, -1.0]], given="logits [[1000, -1000]], class 1: gradient", because="as wrong as can be, and the gradient is still bounded")
    dtype = CrossEntropyBackward(x, Tensor([1.0])).apply(np.float32(1.0))[0].dtype
    check.equal(str(dtype), "float32", given="the dtype of the gradient")


test_autograd_cross_entropy()

# %% [markdown]
r"""
## Use: everything you built so far, differentiable

Not a line of Modules 01 to 04 has changed. Ask every operation for its gradient and compare with the
measured one.
"""

# %%
np.random.seed(0)
small = Tensor([[0.6, 1.4, 0.9], [1.1, 0.8, 1.3]], requires_grad=True)
other = Tensor([0.7, 1.5, 1.2], requires_grad=True)
square = Tensor(np.random.randn(3, 3), requires_grad=True)
scores = Tensor(np.random.randn(4, 3), requires_grad=True)
expressions = {
    "(a + b) * a / b - b": lambda: check_gradients(lambda a, b: (a + b) * a / b - b, small, other),
    "2 - a, 1 / b, -a": lambda: check_gradients(lambda a, b: (2 - a) * (1 / b) - a, small, other),
    "a @ W @ b": lambda: check_gradients(lambda a, w, b: a @ w @ b, small, square, other),
    "mean and max": lambda: check_gradients(lambda a: a.mean(axis=0) * a.max(axis=0), small),
    "reshape, transpose": lambda: check_gradients(lambda a: a.reshape(3, 2).transpose() * a, small),
    "rows [2, 0, 2]": lambda: check_gradients(lambda w: w[np.array([2, 0, 2])] * w[1], square),
    "a mask": lambda: check_gradients(lambda a: a[np.array([[True, False, True]] * 2)], small),
    "log softmax": lambda: check_gradients(lambda s: log_softmax(s, dim=0), scores),
    "cross-entropy": lambda: check_gradients(lambda s: CrossEntropyLoss()(s, Tensor([0, 2, 1, 1])), scores),
}
for expression, run in expressions.items():
    print(f"  {expression:<22} largest difference {run():.1e}")

# %% [markdown]
r"""
Then a whole network, 784 → 128 → 10, with a cross-entropy on top: 101,770 parameters. Entry by entry that
would be 203,540 forward passes. One random direction needs two.
"""

# %%
network = Sequential(Linear(784, 128), Tanh(), Linear(128, 10))
images, labels = Tensor(np.random.rand(64, 784)), Tensor(np.random.randint(0, 10, 64))
count = sum(parameter.size for parameter in network.parameters())
found, measured_slope = check_direction(
    lambda *_: CrossEntropyLoss()(network(images), labels), *network.parameters()
)
print(f"{count:,} parameters: slope by backward() {found:.4f}, by two evaluations {measured_slope:.4f}")
print("the images' gradient:", images.grad, "(nobody asked for it, so it was never computed)")

# %% [markdown]
r"""
### A network learns

The same few lines that fitted a line train a network. (Module 06 is about taking these steps well.) The
task is XOR, which no single layer can solve.
"""

# %%
np.random.seed(1)
network = Sequential(Linear(2, 8), Tanh(), Linear(8, 1), Sigmoid())
inputs, targets = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]]), Tensor([[0], [1], [1], [0]])
for step in range(801):
    loss = BinaryCrossEntropyLoss()(network(inputs), targets)
    loss.backward()
    for parameter in network.parameters():
        parameter.data -= 0.5 * parameter.grad.data
        parameter.zero_grad()
    if step % 200 == 0:
        print(f"  step {step:3d}   loss {loss.item():.4f}")
with no_grad():
    print("  answers for 00, 01, 10, 11:", network(inputs).data.ravel().round(2), "(right: 0 1 1 0)")

# %% [markdown]
r"""
## Reflect: what does a gradient cost?

### Memory: the graph keeps the forward pass alive

Without recording, each intermediate result is freed as soon as the next one exists. With recording, all of
them wait for the backward pass. Measured with `tracemalloc`, which counts NumPy's memory too, on a network
of eight layers:
"""

# %%
deep = Sequential(*[layer for _ in range(8) for layer in (Linear(256, 256), Tanh())])
batch = Tensor(np.random.randn(128, 256))
one_activation = 128 * 256 * 4 / 1e6


def megabytes_during(action):
    """(held afterwards, peak) in MB that `action` adds; what it returns stays alive meanwhile."""
    tracemalloc.start()
    result = action()
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del result
    return held / 1e6, peak / 1e6


@no_grad()
def predict():
    """A forward pass that leaves no trace."""
    return deep(batch)


def train_pass():
    """Forward and backward, then without the gradients."""
    loss = (deep(batch) * 1.0).mean()
    loss.backward()
    for parameter in deep.parameters():
        parameter.zero_grad()
    return loss


print(f"one intermediate result: {one_activation:.2f} MB; 8 layers compute 24 of them (product, sum, tanh)")
print("                            held afterwards      peak")
for name, action in [("prediction, no_grad()", predict), ("forward, recorded", lambda: deep(batch)), ("forward and backward", train_pass)]:
    held, peak = megabytes_during(action)
    print(f"  {name:<24} {held:8.2f} MB {peak:12.2f} MB")

# %% [markdown]
r"""
The recorded pass holds all 24 intermediate results, and its memory grows with depth and with batch size.
After the backward pass nothing is left, because the nodes were released on the way. That shows in the peak
too: it is little higher than the forward pass alone, although 2.1 MB of weight gradients pile up meanwhile.
As they come, the intermediate results go.

### Time: forward, backward, and the recording itself
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
w1, b1, w2, b2 = (parameter.data for parameter in classifier.parameters())
pixels, digits = images.data, labels.data.astype(int)


def with_autograd():
    """One forward and backward pass of the engine."""
    for parameter in classifier.parameters():
        parameter.zero_grad()
    CrossEntropyLoss()(classifier(images), labels).backward()


def by_hand():
    """The same numbers, written for this one network by somebody who knows calculus."""
    h = pixels @ w1 + b1
    y = np.maximum(h, 0)
    z = y @ w2 + b2
    z = z - z.max(axis=1, keepdims=True)
    logs = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    _ = -logs[np.arange(64), digits].mean()
    g = np.exp(logs)
    g[np.arange(64), digits] -= 1
    g /= np.float32(64)
    gh = (g @ w2.T) * (h > 0)
    return pixels.T @ gh, gh.sum(axis=0), y.T @ g, g.sum(axis=0)


forward_only = no_grad()(lambda: CrossEntropyLoss()(classifier(images), labels))
a, b, c = milliseconds(forward_only), milliseconds(with_autograd), milliseconds(by_hand)
print(f"784-128-10, batch 64:   forward {a:.2f} ms   forward + backward {b:.2f} ms ({b / a:.1f} x)   by hand {c:.2f} ms")

for length in (1_000, 10_000):

    def chain(length=length):
        y = Tensor([1.0], requires_grad=True)
        for _ in range(length):
            y = -y
        y.backward()

    print(f"a chain of {length:6,} operations: {1000 * milliseconds(chain, 3) / length:.1f} microseconds per operation, recorded and sent back")

# %% [markdown]
r"""
For a large matrix, backward does two products where forward does one. Here the first layer's input needs no
gradient, so one of the two big products is spared, and forward plus backward costs about twice the forward
pass; deep inside a network it is three times. Recording and walking cost a few microseconds per operation,
whatever the size of the arrays: nothing beside a product of large matrices, everything in a loop over
single numbers. Per operation the cost does not grow with the length of the chain. That is what *linear*
means.

### Scatter-add: why not `np.add.at`?
"""

# %%
for vocabulary in (64, 5000):
    ids, rows = np.random.randint(0, vocabulary, 1024), np.random.randn(1024, 128).astype(np.float32)

    def one_at_a_time(vocabulary=vocabulary, ids=ids, rows=rows):
        table = np.zeros((vocabulary, 128), dtype=np.float32)
        np.add.at(table, ids, rows)
        return table

    slow = milliseconds(one_at_a_time, 5)
    fast = milliseconds(lambda ids=ids, rows=rows, n=vocabulary: scatter_add_rows(rows, ids, n), 5)
    print(f"{vocabulary:5d} rows, 1024 lookups of width 128: np.add.at {slow:.2f} ms, sorting {fast:.2f} ms ({slow / fast:.1f} x)")

# %% [markdown]
r"""
### Questions

**1.** A batch of 64 goes through 784 → 512 → 256 → 128 → 10. How many bytes do the inputs of the four
layers take while they wait for the backward pass?

<details><summary>Answer</summary>

64 × (784 + 512 + 256 + 128) × 4 bytes = 430,080 bytes, 0.43 MB. The parameters take 2.3 MB, so here the
weights dominate. But the activations grow with the batch and the weights do not: at batch 512 the
activations take more.

</details>

**2.** A layer `x @ W` with x of shape (32, 512) and W of shape (512, 256) takes 8 ms forward. How long is
its backward pass?

<details><summary>Answer</summary>

About 16 ms: `G @ W.T` and `x.T @ G` are two products with the same number of multiplications as the forward
one. If it is the first layer, x is data, `needs(0)` is False, and 8 ms remain.

</details>

**3.** You forget to reset the gradients between steps. What do the gradients hold after ten steps?

<details><summary>Answer</summary>

The sum of ten gradients, computed at ten different points. The steps grow, they point to where the slope
used to be, and the loss oscillates or explodes. The same mechanism used on purpose, with one update after
four passes, gives you a batch four times as large as memory allows.

</details>

**4.** Why does backpropagation go from the loss to the parameters, and not from the parameters to the loss?

<details><summary>Answer</summary>

The chain rule is a product of matrices (one per operation), and it may be multiplied from either end. From
the loss, the running product is the gradient of *one* number with respect to something: as large as that
something, one pass for all parameters. From the parameters, you would carry along one column per parameter,
or repeat the pass for each. With one loss and a million parameters the choice is a factor of a million.
(With one input and a million outputs it would be the other way round.)

</details>
"""

# %% [markdown]
r"""
## Common errors

The reference's messages; yours may be worded differently.

| message | what happened |
|---|---|
| `backward() without a gradient starts from a single number, but this tensor has shape (64, 10)...` | you called it on the predictions instead of the loss |
| `backward() was called on a tensor that requires no gradient: ...` | no parameter took part, or you computed inside `no_grad()`, or took a detour through `.data` on the way |
| `this part of the graph was freed by an earlier backward()...` | two backward passes through the same results. Compute the result again in each step; two losses on one network: add them, and call backward once |
| `ReLUBackward.apply must return a tuple with one entry per input (1), but returned one ndarray...` | a comma is missing: `return (gradient,)` |
| `the operation 'cube_root' has no backward rule...` | you invented an operation: give it a rule |
| `MulBackward returned a gradient of shape (3,) for an input of shape (2, 3)...` | a rule forgot an axis |
| `the gradient has shape (3, 2), but the tensor has shape (2, 3)...` | the gradient you pass must look like the tensor you call backward on |
| no error, and the loss does not move | `parameter.grad` is None? Then the chain is interrupted: somewhere a `Tensor(x.data)` instead of `x` |
| no error, and the loss explodes | gradients were not reset, or the data of a parameter was changed between forward and backward |
"""

# %% [markdown]
r"""
## Production context

The same program in PyTorch, side by side:

```
 TinyTorch (yours)                              PyTorch
 -----------------------------------------      -----------------------------------------------
 x = Tensor([[1., 2.]], requires_grad=True)     x = torch.tensor([[1., 2.]], requires_grad=True)
 W = Tensor([[3.], [4.]], requires_grad=True)   W = torch.tensor([[3.], [4.]], requires_grad=True)
 y = x @ W                                      y = x @ W
 loss = (y * y).sum()                           loss = (y * y).sum()
 loss.backward()                                loss.backward()
 x.grad, W.grad                                 x.grad, W.grad
 loss._grad_fn         # SumBackward            loss.grad_fn           # <SumBackward0>
 with no_grad(): ...                            with torch.no_grad(): ...

 @backward_rule(cube)                           class Cube(torch.autograd.Function):
 class CubeBackward(Function):                      @staticmethod
     def apply(self, g):                            def forward(ctx, x): ...
         (x,) = self.arrays                         @staticmethod
         return (g * 3 * x * x,)                    def backward(ctx, g): ...
```

In words: tensors, operators, `backward()`, `grad` and `no_grad` read the same in both; a new operation
brings a rule in both.

What PyTorch adds: the graph and the walk are written in C++, and several threads walk it; each tensor
carries a version counter, so that overwriting a saved tensor is noticed; rules save only what they need;
the rules themselves are recorded on demand, which gives gradients of gradients (`create_graph=True`). The
algorithm is the one you wrote: a topological order of recorded operations, and one local rule for each.

Further reading: Baydin et al., *Automatic Differentiation in Machine Learning: a Survey* (2018); Griewank,
*On Automatic Differentiation* (1989); Paszke et al., *PyTorch: An Imperative Style, High-Performance Deep
Learning Library* (2019).
"""


# %%
def test_module():
    """All graded tests, then one training step of a network checked against a hand-written one."""
    for test in (
        test_autograd_numerical_gradient, test_autograd_function, test_autograd_arithmetic,
        test_autograd_unbroadcast, test_autograd_record, test_autograd_no_grad,
        test_autograd_recursion, test_autograd_topological_order, test_autograd_initial_gradient,
        test_autograd_accumulate, test_autograd_backward, test_autograd_enable,
        test_autograd_check_gradients, test_autograd_matmul, test_autograd_reductions,
        test_autograd_moving, test_autograd_embedding, test_autograd_activations,
        test_autograd_softmax, test_autograd_losses, test_autograd_cross_entropy,
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
        check.close(gradient, expected, given=f"784-128-10 network: gradient of parameter {position}", rtol=1e-4, atol=1e-6)
    print("All tests passed. Module 05 is complete: what you compute, you can now differentiate.")


test_module()

# %% [markdown]
r"""
## What this unlocks

You have written the part of a framework that most of its users never look into. From here on, "how would
this change the loss?" costs one call.

- **Module 06 Optimizers** turns gradients into good steps.
- **Module 07 Training** repeats them over a data set, and saves the result.
- **Every later module** that invents an operation registers one rule beside it, with `@backward_rule`; your
  engine does the rest.
"""
