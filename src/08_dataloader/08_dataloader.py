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
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import numpy as np

from tinytorch.core.tensor import Tensor, as_array, method_of

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
        raise IndexError(f"index {position} is out of range for {size} samples (0 to size - 1)")
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

# %% nbgrader={"grade": false, "grade_id": "dataloader_collate", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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
    for entries in zip(*samples, strict=True):
        arrays = [as_array(entry) for entry in entries]
        shapes = sorted({array.shape for array in arrays})
        if len(shapes) > 1:
            raise ValueError(f"entries of one position have different shapes: {shapes}")
        batch.append(Tensor(np.stack(arrays)))
    return tuple(batch)
    ### END SOLUTION

# %% nbgrader={"grade": false, "grade_id": "dataloader_streams", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def epoch_key(seed: int | None, epoch: int, random: bool) -> tuple[int, int] | None:
    """Two whole numbers from which every random number of one pass over the data follows.

    With a seed: (seed, epoch), and NumPy's global random state is left alone. Without a seed:
    (n, 0), where n is one number from 0 up to 2**31 - 1, drawn once from NumPy's global random
    state (`np.random.randint`). If nothing in the pass is `random` there is nothing to decide:
    None, seed or not, and nothing is drawn.

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
    again, and two that differ in any of them have nothing in common.
    """
    ### BEGIN SOLUTION
    return np.random.default_rng([*key, part])
    ### END SOLUTION

# %%
#| export
class Drawing(threading.local):
    """In each thread: which part of which pass is being loaded, and its stream, once needed."""

    key: tuple[int, int] | None = None
    part: int = 0
    stream: np.random.Generator | None = None


drawing = Drawing()


@contextmanager
def drawing_from(key: tuple[int, int] | None, part: int) -> Iterator[None]:
    """In this block, in this thread, `current_stream()` is that of this part of this pass."""
    before = drawing.key, drawing.part, drawing.stream
    drawing.key, drawing.part, drawing.stream = key, part, None
    try:
        yield
    finally:
        drawing.key, drawing.part, drawing.stream = before


def current_stream() -> np.random.Generator:
    """Where to draw from: the stream of the batch that is being loaded in this thread.

    Outside of a loader: a new one, seeded by a number from NumPy's global random state.
    """
    if drawing.key is None:
        return np.random.default_rng(np.random.randint(2**31))
    if drawing.stream is None:
        drawing.stream = random_stream(drawing.key, drawing.part)
    return drawing.stream

# %% nbgrader={"grade": false, "grade_id": "dataloader_loader", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def check_whole(name: str, value: Any, least: int) -> int:
    """`value`, if it is an int of at least `least`; else ValueError with the name and the value."""
    if type(value) is not int or value < least:
        raise ValueError(f"{name} must be a whole number from {least}, got {value!r}")
    return value


def load_samples(dataset: Any, indices: np.ndarray) -> list[tuple]:
    """These samples, one by one. An error carries a note that tells the number of its sample."""
    samples = []
    for index in indices.tolist():
        try:
            samples.append(dataset[index])
        except Exception as error:
            error.add_note(f"while loading sample {index}")
            raise
    return samples


class DataLoader:
    """A dataset in batches, for one `for` loop after another; each is one pass over the data.

    Attributes: all arguments, and `epoch`, the number of the next pass, counted from 0.
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
        """
        Args:
            dataset: a Dataset, or anything else with a length whose samples have numbers: a list.
            batch_size: samples in a batch.
            shuffle: whether each pass has an order of its own.
            drop_last: leave out a last batch that is smaller than the others.
            seed: makes the random numbers depend on it and on `epoch`, and on nothing else.
            num_workers: threads that load; 0: whoever asks for a batch loads it.
            prefetch: batches being loaded or ready, beyond the one in use (2 * num_workers).
            transform: what the first tensor of each batch goes through, images mostly.

        Raises:
            ValueError: a number out of range, or prefetch without workers.
        """
        self.dataset, self.shuffle, self.drop_last = dataset, shuffle, drop_last
        self.batch_size = check_whole("batch_size", batch_size, 1)
        self.seed = None if seed is None else check_whole("seed", seed, 0)
        self.num_workers = check_whole("num_workers", num_workers, 0)
        if prefetch is not None and num_workers == 0:
            raise ValueError(f"prefetch={prefetch} needs workers that load: set num_workers")
        ahead = 2 * num_workers if prefetch is None else check_whole("prefetch", prefetch, 1)
        self.prefetch, self.transform, self.epoch = ahead, transform, 0

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

        The pass begins with the first batch that is asked for. Then `epoch_key` decides over its
        random numbers (it has some if it shuffles or has a transform), and `self.epoch` grows by
        one, whether or not the pass is ever finished. The order of the samples is 0, 1, 2, …, or,
        shuffled, the permutation that `random_stream(key, 0)` draws. Batch number k, from 0,
        consists of the next `batch_size` indices of the order; the last batch may be smaller, or
        is missing, with drop_last. It is loaded by `self.load_batch(key, k, indices)`.

        With `num_workers`, the batches come from `load_ahead(load, items, num_workers, prefetch)`
        (Part 6), which gives load(item) for every item, in order.
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
        """Batch `number` of a pass, of these samples. Part `number + 1` of its random numbers."""
        with drawing_from(key, number + 1):
            own_way = type(self)._collate_batch is not DataLoader._collate_batch
            batch = None if own_way else batch_at_once(self.dataset, indices)
            if batch is None:
                batch = self._collate_batch(load_samples(self.dataset, indices))
            if self.transform is None:
                return batch
            return self.transform(batch[0]), *batch[1:]

    def _collate_batch(self, batch: list[tuple]) -> tuple[Tensor, ...]:
        """Samples to a batch. For data that `collate` cannot stack, override this."""
        return collate(batch)

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

# %% nbgrader={"grade": false, "grade_id": "dataloader_at_once", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@method_of(TensorDataset)
def get_batch(self: TensorDataset, indices: np.ndarray) -> tuple[Tensor, ...]:
    """The batch of these samples, equal to collate([self[i] for i in indices]), without a loop
    over samples. Copies: a batch shares no memory with the dataset.

    Example:
        TensorDataset(x).get_batch(np.array([4, 0])): one Tensor, x's rows 4 and 0
    """
    ### BEGIN SOLUTION
    return tuple(Tensor(tensor.data.take(indices, axis=0)) for tensor in self.tensors)
    ### END SOLUTION

# %%
#| export
def save_images(folder: str | os.PathLike, images: np.ndarray) -> list[Path]:
    """Write each image to a file of its own, 00000.npy and so on; the paths, in order."""
    paths = [Path(folder) / f"{number:05}.npy" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        np.save(path, image, allow_pickle=False)
    return paths


def read_image(path: str | os.PathLike) -> np.ndarray:
    """The array in a .npy file. Runs nothing that is in the file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or something else. The message contains the path.
    """
    with open(path, "rb") as file:
        try:
            return np.lib.format.read_array(file, allow_pickle=False)
        except (ValueError, EOFError, MemoryError) as error:
            raise ValueError(f"{path} is no image in NumPy's .npy format: {error}") from error


# %% nbgrader={"grade": false, "grade_id": "dataloader_images", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
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

# %% nbgrader={"grade": false, "grade_id": "dataloader_cached", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "open"}
#| export
class CachedDataset(Dataset):
    """A dataset that keeps samples in memory, so that the next pass need not load them again.

    * Its samples are those of `dataset`, errors included.
    * It never keeps more than `capacity` samples (None: no limit), with several threads neither.
    * After one pass over all samples, every further pass loads at most len(dataset) - capacity
      of them from `dataset` (none, if there is no limit), in whatever order the passes go.
    * A sample that could not be loaded is tried again the next time.
    """

    def __init__(self, dataset: Any, capacity: int | None = None) -> None:
        """ValueError unless capacity is None or an int of at least 0 (see `check_whole`)."""
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

# %% nbgrader={"grade": false, "grade_id": "dataloader_watch", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def watch_loop(
    loader: Iterable[Any],
    step: Callable[[Any], Any],
    clock: Callable[[], float] = time.perf_counter,
    cpu_clock: Callable[[], float] = time.process_time,
) -> dict[str, float]:
    """Call step(batch) for each batch of the loader, and tell where the time went.

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

