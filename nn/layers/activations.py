"""The nonlinearity."""

from __future__ import annotations

import numpy as np

from nn.layers.base import Array, Layer


class ReLU(Layer):
    """``max(x, 0)``, element by element, any shape."""

    def __init__(self) -> None:
        super().__init__()
        self._positive: Array | None = None

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return ``max(x, 0)`` in ``x``'s shape and dtype."""
        self._positive = x > 0 if training else None
        return np.maximum(x, 0)

    def backward(self, grad_out: Array) -> Array:
        """``dy/dx`` is 1 where ``x > 0``, else 0 (at 0 too, by the usual convention)."""
        if self._positive is None:
            raise RuntimeError("ReLU.backward needs forward(x, training=True) first")
        return grad_out * self._positive
