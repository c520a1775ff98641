"""The fully connected layer."""

from __future__ import annotations

import numpy as np

from nn.layers.base import Array, Layer, check_sizes, he_normal, namespace


class Dense(Layer):
    """``y = x W + b``: every output is a weighted sum of all inputs.

    ``x: (batch, inputs)``; ``weight: (inputs, outputs)``; ``bias: (outputs,)``.
    """

    def __init__(self, inputs: int, outputs: int, rng: np.random.Generator | None = None) -> None:
        super().__init__()
        check_sizes(inputs=inputs, outputs=outputs)
        self.inputs, self.outputs = inputs, outputs
        self.params["weight"] = he_normal(rng, (inputs, outputs), fan_in=inputs)
        self.params["bias"] = np.zeros(outputs, np.float32)
        self._x: Array | None = None

    def config(self) -> dict[str, int]:
        """Return ``inputs`` and ``outputs``."""
        return {"inputs": self.inputs, "outputs": self.outputs}

    def forward(self, x: Array, training: bool = False) -> Array:
        """Map ``(batch, inputs)`` to ``(batch, outputs)``; ValueError for another shape."""
        if x.ndim != 2 or x.shape[1] != self.inputs:
            raise ValueError(f"Dense expected (batch, {self.inputs}), got {x.shape}")
        self._x = x if training else None
        return x @ self.params["weight"] + self.params["bias"]

    def backward(self, grad_out: Array) -> Array:
        """``dL/dW = x^T g``, ``dL/db = sum of g over the batch``, ``dL/dx = g W^T``."""
        if self._x is None:
            raise RuntimeError("Dense.backward needs forward(x, training=True) first")
        self.grads["weight"] = self._x.T @ grad_out
        self.grads["bias"] = namespace(grad_out).sum(grad_out, axis=0)
        return grad_out @ self.params["weight"].T
