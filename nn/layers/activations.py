"""The nonlinearity."""

from __future__ import annotations

from nn.layers.base import Array, Layer, namespace


class ReLU(Layer):
    """``max(x, 0)``, element by element, any shape."""

    def __init__(self) -> None:
        super().__init__()
        self._positive: Array | None = None

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return ``max(x, 0)`` in ``x``'s shape and dtype."""
        self._positive = x > 0 if training else None
        out: Array = namespace(x).maximum(x, 0)
        return out

    def backward(self, grad_out: Array) -> Array:
        """``dy/dx`` is 1 where ``x > 0``, else 0 (at 0 too, by the usual convention)."""
        if self._positive is None:
            raise RuntimeError("ReLU.backward needs forward(x, training=True) first")
        grad_in: Array = grad_out * namespace(grad_out).astype(self._positive, grad_out.dtype)
        return grad_in
