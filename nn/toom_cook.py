"""A convolution with less than half the multiplications: rows as polynomials, known by some values.

Seven rows of a result need nine rows of the input and, for each column of the kernel, 3 x 7 = 21
multiplications. But a product of polynomials is known when its values at nine points
are, and a value of a product is a product of values: nine multiplications. Toom (1963) and Cook
(1966) did so for numbers; Winograd ("Arithmetic Complexity of Computations", 1980) turned it round
for filters: what multiplies polynomials, transposed, correlates. Lavin and Gray ("Fast Algorithms
for Convolutional Neural Networks", 2016) do so along rows and columns; along rows alone the sums
stay long, which NumPy needs to be fast, and the rounding stays that of a float32: with these points
the shipped network's probabilities are within 1e-5 of those of the plain sum, and about as near to
the exact ones.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np

from nn.layers.base import Array
from nn.layers.product import arranged, combine, products

SIZE = 3
"""The kernel's rows and columns."""
POINTS = (0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, -0.75)
"""Where polynomials are evaluated, and at infinity: near 1, so that no power is large, or small."""
ROWS = len(POINTS) - 1
"""So many rows of the result are computed together: more need more points, and round worse."""


@functools.cache
def transforms() -> tuple[Array, Array, Array]:
    """Return the matrices ``of_input: (9, 9)``, ``of_kernel: (9, 3)``, ``of_output: (7, 9)``.

    ``of_output @ ((of_kernel @ w) * (of_input @ x))`` is the correlation of ``x: (9,)`` with
    ``w: (3,)``, seven values; float64. They are kept for all callers, who must not change them.
    """
    count = ROWS + SIZE - 1
    of_input = np.zeros((count, count))
    of_kernel = np.zeros((count, SIZE))
    of_output = np.zeros((ROWS, count))
    for i, point in enumerate(POINTS):
        others = [other for other in POINTS if other != point]
        scale = math.prod(point - other for other in others)
        of_input[i, :-1] = np.array(_with_roots(others)) / scale  # Lagrange's polynomial
        of_kernel[i] = [point**power for power in range(SIZE)]
        of_output[:, i] = [point**power for power in range(ROWS)]
    of_input[-1] = _with_roots(POINTS)
    of_kernel[-1, -1] = of_output[-1, -1] = 1  # infinity: there the last factor is all that counts
    return of_input, of_kernel, of_output


def _with_roots(roots: Sequence[float]) -> list[float]:
    """Return the factors of the product of all ``t - root``, that of the lowest power first."""
    factors = [1.0]
    for root in roots:
        pairs = zip([0.0, *factors], [*factors, 0.0], strict=True)
        factors = [above - root * same for above, same in pairs]
    return factors


class Kernel:
    """A kernel ``(3, 3, inputs, outputs)``, evaluated at the points."""

    def __init__(self, weight: Array) -> None:
        _, _, inputs, outputs = weight.shape
        of_input, of_kernel, of_output = transforms()
        rows = arranged(weight.reshape(SIZE, SIZE * inputs, outputs))
        values: Array = np.empty_like(rows, shape=(len(of_kernel), *rows.shape[1:]))
        combine(of_kernel.astype(np.float32), _as_runs(rows), _as_runs(values))
        self.values = values
        """``(points, 3 * inputs, outputs)``, `arranged`"""
        self.of_input, self.of_output = of_input.astype(np.float32), of_output.astype(np.float32)


def _as_runs(rows: Array) -> Array:
    """Return `arranged` rows as one run of numbers each, in the order in which they lie."""
    return rows.ravel("K").reshape(len(rows), -1)


class Room:
    """Room for the convolution of ``batch`` images, used again and again."""

    def __init__(self, kernel: Kernel, batch: int, height: int, width: int, padding: int) -> None:
        points, depth, outputs = kernel.values.shape
        inputs = depth // SIZE
        high, wide = height + 2 * padding - SIZE + 1, width + 2 * padding - SIZE + 1
        tiles = -(-high // ROWS)
        self._kernel = kernel
        padded = np.zeros((batch, tiles * ROWS + SIZE - 1, wide + SIZE - 1, inputs), np.float32)
        self.input = padded[:, padding : padding + height, padding : padding + width]
        """``(batch, height, width, inputs)``, to be filled; around it zeros stay zeros."""
        by_image, by_row, by_column, by_value = padded.strides
        self._tiles: Array = np.ndarray(
            (batch, tiles, points, padded[0, 0].size),
            np.float32,
            padded,
            strides=(by_image, by_row * ROWS, by_row, by_value),
        )
        values = np.empty((points, batch, tiles, padded[0, 0].size), np.float32)
        self._values = values.transpose(1, 2, 0, 3)
        self._windows: Array = np.ndarray(
            (points, batch, tiles, wide, depth),
            np.float32,
            values,
            strides=(*values.strides[:3], by_column, by_value),
        )
        self._columns = np.empty((points, batch * tiles * wide, depth), np.float32)
        self._columns_as_windows = self._columns.reshape(self._windows.shape)
        self._sums = np.empty((points, batch * tiles * wide, outputs), np.float32)
        by_point = self._sums.reshape(points, batch, tiles, wide * outputs)
        self._sums_as_tiles = by_point.transpose(1, 2, 0, 3)
        self._result = np.empty((batch, tiles, ROWS, wide * outputs), np.float32)
        self.output = self._result.reshape(batch, tiles * ROWS, wide, outputs)[:, :high]
        """``(batch, height', width', outputs)``, what `run` has found."""

    def run(self) -> None:
        """Correlate the input with the kernel."""
        combine(self._kernel.of_input, self._tiles, self._values)
        np.copyto(self._columns_as_windows, self._windows)
        products(self._columns, self._kernel.values, self._sums)
        combine(self._kernel.of_output, self._sums_as_tiles, self._result)
