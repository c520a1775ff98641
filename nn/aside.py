"""Finds a stroke that is no part of a number: a line under it, or a ring or frame about it."""

from __future__ import annotations

from collections.abc import Sequence

from nn.ink import Box, union
from nn.layout import MOST_PARTS

# Shares of the stroke's own width or height, or of the height of what it goes with.
LEVEL = 0.15  # a line under a number is so level, or more,
UNDER = 0.7  # lies under so much of it,
CLOSE = 0.1  # and reaches so little up into it
FILLED = 0.25  # a ring about a number is filled so far up by it, or more


def stroke_aside(boxes: Sequence[Box]) -> int | None:
    """Return which stroke underlines or surrounds all others, by their ``boxes``; None if none."""
    if not 1 < len(boxes) <= MOST_PARTS:
        return None
    for i, (left, top, right, bottom) in enumerate(boxes):
        others = union([box for j, box in enumerate(boxes) if j != i])
        wide, high = others[2] - others[0], others[3] - others[1]
        is_left_above = left < others[0] and top < others[1]
        is_about = is_left_above and right > others[2] and bottom > others[3]
        if is_about and high >= FILLED * (bottom - top):
            return i
        beside = min(right, others[2]) - max(left, others[0])
        is_under = beside >= UNDER * wide and top >= others[3] - CLOSE * high
        is_level = bottom - top <= LEVEL * (right - left)
        if is_under and is_level and wide > high:  # under a single digit it may be its foot
            return i
    return None
