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
# Module 09: Spatial (CNNs)

**Architecture** | ●●●○ | 6-8 hours | Prerequisites: 01 Tensor to 08 DataLoader

So far your networks have read images as rows: 64 numbers side by side, with no notion of above,
below or beside. Shuffle the pixels of all images in the same way, and an MLP learns just as well.
Today you build layers that know where a pixel is. They look at an image through a small window,
which slides, and they use *the same few weights everywhere*. You write the operation first as the
seven loops that it is, and count what they do. Then you derive, index by index, how seven
loops become one matrix product, and end up with a layer that keeps pace with PyTorch's.

## Where this comes from

In 1980 Kunihiko Fukushima, at the Japanese broadcaster NHK, built the *Neocognitron*. Small windows
looked for strokes, others gathered what these had found, layer upon layer: convolution and pooling,
all there. What it lacked was a way to tell the inner layers what they had done wrong. Each had to
be trained on its own, with rules tuned by hand, and the idea went no further. In 1989 Yann LeCun
and his colleagues at Bell Labs gave the same picture to backpropagation: 9,760 parameters learned
to read zip codes from real envelopes with 5 % errors. You have the engine. Here come the windows.

## Where this module stands

```
   01 Tensor         03 Layers           05 Autograd        08 DataLoader
   strides, views    Layer, He's idea    @backward_rule     batches of images
        \                 |                  |                  /
         v                v                  v                 v
   +-------------------------------------------------------------+
   |                        09 Spatial                           |
   |  seven loops -> windows -> one product -> the way back      |
   |       Conv2d · MaxPool2d · AvgPool2d · Flatten              |
   +-------------------------------------------------------------+
         |                                         |
         v                                         v
   milestone 04: networks that see        14 Profiling, 18 Acceleration
```

In words: three operations are new to your engine, each with a backward rule beside it. Trainer,
optimizers and losses stay as they are, and never learn that they are training a CNN.

## What you will be able to do

1. **Calculate** output sizes, parameters, multiplications and receptive fields before you run.
2. **Write** a convolution as seven loops, and **explain** what each of them is for.
3. **Derive** the index that turns it into one matrix product, and see windows without copying them.
4. **Bound** the memory of that product, and **measure** what the bound costs.
5. **Derive** the backward rules of convolution and of pooling, and check them with your own tool.
6. **Train** a small CNN on handwritten digits, and look at what its filters have learned.
7. **Find** memory that should have been freed.

## What you build

| part | you write | idea |
|---|---|---|
| 1 | `output_size` | how often a window fits |
| 2 | `conv2d_explicit`, `conv2d_macs` | seven loops, counted |
| 3 | `receptive_field` | what one number can see |
| 4 | `column_index`, `channels_last`, `channels_first`, `windows` | loops become an index, the index a view |
| 5 | `chunks`, `kernel_matrix`, `conv2d` | one product, a piece at a time |
| 6 | `add_windows`, `Conv2dBackward` | what was copied, the gradient adds up |
| 7 | `Conv2d` | the layer |
| 8 | `max_pool2d`, `avg_pool2d` and their rules | smaller, and less exact on purpose |
| 9 | `GlobalPool2d` (open) | one number for a whole map |
| 10 | `collect_features` (bug hunt) | a memory that fills up |

Parts 1 to 5 are the **first sitting**: at its end you have a convolution that leaves its loops far
behind. Parts 6 to 10 are the **second**: it learns.

## What you do not build yet

No dilated, grouped or transposed convolution, no FFT and no Winograd. Normalisation and shortcuts
belong to deep networks; ours stay shallow. Squeezing the last factor out of a kernel is Module 18.

## Setup

Five short cells: the name of this module's file in your framework, what that file needs, what the
tests and experiments below need, where the data of the course lies, and the data itself.
"""

# %%
#| default_exp core.spatial

# %%
#| export
"""Spatial layers: convolution and pooling over images, each as one product or a few slices.

Images are arrays of shape (batch, channels, height, width). Inside, they are kept with the channels
last, so that what one window sees lies together in memory.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tinytorch.core import activations
from tinytorch.core.autograd import Function, backward_rule
from tinytorch.core.layers import Layer
from tinytorch.core.tensor import Tensor, compute

# %%
# For the test cells and experiments below; not part of your framework.
import itertools
import sys
import time
import tracemalloc

from tinytorch.core.activations import ReLU
from tinytorch.core.autograd import check_gradients, enable_autograd, no_grad
from tinytorch.core.data_loader import DataLoader, TensorDataset
from tinytorch.core.layers import Linear, Sequential
from tinytorch.core.losses import CrossEntropyLoss
from tinytorch.core.optimizers import Adam
from tinytorch.core.training import Trainer
from tito.checks import check, probe

# %%
from pathlib import Path

places = [Path.cwd(), *Path.cwd().parents]
sys.path += [str(place) for place in places if (place / "datasets" / "tinydigits").is_dir()]

# %%
from datasets.tinydigits import load_tinydigits

images, labels, test_images, test_labels = load_tinydigits()  # (1000, 8, 8), numbers from 0 to 1
digits = images[:, None]  # (1000, 1, 8, 8): an axis for the channels, and grey has one

# %% [markdown]
r"""
# Build

## Part 1: An image is not a row

Take a digit, and move it one pixel to the right. For you nothing has happened. **What will this
print?** How much of the pixel row has changed, and how much of what a fresh `Linear` makes of it?
(100 % would be: as far from the old one as the old one is long.)
"""

# %%
np.random.seed(0)
digit = images[0]
moved = np.roll(digit, 1, axis=1)
layer = Linear(64, 32, bias=False)


def change(before, after):
    """The length of the difference, in parts of the length of what was there before."""
    return np.linalg.norm(after - before) / np.linalg.norm(before)


answers = [layer(Tensor(picture.reshape(1, 64))).data for picture in (digit, moved)]
print(f"pixels: {change(digit, moved):.0%} changed, answers of Linear: {change(*answers):.0%}")

# %% [markdown]
r"""
For `Linear`, a moved digit is a different picture, and it must learn each digit at each place anew.
It also pays for every pixel. **Predict** the parameters of a layer with 32 results for a colour
image of 32 x 32 pixels: as one `Linear`; and as 32 small kernels of 3 x 3 pixels and 3 colours that
are used at every place.
"""

# %%
of_linear = sum(p.size for p in Linear(3 * 32 * 32, 32).parameters())
print(f"Linear:           {of_linear:>6,} parameters")
print(f"32 small kernels: {32 * (3 * 3 * 3) + 32:>6,} parameters, biases included")

# %% [markdown]
r"""
98,336 against 896. And the 896 make more of it: 32 results *at each of 900 places*. The price is a
conviction, built into the layer: what is worth finding in one place is worth finding in any other.
(That is **parameter sharing**.) Its reward: if the input moves, the results move with it. (That is
**translation equivariance**.)

### How often does a window fit?

A window of `kernel` pixels slides along an axis of `size` pixels. It moves `stride` pixels at a
time. Before that, `padding` pixels are put at *both* ends, so that pixels at the border, too, can
stand in the middle of a window. A window that would hang over the end does not count, so some
pixels at the end may never be seen.

```
   size 6, kernel 3, stride 2             the same with padding 1
   [0 1 2]3 4 5                           [. 0 1]2 3 4 5 .
    0 1[2 3 4]5      2 positions           . 0[1 2 3]4 5 .     3 positions
                     pixel 5 is unseen     . 0 1 2[3 4 5].     the last . is unseen
```

In words: only the start of a window moves, by one stride each time; it stops when the *end* of the
window would leave the padded axis. Derive the number of positions. (The first fits always; how many
strides are there room for after it?)
"""

# %% nbgrader={"grade": false, "grade_id": "spatial_output_size", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """How many positions a window has along one axis: the size of the result there.

    Args:
        size: pixels along the axis, without padding.
        kernel: pixels that the window covers.
        stride: pixels from one position to the next, at least 1.
        padding: pixels added at each of the two ends, at least 0.

    Returns:
        A whole number (an int), at least 1. Only whole windows count.

    Raises:
        ValueError: the window does not even fit once. The message contains size, kernel and
            padding.

    Example:
        output_size(6, 3, stride=2) is 2, output_size(6, 3, stride=2, padding=1) is 3
    """
    ### BEGIN SOLUTION
    padded = size + 2 * padding
    if kernel > padded:
        raise ValueError(
            f"a kernel of {kernel} does not fit into {size} pixels with a padding of {padding}: "
            f"{padded} in all. Use larger images, a smaller kernel, fewer poolings before it, or "
            "more padding."
        )
    return (padded - kernel) // stride + 1
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the two examples, sizes of well-known networks, windows that fit exactly once,
strides larger than the kernel, and the error.
"""

# %% nbgrader={"grade": true, "grade_id": "test_spatial_output_size", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def test_spatial_output_size():
    """Whole windows only, both ends padded, and an error that names the sizes."""
    cases = [
        ((6, 3, 2, 0), 2, "positions 0 and 2; at 4 the window would hang over the end"),
        ((6, 3, 2, 1), 3, "8 pixels with both ends: positions 0, 2 and 4"),
        ((5, 3, 1, 0), 3, "positions 0, 1 and 2"),
        ((224, 3, 1, 1), 224, "kernel 3 with padding 1 keeps the size"),
        ((224, 3, 2, 1), 112, "a stride of 2 halves it"),
        ((224, 3, 2, 0), 111, "221 pixels are left for strides of 2: 110 of them, and the first"),
        ((112, 3, 2, 0), 55, "109 pixels are left for strides of 2: 54 of them, and the first"),
        ((128, 5, 2, 2), 64, "127 pixels are left for strides of 2: 63 of them, and the first"),
        ((224, 7, 2, 3), 112, "the first layer of a ResNet"),
        ((4, 4, 1, 0), 1, "it fits exactly once"),
        ((1, 3, 1, 1), 1, "one pixel and its padding"),
        ((9, 2, 4, 0), 2, "a stride larger than the kernel skips pixels"),
        ((3, 1, 5, 0), 1, "the first position always counts"),
    ]
    for (size, kernel, stride, padding), expected, reason in cases:
        check.equal(
            output_size(size, kernel, stride, padding),
            expected,
            given=f"output_size({size}, {kernel}, stride={stride}, padding={padding})",
            because=reason,
        )
    check.equal(output_size(7, 3), 5, given="output_size(7, 3)",
                because="the stride is 1 and there is no padding unless said otherwise")
    check.raises(ValueError, lambda: output_size(23, 41, 1, 6), mentions=["23", "41", "6"],
                 given="output_size(23, 41, stride=1, padding=6)",
                 because="41 pixels do not fit into 23 + 2 * 6; a size of -5 would fail much later")
    check.raises(ValueError, lambda: output_size(23, 36, 9, 6), mentions=["23", "36", "6"],
                 given="output_size(23, 36, stride=9, padding=6)",
                 because="36 pixels do not fit into 35, whatever the stride")


test_spatial_output_size()

# %% [markdown]
r"""
From here on sizes come in pairs, one for each direction, under a name of their own. *Given:*
"""

# %%
#| export
Sizes = tuple[int, int]  # (height, width)

# %% [markdown]
r"""
## Part 2: Seven loops

At each position, the numbers in the window are multiplied by the kernel's, one by one, and all the
products are added up: the larger the sum, the more the window looks like the kernel. A kernel
reaches through *all* channels, and each kernel, or **filter**, makes one channel of the result:

$$y_{b,o,r,s} = \text{bias}_o + \sum_{c} \sum_{i} \sum_{j}
x_{b,\,c,\;r \cdot \text{stride} + i,\;s \cdot \text{stride} + j} \; w_{o,c,i,j}$$

Seven letters on the right, seven loops: image $b$, filter $o$, row $r$ and column $s$ of the
result; channel $c$, row $i$ and column $j$ of the window. ($x$ stands for the image with its border
of zeros.) Mathematicians call this a cross-correlation and flip the kernel for a convolution; the
field does not flip it, and says **convolution** all the same.

Write it as it stands, and count the multiplications. Then write down, without any loop, what you
will have counted.
"""

# %% nbgrader={"grade": false, "grade_id": "spatial_explicit", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def conv2d_explicit(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None,
    stride: Sizes = (1, 1), padding: Sizes = (0, 0),
) -> tuple[np.ndarray, int]:
    """Slide every filter over every image, with seven loops, and count the multiplications.

    All seven are Python's: one step for each product, none is left to NumPy.

    Args:
        x: images, a float32 array of shape (batch, channels, height, width).
        weight: the filters, a float32 array of shape (filters, channels, kernel height, width).
        bias: a float32 array of shape (filters,), added to each filter's results; or None.
        stride, padding: pairs (height, width). Padding is zeros, at all four sides.

    Returns:
        A pair: the result, a new float32 array of shape (batch, filters, rows, columns), with the
        sizes of `output_size`; and the number of products of a pixel and a weight that were
        computed, those with padding included. No argument is changed.

    Example:
        one image [[1, 2, 3], [4, 5, 6]], one filter [[1, 10]], both with one channel: the result
        is [[21, 32], [54, 65]], and the count 8
    """
    ### BEGIN SOLUTION
    (sh, sw), (ph, pw) = stride, padding
    batch, channels, height, width = x.shape
    filters, _, kh, kw = weight.shape
    rows, columns = output_size(height, kh, sh, ph), output_size(width, kw, sw, pw)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    result = np.zeros((batch, filters, rows, columns), dtype=np.float32)
    multiplications = 0
    for b in range(batch):
        for o in range(filters):
            for r in range(rows):
                for s in range(columns):
                    total = 0.0 if bias is None else bias[o]
                    for c in range(channels):
                        for i in range(kh):
                            for j in range(kw):
                                total += padded[b, c, r * sh + i, s * sw + j] * weight[o, c, i, j]
                                multiplications += 1
                    result[b, o, r, s] = total
    return result, multiplications
    ### END SOLUTION


def conv2d_macs(
    x_shape: tuple, weight_shape: tuple, stride: Sizes = (1, 1), padding: Sizes = (0, 0)
) -> int:
    """The multiplications of a convolution, from the shapes alone: what the loops would count.

    Each one comes with an addition: a *multiply-accumulate*, MAC for short.

    Example:
        conv2d_macs((1, 1, 2, 3), (1, 1, 1, 2)) is 8
    """
    ### BEGIN SOLUTION
    rows = output_size(x_shape[2], weight_shape[2], stride[0], padding[0])
    columns = output_size(x_shape[3], weight_shape[3], stride[1], padding[1])
    return x_shape[0] * rows * columns * math.prod(weight_shape)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the example, and two channels with a bias; images, filters, channels, heights and
widths that all differ; strides and padding; the count against the formula; that all seven loops are
Python's; nothing changed in place.
"""

# %% nbgrader={"grade": true, "grade_id": "test_spatial_explicit", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
def window_by_window(x, weight, bias, stride, padding):
    """The same sums, with NumPy's einsum for each window."""
    (sh, sw), (ph, pw), (kh, kw) = stride, padding, weight.shape[2:]
    x = np.pad(x, [(0, 0), (0, 0), (ph, ph), (pw, pw)])
    size = (x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1
    y = np.zeros((len(x), len(weight), *size), dtype=np.float32)
    for r, s in np.ndindex(size):
        window = x[:, :, r * sh : r * sh + kh, s * sw : s * sw + kw]
        y[:, :, r, s] = np.einsum("bcij,ocij->bo", window, weight)
    return y if bias is None else y + bias[:, None, None]


@probe
def explicit_on(x, weight, bias, stride, padding):
    """Result, its dtype, the count; and the arguments afterwards."""
    y, count = conv2d_explicit(x, weight, bias, stride, padding)
    return [y, str(y.dtype), int(count), x, weight, bias]


@probe
def lines_for_products():
    """How many lines of Python run, NumPy's left out; and how many products there are."""
    count, outer = [0], sys.gettrace()

    def note(frame, event, argument):
        if frame.f_globals.get("__name__", "").startswith("numpy"):
            return None
        count[0] += event == "line"
        return note

    x, weight = np.ones((1, 2, 6, 6), np.float32), np.ones((2, 2, 5, 5), np.float32)
    sys.settrace(note)
    try:
        conv2d_explicit(x, weight)
    finally:
        sys.settrace(outer)
    return [count[0], 2 * 4 * weight[0].size]


def test_spatial_explicit():
    """Sums of products at each position, for sizes that all differ."""
    image = np.float32([[[[1, 2, 3], [4, 5, 6]]]])
    y, _, count, *_ = explicit_on(image, np.float32([[[[1, 10]]]]), None, (1, 1), (0, 0))
    check.close(y, [[[[21, 32], [54, 65]]]], given="image [[1, 2, 3], [4, 5, 6]], filter [[1, 10]]",
                because="1 * 1 + 2 * 10 = 21: the kernel is not flipped")
    y, count = conv2d_explicit(image, np.float32([[[[1, 10]]]]))
    check.close(y, [[[[21, 32], [54, 65]]]],
                given="image [[1, 2, 3], [4, 5, 6]], filter [[1, 10]], no further arguments",
                because="no bias, a stride of 1, no padding, unless said otherwise")
    check.equal(count, 8, given="image [[1, 2, 3], [4, 5, 6]], filter [[1, 10]]: the count",
                because="four positions, two products at each")
    y, _, count, *_ = explicit_on(image, np.float32([[[[1, 10]]]]), None, (1, 1), (0, 1))
    check.close(y, [[[[10, 21, 32, 3], [40, 54, 65, 6]]]],
                given="image [[1, 2, 3], [4, 5, 6]], filter [[1, 10]], padding=(0, 1)",
                because="zeros to the left and right: 0 * 1 + 1 * 10 = 10 comes first")
    two = np.float32([[[[1, 10]]], [[[2, 0]]]])
    y, *_ = explicit_on(image, two, np.float32([0.5, -1]), (1, 1), (0, 0))
    check.close(y, [[[[21.5, 32.5], [54.5, 65.5]], [[1, 3], [7, 9]]]],
                given="image [[1, 2, 3], [4, 5, 6]], filters [[1, 10]] and [[2, 0]], bias "
                      "[0.5, -1]",
                because="one channel of results for each filter, with its bias added once")
    y, *_ = explicit_on(np.float32([[[[1, 2]], [[10, 20]]]]), np.float32([[[[1]], [[1]]]]),
                        np.float32([0.5]), (1, 1), (0, 0))
    check.close(y, [[[[11.5, 22.5]]]],
                given="an image with the channels [[1, 2]] and [[10, 20]], one filter of ones, "
                      "1 x 1, bias [0.5]",
                because="one result adds up all channels, and the bias once")
    rng = np.random.default_rng(0)
    for x_shape, w_shape, stride, padding in [
        ((2, 3, 5, 4), (4, 3, 2, 3), (1, 1), (0, 0)),
        ((1, 2, 6, 7), (3, 2, 3, 2), (2, 1), (0, 0)),
        ((2, 1, 4, 6), (2, 1, 3, 3), (1, 3), (2, 1)),
        ((3, 2, 5, 5), (1, 2, 1, 2), (3, 2), (1, 0)),
    ]:
        x, weight, bias = (rng.standard_normal(shape).astype(np.float32)
                           for shape in (x_shape, w_shape, w_shape[:1]))
        text = f"x {x_shape}, weight {w_shape}, stride {stride}, padding {padding}"
        y, dtype, count, *after = explicit_on(x, weight, bias, stride, padding)
        expected = window_by_window(x, weight, bias, stride, padding)
        check.close(y, expected, rtol=1e-4, atol=1e-4, given=text)
        check.equal(dtype, "float32", given=f"{text}: the dtype of the result")
        for name, now, old in zip(("x", "weight", "bias"), after, (x, weight, bias), strict=True):
            check.unchanged(now, old, given=f"{text}: {name} after the call")
        products = expected.size * math.prod(w_shape[1:])
        check.equal(count, products, given=f"{text}: the count",
                    because=f"{expected.size} results, {math.prod(w_shape[1:])} products for each, "
                        "those with the border's zeros too")
        check.equal(conv2d_macs(x_shape, w_shape, stride, padding), products,
                    given=f"conv2d_macs({x_shape}, {w_shape}, {stride}, {padding})",
                    because="it is what the loops count")
    check.equal(conv2d_macs((32, 3, 224, 224), (64, 3, 3, 3), (1, 1), (1, 1)), 2_774_532_096,
                given="conv2d_macs((32, 3, 224, 224), (64, 3, 3, 3), (1, 1), (1, 1))",
                because="32 images, 64 filters, 224 * 224 places, 27 products: 2.8 billion")
    check.equal(conv2d_macs((16, 64, 56, 56), (128, 64, 3, 3), padding=(1, 1)), 3_699_376_128,
                given="conv2d_macs((16, 64, 56, 56), (128, 64, 3, 3), padding=(1, 1))")
    lines, products = lines_for_products()
    check.true(lines >= products,
               given=f"two filters (2, 5, 5), four positions, {products} products: does at least "
                     "one line run for each",
               because="all seven loops are Python's: what comes next measures what they cost")


test_spatial_explicit()

# %% [markdown]
r"""
### What a kernel looks for

Three kernels made by hand, on a real digit. **What will you see?** Where is each result large,
where negative, where zero?
"""

# %%
detectors = {
    "dark above, bright below": [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
    "dark left, bright right": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
    "all the same": [[1, 1, 1], [1, 1, 1], [1, 1, 1]],
}
kernels = np.float32(list(detectors.values()))[:, None]
responses, _ = conv2d_explicit(digits[:1], kernels, padding=(1, 1))
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 4, figsize=(9, 2.6), layout="constrained")
    axes[0].imshow(images[0], cmap="gray")
    axes[0].set_title("the digit")
    for panel, name, response in zip(axes[1:], detectors, responses[0], strict=True):
        limit = np.abs(response).max()
        panel.imshow(response, cmap="RdBu", vmin=-limit, vmax=limit)
        panel.set_title(name, fontsize=9)
    for panel in axes:
        panel.set_axis_off()
    figure.suptitle("Blue: the window looks like the kernel. Red: like its negative.")
    plt.show()
except ImportError:
    print("Without matplotlib you miss: upper edges in blue and lower in red, then left and right,")
    print("and a blurred digit.")

# %% [markdown]
r"""
Such a picture is a **feature map**. The first two kernels find edges and nothing else; nobody had
to say where. A CNN finds its kernels by itself, and some of them will look like these.

### The price

**Predict.** How long would your loops need for `Conv2d(3 -> 32)`, kernel 3, on a batch of 32 colour
images of 32 x 32 pixels? (Write down a number with its unit, before you run.)
"""

# %%
rng = np.random.default_rng(0)
small = rng.standard_normal((1, 3, 12, 12)).astype(np.float32)
filters = rng.standard_normal((32, 3, 3, 3)).astype(np.float32)
began = time.perf_counter()
_, counted = conv2d_explicit(small, filters)
seconds = time.perf_counter() - began
full = conv2d_macs((32, 3, 32, 32), filters.shape)
print(f"on your machine: {counted:,} multiplications in {seconds:.2f} s, "
      f"{1e9 * seconds / counted:.0f} ns each")
print(f"a batch of 32 images: {full:,} multiplications, {full * seconds / counted:.0f} s; "
      "and that is forward only")

# %% [markdown]
r"""
A processor does a multiplication in a fraction of a nanosecond. The rest of the time goes to what
surrounds it: eight indices to look up, a product and a sum to wrap as Python objects, a counter to
raise. Nothing is wrong with the *amount* of work. It has to be handed over in larger pieces.

## Part 3: What one number can see

A result of a 3 x 3 convolution depends on 3 x 3 pixels. A second convolution on top looks at 3 x 3
of *those* results. On how many pixels of the image, then, does one of its results depend? That part
of the image is its **receptive field**. A result that sees 5 x 5 pixels of a large digit cannot
tell a 3 from an 8: it never sees both sides at once.

Strides and poolings make it grow faster, since neighbours in a deep layer are far apart in the
image. Keep two numbers while you walk through the layers: how many pixels one result sees, and how
many pixels two neighbours are apart.
"""

# %% nbgrader={"grade": false, "grade_id": "spatial_receptive_field", "locked": false, "schema_version": 3, "solution": true, "task": false}
def receptive_field(layers: list[tuple[int, int]]) -> int:
    """How many pixels, from the first to the last, one result of a stack of layers depends on.

    Along one axis; padding plays no role.

    Args:
        layers: (kernel, stride) of each layer, the one next to the image first.

    Example:
        receptive_field([(3, 1), (3, 1)]) is 5; for no layers it is 1
    """
    ### BEGIN SOLUTION
    field, apart = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * apart
        apart *= stride
    return field
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* stacks written out, and a number of others against the positions themselves,
followed back from one result to the image.
"""

# %% nbgrader={"grade": true, "grade_id": "test_spatial_receptive_field", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
def pixels_behind(layers):
    """The positions in the image that result number 0 depends on, layer by layer from the end."""
    places = {0}
    for kernel, stride in reversed(layers):
        places = {place * stride + i for place in places for i in range(kernel)}
    return max(places) - min(places) + 1


def test_spatial_receptive_field():
    """Each layer adds what its window reaches beyond one number, in pixels of the image."""
    for layers, expected, reason in [
        ([(3, 1), (3, 1)], 5, "3 results, each sees 3 pixels, neighbours are 1 apart"),
        ([(3, 1)], 3, "a window of 3"),
        ([(3, 1)] * 5, 11, "each further layer adds 2"),
        ([(3, 2), (3, 1)], 7, "neighbours after a stride of 2 are 2 apart: 3 + 2 * 2"),
        ([(3, 1), (2, 2), (3, 1), (3, 1)], 12, "3, then 4; after the stride of 2: 8, then 12"),
        ([(7, 2), (3, 2), (3, 1)], 19, "7, then 7 + 2 * 2 = 11, then 11 + 2 * 4"),
        ([], 1, "a pixel sees itself"),
    ]:
        check.equal(receptive_field(layers), expected, given=f"receptive_field({layers})",
                    because=reason)
    rng = np.random.default_rng(0)
    for _ in range(12):
        layers = [(int(rng.integers(1, 6)), int(rng.integers(1, 4))) for _ in range(4)]
        check.equal(receptive_field(layers), pixels_behind(layers),
                    given=f"receptive_field({layers})",
                    because="that many pixels lie between the first and the last that count")


test_spatial_receptive_field()

# %% [markdown]
"""
**What will you see?** Two stacks of three layers: one with strides of 1, one with a stride of 2 in
the first two. Draw the lines from the top result down to the pixels it depends on.
"""

# %%
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained", sharey=True)
    for panel, stack in zip(axes, ([(3, 1)] * 3, [(3, 2), (3, 2), (3, 1)]), strict=True):

        def middle(place, level, stack=stack):
            """Where in the image result number `place` of a layer has the middle of its field."""
            apart = math.prod(stride for _, stride in stack[:level])
            return place * apart + (receptive_field(stack[:level]) - 1) / 2

        places = {0}
        panel.plot([middle(0, 3)], [3], "o", color="tab:red")
        for level in (2, 1, 0):
            kernel, stride = stack[level]
            lines = [(place, place * stride + i) for place in places for i in range(kernel)]
            for above, below in lines:
                ends = [middle(above, level + 1), middle(below, level)]
                panel.plot(ends, [level + 1, level], "-o", color="grey", lw=0.6, markersize=3)
            places = {below for _, below in lines}
        panel.set(title=f"{stack}: {receptive_field(stack)} pixels", xlabel="pixel of the image",
                  xlim=(-1, 15), yticks=range(4), yticklabels=["image", "1", "2", "3"])
    axes[0].set_ylabel("layer")
    plt.show()
except ImportError:
    print("Without matplotlib you miss two pyramids: one 7 pixels wide at its foot, one 15.")

# %% [markdown]
r"""
Each layer widens the foot of the pyramid; a stride widens everything above it. With the same number
of weights, the right stack sees twice as far. Two layers of 3 x 3 see as much as one of 5 x 5, with
18 weights instead of 25 per pair of channels, and a ReLU in between.
"""

# %% [markdown]
r"""
## Part 4: Loops become an index

At each position, the loops multiply the numbers of a window by those of a kernel and add up. That
is a dot product. All windows with all kernels, that is a matrix product, and this you have fast.
What is missing is the matrix: one **row for each position**, and in it the numbers that the window
sees there. Its name in the literature is **im2col**, the *columns* of an image.

No loop is needed to make it, only the right list of positions. Two facts about NumPy first.
**What will this print?**
"""

# %%
row = np.float32([10, 20, 30, 40, 50])
places = np.array([[0, 1], [1, 2], [4, 4]])
print(row[places])  # an array of positions as an index: a result of the index's shape
print(np.array([[0], [10]]) + np.array([1, 2, 3]))  # (2, 1) and (3,) broadcast to (2, 3)

# %% [markdown]
r"""
So, if you know for each row and each column of the matrix *which pixel* belongs there, then
`image.ravel()[index]` is the matrix. (`ravel` lays the rows of an image end to end.) An image 3
pixels high and 4 wide, a kernel 2 high and 3 wide:

```
   image, pixels numbered        position 0      position 1      2, below 0
     0  1  2  3                  [0  1  2] 3     0 [1  2  3]
     4  5  6  7                  [4  5  6] 7     4 [5  6  7]     [4  5  6] 7
     8  9 10 11                                                  [8  9 10] 11

   index:    row 0 = 0 1 2 4 5 6       row 1 = 1 2 3 5 6 7       row 2 = 4 5 6 8 9 10     ...
```

In words: every row is the first one plus a number. Which number, for the position in row $r$ and
column $s$ of the result, with strides? And within the first row: which number stands at row $i$ and
column $j$ of the window? Broadcasting adds the two lists.
"""

# %% nbgrader={"grade": false, "grade_id": "spatial_column_index", "locked": false, "schema_version": 3, "solution": true, "task": false}
def column_index(height: int, width: int, kernel: Sizes, stride: Sizes = (1, 1)) -> np.ndarray:
    """Which pixel of a grey image stands where in the matrix of its windows.

    Pixels are numbered in reading order: row by row, from left to right. So are the positions of
    the window (the rows of the matrix), and the places in it (the columns). No padding.

    Returns:
        An array of integers, of shape (positions, kernel height * kernel width): for a float32
        image of that height and width, image.ravel()[index] is the matrix.

    Example:
        column_index(3, 4, (2, 3)) is
        [[0, 1, 2, 4, 5, 6], [1, 2, 3, 5, 6, 7], [4, 5, 6, 8, 9, 10], [5, 6, 7, 9, 10, 11]]
    """
    ### BEGIN SOLUTION
    (kh, kw), (sh, sw) = kernel, stride
    down = np.arange(output_size(height, kh, sh)) * sh * width
    across = np.arange(output_size(width, kw, sw)) * sw
    starts = (down[:, None] + across).reshape(-1, 1)
    window = (np.arange(kh)[:, None] * width + np.arange(kw)).reshape(1, -1)
    return starts + window
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the example, strides of both kinds, kernels that are not square, and the matrix
against windows that were cut out one by one.
"""

# %% nbgrader={"grade": true, "grade_id": "test_spatial_column_index", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def cut_out(image, kernel, stride):
    """Each window of a grey image as one row."""
    (sh, sw), (kh, kw) = stride, kernel
    return [
        image[top : top + kh, left : left + kw].ravel()
        for top in range(0, image.shape[0] - kh + 1, sh)
        for left in range(0, image.shape[1] - kw + 1, sw)
    ]


def test_spatial_column_index():
    """The right pixel in each place."""
    check.equal(column_index(3, 4, (2, 3)).tolist(),
                [[0, 1, 2, 4, 5, 6], [1, 2, 3, 5, 6, 7], [4, 5, 6, 8, 9, 10], [5, 6, 7, 9, 10, 11]],
                given="column_index(3, 4, (2, 3))", because="see the drawing")
    check.equal(column_index(2, 5, (1, 2), (1, 3)).tolist(), [[0, 1], [3, 4], [5, 6], [8, 9]],
                given="column_index(2, 5, (1, 2), stride=(1, 3))",
                because="positions 0 and 3 in each of the two rows of pixels")
    check.equal(column_index(4, 3, (2, 3), (2, 1)).tolist(),
                [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]],
                given="column_index(4, 3, (2, 3), stride=(2, 1))",
                because="two steps down are two rows of 3 pixels: 6")
    rng = np.random.default_rng(0)
    for height, width, kernel, stride in [
        (5, 7, (3, 2), (1, 1)), (6, 5, (2, 2), (2, 1)), (7, 6, (3, 3), (2, 2)),
        (4, 9, (1, 4), (3, 2)), (3, 3, (3, 3), (1, 1)), (5, 4, (1, 1), (1, 1)),
    ]:
        image = rng.standard_normal((height, width)).astype(np.float32)
        index = np.asarray(column_index(height, width, kernel, stride))
        text = f"column_index({height}, {width}, {kernel}, {stride})"
        check.equal(index.dtype.kind, "i", given=f"{text}: the kind of its numbers ('i': integers)",
                    because="only whole numbers can index")
        expected = np.array([[int(place) for place in row] for row in
                             cut_out(np.arange(height * width).reshape(height, width),
                                     kernel, stride)])
        check.equal(index.tolist(), expected.tolist(), given=text,
                    because="each row lists the pixels of one window")
        check.close(image.ravel()[index], np.array(cut_out(image, kernel, stride)),
                    given=f"a random image, indexed by {text}")


test_spatial_column_index()

# %% [markdown]
r"""
Now one line does what the loops did. **What will you see** in the picture of an index? And do the
two results agree?
"""

# %%
index = column_index(8, 8, (3, 3))
vertical = kernels[1, 0]
by_index = (digit.ravel()[index] @ vertical.ravel()).reshape(6, 6)
by_loops, _ = conv2d_explicit(digits[:1], kernels[1:2])
print("largest difference:", np.abs(by_index - by_loops[0, 0]).max())
print(f"the image: {digit.nbytes} bytes; its matrix: {digit.ravel()[index].nbytes} bytes; "
      f"the index: {index.nbytes} bytes")
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(8, 4.6), layout="constrained")
    axes[0].imshow(index, aspect="auto")
    axes[0].set(title="which pixel stands where", xlabel="place in the window", ylabel="position")
    axes[1].imshow(digit.ravel()[index], cmap="gray", aspect="auto")
    axes[1].set(title="the digit in its windows", xlabel="place in the window")
    plt.show()
except ImportError:
    print("Without matplotlib you miss stripes: each pixel appears in up to nine rows.")

# %% [markdown]
r"""
The numbers repeat along slanting lines (best seen on the right): with a 3 x 3 kernel, nearly every
pixel of a large image stands in the matrix nine times. Of these 64 only the 16 in the middle do;
all together, the matrix is 5 times the image. That is the price of im2col: **memory, in place of
loops**. And the index itself takes twice as much as the matrix.

### Windows without a copy

The index follows a rule: so many steps for a row, so many for a column. You know somebody who
stores rules in place of positions: an array's **strides** (Module 01). NumPy makes an array of
overlapping windows from them, without copying a single number. **What will this print?** In how
many windows does a change of one number show?
"""

# %%
numbers = np.arange(6, dtype=np.float32)
view = sliding_window_view(numbers, 3, writeable=True)  # windows of 3 along the only axis
print(view, "strides", view.strides, "shares memory:", np.shares_memory(view, numbers))
numbers[2] = 99
print(view)
grid = sliding_window_view(np.zeros((5, 7)), (2, 3), axis=(0, 1))  # two axes at once
print(grid.shape, "and every second one along axis 0:", grid[::2].shape)

# %% [markdown]
r"""
The window axes are added at the *end*, positions stay in front; a stride is a slice with a step.
One pixel further and one window further are the same step in memory, so both strides are 4 bytes.

Two decisions remain.

- **Where do the channels go?** When the windows are finally copied into a matrix, long runs of
  neighbours copy fast, single numbers slowly. In (batch, channels, height, width) a window touches
  runs of 3 numbers (`kw`). With the channels *last*, it touches runs of `kw * channels`, since the
  pixels of a row of the window stand side by side with all their channels. So inside, we keep
  images as (batch, height, width, channels). To the outside they are
  (batch, channels, height, width) as ever: a transposed view.
- **Which order do the axes of a window have?** Row, column, channel: the one in memory.

Write the way in, the way out, and the windows.
"""

# %% nbgrader={"grade": false, "grade_id": "spatial_windows", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def channels_last(x: np.ndarray, padding: Sizes = (0, 0), fill: float = 0.0) -> np.ndarray:
    """Images with the channels moved to the last axis, and a border of `fill` around them.

    Args:
        x: shape (batch, channels, height, width), never changed. Its memory may be in any order.
        padding: (ph, pw): ph pixels above and below, pw pixels left and right.
        fill: the value of the border.

    Returns:
        An array of shape (batch, height + 2 ph, width + 2 pw, channels) and of x's dtype, whose
        memory is in the order of its axes (C-contiguous). With padding (0, 0), where x's memory is
        in that order already, it is a view of x: nothing is copied.
    """
    ### BEGIN SOLUTION
    moved = x.transpose(0, 2, 3, 1)
    if padding == (0, 0):
        return np.ascontiguousarray(moved)
    (ph, pw), (batch, height, width, channels) = padding, moved.shape
    image = np.full((batch, height + 2 * ph, width + 2 * pw, channels), fill, dtype=x.dtype)
    image[:, ph : ph + height, pw : pw + width] = moved
    return image
    ### END SOLUTION


def channels_first(image: np.ndarray, padding: Sizes = (0, 0)) -> np.ndarray:
    """The reverse of channels_last: the border cut off, the channels on axis 1. Always a view."""
    ### BEGIN SOLUTION
    (ph, pw), (_, height, width, _) = padding, image.shape
    return image[:, ph : height - ph, pw : width - pw].transpose(0, 3, 1, 2)
    ### END SOLUTION


def windows(image: np.ndarray, kernel: Sizes, stride: Sizes = (1, 1)) -> np.ndarray:
    """Everything that a window sees as it slides over images: a view, no copy.

    Args:
        image: shape (batch, height, width, channels), padded already.
        kernel, stride: (height, width) of a window, and from one position to the next.

    Returns:
        A writeable view (writeable=True) of shape
        (batch, rows, columns, kernel height, kernel width, channels): entry [b, r, s, i, j] is the
        pixel that stands at row i and column j of the window at position (r, s), all its channels.
    """
    ### BEGIN SOLUTION
    seen = sliding_window_view(image, kernel, axis=(1, 2), writeable=True)
    return seen[:, :: stride[0], :: stride[1]].transpose(0, 1, 2, 4, 5, 3)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* each value of borders and windows, for sizes that all differ; what shares memory
and what does not; that the way out is the reverse of the way in.
"""

# %% nbgrader={"grade": true, "grade_id": "test_spatial_windows", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
@probe
def way_in(x, padding, fill):
    """channels_last: the result, its dtype, in the order of its axes, x afterwards."""
    image = channels_last(x, padding, fill)
    return [image, str(image.dtype), bool(image.flags["C_CONTIGUOUS"]), x]


@probe
def copies_made():
    """Do the results share memory with what they came from, and is a view of windows writeable?"""
    image = np.zeros((2, 5, 4, 3), dtype=np.float32)
    first = channels_first(image)
    seen = windows(image, (2, 3), (2, 1))
    return [bool(np.shares_memory(channels_first(image, (1, 1)), image)),
            bool(np.shares_memory(channels_last(first), image)),
            bool(np.shares_memory(channels_last(first, (0, 1)), image)),
            bool(np.shares_memory(seen, image)), bool(seen.flags["WRITEABLE"])]


def test_spatial_windows():
    """Borders, windows, and memory."""
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 1, 4)
    image, dtype, ordered, after = way_in(x, (0, 0), 0.0)
    check.close(image, np.stack([x[:, 0], x[:, 1], x[:, 2]], axis=-1),
                given="channels_last(x) for x of shape (2, 3, 1, 4)",
                because="axis 1, the channels, comes last; height and width keep their order")
    check.equal(ordered, True, given="channels_last(x) for x of shape (2, 3, 1, 4): is its "
                                     "memory in the order of its axes",
                because="a transposed view alone leaves the numbers where they are")
    image, dtype, ordered, after = way_in(x, (2, 1), -5.0)
    expected = np.full((2, 5, 6, 3), -5, dtype=np.float32)
    for c in range(3):
        expected[:, 2:3, 1:5, c] = x[:, c]
    check.close(image, expected, given="channels_last(x, padding=(2, 1), fill=-5)",
                because="two pixels above and below, one left and right, all of them -5")
    check.equal([dtype, ordered], ["float32", True],
                given="channels_last(x, padding=(2, 1), fill=-5): its dtype, and is its memory in "
                      "the order of its axes",
                because="the dtype is x's; a transposed view leaves the numbers where they are")
    check.unchanged(after, x, given="x after channels_last(x, (2, 1), -5)")
    check.close(way_in(x, (0, 3), 0.0)[0], np.pad(np.stack([x[:, 0], x[:, 1], x[:, 2]], -1),
                                                  ((0, 0), (0, 0), (3, 3), (0, 0))),
                given="channels_last(x, padding=(0, 3))")
    rng = np.random.default_rng(0)
    back = rng.standard_normal((2, 5, 7, 3)).astype(np.float32)
    check.close(channels_first(back), np.moveaxis(back, 3, 1), given="channels_first, no padding",
                because="the channels go to axis 1; with a padding of 0 nothing is cut off")
    check.close(channels_first(back, (2, 1)), np.moveaxis(back[:, 2:3, 1:6], 3, 1),
                given="channels_first(image of shape (2, 5, 7, 3), padding=(2, 1))")
    for kernel, stride in [((2, 3), (1, 1)), ((3, 1), (1, 2)), ((2, 2), (3, 4)), ((5, 7), (1, 1))]:
        rows, columns = (5 - kernel[0]) // stride[0] + 1, (7 - kernel[1]) // stride[1] + 1
        expected = np.zeros((2, rows, columns, *kernel, 3), dtype=np.float32)
        for r, s in np.ndindex(rows, columns):
            top, left = r * stride[0], s * stride[1]
            expected[:, r, s] = back[:, top : top + kernel[0], left : left + kernel[1]]
        check.close(windows(back, kernel, stride), expected,
                    given=f"windows(image of shape (2, 5, 7, 3), kernel={kernel}, stride={stride})",
                    because="batch, rows, columns; then row, column and channels in the window")
    for got, expected, text, reason in zip(
        copies_made(), (True, True, False, True, True),
        ("does channels_first(image, (1, 1)) share memory with the image",
         "does channels_last(x) share memory with an x whose channels lie last already",
         "does channels_last(x, (0, 1)) share memory with x",
         "does windows(image, (2, 3), (2, 1)) share memory with the image",
         "can one write into windows(image, (2, 3), (2, 1))"),
        ("slices and transpose give views", "nothing has to move: a view is enough",
         "a border needs new memory", "a view of all windows, not a copy",
         "the way back will write through this view: writeable=True"), strict=True,
    ):
        check.equal(got, expected, given=text, because=reason)


test_spatial_windows()

# %% [markdown]
r"""
## Part 5: One product, a piece at a time

The plan: `windows`, copied into a matrix with one row per position, times a matrix with one column
per filter. **What will you see?** The memory of that matrix, for the second convolution of a small
CNN (32 channels, 16 x 16 pixels, kernel 3), as the batch grows:
"""

# %%
print("batch   images   all their windows")
for batch in (1, 32, 128, 512):
    seen = windows(np.empty((batch, 18, 18, 32), dtype=np.float32), (3, 3))
    print(f"{batch:>5} {batch * 16 * 16 * 32 * 4 / 1e6:>6.2f} MB {seen.nbytes / 1e6:>10.2f} MB")

# %% [markdown]
r"""
(`nbytes` counts what the view *shows*. As long as it is a view, it takes nothing.) A copy takes
nine times the images: 151 MB here, and gigabytes for images of 224 x 224 pixels, which is more than
some machines have. In either case it is far more than the **cache**, the small and fast memory next
to the processor. A matrix that has left the cache before the product reads it is fetched again from
slow memory.

Images do not depend on each other. So cut the batch into **chunks**, copy the windows of a few
images, multiply, and let the next chunk use the memory again.

Two things to get right: how many images make a chunk, and the order of the weights. In a row of the
matrix, the window's numbers stand as (row, column, channel); the weights of a filter come as
(channel, row, column). Shapes will not save you here: the product fits either way.
"""

# %% nbgrader={"grade": false, "grade_id": "spatial_conv2d", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
COLUMN_BYTES = 2**20  # how much of all windows is copied at a time: about what a cache holds


def chunks(seen: np.ndarray) -> Iterator[slice]:
    """Cut the batch (axis 0) into slices, in order, whose windows take little memory when copied.

    Each slice holds as many images as fit into COLUMN_BYTES, but at least one; the last may be
    smaller. `seen[:1].nbytes` is what one image takes. An empty batch has no slices.

    Example:
        5 images of 400,000 bytes: slice(0, 2), slice(2, 4), and slice(4, 6) or slice(4, 5)
    """
    ### BEGIN SOLUTION
    count = max(1, COLUMN_BYTES // max(1, seen[:1].nbytes))
    for start in range(0, len(seen), count):
        yield slice(start, start + count)
    ### END SOLUTION


def kernel_matrix(weight: np.ndarray) -> np.ndarray:
    """Filters (filters, channels, kh, kw) as a matrix (kh * kw * channels, filters).

    Row number (i * kw + j) * channels + c holds the weights w[:, c, i, j] of all filters.
    """
    ### BEGIN SOLUTION
    return weight.transpose(2, 3, 1, 0).reshape(-1, len(weight))
    ### END SOLUTION


def conv2d(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None,
    stride: Sizes = (1, 1), padding: Sizes = (0, 0),
) -> np.ndarray:
    """What conv2d_explicit computes, as one matrix product for each chunk of images.

    Args:
        x, weight, bias: as there; the batch may be empty. None of them is changed.
        stride, padding: pairs (height, width).

    Returns:
        A new float32 array of shape (batch, filters, rows, columns). Its memory is in the order
        (batch, rows, columns, filters), which is how the product fills it: a `channels_first` view.
        Besides the result, a padded copy of x and about COLUMN_BYTES of windows (or those of one
        image, if they take more), no large array is needed at any time. No Python loop runs over
        the positions.
    """
    ### BEGIN SOLUTION
    seen = windows(channels_last(x, padding), weight.shape[2:], stride)
    kernels = kernel_matrix(weight)
    result = np.empty((*seen.shape[:3], len(weight)), dtype=np.float32)
    for part in chunks(seen):
        columns = seen[part].reshape(-1, len(kernels))
        np.matmul(columns, kernels, out=result[part].reshape(-1, len(weight)))
        if bias is not None:
            result[part] += bias
    return channels_first(result)
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* chunks of several sizes; the order of the weights; the convolution against sums
written out, for many shapes, strides and paddings; the memory in use at the peak; and that no
Python loop runs over the positions.
"""

# %% nbgrader={"grade": true, "grade_id": "test_spatial_conv2d", "locked": true, "points": 11, "schema_version": 3, "solution": false, "task": false}
def convolved(x, weight, bias, stride, padding):
    """One window after the other, with NumPy's einsum."""
    (sh, sw), (ph, pw), (kh, kw) = stride, padding, weight.shape[2:]
    x = np.pad(x, [(0, 0), (0, 0), (ph, ph), (pw, pw)])
    size = (x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1
    y = np.zeros((len(x), len(weight), *size), dtype=np.float32)
    for r, s in np.ndindex(size):
        window = x[:, :, r * sh : r * sh + kh, s * sw : s * sw + kw]
        y[:, :, r, s] = np.einsum("bcij,ocij->bo", window, weight)
    return y if bias is None else y + bias[:, None, None]


@probe
def slices_of(count, bytes_each):
    """[start, stop] of each chunk of `count` images, cut at the batch's end."""
    seen = np.empty((count, bytes_each // 4), dtype=np.float32)
    return [[part.start, min(part.stop, count)] for part in chunks(seen)]


@probe
def conv_on(x, weight, bias, stride, padding):
    """Result, dtype, is its memory ordered with filters last; the arguments afterwards."""
    y = conv2d(x, weight, bias, stride, padding)
    return [y, str(y.dtype), bool(y.transpose(0, 2, 3, 1).flags["C_CONTIGUOUS"]), x, weight, bias]


@probe
def conv_on_a_view():
    """x is no array of its own but a part of a larger one, in another order."""
    large = np.arange(2 * 6 * 5 * 4, dtype=np.float32).reshape(2, 6, 5, 4) % 7
    x = large.transpose(0, 3, 1, 2)[:, 1:, ::2]
    weight = (np.arange(2 * 3 * 2 * 2, dtype=np.float32) % 5 - 2).reshape(2, 3, 2, 2)
    return [conv2d(x, weight), np.array(x), weight]


@probe
def peak_of_conv(batch):
    """Megabytes in use at the peak of a convolution, beside the arguments."""
    x, weight = (np.ones(shape, dtype=np.float32) for shape in ((batch, 8, 32, 32), (8, 8, 3, 3)))
    tracemalloc.start()
    try:
        conv2d(x, weight, None, (1, 1), (1, 1))
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


@probe
def lines_of_conv():
    """How many lines of Python run for 30 x 30 positions of a 2 x 2 window; not NumPy's."""
    count, outer = [0], sys.gettrace()

    def note(frame, event, argument):
        if frame.f_globals.get("__name__", "").startswith("numpy"):
            return None
        count[0] += event == "line"
        return note

    x, weight = np.ones((1, 1, 31, 31), np.float32), np.ones((1, 1, 2, 2), np.float32)
    sys.settrace(note)
    try:
        conv2d(x, weight)
    finally:
        sys.settrace(outer)
    return count[0]


def test_spatial_conv2d():
    """Chunks, columns, and their product."""
    half = 2**19
    for count, bytes_each, expected in [
        (5, 400_000, [[0, 2], [2, 4], [4, 5]]),
        (4, half, [[0, 2], [2, 4]]),
        (3, half + 4, [[0, 1], [1, 2], [2, 3]]),
        (2, 3 * 2**20, [[0, 1], [1, 2]]),
        (7, 40, [[0, 7]]),
        (0, 40, []),
    ]:
        check.equal(slices_of(count, bytes_each), expected,
                    given=f"chunks of {count} images, {bytes_each:,} bytes each",
                    because=f"as many as fit into {2**20:,} bytes, but at least one")
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((4, 3, 2, 5)).astype(np.float32)
    matrix = np.zeros((30, 4), dtype=np.float32)
    for i in range(2):
        for j in range(5):
            for c in range(3):
                matrix[(i * 5 + j) * 3 + c] = weight[:, c, i, j]
    check.close(kernel_matrix(weight), matrix, given="kernel_matrix of weights (4, 3, 2, 5)",
                because="the order of a window: row, column, channel; one column per filter")
    image = np.float32([[[[1, 2, 3], [4, 5, 6]]]])
    check.close(conv2d(image, np.float32([[[[1, 10]]]])), [[[[21, 32], [54, 65]]]],
                given="image [[1, 2, 3], [4, 5, 6]], filter [[1, 10]]")
    for x_shape, w_shape, stride, padding in [
        ((2, 3, 5, 4), (4, 3, 2, 3), (1, 1), (0, 0)),
        ((1, 2, 6, 7), (3, 2, 3, 2), (2, 1), (0, 0)),
        ((2, 1, 4, 6), (2, 1, 3, 3), (1, 3), (2, 1)),
        ((3, 2, 5, 5), (1, 2, 1, 2), (3, 2), (1, 0)),
        ((0, 2, 5, 4), (3, 2, 3, 3), (1, 1), (1, 1)),
        ((7, 16, 21, 20), (6, 16, 3, 3), (1, 1), (1, 1)),
    ]:
        x, weight, bias = (rng.standard_normal(shape).astype(np.float32)
                           for shape in (x_shape, w_shape, w_shape[:1]))
        text = f"x {x_shape}, weight {w_shape}, stride {stride}, padding {padding}"
        y, dtype, ordered, *after = conv_on(x, weight, bias, stride, padding)
        expected = convolved(x, weight, bias, stride, padding)
        check.close(y, expected, rtol=1e-4, atol=1e-4, given=text)
        check.equal([dtype, ordered], ["float32", True],
                    given=f"{text}: dtype, and memory in the order batch, rows, columns, filters")
        for name, now, old in zip(("x", "weight", "bias"), after, (x, weight, bias), strict=True):
            check.unchanged(now, old, given=f"{text}: {name} after the call")
    y, x, weight = conv_on_a_view()
    check.close(y, convolved(x, weight, None, (1, 1), (0, 0)), rtol=1e-4, atol=1e-4,
                given="x is a transposed view with gaps, no bias")
    check.true(peak_of_conv(64) < 9,
               given="64 images (8, 32, 32), 8 filters of 3 x 3: is the peak below 9 MB",
               because="result and padded images take 5 MB; all windows at once would be 19 more")
    check.true(lines_of_conv() < 300,
               given="one image of 31 x 31 pixels, a 2 x 2 window: do fewer than 300 lines run",
               because="one product serves all 900 positions")


test_spatial_conv2d()

# %% [markdown]
r"""
**Predict.** You know how long your loops would need for the batch of 32 colour images. And the
product? And does it matter how large a chunk is: one image, a few of them, the whole batch?
"""

# %%
def best_time(call, repeats=5):
    """Seconds of the fastest of several calls: the one that was disturbed least."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)


x = rng.standard_normal((32, 3, 32, 32)).astype(np.float32)
seconds_fast = best_time(lambda: conv2d(x, filters))
print(f"on your machine: {1e3 * seconds_fast:.1f} ms, "
      f"{full * seconds / counted / seconds_fast:,.0f} times as fast as the loops")
x = rng.standard_normal((32, 32, 32, 32)).astype(np.float32)
wide = rng.standard_normal((64, 32, 3, 3)).astype(np.float32)
one_image = windows(channels_last(x), (3, 3))[:1].nbytes
for power in range(20, 26):
    COLUMN_BYTES = 2**power
    tracemalloc.start()
    conv2d(x, wide)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"COLUMN_BYTES 2**{power}, images at a time: {COLUMN_BYTES // one_image:>2}; "
          f"{1e3 * best_time(lambda: conv2d(x, wide), 3):6.1f} ms, peak {peak / 1e6:5.1f} MB")
COLUMN_BYTES = 2**20

# %% [markdown]
r"""
Without a line of C, and with the same number of multiplications. Large chunks take more memory and
gain nothing; on most machines they are slower, since the copy leaves the cache before the product
reads it.

Here the **first sitting** ends. You have a convolution that can be used, say on a photograph: load
one, and try kernels on it.
"""

# %% [markdown]
r"""
## Part 6: The way back

Forward, `windows` showed each pixel to several windows. Backward, each of these sends a gradient,
and **what was copied, the gradient adds up**: the rule of broadcasting from Module 05, in another
dress. A view can be written to. So the sum should be one line: make the windows of an image of
zeros, and add to them. **What will this print?** Five pixels, windows of three, a gradient of 1
from each place: how many windows contain each pixel?
"""

# %%
total = np.zeros((1, 1, 5, 1), dtype=np.float32)
seen = windows(total, (1, 3))
seen += np.ones(seen.shape, dtype=np.float32)
print(total.ravel())

# %% [markdown]
r"""
Not 1, 2, 3, 2, 1! NumPy promises that `seen += ...` computes all sums from what was there *before*,
and then stores them. The middle pixel gets `0 + 1` three times, and remembers the last. Overlapping
memory can be read by everyone; it cannot be added to all at once.

Which parts of the view do *not* overlap? Look at one fixed place of the window, say its upper left
corner, at all positions: these are different pixels, every one.
"""

# %% nbgrader={"grade": false, "grade_id": "spatial_add_windows", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def add_windows(image: np.ndarray, parts: np.ndarray, stride: Sizes) -> None:
    """Add to each pixel of `image`, in place, what all windows that contain it hold for it.

    The reverse of `windows`; in the literature col2im. (One loop over the places of a window is
    enough; a loop over positions would be slow.)

    Args:
        image: shape (batch, height, width, channels); what it holds already stays part of the sum.
        parts: shape (batch, rows, columns, kernel height, kernel width, channels), as
            windows(image, kernel, stride) has. Only read; it may be a view that repeats numbers.
        stride: (height, width), from one position to the next.

    Example:
        image of zeros (1, 1, 5, 1), parts of ones (1, 1, 3, 1, 3, 1), stride (1, 1):
        afterwards the image is [1, 2, 3, 2, 1]
    """
    ### BEGIN SOLUTION
    kernel = parts.shape[3:5]
    seen = windows(image, kernel, stride)
    for i, j in np.ndindex(kernel):
        seen[:, :, :, i, j] += parts[:, :, :, i, j]
    ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the example, sums made pixel by pixel for overlapping and separate windows, what
was there before, and parts that must stay as they are.
"""

# %% nbgrader={"grade": true, "grade_id": "test_spatial_add_windows", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
@probe
def after_add_windows(image, parts, stride):
    """The image and the parts afterwards, and what the function returned."""
    returned = add_windows(image, parts, stride)
    return [image, parts, returned is None]


@probe
def repeated_parts():
    """Parts that are one number, broadcast."""
    image = np.zeros((2, 4, 5, 3), dtype=np.float32)
    add_windows(image, np.broadcast_to(np.float32(1), (2, 3, 2, 2, 3, 3)), (1, 2))
    return image


@probe
def looks_at_parts():
    """How often the parts are indexed, for 30 x 30 positions of a 3 x 2 window."""
    looks = []

    class Watched(np.ndarray):
        def __getitem__(self, key):
            looks.append(key)
            return np.asarray(self)[key]

    parts = np.ones((1, 30, 30, 3, 2, 1), dtype=np.float32).view(Watched)
    add_windows(np.zeros((1, 32, 31, 1), dtype=np.float32), parts, (1, 1))
    return len(looks)


def test_spatial_add_windows():
    """Every window's part arrives, once."""
    tens, ones = np.full((1, 1, 5, 1), 10, np.float32), np.ones((1, 1, 3, 1, 3, 1), np.float32)
    image, _, nothing = after_add_windows(tens, ones, stride=(1, 1))
    check.close(image.ravel(), [11, 12, 13, 12, 11],
                given="five pixels of 10, windows of three, parts of 1",
                because="the middle pixel is in all three windows, those at the ends in one; and "
                        "the 10 stay part of the sum")
    check.equal(nothing, True, given="add_windows(...) returns None", because="it adds in place")
    rng = np.random.default_rng(0)
    for kernel, stride in [((2, 3), (1, 1)), ((3, 2), (2, 1)), ((2, 2), (2, 2)), ((1, 2), (3, 4))]:
        before = rng.standard_normal((2, 6, 7, 3)).astype(np.float32)
        rows, columns = (6 - kernel[0]) // stride[0] + 1, (7 - kernel[1]) // stride[1] + 1
        parts = rng.standard_normal((2, rows, columns, *kernel, 3)).astype(np.float32)
        expected = before.copy()
        for r, s in np.ndindex(rows, columns):
            top, left = r * stride[0], s * stride[1]
            expected[:, top : top + kernel[0], left : left + kernel[1]] += parts[:, r, s]
        text = f"add_windows(an image (2, 6, 7, 3), parts, stride={stride}), kernel {kernel}"
        image, after, _ = after_add_windows(before.copy(), parts, stride)
        check.close(image, expected, rtol=1e-4, atol=1e-5, given=text,
                    because="what was there, plus the part of every window")
        check.unchanged(after, parts, given=f"{text}: the parts after the call")
    expected = np.zeros((2, 4, 5, 3))
    for r in range(3):
        for s in (0, 2):
            expected[:, r : r + 2, s : s + 3] += 1
    check.close(repeated_parts(), expected, given="parts that are one number, broadcast")
    check.true(looks_at_parts() < 300,
               given="30 x 30 positions, a 3 x 2 window: are parts looked at fewer than 300 times",
               because="six steps are enough, one for each place of the window")


test_spatial_add_windows()

# %% [markdown]
r"""
### The rule of a convolution

With the windows as a matrix $C$ (one row per position) and the filters as a matrix $K$ (one column
per filter), the forward pass is $Y = C K + \text{bias}$. The rule of a product you know from
Module 05: from the gradient $G$ of $Y$ follow the gradients of $C$ and of $K$. And the gradient of
$C$, one number for each place of each window, becomes that of the image by `add_windows`.

Two thoughts about memory.

- $C$ was not kept by the forward pass. It would be nine times the input, in every layer, until the
  backward pass comes. `windows` of the saved input gives it again, for the price of a copy: you
  **recompute** rather than keep (Module 05, `recompute`), a chunk at a time.
- The first layer's input is data, and needs no gradient. Do not compute one: it would be a third of
  the work of this layer.

Shapes are your best friend here. Your test bench is `check_gradients`.
"""

# %% nbgrader={"grade": false, "grade_id": "spatial_conv2d_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
@backward_rule(conv2d)
class Conv2dBackward(Function):
    """The rule of a convolution; windows are made again, a chunk at a time."""

    def apply(self, grad_output):
        """Return (gradient of x, of the weight, of the bias); without a bias, only the first two.

        (Without a bias only two tensors came: len(self.arrays) is 2.) Each gradient is a float32
        array of its input's shape; None, without computing it, where self.needs(i) is False. The
        settings "stride" and "padding" are pairs. grad_output has the result's shape, (batch,
        filters, rows, columns). Memory is bounded as in conv2d. Pixels that no window saw have the
        gradient 0; for an empty batch, the gradients of weight and bias are zeros.

        Example:
            x = [[1, 2, 3]] (one image, one channel), weight = [[10, 20]], bias [0], G = [[1, 100]]:
            [[10, 1020, 2000]], [[201, 302]] and [101]
        """
        ### BEGIN SOLUTION
        x, weight = self.arrays[:2]
        stride, padding = self.settings["stride"], self.settings["padding"]
        image, grads = channels_last(x, padding), channels_last(grad_output)
        seen, kernels = windows(image, weight.shape[2:], stride), kernel_matrix(weight)
        grad_image = np.zeros_like(image) if self.needs(0) else None
        grad_kernels = np.zeros_like(kernels)
        for part in chunks(seen):
            rows = grads[part].reshape(-1, len(weight))
            if self.needs(1):
                grad_kernels += seen[part].reshape(-1, len(kernels)).T @ rows
            if self.needs(0):
                parts = (rows @ kernels.T).reshape(seen[part].shape)
                add_windows(grad_image[part], parts, stride)
        grad_x = channels_first(grad_image, padding) if self.needs(0) else None
        moved = grad_kernels.reshape(*weight.shape[2:], weight.shape[1], len(weight))
        grad_weight = moved.transpose(3, 2, 0, 1) if self.needs(1) else None
        if len(self.arrays) == 2:
            return grad_x, grad_weight
        return grad_x, grad_weight, grads.sum(axis=(0, 1, 2)) if self.needs(2) else None
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the example; all three gradients against sums written out, for strides, paddings
and sizes that differ; what is not needed and not computed; memory; and nothing changed in place.
"""

# %% nbgrader={"grade": true, "grade_id": "test_spatial_conv2d_backward", "locked": true, "points": 11, "schema_version": 3, "solution": false, "task": false}
def gradients_by_hand(x, weight, g, stride, padding):
    """Each result sends its gradient to the pixels and the weights it was made of."""
    (sh, sw), (ph, pw), (kh, kw) = stride, padding, weight.shape[2:]
    padded = np.pad(x, [(0, 0), (0, 0), (ph, ph), (pw, pw)])
    dx, dw = np.zeros_like(padded), np.zeros_like(weight)
    for r in range(g.shape[2]):
        for s in range(g.shape[3]):
            place = np.s_[:, :, r * sh : r * sh + kh, s * sw : s * sw + kw]
            dx[place] += np.einsum("bo,ocij->bcij", g[:, :, r, s], weight)
            dw += np.einsum("bo,bcij->ocij", g[:, :, r, s], padded[place])
    height, width = x.shape[2:]
    return dx[:, :, ph : ph + height, pw : pw + width], dw, g.sum(axis=(0, 2, 3))


@probe
def gradients_of_conv(x, weight, bias, g, stride, padding, needed):
    """The gradients, their dtypes, the number of them, and x, weight and g afterwards."""
    arrays = [x, weight] if bias is None else [x, weight, bias]
    tensors = [Tensor(a, requires_grad=n) for a, n in zip(arrays, needed, strict=False)]
    answer = Conv2dBackward(*tensors, stride=stride, padding=padding).apply(g)
    found = [None if a is None else np.array(a) for a in answer]
    return [found, [None if a is None else str(a.dtype) for a in found], type(answer).__name__,
            x, weight, g]


@probe
def peak_of_the_rule(batch, needed):
    """Megabytes in use at the peak of the rule, beside the arguments."""
    x = Tensor(np.ones((batch, 8, 32, 32), dtype=np.float32), requires_grad=needed)
    weight = Tensor(np.ones((8, 8, 3, 3), dtype=np.float32), requires_grad=True)
    node, g = Conv2dBackward(x, weight, stride=(1, 1), padding=(1, 1)), np.ones_like(x.data)
    tracemalloc.start()
    try:
        node.apply(g)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


@probe
def registered():
    """Does a recorded convolution find the rule?"""
    enable_autograd(quiet=True)
    weight = Tensor(np.ones((2, 1, 2, 2), dtype=np.float32), requires_grad=True)
    y = compute(conv2d, Tensor(np.ones((1, 1, 3, 3))), weight, stride=(1, 1), padding=(0, 0))
    return type(y._grad_fn).__name__


def test_spatial_conv2d_backward():
    """Three gradients of one product, and the way from windows to pixels."""
    one = np.float32([[[[1, 2, 3]]]])
    found, dtypes, kind, *_ = gradients_of_conv(
        one, np.float32([[[[10, 20]]]]), np.float32([0]), np.float32([[[[1, 100]]]]),
        (1, 1), (0, 0), [True] * 3,
    )
    check.equal(kind, "tuple", given="what apply returns")
    example = "x = [[1, 2, 3]], weight = [[10, 20]], G = [[1, 100]]"
    check.close(found[0], [[[[10, 1020, 2000]]]], given=f"{example}: gradient of x",
                because="the middle pixel was in both windows: 1 * 20 + 100 * 10")
    check.close(found[1], [[[[201, 302]]]], given=f"{example}: gradient of the weight",
                because="the first weight met 1 and 2: 1 * 1 + 100 * 2")
    check.close(found[2], [101], given=f"{example}: gradient of the bias",
                because="it was added to every result")
    check.equal(dtypes, ["float32"] * 3, given=f"{example}: the dtypes")
    x, weight, bias, g = (np.float32(numbers) for numbers in (
        [[[[1, 2, 3, 4]]]], [[[[10, 20]]]], [0], [[[[1, 100]]]]))
    example = "x = [[1, 2, 3, 4]], weight = [[10, 20]], G = [[1, 100]], stride (1, 2)"
    found, *_ = gradients_of_conv(x, weight, bias, g, stride=(1, 2), padding=(0, 0),
                                  needed=[True] * 3)
    check.close(found[0], [[[[10, 20, 1000, 2000]]]], given=f"{example}: gradient of x",
                because="the windows lie where they lay on the way forward: the same stride")
    check.close(found[1], [[[[301, 402]]]], given=f"{example}: gradient of the weight",
                because="the first weight met 1 and 3: 1 * 1 + 100 * 3")
    rng = np.random.default_rng(0)
    for x_shape, w_shape, stride, padding in [
        ((2, 3, 5, 4), (4, 3, 2, 3), (1, 1), (0, 0)),
        ((1, 2, 6, 7), (3, 2, 3, 2), (2, 1), (0, 0)),
        ((2, 1, 4, 6), (5, 1, 3, 3), (1, 3), (2, 1)),
        ((3, 2, 6, 5), (1, 2, 1, 2), (3, 2), (1, 0)),
        ((0, 2, 5, 4), (3, 2, 3, 3), (1, 1), (1, 1)),
        ((7, 16, 21, 20), (6, 16, 3, 3), (1, 1), (1, 1)),
    ]:
        rows = (x_shape[2] + 2 * padding[0] - w_shape[2]) // stride[0] + 1
        columns = (x_shape[3] + 2 * padding[1] - w_shape[3]) // stride[1] + 1
        g_shape = (x_shape[0], w_shape[0], rows, columns)
        x, weight, bias, g = (rng.standard_normal(shape).astype(np.float32)
                              for shape in (x_shape, w_shape, w_shape[:1], g_shape))
        text = f"x {x_shape}, weight {w_shape}, stride {stride}, padding {padding}"
        found, dtypes, _, *after = gradients_of_conv(x, weight, bias, g, stride, padding,
                                                     [True] * 3)
        expected = gradients_by_hand(x, weight, g, stride, padding)
        for name, got, right in zip(("x", "the weight", "the bias"), found, expected, strict=True):
            check.close(got, right, rtol=1e-3, atol=2e-3, given=f"{text}: gradient of {name}")
        check.equal(dtypes, ["float32"] * 3, given=f"{text}: the dtypes")
        for name, now, before in zip(("x", "weight", "G"), after, (x, weight, g), strict=True):
            check.unchanged(now, before, given=f"{text}: {name} after the call")
        found, *_ = gradients_of_conv(x, weight, None, g, stride, padding, [True] * 2)
        check.equal(len(found), 2, given=f"{text}, no bias: how many gradients",
                    because="without a bias only two tensors came")
    for needed in ([False, True, True], [True, False, True], [True, True, False]):
        found, *_ = gradients_of_conv(x, weight, bias, g, stride, padding, needed)
        check.equal([gradient is not None for gradient in found], needed,
                    given=f"needs(0), needs(1), needs(2) are {needed}: which gradients are there",
                    because="nothing is computed for who does not need it")
        for got, right in zip(found, expected, strict=True):
            if got is not None:
                check.close(got, right, rtol=1e-3, atol=2e-3, given=f"needs: {needed}")
    peak = peak_of_the_rule(64, needed=True)
    check.true(peak < 12,
               given="64 images (8, 32, 32), 8 filters of 3 x 3: is the peak below 12 MB",
               because="padded images, two gradients of their size and a chunk take 9 MB; all "
                       "windows at once would be 19 MB more")
    check.true(peak_of_the_rule(64, needed=False) < peak - 1.5,
               given="64 images (8, 32, 32) that are data, 8 filters: is the peak lower by more "
                     "than 1.5 MB",
               because="no gradient of the images is computed that would be thrown away")
    check.equal(registered(), "Conv2dBackward",
                given="the node that a recorded conv2d gets")


test_spatial_conv2d_backward()

# %% [markdown]
r"""
Ask your own tool as well. **What will this print?** The largest difference between the rule and the
measured slopes:
"""

# %%
x = Tensor(rng.standard_normal((2, 2, 5, 4)), requires_grad=True)
weight = Tensor(rng.standard_normal((3, 2, 3, 2)), requires_grad=True)
bias = Tensor(np.zeros(3), requires_grad=True)


def strided(x, weight, bias):
    """A convolution with settings that differ."""
    return compute(conv2d, x, weight, bias, stride=(2, 1), padding=(1, 0))


print(f"largest difference: {check_gradients(strided, x, weight, bias):.1e}")

# %% [markdown]
r"""
## Part 7: The layer

What is left for the layer: sizes, first weights, and good errors. Which spread should the weights
have? Your `scale_for` of Module 03 answered that for layers followed by ReLU, which lets half of
the spread through: He's $\sqrt{2 / n}$, where $n$ counts the inputs *that one result is a sum of*.
(It stayed in that notebook; here one line is enough.) How many are these here?

Wrong images are the most frequent mistake with CNNs, and by far the most confusing: a single image
without its batch axis is three-dimensional, grey images come without a channel axis, and an image
file has its channels last. Pooling will meet the same images, so the check is a function of its
own. Think of the person who reads its messages: what came, what was needed, and what to do?

*Given* is a little plumbing: a layer takes each of its sizes as one number, or as two.
"""

# %%
#| export
Pair = int | Sizes  # one number for both height and width, or one for each


def as_pair(name: str, value: Pair, least: int = 1) -> Sizes:
    """(height, width) from one whole number or two, none below `least`; ValueError otherwise."""
    sizes = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(sizes) != 2 or any(int(size) != size or size < least for size in sizes):
        raise ValueError(f"{name} must be a whole number from {least}, or two, got {value!r}")
    return int(sizes[0]), int(sizes[1])

# %% nbgrader={"grade": false, "grade_id": "spatial_conv2d_layer", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def check_images(layer: Layer, x: Tensor, channels: int | None = None) -> None:
    """Raise ValueError unless `layer` can slide its windows over `x`; otherwise do nothing.

    Args:
        layer: has the attributes kernel_size, stride and padding, each a pair (height, width).
        channels: how many channels x must have; None: any number.

    Raises (checked in this order):
        ValueError: x has not four dimensions. The message contains the shape and "reshape".
        ValueError: another number of channels. The message contains both numbers and the shape;
            and "permute" if, and only if, they stand last instead.
        ValueError: the window does not fit along one axis; output_size raises it.
    """
    ### BEGIN SOLUTION
    if x.ndim != 4:
        raise ValueError(
            f"{layer!r} needs images of shape (batch, channels, height, width), got {x.shape}. "
            "One image is a batch of one: x.reshape(1, *x.shape). Grey images have one channel: "
            "x.reshape(batch, 1, height, width)."
        )
    if channels not in (None, x.shape[1]):
        moved = " In yours they stand last: x.permute(0, 3, 1, 2)." * (x.shape[3] == channels)
        came = f"got {x.shape[1]}: {x.shape}.{moved}"
        raise ValueError(f"{layer!r} needs {channels} channels, {came}")
    for axis in (0, 1):
        sizes = layer.kernel_size[axis], layer.stride[axis], layer.padding[axis]
        output_size(x.shape[2 + axis], *sizes)
    ### END SOLUTION


class Conv2d(Layer):
    """Learned filters that slide over images: the same weights at every place.

    Attributes:
        in_channels, out_channels: channels of the images; number of filters.
        kernel_size, stride, padding: pairs (height, width), whatever was given.
        weight: Tensor (out_channels, in_channels, kernel height, kernel width), trainable.
        bias: Tensor (out_channels,), trainable, zeros at first; None when bias=False.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Pair,
        stride: Pair = 1, padding: Pair = 0, bias: bool = True,
    ) -> None:
        """Make a layer with fresh weights, drawn with one call of np.random.randn(*shape).

        Their spread is He's: the root of 2 over the number of products in one result.

        Raises:
            ValueError: in_channels or out_channels is below 1. The message contains both. For the
                sizes, `as_pair` raises; its names are "kernel_size", "stride" and "padding".
        """
        ### BEGIN SOLUTION
        if in_channels < 1 or out_channels < 1:
            raise ValueError(
                "Conv2d needs at least one channel on both sides, "
                f"got in_channels={in_channels} and out_channels={out_channels}"
            )
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = as_pair("kernel_size", kernel_size)
        self.stride, self.padding = as_pair("stride", stride), as_pair("padding", padding, 0)
        shape = (out_channels, in_channels, *self.kernel_size)
        scale = math.sqrt(2 / math.prod(shape[1:]))
        self.weight = Tensor(np.random.randn(*shape) * scale, requires_grad=True)
        self.bias = Tensor(np.zeros(out_channels), requires_grad=True) if bias else None
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """The filters' results, computed through the seam: (batch, out_channels, rows, columns).

        Raises:
            ValueError: from check_images, called with this layer, x and the channels it needs.

        Example:
            Conv2d(3, 32, 3)(a tensor of shape (5, 3, 32, 24)) has shape (5, 32, 30, 22)
        """
        ### BEGIN SOLUTION
        check_images(self, x, self.in_channels)
        learned = [self.weight] if self.bias is None else [self.weight, self.bias]
        return compute(conv2d, x, *learned, stride=self.stride, padding=self.padding)
        ### END SOLUTION

    def __repr__(self) -> str:
        sizes = f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
        return f"Conv2d({self.in_channels}, {self.out_channels}, {sizes})"

# %% [markdown]
"""
*What is checked:* shapes and parameters, first weights to the last digit, the result against sums
written out, gradients that arrive and one that does not, and errors that name what came.
"""

# %% nbgrader={"grade": true, "grade_id": "test_spatial_conv2d_layer", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
@probe
def fresh_layer(seed, *args, **kwargs):
    """Weight, bias, the pairs, and how many parameters there are."""
    np.random.seed(seed)
    layer = Conv2d(*args, **kwargs)
    return [layer.weight.data, None if layer.bias is None else layer.bias.data,
            [layer.kernel_size, layer.stride, layer.padding],
            [parameter.requires_grad for parameter in layer.parameters()],
            sum(parameter.size for parameter in layer.parameters())]


@probe
def trained_once(with_bias):
    """One pass through a layer: the result, what it was made of, which gradients arrived."""
    enable_autograd(quiet=True)
    np.random.seed(3)
    layer = Conv2d(2, 3, (2, 3), stride=(2, 1), padding=(0, 1), bias=with_bias)
    if with_bias:
        layer.bias.data = np.float32([1, 2, 3])
    x = Tensor(np.random.randn(4, 2, 5, 6))
    y = layer(x)
    y.sum().backward()
    return [y.data, x.data, layer.weight.data, layer.weight.grad is not None,
            layer.bias is not None and layer.bias.grad is not None, x.grad is None]


@probe
def advises_to_permute(shape, *args):
    """Does the layer say "permute" of such images? None: it takes them."""
    try:
        Conv2d(*args)(Tensor(np.zeros(shape)))
    except ValueError as error:
        return "permute" in str(error)


@probe
def layer_on(shape, *args, **kwargs):
    """The shape of a layer's result for an input of that shape."""
    return list(Conv2d(*args, **kwargs)(Tensor(np.zeros(shape))).shape)


def test_spatial_conv2d_layer():
    """Sizes, first weights, and the operation behind it."""
    weight, bias, pairs, marks, count = fresh_layer(0, 3, 32, 3)
    check.equal(count, 896, given="Conv2d(3, 32, 3): how many parameters",
                because="32 filters of 3 x 3 x 3 weights, and 32 biases")
    np.random.seed(0)
    expected = np.random.randn(32, 3, 3, 3) * math.sqrt(2 / 27)
    check.close(weight, expected, given="the weight of Conv2d(3, 32, 3) after np.random.seed(0)",
                because="one result is a sum of 27 products; the shape is (32, 3, 3, 3)")
    check.close(bias, np.zeros(32), given="the bias of Conv2d(3, 32, 3)")
    check.equal(pairs, [(3, 3), (1, 1), (0, 0)],
                given="Conv2d(3, 32, 3): its kernel_size, stride and padding",
                because="whatever was given, the layer keeps pairs: as_pair makes them")
    check.equal(marks, [True, True],
                given="Conv2d(3, 32, 3): are its parameters marked with requires_grad")
    weight, bias, pairs, _, count = fresh_layer(1, 4, 2, (3, 5), stride=(2, 1), padding=1,
                                                bias=False)
    np.random.seed(1)
    check.close(weight, np.random.randn(2, 4, 3, 5) * math.sqrt(2 / 60),
                given="the weight of Conv2d(4, 2, (3, 5)), seed 1",
                because="4 channels of 15 pixels: 60 products in one result")
    check.equal([pairs, bias is None, count], [[(3, 5), (2, 1), (1, 1)], True, 120],
                given="Conv2d(4, 2, (3, 5), stride=(2, 1), padding=1, bias=False): its pairs; is "
                      "its bias None; its parameters")
    for arguments, shape, result in [
        ((3, 32, 3), (5, 3, 32, 24), [5, 32, 30, 22]),
        ((3, 64, 5, 2, 2), (2, 3, 128, 96), [2, 64, 64, 48]),
        ((1, 2, (1, 3), 1, (0, 1)), (3, 1, 4, 7), [3, 2, 4, 7]),
    ]:
        check.equal(layer_on(shape, *arguments), result,
                    given=f"Conv2d{arguments} on images {shape}: the shape of the result")
    for with_bias in (True, False):
        y, x, weight, *arrived = trained_once(with_bias)
        padded = np.pad(x, ((0, 0), (0, 0), (0, 0), (1, 1)))
        expected = np.stack([np.stack([
            np.einsum("bcij,ocij->bo", padded[:, :, r : r + 2, s : s + 3], weight)
            for s in range(6)], axis=-1) for r in (0, 2)], axis=2)
        offset = np.float32([1, 2, 3])[:, None, None] if with_bias else 0
        check.close(y, expected + offset, rtol=1e-4, atol=1e-4,
                    given=f"Conv2d(2, 3, (2, 3), (2, 1), (0, 1), bias={with_bias}) on (4, 2, 5, 6)")
        check.equal(arrived, [True, with_bias, True],
                    given=f"after backward(), bias={with_bias}: has the weight a gradient, has the "
                          "bias one, has the data none")
    for shape, mentions, reason in [
        ((3, 32, 32), ["(3, 32, 32)", "reshape"], "three dimensions: the batch axis is missing"),
        ((2, 3, 3, 9, 9), ["(2, 3, 3, 9, 9)"], "five dimensions"),
        ((2, 5, 9, 9), ["3", "5", "(2, 5, 9, 9)"], "five channels where three are needed"),
        ((2, 9, 8, 3), ["3", "9", "(2, 9, 8, 3)", "permute"], "the channels stand last"),
        ((2, 3, 9, 6), ["7", "6"], "a kernel of 7 does not fit into 6 pixels across"),
        ((2, 3, 5, 9), ["7", "5"], "a kernel of 7 does not fit into 5 pixels down"),
    ]:
        check.raises(ValueError, lambda shape=shape: layer_on(shape, 3, 4, 7), mentions=mentions,
                     given=f"Conv2d(3, 4, 7) on images of shape {shape}", because=reason)
    check.equal(advises_to_permute((2, 8, 9, 9), 16, 4, 3), False,
                given="Conv2d(16, 4, 3) on images of shape (2, 8, 9, 9): does its message say "
                      "permute",
                because="in no order of their axes have these images sixteen channels")
    for arguments, mentions in [((0, 17, 3), ["0", "17"]), ((19, -2, 3), ["19", "-2"]),
                                ((1, 1, 0), ["kernel_size"]), ((1, 1, 3, 0), ["stride"]),
                                ((1, 1, 3, 1, -1), ["padding"])]:
        check.raises(ValueError, lambda arguments=arguments: fresh_layer(0, *arguments),
                     given=f"Conv2d{arguments}", mentions=mentions,
                     because="wrong from the start: better said now than at the first image")


test_spatial_conv2d_layer()

# %% [markdown]
r"""
Back to the digit that moved by a pixel. **What will this print**, compared with the answers of
`Linear` at the beginning? And if the results are moved back by one pixel before they are compared?
"""

# %%
np.random.seed(0)
layer = Conv2d(1, 8, 3, padding=1)
here, there = (layer(Tensor(picture.reshape(1, 1, 8, 8))).data for picture in (digit, moved))
print(f"answers of Conv2d: {change(here, there):.0%} changed; "
      f"moved back: {change(here[..., 1:6], there[..., 2:7]):.0%}")

# %% [markdown]
r"""
As many numbers have changed as with `Linear`. But these have moved with the digit, and are the same
numbers: equivariance. (Columns at the border are left out here: there, the window sees padding.)
"""

# %% [markdown]
r"""
## Part 8: Smaller, on purpose

Whether a stroke is at pixel 5 or 6 does not matter for which digit it is. **Pooling** takes one
number out of each window: the largest, or the average. With windows of 2 x 2 and a stride of 2 each
map is a quarter of its size: 224 x 224 pixels with 64 channels shrink from 12.8 MB to 3.2 MB, and
all later layers have a quarter of the work. It has nothing to learn, and channels do not mix.

**Predict.** Feature maps hold negative numbers, and pooling may have padding too. What comes out if
the border of a map of nothing but -1 is filled with zeros, as in a convolution?
"""

# %%
map_below_zero = -np.ones((1, 1, 4, 4), dtype=np.float32)
for fill in (0.0, -np.inf):
    seen = windows(channels_last(map_below_zero, (1, 1), fill), (2, 2), (2, 2))
    print(f"border of {fill}:", seen.max(axis=(3, 4)).ravel())

# %% [markdown]
r"""
Zero is not nothing: it beats every negative number. Nothing, for a maximum, is $-\infty$.

`seen.max(axis=(3, 4))` is all there is to max pooling. **Predict**: it compares four numbers for
each result, where the convolution before it multiplied 27 for each of its own. Which share of the
convolution's time will it take? And which share, if the same four numbers are compared in another
order?
"""

# %%
colour = rng.standard_normal((32, 3, 32, 32)).astype(np.float32)
maps = conv2d(colour, filters, None, (1, 1), (1, 1))
quads = windows(channels_last(maps), (2, 2), (2, 2))
in_full = best_time(lambda: conv2d(colour, filters, None, (1, 1), (1, 1)))
by_window = best_time(lambda: quads.max(axis=(3, 4)))


def place_by_place():
    """The maximum of two places, of the other two, and of both."""
    upper = np.maximum(quads[:, :, :, 0, 0], quads[:, :, :, 0, 1])
    lower = np.maximum(quads[:, :, :, 1, 0], quads[:, :, :, 1, 1])
    return np.maximum(upper, lower)


print(f"on your machine: the convolution {1e3 * in_full:.2f} ms, pooling window by window "
      f"{1e3 * by_window:.2f} ms, place by place {1e3 * best_time(place_by_place):.2f} ms")

# %% [markdown]
r"""
Along two short axes, NumPy starts a new little loop for every window. Turned around, it compares
one *place* of the window at all positions at once, in long runs, as `add_windows` does. (Where the
channels are not last, `max` over short axes is slower still.)

**And backward?** The result is a copy of one pixel, so this pixel gets the whole gradient, and the
others none. If the same largest number stands in several places (after a ReLU, four zeros are
common), the *first* in reading order gets everything. PyTorch does it so; your `max` of Module 05
shares. A pixel that won in several windows collects from all.
"""

# %% nbgrader={"grade": false, "grade_id": "spatial_max_pool", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def max_pool2d(x: np.ndarray, kernel: Sizes, stride: Sizes, padding: Sizes) -> np.ndarray:
    """The largest number of each window, channel by channel; the border is minus infinity.

    Args:
        x: float32, shape (batch, channels, height, width); never changed.
        kernel, stride, padding: pairs (height, width).

    Returns:
        A new float32 array of shape (batch, channels, rows, columns). No Python loop runs over the
        positions, here or in the rule; one step for each place of the window is fastest.

    Example:
        [[1, 5, 2], [4, 3, 0]] with kernel (2, 2), stride (1, 1), padding (0, 0): [[5, 5]]
    """
    ### BEGIN SOLUTION
    seen = windows(channels_last(x, padding, -np.inf), kernel, stride)
    result = seen[:, :, :, 0, 0].copy()
    for i, j in np.ndindex(kernel):
        np.maximum(result, seen[:, :, :, i, j], out=result)
    return channels_first(result)
    ### END SOLUTION


@backward_rule(max_pool2d)
class MaxPool2dBackward(Function):
    """The rule of max pooling: the first of the largest gets it all."""

    def apply(self, grad_output):
        """Return (gradient of x,), of x's shape, float32.

        The maxima are in self.output; the settings are "kernel", "stride" and "padding".
        grad_output and the saved arrays are never changed.

        Example:
            x = [[1, 5, 2], [4, 3, 0]], kernel (2, 2), stride (1, 1), no padding, G = [[10, 1]]:
            [[0, 11, 0], [0, 0, 0]]
        """
        ### BEGIN SOLUTION
        (x,) = self.arrays
        kernel, stride, padding = (self.settings[name] for name in ("kernel", "stride", "padding"))
        image = channels_last(x, padding, -np.inf)
        grad_image = np.zeros_like(image)
        seen, back = windows(image, kernel, stride), windows(grad_image, kernel, stride)
        largest, left = channels_last(self.output), channels_last(grad_output).copy()
        for i, j in np.ndindex(kernel):
            share = left * (seen[:, :, :, i, j] == largest)
            back[:, :, :, i, j] += share
            left -= share
        return (channels_first(grad_image, padding),)
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* windows one by one, negative maps with padding, overlapping windows and gaps; the
gradient with and without ties; that nothing given is changed, and no Python loop runs over the
positions.
"""

# %% nbgrader={"grade": true, "grade_id": "test_spatial_max_pool", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
def largest_by_hand(x, g, kernel, stride, padding):
    """Maxima and gradient, window by window; the first of equal numbers gets the gradient."""
    (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
    border = [(0, 0), (0, 0), (ph, ph), (pw, pw)]
    padded = np.pad(x, border, constant_values=-np.inf)
    y, dx = np.zeros(g.shape, dtype=np.float32), np.zeros_like(padded)
    for b, c, r, s in np.ndindex(g.shape):
        window = padded[b, c, r * sh : r * sh + kh, s * sw : s * sw + kw]
        i, j = np.unravel_index(window.argmax(), window.shape)
        y[b, c, r, s] = window[i, j]
        dx[b, c, r * sh + i, s * sw + j] += g[b, c, r, s]
    return y, dx[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]]


@probe
def max_pooled(x, g, kernel, stride, padding):
    """Result, gradient, their dtypes; x and g afterwards; the output that the rule was given."""
    y = max_pool2d(x, kernel, stride, padding)
    sizes = {"kernel": kernel, "stride": stride, "padding": padding}
    output = np.array(y)
    answer = MaxPool2dBackward(Tensor(x, requires_grad=True), output=y, **sizes).apply(g)
    return [output, np.array(answer[0]), [str(output.dtype), str(answer[0].dtype)],
            type(answer).__name__ + str(len(answer)), x, g, y]


@probe
def max_pool_is_registered():
    """The rule that a recorded pooling gets."""
    enable_autograd(quiet=True)
    x = Tensor(np.ones((1, 1, 2, 2), dtype=np.float32), requires_grad=True)
    sizes = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0)}
    return type(compute(max_pool2d, x, **sizes)._grad_fn).__name__


@probe
def lines_of_max_pool():
    """How many lines of Python run for 30 x 30 positions, there and back; not NumPy's."""
    count, outer = [0], sys.gettrace()

    def note(frame, event, argument):
        if frame.f_globals.get("__name__", "").startswith("numpy"):
            return None
        count[0] += event == "line"
        return note

    x = np.ones((1, 1, 31, 31), dtype=np.float32)
    sizes = {"kernel": (2, 2), "stride": (1, 1), "padding": (0, 0)}
    sys.settrace(note)
    try:
        y = max_pool2d(x, **sizes)
        MaxPool2dBackward(Tensor(x, requires_grad=True), output=y, **sizes).apply(y)
    finally:
        sys.settrace(outer)
    return count[0]


def test_spatial_max_pool():
    """The largest of each window, and the way back to where it stood."""
    x, g = np.float32([[[[1, 5, 2], [4, 3, 0]]]]), np.float32([[[[10, 1]]]])
    y, dx, dtypes, kind, *_ = max_pooled(x, g, (2, 2), (1, 1), (0, 0))
    check.close(y, [[[[5, 5]]]], given="[[1, 5, 2], [4, 3, 0]], kernel (2, 2), stride (1, 1)")
    check.equal(kind, "tuple1", given="the type of what apply returns, and its length",
                because="a comma makes a tuple: (gradient,)")
    check.close(dx, [[[[0, 11, 0], [0, 0, 0]]]],
                given="[[1, 5, 2], [4, 3, 0]], kernel (2, 2), stride (1, 1), G = [[10, 1]]: the "
                      "gradient",
                because="the 5 won in both windows, and collects from both")
    check.equal(dtypes, ["float32", "float32"], given="dtypes of result and gradient")
    below = -np.ones((1, 1, 4, 4), dtype=np.float32)
    y, *_ = max_pooled(below, np.ones((1, 1, 3, 3), dtype=np.float32), (2, 2), (2, 2), (1, 1))
    check.close(y, -np.ones((1, 1, 3, 3)), given="a map of -1, kernel (2, 2), padding (1, 1)",
                because="the border must never win: it is minus infinity")
    tied = np.float32([[[[0, 0, 7], [0, 0, 7]]]])
    _, dx, *_ = max_pooled(tied, g, (2, 2), (1, 1), (0, 0))
    check.close(dx, [[[[10, 0, 1], [0, 0, 0]]]], given="[[0, 0, 7], [0, 0, 7]], G = [[10, 1]]",
                because="of equal numbers, the first in reading order gets everything")
    rng = np.random.default_rng(0)
    for shape, kernel, stride, padding in [
        ((2, 3, 4, 6), (2, 2), (2, 2), (0, 0)),
        ((3, 2, 7, 5), (3, 2), (2, 1), (1, 1)),
        ((1, 4, 5, 8), (2, 4), (1, 3), (0, 2)),
        ((2, 1, 6, 7), (1, 2), (3, 4), (0, 0)),
        ((1, 2, 5, 3), (3, 1), (1, 2), (0, 0)),
        ((2, 3, 5, 4), (5, 4), (1, 1), (0, 0)),
    ]:
        rows = (shape[2] + 2 * padding[0] - kernel[0]) // stride[0] + 1
        columns = (shape[3] + 2 * padding[1] - kernel[1]) // stride[1] + 1
        g = rng.standard_normal((*shape[:2], rows, columns)).astype(np.float32)
        for kind, x in (("different", rng.standard_normal(shape).astype(np.float32) - 2),
                        ("many equal", rng.integers(0, 3, shape).astype(np.float32))):
            text = f"{kind} numbers {shape}, kernel {kernel}, stride {stride}, padding {padding}"
            y, dx, dtypes, _, *after = max_pooled(x, g, kernel, stride, padding)
            right_y, right_dx = largest_by_hand(x, g, kernel, stride, padding)
            check.close(y, right_y, given=text)
            check.close(dx, right_dx, given=f"{text}: the gradient", rtol=1e-4, atol=1e-5)
            for name, now, before in zip(("x", "G", "the output"), after, (x, g, y), strict=True):
                check.unchanged(now, before, given=f"{text}: {name} afterwards")
    check.equal(max_pool_is_registered(), "MaxPool2dBackward",
                given="the node that a recorded max_pool2d gets")
    check.true(lines_of_max_pool() < 300,
               given="a map of 31 x 31 pixels, kernel (2, 2), stride (1, 1), there and back: do "
                     "fewer than 300 lines run",
               because="one step for each of the four places, none for each of 900 positions")


test_spatial_max_pool()

# %% [markdown]
r"""
**Average pooling** takes the mean of the window. It smooths where the maximum picks out. Here the
border is zeros, and they *count*: always divide by the size of the window. (PyTorch's default, too.
A window at the border is darker than one inside.) Its gradient is the simplest of all: everybody in
the window contributed the same.
"""

# %% nbgrader={"grade": false, "grade_id": "spatial_avg_pool", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def avg_pool2d(x: np.ndarray, kernel: Sizes, stride: Sizes, padding: Sizes) -> np.ndarray:
    """The mean of each window, channel by channel; the border is zeros, and they count.

    Arguments and result as for max_pool2d.

    Example:
        [[1, 5, 2], [4, 2, 4]] with kernel (2, 2), stride (1, 1), padding (0, 0): [[3, 3.25]]
    """
    ### BEGIN SOLUTION
    seen = windows(channels_last(x, padding), kernel, stride)
    result = np.zeros((*seen.shape[:3], seen.shape[5]), dtype=np.float32)
    for i, j in np.ndindex(kernel):
        result += seen[:, :, :, i, j]
    result /= math.prod(kernel)
    return channels_first(result)
    ### END SOLUTION


@backward_rule(avg_pool2d)
class AvgPool2dBackward(Function):
    """The rule of average pooling: everybody in the window gets the same."""

    def apply(self, grad_output):
        """Return (gradient of x,), of x's shape, float32. The settings are as for max pooling.

        Example:
            x of shape (1, 1, 2, 3), kernel (2, 2), stride (1, 1), no padding, G = [[4, 8]]:
            [[1, 3, 2], [1, 3, 2]]
        """
        ### BEGIN SOLUTION
        (x,) = self.arrays
        kernel, stride, padding = (self.settings[name] for name in ("kernel", "stride", "padding"))
        grad_image = np.zeros_like(channels_last(x, padding))
        each = channels_last(grad_output)[:, :, :, None, None] / math.prod(kernel)
        parts = np.broadcast_to(each, (*each.shape[:3], *kernel, each.shape[5]))
        add_windows(grad_image, parts, stride)
        return (channels_first(grad_image, padding),)
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* means and gradients, window by window, with borders, overlaps and gaps; and that
no Python loop runs over the positions.
"""

# %% nbgrader={"grade": true, "grade_id": "test_spatial_avg_pool", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def means_by_hand(x, g, kernel, stride, padding):
    """Means and gradient, window by window."""
    (kh, kw), (sh, sw), (ph, pw) = kernel, stride, padding
    padded = np.pad(x, [(0, 0), (0, 0), (ph, ph), (pw, pw)])
    y, dx = np.zeros(g.shape, dtype=np.float32), np.zeros_like(padded)
    for r, s in np.ndindex(g.shape[2:]):
        place = np.s_[:, :, r * sh : r * sh + kh, s * sw : s * sw + kw]
        y[:, :, r, s] = padded[place].sum(axis=(2, 3)) / (kh * kw)
        dx[place] += g[:, :, r, s, None, None] / (kh * kw)
    return y, dx[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]]


@probe
def avg_pooled(x, g, kernel, stride, padding):
    """Result, gradient, their dtypes; x and g afterwards."""
    y = avg_pool2d(x, kernel, stride, padding)
    sizes = {"kernel": kernel, "stride": stride, "padding": padding}
    (dx,) = AvgPool2dBackward(Tensor(x, requires_grad=True), output=y, **sizes).apply(g)
    return [np.array(y), np.array(dx), [str(y.dtype), str(dx.dtype)], x, g]


@probe
def avg_pool_is_registered():
    """The rule that a recorded pooling gets."""
    enable_autograd(quiet=True)
    x = Tensor(np.ones((1, 1, 2, 2), dtype=np.float32), requires_grad=True)
    sizes = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0)}
    return type(compute(avg_pool2d, x, **sizes)._grad_fn).__name__


@probe
def lines_of_avg_pool():
    """How many lines of Python run for 30 x 30 positions, there and back; not NumPy's."""
    count, outer = [0], sys.gettrace()

    def note(frame, event, argument):
        if frame.f_globals.get("__name__", "").startswith("numpy"):
            return None
        count[0] += event == "line"
        return note

    x = np.ones((1, 1, 31, 31), dtype=np.float32)
    sizes = {"kernel": (2, 2), "stride": (1, 1), "padding": (0, 0)}
    sys.settrace(note)
    try:
        y = avg_pool2d(x, **sizes)
        AvgPool2dBackward(Tensor(x, requires_grad=True), output=y, **sizes).apply(y)
    finally:
        sys.settrace(outer)
    return count[0]


def test_spatial_avg_pool():
    """The mean of each window, and equal shares on the way back."""
    y, dx, dtypes, *_ = avg_pooled(np.float32([[[[1, 5, 2], [4, 2, 4]]]]),
                                   np.float32([[[[4, 8]]]]), (2, 2), (1, 1), (0, 0))
    check.close(y, [[[[3, 3.25]]]], given="[[1, 5, 2], [4, 2, 4]], kernel (2, 2), stride (1, 1)")
    check.close(dx, [[[[1, 3, 2], [1, 3, 2]]]],
                given="[[1, 5, 2], [4, 2, 4]], kernel (2, 2), stride (1, 1), G = [[4, 8]]: the "
                      "gradient",
                because="a quarter for each; the middle column belongs to both windows")
    check.equal(dtypes, ["float32", "float32"], given="dtypes of result and gradient")
    y, *_ = avg_pooled(np.ones((1, 1, 2, 2), dtype=np.float32),
                       np.ones((1, 1, 2, 2), dtype=np.float32), (2, 2), (2, 2), (1, 1))
    check.close(y, np.full((1, 1, 2, 2), 0.25),
                given="ones of 2 x 2, kernel (2, 2), padding (1, 1)",
                because="one pixel and three zeros of the border, divided by four: they count")
    rng = np.random.default_rng(0)
    for shape, kernel, stride, padding in [
        ((2, 3, 4, 6), (2, 2), (2, 2), (0, 0)),
        ((3, 2, 7, 5), (3, 2), (2, 1), (1, 1)),
        ((1, 4, 5, 8), (2, 4), (1, 3), (0, 2)),
        ((2, 1, 6, 7), (1, 2), (3, 4), (0, 0)),
        ((1, 2, 5, 3), (3, 1), (1, 2), (0, 0)),
    ]:
        rows = (shape[2] + 2 * padding[0] - kernel[0]) // stride[0] + 1
        columns = (shape[3] + 2 * padding[1] - kernel[1]) // stride[1] + 1
        g = rng.standard_normal((*shape[:2], rows, columns)).astype(np.float32)
        x = rng.standard_normal(shape).astype(np.float32)
        text = f"x {shape}, kernel {kernel}, stride {stride}, padding {padding}"
        y, dx, _, *after = avg_pooled(x, g, kernel, stride, padding)
        right_y, right_dx = means_by_hand(x, g, kernel, stride, padding)
        check.close(y, right_y, rtol=1e-4, atol=1e-5, given=text)
        check.close(dx, right_dx, rtol=1e-4, atol=1e-5, given=f"{text}: the gradient")
        for name, now, before in zip(("x", "G"), after, (x, g), strict=True):
            check.unchanged(now, before, given=f"{text}: {name} afterwards")
    check.equal(avg_pool_is_registered(), "AvgPool2dBackward",
                given="the node that a recorded avg_pool2d gets")
    check.true(lines_of_avg_pool() < 300,
               given="a map of 31 x 31 pixels, kernel (2, 2), stride (1, 1), there and back: do "
                     "fewer than 300 lines run",
               because="one step for each of the four places, none for each of 900 positions")


test_spatial_avg_pool()

# %% [markdown]
r"""
*Given*: the two layers, which only remember their sizes, and `Flatten`, the way from maps to the
rows that `Linear` wants. A window that could lie in the border altogether would have nothing to
choose from, so the padding may be half the kernel at most.
"""

# %%
#| export
class Pool2d(Layer):
    """What both poolings share: sizes as pairs (height, width), windows that slide, no parameters.

    Without a stride, windows lie side by side: the stride is the kernel size.
    """

    def __init__(self, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0) -> None:
        kernel, border = as_pair("kernel_size", kernel_size), as_pair("padding", padding, 0)
        self.kernel_size, self.padding = kernel, border
        self.stride = kernel if stride is None else as_pair("stride", stride)
        if 2 * border[0] > kernel[0] or 2 * border[1] > kernel[1]:
            raise ValueError(f"padding may be half of kernel_size={kernel_size}, got {padding}")

    def forward(self, x: Tensor) -> Tensor:
        """One number for each window of each channel: (batch, channels, rows, columns)."""
        check_images(self, x)
        sizes = {"kernel": self.kernel_size, "stride": self.stride, "padding": self.padding}
        return compute(self.operation, x, **sizes)

    def __repr__(self) -> str:
        sizes = f"{self.kernel_size}, stride={self.stride}, padding={self.padding}"
        return f"{type(self).__name__}({sizes})"


class MaxPool2d(Pool2d):
    """The largest number of each window; padding never wins."""

    operation = staticmethod(max_pool2d)


class AvgPool2d(Pool2d):
    """The mean of each window; padding counts as zeros."""

    operation = staticmethod(avg_pool2d)


class Flatten(Layer):
    """(batch, channels, height, width) to (batch, everything else): from maps to rows."""

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], math.prod(x.shape[1:]))

# %% [markdown]
"""
**What will you see?** One digit through a fresh convolution, a ReLU, and each of the two poolings.
"""

# %%
np.random.seed(4)
shown = ReLU()(Conv2d(1, 4, 3, padding=1)(Tensor(digits[:1])))
pooled = {"after ReLU": shown}
pooled |= {repr(pool)[:9]: pool(shown) for pool in (MaxPool2d(2), AvgPool2d(2))}
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(3, 4, figsize=(6.5, 5), layout="constrained")
    for row, (name, maps) in zip(axes, pooled.items(), strict=True):
        for panel, feature in zip(row, maps.data[0], strict=True):
            panel.imshow(feature, cmap="gray", vmin=0, vmax=shown.data.max())
            panel.set(xticks=[], yticks=[])
        row[0].set_ylabel(name)
    figure.suptitle("The maximum keeps what was bright, the average dims it")
    plt.show()
except ImportError:
    print("Without matplotlib you miss four maps of 8 x 8, and what 4 x 4 numbers keep of each.")

# %% [markdown]
r"""
## Part 9: One number for a whole map (open)

Networks of today often end without `Flatten`: each map becomes *one* number, however large the
image is. With `Flatten`, the next `Linear` has weights for each place, and works for images of one
size only. But which number? The average asks how much of a feature there is, the maximum whether
there is any at all. Somewhere between the two would be nice, with a knob.

This exercise is *open*: the docstring says what must hold. How you get there is up to you; there is
more than one good way. All you built in Module 02 is at hand as `activations.ReLU` and so on.
"""

# %% nbgrader={"grade": false, "grade_id": "spatial_global_pool", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "open"}
#| export
class GlobalPool2d(Layer):
    """One number for each map: its mean, its maximum, or something in between.

    (batch, channels, height, width) becomes (batch, channels), for any height and width from 1.
    For a map and a sharpness from 0:

    * sharpness 0 gives the mean;
    * a larger sharpness never gives a smaller number (up to rounding), none is above the maximum,
      and 1000 gives the maximum of ordinary numbers to about two digits;
    * adding the same number to all pixels adds it to the result, also if it is 10,000;
    * the order of the pixels does not matter;
    * backward() reaches the image with the gradient of what forward computes, and nothing is inf
      or nan there or here.
    """

    def __init__(self, sharpness: float = 0.0) -> None:
        """ValueError for a negative sharpness; the message contains it."""
        ### BEGIN SOLUTION
        if sharpness < 0:
            raise ValueError(f"sharpness must be at least 0, got {sharpness}")
        self.sharpness = sharpness
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """The number for each map, a Tensor of shape (batch, channels).

        ValueError unless x has four dimensions; the message contains its shape.
        """
        ### BEGIN SOLUTION
        if x.ndim != 4:
            raise ValueError(f"needs (batch, channels, height, width), got {x.shape}")
        pixels = x.reshape(*x.shape[:2], x.shape[2] * x.shape[3])
        return (pixels * activations.Softmax()(pixels * self.sharpness)).sum(axis=-1)
        ### END SOLUTION

# %% [markdown]
"""
*What is checked:* the five properties, on maps of several sizes; the gradient against measured
slopes; and the two errors. Not checked: how you do it.
"""

# %% nbgrader={"grade": true, "grade_id": "test_spatial_global_pool", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def globally_pooled(x, sharpness):
    """The result and the gradient of x, if each result's gradient is 1, 2, 3, ..."""
    enable_autograd(quiet=True)
    image = Tensor(x, requires_grad=True)
    y = GlobalPool2d(sharpness)(image)
    y.backward(np.arange(1, y.size + 1, dtype=np.float32).reshape(y.shape))
    return [y.data, None if image.grad is None else image.grad.data, image.data]


@probe
def slopes_agree(x, sharpness):
    """What check_gradients has to say; "yes" if nothing."""
    enable_autograd(quiet=True)
    try:
        check_gradients(GlobalPool2d(sharpness), Tensor(x, requires_grad=True))
    except AssertionError as error:
        return str(error)
    return "yes"


@probe
def default_pooled(x):
    """Without a sharpness."""
    return GlobalPool2d()(Tensor(x)).data


def test_spatial_global_pool():
    """Between mean and maximum, indifferent to order, and moving along."""
    rng = np.random.default_rng(0)
    for shape in [(3, 2, 4, 5), (2, 3, 1, 1), (1, 4, 1, 6)]:
        x = rng.standard_normal(shape).astype(np.float32)
        mean, largest = x.mean(axis=(2, 3)), x.max(axis=(2, 3))
        text = f"random maps {shape}"
        check.close(default_pooled(x), mean, rtol=1e-4, atol=1e-5, given=f"{text}, no sharpness")
        results = []
        for sharpness in (0, 0.3, 1, 4, 30, 1000):
            y, gradient, after = globally_pooled(x, sharpness)
            check.equal(y.shape, shape[:2], given=f"{text}, sharpness {sharpness}: the shape")
            check.true(bool(np.isfinite(y).all() and np.isfinite(gradient).all()),
                       given=f"{text}, sharpness {sharpness}: are result and gradient finite",
                       because="no exponential may overflow, and nothing be divided by 0")
            check.equal(gradient.shape, shape, given=f"{text}: the shape of the gradient")
            check.close(gradient.sum(axis=(2, 3)).ravel(), np.arange(1.0, y.size + 1), rtol=2e-2,
                        atol=2e-2, given=f"{text}, sharpness {sharpness}: the gradient, added up "
                                         "over each map (those of the results are 1, 2, 3, ...)",
                        because="if all pixels rise by 1, the result rises by 1")
            check.unchanged(after, x, given=f"{text}: x afterwards")
            results.append(y)
        check.close(results[0], mean, rtol=1e-4, atol=1e-5, given=f"{text}, sharpness 0",
                    because="it is the mean")
        check.close(results[-1], largest, rtol=1e-2, atol=1e-2, given=f"{text}, sharpness 1000",
                    because="it is the maximum, to about two digits")
        for low, high in itertools.pairwise(results):
            check.true(bool((low <= high + 1e-4).all()),
                       given=f"{text}: does the result never fall as the sharpness rises",
                       because="the knob leads from the mean to the maximum")
        check.true(bool((results[-1] <= largest + 1e-3).all()), given=f"{text}: is it never above "
                   "the maximum", because="it lies between the two")
    x = rng.standard_normal((2, 3, 4, 5)).astype(np.float32)
    y, *_ = globally_pooled(x, 2.0)
    low, high = x.mean(axis=(2, 3)), x.max(axis=(2, 3))
    check.true(bool((y > low + 0.05).all() and (y < high - 0.01).all()),
               given="random maps, sharpness 2: is it clearly between mean and maximum",
               because="a knob has more than two positions")
    turned = x.reshape(2, 3, 20)[:, :, rng.permutation(20)].reshape(2, 3, 4, 5)
    check.close(globally_pooled(turned, 2.0)[0], y, rtol=1e-4, atol=1e-5,
                given="the same pixels in another order, sharpness 2")
    check.close(globally_pooled(x + np.float32(10_000), 2.0)[0], y + 10_000, rtol=1e-5, atol=2e-2,
                given="10,000 added to all pixels, sharpness 2")
    for sharpness in (0.3, 1.0, 5.0):
        check.equal(slopes_agree(rng.standard_normal((2, 2, 3, 4)).astype(np.float32), sharpness),
                    "yes", given=f"random maps (2, 2, 3, 4), sharpness {sharpness}: does "
                                 "check_gradients find the gradient that was measured",
                    because="a pixel can act on the result in more than one way, and the gradient "
                            "is the sum of them")
    check.raises(ValueError, lambda: globally_pooled(x, -3.5), mentions=["-3.5"],
                 given="GlobalPool2d(-3.5)")
    check.raises(ValueError, lambda: default_pooled(x[0]), mentions=["(3, 4, 5)"],
                 given="GlobalPool2d()(x) for x of shape (3, 4, 5)")


test_spatial_global_pool()

# %% [markdown]
r"""
## Part 10: A memory that fills up (bug hunt)

A colleague looks through an archive of scanned pages, and comes to you:

> "From each map I keep *one* number, the one in the middle: 32 bytes for an image. The archive has
> 100,000 images, that is 3.2 MB, nothing! Yet the process grows with each batch, past 10 GB, until
> the system kills it. I do not collect any tensors, only arrays, so it cannot be the graph."

Run the cell below the exercise, with the function as it is. Then repair it. There is more than one
fault, and the docstring is right.
"""

# %% nbgrader={"grade": false, "grade_id": "spatial_collect", "locked": false, "schema_version": 3, "solution": true, "task": false} tinytorch={"kind": "bug hunt"}
def collect_features(model, batches) -> np.ndarray:
    """The numbers in the middle of a model's maps, for all images of all batches.

    Args:
        model: called with a Tensor of images, gives maps (batch, channels, height, width).
        batches: an iterable of Tensors, at least one; taken one after the other, not kept.

    Returns:
        A new float32 array (images, channels): the number at [height // 2, width // 2] of each map.
        However many batches there are, the memory in use grows by these numbers only, also if each
        batch is a single image. Nothing is recorded.
    """
    ### BEGIN BROKEN
    # found = []
    # for x in batches:
    #     maps = model(x).data
    #     middle = maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2]
    #     found.append(middle)
    # return np.concatenate(found)
    ### END BROKEN
    ### BEGIN SOLUTION
    found = []
    with no_grad():
        for x in batches:
            maps = model(x).data
            found.append(maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2].copy())
    return np.concatenate(found)
    ### END SOLUTION

# %%
pages = (Tensor(np.ones((4, 1, 64, 64), dtype=np.float32)) for _ in range(24))
reader = Sequential(Conv2d(1, 8, 3, padding=1), ReLU(), Conv2d(8, 8, 3, padding=1))
in_use = []


def watched(pages):
    """The same pages; notes how much memory is in use before each batch."""
    for page in pages:
        in_use.append(tracemalloc.get_traced_memory()[0] / 1e6)
        yield page


tracemalloc.start()
middles = collect_features(reader, watched(pages))
tracemalloc.stop()
print(f"kept: {middles.nbytes:,} bytes")
print("MB in use before batch 1, 4, 7, ...:", "  ".join(f"{mb:.1f}" for mb in in_use[::3]))

# %% [markdown]
"""
*What is checked:* the numbers; the memory in use from batch to batch, also if a batch is a single
image; that nothing is recorded; and an array of one's own at the end.
"""

# %% nbgrader={"grade": true, "grade_id": "test_spatial_collect", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@probe
def collected(shape, count):
    """Features, what they should be, was a batch recorded, growth in MB from batch 3 on, ..."""
    enable_autograd(quiet=True)
    weight = Tensor(np.ones((1, shape[1], 1, 1), dtype=np.float32), requires_grad=True)
    recorded, in_use, expected = [], [], []

    def model(x):
        maps = x * weight
        recorded.append(maps.requires_grad)
        return maps

    def batches():
        for k in range(count):
            in_use.append(tracemalloc.get_traced_memory()[0] / 1e6)
            x = np.arange(math.prod(shape), dtype=np.float32).reshape(shape) + 1000 * k
            expected.append(x[:, :, shape[2] // 2, shape[3] // 2].copy())
            yield Tensor(x)

    tracemalloc.start()
    try:
        features = collect_features(model, batches())
    finally:
        tracemalloc.stop()
    return [features, np.concatenate(expected), any(recorded), in_use[-1] - in_use[2],
            bool(features.base is None), (weight * 2).requires_grad]


def test_spatial_collect():
    """The right numbers, and nothing else, stay."""
    for shape, count in [((2, 3, 4, 5), 4), ((1, 3, 1, 7), 5), ((2, 3, 90, 80), 12)]:
        found, expected, recorded, growth, own, on = collected(shape, count)
        text = f"{count} batches of shape {shape}"
        check.close(found, expected, given=text,
                    because="the numbers in the middle, in the order of the images")
        check.true(growth < 0.15, given=f"{text}: does less than 0.15 MB stay from batch 3 on",
                   because="only the numbers in the middle may stay from one batch to the next")
        check.equal(recorded, False, given=f"{text}: was anything recorded",
                    because="nobody will go backward: the record holds all intermediate results")
        check.equal([own, on], [True, True],
                    given=f"{text}: does the result own its memory; are operations recorded again "
                          "after the call")
    *_, growth, _, _ = collected((1, 1, 90, 80), 20)
    check.true(growth < 0.15,
               given="20 batches of one image (1, 1, 90, 80): does less than 0.15 MB stay",
               because="np.ascontiguousarray copies only where it must: of one image, the number "
                       "in the middle is a view still")


test_spatial_collect()

# %% [markdown]
r"""
The numbers in the middle are a *view* into the maps (a slice with numbers as indices is one), and
a view keeps the whole array alive: 32 bytes hold the 131 KB of an image's maps. `.copy()` lets go
of them. The graph was to blame as well, if only within a batch: the record holds all results in
between, until the model's result is gone. In NumPy, `array.base` tells on whom an array depends.
"""

# %% [markdown]
r"""
# Use

## A network that sees

Two convolutions with ReLU and pooling, and one `Linear` at the end: LeCun's plan of 1989, for
TinyDigits. Everything else you have: the loader of Module 08, loss, optimizer, `Trainer`.
**Predict** three numbers: the parameters; how many of 200 digits it gets right untrained, and with
which loss; and after six rounds through 800 digits, which take a second or two.
"""

# %%
np.random.seed(1)
model = Sequential(
    Conv2d(1, 8, 3, padding=1), ReLU(), MaxPool2d(2),
    Conv2d(8, 16, 3, padding=1), ReLU(), MaxPool2d(2),
    Flatten(), Linear(64, 10),
)
first_filters = model[0].weight.data.copy()
learned = DataLoader(TensorDataset(Tensor(digits[:800]), Tensor(labels[:800])), 32, shuffle=True,
                     seed=1)
judged = DataLoader(TensorDataset(Tensor(digits[800:]), Tensor(labels[800:])), 200)
trainer = Trainer(model, Adam(model.parameters(), 0.01), CrossEntropyLoss())
print(sum(p.size for p in model.parameters()), "parameters")
loss, accuracy = trainer.evaluate(judged)
print(f"untrained: loss {loss:.2f}, {accuracy:.1%} right")
for number in range(6):
    training_loss = trainer.train_epoch(learned)
    loss, accuracy = trainer.evaluate(judged)
    print(f"epoch {number + 1}: training loss {training_loss:.2f}, then on digits it has not seen: "
          f"loss {loss:.2f}, {accuracy:.1%} right")

# %% [markdown]
"""
**What will you see?** Its eight filters, before and after; and the maps they make of one digit.
Which of them resemble the edge detectors you made by hand?
"""

# %%
with no_grad():
    found = model[:2](Tensor(digits[3:4])).data[0]
try:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(3, 8, figsize=(9, 3.8), layout="constrained")
    strongest = np.abs(model[0].weight.data).max()
    for k in range(8):
        before_and_after = first_filters[k, 0], model[0].weight.data[k, 0]
        for row, kernel in zip(axes, before_and_after, strict=False):
            row[k].imshow(kernel, cmap="RdBu", vmin=-strongest, vmax=strongest)
        axes[2, k].imshow(found[k], cmap="gray")
    for panel, name in zip(axes[:, 0], ("random", "learned", "its map"), strict=True):
        panel.set_ylabel(name)
    for panel in axes.ravel():
        panel.set(xticks=[], yticks=[])
    figure.suptitle("Red and blue sides: a filter that looks for an edge in that direction")
    plt.show()
except ImportError:
    print("Without matplotlib you miss 8 filters before and after, and the edges they find.")

# %% [markdown]
r"""
The filters have not forgotten where they came from: 150 steps made their red and blue sides
stronger. What counts is that the maps differ: one answers to the left side of a stroke, another to
the right, others to whole strokes. On such small, centred digits an MLP of the same size does about
as well; milestone 04 lets the digits move, and the tie is over.

### The same network on other images

**Predict.** Which of its layers could take an image of 12 x 12 pixels, and which one will refuse?
What has to be exchanged, so that any size will do?
"""

# %%
larger = Tensor(np.pad(digits[:2], ((0, 0), (0, 0), (2, 2), (2, 2))))
print("all but the last:", model[:-1](larger).shape)
try:
    model(larger)
except ValueError as error:
    print("all:", error)
any_size = Sequential(*model[:6], GlobalPool2d(1.0), Linear(16, 10))
print("with GlobalPool2d:", any_size(larger).shape, any_size(Tensor(digits[:2])).shape)

# %% [markdown]
r"""
Sliding windows ask for no size; it is `Linear` that insists. (The new `Linear` would have to be
trained, of course.)

# Reflect

## What it costs

Three things to count for each layer: parameters, multiply-accumulates, and the numbers that stay in
memory until the backward pass. **Predict**, for the network below on 32 x 32 colour images: which
layer has the most parameters? Which one does most of the work? Which result takes the most memory?
"""

# %%
np.random.seed(0)
network = Sequential(
    Conv2d(3, 32, 3, padding=1), ReLU(), MaxPool2d(2),
    Conv2d(32, 64, 3, padding=1), ReLU(), MaxPool2d(2),
    Flatten(), Linear(4096, 10),
)
x = Tensor(np.random.rand(32, 3, 32, 32))
print(f"{'for one image':<22} {'parameters':>10} {'MACs':>10} {'KB kept':>8}   on your machine")
with no_grad():
    for part in network:
        macs = 0
        if isinstance(part, Conv2d):
            macs = conv2d_macs((1, *x.shape[1:]), part.weight.shape, part.stride, part.padding)
        elif isinstance(part, Linear):
            macs = part.weight.size
        count = sum(p.size for p in part.parameters())
        taken = best_time(lambda part=part, x=x: part(x), 3)
        x = part(x)
        speed = f", {2 * 32 * macs / taken / 1e9:5.1f} GFLOP/s" if macs else ""
        print(f"{type(part).__name__:<22} {count:>10,} {macs:>10,} {4 * x.size / 32 / 1000:>8.1f}"
              f"   {1e6 * taken / 32:6.1f} us{speed}")

# %% [markdown]
r"""
Three different winners. The last layer has the most parameters and does next to nothing; the second
convolution does most of the work; the first one's results fill the memory. "How large is this
network?" has three answers, and a *spatial* layer is large where an MLP is small.

### What stays in memory, and what it would be with columns

**Predict.** A training pass of this network keeps the results above. What would it be if each
convolution kept its windows for the way back?
"""

# %%
batch = Tensor(np.random.rand(32, 3, 32, 32))
tracemalloc.start()
kept = network(batch)
held, _ = tracemalloc.get_traced_memory()
kept.backward(np.ones(kept.shape, dtype=np.float32))
_, peak = tracemalloc.get_traced_memory()
tracemalloc.stop()
columns = 32 * 4 * (27 * 32 * 32 + 288 * 16 * 16)
print(f"held after the forward pass: {held / 1e6:.1f} MB for 32 images; "
      f"peak with the backward pass: {peak / 1e6:.1f} MB")
print(f"all windows of both convolutions: {columns / 1e6:.1f} MB more")

# %% [markdown]
r"""
Recomputing costs a copy, a few per cent of the time of the products; keeping would nearly double
the memory, and the batch would have to be half as large. With kernels of 5 x 5 it would be far
worse: 25 copies of each number.

### Against the loops, and against PyTorch

By how much your product leaves the loops behind, you have measured in Part 5. Against PyTorch, on
the machine this course was written on and with one thread: a training step of the network above is
about as fast, 1.1 to 1.8 times its time. `make bench` in the project measures it on yours.

## Questions

**1.** How many parameters has `Conv2d(3, 64, kernel_size=3)`? How many has a `Linear` with 64
results for a colour image of 224 x 224 pixels? Which of the two changes if the images become twice
as wide?

<details><summary>Answer</summary>

64 x 27 + 64 = 1,792. The `Linear` has 150,528 x 64 + 64 = 9,633,856, more than five thousand times
as many, and twice that for wide images. The convolution stays as it is; its *work* doubles.

</details>

**2.** `Conv2d(3, 256, kernel_size=7, stride=2, padding=3)` gets a batch of 64 images of 224 x 224
pixels. How much memory does its result take? Name some ways to make it a quarter.

<details><summary>Answer</summary>

(224 + 6 - 7) // 2 + 1 = 112. 64 x 256 x 112 x 112 x 4 bytes = 822 MB, in a single layer. A batch of
16; a stride of 4; 64 filters; images of half the size. (Pooling afterwards does not help here: this
result is needed for the backward pass of what follows.)

</details>

**3.** One layer with a kernel of 7 x 7, or three with 3 x 3, all with $C$ channels in and out and
stride 1. Compare what one result sees, the weights, the work, and the memory of a training pass.

<details><summary>Answer</summary>

Both see 7 x 7. Weights (and work per pixel): $49\,C^2$ against $27\,C^2$. But the three layers keep
three results (six with the ReLUs in between) where the one keeps one. Small kernels save work and
parameters, and spend memory. They also bend the signal three times.

</details>

**4.** (A new case.) A recording has 16,000 samples per second and one channel. You want filters
that look at 25 ms each, every 10 ms. Build it from `Conv2d`: shape of the input, kernel, stride;
shape of the result for one second and 64 filters.

<details><summary>Answer</summary>

An image one pixel high: (batch, 1, 1, 16000), kernel (1, 400), stride (1, 160):
`Conv2d(1, 64, (1, 400), stride=(1, 160))`. The result is (batch, 64, 1, 98), since
(16000 - 400) // 160 + 1 = 98.

</details>

**5.** (A new case.) A satellite image of 20,000 x 20,000 pixels does not fit into memory. You cut
it into tiles, run the network on each, and put the results together. The network: five convolutions
of 3 x 3, stride 1, no padding. How must neighbouring tiles overlap, so that the result is the same
as in one piece? What goes wrong with padding?

<details><summary>Answer</summary>

One result sees 11 x 11 pixels, so a tile of $n$ pixels gives $n - 10$ results: neighbouring tiles
have to share 10 pixels, the receptive field minus one. With padding, every tile would see zeros
where the image goes on: wrong results up to 5 pixels from each seam.

</details>

**6.** Shuffle the pixels of *all* images in the same way. An MLP learns these just as well. Should
a CNN? Predict, then change one line before the training cell above, and explain what you find.

<details><summary>Answer</summary>

Its conviction is false now: neighbours have nothing to do with each other, and what is worth
finding in one place means something else in another. Still, it loses little here, one to three
points: digits of 8 x 8 pixels are small enough for `Linear`, which has weights for each place, to
make up for it. A good result need not come from where you think. (The line:
`digits = images.reshape(-1, 64)[:, np.random.permutation(64)].reshape(-1, 1, 8, 8)`. Put it away
afterwards: the cells below use `digits` as well.)

</details>

**7.** (Without an answer.) On a chess board, in a passport photograph or on an X-ray image, it does
matter *where* something is: the eyes are above the mouth. A convolution cannot know its place (or
can it, if it has padding?). Which weights would you share, and which not?
"""

# %% [markdown]
r"""
## Common errors

The reference's messages; yours may be worded differently.

| what you see | what it means | what to do |
|---|---|---|
| `needs images of shape (batch, channels, height, width), got (3, 32, 32)` | one image without its batch axis | `x.reshape(1, 3, 32, 32)` |
| the same with `(100, 28, 28)` | grey images without a channel axis | `x.reshape(100, 1, 28, 28)` |
| `needs 3 channels, got 32: (8, 32, 32, 3)` | channels last, as image files have them | `x.permute(0, 3, 1, 2)` |
| `needs 16 channels, got 8` | the layer before has 8 filters | match both |
| `a kernel of 3 does not fit into 2 pixels` | pooled too often | larger images, fewer poolings |
| `Linear(...) got an input of shape (32, 16, 2, 2)` | maps are no rows | `Flatten()` before it |
| the same with `(32, 144)` where 64 was needed | another image size than planned | compute it with `output_size` |
| the result has 111 pixels, not 112 | only whole windows count | padding 1, or live with it |
| zeros at the border of a max-pooled map | padding with zeros beat negative numbers | minus infinity |
| the process is killed, or `MemoryError` | results of all layers for a large batch | smaller batches; `no_grad()` for use |
| memory grows although only small arrays are kept | they are views of large ones | `.copy()`, look at `.base` |
| a gradient is too small at overlaps | `view += ...` on overlapping memory | one place of the window at a time |

## In production

| yours | PyTorch |
|---|---|
| `Conv2d(3, 32, 3, stride=1, padding=1)` | `nn.Conv2d(3, 32, 3, stride=1, padding=1)` |
| `MaxPool2d(2)`, `AvgPool2d(2)`, `Flatten()` | the same, with `nn.` |
| `GlobalPool2d()` | `nn.AdaptiveAvgPool2d(1)` and `nn.Flatten()` |
| weight (out, in, kh, kw) | the same |
| first weights: normal, spread sqrt(2/n), bias 0 | uniform, spread sqrt(1/(3n)), bias uniform too |
| channels last inside, always | `x.to(memory_format=torch.channels_last)` |
| windows, then one product | chosen for each shape: oneDNN on processors; cuDNN on GPUs, with direct, Winograd and FFT variants |

A ResNet-50 does about four billion multiply-accumulates for one image, nearly all in convolutions.
Winograd's method saves more than half of the multiplications of a 3 x 3 kernel, FFTs pay for large
ones. But the plan of this module, *rearrange, then multiply matrices*, is what made GPUs useful for
vision, and is still what many kernels do, without ever storing the matrix as a whole.

## Read the source

> **`aten/src/ATen/native/cpu/Unfold2d.cpp`**, the functions `unfolded2d_copy` and `unfolded2d_acc`,
> and **`aten/src/ATen/native/ConvolutionMM2d.cpp`**, which calls them.
>
> *Look for:* your `windows` with its copy, and your `add_windows`: the first copies each image into
> a matrix, the second adds such a matrix up into an image, place by place of the kernel. Find the
> special case that copies whole rows with `memcpy` where the stride is 1: the long runs of Part 4.
>
> *Simpler in ours:* one way for every shape; channels last, so that there are always long runs.
>
> *Different in behaviour:* hand both a single image of shape (3, 32, 32). PyTorch takes it for a
> batch of one and gives (32, 30, 30); yours refuses. And look at the memory of a result: PyTorch's
> is contiguous in the order (batch, channels, height, width) unless you ask for channels last;
> yours is a transposed view, `y.data.flags["C_CONTIGUOUS"]` is False.

## Further reading

- **LeCun and others, 1989**, *Backpropagation Applied to Handwritten Zip Code Recognition*. Eleven
  pages; Figure 3 is your network. Compare its number of parameters with its number of connections.
- **Dumoulin and Visin, 2016**, *A guide to convolution arithmetic for deep learning*. Every
  combination of sizes, drawn; chapter 4 explains the way back as a convolution of its own.
- **Simonyan and Zisserman, 2014**, *Very Deep Convolutional Networks for Large-Scale Image
  Recognition*. Nothing but 3 x 3 kernels: the argument of question 3, with up to 19 layers.

## All together
"""

# %%
def test_module():
    """All graded tests, then a CNN that learns one batch by heart, with every parameter moving."""
    for test in (
        test_spatial_output_size, test_spatial_explicit, test_spatial_receptive_field,
        test_spatial_column_index, test_spatial_windows, test_spatial_conv2d,
        test_spatial_add_windows, test_spatial_conv2d_backward, test_spatial_conv2d_layer,
        test_spatial_max_pool, test_spatial_avg_pool, test_spatial_global_pool,
        test_spatial_collect,
    ):
        test()

    @probe
    def small_cnn():
        """[first loss, last loss, how far each parameter moved, shape of the answers]."""
        enable_autograd(quiet=True)
        np.random.seed(0)
        network = Sequential(
            Conv2d(1, 4, 3, padding=1), ReLU(), MaxPool2d(2),
            Conv2d(4, 6, (2, 3), stride=(1, 2), padding=(0, 1)), ReLU(), AvgPool2d(2, stride=1),
            Flatten(), Linear(12, 5),
        )
        x, y = Tensor(np.random.rand(10, 1, 9, 8)), Tensor(np.arange(10) % 5)
        before = [parameter.data.copy() for parameter in network.parameters()]
        update, losses = Adam(network.parameters(), 0.03), []
        for _ in range(120):
            update.zero_grad()
            loss = CrossEntropyLoss()(network(x), y)
            losses.append(loss.item())
            loss.backward()
            update.step()
        moved = [float(np.abs(parameter.data - old).max())
                 for parameter, old in zip(network.parameters(), before, strict=True)]
        return [losses[0], losses[-1], moved, list(network(x).shape)]

    first, last, moved, shape = small_cnn()
    check.equal(shape, [10, 5], given="10 images (1, 9, 8) through a small CNN: its answers")
    check.true(0.5 < first < 5.0, given=f"its first loss, {first:.2f}: is it near ln(5) = 1.61",
               because="fresh filters are neither too loud nor too quiet")
    check.true(last < 0.2, given=f"its loss after 120 steps on the batch, {last:.3f}: below 0.2",
               because="ten images can be learned by heart, if every gradient is right")
    check.true(min(moved) > 1e-3, given="has every parameter moved",
               because="all of them take part")
    print("Module 09 (Spatial): all tests passed; a CNN learns.")


test_module()

# %% [markdown]
r"""
## What this unlocks

Your framework sees. **Milestone 04** takes this network to digits that move, and to photographs.
Windows, and memory traded for time, come back in Modules 14 to 18, where you measure and tune what
you have built here. The next module, **10 (Tokenization)**, turns from images to text.

Close the module in a terminal:

```
tito module complete 09
```

And try your framework at once, in any Python:

```python
from tinytorch import Tensor
from tinytorch.nn import Conv2d, MaxPool2d
print(MaxPool2d(2)(Conv2d(1, 8, 3)(Tensor([[[[0, 1] * 14] * 28]]))).shape)    # (1, 8, 13, 13)
```
"""
