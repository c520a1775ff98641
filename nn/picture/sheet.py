"""A sheet of paper that is seen whole, on a table or a board: only what is on it was written."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nn.picture.pieces import Mask, grown, numbered

# Shares of the whole picture, of the sheet, of the sheet's box.
LARGE = 0.05  # so much of the picture stands out, and is in its box,
SOLID = 0.035  # nothing is written within such a distance of some place on it;
FULL = 0.8  # it hides so much of what lies within it,
ASTRAY = 0.15  # it differs by so little from what is between four corners, as no bent line does,
REACHED = 0.25  # what covers so much of a side of the picture, or its end, goes on beyond it,
BEYOND, OFTEN = 2, 0.5  # a sheet beyond no more of the four, or it covers so much of the picture,
SQUARE = 0.4  # and its shorter side is so much of its longer one,
NARROW = 0.25  # or so much of a sheet that is seen whole: a till's receipt
TURNS = 16  # so many ways to turn a cross are tried, whose four ends are corners


def sheet_in(strong: Mask) -> NDArray[np.bool_] | None:
    """Return where a sheet lies, what is written on it included; None where there is none.

    ``strong`` are the pixels that stand out from what is at the picture's rim: digits, or the
    sheet, which hides what is on it.
    """
    if strong.mean() < LARGE or grown(~strong, int(SOLID * min(strong.shape))).all():
        return None
    of_pixel, boxes = numbered(strong)
    largest = np.bincount(of_pixel[strong]).argmax()
    left, top, right, bottom = boxes[largest]
    high, wide = bottom - top, right - left
    piece = of_pixel == largest
    sides = (piece[0], piece[-1], piece[:, 0], piece[:, -1])
    beyond = sum(side.mean() >= REACHED or bool(side[[0, -1]].any()) for side in sides)
    if beyond > BEYOND + (strong.mean() >= OFTEN) or high * wide < LARGE * strong.size:
        return None
    window = piece[top:bottom, left:right]
    filled = filled_up(window)
    narrowest = SQUARE if beyond else NARROW
    if window.sum() < FULL * filled.sum() or min(high, wide) < narrowest * max(high, wide):
        return None
    if not is_quadrangle(filled):
        return None
    sheet = np.zeros_like(strong)
    sheet[top:bottom, left:right] = filled
    return sheet


def is_quadrangle(piece: Mask) -> bool:
    """Tell whether a piece, which touches all sides of its array, has four corners."""
    return bool((quadrangle(piece) ^ piece).sum() <= ASTRAY * piece.sum())


def corners_of(piece: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return x and y of a piece's four corners, the lower right one first and then clockwise: the
    farthest points in four directions at right angles, turned so that most lies between them.
    """
    rows = np.flatnonzero(piece.any(axis=1))
    first, last = piece[rows].argmax(axis=1), piece.shape[1] - piece[rows, ::-1].argmax(axis=1)
    # The ends of each row: no others can be farthest.
    x, y = np.concatenate([first, first, last, last]), np.concatenate([rows, rows + 1] * 2)
    angles = np.arange(4 * TURNS) * (np.pi / 2 / TURNS)
    farthest = (np.cos(angles)[:, None] * x + np.sin(angles)[:, None] * y).argmax(axis=1)
    xs, ys = x[farthest].reshape(4, TURNS), y[farthest].reshape(4, TURNS)
    area = (xs[0] - xs[2]) * (ys[1] - ys[3]) - (xs[1] - xs[3]) * (ys[0] - ys[2])
    xs, ys = xs[:, area.argmax()], ys[:, area.argmax()]
    lowest = int((xs + ys).argmax())
    return np.roll(xs, -lowest), np.roll(ys, -lowest)


def quadrangle(piece: Mask) -> NDArray[np.bool_]:
    """Return what lies between a piece's four corners."""
    xs, ys = corners_of(piece)
    down, across = np.ogrid[: piece.shape[0], : piece.shape[1]]
    within = np.ones_like(piece)
    for a in range(4):
        along, up = xs[a] - xs[a - 1], ys[a] - ys[a - 1]
        within &= along * (down + 0.5 - ys[a]) >= up * (across + 0.5 - xs[a])
    return within


def filled_up(piece: Mask) -> Mask:
    """The piece with what lies between its pixels, both along the row and along the column."""
    filled = np.ones_like(piece)
    for axis in (0, 1):
        filled &= np.maximum.accumulate(piece, axis)
        filled &= np.flip(np.maximum.accumulate(np.flip(piece, axis), axis), axis)
    return filled
