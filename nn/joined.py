"""Digits drawn in one stroke: where the pen may have gone on from one to the next.

A stroke is cut where the pen turned, and where it was highest or lowest: digits begin and end
there. Between two of them may lie a link, on which the pen went from one to the next. Which pieces
are which digit, and which are links, `nn.cuts` finds by the network's answers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from nn.cuts import WIDEST, links_after
from nn.ink import Box, Points, bounding_box, travelled, union
from nn.layout import Run

SURE = 0.85
"""So likely a stroke is the digits that are found in it, or it is left whole: a B is like a 13."""

# Lengths are in units of the stroke's height, but for those in steps.
STEP = 0.04  # between the points at which the stroke is looked at
LONGEST = 40.0  # a longer stroke is a scribble: it bounds the time
LOOK = 4  # in steps: the way before a point, and after it, that tells how far the pen turns there
CORNER = math.radians(50)  # where it turns farther, a digit may end
NEAREST = 4  # in steps: no two cuts are nearer to each other
FARTHEST = 0.7  # a piece that is longer is cut evenly
MOST_PIECES, MOST_RUNS = 40, 160  # a stroke with more is a scribble: it bounds the time
MOST_IN_A_DIGIT = 9  # pieces
LOWEST = 0.6  # no digit is lower
STRAIGHT = 0.8  # of a link's way: its ends are so far from each other
BACK, DOWN = 0.1, 0.25  # a link goes no farther to the left, or down: digits begin at the top
LONGEST_LINK = 2.0


def pieces_of(stroke: Points) -> list[Points]:
    """Cut a stroke where a digit may end; each piece begins where the one before it ends.

    ``(points, 2) float64`` each. There are none where the stroke is too short, or too long, to be
    several digits.
    """
    _, top, _, bottom = bounding_box([stroke])
    points = _evenly(stroke, STEP * (bottom - top))
    if len(points) < 2 * LOOK + 2:
        return []
    cuts = [0]
    for first, last in pairwise([0, *_turns(points), len(points) - 1]):
        count = max(1, round((last - first) * STEP / FARTHEST))
        cuts += [first + (last - first) * part // count for part in range(1, count + 1)]
    if len(cuts) > MOST_PIECES + 1:
        return []
    return [points[first : last + 1] for first, last in pairwise(cuts)]


def runs_of(pieces: Sequence[Points], boxes: Sequence[Box]) -> tuple[list[Run], list[Run]]:
    """Return which neighbouring pieces, whose ``boxes`` these are, may be a digit, and which a
    link.
    """
    count = len(pieces)
    _, top, _, bottom = union(boxes)
    height = bottom - top
    digits, links = [], []
    for first in range(count):
        way = 0.0
        for last in range(first + 1, min(first + MOST_IN_A_DIGIT, count) + 1):
            way += STEP * (len(pieces[last - 1]) - 1)
            across, down = ((pieces[last - 1][-1] - pieces[first][0]) / height).tolist()
            is_straight = math.hypot(across, down) >= STRAIGHT * way
            looks_like_link = is_straight and across >= -BACK and down <= DOWN
            if looks_like_link and first > 0 and last < count and way <= LONGEST_LINK:
                links.append((first, last))
            left, top, right, bottom = union(boxes[first:last])
            is_large = right - left <= WIDEST * height and bottom - top >= LOWEST * height
            if is_large and not looks_like_link:
                digits.append((first, last))
    digits = _on_a_way(digits, links, count)
    return (digits, links) if len(digits) <= MOST_RUNS else ([], [])


def _evenly(stroke: Points, step: float) -> Points:
    """Return points a ``step`` apart along a stroke, and its end; none if it is too long."""
    way = travelled(stroke)
    if not 0 < way[-1] <= step * LONGEST / STEP:
        return stroke[:0]
    places = np.append(np.arange(int(way[-1] / step) + 1) * step, way[-1])
    return np.stack([np.interp(places, way, stroke[:, axis]) for axis in (0, 1)], axis=1)


def _turns(points: Points) -> list[int]:
    """Return where a stroke turns, or is highest or lowest, in ascending order."""
    smooth = _smoothed(points)
    way = smooth[LOOK:] - smooth[:-LOOK]
    before, after = way[:-LOOK], way[LOOK:]
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    turn = np.abs(np.arctan2(cross, (before * after).sum(axis=1)))
    turn += CORNER * (before[:, 1] * after[:, 1] < 0)
    found: list[int] = []
    for place in np.argsort(-turn).tolist():
        if turn[place] <= CORNER:
            break
        if all(abs(place + LOOK - other) >= NEAREST for other in found):
            found.append(place + LOOK)
    return sorted(found)


def _smoothed(points: Points) -> Points:
    """Return the means of five neighbouring points: a mouse goes in steps, and hands tremble."""
    smooth = points.copy()
    smooth[2:-2] = sum(points[first : len(points) - 4 + first] for first in range(5)) / 5
    return smooth


def _on_a_way(digits: Sequence[Run], links: Sequence[Run], count: int) -> list[Run]:
    """Return the digits that are part of some way from the first of so many pieces to the last."""
    after = links_after(links)
    begins, ends = {0}, {count}
    for first, last in sorted(digits):
        if first in begins:
            begins.update((last, *after.get(last, ())))
    for first, last in sorted(digits, reverse=True):
        if not ends.isdisjoint((last, *after.get(last, ()))):
            ends.add(first)
    return [
        (first, last)
        for first, last in digits
        if first in begins and not ends.isdisjoint((last, *after.get(last, ())))
    ]
