"""Straight lines across a picture, level or upright, and whether they are the sides of a box."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nn.picture.closing import opened_down
from nn.picture.crossing import STRONGER, Line
from nn.picture.median import median
from nn.picture.pieces import Grey, Mask

STEEPEST, SLOPES = 0.12, 49  # slopes that are tried, either way: paper lies askew in a photo
ACROSS = 0.5  # of the picture: a line covers so much of it, hidden or faint at times,
WHOLE, CORNER = 0.8, 0.1  # or so much of what a corner of the picture shows, if that is so long,
FAINT = 0.35  # and its edges so much of what its middle does;
BESIDE = 0.2  # beside so much of it the picture goes on: a table at its border may end there
BEFORE = 0.02  # a box's side ends so far from it,
NEARLY = 1  # pixels from its row, so far its slope may be astray at the ends;
TURN, COVERED = 4, 0.8  # and goes on across there, for so many of its widths, nearly everywhere
MOST = 30  # lines that are looked for: it bounds the time
MANY = 2000  # pixels: fewer are counted faster for all slopes at once


class Rule(NamedTuple):
    """A line across the picture: whether it turns at both ends, and how far from the rim it ends,
    as a share of the picture; a level one's row in the middle of the picture, and how it falls.
    """

    line: Line
    is_side: bool
    short: float
    middle: float
    fall: float

    def goes_across(self, short: float) -> bool:
        """Tell whether it ends no farther than ``short`` from the rim, and is no box's side."""
        return not self.is_side and self.short <= short


def rules_in(ink: Grey, widest: int, least: float) -> Iterator[Rule]:
    """Find level lines in ``ink: (h, w)``, or nearly so, which are at most ``widest`` pixels wide
    and at least ``least`` strong, by a Hough transform: sheared by a line's slope, its pixels are
    in one row.
    """
    height, width = ink.shape
    inked = ink > least
    y, x = np.nonzero(inked & (ink - opened_down(ink, 2 * widest + 1) > least))
    slopes = np.linspace(-STEEPEST, STEEPEST, SLOPES)
    margin = round(STEEPEST * width)
    size = height + 2 * margin
    rises = np.rint(slopes[:, None] * (np.arange(width) - width / 2)).astype(int) + margin
    count = _counted(y, x, rises, size)
    edges = np.stack([np.bincount(each, minlength=size) for each in rises])
    seen = np.cumsum(edges - np.roll(edges, height, axis=1), axis=1)  # columns in the picture
    enough = np.where(seen >= CORNER * width, np.minimum(WHOLE * seen, ACROSS * width), np.inf)
    for _ in range(MOST):
        likely = np.where(count >= enough, count, 0)
        slope, row = np.unravel_index(likely.argmax(), count.shape)
        if not likely[slope, row]:
            return
        faint = np.flatnonzero(count[slope] < FAINT * count[slope, row])
        above, below = faint[faint < row].max(initial=-1), faint[faint > row].min(initial=size)
        level = y + rises[slope, x]
        beside = slope, [max(above, 0), min(below, size - 1)]
        is_line = below - above - 1 <= widest and (count[beside] < FAINT * seen[beside]).all()
        if is_line and seen[beside].min() >= BESIDE * seen[slope, row]:
            path = row - rises[slope]
            line = line_along(ink, path, (above - row, below - row), least)
            within = np.flatnonzero((path >= 0) & (path < height))
            there = x[np.abs(level - row) <= NEARLY]
            ends = there.min(), there.max()
            is_side = all(
                _turns(inked, path, int(end), way, widest)
                for end, way in zip(ends, (-1, 1), strict=True)
            )
            short = float(np.abs(ends - within[[0, -1]]).max() / width)
            yield Rule(line, is_side, short, float(row - margin), -float(slopes[slope]))
        on_line = (level >= above) & (level <= below)  # its soft edge as well
        count -= _counted(y[on_line], x[on_line], rises, size)
        y, x = y[~on_line], x[~on_line]


def line_along(ink: Grey, path: NDArray[np.intp], edges: tuple[int, int], least: float) -> Line:
    """Return the line at the rows ``path: (w,)``, whose soft edges are so far from there."""
    height, width = ink.shape
    rows = path + np.arange(edges[0], edges[1] + 1)[:, None]
    is_seen = (rows >= 0) & (rows < height)
    columns = np.broadcast_to(np.arange(width), rows.shape)
    # Across others, which hide it.
    band = np.where(is_seen, ink[rows.clip(0, height - 1), columns], np.float32(0))
    strongest = band.max(axis=0)
    strength = median(strongest[strongest > least])
    weak = is_seen & (band < STRONGER * strength)
    pixels = np.zeros(ink.shape, bool)
    pixels[rows[weak], columns[weak]] = True
    return Line(pixels, edges[1] - edges[0] + 1, strength)


def _counted(
    y: NDArray[np.intp], x: NDArray[np.intp], rises: NDArray[np.intp], size: int
) -> NDArray[np.intp]:
    """Return how many pixels are in each row, ``(SLOPES, size)``, sheared by each slope."""
    if len(y) > MANY:  # so many places at once would not fit the processor's cache
        return np.stack([np.bincount(y + rise[x], minlength=size) for rise in rises])
    places = rises + size * np.arange(len(rises))[:, None]
    count = np.bincount((y + places[:, x]).ravel(), minlength=places.shape[0] * size)
    return count.reshape(-1, size)


def _turns(inked: Mask, path: NDArray[np.intp], end: int, way: int, widest: int) -> bool:
    """Tell whether a line, ``way`` on from its end, meets one that goes up or down from there."""
    height, width = inked.shape
    ahead = np.arange(end, end + way * (widest + 2), way)
    ahead = ahead[(ahead >= 0) & (ahead < width)]
    ahead = ahead[(path[ahead] >= 0) & (path[ahead] < height)]
    beside = np.clip(path[ahead] + np.arange(-2, 3)[:, None], 0, height - 1)
    goes_on = np.cumprod(inked[beside, ahead].any(axis=0))
    x = end + way * max(0, int(goes_on.sum()) - 1)
    if x < BEFORE * width or x >= (1 - BEFORE) * width:
        return False
    column: Mask = inked[:, max(0, x - 2) : x + 3].max(axis=1)
    y, high = int(path[x]), TURN * widest
    above = column[max(0, y - high) : max(0, y - widest)]
    below = column[y + widest + 1 : y + high + 1]
    return any(len(part) > widest and part.mean() >= COVERED for part in (above, below))
