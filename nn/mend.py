"""A pen that skips leaves two strokes where the hand made one: those are put together again."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nn.ink import Points

WIDEST_GAP = 0.25
"""A skip is at most so long, in units of the longer side of the two strokes together."""
LOOK_BACK = 0.08
"""The pen's direction is that of the last, or first, so long a part of a stroke; same unit."""
ASIDE = math.cos(math.radians(50))
"""The pen goes on in its direction: at most this far from it at both ends of the gap."""


def mended(strokes: Sequence[Points]) -> list[Points]:
    """Return a mark's strokes, those that follow each other as if the pen had stayed down as one.

    A stroke belongs to the one before it if it begins near that one's end, and both lie in line
    with the gap between them. A cross-bar, a dot or the next digit begins in another direction.
    """
    whole: list[Points] = []
    for index, stroke in enumerate(strokes):
        if index and _goes_on(strokes[index - 1], stroke):
            whole[-1] = np.concatenate([whole[-1], stroke])
        else:
            whole.append(stroke)
    return whole


def _goes_on(before: Points, after: Points) -> bool:
    gap = after[0] - before[-1]
    both = np.concatenate([before, after])
    size = float(np.ptp(both, axis=0).max())
    length = float(np.hypot(*gap))
    if not 0 < length <= WIDEST_GAP * size:
        return False
    leaving = before[-1] - _some_way_off(before[::-1], LOOK_BACK * size)
    coming = _some_way_off(after, LOOK_BACK * size) - after[0]
    for direction in (leaving, coming):
        reach = float(np.hypot(*direction))
        if reach == 0 or float(direction @ gap) < ASIDE * reach * length:
            return False
    return True


def _some_way_off(points: Points, distance: float) -> Points:
    """Return the first of ``points`` that is so far from their first one, else the last."""
    away = np.hypot(*(points - points[0]).T) >= distance
    found: Points = points[int(away.argmax())] if away.any() else points[-1]
    return found
