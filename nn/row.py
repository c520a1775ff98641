"""What `nn.numbers` and the recognizer ask of a row's parts, be they strokes or pieces of ink."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nn.cuts import Slices
from nn.ink import Box
from nn.layout import Parts


class Row:
    """The parts of one line. What is cut out of them becomes further parts, with higher numbers."""

    def __init__(self, boxes: Sequence[Box]) -> None:
        """Take the boxes of the parts as they come."""
        self.boxes = boxes

    def picture(self, parts: Parts) -> tuple[NDArray[np.uint8], Box]:
        """Return parts as the network sees them, ``(28, 28)``, and the box about them."""
        raise NotImplementedError

    def cut(self, parts: Parts, several: float) -> Slices:
        """Cut a mark in which ``several`` digits hang together, as likely as that, 0 to 1."""
        return Slices()

    def goes_on(self, part: int) -> bool:
        """Tell whether a part looks like the one before it, gone on with after a skip."""
        return False

    def touches(self, part: int, other: int, reach: float) -> bool:
        """Tell whether a part begins or ends within ``reach`` of another one's line."""
        return False

    def apart(self, parts: Parts, others: Parts, reach: float) -> float:
        """Return the empty columns between parts and the ink of others in the same rows, or in
        those that are no farther than ``reach`` from them; -inf if that cannot be told.
        """
        return -math.inf

    def strokes(self, parts: Parts) -> tuple[int, ...]:
        """Return the numbers of the drawing's strokes that parts belong to."""
        return ()

    def content(self, parts: Parts) -> tuple[bytes, ...]:
        """Return what is the same for the same strokes alone."""
        return ()
