"""Connected pieces of a picture: which pixels hang together, how far they reach."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Grey = NDArray[np.float32]


def labels_of(mask: Mask) -> NDArray[np.intp]:
    """The same number on all pixels of one 8-connected piece: its smallest flat index.

    Every pixel points at itself; neighbours hook the larger root to the smaller, and pointers are
    halved, until nothing changes.
    """
    height, width = mask.shape
    index = np.arange(mask.size).reshape(mask.shape)
    ends = []
    for here, there in (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1, :], np.s_[1:, :]),
        (np.s_[:-1, :-1], np.s_[1:, 1:]),
        (np.s_[:-1, 1:], np.s_[1:, :-1]),
    ):
        both = mask[here] & mask[there]
        ends.append((index[here][both], index[there][both]))
    a = np.concatenate([first for first, _ in ends])
    b = np.concatenate([second for _, second in ends])
    root = np.arange(mask.size)
    while True:
        low, high = np.minimum(root[a], root[b]), np.maximum(root[a], root[b])
        if (low == high).all():
            return root.reshape(height, width)
        np.minimum.at(root, high, low)
        while (root != root[root]).any():
            root = root[root]


def numbered(mask: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Number the pieces from 0 on: ``(h, w)``, -1 where there is none, and ``(pieces, 4)``, the
    ``(left, top, right, bottom)`` of each, the last two exclusive.
    """
    roots, number = np.unique(labels_of(mask)[mask], return_inverse=True)
    of_pixel = np.full(mask.shape, -1, np.intp)
    of_pixel[mask] = number
    boxes = np.zeros((len(roots), 4), np.intp)
    boxes[:, :2] = mask.size
    for axis, places in enumerate(np.nonzero(mask)[::-1]):
        np.minimum.at(boxes[:, axis], number, places)
        np.maximum.at(boxes[:, axis + 2], number, places + 1)
    return of_pixel, boxes


def rim(values: NDArray[Any]) -> NDArray[Any]:
    """The picture's outermost values, ``(n,)``."""
    return np.concatenate([values[0], values[-1], values[1:-1, 0], values[1:-1, -1]])


def on_rim(mask: Mask) -> Mask:
    """The pieces that reach the picture's rim."""
    label = labels_of(mask)
    found: Mask = mask & np.isin(label, rim(label)[rim(mask)])
    return found


def grown(mask: Mask, reach: int) -> Mask:
    """The mask with every pixel that is at most `reach` rows and columns from it."""
    for _ in range(reach):
        wider = mask.copy()
        wider[1:] |= mask[:-1]
        wider[:-1] |= mask[1:]
        mask = wider.copy()
        mask[:, 1:] |= wider[:, :-1]
        mask[:, :-1] |= wider[:, 1:]
    return mask
