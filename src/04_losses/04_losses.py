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
# Module 04: Losses

| Tier | Difficulty | Time | Prerequisites |
|---|---|---|---|
| Foundation | ●●○○ | 4-6 hours | Modules 01-03 (Tensor, Activations, Layers) |

You can build a network now, and it answers. Its answers are nonsense, because nobody has told it
what a good answer is. A *loss function* tells it: it compares the predictions with the truth and
boils the comparison down to one number. Zero means perfect, larger means worse. Everything that is
called training is the attempt to make that one number smaller.

## Where this module stands

```
   BEFORE                       NOW                              AFTER

 +----------------+      +-------------------------+      +---------------------------+
 | 01 Tensor      |      |  04 Losses              |      | 05 Autograd    which way  |
 | 02 Activations | ---> |  MSELoss                | ---> |                is down    |
 | 03 Layers      |      |  CrossEntropyLoss       |      | 06 Optimizers  a step     |
 |   predictions  |      |  BinaryCrossEntropyLoss |      | 07 Training    many steps |
 +----------------+      +-------------------------+      +---------------------------+
```

In words: the predictions of Modules 01 to 03 go into a loss; automatic gradients (05), optimizers
(06) and the training loop (07) work to make the number that comes out smaller.

## What you will be able to do

1. **Write** mean squared error, cross-entropy and binary cross-entropy: most of practice.
2. **Derive** the log-sum-exp trick, and show on the machine what goes wrong without it.
3. **Refuse** bad input by an error that names the culprit, not by a plausible wrong number.
4. **Choose** a loss for a task, and estimate what it costs in memory when there are 50,000 classes.

## What you build, and what you do not build yet

| Task | Loss | The model delivers | The truth is |
|---|---|---|---|
| predict a quantity | `MSELoss` | any numbers | numbers, same shape |
| choose one of C classes | `CrossEntropyLoss` | logits (N, C) | class indices (N,) |
| answer yes or no | `BinaryCrossEntropyLoss` | probabilities | 0 or 1, same shape |

On the way you build `log_softmax`, and three checks that stand guard before the losses.

Not yet: gradients (Module 05), other ways of averaging (sum, weights), and variants such as label
smoothing or the Huber loss.
"""

# %% [markdown]
"""
## Setup
"""

# %%
#| default_exp core.losses

# %%
#| export
from typing import Any

import numpy as np

from tinytorch.core.tensor import Tensor, compute

# %%
# For the test cells and experiments below; not part of your framework.
import time
import tracemalloc

from tinytorch.core.activations import ReLU, Sigmoid, Softmax
from tinytorch.core.layers import Linear, Sequential
from tito.checks import check, probe

# %% [markdown]
"""
# Build

## 1. The guard: same shape

The plainest loss subtracts the truth from the prediction. Before any subtraction, look at what
can happen to it. Below, a model predicts four house prices *perfectly*; it only returns them as a
column, (4, 1), while the truth is a row, (4,).
"""

# %%
column = np.array([[100.0], [200.0], [300.0], [400.0]])
row = np.array([100.0, 200.0, 300.0, 400.0])
print("shape of the difference:", (column - row).shape)
print("mean squared difference:", np.mean((column - row) ** 2), " (the truth is 0)")

# %% [markdown]
"""
```
                    truth  (4,)
                  100  200  300  400
   prediction 100   0 -100 -200 -300
   (4, 1)     200 100    0 -100 -200        16 differences, of which
              300 200  100    0 -100        only the 4 on the diagonal
              400 300  200  100    0        mean anything
```

In words: broadcasting stretches the column and the row to a (4, 4) table that holds the
difference of every prediction and every truth; only the diagonal compares what belongs together.

Broadcasting did its duty, nobody was warned, and 25000 looks like a loss. A model trained on it
learns to predict the average of everything. This is among the most expensive bugs in the field,
because nothing crashes. So the first thing a loss does is look at the shapes.
"""

# %% nbgrader={"grade": false, "grade_id": "losses_same_shape", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def require_same_shape(predictions: np.ndarray, targets: np.ndarray) -> None:
    """Refuse predictions and targets whose shapes differ in any way.

    Args:
        predictions: array that a model delivered.
        targets: array with the truth.

    Returns:
        None. When the shapes are equal nothing happens.

    Raises:
        ValueError: the shapes are not exactly equal, even if they would broadcast.
            The message contains both shapes as Python prints them, such as (4, 1) and (4,).

    Why: (4, 1) against (4,) broadcasts to (4, 4), and the loss becomes a plausible wrong number.

    Steps:
        1. Compare the two .shape tuples.
        2. If they differ, raise ValueError with an f-string that contains both of them.

    Example:
        require_same_shape(np.zeros((4, 1)), np.zeros(4))
        ->  ValueError: ... (4, 1) ... (4,) ...
    """
    ### BEGIN SOLUTION
    if predictions.shape != targets.shape:
        raise ValueError(
            f"Predictions of shape {predictions.shape} and targets of shape {targets.shape} do not "
            "belong together: the shapes must be equal (reshape one of them; nothing is broadcast)."
        )
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_losses_same_shape", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_losses_same_shape():
    """Equal shapes pass silently; all others are refused by name, broadcastable or not."""
    for shape in ((4,), (4, 1), (2, 3, 4), ()):
        check.equal(
            require_same_shape(np.zeros(shape), np.ones(shape)),
            None,
            given=f"two arrays of shape {shape}",
            because="equal shapes are fine, whatever the values",
        )
    for left, right, because in (
        ((2, 3), (3, 2), "the number of elements agrees, the shape does not"),
        ((5, 2), (5, 3), "the second dimension differs"),
        ((4, 1), (4,), "they would broadcast to (4, 4)"),
        ((4,), (1, 4), "they would broadcast, too"),
        ((3,), (), "a single number would be compared with all three"),
    ):
        check.raises(
            ValueError,
            lambda left=left, right=right: require_same_shape(np.zeros(left), np.zeros(right)),
            given=f"predictions {left}, targets {right}",
            mentions=[str(left), str(right)],
            because=because,
        )


test_losses_same_shape()

# %% [markdown]
r"""
## 2. Mean squared error: for quantities

$$\mathrm{MSE} = \frac{1}{n}\sum_{i=1}^{n} (p_i - t_i)^2$$

Subtract, square, average. Squaring makes every error count as positive, so that +5 and -5 do not
cancel, and it makes large errors count far more than small ones: an error of 10 costs 100, an
error of 20 costs 400. It is also smooth: near the minimum the cost flattens out, which will
matter as soon as something walks downhill on it.

The average runs over *all* elements, and not their sum, so that a batch of 32 and a batch of 128
give losses of the same size.
"""

# %% nbgrader={"grade": false, "grade_id": "losses_mse", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def mean_squared_error(predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Average of the squared differences over all elements.

    Args:
        predictions: array of any shape.
        targets: array of the same shape (checked elsewhere, not here).

    Returns:
        A single number (shape ()): the mean of (prediction - target)^2 over all elements.

    Why: the standard loss for predicting quantities; large errors weigh most.

    Steps:
        1. The difference of the two arrays.
        2. Its square: multiply the difference by itself, which is as fast as it gets.
        3. The mean over everything.

    Example:
        predictions [1, 2, 3], targets [1, 4, 0]: differences 0, -2, 3  ->  (0 + 4 + 9) / 3 = 4.3333
    """
    ### BEGIN SOLUTION
    difference = predictions - targets
    return np.mean(difference * difference)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_losses_mse", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def test_losses_mse():
    """The mean of squared differences, for any shape, as a single number."""
    p = np.array([1.0, 2.0, 3.0], dtype=np.float32)
    t = np.array([1.0, 4.0, 0.0], dtype=np.float32)
    check.close(
        mean_squared_error(p, t),
        13 / 3,
        given="predictions [1, 2, 3], targets [1, 4, 0]",
        because="the differences are 0, -2, 3; their squares add up to 13; divide by 3",
    )
    check.close(mean_squared_error(p, p), 0.0, given="predictions equal to targets")
    rng = np.random.default_rng(0)
    p, t = rng.standard_normal((2, 3, 4, 5))
    expected = sum((a - b) ** 2 for a, b in zip(p.ravel(), t.ravel(), strict=True)) / 60
    check.close(
        mean_squared_error(p, t),
        expected,
        given="random arrays of shape (3, 4, 5)",
        because="the mean runs over all 60 elements and gives one number",
    )
    check.close(
        mean_squared_error(np.float32([1000.0, -1000.0]), np.float32([-1000.0, -1000.0])),
        2e6,
        given="predictions [1000, -1000], targets [-1000, -1000]",
        because="2000 squared, halved by the mean",
    )


test_losses_mse()

# %% [markdown]
"""
## 3. A loss as an object: check, then compute

Training code holds its loss as an object and calls it: `criterion = MSELoss()`, then `loss =
criterion(predictions, targets)`. What all losses share is given below: they are called like
functions, learn nothing, and turn whatever they are handed into Tensors. A Tensor stays *the very
same object*; wrapping it again would make a new one that does not know where it came from.

A `forward` then does two things in this order:

```
   predictions, targets --> check the shapes --> compute(operation, ...) --> loss, shape ()
                                  |
                                  +--> ValueError that names the fault
```

In words: first the guard, which may raise; then the operation, through `compute`, as one step.

Why `compute` once, with an operation of your own, and not three Tensor operations (minus, times,
mean)? One operation is one step for everything that watches the seam: one result instead of
three, and one place where its slope will be worked out. For a loss that stays the same
everywhere, that is the natural unit.
"""

# %% nbgrader={"grade": false, "grade_id": "losses_mse_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def as_tensors(*values: Any) -> list[Tensor]:
    """Wrap arrays, lists and numbers; a Tensor stays the very same object."""
    return [value if isinstance(value, Tensor) else Tensor(value) for value in values]


class Loss:
    """What all losses have in common: predictions and targets in, one number out."""

    def forward(self, predictions: Tensor, targets: Tensor) -> Tensor:
        """Return the loss, averaged over the batch. Every subclass defines it."""
        raise NotImplementedError(
            f"{type(self).__name__} does not define forward(predictions, targets)."
        )

    def __call__(self, predictions: Tensor, targets: Tensor) -> Tensor:
        """`loss_fn(predictions, targets)` means `loss_fn.forward(predictions, targets)`."""
        return self.forward(predictions, targets)

    def parameters(self) -> list[Tensor]:
        """Nothing here is learned."""
        return []

    def __repr__(self) -> str:
        """The way it was made: `MSELoss()`."""
        return f"{type(self).__name__}()"


class MSELoss(Loss):
    """Mean squared error, for predicting quantities."""

    def forward(self, predictions: Tensor, targets: Tensor) -> Tensor:
        """Return the mean squared error of two tensors of the same shape, as a Tensor of shape ().

        Raises:
            ValueError: the shapes are not equal (from require_same_shape).

        Steps (`predictions` and `targets` are Tensors once the given line has run):
            1. Let require_same_shape look at their arrays (`.data`).
            2. Hand mean_squared_error and both tensors to compute, and return its Tensor.

        Example:
            MSELoss()(Tensor([1.0, 2.0]), Tensor([1.0, 4.0]))  ->  Tensor(2.)
        """
        predictions, targets = as_tensors(predictions, targets)
        ### BEGIN SOLUTION
        require_same_shape(predictions.data, targets.data)
        return compute(mean_squared_error, predictions, targets)
        ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_losses_mse_loss", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@probe
def operations_heard():
    """What compute() sees during MSELoss()(p, t): the operation; are its inputs p and t?"""
    heard = []
    p, t = Tensor([1.0, 2.0]), Tensor([1.0, 4.0])

    def listen(output, operation, inputs, settings):
        heard.append(operation.__name__)
        heard.append(inputs[0] is p and inputs[-1] is t)

    before = Tensor.__dict__["_record"]
    Tensor._record = staticmethod(listen)
    try:
        MSELoss()(p, t)
    finally:
        Tensor._record = before
    return heard


def test_losses_mse_loss():
    """MSELoss checks the shapes, goes through compute once, and returns a Tensor of shape ()."""
    loss_fn = MSELoss()
    loss = loss_fn(Tensor([1.0, 2.0]), Tensor([1.0, 4.0]))
    check.equal(
        loss.__class__.__name__,
        "Tensor",
        given="the class of MSELoss()([1, 2], [1, 4])",
        because="a loss is a Tensor, so that later steps can work with it",
    )
    check.close(loss, 2.0, given="MSELoss()([1, 2], [1, 4])", because="(0 + 4) / 2, of shape ()")
    check.raises(
        ValueError,
        lambda: loss_fn(Tensor(np.zeros((4, 1))), Tensor(np.zeros(4))),
        given="predictions of shape (4, 1), targets of shape (4,)",
        mentions=["(4, 1)", "(4,)"],
        because="they would broadcast; the guard must stand before the computation",
    )
    check.equal(
        operations_heard(),
        ["mean_squared_error", True],
        given="what compute() sees: the operation, and whether its inputs are the tensors given",
        because="the loss is one operation on the original tensors",
    )
    check.close(
        loss_fn.forward(Tensor([[1.0], [2.0]]), [[1], [4]]),
        2.0,
        given="targets as a plain list [[1], [4]]",
    )
    check.equal(loss_fn.parameters(), [], given="MSELoss().parameters()")
    check.equal(repr(loss_fn), "MSELoss()", given="repr(MSELoss())")


test_losses_mse_loss()

# %% [markdown]
r"""
## 4. Log-probabilities that never reach minus infinity

For classification, a model delivers a row of logits, and Softmax (Module 02) makes probabilities
of them. The loss will need the *logarithm* of those probabilities. The obvious program is
`log(softmax(x))`. Try it on a row where one class is far ahead:
"""

# %%
row = np.array([[0.0, 50.0, 150.0]], dtype=np.float32)
with np.errstate(all="ignore"):
    print("softmax:     ", Softmax()(Tensor(row)).numpy())
    print("log(softmax):", np.log(Softmax()(Tensor(row)).numpy()))
print("true values: ", [-150.0, -100.0, 0.0])

# %% [markdown]
r"""
Every step is as exact as float32 allows, and the result is useless: $e^{-150}$ is too small for
float32 and became 0, and the logarithm of 0 is $-\infty$. The information was thrown away in the
middle. -150 is a perfectly ordinary number; we only must not travel through $e^{-150}$ to get
there.

Take the logarithm on paper instead, before anything is rounded. With $m$ the largest logit of the
row:

$$\log \frac{e^{x_i}}{\sum_j e^{x_j}} \;=\; x_i - \log \sum_j e^{x_j}
\;=\; (x_i - m) - \log \sum_j e^{x_j - m}$$

The second step pulls $e^m$ out of the sum; its logarithm is $m$. This is the **log-sum-exp
trick**:

```
   x          [   0    50   150 ]
   x - m      [-150  -100     0 ]        m = 150
   exp        [   0     0     1 ]        too small to matter beside 1: harmless now
   sum, log           0                  the sum is at least 1, so its log is at least 0
   result     [-150  -100     0 ]        (x - m) - 0
```

In words: after subtracting the row's largest logit, the exponentials are at most 1 and their sum
is at least 1, so neither overflow nor log(0) can occur; the result keeps the differences
themselves.
"""

# %% nbgrader={"grade": false, "grade_id": "losses_log_probabilities", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@np.errstate(under="ignore")  # exp(-1000) becomes 0, which is the right answer
def log_probabilities(logits: np.ndarray, dim: int) -> np.ndarray:
    """Logarithm of the softmax along one dimension, without ever leaving the range of float32.

    Args:
        logits: array of scores, at least one-dimensional, values of any size. It is left unchanged.
        dim: the dimension along which the probabilities add up to 1; negative counts from the end.

    Returns:
        A new array of the same shape and dtype (float32 in, float32 out). All values are <= 0, and
        the sum of their exponentials along `dim` is 1. For logits [-1000, 0, 1000] it is
        [-2000, -1000, 0]: no infinities, no NaN, no overflow.

    Why: a loss needs the logarithm of a probability that may be far too small to be stored itself.

    Steps:
        1. Subtract the largest logit along `dim` (keepdims=True) from the logits.
        2. Take exp() of that, sum along `dim` (keepdims=True), and take the log() of the sum.
        3. Return the result of step 1 minus the result of step 2.

    Example:
        log_probabilities(np.array([0.0, 0.0]), dim=0)       ->  [-0.6931, -0.6931]    (log of 1/2)
        log_probabilities(np.array([0.0, 50.0, 150.0]), 0)   ->  [-150., -100., 0.]
    """
    ### BEGIN SOLUTION
    shifted = logits - logits.max(axis=dim, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=dim, keepdims=True))
    return shifted
    ### END SOLUTION


def log_softmax(x: Tensor, dim: int = -1) -> Tensor:
    """Return the logarithm of softmax(x) along dim (default: the last), computed stably."""
    return compute(log_probabilities, x, dim=dim)

# %% nbgrader={"grade": true, "grade_id": "test_losses_log_probabilities", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
@probe
def log_probabilities_complaints():
    """What NumPy would warn about when log_probabilities meets very large and very small logits."""
    complaints = []
    for row in ([-1000.0, 0.0, 1000.0], [1000.0, 1000.0], [-1000.0, -1000.0]):
        try:
            with np.errstate(over="raise", divide="raise", invalid="raise"):
                log_probabilities(np.array(row, dtype=np.float32), -1)
        except FloatingPointError as error:
            complaints.append(f"{row}: {error}")
    return ", ".join(complaints) or "none"


@probe
def log_probabilities_leaves_its_input():
    """The input array after log_probabilities() has run on it."""
    x = np.array([[1.0, 2.0], [3.0, 5.0]], dtype=np.float32)
    log_probabilities(x, 1)
    return x


def log_probabilities_by_hand(x, dim):
    """Straight from the formula, one row at a time, in float64 (for moderate values)."""
    rows = np.moveaxis(x.astype(np.float64), dim, -1)
    result = np.zeros(rows.shape)
    for index in np.ndindex(rows.shape[:-1]):
        result[index] = rows[index] - np.log(sum(np.exp(rows[index])))
    return np.moveaxis(result, -1, dim)


def test_losses_log_probabilities():
    """Exact logarithms of softmax along any dimension, also where softmax itself is 0."""
    quarter = np.array([[0.0, 0.0], [0.0, np.log(3.0)]], dtype=np.float32)
    check.close(
        log_probabilities(quarter, -1),
        np.log([[0.5, 0.5], [0.25, 0.75]]),
        given="logits [[0, 0], [0, ln 3]], dim -1",
        because="the probabilities are [1/2, 1/2] and [1/4, 3/4]; these are their logarithms",
    )
    check.close(
        log_probabilities_leaves_its_input(),
        [[1.0, 2.0], [3.0, 5.0]],
        given="the input [[1, 2], [3, 5]], looked at after log_probabilities(x, 1)",
        because="an operation returns a new array; others may still need the old one",
    )
    check.close(
        log_probabilities(quarter, 0),
        np.log([[0.5, 0.25], [0.5, 0.75]]),
        given="logits [[0, 0], [0, ln 3]], dim 0",
        because="now each column is a distribution",
    )
    check.close(
        log_probabilities(np.array([-1000.0, 0.0, 1000.0], dtype=np.float32), 0),
        [-2000.0, -1000.0, 0.0],
        given="logits [-1000, 0, 1000]",
        because="the exponentials underflow, the logarithms are ordinary numbers",
    )
    check.close(
        log_probabilities(np.array([[1000.0, 1000.0], [-1000.0, -1000.0]], dtype=np.float32), 1),
        np.log(np.full((2, 2), 0.5)),
        given="logits [[1000, 1000], [-1000, -1000]], dim 1",
        because="each row subtracts its own largest logit, so both are [ln 1/2, ln 1/2]",
    )
    check.equal(
        log_probabilities_complaints(),
        "none",
        given="NumPy's complaints about [-1000, 0, 1000], [1000, 1000], [-1000, -1000]",
        because="neither exp(1000) nor log(0) may occur on the way",
    )

    x = np.random.default_rng(0).integers(-5, 6, (2, 3, 4)).astype(np.float32)
    for dim in (0, 1, 2, -1, -2, -3):
        check.close(
            log_probabilities(x, dim),
            log_probabilities_by_hand(x, dim),
            given=f"logits of shape (2, 3, 4), dim {dim}",
        )
    check.equal(
        log_probabilities(x, 1).dtype,
        np.float32,
        given="float32 logits",
        because="float32 in, float32 out",
    )
    t = Tensor(quarter)
    rows, columns = np.log([[0.5, 0.5], [0.25, 0.75]]), np.log([[0.5, 0.25], [0.5, 0.75]])
    check.close(log_softmax(t), rows, given="log_softmax(x), default dim")
    check.close(log_softmax(t, dim=0), columns, given="log_softmax(x, dim=0)")


test_losses_log_probabilities()

# %% [markdown]
"""
## 5. The guard for classes

The truth of a classification is a class number per row of logits: for logits of shape (N, C) a
vector of N whole numbers from 0 to C-1. For a sequence of T decisions per sample, (N, T, C), it
is an (N, T) table. In general: the logits' shape without its last dimension.

What arrives in practice: classes numbered from 1 instead of 0, a -1 for "unknown", one-hot rows
instead of class numbers, fractions that were probabilities. What NumPy does with them:

| Target, for C = 3 | Without a guard |
|---|---|
| 3 | `IndexError: index 3 is out of bounds for axis 1 with size 3`: which target was it? |
| -1 | silently the *last* class: negative indices count from the end |
| 1.7 | silently class 1, once converted to a whole number |
| NaN | some arbitrary whole number, once converted |

Tensors store float32, so class numbers arrive as 0.0, 1.0, 2.0. That is exact: float32 holds every
whole number up to 16,777,216.
"""

# %% nbgrader={"grade": false, "grade_id": "losses_class_targets", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def require_class_targets(logits: np.ndarray, targets: np.ndarray) -> None:
    """Refuse targets that do not name one existing class for every row of logits.

    Args:
        logits: array of shape (..., C): C scores per row, at least one-dimensional.
        targets: array of shape (...), the logits' shape without its last dimension. Whole
            numbers from 0 to C-1, usually stored as float32: 2.0 is class 2.

    Returns:
        None. When everything is in order nothing happens.

    Raises:
        ValueError: targets.shape is not logits.shape without its last dimension, or the logits
            have no dimension at all. The message contains both shapes.
        ValueError: a target is not a whole number (1.5, NaN), is negative, or is C or more.
            The message contains the first such target, its position, and C.
            (`np.argwhere(mask)[0]` is the position of the first True of a mask.)

    Why: without this check -1 silently means the last class, and 1.7 silently means class 1.

    Steps:
        1. Compare the shapes, and raise if they do not fit.
        2. Build one mask of wrong targets from three comparisons joined by |: different from their
           own np.floor, below 0, C or more. (NaN differs from everything, itself included.)
        3. If the mask is True anywhere (.any()), find the first position and raise.

    Example:
        require_class_targets(np.zeros((2, 3)), np.array([0.0, 3.0]))
        ->  ValueError: Target 3 at index (1,) is not one of the 3 classes, ...
    """
    ### BEGIN SOLUTION
    if logits.ndim == 0 or targets.shape != logits.shape[:-1]:
        raise ValueError(
            f"Logits of shape {logits.shape} and targets of shape {targets.shape} do not fit: "
            "logits need a last dimension for the classes, and targets the shape without it."
        )
    classes = logits.shape[-1]
    wrong = (targets != np.floor(targets)) | (targets < 0) | (targets >= classes)
    if wrong.any():
        index = tuple(np.argwhere(wrong)[0].tolist())
        raise ValueError(
            f"Target {targets[index]:.8g} at index {index} is not one of the {classes} classes, "
            "which are numbered from 0."
        )
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_losses_class_targets", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def test_losses_class_targets():
    """Existing classes in the right shape pass; everything else is refused by name and place."""

    def judge(shape, targets):
        targets = np.array(targets, dtype=np.float32)
        return require_class_targets(np.zeros(shape, dtype=np.float32), targets)

    for shape, targets in (((3, 4), [0, 3, 1]), ((2, 2, 3), [[0, 2], [1, 1]]), ((5,), 4)):
        check.equal(
            judge(shape, targets),
            None,
            given=f"logits of shape {shape}, targets {targets}",
            because=f"they are whole numbers from 0 to {shape[-1] - 1}, one for each row of logits",
        )
    check.raises(
        ValueError,
        lambda: judge((4, 7), [0, 1, 7, 9]),
        given="7 classes, targets [0, 1, 7, 9]",
        mentions=["7", "2"],
        because="7 classes are numbered 0 to 6; the first culprit is 7, at position 2",
    )
    check.raises(
        ValueError,
        lambda: judge((3, 5), [0, -1, 2]),
        given="5 classes, targets [0, -1, 2]",
        mentions=["-1", "5"],
        because="as a NumPy index, -1 would silently mean the last class",
    )
    check.raises(
        ValueError,
        lambda: judge((3, 5), [0, 1, 2.5]),
        given="5 classes, targets [0, 1, 2.5]",
        mentions=["2.5", "5"],
        because="a class is a whole number; 2.5 would silently become 2",
    )
    check.raises(
        ValueError,
        lambda: judge((2, 5), [np.nan, 1]),
        given="5 classes, targets [nan, 1]",
        mentions=["nan", "5"],
    )
    check.raises(
        ValueError,
        lambda: judge((2, 5), [1, np.inf]),
        given="5 classes, targets [1, inf]",
        mentions=["inf", "5"],
    )
    table = np.zeros((30, 40))
    table[20, 31] = 99
    check.raises(
        ValueError,
        lambda: judge((30, 40, 6), table),
        given="6 classes, targets of shape (30, 40), all 0 but a 99 at position (20, 31)",
        mentions=["99", "20", "31", "6"],
        because="someone has to find the culprit among 1200 targets",
    )
    for shape, targets in (
        ((2, 3), (3,)),
        ((2, 3), (2, 3)),
        ((2, 3), (2, 1)),
        ((2, 3, 4), (2,)),
        ((), ()),
    ):
        check.raises(
            ValueError,
            lambda shape=shape, targets=targets: judge(shape, np.zeros(targets)),
            given=f"logits of shape {shape}, targets of shape {targets}",
            mentions=[str(shape), str(targets)],
            because="targets have the logits' shape without the last dimension",
        )


test_losses_class_targets()

# %% [markdown]
r"""
## 6. Cross-entropy: how surprised is the model?

The model gave the true class the probability $p$. The loss is $-\log p$, its *surprise*:

| Probability of the true class | Loss $-\ln p$ |
|---|---|
| 1.0 | 0 |
| 0.99 | 0.01 |
| 0.5 | 0.69 |
| 0.1 | 2.30 |
| 0.01 | 4.61 |
| 0.000001 | 13.8 |

Being right and sure costs nothing. Being wrong and *sure* is expensive without limit: that is the
difference from squared error, which never charges more than 1 for a probability.

Cross-entropy of a batch is the average surprise: take the log-probabilities of every row, pick
the one of the true class, average, change the sign.

```
   log_probabilities, (3, 4)            targets       picked
   [ -0.4  -1.9  -2.3  -3.0 ]     <---     0     --->   -0.4
   [ -2.3  -1.6  -0.4  -3.0 ]     <---     2     --->   -0.4         loss = -mean = 0.9
   [ -0.9  -1.2  -1.9  -1.9 ]     <---     3     --->   -1.9
```

In words: from each of the three rows the entry in the column of its target is picked (-0.4, -0.4,
-1.9); the loss is minus their mean, 0.9.

Picking one entry per row is one indexing operation: `table[rows, columns]` with two integer
arrays of the same length takes `table[rows[0], columns[0]]`, `table[rows[1], columns[1]]` and so
on. For logits of shape (N, T, C), flatten first: (N·T, C) logits and N·T targets are the same
problem.

Give this loss the logits, **not** probabilities: it takes the softmax itself, in the stable form.
"""

# %% nbgrader={"grade": false, "grade_id": "losses_cross_entropy", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Average of -log(probability of the true class) over all rows of logits.

    Args:
        logits: array of shape (..., C): raw scores, not probabilities, of any size.
        targets: array of shape (...) with class numbers 0 to C-1, stored as floats or integers
            (checked elsewhere, not here).

    Returns:
        A single number (shape ()), never negative. Finite for logits of ±1000.

    Why: the standard loss for choosing one class. It rewards probability on the true class only,
    and punishes confident mistakes hardest.

    Steps:
        1. log_probabilities of the logits along the last dimension.
        2. Flatten: the log-probabilities to shape (rows, C), the targets to shape (rows,).
           Convert the targets to integers: NumPy does not take floats as an index.
        3. From each row pick the entry of its target, by one indexing operation.
        4. Return minus the mean of what was picked.

    Example:
        logits [[0, 0], [0, ln 3]], targets [0, 1]:
        the true classes have probabilities 1/2 and 3/4  ->  (0.6931 + 0.2877) / 2 = 0.4904
    """
    ### BEGIN SOLUTION
    table = log_probabilities(logits, -1).reshape(-1, logits.shape[-1])
    classes = targets.reshape(-1).astype(np.intp)
    return -np.mean(table[np.arange(len(table)), classes])
    ### END SOLUTION


class CrossEntropyLoss(Loss):
    """Cross-entropy of logits (N, C) with class numbers (N,); also (N, T, C) with (N, T)."""

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the average surprise at the true classes, as a Tensor of shape ().

        Raises:
            ValueError: the shapes do not fit, or a target is not a class (it is named).
        """
        logits, targets = as_tensors(logits, targets)
        require_class_targets(logits.data, targets.data)
        return compute(cross_entropy, logits, targets)

# %% nbgrader={"grade": true, "grade_id": "test_losses_cross_entropy", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
@probe
def cross_entropy_complaints():
    """What NumPy would warn about when cross_entropy meets very large and very small logits."""
    x = np.array([[-1000.0, 0.0, 1000.0], [1000.0, 1000.0, 1000.0]], dtype=np.float32)
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            cross_entropy(x, np.array([0.0, 1.0], dtype=np.float32))
    except FloatingPointError as error:
        return str(error)
    return "none"


def test_losses_cross_entropy():
    """The average surprise at the true class, for tables and sequences, at any magnitude."""
    logits = np.array([[0.0, 0.0], [0.0, np.log(3.0)]], dtype=np.float32)
    targets = np.array([0.0, 1.0], dtype=np.float32)
    check.close(
        cross_entropy(logits, targets),
        0.4904146,
        given="logits [[0, 0], [0, ln 3]], targets [0, 1]",
        because="the true classes have probabilities 1/2 and 3/4: (-ln 1/2 - ln 3/4) / 2",
    )
    check.close(
        cross_entropy(np.zeros((4, 10), dtype=np.float32), np.array([0.0, 3.0, 9.0, 5.0])),
        np.log(10.0),
        given="ten equal logits in every row",
        because="each class has probability 1/10: the loss is ln 10, whatever the targets",
    )
    check.close(
        cross_entropy(np.array([[-1000.0, 0.0, 1000.0]], dtype=np.float32), np.array([0.0])),
        2000.0,
        given="logits [[-1000, 0, 1000]], target [0]",
        because="the log-probability of class 0 is -2000; its probability underflows to 0",
    )
    check.equal(
        cross_entropy_complaints(),
        "none",
        given="NumPy's complaints about logits of ±1000",
        because="the logarithm of a probability that is 0 in float32 must not be taken",
    )

    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 5)).astype(np.float32) * 3
    t = rng.integers(0, 5, (2, 3))
    surprises = []
    for i, j in np.ndindex(2, 3):
        p = np.exp(x[i, j].astype(np.float64))
        surprises.append(-np.log(p[t[i, j]] / sum(p)))
    check.close(
        cross_entropy(x, t),
        np.mean(surprises),
        given="random logits of shape (2, 3, 5), targets of shape (2, 3)",
        because="all six rows count alike",
    )
    check.close(cross_entropy(x[0], t[0]), np.mean(surprises[:3]), given="the first half of that")

    loss_fn = CrossEntropyLoss()
    check.close(
        loss_fn(Tensor(logits), Tensor(targets)),
        0.4904146,
        given="CrossEntropyLoss()(logits, targets)",
    )
    check.close(loss_fn(Tensor(x), t), np.mean(surprises), given="integer targets in a NumPy array")
    check.raises(
        ValueError,
        lambda: loss_fn(Tensor(logits), Tensor([0.0, 2.0])),
        given="CrossEntropyLoss with 2 classes and targets [0, 2]",
        mentions=["2", "1"],
        because="there is no class 2; the culprit is at position 1",
    )


test_losses_cross_entropy()

# %% [markdown]
r"""
## 7. Binary cross-entropy: yes or no

With only two answers, one probability $p$ says it all: $p$ for yes, $1-p$ for no. The surprise at
a target $t$ (1 for yes, 0 for no):

$$-\bigl(t \log p + (1-t) \log (1-p)\bigr)$$

One of the two terms is always switched off: t = 1 leaves $-\log p$, and t = 0 leaves $-\log(1-p)$.

Here the inputs are probabilities, from a Sigmoid, and a Sigmoid in float32 does reach exactly 1.
Then $\log(1-p)$ is $\log 0$. Worse: in the switched-off term, $0 \cdot \log 0$ is NaN, so even a
*perfect* prediction would ruin the average. The remedy is to keep probabilities a little away
from both ends: between $10^{-7}$ and $1 - 10^{-7}$. That has a price: no loss of a single
prediction can exceed $-\ln 10^{-7} \approx 16.1$, so beyond that end the number no longer tells
wrong from even more wrong.

A second guard is given to you, because the most frequent mistake with this loss is to hand it
logits: clipping would quietly turn a logit of 3.7 into "certain".
"""

# %% nbgrader={"grade": false, "grade_id": "losses_bce", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
PROBABILITY_MARGIN = 1e-7  # how close to 0 and to 1 a probability may come


def require_probabilities(what: str, values: np.ndarray) -> None:
    """Refuse values outside 0 to 1; the error names the first one."""
    outside = (values < 0) | (values > 1)
    if outside.any():
        raise ValueError(
            f"BinaryCrossEntropyLoss needs {what} between 0 and 1, "
            f"but got {values[outside][0]:.8g}."
        )


def binary_cross_entropy(predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Average of -(t * log(p) + (1 - t) * log(1 - p)) over all elements.

    Args:
        predictions: array of probabilities p from 0 to 1, both ends included. Left unchanged.
        targets: array of the same shape (checked elsewhere, not here): 1 for yes, 0 for no.
            A value in between is a soft target and needs no special care.

    Returns:
        A single number (shape ()). Always finite: a certain and wrong prediction
        (p = 0 for t = 1) costs about 16.1, a certain and right one costs nearly 0.

    Why: the loss for independent yes-or-no questions.

    Steps:
        1. Limit the predictions to the range PROBABILITY_MARGIN .. 1 - PROBABILITY_MARGIN,
           in a new array.
        2. The formula above, with the limited values and np.log, on whole arrays.
        3. Minus the mean over all elements.

    Example:
        predictions [0.9, 0.2], targets [1, 0]  ->  (-ln 0.9 - ln 0.8) / 2 = 0.1643
    """
    ### BEGIN SOLUTION
    p = np.clip(predictions, PROBABILITY_MARGIN, 1 - PROBABILITY_MARGIN)
    return -np.mean(targets * np.log(p) + (1 - targets) * np.log(1 - p))
    ### END SOLUTION


class BinaryCrossEntropyLoss(Loss):
    """Binary cross-entropy of probabilities with 0/1 targets of the same shape."""

    def forward(self, predictions: Tensor, targets: Tensor) -> Tensor:
        """Return the average surprise at the true answers, as a Tensor of shape ().

        Raises:
            ValueError: the shapes are not equal, or a value is outside 0 to 1 (it is named).
        """
        predictions, targets = as_tensors(predictions, targets)
        p, t = predictions.data, targets.data
        require_same_shape(p, t)
        require_probabilities("predictions (from a Sigmoid)", p)
        require_probabilities("targets (0 = no, 1 = yes)", t)
        return compute(binary_cross_entropy, predictions, targets)

# %% nbgrader={"grade": true, "grade_id": "test_losses_bce", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
@probe
def binary_cross_entropy_complaints():
    """What NumPy would warn about when predictions are exactly 0 and 1."""
    complaints = []
    for prediction in (0.0, 1.0):
        try:
            with np.errstate(over="raise", divide="raise", invalid="raise"):
                binary_cross_entropy(np.float32([prediction, prediction]), np.float32([0.0, 1.0]))
        except FloatingPointError as error:
            complaints.append(f"prediction {prediction:.0f}: {error}")
    return ", ".join(complaints) or "none"


@probe
def binary_cross_entropy_leaves_its_input():
    """The predictions after binary_cross_entropy() has run on them."""
    predictions = np.array([0.0, 1.0], dtype=np.float32)
    binary_cross_entropy(predictions, np.array([1.0, 1.0], dtype=np.float32))
    return predictions.tolist()


def test_losses_bce():
    """The average surprise at yes-or-no answers, finite also for predictions of 0 and 1."""
    p = np.array([0.9, 0.2], dtype=np.float32)
    t = np.array([1.0, 0.0], dtype=np.float32)
    check.close(
        binary_cross_entropy(p, t),
        0.1642520,
        given="predictions [0.9, 0.2], targets [1, 0]",
        because="yes was given 0.9 and no was given 0.8: (-ln 0.9 - ln 0.8) / 2",
    )
    check.close(
        binary_cross_entropy(p, 1 - t),
        1.9560115,
        given="predictions [0.9, 0.2], targets [0, 1]",
        because="no was given 0.1 and yes was given 0.2: (-ln 0.1 - ln 0.2) / 2",
    )
    check.equal(
        binary_cross_entropy_complaints(),
        "none",
        given="NumPy's complaints about predictions that are exactly 0 and 1",
        because="log(0) must not occur, and 0 * log(0) is NaN",
    )
    check.close(
        binary_cross_entropy(np.float32([0.0, 1.0]), np.float32([0.0, 1.0])),
        0.0,
        given="predictions [0, 1], targets [0, 1]",
        because="perfect predictions cost nothing (at most 0.0000002)",
    )
    for prediction, target in ((0.0, 1.0), (1.0, 0.0)):
        check.close(
            binary_cross_entropy(np.float32([prediction]), np.float32([target])),
            16.1,
            given=f"prediction [{prediction:.0f}], target [{target:.0f}]",
            because="a certain and wrong prediction costs about -ln(0.0000001) = 16.1",
            rtol=0.015,
        )
    check.equal(
        binary_cross_entropy_leaves_its_input(),
        [0.0, 1.0],
        given="the predictions [0, 1], looked at after binary_cross_entropy",
        because="they are limited in a new array, not in place",
    )
    rng = np.random.default_rng(0)
    p, t = rng.uniform(0.01, 0.99, (3, 4)), rng.integers(0, 2, (3, 4))
    t = np.where(t == 1, 1.0, 0.25)
    surprises = [
        -b * np.log(a) - (1 - b) * np.log(1 - a) for a, b in zip(p.flat, t.flat, strict=True)
    ]
    check.close(
        binary_cross_entropy(p.astype(np.float32), t.astype(np.float32)),
        np.mean(surprises),
        given="random predictions of shape (3, 4), targets 1 and 0.25",
        because="a soft target of 0.25 is a quarter yes, three quarters no",
    )

    loss_fn = BinaryCrossEntropyLoss()
    check.close(
        loss_fn(Tensor([0.9, 0.2]), [1, 0]),
        0.1642520,
        given="BinaryCrossEntropyLoss()([0.9, 0.2], [1, 0])",
    )
    check.raises(
        ValueError,
        lambda: loss_fn(Tensor([[0.5], [0.5]]), Tensor([1.0, 0.0])),
        given="predictions of shape (2, 1), targets of shape (2,)",
        mentions=["(2, 1)", "(2,)"],
    )
    check.raises(
        ValueError,
        lambda: loss_fn(Tensor([0.5, 3.5]), Tensor([1.0, 0.0])),
        given="a logit of 3.5 among the predictions",
        mentions=["3.5"],
    )
    check.raises(
        ValueError,
        lambda: loss_fn(Tensor([0.5, 0.5]), Tensor([1.0, -1.0])),
        given="a target of -1",
        mentions=["-1"],
    )


test_losses_bce()

# %% [markdown]
"""
# Use

## An untrained classifier knows nothing: ln C

Layers (03), activations (02) and a loss together for the first time. A classifier with random
weights cannot prefer the true class, so it should give it a probability of about 1/C, and its
loss should be about ln C. This is the first thing to look at in any new project: a first loss far
from ln C means that something is wrong with the labels, the loss, or the scale of the weights.
"""

# %%
np.random.seed(0)
print(f"{'classes':>8} {'ln C':>7} {'first loss':>11}")
for classes in (2, 10, 100, 1000):
    model = Sequential(Linear(20, 64), ReLU(), Linear(64, classes))
    inputs = Tensor(np.random.randn(500, 20))
    truth = np.random.randint(0, classes, 500)
    loss = CrossEntropyLoss()(model(inputs), truth)
    print(f"{classes:8d} {np.log(classes):7.2f} {loss.item():11.2f}")

# %% [markdown]
"""
The measured values lie a little above ln C: random weights are not silent, they have random
opinions, and cross-entropy charges for opinions.

## The loss as a compass

Here is why one number is enough to learn from. The truth is y = 2x + noise. A model with a single
weight w predicts w·x. Try a few values of w, and look only at the loss:
"""

# %%
x = np.linspace(-1.0, 1.0, 50).reshape(50, 1)
y = 2 * x + 0.1 * np.random.randn(50, 1)
line = Linear(1, 1, bias=False)
for w in (0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0):
    line.weight.data = np.array([[w]], dtype=np.float32)
    loss = MSELoss()(line(Tensor(x)), Tensor(y)).item()
    print(f"w = {w:3.1f}   loss = {loss:6.3f}  {'#' * round(40 * loss)}")

# %% [markdown]
"""
The losses form a valley with its floor at the true slope. Nobody told the model "2"; comparing
losses tells it which way is down. With one weight you can try values. With a hundred thousand you
need the slope of the valley in every direction at once, and that is what the next module
computes.

## Same accuracy, different loss

Two classifiers, four samples, both with three right answers out of four. Accuracy cannot tell them
apart; the loss can.
"""

# %%
truth = np.array([0, 1, 2, 0])
modest = np.log([[0.6, 0.2, 0.2], [0.2, 0.6, 0.2], [0.2, 0.2, 0.6], [0.3, 0.4, 0.3]])
brash = np.log([[0.98, 0.01, 0.01], [0.01, 0.98, 0.01], [0.01, 0.01, 0.98], [0.001, 0.998, 0.001]])
for name, logits in (("modest", modest), ("brash", brash)):
    accuracy = np.mean(logits.argmax(axis=1) == truth)
    surprise = -log_softmax(Tensor(logits)).numpy()[np.arange(4), truth]
    loss = CrossEntropyLoss()(Tensor(logits), truth).item()
    print(f"{name:7} accuracy {accuracy:.2f}  loss {loss:.3f}  per sample {np.round(surprise, 2)}")

# %% [markdown]
"""
The brash one is nearly perfect on three samples, and pays for its certainty on the fourth more
than it saved on the others.

# Reflect

## What the trick is worth

The same three rows, by the formula as it stands in the book and by yours:
"""

# %%
def textbook_cross_entropy(logits, target):
    """-log(exp(x) / sum(exp(x))) in float32, with nothing done about large numbers."""
    exponentials = np.exp(logits)
    return -np.log(exponentials[target] / exponentials.sum())


print(f"{'logits':>22} {'target':>7} {'textbook':>10} {'yours':>10}")
for logits in ([1.0, 2.0, 3.0], [50.0, 100.0, 150.0], [-200.0, -100.0, 0.0]):
    as_float32 = np.array(logits, dtype=np.float32)
    with np.errstate(all="ignore"):
        naive = textbook_cross_entropy(as_float32, 0)
    stable = CrossEntropyLoss()(as_float32[np.newaxis], [0]).item()
    print(f"{logits!s:>22} {0:>7} {naive:>10.4f} {stable:>10.4f}")

# %% [markdown]
"""
## What many classes cost

Cross-entropy looks at every logit: O(N·C) exponentials, and arrays of the size of the logits on
the way. For a language model, C is the size of its vocabulary. Measured here for a batch of 64:
"""

# %%
def median_seconds(call, repeats=7):
    """Median wall time of a call."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def peak_megabytes(call):
    """Peak memory allocated during a call, beyond what was there before."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


rng = np.random.default_rng(0)
print(f"{'classes':>8} {'logits MB':>10} {'ms':>8} {'ns per logit':>13} {'extra MB':>9}")
for classes in (10, 100, 1000, 10_000, 50_000):
    logits = rng.standard_normal((64, classes), dtype=np.float32)
    targets = rng.integers(0, classes, 64)

    def call(logits=logits, targets=targets):
        return cross_entropy(logits, targets)

    seconds = median_seconds(call)
    print(
        f"{classes:8d} {logits.nbytes / 1e6:10.2f} {1e3 * seconds:8.3f} "
        f"{1e9 * seconds / logits.size:13.2f} {peak_megabytes(call):9.2f}"
    )

# %% [markdown]
"""
Two regimes. With few classes the time hardly depends on C: a handful of NumPy calls, each with a
fixed price. With many, time and memory grow in proportion to N·C, and the temporary arrays are
about twice the logits: the shifted logits and their exponentials exist at the same time.

## What a wrong answer costs

The penalty for giving the true class the probability p, by cross-entropy and by squared error:
"""

# %%
p = np.linspace(0.005, 1.0, 200)
try:
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 3.5))
    axis.plot(p, -np.log(p), "-", label="cross-entropy: -ln p")
    axis.plot(p, (1 - p) ** 2, "--", label="squared error: (1 - p)²")
    axis.set_xlabel("probability given to the true class")
    axis.set_ylabel("loss")
    axis.set_title("A confident mistake costs cross-entropy without limit, squared error at most 1")
    axis.title.set_fontsize(9)
    axis.grid(alpha=0.3)
    axis.legend()
    plt.show()
except ImportError:
    print(f"{'p':>6} {'-ln p':>7} {'(1-p)²':>7}")
    for value in (0.005, 0.05, 0.25, 0.5, 0.75, 1.0):
        print(f"{value:6.3f} {-np.log(value):7.3f} {(1 - value) ** 2:7.3f}")

# %% [markdown]
"""
## What one outlier costs

A hundred predictions, each off by about 1. Then one of the hundred targets is mistyped by a
factor:
"""

# %%
errors = rng.standard_normal(100)
for wrong_by in (0, 10, 100, 1000):
    spoiled = errors.copy()
    spoiled[0] += wrong_by
    mse = MSELoss()(Tensor(spoiled), Tensor(np.zeros(100))).item()
    share = spoiled[0] ** 2 / np.sum(spoiled**2)
    print(f"one target off by {wrong_by:4d}: MSE {mse:10.2f}, of which that target {share:6.1%}")

# %% [markdown]
"""
## Systems questions

**1.** A language model with a vocabulary of 50,000 is trained on batches of 128 positions in
float32. How much memory do the logits take, and how much does the loss need on top?

<details><summary>Answer</summary>

128 × 50,000 × 4 bytes = 25.6 MB for the logits. Your implementation adds an array of shifted
logits and one of exponentials, about 51 MB: 77 MB for a single number. With sequences, 128
becomes batch × length, and the loss can become the largest consumer of memory in the whole model.
</details>

**2.** What does the formula `exp(x) / sum(exp(x))` do to the logits [50, 100, 150] in float32,
and what do you compute instead?

<details><summary>Answer</summary>

exp(50) = 5e21 and exp(100) overflows already (float32 ends at 3.4e38), so it is [5e21, inf, inf]
divided by inf: [0, nan, nan]. Subtracting 150 first gives exponents [-100, -50, 0], the
exponentials [0, 2e-22, 1], their sum 1, its log 0, and the log-probabilities [-100, -50, 0].
</details>

**3.** You enlarge the batch from 32 to 128. What happens to the size of the loss, to the memory
it needs, and to its noise?

<details><summary>Answer</summary>

The size stays the same, because it is a mean (a sum would quadruple, and everything tuned to its
size would have to be tuned again). The memory quadruples. The noise halves: the mean of four
times as many samples scatters by a factor √4 less.
</details>

**4.** A patient can have several of five diseases at the same time. CrossEntropyLoss or
BinaryCrossEntropyLoss?

<details><summary>Answer</summary>

Five independent yes-or-no questions: five Sigmoids, predictions and 0/1 targets of shape (N, 5),
and BinaryCrossEntropyLoss. Softmax would force the five probabilities to share a total of 1, as
if exactly one disease had to be present.
</details>

**5.** Why do losses take logits where they can (cross-entropy) instead of probabilities?

<details><summary>Answer</summary>

Because rounding happens at each step and cannot be undone. A probability below 1e-45 is 0 in
float32, and one above 0.99999997 is 1; their logarithms are lost. From the logits the logarithm
can be computed without going through the probability. BinaryCrossEntropyLoss, which takes
probabilities, has to clip instead: that is why production code prefers a variant that takes
logits there as well.
</details>

## Common errors

| What you see | What happened |
|---|---|
| `ValueError: Predictions of shape (4, 1) and targets of shape (4,) do not belong together: …` | The model returns a column. `predictions.reshape(-1)`, or give the targets the shape (4, 1). |
| `ValueError: Logits of shape (8, 3) and targets of shape (8, 3) do not fit: …` | One-hot rows instead of class numbers: `targets.argmax(axis=1)`. |
| `ValueError: Target 3 at index (1,) is not one of the 3 classes, which are numbered from 0.` | Classes numbered from 1, or a model with too few outputs. |
| `ValueError: BinaryCrossEntropyLoss needs predictions (from a Sigmoid) between 0 and 1, but got 3.7.` | Logits instead of probabilities: a Sigmoid is missing. |
| `RuntimeWarning: divide by zero encountered in log`, loss `inf` or `nan` | log(softmax(x)) somewhere by hand; use log_softmax. |
| Cross-entropy that never falls below about ln C - 1 | Softmax applied *before* CrossEntropyLoss: probabilities are taken for logits, and they differ by 1 at most. |
"""

# %% [markdown]
"""
## In production

```python
# TinyTorch                                       # PyTorch
from tinytorch.core.tensor import Tensor          import torch
from tinytorch.core.losses import (               from torch import nn
    BinaryCrossEntropyLoss, CrossEntropyLoss,
    MSELoss, log_softmax)

MSELoss()(p, t)                                   nn.MSELoss()(p, t)
CrossEntropyLoss()(logits, classes)               nn.CrossEntropyLoss()(logits, classes)
BinaryCrossEntropyLoss()(probabilities, t)        nn.BCELoss()(probabilities, t)
log_softmax(x, dim=-1)                            torch.log_softmax(x, dim=-1)
```

Same numbers, three differences worth knowing:

* PyTorch expects the classes of sequence logits in dimension **1**: (N, C, T). Yours come last.
* PyTorch's `MSELoss` broadcasts (with a warning) where yours refuses.
* `BCELoss` limits the logarithm at -100 instead of the probability at 1e-7, and
  `BCEWithLogitsLoss` avoids the question by taking logits.

Its kernels compute the log-softmax and the picking in one pass over the logits, without the
temporary arrays you measured. For the largest vocabularies even the logits are produced in
slices.
"""

# %% [markdown]
"""
# Test module

All graded tests once more, and one run through everything together.
"""

# %%
def test_module():
    """All graded tests, then three losses that can be compared with each other."""
    test_losses_same_shape()
    test_losses_mse()
    test_losses_mse_loss()
    test_losses_log_probabilities()
    test_losses_class_targets()
    test_losses_cross_entropy()
    test_losses_bce()

    np.random.seed(0)
    model = Sequential(Linear(6, 16), ReLU(), Linear(16, 1))
    scores = model(Tensor(np.random.randn(10, 6)))
    answers = np.random.randint(0, 2, 10)
    yes = Sigmoid()(scores)
    binary = BinaryCrossEntropyLoss()(yes, answers.reshape(10, 1))
    two_classes = np.concatenate([np.zeros((10, 1)), scores.numpy()], axis=1)
    check.close(
        CrossEntropyLoss()(Tensor(two_classes), answers),
        binary.item(),
        given="yes or no, as a Sigmoid of s and as two classes with logits 0 and s",
        because="softmax of (0, s) is sigmoid(s): both losses ask the same question",
    )
    check.equal(binary.shape, (), given="the shape of a loss")
    check.close(
        MSELoss()(yes, yes.numpy() + 0.5), 0.25, given="predictions that are off by 0.5 everywhere"
    )
    print("Module 04: all tests passed.")


test_module()

# %% [markdown]
"""
# What this unlocks

You have a complete machine for asking "how wrong is this network?". The next question is "which
way is better?". In the valley above you found the floor by trying values of one weight. **Module
05 (Autograd)** computes the slope of the loss with respect to every weight of a network at once,
in about the time of two more forward passes; Module 06 takes steps along it, and Module 07
repeats them until the number you built here is small.
"""
