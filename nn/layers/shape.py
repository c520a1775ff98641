"""The layer that only rearranges."""

from __future__ import annotations

from nn.layers.base import Array, Layer


class Flatten(Layer):
    """``(batch, ...)`` to ``(batch, product of the rest)``; its derivative is the reverse reshape."""

    def __init__(self) -> None:
        super().__init__()
        self._shape: tuple[int, ...] = ()

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return ``x`` with all axes but the first made one."""
        self._shape = x.shape
        return x.reshape(x.shape[0], -1)

    def backward(self, grad_out: Array) -> Array:
        """Return ``grad_out`` in the input's shape."""
        return grad_out.reshape(self._shape)
