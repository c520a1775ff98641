"""The pieces of ink in one line of a picture as the parts of a row."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nn.cuts import Slices, slice_runs
from nn.image import Picture
from nn.ink import Box
from nn.layout import Mark, Parts
from nn.picture.mnist_form import extent_of
from nn.row import Row


class Pictured(Row):
    """Pieces, and the slices of those that were cut."""

    def __init__(
        self,
        picture: Picture,
        of_pixel: NDArray[np.intp],
        pieces: Sequence[int],
        ways: Sequence[Box],
    ) -> None:
        """Take some ``pieces`` of a picture, and the boxes of the ways that the pen went there.

        ``of_pixel`` is the number of each pixel's piece.
        """
        super().__init__(ways)
        self._picture, self._of_pixel, self._pieces = picture, of_pixel, pieces
        self._is_all = len(pieces) == of_pixel.max(initial=-1) + 1  # there is no dust beside them
        self._slices: list[NDArray[np.bool_]] = []

    def picture(self, parts: Parts) -> tuple[NDArray[np.uint8], Box]:
        """Return the ink of parts in MNIST's form, and its box in the picture."""
        if self._is_all and parts == tuple(range(len(self._pieces))):
            return self._picture.in_mnist_form()
        is_sliced = parts[-1] >= len(self._pieces)  # then there are many to look at
        return self._picture.in_mnist_form(self._pixels_of(parts), closer=not is_sliced)

    def cut(self, parts: Parts, several: float) -> Slices:
        """Cut a mark down the columns that hold least ink."""
        found = self._picture.cut(self._pixels_of(parts))
        first = len(self._pieces) + len(self._slices)
        self._slices += [pixels for pixels, _ in found]
        slices = [Mark((first + index,), box) for index, (_, box) in enumerate(found)]
        return Slices(slices, slice_runs(slices))

    def apart(self, parts: Parts, others: Parts, reach: float) -> float:
        """Return the empty columns between parts and the ink of others in the same rows."""
        step = self._picture.step
        left, top, right, bottom = extent_of(self._pixels_of(parts))
        rows = slice(max(0, top - int(reach / step)), bottom + int(reach / step))
        columns = np.flatnonzero(self._pixels_of(others)[rows].any(axis=0))
        if not columns.size:
            return -math.inf
        gap = max(columns[0] - right, left - columns[-1] - 1)
        return float(gap * step) + self._picture.line_width()  # as far as the ways are apart

    def _pixels_of(self, parts: Parts) -> NDArray[np.bool_]:
        pieces = [self._pieces[part] for part in parts if part < len(self._pieces)]
        chosen: NDArray[np.bool_] = np.isin(self._of_pixel, pieces)
        for part in parts[len(pieces) :]:
            chosen |= self._slices[part - len(self._pieces)]
        return chosen
