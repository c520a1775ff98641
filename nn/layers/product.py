"""The matrix product that convolutions are made of, whichever way is fastest where it runs."""

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
