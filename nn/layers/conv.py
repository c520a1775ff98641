"""The convolution, as few large matrix products."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from nn.layers.base import Array, Layer, check_sizes, he_normal
from nn.layers.product import product

BLOCK_BYTES = 1 << 19
"""How much of the unfolded input is made at a time: half a megabyte stays in a core's own cache."""


class Conv2D(Layer):
    """A kernel slid over an image: each output is a weighted sum of the inputs under the kernel.

    ``y[n, i, j, o] = b[o] + sum over u, v, c of x[n, s i + u - p, s j + v - p, c] * W[u, v, c, o]``

    ``x: (batch, height, width, inputs)``, zeros outside; ``weight: (size, size, inputs, outputs)``;
    ``bias: (outputs,)``; ``s`` is the stride and ``p`` the padding, by default half the kernel's
    size, so that a kernel of odd size and stride 1 keeps height and width. (As everywhere in this
    field, the kernel is not flipped: strictly, a cross-correlation.) Raises ValueError for sizes
    below 1 and for a padding that is not less than ``size``.

    Channels come last, so the part of the input under one row of the kernel is one run of memory:
    unfolding copies whole runs, and the product's result needs no rearrangement. Source of the
    unfolding: Chellapilla, Puri, Simard, "High Performance Convolutional Neural Networks for
    Document Processing", 2006.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int = 3,
        stride: int = 1,
        padding: int | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        check_sizes(inputs=inputs, outputs=outputs, size=size, stride=stride)
        self.inputs, self.outputs, self.size, self.stride = inputs, outputs, size, stride
        self.padding = size // 2 if padding is None else padding
        if not 0 <= self.padding < size:
            raise ValueError(f"expected padding from 0 to {size - 1}, got {self.padding}")
        shape = (size, size, inputs, outputs)
        self.params["weight"] = he_normal(rng, shape, fan_in=size * size * inputs)
        self.params["bias"] = np.zeros(outputs, np.float32)
        self._x: Array | None = None

    def config(self) -> dict[str, int]:
        """Return the sizes, the stride and the padding."""
        names = ("inputs", "outputs", "size", "stride", "padding")
        return {name: getattr(self, name) for name in names}

    def forward(self, x: Array, training: bool = False) -> Array:
        """Map ``(batch, height, width, inputs)`` to ``(batch, height', width', outputs)``.

        ``height' = (height + 2 padding - size) // stride + 1``, and ``width'`` likewise. Raises
        ValueError for another shape or an image that is smaller than the kernel.
        """
        span = max(1, self.size - 2 * self.padding)
        if x.ndim != 4 or x.shape[3] != self.inputs or min(x.shape[1:3]) < span:
            raise ValueError(
                f"Conv2D expected (batch, height, width, {self.inputs}) of at least "
                f"{span} x {span}, got {x.shape}"
            )
        self._x = x if training else None
        weight = self.params["weight"].reshape(-1, self.outputs)
        out = _correlate(_pad(x, self.padding), self.size, self.stride, weight)
        out += self.params["bias"]
        return out

    def backward(self, grad_out: Array) -> Array:
        """Three sums of products, read off the formula above with ``g`` the gradient of ``y``.

        ``dL/db[o] = sum of g[n, i, j, o]``;
        ``dL/dW[u, v, c, o] = sum of x[n, s i + u - p, s j + v - p, c] * g[n, i, j, o]``;
        ``dL/dx`` is itself a convolution: of ``g``, spread out by the stride, with the kernel
        turned by 180 degrees and its inputs and outputs exchanged.
        """
        if self._x is None:
            raise RuntimeError("Conv2D.backward needs forward(x, training=True) first")
        grad_rows = grad_out.reshape(-1, self.outputs)
        self.grads["bias"] = np.ones(grad_rows.shape[0], grad_rows.dtype) @ grad_rows

        padded = _pad(self._x, self.padding)
        grad_weight = np.zeros((self.size**2 * self.inputs, self.outputs), grad_out.dtype)
        for columns, rows in _unfold(padded, self.size, self.stride):
            grad_weight += columns.T @ grad_rows[rows]
        self.grads["weight"] = grad_weight.reshape(self.params["weight"].shape)
        if not self.needs_grad_in:
            return grad_out

        height, width = self._x.shape[1:3]
        spread = self._spread(grad_out, height, width)
        turned = self.params["weight"][::-1, ::-1].transpose(0, 1, 3, 2)
        return _correlate(spread, self.size, 1, turned.reshape(-1, self.inputs))

    def _spread(self, grad_out: Array, height: int, width: int) -> Array:
        """Put ``grad_out``'s values ``stride`` apart, with zeros between and around them.

        The first stands ``size - 1 - padding`` from the edge, so that a plain convolution of the
        result gives ``(height, width)`` values: those of ``dL/dx``.
        """
        margin = self.size - 1 - self.padding
        batch, rows, columns, outputs = grad_out.shape
        shape = (batch, height + self.size - 1, width + self.size - 1, outputs)
        spread = np.zeros(shape, grad_out.dtype)
        bottom, right = margin + rows * self.stride, margin + columns * self.stride
        spread[:, margin : bottom : self.stride, margin : right : self.stride] = grad_out
        return spread


def _pad(x: Array, padding: int) -> Array:
    """Return ``x`` with ``padding`` rows and columns of zeros around each image, contiguous."""
    if padding == 0:
        return np.ascontiguousarray(x)
    batch, height, width, channels = x.shape
    padded = np.zeros((batch, height + 2 * padding, width + 2 * padding, channels), x.dtype)
    padded[:, padding:-padding, padding:-padding] = x
    return padded


def _correlate(padded: Array, size: int, stride: int, weight: Array) -> Array:
    """Slide a kernel, given as a ``(size * size * channels, outputs)`` matrix, over ``padded``."""
    batch, height, width, _ = padded.shape
    shape = (batch, (height - size) // stride + 1, (width - size) // stride + 1, weight.shape[1])
    out = np.empty(shape, np.result_type(padded, weight))
    out_rows = out.reshape(-1, weight.shape[1])
    for columns, rows in _unfold(padded, size, stride):
        product(columns, weight, out_rows[rows])
    return out


def _unfold(padded: Array, size: int, stride: int) -> Iterator[tuple[Array, slice]]:
    """Yield ``(columns, rows)``, a few images at a time.

    ``columns: (positions, size * size * channels)`` has a row for each position of the kernel: what
    lies under it. ``rows`` says which rows of the whole batch's these are. The memory is used again
    for the next block.
    """
    batch, height, width, channels = padded.shape
    out_height, out_width = (height - size) // stride + 1, (width - size) // stride + 1
    positions, values = out_height * out_width, size * size * channels
    step = max(1, min(batch, BLOCK_BYTES // (positions * values * padded.itemsize)))
    by_image, by_row, by_column, by_channel = padded.strides
    windows = as_strided(
        padded,
        (batch, out_height, out_width, size, size, channels),
        (by_image, by_row * stride, by_column * stride, by_row, by_column, by_channel),
        writeable=False,
    )
    block = np.empty((step, out_height, out_width, size, size, channels), padded.dtype)
    for first in range(0, batch, step):
        count = min(step, batch - first)
        np.copyto(block[:count], windows[first : first + count])
        columns = block[:count].reshape(count * positions, values)
        yield columns, slice(first * positions, (first + count) * positions)
