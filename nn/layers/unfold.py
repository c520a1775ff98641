"""Lays out what lies under a kernel as the rows of a matrix, so that a convolution is a product."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nn.layers.base import Array, namespace

BLOCK_BYTES = 1 << 19
"""How much of the unfolded input is made at a time: half a megabyte stays in a core's own cache."""


def unfold(padded: Array, size: int, stride: int) -> Iterator[tuple[Array, slice]]:
    """Yield ``(columns, rows)`` of a contiguous ``padded``, a few images at a time.

    ``columns: (positions, size * size * channels)`` has a row for each position of the kernel: what
    lies under it. ``rows`` says which rows of the whole batch's these are. The memory is used again
    for the next block. Of other libraries' arrays the whole batch is unfolded at once.
    """
    batch, height, width, channels = padded.shape
    out_height, out_width = (height - size) // stride + 1, (width - size) // stride + 1
    positions, values = out_height * out_width, size * size * channels
    if not isinstance(padded, np.ndarray):
        yield _side_by_side(padded, size, stride), slice(0, batch * positions)
        return
    step = max(1, min(batch, BLOCK_BYTES // (positions * values * padded.itemsize)))
    by_image, by_row, by_column, by_channel = padded.strides
    # What ``as_strided`` gives, without its checks, which take longer than a small product.
    windows: Array = np.ndarray(
        (batch, out_height, out_width, size, size, channels),
        padded.dtype,
        padded,
        strides=(by_image, by_row * stride, by_column * stride, by_row, by_column, by_channel),
    )
    block = np.empty((step, out_height, out_width, size, size, channels), padded.dtype)
    for first in range(0, batch, step):
        count = min(step, batch - first)
        np.copyto(block[:count], windows[first : first + count])
        columns = block[:count].reshape(count * positions, values)
        yield columns, slice(first * positions, (first + count) * positions)


def _side_by_side(padded: Array, size: int, stride: int) -> Array:
    """Put the input, moved to each place of the kernel, beside itself, by the standard alone."""
    xp = namespace(padded)
    _, height, width, channels = padded.shape
    rows = [slice(row, height - size + row + 1, stride) for row in range(size)]
    columns = [slice(column, width - size + column + 1, stride) for column in range(size)]
    moved = [padded[:, row, column, :] for row in rows for column in columns]
    unfolded: Array = xp.reshape(xp.concat(moved, axis=3), (-1, size * size * channels))
    return unfolded
