"""Ways to write a 3x3 convolution of one image in NumPy, timed; runs in any Python that has `nn`.

All take ``x: (height, width, inputs)`` and ``weight: (3, 3, inputs, outputs)`` and pad by one; the
order of axes in what they return is their own.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from nn import toom_cook

Floats = NDArray[np.float32]
SHAPES = ((14, 16, 32), (14, 32, 32), (7, 32, 64), (7, 64, 96))
"""Side, inputs and outputs of the shipped network's 3x3 layers."""


def unfolded(x: Floats, weight: Floats) -> Floats:
    """im2col: a row for each position of the kernel, then one product."""
    return _columns(x) @ weight.reshape(-1, weight.shape[-1])


def unfolded_einsum(x: Floats, weight: Floats) -> Floats:
    """im2col, the product by einsum with both operands running along the sum."""
    turned = np.asfortranarray(weight.reshape(-1, weight.shape[-1]))
    return np.einsum("ij,jk->ik", _columns(x), turned)


def wide(x: Floats, weight: Floats) -> Floats:
    """im2col with channels first: the second operand is as wide as there are positions."""
    height, width, inputs = x.shape
    first = np.ascontiguousarray(_padded(x).transpose(2, 0, 1))
    by_channel, by_row, by_column = first.strides
    windows = as_strided(
        first,
        (inputs, 3, 3, height, width),
        (by_channel, by_row, by_column, by_row, by_column),
    )
    kernel = weight.transpose(3, 2, 0, 1).reshape(weight.shape[-1], -1)
    return kernel @ windows.reshape(inputs * 9, height * width)


def shifted(x: Floats, weight: Floats) -> Floats:
    """Nine products, one for each place in the kernel, added up."""
    height, width, inputs = x.shape
    padded = _padded(x)
    out = np.zeros((height * width, weight.shape[-1]), np.float32)
    for row in range(3):
        for column in range(3):
            part = padded[row : row + height, column : column + width].reshape(-1, inputs)
            out += part @ weight[row, column]
    return out


def prepared(x: Floats, weight: Floats) -> Callable[[], object]:
    """Toom-Cook along the rows, its kernel and its room made before, as the page reads."""
    height, width, _ = x.shape
    room = toom_cook.Room(toom_cook.Kernel(weight), 1, height, width, padding=1)

    def run() -> None:
        np.copyto(room.input, x)
        room.run()

    return run


WAYS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "im2col, matmul": unfolded,
    "im2col, einsum": unfolded_einsum,
    "wide second operand": wide,
    "nine shifted products": shifted,
}


def measure(rounds: int = 40) -> dict[str, Any]:
    """Return the milliseconds of each way for each shape, in turn, medians; and their MFLOP."""
    rng = np.random.default_rng(0)
    names = [*WAYS, "Toom-Cook, 9 for 21"]
    found: dict[str, Any] = {"ms": {name: [] for name in names}, "mflop": []}
    for side, inputs, outputs in SHAPES:
        x = rng.standard_normal((side, side, inputs), dtype=np.float32)
        weight = rng.standard_normal((3, 3, inputs, outputs), dtype=np.float32)
        times: dict[str, list[float]] = {name: [] for name in names}
        ways = [functools.partial(way, x, weight) for way in WAYS.values()]
        ways.append(prepared(x, weight))
        for _ in range(rounds):
            for name, way in zip(names, ways, strict=True):
                start = time.perf_counter()
                way()
                times[name].append(time.perf_counter() - start)
        for name, taken in times.items():
            found["ms"][name].append(1000 * sorted(taken)[rounds // 2])
        found["mflop"].append(2e-6 * 9 * side * side * inputs * outputs)
    return found


def _padded(x: Floats) -> Floats:
    padded = np.zeros((x.shape[0] + 2, x.shape[1] + 2, x.shape[2]), x.dtype)
    padded[1:-1, 1:-1] = x
    return padded


def _columns(x: Floats) -> Floats:
    height, width, inputs = x.shape
    padded = _padded(x)
    by_row, by_column, by_channel = padded.strides
    windows = as_strided(
        padded,
        (height, width, 3, 3, inputs),
        (by_row, by_column, by_row, by_column, by_channel),
    )
    return windows.reshape(height * width, 9 * inputs)
