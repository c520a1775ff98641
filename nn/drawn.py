"""The strokes of one line as the parts of a row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nn.cuts import Slices
from nn.ink import Box, Points, bounding_box, ink_within, union
from nn.joined import SURE, pieces_of, runs_of
from nn.layout import Mark, Parts
from nn.mend import goes_on, mended, touches
from nn.row import Row


class Drawn(Row):
    """Strokes, and the pieces of those that were cut."""

    def __init__(self, strokes: Sequence[Points], numbers: Sequence[int]) -> None:
        """Take strokes, and which of the drawing's they are."""
        self.boxes = [bounding_box([stroke]) for stroke in strokes]
        self._points, self._boxes, self._numbers = [*strokes], [*self.boxes], [*numbers]

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
        return part < len(self.boxes) and goes_on(self._points, self.boxes, part)

    def touches(self, part: int, other: int, reach: float) -> bool:
        """Tell whether a stroke begins or ends within ``reach`` of another one's line."""
        return touches(self._points, self.boxes, part, other, reach)

    def strokes(self, parts: Parts) -> tuple[int, ...]:
        """Return the numbers of the strokes; a cut one is in several marks."""
        return tuple(sorted({self._numbers[part] for part in parts}))

    def content(self, parts: Parts) -> tuple[bytes, ...]:
        """Return the points of each part."""
        return tuple(self._points[part].tobytes() for part in parts)
