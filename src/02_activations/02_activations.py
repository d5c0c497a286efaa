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

**Foundation** | ●○○○ | 3-4 hours | Prerequisites: 01 Tensor

A matrix product can rotate, stretch and mix its input. It cannot *bend* it. However many products
you chain, you are left with one straight map, and the world is not straight. In this module you
build the small functions that do the bending, and you bend a straight line into a sine with them.

## Where this comes from

Networks with many layers were tried from the 1980s on, and mostly failed to learn. In 1991 Sepp
Hochreiter, a student in Munich, explained the failure in his diploma thesis: the signal that tells
early layers how to change is multiplied, in every layer it passes, by a weight and by a slope, and
the slope of the S-shaped function that everybody used is small everywhere. Unless the weights are
large, almost nothing is left after a dozen layers. Twenty years later Xavier Glorot, Antoine Bordes
and Yoshua Bengio trained deep networks with max(0, x), whose slope is 1 wherever it is not 0, and
did without the elaborate layer-by-layer preparation that had been needed until then. Kunihiko
Fukushima had used that function in 1969.
"""

# %% [markdown]
"""
## Where this module stands

```
   BEFORE                 NOW                        AFTER

 +-----------+     +-------------------+     +---------------------------+
 | 01 Tensor | --> |  02 Activations   | --> | 03 Layers    what is bent |
 |  values,  |     |  ReLU    Sigmoid  |     | 04 Losses    logarithms   |
 |  compute  |     |  Tanh    GELU     |     | 05 Autograd  their slopes |
 +-----------+     |  Softmax          |     | 12 Attention softmax      |
                   +-------------------+     +---------------------------+
```

In words: an activation has no numbers of its own to learn, so it needs nothing from the modules
after it. They need its two properties: the shape of its curve, and the steepness of that curve.

## What you will be able to do

1. **Prove** that a deep network without activations is a shallow one.
2. **Construct** a network of ReLUs that follows a curve you choose, and say how its error falls.
3. **Measure** the slope of any function, and use it to predict which networks stop learning.
4. **Derive** forms of sigmoid and softmax that never overflow, in any floating-point format.
5. **Choose** an activation for a hidden layer and for an output, and defend the choice.

## What you build

| part | you write | idea |
|---|---|---|
| 1 | `collapse` | straight maps in a row are one straight map |
| 2 | `relu` | one corner |
| 3 | `bend_through` | enough corners follow any curve |
| 4 | `Activation`, `ReLU` | from a function to a part of a network |
| 5 | `slope` | how steep a curve is: your measuring tool |
| 6 | `sigmoid` | any number to a probability, without overflow |
| 7 | (given: `tanh`) | why a centre at zero matters |
| 8 | `best_cubic`, `gelu` | a gate that opens gradually, and its odd constant |
| 9 | `softmax`, `Softmax` | scores to shares, along the right dimension |
| Use | `soft_vote`, `softplus`, `Softplus` | find a fault; build an activation of your own |

## What you do not build yet

* Slopes by formula: `backward()` exists from today and sleeps until Module 05. Here you measure.
* Learning: the networks of this module have weights that you computed. Modules 03 to 07 learn them.
* Activations with numbers of their own to learn, and the dozens of variants (SiLU, Mish, ELU).

## Setup

The first cell names the file that this module becomes; the second is how that file begins; the
third is for tests and experiments only.
"""

# %%
#| default_exp core.activations

# %%
#| export
"""Activation functions: what bends a network. Functions of arrays, and objects a model holds."""

import math
from typing import Any

import numpy as np

from tinytorch.core.tensor import Tensor, compute

# %%
# For the test cells and experiments below; not part of your framework.
import time
import tracemalloc
import warnings

from tito.checks import check, probe


def try_out(function, values, dtype=np.float32):
    """Print what `function` makes of `values`, and what NumPy has to say about it."""
    x = np.array(values, dtype=dtype)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        result = function(x)
    said = "; ".join(dict.fromkeys(str(w.message) for w in heard)) or "no warning"
    shown = ", ".join(f"{number:.6g}" for number in result)
    print(f"{np.dtype(dtype).name} {values}  ->  [{shown}]   ({said})")

# %% [markdown]
"""
# Build

## Part 1: Why bend at all?

A layer of a network computes `x @ W + b`: a product and a shift. Put two of them in a row:

```
   x --->[ @ W1 + b1 ]--->[ @ W2 + b2 ]---> y = (x @ W1 + b1) @ W2 + b2
```

In words: the output of the first map is the input of the second. Multiply out the brackets on
paper: which single weight and which single bias do the same as the two maps together?

Nothing is special about "two". You pay for a hundred matrices and get the power of one. Do not
take the algebra's word for it: write the function that performs the collapse.
"""

# %% nbgrader={"grade": false, "grade_id": "activations_collapse", "locked": false, "schema_version": 3, "solution": true, "task": false}
def collapse(maps: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Return the single linear map that does the same as a chain of linear maps.

    Args:
        maps: at least one pair (weight, bias), applied in the order of the list. A pair sends
            x to `x @ weight + bias`. The weights have shapes (n0, n1), (n1, n2), and so on,
            the biases (n1,), (n2,), and so on.

    Returns:
        The pair (weight, bias), of shapes (n0, n_last) and (n_last,), for which
        `x @ weight + bias` is the result of the whole chain, for every x.

    Example:
        weights [[2]] and [[10]], biases [1] and [5]  ->  weight [[20]], bias [15]
    """
    ### BEGIN SOLUTION
    weight, bias = maps[0]
    for next_weight, next_bias in maps[1:]:
        weight = weight @ next_weight
        bias = bias @ next_weight + next_bias
    return weight, bias
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_activations_collapse", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# What is checked: the example; a chain of three maps of different sizes; a chain of one.
def test_activations_collapse():
    double_add_1 = (Tensor([[2.0]]), Tensor([1.0]))
    tenfold_add_5 = (Tensor([[10.0]]), Tensor([5.0]))
    weight, bias = collapse([double_add_1, tenfold_add_5])
    check.close(weight, [[20.0]], given="x*2 + 1, then *10 + 5: the weight", because="2 * 10 = 20")
    check.close(bias, [15.0], given="x*2 + 1, then *10 + 5: the bias",
                because="the shift of 1 is multiplied by 10 before 5 is added: 1*10 + 5 = 15")

    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(shape) for shape in ((3, 4), (4, 2), (2, 5))]
    biases = [rng.standard_normal(n) for n in (4, 2, 5)]
    x = rng.standard_normal((6, 3))
    expected = x
    for w, b in zip(weights, biases, strict=True):
        expected = expected @ w + b
    pairs = [(Tensor(w), Tensor(b)) for w, b in zip(weights, biases, strict=True)]
    weight, bias = collapse(pairs)
    check.close(Tensor(x) @ weight + bias, expected, rtol=1e-4, atol=1e-5,
                given="three random maps 3 -> 4 -> 2 -> 5, applied to a (6, 3) input",
                because="one map must give what the whole chain gives")
    weight, bias = collapse(pairs[:1])
    check.close(bias, biases[0], given="a chain of one map", because="it is its own collapse")


test_activations_collapse()

# %% [markdown]
"""
The test chains maps 3 -> 4 -> 2 -> 5. Look at the 2: depth bought nothing, and the narrow map threw
information away that the wider one after it could not bring back.

What breaks the algebra is any function between the maps whose graph is not a straight line.

## Part 2: ReLU, one corner

```
     3 |               /
     2 |            /            ReLU(x) = max(0, x)
     1 |         /
     0 |______/
       -2 -1  0  1  2  3
```

In words: two straight pieces that meet in one corner at 0. That corner is all the bending there
is. It costs one comparison, and large inputs still differ from each other after it.

Here is the obvious way to write it, run on two arrays. **What will this print?**
"""

# %%
def relu_by_mask(x):
    """Sets what is negative to zero."""
    x[x < 0] = 0
    return x


scores = np.array([-2.0, 3.0], dtype=np.float32)
print("result        ", relu_by_mask(scores))
print("scores, after ", scores)
try_out(lambda x: x * (x > 0), [-2.0, 3.0, -np.inf])

# %% [markdown]
"""
The result was right, and the caller's scores are gone. The variant with a product leaves them
alone and turns minus infinity into NaN. Write one that does neither. As in Module 01 it is a
function from array to array: it knows nothing about Tensors.
"""

# %% nbgrader={"grade": false, "grade_id": "activations_relu", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def relu(x: np.ndarray) -> np.ndarray:
    """Return max(0, x), element by element.

    Args:
        x: array of any shape. It is left unchanged.

    Returns:
        A new array of the same shape and dtype. +inf stays +inf, -inf becomes 0.

    Example:
        relu(np.array([-2.0, 0.0, 3.0]))  ->  [0., 0., 3.]
    """
    ### BEGIN SOLUTION
    return np.maximum(x, 0)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_activations_relu", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
# What is checked: values; the input afterwards; float32; a 3-D shape; the largest numbers.
@probe
def relu_leaves_its_input():
    x = np.array([-1.0, 2.0], dtype=np.float32)
    relu(x)
    return x


def test_activations_relu():
    x = np.array([-2.0, -0.5, 0.0, 0.5, 3.0], dtype=np.float32)
    check.close(relu(x), [0.0, 0.0, 0.0, 0.5, 3.0], given=x,
                because="max(0, x) for each element")
    check.unchanged(relu_leaves_its_input(), np.array([-1.0, 2.0], dtype=np.float32),
                    given="the array [-1, 2], before and after relu(x)",
                    because="an operation returns a new array; others may still need the old one")
    check.equal(relu(x).dtype, np.float32, given="a float32 array",
                because="float32 in, float32 out")
    rows = np.array([[[-1.0, 1.0]], [[5.0, -7.0]]], dtype=np.float32)
    check.close(relu(rows), [[[0.0, 1.0]], [[5.0, 0.0]]], given="an array of shape (2, 1, 2)")
    check.close(relu(np.array([-1000.0, 3e38, -np.inf, np.inf], dtype=np.float32)),
                [0.0, 3e38, 0.0, np.inf], given="[-1000, 3e38, -inf, inf]",
                because="0 is larger than -inf; mind that -inf * 0 and -inf + inf are not numbers, "
                "and that float32 ends at 3.4e38")


test_activations_relu()

# %% [markdown]
r"""
## Part 3: Corners that follow a curve

One ReLU has its corner at 0. Shift its input, and the corner moves: `relu(x - 2)` bends at 2. Scale
its output, and the bend gets stronger, weaker, or turns downwards. A sum of several is straight
between the corners and bends at each of them:

```
   relu(x)  - 2 * relu(x - 1)

     1 |       .
       |     /   \            slope  0  left of 0
     0 |___/       \          slope  1  from 0 to 1
       |             \        slope -1  right of 1
           0   1   2
```

In words: every ReLU is silent until its corner, and from there on adds its weight to the slope.

So a network of two maps with ReLU between them can pass through *any* points you name. Given are
the points; you find the weights. Work out on paper first, with three points: which weight must a
ReLU have, if you know the slope you need to the left of its corner, and the one to the right?
"""

# %% nbgrader={"grade": false, "grade_id": "activations_bend_through", "locked": false, "schema_version": 3, "solution": true, "task": false}
def bend_through(knots: list[float], heights: list[float]) -> list[tuple[Tensor, Tensor]]:
    """Return a network with one ReLU per piece that connects the points (knot, height).

    Between two neighbouring points its graph is straight; left of the first it is level.

    Args:
        knots: n + 1 increasing numbers, n at least 1, not necessarily at equal distances.
        heights: n + 1 numbers, one per knot.

    Returns:
        Two maps, the list [(W1, b1), (W2, b2)] with shapes (1, n), (n,) and (n, 1), (1,).
        For x of shape (m, 1) the network is `relu(x @ W1 + b1) @ W2 + b2`.
        All weights of the first map are 1: ReLU number i has its corner at knots[i].

    Example:
        bend_through([0, 1, 2], [0, 1, 0])
        ->  W1 = [[1, 1]], b1 = [0, -1], W2 = [[1], [-2]], b2 = [0]
    """
    ### BEGIN SOLUTION
    at = np.asarray(knots)
    slopes = np.diff(heights) / np.diff(at)
    changes = np.diff(slopes, prepend=0.0)
    n = len(changes)
    into_corners = (Tensor(np.ones((1, n))), Tensor(-at[:n]))
    out_of_corners = (Tensor(changes.reshape(n, 1)), Tensor([heights[0]]))
    return [into_corners, out_of_corners]
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_activations_bend_through", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
# What is checked: the example's weights; shapes; then points on, between and left of uneven knots.
@probe
def bent_uneven():
    (w1, b1), (w2, b2) = bend_through([-1.0, 0.0, 0.5, 2.5], [3.0, 1.0, 1.0, -2.0])
    shapes = [w1.shape, b1.shape, w2.shape, b2.shape]
    x = np.array([[-1.0], [0.0], [0.5], [2.5], [-0.5], [1.5], [-4.0]])
    y = np.maximum(x @ w1.data + b1.data, 0) @ w2.data + b2.data
    return [str(shape) for shape in shapes], y[:, 0]


def test_activations_bend_through():
    (w1, b1), (w2, b2) = bend_through([0.0, 1.0, 2.0], [0.0, 1.0, 0.0])
    points = "the points (0, 0), (1, 1), (2, 0)"
    check.close(w1, [[1.0, 1.0]], given=f"{points}: W1",
                because="three points make two pieces, each piece has a ReLU, and each sees x")
    check.close(b1, [0.0, -1.0], given=f"{points}: b1", because="relu(x - 1) has its corner at 1")
    check.close(w2, [[1.0], [-2.0]], given=f"{points}: W2",
                because="up to the corner at 1 the slope is 1, after it -1: a change of -2")
    check.close(b2, [0.0], given=f"{points}: b2", because="the graph begins at height 0")
    shapes, y = bent_uneven()
    uneven = "knots -1, 0, 0.5, 2.5, heights 3, 1, 1, -2"
    check.equal(shapes, ["(1, 3)", "(3,)", "(3, 1)", "(1,)"], given=f"{uneven}: the four shapes")
    check.close(y[:4], [3.0, 1.0, 1.0, -2.0], atol=1e-5, given=f"{uneven}: the graph at the knots",
                because="it passes through every point")
    check.close(y[4:], [2.0, -0.5, 3.0], atol=1e-5, given=f"{uneven}: at -0.5, 1.5 and -4",
                because="straight between the points, level to the left")
    (w1, b1), (w2, b2) = bend_through([2, 4], [7, 8])
    check.close(w2, [[0.5]], given="two points (2, 7), (4, 8): W2",
                because="1 up on 2 to the right")
    check.close(b2, [7.0], given="two points (2, 7), (4, 8): b2")


test_activations_bend_through()

# %% [markdown]
"""
Now bend a line into a sine, over one full wave, with 2, 4 and 16 ReLUs at equal distances.
**Predict before you run:** what will two ReLUs look like? And each time you double their number, by
what factor does the largest error shrink, once there are enough of them: 2, 4 or 8?
"""

# %%
def network(x, maps):
    """Given: the network that bend_through() describes, for a NumPy column x."""
    (w1, b1), (w2, b2) = maps
    return relu((Tensor(x) @ w1 + b1).data) @ w2.data + b2.data


wave = np.linspace(0, 2 * np.pi, 1001).reshape(-1, 1)
fits = {}
for n in (2, 4, 8, 16, 32, 64):
    knots = np.linspace(0, 2 * np.pi, n + 1)
    fits[n] = network(wave, bend_through(list(knots), list(np.sin(knots))))
    print(f"{n:3} ReLUs: largest error {np.max(np.abs(fits[n] - np.sin(wave))):.4f}")

try:
    import matplotlib.pyplot as plt
except ImportError:
    print("Without matplotlib you miss a picture: 2, 4 and 16 ReLUs following a sine.")
else:
    figure, panels = plt.subplots(1, 3, figsize=(9, 2.8), sharey=True)
    for panel, n in zip(panels, (2, 4, 16), strict=True):
        panel.plot(wave, np.sin(wave), color="0.7", linewidth=4, label="sine")
        panel.plot(wave, fits[n], color="C3", label="network")
        panel.set(title=f"{n} ReLUs", xlabel="x")
    panels[0].legend()
    figure.suptitle("Straight pieces bend into a sine: a network you constructed")
    figure.tight_layout()
    plt.show()

# %% [markdown]
"""
Two ReLUs give a flat line: all three of their points are zeros of the sine. Four give a zigzag, and
with sixteen your eye begins to see a sine. From 8 on, each doubling divides the largest error by
about four: the gap between a curve and a straight piece grows with the *square* of its length.

Now take ReLU out of the network of 64 and keep every weight. **How many corners are left?**
"""

# %%
knots = np.linspace(0, 2 * np.pi, 65)
weight, bias = collapse(bend_through(list(knots), list(np.sin(knots))))
print(f"the same weights without ReLU: y = {weight.item():.3f} * x + {bias.item():.3f}")

# %% [markdown]
"""
None: 64 pieces collapse into one line. All the bending was ReLU's.

Here *you* knew the curve and computed the weights. From Module 06 on, a network finds them, and the
places of its corners, from examples alone.

## Part 4: From a function to a part of a network

A network holds its activations in a list, between its layers, and calls them one after the other.
For that, a function of arrays needs a thin wrapper:

| a network says | and the object answers |
|---|---|
| `act(x)` | the same as `act.forward(x)` |
| `act.forward(x)` | Tensor in, Tensor out |
| `act.parameters()` | `[]`: there is nothing in it to learn |
| `act.backward(grad)` | nothing yet: it sleeps until Module 05 |

What all activations share stands once, in the base class `Activation`; what only ReLU does, in
`ReLU`. Complete both. (Sigmoid, Tanh and GELU will get the same wrapper: given.)

There is one rule, the rule of Module 01: **results come from `compute`**. Wrapping the outcome by
hand, `Tensor(relu(x.data))`, gives the same numbers and cuts a wire. **Which of the two results in
this cell does a listener hear of?**
"""

# %%
heard = []
Tensor._record = staticmethod(lambda output, operation, *rest: heard.append(operation.__name__))
x = Tensor([-2.0, 3.0])
Tensor(relu(x.data))
print("wrapped by hand:", heard)
compute(np.negative, x)
print("through compute:", heard)
Tensor._record = None

# %% nbgrader={"grade": false, "grade_id": "activations_layer", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Activation:
    """What all activations have in common: they are called like functions and learn nothing."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the activation of x. Every subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward(x).")

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        """`act(x, ...)` means `act.forward(x, ...)`, whatever the arguments."""
        ### BEGIN SOLUTION
        return self.forward(*args, **kwargs)
        ### END SOLUTION

    def backward(self, grad: Tensor) -> None:
        """Dormant: does nothing until Module 05."""

    def parameters(self) -> list[Tensor]:
        """Return the tensors to be learned, in a new list: here there are none."""
        ### BEGIN SOLUTION
        return []
        ### END SOLUTION

    def __repr__(self) -> str:
        """The way it was made: `ReLU()`."""
        return f"{type(self).__name__}()"


class ReLU(Activation):
    """Rectified linear unit, max(0, x): the default between layers."""

    def forward(self, x: Tensor) -> Tensor:
        """Return max(0, x) for every element of x, as a new Tensor made by `compute`.

        Example:
            ReLU().forward(Tensor([-2.0, 3.0]))  ->  Tensor([0., 3.])
        """
        ### BEGIN SOLUTION
        return compute(relu, x)
        ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_activations_layer", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
# What is checked: class and values of the result; x afterwards; what compute() sees; the wrapper,
# also of another activation, whose forward takes one more argument.
@probe
def operations_heard():
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


@probe
def another_wrapped():
    class Scale(Activation):
        def forward(self, x, factor=1.0):
            return compute(np.multiply, x, factor)

    act, x = Scale(), Tensor([1.0, 2.0])
    act.parameters().append(x)
    results = [act(x), act(x, 3.0), act(x, factor=5.0)]
    return [y.data.tolist() for y in results], len(act.parameters()), repr(act)


def test_activations_layer():
    x = Tensor([[-2.0, 3.0], [0.5, -0.5]])
    y = ReLU().forward(x)
    check.equal(y.__class__.__name__, "Tensor",
                given="the class of ReLU().forward(x), for a Tensor x",
                because="the next layer expects a Tensor, not an array")
    check.close(y, [[0.0, 3.0], [0.5, 0.0]], given="ReLU().forward([[-2, 3], [0.5, -0.5]])")
    check.close(ReLU()(x), [[0.0, 3.0], [0.5, 0.0]], given="ReLU()([[-2, 3], [0.5, -0.5]])",
                because="act(x) means act.forward(x)")
    check.unchanged(x, np.array([[-2.0, 3.0], [0.5, -0.5]], dtype=np.float32),
                    given="x, before and after ReLU().forward(x)", because="x is only read")
    check.equal(operations_heard(), ["relu"],
                given="the operations that compute() sees during ReLU()(x)",
                because="only what goes through compute() is known as a result of relu")
    act = ReLU()
    check.equal(act.parameters(), [], given="act.parameters()", because="nothing in it is learned")
    check.equal(act.backward(y), None, given="act.backward(y)", because="it is dormant for now")
    results, learned, name = another_wrapped()
    check.equal(results, [[1.0, 2.0], [3.0, 6.0], [5.0, 10.0]],
                given="Scale()(x), Scale()(x, 3), Scale()(x, factor=5), with forward(x, factor=1)",
                because="act(...) hands all its arguments on to forward, by place and by name")
    check.equal(learned, 0, given="len(act.parameters()), when an earlier list was appended to",
                because="every call returns a list of its own")
    check.equal(name, "Scale()", given="repr(Scale())")


test_activations_layer()

# %% [markdown]
r"""
## Part 5: How steep is it?

A network learns by asking one question: if this input moves a little, how much does the output
move? The answer is the slope, and an activation is judged by its slope as much as by its values.
No calculus is needed to measure it. Move the input by a small step to either side and compare:

$$\text{slope at } x \approx \frac{f(x + h) - f(x - h)}{2h}$$

The slope of ReLU is 1 wherever x is positive. **What will this print?**
"""

# %%
step = np.float32(1e-4)
for value in (1.0, 1000.0, 10_000.0):
    x = np.array([value], dtype=np.float32)
    measured = (relu(x + step) - relu(x - step)) / (2 * step)
    print(f"slope of relu at {value:>7.0f}, in float32: {measured}")

# %% [markdown]
"""
At 1,000 the slope is already off by a fifth. Around 10,000 two neighbouring float32 numbers are
0.001 apart: a step of 0.0001 goes nowhere, and the slope comes out as 0. The formula is right. The
arithmetic has too few digits, and it says nothing. Your tool must not have this fault, whatever
dtype it is handed.
"""

# %% nbgrader={"grade": false, "grade_id": "activations_slope", "locked": false, "schema_version": 3, "solution": true, "task": false}
def slope(function: Any, x: np.ndarray, step: float = 1e-4) -> np.ndarray:
    """Measure how steep an elementwise function is at every x, from both sides.

    Args:
        function: takes an array and returns an array of the same shape and dtype.
        x: array of any shape and any dtype, also float32 or whole numbers; it is left unchanged.
        step: how far to move to either side.

    Returns:
        A float64 array of x's shape, right to about 7 digits. At a corner it is the mean of the
        two sides: 0.5 for relu at 0.

    Example:
        slope(relu, np.array([-1.0, 0.0, 2.0]))  ->  [0., 0.5, 1.]
    """
    ### BEGIN SOLUTION
    x = np.asarray(x, dtype=np.float64)
    rise = function(x + step) - function(x - step)
    return rise / (2 * step)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_activations_slope", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
# What is checked: relu with its corner; a cube, to 7 digits; float32 far out; another step; shape.
@probe
def measured_slopes():
    far = np.array([10_000.0], dtype=np.float32)
    grid = np.array([[1, 2, 3], [0, -1, -2]])
    return {
        "relu": slope(relu, np.array([-1.0, 0.0, 2.0, 5.0], dtype=np.float32)),
        "cube": slope(lambda x: x * x * x, np.array([1.0, -2.0, 0.5], dtype=np.float32)),
        "far": slope(relu, far),
        "dtype": str(slope(relu, far).dtype),
        "far after": far,
        "wide": slope(lambda x: x * x * x, np.array([1.0]), 0.5),
        "grid": slope(lambda x: x * x, grid),
    }


def test_activations_slope():
    found = measured_slopes()
    check.close(found["relu"], [0.0, 0.5, 1.0, 1.0], given="relu at [-1, 0, 2, 5], in float32",
                because="level on the left, 1 on the right, the mean of both at the corner; "
                "float32 has too few digits for small steps")
    check.close(found["cube"], [3.0, 12.0, 0.75], given="x*x*x at [1, -2, 0.5], in float32",
                because="its slope is 3*x*x; a step to both sides is right to 7 digits, "
                "a step to one side to 3")
    check.close(found["far"], [1.0], given="relu at 10000, in float32",
                because="float32 has no number between 10000 and 10000.0001: use float64")
    check.equal(found["dtype"], "float64", given="the dtype of the result for a float32 x")
    check.unchanged(found["far after"], np.array([10_000.0], dtype=np.float32),
                    given="x, before and after slope(relu, x)")
    check.close(found["wide"], [3.25], given="x*x*x at 1, with step=0.5",
                because="(1.5 * 1.5 * 1.5 - 0.5 * 0.5 * 0.5) / (2 * 0.5)")
    check.close(found["grid"], [[2.0, 4.0, 6.0], [0.0, -2.0, -4.0]],
                given="x*x at whole numbers in a (2, 3) array", because="its slope is 2*x")


test_activations_slope()

# %% [markdown]
"""
From here on every activation comes with a picture of its curve and, below it, its slope as your
tool measures it. Given: the function that draws them. **Predict** the lower panel for relu(x), and
for the shifted relu(x - 1) that you bent curves with.
"""

# %%
def draw_curve_and_slope(title, **functions):
    """Draw each function, and below it how steep it is; without matplotlib, a table."""
    x = np.linspace(-6, 6, 601)
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        print(f"Without matplotlib you miss a picture: {title}")
        for name, function in functions.items():
            at = np.array([-4.0, -1.0, 0.0, 1.0, 4.0])
            print(f"  {name} at {at}: {function(at).round(3)}")
            print(f"  {'its slope':>{len(name)}}: {slope(function, at).round(3)}")
        return
    figure, (above, below) = plt.subplots(2, 1, figsize=(6, 4.4), sharex=True)
    for (name, function), style in zip(functions.items(), ("-", "--"), strict=False):
        above.plot(x, function(x), style, label=name)
        below.plot(x, slope(function, x), style, label=name)
    above.set(title=title, ylabel="value")
    below.set(ylabel="slope", xlabel="x", ylim=(-0.2, 1.3))
    for panel in (above, below):
        panel.grid(alpha=0.3)
    above.legend()
    figure.tight_layout()
    plt.show()


shifted = {"relu(x)": relu, "relu(x - 1)": lambda x: relu(x - 1)}
draw_curve_and_slope("ReLU and its slope", **shifted)

# %% [markdown]
r"""
A step: 0 on the left of the corner, 1 on the right of it. ReLU passes a change on in full or not at
all; shifting the input moves the place where that begins.

## Part 6: Sigmoid, any number to a probability

$$\sigma(x) = \frac{1}{1 + e^{-x}}$$

Its graph is an S that rises from 0 on the far left through 0.5 at x = 0 to 1 on the far right. A
score of any size becomes a number that can be read as "how likely is yes".

float32 ends at about $3.4 \cdot 10^{38}$, which is $e^{88.7}$. float16, which halves the memory,
ends at 65504, which is $e^{11.1}$. **What will this print?** The true values are 6.1e-6 for the
first line, 3.8e-44 for the second (float32 can hold both), and 0 and 1 for the third.
"""

# %%
def sigmoid_as_written(x):
    """The formula, as it stands in a book."""
    return 1 / (1 + np.exp(-x))


try_out(sigmoid_as_written, [-12.0], np.float16)
try_out(sigmoid_as_written, [-100.0])
try_out(lambda x: np.exp(x) / (1 + np.exp(x)), [-1000.0, 1000.0])

# %% [markdown]
r"""
The first line lost a value that the format can hold. In the third line, the same function in
another form, inf/inf is NaN. And where a warning is harmless, people get used to it, and do not
see it on the day when it matters. Numerical code should be silent when all is well.

Two remedies that people reach for are not good enough. Limiting x to ±87 keeps float32 from
overflowing, but float16 overflows all the same, and σ(-100) comes out as 1.6e-38, wrong by a
factor of 400,000. Computing in float64 doubles the memory or worse, and only moves the wall.

Find a form that is right everywhere. You have seen two forms of the fraction, and each fails on
one side only. Which sign of an exponent can never overflow?
"""

# %% nbgrader={"grade": false, "grade_id": "activations_sigmoid", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x)), element by element: any number becomes a probability.

    Args:
        x: floating-point array of any shape, values of any size. It is left unchanged.

    Returns:
        A new array of the same shape and dtype, computed in that dtype. Exact to its precision
        also where the result is tiny, and never an overflow, whether float16, 32 or 64.

    Example:
        sigmoid(np.array([-1000.0, 0.0, 1000.0]))  ->  [0., 0.5, 1.]
    """
    ### BEGIN SOLUTION
    numerator = np.exp(np.minimum(x, 0))
    denominator = 1 + np.exp(-np.abs(x))
    return numerator / denominator
    ### END SOLUTION


class Sigmoid(Activation):
    """Logistic function, 1 / (1 + exp(-x)): turns a score into a probability."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the sigmoid of every element of x."""
        return compute(sigmoid, x)

# %% nbgrader={"grade": true, "grade_id": "test_activations_sigmoid", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
# What is checked: values; warnings; tiny results, also in float16; dtype; input; Sigmoid().
@probe
def sigmoid_complaints():
    for kind in ("float32", "float16", "float64"):
        for value in (-100.0, 100.0, -12.0, 12.0, 0.0, -1000.0, 1000.0):
            try:
                with np.errstate(over="raise", divide="raise", invalid="raise"):
                    sigmoid(np.array([value], dtype=kind))
            except FloatingPointError as error:
                return f"{kind}, x = {value:.0f}: {error}"
    return "none"


@probe
def sigmoid_leaves_its_input():
    x = np.array([-1000.0, 2.0], dtype=np.float32)
    sigmoid(x)
    return x


def test_activations_sigmoid():
    check.close(sigmoid(np.array([0.0, 2.0, -2.0], dtype=np.float32)), [0.5, 0.880797, 0.119203],
                given="[0, 2, -2]",
                because="1/(1 + e^0) = 1/2; 1/(1 + e^-2) = 1/1.135335; the two last add up to 1")
    check.unchanged(sigmoid_leaves_its_input(), np.array([-1000.0, 2.0], dtype=np.float32),
                    given="the array [-1000, 2], before and after sigmoid(x)")
    check.close(sigmoid(np.array([-1000.0, -100.0, 100.0, 1000.0], dtype=np.float32)),
                [0.0, 0.0, 1.0, 1.0], given="[-1000, -100, 100, 1000]",
                because="far from 0 the curve is flat")
    check.equal(sigmoid_complaints(), "none",
                given="NumPy's first complaint, from -1000 to 1000, in float32, 16 and 64",
                because="only an exponent above 0 can overflow: let none be")
    check.close(sigmoid(np.array([-20.0, -80.0], dtype=np.float32)),
                [2.0611537e-09, 1.8048514e-35], rtol=1e-4, atol=0,
                given="[-20, -80]: tiny, and not 0",
                because="float32 can hold e^-80; a form that subtracts, or limits x, loses it")
    check.close(sigmoid(np.array([-100.0], dtype=np.float32)), [3.78e-44], rtol=0.05, atol=0,
                given="[-100]", because="beyond ±87 there is still something to compute")
    check.close(sigmoid(np.array([-12.0, 12.0], dtype=np.float16)), [6.144e-06, 1.0],
                rtol=0.02, atol=0, given="[-12, 12] in float16",
                because="float16 overflows at exp(12), and can hold the result 6.1e-6")
    x = np.linspace(-12.0, 12.0, 25, dtype=np.float32).reshape(5, 5)
    expected = 1 / (1 + np.exp(-x.astype(np.float64)))
    check.close(sigmoid(x), expected, given="25 values from -12 to 12 in a (5, 5) array")
    for kind in ("float32", "float16", "float64"):
        check.equal(sigmoid(x.astype(kind)).dtype.name, kind, given=f"a {kind} array",
                    because=f"{kind} in, {kind} out")
    check.close(Sigmoid()(Tensor([[0.0]])), [[0.5]], given="Sigmoid()(Tensor([[0.0]]))")
    check.equal(Sigmoid().parameters(), [], given="Sigmoid().parameters()")


test_activations_sigmoid()

# %% [markdown]
"""
You can now look at what Hochreiter saw. **Predict** the height of the peak in the lower panel, and
what is left of a change after it has passed through 10 sigmoids.
"""

# %%
draw_curve_and_slope("Sigmoid and its slope", Sigmoid=sigmoid)
peak = slope(sigmoid, np.array([0.0]))[0]
print(f"steepest slope {peak:.4f}; through 10 of them at best {peak**10:.1e}")

# %% [markdown]
r"""
A quarter, at 0, and less everywhere else. After ten sigmoids at best one part in a million is left.

## Part 7: Tanh, centred on zero

$$\tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}} = 2\,\sigma(2x) - 1$$

The same S, stretched to run from -1 to 1 and moved so that it passes through 0. You have a sigmoid
that is right everywhere, so the second form is tempting. **Which digits will this print?** Near 0
the tanh of a number is that number.
"""

# %%
try_out(lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)), [1000.0])
try_out(lambda x: 2 * sigmoid(2 * x) - 1, [1e-3, 1e-6, 1e-8])
try_out(np.tanh, [1e-3, 1e-6, 1e-8, 1000.0])

# %% [markdown]
"""
The formula overflows to NaN. Through sigmoid the result is wrong, and nothing says so: 1 is
subtracted from a number that is almost 1, and the digits are gone. `np.tanh` handles both. Knowing
a formula is for understanding; where a vetted routine exists, an engineer calls it. Given,
therefore:
"""

# %%
#| export
def tanh(x: np.ndarray) -> np.ndarray:
    """Return the hyperbolic tangent of every value: an S from -1 through 0 to 1, as a new array."""
    return np.tanh(x)


class Tanh(Activation):
    """Hyperbolic tangent: bounded like Sigmoid, but centred on zero."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the hyperbolic tangent of every element of x."""
        return compute(tanh, x)

# %% [markdown]
r"""
**Predict** from the form $2\,\sigma(2x) - 1$: how many times as steep as Sigmoid is Tanh at 0?
"""

# %%
draw_curve_and_slope("Tanh and Sigmoid, with their slopes", Tanh=tanh, Sigmoid=sigmoid)

# %% [markdown]
"""
Four times: twice as high, and twice as fast.

Tanh is also centred on zero. So what? Look at what comes next, a sum `h1 * w1 + h2 * w2` of two
activations. Moving the weight w1 a little moves that sum by h1 times as much, so the *sign* of h1
says which way w1 has to go if the sum is to rise. **Predict**: for how many of 10,000 random
samples do the two weights have to go the same way, after Sigmoid and after Tanh?
"""

# %%
before = np.random.default_rng(0).standard_normal((10_000, 2))
for function in (sigmoid, tanh):
    h = function(before)
    same = np.mean(np.sign(h[:, 0]) == np.sign(h[:, 1]))
    print(f"after {function.__name__:7}  both the same way: {same:7.2%}   mean {h.mean():+.2f}")

# %% [markdown]
r"""
After Sigmoid: always. All of a unit's weights may only rise together or fall together in one step,
so to raise one and lower another, learning has to zigzag. After Tanh each weight goes its own way.
And a mean of 0.5 adds up: a unit that sums 1000 sigmoids starts with a sum of half of all its
weights before it has seen anything. That is what being centred buys.

## Part 8: GELU, a gate that opens gradually

ReLU multiplies x by a gate that is shut (0) left of 0 and open (1) right of it. GELU opens its gate
gradually: it multiplies x by $\Phi(x)$, **the share of standard normal random numbers that lie
below x**. Half of them lie below 0, so the gate is half open there; 97.7 % lie below 2. This works
because sums of many small contributions, such as `x @ W`, tend to be distributed like that:
the gate opens with an input's rank, and passes 97.7 % of one that exceeds 97.7 % of its kind.

$$\mathrm{GELU}(x) = x\,\Phi(x), \qquad
\Phi(x) \approx \tfrac12\Bigl(1 + \tanh\bigl(\sqrt{2/\pi}\,(x + c\,x^3)\bigr)\Bigr)$$

$\Phi$ has no simple formula, and NumPy does not have it. But it is an S from 0 to 1, as is tanh
after moving and scaling. The factor $\sqrt{2/\pi}$ gives both the same slope at 0, and the cube
adjusts the shoulders. How much of it? Books print a c with six decimals, and not a word about where
it comes from. Do not believe them: find it. Given is the exact gate on a grid, computed number by
number with Python's error function.
"""

# %%
#| export
SQRT_2_OVER_PI = math.sqrt(2 / math.pi)  # a Python float, so float32 arrays stay float32

# %%
def exact_phi(v):
    """The share of standard normal numbers below v."""
    return 0.5 * (1 + math.erf(v / math.sqrt(2)))


gate_x = np.linspace(-5, 5, 2001)
exact_gate = np.array([exact_phi(v) for v in gate_x])

samples = np.random.default_rng(0).standard_normal(100_000)
for v in (-1.0, 0.0, 2.0):
    print(f"share of 100,000 normal numbers below {v:4.1f}: {np.mean(samples < v):.3f}", end="   ")
    print(f"exact: {exact_phi(v):.3f}")

# %% nbgrader={"grade": false, "grade_id": "activations_best_cubic", "locked": false, "schema_version": 3, "solution": true, "task": false}
def best_cubic(x: np.ndarray, gate: np.ndarray, candidates: np.ndarray) -> float:
    """Return the c for which the tanh form comes closest to a given gate.

    The tanh form is 0.5 * (1 + tanh(SQRT_2_OVER_PI * (x + c * x^3))). Closest means: its largest
    distance from the gate, anywhere on the grid, is smallest.

    Args:
        x: the grid, a float64 array of shape (n,).
        gate: what the form has to approach, one value per x.
        candidates: the values of c to try, shape (m,), m at least 1.

    Returns:
        One of the candidates, as a float; the first if several are equally good.

    Example:
        if gate is the tanh form with c = 0.3 itself, and 0.3 is a candidate  ->  0.3
    """
    ### BEGIN SOLUTION
    distances = []
    for c in candidates:
        form = 0.5 * (1 + np.tanh(SQRT_2_OVER_PI * (x + c * (x * x * x))))
        distances.append(np.max(np.abs(form - gate)))
    return float(candidates[np.argmin(distances)])
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_activations_best_cubic", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
# What is checked: gates that the form meets exactly; gates that it misses above and below; a tie.
def test_activations_best_cubic():
    x = np.linspace(-3.0, 3.0, 121)
    for c in (0.0, 0.3):
        gate = 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + c * x**3)))
        check.equal(best_cubic(x, gate, np.array([0.1, 0.3, 0.0, 0.2])), c,
                    given=f"the tanh form itself, with c = {c}; candidates 0.1, 0.3, 0, 0.2",
                    because="there the distance is 0 everywhere")
    x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    tried = np.array([0.0, 0.1, 0.3, 0.6])
    for gate in ([0.0, 0.0, 0.6, 0.7, 0.9], [0.1, 0.3, 0.4, 1.0, 1.0]):
        check.equal(best_cubic(x, np.array(gate), tried), 0.1,
                    given=f"x = -2, -1, 0, 1, 2, gate {gate}; candidates 0, 0.1, 0.3, 0.6",
                    because="largest distances 0.169, 0.153, 0.188, 0.228, in either direction")
    check.equal(best_cubic(np.array([0.0]), np.array([0.5]), np.array([0.3, 0.2])), 0.3,
                given="x = 0 alone, gate 0.5; candidates 0.3, 0.2",
                because="at 0 every c gives 0.5: equally good, so the first one")


test_activations_best_cubic()

# %% [markdown]
"""
**Predict**: how much closer to Φ does the best cube bring the form than none at all: about 2, 10 or
100 times?
"""

# %%
found = best_cubic(gate_x, exact_gate, np.arange(0.0400, 0.0500, 0.00001))
print(f"best c: {found:.5f}")
for c in (0.0, 0.04, found, 0.05):
    form = 0.5 * (1 + np.tanh(SQRT_2_OVER_PI * (gate_x + c * (gate_x * gate_x * gate_x))))
    print(f"c = {c:<8.5g} largest distance from Φ: {np.max(np.abs(form - exact_gate)):.5f}")

# %% [markdown]
"""
About 100 times: with c = 0.0447 the form is nowhere more than 0.0002 away from Φ. Hendrycks and
Gimpel printed 0.044715. You build the form with their number, as GPT-2 does.

One trap is left, and it is silent. **What will this print?**
"""

# %%
x = np.ones(3, dtype=np.float32)
print("np.sqrt(2 / np.pi) * x       ", (np.sqrt(2 / np.pi) * x).dtype)
print("math.sqrt(2 / math.pi) * x   ", (math.sqrt(2 / math.pi) * x).dtype)

# %% [markdown]
"""
A NumPy float64 scalar wins over a float32 array; a Python float gives way. One such constant
doubles the memory of everything after it. `SQRT_2_OVER_PI`, given above, is a Python float. (And
write the cube as a product: Reflect shows what `x**3` costs.)
"""

# %% nbgrader={"grade": false, "grade_id": "activations_gelu", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def gelu(x: np.ndarray) -> np.ndarray:
    """Return the Gaussian error linear unit in its tanh form, element by element.

    x times the gate 0.5 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 * x^3))).

    Args:
        x: floating-point array of any shape. It is left unchanged.

    Returns:
        A new array of the same shape and dtype: x where x is large, 0 where x is very negative,
        and a shallow dip of about -0.17 near x = -0.75.

    Example:
        gelu(np.array([-1.0, 0.0, 1.0]))  ->  [-0.1588, 0., 0.8412]
    """
    ### BEGIN SOLUTION
    # x * x * x, not x**3: a general power is far slower
    inner = SQRT_2_OVER_PI * (x + 0.044715 * (x * x * x))
    return 0.5 * x * (1 + np.tanh(inner))
    ### END SOLUTION


class GELU(Activation):
    """Gaussian error linear unit (tanh form): a smooth ReLU."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the GELU of every element of x."""
        return compute(gelu, x)

# %% nbgrader={"grade": true, "grade_id": "test_activations_gelu", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
# What is checked: values; input; float32; 24 values against the formula; ±1000; GELU().
@probe
def gelu_complaints():
    for value in (-1000.0, -100.0, 0.0, 100.0, 1000.0):
        try:
            with np.errstate(over="raise", divide="raise", invalid="raise"):
                gelu(np.array([value], dtype=np.float32))
        except FloatingPointError as error:
            return f"x = {value:.0f}: {error}"
    return "none"


@probe
def gelu_leaves_its_input():
    x = np.array([-1.0, 2.0], dtype=np.float32)
    gelu(x)
    return x


def gelu_by_hand(x):
    """The tanh form, in float64 and straight from the formula."""
    x = x.astype(np.float64)
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def test_activations_gelu():
    check.close(gelu(np.array([0.0, 1.0, -1.0, 2.0], dtype=np.float32)),
                [0.0, 0.841192, -0.158808, 1.954598], given="[0, 1, -1, 2]",
                because="for x = 1: 0.5 * 1 * (1 + tanh(0.797885 * 1.044715)) = 0.5 * 1.682384")
    check.unchanged(gelu_leaves_its_input(), np.array([-1.0, 2.0], dtype=np.float32),
                    given="the array [-1, 2], before and after gelu(x)")
    check.equal(gelu(np.ones(3, dtype=np.float32)).dtype, np.float32, given="a float32 array",
                because="a NumPy float64 constant makes all of it float64; a Python float does not")
    x = np.linspace(-5.0, 5.0, 24, dtype=np.float32).reshape(2, 3, 4)
    check.close(gelu(x), gelu_by_hand(x), given="24 values from -5 to 5 in a (2, 3, 4) array")
    check.close(gelu(np.array([-1000.0, 1000.0], dtype=np.float32)), [0.0, 1000.0],
                given="[-1000, 1000]", because="far from 0, GELU is ReLU")
    check.equal(gelu_complaints(), "none",
                given="NumPy's first complaint about gelu of -1000, -100, 0, 100 and 1000")
    check.close(GELU()(Tensor([1.0])), [0.841192], given="GELU()(Tensor([1.0]))")
    check.equal(GELU().parameters(), [], given="GELU().parameters()")


test_activations_gelu()

# %% [markdown]
"""
**Predict**: does GELU's slope stay between 0 and 1, as ReLU's does?
"""

# %%
draw_curve_and_slope("GELU and ReLU, with their slopes", GELU=gelu, ReLU=relu)

# %% [markdown]
r"""
It does not. Left of the dip the curve falls, so the slope is below 0. Near x = 1.4 it is above 1:
there x grows *and* the gate still opens, and both effects add up. Remember that overshoot.

## Part 9: Softmax, scores to shares

The functions so far look at one element at a time. Softmax looks at a row. It turns scores (the
field calls them *logits*) into positive numbers that add up to 1:

$$\mathrm{softmax}(x)_i = \frac{e^{x_i}}{\sum_j e^{x_j}}$$

```
   logits            exp                  divided by their sum
  [ 1, 2, 3 ]  -->  [2.7, 7.4, 20.1]  -->  [0.09, 0.24, 0.67]
                    sum = 30.2             sum = 1
```

In words: exp makes every score positive and turns a *difference* of scores into a *ratio* of
shares. Each step of 1 here makes a share e times, about 2.7 times, as large.

**What will this print?** Look at lines two and three together: they contain the remedy.
"""

# %%
def softmax_as_written(x):
    """The formula for a single row, as it stands in a book."""
    return np.exp(x) / np.sum(np.exp(x))


try_out(softmax_as_written, [1000.0, 1001.0, 1002.0])
try_out(softmax_as_written, [1.0, 2.0, 3.0])
try_out(softmax_as_written, [11.0, 12.0, 13.0])
try_out(softmax_as_written, [-1000.0, -1001.0, -1002.0])

# %% [markdown]
"""
Sigmoid's trap without the happy ending: inf/inf is NaN, and at the other end 0/0 is NaN as well.
The two lines between them agree. Prove on paper that this is no accident, and you have a freedom;
use it so that neither end can fail, for *every* row of a batch.

**Along which dimension?** A batch of scores has shape (batch, classes), and every *row* adds up to
1. Other uses need other dimensions, so `dim` is an argument. (`dim` is PyTorch's word for what
NumPy calls `axis`. We say `dim` in our signatures and hand it to NumPy as `axis=dim`.)

Here is the slip that everybody makes once: the rows of a square table, divided by their sums.
**What do the rows of each result add up to?**
"""

# %%
table = np.array([[1.0, 3.0], [2.0, 6.0]])
print("sum(axis=1)                 rows of the result:", (table / table.sum(axis=1)).sum(axis=1))
right = table / table.sum(axis=1, keepdims=True)
print("sum(axis=1, keepdims=True)  rows of the result:", right.sum(axis=1))

# %% [markdown]
"""
Without `keepdims` the two row sums have shape (2,), and broadcasting lines them up with the two
*columns*. A table that is not square raises an error; this one is simply wrong. With keepdims the
sums form a column (2, 1), one beside each row.
"""

# %% nbgrader={"grade": false, "grade_id": "activations_softmax", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def softmax(x: np.ndarray, dim: int) -> np.ndarray:
    """Return exp(x) / sum of exp(x) along dim: scores become shares that add up to 1.

    Args:
        x: floating-point array of scores, at least 1-D, finite, of any size. It is left unchanged.
        dim: the dimension along which the result adds up to 1; negative counts from the end.

    Returns:
        A new array of the same shape and dtype, computed in that dtype. Scores that are large,
        very negative, or far from those of another row cause no overflow and no NaN.

    Example:
        softmax(np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]), dim=-1)
        ->  [[0.0900, 0.2447, 0.6652],
             [0.3333, 0.3333, 0.3333]]
    """
    ### BEGIN SOLUTION
    exponentials = np.exp(x - x.max(axis=dim, keepdims=True))
    exponentials /= exponentials.sum(axis=dim, keepdims=True)  # in place: one array less to write
    return exponentials
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_activations_softmax", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
# What is checked: values; input; both dimensions of a square; warnings, also in float16; rows far
# apart; six dims of a 3-D array against single rows; a shift; dtype.
@probe
def softmax_complaints():
    for kind in ("float32", "float16"):
        for row in ([-1000.0, 0.0, 1000.0], [1000.0, 1000.0], [-1000.0, -1000.0]):
            try:
                with np.errstate(over="raise", divide="raise", invalid="raise"):
                    softmax(np.array(row, dtype=kind), -1)
            except FloatingPointError as error:
                return f"{kind}, {row}: {error}"
    return "none"


@probe
def softmax_leaves_its_input():
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
    check.close(softmax(np.array([1.0, 2.0, 3.0], dtype=np.float32), -1),
                [0.0900306, 0.2447285, 0.6652410], given="softmax of [1, 2, 3]",
                because="e^1, e^2, e^3 are 2.718, 7.389, 20.086; divide each by their sum, 30.193")
    check.unchanged(softmax_leaves_its_input(), np.array([[1, 2], [3, 5]], dtype=np.float32),
                    given="the array [[1, 2], [3, 5]], before and after softmax(x, 1)")
    x = np.array([[0.0, 0.0], [0.0, np.log(3.0)]], dtype=np.float32)
    check.close(softmax(x, -1), [[0.5, 0.5], [0.25, 0.75]],
                given="softmax along dim -1 of [[0, 0], [0, ln 3]]",
                because="each row adds up to 1: equal scores share, and e^0 : e^(ln 3) is 1 : 3")
    check.close(softmax(x, 0), [[0.5, 0.25], [0.5, 0.75]],
                given="softmax along dim 0 of [[0, 0], [0, ln 3]]",
                because="each column adds up to 1")
    check.equal(softmax_complaints(), "none",
                given="NumPy's first complaint: [-1000, 0, 1000], [1000, 1000], [-1000, -1000]",
                because="no exponent may be far above 0, and no row may lose all its exponentials")
    check.close(softmax(np.array([[1000.0, 1000.0], [-1000.0, -1000.0]], dtype=np.float32), -1),
                [[0.5, 0.5], [0.5, 0.5]],
                given="softmax along dim -1 of [[1000, 1000], [-1000, -1000]]",
                because="what suits one row leaves 0/0 in the other: each row needs its own")

    scores = np.random.default_rng(1).integers(-5, 6, (2, 3, 4)).astype(np.float32)
    for dim in (0, 1, 2, -1, -2, -3):
        check.close(softmax(scores, dim), softmax_by_hand(scores, dim),
                    given=f"scores of shape (2, 3, 4), softmax along dim {dim}")
    check.close(softmax(scores + 100, 1), softmax_by_hand(scores, 1),
                given="the same scores with 100 added to all of them",
                because="a shift common to all scores cancels")
    for kind in ("float32", "float16"):
        check.equal(softmax(scores.astype(kind), 1).dtype.name, kind, given=f"{kind} scores",
                    because=f"{kind} in, {kind} out")


test_activations_softmax()

# %% [markdown]
"""
Softmax's wrapper differs in one thing: `dim`. A dimension is no tensor. It is a *setting* of the
operation, and `compute` distinguishes the two. *Positional* arguments of `compute` are inputs: they
become Tensors, and the operation gets their arrays. *Keyword* arguments are settings and arrive as
they are. Before you write the line, think which error a positional `dim` would give.
"""

# %% nbgrader={"grade": false, "grade_id": "activations_softmax_layer", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Softmax(Activation):
    """Scores to probabilities that add up to 1 along one dimension."""

    def forward(self, x: Tensor, dim: int = -1) -> Tensor:
        """Return the softmax of x along dim (default: the last dimension), made by `compute`."""
        ### BEGIN SOLUTION
        return compute(softmax, x, dim=dim)
        ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_activations_softmax_layer", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
# What is checked: the default, dim by name and by place; what compute() hears: x alone, and dim.
@probe
def news_of_softmax():
    heard = []

    def listen(output, operation, inputs, settings):
        heard.append([operation.__name__, len(inputs), dict(settings)])

    before = Tensor.__dict__["_record"]
    Tensor._record = staticmethod(listen)
    try:
        Softmax()(Tensor([[1.0, 2.0]]), dim=0)
    finally:
        Tensor._record = before
    return heard


def test_activations_softmax_layer():
    act, t = Softmax(), Tensor([[0.0, 0.0], [0.0, np.log(3.0)]])
    check.close(act(t), [[0.5, 0.5], [0.25, 0.75]], given="Softmax()([[0, 0], [0, ln 3]])",
                because="by default along the last dimension: each row adds up to 1")
    check.close(act(t, dim=0), [[0.5, 0.25], [0.5, 0.75]], given="Softmax()(x, dim=0)",
                because="each column adds up to 1")
    check.close(act.forward(t, 0), [[0.5, 0.25], [0.5, 0.75]], given="Softmax().forward(x, 0)")
    check.equal(news_of_softmax(), [["softmax", 1, {"dim": 0}]],
                given="what compute() hears of Softmax()(x, dim=0): operation, inputs, settings",
                because="x is the one input, dim a setting; Module 05 needs to know both")
    check.equal(act.parameters(), [], given="Softmax().parameters()")


test_activations_softmax_layer()

# %% [markdown]
"""
# Use

## Scores, shares, decisions

Only *differences* of scores count. So dividing all scores by a number, a *temperature*, shrinks or
stretches what decides. **Predict** the bars for a temperature of 0.2 and one of 5, if the scores
are 2, 1.5, 1, 0 and -1. Does the order of the classes change?
"""

# %%
scores = Tensor([2.0, 1.5, 1.0, 0.0, -1.0])
shares = {t: Softmax()(scores / t).numpy() for t in (0.2, 1.0, 5.0)}
for temperature, row in shares.items():
    print(f"temperature {temperature:3}: {np.round(row, 3)}, sum {row.sum():.3f}")
try:
    import matplotlib.pyplot as plt
except ImportError:
    print("Without matplotlib you miss a picture: the same scores, from certain to hesitant.")
else:
    figure, panels = plt.subplots(1, 3, figsize=(8, 2.6), sharey=True)
    for panel, (temperature, row) in zip(panels, shares.items(), strict=True):
        panel.bar(range(5), row)
        panel.set(title=f"temperature {temperature}", xlabel="class")
    panels[0].set_ylabel("share")
    figure.suptitle("The same five scores: from certain to hesitant")
    figure.tight_layout()
    plt.show()

# %% [markdown]
"""
The order never changes; how sure the answer sounds does. A low temperature gives nearly everything
to the largest score, a high one brings every share closer to a fifth. So a high share is no proof
of being right.

## Bug hunt: three good judges, one useless jury

Three classifiers, ten classes, 500 samples. Each one alone is right most of the time. The program
below lets them vote: it turns each classifier's scores into probabilities, averages those over the
classifiers, and takes the most likely class. It raises nothing, prints no warning, and every
probability lies between 0 and 1. Yet its answers are no better than guesses. Run the program with
the cell after it, look at what lies between scores and answers, find the fault, and repair it.
"""

# %% nbgrader={"grade": false, "grade_id": "activations_soft_vote", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "bug hunt"}
def soft_vote(scores: Tensor) -> list[int]:
    """Return for each sample the class that several classifiers together find most likely.

    Every classifier says how probable it finds each class; the answer is the class with the
    largest average probability.

    Args:
        scores: shape (classifiers, samples, classes), any finite numbers.

    Returns:
        One class index per sample.
    """
    ### BEGIN BROKEN
    # confidence = Softmax()(scores, dim=0)
    # together = confidence.mean(axis=0)
    # return np.argmax(together.data, axis=1).tolist()
    ### END BROKEN
    ### BEGIN SOLUTION
    shares = Softmax()(scores, dim=2)
    average = shares.mean(axis=0)
    return np.argmax(average.data, axis=1).tolist()
    ### END SOLUTION

# %%
rng = np.random.default_rng(4)
truth = rng.integers(0, 10, 500)
noisy = 2.5 * np.eye(10)[truth] + rng.standard_normal((3, 500, 10))
for name, answers in zip("ABC", noisy.argmax(axis=2), strict=True):
    print(f"classifier {name} alone: {np.mean(answers == truth):.0%} right")
print(f"the three together:  {np.mean(np.array(soft_vote(Tensor(noisy))) == truth):.0%} right")

# %% nbgrader={"grade": true, "grade_id": "test_activations_soft_vote", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
# What is checked: one certain judge against two unsure; one extreme score; 4 judges, 6 samples.
def test_activations_soft_vote():
    shares = np.array([[[0.1, 0.9]], [[0.6, 0.4]], [[0.6, 0.4]]])
    check.equal(soft_vote(Tensor(np.log(shares))), [1],
                given="probabilities [0.1, 0.9], [0.6, 0.4], [0.6, 0.4] for one sample",
                because="one answer per sample; on average class 1 has 0.57, "
                "though a majority vote would say class 0")
    shares = np.array([[[0.2, 0.8]], [[0.2, 0.8]], [[0.9999, 0.0001]]])
    check.equal(soft_vote(Tensor(np.log(shares))), [1],
                given="probabilities [0.2, 0.8], [0.2, 0.8], [0.9999, 0.0001] for one sample",
                because="on average 0.53 for class 1: probabilities are averaged, not scores")
    scores = np.random.default_rng(3).standard_normal((4, 6, 5)) * 3
    expected = []
    for sample in range(6):
        total = np.zeros(5)
        for judge in range(4):
            e = np.exp(scores[judge, sample])
            total += e / sum(e)
        expected.append(int(np.argmax(total)))
    check.equal(soft_vote(Tensor(scores)), expected, given="4 classifiers, 6 samples, 5 classes",
                because="each classifier's probabilities for one sample add up to 1")


test_activations_soft_vote()

# %% [markdown]
"""
Passed? Run the cell with the three classifiers once more, and compare your finding with ours.

<details><summary>What it was</summary>

What added up to 1 was the three *classifiers*. Their average was then one third for every class,
whatever the scores: a ten-way tie, decided by rounding. Nothing in the program was out of range;
only a sum along the right dimension could have told you.
</details>

When accuracy stays at chance, check first along which dimension your probabilities add up to 1.

## Open exercise: an activation of your own

*Softplus* is ReLU with the corner melted away: ln(1 + e^x). Its slope at every x is sigmoid(x), so
ReLU's step becomes Sigmoid's S. It appears where a network has to answer with a positive number, a
width or a waiting time. Written as it stands, it fails at both ends, in two different ways. The
contract is below; the way is yours. The test asks for properties. Function and object become part
of your framework: in Module 05 you can teach them their slope, which you know already.
"""

# %% nbgrader={"grade": false, "grade_id": "activations_softplus", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "open"}
#| export
def softplus(x: np.ndarray) -> np.ndarray:
    """Return ln(1 + exp(x)), element by element.

    Args:
        x: floating-point array of any shape, values of any size. It is left unchanged.

    Returns:
        A new array of the same shape and dtype, computed in that dtype. Never an overflow; exact
        to its precision also where the result is tiny.

    Example:
        softplus(np.array([-1000.0, 0.0, 1000.0]))  ->  [0., 0.6931, 1000.]
    """
    ### BEGIN SOLUTION
    bend = np.log1p(np.exp(-np.abs(x)))
    return np.maximum(x, 0) + bend
    ### END SOLUTION


class Softplus(Activation):
    """Softplus, ln(1 + exp(x)): a smooth ReLU whose result is never negative."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the softplus of every element of x, as a new Tensor made by `compute`."""
        ### BEGIN SOLUTION
        return compute(softplus, x)
        ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_activations_softplus", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
# What is checked: values; f(x) - f(-x) = x; its slope is sigmoid; warnings; tiny results; dtypes;
# Softplus() and what compute() sees of it.
@probe
def softplus_complaints():
    for kind in ("float32", "float16"):
        for value in (-1000.0, -12.0, 0.0, 12.0, 1000.0):
            try:
                with np.errstate(over="raise", divide="raise", invalid="raise"):
                    softplus(np.array([value], dtype=kind))
            except FloatingPointError as error:
                return f"{kind}, x = {value:.0f}: {error}"
    return "none"


@probe
def softplus_properties():
    x = np.array([[-1000.0, -3.0, 0.5], [2.0, 7.0, 1000.0]], dtype=np.float32)
    difference = softplus(x) - softplus(-x)
    at = np.array([-4.0, -1.0, 0.0, 2.0])
    steepness = (softplus(at + 1e-4) - softplus(at - 1e-4)) / 2e-4
    return difference, x, steepness


@probe
def softplus_as_an_object():
    heard = []

    def listen(output, operation, inputs, settings):
        heard.append(operation.__name__)

    before = Tensor.__dict__["_record"]
    Tensor._record = staticmethod(listen)
    try:
        result = Softplus()(Tensor([0.0, -1.0]))
    finally:
        Tensor._record = before
    return result, heard


def test_activations_softplus():
    check.close(softplus(np.array([0.0, 1.0, -1.0], dtype=np.float32)),
                [0.6931472, 1.3132617, 0.3132617], given="[0, 1, -1]",
                because="ln(1 + e^0) is ln 2; ln(1 + 2.718282) is 1.313262")
    check.equal(softplus_complaints(), "none",
                given="NumPy's first complaint, from -1000 to 1000, in float16 and float32",
                because="neither exp of a large number nor ln of 0 is needed")
    difference, x, steepness = softplus_properties()
    before = np.array([[-1000.0, -3.0, 0.5], [2.0, 7.0, 1000.0]], dtype=np.float32)
    check.close(difference, before, rtol=1e-5, atol=1e-5,
                given="softplus(x) - softplus(-x), for [[-1000, -3, 0.5], [2, 7, 1000]]",
                because="ln(1 + e^x) - ln(1 + e^-x) = ln(e^x) = x")
    check.unchanged(x, before, given="x, before and after softplus(x)")
    check.close(steepness, [0.0179862, 0.2689414, 0.5, 0.8807971],
                given="its slope at [-4, -1, 0, 2]", because="the slope of softplus is sigmoid")
    check.close(softplus(np.array([-20.0, -50.0], dtype=np.float32)),
                [2.0611537e-09, 1.9287498e-22], rtol=1e-4, atol=0,
                given="[-20, -50]: tiny, and not 0",
                because="1 + 2e-9 is 1 in float32, and ln 1 is 0: the digits are lost before ln")
    check.close(softplus(np.array([12.0])), [12.000006144193478], rtol=1e-9, atol=0,
                given="[12] in float64", because="the bend fades, and ends nowhere")
    for kind in ("float32", "float16"):
        check.equal(softplus(np.array([1, 2], dtype=kind)).dtype.name, kind,
                    given=f"a {kind} array", because=f"{kind} in, {kind} out")
    result, heard = softplus_as_an_object()
    check.close(result, [0.6931472, 0.3132617], given="Softplus()(Tensor([0, -1]))",
                because="act(x) means act.forward(x), and forward runs softplus")
    check.equal(result.__class__.__name__, "Tensor", given="the class of Softplus()(x)",
                because="the next layer expects a Tensor, not an array")
    check.equal(heard, ["softplus"],
                given="the operations that compute() sees during Softplus()(x)",
                because="only what goes through compute() is known as a result of softplus")


test_activations_softplus()

# %% [markdown]
"""
**Predict**: at which x are Softplus and ReLU farthest apart, and by how much?
"""

# %%
draw_curve_and_slope("Softplus: ReLU with the corner melted away", Softplus=softplus, ReLU=relu)

# %% [markdown]
"""
At 0, by ln 2. To both sides the two approach each other and never quite meet. NumPy has the same
function as `np.logaddexp(0, x)`. PyTorch's `nn.Softplus` returns x itself beyond 20: the bend that
is left there does not show in float32.
"""

# %% [markdown]
"""
## Choosing an activation

First a measurement. A unit on a flat part of its curve passes no change on, so nothing before it
learns. **Predict** for each activation how many of 100,000 units lie flat (slope between -0.01 and
0.01), if the inputs are spread around 0 by 0.1, 1, 10 and 100.
"""

# %%
unit_inputs = np.random.default_rng(0).standard_normal(100_000)
print("spread of the inputs ", *(f"{spread:>8}" for spread in (0.1, 1, 10, 100)))
for function in (relu, sigmoid, tanh, gelu):
    flat = [np.mean(np.abs(slope(function, s * unit_inputs)) < 0.01) for s in (0.1, 1, 10, 100)]
    print(f"flat units: {function.__name__:9}", *(f"{share:8.1%}" for share in flat))

# %% [markdown]
"""
ReLU loses half of its units whatever the spread, and never the other half. Sigmoid and Tanh lose
none while inputs are small and nearly all once they are large. GELU loses as many as ReLU for wide
inputs, and almost none for narrow ones. So an activation is never chosen alone: it is chosen
together with the size of what comes in, which Module 03 takes care of.

| where | take | because | watch for |
|---|---|---|---|
| hidden layer, to begin with | ReLU | slope 1 at any depth, cheap | units that stay silent |
| hidden layer of a transformer | GELU | smooth, alive left of 0 | its cost: measure |
| a state that is fed back in | Tanh | bounded and centred | flat for large inputs |
| output: yes or no | Sigmoid | one probability | several labels: one each |
| output: one of many classes | Softmax | the classes exclude each other | the dimension |
| output: any real number | none | nothing may bound it | a ReLU put there by habit |
| output: a positive number | Softplus | positive, smooth | tiny values |

Cover the middle columns and decide for yourself: a photo that may show a cat, a dog, or both; the
number of minutes until a bus comes; the next letter of a text; the change of a price; a 50-layer
image classifier's hidden layers.

<details><summary>Answer</summary>

Two Sigmoids: the labels do not exclude each other. Softplus: positive, without an upper bound.
Softmax over the alphabet. None: a change may be negative. ReLU: through 50 layers the slope counts.
</details>

# Reflect

## What it costs

All five are O(n): twice the elements, twice the time. They differ by how often the array travels
between memory and processor. ReLU and Tanh are one NumPy call. GELU is nine, each of which reads
and writes a whole array. **Predict**: which of the five is fastest on your machine, and by what
factor is `x * x * x` faster than `x**3`?
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


def extra_memory(function, x):
    """Peak memory during one call, as a multiple of the size of x."""
    tracemalloc.start()
    function(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / x.nbytes


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
The memory column counts the arrays that exist at the same time. The times hold on your machine,
today. `x**3` calls a general power function, made for exponents like 2.7; two multiplications do
the same work many times faster. It is often said that Tanh costs several times as much as ReLU,
because an exponential is more expensive than a comparison. That compares formulas. Whether your
table agrees depends on how NumPy was built for your processor, and there are machines where Tanh
wins. What a function costs is decided by its implementation and its memory traffic as much as by
its formula.

### Twenty layers deep

Each slope now meets nineteen others of its kind. **Predict** the last column, the steepest slope to
the power of 20, which is the most of a change that can arrive. Which one is above 1?
"""

# %%
points = np.array([-4.0, -1.0, 0.5, 1.4, 4.0])
grid = np.linspace(-10.0, 10.0, 2001)
print(f"{'slope at x =':12}", *(f"{x:9.1f}" for x in points), "  steepest   through 20 layers")
for operation in (relu, sigmoid, tanh, gelu):
    steepest = np.max(slope(operation, grid))
    at_points = (f"{s:9.5f}" for s in slope(operation, points))
    print(f"{operation.__name__:12}", *at_points, f"  {steepest:8.3f}   {steepest**20:.1e}")

# %% [markdown]
r"""
Sigmoid lets through about one part in a million million, at best. ReLU passes a positive change on
at full size, through any number of layers. Tanh could, but only at exactly 0. And GELU's 11 is the
overshoot you saw: its steepest slope is 1.129, near $x = \sqrt2$, and $1.129^{20}$ is 11. It does
not blow networks up, because hardly any input sits at that one point twenty times in a row.

### Are zeros free?

About half of ReLU's outputs are exactly 0 when its inputs are centred. "Multiplying by zero is
free" is often said. **Predict** how much faster the next product is when half of its input is 0.
"""

# %%
x = np.random.default_rng(0).standard_normal((256, 1024), dtype=np.float32)
w = np.random.default_rng(1).standard_normal((1024, 1024), dtype=np.float32)
active = relu(x)
print(f"zeros after ReLU:             {np.mean(active == 0):.1%}")
rounds = [(milliseconds(np.matmul, x, w), milliseconds(np.matmul, active, w)) for _ in range(5)]
dense, half_empty = np.min(rounds, axis=0)  # in turns, and the best of five: the fairest comparison
print(f"product with all inputs:      {dense:.2f} ms")
print(f"product with half of them 0:  {half_empty:.2f} ms")

# %% [markdown]
r"""
A dense product multiplies zeros as diligently as anything else. Run the cell a few times on your
machine before you believe in a difference. Zeros save time only for code that knows where they are.

## Questions

**1.** A batch of 32 samples passes through 100 hidden layers of 4096 units with ReLU, in float32.
Training keeps what went through each layer, because the slope depends on it. How much memory is
that? And what is the least that ReLU has to remember, if only its slope is asked for?

<details><summary>Answer</summary>

100 × 32 × 4096 × 4 bytes are 50 MiB; it grows with depth *and* batch size. The slope of ReLU is 0
or 1, so one bit per unit says it all: 1.6 MiB. (The next layer still wants the numbers themselves.)
</details>

**2.** Your own table gives the ratio k of GELU's time to ReLU's. A model spends 5 % of its time in
ReLU, and you replace it by GELU. How much slower does the model become?

<details><summary>Answer</summary>

It takes 0.95 + 0.05 k of its old time. With k = 3 that is 1.1 times as long; with k = 16, 1.75
times, and GELU has become nearly half of it. Measure k on arrays of your model's size: for 1,000
numbers it is not what it is for a million.
</details>

**3.** In float32, sigmoid(20) prints as 1.0 although the true value is 0.999999998. sigmoid(-20)
prints as 2.06e-09. Why is one side exact and the other not?

<details><summary>Answer</summary>

Floating-point numbers are dense near 0 and coarse near 1: the float32 just below 1 is 0.99999994,
and what lies closer to 1 than halfway is rounded to 1. "Almost certain" and "certain" become the
same number. That is why careful code works with *logarithms* of probabilities, as you will in
Module 04.
</details>

**4.** (Optional.) The 0.044715 was found by trying. Here is a way on paper. Near 0, $\Phi(x)$ is
$\tfrac12 + \tfrac1{\sqrt{2\pi}}(x - x^3/6)$, and $\tanh(u)$ is $u - u^3/3$. Which c makes both
agree up to $x^3$, and why is it not 0.044715?

<details><summary>Answer</summary>

With $u = \sqrt{2/\pi}\,(x + c x^3)$, the $x^3$ terms agree if $c - \tfrac{2}{3\pi} = -\tfrac16$, so
$c = \tfrac{2}{3\pi} - \tfrac16 = 0.0455$. That is the best choice *near 0*. The printed constant
gives a little away there, so that the *largest* error over all x is smallest.
</details>

**5.** (A case you have not seen.) Some answers are forbidden, so you set their scores to minus
infinity before softmax. What does yours give for [0, -inf, 1]? And for [-inf, -inf]? Work it out
from your lines before you try it.

<details><summary>Answer</summary>

[0.27, 0, 0.73]: exp(-inf) is 0, and the others share as if the forbidden one were not there. A row
in which everything is forbidden gives NaN: its maximum is -inf, and -inf - (-inf) has no value.
PyTorch does the same. Module 12 makes sure that no row is forbidden entirely.
</details>

**6.** (Another one.) Call gelu with 50 and -50 in float16. Which operation overflows, and is the
result still right?

<details><summary>Answer</summary>

The cube: 125,000 does not fit below 65504 and becomes ±inf, with a warning. tanh(±inf) is ±1, so
the gate is 1 or 0 and the results, 50 and -0, are right: by luck, as with the sigmoid that you
replaced. Inside the gate, and only there, x could be clipped to ±10.
</details>

**7.** (Without an answer.) Hundreds of activations have been published, many with a table in which
they win by half a per cent. What experiment would convince you that one is really better, and why
is it so rarely done?

## Common errors

| what you see | what it means | what to do |
|---|---|---|
| `overflow encountered in exp` | `exp` of a large number | let no exponent be above 0 |
| `invalid value encountered in divide` | inf/inf or 0/0 in softmax | see Part 9, for each row |
| `operands could not be broadcast together` | a dimension was dropped | `keepdims=True` |
| `AxisError: axis 2 is out of bounds` | `dim` does not exist | 2-D has 0 and 1, or -1 and -2 |
| `operand 'Tensor' does not support ufuncs` | NumPy got a Tensor | go through `compute` |
| `only 0-dimensional arrays can be converted` | `math.exp` got an array | `np.exp` |
| `only length-1 arrays can be converted` | the same, from an older NumPy | `np.exp` |
| `truth value of an array ... is ambiguous` | Python's `max` or `if` | NumPy's elementwise twin |
| rows that do not add up to 1, no error | keepdims, on a square array | `keepdims=True` |
| accuracy at chance, no error | shares along a wrong dimension | sum along each: where is it 1? |
| memory that doubled | a NumPy float64 constant | print `.dtype` along the way |

## In production

For `x = Tensor([[-1.0, 0.0, 2.0]])` here, and `x = torch.tensor([[-1.0, 0.0, 2.0]])` there:

| TinyTorch | PyTorch | both give |
|---|---|---|
| `from tinytorch import nn` | `from torch import nn` | |
| `nn.ReLU()(x)` | `nn.ReLU()(x)` | `[[0, 0, 2]]` |
| `nn.Sigmoid()(x)` | `nn.Sigmoid()(x)` | `[[0.27, 0.5, 0.88]]` |
| `nn.Tanh()(x)` | `nn.Tanh()(x)` | `[[-0.76, 0, 0.96]]` |
| `nn.GELU()(x)` | `nn.GELU(approximate="tanh")(x)` | `[[-0.16, 0, 1.95]]` |
| `nn.Softmax()(x)` | `nn.Softmax(dim=-1)(x)` | `[[0.04, 0.11, 0.84]]` |

The numbers agree to float32 rounding. `nn.GELU()` without an argument uses Φ itself and differs
from the tanh form by less than 0.0005. Their kernels go over memory once per activation, where
NumPy goes once per operator: that is the difference behind your column of peak memory.

## Read the source

**PyTorch, file `torch/nn/functional.py`, functions `softmax` and `_get_softmax_dim`.** With PyTorch
installed, `print(inspect.getsource(torch.nn.functional._get_softmax_dim))` shows the second.

* Look for: what happens when the caller names no `dim`, and what the warning says about it.
* Ours is simpler: one function, three lines. Theirs only dispatches: behind it stand kernels for
  each device, and separate ones for the last dimension, where a row lies side by side in memory.
* Theirs behaves differently: ours takes the last dimension by default. Theirs warns, and then
  takes dimension 0 for scalars, 1-D and 3-D input, and 1 otherwise. Handed a (batch, time,
  classes) array, it takes shares over the *batch*: the fault of your bug hunt, as a default.

## Further reading

* Glorot, Bordes, Bengio, *Deep Sparse Rectifier Neural Networks* (2011). The paper that made ReLU
  the default: read the part about why exact zeros may help, and judge it by your own measurement.
* Hendrycks, Gimpel, *Gaussian Error Linear Units* (2016). Short: the gate as an expectation, and
  the tanh form.
* Goldberg, *What Every Computer Scientist Should Know About Floating-Point Arithmetic* (1991). Why
  1 - 0.9999999 loses digits and 1e-9 does not: the reason behind half of this module's traps.

## All together

All graded tests once more, and one run through everything you built.
"""

# %%
def test_module():
    """All graded tests, then a small network from scores to probabilities."""
    test_activations_collapse()
    test_activations_relu()
    test_activations_bend_through()
    test_activations_layer()
    test_activations_slope()
    test_activations_sigmoid()
    test_activations_best_cubic()
    test_activations_gelu()
    test_activations_softmax()
    test_activations_softmax_layer()
    test_activations_soft_vote()
    test_activations_softplus()

    rng = np.random.default_rng(0)
    x = Tensor(rng.standard_normal((8, 5)) * 300)
    for act in (ReLU(), Sigmoid(), Tanh(), GELU(), Softplus()):
        hidden = act(x @ Tensor(rng.standard_normal((5, 16))))
        p = Softmax()(hidden @ Tensor(rng.standard_normal((16, 3))))
        check.equal(p.shape, (8, 3), given=f"a small classifier with {act}")
        check.close(p.numpy().sum(axis=1), np.ones(8), given=f"rows of probabilities, with {act}")
        check.equal(p.dtype, np.float32, given=f"its dtype, with {act}")
    print("Module 02: all tests passed.")


test_module()

# %% [markdown]
"""
## What this unlocks

`tito module complete 02` tests everything once more, and puts your activations into your package.
Then, from anywhere in your workspace:

```python
from tinytorch import Tensor
from tinytorch.nn import Softmax
print(Softmax()(Tensor([1000.0, 1001.0, 1002.0])))
```

Next:

* **Module 03, Layers**: objects that own weights, with your activations between them.
* **Module 04, Losses**: the logarithm of softmax measures how wrong a classifier is.
* **Module 05, Autograd**: the slopes that you measured become exact, and automatic.
"""
