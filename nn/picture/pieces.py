"""Connected pieces of a picture: which pixels hang together, how far they reach."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
"""``(h, w)``: some of a picture's pixels."""
Grey = NDArray[np.float32]
"""``(h, w)``: a grey from 0 to 1, or how much ink, about 1 where it is full, for each pixel."""


def _runs(mask: Mask) -> tuple[NDArray[np.intp], ...]:
    """Return the runs of pixels in the rows of ``mask``, ``(n,)`` each, from top left on: their
    rows, their first columns, the columns behind their last, and the least number of a run of the
    same 8-connected piece.

    Every run points at itself; of two that touch the larger root hooks to the smaller, and pointers
    are halved, until nothing changes.
    """
    height, width = mask.shape
    padded = np.zeros((height, width + 2), bool)  # so that no run goes on in the next row
    padded[:, 1:-1] = mask
    flat, stride = padded.ravel(), width + 2
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    begin, end = changes[::2], changes[1::2]
    # What touches a run in the row below: it ends and begins no farther than a pixel beyond.
    lowest = np.searchsorted(end, begin + stride)
    count = np.maximum(np.searchsorted(begin, end + stride, "right") - lowest, 0)
    above = np.repeat(np.arange(len(begin)), count)
    below = np.arange(len(above)) + np.repeat(lowest - np.cumsum(count) + count, count)
    root = np.arange(len(begin))
    while True:
        low, high = np.minimum(root[above], root[below]), np.maximum(root[above], root[below])
        if (low == high).all():
            break
        np.minimum.at(root, high, low)
        while (root != root[root]).any():
            root = root[root]
    row = begin // stride
    return row, begin - row * stride, end - row * stride, root


def numbered(mask: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Number the pieces from 0 on: ``(h, w)``, -1 where there is none, and ``(pieces, 4)``, the
    ``(left, top, right, bottom)`` of each, the last two exclusive.
    """
    row, first, behind, root = _runs(mask)
    is_root = root == np.arange(len(root))
    number = (np.cumsum(is_root) - 1)[root]
    of_pixel = np.full(mask.shape, -1, np.intp)
    of_pixel[mask] = np.repeat(number, behind - first)
    boxes = np.stack([first, row, behind, row + 1], axis=1)[is_root]
    np.minimum.at(boxes[:, 0], number, first)
    np.maximum.at(boxes[:, 2], number, behind)
    np.maximum.at(boxes[:, 3], number, row + 1)
    return of_pixel, boxes


def rim(values: NDArray[Any]) -> NDArray[Any]:
    """The picture's outermost values, ``(n,)``."""
    return np.concatenate([values[0], values[-1], values[1:-1, 0], values[1:-1, -1]])


def on_rim(mask: Mask) -> Mask:
    """The pieces that reach the picture's rim."""
    of_pixel, _ = numbered(mask)
    found: Mask = mask & np.isin(of_pixel, rim(of_pixel)[rim(mask)])
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
