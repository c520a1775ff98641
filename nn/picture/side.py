"""A straight side of something in a picture: what lies along it, and where exactly it runs."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nn.picture.pieces import Grey

END = 0.02  # of a side, at either end, is not looked at: others meet it there

Points = NDArray[np.float64]
"""``(..., 2)``: x and y; those of a pixel's middle are whole numbers."""


class Side(NamedTuple):
    """A straight line between two points, each ``(2,) float64``."""

    start: Points
    end: Points

    @property
    def way(self) -> Points:
        """From the start to the end."""
        return self.end - self.start

    @property
    def length(self) -> float:
        """In pixels."""
        return math.hypot(*self.way)

    @property
    def across(self) -> Points:
        """A step of one pixel at a right angle to the side."""
        x, y = self.way
        step: Points = np.array([-y, x]) / max(self.length, 1.0)
        return step

    def points(self, shares: NDArray[Any]) -> Points:
        """Return the points at some shares of the way."""
        points: Points = self.start + self.way * shares[..., None]
        return points


def at(values: NDArray[Any], points: Points) -> NDArray[Any]:
    """Return the values ``(h, w)`` at points ``(..., 2)``: those of the nearest pixels."""
    x, y = ((points[..., i] + 0.5).astype(int).clip(0, values.shape[1 - i] - 1) for i in (0, 1))
    found: NDArray[Any] = values[y, x]
    return found


def along(values: NDArray[Any], side: Side, off: float = 0.0) -> NDArray[Any]:
    """Return the values along a side, or beside it, so many pixels off."""
    return at(values, side.points(_places(side)) + side.across * off)


def settled(ink: Grey, side: Side, reach: int) -> Side:
    """Move a side's ends across it, each so far at most, to where most ink lies along it."""
    moves = side.across * np.arange(-reach, reach + 1)[:, None]
    starts, ends = side.start + moves, side.end + moves
    place = _places(side)[:, None, None, None]
    found = at(ink, starts[:, None] * (1 - place) + ends * place).mean(axis=0)
    first, last = np.unravel_index(found.argmax(), found.shape)
    return Side(starts[first], ends[last])


def meeting(one: Side, other: Side) -> Points:
    """Return the point where two sides meet that are not parallel, by Cramer's rule."""
    (ax, ay), (bx, by), (x, y) = one.way, other.way, other.start - one.start
    point: Points = one.start + one.way * ((x * by - y * bx) / (ax * by - ay * bx))
    return point


def _places(side: Side) -> NDArray[np.float64]:
    """A place for each pixel of the way, as shares of it."""
    return np.linspace(END, 1 - END, max(2, int(side.length)))
