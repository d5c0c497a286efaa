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
# Module 08: DataLoader

**Architecture** | ●●○○ | 6-8 hours | Prerequisites: 01 Tensor to 07 Training

A network is only as fast as the batches that reach it, and only as good as what is in them. Until
now a helper of five lines cut your arrays into batches. It needs all data in memory, it knows
nothing of files, and while it works, training waits. Today you build what takes its place: datasets
that can be counted and asked for, a loader that serves them in a fresh order, images that never
look the same twice, and threads that have the next batch ready before you ask.

## Where this comes from

In April 2021 Tanel Pärnamaa, an engineer in Estonia, found an old bug in his own training code once
more, and wondered who else had it. He downloaded over a hundred thousand public projects that use
PyTorch and looked at those whose data came from several workers and whose random changes to the
images came from NumPy. In more than 95 % of them each worker made *the same* random changes, since
all had begun as copies of one process, random state included. No error, no warning; models a little
worse than they could have been, for years. The official tutorial had it too. Nobody looks at the
loader when a model is not as good as hoped, so this module takes every random number seriously.

## Where this module stands

```
   files, arrays          01 Tensor          07 Training
   anything with          as_array           Trainer, checkpoints,
   numbered samples                          the random state
        |                    |                    ^
        v                    v                    |  for x, y in loader
   +------------------------------------------------------------+
   |                      08 DataLoader                         |
   |  Dataset -> order -> samples -> batch -> augment -> ahead  |
   +------------------------------------------------------------+
        |                                         |
        v                                         v
   09 Spatial: images                10-13: text, the same loader
```

In words: the loader stands between storage and computation and knows neither. Whoever can be
counted and asked by number can feed it; whatever loops over batches can be fed by it.

## What you will be able to do

1. **Describe** any data as a dataset, and build datasets out of datasets.
2. **Turn** samples into batches, one by one and at one stroke, and **measure** the difference.
3. **Decide** where each random number comes from, so that a run can be repeated and resumed,
   however many threads load it.
4. **Augment** images without a loop over them.
5. **Load** from files only what is needed, and **keep** what is worth keeping.
6. **Overlap** loading and training, and **say** beforehand whether it will help.
7. **Debug** a loop that starves.

## What you build

| part | you write | idea |
|---|---|---|
| 1 | `TensorDataset`, `Subset`, `ConcatDataset` | count and ask by number |
| 2 | `load_samples`, `collate` | samples become a batch |
| 3 | `epoch_key`, `random_stream` | where each random number comes from |
| 4 | `DataLoader` | one pass after another, lazily |
| 5 | `RandomHorizontalFlip`, `RandomCrop` | the same digit, never the same image |
| 6 | `get_batch` | one index for a whole batch |
| 7 | `read_image`, `ImageDataset`, `CachedDataset` (open) | files, and what to keep of them |
| 8 | `watch_loop`, `load_ahead`, `feed` (bug hunt) | never let training wait |

## What you do not build yet

Downloading data belongs to the milestones, and batches of texts of different lengths to Module 10
and later. Not part of the course: worker *processes*, and data spread over several machines.
"""

# %% [markdown]
"""
## Setup

Five short cells: the name of this module's file in your framework, what that file needs, what the
tests and experiments below need, where the data of the course lies (two folders up, if this
notebook is in its usual place), and the data itself.
"""

# %%
#| default_exp core.data_loader

# %%
#| export
"""Data: datasets, batches in a fresh order, augmentation, and loading ahead of the training."""

import math
import operator
import os
import threading
import time
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import numpy as np

from tinytorch.core.tensor import Tensor, as_array, method_of

# %%
# For the test cells and experiments below; not part of your framework.
import tempfile
import tracemalloc
import warnings

from tinytorch.core.activations import ReLU
from tinytorch.core.layers import Dropout, Linear, Sequential
from tinytorch.core.losses import CrossEntropyLoss
from tinytorch.core.optimizers import SGD, Adam
from tinytorch.core.training import Trainer
from tito.checks import check, probe

# %%
import sys

places = [Path.cwd(), *Path.cwd().parents]
sys.path += [str(place) for place in places if (place / "datasets" / "tinydigits").is_dir()]

# %%
from datasets.tinydigits import load_tinydigits

images, labels, test_images, test_labels = load_tinydigits()
print("TinyDigits: images", images.shape, images.dtype, "and labels", labels.shape)

# %% [markdown]
r"""
# Build

## Part 1: Data that can be counted and asked for

Two questions are enough to describe any data: **how many samples are there?** and **what is sample
number i?** The answers may come from an array, from a folder of files or from a formula; whoever
asks cannot tell. In Python the two questions are `len(data)` and `data[i]`, that is, the methods
`__len__` and `__getitem__`.

A sample is a *tuple*: the things that belong together, such as an image and its label. Once paired,
they cannot be shuffled apart.

What should `data[i]` do when there is no sample i? **What will this print?** The class below says
that it has 3 samples, and answers for any number:
"""

# %%
class Squares:
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return index * index


print("len:", len(Squares()), "| a for loop, cut off after 8:", list(islice(Squares(), 8)))
print("digits[-1] of [5, 6, 7]:", [5, 6, 7][-1])

# %% [markdown]
"""
A `for` loop over an object with `__getitem__` asks for 0, 1, 2, … and stops at the first
**IndexError**; it never asks for the length. Without the error the loop does not end, and a
ValueError would break it instead of ending it. So the kind of error is part of the contract.

The second line is a trap of another kind. Somebody computes an index, is off by one, gets -1, and
Python serves the last sample without a word. Our datasets refuse negative numbers.

`Dataset`, given, names what every dataset has to answer. `ABC` and `@abstractmethod` make Python
refuse to build an object of a class that lacks one of them. (`get_batch` is for Part 6.)
"""

# %%
#| export
class Dataset(ABC):
    """Samples that one can count and ask for by number, wherever they are kept.

    A sample is a tuple with one entry for each thing that belongs to it: (image, label).
    """

    @abstractmethod
    def __len__(self) -> int:
        """How many samples there are."""

    @abstractmethod
    def __getitem__(self, index: int) -> tuple:
        """Sample number `index`, from 0. IndexError for every number from len(self) on."""

    def get_batch(self, indices: np.ndarray) -> tuple[Tensor, ...] | None:
        """The batch of these samples at one stroke, or None: there is no way but one by one."""
        return None


def batch_at_once(dataset: Any, indices: np.ndarray) -> tuple[Tensor, ...] | None:
    """What the dataset's get_batch gives; None if it has none, as a list of samples has not."""
    get_batch = getattr(dataset, "get_batch", None)
    return None if get_batch is None else get_batch(indices)

# %% [markdown]
"""
The first dataset: tensors that are in memory anyway. `operator.index` turns whatever is a whole
number (an int, a NumPy integer) into an int of Python, and raises a TypeError for all else.
"""

# %% nbgrader={"grade": false, "grade_id": "dataloader_tensor_dataset", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def check_index(index: Any, size: int) -> int:
    """`index` as an int of Python, if it is one of 0, …, size - 1.

    Raises:
        IndexError: it is not, negative numbers included. The message contains the index and size.
        TypeError: it is no whole number at all (`operator.index` raises that by itself).

    Example:
        check_index(np.int64(4), 5) is 4
    """
    ### BEGIN SOLUTION
    position = operator.index(index)
    if not 0 <= position < size:
        raise IndexError(f"index {position} is out of range for {size} samples, from 0 on")
    return position
    ### END SOLUTION


class TensorDataset(Dataset):
    """Tensors side by side: sample i consists of entry i, along dimension 0, of each of them.

    Attributes:
        tensors: the tuple of tensors.
    """

    def __init__(self, *tensors: Tensor) -> None:
        """Keep the tensors, uncopied.

        Raises:
            TypeError: one of them is not a Tensor. The message contains the name of its type.
            ValueError: no tensor at all; one of shape (), which has no entries; or tensors of
                different lengths along dimension 0. The last message contains these lengths.
        """
        ### BEGIN SOLUTION
        for tensor in tensors:
            if not isinstance(tensor, Tensor):
                raise TypeError(f"TensorDataset takes Tensors, got {type(tensor).__name__}")
        if not tensors or any(tensor.ndim == 0 for tensor in tensors):
            raise ValueError("TensorDataset needs tensors with at least one dimension")
        lengths = [len(tensor) for tensor in tensors]
        if len(set(lengths)) > 1:
            raise ValueError(f"all tensors must have the same length, got {lengths}")
        self.tensors = tensors
        ### END SOLUTION

    def __len__(self) -> int:
        """The number of samples."""
        ### BEGIN SOLUTION
        return len(self.tensors[0])
        ### END SOLUTION

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        """Entry `index` of each tensor, as a tuple of new Tensors that require no gradient.

        Dtypes stay as they are. An index outside, or none at all: as `check_index` says.

        Example:
            TensorDataset(x, y)[2] is (x's row 2, y's entry 2); y's entry has the shape ()
        """
        ### BEGIN SOLUTION
        position = check_index(index, len(self))
        return tuple(Tensor(tensor.data[position]) for tensor in self.tensors)
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* samples and their dtypes, every kind of wrong index, loops that end, and tensors
that do not go together.
"""

# %% nbgrader={"grade": true, "grade_id": "test_dataloader_tensor_dataset", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@probe
def sample_of(dtype, requires_grad):
    """Sample 1 of a dataset of two tensors: types, dtypes, shapes, gradients wanted."""
    x = Tensor(np.array([[1, 2], [3, 4], [5, 6]], dtype=dtype), requires_grad=requires_grad)
    sample = TensorDataset(x, Tensor([7, 8, 9]))[1]
    return {
        "types": [type(sample).__name__, *(type(entry).__name__ for entry in sample)],
        "dtypes": [entry.dtype.name for entry in sample],
        "shapes": [entry.shape for entry in sample],
        "requires_grad": [entry.requires_grad for entry in sample],
    }


@probe
def loop_over(size):
    """How many samples a for loop gets (cut off after 20), and the type that check_index gives."""
    count = sum(1 for _ in islice(TensorDataset(Tensor(np.zeros((size, 2)))), 20))
    return count, type(check_index(np.int64(1), size)).__name__


def test_dataloader_tensor_dataset():
    """Samples by number, and an error for everything that is none."""
    x, y = Tensor([[1, 2], [3, 4], [5, 6]]), Tensor([7, 8, 9])
    dataset = TensorDataset(x, y)
    given = "TensorDataset of [[1, 2], [3, 4], [5, 6]] and [7, 8, 9]"
    check.equal(len(dataset), 3, given=f"len of {given}", because="three rows, three samples")
    check.close(dataset[2][0].data, [5, 6], given=f"{given}: the first entry of sample 2")
    check.close(dataset[0][1].data, 7, given=f"{given}: the second entry of sample 0",
                because="entry 0 of [7, 8, 9]: one number, of shape ()")
    check.equal(check_index(16, 17), 16, given="check_index(16, 17)",
                because="the last of 17 samples has number 16")
    check.equal(sample_of("float32", False)["types"], ["tuple", "Tensor", "Tensor"],
                given=f"{given}: the types of sample 1 and of its entries")
    check.equal(sample_of("uint8", False)["dtypes"], ["uint8", "float32"],
                given="x of uint8: the dtypes in a sample",
                because="dtypes stay as they are: small numbers take little memory")
    check.equal(sample_of("float32", False)["shapes"], [(2,), ()],
                given=f"{given}: the shapes in sample 1")
    check.equal(sample_of("float32", True)["requires_grad"], [False, False],
                given="x that requires a gradient: do the entries of a sample?",
                because="data are not learned: the entries are new Tensors")
    check.equal(len(TensorDataset(Tensor(np.zeros((4, 0, 2))))), 4,
                given="len of a TensorDataset of one tensor of shape (4, 0, 2)")
    for wrong in (17, 100, -1, -17):
        check.raises(IndexError, lambda wrong=wrong: check_index(wrong, 17),
                     given=f"check_index({wrong}, 17)", mentions=[str(wrong), "17"],
                     because="the samples have the numbers 0 to 16")
    for wrong in (3, -1):
        check.raises(IndexError, lambda wrong=wrong: dataset[wrong],
                     given=f"{given}: sample {wrong}", mentions=[str(wrong), "3"])
    for wrong in (1.0, "1"):
        check.raises(TypeError, lambda wrong=wrong: dataset[wrong],
                     given=f"{given}: sample {wrong!r}", because="that is not a whole number")
    check.equal(loop_over(5), (5, "int"), given="a for loop over 5 samples (cut off after 20): how "
                "many come; and the type of check_index(np.int64(1), 5)",
                because="the IndexError at number 5 ends the loop")
    many, few = Tensor(np.zeros((100, 10))), Tensor(np.zeros(90))
    check.raises(ValueError, lambda: TensorDataset(many, few), mentions=["100", "90"],
                 given="tensors of shapes (100, 10) and (90,)",
                 because="sample 90 would have an image and no label")
    check.raises(ValueError, lambda: TensorDataset(), given="TensorDataset()",
                 because="there is nothing to count")
    for tensors in ((Tensor(3.0),), (x, Tensor(3.0))):
        check.raises(ValueError, lambda tensors=tensors: TensorDataset(*tensors),
                     given=f"{len(tensors)} tensor(s), the last of shape ()",
                     because="a tensor without dimensions has no entries")
    check.raises(TypeError, lambda: TensorDataset(x, [7, 8, 9]), mentions=["list"],
                 given="a Tensor and a list", because="say so now, not at the first sample")


test_dataloader_tensor_dataset()

# %% [markdown]
"""
### Datasets out of datasets

A training and a validation part, every tenth sample, two collections as one: none of this needs a
copy of the data. A dataset may ask another dataset. Draw two collections of 3 and 2 samples on
paper, with the numbers 0 to 4 below them: which sample of which collection is number 3, and what
must you know to say so?

`accumulate([3, 2, 4])` gives the running sums 3, 5, 9, and `bisect_right(sorted_list, value)` how
many entries of a sorted list are less than or equal to a value. `Subset.get_batch`, given, will
pass on what you write in Part 6.
"""

# %% nbgrader={"grade": false, "grade_id": "dataloader_views", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class Subset(Dataset):
    """Some samples of a dataset, in the order of `indices`: its sample i is sample indices[i].

    Attributes:
        dataset: the dataset it looks into.
        indices: an int64 array of numbers of that dataset.
    """

    def __init__(self, dataset: Dataset, indices: Iterable[int]) -> None:
        """IndexError if the dataset has no sample of one of these numbers (see `check_index`)."""
        ### BEGIN SOLUTION
        self.dataset = dataset
        size = len(dataset)
        self.indices = np.array([check_index(index, size) for index in indices], dtype=np.int64)
        ### END SOLUTION

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> tuple:
        """Sample number `index` of those chosen; an index outside: as `check_index` says."""
        ### BEGIN SOLUTION
        return self.dataset[int(self.indices[check_index(index, len(self))])]
        ### END SOLUTION

    def get_batch(self, indices: np.ndarray) -> tuple[Tensor, ...] | None:
        return batch_at_once(self.dataset, self.indices[indices])


class ConcatDataset(Dataset):
    """Several datasets, one after the other, as one. Some of them may be empty.

    Attributes:
        datasets: the list of datasets.
        ends: for each of them, the number of samples up to its end.
    """

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        """ValueError if there is not a single dataset."""
        ### BEGIN SOLUTION
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset needs at least one dataset")
        self.ends = list(accumulate(len(dataset) for dataset in self.datasets))
        ### END SOLUTION

    def __len__(self) -> int:
        return self.ends[-1]

    def __getitem__(self, index: int) -> tuple:
        """Sample number `index` of all; an index outside: as `check_index` says.

        Example:
            datasets of 3 and 2 samples: number 3 is number 0 of the second
        """
        ### BEGIN SOLUTION
        position = check_index(index, len(self))
        number = bisect_right(self.ends, position)
        start = self.ends[number - 1] if number else 0
        return self.datasets[number][position - start]
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* orders, repeats, borders, empty datasets at every place, and numbers outside:
for a `Subset` when it is made.
"""

# %% nbgrader={"grade": true, "grade_id": "test_dataloader_views", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
@probe
def numbers_in(case, *arguments):
    """The samples of a Subset, or of a ConcatDataset of datasets of these sizes."""

    class Numbers(Dataset):
        def __init__(self, start, size):
            self.start, self.size = start, size

        def __len__(self):
            return self.size

        def __getitem__(self, index):
            if type(index) is not int or not 0 <= index < self.size:
                raise ValueError(f"a dataset of {self.size} samples was asked for {index!r}")
            return (self.start + index,)

    if case == "subset":
        chosen = Subset(Numbers(0, arguments[0]), iter(arguments[1]))
        return {"samples": [chosen[i][0] for i in range(len(chosen))],
                "dtype": chosen.indices.dtype.name}
    parts = [Numbers(10 * k, size) for k, size in enumerate(arguments[0])]
    joined = ConcatDataset(iter(parts))
    return {"samples": [joined[i][0] for i in range(len(joined))], "kept": len(joined.datasets)}


@probe
def made_from_generator(size, indices):
    """The error of a Subset of so many samples whose indices come from a generator."""
    try:
        Subset([(k,) for k in range(size)], (k for k in indices))
    except IndexError as error:
        return type(error).__name__
    return "none"


def test_dataloader_views():
    """Each number leads to its sample, and numbers outside lead nowhere."""
    check.equal(numbers_in("subset", 7, [5, 0, 5, 6])["samples"], [5, 0, 5, 6],
                given="Subset(0 … 6, indices [5, 0, 5, 6], from a generator): its samples",
                because="in the order of the indices, repeats included")
    check.equal(numbers_in("subset", 7, [2])["dtype"], "int64", given="the dtype of `indices`")
    check.equal(numbers_in("subset", 7, [])["dtype"], "int64",
                given="the dtype of `indices` when there are none",
                because="np.array([]) is float64, and floats are no indices")
    seven = TensorDataset(Tensor([0, 1, 2, 3, 4, 5, 6]))
    for wrong, number in (([0, 17], "17"), ([-3], "-3")):
        check.raises(IndexError, lambda wrong=wrong: Subset(seven, wrong), mentions=[number, "7"],
                     given=f"Subset of 7 samples, indices {wrong}",
                     because="found when it is made, not hours later")
    check.equal(made_from_generator(7, [0, 17]), "IndexError",
                given="Subset of 7 samples, indices 0 and 17 from a generator: the error",
                because="a generator gives its numbers once: what is checked must be what is kept")
    two = Subset(seven, [4, 6])
    for wrong in (2, -1):
        check.raises(IndexError, lambda wrong=wrong: two[wrong], mentions=[str(wrong), "2"],
                     given=f"Subset of 2 samples: sample {wrong}")
    for sizes, expected in (
        ([3, 2], [0, 1, 2, 10, 11]), ([2, 3, 1], [0, 1, 10, 11, 12, 20]), ([4], [0, 1, 2, 3]),
        ([0, 2, 0, 0, 1, 0], [10, 11, 40]), ([0, 0], []),
    ):
        check.equal(numbers_in("concat", sizes)["samples"], expected,
                    given=f"datasets of {sizes} samples, numbered from 0, 10, 20, …, as one",
                    because="the first sample of each follows the last of the one before")
    check.equal(numbers_in("concat", [1, 2])["kept"], 2,
                given="`datasets` afterwards, given as a generator of two: how many?")
    both = ConcatDataset([two, seven])
    for wrong in (9, -1, 100):
        check.raises(IndexError, lambda wrong=wrong: both[wrong], mentions=[str(wrong), "9"],
                     given=f"datasets of 2 and 7 samples as one: sample {wrong}",
                     because="nine samples have the numbers 0 to 8")
    check.raises(ValueError, lambda: ConcatDataset([]), given="ConcatDataset([])",
                 because="there is nothing to join, which is a mistake somewhere else")


test_dataloader_views()

# %% [markdown]
"""
`Subset` makes the split of Module 07 in two lines. The data itself is not touched:
"""

# %%
digits = TensorDataset(Tensor(images.reshape(-1, 1, 8, 8)), Tensor(labels))
train_digits, judged_digits = Subset(digits, range(800)), Subset(digits, range(800, 1000))
print(len(train_digits), "to learn from,", len(judged_digits), "to judge by; sample 0:",
      [entry.shape for entry in train_digits[0]])

# %% [markdown]
"""
## Part 2: Samples become a batch

A network wants a batch: *one* array of images and *one* of labels. What a dataset gives is a list
of pairs.

**What will this print?** Two samples of the same size, handed to NumPy as pairs; then only the
images of three samples, of which the last has another size:
"""

# %%
samples = [(np.zeros((2, 2)), 1), (np.ones((2, 2)), 0), (np.ones((3, 3)), 1)]
for what, attempt in [
    ("pairs", lambda: np.array(samples[:2])), ("images", lambda: np.stack([i for i, _ in samples]))
]:
    try:
        print(what, attempt().shape)
    except ValueError as problem:
        print(f"{what}: ValueError: {problem}")

# %% [markdown]
"""
Pairs are no array, and images of different sizes cannot be stacked; NumPy's messages say neither
which sample nor which sizes. So first the list of pairs must be turned into a pair of lists. One
way is Python's idiom `zip(*pairs)`: the star hands over each pair as an argument of its own, and
`zip` takes one entry of each. (A loop over places does it, too.)
"""

# %%
print(list(zip(*[("a", 1), ("b", 2), ("c", 3)], strict=True)))

# %% [markdown]
"""
The field calls this step *to collate*, a printer's word for putting sheets in order. Yours works
for any number of entries per sample, and says what does not fit together.

Before it comes the gathering, with an errand for hard times: out of 50,000 files one is broken, and
the error says `EOFError`. Which one was it? An exception can carry *notes*, which Python prints
below its message; it stays the exception it was, and whoever catches EOFErrors still catches it.
"""

# %% nbgrader={"grade": false, "grade_id": "dataloader_collate", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def load_samples(dataset: Any, indices: np.ndarray) -> list[tuple]:
    """The samples of these indices, one by one, in their order. `dataset` is asked with plain ints.

    If a sample cannot be loaded, the error goes on to the caller as it is, with one note more
    (`error.add_note(text)`): "while loading sample 37", if that was its index.

    Example:
        load_samples(dataset, np.array([4, 0])) is [dataset[4], dataset[0]]
    """
    ### BEGIN SOLUTION
    samples = []
    for index in indices.tolist():
        try:
            samples.append(dataset[index])
        except Exception as error:
            error.add_note(f"while loading sample {index}")
            raise
    return samples
    ### END SOLUTION


def collate(samples: Sequence[tuple]) -> tuple[Tensor, ...]:
    """A batch: for each position in a sample, the entries of all samples as one Tensor.

    They are stacked along a new axis 0. An entry is whatever `as_array` of Module 01 takes: a
    Tensor, an array, a number; narrow dtypes stay narrow. No samples make the empty tuple ().

    Raises:
        TypeError: a sample is neither a tuple nor a list. The message contains its type's name.
        ValueError: samples with different numbers of entries; the message contains both numbers.
        ValueError: entries of different shapes in one position; the message contains both shapes.

    Example:
        three samples ((8, 8) image, () label) make a batch of shapes (3, 8, 8) and (3,)
    """
    ### BEGIN SOLUTION
    if not samples:
        return ()
    for sample in samples:
        if not isinstance(sample, tuple | list):
            raise TypeError(f"a sample must be a tuple of entries, got {type(sample).__name__}")
        if len(sample) != len(samples[0]):
            raise ValueError(f"samples have {len(samples[0])} and {len(sample)} entries")
    batch = []
    for place in range(len(samples[0])):
        arrays = [as_array(sample[place]) for sample in samples]
        shapes = sorted({array.shape for array in arrays})
        if len(shapes) > 1:
            raise ValueError(f"entries of one position have different shapes: {shapes}")
        batch.append(Tensor(np.stack(arrays)))
    return tuple(batch)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* samples in order and the note of a broken one; shapes, values and dtypes for
samples with one, two and three entries, the empty batch, and the errors with what they tell.
"""

# %% nbgrader={"grade": true, "grade_id": "test_dataloader_collate", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
@probe
def batch_of(samples, narrow=False):
    """What collate makes of samples whose entries are lists or numbers: types, dtypes, values."""
    made = [
        tuple(np.array(e, dtype=np.uint8) if narrow else Tensor(e) for e in s) for s in samples
    ]
    batch = collate(made)
    return {
        "types": [type(batch).__name__, *(type(entry).__name__ for entry in batch)],
        "dtypes": [entry.dtype.name for entry in batch],
        "values": [entry.data.tolist() for entry in batch],
        "shapes": [entry.shape for entry in batch],
    }


@probe
def gathered(indices, broken=()):
    """What load_samples gives from a dataset of squares, or its error: type, message, notes."""

    class Squares(Dataset):
        def __len__(self):
            return 50

        def __getitem__(self, index):
            if type(index) is not int:
                raise TypeError(f"a dataset was asked for {index!r}")
            if index in broken:
                raise EOFError("half a file")
            return (index * index, index)

    try:
        return load_samples(Squares(), np.array(indices, dtype=np.int64))
    except EOFError as error:
        return [type(error).__name__, str(error), *getattr(error, "__notes__", ["no note"])]


def test_dataloader_collate():
    """Samples in the order of their indices; one Tensor for each position of a sample."""
    check.equal(gathered([4, 0, 4]), [(16, 4), (0, 0), (16, 4)],
                given="samples 4, 0, 4 of a dataset whose sample k is (k * k, k)",
                because="in the order of the indices, which are plain ints for the dataset")
    check.equal(gathered([]), [], given="no indices")
    check.equal(gathered([3, 37, 5], broken=[37]),
                ["EOFError", "half a file", "while loading sample 37"],
                given="samples 3, 37, 5, of which 37 raises EOFError('half a file'): type, "
                      "message, notes", because="the same error, with one note more")
    three = [([[1, 2], [3, 4]], 7), ([[5, 6], [7, 8]], 8), ([[0, 0], [0, 9]], 9)]
    given = "three samples of a (2, 2) image and a label"
    found = batch_of(three)
    check.equal(found["types"], ["tuple", "Tensor", "Tensor"],
                given=f"{given}: the types of the batch and of its entries")
    check.equal(found["shapes"], [(3, 2, 2), (3,)], given=f"{given}: the shapes",
                because="the samples are counted along a new axis, in front of all others")
    check.close(found["values"][0], [three[k][0] for k in range(3)], given=f"{given}: the images")
    check.close(found["values"][1], [7, 8, 9], given=f"{given}: the labels")
    check.equal(batch_of([([1, 2, 3], [4], 5), ([6, 7, 8], [9], 0)])["shapes"],
                [(2, 3), (2, 1), (2,)],
                given="two samples of three entries, of shapes (3,), (1,) and ()")
    check.equal(batch_of([([1, 2],)])["shapes"], [(1, 2)],
                given="one sample of one entry of shape (2,)",
                because="a batch of one is a batch: the first axis is there")
    check.equal(batch_of([([1, 2], 3), ([4, 5], 6)], narrow=True)["dtypes"], ["uint8", "uint8"],
                given="entries of uint8: the dtypes of the batch",
                because="narrow dtypes stay narrow")
    check.equal(found["dtypes"], ["float32", "float32"], given=f"{given}: the dtypes")
    plain = collate([(np.array([1.0, 2.0]), 3), (np.array([4.0, 5.0]), 6)])
    check.close(plain[1].data, [3, 6], given="labels that are plain numbers",
                because="an entry is whatever as_array takes")
    check.equal(plain[0].dtype.name, "float32", given="arrays of float64: the dtype of the batch",
                because="as as_array of Module 01 makes it")
    check.close(collate([[[1.0, 2.0], 3], [[4.0, 5.0], 6]])[0].data, [[1, 2], [4, 5]],
                given="samples that are lists: the first entry of the batch")
    check.equal(collate([]), (), given="collate([])", because="no samples make the empty tuple")
    check.raises(TypeError, lambda: collate([Tensor([1.0, 2.0])]), mentions=["Tensor"],
                 given="a sample that is a Tensor of shape (2,), not a tuple",
                 because="a loop over it would take its rows for entries, without a word")
    check.raises(ValueError, lambda: collate([(1, 2, 3), (4, 5)]), mentions=["3", "2"],
                 given="samples of three and two entries")
    check.raises(ValueError, lambda: collate([(1,), (4,), (6, 7, 8)]), mentions=["1", "3"],
                 given="samples of one, one and three entries")
    large, small = np.zeros((28, 28)), np.zeros((32, 30))
    check.raises(ValueError, lambda: collate([(1, large), (2, large), (3, small)]),
                 mentions=["(28, 28)", "(32, 30)"],
                 given="second entries of shapes (28, 28), (28, 28) and (32, 30)")
    check.raises(ValueError, lambda: collate([(np.zeros((1, 5)),), (np.zeros((4, 5)),)]),
                 mentions=["(1, 5)", "(4, 5)"], given="entries of shapes (1, 5) and (4, 5)",
                 because="nothing is stretched to fit")


test_dataloader_collate()

# %% [markdown]
"""
## Part 3: Where each random number comes from

Data is often sorted: first all zeros, then all ones. Whoever trains in that order learns to say
"zero", forgets it, learns to say "one". So each **pass** over the data (an epoch of training is
one) needs an order of its own, drawn at random. You shuffle *numbers*, never the data: eight bytes
a sample, however large the sample is.

Three things are wanted at once, and the obvious ways miss one each. A run must be **repeatable**:
the same seed, the same batches. It must be **fresh**: no two passes alike. And it must be
**resumable**, bit for bit, as in Module 07.

**What will this print?** Three passes of a loader that takes its seed seriously:
"""

# %%
for number in range(3):
    print(f"pass {number}:", np.random.default_rng(7).permutation(8))

# %% [markdown]
"""
Repeatable, and never fresh: seeded anew for every pass, it "shuffles" into the same order for ever.
(`np.random.default_rng(7)` makes a *generator*: random numbers of its own, apart from NumPy's
global ones. It takes one number or a list of them, and any change in the list gives another
stream.)

Fresh is easy: keep one generator and go on drawing. Now let two threads load, each drawing the
random changes to its images from that one generator. **What will this print?** Whether the images
of batch 0 are mirrored (True), when batch 0 is loaded first, and when batch 1 was a little faster:
"""

# %%
for who_is_first in ([0, 1], [1, 0]):
    shared = np.random.default_rng(7)
    mirrored = {batch: (shared.random(6) < 0.5).tolist() for batch in who_is_first}
    print("loaded in the order", who_is_first, "batch 0:", mirrored[0])

# %% [markdown]
"""
The result depends on who is faster: on the disk, on the weather. No seed in the world repeats that.
And had each worker a *copy* of the generator, both would draw the same numbers: Pärnamaa's bug.

The cure: **nobody goes on drawing; every number is derived.** A pass gets a *key*. Everything
random in it has a number, too: part 0 is the order of the samples, part k + 1 belongs to batch k.
Key and part together make a stream of their own, for whoever loads that batch, whenever.

```
   with a seed:      key = (seed, number of the pass)    draws nothing
   without a seed:   key = (one number drawn, 0)         from NumPy's global state
                           |
        +------------------+------------------+-------------- …
     part 0             part 1             part 2
     the order          batch 0            batch 1
```

In words: without a seed, the global state decides, which `np.random.seed` repeats and which your
checkpoints of Module 07 contain: a resumed run draws the key that the interrupted one would have
drawn. With a seed, the number of the pass is the only thing to be restored. And a pass without
anything random, an evaluation, must leave the global state alone, as in Module 07.
"""

# %% nbgrader={"grade": false, "grade_id": "dataloader_streams", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def epoch_key(seed: int | None, epoch: int, random: bool) -> tuple[int, int] | None:
    """Two whole numbers from which every random number of one pass over the data follows.

    With a seed: (seed, epoch), and NumPy's global random state is left alone. Without a seed:
    (n, 0), where n is one number, drawn once by `np.random.randint(2**31)` from NumPy's global
    random state. If nothing in the pass is `random` there is nothing to decide: None, seed or
    not, and nothing is drawn.

    Example:
        epoch_key(7, 3, True) is (7, 3)
    """
    ### BEGIN SOLUTION
    if not random:
        return None
    if seed is not None:
        return seed, epoch
    return int(np.random.randint(2**31)), 0
    ### END SOLUTION


def random_stream(key: tuple[int, int], part: int) -> np.random.Generator:
    """A generator of random numbers of its own for one part of a pass.

    Made by np.random.default_rng from all three numbers: the same three give the same numbers
    again, and two that differ in any of them have nothing in common (numbers below 2**32).
    """
    ### BEGIN SOLUTION
    return np.random.default_rng([*key, part])
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* both kinds of key, what they draw and what they leave alone, and that two streams
agree exactly if all three numbers do.
"""

# %% nbgrader={"grade": true, "grade_id": "test_dataloader_streams", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def keys(seed, epoch, random, count=2, start=5):
    """So many keys in a row after np.random.seed(start), and whether the global state moved on."""
    np.random.seed(start)
    before = np.random.get_state()
    found = [epoch_key(seed, epoch, random) for _ in range(count)]
    after = np.random.get_state()
    moved = before[2] != after[2] or not np.array_equal(before[1], after[1])
    return {"keys": found, "moved": moved,
            "types": [type(number).__name__ for number in found[0] or ()]}


@probe
def draws(*whos):
    """Three numbers from each stream (key, part); and how many different triples there are."""
    drawn = [random_stream(tuple(key), part).random(3).tolist() for key, part in whos]
    return len({tuple(numbers) for numbers in drawn})


@probe
def stream_leaves():
    """The kind of what random_stream gives, and whether NumPy's global state is as before."""
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    kind = type(random_stream((1, 2), 3)).__name__
    return kind, np.random.random() == expected


def test_dataloader_streams():
    """Keys that are repeatable, fresh and resumable; streams that have nothing in common."""
    check.equal(keys(7, 3, True)["keys"], [(7, 3), (7, 3)], given="epoch_key(7, 3, True), twice")
    check.equal(keys(0, 2, True)["keys"][0], (0, 2), given="epoch_key(0, 2, True)",
                because="0 is a seed like any other: ask whether it is None")
    check.equal(keys(7, 3, True)["moved"], False,
                given="epoch_key with a seed: has the global random state moved on?",
                because="with a seed, nothing is drawn")
    for seed in (None, 7, 0):
        check.equal(keys(seed, 3, False), {"keys": [None, None], "moved": False, "types": []},
                    given=f"epoch_key({seed}, 3, False), twice; has the global state moved on?",
                    because="nothing in the pass is random: there is nothing to decide")
    drawn = keys(None, 4, True, count=20)
    check.equal([key[1] for key in drawn["keys"]], [0] * 20,
                given="epoch_key(None, 4, True), 20 times: the second numbers",
                because="(n, 0): the number of the pass has no say when n is drawn")
    check.equal(len({key[0] for key in drawn["keys"]}), 20,
                given="epoch_key(None, 4, True), 20 times: how many different first numbers?",
                because="each pass draws a key of its own, out of 2**31")
    check.true(all(0 <= key[0] < 2**31 for key in drawn["keys"]),
               given="the first numbers: all from 0 to 2**31 - 1?", because="that is the promise")
    check.true(max(key[0] for key in drawn["keys"]) > 2**29, given="the largest of 20 keys > 2**29",
               because="all of 0 … 2**31 - 1 is used: few keys would soon repeat")
    check.equal(drawn["types"], ["int", "int"], given="the types of the two numbers of a key")
    check.equal(keys(None, 4, True, count=20)["keys"], drawn["keys"],
                given="20 keys after np.random.seed(5), and again: the same?",
                because="NumPy's global state decides, so that its seed repeats a run")
    check.true(keys(None, 4, True, start=6)["keys"] != drawn["keys"][:2],
               given="keys after np.random.seed(6): others?", because="another seed, another run")
    check.equal(draws(((7, 3), 2), ((7, 3), 2)), 1,
                given="random_stream((7, 3), 2), twice: how many different streams?")
    apart = [((7, 3), 2), ((7, 2), 3), ((3, 7), 2), ((2, 3), 7), ((6, 4), 2), ((7, 3), 0),
             ((8, 3), 1), ((7, 4), 1), ((7, 3), 1), ((1, 42), 0), ((0, 0), 42), ((0, 42), 0)]
    check.equal(draws(*apart), len(apart),
                given=f"the streams of {', '.join(map(str, apart))}: how many are different?",
                because="each of the three numbers counts, at its own place; a sum or a product of "
                        "them would be the same for different passes")
    check.equal(stream_leaves(), ("Generator", True),
                given="what random_stream gives, and whether the global state is untouched")


test_dataloader_streams()

# %% [markdown]
"""
**Given:** how a transform in the middle of it all finds the stream of the batch that is being
loaded, in its own thread. (`threading.local` is an object whose attributes are different in each
thread. You do not need it to go on.)
"""

# %%
#| export
class Drawing(threading.local):
    """`stream`: in each thread, a function that gives the stream of the batch being loaded."""

    stream: Callable[[], np.random.Generator] | None = None


drawing = Drawing()


@contextmanager
def drawing_from(key: tuple[int, int] | None, part: int) -> Iterator[None]:
    """In this block, in this thread, `current_stream()` is that of this part of this pass."""
    before = drawing.stream
    drawing.stream = key and cache(lambda: random_stream(key, part))  # made if anybody asks
    try:
        yield
    finally:
        drawing.stream = before


def current_stream() -> np.random.Generator:
    """Where to draw from: the stream of the batch that is being loaded in this thread.

    Outside of a loader: a new one, seeded by a number from NumPy's global random state.
    """
    return drawing.stream() if drawing.stream else np.random.default_rng(np.random.randint(2**31))

# %% [markdown]
"""
## Part 4: The loader

A list of all batches would do, if it were not for memory: the data set of your dreams does not fit.
A function with `yield` in it is a **generator function**. Calling it runs nothing. Each `next()`
runs it up to the next `yield`, hands out the value, and leaves it there, half done.

**What will this print, and in which order?**
"""

# %%
def three_batches():
    for number in range(3):
        print(f"  loading batch {number}")
        yield f"batch {number}"


batches = three_batches()
print("made; now the first is asked for")
for batch in batches:
    print("training on", batch)
    if batch == "batch 1":
        break

# %% [markdown]
"""
Nothing is loaded before it is asked for, and what is not asked for is never loaded; batch 2 does
not exist. (In such a function, `yield from it` hands out everything that `it` gives, one by one.)
At any time there is one batch in memory, not all of them. A `for` loop asks an object for its
`__iter__()`; if that is a generator function, each loop gets a generator of its own, and a loader
can be looped over again and again.

Now the loader: what it is told, how many batches there are, one batch, and the pass over all of
them. Most of the work is done by what you have: keys, streams, samples, `collate`. Two things come
later and are only called here: `batch_at_once` asks the dataset's `get_batch` (Part 6; until then
it gives None), and `load_ahead` has batches loaded by threads (Part 8).
"""

# %%
#| export
def check_whole(name: str, value: Any, least: int) -> int:
    """`value`, if it is an int of at least `least`; else ValueError with the name and the value."""
    if type(value) is not int or value < least:
        raise ValueError(f"{name} must be a whole number from {least}, got {value!r}")
    return value

# %% nbgrader={"grade": false, "grade_id": "dataloader_loader", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class DataLoader:
    """A dataset in batches, for one `for` loop after another; each is one pass over the data.

    Attributes: all arguments, with `prefetch` as a number (2 * num_workers if it was None, so 0
    without workers), and `epoch`, the number of the next pass, counted from 0.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int,
        shuffle: bool = False,
        *,
        drop_last: bool = False,
        seed: int | None = None,
        num_workers: int = 0,
        prefetch: int | None = None,
        transform: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        """Keep the settings.

        Args:
            dataset: a Dataset, or anything else with a length whose samples have numbers: a list.
            batch_size: samples in a batch.
            shuffle: whether each pass has an order of its own.
            drop_last: leave out a last batch that is smaller than the others.
            seed: a whole number below 2**32; makes the random numbers depend on it and on `epoch`,
                and on nothing else.
            num_workers: threads that load; 0: whoever asks for a batch loads it.
            prefetch: batches being loaded or ready, beyond the one in use (2 * num_workers).
            transform: what the first tensor of each batch goes through.

        Raises:
            ValueError: batch_size below 1, seed or num_workers below 0, prefetch below 1 (see
                `check_whole`); or a prefetch without workers. The message names the setting.
        """
        ### BEGIN SOLUTION
        self.dataset, self.shuffle, self.drop_last = dataset, shuffle, drop_last
        self.batch_size = check_whole("batch_size", batch_size, 1)
        self.seed = None if seed is None else check_whole("seed", seed, 0)
        self.num_workers = check_whole("num_workers", num_workers, 0)
        if prefetch is not None and num_workers == 0:
            raise ValueError(f"prefetch={prefetch} needs workers that load: set num_workers")
        ahead = 2 * num_workers if prefetch is None else check_whole("prefetch", prefetch, 1)
        self.prefetch, self.transform, self.epoch = ahead, transform, 0
        ### END SOLUTION

    def __len__(self) -> int:
        """The number of batches of a pass.

        Example:
            10 samples, batch_size=4: 3 batches; with drop_last=True: 2
        """
        ### BEGIN SOLUTION
        if self.drop_last:
            return len(self.dataset) // self.batch_size
        return math.ceil(len(self.dataset) / self.batch_size)
        ### END SOLUTION

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        """The batches of one pass, one after the other: a generator, so that each is loaded only
        when it is asked for.

        The pass begins with the first batch that is asked for. Then `epoch_key` gives the key of
        its random numbers (it has some if it shuffles or has a transform), and `self.epoch` grows
        by one, whether or not the pass is ever finished. The order of the samples is 0, 1, 2, …,
        or, shuffled, the permutation that `random_stream(key, 0)` draws. Batch number k, from 0,
        consists of the next `batch_size` indices of the order; the last batch may be smaller, or is
        missing, with drop_last. It is loaded by `self.load_batch(key, k, indices)`.

        With `num_workers`, the batches come from `load_ahead(load, items, num_workers,
        prefetch)`, which gives load(item) for every item, in order.
        """
        ### BEGIN SOLUTION
        key = epoch_key(self.seed, self.epoch, self.shuffle or self.transform is not None)
        self.epoch += 1
        order = np.arange(len(self.dataset))
        if self.shuffle:
            order = random_stream(key, 0).permutation(len(order))
        size = self.batch_size
        pieces = ((k, order[k * size : (k + 1) * size]) for k in range(len(self)))

        def load(piece: tuple[int, np.ndarray]) -> tuple[Tensor, ...]:
            return self.load_batch(key, *piece)

        if self.num_workers:
            yield from load_ahead(load, pieces, self.num_workers, self.prefetch)
        else:
            yield from map(load, pieces)
        ### END SOLUTION

    def load_batch(
        self, key: tuple[int, int] | None, number: int, indices: np.ndarray
    ) -> tuple[Tensor, ...]:
        """Batch `number` of a pass: the samples of these indices, collated and transformed.

        All of it happens inside a `with` block of `drawing_from(key, number + 1)`. First the
        dataset is asked for all samples at once (`batch_at_once`); if it gives None, `load_samples`
        gets them one by one, and `self._collate_batch` makes them a batch. A subclass that collates
        in a way of its own (`self.collates_itself()`) is always given samples. Last, the transform,
        if there is one: what it makes of the batch's first entry takes that entry's place.

        Example:
            a batch (images, labels) becomes (transform(images), labels)
        """
        ### BEGIN SOLUTION
        with drawing_from(key, number + 1):
            batch = None if self.collates_itself() else batch_at_once(self.dataset, indices)
            if batch is None:
                batch = self._collate_batch(load_samples(self.dataset, indices))
            if self.transform is None:
                return batch
            return self.transform(batch[0]), *batch[1:]
        ### END SOLUTION

    def _collate_batch(self, batch: list[tuple]) -> tuple[Tensor, ...]:
        """Samples to a batch. For data that `collate` cannot stack, override this."""
        return collate(batch)

    def collates_itself(self) -> bool:
        """Whether a subclass has overridden _collate_batch."""
        return type(self)._collate_batch is not DataLoader._collate_batch

# %% [markdown]
"""
*What is checked:* the settings that are refused; one batch, with and without `get_batch`, transform
and a `_collate_batch` of one's own; sizes and samples of the batches in every setting, the order
that your stream draws, fresh and repeated passes, laziness, two loops at once, and what
`load_ahead` is given. (Your `load_ahead` does not exist yet; the test brings one of its own.)
"""

# %% nbgrader={"grade": true, "grade_id": "test_dataloader_loader", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
@probe
def passes(count, settings, times=1, epoch=None):
    """The sample numbers in each batch of so many passes, len(loader), and `epoch` afterwards."""
    np.random.seed(1)
    loader = DataLoader([(k,) for k in range(count)], **settings)
    if epoch is not None:
        loader.epoch = epoch
    found = []
    for _ in range(times):
        found.append([[int(k) for k in batch[0].data] for batch in loader])
    return {"passes": found, "len": len(loader), "epoch": loader.epoch}


@probe
def order_drawn(seed, epoch, count):
    """The permutation that part 0 of this pass draws."""
    return random_stream((seed, epoch), 0).permutation(count).tolist()


@probe
def laziness(shuffle):
    """Which samples were asked for, and the loader's epoch: before and after the first batch."""
    asked = []

    class Watched(Dataset):
        def __len__(self):
            return 30

        def __getitem__(self, index):
            asked.append(index)
            return (index,)

    loader = DataLoader(Watched(), 4, shuffle)
    batches = iter(loader)
    before = [len(asked), loader.epoch]
    next(batches)
    return {"before": before, "after": [len(asked), loader.epoch], "next": hasattr(batches, "send")}


@probe
def two_loops():
    """Two loops over one shuffled loader, by turns: the samples that each of them got, sorted."""
    loader = DataLoader([(k,) for k in range(6)], 2, shuffle=True)
    got = [], []
    for one, other in zip(loader, loader, strict=True):
        got[0].extend(int(k) for k in one[0].data)
        got[1].extend(int(k) for k in other[0].data)
    return [sorted(got[0]), sorted(got[1]), got[0] == got[1]]


@probe
def through_workers():
    """The numbers that load_ahead is given, and what a loop gets from a load_ahead of our own."""
    space, told = DataLoader.__iter__.__globals__, []

    def stand_in(load, items, workers, ahead):
        told.extend([workers, ahead])
        for item in items:
            yield load(item)

    before = space.get("load_ahead")
    space["load_ahead"] = stand_in
    try:
        loader = DataLoader([(k,) for k in range(5)], 2, num_workers=3, prefetch=4)
        batches = [[int(k) for k in batch[0].data] for batch in loader]
        list(DataLoader([(k,) for k in range(5)], 2, num_workers=2))
    finally:
        space["load_ahead"] = before
    return {"told": told, "batches": batches}


@probe
def batches_told(settings):
    """What load_batch is called with in the second pass: (key, number, indices)."""

    class Told(DataLoader):
        def load_batch(self, key, number, indices):
            return key, number, [int(k) for k in indices]

    loader = Told([(k,) for k in range(5)], 2, **settings)
    list(loader)
    return list(loader)


@probe
def drawn_by(settings):
    """Whether a pass moves NumPy's global random state on."""
    np.random.seed(2)
    expected = np.random.random()
    np.random.seed(2)
    if settings.get("transform"):
        settings = {**settings, "transform": lambda batch: batch}
    list(DataLoader([(k,) for k in range(5)], 2, **settings))
    return np.random.random() != expected


@probe
def one_batch(at_once, own_way=False, transform=False, key=(3, 4), number=6):
    """What load_batch makes of samples 2 and 0 of three, how it was asked for, and from where a
    transform drew: (entries, asked, the stream was that of part number + 1)."""
    asked, drawn = [], []

    class Three(Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            asked.append(f"sample {index}")
            return (10 * index, index)

        def get_batch(self, indices):
            asked.append(f"batch {indices.tolist()}")
            return collate([(10 * k, k) for k in indices.tolist()]) if at_once else None

    class Sums(DataLoader):
        def _collate_batch(self, batch):
            asked.append("own way")
            return (Tensor(sum(sample[0] for sample in batch)),)

    def double(entry):
        stream = current_stream()
        drawn.append(stream is current_stream())
        drawn.append(stream.random() == random_stream(key, number + 1).random())
        return entry * 2

    kind = Sums if own_way else DataLoader
    loader = kind(Three(), 2, transform=double if transform else None)
    batch = loader.load_batch(key, number, np.array([2, 0]))
    return [entry.data.tolist() for entry in batch], asked, drawn


@probe
def settings_of(settings):
    """The loader's attributes, apart from dataset and transform."""
    loader = DataLoader([(1,)], 2, **settings)
    names = "batch_size", "shuffle", "drop_last", "seed", "num_workers", "prefetch", "epoch"
    return [getattr(loader, name) for name in names]


def test_dataloader_loader():
    """All samples once, in batches, in an order that is fresh, repeatable and drawn by part 0."""
    check.equal(settings_of({}), [2, False, False, None, 0, 0, 0],
                given="DataLoader(dataset, 2): batch_size, shuffle, drop_last, seed, num_workers, "
                      "prefetch, epoch", because="prefetch is 2 * num_workers when nothing is said")
    told = {"shuffle": True, "drop_last": True, "seed": 0, "num_workers": 3}
    check.equal(settings_of(told), [2, True, True, 0, 3, 6, 0],
                given=f"DataLoader(dataset, 2, {told}): the same attributes")
    check.equal(settings_of({"num_workers": 2, "prefetch": 1})[5], 1,
                given="num_workers=2, prefetch=1: `prefetch`")
    for name, settings in [
        ("batch_size", {"batch_size": 0}), ("batch_size", {"batch_size": 2.0}),
        ("seed", {"seed": -1}), ("num_workers", {"num_workers": -1}),
        ("prefetch", {"num_workers": 1, "prefetch": 0}), ("prefetch", {"prefetch": 3}),
    ]:
        check.raises(ValueError, lambda s=settings: DataLoader([], **{"batch_size": 4, **s}),
                     mentions=[name], given=f"DataLoader(dataset, …, {settings})",
                     because="a wrong setting is told at once, by its name")

    plain = [[20, 0], [2, 0]]
    given = "load_batch((3, 4), 6, [2, 0]) of samples (0, 0), (10, 1), (20, 2)"
    check.equal(one_batch(False)[1], ["batch [2, 0]", "sample 2", "sample 0"],
                given=f"{given}, whose get_batch gives None: what was asked for",
                because="first all at once; if that is None, one by one")
    check.close(one_batch(False)[0], plain, given=f"{given}, whose get_batch gives None")
    check.equal(one_batch(True)[1], ["batch [2, 0]"],
                given=f"{given}, whose get_batch gives the batch: what was asked for",
                because="no sample is asked for twice")
    check.close(one_batch(True)[0], plain, given=f"{given}, whose get_batch gives the batch")
    for at_once in (False, True):
        way = "works" if at_once else "gives None"
        check.equal(one_batch(at_once, own_way=True)[1], ["sample 2", "sample 0", "own way"],
                    given=f"{given}; _collate_batch is overridden, get_batch {way}: what was asked "
                          "for", because="whoever collates in a way of their own is given samples")
        check.close(one_batch(at_once, own_way=True)[0], [20],
                    given=f"{given}; _collate_batch adds the first entries up, get_batch {way}")
        check.close(one_batch(at_once, transform=True)[0], [[40, 0], [2, 0]],
                    given=f"{given}, with a transform that doubles; get_batch {way}",
                    because="the first entry goes through it; the labels do not")
        check.equal(one_batch(at_once, transform=True)[2], [True, True],
                    given=f"{given}: is the transform's current_stream() one stream, that of part "
                          "7?", because="part number + 1, and one stream for the whole batch")
    plain = passes(10, {"batch_size": 4})
    check.equal(plain["passes"][0], [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]],
                given="10 samples, batch_size 4: the batches", because="the last may be smaller")
    check.equal(plain["len"], 3, given="10 samples, batch_size 4: len", because="ceiling of 10 / 4")
    dropped = passes(10, {"batch_size": 4, "drop_last": True})
    check.equal([dropped["passes"][0], dropped["len"]], [[[0, 1, 2, 3], [4, 5, 6, 7]], 2],
                given="10 samples, batch_size 4, drop_last: the batches, and len",
                because="a batch smaller than the others is left out")
    for count, settings, expected in [
        (6, {"batch_size": 3}, [[0, 1, 2], [3, 4, 5]]),
        (6, {"batch_size": 3, "drop_last": True}, [[0, 1, 2], [3, 4, 5]]),
        (3, {"batch_size": 50}, [[0, 1, 2]]), (3, {"batch_size": 50, "drop_last": True}, []),
        (2, {"batch_size": 1}, [[0], [1]]), (0, {"batch_size": 4, "shuffle": True}, []),
    ]:
        found = passes(count, settings)
        check.equal([found["passes"][0], found["len"]], [expected, len(expected)],
                    given=f"{count} samples, {settings}: the batches, and len")
    check.equal(passes(5, {"batch_size": 2}, times=2)["passes"], [[[0, 1], [2, 3], [4]]] * 2,
                given="two passes in order: a loader can be looped over again")

    seeded = passes(11, {"batch_size": 4, "shuffle": True, "seed": 7}, times=3)
    check.equal(seeded["epoch"], 3, given="`epoch` after three passes")
    for number, batches in enumerate(seeded["passes"]):
        order = order_drawn(7, number, 11)
        check.equal(batches, [order[:4], order[4:8], order[8:]],
                    given=f"11 samples, batch_size 4, shuffled with seed 7: pass {number}",
                    because=f"in the order of random_stream((7, {number}), 0).permutation(11)")
    again = passes(11, {"batch_size": 4, "shuffle": True, "seed": 7}, epoch=2)
    check.equal(again["passes"][0], seeded["passes"][2],
                given="a new loader with seed 7 and `epoch` set to 2: its first pass",
                because="the number of the pass is all that has to be restored")
    fresh = passes(30, {"batch_size": 30, "shuffle": True}, times=3)["passes"]
    check.equal([sorted(batches[0]) for batches in fresh], [list(range(30))] * 3,
                given="three shuffled passes over 30 samples, sorted",
                because="each sample comes once in each pass")
    check.equal(len({str(batches) for batches in fresh}), 3,
                given="three shuffled passes without a seed: how many different orders?")
    check.equal(passes(30, {"batch_size": 30, "shuffle": True}, times=3)["passes"], fresh,
                given="the same again, after the same np.random.seed: the same passes?")

    for shuffle in (False, True):
        check.equal(laziness(shuffle)["before"], [0, 0],
                    given=f"shuffle={shuffle}: [samples loaded, epoch] right after iter(loader)",
                    because="a pass begins when its first batch is asked for")
        check.equal(laziness(shuffle)["after"], [4, 1],
                    given=f"shuffle={shuffle}, batch_size 4: [samples loaded, epoch] at the first "
                          "batch", because="one batch has been asked for, and a pass has begun")
    check.equal(laziness(False)["next"], True, given="is iter(loader) a generator?")
    check.equal(two_loops(), [[0, 1, 2, 3, 4, 5]] * 2 + [False],
                given="two loops over one shuffled loader, by turns: the samples of each, sorted; "
                      "in the same order?", because="each loop is a pass of its own")
    check.equal(batches_told({"shuffle": False}),
                [(None, 0, [0, 1]), (None, 1, [2, 3]), (None, 2, [4])],
                given="5 samples, batch_size 2, second pass: what load_batch is called with",
                because="a pass with nothing random has no key")
    order = order_drawn(9, 1, 5)
    check.equal(batches_told({"shuffle": True, "seed": 9}),
                [((9, 1), 0, order[:2]), ((9, 1), 1, order[2:4]), ((9, 1), 2, order[4:])],
                given="shuffled with seed 9, second pass: what load_batch is called with",
                because="the key of the pass, the number of the batch, its samples")
    for settings, expected in [
        ({"shuffle": True}, True), ({"transform": True}, True), ({}, False),
        ({"shuffle": True, "seed": 3}, False),
    ]:
        check.equal(drawn_by(settings), expected,
                    given=f"DataLoader(5 samples, 2, {settings}): does a pass move NumPy's global "
                          "random state on?",
                    because="it has random numbers if it shuffles or has a transform; they come "
                            "from the global state unless there is a seed")
    check.equal(through_workers()["told"], [3, 4, 2, 4],
                given="num_workers=3, prefetch=4, then num_workers=2: load_ahead's workers, ahead",
                because="prefetch is 2 * num_workers when nothing is said")
    check.equal(through_workers()["batches"], [[0, 1], [2, 3], [4]],
                given="5 samples, batch_size 2, num_workers 3: the batches of a load_ahead that "
                      "calls load(item) for every item")


test_dataloader_loader()

# %% [markdown]
"""
### What the order is worth

The 800 digits, sorted by their label as many data sets are when they arrive. The same network, the
same number of epochs; one loader shuffles, the other does not.

**Predict:** the accuracy after each of 8 epochs, in both cases. Will sorted data learn slowly, or
something else?
"""

# %%
by_label = Subset(train_digits, np.argsort(labels[:800], kind="stable"))
def flat(batch):
    """Images as rows of 64 numbers."""
    return batch.reshape(-1, 64)


curves = {}
for shuffle in (True, False):
    np.random.seed(0)
    model = Sequential(Linear(64, 32), ReLU(), Linear(32, 10))
    trainer = Trainer(model, SGD(model.parameters(), lr=0.1), CrossEntropyLoss())
    loader = DataLoader(by_label, 20, shuffle, transform=flat)
    for _ in range(8):
        trainer.train_epoch(loader)
        trainer.evaluate(DataLoader(judged_digits, 200, transform=flat))
    curves[shuffle] = trainer.history["eval_accuracy"]
    print(f"shuffle={shuffle!s:<6}", "  ".join(f"{share:.1%}" for share in curves[shuffle]))
    answers = model(Tensor(images[800:].reshape(-1, 64))).data.argmax(axis=1)
    print("   its answers, digit by digit:", np.bincount(answers, minlength=10).tolist())
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    for shuffle, shares in curves.items():
        axes.plot(range(1, 9), shares, marker="o", label=f"shuffle={shuffle}")
    axes.axhline(0.1, color="grey", linestyle=":", label="guessing")
    axes.set(xlabel="epoch", ylabel="validation accuracy", ylim=(0, 1),
             title="The same digits, sorted or in a fresh order")
    axes.legend()
    plt.show()
except ImportError:
    print("Without matplotlib you miss two curves far apart.")

# %% [markdown]
"""
It learns, slowly and one-sidedly: it guesses for some epochs, then climbs, and stays far below what
a fresh order reaches. In each epoch it follows the data: whatever came last is what it says, since
for many steps in a row that was always right. Look at its answers: most are among the last digits
it saw. The gradient of a batch is meant to stand for all data; a batch of nines stands for nines.
So shuffle what you train on. To judge, do not: an evaluation gives the same in any order.

**A good place to stop** for today: your loader trains your network.
"""

# %% [markdown]
"""
## Part 5: The same digit, never the same image

A digit moved by a pixel is the same digit. A network that sees each image in one place only learns
the place as well. **Data augmentation** gives it a slightly different image in every pass:
mirrored, moved, cut out. It costs a little time and no new data, and belongs to training alone.

It has one rule: **the label must still be true.** **What do you think:** which of the digits 0 to 9
may be mirrored? And may a photograph of a cat, or a written word?
"""

# %%
try:
    import matplotlib.pyplot as plt

    two = images[labels == 2][0]
    shifted, large = np.zeros_like(two), np.zeros_like(two)
    shifted[:, 2:], large[3:] = two[:, :-2], two[:5]
    figure, axes = plt.subplots(1, 4, figsize=(8, 2.3), layout="constrained")
    titles = ["a two", "mirrored", "moved by 2", "moved by 3: no foot"]
    for place, picture, title in zip(axes, [two, two[:, ::-1], shifted, large], titles,
                                     strict=True):
        place.imshow(picture, cmap="gray_r")
        place.set(title=title, xticks=[], yticks=[])
    plt.show()
except ImportError:
    print("Without matplotlib you miss a two that is no two when it is mirrored.")

# %% [markdown]
"""
Digits must not be mirrored (0, 1 and 8 hardly notice; 2 and 5 become signs that nobody writes);
cats may; words may not. Nor may an image be moved so far that nothing is left of it.

An image is (height, width), or (channels, height, width) when it has colours; a batch has N of them
in front. The augmentation runs for every batch of every pass, so it must be fast: no loop over
images. You know slices. Two more ways to index that NumPy has:
"""

# %%
grid = np.arange(12).reshape(3, 4)
print("grid =", grid.tolist())
print("a mask picks rows:          grid[[True, False, True]] =", grid[[True, False, True]].tolist())
print("two lists pick cells:       grid[[0, 1, 2], [3, 0, 1]] =", grid[[0, 1, 2], [3, 0, 1]])
windows = np.lib.stride_tricks.sliding_window_view(grid, (2, 3))
print("all windows of 2 rows and 3 columns: shape", windows.shape)
print("the one whose corner is (1, 0): windows[1, 0] =", windows[1, 0].tolist())
print("one number for each row, the last axis whole: grid[..., ::-1][0] =", grid[..., ::-1][0])

# %% [markdown]
"""
`grid[[0, 1, 2], [3, 0, 1]]` takes cell (0, 3), then (1, 0), then (2, 1): the lists are read side by
side. That is *fancy indexing*, and its result is a copy. `sliding_window_view` is the opposite: it
copies nothing. `windows[i, j]` is a *view* of the window whose upper left corner is (i, j); to look
at the same numbers several times costs no memory. `...` stands for all axes that are not named.
(The windows of many images at once: `sliding_window_view(array, (h, w), axis=(-2, -1))`. The places
of the corners take the last two axes' place, and h and w come behind all others.)

**Given:** `ImageTransform` takes care of Tensors and arrays, of one image or a batch, and of where
to draw from. You write `apply`, which always has N images. `Compose`, given too, makes one
transform of several.
"""

# %%
#| export
class ImageTransform(ABC):
    """A random change of images: (H, W) or (C, H, W) for one image, (N, C, H, W) for N of them.

    Called with a Tensor it gives a Tensor, with an array an array; what it was given stays as is.
    """

    def __call__(self, images: Any) -> Any:
        """The images, changed, each in a way of its own. ValueError for other dimensions."""
        array = as_array(images)
        if not 2 <= array.ndim <= 4:
            raise ValueError(f"expected (H, W), (C, H, W) or (N, C, H, W), got {array.shape}")
        one = array.ndim < 4
        changed = self.apply(array[np.newaxis] if one else array, current_stream())
        changed = changed[0] if one else changed
        return Tensor(changed) if isinstance(images, Tensor) else changed

    @abstractmethod
    def apply(self, images: np.ndarray, stream: np.random.Generator) -> np.ndarray:
        """A new array: every image changed. `images` is (N, H, W) or (N, C, H, W)."""


class Compose:
    """Transforms (anything that can be called) as one: each gets what the one before gave."""

    def __init__(self, transforms: Iterable[Callable[[Any], Any]]) -> None:
        self.transforms = list(transforms)

    def __call__(self, images: Any) -> Any:
        for transform in self.transforms:
            images = transform(images)
        return images

# %% nbgrader={"grade": false, "grade_id": "dataloader_flip", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class RandomHorizontalFlip(ImageTransform):
    """Mirror each image, left to right, with probability p."""

    def __init__(self, p: float = 0.5) -> None:
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"p must be a probability from 0 to 1, got {p}")
        self.p = p

    def apply(self, images: np.ndarray, stream: np.random.Generator) -> np.ndarray:
        """A new array in which some images, each chosen on its own, are mirrored along their
        width, the last axis; all channels of an image together.

        Args:
            images: (N, H, W) or (N, C, H, W); stays as it is.
            stream: where to draw from; one `stream.random(N)` does it.

        Returns:
            An array of the same shape and dtype.

        Example:
            p=1, the image [[1, 2, 3]]: [[3, 2, 1]]
        """
        ### BEGIN SOLUTION
        chosen = stream.random(len(images)) < self.p
        flipped = images.copy()
        flipped[chosen] = images[chosen][..., ::-1]
        return flipped
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* p of 0, 1 and between, each image on its own and its channels together, sizes
that are not square, one image and many, Tensor and array, and that nothing is changed in place.
"""

# %% nbgrader={"grade": true, "grade_id": "test_dataloader_flip", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@probe
def flipped(images, p, dtype="float32", seed=0):
    """What apply makes of images, and the images afterwards."""
    given = np.array(images, dtype=dtype)
    result = RandomHorizontalFlip(p).apply(given, np.random.default_rng(seed))
    return {"result": result.tolist(), "dtype": result.dtype.name, "after": given.tolist(),
            "shared": bool(np.shares_memory(result, given))}


@probe
def flips_of_many(count, p, seed=0):
    """Of so many images [[0, 1, 2]] with two channels: the share of mirrored ones; and whether
    both channels of each image agree, and whether each image is as it was or mirrored."""
    images = np.tile(np.arange(3, dtype=np.float32), (count, 2, 1, 1))
    result = RandomHorizontalFlip(p).apply(images, np.random.default_rng(seed))
    first = result[:, :, 0, 0]
    known = np.isin(result[:, :, 0].reshape(-1, 3) @ [1, 10, 100], [210, 12]).all()
    mirrored, together = first[:, 0] == 2, first[:, 0] == first[:, 1]
    return {"share": float(mirrored.mean()), "together": bool(together.all()),
            "whole": bool(known), "pattern": mirrored.tolist()[:20]}


@probe
def called_with(wrap, shape):
    """Type and shape of what a transform gives for one image or a batch of them."""
    images = np.zeros(shape, dtype=np.float32)
    result = RandomHorizontalFlip()(Tensor(images) if wrap == "Tensor" else images)
    return [type(result).__name__, result.shape]


def test_dataloader_flip():
    """Each image is mirrored along its width or left alone, on its own."""
    rows = [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [0, 1, 2]]]
    check.close(flipped(rows, 1.0)["result"], [[[3, 2, 1], [6, 5, 4]], [[9, 8, 7], [2, 1, 0]]],
                given="p = 1, two images of shape (2, 3)", because="left and right change places")
    check.close(flipped(rows, 0.0)["result"], rows, given="p = 0, the same images")
    colours = [[[[1, 2, 3]], [[4, 5, 6]]]]
    check.close(flipped(colours, 1.0)["result"], [[[[3, 2, 1]], [[6, 5, 4]]]],
                given="p = 1, one image (2, 1, 3): two channels of one row",
                because="the width is the last axis; channels and rows keep their places")
    many = flips_of_many(4000, 0.3)
    check.close(many["share"], 0.3, atol=0.03, given="p = 0.3: the share of 4,000 images mirrored")
    check.equal(many["whole"], True, given="4,000 images: is each as it was, or mirrored?")
    check.equal(many["together"], True, given="4,000 images of two channels: do both agree?",
                because="one decision for each image, not for each channel")
    check.true(0 < sum(flips_of_many(20, 0.5)["pattern"]) < 20,
               given="p = 0.5, 20 images: some mirrored and some not?",
               because="each image is decided on its own, not the batch as a whole")
    check.equal(flips_of_many(20, 0.5)["pattern"], flips_of_many(20, 0.5)["pattern"],
                given="the same stream twice: the same images mirrored?",
                because="draw from `stream` and from nothing else")
    check.true(flips_of_many(20, 0.5, 1)["pattern"] != flips_of_many(20, 0.5)["pattern"],
               given="another stream: other images?", because="draw from `stream`")
    for p in (0.0, 1.0):
        check.close(flipped(rows, p)["after"], rows, given=f"p = {p}: the images given",
                        because="the dataset still needs them")
        check.equal(flipped(rows, p)["shared"], False,
                    given=f"p = {p}: does the result share memory with the images given?",
                    because="a new array is promised")
    check.equal(flipped(rows, 0.5, "uint8")["dtype"], "uint8", given="images of uint8: the dtype")
    for wrap in ("Tensor", "ndarray"):
        for shape in ((4, 5), (3, 4, 5), (2, 3, 4, 5)):
            check.equal(called_with(wrap, shape), [wrap, shape],
                        given=f"a {wrap} of shape {shape}: type and shape of the result")


test_dataloader_flip()

# %% [markdown]
"""
Moving an image means: put a border of zeros around it, and cut a window of the old size out
somewhere else. Before you write it, answer on paper: an image of 5 rows with a border of 2 on each
side, a window of 5 rows: at how many rows can the window begin?
"""

# %% nbgrader={"grade": false, "grade_id": "dataloader_crop", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
class RandomCrop(ImageTransform):
    """Surround each image with zeros, and cut a window of a fixed size out, at random.

    Attributes:
        size: (height, width) of the window.
        padding: rows and columns of zeros on each of the four sides.
    """

    def __init__(self, size: int | tuple[int, int], padding: int = 4) -> None:
        height, width = size if isinstance(size, tuple | list) else (size, size)
        self.size = check_whole("size", height, 1), check_whole("size", width, 1)
        self.padding = check_whole("padding", padding, 0)

    def apply(self, images: np.ndarray, stream: np.random.Generator) -> np.ndarray:
        """Out of each image with its border of zeros, a window, all of whose places are equally
        likely; drawn for each image on its own, and the same place for all its channels.

        Args:
            images: (N, H, W) or (N, C, H, W); stays as it is.
            stream: where to draw from (`stream.integers(low, high, N)` leaves `high` out).

        Returns:
            A new array, (N, height, width) or (N, C, height, width), of the same dtype.

        Raises:
            ValueError: the window is larger than an image with its border. The message contains
                both sizes as tuples: the window's, and the image's with its border.

        Example:
            images (5, 3, 32, 32), size 32, padding 4: the window has 9 * 9 places, the result
            is (5, 3, 32, 32)
        """
        ### BEGIN SOLUTION
        count, border = len(images), self.padding
        height, width = images.shape[-2:]
        whole = height + 2 * border, width + 2 * border
        if self.size[0] > whole[0] or self.size[1] > whole[1]:
            raise ValueError(f"a window of {self.size} does not fit into {whole}")
        padded = np.zeros((*images.shape[:-2], *whole), dtype=images.dtype)
        padded[..., border : border + height, border : border + width] = images
        top = stream.integers(0, whole[0] - self.size[0] + 1, count)
        left = stream.integers(0, whole[1] - self.size[1] + 1, count)
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.size, axis=(-2, -1))
        return windows[np.arange(count), ..., top, left, :, :]
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* that each result is a window of the image with its border, that all places occur
and none is preferred, sizes that differ in every direction, windows larger and smaller than the
image, and the error.
"""

# %% nbgrader={"grade": true, "grade_id": "test_dataloader_crop", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
@probe
def crops(count, channels, height, width, size, padding, dtype="float32", seed=0):
    """Crops of so many equal images 1, 2, 3, …: shape, dtype, and the places they were cut at.

    A place is (row, column) of the window's corner in the image with its border; None: it is no
    window of it, or the channels are cut at different places.
    """
    shape = (count, channels, height, width) if channels else (count, height, width)
    image = 1 + np.arange(height * width, dtype=dtype).reshape(height, width)
    images = np.zeros(shape, dtype) + image
    images = images.astype(dtype)
    before = images.copy()
    result = RandomCrop(size, padding).apply(images, np.random.default_rng(seed))
    whole = np.pad(image, padding)
    high, wide = result.shape[-2:]
    known = {
        whole[r : r + high, c : c + wide].tobytes(): (r, c)
        for r in range(whole.shape[0] - high + 1) for c in range(whole.shape[1] - wide + 1)
    }
    places = []
    for one in result.reshape(count, -1, high, wide) if result.size else ():
        found = {known.get(np.ascontiguousarray(channel).tobytes()) for channel in one}
        places.append(found.pop() if len(found) == 1 else None)
    return {"shape": result.shape, "dtype": result.dtype.name, "places": places,
            "unchanged": bool(np.array_equal(images, before)),
            "shared": bool(np.shares_memory(result, images))}


@probe
def told_apart():
    """Five different images, no border, windows as large as they are: are they as they were?"""
    images = np.random.default_rng(4).random((5, 2, 3, 4), dtype=np.float32)
    cut = RandomCrop((3, 4), padding=0).apply(images, np.random.default_rng(0))
    return bool(np.array_equal(cut, images))


def test_dataloader_crop():
    """A window of each image with its border, each at a place of its own, all places alike."""
    for settings in (
        (7, 3, 5, 4, (5, 4), 1), (6, 2, 3, 6, (2, 9), 2), (5, 0, 4, 3, (4, 3), 2),
        (1, 1, 8, 8, (3, 5), 0), (4, 2, 2, 3, (6, 7), 2),
    ):
        count, channels, height, width, size, padding = settings
        shape = (count, channels, *size) if channels else (count, *size)
        images = (count, channels, height, width) if channels else (count, height, width)
        given = f"RandomCrop({size}, padding={padding}) of images {images}"
        found = crops(*settings)
        check.equal(found["shape"], shape, given=f"{given}: the shape",
                    because="the size of the window; images and channels stay as many as they are")
        check.equal(found["dtype"], "float32", given=f"{given}, float32: the dtype",
                    because="images keep their dtype")
        check.equal(found["places"].count(None), 0,
                    given=f"{given}: how many results are no window of the image in its border?",
                    because="rows below and columns right of the corner, all channels alike")
        check.equal(found["unchanged"], True, given=f"{given}: are the images as before?")
        check.equal(found["shared"], False, given=f"{given}: does the result share their memory?",
                    because="a new array is promised")
    check.equal(told_apart(), True,
                given="five different images, padding 0, a window of their own size: unchanged?",
                because="there is one place; image k of the result comes from image k")
    places = crops(3000, 1, 2, 3, (2, 3), 1)["places"]
    counts = {place: places.count(place) for place in set(places)}
    check.equal(sorted(counts), [(r, c) for r in range(3) for c in range(3)],
                given="3,000 images (2, 3), padding 1, a window of (2, 3): the corners that occur",
                because="(2 + 2 - 2 + 1) rows times (3 + 2 - 3 + 1) columns of corners: nine")
    check.true(min(counts.values()) > 240 and max(counts.values()) < 430,
               given=lambda: f"how often each of the nine comes, in 3,000: {counts}",
               because="all places are equally likely: about 333 times each")
    one, other = crops(3000, 1, 2, 3, (2, 3), 1, seed=1), crops(3000, 1, 2, 3, (2, 3), 1, seed=1)
    check.equal(one["places"], other["places"], given="the same stream twice: the same places?",
                because="draw from `stream` and from nothing else")
    check.equal(crops(2, 1, 4, 4, (3, 3), 1, dtype="uint8")["dtype"], "uint8",
                given="images of uint8: the dtype of the crops")
    crop = RandomCrop((9, 3), padding=2)
    check.raises(ValueError, lambda: crop(np.zeros((4, 2))), mentions=["(9, 3)", "(8, 6)"],
                 given="RandomCrop((9, 3), padding=2) of an image (4, 2)",
                 because="with its border the image is (8, 6): nine rows do not fit")
    check.raises(ValueError, lambda: RandomCrop((6, 3), padding=1)(np.zeros((2, 5))),
                 mentions=["(6, 3)", "(4, 7)"],
                 given="RandomCrop((6, 3), padding=1) of an image (2, 5)",
                 because="six rows do not fit into four, whatever the number of columns")
    check.raises(ValueError, lambda: RandomCrop((3, 7), padding=2)(np.zeros((4, 2))),
                 mentions=["(3, 7)", "(8, 6)"],
                 given="RandomCrop((3, 7), padding=2) of an image (4, 2)")


test_dataloader_crop()

# %% [markdown]
"""
Look at what a network would see: the same four digits in three passes of one loader.
"""

# %%
try:
    import matplotlib.pyplot as plt

    loader = DataLoader(Subset(digits, range(4)), 4, seed=1, transform=RandomCrop(8, padding=2))
    figure, axes = plt.subplots(3, 4, figsize=(5, 4.2), layout="constrained")
    for row in axes:
        for place, picture in zip(row, next(iter(loader))[0].data, strict=True):
            place.imshow(picture[0], cmap="gray_r")
            place.set(xticks=[], yticks=[])
        row[0].set_ylabel(f"pass {loader.epoch - 1}")
    figure.suptitle("Four digits in three passes: RandomCrop(8, padding=2)")
    plt.show()
except ImportError:
    print("Without matplotlib you miss four digits that wander about in their frames.")

# %% [markdown]
"""
## Part 6: A batch at one stroke

So far a batch is made sample by sample: a Tensor for each entry of each sample, then a list, then a
stack. For data that lie in one array anyway, is that a price worth talking about?

**Predict:** one pass over 4,000 images of 784 numbers in batches of 64. How many times as long as
`x[indices]`, the plain array indexed once for each batch, does your loader take? Twice? Ten times?
"""

# %%
def best_ms(call, repeats=5):
    """The shortest of some times, in milliseconds: the one with the fewest disturbances."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


class OneByOne(DataLoader):
    """A loader that always asks for samples one by one, whatever the dataset could do."""

    def _collate_batch(self, batch):
        return collate(batch)


x, y = np.random.default_rng(0).random((4000, 784), dtype=np.float32), np.arange(4000) % 10
table = TensorDataset(Tensor(x), Tensor(y))
order = np.random.default_rng(0).permutation(4000)
pieces = [order[k : k + 64] for k in range(0, 4000, 64)]
by_hand = best_ms(lambda: [(x[piece], y[piece]) for piece in pieces])
one_by_one = best_ms(lambda: list(OneByOne(table, 64, shuffle=True)))
print(f"on your machine: one index per batch {by_hand:.2f} ms, sample by sample "
      f"{one_by_one:.2f} ms, {one_by_one / by_hand:.0f} times as long")

# %% [markdown]
"""
The numbers copied are the same; what costs is Python, some microseconds for each sample, sixty
times a batch. So a dataset may offer a second way, `get_batch(indices)`: all samples of a batch at
one stroke. `load_batch` asks for it first, and falls back on samples and `_collate_batch` if the
answer is None (or if somebody has overridden `_collate_batch`, who wants to see samples). PyTorch
has the same arrangement under the name `__getitems__`. `method_of` adds a method to a class that
exists, as in Module 01.
"""

# %% nbgrader={"grade": false, "grade_id": "dataloader_at_once", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@method_of(TensorDataset)
def get_batch(self: TensorDataset, indices: np.ndarray) -> tuple[Tensor, ...]:
    """The batch of these samples, equal to collate([self[i] for i in indices]), without a loop
    over samples. New Tensors that require no gradient; a batch shares no memory with the dataset.

    Example:
        TensorDataset(x).get_batch(np.array([4, 0])): one Tensor, x's rows 4 and 0
    """
    ### BEGIN SOLUTION
    return tuple(Tensor(tensor.data.take(indices, axis=0)) for tensor in self.tensors)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* that it equals the batch made sample by sample, dtypes, any number of tensors, no
sample asked for, and copies.
"""

# %% nbgrader={"grade": true, "grade_id": "test_dataloader_at_once", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@probe
def both_ways(shapes, indices, dtype="float32", requires_grad=False):
    """A batch at one stroke and by samples: do they agree; types, dtypes, samples asked for."""
    numbers, asked = np.random.default_rng(1), []

    class Counted(TensorDataset):
        def __getitem__(self, index):
            asked.append(index)
            return super().__getitem__(index)

    arrays = [(numbers.random(shape) * 100).astype(dtype) for shape in shapes]
    dataset = Counted(*(Tensor(array, requires_grad=requires_grad) for array in arrays))
    batch = dataset.get_batch(np.array(indices, dtype=np.int64))
    count = len(asked)
    slow = collate([dataset[k] for k in indices])
    return {
        "types": [type(batch).__name__, *(type(entry).__name__ for entry in batch)],
        "equal": [bool(np.array_equal(a.data, b.data)) for a, b in zip(batch, slow, strict=True)],
        "dtypes": [entry.dtype.name for entry in batch],
        "requires_grad": [entry.requires_grad for entry in batch],
        "asked": count,
        "shared": any(np.shares_memory(a.data, b) for a, b in zip(batch, arrays, strict=True)),
    }


def test_dataloader_at_once():
    """The same batch, without asking for a single sample."""
    for shapes, indices in [
        ([(6, 3, 2), (6,)], [4, 0, 5]), ([(5, 2)], [3]), ([(7,), (7, 2, 3), (7, 4)], [6, 6, 1, 0]),
        ([(4, 2)], [0, 1, 2, 3]),
    ]:
        found, given = both_ways(shapes, indices), f"tensors of shapes {shapes}, samples {indices}"
        check.equal(found["types"], ["tuple", *["Tensor"] * len(shapes)], given=f"{given}: types")
        check.equal(found["equal"], [True] * len(shapes), given=f"{given}: equal to the samples, "
                    "collated?", because="along dimension 0, in the order of the indices")
        check.equal(found["asked"], 0, given=f"{given}: samples asked for one by one",
                    because="the point is to do without")
        check.equal(found["shared"], False, given=f"{given}: is memory shared with the dataset?",
                    because="whoever changes a batch must not change the data")
    check.equal(both_ways([(6, 3), (6,)], [1, 2], "uint8")["dtypes"], ["uint8"] * 2,
                given="tensors of uint8: the dtypes of a batch")
    check.equal(both_ways([(6, 3)], [1, 2], requires_grad=True)["requires_grad"], [False],
                given="a tensor that requires a gradient: does its batch?",
                because="data are not learned: a batch consists of new Tensors")


test_dataloader_at_once()

# %% [markdown]
"""
**What will this print?** The measurement again, and one with augmentation: for a whole batch in one
call, and the same transforms called image by image, as one would write them at first.
"""

# %%
at_once = best_ms(lambda: list(DataLoader(table, 64, shuffle=True)))
print(f"on your machine: sample by sample {one_by_one:.2f} ms, at one stroke {at_once:.2f} ms, "
      f"by hand {by_hand:.2f} ms")
photos = np.random.default_rng(0).random((512, 3, 32, 32), dtype=np.float32)
augment = Compose([RandomHorizontalFlip(), RandomCrop(32, padding=4)])
whole = best_ms(lambda: [augment(photos[k : k + 128]) for k in range(0, 512, 128)], 3)
each = best_ms(lambda: [augment(photo) for photo in photos], 3)
print(f"augmenting 512 colour images: {whole:.1f} ms in batches of 128, {each:.1f} ms one by one")

# %% [markdown]
"""
Now the loader costs about what the copying costs. For images of 784 numbers sample by sample takes
several times as long; the smaller the samples, the more. The general way is still there, and it is
the one that files need: a file cannot be indexed. A Subset passes the question for a batch on to
its dataset; a ConcatDataset and the cache of Part 7 do not, and go sample by sample. Batches help
whenever the work per sample is small; a decoder that takes 5 ms per image does not care.

**Another good place to stop:** your loader is as fast as your memory.
"""

# %% [markdown]
"""
## Part 7: Data that does not fit

A folder of files is a dataset, too: its length is known without opening one, and a sample is read
when it is asked for. What stays in memory is the paths. That is why `Dataset` keeps the two
questions apart.

On the disk, images belong in uint8: one byte for each number, a quarter of float32. Networks want
float32 in a small range, so the conversion happens on the way in.

The files are in NumPy's own `.npy` format: JPEG needs a decoder, which NumPy does not have. As in
Module 07, nothing is read from a file that could run code, as Python objects (pickles) can.
`np.lib.format.read_array(file, allow_pickle=False)` reads one array from an open file. Its errors
say what is wrong, and never where; that is your part. **Given:** `save_images`, for the
experiments.
"""

# %%
#| export
def save_images(folder: str | os.PathLike, images: np.ndarray) -> list[Path]:
    """Write each image to a file of its own, 00000.npy and so on; the paths, in order."""
    paths = [Path(folder) / f"{number:05}.npy" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        np.save(path, image, allow_pickle=False)
    return paths

# %% nbgrader={"grade": false, "grade_id": "dataloader_images", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def read_image(path: str | os.PathLike) -> np.ndarray:
    """The array in a .npy file. Runs nothing that is in the file, and leaves no file open.

    Raises:
        FileNotFoundError: there is no such file (`open` says so by itself).
        ValueError: `np.lib.format.read_array` cannot read it (it raises ValueError): half a file,
            another kind, or Python objects. The message contains the path.
    """
    ### BEGIN SOLUTION
    with open(path, "rb") as file:
        try:
            return np.lib.format.read_array(file, allow_pickle=False)
        except ValueError as error:
            raise ValueError(f"{path} is no image in NumPy's .npy format: {error}") from error
    ### END SOLUTION


class ImageDataset(Dataset):
    """Images in files, one .npy file each, with their labels. What it keeps is the paths.

    Attributes:
        paths: a list.
        labels: an array, one entry for each path.
    """

    def __init__(self, image_paths: Iterable[str | os.PathLike], labels: Any) -> None:
        """No file is opened yet. `labels` is whatever `np.asarray` takes.

        Raises:
            ValueError: not one label for each path. The message contains both numbers.
        """
        ### BEGIN SOLUTION
        self.paths, self.labels = list(image_paths), np.asarray(labels)
        if len(self.paths) != len(self.labels):
            raise ValueError(f"{len(self.paths)} paths, but {len(self.labels)} labels")
        ### END SOLUTION

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """(image, label) as two Tensors; the file is read now, by `read_image`, and not kept.

        An image of uint8, 0 to 255, comes as float32 from 0 to 1; any other dtype as Tensor makes
        it. An index outside: as `check_index` says.

        Example:
            a file with [[0, 255]], uint8: an image [[0.0, 1.0]]
        """
        ### BEGIN SOLUTION
        position = check_index(index, len(self))
        image = read_image(self.paths[position])
        if image.dtype == np.uint8:
            image = image.astype(np.float32) / 255
        return Tensor(image), Tensor(self.labels[position])
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* that no file is opened before its image is asked for, nor kept afterwards; values
and dtypes; labels; wrong indices; missing files, and foreign ones of four kinds.
"""

# %% nbgrader={"grade": true, "grade_id": "test_dataloader_images", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def from_files(arrays, labels, ask):
    """A dataset of these images in files: the sample asked for, and what a later change does."""
    with tempfile.TemporaryDirectory() as folder:
        paths = save_images(folder, [np.array(a["values"], dtype=a["dtype"]) for a in arrays])
        dataset = ImageDataset(map(str, paths), labels)
        image, label = dataset[ask]
        found = {
            "len": len(dataset), "kinds": [type(image).__name__, type(label).__name__],
            "image": image.data.tolist(), "label": label.data.tolist(),
            "dtype": image.dtype.name, "shapes": [image.shape, label.shape],
        }
        np.save(paths[ask], np.array([[4.0]]))
        found["read again"] = dataset[ask][0].data.tolist()
    return found


@probe
def refusal(case):
    """The error of a dataset of two paths: one is missing, the other is no image; or "none"."""
    with tempfile.TemporaryDirectory() as folder:
        bad = Path(folder) / "bad.npy"
        bad.write_bytes(b"hello")
        try:
            dataset = ImageDataset([bad, Path(folder) / "missing.npy"], [1, 2])
            if case != "made":
                dataset[case]
        except (IndexError, OSError, ValueError) as came:
            name = type(came).__name__
            return name + (": the file is named" if str(Path(folder)) in str(came) else "")
    return "none"


@probe
def read_of(kind):
    """What read_image makes of a file of this kind: the array, or its error's name and cause."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.npy"
        np.save(path, np.arange(24).reshape(2, 3, 4))
        whole = path.read_bytes()
        if kind == "objects":
            np.save(path, np.array([{}, None], dtype=object), allow_pickle=True)
        else:
            contents = {"whole": whole, "half": whole[:200], "empty": b"", "text": b"h"}
            path.write_bytes(contents[kind])
        try:
            return read_image(path if kind == "whole" else str(path)).tolist()
        except Exception as came:
            named = "the path" if str(path) in str(came) else "no path"
            return f"{type(came).__name__} with {named}"


@probe
def left_open():
    """The warnings that Python gives when an image is read: whoever leaves a file open gets one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.npy"
        np.save(path, np.arange(6))
        with warnings.catch_warnings(record=True) as noticed:
            warnings.simplefilter("always", ResourceWarning)
            read_image(path)
        return [notice.category.__name__ for notice in noticed]


def test_dataloader_images():
    """Read when asked for, and not before."""
    check.equal(read_of("whole"), np.arange(24).reshape(2, 3, 4).tolist(),
                given="read_image of a file with the numbers 0 to 23, (2, 3, 4)")
    for kind in ("half", "empty", "text", "objects"):
        check.equal(read_of(kind), "ValueError with the path",
                    given=f"read_image of a file, {kind}: the error",
                    because="Python objects in a file can run code when they are read"
                    if kind == "objects" else "whoever reads it must find the file")
    check.equal(left_open(), [], given="read_image of a good file: the warnings that Python gives",
                because="whoever opens a file closes it: `with`")
    files = [{"values": [[0, 255], [51, 102]], "dtype": "uint8"},
             {"values": [[[0.5, 300.0, -1.0]]], "dtype": "float64"},
             {"values": [[0, 100, -100]], "dtype": "int16"}]
    found = from_files(files, [7, 8, 9], 0)
    check.equal(found["len"], 3, given="three files: len")
    check.equal(found["kinds"], ["Tensor", "Tensor"], given="the types of a sample's two entries")
    check.close(found["image"], [[0, 1], [0.2, 0.4]],
                given="a file of uint8 [[0, 255], [51, 102]]: the image",
                because="uint8 means 0 to 255, the network wants 0 to 1")
    check.equal(found["dtype"], "float32", given="a file of uint8: the dtype of the image")
    check.close(found["label"], 7, given="labels [7, 8, 9], sample 0: the label")
    check.equal(found["shapes"][1], (), given="labels [7, 8, 9], sample 0: the label's shape")
    check.close(from_files(files, [7, 8, 9], 1)["image"], [[[0.5, 300, -1]]],
                given="a file of float64 [[[0.5, 300, -1]]]: the image",
                because="only uint8 is scaled")
    check.equal(from_files(files, [7, 8, 9], 2)["dtype"], "int16",
                given="a file of int16: the dtype of the image", because="as Tensor makes it")
    check.close(from_files(files, np.array([7, 8, 9]), 2)["label"], 9,
                given="labels as an array, sample 2: the label")
    check.close(found["read again"], [[4]],
                given="the file was changed after the first time; the image, asked for again",
                because="it is read each time: what is kept is the path")
    check.equal(refusal("made"), "none", given="a path that is missing and one of another kind: "
                "the error when the dataset is made", because="no file is opened yet")
    check.equal(refusal(1), "FileNotFoundError: the file is named",
                given="the sample of the missing file")
    check.equal(refusal(0), "ValueError: the file is named",
                given="the sample of a file that is no image")
    for wrong in (2, -1):
        check.equal(refusal(wrong), "IndexError", given=f"two files, sample {wrong}",
                    because="as check_index says")
    check.raises(ValueError, lambda: ImageDataset(["a", "b", "c"], [1] * 14), mentions=["3", "14"],
                 given="3 paths and 14 labels")


test_dataloader_images()

# %% [markdown]
"""
### What is worth keeping? (open)

Reading a file for each sample of each pass is the price of little memory. Most data sets lie
somewhere in between: too large to keep, small enough to keep a part of. A **cache** wraps a dataset
and remembers samples. The question is which, when there is room for only some.

This exercise is *open*: the docstring says what must hold. Before you decide, play it through with
4 samples, room for 3, and passes in order: 0 1 2 3 0 1 2 3. What does your first idea remember when
sample 0 is asked for the second time? (Threads may ask at the same time. Only one of them at a time
gets into a `with lock:` block, where `lock = threading.Lock()` was made once, in `__init__`.)
"""

# %% nbgrader={"grade": false, "grade_id": "dataloader_cached", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "open"}
#| export
class CachedDataset(Dataset):
    """A dataset that keeps samples in memory, so that the next pass need not load them again.

    * Its samples are those of `dataset`, errors included.
    * It never keeps more than `capacity` samples (None: no limit), with several threads neither.
    * After one pass over all samples, every further pass loads at most len(dataset) - capacity
      of them from `dataset` (none, if there is no limit), in whatever order the passes go.
    * A sample that could not be loaded is tried again the next time.
    * Threads that ask for different samples load them at the same time.
    """

    def __init__(self, dataset: Any, capacity: int | None = None) -> None:
        """ValueError unless capacity is None or an int of at least 0 (see `check_whole`).

        The message contains "capacity" and its value.
        """
        ### BEGIN SOLUTION
        self.dataset, self.kept, self.lock = dataset, {}, threading.Lock()
        self.capacity = len(dataset) if capacity is None else check_whole("capacity", capacity, 0)
        ### END SOLUTION

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple:
        """Sample number `index`; an index outside: as `check_index` says."""
        ### BEGIN SOLUTION
        position = check_index(index, len(self))
        if position in self.kept:
            return self.kept[position]
        sample = self.dataset[position]
        with self.lock:
            if len(self.kept) < self.capacity:
                self.kept[position] = sample
        return sample
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the samples and their errors, how many are loaded in later passes for passes in
order, shuffled and backwards, that the limit holds (with threads, too), and the settings. Not
checked: which samples you keep.
"""

# %% nbgrader={"grade": true, "grade_id": "test_dataloader_cached", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def loads_per_pass(size, capacity, way):
    """Samples loaded from below in each of four passes, and whether all were right."""
    asked, right, numbers = [], True, np.random.default_rng(5)
    orders = {
        "in order": lambda: range(size),
        "shuffled": lambda: numbers.permutation(size),
        "backwards every other time": lambda: range(size)[:: 1 if len(counts) % 2 else -1],
    }

    class Watched(Dataset):
        def __len__(self):
            return size

        def __getitem__(self, index):
            asked.append(index)
            return (index * index, "label")

    cached, counts = CachedDataset(Watched(), capacity), []
    for _ in range(4):
        asked.clear()
        for index in orders[way]():
            right = right and cached[index] == (index * index, "label")
        counts.append(len(asked))
    return {"counts": counts, "right": bool(right), "len": len(cached)}


@probe
def with_failure():
    """A sample that cannot be loaded twice, and can be at last: what comes, and how often tried."""
    tries = []

    class Flaky(Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            tries.append(index)
            if len(tries) < 3:
                raise OSError("the disk is busy")
            return (index,)

    cached, outcome = CachedDataset(Flaky()), []
    for _ in range(4):
        try:
            outcome.append(cached[1])
        except OSError as error:
            outcome.append(str(error))
    return {"outcome": outcome, "tries": len(tries)}


@probe
def kept_by_threads(capacity):
    """Four threads ask for four samples at once, each a little slow at every step of the cache:
    did all four load at the same time, and how many are kept (loaded no more after it)?"""
    asked, together, in_vain = [], threading.Event(), []
    home = getattr(CachedDataset.__getitem__, "__code__", None)

    class Slow(Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            asked.append(index)
            if len(asked) == 4:
                together.set()
            for _ in range(600):  # turns in which the others may come
                if together.wait(0.001) or in_vain:
                    break
            else:
                in_vain.append(index)
            return (index,)

    def slowly(frame, event, argument):
        if home is None or frame.f_code.co_filename != home.co_filename:
            return None
        frame.f_trace_opcodes = True
        time.sleep(0.0003)
        return slowly

    cached = CachedDataset(Slow(), capacity)
    threads = [threading.Thread(target=lambda k=k: cached[k]) for k in range(4)]
    before = threading.gettrace()
    threading.settrace(slowly)
    try:
        for thread in threads:
            thread.start()
    finally:
        threading.settrace(before)
    for thread in threads:
        thread.join()
    kept = 0
    for index in range(4):
        count = len(asked)
        cached[index]
        kept += len(asked) == count
        if len(asked) > count:
            break  # it may be kept from now on, in place of another
    return {"together": not in_vain, "kept": kept}


@probe
def cached_list(asked_before, index):
    """What a cache of a plain list of three samples gives for this index: an error's name, or it.

    With `asked_before`, sample 1 is in the cache."""
    cached = CachedDataset([("a",), ("b",), ("c",)])
    if asked_before:
        cached[1]
    try:
        return cached[index]
    except (IndexError, TypeError) as error:
        return type(error).__name__


@probe
def none_is_kept_twice():
    """Samples that are equal to nothing, or false: loads in two passes over three of them."""
    asked = []

    class Empty(Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            asked.append(index)
            return ()

    cached = CachedDataset(Empty())
    for index in (0, 1, 2, 0, 1, 2):
        cached[index]
    return len(asked)


def test_dataloader_cached():
    """The same samples, loaded no more often than needed, and never too many kept."""
    ways = ("in order", "shuffled", "backwards every other time")
    for size, capacity in ((6, None), (6, 6), (6, 4), (5, 1), (4, 0), (3, 10), (0, None)):
        for way in ways:
            found = loads_per_pass(size, capacity, way)
            given = f"{size} samples, capacity {capacity}, four passes {way}"
            check.equal([found["right"], found["len"]], [True, size], given=f"{given}: are all "
                        "samples right, and how many are there?")
            most = 0 if capacity is None else max(0, size - capacity)
            check.true(all(count <= most for count in found["counts"][1:]),
                       given=lambda given=given, found=found: f"{given}: loaded {found['counts']}",
                       because=f"after the first pass at most {most} are loaded in each")
            if capacity is not None and capacity < size:
                check.true(all(count >= most for count in found["counts"]),
                           given=lambda given=given, found=found: f"{given}: loaded "
                           f"{found['counts']}",
                           because=f"with {capacity} kept, the other {most} must be loaded")
    check.equal(none_is_kept_twice(), 3,
                given="three samples that are empty tuples, two passes: how many loads",
                because="ask whether a sample is kept, not whether it is true")
    check.equal(with_failure(),
                {"outcome": ["the disk is busy"] * 2 + [(1,)] * 2, "tries": 3},
                given="a sample that fails twice, asked for four times",
                because="an error is passed on and not kept; a sample is")
    for capacity in (1, 3):
        found = kept_by_threads(capacity)
        check.equal(found["together"], True, given=f"four threads ask for four samples, capacity "
                    f"{capacity}: do all four load at the same time?",
                    because="nobody may hold the lock while a sample is loaded")
        check.true(found["kept"] <= capacity,
                   given=f"four threads load four samples at once, capacity {capacity}: kept",
                   because="between `is there room?` and `keep it` another thread may come: use a "
                           "threading.Lock")
    for asked_before in (False, True):
        for wrong, error in ((-1, "IndexError"), (3, "IndexError"), (1.0, "TypeError")):
            check.equal(cached_list(asked_before, wrong), error,
                        given=f"a cache of a list of 3 samples, sample {wrong!r}"
                        + (", after sample 1" if asked_before else ""),
                        because="a list serves -1, and 1.0 == 1: check_index decides")
    cached = CachedDataset(TensorDataset(Tensor([1, 2, 3])), 1)
    for wrong in (3, -1):
        check.raises(IndexError, lambda wrong=wrong: cached[wrong], mentions=[str(wrong), "3"],
                     given=f"a cache of 3 samples, sample {wrong}")
    for wrong in (-1, 2.5):
        check.raises(ValueError, lambda wrong=wrong: CachedDataset([], wrong),
                     mentions=["capacity", str(wrong)],
                     given=f"CachedDataset(dataset, capacity={wrong})")


test_dataloader_cached()

# %% [markdown]
"""
The obvious policy, throw out what was not used for the longest time, is the one that fails here:
with room for 3 of 4 it has always just thrown out the next one. It is right for things that come
again *soon*; in a pass every sample comes again as late as possible.

## Part 8: Never let training wait

**Where does the time go?** Before anything is made faster, it is measured. A loop over batches does
two things in turn: it waits for a batch, and it uses one. You write the watch that tells the two
apart, and says how busy the processor was. (`time.perf_counter` is the clock on the wall;
`time.process_time` counts only while the processor works for this process. Sleeping, waiting for
a disk or for the network costs time on the first and none on the second.)
"""

# %% nbgrader={"grade": false, "grade_id": "dataloader_watch", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def watch_loop(
    loader: Iterable[Any],
    step: Callable[[Any], Any],
    clock: Callable[[], float] = time.perf_counter,
    cpu_clock: Callable[[], float] = time.process_time,
) -> dict[str, float]:
    """Call step(batch) for each batch of the loader, and tell where the time went.

    The loop takes some time: its seconds are never 0.

    Args:
        clock: seconds on the wall.
        cpu_clock: seconds that the processor worked for this process, all its threads together.

    Returns:
        batches   how many
        seconds   of the whole loop
        waiting   the share of these seconds, 0 to 1, that was not spent in `step`
        cpu       processor seconds / seconds: 1.0 is one processor core at work all the time

    Example:
        10 batches, each loaded in 0.03 s (asleep) and used for 0.01 s (at work):
        10 batches, 0.4 seconds, waiting 0.75, cpu 0.25
    """
    ### BEGIN SOLUTION
    begin, cpu_begin, stepping, batches = clock(), cpu_clock(), 0.0, 0
    for batch in loader:
        start = clock()
        step(batch)
        stepping += clock() - start
        batches += 1
    seconds = clock() - begin
    cpu = (cpu_clock() - cpu_begin) / seconds
    waiting = (seconds - stepping) / seconds
    return {"batches": batches, "seconds": seconds, "waiting": waiting, "cpu": cpu}
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* all four numbers, with clocks that the test sets by hand; the waiting before the
first batch and after the last counts, too.
"""

# %% nbgrader={"grade": true, "grade_id": "test_dataloader_watch", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@probe
def watched(loads, steps, end=(0.0, 0.0)):
    """watch_loop with two clocks set by hand: (wall, cpu) seconds of each load and each step."""
    now, used = [100.0, 7.0], []

    def spend(seconds):
        now[0], now[1] = now[0] + seconds[0], now[1] + seconds[1]

    def batches():
        for number, seconds in enumerate(loads):
            spend(seconds)
            yield number
        spend(end)

    def step(batch):
        used.append(batch)
        spend(steps[batch])

    told = watch_loop(batches(), step, lambda: now[0], lambda: now[1])
    return {**told, "used": used}


def test_dataloader_watch():
    """Seconds, the share of waiting, and how busy the processor was."""
    found = watched([(0.03, 0.0)] * 10, [(0.01, 0.01)] * 10)
    given = "10 batches, each loaded in 0.03 s asleep and used for 0.01 s at work"
    check.equal(found["used"], list(range(10)), given=f"{given}: what step was called with")
    check.equal(found["batches"], 10, given=f"{given}: batches")
    check.close(found["seconds"], 0.4, given=f"{given}: seconds", because="10 * (0.03 + 0.01)")
    check.close(found["waiting"], 0.75, given=f"{given}: waiting", because="0.3 of 0.4 seconds")
    check.close(found["cpu"], 0.25, given=f"{given}: cpu",
                because="0.1 seconds of work in 0.4 seconds")
    uneven = watched([(3.0, 1.5), (0.5, 0.5)], [(1.0, 1.0), (0.5, 1.0)], end=(3.0, 0.0))
    given = "loads of 3 and 0.5 s, steps of 1 and 0.5 s, and 3 s until the loader says it is done"
    check.close(uneven["seconds"], 8.0, given=f"{given}: seconds",
                because="the loop ends when the loader says so")
    check.close(uneven["waiting"], 6.5 / 8, given=f"{given}: waiting",
                because="whatever was not spent in step: 8 - 1.5 seconds")
    check.close(uneven["cpu"], 0.5, given=f"{given}; 4 seconds of work: cpu",
                because="of the whole process, in the loader and in step")
    both = watched([(0.0, 0.0)], [(2.0, 3.0)])
    check.close([both["waiting"], both["cpu"]], [0.0, 1.5],
                given="no load, one step of 2 s in which two cores work 3 s: waiting, cpu",
                because="more than one core may be at work")


test_dataloader_watch()

# %% [markdown]
"""
A slow disk, played by `time.sleep`: each image takes a millisecond. **Predict** what the watch says
of a training loop over it: how large is the share of waiting, and how busy is the processor?
"""

# %%
class SlowDisk(Dataset):
    """A dataset whose every sample takes some milliseconds of waiting, as a disk would."""

    def __init__(self, dataset, milliseconds=1.0):
        self.dataset, self.seconds = dataset, milliseconds / 1e3

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        time.sleep(self.seconds)
        return self.dataset[index]


def make_step():
    """A training step of a network that is large enough to be busy for some milliseconds."""
    np.random.seed(0)
    model = Sequential(Linear(64, 1024), ReLU(), Linear(1024, 1024), ReLU(), Linear(1024, 10))
    optimizer, loss_fn = SGD(model.parameters(), lr=0.1), CrossEntropyLoss()

    def step(batch):
        optimizer.zero_grad()
        loss_fn(model(batch[0].reshape(-1, 64)), batch[1]).backward()
        optimizer.step()

    return step


slow = Subset(SlowDisk(digits), range(320))
for dataset, name in ((Subset(digits, range(320)), "in memory"), (slow, "slow disk")):
    told = watch_loop(DataLoader(dataset, 16, shuffle=True), make_step())
    print(f"{name}: {told['seconds']:.2f} s, waiting {told['waiting']:.0%}, cpu {told['cpu']:.2f}")

# %% [markdown]
"""
On the slow disk, training mostly waits, and the processor sleeps with it. That is what a starving
loop looks like. (In big machines it is the expensive part, a GPU, that sleeps. And less than 1.0 in
memory? Then other programs use your processor.)

The remedy is as old as kitchens: prepare the next thing while this one is being eaten. **Worker
threads** load the coming batches while your loop trains on the present one.

```
 one after the other              one worker, loading ahead
 load  00  11  22  33             worker  00112233
 step    00  11  22  33           step      00112233
       time --->                          time --->
```

In words: on the right, batch 1 is loaded while step 0 runs, and so on. After the first wait the
slower of loading and stepping sets the pace, no longer their sum.

Python has what it takes. A `ThreadPoolExecutor(n)` owns n threads; `pool.submit(function,
argument)` returns at once with a *future*, and one of the threads does the work; `future.result()`
waits for it and returns what the function returned, or raises what it raised.

**What will this print?** Three jobs of 0.1 seconds, two threads. How long does the loop take?
"""

# %%
def job(number):
    time.sleep(0.1)
    return number * number


start, pool = time.perf_counter(), ThreadPoolExecutor(2)
futures = [pool.submit(job, number) for number in range(3)]
print(f"submitted after {time.perf_counter() - start:.1f} s; done yet?", futures[0].done())
print([future.result() for future in futures], f"after {time.perf_counter() - start:.1f} s")
pool.shutdown()

# %% [markdown]
"""
So the jobs run while you do something else, and results come in *your* order, whoever finishes
first. Now keep some jobs ahead of the loop: enough, so that nothing waits, but not all, or the
memory fills with batches that nobody wants yet.

And clean up. Loops are left by `break`, by an exception, by Ctrl-C. When a generator is abandoned,
Python raises an exception inside of it, at the `yield` where it stands; so `try … finally` is the
place where threads end. `pool.shutdown(cancel_futures=True)` waits for what is running and cancels
what has not begun. (`deque` is a list that is quick at both ends: `append`, `popleft`. `islice(it,
n)` takes the next n items of an iterator, or as many as are left.)
"""

# %% nbgrader={"grade": false, "grade_id": "dataloader_ahead", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def load_ahead(
    load: Callable[[Any], Any], items: Iterable[Any], workers: int, ahead: int
) -> Iterator[Any]:
    """load(item) for every item, in the order of the items, loaded by `workers` threads.

    Whenever a result is handed out, `ahead` others are being loaded or ready (as long as there
    are items); never more. So `items` may be endless: no more are taken from it than are needed.

    If load(item) raises, the error comes where its result would have come, after all results
    before it. When it is over (after the last result, an error, or because the caller leaves its
    loop), whatever has not begun is not loaded any more, and all threads have ended.

    `workers` and `ahead` are at least 1.

    Example:
        list(load_ahead(abs, [-3, -1, -2], workers=2, ahead=2)) is [3, 1, 2]
    """
    ### BEGIN SOLUTION
    items, pool = iter(items), ThreadPoolExecutor(workers)
    try:
        waiting = deque(pool.submit(load, item) for item in islice(items, ahead))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(load, item) for item in islice(items, 1))
            yield result
    finally:
        pool.shutdown(cancel_futures=True)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* order, laziness with endless items, how many are ahead at every moment, that
workers work at the same time and while the caller is busy, errors in their turn, and what is left
over, running or not, when the loop ends, breaks or fails.
"""

# %% nbgrader={"grade": true, "grade_id": "test_dataloader_ahead", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
@probe
def in_order(count, workers, ahead):
    """Results of loads that take longer the earlier they come."""

    def load(item):
        time.sleep(0.002 * (count - item))
        return item * item

    results = load_ahead(load, (k for k in range(count)), workers, ahead)
    return [one if type(one) is int else type(one).__name__ for one in results]


@probe
def begun_after_each(workers, ahead, times=4):
    """How many loads of endless items have begun when each result has been handed out, and how
    many items were taken. Waits until nothing more happens."""
    begun, taken = [], []

    def items():
        number = 0
        while True:
            taken.append(number)
            yield number
            number += 1

    results, found = load_ahead(begun.append, items(), workers, ahead), []
    for number in range(times):
        next(results)
        for _ in range(600):  # turns in which the workers may go on
            if len(begun) >= number + 1 + ahead:
                break
            time.sleep(0.001)
        time.sleep(0.01)
        found.append(len(begun))
        if len(begun) < number + 1 + ahead:
            break  # waited in vain: once is enough
    results.close()
    return found, len(taken) - len(found)


@probe
def at_once(workers):
    """Loads that wait until `workers` of them are there: what comes of it."""
    meeting = threading.Barrier(workers, timeout=1)

    def load(item):
        meeting.wait()
        return item

    try:
        return list(load_ahead(load, range(2 * workers), workers, workers))
    except threading.BrokenBarrierError:
        return "they never met"


@probe
def while_busy():
    """At each result, 2 workers, 2 ahead: is the one after the next loaded before we ask again?"""
    loaded, found = [threading.Event() for _ in range(6)], []
    for item in load_ahead(lambda k: loaded[k].set() or k, range(6), 2, 2):
        found.append(loaded[min(item + 2, 5)].wait(1 if all(found) else 0))
    return found


@probe
def failing():
    """Items 0, 1, 2, …, of which number 2 fails: the results, the error, and threads left."""
    results = load_ahead(lambda k: 10 // (2 - k), range(8), 3, 3)
    got = []
    try:
        for result in results:
            got.append(result)
    except ZeroDivisionError:
        got.append("ZeroDivisionError")
    until, names = time.monotonic() + 2, ["ask"]
    while names and time.monotonic() < until:
        time.sleep(0.005)
        names = [t.name for t in threading.enumerate() if t.name.startswith("ThreadPool")]
    return got, len(names)


@probe
def left_half_way(by):
    """Leave the loop at the first result, with one worker and five ahead: what was loaded."""
    begun, go = [], threading.Event()

    def load(item):
        begun.append(item)
        if item:
            go.wait(2)
        return item

    results = load_ahead(load, range(9), 1, 5)
    try:
        for _ in results:
            until = time.monotonic() + 2
            while len(begun) < 2 and time.monotonic() < until:
                time.sleep(0.001)
            threading.Timer(0.02, go.set).start()
            if by == "break":
                break
            raise KeyError("a broken step")
    except KeyError:
        pass
    results.close()
    running = [t.name for t in threading.enumerate() if t.name.startswith("ThreadPool")]
    go.wait(2)
    time.sleep(0.05)  # in which whoever is not stopped goes on
    return {"begun": begun, "threads": len(running)}


@probe
def through_the_loader(workers):
    """A shuffled, augmented loader with workers: its two passes; and a sample that fails."""
    numbers = [(np.full((1, 3, 4), k, np.float32) + np.arange(4), k) for k in range(10)]
    loader = DataLoader(numbers, 3, True, seed=2, num_workers=workers,
                        transform=RandomCrop((3, 4), padding=1))
    found = [[entry.data.tolist() for entry in batch] for _ in range(2) for batch in loader]

    class Broken(Dataset):
        def __len__(self):
            return 10

        def __getitem__(self, index):
            if index == 7:
                raise OSError("no such file")
            return (index,)

    seen = []
    try:
        for batch in DataLoader(Broken(), 2, num_workers=workers):
            seen.append(batch[0].data.astype(int).tolist())
    except OSError as error:
        seen.append([str(error), *getattr(error, "__notes__", [])])
    return found, seen


def test_dataloader_ahead():
    """In order, just enough ahead, at the same time, and cleaned up."""
    for count, workers, ahead in ((7, 3, 4), (5, 2, 1), (3, 4, 8), (1, 1, 1), (0, 2, 2)):
        check.equal(in_order(count, workers, ahead), [k * k for k in range(count)],
                    given=f"{count} items, workers={workers}, ahead={ahead}; earlier ones take "
                          "longer", because="results come in the order of the items")
    for workers, ahead in ((2, 3), (1, 1), (3, 2)):
        found, extra = begun_after_each(workers, ahead)
        check.equal(found, [ahead + k for k in (1, 2, 3, 4)],
                    given=f"endless items, workers={workers}, ahead={ahead}: loads begun, when "
                          "1, 2, 3, 4 results are handed out",
                    because=f"those handed out and {ahead} more, as soon as a result is handed out")
        check.equal(extra, ahead, given=f"workers={workers}, ahead={ahead}: items taken beyond the "
                    "results handed out", because="items may be endless, or cost something")
    for workers in (2, 4):
        check.equal(at_once(workers), list(range(2 * workers)),
                    given=f"loads that wait for each other, {workers} at a time; workers={workers}",
                    because="all workers work at the same time: submit before you wait")
    check.equal(while_busy(), [True] * 6, given="6 items, 2 workers, 2 ahead; at each result: is "
                "the one after the next loaded without our asking?",
                because="they load while the caller is busy: submit the next one, then yield")
    check.equal(failing(), ([5, 10, "ZeroDivisionError"], 0),
                given="3 workers, 3 ahead; item 2 fails: results, the error, threads left",
                because="the error comes in its turn, and the threads end")
    for by in ("break", "an error in the loop"):
        check.equal(left_half_way(by), {"begun": [0, 1], "threads": 0},
                    given=f"one worker, five ahead; the loop is left at the first result, by {by}, "
                          "while item 1 is loading: loads that ever begin, threads afterwards",
                    because="what has not begun is cancelled, what is running is waited for")
    check.equal(through_the_loader(3)[0], through_the_loader(0)[0],
                given="two passes of a shuffled, augmented loader with seed 2: the batches with 3 "
                      "workers, and with none",
                because="every random number is derived, whoever loads")
    check.equal(through_the_loader(3)[1],
                [[0, 1], [2, 3], [4, 5], ["no such file", "while loading sample 7"]],
                given="samples in batches of 2, sample 7 raises OSError: the batches, and the "
                      "error with its notes", because="the worker's own error reaches the caller")


test_dataloader_ahead()

# %% [markdown]
"""
Back to the slow disk. **Predict:** the share of waiting and the work of the processor with 1, 2, 4
and 8 workers. How many workers would you need so that training never waits? (16 images of a
millisecond make a batch; how long is a step on your machine?)
"""

# %%
for workers in (0, 1, 2, 4, 8):
    told = watch_loop(DataLoader(slow, 16, shuffle=True, num_workers=workers), make_step())
    print(f"{workers} workers: {told['seconds']:.2f} s, waiting {told['waiting']:>4.0%}, "
          f"cpu {told['cpu']:.2f}, {320 / told['seconds']:>5.0f} images per second")

# %%
def recorded(workers):
    """(kind, batch, begin, end) of each load and step of 8 batches, in seconds from the start."""
    events, begin = [], time.perf_counter()

    def timed(kind, number, seconds):
        start = time.perf_counter() - begin
        time.sleep(seconds)
        events.append((kind, number, start, time.perf_counter() - begin))
        return number

    def load(number):
        return timed("load", number, 0.03)

    batches = load_ahead(load, range(8), workers, workers) if workers else map(load, range(8))
    for number in batches:
        timed("step", number, 0.02)
    return events


try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(3, 1, figsize=(8, 4.5), sharex=True, layout="constrained")
    for place, workers in zip(axes, (0, 1, 2), strict=True):
        for kind, number, start, end in recorded(workers):
            row = 0 if kind == "step" else 1 + number % max(workers, 1)
            colour = "tab:orange" if kind == "step" else "tab:blue"
            place.barh(row, end - start, left=start, color=colour, edgecolor="white")
            place.text((start + end) / 2, row, str(number), ha="center", va="center", color="white")
        rows = ["step", *["load"] * max(workers, 1)]
        place.set(yticks=range(len(rows)), yticklabels=rows,
                  title="1 worker" if workers == 1 else f"{workers} workers")
    axes[-1].set_xlabel("seconds; a load takes 0.03, a step 0.02")
    plt.show()
except ImportError:
    print("Without matplotlib you miss the gaps between the steps, and how they close.")

# %% [markdown]
"""
A batch takes 16 ms or a little more to load; n workers bring one every 16 / n ms. When that is less
than your step, only the first wait is left (in a run of 20 batches even that is a fair share of the
whole), and more workers change nothing.

In the figure, without workers each step waits for its own load. One worker overlaps the two, and
the gaps shrink to 0.01, the difference. Two workers bring a batch every 0.015 seconds on average,
and the steps stand shoulder to shoulder: from there on, a third changes nothing.

### A loop that starves (bug hunt)

A colleague has read about all this and has written it in one function:

> "I gave it eight workers. It is exactly as fast as without. Somebody told me that threads need a
> lock, so there is one. And the memory is fine!"

Run the cell below the exercise: it shows when each load and each step begins. Use it to find out
who waits for whom. One cause found need not be the only one.
"""

# %% nbgrader={"grade": false, "grade_id": "dataloader_stall", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "bug hunt"}
def feed(load, step, count, workers):
    """Call step(load(k)) for k = 0, …, count - 1: steps in order, here; loads on worker threads.

    All workers may be loading at the same time. While a step runs, the workers go on: `workers`
    batches, beyond the one in use, are being loaded or ready, as long as there are so many; never
    more, or they would fill the memory.
    """
    ### BEGIN BROKEN
    # turn = threading.Lock()
    #
    # def load_one(number):
    #     with turn:
    #         return load(number)
    #
    # with ThreadPoolExecutor(workers) as pool:
    #     for start in range(0, count, workers):
    #         numbers = range(start, min(start + workers, count))
    #         batches = [future.result() for future in [pool.submit(load_one, k) for k in numbers]]
    #         for batch in batches:
    #             step(batch)
    ### END BROKEN
    ### BEGIN SOLUTION
    for batch in load_ahead(load, range(count), workers, workers):
        step(batch)
    ### END SOLUTION

# %% [markdown]
"""
**What will this print**, as long as it is broken? Loads of 30 and steps of 20 milliseconds, 3
workers; no step need wait after the first. And when it is mended?
"""

# %%
def diary(feeding):
    """When each load and each step of 6 batches begins, in milliseconds."""
    begin, told = time.perf_counter(), {"load": {}, "step": {}}

    def timed(kind, seconds):
        def work(number):
            told[kind][number] = round((time.perf_counter() - begin) * 1e3)
            time.sleep(seconds)
            return number

        return work

    try:
        feeding(timed("load", 0.03), timed("step", 0.02), 6, 3)
    except NotImplementedError:
        return "not there yet"
    return "\n".join(f"{kind}s begin at {[told[kind][k] for k in range(6)]}" for kind in told)


print(diary(feed))

# %% [markdown]
"""
*What is checked:* order, that loads overlap each other, that they overlap the steps without a
pause, and that no more are ahead than allowed.
"""

# %% nbgrader={"grade": true, "grade_id": "test_dataloader_stall", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@probe
def steps_of(count, workers):
    """What step is called with, and whether always in the calling thread."""
    got, here = [], threading.get_ident()
    feed(lambda k: 10 * k, lambda batch: got.append((batch, threading.get_ident() == here)),
         count, workers)
    return got


@probe
def loads_meet(workers):
    """Loads that wait until `workers` of them are there: do they meet?"""
    meeting = threading.Barrier(workers, timeout=1)
    try:
        feed(lambda k: meeting.wait() * 0 + k, lambda batch: None, 2 * workers, workers)
    except threading.BrokenBarrierError:
        return "they never met"
    return "they met"


@probe
def ahead_of_steps(count, workers):
    """In each step, counted from 0: how many loads have begun, once nothing more happens."""
    begun, found = [], []

    def load(number):
        begun.append(number)
        return number

    def step(batch):
        in_vain = any(have < min(k + 1 + workers, count) for k, have in enumerate(found))
        for _ in range(0 if in_vain else 600):  # turns in which the workers may go on
            if len(begun) >= min(batch + 1 + workers, count):
                break
            time.sleep(0.001)
        time.sleep(0.005)
        found.append(len(begun))

    feed(load, step, count, workers)
    return found


def test_dataloader_stall():
    """Loads beside loads, loads beside steps, and no more than allowed."""
    for count, workers in ((7, 3), (2, 4), (1, 1), (0, 2)):
        check.equal(steps_of(count, workers), [(10 * k, True) for k in range(count)],
                    given=f"{count} batches 0, 10, 20, …, {workers} workers: what step is called "
                          "with; in the calling thread?", because="in order, and here")
    check.equal(loads_meet(3), "they met",
                given="loads that wait for each other, three at a time, 3 workers",
                because="all workers may be loading at the same time")
    for count, workers in ((7, 2), (6, 3)):
        check.equal(ahead_of_steps(count, workers),
                    [min(k + 1 + workers, count) for k in range(count)],
                    given=f"{count} batches, {workers} workers: loads begun while step 0, 1, 2, "
                          "… runs",
                    because=f"the batches used so far and {workers} more: the workers go on while "
                            "a step runs, and not too far")


test_dataloader_stall()

# %% [markdown]
"""
A lock around the work makes workers take turns: eight of them are then as fast as one. And working
in rounds, all load, then all steps, means that while one half works, the other sleeps. Nothing is
wrong with the results, so no test of results will ever find it; a watch does, and a diary. If you
put `load_ahead` in place of it all: say nevertheless which lines made whom wait.
"""

# %% [markdown]
r"""
# Use

## Digits that move

The network of Module 07 reads digits that sit in the middle of their frame. A scanner is not that
careful. So: 800 digits as files on the disk, loaded by two workers, kept in memory after the first
pass, moved by up to a pixel anew in every pass, and trained on by your Trainer. Every part of this
chain is yours.

**Predict:** the accuracy on the 200 test digits, in their places and moved by up to a pixel, for a
network trained on digits in their places, and for one trained on digits that move. Which of the
four numbers is the lowest? And does the network that learned from moving digits lose something
where they rest?
"""

# %%
def train_digits_network(dataset, transform, epochs=15):
    """A network of 64 hidden units, trained by the Trainer from a loader with two workers."""
    np.random.seed(0)
    model = Sequential(Linear(64, 64), ReLU(), Linear(64, 10))
    trainer = Trainer(model, Adam(model.parameters(), lr=0.01), CrossEntropyLoss())
    loader = DataLoader(dataset, 20, shuffle=True, num_workers=2, transform=transform)
    for _ in range(epochs):
        trainer.train_epoch(loader)
    return trainer


moving = Compose([RandomCrop(8, padding=1), flat])
test_digits = TensorDataset(Tensor(test_images.reshape(-1, 1, 8, 8)), Tensor(test_labels))
print("trained on        test digits in their places   moved by up to a pixel")
with tempfile.TemporaryDirectory() as folder:
    pixels = np.round(images[:800].reshape(-1, 1, 8, 8) * 255).astype(np.uint8)
    on_disk = ImageDataset(save_images(folder, pixels), labels[:800])
    kept = CachedDataset(on_disk)
    for name, transform in (("digits at rest", flat), ("moving digits", moving)):
        trainer = train_digits_network(kept, transform)
        rest, moved = (
            trainer.evaluate(DataLoader(test_digits, 50, seed=0, transform=judge))[1]
            for judge in (flat, moving)
        )
        print(f"{name:<16} {rest:>22.1%} {moved:>24.1%}")

# %% [markdown]
"""
A network that never saw a digit move knows it in one place only: a shift of one pixel, which no
reader would notice, costs it most of its answers. Having seen them move helps a lot, and costs a
little where they rest: the same 4,810 weights now have to know each of nine places, almost
separately. Module 09 builds layers for which a moved digit is the same digit from the start.

## Stop, and carry on

The promise of Part 3, kept: interrupted after three passes, resumed with *other* numbers of
workers, and compared with the run that went through. **What will this print?** And which line of
the loop could you leave out, if the loader had no seed?
"""

# %%
def fresh_run(workers, seed=5):
    """A trainer with dropout, and a shuffled, augmented loader."""
    model = Sequential(Linear(64, 32), ReLU(), Dropout(0.3), Linear(32, 10))
    trainer = Trainer(model, Adam(model.parameters()), CrossEntropyLoss())
    loader = DataLoader(train_digits, 25, True, seed=seed, num_workers=workers, transform=moving)
    return trainer, loader


def train_on(trainer, loader, epochs):
    """Passes that go on where the trainer is."""
    for _ in range(epochs):
        loader.epoch = trainer.epoch  # where a seeded loader stands
        trainer.train_epoch(loader)


np.random.seed(0)
whole, loader = fresh_run(workers=0)
with tempfile.TemporaryDirectory() as folder:
    train_on(whole, loader, 3)
    whole.save_checkpoint(Path(folder) / "run.ckpt")
    train_on(whole, loader, 2)
    resumed, loader = fresh_run(workers=3)  # as in a new process: other weights, a new loader
    resumed.load_checkpoint(Path(folder) / "run.ckpt")
    train_on(resumed, loader, 2)
pairs = zip(whole.model.parameters(), resumed.model.parameters(), strict=True)
print("equal to the last bit:", all(np.array_equal(a.data, b.data) for a, b in pairs))
print("losses:", whole.history["train_loss"] == resumed.history["train_loss"])

# %% [markdown]
"""
Without a seed the key of each pass comes from NumPy's global random state, which is in the
checkpoint; then `loader.epoch` does not matter. With a seed, it is the only thing to restore.

# Reflect

## What it costs

### Experiment 1: all at once, or one at a time

A formula makes 400 images of 64 x 64 numbers; nobody stores them. Two ways to loop over batches of
20: a list of all batches, made first, and the loader itself.

**Predict:** the peak of memory in both cases (one image: 16 kB), and how long the loop waits for
its first batch.
"""

# %%
class Waves(Dataset):
    """Images from a formula: there are as many as one likes."""

    def __len__(self):
        return 400

    def __getitem__(self, index):
        line = np.sin(np.arange(64, dtype=np.float32) * (index + 1) / 64)
        return (np.outer(line, line),)


print("                      peak in MB   first batch after (ms, on your machine)")
for name, all_first in (("a list of batches", True), ("batch by batch", False)):
    loader = DataLoader(Waves(), 20)
    tracemalloc.start()
    start = time.perf_counter()
    batches = list(loader) if all_first else loader
    times = [(time.perf_counter() - start) * 1e3 for batch in batches]
    print(f"{name:<20} {tracemalloc.get_traced_memory()[1] / 1e6:>10.2f} {times[0]:>17.1f}")
    tracemalloc.stop()
    del batches

# %% [markdown]
"""
The list grows with the data set; streaming needs a batch or two (the old one lives until the new
one takes its name) and the samples it is made of, whatever the length of the data. And training
begins at once. The price: the second pass computes everything again. That is what a cache is for.

### Experiment 2: when do threads help?

Three kinds of loading, each about 4 milliseconds: waiting (a disk, a network), unpacking (zlib, a
function written in C), and a loop in pure Python. The loop over the batches does nothing else.

**Predict** each of the nine numbers: how many times as fast as without workers, with 1, 2 and 4?
"""

# %%
import zlib

packed = zlib.compress(np.random.default_rng(0).integers(0, 40, 600_000, dtype=np.uint8).tobytes())


def repeated_for(work, seconds=0.004):
    """How many times `work` must be repeated to take about so long."""
    start = time.perf_counter()
    work()
    return max(1, round(seconds / (time.perf_counter() - start)))


def python_loop():
    total = 0
    for k in range(5_000):
        total += k * k
    return total


kinds = {"waiting": lambda: time.sleep(0.004), "unpacking (C)": lambda: zlib.decompress(packed),
         "pure Python": python_loop}
print(f"{os.cpu_count()} processors. How many times as fast, with so many workers:")
print("                     1      2      4")
for name, work in kinds.items():
    repeats = repeated_for(work)

    def load(item, work=work, repeats=repeats):
        for _ in range(repeats):
            work()
        return item

    without = best_ms(lambda: [load(k) for k in range(16)])
    faster = [without / best_ms(lambda n=n: list(load_ahead(load, range(16), n, 2 * n)))
              for n in (1, 2, 4)]
    print(f"{name:<16}" + "".join(f"{times:>7.1f}" for times in faster))

# %% [markdown]
"""
Waiting needs no processor: n workers wait n times as fast. Unpacking can scale up to the number of
processors that have nothing else to do, because zlib lets go of Python's **global interpreter
lock** while it works, as most of NumPy, and reading of files, do. Pure Python holds that lock:
threads take turns, and are a little slower than one. (Builds of Python without that lock exist; on
those, the last line is another.) So PyTorch uses worker *processes*, each with a Python and a lock
of its own. They cost a start of some tenths of a second, memory, and a copy of every batch from one
process to the other.

That holds for a loop that does nothing else. If your step computes in C, one worker that runs
Python can still hide behind it.

### Experiment 3: how large a batch?

**Predict:** the images per second that your loader delivers from memory, for batches of 1, 8, 64
and 512. From which size on does it no longer matter?
"""

# %%
for size in (1, 8, 64, 512):
    loader = DataLoader(TensorDataset(Tensor(x), Tensor(y)), size, shuffle=True)
    milliseconds = best_ms(lambda loader=loader: all(True for _ in loader), 3)
    print(f"batch size {size:>4}: {len(x) / milliseconds * 1e3:>12,.0f} images per second")

# %% [markdown]
"""
Each batch costs a fixed price (an index, a few Python objects) and then what copying costs. With
small batches you pay the fixed price; from some size on only the copy is left, and a larger batch
changes nothing. The batch size is then a question of learning and of memory (Modules 06 and 07),
not of loading.

## Questions

**1.** CIFAR-10 has 50,000 colour images of 32 x 32. How much memory does a batch of 128 take as
float32? And the whole data set, as float32 and as uint8?

<details><summary>Answer</summary>

32 · 32 · 3 = 3,072 numbers an image. The batch: 128 · 3,072 · 4 bytes = 1.57 MB. All images: 614 MB
as float32, 154 MB as uint8. So a laptop keeps it in memory as uint8 and converts batch by batch.
During training the batch itself is the small part: the intermediate results that `backward` needs
are often 50 to 100 times as large, and they grow with the batch size as well.
</details>

**2.** A step takes 45 ms for loading, 30 for the forward pass, 35 for the backward pass, 10 for the
optimizer. What is gained by one worker? And if loading took 90 ms?

<details><summary>Answer</summary>

Now it is 120 ms, of which 37.5 % is waiting. With one worker loading hides behind the 75 ms of
computing: 1.6 times as fast. At 90 ms one worker would leave 90 ms per step, since the slower side
sets the pace; two workers, if they really work at the same time, bring a batch every 45 ms, and the
step is back at 75.
</details>

**3.** What does `shuffle=True` cost for 10 million samples of 10 kB each, in memory? What does it
cost if the samples lie in one large file, on a disk that reads neighbours quickly?

<details><summary>Answer</summary>

One int64 per sample: 80 MB, beside 100 GB of data (0.08 %). The expensive part is the disk: in file
order it streams, in random order each sample is a new place. Large pipelines cut the data into
files of some thousand samples, shuffle the files, and shuffle again within a buffer of samples in
memory.
</details>

**4.** A batch of 128 images (3, 224, 224) is stacked as float32. How much is copied, and how long
does it take at 20 GB/s? What if the images stay uint8 until they are in the batch?

<details><summary>Answer</summary>

128 · 150,528 · 4 bytes = 77 MB (73.5 MiB), about 4 ms; a quarter of both as uint8. Small beside
reading and decoding, but it is paid for every batch, so convert late.
</details>

**5.** ImageNet has 1.28 million images. At 224 x 224 x 3 bytes, batches of 256, and a disk that
reads 500 MB/s: how long does reading a batch take? A step takes 50 ms. How long is the processor
idle without workers, and with as many as you like?

<details><summary>Answer</summary>

150,528 bytes an image, 38.5 MB a batch, 77 ms. Without workers a step takes 127 ms, 61 % of it
waiting. With any number of workers the disk still needs 77 ms for each batch: 35 % waiting. Overlap
hides the smaller of two times; it does not make the larger one small. Smaller files (JPEG, a tenth
of the bytes), a cache or a second disk do.
</details>

**6.** A batch size of 32 takes 14 hours and reaches 76.1 %; 256 takes 6 hours and reaches 75.8 %.
Which one for a paper, which one for a hundred models a day? What would you want to know first?

<details><summary>Answer</summary>

First of all the spread over seeds: if it is 0.3 % as well, the two are equal, and 6 hours win
everywhere. If not, a paper may wait for the better one; a hundred models a day may not: 2.3 times
as many. And the learning rate should have been chosen for each batch size anew.
</details>

**7.** (Transfer.) Somebody writes a dataset that crops at random in its `__getitem__`, and wraps it
in `CachedDataset`. Training is fast, and the model is worse than before. Why?

<details><summary>Answer</summary>

The cache keeps the crop of the first pass, and every later pass sees the same one: the augmentation
is frozen. Cache below everything random, augment above. Your loader's `transform` is above by
construction.
</details>

**8.** (Transfer.) You train on three collections of text with 1,000, 10,000 and 100,000 samples, as
one `ConcatDataset`, shuffled. What share of a batch comes from the first? With what you built, how
do you make it a third, without copying data?

<details><summary>Answer</summary>

1,000 of 111,000: less than 1 %. A `Subset` may repeat numbers: let each collection appear with as
many indices as the largest has (`np.arange(100_000) % 1_000`, for the first), and concatenate
these. A pass is then longer, and the small collection is seen a hundred times in it, which is an
invitation to learn it by heart.
</details>

**9.** A hospital's X-rays are to be augmented. Moved a little, surely; mirrored? The heart would be
on the other side, and for a few patients it is. Who decides what leaves a label true, and how would
you find out that you decided wrongly? (There is no answer at the back.)

## Common errors

The messages are those of a reference; your own functions may use other words.

| what you see | what it means | what to do |
|---|---|---|
| `all tensors must have the same length` | 100 images, 90 labels | look at how they were made |
| `IndexError: index 100 is out of range` | numbers go to size - 1 | count from 0 |
| `IndexError: index -1 is out of range` | an index computed wrongly | find out where; not `abs` |
| `entries … have different shapes` | images of several sizes | crop or resize in the dataset |
| the loop breaks at the last batch | it is smaller | use `x.shape[0]`, or `drop_last` |
| accuracy swings, or stays at 10 % | sorted data, no shuffle | `shuffle=True` for training |
| every pass has the same order | seeded anew in each pass | derive it from seed and pass |
| workers, and two runs differ | they share one generator | a stream for each batch |
| augmented, and no better | a cache above, or a false label | look at a few batches |
| eight workers, no faster | they take turns, or wait in rounds | `watch_loop`, then a diary |
| `ValueError: the dataloader gave no batches` | `drop_last` with little data | smaller batches |
| `ValueError: … .npy format` | half a file, or another kind | write the file again |
| the note `while loading sample 37` | that one is the culprit | look at `dataset[37]` alone |

## In production

The same pipeline in PyTorch, beside yours:

```
 TinyTorch                            PyTorch
 dataset = TensorDataset(             dataset = TensorDataset(
     Tensor(x), Tensor(y))                torch.tensor(x), torch.tensor(y))
 part = Subset(dataset, range(800))   part = Subset(dataset, range(800))
 loader = DataLoader(                 loader = DataLoader(
     part, 32, shuffle=True,              part, 32, shuffle=True,
     seed=5,                              generator=...,
     num_workers=4, prefetch=8,           num_workers=4, prefetch_factor=2,
     transform=Compose([                  # transforms: in the dataset,
         RandomHorizontalFlip(),          # from torchvision, image by image
         RandomCrop(32, padding=4)]))
 for x, y in loader: ...              for x, y in loader: ...
```

In words: the two look alike, down to the names. `num_workers` means processes there and threads
here; `prefetch_factor` counts batches per worker, `prefetch` all of them. Beyond that, PyTorch pins
memory for a GPU, keeps workers alive between passes, and samples with weights. At a larger scale
the files change: thousands of samples to a file (WebDataset, TFRecord, MosaicML's shards), read in
a stream and shuffled in a buffer.

## Read the source

> **`torch/utils/data/_utils/fetch.py`**, the class `_MapDatasetFetcher`, and
> **`torch/utils/data/dataloader.py`**, the method `_next_data` of `_MultiProcessingDataLoaderIter`.
>
> *Look for:* `fetch` is your `load_batch`: it asks for `__getitems__`, else goes sample by sample,
> then collates. And how results of several processes come back in order: each task has a number
> (`_send_idx`), and a batch that arrives too early waits in `_task_info` until `_rcvd_idx` reaches
> it. Your queue of futures does that without counting.
>
> *Simpler in ours:* threads share memory, so nothing has to be sent; there are no processes that
> can die, and no time limits.
>
> *Different in behaviour:* every pass over a PyTorch loader draws a number from the global random
> state, an unshuffled one too, so *whether you evaluate* changes the training that follows; ours
> leaves it alone. `TensorDataset(x)[-1]` is the last sample there and an IndexError here.
> `Subset(dataset, [0, 999])` is accepted there whatever the size, and fails in mid-epoch. And an
> error in a worker tells you the worker there, and the sample here.

## Further reading

- Krizhevsky, Sutskever, Hinton, *ImageNet Classification with Deep Convolutional Neural Networks*
  (2012): crops and mirrored images made its data set 2,048 times as large, on the CPU, while the
  GPUs trained on the batch before. Section 4.1.
- Mohan et al., *Analyzing and Mitigating Data Stalls in DNN Training* (2021): how much time real
  training spends waiting, measured, and why throwing out the least recently used is wrong here.
- Pärnamaa, *Using PyTorch + NumPy? You're making a mistake* (2021): the bug of the first paragraph,
  with code; PyTorch seeds NumPy in its workers since.

## All together
"""

# %%
def test_module():
    """All tests of the module, then a run across modules, stopped and resumed bit for bit."""
    test_dataloader_tensor_dataset()
    test_dataloader_views()
    test_dataloader_collate()
    test_dataloader_streams()
    test_dataloader_loader()
    test_dataloader_flip()
    test_dataloader_crop()
    test_dataloader_at_once()
    test_dataloader_images()
    test_dataloader_cached()
    test_dataloader_watch()
    test_dataloader_ahead()
    test_dataloader_stall()

    @probe
    def resumed_like_whole(seed):
        """A Trainer on a shuffled, augmented loader: 4 epochs, and 2 + 2 with other workers."""

        def make(workers):
            model = Sequential(Linear(12, 5), ReLU(), Dropout(0.3), Linear(5, 3))
            trainer = Trainer(model, Adam(model.parameters()), CrossEntropyLoss())
            numbers = np.random.default_rng(0).random((22, 1, 3, 4), dtype=np.float32)
            data = TensorDataset(Tensor(numbers), Tensor(np.arange(22) % 3))
            moved = Compose([RandomCrop((3, 4), padding=1), lambda batch: batch.reshape(-1, 12)])
            loader = DataLoader(ConcatDataset([Subset(data, range(9)), Subset(data, range(9, 22))]),
                                5, True, seed=seed, num_workers=workers, transform=moved)
            return trainer, loader

        def train(trainer, loader):
            for _ in range(2):
                loader.epoch = trainer.epoch
                trainer.train_epoch(loader)

        np.random.seed(1)
        whole, loader = make(0)
        train(whole, loader)
        with tempfile.TemporaryDirectory() as folder:
            whole.save_checkpoint(Path(folder) / "run")
            train(whole, loader)
            resumed, loader = make(2)
            resumed.load_checkpoint(Path(folder) / "run")
        train(resumed, loader)
        pairs = zip(whole.model.parameters(), resumed.model.parameters(), strict=True)
        return all(np.array_equal(a.data, b.data) for a, b in pairs)

    for seed in (None, 3):
        check.equal(resumed_like_whole(seed), True,
                    given=f"a Trainer on a shuffled, augmented loader with seed {seed}: are 4 "
                          "epochs equal to 2, a checkpoint and 2 more, to the last bit?",
                    because="keys come from the global state or from the number of the pass, and "
                            "both are restored")
    print("Module 08: all tests passed. Your data flows.")


test_module()

# %% [markdown]
"""
## What this unlocks

From here on, everything you train is fed by your loader. Hand it in with
`tito module complete 08`. Then try:

```python
from tinytorch import DataLoader, Tensor, TensorDataset
loader = DataLoader(TensorDataset(Tensor([[1], [2], [3]]), Tensor([1, 4, 9])), 2, shuffle=True)
print([[part.data.tolist() for part in batch] for batch in loader])
```

The milestones on real handwriting use it next. Module 09 builds layers that see images as images;
Module 10 turns text into numbers for the same loader.
"""
