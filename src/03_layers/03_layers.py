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
# Module 03: Layers

**Foundation** | ●●○○ | 4-6 hours | Prerequisites: 01 Tensor, 02 Activations

A tensor holds numbers and an activation bends them. Neither has anything to *learn*. A **layer**
does: it owns tensors that can change, and a rule that uses them. Today you build the layer every
network leans on (`Linear`), one that makes networks forget on purpose (`Dropout`), the container
that chains them (`Sequential`), and the search that finds every learnable number in a model,
however deep it hides. At the end a network of yours looks at handwritten digits for the first time.

## Where this comes from

In 2010, in Montreal, Xavier Glorot and Yoshua Bengio wanted to know why networks of more than a few
layers refused to learn. Instead of guessing they looked inside, and plotted what came out of every
layer while training ran. With sigmoids in a network of five layers, the outputs of the last hidden
layer collapsed towards zero within the first passes over the data, and never recovered. They named
two causes: the sigmoid, whose outputs are not centred on zero, and the random numbers that the
weights *started* with, which had the wrong size for deep networks. In Part 2 you find a right size,
and draw the same kind of plot, with Tanh.

## Where this module stands

```
   01 Tensor            02 Activations
   (data, compute, @)   (ReLU, Sigmoid, Tanh, GELU, Softmax)
        \                    /
         v                  v
   +----------------------------------+
   |           03 Layers              |
   |  Layer -> Linear, Dropout        |
   |  walk  -> parameters, modes      |
   |  Sequential                      |
   +----------------------------------+
         |                  |
         v                  v
   04 Losses           05 Autograd, 06 Optimizers
   (how wrong?)        (which way, how far?)
```

In words: the later modules never ask what kind of layer a model contains. Module 04 only calls the
model; Modules 05 and 06 only ask it for its parameters. Those two questions are all that a model
has to answer, so whatever you invent can be trained by the same code.

## What you will be able to do

1. **Write** the linear transformation $y = xW + b$ for an input of any shape, as one operation.
2. **Derive** how large a fresh weight should be, and find the size for any activation.
3. **Collect** every parameter of a nested model exactly once, and switch all of it between modes.
4. **Implement** dropout so that the average stays, and explain why the survivors grow.
5. **Read** the statistics of a network layer by layer, and use them to find a fault.
6. **Predict** the parameters, bytes and operations of a network before running it.

## What you build

| part | you write | idea |
|---|---|---|
| 2 | `initial_weight` | random numbers of the right size |
| 3 | `linear` | $xW + b$, one product for any shape |
| 4 | `Linear` | a layer owns what it learns |
| 5 | `children`, `walk` | see everything inside a model, once |
| 6 | `collect_parameters`, `set_training_mode` | what can learn; one switch for the whole model |
| 7 | `dropout_mask`, `Dropout` | forget at random, keep the average |
| 8 | `Sequential` | a network is a list |
| 9 | `scale_for` (open) | the right size for any activation |
| 10 | `deep_network` (bug hunt) | find the fault from the statistics |

## What you do not build yet

Nothing here learns. Which way a weight should change (Module 05), the step that changes it (06) and
the loop that repeats it (07) come later. But you already mark, own and collect every number that is
going to learn.
"""

# %% [markdown]
"""
## Setup

Four cells: the name of the file that this module becomes, how that file begins, what the tests and
experiments below need, and the data of the course (two folders up, if this notebook is in its usual
place).
"""

# %%
#| default_exp core.layers

# %%
#| export
"""Layers: what owns the numbers that learn, and what finds them inside a model."""

from collections.abc import Iterator
from types import ModuleType  # the type of an imported module such as np
from typing import Any, Self  # Self: an object of the class that the method belongs to

import numpy as np

from tinytorch.core.tensor import Tensor, compute, fast_matmul

# %%
# For the test cells and experiments below; not part of your framework.
import time
import tracemalloc

from tinytorch.core.activations import GELU, ReLU, Sigmoid, Softmax, Tanh
from tito.checks import check, probe

# %%
import sys
from pathlib import Path

places = [Path.cwd(), *Path.cwd().parents]
sys.path += [str(place) for place in places if (place / "datasets" / "tinydigits").is_dir()]

from datasets.tinydigits import load_tinydigits

# %% [markdown]
"""
# Build

## Part 1: One way to call them all

Whatever a layer computes, the code around it should not care: `layer(x)` has to work for a linear
layer, for dropout and for a layer you invent next week. The base class `Layer` makes that promise.
A subclass writes **`forward`**, the computation itself. People write **`layer(x)`**, which Python
turns into `layer.__call__(x)`, which hands over to `forward`. Why the detour? Anything that should
happen around *each* computation (counting, timing, logging) then has one place, `__call__`.

This class is plumbing, so it is given. It calls two functions that you write in Part 6:
`collect_parameters` and `set_training_mode`. Note where `training = True` stands: in the *class*.
Python looks for an attribute in the object first and in its class after that, so every layer starts
in training mode even when a subclass forgets `super().__init__()`.
"""

# %%
#| export
class Layer:
    """One step of a network: called like a function, knows its parameters and its mode.

    A subclass defines `forward(x)`. Its parameters are the tensors with `requires_grad=True` that
    it keeps in attributes, directly or inside lists, tuples, dicts and other objects.
    """

    training = True  # the mode; a class attribute, so that it exists without any __init__

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Compute the output of this layer. Every subclass writes its own."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward(x)")

    def __call__(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """`layer(x)` means `layer.forward(x)`; further arguments are passed on unchanged."""
        return self.forward(x, *args, **kwargs)

    def parameters(self) -> list[Tensor]:
        """Every trainable tensor in this layer, each once, in the order it was defined."""
        return collect_parameters(self)

    def train(self) -> Self:
        """Switch this layer and everything inside it to training mode; returns the layer."""
        set_training_mode(self, True)
        return self

    def eval(self) -> Self:
        """Switch this layer and everything inside it to evaluation mode; returns the layer."""
        set_training_mode(self, False)
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

# %% [markdown]
r"""
## Part 2: How large should a random weight be?

A linear layer owns a matrix of weights. Before any learning they have to hold *something*. All
zeros will not do: every column would compute the same output, and whatever corrects one column
corrects them all alike, so that they stay equal for ever. So weights start **random**. But how
large?

Break it first: send a batch through ten random matrices in a row and watch the spread (the standard
deviation) of the numbers that come out.

**What will this print?** For each scale, will the spread grow, shrink or stay 1, and by what factor
in ten layers?
"""

# %%
def spread_through_depth(scale, depth=10, width=256, batch=64):
    """Standard deviation after each of `depth` products with random matrices of that scale."""
    x = Tensor(np.random.randn(batch, width))
    spreads = []
    for _ in range(depth):
        x = x @ Tensor(np.random.randn(width, width) * scale)
        spreads.append(float(np.std(x.data)))
    return spreads


np.random.seed(0)
print("spread of the numbers after this many layers (they start at 1.0)")
print(f"{'scale':>8} {'1':>9} {'2':>9} {'5':>9} {'10':>9}")
for trial_scale in (1.0, 0.1, 0.01):
    seen = spread_through_depth(trial_scale)
    print(f"{trial_scale:>8}" + "".join(f" {seen[k]:>9.2g}" for k in (0, 1, 4, 9)))

# %% [markdown]
r"""
With scale 1 the numbers grow a trillionfold in ten layers; with 0.01 they all but vanish.
Every layer multiplies the spread by the same factor, and depth turns any factor other than 1 into a
disaster. Somewhere between 0.01 and 0.1 there must be a scale that multiplies by exactly one.

**Find it yourself.** The *variance* is the square of the spread. For numbers that are drawn
independently of each other, with mean zero, two facts are all you need:

- the variance of a *product* is the product of the variances;
- the variance of a *sum* is the sum of the variances.

One output of a layer is a sum of `in` products:

$$y_j = \sum_{i=1}^{\text{in}} x_i\, W_{ij}$$

Write down $\mathrm{Var}(y)$ in terms of $\mathrm{Var}(x)$ and $\mathrm{Var}(W)$. Which
$\mathrm{Var}(W)$ makes it equal to $\mathrm{Var}(x)$, and what spread is that? Check your answer
before you submit it: put it into `spread_through_depth` for a width of 256 and see that the numbers
stay near 1.

(The answer is known as *Xavier initialisation*, in the form that counts the inputs only; also as
LeCun initialisation.)
"""

# %% nbgrader={"grade": false, "grade_id": "layers_initial_weight", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def initial_weight(in_features: int, out_features: int) -> Tensor:
    """A fresh random weight matrix that keeps the spread of the numbers passing through it.

    The entries are independent draws from the normal distribution with mean 0, from NumPy's
    global random state (`np.random.randn`), so that `np.random.seed` makes a model repeatable.
    For inputs of spread 1, each output of `x @ weight` has spread 1 as well.

    Args:
        in_features: number of inputs, the rows of the matrix.
        out_features: number of outputs, the columns of the matrix.

    Returns:
        A Tensor of shape (in_features, out_features) with requires_grad=True, which marks it
        as something that can be learned.

    Example:
        for x = np.random.randn(1000, 100), the spread of x @ initial_weight(100, 5).data is
        about 1.
    """
    ### BEGIN SOLUTION
    scale = np.sqrt(1.0 / in_features)
    return Tensor(np.random.randn(in_features, out_features) * scale, requires_grad=True)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* shape, mark, size and distribution of the numbers, fresh ones in each call, and
that `np.random.seed` repeats them.
"""

# %% nbgrader={"grade": true, "grade_id": "test_layers_initial_weight", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_layers_initial_weight():
    np.random.seed(3)
    check.true(isinstance(initial_weight(3, 2), Tensor), given="is initial_weight(3, 2) a Tensor",
               because="a weight is a Tensor, not a bare array")
    check.equal(initial_weight(3, 2).shape, (3, 2), given="the shape of initial_weight(3, 2)",
                because="one row per input, one column per output: (in_features, out_features)")
    check.equal(initial_weight(3, 2).requires_grad, True,
                given="initial_weight(3, 2).requires_grad",
                because="weights are marked as trainable")
    call = "initial_weight(400, 100)"
    check.close(round(float(initial_weight(400, 100).data.std()), 4), 0.05, rtol=0.05,
                given=f"the standard deviation of {call}",
                because="a sum of 400 products must have the spread of one input")
    check.close(float(initial_weight(400, 100).data.mean()), 0.0, atol=0.005,
                given=f"the mean of {call}", because="as many negative weights as positive ones")
    check.close(float((np.abs(initial_weight(400, 100).data) < 0.05).mean()), 0.683, atol=0.02,
                given=f"the share of the entries of {call} within 0.05 of zero",
                because="68 % of normally distributed numbers lie within one standard deviation")
    check.true(len(np.unique(initial_weight(400, 100).data)) > 39_000,
               because="every entry is drawn on its own",
               given=f"are nearly all of the 40,000 entries of {call} different")
    np.random.seed(3)
    first = initial_weight(20, 20).data
    check.true(not np.array_equal(initial_weight(20, 20).data, first),
               because="each call draws new numbers",
               given="initial_weight(20, 20) twice in a row: do the two differ")
    np.random.seed(3)
    check.true(np.array_equal(initial_weight(20, 20).data, first),
               given="initial_weight(20, 20), each time after np.random.seed(3): are the two equal",
               because="the numbers come from NumPy's global random state, which the seed sets")


test_layers_initial_weight()

# %% [markdown]
r"""
One output sums `in` products, so $\mathrm{Var}(y) = \text{in} \cdot \mathrm{Var}(x) \cdot
\mathrm{Var}(W)$, and the factor is 1 exactly when the spread of the weights is
$\sqrt{1/\text{in}}$: more inputs, smaller weights.

### Look inside, layer by layer

A single spread can hide a lot. Glorot and Bengio drew the whole *distribution* of what each layer
puts out. So do we, with Tanh between the layers.

**What will you see?** Tanh squeezes everything into the range from -1 to 1. Sketch how the numbers
in layer 10 are distributed when the weights are far too small, right, and far too large.
"""

# %%
def through_tanh_layers(scale_factor, depth=10, width=256):
    """What comes out of each of `depth` layers: a product with a fresh weight, then Tanh."""
    x, outputs = Tensor(np.random.randn(64, width)), []
    for _ in range(depth):
        x = Tanh()(x @ (initial_weight(width, width) * scale_factor))
        outputs.append(x.data.ravel())
    return outputs


try:
    import matplotlib.pyplot as plt

    np.random.seed(0)
    cases = {"five times too small": 0.2, "right": 1.0, "five times too large": 5.0}
    figure, grid = plt.subplots(3, 4, figsize=(10, 5.5), sharex=True, layout="constrained")
    for row, (label, factor) in zip(grid, cases.items(), strict=True):
        outputs = through_tanh_layers(factor)
        row[0].set_ylabel(label)
        for axes, layer_number in zip(row, (1, 3, 5, 10), strict=True):
            axes.hist(outputs[layer_number - 1], bins=50, range=(-1, 1))
            spread = np.std(outputs[layer_number - 1])
            axes.set(title=f"layer {layer_number}, spread {spread:.2g}", yticks=[])
    figure.suptitle("The numbers that each Tanh layer puts out, from -1 to 1")
    plt.show()
except ImportError:
    print("Without matplotlib you miss the histograms: a spike at 0, a hill, two walls at -1, 1.")

# %% [markdown]
"""
Too small: layer after layer the numbers shrink into a spike at 0, until every input looks the same
to the last layer. Too large: they pile up against -1 and 1, where Tanh is flat, so that a change of
the input no longer changes anything. Right: broad in layer 1, where inputs of spread 1 already
reach the shoulders of Tanh, and still a wide hill after ten layers. It slowly narrows, because Tanh
itself takes a little away each time. Part 9 deals with that.

## Part 3: A linear layer is one operation

$$y = xW + b$$

```
      x             W              b             y
 (batch, in)  @  (in, out)   +   (out,)   =  (batch, out)

 [ x1 x2 x3 ]    [ w11 w12 ]
                 [ w21 w22 ]  + [ b1 b2 ] = [ y1 y2 ]
                 [ w31 w32 ]
                    |
                    one column: one question asked of all three inputs
```

In words: `b` shifts every output by its own amount, the same for all rows; rows never meet. That is
what makes a batch possible.

An image of 28 x 28 = 784 pixels is a row of 784 numbers. With 10 columns, $W$ asks ten questions of
it: how much does this look like a 0, like a 1, and so on. Each column holds one number per pixel,
positive where ink is evidence for the digit, negative where it is evidence against.

**What will you see?** Here are the ten columns of a fresh weight matrix for images of 8 x 8 pixels,
each drawn as an image.
"""

# %%
try:
    import matplotlib.pyplot as plt

    np.random.seed(0)
    questions = initial_weight(64, 10).data
    figure, row = plt.subplots(1, 10, figsize=(10, 1.5), layout="constrained")
    for axes, column, digit in zip(row, questions.T, range(10), strict=True):
        axes.imshow(column.reshape(8, 8), cmap="RdBu", vmin=-0.4, vmax=0.4)
        axes.set(xticks=[], yticks=[], title=f"a {digit}?")
    figure.suptitle("Ten columns of a fresh weight: blue is for, red is against")
    plt.show()
except ImportError:
    print("Without matplotlib you miss ten images: the questions that a fresh weight asks.")

# %% [markdown]
"""
Noise: ten questions that nobody has chosen. To learn is to replace them by better ones.

**Other shapes.** Only the *last* dimension of `x` takes part; the ones before it just count
examples. A batch of 8 sentences of 20 words, each word 64 numbers, has the shape (8, 20, 64): that
is 160 rows of 64. `fast_matmul` of Module 01 was built for exactly this: it makes one tall matrix
of the stack.

So you write the layer's arithmetic as **one operation on arrays**, like `relu` in Module 02, and
not as a chain of Tensor operations. A network consists of little more than this line: one operation
means one result to keep, and later one rule for improving the weights instead of two.
"""

# %% nbgrader={"grade": false, "grade_id": "layers_linear", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def linear(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """Return x W + b for arrays, with a single product of two matrices.

    Args:
        x: array of shape (..., in_features), with any number of leading dimensions, including none.
        weight: array of shape (in_features, out_features).
        bias: array of shape (out_features,); None: nothing is added.

    Returns:
        A new array of shape (..., out_features): the leading dimensions of x, then the outputs.
        There is one product, of two matrices: all leading dimensions of x together count its
        rows. No argument is changed.

    Example:
        x = [[1, 0, 2]], weight = [[1, 2], [3, 4], [5, 6]], bias = [10, 20]
        gives [[1*1 + 0*3 + 2*5 + 10,  1*2 + 0*4 + 2*6 + 20]] = [[21, 34]]
    """
    ### BEGIN SOLUTION
    y = fast_matmul(x, weight)
    if bias is not None:
        y += bias  # y is new and still ours alone: no second array is needed
    return y
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* numbers and shapes from one row to four dimensions, batches of no examples, with
and without bias, unchanged arguments, float32, and that one product of two matrices is enough.
"""

# %% nbgrader={"grade": true, "grade_id": "test_layers_linear", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@probe
def factors_multiplied(shape):
    """How many dimensions each factor has that NumPy's `@` is given for an x of that shape."""
    seen = []

    class Watched(np.ndarray):
        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            seen.extend(np.ndim(array) for array in inputs if ufunc is np.matmul)
            return getattr(ufunc, method)(*[np.asarray(array) for array in inputs], **kwargs)

    linear(np.ones(shape, dtype=np.float32).view(Watched), np.ones((3, 2), dtype=np.float32))
    return seen or [2, 2]  # np.dot and np.einsum do not pass by here: trust them


@probe
def arguments_after():
    """x, weight and bias after linear(x, weight, bias)."""
    x, weight, bias = np.ones((2, 3)), np.ones((3, 2)), np.array([1.0, 2.0])
    linear(x, weight, bias)
    return [x.tolist(), weight.tolist(), bias.tolist()]


def test_layers_linear():
    weight = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dtype=np.float32)
    bias = np.array([10.0, 20.0], dtype=np.float32)
    setting = "W = [[1, 2], [3, 4], [5, 6]], b = [10, 20]"
    rows = np.array([[1.0, 0.0, 2.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]], dtype=np.float32)
    check.close(linear(rows, weight, bias), [[21, 34], [7, 16], [15, 26]],
                given=f"{setting}, x = [[1, 0, 2], [0, -1, 0], [0, 0, 1]]",
                because="first row: 1*1 + 0*3 + 2*5 + 10 = 21 and 1*2 + 0*4 + 2*6 + 20 = 34")
    check.close(linear(rows, weight), [[11, 14], [-3, -4], [5, 6]],
                given="the same W and x without b", because="without a bias nothing is added")
    check.close(linear(rows[2], weight, bias), [15, 26], given=f"{setting}, x = [0, 0, 1]",
                because="a single example of shape (3,) gives a result of shape (2,)")
    numbers = np.random.default_rng(1)
    for leading in [(5,), (2, 4), (2, 3, 2), (0,), (0, 4)]:
        x = numbers.normal(size=(*leading, 3)).astype(np.float32)
        expected = (x[..., :, None].astype(np.float64) * weight).sum(axis=-2) + bias
        check.close(linear(x, weight, bias), expected, rtol=1e-4, atol=1e-5,
                    given=f"{setting}, random x of shape {x.shape}",
                    because="only the last dimension changes, from 3 to 2")
    check.close(linear(rows, weight, np.zeros(2, dtype=np.float32)), rows @ weight,
                given="b = [0, 0]", because="a bias of zeros is still a bias")
    before = [np.ones((2, 3)).tolist(), np.ones((3, 2)).tolist(), [1.0, 2.0]]
    check.unchanged(arguments_after(), before, given="x, W and b after linear(x, W, b)",
                    because="others still need them")
    check.equal(factors_multiplied((2, 4, 3)), [2, 2],
                given="x of shape (2, 4, 3): how many dimensions the two factors of `@` have",
                because="all leading dimensions together count the rows of one matrix")
    check.equal(str(linear(rows, weight, bias).dtype), "float32", given="float32 arrays: the dtype",
                because="float32 in, float32 out")
    check.equal(str(linear(rows, weight).dtype), "float32",
                given="float32 arrays and no bias: the dtype",
                because="where nothing is added, nothing can widen the result")


test_layers_linear()

# %% [markdown]
"""
## Part 4: A layer owns what it learns

An operation has no memory. A **layer** owns the weight and the bias, and hands them to the
operation each time it is called. The bias starts at zero: the columns of the weight already differ,
so it need not be random, and no output is favoured before anything is known.

Two things turn the operation into a layer that people like to use.

**Go through the seam.** Each Tensor operation goes through `compute(operation, *inputs)`, the seam
you built in Module 01. A result made from `.data` bypasses it. The numbers are the same, but nobody
will ever know that `y` came from the weight, so the weight can never be improved. (`compute` takes
no None: where there is no bias, leave it out.)

**Say who fails.** Shapes that do not fit are the most frequent error in this field.

**What will this print?** A network of four layers has one that does not fit. Does NumPy's message
say which?
"""

# %%
try:
    hidden = np.ones((32, 64))
    for rows, columns in [(64, 128), (128, 128), (256, 10), (10, 10)]:
        hidden = linear(hidden, np.ones((rows, columns)))
except (ValueError, NotImplementedError) as error:
    print(f"{type(error).__name__}: {error}")

# %% [markdown]
"""
Two sizes, and no word about where. In a network of fifty layers that is an hour of searching. Your
layer checks first, and names itself.
"""

# %% nbgrader={"grade": false, "grade_id": "layers_linear_layer", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Linear(Layer):
    """A learned linear map with an offset: y = x W + b.

    Attributes:
        in_features, out_features: the numbers of inputs and outputs.
        weight: Tensor (in_features, out_features), trainable, from `initial_weight`.
        bias: Tensor (out_features,), trainable, zeros at first; None when bias=False.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        """Make a layer with fresh weights; the weight is set before the bias.

        Raises:
            ValueError: fewer than one input or output. The message contains both numbers.
        """
        ### BEGIN SOLUTION
        if in_features < 1 or out_features < 1:
            sizes = f"in_features={in_features} and out_features={out_features}"
            raise ValueError(f"Linear needs at least one input and one output, got {sizes}")
        self.in_features = in_features
        self.out_features = out_features
        self.weight = initial_weight(in_features, out_features)
        self.bias = Tensor(np.zeros(out_features), requires_grad=True) if bias else None
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Apply y = x W + b to the last dimension of `x`, as one operation: `linear`.

        Args:
            x: Tensor of shape (..., in_features), with any number of leading dimensions.

        Returns:
            Tensor of shape (..., out_features), made by `compute`.

        Raises:
            ValueError: `x` has no dimension at all, or its last one is not in_features. The
                message contains this layer (its repr), the shape of x and that of the weight.

        Example:
            Linear(3, 2)(a tensor of shape (5, 4, 3)) has shape (5, 4, 2)
        """
        ### BEGIN SOLUTION
        if x.shape[-1:] != (self.in_features,):
            raise ValueError(
                f"{self!r} got an input of shape {x.shape}: its last dimension must be "
                f"{self.in_features} to meet the weight of shape {self.weight.shape}"
            )
        if self.bias is None:
            return compute(linear, x, self.weight)
        return compute(linear, x, self.weight, self.bias)
        ### END SOLUTION

    def __repr__(self) -> str:
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"Linear({sizes}, bias={self.bias is not None})"

# %% [markdown]
"""
*What is checked:* what a new layer owns, results with and without bias, every shape of input, that
the result comes from x, weight and bias in one operation, and both errors.
"""

# %% nbgrader={"grade": true, "grade_id": "test_layers_linear_layer", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
@probe
def refused(shapes):
    """Which of these shapes of an input Linear(3, 2) refuses with a ValueError."""
    layer, found = Linear(3, 2), []
    for shape in shapes:
        try:
            layer.forward(Tensor(np.ones(shape)))
        except ValueError:
            found.append(shape)
    return found


@probe
def missing_in_the_error(shape):
    """What the ValueError of Linear(3, 2) for an input of that shape does not name."""
    layer, x = Linear(3, 2), Tensor(np.ones(shape))
    parts = {"the layer": layer, "the shape of x": x.shape,
             "the shape of weight": layer.weight.shape}
    try:
        layer.forward(x)
    except ValueError as error:
        return [name for name, part in parts.items() if str(part) not in str(error)]
    return "no ValueError was raised"


@probe
def record_of_a_call(bias, about):
    """Listen at `compute` while Linear(3, 2) runs: its operations, or what the result is from."""
    layer, x = Linear(3, 2, bias=bias), Tensor(np.ones((2, 4, 3)))
    sources = {id(x): {"x"}, id(layer.weight): {"weight"}, id(layer.bias): {"bias"}}
    operations, alive = [], []

    def listen(output, operation, inputs, settings):
        alive.append(output)
        operations.append(operation.__name__)
        sources[id(output)] = set().union(*(sources.get(id(tensor), ()) for tensor in inputs))

    before, Tensor._record = Tensor.__dict__["_record"], staticmethod(listen)
    try:
        result = layer.forward(x)
    finally:
        Tensor._record = before
    return operations if about == "operations" else sorted(sources.get(id(result), ()))


def test_layers_linear_layer():
    layer, plain = Linear(3, 2), Linear(3, 2, bias=False)
    check.equal([layer.in_features, layer.out_features, layer.weight.shape], [3, 2, (3, 2)],
                given="Linear(3, 2): [in_features, out_features, the shape of weight]",
                because="the weight has one row per input and one column per output")
    check.close(Linear(4, 5).bias, np.zeros(5), given="the bias of a new Linear(4, 5)",
                because="it starts at zero, one number per output")
    check.equal([layer.weight.requires_grad, layer.bias.requires_grad, plain.bias],
                [True, True, None],
                given="[weight.requires_grad, bias.requires_grad, the bias when bias=False]",
                because="both learn, so both are marked; without a bias there is None")
    np.random.seed(4)
    fresh = Linear(50, 40)
    check.close(round(float(fresh.weight.data.std()), 3), 0.1414, rtol=0.08,
                given="the spread of the weight of Linear(50, 40)",
                because="it comes from initial_weight")
    weight = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dtype=np.float32)
    layer.weight, layer.bias, plain.weight = Tensor(weight), Tensor([10.0, 20.0]), Tensor(weight)
    setting = "W = [[1, 2], [3, 4], [5, 6]], b = [10, 20]"
    x = Tensor([[1.0, 0.0, 2.0], [0.0, -1.0, 0.0]])
    check.close(layer.forward(x), [[21, 34], [7, 16]],
                given=f"{setting}, x = [[1, 0, 2], [0, -1, 0]]",
                because="first row: 1*1 + 0*3 + 2*5 + 10 = 21 and 1*2 + 0*4 + 2*6 + 20 = 34")
    check.close(plain.forward(x), [[11, 14], [-3, -4]], given="the same W and x, but bias=False",
                because="there is no bias, so nothing is added")
    check.close(layer.forward(Tensor([0.0, 0.0, 1.0])), [15, 26], given=f"{setting}, x = [0, 0, 1]",
                because="a single example of shape (3,) gives a result of shape (2,)")
    check.equal(refused([(1, 3), (5, 3), (2, 4, 3), (0, 3)]), [],
                given="which of (1, 3), (5, 3), (2, 4, 3), (0, 3) does Linear(3, 2) refuse",
                because="only the last dimension has to be 3; the others count the examples")
    for shape in [(2, 4), (3, 4), (2, 3, 1), (4,), ()]:
        check.equal(missing_in_the_error(shape), [],
                    given=f"what the ValueError of Linear(3, 2) for a {shape} leaves unnamed",
                    because="its reader wants to know the layer, the shape of x and of weight")
    check.equal(record_of_a_call(True, "sources"), ["bias", "weight", "x"],
                given="what the result of Linear(3, 2) comes from, traced through `compute`",
                because="a step computed on .data cuts the result off from what went into it")
    check.equal([record_of_a_call(bias, "operations") for bias in (True, False)],
                [["linear"], ["linear"]],
                given="the operations that `compute` is given, with and without a bias",
                because="a linear layer is one operation: compute(linear, x, weight, bias)")
    for wrong in [(0, 0), (0, 5), (4, 0), (-1, 5)]:
        check.raises(ValueError, lambda wrong=wrong: Linear(*wrong), given=f"Linear{wrong}",
                     mentions=[str(wrong[0]), str(wrong[1])],
                     because="a layer needs at least one input and one output")


test_layers_linear_layer()

# %% [markdown]
"""
## Part 5: Seeing everything inside a model

A model is objects inside objects: a network holds a list of blocks, a block holds layers, a layer
holds tensors. Two jobs need to see all of them: collecting the parameters and switching the mode.
Both are easy once you can **walk** a model.

```
 model                              walk(model) visits
  |- first:  A                       1 model
  |           `- inside: [B, C]      2 A
  `- second: D                       3 the list   4 B   5 C
              |- again: B            6 D          (B has been seen)
              `- last:  E            7 E
```

In words: the order is depth first. Why "once"? Two layers may *share* a weight, which must then be
learned once, not twice. And a block that keeps a reference to the model it belongs to makes a
circle. Here is a careless walk on both.

**What will this print?** How many tensors does it count in a model that uses one tensor in two
places? And what becomes of the circle?
"""

# %%
def careless_walk(thing):
    """Everything inside, without any memory of what was met."""
    found = [thing]
    for part in vars(thing).values() if hasattr(thing, "__dict__") else []:
        found += [part] if isinstance(part, Tensor) else careless_walk(part)
    return found


shared = Layer()
shared.first = shared.second = Tensor([1.0])
print("tensors met:", sum(isinstance(part, Tensor) for part in careless_walk(shared)))
shared.owner = shared
try:
    careless_walk(shared)
except RecursionError as error:
    print(f"RecursionError: {error}")

# %% [markdown]
"""
First the single step: what lies *directly* inside an object? Python keeps attributes in two places:
in a dictionary, `__dict__`, or, for a class that lists their names in `__slots__` (which saves
memory), in fixed places without any dictionary. A search that knows only `__dict__` finds nothing
in such an object, and says nothing. So the next function is plumbing, and given: it gives the
values of all attributes, wherever they are kept. You need not read how.
"""

# %%
#| export
def attribute_values(thing: object) -> list:
    """The values of an object's attributes, wherever Python keeps them.

    Those in `__slots__` come first (base classes before derived ones), then those in `__dict__`.
    """
    values = []
    for kind in reversed(type(thing).__mro__):
        slots = vars(kind).get("__slots__", ())
        for name in [slots] if isinstance(slots, str) else slots:
            if name.startswith("__"):  # Python stores a private name with its class's name
                name = f"_{kind.__name__.lstrip('_')}{name}"
            if hasattr(thing, name):
                values.append(getattr(thing, name))
    return values + list(getattr(thing, "__dict__", {}).values())

# %% [markdown]
"""
With it you can write `children`. Two types that it asks for are in the first lines of your file:
the class of every class is `type`, the class of an imported Python module is `ModuleType`.
"""

# %% nbgrader={"grade": false, "grade_id": "layers_children", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def children(thing: object) -> list:
    """What lies directly inside `thing`, in definition order; an empty list for a leaf.

    A dict contains its values, a list or tuple its items, and every object its attributes (see
    `attribute_values`). A class derived from list or dict has both: items first. A Tensor is a
    leaf: its gradient is not part of the model. Classes and Python modules are left out wherever
    they lie: they are code that others share. Sets are not entered: they have no order.

    Example:
        children({"a": 1.5, "b": [2, 3]}) is [1.5, [2, 3]]
        children(Linear(2, 1)) is [2, 1, its weight, its bias]
        children(Tensor([1.0])), children(1.5), children("word") and children(None) are []
    """
    ### BEGIN SOLUTION
    if isinstance(thing, Tensor):
        return []
    items = []
    if isinstance(thing, dict):
        items = list(thing.values())
    elif isinstance(thing, (list, tuple)):
        items = list(thing)
    inside = items + attribute_values(thing)
    return [part for part in inside if not isinstance(part, (type, ModuleType))]
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* dicts, lists, tuples, objects with and without `__slots__`, a list with
attributes of its own, leaves, and what is left out.
"""

# %% nbgrader={"grade": true, "grade_id": "test_layers_children", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@probe
def kinds_inside(case):
    """What children() gives for an object of that kind: numbers and words, else type names."""

    class Plain:
        pass

    class Slots:
        __slots__ = ("first", "second")

    class Blocks(list):
        pass

    class Table(dict):
        pass

    plain, slots, blocks, table = Plain(), Slots(), Blocks([1, 2]), Table(k=3)
    plain.first, plain.code, plain.library, plain.second = 1, Plain, np, 2
    slots.second, slots.first = "two", "one"
    blocks.gain, table.gain = 4, 5
    noted = Tensor([1.0])
    noted.grad = Tensor([2.0])
    cases = {
        "dict": {"a": 1, "b": [2]}, "list": [1, (2, 3), None], "tuple": ("x", 5),
        "object": plain, "slots": slots, "blocks": blocks, "table": table,
        "code": [Plain, np, 1, {"k": Plain}], "layer": Linear(2, 1), "tensor": noted,
        "number": 1.5, "word": "abc", "none": None, "set": {1, 2},
    }
    found = children(cases[case])
    return [part if isinstance(part, (int, str)) else type(part).__name__ for part in found]


def test_layers_children():
    check.equal(kinds_inside("dict"), [1, "list"], given='children({"a": 1, "b": [2]})',
                because="a dict contains its values, and only one level is looked at")
    check.equal(kinds_inside("list"), [1, "tuple", "NoneType"],
                given="children([1, (2, 3), None]), all but numbers and words shown as types",
                because="a list contains its items, whatever they are")
    check.equal(kinds_inside("layer"), [2, 1, "Tensor", "Tensor"],
                given="children(Linear(2, 1)), tensors shown as types",
                because="an object contains its attributes, in the order of their definition")
    check.equal(kinds_inside("tuple"), ["x", 5], given='children(("x", 5))',
                because="a tuple contains its items")
    check.equal(kinds_inside("tensor"), [],
                given="children(a tensor whose grad is another tensor)",
                because="a Tensor is a leaf: its gradient is not part of the model")
    check.equal(kinds_inside("object"), [1, 2],
                given="an object with the attributes 1, a class, the module np, 2",
                because="classes and Python modules are code, not parts of a model")
    check.equal(kinds_inside("code"), [1, "dict"],
                given='children([a class, np, 1, {"k": a class}]), the dict shown as its type',
                because="classes and modules are left out of lists as well")
    check.equal(kinds_inside("slots"), ["one", "two"],
                given='an object with __slots__ = ("first", "second") and no __dict__',
                because="attributes in __slots__ are attributes too")
    check.equal(kinds_inside("blocks"), [1, 2, 4],
                given="a class derived from list, with the items 1, 2 and the attribute gain = 4",
                because="it has items and attributes: items first")
    check.equal(kinds_inside("table"), [3, 5],
                given="a class derived from dict, with the value 3 and the attribute gain = 5",
                because="it has values and attributes: values first")
    for case, text in [("number", "1.5"), ("word", "'abc'"), ("none", "None"), ("set", "{1, 2}")]:
        check.equal(kinds_inside(case), [], given=f"children({text})",
                    because="a leaf has nothing inside, and sets are not entered")


test_layers_children()

# %% [markdown]
"""
Now repeat that step until nothing new turns up. The models of later modules are deep and make
circles, so the walk has to end on all of them.
"""

# %% nbgrader={"grade": false, "grade_id": "layers_walk", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def walk(model: object) -> list:
    """Everything reachable from `model`, each object once, in definition order.

    Reachable are: the model itself, its `children`, their children, and so on. Every object
    met is listed, whatever it is: layers, tensors, the lists and dicts between them, plain
    numbers and strings.

    Order: an object comes before what lies inside it, and everything inside an object's first
    child comes before its second child.

    Once: "the same" means the very same object (compare `id(...)`), not an equal one. Two
    different lists that are both empty are two objects. An object already listed is neither
    listed nor entered again, so a circle of references ends by itself. A model may be nested
    thousands of levels deep.

    Returns:
        A list that starts with `model`.

    Example:
        a, b = Tensor([1.0]), Tensor([2.0])
        block = {"first": a}
        walk([block, (a, b)]) is [the list, block, a, the tuple, b]
    """
    ### BEGIN SOLUTION
    found, seen, waiting = [], set(), [model]
    while waiting:
        thing = waiting.pop()
        if id(thing) not in seen:
            seen.add(id(thing))
            found.append(thing)
            waiting.extend(reversed(children(thing)))
    return found
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the order, repeats, equal objects that are not the same, circles, containers and
plain values, and a model of 5,000 levels.
"""

# %% nbgrader={"grade": true, "grade_id": "test_layers_walk", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
@probe
def names_met(case):
    """The names of the parts a walk meets, in order."""

    class Part:
        def __init__(self, name, **attributes):
            self.name = name
            self.__dict__.update(attributes)

        def __eq__(self, other):  # two of them are equal, and yet two
            return {self.name, other.name} <= {"B", "C"} if isinstance(other, Part) else False

    b, c, d, root = Part("B"), Part("C"), Part("D"), Part("model")
    attributes = {
        "order": {"first": Part("A", inside=[b, c]), "second": d},
        "after a repeat": {"first": b, "again": b, "last": Part("E", inside=d)},
        "shared": {"first": Part("A", inside=[b, c]), "second": Part("D", again=b, last=[c])},
        "deep first": {"first": Part("A", inside=[b, c]), "second": b},
        "circle": {"a": b, "me": root},
    }
    root.__dict__.update(attributes[case])
    if case == "circle":
        b.owner = root
    return [part.name for part in walk(root) if isinstance(part, Part)]


@probe
def types_met(case):
    """The names of the types a walk meets, in order."""
    tensor = Tensor([1.0])
    tensor.grad = Tensor([2.0])
    mixed = [(1.5,), {"k": "word", "code": Layer, "module": np}, [], [], None, tensor]
    return [type(thing).__name__ for thing in walk(2.5 if case == "leaf" else mixed)]


@probe
def levels_met(depth):
    """How many lists a walk meets in a list of a list of a list ..."""
    nested = []
    while depth > 1:
        nested, depth = [nested], depth - 1
    return len(walk(nested))


def test_layers_walk():
    check.equal(names_met("order"), ["model", "A", "B", "C", "D"],
                given="model.first = A with A.inside = [B, C], then model.second = D",
                because="everything inside the first attribute comes before the second attribute")
    check.equal(names_met("after a repeat"), ["model", "B", "E", "D"],
                given="model.first = B, model.again = B, then model.last = E with E.inside = D",
                because="an object met again is passed over, and the walk goes on")
    check.equal(names_met("shared"), ["model", "A", "B", "C", "D"],
                given="A.inside = [B, C], then D.again = B and D.last = [C]; B == C is True",
                because="the same object is listed once, where met first; equal is not the same")
    check.equal(names_met("deep first"), ["model", "A", "B", "C"],
                given="model.first = A with A.inside = [B, C], then model.second = B",
                because="B is met first inside A, before C")
    check.equal(types_met("mixed"),
                ["list", "tuple", "float", "dict", "str", "list", "list", "NoneType", "Tensor"],
                given="the types met in [(1.5,), {'k': 'word', 'code': Layer, 'module': np}, "
                      "[], [], None, a tensor]",
                because="whatever `children` names is listed, containers and plain values too")
    check.equal(names_met("circle"), ["model", "B"],
                given="model.a = B, model.me = model, B.owner = model",
                because="an object met before is not entered again, so the walk ends")
    check.equal(types_met("leaf"), ["float"], given="the types met by walk(2.5)",
                because="the model itself is listed, even if nothing lies inside it")
    check.equal(levels_met(5000), 5000, given="the number of lists met in 5,000 nested lists",
                because="Python allows about 1,000 calls inside each other; a loop has no limit")


test_layers_walk()

# %% [markdown]
"""
## Part 6: What can learn, and in which mode

The **parameters** of a model are the tensors that learning may change: those marked
`requires_grad=True`. What is missing from this list will silently never learn. In PyTorch each
parameter is *registered* with its layer when it is assigned. Yours need not be: your walk finds
them where they are.
"""

# %% nbgrader={"grade": false, "grade_id": "layers_parameters", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def collect_parameters(model: object) -> list[Tensor]:
    """Every trainable tensor of a model: each Tensor with requires_grad=True that `walk` meets.

    Returns:
        A list of the Tensor objects themselves (not copies), each once, in the order of the
        walk. Empty for a model without any.

    Example:
        collect_parameters([Linear(3, 2), ReLU(), Linear(2, 1, bias=False)])
        holds three tensors of shapes (3, 2), (2,) and (2, 1).
    """
    ### BEGIN SOLUTION
    return [part for part in walk(model) if isinstance(part, Tensor) and part.requires_grad]
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* order, constants, every place where a parameter may lie, and that the tensors
themselves come back.
"""

# %% nbgrader={"grade": true, "grade_id": "test_layers_parameters", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@probe
def shapes_in_a_nested_model():
    """Shapes collected from a model that keeps its parameters in every kind of place."""

    class Block:  # not a Layer
        def __init__(self):
            self.inner = Linear(2, 3)
            self.requires_grad = True  # but a Block is not a Tensor

    class Slots:
        __slots__ = ("hidden",)

        def __init__(self):
            self.hidden = Linear(6, 9, bias=False)

    class Model(Layer):
        def __init__(self):
            self.first = Linear(4, 2)
            self.gain = Tensor(np.ones(7), requires_grad=True)
            self.constant = Tensor(np.ones(8))
            self.block = Block()
            self.many = [Linear(3, 1, bias=False), (Linear(1, 5),)]
            self.named = {"head": Linear(5, 6), "tied": self.first.weight}
            self.owner = self
            self.slots = Slots()

    return [parameter.shape for parameter in collect_parameters(Model())]


def test_layers_parameters():
    layer, constant = Linear(3, 2), Tensor([1.0, 2.0])
    trainable, second = Tensor([1.0], requires_grad=True), Linear(2, 1, bias=False)
    check.equal([parameter.shape for parameter in collect_parameters(layer)], [(3, 2), (2,)],
                given="the shapes of collect_parameters(Linear(3, 2))",
                because="weight first, then bias")
    check.equal([parameter.shape for parameter in collect_parameters([layer, second])],
                [(3, 2), (2,), (2, 1)], because="a list of layers holds what its layers hold",
                given="the shapes of collect_parameters([Linear(3, 2), Linear(2, 1, bias=False)])")
    named = {"a": constant, "b": trainable}
    check.equal([parameter.shape for parameter in collect_parameters(named)], [(1,)],
                given="collect_parameters({'a': a constant (2,), 'b': a trainable (1,)}): shapes",
                because="a tensor is a parameter exactly when requires_grad is True")
    check.equal(shapes_in_a_nested_model(),
                [(4, 2), (2,), (7,), (2, 3), (3,), (3, 1), (1, 5), (5,), (5, 6), (6,), (6, 9)],
                given="parameters in attributes, a plain object, a list, a tuple, a dict and "
                      "__slots__; one shared; a circle",
                because="each trainable tensor counts once, where it is met first")
    check.true(isinstance(layer.parameters(), list), given="is Linear(3, 2).parameters() a list",
               because="a list has a length and can be read more than once")
    check.true(layer.parameters()[0] is layer.weight,
               given="Linear(3, 2): is parameters()[0] the weight itself",
               because="a change of a copy would never reach the layer")


test_layers_parameters()

# %% [markdown]
"""
Some layers behave differently while a model *learns* and while it is *used*; dropout, which comes
next, is one of them. So every layer carries a flag, `training`. Forgetting to switch one layer
buried in the model is a classic bug: the program runs, the answers are merely a little worse, and
nobody sees why. The switch therefore reaches **everything** at once: layers in lists, layers inside
objects that are not layers, and plain objects that keep such a flag themselves.

One caution. Somebody's `training` may be something else entirely:

**What will this print?** How many examples are left after the switch?
"""

# %%
class Lesson:
    def __init__(self):
        self.training = [1, 2, 3]  # the training examples


lesson = Lesson()
for part in [lesson, Layer()]:  # a careless switch
    part.training = False
print("training examples:", lesson.training)

# %% [markdown]
"""
Data destroyed by a switch that meant well. A *mode* is a `training` attribute that holds a `bool`;
anything else is none of our business.
"""

# %% nbgrader={"grade": false, "grade_id": "layers_training_mode", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def set_training_mode(model: object, training: bool) -> None:
    """Switch everything inside `model` to training mode (True) or evaluation mode (False).

    Every object that `walk` meets and whose attribute `training` is a bool gets the new value,
    whether it is a Layer or not. An object without that attribute does not receive one, and a
    `training` attribute that is not a bool (a list of examples, a number) is left alone.

    The value is set on the objects, never on their classes: other models keep their mode. It is
    stored as a real bool, even if `training` came as 0 or 1.

    Example:
        set_training_mode([layer, {"other": another_layer}], False)
        leaves layer.training and another_layer.training False.
    """
    ### BEGIN SOLUTION
    for part in walk(model):
        if isinstance(getattr(part, "training", None), bool):
            part.training = bool(training)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* that the mode reaches every part, in both directions, and touches nothing else.
"""

# %% nbgrader={"grade": true, "grade_id": "test_layers_training_mode", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def after(switches, look_at="modes"):
    """What a model of many parts looks like after switching its mode."""

    class Plain:
        pass

    model, block, own, examples, count = Plain(), Layer(), Plain(), Plain(), Plain()
    own.training = True  # not a Layer, but with a mode of its own
    examples.training, count.training = [1, 2], 1  # no modes
    block.inner, block.owner = Layer(), model
    model.block, model.layers, model.named = block, [Layer(), (Layer(),)], {"x": Layer()}
    model.own, model.examples, model.count, model.kind = own, examples, count, Layer
    parts = [block, block.inner, model.layers[0], model.layers[1][0], model.named["x"], own]
    for switch in switches:
        set_training_mode(model, switch)
    found = {
        "modes": [part.training for part in parts],
        "class": Layer.training,
        "model": hasattr(model, "training"),
        "data": [examples.training, count.training],
    }
    Layer.training = True
    return found[look_at]


def test_layers_training_mode():
    check.equal(after([False], "class"), True,
                given="Layer.training after a model was switched to False",
                because="the mode belongs to the object, not to its class")
    check.equal(after([False]), [False] * 6,
                given="set_training_mode(model, False); the modes of a layer, one inside it, one "
                      "in a list, a tuple, a dict, and of a plain object with training = True",
                because="every bool called training, anywhere inside the model, is switched")
    check.equal(after([False], "model"), False,
                given="does a plain object without a mode receive one",
                because="only what has a mode can change it")
    check.equal(after([False], "data"), [[1, 2], 1],
                given="objects with training = [1, 2] and training = 1, after the switch False",
                because="a training attribute that is not a bool is data, not a mode")
    check.equal(after([False, True]), [True] * 6,
                given="the same modes after the switches False, True",
                because="the switch goes both ways")
    check.equal(after([0, True, 0]), [False] * 6,
                given="the same modes after the switches 0, True, 0",
                because="a mode is stored as a bool, so the next switch recognises it")
    layer = Layer()
    layer.inner = Layer()
    check.equal([layer.eval() is layer, layer.training, layer.inner.training], [True, False, False],
                given="[layer.eval() is layer, its mode, the mode of a layer inside]",
                because="eval returns the layer and reaches what it contains")
    check.equal([layer.train() is layer, layer.training, layer.inner.training], [True, True, True],
                given="[layer.train() is layer, its mode, the mode of a layer inside]",
                because="train returns the layer and reaches what it contains")


test_layers_training_mode()

# %% [markdown]
r"""
## Part 7: Dropout, forgetting on purpose

A network with many weights can learn its examples by heart instead of what they have in common.
**Dropout** makes that hard: while training, each number passing through is replaced by zero with
probability $p$. The next layer cannot rely on any particular one of its inputs, because that
input may be gone at any moment.

Break it first: just drop half of the numbers, and watch what a sum of 1,000 ones becomes.

**What will this print?** With dropout off the sum is 1,000. And with dropout on?
"""

# %%
np.random.seed(0)
ones = np.ones(1000)
sums = [float((ones * (np.random.random(1000) >= 0.5)).sum()) for _ in range(5)]
print("used:   ", ones.sum())
print("trained:", sums)

# %% [markdown]
r"""
About half. The next layer would be trained on sums around 500 and then used on 1,000: every number
it ever learned to expect would be wrong by a factor of two. The remedy is to enlarge the survivors
*while training*, so that the **average** stays what it was; then in evaluation mode nothing is left
to do at all.

```
 x          [ 4.0   2.0   6.0   8.0 ]
 mask       [ 2.0   0.0   0.0   2.0 ]     here for p = 0.5
 x * mask   [ 8.0   0.0   0.0  16.0 ]
```

In words: every entry has a coin of its own, so instead of two of the four it might as well have
been one, or all.

**Find the scale yourself.** A number $x$ becomes $0$ with probability $p$ and $s \cdot x$ with
probability $1-p$. What is it on average? Which $s$ makes that equal to $x$? The picture shows the
answer for $p = 0.5$ only; find the one for any $p$. (What goes wrong for $p = 1$?) Enlarging
while training is called *inverted* dropout.
"""

# %% nbgrader={"grade": false, "grade_id": "layers_dropout_mask", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def dropout_mask(shape: tuple[int, ...], p: float) -> np.ndarray:
    """A random array of zeros (dropped) and one positive scale (kept), 1 on average.

    Each entry is 0 with probability p, independently of all the others; all entries that are
    kept have the same value, which makes up for the dropped ones on average. The random numbers
    come from NumPy's global random state (`np.random.random`).

    Args:
        shape: the shape of the mask.
        p: probability of dropping an entry, from 0.0 to 1.0, both included. With 0 every entry
            is 1; with 1 every entry is 0, without any warning.

    Returns:
        A float32 ndarray of that shape (an array, not a Tensor).

    Example:
        dropout_mask((2, 3), 0.5) may be [[2, 0, 2], [0, 0, 2]].
    """
    ### BEGIN SOLUTION
    if p == 1:
        return np.zeros(shape, dtype=np.float32)
    kept = np.random.random(shape) >= p
    return kept * np.float32(1 / (1 - p))
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the share of zeros and the exact scale for several p, both ends, float32, that
every entry is drawn on its own, and that `np.random.seed` repeats a mask.
"""

# %% nbgrader={"grade": true, "grade_id": "test_layers_dropout_mask", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_layers_dropout_mask():
    np.random.seed(5)
    check.true(isinstance(dropout_mask((3, 2), 0.5), np.ndarray),
               given="is dropout_mask((3, 2), 0.5) an ndarray",
               because="the mask is an array; the layer will wrap it in a Tensor")
    check.equal(dropout_mask((5, 8, 2), 0.5).shape, (5, 8, 2),
                given="the shape of dropout_mask((5, 8, 2), 0.5)",
                because="one entry for each number that the mask will meet")
    for p, values in [(0.5, [0.0, 2.0]), (0.2, [0.0, 1.25]), (0.9, [0.0, 10.0])]:
        call = f"dropout_mask((400, 250), {p})"
        check.close(round(float((dropout_mask((400, 250), p) == 0).mean()), 2), p, atol=0.015,
                    given=f"the share of zeros in {call}",
                    because="p is the probability of being dropped, for each entry on its own")
        check.close(np.unique(dropout_mask((400, 250), p)), values,
                    given=f"the different values in {call}",
                    because=f"(1 - {p}) of the entries are kept; the average of all must be 1")
    check.equal(str(dropout_mask((3, 2), 0.5).dtype), "float32",
                given="the dtype of dropout_mask((3, 2), 0.5)",
                because="one float64 array doubles the memory of all that follows")
    differing = [np.unique(dropout_mask((400, 250), 0.5), axis=i).shape[i] for i in (0, 1)]
    check.equal(differing, [400, 250],
                given="how many rows and columns of dropout_mask((400, 250), 0.5) differ",
                because="every entry is drawn on its own")
    check.close(dropout_mask((3, 2), 0.0), np.ones((3, 2)), given="dropout_mask((3, 2), 0.0)",
                because="nothing is dropped")
    check.close(dropout_mask((3, 2), 1.0), np.zeros((3, 2)), given="dropout_mask((3, 2), 1.0)",
                because="everything is dropped, so there is nothing to scale")
    check.equal(str(dropout_mask((3, 2), 1.0).dtype), "float32",
                given="the dtype of dropout_mask((3, 2), 1.0)", because="float32, whatever p is")
    np.random.seed(5)
    first = dropout_mask((20, 20), 0.5)
    check.true(not np.array_equal(dropout_mask((20, 20), 0.5), first),
               because="each call draws new numbers",
               given="dropout_mask((20, 20), 0.5) twice in a row: do the two differ")
    np.random.seed(5)
    check.true(np.array_equal(dropout_mask((20, 20), 0.5), first),
               given="dropout_mask((20, 20), 0.5), each time after np.random.seed(5): equal",
               because="the numbers come from NumPy's global random state, which the seed sets")


test_layers_dropout_mask()

# %% [markdown]
r"""
On average $x$ becomes $(1-p)\,s\,x$, so $s = 1/(1-p)$. The price is noise, and the larger $p$, the
more: a 1 becomes 0 or 2 with $p = 0.5$, and 0 or 10 with $p = 0.9$.

**What will you see?** One digit, on the left, goes through dropout four times for each $p$. Up to
which $p$ can you still read it? How dark do the survivors get? Can you read it in the *average* of
500 passes with $p = 0.9$?
"""

# %%
try:
    import matplotlib.pyplot as plt

    np.random.seed(0)
    digit = load_tinydigits()[0][16]
    figure, grid = plt.subplots(3, 6, figsize=(9, 4.6), layout="constrained")
    for row, p in zip(grid, (0.2, 0.5, 0.9), strict=True):
        passes = [digit * dropout_mask(digit.shape, p) for _ in range(500)]
        for axes, image in zip(row, [digit, *passes[:4], np.mean(passes, axis=0)], strict=True):
            axes.imshow(image, cmap="gray_r", vmin=0, vmax=2 * digit.max())
            axes.set(xticks=[], yticks=[])
        row[0].set_ylabel(f"p = {p}")
    grid[0][0].set_title("the digit")
    grid[0][5].set_title("mean of 500")
    figure.suptitle("One digit, seen through dropout")
    plt.show()
except ImportError:
    print("Without matplotlib you miss a digit with holes, and its mean, which has none.")

# %% [markdown]
"""
With p = 0.9 no single pass shows the digit, and yet the mean of many does, as dark as it was. That
is what "the average stays the same" means for the next layer.

Now the layer. It has **two switches**, for two situations:

- the *mode*, `self.training`, is for whole models: `train()` and `eval()` set it once, everywhere,
  and it stays;
- the *argument* `training` is for one call of a Dropout that you hold in your hands, in a `forward`
  of your own for example. Nothing has to be reset afterwards.

Numbers are dropped only when **both** say yes, so either one is enough to turn dropout off.
"""

# %% nbgrader={"grade": false, "grade_id": "layers_dropout", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Dropout(Layer):
    """While training, replace each number by 0 with probability p and scale up the others.

    Attributes:
        p: the probability.
    """

    def __init__(self, p: float = 0.5) -> None:
        """Make a dropout layer.

        Raises:
            ValueError: p is not from 0 to 1 (NaN is not). The message contains p.
        """
        ### BEGIN SOLUTION
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"Dropout needs a probability p from 0 to 1, got p={p}")
        self.p = p
        ### END SOLUTION

    def forward(self, x: Tensor, training: bool = True) -> Tensor:
        """Drop numbers of `x` at random, or return `x` itself when dropout is inactive.

        Active only if all three hold: the argument `training` is true, this layer is in
        training mode (`self.training`), and p is not 0.

        Returns:
            Inactive: `x` itself, the same object (no copy, no random numbers drawn).
            Active: a new Tensor, `x` times a fresh mask of its shape, computed with the Tensor
            operation `*`. `x` stays as it was. With p = 1 all of it is zero.

        Example:
            Dropout(0.5)(Tensor([4.0, 2.0, 6.0, 8.0])) may give [8.0, 0.0, 0.0, 16.0];
            Dropout(0.5).eval()(x) is x.
        """
        ### BEGIN SOLUTION
        if not (training and self.training) or self.p == 0:
            return x
        return x * Tensor(dropout_mask(x.shape, self.p))
        ### END SOLUTION

    def __repr__(self) -> str:
        return f"Dropout(p={self.p})"

# %% [markdown]
"""
*What is checked:* all four settings of the two switches, p = 0 and p = 1, a fresh mask for every
number and every call, that x is left alone, and which p are refused.
"""

# %% nbgrader={"grade": true, "grade_id": "test_layers_dropout", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def comes_from_x():
    """Listen at `compute`: does the result come from x?"""
    x, alive = Tensor(np.ones((4, 4))), []
    family = {id(x)}

    def listen(output, operation, inputs, settings):
        alive.append(output)
        if family & {id(tensor) for tensor in inputs}:
            family.add(id(output))

    before, Tensor._record = Tensor.__dict__["_record"], staticmethod(listen)
    try:
        result = Dropout(0.5).forward(x)
    finally:
        Tensor._record = before
    return id(result) in family


def test_layers_dropout():
    np.random.seed(9)
    values = np.arange(1, 2001, dtype=np.float32).reshape(50, 40)
    x, layer, off = Tensor(values.copy()), Dropout(0.2), Dropout(0.2)
    off.training = False
    check.equal(Dropout(0.2).p, 0.2, given="Dropout(0.2).p", because="the layer keeps p")
    check.true(isinstance(layer.forward(x), Tensor),
               given="is Dropout(0.2)(x) a Tensor, for x with the numbers 1 to 2000",
               because="a layer returns a Tensor")
    check.unchanged(x.data, values, given="x, with the numbers 1 to 2000, after Dropout(0.2)(x)",
                    because="dropout makes a new tensor and leaves x alone")
    check.close(np.unique(np.round(layer.forward(x).data / values, 4)), [0.0, 1.25],
                given="the different values of output / input for Dropout(0.2)",
                because="each number becomes 0 or grows by exactly 1 / (1 - 0.2) = 1.25")
    cases = [(layer, True), (layer, False), (off, True), (off, False)]
    settings = "(self.training, training) = (True, True), (True, False), (False, True), (False, "\
               "False)"
    same = [np.array_equal(drop.forward(x, training=flag).data, values) for drop, flag in cases]
    check.equal(same, [False, True, True, True], given=f"are the numbers unchanged, for {settings}",
                because="dropout is active when both switches are on; else nothing happens to x")
    check.equal([drop.forward(x, training=flag) is x for drop, flag in cases],
                [False, True, True, True], given=f"is the result x itself, for {settings}",
                because="an inactive dropout returns x: a copy would cost memory for nothing")
    check.true(Dropout(0.0).forward(x) is x, given="Dropout(0.0)(x): is the result x itself",
               because="p = 0 drops nothing")
    check.close(round(float((layer.forward(x).data == 0).mean()), 2), 0.2, atol=0.06,
                given="the share of zeros after Dropout(0.2)",
                because="0.2 is the probability of being dropped")
    check.true(not np.array_equal(layer.forward(x).data, layer.forward(x).data),
               given="two calls of Dropout(0.2) on the same input: do they differ",
               because="every call draws a fresh mask")
    zeros = layer.forward(x).data == 0
    check.equal([bool((zeros == zeros[0]).all()), bool((zeros == zeros[:, :1]).all())],
                [False, False], given="the zeros of Dropout(0.2)(x) for x of shape (50, 40): "
                                      "[are all rows alike, are all columns alike]",
                because="the mask has the shape of x: each number is dropped or kept on its own")
    check.close(Dropout(1.0).forward(x), np.zeros((50, 40)), given="Dropout(1.0)(x)",
                because="p = 1 drops everything")
    check.equal(comes_from_x(), True, given="does Dropout(0.5)(x) come from x, traced at `compute`",
                because="a step computed on .data arrays cuts the result off from x")
    for wrong in (1.5, -0.1, float("nan")):
        check.raises(ValueError, lambda wrong=wrong: Dropout(wrong), given=f"Dropout({wrong})",
                     mentions=[str(wrong)], because="p is a probability, from 0 to 1")


test_layers_dropout()

# %% [markdown]
"""
## Part 8: A network is a list

```
 x --> Linear(64, 32) --> ReLU --> Dropout(0.2) --> Linear(32, 10) --> y
```

In words: `Sequential` holds the steps in a list and sends a tensor through them. A step is anything
that can be **called** with a tensor. Your activations are not `Layer`s: they own nothing and do the
same in both modes. Even a plain function will do, as long as it owns nothing either: a function
hides the layers it uses, since no walk can look into it. Put the layer itself into the list.

Note what the class does *not* need: no `parameters`, no `train`, no `eval`. The steps sit in an
attribute, so your walk finds them. Nor does `forward` take a `training` argument, for it could not
know which of its steps accept one: silence the dropout in a model with `model.eval()`.

The most common slip is to write `ReLU`, the class, instead of `ReLU()`, an object made from it.
Both can be called! **What will this print?**
"""

# %%
try:
    print(ReLU(Tensor([-1.0, 2.0])))  # what a list with ReLU in it would do
except TypeError as error:
    print(f"TypeError: {error}")

# %% [markdown]
"""
An error about arguments, deep inside a forward pass, and no word of the real mistake. Your
container refuses such a step at once, while it is being built.
"""

# %% nbgrader={"grade": false, "grade_id": "layers_sequential", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Sequential(Layer):
    """Layers in a row: each one's output is the next one's input.

    Sequential(a, b, c) and Sequential([a, b, c]) are the same. A step may be a Layer or anything
    else that can be called with a tensor. `len`, iteration and indexing work as for a list; a
    slice is a Sequential of the same layers.

    Attributes:
        layers: the steps, a list of its own.
    """

    def __init__(self, *layers: Any) -> None:
        """Keep the steps: several arguments, or a single list or tuple of them.

        Raises:
            TypeError: a step cannot be called, or is a class instead of an object made from it.
                The message contains the step's position, counted from 0, as "position 1", and
                its repr.
        """
        ### BEGIN SOLUTION
        if len(layers) == 1 and isinstance(layers[0], (list, tuple)):
            layers = layers[0]
        for position, layer in enumerate(layers):
            if isinstance(layer, type) or not callable(layer):
                raise TypeError(
                    f"Sequential holds layers, but position {position} is {layer!r}. "
                    "For a class, write its name with (...)."
                )
        self.layers = list(layers)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Send `x` through all layers, first to last; `x` itself comes back if there are none.

        Example:
            Sequential(first, second)(x) equals second(first(x)).
        """
        ### BEGIN SOLUTION
        for layer in self.layers:
            x = layer(x)
        return x
        ### END SOLUTION

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator:
        return iter(self.layers)

    def __getitem__(self, index: int | slice) -> Any:
        return Sequential(self.layers[index]) if isinstance(index, slice) else self.layers[index]

    def __repr__(self) -> str:
        shown = [repr(layer).replace("\n", "\n  ") for layer in self.layers]
        lines = [f"  ({position}): {layer}" for position, layer in enumerate(shown)]
        return "\n".join(["Sequential(", *lines, ")"])

# %% [markdown]
"""
*What is checked:* the order of the steps, both ways of building, plain functions as steps, nested
containers, modes and parameters, that the steps are kept, and what is refused.
"""

# %% nbgrader={"grade": true, "grade_id": "test_layers_sequential", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@probe
def steps_kept(form):
    """The length of a Sequential of three Dropouts, given one by one or together."""
    steps = [Dropout(0.5), Dropout(0.5), Dropout(0.5)]
    try:
        if form == "Sequential(a, b, c)":
            return len(Sequential(*steps))
        return len(Sequential(steps if form == "Sequential([a, b, c])" else tuple(steps)))
    except TypeError as error:
        return f"{type(error).__name__}: these steps are refused"


@probe
def through_functions(names, number):
    """Send a number twice through steps that are plain functions; then the number of steps."""

    def double(x):
        return x * 2

    def add_3(x):
        return x + 3

    model = Sequential(*[{"double": double, "add_3": add_3}[name] for name in names])
    first, second = model.forward(Tensor([number])), model.forward(Tensor([number]))
    return [float(first.data[0]), float(second.data[0]), len(model)]


@probe
def steps_after_the_list_grew():
    """The length of a Sequential made from a list to which a step is added afterwards."""
    steps = [Dropout(0.5)]
    model = Sequential(steps)
    steps.append(Dropout(0.5))
    return len(model)


def test_layers_sequential():
    for form in ("Sequential(a, b, c)", "Sequential([a, b, c])", "Sequential((a, b, c))"):
        check.equal(steps_kept(form), 3, given=f"len({form})",
                    because="a single list or tuple is the list of steps")
    a, b, x = Linear(2, 2), Linear(2, 2, bias=False), Tensor([[1.0, 2.0]])
    a.weight, a.bias = Tensor([[1.0, -1.0], [2.0, 0.5]]), Tensor([0.5, 0.0])
    b.weight = Tensor([[10.0, 0.0], [100.0, 1.0]])
    nested = Sequential(Sequential(a, b), Sequential(b))
    for model, form in [(Sequential(a, b, b), "Sequential(a, b, b)"),
                        (Sequential([a, b, b]), "Sequential([a, b, b])"),
                        (Sequential((a, b, b)), "Sequential((a, b, b))"),
                        (nested, "Sequential(Sequential(a, b), Sequential(b))")]:
        check.close(model.forward(x), [[550.0, 0.0]],
                    given=f"{form} of Linear layers, x = [[1, 2]]",
                    because="a(x) is [[5.5, 0]], then b makes it [[55, 0]], then [[550, 0]]")
    check.equal(through_functions(["double", "add_3"], 5.0), [13.0, 13.0, 2],
                given="5 through Sequential(double, add_3), two functions, twice; then its length",
                because="a step is anything that can be called: 5 * 2 = 10, then 10 + 3 = 13")
    check.true(Sequential().forward(x) is x, given="Sequential()(x): is the result x itself",
               because="without layers, nothing happens to x")
    inner = Sequential(Linear(8, 2, bias=False), Dropout(0.9))
    model = Sequential(Linear(3, 8), Dropout(0.5), inner)
    check.equal([parameter.shape for parameter in model.parameters()], [(3, 8), (8,), (8, 2)],
                given="the shapes of a nested model's parameters",
                because="the walk finds them in self.layers")
    x = Tensor(np.ones((30, 3)))
    expected = (x.data @ model[0].weight.data) @ model[2][0].weight.data
    check.close(model.eval().forward(x), expected, rtol=1e-4, atol=1e-5,
                given="linear layers with two Dropouts between, after eval()",
                because="in evaluation mode every Dropout passes its input through")
    check.true(not np.allclose(model.train().forward(x).data, expected),
               given="does the result of the same model change after train()",
               because="in training mode Dropout is active again")
    same = [layer is other for layer, other in zip(model, model[:], strict=True)]
    check.equal([len(model), same, len(model[1:])], [3, [True, True, True], 2],
                given="len, iteration and slices of a Sequential of three layers",
                because="a Sequential can be read like a list")
    check.equal(steps_after_the_list_grew(), 1,
                given="the length of Sequential(steps), one step, after steps.append(another)",
                because="the container keeps a list of its own")
    for wrong, word in [(Linear, "Linear"), (3, "3"), ("ReLU", "'ReLU'")]:
        check.raises(TypeError, lambda wrong=wrong: Sequential(a, wrong),
                     given=f"Sequential(a, {word})", mentions=["position 1", word],
                     because="a class, a number or a word is not a step")


test_layers_sequential()

# %% [markdown]
r"""
## Part 9: The right size for any activation (open)

In Part 2 nothing stood between the products, and $\sqrt{1/\text{in}}$ kept the size. In a network
there are activations, and they take something away. What matters for the next layer is the
**typical size** of the numbers it receives: the root of the mean of their squares (*root mean
square*, RMS). Here is the tool of 2010 again, as one number per layer:
"""

# %%
def sizes_by_layer(model, x):
    """The typical size (root mean square) of what comes out of each Linear of a Sequential."""
    sizes = []
    for layer in model:
        x = layer(x)
        if isinstance(layer, Linear):
            sizes.append(float(np.sqrt(np.mean(x.data * x.data))))
    return sizes


# %% [markdown]
"""
**Predict.** Ten layers with `initial_weight`, each followed by the activation. Which of the three
loses the most? Will any of them *grow*?
"""

# %%
np.random.seed(0)
for activation in (Tanh(), ReLU(), Sigmoid()):
    layers = [step for _ in range(10) for step in (Linear(256, 256), activation)]
    sizes = sizes_by_layer(Sequential(layers), Tensor(np.random.randn(64, 256)))
    shown = "  ".join(f"{size:.3f}" for size in sizes[::3])
    print(f"{type(activation).__name__:<8} after layers 1, 4, 7, 10:  {shown}")

# %% [markdown]
"""
Tanh and ReLU lose size at every layer. Sigmoid seems to do well, but look again: its outputs lie
around 1/2, and nearly all the size that is left is this 1/2, the same for every row. One number
never tells everything; the histograms of Part 2 would have shown it.

Each activation needs a scale of its own. For ReLU the right one was published in 2015, five years
after Glorot and Bengio, and made networks of thirty layers trainable. You can do better: write one
function that finds the scale for **any** activation, also for one that nobody has invented yet.

This exercise is *open*: the docstring says what must hold, and how you get there is up to you.
"""

# %% nbgrader={"grade": false, "grade_id": "layers_scale_for", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "open"}
def scale_for(activation: Any, in_features: int) -> float:
    """The standard deviation of weights that keeps the typical size at 1 after `activation`.

    Take x, a batch of standard normal numbers with in_features columns. Then the typical size
    (root mean square) of `activation(x) @ W` is 1, up to chance, when the entries of W are
    independent normal numbers with mean 0 and the standard deviation returned here.

    Args:
        activation: called with a Tensor, gives a Tensor of the same shape. It works on each
            number by itself. Nothing else is known about it.
        in_features: the number of rows of W.

    Returns:
        A positive float, right to within 2 %: the same for the same arguments at every call.
        NumPy's global random state is as it was before.

    Example:
        scale_for(an activation that changes nothing, 100) is about 0.1
    """
    ### BEGIN SOLUTION
    x = np.random.default_rng(0).standard_normal(200_000)
    bent = activation(Tensor(x)).data
    return float(1 / np.sqrt(in_features * np.mean(bent * bent)))
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* activations you know and two you do not, that the size really stays 1 after
them, the same answer at every call, and an untouched random state.
"""

# %% nbgrader={"grade": true, "grade_id": "test_layers_scale_for", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
@probe
def scales(case, in_features):
    """scale_for of an activation, by name."""
    found = {
        "nothing": lambda x: x,
        "double": lambda x: x * 2,
        "relu": ReLU(),
        "square": lambda x: x * x,
        "one": lambda x: x * 0 + 1,
    }[case]
    return scale_for(found, in_features)


@probe
def size_after(case, width):
    """The typical size of activation(x) @ W with weights of the scale that scale_for gives."""
    activation = {
        "Tanh": Tanh(), "Sigmoid": Sigmoid(), "ReLU": ReLU(),
        "|x| - 0.5": lambda x: Tensor(np.abs(x.data) - 0.5),
    }[case]
    rng = np.random.default_rng(1)
    bent = activation(Tensor(rng.standard_normal((400, width)))).data
    weight = rng.standard_normal((width, width)) * scale_for(activation, width)
    return round(float(np.sqrt(np.mean((bent @ weight) ** 2))), 4)


@probe
def next_random_numbers(calls):
    """The next number of NumPy's global random state, after so many calls of scale_for."""
    np.random.seed(7)
    for _ in range(calls):
        scale_for(ReLU(), 10)
    return float(np.random.random())


def test_layers_scale_for():
    check.close(scales("nothing", 100), 0.1, rtol=0.02,
                given="an activation that changes nothing, 100 inputs",
                because="without an activation it is the scale of initial_weight; to be right to "
                "2 % takes many numbers")
    check.close(scales("double", 100), 0.05, rtol=0.02, given="x * 2, 100 inputs",
                because="twice the numbers need half the weights")
    check.close(scales("relu", 200), 0.1, rtol=0.02, given="ReLU, 200 inputs",
                because="the size after it is measured over all numbers, zeros included")
    check.close(scales("square", 300), 1 / 30, rtol=0.02, given="x * x, 300 inputs",
                because="the mean of x**4 is 3 for standard normal x; the mean counts as size too")
    check.close(scales("one", 16), 0.25, rtol=0.02, given="an activation that is 1 everywhere, 16",
                because="every number has size 1, though their spread is 0")
    for case in ("Tanh", "Sigmoid", "ReLU", "|x| - 0.5"):
        check.close(size_after(case, 300), 1.0, atol=0.04,
                    given=f"the typical size of {case} of x, times W of your scale, 300 inputs",
                    because="it must be 1, as it was before the activation")
    check.equal(scales("relu", 50) == scales("relu", 50), True,
                given="scale_for(ReLU(), 50) == scale_for(ReLU(), 50)",
                because="the same question has the same answer every time")
    check.equal(type(scales("relu", 50)).__name__, "float",
                given="the type of scale_for(ReLU(), 50)",
                because="a plain number, which can be multiplied with anything")
    np.random.seed(7)
    untouched = float(np.random.random())
    check.equal(next_random_numbers(1), untouched,
                given="the next np.random.random() after seed 7 and one call",
                because="measuring must not change the model that is built next")


test_layers_scale_for()

# %% [markdown]
r"""
Now draw it: three activations, each with the scale of Part 2 and with yours. **What will you see**
after 30 layers, and which falls fastest?
"""

# %%
def chain_of(activation, scale, depth=30, width=256):
    """Typical sizes after each of `depth` pairs: the activation, then weights of that spread."""
    layers = [step for _ in range(depth) for step in (activation, Linear(width, width))]
    for layer in layers[1::2]:
        layer.weight = Tensor(np.random.randn(width, width) * scale, requires_grad=True)
    return sizes_by_layer(Sequential(layers), Tensor(np.random.randn(64, width)))


try:
    import matplotlib.pyplot as plt

    np.random.seed(0)
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for activation, color in [(ReLU(), "tab:blue"), (Tanh(), "tab:orange"), (GELU(), "tab:green")]:
        name = type(activation).__name__
        axes.plot(range(1, 31), chain_of(activation, 1 / 16), "--", color=color,
                  label=f"{name}, sqrt(1/in)")
        axes.plot(range(1, 31), chain_of(activation, scale_for(activation, 256)), color=color,
                  label=f"{name}, scale_for")
    axes.set(yscale="log", xlabel="layer", ylabel="typical size",
             title="With its own scale, each activation keeps its numbers alive")
    axes.legend(ncols=3, fontsize="small")
    plt.show()
except ImportError:
    print("Without matplotlib you miss six lines: three that fall, three that stay near 1.")

# %% [markdown]
r"""
ReLU throws away the negative half of its input, and with it half of the mean square. After 30
layers $(1/2)^{30}$ of it is left, so a typical size of $(1/\sqrt2)^{30} = 0.00003$, the end of the
dashed blue line. GELU falls faster still: near 0 it is about x/2, so numbers that have become small
keep only a quarter of their mean square at each layer. For ReLU the remedy is twice the variance,
$\sqrt{2/\text{in}}$, known as *He initialisation*: exactly what your function found without being
told. For the shallow networks ahead, $\sqrt{1/\text{in}}$ does well with all of them, so
`initial_weight` stays as it is.

## Part 10: A network that explodes (bug hunt)

A colleague has written `deep_network` and comes to you, puzzled:

> "Twelve hidden layers with ReLU, and for their weights the scale that suits ReLU, sqrt(2/in). With
> one hidden layer the answers look fine. With twelve they have more than ten digits! And when I ask
> `deep_network(64, 32, 12, 10)` for its parameters, far too few come: there should be 26 tensors, a
> weight and a bias in each of 13 linear layers."

Run it with the cell below it, look at both lines, and repair it. There may be more than one fault;
the docstring is right.
"""

# %% nbgrader={"grade": false, "grade_id": "layers_deep_network", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "bug hunt"}
def deep_network(inputs: int, width: int, depth: int, outputs: int) -> Sequential:
    """A network of `depth` hidden layers: Linear then ReLU, `depth` times, and a last Linear.

    The hidden layers have `width` outputs each. Their weights have the standard deviation
    sqrt(2 / in), which suits ReLU; the last layer's weight is left as Linear makes it. Every
    layer has a weight and a bias of its own, and all of them can be learned.

    Example:
        deep_network(64, 32, 2, 10) has the weights (64, 32), (32, 32), (32, 10).
    """
    ### BEGIN BROKEN
    # hidden = [Linear(width, width), ReLU()]
    # layers = [Linear(inputs, width), ReLU()] + hidden * (depth - 1)
    # for layer in layers[0::2]:
    #     layer.weight = layer.weight * float(np.sqrt(2))
    # return Sequential(*layers, Linear(width, outputs))
    ### END BROKEN
    ### BEGIN SOLUTION
    layers = [Linear(inputs, width), ReLU()]
    for _ in range(depth - 1):
        layers += [Linear(width, width), ReLU()]
    for layer in layers[::2]:
        layer.weight = Tensor(layer.weight.data * 2**0.5, requires_grad=True)
    layers.append(Linear(width, outputs))
    return Sequential(layers)
    ### END SOLUTION

# %%
np.random.seed(0)
net = deep_network(64, 32, 12, 10)
print("parameters:", len(net.parameters()))
print("sizes:", [f"{size:.2g}" for size in sizes_by_layer(net, Tensor(np.random.randn(64, 64)))])

# %% [markdown]
"""
*What is checked:* the steps in order, that every layer is an object of its own and can be learned,
the spread of every weight, and the sizes through twelve layers.
"""

# %% nbgrader={"grade": true, "grade_id": "test_layers_deep_network", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@probe
def look_into(depth, about, inputs=64, width=128):
    """Build a deep network with 10 outputs and report one thing about it."""
    np.random.seed(2)
    net = deep_network(inputs, width, depth, 10)
    if about == "kinds":
        return [type(layer).__name__ for layer in net]
    if about == "parameters":
        return [parameter.shape for parameter in net.parameters()]
    linears = [layer for layer in net if isinstance(layer, Linear)]
    if about == "spreads":
        scaled = [np.std(layer.weight.data) * np.sqrt(layer.in_features) for layer in linears]
        return [round(float(spread) ** 2, 3) for spread in scaled]
    x, sizes = Tensor(np.random.randn(64, inputs)), []
    for layer in net:
        x = layer(x)
        sizes += [float(np.sqrt(np.mean(x.data**2)))] if isinstance(layer, Linear) else []
    return [bool(0.2 < size < 10) for size in sizes]


def test_layers_deep_network():
    check.equal(look_into(2, "kinds"), ["Linear", "ReLU", "Linear", "ReLU", "Linear"],
                given="the steps of deep_network(64, 128, 2, 10)",
                because="two hidden layers with ReLU, then the last layer")
    check.equal(look_into(1, "parameters", width=32), [(64, 32), (32,), (32, 10), (10,)],
                given="the shapes of the parameters of deep_network(64, 32, 1, 10)",
                because="each weight can be learned: also one that was given another scale")
    check.equal(look_into(3, "parameters", width=32),
                [(64, 32), (32,), (32, 32), (32,), (32, 32), (32,), (32, 10), (10,)],
                given="the shapes of the parameters of deep_network(64, 32, 3, 10)",
                because="each layer has a weight and a bias of its own: count the parameters")
    check.close(look_into(4, "spreads"), [2.0, 2.0, 2.0, 2.0, 1.0], rtol=0.15,
                given="variance of each weight times its inputs, in deep_network(64, 128, 4, 10)",
                because="sqrt(2 / in) for the hidden layers, sqrt(1 / in) for the last one")
    check.equal(look_into(12, "sizes"), [True] * 13,
                given="12 hidden layers: is the typical size after each Linear between 0.2 and 10",
                because="the right scale neither lets the numbers grow nor vanish")


test_layers_deep_network()

# %% [markdown]
"""
Two silent faults, and both are common. `[layer] * 11` makes a list of eleven references to **one**
layer: multiplied by √2 eleven times over, and learned as one. And an operation on a weight makes
a *new* tensor, which is not one of the layer's own parameters. Neither raises an error. The two
numbers that gave them away, the count of parameters and the size by layer, cost one line each:
print them for every network you build.
"""

# %% [markdown]
r"""
# Use

## What does an untrained network answer?

TinyDigits are 1,200 handwritten digits of 8 x 8 pixels, scanned from forms that people filled in:
1,000 to learn from, 200 to test with, equally many of each digit. Your tensors, activations and
layers in one model look at the 200: each image goes in as 64 numbers and comes out as 10.
"""

# %%
_, _, images, labels = load_tinydigits()
pixels = Tensor(images.reshape(-1, 64))


def fresh_classifier(seed):
    """A network for TinyDigits that has not learned anything."""
    np.random.seed(seed)
    return Sequential(Linear(64, 32), ReLU(), Dropout(0.2), Linear(32, 10)).eval()


model = fresh_classifier(0)
print(model)
print("images", pixels.shape, "-> answers", model(pixels).shape)
print("numbers that can learn:", sum(parameter.size for parameter in model.parameters()))

# %% [markdown]
"""
**Predict.** Nobody has told the network anything. What share of the 200 digits does it get right?
When you count its answers, how often does it say 0, how often 1, and so on?
"""

# %%
print(f"{'how often it said':>58}", *(f"{digit:4}" for digit in range(10)))
for seed in range(5):
    probabilities = Softmax()(fresh_classifier(seed)(pixels)).data
    answers = probabilities.argmax(axis=1)
    right, sure = (answers == labels).mean(), probabilities.max(axis=1).mean()
    said = np.bincount(answers, minlength=10)
    print(f"seed {seed}: {right:6.1%} right, {sure:.0%} sure on average{'':17}",
          *(f"{count:4}" for count in said))

# %% [markdown]
"""
About one in ten right, as you would expect. The rest is a surprise: the network does not spread its
answers evenly. It has **favourites**: a few digits get most of the answers, and some may never be
said at all. All images have ink in the middle and paper at the edges, and random weights turn what
the images share into a preference. Another seed, usually another favourite. But at least the
network is *modest*: on average it gives its best answer less than one chance in five.

**Predict.** The same network, with weights of scale 1 instead of yours. Will it be right more
often? Will it still be modest?
"""

# %%
for seed in range(5):
    loud = fresh_classifier(seed)
    for layer in (loud[0], loud[3]):
        layer.weight = Tensor(np.random.randn(*layer.weight.shape), requires_grad=True)
    probabilities = Softmax()(loud(pixels)).data
    right, sure = (probabilities.argmax(axis=1) == labels).mean(), probabilities.max(axis=1).mean()
    print(f"seed {seed}: {right:6.1%} right, {sure:.0%} sure on average")

# %% [markdown]
"""
Still guessing, and now sure of it. Learning has to undo that before it can begin. So the scale of
Part 2 has a second meaning: a well-scaled fresh network *admits that it does not know*. Module 04
puts a number on the difference.
"""

# %%
try:
    import matplotlib.pyplot as plt

    chosen = [int(np.flatnonzero(labels == digit)[0]) for digit in range(10)]
    table = Softmax()(fresh_classifier(0)(pixels)).data[chosen]
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 5.5), width_ratios=[1, 12],
                                         layout="constrained")
    apart = np.pad(images[chosen], ((0, 0), (1, 1), (0, 0)))  # paper between two digits
    left.imshow(apart.reshape(-1, 8), cmap="gray_r", aspect="auto")
    left.set(xticks=[], yticks=[], title="it sees")
    picture = right.imshow(table, vmin=0, vmax=0.2, cmap="Blues", aspect="auto")
    right.set(xticks=range(10), yticks=range(10), title="Untrained: nearly the same answer to all")
    right.set(xlabel="probability that it is a ...", ylabel="the digit it sees")
    figure.colorbar(picture)
    plt.show()
except ImportError:
    print("Without matplotlib you miss a table of ten digits by ten answers, with dark columns.")

# %% [markdown]
"""
Columns, not a diagonal: the answer hardly depends on the image. A trained network would show a dark
diagonal. That is the work of the next four modules.

## A model of your own shape

In the next model the input also goes *past* the layers and is added to what comes out of them. A
chain has one way only, so this needs a `forward` of its own.

**Predict.** Each block has two linear layers and one Dropout. How many tensors will be found, and
do you have to write anything for that?
"""

# %%
class WithShortcut(Layer):
    """Adds what came in to what came out."""

    def __init__(self, width):
        self.body = Sequential(Linear(width, width), Tanh(), Dropout(0.1), Linear(width, width))

    def forward(self, x):
        return x + self.body(x)


tower = Sequential([WithShortcut(16) for _ in range(3)])
print("parameters of the tower:", len(tower.parameters()), "tensors")
tower.eval()
modes = [part.training for part in walk(tower) if isinstance(part, Dropout)]
print("dropout modes after eval():", modes)

# %% [markdown]
r"""
Whatever shape a model has, `walk` sees it: parameters and modes come for free.

# Reflect

## What it costs

Three quantities decide whether a model fits a machine: the memory of its **parameters**, the memory
of its **activations** (here the word means the *numbers* that the steps produce, not the functions
of Module 02), and the **operations** per pass. All three follow from the shapes. The model from
here on takes images of 28 x 28 = 784 pixels, the size of a well-known larger set of digits.
"""

# %%
np.random.seed(0)
classifier = Sequential(
    Linear(784, 256), ReLU(), Dropout(0.5),
    Linear(256, 128), ReLU(), Dropout(0.3),
    Linear(128, 10),
)
total = sum(parameter.size for parameter in classifier.parameters())
print(f"{'layer':<52} {'weights':>8} {'biases':>7} {'KB':>7} {'share':>6}")
for layer in classifier:
    if isinstance(layer, Linear):
        count = layer.weight.size + layer.bias.size
        print(f"{layer!r:<52} {layer.weight.size:>8} {layer.bias.size:>7} "
              f"{count * 4 / 1000:>7.1f} {count / total:>6.1%}")
predicted = 784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10
print(f"predicted {predicted}, counted {total}")

# %% [markdown]
"""
The biases hardly count, and the first layer, which meets the raw input, holds most of the model.

### Parameters stay, activations grow

While a model is *used*, a result may go as soon as the next step has read it. While it is
*trained*, the results must stay: they will be needed to find out how each weight should change.
In numbers per example:

- **used**: the most crowded moment is the first ReLU, with the input (784), what `Linear` made of
  it (256) and what ReLU makes of that (256) in memory together: 1,296 numbers, 5.2 KB;
- **trained**: the input; then the results of Linear and ReLU, the mask and the product with it for
  each of the first two layers; then the last result: 784 + 4 x 256 + 4 x 128 + 10 = 2,330 numbers,
  9.3 KB.

**Predict.** The parameters take 941 KB, whatever the batch. From which batch size on do the
activations of a training pass take more?

(A listener at `compute` holds on to all results, as training will. What is measured beyond the
prediction is mostly NumPy's own working space.)
"""

# %%
def kilobytes_of_a_pass(model, x, training):
    """Peak memory of one pass, the input included; while training, every result is kept."""
    kept = []
    set_training_mode(model, training)
    before = Tensor.__dict__["_record"]
    Tensor._record = staticmethod(lambda *news: kept.append(news)) if training else None
    tracemalloc.start()
    try:
        model(x)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        Tensor._record = before
    return (x.memory_footprint() + peak) / 1000


for batch in (1, 32, 128, 1024):
    x = Tensor(np.random.rand(batch, 784))
    used, trained = (kilobytes_of_a_pass(classifier, x, training) for training in (False, True))
    print(f"batch {batch:>4}: used {used:>5.0f} KB (predicted {batch * 1296 * 4 / 1000:>4.0f}), "
          f"trained {trained:>5.0f} KB (predicted {batch * 2330 * 4 / 1000:>4.0f})")
_ = classifier.eval()

# %% [markdown]
"""
Parameters are paid once, activations per example. By the prediction the two meet at a batch of
about 100: 940,584 bytes / 9,320 bytes. A training pass keeps 1.8 times what a pass in use needs;
the deeper the model, the larger this factor, since use needs the most crowded moment only.

### Time: what is the machine doing?

For each of the batch x out results, a linear layer multiplies and adds `in` times: two
floating-point operations each. ReLU does one operation per number, dropout draws a random number
for each and multiplies.

**Predict.** By operations, the first Linear is 1,568 times the work of the ReLU after it. And by
the clock?
"""

# %%
def best_time(call, repeats=20):
    """Seconds of the fastest of several calls: the one that was disturbed least."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


x = Tensor(np.random.rand(256, 784))
after_linear = classifier[0](x)
steps = {
    "Linear(784, 256)": (lambda: classifier[0](x), 2 * 784),
    "ReLU()": (lambda: classifier[1](after_linear), 1),
    "Dropout(0.5)": (lambda: Dropout(0.5)(after_linear), 1),
}
print("on your machine, a batch of 256:")
for name, (call, per_number) in steps.items():
    seconds = best_time(call)
    operations = per_number * after_linear.size
    print(f"{name:<17} {operations / 1e6:>6.2f} million operations in {seconds * 1e6:>6.0f} us"
          f" = {operations / seconds / 1e9:>6.2f} GFLOP/s")

# %% [markdown]
"""
The product does a thousand times the operations in far less than a thousand times the time. It is
what the hardware is built for: each number that is fetched from memory is used hundreds of times.
ReLU and dropout use each number once, so they wait for memory (and dropout for its dice).
**Operations alone do not tell the time.**

**Predict.** Is a batch of 512 about 512 times as slow as one image, or less?
"""

# %%
for batch in (1, 8, 32, 128, 512):
    x = Tensor(np.random.rand(batch, 784))
    seconds = best_time(lambda x=x: classifier(x))
    print(f"batch {batch:>4}: {seconds * 1e3:>6.2f} ms per pass, "
          f"{batch / seconds:>8.0f} examples per second")

# %% [markdown]
r"""
A batch reads the 941 KB of weights once for all its rows, and shares the cost of every Python call.
One pass takes longer (*latency*), yet from batch 1 to 32 more examples pass per second
(*throughput*). Where that ends depends on your machine: on its caches, and on what else is running.

## Questions

**1.** The classifier is given colour images, 28 x 28 x 3. By what factor do its parameters and its
multiply-adds grow, and which one number of the table did you need?

<details><summary>Answer</summary>

The first weight has 2,352 rows instead of 784: 401,408 parameters more, 2.7 times as many in all,
and 401,408 multiply-adds more for each image, 2.7 times as well. The share of the first layer,
85 %, is enough: 0.15 + 3 x 0.85 = 2.7.
</details>

**2.** You double the width of the two hidden layers, to 512 and 256. Say before you calculate:
which grows more, the parameters or the activations of a training pass? And which single matrix
becomes four times as large?

<details><summary>Answer</summary>

The parameters. Their number becomes 784 x 512 + 512 + 512 x 256 + 256 + 256 x 10 + 10 = 535,818,
2.3 times as many. (The middle weight has four times as many entries, the first and the last twice.)
Activations per example: 784 + 4 x 512 + 4 x 256 + 10 = 3,866 numbers instead of 2,330, 1.7 times as
many: they grow with the width only, and the input does not grow at all.
</details>

**3.** Somebody puts `Dropout(0.5)` after the *last* linear layer of a digit classifier. The
program runs. What happens to the answers while training?

<details><summary>Answer</summary>

Each of the ten results has a coin: about five digits get the result 0, whatever the image shows,
and the others are doubled. The network is told off for answers it did not give. Dropout belongs
where the next layer can make up for what is missing; after the last layer there is none.
</details>

**4.** (A new case.) One input row describes a single word out of a list of 50,000: one entry is 1,
all others are 0. Which standard deviation of the weights gives outputs of typical size 1? Why not
$\sqrt{1/50000}$?

<details><summary>Answer</summary>

Standard deviation 1. The sum over 50,000 inputs has only one term that is not zero, so
$\mathrm{Var}(y) = \mathrm{Var}(W)$. The derivation of Part 2 assumed inputs with spread 1 in
*every* column. It counts the terms that take part, and here one does. With $\sqrt{1/50000}$ the
outputs would have a typical size of 0.0045.
</details>

**5.** (A new case.) A hospital wants to know how sure a trained network is of one X-ray image. The
idea: let it answer the *same* image a hundred times with dropout left on, and look at how much the
answers differ. Which of your switches do you use, if everything but dropout should be in evaluation
mode?

<details><summary>Answer</summary>

`model.eval()` for everything; then go through `walk(model)` and set `training = True` on each part
that is a `Dropout`, and on nothing else.

If the answers agree although a different half of the network is missing each time, they rest on
many pieces of evidence; if they scatter, on few. (The idea is called Monte Carlo dropout.) It
measures how much the network agrees with itself, which is not the same as being right.
</details>

**6.** (Without an answer.) Your framework *searches* for parameters; PyTorch has every layer
*register* them. Each way finds something that the other misses, and each is silent about something.
Which would you choose for a team of a hundred people, most of whom have never read the framework's
code? What would you make it say out loud?
"""

# %% [markdown]
"""
## Common errors

| what you see | what it means | what to do |
|---|---|---|
| `Linear(...) got an input of shape (32, 128)` | the layer before gives 128 numbers | match both |
| the same with `(200, 8, 8)` | images are not rows yet | `x.reshape(-1, 64)` |
| `position 1 is <class '...ReLU'>` | `ReLU` is the class | write `ReLU()` |
| `'list' object has no attribute 'shape'` | a layer got a list | `layer(Tensor(numbers))` |
| `needs a probability p ... got p=50` | 50 percent is 0.5 | `Dropout(0.5)` |
| `unexpected keyword argument 'training'` | only Dropout takes it | `model.eval()` |
| `MyLayer does not define forward(x)` | misspelt, or wrongly indented | `dir(MyLayer)` |
| answers differ from call to call | a Dropout is still on | `model.eval()` before use |
| no message, but a part never learns | not marked, or hidden | count `parameters()` |
| numbers grow or vanish with depth | wrong scale, or a layer repeated | sizes by layer (Part 9) |

The words of the first, third and fifth message are your own. What hides a tensor: a set, or a
function that uses a layer. What takes the mark away: any operation on a weight; its result is a new
tensor.

## In production

`Sequential(Linear(784, 256), ReLU(), Dropout(0.5))` and `model.eval()` are the same lines in
PyTorch (only `model.parameters()` is an iterator there: `list(model.parameters())`). The
differences lie underneath:

| | yours | PyTorch |
|---|---|---|
| shape of a Linear's weight | (in, out) | (out, in), transposed in the product |
| first weights | normal, spread sqrt(1/in) | uniform within ± sqrt(1/in), spread sqrt(1/(3 in)) |
| first bias | zeros | uniform within ± sqrt(1/in) |
| finding parameters | a walk over everything inside | registered when assigned to an attribute |

How far does $xW + b$ carry? GPT-3 has 175 billion parameters (350 GB in 16-bit floats), nearly all
of them in linear layers like yours.

## Read the source

> **`torch/nn/modules/module.py`**, the method `Module.__setattr__`, and
> **`torch/nn/modules/linear.py`**, the method `Linear.reset_parameters`.
>
> *Look for:* the dictionaries `_parameters` and `_modules`, into which an assignment such as
> `self.fc = Linear(3, 2)` is sorted; and the call that draws the first weights. Work out from its
> argument `a=math.sqrt(5)` which spread comes out.
>
> *Simpler in ours:* nothing happens on assignment; one function, `walk`, looks when it is asked.
>
> *Different in behaviour:* put layers into a plain list, `self.parts = [Linear(3, 2)]`. Yours finds
> 2 parameters, PyTorch finds none and does not complain: it needs `nn.ModuleList`. And
> `model.train(1)` is an error there, where `set_training_mode(model, 1)` stores True here.

## Further reading

- **Glorot and Bengio, 2010**, *Understanding the difficulty of training deep feedforward neural
  networks*. The histograms of Part 2 in the original: read the figures first.
- **He, Zhang, Ren and Sun, 2015**, *Delving Deep into Rectifiers*. Section 2.2 does for ReLU what
  your `scale_for` does for everything; check its argument against yours.
- **Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, 2014**, *Dropout: A Simple Way to
  Prevent Neural Networks from Overfitting*. Why forgetting helps, with pictures of what single
  units learn with and without it.

## All together
"""

# %%
def test_module():
    """All tests of this module, then a whole model put to use."""
    for test in (
        test_layers_initial_weight, test_layers_linear, test_layers_linear_layer,
        test_layers_children, test_layers_walk, test_layers_parameters,
        test_layers_training_mode, test_layers_dropout_mask, test_layers_dropout,
        test_layers_sequential, test_layers_scale_for, test_layers_deep_network,
    ):
        test()

    np.random.seed(1)
    network = Sequential(
        Linear(784, 256), ReLU(), Dropout(0.5), Linear(256, 128), ReLU(), Linear(128, 10)
    )
    batch = Tensor(np.random.rand(8, 784))
    check.equal(network(batch).shape, (8, 10), given="8 images through 784-256-128-10",
                because="ten numbers for each image")
    check.equal(sum(parameter.size for parameter in network.parameters()), 235_146,
                given="the parameters of 784-256-128-10",
                because="(784*256 + 256) + (256*128 + 128) + (128*10 + 10)")
    calm = network.eval()(batch).data
    check.close(network(batch), calm, given="two passes in evaluation mode",
                because="nothing is random any more")
    check.true(0.05 < float(calm.std()) < 2.0, given="the spread of a fresh network's answers",
               because="well-scaled weights neither blow the numbers up nor let them vanish")
    print("Module 03 (Layers): all tests passed; a network with 235,146 parameters runs.")


test_module()

# %% [markdown]
"""
## What this unlocks

You have models: things that hold numbers, use them on data, and can tell anyone which numbers those
are. **Module 04 (Losses)** measures how wrong their answers are. **Module 05 (Autograd)** finds out
which way each of the `parameters()` should change, and **Module 06 (Optimizers)** makes the change.

Close the module in a terminal:

```
tito module complete 03
```

And try your framework at once, in any Python:

```python
from tinytorch.nn import Linear, ReLU, Sequential
model = Sequential(Linear(2, 3), ReLU(), Linear(3, 1))
print(model, [parameter.shape for parameter in model.parameters()])
```
"""
