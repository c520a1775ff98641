"""The median of values: NumPy's own imports `numpy.ma`, which the page has not, and is slow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def median(values: NDArray[Any]) -> float:
    """Return what half of the values, an array of any shape, are below."""
    flat = values.ravel()
    middle = [(flat.size - 1) // 2, flat.size // 2]
    low, high = np.partition(flat, middle)[middle]
    return float(low + (high - low) / 2)
