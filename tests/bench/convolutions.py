"""Ways to write a 3x3 convolution of one image in NumPy, timed; runs in any Python that has `nn`.

All take ``x: (height, width, inputs)``, ``weight: (3, 3, inputs, outputs)`` and how many zeros to
put around ``x``; the order of axes in what they return is their own.
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
SHAPES = (
    (14, 16, 32, 1),
    (14, 32, 32, 1),
    (7, 32, 64, 1),
    (7, 64, 64, 0),
    (5, 64, 64, 0),
    (3, 64, 64, 0),
)
"""Side, inputs, outputs and padding of the shipped network's 3x3 layers."""


def unfolded(x: Floats, weight: Floats, padding: int) -> Floats:
    """im2col: a row for each position of the kernel, then one product."""
    return _columns(x, padding) @ weight.reshape(-1, weight.shape[-1])


def unfolded_einsum(x: Floats, weight: Floats, padding: int) -> Floats:
    """im2col, the product by einsum with both operands running along the sum."""
    turned = np.asfortranarray(weight.reshape(-1, weight.shape[-1]))
    return np.einsum("ij,jk->ik", _columns(x, padding), turned)


def wide(x: Floats, weight: Floats, padding: int) -> Floats:
    """im2col with channels first: the second operand is as wide as there are positions."""
    first = np.ascontiguousarray(_padded(x, padding).transpose(2, 0, 1))
    inputs, height, width = first.shape[0], first.shape[1] - 2, first.shape[2] - 2
    by_channel, by_row, by_column = first.strides
    windows = as_strided(
        first,
        (inputs, 3, 3, height, width),
        (by_channel, by_row, by_column, by_row, by_column),
    )
    kernel = weight.transpose(3, 2, 0, 1).reshape(weight.shape[-1], -1)
    return kernel @ windows.reshape(inputs * 9, height * width)


def shifted(x: Floats, weight: Floats, padding: int) -> Floats:
    """Nine products, one for each place in the kernel, added up."""
    padded = _padded(x, padding)
    height, width, inputs = padded.shape[0] - 2, padded.shape[1] - 2, padded.shape[2]
    out = np.zeros((height * width, weight.shape[-1]), np.float32)
    for row in range(3):
        for column in range(3):
            part = padded[row : row + height, column : column + width].reshape(-1, inputs)
            out += part @ weight[row, column]
    return out


def prepared(x: Floats, weight: Floats, padding: int) -> Callable[[], object]:
    """Toom-Cook along the rows, its kernel and its room made before, as the page reads."""
    height, width, _ = x.shape
    room = toom_cook.Room(toom_cook.Kernel(weight), 1, height, width, padding)

    def run() -> None:
        np.copyto(room.input, x)
        room.run()

    return run


WAYS: dict[str, Callable[[Floats, Floats, int], Floats]] = {
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
    for side, inputs, outputs, padding in SHAPES:
        x = rng.standard_normal((side, side, inputs), dtype=np.float32)
        weight = rng.standard_normal((3, 3, inputs, outputs), dtype=np.float32)
        times: dict[str, list[float]] = {name: [] for name in names}
        ways = [functools.partial(way, x, weight, padding) for way in WAYS.values()]
        ways.append(prepared(x, weight, padding))
        for _ in range(rounds):
            for name, way in zip(names, ways, strict=True):
                start = time.perf_counter()
                way()
                times[name].append(time.perf_counter() - start)
        for name, taken in times.items():
            found["ms"][name].append(1000 * sorted(taken)[rounds // 2])
        found["mflop"].append(2e-6 * 9 * (side + 2 * padding - 2) ** 2 * inputs * outputs)
    return found


def _padded(x: Floats, padding: int) -> Floats:
    if padding == 0:
        return x
    height, width, inputs = x.shape
    padded = np.zeros((height + 2 * padding, width + 2 * padding, inputs), x.dtype)
    padded[padding:-padding, padding:-padding] = x
    return padded


def _columns(x: Floats, padding: int) -> Floats:
    padded = _padded(x, padding)
    height, width, inputs = padded.shape[0] - 2, padded.shape[1] - 2, padded.shape[2]
    by_row, by_column, by_channel = padded.strides
    windows = as_strided(
        padded,
        (height, width, 3, 3, inputs),
        (by_row, by_column, by_row, by_column, by_channel),
    )
    return windows.reshape(height * width, 9 * inputs)
