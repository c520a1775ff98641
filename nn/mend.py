"""A pen that skips leaves two strokes where the hand made one: those are put together again."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nn.ink import MIN_EXTENT, Box, Points, longer_side, union

WIDEST_GAP = 0.3
"""A skip is at most so long, in units of the longer side of the two strokes together."""
LOOK_BACK = 0.08
"""The pen's direction is that of the last, or first, so long a part of a stroke; same unit."""
STRAIGHT, CURVED = math.radians(50), math.radians(80)
"""The pen goes on in its direction: at both ends of the gap it turns at most so far, in a curve,
that is, to the same side at both ends, farther.
"""


def mended(strokes: Sequence[Points], boxes: Sequence[Box]) -> list[Points]:
    """Return a mark's strokes, those that follow each other as if the pen had stayed down as one.

    A stroke belongs to the one before it if it begins near that one's end, and both lie in line, or
    in one curve, with the gap between them. A cross-bar, a dot or the next digit begins in another
    direction. ``boxes`` are the strokes' bounding boxes.
    """
    whole = list(strokes[:1])
    for index in range(1, len(strokes)):
        if goes_on(strokes, boxes, index):
            whole[-1] = np.concatenate([whole[-1], strokes[index]])
        else:
            whole.append(strokes[index])
    return whole


def goes_on(strokes: Sequence[Points], boxes: Sequence[Box], index: int) -> bool:
    """Tell whether a stroke looks like the one before it, gone on with after a skip."""
    before, after = strokes[index - 1], strokes[index]
    size = longer_side(union(boxes[index - 1 : index + 1]))
    gap = after[0] - before[-1]
    length = math.hypot(*gap.tolist())
    is_tap = longer_side(boxes[index]) < LOOK_BACK * size  # its direction is mere trembling
    if not 0 < length <= (LOOK_BACK if is_tap else WIDEST_GAP) * size:
        return False
    leaving = before[-1] - some_way_off(before[::-1], LOOK_BACK * size)
    coming = some_way_off(after, LOOK_BACK * size) - after[0]
    if not (leaving.any() and coming.any()):
        return False
    first, second = _turn(leaving, gap), _turn(gap, coming)
    farthest = max(abs(first), abs(second))
    return farthest <= STRAIGHT or (farthest <= CURVED and first * second > 0)


def touches(
    strokes: Sequence[Points], boxes: Sequence[Box], index: int, other: int, reach: float
) -> bool:
    """Tell whether a stroke begins or ends within ``reach`` of another one's line."""
    (left, top, right, bottom), (low, high, far, deep) = boxes[index], boxes[other]
    if max(left - far, low - right, top - deep, high - bottom) > reach:
        return False
    line = strokes[other]
    begin, way = (line[:-1], line[1:] - line[:-1]) if len(line) > 1 else (line, line * 0)
    length = np.maximum((way * way).sum(axis=1), MIN_EXTENT)
    for point in strokes[index][[0, -1]]:
        along = np.clip(((point - begin) * way).sum(axis=1) / length, 0, 1)
        if np.hypot(*(begin + along[:, None] * way - point).T).min() <= reach:
            return True
    return False


def _turn(a: Points, b: Points) -> float:
    """Return the angle from direction ``a`` to ``b``, ``(2,)`` each, in radians from -pi to pi."""
    (ax, ay), (bx, by) = a.tolist(), b.tolist()
    return math.atan2(ax * by - ay * bx, ax * bx + ay * by)


def some_way_off(points: Points, distance: float) -> Points:
    """Return the first of ``points`` that is so far from their first one, else the last."""
    away = np.hypot(*(points - points[0]).T) >= distance
    found: Points = points[int(away.argmax())] if away.any() else points[-1]
    return found
