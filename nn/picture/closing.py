"""Grey closing and opening: marks narrower than a window take on their surroundings."""

from __future__ import annotations

import numpy as np

from nn.picture.pieces import Grey, Mask


def closed(grey: Grey, size: int) -> Grey:
    """Return ``grey: (h, w)`` without dark marks narrower than ``size`` pixels, an odd number."""
    for highest in (True, False):
        for axis in (0, 1):
            grey = _extreme(grey, size, axis) if highest else -_extreme(-grey, size, axis)
    return grey


def opened(mask: Mask, size: int) -> Mask:
    """Return ``mask: (h, w)`` without what is narrower than ``size`` pixels, an odd number."""
    without: Mask = -closed(-mask.astype(np.float32), size) > 0
    return without


def opened_down(grey: Grey, size: int) -> Grey:
    """Return ``grey: (h, w)`` without light marks lower than ``size`` pixels, an odd number."""
    return _extreme(-_extreme(-grey, size, 0), size, 0)


def _extreme(values: Grey, size: int, axis: int) -> Grey:
    """The largest value in a window of odd `size` around each place along an axis."""
    values = np.moveaxis(values, axis, 0)
    outside = np.full((size // 2, values.shape[1]), -np.inf, np.float32)
    values = np.concatenate([outside, values, outside])
    reach = 1
    while reach < size:  # a window twice as long is two windows; the last pair may overlap
        step = min(reach, size - reach)
        values = np.maximum(values[:-step], values[step:])
        reach += step
    return np.moveaxis(values, 0, axis)
