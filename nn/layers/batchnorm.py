"""Batch normalization: each channel gets mean 0 and variance 1 over the batch, then is scaled."""

from __future__ import annotations

import math

import numpy as np

from nn.layers.base import Array, Layer, check_sizes, namespace
from nn.layers.places import at_each_place, sum_over_places


class BatchNorm(Layer):
    """``y = gamma * (x - mean) / sqrt(variance + epsilon) + beta``, channel by channel.

    ``x: (batch, ..., channels)``. In training, mean and variance are the batch's own, and their
    moving averages are kept in ``buffers`` for inference. What ships has none of this: see
    ``nn.model.fold_batchnorm``.

    Source: Ioffe and Szegedy, "Batch Normalization", 2015, algorithm 1 and the gradients of
    section 3.
    """

    EPSILON = 1e-5
    MOMENTUM = 0.1  # the share of the newest batch in the moving averages

    def __init__(self, channels: int) -> None:
        super().__init__()
        check_sizes(channels=channels)
        self.channels = channels
        self.params["gamma"] = np.ones(channels, np.float32)
        self.params["beta"] = np.zeros(channels, np.float32)
        self.buffers["mean"] = np.zeros(channels, np.float32)
        self.buffers["variance"] = np.ones(channels, np.float32)
        self._centred: Array | None = None
        self._inverse_std: Array | None = None

    def config(self) -> dict[str, int]:
        """Return ``channels``."""
        return {"channels": self.channels}

    def scale_and_shift(self) -> tuple[Array, Array]:
        """Return ``(scale, shift)``, each ``(channels,)``: inference is ``x * scale + shift``."""
        variance = self.buffers["variance"]
        scale = self.params["gamma"] / namespace(variance).sqrt(variance + self.EPSILON)
        return scale, self.params["beta"] - self.buffers["mean"] * scale

    def forward(self, x: Array, training: bool = False) -> Array:
        """Normalize with the batch's statistics in training, with the moving averages otherwise.

        Returns ``x``'s shape; raises ValueError if its last axis is not the channels.
        """
        if x.ndim < 2 or x.shape[-1] != self.channels:
            raise ValueError(f"BatchNorm expected (batch, ..., {self.channels}), got {x.shape}")
        if not training:
            self._centred = self._inverse_std = None
            scale, shift = self.scale_and_shift()
            return x * scale + shift

        xp = namespace(x)
        count = math.prod(x.shape[:-1])
        mean = sum_over_places(x) / count
        centred = x - at_each_place(mean, x)
        variance = sum_over_places(centred * centred) / count
        inverse_std = 1 / xp.sqrt(variance + self.EPSILON)
        self._centred, self._inverse_std = centred, inverse_std

        # A sample's own variance underestimates that of all data by (count - 1) / count.
        unbiased = variance * (count / max(count - 1, 1))
        for name, batch_value in (("mean", mean), ("variance", unbiased)):
            kept = self.buffers[name]
            kept += self.MOMENTUM * (batch_value - kept)

        out: Array = centred * at_each_place(inverse_std * self.params["gamma"], x)
        out += at_each_place(self.params["beta"], x)
        return out

    def backward(self, grad_out: Array) -> Array:
        """Differentiate through the batch's mean and variance too.

        With ``x^ = (x - mean) / std`` and ``g`` the gradient of the output, over ``m`` rows:
        ``dL/dgamma = sum(g x^)``, ``dL/dbeta = sum(g)`` and
        ``dL/dx = gamma / std * (g - sum(g) / m - x^ sum(g x^) / m)``.
        """
        if self._centred is None or self._inverse_std is None:
            raise RuntimeError("BatchNorm.backward needs forward(x, training=True) first")
        centred, inverse_std = self._centred, self._inverse_std
        count = math.prod(centred.shape[:-1])
        sum_g = sum_over_places(grad_out)
        sum_gx = sum_over_places(grad_out * centred) * inverse_std
        self.grads["beta"], self.grads["gamma"] = sum_g, sum_gx

        grad_in: Array = centred * at_each_place(-sum_gx * inverse_std / count, centred)
        grad_in += grad_out
        grad_in -= at_each_place(sum_g / count, centred)
        grad_in *= at_each_place(self.params["gamma"] * inverse_std, centred)
        return grad_in
