"""Where a piece of ink in which digits touch may be cut: down the columns that hold least ink.

There are more such columns than digits. Which of the slices between them belong together, `nn.cuts`
finds by the network's answers: this is the heuristic over-segmentation of LeCun, Bottou, Bengio,
Haffner, "Gradient-Based Learning Applied to Document Recognition", 1998, section V.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

SPACING = 0.12
"""The width of a slice in heights of the ink, give or take: less reads no better, and takes longer.
"""
MOST = 40
"""Ink that would need more slices is cut into so many wider ones: it bounds the time."""


def columns_to_cut(ink: NDArray[Any]) -> list[int]:
    """Return the columns of ``ink: (height, width)`` before which it may be cut, ascending."""
    height, width = ink.shape
    stripes = min(round(width / (SPACING * height)), width, MOST)
    edges = np.linspace(0, width, stripes + 1).astype(int)
    in_column = ink.sum(axis=0)
    return [
        left + int(in_column[left:right].argmin()) for left, right in pairwise(edges.tolist()[1:-1])
    ]
