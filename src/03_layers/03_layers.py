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

**Tier** Foundation | **Difficulty** ●●○○ | **Time** 5-7 hours | **Prerequisites** 01 Tensor, 02
Activations

A tensor holds numbers and an activation bends them. Neither has anything to *learn*. A **layer**
does: it owns tensors that can change, and a rule that uses them. You build the layer every network
leans on (`Linear`), the one that makes networks forget on purpose (`Dropout`), the container that
chains them (`Sequential`), and the machinery that finds every learnable number in a model, however
deep it hides.

## Where this module stands

```
   01 Tensor            02 Activations
   (data, @, +, *)      (ReLU, Sigmoid, Tanh, GELU, Softmax)
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

In words: Layers takes the arithmetic of Module 01 and the activations of Module 02, and gives whole
models to Module 04, which measures how wrong they are, and to Modules 05 and 06, which improve
them.

## Learning objectives

By the end of this module you can

1. write the linear transformation $y = xW + b$ for a batch of any shape, and say what each matrix
   dimension means;
2. derive the weight scale $\sqrt{1/\text{in}}$ from one line about variances, and show what happens
   without it;
3. collect every parameter of a nested model exactly once, and switch the whole model between two
   modes;
4. implement dropout with inverted scaling, and explain why the survivors grow;
5. predict the parameters, bytes and operations of a network before running it, and check the
   prediction.

## What you build

| part | name | idea |
|---|---|---|
| 1 | `Layer` | one way to call any layer |
| 2 | `initial_weight` | random numbers of the right size |
| 3 | `Linear` | $y = xW + b$ |
| 4 | `walk` | visit everything inside a model, once |
| 5 | `collect_parameters` | find what can be learned |
| 6 | `set_training_mode` | one switch for the whole model |
| 7 | `dropout_mask`, `Dropout` | forget at random, keep the average |
| 8 | `Sequential` | a network is a list |

**Not yet**: nothing here learns. How a weight should change (Module 05), the step that changes it
(Module 06) and the training loop (Module 07) come later. But you will already mark and collect
every number that is going to learn.
"""

# %%
#| default_exp core.layers

# %%
#| export
from types import ModuleType  # the type of an imported module such as np
from typing import Self  # in an annotation: an object of the class that the method belongs to

import numpy as np

from tinytorch.core.tensor import Tensor

# %%
# For the test cells and experiments below; not part of your framework.
import time
import tracemalloc

from tinytorch.core.activations import ReLU, Softmax, Tanh
from tito.checks import check, probe

# %% [markdown]
"""
## Part 1: One way to call them all

Whatever a layer computes, the code around it should not care: `layer(x)` has to work for a linear
layer, for dropout and for a layer you invent next week. The base class `Layer` makes that promise: a
subclass writes **`forward`**, the computation itself, and people write **`layer(x)`**, which Python
turns into `layer.__call__(x)`, which hands over to `forward`. Why the detour? Anything that should
happen around *each* computation (counting, timing, logging) needs to be written once, in
`__call__`.

The rest of the class is given. `parameters`, `train` and `eval` call two functions that you write
in Parts 5 and 6. And `training = True` stands in the *class*, not in an `__init__`: Python looks
for an attribute in the object first and in its class after that, so every layer starts in training
mode even when a subclass forgets to call `super().__init__()`.
"""

# %% nbgrader={"grade": false, "grade_id": "layers_call", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Layer:
    """One step of a network: called like a function, knows its parameters and its mode.

    A subclass defines `forward(x)`. Its parameters are the tensors with `requires_grad=True` that
    it keeps in attributes, directly or inside lists, tuples, dicts and other objects.
    """

    training = True  # the mode; a class attribute, so that it exists without any __init__

    def forward(self, x: Tensor, *args, **kwargs) -> Tensor:
        """Compute the output of this layer. Every subclass writes its own."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward(x)")

    def __call__(self, x: Tensor, *args, **kwargs) -> Tensor:
        """Run `forward` on `x`, so that `layer(x)` reads like a function.

        Whatever else this layer's `forward` accepts is passed on unchanged: positional arguments
        as positional, named ones as named. Returns what `forward` returned.

        Example:
            layer(x, training=False) does what layer.forward(x, training=False) does.
        """
        ### BEGIN SOLUTION
        return self.forward(x, *args, **kwargs)
        ### END SOLUTION

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

# %% nbgrader={"grade": true, "grade_id": "test_layers_call", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def result_of(call):
    """Call a layer whose forward returns exactly what it was given."""

    class Recorder(Layer):
        def forward(self, x, *args, **kwargs):
            return [x, list(args), kwargs]

    return eval(call, {"layer": Recorder()})


def test_layers_call():
    """Calling a layer runs its forward with the same arguments and returns the result."""
    for call, expected, because in [
        ("layer(1)", [1, [], {}], "calling a layer runs its forward and returns what forward returned"),
        ("layer(2, 3, 4)", [2, [3, 4], {}], "positional arguments after x reach forward in the same order"),
        ("layer(5, mask=6)", [5, [], {"mask": 6}], "named arguments reach forward under their names"),
        ("layer(7, 8, mask=9)", [7, [8], {"mask": 9}], "both kinds of arguments may come together"),
    ]:
        check.equal(result_of(call), expected, because=because,
                    given=f"{call}, where forward(x, *args, **kwargs) returns [x, list(args), kwargs]")


test_layers_call()

# %% [markdown]
r"""
## Part 2: How large should a random weight be?

A linear layer owns a matrix of weights. Before any learning they have to hold *something*. All
zeros will not do: every column would compute the same output, and whatever corrects one column
corrects them all alike, so that they stay equal for ever. So weights start **random**. But how
large?

Measure: send a batch through ten random matrices in a row and watch the spread (the standard
deviation) of the numbers that come out. What activations between them change, you will measure in
*Reflect*.
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
With scale 1 the numbers grow a million-million-fold in ten layers; with 0.01 they all but vanish.
Every layer multiplies the spread by the same factor, and depth turns any factor other than 1 into a
disaster. Somewhere between 0.01 and 0.1 there must be a scale that multiplies by exactly one.

**The argument, in one line of variances.** The *variance* is the square of the spread. For numbers
that are drawn independently of each other, with mean zero, two facts are all you need:

- the variance of a *product* is the product of the variances;
- the variance of a *sum* is the sum of the variances.

One output is a sum of `in` products,

$$y_j = \sum_{i=1}^{\text{in}} x_i\, W_{ij}
\qquad\text{so}\qquad
\mathrm{Var}(y) = \text{in} \cdot \mathrm{Var}(x) \cdot \mathrm{Var}(W)$$

The output has the variance of the input exactly when $\text{in}\cdot\mathrm{Var}(W) = 1$. The
spread of the weights is the square root of their variance:

$$\text{scale} = \sqrt{\frac{1}{\text{in}}}$$

More inputs, smaller weights: 1000 inputs call for about 0.032, 10 inputs for about 0.316. This
choice goes by the name *Xavier initialisation* (in the form that counts the inputs only; also
called LeCun initialisation).
"""

# %% nbgrader={"grade": false, "grade_id": "layers_initial_weight", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def initial_weight(in_features: int, out_features: int) -> Tensor:
    """A fresh random weight matrix that keeps the spread of the numbers passing through it.

    The entries are independent draws from the normal distribution with mean 0 and standard
    deviation sqrt(1 / in_features). They come from NumPy's global random state
    (`np.random.randn`), so that `np.random.seed` makes a model reproducible.

    Args:
        in_features: number of inputs, the rows of the matrix.
        out_features: number of outputs, the columns of the matrix.

    Returns:
        A Tensor of shape (in_features, out_features) with requires_grad=True, which marks it
        as something that can be learned.

    Example:
        initial_weight(100, 5) has shape (100, 5); about two thirds of
        its entries lie within 0.1 of zero (one standard deviation).

    Steps:
        1. Compute the scale, sqrt(1 / in_features).
        2. Draw an (in_features, out_features) array of standard normal numbers.
        3. Multiply it by the scale and wrap it in a Tensor that is marked as trainable.
    """
    ### BEGIN SOLUTION
    scale = np.sqrt(1.0 / in_features)
    return Tensor(np.random.randn(in_features, out_features) * scale, requires_grad=True)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_layers_initial_weight", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def test_layers_initial_weight():
    """A trainable matrix of normal numbers whose standard deviation is sqrt(1 / in_features)."""
    np.random.seed(3)
    check.true(isinstance(initial_weight(3, 2), Tensor), given="is initial_weight(3, 2) a Tensor",
               because="a weight is a Tensor, not a bare array")
    check.equal(initial_weight(3, 2).shape, (3, 2), given="the shape of initial_weight(3, 2)",
                because="one row per input, one column per output: (in_features, out_features)")
    check.equal(initial_weight(3, 2).requires_grad, True, given="initial_weight(3, 2).requires_grad",
                because="weights are marked as trainable")
    call = "initial_weight(400, 100)"
    check.close(round(float(initial_weight(400, 100).data.std()), 4), 0.05, rtol=0.05,
                given=f"the standard deviation of {call}",
                because="sqrt(1 / 400) = 0.05: the scale depends on the inputs only")
    check.close(float(initial_weight(400, 100).data.mean()), 0.0, atol=0.005, given=f"the mean of {call}",
                because="as many negative weights as positive ones")
    check.close(float((np.abs(initial_weight(400, 100).data) < 0.05).mean()), 0.683, atol=0.02,
                given=f"the share of the entries of {call} within 0.05 of zero",
                because="68 % of normally distributed numbers lie within one standard deviation")
    check.true(len(np.unique(initial_weight(400, 100).data)) > 39_000, because="every entry is drawn on its own",
               given=f"are nearly all of the 40,000 entries of {call} different")
    np.random.seed(3)
    first = initial_weight(20, 20).data
    check.true(not np.array_equal(initial_weight(20, 20).data, first), because="each call draws new numbers",
               given="initial_weight(20, 20) twice in a row: do the two differ")
    np.random.seed(3)
    check.true(np.array_equal(initial_weight(20, 20).data, first),
               given="initial_weight(20, 20) twice, each time after np.random.seed(3): are the two equal",
               because="the numbers come from NumPy's global random state, which the seed sets")


test_layers_initial_weight()

# %% [markdown]
"""
The same ten layers, this time with your weights:
"""

# %%
np.random.seed(0)
signal = Tensor(np.random.randn(64, 256))
for layer_number in range(1, 11):
    signal = signal @ initial_weight(256, 256)
    if layer_number in (1, 2, 5, 10):
        print(f"spread after {layer_number:2d} layers: {np.std(signal.data):.2f}")

# %% [markdown]
r"""
About 1 all the way. Not exactly: each matrix is a finite sample of random numbers, whose spread
misses the intended one by a little. Other seeds end between about 0.95 and 1.05.

## Part 3: The linear transformation

$$y = xW + b$$

```
      x             W              b             y
 (batch, in)  @  (in, out)   +   (out,)   =  (batch, out)

 [ x1 x2 x3 ]    [ w11 w12 ]
                 [ w21 w22 ]  + [ b1 b2 ] = [ y1 y2 ]
                 [ w31 w32 ]
                    |
                    column 1 holds what output 1 asks of each input
```

In words: a row of `x` (one example, `in` numbers) meets each column of `W` (one question asked of
those numbers) and gives one output per column; `b` shifts every output by its own amount, the same
for all rows.

An image of a handwritten digit with 28 x 28 = 784 pixels is a row of 784 numbers. `Linear(784, 10)`
asks ten questions of it: how much does this look like a 0, like a 1, and so on. Each column holds
one number per pixel, positive where ink speaks for the digit and negative where it speaks against.
Finding these numbers is the business of training. The bias starts at zero: the columns already
differ, so it need not be random, and no output is favoured before anything is known.

**Other shapes.** Only the *last* dimension of `x` takes part in the product; the ones before it
just count examples, and your `@` from Module 01 already treats them so:

| x | x @ W, with W of shape (64, out) | |
|---|---|---|
| (64,) | (out,) | one example, no batch: one row of results |
| (8, 64) | (8, out) | 8 examples |
| (8, 20, 64) | (8, 20, out) | 8 sentences of 20 words: 160 rows of 64 numbers |

Broadcasting then adds `b`, of shape (out,), to each row.

**Stay with tensors.** Build the result from operations on *tensors* (`@`, `+`), not on their
`.data` arrays. Each tensor operation passes through `compute`, the single door you built in
Module 01; an operation on `.data` goes round it, and nobody will ever know that `y` came from `W`.
"""

# %% nbgrader={"grade": false, "grade_id": "layers_linear", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Linear(Layer):
    """A learned linear map with an offset: y = x W + b.

    Attributes:
        weight: Tensor (in_features, out_features), trainable, from `initial_weight`.
        bias: Tensor (out_features,), trainable, zeros at first; None when bias=False.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True):
        if in_features < 1 or out_features < 1:
            sizes = f"in_features={in_features} and out_features={out_features}"
            raise ValueError(f"Linear needs at least one input and one output, got {sizes}")
        self.in_features = in_features
        self.out_features = out_features
        self.weight = initial_weight(in_features, out_features)
        self.bias = Tensor(np.zeros(out_features), requires_grad=True) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Apply y = x W + b to the last dimension of `x`.

        Built from Tensor operations only (`@` and `+`), never from `.data`.

        Args:
            x: Tensor of shape (..., in_features), with any number of leading dimensions:
                (in_features,), (batch, in_features), (batch, time, in_features), ...

        Returns:
            Tensor of shape (..., out_features): same leading dimensions, new last one. One
            example of shape (in_features,) gives a result of shape (out_features,).

        Raises:
            ValueError: `x` has no dimension at all, or its last one is not in_features. The
                message contains this layer (`repr(self)`), the shape of `x` and the shape of
                the weight: "Linear(in_features=3, out_features=2, bias=True) got an input of
                shape (2, 4), but its weight has shape (3, 2)".

        Example:
            weight [[1, 2], [3, 4], [5, 6]], bias [10, 20], x = [[1, 0, 2]]
            y = [[1*1 + 0*3 + 2*5 + 10,  1*2 + 0*4 + 2*6 + 20]] = [[21, 34]]

        Steps:
            1. Raise the error if x has no dimension (its shape is the empty tuple), or if the
               last entry of x.shape is not in_features.
            2. Multiply: x @ weight. Leading dimensions need no extra work.
            3. Add the bias, unless it is None.
        """
        ### BEGIN SOLUTION
        if x.shape[-1:] != (self.in_features,):
            raise ValueError(
                f"{self!r} got an input of shape {x.shape}: its last dimension must be "
                f"{self.in_features} to meet the weight of shape {self.weight.shape}"
            )
        y = x @ self.weight
        return y if self.bias is None else y + self.bias
        ### END SOLUTION

    def __repr__(self) -> str:
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"Linear({sizes}, bias={self.bias is not None})"

# %% nbgrader={"grade": true, "grade_id": "test_layers_linear", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
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
    parts = {"the layer": layer, "the shape of x": x.shape, "the shape of weight": layer.weight.shape}
    try:
        layer.forward(x)
    except ValueError as error:
        return [name for name, part in parts.items() if str(part) not in str(error)]
    return "no ValueError was raised"


@probe
def sources_of_the_result():
    """Listen at `compute`: which of x, weight and bias does the result come from?"""
    layer, x = Linear(3, 2), Tensor(np.ones((2, 4, 3)))
    sources = {id(x): {"x"}, id(layer.weight): {"weight"}, id(layer.bias): {"bias"}}
    alive = []

    def listen(output, operation, inputs, settings):
        alive.append(output)
        sources[id(output)] = set().union(*(sources.get(id(tensor), ()) for tensor in inputs))

    before, Tensor._record = Tensor.__dict__["_record"], staticmethod(listen)
    try:
        result = layer.forward(x)
    finally:
        Tensor._record = before
    return sorted(sources.get(id(result), ()))


def test_layers_linear():
    """y = xW + b for any leading dimensions, with and without bias, and a clear shape error."""
    layer, plain = Linear(3, 2), Linear(3, 2, bias=False)
    weight = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dtype=np.float32)
    layer.weight, layer.bias, plain.weight = Tensor(weight), Tensor([10.0, 20.0]), Tensor(weight)
    setting = "W = [[1, 2], [3, 4], [5, 6]], b = [10, 20]"
    rows = Tensor([[1.0, 0.0, 2.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]])
    check.close(layer.forward(rows), [[21, 34], [7, 16], [15, 26]],
                given=f"{setting}, x = [[1, 0, 2], [0, -1, 0], [0, 0, 1]]",
                because="first row: 1*1 + 0*3 + 2*5 + 10 = 21 and 1*2 + 0*4 + 2*6 + 20 = 34")
    check.close(plain.forward(rows), [[11, 14], [-3, -4], [5, 6]], given="the same W and x, but bias=False",
                because="there is no bias, so nothing is added")
    check.close(layer.forward(Tensor([0.0, 0.0, 1.0])), [15, 26], given=f"{setting}, x = [0, 0, 1]",
                because="a single example of shape (3,) gives a result of shape (2,)")
    check.equal(refused([(1, 3), (5, 3), (2, 4, 3)]), [],
                given="which of the shapes (1, 3), (5, 3), (2, 4, 3) of x does Linear(3, 2) refuse",
                because="only the last dimension has to be 3; the others count the examples")
    numbers = np.random.default_rng(1)
    for leading in [(5,), (2, 4), (2, 3, 2), (0,), (0, 4)]:
        x = numbers.normal(size=(*leading, 3)).astype(np.float32)
        expected = (x[..., :, None].astype(np.float64) * weight).sum(axis=-2) + np.array([10.0, 20.0])
        check.close(layer.forward(Tensor(x)), expected, rtol=1e-4, atol=1e-5,
                    given=f"{setting}, random x of shape {x.shape}",
                    because="only the last dimension changes, from 3 to 2")
    for shape in [(2, 4), (3, 4), (2, 3, 1), (4,), ()]:
        check.equal(missing_in_the_error(shape), [],
                    given=f"what the ValueError of Linear(3, 2) for an x of shape {shape} leaves unnamed",
                    because="its reader wants to know the layer, the shape of x and the shape of weight")
    check.equal(sources_of_the_result(), ["bias", "weight", "x"],
                given="what the result of Linear(3, 2) comes from, traced through the operations on Tensors",
                because="a step computed on .data arrays cuts the result off from what went into it")
    check.close(Linear(4, 5).bias, np.zeros(5), given="the bias of a new Linear(4, 5)", because="it starts at zero")
    check.raises(ValueError, lambda: Linear(0, 5), given="Linear(0, 5)", because="a layer needs inputs")
    check.raises(ValueError, lambda: Linear(4, 0), given="Linear(4, 0)", because="a layer needs outputs")


test_layers_linear()

# %% [markdown]
"""
## Part 4: Seeing everything inside a model

A model is objects inside objects: a network holds a list of blocks, a block holds layers, a layer
holds tensors. Two jobs need to see all of them, *collect the parameters* and *switch the mode*.
Both are easy once you can **walk** a model.

```
 model                              walk(model) visits
  |- first:  A                       1 model
  |           `- inside: [B, C]      2 A
  `- second: D                       3 the list   4 B   5 C
              |- again: B            6 D          (B has been seen)
              `- last:  E            7 E
```

In words: the walk lists the model, then goes into its first attribute all the way down before it
turns to the second. What it meets again, like B inside D, it neither lists nor enters again; then
it goes on, here to E.

The rule matters. Two layers may *share* a weight, which must then be learned once, not twice. And a
block that keeps a reference to the model it belongs to makes a circle, which would send a careless
walk round and round for ever.

One level of looking is given. `children` answers "what lies *directly* inside this object?":
"""

# %%
#| export
def children(thing: object) -> list:
    """What lies directly inside `thing`, in definition order; an empty list for a leaf.

    Lists and tuples contain their items, dicts their values, any other object its attributes.
    A Tensor is a leaf: what it notes for itself is not part of the model. Classes and Python
    modules are left out: they are code that others share. Sets are not entered: they have no order.
    """
    if isinstance(thing, Tensor):
        return []
    if isinstance(thing, dict):
        inside = thing.values()
    elif isinstance(thing, (list, tuple)):
        inside = thing
    else:
        inside = getattr(thing, "__dict__", {}).values()
    return [part for part in inside if not isinstance(part, (type, ModuleType))]

# %%
print("inside a Linear:", children(Linear(2, 1)))
print("inside a list:  ", children([1.5, "a word"]))
print("inside a number:", children(1.5))

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
    listed nor entered again, so a circle of references ends by itself. (Equal small numbers
    and short strings may or may not be one object; Python decides. Nothing here relies on it.)

    Args:
        model: any object: a Layer, a class of your own, a list of layers, ...

    Returns:
        A list that starts with `model`.

    Example:
        a, b = Tensor([1.0]), Tensor([2.0])
        block = {"first": a}
        walk([block, (a, b)]) is [the list, block, a, the tuple, b]

    Steps (one way; a function that calls itself is another):
        1. Keep a list of objects still waiting, at first [model]; a list of those found; and a
           set of the ids of those found.
        2. Take the LAST waiting object. If its id is in the set, drop it. Otherwise note its
           id, append it to the found ones, and put its children on the waiting list in
           REVERSED order, so that the first child is taken next.
        3. Stop when nothing is waiting.
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

# %% nbgrader={"grade": true, "grade_id": "test_layers_walk", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
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


def test_layers_walk():
    """A walk meets every object once, first things first, and ends on circles."""
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
                given="the types met in [(1.5,), {'k': 'word', 'code': Layer, 'module': np}, [], [], None, a tensor]",
                because="whatever `children` names is listed, containers and plain values too")
    check.equal(names_met("circle"), ["model", "B"],
                given="model.a = B, model.me = model, B.owner = model",
                because="an object met before is not entered again, so the walk ends")
    check.equal(types_met("leaf"), ["float"], given="the types met by walk(2.5)",
                because="the model itself is listed, even if nothing lies inside it")


test_layers_walk()

# %% [markdown]
"""
## Part 5: Collecting the parameters

The **parameters** of a model are the tensors that learning may change: those marked
`requires_grad=True`. What is missing from this list will silently never learn. Some frameworks want
each parameter announced to its layer (*registered*) when it is made. Yours need not be: your walk
finds them where they are.
"""

# %% nbgrader={"grade": false, "grade_id": "layers_parameters", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def collect_parameters(model: object) -> list[Tensor]:
    """Every trainable tensor of a model: each Tensor with requires_grad=True that `walk` meets.

    Args:
        model: any object that holds tensors somewhere inside.

    Returns:
        A list of the Tensor objects themselves (not copies), each once, in the order of the
        walk. Tensors with requires_grad=False are left out. Empty for a model without any.

    Example:
        collect_parameters([Linear(3, 2), ReLU(), Linear(2, 1, bias=False)])
        holds three tensors of shapes (3, 2), (2,) and (2, 1).

    Steps:
        1. Go through walk(model).
        2. Keep what is a Tensor and is marked as trainable.
    """
    ### BEGIN SOLUTION
    return [part for part in walk(model) if isinstance(part, Tensor) and part.requires_grad]
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_layers_parameters", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
@probe
def shapes_in_a_nested_model():
    """Shapes collected from a model that keeps its parameters in every kind of place."""

    class Block:  # not a Layer
        def __init__(self):
            self.inner = Linear(2, 3)
            self.requires_grad = True  # but a Block is not a Tensor

    class Model(Layer):
        def __init__(self):
            self.first = Linear(4, 2)
            self.gain = Tensor(np.ones(7), requires_grad=True)
            self.constant = Tensor(np.ones(8))
            self.block = Block()
            self.many = [Linear(3, 1, bias=False), (Linear(1, 5),)]
            self.named = {"head": Linear(5, 6), "tied": self.first.weight}
            self.owner = self

    return [parameter.shape for parameter in collect_parameters(Model())]


def test_layers_parameters():
    """Every tensor marked as trainable is found once, in order, wherever it is kept."""
    layer, constant, trainable = Linear(3, 2), Tensor([1.0, 2.0]), Tensor([1.0], requires_grad=True)
    check.equal([parameter.shape for parameter in collect_parameters(layer)], [(3, 2), (2,)],
                given="the shapes of collect_parameters(Linear(3, 2))", because="weight first, then bias")
    check.equal([parameter.shape for parameter in collect_parameters([layer, Linear(2, 1, bias=False)])],
                [(3, 2), (2,), (2, 1)], because="a list of layers holds what its layers hold",
                given="the shapes of collect_parameters([Linear(3, 2), Linear(2, 1, bias=False)])")
    check.equal([parameter.shape for parameter in collect_parameters({"a": constant, "b": trainable})], [(1,)],
                given="the shapes of collect_parameters({'a': a constant of shape (2,), 'b': a trainable (1,)})",
                because="a tensor is a parameter exactly when requires_grad is True")
    check.equal(shapes_in_a_nested_model(),
                [(4, 2), (2,), (7,), (2, 3), (3,), (3, 1), (1, 5), (5,), (5, 6), (6,)],
                given="parameters in attributes, a plain object, a list, a tuple and a dict; one shared; a circle",
                because="each trainable tensor counts once, where it is met first")
    check.true(isinstance(layer.parameters(), list), given="is Linear(3, 2).parameters() a list",
               because="a list has a length and can be read more than once")
    check.true(layer.parameters()[0] is layer.weight, given="Linear(3, 2): is parameters()[0] the weight itself",
               because="a change of a copy would never reach the layer")


test_layers_parameters()

# %% [markdown]
"""
## Part 6: Two modes

Some layers behave differently while a model *learns* and while it is *used*; dropout, which comes
next, is one of them. So every layer carries a flag, `training`. Forgetting to switch one layer
buried in the model is a classic bug: the program runs, the answers are merely a little worse, and
nobody sees why. The switch therefore has to reach **everything** at once: layers in lists, layers
inside objects that are not layers, and plain objects that keep such a flag themselves.

One caution. Somebody's `training` may be a list of training examples, and overwriting that with
`False` would destroy data. A *mode* is a `training` attribute that holds a `bool`; anything else is
none of our business.
"""

# %% nbgrader={"grade": false, "grade_id": "layers_training_mode", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def set_training_mode(model: object, training: bool) -> None:
    """Switch everything inside `model` to training mode (True) or evaluation mode (False).

    Every object that `walk` meets and whose attribute `training` is a bool gets the new value,
    whether it is a Layer or not. An object without that attribute does not receive one, and a
    `training` attribute that is not a bool (a list of examples, a number) is left alone.

    The value is set on the objects, never on their classes: other models keep their mode. Store
    a real bool, even if `training` came as 0 or 1.

    Args:
        model: any object; it does not have to be a Layer.
        training: the mode to switch to.

    Example:
        set_training_mode([layer, {"other": another_layer}], False)
        leaves layer.training and another_layer.training False.

    Hint: getattr(thing, "training", None) gives None where there is no such attribute, and it
    finds the class attribute `Layer.training` as well.

    Steps:
        1. Go through walk(model).
        2. Where the attribute `training` exists and is a bool, set it to bool(training).
    """
    ### BEGIN SOLUTION
    for part in walk(model):
        if isinstance(getattr(part, "training", None), bool):
            part.training = bool(training)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_layers_training_mode", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
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
    """The mode reaches every part of a model, and nothing else."""
    check.equal(after([False], "class"), True, given="Layer.training after a model was switched to False",
                because="the mode belongs to the object, not to its class")
    check.equal(after([False]), [False] * 6,
                given="set_training_mode(model, False); the modes of a layer, one inside it, one in a "
                      "list, a tuple, a dict, and of a plain object with training = True",
                because="every bool called training, anywhere inside the model, is switched")
    check.equal(after([False], "model"), False, given="does a plain object without a mode receive one",
                because="only what has a mode can change it")
    check.equal(after([False], "data"), [[1, 2], 1],
                given="objects with training = [1, 2] and training = 1, after the switch False",
                because="a training attribute that is not a bool is data, not a mode")
    check.equal(after([False, True]), [True] * 6, given="the same modes after the switches False, True",
                because="the switch goes both ways")
    check.equal(after([0, True, 0]), [False] * 6, given="the same modes after the switches 0, True, 0",
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
probability $p$. The layer behind cannot rely on any particular one of its inputs, because that
input may be gone at any moment.

```
 x          [ 4.0   2.0   6.0   8.0 ]
 mask       [ 2.0   0.0   0.0   2.0 ]     p = 0.5: zero, or 1 / (1 - p) = 2
 x * mask   [ 8.0   0.0   0.0  16.0 ]
```

In words: a random mask of zeros and twos multiplies the input. Here two numbers of the four vanish
and the others double; every entry has a coin of its own, so it might as well be one or all four.

**Why do the survivors grow?** So that the *average* stays what it was. A number $x$ becomes $0$
with probability $p$ and $s \cdot x$ with probability $1-p$, on average $(1-p)\,s\,x$. That equals
$x$ exactly when

$$s = \frac{1}{1-p}$$

The layer behind dropout then sees the same average in both modes, and in evaluation mode there is
nothing left to do at all: the input passes through untouched. Scaling while training instead of
while evaluating is called *inverted* dropout. Its price is noise, and the larger $p$, the more: a 1
becomes 0 or 2 with $p = 0.5$, and 0 or 10 with $p = 0.9$.

First the mask, as a plain function.
"""

# %% nbgrader={"grade": false, "grade_id": "layers_dropout_mask", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def dropout_mask(shape: tuple[int, ...], p: float) -> np.ndarray:
    """A random array of zeros (dropped) and 1 / (1 - p) (kept).

    Each entry is 0 with probability p and 1 / (1 - p) otherwise, independently of all the
    others. The random numbers come from NumPy's global random state (`np.random.random`).

    Args:
        shape: the shape of the mask.
        p: probability of dropping an entry, from 0.0 to 1.0, both included. With 0 every entry
            is 1; with 1 every entry is 0, without dividing by zero.

    Returns:
        A float32 ndarray of that shape (an array, not a Tensor).

    Example:
        dropout_mask((2, 3), 0.5) may be [[2, 0, 2], [0, 0, 2]].

    Steps:
        1. If p is 1, return float32 zeros: the scale 1 / (1 - p) does not exist.
        2. Draw a uniform random number from [0, 1) for every entry. An entry is kept when its
           number is at least p, which happens with probability 1 - p.
        3. Turn kept / not kept into scale / 0, as float32.
    """
    ### BEGIN SOLUTION
    if p == 1:
        return np.zeros(shape, dtype=np.float32)
    kept = np.random.random(shape) >= p
    return kept * np.float32(1 / (1 - p))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_layers_dropout_mask", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def test_layers_dropout_mask():
    """Zeros with probability p, the exact scale 1 / (1 - p) elsewhere, entry by entry."""
    np.random.seed(5)
    check.true(isinstance(dropout_mask((3, 2), 0.5), np.ndarray), given="is dropout_mask((3, 2), 0.5) an ndarray",
               because="the mask is an array; the layer will wrap it in a Tensor")
    check.equal(dropout_mask((5, 8, 2), 0.5).shape, (5, 8, 2), given="the shape of dropout_mask((5, 8, 2), 0.5)",
                because="one entry for each number that the mask will meet")
    for p, values in [(0.5, [0.0, 2.0]), (0.2, [0.0, 1.25]), (0.9, [0.0, 10.0])]:
        call = f"dropout_mask((400, 250), {p})"
        check.close(round(float((dropout_mask((400, 250), p) == 0).mean()), 2), p, atol=0.015,
                    given=f"the share of zeros in {call}", because="p is the probability of being dropped")
        check.close(np.unique(dropout_mask((400, 250), p)), values, given=f"the different values in {call}",
                    because=f"dropped entries are 0, kept ones 1 / (1 - {p}), so that the average is 1")
    check.equal(str(dropout_mask((3, 2), 0.5).dtype), "float32", given="the dtype of dropout_mask((3, 2), 0.5)",
                because="one float64 array doubles the memory of all that follows")
    check.equal([np.unique(dropout_mask((400, 250), 0.5), axis=axis).shape[axis] for axis in (0, 1)], [400, 250],
                given="how many rows and columns of dropout_mask((400, 250), 0.5) differ from each other",
                because="every entry is drawn on its own")
    check.close(dropout_mask((3, 2), 0.0), np.ones((3, 2)), given="dropout_mask((3, 2), 0.0)",
                because="nothing is dropped")
    check.close(dropout_mask((3, 2), 1.0), np.zeros((3, 2)), given="dropout_mask((3, 2), 1.0)",
                because="everything is dropped, and 1 / (1 - p) must not be computed")
    check.equal(str(dropout_mask((3, 2), 1.0).dtype), "float32", given="the dtype of dropout_mask((3, 2), 1.0)",
                because="float32, whatever p is")
    np.random.seed(5)
    first = dropout_mask((20, 20), 0.5)
    check.true(not np.array_equal(dropout_mask((20, 20), 0.5), first), because="each call draws new numbers",
               given="dropout_mask((20, 20), 0.5) twice in a row: do the two differ")
    np.random.seed(5)
    check.true(np.array_equal(dropout_mask((20, 20), 0.5), first),
               given="dropout_mask((20, 20), 0.5) twice, each time after np.random.seed(5): are the two equal",
               because="the numbers come from NumPy's global random state, which the seed sets")


test_layers_dropout_mask()

# %% [markdown]
"""
Now the layer. It has **two switches**, for two situations:

- the *mode*, `self.training`, is for whole models: `train()` and `eval()` set it once, everywhere,
  and it stays;
- the *argument* `training` is for one call of a Dropout that you hold in your hands, in a `forward`
  of your own for example. Nothing has to be set back afterwards.

Numbers are dropped only when **both** say yes, so either one is enough to turn dropout off.
"""

# %% nbgrader={"grade": false, "grade_id": "layers_dropout", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Dropout(Layer):
    """While training, replace each number by 0 with probability p and scale up the others."""

    def __init__(self, p: float = 0.5):
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"Dropout needs a probability p from 0 to 1, got p={p}")
        self.p = p

    def forward(self, x: Tensor, training: bool = True) -> Tensor:
        """Drop numbers of `x` at random, or return `x` itself when dropout is inactive.

        Active only if all three hold: the argument `training` is true, this layer is in
        training mode (`self.training`), and p is not 0.

        Args:
            x: any tensor.
            training: False switches dropout off for this one call.

        Returns:
            Inactive: `x` itself, the same object (no copy, no random numbers drawn).
            Active: a new Tensor, `x` times a fresh mask of its shape, computed with the Tensor
            operation `*`. `x` stays as it was. With p = 1 all of it is zero.

        Example:
            Dropout(0.5)(Tensor([4.0, 2.0, 6.0, 8.0])) may give [8.0, 0.0, 0.0, 16.0];
            Dropout(0.5).eval()(x) is x.

        Steps:
            1. If dropout is inactive, return x.
            2. Make a mask with dropout_mask and wrap it in a Tensor.
            3. Return the product of x and the mask.
        """
        ### BEGIN SOLUTION
        if not (training and self.training) or self.p == 0:
            return x
        return x * Tensor(dropout_mask(x.shape, self.p))
        ### END SOLUTION

    def __repr__(self) -> str:
        return f"Dropout(p={self.p})"

# %% nbgrader={"grade": true, "grade_id": "test_layers_dropout", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
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
    """Dropout multiplies by a fresh mask when both switches are on, and is invisible otherwise."""
    np.random.seed(9)
    values = np.arange(1, 2001, dtype=np.float32).reshape(50, 40)
    x, layer, off = Tensor(values.copy()), Dropout(0.2), Dropout(0.2)
    off.training = False
    check.true(isinstance(layer.forward(x), Tensor), given="is Dropout(0.2)(x) a Tensor, for x with the numbers 1 to 2000",
               because="a layer returns a Tensor")
    check.true(np.array_equal(x.data, values), given="does x still hold the numbers 1 to 2000 after this call",
               because="dropout makes a new tensor and leaves x alone")
    check.close(np.unique(np.round(layer.forward(x).data / values, 4)), [0.0, 1.25],
                given="the different values of output / input for Dropout(0.2)",
                because="each number becomes 0 or grows by exactly 1 / (1 - 0.2) = 1.25")
    cases = [(layer, True), (layer, False), (off, True), (off, False)]
    settings = "(self.training, training) = (True, True), (True, False), (False, True), (False, False)"
    check.equal([np.array_equal(drop.forward(x, training=flag).data, values) for drop, flag in cases],
                [False, True, True, True], given=f"are the numbers unchanged, for {settings}",
                because="dropout is active when both switches are on; otherwise nothing happens to x")
    check.equal([drop.forward(x, training=flag) is x for drop, flag in cases], [False, True, True, True],
                given=f"is the result x itself, for {settings}",
                because="an inactive dropout returns x itself: a copy would cost memory for nothing")
    check.true(Dropout(0.0).forward(x) is x, given="Dropout(0.0)(x): is the result x itself",
               because="p = 0 drops nothing")
    check.close(round(float((layer.forward(x).data == 0).mean()), 2), 0.2, atol=0.06,
                given="the share of zeros after Dropout(0.2)", because="0.2 is the probability of being dropped")
    check.true(not np.array_equal(layer.forward(x).data, layer.forward(x).data),
               given="two calls of Dropout(0.2) on the same input: do they differ",
               because="every call draws a fresh mask")
    zeros = layer.forward(x).data == 0
    check.equal([bool((zeros == zeros[0]).all()), bool((zeros == zeros[:, :1]).all())], [False, False],
                given="the zeros of Dropout(0.2)(x) for x of shape (50, 40): [are all rows alike, are all columns alike]",
                because="the mask has the shape of x, so each number is dropped or kept on its own")
    check.close(Dropout(1.0).forward(x), np.zeros((50, 40)), given="Dropout(1.0)(x)",
                because="p = 1 drops everything")
    check.equal(comes_from_x(), True, because="a step computed on .data arrays cuts the result off from x",
                given="does the result of Dropout(0.5)(x) come from x, traced through the operations on Tensors")
    check.raises(ValueError, lambda: Dropout(1.5), given="Dropout(1.5)", mentions=["1.5"])
    check.raises(ValueError, lambda: Dropout(-0.1), given="Dropout(-0.1)", mentions=["-0.1"])


test_layers_dropout()

# %% [markdown]
"""
## Part 8: A network is a list

```
 x --> Linear(784, 256) --> ReLU --> Dropout(0.5) --> Linear(256, 10) --> y
```

In words: the output of each step is the input of the next. `Sequential` holds the steps in a list
and sends a tensor through them.

A step is anything that can be **called** with a tensor. Your activations are not `Layer`s: they own
nothing and do the same in both modes, so there is nothing to collect or to switch. Even a plain
function will do, as long as it owns nothing either: a function hides the layers it uses, since no walk
can look into it. Put the layer itself into the list.

Note what the class does *not* contain: no `parameters`, no `train`, no `eval`. The steps sit in an
attribute, so your walk already finds them. Nor does it take a `training` argument, for it could not
know which of its steps accept one: silence the dropout in a model with `model.eval()`.
"""

# %% nbgrader={"grade": false, "grade_id": "layers_sequential", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Sequential(Layer):
    """Layers in a row: each one's output is the next one's input.

    Sequential(a, b, c) and Sequential([a, b, c]) are the same. A step may be a Layer or anything
    else that can be called with a tensor. `len`, iteration and indexing work as for a list; a
    slice is a Sequential of the same layers.
    """

    def __init__(self, *layers):
        if len(layers) == 1 and isinstance(layers[0], (list, tuple)):
            layers = layers[0]
        for position, layer in enumerate(layers):
            if isinstance(layer, type) or not callable(layer):
                fix = f": write {layer.__name__}(...)" if isinstance(layer, type) else ""
                raise TypeError(f"Sequential can only hold layers, position {position} is {layer!r}{fix}")
        self.layers = list(layers)

    def forward(self, x: Tensor) -> Tensor:
        """Send `x` through all layers, first to last.

        Args:
            x: the input of the first layer.

        Returns:
            The output of the last layer; `x` itself if there are no layers.

        Example:
            Sequential(first, second)(x) equals second(first(x)).

        Steps:
            1. For each layer in self.layers, in order: call it with the current tensor; what
               it returns is the current tensor from then on.
            2. Return the current tensor.
        """
        ### BEGIN SOLUTION
        for layer in self.layers:
            x = layer(x)
        return x
        ### END SOLUTION

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self):
        return iter(self.layers)

    def __getitem__(self, index: int | slice):
        return Sequential(self.layers[index]) if isinstance(index, slice) else self.layers[index]

    def __repr__(self) -> str:
        shown = [repr(layer).replace("\n", "\n  ") for layer in self.layers]
        lines = [f"  ({position}): {layer}" for position, layer in enumerate(shown)]
        return "\n".join(["Sequential(", *lines, ")"])

# %% nbgrader={"grade": true, "grade_id": "test_layers_sequential", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@probe
def through_functions(names, number):
    """Send a number twice through steps that are plain functions; then the number of steps."""

    def double(x):
        return x * 2

    def add_3(x):
        return x + 3

    model = Sequential([{"double": double, "add_3": add_3}[name] for name in names])
    first, second = model.forward(Tensor([number])), model.forward(Tensor([number]))
    return [float(first.data[0]), float(second.data[0]), len(model)]


def test_layers_sequential():
    """Layers run first to last, each on the output of the one before."""
    a, b, x = Linear(2, 2), Linear(2, 2, bias=False), Tensor([[1.0, 2.0]])
    a.weight, a.bias = Tensor([[1.0, -1.0], [2.0, 0.5]]), Tensor([0.5, 0.0])
    b.weight = Tensor([[10.0, 0.0], [100.0, 1.0]])
    for model, form in [(Sequential(a, b, b), "Sequential(a, b, b)"), (Sequential([a, b, b]), "Sequential([a, b, b])"),
                        (Sequential(Sequential(a, b), Sequential(b)), "Sequential(Sequential(a, b), Sequential(b))")]:
        check.close(model.forward(x), [[550.0, 0.0]], given=f"{form} of Linear layers, x = [[1, 2]]",
                    because="a(x) is [[5.5, 0]], then b makes it [[55, 0]], then b again [[550, 0]]")
    check.equal(through_functions(["double", "add_3"], 5.0), [13.0, 13.0, 2],
                given="5 through Sequential(double, add_3) of two plain functions, twice; then its length",
                because="a step is anything that can be called: 5 * 2 = 10, then 10 + 3 = 13, each time")
    check.true(Sequential().forward(x) is x, given="Sequential()(x): is the result x itself",
               because="without layers, nothing happens to x")
    model = Sequential(Linear(3, 8), Dropout(0.5), Sequential(Linear(8, 2, bias=False), Dropout(0.9)))
    check.equal([parameter.shape for parameter in model.parameters()], [(3, 8), (8,), (8, 2)],
                given="the shapes of a nested model's parameters", because="the walk finds them in self.layers")
    x = Tensor(np.ones((30, 3)))
    expected = (x.data @ model[0].weight.data) @ model[2][0].weight.data
    check.close(model.eval().forward(x), expected, rtol=1e-4, atol=1e-5,
                given="linear layers with two Dropouts between, after eval()",
                because="in evaluation mode every Dropout passes its input through")
    check.true(not np.allclose(model.train().forward(x).data, expected),
               given="does the result of the same model change after train()",
               because="in training mode Dropout is active again")
    check.equal([len(model), [layer is other for layer, other in zip(model, model[:], strict=True)], len(model[1:])],
                [3, [True, True, True], 2], given="len, iteration and slices of a Sequential of three layers",
                because="a Sequential can be read like a list")
    for wrong, word in [(Linear, "Linear"), (3, "3")]:
        check.raises(TypeError, lambda wrong=wrong: Sequential(a, wrong), given=f"Sequential(a, {word})",
                     mentions=["position 1", word], because="a class or a number cannot be called with a tensor")


test_layers_sequential()

# %% [markdown]
"""
## Use: a digit classifier, from pixels to probabilities

Your tensors, your activations and your layers in one model. The weights are random, so the answers
are too; but the machine is complete, and only the numbers in it will change from here on.
"""

# %%
np.random.seed(0)
classifier = Sequential(
    Linear(784, 256), ReLU(), Dropout(0.5),
    Linear(256, 128), ReLU(), Dropout(0.3),
    Linear(128, 10),
)
images = Tensor(np.random.rand(32, 784))
probabilities = Softmax()(classifier.eval()(images))
print("input", images.shape, "-> output", probabilities.shape)
print("each row sums to", np.round(probabilities.data.sum(axis=1)[:4], 4), "...")
print("parameters:", sum(parameter.size for parameter in classifier.parameters()))

same_twice = np.array_equal(classifier(images).data, classifier(images).data)
classifier.train()
noisy_twice = np.array_equal(classifier(images).data, classifier(images).data)
print(f"two passes agree: {same_twice} in evaluation mode, {noisy_twice} in training mode")

# %% [markdown]
"""
In the next model the input also goes *past* the layers and is added to what comes out of them. A
chain has one way only, so this needs a `forward` of its own. Its parameters and its modes are found
all the same.
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
print("dropout modes after eval():", [part.training for part in walk(tower) if isinstance(part, Dropout)])

# %% [markdown]
"""
## Reflect: what does a network cost?

Three quantities decide whether a model fits a machine: the **memory** of its parameters, the memory
of its **activations** (here the word means the *numbers* that the steps of a network produce, not
the functions of Module 02), and the **operations** per pass. All three follow from the shapes.

### Where the parameters are
"""

# %%
print(f"{'layer':<52} {'weights':>8} {'biases':>7} {'KB':>7} {'share':>6}")
linear_layers = [layer for layer in classifier if isinstance(layer, Linear)]
total = sum(parameter.size for parameter in classifier.parameters())
for layer in linear_layers:
    count = layer.weight.size + layer.bias.size
    kilobytes = (layer.weight.memory_footprint() + layer.bias.memory_footprint()) / 1000
    print(f"{layer!r:<52} {layer.weight.size:>8} {layer.bias.size:>7} {kilobytes:>7.1f} {count / total:>6.1%}")
print(f"predicted {784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10}, counted {total}")

# %% [markdown]
"""
The biases hardly count, and the first layer, which meets the raw input, holds most of the model.

### Parameters stay, activations grow

While a model is *used*, a result may go as soon as the next step has read it. While it is
*trained*, the results must stay: they will be needed to find out how each weight should change.
In numbers per example:

- **used**: the most crowded moment is the first layer, with the input (784), `x @ W` (256) and
  `x @ W + b` (256) in memory together: 1,296 numbers, 5.2 KB;
- **trained**: the input; then `x @ W`, `+ b`, ReLU, mask and product with the mask for the first
  two layers; then `x @ W` and `+ b` of the last: 784 + 5 x 256 + 5 x 128 + 2 x 10 = 2,724 numbers,
  10.9 KB.

To measure it, a listener at `compute` holds on to all results, as training will. (What is measured
beyond the prediction is mostly NumPy's own working space.)
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


parameter_kb = sum(parameter.memory_footprint() for parameter in classifier.parameters()) / 1000
print(f"parameters: {parameter_kb:.0f} KB, whatever the batch; activations, measured (predicted):")
for batch in (1, 32, 128, 1024):
    images = Tensor(np.random.rand(batch, 784))
    used, trained = (kilobytes_of_a_pass(classifier, images, training) for training in (False, True))
    print(f"batch {batch:>4}: used {used:>5.0f} KB ({batch * 1296 * 4 / 1000:>4.0f}), "
          f"trained {trained:>5.0f} KB ({batch * 2724 * 4 / 1000:>5.0f}) = {trained / parameter_kb:.2f} x parameters")
classifier.eval()

# %% [markdown]
"""
Parameters are paid once, activations per example. From a batch of about 90 on, the activations of a
training pass outweigh the model itself.

### Time: what is the machine doing?

For each of the batch x out results, a linear layer multiplies and adds `in` times, which makes two
floating-point operations each. The bias takes one addition per result, dropout one multiplication.
Does the clock see the difference?
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
for layer in linear_layers:
    operations = 2 * x.shape[0] * layer.in_features * layer.out_features
    y = x @ layer.weight
    product = best_time(lambda x=x, w=layer.weight: x @ w)
    offset = best_time(lambda y=y, b=layer.bias: y + b)
    print(
        f"{layer.in_features} -> {layer.out_features}: {operations / 1e6:.1f} million operations in "
        f"{product * 1e6:.0f} us = {operations / product / 1e9:.1f} GFLOP/s; the bias is "
        f"1/{2 * layer.in_features} of the operations and 1/{product / offset:.0f} of the time"
    )
    x = layer(x)
numbers, bias, dropout = Tensor(np.random.rand(256, 256)), linear_layers[0].bias, Dropout(0.5)
print(
    f"on {numbers.shape}: adding a bias {best_time(lambda: numbers + bias) * 1e6:.0f} us, "
    f"Dropout(0.5) {best_time(lambda: dropout(numbers)) * 1e6:.0f} us"
)

# %% [markdown]
"""
The product runs at billions of operations per second (GFLOP/s): it is what the hardware is built
for. Adding the bias is far less work but does not save nearly as much time, because it has to read
and write all the results for a single addition each. And dropout takes far longer than the
bias for the same count of operations: it draws a random number for every entry. (Other programs can
spoil these figures; run the cell again if one looks odd.)
"""

# %%
for batch in (1, 8, 32, 128, 512):
    x = Tensor(np.random.rand(batch, 784))
    seconds = best_time(lambda x=x: classifier(x))
    print(f"batch {batch:>4}: {seconds * 1e3:>6.2f} ms a pass, {batch / seconds:>8.0f} examples per second")

# %% [markdown]
"""
A batch reads the 940 KB of weights once for all its rows, and shares the cost of every Python call.
One pass takes longer (*latency*), yet many more examples pass per second (*throughput*).

### Depth again, this time with activations

After ReLU the mean is no longer zero, and the spread around it does not tell how large the numbers
are. What the next layer makes of them depends on the mean of their *squares*, so the typical size
printed here is its root, the *root mean square*.
"""

# %%
def size_after(activation, scale_factor=1.0, depth=10, width=256):
    """Root mean square of the numbers after `depth` linear layers, each with an activation."""
    x = Tensor(np.random.randn(64, width))
    for _ in range(depth):
        layer = Linear(width, width, bias=False)
        x = activation(x @ (layer.weight * scale_factor))
    return float(np.sqrt(np.mean(x.data * x.data)))


np.random.seed(0)
for label, activation, scale_factor in [
    ("no activation, sqrt(1/in)", lambda x: x, 1.0), ("Tanh,          sqrt(1/in)", Tanh(), 1.0),
    ("ReLU,          sqrt(1/in)", ReLU(), 1.0), ("ReLU,          sqrt(2/in)", ReLU(), float(np.sqrt(2))),
]:
    print(f"{label}: typical size after 10 layers {size_after(activation, scale_factor):.3f}")

# %% [markdown]
r"""
ReLU throws away the negative half, and with it half of the mean square: $(1/2)^{10}$ of it is left
after ten layers, a typical size of $\sqrt{1/1024} \approx 0.03$. The remedy is twice the variance,
$\sqrt{2/\text{in}}$, known as *He initialisation*. Tanh is milder: it pulls large numbers towards
zero and leaves small ones nearly as they are, so the shrinking slows down by itself, at
0.23 here. For the shallow networks ahead $\sqrt{1/\text{in}}$ does well with both.

### Questions

**1.** In the classifier above, at a batch of 32, which layer does most of the work, and how much is
it?

<details><summary>Answer</summary>

Multiply-adds: 32 x 784 x 256 = 6,422,528; 32 x 256 x 128 = 1,048,576; 32 x 128 x 10 = 40,960. About
7.5 million in all (15 million floating-point operations), 85 % of them in the first layer: the
widest input costs the most.
</details>

**2.** You double the width of the two hidden layers, to 512 and 256. What happens to the parameters
and to the activations of a training pass?

<details><summary>Answer</summary>

Parameters: 784 x 512 + 512 + 512 x 256 + 256 + 256 x 10 + 10 = 535,818, which is 2.3 times as many.
(The middle weight has four times as many entries, the first and the last twice.) Activations per
example: 784 + 5 x 512 + 5 x 256 + 20 = 4,644 numbers instead of 2,724, 1.7 times as many: they grow
with the width only, and the input does not grow at all.
</details>

**3.** Two stacked linear layers without an activation between them, `Linear(784, 256)` and
`Linear(256, 10)`: what can they compute that `Linear(784, 10)` cannot?

<details><summary>Answer</summary>

Nothing: $(xW_1 + b_1)W_2 + b_2 = x(W_1W_2) + (b_1W_2 + b_2)$ is again one linear layer, at 26 times
the parameters. Depth needs the bend of an activation between the layers.
</details>
"""

# %% [markdown]
"""
## Common errors

The words of the first message are yours; the others come from Python or from given code.

- `ValueError: Linear(in_features=256, out_features=10, bias=True) got an input of shape (32, 128): its last dimension must be 256 to meet the weight of shape (256, 10)`<br>
  The layer before gives 128 numbers, this one wants 256. Make the out_features of one layer the
  in_features of the next.
- `TypeError: Sequential can only hold layers, position 1 is <class 'tinytorch.core.activations.ReLU'>: write ReLU(...)`<br>
  `ReLU` is the recipe, `ReLU()` the thing.
- `TypeError: unsupported operand type(s) for @: 'numpy.ndarray' and 'Tensor'`<br>
  The layer was called with a NumPy array. Wrap it: `layer(Tensor(array))`. (A list has not even a
  shape: `AttributeError: 'list' object has no attribute 'shape'`.)
- `ValueError: Dropout needs a probability p from 0 to 1, got p=50`<br>
  50 percent is 0.5.
- `TypeError: Sequential.forward() got an unexpected keyword argument 'training'`<br>
  Only `Dropout.forward` takes that argument. A whole model is switched by its mode: `model.eval()`,
  then `model(x)`.
- `NotImplementedError: MyLayer does not define forward(x)`<br>
  Often just a spelling mistake: `foward`, or a `forward` indented into another method.
- **No message at all**: test results worse than they should be, and different each time. A Dropout
  is still on: call `model.eval()` before you use the model, and `model.train()` before you train it
  again. Or: some part never learns. Print `len(model.parameters())`; the tensor that is missing was
  created without `requires_grad=True`, or it sits where the walk does not look: in a set, or inside a
  function.

## In production: PyTorch

Yours:

```python
from tinytorch.core.activations import ReLU
from tinytorch.core.layers import Dropout, Linear, Sequential

model = Sequential(Linear(784, 256), ReLU(), Dropout(0.5), Linear(256, 10))
parameters = model.parameters()
model.eval()
```

PyTorch's:

```python
from torch import nn

model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Dropout(0.5), nn.Linear(256, 10))
parameters = list(model.parameters())
model.eval()
```

The code reads the same, and so do the ideas behind it. The differences lie underneath:

| | yours | PyTorch |
|---|---|---|
| shape of a Linear's weight | (in, out) | (out, in), transposed in the product |
| first weights | normal, standard deviation sqrt(1/in) | uniform within +- sqrt(1/in), standard deviation sqrt(1/(3 in)) |
| first bias | zeros | uniform within +- sqrt(1/in) |
| finding parameters | a walk over attributes, lists, dicts, any object | registered when assigned to an attribute; a plain list hides them and needs `nn.ModuleList` |

How far does $xW + b$ carry? GPT-3 has 175 billion parameters (350 GB in 16-bit floats), nearly all
of them in linear layers like yours. BERT-Base has about 110 million (440 MB in float32): nearly
four fifths sit in linear layers, and most of the rest in a table with one row of numbers per piece of a word.
"""

# %%
def test_module():
    """All tests of this module, then a whole model put to use."""
    test_layers_call()
    test_layers_initial_weight()
    test_layers_linear()
    test_layers_walk()
    test_layers_parameters()
    test_layers_training_mode()
    test_layers_dropout_mask()
    test_layers_dropout()
    test_layers_sequential()

    np.random.seed(1)
    network = Sequential(Linear(784, 256), ReLU(), Dropout(0.5), Linear(256, 128), ReLU(), Linear(128, 10))
    batch = Tensor(np.random.rand(8, 784))
    check.equal(network(batch).shape, (8, 10), given="a batch of 8 images through 784-256-128-10")
    check.equal(sum(parameter.size for parameter in network.parameters()), 235_146,
                given="the parameters of 784-256-128-10",
                because="(784*256 + 256) + (256*128 + 128) + (128*10 + 10)")
    calm = network.eval()(batch).data
    check.close(network(batch), calm, given="two passes in evaluation mode", because="nothing is random any more")
    check.true(0.05 < float(calm.std()) < 2.0, given="the spread of the answers of a fresh network",
               because="well-scaled weights neither blow the numbers up nor let them vanish")
    print("Module 03 (Layers): all tests passed; a 784-256-128-10 network with 235,146 parameters runs.")


test_module()

# %% [markdown]
"""
## What this unlocks

You have models: things that hold numbers, use them on data, and can tell anyone which numbers those
are. **Module 04 (Losses)** measures how wrong their output is. **Module 05 (Autograd)** finds out,
for every tensor in `parameters()`, which way it should change, and **Module 06 (Optimizers)** makes
the change. **Module 07 (Training)** puts them into a loop, and uses `set_training_mode` on whatever
model you give it.

Close with `tito module complete 03`.
"""
