"""The nonlinearity."""

from __future__ import annotations

from nn.layers.base import Array, Layer, masked, namespace


class ReLU(Layer):
    """``max(x, 0)``, element by element, any shape."""

    def __init__(self) -> None:
        super().__init__()
        self._out: Array | None = None

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return ``max(x, 0)`` in ``x``'s shape and dtype."""
        xp = namespace(x)
        # An image of zeros: beside arrays NumPy takes many numbers at once, beside a 0 one by one.
        zeros = xp.zeros(x.shape[1:], dtype=x.dtype)
        out: Array = xp.maximum(x, zeros)
        self._out = out if training else None
        return out

    def backward(self, grad_out: Array) -> Array:
        """``dy/dx`` is 1 where ``x > 0``, else 0 (at 0 too, by the usual convention)."""
        if self._out is None:
            raise RuntimeError("ReLU.backward needs forward(x, training=True) first")
        return masked(grad_out, self._out > 0)
