"""The strokes of one line as the parts of a row."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nn.cuts import Slices
from nn.ink import Box, Points, bounding_box, ink_within, longer_side, travelled, union
from nn.joined import SURE, pieces_of, runs_of
from nn.layout import Mark, Parts
from nn.mend import goes_on, mended, touches
from nn.row import Row

HIGH = 0.6  # of the highest stroke: lines are so high, or higher,
BENT = 1.25  # and at most so many times as long as from end to end
LEANING = 0.2  # across by down: where they lean so far, or farther,
ALIKE = 0.3  # and differ by no more, their boxes are those of upright ones;
SMALL = 0.35  # of the highest stroke: what is no larger may be a point, which stands as it is drawn
TWICE = 0.12  # of the highest stroke: a line no farther from another may be the same, gone over


class Drawn(Row):
    """Strokes, and the pieces of those that were cut.

    The ``boxes`` of 1s that lean overlap: they are taken as if these stood upright.
    """

    def __init__(self, strokes: Sequence[Points], numbers: Sequence[int]) -> None:
        """Take strokes, and which of the drawing's they are."""
        self._boxes = [bounding_box([stroke]) for stroke in strokes]
        self._points, self._numbers = [*strokes], [*numbers]
        boxes = [*self._boxes]
        if lean := lean_of(strokes, self._boxes):
            upright = np.array([[1, 0], [-lean, 1]])
            boxes = [bounding_box([stroke @ upright]) for stroke in strokes]
        super().__init__(boxes)

    def picture(self, parts: Parts) -> tuple[NDArray[np.uint8], Box]:
        """Return parts, inked afresh, and their box in the drawing's own units."""
        strokes, boxes = [self._points[part] for part in parts], [self._boxes[p] for p in parts]
        box = union(boxes)
        return ink_within(mended(strokes, boxes), box), box

    def cut(self, parts: Parts, several: float) -> Slices:
        """Cut a mark of one stroke where the pen may have gone on to another digit.

        How likely it is several, times how likely these are in the mean, has to be `SURE`.
        """
        may_be = len(parts) == 1 and several >= SURE
        pieces = pieces_of(self._points[parts[0]]) if may_be else []
        if not pieces:
            return Slices()
        boxes = [bounding_box([piece]) for piece in pieces]
        slices = [Mark((len(self._points) + index,), box) for index, box in enumerate(boxes)]
        self._points += pieces
        self._boxes += boxes
        self._numbers += [self._numbers[parts[0]]] * len(pieces)
        return Slices(slices, *runs_of(pieces, boxes), SURE / several)

    def goes_on(self, part: int) -> bool:
        """Tell whether a stroke goes on where the one before it was skipped; a piece never does."""
        return part < len(self.boxes) and goes_on(self._points, self._boxes, part)

    def touches(self, part: int, other: int, reach: float) -> bool:
        """Tell whether a stroke begins or ends within ``reach`` of another one's line."""
        return touches(self._points, self._boxes, part, other, reach)

    def apart(self, parts: Parts, others: Parts, reach: float) -> float:
        """Return the empty columns between parts and the lines of others in the same rows."""
        left, top, right, bottom = union([self._boxes[part] for part in parts])
        columns = [columns_within(self._points[o], top - reach, bottom + reach) for o in others]
        found = [each for each in columns if each]
        if not found:
            return -math.inf
        first, last = min(low for low, _ in found), max(high for _, high in found)
        return max(first - right, left - last)

    def strokes(self, parts: Parts) -> tuple[int, ...]:
        """Return the numbers of the strokes; a cut one is in several marks."""
        return tuple(sorted({self._numbers[part] for part in parts}))

    def content(self, parts: Parts) -> tuple[bytes, ...]:
        """Return the points of each part."""
        return tuple(self._points[part].tobytes() for part in parts)


def columns_within(stroke: Points, top: float, bottom: float) -> tuple[float, float] | None:
    """Return the first and the last column of what a stroke's line has between two rows, if any."""
    begin, end = (stroke[:-1], stroke[1:]) if len(stroke) > 1 else (stroke, stroke)
    way = end - begin
    # A level line goes down a little, too, so that it can be divided by.
    down = np.where(way[:, 1] == 0, 1e-9 * (bottom - top), way[:, 1])
    shares = np.sort([(row - begin[:, 1]) / down for row in (top, bottom)], axis=0).clip(0, 1)
    columns = (begin[:, 0] + shares * way[:, 0])[:, shares[0] < shares[1]]
    return (float(columns.min()), float(columns.max())) if columns.size else None


def lean_of(strokes: Sequence[Points], boxes: Sequence[Box]) -> float:
    """Return how far the lines lean, all about alike, across by down.

    0 where there are not two of them, or something small.
    """
    highest = max((bottom - top for _, top, _, bottom in boxes), default=0.0)
    if any(longer_side(box) <= SMALL * highest for box in boxes):
        return 0.0
    leans: list[float] = []
    places: list[float] = []
    for stroke, box in zip(strokes, boxes, strict=True):
        across, down = (stroke[-1] - stroke[0]).tolist()
        is_line = travelled(stroke)[-1] <= BENT * math.hypot(across, down)
        is_new = all(abs(box[0] - place) > TWICE * highest for place in places)
        if is_line and is_new and abs(down) >= HIGH * highest > 0:
            leans.append(across / down)
            places.append(box[0])
    if len(leans) < 2 or max(leans) - min(leans) > ALIKE:
        return 0.0
    mean = sum(leans) / len(leans)
    return mean if abs(mean) >= LEANING else 0.0
