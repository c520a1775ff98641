"""Lays out what lies under a kernel as the rows of a matrix, so that a convolution is a product."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from nn.layers.base import Array, namespace

BLOCK_BYTES = 2 << 20
"""How much of the unfolded input is made at a time: it stays in a cache until it is multiplied, and
the products are long enough that threads seldom wait for each other."""


class Frame(NamedTuple):
    """Zeros that an image is laid upon before a kernel slides over it."""

    height: int
    width: int
    margin: int
    """Rows above the image's first, and columns before it."""
    apart: int = 1
    """From one of the image's rows or columns to the next: 1 leaves no zeros between them."""

    def positions(self, size: int, stride: int) -> tuple[int, int]:
        """Return how many positions a kernel has down and across."""
        return (self.height - size) // stride + 1, (self.width - size) // stride + 1

    def lay(self, x: Array, upon: Array) -> None:
        """Write the images ``x`` upon as many of zeros, in place."""
        first, apart = self.margin, self.apart
        rows, columns = (slice(first, first + side * apart, apart) for side in x.shape[1:3])
        upon[:, rows, columns, :] = x


def unfold(x: Array, frame: Frame, size: int, stride: int = 1) -> Iterator[tuple[Array, slice]]:
    """Yield ``(columns, rows)`` of ``x: (batch, height, width, channels)``, some images at a time.

    ``columns: (positions, size * size * channels)`` has a row for each position of the kernel: what
    lies under it. ``rows`` says which rows of the whole batch's these are. The memory is used again
    for the next images. Of other libraries' arrays the whole batch is unfolded at once.
    """
    batch, channels = x.shape[0], x.shape[3]
    down, across = frame.positions(size, stride)
    positions, values = down * across, size * size * channels
    if not isinstance(x, np.ndarray):
        shape = (batch, frame.height, frame.width, channels)
        framed: Array = namespace(x).zeros(shape, dtype=x.dtype)
        frame.lay(x, framed)
        yield _side_by_side(framed, size, stride), slice(0, batch * positions)
        return
    step = max(1, min(batch, BLOCK_BYTES // (positions * values * x.itemsize)))
    framed = np.zeros((step, frame.height, frame.width, channels), x.dtype)
    by_image, by_row, by_column, by_channel = framed.strides
    # What ``as_strided`` gives, without its checks, which take longer than a small product.
    windows: Array = np.ndarray(
        (step, down, across, size, size, channels),
        x.dtype,
        framed,
        strides=(by_image, by_row * stride, by_column * stride, by_row, by_column, by_channel),
    )
    block = np.empty((step, down, across, size, size, channels), x.dtype)
    for first in range(0, batch, step):
        count = min(step, batch - first)
        frame.lay(x[first : first + count], framed[:count])
        np.copyto(block[:count], windows[:count])
        columns = block[:count].reshape(count * positions, values)
        yield columns, slice(first * positions, (first + count) * positions)


def _side_by_side(framed: Array, size: int, stride: int) -> Array:
    """Put the input, moved to each place of the kernel, beside itself, by the standard alone."""
    xp = namespace(framed)
    _, height, width, channels = framed.shape
    rows = [slice(row, height - size + row + 1, stride) for row in range(size)]
    columns = [slice(column, width - size + column + 1, stride) for column in range(size)]
    moved = [framed[:, row, column, :] for row in rows for column in columns]
    unfolded: Array = xp.reshape(xp.concat(moved, axis=3), (-1, size * size * channels))
    return unfolded
