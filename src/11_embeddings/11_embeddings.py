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
# Module 11: Embeddings

**Architecture** | ●●○○ | 3-5 hours | Prerequisites: 01 Tensor to 07 Training, 10 Tokenization

Your tokenizer turns a text into whole numbers. They are names: number 17 is not more than number
16, and not close to it either. A network computes with quantities, so today each id gets a vector,
and the vectors *learn*. You build the table that holds them, find out what the gradient of a lookup
is, and what it costs when the table is large. Then you meet the second half of the problem: a
vector for each word says which words there are, and nothing about their order.

## Where this comes from

Around 2000 a program that had read "The cat is walking in the bedroom" gave no credit for it to
"A dog was running in a room". It counted sequences of words, and that sequence it had never seen.
However large the corpus, almost every sentence is new. Yoshua Bengio and three colleagues in
Montreal gave each of almost 18,000 words a short list of numbers that was learned along with
everything else, hoping that cat and dog would end up side by side. It took them three weeks on 40
processors for five passes over 14 million words, and it beat the counts. For years their paper of
2003 passed for a curiosity: too slow. The table at the front of every language model today is
theirs.

## Where this module stands

```
 10 Tokenization    text -> ids          05 Autograd   rules beside the code
        |                                     |
        v                                     v
 +--------------------------------------------------------------+
 |                       11 Embeddings                          |
 |   ids -> one-hot -> look up a row -> gradient of the rows    |
 |   positions: learned table | sines and cosines               |
 +--------------------------------------------------------------+
        |
        v
 12 Attention: lets the vectors of a sentence look at each other
```

In words: what leaves this module has the shape (batch, seq, embed_dim) and no longer knows that it
was text. Sound, pixels or moves of a game come out in the same shape; all later modules work on it.

## What you will be able to do

1. **Show** that a lookup is a product with a one-hot matrix, and **measure** why nobody multiplies.
2. **Derive** the gradient of a lookup from that product, and choose the faster way to compute it.
3. **Account** for a table's gradient: rows touched, bytes that are zeros, the optimizer's share.
4. **Break** a model that adds up its words, and repair it with positions.
5. **Derive** why a shift by k positions is a rotation, and **use** it.
6. **Debug** a model whose table does not learn.

## What you build

| part | you write | idea |
|---|---|---|
| 1 | `one_hot_rows`, `token_ids` | ids are names; check them at the door |
| 2 | `look_up` with its rule, `Embedding` | a table that learns |
| 3 | `compact_gradient` | a gradient without its zeros |
| 4 | `PositionalEncoding` | a vector for each place, learned |
| 5 | `create_sinusoidal_embeddings`, `shift_matrix`, `SinusoidalEncoding` | a vector for each place, computed |
| 6 | `EmbeddingLayer` | both together, for all later models |
| 7 | `read_sentences` (bug hunt) | a loss that stays at log 2 |
| 8 | `rotate_by_position` (open) | positions without adding anything |

## What you do not build yet

Vectors here do not depend on their neighbours: "bank" is the same beside a river and beside money.
Letting them look at each other is Module 12. Left out for good: tables trained elsewhere and
loaded (word2vec, GloVe), and tables spread over many machines.

## Setup

Four cells: the name of this module's file in your framework, what that file needs, what the tests
and experiments below need, and a text to learn from.
"""

# %%
#| default_exp core.embeddings

# %%
#| export
"""Embeddings: from token ids to vectors that learn, and vectors that know their position."""

from typing import Any

import numpy as np

from tinytorch.core.autograd import Function, backward_rule, scatter_add_rows
from tinytorch.core.layers import Layer
from tinytorch.core.tensor import Tensor, compute

# %%
# For the test cells and experiments below; not part of your framework.
import re
import time

from tinytorch.core.activations import ReLU, Tanh
from tinytorch.core.autograd import no_grad
from tinytorch.core.layers import Linear, Sequential
from tinytorch.core.losses import CrossEntropyLoss
from tinytorch.core.optimizers import SGD, Adam
from tinytorch.core.tokenization import CharTokenizer
from tito.checks import check, probe

# %%
try:
    from pydoc_data.topics import topics  # the reference manual of the Python you are running
except ImportError:  # slim installations leave it out: NumPy's own documentation will do
    topics = {name: str(thing.__doc__) for name, thing in vars(np).items()}

manual = " ".join(re.findall("[a-z]+", " ".join(topics[name] for name in sorted(topics)).lower()))
print(f"{len(manual):,} letters and spaces: {manual[:60]} ...")


def fit(model, batches, lr=0.05):
    """Train with Adam on pairs (inputs, classes); the mean loss of the last ten steps."""
    optimizer, losses = Adam(model.parameters(), lr=lr), []
    for inputs, classes in batches:
        optimizer.zero_grad()
        loss = CrossEntropyLoss()(model(inputs), Tensor(classes))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return float(np.mean(losses[-10:]))


def milliseconds(action, repeats=7):
    """Median time of `action`."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return 1000 * float(np.median(times))

# %% [markdown]
r"""
# Build

## Part 1: Numbers that are names

A tokenizer says: a is 0, b is 1, and so on to z, 25. Suppose you hand these numbers to a linear
layer, neatly scaled to 0 ... 1, and ask: vowel or consonant? Then you ask the same with 26 inputs
for each letter, of which one is 1 and all others are 0.

**What will this print?** How many letters does each of the two models get right?
"""

# %%
letters = "abcdefghijklmnopqrstuvwxyz"
is_vowel = np.array([letter in "aeiou" for letter in letters]).astype(int)
for name, inputs in [("one number", np.arange(26)[:, None] / 25), ("26 switches", np.eye(26))]:
    np.random.seed(0)
    guess = Linear(inputs.shape[1], 2)
    fit(guess, [(Tensor(inputs), is_vowel)] * 200)
    right = guess(Tensor(inputs)).data.argmax(axis=1) == is_vowel
    print(f"{name:<12} {right.sum()} of 26 right")

# %% [markdown]
r"""
With one number the layer can only draw a line: everything up to some letter on one side, everything
after it on the other. The vowels lie scattered over the alphabet, and it ends up calling every
letter a consonant. The number claims an order that is not there.

The 26 switches claim nothing. This is a **one-hot** vector: all symbols are equally far from each
other. (To NumPy, `rows[[0, 1], [4, 2]] = 1` sets two entries, row 0 column 4 and row 1 column 2:
two arrays of positions are read in pairs.)
"""

# %% nbgrader={"grade": false, "grade_id": "embeddings_one_hot", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def one_hot_rows(ids: np.ndarray, count: int) -> np.ndarray:
    """For each id a row of `count` numbers: 1 at the id's place, 0 everywhere else.

    Args:
        ids: integers from 0 to count - 1, an array of any shape, also empty.
        count: how many different ids there may be.

    Returns:
        A float32 array of shape (*ids.shape, count), made without a loop.

    Example:
        one_hot_rows(np.array([2, 0]), 3)  ->  [[0, 0, 1], [1, 0, 0]]
    """
    ### BEGIN SOLUTION
    rows = np.zeros((ids.size, count), dtype=np.float32)
    rows[np.arange(ids.size), ids.ravel()] = 1
    return rows.reshape(*ids.shape, count)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* ids of one, two and no dimensions, repeated ones, none at all, float32.
"""

# %% nbgrader={"grade": true, "grade_id": "test_embeddings_one_hot", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_embeddings_one_hot():
    """One 1 for each id, in its own row and at its own place."""
    check.close(one_hot_rows(np.array([2, 0]), 3), [[0, 0, 1], [1, 0, 0]],
                given="ids [2, 0], count 3")
    check.close(one_hot_rows(np.array([1, 1, 1]), 2), [[0, 1]] * 3, given="ids [1, 1, 1], count 2",
                because="each id has a row of its own, also when it comes again")
    check.close(one_hot_rows(np.array([[3, 0, 1], [1, 2, 2]]), 4),
                [[[0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0]],
                 [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0]]],
                given="ids [[3, 0, 1], [1, 2, 2]], count 4",
                because="the shape of the ids stays, and one axis of length 4 is added at the end")
    check.close(one_hot_rows(np.array(1), 3), [0, 1, 0],
                given="the single id 1, of shape (), count 3")
    check.equal(one_hot_rows(np.zeros((0,), dtype=np.int64), 3).shape, (0, 3),
                given="no ids, count 3")
    check.equal(one_hot_rows(np.array([[2], [0]]).T, 3).dtype.name, "float32", given="the dtype",
                because="float64 would make everything that follows twice as large")


test_embeddings_one_hot()

# %% [markdown]
r"""
### A product that multiplies nothing

A linear layer computes $x W$. For a one-hot $x$ with its 1 at place $i$, all rows of $W$ are
multiplied by 0 and thrown away, except row $i$:

```
                 [ w00 w01 ]
 [ 0  1  0 ]  @  [ w10 w11 ]  =  [ w10 w11 ]  =  W[1]
                 [ w20 w21 ]
```

In words: the weights that meet symbol 1 are row 1 and nothing else. That row *is* what the layer
knows of the symbol; it is called the symbol's **embedding**.

**What will this print?** How do time and memory of the two ways grow with the number of symbols?
"""

# %%
some_ids = np.random.default_rng(0).integers(0, 100, 256)
for count in (100, 1000, 10_000):
    weights = np.random.default_rng(1).standard_normal((count, 64), dtype=np.float32)
    same = np.allclose(one_hot_rows(some_ids, count) @ weights, weights[some_ids])
    product = milliseconds(lambda: one_hot_rows(some_ids, count) @ weights, 3)
    lookup = milliseconds(lambda: weights[some_ids], 3)
    megabytes = one_hot_rows(some_ids, count).nbytes / 1e6
    print(f"{count:6,} symbols, equal: {same}. One-hot: {megabytes:5.2f} MB, {product:6.2f} ms on "
          f"your machine; lookup: 0 MB, {lookup:.3f} ms")

# %% [markdown]
r"""
The product grows with the vocabulary, in time and in memory, and of all its multiplications only
one row in `count` is not by zero. The lookup does not know how large the table is.

### Ids at the door

Before a row is looked up, somebody has to look at the ids. **What will this print?** Which of the
first four lines is an error? And which id is in the Tensor?
"""

# %%
tiny = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
for name, wrong in [("id 3 of 3", [3]), ("id -1", [-1]), ("id 1.0", np.array([1.0])),
                    ("a mask", np.array([True, False, True]))]:
    try:
        print(f"{name:<10}", tiny[wrong].tolist())
    except IndexError as error:
        print(f"{name:<10}", error)
print("id 16777217 in a Tensor:", int(Tensor([16_777_217]).data[0]))

# %% [markdown]
r"""
The first error is right. The third is a false alarm: your `Tensor` stores float32, so *every* id
that travels in a tensor, as those in a batch do, arrives as 1.0. The other two are worse than
errors: −1 quietly reads the last row, and a mask reads another number of rows than there are ids.

And one fault cannot be seen any more when it arrives. Float32 has 24 bits for whole numbers, so
id 16,777,217 has become its neighbour. Ids that large (no vocabulary of words has them, tables of
users do) must travel as integers and may not pass through float32 on the way.

So `token_ids` is the one door for ids. It takes whatever they come in.
"""

# %% nbgrader={"grade": false, "grade_id": "embeddings_token_ids", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def token_ids(tokens: Any, vocab_size: int) -> np.ndarray:
    """Check token ids, and return them as a new int64 array of the same shape.

    Args:
        tokens: whole numbers from 0 to vocab_size - 1: a Tensor, an array of integers or of
            floats, a number, or nested lists of these; also empty. (np.asarray reads them all.)
        vocab_size: how many ids there are.

    Returns:
        An int64 array that shares no memory with `tokens`. Integers of any size arrive exact.

    Raises:
        ValueError: sequences of different lengths. The message contains the word "ragged".
        TypeError: anything but numbers: text, None, and bools (a mask is no list of ids). The
            message contains `type(tokens).__name__`.
        ValueError: a number that is not whole, such as 1.5 or nan. The message contains it.
        ValueError: a number below 0, or vocab_size and more (inf is one). The message contains
            it and vocab_size.

    No NumPy warning is printed on the way.

    Example:
        token_ids(Tensor([[2, 0]]), 3)  ->  array([[2, 0]]), of int64
    """
    ### BEGIN SOLUTION
    try:
        ids = np.asarray(tokens)
    except ValueError:
        raise ValueError(
            "the sequences have different lengths (ragged): cut or fill them to one length"
        ) from None
    if ids.dtype.kind not in "iuf":
        raise TypeError(
            f"token ids must be whole numbers, got {type(tokens).__name__} (dtype {ids.dtype}); "
            "text goes through a tokenizer's encode() first"
        )
    fractions = ids[ids != np.floor(ids)]
    if fractions.size:
        raise ValueError(f"token ids must be whole numbers, got {fractions[0]}")
    outside = ids[(ids < 0) | (ids >= vocab_size)]
    if outside.size:
        raise ValueError(f"token id {outside[0]:.0f} is not in a vocabulary of size {vocab_size}")
    return ids.astype(np.int64)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* everything ids come in, values and dtype, large integers, and each kind of fault
with what its message names.
"""

# %% nbgrader={"grade": true, "grade_id": "test_embeddings_token_ids", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_embeddings_token_ids():
    """Whole numbers in range pass, whatever they come in; everything else is named."""
    wanted = [[3, 0, 3], [1, 4, 3]]
    for tokens, kind in [
        (Tensor(wanted), "a Tensor"),
        (wanted, "nested lists"),
        (np.array(wanted, dtype=np.uint8), "an array of uint8"),
        (np.array(wanted, dtype=np.float64), "an array of float64"),
    ]:
        ids = token_ids(tokens, 5)
        check.equal([ids.tolist(), ids.dtype.name], [wanted, "int64"],
                    given=f"{wanted} as {kind}, vocab_size 5: values and dtype")
    check.equal(token_ids(4, 5).shape, (), given="the number 4: the shape of the result")
    check.equal(token_ids([[], []], 5).shape, (2, 0), given="[[], []]: the shape of the result",
                because="a sequence may be empty")
    for power in (24, 53):
        check.equal(int(token_ids(np.array([2**power + 1]), 2**60)[0]) - 2**power, 1,
                    given=f"the id 2**{power} + 1 in an array of int64: what comes back, minus "
                          f"2**{power}",
                    because="float32 keeps whole numbers up to 2**24, float64 up to 2**53: "
                            "integers must not become floats on the way")
    for tokens, name, given in [
        ([0, 5], "5", "[0, 5]"), ([0, -1], "-1", "[0, -1]"), ([[1, 2], [70, 3]], "70", "an id 70"),
        (Tensor([4.0, 6.0]), "6", "Tensor([4, 6])"), (np.array([np.inf]), "inf", "[inf]"),
    ]:
        check.raises(ValueError, lambda tokens=tokens: token_ids(tokens, 5),
                     given=f"{given}, vocab_size 5", mentions=[name, "5"],
                     because="who reads the message must learn which id it was, and how many "
                             "there are")
    for tokens, name in [(Tensor([1.0, 1.5]), "1.5"), ([0.25], "0.25"), ([1.0, np.nan], "nan")]:
        check.raises(ValueError, lambda tokens=tokens: token_ids(tokens, 5), mentions=[name],
                     given=f"ids of which one is {name}",
                     because="there is no row between two rows")
    check.raises(ValueError, lambda: token_ids([[1, 2], [3]], 5), given="[[1, 2], [3]]",
                 mentions=["ragged"])
    for tokens, name in [(["dog", "bites"], "list"), ("dog", "str"), (None, "NoneType"),
                         (np.array([True, False]), "ndarray")]:
        check.raises(TypeError, lambda tokens=tokens: token_ids(tokens, 5), mentions=[name],
                     given=f"token_ids({tokens!r}, 5)", because="these are no numbers")

    @probe
    def beside_the_ids():
        """Does the result share memory with the ids? Are odd floats refused, with what warnings?"""
        import warnings

        def was_refused(tokens):
            try:
                token_ids(tokens, 5)
            except ValueError:
                return True
            return False

        shared = []
        for kind in (np.int64, np.float32):
            ids = np.array([1, 3], dtype=kind)
            shared.append(bool(np.shares_memory(token_ids(ids, 5), ids)))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            refused = [was_refused(wrong) for wrong in ([np.nan], [np.inf], [1e30])]
        return shared, refused, [str(warning.message) for warning in caught]

    check.equal(beside_the_ids()[0], [False, False],
                given="does the result share memory with an array of int64, of float32?",
                because="the backward pass reads the ids again: they must not change meanwhile")
    check.equal(beside_the_ids()[1], [True] * 3, given="are [nan], [inf] and [1e30] refused?")
    check.equal(beside_the_ids()[2], [], given="warnings for [nan], [inf] and [1e30]",
                because="look at the numbers before you convert them")


test_embeddings_token_ids()

# %% [markdown]
r"""
## Part 2: A table that learns

### The gradient of a lookup

In Module 05 you gave `table[ids]` a rule. There it came out of the blue: the gradient goes back to
the row it was read from, and what several uses of a row send is added. Now you can *derive* it. Let
$H$ be the one-hot matrix of the ids, of shape (n, V), so that $Y = H W$. You know the rule of a
product:

$$\frac{\partial L}{\partial W} = H^\top G$$

Row $v$ of $H^\top$ has a 1 for each use of symbol $v$. So row $v$ of the product is the sum of
those rows of $G$: exactly what `scatter_add_rows` computes by sorting. One gradient, and two ways
to get it.

**What will you see?** Here both, and `np.add.at`, for 1,024 ids and a growing vocabulary. Where do
the lines cross?
"""

# %%
sizes, ways = [8, 16, 32, 64, 128, 256, 512, 2048], {"product": [], "sorting": [], "np.add.at": []}
sent_back = np.random.default_rng(0).standard_normal((1024, 64), dtype=np.float32)
for size in sizes:
    used = np.random.default_rng(1).integers(0, size, 1024)
    ways["product"].append(milliseconds(lambda: one_hot_rows(used, size).T @ sent_back))
    ways["sorting"].append(milliseconds(lambda: scatter_add_rows(sent_back, used, size)))
    empty = np.zeros((size, 64), dtype=np.float32)
    ways["np.add.at"].append(milliseconds(lambda: np.add.at(empty, used, sent_back)))
for name, times in ways.items():
    print(f"{name:<10}", " ".join(f"{t:6.3f}" for t in times), "ms on your machine")
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.5, 3.5), layout="constrained")
    for name, times in ways.items():
        axes.loglog(sizes, times, "o-", label=name)
    axes.set(xlabel="rows of the table", ylabel="ms", xticks=sizes, xticklabels=sizes,
             title="The product wins for an alphabet, sorting for a dictionary")
    axes.minorticks_off()
    axes.legend()
    plt.show()
except ImportError:
    print("Without matplotlib you miss where the rising line crosses the two flat ones.")

# %% [markdown]
r"""
The product is the same arithmetic for each row of the table, used or not: its line rises. For a
table of letters it is still the fastest, because a product of matrices is what your machine does
best. For a table of words it is hopeless. So take the better one of two: a constant, `SMALL_TABLE`,
says up to which number of rows the product is used. (Where your lines cross may differ a little.)

Write the lookup as an operation of its own, with its rule beside it.
"""

# %% nbgrader={"grade": false, "grade_id": "embeddings_look_up", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
SMALL_TABLE = 64  # rows; up to here one product is faster than sorting


def look_up(table: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """The rows of a table that the ids name.

    Args:
        table: shape (count, width).
        ids: integers from 0 to count - 1, of any shape.

    Returns:
        A new array of shape (*ids.shape, width), of the table's dtype.

    Example:
        look_up([[1, 1], [2, 2], [3, 3]], [2, 0])  ->  [[3, 3], [1, 1]]
    """
    ### BEGIN SOLUTION
    return table[ids]
    ### END SOLUTION


@backward_rule(look_up)
class LookUpBackward(Function):
    """The rule of y = table[ids]: rows of G go back to the rows they were read from."""

    def apply(self, grad_output):
        """Return (gradient of the table,), of the table's shape and grad_output's dtype.

        The ids, of any shape, are the setting "ids". Up to SMALL_TABLE rows it is one product
        with a one-hot matrix, above that it is `scatter_add_rows(rows, ids, count)`, which takes
        rows (n, width) and ids (n,).

        Example:
            a table of 3 rows, ids [2, 0, 2], G = [[1, 1], [2, 2], [5, 5]]:
            the gradient is [[2, 2], [0, 0], [6, 6]]
        """
        ### BEGIN SOLUTION
        (table,) = self.arrays
        ids = self.settings["ids"].ravel()
        rows = grad_output.reshape(ids.size, table.shape[1])
        if len(table) <= SMALL_TABLE:
            return (one_hot_rows(ids, len(table)).T @ rows,)
        return (scatter_add_rows(rows, ids, len(table)),)
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* rows and gradients for ids of every shape and tables of both sizes, repeated and
unused rows, which of the two ways is taken, float32, and that nothing handed in is changed.
"""

# %% nbgrader={"grade": true, "grade_id": "test_embeddings_look_up", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
@probe
def looked_up(count, ids, gradient):
    """Rows, their dtype, the gradient, its dtype, and whether G and the table stay as they were."""
    ids, gradient = np.array(ids, dtype=np.int64), np.array(gradient, dtype=np.float32)
    values = np.arange(2 * count, dtype=np.float32).reshape(count, 2)
    table, before = Tensor(values.copy(), requires_grad=True), gradient.copy()
    rows = compute(look_up, table, ids=ids)
    found = [rows.data.copy(), rows.data.dtype.name]
    rows.backward(gradient)
    kept = np.array_equal(gradient, before) and np.array_equal(table.data, values)
    return [*found, table.grad.data, table.grad.data.dtype.name, bool(kept)]


@probe
def sorted_for(count, n):
    """Whether scatter_add_rows is called for `count` rows and n ids; np.add.at is out of reach."""

    class Add:
        """np.add without `at`."""

        def __getattr__(self, name):
            if name == "at":
                raise RuntimeError("np.add.at was called: it is slower than product and sorting")
            return getattr(original, name)

        def __call__(self, *args, **kwargs):
            return original(*args, **kwargs)

    scope, called, original = LookUpBackward.apply.__globals__, [], np.add
    sorting = scope["scatter_add_rows"]
    scope["scatter_add_rows"] = lambda *args: called.append(1) or sorting(*args)
    np.add = Add()
    try:
        table = Tensor(np.ones((count, 3)), requires_grad=True)
        compute(look_up, table, ids=np.arange(n) % 2 * (count - 1)).sum().backward()
    finally:
        scope["scatter_add_rows"], np.add = sorting, original
    return [bool(called), table.grad.data[[0, -1], 0].tolist()]


def test_embeddings_look_up():
    """Rows forward; their gradients, added up by row, backward."""
    rows, dtype, gradient, grad_dtype, kept = looked_up(3, [2, 0, 2], [[1, 1], [2, 2], [5, 5]])
    check.close(rows, [[4, 5], [0, 1], [4, 5]],
                given="table [[0, 1], [2, 3], [4, 5]], ids [2, 0, 2]")
    check.close(gradient, [[2, 2], [0, 0], [6, 6]],
                given="ids [2, 0, 2], G = [[1, 1], [2, 2], [5, 5]]: the gradient of the table",
                because="row 2 was read twice: 1 + 5; row 1 was not read at all")
    check.equal([dtype, grad_dtype], ["float32", "float32"], given="dtypes of rows and gradient")
    check.equal(kept, True, given="are G and the table what they were?",
                because="a rule writes into nothing that it was given")
    rng = np.random.default_rng(5)
    for count in (1, 7, SMALL_TABLE, SMALL_TABLE + 1, 300):
        for shape in ((6,), (2, 5), (2, 3, 2), (), (0,), (0, 4)):
            ids = rng.integers(0, count, shape)
            g = rng.integers(-9, 10, (*shape, 2)).astype(np.float32)
            rows, _, gradient, _, _ = looked_up(count, ids, g)
            table = np.arange(2 * count).reshape(count, 2)
            expected = np.zeros((count, 2))
            for row, i in zip(g.reshape(-1, 2), ids.ravel(), strict=True):
                expected[i] += row
            given = f"a table of {count} rows, ids of shape {shape}"
            check.close(rows, table[ids], given=f"{given}: the rows",
                        because="the shape of the ids, then the width of the table")
            check.close(gradient, expected, given=f"{given}: the gradient of the table",
                        because="every use of a row sends its part; they add up")
    for count, n, expected in ((5, 3, False), (5, 201, False), (SMALL_TABLE, 3, False),
                               (SMALL_TABLE + 1, 3, True)):
        called, uses = sorted_for(count, n)
        check.equal(called, expected,
                    given=f"a table of {count} rows and {n} ids: is scatter_add_rows called?",
                    because=f"one product up to SMALL_TABLE = {SMALL_TABLE} rows, sorting above")
        check.close(uses, [n // 2 + 1, n // 2],
                    given=f"{count} rows, {n} ids 0, {count - 1}, 0, ...; G of ones: gradients of "
                          "the first and the last row")


test_embeddings_look_up()

# %% [markdown]
r"""
### The layer

The table starts at random: with zeros everywhere, the layer behind it would see nothing and get no
gradient in its first step. Xavier Glorot and Yoshua Bengio's rule of 2010 draws from

$$U(-a, a), \qquad a = \sqrt{\frac{6}{V + D}}$$

for $V$ rows of $D$ numbers. (Their argument is about layers that are summed over all their inputs;
a lookup sums over one. What follows from that, you measure in Part 6.)

Given: a helper that refuses sizes below 1, which all tables of this module use.
"""

# %% nbgrader={"grade": false, "grade_id": "embeddings_embedding", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def require_sizes(**sizes: int) -> None:
    """ValueError that names all of them, unless each size is 1 or more."""
    if min(sizes.values()) < 1:
        given = ", ".join(f"{name}={size}" for name, size in sizes.items())
        raise ValueError(f"every size must be at least 1, got {given}")


class Embedding(Layer):
    """A table with one learned vector for each token id.

    Attributes: `vocab_size`, `embed_dim`, and `weight`, a trainable Tensor (vocab_size, embed_dim).
    """

    def __init__(self, vocab_size: int, embed_dim: int) -> None:
        """Fill the table with one call of np.random.uniform, between the limits of Xavier."""
        require_sizes(vocab_size=vocab_size, embed_dim=embed_dim)
        self.vocab_size, self.embed_dim = vocab_size, embed_dim
        ### BEGIN SOLUTION
        limit = np.sqrt(6 / (vocab_size + embed_dim))
        weight = np.random.uniform(-limit, limit, (vocab_size, embed_dim))
        self.weight = Tensor(weight, requires_grad=True)
        ### END SOLUTION

    def forward(self, indices: Any) -> Tensor:
        """The vectors of the ids, as one operation: `look_up`, called through `compute`.

        Args:
            indices: whatever `token_ids` accepts, of any shape; its errors go through.

        Returns:
            A Tensor of shape (*shape of indices, embed_dim).

        Example:
            Embedding(26, 8)([[0, 1, 2], [3, 4, 5]]) has shape (2, 3, 8)
        """
        ### BEGIN SOLUTION
        return compute(look_up, self.weight, ids=token_ids(indices, self.vocab_size))
        ### END SOLUTION

    def __repr__(self) -> str:
        return f"Embedding(vocab_size={self.vocab_size}, embed_dim={self.embed_dim})"

# %% [markdown]
"""
*What is checked:* the table and how it was drawn, vectors for ids of several kinds and shapes,
gradients, ids that are changed after the lookup, errors.
"""

# %% nbgrader={"grade": true, "grade_id": "test_embeddings_embedding", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_embeddings_embedding():
    """A table drawn as promised, vectors for ids, and gradients that reach the table."""

    @probe
    def fresh(vocab_size, embed_dim):
        """The table after np.random.seed(3), and what the layer says of itself."""
        np.random.seed(3)
        layer = Embedding(vocab_size, embed_dim)
        kinds = [type(layer.weight).__name__, layer.weight.requires_grad, len(layer.parameters())]
        return layer.weight.data, [layer.vocab_size, layer.embed_dim, *kinds]

    for vocab_size, embed_dim in ((7, 3), (2, 50)):
        weight, facts = fresh(vocab_size, embed_dim)
        limit = (6 / (vocab_size + embed_dim)) ** 0.5
        draws = np.random.RandomState(3).uniform(-limit, limit, (vocab_size, embed_dim))
        given = f"Embedding({vocab_size}, {embed_dim}) after np.random.seed(3)"
        check.close(weight, draws, given=f"{given}: the table",
                    because=f"uniform between -{limit:.4f} and {limit:.4f} = sqrt(6 / (V + D)), "
                            "one call")
        check.equal(facts, [vocab_size, embed_dim, "Tensor", True, 1],
                    given=f"{given}: vocab_size, embed_dim, the type of weight, its requires_grad, "
                          "the number of parameters")

    @probe
    def used(ids, as_tensor):
        """Vectors, type, and gradient of a table with rows [0, 1], [2, 3], ..., ids changed."""
        layer = Embedding(5, 2)
        layer.weight.data = np.arange(10, dtype=np.float32).reshape(5, 2)
        ids = np.array(ids)
        vectors = layer(Tensor(ids) if as_tensor else ids)
        ids[...] = 4  # the backward pass comes later
        (vectors * vectors).sum().backward()
        return vectors.data, type(vectors).__name__, layer.weight.grad.data

    for as_tensor in (False, True):
        vectors, kind, gradient = used([[1, 3, 1], [0, 1, 3]], as_tensor)
        given = f"rows [0, 1], [2, 3], ...; ids [[1, 3, 1], [0, 1, 3]] {'in a Tensor' * as_tensor}"
        check.close(vectors, [[[2, 3], [6, 7], [2, 3]], [[0, 1], [2, 3], [6, 7]]], given=given)
        check.equal(kind, "Tensor", given=f"{given}: the type of the result")
        check.close(gradient, [[0, 2], [12, 18], [0, 0], [24, 28], [0, 0]],
                    given=f"{given}: gradient of the sum of squares, the caller's ids changed to 4 "
                          "before the backward pass",
                    because="twice the row, for each time it was read; the ids are those of then")
    table = Embedding(5, 2)
    check.equal(table(3).shape, (2,), given="Embedding(5, 2)(3): the shape")
    check.equal(table([[[0], [4]]]).shape, (1, 2, 1, 2), given="ids of shape (1, 2, 1): the shape")
    for wrong, name in ((5, "5"), (-1, "-1")):
        check.raises(ValueError, lambda wrong=wrong: table([0, wrong]), mentions=[name, "5"],
                     given=f"Embedding(5, 2)([0, {wrong}])")
    check.raises(ValueError, lambda: Embedding(0, 4), given="Embedding(0, 4)",
                 mentions=["vocab_size=0"])


test_embeddings_embedding()

# %% [markdown]
r"""
### Watch it learn

Twelve symbols with scrambled ids stand for the months. A model sees one of them and is asked which
comes next in a diary, where the next entry is from the month before, the same one, or the month
after. Each symbol has an embedding of two numbers, so you can look at it. Nobody tells the model
that there is an order, let alone that December is followed by January.

**What will you see?** Where do twelve random points go?
"""

# %%
months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
np.random.seed(1)
month_ids = np.random.permutation(12)  # the id of each month, in the order of the year
seen = np.repeat(np.arange(12), 3)
follows = (seen + np.tile([-1, 0, 1], 12)) % 12
diary = Sequential(Embedding(12, 2), Linear(2, 12, bias=False))
before = diary.layers[0].weight.data.copy()
loss = fit(diary, [(month_ids[seen], month_ids[follows])] * 300)
print(f"loss {loss:.2f}; guessing among 12 costs {np.log(12):.2f}, among 3 {np.log(3):.2f}")
try:
    import matplotlib.pyplot as plt

    figure, pair = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
    for axes, points, title in [(pair[0], before, "Before: random points"),
                                (pair[1], diary.layers[0].weight.data, "After: a year is round")]:
        places = points[month_ids]
        axes.plot(*np.vstack([places, places[:1]]).T, color="lightgrey")
        for place, month in zip(places, months, strict=True):
            axes.text(*place, month, ha="center", va="center")
        axes.set(title=title, aspect="equal", xticks=[], yticks=[])
        axes.margins(0.15)
    plt.show()
except ImportError:
    print("Without matplotlib you miss twelve points that settle around a circle.")

# %% [markdown]
r"""
They go around in a circle, in the order of the year (or backward, which is the same to the loss).
That is the whole secret of embeddings: symbols that are *followed by similar things* must give
similar outputs, so their vectors come to lie side by side. J. R. Firth said it of words in 1957:
you know a word by the company it keeps.

## Part 3: A gradient that is mostly zeros

An alphabet is small. Take words instead: each different word of the manual gets an id, and a batch
reads a piece of the text. **What will this print?** In a batch of 2,048 words, which share of the
table's rows is touched?
"""

# %%
words = manual.split()
names = sorted(set(words))
number = {word: i for i, word in enumerate(names)}
word_ids = np.array([number[word] for word in words])
print(f"{len(words):,} words, {len(names):,} different ones")
for size in (64, 512, 2048):
    touched = [len(np.unique(piece)) for piece in np.array_split(word_ids, len(word_ids) // size)]
    print(f"a batch of {size:5,} words touches {np.mean(touched) / len(names):6.1%} of the rows")

# %% [markdown]
r"""
A few words make up most of any text, and most words are rare. A batch touches a small share of the
rows, and the larger the vocabulary the smaller it is. The gradient, however, has the shape of the
whole table: all other rows are zeros that are allocated, filled, and read by the optimizer.

The remedy is to keep only what is not zero: which rows, and their gradients. (`np.unique` can say,
for each id, the place of its value among the unique ones; look for `return_inverse`.)
"""

# %% nbgrader={"grade": false, "grade_id": "embeddings_compact", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def compact_gradient(rows: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gradient of a table without its zero rows.

    Args:
        rows: shape (n, width), one row of gradient for each use.
        ids: shape (n,), which row of the table each of them belongs to; any order, repeats
            allowed, n may be 0.

    Returns:
        (touched, sums): the different ids in rising order, and for each of them the sum of its
        rows, of rows' dtype and shape (number of touched ids, width). Nothing that is computed
        on the way is as large as the table: the function does not know how large that is.

    Example:
        rows [[1, 1], [2, 2], [5, 5]], ids [700, 0, 700]  ->  [0, 700] and [[2, 2], [6, 6]]
    """
    ### BEGIN SOLUTION
    touched, places = np.unique(ids, return_inverse=True)
    return touched, scatter_add_rows(rows, places, len(touched))
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* sums and order, huge ids in little memory, no ids at all, float32, arguments.
"""

# %% nbgrader={"grade": true, "grade_id": "test_embeddings_compact", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_embeddings_compact():
    """One row for each id that occurs, the sum of what was sent to it."""
    rows = np.array([[1, 1], [2, 2], [5, 5]], dtype=np.float32)
    touched, sums = compact_gradient(rows, np.array([700, 0, 700]))
    check.equal(touched.tolist(), [0, 700], given="ids [700, 0, 700]: which rows are touched",
                because="each once, in rising order")
    check.close(sums, [[2, 2], [6, 6]], given="rows [[1, 1], [2, 2], [5, 5]], ids [700, 0, 700]",
                because="row 700 was used twice: 1 + 5")
    check.equal(sums.dtype.name, "float32", given="the dtype of the sums of float32 rows")
    touched, sums = compact_gradient(rows, np.array([4, 3, 2]))
    check.equal(touched.tolist(), [2, 3, 4], given="ids [4, 3, 2]: which rows are touched")
    check.close(sums, [[5, 5], [2, 2], [1, 1]], given="the same rows, ids [4, 3, 2]",
                because="the sums stand in the order of the ids, not in that of the batch")
    touched, sums = compact_gradient(np.zeros((0, 3), dtype=np.float32), np.zeros(0, dtype=int))
    check.equal([touched.shape, sums.shape], [(0,), (0, 3)], given="no rows, no ids: the shapes")
    rng = np.random.default_rng(2)
    ids = rng.integers(0, 9, 40) * 10**15
    rows = rng.integers(-9, 10, (40, 3)).astype(np.float32)
    before = rows.copy()
    touched, sums = compact_gradient(rows, ids)
    check.equal(touched.tolist(), sorted(set(ids.tolist())),
                given="40 ids up to 8 * 10**15: which rows are touched",
                because="a table of that size does not exist: only what occurs may be counted")
    check.close(sums, [rows[ids == i].sum(axis=0) for i in touched], given="their sums")
    check.unchanged(rows, before, given="the rows after the call")


test_embeddings_compact()

# %% [markdown]
r"""
### The account of one batch

Now the accounts of a table as large models have it, 50,000 words of 128 numbers, and a batch of
2,048 words that are as unevenly distributed as words are.

**What will this print?** How much smaller is the compact gradient? Which takes longer, the lookup
with its backward pass, or Adam's step?
"""

# %%
np.random.seed(0)
large = Embedding(50_000, 128)
shares = 1 / np.arange(1, 50_001)  # the word of rank r is about 1/r as frequent as the first
batch = np.random.choice(50_000, 2048, p=shares / shares.sum())
sent_back = np.random.randn(2048, 128).astype(np.float32)
touched, sums = compact_gradient(sent_back, batch)


def there_and_back():
    """Look the batch up, and send a gradient back."""
    large.weight.grad = None  # or it would be added to that of the last time
    large(batch).backward(sent_back)


def compact_step():
    """SGD on the rows that were touched."""
    rows, their_sums = compact_gradient(sent_back, batch)
    large.weight.data[rows] -= 0.1 * their_sums


there_and_back()
adam, sgd = Adam(large.parameters()), SGD(large.parameters(), lr=0.1)
state = adam.m_buffers[0].nbytes + adam.v_buffers[0].nbytes
print(f"rows touched {len(touched):,} of 50,000: {len(touched) / 50_000:.1%}")
print(f"the table {large.weight.data.nbytes / 1e6:.1f} MB, its gradient "
      f"{large.weight.grad.data.nbytes / 1e6:.1f} MB, Adam's memory {state / 1e6:.1f} MB")
print(f"the compact gradient {(touched.nbytes + sums.nbytes) / 1e6:.2f} MB")
for name, action in [("lookup and its backward pass", there_and_back),
                     ("a step of Adam", adam.step), ("a step of SGD", sgd.step),
                     ("compact gradient and its step", compact_step)]:
    print(f"{name:<30} {milliseconds(action, 5):7.2f} ms on your machine")
large = adam = sgd = None  # 130 MB are free again

# %% [markdown]
r"""
The gradient that came in is 1 MB, the one that goes on is as large as the whole table. Adam keeps
two more arrays of that size and walks through all of them in every step. With a compact gradient
the step depends on the batch alone.

Why then do optimizers not do that? Look at what Adam does to a row that was *not* touched.
**What will this print?** Word 0 is read in the first step only, word 1 in the second only, word 2
never. How far does each move in the second step?
"""

# %%
for name, make in [("SGD", lambda p: SGD(p, lr=0.1)), ("Adam", lambda p: Adam(p, lr=0.1))]:
    pair = Embedding(3, 1)
    optimizer = make(pair.parameters())
    for word in (0, 1):
        start = pair.weight.data[:, 0].copy()
        optimizer.zero_grad()
        pair([word]).sum().backward()
        optimizer.step()
    moves = pair.weight.data[:, 0] - start
    print(f"{name:<5} moves in step 2:", *[f"{move:.3f}" for move in moves])

# %% [markdown]
r"""
Adam remembers: word 0 keeps moving on the memory of its last gradient. A step that skips untouched
rows is therefore *not* the same rule with less work, it is another rule. It is a good one (PyTorch
calls it `SparseAdam`), but it is a decision, and your framework keeps the plain gradient.
"""

# %% [markdown]
r"""
## Part 4: Who bites whom

A sentence has several words, and a classifier wants one vector. The simplest way: the average of
its words' vectors, a **bag of words**. **What will this print?**
"""

# %%
np.random.seed(0)
book = {"dog": 0, "bites": 1, "man": 2}
nouns = Embedding(3, 4)
for sentence in ("dog bites man", "man bites dog"):
    vectors = nouns([[book[word] for word in sentence.split()]])
    print(sentence, "->", vectors.mean(axis=1).data.round(3)[0])

# %% [markdown]
r"""
The news and the accident are the same to it. Any sum over the words forgets their order, so no
network behind it can find out.

The remedy is to mark each vector with its place *before* the places are lost. Give every position a
learned vector of its own, a second table, and **add** it:

```
 dog     bites   man          man     bites   dog
  +       +       +            +       +       +          the same three rows,
 pos 0   pos 1   pos 2        pos 0   pos 1   pos 2       for each sentence
```

In words: "dog at place 0" and "dog at place 2" are now different vectors. All sentences of a batch
share the rows: row t belongs to place t, whichever sentence it is. (Broadcasting aligns shapes at
the right: (batch, seq, D) plus (seq, D) adds the same (seq, D) to each sentence.)

Positions are usually counted from 0. If a long text is read in pieces, the second piece starts
where the first one ended; `start` says where. Its rows are a slice of a parameter, and Module 05
knows the gradient of a slice.

Given: `require_vectors`, with the two errors of shape that everybody makes.
"""

# %% nbgrader={"grade": false, "grade_id": "embeddings_positions", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def require_vectors(x: Tensor, embed_dim: int) -> None:
    """ValueError unless x has the shape (batch, seq, embed_dim)."""
    if x.ndim != 3:
        raise ValueError(
            f"positions need an input of shape (batch, seq, {embed_dim}), got {x.shape}: "
            "a single sequence is a batch of one"
        )
    if x.shape[-1] != embed_dim:
        raise ValueError(
            f"the vectors have {x.shape[-1]} numbers (shape {x.shape}), "
            f"but the positions have embed_dim={embed_dim}"
        )


class PositionalEncoding(Layer):
    """One learned vector for each position, added to whatever stands there.

    Attributes: `max_seq_len`, `embed_dim`, and `position_embeddings`, a trainable Tensor of shape
    (max_seq_len, embed_dim).
    """

    def __init__(self, max_seq_len: int, embed_dim: int) -> None:
        """Fill the table with one call of np.random.uniform, between -√(2/D) and √(2/D)."""
        require_sizes(max_seq_len=max_seq_len, embed_dim=embed_dim)
        self.max_seq_len, self.embed_dim = max_seq_len, embed_dim
        ### BEGIN SOLUTION
        limit = np.sqrt(2 / embed_dim)
        table = np.random.uniform(-limit, limit, (max_seq_len, embed_dim))
        self.position_embeddings = Tensor(table, requires_grad=True)
        ### END SOLUTION

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """x plus the vectors of the positions start, start + 1, ...: the same for each sequence.

        Args:
            x: Tensor of shape (batch, seq, embed_dim); its sizes may be 0. It is not changed.
            start: the position of the first vector of each sequence.

        Returns:
            A Tensor of x's shape. Gradients reach x and the rows that were used.

        Raises:
            ValueError: another shape (from `require_vectors`).
            ValueError: a position beyond the table. The message contains start + seq, the length
                that would be needed, and max_seq_len.

        Example:
            x of shape (2, 3, 4), start=5: rows 5, 6 and 7 are added, in both sequences
        """
        require_vectors(x, self.embed_dim)
        ### BEGIN SOLUTION
        end = start + x.shape[1]
        if end > self.max_seq_len:
            raise ValueError(
                f"the sequence reaches length {end}, but max_seq_len is {self.max_seq_len}"
            )
        return x + self.position_embeddings[start:end]
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the table and how it was drawn, which rows are added where, batches of other
sizes than the sequences, gradients of both, `start`, and every error.
"""

# %% nbgrader={"grade": true, "grade_id": "test_embeddings_positions", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_embeddings_positions():
    """Row t is added at place t of every sequence; gradients reach the rows that were used."""

    @probe
    def fresh():
        """The table after np.random.seed(3), and what the layer says of itself."""
        np.random.seed(3)
        layer = PositionalEncoding(6, 4)
        table = layer.position_embeddings
        kinds = [type(table).__name__, table.requires_grad, len(layer.parameters())]
        return table.data, [layer.max_seq_len, layer.embed_dim, *kinds]

    table, facts = fresh()
    limit = np.sqrt(2 / 4)
    check.close(table, np.random.RandomState(3).uniform(-limit, limit, (6, 4)),
                given="PositionalEncoding(6, 4) after np.random.seed(3): the table",
                because="uniform between -sqrt(2/4) and sqrt(2/4), one call")
    check.equal(facts, [6, 4, "Tensor", True, 1],
                given="max_seq_len, embed_dim, the type of position_embeddings, its requires_grad, "
                      "the number of parameters")

    @probe
    def placed(shape, start=None):
        """Zeros with positions (rows [0, 1], [10, 11], ...), gradients of table and x, x after."""
        layer = PositionalEncoding(6, 2)
        rows = np.arange(6)[:, None] * 10 + np.arange(2)
        layer.position_embeddings.data = rows.astype(np.float32)
        x = Tensor(np.zeros(shape), requires_grad=True)
        y = layer(x) if start is None else layer(x, start=start)
        y.backward(np.ones(shape, dtype=np.float32))
        return y.data, layer.position_embeddings.grad.data[:, 0], x.grad.data, x.data

    y, uses, to_x, x = placed((2, 3, 2))
    check.close(y, [[[0, 1], [10, 11], [20, 21]]] * 2,
                given="positions [0, 1], [10, 11], ... added to zeros of shape (2, 3, 2)",
                because="row t belongs to place t, in every sequence of the batch")
    y, uses, to_x, x = placed((4, 3, 2))
    check.close(y, [[[0, 1], [10, 11], [20, 21]]] * 4, given="the same, shape (4, 3, 2)")
    check.close(uses, [4, 4, 4, 0, 0, 0], given="shape (4, 3, 2), G of ones: gradient of the table",
                because="four sequences used row 0, 1 and 2 each; nobody used the others")
    check.close(to_x, np.ones((4, 3, 2)), given="shape (4, 3, 2), G of ones: the gradient of x")
    check.unchanged(x, np.zeros((4, 3, 2)), given="x after the call")
    y, uses, _, _ = placed((2, 2, 2), start=3)
    check.close(y, [[[30, 31], [40, 41]]] * 2, given="shape (2, 2, 2), start=3",
                because="the first vector stands at position 3")
    check.close(uses, [0, 0, 0, 2, 2, 0], given="start=3: the gradient of the table")
    check.close(placed((2, 6, 2))[0][1, 5], [50, 51], given="shape (2, 6, 2): the last vector",
                because="a sequence as long as the table fits")
    check.equal(placed((2, 0, 2))[0].shape, (2, 0, 2), given="sequences of length 0: the shape")
    layer = PositionalEncoding(6, 4)
    check.raises(ValueError, lambda: layer(Tensor(np.zeros((2, 7, 4))), start=5),
                 mentions=["12", "6"],
                 given="PositionalEncoding(6, 4), sequences of length 7, start=5",
                 because="a slice beyond the end is silently shorter, and the one row that is left "
                         "here would be broadcast to all places")
    check.raises(ValueError, lambda: layer(Tensor(np.zeros((2, 7, 4)))), mentions=["7", "6"],
                 given="the same without start", because="there is no row 6")
    check.raises(ValueError, lambda: layer(Tensor(np.zeros((2, 1, 4))), start=8),
                 mentions=["9", "6"], given="a sequence of length 1 with start=8")
    check.raises(ValueError, lambda: layer(Tensor(np.zeros((5, 4)))), mentions=["(5, 4)"],
                 given="an input of shape (5, 4)", because="the batch is missing")
    check.raises(ValueError, lambda: layer(Tensor(np.zeros((2, 5, 3)))), mentions=["3", "4"],
                 given="vectors of 3 numbers, positions of 4")
    check.raises(ValueError, lambda: PositionalEncoding(0, 4), given="PositionalEncoding(0, 4)",
                 mentions=["max_seq_len=0"])


test_embeddings_positions()

# %% [markdown]
r"""
### Does it help?

A task that needs order: sequences of eight symbols, in which symbol 0 and symbol 1 occur once each.
Which of the two comes first? Guessing is right half of the time. Three models add up what they see:

* words alone,
* words plus positions,
* words plus positions, through a linear layer and a ReLU *before* they are added up.

**What will this print?** Which of them do better than guessing? Think about the second one.
"""

# %%
def who_is_first(count, length, seed):
    """Sequences of ten symbols with one 0 and one 1 each; class 1 if the 0 comes first."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(2, 10, (count, length))
    places = rng.permuted(np.tile(np.arange(length), (count, 1)), axis=1)[:, :2]
    ids[np.arange(count), places[:, 0]], ids[np.arange(count), places[:, 1]] = 0, 1
    return ids, (places[:, 0] < places[:, 1]).astype(int)


class Judge(Layer):
    """Embed, treat each vector on its own (bent or not), add up, decide."""

    def __init__(self, embed, bend):
        self.embed, self.bend = embed, bend
        self.each, self.decide = Linear(16, 32), Linear(32, 2)

    def forward(self, ids):
        hidden = self.each(self.embed(ids))
        return self.decide((ReLU()(hidden) if self.bend else hidden).mean(axis=1))


def order_batches(steps=250):
    """Batches of 64 from 4,000 sequences of length 8."""
    ids, classes = who_is_first(4000, 8, seed=0)
    for chosen in np.random.default_rng(1).integers(0, 4000, (steps, 64)):
        yield ids[chosen], classes[chosen]


def accuracy(model, length):
    """The share of right answers for 1,000 new sequences."""
    ids, classes = who_is_first(1000, length, seed=2)
    with no_grad():
        return float((model(ids).data.argmax(axis=1) == classes).mean())


for name, with_positions, bend in [("words alone", False, True), ("plus positions", True, False),
                                   ("plus positions, bent", True, True)]:
    np.random.seed(0)
    parts = [Embedding(10, 16)] + [PositionalEncoding(8, 16)] * with_positions
    judge = Judge(Sequential(parts), bend)
    loss = fit(judge, order_batches(), lr=0.01)
    print(f"{name:<21} loss {loss:.3f}, right {accuracy(judge, 8):.1%} (log 2 = {np.log(2):.3f})")

# %% [markdown]
r"""
The second model is the trap. The average of (word + position) is the average of the words plus the
average of the positions, and the latter is the same for every sentence: as long as everything is
linear, adding and averaging can be exchanged, and the positions fall out again. A position helps
only if something *bends* while word and place are still together. From Module 12 on, something
always does.

## Part 5: Positions that need no learning

A learned table has a last row. The sequences of tomorrow may be longer. So compute the vector of a
position by a formula that has an answer for every position. Count in binary: the last digit
changes with every number, the one before it with every second, the next with every fourth.
Together they tell all numbers apart. Ashish Vaswani and colleagues replaced the digits by waves in
2017: each pair of columns is a clock hand, and each hand turns more slowly than the one before.

$$PE_{p,\,2i} = \sin\frac{p}{10000^{2i/D}} \qquad PE_{p,\,2i+1} = \cos\frac{p}{10000^{2i/D}}$$

The first hand turns by 1 radian per position, the last by nearly 1/10,000. At position 0 all sines
are 0, all cosines 1.

One trap before you write it. **What will this print?** The sine of position 200,000 computed in
float32 and in float64, for the second hand of a table with six columns.
"""

# %%
for kind in (np.float32, np.float64):
    angle = kind(200_000) * kind(10_000 ** (-2 / 6))
    print(f"{kind.__name__}: angle {float(angle):.6f}, sine {float(np.sin(angle)):.6f}")

# %% [markdown]
r"""
Float32 has seven digits. Four of them are used up by turns that a sine does not even notice, so
the fourth digit of the sine is wrong. What you store is float32, but the angles have to be computed
in float64.

An odd number of columns is allowed: the last sine then has no cosine.
"""

# %% nbgrader={"grade": false, "grade_id": "embeddings_sinusoidal", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def create_sinusoidal_embeddings(max_seq_len: int, embed_dim: int) -> Tensor:
    """The table of sines and cosines for the positions 0 to max_seq_len - 1.

    Returns:
        A Tensor of shape (max_seq_len, embed_dim) that requires no gradient: float32, computed
        in float64, without a loop over positions. Columns 0, 2, 4, ... hold the sines, 1, 3,
        5, ... the cosines; with an odd embed_dim the last sine stands alone.

    Raises:
        ValueError: a size below 1 (from `require_sizes`).

    Example:
        create_sinusoidal_embeddings(2, 4)  ->  [[0, 1, 0, 1], [0.8415, 0.5403, 0.01, 1.0]]
    """
    require_sizes(max_seq_len=max_seq_len, embed_dim=embed_dim)
    ### BEGIN SOLUTION
    frequencies = 10000.0 ** (-np.arange(0, embed_dim, 2) / embed_dim)
    angles = np.arange(max_seq_len)[:, None] * frequencies
    table = np.empty((max_seq_len, embed_dim), dtype=np.float32)
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles[:, : embed_dim // 2])
    return Tensor(table)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* every entry against the formula, even and odd widths, far positions, float32.
"""

# %% nbgrader={"grade": true, "grade_id": "test_embeddings_sinusoidal", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_embeddings_sinusoidal():
    """Sines in the even columns, cosines in the odd ones, each pair with its own speed."""
    table = create_sinusoidal_embeddings(2, 4)
    check.close(table, [[0, 1, 0, 1], [np.sin(1), np.cos(1), np.sin(0.01), np.cos(0.01)]],
                given="create_sinusoidal_embeddings(2, 4)",
                because="the second pair turns by 10000 ** (-2/4) = 0.01 per position")
    check.close(create_sinusoidal_embeddings(3, 1), [[0], [np.sin(1)], [np.sin(2)]],
                given="one column, three positions", because="a sine without a cosine")

    def by_formula(position, column, width):
        angle = position / 10000 ** ((column - column % 2) / width)
        return np.cos(angle) if column % 2 else np.sin(angle)

    for length, width in ((5, 6), (11, 8), (4, 7), (1, 2)):
        expected = [[by_formula(p, c, width) for c in range(width)] for p in range(length)]
        check.close(create_sinusoidal_embeddings(length, width), expected,
                    given=f"create_sinusoidal_embeddings({length}, {width})")

    @probe
    def far_away():
        """The last row of a long table, and facts about the Tensor."""
        table = create_sinusoidal_embeddings(200_001, 6)
        return table.data[-1], [type(table).__name__, table.data.dtype.name, table.requires_grad]

    row, facts = far_away()
    check.close(row, [by_formula(200_000, c, 6) for c in range(6)], atol=3e-6,
                given="create_sinusoidal_embeddings(200_001, 6): the row of position 200,000",
                because="the full turns use up most of the seven digits of float32: compute the "
                        "angles in float64")
    check.equal(facts, ["Tensor", "float32", False],
                given="its type, its dtype, whether it requires a gradient",
                because="there is nothing to learn, and no optimizer may move it")
    check.raises(ValueError, lambda: create_sinusoidal_embeddings(3, 0), mentions=["embed_dim=0"],
                 given="create_sinusoidal_embeddings(3, 0)")


test_embeddings_sinusoidal()

# %% [markdown]
r"""
**What will you see?** On the left the table itself. On the right, one row's dot product with all
others: is position 50 more like 51 or like 80? And does the curve of row 20 look different?
"""

# %%
waves = create_sinusoidal_embeddings(100, 64).data
for first, second in [(50, 50), (50, 51), (50, 60), (20, 30), (80, 70)]:
    print(f"position {first} . position {second} = {waves[first] @ waves[second]:6.2f}")
try:
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    left.imshow(waves, cmap="coolwarm", aspect="auto")
    left.set(xlabel="column", ylabel="position", title="Fast hands left, slow hands right")
    for position in (20, 50):
        right.plot(waves @ waves[position], label=f"row {position} with all rows")
    right.set(xlabel="position", ylabel="dot product", title="The same curve, moved by 30")
    right.legend()
    plt.show()
except ImportError:
    print("Without matplotlib you miss two pictures: the waves, and a peak that moves along.")

# %% [markdown]
r"""
Nearby positions are alike, and only the *distance* counts, not the place. That can be no accident.
Take one pair of columns, with the angles $a = p\,\omega$ and $b = k\,\omega$, and remember two
formulas from school:

$$\sin(a + b) = \sin a \cos b + \cos a \sin b \qquad \cos(a + b) = \cos a \cos b - \sin a \sin b$$

1. The dot product of the pairs at $p$ and $q$ is $\sin a \sin a' + \cos a \cos a'$. What is that?
2. The pair at $p + k$ comes from the pair at $p$ by a **matrix** that depends on $k$ and not on
   $p$. Which one?

Answer the second by writing it, for all pairs at once. It is a check of your understanding and no
part of the framework. (The pair is a row here and stands on the left: row @ matrix.)
"""

# %% nbgrader={"grade": false, "grade_id": "embeddings_shift", "locked": false, "schema_version": 3, "solution": true, "task": false}
def shift_matrix(distance: int, embed_dim: int) -> np.ndarray:
    """The matrix M for which PE[p] @ M = PE[p + distance], for every position p.

    Args:
        distance: how many positions further; may be 0 or negative.
        embed_dim: the width of the table, even.

    Returns:
        A float64 array of shape (embed_dim, embed_dim) that takes column pairs (0, 1), (2, 3), ...
        to themselves: all other entries are 0.

    Example:
        shift_matrix(0, 4)  ->  the identity matrix of size 4
    """
    ### BEGIN SOLUTION
    matrix = np.zeros((embed_dim, embed_dim))
    for column in range(0, embed_dim, 2):
        angle = distance * 10000.0 ** (-column / embed_dim)
        sine, cosine = np.sin(angle), np.cos(angle)
        matrix[column : column + 2, column : column + 2] = [[cosine, -sine], [sine, cosine]]
    return matrix
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* that it shifts every row of the table, forward and backward, and nothing but
pairs.
"""

# %% nbgrader={"grade": true, "grade_id": "test_embeddings_shift", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_embeddings_shift():
    """One matrix moves every row of the table by the same distance."""

    def waves(positions, width):
        """The formula of the table, in float64."""
        angles = np.array(positions)[:, None] / 10000 ** (np.arange(0, width, 2) / width)
        return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(positions), width)

    check.close(shift_matrix(0, 4), np.eye(4), given="shift_matrix(0, 4)",
                because="no distance, no change")
    one_step = shift_matrix(1, 2)
    check.close(waves([0], 2) @ one_step, waves([1], 2), given="[0, 1] @ shift_matrix(1, 2)",
                because="[sin 0, cos 0] has to become [sin 1, cos 1]")
    for distance, width in ((1, 2), (3, 6), (-5, 4), (40, 8)):
        matrix = shift_matrix(distance, width)
        check.equal(matrix.shape, (width, width), given=f"shift_matrix({distance}, {width}).shape")
        for position in (0, 1, 7, 90):
            check.close(waves([position], width) @ matrix, waves([position + distance], width),
                        given=f"row {position} @ shift_matrix({distance}, {width})",
                        because=f"it has to be row {position + distance}, for every row")
        pairs = np.kron(np.eye(width // 2), np.ones((2, 2)))
        check.close(matrix * (1 - pairs), np.zeros((width, width)),
                    given=f"shift_matrix({distance}, {width}) outside of its 2 x 2 blocks",
                    because="each pair has its own speed and knows nothing of the others")


test_embeddings_shift()

# %% [markdown]
r"""
So a step of $k$ positions is a *rotation* of each pair, and its angle does not depend on where the
step begins. A linear layer can learn such a matrix: "three places before me" is something it can
ask for. (The first question: $\cos(a - a')$, summed over all pairs. A distance, and its sign is
lost.)

### No longest sequence

A layer that uses the formula keeps a table, so that sines are not computed for every batch. When a
sequence is longer than the table, the table has to grow. **What will this print?** A text is read
one position at a time, up to 2,000. How many rows are computed in all if the table grows by what is
missing? And if it at least doubles each time?
"""

# %%
for name, grow in [("what is missing", lambda rows, need: need),
                   ("at least double", lambda rows, need: max(need, 2 * rows))]:
    rows = computed = 1
    for need in range(2, 2001):
        if need > rows:
            rows = grow(rows, need)
            computed += rows
    print(f"{name}: {computed:,} rows computed")

# %% [markdown]
"""
You write the part that looks after the table, and the line that uses it.
"""

# %% nbgrader={"grade": false, "grade_id": "embeddings_rows", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class SinusoidalEncoding(Layer):
    """Sines and cosines added by position: nothing to learn, and no longest sequence.

    Attributes: `embed_dim`, and `table`, a Tensor that requires no gradient. `max_seq_len` is how
    many rows it has at first.
    """

    def __init__(self, max_seq_len: int, embed_dim: int) -> None:
        self.embed_dim = embed_dim
        self.table = create_sinusoidal_embeddings(max_seq_len, embed_dim)

    def rows(self, start: int, end: int) -> Tensor:
        """Rows start to end - 1 of the table.

        If the table is too short it is replaced by one of twice as many rows, or of `end` rows,
        whichever is more; otherwise nothing is computed.

        Example:
            SinusoidalEncoding(4, 2).rows(3, 5) has shape (2, 2), and the table now has 8 rows
        """
        ### BEGIN SOLUTION
        if end > len(self.table):
            size = max(end, 2 * len(self.table))
            self.table = create_sinusoidal_embeddings(size, self.embed_dim)
        return self.table[start:end]
        ### END SOLUTION

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """x plus the rows of the positions start, start + 1, ...: the same for each sequence.

        x is a Tensor of shape (batch, seq, embed_dim), of any length.
        """
        require_vectors(x, self.embed_dim)
        ### BEGIN SOLUTION
        return x + self.rows(start, start + x.shape[1])
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* rows within the table and beyond, how often and how far it grows, that there is
nothing to learn, and the sum.
"""

# %% nbgrader={"grade": true, "grade_id": "test_embeddings_rows", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def test_embeddings_rows():
    """The rows asked for, whatever the length, and a table that is seldom made anew."""

    def waves(start, end):
        """Rows of a table of width 4, by the formula."""
        angles = np.arange(start, end)[:, None] * np.array([1, 0.01])
        return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(end - start, 4)

    @probe
    def asked(calls):
        """The last rows, and (rows in the table, whether it is a new one) after each call."""
        layer, seen = SinusoidalEncoding(4, 4), []
        for start, end in calls:
            before = layer.table
            rows = layer.rows(start, end)
            seen.append([len(layer.table), layer.table is not before])
        return rows.data, seen, len(layer.parameters())

    rows, seen, learned = asked([(0, 3), (1, 4)])
    check.close(rows, waves(1, 4), given="SinusoidalEncoding(4, 4).rows(1, 4)")
    check.equal(seen, [[4, False], [4, False]],
                given="a table of 4 rows, rows(0, 3) and rows(1, 4): its length and whether it is "
                      "a new table, after each",
                because="what is there is not computed again")
    rows, seen, learned = asked([(3, 5), (4, 6), (0, 30), (7, 9)])
    check.close(rows, waves(7, 9), given="a table of 4 rows, after several calls: rows(7, 9)")
    check.equal(seen, [[8, True], [8, False], [30, True], [30, False]],
                given="a table of 4 rows, ends 5, 6, 30, 9: its length and whether it is new",
                because="twice as long, or as long as needed, whichever is more; and no sooner")
    check.close(asked([(990, 993)])[0], waves(990, 993), given="a table of 4 rows: rows(990, 993)")
    check.equal(learned, 0, given="the number of parameters", because="nothing is learned here")
    layer, x = SinusoidalEncoding(2, 4), np.full((3, 5, 4), 10, dtype=np.float32)
    check.close(layer(Tensor(x)), 10 + np.tile(waves(0, 5), (3, 1, 1)),
                given="a table of 2 rows, an input of tens of shape (3, 5, 4)",
                because="row t is added at place t of every sequence")
    check.close(layer(Tensor(x), start=7), 10 + np.tile(waves(7, 12), (3, 1, 1)),
                given="the same with start=7", because="the first vector stands at position 7")


test_embeddings_rows()

# %% [markdown]
r"""
## Part 6: Words and places together

### Who is louder?

Word and position are added, so what counts is how long the two vectors are. **What will this
print?** Which of the two is longer, in a small vocabulary and in a large one?
"""

# %%
def length(rows):
    """The mean length of the rows of a table."""
    return float(np.linalg.norm(rows, axis=1).mean())


np.random.seed(0)
learned = length(PositionalEncoding(100, 64).position_embeddings.data)
print(f"a learned position {learned:.2f}, sines and cosines "
      f"{length(create_sinusoidal_embeddings(100, 64).data):.2f}")
for vocabulary in (60, 50_000):
    print(f"a word of {vocabulary:6,}: {length(Embedding(vocabulary, 64).weight.data):.2f}")

# %% [markdown]
r"""
The limit of the word table shrinks with the vocabulary, those of the positions do not. In a large
vocabulary the words are a whisper beside the sines. Hence an option: multiply the word vectors by
√D *before* the positions are added, `scale_embeddings=True`. (Training can learn to do it, too. It
takes time.)

The last class puts everything together; the models of all later modules begin with it. Its input
always has two dimensions, (batch, seq): a single sentence is a batch of one.
"""

# %% nbgrader={"grade": false, "grade_id": "embeddings_layer", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class EmbeddingLayer(Layer):
    """Token ids in, vectors out that know what stands there, and where.

    Attributes: the five arguments under their names; `token_embedding`, an Embedding; and
    `position_encoding`: a PositionalEncoding, a SinusoidalEncoding, or None.
    """

    def __init__(
        self, vocab_size: int, embed_dim: int, max_seq_len: int = 512,
        pos_encoding: str | None = "learned", scale_embeddings: bool = False,
    ) -> None:
        """Make the tables; that of the words is drawn first.

        Args:
            max_seq_len: the longest sequence, for learned positions; for sinusoidal ones the rows
                of the first table, and no limit.
            pos_encoding: "learned", "sinusoidal" or None (no positions).
            scale_embeddings: whether the words' vectors are multiplied by √embed_dim.

        Raises:
            ValueError: another pos_encoding. The message contains it, "learned" and "sinusoidal".
        """
        ### BEGIN SOLUTION
        kinds = {"learned": PositionalEncoding, "sinusoidal": SinusoidalEncoding}
        if pos_encoding is not None and pos_encoding not in kinds:
            raise ValueError(
                f"pos_encoding must be 'learned', 'sinusoidal' or None, got {pos_encoding!r}"
            )
        self.vocab_size, self.embed_dim, self.max_seq_len = vocab_size, embed_dim, max_seq_len
        self.pos_encoding, self.scale_embeddings = pos_encoding, scale_embeddings
        self.token_embedding = Embedding(vocab_size, embed_dim)
        kind = kinds.get(pos_encoding)
        self.position_encoding = None if kind is None else kind(max_seq_len, embed_dim)
        ### END SOLUTION

    def forward(self, tokens: Any, start: int = 0) -> Tensor:
        """The vectors of a batch of sequences.

        Args:
            tokens: ids of shape (batch, seq), in whatever `token_ids` accepts.
            start: the position of the first token of each sequence.

        Returns:
            A Tensor of shape (batch, seq, embed_dim).

        Raises:
            ValueError: ids that are not of two dimensions. The message contains their shape.
            What `token_ids` and `PositionalEncoding` refuse is refused here, too.

        Example:
            EmbeddingLayer(26, 8)([[0, 1, 2]]) has shape (1, 3, 8)
        """
        ### BEGIN SOLUTION
        x = self.token_embedding(tokens)
        if x.ndim != 3:
            raise ValueError(
                f"tokens must have the shape (batch, seq), got {x.shape[:-1]}: "
                "a single sequence is a batch of one, [ids]"
            )
        if self.scale_embeddings:
            x = x * float(np.sqrt(self.embed_dim))
        return x if self.position_encoding is None else self.position_encoding(x, start)
        ### END SOLUTION

    def __repr__(self) -> str:
        sizes = f"vocab_size={self.vocab_size}, embed_dim={self.embed_dim}"
        return f"EmbeddingLayer({sizes}, pos_encoding={self.pos_encoding!r})"

# %% [markdown]
"""
*What is checked:* each kind of positions, with and without the factor; parts, parameters and the
order of drawing; a text read in pieces; lengths, shapes and wrong words.
"""

# %% nbgrader={"grade": true, "grade_id": "test_embeddings_layer", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_embeddings_layer():
    """Words, times √D if asked, plus positions of the kind that was asked for."""

    @probe
    def embedded(tokens, kind, scale=False, start=0):
        """The vectors of a layer of 5 words of 4 numbers, word i being [i, i, i, i]."""
        layer = EmbeddingLayer(5, 4, 6, kind, scale)
        layer.token_embedding.weight.data = np.float32([[i] * 4 for i in range(5)])
        if kind == "learned":
            rows = np.arange(1, 7)[:, None] * np.array([100, 100, 100, 200])
            layer.position_encoding.position_embeddings.data = rows.astype(np.float32)
        return layer(Tensor(tokens), start=start).data if start else layer(Tensor(tokens)).data

    @probe
    def parts(kind):
        """The attributes, the classes of the parts, the parameters' shapes, the first draws."""
        np.random.seed(4)
        layer = EmbeddingLayer(5, 3, 7, kind)
        words, places = layer.token_embedding, layer.position_encoding
        kinds = [layer.vocab_size, layer.embed_dim, layer.max_seq_len, layer.pos_encoding,
                 layer.scale_embeddings, type(words).__name__, type(places).__name__]
        return kinds, [list(p.shape) for p in layer.parameters()], words.weight.data

    @probe
    def defaults():
        """What the layer is without further arguments."""
        layer = EmbeddingLayer(5, 3)
        return [layer.max_seq_len, layer.pos_encoding, layer.scale_embeddings]

    ids, words = [[3, 1, 1], [0, 4, 2]], np.float32([[[3] * 4, [1] * 4, [1] * 4],
                                                     [[0] * 4, [4] * 4, [2] * 4]])
    places = np.float32([[100, 100, 100, 200], [200, 200, 200, 400], [300, 300, 300, 600]])
    angles = np.arange(3)[:, None] * np.array([1, 0.01])
    waves = np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(3, 4)
    for kind, added in ((None, 0), ("learned", places), ("sinusoidal", waves)):
        given = f"words [i, i, i, i], ids {ids}, pos_encoding={kind!r}"
        check.close(embedded(ids, kind), words + added, given=given)
        check.close(embedded(ids, kind, True), 2 * words + added,
                    given=f"{given}, scale_embeddings=True",
                    because="√4 = 2 times the words; the positions are added afterwards")
    check.close(embedded([[3, 1]], "learned", start=4), [[[503, 503, 503, 1003],
                                                          [601, 601, 601, 1201]]],
                given="ids [[3, 1]], learned positions, start=4: rows 4 and 5 are added")
    for kind, classes, shapes in ((None, "NoneType", [[5, 3]]),
                                  ("learned", "PositionalEncoding", [[5, 3], [7, 3]]),
                                  ("sinusoidal", "SinusoidalEncoding", [[5, 3]])):
        facts, found, drawn = parts(kind)
        given = f"EmbeddingLayer(5, 3, 7, {kind!r})"
        check.equal(facts, [5, 3, 7, kind, False, "Embedding", classes],
                    given=f"{given}: its five settings, the classes of its two parts")
        check.equal(found, shapes, given=f"{given}: the shapes of its parameters")
        limit = np.sqrt(6 / 8)
        check.close(drawn, np.random.RandomState(4).uniform(-limit, limit, (5, 3)),
                    given=f"{given} after np.random.seed(4): the table of the words",
                    because="it is drawn first")
    check.equal(defaults(), [512, "learned", False],
                given="EmbeddingLayer(5, 3): max_seq_len, pos_encoding, scale_embeddings")
    layer = EmbeddingLayer(5, 4, 6)
    long = np.zeros((2, 7), dtype=np.int64)
    check.raises(ValueError, lambda: layer(long), mentions=["7", "6"],
                 given="max_seq_len=6, learned positions, sequences of length 7")
    check.equal(EmbeddingLayer(5, 4, 6, "sinusoidal")(long).shape, (2, 7, 4),
                given="max_seq_len=6, sinusoidal positions, sequences of length 7: the shape",
                because="a formula has no last row")
    check.equal(EmbeddingLayer(5, 4, 6, None)(long).shape, (2, 7, 4),
                given="max_seq_len=6, no positions, sequences of length 7: the shape")
    for kind in ("learned", None):
        for wrong, shape in (([1, 2], "(2,)"), (np.zeros((2, 3, 1), dtype=np.int64), "(2, 3, 1)")):
            layer = EmbeddingLayer(5, 4, 6, kind)
            check.raises(ValueError, lambda layer=layer, wrong=wrong: layer(wrong),
                         mentions=[shape], given=f"ids of shape {shape}, pos_encoding={kind!r}",
                         because="a batch of sequences has two dimensions, with every kind of "
                                 "positions")
    check.raises(ValueError, lambda: EmbeddingLayer(5, 4)([[1, 5]]), mentions=["5"],
                 given="id 5 of 5 words")
    check.raises(ValueError, lambda: EmbeddingLayer(5, 4, 6, "fixed"),
                 mentions=["fixed", "learned", "sinusoidal"], given="pos_encoding='fixed'")


test_embeddings_layer()

# %% [markdown]
r"""
### Learned or computed?

The task of Part 4 again, with sequences of eight symbols. Then the same models get sequences of
sixteen, which they have never seen. The formula has an answer for every position.

**What will this print?** Three numbers are in doubt: both kinds at length 8, sines at length 16.
"""

# %%
for kind in ("learned", "sinusoidal"):
    np.random.seed(0)
    judge = Judge(EmbeddingLayer(10, 16, 8, kind), bend=True)
    loss = fit(judge, order_batches(), lr=0.01)
    try:
        longer = f"{accuracy(judge, 16):.1%}"
    except ValueError as error:
        longer = f"ValueError: {error}"
    print(f"{kind:<10} loss {loss:.3f}, length 8: {accuracy(judge, 8):.1%}, length 16: {longer}")

# %% [markdown]
r"""
Both learn the task; the learned table a little faster here, as it can take any form. Beyond the
length they were trained on, one refuses, and the other *answers*. Running is not knowing: the
model behind the table has never met those rows, and what it says about them is hardly better than
a guess. A refusal can be the kinder of the two.

## Part 7: A bug hunt

### The reader that does not learn to read

A colleague has written a shortcut for words plus positions, and trains the judge of Part 4 with it.
No error, but the loss stays at log 2. Run the next two cells: the second one shows three symptoms.
There are **two faults**. Each alone leaves a trace; say which trace belongs to which before you
repair `read_sentences`.
"""

# %% nbgrader={"grade": false, "grade_id": "embeddings_sentences", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "bug hunt"}
def read_sentences(ids: np.ndarray, words: Embedding, positions: PositionalEncoding) -> Tensor:
    """Words plus positions for a batch of sentences.

    Args:
        ids: integers of shape (batch, seq); seq is at most positions.max_seq_len.
        words, positions: layers of the same embed_dim.

    Returns:
        A Tensor of shape (batch, seq, embed_dim): in every sentence, the vector of the word at
        place t plus row t of the positions. Gradients reach both tables.
    """
    ### BEGIN BROKEN
    # vectors = Tensor(words.weight.data[ids])
    # places = positions.position_embeddings[: len(ids)].reshape(len(ids), 1, words.embed_dim)
    # return vectors + places
    ### END BROKEN
    ### BEGIN SOLUTION
    return positions(words(ids))
    ### END SOLUTION


# %%
class Reader(Layer):
    """The colleague's reader as a layer."""

    def __init__(self):
        self.words, self.positions = Embedding(10, 16), PositionalEncoding(64, 16)

    def forward(self, ids):
        return read_sentences(ids, self.words, self.positions)


np.random.seed(0)
reader = Reader()
words_before = reader.words.weight.data.copy()
loss = fit(Judge(reader, bend=True), order_batches(), lr=0.01)
moved = float(np.abs(reader.words.weight.data - words_before).max())
three = np.array([[4, 0, 5], [6, 1, 7], [4, 0, 5]])
first, _, third = reader(three).data
print(f"loss {loss:.3f}, guessing {np.log(2):.3f}; the words' vectors moved by up to {moved:.3f}")
print("sentences 0 and 2 of the batch are equal; their vectors are equal:",
      np.array_equal(first, third))

# %% [markdown]
"""
*What is checked:* the vectors for batches of several shapes, also when batch and seq are equal, and
gradients of both tables.
"""

# %% nbgrader={"grade": true, "grade_id": "test_embeddings_sentences", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def test_embeddings_sentences():
    """Place t gets row t in every sentence, and both tables learn."""

    @probe
    def reading(ids):
        """Vectors and the gradients of both tables; word i is [i, i], row t is [10 t, 20 t]."""
        words, positions = Embedding(5, 2), PositionalEncoding(6, 2)
        words.weight.data = np.float32([[i, i] for i in range(5)])
        positions.position_embeddings.data = np.float32([[10 * t, 20 * t] for t in range(6)])
        vectors = read_sentences(np.array(ids), words, positions)
        if vectors.requires_grad:
            vectors.sum().backward()
        tables = (words.weight, positions.position_embeddings)
        return vectors.data, ["no gradient" if table.grad is None else
                              table.grad.data[:, 0].astype(int).tolist() for table in tables]

    vectors, uses = reading([[3, 1, 4], [0, 1, 0]])
    check.close(vectors, [[[3, 3], [11, 21], [24, 44]], [[0, 0], [11, 21], [20, 40]]],
                given="words [i, i], positions [10 t, 20 t], ids [[3, 1, 4], [0, 1, 0]]",
                because="the word at place t plus row t")
    check.equal(uses, [[2, 2, 0, 1, 1], [2, 2, 2, 0, 0, 0]],
                given="ids [[3, 1, 4], [0, 1, 0]], the sum of all vectors: how often each word and "
                      "each position was used (the first column of the gradients)",
                because="an array taken out of `.data` has no history: no gradient comes back")
    for ids in ([[2, 2], [2, 2], [2, 2]], [[1, 0], [0, 1]], [[0, 1, 2, 3, 4, 0]]):
        vectors, uses = reading(ids)
        expected = [[[i + 10 * t, i + 20 * t] for t, i in enumerate(row)] for row in ids]
        check.close(vectors, expected, given=f"ids {ids}",
                    because="a position is a place in the sentence; where the sentence stands in "
                            "the batch must not matter")
        counts = [sum(row.count(i) for row in ids) for i in range(5)]
        places = [len(ids) * (t < len(ids[0])) for t in range(6)]
        check.equal(uses, [counts, places], given=f"ids {ids}: how often each row was used")


test_embeddings_sentences()

# %% [markdown]
r"""
## Part 8: Turn instead of add (open)

Adding has a flaw: word and place are mixed, and a network has to take them apart again. In Part 5
you saw that a step of k positions is a rotation by an angle that depends on k alone. In 2021
Jianlin Su and colleagues drew the conclusion: do not *add* the rotated hand, *rotate the vector
itself*. Two vectors that are turned by their positions then meet at an angle that depends on the
distance between them, and on what they were. Most large language models do it this way today.

This exercise is *open*: the docstring says what must hold; how you pair the columns, and how fast
each pair turns, is up to you. (Two dimensions first: which vector has the same length as (a, b) and
stands at another angle?)
"""

# %% nbgrader={"grade": false, "grade_id": "embeddings_rotate", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "open"}
#| export
def rotate_by_position(x: Tensor, start: int = 0) -> Tensor:
    """Turn each vector by an angle for each pair of its numbers, according to its position.

    Args:
        x: Tensor of shape (..., seq, width), with an even width. The vectors of a sequence stand
            at the positions start, start + 1, ...; x is not changed.

    Returns:
        A float32 Tensor of x's shape, with these properties:

        * Position 0 changes nothing. Every vector keeps its length.
        * The dot product of two turned vectors depends on the two vectors and on the *distance*
          of their positions, not on where they stand. The product of a vector with itself falls
          by more than 1 % within the first nine positions.
        * Positions can be told apart: with a width of 8 or more, any two of the positions 0 to 999
          turn at least one unit vector so that some number of the two results differs by more
          than 0.0001.
        * A sequence read in pieces, with `start`, gives the same vectors as read at once.
        * The result depends on x linearly, and gradients reach x.

    Raises:
        ValueError: an odd width. The message contains it.

    Example:
        for x of shape (2, 5, 8): rotate_by_position(x)[:, 0] equals x[:, 0]
    """
    ### BEGIN SOLUTION
    length, width = x.shape[-2:]
    if width % 2:
        raise ValueError(f"pairs need an even width, got {width}")
    waves = create_sinusoidal_embeddings(start + length, width).data[start:]
    sines, cosines = np.repeat(waves[:, 0::2], 2, axis=1), np.repeat(waves[:, 1::2], 2, axis=1)
    quarter_turn = np.kron(np.eye(width // 2, dtype=np.float32), np.float32([[0, 1], [-1, 0]]))
    return x * Tensor(cosines) + (x @ Tensor(quarter_turn)) * Tensor(sines)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* every property of the list, for several shapes. Not checked: how you do it.
"""

# %% nbgrader={"grade": true, "grade_id": "test_embeddings_rotate", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def turned(x, start=None):
    """The turned vectors, the type and dtype of the result, and x afterwards."""
    x = Tensor(np.array(x, dtype=np.float32))
    y = rotate_by_position(x) if start is None else rotate_by_position(x, start=start)
    return y.data, [type(y).__name__, y.data.dtype.name], x.data


@probe
def gradient_of_turning(x, g, start):
    """The gradient of x for a gradient g of the result."""
    x = Tensor(np.array(x, dtype=np.float32), requires_grad=True)
    rotate_by_position(x, start=start).backward(np.array(g, dtype=np.float32))
    return x.grad.data


def test_embeddings_rotate():
    """Lengths stay, products see the distance alone, pieces fit, gradients turn back."""
    rng = np.random.default_rng(7)
    x = rng.standard_normal((2, 5, 6)).astype(np.float32)
    y, facts, after = turned(x)
    check.equal([y.shape, *facts], [x.shape, "Tensor", "float32"],
                given="x of shape (2, 5, 6): shape, type and dtype of the result")
    check.close(y[:, 0], x[:, 0], given="the vectors at position 0", atol=1e-5,
                because="position 0 changes nothing")
    for shape in ((2, 5, 6), (7, 2), (1, 3, 4, 8)):
        x = rng.standard_normal(shape).astype(np.float32)
        y, _, after = turned(x)
        check.close(np.linalg.norm(y, axis=-1), np.linalg.norm(x, axis=-1), rtol=1e-4,
                    given=f"x of shape {shape}: the lengths of the vectors",
                    because="a rotation changes no length")
        check.unchanged(after, x, given="x after the call")
    for width in (2, 6):
        a, b = rng.standard_normal((2, width)).astype(np.float32)
        everywhere = turned(np.tile(np.stack([a, b])[:, None], (1, 60, 1)))[0].astype(np.float64)
        products = everywhere[0] @ everywhere[1].T
        for distance in (0, 1, 7, -7, 30):
            line = np.diagonal(products, distance)
            check.close(line, np.full(len(line), line[0]), atol=1e-4,
                        given=f"a and b of {width} numbers, b {distance} positions after a: their "
                              "dot product, wherever a stands",
                        because="only the distance may count")
        alike = (everywhere[0, 1:10] @ everywhere[0, 0]).min() / (everywhere[0, 0] ** 2).sum()
        check.true(bool(alike < 0.99),
                   given=f"a of {width} numbers with itself, 1 to 9 positions further: the "
                         f"smallest product is {alike:.4f} of that at distance 0; is it below 0.99",
                   because="the distance has to be seen")
    units = np.tile(np.eye(8)[:, None], (1, 1000, 1))
    far = turned(units)[0].transpose(1, 0, 2).reshape(1000, 64)
    gaps = [np.abs(far[p + 1 :] - far[p]).max(axis=1).min() for p in range(999)]
    check.true(bool(min(gaps) > 1e-4),
               given=f"positions 0 to 999, width 8: the two most similar ones turn the unit "
                     f"vectors to results that differ by {min(gaps):.1e}; is it above 0.0001",
               because="two positions that do the same to every vector cannot be told apart")
    x = rng.standard_normal((2, 9, 4)).astype(np.float32)
    pieces = [turned(x[:, :4])[0], turned(x[:, 4:5], 4)[0], turned(x[:, 5:], 5)[0]]
    check.close(np.concatenate(pieces, axis=1), turned(x)[0], atol=1e-5,
                given="9 vectors at once, and in pieces of 4, 1 and 4 with start=0, 4, 5")
    other = rng.standard_normal((2, 9, 4)).astype(np.float32)
    check.close(turned(2 * x + other)[0], 2 * turned(x)[0] + turned(other)[0], atol=1e-4,
                given="2 x + z turned, against x and z turned", because="a rotation is linear")
    slope = gradient_of_turning(x, other, 3)
    check.equal(slope.shape, x.shape, given="the shape of the gradient of x")
    check.close((slope.astype(np.float64) * x).sum(),
                (other.astype(np.float64) * turned(x, 3)[0]).sum(), rtol=1e-3, atol=1e-3,
                given="gradient . x against G . result, start=3",
                because="for a linear function the two are equal")
    check.close(np.linalg.norm(slope, axis=-1), np.linalg.norm(other, axis=-1), rtol=1e-3,
                given="the lengths of the gradients", because="the way back is a rotation, too")
    check.raises(ValueError, lambda: turned(np.zeros((3, 5))), given="x of shape (3, 5)",
                 mentions=["5"], because="five numbers do not make pairs")


test_embeddings_rotate()

# %% [markdown]
r"""
# Use

## Letters that keep company

Time for real text: the manual of your Python, with the letters as tokens. A model sees three
letters and predicts the fourth. The embeddings have two numbers each, so that you can look at them.
Your `CharTokenizer` makes the ids, your `Trainer` trains, and the ids travel in Tensors, as the
inputs of a batch do. (The three vectors are laid end to end: that keeps their order, so no
positions are needed.)

**What will you see?** Nobody tells the model what a vowel is. Which letters will lie together?
Guessing among all letters costs log 27 = 3.30. How far below will the loss be?
"""

# %%
from tinytorch.core.training import Trainer


class NextLetter(Layer):
    """Three letters in, scores for the fourth out."""

    def __init__(self, vocab_size):
        self.embed = EmbeddingLayer(vocab_size, 2, pos_encoding=None)
        self.net = Sequential(Linear(6, 64), Tanh(), Linear(64, vocab_size))

    def forward(self, ids):
        return self.net(self.embed(ids).reshape(-1, 6))


tokenizer = CharTokenizer()
tokenizer.build_vocab([manual])
text_ids = np.array(tokenizer.encode(manual[:200_000]))
np.random.seed(0)
starts = np.random.randint(0, len(text_ids) - 3, (800, 256))
letter_batches = [(Tensor(text_ids[s[:, None] + np.arange(3)]), Tensor(text_ids[s + 3]))
                  for s in starts]
model = NextLetter(tokenizer.vocab_size)
trainer = Trainer(model, Adam(model.parameters(), lr=0.01), CrossEntropyLoss())
trainer.train_epoch(letter_batches[:-20])
loss, right = trainer.evaluate(letter_batches[-20:])
print(f"loss {loss:.2f}, {right:.0%} of the letters right")
often = [letter for letter in letters if manual.count(letter) > len(manual) / 100]
places = model.embed.token_embedding.weight.data[[tokenizer.char_to_id[c] for c in often]]
angles = places / np.linalg.norm(places, axis=1, keepdims=True)
for vowel in "aiou":
    order = np.argsort(-angles @ angles[often.index(vowel)])
    print(f"{vowel}: in the direction of {' '.join(often[i] for i in order[1:4])}")

# %%
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 5), layout="constrained")
    for place, letter in zip(places, often, strict=True):
        colour = "tab:red" if letter in "aeiou" else "black"
        axes.text(*place, letter, ha="center", va="center", color=colour, fontsize=14)
    axes.plot(*places.T, ".", alpha=0)
    axes.plot(0, 0, "+", color="grey")
    axes.set(title="Frequent letters, vowels in red", aspect="equal")
    plt.show()
except ImportError:
    print("Without matplotlib you miss a map of the alphabet on which most vowels are neighbours.")

# %% [markdown]
r"""
Vowels find each other, because the same letters come after them. What looks odd at first has a
reason, too: e is often the last letter of a word, and so are its neighbours. With two numbers per
letter there is room for little more than one idea. Vectors of several hundred numbers have room for
animals, tenses and capitals, by the same principle.

# Reflect

## What it costs

A lookup does not search, it computes an address: the time per token does not depend on the size of
the table. Or does it? **What will this print?** 4,096 lookups, new ones each time, in a table of
1,000 rows and in one of 500,000.
"""

# %%
for rows in (1_000, 500_000):
    table = np.ones((rows, 64), dtype=np.float32)
    draws = iter(np.random.default_rng(0).integers(0, rows, (25, 16, 256)))
    time_taken = milliseconds(lambda: look_up(table, next(draws)), 25)
    print(f"{rows:7,} rows ({table.nbytes / 1e6:5.1f} MB): {time_taken:.3f} ms on your machine")
print("\nmodel        vocabulary   width   table of words    with gradient and Adam's two averages")
for name, vocabulary, width in [("BERT, 2018", 30_522, 768), ("OpenAI, 2019", 50_257, 768),
                                ("OpenAI, 2020", 50_257, 12_288)]:
    size = vocabulary * width * 4 / 1e6
    print(f"{name:<12} {vocabulary:10,} {width:7,} {size:10,.0f} MB {4 * size:18,.0f} MB")

# %% [markdown]
r"""
The number of steps is the same, but not the way to the memory. A small table lies in the cache of
the processor; the rows of a large one have to be fetched, unless your cache is large, too.
An embedding costs next to no arithmetic. It is made of memory: its size, and the way there.

## Questions

**1.** A table has 50,000 rows of 512 numbers. How large is it? How large if the width doubles? What
do 2,048 learned positions add to it, what do sinusoidal ones?

<details><summary>Answer</summary>

50,000 × 512 × 4 bytes = 102.4 MB (97.7 MiB), and twice that for the double width: it grows linearly
with both. Positions add 2,048 × 512 × 4 bytes = 4.2 MB if they are learned, 4 % of the table. For
sinusoidal ones there is nothing to learn and nothing to store in a checkpoint; your layer keeps the
same 4.2 MB at run time, so as not to compute them again.

</details>

**2.** What does it cost to look up 32 sequences of 128 tokens, as a formula? Which of V, D, batch
and seq are in it? And with the one-hot product?

<details><summary>Answer</summary>

batch · seq · D numbers are copied: 4,096 · D. V does not occur, up to the effect of the cache that
you measured. The product takes batch · seq · V · D multiplications: with V = 50,000 that is 50,000
times the work, for the same result.

</details>

**3.** (A new case.) The last layer of a model that predicts words has a weight of shape (D, V), one
column for each word, and the first one a table (V, D). Somebody uses one Tensor for both:
`scores = hidden @ table.transpose()`. How many parameters does that save for V = 50,000 and D = 512
in a model of 60 million? What becomes of the sparse gradient of Part 3? Does your optimizer step
the table once or twice?

<details><summary>Answer</summary>

25.6 million, 43 % of the model. The gradient of the product reaches *every* row: each word's
score takes part in the softmax, also that of words which do not occur. So it is dense, and there is
nothing left to compact. Both uses add up in one `grad`, `parameters()` lists the Tensor once, and
the optimizer steps it once. This is called tying, and most small language models do it.

</details>

**4.** A model with learned positions was trained at length 512. You need 1,024. Somebody replaces
the table by the formula "because it extrapolates". What do you expect, and how would you test it?

<details><summary>Answer</summary>

It will run, and that is all the formula promises. The layers behind were trained with the learned
rows (so the exchange breaks even the short sequences), and no layer has ever met the rows from 512
on. Your experiment in Part 6 is the test: the accuracy at the new length, against guessing. What
helps is to train on some longer sequences, or a scheme in which only distances occur.

</details>

**5.** (A new case.) Sentences have different lengths, and the short ones are filled up with id 0,
"PAD". A classifier averages all vectors of a sentence. What goes wrong, in the forward pass and in
the backward pass? Name two repairs.

<details><summary>Answer</summary>

The PAD vector takes part in the average: short sentences look alike, whatever they say. It is also
the most frequent id, so its row receives the largest gradients. Either average over the real words
only (multiply by a mask of 0 and 1, and divide by the number of real words), which also keeps
gradients away from PAD; or keep row 0 at zero by force and still divide by the true length.
PyTorch's `padding_idx=0` does half of it: the row starts at zero and gets no gradient.

</details>

**6.** (A new case.) A shop has 100 million customers and wants a vector of 64 numbers for each. How
large is the table? Which line of Part 1 becomes a fault that nobody sees? What would you do about
customers with one purchase?

<details><summary>Answer</summary>

25.6 GB, and four times that with gradient and Adam. Ids above 16,777,216 are not exact in float32:
passed in a Tensor, customers get their neighbours' vectors. They must come as integer arrays.
Someone with one purchase has a row that was touched once: nearly random numbers. One lets many rare
ids share a row (a hash of the id modulo the table's size), or describes them by something that is
shared anyway, such as their town.

</details>

**7.** (Without an answer.) How many numbers does a word need? BERT gives each of 30,000 words 768,
GPT-3 12,288. Two were enough to tell vowels from consonants. What would you measure to find the
right width for your text, and what would it depend on?
"""

# %% [markdown]
r"""
## Common errors

The reference's messages; yours may be worded differently.

| what you see | what it means | what to do |
|---|---|---|
| `ValueError: token id 50001 is not in a vocabulary of size 50000` | tokenizer and table disagree | `Embedding(tokenizer.vocab_size, ...)` |
| `ValueError: token id -1 is not in a vocabulary of size 50` | −1 used as "unknown" or "no word" | give it an id of its own |
| `ValueError: token ids must be whole numbers, got 0.35` | embeddings, pixels or probabilities where ids belong | look at what the model is called with |
| `TypeError: token ids must be whole numbers, got str` | text was passed | `tokenizer.encode(text)` first |
| `ValueError: the sequences have different lengths (ragged)` | a batch of sentences as they came | cut and fill them to one length |
| `ValueError: the sequence reaches length 1024, but max_seq_len is 512` | the learned table has no such row | a larger `max_seq_len`, shorter texts, or sinusoidal positions |
| `ValueError: positions need an input of shape (batch, seq, 512), got (128, 512)` | a single sequence | make it a batch of one: `[ids]` |
| `ValueError: the vectors have 768 numbers ..., but the positions have embed_dim=512` | two parts were made with different widths | one variable for all |
| `ValueError: operands could not be broadcast together with shapes (8,16,32) (16,1,32)` | positions laid along the batch | (seq, D) broadcasts, nothing else |
| no error, the loss stays where it was | `Tensor(weight.data[ids])`: the history is cut | look up through the layer |
| no error, word order does not matter | no positions, or nothing bends before the sum | Part 4 |

## In production

| yours | PyTorch |
|---|---|
| `Embedding(50000, 512)` | `torch.nn.Embedding(50000, 512)` |
| `embed([[1, 42, 7]])` | `embed(torch.tensor([[1, 42, 7]]))`, int64 or int32 only |
| `embed.weight`, Xavier uniform | `embed.weight`, normal with spread 1 |
| `PositionalEncoding(2048, 512)` | a second `nn.Embedding(2048, 512)`, with `torch.arange(seq)` |
| `create_sinusoidal_embeddings`, `EmbeddingLayer` | not there: every project writes its own |
| `compact_gradient` | `nn.Embedding(..., sparse=True)`: `weight.grad` is a sparse tensor |
| a compact step of one's own | `torch.optim.SparseAdam` (its averages are full-sized all the same) |
| averages of words | `nn.EmbeddingBag`: looks up and averages without storing the vectors |

Very large tables (advertising, shops) are cut by rows and spread over many machines; a step sends
around ids and rows instead of gradients.

## Read the source

> **`aten/src/ATen/native/Embedding.cpp`** of PyTorch, the functions `embedding_dense_backward_cpu`
> and `embedding_sparse_backward`.
>
> *Look for:* how several threads add to one table without getting in each other's way. Each thread
> owns a section of the *vocabulary* and walks through all ids, taking those that fall into its
> section. Nobody sorts, nobody multiplies, and no two threads ever write to the same row. The
> sparse version adds nothing up at all: it hands on ids and rows as they are, repeats included,
> and leaves the adding to whoever needs it (`coalesce()`).
>
> *Simpler in ours:* one thread, two ways to add, no option to scale gradients by frequency.
>
> *Different in behaviour:* `nn.Embedding(5, 3)` answers the ids 5 and −1 with the same sentence,
> `IndexError: index out of range in self`, which names neither the id nor the size. Ids in a float
> tensor are refused even if they are whole. And after `sparse=True`, plain `Adam.step()` raises
> `RuntimeError: Adam does not support sparse gradients`, for the reason that you saw in Part 3.

## Further reading

- **Bengio, Ducharme, Vincent and Jauvin, 2003**, *A Neural Probabilistic Language Model*. The model
  of "Use", with words, and twenty years early. Section 2 is short and clear.
- **Mikolov, Chen, Corrado and Dean, 2013**, *Efficient Estimation of Word Representations in Vector
  Space* (word2vec). What happens if you throw away everything but the table: king − man + woman.
- **Su and others, 2021**, *RoFormer: Enhanced Transformer with Rotary Position Embedding*. Part 8
  in full; section 3 now reads like notes to your own code.

## All together
"""

# %%
def test_module():
    """All graded tests, then text to ids to vectors to a loss that falls."""
    for test in (
        test_embeddings_one_hot, test_embeddings_token_ids, test_embeddings_look_up,
        test_embeddings_embedding, test_embeddings_compact, test_embeddings_positions,
        test_embeddings_sinusoidal, test_embeddings_shift, test_embeddings_rows,
        test_embeddings_layer, test_embeddings_sentences, test_embeddings_rotate,
    ):
        test()

    @probe
    def learned_text(kind):
        """Losses while a model learns who comes next, and which parameters got no gradient."""
        text = "the dog bites the man and the man bites the dog. "
        coder = CharTokenizer()
        coder.build_vocab([text])
        ids = np.array(coder.encode(text * 3))
        x, y = ids[:96].reshape(6, 16), ids[1:97].reshape(6, 16)
        np.random.seed(0)
        model = Sequential(EmbeddingLayer(coder.vocab_size, 12, 16, kind, True), Linear(12, 24),
                           ReLU(), Linear(24, coder.vocab_size))
        optimizer, losses = Adam(model.parameters(), lr=0.02), []
        for _ in range(40):
            optimizer.zero_grad()
            loss = CrossEntropyLoss()(model(Tensor(x)), Tensor(y))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        missing = [i for i, p in enumerate(model.parameters()) if p.grad is None]
        return losses[0], losses[-1], missing, coder.decode(x[0].tolist()) == text[:16]

    for kind in ("learned", "sinusoidal", None):
        first, last, missing, readable = learned_text(kind)
        given = f"text through tokenizer, EmbeddingLayer({kind!r}) and two layers"
        check.true(last < 0.7 * first, given=f"{given}: loss {first:.2f}, later {last:.2f}; did it "
                   "fall by 30 %", because="every part of the chain has to learn")
        check.equal(missing, [], given=f"{given}: parameters without a gradient")
        check.equal(readable, True, given="the ids, decoded again, are the text")
    print("Module 11 (Embeddings): all tests passed; your framework has words.")


test_module()

# %% [markdown]
r"""
## What this unlocks

Your models now take text. So far each vector knows its own word and its own place, and nothing of
its neighbours. **Module 12 (Attention)** lets every vector ask all others what they have to say to
it; **Module 13** stacks that into a model which writes. Both begin with your `EmbeddingLayer`.

Close the module in a terminal:

```
tito module complete 11
```

And try your framework at once, in any Python:

```python
from tinytorch.nn import EmbeddingLayer
layer = EmbeddingLayer(vocab_size=26, embed_dim=8)
print(layer([[3, 14, 6]]).shape, sum(p.size for p in layer.parameters()))
```
"""
