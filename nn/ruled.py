"""The lines of ruled or squared paper that are as strong as the ink: straight from side to side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nn.pieces import Mask, rim

STEEPEST, SLOPES = 0.12, 49  # slopes that are tried, either way: paper lies askew in a photo
ACROSS = 0.5  # of the picture: a line covers so much of it, hidden or faint at times,
WHOLE, CORNER = 0.8, 0.1  # or so much of what a corner of the picture shows, if that is so long,
FAINT = 0.35  # and its edges so much of what its middle does
WIDEST = 32  # of them would fill the picture: a line is no wider
MOST = 30  # lines that are looked for: it bounds the time


def ruled_lines(inked: Mask) -> NDArray[np.bool_] | None:
    """Return the pixels of lines across the picture, but for strokes over them; None if none.

    None too where something else lies on the rim: in a picture that was cut out tightly the bar of
    a 7 may go from side to side.
    """
    lines = np.zeros_like(inked)
    widest = min(inked.shape) // WIDEST
    if not widest:
        return None
    for across, found in ((inked, lines), (inked.T, lines.T)):  # level ones, then upright ones
        if across[:, :widest].any() and across[:, -widest:].any():
            _mark_level(across, found, widest)
    if not lines.any() or rim(inked & ~lines).any():
        return None
    return lines & ~_crossing(inked, lines, widest + 2)  # a line has soft edges


def _mark_level(inked: Mask, found: Mask, widest: int) -> None:
    """Mark in ``found`` the lines that go from left to right, or nearly so."""
    height, width = inked.shape
    y, x = np.nonzero(inked)
    slopes = np.linspace(-STEEPEST, STEEPEST, SLOPES)
    margin = round(STEEPEST * width)
    size = height + 2 * margin
    rises = np.rint(slopes[:, None] * (np.arange(width) - width / 2)).astype(int) + margin
    count = _counted(y, x, rises, size)
    edges = np.stack([np.bincount(each, minlength=size) for each in rises])
    seen = np.cumsum(edges - np.roll(edges, height, axis=1), axis=1)  # columns in the picture
    least = np.where(seen >= CORNER * width, np.minimum(WHOLE * seen, ACROSS * width), np.inf)
    for _ in range(MOST):
        likely = np.where(count >= least, count, 0)
        slope, row = np.unravel_index(likely.argmax(), count.shape)
        if not likely[slope, row]:
            return
        faint = np.flatnonzero(count[slope] < FAINT * count[slope, row])
        above, below = faint[faint < row].max(initial=-1), faint[faint > row].min(initial=size)
        if below - above - 1 > widest:
            return
        level = y + rises[slope, x]
        on_line = (level >= above) & (level <= below)  # its soft edge as well
        found[y[on_line], x[on_line]] = True
        count -= _counted(y[on_line], x[on_line], rises, size)
        y, x = y[~on_line], x[~on_line]


def _counted(
    y: NDArray[np.intp], x: NDArray[np.intp], rises: NDArray[np.intp], size: int
) -> NDArray[np.intp]:
    """Return how many pixels are in each row, ``(SLOPES, size)``, at each slope."""
    return np.stack([np.bincount(y + rise[x], minlength=size) for rise in rises])


def _crossing(inked: Mask, lines: Mask, reach: int) -> Mask:
    """Return where a stroke goes on on both sides of a line, so near."""
    rest = inked & ~lines
    crossing = np.zeros_like(inked)
    for along in (rest, rest.T):
        sides = [np.zeros_like(along), np.zeros_like(along)]
        for step in range(1, reach + 1):
            sides[0][step:] |= along[:-step]
            sides[1][:-step] |= along[step:]
        both = sides[0] & sides[1]
        crossing |= both if along is rest else both.T
    return crossing
