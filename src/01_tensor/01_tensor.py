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
# Module 01: Tensor

**Foundation** | ●○○○ | 5-7 hours | Prerequisites: none

You should know basic Python (functions, classes, lists), have met NumPy arrays, and have
multiplied two small matrices by hand at least once. No machine learning is assumed.

Every neural network, whatever it recognises or writes, spends its life doing arithmetic on
blocks of numbers. Here you build the block, `Tensor`, and at the end of this module it reads
handwritten digits.
"""

# %% [markdown]
"""
## Where this comes from

In 1995 Jim Hugunin gave Python its first array package, Numeric. A few years later astronomers,
who needed arrays larger than it handled well, wrote a second one, numarray. One was fast for small
arrays, the other for large ones. Libraries had to choose, and the young community split over what
an array *is*. In 2005 Travis Oliphant set out to end that and rebuilt both as one package: NumPy
1.0 came out in October 2006. The idea that all three share, a block of memory with a note beside
it that says how to read the block, is the one you build on today, and PyTorch's tensors rest on it
as well.
"""

# %% [markdown]
"""
## Where this module stands

```
   prerequisites    this module          unlocks

             +------------------+     02 Activations (functions of tensors)
   (none) -> |    01 Tensor     | --> 03 Layers      (weights are tensors)
             | data, shape, ops |     04 Losses      (errors are tensors)
             +------------------+     05 Autograd    (learns from tensors)
```

The next four modules all import this one file, and none of them changes it. What Module 05 adds
comes from outside, through the function `compute` that you write in Part 2.
"""

# %% [markdown]
"""
## What you will be able to do

1. **Implement** a tensor class: storage, arithmetic, matrix products, shape changes, reductions.
2. **Apply** the broadcasting rule in your head, and explain a shape error from two shapes.
3. **Count** the work of a matrix product, and say what Python, NumPy, BLAS and the processor each
   contribute to doing it.
4. **Predict** how many bytes a tensor takes, and whether an operation shares memory or copies.
5. **Find** and repair a memory leak in a program whose results are all right.
6. **Read** the same ideas in PyTorch, where most names and rules are the same.
"""

# %% [markdown]
"""
## What you build

| part | you write | idea |
|---|---|---|
| 1 | `as_array` | what a tensor stores |
| 2 | `Tensor.__init__`, `as_tensor`, `compute` | the class, and one seam for every result |
| 3 | `broadcast_shape`, `elementwise`, `__add__`, `__radd__`, `__rsub__` | arithmetic |
| 4 | `matmul_explicit`, `fast_matmul`, `matmul`, `__matmul__` | the product: counted, then fast |
| 5 | `reshape`, `resolve_axes`, `permute`, `transpose` | the same numbers in another shape |
| 6 | `reduce_sum` | folding an axis away |
| 7 | `as_index`, and the repair of `best_rows` | selecting parts; a bug hunt |
| Use | `squared_distances` | all pairs without a loop; a first reader of digits |

## What you do not build yet

* Gradients: `requires_grad`, `grad` and `backward()` exist from today and sleep until Module 05.
* The two thousand operations of PyTorch: thirteen are enough to begin with. Left out are, for
  example, powers (`t ** 2`; write `t * t`), comparisons (`t < u`) and the short `t.T`.
* Graphics processors: your tensors live in ordinary memory, and NumPy computes on the CPU.
"""

# %% [markdown]
"""
## Setup

The first cell says where this module's code goes in your framework: `tinytorch/core/tensor.py`.
Cells that begin with `#| export` are copied there; all other cells stay in this notebook.

In an exercise, replace only the line `raise NotImplementedError(...)` with your code and keep every
line around it. Some exercises have several such lines: replace each. (A bug hunt has none: there
you repair a program that runs.) The docstring is the contract: what comes in, what goes out, which
errors. Where an error message must *contain* something, such as a shape, that is tested; the other
words are yours. If you are stuck, `tito module hint 01` helps in three steps.

The grey line below an exercise is its test: select it and press Shift+Enter; click it to read it.
If nothing happens for seconds, press the square in the bar above to stop.
"""

# %%
#| default_exp core.tensor

# %%
#| export
"""The Tensor: an N-dimensional array of numbers, and the operations on it."""

import math
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any

import numpy as np

# %%
# For the test cells and experiments below; not part of your framework.
import sys
import time
import tracemalloc
from pathlib import Path

# check.… compares what your code returns with what is expected, and explains a difference.
# @probe marks a small experiment inside a test that has to run beside your code.
from tito.checks import check, probe

# %% [markdown]
"""
# Build

## Part 1: What a tensor stores

A tensor is a block of numbers with any number of dimensions. The lengths of the dimensions are its
**shape**: `()` for a scalar, a single number; `(768,)` for a vector, such as a sound of 768
samples; `(128, 768)` for a matrix of 128 rows and 768 columns; `(32, 3, 224, 224)` for 32 images
with 3 colour planes of 224 x 224 pixels each.

Soon you will write `Tensor([[1, 2], [3, 4]])`, from a Python list. Inside, the numbers live in a
NumPy array: one block of memory, elements of one fixed kind side by side. The kind is called the
**dtype**, and it decides how many bytes an element takes and how precise it is.

| dtype | bytes per element | about |
|---|---|---|
| float64 | 8 | NumPy's default for fractions: 16 digits |
| **float32** | 4 | the usual choice for neural networks: 7 digits |
| float16 | 2 | 3 digits, largest value 65504 |
| int16 | 2 | whole numbers from -32768 to 32767 |
| int8 | 1 | whole numbers from -128 to 127 |
| uint8 | 1 | whole numbers from 0 to 255; images arrive like this |

What does NumPy make of the things people hand over? **What will this print?** Guess the five
dtypes before you run the cell.
"""

# %%
for data in ([1, 2, 3], [1.0, 2.0], "hello", [1, "two"], None):
    print(f"np.asarray({data!r})".ljust(28), np.asarray(data).dtype)
try:
    np.asarray([[1, 2], [3]])
except ValueError as error:
    print("np.asarray([[1, 2], [3]])   ", error)

# %% [markdown]
"""
NumPy takes nearly everything, text included, and picks wide types. Its one complaint speaks of an
"inhomogeneous shape", which is not how a person would put it.

Networks do not need 16 digits, and float32 takes half the memory of float64 and often half the
time. So the policy here is: **everything becomes float32**, unless what the caller hands over (an
array, a Tensor) already has one of the narrow dtypes. Whoever chose int8 did so to save memory,
and turning it into float32 would make it four times as large behind their back. What is not a real
number is refused: `array.dtype.kind` tells the kinds of numbers apart, "b" for bool, "i" and "u"
for integers, "f" for floating point.

One more point. When the array already has a dtype that we keep, `as_array` returns *that very
array*, so wrapping a gigabyte costs nothing. The price: the tensor and the caller's array share
their memory, and a change in one shows in the other.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_as_array", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
STORED_DTYPES = frozenset(
    np.dtype(kind) for kind in (np.float32, np.float16, np.int8, np.uint8, np.int16)
)


def as_array(data: Any) -> np.ndarray:
    """Turn what a caller has into the array that a Tensor stores.

    Args:
        data: whatever `np.asarray` understands: a number, a nested list, an array, a Tensor.

    Returns:
        An array whose dtype is in STORED_DTYPES. If `np.asarray(data)` has such a dtype
        already, it is returned as it is: same memory, no copy. Every other kind of real
        number (bool included) is converted to float32. A fraction too large for float32
        becomes inf, with NumPy's warning.

    Raises:
        ValueError: rows of different length; the message contains the word "ragged".
        TypeError: anything but real numbers: text, None, complex numbers, whole numbers
            too large for NumPy. The message contains `type(data).__name__`.

    Example:
        as_array([1, 2, 3])  ->  array([1., 2., 3.], dtype=float32)
    """
    ### BEGIN SOLUTION
    try:
        array = np.asarray(data)
    except ValueError:
        raise ValueError(
            "Tensor data is ragged: all rows of a nested list must have the same length."
        ) from None
    if array.dtype in STORED_DTYPES:
        return array
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"Tensor data must be numbers, but got {type(data).__name__} (dtype {array.dtype})."
        )
    return array.astype(np.float32)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_tensor_as_array", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# What is checked: numbers become float32, narrow dtypes stay, no needless copy, faults are named.
def test_tensor_as_array():
    check.close(as_array([[1, 2], [3, 4]]), [[1.0, 2.0], [3.0, 4.0]],
                given="as_array([[1, 2], [3, 4]])")
    check.equal(as_array([[1, 2], [3, 4]]).dtype.name, "float32",
                given="the dtype of as_array([[1, 2], [3, 4]])",
                because="whole numbers in a list are stored as float32")
    for data, shape in ((7, ()), ([], (0,))):
        check.equal(as_array(data).shape, shape, given=f"as_array({data}).shape")
    for kind in ("float64", "int64", "int32", "uint16", "bool"):
        check.equal(as_array(np.array([0, 1], dtype=kind)).dtype.name, "float32",
                    given=f"as_array of an array of {kind}", because=f"{kind} becomes float32")
        check.close(as_array(np.array([0, 1], dtype=kind)), [0.0, 1.0],
                    given=f"as_array of an array of {kind} [0, 1]")
    for kind in ("float16", "int8", "uint8", "int16", "float32"):
        check.equal(as_array(np.array([1, 2], dtype=kind)).dtype.name, kind,
                    given=f"as_array of an array of {kind}",
                    because="an array that is already in a stored dtype keeps it")

    @probe
    def memory_is_shared():
        class Holder:
            def __array__(self, dtype=None, copy=None):
                return single

        single, narrow = np.ones(2, dtype=np.float32), np.ones(2, dtype=np.int8)
        pairs = [(single, single), (narrow, narrow), (Holder(), single)]
        return [bool(np.shares_memory(as_array(data), held)) for data, held in pairs]

    check.equal(memory_is_shared(), [True, True, True],
                given="does as_array share memory with a float32 array, an int8 array, and an "
                "object that offers a float32 array through __array__, as Tensor does?",
                because="data that is stored in the right way already is not copied")
    check.raises(ValueError, lambda: as_array([[1, 2], [3]]), given="as_array([[1, 2], [3]])",
                 mentions=["ragged"])
    for wrong in ("hello", "3.5", None, 1j, [1, "two"], {"a": 1}):
        check.raises(TypeError, lambda wrong=wrong: as_array(wrong), given=f"as_array({wrong!r})",
                     mentions=[type(wrong).__name__], because="only real numbers can be stored")


test_tensor_as_array()

# %% [markdown]
"""
## Part 2: The class, and one seam for every result

The second question a systems engineer asks about any tensor, after its shape: **how many bytes?**
Large models are bounded by memory before anything else. The answer is the number of elements times
the bytes of one element. Work out two lines of this table on paper before you run the cell:
MNIST has 60,000 images of 28 x 28 grey pixels, ImageNet 1,281,167 photographs, usually brought to
224 x 224 pixels in 3 colours.
"""

# %%
for label, shape in [
    ("1,000 MNIST images", (1000, 28, 28)),
    ("MNIST, for training", (60_000, 28, 28)),
    ("32 colour images", (32, 3, 224, 224)),
    ("ImageNet, for training", (1_281_167, 3, 224, 224)),
    ("175 billion weights", (175_000_000_000,)),
]:
    for kind in (np.float32, np.uint8):
        size = math.prod(shape) * np.dtype(kind).itemsize
        shown = f"{size / 1e9:,.0f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"
        print(f"{label:<24}{shown:>10} as {np.dtype(kind)}")

# %% [markdown]
"""
MNIST fits into any laptop, even as float32. As float32, ImageNet and the 175 billion weights are
too large for nearly every computer; as uint8 they take a quarter of that, and a large server holds
them. That is why the dtype is a decision and not a detail, and why every tensor of yours can say
what it costs.

Now the class. You write its beginning, `__init__`, and two small methods. Given: the rest, which
is plumbing. Read it like a table of contents: nearly every method is one line that names an
*operation* (`reshape`, `reduce_sum`, ...) and hands it to a function called `compute`, which is the
exercise after next. (Python looks a name up when a function runs, not when it is defined, so a
method may mention a function that comes later.) `+` and `@` are missing: you add them when their
operations are ready.

If you have not met it: `@property` lets a method be read like an attribute, `t.shape` instead of
`t.shape()`. Why is the shape not simply stored in `__init__`? Because `t.data` may be replaced
later, and a second copy of a fact can be wrong.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_class", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Tensor:
    """An N-dimensional array of numbers: the data structure everything else is built from.

    Attributes:
        data: the numbers, a NumPy array (see `as_array` for how they are stored).
        requires_grad: marks a tensor whose values are to be learned.
        grad: None, until something is learned.
    """

    __array_ufunc__ = None  # NumPy steps back, so that `array + tensor` calls Tensor.__radd__
    _record = None  # a listener that compute() tells of every result, if there is one

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        """Store `data`, as `as_array` makes it, and `requires_grad`; `grad` begins as None.

        Example:
            Tensor([[1, 2], [3, 4]]).data  ->  a float32 array of shape (2, 2)
        """
        ### BEGIN SOLUTION
        self.data = as_array(data)
        self.requires_grad = requires_grad
        self.grad = None
        ### END SOLUTION

    def memory_footprint(self) -> int:
        """How many bytes the elements take: a whole number.

        Example:
            a (2, 3) tensor of float32  ->  24
        """
        ### BEGIN SOLUTION
        return self.data.nbytes
        ### END SOLUTION

    def item(self) -> float:
        """The only element, as a plain Python number.

        Raises:
            ValueError: there is not exactly one element; the message contains the shape.

        Example:
            Tensor([[7]]).item()  ->  7.0
        """
        ### BEGIN SOLUTION
        if self.size != 1:
            raise ValueError(f"item() needs one element, but shape {self.shape} has {self.size}.")
        return self.data.item()
        ### END SOLUTION

    # What a tensor says about itself

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each dimension."""
        return self.data.shape

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.data.size

    @property
    def dtype(self) -> np.dtype:
        """How each element is stored."""
        return self.data.dtype

    def __repr__(self) -> str:
        numbers = np.array2string(
            self.data, precision=4, separator=", ", threshold=60, prefix="Tensor("
        )
        dtype = "" if self.dtype == np.float32 else f", dtype={self.dtype}"
        learned = ", requires_grad=True" if self.requires_grad else ""
        return f"Tensor({numbers}, shape={self.shape}{dtype}{learned})"

    # From tensors to plain Python and NumPy

    def numpy(self) -> np.ndarray:
        """The data as a NumPy array, sharing memory with the tensor."""
        return self.data

    def __float__(self) -> float:
        return float(self.item())

    def __bool__(self) -> bool:
        return bool(self.item())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.data, dtype=dtype, copy=copy)

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator["Tensor"]:
        return (self[row] for row in range(len(self)))

    # Shapes, parts, reductions

    def reshape(self, *shape: Any) -> "Tensor":
        """The same elements in another shape; one size may be -1. A view where possible."""
        return compute(reshape, self, shape=_unpack(shape))

    def transpose(self, dim0: int | None = None, dim1: int | None = None) -> "Tensor":
        """Two dimensions exchanged, by default the last two. A view."""
        return compute(transpose, self, dim0=dim0, dim1=dim1)

    def permute(self, *axes: Any) -> "Tensor":
        """All dimensions in a new order. A view."""
        return compute(permute, self, axes=_unpack(axes))

    def __getitem__(self, key: Any) -> "Tensor":
        return compute(take, self, key=as_index(key))

    def sum(self, axis: Any = None, keepdims: bool = False) -> "Tensor":
        """The sum along `axis` (a number, a tuple, or None for all)."""
        return compute(reduce_sum, self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> "Tensor":
        """The average along `axis`."""
        return compute(reduce_mean, self, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> "Tensor":
        """The largest element along `axis`."""
        return compute(reduce_max, self, axis=axis, keepdims=keepdims)

    def backward(self, gradient: Any = None) -> None:
        """Does nothing until Module 05."""


def _unpack(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Let `f(2, 3)`, `f((2, 3))` and `f([2, 3])` mean the same."""
    if len(values) == 1 and isinstance(values[0], (tuple, list)):
        return tuple(values[0])
    return values


# %% nbgrader={"grade": true, "grade_id": "test_tensor_class", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
# What is checked: what a new tensor holds, its bytes, its only element, and that nothing is copied.
def test_tensor_class():
    t = Tensor([[1, 2, 3], [4, 5, 6]])
    check.close(t.data, [[1, 2, 3], [4, 5, 6]], given="Tensor([[1, 2, 3], [4, 5, 6]]).data")
    check.equal(t.memory_footprint(), 24, given="memory_footprint() of a (2, 3) tensor of float32",
                because="6 elements of 4 bytes each")
    check.equal(Tensor([[7]]).item(), 7.0, given="Tensor([[7]]).item()")
    check.equal(t.data.dtype.name, "float32", given="the dtype of Tensor([[1, 2, 3], [4, 5, 6]])",
                because="as_array decides how the numbers are stored")
    check.equal(t.requires_grad, False, given="Tensor([...]).requires_grad",
                because="False is the default")
    check.equal(Tensor([1.0], requires_grad=True).requires_grad, True,
                given="Tensor([1.0], requires_grad=True).requires_grad")
    check.equal(t.grad, None, given="Tensor([...]).grad", because="nothing has been learned yet")
    for kind, expected in (("float16", 12), ("int8", 6)):
        check.equal(Tensor(np.zeros((2, 3), dtype=kind)).memory_footprint(), expected,
                    given=f"memory_footprint() of a (2, 3) tensor of {kind}",
                    because=f"6 elements of {np.dtype(kind).itemsize} byte(s) each")
    for shape, expected in (((), 4), ((0, 5), 0)):
        check.equal(Tensor(np.zeros(shape)).memory_footprint(), expected,
                    given=f"memory_footprint() of a float32 tensor of shape {shape}")

    @probe
    def facts_of_items():
        whole = Tensor(np.array([3], dtype=np.int8)).item()
        fraction = Tensor(2.5).item()
        return [type(whole).__name__, type(fraction).__name__, float(fraction)]

    check.equal(facts_of_items(), ["int", "float", 2.5],
                given="type of item() of an int8 tensor, of Tensor(2.5), and the latter's value",
                because="item() gives a plain Python number")
    for shape in ((2, 2), (0,), (1, 3)):
        check.raises(ValueError, lambda shape=shape: Tensor(np.ones(shape)).item(),
                     given=f"item() of a tensor of shape {shape}", mentions=[str(shape)],
                     because="item() is for exactly one element")

    @probe
    def memory_is_shared():
        array = np.ones(3, dtype=np.float32)
        t = Tensor(array)
        return [bool(np.shares_memory(x.data, array)) for x in (t, Tensor(t))]

    check.equal(memory_is_shared(), [True, True],
                given="is memory shared by a float32 array, Tensor(array), Tensor(Tensor(array))?",
                because="as_array does not copy what is stored in the right way already")


test_tensor_class()

# %%
t = Tensor([[1, 2], [3, 4]])
print(t, "takes", t.memory_footprint(), "bytes")
try:
    t + t
except TypeError as error:
    print("t + t:", error)

# %% [markdown]
"""
Your tensor exists, and it cannot add. Python has looked for a method `__add__` and found none.

### A number meets a tensor

Before anything is computed, every operand becomes a Tensor, the 2 of `t + 2` included. There is a
small trap in that. **What will this print?** A float16 array, and a 2.0 that was wrapped as float32
like everything else:
"""

# %%
half = np.ones(1000, dtype=np.float16)
print("float16 array * 2.0 wrapped:", (half * as_array(2.0)).dtype)

# %% [markdown]
"""
NumPy picks the wider dtype of two arrays, so one harmless number has doubled the memory that
somebody wanted to save. The remedy is to wrap a number *with an eye on its partner*.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_as_tensor", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def as_tensor(value: Any, partners: tuple[Any, ...]) -> Tensor:
    """Wrap an operand that is not a Tensor yet.

    Args:
        value: the operand. If it is a plain number (a Python int or float; bool is a kind of
            int), it takes the dtype of the first Tensor among `partners`; but a float that
            meets whole numbers becomes float32, 2.0 as well as 0.5. Anything else is wrapped
            as Tensor(value).
        partners: all the operands, Tensors and others, in any order. There may be no Tensor
            among them: then nothing is adapted.

    Raises:
        OverflowError: an int that the dtype cannot hold, such as 300 beside int8.
            (np.asarray(value, dtype=...) raises it.)

    Example:
        as_tensor(2.0, (a float16 tensor, 2.0))  ->  a float16 tensor of shape (), holding 2
    """
    ### BEGIN SOLUTION
    if isinstance(value, (int, float)):
        for partner in partners:
            if isinstance(partner, Tensor):
                fits = partner.dtype.kind == "f" or isinstance(value, int)
                return Tensor(np.asarray(value, dtype=partner.dtype if fits else np.float32))
    return Tensor(value)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_tensor_as_tensor", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
# What is checked: the dtype a number takes beside each kind of partner, and that values stay.
def test_tensor_as_tensor():
    @probe
    def wrapped(value, kind):
        partner = Tensor(np.array([1, 2], dtype=kind))
        results = [as_tensor(value, (partner, value)), as_tensor(value, (value, partner))]
        return [[type(r).__name__, r.data.dtype.name, r.data.tolist()] for r in results]

    for value, kind, expected in [
        (2.0, "float16", "float16"), (2, "int8", "int8"), (2.0, "int8", "float32"),
        (3, "float16", "float16"), (0.5, "float32", "float32"), (0.5, "uint8", "float32"),
        (7, "int16", "int16"), (True, "int8", "int8"),
    ]:
        for facts, order in zip(wrapped(value, kind), ("first", "last"), strict=True):
            given = f"as_tensor({value}, partners) beside a tensor of {kind} that stands {order}"
            check.equal(facts[0], "Tensor", given=f"{given}: type")
            check.equal(facts[1], expected, given=f"{given}: dtype",
                        because="a number takes the dtype of the tensor; a float among whole "
                        "numbers becomes float32")
            check.close(facts[2], value, given=f"{given}: value")

    @probe
    def others():
        half, byte = Tensor(np.ones(2, dtype=np.float16)), Tensor(np.ones(2, dtype=np.int8))
        results = [as_tensor(4.0, (4.0, 5)), as_tensor([1, 2], (half, [1, 2])),
                   as_tensor(np.ones(2), (np.ones(2), half)), as_tensor(2, (2, half, byte))]
        return [[r.data.dtype.name, r.data.shape] for r in results]

    for facts, expected, given in zip(
        others(),
        (["float32", ()], ["float32", (2,)], ["float32", (2,)], ["float16", ()]),
        ("4.0 without a Tensor among its partners", "the list [1, 2] beside a float16 tensor",
         "a float64 array beside a float16 tensor", "2 beside a float16, then an int8 tensor"),
        strict=True,
    ):
        check.equal(facts, expected, given=f"as_tensor of {given}: dtype and shape",
                    because="only plain numbers adapt, to the first Tensor there is")
    for value, kind in ((300, "int8"), (-1, "uint8")):
        partner = Tensor(np.array([1, 2], dtype=kind))
        check.raises(OverflowError,
                     lambda value=value, partner=partner: as_tensor(value, (partner, value)),
                     given=f"as_tensor({value}, partners) beside a tensor of {kind}",
                     because=f"{kind} cannot hold {value}, and another number in its place would "
                     "be wrong without a word")


test_tensor_as_tensor()

# %% [markdown]
"""
### One seam

For `t + 2` the class will call `compute(add, t, 2)`, which makes a tensor of the 2, takes the array
out of each tensor, calls `add` on the arrays, and wraps the resulting array in a new tensor.

Why the detour, when each method could do it alone? There are thirteen operations, and thirteen
copies of a rule drift apart. And a place that everything passes through, where something can be
added later without a change on either side, is worth having: it is called a **seam**. Here,
somebody may listen. A function stored in `Tensor._record`, the **listener**, is told about every
result. The given lines below your part see to that, and use two names that your part must define:
`tensors`, a tuple with one Tensor per input (an input that is a Tensor goes in itself, not a copy),
and `output`, the result. There is no listener today, and asking costs next to nothing.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_compute", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def compute(operation: Callable[..., np.ndarray], *inputs: Any, **settings: Any) -> Tensor:
    """Run one operation on tensors: the seam that every result passes through.

    Args:
        operation: a function of arrays that returns an array, such as `add`.
        inputs: its operands: Tensors, or anything that `as_tensor` can wrap.
        settings: keyword arguments for the operation, such as shape=(2, 3).

    Returns:
        A new Tensor that holds operation(array, array, ..., **settings).

    The listener in Tensor._record, if there is one, is told of the result, the operation, the
    tensors and the settings.

    Example:
        compute(np.maximum, Tensor([1, 5]), 3)  ->  Tensor([3., 5.], shape=(2,))
    """
    ### BEGIN SOLUTION
    tensors = tuple([x if isinstance(x, Tensor) else as_tensor(x, inputs) for x in inputs])
    output = Tensor(operation(*[t.data for t in tensors], **settings))
    ### END SOLUTION
    if Tensor._record is not None:
        Tensor._record(output, operation, tensors, settings)
    return output


# %% nbgrader={"grade": true, "grade_id": "test_tensor_compute", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
# What is checked: arrays go into the operation, a new Tensor comes out, inputs keep their identity.
def test_tensor_compute():

    @probe
    def run_weighted():
        seen = []

        def weighted(a, b, factor=1):
            seen.extend([type(a).__name__, type(b).__name__])
            return np.asarray(a) - factor * np.asarray(b)

        result = compute(weighted, Tensor([10.0, 20.0]), Tensor([1.0, 2.0]), factor=3)
        return [seen, type(result).__name__, np.asarray(result).tolist()]

    call = "compute(f, Tensor([10, 20]), Tensor([1, 2]), factor=3), where f is a - factor * b"
    check.equal(run_weighted()[0], ["ndarray", "ndarray"],
                given=f"{call}: the types of a and b inside f",
                because="operations are functions of arrays: they get each tensor's .data")
    check.equal(run_weighted()[1], "Tensor", given=f"{call}: the type of the result")
    check.close(run_weighted()[2], [7.0, 14.0], given=call, because="10 - 3 * 1 and 20 - 3 * 2")

    @probe
    def run_with_number():
        result = compute(np.subtract, 10, Tensor(np.array([1, 2], dtype=np.float16)))
        return [result.data.tolist(), result.data.dtype.name]

    call = "compute(np.subtract, 10, a float16 tensor [1, 2])"
    check.close(run_with_number()[0], [9.0, 8.0], given=call,
                because="the order of the operands matters")
    check.equal(run_with_number()[1], "float16", given=f"{call}: dtype",
                because="as_tensor(10, inputs) adapts")

    @probe
    def what_the_listener_hears():
        heard = []
        Tensor._record = staticmethod(lambda *news: heard.append(news))
        try:
            a, b = Tensor([1.0]), Tensor([2.0])
            result = compute(np.add, a, b)
            scaled = compute(np.multiply, a, 5.0, dtype=np.float32)
        finally:
            Tensor._record = None
        first, second = heard
        facts = {
            "`tensors` is a tuple": isinstance(first[2], tuple),
            "a Tensor goes in as the very same object": first[2][0] is a and first[2][1] is b,
            "`output` is what compute returns": first[0] is result and second[0] is scaled,
            "a number has become a Tensor": isinstance(second[2][1], Tensor),
            "the settings are told": second[3] == {"dtype": np.float32},
        }
        wrong = [fact for fact, holds in facts.items() if not holds]
        return f"it is not true that {wrong[0]}" if wrong else "as promised"

    check.equal(what_the_listener_hears(), "as promised",
                given="compute(np.add, a, b) and compute(np.multiply, a, 5.0, dtype=np.float32) "
                "with a listener in Tensor._record: what it is told",
                because="the given lines tell the listener about your `tensors` and `output`")


test_tensor_compute()

# %% [markdown]
"""
Any function of arrays can now work on tensors, NumPy's own included, and the listener is any
function of four arguments. **Predict** what it hears:
"""

# %%
Tensor._record = lambda output, operation, tensors, settings: print(
    f"   heard: {operation.__name__} of shapes {[t.shape for t in tensors]} -> {output.shape}"
)
try:
    roots = compute(np.sqrt, Tensor([1.0, 4.0, 9.0]))
    total = compute(np.add, roots, 10)
finally:
    Tensor._record = None
print(total)

# %% [markdown]
"""
Two results, two reports, and neither `np.sqrt` nor `np.add` knows that anybody listens.
"""

# %% [markdown]
"""
## Part 3: Arithmetic and broadcasting

Adding two tensors of the same shape adds element to element. But networks constantly add a
*vector to a matrix*: the same three offsets for every row, say. **What will this print?** Say for
each line whether it works, and with which shape, before you run it.
"""

# %%
for left, right in [((2, 3), (3,)), ((3, 4), (3,)), ((3,), (3, 1))]:
    try:
        print(f"{left} + {right} ->", (np.ones(left) + np.ones(right)).shape)
    except ValueError as error:
        print(f"{left} + {right}:", error)

# %% [markdown]
"""
The second line fails with a message that leaves it to you to find the rule. The third is worse: a
vector of three and a column of three make a table of nine, and nobody complains.

Copying the vector once per row would work and would waste memory. **Broadcasting** is the rule by
which the smaller operand is read again and again instead, with no copy. Write both shapes aligned
at the **right**, put 1 where a shape has run out, and compare column by column. Two **equal** sizes
go together, and that size is the result. A **1** goes together with any size, and the result is
the other size. Anything else is an error.

```
   (32,   1, 768)          (3, 4)           (3, 4)           (   3)
   (     512, 768)         (   4)           (   3)           (3, 1)
   ---------------         ------           ------           ------
   (32, 512, 768)          (3, 4)           4 meets 3        (3, 3)
```

In words: the rule never asks what a dimension *means*. Rows may meet columns by accident, as in
the last example, and the only trace of it is a shape that you did not expect.

NumPy knows the rule. You write it once by hand, because shape errors will be your most frequent
ones, and whoever can apply this rule in their head reads them at a glance.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_broadcast_shape", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def broadcast_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that an elementwise operation on shapes `a` and `b` results in.

    Aligned at the right, two equal sizes give that size, and a 1 with any size gives the other
    size (which need not be the larger one: a size may be 0). A shape that has run out of
    dimensions counts as 1 there.

    Raises:
        ValueError: a pair does not fit. The message contains both shapes and the two sizes
            that clash, that of `a` first, in the form "4 meets 3".

    Example:
        broadcast_shape((32, 1, 768), (512, 768))  ->  (32, 512, 768)
    """
    ### BEGIN SOLUTION
    result = []
    for size_a, size_b in zip_longest(reversed(a), reversed(b), fillvalue=1):
        if size_a != size_b and 1 not in (size_a, size_b):
            raise ValueError(
                f"Shapes {a} and {b} do not broadcast: aligned at the right, {size_a} meets "
                f"{size_b}; two sizes must be equal, or one of them must be 1."
            )
        result.append(size_b if size_a == 1 else size_a)
    return tuple(reversed(result))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_tensor_broadcast_shape", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
# What is checked: the rule on known and impossible pairs, edge cases, random shapes.
def test_tensor_broadcast_shape():
    for a, b, expected, why in [
        ((3, 4), (4,), (3, 4), "4 equals 4; the missing dimension counts as 1"),
        ((3, 4), (3, 1), (3, 4), "the 1 stretches to 4"),
        ((5, 1), (1, 6), (5, 6), "each side stretches where it has a 1"),
        ((4,), (2, 3, 4), (2, 3, 4), "the shorter shape may also stand first"),
        ((32, 1, 768), (512, 768), (32, 512, 768), "aligned at the right"),
        ((), (2, 3), (2, 3), "a scalar goes with everything"),
        ((), (), (), "two scalars make a scalar"),
        ((0, 3), (1, 3), (0, 3), "0 with 1 gives 0: the size that is not 1"),
        ((1,), (0,), (0,), "1 with 0 gives 0: the size that is not 1"),
    ]:
        check.equal(broadcast_shape(a, b), expected, given=f"broadcast_shape({a}, {b})",
                    because=why)
    for a, b, clash in [
        ((3, 4), (3,), "4 meets 3"), ((2, 3), (4, 3), "2 meets 4"),
        ((0,), (3,), "0 meets 3"), ((7, 2, 5), (3, 1, 5), "7 meets 3"),
    ]:
        check.raises(ValueError, lambda a=a, b=b: broadcast_shape(a, b),
                     given=f"broadcast_shape({a}, {b})", mentions=[str(a), str(b), clash],
                     because="two different sizes, neither of them 1, do not fit")
    random = np.random.RandomState(0)
    for _ in range(30):
        full = tuple(random.randint(1, 5, size=random.randint(0, 5)).tolist())
        a, b = (
            tuple(n if random.rand() < 0.6 else 1 for n in full)[random.randint(0, 2) :]
            for _ in range(2)
        )
        check.equal(broadcast_shape(a, b), np.broadcast_shapes(a, b),
                    given=f"broadcast_shape({a}, {b})")


test_tensor_broadcast_shape()

# %% [markdown]
"""
### Elementwise operations

NumPy's `np.add`, `np.subtract`, `np.multiply` and `np.divide` broadcast by themselves, fast. What
they lack is your message. Checking the shapes before each addition would slow down every addition
in order to explain the few that fail. A better habit: **try first, explain afterwards**. Let NumPy
do the work, and call `broadcast_shape` only when it refuses.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_elementwise", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def elementwise(function: Callable[..., np.ndarray], a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Apply a NumPy function of two arrays, such as np.add, element by element.

    The shapes are looked at only after `function` has failed.

    Returns:
        function(a, b), a new array. Neither operand is changed.

    Raises:
        ValueError: the shapes do not broadcast, with the message of broadcast_shape. A
            ValueError that `function` raised for another reason goes through as it is.

    Example:
        elementwise(np.add, shape (2, 3), shape (2,))  ->  ValueError: ... 3 meets 2 ...
    """
    ### BEGIN SOLUTION
    try:
        return function(a, b)
    except ValueError as failure:
        refusal = failure  # Python forgets `failure` at the end of the block
    broadcast_shape(a.shape, b.shape)  # raises, and says which rule is broken
    raise refusal
    ### END SOLUTION


# %% [markdown]
"""
Given: the four operations, and the sign.
"""

# %%
#| export
def add(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a + b, element by element."""
    return elementwise(np.add, a, b)


def subtract(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a - b, element by element."""
    return elementwise(np.subtract, a, b)


def multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a * b, element by element."""
    return elementwise(np.multiply, a, b)


def divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b, element by element."""
    return elementwise(np.divide, a, b)


def negate(a: np.ndarray) -> np.ndarray:
    """-a, element by element."""
    return np.negative(a)


# %% nbgrader={"grade": true, "grade_id": "test_tensor_elementwise", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
# What is checked: hand-computed numbers, broadcasting, errors, operands unchanged.
def test_tensor_elementwise():
    a = np.array([[1, 2], [3, 4]], dtype=np.float32)
    b = np.array([[10, 20], [30, 40]], dtype=np.float32)
    row, column = np.float32([10, 20]), np.float32([[100], [200]])
    before = a.copy(), b.copy()
    for call, expected, given in [
        (lambda: subtract(b, a), [[9, 18], [27, 36]],
         "subtract([[10, 20], [30, 40]], [[1, 2], [3, 4]])"),
        (lambda: add(a, row), [[11, 22], [13, 24]], "add([[1, 2], [3, 4]], [10, 20])"),
        (lambda: subtract(column, row), [[90, 80], [190, 180]],
         "subtract([[100], [200]], [10, 20])"),
        (lambda: multiply(b, a), [[10, 40], [90, 160]],
         "multiply([[10, 20], [30, 40]], [[1, 2], [3, 4]])"),
        (lambda: divide(b, a), [[10, 10], [10, 10]],
         "divide([[10, 20], [30, 40]], [[1, 2], [3, 4]])"),
    ]:
        check.close(call(), expected, given=given)
        check.equal(call().dtype.name, "float32", given=f"dtype of {given}")

    @probe
    def operands_afterwards():
        a, b = np.float32([[1, 2], [3, 4]]), np.float32([[10, 20], [30, 40]])
        result = elementwise(np.add, a, b)
        shared = np.shares_memory(result, a) or np.shares_memory(result, b)
        return [a, b, bool(shared)]

    for now, old, name in zip(operands_afterwards(), before, "ab", strict=False):
        check.unchanged(now, old, given=f"the operand {name} of elementwise(np.add, a, b)",
                        because="operands never change")
    check.equal(operands_afterwards()[2], False, because="the result is a new array",
                given="does the result of elementwise share memory with an operand?")

    @probe
    def looks_at_shapes_first():
        asked, asked_before = [], []

        class Watched(np.ndarray):
            @property
            def shape(self):
                asked.append("shape")
                return np.asarray(self).shape

        def function(a, b):
            asked_before.extend(asked)
            return np.add(np.asarray(a), np.asarray(b))

        elementwise(function, np.ones((2, 3)).view(Watched), np.ones(3).view(Watched))
        return bool(asked_before)

    check.equal(looks_at_shapes_first(), False,
                given="elementwise(f, a, b) on shapes (2, 3) and (3,): does it look at a shape "
                "before f has run?",
                because="try first, explain afterwards: operands that fit need no check")
    for call, given in [
        (lambda: add(a, np.ones(3)), "add"), (lambda: divide(a, np.ones(3)), "divide")
    ]:
        check.raises(ValueError, call, given=f"{given}(...) on shapes (2, 2) and (3,)",
                     mentions=["(2, 2)", "(3,)", "2 meets 3"],
                     because="the message must be the one of broadcast_shape")

    @probe
    def refused_for_another_reason():
        def refuse(a, b):
            raise ValueError("no Mondays")

        return elementwise(refuse, np.ones(2), np.ones(2))

    check.raises(ValueError, refused_for_another_reason,
                 given="elementwise(f, ...) on two arrays of shape (2,), where f raises "
                 "ValueError('no Mondays')", mentions=["no Mondays"],
                 because="the shapes fit: the error that came must be raised again")


test_tensor_elementwise()

# %% [markdown]
"""
### The operators

Now the class can learn to add. A class may grow after it has been written. Given, in the next cell:
`method_of`, a decorator that puts the function under it into the class. You write the methods as if
they stood in the class itself.

Python reads `t + 2` as `t.__add__(2)`. In `2 - t` it asks the number first; the number declines,
and Python calls `t.__rsub__(2)`: the `r` says that `t` stood on the **right**. So in these methods
the order of the operands is yours to restore.
"""

# %%
#| export
def method_of(owner: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that adds a function to the class `owner`, under the function's name."""

    def add_method(function: Callable[..., Any]) -> Callable[..., Any]:
        setattr(owner, function.__name__, function)
        return function

    return add_method


# %% [markdown]
"""
An array on the left does not decline by itself. **What will this print?** For a moment, the line
`__array_ufunc__ = None` is taken out of the class:
"""

# %%
del Tensor.__array_ufunc__
try:
    print("array + tensor gives:", type(np.array([5.0, 6.0]) + Tensor([1.0, 2.0])).__name__)
finally:
    Tensor.__array_ufunc__ = None

# %% [markdown]
"""
The numbers would be right, but the result is no Tensor any more, and no listener has heard of it.
Such an error surfaces hours later, in another file. With `__array_ufunc__ = None` NumPy steps back
and leaves the addition to your `__radd__`.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_operators", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@method_of(Tensor)
def __add__(self: Tensor, other: Any) -> Tensor:
    """self + other, through the seam. `other` is a Tensor, a number, a list or an array.

    Example:
        Tensor([1, 2]) + 1  ->  Tensor([2., 3.], shape=(2,))
    """
    ### BEGIN SOLUTION
    return compute(add, self, other)
    ### END SOLUTION


@method_of(Tensor)
def __radd__(self: Tensor, other: Any) -> Tensor:
    """other + self: Python calls this when `other` stood on the left and declined."""
    ### BEGIN SOLUTION
    return compute(add, other, self)
    ### END SOLUTION


@method_of(Tensor)
def __rsub__(self: Tensor, other: Any) -> Tensor:
    """other - self.

    Example:
        8 - Tensor([1, 2])  ->  Tensor([7., 6.], shape=(2,))
    """
    ### BEGIN SOLUTION
    return compute(subtract, other, self)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_tensor_operators", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
# What is checked: tensors, numbers, arrays and lists on either side, dtypes, errors, and the seam.
def test_tensor_operators():
    a, t = Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([1.0, 2.0, 4.0])
    ones = [1, 1, 1]
    for call, expected, given in [
        (lambda: a + a, [[2, 4], [6, 8]], "[[1, 2], [3, 4]] + itself"),
        (lambda: t + 1, [2, 3, 5], "[1, 2, 4] + 1"),
        (lambda: 8 - t, [7, 6, 4], "8 - [1, 2, 4]"),
        (lambda: 1 + t, [2, 3, 5], "1 + [1, 2, 4]"),
        (lambda: a + Tensor([10.0, 20.0]), [[11, 22], [13, 24]], "[[1, 2], [3, 4]] + [10, 20]"),
        (lambda: t + ones, [2, 3, 5], "[1, 2, 4] + the list [1, 1, 1]"),
        (lambda: np.array([5.0, 6.0, 7.0]) - t, [4, 4, 3], "np.array([5, 6, 7]) - [1, 2, 4]"),
        (lambda: np.array([5.0, 6.0, 7.0]) + t, [6, 8, 11], "np.array([5, 6, 7]) + [1, 2, 4]"),
    ]:
        check.close(call().data, expected, given=given)
        check.true(isinstance(call(), Tensor), given=given, because="the result is a Tensor")
        check.equal(call().data.dtype.name, "float32", given=f"dtype of {given}")
    check.unchanged(t.data, np.float32([1, 2, 4]), given="the tensor [1, 2, 4] after all this")
    half = Tensor(np.array([4, 6], dtype=np.float16))
    for call, given in [(lambda: half + 1.0, "half + 1.0"), (lambda: 1.0 - half, "1.0 - half"),
                        (lambda: 1.0 + half, "1.0 + half")]:
        check.equal(call().data.dtype.name, "float16", given=f"dtype of {given}, half in float16",
                    because="a number takes the dtype of the tensor it meets")
    check.raises(ValueError, lambda: a + Tensor([1.0, 2.0, 3.0]), given="shape (2, 2) + shape (3,)",
                 mentions=["(2, 2)", "(3,)", "2 meets 3"],
                 because="the message must be the one of broadcast_shape")

    @probe
    def heard():
        news = []
        Tensor._record = staticmethod(lambda *told: news.append(told))
        try:
            t = Tensor(5.0)
            t + 2, 2 + t, 2 - t
        finally:
            Tensor._record = None
        return [f"{operation.__name__}({', '.join(f'{float(x):g}' for x in tensors)})"
                for _, operation, tensors, _ in news]

    check.equal(heard(), ["add(5, 2)", "add(2, 5)", "subtract(2, 5)"],
                given="t + 2, 2 + t and 2 - t, where t is Tensor(5): what a listener hears of",
                because="every result passes through compute, with the operands in the order in "
                "which they were written")


test_tensor_operators()

# %% [markdown]
"""
Given: the other operators repeat the pattern.
"""

# %%
#| export
@method_of(Tensor)
def __sub__(self: Tensor, other: Any) -> Tensor:
    return compute(subtract, self, other)


@method_of(Tensor)
def __mul__(self: Tensor, other: Any) -> Tensor:
    return compute(multiply, self, other)


@method_of(Tensor)
def __rmul__(self: Tensor, other: Any) -> Tensor:
    return compute(multiply, other, self)


@method_of(Tensor)
def __truediv__(self: Tensor, other: Any) -> Tensor:
    return compute(divide, self, other)


@method_of(Tensor)
def __rtruediv__(self: Tensor, other: Any) -> Tensor:
    return compute(divide, other, self)


@method_of(Tensor)
def __neg__(self: Tensor) -> Tensor:
    return compute(negate, self)


# %% [markdown]
"""
A column meets a row, and 122 numbers make a landscape of 3,721. Which shape does `x + y` have here,
and how would the picture change with a minus between the two?
"""

# %%
x = Tensor(np.linspace(-3, 3, 61)[:, None])
y = Tensor(np.linspace(-3, 3, 61))
bowl = x * x + y * y
print(x.shape, "with", y.shape, "->", bowl.shape)
try:
    import matplotlib.pyplot as plt
except ImportError:
    print("Without matplotlib you miss a picture: a column and a row that broadcast to a bowl.")
else:
    figure, panels = plt.subplots(1, 3, figsize=(8, 3.2), width_ratios=(1, 3, 3))
    for panel, title, picture, extent in [
        (panels[0], "a column, x*x", (x * x).data, (0, 10, 0, 61)),
        (panels[1], "a row, y*y", (y * y).data[None, :], (0, 61, 0, 10)),
        (panels[2], "column + row: every pair", bowl.data, (0, 61, 0, 61)),
    ]:
        panel.imshow(picture, extent=extent, aspect="equal")
        panel.set(title=title, xticks=[], yticks=[])
    figure.tight_layout()
    plt.show()

# %% [markdown]
"""
(61, 1) with (61,) gives (61, 61): each number of the column meets each number of the row. With a
minus, the bowl becomes a saddle. You will use this trick at the end, for all distances at once.

One warning about the narrow integer dtypes. A Python int takes the dtype of the tensor it meets,
and int8 ends at 127. **What will this print?**
"""

# %%
t = Tensor(np.array([100], dtype=np.int8))
print("int8 100 + 100       ", t + 100)
try:
    print("int8 100 + 300       ", t + 300, "was not refused: see as_tensor")
except OverflowError as error:
    print("int8 100 + 300        OverflowError:", error)
print("float32 100 + 300    ", Tensor(t.data.astype(np.float32)) + 300)

# %% [markdown]
"""
A number outside the range is refused (-1 beside uint8, too); a *result* outside it **wraps round**
to the other end, silently, for `+`, `-`, `*` and `@`. When results may leave the range, convert
first.

## Part 4: The matrix product

Element (i, j) of `A @ B` is row i of A times column j of B, multiplied pairwise and summed:

```
                          B  (3 x 2)
                       [  7   8 ]
                       [  9  10 ]
                       [ 11  12 ]
   A (2 x 3)
   [ 1  2  3 ]         [ 58  64 ]      58 = 1*7 + 2*9 + 3*11
   [ 4  5  6 ]         [139 154 ]     154 = 4*8 + 5*10 + 6*12
```

In words: the dimension that the two share, the last of A and the first of B, is summed away. It is
called the **inner** dimension, because it stands inside when the shapes are written side by side,
(2, **3**) @ (**3**, 2), and it must have the same size in both. The outer ones survive.

### First with loops, to count the work

Write it the way the definition reads, with three nested loops, and count the multiplications as you
go. This is not how the class will do it, and in a moment you will measure why.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_matmul_explicit", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def matmul_explicit(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, int]:
    """Multiply two matrices with three loops and count the multiplications.

    Args:
        a, b: float32 arrays of shape (rows, inner) and (inner, columns).

    Returns:
        A pair: the product, a float32 array of shape (rows, columns), and the number of
        multiplications of two elements that were done.

    Raises:
        ValueError: an operand is not 2-D, or the inner sizes differ. The message contains
            both shapes.

    Example:
        matmul_explicit([[1, 2], [3, 4]], [[5], [6]]), as arrays  ->  [[17], [39]], 4
    """
    ### BEGIN SOLUTION
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ValueError(
            f"Cannot multiply shapes {a.shape} and {b.shape}: "
            "expected (rows, inner) and (inner, columns) with the same inner size."
        )
    rows, inner = a.shape
    columns = b.shape[1]
    result = np.zeros((rows, columns), dtype=np.float32)
    multiplications = 0
    for i in range(rows):
        for j in range(columns):
            for k in range(inner):
                result[i, j] += a[i, k] * b[k, j]
                multiplications += 1
    return result, multiplications
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_tensor_matmul_explicit", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
# What is checked: product and count on small matrices, other shapes, operands that do not fit.
def test_tensor_matmul_explicit():
    a = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.float32)
    b = np.array([[7, 8], [9, 10], [11, 12]], dtype=np.float32)
    given = "[[1, 2, 3], [4, 5, 6]] @ [[7, 8], [9, 10], [11, 12]]"
    check.true(isinstance(matmul_explicit(a, b), tuple), given=f"{given}: is the result a tuple?",
               because="a pair is returned: the product and the count")
    check.close(matmul_explicit(a, b)[0], [[58, 64], [139, 154]], given=given,
                because="row of A times column of B")
    check.equal(matmul_explicit(a, b)[1], 12, given=f"multiplications in {given}",
                because="2 rows * 2 columns * 3")
    check.equal(matmul_explicit(a, b)[0].dtype.name, "float32", given=f"dtype of {given}")
    random = np.random.RandomState(1)
    for rows, inner, columns in [(1, 4, 3), (3, 1, 2), (4, 3, 5), (2, 0, 3)]:
        a = random.randn(rows, inner).astype(np.float32)
        b = random.randn(inner, columns).astype(np.float32)
        check.close(matmul_explicit(a, b)[0], a.astype(np.float64) @ b, atol=1e-5,
                    given=f"shape {a.shape} @ shape {b.shape}")
        check.equal(matmul_explicit(a, b)[1], rows * inner * columns,
                    given=f"multiplications in shape {a.shape} @ shape {b.shape}")
    for left, right in [((2, 3), (2, 4)), ((2, 3), (4, 2)), ((3,), (3, 2)), ((2, 3), (3,))]:
        check.raises(ValueError,
                     lambda left=left, right=right: matmul_explicit(np.ones(left), np.ones(right)),
                     given=f"shape {left} @ shape {right}", mentions=[str(left), str(right)],
                     because="both must be 2-D, and the inner sizes must be equal")


test_tensor_matmul_explicit()

# %% [markdown]
"""
Count and time it. **Predict**: when the size doubles, by what factor does each column grow?
"""

# %%
def best_seconds(call, repeats=7):
    """The fastest of several runs: the one that was disturbed least."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


SIZES = (8, 16, 32, 64)
loop_seconds = {}
print(f"{'size':>6}{'multiplications':>18}{'seconds':>10}{'ns each':>10}")
for size in SIZES:
    square = np.random.RandomState(0).randn(size, size).astype(np.float32)
    count = matmul_explicit(square, square)[1]
    loop_seconds[size] = best_seconds(lambda m=square: matmul_explicit(m, m), 3)
    each = loop_seconds[size] / count * 1e9
    print(f"{size:>6}{count:>18,}{loop_seconds[size]:>10.4f}{each:>10.0f}")

# %% [markdown]
"""
For n x n matrices there are n rows, n columns and n products for each: n * n * n multiplications.
Doubling n means eight times the work, and every implementation that follows the definition does
that much. What differs enormously is the cost of *one* multiplication. Python spends its time
finding out, again and again, what `*` and `+` mean for the two objects at hand.

### Then through the libraries, for real work

```
   x @ W               Python    which method? wrap, unwrap   once per call
     |
   np.matmul(x, W)     NumPy     dtypes, shapes, strides      once per call
     |
   sgemm               BLAS      cuts the product into        per block
     |                           blocks that fit the cache
   multiply-add        SIMD      one instruction, 4, 8 or     per element
                                 16 numbers side by side
```

In words: only the last line does arithmetic. Your loops ran the first line for every number; here
it runs once. **BLAS** (Basic Linear Algebra Subprograms, first published in 1979) is a list of
routines that every chip maker tunes; `sgemm` is its float32 matrix product. **SIMD** is "single
instruction, multiple data": a register of 256 bits holds eight float32 or four float64, one more
reason for the narrow dtype. (An elementwise `+` does not go through BLAS: NumPy has its own SIMD
loops for it.)

The product in the class also takes vectors (1-D) and **stacks** of matrices (more than two
dimensions): the last two dimensions multiply, and those before them broadcast by the rule of
Part 3.

| shapes | result | what happens |
|---|---|---|
| (3,) @ (3,) | () | vector with vector: a scalar |
| (2, 3) @ (3,) | (2,) | each row with the vector; the vector's dimension drops out |
| (3,) @ (3, 2) | (2,) | the vector with each column |
| (10, 2, 3) @ (10, 3, 4) | (10, 2, 4) | ten products, matrix by matrix |
| (10, 2, 3) @ (3, 4) | (10, 2, 4) | ten products, each with the same right-hand matrix |

`np.matmul` follows these rules. The last case can be made faster: a small product has a price of
its own, and here are ten of them with the same matrix. Which single product, of which shapes, would
compute the same numbers? The cell below tries your idea on a larger case, 500 products of
(4, 64) @ (64, 64). **Predict** which of the two is faster.
"""

# %%
random = np.random.RandomState(0)
many = random.randn(500, 4, 64).astype(np.float32)
tall = many.reshape(2000, 64)
shared = random.randn(64, 64).astype(np.float32)
print(f"500 products (4, 64) @ (64, 64):  {best_seconds(lambda: many @ shared, 50) * 1e6:.0f} us")
print(f"one product (2000, 64) @ (64, 64): {best_seconds(lambda: tall @ shared, 50) * 1e6:.0f} us")

# %% [markdown]
"""
The numbers are the same, and so is the count of multiplications; what the one product saves is the
price of 499 calls, and it leaves BLAS free to choose its blocks. How much that is worth depends on
your machine. (Large products use several cores. If another program keeps those busy, the tall one
may even lose, by a factor of ten or more: run the cell again when the machine is quiet.)
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_fast_matmul", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def fast_matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """np.matmul(a, b), where a stack that meets a single matrix becomes one tall product.

    Args:
        a, b: arrays of one dimension or more. If a has more than two dimensions and b exactly
            two, one 2-D product computes everything, and the result gets the shape that
            np.matmul(a, b) would have. (Any size may be 0, so do not rely on -1.)

    Raises:
        ValueError: NumPy's, when the operands do not fit.

    Example:
        (10, 2, 3) @ (3, 4)  ->  (10, 2, 4)
    """
    ### BEGIN SOLUTION
    if a.ndim > 2 and b.ndim == 2:
        rows = a.reshape(math.prod(a.shape[:-1]), a.shape[-1])
        return np.matmul(rows, b).reshape(a.shape[:-1] + b.shape[1:])
    return np.matmul(a, b)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_tensor_fast_matmul", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
# What is checked: the same numbers as np.matmul for every pairing, and one product for a stack.
def test_tensor_fast_matmul():
    random = np.random.RandomState(3)
    for left, right in [
        ((10, 2, 3), (3, 4)), ((2, 3), (3, 4)), ((2, 5, 2, 3), (3, 1)), ((3, 2, 4), (3, 4, 5)),
        ((4, 5), (3, 5, 2)), ((5, 2, 3), (3,)), ((3,), (3, 4)), ((3,), (3,)), ((0, 2, 3), (3, 4)),
        ((2, 2, 0), (0, 3)),
    ]:
        a, b = random.randn(*left).astype(np.float32), random.randn(*right).astype(np.float32)
        expected = np.matmul(a.astype(np.float64), b)
        check.close(fast_matmul(a, b), expected, atol=1e-5,
                    given=f"fast_matmul of shape {left} and shape {right}")
        check.equal(fast_matmul(a, b).dtype.name, "float32",
                    given=f"dtype of fast_matmul of shape {left} and shape {right}")

    @probe
    def stack_in_product():
        seen = []

        class Watched(np.ndarray):
            def __array_ufunc__(self, ufunc, method, *inputs, **settings):
                arrays = [np.asarray(x) for x in inputs]
                if ufunc is np.matmul and arrays[0].ndim > 2:
                    seen.append(arrays[0].shape)
                return getattr(ufunc, method)(*arrays, **settings).view(Watched)

        fast_matmul(np.ones((10, 2, 3)).view(Watched), np.ones((3, 4)))
        return f"np.matmul was given a stack of shape {seen[0]}" if seen else "no stack"

    check.equal(stack_in_product(), "no stack",
                given="fast_matmul of shape (10, 2, 3) and shape (3, 4): what is multiplied",
                because="one product (20, 3) @ (3, 4) must do all of it")


test_tensor_fast_matmul()

# %% [markdown]
"""
What remains is to refuse, clearly, what does not fit. Run this, and try to tell from NumPy's words
for (2, 3) @ (2, 4) which sizes clash:
"""

# %%
try:
    np.matmul(np.ones((2, 3)), np.ones((2, 4)))
except ValueError as error:
    print(error)

# %% [markdown]
"""
Sizes 2 and 3 are named, but behind a "gufunc signature", and neither shape is. Your message says
both shapes and which rule they break. In `matmul` you may check first: comparing two numbers is
cheap beside a product.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_matmul", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the matrix product of two arrays, as fast_matmul computes it.

    Raises:
        ValueError: the message contains both shapes (and, in your words, which rule is broken):
            - an operand has no dimension at all (`*` is for numbers);
            - the inner sizes differ: the last of `a` must equal the last but one of `b`, or
              its only one when b is 1-D;
            - the dimensions before the last two do not broadcast.

    Example:
        (2, 3) @ (2, 4)  ->  ValueError: ... (2, 3) and (2, 4) ... 3 != 2
    """
    ### BEGIN SOLUTION
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError(
            f"Cannot multiply shapes {a.shape} and {b.shape}: a matrix product needs at least "
            "one dimension on both sides (use * for numbers)."
        )
    inner_a, inner_b = a.shape[-1], b.shape[max(b.ndim - 2, 0)]
    if inner_a != inner_b:
        raise ValueError(
            f"Cannot multiply shapes {a.shape} and {b.shape}: "
            f"the inner dimensions must match, but {inner_a} != {inner_b}."
        )
    try:
        return fast_matmul(a, b)
    except ValueError:
        raise ValueError(
            f"Cannot multiply shapes {a.shape} and {b.shape}: "
            "the dimensions before the last two do not broadcast."
        ) from None
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_tensor_matmul", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
# What is checked: hand-computed products, vectors, stacks, and operands that do not fit.
def test_tensor_matmul():
    a, v = np.float32([[1, 2], [3, 4]]), np.float32([10, 1])
    wide = np.float32([[1, 0, 2], [0, 1, 1]])
    stack = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    for left, right, expected, given in [
        (a, a, [[7, 10], [15, 22]], "[[1, 2], [3, 4]] @ [[1, 2], [3, 4]]"),
        (a, wide, [[1, 2, 4], [3, 4, 10]], "[[1, 2], [3, 4]] @ [[1, 0, 2], [0, 1, 1]]"),
        (a, v, [12, 34], "[[1, 2], [3, 4]] @ [10, 1]"),
        (v, a, [13, 24], "[10, 1] @ [[1, 2], [3, 4]]"),
        (v, v, 101, "[10, 1] @ [10, 1]"),
        (stack, np.float32([1, 1, 1]), [[3, 12], [21, 30]],
         "[[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]] @ [1, 1, 1]"),
    ]:
        check.close(matmul(left, right), expected, given=given, because="row times column")
    random = np.random.RandomState(2)
    for left, right in [
        ((3, 2, 4), (4, 5)), ((2, 3, 2, 4), (4, 1)), ((3, 2, 4), (3, 4, 5)), ((4, 5), (3, 5, 2)),
        ((6, 1, 2, 3), (4, 3, 2)), ((2, 3, 0), (0, 4)), ((0, 2, 3), (3, 4)),
    ]:
        x, y = random.randn(*left).astype(np.float32), random.randn(*right).astype(np.float32)
        expected = (x[..., :, :, None] * y[..., None, :, :]).sum(axis=-2)
        check.close(matmul(x, y), expected, given=f"shape {left} @ shape {right}",
                    atol=1e-5, because="stacks pair by broadcasting")
        check.equal(matmul(x, y).dtype.name, "float32",
                    given=f"dtype of shape {left} @ shape {right}")
    for left, right, why in [
        ((2, 3), (2, 4), "the inner sizes, 3 and 2, differ"),
        ((2, 3), (2,), "the inner sizes, 3 and 2, differ"),
        ((4,), (3, 4), "the inner sizes, 4 and 3, differ"),
        ((5, 2, 3), (4, 2), "the inner sizes, 3 and 4, differ"),
        ((2, 4, 3), (5, 3, 4), "stacks of 2 and of 5 do not broadcast"),
        ((), (3,), "a scalar has no dimension to sum over"),
        ((2, 3), (), "a scalar has no dimension to sum over"),
    ]:
        check.raises(ValueError,
                     lambda left=left, right=right: matmul(np.ones(left), np.ones(right)),
                     given=f"shape {left} @ shape {right}", mentions=[str(left), str(right)],
                     because=why)


test_tensor_matmul()

# %% [markdown]
"""
And the operator. `@` is for tensors only: a list or an array on the right is usually a mistake, so
it is refused, and its type is named.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_matmul_operator", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@method_of(Tensor)
def __matmul__(self: Tensor, other: Tensor) -> Tensor:
    """The matrix product `self @ other`, through the seam. `self.matmul(other)` is the same.

    Raises:
        TypeError: `other` is not a Tensor; the message contains the name of its type.
        ValueError: the shapes do not fit, with the message of `matmul`.

    Example:
        Tensor([[1, 2]]) @ Tensor([[3], [4]])  ->  Tensor([[11.]], shape=(1, 1))
    """
    ### BEGIN SOLUTION
    if not isinstance(other, Tensor):
        raise TypeError(f"A matrix product needs a Tensor, but got {type(other).__name__}.")
    return compute(matmul, self, other)
    ### END SOLUTION


Tensor.matmul = __matmul__  # the same method under its second name


# %% nbgrader={"grade": true, "grade_id": "test_tensor_matmul_operator", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
# What is checked: the operator and its second name, the seam, and what is refused.
def test_tensor_matmul_operator():
    a, b = Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]])
    given = "[[1, 2], [3, 4]] @ [[1, 0, 2], [0, 1, 1]]"
    check.close((a @ b).data, [[1, 2, 4], [3, 4, 10]], given=given)
    check.close(a.matmul(b).data, [[1, 2, 4], [3, 4, 10]], given="the same with .matmul()")
    check.true(isinstance(a @ b, Tensor), given=given, because="the result is a Tensor")
    for wrong in ([[1.0], [2.0]], np.ones((2, 1))):
        check.raises(TypeError, lambda wrong=wrong: a @ wrong, mentions=[type(wrong).__name__],
                     given=f"tensor of shape (2, 2) @ {type(wrong).__name__} of shape (2, 1)",
                     because="only a Tensor may stand on the right")

    @probe
    def refusal_of_a_number():
        try:
            Tensor([[1.0, 2.0], [3.0, 4.0]]) @ 3.0
        except (TypeError, ValueError) as error:
            return [type(error).__name__, "float" in str(error)]

    check.equal(refusal_of_a_number(), ["TypeError", True],
                given="tensor @ 3.0: the error, and whether its message contains the word float",
                because="only a Tensor may stand on the right")
    check.raises(ValueError, lambda: b @ a, given="shape (2, 3) @ shape (2, 2)",
                 mentions=["(2, 3)", "(2, 2)"], because="the inner sizes, 3 and 2, differ")

    @probe
    def heard():
        news = []
        Tensor._record = staticmethod(lambda *told: news.append(told))
        try:
            a, b = Tensor([[1.0]]), Tensor([[2.0]])
            a @ b
        finally:
            Tensor._record = None
        return [[operation.__name__, tensors[0] is a, tensors[1] is b]
                for _, operation, tensors, _ in news]

    check.equal(heard(), [["matmul", True, True]],
                given="a @ b: the operation that a listener hears of, and whether it is told of "
                "a and b themselves", because="every result passes through compute")


test_tensor_matmul_operator()

# %% [markdown]
"""
How much faster is `matmul` than your loops? **Predict** the last column: does it grow with the
size, or shrink?
"""

# %%
print(f"{'size':>6}{'loops, ms':>12}{'vectorised, ms':>16}{'faster by':>12}")
fast_seconds = {}
for size in SIZES:
    square = np.random.RandomState(0).randn(size, size).astype(np.float32)
    fast_seconds[size] = best_seconds(lambda square=square: matmul(square, square))
    ratio = loop_seconds[size] / fast_seconds[size]
    loops, fast = loop_seconds[size] * 1e3, fast_seconds[size] * 1e3
    print(f"{size:>6}{loops:>12.2f}{fast:>16.4f}{ratio:>10,.0f} x")

# %% [markdown]
"""
There are just as many multiplications; only the price of each has changed. The advantage grows with
the size, because the price of the call is paid once. Keep this table in mind whenever you are
tempted to loop over the elements of a tensor in Python.

**A good place to stop for today.** You have a class that stores, adds and multiplies:
`Tensor([[1, 2]]) @ Tensor([[3], [4]]) + 1` works. What follows is about looking at the same memory
in another way.
"""

# %% [markdown]
"""
## Part 5: The same numbers in another shape

Memory is one long row of bytes. What makes a row of six numbers a (2, 3) matrix is a note kept
beside it: the shape, and the **strides**, which say how many bytes to jump to reach the next
element along each dimension.

```
   memory:            0  1  2  3  4  5          (float32: 4 bytes each)

   shape (2, 3)       0  1  2                   one column on:   4 bytes
   strides (12, 4)    3  4  5                   one row on:     12 bytes

   shape (3, 2)       0  1                      reshape: a new note
   strides (8, 4)     2  3
                      4  5

   shape (3, 2)       0  3                      transpose: shape and strides
   strides (4, 12)    1  4                      exchanged
                      2  5
```

In words: reshape and transpose both make (3, 2) out of (2, 3) here, and yet the two results are
different matrices. Confusing them raises no error; it only mixes up the data.

An array that shares another's memory is called a **view**. Making one takes the same instant for
a kilobyte as for a gigabyte. The other side of it: writing into a view writes into the original.
Arithmetic, in contrast, always makes a new array.

An array is **contiguous** when walking through it row by row visits memory in order, without a
jump: the first two above are, the transposed one is not. **Predict** which of the three writes
reaches `t`:
"""

# %%
for label, view in [
    ("t.reshape(3, 2)", lambda t: t.reshape(3, 2)),
    ("t.transpose()", lambda t: t.transpose()),
    ("t.transpose().reshape(6)", lambda t: t.transpose().reshape(6)),
]:
    t = np.zeros((2, 3), dtype=np.float32)
    v = view(t)
    v.flat[1] = 99
    order = "contiguous" if v.flags["C_CONTIGUOUS"] else "not contiguous"
    print(f"{label:<26} strides {v.strides!s:<8} {order:<15} t is now {t.tolist()}")

# %% [markdown]
"""
The third write is lost. The transposed elements have to be read in the order 0 3 1 4 2 5, and no
strides describe that jumping in one dimension, so `reshape` had to copy, silently. Remember the
pair "transpose, then reshape": it is where views end.

### reshape

Elements can neither appear nor vanish: 12 of them fill (3, 4), (2, 6) or (2, 2, 3), never (5, 5).
One size may be given as `-1`, to be worked out: 12 elements in (3, -1) must be (3, 4). NumPy's
`reshape` knows all that, and one thing more: it takes *any* negative size for a -1, so that
`np.zeros(6).reshape(-2, 3)` works. Yours refuses it.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_reshape", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def reshape(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the same elements, in the same order, in another shape.

    The result is a view whenever strides can describe the new shape; otherwise NumPy's reshape
    copies. At most one size may be -1: it is worked out from the others.

    Raises:
        ValueError: more than one -1, another negative size, or a number of elements that
            cannot fill the shape (which includes a -1 that would not be a whole number, or
            that stands beside a 0). The message contains the old shape and the requested
            one, as it was given.

    Example:
        shape (2, 6) to (3, -1)  ->  (3, 4)
    """
    ### BEGIN SOLUTION
    if all(size >= -1 for size in shape):  # NumPy takes any negative size for a -1
        try:
            return array.reshape(shape)
        except ValueError:
            pass
    raise ValueError(
        f"Cannot reshape {array.shape} into {shape}: the {array.size} elements must fill "
        "the new shape exactly, and at most one size may be -1."
    )
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_tensor_reshape", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
# What is checked: the order of the elements, the -1, shared memory, shapes that cannot be filled.
def test_tensor_reshape():
    t = Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    check.close(t.reshape(3, 2).data, [[1, 2], [3, 4], [5, 6]],
                given="[[1, 2, 3], [4, 5, 6]].reshape(3, 2)",
                because="the elements keep their order, row after row")
    empty = Tensor(np.zeros((0, 4)))
    for tensor, shape, expected in [
        (t, (-1,), (6,)), (t, (3, -1), (3, 2)), (t, (-1, 1, 2), (3, 1, 2)), (t, (6, -1), (6, 1)),
        (t, (1, 2, 3), (1, 2, 3)), (Tensor(5.0), (1, 1), (1, 1)), (Tensor([5.0]), (), ()),
        (empty, (2, 0), (2, 0)), (empty, (-1, 4), (0, 4)),
    ]:
        check.equal(tensor.reshape(shape).shape, expected,
                    given=f"shape {tensor.shape} reshaped to {shape}")

    @probe
    def write_through_view():
        t = Tensor(np.arange(6, dtype=np.float32))
        t.reshape(2, 3).data[0, 0] = 99.0
        return float(t.data[0])

    check.equal(write_through_view(), 99.0,
                given="element 0 of t after t.reshape(2, 3).data[0, 0] = 99",
                because="reshape gives a view: both look at the same memory")
    for wrong, why in [
        ((4, 2), "6 elements cannot fill 8 places"),
        ((4, -1), "6 elements cannot be dealt out in rows of 4"),
        ((-1, -1, 6), "two unknown sizes cannot be worked out"),
        ((-2, 3), "only -1 may stand for an unknown size; -2 is no size"),
        ((0, -1), "nothing times 0 is 6"),
        ((), "6 elements cannot become a scalar"),
        ((5,), "6 elements cannot fill 5 places"),
        ((-1, -6), "only -1 may stand for an unknown size; -6 is no size"),
    ]:
        check.raises(ValueError, lambda wrong=wrong: t.reshape(wrong), because=why,
                     given=f"shape (2, 3) reshaped to {wrong}", mentions=["(2, 3)", str(wrong)])


test_tensor_reshape()

# %% [markdown]
"""
### Naming an axis

Dimensions are also called **axes**, numbered from 0, or from the end: -1 is the last axis, however
many come before it. (NumPy says `axis`, PyTorch says `dim`; they mean the same.) The reductions of
Part 6 take axes in four spellings: `None` for all, a number, a negative number, or a tuple (or
list) of numbers; `permute` takes only a tuple or list. One function turns every spelling into the
same form.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_resolve_axes", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def resolve_axes(axis: int | tuple[int, ...] | None, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Turn any way of naming axes into a tuple of axis numbers from 0 up.

    Args:
        axis: None (every axis), a whole number, or a tuple or list of whole numbers.
            Negative numbers count from the end: -1 is the last axis.
        shape: the shape whose axes are meant.

    Returns:
        The axes in the order they were named, all between 0 and len(shape) - 1.

    Raises:
        ValueError: for an axis that the shape does not have, the message contains that axis
            as it was given (-4, say) and the shape; for an axis named twice, it contains
            `axis` as it was given, all of it ((1, -1), say), and the shape.

    Example:
        resolve_axes((0, -1), (2, 3, 4))  ->  (0, 2)
    """
    ### BEGIN SOLUTION
    ndim = len(shape)
    if axis is None:
        return tuple(range(ndim))
    named = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    for number in named:
        if not -ndim <= number < ndim:
            raise ValueError(
                f"Axis {number} does not exist in shape {shape}, which has ndim {ndim}."
            )
    resolved = tuple(number % ndim for number in named)
    if len(set(resolved)) < len(resolved):
        raise ValueError(f"Axes {axis} name the same axis of shape {shape} twice.")
    return resolved
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_tensor_resolve_axes", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
# What is checked: all spellings of an axis, and those that mean nothing.
def test_tensor_resolve_axes():
    shape = (2, 3, 4)
    for axis, expected in [
        (0, (0,)), (2, (2,)), (-1, (2,)), (-3, (0,)), (None, (0, 1, 2)), ((0, -1), (0, 2)),
        ((-1, 0, 1), (2, 0, 1)), ([1, 2], (1, 2)), ((), ()),
    ]:
        check.equal(resolve_axes(axis, shape), expected, given=f"resolve_axes({axis}, {shape})")
    check.equal(resolve_axes(None, ()), (), given="resolve_axes(None, ())")
    for axis, shape, named, why in [
        (3, (2, 4, 5), "3", "the last axis of three is 2"),
        (-4, (2, 3, 4), "-4", "counted from the end, the first axis of three is -3"),
        ((0, 5), (2, 3), "5", "axis 5 does not exist"),
        (0, (), "0", "a scalar has no axes"),
        ((1, -1), (2, 3), "(1, -1)", "1 and -1 are the same axis"),
    ]:
        check.raises(ValueError, lambda axis=axis, shape=shape: resolve_axes(axis, shape),
                     given=f"resolve_axes({axis}, {shape})", mentions=[named, str(shape)],
                     because=why)


test_tensor_resolve_axes()

# %% [markdown]
"""
### permute and transpose

`permute` puts all axes in a new order: entry i of `axes` says which old axis becomes axis i. So
permuting (32, 3, 224, 224) by (0, 2, 3, 1) gives (32, 224, 224, 3). `transpose` exchanges just two
axes; without arguments it takes the last two, which for a matrix is the transpose you know, and
for a stack of matrices transposes each of them.

Both only rearrange shape and strides, so both are views. NumPy's `array.transpose(order)` and
`array.swapaxes(first, second)` do the work.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_transpose", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def permute(array: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Return a view with the axes in a new order.

    Args:
        axes: every axis exactly once (negative numbers allowed); entry i names the old axis
            that becomes axis i.

    Raises:
        ValueError: an axis does not exist or is named twice (both with the message of
            resolve_axes), or an axis is missing (the message contains `axes` and the shape).

    Example:
        permute(array of shape (2, 3, 4), (2, 0, 1))  ->  shape (4, 2, 3)
    """
    ### BEGIN SOLUTION
    order = resolve_axes(axes, array.shape)
    if len(order) != array.ndim:
        raise ValueError(
            f"Axes {axes} leave out an axis of shape {array.shape}: name all {array.ndim}."
        )
    return array.transpose(order)
    ### END SOLUTION


def transpose(
    array: np.ndarray, dim0: int | None = None, dim1: int | None = None
) -> np.ndarray:
    """Return a view with two axes exchanged.

    Args:
        array: any array. Without dim0 and dim1, one of fewer than two dimensions has nothing
            to exchange and comes back as it is.
        dim0, dim1: the axes to exchange (negative numbers allowed; the same axis twice
            exchanges nothing); both or neither. Neither means the last two.

    Raises:
        ValueError: only one of dim0 and dim1 is given (the message contains the shape), or an
            axis does not exist (with the message of resolve_axes).

    Example:
        transpose(array of shape (2, 3, 4))  ->  shape (2, 4, 3)
    """
    ### BEGIN SOLUTION
    if dim0 is None and dim1 is None:
        if array.ndim < 2:
            return array
        dim0, dim1 = -2, -1
    if dim0 is None or dim1 is None:
        raise ValueError(
            f"transpose of shape {array.shape} needs both dimensions or neither, "
            f"but got {dim0} and {dim1}."
        )
    (first,) = resolve_axes(dim0, array.shape)
    (second,) = resolve_axes(dim1, array.shape)
    return array.swapaxes(first, second)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_tensor_transpose", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
# What is checked: which element goes where, defaults, negative axes, shared memory, faults.
def test_tensor_transpose():
    t = Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    check.close(t.transpose().data, [[1, 4], [2, 5], [3, 6]],
                given="[[1, 2, 3], [4, 5, 6]].transpose()", because="rows become columns")
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    cube = Tensor(values)

    def move(*order):
        """Element by element, from the definition."""
        result = np.zeros([values.shape[axis] for axis in order], dtype=np.float32)
        for place in np.ndindex(*values.shape):
            result[tuple(place[axis] for axis in order)] = values[place]
        return result

    for method, axes, expected, why in [
        ("permute", (2, 0, 1), move(2, 0, 1), "axis 2 comes first"),
        ("permute", (1, 2, 0), move(1, 2, 0), "axis 1 comes first"),
        ("permute", (-1, 0, 1), move(2, 0, 1), "-1 is axis 2"),
        ("transpose", (), move(0, 2, 1), "the last two axes are the default"),
        ("transpose", (0, 1), move(1, 0, 2), "axes 0 and 1 change places"),
        ("transpose", (0, -1), move(2, 1, 0), "-1 is axis 2"),
        ("transpose", (1, 1), values, "nothing to exchange"),
    ]:
        check.close(getattr(cube, method)(*axes).data, expected,
                    given=f"0 to 23 in shape (2, 3, 4).{method}{axes}", because=why)
    check.close(Tensor([1.0, 2.0]).transpose().data, [1, 2], given="Tensor([1, 2]).transpose()")
    check.equal(Tensor(3.0).transpose().shape, (), given="Tensor(3.0).transpose()")

    @probe
    def views_share_memory():
        t, vector = Tensor(np.zeros((2, 3))), Tensor(np.zeros(3))
        pairs = [(t, t.transpose()), (t, t.permute(1, 0)), (vector, vector.transpose())]
        return [bool(np.shares_memory(a.data, b.data)) for a, b in pairs]

    check.equal(views_share_memory(), [True, True, True],
                given="is memory shared by t.transpose(), t.permute(1, 0), vector.transpose()?",
                because="exchanging axes moves no element")
    for call, given, mentions in [
        (lambda: cube.permute(0, 1), "permute(0, 1)", ["(0, 1)"]),
        (lambda: cube.permute(0, 1, 1), "permute(0, 1, 1)", ["(0, 1, 1)"]),
        (lambda: cube.permute(0, 1, 5), "permute(0, 1, 5)", ["5"]),
        (lambda: cube.transpose(0, 5), "transpose(0, 5)", ["5"]),
        (lambda: cube.transpose(-4, 0), "transpose(-4, 0)", ["-4"]),
        (lambda: cube.transpose(1), "transpose(1)", []),
        (lambda: cube.transpose(dim1=0), "transpose(dim1=0)", []),
    ]:
        check.raises(ValueError, call, given=f"shape (2, 3, 4).{given}",
                     mentions=["(2, 3, 4)", *mentions])
    check.raises(ValueError, lambda: Tensor(3.0).transpose(0, 1),
                 given="Tensor(3.0).transpose(0, 1)")


test_tensor_transpose()

# %% [markdown]
"""
The picture shows where in memory each element stands: dark is first, bright is last. Read each
(6, 4) panel like a page, row after row. **Predict** in which one the brightness never falls back.
"""

# %%
places = Tensor(np.arange(24)).reshape(4, 6)
panels = [
    ("(4, 6)", places), ("reshape(6, 4)", places.reshape(6, 4)), ("transpose()", places.transpose())
]
for label, panel in panels:
    print(f"{label:<16} shape {panel.shape}, strides {panel.data.strides}")
try:
    import matplotlib.pyplot as plt
except ImportError:
    print("Without matplotlib you miss a picture: place in memory, reshaped and transposed.")
else:
    figure, axes = plt.subplots(1, 3, figsize=(8, 3.4))
    for panel_axes, (label, panel) in zip(axes, panels, strict=True):
        panel_axes.imshow(panel.data)
        for (row, column), place in np.ndenumerate(panel.data):
            colour = "white" if place < 12 else "black"
            panel_axes.text(column, row, int(place), ha="center", va="center", color=colour)
        panel_axes.set(title=label, xticks=[], yticks=[])
    figure.suptitle("Place in memory: reshape keeps the order, transpose does not")
    figure.tight_layout()
    plt.show()

# %% [markdown]
"""
Reshaping lays the same thread out in rows of another length. Transposing turns the picture, so that
each row now has to jump through memory: not contiguous, and for large tensors slower to read.

## Part 6: Reductions

A reduction folds many numbers into one: a sum, an average, a maximum. The question is always
*which* numbers are folded together. The rule to remember: **the axis you name is the axis that
disappears**.

```
   shape (2, 3)            sum(axis=0)        sum(axis=1)      sum()

   [[1, 2, 3],     --->    [5, 7, 9]          [6, 15]          21
    [4, 5, 6]]             the 2 is gone      the 3 is gone    both are gone
```

In words: people stumble because `axis=0` sounds like "the rows" and leaves one number per
*column*. Ask what becomes of the shape, not what the axis is called.

With `keepdims=True` the axis stays, with size 1: (2, 3) becomes (2, 1) instead of (2,). Then the
result broadcasts against the tensor it came from. The cell subtracts from each row of a square
table the row's own average, first without keepdims. **Predict** both tables:
"""

# %%
table = np.array([[1.0, 2.0], [10.0, 20.0]])
print("without keepdims:", (table - table.mean(axis=1)).tolist())
print("with keepdims:   ", (table - table.mean(axis=1, keepdims=True)).tolist())

# %% [markdown]
"""
No error, and the first answer is wrong: the averages of the rows, a vector, met the columns. On a
table that is not square it would have been an error. Tests on square tables prove little.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_reductions", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def reduce_sum(array: np.ndarray, axis: Any = None, keepdims: bool = False) -> np.ndarray:
    """Return the sum along `axis`, as array.sum computes it.

    Args:
        axis: every spelling that resolve_axes understands.
        keepdims: keep each folded axis, with size 1.

    Raises:
        ValueError: the axis does not exist; the message comes from resolve_axes.

    Example:
        shape (2, 3), axis=-1  ->  shape (2,), or (2, 1) with keepdims
    """
    ### BEGIN SOLUTION
    return array.sum(axis=resolve_axes(axis, array.shape), keepdims=keepdims)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_tensor_reductions", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
# What is checked: sums over each kind of axis, keepdims, dtypes, and axes that do not exist.
def test_tensor_reductions():
    t = Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 9.0]])
    for settings, expected in [
        ({"axis": 0}, [5, 7, 12]),
        ({"axis": 1}, [6, 18]),
        ({}, 24),
        ({"axis": -1}, [6, 18]),
        ({"axis": (0, 1)}, 24),
        ({"axis": 1, "keepdims": True}, [[6], [18]]),
        ({"keepdims": True}, [[24]]),
    ]:
        words = ", ".join(f"{name}={value}" for name, value in settings.items())
        given = f"[[1, 2, 3], [4, 5, 9]].sum({words})"
        why = "with keepdims a folded axis stays, with size 1" if "keepdims" in settings else ""
        check.close(t.sum(**settings).data, expected, given=given,
                    because=why or "the named axis disappears")
        check.equal(t.sum(**settings).data.dtype.name, "float32", given=f"dtype of {given}")
    cube = Tensor(np.arange(24).reshape(2, 3, 4))
    check.close(cube.sum(axis=(0, 2)).data, [60, 92, 124], given="shape (2, 3, 4).sum(axis=(0, 2))")
    check.equal(cube.sum(axis=(0, 2), keepdims=True).shape, (1, 3, 1),
                given="shape (2, 3, 4).sum(axis=(0, 2), keepdims=True)")
    check.close(Tensor(7.0).sum().data, 7.0, given="Tensor(7.0).sum()")
    check.equal(Tensor(np.zeros((0, 3))).sum(axis=0).data.tolist(), [0.0, 0.0, 0.0],
                given="shape (0, 3).sum(axis=0)", because="the sum of nothing is 0")
    for axis in (5, -3):
        check.raises(ValueError, lambda axis=axis: t.sum(axis=axis),
                     given=f"shape (2, 3).sum(axis={axis})", mentions=[str(axis), "(2, 3)"],
                     because="the message of resolve_axes names the axis and the shape")
    small = Tensor(np.full(300, 100, dtype=np.int8))
    check.close(small.sum().data, 30000, given="the sum of 300 int8 elements of 100",
                because="NumPy adds up narrow integers in a wider dtype")


test_tensor_reductions()

# %% [markdown]
"""
Given: the average and the maximum repeat the pattern.
"""

# %%
#| export
def reduce_mean(array: np.ndarray, axis: Any = None, keepdims: bool = False) -> np.ndarray:
    """Return the average along `axis`, as array.mean computes it. The rest as in reduce_sum."""
    return array.mean(axis=resolve_axes(axis, array.shape), keepdims=keepdims)


def reduce_max(array: np.ndarray, axis: Any = None, keepdims: bool = False) -> np.ndarray:
    """Return the largest element along `axis`, as array.max does. The rest as in reduce_sum."""
    return array.max(axis=resolve_axes(axis, array.shape), keepdims=keepdims)


# %% [markdown]
"""
Unlike `+`, a sum of int8 does not wrap: NumPy adds up narrow integers in a wider dtype, and the
tensor stores the result as float32 (exact up to 16,777,216; beyond that, 7 digits). A sum of
float16 stays float16, and becomes inf beyond 65504. Folding an axis of length 0, such as axis 0 of
shape (0, 3), gives 0 for the sum, nan with a warning for the mean, and for the maximum a
ValueError.

## Part 7: Selecting parts

NumPy's indexing is rich, and `take` simply uses it: `t[1:3]` and `t[:, -1]` are views, and so is
`t[0]` (except for a 1-D tensor, where it is a single number, copied); `t[[2, 0, 2]]` gathers rows
2, 0 and 2 into a new array.

One thing needs care: a tensor may itself hold row numbers. **Does this work?**
"""

# %%
rows = Tensor([2, 0])
try:
    np.arange(3)[rows.data]
except IndexError as error:
    print(error)

# %% [markdown]
"""
Your tensor stores 2.0, not 2, and NumPy refuses floating point positions. `as_index` converts those
that stand in a tensor, an array or a list, and refuses fractions such as 1.5. (A bare `t[2.0]` gets
no such help: you can write `t[2]`.)

A **mask** (one True or False per row) must be a list or a NumPy array of bools. Inside a Tensor it
has become 1.0 and 0.0 long before `as_index` sees it, so `t[Tensor(mask)]` picks rows 1 and 0,
without an error.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_indexing", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def as_index(key: Any) -> Any:
    """Prepare what stands between the brackets of `tensor[key]` for NumPy.

    Args:
        key: a number, a slice, ..., None, a list, an array, a Tensor, or a tuple of these.

    Returns:
        - for a tuple: a tuple with every entry prepared in this same way;
        - for a list, an array or a Tensor: an array of positions. Floating point positions
          become int64; integers and booleans (a mask, which a Tensor cannot hold) stay as
          they are;
        - anything else (numbers, slices, ...): unchanged.

    Raises:
        IndexError: a floating point position in a list, an array or a Tensor that is not a
            whole number, such as 1.5. The message contains that number.

    Example:
        as_index(Tensor([2, 0]))  ->  array([2, 0]), of int64
    """
    ### BEGIN SOLUTION
    if isinstance(key, tuple):
        return tuple(as_index(part) for part in key)
    if not isinstance(key, (list, np.ndarray, Tensor)):
        return key
    positions = np.asarray(key)
    if positions.dtype.kind != "f":
        return positions
    whole = positions.astype(np.int64)
    if not np.array_equal(whole, positions):
        fraction = positions[whole != positions][0]
        raise IndexError(f"Positions must be whole numbers, but got {fraction}.")
    return whole
    ### END SOLUTION


def take(array: np.ndarray, key: Any) -> np.ndarray:
    """array[key], where `key` is what as_index returns."""
    return array[key]


# %% nbgrader={"grade": true, "grade_id": "test_tensor_indexing", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
# What is checked: numbers, slices, lists, masks and tensors as positions; fractions are refused.
def test_tensor_indexing():
    t = Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
    name = "[[1, 2, 3], [4, 5, 6], [7, 8, 9]]"
    mask = np.array([True, False, True])
    for key, expected, given in [
        (1, [4, 5, 6], "[1]"),
        (-1, [7, 8, 9], "[-1]"),
        (slice(0, 2), [[1, 2, 3], [4, 5, 6]], "[0:2]"),
        ((slice(None), 1), [2, 5, 8], "[:, 1]"),
        ((..., 0), [1, 4, 7], "[..., 0]"),
        ([2, 0, 2], [[7, 8, 9], [1, 2, 3], [7, 8, 9]], "[[2, 0, 2]]"),
        (Tensor([2, 0]), [[7, 8, 9], [1, 2, 3]], "[Tensor([2, 0])]"),
        (np.array([[0], [1]]), [[[1, 2, 3]], [[4, 5, 6]]], "[array [[0], [1]]]"),
        (mask, [[1, 2, 3], [7, 8, 9]], "[mask True, False, True]"),
        ((slice(None), Tensor([0, 2])), [[1, 3], [4, 6], [7, 9]], "[:, Tensor([0, 2])]"),
        (([0, 1], Tensor([1, 2])), [2, 6], "[[0, 1], Tensor([1, 2])]"),
    ]:
        check.close(t[key].data, expected, given=name + given)
    check.equal(as_index(Tensor([2, 0])).dtype.name, "int64", given="dtype of as_index(a Tensor)")
    for wrong, fraction in [
        ([0.5], "0.5"), (np.array([1.0, 1.5]), "1.5"), (Tensor([0.0, -0.5]), "-0.5")
    ]:
        check.raises(IndexError, lambda wrong=wrong: t[wrong], mentions=[fraction],
                     given=f"{name}[...] with the fraction {fraction} among the positions",
                     because="there is no row between two rows")
    many = np.arange(2000.0)
    many[1000] = 7.25
    check.raises(IndexError, lambda: as_index(many), mentions=["7.25"],
                 given="as_index of 2,000 positions, of which one, 7.25, is a fraction",
                 because="the message contains the fraction itself; of a long array NumPy prints "
                 "only the ends")
    check.raises(IndexError, lambda: t[3], given=f"{name}[3]", because="the last row is row 2")
    check.equal([row.data.tolist() for row in t][1], [4.0, 5.0, 6.0], given="iterating over rows")

    @probe
    def share_memory():
        t = Tensor(np.zeros((4, 3)))
        return [bool(np.shares_memory(t.data, part.data)) for part in (t[1:3], t[[1, 2]])]

    check.equal(share_memory(), [True, False],
                given="does t[1:3] share memory with t, and does t[[1, 2]]?",
                because="a slice is a view; gathered rows are a copy")


test_tensor_indexing()

# %% [markdown]
"""
### A bug hunt: the memory that never comes back

A colleague keeps the best row of every batch, the row with the largest sum. A batch takes 1 MB, a
row 1 KB. After a thousand batches the function below should hold 1 MB of rows. Instead the process
grows by 1 MB *per batch* until the operating system ends it. The rows it returns are all correct.

Run the next three cells as they stand; the third shows the symptom. Then find the cause and repair
`best_rows`.
"""

# %%
def held_megabytes(function, batches=20):
    """How much memory is still in use after `function`, while its result is alive."""
    tracemalloc.start()
    rows = function(Tensor(np.ones((1000, 250), dtype=np.float32)) for _ in range(batches))
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return held / 1e6, sum(row.memory_footprint() for row in rows) / 1e6


# %% nbgrader={"grade": false, "grade_id": "tensor_best_rows", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "bug hunt"}
def best_rows(batches: Any) -> list[Tensor]:
    """Return, for each batch, the row with the largest sum (the first of equals).

    Args:
        batches: any iterable of 2-D Tensors, such as a generator. It is read once, and no
            batch is changed.

    Returns:
        A list of 1-D Tensors. Together they keep no more memory alive than they show.
    """
    kept = []
    for batch in batches:
        totals = batch.sum(axis=1)
        best = int(np.argmax(totals.data))
        ### BEGIN BROKEN
        # kept.append(batch[best])
        ### END BROKEN
        ### BEGIN SOLUTION
        kept.append(Tensor(batch[best].data.copy()))
        ### END SOLUTION
    return kept


# %%
held, shown = held_megabytes(best_rows)
print(f"20 batches of 1 MB: {held:.2f} MB are held for {shown:.2f} MB of rows")

# %% nbgrader={"grade": true, "grade_id": "test_tensor_best_rows", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
# What is checked: the rows are right, the batches untouched, and only the rows stay in memory.
def test_tensor_best_rows():
    @probe
    def chosen():
        batches = [Tensor([[1.0, 2.0], [5.0, 0.0]]), Tensor([[3.0, 3.0], [2.0, 4.0]])]
        rows = best_rows(batch for batch in batches)
        return [[row.data.tolist() for row in rows], [type(row).__name__ for row in rows],
                [batch.data.tolist() for batch in batches]]

    given = "best_rows of the batches [[1, 2], [5, 0]] and [[3, 3], [2, 4]]"
    check.equal(chosen()[0], [[5.0, 0.0], [3.0, 3.0]], given=given,
                because="the largest sum wins, the first of equals")
    check.equal(chosen()[1], ["Tensor", "Tensor"], given=f"{given}: types")
    check.equal(chosen()[2], [[[1.0, 2.0], [5.0, 0.0]], [[3.0, 3.0], [2.0, 4.0]]],
                given="the batches after the call", because="no batch is changed")

    @probe
    def bytes_kept_alive():
        rows = best_rows(Tensor(np.ones((100, 25), dtype=np.float32)) for _ in range(4))
        kept = []
        for row in rows:
            owner = row.data
            while owner.base is not None:
                owner = owner.base
            kept.append(int(owner.nbytes))
        return kept

    check.equal(bytes_kept_alive(), [100, 100, 100, 100],
                given="best_rows of 4 batches of shape (100, 25), float32: the bytes of the "
                "memory block that each returned row keeps alive",
                because="a row shows 25 elements of 4 bytes; more must not stay in memory")


test_tensor_best_rows()

# %% [markdown]
"""
A block of memory lives as long as anything still looks at it, even a single row:

```
   a batch, one block of 1 MB     [ row 0 | row 1 | row 2 | ... | row 999 ]
                                              ^
   its best row, a view of 1 KB  -------------+   keeps the whole block
```

The same leak appears wherever small views of large things are collected: a thumbnail of each photo,
one column of a table. Views are cheap to make and can be expensive to keep.
"""

# %% [markdown]
"""
# Use

## All distances at once

How far is each of n points from each of m centres? Searching, grouping and recommending begin with
this table. The exercise is open: the docstring says what must hold, the way is yours.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_distances", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "open"}
def squared_distances(points: Tensor, centres: Tensor) -> Tensor:
    """Return the squared Euclidean distance of every point from every centre.

    Every step is an operation of your Tensor, and their number does not depend on how many
    points and centres there are. Points far from the origin lose no precision: moving
    everything by 10,000 changes no distance between points with whole coordinates.

    Args:
        points: shape (n, d), floating point, one point per row.
        centres: shape (m, d), floating point.

    Returns:
        A Tensor of shape (n, m).

    Raises:
        ValueError: the two have a different d, also where one of them is 1. The message
            contains both shapes.

    Example:
        points [[0, 0], [3, 4]], centres [[0, 0]]  ->  [[0], [25]]
    """
    ### BEGIN SOLUTION
    n, d = points.shape
    if centres.shape[1] != d:
        raise ValueError(f"Points {points.shape} and centres {centres.shape} differ in d.")
    difference = points.reshape(n, 1, d) - centres
    return (difference * difference).sum(axis=2)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_tensor_distances", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
# What is checked: known distances, symmetry, a shift, brute force, number of operations, faults.
def test_tensor_distances():
    check.close(squared_distances(Tensor([[0, 0], [3, 4]]), Tensor([[0, 0]])).data, [[0], [25]],
                given="points [[0, 0], [3, 4]], centres [[0, 0]]", because="3 * 3 + 4 * 4")
    check.close(squared_distances(Tensor([[1, 2]]), Tensor([[1, 2], [4, 6], [1, 0]])).data,
                [[0, 25, 4]], given="points [[1, 2]], centres [[1, 2], [4, 6], [1, 0]]")
    far = Tensor([[10_003, 10_004]]), Tensor([[10_000, 10_000]])
    check.close(squared_distances(*far).data, [[25]],
                given="points [[10003, 10004]], centres [[10000, 10000]]",
                because="3 * 3 + 4 * 4, as near the origin")
    random = np.random.RandomState(5)
    for n, m, d in [(5, 4, 3), (4, 4, 4), (3, 3, 1), (1, 6, 2), (2, 2, 2)]:
        a = random.randint(-9, 10, size=(n, d)).astype(np.float32)
        b = random.randint(-9, 10, size=(m, d)).astype(np.float32)
        brute = [[sum((p - c) ** 2 for p, c in zip(x, y, strict=True)) for y in b] for x in a]
        given = f"points of shape {a.shape}, centres of shape {b.shape}"
        check.close(squared_distances(Tensor(a), Tensor(b)).data, brute, given=given)
        check.close(squared_distances(Tensor(b), Tensor(a)).data, np.transpose(brute),
                    given=f"{given}, exchanged", because="from a to b is as far as from b to a")
        check.close(squared_distances(Tensor(a + 10_000), Tensor(b + 10_000)).data, brute,
                    given=f"{given}, everything moved by 10,000",
                    because="moving everything changes no distance")

    @probe
    def refusal(left, right):
        try:
            result = squared_distances(Tensor(np.ones(left)), Tensor(np.ones(right)))
        except ValueError as error:
            missing = [str(shape) for shape in (left, right) if str(shape) not in str(error)]
            return f"a ValueError without {missing[0]}" if missing else "refused, with both shapes"
        return f"no error; a result of shape {result.shape}"

    for left, right in [((4, 3), (5, 1)), ((4, 1), (5, 3)), ((4, 3), (5, 2))]:
        check.equal(refusal(left, right), "refused, with both shapes",
                    given=f"points of shape {left}, centres of shape {right}",
                    because="they have a different d: a ValueError must name both shapes")

    @probe
    def operations(n):
        heard = []
        Tensor._record = staticmethod(lambda *news: heard.append(news))
        try:
            result = squared_distances(Tensor(np.ones((n, 2))), Tensor(np.ones((n, 2))))
        finally:
            Tensor._record = None
        last = "the result" if heard and heard[-1][0] is result else "not the result"
        return [len(heard), last]

    check.equal(operations(3)[1], "the result",
                given="squared_distances with a listener: what it was told of last",
                because="every step is an operation of the Tensor, so it passes through compute")
    few, many = operations(3)[0], operations(30)[0]
    check.equal("as many" if many == few else "more", "as many",
                given=f"squared_distances: the operations for 30 points ({many}), compared with "
                f"those for 3 points ({few})", because="broadcasting replaces the loop")


test_tensor_distances()

# %% [markdown]
"""
## A reader of digits

Now real data: TinyDigits, 1,000 handwritten digits of 8 x 8 pixels and 200 more that nobody has
looked at yet. Take the average image of each digit; call an unseen image by the average that it is
nearest to. That is a reduction, a broadcast and an argmin. **Predict**: how many of the 200 will it
read, if pure guessing reads 20? And what do the average digits look like?
"""

# %%
# Plumbing: `datasets/` lies in a folder above this notebook; Python must be told where.
here = Path.cwd()
sys.path += [str(place) for place in (here, *here.parents) if (place / "datasets").is_dir()][:1]
from datasets.tinydigits import load_tinydigits

images, labels, test_images, test_labels = load_tinydigits()
pixels, unseen = Tensor(images).reshape(-1, 64), Tensor(test_images).reshape(-1, 64)
averages = Tensor([pixels[labels == digit].mean(axis=0).data for digit in range(10)])
distances = squared_distances(unseen, averages)
answers = distances.numpy().argmin(axis=1)
print(f"{unseen.shape} and {averages.shape} -> {distances.shape}")
print(f"read correctly: {(answers == test_labels).sum()} of {len(test_labels)}")

# %%
try:
    import matplotlib.pyplot as plt
except ImportError:
    print("Without matplotlib you miss a picture: the ten average digits, and some misread ones.")
else:
    wrong = np.flatnonzero(answers != test_labels)[:10]
    figure, panels = plt.subplots(2, 10, figsize=(10, 3), layout="constrained")
    for digit, panel in enumerate(panels[0]):
        panel.imshow(averages[digit].reshape(8, 8).data, cmap="gray_r")
        panel.set(title=str(digit))
    for panel, index in zip(panels[1], wrong, strict=False):
        panel.imshow(test_images[index], cmap="gray_r")
        panel.set(title=f"{test_labels[index]} as {answers[index]}")
    for panel in panels.flat:
        panel.set_axis_off()
    figure.suptitle("The average of each digit (above); digits read wrong (below)")
    plt.show()

# %% [markdown]
"""
About nine in ten, with nothing but your tensors and no learning at all. Keep that number in mind: a
network that *learns* has to beat it. The averages are blurred where writers differ, and the misread
digits fall between two of them.

# Reflect

## What it costs

### Overhead or work?

An operation on a tensor has a fixed part (calling functions, making objects) and a part that
grows with the number of elements. **Predict**: from which size on does the wrapper hardly matter?
"""

# %%
print(f"{'elements':>10}{'tensor, us':>12}{'numpy, us':>12}{'overhead':>10}{'ns/element':>12}")
for size in (1, 100, 10_000, 1_000_000):
    t = Tensor(np.ones(size))
    repeats = max(5, min(20_000, 2_000_000 // size))
    tensor_time = best_seconds(lambda t=t, n=repeats: [t + t for _ in range(n)], 3) / repeats
    array_time = best_seconds(lambda a=t.data, n=repeats: [a + a for _ in range(n)], 3) / repeats
    overhead = f"{(tensor_time / array_time - 1) * 100:.0f} %"
    print(
        f"{size:>10,}{tensor_time * 1e6:>12.2f}{array_time * 1e6:>12.2f}"
        f"{overhead:>10}{tensor_time / size * 1e9:>12.2f}"
    )

# %% [markdown]
"""
Subtract the NumPy column from the tensor column in the first rows: that is the price of the
wrapper, which hardly depends on the size. On a single number it is most of the time; the larger
the tensor, the smaller its share. On a quiet machine it no longer matters from somewhere between
ten thousand and a million elements on. The last column falls as the fixed price is spread over more
elements. Where a tensor and its result no longer fit the cache, it may rise again: each element
then waits for memory. This is why networks process *batches*: the fixed price is paid once for many
examples.

### Growth: elementwise against matrix product

Adding visits each element once; a matrix product visits each row once per column. An n x n
product takes n^3 multiplications and about as many additions, 2 n^3 operations. GFLOP/s below
means billions of such operations per second. **Predict** the two growth columns.
"""

# %%
random = np.random.RandomState(0)
print(f"{'n':>6}{'add, ms':>10}{'growth':>9}{'matmul, ms':>13}{'growth':>9}{'GFLOP/s':>10}")
growth = []
for size in (128, 256, 512, 1024):
    t = Tensor(random.randn(size, size))
    growth.append((size, best_seconds(lambda t=t: t + t), best_seconds(lambda t=t: t @ t)))
    _, add_before, product_before = growth[max(len(growth) - 2, 0)]
    _, add_time, product_time = growth[-1]
    print(
        f"{size:>6}{add_time * 1e3:>10.3f}{add_time / add_before:>7.1f} x"
        f"{product_time * 1e3:>13.3f}{product_time / product_before:>7.1f} x"
        f"{2 * size**3 / product_time / 1e9:>10.1f}"
    )

try:
    import matplotlib.pyplot as plt
except ImportError:
    print("Without matplotlib you miss a picture: time against size, on logarithmic axes.")
else:
    figure, axes = plt.subplots(figsize=(8, 4))
    large_sizes, adding, multiplying = zip(*growth, strict=True)
    sizes = [*fast_seconds, *large_sizes]
    axes.loglog(list(loop_seconds), list(loop_seconds.values()), "o-", label="product, three loops")
    axes.loglog(sizes, [*fast_seconds.values(), *multiplying], "s-", label="product, BLAS")
    axes.loglog(large_sizes, adding, "d--", label="addition")
    ends = np.array([128, 1024])
    axes.loglog(ends, multiplying[-1] * (ends / 1024) ** 3, ":", color="grey", label="8 times")
    axes.loglog(ends, adding[-1] * (ends / 1024) ** 2, "--", color="grey", lw=0.8, label="4 times")
    axes.set(xlabel="n, for n x n matrices", ylabel="seconds")
    axes.set_title("Per doubling: the product 8 times, addition 4 times")
    axes.legend(bbox_to_anchor=(1.02, 1), loc="upper left")
    figure.tight_layout()
    plt.show()

# %% [markdown]
"""
By the count, each doubling of n multiplies the cost of an addition by 4 and that of a product by 8.
Three things bend the measured growth: a small operation consists mostly of its fixed price (and
grows slower), a large one no longer fits the caches (so addition may suddenly grow faster), and a
large product uses several cores, which other programs may hold.

On log-log axes, "8 times per doubling" is a straight line, and so is "4 times", less steep (both
grey). The three loops climb from their first point, because each multiplication is so expensive.
The product through BLAS begins nearly flat, at its fixed price, and turns steep only for the larger
sizes.

### Memory: broadcasting, and a first look at working in place

Add a (768,) vector to a (32, 512, 768) tensor in three ways: after copying the vector into the full
shape, by broadcasting, and by broadcasting with `out=`, which lets NumPy write the result into
memory that exists. `tracemalloc` reports the most memory held at one time, beyond what was there
before. **Predict** the three figures; the large tensor takes 50 MB.
"""

# %%
def peak_megabytes(call):
    """The most memory that `call` holds at one time, beyond what was there before."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


large = Tensor(np.zeros((32, 512, 768), dtype=np.float32))
vector = Tensor(np.ones(768, dtype=np.float32))
for label, call in [
    ("large + copies of vector", lambda: large + Tensor(np.tile(vector.data, (32, 512, 1)))),
    ("large + vector, broadcast", lambda: large + vector),
    ("the same with out=large.data", lambda: np.add(large.data, vector.data, out=large.data)),
]:
    print(f"{label:<32}{peak_megabytes(call):>8.1f} MB")
print("large[0, 0, 0] is now", large[0, 0, 0].item())

# %% [markdown]
"""
The copies need another 50 MB, to hold the same 768 numbers 16,384 times. In place, almost nothing
is needed, and the price stands in the last line: the old value is gone. Whoever still needs it,
through a view or for a later computation, gets a wrong number and no error. That is why your
operators never work in place, and why `t += 1` makes a new tensor and gives it the old name. Module
18 comes back to `out=`, where it is safe and worth it.

### Views against copies

**Predict** which of these cost microseconds and which milliseconds.
"""

# %%
def report(label, call):
    print(f"{label:<44}{best_seconds(call) * 1e6:>12,.1f} us")


buffer = np.empty_like(large.data)
report("reshape (a view)", lambda: large.reshape(-1, 768))
report("transpose (a view)", lambda: large.transpose())
report("a copy of the data", lambda: large.data.copy())
report("reshape of a transposed tensor (must copy)", lambda: large.transpose().reshape(-1))
report("large + 1 (new memory)", lambda: large + 1)
report("the same sum into an existing buffer", lambda: np.add(large.data, 1, out=buffer))

# %% [markdown]
"""
A view costs the same at any size. Flattening a *transposed* tensor copies, as you saw in Part 5,
and in an order that is unkind to the cache. New memory has a price, too: the operating system must
hand it over, page by page. How much that adds depends on your machine.

## Questions

**1.** A product of two 1000 x 1000 matrices takes 20 ms, and 12 MB for the operands and the result
in float32. Estimate both for 2000 x 2000, and for a stack of 8 products of 1000 x 1000.

<details><summary>Answer</summary>

Doubling n costs 2 * 2 * 2 = 8 times: about 160 ms. Eight products of the first size cost the
same 160 ms. But the memory differs: 4 times as much (48 MB) for the large one, 8 times (96 MB)
for the stack.

</details>

**2.** "Try first, explain afterwards" is right for `+`. For which operations would it be wrong?

<details><summary>Answer</summary>

For those that change something others can see: rows written one by one into a buffer, lines
appended to a file. If such an operation fails half way, part of the old state is gone, and no
explanation brings it back, so there the check comes first. (`matmul` may check first for another
reason: comparing two numbers costs nothing beside a product.)

</details>

**3.** `squared_distances` on 10,000 images of 784 pixels against 10,000 others: how many bytes does
its largest tensor take? The formula |x - c|² = |x|² - 2 x·c + |c|² needs no such tensor. What does
it need instead, and which part of your contract would it break?

<details><summary>Answer</summary>

10,000 * 10,000 * 784 * 4 bytes is 314 GB. The formula needs one (n, m) table, 400 MB, and a matrix
product, which BLAS is best at. But it subtracts large numbers that nearly cancel: far from the
origin, float32's seven digits are used up by |x|² and |c|², and the small difference is noise. Fast
searches use it all the same, and move the data to the origin first.

</details>

**4.** (A case you have not seen.) A shop keeps its customers in a Tensor `t`, one row per order,
and the numbers of some orders in another Tensor, `numbers`; it looks up `t[numbers]`. That works
for years. One day, order 16,777,217 shows the customer of order 16,777,216. What happened, and why
did `as_index` not complain?

<details><summary>Answer</summary>

float32 has 24 binary digits: from 2^24 = 16,777,216 on, only every second whole number exists.
16,777,217 was rounded when the Tensor was made. What `as_index` sees *is* a whole number, just the
wrong one. Numbers that name things belong in integer arrays.

</details>

**5.** (Another new case.) A camera delivers frames as uint8, shape (height, width, 3). To centre
them, a colleague writes `frame - 128` on the uint8 tensor and saves memory. What comes out for a
pixel of 100, and what would you write?

<details><summary>Answer</summary>

The 128 becomes uint8, and 100 - 128 = -28 wraps round to 228: a dark pixel turns bright. Convert
first (`Tensor(frame.data.astype(np.float32)) - 128`) and pay 4 bytes a number, or int16 and pay 2.

</details>

**6.** (No answer here.) Your tensors cannot be written to: there is no `t[0] = 5`. PyTorch allows
it. What would every view, every listener and everybody who holds the tensor have to know for it
to be safe? Is the convenience worth it?
"""

# %% [markdown]
"""
## Common errors

Search this table for the message. Your own words may differ; the shapes in them are the same.

| what you see | what it means | what to do |
|---|---|---|
| `Cannot multiply shapes … 3 != 2` | inner sizes differ | one side wants `transpose()` |
| `Shapes … do not broadcast: … 3 meets 2` | no rule fits | one number per row: `v.reshape(-1, 1)` |
| shape (3, 3) instead of (3,) | a vector met a column | `keepdims=True` in the reduction |
| `Cannot reshape (3, 4) into (5, -1)` | the counts differ | multiply the sizes on both sides |
| `A matrix product needs a Tensor` | a list or array after `@` | wrap it |
| `unsupported operand type(s) for @` | an array before `@` | wrap it, too |
| `item() needs one element` | also from `float(t)`, `if t:` | reduce first |
| `has no attribute 'T'`; `**`, `<` fail | left out on purpose | `t.transpose()`, `t.data` |
| `Python integer 300 out of bounds for int8` | int8 ends at 127 | convert the tensor first |
| `t == u` is False for equal numbers | compares *objects* | `np.allclose(t, u)` |
| numbers change though nobody touched them | two views of one memory | `np.shares_memory`; copy |
| memory grows, little is kept | small views of large blocks | copy the part you keep |
"""

# %% [markdown]
"""
## In production

```
TinyTorch                        PyTorch

from tinytorch import Tensor     import torch

x = Tensor([[1, 2], [3, 4]])     x = torch.tensor([[1., 2.], [3., 4.]])
y = x + 2                        y = x + 2
z = x @ W + b                    z = x @ W + b
z.reshape(-1)                    z.reshape(-1)
z.transpose(0, 1)                z.transpose(0, 1)
z.sum(axis=0, keepdims=True)     z.sum(dim=0, keepdim=True)
z.item(), z.numpy()              z.item(), z.numpy()
```

Line by line, the two columns do the same. These differ:

| | yours | PyTorch |
|---|---|---|
| a list of whole numbers | becomes float32 | stays whole, int64 |
| `axis=`, `keepdims=` | NumPy's names | `dim=`, `keepdim=`; `axis=` works too |
| `t.transpose()` | exchanges the last two axes | an error: name both, or write `t.mT` |
| `t.max(axis=0)` | the values | a pair: the values and their positions |
| `t.size` | the number of elements | `t.numel()`; `t.size()` is the shape |
| `t == u` | are they the same object? | compares element by element |
| where no view is possible | `reshape` copies | `reshape` copies, too; `view` refuses |
| in place | only `out=`, on the array | `t += 1`, and methods with `_`: `t.add_(1)` |
| the seam | `compute` | the *dispatcher*, which also picks the device |
| runs on | CPU, through NumPy | CPU, graphics processors and more |
| operations | thirteen | more than two thousand |
"""

# %% [markdown]
"""
## Read the source

**PyTorch, file `torch/_refs/__init__.py`, function `_broadcast_shapes`**: your `broadcast_shape`,
in Python. (The one that runs is its twin in C++, `infer_size_impl` in
`aten/src/ATen/ExpandUtils.cpp`.) With PyTorch installed,
`print(inspect.getsource(torch._refs._broadcast_shapes))` shows it.

* Look for: the loop that counts the index down from -1. That is "aligned at the right"; where a
  shape has run out, nothing is compared, and the 1 that stands in `common_shape` remains.
* Ours is simpler: two shapes of known numbers. Theirs takes any number of shapes, and sizes that
  are only symbols, because a model may be compiled before anybody knows the batch size. Most of its
  lines are about that.
* Theirs behaves differently: a clash is a RuntimeError, and `torch.ones(2, 3) + torch.ones(2)`
  names the two sizes and the number of the dimension, where yours names both shapes. And where your
  int8 tensor refuses `t + 300`, PyTorch reduces the 300 to 44 without a word, and the sum wraps
  round once more: 100 + 300 is -112 there.
"""

# %% [markdown]
"""
## Further reading

* Harris and others, *Array programming with NumPy*, Nature 585 (2020): its authors on
  strides, views and broadcasting, in six pages. The clearest picture of what a tensor is.
* Edward Yang, *PyTorch internals* (blog.ezyang.com, 2019): the same ideas inside PyTorch, storage,
  strides and dispatcher, by one of its authors. Read it to see your `compute` grown up.
* Goto and van de Geijn, *Anatomy of High-Performance Matrix Multiplication* (2008): how BLAS cuts a
  product into blocks for the caches. Read the first sections when you wonder where the factor in
  Part 4 came from.
"""

# %% [markdown]
"""
## All together

The last cell runs every test again and then one scenario that uses the whole class.
"""

# %%
def test_module():
    """Every graded test, then a small computation from end to end."""
    for test in (
        test_tensor_as_array, test_tensor_class, test_tensor_as_tensor, test_tensor_compute,
        test_tensor_broadcast_shape, test_tensor_elementwise, test_tensor_operators,
        test_tensor_matmul_explicit, test_tensor_fast_matmul, test_tensor_matmul,
        test_tensor_matmul_operator, test_tensor_reshape, test_tensor_resolve_axes,
        test_tensor_transpose, test_tensor_reductions, test_tensor_indexing,
        test_tensor_best_rows, test_tensor_distances,
    ):
        test()

    images = Tensor(np.arange(2 * 4 * 4, dtype=np.float32).reshape(2, 4, 4))
    flat = images.reshape(2, -1)
    weights = Tensor(np.ones((16, 3)) / 16)
    scores = flat @ weights + Tensor([0.0, 1.0, 2.0])
    check.close(scores.data, [[7.5, 8.5, 9.5], [23.5, 24.5, 25.5]], given="two images, scored")
    centred = scores - scores.mean(axis=1, keepdims=True)
    check.close(centred.data, [[-1, 0, 1], [-1, 0, 1]], given="scores minus their mean per row")
    check.close((-centred * 2 / 4).data, [[0.5, 0, -0.5], [0.5, 0, -0.5]], given="-centred * 2 / 4")
    check.close(
        images.transpose().transpose(-2, -1).data, images.data, given="transposed back and forth"
    )
    check.equal(centred.max(axis=1).shape, (2,), given="the best score of each image")
    check.equal(images[1, 0, 0].item(), 16.0, given="images[1, 0, 0]")
    check.equal(len(images), 2, given="len(images)")
    check.equal(flat.backward(), None, given="backward()", because="it sleeps until Module 05")
    print("Your tensors compute.")


test_module()

# %% [markdown]
"""
## What this unlocks

`tito module complete 01` tests everything once more, and puts your tensor into your package. Then,
from anywhere in your workspace:

```python
from tinytorch import Tensor
x = Tensor([[3, 4]])
print(x, x @ x.transpose(), x.memory_footprint())
```

Next:

* **Module 02, Activations**: functions such as max(0, x), applied to every element of a tensor.
* **Module 03, Layers**: `x @ W + b` becomes an object that owns its weights.
* **Module 05, Autograd**: the sleeping features wake up, through the seam you built.
"""
