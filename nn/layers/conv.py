"""The convolution, as few large matrix products."""

from __future__ import annotations

import math

import numpy as np

from nn.layers.base import Array, Layer, check_sizes, he_normal, namespace
from nn.layers.product import product
from nn.layers.unfold import unfold


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
        weight = namespace(x).reshape(self.params["weight"], (-1, self.outputs))
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
        xp = namespace(grad_out)
        grad_rows = xp.reshape(grad_out, (-1, self.outputs))
        self.grads["bias"] = xp.ones(grad_rows.shape[0], dtype=grad_rows.dtype) @ grad_rows

        padded = _pad(self._x, self.padding)
        shape = (self.size**2 * self.inputs, self.outputs)
        grad_weight = xp.zeros(shape, dtype=grad_out.dtype)
        for columns, rows in unfold(padded, self.size, self.stride):
            grad_weight += columns.T @ grad_rows[rows, :]
        self.grads["weight"] = xp.reshape(grad_weight, self.params["weight"].shape)
        if not self.needs_grad_in:
            return grad_out

        height, width = self._x.shape[1:3]
        spread = self._spread(grad_out, height, width)
        turned = xp.permute_dims(xp.flip(self.params["weight"], axis=(0, 1)), (0, 1, 3, 2))
        return _correlate(spread, self.size, 1, xp.reshape(turned, (-1, self.inputs)))

    def _spread(self, grad_out: Array, height: int, width: int) -> Array:
        """Put ``grad_out``'s values ``stride`` apart, with zeros between and around them.

        The first stands ``size - 1 - padding`` from the edge, so that a plain convolution of the
        result gives ``(height, width)`` values: those of ``dL/dx``.
        """
        margin = self.size - 1 - self.padding
        batch, rows, columns, outputs = grad_out.shape
        shape = (batch, height + self.size - 1, width + self.size - 1, outputs)
        spread: Array = namespace(grad_out).zeros(shape, dtype=grad_out.dtype)
        bottom, right = margin + rows * self.stride, margin + columns * self.stride
        spread[:, margin : bottom : self.stride, margin : right : self.stride, :] = grad_out
        return spread


def _pad(x: Array, padding: int) -> Array:
    """Return ``x`` with ``padding`` rows and columns of zeros around each image, contiguous."""
    batch, height, width, channels = x.shape
    shape = (batch, height + 2 * padding, width + 2 * padding, channels)
    padded: Array = namespace(x).zeros(shape, dtype=x.dtype)
    padded[:, padding : padding + height, padding : padding + width, :] = x
    return padded


def _correlate(padded: Array, size: int, stride: int, weight: Array) -> Array:
    """Slide a kernel, given as a ``(size * size * channels, outputs)`` matrix, over ``padded``."""
    batch, height, width, _ = padded.shape
    shape = (batch, (height - size) // stride + 1, (width - size) // stride + 1, weight.shape[1])
    xp = namespace(padded)
    out = xp.empty((math.prod(shape[:3]), shape[3]), dtype=xp.result_type(padded, weight))
    for columns, rows in unfold(padded, size, stride):
        product(columns, weight, out, rows)
    return xp.reshape(out, shape)  # type: ignore[no-any-return]
