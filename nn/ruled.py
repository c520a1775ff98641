"""The lines of ruled or squared paper, and the sides of boxes for a digit each, are no ink."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nn.pieces import Grey, Mask, grown, rim
from nn.straight import Line, lines_in

WIDEST = 32  # of them would fill the picture: a line of the paper is no wider
SURE = 2  # level lines are the paper's, whatever else there is,
SHORT, NEAR = 0.08, 0.02  # if they end so near the rim, and others so near where they are not sure
THIN, LEAST_THIN = 0.09, 3  # of a box's height, and pixels: so thin are its sides
AROUND = 0.05  # of a box's width: so far about it is looked
SIDES = 2, 3  # level and upright, or more, are those of boxes: a single one may be a 0 with corners


def without_rules(ink: Grey, least: float, body: float, is_part: bool = False) -> Grey:
    """Return ``ink: (h, w)``, full ink 1, without lines across the picture, itself without any.

    Lines are at least ``least`` strong; ``body`` is what holds strokes together, which stay where
    they go over a line. A single line stays if something else lies on the rim: in a picture that
    was cut out tightly the bar of a 7 may go from side to side, or a 1 from top to bottom. So it
    does in what ``is_part`` of a picture, cut out about a digit.
    """
    widest = min(ink.shape) // WIDEST
    if not widest:
        return ink
    level, upright = lines_in(ink, widest, least)
    sides = [line.pixels for line in level if line.is_side]
    if len(sides) >= SIDES[0]:  # perhaps of boxes, whose other sides are too short to be found here
        seen = np.logical_or.reduce(sides) & (ink > least)
        unboxed = without_boxes(ink, seen, least, body)
        if unboxed is not ink:
            return unboxed
    is_sure = sum(not line.is_side and line.short <= SHORT for line in level) >= SURE
    short = SHORT if is_sure else max(NEAR, 2 / min(ink.shape))
    lines = [line for line in level + upright if not line.is_side and line.short <= short]
    rest = _without(ink, lines, body)
    return rest if is_sure or not (is_part or rim(rest > body).any()) else ink


def without_boxes(ink: Grey, seen: Mask, least: float, body: float) -> Grey:
    """Return ``ink: (h, w)`` without the sides of boxes in a row as large as what was ``seen``,
    itself without any. Digits may touch the sides.
    """
    (top, bottom), (left, right) = (np.flatnonzero(seen.any(axis))[[0, -1]] for axis in (1, 0))
    around = max(LEAST_THIN, round(AROUND * (right - left)))
    widest = max(LEAST_THIN, round(THIN * (bottom - top)))
    written = np.pad(ink, around)
    window = written[top : bottom + 1 + 2 * around, left : right + 1 + 2 * around]
    level, upright = (
        [line for line in found if line.is_side] for found in lines_in(window, widest, least)
    )
    if len(level) < SIDES[0] or len(upright) < SIDES[1]:
        return ink
    window[:] = _without(window, level + upright, body)
    return written[around:-around, around:-around]


def _without(ink: Grey, lines: Sequence[Line], body: float) -> Grey:
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
