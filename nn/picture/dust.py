"""Specks and crumbs in a picture: what is small counts only where a sign can stand."""

from __future__ import annotations

import numpy as np

from nn.lines import lines_of
from nn.picture.paper import SPECK
from nn.picture.pieces import Grey, numbered

TALL = 0.4  # of the highest piece: what is lower is no digit that a point stands beside
FOOT = 0.6, 1.25  # of the digits on both sides: so far down stands a point between them
CRUMB = 0.1  # of the largest piece: a 1 beside an 8 has more ink
FLAT = 0.5  # of its width: the height of what may be a minus, or a digit's bar


def without_dust(ink: Grey) -> Grey:
    """Return ``ink: (h, w) float32`` without its dust, itself if there is none.

    `paper.py` leaves pieces that hold a fair share of the largest one's ink, or as much as a dot of
    its pen. The latter may be dust, unless they stand between two digits, at their feet. Small ones
    of the former are crumbs where they stand before or after all digits of their line: what is left
    of neighbours that were cut away. A point before the digits, at their foot, and dashes are none.
    """
    inked = ink > 0
    of_pixel, boxes = numbered(inked)
    mass = np.bincount(of_pixel[inked], weights=ink[inked])
    largest = mass.max(initial=0)
    small = np.flatnonzero(mass <= CRUMB * largest)
    if not len(small):
        return ink
    dust = []
    for line in lines_of(boxes.tolist())[0]:
        digits = _columns(boxes[np.setdiff1d(line, small)].tolist())
        for piece in np.intersect1d(line, small) if digits else ():
            box, is_speck = boxes[piece].tolist(), mass[piece] <= SPECK * largest
            is_dust = not _is_point(box, digits) if is_speck else _is_crumb(box, digits)
            if is_dust:
                dust.append(piece)
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


def _is_crumb(piece: list[int], digits: list[list[int]]) -> bool:
    """Tell whether a small piece stands beyond all digits, and as none of the signs does."""
    left, top, right, bottom = piece
    if bottom - top <= FLAT * (right - left):
        return False
    first, last = digits[0], digits[-1]
    down = ((top + bottom) / 2 - first[1]) / (first[3] - first[1])
    return left >= last[2] or (right <= first[0] and not FOOT[0] <= down <= FOOT[1])


def _is_point(speck: list[int], digits: list[list[int]]) -> bool:
    """Tell whether a speck stands where a point can: between two digits, at their feet."""
    across, down = speck[0] + speck[2], (speck[1] + speck[3]) / 2
    before = [digit for digit in digits if digit[0] + digit[2] < across]
    after = [digit for digit in digits if digit[0] + digit[2] >= across]
    if not (before and after):
        return False
    top, bottom = ((before[-1][side] + after[0][side]) / 2 for side in (1, 3))
    return FOOT[0] <= (down - top) / (bottom - top) <= FOOT[1]
