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
does: it owns tensors that can change, and a rule that uses them. In this module you build the layer
every network leans on (`Linear`), the one that makes networks forget on purpose (`Dropout`), the
container that chains them (`Sequential`), and the small piece of machinery that finds every
learnable number in a model, however deep it hides.

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
(Module 06) and the training loop (Module 07) come later, and so do other kinds of layer. But you
will already mark and collect every number that is going to learn.
"""

# %%
#| default_exp core.layers

# %%
#| export
from types import ModuleType
from typing import Self

import numpy as np

from tinytorch.core.tensor import Tensor

# %%
# For the test cells and experiments below; not part of your framework.
import time

from tinytorch.core.activations import ReLU, Softmax, Tanh
from tito.judge import check, probe

# %% [markdown]
"""
## Part 1: One way to call them all

Whatever a layer computes, the code around it should not care: `layer(x)` has to work for a linear
layer, for dropout and for a layer you invent next week. The base class `Layer` makes that promise:

- a subclass writes **`forward`**, the computation itself;
- people write **`layer(x)`**, which Python turns into `layer.__call__(x)`, which hands over to
  `forward`.

Why the detour? Because `__call__` is the one door every use of every layer goes through. Anything
that should happen around *each* computation (counting, timing, logging) needs to be written once,
there.

Three things in the class below are given. `parameters`, `train` and `eval` call two functions that
you write in Parts 5 and 6. And `training = True` stands in the *class*, not in an `__init__`: an
attribute looked up on an object is searched in the object first and in its class after that, so
every layer starts in training mode even when a subclass forgets to call `super().__init__()`.
"""


# %% nbgrader={"grade": false, "grade_id": "layers_call", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Layer:
    """One step of a network: called like a function, knows its parameters and its mode.

    A subclass defines `forward(x)`. Tensors with `requires_grad=True` kept in attributes (directly,
    in lists, tuples, dicts or other objects) are its parameters; nothing needs to be registered.
    """

    training = True  # the mode; a class attribute, so that it exists without any __init__

    def forward(self, x: Tensor, *args, **kwargs) -> Tensor:
        """Compute the output of this layer. Every subclass writes its own."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward(x)")

    def __call__(self, x: Tensor, *args, **kwargs) -> Tensor:
        """Run `forward` on `x`, so that `layer(x)` reads like a function.

        Args:
            x: the input.
            *args, **kwargs: whatever else this layer's `forward` accepts. They are passed on
                unchanged, positional ones as positional, named ones as named.

        Returns:
            What `forward` returned.

        Example:
            layer(x, training=False) does what layer.forward(x, training=False) does.

        Steps:
            1. Call this object's own `forward` with everything that came in.
            2. Return its result.
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
def calls_of_a_recorder():
    """Call a layer whose forward returns exactly what it was given."""

    class Recorder(Layer):
        def forward(self, x, *args, **kwargs):
            return [x, list(args), kwargs]

    layer = Recorder()
    return [layer(1), layer(2, 3, 4), layer(5, mask=6), layer(7, 8, mask=9)]


@probe
def an_unfinished_layer():
    """Mode and error message of a subclass with neither forward nor super().__init__()."""

    class Unfinished(Layer):
        def __init__(self):
            self.ready = False

    try:
        Unfinished()(Tensor([1.0]))
    except NotImplementedError as error:
        return [Unfinished().training, str(error)]
    return [Unfinished().training, "no error"]


def test_layers_call():
    """Calling a layer runs its forward with the same arguments and returns the result."""
    plain, positional, named, both = calls_of_a_recorder()
    check.equal(plain, [1, [], {}], given="layer(1), where forward returns [x, args, kwargs]",
                because="calling a layer runs its forward and returns what forward returned")
    check.equal(positional, [2, [3, 4], {}], given="layer(2, 3, 4)",
                because="positional arguments after x reach forward in the same order")
    check.equal(named, [5, [], {"mask": 6}], given="layer(5, mask=6)",
                because="named arguments reach forward under their names")
    check.equal(both, [7, [8], {"mask": 9}], given="layer(7, 8, mask=9)")
    training, message = an_unfinished_layer()
    check.equal(training, True, given="a subclass that never calls super().__init__()",
                because="every layer starts in training mode")
    check.true("Unfinished" in message, given="calling a layer of class Unfinished without forward",
               because="the call reaches Layer.forward, whose error names the class")


test_layers_call()

# %% [markdown]
r"""
## Part 2: How large should a random weight be?

A linear layer owns a matrix of weights. Before any learning they have to hold *something*. All
zeros will not do: every column would compute the same output, and columns that compute the same
thing get corrected in the same way, for ever. So weights start **random**. The open question is how
large.

Do not guess: measure. Send a batch through ten random matrices in a row and watch the spread (the
standard deviation) of the numbers that come out.
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
With scale 1 the numbers have grown a million-million-fold after ten layers; with 0.01 they have all
but vanished. Every layer multiplies the spread by the same factor, and depth turns any factor other
than 1 into a disaster. Somewhere between 0.01 and 0.1 there must be a scale that multiplies by
exactly one.

**The argument, in one line of variances.** One output is a sum over the inputs:

$$y_j = \sum_{i=1}^{\text{in}} x_i\, W_{ij}$$

If the $x_i$ and $W_{ij}$ are independent with mean zero, each product has variance
$\mathrm{Var}(x)\,\mathrm{Var}(W)$, and the variances of independent terms add up:

$$\mathrm{Var}(y) = \text{in} \cdot \mathrm{Var}(x) \cdot \mathrm{Var}(W)$$

The output has the spread of the input exactly when $\text{in}\cdot\mathrm{Var}(W) = 1$. So the
standard deviation of the weights must be

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
        initial_weight(100, 5) has shape (100, 5); its entries lie mostly within 0.1 of zero.

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
@probe
def measured_weights():
    """Statistics of large weight matrices, drawn from a known state of the generator."""
    np.random.seed(3)
    first, second = initial_weight(400, 100).data, initial_weight(400, 100).data
    np.random.seed(3)
    return {
        "std": round(float(first.std()), 4),
        "mean": round(float(first.mean()), 4),
        "near": round(float((np.abs(first) < 0.05).mean()), 3),
        "rows": len({row.tobytes() for row in first}),
        "repeats": [bool(np.array_equal(first, other)) for other in (second, initial_weight(400, 100).data)],
    }


def test_layers_initial_weight():
    """A trainable float32 matrix whose standard deviation is sqrt(1 / in_features)."""
    weight = initial_weight(3, 2)
    check.true(isinstance(weight, Tensor), given="initial_weight(3, 2)",
               because="a weight is a Tensor, not a bare array")
    check.equal(weight.shape, (3, 2), given="the shape of initial_weight(3, 2)",
                because="one row per input, one column per output: (in_features, out_features)")
    check.equal(weight.requires_grad, True, given="initial_weight(3, 2).requires_grad",
                because="weights are marked as trainable")
    check.equal(str(weight.dtype), "float32", given="initial_weight(3, 2).dtype")
    found = measured_weights()
    check.close(found["std"], 0.05, rtol=0.05, given="the standard deviation of initial_weight(400, 100)",
                because="sqrt(1 / 400) = 0.05: the scale depends on the inputs only")
    check.close(found["mean"], 0.0, atol=0.005, given="the mean of initial_weight(400, 100)",
                because="as many negative weights as positive ones")
    check.close(found["near"], 0.683, atol=0.02,
                given="the share of the entries of initial_weight(400, 100) within 0.05 of zero",
                because="68 % of normally distributed numbers lie within one standard deviation")
    check.equal(found["rows"], 400, given="the number of different rows in initial_weight(400, 100)",
                because="every entry is drawn on its own")
    check.equal(found["repeats"], [False, True],
                given="are the weights the same [in the next call, after the same np.random.seed]",
                because="each call draws new numbers from NumPy's global random state")


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

For handwritten digits, `Linear(784, 10)` looks at 784 pixels and asks ten questions: how much does
this look like a 0, like a 1, and so on. Each column is the stencil for one digit. What the stencils
should be is for training to find out.

**More dimensions.** Only the *last* dimension of `x` takes part in the product; the ones before it
just count examples. A batch of 8 sentences of 20 words of 64 numbers each, shape (8, 20, 64), is
160 rows of 64, and your `@` from Module 01 already treats it so: (8, 20, 64) @ (64, out) is (8, 20,
out). Broadcasting then adds `b` to each of the 160 rows.

**Stay with tensors.** Build the result from operations on *tensors* (`@`, `+`), not on their
`.data` arrays. Each tensor operation passes through `compute`, the seam you built in Module 01; an
operation on `.data` goes round it, and nobody will ever know that `y` came from `W`.
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
            raise ValueError(
                "Linear needs at least one input and one output feature, "
                f"got in_features={in_features} and out_features={out_features}"
            )
        self.in_features = in_features
        self.out_features = out_features
        self.weight = initial_weight(in_features, out_features)
        self.bias = Tensor(np.zeros(out_features), requires_grad=True) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Apply y = x W + b to the last dimension of `x`.

        Built from Tensor operations only (`@` and `+`), never from `.data`.

        Args:
            x: Tensor of shape (..., in_features), with any number of leading dimensions:
                (in,), (batch, in), (batch, time, in), ...

        Returns:
            Tensor of shape (..., out_features): same leading dimensions, new last one.

        Raises:
            ValueError: the last dimension of `x` is not in_features (or `x` has no dimension
                at all). The message contains this layer (`repr(self)`), the shape of `x` and
                the shape of the weight.

        Example:
            weight [[1, 2], [3, 4], [5, 6]], bias [10, 20], x = [[1, 0, 2]]
            y = [[1*1 + 0*3 + 2*5 + 10,  1*2 + 0*4 + 2*6 + 20]] = [[21, 34]]

        Steps:
            1. Compare the last entry of x.shape with in_features; raise if they differ.
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
def origins_of_the_result():
    """Listen at `compute`, the seam of Module 01: is the output made from x, weight and bias?"""
    layer, x = Linear(3, 2), Tensor(np.ones((2, 4, 3)))
    families, alive = [{id(tensor)} for tensor in (x, layer.weight, layer.bias)], []

    def listen(output, operation, inputs, settings):
        alive.append(output)
        for family in families:
            if family & {id(tensor) for tensor in inputs}:
                family.add(id(output))

    before, Tensor._record = Tensor.__dict__["_record"], staticmethod(listen)
    try:
        result = layer.forward(x)
    finally:
        Tensor._record = before
    return [id(result) in family for family in families]


def test_layers_linear():
    """y = xW + b for any leading dimensions, with and without bias, and a clear shape error."""
    layer, plain = Linear(3, 2), Linear(3, 2, bias=False)
    weight = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dtype=np.float32)
    layer.weight, layer.bias, plain.weight = Tensor(weight), Tensor([10.0, 20.0]), Tensor(weight)
    setting = "W = [[1, 2], [3, 4], [5, 6]], b = [10, 20]"
    check.close(layer.forward(Tensor([[1.0, 0.0, 2.0]])), [[21, 34]], given=f"{setting}, x = [[1, 0, 2]]",
                because="x times each column of W, plus b: 1*1 + 0*3 + 2*5 + 10, 1*2 + 0*4 + 2*6 + 20")
    check.close(layer.forward(Tensor([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])), [[11, 22], [7, 16]],
                given=f"{setting}, x = [[1, 0, 0], [0, -1, 0]]", because="each row is one example")
    check.close(layer.forward(Tensor([0.0, 0.0, 1.0])), [15, 26], given=f"{setting}, x = [0, 0, 1]",
                because="a single example of shape (3,) gives a result of shape (2,)")
    check.equal(plain.bias, None, given="Linear(3, 2, bias=False).bias")
    check.close(plain.forward(Tensor([[1.0, 0.0, 2.0]])), [[11, 14]],
                given="Linear(3, 2, bias=False), the same W, x = [[1, 0, 2]]", because="no bias, nothing to add")
    numbers = np.random.default_rng(1)
    for leading in [(5,), (2, 4), (1, 3), (2, 3, 2), (0,), (0, 4)]:
        x = numbers.normal(size=(*leading, 3)).astype(np.float32)
        expected = (x[..., :, None].astype(np.float64) * weight).sum(axis=-2)
        check.close(layer.forward(Tensor(x)), expected + np.array([10.0, 20.0]), rtol=1e-4, atol=1e-5,
                    given=f"{setting}, random x of shape {x.shape}",
                    because="only the last dimension changes, from 3 to 2")
        check.close(plain.forward(Tensor(x)), expected, rtol=1e-4, atol=1e-5,
                    given=f"the same W without bias, random x of shape {x.shape}")
    for shape in [(2, 4), (3, 4), (2, 3, 1), (4,), ()]:
        check.raises(ValueError, lambda shape=shape: layer.forward(Tensor(np.ones(shape))),
                     given=f"Linear(3, 2) on an input of shape {shape}",
                     mentions=["Linear(in_features=3, out_features=2", str(shape), "(3, 2)"],
                     because="the error names the layer, the shape that came and the weight's shape")
    check.equal(origins_of_the_result(), [True, True, True],
                given="is the result computed from [x, weight, bias] by Tensor operations",
                because="every step must pass through compute; working on .data goes round it")
    fresh = Linear(4, 5)
    check.close(fresh.bias, np.zeros(5), given="the bias of a new Linear(4, 5)")
    check.equal([fresh.weight.shape, fresh.bias.requires_grad, repr(fresh)],
                [(4, 5), True, "Linear(in_features=4, out_features=5, bias=True)"],
                given="weight shape, bias.requires_grad and repr of Linear(4, 5)")
    for sizes in [(0, 5), (4, 0)]:
        check.raises(ValueError, lambda sizes=sizes: Linear(*sizes), given=f"Linear{sizes}",
                     mentions=[str(size) for size in sizes])


test_layers_linear()

# %% [markdown]
"""
## Part 4: Seeing everything inside a model

A model is objects inside objects: a network holds a list of blocks, a block holds layers, a layer
holds tensors. Two jobs need to see all of them: *collect the parameters* and *switch the mode*.
Both are easy once you can **walk** a model.

```
 model                              walk(model) visits
  |- first:  A                       1 model
  |           `- inside: [B, C]      2 A
  `- second: D                       3 the list   4 B   5 C
              `- again: B            6 D          (B has been seen)
```

In words: the walk lists the model, then goes into its first attribute all the way down before it
turns to the second; what it meets again later, like B inside D, it does not list again.

That last rule is not decoration. Two layers may *share* a weight, and a shared weight must be
learned once, not twice. And models contain circles: a block that keeps a reference to the model it
belongs to would send a careless walk round and round for ever.

One level of looking is given. `children` answers "what lies *directly* inside this object?":
"""


# %%
#| export
def children(thing: object) -> list:
    """What lies directly inside `thing`, in definition order; an empty list for a leaf.

    Lists and tuples contain their items, dicts their values, any other object its attributes.
    A Tensor is a leaf: what it notes for itself is not part of the model. Classes and Python
    modules are left out: they are code that others share.
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
    listed nor entered again, so a circle of references ends by itself.

    Args:
        model: any object: a Layer, a class of your own, a list of layers, ...

    Returns:
        A list that starts with `model`.

    Example:
        shared = Linear(2, 1)
        walk([shared, (shared,)]) is
        [the list, shared, 2, 1, shared.weight, shared.bias, the tuple]
        (2 and 1 are the layer's in_features and out_features; shared is not repeated.)

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
        "containers": {"a": (b, {"x": c, "y": [d]}), "z": Part("E")},
        "shared": {"first": Part("A", inside=[b, c]), "second": Part("D", again=b, last=[c])},
        "deep first": {"first": Part("A", inside=[b, c]), "second": b},
        "circle": {"a": b, "me": root},
    }
    root.__dict__.update(attributes[case])
    if case == "circle":
        b.owner = root
    return [part.name for part in walk(root) if isinstance(part, Part)]


@probe
def kinds_met(case):
    """The names of the types a walk meets, in order."""
    tensor = Tensor([1.0])
    tensor.grad = Tensor([2.0])
    mixed = [(1.5,), {"k": "word"}, [], [], None, tensor]
    roots = {"leaf": 2.5, "tensor": tensor, "mixed": mixed, "code": {"a": Layer, "b": np, "c": 1.5}}
    return [type(thing).__name__ for thing in walk(roots[case])]


def test_layers_walk():
    """A walk meets every object once, first things first, and ends on circles."""
    check.equal(names_met("order"), ["model", "A", "B", "C", "D"],
                given="model.first = A with A.inside = [B, C], then model.second = D",
                because="everything inside the first attribute comes before the second attribute")
    check.equal(names_met("containers"), ["model", "B", "C", "D", "E"],
                given="model.a = (B, {'x': C, 'y': [D]}), then model.z = E",
                because="lists, tuples and dicts are entered like any other object")
    check.equal(names_met("shared"), ["model", "A", "B", "C", "D"],
                given="A.inside = [B, C], then D.again = B and D.last = [C]; B == C is True",
                because="the same object is listed once, where met first; equal is not the same")
    check.equal(names_met("deep first"), ["model", "A", "B", "C"],
                given="model.first = A with A.inside = [B, C], then model.second = B",
                because="B is met first inside A, before C")
    check.equal(kinds_met("mixed"),
                ["list", "tuple", "float", "dict", "str", "list", "list", "NoneType", "Tensor"],
                given="the types met in [(1.5,), {'k': 'word'}, [], [], None, a tensor]",
                because="every object is listed, containers and plain values too")
    check.equal(names_met("circle"), ["model", "B"],
                given="model.a = B, model.me = model, B.owner = model",
                because="an object met before is not entered again, so the walk ends")
    check.equal(kinds_met("leaf"), ["float"], given="walk(2.5)", because="the model itself is listed")
    check.equal(kinds_met("tensor"), ["Tensor"], given="a tensor whose grad is another tensor")
    check.equal(kinds_met("code"), ["dict", "float"],
                given="the types met in {'a': the class Layer, 'b': the module numpy, 'c': 1.5}")


test_layers_walk()

# %% [markdown]
"""
## Part 5: Collecting the parameters

The **parameters** of a model are the tensors that learning may change: those marked
`requires_grad=True`. Whoever improves the model will ask for exactly this list, and what is missing
from it will silently never learn. Nothing should have to be registered by hand, and with your walk
nothing has to be.
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

    Why it matters: `Layer.parameters()` returns this list for every layer you ever write.

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
def parameters_of_a_nested_model():
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

    return [list(parameter.shape) for parameter in collect_parameters(Model())]


@probe
def facts_about_the_list():
    """Is it a list, and of the tensors themselves? How many are left when one is frozen?"""
    layer = Linear(3, 2)
    found = layer.parameters()
    same = len(found) == 2 and found[0] is layer.weight and found[1] is layer.bias
    layer.bias.requires_grad = False
    return [type(found).__name__, same, len(layer.parameters())]


def test_layers_parameters():
    """Every tensor marked as trainable is found once, in order, wherever it is kept."""
    constant, trainable = Tensor([1.0, 2.0]), Tensor([1.0], requires_grad=True)
    for model, expected, given, because in [
        (Linear(3, 2), [(3, 2), (2,)], "Linear(3, 2)", "weight first, then bias: the order of definition"),
        ([Linear(3, 2), Linear(2, 1, bias=False)], [(3, 2), (2,), (2, 1)],
         "[Linear(3, 2), Linear(2, 1, bias=False)]", "a list of layers holds what its layers hold"),
        ({"a": constant, "b": trainable}, [(1,)], "{'a': a constant tensor (2,), 'b': a trainable one (1,)}",
         "a tensor is a parameter exactly when requires_grad is True"),
        ([1.5, "word"], [], "[1.5, 'word']", "no tensors, no parameters"),
    ]:
        check.equal([parameter.shape for parameter in collect_parameters(model)], expected,
                    given=f"the shapes of the parameters of {given}", because=because)
    check.equal(parameters_of_a_nested_model(),
                [[4, 2], [2], [7], [2, 3], [3], [3, 1], [1, 5], [5], [5, 6], [6]],
                given="attributes, a plain object, a list, a tuple, a dict, a shared weight, a circle",
                because="each trainable tensor counts once, where it is met first")
    check.equal(facts_about_the_list(), ["list", True, 1],
                given="[type of parameters(), are they weight and bias themselves, "
                      "how many after bias.requires_grad = False]",
                because="a list of the tensors themselves: a copy would never reach the layer")


test_layers_parameters()

# %% [markdown]
"""
## Part 6: Two modes

Some layers behave differently while a model *learns* and while it is *used*; dropout, which comes
next, is one of them. So every layer carries a flag, `training`. Forgetting to switch a single layer
buried in the model is a classic bug: the program runs, the answers are merely a little worse, and
nobody sees why. The switch therefore has to reach **everything** at once: layers in lists, layers
inside objects that are not layers, and plain objects that keep such a flag themselves.

One caution. People name all kinds of things `training`: a list of training examples, say.
Overwriting that with `False` would destroy data. A *mode* is a `training` attribute that holds a
`bool`; anything else is none of our business.
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
def modes_after(*switches):
    """The modes of everything inside a plain object after each of the switches."""

    class Plain:
        pass

    model, block, own = Plain(), Layer(), Plain()
    own.training = True  # not a Layer, but with a mode of its own
    block.inner, block.owner = Layer(), model
    model.block, model.layers, model.named = block, [Layer(), (Layer(),)], {"x": Layer()}
    model.own, model.kind = own, Layer
    parts = [block, block.inner, model.layers[0], model.layers[1][0], model.named["x"], own]
    for switch in switches:
        set_training_mode(model, switch)
    return [part.training for part in parts]


@probe
def side_effects():
    """What a change of mode has to leave alone."""

    class Plain:
        pass

    model = Plain()
    model.layer, model.data, model.count = Layer(), Plain(), Plain()
    model.data.training, model.count.training = [1, 2], 1
    set_training_mode(model, False)
    found = {
        "data": [model.data.training, model.count.training],
        "class": [Layer.training, Layer().training],
        "added": "training" in vars(model),
    }
    Layer.training = True
    return found


@probe
def results_of_the_methods():
    """eval() and train() of a layer with another one inside."""
    layer = Layer()
    layer.inner = Layer()
    found = [layer.eval() is layer, layer.training, layer.inner.training]
    return [*found, layer.train() is layer, layer.training, layer.inner.training]


def test_layers_training_mode():
    """The mode reaches every part of a model, and nothing else."""
    changed = side_effects()
    check.equal(changed["class"], [True, True],
                given="Layer.training and Layer().training after another model's switch to False",
                because="the mode belongs to the object, not to its class")
    check.equal(modes_after(False), [False] * 6,
                given="set_training_mode(model, False); the modes of a layer, one inside it, one in a "
                      "list, a tuple, a dict, and of a plain object with training = True",
                because="every bool called training, anywhere inside the model, is switched")
    check.equal(modes_after(False, True), [True] * 6, given="the switches False, then True",
                because="the switch goes both ways")
    check.equal(changed["added"], False, given="does a plain object without a mode receive one",
                because="only what has a mode can change it")
    check.equal(changed["data"], [[1, 2], 1],
                given="objects with training = [1, 2] and training = 1, after the switch False",
                because="a training attribute that is not a bool is data, not a mode")
    check.equal(modes_after(0, True, 0), [False] * 6, given="the switches 0, True, 0",
                because="a mode is stored as a bool, so the next switch recognises it")
    check.equal(results_of_the_methods(), [True, False, False, True, True, True],
                given="[eval() is layer, its mode, the mode inside; train() is layer, its mode, "
                      "the mode inside]",
                because="eval and train return the layer and reach what it contains")


test_layers_training_mode()

# %% [markdown]
r"""
## Part 7: Dropout, forgetting on purpose

A network with many weights can learn its examples by heart instead of what they have in common.
**Dropout** makes that hard: while training, each number passing through is replaced by zero with
probability $p$. No unit can rely on one particular neighbour, because that neighbour may be gone at
any moment.

```
 x          [ 4.0   2.0   6.0   8.0 ]
 mask       [ 2.0   0.0   0.0   2.0 ]     p = 0.5: zero, or 1 / (1 - p) = 2
 x * mask   [ 8.0   0.0   0.0  16.0 ]
```

In words: a random mask of zeros and twos multiplies the input; half of the numbers vanish, the
others double.

**Why do the survivors grow?** So that the *average* stays what it was. A number $x$ becomes $0$
with probability $p$ and $s \cdot x$ with probability $1-p$, on average $(1-p)\,s\,x$. That equals
$x$ exactly when

$$s = \frac{1}{1-p}$$

The layer behind dropout then sees the same typical size in both modes, and in evaluation mode there
is nothing left to do at all: the input passes through untouched. Scaling while training instead of
while evaluating is called *inverted* dropout.

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
        dropout_mask((2, 3), 0.5) may be [[2, 0, 2], [0, 0, 2]]: zeros and twos, half and half.

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
@probe
def seeded_mask(shape, p):
    """A mask drawn from a known state of the generator."""
    np.random.seed(5)
    return dropout_mask(tuple(shape), p)


@probe
def complaints():
    """What Python and NumPy complain about while a mask with p = 1 is made; '' if nothing."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            dropout_mask((3, 2), 1.0)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    return ""


@probe
def repeats():
    """Is the next mask the same; is it the same after the same seed?"""
    np.random.seed(5)
    first, second = dropout_mask((20, 20), 0.5), dropout_mask((20, 20), 0.5)
    np.random.seed(5)
    return [bool(np.array_equal(first, other)) for other in (second, dropout_mask((20, 20), 0.5))]


def test_layers_dropout_mask():
    """Zeros with probability p, the exact scale 1 / (1 - p) elsewhere, entry by entry."""
    half, few, many = (seeded_mask((400, 250), p) for p in (0.5, 0.2, 0.9))
    check.equal(half.shape, (400, 250), given="the shape of dropout_mask((400, 250), 0.5)")
    check.close(np.unique(half), [0.0, 2.0], given="the different values in dropout_mask((400, 250), 0.5)",
                because="dropped entries are 0, kept ones 1 / (1 - 0.5) = 2")
    check.close(round(float((few == 0).mean()), 2), 0.2, atol=0.015,
                given="the share of zeros in dropout_mask((400, 250), 0.2)",
                because="p is the probability of being dropped")
    check.close(np.unique(few), [0.0, 1.25], given="the different values in dropout_mask((400, 250), 0.2)",
                because="kept entries are 1 / (1 - 0.2) = 1.25, so that the average is 1")
    check.close(round(float((many == 0).mean()), 2), 0.9, atol=0.015,
                given="the share of zeros in dropout_mask((400, 250), 0.9)")
    check.close(np.unique(many), [0.0, 10.0], given="the different values in dropout_mask((400, 250), 0.9)")
    check.equal(str(half.dtype), "float32", given="the dtype of dropout_mask((400, 250), 0.5)",
                because="one float64 array doubles the memory of all that follows")
    check.equal([len({line.tobytes() for line in side}) for side in (half, half.T)], [400, 250],
                given="how many rows, and columns, of a (400, 250) mask differ from each other",
                because="every entry is drawn on its own")
    check.close(seeded_mask((3, 2), 0.0), np.ones((3, 2)), given="dropout_mask((3, 2), 0.0)",
                because="nothing is dropped")
    check.equal(complaints(), "", given="errors and warnings of dropout_mask((3, 2), 1.0)",
                because="1 / (1 - p) must not be computed for p = 1")
    none = seeded_mask((3, 2), 1.0)
    check.close(none, np.zeros((3, 2)), given="dropout_mask((3, 2), 1.0)", because="everything is dropped")
    check.equal(str(none.dtype), "float32", given="the dtype of dropout_mask((3, 2), 1.0)")
    for shape in [(80,), (5, 8, 2)]:
        mask = seeded_mask(shape, 0.5)
        check.equal(mask.shape, shape, given=f"the shape of dropout_mask({shape}, 0.5)")
        check.close(np.unique(mask), [0.0, 2.0], given=f"the values in dropout_mask({shape}, 0.5)")
    check.equal(repeats(), [False, True],
                given="is the mask the same [in the next call, after the same np.random.seed]",
                because="each call draws new numbers from NumPy's global random state")


test_layers_dropout_mask()

# %% [markdown]
"""
Now the layer. It has **two switches**: the mode of the layer (`self.training`, set for a whole
model by `train()` and `eval()`) and the argument `training` of a single call. Numbers are dropped
only when **both** say yes, so either one is enough to turn dropout off.
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
def returns_its_input(p, mode, training):
    """Does Dropout(p) in that mode, called with that argument, give back the very same tensor?"""
    x, layer = Tensor(np.ones((20, 20))), Dropout(p)
    layer.training = mode
    return layer.forward(x, training=training) is x


@probe
def dropped(p, values):
    """The input afterwards, and two outputs in a row, of an active Dropout(p)."""
    x, layer = Tensor(values), Dropout(p)
    np.random.seed(9)
    return [layer.forward(x).data, layer.forward(x).data, x.data]


@probe
def multiplied_as_tensors():
    """Listen at `compute`, the seam of Module 01: is the output made from x?"""
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
    values = np.arange(1, 2001, dtype=np.float32).reshape(50, 40)
    output, second, after = dropped(0.2, values)
    check.close(np.unique(np.round(output / values, 4)), [0.0, 1.25],
                given="output / input of Dropout(0.2) on the numbers 1 to 2000",
                because="each number becomes 0 or grows by exactly 1 / (1 - 0.2) = 1.25")
    switches = [(True, True), (True, False), (False, True), (False, False)]
    check.equal([returns_its_input(0.5, *pair) for pair in switches], [False, True, True, True],
                given=f"is the result x itself, for (self.training, training) in {switches}",
                because="one switch that says no is enough to turn dropout off")
    check.equal(returns_its_input(0.0, True, True), True, given="Dropout(0.0): is the result x itself",
                because="p = 0 drops nothing")
    check.close(float((output == 0).mean()), 0.2, atol=0.06,
                given="the share of zeros after Dropout(0.2) on the numbers 1 to 2000")
    check.close(after, values, given="the input after the call",
                because="dropout makes a new tensor and leaves x alone")
    check.true(bool(np.any(output != second)), given="two calls of Dropout(0.2) on the same input differ",
               because="every call draws a fresh mask")
    check.close(dropped(1.0, values)[0], np.zeros((50, 40)), given="Dropout(1.0) on the numbers 1 to 2000",
                because="p = 1 drops everything")
    check.equal(multiplied_as_tensors(), True, given="is the result computed from x by Tensor operations",
                because="x * mask must pass through compute; working on .data goes round it")
    layer = Dropout()
    check.equal([layer.p, len(layer.parameters()), repr(layer)], [0.5, 0, "Dropout(p=0.5)"],
                given="p, number of parameters and repr of Dropout()")
    for p in (1.5, -0.1):
        check.raises(ValueError, lambda p=p: Dropout(p), given=f"Dropout({p})", mentions=[str(p)])


test_layers_dropout()

# %% [markdown]
"""
## Part 8: A network is a list

```
 x --> Linear(784, 256) --> ReLU --> Dropout(0.5) --> Linear(256, 10) --> y
```

In words: the output of each layer is the input of the next. `Sequential` holds the layers in a list
and sends a tensor through them. Activations are not `Layer`s, but they can be called with a tensor,
and that is all a step has to offer.

Note what the class does *not* contain: no `parameters`, no `train`, no `eval`. The layers sit in an
attribute, so `Layer` and your walk already find them.
"""


# %% nbgrader={"grade": false, "grade_id": "layers_sequential", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Sequential(Layer):
    """Layers in a row: each one's output is the next one's input.

    Sequential(a, b, c) and Sequential([a, b, c]) are the same. `len`, iteration and indexing
    work as for a list; a slice is a Sequential of the same layers.
    """

    def __init__(self, *layers):
        if len(layers) == 1 and isinstance(layers[0], (list, tuple)):
            layers = layers[0]
        for position, layer in enumerate(layers):
            if isinstance(layer, type) or not callable(layer):
                raise TypeError(
                    f"Sequential can only hold layers, position {position} is {layer!r}"
                    + (f": write {layer.__name__}(...)" if isinstance(layer, type) else "")
                )
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
        lines = [f"  ({position}): {layer!r}" for position, layer in enumerate(self.layers)]
        return "\n".join(["Sequential(", *lines, ")"])


# %% nbgrader={"grade": true, "grade_id": "test_layers_sequential", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@probe
def through_simple_steps(names, number):
    """Send a number twice through steps that are not Layers; then the number of steps."""

    class Step:
        def __init__(self, name):
            self.name = name

        def forward(self, x):
            return x * 2 if self.name == "double" else x + 3

        __call__ = forward

    model = Sequential([Step(name) for name in names])
    first, second = model.forward(Tensor([number])), model.forward(Tensor([number]))
    return [float(first.data[0]), float(second.data[0]), len(model)]


@probe
def like_a_list():
    """Empty, length, iteration, indexing and slices of a Sequential."""
    a, b, c, x = Linear(2, 3), Dropout(0.5), Linear(3, 1), Tensor([1.0])
    model = Sequential(a, b, c)
    same = [layer is other for layer, other in zip(model, (a, b, c), strict=True)]
    tail = model[1:]
    kept = [type(tail).__name__, len(tail), tail[0] is b, len(Sequential((a, b)))]
    return [Sequential().forward(x) is x, len(model), model[-1] is c, same, kept]


def test_layers_sequential():
    """Layers run first to last, each on the output of the one before."""
    check.equal(through_simple_steps(["double", "add 3"], 5.0), [13.0, 13.0, 2],
                given="5 through [double, add 3], twice; then the number of steps",
                because="5 * 2 = 10, then 10 + 3 = 13, as often as you ask")
    check.equal(through_simple_steps(["add 3", "double", "double"], 1.0), [16.0, 16.0, 3],
                given="1 through [add 3, double, double], twice; then the number of steps",
                because="(1 + 3) * 2 * 2 = 16")
    a, b = Linear(2, 2), Linear(2, 1, bias=False)
    a.weight, a.bias = Tensor([[1.0, -1.0], [2.0, 0.5]]), Tensor([0.5, 0.0])
    b.weight = Tensor([[10.0], [100.0]])
    for model, form in [(Sequential(a, b), "Sequential(a, b)"), (Sequential([a, b]), "Sequential([a, b])"),
                        (Sequential(Sequential(a), Sequential(b)), "Sequential(Sequential(a), Sequential(b))")]:
        check.close(model.forward(Tensor([[1.0, 2.0]])), [[55.0]], given=f"{form} of linear layers on [[1, 2]]",
                    because="a gives [[5.5, 0]], then b gives 10 * 5.5 + 100 * 0")
    check.equal(like_a_list(), [True, 3, True, [True, True, True], ["Sequential", 2, True, 2]],
                given="Sequential()(x) is x; then len, [-1], iteration and a slice of Sequential(a, b, c)")
    model = Sequential(Linear(3, 8), Dropout(0.5), Sequential(Linear(8, 2, bias=False), Dropout(0.9)))
    check.equal([parameter.shape for parameter in model.parameters()], [(3, 8), (8,), (8, 2)],
                given="the shapes of a nested model's parameters")
    x = Tensor(np.ones((30, 3)))
    expected = (x.data @ model[0].weight.data) @ model[2][0].weight.data
    check.close(model.eval().forward(x), expected, rtol=1e-4, atol=1e-5,
                given="linear layers with two Dropouts between, after eval()",
                because="in evaluation mode every Dropout passes its input through")
    check.true(not np.allclose(model.train().forward(x).data, expected), given="the same model after train()",
               because="in training mode Dropout is active again")
    for wrong, word in [(Linear, "Linear"), (3, "3")]:
        check.raises(TypeError, lambda wrong=wrong: Sequential(a, wrong), given=f"Sequential(a, {word})",
                     mentions=["position 1", word])


test_layers_sequential()

# %% [markdown]
"""
## Use: a digit classifier, from pixels to probabilities

Everything so far in one model: your tensors, your activations, your layers. The weights are random,
so the answers are too; but the machine is complete, and only the numbers in it will change from
here on.
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
The same machinery serves a model of your own shape. Here, one with a detour around two of its
layers: no `Sequential` could express it, and still nothing has to be registered.
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
of the numbers flowing through (its *activations*), and the **operations** per pass. All three can
be predicted from the shapes. Predict first, then measure.

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
A weight matrix has in x out entries, a bias only out: the biases hardly count, and the first layer,
which meets the raw input, holds most of the model.

### Parameters stay, activations grow
"""


# %%
def activation_bytes(model, x):
    """Bytes of the input and of every intermediate result of a Sequential in evaluation mode."""
    held = x.memory_footprint()
    for layer in model:
        y = layer(x)
        held += 0 if y is x else y.memory_footprint()
        x = y
    return held


classifier.eval()
parameter_kb = sum(parameter.memory_footprint() for parameter in classifier.parameters()) / 1000
print(f"parameters: {parameter_kb:.0f} KB, whatever the batch")
for batch in (1, 32, 128, 1024):
    kilobytes = activation_bytes(classifier, Tensor(np.random.rand(batch, 784))) / 1000
    print(f"activations of a batch of {batch:>4}: {kilobytes:>7.0f} KB = {kilobytes / parameter_kb:.2f} x parameters")


# %% [markdown]
"""
Parameters are paid once; activations are paid per example. At a batch of about 150 the activations
of this model outweigh the model itself.

### Time: what is the machine doing?

For each of the batch x out results, a linear layer multiplies and adds `in` times: batch x in x out
multiply-adds, each worth two floating-point operations. The bias takes one addition per result.
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
        f"{layer.in_features:>4} -> {layer.out_features:<4} {operations / 1e6:>6.1f} million operations: "
        f"product {product * 1e6:>6.0f} us ({operations / product / 1e9:>5.1f} GFLOP/s), "
        f"bias {offset * 1e6:>3.0f} us ({layer.in_features}x fewer multiply-adds, {product / offset:.0f}x less time)"
    )
    x = layer(x)
drop, numbers = Dropout(0.5), Tensor(np.random.rand(256, 256))
print(f"Dropout(0.5) on {numbers.shape}: {best_time(lambda: drop(numbers)) * 1e6:.0f} us")

# %% [markdown]
"""
On a quiet machine you should see three things. The product runs at billions of operations per second
(GFLOP/s): it is the one step that the hardware is built for. The bias does far less work but does not
save nearly as much time, because it has to read and write all the results for a single addition each.
And dropout, which hardly computes anything, costs about as much as the middle layer: drawing a random
number per entry is dear. (Other programs running at the same time can spoil any of these figures; run
the cell again if one looks odd.)
"""

# %%
for batch in (1, 8, 32, 128, 512):
    x = Tensor(np.random.rand(batch, 784))
    seconds = best_time(lambda x=x: classifier(x))
    print(f"batch {batch:>4}: {seconds * 1e3:>6.2f} ms a pass, {batch / seconds:>8.0f} examples per second")

# %% [markdown]
"""
A single example has to read all 940 KB of weights for one row of results. A batch reads them once
for all its rows, and shares the cost of every Python call too. One pass takes longer (*latency*),
yet many more examples pass per second (*throughput*).

### Depth again, this time with activations
"""


# %%
def spread_of_network(activation, scale_factor=1.0, depth=10, width=256):
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
    print(f"{label}: typical size after 10 layers {spread_of_network(activation, scale_factor):.3f}")

# %% [markdown]
r"""
ReLU throws away the negative half, and with it half of the mean square: $(1/2)^{10}$ of it is left
after ten layers, a typical size of $\sqrt{1/1024} \approx 0.03$. The remedy is as simple as the
diagnosis: twice the variance, $\sqrt{2/\text{in}}$, known as *He initialisation*. For the shallow
networks ahead $\sqrt{1/\text{in}}$ does well.

### Does the average survive dropout?
"""

# %%
np.random.seed(0)
ones = Tensor(np.ones((500, 200)))
for p in (0.1, 0.5, 0.9):
    scaled = Dropout(p)(ones).data
    print(f"p = {p}: mean with scaling {scaled.mean():.3f}, without {(scaled > 0).mean():.3f}, spread {scaled.std():.2f}")

# %% [markdown]
r"""
With scaling the mean stays at 1. Without, the layers behind would see inputs of $1-p$ of their size
while training, and full size afterwards. The spread shows the price: the larger $p$, the more
noise.

### Questions

**1.** How many parameters has `Linear(784, 256)`? And with twice the outputs?

<details><summary>Answer</summary>

784 x 256 + 256 = 200,960. With 512 outputs: 784 x 512 + 512 = 401,920, exactly twice as many:
weights and biases both grow in proportion to the outputs. In bytes, at 4 each: 804 KB and 1.6 MB.
</details>

**2.** In the classifier above, at a batch of 32, which layer does most of the work, and how much is
it?

<details><summary>Answer</summary>

Multiply-adds: 32 x 784 x 256 = 6,422,528; 32 x 256 x 128 = 1,048,576; 32 x 128 x 10 = 40,960. About
7.5 million in all (15 million floating-point operations), 85 % of them in the first layer: the
widest input costs the most.
</details>

**3.** What if all weights started at the same number?

<details><summary>Answer</summary>

All columns of $W$ are then equal, so all outputs of the layer are equal, and whatever corrects one
column corrects the others in the same way. A layer with 256 outputs stays a layer with one output,
repeated 256 times. Randomness breaks that symmetry. The *bias* may start at zero because the
weights already differ.
</details>

**4.** Why do we set the mode by walking through the model instead of handing `training=False` to
every call?

<details><summary>Answer</summary>

An argument has to be passed on by every layer in between; one that forgets it (or that, like
`Sequential`, calls layers without knowing which of them accept it) leaves a Dropout on. A walk
needs the help of none of them.
</details>

**5.** Two stacked linear layers without an activation between them, `Linear(784, 256)` and
`Linear(256, 10)`: what can they compute that `Linear(784, 10)` cannot?

<details><summary>Answer</summary>

Nothing: $(xW_1 + b_1)W_2 + b_2 = x(W_1W_2) + (b_1W_2 + b_2)$ is again one linear layer, at 26 times
the parameters. Depth needs the bend of an activation between the layers.
</details>
"""

# %% [markdown]
"""
## Common errors

**Two layers that do not fit together**

```
ValueError: Linear(in_features=256, out_features=10, bias=True) got an input of shape (32, 128): its last dimension must be 256 to meet the weight of shape (256, 10)
```

The layer before gives 128 numbers, this one wants 256. Make the out_features of one layer the
in_features of the next.

**A class where an object belongs**

```
TypeError: Sequential can only hold layers, position 1 is <class 'tinytorch.core.activations.ReLU'>: write ReLU(...)
```

`ReLU` is the recipe, `ReLU()` the thing.

**An array where a tensor belongs**

```
TypeError: unsupported operand type(s) for @: 'numpy.ndarray' and 'Tensor'
```

The layer was called with a NumPy array. Wrap it: `layer(Tensor(array))`.

**A probability that is none**

```
ValueError: Dropout needs a probability p from 0 to 1, got p=50
```

50 percent is 0.5.

**A layer without a computation**

```
NotImplementedError: MyLayer does not define forward(x)
```

Often just a spelling mistake: `foward`, or a `forward` indented into another method.

**No message at all**: test results worse than they should be, and different each time. A Dropout is
still on: call `model.eval()` before you use the model, and `model.train()` before you train it
again. Or: some part never learns. Print `len(model.parameters())`; the tensor that is missing was
created without `requires_grad=True`.

## In production: PyTorch

```python
# your TinyTorch                                  # PyTorch
from tinytorch.core.layers import (               import torch.nn as nn
    Dropout, Linear, Sequential)
from tinytorch.core.activations import ReLU

model = Sequential(                               model = nn.Sequential(
    Linear(784, 256), ReLU(), Dropout(0.5),           nn.Linear(784, 256), nn.ReLU(), nn.Dropout(0.5),
    Linear(256, 10))                                  nn.Linear(256, 10))
y = model(x)                                      y = model(x)
parameters = model.parameters()                   parameters = list(model.parameters())
model.eval()                                      model.eval()
```

The code reads the same, and so do the ideas behind it. The differences lie underneath:

| | yours | PyTorch |
|---|---|---|
| shape of a Linear's weight | (in, out) | (out, in), transposed in the product |
| first weights | normal, standard deviation sqrt(1/in) | uniform within +- sqrt(1/in), standard deviation sqrt(1/(3 in)) |
| first bias | zeros | uniform within +- sqrt(1/in) |
| finding parameters | a walk over attributes, lists, dicts, any object | registered when assigned; a plain list needs `nn.ModuleList` |
| two switches of dropout | mode and argument | mode only |
| kinds of layer | three | more than a hundred |

How far does $xW + b$ carry? BERT-Base has about 110 million parameters (440 MB in float32), GPT-3
175 billion (350 GB in 16-bit floats), nearly all of them in linear layers like yours.
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
    check.equal(
        sum(parameter.size for parameter in network.parameters()), 235_146, given="the parameters of 784-256-128-10",
        because="(784*256 + 256) + (256*128 + 128) + (128*10 + 10)",
    )
    calm = network.eval()(batch).data
    check.close(network(batch), calm, given="two passes in evaluation mode", because="nothing is random any more")
    check.true(
        0.05 < float(calm.std()) < 2.0, given="the spread of the answers of a fresh network",
        because="well-scaled weights neither blow the numbers up nor let them vanish",
    )
    print("Module 03 (Layers): all tests passed; a 784-256-128-10 network with 235,146 parameters runs.")


test_module()

# %% [markdown]
"""
## What this unlocks

You have models: things that hold numbers, use them on data, and can tell anyone which numbers those
are.

- **Module 04 (Losses)** turns the output of a model and the right answers into one number: how
  wrong?
- **Module 05 (Autograd)** finds out, for every tensor in `parameters()`, which way it should
  change.
- **Module 06 (Optimizers)** takes that list and makes the change.
- **Module 07 (Training)** puts them into a loop, and uses `set_training_mode` on whatever model you
  give it.

Close with `tito module complete 03`.
"""
