"""The layer that only rearranges."""

from __future__ import annotations

import math

from nn.layers.base import Array, Layer, namespace


class Flatten(Layer):
    """``(batch, ...)`` to ``(batch, product of the rest)``; backward is the reverse reshape."""

    def __init__(self) -> None:
        super().__init__()
        self._shape: tuple[int, ...] | None = None

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return ``x`` with all axes but the first made one."""
        self._shape = x.shape if training else None
        out: Array = namespace(x).reshape(x, (x.shape[0], math.prod(x.shape[1:])))
        return out

    def backward(self, grad_out: Array) -> Array:
        """Return ``grad_out`` in the input's shape."""
        if self._shape is None:
            raise RuntimeError("Flatten.backward needs forward(x, training=True) first")
        grad_in: Array = namespace(grad_out).reshape(grad_out, self._shape)
        return grad_in
