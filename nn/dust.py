"""Specks in a picture: as large as a dot of the pen, they count where a point can stand."""

from __future__ import annotations

import numpy as np

from nn.paper import SPECK, Grey
from nn.pieces import numbered

TALL = 0.4  # of the highest piece: what is lower is no digit that a point stands beside
FOOT = 0.6, 1.25  # of the digits on both sides: so far down stands a point between them


def without_dust(ink: Grey) -> Grey:
    """Return ``ink: (h, w) float32`` without its specks, itself if there are none.

    `nn.paper` leaves pieces that hold a fair share of the largest one's ink, or as much as a dot of
    its pen. The latter may be dust, unless they stand between two digits, at their feet.
    """
    inked = ink > 0
    of_pixel, boxes = numbered(inked)
    mass = np.bincount(of_pixel[inked], weights=ink[inked])
    specks = np.flatnonzero(mass <= SPECK * mass.max(initial=0))
    if not len(specks):
        return ink
    digits = _columns(np.delete(boxes, specks, axis=0).tolist())
    dust = [speck for speck in specks if not _is_point(boxes[speck].tolist(), digits)]
    return np.where(np.isin(of_pixel, dust), np.float32(0), ink) if dust else ink


def _columns(boxes: list[list[int]]) -> list[list[int]]:
    """Return the boxes of tall marks from left to right, those that share columns as one."""
    marks: list[list[int]] = []
    for left, top, right, bottom in sorted(boxes):
        if marks and left < marks[-1][2]:
            _, above, beyond, below = marks[-1]
            marks[-1][1:] = min(above, top), max(beyond, right), max(below, bottom)
        else:
            marks.append([left, top, right, bottom])
    highest = max((bottom - top for _, top, _, bottom in marks), default=0)
    return [mark for mark in marks if mark[3] - mark[1] >= TALL * highest]


def _is_point(speck: list[int], digits: list[list[int]]) -> bool:
    """Tell whether a speck stands where a point can: between two digits, at their feet."""
    across, down = speck[0] + speck[2], (speck[1] + speck[3]) / 2
    before = [digit for digit in digits if digit[0] + digit[2] < across]
    after = [digit for digit in digits if digit[0] + digit[2] >= across]
    if not (before and after):
        return False
    top, bottom = ((before[-1][side] + after[0][side]) / 2 for side in (1, 3))
    return FOOT[0] <= (down - top) / (bottom - top) <= FOOT[1]
