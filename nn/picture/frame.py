"""A frame about a picture's ink, or a line along the picture's border, is no digit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nn.picture.mnist_form import extent_of
from nn.picture.paper import STRONG
from nn.picture.pieces import Grey, numbered

LONG = 0.8  # of the picture's shorter side: a piece of fewer pixels is neither
THIN = 0.09  # of the same: how thick a frame's line may be
LEAST_THIN = 3  # pixels that are thin in any picture
BAND = 0.08  # of a frame's box: so far inside lie its sides,
COVERED = 0.9  # along so much of which there is ink;
HOLLOW = 0.01  # so little of it is inside
INNER, WRITTEN = 0.7, 0.35  # of a ring's radius: there is none of it; of its height: a digit is
APART = 0.03  # of a border: so far from its ends is all that a line along it does not belong to


def without_frame(ink: Grey) -> Grey:
    """Return ``ink: (h, w) float32`` without the pieces that are a frame, itself if there is none.

    There is none where nothing else would be left.
    """
    inked = ink > 0
    of_pixel, boxes = numbered(inked)
    if len(boxes) < 2:
        return ink
    long = np.flatnonzero(np.bincount(of_pixel[inked]) >= LONG * min(ink.shape))
    frames = [piece for piece in long if _is_frame(of_pixel == piece, inked, ink)]
    if frames:
        return np.where(np.isin(of_pixel, frames), np.float32(0), ink)
    return ink


def _is_frame(piece: NDArray[np.bool_], inked: NDArray[np.bool_], ink: Grey) -> bool:
    rest = inked & ~piece
    if not (ink[rest] > STRONG).any():
        return False
    left, top, right, bottom = extent_of(piece)
    line = max(LEAST_THIN, THIN * min(ink.shape))
    if piece.sum() > line * 2 * (right - left + bottom - top):
        return False
    first, highest, last, lowest = extent_of(rest)
    is_around = left < first and top < highest and right > last and bottom > lowest
    window = piece[top:bottom, left:right]
    if is_around and (_is_hollow(window) or _is_ring(window, lowest - highest)):
        return True
    return any(
        max(side[0].mean(), side[-1].mean()) >= COVERED
        and begin >= APART * side.shape[1]
        and end <= (1 - APART) * side.shape[1]
        for side, begin, end in ((piece, first, last), (piece.T, highest, lowest))
    )


def _is_ring(piece: NDArray[np.bool_], high: int) -> bool:
    """Tell whether a piece's ink lies along the ellipse in its box, and what it goes around, so
    many pixels ``high``, is large enough for a digit: in a 0 may be a dot.
    """
    down, across = (abs(np.linspace(-1, 1, size)) for size in piece.shape)
    within = np.hypot(down[:, None], across) < INNER
    return bool(high >= WRITTEN * len(piece) and piece[within].mean() < HOLLOW)


def _is_hollow(piece: NDArray[np.bool_]) -> bool:
    """Tell whether the ink in a piece's box lies along all four sides, and nowhere else."""
    down, across = (max(1, round(BAND * side)) for side in piece.shape)
    sides = (
        piece[:down].any(axis=0),
        piece[-down:].any(axis=0),
        piece[:, :across].any(axis=1),
        piece[:, -across:].any(axis=1),
    )
    inside = piece[down:-down, across:-across]
    return all(side.mean() >= COVERED for side in sides) and bool(
        inside.size and inside.mean() < HOLLOW
    )
