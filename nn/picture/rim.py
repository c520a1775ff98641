"""What reaches into a picture from its rim is no digit: a table beyond a sheet, a finger."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nn.picture.pieces import Mask, numbered, rim

THICK = 2.0  # widths of the lines: what is so thick was not written by their pen;
BROAD = 1.5  # and it is so broad at the rim: no digit that a line of the paper joins to it;
ALONG = 0.5  # nor was what lies along so much of a side, or in a corner of the picture,
LYING, FLAT = 0.7, 0.25  # or with so much of its own length, and is so flat: a line that is cut,
FULL = 0.6  # or fills so much of its box: a finger's tip
LEAST = 0.06  # of the picture's shorter side: what was written is so large,
SLIM = 3  # times as long as thick,
MOST = 0.75  # and so much of the picture's height: digits that were cut out tightly fill it


def from_beyond(inked: Mask) -> NDArray[np.bool_] | None:
    """Return the pieces that reach in from beyond what was written on; None if there are none.

    None too where all that is written lies on the rim, or fills the picture: a digit may do so.
    """
    if not rim(inked).any():
        return None
    of_pixel, boxes = numbered(inked)
    on_rim = np.unique(rim(of_pixel)[rim(inked)])
    written = np.delete(np.arange(len(boxes)), on_rim)
    if not len(written):
        return None
    sizes, area = boxes[:, 2:] - boxes[:, :2], np.bincount(of_pixel[inked])
    thickness = _thickness(of_pixel, area)
    longest = written[sizes[written].max(axis=1).argmax()]
    pen, long = thickness[longest], sizes[longest].max()
    if long < max(LEAST * min(inked.shape), SLIM * pen):
        return None
    if sizes[written, 1].max() > MOST * inked.shape[0]:
        return None
    contact, along = _contact(of_pixel, len(boxes))
    thick = (thickness >= THICK * pen) & (contact >= BROAD * pen)
    lying = contact >= LYING * sizes.max(axis=1)
    lying &= (sizes.min(axis=1) <= FLAT * sizes.max(axis=1)) | (area >= FULL * sizes.prod(axis=1))
    beyond = on_rim[(thick | along | lying)[on_rim]]
    return np.isin(of_pixel, beyond) if len(beyond) else None


def _contact(of_pixel: NDArray[np.intp], count: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return of each piece how much of a side of the picture it touches, and whether it lies along
    one, or in a corner.
    """
    most, along = np.zeros(count, np.intp), np.zeros(count + 1, bool)  # the last is no piece
    for side in (of_pixel[0], of_pixel[-1], of_pixel[:, 0], of_pixel[:, -1]):
        touched = np.bincount(side[side >= 0], minlength=count)
        most = np.maximum(most, touched)
        along[:-1] |= touched >= ALONG * len(side)
        along[side[[0, -1]]] = True
    return most, along[:-1]


def _thickness(of_pixel: NDArray[np.intp], area: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the mean thickness of each piece's lines: a line has two edges, and little else."""
    edges = np.ones(len(area))
    for along in (of_pixel, of_pixel.T):  # beyond the rim they go on
        before, after = along[:-1], along[1:]
        for here in (before, after):
            edges += np.bincount(here[(before != after) & (here >= 0)], minlength=len(area))
    return 2 * area / edges
