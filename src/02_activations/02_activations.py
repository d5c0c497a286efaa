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
# Module 02: Activations

| Tier | Difficulty | Time | Prerequisites |
|---|---|---|---|
| Foundation | ●○○○ | 3-5 hours | Module 01 (Tensor) |

A matrix product can rotate, stretch and mix its input. It cannot *bend* it. However many products
you chain, you are left with one straight map, and the world is not straight. This module builds
the small functions that do the bending: five activation functions, each a few characters of NumPy,
each with one numerical trap that has cost people days.

## Where this module stands

```
   BEFORE                   NOW                            AFTER

 +-----------+      +---------------------+      +------------------------------+
 | 01 Tensor | ---> |  02 Activations     | ---> | 03 Layers      what is bent  |
 |  values,  |      |  ReLU     Sigmoid   |      | 04 Losses      softmax again |
 |  products |      |  Tanh     GELU      |      | 05 Autograd    their slopes  |
 +-----------+      |  Softmax            |      | 12 Attention   softmax       |
                    +---------------------+      +------------------------------+
```

In words: the activations take the Tensor of Module 01 in and give a Tensor back; layers (03),
losses (04), automatic gradients (05) and attention (12) are built on them.

## What you will be able to do

1. **Explain** why a deep network without activations is a shallow one, and prove it in code.
2. **Write** ReLU, Sigmoid, Tanh, GELU and Softmax so that they are right at 1 and at ±1000.
3. **Recognise** overflow, harmless underflow and silent float64, and say which line causes each.
4. **Choose** an activation for a hidden layer and for an output, by what it costs and loses.

## What you build, and what you do not build yet

| You build | As a function of arrays | As an object a network can hold |
|---|---|---|
| a proof that linear maps collapse | `collapse(maps)` | – |
| ReLU | `relu(x)` | `ReLU()` |
| Sigmoid | `sigmoid(x)` | `Sigmoid()` |
| Tanh | `tanh(x)` | `Tanh()` |
| GELU | `gelu(x)` | `GELU()` |
| Softmax | `softmax(x, dim)` | `Softmax()` |

Not yet: gradients (`backward()` exists here, asleep; Module 05 wakes it up), activations with
parameters of their own, and the dozens of variants (LeakyReLU, SiLU, Mish): with these five
understood, each of those is one line.
"""

# %% [markdown]
"""
## Setup

An activation needs the Tensor, and the function `compute`, through which every result passes.
"""

# %%
#| default_exp core.activations

# %%
#| export
import math
from typing import Any

import numpy as np

from tinytorch.core.tensor import Tensor, compute

# %%
# For the test cells and experiments below; not part of your framework.
import time
import tracemalloc

from tito.checks import check, probe

# %% [markdown]
"""
# Build

## 1. Why bend at all?

A layer of a network computes `x @ W + b`: a product and a shift. Put two of them in a row:

```
   x --->[ @ W1 + b1 ]--->[ @ W2 + b2 ]--->  y

   y = (x @ W1 + b1) @ W2 + b2
     =  x @ (W1 @ W2)  +  (b1 @ W2 + b2)
            '--------'      '-----------'
              one W             one b
```

In words: multiplying out the brackets turns two maps into one map, whose matrix is the product of
the two matrices and whose shift is the first shift sent through the second map, plus the second
shift.

Nothing is special about "two". A hundred layers collapse in the same way, one after the other. You
pay for a hundred matrices and own the expressive power of one. Do not take the algebra's word for
it: write the function that performs the collapse.
"""

# %% nbgrader={"grade": false, "grade_id": "activations_collapse", "locked": false, "schema_version": 3, "solution": true, "task": false}
def collapse(maps: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Replace a chain of linear maps by the single map that does the same.

    Each map is a pair (weight, bias) and sends x to `x @ weight + bias`. The maps are applied in
    the order of the list.

    Args:
        maps: at least one pair. The weights have shapes (n0, n1), (n1, n2), and so on,
            the biases (n1,), (n2,), and so on.

    Returns:
        The pair (weight, bias), of shapes (n0, n_last) and (n_last,), for which
        `x @ weight + bias` equals the result of the whole chain, for every x.

    Why: this is the reason for everything else in this module. If it works for any chain,
    a stack of layers with nothing in between can do no more than one layer.

    Steps:
        1. Start with the first pair as the map so far.
        2. For each further pair: multiply the weight so far by the new weight (order matters),
           and send the bias so far through the new map: multiply it by the new weight,
           then add the new bias.
        3. Return the pair. With one map in the list, that map itself comes back.

    Example:
        Doubling and adding 1, then multiplying by 10 and adding 5:
        weights [[2]] and [[10]], biases [1] and [5]  ->  weight [[20]], bias [15]
    """
    ### BEGIN SOLUTION
    weight, bias = maps[0]
    for next_weight, next_bias in maps[1:]:
        weight = weight @ next_weight
        bias = bias @ next_weight + next_bias
    return weight, bias
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_activations_collapse", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def test_activations_collapse():
    """A chain of linear maps and the single map made from it give the same results."""
    double_add_1 = (Tensor([[2.0]]), Tensor([1.0]))
    tenfold_add_5 = (Tensor([[10.0]]), Tensor([5.0]))
    weight, bias = collapse([double_add_1, tenfold_add_5])
    check.close(
        weight, [[20.0]], given="x*2 + 1, then *10 + 5: the weight", because="2 * 10 = 20"
    )
    check.close(
        bias,
        [15.0],
        given="x*2 + 1, then *10 + 5: the bias",
        because="the shift of 1 is multiplied by 10 before 5 is added: 1*10 + 5 = 15",
    )

    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(shape) for shape in ((3, 4), (4, 2), (2, 5))]
    biases = [rng.standard_normal(n) for n in (4, 2, 5)]
    x = rng.standard_normal((6, 3))
    expected = x
    for w, b in zip(weights, biases, strict=True):
        expected = expected @ w + b
    pairs = [(Tensor(w), Tensor(b)) for w, b in zip(weights, biases, strict=True)]
    weight, bias = collapse(pairs)
    check.close(
        Tensor(x) @ weight + bias,
        expected,
        given="three random maps 3 -> 4 -> 2 -> 5, applied to a (6, 3) input",
        because="one map must give what the whole chain gives",
        rtol=1e-4,
        atol=1e-5,
    )
    weight, bias = collapse(pairs[:1])
    check.close(bias, biases[0], given="a chain of one map", because="it is its own collapse")


test_activations_collapse()

# %% [markdown]
"""
The hidden size 2 in the middle of that test is worth a second look: not only did depth buy
nothing, the narrow layer threw information away that the wider one after it could not bring back.

What breaks the algebra is any function between the maps that is not a straight line. The simplest
one imaginable turns out to be the most used one.
"""

# %% [markdown]
"""
## 2. ReLU: keep what is positive

```
        ReLU(x) = max(0, x)

     3 |           /
     2 |         /
     1 |       /
     0 |______/__________
       -3   0   1  2  3
```

In words: zero for every negative input; the input itself for every positive one. The graph is two
straight pieces with one corner at 0, and that corner is all the bending there is.

Two things make ReLU the default for hidden layers. It is nearly free: one comparison per element.
And it does not flatten out on the right: large inputs still differ from each other after it.

You write it as a function from array to array, as in Module 01: the operation knows nothing about
Tensors. One requirement that is easy to miss: the input may still be needed by someone else, so it
must not be overwritten.
"""

# %% nbgrader={"grade": false, "grade_id": "activations_relu", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def relu(x: np.ndarray) -> np.ndarray:
    """Replace every negative value by 0 and keep the others: max(0, x), element by element.

    Args:
        x: array of any shape. It is left unchanged.

    Returns:
        A new array of the same shape and dtype (float32 in, float32 out). Infinities are treated
        like any other number: +inf stays +inf, and -inf becomes 0.

    Why: the cheapest function that is not a straight line. One corner is enough to keep stacked
    layers from collapsing into one.

    Steps:
        1. Compare every element with 0 and take the larger of the two.
           NumPy has one function that does this for a whole array, without a Python loop.

    Example:
        relu(np.array([-2.0, 0.0, 3.0]))  ->  [0., 0., 3.]
    """
    ### BEGIN SOLUTION
    return np.maximum(x, 0)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_activations_relu", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
@probe
def relu_leaves_its_input():
    """The input array after relu() has run on it."""
    x = np.array([-1.0, 2.0], dtype=np.float32)
    relu(x)
    return x


def test_activations_relu():
    """Negatives become 0, positives stay; the input, the shape and float32 are kept."""
    x = np.array([-2.0, -0.5, 0.0, 0.5, 3.0], dtype=np.float32)
    check.close(
        relu(x), [0.0, 0.0, 0.0, 0.5, 3.0], given=x, because="max(0, x) for each element"
    )
    check.close(
        relu_leaves_its_input(),
        [-1.0, 2.0],
        given="the input array [-1, 2], looked at after relu(x)",
        because="an operation returns a new array; others may still need the old one",
    )
    check.equal(
        relu(x).dtype, np.float32, given="a float32 array", because="float32 in, float32 out"
    )
    rows = np.array([[[-1.0, 1.0]], [[5.0, -7.0]]], dtype=np.float32)
    check.close(relu(rows), [[[0.0, 1.0]], [[5.0, 0.0]]], given="an array of shape (2, 1, 2)")
    check.close(
        relu(np.array([-1000.0, 1000.0, -np.inf, np.inf], dtype=np.float32)),
        [0.0, 1000.0, 0.0, np.inf],
        given="[-1000, 1000, -inf, inf]",
        because="0 is larger than -inf; mind that -inf * 0 is not a number at all",
    )


test_activations_relu()

# %% [markdown]
"""
## 3. From a function to a building block

A network will hold its activations in a list, between its layers, and call them one after the
other. For that, a function of arrays needs a thin coat:

| A network says | and the object answers |
|---|---|
| `act(x)` | the same as `act.forward(x)` |
| `act.forward(x)` | Tensor in, Tensor out |
| `act.parameters()` | `[]`: there is nothing in it to learn |
| `act.backward(grad)` | nothing yet: asleep until Module 05 |

Everything but `forward` is the same for all five, so it is written once, in a base class that is
given to you. Your part is `forward`, and it has one rule, the rule of Module 01: **results come
from `compute`**. Taking `x.data`, working on it and wrapping the outcome in a new `Tensor` gives
the same numbers, and cuts a wire: `compute` is the place where the framework can see which
operation made a result. A result made behind its back has no past.
"""

# %% nbgrader={"grade": false, "grade_id": "activations_layer", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Activation:
    """What all activations have in common: they are called like functions and learn nothing."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the activation of x. Every subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward(x).")

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        """`act(x)` means `act.forward(x)`."""
        return self.forward(*args, **kwargs)

    def backward(self, grad: Tensor) -> None:
        """Dormant: does nothing until Module 05."""

    def parameters(self) -> list[Tensor]:
        """Nothing here is learned."""
        return []

    def __repr__(self) -> str:
        """The way it was made: `ReLU()`."""
        return f"{type(self).__name__}()"


class ReLU(Activation):
    """Rectified linear unit, max(0, x): the default between layers."""

    def forward(self, x: Tensor) -> Tensor:
        """Return max(0, x) for every element of the tensor x, as a new Tensor of the same shape.

        Why: `compute` is the one place every result passes through. It takes the array out of the
        tensor, runs the operation and wraps the outcome, so this method has nothing else to do.

        Steps:
            1. Hand the operation itself (`relu`, without calling it) and the tensor x
               to `compute`, and return the Tensor that comes back.

        Example:
            ReLU().forward(Tensor([-2.0, 3.0]))  ->  Tensor([0., 3.])
        """
        ### BEGIN SOLUTION
        return compute(relu, x)
        ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_activations_layer", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
@probe
def operations_heard():
    """Names of the operations that pass through compute() while ReLU()(x) runs."""
    heard = []

    def listen(output, operation, inputs, settings):
        heard.append(operation.__name__)

    before = Tensor.__dict__["_record"]
    Tensor._record = staticmethod(listen)
    try:
        ReLU()(Tensor([-1.0, 2.0]))
    finally:
        Tensor._record = before
    return heard


def test_activations_layer():
    """ReLU() maps a Tensor to a Tensor through compute, and behaves like every other activation."""
    x = Tensor([[-2.0, 3.0], [0.5, -0.5]])
    y = ReLU().forward(x)
    check.equal(
        y.__class__.__name__,
        "Tensor",
        given="the class of ReLU().forward(x), for a Tensor x",
        because="the next layer expects a Tensor, not an array",
    )
    check.close(y, [[0.0, 3.0], [0.5, 0.0]], given="ReLU().forward([[-2, 3], [0.5, -0.5]])")
    check.close(
        x, [[-2.0, 3.0], [0.5, -0.5]], given="x after ReLU().forward(x)", because="x is only read"
    )
    check.equal(
        operations_heard(),
        ["relu"],
        given="the operations that compute() sees during ReLU()(x)",
        because="only what goes through compute() is known to the framework as a result of relu",
    )
    act = ReLU()
    check.close(act(x), [[0.0, 3.0], [0.5, 0.0]], given="act(x)", because="it means act.forward(x)")
    check.equal(act.parameters(), [], given="act.parameters()", because="nothing is learned in it")
    check.equal(act.backward(y), None, given="act.backward(y)", because="it is dormant for now")
    check.equal(repr(act), "ReLU()", given="repr(ReLU())")


test_activations_layer()

# %% [markdown]
r"""
## 4. Sigmoid: any number to a probability

$$\sigma(x) = \frac{1}{1 + e^{-x}}$$

```
     1 |              ________
       |           _/
   0.5 |          /
       |       __/
     0 |______/______________
       -6        0         6
```

In words: an S-shaped curve that rises from 0 on the far left through 0.5 at x = 0 to 1 on the far
right.

A score of any size becomes a number between 0 and 1 that can be read as "how likely is yes".
That is why it stands at the end of yes-or-no classifiers.

**The trap.** float32 ends at about $3.4 \cdot 10^{38}$. For x = -1000 the formula asks for
$e^{1000}$, which is infinite as far as float32 is concerned: NumPy prints
`RuntimeWarning: overflow encountered in exp`. Here $1/(1+\infty)$ happens to be the right 0, and
people get used to the warning. The day a real overflow turns a run into NaN, nobody notices the
line any more. Numerical code should be silent when all is well.

**The way out.** Outside of ±87 nothing is left to compute: $e^{-87}$ is about $10^{-38}$, and next
to 1 it vanishes completely. So the exponent can be limited first:

| x | $e^{-x}$ | in float32 | with x limited to ±87 |
|---|---|---|---|
| 5 | 0.0067 | 0.0067 | 0.0067 |
| -5 | 148.4 | 148.4 | 148.4 |
| -87 | 6.1e37 | 6.1e37 | 6.1e37 |
| -1000 | 1.97e434 | **inf** | 6.1e37, and 1/(1 + 6.1e37) is 1.6e-38 |
"""

# %% nbgrader={"grade": false, "grade_id": "activations_sigmoid", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
EXPONENT_LIMIT = 87.0  # exp(87) is 6e37 and fits into float32; exp(89) does not


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Squash every value into the range 0 to 1: 1 / (1 + exp(-x)), element by element.

    Args:
        x: array of any shape, values of any size. It is left unchanged.

    Returns:
        A new array of the same shape and dtype (float32 in, float32 out): 0.5 where x is 0,
        close to 1 where x is large, close to 0 where x is very negative. At x = -1000 and
        x = 1000 too, without overflow, division by zero or NaN.

    Why: it turns a score into something that can be read as a probability.

    Steps:
        1. Limit x to the range -EXPONENT_LIMIT .. EXPONENT_LIMIT, in a new array
           (`np.clip`, or `np.maximum` and `np.minimum`).
        2. Apply the formula to the limited values, with NumPy functions on the whole array.
           Plain Python numbers in the formula (1, not np.float64(1)) keep float32 as it is.

    Example:
        sigmoid(np.array([-1000.0, 0.0, 1000.0]))  ->  [0., 0.5, 1.]   (the first is about 1e-38)
    """
    ### BEGIN SOLUTION
    return 1 / (1 + np.exp(-np.clip(x, -EXPONENT_LIMIT, EXPONENT_LIMIT)))
    ### END SOLUTION


class Sigmoid(Activation):
    """Logistic function, 1 / (1 + exp(-x)): turns a score into a probability."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the sigmoid of every element of x."""
        return compute(sigmoid, x)

# %% nbgrader={"grade": true, "grade_id": "test_activations_sigmoid", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
@probe
def sigmoid_complaints():
    """What NumPy would warn about when sigmoid meets very large and very small inputs."""
    complaints = []
    for value in (-1000.0, -100.0, 0.0, 100.0, 1000.0):
        try:
            with np.errstate(over="raise", divide="raise", invalid="raise"):
                sigmoid(np.array([value], dtype=np.float32))
        except FloatingPointError as error:
            complaints.append(f"x = {value:.0f}: {error}")
    return ", ".join(complaints) or "none"


@probe
def sigmoid_leaves_its_input():
    """The input array after sigmoid() has run on it."""
    x = np.array([-1000.0, 2.0], dtype=np.float32)
    sigmoid(x)
    return x


def test_activations_sigmoid():
    """The logistic function, silent and correct at any magnitude."""
    check.close(
        sigmoid(np.array([0.0, 2.0, -2.0], dtype=np.float32)),
        [0.5, 0.880797, 0.119203],
        given="[0, 2, -2]",
        because="1/(1 + e^0) = 1/2; 1/(1 + e^-2) = 1/1.135335; and the two last add up to 1",
    )
    check.equal(
        sigmoid_complaints(),
        "none",
        given="NumPy's complaints about sigmoid of -1000, -100, 0, 100 and 1000",
        because="exp(1000) does not fit into float32: limit the exponent before exp()",
    )
    check.close(
        sigmoid(np.array([-1000.0, -100.0, 100.0, 1000.0], dtype=np.float32)),
        [0.0, 0.0, 1.0, 1.0],
        given="[-1000, -100, 100, 1000]",
        because="far from 0 the curve is flat",
    )
    x = np.linspace(-12.0, 12.0, 25, dtype=np.float32).reshape(5, 5)
    expected = 1 / (1 + np.exp(-x.astype(np.float64)))
    check.close(sigmoid(x), expected, given="25 values from -12 to 12 in a (5, 5) array")
    check.equal(
        sigmoid(x).dtype, np.float32, given="a float32 array", because="float32 in, float32 out"
    )
    check.close(
        sigmoid_leaves_its_input(),
        [-1000.0, 2.0],
        given="the input array [-1000, 2], looked at after sigmoid(x)",
        because="x is limited in a new array, not in place",
    )
    check.close(Sigmoid()(Tensor([[0.0]])), [[0.5]], given="Sigmoid()(Tensor([[0.0]]))")
    check.equal(Sigmoid().parameters(), [], given="Sigmoid().parameters()")


test_activations_sigmoid()

# %% [markdown]
r"""
## 5. Tanh: the same S, centred on zero

$$\tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}} = 2\,\sigma(2x) - 1$$

Sigmoid's outputs are all positive, so whatever comes next always sees inputs that lean to one
side. Tanh has the same shape, but runs from -1 to 1 and passes through 0: positive stays
positive, negative stays negative.

There is a second lesson here, about libraries. Written out, the formula overflows in two places
and yields inf/inf = NaN. And for tiny x it subtracts two nearly equal numbers, which cancels most
of the digits. `np.tanh` was written by people who handle both cases. Knowing the formula is for
understanding; when a vetted routine exists, an engineer calls it.
"""

# %% nbgrader={"grade": false, "grade_id": "activations_tanh", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def tanh(x: np.ndarray) -> np.ndarray:
    """Hyperbolic tangent of every value: an S-shaped curve from -1 through 0 to 1.

    Args:
        x: array of any shape, values of any size. It is left unchanged.

    Returns:
        A new array of the same shape and dtype (float32 in, float32 out): exactly 0 where x is 0,
        -1 at x = -1000 and 1 at x = 1000, without a NumPy warning. Tiny inputs keep their
        digits: tanh(1e-6) is 1e-6.

    Why: a bounded activation whose outputs are centred on zero.

    Steps:
        1. Use NumPy's own hyperbolic tangent: written out with exp(), the formula
           becomes inf/inf for large x.

    Example:
        tanh(np.array([-1000.0, 0.0, 1.0]))  ->  [-1., 0., 0.7616]
    """
    ### BEGIN SOLUTION
    return np.tanh(x)
    ### END SOLUTION


class Tanh(Activation):
    """Hyperbolic tangent: bounded like Sigmoid, but centred on zero."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the hyperbolic tangent of every element of x."""
        return compute(tanh, x)

# %% nbgrader={"grade": true, "grade_id": "test_activations_tanh", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@probe
def tanh_complaints():
    """What NumPy would warn about when tanh meets very large and very small inputs."""
    complaints = []
    for value in (-1000.0, -100.0, 0.0, 100.0, 1000.0):
        try:
            with np.errstate(over="raise", divide="raise", invalid="raise"):
                tanh(np.array([value], dtype=np.float32))
        except FloatingPointError as error:
            complaints.append(f"x = {value:.0f}: {error}")
    return ", ".join(complaints) or "none"


def test_activations_tanh():
    """Hyperbolic tangent: centred on zero, silent and correct at any magnitude."""
    check.close(
        tanh(np.array([0.0, 1.0, -1.0], dtype=np.float32)),
        [0.0, 0.761594, -0.761594],
        given="[0, 1, -1]",
        because="(e - 1/e) / (e + 1/e) = 2.350402 / 3.086161, and tanh(-x) = -tanh(x)",
    )
    check.equal(
        tanh_complaints(),
        "none",
        given="NumPy's complaints about tanh of -1000, -100, 0, 100 and 1000",
        because="exp(1000) does not fit into float32, and inf/inf is NaN",
    )
    check.close(
        tanh(np.array([-1000.0, 1000.0], dtype=np.float32)), [-1.0, 1.0], given="[-1000, 1000]"
    )
    check.close(
        tanh(np.array([1e-6, -3e-6], dtype=np.float32)),
        [1e-6, -3e-6],
        given="[1e-6, -3e-6]",
        because="near 0 the curve is the line y = x; subtracting 1 from almost 1 loses the digits",
        atol=1e-9,
    )
    x = np.linspace(-4.0, 4.0, 12, dtype=np.float32).reshape(3, 4)
    up, down = np.exp(x.astype(np.float64)), np.exp(-x.astype(np.float64))
    expected = (up - down) / (up + down)
    check.close(tanh(x), expected, given="12 values from -4 to 4 in a (3, 4) array")
    check.equal(
        tanh(x).dtype, np.float32, given="a float32 array", because="float32 in, float32 out"
    )
    check.close(Tanh()(Tensor([0.0, 1.0])), [0.0, 0.761594], given="Tanh()(Tensor([0, 1]))")
    check.equal(Tanh().parameters(), [], given="Tanh().parameters()")


test_activations_tanh()

# %% [markdown]
r"""
## 6. GELU: a gate that opens gradually

ReLU is a gate that is either open (x > 0) or shut. GELU multiplies x by *how likely a standard
normal number is to lie below x*: a gate that opens over a range instead of at a point.

$$\mathrm{GELU}(x) = x \cdot \Phi(x) \approx
0.5\,x\,\Bigl(1 + \tanh\bigl(\sqrt{2/\pi}\,(x + 0.044715\,x^3)\bigr)\Bigr)$$

```
     2 |               /
     1 |             /
     0 |____      _/______
 -0.17 |    \___/
       -3   -1   0   1  2
```

In words: like ReLU far from zero, but smooth, and with a shallow dip below zero whose lowest
point, about -0.17, lies near x = -0.75.

The right-hand form, with tanh, is the one you build: it is what GPT-2 uses, and it needs no
function that NumPy lacks.

**Two traps.** The first is speed: `x**3` looks innocent, but NumPy computes it with its general
`pow`, which can be a hundred times slower than `x * x * x`. You will measure that below. The
second is silent: `np.sqrt(2 / np.pi)` is a NumPy float64, and NumPy lets that win over a float32
array, so the whole chain doubles its memory. A Python float does not do that, which is why the
constant is given to you as one.
"""

# %% nbgrader={"grade": false, "grade_id": "activations_gelu", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
SQRT_2_OVER_PI = math.sqrt(2 / math.pi)  # a Python float, so float32 arrays stay float32


def gelu(x: np.ndarray) -> np.ndarray:
    """Gaussian error linear unit in its tanh form, element by element.

    0.5 * x * (1 + tanh( sqrt(2/pi) * (x + 0.044715 * x^3) ))

    Args:
        x: array of any shape. It is left unchanged.

    Returns:
        A new array of the same shape and dtype (float32 in, float32 out): close to x where x is
        large, close to 0 where x is very negative, a little below 0 in between.

    Why: a smooth relative of ReLU. Just below 0 it does not go silent at once,
    so small negative inputs still make a difference.

    Steps:
        1. The cube of x, by multiplication (`x**3` is far slower).
        2. The value inside tanh: SQRT_2_OVER_PI times (x plus 0.044715 times the cube).
        3. The gate: 1 plus the tanh of that value, between 0 and 2.
        4. Half of x, times the gate.

    Example:
        gelu(np.array([-1.0, 0.0, 1.0]))  ->  [-0.1588, 0., 0.8412]
    """
    ### BEGIN SOLUTION
    inner = SQRT_2_OVER_PI * (x + 0.044715 * (x * x * x))
    return 0.5 * x * (1 + np.tanh(inner))
    ### END SOLUTION


class GELU(Activation):
    """Gaussian error linear unit (tanh form): a smooth ReLU."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the GELU of every element of x."""
        return compute(gelu, x)

# %% nbgrader={"grade": true, "grade_id": "test_activations_gelu", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
@probe
def gelu_complaints():
    """What NumPy would warn about when gelu meets very large and very small inputs."""
    complaints = []
    for value in (-1000.0, -100.0, 0.0, 100.0, 1000.0):
        try:
            with np.errstate(over="raise", divide="raise", invalid="raise"):
                gelu(np.array([value], dtype=np.float32))
        except FloatingPointError as error:
            complaints.append(f"x = {value:.0f}: {error}")
    return ", ".join(complaints) or "none"


@probe
def gelu_leaves_its_input():
    """The input array after gelu() has run on it."""
    x = np.array([-1.0, 2.0], dtype=np.float32)
    gelu(x)
    return x


def gelu_by_hand(x):
    """The tanh form, in float64 and straight from the formula."""
    x = x.astype(np.float64)
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def test_activations_gelu():
    """The tanh form of GELU to float32 precision, in float32 throughout."""
    check.close(
        gelu(np.array([0.0, 1.0, -1.0, 2.0], dtype=np.float32)),
        [0.0, 0.841192, -0.158808, 1.954598],
        given="[0, 1, -1, 2]",
        because="for x = 1: 0.5 * 1 * (1 + tanh(0.797885 * 1.044715)) = 0.5 * 1.682384",
    )
    check.close(
        gelu_leaves_its_input(),
        [-1.0, 2.0],
        given="the input array [-1, 2], looked at after gelu(x)",
        because="an operation returns a new array; others may still need the old one",
    )
    check.equal(
        gelu(np.ones(3, dtype=np.float32)).dtype,
        np.float32,
        given="a float32 array",
        because="a NumPy float64 constant turns everything into float64; a Python float does not",
    )
    x = np.linspace(-5.0, 5.0, 24, dtype=np.float32).reshape(2, 3, 4)
    check.close(gelu(x), gelu_by_hand(x), given="24 values from -5 to 5 in a (2, 3, 4) array")
    check.close(
        gelu(np.array([-1000.0, 1000.0], dtype=np.float32)),
        [0.0, 1000.0],
        given="[-1000, 1000]",
        because="far from 0, GELU is ReLU",
    )
    check.equal(
        gelu_complaints(),
        "none",
        given="NumPy's complaints about gelu of -1000, -100, 0, 100 and 1000",
    )
    check.close(GELU()(Tensor([1.0])), [0.841192], given="GELU()(Tensor([1.0]))")
    check.equal(GELU().parameters(), [], given="GELU().parameters()")


test_activations_gelu()

# %% [markdown]
r"""
## 7. Softmax: scores to a distribution

The four functions so far look at one element at a time. Softmax looks at a whole row: it turns a
row of scores (the field calls them *logits*) into positive numbers that add up to 1.

$$\mathrm{softmax}(x)_i = \frac{e^{x_i}}{\sum_j e^{x_j}}$$

```
   logits          exp            divide by the sum
  [ 1, 2, 3 ] --> [2.7, 7.4, 20.1] --> [0.09, 0.24, 0.67]
                   sum = 30.2           sum = 1
```

In words: the exponential makes every score positive and stretches differences; dividing by the sum
makes the row add up to 1, so that the largest of the scores 1, 2, 3 receives two thirds.

**The trap** is sigmoid's trap without the happy ending: exp(1000)/exp(1000) is inf/inf, which is
NaN.

**The way out** uses a gift of the formula. Subtract the same number c from every score of a row:

$$\frac{e^{x_i - c}}{\sum_j e^{x_j - c}} = \frac{e^{x_i}\,e^{-c}}{\sum_j e^{x_j}\,e^{-c}}
= \frac{e^{x_i}}{\sum_j e^{x_j}}$$

Nothing changes, so we may choose c. Choose the largest score of the row: then the largest exponent
is 0, exp(0) = 1 is the largest summand, and overflow is impossible. Scores far below the largest
underflow to 0, and 0 is the right answer for them. (The line `@np.errstate(under="ignore")` in the
cell below says precisely that: even where a program has asked NumPy to be strict, this underflow
is intended.)

**Along which dimension?** A batch of scores has shape (batch, classes) and every *row* must add
up to 1: `dim=-1`. Other uses need other dimensions, so `dim` is an argument. `keepdims=True`
keeps the reduced dimension as 1, so that maximum and sum broadcast back over what they were taken
from:

```
   x: (2, 3)    x.max(axis=1)                 -> (2,)     does not line up with (2, 3)
                x.max(axis=1, keepdims=True)  -> (2, 1)   one number per row: lines up
```

In words: without keepdims the two row maxima form a shape (2,) that broadcasting compares with the
three columns and refuses; with keepdims they form a column (2, 1), one number beside each row.
"""

# %% nbgrader={"grade": false, "grade_id": "activations_softmax", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@np.errstate(under="ignore")  # exp(-1000) becomes 0, which is the right answer
def softmax(x: np.ndarray, dim: int) -> np.ndarray:
    """Turn scores into probabilities along one dimension: exp(x) / sum of exp(x) along dim.

    Args:
        x: array of scores, at least one-dimensional, values of any size. It is left unchanged.
        dim: the dimension along which the results add up to 1; negative counts from the end.

    Returns:
        A new array of the same shape and dtype (float32 in, float32 out) with values from 0 to 1
        whose sum along `dim` is 1. Adding one and the same number to all scores of a row changes
        nothing. Scores of ±1000 cause no overflow and no NaN.

    Why: it is how a network says "67 % this class, 24 % that one". Unlike the other activations
    it couples its inputs: raise one score and all the other probabilities fall.

    Steps:
        1. The largest score along `dim`, with keepdims=True: one maximum per row,
           not one for the whole array.
        2. Subtract it from x, and take exp(). All values now lie between 0 and 1.
        3. Divide by their sum along `dim`, again with keepdims=True.

    Example:
        softmax(np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]), dim=-1)
        ->  [[0.0900, 0.2447, 0.6652],
             [0.3333, 0.3333, 0.3333]]
    """
    ### BEGIN SOLUTION
    exponentials = np.exp(x - x.max(axis=dim, keepdims=True))
    exponentials /= exponentials.sum(axis=dim, keepdims=True)
    return exponentials
    ### END SOLUTION


class Softmax(Activation):
    """Scores to probabilities that add up to 1 along one dimension."""

    def forward(self, x: Tensor, dim: int = -1) -> Tensor:
        """Return the softmax of x along dim (default: the last dimension)."""
        return compute(softmax, x, dim=dim)

# %% nbgrader={"grade": true, "grade_id": "test_activations_softmax", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
@probe
def softmax_complaints():
    """What NumPy would warn about when softmax meets very large and very small scores."""
    complaints = []
    for row in ([-1000.0, 0.0, 1000.0], [1000.0, 1000.0], [-1000.0, -1000.0]):
        try:
            with np.errstate(over="raise", divide="raise", invalid="raise"):
                softmax(np.array(row, dtype=np.float32), -1)
        except FloatingPointError as error:
            complaints.append(f"{row}: {error}")
    return ", ".join(complaints) or "none"


@probe
def softmax_leaves_its_input():
    """The input array after softmax() has run on it."""
    x = np.array([[1.0, 2.0], [3.0, 5.0]], dtype=np.float32)
    softmax(x, 1)
    return x


def softmax_by_hand(x, dim):
    """Straight from the formula, one row at a time, in float64."""
    rows = np.moveaxis(x.astype(np.float64), dim, -1)
    result = np.zeros(rows.shape)
    for index in np.ndindex(rows.shape[:-1]):
        exponentials = np.exp(rows[index])
        result[index] = exponentials / sum(exponentials)
    return np.moveaxis(result, -1, dim)


def test_activations_softmax():
    """Probabilities along any dimension, unchanged by a shift, silent at any magnitude."""
    check.close(
        softmax(np.array([1.0, 2.0, 3.0], dtype=np.float32), -1),
        [0.0900306, 0.2447285, 0.6652410],
        given="softmax of [1, 2, 3]",
        because="e^1, e^2, e^3 are 2.718, 7.389, 20.086; divide each by their sum, 30.193",
    )
    check.close(
        softmax_leaves_its_input(),
        [[1.0, 2.0], [3.0, 5.0]],
        given="the input [[1, 2], [3, 5]], looked at after softmax(x, 1)",
        because="an operation returns a new array; others may still need the old one",
    )
    x = np.array([[0.0, 0.0], [0.0, np.log(3.0)]], dtype=np.float32)
    check.close(
        softmax(x, -1),
        [[0.5, 0.5], [0.25, 0.75]],
        given="softmax along dim -1 of [[0, 0], [0, ln 3]]",
        because="each row adds up to 1: equal scores share, and e^0 : e^(ln 3) is 1 : 3",
    )
    check.close(
        softmax(x, 0),
        [[0.5, 0.25], [0.5, 0.75]],
        given="softmax along dim 0 of [[0, 0], [0, ln 3]]",
        because="each column adds up to 1",
    )
    check.equal(
        softmax_complaints(),
        "none",
        given="NumPy's complaints about softmax of [-1000, 0, 1000], [1000, 1000], [-1000, -1000]",
        because="exp(1000) does not fit into float32: subtract the largest score first",
    )
    check.close(
        softmax(np.array([[1000.0, 1000.0], [-1000.0, -1000.0]], dtype=np.float32), -1),
        [[0.5, 0.5], [0.5, 0.5]],
        given="softmax along dim -1 of [[1000, 1000], [-1000, -1000]]",
        because="each row subtracts its own largest score; the neighbour's would leave 0/0 behind",
    )

    scores = np.random.default_rng(1).integers(-5, 6, (2, 3, 4)).astype(np.float32)
    for dim in (0, 1, 2, -1, -2, -3):
        check.close(
            softmax(scores, dim),
            softmax_by_hand(scores, dim),
            given=f"scores of shape (2, 3, 4), softmax along dim {dim}",
        )
    check.close(
        softmax(scores + 100, 1),
        softmax_by_hand(scores, 1),
        given="the same scores with 100 added to all of them",
        because="a shift common to all scores cancels",
    )
    check.equal(
        softmax(scores, 1).dtype,
        np.float32,
        given="float32 scores",
        because="float32 in, float32 out",
    )
    act, t = Softmax(), Tensor(x)
    check.close(act(t), [[0.5, 0.5], [0.25, 0.75]], given="Softmax()(x)", because="default: dim=-1")
    check.close(act(t, dim=0), [[0.5, 0.25], [0.5, 0.75]], given="Softmax()(x, dim=0)")
    check.close(act.forward(t, 0), [[0.5, 0.25], [0.5, 0.75]], given="Softmax().forward(x, 0)")
    check.equal(act.parameters(), [], given="Softmax().parameters()")


test_activations_softmax()

# %% [markdown]
"""
# Use

## One corner solves what no line can

XOR says 1 when exactly one of its two inputs is 1. It is the smallest problem that no linear map
can solve, and in 1969 it was famous for that. Below are the best straight map there is (found by
least squares, so no amount of training beats it), and a network with two hidden values, whose
weights were picked by hand. All that is new in the second one is your ReLU.
"""

# %%
corners = Tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
xor = np.array([0.0, 1.0, 1.0, 0.0])

with_shift = np.column_stack([corners.numpy(), np.ones(4)])
best_line = with_shift @ np.linalg.lstsq(with_shift, xor, rcond=None)[0]

# h1 = relu(a + b) counts the ones; h2 = relu(a + b - 1) fires when both are 1; xor = h1 - 2 * h2.
W1, b1 = Tensor([[1.0, 1.0], [1.0, 1.0]]), Tensor([0.0, -1.0])
W2, b2 = Tensor([[1.0], [-2.0]]), Tensor([0.0])
bent = ReLU()(corners @ W1 + b1) @ W2 + b2

weight, bias = collapse([(W1, b1), (W2, b2)])
straight = corners @ weight + bias

print("input    XOR   best straight map   two maps, ReLU between   the same two maps, collapsed")
for i, (a, b) in enumerate(corners.numpy()):
    print(
        f"({a:.0f}, {b:.0f})   {xor[i]:.0f}     {best_line[i]:^17.2f}   "
        f"{bent.numpy()[i, 0]:^22.0f}   {straight.numpy()[i, 0]:^28.0f}"
    )

# %% [markdown]
"""
The best straight map answers 0.5 to everything: it has given up. Take ReLU out of the network that
works, and it becomes the last column: wrong. The weights are the same.

## Scores, probabilities, decisions

A classifier for three classes ends in three scores per sample. Softmax turns each row into
probabilities. It keeps the order of the scores, so the most likely class is the one with the
largest score, and a *temperature* shows what "stretching differences" means: divide the scores by
a large number and the answer becomes hesitant, by a small one and it becomes sure.
"""

# %%
scores = Tensor([[2.0, 1.0, 0.1], [0.2, 0.3, 0.1]])
print("temperature   confident sample        hesitant sample")
for temperature in (0.1, 1.0, 10.0):
    p = Softmax()(scores / temperature).numpy()
    print(f"{temperature:^11}   {np.round(p[0], 3)!s:22}  {np.round(p[1], 3)}")

# %% [markdown]
"""
# Reflect

Four measurements, made on your machine, now. Times vary from run to run; the pattern does not.

## What does an activation cost?
"""

# %%
def milliseconds(function, *args, repeats=20):
    """Median wall time of one call, in milliseconds."""
    function(*args)  # the first call pays for fresh memory
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(*args)
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))


def extra_memory(function, *args):
    """Peak memory during one call, as a multiple of the first argument's size."""
    tracemalloc.start()
    function(*args)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / args[0].nbytes


def last_softmax(x):
    """Softmax over the last dimension, so that it can be timed like the others."""
    return softmax(x, -1)


batch = np.random.default_rng(0).standard_normal((256, 4096), dtype=np.float32)  # 4 MB
baseline = milliseconds(relu, batch)
print(f"{'operation':12} {'ms':>8} {'x ReLU':>8} {'peak memory / input':>21}")
for operation in (relu, sigmoid, tanh, gelu, last_softmax):
    ms = milliseconds(operation, batch)
    memory = extra_memory(operation, batch)
    print(f"{operation.__name__:12} {ms:8.2f} {ms / baseline:8.1f} {memory:21.1f}")

small = batch[:32]
print(f"\nx * x * x: {milliseconds(lambda x: x * x * x, small):.2f} ms", end="")
print(f"     x**3: {milliseconds(lambda x: x**3, small):.2f} ms     (array of 512 KB)")

# %% [markdown]
"""
All five are O(n): twice the elements, twice the time. What differs is how often the array travels
between memory and processor. ReLU and Tanh are a single NumPy call. GELU is nine of them, each of
which reads and writes a whole array, and several of those arrays exist at the same time: that is
the last column.

Books say that ReLU costs a third of Tanh, because a comparison is cheaper than an exponential.
Look at your own table before you repeat it. On a processor with wide vector units NumPy computes
tanh for sixteen numbers at once, while comparing an array with a single 0 may still go one number
at a time, and then Tanh wins. What a function costs is decided by its implementation and its
memory traffic as much as by its formula. The same holds, more drastically, for the two ways of
writing a cube.

## Where do the curves go flat?

A network learns by asking how much the output moves when an input moves a little: the slope. You
can measure a slope without any calculus, by moving the input a little.
"""

# %%
points = np.array([-10.0, -4.0, -1.0, 0.5, 1.0, 4.0, 10.0])
step = 1e-4
print(f"{'slope at x =':12}", *(f"{x:9.1f}" for x in points), "   largest over 20 layers")
for operation in (relu, sigmoid, tanh, gelu):
    slopes = (operation(points + step) - operation(points - step)) / (2 * step)
    grid = np.linspace(-10.0, 10.0, 2001)
    steepest = np.max((operation(grid + step) - operation(grid - step)) / (2 * step))
    print(f"{operation.__name__:12}", *(f"{s:9.5f}" for s in slopes), f"   {steepest**20:.1e}")

# %% [markdown]
"""
Sigmoid is never steeper than 0.25. Pass a small change through 20 of them and at best 0.25 to the
power of 20 of it arrives: about one part in a million million. Tanh reaches 1, but only at 0. ReLU
passes a positive change on at full size, through any number of layers, and stops a negative one
completely: a unit that only ever sees negative inputs stays silent for good (a "dead" ReLU).

## The shapes, side by side
"""

# %%
curve_x = np.linspace(-4.0, 4.0, 161, dtype=np.float32)
curves = {"ReLU": relu, "Sigmoid": sigmoid, "Tanh": tanh, "GELU": gelu}
try:
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 3.5))
    for (name, operation), style in zip(curves.items(), ("-", "--", "-.", ":"), strict=True):
        axis.plot(curve_x, operation(curve_x), style, label=name)
    axis.set_ylim(-1.2, 3)
    axis.set_xlabel("x")
    axis.set_title("Four activations: ReLU and GELU rise without limit, Sigmoid and Tanh level off")
    axis.title.set_fontsize(9)
    axis.grid(alpha=0.3)
    axis.legend()
    plt.show()
except ImportError:
    print(f"{'x':>6}", *(f"{name:>9}" for name in curves))
    for value in curve_x[::20]:
        at = np.array([value])
        print(f"{value:6.1f}", *(f"{operation(at)[0]:9.4f}" for operation in curves.values()))

# %% [markdown]
"""
## Does ReLU's sparsity make the next layer faster?

About half of the outputs of ReLU are exactly 0 when its inputs are centred on 0. "Multiplying by
zero is free" is often said. Measure it.
"""

# %%
x = np.random.default_rng(0).standard_normal((256, 1024), dtype=np.float32)
w = np.random.default_rng(1).standard_normal((1024, 1024), dtype=np.float32)
active = relu(x)
print(f"zeros after ReLU:             {np.mean(active == 0):.1%}")
print(f"product with all inputs:      {milliseconds(np.matmul, x, w):.2f} ms")
print(f"product with half of them 0:  {milliseconds(np.matmul, active, w):.2f} ms")

# %% [markdown]
"""
A dense matrix product multiplies zeros as diligently as anything else. Sparsity saves time only
for code that knows where the zeros are. What ReLU's zeros do give is a representation in which
each input switches on its own selection of units.

## Systems questions

**1.** A batch of 32 samples passes through a hidden layer of 4096 units with ReLU, in float32. How
much memory does its output need? And for 100 such layers whose outputs must all be kept?

<details><summary>Answer</summary>

32 × 4096 × 4 bytes = 524,288 bytes = 512 KiB. For 100 layers 50 MiB. Keeping them is exactly what
training will require, because the slope of a layer depends on what went through it: memory for
activations grows with depth *and* batch size, memory for weights with neither of them in this way.
</details>

**2.** From your own table: a model spends 5 % of its time in ReLU and you replace it by GELU. How
much slower does the model become?

<details><summary>Answer</summary>

If your table says GELU costs k times ReLU, the model takes 0.95 + 0.05·k of its old time. With k
= 4 that is 1.15: 15 % slower. The ratio of the operations alone (400 %) says little; its share of
the whole decides.
</details>

**3.** Why does softmax subtract the maximum of each *row*, and not the maximum of the whole
array, which is cheaper to find?

<details><summary>Answer</summary>

Both prevent overflow. But a row whose scores all lie far below the largest score of another row
would underflow to zeros everywhere, and 0/0 is NaN. The graded test with the rows (1000, 1000)
and (-1000, -1000) is that case.
</details>

**4.** You build a detector that says yes or no, and a sorter with ten classes. Which activation
comes last in each? And in a network that predicts a temperature in degrees?

<details><summary>Answer</summary>

Sigmoid for one yes-or-no probability; Softmax for ten exclusive classes, because their
probabilities must add up to 1. If several labels may be true at the same time, one Sigmoid per
label. For a temperature, none: the answer is not confined to any range.
</details>

**5.** sigmoid(20) prints as 1.0 in float32 although the true value is 0.999999998. sigmoid(-20)
prints as 2.06e-09. Why is one side exact and the other not?

<details><summary>Answer</summary>

Floating-point numbers are dense near 0 and coarse near 1: the float32 just below 1 is 0.99999994,
and everything nearer to 1 than halfway is rounded to 1. "Almost certain" and "certain" become the
same number. That is why careful code works with logarithms of probabilities, as you will in
Module 04.
</details>
"""

# %% [markdown]
"""
## Common errors

| What you see | What happened |
|---|---|
| `RuntimeWarning: overflow encountered in exp` | An exponent above 88 reached `np.exp` in float32. Limit it (sigmoid) or subtract the row maximum (softmax). |
| `RuntimeWarning: invalid value encountered in divide`, then `nan` everywhere | inf/inf or 0/0: softmax without the maximum, or with the maximum of the whole array. |
| `ValueError: operands could not be broadcast together with shapes (2,3) (2,)` | `keepdims=True` is missing in the maximum or the sum. With a *square* array the same slip raises nothing and is simply wrong. |
| `AxisError: axis 2 is out of bounds for array of dimension 2` | `dim` does not exist: a (batch, classes) array has dims 0 and 1 (or -1 and -2). |
| `TypeError: operand 'Tensor' does not support ufuncs (__array_ufunc__=None)` | A NumPy function was handed a Tensor. Operations work on arrays; `compute` does the unwrapping. |
| Probabilities that add up to 1 down the columns | Softmax ran along the batch: `dim=0` where `dim=-1` was meant. |
| A model whose memory doubled overnight | A float64 constant (`np.sqrt(2 / np.pi)`) crept into a float32 chain. Look at `.dtype` along the way. |

## In production

The same in PyTorch; what is different is where it runs, not what it computes.

```python
# TinyTorch                                        # PyTorch
from tinytorch.core.tensor import Tensor           import torch
from tinytorch.core.activations import (           from torch import nn
    GELU, ReLU, Sigmoid, Softmax)

x = Tensor([[-1.0, 0.0, 2.0]])                     x = torch.tensor([[-1.0, 0.0, 2.0]])
ReLU()(x)        # [[0, 0, 2]]                     nn.ReLU()(x)
Sigmoid()(x)     # [[0.27, 0.5, 0.88]]             nn.Sigmoid()(x)
GELU()(x)        # [[-0.16, 0, 1.95]]              nn.GELU(approximate="tanh")(x)
Softmax()(x)     # [[0.04, 0.11, 0.84]]            nn.Softmax(dim=-1)(x)
Softmax()(x, dim=0)                                torch.softmax(x, dim=0)
```

PyTorch's `nn.GELU()` without an argument uses the exact Gaussian integral; the tanh form differs
from it by less than 0.0005. The maximum is subtracted there as well, and the numbers agree with
yours to float32 rounding. Their kernels do the whole formula in one pass over memory, where NumPy
makes one pass per operator: you measured that difference above, as peak memory.
"""

# %% [markdown]
"""
# Test module

All graded tests once more, and one run through everything together.
"""

# %%
def test_module():
    """All graded tests, then a small network from scores to probabilities."""
    test_activations_collapse()
    test_activations_relu()
    test_activations_layer()
    test_activations_sigmoid()
    test_activations_tanh()
    test_activations_gelu()
    test_activations_softmax()

    rng = np.random.default_rng(0)
    x = Tensor(rng.standard_normal((8, 5)) * 300)
    for act in (ReLU(), Sigmoid(), Tanh(), GELU()):
        hidden = act(x @ Tensor(rng.standard_normal((5, 16))))
        p = Softmax()(hidden @ Tensor(rng.standard_normal((16, 3))))
        check.equal(p.shape, (8, 3), given=f"a small classifier with {act}")
        check.close(p.numpy().sum(axis=1), np.ones(8), given=f"rows of probabilities, with {act}")
        check.equal(p.dtype, np.float32, given=f"its dtype, with {act}")
    print("Module 02: all tests passed.")


test_module()

# %% [markdown]
"""
# What this unlocks

You have the bends. What is missing is something worth bending: **Module 03 (Layers)** puts
weights and shifts into objects and stacks them with your activations in between. Softmax returns
in **Module 04**, where its logarithm measures how wrong a classifier is, and in Module 12, where
it decides which words look at which. And the slopes you measured by moving an input a little
become exact, and automatic, in **Module 05**.
"""
