"""The matrix products that convolutions are made of, whichever way is fastest where it runs."""

from __future__ import annotations

import sys

import numpy as np

from nn.layers.base import Array

HAS_BLAS = sys.platform != "emscripten"
"""In a browser NumPy has no library for products: ``matmul`` is three plain loops there."""
WORTH_EINSUM = 64
"""Shorter sums than this end before ``einsum``'s start-up has paid for itself."""


def product(a: Array, b: Array, out: Array, rows: slice = slice(None)) -> None:
    """Write ``a @ b``, of ``(m, k)`` and ``(k, n)``, into so many ``rows`` of ``out``: ``(m, n)``.

    Without BLAS ``einsum`` is twice as fast as ``matmul``: where both operands run along the sum,
    as here, its inner loop takes four numbers at a time. Turning ``b`` round for that costs little,
    for it is small.
    """
    if not isinstance(out, np.ndarray):
        out[rows, :] = a @ b
    elif HAS_BLAS or a.shape[1] < WORTH_EINSUM:
        np.matmul(a, b, out=out[rows])
    else:
        np.einsum("ij,jk->ik", a, np.asfortranarray(b), out=out[rows])


def arranged(b: Array) -> Array:
    """Return second operands ``(..., k, n)`` as `product` and `products` take them fastest."""
    if HAS_BLAS:
        return np.ascontiguousarray(b)
    return np.ascontiguousarray(b.swapaxes(-1, -2)).swapaxes(-1, -2)


def products(a: Array, b: Array, out: Array) -> None:
    """Write each ``a @ b`` into ``out``: ``(p, m, k)``, `arranged` ``(p, k, n)``, ``(p, m, n)``.

    One after the other, where ``einsum`` does it: its loops over two axes are faster than over
    three.
    """
    if HAS_BLAS:
        np.matmul(a, b, out=out)
        return
    for left, right, sums in zip(a, b, out, strict=True):
        np.einsum("ij,jk->ik", left, right, out=sums)


def combine(matrix: Array, rows: Array, out: Array) -> None:
    """Write ``matrix @ rows`` into ``out``, of small ``(m, k)`` and long rows ``(..., k, n)``."""
    if HAS_BLAS:
        np.matmul(matrix, rows, out=out)
    else:  # here the second operand runs along its rows, and so does the inner loop
        np.einsum("ij,...jk->...ik", matrix, rows, out=out)
