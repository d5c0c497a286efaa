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
# Module 04: Losses

**Foundation** | ●●○○ | 3-4 hours | Prerequisites: 01 Tensor to 03 Layers

Your networks answer, and their answers are nonsense, because nobody has told them what a good
answer is. A *loss* tells them: it compares the answers with the truth and boils the comparison down
to one number. Lower is better. All that is called training is the attempt to lower that number.
Whoever chooses what to compare chooses what is learned. So this module begins with the question
where losses come from, and only then builds them.

## Where this comes from

On 1 January 1801 Giuseppe Piazzi in Palermo discovered Ceres, and followed it for six weeks until
it came too close to the sun. Then it was lost: no one could compute an orbit from so few
observations, each a little wrong. Carl Friedrich Gauss, 24 years old, could, and in December Ceres
was found close to where he had said. His book of 1809 tells how to choose among orbits that all
miss the data a little: take the smallest sum of squared errors. And it gives a reason. If errors
follow a bell curve, that orbit makes the observations *most likely*. In 1987 Eric Baum and Frank
Wilczek asked the same of neural networks that answer yes or no. For them "most likely" leads to a
different loss, and squared error, which everyone used, was the wrong one.

## Where this module stands

```
   BEFORE               NOW                          AFTER

 +----------------+   +------------------------+   +----------------------+
 | 01 Tensor      |   | 04 Losses              |   | 05 Autograd          |
 | 02 Activations |-->| MSELoss                |-->|    which way is down |
 | 03 Layers      |   | CrossEntropyLoss       |   | 06 Optimizers a step |
 |    answers     |   | BinaryCrossEntropyLoss |   | 07 Training    many  |
 +----------------+   +------------------------+   +----------------------+
```

In words: everything after this module needs *one* number. Autograd asks how this number changes
when a weight does, and it can ask only because a loss makes one number of a million answers.

## What you will be able to do

1. **Derive** a loss from what you believe about your data, instead of looking it up.
2. **Write** squared error, cross-entropy and binary cross-entropy, and say what each assumes.
3. **Derive** the log-sum-exp trick, and show on the machine what happens without it.
4. **Refuse** bad input with an error that names the culprit, where NumPy gives a plausible number.
5. **Predict** the first loss of any classifier, and diagnose one whose loss will not fall.
6. **Estimate** what a loss costs in memory when there are 50,000 classes.

## What you build

| part | you write | idea |
|---|---|---|
| 1 | `gaussian_surprise` | a good model is not surprised by what happened |
| 2 | `require_same_shape` | stop the most expensive silent bug |
| 3 | `mean_squared_error`, `MSELoss` | least squares, as one operation |
| 4 | `log_probabilities` | logarithms that never reach minus infinity |
| 5 | `require_class_targets` | name the wrong label among thousands |
| 6 | `cross_entropy` | one of many classes |
| 7 | `binary_cross_entropy`, its guard, its object | yes or no |
| 8 | `bce_from_logits` (open) | no clipping, no limit |
| Use | `prototype_loss` (bug hunt) | a loss that will not fall |

## What you do not build yet

* Gradients: which way a weight has to move to lower the loss is the question of Module 05.
* Other averages (sums, weights per class) and variants such as the Huber loss or label smoothing.

## Setup

Three cells: what your framework needs, what tests and experiments need, and where the data lies.
When a message puzzles you later, look for it under *Common errors*, near the end.
"""

# %%
#| default_exp core.losses

# %%
#| export
"""Losses: how wrong the answers of a network are, as one number."""

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

# %%
import sys
from pathlib import Path

places = [Path.cwd(), *Path.cwd().parents]
sys.path += [str(place) for place in places if (place / "datasets" / "tinydigits").is_dir()]

# %% [markdown]
r"""
# Build

## Part 1: A good model is not surprised

Two weather forecasters say every morning how probable each kind of weather is. In the evening you
note the probability that each of them had given to what *did* happen. A had given it 0.3 on every
day of the year, B 0.4. Independent probabilities multiply: the product is the *likelihood* of the
whole year, as each of them saw it. The one with the higher likelihood is better.

**What will this print?**
"""

# %%
forecasts = {"A": np.full(365, 0.3, dtype=np.float32), "B": np.full(365, 0.4, dtype=np.float32)}
for name, given_to_what_happened in forecasts.items():
    print(f"forecaster {name}: likelihood of the year = {np.prod(given_to_what_happened)}")

# %% [markdown]
r"""
$0.4^{365}$ is about $10^{-145}$, and float32 has nothing so small: both forecasters get exactly 0.
The remedy is old. Take logarithms, and products become sums:

$$-\ln(q_1 q_2 \cdots q_n) = (-\ln q_1) + (-\ln q_2) + \dots + (-\ln q_n)$$

Each term is the **surprise** of one day: 0 if what happened had been called certain, without limit
if it had been called impossible. The logarithm keeps the order, the minus makes *lower* better, and
dividing by n makes a month comparable with a year. This *average surprise*, the **negative
log-likelihood**, is the loss. The three losses used in practice are three answers to one question:
how probable did the model call what happened?

| the answer is | the model says | how probable it called the truth | where |
|---|---|---|---|
| a quantity | ŷ, up to Gaussian noise | a bell curve around ŷ, at the truth | Part 1 |
| one of C classes | C probabilities | the entry of the true class | Part 6 |
| yes or no | one probability p of yes | p for a yes, 1 - p for a no | Part 7 |

Begin with the first row. If the truth $t$ scatters around the prediction $\hat y$ with Gaussian
noise of size $\sigma$, its density is

$$q = \frac{1}{\sigma\sqrt{2\pi}}\; e^{-\frac12\left(\frac{t-\hat y}{\sigma}\right)^2}$$

A density is not a probability: it may exceed 1, and then the surprise is negative. That does no
harm. Only the differences between surprises matter.

**What will this print?** The true surprises are 0.92 and 200.92.
"""

# %%
for t in (0.0, 20.0):
    density = np.exp(np.float32(-0.5 * t * t)) / np.sqrt(2 * np.pi, dtype=np.float32)
    with np.errstate(divide="ignore"):
        print(f"prediction 0, truth {t:4}, noise 1: surprise = {-np.log(density):.2f}")

# %% [markdown]
r"""
The density underflowed to 0, and its logarithm is lost. Take the logarithm **on paper**, before
anything is rounded, and see what becomes of the e and of the fraction in front. Then write that.
"""

# %% nbgrader={"grade": false, "grade_id": "losses_gaussian_surprise", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gaussian_surprise(predictions: np.ndarray, targets: np.ndarray, noise: float) -> float:
    """Return the average of -ln(density of the target), for Gaussian noise around the predictions.

    Args:
        predictions, targets: arrays of the same shape. Left unchanged.
        noise: the standard deviation of the noise, above 0, in the unit of the targets.

    Returns:
        One number, the mean over all elements. Finite also where the density itself underflows.

    Example:
        predictions [1, 2, 3], targets [1, 4, 3], noise 1:
        surprises 0.9189, 2.9189 and 0.9189  ->  1.5856
    """
    ### BEGIN SOLUTION
    misses = (targets - predictions) / noise
    from_misses = np.mean(misses * misses) / 2
    from_noise = np.log(noise) + np.log(2 * np.pi) / 2
    return from_misses + from_noise
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the example, other noises, a miss of 100 sigma, and random data against the
density.
"""

# %% nbgrader={"grade": true, "grade_id": "test_losses_gaussian_surprise", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_losses_gaussian_surprise():
    """The mean of -ln(density), also where the density underflows."""
    p, t = np.float32([1.0, 2.0, 3.0]), np.float32([1.0, 4.0, 3.0])
    check.close(gaussian_surprise(p, t, 1.0), 1.5856052,
                given="predictions [1, 2, 3], targets [1, 4, 3], noise 1",
                because="-ln q is 0.9189 without a miss and 2.9189 for a miss of 2")
    check.close(gaussian_surprise(p, t, 2.0), 1.7787524, given="the same with noise 2",
                because="0.9189 + ln 2 for each, and 0.5 more for the one miss of 1 sigma")
    check.close(gaussian_surprise(p, t, 0.5), 2.8924580, given="the same with noise 0.5",
                because="one miss of 4 sigma; a narrow bell is high in the middle: ln 0.5 < 0")
    far = np.array([0.0], dtype=np.float32), np.array([100.0], dtype=np.float32)
    check.close(gaussian_surprise(*far, 1.0), 5000.9189, given="prediction 0, target 100, noise 1",
                because="the density is e to the power of -5000, its logarithm is -5000")
    rng = np.random.default_rng(0)
    p, t = rng.standard_normal((2, 3, 4))
    densities = np.exp(-((t - p) ** 2) / (2 * 0.49)) / np.sqrt(2 * np.pi * 0.49)
    check.close(gaussian_surprise(p, t, 0.7), -np.log(densities).mean(),
                given="random arrays of shape (3, 4), noise 0.7",
                because="the mean runs over all 12 elements")


test_losses_gaussian_surprise()

# %% [markdown]
r"""
Now use it as a compass. The truth is y = 2x plus noise. A model with a single weight w answers wx.
Try many values of w. **Predict:** which w will surprise least, if you take the noise to be 0.5? And
if you take it to be 1, or 2?
"""

# %%
rng = np.random.default_rng(1)
x = np.linspace(-1.0, 1.0, 50)
y = 2 * x + 0.5 * rng.standard_normal(50)
slopes = np.linspace(0.0, 4.0, 201)
valleys = {s: [gaussian_surprise(w * x, y, s) for w in slopes] for s in (0.5, 1.0, 2.0)}
squares = [np.mean((w * x - y) ** 2) for w in slopes]
for noise, valley in valleys.items():
    print(f"noise {noise}: least surprised at w = {slopes[np.argmin(valley)]:.2f}")
print(f"least squared error at w = {slopes[np.argmin(squares)]:.2f}")

try:
    import matplotlib.pyplot as plt
except ImportError:
    print("Without matplotlib you miss a picture: four valleys, all lowest at the same w.")
else:
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    for noise, valley in valleys.items():
        left.plot(slopes, valley, label=f"noise {noise}")
    left.set(title="average surprise", xlabel="w")
    left.legend()
    right.plot(slopes, squares, color="C3")
    right.set(title="mean squared error", xlabel="w")
    for panel in (left, right):
        panel.axvline(slopes[np.argmin(squares)], color="0.6", linestyle=":")
    figure.suptitle("Most likely and least squares: different valleys, the same lowest w")
    plt.show()

# %% [markdown]
r"""
The same w, near 2, whatever noise you assume. Look at your formula: the noise only *adds* something
that no prediction can change, and *divides* the rest by a constant. What is left to minimise is the
mean of the squared misses. **Squared error is the surprise of Gaussian noise**, with what no
prediction can change left out. Whoever uses it says, knowingly or not: my errors are symmetric,
spread equally wide everywhere, and huge ones do not happen.

Nobody told the model where to go. Comparing losses tells it which way is down, and that is enough.

## Part 2: The guard, same shape

Squared error subtracts the truth from the prediction. Look at what can happen to a subtraction. A
model predicts four house prices *perfectly*. It only returns them as a column, (4, 1), while the
truth is a row, (4,). **What will this print?**
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

In words: broadcasting compares every prediction with every truth. A model trained on this number
learns to answer the average price to everyone.

Nothing crashed, nobody was warned, and 25000 looks like a loss. This is one of the most expensive
bugs in the field. So the first thing a loss does is to look at the shapes.
"""

# %% nbgrader={"grade": false, "grade_id": "losses_same_shape", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def require_same_shape(predictions: np.ndarray, targets: np.ndarray) -> None:
    """Refuse predictions and targets whose shapes differ in any way.

    Args:
        predictions: array that a model delivered.
        targets: array with the truth.

    Raises:
        ValueError: the shapes are not exactly equal, even if they would broadcast.
            The message contains both shapes as Python prints them, such as (4, 1) and (4,).

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

# %% [markdown]
"""
*What is checked:* equal shapes pass in silence; all others are refused, broadcastable or not.
"""

# %% nbgrader={"grade": true, "grade_id": "test_losses_same_shape", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_losses_same_shape():
    """Equal shapes pass, all others are refused with both shapes named."""
    for shape in ((4,), (4, 1), (2, 3, 4), ()):
        check.equal(require_same_shape(np.zeros(shape), np.ones(shape)), None,
                    given=f"two arrays of shape {shape}",
                    because="equal shapes are fine, whatever the values")
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
            mentions=[str(left), str(right)], because=because,
        )


test_losses_same_shape()

# %% [markdown]
r"""
## Part 3: Mean squared error, for quantities

What Part 1 left over, without σ: the average of the squared differences. An error of 10 costs 100,
an error of 20 costs 400. It is smooth: near the minimum the valley flattens out, which will matter
as soon as something walks downhill in it. And it is an *average* over all elements, not a sum, so
that batches of 32 and of 128 give losses of the same size.
"""

# %% nbgrader={"grade": false, "grade_id": "losses_mse", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def mean_squared_error(predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the average of the squared differences over all elements.

    Args:
        predictions, targets: arrays of the same shape (checked elsewhere, not here), left
            unchanged.

    Returns:
        A single number, of shape ().

    Example:
        predictions [1, 2, 3], targets [1, 4, 0]: differences 0, -2, 3  ->  (0 + 4 + 9) / 3 = 4.3333
    """
    ### BEGIN SOLUTION
    difference = predictions - targets
    return np.mean(difference * difference)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the example, perfect predictions, large numbers in float32, three dimensions, and
the arrays left as they are.
"""

# %% nbgrader={"grade": true, "grade_id": "test_losses_mse", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@probe
def mean_squared_error_leaves_its_input():
    p, t = np.float32([1.0, 2.0, 3.0]), np.float32([1.0, 4.0, 0.0])
    mean_squared_error(p, t)
    return np.stack([p, t])


def test_losses_mse():
    """The mean of the squares over all elements, from arrays that stay as they were."""
    p = np.array([1.0, 2.0, 3.0], dtype=np.float32)
    t = np.array([1.0, 4.0, 0.0], dtype=np.float32)
    check.close(mean_squared_error(p, t), 13 / 3, given="predictions [1, 2, 3], targets [1, 4, 0]",
                because="the differences are 0, -2, 3; their squares add up to 13; divide by 3")
    check.close(mean_squared_error(p, p), 0.0, given="predictions equal to targets")
    check.close(mean_squared_error(np.float32([1000, -1000]), np.float32([-1000, -1000])), 2e6,
                given="predictions [1000, -1000], targets [-1000, -1000]",
                because="2000 squared, halved by the mean")
    rng = np.random.default_rng(0)
    p, t = rng.standard_normal((2, 3, 4, 5))
    expected = sum((a - b) ** 2 for a, b in zip(p.ravel(), t.ravel(), strict=True)) / 60
    check.close(mean_squared_error(p, t), expected, given="random arrays of shape (3, 4, 5)",
                because="the mean runs over all 60 elements and gives one number")
    check.unchanged(mean_squared_error_leaves_its_input(),
                    np.array([[1.0, 2.0, 3.0], [1.0, 4.0, 0.0]], dtype=np.float32),
                    given="predictions and targets (two rows), before and after",
                    because="they belong to the model and to the data; Module 05 reads them again")


test_losses_mse()

# %% [markdown]
"""
Training code holds its loss as an object and calls it: `criterion = MSELoss()`, then
`loss = criterion(predictions, targets)`. Given: what all losses share. They are called like
functions, learn nothing, and turn whatever they are handed into Tensors. A Tensor stays *the very
same object*; wrapping it again would make a new one that does not know where it came from.
"""

# %%
#| export
def as_tensors(*values: Any) -> list[Tensor]:
    """Wrap arrays, lists and numbers; a Tensor stays the very same object."""
    return [value if isinstance(value, Tensor) else Tensor(value) for value in values]


class Loss:
    """What all losses have in common: predictions and targets in, one number out."""

    def forward(self, predictions: Tensor, targets: Tensor) -> Tensor:
        """Return the loss, averaged over the batch. Every subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} does not define its own forward.")

    def __call__(self, predictions: Tensor, targets: Tensor) -> Tensor:
        """`loss_fn(predictions, targets)` means `loss_fn.forward(predictions, targets)`."""
        return self.forward(predictions, targets)

    def parameters(self) -> list[Tensor]:
        """Nothing here is learned."""
        return []

    def __repr__(self) -> str:
        """The way it was made: `MSELoss()`."""
        return f"{type(self).__name__}()"

# %% [markdown]
"""
What is yours is the way of the data through one such object:

```
   predictions, targets --> check --> compute(operation, ...) --> loss, ()
                              |
                              +--> ValueError that names the fault
```

In words: the guard comes first, because afterwards there is a number, and numbers look innocent.

A reminder from Module 01: `compute(f, a, b)` runs `f` on the arrays of the Tensors a and b, and
wraps the result. The guard takes arrays as well: `t.data` is the array of a Tensor `t`.

Why `compute` once, with an operation of your own, and not with three (minus, times, mean)? Each
call of `compute` makes a result that is kept, and a step whose slope somebody has to work out. A
loss stays the same in every network: it is worth being one step.
"""

# %% nbgrader={"grade": false, "grade_id": "losses_mse_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class MSELoss(Loss):
    """Mean squared error, for predicting quantities."""

    def forward(self, predictions: Tensor, targets: Tensor) -> Tensor:
        """Return the mean squared error as a Tensor of shape (), made by one `compute`.

        Args:
            predictions, targets: Tensors, arrays or lists of the same shape.

        Raises:
            ValueError: the shapes are not equal (from require_same_shape).

        Example:
            MSELoss()(Tensor([1.0, 2.0]), Tensor([1.0, 4.0]))  ->  Tensor(2.)
        """
        ### BEGIN SOLUTION
        predictions, targets = as_tensors(predictions, targets)
        require_same_shape(predictions.data, targets.data)
        return compute(mean_squared_error, predictions, targets)
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* class and value of the result, the guard, what `compute` sees, and a list as
targets.
"""

# %% nbgrader={"grade": true, "grade_id": "test_losses_mse_loss", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@probe
def heard_from_mse_loss():
    heard = []
    p, t = Tensor([1.0, 2.0]), Tensor([1.0, 4.0])
    known = {id(p): "predictions", id(t): "targets"}
    before = Tensor.__dict__["_record"]
    Tensor._record = staticmethod(lambda output, operation, inputs, settings: heard.extend(
        [operation.__name__, *[known.get(id(tensor), "another tensor") for tensor in inputs]]))
    try:
        MSELoss()(p, t)
    finally:
        Tensor._record = before
    return heard


def test_losses_mse_loss():
    """One operation on the original tensors, behind the guard."""
    loss_fn = MSELoss()
    loss = loss_fn(Tensor([1.0, 2.0]), Tensor([1.0, 4.0]))
    check.equal(loss.__class__.__name__, "Tensor", given="the class of MSELoss()([1, 2], [1, 4])",
                because="a loss is a Tensor, so that later steps can work with it")
    check.close(loss, 2.0, given="MSELoss()([1, 2], [1, 4])", because="(0 + 4) / 2, of shape ()")
    check.raises(ValueError, lambda: loss_fn(Tensor(np.zeros((4, 1))), Tensor(np.zeros(4))),
                 given="predictions of shape (4, 1), targets of shape (4,)",
                 mentions=["(4, 1)", "(4,)"],
                 because="they would broadcast; the guard must stand before the computation")
    check.equal(heard_from_mse_loss(), ["mean_squared_error", "predictions", "targets"],
                given="what compute() sees: the operation, and its inputs",
                because="the loss is one operation on the original tensors, predictions first")
    check.close(loss_fn.forward(Tensor([[1.0], [2.0]]), [[1], [4]]), 2.0,
                given="targets as a plain list [[1], [4]]",
                because="as_tensors makes a Tensor of anything that is none yet")
    check.equal(loss_fn.parameters(), [], given="MSELoss().parameters()")
    check.equal(repr(loss_fn), "MSELoss()", given="repr(MSELoss())")


test_losses_mse_loss()

# %% [markdown]
r"""
What does "huge errors do not happen" mean in practice? A hundred predictions, each off by about 1.
Then one of the hundred targets is mistyped, and off by another 10, 100 or 1000. **Predict** which
share of the loss that one target makes up, each time.
"""

# %%
errors = np.random.default_rng(0).standard_normal(100)
for wrong_by in (0, 10, 100, 1000):
    spoiled = errors.copy()
    spoiled[0] += wrong_by
    mse = MSELoss()(Tensor(spoiled), Tensor(np.zeros(100))).item()
    share = spoiled[0] ** 2 / np.sum(spoiled**2)
    print(f"one target off by {wrong_by:4d} more: MSE {mse:9.2f}, that target's share {share:6.1%}")

# %% [markdown]
r"""
One typing error can outvote the other 99. Under a bell curve an error of 100σ is so improbable that
the model bends everything to avoid it. If your data contain such errors, the assumption is wrong,
not the arithmetic.

## Part 4: Log-probabilities that never reach minus infinity

For the second row of the table, a network delivers C scores per row, its *logits*, and Softmax
(Module 02) makes probabilities of them. The surprise needs their *logarithm*. Here are the two
obvious programs: the formula from a book, and the logarithm of a careful Softmax.
**What will this print?** The true answer for the second row is [-150, -100, 0].
"""

# %%
def by_the_book(row):
    """log(exp(x) / sum(exp(x))), with nothing done about large numbers."""
    exponentials = np.exp(row)
    return np.log(exponentials / exponentials.sum())


for values in ([1.0, 2.0, 3.0], [0.0, 50.0, 150.0]):
    logits = np.array(values, dtype=np.float32)
    with np.errstate(all="ignore"):
        print(f"{values}   by the book: {by_the_book(logits)}   "
              f"log of your Softmax: {np.log(Softmax()(Tensor(logits)).numpy())}")

# %% [markdown]
r"""
Two different failures. In the book's formula e^150 overflows, and inf/inf is NaN. Your Softmax
subtracts the largest score first, so nothing overflows; but $e^{-150}$ is too small for float32,
became 0, and the logarithm of 0 is $-\infty$. (The number beside it should be -100: float32 keeps
only a few digits of $e^{-100}$.) The information was thrown away *in the middle*. -150 is an
ordinary number. Just do not travel through $e^{-150}$ to get there.

You have met the cure in Part 1: take the logarithm on paper. Derive it:

1. What is $\ln \bigl(e^{x_i} / \sum_j e^{x_j}\bigr)$? Which exponential cancels, which stays?
2. What stays is the logarithm of a sum of exponentials, and these can overflow. Let $m$ be the
   largest logit, and pull $e^m$ out of the sum. What is its logarithm? No exponent is above 0 now.
3. Why can the logarithm that is left never be the logarithm of 0?

This is the **log-sum-exp trick**. Check your formula with the logits [0, 50, 150] before you write
code: the answer is [-150, -100, 0].
"""

# %% nbgrader={"grade": false, "grade_id": "losses_log_probabilities", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@np.errstate(under="ignore")  # exp(-1000) becomes 0, which is the right answer
def log_probabilities(logits: np.ndarray, dim: int) -> np.ndarray:
    """Return the logarithm of the softmax along one dimension, finite also where softmax is 0.

    Args:
        logits: array of scores, at least one-dimensional, left unchanged. Finite, of any size, as
            long as their differences fit into the dtype.
        dim: the dimension along which the probabilities add up to 1; negative counts from the end.

    Returns:
        A new array of the same shape and dtype. No value is above 0, and along `dim` the sum of the
        exponentials is 1.

    Example:
        log_probabilities(np.array([0.0, 0.0]), dim=0)             ->  [-0.6931, -0.6931]
        log_probabilities(np.array([-1000.0, 0.0, 1000.0]), -1)    ->  [-2000., -1000., 0.]
    """
    ### BEGIN SOLUTION
    shifted = logits - logits.max(axis=dim, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=dim, keepdims=True))
    return shifted
    ### END SOLUTION


def log_softmax(x: Tensor, dim: int = -1) -> Tensor:
    """Return the logarithm of softmax(x) along dim (default: the last), computed stably."""
    return compute(log_probabilities, x, dim=dim)

# %% [markdown]
"""
*What is checked:* halves and quarters along both dimensions, ±1000, NumPy's warnings, three
dimensions, the dtype, and the logits left as they are.
"""

# %% nbgrader={"grade": true, "grade_id": "test_losses_log_probabilities", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
@probe
def log_probabilities_complaints():
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
    """The logarithm of the softmax, along any dimension, for scores of any size."""
    quarter = np.array([[0.0, 0.0], [0.0, np.log(3.0)]], dtype=np.float32)
    check.close(log_probabilities(quarter, -1), np.log([[0.5, 0.5], [0.25, 0.75]]),
                given="logits [[0, 0], [0, ln 3]], dim -1",
                because="probabilities [1/2, 1/2] and [1/4, 3/4]; these are their logarithms")
    check.unchanged(log_probabilities_leaves_its_input(),
                    np.array([[1.0, 2.0], [3.0, 5.0]], dtype=np.float32),
                    given="the logits, before and after log_probabilities(logits, 1)",
                    because="an operation returns a new array; others may still need the old one")
    check.close(log_probabilities(quarter, 0), np.log([[0.5, 0.25], [0.5, 0.75]]),
                given="logits [[0, 0], [0, ln 3]], dim 0",
                because="now each column is a distribution")
    check.close(log_probabilities(np.array([-1000.0, 0.0, 1000.0], dtype=np.float32), 0),
                [-2000.0, -1000.0, 0.0], given="logits [-1000, 0, 1000]",
                because="the exponentials underflow, the logarithms are ordinary numbers")
    check.close(
        log_probabilities(np.array([[1000.0, 1000.0], [-1000.0, -1000.0]], dtype=np.float32), 1),
        np.log(np.full((2, 2), 0.5)), given="logits [[1000, 1000], [-1000, -1000]], dim 1",
        because="each row subtracts its own largest logit, so both are [ln 1/2, ln 1/2]")
    check.equal(log_probabilities_complaints(), "none",
                given="NumPy's complaints about [-1000, 0, 1000], [1000, 1000], [-1000, -1000]",
                because="neither exp(1000) nor log(0) may occur on the way")
    x = np.random.default_rng(0).integers(-5, 6, (2, 3, 4)).astype(np.float32)
    for dim in (0, 1, 2, -1, -2, -3):
        check.close(log_probabilities(x, dim), log_probabilities_by_hand(x, dim),
                    given=f"logits of shape (2, 3, 4), dim {dim}",
                    because="one distribution along dim, for each position of the others")
    check.equal(log_probabilities(x, 1).dtype, np.float32, given="the dtype, for float32 logits",
                because="float32 in, float32 out")
    t = Tensor(quarter)
    rows, columns = np.log([[0.5, 0.5], [0.25, 0.75]]), np.log([[0.5, 0.25], [0.5, 0.75]])
    check.close(log_softmax(t), rows, given="log_softmax(x), default dim")
    check.close(log_softmax(t, dim=0), columns, given="log_softmax(x, dim=0)")


test_losses_log_probabilities()

# %% [markdown]
r"""
Your formula, on the numbers of the experiment:

```
   logits                    [   0    50   150 ]
   less the largest          [-150  -100     0 ]
   exponentials              [   0     0     1 ]
   sum, and its logarithm       1, and 0
   log-probabilities         [-150  -100     0 ]
```

In words: the exponentials still underflow, but now only *beside* a 1 in a sum, where they would not
have been seen anyway. The differences themselves never pass through an exponential.

A fact that will serve you often: **softmax(ln p) = p**. If p is a row of probabilities,
$e^{\ln p_i} / \sum_j e^{\ln p_j} = p_i / 1$. Logits are log-probabilities of which only the
differences matter. So when you want a model that gives the classes 0.6, 0.3 and 0.1, hand over
their logarithms. **Predict** what a *second* log_softmax does to the result of the first:
"""

# %%
wanted = np.array([[0.6, 0.3, 0.1]])
print("softmax(ln p):             ", Softmax()(Tensor(np.log(wanted))).numpy())
once = log_softmax(Tensor([[1.0, 2.0, 3.0]]))
print("log_softmax once, and twice:", once.numpy(), log_softmax(once).numpy())

# %% [markdown]
"""
Nothing: it is log-probabilities already. Keep this in mind; the same is *not* true of softmax.

## Part 5: The guard for classes

The truth of a classification is a class number per row of logits: for logits of shape (N, C) a
vector of N whole numbers from 0 to C-1. For a sequence of T decisions per sample, (N, T, C), it is
an (N, T) table. In general: the logits' shape without its last dimension.

What arrives in practice: classes numbered from 1, a -1 for "unknown", one-hot rows instead of class
numbers, fractions. There are three classes below. **Which of these targets will NumPy refuse?**
"""

# %%
scores_of_one_row = np.array(["class 0", "class 1", "class 2"])
for target in (1.0, 3.0, -1.0, 1.7, np.nan):
    try:
        with np.errstate(invalid="ignore"):
            print(f"target {target:4}: picks", scores_of_one_row[np.array(target).astype(int)])
    except IndexError as error:
        print(f"target {target:4}: IndexError: {error}")

# %% [markdown]
"""
-1 is silently the *last* class, and 1.7 is silently class 1. What NaN becomes depends on the
machine. Even the honest refusal of 3 does not say *which* of ten thousand targets it was.

Tensors store floats, usually float32, so class numbers arrive as 0.0, 1.0, 2.0. That is exact:
float32 holds every whole number up to 16,777,216.
"""

# %% nbgrader={"grade": false, "grade_id": "losses_class_targets", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def require_class_targets(logits: np.ndarray, targets: np.ndarray) -> None:
    """Refuse targets that do not name one existing class for every row of logits.

    Args:
        logits: array of shape (..., C): C scores per row.
        targets: array of shape (...), the logits' shape without its last dimension. Whole
            numbers from 0 to C-1, usually stored as float32: 2.0 is class 2.

    Raises:
        ValueError: targets.shape is not logits.shape without its last dimension, or the logits
            have no dimension at all. The message contains both shapes.
        ValueError: a target is not a whole number (1.5, NaN), is negative, or is C or more.
            The message contains the first such target, all numbers of its position, and C.

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

# %% [markdown]
"""
*What is checked:* good targets in up to two dimensions pass; twelve bad ones are refused, with the
culprit named.
"""

# %% nbgrader={"grade": true, "grade_id": "test_losses_class_targets", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
def test_losses_class_targets():
    """One existing class per row of logits passes; the first culprit is named."""
    def judge(shape, targets):
        targets = np.array(targets, dtype=np.float32)
        return require_class_targets(np.zeros(shape, dtype=np.float32), targets)

    for shape, targets in (((3, 4), [0, 3, 1]), ((2, 2, 3), [[0, 2], [1, 1]]), ((5,), 4)):
        check.equal(judge(shape, targets), None,
                    given=f"logits of shape {shape}, targets {targets}",
                    because=f"whole numbers from 0 to {shape[-1] - 1}, one for each row of logits")
    for shape, targets, mentions, because in (
        ((4, 7), [0, 1, 9, 12], ["9", "2", "7"], "the first culprit is 9, at position 2"),
        ((2, 7), [0, 7], ["7", "1"], "7 classes are numbered 0 to 6; the culprit is at position 1"),
        ((3, 5), [0, -1, 2], ["-1", "5"], "as a NumPy index, -1 would silently be the last class"),
        ((3, 5), [0, 1, 2.5], ["2.5", "5"], "2.5 is no class; it would silently become 2"),
        ((2, 5), [np.nan, 1], ["nan", "5"], "NaN is no class, and it is unlike every number"),
        ((2, 5), [1, np.inf], ["inf", "5"], "infinity is its own floor, and no class"),
    ):
        check.raises(ValueError, lambda shape=shape, targets=targets: judge(shape, targets),
                     given=f"{shape[-1]} classes, targets {targets}", mentions=mentions,
                     because=because)
    table = np.zeros((30, 40))
    table[20, 31] = 99
    check.raises(ValueError, lambda: judge((30, 40, 6), table),
                 given="6 classes, targets of shape (30, 40), all 0 but a 99 at position (20, 31)",
                 mentions=["99", "20", "31", "6"],
                 because="someone has to find the culprit among 1200 targets")
    for shape, targets in (((2, 3), (3,)), ((2, 3), (2, 3)), ((2, 3), (2, 1)),
                           ((2, 3, 4), (2,)), ((), ())):
        check.raises(
            ValueError, lambda shape=shape, targets=targets: judge(shape, np.zeros(targets)),
            given=f"logits of shape {shape}, targets of shape {targets}",
            mentions=[str(shape), str(targets)],
            because="targets have the logits' shape without the last dimension")


test_losses_class_targets()

# %% [markdown]
r"""
## Part 6: Cross-entropy, one of many classes

Now the second row of the table. A *categorical* model gives each class a probability; the
likelihood of what happened is the entry of the true class. So the average surprise takes four
steps: log-probabilities of every row, the one of the true class, the mean, the minus. Its name is
**cross-entropy**.

```
   log-probabilities, (3, 4)      targets     picked
   [ -0.4  -1.9  -2.3  -3.0 ]  <---  0  --->   -0.4
   [ -2.3  -1.6  -0.4  -3.0 ]  <---  2  --->   -0.4    loss = -mean = 0.9
   [ -0.9  -1.2  -1.9  -1.9 ]  <---  3  --->   -1.9
```

In words: only the number of the true class is looked at. The other classes still matter: whatever
they get, the true class lacks.

Why not squared error, which also is 0 for a perfect answer? **Predict** before you look at the
picture: what does each of them charge for giving the true class a probability of 0.001 instead of
0.1? (Both answers are wrong; one is wrong and *sure*.)
"""

# %%
p = np.linspace(0.001, 1.0, 400)
try:
    import matplotlib.pyplot as plt
except ImportError:
    print("Without matplotlib you miss a picture: one curve that rises without limit at 0.")
else:
    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    axes.plot(p, -np.log(p), "-", label="surprise: -ln p")
    axes.plot(p, (1 - p) ** 2, "--", label="squared error: (1 - p)²")
    axes.set(xlabel="probability given to the true class", ylabel="loss")
    axes.set_title("A sure mistake costs surprise without limit, squared error at most 1")
    axes.title.set_fontsize(10)
    axes.grid(alpha=0.3)
    axes.legend()
    plt.show()
for value in (0.001, 0.1, 0.5, 0.99):
    print(f"p = {value:5}: surprise {-np.log(value):5.2f}, squared error {(1 - value) ** 2:.4f}")

# %% [markdown]
"""
For squared error the two mistakes cost nearly the same: it has no way to say "far worse". And a
network does not move p, it moves a score. Where p is near 0 the score hardly moves p (the flat ends
of Sigmoid in Module 02), so squared error hardly falls, and a walk downhill stalls at its worst
mistakes. Surprise rises steeply enough to make up for that, as you will measure in Part 8.

This loss takes logits, and makes log-probabilities of them in your stable form. Given: the object,
after the pattern of `MSELoss`, with your guard of Part 5. You write the operation.
"""

# %%
#| export
class CrossEntropyLoss(Loss):
    """Cross-entropy of logits (N, C) with class numbers (N,); also (N, T, C) with (N, T)."""

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the average surprise as a Tensor of shape (), made by one `compute`.

        Raises:
            ValueError: the shapes do not fit, or a target is not a class (it is named).
        """
        logits, targets = as_tensors(logits, targets)
        require_class_targets(logits.data, targets.data)
        return compute(cross_entropy, logits, targets)

# %% nbgrader={"grade": false, "grade_id": "losses_cross_entropy", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the average of -ln(probability of the true class) over all rows of logits.

    Args:
        logits: array of shape (..., C): raw scores, not probabilities, of any size. Left unchanged.
        targets: array of shape (...) with class numbers 0 to C-1, stored as floats or integers
            (checked elsewhere, not here).

    Returns:
        A single number of shape (), never negative. Finite for logits of ±1000.

    Example:
        logits [[0, 0], [0, ln 3]], targets [0, 1]:
        the true classes have probabilities 1/2 and 3/4  ->  (0.6931 + 0.2877) / 2 = 0.4904
    """
    ### BEGIN SOLUTION
    table = log_probabilities(logits, -1).reshape(-1, logits.shape[-1])
    classes = targets.reshape(-1).astype(np.intp)
    return -np.mean(table[np.arange(len(table)), classes])
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the example, ln 10, ±1000 and NumPy's warnings, sequences, the arrays left as
they are, and the object with its guard.
"""

# %% nbgrader={"grade": true, "grade_id": "test_losses_cross_entropy", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
@probe
def cross_entropy_complaints():
    x = np.array([[-1000.0, 0.0, 1000.0], [1000.0, 1000.0, 1000.0]], dtype=np.float32)
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            cross_entropy(x, np.array([0.0, 1.0], dtype=np.float32))
    except FloatingPointError as error:
        return str(error)
    return "none"


@probe
def cross_entropy_leaves_its_input():
    x = np.array([[1.0, 2.0], [5.0, 3.0]], dtype=np.float32)
    t = np.array([0.0, 1.0], dtype=np.float32)
    cross_entropy(x, t)
    return np.concatenate([x, [t]])


def test_losses_cross_entropy():
    """Minus the mean log-probability of the true classes, for rows and for sequences."""
    logits = np.array([[0.0, 0.0], [0.0, np.log(3.0)]], dtype=np.float32)
    targets = np.array([0.0, 1.0], dtype=np.float32)
    check.close(cross_entropy(logits, targets), 0.4904146,
                given="logits [[0, 0], [0, ln 3]], targets [0, 1]",
                because="the true classes have probabilities 1/2 and 3/4: (-ln 1/2 - ln 3/4) / 2")
    check.unchanged(cross_entropy_leaves_its_input(),
                    np.array([[1.0, 2.0], [5.0, 3.0], [0.0, 1.0]], dtype=np.float32),
                    given="two rows of logits, then the targets, before and after",
                    because="the logits are the model's own output; Module 05 reads them again")
    check.close(
        cross_entropy(np.zeros((4, 10), dtype=np.float32), np.array([0.0, 3.0, 9.0, 5.0])),
        np.log(10.0), given="ten equal logits in every row",
        because="each class has probability 1/10: the loss is ln 10, whatever the targets")
    check.close(cross_entropy(np.array([[-1000.0, 0.0, 1000.0]], dtype=np.float32), np.zeros(1)),
                2000.0, given="logits [[-1000, 0, 1000]], target [0]",
                because="the log-probability of class 0 is -2000; its probability underflows to 0")
    check.equal(cross_entropy_complaints(), "none",
                given="NumPy's complaints about logits of ±1000",
                because="the logarithm of a probability that is 0 in float32 must not be taken")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 5)).astype(np.float32) * 3
    t = rng.integers(0, 5, (2, 3))
    surprises = []
    for i, j in np.ndindex(2, 3):
        p = np.exp(x[i, j].astype(np.float64))
        surprises.append(-np.log(p[t[i, j]] / sum(p)))
    check.close(cross_entropy(x, t), np.mean(surprises),
                given="random logits of shape (2, 3, 5), targets of shape (2, 3)",
                because="all six rows count alike")
    check.close(cross_entropy(x[0], t[0]), np.mean(surprises[:3]),
                given="the first half of that: logits (3, 5), targets (3,)",
                because="the mean over three rows")
    loss_fn = CrossEntropyLoss()
    check.close(loss_fn(Tensor(logits), Tensor(targets)), 0.4904146,
                given="CrossEntropyLoss()(logits, targets)",
                because="the same number, as a Tensor of shape ()")
    check.close(loss_fn(Tensor(x), t), np.mean(surprises), given="integer targets in a NumPy array",
                because="as_tensors makes a Tensor of anything that is none yet")
    check.raises(ValueError, lambda: loss_fn(Tensor(logits), Tensor([0.0, 2.0])),
                 given="CrossEntropyLoss with 2 classes and targets [0, 2]", mentions=["2", "1"],
                 because="there is no class 2; the culprit is at position 1")


test_losses_cross_entropy()

# %% [markdown]
r"""
## Part 7: Binary cross-entropy, yes or no

The third row: one probability $p$ says it all. Yes has $p$, no has $1-p$. Write the target as a
number, $t=1$ for yes and $t=0$ for no, and both fit into one expression, named after Jacob
Bernoulli: $q = p^t (1-p)^{1-t}$. Put in 1 and 0 for t to see it. Then take minus the logarithm.
That formula is your loss, **binary cross-entropy**.

Where does p come from? From one score s, through Sigmoid. And **a sigmoid is a softmax over two
classes** of which "no" always has the score 0:

$$\mathrm{softmax}(0, s)_{\text{yes}} = \frac{e^s}{e^0 + e^s} = \frac{1}{1 + e^{-s}} = \sigma(s)$$

So this loss is nothing new: it is cross-entropy with two classes, one of which is silent.

It has a trap, though, because it takes probabilities, and a Sigmoid in float32 does reach exactly
1. Here the model is certain, and *right*. **What will this print?**
"""

# %%
p = Sigmoid()(Tensor([20.0])).numpy()
t = np.float32([1.0])
with np.errstate(all="ignore"):
    print("p =", p, "  ln(1 - p) =", np.log(1 - p), "  0 * ln(1 - p) =", (1 - t) * np.log(1 - p))

# %% [markdown]
r"""
0 times infinity is NaN. One perfect answer ruins the average of a batch. The remedy: keep p a
little away from both ends, between $10^{-7}$ and $1 - 10^{-7}$ (`PROBABILITY_MARGIN`). That has a
price. No single prediction can cost more than $-\ln 10^{-7} \approx 16.1$; beyond that end the
number no longer tells wrong from even more wrong. (At the other end float32 has no number that
close to 1. The nearest costs 15.94.)

The most frequent mistake with this loss is to hand it scores. Clipping would quietly turn a score
of 3.7 into "certain". So it gets a guard as well, which also stops the NaN that a broken network
delivers.
"""

# %% nbgrader={"grade": false, "grade_id": "losses_bce", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
PROBABILITY_MARGIN = 1e-7  # how close to 0 and to 1 a probability may come


def require_probabilities(what: str, values: np.ndarray) -> None:
    """Refuse values outside 0 to 1, and NaN.

    Raises:
        ValueError: its message contains `what` and the first such value.
    """
    ### BEGIN SOLUTION
    outside = ~((values >= 0) & (values <= 1))  # true for NaN, too
    if outside.any():
        raise ValueError(
            f"BinaryCrossEntropyLoss needs {what} between 0 and 1, "
            f"but got {values[outside][0]:.8g}."
        )
    ### END SOLUTION


def binary_cross_entropy(predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the average surprise at answers of yes (1) and no (0), over all elements.

    Args:
        predictions: array of probabilities of yes, from 0 to 1, both ends included. They are
            limited to PROBABILITY_MARGIN .. 1 - PROBABILITY_MARGIN; the array is left unchanged.
        targets: array of the same shape (checked elsewhere, not here). A value between 0 and 1 is
            a soft target: the expected surprise if yes comes with that probability.

    Returns:
        A single number of shape (), finite for all probabilities.

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
        """Return the average surprise as a Tensor of shape (), made by one `compute`.

        Raises:
            ValueError: the shapes are not equal, or a prediction or a target is not within 0 to 1
                (the message contains "predictions" or "targets", and the value).
        """
        ### BEGIN SOLUTION
        predictions, targets = as_tensors(predictions, targets)
        require_same_shape(predictions.data, targets.data)
        require_probabilities("predictions (from a Sigmoid)", predictions.data)
        require_probabilities("targets (0 = no, 1 = yes)", targets.data)
        return compute(binary_cross_entropy, predictions, targets)
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the example, also with yes and no exchanged; predictions of exactly 0 and 1; soft
targets; the predictions left as they are; the object with its three guards, also against NaN; and
what `compute` sees.
"""

# %% nbgrader={"grade": true, "grade_id": "test_losses_bce", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
@probe
def binary_cross_entropy_complaints():
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
    predictions = np.array([0.0, 1.0], dtype=np.float32)
    binary_cross_entropy(predictions, np.array([1.0, 1.0], dtype=np.float32))
    return predictions


@probe
def heard_from_binary_loss():
    heard = []
    p, t = Tensor([0.5, 0.25]), Tensor([1.0, 0.0])
    known = {id(p): "predictions", id(t): "targets"}
    before = Tensor.__dict__["_record"]
    Tensor._record = staticmethod(lambda output, operation, inputs, settings: heard.extend(
        [operation.__name__, *[known.get(id(tensor), "another tensor") for tensor in inputs]]))
    try:
        BinaryCrossEntropyLoss()(p, t)
    finally:
        Tensor._record = before
    return heard


def test_losses_bce():
    """Finite for all probabilities, right for soft targets, and guarded."""
    p = np.array([0.9, 0.2], dtype=np.float32)
    t = np.array([1.0, 0.0], dtype=np.float32)
    check.close(binary_cross_entropy(p, t), 0.1642520,
                given="predictions [0.9, 0.2], targets [1, 0]",
                because="yes was given 0.9 and no was given 0.8: (-ln 0.9 - ln 0.8) / 2")
    check.close(binary_cross_entropy(p, 1 - t), 1.9560115,
                given="predictions [0.9, 0.2], targets [0, 1]",
                because="no was given 0.1 and yes was given 0.2: (-ln 0.1 - ln 0.2) / 2")
    check.equal(binary_cross_entropy_complaints(), "none",
                given="NumPy's complaints about predictions that are exactly 0 and 1",
                because="log(0) must not occur, and 0 * log(0) is NaN")
    check.close(binary_cross_entropy(np.float32([0.0, 1.0]), np.float32([0.0, 1.0])), 0.0,
                given="predictions [0, 1], targets [0, 1]",
                because="perfect predictions cost nothing (at most 0.0000002)")
    for prediction, target in ((0.0, 1.0), (1.0, 0.0)):
        check.close(binary_cross_entropy(np.float32([prediction]), np.float32([target])), 16.1,
                    given=f"prediction [{prediction:.0f}], target [{target:.0f}]", rtol=0.015,
                    because="a certain and wrong prediction costs about -ln(0.0000001) = 16.1")
    check.unchanged(binary_cross_entropy_leaves_its_input(), np.float32([0.0, 1.0]),
                    given="the predictions, before and after binary_cross_entropy",
                    because="they are limited in a new array, not in place")
    rng = np.random.default_rng(0)
    p, t = rng.uniform(0.01, 0.99, (3, 4)), rng.integers(0, 2, (3, 4))
    t = np.where(t == 1, 1.0, 0.25)
    surprises = [
        -b * np.log(a) - (1 - b) * np.log(1 - a) for a, b in zip(p.flat, t.flat, strict=True)
    ]
    check.close(binary_cross_entropy(p.astype(np.float32), t.astype(np.float32)),
                np.mean(surprises), given="random predictions of shape (3, 4), targets 1 and 0.25",
                because="a soft target of 0.25 is a quarter yes, three quarters no")

    loss_fn = BinaryCrossEntropyLoss()
    check.close(loss_fn(Tensor([0.9, 0.2]), [1, 0]), 0.1642520,
                given="BinaryCrossEntropyLoss()([0.9, 0.2], [1, 0])",
                because="the same number, as a Tensor of shape ()")
    check.equal(loss_fn(Tensor([0.0, 1.0]), Tensor([1.0, 0.0])).shape, (),
                given="its shape, for predictions [0, 1] and targets [1, 0]",
                because="both ends are probabilities, and pass the guard")
    for p, t, mentions, because in (
        ([[0.5], [0.5]], [1.0, 0.0], ["(2, 1)", "(2,)"], "the shapes differ; they would broadcast"),
        ([0.5, 1.5, 7.0], [1.0, 0.0, 1.0], ["predictions", "1.5"], "1.5 is a score: no Sigmoid"),
        ([0.5, -2.0], [1.0, 0.0], ["predictions", "-2"], "a probability is never below 0"),
        ([0.5, 0.5], [1.0, -1.0], ["targets", "-1"], "the answers are 1 and 0, not 1 and -1"),
        ([0.5, np.nan], [1.0, 0.0], ["predictions", "nan"], "NaN is not between 0 and 1"),
    ):
        check.raises(ValueError, lambda p=p, t=t: loss_fn(Tensor(p), Tensor(t)),
                     given=f"predictions {p}, targets {t}", mentions=mentions, because=because)
    check.equal(heard_from_binary_loss(), ["binary_cross_entropy", "predictions", "targets"],
                given="what compute() sees: the operation, and its inputs",
                because="one operation on the original tensors, predictions first")


test_losses_bce()

# %% [markdown]
"""
**Predict** the difference of the two numbers in each row: the same answer, once as a Sigmoid of s,
once as two classes with the scores 0 and s.
"""

# %%
for s in (-3.0, 0.0, 2.0, 15.0, 40.0):
    as_one = BinaryCrossEntropyLoss()(Sigmoid()(Tensor([s])), [0.0]).item()
    as_two = CrossEntropyLoss()(Tensor([[0.0, s]]), [0]).item()
    print(f"s = {s:5}, and the truth is no: binary {as_one:8.4f}, two classes {as_two:8.4f}")

# %% [markdown]
r"""
One question, one answer, until the probability runs out of digits. For large s the two-class form
knows better, and the binary one has come to the end of its scale. Cross-entropy never left the
logits. Could the binary loss stay with them too?

## Part 8: Binary cross-entropy from logits (open)

The same loss as a function of the score, without a Sigmoid in between: no clipping, no limit, no
lost digits. The contract is below, the way is yours. The test asks for properties, such as how fast
this loss rises along s.
"""

# %% nbgrader={"grade": false, "grade_id": "losses_bce_from_logits", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "open"}
def bce_from_logits(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the average surprise at yes-or-no answers, where yes has the probability sigmoid(s).

    Args:
        logits: array of scores s of any shape and any size. It is left unchanged.
        targets: array of the same shape (not checked here): 1 for yes, 0 for no, or in between.

    Returns:
        A single number of shape (), in the dtype of the logits. Finite and right for every finite
        score, exact to the dtype's precision also where it is tiny, and never an overflow.

    Example:
        scores [1000, -40], targets [0, 0]  ->  500.0
    """
    ### BEGIN SOLUTION
    without_bend = np.maximum(logits, 0) - logits * targets  # the loss of a score that is sure
    bend = np.log1p(np.exp(-np.abs(logits)))  # no exponent is above 0
    return np.mean(without_bend + bend)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the example, agreement with the formula, symmetry, slope, ±1000, tiny losses, and
NumPy's warnings in float16 and float32. Not checked: which way you took.
"""

# %% nbgrader={"grade": true, "grade_id": "test_losses_bce_from_logits", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
@probe
def bce_from_logits_complaints():
    complaints = []
    for kind in ("float32", "float16"):
        for score in (-1000.0, -12.0, 0.0, 12.0, 1000.0):
            for target in (0.0, 0.25, 1.0):
                try:
                    with np.errstate(over="raise", divide="raise", invalid="raise"):
                        bce_from_logits(*np.array([[score], [target]], dtype=kind))
                except FloatingPointError as error:
                    complaints.append(f"{kind} s = {score:.0f}, t = {target}: {error}")
    return ", ".join(complaints) or "none"


@probe
def bce_from_logits_properties():
    rng = np.random.default_rng(5)
    s, t = 4 * rng.standard_normal((3, 5)), rng.uniform(0, 1, (3, 5))
    before = s.copy()
    mirrored = bce_from_logits(-s, 1 - t) - bce_from_logits(s, t)
    points = [(-3.0, 0.0), (0.5, 1.0), (2.0, 0.25)]
    steepness = [
        (bce_from_logits(np.array([a + 1e-5]), np.array([b]))
         - bce_from_logits(np.array([a - 1e-5]), np.array([b]))) / 2e-5 for a, b in points
    ]
    return bce_from_logits(s, t), mirrored, np.array(steepness), s, before


def test_losses_bce_from_logits():
    """The properties of the loss, for scores of any size."""
    check.close(bce_from_logits(np.float32([1000.0, -40.0]), np.float32([0.0, 0.0])), 500.0,
                given="scores [1000, -40], targets [0, 0]",
                because="the first costs 1000, the second nothing worth mentioning")
    check.close(bce_from_logits(np.float32([0.0, np.log(3.0)]), np.float32([1.0, 0.0])), 1.0397208,
                given="scores [0, ln 3], targets [1, 0]",
                because="probabilities of yes are 1/2 and 3/4: (-ln 1/2 - ln 1/4) / 2")
    average, mirrored, steepness, s, before = bce_from_logits_properties()
    rng = np.random.default_rng(5)
    scores, t = 4 * rng.standard_normal((3, 5)), rng.uniform(0, 1, (3, 5))
    p = 1 / (1 + np.exp(-scores))
    check.close(average, -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p)),
                given="random scores of shape (3, 5), soft targets",
                because="for moderate scores it is the binary cross-entropy of sigmoid(s)")
    check.close(mirrored, 0.0, atol=1e-9, given="loss(-s, 1 - t) - loss(s, t)",
                because="exchanging yes and no flips the sign of the score, and costs the same")
    check.close(steepness, [0.0474259, -0.3775407, 0.6307971], rtol=1e-4,
                given="its slope along s at (s, t) = (-3, 0), (0.5, 1), (2, 0.25)",
                because="the slope is sigmoid(s) - t: what was said, less what was true")
    check.unchanged(s, before, given="the scores, before and after")
    for score, target in ((1000.0, 0.0), (-1000.0, 1.0)):
        check.close(bce_from_logits(np.float32([score]), np.float32([target])), 1000.0,
                    given=f"score [{score:.0f}], target [{target:.0f}]",
                    because="no limit: ten times as wrong costs ten times as much")
    for score, target in ((-30.0, 0.0), (30.0, 1.0)):
        check.close(bce_from_logits(np.float32([score]), np.float32([target])), 9.357623e-14,
                    rtol=1e-4, atol=0, given=f"score [{score:.0f}], target [{target:.0f}]",
                    because="about e to the power of -30: tiny, and not 0")
    check.equal(bce_from_logits_complaints(), "none",
                given="NumPy's complaints from -1000 to 1000, in float16 and float32",
                because="neither an overflow nor log(0) may occur on the way")
    check.equal(bce_from_logits(np.float32([1, 2]), np.float32([0, 1])).dtype, np.float32,
                given="the dtype, for float32 scores", because="float32 in, float32 out")


test_losses_bce_from_logits()

# %% [markdown]
"""
Part 6 promised a measurement. The truth is yes, and the model says no, more and more surely.
**What will this print?** Along the score, which loss pulls hardest at the worst mistake?
"""

# %%
scores = np.array([-8.0, -4.0, -1.0, 0.0, 4.0])
step = 1e-4


def slope(loss):
    """How fast a loss of one score changes, from both sides (Module 02)."""
    return [(loss(np.array([s + step])) - loss(np.array([s - step]))) / (2 * step) for s in scores]


of_squares = slope(lambda s: np.mean((1 / (1 + np.exp(-s)) - 1) ** 2))
of_surprise = slope(lambda s: bce_from_logits(s, np.array([1.0])))
print("score          ", scores)
print("slope, squares ", np.round(of_squares, 4))
print("slope, surprise", np.round(of_surprise, 4))

# %% [markdown]
r"""
Squared error lies flat at the worst mistake of all; surprise pulls hardest there. Now compare the
last row with $\sigma(s) - 1$, and write this down somewhere: the slope of this loss along a score
is **what was said, less what was true**. No trace of a logarithm. Cross-entropy has the same slope
along each logit, squared error twice that along its prediction; you will derive them in Module 05.

The binary loss that takes probabilities is in your framework because the milestones use it. Where
you want logits, there is a way already: two classes with the scores 0 and s, and
`CrossEntropyLoss`.

# Use

## The first loss

Layers, activations and a loss together for the first time, on the digits of Module 03: 200 images
of 8 x 8 pixels, ten classes. The network has not learned anything. **Predict its loss** before you
run. (A model that knows nothing gives every class 1/10.) Then predict the second column: weights
of spread 1, with which Module 03 made a network that guesses and is sure of it.
"""

# %%
from datasets.tinydigits import load_tinydigits

train_images, train_labels, images, labels = load_tinydigits()
train_pixels, pixels = train_images.reshape(-1, 64), images.reshape(-1, 64)


def fresh_classifier(seed, classes=10):
    """A network for TinyDigits that has not learned anything."""
    np.random.seed(seed)
    return Sequential(Linear(64, 32), ReLU(), Linear(32, classes))


print(f"ln 10 = {np.log(10):.3f}")
for seed in range(5):
    quiet, loud = fresh_classifier(seed), fresh_classifier(seed)
    for layer in (loud[0], loud[2]):
        layer.weight.data = np.random.randn(*layer.weight.shape).astype(np.float32)
    first, loud_first = (CrossEntropyLoss()(m(Tensor(pixels)), labels) for m in (quiet, loud))
    print(f"seed {seed}: first loss {first.item():.3f}, "
          f"with weights of spread 1: {loud_first.item():6.2f}")

print("\nclasses    ln C   first loss (random labels)")
for classes in (2, 10, 100, 1000):
    truth = np.random.default_rng(0).integers(0, classes, 200)
    first = CrossEntropyLoss()(fresh_classifier(0, classes)(Tensor(pixels)), truth).item()
    print(f"{classes:7d} {np.log(classes):7.2f} {first:12.2f}")

# %% [markdown]
r"""
The first loss of an untrained classifier is **about ln C**, mostly a little above: random weights
are not silent, they have random opinions, and a loss charges for opinions that are not true. The
loud network is as ignorant, and pays for being sure of it.

This is the first thing to look at in any project, because you know the answer beforehand. A first
loss far from ln C means that something is wrong with the loss, the inputs, or the size of the
weights. (Wrong labels do not show here: an untrained model knows nothing about them either way.)
Read backwards, $e^{\text{loss}}$ says between how many equally likely classes the model
seems to hesitate; for language models it is called *perplexity*.

## Bug hunt: a loss that will not fall

Here is a classifier that needs no training: the average image of each digit is its *prototype*,
and an image gets the score -sharpness times its squared distance from each prototype. The nearest
prototype wins. (In the words of Part 1: a bell curve around each prototype, and a sharpness of
1 / (2σ²).) That is right about nine times in ten, whatever the sharpness, which only decides how
*sure* the answers are. At sharpness 0 all ten digits are equally likely, so the loss is ln 10.

Somebody wrote the program below, and gave up. As the answers become surer, the loss falls a little
and then gets stuck, above 1.5, as if the model hesitated between nearly five digits. Nothing
crashes, no number is out of range, and `squared_distances` and `classify` do what they say. Run the
cell after the program, find the fault, and repair `prototype_loss`.
"""

# %% nbgrader={"grade": false, "grade_id": "losses_prototype_loss", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "bug hunt"}
def squared_distances(pixels: np.ndarray, prototypes: np.ndarray) -> np.ndarray:
    """From every image to every prototype, of shape (N, C)."""
    gaps = pixels[:, np.newaxis, :] - prototypes
    return (gaps * gaps).sum(axis=-1)


def classify(pixels: np.ndarray, prototypes: np.ndarray, sharpness: float) -> Tensor:
    """Answer every image: shape (N, C), in each row the largest for the nearest prototype."""
    return Softmax()(Tensor(-sharpness * squared_distances(pixels, prototypes)))


def prototype_loss(
    pixels: np.ndarray, labels: np.ndarray, prototypes: np.ndarray, sharpness: float
) -> Tensor:
    """Return the cross-entropy of a nearest-prototype classifier.

    Args:
        pixels: images as rows, of shape (N, D).
        labels: the true classes, of shape (N,).
        prototypes: one row per class, of shape (C, D).
        sharpness: how many logits a squared distance of 1 counts; 0 makes all classes equal.
    """
    ### BEGIN BROKEN
    # answers = classify(pixels, prototypes, sharpness)
    # return CrossEntropyLoss()(answers, labels)
    ### END BROKEN
    ### BEGIN SOLUTION
    scores = Tensor(-sharpness * squared_distances(pixels, prototypes))
    return CrossEntropyLoss()(scores, labels)
    ### END SOLUTION

# %%
prototypes = np.stack([train_pixels[train_labels == d].mean(axis=0) for d in range(10)])
sharpnesses = [0.0, 0.1, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0]
losses = [prototype_loss(pixels, labels, prototypes, s).item() for s in sharpnesses]
for s, loss in zip(sharpnesses, losses, strict=True):
    print(f"sharpness {s:4.1f}: loss {loss:6.3f}  {'#' * round(20 * loss)}")

# %% [markdown]
"""
*What is checked:* two points and two prototypes, answers that are sure and right, sure and wrong,
and random images.
"""

# %% nbgrader={"grade": true, "grade_id": "test_losses_prototype_loss", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def test_losses_prototype_loss():
    """The surprise of the shares exp(-sharpness * squared distance)."""
    line = np.array([[0.0], [1.0]])
    near = np.array([[0.0], [0.75]])
    check.close(prototype_loss(near, np.array([0, 1]), line, 1.0), 0.3936694,
                given="prototypes at 0 and 1, images at 0 and 0.75, labels [0, 1], sharpness 1",
                because="logits [0, -1] and [-0.5625, -0.0625]: surprises 0.3133 and 0.4741")
    check.close(prototype_loss(near, np.array([0, 1]), line, 100.0), 0.0,
                given="the same with sharpness 100",
                because="sure and right: nothing may hold the loss up")
    check.close(prototype_loss(near, np.array([1, 1]), line, 1000.0), 500.0,
                given="labels [1, 1], sharpness 1000",
                because="sure and wrong at the first image: a distance of 1 counts 1000")
    rng = np.random.default_rng(2)
    some, three = rng.standard_normal((4, 5)), rng.standard_normal((3, 5))
    truth = np.array([0, 2, 1, 1])
    surprises = []
    for image, label in zip(some, truth, strict=True):
        p = np.exp([-0.3 * sum((image - prototype) ** 2) for prototype in three])
        surprises.append(-np.log(p[label] / sum(p)))
    check.close(prototype_loss(some, truth, three, 0.3), np.mean(surprises),
                given="4 random images of 5 pixels, 3 prototypes, sharpness 0.3",
                because="each prototype has a share of exp(-0.3 * squared distance)")


test_losses_prototype_loss()

# %% [markdown]
r"""
The probabilities were taken for logits, and went through a second softmax inside the loss.
Probabilities differ by at most 1. Even for a perfect answer, a 1 among C - 1 zeros, the second
softmax makes $e / (e + C - 1)$ of the 1, so the loss stays above

$$\ln(e + C - 1) - 1$$

For ten classes that is 1.46, for two 0.31. A network trained this way does *learn*, slowly and
badly, which is why this fault goes unnoticed for so long. The accuracy can still look fine. Only
the floor of the loss gives it away.

Run the cell above the test once more: it is a valley now. **What are its two sides?** And before
the next cell: which of the 200 digits will surprise the model most?
"""

# %%
losses = [prototype_loss(pixels, labels, prototypes, s).item() for s in sharpnesses]
best = sharpnesses[int(np.argmin(losses))]
distances = squared_distances(pixels, prototypes)
logits = -best * distances
surprise = -log_softmax(Tensor(logits)).numpy()[np.arange(200), labels]
top_ten = np.sort(surprise)[-10:]
print(f"best sharpness {best}: right {np.mean(logits.argmax(axis=1) == labels):.1%}")
print(f"the ten most surprising digits make up {top_ten.sum() / surprise.sum():.0%} of the loss")

try:
    import matplotlib.pyplot as plt
except ImportError:
    print("Without matplotlib you miss the valley, and the digits that surprise most.")
else:
    twice = [CrossEntropyLoss()(Softmax()(Tensor(-s * distances)), labels).item()
             for s in sharpnesses]
    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    axes.semilogx(sharpnesses[1:], losses[1:], "o-", label="your loss")
    axes.semilogx(sharpnesses[1:], twice[1:], "s--", color="C3", label="softmax twice")
    axes.axhline(np.log(np.e + 9) - 1, color="C3", linestyle=":", label="its floor: ln(e + 9) - 1")
    axes.axhline(np.log(10), color="0.6", linestyle=":", label="ln 10: knows nothing")
    axes.set(title="Too modest on the left, too sure on the right", ylim=(0, 4),
             xlabel="sharpness", ylabel="loss")
    axes.legend(fontsize=8)
    plt.show()

    figure, grid = plt.subplots(2, 5, figsize=(7, 3.6), layout="constrained")
    for digit, panel in enumerate(grid.flat):
        at = np.argmax(np.where(labels == digit, surprise, -np.inf))
        panel.imshow(images[at], cmap="gray_r")
        panel.set(xticks=[], yticks=[])
        panel.set_title(f"{digit}, said {logits[at].argmax()}: {surprise[at]:.2f}", fontsize=8)
    figure.suptitle("Of each digit, the image that surprised most, and its surprise")
    plt.show()

# %% [markdown]
"""
On the left of the valley the model is too modest for how often it is right; on the right it is too
sure. The loss finds the honest middle without being told; accuracy cannot see the difference at
all. (The best sharpness was chosen on the digits it is judged by: Module 07 will object.) And a few
digits carry much of the loss. Look at such a list in every project of your own: what you find there
is a label that is wrong, or something the model does not understand.

# Reflect

## What it costs

Cross-entropy looks at every logit: N·C exponentials, and arrays of the size of the logits on the
way. For a language model, C is the size of its vocabulary. **Predict** the last column: how many
arrays of that size exist at the same time at most, besides the logits?
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


def peak_bytes(call):
    """Peak memory allocated during a call, beyond what was there before."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


rng = np.random.default_rng(0)
print("64 rows, on your machine:")
print(f"{'classes':>8} {'logits MB':>10} {'ms':>8} {'ns per logit':>13} {'peak / logits':>14}")
for classes in (10, 100, 1000, 10_000, 50_000):
    logits = rng.standard_normal((64, classes), dtype=np.float32)
    targets = rng.integers(0, classes, 64)

    def call(logits=logits, targets=targets):
        return cross_entropy(logits, targets)

    seconds = median_seconds(call)
    print(f"{classes:8d} {logits.nbytes / 1e6:10.2f} {1e3 * seconds:8.3f} "
          f"{1e9 * seconds / logits.size:13.2f} {peak_bytes(call) / logits.nbytes:14.1f}")

# %% [markdown]
r"""
The memory column depends on your code, not on your machine. Once C is large it is 2.0 if the
exponentials are gone before the result is made: they and the shifted logits. If you gave the
exponentials a name, it keeps them alive, and it is 3.0. (With few classes Python's own overhead
shows.) The times are your machine's. What holds on all of them: with few classes you pay for the
*number* of NumPy calls, whatever C; with many, for N·C. Your own table says where the change comes,
and whether a logit costs more once the arrays outgrow the processor's cache.

### How reliable is the loss of a batch?

A batch is a sample, so its loss is an estimate of the loss of all data. **Predict** by what factor
the scatter of the estimate shrinks when the batch grows from 32 to 128.
"""

# %%
model = fresh_classifier(0)
answers = model(Tensor(train_pixels)).numpy()
rng = np.random.default_rng(1)
for batch_size in (8, 32, 128):
    batches = rng.integers(0, 1000, (1000, batch_size))
    found = [cross_entropy(answers[rows], train_labels[rows]) for rows in batches]
    print(f"batches of {batch_size:3d}: loss {np.mean(found):.3f}, scatter {np.std(found):.4f}")

# %% [markdown]
r"""
The mean stays, and four times the data halves the scatter: it falls with $1/\sqrt{N}$. Each further
digit of precision costs a hundred times the data.

## Questions

**1.** A language model with a vocabulary of 50,000 is trained in float32 on batches of 8 texts of
1,024 tokens, one prediction per token: 1.64 GB of logits. Your machine has 2 GB left. Does your
loss run? How would you make it run, without changing the result?

<details><summary>Answer</summary>

No: at 2.0 it needs 3.28 GB of temporaries, for a single number. Rows are independent, so take a few
hundred at a time, add their surprises up, and divide at the end by the number of all rows: the
temporaries then have the size of one slice. In float16 the arrays halve too, but that does change
the result.
</details>

**2.** A patient can have several of five diseases at the same time. Which loss, and what would
Softmax assume?

<details><summary>Answer</summary>

Five yes-or-no questions: predictions and 0/1 targets of shape (N, 5), and binary cross-entropy. In
terms of likelihood: five Bernoulli models, multiplied, so the surprises add up. Softmax is *one*
categorical model: it assumes that exactly one of the five is present.
</details>

**3.** Your first loss on a problem with 1,000 classes is 38. The logarithm of 1,000 is 6.9. Name
two causes, and for each a line of code that would tell.

<details><summary>Answer</summary>

Weights too large, so that the model is sure and wrong: print the spread of the logits; about 1 is
expected. Or inputs that were never scaled (pixels from 0 to 255): print their mean and spread.
Shuffled or shifted labels are *not* a cause: a model that knows nothing does as badly on them.
</details>

**4.** (A case you have not seen.) A shop wants the number of customers in the next hour: 0, 1, 2,
... For a rate $p > 0$, counts follow Poisson's law: k customers have the probability
$p^k e^{-p} / k!$. Which loss follows, what should the last layer's output go through, and why not
squared error?

<details><summary>Answer</summary>

$-\ln q = p - k \ln p + \ln k!$, and the last term can be left out: no prediction changes it. p has
to be positive: Softplus, or let the network say ln p and take exp. Squared error would assume the
same noise everywhere, but counts around 100 scatter by 10 and counts around 1 by 1: it would care
only about the busy hours. (PyTorch calls it `PoissonNLLLoss`.)
</details>

**5.** (Another one.) Somebody replaces the bell curve by $q = \tfrac{1}{2b} e^{-|t-p|/b}$, which
allows large errors. Which loss is that? For the data [1, 2, 3, 4, 100], which *constant* answer is
best now, and which was best for squared error?

<details><summary>Answer</summary>

The mean of |t - p|. The best constant is the median, 3: a step to the right brings it closer to two
of the data and farther from three, and so does a step to the left. For squared error it is the
mean, 22, which is near none of the data. The typing error of Part 3 loses its vote.
</details>

**6.** A two-class problem, 95 % of the truths are "no". A model answers 0.05 to everything. What is
its accuracy, if 0.5 decides? What is its loss, and how does that compare with ln 2?

<details><summary>Answer</summary>

95 %. The loss is -(0.05 ln 0.05 + 0.95 ln 0.95) = 0.199, far below ln 2 = 0.693. It learned how
frequent the classes are, and nothing else. So ln C is the loss of *equal* shares; the bar to beat
is the surprise of the class frequencies.
</details>

**7.** (Without an answer.) A model for skin cancer gives a loss of 0.21, another 0.24. The second
is modest where it is wrong, the first is sure. The average is over all patients. Whose surprise
should count how much, and who should decide that?
"""

# %% [markdown]
"""
## Common errors

| what you see | what it means | what to do |
|---|---|---|
| `Predictions of shape (4, 1) and targets of shape (4,)` | a column met a row | `reshape(-1)` |
| `Logits of shape (8, 3) and targets of shape (8, 3)` | one-hot rows | `targets.argmax(axis=1)` |
| `Target 3 at index (1,) is not one of the 3 classes` | numbered from 1 | subtract 1 |
| `needs predictions (from a Sigmoid) ... got 3.7` | scores, not probabilities | a Sigmoid |
| `divide by zero encountered in log` | log(softmax(x)) by hand | `log_softmax` |
| `arrays used as indices must be of integer` | float classes | `.astype(int)` |
| `shape mismatch: indexing arrays` | rows and classes of unequal number | one class per row |
| loss `nan` | inf - inf, 0 * log(0) | print the largest logit |
| a negative loss | the minus is missing, or densities above 1 | print what goes into the mean |
| first loss far above ln C | weights or inputs too large | print the spread of the logits |
| loss stays above ln(e + C - 1) - 1 | softmax twice | hand over logits |
| loss stays at ln C, accuracy at chance | answers do not depend on the input | compare two inputs |

The words of the first four are those of the course's solution; yours may differ.

## In production

```python
# TinyTorch                            # PyTorch
from tinytorch import nn               from torch import nn
from tinytorch.core.losses import (
    log_softmax)                       import torch

nn.MSELoss()(p, t)                     nn.MSELoss()(p, t)
nn.CrossEntropyLoss()(x, classes)      nn.CrossEntropyLoss()(x, classes)
nn.BinaryCrossEntropyLoss()(p, t)      nn.BCELoss()(p, t)
log_softmax(x, dim=-1)                 torch.log_softmax(x, dim=-1)
bce_from_logits(x, t)                  nn.BCEWithLogitsLoss()(x, t)
# (not exported)
```

The same numbers. What is different:

| | yours | PyTorch |
|---|---|---|
| dimension of the classes in a sequence | last: (N, T, C) | second: (N, C, T) |
| targets | class numbers, floats or integers | integers; or probabilities, (N, C) |
| (4, 1) against (4,) in `MSELoss` | an error | broadcasts, with a warning |
| how `BCELoss` avoids log(0) | limits p at 1e-7: at most 16.1 | limits the logarithm at -100 |

For vocabularies of 100,000 and more, people go further and never hold all logits at once: they
compute them slice by slice, together with the loss.

## Read the source

> **`aten/src/ATen/native/LossNLL.cpp`**, the function `cross_entropy_loss_symint`, which
> `cross_entropy` in `torch/nn/functional.py` ends in.
>
> *Look for:* how it tells class numbers from class probabilities (it compares two shapes), and
> where the log-softmax is taken. Taking and picking are two steps, as in yours: PyTorch's profiler
> shows `_log_softmax`, which allocates an array of the logits' size, and then `nll_loss_forward`.
>
> *Simpler in ours:* one kind of target, one average, no weights. What theirs gains: no second array
> for the exponentials, because the kernel adds them up as it goes along a row.
>
> *Different in behaviour:* the target -100 is skipped there without a word (`ignore_index`), for
> the padding of texts. Targets [-100, 1] for two rows give the loss of the second alone, and a
> batch of nothing but -100 gives NaN. Yours refuses -100 by name.

## Further reading

* Bishop, *Pattern Recognition and Machine Learning* (2006), section 1.2.5. Curve fitting seen as
  likelihood: Part 1 of this module, with Gauss's argument in modern dress.
* Guo, Pleiss, Sun, Weinberger, *On Calibration of Modern Neural Networks* (2017). Deep networks sit
  on the right side of your valley; one number, a temperature, brings them back.
* Blanchard, Higham, Higham, *Accurately Computing the Log-Sum-Exp and Softmax Functions* (2021).
  How many digits the trick really keeps, proved.

## All together

All graded tests once more, and one run through everything together.
"""

# %%
def test_module():
    """All graded tests, then three losses that can be compared with each other."""
    test_losses_gaussian_surprise()
    test_losses_same_shape()
    test_losses_mse()
    test_losses_mse_loss()
    test_losses_log_probabilities()
    test_losses_class_targets()
    test_losses_cross_entropy()
    test_losses_bce()
    test_losses_bce_from_logits()
    test_losses_prototype_loss()

    np.random.seed(0)
    model = Sequential(Linear(6, 16), ReLU(), Linear(16, 1))
    scores = model(Tensor(np.random.randn(10, 6)))
    answers = np.random.randint(0, 2, 10)
    yes = Sigmoid()(scores)
    binary = BinaryCrossEntropyLoss()(yes, answers.reshape(10, 1))
    two_classes = np.concatenate([np.zeros((10, 1)), scores.numpy()], axis=1)
    check.close(CrossEntropyLoss()(Tensor(two_classes), answers), binary.item(),
                given="yes or no, as a Sigmoid of s and as two classes with logits 0 and s",
                because="softmax of (0, s) is sigmoid(s): both losses ask the same question")
    check.equal(binary.shape, (), given="the shape of a loss")
    check.close(MSELoss()(yes, yes.numpy() + 0.5), 0.25,
                given="predictions that are off by 0.5 everywhere")
    print("Module 04: all tests passed.")


test_module()

# %% [markdown]
"""
## What this unlocks

`tito module complete 04` tests everything once more, and puts your losses into your package. Then,
from anywhere in your workspace:

```python
from tinytorch import Tensor
from tinytorch.nn import CrossEntropyLoss
print(CrossEntropyLoss()(Tensor([[2.0, 1.0, 0.1]]), [0]))
```

You can ask any network how wrong it is. In Part 1 you found the floor of a valley by trying 201
values of one weight. With two weights it would be 40,401, with a hundred thousand weights no
computer would ever finish. **Module 05 (Autograd)** computes which way is down for all weights
at once, in about the time of two more forward passes. **Module 06** takes steps that way, and
**Module 07** repeats them until the number you built here is small.
"""
