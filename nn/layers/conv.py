"""The convolution, as few large matrix products."""

from __future__ import annotations

import math

import numpy as np

from nn.layers.base import Array, Layer, check_sizes, he_normal, namespace
from nn.layers.places import at_each_place, sum_over_places
from nn.layers.product import product
from nn.layers.unfold import Frame, unfold


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
        xp, frame = namespace(x), self._frame(x)
        weight = xp.reshape(self.params["weight"], (-1, self.outputs))
        shape = (x.shape[0], *frame.positions(self.size, self.stride), self.outputs)
        rows = xp.empty((math.prod(shape[:3]), self.outputs), dtype=xp.result_type(x, weight))
        for columns, some in unfold(x, frame, self.size, self.stride):
            product(columns, weight, rows, some)
        out: Array = xp.reshape(rows, shape)
        out += at_each_place(self.params["bias"], out)
        return out

    def backward(self, grad_out: Array) -> Array:
        """Three sums of products, read off the formula above with ``g`` the gradient of ``y``.

        ``dL/db[o] = sum of g[n, i, j, o]``;
        ``dL/dW[u, v, c, o] = sum of x[n, s i + u - p, s j + v - p, c] * g[n, i, j, o]``;
        ``dL/dx`` is itself a convolution: of ``g``, spread out by the stride, with the kernel
        turned by 180 degrees and its inputs and outputs exchanged. What it lays under that kernel
        beside each ``x[n, i, j, c]`` is just what ``dL/dW`` multiplies this ``x`` by, so one
        unfolding serves both.
        """
        if self._x is None:
            raise RuntimeError("Conv2D.backward needs forward(x, training=True) first")
        x, xp = self._x, namespace(grad_out)
        self.grads["bias"] = sum_over_places(grad_out)
        if not self.needs_grad_in:
            grad_rows = xp.reshape(grad_out, (-1, self.outputs))
            shape = (self.size**2 * self.inputs, self.outputs)
            grad_weight = xp.zeros(shape, dtype=grad_out.dtype)
            for columns, some in unfold(x, self._frame(x), self.size, self.stride):
                grad_weight += columns.T @ grad_rows[some, :]
            self.grads["weight"] = xp.reshape(grad_weight, self.params["weight"].shape)
            return grad_out

        turned = _turned(self.params["weight"])
        matrix = xp.reshape(turned, (-1, self.inputs))
        grad_matrix = xp.zeros_like(matrix)
        x_rows = xp.reshape(x, (-1, self.inputs))
        grad_in = xp.empty(x_rows.shape, dtype=grad_out.dtype)
        for columns, some in unfold(grad_out, self._spread(x), self.size):
            product(columns, matrix, grad_in, some)
            grad_matrix += columns.T @ x_rows[some, :]
        self.grads["weight"] = xp.zeros_like(self.params["weight"])
        self.grads["weight"] += _turned(xp.reshape(grad_matrix, turned.shape))
        return xp.reshape(grad_in, x.shape)  # type: ignore[no-any-return]

    def _frame(self, x: Array) -> Frame:
        """Return the zeros around an image of ``x``."""
        _, height, width, _ = x.shape
        return Frame(height + 2 * self.padding, width + 2 * self.padding, self.padding)

    def _spread(self, x: Array) -> Frame:
        """Return the zeros around and between ``grad_out``'s values, ``stride`` apart.

        The first stands ``size - 1 - padding`` from the edge, so that a plain convolution of the
        result gives as many values as ``x`` has: those of ``dL/dx``.
        """
        _, height, width, _ = x.shape
        more = self.size - 1
        return Frame(height + more, width + more, more - self.padding, self.stride)


def _turned(weight: Array) -> Array:
    """Turn a kernel by 180 degrees and exchange its inputs and outputs; twice changes nothing."""
    xp = namespace(weight)
    turned: Array = xp.permute_dims(xp.flip(weight, axis=(0, 1)), (0, 1, 3, 2))
    return turned
