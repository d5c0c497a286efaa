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

**Foundation tier** | Difficulty ●○○○ | 4-6 hours | Prerequisites: none

You need basic Python (functions, classes, lists), a first acquaintance with NumPy arrays, and
to have multiplied two small matrices by hand once. No machine learning is assumed.

Every neural network, whatever it recognises or writes, spends its life doing arithmetic on
blocks of numbers. In this module you build the block: `Tensor`. Everything you build later in
this course stands on the file you are about to write.
"""

# %% [markdown]
"""
## Where this module stands

```
   prerequisites            this module                     unlocks

                        +------------------+      02 Activations  (functions of tensors)
      (none)     --->   |    01 Tensor     | ---> 03 Layers       (weights are tensors)
                        | data, shape, ops |      04 Losses       (errors are tensors)
                        +------------------+      05 Autograd     (wakes the gradient features)
```

In words: nothing comes before this module; Activations, Layers and Losses use its tensors
directly, and Module 05 will wake up a few features that lie dormant in it until then.
"""

# %% [markdown]
"""
## Learning objectives

After this module you can

1. **implement** a tensor class: arithmetic, matrix products, shape changes, reductions;
2. **state and apply** the broadcasting rule, and explain a broadcasting error from two shapes;
3. **count** the work of a matrix product and say why doubling the size costs eight times as much;
4. **predict** how many bytes a tensor takes, and whether an operation shares memory or copies;
5. **read** the same ideas in PyTorch, where most names and rules are the same.

## What you build

| part | you write | idea |
|---|---|---|
| 1 | `as_array`, `memory_footprint` | what a tensor stores, and what it costs |
| 2 | `compute` | the one seam that every result passes through |
| 3 | `broadcast_shape`, `elementwise` | arithmetic between different shapes |
| 4 | `matmul_explicit`, `matmul` | the matrix product: first counted, then fast |
| 5 | `reshape`, `resolve_axes`, `permute`, `transpose` | the same numbers seen in another shape |
| 6 | `reduce_sum`, `reduce_mean`, `reduce_max` | folding an axis away |
| 7 | `as_index` | selecting parts of a tensor |

## What you do not build yet

* Gradients: `requires_grad`, `grad` and `backward()` exist from today, and rest until Module 05.
* The two thousand operations of PyTorch: thirteen are enough to begin with. Among those left
  out are powers (`t ** 2`; write `t * t`), comparisons (`t < u`) and the short `t.T`.
* Graphics processors: your tensors live in ordinary memory, and NumPy computes on the CPU. First
  make it right and know what it costs.
"""

# %% [markdown]
"""
## Setup

The first cell says where this module's code goes in your framework: `tinytorch/core/tensor.py`.
Cells that begin with `#| export` are copied there; all other cells stay in this notebook.

In an exercise, replace only the line `raise NotImplementedError(...)` by your code (two exercises
have more than one such line: replace each), and keep every line around it. The docstring says all that is demanded. When an error message shall
*contain* something, such as a shape, that is tested; the other words are yours.
"""

# %%
#| default_exp core.tensor

# %%
#| export
import math
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any

import numpy as np

# %%
# For the test cells and experiments below; not part of your framework.
import time
import tracemalloc

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

Networks do not need 16 digits, and float32 takes half the memory of float64 and often half the
time. So the policy is: **everything becomes float32**, unless the caller hands over a NumPy
array that is already in one of the narrow dtypes. Whoever chose int8 did so to save memory, and
turning it into float32 would make it four times as large behind their back.

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
        data: a number, a nested list of numbers, a NumPy array, or a Tensor
            (np.asarray understands all of them; none needs code of its own).

    Returns:
        An array whose dtype is in STORED_DTYPES. If `np.asarray(data)` already has such a
        dtype it is returned as it is: same memory, no copy. Every other kind of real number
        (float64, int64, int32, bool, ...) is converted to float32.

    Raises:
        ValueError: rows of different length, such as [[1, 2], [3]]; the message contains the
            word "ragged". (NumPy raises a ValueError of its own here: replace it.)
        TypeError: anything but real numbers: text, None, complex numbers, and whole numbers too
            large for NumPy's integers. The message contains the name of the type of `data`,
            `type(data).__name__`.

    Steps:
        1. Call np.asarray(data); turn its ValueError into the clear one.
        2. If the dtype is in STORED_DTYPES, return the array.
        3. If `array.dtype.kind` is not one of the letters "b" (bool), "i" (signed integer),
           "u" (unsigned integer) and "f" (floating point), raise TypeError.
        4. Otherwise return the array converted to float32.

    Example:
        as_array([1, 2, 3])                         ->  array([1., 2., 3.], dtype=float32)
        as_array(np.array([1, 2], dtype=np.int8))   ->  the same int8 array
        as_array("hello")                           ->  TypeError: ... got str
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


# %% nbgrader={"grade": true, "grade_id": "test_tensor_as_array", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
def test_tensor_as_array():
    """Numbers become float32, narrow dtypes stay, no needless copies, faults are named."""
    check.close(as_array([[1, 2], [3, 4]]), [[1.0, 2.0], [3.0, 4.0]],
                given="as_array([[1, 2], [3, 4]])")
    check.equal(as_array([[1, 2], [3, 4]]).dtype.name, "float32",
                given="the dtype of as_array([[1, 2], [3, 4]])",
                because="whole numbers in a list are stored as float32")
    for data, shape in ((7, ()), ([], (0,))):
        check.equal(as_array(data).shape, shape, given=f"as_array({data}).shape")
    for kind in ("float64", "int64", "int32", "uint16", "bool"):
        check.equal(as_array(np.array([0, 1], dtype=kind)).dtype.name, "float32",
                    given=f"as_array of a {kind} array", because=f"{kind} becomes float32")
        check.close(as_array(np.array([0, 1], dtype=kind)), [0.0, 1.0],
                    given=f"as_array of a {kind} array [0, 1]")
    for kind in ("float16", "int8", "uint8", "int16", "float32"):
        check.equal(as_array(np.array([1, 2], dtype=kind)).dtype.name, kind,
                    given=f"as_array of a {kind} array",
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
### What it costs

The second question a systems engineer asks about any tensor, after its shape: how many bytes?
Large models are bounded by memory before anything else. 175 billion numbers in float16 are
350 GB, whatever you compute with them.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_memory_footprint", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def memory_footprint(array: np.ndarray) -> int:
    """Return how many bytes the elements of `array` take.

    That is the number of elements (array.size) times the bytes of one element
    (array.dtype.itemsize). The answer is a whole number.

    Example:
        a (2, 3) array of float32   ->  6 elements * 4 bytes = 24
        a (2, 3) array of int8      ->  6 elements * 1 byte  = 6
    """
    ### BEGIN SOLUTION
    return array.size * array.dtype.itemsize
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_tensor_memory_footprint", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_tensor_memory_footprint():
    """Bytes = elements x bytes per element."""
    for kind, expected in (("float32", 24), ("float16", 12), ("int8", 6)):
        check.equal(memory_footprint(np.zeros((2, 3), dtype=kind)), expected,
                    given=f"memory_footprint of a (2, 3) array of {kind}",
                    because=f"6 elements of {np.dtype(kind).itemsize} byte(s) each")
    for shape, expected in (((), 4), ((0, 5), 0)):
        check.equal(memory_footprint(np.zeros(shape, dtype=np.float32)), expected,
                    given=f"memory_footprint of a float32 array of shape {shape}")


test_tensor_memory_footprint()

# %% [markdown]
"""
Before you run the next cell, work out the first line on paper: 32 images, 3 colours,
224 x 224 pixels, float32.
"""

# %%
for label, shape, kind in [
    ("32 colour images, float32", (32, 3, 224, 224), np.float32),
    ("32 colour images, uint8", (32, 3, 224, 224), np.uint8),
    ("(784, 128) matrix, float32", (784, 128), np.float32),
    ("(784, 128) matrix, int8", (784, 128), np.int8),
]:
    size = memory_footprint(np.zeros(shape, dtype=kind))
    print(f"{label:<30}{size:>12,} bytes {size / 1e6:>8.2f} MB")

# %% [markdown]
"""
## Part 2: The class, and one seam for every result

Here is the whole class, given. Read it like a table of contents: nearly every method is one line
that names an *operation* (`add`, `matmul`, `reshape`, ...) and hands it to a function called
`compute`. You write `compute` right after this cell and the operations in Parts 3 to 7; each
brings another line of the class to life. (Python looks a name up when a function runs, not when
it is defined, so a method may mention a function that comes later.)

If you have not met it: `@property` lets a method be read like an attribute, `t.shape` instead of
`t.shape()`. `_record` is explained below, with `compute`; the methods with an `r` in front
(`__radd__`, ...) and `__array_ufunc__` in Part 3, where they are needed.
"""

# %%
#| export
class Tensor:
    """An N-dimensional array of numbers: the data structure everything else is built from.

    Args:
        data: a number, a nested list, a NumPy array or another Tensor.
        requires_grad: marks a tensor whose values are to be learned. Stored, not used yet.

    Attributes:
        data: the numbers, a NumPy array (see `as_array` for how they are stored).
        grad: None for now.
    """

    __array_ufunc__ = None  # `array + tensor` shall call Tensor.__radd__
    _record = None  # compute() calls this listener with every result, if there is one

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        self.data = as_array(data)
        self.requires_grad = requires_grad
        self.grad = None

    # What it is

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

    def memory_footprint(self) -> int:
        """Bytes that the elements take."""
        return memory_footprint(self.data)

    def __len__(self) -> int:
        return len(self.data)

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

    def item(self) -> float:
        """The only element, as a Python number. ValueError when there is not exactly one."""
        if self.size != 1:
            raise ValueError(f"item() needs one element, but shape {self.shape} has {self.size}.")
        return self.data.item()

    def __float__(self) -> float:
        return float(self.item())

    def __bool__(self) -> bool:
        return bool(self.item())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.data, dtype=dtype, copy=copy)

    def __iter__(self) -> Iterator["Tensor"]:
        return (self[row] for row in range(len(self)))

    # Arithmetic

    def __add__(self, other: Any) -> "Tensor":
        return compute(add, self, other)

    def __radd__(self, other: Any) -> "Tensor":
        return compute(add, other, self)

    def __sub__(self, other: Any) -> "Tensor":
        return compute(subtract, self, other)

    def __rsub__(self, other: Any) -> "Tensor":
        return compute(subtract, other, self)

    def __mul__(self, other: Any) -> "Tensor":
        return compute(multiply, self, other)

    def __rmul__(self, other: Any) -> "Tensor":
        return compute(multiply, other, self)

    def __truediv__(self, other: Any) -> "Tensor":
        return compute(divide, self, other)

    def __rtruediv__(self, other: Any) -> "Tensor":
        return compute(divide, other, self)

    def __neg__(self) -> "Tensor":
        return compute(negate, self)

    def matmul(self, other: "Tensor") -> "Tensor":
        """The matrix product `self @ other`. TypeError when `other` is not a Tensor."""
        if not isinstance(other, Tensor):
            raise TypeError(f"A matrix product needs a Tensor, but got {type(other).__name__}.")
        return compute(matmul, self, other)

    def __matmul__(self, other: "Tensor") -> "Tensor":
        return self.matmul(other)

    # Shape

    def reshape(self, *shape: Any) -> "Tensor":
        """The same elements in another shape; one size may be -1. See `reshape` for memory."""
        return compute(reshape, self, shape=_unpack(shape))

    def transpose(self, dim0: int | None = None, dim1: int | None = None) -> "Tensor":
        """Two dimensions exchanged, by default the last two. A view."""
        return compute(transpose, self, dim0=dim0, dim1=dim1)

    def permute(self, *axes: Any) -> "Tensor":
        """All dimensions in a new order. A view."""
        return compute(permute, self, axes=_unpack(axes))

    def __getitem__(self, key: Any) -> "Tensor":
        return compute(take, self, key=as_index(key))

    # Reductions

    def sum(self, axis: Any = None, keepdims: bool = False) -> "Tensor":
        """The sum along `axis` (a number, a tuple, or None for all)."""
        return compute(reduce_sum, self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> "Tensor":
        """The average along `axis`."""
        return compute(reduce_mean, self, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> "Tensor":
        """The largest element along `axis`."""
        return compute(reduce_max, self, axis=axis, keepdims=keepdims)

    # Gradients: dormant

    def backward(self, gradient: Any = None) -> None:
        """Does nothing until Module 05."""


def _unpack(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Let `f(2, 3)`, `f((2, 3))` and `f([2, 3])` mean the same."""
    if len(values) == 1 and isinstance(values[0], (tuple, list)):
        return tuple(values[0])
    return values


# %% [markdown]
"""
Now `compute`. For `t + 2` the class calls `compute(add, t, 2)`, which wraps what is not a tensor
yet (here the 2), takes the array out of each tensor, calls `add` on the arrays, and wraps the
resulting array in a new tensor.

Why the detour, when each method could do it alone? There are thirteen operations, and thirteen
copies of a rule drift apart. And a place that everything passes through, where something can be
added later without a change on either side, is worth having: it is called a **seam**. Here,
somebody may listen. A function stored in `Tensor._record`, the **listener**, is told about every
result; the given lines below your part see to that. There is none today, and asking costs next to
nothing.

Wrapping holds a small trap. A plain number (a Python int or float) wrapped as float32 would widen a
float16 partner to float32 (NumPy picks the wider dtype of two arrays), and the memory that someone
wanted to save is gone. So a plain number takes the dtype of the tensor it meets; only a float that
meets whole numbers becomes float32, 2.0 as well as 0.5, for fractions do not fit in int8. The next
function does that and is given.
"""

# %%
#| export
def as_tensor(value: Any, partners: tuple[Any, ...]) -> Tensor:
    """Wrap an operand that is not a Tensor yet.

    A plain number takes the dtype of the first tensor among its `partners`, so that
    `half * 2.0` stays float16; only a float among whole numbers becomes float32.
    """
    if isinstance(value, (int, float)):
        for partner in partners:
            if isinstance(partner, Tensor):
                dtype = partner.data.dtype
                if dtype.kind == "f" or isinstance(value, int):
                    return Tensor(np.asarray(value, dtype=dtype))
    return Tensor(value)


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

    Steps (the given lines below yours use these two names: choose them exactly, keep the lines):
        1. `tensors`: a tuple with one Tensor per input. An input that is a Tensor goes in as
           it is, the very same object; any other is wrapped by as_tensor(value, inputs).
        2. `output`: a Tensor made from the operation's result. The operation gets the `.data`
           of each tensor, in order, and the settings as keyword arguments.

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


# %% nbgrader={"grade": true, "grade_id": "test_tensor_compute", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_tensor_compute():
    """Arrays go into the operation, a new Tensor comes out, and inputs keep their identity."""

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
    def untrue_for_listener():
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
            "the settings are known": second[3] == {"dtype": np.float32},
        }
        return [fact for fact, holds in facts.items() if not holds]

    check.equal(untrue_for_listener(), [],
                given="compute(...) with a listener in Tensor._record: what should be true but "
                "is not", because="the given lines tell the listener about your `tensors` and "
                "`output`")


test_tensor_compute()

# %% [markdown]
"""
## Part 3: Arithmetic and broadcasting

Adding two tensors of the same shape adds element to element. But networks constantly add a
*vector to a matrix*: the same three offsets for every row, say. Copying the vector once per row
would work and would waste memory. **Broadcasting** is the rule by which the smaller operand is
read again and again instead, with no copy.

The rule: write both shapes aligned at the **right**, put 1 where a shape has run out, and compare
column by column. Two **equal** sizes go together, and that size is the result. A **1** goes
together with any size, and the result is the other size. Anything else is an error.

```
   (32,   1, 768)          (3, 4)           (3, 4)
   (     512, 768)         (   4)           (   3)
   ---------------         ------           ------
   (32, 512, 768)          (3, 4)           error: 4 meets 3
```

In words: (32, 1, 768) with (512, 768) gives (32, 512, 768), because the 1 stretches to 512 and
the missing dimension counts as 1; (3, 4) with (4,) gives (3, 4); (3, 4) with (3,) fails, because
the alignment is at the right, where 4 meets 3.

NumPy knows the rule. You write it once by hand, because shape errors will be your most frequent
ones, and whoever can apply this rule in their head reads them at a glance.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_broadcast_shape", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def broadcast_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that an elementwise operation on shapes `a` and `b` results in.

    Aligned at the right, two equal sizes give that size, and a 1 with any size gives the other
    size. A shape that has run out of dimensions counts as 1 there.

    Args:
        a, b: shapes (tuples of whole numbers), possibly of different length.

    Raises:
        ValueError: a pair does not fit. The message contains both shapes and the two sizes
            that clash, that of `a` first, in the form "4 meets 3".

    Steps:
        1. Walk through both shapes from the right. One way: zip_longest(reversed(a),
           reversed(b), fillvalue=1) yields the pairs, with 1 for what is missing.
        2. If the sizes differ and neither is 1, raise the ValueError.
        3. Collect the size of the result: the second if the first is 1, otherwise the first.
           (Not the larger one: a dimension of size 0 with a dimension of size 1 gives 0.)
        4. You collected from right to left, so turn the list round.

    Example:
        broadcast_shape((32, 1, 768), (512, 768))  ->  (32, 512, 768)
        broadcast_shape((3, 4), (3,))  ->  ValueError: ... (3, 4) ... (3,) ... 4 meets 3 ...
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


# %% nbgrader={"grade": true, "grade_id": "test_tensor_broadcast_shape", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
def test_tensor_broadcast_shape():
    """The rule on known pairs, on its edge cases, on impossible pairs, and on random shapes."""
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

NumPy's `np.add`, `np.subtract`, `np.multiply` and `np.divide` broadcast by themselves, fast.
What they lack is a helpful message: `operands could not be broadcast together with shapes
(2,3) (2,)` leaves it to the reader to find the rule.

Checking the shapes before each addition would slow down every addition in order to explain the
few that fail. A better habit: **try first, explain afterwards**. Let NumPy do the work, and call
`broadcast_shape` only when it refuses.

Two things in the class make the operators work with a tensor on the *right*. In `2 - t` Python
asks the number first; the number declines, and Python calls `t.__rsub__(2)`, which puts the
operands back in their written order. And `__array_ufunc__ = None` makes a NumPy array decline as
well; otherwise `array + t` would add the tensor to each element of the array, one by one.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_elementwise", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def elementwise(function: Callable[..., np.ndarray], a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Apply a NumPy function of two arrays, such as np.add, element by element.

    Args:
        function: np.add, np.subtract, np.multiply or np.divide. They broadcast by themselves.
        a, b: the operands, in this order.

    Returns:
        function(a, b), a new array. Neither operand is changed.

    Raises:
        ValueError: the shapes do not broadcast, with the message of broadcast_shape. A
            ValueError that `function` raised for another reason goes through as it is.

    Steps:
        1. In a `try` block, return function(a, b). This is the normal case, so nothing is
           checked before.
        2. In `except ValueError as error`, only keep the error under another name (Python
           deletes `error` at the end of the block).
        3. After the block, call broadcast_shape with the two shapes. If they are the fault, it
           raises the clear error. (Inside the block, the reader would see a chain of two.)
        4. If it did not raise, the fault is another one: raise the error that you kept.

    Example:
        elementwise(np.add, array of shape (2, 3), array of shape (3,))  ->  shape (2, 3)
        elementwise(np.add, array of shape (2, 3), array of shape (2,))  ->  ValueError: 3 meets 2
    """
    ### BEGIN SOLUTION
    try:
        return function(a, b)
    except ValueError as error:
        refusal = error
    broadcast_shape(a.shape, b.shape)  # raises, and says which rule is broken
    raise refusal
    ### END SOLUTION


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


# %% nbgrader={"grade": true, "grade_id": "test_tensor_elementwise", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def test_tensor_elementwise():
    """The operators on hand-computed numbers, with scalars, broadcasting, dtypes and errors."""
    a, b = Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([[10.0, 20.0], [30.0, 40.0]])
    row, column, t = Tensor([10.0, 20.0]), Tensor([[100.0], [200.0]]), Tensor([1.0, 2.0, 4.0])
    for call, expected, given in [
        (lambda: b - a, [[9, 18], [27, 36]], "[[10, 20], [30, 40]] - [[1, 2], [3, 4]]"),
        (lambda: a + b, [[11, 22], [33, 44]], "[[1, 2], [3, 4]] + [[10, 20], [30, 40]]"),
        (lambda: b * a, [[10, 40], [90, 160]], "[[10, 20], [30, 40]] * [[1, 2], [3, 4]]"),
        (lambda: b / a, [[10, 10], [10, 10]], "[[10, 20], [30, 40]] / [[1, 2], [3, 4]]"),
        (lambda: -a, [[-1, -2], [-3, -4]], "-[[1, 2], [3, 4]]"),
        (lambda: a + row, [[11, 22], [13, 24]], "[[1, 2], [3, 4]] + [10, 20]"),
        (lambda: column - row, [[90, 80], [190, 180]], "[[100], [200]] - [10, 20]"),
        (lambda: t + 1, [2, 3, 5], "[1, 2, 4] + 1"),
        (lambda: 1 + t, [2, 3, 5], "1 + [1, 2, 4]"),
        (lambda: 8 - t, [7, 6, 4], "8 - [1, 2, 4]"),
        (lambda: 3 * t, [3, 6, 12], "3 * [1, 2, 4]"),
        (lambda: 8 / t, [8, 4, 2], "8 / [1, 2, 4]"),
        (lambda: np.array([5.0, 6.0, 7.0]) - t, [4, 4, 3], "np.array([5, 6, 7]) - [1, 2, 4]"),
        (lambda: t - [1, 1, 1], [0, 1, 3], "[1, 2, 4] - the list [1, 1, 1]"),
    ]:
        check.close(call().data, expected, given=given)
        check.true(isinstance(call(), Tensor), given=given, because="the result is a Tensor")
        check.equal(call().data.dtype.name, "float32", given=f"dtype of {given}")
    check.close(t.data, [1, 2, 4], given="the tensor [1, 2, 4] after all this",
                because="operands never change")
    for kind, number, expected in [
        ("float16", 0.5, "float16"), ("int8", 2, "int8"), ("int8", 0.5, "float32")
    ]:
        whole = np.array([4, 6], dtype=kind)
        check.equal((Tensor(whole) * number).data.dtype.name, expected,
                    given=f"dtype of a {kind} tensor * {number}")
        check.close((Tensor(whole) * number).data, np.array([4, 6]) * number,
                    given=f"a {kind} tensor [4, 6] * {number}")
    other = Tensor([1.0, 2.0, 3.0])
    for symbol, call in [
        ("+", lambda: a + other), ("-", lambda: a - other),
        ("*", lambda: a * other), ("/", lambda: a / other),
    ]:
        check.raises(ValueError, call, given=f"shape (2, 2) {symbol} shape (3,)",
                     mentions=["(2, 2)", "(3,)", "2 meets 3"],
                     because="the message shall be the one of broadcast_shape")

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
One warning about the narrow whole numbers. A Python int takes the dtype of the tensor it meets,
and int8 ends at 127. NumPy does not complain when a result lies beyond: it **wraps round** to the
other end. That holds for `+`, `-`, `*` and `@`, also between two int8 tensors. A number that is
itself too large is refused. When results may leave the range, convert before you compute:
"""

# %%
t = Tensor(np.array([100], dtype=np.int8))
print("int8 100 + 100          ", t + 100)
try:
    t + 300
except OverflowError as error:
    print("int8 100 + 300           OverflowError:", error)
print("converted, 100 + 300    ", Tensor(t.data.astype(np.float32)) + 300)

# %% [markdown]
"""
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

In words: a (2, 3) matrix times a (3, 2) matrix is a (2, 2) matrix, and each of its four numbers
is a sum of three products, one for each position along the dimension that the two share.

That shared dimension, the last of A and the first of B, must have the same size in both. It is
called the **inner** dimension, because it stands inside when the shapes are written side by side:
(2, **3**) @ (**3**, 2). The outer ones survive.

### First with loops, to count the work

Write it the way the definition reads: three nested loops. Count the multiplications as you go.
This is not how the class will do it, and in a moment you will measure why.
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

    Steps:
        1. Check a.ndim, b.ndim and the inner sizes, a.shape[1] and b.shape[0].
        2. Begin with np.zeros((rows, columns), dtype=np.float32) and a count of 0.
        3. For each row i, each column j and each inner position k:
           add a[i, k] * b[k, j] to element (i, j) and 1 to the count.

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


# %% nbgrader={"grade": true, "grade_id": "test_tensor_matmul_explicit", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def test_tensor_matmul_explicit():
    """Product and count on small matrices, other shapes, and operands that do not fit."""
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
Count and time it. Before you run the cell: when the size doubles, by what factor does each
column grow?
"""

# %%
SIZES = (8, 16, 32, 64)
loop_seconds = {}
print(f"{'size':>6}{'multiplications':>18}{'seconds':>10}{'ns each':>10}")
for size in SIZES:
    square = np.random.RandomState(0).randn(size, size).astype(np.float32)
    start = time.perf_counter()
    _, count = matmul_explicit(square, square)
    loop_seconds[size] = time.perf_counter() - start
    each = loop_seconds[size] / count * 1e9
    print(f"{size:>6}{count:>18,}{loop_seconds[size]:>10.4f}{each:>10.0f}")

# %% [markdown]
"""
For n x n matrices there are n rows, n columns and n products for each: n * n * n multiplications.
Doubling n means eight times the work. Every implementation that follows the definition does that
many. (Cleverer recipes exist: Strassen's needs 7 products of half the size where the definition
needs 8, at the price of more additions and some precision.) What differs enormously is the cost
of *one* multiplication. Python spends its time finding out, again and again, what `*` and `+`
mean for the two objects at hand.

### Then vectorised, for real work

NumPy hands a matrix product to a BLAS library: code that has been tuned for decades, which
multiplies many pairs per clock tick and keeps what it needs in the cache, the small fast memory
inside the processor. This is the version the class uses, so it must also deal with more than two dimensions:

* **1-D** operands are vectors, and the product drops that dimension:
  (3,) @ (3,) is a scalar, (2, 3) @ (3,) is (2,), (3,) @ (3, 2) is (2,).
* **More than two** dimensions are stacks of matrices: the last two multiply, and the dimensions
  before them broadcast by the rule of Part 3: (10, 2, 3) @ (10, 3, 4) is (10, 2, 4), and
  (10, 2, 3) @ (3, 4) uses the same right-hand matrix ten times.

`np.matmul` follows these rules. In the last case it can be helped: ten small products with the
same matrix are one product of all twenty rows, (20, 3) @ (3, 4), and one large product is faster
than many small ones. The next function is given and does that. Your part is to refuse, clearly,
what does not fit.
"""

# %%
#| export
def fast_matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """np.matmul(a, b), where a stack that meets a single matrix becomes one tall product."""
    if a.ndim > 2 and b.ndim == 2:
        rows = a.reshape(math.prod(a.shape[:-1]), a.shape[-1])
        return np.matmul(rows, b).reshape(a.shape[:-1] + b.shape[1:])
    return np.matmul(a, b)


# %% nbgrader={"grade": false, "grade_id": "tensor_matmul", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the matrix product of two arrays of any number of dimensions from 1 up.

    The last two dimensions multiply; the dimensions before them are stacks, which broadcast. A
    1-D operand is a vector, whose dimension disappears from the result. (All as np.matmul.)

    Raises:
        ValueError: the message contains both shapes, and says which rule is broken:
            - an operand has no dimension at all (`*` is for numbers);
            - the inner sizes differ: `a.shape[-1]` must equal `b.shape[-2]`, or `b.shape[0]`
              when b is 1-D;
            - the dimensions before the last two do not broadcast.

    Steps:
        1. Refuse operands with ndim 0.
        2. Compare the two inner sizes; if they differ, raise the error.
        3. Return fast_matmul(a, b). If it still raises ValueError, only the dimensions before
           the last two can be the reason: raise an error of your own instead.

    Example:
        (2, 3) @ (3, 4)         ->  (2, 4)
        (10, 2, 3) @ (3, 4)     ->  (10, 2, 4)
        (2, 3) @ (3,)           ->  (2,)
        (2, 3) @ (2, 4)         ->  ValueError: ... (2, 3) and (2, 4) ... 3 != 2
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


# %% nbgrader={"grade": true, "grade_id": "test_tensor_matmul", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
def test_tensor_matmul():
    """The product on hand-computed numbers, vectors, stacks, and operands that do not fit."""
    a, v = Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([10.0, 1.0])
    wide = Tensor([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]])
    stack = Tensor(np.arange(12).reshape(2, 2, 3))
    check.close(a.matmul(a).data, [[7, 10], [15, 22]], given="A @ A with A = [[1, 2], [3, 4]]",
                because="row of A times column of A")
    check.close((a @ wide).data, [[1, 2, 4], [3, 4, 10]],
                given="[[1, 2], [3, 4]] @ [[1, 0, 2], [0, 1, 1]]")
    check.close((a @ v).data, [12, 34], given="[[1, 2], [3, 4]] @ [10, 1]")
    check.close((v @ a).data, [13, 24], given="[10, 1] @ [[1, 2], [3, 4]]")
    check.close((v @ v).data, 101, given="[10, 1] @ [10, 1]", because="10 * 10 + 1 * 1")
    check.close((stack @ Tensor([1.0, 1.0, 1.0])).data, [[3, 12], [21, 30]],
                given="[[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]] @ [1, 1, 1]")
    random = np.random.RandomState(2)
    for left, right in [
        ((3, 2, 4), (4, 5)), ((2, 3, 2, 4), (4, 1)), ((3, 2, 4), (3, 4, 5)), ((4, 5), (3, 5, 2)),
        ((6, 1, 2, 3), (4, 3, 2)), ((2, 3, 0), (0, 4)), ((0, 2, 3), (3, 4)),
    ]:
        x, y = random.randn(*left).astype(np.float32), random.randn(*right).astype(np.float32)
        expected = (x[..., :, :, None] * y[..., None, :, :]).sum(axis=-2)
        check.close((Tensor(x) @ Tensor(y)).data, expected, given=f"shape {left} @ shape {right}",
                    atol=1e-5, because="stacks pair by broadcasting")
        check.equal((Tensor(x) @ Tensor(y)).data.dtype.name, "float32",
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
                     lambda left=left, right=right: Tensor(np.ones(left)) @ Tensor(np.ones(right)),
                     given=f"shape {left} @ shape {right}", mentions=[str(left), str(right)],
                     because=why)
    check.raises(TypeError, lambda: a @ [[1.0], [2.0]], given="tensor @ list", mentions=["list"])


test_tensor_matmul()

# %%
def best_seconds(call, repeats=7):
    """The fastest of several runs: the one that was disturbed least."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


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
The same multiplications in the same number: only the price of one has changed. Keep this table
in mind whenever you are tempted to loop over the elements of a tensor in Python.

## Part 5: The same numbers in another shape

Memory is one long row of bytes. What makes a row of six numbers a (2, 3) matrix is a note kept
beside it: the shape, and the **strides**, which say how many bytes to jump to reach the next
element along each dimension.

```
   memory:                  0  1  2  3  4  5          (float32: 4 bytes each)

   shape (2, 3)             0  1  2                   one column on:   4 bytes
   strides (12, 4)          3  4  5                   one row on:     12 bytes

   shape (3, 2)             0  1                      reshape: a new note
   strides (8, 4)           2  3
                            4  5

   shape (3, 2)             0  3                      transpose: shape and strides
   strides (4, 12)          1  4                      exchanged
                            2  5
```

In words: the six numbers never move; reshaping and transposing write a new note about the same
memory. Both make (3, 2) out of (2, 3) here, and yet the two results are different matrices.

An array that shares another's memory is called a **view**. Making one takes the same instant for
a kilobyte as for a gigabyte. The other side of it: writing into a view writes into the original.
Arithmetic, in contrast, always makes a new array.

### reshape

Elements can neither appear nor vanish: 12 of them fill (3, 4), (2, 6) or (2, 2, 3), never (5, 5).
One size may be given as `-1`, to be worked out: 12 elements in (3, -1) must be (3, 4).
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_reshape", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def reshape(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the same elements, in the same order, in another shape.

    The result is a view whenever strides can describe the new shape; otherwise (it happens after
    a transpose) NumPy's reshape copies.

    Args:
        shape: the new shape; at most one of its sizes may be -1, meaning "work it out".

    Raises:
        ValueError: more than one -1, another negative size, or a number of elements that
            cannot fill the shape (which includes a -1 that would not be a whole number, or
            that stands beside a 0). The message contains the old shape and the requested
            one, as it was given.

    Steps:
        1. `known`: the product of the sizes that are not -1 (math.prod of an empty sequence is 1).
        2. If there is exactly one -1, replace it by array.size // known. (Leave it when
           `known` is 0: there is nothing to divide by.)
        3. If now a size is negative, or the product of all is not array.size, raise
           ValueError. A division that left a rest is noticed here, too.
        4. Return array.reshape(...) with the complete shape.

    Example:
        shape (2, 6) to (3, -1)   ->  (3, 4)
        shape (2, 6) to (5, -1)   ->  ValueError naming (2, 6) and (5, -1)
    """
    ### BEGIN SOLUTION
    complete = tuple(shape)
    known = math.prod(size for size in shape if size != -1)
    if complete.count(-1) == 1 and known > 0:
        complete = tuple(array.size // known if size == -1 else size for size in shape)
    if any(size < 0 for size in complete) or math.prod(complete) != array.size:
        raise ValueError(
            f"Cannot reshape {array.shape} into {shape}: the {array.size} elements must fill "
            "the new shape exactly, and at most one size may be -1."
        )
    return array.reshape(complete)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_tensor_reshape", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_tensor_reshape():
    """Order of elements, the -1, shared memory, and shapes that cannot be filled."""
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
    for wrong in [(4, 2), (4, -1), (-1, -1, 6), (-2, 3), (0, -1), (), (5,), (-1, -6)]:
        check.raises(ValueError, lambda wrong=wrong: t.reshape(wrong),
                     given=f"shape (2, 3) reshaped to {wrong}", mentions=["(2, 3)", str(wrong)],
                     because="6 elements cannot fill that shape")


test_tensor_reshape()

# %% [markdown]
"""
### Naming an axis

Dimensions are also called **axes**, numbered from 0, or from the end: -1 is the last axis, however
many come before it. The reductions of Part 6 take axes in four spellings: `None` for all, a number, a
negative number, or a tuple (or list) of numbers; `permute` takes the last. One function turns every
spelling into the same form.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_resolve_axes", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def resolve_axes(axis: int | tuple[int, ...] | None, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Turn any way of naming axes into a tuple of axis numbers from 0 up.

    Args:
        axis: None (every axis), a whole number, or a tuple or list of whole numbers. Negative
            numbers count from the end: -1 is the last axis.
        shape: the shape whose axes are meant.

    Returns:
        The axes in the order they were named, all between 0 and len(shape) - 1.

    Raises:
        ValueError: for an axis that the shape does not have, the message contains that axis as
            it was given (-4, say) and the shape; for an axis named twice, it contains `axis`
            as it was given, all of it ((1, -1), say), and the shape.

    Steps:
        1. None: return all axes.
        2. Make a single number a tuple of one.
        3. Check every axis: allowed are -ndim to ndim - 1, where ndim is len(shape).
        4. Make them non-negative: in Python, -1 % 3 is 2.
        5. Check that none occurs twice: 1 and -1 are the same axis of a (2, 3) matrix.

    Example:
        resolve_axes(None, (2, 3, 4))     ->  (0, 1, 2)
        resolve_axes(-1, (2, 3, 4))       ->  (2,)
        resolve_axes((0, -1), (2, 3, 4))  ->  (0, 2)
        resolve_axes(5, (2, 3, 4))        ->  ValueError: ... 5 ... (2, 3, 4)
        resolve_axes((1, -1), (2, 3))     ->  ValueError: ... (1, -1) ... (2, 3)
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


# %% nbgrader={"grade": true, "grade_id": "test_tensor_resolve_axes", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_tensor_resolve_axes():
    """All spellings of an axis, and those that mean nothing."""
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

Both exchange entries of shape and strides, so both are views.
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

    Steps:
        1. resolve_axes makes the axes non-negative and refuses the first two faults.
        2. Refuse the third: fewer axes than the array has.
        3. array.transpose(order) makes the view.

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
    """Return a view with two axes exchanged, by default the last two.

    Args:
        array: any array. Without dim0 and dim1, one of fewer than two dimensions has nothing
            to exchange and comes back as it is.
        dim0, dim1: the axes to exchange (negative numbers allowed); both or neither.

    Raises:
        ValueError: only one of dim0 and dim1 is given (the message contains the shape), or an
            axis does not exist (with the message of resolve_axes).

    Steps:
        1. Neither given: return the array if it has fewer than 2 dimensions, else use -2, -1.
        2. Only one given: raise ValueError.
        3. resolve_axes checks each number (one at a time: exchanging an axis with itself is
           pointless but allowed).
        4. array.swapaxes(first, second) makes the view.

    Example:
        transpose(array of shape (2, 3, 4))        ->  shape (2, 4, 3)
        transpose(array of shape (2, 3, 4), 0, 1)  ->  shape (3, 2, 4)
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


# %% nbgrader={"grade": true, "grade_id": "test_tensor_transpose", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_tensor_transpose():
    """Which element goes where, defaults, negative axes, shared memory, and faults."""
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
## Part 6: Reductions

A reduction folds many numbers into one: a sum, an average, a maximum. The question is always
*which* numbers are folded together. The rule to remember: **the axis you name is the axis that
disappears**.

```
   shape (2, 3)                 sum(axis=0)        sum(axis=1)      sum()

   [[1, 2, 3],          --->    [5, 7, 9]          [6, 15]          21
    [4, 5, 6]]                  the 2 is gone      the 3 is gone    both are gone
```

In words: for a table of rows and columns, axis=0 runs down the rows and leaves one number per
column; axis=1 runs along the columns and leaves one number per row; no axis at all leaves a
single number.

With `keepdims=True` the axis stays, with size 1: (2, 3) becomes (2, 1) instead of (2,). Then the
result broadcasts against the tensor it came from, as in `t - t.mean(axis=1, keepdims=True)`.

Unlike `+`, a sum of int8 does not wrap: NumPy adds narrow whole numbers in a wider type, and the
tensor stores the result as float32 (exact up to 16,777,216; beyond that, 7 digits). A sum of float16
stays float16, though, and becomes inf beyond 65504. And if there is nothing to fold, as in shape (0, 3), the sum is 0, the mean is nan with a warning, and the
maximum is a ValueError of NumPy's.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor_reductions", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def reduce_sum(array: np.ndarray, axis: Any = None, keepdims: bool = False) -> np.ndarray:
    """Return the sum along `axis`.

    Args:
        axis: None for all axes, a number (negative allowed) or a tuple: see resolve_axes.
        keepdims: keep each folded axis, with size 1.

    Raises:
        ValueError: the axis does not exist; the message comes from resolve_axes.

    Steps: array.sum(axis=..., keepdims=...), with the axes that resolve_axes returns.

    Example: shape (2, 3), axis=-1  ->  shape (2,), or (2, 1) with keepdims
    """
    ### BEGIN SOLUTION
    return array.sum(axis=resolve_axes(axis, array.shape), keepdims=keepdims)
    ### END SOLUTION


def reduce_mean(array: np.ndarray, axis: Any = None, keepdims: bool = False) -> np.ndarray:
    """Return the average along `axis`: the sum divided by how many numbers were folded.

    Arguments and errors as in reduce_sum; array.mean does the work. An average of float32 is
    float32, an average of float16 is float16.
    """
    ### BEGIN SOLUTION
    return array.mean(axis=resolve_axes(axis, array.shape), keepdims=keepdims)
    ### END SOLUTION


def reduce_max(array: np.ndarray, axis: Any = None, keepdims: bool = False) -> np.ndarray:
    """Return the largest element along `axis`.

    Arguments and errors as in reduce_sum; array.max does the work.
    """
    ### BEGIN SOLUTION
    return array.max(axis=resolve_axes(axis, array.shape), keepdims=keepdims)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_tensor_reductions", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_tensor_reductions():
    """Sum, mean and max over each kind of axis, with and without keepdims, and their dtypes."""
    t = Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 9.0]])
    for method, settings, expected in [
        ("sum", {"axis": 0}, [5, 7, 12]),
        ("sum", {"axis": 1}, [6, 18]),
        ("sum", {}, 24),
        ("sum", {"axis": 1, "keepdims": True}, [[6], [18]]),
        ("sum", {"keepdims": True}, [[24]]),
        ("mean", {"axis": 0}, [2.5, 3.5, 6]),
        ("mean", {"axis": -1}, [2, 6]),
        ("mean", {}, 4),
        ("mean", {"axis": (0, 1)}, 4),
        ("mean", {"axis": 0, "keepdims": True}, [[2.5, 3.5, 6]]),
        ("max", {"axis": 0}, [4, 5, 9]),
        ("max", {"axis": 1}, [3, 9]),
        ("max", {}, 9),
        ("max", {"axis": 1, "keepdims": True}, [[3], [9]]),
    ]:
        words = ", ".join(f"{name}={value}" for name, value in settings.items())
        given = f"[[1, 2, 3], [4, 5, 9]].{method}({words})"
        why = "with keepdims a folded axis stays, with size 1" if "keepdims" in settings else ""
        check.close(getattr(t, method)(**settings).data, expected, given=given,
                    because=why or "the named axis disappears")
        check.equal(getattr(t, method)(**settings).data.dtype.name, "float32",
                    given=f"dtype of {given}")
    check.close(Tensor([-5.0, -2.0]).max().data, -2, given="Tensor([-5, -2]).max()")
    cube = Tensor(np.arange(24).reshape(2, 3, 4))
    check.close(cube.sum(axis=(0, 2)).data, [60, 92, 124], given="shape (2, 3, 4).sum(axis=(0, 2))")
    check.close(cube.max(axis=(0, -1)).data, [15, 19, 23], given="(2, 3, 4).max(axis=(0, -1))")
    for method in ("sum", "mean", "max"):
        check.equal(getattr(cube, method)(axis=(0, 2), keepdims=True).shape, (1, 3, 1),
                    given=f"shape (2, 3, 4).{method}(axis=(0, 2), keepdims=True)")
        check.close(getattr(Tensor(7.0), method)().data, 7.0, given=f"Tensor(7.0).{method}()")
        for axis in (5, -3):
            check.raises(ValueError,
                         lambda method=method, axis=axis: getattr(t, method)(axis=axis),
                         given=f"shape (2, 3).{method}(axis={axis})",
                         mentions=[str(axis), "(2, 3)"],
                         because="the message of resolve_axes names the axis and the shape")
    small = Tensor(np.full(300, 100, dtype=np.int8))
    check.close(small.sum().data, 30000, given="the sum of 300 int8 elements of 100")
    check.equal(small.max().data.dtype.name, "int8", given="dtype of the max of an int8 tensor")
    half = Tensor(np.full(70000, 2, dtype=np.float16))
    check.close(half.mean().data, 2.0, given="the mean of 70,000 float16 elements of 2")
    check.equal(half.mean().data.dtype.name, "float16",
                given="dtype of the mean of a float16 tensor")


test_tensor_reductions()

# %% [markdown]
"""
## Part 7: Selecting parts

NumPy's indexing is rich, and `take` simply uses it: `t[1:3]` and `t[:, -1]` are views, and so is
`t[0]` (except for a 1-D tensor, where it is a single number, copied); `t[[2, 0, 2]]` gathers rows
2, 0 and 2 into a new array.

Only one thing needs care. A tensor may itself hold row numbers, and it stores them as float32:
2.0, not 2. NumPy refuses floating point positions, so `as_index` converts those that stand in a
tensor, an array or a list, and refuses fractions such as 1.5. (A bare `t[2.0]` gets no such help:
you can write `t[2]`.)

A warning: a **mask** (one True or False per row) must be a list or a NumPy array of bools. Inside
a Tensor it has become 1.0 and 0.0 long before `as_index` sees it, so `t[Tensor(mask)]` picks rows
1 and 0, without an error.
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

    Steps:
        1. Tuple: call as_index for each entry.
        2. Not a list, np.ndarray or Tensor: return the key itself.
        3. np.asarray makes an array of any of the three. If its dtype.kind is "f", convert
           to np.int64 and compare with the original: a difference means fractions.

    Example:
        as_index(Tensor([2, 0]))   ->  array([2, 0]), of int64
        as_index(slice(0, 2))      ->  slice(0, 2)
        as_index([0.5])            ->  IndexError: ... [0.5]
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
        raise IndexError(f"Positions must be whole numbers, but got {positions}.")
    return whole
    ### END SOLUTION


def take(array: np.ndarray, key: Any) -> np.ndarray:
    """Return array[key]. `key` is what as_index returns."""
    return array[key]


# %% nbgrader={"grade": true, "grade_id": "test_tensor_indexing", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_tensor_indexing():
    """Numbers, slices, lists, masks and tensors as positions; fractions are refused."""
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
# Use: predictions from data

The pattern that every network repeats is `x @ W + b`: features times weights, plus an offset.
Here it is on a table of four flats. The raw columns differ wildly in scale, so each is first
brought to mean 0 and a comparable range; `keepdims` and broadcasting do what loops would do.
"""

# %%
#            area m2  rooms  year
flats = Tensor([[50, 2, 1990], [80, 3, 1975], [120, 5, 2005], [65, 3, 2018]])
centre = flats.mean(axis=0, keepdims=True)
spread = (flats - centre).max(axis=0, keepdims=True)
x = (flats - centre) / spread
W = Tensor([[0.8, 1.0], [0.3, 0.2], [0.1, -0.5]])
b = Tensor([3.0, 1.5])
output = x.matmul(W) + b  # price, heating cost
print("centre ", centre)
print("x      ", x)
print("output ", output)
print(f"shapes: {x.shape} @ {W.shape} + {b.shape} -> {output.shape}")

# %% [markdown]
"""
# Reflect: what your tensors cost

## 1. The price of an operation: overhead or work?

An operation on a tensor has a fixed part (calling functions, making objects) and a part that
grows with the number of elements. Where does one overtake the other?
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
the tensor, the smaller its share, and the less time per element. This is why networks process
*batches*: the fixed price is paid once for many examples.

## 2. Growth: elementwise against matrix product

Adding visits each element once; a matrix product visits each row once per column. An n x n
product takes n^3 multiplications and about as many additions, 2 n^3 operations. GFLOP/s below
means billions of such operations per second.
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
    print("matplotlib is not installed: the tables above say the same as the plot.")
else:
    figure, axes = plt.subplots(figsize=(6, 4))
    axes.loglog(list(loop_seconds), list(loop_seconds.values()), "o-", label="three loops")
    axes.loglog(list(fast_seconds), list(fast_seconds.values()), "s-", label="vectorised")
    axes.loglog([g[0] for g in growth], [g[2] for g in growth], "^-", label="vectorised, larger")
    axes.loglog([g[0] for g in growth], [g[1] for g in growth], "d--", label="addition")
    axes.set(xlabel="n, for n x n matrices", ylabel="seconds", title="Matrix product")
    axes.legend()

# %% [markdown]
"""
By the count, each doubling of n costs addition 4 times and the product 8 times as much. Two things
bend the measured growth: a small operation consists mostly of its fixed price (and grows slower),
and a large one no longer fits the caches (so addition may suddenly grow faster).

On the doubly logarithmic axes of the plot, "8 times per doubling" is a straight line. The three
loops follow it from their first point, because each multiplication is so dear. The vectorised
product begins nearly flat, at its fixed price, and approaches the same slope only for the larger
sizes.

## 3. Memory: what broadcasting saves

Add a (768,) vector to a (32, 512, 768) tensor: once as broadcasting does it, once after copying
the vector into the full shape. `tracemalloc` reports the most memory held at one time.
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


def add_tiled():
    return large + Tensor(np.tile(vector.data, (32, 512, 1)))


print(f"the vector: {vector.memory_footprint():>12,} bytes")
print(f"the tensor: {large.memory_footprint():>12,} bytes")
print(f"peak of large + vector, broadcast:   {peak_megabytes(lambda: large + vector):>7.1f} MB")
print(f"peak of large + copies of vector:    {peak_megabytes(add_tiled):>7.1f} MB")

# %% [markdown]
"""
Both need one result of 50 MB. The copies need another 50 MB, to hold the same 768 numbers
16,384 times.

## 4. Views against copies, and memory that is written again

The line with the buffer is a preview of a habit: `out=` lets NumPy write into memory that exists,
instead of asking the system for fresh memory each time.
"""

# %%
def report(label, call):
    print(f"{label:<44}{best_seconds(call) * 1e6:>12,.1f} us")


report("reshape (a view)", lambda: large.reshape(-1, 768))
report("transpose (a view)", lambda: large.transpose())
report("a copy of the data", lambda: large.data.copy())
report("reshape of a transposed tensor (must copy)", lambda: large.transpose().reshape(-1))
report("large + 1 (new memory)", lambda: large + 1)
buffer = np.empty_like(large.data)
report("the same sum into an existing buffer", lambda: np.add(large.data, 1, out=buffer))
transposed = large.transpose()
print("strides", large.data.strides, "-> transposed", transposed.data.strides)
shared = np.shares_memory(large.data, transposed.data)
flat = np.shares_memory(large.data, transposed.reshape(-1).data)
print("transposed shares memory:", shared, "| flattened after transposing shares memory:", flat)

# %% [markdown]
"""
A view costs microseconds at any size. Flattening a *transposed* tensor is different: its elements
no longer lie in the order in which they are to be read, and no strides describe that order, so
NumPy has to copy after all, in an order that is unkind to the cache.

## Questions

**1.** A product of two 1000 x 1000 matrices takes 20 ms, and 12 MB for the operands and the result
in float32. Estimate both for 2000 x 2000, and for a stack of 8 products of 1000 x 1000.

<details><summary>Answer</summary>

Doubling n costs 2 * 2 * 2 = 8 times: about 160 ms. Eight products of the first size cost the
same 160 ms. But the memory differs: 4 times as much (48 MB) for the large one, 8 times (96 MB)
for the stack.

</details>

**2.** `y = x.reshape(2, 2)` followed by `y.data[0, 0] = 99`: what happens to x? And with
`y = (x + 0).reshape(2, 2)`?

<details><summary>Answer</summary>

reshape is a view: x changes too. `x + 0` computes a new array first, so x stays as it was, at
the price of a copy. Silent changes through views are hard to find; when in doubt, ask
`np.shares_memory(x.data, y.data)`.

</details>

**3.** Why does `compute` not check shapes before it calls the operation?

<details><summary>Answer</summary>

Nearly all operations succeed. A check beforehand is paid for every time; explaining after a
failure is paid for once, by the operation that failed anyway.

</details>
"""

# %% [markdown]
"""
# Common errors

Your own messages may be worded differently; the shapes in them are the same. Read them first.

* **`Cannot multiply shapes (2, 3) and (2, 2): the inner dimensions must match, but 3 != 2.`** The
  last size of the left operand must be the last but one of the right. Often one of the two wants
  a `transpose()`.
* **`Shapes (2, 3) and (2,) do not broadcast: aligned at the right, 3 meets 2; ...`** To give each
  of the 2 rows of a (2, 3) tensor a number of its own, make the vector of 2 a column:
  `t + v.reshape(-1, 1)`.
* **`Cannot reshape (3, 4) into (5, -1): the 12 elements must fill the new shape exactly, ...`**
  Count the elements on both sides.
* **`A matrix product needs a Tensor, but got ndarray.`** Wrap the other operand of `@`. (The other
  operators accept numbers, lists and arrays.) With the array on the left, Python says
  `unsupported operand type(s) for @: 'numpy.ndarray' and 'Tensor'`.
* **`item() needs one element, but shape (2, 2) has 4.`** So do `float(t)` and `if t:`. Reduce first.
* **`'Tensor' object has no attribute 'T'`**, and the same for `**` and `<`: the class has few names
  on purpose. For a single use, compute on the array: `t.data ** 2`.
* **No error, and wrong all the same:** `t == u` does not compare numbers. The class has no
  `__eq__`, so Python asks whether the two are the same *object*. (That is what lets tensors be
  members of sets and keys of dictionaries.) To compare values: `np.array_equal(t, u)`, or
  `np.allclose(t, u)` when rounding may differ.
"""

# %% [markdown]
"""
# In production: the same thing in PyTorch

```
TinyTorch                                      PyTorch

from tinytorch.core.tensor import Tensor       import torch

x = Tensor([[1, 2], [3, 4]])                   x = torch.tensor([[1., 2.], [3., 4.]])
y = x + 2                                      y = x + 2
z = x @ W + b                                  z = x @ W + b
z.reshape(-1)                                  z.reshape(-1)
z.transpose(0, 1)                              z.transpose(0, 1)
z.sum(axis=0, keepdims=True)                   z.sum(dim=0, keepdim=True)   (axis= works too)
z.item(), z.numpy()                            z.item(), z.numpy()
```

In words: the two columns do the same, line by line. These differ:

| | yours | PyTorch |
|---|---|---|
| a list of whole numbers | becomes float32 | stays whole, int64 |
| `t.transpose()` | exchanges the last two axes | an error: name both, or write `t.mT` |
| `t.max(axis=0)` | the values | a pair: the values and their positions |
| `t.size` | the number of elements | `t.numel()`; `t.size()` is the shape |
| `t == u` | are they the same object? | compares element by element |
| the seam | `compute` | the *dispatcher*, which also picks the device and the dtype |
| runs on | CPU, through NumPy | CPU, graphics processors and more, through C++ and CUDA |
| operations | thirteen | more than two thousand |
"""

# %% [markdown]
"""
# All together

The last cell runs every test again and then one scenario that uses the whole class.
"""

# %%
def test_module():
    """Every graded test, then a small computation from end to end."""
    for test in (
        test_tensor_as_array, test_tensor_memory_footprint, test_tensor_compute,
        test_tensor_broadcast_shape, test_tensor_elementwise, test_tensor_matmul_explicit,
        test_tensor_matmul, test_tensor_reshape, test_tensor_resolve_axes, test_tensor_transpose,
        test_tensor_reductions, test_tensor_indexing,
    ):
        test()

    images = Tensor(np.arange(2 * 4 * 4, dtype=np.float32).reshape(2, 4, 4))
    flat = images.reshape(2, -1)
    weights = Tensor(np.ones((16, 3)) / 16)
    scores = flat @ weights + Tensor([0.0, 1.0, 2.0])
    check.close(scores.data, [[7.5, 8.5, 9.5], [23.5, 24.5, 25.5]], given="two images, scored")
    centred = scores - scores.mean(axis=1, keepdims=True)
    check.close(centred.data, [[-1, 0, 1], [-1, 0, 1]], given="scores minus their mean per row")
    check.close(
        images.transpose().transpose(-2, -1).data, images.data, given="transposed back and forth"
    )
    check.equal(centred.max(axis=1).shape, (2,), given="the best score of each image")
    check.equal(images[1, 0, 0].item(), 16.0, given="images[1, 0, 0]")
    check.equal(len(images), 2, given="len(images)")
    check.equal(flat.backward(), None, given="backward()", because="it rests until Module 05")
    print("Module 01 complete: your tensors compute.")


test_module()

# %% [markdown]
"""
# What this unlocks

You have a tensor with arithmetic, products, shapes, reductions and indexing, in a file of a few
hundred lines that you can explain line by line. Next:

* **Module 02, Activations**: functions such as max(0, x), applied to every element of a tensor.
* **Module 03, Layers**: `x @ W + b` becomes an object that owns its weights.
* **Module 05, Autograd**: the dormant features wake up, through the seam you built.
"""
