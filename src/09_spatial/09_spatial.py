# %%
#| default_exp core.spatial

# %%
#| export
"""Spatial layers: convolution and pooling over images, each as one large product or a few slices.

Images are arrays of shape (batch, channels, height, width). Inside, they are kept with the channels
last, so that what one window sees lies together in memory.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tinytorch.core.activations import Softmax
from tinytorch.core.autograd import Function, backward_rule
from tinytorch.core.layers import Layer
from tinytorch.core.tensor import Tensor, compute

# %%
#| export
Pair = int | tuple[int, int]  # one number for both height and width, or one for each


def as_pair(name: str, value: Pair, least: int = 1) -> tuple[int, int]:
    """(height, width) from one whole number or two, none below `least`; ValueError otherwise."""
    sizes = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(sizes) != 2 or any(int(size) != size or size < least for size in sizes):
        raise ValueError(f"{name} must be a whole number from {least}, or two, got {value!r}")
    return int(sizes[0]), int(sizes[1])

# %%
#| export
def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """How many positions a window has along one axis."""
    padded = size + 2 * padding
    if kernel > padded:
        raise ValueError(
            f"a kernel of {kernel} does not fit into {size} pixels with a padding of {padding}: "
            f"{padded} in all. Use larger images, a smaller kernel, less pooling before it, or "
            "more padding."
        )
    return (padded - kernel) // stride + 1

# %%
#| export
def conv2d_explicit(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: Pair = 1,
    padding: Pair = 0,
) -> tuple[np.ndarray, int]:
    """seven loops"""
    (sh, sw), (ph, pw) = as_pair("stride", stride), as_pair("padding", padding, 0)
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

# %%
#| export
def conv2d_macs(
    x_shape: tuple, weight_shape: tuple, stride: Pair = 1, padding: Pair = 0
) -> int:
    """macs"""
    (sh, sw), (ph, pw) = as_pair("stride", stride), as_pair("padding", padding, 0)
    batch, _, height, width = x_shape
    positions = output_size(height, weight_shape[2], sh, ph) * output_size(
        width, weight_shape[3], sw, pw
    )
    return batch * positions * math.prod(weight_shape)

# %%
#| export
def channels_last(
    x: np.ndarray, padding: tuple[int, int] = (0, 0), fill: float = 0.0
) -> np.ndarray:
    """pad"""
    moved = x.transpose(0, 2, 3, 1)
    if padding == (0, 0):
        return np.ascontiguousarray(moved)
    (ph, pw), (batch, height, width, channels) = padding, moved.shape
    image = np.full((batch, height + 2 * ph, width + 2 * pw, channels), fill, dtype=x.dtype)
    image[:, ph : ph + height, pw : pw + width] = moved
    return image


def channels_first(image: np.ndarray, padding: tuple[int, int] = (0, 0)) -> np.ndarray:
    """crop"""
    ph, pw = padding
    return image[:, ph : image.shape[1] - ph, pw : image.shape[2] - pw].transpose(0, 3, 1, 2)

# %%
#| export
def windows(
    image: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1)
) -> np.ndarray:
    """view"""
    seen = sliding_window_view(image, kernel, axis=(1, 2), writeable=True)
    return seen[:, :: stride[0], :: stride[1]].transpose(0, 1, 2, 4, 5, 3)

# %%
#| export
COLUMN_BYTES = 2**20  # how much of the columns is there at a time: about what a cache holds


def chunks(seen: np.ndarray) -> Iterator[slice]:
    """slices of the batch"""
    per_image = seen[:1].nbytes
    count = max(1, COLUMN_BYTES // max(1, per_image))
    for start in range(0, len(seen), count):
        yield slice(start, start + count)

# %%
#| export
def kernel_matrix(weight: np.ndarray) -> np.ndarray:
    """w"""
    return weight.transpose(2, 3, 1, 0).reshape(-1, len(weight))


def conv2d(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """fast"""
    seen = windows(channels_last(x, padding), weight.shape[2:], stride)
    kernels = kernel_matrix(weight)
    result = np.empty((*seen.shape[:3], len(weight)), dtype=np.float32)
    for part in chunks(seen):
        columns = seen[part].reshape(-1, len(kernels))
        np.matmul(columns, kernels, out=result[part].reshape(-1, len(weight)))
        if bias is not None:
            result[part] += bias
    return result.transpose(0, 3, 1, 2)

# %%
#| export
def add_windows(image: np.ndarray, parts: np.ndarray, stride: tuple[int, int]) -> None:
    """col2im"""
    kernel = parts.shape[3:5]
    seen = windows(image, kernel, stride)
    for i, j in np.ndindex(kernel):
        seen[:, :, :, i, j] += parts[:, :, :, i, j]

# %%
#| export
@backward_rule(conv2d)
class Conv2dBackward(Function):
    """The rule of a convolution."""

    def apply(self, grad_output):
        """r"""
        x, weight = self.arrays[:2]
        stride, padding = self.settings["stride"], self.settings["padding"]
        image, grads = channels_last(x, padding), channels_last(grad_output)
        seen, kernels = windows(image, weight.shape[2:], stride), kernel_matrix(weight)
        grad_image = np.zeros_like(image) if self.needs(0) else None
        grad_kernels = np.zeros_like(kernels) if self.needs(1) else None
        for part in chunks(seen):
            rows = grads[part].reshape(-1, len(weight))
            if grad_kernels is not None:
                grad_kernels += seen[part].reshape(-1, len(kernels)).T @ rows
            if grad_image is not None:
                parts = (rows @ kernels.T).reshape(seen[part].shape)
                add_windows(grad_image[part], parts, stride)
        grad_x = None if grad_image is None else channels_first(grad_image, padding)
        grad_weight = None
        if grad_kernels is not None:
            moved = weight.transpose(2, 3, 1, 0).shape
            grad_weight = grad_kernels.reshape(moved).transpose(3, 2, 0, 1)
        grad_bias = grads.sum(axis=(0, 1, 2))
        return (grad_x, grad_weight, grad_bias)[: len(self.saved_tensors)]

# %%
#| export
def check_images(layer: Layer, x: Tensor, channels: int | None = None) -> None:
    """check"""
    if x.ndim != 4:
        raise ValueError(
            f"{layer!r} needs images of shape (batch, channels, height, width), got {x.shape}. "
            "One image is a batch of one: x.reshape(1, *x.shape); grey images have one channel: "
            "x.reshape(batch, 1, height, width)."
        )
    if channels not in (None, x.shape[1]):
        last = " They stand last in yours: x.permute(0, 3, 1, 2)." * (x.shape[3] == channels)
        raise ValueError(f"{layer!r} needs {channels} channels, got {x.shape[1]} in {x.shape}.{last}")
    for sizes in zip(x.shape[2:], layer.kernel_size, layer.stride, layer.padding, strict=True):
        output_size(*sizes)

# %%
#| export
class Conv2d(Layer):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair = 1,
        padding: Pair = 0,
        bias: bool = True,
    ) -> None:
        if in_channels < 1 or out_channels < 1:
            raise ValueError("channels")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = as_pair("kernel_size", kernel_size)
        self.stride, self.padding = as_pair("stride", stride), as_pair("padding", padding, 0)
        shape = (out_channels, in_channels, *self.kernel_size)
        scale = math.sqrt(2 / math.prod(shape[1:]))
        self.weight = Tensor(np.random.randn(*shape) * scale, requires_grad=True)
        self.bias = Tensor(np.zeros(out_channels), requires_grad=True) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        check_images(self, x, self.in_channels)
        learned = [self.weight] if self.bias is None else [self.weight, self.bias]
        return compute(conv2d, x, *learned, stride=self.stride, padding=self.padding)

# %%
#| export
def max_pool2d(
    x: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]
) -> np.ndarray:
    seen = windows(channels_last(x, padding, -np.inf), kernel, stride)
    result = seen[:, :, :, 0, 0].copy()
    for i, j in np.ndindex(kernel):
        np.maximum(result, seen[:, :, :, i, j], out=result)
    return result.transpose(0, 3, 1, 2)


@backward_rule(max_pool2d)
class MaxPool2dBackward(Function):
    def apply(self, grad_output):
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

# %%
#| export
def avg_pool2d(
    x: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]
) -> np.ndarray:
    seen = windows(channels_last(x, padding), kernel, stride)
    total = np.zeros((*seen.shape[:3], seen.shape[5]), dtype=np.float32)
    for i, j in np.ndindex(kernel):
        total += seen[:, :, :, i, j]
    total *= 1 / math.prod(kernel)
    return total.transpose(0, 3, 1, 2)


@backward_rule(avg_pool2d)
class AvgPool2dBackward(Function):
    def apply(self, grad_output):
        (x,) = self.arrays
        kernel, stride, padding = (self.settings[name] for name in ("kernel", "stride", "padding"))
        grad_image = np.zeros_like(channels_last(x, padding))
        each = channels_last(grad_output)[:, :, :, None, None] / math.prod(kernel)
        parts = np.broadcast_to(each, (*each.shape[:3], *kernel, each.shape[5]))
        add_windows(grad_image, parts, stride)
        return (channels_first(grad_image, padding),)

# %%
#| export
class Pool2d(Layer):
    def __init__(self, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0) -> None:
        self.kernel_size = as_pair("kernel_size", kernel_size)
        self.stride = self.kernel_size if stride is None else as_pair("stride", stride)
        self.padding = as_pair("padding", padding, 0)
        if any(2 * p > k for p, k in zip(self.padding, self.kernel_size, strict=True)):
            raise ValueError(f"padding must be at most half of the kernel, got {padding}")

    def forward(self, x: Tensor) -> Tensor:
        check_images(self, x)
        sizes = {"kernel": self.kernel_size, "stride": self.stride, "padding": self.padding}
        return compute(self.operation, x, **sizes)


class MaxPool2d(Pool2d):
    operation = staticmethod(max_pool2d)


class AvgPool2d(Pool2d):
    operation = staticmethod(avg_pool2d)


class Flatten(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], math.prod(x.shape[1:]))

class GlobalPool2d(Layer):
    def __init__(self, sharpness: float = 0.0) -> None:
        self.sharpness = sharpness
    def forward(self, x):
        pixels = x.reshape(*x.shape[:2], math.prod(x.shape[2:]))
        return (pixels * Softmax()(pixels * self.sharpness)).sum(axis=-1)
