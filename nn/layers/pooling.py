"""Layers that shrink an image: the maximum of each window, and the mean of a whole channel."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nn.layers.base import Array, Layer, check_sizes


class MaxPool2D(Layer):
    """The maximum of each ``size`` x ``size`` window, windows side by side.

    ``x: (batch, height, width, channels)`` gives
    ``(batch, height // size, width // size, channels)``; rows and columns that fill no whole window
    are left out.
    """

    def __init__(self, size: int = 2) -> None:
        super().__init__()
        check_sizes(size=size)
        self.size = size
        self._x: Array | None = None
        self._out: Array | None = None

    def config(self) -> dict[str, int]:
        """Return ``size``."""
        return {"size": self.size}

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return each window's maximum; ValueError for another shape or too small an image."""
        if x.ndim != 4 or min(x.shape[1:3]) < self.size:
            raise ValueError(
                f"MaxPool2D expected (batch, height, width, channels) of at least "
                f"{self.size} x {self.size}, got {x.shape}"
            )
        places = self._places(x)
        out = next(places).copy()
        for values in places:
            np.maximum(out, values, out=out)
        self._x, self._out = (x, out) if training else (None, None)
        return out

    def backward(self, grad_out: Array) -> Array:
        """``dy/dx`` is 1 at a window's maximum (the first in reading order), elsewhere 0."""
        if self._x is None or self._out is None:
            raise RuntimeError("MaxPool2D.backward needs forward(x, training=True) first")
        grad_in = np.zeros_like(self._x)
        unclaimed = np.ones(self._out.shape, bool)
        for values, grads in zip(self._places(self._x), self._places(grad_in), strict=True):
            is_first_maximum = (values == self._out) & unclaimed
            np.multiply(grad_out, is_first_maximum, out=grads)
            unclaimed &= ~is_first_maximum
        return grad_in

    def _places(self, x: Array) -> Iterator[Array]:
        """Yield views of ``x``: every window's first element, every window's second, and so on."""
        height, width = (side // self.size * self.size for side in x.shape[1:3])
        for row in range(self.size):
            for column in range(self.size):
                yield x[:, row : height : self.size, column : width : self.size, :]


class GlobalAvgPool2D(Layer):
    """The mean of each channel: ``(batch, height, width, channels)`` to ``(batch, channels)``."""

    def __init__(self) -> None:
        super().__init__()
        self._shape: tuple[int, ...] | None = None

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return each channel's mean; ValueError for another shape."""
        if x.ndim != 4:
            raise ValueError(
                f"GlobalAvgPool2D expected (batch, height, width, channels), got {x.shape}"
            )
        self._shape = x.shape if training else None
        mean: Array = x.mean(axis=(1, 2))
        return mean

    def backward(self, grad_out: Array) -> Array:
        """``dy/dx = 1 / (height * width)`` for every element of the channel."""
        if self._shape is None:
            raise RuntimeError("GlobalAvgPool2D.backward needs forward(x, training=True) first")
        _, height, width, _ = self._shape
        share = grad_out[:, None, None, :] / grad_out.dtype.type(height * width)
        return np.broadcast_to(share, self._shape)
