"""A sheet of paper that is seen whole, on a table or a board: only what is on it was written."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nn.pieces import Mask, numbered

# Shares of the whole picture, of the sheet's box, of the sheet.
COVERED = 0.35  # so much of the picture stands out, where it is a sheet that does;
LARGE = 0.3  # its box is so large,
FULL = 0.8  # it fills so much of that, and is so empty itself
BEYOND = 2  # it reaches no more of the picture's four sides,
SQUARE = 0.4  # and its shorter side is so much of its longer one


def sheet_in(strong: Mask) -> NDArray[np.bool_] | None:
    """Return where a sheet lies, what is written on it included; None where there is none.

    ``strong`` are the pixels that stand out from what is at the picture's rim: digits, or the
    sheet, which hides what is on it.
    """
    if strong.mean() < COVERED:
        return None
    of_pixel, boxes = numbered(strong)
    largest = np.bincount(of_pixel[strong]).argmax()
    left, top, right, bottom = boxes[largest]
    high, wide = bottom - top, right - left
    height, width = strong.shape
    beyond = sum((left == 0, top == 0, right == width, bottom == height))
    if beyond > BEYOND or high * wide < LARGE * strong.size:
        return None
    window = of_pixel[top:bottom, left:right] == largest
    filled = _filled(window)
    is_full = filled.mean() >= FULL and window.sum() >= FULL * filled.sum()
    if not is_full or min(high, wide) < SQUARE * max(high, wide):
        return None
    sheet = np.zeros_like(strong)
    sheet[top:bottom, left:right] = filled
    return sheet


def _filled(piece: Mask) -> Mask:
    """The piece with what lies between its pixels, both along the row and along the column."""
    filled = np.ones_like(piece)
    for axis in (0, 1):
        filled &= np.maximum.accumulate(piece, axis)
        filled &= np.flip(np.maximum.accumulate(np.flip(piece, axis), axis), axis)
    return filled
