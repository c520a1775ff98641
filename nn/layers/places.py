"""One number a channel, beside images that have the channel at many places."""

from __future__ import annotations

import numpy as np

from nn.layers.base import Array, namespace


def at_each_place(values: Array, x: Array) -> Array:
    """Return ``values: (channels,)`` in a shape that goes with ``x: (batch, ..., channels)``.

    That is ``(..., channels)``, ``values`` again at each place of an image: NumPy then takes an
    image at a time. ``values`` itself would do, but with it a few channels at a time, and to start
    on each few takes as long as they do. For one image the repeating is not worth it, nor for
    another library's arrays.
    """
    if x.shape[0] == 1 or not isinstance(x, np.ndarray):
        return values
    everywhere = np.empty(x.shape[1:], values.dtype)
    everywhere[...] = values
    return everywhere


def sum_over_places(x: Array) -> Array:
    """Sum ``x: (batch, ..., channels)`` over all axes but the last, to ``(channels,)``.

    Of NumPy's as a product with ones: a BLAS library is several times faster at it than ``sum``.
    """
    if not isinstance(x, np.ndarray):
        total: Array = namespace(x).sum(x, axis=tuple(range(x.ndim - 1)))
        return total
    rows = x.reshape(-1, x.shape[-1])
    return np.ones(len(rows), x.dtype) @ rows
