"""Pen strokes to the 28x28 picture that the network reads: the only rasteriser of the project.

A drawing is vectors, so nothing of the canvas is kept but the shape: whatever the size, the place
and the pen were, the strokes are inked afresh the way MNIST's digits look. MNIST's own form (LeCun,
Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition", 1998, section
III.A): the ink's longer side is 20 pixels, and its centre of mass is the middle of a 28x28 field,
between pixels 13 and 14. (In MNIST's own images it lies at pixel 14, where
`nn.picture.mnist_form` puts it; training shifts images by more than this half pixel.)
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 28
"""Height and width of the network's picture, pixels."""
BOX = 20.0
"""The longer side of the ink, pixels."""
PEN_WIDTH = 2.5
"""The width of MNIST's average line, pixels."""
MAX_COORDINATE = 1e9
"""A coordinate beyond this is an error: no canvas is that large."""
SPACING = 0.5
"""The pen is set down this often along a stroke, pixels: close enough that no gap shows."""
MAX_DABS = 1024
"""So many dabs along a drawing's strokes, and two more for each: it bounds the time."""
MIN_EXTENT = 1e-300
"""A drawing that extends less than this is a dot: its scale would not be a finite number."""

FIELD = SIDE + 2
"""The side of the field that is inked: a square of pixels about a dab may stand out a little."""

Strokes = Sequence[Sequence[Sequence[float]]]
Points = NDArray[np.float64]
"""One stroke: ``(points, 2) float64``, x then y, y growing downwards."""
Box = tuple[float, float, float, float]
"""``(left, top, right, bottom)``, y downwards."""


class StrokesError(ValueError):
    """Strokes that are not lists of finite points."""


def longer_side(box: Box) -> float:
    """Return the longer of a box's width and height."""
    left, top, right, bottom = box
    return max(right - left, bottom - top)


def parse_strokes(strokes: Strokes | Any) -> list[Points]:
    """Check ``strokes`` and return them as arrays, strokes without points left out.

    Raises StrokesError, which names the place, as in ``strokes[2][5]``, what was expected and what
    came.
    """
    if not _is_list(strokes):
        raise StrokesError(f"strokes: expected a list of strokes, got {_kind(strokes)}")
    return [
        points
        for index, stroke in enumerate(strokes)
        if (points := _parse_stroke(stroke, f"strokes[{index}]")).size
    ]


def _parse_stroke(stroke: Any, place: str) -> Points:
    if not _is_list(stroke):
        raise StrokesError(f"{place}: expected a list of [x, y] points, got {_kind(stroke)}")
    if len(stroke) == 0:
        return np.empty((0, 2))
    try:
        points = np.asarray(stroke)
    except (ValueError, OverflowError):  # points of unequal length
        points = np.empty(0, object)
    if points.ndim == 2 and points.shape[1] == 2 and points.dtype.kind in "iuf":
        points = points.astype(np.float64)
        if np.abs(points).max() <= MAX_COORDINATE:  # False for NaN too
            return points
    # Something is wrong with at least one point: look for the first, to be able to name it.
    for index, point in enumerate(stroke):
        if not _is_point(point):
            raise StrokesError(
                f"{place}[{index}]: expected two finite numbers [x, y] of size at most "
                f"{MAX_COORDINATE:g}, got {_kind(point)}"
            )
    return np.array([[float(x), float(y)] for x, y in stroke])


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _is_point(point: Any) -> bool:
    return _is_list(point) and len(point) == 2 and all(_is_coordinate(value) for value in point)


def _is_coordinate(value: Any) -> bool:
    is_number = isinstance(value, int | float | np.integer | np.floating)
    if not is_number or isinstance(value, bool):
        return False
    return bool(-MAX_COORDINATE <= value <= MAX_COORDINATE)  # False for NaN too


def _kind(value: Any) -> str:
    """Describe a wrong value shortly, whatever it is and however long."""
    # reprlib stops early; repr may be as long as the request, or the list nested too deep for it.
    is_array = isinstance(value, np.ndarray)
    try:
        text = f"array of shape {value.shape}" if is_array else reprlib.repr(value)
    except ValueError:  # Python shows no whole number of thousands of digits
        text = "too long to show"
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '...'}"


def bounding_box(strokes: Sequence[Points]) -> Box:
    """Return ``(left, top, right, bottom)`` of all points, in the drawing's own units."""
    points = strokes[0] if len(strokes) == 1 else np.concatenate(strokes)
    left, top = points.min(axis=0).tolist()
    right, bottom = points.max(axis=0).tolist()
    return left, top, right, bottom


def union(boxes: Sequence[Box]) -> Box:
    """Return the box around all ``boxes``."""
    if len(boxes) == 1:
        return boxes[0]
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def ink(
    strokes: Strokes | Sequence[NDArray[np.floating[Any]]], pen_width: float = PEN_WIDTH
) -> NDArray[np.uint8]:
    """Draw ``strokes`` in MNIST's form: ``(28, 28) uint8``, white (255) on black.

    No strokes leave it black. ``pen_width`` is in pixels of the result. Raises StrokesError for
    malformed strokes, ValueError for a pen that is not thinner than the ink is long.
    """
    if not 0 < pen_width < BOX:
        raise ValueError(f"expected a pen_width between 0 and {BOX:g}, got {pen_width}")
    parsed = parse_strokes(strokes)
    if not parsed:
        return np.zeros((SIDE, SIDE), np.uint8)
    return ink_within(parsed, bounding_box(parsed), pen_width)


def ink_within(
    strokes: Sequence[Points], box: Box, pen_width: float = PEN_WIDTH
) -> NDArray[np.uint8]:
    """Draw checked strokes, at least one, whose bounding box is known: see `ink`."""
    dabs = _dabs(strokes, box, BOX - pen_width)
    return _stamp(_centre(dabs, pen_width / 2), pen_width / 2)


def _dabs(strokes: Sequence[Points], box: Box, extent: float) -> NDArray[np.float32]:
    """Scale the drawing's longer side to ``extent`` pixels; return points evenly along its strokes.

    ``(dabs, 2) float32``. A drawing without extent (a dot) gives its one place.
    """
    side = longer_side(box)
    scale = extent / side if side > MIN_EXTENT else 0.0
    scaled = [(points - box[:2]) * scale for points in strokes]
    distances = [travelled(points) for points in scaled]
    lengths = [float(distance[-1]) for distance in distances]
    spacing = max(SPACING, sum(lengths) / MAX_DABS)
    counts = [2 + int(length / spacing) for length in lengths]
    dabs = np.empty((sum(counts), 2), np.float32)
    first = 0
    for points, distance, length, count in zip(scaled, distances, lengths, counts, strict=True):
        places = np.arange(count) * (length / (count - 1))
        places[-1] = length
        for axis in (0, 1):
            dabs[first : first + count, axis] = np.interp(places, distance, points[:, axis])
        first += count
    return dabs


def travelled(points: Points) -> NDArray[np.float64]:
    """Return how far the pen has come at each point: ``(points,) float64``, the first 0."""
    distance = np.zeros(len(points))
    steps = points[1:] - points[:-1]
    np.hypot(steps[:, 0], steps[:, 1]).cumsum(out=distance[1:])
    return distance


def _centre(dabs: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
    """Move the dabs' centre of mass to the field's middle, as far as all ink stays in the field."""
    lowest, highest, mean = dabs.min(axis=0), dabs.max(axis=0), dabs.sum(axis=0) / len(dabs)
    # Not np.clip: on so few numbers its checks take longer than all the rest.
    shift = np.minimum(np.maximum(SIDE / 2 - mean, radius - lowest), SIDE - radius - highest)
    centred: NDArray[np.float32] = dabs + shift
    return centred


def _stamp(dabs: NDArray[np.float32], radius: float) -> NDArray[np.uint8]:
    """Ink a disc of ``radius`` pixels at each dab, ``(dabs, 2)`` in pixels, its edge a pixel soft.

    A pixel's grey is ``radius + 1/2 - d`` within 0 and 1, ``d`` being the distance of its middle to
    the nearest dab: what a straight edge covers of it. Only a few pixels about each dab are so near
    to it that they get any.
    """
    reach = radius + 0.5
    count = math.ceil(2 * reach)  # of columns whose middles are within reach; of rows as well
    across = np.arange(count)
    middles, places = across.astype(np.float32) + np.float32(0.5), across[:, None] * FIELD + across
    nearest = np.full(FIELD * FIELD, np.inf, np.float32)
    for start in range(0, len(dabs), MAX_DABS):  # mostly one round
        some = dabs[start : start + MAX_DABS]
        first = (some - np.float32(radius)).astype(np.intp)  # column and row, not less than 0
        squares = (first.astype(np.float32)[:, :, None] + middles) - some[:, :, None]
        squares *= squares
        distances = squares[:, 1, :, None] + squares[:, 0, None, :]  # (dabs, row, column), squared
        corners = first[:, 1] * FIELD + first[:, 0]
        np.minimum.at(nearest, (corners[:, None, None] + places).ravel(), distances.ravel())
    grey = np.sqrt(nearest)
    np.subtract(reach, grey, out=grey)
    np.maximum(grey, 0, out=grey)
    np.minimum(grey, 1, out=grey)
    grey *= 255
    grey += 0.5
    return grey.reshape(FIELD, FIELD)[:SIDE, :SIDE].astype(np.uint8)
