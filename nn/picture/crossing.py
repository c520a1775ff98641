"""Take lines out of ink, but for the strokes that go over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nn.picture.pieces import Grey, Mask, grown

STRONGER = 1.5  # times as strong as a line is what was written over it


class Line(NamedTuple):
    """A line's pixels, ``(h, w)``, but for what is stronger than it; its width in pixels, and its
    strength, of full ink.
    """

    pixels: Mask
    width: int
    strength: float

    def turned(self) -> Line:
        """Return the line with rows and columns exchanged."""
        return self._replace(pixels=self.pixels.T)


def without_lines(ink: Grey, lines: Sequence[Line], body: float) -> Grey:
    """The ink without lines, but for strokes over them."""
    if not lines:
        return ink
    inked = ink > body
    on_line = np.logical_or.reduce([line.pixels for line in lines])
    on_line &= ~_crossing(inked, on_line, max(line.width for line in lines))
    return np.where(on_line | (grown(on_line, 1) & ~inked), np.float32(0), ink)


def _crossing(inked: Mask, on_line: Mask, reach: int) -> Mask:
    """Return where ink goes on to both sides of a line, so far at most, in one of 8 directions."""
    height, width = inked.shape
    ink, rest = np.pad(inked, 2 * reach), np.pad(inked & ~on_line, 2 * reach)
    crossing = np.zeros_like(inked)
    for down, across in ((0, 1), (1, 2), (1, 1), (2, 1), (1, 0), (2, -1), (1, -1), (1, -2)):
        ends = []
        for way in (-1, 1):
            inside, end = inked & on_line, np.zeros_like(inked)
            for step in range(1, reach + 1):
                top, left = (2 * reach + way * step * along for along in (down, across))
                window = np.s_[top : top + height, left : left + width]
                end |= inside & rest[window]
                inside &= ink[window]
            ends.append(end)
        crossing |= ends[0] & ends[1]
    return crossing
