"""The layer that forgets at random, so that no layer relies on one number of the one before."""

from __future__ import annotations

import numpy as np

from nn.layers.base import Array, Layer, namespace


class Dropout(Layer):
    """In training ``percent`` of the numbers become 0; the others grow, so that the mean stays.

    ``y = x * m``, where ``m`` is ``1 / (1 - p)`` with probability ``1 - p`` and 0 otherwise, for
    ``p = percent / 100``; in inference ``y = x``. Source: Srivastava, Hinton, Krizhevsky,
    Sutskever, Salakhutdinov, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting",
    2014.

    What is dropped is drawn from the sum of ``x`` itself: as random as any seed, and the same when
    a run is resumed or repeated. Raises ValueError for a percentage that is not from 0 to 99.
    """

    def __init__(self, percent: int) -> None:
        super().__init__()
        if not 0 <= percent <= 99:
            raise ValueError(f"expected percent from 0 to 99, got {percent}")
        self.percent = percent
        self._mask: Array | None = None

    def config(self) -> dict[str, int]:
        """Return ``percent``."""
        return {"percent": self.percent}

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return ``x`` of any shape, in training with some numbers dropped."""
        if not training:
            self._mask = None
            return x
        xp = namespace(x)
        seed = int(np.float64(float(xp.sum(x))).view(np.uint64))
        drawn = np.random.default_rng(seed).random(x.shape, np.float32)
        share = np.float32(self.percent / 100)
        self._mask = xp.asarray((drawn >= share) / (1 - share), dtype=x.dtype)
        out: Array = x * self._mask
        return out

    def backward(self, grad_out: Array) -> Array:
        """``dy/dx = m``: nothing goes back through what was dropped."""
        if self._mask is None:
            raise RuntimeError("Dropout.backward needs forward(x, training=True) first")
        grad_in: Array = grad_out * self._mask
        return grad_in
