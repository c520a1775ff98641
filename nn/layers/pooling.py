"""Layers that shrink an image: the maximum of each window, and the mean of a whole channel."""

from __future__ import annotations

from collections.abc import Iterator

from nn.layers.base import Array, Layer, check_sizes, masked, namespace


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
        xp = namespace(x)
        first, *others = self._places(x.shape)
        out: Array = xp.asarray(x[first], copy=True)
        for place in others:
            out = xp.maximum(out, x[place])
        self._x, self._out = (x, out) if training else (None, None)
        return out

    def backward(self, grad_out: Array) -> Array:
        """``dy/dx`` is 1 at a window's maximum (the first in reading order), elsewhere 0."""
        if self._x is None or self._out is None:
            raise RuntimeError("MaxPool2D.backward needs forward(x, training=True) first")
        xp = namespace(grad_out)
        x, out = self._x, self._out
        grad_in: Array = xp.zeros_like(x)
        unclaimed = xp.ones(out.shape, dtype=xp.bool)
        for place in self._places(x.shape):
            is_first_maximum = (x[place] == out) & unclaimed
            grad_in[place] = masked(grad_out, is_first_maximum)
            unclaimed ^= is_first_maximum
        return grad_in

    def _places(self, shape: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
        """Yield where every window's first element lies, every window's second, and so on."""
        height, width = (side // self.size * self.size for side in shape[1:3])
        whole = slice(None)
        for row in range(self.size):
            for column in range(self.size):
                rows = slice(row, height, self.size)
                yield whole, rows, slice(column, width, self.size), whole


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
        batch, height, width, channels = x.shape
        xp = namespace(x)
        share = xp.full(height * width, 1 / (height * width), dtype=x.dtype)
        mean: Array = share @ xp.reshape(x, (batch, height * width, channels))
        return mean

    def backward(self, grad_out: Array) -> Array:
        """``dy/dx = 1 / (height * width)`` for every element of the channel."""
        if self._shape is None:
            raise RuntimeError("GlobalAvgPool2D.backward needs forward(x, training=True) first")
        _, height, width, _ = self._shape
        share = grad_out[:, None, None, :] / (height * width)
        grad_in: Array = namespace(grad_out).broadcast_to(share, self._shape)
        return grad_in
